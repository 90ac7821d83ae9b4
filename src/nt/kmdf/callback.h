/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What timers, DPCs and work items share: a parent that leads to a device, serialization with the parent's callbacks,
 * and knowing when a callback that was put off has run.
 */
#ifndef UNDERSTUDY_NT_KMDF_CALLBACK_H
#define UNDERSTUDY_NT_KMDF_CALLBACK_H

#include "nt/kmdf/kmdf.h"
#include "nt/sched.h"

/*
 * Checks the attributes of such an object and finds the lock that its callback takes: NULL for none. `passive`: the
 * callback runs at PASSIVE_LEVEL. STATUS_WDF_PARENT_NOT_SPECIFIED; STATUS_INVALID_DEVICE_REQUEST (the parent does not
 * descend from a device); STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL (it is to be serialized with callbacks of the other
 * level).
 */
NTSTATUS us_wdf_callback_check(const struct us_wdf_type *type, PWDF_OBJECT_ATTRIBUTES attributes, bool serialize,
			       bool passive, struct us_wdf_lock **lock);

/* Callbacks of one object that are under way. */
struct us_wdf_runs {
	unsigned pending; /* queued, and not begun */
	unsigned running;
	struct us_thread *threads[4]; /* in which they run, those at PASSIVE_LEVEL */
	LIST_ENTRY waiters;
};

void us_wdf_runs_init(struct us_wdf_runs *runs);
void us_wdf_runs_begin(struct us_wdf_runs *runs); /* a pending one begins, in this flow */
void us_wdf_runs_end(struct us_wdf_runs *runs);

/* This thread is in one of them. */
bool us_wdf_runs_here(const struct us_wdf_runs *runs);

/* Waits (PASSIVE_LEVEL) until none is pending or running but this thread's own. */
void us_wdf_runs_wait(struct us_wdf_runs *runs, const struct us_wdf_object *object);

#endif
