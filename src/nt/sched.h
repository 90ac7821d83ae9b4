/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler: virtual processors, threads, IRQL, interrupts, DPCs and time.
 *
 * A virtual processor is, at any moment, in one flow: a thread, with the DPCs and interrupts that came on top of it, as on
 * real hardware. One processor has the host; the others wait inside us_nt_point(). Each point may hand the host to another
 * processor, and delivers what is pending for this one: interrupts above its IRQL, DPCs below DISPATCH_LEVEL, another
 * thread. What can be chosen is chosen by us_nt_random().
 *
 * Points are: each call of the driver to the kernel or framework, before and after; each device access; raising and
 * lowering IRQL. Code of the stage between two points is atomic.
 *
 * Time is virtual, in nanoseconds, and moves by a little at each point; when no processor has anything to do it jumps to
 * the next alarm or to the next interrupt of the function. On a function in real time (kernel VFIO, a socket) time is real,
 * and idle processors wait for real.
 */
#ifndef UNDERSTUDY_NT_SCHED_H
#define UNDERSTUDY_NT_SCHED_H

#include "nt/ntdefs.h"
#include "nt/stage.h"

#define US_CPUS 8 /* at most */

struct us_callback;

/*
 * An alarm calls fire() at its time or soon after, in no flow: it may wake threads, queue DPCs and make interrupts pending,
 * and calls no driver. One-shot; embedded in whatever needs it.
 */
struct us_alarm {
	uint64_t due; /* ns, in us_nt_now()'s time */
	void (*fire)(struct us_alarm *alarm);
	bool set;
	size_t at; /* sched's: where it is in the heap */
	uint64_t age; /* the same: which of two with one time comes first */
};

enum us_thread_state { US_THREAD_READY, US_THREAD_RUNNING, US_THREAD_WAITING, US_THREAD_ENDED };

/*
 * A thread. What a driver sees of it is its address (PKTHREAD, PETHREAD), so it lies in the pool. Others may hang state of
 * their own on it: ke its waits, the story its result.
 */
struct us_thread {
	DISPATCHER_HEADER header; /* first, as in Windows: signalled when the thread has ended */
	struct us_fiber fiber;
	struct us_cpu *cpu; /* where it runs; NULL else */
	enum us_thread_state state;
	unsigned id;
	char name[32]; /* for traces and reports: "main", "system 3" */
	KPRIORITY priority; /* 1 to 31 */
	KIRQL irql; /* while it does not run: PASSIVE_LEVEL or APC_LEVEL */
	unsigned critical, guarded; /* depth of KeEnterCriticalRegion(), of KeEnterGuardedRegion() */
	KPROCESSOR_MODE previous_mode; /* UserMode: it is an application's, in a system call */
	struct us_thread *next; /* of all threads, the youngest first */
	void (*start)(void *context);
	void *context;
	char waits_for[128]; /* while it waits: what the report of a hang says */
	KWAIT_BLOCK wait_blocks[THREAD_WAIT_OBJECTS]; /* ke's, from here on: for waits without an array of the driver's */
	PKWAIT_BLOCK waits; /* the blocks of its wait, in a ring; NULL: it waits for no object */
	struct us_alarm timeout; /* of its wait */
	LIST_ENTRY mutexes; /* KMUTEX.MutantListEntry: those it owns */
	NTSTATUS wait_status; /* what us_nt_block() returns: set by who wakes it */
	NTSTATUS exit_status;
	void (*on_end)(struct us_thread *thread); /* ke's: called when it has ended, in no flow; NULL: nobody cares */
	uint64_t caller, caller_sp; /* gate's: the driver's return address in the call under way, and its stack behind it; or 0 */
	struct us_callback *callback; /* gate's: the innermost call of the driver on this flow */
};

/*
 * A virtual processor. `frames` counts the interrupts and DPCs that are on top of its thread.
 */
struct us_cpu {
	unsigned number;
	KIRQL irql;
	struct us_thread *thread; /* current */
	struct us_thread *idle; /* runs when nothing else can */
	LIST_ENTRY dpcs; /* KDPC.DpcListEntry, in order */
	bool in_dpc;
	unsigned frames;
	unsigned locks; /* ke's: spin locks that are held here */
	bool (*spins_until)(void *context); /* it spins: not to be chosen before this is true */
	void *spins_context;
	const char *spins_for; /* for the report of a hang */
};

/* -- processors and IRQL ------------------------------------------------------------------------------------------ */

void us_nt_sched_init(void);

/* The processor that has the host, its thread, its IRQL. */
struct us_cpu *us_nt_cpu(void);
struct us_thread *us_nt_current(void);
KIRQL us_nt_irql(void);
unsigned us_nt_cpus(void);
struct us_cpu *us_nt_cpu_of(unsigned number);

/*
 * Raises or lowers this processor's IRQL; returns the old one. Raising below the current, or lowering above it, is a bugcheck
 * (IRQL_NOT_LESS_OR_EQUAL, the rule is "irql.raise" or "irql.lower"). Lowering is a point: what was held back comes.
 */
KIRQL us_nt_raise_irql(KIRQL irql);
void us_nt_lower_irql(KIRQL irql);

/* A scheduling point that takes so many nanoseconds of virtual time (and a little by chance). */
void us_nt_point(unsigned ns);

/*
 * This processor spins until `until(context)` is true, as for a spin lock; other processors go on meanwhile and interrupts
 * above its IRQL are delivered. When nobody can ever make it true, the run ends as a hang that names `what`.
 */
void us_nt_spin(bool (*until)(void *context), void *context, const char *what);

/* -- threads ------------------------------------------------------------------------------------------------------ */

/*
 * A new thread that is ready to run; begins in start(context) at PASSIVE_LEVEL and ends by returning from it or by
 * us_nt_thread_exit(). NULL: no memory.
 */
struct us_thread *us_nt_thread_create(const char *name, KPRIORITY priority, void (*start)(void *), void *context);
_Noreturn void us_nt_thread_exit(NTSTATUS status);

/*
 * The current thread waits until us_nt_wake() is called for it and returns the status given there. IRQL must be below
 * DISPATCH_LEVEL and no DPC or interrupt on top of it (checked: bugcheck "irql.wait"). `what`, printf manner, is what a
 * report says of it.
 */
NTSTATUS us_nt_block(const char *what, ...) __attribute__((format(printf, 1, 2)));

/* Makes a waiting thread ready. Any flow. */
void us_nt_wake(struct us_thread *thread, NTSTATUS status);

/* Another thread of the same or a higher priority may run now (YieldProcessor of threads). Below DISPATCH_LEVEL. */
void us_nt_yield(void);

/* -- interrupts and DPCs ------------------------------------------------------------------------------------------ */

/*
 * What interrupts a processor. Whoever makes a vector pending calls us_nt_interrupt(); the scheduler calls deliver() at
 * the vector's IRQL, on some processor, on top of what runs there, when it is below that IRQL. Pending is one bit.
 */
struct us_vector {
	KIRQL irql; /* 3 to 15 */
	const char *name;
	void (*deliver)(struct us_vector *vector);
	void *context;
	bool pending;
	bool running; /* is being delivered on some processor: not on a second one at the same time */
	struct us_vector *next; /* sched's: all vectors */
};
void us_nt_vector_add(struct us_vector *vector);
void us_nt_vector_remove(struct us_vector *vector); /* what is pending is forgotten */
void us_nt_interrupt(struct us_vector *vector);

/* Called for interrupt `n` of the function (function.h) by the scheduler when it came, in no flow: pnp sets it. */
void us_nt_on_device_interrupt(void (*came)(unsigned n, uint64_t times));

/* Queues a DPC on a processor (NULL: this one). The caller has seen to it that it is not queued yet. `first`: HighImportance. */
void us_nt_queue_dpc(struct us_cpu *cpu, KDPC *dpc, bool first);
/* Takes it out again if it is still queued. */
bool us_nt_unqueue_dpc(KDPC *dpc);
/* Waits (below DISPATCH_LEVEL) until no DPC is queued or runs any more: also for those that are queued meanwhile. */
void us_nt_flush_dpcs(void);

/* -- time --------------------------------------------------------------------------------------------------------- */

/* Nanoseconds since the run began. */
uint64_t us_nt_now(void);

void us_nt_alarm_set(struct us_alarm *alarm, uint64_t due); /* again, too */
void us_nt_alarm_cancel(struct us_alarm *alarm);

#endif
