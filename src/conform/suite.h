/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conformance suite: tests made from a register map (groups `pci` and `registers`) and a device's own, run on a
 * function whoever plays it.
 *
 *     us_suite_new() -> us_suite_run() or us_suite_list() -> us_suite_free()
 *
 * Nothing here knows a device. One thread at a time for each suite.
 */
#ifndef UNDERSTUDY_CONFORM_SUITE_H
#define UNDERSTUDY_CONFORM_SUITE_H

#include <understudy/conform.h>

#include <stdio.h>

enum us_verdict {
	US_PASSED,
	US_FAILED,
	US_SKIPPED,
};

struct us_suite_options {
	const char *filter; /* of test names: us_name_is_chosen() */
	uint64_t seed;
	const char *again; /* the command that the run was started with, without --filter and --seed; for failures. Or NULL */
	const char *expect; /* file of expected failures, or NULL */
	const char *junit; /* file to write, or NULL */
	bool coverage;
	FILE *tap; /* where results go */
	FILE *progress; /* a terminal for the progress line, or NULL */
};

/* Who opens the function: at the start, and again when it can not be reset or a test lost it. */
struct us_suite_target {
	int (*open)(void *ctx, struct us_function **fn, struct us_error *err);
	void *ctx;
};

struct us_suite_result {
	unsigned passed, failed, skipped;
	unsigned expected; /* failures, of those in `failed`, that the file of expected failures names */
	unsigned unexpected; /* named there, and passed: the file should be brought up to date */
	bool bailed; /* the function was lost and did not come back */
};

struct us_suite;

/*
 * The tests of `map`, with the device's `own` (or NULL). `map`, `own` and what `options` points to stay the caller's and
 * must outlive the suite. -EINVAL with a sentence: a wrong file of expected failures, a filter that selects nothing, a
 * us_raised_by that can not be, a claim for a test that there is not, tests for another interface.
 */
int us_suite_new(const struct us_map *map, const struct us_conform *own, const struct us_suite_options *options,
		 struct us_suite **suite, struct us_error *err);
void us_suite_free(struct us_suite *suite);

/* One selected test a line: its name, and the requirements that it checks. */
void us_suite_list(const struct us_suite *suite, FILE *out);

/*
 * Runs the selected tests. 0 whatever their results are, which *result has; negative with a sentence when there are
 * none: the function could not be opened, or the JUnit file not be written.
 */
int us_suite_run(struct us_suite *suite, const struct us_suite_target *target, struct us_suite_result *result,
		 struct us_error *err);

/* What became of the test of that name: for tests of the suite itself. NULL: no such test, or it did not run. */
const char *us_suite_verdict(const struct us_suite *suite, const char *name, enum us_verdict *verdict);

#endif
