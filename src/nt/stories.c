/* SPDX-License-Identifier: Apache-2.0 */
/* Which stories are told, how often, and what is said of them. */
#include "nt/stories.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>

/* What a story's seeds came to. */
struct told {
	struct us_rehearsal_report report; /* of the first that failed */
	uint64_t seed; /* its seed */
	unsigned fail_nth; /* the call that was made to fail in it, or 0 */
	uint64_t rehearsals, points;
	bool failed;
};

const struct us_stories *us_stories_find(const char *device)
{
	for (const struct us_builtin_stories *b = us_builtin_stories; b->device; b++)
		if (!strcmp(b->device, device))
			return b->stories;
	return NULL;
}

static bool is_selected(const struct us_telling *telling, const char *name)
{
	const char *at = telling->filter;
	char pattern[128];

	if (!at)
		return true;
	for (;;) {
		size_t length = strcspn(at, ",");

		snprintf(pattern, sizeof pattern, "%.*s", (int)length, at);
		if (!fnmatch(pattern, name, 0))
			return true;
		if (!at[length])
			return false;
		at += length + 1;
	}
}

/* Calls visit for each selected story, with where it comes from; stops at what is not 0. */
static int each(const struct us_telling *telling, const struct us_stories *own,
		int (*visit)(void *ctx, const struct us_stories *from, const struct us_story *story), void *ctx)
{
	const struct us_stories *const all[] = {&us_generic_stories, own};
	int rc;

	for (unsigned i = 0; i < 2 && all[i]; i++)
		for (const struct us_story *const *list = all[i]->lists; *list; list++)
			for (const struct us_story *story = *list; story->name; story++)
				if (is_selected(telling, story->name) && (rc = visit(ctx, all[i], story)))
					return rc;
	return 0;
}

static int list_one(void *ctx, const struct us_stories *from, const struct us_story *story)
{
	(void)from;
	fprintf(ctx, "%s\n", story->name);
	return 0;
}

void us_stories_list(const struct us_telling *telling, const struct us_stories *own, FILE *out)
{
	each(telling, own, list_one, out);
}

static int count_one(void *ctx, const struct us_stories *from, const struct us_story *story)
{
	(void)from, (void)story;
	++*(unsigned *)ctx;
	return 0;
}

/* -- one story
 * --------------------------------------------------------------------------------------------------------- */

static int rehearse(const struct us_rehearsal *rehearsal, const struct us_story *story, struct told *told,
		    uint64_t *failable, struct us_error *err)
{
	struct us_rehearsal_report report = {0};
	int rc = us_rehearse(rehearsal, story->tell, NULL, &report, err);

	if (rc)
		return rc;
	told->rehearsals++;
	told->points += report.points;
	*failable = report.failable;
	if (report.outcome == US_NT_PASSED) {
		us_rehearsal_free(&report);
		return 0;
	}
	told->failed = true;
	told->seed = rehearsal->seed;
	told->fail_nth = rehearsal->fail_nth;
	told->report = report;
	return 0;
}

static void set_up(const struct us_telling *telling, const struct us_stories *from, const struct us_stories *own,
		   const struct us_story *story, struct us_rehearsal *rehearsal)
{
	const struct us_stories *registry = from->nregistry || !own ? from : own;

	*rehearsal = telling->rehearsal;
	rehearsal->registry = registry->registry;
	rehearsal->nregistry = registry->nregistry;
	if (!telling->grant_is_given || story->flags & US_STORY_OWN_GRANT) {
		rehearsal->grant = story->grant;
		rehearsal->messages = story->messages;
	}
}

/* A story with every seed, and where it bears that, with each call failing. Until the first failure. */
static int tell(const struct us_telling *telling, const struct us_stories *from, const struct us_stories *own,
		const struct us_story *story, struct told *told, struct us_error *err)
{
	struct us_rehearsal rehearsal;
	uint64_t failable = 0, more;
	int rc = 0;

	set_up(telling, from, own, story, &rehearsal);
	for (uint64_t seed = telling->first_seed; !rc && !told->failed && seed <= telling->last_seed; seed++) {
		rehearsal.seed = seed;
		rehearsal.fail_nth = telling->rehearsal.fail_nth;
		rc = rehearse(&rehearsal, story, told, &failable, err);
		for (unsigned nth = 1; !rc && !told->failed && story->flags & US_STORY_EVERY_FAILURE &&
				       nth <= failable && !telling->rehearsal.fail_nth;
		     nth++) {
			rehearsal.fail_nth = nth;
			rc = rehearse(&rehearsal, story, told, &more, err);
		}
		if (seed == UINT64_MAX || story->flags & US_STORY_ONCE)
			break;
	}
	return rc;
}

/* -- what is said of it
 * -------------------------------------------------------------------------------------------------- */

static void put_quoted(FILE *out, const char *key, const char *text)
{
	fprintf(out, "  %s: \"", key);
	for (; *text; text++)
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < ' ')
			fputc(' ', out);
		else
			fputc(*text, out);
	fputs("\"\n", out);
}

static void put_replay(FILE *out, const struct us_telling *telling, const struct us_story *story,
		       const struct told *told)
{
	fprintf(out, "%s --filter '%s' --seed %" PRIu64, telling->again, story->name, told->seed);
	if (told->fail_nth)
		fprintf(out, " --fail %u", told->fail_nth);
}

static void say(const struct us_telling *telling, unsigned number, const struct us_story *story,
		const struct told *told)
{
	FILE *out = telling->tap;

	fprintf(out, "%sok %u - %s # %" PRIu64 " rehearsal%s, %" PRIu64 " points\n", told->failed ? "not " : "", number,
		story->name, told->rehearsals, told->rehearsals == 1 ? "" : "s", told->points);
	if (told->failed) {
		fputs("  ---\n", out);
		fprintf(out, "  outcome: %s\n", us_nt_outcome_name(told->report.outcome));
		if (told->report.rule[0])
			fprintf(out, "  rule: %s\n", told->report.rule);
		put_quoted(out, "message", told->report.text);
		if (telling->again) {
			fputs("  again: \"", out);
			put_replay(out, telling, story, told);
			fputs("\"\n", out);
		}
		fputs("  ...\n", out);
		if (telling->reports && told->report.details) {
			fprintf(telling->reports, "\n%s, seed %" PRIu64 ": %s", story->name, told->seed,
				told->report.details);
			if (telling->again) {
				fputs("again: ", telling->reports);
				put_replay(telling->reports, telling, story, told);
				fputs("\n", telling->reports);
			}
		}
	}
	fflush(out);
}

/* -- all
 * --------------------------------------------------------------------------------------------------------------- */

struct run {
	const struct us_telling *telling;
	const struct us_stories *own;
	struct us_telling_result *result;
	struct us_error *err;
	unsigned number, count;
	bool virtual_time;
};

static int tell_one(void *ctx, const struct us_stories *from, const struct us_story *story)
{
	struct run *run = ctx;
	const struct us_telling *telling = run->telling;
	struct told told = {0};
	int rc;

	run->number++;
	if (telling->progress)
		fprintf(telling->progress, "\r\033[K%u/%u %s", run->number, run->count, story->name);
	if (story->flags & US_STORY_VIRTUAL_TIME && !run->virtual_time) {
		fprintf(telling->tap, "ok %u - %s # SKIP needs a model in virtual time\n", run->number, story->name);
		run->result->skipped++;
		return 0;
	}
	rc = tell(telling, from, run->own, story, &told, run->err);
	if (telling->progress)
		fputs("\r\033[K", telling->progress);
	if (rc)
		return rc;
	say(telling, run->number, story, &told);
	run->result->rehearsals += told.rehearsals;
	if (told.failed)
		run->result->failed++;
	else
		run->result->passed++;
	us_rehearsal_free(&told.report);
	return 0;
}

int us_stories_tell(const struct us_telling *telling, const struct us_stories *own, struct us_telling_result *result,
		    struct us_error *err)
{
	struct us_telling with_function = *telling;
	struct run run = {.telling = &with_function, .own = own, .result = result, .err = err};
	struct us_function *fn = NULL;
	int rc;

	*result = (struct us_telling_result){0};
	each(telling, own, count_one, &run.count);
	if (!run.count)
		return us_fail(err, -ENOENT, "no story is called '%s': --list says which there are", telling->filter);
	if (!telling->rehearsal.function) {
		const char *target = telling->rehearsal.target ? telling->rehearsal.target : "model";

		if ((rc = us_fn_open(target, telling->rehearsal.model, &fn, err)))
			return rc;
		with_function.rehearsal.function = fn; /* one for all: opening takes longer than many a rehearsal */
	}
	run.virtual_time = us_fn_info(with_function.rehearsal.function)->virtual_time;
	fprintf(telling->tap, "TAP version 14\n1..%u\n", run.count);
	fflush(telling->tap);
	rc = each(&with_function, own, tell_one, &run);
	if (rc)
		fprintf(telling->tap, "Bail out! %s\n", err->text);
	us_fn_close(fn);
	return rc;
}
