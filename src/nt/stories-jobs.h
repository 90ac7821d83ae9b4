/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stories told by several processes at once. The work is cut into pieces, a story with some of its seeds each, which
 * the processes take in order; what came of a story is the same as if one process had told it alone: all before the
 * first seed that failed, and nothing behind it.
 */
#ifndef UNDERSTUDY_NT_STORIES_JOBS_H
#define UNDERSTUDY_NT_STORIES_JOBS_H

#include "nt/stories.h"

/* A story that was chosen. */
struct us_chosen {
	const struct us_stories *from, *own; /* where it comes from; the driver's stories, or NULL */
	const struct us_story *story;
};

/* What a story's seeds came to. */
struct us_told {
	struct us_rehearsal_report report; /* of the first that failed */
	uint64_t seed; /* its seed */
	unsigned fail_nth; /* the call that was made to fail in it, or 0 */
	uint64_t rehearsals, points;
	bool failed;
};

/*
 * Tells a story in this process with the seeds from `first` to `last`, and where it bears that, with each call failing.
 * Until the first failure. 0, or negative with a sentence: a rehearsal could not begin. stories.c
 */
int us_story_tell(const struct us_telling *telling, const struct us_chosen *chosen, uint64_t first, uint64_t last,
		  struct us_told *told, struct us_error *err);

/* The last seed that a story is told with. */
uint64_t us_story_last_seed(const struct us_telling *telling, const struct us_story *story);

/* Seeds times stories have to be a number of 64 bits. */
#define US_JOBS_MOST_STORIES 65536

struct us_jobs;

/*
 * Starts telling->jobs processes on `count` stories; what the pointers name stays until the end. 0 and *jobs, to be
 * ended with us_jobs_end(), or negative with a sentence.
 */
int us_jobs_start(const struct us_telling *telling, const struct us_chosen *chosen, unsigned count,
		  struct us_jobs **jobs, struct us_error *err);

/* Waits for what came of a story, once for each. As us_story_tell() with all seeds; negative, too, when one died. */
int us_jobs_told(struct us_jobs *jobs, unsigned story, struct us_told *told, struct us_error *err);

/* Ends the processes, wherever they are. NULL: nothing happens. */
void us_jobs_end(struct us_jobs *jobs);

#endif
