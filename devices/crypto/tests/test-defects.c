/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crypto device's conformance tests are themselves tested: each mistake of defects-*.c is found by the test that is
 * there for it, and that test passes without the mistake. A mistake that no test finds is a missing test.
 *
 * With the argument "table" it prints what docs/crypto.md has: each mistake, and the test that finds it.
 */
#include "conform/builtin.h"
#include "defect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEAST 40 /* mistakes */

static const struct defect *const kinds[] = {outer_defects, work_defects};

/* The n-th of all; NULL: there are not so many. */
static const struct defect *defect_at(unsigned n)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		for (const struct defect *d = kinds[i]; d->what; d++)
			if (!n--)
				return d;
	return NULL;
}

/* Runs the test that finds `defect` on the device with it, or without any; false: it failed. */
static bool passes(const struct defect *defect, bool with)
{
	FILE *nowhere = fopen("/dev/null", "w");
	const struct us_suite_target target = defect_target(with ? defect : NULL);
	struct us_suite_options options = {.seed = 1, .tap = nowhere};
	struct us_suite_result result;
	struct us_suite *suite;
	struct us_error err;
	char name[256];

	snprintf(name, sizeof name, "crypto.%s", defect->finds);
	options.filter = name;
	assert_non_null(nowhere);
	if (us_suite_new(us_crypto_model.map, us_conform_find("crypto"), &options, &suite, &err) ||
	    us_suite_run(suite, &target, &result, &err))
		fail_msg("%s: %s", defect->what, err.text);
	fclose(nowhere);
	us_suite_free(suite);
	assert_int_equal(result.passed + result.failed, 1);
	return result.passed;
}

static void each_defect_is_found_by_the_test_that_is_there_for_it(void **state)
{
	unsigned survivors = 0, count = 0;

	(void)state;
	for (const struct defect *d; (d = defect_at(count)); count++) {
		const bool found = !passes(d, true);

		print_message("# %-72s %s %s\n", d->what, found ? "found by" : "NOT FOUND by", d->finds);
		survivors += !found;
	}
	assert_in_range(count, LEAST, 1000);
	assert_int_equal(survivors, 0);
}

static void without_a_defect_these_tests_pass(void **state)
{
	(void)state;
	for (unsigned n = 0; defect_at(n); n++)
		if (!passes(defect_at(n), false))
			fail_msg("%s fails on the device that has no defect", defect_at(n)->finds);
}

static void print_table(void)
{
	puts("| The mistake | The test that finds it |\n|---|---|");
	for (unsigned n = 0; defect_at(n); n++)
		printf("| %s | `%s` |\n", defect_at(n)->what, defect_at(n)->finds);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_defect_these_tests_pass),
		cmocka_unit_test(each_defect_is_found_by_the_test_that_is_there_for_it),
	};

	if (argc > 1 && !strcmp(argv[1], "table")) {
		print_table();
		return 0;
	}
	return cmocka_run_group_tests_name("crypto-defects", tests, NULL, NULL);
}
