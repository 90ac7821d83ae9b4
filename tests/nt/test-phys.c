/* SPDX-License-Identifier: Apache-2.0 */
/* Physical memory and the windows made of it (src/nt/phys.h). */
#include "nt/ntdefs.h"

#include "function/player.h"
#include "nt/phys.h"
#include "nt/stage.h"

#include <inttypes.h>
#include <setjmp.h>
#include <unistd.h>

#include <cmocka.h>

#define FOUR_GIB (UINT64_C(1) << 32)
#define MIB (UINT64_C(1) << 20)

static struct us_rehearsal_report report;

/* Runs a body on a stage with so much memory (0: the usual). */
static void on_stage(void (*body)(void *context), void *context, size_t memory)
{
	const struct us_rehearsal rehearsal = {.target = "model", .model = "crypto", .memory = memory};
	struct us_error err = {""};

	if (us_nt_run(&rehearsal, body, context, &report, &err))
		fail_msg("%s", err.text);
	if (report.outcome != US_NT_PASSED)
		fail_msg("%s: %s", report.rule, report.text);
	us_rehearsal_free(&report);
}

/* Whether an address can be read, without reading it. */
static bool is_readable(const void *at)
{
	int ends[2];
	bool read;

	assert_int_equal(pipe(ends), 0);
	read = write(ends[1], at, 1) == 1;
	close(ends[0]);
	close(ends[1]);
	return read;
}

static bool is_zero(const void *at, size_t size)
{
	const uint8_t *bytes = at;

	for (size_t i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

static void nothing(void *context)
{
	(void)context;
}

static void assert_refused(size_t memory, const char *why)
{
	const struct us_rehearsal rehearsal = {.target = "model", .model = "crypto", .memory = memory};
	struct us_error err = {""};

	assert_int_equal(us_nt_run(&rehearsal, nothing, NULL, &report, &err), -EINVAL);
	assert_non_null(strstr(err.text, why));
}

static void memory_is_from_1_mib_to_4_gib(void **state)
{
	(void)state;
	assert_refused(MIB - 1, "from 1 MiB to 4 GiB");
	assert_refused(4096 * MIB + 1, "from 1 MiB to 4 GiB");
	on_stage(nothing, NULL, MIB);
}

static void second_stage(void *context)
{
	struct us_stage *first = us_nt, second = *us_nt;
	struct us_error err = {""};

	(void)context;
	us_nt = &second;
	assert_int_equal(us_nt_phys_init(&err), -EBUSY);
	us_nt_phys_reset(); /* is not its to reset */
	us_nt = first;
	assert_non_null(strstr(err.text, "one at a time"));
	assert_non_null(us_nt_pages(US_WINDOW_POOL, 1));
}

static void a_second_stage_at_the_same_time_is_refused(void **state)
{
	(void)state;
	on_stage(second_stage, NULL, 0);
}

/* -- pages -------------------------------------------------------------------------------------------------------- */

static void scattered(void *context)
{
	const size_t pages = 1001;
	uint8_t *at = us_nt_pages(US_WINDOW_USER, pages);
	size_t high = 0;

	(void)context;
	assert_non_null(at);
	assert_true((uintptr_t)at >= US_NT_BASE + US_WINDOW_USER * US_NT_WINDOW_SIZE + 0x10000);
	assert_int_equal(us_nt_window(at), US_WINDOW_USER);
	assert_true(is_zero(at, pages * US_NT_PAGE));
	for (size_t i = 0; i < pages; i++) {
		const uint64_t physical = us_nt_physical(at + i * US_NT_PAGE);

		assert_int_not_equal(physical, UINT64_MAX);
		assert_int_equal(physical % US_NT_PAGE, 0);
		assert_int_equal(us_nt_physical(at + i * US_NT_PAGE + 5), physical + 5);
		high += physical >= FOUR_GIB;
		if (i) {
			const uint64_t before = us_nt_physical(at + (i - 1) * US_NT_PAGE);

			assert_true(physical != before + US_NT_PAGE && before != physical + US_NT_PAGE);
		}
	}
	assert_in_range(high, pages / 2, pages / 2 + 1);
}

static void half_of_the_pages_lie_above_4_gib_and_no_neighbours_are_contiguous(void **state)
{
	(void)state;
	on_stage(scattered, NULL, 0);
	on_stage(scattered, NULL, 0);
}

static void guarded(void *context)
{
	uint8_t *first = us_nt_pages(US_WINDOW_POOL, 2), *second = us_nt_pages(US_WINDOW_POOL, 1);

	(void)context;
	memset(first, 1, 2 * US_NT_PAGE);
	memset(second, 1, US_NT_PAGE);
	assert_true(second >= first + 3 * US_NT_PAGE);
	assert_false(is_readable(first + 2 * US_NT_PAGE));
	assert_false(is_readable(second + US_NT_PAGE));
	assert_true(us_nt_is_mapped(first, 2 * US_NT_PAGE));
	assert_true(us_nt_is_mapped(first + US_NT_PAGE - 1, 2));
	assert_false(us_nt_is_mapped(first, 2 * US_NT_PAGE + 1));
	assert_false(us_nt_is_mapped(first + 2 * US_NT_PAGE - 1, 2));
	assert_false(us_nt_is_mapped(first, SIZE_MAX));
	assert_false(us_nt_is_mapped(NULL, 1));
	assert_int_equal(us_nt_physical(first + 2 * US_NT_PAGE), UINT64_MAX);
	assert_int_equal(us_nt_physical(&report), UINT64_MAX);
	assert_int_equal(us_nt_window(&report), -1);
}

static void big(void *context)
{
	uint8_t *at = us_nt_pages(US_WINDOW_POOL, 300);

	(void)context;
	memset(at, 0xee, 300 * US_NT_PAGE);
}

static void the_page_behind_an_allocation_is_not_there_whatever_ran_before(void **state)
{
	(void)state;
	on_stage(guarded, NULL, 0);
	on_stage(big, NULL, 0); /* maps what is to be a guard page */
	on_stage(guarded, NULL, 0);
}

static void freed(void *context)
{
	uint8_t *at = us_nt_pages(US_WINDOW_USER, 3), *again;

	(void)context;
	memset(at, 7, 3 * US_NT_PAGE);
	us_nt_pages_free(at, 3);
	assert_false(is_readable(at));
	assert_false(is_readable(at + 2 * US_NT_PAGE));
	assert_false(us_nt_is_mapped(at, 1));
	assert_int_equal(us_nt_physical(at), UINT64_MAX);
	again = us_nt_pages(US_WINDOW_USER, 3);
	assert_ptr_equal(again, at);
	assert_true(is_zero(again, 3 * US_NT_PAGE));
	memset(again, 8, 3 * US_NT_PAGE);
}

static void freed_pages_are_a_trap_and_come_back_zeroed(void **state)
{
	(void)state;
	on_stage(freed, NULL, 0);
	on_stage(freed, NULL, 0);
}

static void wrongly_freed(void *context)
{
	uint8_t *at = us_nt_pages(US_WINDOW_POOL, 2);

	(void)context;
	us_nt_pages_free(at + US_NT_PAGE, 1);
}

static void freeing_what_was_not_allocated_so_ends_the_run(void **state)
{
	const struct us_rehearsal rehearsal = {.target = "model", .model = "crypto"};

	(void)state;
	assert_int_equal(us_nt_run(&rehearsal, wrongly_freed, NULL, &report, NULL), 0);
	assert_int_equal(report.outcome, US_NT_FAILED);
	assert_non_null(strstr(report.text, "has not allocated so"));
	us_rehearsal_free(&report);
}

/* All that one gets, in allocations of `size` pages; at most `room` of them. */
static size_t take_all(size_t size, void **list, size_t room)
{
	size_t n = 0;

	while (n < room && (list[n] = us_nt_pages(US_WINDOW_USER, size)))
		n++;
	return n;
}

static void exhausted(void *context)
{
	static void *list[256];
	/* three quarters of 1 MiB, less what the stage itself may have taken */
	size_t n = take_all(1, list, 256);

	(void)context;
	assert_in_range(n, 100, 192);
	for (size_t i = 0; i < n; i++)
		assert_true(is_zero(list[i], US_NT_PAGE));
	for (size_t i = 0; i < n; i++) {
		memset(list[i], 0xcc, US_NT_PAGE);
		us_nt_pages_free(list[i], 1);
	}
	/* pages of single ones serve as parts of longer ones */
	n = take_all(10, list, 256);
	assert_true(n >= 10);
	for (size_t i = 0; i < n; i++) {
		assert_true(is_zero(list[i], 10 * US_NT_PAGE));
		for (size_t p = 1; p < 10; p++) {
			const uint64_t a = us_nt_physical((uint8_t *)list[i] + (p - 1) * US_NT_PAGE),
				       b = us_nt_physical((uint8_t *)list[i] + p * US_NT_PAGE);

			assert_true(a + US_NT_PAGE != b && b + US_NT_PAGE != a);
		}
		us_nt_pages_free(list[i], 10);
	}
}

static void memory_that_was_freed_serves_allocations_of_other_sizes(void **state)
{
	(void)state;
	on_stage(exhausted, NULL, MIB);
	on_stage(exhausted, NULL, MIB);
}

static void more_than_can_be_mapped(void *context)
{
	size_t total = 0;

	(void)context;
	while (us_nt_pages(US_WINDOW_USER, 1000))
		total += 1000;
	assert_in_range(total, US_NT_MAPPED - 3000, US_NT_MAPPED);
}

static void what_linux_can_not_map_is_refused_and_nothing_breaks(void **state)
{
	(void)state;
	on_stage(more_than_can_be_mapped, NULL, 1024 * MIB);
	on_stage(more_than_can_be_mapped, NULL, 1024 * MIB);
	on_stage(scattered, NULL, 0);
}

/* -- from run to run ---------------------------------------------------------------------------------------------- */

struct notes {
	uint64_t physical[40];
	void *at[40];
	uint64_t contiguous;
};

static void noted(void *context)
{
	struct notes *notes = context;
	size_t n = 0;

	for (unsigned i = 0; i < 20; i++) {
		uint8_t *at = us_nt_pages(i % US_WINDOWS, i + 1);

		assert_true(is_zero(at, (i + 1) * US_NT_PAGE));
		memset(at, 0x11, (i + 1) * US_NT_PAGE);
		notes->at[n] = at;
		notes->physical[n++] = us_nt_physical(at);
		notes->physical[n++] = us_nt_physical(at + i * US_NT_PAGE);
		if (i % 3 == 0)
			us_nt_pages_free(at, i + 1);
	}
	uint8_t *at = us_nt_contiguous(5, UINT64_MAX, &notes->contiguous);

	assert_true(is_zero(at, 5 * US_NT_PAGE));
	memset(at, 0x22, 5 * US_NT_PAGE);
}

static void addresses_depend_on_nothing_that_ran_before(void **state)
{
	struct notes first = {0}, second = {0};

	(void)state;
	on_stage(noted, &first, 0);
	on_stage(big, NULL, 0);
	on_stage(exhausted, NULL, MIB);
	on_stage(guarded, NULL, 0);
	on_stage(noted, &second, 0);
	assert_memory_equal(&first, &second, sizeof first);
}

static void all_zero(void *context)
{
	(void)context;
	for (unsigned half = 0; half < 2; half++)
		for (uint64_t at = half ? 0x140000000 : 0x10000000; us_nt_linear(at); at += US_NT_PAGE) {
			const uint8_t *page = us_nt_linear(at);

			for (size_t i = 0; i < US_NT_PAGE; i += 64)
				assert_false(page[i] == 0x11 || page[i] == 0x22 || page[i] == 0xee);
		}
	uint8_t *pages = us_nt_pages(US_WINDOW_USER, 1000);

	assert_true(is_zero(pages, 1000 * US_NT_PAGE));
}

static void a_run_leaves_nothing_in_memory(void **state)
{
	struct notes notes;

	(void)state;
	on_stage(noted, &notes, 0);
	on_stage(big, NULL, 0);
	on_stage(all_zero, NULL, 0);
}

/* -- contiguous memory -------------------------------------------------------------------------------------------- */

static void contiguous(void *context)
{
	uint64_t high, low, inside;
	uint8_t *at = us_nt_contiguous(7, UINT64_MAX, &high), *other = us_nt_contiguous(3, FOUR_GIB - 1, &low), *third;
	const struct us_contiguous tight = {
		.lowest = low - 64 * US_NT_PAGE, .highest = low - 1, .boundary = 8 * US_NT_PAGE};

	(void)context;
	assert_true(high >= FOUR_GIB); /* the highest that will do: a driver that thinks otherwise is found out */
	assert_true(low + 3 * US_NT_PAGE <= FOUR_GIB);
	assert_int_equal(us_nt_window(at), US_WINDOW_SYSTEM);
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(us_nt_physical(at + i * US_NT_PAGE), high + i * US_NT_PAGE);
	assert_true(is_zero(other, 3 * US_NT_PAGE));
	memset(other, 0x77, 3 * US_NT_PAGE);
	assert_memory_equal(us_nt_linear(low), other, 3 * US_NT_PAGE);
	assert_false(is_readable(other + 3 * US_NT_PAGE));

	third = us_nt_contiguous_within(5, &tight, &inside);
	assert_non_null(third);
	assert_in_range(inside, tight.lowest, tight.highest - 5 * US_NT_PAGE + 1);
	assert_int_equal(inside / tight.boundary, (inside + 5 * US_NT_PAGE - 1) / tight.boundary);
	assert_null(us_nt_contiguous_within(9, &tight, &inside)); /* does not fit between boundaries */

	us_nt_contiguous_free(other, 3);
	assert_false(is_readable(other));
	other = us_nt_contiguous(3, FOUR_GIB - 1, &inside);
	assert_int_equal(inside, low);
	assert_true(is_zero(other, 3 * US_NT_PAGE));

	assert_null(us_nt_contiguous(1, 0xffffff, &inside)); /* no memory is so low */
	assert_null(us_nt_contiguous(0, UINT64_MAX, &inside));
	assert_null(us_nt_contiguous(SIZE_MAX / US_NT_PAGE, UINT64_MAX, &inside));
}

static void contiguous_memory_is_within_its_limits(void **state)
{
	(void)state;
	on_stage(contiguous, NULL, 0);
}

static void all_contiguous(void *context)
{
	uint64_t physical;
	size_t low = 0, high = 0;

	(void)context;
	while (us_nt_contiguous(4, UINT64_MAX, &physical))
		(physical < FOUR_GIB ? &low : &high)[0]++;
	assert_in_range(low, 4, 8); /* a quarter of 128 pages, by 4 */
	assert_in_range(high, 4, 8);
	assert_non_null(us_nt_pages(US_WINDOW_POOL, 4)); /* the other pages are not touched by it */
}

static void contiguous_memory_comes_to_an_end(void **state)
{
	(void)state;
	on_stage(all_contiguous, NULL, MIB);
}

/* -- what else is mapped ------------------------------------------------------------------------------------------ */

static void mapped_twice(void *context)
{
	uint8_t *at = us_nt_pages(US_WINDOW_USER, 3), *other;
	uint64_t pages[3], single = us_nt_page(FOUR_GIB, UINT64_MAX);

	(void)context;
	for (size_t i = 0; i < 3; i++)
		pages[i] = us_nt_physical(at + (2 - i) * US_NT_PAGE) / US_NT_PAGE;
	other = us_nt_map_physical(US_WINDOW_SYSTEM, pages, 3);
	at[2 * US_NT_PAGE + 9] = 42;
	assert_int_equal(other[9], 42);
	other[2 * US_NT_PAGE] = 43;
	assert_int_equal(at[0], 43);
	assert_int_equal(us_nt_physical(other), pages[0] * US_NT_PAGE);
	assert_int_equal(us_nt_window(other), US_WINDOW_SYSTEM);
	us_nt_unmap_physical(other, 3);
	assert_false(is_readable(other));
	assert_false(us_nt_is_mapped(other, 1));
	assert_int_equal(at[0], 43);

	assert_int_not_equal(single, UINT64_MAX);
	assert_true(single * US_NT_PAGE >= FOUR_GIB);
	assert_true(is_zero(us_nt_linear(single * US_NT_PAGE), US_NT_PAGE));
	pages[1] = single;
	other = us_nt_map_physical(US_WINDOW_USER, pages, 2);
	assert_int_equal(us_nt_window(other), US_WINDOW_USER);
	other[US_NT_PAGE] = 9;
	assert_int_equal(*(uint8_t *)us_nt_linear(single * US_NT_PAGE), 9);
	us_nt_unmap_physical(other, 2);
	us_nt_page_free(single);

	assert_true(us_nt_page(0, FOUR_GIB - 1) * US_NT_PAGE < FOUR_GIB);
	assert_int_equal(us_nt_page(0, 0xffffff), UINT64_MAX);
	pages[1] = 0xfee00; /* no memory */
	assert_null(us_nt_map_physical(US_WINDOW_SYSTEM, pages, 2));
	assert_null(us_nt_linear(0xfee00000));
}

static void pages_can_be_mapped_a_second_time(void **state)
{
	(void)state;
	on_stage(mapped_twice, NULL, 0);
	on_stage(mapped_twice, NULL, 0);
}

static void protected_pages(void *context)
{
	uint8_t *at = us_nt_pages(US_WINDOW_IMAGE, 3);

	(void)context;
	assert_true(us_nt_is_writable(at, 3 * US_NT_PAGE));
	memset(at, 1, 3 * US_NT_PAGE);
	assert_int_equal(us_nt_protect(at + US_NT_PAGE, 1, false, true), 0);
	assert_true(us_nt_is_writable(at, US_NT_PAGE));
	assert_false(us_nt_is_writable(at, US_NT_PAGE + 1));
	assert_true(us_nt_is_mapped(at, 3 * US_NT_PAGE));
	assert_true(us_nt_is_writable(at + 2 * US_NT_PAGE, US_NT_PAGE));
	at[US_NT_PAGE * 2] = 1;
}

static void protection_lasts_for_the_run(void **state)
{
	(void)state;
	on_stage(protected_pages, NULL, 0);
	on_stage(protected_pages, NULL, 0);
}

static void reached(void *context)
{
	uint8_t *at = us_nt_pages(US_WINDOW_USER, 2);
	const uint64_t second = us_nt_physical(at + US_NT_PAGE);
	uint8_t byte = 0;

	(void)context;
	at[US_NT_PAGE] = 99;
	assert_int_equal(us_mappings_move(&us_nt->fn->dma, second, &byte, 1, US_FN_DMA_READ, NULL), 0);
	assert_int_equal(byte, 99);
	byte = 98;
	assert_int_equal(us_mappings_move(&us_nt->fn->dma, second, &byte, 1, US_FN_DMA_WRITE, NULL), 0);
	assert_int_equal(at[US_NT_PAGE], 98);
}

static void the_device_reaches_the_same_bytes_for_as_long_as_the_run_lasts(void **state)
{
	struct us_rehearsal rehearsal = {0};
	struct us_error err;

	(void)state;
	if (us_fn_open("model", "crypto", &rehearsal.function, &err))
		fail_msg("%s", err.text);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(us_nt_run(&rehearsal, reached, NULL, &report, &err), 0);
		assert_int_equal(report.outcome, US_NT_PASSED);
		us_rehearsal_free(&report);
		assert_int_equal(rehearsal.function->dma.count, 0);
	}
	us_fn_close(rehearsal.function);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_from_1_mib_to_4_gib),
		cmocka_unit_test(a_second_stage_at_the_same_time_is_refused),
		cmocka_unit_test(half_of_the_pages_lie_above_4_gib_and_no_neighbours_are_contiguous),
		cmocka_unit_test(the_page_behind_an_allocation_is_not_there_whatever_ran_before),
		cmocka_unit_test(freed_pages_are_a_trap_and_come_back_zeroed),
		cmocka_unit_test(freeing_what_was_not_allocated_so_ends_the_run),
		cmocka_unit_test(memory_that_was_freed_serves_allocations_of_other_sizes),
		cmocka_unit_test(what_linux_can_not_map_is_refused_and_nothing_breaks),
		cmocka_unit_test(addresses_depend_on_nothing_that_ran_before),
		cmocka_unit_test(a_run_leaves_nothing_in_memory),
		cmocka_unit_test(contiguous_memory_is_within_its_limits),
		cmocka_unit_test(contiguous_memory_comes_to_an_end),
		cmocka_unit_test(pages_can_be_mapped_a_second_time),
		cmocka_unit_test(protection_lasts_for_the_run),
		cmocka_unit_test(the_device_reaches_the_same_bytes_for_as_long_as_the_run_lasts),
	};

	return cmocka_run_group_tests_name("phys", tests, NULL, NULL);
}
