/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executive timers, on ke's: a timer that is allocated and calls back at DISPATCH_LEVEL. High-resolution ones expire at
 * the microsecond in Windows and at the ticks of the clock here. Microsoft, "ExAllocateTimer", "ExSetTimer",
 * "ExDeleteTimer".
 */
#include "nt/ex.h"

#include "nt/phys.h"

#define TIMER_TAG 0x6d547845u /* 'ExTm' */
#define ATTRIBUTES (EX_TIMER_HIGH_RESOLUTION | EX_TIMER_NO_WAKE | EX_TIMER_NOTIFICATION)
#ifndef EX_TIMER_NOTIFICATION
#define EX_TIMER_NOTIFICATION 0x80000000u
#endif

struct _EX_TIMER {
	KTIMER timer; /* first: a driver may wait for the timer itself */
	KDPC dpc;
	PEXT_CALLBACK callback; /* NULL: only waited for */
	PVOID context;
	bool running; /* the callback is */
	bool deleted; /* is freed when the callback has ended */
	PEXT_DELETE_CALLBACK delete_callback;
	PVOID delete_context;
	KEVENT ended; /* a notification event: set while the callback does not run */
};

static void check(PEX_TIMER timer, const char *function)
{
	if (!us_addresses_find(&us_nt->ex->timers, timer) || timer->deleted)
		us_nt_bugcheck(
			0xC7, 0, (uintptr_t)timer, 0, 0, "ex-timer.invalid",
			"%s was called for %p (%s), which is no timer of ExAllocateTimer, or one that is deleted",
			function, (void *)timer, us_nt_where(timer));
}

static void destroy(PEX_TIMER timer)
{
	PEXT_DELETE_CALLBACK callback = timer->delete_callback;
	PVOID context = timer->delete_context;

	us_addresses_remove(&us_nt->ex->timers, timer);
	us_nt_pool_free(timer);
	if (callback)
		US_CALL_VOID("a timer's delete callback", callback, context);
}

static void NTAPI expired(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
	PEX_TIMER timer = context;

	(void)dpc, (void)argument1, (void)argument2;
	if (!us_addresses_find(&us_nt->ex->timers, timer))
		return; /* it was deleted after the DPC had left its queue */
	if (timer->callback && !timer->deleted) {
		timer->running = true;
		KeClearEvent(&timer->ended);
		US_CALL_VOID("a timer's callback", timer->callback, timer, timer->context);
		timer->running = false;
		KeSetEvent(&timer->ended, 0, FALSE);
	}
	if (timer->deleted && !timer->dpc.DpcData)
		destroy(timer);
}

PEX_TIMER NTAPI ExAllocateTimer(PEXT_CALLBACK callback, PVOID context, ULONG attributes)
{
	PEX_TIMER timer;

	if (attributes & ~(ULONG)ATTRIBUTES)
		us_nt_unsupported("ExAllocateTimer was called with the attributes 0x%x", (unsigned)attributes);
	timer = us_nt_pool_alloc(sizeof(*timer), TIMER_TAG);
	if (!timer)
		return NULL;
	us_nt_pool_give(timer, us_nt_caller());
	memset(timer, 0, sizeof(*timer));
	KeInitializeTimerEx(&timer->timer,
			    attributes & EX_TIMER_NOTIFICATION ? NotificationTimer : SynchronizationTimer);
	KeInitializeDpc(&timer->dpc, expired, timer);
	KeInitializeEvent(&timer->ended, NotificationEvent, TRUE);
	timer->callback = callback;
	timer->context = context;
	us_addresses_add(&us_nt->ex->timers, timer, timer);
	return timer;
}

/* The period is in units of 100 ns; ke's timers have milliseconds. */
BOOLEAN NTAPI ExSetTimer(PEX_TIMER timer, LONGLONG due, LONGLONG period, EXT_SET_PARAMETERS *parameters)
{
	ULONG milliseconds = (ULONG)((period + 9999) / 10000);

	(void)parameters; /* tolerances, which are not made use of */
	check(timer, "ExSetTimer");
	if (period < 0)
		us_nt_bugcheck(0xC4, 0, (uintptr_t)timer, (ULONGLONG)period, 0, "timer.period",
			       "ExSetTimer was called with the period %lld; it is a number of 100 ns, or 0",
			       (long long)period);
	return KeSetTimerEx(&timer->timer, (LARGE_INTEGER){.QuadPart = due}, (LONG)milliseconds, &timer->dpc);
}

BOOLEAN NTAPI ExCancelTimer(PEX_TIMER timer, PEXT_CANCEL_PARAMETERS parameters)
{
	BOOLEAN was_set;

	(void)parameters;
	check(timer, "ExCancelTimer");
	was_set = KeCancelTimer(&timer->timer);
	return KeRemoveQueueDpc(&timer->dpc) || was_set;
}

BOOLEAN NTAPI ExDeleteTimer(PEX_TIMER timer, BOOLEAN cancel, BOOLEAN wait, PEXT_DELETE_PARAMETERS parameters)
{
	BOOLEAN cancelled = FALSE;

	check(timer, "ExDeleteTimer");
	if (wait && !cancel)
		us_nt_bugcheck(0xC4, 0, (uintptr_t)timer, 0, 0, "ex-timer.wait-without-cancel",
			       "ExDeleteTimer was called with Wait TRUE and Cancel FALSE; to wait one has to cancel");
	if (!cancel && timer->timer.Header.Inserted)
		us_nt_unsupported("ExDeleteTimer was called with Cancel FALSE for a timer that is set");
	if (cancel)
		cancelled = ExCancelTimer(timer, NULL);
	if (parameters) {
		timer->delete_callback = parameters->DeleteCallback;
		timer->delete_context = parameters->DeleteContext;
	}
	timer->deleted = true;
	if (wait && timer->running) {
		KeWaitForSingleObject(&timer->ended, Executive, KernelMode, FALSE, NULL);
		return cancelled;
	}
	if (!timer->running && !timer->dpc.DpcData)
		destroy(timer);
	return cancelled;
}
