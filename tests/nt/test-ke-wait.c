/* SPDX-License-Identifier: Apache-2.0 */
/* Dispatcher objects and waits: the contracts of "KeWaitForSingleObject", "KeSetEvent", "KeReleaseSemaphore",
 * "KeReleaseMutex", … */
#include "rig.h"

#include "nt/clock.h"

#define C(function) US_IMPORT(function)
#define WAIT(object, timeout) C(KeWaitForSingleObject)(object, Executive, KernelMode, FALSE, timeout)

static LARGE_INTEGER now = {.QuadPart = 0};
static bool yes = true; /* the context of bodies that have a variant */

static LARGE_INTEGER ms(LONGLONG n)
{
	return (LARGE_INTEGER){.QuadPart = -10000 * n};
}

static void sleep_ms(LONGLONG n)
{
	LARGE_INTEGER interval = ms(n);

	C(KeDelayExecutionThread)(KernelMode, FALSE, &interval);
}

/* -- what ends the run -------------------------------------------------------------------------------------------- */

static void wait_at_dispatch(void *context)
{
	LARGE_INTEGER timeout = ms(1);
	KEVENT event;

	C(KeInitializeEvent)(&event, NotificationEvent, TRUE);
	us_nt_raise_irql(DISPATCH_LEVEL);
	WAIT(&event, context ? &timeout : NULL);
}

static void a_wait_at_dispatch_level_with_a_timeout_is_a_bugcheck(void **state)
{
	(void)state;
	rig_run_breaks("irql.wait", wait_at_dispatch, &yes);
	rig_run_breaks("irql.wait", wait_at_dispatch, NULL);
}

static void look_at_dispatch(void *context)
{
	KEVENT event;

	(void)context;
	C(KeInitializeEvent)(&event, SynchronizationEvent, TRUE);
	us_nt_raise_irql(DISPATCH_LEVEL);
	rig_expect(WAIT(&event, &now) == STATUS_SUCCESS);
	rig_expect(WAIT(&event, &now) == STATUS_TIMEOUT);
	us_nt_lower_irql(PASSIVE_LEVEL);
}

static void a_wait_at_dispatch_level_with_a_timeout_of_zero_only_looks(void **state)
{
	(void)state;
	rig_run(NULL, look_at_dispatch, NULL);
}

static void delay_at_dispatch(void *context)
{
	(void)context;
	us_nt_raise_irql(DISPATCH_LEVEL);
	sleep_ms(0);
}

static void a_delay_at_dispatch_level_is_a_bugcheck(void **state)
{
	(void)state;
	rig_run_breaks("irql.too-high", delay_at_dispatch, NULL);
}

static void set_garbage(void *context)
{
	KEVENT *event = us_nt_pool_alloc(sizeof(*event), 0x74736554);

	(void)context;
	C(KeSetEvent)(event, 0, FALSE);
}

static void set_zeroes(void *context)
{
	KEVENT event = {0};

	(void)context;
	C(KeSetEvent)(&event, 0, FALSE);
}

static void release_an_event(void *context)
{
	KSEMAPHORE semaphore;

	(void)context;
	C(KeInitializeEvent)((PRKEVENT)&semaphore, NotificationEvent, FALSE);
	C(KeReleaseSemaphore)(&semaphore, 0, 1, FALSE);
}

static void what_was_never_initialized_is_a_bugcheck(void **state)
{
	(void)state;
	rig_run_breaks("object.uninitialized", set_garbage, NULL);
	rig_run_breaks("object.uninitialized", set_zeroes, NULL);
	rig_run_breaks("object.uninitialized", release_an_event, NULL);
}

static void wait_for_four(void *context)
{
	KEVENT events[4];
	PVOID objects[4];
	KWAIT_BLOCK blocks[4];

	for (unsigned i = 0; i < 4; i++) {
		C(KeInitializeEvent)(&events[i], NotificationEvent, TRUE);
		objects[i] = &events[i];
	}
	C(KeWaitForMultipleObjects)(4, objects, WaitAll, Executive, KernelMode, FALSE, NULL, context ? blocks : NULL);
}

static void more_than_three_objects_need_an_array_of_wait_blocks(void **state)
{
	(void)state;
	rig_run_breaks("wait.too-many-objects", wait_for_four, NULL);
	rig_run(NULL, wait_for_four, &yes);
}

static void wait_for_nobody(void *context)
{
	KEVENT event;

	(void)context;
	C(KeInitializeEvent)(&event, NotificationEvent, FALSE);
	WAIT(&event, NULL);
}

static void a_wait_that_nobody_ends_is_a_hang(void **state)
{
	(void)state;
	rig_run_breaks("hang", wait_for_nobody, NULL);
}

static void wait_for_a_piece(void *context)
{
	struct {
		ULONG64 first[3];
		KEVENT event;
	} *piece = US_IMPORT(ExAllocatePoolWithTag)(NonPagedPool, sizeof(*piece), 0x64636261);
	const char **where = context;

	C(KeInitializeEvent)(&piece->event, NotificationEvent, FALSE);
	rig_expect(strstr(us_nt_where(&piece->event), "in the driver's pool piece 'abcd' + 24, at 0x"));
	rig_expect(strcmp(us_nt_where(&piece), "on a stack") == 0);
	US_IMPORT(ExFreePool)(piece);
	rig_expect(strstr(us_nt_where(&piece->event), "in freed pool at 0x"));
	rig_expect(strcmp(us_nt_where(where), "outside of the stage's memory") == 0);
}

static void reports_say_where_an_object_is(void **state)
{
	const char *where = NULL;

	(void)state;
	rig_run(NULL, wait_for_a_piece, &where);
}

/* -- events ------------------------------------------------------------------------------------------------------- */

static void event_states(void *context)
{
	KEVENT event;

	(void)context;
	C(KeInitializeEvent)(&event, NotificationEvent, FALSE);
	rig_expect(C(KeReadStateEvent)(&event) == 0);
	rig_expect(WAIT(&event, &now) == STATUS_TIMEOUT);
	rig_expect(C(KeSetEvent)(&event, 0, FALSE) == 0);
	rig_expect(C(KeSetEvent)(&event, 0, FALSE) == 1);
	rig_expect(WAIT(&event, NULL) == STATUS_SUCCESS);
	rig_expect(C(KeReadStateEvent)(&event) == 1); /* a notification event stays signalled */
	rig_expect(C(KeResetEvent)(&event) == 1);
	rig_expect(C(KeResetEvent)(&event) == 0);
	C(KeInitializeEvent)(&event, SynchronizationEvent, TRUE);
	rig_expect(WAIT(&event, NULL) == STATUS_SUCCESS);
	rig_expect(C(KeReadStateEvent)(&event) == 0); /* a synchronization event is reset by the wait */
	C(KeSetEvent)(&event, 0, FALSE);
	C(KeClearEvent)(&event);
	rig_expect(C(KeReadStateEvent)(&event) == 0);
}

static void events_have_the_states_of_the_reference(void **state)
{
	(void)state;
	rig_run(NULL, event_states, NULL);
}

struct waiters {
	KEVENT event;
	unsigned began, ended;
};

static void wait_once(void *context)
{
	struct waiters *w = context;

	w->began++;
	rig_expect(WAIT(&w->event, NULL) == STATUS_SUCCESS);
	w->ended++;
}

/* Three threads wait for the event. */
static void three_wait(struct waiters *w, EVENT_TYPE type)
{
	w->began = w->ended = 0;
	C(KeInitializeEvent)(&w->event, type, FALSE);
	for (unsigned i = 0; i < 3; i++)
		rig_thread("waiter", wait_once, w);
	while (w->began < 3)
		us_nt_point(100);
	sleep_ms(50);
}

static void notify(void *context)
{
	struct waiters w;

	(void)context;
	three_wait(&w, NotificationEvent);
	rig_expect(w.ended == 0);
	C(KeSetEvent)(&w.event, 0, FALSE);
	sleep_ms(50);
	rig_expect(w.ended == 3);
	three_wait(&w, SynchronizationEvent);
	for (unsigned i = 1; i <= 3; i++) {
		C(KeSetEvent)(&w.event, 0, FALSE);
		sleep_ms(50);
		rig_expect(w.ended == i && C(KeReadStateEvent)(&w.event) == 0);
	}
	three_wait(&w, NotificationEvent);
	rig_expect(C(KePulseEvent)(&w.event, 0, FALSE) == 0);
	rig_expect(C(KeReadStateEvent)(&w.event) == 0);
	sleep_ms(50);
	rig_expect(w.ended == 3);
}

static void a_notification_event_lets_all_go_on_a_synchronization_event_one(void **state)
{
	(void)state;
	rig_run_seeds(RIG_SEEDS, notify, NULL);
}

/* -- timeouts ----------------------------------------------------------------------------------------------------- */

static void time_out(void *context)
{
	KEVENT event;
	LARGE_INTEGER timeout = ms(100), past = {.QuadPart = 1}, absolute;
	uint64_t before = us_nt_now();

	(void)context;
	C(KeInitializeEvent)(&event, NotificationEvent, FALSE);
	rig_expect(WAIT(&event, &timeout) == STATUS_TIMEOUT);
	rig_expect(us_nt_now() - before > 100 * UINT64_C(1000000) - 15625000 &&
		   us_nt_now() - before < 132 * UINT64_C(1000000));
	rig_expect(IsListEmpty(&event.Header.WaitListHead));
	rig_expect(WAIT(&event, &past) == STATUS_TIMEOUT); /* the system's time has passed it */

	absolute.QuadPart = (LONGLONG)us_nt_system_time();
	absolute.QuadPart += 10000 * 1000;
	before = us_nt_now();
	rig_expect(WAIT(&event, &absolute) == STATUS_TIMEOUT);
	rig_expect(us_nt_now() - before > 980 * UINT64_C(1000000) && us_nt_now() - before < 1020 * UINT64_C(1000000));
}

static void a_wait_times_out_at_a_tick_of_the_clock(void **state)
{
	(void)state;
	rig_run_seeds(RIG_SEEDS, time_out, NULL);
}

/* A timeout and the object's signal at about the same time: one of the two, and the object's state says which. */
static void setter(void *context)
{
	struct waiters *w = context;
	uint64_t then = us_nt_tick_at(us_nt_interrupt_time() + 310000) - 2000 + us_nt_random(4000);

	sleep_ms(15); /* a tick before */
	while (us_nt_now() < then)
		us_nt_point(then - us_nt_now() > 10000 ? 8000 : 10);
	C(KeSetEvent)(&w->event, 0, FALSE);
	w->ended++;
}

static void race(void *context)
{
	unsigned *outcomes = context;
	struct waiters w = {0};
	LARGE_INTEGER timeout = ms(31);
	NTSTATUS status;

	C(KeInitializeEvent)(&w.event, SynchronizationEvent, FALSE);
	rig_thread("setter", setter, &w);
	status = WAIT(&w.event, &timeout);
	while (!w.ended)
		sleep_ms(20);
	rig_expect(status == STATUS_TIMEOUT || status == STATUS_SUCCESS);
	rig_expect(C(KeReadStateEvent)(&w.event) == (status == STATUS_TIMEOUT));
	outcomes[status == STATUS_TIMEOUT]++;
}

static void a_signal_is_not_lost_to_a_timeout(void **state)
{
	unsigned outcomes[2] = {0, 0};

	(void)state;
	rig_run_seeds(4 * RIG_SEEDS, race, outcomes);
	assert_true(outcomes[0] && outcomes[1]); /* both happen */
}

/* -- semaphores --------------------------------------------------------------------------------------------------- */

static void over_the_limit(void *context)
{
	KSEMAPHORE semaphore;

	(void)context;
	C(KeInitializeSemaphore)(&semaphore, 1, 2);
	C(KeReleaseSemaphore)(&semaphore, 0, 2, FALSE);
}

static void a_semaphore_over_its_limit_is_a_bugcheck(void **state)
{
	(void)state;
	rig_run_breaks("semaphore.limit", over_the_limit, NULL);
}

static void count_down(void *context)
{
	KSEMAPHORE semaphore;

	(void)context;
	C(KeInitializeSemaphore)(&semaphore, 2, 5);
	rig_expect(WAIT(&semaphore, &now) == STATUS_SUCCESS);
	rig_expect(C(KeReadStateSemaphore)(&semaphore) == 1);
	rig_expect(WAIT(&semaphore, &now) == STATUS_SUCCESS);
	rig_expect(WAIT(&semaphore, &now) == STATUS_TIMEOUT);
	rig_expect(C(KeReleaseSemaphore)(&semaphore, 0, 5, FALSE) == 0);
	rig_expect(C(KeReadStateSemaphore)(&semaphore) == 5);
}

static void a_semaphore_counts(void **state)
{
	(void)state;
	rig_run(NULL, count_down, NULL);
}

/* -- mutexes ------------------------------------------------------------------------------------------------------ */

static void release_unowned(void *context)
{
	KMUTEX mutex;

	(void)context;
	C(KeInitializeMutex)(&mutex, 0);
	C(KeReleaseMutex)(&mutex, FALSE);
}

static void a_mutex_is_released_by_its_owner_only(void **state)
{
	(void)state;
	rig_run_breaks("mutex.not-owned", release_unowned, NULL);
}

static void own_twice(void *context)
{
	KMUTEX mutex;

	(void)context;
	C(KeInitializeMutex)(&mutex, 0);
	rig_expect(C(KeReadStateMutex)(&mutex) == 1);
	rig_expect(!C(KeAreApcsDisabled)());
	rig_expect(WAIT(&mutex, NULL) == STATUS_SUCCESS);
	rig_expect(C(KeReadStateMutex)(&mutex) == 0);
	rig_expect(C(KeAreApcsDisabled)()); /* the owner of a mutex is in a critical region */
	rig_expect(WAIT(&mutex, NULL) == STATUS_SUCCESS);
	rig_expect(C(KeReadStateMutex)(&mutex) == -1);
	rig_expect(C(KeReleaseMutex)(&mutex, FALSE) == -1);
	rig_expect(C(KeReleaseMutex)(&mutex, FALSE) == 0);
	rig_expect(C(KeReadStateMutex)(&mutex) == 1);
	rig_expect(!C(KeAreApcsDisabled)());
}

static void a_mutex_can_be_owned_several_times(void **state)
{
	(void)state;
	rig_run(NULL, own_twice, NULL);
}

struct guarded {
	KMUTEX mutex;
	unsigned inside, ended, steps;
};

static void go_in_and_out(void *context)
{
	struct guarded *g = context;

	for (unsigned i = 0; i < 5; i++) {
		WAIT(&g->mutex, NULL);
		rig_expect(g->inside++ == 0);
		us_nt_point(200);
		g->inside--;
		g->steps++;
		C(KeReleaseMutex)(&g->mutex, FALSE);
	}
	g->ended++;
}

static void exclude(void *context)
{
	struct guarded g = {0};

	(void)context;
	C(KeInitializeMutex)(&g.mutex, 0);
	for (unsigned i = 0; i < 4; i++)
		rig_thread("one of four", go_in_and_out, &g);
	while (g.ended < 4)
		us_nt_point(100);
	rig_expect(g.steps == 20);
}

static void one_thread_is_inside_a_mutex(void **state)
{
	(void)state;
	rig_run_seeds(RIG_SEEDS, exclude, NULL);
}

/* -- several objects ---------------------------------------------------------------------------------------------- */

static void any_of_three(void *context)
{
	KEVENT first, second;
	KSEMAPHORE third;
	PVOID objects[] = {&first, &second, &third};

	(void)context;
	C(KeInitializeEvent)(&first, SynchronizationEvent, FALSE);
	C(KeInitializeEvent)(&second, SynchronizationEvent, TRUE);
	C(KeInitializeSemaphore)(&third, 1, 1);
	rig_expect(C(KeWaitForMultipleObjects)(3, objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL) ==
		   STATUS_WAIT_0 + 1);
	rig_expect(C(KeReadStateEvent)(&second) == 0 &&
		   C(KeReadStateSemaphore)(&third) == 1); /* one is taken, one is left */
	rig_expect(C(KeWaitForMultipleObjects)(3, objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL) ==
		   STATUS_WAIT_0 + 2);
	rig_expect(C(KeWaitForMultipleObjects)(3, objects, WaitAny, Executive, KernelMode, FALSE, &now, NULL) ==
		   STATUS_TIMEOUT);
}

static void a_wait_for_any_takes_the_first_that_is_signalled(void **state)
{
	(void)state;
	rig_run(NULL, any_of_three, NULL);
}

struct both {
	KEVENT events[2];
	NTSTATUS status;
	bool ended;
};

static void wait_for_both(void *context)
{
	struct both *b = context;
	PVOID objects[] = {&b->events[0], &b->events[1]};

	b->status = C(KeWaitForMultipleObjects)(2, objects, WaitAll, Executive, KernelMode, FALSE, NULL, NULL);
	b->ended = true;
}

static void all_at_once(void *context)
{
	struct both b = {.status = -1};

	(void)context;
	C(KeInitializeEvent)(&b.events[0], SynchronizationEvent, FALSE);
	C(KeInitializeEvent)(&b.events[1], SynchronizationEvent, FALSE);
	rig_thread("waiter", wait_for_both, &b);
	sleep_ms(50);
	C(KeSetEvent)(&b.events[0], 0, FALSE);
	sleep_ms(50);
	rig_expect(!b.ended && C(KeReadStateEvent)(&b.events[0]) == 1); /* nothing is taken before all are there */
	rig_expect(WAIT(&b.events[0], &now) == STATUS_SUCCESS); /* so another can have it */
	C(KeSetEvent)(&b.events[1], 0, FALSE);
	sleep_ms(50);
	rig_expect(!b.ended);
	C(KeSetEvent)(&b.events[0], 0, FALSE);
	sleep_ms(50);
	rig_expect(b.ended && b.status == STATUS_SUCCESS);
	rig_expect(C(KeReadStateEvent)(&b.events[0]) == 0 && C(KeReadStateEvent)(&b.events[1]) == 0);
}

static void a_wait_for_all_takes_all_or_nothing(void **state)
{
	(void)state;
	rig_run_seeds(RIG_SEEDS, all_at_once, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wait_at_dispatch_level_with_a_timeout_is_a_bugcheck),
		cmocka_unit_test(a_wait_at_dispatch_level_with_a_timeout_of_zero_only_looks),
		cmocka_unit_test(a_delay_at_dispatch_level_is_a_bugcheck),
		cmocka_unit_test(what_was_never_initialized_is_a_bugcheck),
		cmocka_unit_test(more_than_three_objects_need_an_array_of_wait_blocks),
		cmocka_unit_test(a_wait_that_nobody_ends_is_a_hang),
		cmocka_unit_test(reports_say_where_an_object_is),
		cmocka_unit_test(events_have_the_states_of_the_reference),
		cmocka_unit_test(a_notification_event_lets_all_go_on_a_synchronization_event_one),
		cmocka_unit_test(a_wait_times_out_at_a_tick_of_the_clock),
		cmocka_unit_test(a_signal_is_not_lost_to_a_timeout),
		cmocka_unit_test(a_semaphore_over_its_limit_is_a_bugcheck),
		cmocka_unit_test(a_semaphore_counts),
		cmocka_unit_test(a_mutex_is_released_by_its_owner_only),
		cmocka_unit_test(a_mutex_can_be_owned_several_times),
		cmocka_unit_test(one_thread_is_inside_a_mutex),
		cmocka_unit_test(a_wait_for_any_takes_the_first_that_is_signalled),
		cmocka_unit_test(a_wait_for_all_takes_all_or_nothing),
	};

	return cmocka_run_group_tests_name("the stage: waits", tests, NULL, NULL);
}
