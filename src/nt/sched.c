/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler's choices: which processor goes on, which thread, when an interrupt comes; and the flow of time. */
#include "nt/sched-private.h"

#include <inttypes.h>
#include <stdio.h>

#include "nt/gate.h"
#include "nt/phys.h"
#include "nt/trace.h"

#define IDLE_STACK (64u << 10)
#define DEFAULT_TIME_LIMIT (600 * UINT64_C(1000000000)) /* virtual */
#define REAL_TIME_LIMIT (60 * UINT64_C(1000000000)) /* somebody waits for it */
#define DEFAULT_POINT_LIMIT UINT64_C(50000000)

/* In real time, one point in so many looks at the clock and for interrupts. */
#define REAL_TIME_STRIDE 16

/* -- what there is ------------------------------------------------------------------------------------------------ */

struct us_cpu *us_nt_cpu(void)
{
	return us_nt->sched->active;
}

struct us_cpu *us_nt_cpu_of(unsigned number)
{
	return &us_nt->sched->cpus[number];
}

struct us_thread *us_nt_current(void)
{
	return us_nt->sched->active->thread;
}

KIRQL us_nt_irql(void)
{
	return us_nt->sched->active->irql;
}

unsigned us_nt_cpus(void)
{
	return us_nt->sched->ncpus;
}

static bool is_idle(const struct us_cpu *cpu)
{
	return cpu->thread == cpu->idle && cpu->frames == 0;
}

/* -- time --------------------------------------------------------------------------------------------------------- */

uint64_t us_nt_now(void)
{
	return us_fn_now(us_nt->fn) - us_nt->sched->started;
}

/* Notes what has come due, or has come from the device, by now. */
static void take_stock(struct us_sched *s)
{
	uint64_t times;
	unsigned n;

	us_nt_alarms_fire(us_nt_now());
	if (!s->came)
		return;
	while (us_fn_irq_wait_any(us_nt->fn, 0, &n, &times) > 0)
		s->came(n, times);
}

/* The time of a point: a little more or less by chance, so that the device's doings fall everywhere. */
static void charge(struct us_sched *s, unsigned ns)
{
	if (s->virtual_time) {
		us_fn_sleep(us_nt->fn, ns + us_nt_random(s->jitter));
		take_stock(s);
	} else if (us_nt->points % REAL_TIME_STRIDE == 0) {
		take_stock(s);
	}
}

static void check_limits(struct us_sched *s)
{
	if (us_nt->points > s->point_limit)
		us_nt_hung("it is still busy after %" PRIu64 " scheduling points", us_nt->points);
	if (us_nt_now() > s->time_limit)
		us_nt_hung("it is not done after %" PRIu64 " ms", s->time_limit / 1000000);
}

/* No processor can go on: time jumps to where one can. */
static void advance(struct us_sched *s)
{
	uint64_t due = us_nt_alarms_next(), now = us_nt_now(), times;
	uint64_t wait = due == UINT64_MAX ? US_FOREVER : due > now ? due - now : 0;
	unsigned n;
	int rc;

	check_limits(s);
	if (wait == US_FOREVER && !s->virtual_time)
		wait = s->time_limit > now ? s->time_limit - now : 0;
	if (s->came) {
		rc = us_fn_irq_wait_any(us_nt->fn, wait, &n, &times);
		if (rc < 0)
			us_nt_stop(US_NT_FAILED, "", "%s", us_fn_error(us_nt->fn));
		if (rc > 0)
			s->came(n, times);
		else if (wait == US_FOREVER)
			us_nt_hung("nobody can ever go on");
	} else {
		if (wait == US_FOREVER)
			us_nt_hung("nobody can ever go on");
		us_fn_sleep(us_nt->fn, wait);
	}
	take_stock(s);
}

/* -- processors --------------------------------------------------------------------------------------------------- */

static struct us_vector *deliverable(const struct us_sched *s, const struct us_cpu *cpu)
{
	struct us_vector *best = NULL;

	if (!s->pending)
		return NULL;
	for (struct us_vector *v = s->vectors; v; v = v->next)
		if (v->pending && !v->running && v->irql > cpu->irql && (!best || v->irql > best->irql))
			best = v;
	return best;
}

static bool can_go_on(const struct us_sched *s, const struct us_cpu *cpu)
{
	if (deliverable(s, cpu) || (cpu->irql < DISPATCH_LEVEL && !IsListEmpty(&cpu->dpcs)))
		return true;
	if (cpu->spins_until)
		return cpu->spins_until(cpu->spins_context);
	return !is_idle(cpu) || s->nready;
}

/* Hands the host to another processor; returns when this one is chosen again. */
static void hand_to(struct us_sched *s, struct us_cpu *to)
{
	struct us_fiber *from = &s->active->thread->fiber;

	if (us_nt_tracing())
		us_nt_trace("schedule  cpu%u goes on", to->number);
	s->active = to;
	us_fiber_switch(from, &to->thread->fiber);
}

/* One of the processors but this that can go on, by chance; NULL: none can. */
static struct us_cpu *another(struct us_sched *s)
{
	struct us_cpu *can[US_CPUS];
	unsigned n = 0;

	for (unsigned i = 0; i < s->ncpus; i++)
		if (&s->cpus[i] != s->active && can_go_on(s, &s->cpus[i]))
			can[n++] = &s->cpus[i];
	return n == 0 ? NULL : can[n == 1 ? 0 : us_nt_random(n)];
}

/* -- threads ------------------------------------------------------------------------------------------------------ */

/* One of the ready threads with the highest priority, at least `least`; NULL: none. */
static struct us_thread *choose_ready(struct us_sched *s, KPRIORITY least)
{
	KPRIORITY best = least;
	unsigned n = 0, chosen;

	if (!s->nready)
		return NULL;
	for (unsigned i = 0; i < s->nready; i++) {
		if (s->ready[i]->priority > best) {
			best = s->ready[i]->priority;
			n = 0;
		}
		n += s->ready[i]->priority == best;
	}
	if (n == 0)
		return NULL;
	chosen = n == 1 ? 0 : us_nt_random(n);
	for (unsigned i = 0;; i++) {
		struct us_thread *thread = s->ready[i];

		if (thread->priority != best || chosen-- > 0)
			continue;
		s->ready[i] = s->ready[--s->nready];
		return thread;
	}
}

static void make_ready(struct us_sched *s, struct us_thread *thread)
{
	thread->state = US_THREAD_READY;
	thread->cpu = NULL;
	s->ready[s->nready++] = thread; /* there is room for all threads */
}

/* This processor goes on with another thread; returns when somebody goes on with the one it had. */
static void switch_to(struct us_sched *s, struct us_thread *next)
{
	struct us_cpu *cpu = s->active;
	struct us_thread *last = cpu->thread;

	last->irql = cpu->irql;
	next->state = US_THREAD_RUNNING;
	next->cpu = cpu;
	cpu->thread = next;
	cpu->irql = next->irql;
	if (us_nt_tracing())
		us_nt_trace("schedule  thread %u (%s)", next->id, next->name);
	if (last->state == US_THREAD_ENDED)
		us_fiber_leave(&last->fiber, &next->fiber);
	us_fiber_switch(&last->fiber, &next->fiber);
}

/* -- interrupts and DPCs on top of a flow ------------------------------------------------------------------------- */

static void run_vector(struct us_sched *s, struct us_vector *vector)
{
	struct us_cpu *cpu = s->active;
	struct us_thread *thread = cpu->thread;
	uint64_t caller = thread->caller;
	KIRQL old = cpu->irql;

	vector->pending = false;
	s->pending--;
	vector->running = true;
	cpu->irql = vector->irql;
	cpu->frames++;
	s->delivered++;
	us_nt_trace("interrupt %s", vector->name);
	us_nt_remember("interrupt", vector->name, "", 0, 0, 0);
	vector->deliver(vector);
	cpu->frames--;
	cpu->irql = old;
	vector->running = false;
	thread->caller = caller;
}

static void run_dpcs(struct us_cpu *cpu)
{
	struct us_thread *thread = cpu->thread;
	uint64_t caller = thread->caller;
	KIRQL old = cpu->irql;

	cpu->irql = DISPATCH_LEVEL;
	cpu->in_dpc = true;
	cpu->frames++;
	while (!IsListEmpty(&cpu->dpcs))
		us_nt_run_dpc(CONTAINING_RECORD(RemoveHeadList(&cpu->dpcs), KDPC, DpcListEntry));
	cpu->frames--;
	cpu->in_dpc = false;
	cpu->irql = old;
	thread->caller = caller;
}

/* Everything that this processor's IRQL lets through. One that is `busy` may let an interrupt wait for some points. */
static void deliver_to(struct us_sched *s, bool busy)
{
	struct us_cpu *cpu = s->active;
	struct us_vector *vector;

	while ((vector = deliverable(s, cpu))) {
		if (busy && s->delay > 1 && us_nt_random(s->delay) != 0)
			break;
		run_vector(s, vector);
	}
	if (cpu->irql < DISPATCH_LEVEL && !IsListEmpty(&cpu->dpcs))
		run_dpcs(cpu);
}

static void deliver(struct us_sched *s)
{
	deliver_to(s, !is_idle(s->active));
}

/* Another thread may take this processor away from a thread, unless that is idle anyway. */
static void preempt(struct us_sched *s)
{
	struct us_cpu *cpu = s->active;
	struct us_thread *thread = cpu->thread, *next;

	if (cpu->irql >= DISPATCH_LEVEL || cpu->frames || thread == cpu->idle || !s->nready)
		return;
	next = choose_ready(s, thread->priority + (us_nt_random(s->quantum) != 0));
	if (!next)
		return;
	make_ready(s, thread);
	switch_to(s, next);
	deliver(s);
}

/* -- points ------------------------------------------------------------------------------------------------------- */

void us_nt_point(unsigned ns)
{
	struct us_sched *s = us_nt->sched;
	struct us_cpu *to;

	us_nt->points++;
	if (us_nt->points % 4096 == 0)
		check_limits(s);
	charge(s, ns);
	if (s->ncpus > 1 && us_nt_random(s->stay) == 0 && (to = another(s)))
		hand_to(s, to);
	deliver(s);
	preempt(s);
}

void us_nt_spin(bool (*until)(void *context), void *context, const char *what)
{
	struct us_sched *s = us_nt->sched;
	struct us_cpu *cpu = s->active, *to;

	while (!until(context)) {
		cpu->spins_until = until;
		cpu->spins_context = context;
		cpu->spins_for = what;
		us_nt->points++;
		if (us_nt->points % 4096 == 0)
			check_limits(s);
		charge(s, US_NT_SPIN_NS);
		if ((to = another(s)))
			hand_to(s, to);
		else if (!can_go_on(s, cpu))
			advance(s);
		cpu->spins_until = NULL; /* what comes on top of it does not spin */
		deliver_to(s, false);
	}
}

KIRQL us_nt_raise_irql(KIRQL irql)
{
	struct us_cpu *cpu = us_nt->sched->active;
	KIRQL old = cpu->irql;

	if (irql < old)
		us_nt_bugcheck(0x9, irql, old, 0, 0, "irql.raise",
			       "the IRQL was to be raised to %u, but it is %u already", irql, old);
	cpu->irql = irql;
	return old;
}

void us_nt_lower_irql(KIRQL irql)
{
	struct us_sched *s = us_nt->sched;
	struct us_cpu *cpu = s->active, *to;
	KIRQL old = cpu->irql;

	if (irql > old)
		us_nt_bugcheck(0xa, irql, old, 0, 0, "irql.lower",
			       "the IRQL was to be lowered to %u, but it is %u only", irql, old);
	if (irql < DISPATCH_LEVEL && cpu->locks)
		us_nt_bugcheck(0xC4, 0x30, irql, cpu->locks, 0, "spin-lock.held",
			       "the IRQL was to be lowered to %u with %u spin locks held: their owner stays at "
			       "DISPATCH_LEVEL at least",
			       irql, cpu->locks);
	cpu->irql = irql;
	us_nt->points++;
	if (s->ncpus > 1 && us_nt_random(s->stay) == 0 && (to = another(s)))
		hand_to(s, to);
	deliver(s);
	preempt(s);
}

/* -- waiting ------------------------------------------------------------------------------------------------------ */

/* The current thread can not go on: this processor takes another, or its idle thread. */
static void give_up(struct us_sched *s)
{
	struct us_thread *next = choose_ready(s, 0);

	switch_to(s, next ? next : s->active->idle);
}

NTSTATUS us_nt_block(const char *what, ...)
{
	struct us_sched *s = us_nt->sched;
	struct us_cpu *cpu = s->active;
	struct us_thread *thread = cpu->thread;
	va_list args;

	if (cpu->irql >= DISPATCH_LEVEL || cpu->frames)
		us_nt_bugcheck(0xb8, 0, 0, 0, 0, "irql.wait",
			       "a wait at IRQL %u: only threads below DISPATCH_LEVEL can wait", cpu->irql);
	va_start(args, what);
	vsnprintf(thread->waits_for, sizeof(thread->waits_for), what, args);
	va_end(args);
	if (us_nt_tracing())
		us_nt_trace("schedule  waits for %s", thread->waits_for);
	thread->state = US_THREAD_WAITING;
	thread->cpu = NULL;
	give_up(s);
	deliver(s);
	return thread->wait_status;
}

void us_nt_wake(struct us_thread *thread, NTSTATUS status)
{
	if (thread->state != US_THREAD_WAITING)
		return;
	thread->wait_status = status;
	make_ready(us_nt->sched, thread);
}

void us_nt_yield(void)
{
	struct us_sched *s = us_nt->sched;
	struct us_thread *thread = s->active->thread, *next;

	if (s->active->irql >= DISPATCH_LEVEL || s->active->frames || !(next = choose_ready(s, thread->priority)))
		return;
	make_ready(s, thread);
	switch_to(s, next);
	deliver(s);
}

/* -- the life of threads ------------------------------------------------------------------------------------------ */

static void thread_main(void *context)
{
	struct us_thread *thread = context;

	deliver(us_nt->sched);
	thread->start(thread->context);
	us_nt_thread_exit(STATUS_SUCCESS);
}

static struct us_thread *new_thread(struct us_sched *s, const char *name, size_t stack_size, void (*entry)(void *))
{
	struct us_thread *thread = us_nt_pool_alloc(sizeof(*thread), US_NT_TAG('T', 'h', 'r', 'e'));
	void *stack = s->free_stacks ? s->free_stacks : us_nt_pages(US_WINDOW_STACK, stack_size / US_NT_PAGE);

	if (!thread || !stack)
		return NULL;
	if (s->free_stacks)
		s->free_stacks = *(void **)stack;
	memset(thread, 0, sizeof(*thread));
	us_fiber_init(&thread->fiber, stack, stack_size, entry, thread);
	thread->header.Type = 6; /* ThreadObject */
	InitializeListHead(&thread->header.WaitListHead);
	InitializeListHead(&thread->mutexes);
	thread->id = ++s->nthreads;
	snprintf(thread->name, sizeof(thread->name), "%s", name);
	thread->next = s->threads;
	s->threads = thread;
	if (s->nthreads > s->room) {
		struct us_thread **more = us_nt_alloc(2 * s->room * sizeof(*more));

		memcpy(more, s->ready, s->nready * sizeof(*more));
		us_nt_free(s->ready);
		s->ready = more;
		s->room *= 2;
	}
	return thread;
}

struct us_thread *us_nt_thread_create(const char *name, KPRIORITY priority, void (*start)(void *), void *context)
{
	struct us_thread *thread = new_thread(us_nt->sched, name, IDLE_STACK, thread_main);

	if (!thread)
		return NULL;
	thread->priority = priority;
	thread->start = start;
	thread->context = context;
	us_nt_trace("schedule  thread %u (%s) is created", thread->id, thread->name);
	make_ready(us_nt->sched, thread);
	return thread;
}

_Noreturn void us_nt_thread_exit(NTSTATUS status)
{
	struct us_sched *s = us_nt->sched;
	struct us_thread *thread = s->active->thread;

	thread->exit_status = status;
	thread->state = US_THREAD_ENDED;
	thread->cpu = NULL;
	us_nt_trace("schedule  thread %u (%s) ends", thread->id, thread->name);
	if (thread->on_end)
		thread->on_end(thread);
	for (struct us_thread **at = &s->threads; *at; at = &(*at)->next)
		if (*at == thread) {
			*at = thread->next;
			break;
		}
	*(void **)thread->fiber.stack = s->free_stacks; /* its far end: this flow needs it no more than to leave it */
	s->free_stacks = thread->fiber.stack;
	give_up(s);
	__builtin_unreachable();
}

/* Runs when its processor has no thread to run: lets others go on, or time pass. */
static void idle_main(void *context)
{
	struct us_sched *s = us_nt->sched;
	struct us_thread *next;
	struct us_cpu *to;

	(void)context;
	for (;;) {
		deliver(s);
		if ((next = choose_ready(s, 0)))
			switch_to(s, next);
		else if ((to = another(s)))
			hand_to(s, to);
		else if (!can_go_on(s, s->active))
			advance(s);
	}
}

/* -- beginning ---------------------------------------------------------------------------------------------------- */

void us_nt_sched_init(void)
{
	static const uint8_t stays[] = {2, 2, 4, 16, 64}, delays[] = {1, 2, 8}, quanta[] = {2, 8, 64};
	struct us_sched *s = us_nt_alloc(sizeof(*s));
	const struct us_rehearsal *config = us_nt->config;

	us_nt->sched = s;
	s->ncpus = config->cpus ? config->cpus : 2;
	s->virtual_time = us_nt->info->virtual_time;
	s->started = us_fn_now(us_nt->fn);
	s->time_limit = config->time_limit ? config->time_limit
			: s->virtual_time  ? DEFAULT_TIME_LIMIT
					   : REAL_TIME_LIMIT;
	s->point_limit = config->point_limit ? config->point_limit : DEFAULT_POINT_LIMIT;
	s->stay = stays[us_nt_random(sizeof(stays))];
	s->delay = delays[us_nt_random(sizeof(delays))];
	s->quantum = quanta[us_nt_random(sizeof(quanta))];
	s->jitter = 64u << us_nt_random(4);
	s->room = 64;
	s->ready = us_nt_alloc(s->room * sizeof(*s->ready));
	for (unsigned i = 0; i < s->ncpus; i++) {
		struct us_cpu *cpu = &s->cpus[i];
		char name[16];

		cpu->number = i;
		InitializeListHead(&cpu->dpcs);
		snprintf(name, sizeof(name), "idle %u", i);
		cpu->idle = cpu->thread = new_thread(s, name, IDLE_STACK, idle_main);
		cpu->idle->state = US_THREAD_RUNNING;
		cpu->idle->cpu = cpu;
	}
}

void us_nt_sched_run(void)
{
	struct us_sched *s = us_nt->sched;

	s->active = &s->cpus[0];
	us_fiber_switch(&us_nt->host, &s->active->idle->fiber);
	s->active = NULL;
}
