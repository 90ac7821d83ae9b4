/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of ke share: dispatcher objects, which lie in the driver's memory in Windows' layouts, and the threads that
 * wait for them. All of it is atomic between two scheduling points, so there is no dispatcher lock.
 */
#ifndef UNDERSTUDY_NT_KE_H
#define UNDERSTUDY_NT_KE_H

#include "nt/addresses.h"
#include "nt/kernel.h"

/* DISPATCHER_HEADER.Type, as Windows has it. */
enum us_ke_type {
	US_KE_NOTIFICATION_EVENT = 0,
	US_KE_SYNCHRONIZATION_EVENT = 1,
	US_KE_MUTEX = 2,
	US_KE_SEMAPHORE = 5,
	US_KE_THREAD = 6,
	US_KE_NOTIFICATION_TIMER = 8,
	US_KE_SYNCHRONIZATION_TIMER = 9,
};

#define US_KE_EVENTS (1u << US_KE_NOTIFICATION_EVENT | 1u << US_KE_SYNCHRONIZATION_EVENT)
#define US_KE_TIMERS (1u << US_KE_NOTIFICATION_TIMER | 1u << US_KE_SYNCHRONIZATION_TIMER)

struct us_ke_timer;

struct us_ke {
	struct us_addresses timers; /* those that are set, by their KTIMER: struct us_ke_timer */
	struct us_ke_timer *first_timer;
	struct us_addresses resources; /* ERESOURCEs that are initialized */
	struct us_addresses rundowns; /* the threads that wait, by EX_RUNDOWN_REF */
	struct us_addresses bugcheck_callbacks; /* their records */
	LIST_ENTRY threads; /* the driver's that have not ended */
	struct us_thread *dead; /* ended, and its flow may still be under way: its reference goes with the next one's */
	PEPROCESS processes[2]; /* the system, the application; made on demand */
};

/* -- dispatcher objects ------------------------------------------------------------------------------------------- */

void us_ke_header_init(DISPATCHER_HEADER *header, enum us_ke_type type, unsigned bytes, LONG state);

/* A bugcheck ("object.uninitialized") when `object` is none of `types`, a set of bits 1 << enum us_ke_type. */
void us_ke_check(const void *object, unsigned types, const char *function);

/* The object's state is signalled: those who wait for it and now need not any more go on. */
void us_ke_signal(DISPATCHER_HEADER *header);

/*
 * Waits for one object, in the name of the stage: no timeout, no checks but those of us_nt_block(). `what` is said in the
 * report of a hang, before where it is.
 */
void us_ke_wait(DISPATCHER_HEADER *header, const char *what);

/* "the event in the driver's data at 0x…", for sentences. */
const char *us_ke_describe(const void *object, char *text, size_t size);

/* -- time --------------------------------------------------------------------------------------------------------- */

/* A due time as Windows has it (negative: from now; else system time) in interrupt time. */
uint64_t us_ke_due(LONGLONG due);

/* -- what drivers leave behind ------------------------------------------------------------------------------------ */

/* Memory is freed in which something lies that is in use: bugcheck ("timer.freed", "dpc.freed", "resource.freed"). */
void us_ke_timer_check_free(const void *at, size_t size);
void us_ke_dpc_check_free(const void *at, size_t size);
void us_ke_resource_check_free(const void *at, size_t size);

/* Timers that are set, threads that have not ended, DPCs that are queued: how many, and the first as a sentence. */
size_t us_ke_timer_leaks(char *text, size_t size);
size_t us_ke_thread_leaks(char *text, size_t size);
size_t us_ke_dpc_leaks(char *text, size_t size);

/* -- exported under Windows' names, which the headers define otherwise or not at all ------------------------------ */

void NTAPI us_ke_initialize_spin_lock(PKSPIN_LOCK lock);
PKTHREAD NTAPI us_ke_get_current_thread(void);
BOOLEAN NTAPI us_ke_is_system_thread(PETHREAD thread);
HANDLE NTAPI us_ke_get_process_id(PEPROCESS process);
ULONGLONG NTAPI us_ke_query_interrupt_time(void);
ULONGLONG NTAPI us_ke_query_interrupt_time_precise(PULONG64 counter);
void NTAPI us_ke_query_system_time(PLARGE_INTEGER time);
void NTAPI us_ke_query_system_time_precise(PLARGE_INTEGER time);
void NTAPI us_ke_query_tick_count(PLARGE_INTEGER count);
ULONG NTAPI us_ke_get_current_processor_number(void);
KIRQL NTAPI us_ke_get_current_irql(void);
KIRQL NTAPI us_ke_raise_irql(KIRQL irql);
KIRQL NTAPI us_ke_raise_irql_to_dpc_level(void);
void NTAPI us_ke_lower_irql(KIRQL irql);

#endif
