/* SPDX-License-Identifier: Apache-2.0 */
/*
 * I/O targets: the next lower driver, and device objects that the driver has found by other means. Opening a target by
 * name is not supported: there is no other device on the stage.
 */
#include "nt/kmdf/target.h"
#include "nt/trace.h"

#include <wdfstatus.h>

struct waiter {
	LIST_ENTRY link;
	struct us_thread *thread;
};

void us_wdf_target_changed(struct us_wdf_io_target *target)
{
	while (IsListEmpty(&target->sent) && !IsListEmpty(&target->waiters)) {
		struct waiter *waiter = CONTAINING_RECORD(RemoveHeadList(&target->waiters), struct waiter, link);

		us_nt_wake(waiter->thread, STATUS_SUCCESS);
	}
}

static void wait_for_sent(struct us_wdf_io_target *target)
{
	struct waiter waiter = {.thread = us_nt_current()};

	while (!IsListEmpty(&target->sent)) {
		InsertTailList(&target->waiters, &waiter.link);
		us_nt_block("the requests sent to %s to come back", us_wdf_name(target));
	}
}

static void cancel_all(LIST_ENTRY *list)
{
	LIST_ENTRY *link;
	unsigned count = 0, i;

	for (link = list->Flink; link != list; link = link->Flink)
		count++;
	for (i = 0; i < count && !IsListEmpty(list); i++) {
		struct us_wdf_request *request = CONTAINING_RECORD(list->Flink, struct us_wdf_request, send.of_target);

		RemoveEntryList(&request->send.of_target); /* to the end: a cancelled one may take its time */
		InsertTailList(list, &request->send.of_target);
		us_wdf_send_cancel(request);
	}
}

static void close(struct us_wdf_io_target *target, WDF_IO_TARGET_STATE state)
{
	target->state = state;
	cancel_all(&target->held);
	cancel_all(&target->sent);
	wait_for_sent(target);
	if (target->file)
		ObDereferenceObject(target->file);
	target->file = NULL;
	if (!target->local)
		target->wdm = NULL;
}

static void dispose(struct us_wdf_object *object)
{
	close((struct us_wdf_io_target *)object, WdfIoTargetDeleted);
}

static const char *why_not_delete(struct us_wdf_object *object)
{
	return ((struct us_wdf_io_target *)object)->local ? "it is its device's own, the next lower driver" : NULL;
}

const struct us_wdf_type us_wdf_io_target_type = {
	.name = "WDFIOTARGET",
	.size = sizeof(struct us_wdf_io_target),
	.deletable = true,
	.passive_cleanup = true,
	.may_not_delete = why_not_delete,
	.dispose = dispose,
};

static NTSTATUS make(struct us_wdf_device *device, PWDF_OBJECT_ATTRIBUTES attributes, struct us_wdf_io_target **result)
{
	NTSTATUS status = us_wdf_create(&us_wdf_io_target_type, attributes, &device->object, result);

	if (!NT_SUCCESS(status))
		return status;
	(*result)->device = device;
	(*result)->state = WdfIoTargetClosed;
	InitializeListHead(&(*result)->sent);
	InitializeListHead(&(*result)->held);
	InitializeListHead(&(*result)->waiters);
	return STATUS_SUCCESS;
}

/* The device's own target is made when it is first asked for. */
static WDFIOTARGET NTAPI device_get_target(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle)
{
	struct us_wdf_device *device = us_wdf_from(handle, &us_wdf_device_type);
	struct us_wdf_io_target *target;

	(void)globals;
	if (!device->target && device->attached && NT_SUCCESS(make(device, NULL, &target))) {
		target->local = true;
		target->wdm = device->attached;
		target->state = WdfIoTargetStarted;
		device->target = target;
	}
	return (WDFIOTARGET)device->target;
}

static NTSTATUS NTAPI create(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, PWDF_OBJECT_ATTRIBUTES attributes,
			     WDFIOTARGET *result)
{
	struct us_wdf_device *device = us_wdf_from(handle, &us_wdf_device_type);
	struct us_wdf_io_target *target;
	NTSTATUS status;

	(void)globals;
	us_wdf_need(result, "WdfIoTargetCreate", "IoTarget");
	*result = NULL;
	status = make(device, attributes, &target);
	if (NT_SUCCESS(status))
		*result = (WDFIOTARGET)target;
	return status;
}

static NTSTATUS NTAPI open(PWDF_DRIVER_GLOBALS globals, WDFIOTARGET handle, PWDF_IO_TARGET_OPEN_PARAMS given)
{
	struct us_wdf_io_target *target = us_wdf_from(handle, &us_wdf_io_target_type);
	WDF_IO_TARGET_OPEN_PARAMS params = {0};

	(void)globals;
	us_wdf_need(given, "WdfIoTargetOpen", "OpenParams");
	if (!us_wdf_take(&params, given))
		return STATUS_INFO_LENGTH_MISMATCH;
	if (target->local || target->state == WdfIoTargetStarted || target->state == WdfIoTargetStopped)
		return STATUS_INVALID_DEVICE_STATE;
	if (params.Type != WdfIoTargetOpenUseExistingDevice)
		us_nt_unsupported(
			"WdfIoTargetOpen was called to open a target by name (type %d); the stage has no devices "
			"but the driver's own stack.",
			(int)params.Type);
	if (!params.TargetDeviceObject)
		return STATUS_INVALID_PARAMETER;
	target->wdm = params.TargetDeviceObject;
	target->file = params.TargetFileObject;
	if (target->file)
		ObReferenceObject(target->file);
	target->state = WdfIoTargetStarted;
	return STATUS_SUCCESS;
}

static struct us_wdf_io_target *remote(WDFIOTARGET handle, const char *function)
{
	struct us_wdf_io_target *target = us_wdf_from(handle, &us_wdf_io_target_type);

	if (target->local)
		us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, handle, "target.local",
				 "%s was called with %s, the next lower driver, which is never closed.", function,
				 us_wdf_name(target));
	return target;
}

static void NTAPI close_target(PWDF_DRIVER_GLOBALS globals, WDFIOTARGET handle)
{
	(void)globals;
	/* Drivers for versions before 1.9 do not know the state that says more. */
	close(remote(handle, "WdfIoTargetClose"),
	      us_wdf_client() >= 9 ? WdfIoTargetClosed : WdfIoTargetClosedForQueryRemove);
}

static void NTAPI close_for_query_remove(PWDF_DRIVER_GLOBALS globals, WDFIOTARGET handle)
{
	(void)globals;
	close(remote(handle, "WdfIoTargetCloseForQueryRemove"), WdfIoTargetClosedForQueryRemove);
}

static NTSTATUS NTAPI start(PWDF_DRIVER_GLOBALS globals, WDFIOTARGET handle)
{
	struct us_wdf_io_target *target = us_wdf_from(handle, &us_wdf_io_target_type);

	(void)globals;
	if (!target->wdm)
		return STATUS_INVALID_DEVICE_STATE;
	target->state = WdfIoTargetStarted;
	while (target->state == WdfIoTargetStarted && !IsListEmpty(&target->held)) {
		LIST_ENTRY *link = RemoveHeadList(&target->held);

		us_wdf_send_now(CONTAINING_RECORD(link, struct us_wdf_request, send.of_target));
	}
	return STATUS_SUCCESS;
}

static void NTAPI stop(PWDF_DRIVER_GLOBALS globals, WDFIOTARGET handle, WDF_IO_TARGET_SENT_IO_ACTION action)
{
	struct us_wdf_io_target *target = us_wdf_from(handle, &us_wdf_io_target_type);

	(void)globals;
	if (action <= WdfIoTargetSentIoUndefined || action > WdfIoTargetLeaveSentIoPending)
		us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, handle, "target.stop-action",
				 "WdfIoTargetStop was called with %s and the action %d, which there is not.",
				 us_wdf_name(target), (int)action);
	if (target->wdm)
		target->state = WdfIoTargetStopped;
	if (action == WdfIoTargetCancelSentIo)
		cancel_all(&target->sent);
	if (action != WdfIoTargetLeaveSentIoPending)
		wait_for_sent(target);
}

static void NTAPI purge(PWDF_DRIVER_GLOBALS globals, WDFIOTARGET handle, WDF_IO_TARGET_PURGE_IO_ACTION action)
{
	struct us_wdf_io_target *target = us_wdf_from(handle, &us_wdf_io_target_type);

	(void)globals;
	if (action != WdfIoTargetPurgeIo && action != WdfIoTargetPurgeIoAndWait)
		us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, handle, "target.purge-action",
				 "WdfIoTargetPurge was called with %s and the action %d, which there is not.",
				 us_wdf_name(target), (int)action);
	if (target->wdm)
		target->state = WdfIoTargetPurged;
	cancel_all(&target->held);
	cancel_all(&target->sent);
	if (action == WdfIoTargetPurgeIoAndWait)
		wait_for_sent(target);
}

static WDF_IO_TARGET_STATE NTAPI get_state(PWDF_DRIVER_GLOBALS globals, WDFIOTARGET handle)
{
	struct us_wdf_io_target *target = us_wdf_from(handle, &us_wdf_io_target_type);

	(void)globals;
	return target->state;
}

static WDFDEVICE NTAPI get_device(PWDF_DRIVER_GLOBALS globals, WDFIOTARGET handle)
{
	struct us_wdf_io_target *target = us_wdf_from(handle, &us_wdf_io_target_type);

	(void)globals;
	return (WDFDEVICE)target->device;
}

static PDEVICE_OBJECT NTAPI get_target_device(PWDF_DRIVER_GLOBALS globals, WDFIOTARGET handle)
{
	struct us_wdf_io_target *target = us_wdf_from(handle, &us_wdf_io_target_type);

	(void)globals;
	return target->wdm;
}

static PDEVICE_OBJECT NTAPI get_physical_device(PWDF_DRIVER_GLOBALS globals, WDFIOTARGET handle)
{
	struct us_wdf_io_target *target = us_wdf_from(handle, &us_wdf_io_target_type);

	(void)globals;
	return target->local ? target->device->pdo : NULL;
}

static PFILE_OBJECT NTAPI get_file_object(PWDF_DRIVER_GLOBALS globals, WDFIOTARGET handle)
{
	struct us_wdf_io_target *target = us_wdf_from(handle, &us_wdf_io_target_type);

	(void)globals;
	return target->file;
}

/* Only targets that were opened by name have a handle. */
static HANDLE NTAPI get_file_handle(PWDF_DRIVER_GLOBALS globals, WDFIOTARGET handle)
{
	(void)globals;
	us_wdf_from(handle, &us_wdf_io_target_type);
	return NULL;
}

/* -- what is known of it ------------------------------------------------------------------------------------------ */

/* The physical device object below the target; NULL: there is none. */
static PDEVICE_OBJECT pdo_of(WDFIOTARGET handle, const char *function)
{
	struct us_wdf_io_target *target = us_wdf_from(handle, &us_wdf_io_target_type);

	if (!target->local && target->wdm)
		us_nt_unsupported("%s for a target that was opened: the stage knows properties of the driver's own "
				  "device only.",
				  function);
	return target->local ? target->device->pdo : NULL;
}

static NTSTATUS NTAPI query_property(PWDF_DRIVER_GLOBALS globals, WDFIOTARGET handle, DEVICE_REGISTRY_PROPERTY property,
				     ULONG size, PVOID buffer, PULONG needed)
{
	static const char function[] = "WdfIoTargetQueryTargetProperty";
	PDEVICE_OBJECT pdo = pdo_of(handle, function);

	(void)globals;
	us_wdf_need(needed, function, "ResultLength");
	*needed = 0;
	return pdo ? IoGetDeviceProperty(pdo, property, size, buffer, needed) : STATUS_INVALID_DEVICE_REQUEST;
}

static NTSTATUS NTAPI alloc_and_query_property(PWDF_DRIVER_GLOBALS globals, WDFIOTARGET handle,
					       DEVICE_REGISTRY_PROPERTY property, POOL_TYPE pool,
					       PWDF_OBJECT_ATTRIBUTES attributes, WDFMEMORY *result)
{
	static const char function[] = "WdfIoTargetAllocAndQueryTargetProperty";

	(void)globals, (void)pool;
	us_wdf_need(result, function, "PropertyMemory");
	return us_wdf_property(pdo_of(handle, function), property, attributes, result);
}

void us_wdf_target_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfIoTargetQueryTargetProperty = query_property;
	table->WdfIoTargetAllocAndQueryTargetProperty = alloc_and_query_property;
	table->WdfDeviceGetIoTarget = device_get_target;
	table->WdfIoTargetCreate = create;
	table->WdfIoTargetOpen = open;
	table->WdfIoTargetClose = close_target;
	table->WdfIoTargetCloseForQueryRemove = close_for_query_remove;
	table->WdfIoTargetStart = start;
	table->WdfIoTargetStop = stop;
	table->WdfIoTargetPurge = purge;
	table->WdfIoTargetGetState = get_state;
	table->WdfIoTargetGetDevice = get_device;
	table->WdfIoTargetWdmGetTargetDeviceObject = get_target_device;
	table->WdfIoTargetWdmGetTargetPhysicalDevice = get_physical_device;
	table->WdfIoTargetWdmGetTargetFileObject = get_file_object;
	table->WdfIoTargetWdmGetTargetFileHandle = get_file_handle;
	us_wdf_target_format_functions(table);
}
