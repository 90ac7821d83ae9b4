/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling stories: those that fit any driver and those of one driver, each over its seeds, with results as TAP. What
 * `understudy rehearse` runs.
 */
#ifndef UNDERSTUDY_NT_STORIES_H
#define UNDERSTUDY_NT_STORIES_H

#include <understudy/nt.h>

struct us_telling {
	struct us_rehearsal rehearsal; /* seed, grant, messages and registry are each story's */
	uint64_t first_seed, last_seed;
	unsigned jobs; /* so many processes where time is virtual and nothing is traced or printed; 0, 1: this one */
	bool grant_is_given; /* rehearsal.grant holds for all stories */
	const char *filter; /* of names: us_name_is_chosen() */
	const char *again; /* the command without --filter and --seed, for replays */
	FILE *tap;
	FILE *progress; /* a terminal, or NULL */
	FILE *reports; /* where the report of a failure goes, or NULL */
};

struct us_telling_result {
	unsigned passed, failed, skipped; /* stories */
	uint64_t rehearsals;
};

/* The stories that a driver brings along, by the name of its device; NULL: none are known. devices/builtin.c */
const struct us_stories *us_stories_find(const char *device);

struct us_builtin_stories {
	const char *device;
	const struct us_stories *stories;
};
extern const struct us_builtin_stories us_builtin_stories[]; /* ends with a NULL name */

/* Stories for any driver of one PCI function (stories-generic.c). */
extern const struct us_stories us_generic_stories;

/* The names, one a line. -ENOENT with a sentence when the filter selects nothing. */
int us_stories_list(const struct us_telling *telling, const struct us_stories *own, FILE *out, struct us_error *err);

/*
 * Tells the generic stories and `own` (or NULL). 0 whatever the results are; negative with a sentence when a rehearsal
 * could not begin, or the filter selects nothing. What is said is the same for any number of processes. More than one
 * are for a process with one thread that has rehearsed nothing yet: they are forked from it.
 */
int us_stories_tell(const struct us_telling *telling, const struct us_stories *own, struct us_telling_result *result,
		    struct us_error *err);

#endif
