/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled drivers with defects: each one ends its run, and the report says what was wrong, by which rule, and where in
 * the driver's source. usage: test-nt-defects defects.sys defects.c
 */
#include "rig.h"

#include <stdlib.h>

#include "drivers/defects.h"

#define SEEDS 64 /* how many are tried for what depends on chance */

static const char *driver, *source;

/* What becomes of a defect. */
struct fate {
	enum us_nt_outcome outcome;
	const char *rule;
	uint32_t code;
	const char *says; /* in the sentence, or NULL */
	const char *function; /* of the driver, in the report; NULL: the defect's own; "": none has to be */
};

static const char *const names[] = {
#define NAME(name) #name,
	DEFECTS(NAME)};

static const struct fate fates[DEFECT_COUNT] = {
	[DEFECT_null_pointer] = {US_NT_BUGCHECK, "memory.access", 0x3B,
				 "read address 0x8, in the first 64 KiB, as by a NULL pointer", NULL},
	[DEFECT_null_function] = {US_NT_BUGCHECK, "memory.access", 0x3B, "jumped to address 0x0", NULL},
	[DEFECT_garbage_function] = {US_NT_BUGCHECK, "memory.access", 0x3B, "an address that no memory has", NULL},
	[DEFECT_no_address] = {US_NT_BUGCHECK, "memory.access", 0x3B, "an address that no memory has", NULL},
	[DEFECT_pool_overrun] = {US_NT_BUGCHECK, "pool.overrun", 0xC1, "'Deft'", NULL},
	[DEFECT_pool_overrun_by_pages] = {US_NT_BUGCHECK, "memory.access", 0x50,
					  "0 bytes behind the end of a piece of pool with tag 'Deft'", NULL},
	[DEFECT_use_after_free] = {US_NT_BUGCHECK, "pool.use-after-free", 0x19, "'Deft'", ""},
	[DEFECT_freed_twice] = {US_NT_BUGCHECK, "pool.bad-free", 0xC2, "freed pool", NULL},
	[DEFECT_divide_by_zero] = {US_NT_BUGCHECK, "divide", 0x3B, "divided by zero", NULL},
	[DEFECT_illegal_instruction] = {US_NT_BUGCHECK, "illegal-instruction", 0x3B, NULL, NULL},
	[DEFECT_privileged_instruction] = {US_NT_BUGCHECK, "privileged-instruction", 0x1E, "wbinvd", NULL},
	[DEFECT_breakpoint] = {US_NT_BUGCHECK, "breakpoint", 0x3B, NULL, NULL},
	[DEFECT_fast_fail] = {US_NT_BUGCHECK, "fast-fail", 0x139, "a list entry", NULL},
	[DEFECT_stack_overflow] = {US_NT_BUGCHECK, "stack.overflow", 0x7F, "24 KiB", "recurse"},
	[DEFECT_stack_overflow_in_call] = {US_NT_BUGCHECK, "stack.overflow", 0x7F, "24 KiB", "recurse_and_call"},
	[DEFECT_loop] = {US_NT_HANG, "hang.loop", 0, "without calling anything", NULL},
	[DEFECT_loop_with_calls] = {US_NT_HANG, "hang", 0, "still busy", NULL},
	[DEFECT_event_never_set] = {US_NT_HANG, "hang", 0, "waits for", NULL},
	[DEFECT_two_locks] = {US_NT_HANG, "hang", 0, "waits for", NULL},
	[DEFECT_spin_lock_kept] = {US_NT_BUGCHECK, "callback.spin-lock", 0xC4, "EvtIoDeviceControl", "control"},
	[DEFECT_spin_lock_twice] = {US_NT_BUGCHECK, "lock.recursive", 0, NULL, NULL},
	[DEFECT_irql_kept] = {US_NT_BUGCHECK, "irql.callback", 0xC8, "EvtIoDeviceControl", "control"},
	[DEFECT_wait_at_dispatch] = {US_NT_BUGCHECK, "irql.wait", 0, NULL, NULL},
	[DEFECT_passive_call_at_dispatch] = {US_NT_BUGCHECK, "irql.wait-lock", 0x10d, "WdfWaitLockAcquire", NULL},
	[DEFECT_completed_twice] = {US_NT_BUGCHECK, "request.completed-twice", 0, NULL, NULL},
	[DEFECT_never_completed] = {US_NT_HANG, "hang", 0, "request", ""},
	[DEFECT_touched_after_completion] = {US_NT_BUGCHECK, "request.used-after-completion", 0, NULL, NULL},
	[DEFECT_wrong_handle] = {US_NT_BUGCHECK, "handle.type", 0, NULL, NULL},
	[DEFECT_no_handle] = {US_NT_BUGCHECK, "handle.null", 0, NULL, NULL},
	[DEFECT_not_on_the_stage] = {US_NT_UNSUPPORTED, "unsupported", 0, "ZwLoadDriver", NULL},
	[DEFECT_own_bugcheck] = {US_NT_BUGCHECK, "driver.bugcheck", 0xE2, NULL, NULL},
	[DEFECT_own_assertion] = {US_NT_BUGCHECK, "driver.assert", 0, "call == NULL", NULL},
	[DEFECT_own_breakpoint] = {US_NT_BUGCHECK, "driver.breakpoint", 0, NULL, NULL},
	[DEFECT_behind_registers] = {US_NT_BUGCHECK, "memory.access", 0x50, "behind the end of a mapping of BAR 0",
				     NULL},
	[DEFECT_registers_unmapped] = {US_NT_BUGCHECK, "memory.access", 0x50, "(any more)", NULL},
	[DEFECT_mapping_kept] = {US_NT_LEAK, "memory.leak", 0, "MmUnmapIoSpace", NULL},
	[DEFECT_pool_kept] = {US_NT_LEAK, "pool.leak", 0, "100 bytes", NULL},
	[DEFECT_timer_kept] = {US_NT_LEAK, "kernel.leak", 0, "timer", ""},
	[DEFECT_dpc_kept] = {US_NT_LEAK, "kernel.leak", 0, "DPC", ""},
	[DEFECT_thread_kept] = {US_NT_LEAK, "kernel.leak", 0, "thread", ""},
	[DEFECT_work_item_kept] = {US_NT_LEAK, "work-item.leak", 0, "work item", ""},
};

/* -- the stories -------------------------------------------------------------------------------------------------- */

static void once(struct us_nt_user *user, void *context)
{
	const unsigned *defect = context;
	us_nt_status status;
	us_nt_handle file;

	us_nt_expect_status(user, us_nt_plug_in(user), 0);
	file = us_nt_open(user, US_NT_READ | US_NT_WRITE, &status);
	us_nt_expect_status(user, status, 0);
	us_nt_expect_status(user, us_nt_control(user, file, DEFECT_CODE(*defect), NULL, 0, NULL, 0, NULL), 0);
}

static void another(struct us_nt_user *user, void *context)
{
	const unsigned *defect = context;
	us_nt_status status;
	us_nt_handle file = us_nt_open(user, US_NT_READ, &status);

	us_nt_control(user, file, DEFECT_CODE(*defect), NULL, 0, NULL, 0, NULL);
}

static void twice_at_a_time(struct us_nt_user *user, void *context)
{
	struct us_nt_thread *thread;

	us_nt_expect_status(user, us_nt_plug_in(user), 0);
	thread = us_nt_thread(user, another, context);
	another(user, context);
	us_nt_join(user, thread);
}

/* -- what is to be in the report ---------------------------------------------------------------------------------- */

static bool is_told(const struct us_rehearsal_report *report, const struct fate *fate, const char *name)
{
	const char *function = fate->function ? fate->function : name;
	unsigned line = rig_line_of(source, name);
	char place[64];

	if (report->outcome != fate->outcome || strcmp(report->rule, fate->rule) ||
	    (fate->code && report->code != fate->code) || (fate->says && !strstr(report->text, fate->says)) ||
	    !report->details)
		return false;
	snprintf(place, sizeof(place), " %s at ", function);
	if (*function && !strstr(report->details, place))
		return false;
	snprintf(place, sizeof(place), "defects.c:%u\n", line);
	return !line || strstr(report->details, place);
}

static void test_defect(void **state)
{
	const unsigned defect = (unsigned)(uintptr_t)*state;
	struct us_rehearsal_report report = {0};
	struct us_error err = {0};
	struct us_rehearsal rehearsal = {
		.driver = driver, .target = "model", .model = "adder", .replay = "like this", .point_limit = 100000};

	for (rehearsal.seed = 1; rehearsal.seed <= SEEDS && report.outcome <= US_NT_PASSED; rehearsal.seed++) {
		us_rehearsal_free(&report);
		if (us_rehearse(&rehearsal, defect == DEFECT_two_locks ? twice_at_a_time : once,
				(void *)(uintptr_t)&defect, &report, &err))
			fail_msg("%s", err.text);
	}
	if (getenv("DEFECTS_SHOW") || !is_told(&report, &fates[defect], names[defect])) {
		fprintf(stderr, "-- %s\n%s", names[defect], report.details ? report.details : "(no report)\n");
		if (!is_told(&report, &fates[defect], names[defect]))
			fail_msg("%s: %s [%s] %#x: %s", names[defect], us_nt_outcome_name(report.outcome), report.rule,
				 report.code, report.text);
	}
	us_rehearsal_free(&report);
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[DEFECT_COUNT];

	if (argc < 3)
		return 2;
	driver = argv[1];
	source = argv[2];
	for (unsigned i = 0; i < DEFECT_COUNT; i++)
		tests[i] = (struct CMUnitTest){names[i], test_defect, NULL, NULL, (void *)(uintptr_t)i};
	return cmocka_run_group_tests_name("defects", tests, NULL, NULL);
}
