/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers. They expire at ticks of the clock: at the first one at or behind the due time, where a time that is relative
 * counts from the last tick, as in Windows. Microsoft, "KeSetTimerEx", "Timer Accuracy".
 */
#include "nt/ke.h"

#include <stdio.h>

#include "nt/clock.h"
#include "nt/trace.h"

/* What is known of a timer that is set, out of the driver's reach. */
struct us_ke_timer {
	struct us_alarm alarm;
	PKTIMER timer;
	struct us_ke_timer *next, **link;
};

static struct us_ke_timer *find(const KTIMER *timer)
{
	return us_addresses_find(&us_nt->ke->timers, timer);
}

static void forget(struct us_ke_timer *set)
{
	set->timer->Header.Inserted = 0;
	us_nt_alarm_cancel(&set->alarm);
	us_addresses_remove(&us_nt->ke->timers, set->timer);
	*set->link = set->next;
	if (set->next)
		set->next->link = set->link;
	us_nt_free(set);
}

/* A timer's DPC goes to the processor it is meant for, else to any. */
static void queue_dpc(PKDPC dpc)
{
	LARGE_INTEGER now = {.QuadPart = (LONGLONG)us_nt_system_time()};

	us_nt_insert_dpc(dpc, (PVOID)(uintptr_t)now.LowPart, (PVOID)(uintptr_t)(ULONG)now.HighPart,
			 us_nt_cpu_of(us_nt_random(us_nt_cpus())));
}

static void expire(PKTIMER timer)
{
	timer->Header.SignalState = 1;
	us_ke_signal(&timer->Header);
	if (timer->Dpc)
		queue_dpc(timer->Dpc);
}

static void fire(struct us_alarm *alarm)
{
	struct us_ke_timer *set = CONTAINING_RECORD(alarm, struct us_ke_timer, alarm);
	PKTIMER timer = set->timer;

	if (us_nt_tracing())
		us_nt_trace("note      a timer expires, %s", us_nt_where(timer));
	if (timer->Period) {
		timer->DueTime.QuadPart = us_nt_interrupt_time() + UINT64_C(10000) * timer->Period;
		us_nt_alarm_set(alarm, us_nt_tick_at(timer->DueTime.QuadPart));
	} else {
		forget(set);
	}
	expire(timer);
}

static void insert(PKTIMER timer)
{
	struct us_ke *ke = us_nt->ke;
	struct us_ke_timer *set = us_nt_alloc(sizeof(*set));

	set->timer = timer;
	set->alarm.fire = fire;
	set->next = ke->first_timer;
	set->link = &ke->first_timer;
	if (set->next)
		set->next->link = &set->next;
	ke->first_timer = set;
	us_addresses_add(&ke->timers, timer, set);
	timer->Header.Inserted = 1;
	us_nt_alarm_set(&set->alarm, us_nt_tick_at(timer->DueTime.QuadPart));
}

void NTAPI KeInitializeTimerEx(PKTIMER timer, TIMER_TYPE type)
{
	if (find(timer))
		us_nt_bugcheck(0xC7, 0, (uintptr_t)timer, 0, 0, "timer.initialized-while-set",
			       "KeInitializeTimerEx was called for a timer %s that is set; KeCancelTimer comes before",
			       us_nt_where(timer));
	us_ke_header_init(&timer->Header,
			  type == NotificationTimer ? US_KE_NOTIFICATION_TIMER : US_KE_SYNCHRONIZATION_TIMER,
			  sizeof(*timer), 0);
	timer->DueTime.QuadPart = 0;
	timer->Period = 0;
	timer->Dpc = NULL;
}

void NTAPI KeInitializeTimer(PKTIMER timer)
{
	KeInitializeTimerEx(timer, NotificationTimer);
}

static BOOLEAN set_timer(PKTIMER timer, LONGLONG due, ULONG period, PKDPC dpc, const char *function)
{
	struct us_ke_timer *set;

	us_ke_check(timer, US_KE_TIMERS, function);
	set = find(timer);
	if (set)
		forget(set);
	timer->Header.SignalState = 0;
	timer->Dpc = dpc;
	timer->Period = period;
	timer->DueTime.QuadPart = us_ke_due(due);
	if (timer->DueTime.QuadPart <= us_nt_interrupt_time()) {
		if (period) {
			timer->DueTime.QuadPart = us_nt_interrupt_time() + UINT64_C(10000) * period;
			insert(timer);
		}
		expire(timer);
	} else {
		insert(timer);
	}
	return set != NULL;
}

BOOLEAN NTAPI KeSetTimerEx(PKTIMER timer, LARGE_INTEGER due, LONG period, PKDPC dpc)
{
	if (period < 0)
		us_nt_bugcheck(0xC4, 0, (ULONG)period, 0, 0, "timer.period",
			       "KeSetTimerEx was called with the period %d; it is a number of milliseconds, or 0",
			       (int)period);
	return set_timer(timer, due.QuadPart, (ULONG)period, dpc, "KeSetTimerEx");
}

BOOLEAN NTAPI KeSetTimer(PKTIMER timer, LARGE_INTEGER due, PKDPC dpc)
{
	return set_timer(timer, due.QuadPart, 0, dpc, "KeSetTimer");
}

/* The tolerance is a permission, not a wish: it is not made use of. */
BOOLEAN NTAPI KeSetCoalescableTimer(PKTIMER timer, LARGE_INTEGER due, ULONG period, ULONG tolerance, PKDPC dpc)
{
	(void)tolerance;
	return set_timer(timer, due.QuadPart, period, dpc, "KeSetCoalescableTimer");
}

BOOLEAN NTAPI KeCancelTimer(PKTIMER timer)
{
	struct us_ke_timer *set;

	us_ke_check(timer, US_KE_TIMERS, "KeCancelTimer");
	set = find(timer);
	if (set)
		forget(set);
	return set != NULL;
}

BOOLEAN NTAPI KeReadStateTimer(PKTIMER timer)
{
	us_ke_check(timer, US_KE_TIMERS, "KeReadStateTimer");
	return timer->Header.SignalState != 0;
}

void us_ke_timer_check_free(const void *at, size_t size)
{
	for (const struct us_ke_timer *set = us_nt->ke->first_timer; set; set = set->next)
		if ((uintptr_t)set->timer - (uintptr_t)at < size ||
		    (set->timer->Dpc && (uintptr_t)set->timer->Dpc - (uintptr_t)at < size))
			us_nt_bugcheck(
				0xC7, 0, (uintptr_t)set->timer, (uintptr_t)at, size, "timer.freed",
				"memory was freed in which a timer that is set, or its DPC, lies (the timer is %s); "
				"KeCancelTimer and KeFlushQueuedDpcs come before",
				us_nt_where(set->timer));
}

size_t us_ke_timer_leaks(char *text, size_t size)
{
	size_t count = 0;

	for (const struct us_ke_timer *set = us_nt->ke->first_timer; set; set = set->next)
		if (count++ == 0 && size)
			snprintf(text, size, "a timer that is set, %s", us_nt_where(set->timer));
	return count;
}
