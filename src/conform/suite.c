/* SPDX-License-Identifier: Apache-2.0 */
/* From a map to a list of tests, and through it. */
#include "base/names.h"
#include "conform/builtin.h"
#include "conform/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void *us_must(void *memory)
{
	if (memory)
		return memory;
	fputs("understudy: out of memory\n", stderr);
	exit(EXIT_FAILURE);
}

const char *us_plural(size_t n)
{
	return n == 1 ? "" : "s";
}

const struct us_conform *us_conform_find(const char *device)
{
	for (const struct us_builtin_tests *built = us_builtin_tests; built->device; built++)
		if (!strcmp(built->device, device))
			return built->tests;
	return NULL;
}

struct us_case *us_suite_add(struct us_suite *suite, void (*run)(struct us_run *run), const char *format, ...)
{
	struct us_case *test;
	va_list args;

	if (suite->ncases == suite->room) {
		suite->room = suite->room ? suite->room * 2 : 256;
		suite->cases = us_must(realloc(suite->cases, suite->room * sizeof *suite->cases));
	}
	test = &suite->cases[suite->ncases++];
	*test = (struct us_case){.run = run};
	va_start(args, format);
	if (vasprintf(&test->name, format, args) < 0)
		us_must(NULL);
	va_end(args);
	return test;
}

static void run_own(struct us_run *run)
{
	run->test->own(run);
}

static bool group_has(const struct us_test_group *group, size_t i)
{
	return group->ntests ? i < group->ntests : group->tests[i].name != NULL;
}

void us_suite_add_own(struct us_suite *suite)
{
	const struct us_conform *own = suite->own;

	for (size_t g = 0; own && g < own->ngroups; g++)
		for (size_t i = 0; group_has(&own->groups[g], i); i++) {
			const struct us_test *from = &own->groups[g].tests[i];
			struct us_case *test = us_suite_add(suite, run_own, "%s.%s.%s", suite->map->name,
							    own->groups[g].name, from->name);

			test->own = from->run;
			test->requirements = from->requirements;
		}
}

static struct us_case *find_case(const struct us_suite *suite, const char *name)
{
	for (size_t i = 0; i < suite->ncases; i++)
		if (!strcmp(suite->cases[i].name, name))
			return &suite->cases[i];
	return NULL;
}

/* The device's own tests, and the requirements that it says the made ones check. */
static int add_own(struct us_suite *suite, struct us_error *err)
{
	const struct us_conform *own = suite->own;

	if (own && own->abi != US_CONFORM_ABI) /* before anything else in it is believed */
		return us_fail(err, -EINVAL,
			       "the tests of %s were built for test interface %u and this is %u: build them again",
			       suite->map->name, own->abi, US_CONFORM_ABI);
	us_suite_add_own(suite);
	for (size_t c = 0; own && c < own->nclaims; c++) {
		const struct us_claim *claim = &own->claims[c];
		struct us_case *test = find_case(suite, claim->test);

		if (!test)
			return us_fail(err, -EINVAL, "the tests of %s claim %s for '%s', and there is no such test",
				       suite->map->name, claim->requirements, claim->test);
		test->requirements = claim->requirements;
	}
	return 0;
}

/* -- selecting -------------------------------------------------------------------------------------------------- */

static void free_case(struct us_case *test)
{
	free(test->name);
	free(test->notes);
}

static int select_cases(struct us_suite *suite, struct us_error *err)
{
	const size_t all = suite->ncases;

	suite->ncases = 0;
	for (size_t i = 0; i < all; i++) {
		if (us_name_is_chosen(suite->options.filter, suite->cases[i].name))
			suite->cases[suite->ncases++] = suite->cases[i];
		else
			free_case(&suite->cases[i]);
	}
	return suite->ncases ? 0
			     : us_fail(err, -EINVAL, "no test of %s matches '%s': --list shows them", suite->map->name,
				       suite->options.filter);
}

static int check_causes(const struct us_suite *suite, struct us_error *err)
{
	struct us_cause cause;
	int rc = 0;

	for (unsigned n = 0; !rc && us_cause_at(suite->map, n, &cause); n++)
		rc = us_cause_check(suite->map, &cause, err);
	return rc;
}

int us_suite_new(const struct us_map *map, const struct us_conform *own, const struct us_suite_options *options,
		 struct us_suite **out, struct us_error *err)
{
	struct us_suite *suite = us_must(calloc(1, sizeof *suite));
	int rc;

	*out = NULL;
	suite->map = map;
	suite->own = own;
	suite->options = *options;
	us_suite_add_pci(suite);
	us_suite_add_interrupts(suite);
	us_suite_add_power(suite);
	us_suite_add_registers(suite);
	us_suite_add_memory(suite);
	if (!(rc = add_own(suite, err)) && !(rc = check_causes(suite, err)) && options->expect)
		rc = us_expect_read(suite, options->expect, err);
	if (!rc)
		rc = select_cases(suite, err);
	if (rc) {
		us_suite_free(suite);
		return rc;
	}
	if (options->coverage)
		suite->coverage = us_coverage_new(map, own);
	*out = suite;
	return 0;
}

void us_suite_free(struct us_suite *suite)
{
	if (!suite)
		return;
	for (size_t i = 0; i < suite->ncases; i++)
		free_case(&suite->cases[i]);
	free(suite->cases);
	us_expect_free(suite);
	us_coverage_free(suite->coverage);
	free(suite);
}

void us_suite_list(const struct us_suite *suite, FILE *out)
{
	for (size_t i = 0; i < suite->ncases; i++) {
		const struct us_case *test = &suite->cases[i];

		fprintf(out, "%s%s%s\n", test->name, test->requirements ? "\t" : "",
			test->requirements ? test->requirements : "");
	}
}

const char *us_suite_verdict(const struct us_suite *suite, const char *name, enum us_verdict *verdict)
{
	const struct us_case *test = find_case(suite, name);

	if (!test || !test->ran)
		return NULL;
	*verdict = test->verdict;
	return test->finding.text;
}

/* -- running ---------------------------------------------------------------------------------------------------- */

static int reopen(struct us_suite *suite, const struct us_suite_target *target, struct us_function **fn,
		  struct us_error *err)
{
	int rc;

	us_fn_close(*fn);
	*fn = NULL;
	rc = target->open(target->ctx, fn, err);
	if (!rc && suite->coverage)
		us_coverage_watch(suite->coverage, *fn);
	return rc;
}

/* The function as a test is promised it: as us_fn_open() leaves it, by a reset where there is one. */
static int freshen(struct us_suite *suite, const struct us_suite_target *target, struct us_function **fn,
		   struct us_error *err)
{
	if (*fn && us_fn_info(*fn)->can_reset && !us_fn_reset(*fn))
		return 0;
	return reopen(suite, target, fn, err);
}

static void show_progress(const struct us_suite *suite, size_t number, const char *name)
{
	if (suite->options.progress) {
		fprintf(suite->options.progress, "\r\033[K[%zu/%zu] %.60s", number, suite->ncases, name);
		fflush(suite->options.progress);
	}
}

static void clear_progress(const struct us_suite *suite)
{
	if (suite->options.progress) {
		fputs("\r\033[K", suite->options.progress);
		fflush(suite->options.progress);
	}
}

static void count(struct us_suite_result *result, const struct us_case *test)
{
	switch (test->verdict) {
	case US_PASSED:
		result->passed++;
		result->unexpected += test->expected != NULL;
		break;
	case US_SKIPPED:
		result->skipped++;
		break;
	case US_FAILED:
		result->failed++;
		result->expected += test->expected != NULL;
		break;
	}
}

int us_suite_run(struct us_suite *suite, const struct us_suite_target *target, struct us_suite_result *result,
		 struct us_error *err)
{
	struct us_function *fn = NULL;
	int rc = 0;

	*result = (struct us_suite_result){0};
	if ((rc = freshen(suite, target, &fn, err)))
		return rc;
	us_tap_begin(suite, suite->ncases);
	for (size_t i = 0; i < suite->ncases; i++) {
		struct us_case *test = &suite->cases[i];
		struct us_error lost;

		if (i && freshen(suite, target, &fn, &lost)) {
			fprintf(suite->options.tap, "Bail out! The function is lost: %s\n", lost.text);
			result->bailed = true;
			break;
		}
		show_progress(suite, i + 1, test->name);
		test->expected = us_expect_reason(suite, test->name);
		us_run_case(suite, test, fn);
		count(result, test);
		clear_progress(suite);
		us_tap_result(suite, i + 1, test);
	}
	us_fn_close(fn);
	if (suite->options.coverage) {
		us_coverage_print(suite, suite->options.tap);
		us_requirements_print(suite, suite->options.tap);
	}
	return suite->options.junit ? us_junit_write(suite, err) : 0;
}
