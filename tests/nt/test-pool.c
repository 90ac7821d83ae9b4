/* SPDX-License-Identifier: Apache-2.0 */
/* The pool (src/nt/phys.h): what it gives, and that it finds every misuse. */
#include "nt/ntdefs.h"

#include "nt/kernel.h"
#include "nt/phys.h"
#include "nt/stage.h"

#include <inttypes.h>
#include <setjmp.h>

#include <cmocka.h>

#define TAG 0x74736554 /* 'Test' */

static struct us_rehearsal_report report;

static void run(void (*body)(void *context), void *context, size_t memory)
{
	const struct us_rehearsal rehearsal = {.target = "model", .model = "crypto", .memory = memory};
	struct us_error err = {""};

	if (us_nt_run(&rehearsal, body, context, &report, &err))
		fail_msg("%s", err.text);
	us_rehearsal_free(&report);
}

static void on_stage(void (*body)(void *context), void *context, size_t memory)
{
	run(body, context, memory);
	if (report.outcome != US_NT_PASSED)
		fail_msg("%s: %s", report.rule, report.text);
}

static void assert_bugcheck(void (*body)(void *context), void *context, uint32_t code, uint64_t first, const char *rule,
			    const char *says)
{
	run(body, context, 0);
	assert_int_equal(report.outcome, US_NT_BUGCHECK);
	assert_string_equal(report.rule, rule);
	assert_int_equal(report.code, code);
	if (first)
		assert_int_equal(report.parameters[0], first);
	assert_non_null(strstr(report.text, says));
}

/* A write that address sanitizer does not see: it would end the test before the pool finds it. */
__attribute__((noinline, no_sanitize("address"))) static void scribble(volatile uint8_t *at)
{
	*at = 0x99;
}

/* -- misuse ------------------------------------------------------------------------------------------------------- */

struct misuse {
	size_t size;
	long offset; /* where one writes that is not one's own */
};

static void overrun(void *context)
{
	const struct misuse *how = context;
	uint8_t *at = us_nt_pool_alloc(how->size, TAG);

	scribble(at + how->offset);
	us_nt_pool_free(at);
}

static void a_byte_written_behind_the_end_is_found_when_the_piece_is_freed(void **state)
{
	static const size_t sizes[] = {0, 1, 15, 16, 24, 25, 100, 1000, 2040, 2041, 4000, 4095, 4097, 10000};

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct misuse how = {sizes[i], (long)sizes[i]};

		assert_bugcheck(overrun, &how, 0xC1, 0, "pool.overrun", "0 bytes behind its end");
		assert_int_equal(report.parameters[3], 0x24);
		assert_non_null(strstr(report.text, "'Test'"));
	}
	assert_bugcheck(overrun, &(struct misuse){20, 23}, 0xC1, 0, "pool.overrun", "3 bytes behind");
}

static void checked(void *context)
{
	const struct misuse *how = context;
	uint8_t *at = us_nt_pool_alloc(how->size, TAG);

	us_nt_pool_check();
	scribble(at + how->offset);
	us_nt_pool_check();
}

static void the_check_finds_it_in_pieces_that_are_never_freed(void **state)
{
	(void)state;
	assert_bugcheck(checked, &(struct misuse){30, 30}, 0xC1, 0, "pool.overrun", "behind its end");
	assert_bugcheck(checked, &(struct misuse){5000, 5001}, 0xC1, 0, "pool.overrun", "1 bytes behind");
}

static void twice(void *context)
{
	void *at = us_nt_pool_alloc(*(size_t *)context, TAG);

	us_nt_pool_free(at);
	us_nt_pool_free(at);
}

static void freeing_twice_is_found(void **state)
{
	(void)state;
	for (size_t size = 0; size < 10000; size += 999)
		assert_bugcheck(twice, &size, 0xC2, 7, "pool.double-free", "'Test'");
}

static void bad_address(void *context)
{
	uint8_t *at = us_nt_pool_alloc(100, TAG), *large = us_nt_pool_alloc(9000, TAG);
	void *bad[] = {NULL,
		       at + 1,
		       at + 16,
		       large + US_NT_PAGE,
		       &at,
		       us_nt_pages(US_WINDOW_USER, 1),
		       us_nt_pages(US_WINDOW_POOL, 1),
		       at + 100 * US_NT_PAGE};

	us_nt_pool_free(bad[*(size_t *)context]);
}

static void freeing_what_is_no_piece_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < 8; i++)
		assert_bugcheck(bad_address, &i, 0xC2, 0x46, "pool.bad-address", "not the beginning");
}

static void never_used(void *context)
{
	uint8_t *at = us_nt_pool_alloc(100, TAG);

	(void)context;
	us_nt_pool_free(at + 128); /* the slot behind it */
}

static void freeing_a_slot_that_was_never_used_is_found(void **state)
{
	(void)state;
	assert_bugcheck(never_used, NULL, 0xC2, 0x46, "pool.bad-address", "not the beginning");
}

static void used_after_free(void *context)
{
	uint8_t *at = us_nt_pool_alloc(100, TAG);

	us_nt_pool_free(at);
	scribble(at + 50);
	if (context)
		us_nt_pool_check();
	for (unsigned i = 0; i < 10000; i++)
		us_nt_pool_free(us_nt_pool_alloc(100, TAG));
}

static void a_write_to_a_freed_piece_is_found_when_it_is_used_again_or_checked(void **state)
{
	(void)state;
	assert_bugcheck(used_after_free, NULL, 0x19, 3, "pool.use-after-free", "offset 50");
	assert_bugcheck(used_after_free, &report, 0x19, 3, "pool.use-after-free", "offset 50");
}

static void asked(void *context)
{
	uint8_t *at = us_nt_pool_alloc(100, TAG);

	(void)context;
	us_nt_pool_size(at + 8);
}

static void asking_for_what_is_no_piece_is_found(void **state)
{
	(void)state;
	assert_bugcheck(asked, NULL, 0xC2, 0x46, "pool.bad-address", "size of");
}

/* -- what it gives ------------------------------------------------------------------------------------------------ */

static bool is_filled(const uint8_t *at, size_t size, uint8_t with)
{
	for (size_t i = 0; i < size; i++)
		if (at[i] != with)
			return false;
	return true;
}

static void all_sizes(void *context)
{
	static uint8_t *at[6000];

	(void)context;
	for (size_t size = 0; size < 6000; size += size < 100 ? 1 : 37) {
		at[size] = us_nt_pool_alloc(size, TAG);
		assert_non_null(at[size]);
		assert_int_equal((uintptr_t)at[size] % 16, 0);
		if (size >= US_NT_PAGE)
			assert_int_equal((uintptr_t)at[size] % US_NT_PAGE, 0);
		else if (size) /* crosses no page */
			assert_int_equal((uintptr_t)at[size] / US_NT_PAGE,
					 ((uintptr_t)at[size] + size - 1) / US_NT_PAGE);
		assert_true(is_filled(at[size], size, 0xa5));
		assert_int_equal(us_nt_pool_size(at[size]), size);
		assert_int_equal(us_nt_pool_tag(at[size]), TAG);
		memset(at[size], (int)size, size);
	}
	us_nt_pool_check();
	for (size_t size = 0; size < 6000; size += size < 100 ? 1 : 37) {
		assert_true(is_filled(at[size], size, (uint8_t)size)); /* nobody else got the same bytes */
		assert_true(us_nt_pool_is(at[size]));
		us_nt_pool_free(at[size]);
		assert_false(us_nt_pool_is(at[size]));
	}
	us_nt_pool_check();
}

static void pieces_are_aligned_filled_and_their_own(void **state)
{
	(void)state;
	on_stage(all_sizes, NULL, 0);
	on_stage(all_sizes, NULL, 0);
}

static void out_of_memory(void *context)
{
	size_t n = 0;
	void *last = NULL, *at;

	assert_null(us_nt_pool_alloc(SIZE_MAX, TAG));
	assert_null(us_nt_pool_alloc((size_t)1 << 32, TAG));
	while ((at = us_nt_pool_alloc(*(size_t *)context, TAG))) {
		last = at;
		n++;
	}
	assert_true(n > 3);
	us_nt_pool_free(last);
	assert_non_null(
		us_nt_pool_alloc(*(size_t *)context, TAG)); /* what was freed serves again, however short the rest */
	us_nt_pool_check();
}

static void memory_comes_to_an_end_and_what_is_freed_serves_again(void **state)
{
	(void)state;
	on_stage(out_of_memory, &(size_t){100}, 1 << 20);
	on_stage(out_of_memory, &(size_t){2000}, 1 << 20);
	on_stage(out_of_memory, &(size_t){50000}, 1 << 20);
}

static void reused_late(void *context)
{
	void *first = us_nt_pool_alloc(64, TAG);

	(void)context;
	us_nt_pool_free(first);
	for (unsigned i = 0; i < 100; i++) {
		void *at = us_nt_pool_alloc(64, TAG);

		assert_ptr_not_equal(at, first);
		us_nt_pool_free(at);
	}
}

static void a_freed_piece_is_not_used_again_at_once(void **state)
{
	(void)state;
	on_stage(reused_late, NULL, 0);
}

static void addresses(void *context)
{
	uintptr_t *list = context;
	void *kept[64] = {0};
	uint32_t random = 12345;

	for (unsigned i = 0; i < 2000; i++) {
		void **at = &kept[(random = random * 1103515245 + 12345) >> 26];

		if (*at)
			us_nt_pool_free(*at);
		*at = us_nt_pool_alloc((random >> 8) % 5000, TAG);
		list[i] = (uintptr_t)*at;
	}
}

static void addresses_are_the_same_in_each_run(void **state)
{
	static uintptr_t first[2000], second[2000];

	(void)state;
	on_stage(addresses, first, 0);
	on_stage(all_sizes, NULL, 0);
	on_stage(addresses, second, 0);
	assert_memory_equal(first, second, sizeof first);
}

/* -- the driver's ------------------------------------------------------------------------------------------------- */

static void leaks(void *context)
{
	void *mine = us_nt_pool_alloc(10, TAG), *a = us_nt_pool_alloc(11, 0x61), *b = us_nt_pool_alloc(12, TAG),
	     *c = us_nt_pool_alloc(5000, TAG);
	size_t pieces, bytes;
	char text[400] = "?", little[20];

	(void)context;
	assert_int_equal(us_nt_pool_leaks(text, sizeof text), 0);
	us_nt_pool_give(a, 0);
	us_nt_pool_give(b, 0xabcd);
	us_nt_pool_give(c, 0xef01);
	assert_true(us_nt_pool_is_drivers(c));
	assert_false(us_nt_pool_is_drivers(mine));
	assert_false(us_nt_pool_is_drivers(&mine));
	us_nt_pool_count(&pieces, &bytes);
	assert_int_equal(pieces, 3);
	assert_int_equal(bytes, 5023);
	assert_int_equal(us_nt_pool_leaks(text, sizeof text), 3);
	assert_string_equal(text,
			    "3 pieces of pool, 5023 bytes; 1 with tag 'a...', 11 bytes; 2 with tag 'Test', 5012 bytes");
	assert_int_equal(us_nt->stop.blamed, 0xabcd);
	assert_int_equal(us_nt_pool_leaks(little, sizeof little), 3);
	assert_string_equal(little, "3 pieces of pool, 5");
	us_nt_pool_free(c);
	us_nt_pool_free(a);
	assert_int_equal(us_nt_pool_leaks(text, sizeof text), 1);
	assert_non_null(strstr(text, "1 piece of pool, 12 bytes; 1 with tag 'Test', 12 bytes"));
	us_nt_pool_free(b);
	assert_int_equal(us_nt_pool_leaks(text, sizeof text), 0);
	us_nt_pool_free(mine);
}

static void the_drivers_pieces_are_counted_and_named(void **state)
{
	(void)state;
	on_stage(leaks, NULL, 0);
}

/* -- secrets ------------------------------------------------------------------------------------------------------ */

static const char secret[] = "open sesame, number 7";

static void freed_with_a_secret(void *context)
{
	const struct misuse *how = context;
	char *at = us_nt_pool_alloc(how->size, TAG);

	assert_true(us_nt_pool_secret(secret, sizeof secret));
	memcpy(at + how->offset, secret, sizeof secret);
	us_nt_pool_free(at);
}

static void wiped_in_part(void *context)
{
	char *at = us_nt_pool_alloc(sizeof secret + 20, TAG);

	(void)context;
	assert_false(us_nt_pool_secret(secret, 0));
	assert_false(us_nt_pool_secret(secret, 65));
	assert_true(us_nt_pool_secret(secret, sizeof secret));
	memcpy(at + 20, secret, sizeof secret);
	at[20 + sizeof secret / 2] = 0;
	us_nt_pool_free(at);
	us_nt_pool_free(us_nt_pool_alloc(sizeof secret - 1, TAG)); /* shorter than it */
}

static void a_piece_freed_with_a_secret_in_it_is_found(void **state)
{
	const struct misuse hows[] = {{sizeof secret, 0}, {100, 100 - sizeof secret}, {9000, 4096 - 5}};

	(void)state;
	for (size_t i = 0; i < sizeof hows / sizeof *hows; i++) {
		run(freed_with_a_secret, (void *)(uintptr_t)&hows[i], 0);
		assert_int_equal(report.outcome, US_NT_EXPECTATION);
		assert_string_equal(report.rule, "pool.secret");
		assert_non_null(strstr(report.text, "'Test'"));
	}
	on_stage(wiped_in_part, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_byte_written_behind_the_end_is_found_when_the_piece_is_freed),
		cmocka_unit_test(the_check_finds_it_in_pieces_that_are_never_freed),
		cmocka_unit_test(freeing_twice_is_found),
		cmocka_unit_test(freeing_what_is_no_piece_is_found),
		cmocka_unit_test(freeing_a_slot_that_was_never_used_is_found),
		cmocka_unit_test(a_write_to_a_freed_piece_is_found_when_it_is_used_again_or_checked),
		cmocka_unit_test(asking_for_what_is_no_piece_is_found),
		cmocka_unit_test(pieces_are_aligned_filled_and_their_own),
		cmocka_unit_test(memory_comes_to_an_end_and_what_is_freed_serves_again),
		cmocka_unit_test(a_freed_piece_is_not_used_again_at_once),
		cmocka_unit_test(addresses_are_the_same_in_each_run),
		cmocka_unit_test(the_drivers_pieces_are_counted_and_named),
		cmocka_unit_test(a_piece_freed_with_a_secret_in_it_is_found),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
