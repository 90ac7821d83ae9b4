/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fibers: flows of execution that hand the host's one thread to one another. Each has a stack of its own.
 *
 * A switch costs some nanoseconds and no system call; the signal mask is not part of it. Address sanitizer is told.
 * Threads: fibers of one host thread never run on another.
 */
#ifndef UNDERSTUDY_NT_FIBER_H
#define UNDERSTUDY_NT_FIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct us_fiber {
	void *sp; /* where its registers are saved while another runs */
	void *stack; /* lowest address */
	size_t size; /* bytes of the stack */
	void (*entry)(void *context);
	void *context;
	void *fake_stack; /* address sanitizer's */
};

/*
 * Prepares a fiber that begins in entry(context) when it is first switched to; entry never returns. The stack is the
 * caller's, at least 16 KiB, and outlives the fiber. A fiber that never ends by itself is just abandoned.
 */
void us_fiber_init(struct us_fiber *fiber, void *stack, size_t size, void (*entry)(void *context), void *context);

/* The fiber that is the host thread itself: `from` of the first switch. */
void us_fiber_init_host(struct us_fiber *fiber);

/* Goes on in `to`, where it left off or begins; returns when somebody switches to `from`. */
void us_fiber_switch(struct us_fiber *from, struct us_fiber *to);

/* The same for the last time: `from` never runs again, and its stack may be reused. */
_Noreturn void us_fiber_leave(struct us_fiber *from, struct us_fiber *to);

#endif
