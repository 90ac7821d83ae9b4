/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of ex share. */
#ifndef UNDERSTUDY_NT_EX_H
#define UNDERSTUDY_NT_EX_H

#include "nt/addresses.h"
#include "nt/kernel.h"

/* Kinds of worker threads, the most urgent first. */
enum us_ex_queue { US_EX_HYPER, US_EX_CRITICAL, US_EX_DELAYED, US_EX_QUEUES };

struct us_ex {
	struct us_addresses paged; /* the driver's pieces of paged pool */
	struct us_addresses timers; /* EX_TIMERs that are not deleted */
	struct us_addresses providers; /* of EtwRegister, by their handles */
	unsigned nproviders;

	/* work items */
	LIST_ENTRY work[US_EX_QUEUES]; /* WORK_QUEUE_ITEM.List */
	struct us_thread *idle_workers[US_EX_QUEUES][16]; /* they wait for work */
	unsigned idle[US_EX_QUEUES], workers[US_EX_QUEUES];
	unsigned running; /* items that run, without those of the I/O manager */
};

/* The pool is out, or was made to be, for a driver that asked so: NULL, or an exception where it wants that. */
PVOID NTAPI us_ex_no_pool(POOL_TYPE type);
PVOID NTAPI us_ex_no_quota(POOL_TYPE type); /* where an exception is what happens unless asked for otherwise */
PVOID NTAPI us_ex_no_pool_2(ULONG64 flags);

/* Memory is freed in which a work item lies that is queued: bugcheck ("work-item.freed"). */
void us_ex_check_free(const void *at, size_t size);

/* -- exported under Windows' names that the headers do not have, or have otherwise -------------------------------- */

PVOID NTAPI us_ex_allocate_pool_2(ULONG64 flags, SIZE_T size, ULONG tag);
PVOID NTAPI us_ex_allocate_pool_3(ULONG64 flags, SIZE_T size, ULONG tag, PVOID parameters, ULONG count);
void NTAPI us_ex_free_pool_2(PVOID piece, ULONG tag, PVOID parameters, ULONG count);
NTSTATUS NTAPI us_etw_set_information(REGHANDLE handle, ULONG kind, PVOID information, ULONG length);
void NTAPI us_ex_slist_init(PSLIST_HEADER head);
PSLIST_ENTRY NTAPI us_ex_slist_push(PSLIST_HEADER head, PSLIST_ENTRY entry);
PSLIST_ENTRY NTAPI us_ex_slist_pop(PSLIST_HEADER head);
PSLIST_ENTRY NTAPI us_ex_slist_flush(PSLIST_HEADER head);
USHORT NTAPI us_ex_slist_depth(PSLIST_HEADER head);
BOOLEAN NTAPI us_io_try_queue_work_item(PIO_WORKITEM item, PIO_WORKITEM_ROUTINE_EX routine, WORK_QUEUE_TYPE queue, PVOID context);

#endif
