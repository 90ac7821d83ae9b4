/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File objects: handles that were opened to the device, from IRP_MJ_CREATE to IRP_MJ_CLOSE.
 */
#include "nt/kmdf/io.h"

#include <wdfstatus.h>

#define MAY_BE_NONE 0x80000000u /* WdfFileObjectCanBeOptional, a bit in the class */

const struct us_wdf_type us_wdf_file_type = {
	.name = "WDFFILEOBJECT",
	.size = sizeof(struct us_wdf_file),
	.fixed_parent = true,
	.takes_level = true,
	.takes_scope = true,
};

static unsigned class_of(const struct us_wdf_device *device)
{
	return device->has_file ? (unsigned)device->file.FileObjectClass & ~MAY_BE_NONE : WdfFileObjectNotRequired;
}

struct us_wdf_file *us_wdf_file_of(struct us_wdf_device *device, PFILE_OBJECT wdm)
{
	LIST_ENTRY *link;

	if (!wdm)
		return NULL;
	switch (class_of(device)) {
	case WdfFileObjectNotRequired:
		return NULL;
	case WdfFileObjectWdfCanUseFsContext:
		return wdm->FsContext;
	case WdfFileObjectWdfCanUseFsContext2:
		return wdm->FsContext2;
	default:
		for (link = device->files.Flink; link != &device->files; link = link->Flink) {
			struct us_wdf_file *file = CONTAINING_RECORD(link, struct us_wdf_file, of_device);

			if (file->wdm == wdm)
				return file;
		}
		return NULL;
	}
}

static void remember(struct us_wdf_file *file, struct us_wdf_file *value)
{
	unsigned class = class_of(file->device);

	if (class == WdfFileObjectWdfCanUseFsContext)
		file->wdm->FsContext = value;
	else if (class == WdfFileObjectWdfCanUseFsContext2)
		file->wdm->FsContext2 = value;
}

static void forget(struct us_wdf_file *file)
{
	remember(file, NULL);
	RemoveEntryList(&file->of_device);
	us_wdf_delete(&file->object);
}

/* The framework's object for one that is being opened. *result NULL with success: the driver wants none. */
static NTSTATUS open(struct us_wdf_device *device, PFILE_OBJECT wdm, struct us_wdf_file **result)
{
	struct us_wdf_file *file;
	NTSTATUS status;

	*result = NULL;
	if (class_of(device) == WdfFileObjectNotRequired)
		return STATUS_SUCCESS;
	if (!wdm)
		return (unsigned)device->file.FileObjectClass & MAY_BE_NONE ? STATUS_SUCCESS
									    : STATUS_INVALID_DEVICE_REQUEST;
	status = us_wdf_create(&us_wdf_file_type, device->has_file_attributes ? &device->file_attributes : NULL,
			       &device->object, &file);
	if (!NT_SUCCESS(status))
		return STATUS_INSUFFICIENT_RESOURCES;
	file->device = device;
	file->wdm = wdm;
	InsertTailList(&device->files, &file->of_device);
	remember(file, file);
	*result = file;
	return STATUS_SUCCESS;
}

/* Filters pass on what they do not take; function drivers do when they were asked to. */
static bool forwards(const struct us_wdf_device *device)
{
	if (!device->attached)
		return false;
	return device->has_file && device->file.AutoForwardCleanupClose != WdfUseDefault
		       ? device->file.AutoForwardCleanupClose == WdfTrue
		       : device->filter;
}

/* File callbacks run at PASSIVE_LEVEL, so that a lock which is a spin lock is none of theirs. */
static struct us_wdf_lock *lock_of(const struct us_wdf_device *device)
{
	struct us_wdf_lock *lock = device->object.lock;

	return lock && us_wdf_lock_is_passive(lock) ? lock : NULL;
}

static NTSTATUS bring(struct us_wdf_device *device, PIRP irp, struct us_wdf_file *file)
{
	struct us_wdf_request *request;
	NTSTATUS status;

	status = us_wdf_request_new(device, irp, &request);
	if (!NT_SUCCESS(status)) {
		if (file)
			forget(file);
		return us_wdf_complete(irp, status);
	}
	IoMarkIrpPending(irp);
	if (device->file.EvtDeviceFileCreate) {
		us_wdf_lock(lock_of(device));
		US_CALL_VOID("EvtDeviceFileCreate", device->file.EvtDeviceFileCreate, (WDFDEVICE)device,
			     (WDFREQUEST)request, (WDFFILEOBJECT)file);
		us_wdf_unlock(lock_of(device));
		return STATUS_PENDING;
	}
	status = us_wdf_queue_enqueue(device, request);
	if (!NT_SUCCESS(status))
		us_wdf_request_end(request, status == STATUS_WDF_BUSY ? STATUS_INVALID_DEVICE_STATE : status,
				   IO_NO_INCREMENT);
	return STATUS_PENDING;
}

NTSTATUS us_wdf_dispatch_create(struct us_wdf_device *device, PIRP irp)
{
	struct us_wdf_file *file;
	NTSTATUS status;

	if (device->removed)
		return us_wdf_complete(irp, STATUS_NO_SUCH_DEVICE);
	status = open(device, IoGetCurrentIrpStackLocation(irp)->FileObject, &file);
	if (!NT_SUCCESS(status))
		return us_wdf_complete(irp, status);
	if (device->file.EvtDeviceFileCreate || us_wdf_queue_for(device, irp))
		return bring(device, irp, file);
	return device->filter ? us_wdf_forward(device, irp) : us_wdf_complete(irp, STATUS_SUCCESS);
}

void us_wdf_file_created(struct us_wdf_request *request, NTSTATUS status)
{
	if (request->file && !NT_SUCCESS(status))
		forget(request->file);
}

/* What waits of the file object is cancelled. */
static void cancel_waiting(struct us_wdf_queue *queue, const struct us_wdf_file *file)
{
	LIST_ENTRY *link;

	for (link = queue->waiting.Flink; link != &queue->waiting; link = link->Flink) {
		struct us_wdf_request *request = CONTAINING_RECORD(link, struct us_wdf_request, link);

		if (request->file != file || !us_wdf_queue_take(queue, request))
			continue;
		us_wdf_queue_cancelled(queue, request);
		link = &queue->waiting; /* others may have come and gone meanwhile */
	}
}

NTSTATUS us_wdf_dispatch_cleanup(struct us_wdf_device *device, PIRP irp)
{
	struct us_wdf_file *file = us_wdf_file_of(device, IoGetCurrentIrpStackLocation(irp)->FileObject);
	struct us_wdf_queue *queue;

	if (file && device->file.EvtFileCleanup) {
		us_wdf_lock(lock_of(device));
		US_CALL_VOID("EvtFileCleanup", device->file.EvtFileCleanup, (WDFFILEOBJECT)file);
		us_wdf_unlock(lock_of(device));
	}
	for (queue = file ? us_wdf_next_queue(device, NULL) : NULL; queue; queue = us_wdf_next_queue(device, queue))
		cancel_waiting(queue, file);
	return forwards(device) ? us_wdf_forward(device, irp) : us_wdf_complete(irp, STATUS_SUCCESS);
}

NTSTATUS us_wdf_dispatch_close(struct us_wdf_device *device, PIRP irp)
{
	struct us_wdf_file *file = us_wdf_file_of(device, IoGetCurrentIrpStackLocation(irp)->FileObject);

	if (file && device->file.EvtFileClose) {
		us_wdf_lock(lock_of(device));
		US_CALL_VOID("EvtFileClose", device->file.EvtFileClose, (WDFFILEOBJECT)file);
		us_wdf_unlock(lock_of(device));
	}
	if (file)
		forget(file);
	return forwards(device) ? us_wdf_forward(device, irp) : us_wdf_complete(irp, STATUS_SUCCESS);
}

/* -- what the driver asks ----------------------------------------------------------------------------------------- */

static PUNICODE_STRING NTAPI get_file_name(PWDF_DRIVER_GLOBALS globals, WDFFILEOBJECT handle)
{
	struct us_wdf_file *file = us_wdf_from(handle, &us_wdf_file_type);

	(void)globals;
	return &file->wdm->FileName;
}

static ULONG NTAPI get_flags(PWDF_DRIVER_GLOBALS globals, WDFFILEOBJECT handle)
{
	struct us_wdf_file *file = us_wdf_from(handle, &us_wdf_file_type);

	(void)globals;
	return file->wdm->Flags;
}

static WDFDEVICE NTAPI get_device(PWDF_DRIVER_GLOBALS globals, WDFFILEOBJECT handle)
{
	struct us_wdf_file *file = us_wdf_from(handle, &us_wdf_file_type);

	(void)globals;
	return (WDFDEVICE)file->device;
}

static PFILE_OBJECT NTAPI wdm_get_file_object(PWDF_DRIVER_GLOBALS globals, WDFFILEOBJECT handle)
{
	struct us_wdf_file *file = us_wdf_from(handle, &us_wdf_file_type);

	(void)globals;
	return file->wdm;
}

static WDFFILEOBJECT NTAPI device_get_file_object(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, PFILE_OBJECT wdm)
{
	struct us_wdf_device *device = us_wdf_from(handle, &us_wdf_device_type);

	(void)globals;
	return (WDFFILEOBJECT)us_wdf_file_of(device, wdm);
}

void us_wdf_file_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfFileObjectGetFileName = get_file_name;
	table->WdfFileObjectGetFlags = get_flags;
	table->WdfFileObjectGetDevice = get_device;
	table->WdfFileObjectWdmGetFileObject = wdm_get_file_object;
	table->WdfDeviceGetFileObject = device_get_file_object;
}
