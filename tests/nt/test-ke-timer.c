/* SPDX-License-Identifier: Apache-2.0 */
/* Timers and DPC objects: the contracts of "KeSetTimerEx", "KeCancelTimer", "KeInsertQueueDpc", … */
#include "rig.h"

#include "nt/clock.h"

#define C(function) US_IMPORT(function)
#define MS UINT64_C(1000000)

static LARGE_INTEGER now = {.QuadPart = 0};

static LARGE_INTEGER ms(LONGLONG n)
{
	return (LARGE_INTEGER){.QuadPart = -10000 * n};
}

static void sleep_ms(LONGLONG n)
{
	LARGE_INTEGER interval = ms(n);

	C(KeDelayExecutionThread)(KernelMode, FALSE, &interval);
}

struct called {
	unsigned times, cpu;
	uint64_t last;
	PVOID argument1;
};

static void NTAPI note(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
	struct called *c = context;

	(void)dpc, (void)argument2;
	rig_expect(us_nt_irql() == DISPATCH_LEVEL);
	c->times++;
	c->cpu = us_nt_cpu()->number;
	c->last = us_nt_now();
	c->argument1 = argument1;
}

/* -- what ends the run -------------------------------------------------------------------------------------------- */

static void set_uninitialized(void *context)
{
	KTIMER timer = {0};

	(void)context;
	C(KeSetTimer)(&timer, ms(1), NULL);
}

static void initialize_while_set(void *context)
{
	KTIMER timer;

	(void)context;
	C(KeInitializeTimer)(&timer);
	C(KeSetTimer)(&timer, ms(100), NULL);
	C(KeInitializeTimer)(&timer);
}

static void free_while_set(void *context)
{
	PKTIMER timer = us_nt_pool_alloc(sizeof(*timer), 0x74736554);

	(void)context;
	C(KeInitializeTimer)(timer);
	C(KeSetTimer)(timer, ms(100), NULL);
	us_nt_ke_check_free(timer, sizeof(*timer));
}

static void free_queued_dpc(void *context)
{
	struct called called = {0};
	KDPC dpc;

	(void)context;
	C(KeInitializeDpc)(&dpc, note, &called);
	us_nt_raise_irql(DISPATCH_LEVEL);
	C(KeInsertQueueDpc)(&dpc, NULL, NULL);
	us_nt_ke_check_free(&dpc, sizeof(dpc));
}

static void insert_uninitialized(void *context)
{
	KDPC dpc = {0};

	(void)context;
	C(KeInsertQueueDpc)(&dpc, NULL, NULL);
}

static void mistakes_with_timers_and_dpcs_are_bugchecks(void **state)
{
	(void)state;
	rig_run_breaks("object.uninitialized", set_uninitialized, NULL);
	rig_run_breaks("timer.initialized-while-set", initialize_while_set, NULL);
	rig_run_breaks("timer.freed", free_while_set, NULL);
	rig_run_breaks("dpc.freed", free_queued_dpc, NULL);
	rig_run_breaks("dpc.uninitialized", insert_uninitialized, NULL);
}

/* -- timers ------------------------------------------------------------------------------------------------------- */

static void expire_once(void *context)
{
	struct called called = {0};
	uint64_t began = us_nt_now();
	KTIMER timer;
	KDPC dpc;

	(void)context;
	C(KeInitializeTimer)(&timer);
	C(KeInitializeDpc)(&dpc, note, &called);
	rig_expect(!C(KeReadStateTimer)(&timer));
	rig_expect(!C(KeSetTimer)(&timer, ms(40), &dpc)); /* it was not set before */
	rig_expect(C(KeWaitForSingleObject)(&timer, Executive, KernelMode, FALSE, &now) == STATUS_TIMEOUT);
	rig_expect(C(KeWaitForSingleObject)(&timer, Executive, KernelMode, FALSE, NULL) == STATUS_SUCCESS);
	rig_expect(us_nt_now() - began > 40 * MS - US_NT_TICK_NS && us_nt_now() - began < 40 * MS + 2 * US_NT_TICK_NS);
	C(KeFlushQueuedDpcs)();
	rig_expect(called.times == 1);
	rig_expect(called.last / US_NT_TICK_NS == (called.last - 100000) / US_NT_TICK_NS + 1); /* just behind a tick */
	rig_expect(C(KeReadStateTimer)(&timer)); /* a notification timer stays signalled */
	rig_expect(!C(KeCancelTimer)(&timer)); /* it is not set any more */
	rig_expect(!C(KeSetTimer)(&timer, ms(1000), NULL) && !C(KeReadStateTimer)(&timer)); /* setting resets */
	rig_expect(C(KeSetTimer)(&timer, ms(500), NULL)); /* it was set, and is set anew */
	rig_expect(C(KeCancelTimer)(&timer));
	sleep_ms(1100);
	rig_expect(!C(KeReadStateTimer)(&timer) && called.times == 1);
}

static void a_timer_expires_once_at_a_tick(void **state)
{
	(void)state;
	rig_run_seeds(RIG_SEEDS, expire_once, NULL);
}

static void expire_periodically(void *context)
{
	struct called called = {0};
	KTIMER timer;
	KDPC dpc;
	unsigned times;

	(void)context;
	C(KeInitializeTimerEx)(&timer, SynchronizationTimer);
	C(KeInitializeDpc)(&dpc, note, &called);
	C(KeSetTimerEx)(&timer, ms(100), 50, &dpc);
	for (unsigned i = 0; i < 5; i++) {
		rig_expect(C(KeWaitForSingleObject)(&timer, Executive, KernelMode, FALSE, NULL) == STATUS_SUCCESS);
		rig_expect(!C(KeReadStateTimer)(&timer)); /* a synchronization timer is reset by the wait */
	}
	rig_expect(us_nt_now() > (100 + 4 * 50) * MS - 5 * US_NT_TICK_NS &&
		   us_nt_now() < (100 + 4 * 50) * MS + 6 * US_NT_TICK_NS);
	rig_expect(C(KeCancelTimer)(&timer));
	C(KeFlushQueuedDpcs)();
	times = called.times;
	rig_expect(times == 5);
	sleep_ms(200);
	rig_expect(called.times == times);
}

static void a_periodic_timer_expires_until_it_is_cancelled(void **state)
{
	(void)state;
	rig_run_seeds(RIG_SEEDS, expire_periodically, NULL);
}

static void expire_at_once(void *context)
{
	struct called called = {0};
	KTIMER timer;
	KDPC dpc;

	(void)context;
	C(KeInitializeTimer)(&timer);
	C(KeInitializeDpc)(&dpc, note, &called);
	rig_expect(!C(KeSetTimer)(&timer, (LARGE_INTEGER){.QuadPart = 1}, &dpc)); /* long ago */
	rig_expect(C(KeReadStateTimer)(&timer));
	C(KeFlushQueuedDpcs)();
	rig_expect(called.times == 1 && !C(KeCancelTimer)(&timer));
}

static void a_due_time_in_the_past_expires_at_once(void **state)
{
	(void)state;
	rig_run_seeds(RIG_SEEDS, expire_at_once, NULL);
}

static void leave_a_timer(void *context)
{
	char text[128] = "";
	KTIMER timer;

	(void)context;
	C(KeInitializeTimer)(&timer);
	rig_expect(us_nt_ke_leaks(text, sizeof(text)) == 0);
	C(KeSetTimer)(&timer, ms(100), NULL);
	rig_expect(us_nt_ke_leaks(text, sizeof(text)) == 1 && strstr(text, "a timer that is set"));
	C(KeCancelTimer)(&timer);
	rig_expect(us_nt_ke_leaks(text, sizeof(text)) == 0);
}

static void a_timer_that_is_set_counts_as_left_behind(void **state)
{
	(void)state;
	rig_run(NULL, leave_a_timer, NULL);
}

/* -- DPC objects -------------------------------------------------------------------------------------------------- */

static void queue(void *context)
{
	struct called called = {0};
	KDPC dpc;

	(void)context;
	C(KeInitializeDpc)(&dpc, note, &called);
	us_nt_raise_irql(DISPATCH_LEVEL);
	rig_expect(C(KeInsertQueueDpc)(&dpc, (PVOID)1, NULL));
	rig_expect(!C(KeInsertQueueDpc)(&dpc, (PVOID)2, NULL)); /* it is queued; the arguments stay */
	rig_expect(called.times == 0); /* not before this processor's IRQL is lower */
	us_nt_lower_irql(PASSIVE_LEVEL);
	rig_expect(called.times == 1 && called.argument1 == (PVOID)1);
	us_nt_raise_irql(DISPATCH_LEVEL);
	rig_expect(C(KeInsertQueueDpc)(&dpc, NULL, NULL));
	rig_expect(C(KeRemoveQueueDpc)(&dpc) && !C(KeRemoveQueueDpc)(&dpc));
	us_nt_lower_irql(PASSIVE_LEVEL);
	rig_expect(called.times == 1);
}

static void a_dpc_is_queued_once_and_runs_at_dispatch_level(void **state)
{
	(void)state;
	rig_run_seeds(RIG_SEEDS, queue, NULL);
}

static void queue_elsewhere(void *context)
{
	PROCESSOR_NUMBER second = {.Number = 1}, ninth = {.Number = 9};
	struct called called = {0};
	KDPC dpc;

	(void)context;
	C(KeInitializeDpc)(&dpc, note, &called);
	rig_expect(C(KeSetTargetProcessorDpcEx)(&dpc, &ninth) == STATUS_INVALID_PARAMETER);
	rig_expect(C(KeSetTargetProcessorDpcEx)(&dpc, &second) == STATUS_SUCCESS);
	rig_expect(C(KeInsertQueueDpc)(&dpc, NULL, NULL));
	C(KeFlushQueuedDpcs)();
	rig_expect(called.times == 1 && called.cpu == 1);
}

static void a_dpc_runs_on_the_processor_it_is_meant_for(void **state)
{
	(void)state;
	rig_run_seeds(RIG_SEEDS, queue_elsewhere, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_with_timers_and_dpcs_are_bugchecks),
		cmocka_unit_test(a_timer_expires_once_at_a_tick),
		cmocka_unit_test(a_periodic_timer_expires_until_it_is_cancelled),
		cmocka_unit_test(a_due_time_in_the_past_expires_at_once),
		cmocka_unit_test(a_timer_that_is_set_counts_as_left_behind),
		cmocka_unit_test(a_dpc_is_queued_once_and_runs_at_dispatch_level),
		cmocka_unit_test(a_dpc_runs_on_the_processor_it_is_meant_for),
	};

	return cmocka_run_group_tests_name("the stage: timers and DPCs", tests, NULL, NULL);
}
