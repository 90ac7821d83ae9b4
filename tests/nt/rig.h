/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of the stage: runs a body as the first thread of a stage, or a story with a driver that is compiled along with
 * the test, and says how it has to end.
 */
#ifndef TESTS_NT_RIG_H
#define TESTS_NT_RIG_H

#include "nt/ntdefs.h"

#include <setjmp.h>

#include <cmocka.h>
#include <understudy/nt.h>

#include "nt/kernel.h"
#include "nt/phys.h"

/* How many seeds a test of what depends on chance tries. */
#define RIG_SEEDS 50

/*
 * Runs a body on the kernel alone, against the adder (or the model of `rehearsal`, unless NULL). The run has to pass; if not, its
 * report is printed and the test fails.
 */
void rig_run(const struct us_rehearsal *rehearsal, void (*body)(void *context), void *context);

/* The same for each of `seeds` seeds. */
void rig_run_seeds(unsigned seeds, void (*body)(void *context), void *context);

/* The run has to end as a bugcheck, or in another way, of this rule. */
void rig_run_breaks(const char *rule, void (*body)(void *context), void *context);

/* Inside of a body: the run fails when the condition is false. */
#define rig_expect(condition)                                                                                          \
	((condition) ? (void)0 : us_nt_stop(US_NT_EXPECTATION, "", "%s:%d: %s", __FILE__, __LINE__, #condition))

/* Another thread beside the body's. */
void rig_thread(const char *name, void (*start)(void *context), void *context);

/* A story, with the driver or entry of `rehearsal`; has to pass, or break a rule. */
void rig_tell(const struct us_rehearsal *rehearsal, void (*story)(struct us_nt_user *user, void *context), void *context);
void rig_tell_breaks(const char *rule, const struct us_rehearsal *rehearsal,
		     void (*story)(struct us_nt_user *user, void *context), void *context);

/* The line of a source file with the comment "here: NAME", or 0. */
unsigned rig_line_of(const char *source, const char *name);

#endif
