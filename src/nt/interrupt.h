/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupt objects. What a driver holds as PKINTERRUPT is the address of a struct us_interrupt in the pool.
 *
 * pnp-vector.c: how an interrupt of the function gets to service routines; pnp-interrupt.c: connecting them, and
 * synchronising with them; pnp-line.c: the other device on the line.
 */
#ifndef UNDERSTUDY_NT_INTERRUPT_H
#define UNDERSTUDY_NT_INTERRUPT_H

#include "nt/pnp.h"

#define US_INTERRUPT_MAGIC 0x726e4975u

struct us_interrupt {
	uint32_t magic;
	struct us_interrupt *next; /* of all that are connected, the oldest first */
	PKSERVICE_ROUTINE routine; /* or: */
	PKMESSAGE_SERVICE_ROUTINE message_routine;
	PVOID context;
	KSPIN_LOCK *lock, own_lock; /* the processor's number + 1 that holds it */
	KIRQL irql, synchronize; /* both PASSIVE_LEVEL: its routine runs in a thread */
	int message; /* -1: the line */
	/* passive ones: */
	struct us_thread *worker;
	bool wanted, running, ending, worker_waits;
	struct us_thread *owner; /* who has its lock */
	KEVENT free; /* for one of those who wait for its lock */
	KEVENT ended; /* its thread will not touch it any more */
};

/* The object behind what a driver gave; a bugcheck for what is none. */
struct us_interrupt *us_interrupt_of(PKINTERRUPT interrupt, const char *what);

/* The lock of an interrupt, at its synchronize IRQL; returns the IRQL before. */
KIRQL us_interrupt_lock(struct us_interrupt *interrupt);
void us_interrupt_unlock(struct us_interrupt *interrupt, KIRQL irql);

/* Calls its routine, with its lock; at its IRQL, or in its thread. True: it was its interrupt. */
bool us_interrupt_serve(struct us_interrupt *interrupt);

/* Puts it where its interrupts are delivered, and takes it away again, when its routine does not run any more. */
void us_vector_connect(struct us_interrupt *interrupt);
void us_vector_disconnect(struct us_interrupt *interrupt);

/* A passive service routine has run: what it kept masked is looked at again. */
void us_vector_served(struct us_interrupt *interrupt, bool claimed);

/* -- the other device on the line --------------------------------------------------------------------------------- */

void us_line_start(void); /* it is there and chatters, while the function's line is live */
void us_line_stop(void);
bool us_line_serve(void); /* its service routine: true when it had pulled the line */
bool us_line_is_pulled(void); /* by the other device */
bool us_line_is_first(void); /* its routine comes before those of the driver */
void us_line_activity(void); /* something happens on the stage: it chatters on */
void us_line_pull(void); /* makes the line's vector pending */

#endif
