/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work items: callbacks in one of the system's threads.
 */
#include "nt/kmdf/callback.h"

#include <wdfstatus.h>

struct us_wdf_work_item {
	struct us_wdf_object object;
	WDF_WORKITEM_CONFIG config;
	struct us_wdf_lock *lock;
	WORK_QUEUE_ITEM work;
	struct us_wdf_runs runs;
};

/* The driver may delete it in its own callback: that one is not waited for. */
static void dispose(struct us_wdf_object *object)
{
	us_wdf_runs_wait(&((struct us_wdf_work_item *)object)->runs, object);
}

const struct us_wdf_type us_wdf_work_item_type = {
	.name = "WDFWORKITEM",
	.size = sizeof(struct us_wdf_work_item),
	.deletable = true,
	.passive_cleanup = true,
	.dispose = dispose,
};

static void NTAPI work(PVOID context)
{
	struct us_wdf_work_item *item = context;

	us_wdf_runs_begin(&item->runs);
	us_wdf_lock(item->lock);
	US_CALL_VOID("EvtWorkItemFunc", item->config.EvtWorkItemFunc, (WDFWORKITEM)item);
	us_wdf_unlock(item->lock);
	us_wdf_runs_end(&item->runs);
	us_wdf_dereference(&item->object);
}

static NTSTATUS NTAPI create(PWDF_DRIVER_GLOBALS globals, PWDF_WORKITEM_CONFIG config,
			     PWDF_OBJECT_ATTRIBUTES attributes, WDFWORKITEM *result)
{
	struct us_wdf_work_item *item;
	struct us_wdf_lock *lock;
	NTSTATUS status;

	(void)globals;
	us_wdf_need(config, "WdfWorkItemCreate", "Config");
	us_wdf_need(result, "WdfWorkItemCreate", "WorkItem");
	*result = NULL;
	if (!us_wdf_sized(config))
		return STATUS_INFO_LENGTH_MISMATCH;
	if (!config->EvtWorkItemFunc)
		return STATUS_INVALID_PARAMETER;
	status = us_wdf_callback_check(&us_wdf_work_item_type, attributes, config->AutomaticSerialization, true, &lock);
	if (NT_SUCCESS(status))
		status = us_wdf_create(&us_wdf_work_item_type, attributes, NULL, &item);
	if (!NT_SUCCESS(status))
		return status;
	item->config = *config;
	item->lock = lock;
	us_wdf_runs_init(&item->runs);
	ExInitializeWorkItem(&item->work, work, item);
	*result = (WDFWORKITEM)item;
	return STATUS_SUCCESS;
}

static void NTAPI enqueue(PWDF_DRIVER_GLOBALS globals, WDFWORKITEM handle)
{
	struct us_wdf_work_item *item = us_wdf_from(handle, &us_wdf_work_item_type);

	(void)globals;
	if (item->runs.pending || item->object.life != US_WDF_ALIVE)
		return;
	item->runs.pending++;
	us_wdf_reference(&item->object);
	ExQueueWorkItem(&item->work, DelayedWorkQueue);
}

static void NTAPI flush(PWDF_DRIVER_GLOBALS globals, WDFWORKITEM handle)
{
	struct us_wdf_work_item *item = us_wdf_from(handle, &us_wdf_work_item_type);

	(void)globals;
	if (us_wdf_runs_here(&item->runs))
		us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, handle, "workitem.flush-in-callback",
				 "WdfWorkItemFlush was called in the callback of %s: it would wait for itself.",
				 us_wdf_name(item));
	us_wdf_runs_wait(&item->runs, &item->object);
}

static WDFOBJECT NTAPI get_parent(PWDF_DRIVER_GLOBALS globals, WDFWORKITEM handle)
{
	struct us_wdf_work_item *item = us_wdf_from(handle, &us_wdf_work_item_type);

	(void)globals;
	return item->object.parent;
}

void us_wdf_work_item_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfWorkItemCreate = create;
	table->WdfWorkItemEnqueue = enqueue;
	table->WdfWorkItemFlush = flush;
	table->WdfWorkItemGetParentObject = get_parent;
}
