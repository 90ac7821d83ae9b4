/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work items, and the system threads that run them. Each queue is served first come first served by several threads,
 * which are made when they are first needed, so that items run beside one another and one that waits holds up none.
 * Microsoft, "System Worker Threads", "IoQueueWorkItem", "IoFreeWorkItem".
 */
#include "nt/ex.h"

#include <stdio.h>

#include "nt/ob.h"
#include "nt/phys.h"
#include "nt/trace.h"

#define WORKERS 16 /* of each queue, at most */
#define ITEM_TAG 0x69576f49u /* 'IoWi' */

static const struct {
	const char *name;
	KPRIORITY priority;
} queues[US_EX_QUEUES] = {{"hypercritical worker", 15}, {"critical worker", 13}, {"delayed worker", 12}};

/* -- the I/O manager's items -------------------------------------------------------------------------------------- */

struct _IO_WORKITEM {
	WORK_QUEUE_ITEM item;
	PVOID object; /* a device or driver object: is referenced while the item is queued or runs */
	PIO_WORKITEM_ROUTINE routine;
	PIO_WORKITEM_ROUTINE_EX routine_ex; /* one of the two */
	PVOID context;
};

static void run_item(PIO_WORKITEM item, PVOID object)
{
	PVOID context = item->context;

	if (item->routine_ex)
		US_CALL_VOID("a work item", item->routine_ex, object, context, item);
	else
		US_CALL_VOID("a work item", item->routine, (PDEVICE_OBJECT)object, context);
}

/* The routine may free the item, so what is needed behind it is taken before. */
static void NTAPI run_io_item(PVOID parameter)
{
	PIO_WORKITEM item = parameter;
	PVOID object = item->object;

	run_item(item, object);
	if (us_ob_is(object, NULL))
		us_ob_dereference(object);
}

/* -- workers ------------------------------------------------------------------------------------------------------ */

static void work(void *context)
{
	enum us_ex_queue queue = (enum us_ex_queue)(uintptr_t)context;
	struct us_ex *ex = us_nt->ex;

	for (;;) {
		PWORK_QUEUE_ITEM item;

		while (IsListEmpty(&ex->work[queue])) {
			ex->idle_workers[queue][ex->idle[queue]++] = us_nt_current();
			us_nt_block("work");
		}
		item = CONTAINING_RECORD(RemoveHeadList(&ex->work[queue]), WORK_QUEUE_ITEM, List);
		item->List.Flink = NULL; /* it can be queued again, or freed, from here on */
		if (item->WorkerRoutine == run_io_item) {
			run_io_item(item->Parameter);
			continue;
		}
		ex->running++;
		US_CALL_VOID("a work item", item->WorkerRoutine, item->Parameter);
		ex->running--;
	}
}

static void let_somebody_work(enum us_ex_queue queue)
{
	struct us_ex *ex = us_nt->ex;

	if (ex->idle[queue])
		us_nt_wake(ex->idle_workers[queue][--ex->idle[queue]], STATUS_SUCCESS);
	else if (ex->workers[queue] < WORKERS &&
		 us_nt_thread_create(queues[queue].name, queues[queue].priority, work, (void *)(uintptr_t)queue))
		ex->workers[queue]++;
	else if (!ex->workers[queue])
		us_nt_stop(US_NT_FAILED, "", "there is no memory left for a worker thread");
}

static enum us_ex_queue queue_of(WORK_QUEUE_TYPE type, const char *function)
{
	switch ((int)type) {
	case CriticalWorkQueue:
		return US_EX_CRITICAL;
	case DelayedWorkQueue:
		return US_EX_DELAYED;
	case HyperCriticalWorkQueue:
		return US_EX_HYPER;
	}
	us_nt_unsupported("%s was called with the queue type %d", function, (int)type);
}

static void check_not_queued(const WORK_QUEUE_ITEM *item, const char *function)
{
	if (item->List.Flink)
		us_nt_bugcheck(0xE4, 0, (uintptr_t)item, 0, 0, "work-item.queued-twice",
			       "%s was called for a work item %s that is queued already, or was never initialized",
			       function, us_nt_where(item));
}

void NTAPI ExQueueWorkItem(PWORK_QUEUE_ITEM item, WORK_QUEUE_TYPE type)
{
	enum us_ex_queue queue = queue_of(type, "ExQueueWorkItem");

	check_not_queued(item, "ExQueueWorkItem");
	InsertTailList(&us_nt->ex->work[queue], &item->List);
	let_somebody_work(queue);
}

size_t us_nt_ex_leaks(char *text, size_t size)
{
	size_t count = us_nt->ex->running;

	for (unsigned i = 0; i < US_EX_QUEUES; i++) {
		const LIST_ENTRY *head = &us_nt->ex->work[i];

		for (const LIST_ENTRY *entry = head->Flink; entry != head; entry = entry->Flink)
			count += CONTAINING_RECORD(entry, WORK_QUEUE_ITEM, List)->WorkerRoutine != run_io_item;
	}
	if (count)
		snprintf(text, size, "%zu work item%s of ExQueueWorkItem that %s not run to the end", count,
			 count == 1 ? "" : "s", count == 1 ? "has" : "have");
	return count;
}

void us_ex_check_free(const void *at, size_t size)
{
	for (unsigned i = 0; i < US_EX_QUEUES; i++) {
		const LIST_ENTRY *head = &us_nt->ex->work[i];

		for (const LIST_ENTRY *entry = head->Flink; entry != head; entry = entry->Flink)
			if ((uintptr_t)entry - (uintptr_t)at < size)
				us_nt_bugcheck(0xE4, 0, (uintptr_t)entry, (uintptr_t)at, size, "work-item.freed",
					       "memory was freed in which a work item lies that is queued (%s)",
					       us_nt_where(entry));
	}
}

/* -- what drivers call -------------------------------------------------------------------------------------------- */

ULONG NTAPI IoSizeofWorkItem(void)
{
	return sizeof(struct _IO_WORKITEM);
}

void NTAPI IoInitializeWorkItem(PVOID object, PIO_WORKITEM item)
{
	*item = (struct _IO_WORKITEM){.object = object};
}

void NTAPI IoUninitializeWorkItem(PIO_WORKITEM item)
{
	if (item->item.List.Flink)
		us_nt_bugcheck(0xE4, 0, (uintptr_t)item, 0, 0, "work-item.freed",
			       "IoUninitializeWorkItem was called for a work item %s that is queued",
			       us_nt_where(item));
}

PIO_WORKITEM NTAPI IoAllocateWorkItem(PDEVICE_OBJECT device)
{
	PIO_WORKITEM item = us_nt_pool_alloc(sizeof(*item), ITEM_TAG);

	if (!item)
		return NULL;
	us_nt_pool_give(item, us_nt_caller());
	IoInitializeWorkItem(device, item);
	return item;
}

void NTAPI IoFreeWorkItem(PIO_WORKITEM item)
{
	if (!us_nt_pool_is(item) || us_nt_pool_tag(item) != ITEM_TAG)
		us_nt_bugcheck(0xC4, 0, (uintptr_t)item, 0, 0, "work-item.invalid",
			       "IoFreeWorkItem was called for %p (%s), which is no work item: not of "
			       "IoAllocateWorkItem, or freed before",
			       (void *)item, us_nt_where(item));
	if (item->item.List.Flink)
		us_nt_bugcheck(0xE4, 0, (uintptr_t)item, 0, 0, "work-item.freed",
			       "IoFreeWorkItem was called for a work item %s that is queued", us_nt_where(item));
	us_nt_pool_free(item);
}

static void queue_io_item(PIO_WORKITEM item, WORK_QUEUE_TYPE type, PVOID context, const char *function)
{
	check_not_queued(&item->item, function);
	item->context = context;
	item->item.WorkerRoutine = run_io_item;
	item->item.Parameter = item;
	if (us_ob_is(item->object, NULL))
		us_ob_reference(item->object);
	ExQueueWorkItem(&item->item, type);
}

void NTAPI IoQueueWorkItem(PIO_WORKITEM item, PIO_WORKITEM_ROUTINE routine, WORK_QUEUE_TYPE type, PVOID context)
{
	check_not_queued(&item->item, "IoQueueWorkItem");
	item->routine = routine;
	item->routine_ex = NULL;
	queue_io_item(item, type, context, "IoQueueWorkItem");
}

void NTAPI IoQueueWorkItemEx(PIO_WORKITEM item, PIO_WORKITEM_ROUTINE_EX routine, WORK_QUEUE_TYPE type, PVOID context)
{
	check_not_queued(&item->item, "IoQueueWorkItemEx");
	item->routine = NULL;
	item->routine_ex = routine;
	queue_io_item(item, type, context, "IoQueueWorkItemEx");
}

BOOLEAN NTAPI us_io_try_queue_work_item(PIO_WORKITEM item, PIO_WORKITEM_ROUTINE_EX routine, WORK_QUEUE_TYPE type,
					PVOID context)
{
	if (item->item.List.Flink)
		return FALSE;
	IoQueueWorkItemEx(item, routine, type, context);
	return TRUE;
}
