/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same seed is the same run to the byte of its trace, whatever ran before in the process; another seed is another
 * run.
 *
 *     test-same DRIVER.sys
 */
#include "told.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *driver;

/* Says the first lines that differ. */
static void assert_same(const struct us_story *story, const struct told *a, const struct told *b)
{
	size_t at = 0, line = 0;

	assert_int_equal(a->report.outcome, b->report.outcome);
	assert_string_equal(a->report.text, b->report.text);
	if (a->size == b->size && memcmp(a->trace, b->trace, a->size) == 0)
		return;
	for (; at < a->size && at < b->size && a->trace[at] == b->trace[at]; at++)
		if (a->trace[at] == '\n')
			line = at + 1;
	fail_msg("%s: the traces differ:\n%.*s\n%.*s", story->name, (int)strcspn(a->trace + line, "\n"),
		 a->trace + line, (int)strcspn(b->trace + line, "\n"), b->trace + line);
}

/* Each story, and then each again in the opposite order: what a run finds is not what it found the first time. */
static void same_again(unsigned cpus, uint64_t seed, unsigned fail_nth)
{
	static struct told first[256];
	unsigned count = 0;

	for (const struct us_story *story; (story = told_nth(count)); count++) {
		assert_true(count < sizeof first / sizeof first[0]);
		first[count] = told_story(driver, story, seed, cpus, fail_nth);
		assert_true(first[count].size > 1000);
	}
	assert_true(count > 0);
	while (count--) {
		struct told again = told_story(driver, told_nth(count), seed, cpus, fail_nth);

		assert_same(told_nth(count), &first[count], &again);
		told_free(&first[count]);
		told_free(&again);
	}
}

static void test_same_again(void **state)
{
	(void)state;
	same_again(2, 1, 0);
}

static void test_same_again_on_one_processor(void **state)
{
	(void)state;
	same_again(1, 2, 0);
}

static void test_same_again_on_eight_processors(void **state)
{
	(void)state;
	same_again(8, UINT64_MAX, 0);
}

static void test_same_again_where_a_call_fails(void **state)
{
	(void)state;
	same_again(2, 3, 40);
}

/* The point of a trace without host addresses: 0x55… and 0x7f… are the host's under Linux. */
static void test_no_address_of_the_host(void **state)
{
	const struct us_story *story;

	(void)state;
	for (unsigned n = 0; (story = told_nth(n)); n++) {
		struct told told = told_story(driver, story, 4, 2, 0);

		for (const char *at = told.trace; (at = strstr(at, "0x")); at += 2) {
			uint64_t value = strtoull(at, NULL, 16) >> 40;

			if (value == 0x55 || value == 0x56 || value == 0x7f)
				fail_msg("%s: an address of the host in the trace: %.*s", story->name,
					 (int)strcspn(at, "\n"), at);
		}
		told_free(&told);
	}
}

static int by_trace(const void *a, const void *b)
{
	const struct told *x = a, *y = b;

	return x->size != y->size ? (x->size > y->size) - (x->size < y->size) : memcmp(x->trace, y->trace, x->size);
}

static void test_another_seed_is_another_run(void **state)
{
	enum { SEEDS = 100 };
	struct told told[SEEDS];
	unsigned different = 1;

	(void)state;
	for (unsigned i = 0; i < SEEDS; i++)
		told[i] = told_story(driver, told_find("many.threads"), i, 2, 0);
	qsort(told, SEEDS, sizeof told[0], by_trace);
	for (unsigned i = 1; i < SEEDS; i++)
		different += by_trace(&told[i - 1], &told[i]) != 0;
	for (unsigned i = 0; i < SEEDS; i++)
		told_free(&told[i]);
	assert_int_equal(different, SEEDS);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_again),
		cmocka_unit_test(test_same_again_on_one_processor),
		cmocka_unit_test(test_same_again_on_eight_processors),
		cmocka_unit_test(test_same_again_where_a_call_fails),
		cmocka_unit_test(test_no_address_of_the_host),
		cmocka_unit_test(test_another_seed_is_another_run),
	};
	int failed;

	if (argc != 2) {
		fprintf(stderr, "usage: %s DRIVER.sys\n", argv[0]);
		return 2;
	}
	driver = argv[1];
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	us_fn_close(told_model());
	return failed;
}
