/* SPDX-License-Identifier: Apache-2.0 */
/* What the scheduler's files share: its state, alarms, and the flow of DPCs. */
#ifndef UNDERSTUDY_NT_SCHED_PRIVATE_H
#define UNDERSTUDY_NT_SCHED_PRIVATE_H

#include "nt/sched.h"

#define US_NT_TAG(a, b, c, d) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

#define US_NT_SPIN_NS 50 /* of virtual time for each look at what is spun for */

struct us_sched {
	struct us_cpu cpus[US_CPUS];
	unsigned ncpus;
	struct us_cpu *active; /* has the host; NULL before and after the run */

	struct us_thread *threads; /* all that have not ended */
	struct us_thread **ready; /* in no order */
	unsigned nready, nthreads, room;
	void *free_stacks; /* of threads that have ended, linked by their first word */

	struct us_vector *vectors;
	unsigned pending; /* how many of them are */
	void (*came)(unsigned n, uint64_t times); /* NULL: the function's interrupts are not enabled */

	struct us_alarm **alarms; /* a heap, the first due first */
	size_t nalarms, alarms_room;
	uint64_t alarm_age;

	bool virtual_time;
	uint64_t started; /* in the function's time */
	uint64_t time_limit, point_limit;

	/* How this run behaves, by its seed: one chance in `stay` that another processor goes on at a point, … */
	unsigned stay, delay, quantum, jitter;

	uint64_t delivered; /* interrupts */
};

/* Calls fire() of all that are due; when the next one is (UINT64_MAX: none). */
void us_nt_alarms_fire(uint64_t now);
uint64_t us_nt_alarms_next(void);

/* Calls a DPC's routine, at DISPATCH_LEVEL, on top of this processor's flow. */
void us_nt_run_dpc(KDPC *dpc);

/* From the host: all processors begin; returns when the run was stopped. */
void us_nt_sched_run(void);

/* Ends the run as a hang; the sentence is completed with who waits for what. */
_Noreturn void us_nt_hung(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
