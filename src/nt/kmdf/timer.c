/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers. At execution level dispatch the callback runs in the kernel timer's DPC; a passive one's DPC queues a work
 * item.
 */
#include "nt/kmdf/callback.h"
#include "nt/trace.h"

#include <wdfstatus.h>

struct us_wdf_timer {
	struct us_wdf_object object;
	WDF_TIMER_CONFIG config;
	bool passive;
	struct us_wdf_lock *lock;
	KTIMER timer;
	KDPC dpc;
	WORK_QUEUE_ITEM work;
	struct us_wdf_runs runs; /* of the work item */
};

static void dispose(struct us_wdf_object *object)
{
	struct us_wdf_timer *timer = (struct us_wdf_timer *)object;

	KeCancelTimer(&timer->timer);
	KeFlushQueuedDpcs();
	us_wdf_runs_wait(&timer->runs, object);
	KeCancelTimer(&timer->timer); /* the last callback may have started it again */
}

const struct us_wdf_type us_wdf_timer_type = {
	.name = "WDFTIMER",
	.size = sizeof(struct us_wdf_timer),
	.deletable = true,
	.takes_level = true,
	.passive_cleanup = true,
	.dispose = dispose,
};

static void call(struct us_wdf_timer *timer)
{
	us_wdf_lock(timer->lock);
	US_CALL_VOID("EvtTimerFunc", timer->config.EvtTimerFunc, (WDFTIMER)timer);
	us_wdf_unlock(timer->lock);
}

static void NTAPI work(PVOID context)
{
	struct us_wdf_timer *timer = context;

	us_wdf_runs_begin(&timer->runs);
	call(timer);
	us_wdf_runs_end(&timer->runs);
	us_wdf_dereference(&timer->object);
}

static void NTAPI fired(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
	struct us_wdf_timer *timer = context;

	(void)dpc, (void)argument1, (void)argument2;
	if (!timer->passive) {
		us_wdf_reference(&timer->object);
		call(timer);
		us_wdf_dereference(&timer->object);
	} else if (!timer->runs.pending) {
		timer->runs.pending++;
		us_wdf_reference(&timer->object);
		ExQueueWorkItem(&timer->work, DelayedWorkQueue);
	}
}

static NTSTATUS check(const WDF_TIMER_CONFIG *config, bool passive)
{
	if (!config->EvtTimerFunc || config->Period > MAXLONG)
		return STATUS_INVALID_PARAMETER;
	/* The unlimited delay came with 1.13. */
	if (config->TolerableDelay > MAXLONG && (us_wdf_client() < 13 || config->TolerableDelay != 0xFFFFFFFFu))
		return STATUS_INVALID_PARAMETER;
	if (config->UseHighResolutionTimer == WdfTrue && config->TolerableDelay)
		return STATUS_INVALID_PARAMETER;
	if (passive && config->Period)
		return STATUS_NOT_SUPPORTED;
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI create(PWDF_DRIVER_GLOBALS globals, PWDF_TIMER_CONFIG given, PWDF_OBJECT_ATTRIBUTES attributes,
			     WDFTIMER *result)
{
	bool passive = attributes && attributes->ExecutionLevel == WdfExecutionLevelPassive;
	WDF_TIMER_CONFIG config = {0};
	struct us_wdf_timer *timer;
	struct us_wdf_lock *lock;
	NTSTATUS status;

	(void)globals;
	us_wdf_need(given, "WdfTimerCreate", "Config");
	us_wdf_need(result, "WdfTimerCreate", "Timer");
	*result = NULL;
	if (!us_wdf_take(&config, given))
		return STATUS_INFO_LENGTH_MISMATCH;
	status = check(&config, passive);
	if (NT_SUCCESS(status))
		status = us_wdf_callback_check(&us_wdf_timer_type, attributes, config.AutomaticSerialization, passive,
					       &lock);
	if (NT_SUCCESS(status))
		status = us_wdf_create(&us_wdf_timer_type, attributes, NULL, &timer);
	if (!NT_SUCCESS(status))
		return status;
	timer->config = config;
	timer->passive = passive;
	timer->lock = lock;
	us_wdf_runs_init(&timer->runs);
	KeInitializeTimerEx(&timer->timer, NotificationTimer);
	KeInitializeDpc(&timer->dpc, fired, timer);
	ExInitializeWorkItem(&timer->work, work, timer);
	*result = (WDFTIMER)timer;
	return STATUS_SUCCESS;
}

static BOOLEAN NTAPI start(PWDF_DRIVER_GLOBALS globals, WDFTIMER handle, LONGLONG due)
{
	struct us_wdf_timer *timer = us_wdf_from(handle, &us_wdf_timer_type);
	ULONG tolerable = timer->config.TolerableDelay;
	LARGE_INTEGER when;

	(void)globals;
	when.QuadPart = due;
	if (timer->config.UseHighResolutionTimer == WdfTrue && due >= 0)
		us_wdf_violation(
			WDF_INVALID_HANDLE, handle, "timer.high-resolution-due",
			"WdfTimerStart was called with %s, a high-resolution timer, and a due time that is not "
			"relative (negative).",
			us_wdf_name(timer));
	if (timer->object.life != US_WDF_ALIVE)
		return FALSE;
	return KeSetCoalescableTimer(&timer->timer, when, timer->config.Period, tolerable, &timer->dpc);
}

static BOOLEAN NTAPI stop(PWDF_DRIVER_GLOBALS globals, WDFTIMER handle, BOOLEAN wait)
{
	struct us_wdf_timer *timer = us_wdf_from(handle, &us_wdf_timer_type);
	BOOLEAN was_set;

	(void)globals;
	if (wait && us_nt_irql() != PASSIVE_LEVEL)
		us_nt_bugcheck(US_WDF_VIOLATION, WDF_VERIFIER_IRQL_MISMATCH, us_nt_irql(), 0, 0, "irql.timer-stop",
			       "WdfTimerStop was called at IRQL %u with Wait TRUE for %s: that takes PASSIVE_LEVEL.",
			       us_nt_irql(), us_wdf_name(timer));
	if (wait && us_wdf_runs_here(&timer->runs))
		us_wdf_violation(
			WDF_VERIFIER_FATAL_ERROR, handle, "timer.stop-in-callback",
			"WdfTimerStop was called in the callback of %s with Wait TRUE: it would wait for itself.",
			us_wdf_name(timer));
	was_set = KeCancelTimer(&timer->timer);
	if (wait) {
		KeFlushQueuedDpcs();
		us_wdf_runs_wait(&timer->runs, &timer->object);
	}
	return was_set;
}

static WDFOBJECT NTAPI get_parent(PWDF_DRIVER_GLOBALS globals, WDFTIMER handle)
{
	struct us_wdf_timer *timer = us_wdf_from(handle, &us_wdf_timer_type);

	(void)globals;
	return timer->object.parent;
}

void us_wdf_timer_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfTimerCreate = create;
	table->WdfTimerStart = start;
	table->WdfTimerStop = stop;
	table->WdfTimerGetParentObject = get_parent;
}
