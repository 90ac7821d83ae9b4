/* SPDX-License-Identifier: Apache-2.0 */
/* Which stories are told, how often, and what is said of them. */
#include "nt/stories-jobs.h"

#include "base/names.h"
#include "base/quote.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const struct us_stories *us_stories_find(const char *device)
{
	for (const struct us_builtin_stories *b = us_builtin_stories; b->device; b++)
		if (!strcmp(b->device, device))
			return b->stories;
	return NULL;
}

/* The selected stories in their order, which the caller frees; how many, or negative with a sentence and nothing to
 * free. */
static int choose(const struct us_telling *telling, const struct us_stories *own, struct us_chosen **chosen,
		  struct us_error *err)
{
	const struct us_stories *const all[] = {&us_generic_stories, own};
	size_t count = 0, room = 0;

	*chosen = NULL;
	for (unsigned i = 0; i < 2 && all[i]; i++)
		for (const struct us_story *const *list = all[i]->lists; *list; list++)
			for (const struct us_story *story = *list; story->name; story++) {
				if (!us_name_is_chosen(telling->filter, story->name))
					continue;
				if (count == room) {
					struct us_chosen *more = realloc(*chosen, (room += 64) * sizeof *more);

					if (!more) {
						free(*chosen);
						return us_fail(err, -ENOMEM, "out of memory");
					}
					*chosen = more;
				}
				(*chosen)[count++] = (struct us_chosen){all[i], own, story};
			}
	return count ? (int)count
		     : us_fail(err, -ENOENT, "no story is called '%s': --list says which there are", telling->filter);
}

int us_stories_list(const struct us_telling *telling, const struct us_stories *own, FILE *out, struct us_error *err)
{
	struct us_chosen *chosen;
	int count = choose(telling, own, &chosen, err);

	if (count < 0)
		return count;
	for (int i = 0; i < count; i++)
		fprintf(out, "%s\n", chosen[i].story->name);
	free(chosen);
	return 0;
}

/* -- one story ---------------------------------------------------------------------------------------------------- */

static int rehearse(const struct us_rehearsal *rehearsal, const struct us_story *story, struct us_told *told,
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

static void set_up(const struct us_telling *telling, const struct us_chosen *chosen, struct us_rehearsal *rehearsal)
{
	const struct us_stories *registry = chosen->from->nregistry || !chosen->own ? chosen->from : chosen->own;
	const struct us_story *story = chosen->story;

	*rehearsal = telling->rehearsal;
	rehearsal->registry = registry->registry;
	rehearsal->nregistry = registry->nregistry;
	if (!telling->grant_is_given || story->flags & US_STORY_OWN_GRANT) {
		rehearsal->grant = story->grant;
		rehearsal->messages = story->messages;
	}
}

uint64_t us_story_last_seed(const struct us_telling *telling, const struct us_story *story)
{
	return story->flags & US_STORY_ONCE ? telling->first_seed : telling->last_seed;
}

int us_story_tell(const struct us_telling *telling, const struct us_chosen *chosen, uint64_t first, uint64_t last,
		  struct us_told *told, struct us_error *err)
{
	const bool each_failure = chosen->story->flags & US_STORY_EVERY_FAILURE && !telling->rehearsal.fail_nth;
	struct us_rehearsal rehearsal;
	uint64_t failable = 0, more;
	int rc = 0;

	set_up(telling, chosen, &rehearsal);
	for (uint64_t seed = first; !rc && !told->failed && seed <= last; seed++) {
		rehearsal.seed = seed;
		rehearsal.fail_nth = telling->rehearsal.fail_nth;
		rc = rehearse(&rehearsal, chosen->story, told, &failable, err);
		for (unsigned nth = 1; each_failure && !rc && !told->failed && nth <= failable; nth++) {
			rehearsal.fail_nth = nth;
			rc = rehearse(&rehearsal, chosen->story, told, &more, err);
		}
		if (seed == UINT64_MAX)
			break;
	}
	return rc;
}

/* -- what is said of it ------------------------------------------------------------------------------------------- */

/* The command that runs it again, which the caller frees; NULL: there is none. */
static char *replay(const struct us_telling *telling, const struct us_story *story, const struct us_told *told)
{
	char *command, fail[32] = "";

	if (told->fail_nth)
		snprintf(fail, sizeof fail, " --fail %u", told->fail_nth);
	if (!telling->again || asprintf(&command, "%s --filter '%s' --seed %" PRIu64 "%s", telling->again, story->name,
					told->seed, fail) < 0)
		return NULL;
	return command;
}

static void say_why(const struct us_telling *telling, const struct us_story *story, const struct us_told *told)
{
	char *again = replay(telling, story, told);
	FILE *out = telling->tap;

	fprintf(out, "  ---\n  outcome: %s\n", us_nt_outcome_name(told->report.outcome));
	if (told->report.rule[0])
		fprintf(out, "  rule: %s\n", told->report.rule);
	us_put_yaml_member(out, "message", told->report.text);
	if (again)
		us_put_yaml_member(out, "again", again);
	fputs("  ...\n", out);
	if (telling->reports && told->report.details) {
		fprintf(telling->reports, "\n%s, seed %" PRIu64 ": %s", story->name, told->seed, told->report.details);
		if (again)
			fprintf(telling->reports, "again: %s\n", again);
	}
	free(again);
}

static void say(const struct us_telling *telling, unsigned number, const struct us_story *story,
		const struct us_told *told)
{
	FILE *out = telling->tap;

	fprintf(out, "%sok %u - %s # %" PRIu64 " rehearsal%s, %" PRIu64 " points\n", told->failed ? "not " : "", number,
		story->name, told->rehearsals, told->rehearsals == 1 ? "" : "s", told->points);
	if (told->failed)
		say_why(telling, story, told);
	fflush(out);
}

/* -- all ---------------------------------------------------------------------------------------------------------- */

/* One story of all: tells it, or waits for those who do, and says what came of it. */
static int account(const struct us_telling *telling, const struct us_chosen *chosen, unsigned n, struct us_jobs *jobs,
		   struct us_telling_result *result, struct us_error *err)
{
	const struct us_story *story = chosen[n].story;
	struct us_told told = {0};
	int rc;

	rc = jobs ? us_jobs_told(jobs, n, &told, err)
		  : us_story_tell(telling, &chosen[n], telling->first_seed, us_story_last_seed(telling, story), &told,
				  err);
	if (telling->progress)
		fputs("\r\033[K", telling->progress);
	if (rc)
		return rc;
	say(telling, n + 1, story, &told);
	result->rehearsals += told.rehearsals;
	if (told.failed)
		result->failed++;
	else
		result->passed++;
	us_rehearsal_free(&told.report);
	return 0;
}

static int account_for_all(const struct us_telling *telling, const struct us_chosen *chosen, unsigned count,
			   struct us_jobs *jobs, bool virtual_time, struct us_telling_result *result,
			   struct us_error *err)
{
	int rc = 0;

	fprintf(telling->tap, "TAP version 14\n1..%u\n", count);
	fflush(telling->tap);
	for (unsigned n = 0; !rc && n < count; n++) {
		const struct us_story *story = chosen[n].story;

		if (telling->progress)
			fprintf(telling->progress, "\r\033[K%u/%u %s", n + 1, count, story->name);
		if (story->flags & US_STORY_VIRTUAL_TIME && !virtual_time) {
			fprintf(telling->tap, "ok %u - %s # SKIP needs a model in virtual time\n", n + 1, story->name);
			result->skipped++;
		} else {
			rc = account(telling, chosen, n, jobs, result, err);
		}
	}
	if (rc)
		fprintf(telling->tap, "Bail out! %s\n", err->text);
	return rc;
}

/* Several processes can tell only what does not meet outside of them. */
static bool can_be_shared(const struct us_telling *telling, unsigned count, bool virtual_time)
{
	const struct us_rehearsal *r = &telling->rehearsal;

	return telling->jobs > 1 && virtual_time && !r->trace && !r->print && !r->function &&
	       (count > 1 || telling->last_seed > telling->first_seed) && count <= US_JOBS_MOST_STORIES &&
	       telling->last_seed - telling->first_seed < UINT64_MAX / US_JOBS_MOST_STORIES;
}

static int tell_all(const struct us_telling *telling, const struct us_chosen *chosen, unsigned count,
		    struct us_telling_result *result, struct us_error *err)
{
	const char *target = telling->rehearsal.target ? telling->rehearsal.target : "model";
	struct us_telling with_function = *telling;
	struct us_function *fn = NULL;
	struct us_jobs *jobs = NULL;
	bool virtual_time;
	int rc = 0;

	if (!telling->rehearsal.function) {
		if ((rc = us_fn_open(target, telling->rehearsal.model, &fn, err)))
			return rc;
		with_function.rehearsal.function = fn; /* one for all: opening takes longer than many a rehearsal */
	}
	virtual_time = us_fn_info(with_function.rehearsal.function)->virtual_time;
	if (can_be_shared(telling, count, virtual_time)) {
		us_fn_close(fn); /* each process has one of its own */
		fn = NULL;
		rc = us_jobs_start(telling, chosen, count, &jobs, err);
	}
	if (!rc)
		rc = account_for_all(&with_function, chosen, count, jobs, virtual_time, result, err);
	us_jobs_end(jobs);
	us_fn_close(fn);
	return rc;
}

int us_stories_tell(const struct us_telling *telling, const struct us_stories *own, struct us_telling_result *result,
		    struct us_error *err)
{
	struct us_chosen *chosen;
	int count = choose(telling, own, &chosen, err), rc;

	*result = (struct us_telling_result){0};
	if (count < 0)
		return count;
	rc = tell_all(telling, chosen, (unsigned)count, result, err);
	free(chosen);
	return rc;
}
