/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits against a model of them: threads do what comes into their heads with events, a semaphore and mutexes, and after
 * each step the objects' states, and at the end of each wait its status, are those that a simple description of the
 * rules predicts.
 */
#include "rig.h"

#define THREADS 5
#define STEPS 60
#define OBJECTS 5
#define LIMIT 3

enum kind { NOTIFICATION, SYNCHRONIZATION, COUNTING, OWNED };

struct model_object {
	enum kind kind;
	int state; /* as KeReadState… has it */
	int owner; /* of a mutex: a thread's index; -1: none */
};

struct model_wait {
	bool waits, released;
	unsigned count, objects[2], age;
	bool all;
	NTSTATUS status;
};

struct world {
	union {
		KEVENT event;
		KSEMAPHORE semaphore;
		KMUTEX mutex;
		DISPATCHER_HEADER header;
	} real[OBJECTS];
	struct model_object model[OBJECTS];
	struct model_wait waits[THREADS];
	struct us_thread *threads[THREADS];
	unsigned began, ended, age;
	unsigned *outcomes; /* satisfied at once, released, timed out */
};

/* -- the model ---------------------------------------------------------------------------------------------------- */

static bool available(const struct model_object *o, int thread)
{
	return o->state > 0 || (o->kind == OWNED && o->owner == thread);
}

static void consume(struct model_object *o, int thread)
{
	if (o->kind == SYNCHRONIZATION)
		o->state = 0;
	if (o->kind == COUNTING || o->kind == OWNED)
		o->state--;
	if (o->kind == OWNED)
		o->owner = thread;
}

/* Whether a wait can end now, and how; takes what it takes. */
static bool satisfy(struct world *w, int thread, const struct model_wait *wait, NTSTATUS *status)
{
	unsigned n = 0;

	for (unsigned i = 0; i < wait->count; i++) {
		struct model_object *o = &w->model[wait->objects[i]];

		if (!available(o, thread))
			continue;
		n++;
		if (!wait->all) {
			consume(o, thread);
			*status = (NTSTATUS)i;
			return true;
		}
	}
	if (!wait->all || n < wait->count)
		return false;
	for (unsigned i = 0; i < wait->count; i++)
		consume(&w->model[wait->objects[i]], thread);
	*status = STATUS_SUCCESS;
	return true;
}

/* An object was signalled: whoever has waited longest and can go on does, until there is nobody. */
static void release_waiters(struct world *w)
{
	for (;;) {
		struct model_wait *next = NULL;
		int thread = 0;

		for (int i = 0; i < THREADS; i++) {
			struct model_wait *wait = &w->waits[i];
			struct world copy = *w;
			NTSTATUS status;

			if (wait->waits && !wait->released && (!next || wait->age < next->age) &&
			    satisfy(&copy, i, wait, &status)) {
				next = wait;
				thread = i;
			}
		}
		if (!next)
			return;
		next->released = satisfy(w, thread, next, &next->status);
	}
}

/* Waits whose time is over have ended without the model's doing. */
static void note_timeouts(struct world *w)
{
	for (unsigned i = 0; i < THREADS; i++)
		if (w->waits[i].waits && !w->waits[i].released && !w->threads[i]->waits)
			w->waits[i].waits = false;
}

static void compare(struct world *w)
{
	for (unsigned i = 0; i < OBJECTS; i++)
		if (w->real[i].header.SignalState != w->model[i].state)
			us_nt_stop(US_NT_EXPECTATION, "", "object %u has the state %d; the model says %d", i,
				   (int)w->real[i].header.SignalState, w->model[i].state);
}

/* -- what threads do ---------------------------------------------------------------------------------------------- */

static void change(struct world *w, int me, unsigned at)
{
	struct model_object *o = &w->model[at];

	note_timeouts(w);
	if (o->kind <= SYNCHRONIZATION && us_nt_random(3) == 0) {
		rig_expect(KeResetEvent(&w->real[at].event) == o->state);
		o->state = 0;
	} else if (o->kind <= SYNCHRONIZATION) {
		bool pulse = us_nt_random(4) == 0;

		rig_expect((pulse ? KePulseEvent : KeSetEvent)(&w->real[at].event, 0, FALSE) == o->state);
		o->state = 1;
		release_waiters(w);
		if (pulse)
			o->state = 0;
	} else if (o->kind == COUNTING && o->state < LIMIT) {
		int n = (int)us_nt_random((unsigned)(LIMIT - o->state)) + 1;

		rig_expect(KeReleaseSemaphore(&w->real[at].semaphore, 0, n, FALSE) == o->state);
		o->state += n;
		release_waiters(w);
	} else if (o->kind == OWNED && o->owner == me) {
		rig_expect(KeReleaseMutex(&w->real[at].mutex, FALSE) == o->state);
		if (++o->state == 1)
			o->owner = -1;
		release_waiters(w);
	}
	compare(w);
}

static NTSTATUS call(struct world *w, const struct model_wait *wait, LARGE_INTEGER *timeout)
{
	PVOID objects[2] = {&w->real[wait->objects[0]], &w->real[wait->objects[1]]};

	if (wait->count == 1)
		return KeWaitForSingleObject(objects[0], Executive, KernelMode, FALSE, timeout);
	return KeWaitForMultipleObjects(2, objects, wait->all ? WaitAll : WaitAny, Executive, KernelMode, FALSE,
					timeout, NULL);
}

static void wait_for_some(struct world *w, int me)
{
	struct model_wait *wait = &w->waits[me];
	LARGE_INTEGER timeout = {.QuadPart = -(LONGLONG)us_nt_random(4) * 160000};
	NTSTATUS status;
	bool at_once;

	note_timeouts(w);
	*wait = (struct model_wait){.count = us_nt_random(2) + 1, .all = us_nt_random(2), .age = ++w->age};
	wait->objects[0] = us_nt_random(OBJECTS);
	wait->objects[1] = (wait->objects[0] + 1 + us_nt_random(OBJECTS - 1)) % OBJECTS;
	at_once = satisfy(w, me, wait, &wait->status);
	wait->waits = !at_once && timeout.QuadPart;
	wait->released = at_once;
	status = call(w, wait, &timeout);
	rig_expect(status == (wait->released ? wait->status : STATUS_TIMEOUT));
	w->outcomes[at_once ? 0 : wait->released ? 1 : 2]++;
	wait->waits = false;
	note_timeouts(w);
	compare(w);
}

static void wander(void *context)
{
	struct world *w = context;
	int me = (int)w->began++;

	w->threads[me] = us_nt_current();
	while (w->began < THREADS)
		us_nt_point(10);
	for (unsigned step = 0; step < STEPS; step++) {
		if (us_nt_random(2))
			change(w, me, us_nt_random(OBJECTS));
		else
			wait_for_some(w, me);
		us_nt_point(500);
	}
	for (unsigned i = 0; i < OBJECTS; i++)
		while (w->model[i].kind == OWNED && w->model[i].owner == me)
			change(w, me, i);
	rig_expect(us_nt_current()->critical == 0);
	w->ended++;
}

static void live(void *context)
{
	struct world w = {.outcomes = context};
	LARGE_INTEGER interval = {.QuadPart = -160000};

	for (unsigned i = 0; i < OBJECTS; i++)
		w.model[i] = (struct model_object){.kind = i < OWNED ? i : OWNED, .state = i >= OWNED, .owner = -1};
	KeInitializeEvent(&w.real[0].event, NotificationEvent, FALSE);
	KeInitializeEvent(&w.real[1].event, SynchronizationEvent, FALSE);
	KeInitializeSemaphore(&w.real[2].semaphore, 0, LIMIT);
	KeInitializeMutex(&w.real[3].mutex, 0);
	KeInitializeMutex(&w.real[4].mutex, 0);
	for (unsigned i = 0; i < THREADS; i++)
		rig_thread("wanderer", wander, &w);
	while (w.ended < THREADS)
		KeDelayExecutionThread(KernelMode, FALSE, &interval);
}

static void waits_end_as_the_model_predicts(void **state)
{
	unsigned outcomes[3] = {0};

	(void)state;
	rig_run_seeds(4 * RIG_SEEDS, live, outcomes);
	for (unsigned i = 0; i < 3; i++)
		assert_true(outcomes[i] > 1000); /* each way to end a wait was often taken */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_end_as_the_model_predicts),
	};

	return cmocka_run_group_tests_name("the stage: waits against a model", tests, NULL, NULL);
}
