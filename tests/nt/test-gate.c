/* SPDX-License-Identifier: Apache-2.0 */
/* Gates: what every call between driver and stage goes through. */
#include "rig.h"

#include "nt/gate.h"

static KSPIN_LOCK some_lock; /* an address to pass */

/* -- functions as the stage offers them --------------------------------------------------------------------------- */

static ULONG NTAPI add_up(ULONG a, ULONG b, ULONG c, ULONG d, ULONG64 e, ULONG f, ULONG g, ULONG h, ULONG i)
{
	return a + 2 * b + 3 * c + 4 * d + (ULONG)(5 * e) + 6 * f + 7 * g + 8 * h + 9 * i;
}

static unsigned calls;

static NTSTATUS NTAPI allocate(void)
{
	calls++;
	return STATUS_SUCCESS;
}

static PVOID NTAPI give_pointer(void)
{
	return &some_lock;
}

static ULONG NTAPI add_varargs(ULONG n, ...)
{
	__builtin_ms_va_list args;
	ULONG sum = 0;

	__builtin_ms_va_start(args, n);
	while (n--)
		sum += __builtin_va_arg(args, ULONG);
	__builtin_ms_va_end(args);
	return sum;
}

static const struct us_export exports[] = {
	US_EXPORT(add_up, DISPATCH_LEVEL, "u:uuuuquuuu"),
	US_EXPORT(allocate, PASSIVE_LEVEL, "S:"),
	US_EXPORT(give_pointer, HIGH_LEVEL, "P:"),
	US_EXPORT(add_varargs, HIGH_LEVEL, "u:u."),
	US_EXPORT_AS("NtNoSuchFunction", NULL, HIGH_LEVEL, "v:"),
	US_EXPORT_END,
};

#define GATE(function, index) ((__typeof__(&function))(uintptr_t)us_nt_gate(&exports[index]))

/* -- arguments ---------------------------------------------------------------------------------------------------- */

static void pass_arguments(void *context)
{
	(void)context;
	rig_expect(GATE(add_up, 0)(1, 1, 1, 1, 1, 1, 1, 1, 1) == 45);
	rig_expect(GATE(add_up, 0)(9, 8, 7, 6, 5, 4, 3, 2, 1) == add_up(9, 8, 7, 6, 5, 4, 3, 2, 1));
	rig_expect(GATE(add_varargs, 3)(10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10) == 55);
	rig_expect(GATE(give_pointer, 2)() == &some_lock);
}

static void all_arguments_and_the_result_go_through(void **state)
{
	(void)state;
	rig_run_seeds(RIG_SEEDS, pass_arguments, NULL);
}

static void a_gate_is_the_same_for_the_same_export(void **state)
{
	(void)state;
	assert_ptr_equal(us_nt_gate(&exports[0]), us_nt_gate(&exports[0]));
	assert_ptr_not_equal(us_nt_gate(&exports[0]), us_nt_gate(&exports[1]));
	assert_null(us_nt_gate(NULL));
}

/* -- rules -------------------------------------------------------------------------------------------------------- */

static void call_too_high(void *context)
{
	(void)context;
	us_nt_raise_irql(DISPATCH_LEVEL);
	GATE(allocate, 1)();
}

static void a_call_above_its_irql_is_a_bugcheck(void **state)
{
	(void)state;
	rig_run_breaks("irql.too-high", call_too_high, NULL);
}

static void call_missing(void *context)
{
	(void)context;
	((void(NTAPI *)(void))(uintptr_t)us_nt_gate(&exports[4]))();
}

static void a_function_that_is_not_there_stops_the_run_with_its_name(void **state)
{
	struct us_rehearsal r = {.model = "adder"};
	struct us_rehearsal_report report;
	struct us_error err;

	(void)state;
	assert_int_equal(us_nt_run(&r, call_missing, NULL, &report, &err), 0);
	assert_int_equal(report.outcome, US_NT_UNSUPPORTED);
	assert_non_null(strstr(report.text, "NtNoSuchFunction"));
	us_rehearsal_free(&report);
}

/* -- failures that were asked for --------------------------------------------------------------------------------- */

static void count_failures(void *context)
{
	unsigned *failed = context;

	for (unsigned i = 0; i < 3; i++)
		failed[i] = GATE(allocate, 1)() == STATUS_INSUFFICIENT_RESOURCES;
	failed[3] = GATE(give_pointer, 2)() == NULL;
}

static void the_nth_call_that_can_fail_does(void **state)
{
	struct us_rehearsal r = {.model = "adder"};

	(void)state;
	for (r.fail_nth = 0; r.fail_nth < 5; r.fail_nth++) {
		unsigned failed[4] = {9, 9, 9, 9};

		calls = 0;
		rig_run(&r, count_failures, failed);
		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(failed[i], r.fail_nth == i + 1);
		assert_int_equal(calls, r.fail_nth >= 1 && r.fail_nth <= 3 ? 2 : 3);
	}
}

static void failures_can_be_of_one_function(void **state)
{
	struct us_rehearsal r = {.model = "adder", .fail_nth = 1, .fail_name = "give_pointer"};
	unsigned failed[4];

	(void)state;
	rig_run(&r, count_failures, failed);
	assert_int_equal(failed[0], 0);
	assert_int_equal(failed[3], 1);
}

/* -- callbacks ---------------------------------------------------------------------------------------------------- */

static ULONG NTAPI twice(ULONG n)
{
	return 2 * n;
}

static void NTAPI keep_irql(PVOID context)
{
	(void)context;
	us_nt_raise_irql(DISPATCH_LEVEL);
}

static void NTAPI keep_region(PVOID context)
{
	(void)context;
	us_nt_current()->critical++;
}

static void call_back(void *context)
{
	(void)context;
	rig_expect(US_CALL("EvtTwice", twice, 21) == 42);
}

static void a_callback_gives_its_result(void **state)
{
	(void)state;
	rig_run_seeds(RIG_SEEDS, call_back, NULL);
}

static void call_back_irql(void *context)
{
	(void)context;
	US_CALL_VOID("EvtKeep", keep_irql, NULL);
}

static void a_callback_that_keeps_the_irql_is_a_bugcheck(void **state)
{
	(void)state;
	rig_run_breaks("irql.callback", call_back_irql, NULL);
}

static void call_back_region(void *context)
{
	(void)context;
	US_CALL_VOID("EvtKeep", keep_region, NULL);
}

static void a_callback_that_keeps_a_critical_region_is_a_bugcheck(void **state)
{
	(void)state;
	rig_run_breaks("callback.critical-region", call_back_region, NULL);
}

/* -- what the trace says ------------------------------------------------------------------------------------------ */

static void traces_of_one_seed_are_the_same(void **state)
{
	char *text[3];
	size_t size[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct us_rehearsal r = {.model = "adder", .seed = i == 2 ? 8 : 7};

		r.trace = open_memstream(&text[i], &size[i]);
		rig_run(&r, pass_arguments, NULL);
		fclose(r.trace);
	}
	assert_int_equal(size[0], size[1]);
	assert_memory_equal(text[0], text[1], size[0]);
	assert_true(size[0] != size[2] || memcmp(text[0], text[2], size[0]) != 0);
	assert_non_null(strstr(text[0], "call      add_up(1, 1, 1, 1, 1, 1, 1, 1, 1)"));
	assert_non_null(strstr(text[0], "return    add_up = 45"));
	assert_non_null(strstr(text[0], "return    give_pointer = host"));
	for (unsigned i = 0; i < 3; i++)
		free(text[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_arguments_and_the_result_go_through),
		cmocka_unit_test(a_gate_is_the_same_for_the_same_export),
		cmocka_unit_test(a_call_above_its_irql_is_a_bugcheck),
		cmocka_unit_test(a_function_that_is_not_there_stops_the_run_with_its_name),
		cmocka_unit_test(the_nth_call_that_can_fail_does),
		cmocka_unit_test(failures_can_be_of_one_function),
		cmocka_unit_test(a_callback_gives_its_result),
		cmocka_unit_test(a_callback_that_keeps_the_irql_is_a_bugcheck),
		cmocka_unit_test(a_callback_that_keeps_a_critical_region_is_a_bugcheck),
		cmocka_unit_test(traces_of_one_seed_are_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
