/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage: an NT kernel and KMDF in this process, on which one driver is rehearsed against one function.
 *
 * There is one stage at a time on a host thread, us_nt; the functions that a driver imports have no argument that could
 * name it. All that happens on the stage happens on that host thread, on fibers (fiber.h), in an order that the scheduler
 * (sched.h) chooses from the seed. So nothing here needs a lock, and nothing here may ask the system for time, randomness
 * or addresses that end up in the trace.
 *
 * Memory. What a driver can see (objects, pool, stacks, images) lies in the stage's own memory at addresses that are the
 * same in each run (phys.h). What it can not is us_nt_alloc()'s. Both end with the stage, however it ends, so a run can
 * be stopped anywhere.
 *
 * Layers, each includes those before it only:
 *     fiber, stage, trace  <  phys  <  sched, gate  <  ke  <  ex, mm, rtl, hal  <  io  <  pnp  <  kmdf  <  story (nt.h)
 */
#ifndef UNDERSTUDY_NT_STAGE_H
#define UNDERSTUDY_NT_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <understudy/function.h>
#include <understudy/nt.h>

#include "nt/fiber.h"


/* How a run ended. */
struct us_stop {
	enum us_nt_outcome outcome; /* US_NT_RUNNING until it ends */
	char rule[64]; /* a stable name of what was broken: "irql.wait-at-dispatch"; "" for none */
	uint32_t code; /* of the bugcheck, where Windows has one for it; else 0 */
	uint64_t parameters[4]; /* its parameters */
	char text[1024]; /* the sentence */
	const struct us_thread *thread; /* whose flow ended it */
	uint64_t blamed; /* the driver's return address in an earlier call that is to blame, as by what it allocated; or 0 */
	uint64_t rip, regs[16]; /* of a trap: where the driver was, in the order of us_pe_unwind(); rip 0: not known */
};

struct us_stage {
	const struct us_rehearsal *config; /* the caller's; nt.h */
	struct us_function *fn; /* the function on the other side of the seam */
	const struct us_function_info *info; /* of fn */

	uint64_t random[2]; /* the generator's state */
	uint64_t points; /* how many scheduling points were passed */
	uint64_t calls, registers; /* of the driver to the stage; accesses to the device's registers */
	unsigned failable; /* calls that could be made to fail, so far */
	/*
	 * The story's: sees each access to a register before it is made; false: it is not made (*value is what is read). NULL:
	 * none.
	 */
	bool (*filter)(bool write, unsigned bar, uint64_t offset, unsigned width, uint64_t *value);
	struct us_fiber host; /* the host's own flow, outside of the stage */
	struct us_stop stop;

	/* Each module's own, made by its init and known to it alone. */
	struct us_trace *trace;
	struct us_phys *phys;
	struct us_pool *pool;
	struct us_sched *sched;
	struct us_module *module;
	struct us_ke *ke;
	struct us_ex *ex;
	struct us_mm *mm;
	struct us_hal *hal;
	struct us_ob *ob;
	struct us_registry *registry;
	struct us_io *io;
	struct us_pnp *pnp;
	struct us_wdf *wdf;
	struct us_nt_user *story;

	struct us_nt_block *blocks; /* us_nt_alloc()'s */
};

/* The stage of this host thread; NULL outside of a run. */
extern __thread struct us_stage *us_nt;

/* Memory that no driver sees, zeroed; freed with the stage or earlier. Running out of it ends the process. */
void *us_nt_alloc(size_t size);
void us_nt_free(void *memory); /* NULL is fine */

/* A number below `bound` (which is not 0) from the run's one generator. The only source of chance on the stage. */
uint32_t us_nt_random(uint32_t bound);

/*
 * Ends the run, from any fiber and from the handler of a trap: the rest of the stage is abandoned where it stands and
 * us_rehearse() returns with this outcome. `rule` is the stable name of what was broken ("irql.too-high",
 * "request.completed-twice", "pool.leak"), or "" where there is none; the sentence says what happened, to which object, and
 * what the rule is. The scheduler adds the driver's stack and the last calls.
 */
_Noreturn void us_nt_stop(enum us_nt_outcome outcome, const char *rule, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for what Windows ends with a bugcheck: its code (0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION, …) and parameters. */
_Noreturn void us_nt_bugcheck(uint32_t code, uint64_t p1, uint64_t p2, uint64_t p3, uint64_t p4, const char *rule,
			      const char *format, ...) __attribute__((format(printf, 7, 8)));

/* A function of Windows that the stage does not have, or not in the way it was just asked for. */
_Noreturn void us_nt_unsupported(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Runs a body as the first thread of a new stage, and fills in the report: what us_rehearse() is made of, and tests of the
 * kernel alone. The body ends the run by us_nt_stop(); returning is US_NT_PASSED. Errors as us_rehearse().
 */
struct us_error;
int us_nt_run(const struct us_rehearsal *rehearsal, void (*body)(void *context), void *context,
	      struct us_rehearsal_report *report, struct us_error *err);

#endif
