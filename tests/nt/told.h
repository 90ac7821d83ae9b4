/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of the crypto driver whose traces are looked at. */
#ifndef TESTS_NT_TOLD_H
#define TESTS_NT_TOLD_H

#include <understudy/nt.h>

/* A run: what the trace said, and how it ended. told_free() it. */
struct told {
	char *trace;
	size_t size;
	struct us_rehearsal_report report;
};

/* The model that all runs of this process are against. */
struct us_function *told_model(void);

/* Tells a story of the crypto driver's suite; `fail_nth` as in struct us_rehearsal. The test fails when it can not begin. */
struct told told_story(const char *driver, const struct us_story *story, uint64_t seed, unsigned cpus, unsigned fail_nth);
void told_free(struct told *told);

/* All stories of the suite, the generic ones first: the `n`th, or NULL behind the last. */
const struct us_story *told_nth(unsigned n);
const struct us_story *told_find(const char *name);

#endif
