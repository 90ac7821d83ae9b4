/* SPDX-License-Identifier: Apache-2.0 */
/* When the server looks for the next access, and when it sleeps: on a clock of the test's own. */
#include "vfio-user/polling.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MOST 100000

struct bench {
	struct us_polling p;
	uint64_t now;
};

/* Accesses that take so long when they are looked for, and so long when the server sleeps. */
static void accesses(struct bench *b, unsigned count, uint64_t looking, uint64_t sleeping)
{
	while (count--) {
		uint64_t time = us_polling_time(&b->p), takes = time ? looking : sleeping;

		if (time && takes > time)
			us_polling_miss(&b->p);
		b->now += takes;
		us_polling_access(&b->p, b->now);
	}
}

static struct bench start(void)
{
	struct bench b = {.now = 1000000000};

	us_polling_init(&b.p, MOST, 4);
	us_polling_access(&b.p, b.now);
	return b;
}

static void one_processor_never_looks(void **state)
{
	struct us_polling p;

	(void)state;
	us_polling_init(&p, MOST, 1);
	assert_int_equal(us_polling_time(&p), 0);
	for (uint64_t i = 0; i < 100000; i++) {
		us_polling_access(&p, i);
		assert_int_equal(us_polling_time(&p), 0);
	}
}

static void a_server_told_not_to_never_looks(void **state)
{
	struct us_polling p;

	(void)state;
	us_polling_init(&p, 0, 64);
	for (uint64_t i = 0; i < 100000; i++) {
		us_polling_access(&p, i);
		assert_int_equal(us_polling_time(&p), 0);
	}
}

static void where_looking_is_faster_it_looks(void **state)
{
	struct bench b = start();

	(void)state;
	accesses(&b, 2 * US_POLLING_TRIAL, 15000, 50000);
	for (int i = 0; i < US_POLLING_SETTLED; i++) {
		assert_int_equal(us_polling_time(&b.p), MOST);
		accesses(&b, 1, 15000, 50000);
	}
}

static void where_looking_is_slower_it_sleeps(void **state)
{
	struct bench b = start();

	(void)state;
	accesses(&b, 2 * US_POLLING_TRIAL, 90000, 12000);
	for (int i = 0; i < US_POLLING_SETTLED; i++) {
		assert_int_equal(us_polling_time(&b.p), 0);
		accesses(&b, 1, 90000, 12000);
	}
}

static void it_changes_its_mind_when_the_machine_does(void **state)
{
	struct bench b = start();

	(void)state;
	accesses(&b, 2 * US_POLLING_TRIAL, 90000, 12000);
	accesses(&b, 2 * US_POLLING_SETTLED + 2 * US_POLLING_TRIAL, 15000, 50000);
	assert_int_equal(us_polling_time(&b.p), MOST);
}

static void trials_grow_rare_while_nothing_changes(void **state)
{
	struct bench b = start();
	unsigned tried = 0;

	(void)state;
	for (int i = 0; i < 1000000; i++) {
		tried += us_polling_time(&b.p) != 0;
		accesses(&b, 1, 90000, 12000);
	}
	assert_in_range(tried, US_POLLING_TRIAL, 1000000 / 500);
}

static void looks_that_find_nothing_get_shorter_and_end(void **state)
{
	struct bench b = start();
	int looks = 0;

	(void)state;
	for (; us_polling_time(&b.p); looks++) {
		us_polling_miss(&b.p);
		assert_true(us_polling_time(&b.p) <= MOST / 2);
	}
	assert_in_range(looks, 2, 6);
	/* Accesses with long pauses do not bring them back. */
	for (int i = 0; i < 100; i++) {
		b.now += 10 * US_POLLING_PAUSE;
		us_polling_access(&b.p, b.now);
		assert_int_equal(us_polling_time(&b.p), 0);
	}
	/* A few quick ones do. */
	accesses(&b, US_POLLING_QUICK, 15000, 15000);
	assert_int_equal(us_polling_time(&b.p), MOST);
}

static void pauses_do_not_count_in_a_trial(void **state)
{
	struct bench b = start();

	(void)state;
	for (int i = 0; i < 3 * US_POLLING_TRIAL && b.p.phase != US_POLLING_CHOSEN; i++) {
		if (b.p.phase == US_POLLING_TRY_LOOKING && i % 4 == 0)
			b.now += 1000 * US_POLLING_PAUSE;
		accesses(&b, 1, 15000, 50000);
	}
	accesses(&b, US_POLLING_TRIAL, 15000, 50000);
	assert_int_equal(b.p.phase, US_POLLING_CHOSEN);
	assert_true(b.p.looking);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_processor_never_looks),
		cmocka_unit_test(a_server_told_not_to_never_looks),
		cmocka_unit_test(where_looking_is_faster_it_looks),
		cmocka_unit_test(where_looking_is_slower_it_sleeps),
		cmocka_unit_test(it_changes_its_mind_when_the_machine_does),
		cmocka_unit_test(trials_grow_rare_while_nothing_changes),
		cmocka_unit_test(looks_that_find_nothing_get_shorter_and_end),
		cmocka_unit_test(pauses_do_not_count_in_a_trial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
