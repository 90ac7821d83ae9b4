/* SPDX-License-Identifier: Apache-2.0 */
#include "told.h"

#include "nt/stories.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct us_function *told_model(void)
{
	static struct us_function *fn;
	struct us_error err;

	if (!fn && us_fn_open("model", "crypto", &fn, &err))
		fail_msg("%s", err.text);
	return fn;
}

struct told told_story(const char *driver, const struct us_story *story, uint64_t seed, unsigned cpus,
		       unsigned fail_nth)
{
	const struct us_stories *crypto = us_stories_find("crypto");
	struct told told = {0};
	FILE *trace = open_memstream(&told.trace, &told.size);
	const struct us_rehearsal rehearsal = {
		.driver = driver,
		.function = told_model(),
		.seed = seed,
		.cpus = cpus,
		.grant = story->grant,
		.messages = story->messages,
		.registry = crypto->registry,
		.nregistry = crypto->nregistry,
		.fail_nth = fail_nth,
		.trace = trace,
	};
	struct us_error err;

	assert_non_null(trace);
	if (us_rehearse(&rehearsal, story->tell, NULL, &told.report, &err))
		fail_msg("%s: %s", story->name, err.text);
	assert_int_equal(fclose(trace), 0);
	return told;
}

void told_free(struct told *told)
{
	free(told->trace);
	us_rehearsal_free(&told->report);
}

const struct us_story *told_nth(unsigned n)
{
	const struct us_stories *const all[] = {&us_generic_stories, us_stories_find("crypto")};

	for (unsigned i = 0; i < 2; i++)
		for (const struct us_story *const *list = all[i]->lists; *list; list++)
			for (const struct us_story *story = *list; story->name; story++)
				if (n-- == 0)
					return story;
	return NULL;
}

const struct us_story *told_find(const char *name)
{
	const struct us_story *story;

	for (unsigned n = 0; (story = told_nth(n)); n++)
		if (strcmp(story->name, name) == 0)
			return story;
	fail_msg("no story is called %s", name);
	return NULL;
}
