/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buffers of requests.
 *
 * Where they are is the way of transfer's, as the I/O manager builds the IRP: buffered in the IRP's system buffer, for
 * input and output the same; direct in its MDL; neither in addresses of the application's own, which are good in its
 * thread only.
 */
#include "nt/kmdf/io.h"
#include "nt/phys.h"
#include "nt/trace.h"

#include <wdfstatus.h>

/* A buffer of an application's, locked for the time of the request. */
struct us_wdf_locked {
	struct us_wdf_locked *next;
	PMDL mdl;
};

/* One of a request's two buffers. */
struct place {
	size_t length;
	PVOID system; /* buffered */
	PMDL mdl; /* direct */
	PVOID user; /* neither */
};

static void by_io_type(const struct us_wdf_request *request, struct place *place)
{
	switch (request->device->io_type) {
	case WdfDeviceIoBuffered:
		place->system = request->irp->AssociatedIrp.SystemBuffer;
		break;
	case WdfDeviceIoDirect:
		place->mdl = request->irp->MdlAddress;
		break;
	default:
		place->user = request->irp->UserBuffer;
		break;
	}
}

static void by_method(const struct us_wdf_request *request, bool output, struct place *place)
{
	PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(request->irp);
	unsigned method = METHOD_FROM_CTL_CODE(stack->Parameters.DeviceIoControl.IoControlCode);

	if (method == METHOD_NEITHER)
		place->user = output ? request->irp->UserBuffer : stack->Parameters.DeviceIoControl.Type3InputBuffer;
	else if (output && method != METHOD_BUFFERED)
		place->mdl = request->irp->MdlAddress;
	else
		place->system = request->irp->AssociatedIrp.SystemBuffer;
	place->length = output ? stack->Parameters.DeviceIoControl.OutputBufferLength
			       : stack->Parameters.DeviceIoControl.InputBufferLength;
}

/* Finds a buffer. STATUS_INVALID_DEVICE_REQUEST: requests of this type have none. */
static NTSTATUS find(const struct us_wdf_request *request, bool output, struct place *place)
{
	PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(request->irp);

	memset(place, 0, sizeof(*place));
	switch (stack->MajorFunction) {
	case IRP_MJ_READ:
	case IRP_MJ_WRITE:
		if (output != (stack->MajorFunction == IRP_MJ_READ))
			return STATUS_INVALID_DEVICE_REQUEST;
		by_io_type(request, place);
		place->length = output ? stack->Parameters.Read.Length : stack->Parameters.Write.Length;
		return STATUS_SUCCESS;
	case IRP_MJ_DEVICE_CONTROL:
	case IRP_MJ_INTERNAL_DEVICE_CONTROL:
		by_method(request, output, place);
		return STATUS_SUCCESS;
	default:
		return STATUS_INVALID_DEVICE_REQUEST;
	}
}

/* The same for what must lie in system memory, or be locked: not empty, and not just an address of the application's.
 */
static NTSTATUS find_safe(const struct us_wdf_request *request, bool output, struct place *place)
{
	NTSTATUS status = find(request, output, place);

	if (!NT_SUCCESS(status))
		return status;
	if (place->user)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (place->length == 0 || (!place->system && !place->mdl))
		return place->length == 0 ? STATUS_BUFFER_TOO_SMALL : STATUS_INVALID_DEVICE_REQUEST;
	return STATUS_SUCCESS;
}

static NTSTATUS map(const struct place *place, PVOID *buffer)
{
	*buffer = place->system ? place->system : MmGetSystemAddressForMdlSafe(place->mdl, NormalPagePriority);
	return *buffer ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS retrieve(struct us_wdf_request *request, bool output, size_t minimum, PVOID *buffer, size_t *length)
{
	struct place place;
	NTSTATUS status;

	*buffer = NULL;
	if (length)
		*length = 0;
	status = find_safe(request, output, &place);
	if (!NT_SUCCESS(status))
		return status;
	if (place.length < minimum)
		return STATUS_BUFFER_TOO_SMALL;
	status = map(&place, buffer);
	if (NT_SUCCESS(status) && length)
		*length = place.length;
	return status;
}

static NTSTATUS NTAPI retrieve_input_buffer(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle, size_t minimum,
					    PVOID *buffer, size_t *length)
{
	(void)globals;
	us_wdf_need(buffer, "WdfRequestRetrieveInputBuffer", "Buffer");
	return retrieve(us_wdf_request_of(handle, "WdfRequestRetrieveInputBuffer", false), false, minimum, buffer,
			length);
}

static NTSTATUS NTAPI retrieve_output_buffer(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle, size_t minimum,
					     PVOID *buffer, size_t *length)
{
	(void)globals;
	us_wdf_need(buffer, "WdfRequestRetrieveOutputBuffer", "Buffer");
	return retrieve(us_wdf_request_of(handle, "WdfRequestRetrieveOutputBuffer", false), true, minimum, buffer,
			length);
}

/* -- memory objects and MDLs: each is made once, and lives with the request --------------------------------------- */

static NTSTATUS retrieve_memory(struct us_wdf_request *request, bool output, WDFMEMORY *result)
{
	struct us_wdf_object **memory = output ? &request->output_memory : &request->input_memory;
	NTSTATUS status = STATUS_SUCCESS;
	size_t length;
	PVOID buffer;

	*result = NULL;
	if (!*memory) {
		status = retrieve(request, output, 0, &buffer, &length);
		if (NT_SUCCESS(status))
			status = us_wdf_memory_wrap(&request->object, buffer, length, memory);
	}
	if (NT_SUCCESS(status))
		*result = (WDFMEMORY)*memory;
	return status;
}

static NTSTATUS NTAPI retrieve_input_memory(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle, WDFMEMORY *result)
{
	(void)globals;
	us_wdf_need(result, "WdfRequestRetrieveInputMemory", "Memory");
	return retrieve_memory(us_wdf_request_of(handle, "WdfRequestRetrieveInputMemory", false), false, result);
}

static NTSTATUS NTAPI retrieve_output_memory(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle, WDFMEMORY *result)
{
	(void)globals;
	us_wdf_need(result, "WdfRequestRetrieveOutputMemory", "Memory");
	return retrieve_memory(us_wdf_request_of(handle, "WdfRequestRetrieveOutputMemory", false), true, result);
}

static NTSTATUS retrieve_mdl(struct us_wdf_request *request, bool output, PMDL *result)
{
	PMDL *made = output ? &request->output_mdl : &request->input_mdl;
	struct place place;
	NTSTATUS status;

	*result = NULL;
	status = find_safe(request, output, &place);
	if (!NT_SUCCESS(status))
		return status;
	if (place.system && !*made) {
		*made = IoAllocateMdl(place.system, (ULONG)place.length, FALSE, FALSE, NULL);
		if (!*made)
			return STATUS_INSUFFICIENT_RESOURCES;
		MmBuildMdlForNonPagedPool(*made);
	}
	*result = place.system ? *made : place.mdl;
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI retrieve_input_mdl(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle, PMDL *result)
{
	(void)globals;
	us_wdf_need(result, "WdfRequestRetrieveInputWdmMdl", "Mdl");
	return retrieve_mdl(us_wdf_request_of(handle, "WdfRequestRetrieveInputWdmMdl", false), false, result);
}

static NTSTATUS NTAPI retrieve_output_mdl(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle, PMDL *result)
{
	(void)globals;
	us_wdf_need(result, "WdfRequestRetrieveOutputWdmMdl", "Mdl");
	return retrieve_mdl(us_wdf_request_of(handle, "WdfRequestRetrieveOutputWdmMdl", false), true, result);
}

void us_wdf_request_free_buffers(struct us_wdf_request *request)
{
	struct us_wdf_locked *locked;

	if (request->input_mdl)
		IoFreeMdl(request->input_mdl);
	if (request->output_mdl)
		IoFreeMdl(request->output_mdl);
	request->input_mdl = request->output_mdl = NULL;
	while ((locked = request->locked)) {
		request->locked = locked->next;
		MmUnlockPages(locked->mdl);
		IoFreeMdl(locked->mdl);
		us_nt_free(locked);
	}
}

NTSTATUS us_wdf_request_dma(struct us_wdf_request *request, WDF_DMA_DIRECTION direction, PMDL *mdl, size_t *length)
{
	PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(request->irp);
	bool reads = direction == WdfDmaDirectionReadFromDevice, output = reads;
	NTSTATUS status;

	switch (stack->MajorFunction) {
	case IRP_MJ_READ:
	case IRP_MJ_WRITE:
		if (reads != (stack->MajorFunction == IRP_MJ_READ))
			return STATUS_INVALID_DEVICE_REQUEST;
		*length = reads ? stack->Parameters.Read.Length : stack->Parameters.Write.Length;
		break;
	case IRP_MJ_DEVICE_CONTROL:
	case IRP_MJ_INTERNAL_DEVICE_CONTROL:
		if (METHOD_FROM_CTL_CODE(stack->Parameters.DeviceIoControl.IoControlCode) !=
		    (unsigned)(reads ? METHOD_OUT_DIRECT : METHOD_IN_DIRECT))
			return STATUS_INVALID_DEVICE_REQUEST;
		*length = stack->Parameters.DeviceIoControl.OutputBufferLength;
		output = true;
		break;
	default:
		return STATUS_INVALID_DEVICE_REQUEST;
	}
	status = retrieve_mdl(request, output, mdl);
	return status;
}

/* -- the application's own addresses ------------------------------------------------------------------------------ */

static NTSTATUS retrieve_user(struct us_wdf_request *request, bool output, size_t minimum, PVOID *buffer,
			      size_t *length)
{
	struct place place;
	NTSTATUS status;

	*buffer = NULL;
	if (length)
		*length = 0;
	status = find(request, output, &place);
	if (!NT_SUCCESS(status))
		return status;
	if (place.system || place.mdl)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (request->owner != US_REQUEST_NEW || (PVOID)request->irp->Tail.Overlay.Thread != (PVOID)us_nt_current())
		return STATUS_INVALID_DEVICE_REQUEST;
	if (place.length == 0 || place.length < minimum)
		return STATUS_BUFFER_TOO_SMALL;
	*buffer = place.user;
	if (length)
		*length = place.length;
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI retrieve_user_input(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle, size_t minimum, PVOID *buffer,
					  size_t *length)
{
	(void)globals;
	us_wdf_need(buffer, "WdfRequestRetrieveUnsafeUserInputBuffer", "InputBuffer");
	return retrieve_user(us_wdf_request_of(handle, "WdfRequestRetrieveUnsafeUserInputBuffer", false), false,
			     minimum, buffer, length);
}

static NTSTATUS NTAPI retrieve_user_output(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle, size_t minimum,
					   PVOID *buffer, size_t *length)
{
	(void)globals;
	us_wdf_need(buffer, "WdfRequestRetrieveUnsafeUserOutputBuffer", "OutputBuffer");
	return retrieve_user(us_wdf_request_of(handle, "WdfRequestRetrieveUnsafeUserOutputBuffer", false), true,
			     minimum, buffer, length);
}

/*
 * MmProbeAndLockPages() raises an exception where the framework returns a status, so what it would object to is looked
 * for before.
 */
static NTSTATUS lock(struct us_wdf_request *request, PVOID buffer, size_t length, LOCK_OPERATION operation,
		     WDFMEMORY *result)
{
	struct us_wdf_locked *locked;
	struct us_wdf_object *memory;
	NTSTATUS status;
	PVOID system;
	PMDL mdl;

	*result = NULL;
	if (length == 0)
		return STATUS_INVALID_USER_BUFFER;
	if (request->owner != US_REQUEST_NEW || (PVOID)request->irp->Tail.Overlay.Thread != (PVOID)us_nt_current())
		return STATUS_INVALID_DEVICE_REQUEST;
	if (us_nt_window(buffer) != US_WINDOW_USER || !us_nt_is_mapped(buffer, length))
		return STATUS_ACCESS_VIOLATION;
	mdl = IoAllocateMdl(buffer, (ULONG)length, FALSE, FALSE, NULL);
	if (!mdl)
		return STATUS_INSUFFICIENT_RESOURCES;
	MmProbeAndLockPages(mdl, request->irp->RequestorMode, operation);
	locked = us_nt_alloc(sizeof(*locked));
	locked->mdl = mdl;
	locked->next = request->locked;
	request->locked = locked;
	system = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
	if (!system)
		return STATUS_INSUFFICIENT_RESOURCES;
	status = us_wdf_memory_wrap(&request->object, system, length, &memory);
	if (NT_SUCCESS(status))
		*result = (WDFMEMORY)memory;
	return status;
}

static NTSTATUS NTAPI lock_for_read(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle, PVOID buffer, size_t length,
				    WDFMEMORY *result)
{
	(void)globals;
	us_wdf_need(result, "WdfRequestProbeAndLockUserBufferForRead", "MemoryObject");
	return lock(us_wdf_request_of(handle, "WdfRequestProbeAndLockUserBufferForRead", false), buffer, length,
		    IoReadAccess, result);
}

static NTSTATUS NTAPI lock_for_write(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle, PVOID buffer, size_t length,
				     WDFMEMORY *result)
{
	(void)globals;
	us_wdf_need(result, "WdfRequestProbeAndLockUserBufferForWrite", "MemoryObject");
	return lock(us_wdf_request_of(handle, "WdfRequestProbeAndLockUserBufferForWrite", false), buffer, length,
		    IoWriteAccess, result);
}

void us_wdf_request_buffer_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfRequestRetrieveInputBuffer = retrieve_input_buffer;
	table->WdfRequestRetrieveOutputBuffer = retrieve_output_buffer;
	table->WdfRequestRetrieveInputMemory = retrieve_input_memory;
	table->WdfRequestRetrieveOutputMemory = retrieve_output_memory;
	table->WdfRequestRetrieveInputWdmMdl = retrieve_input_mdl;
	table->WdfRequestRetrieveOutputWdmMdl = retrieve_output_mdl;
	table->WdfRequestRetrieveUnsafeUserInputBuffer = retrieve_user_input;
	table->WdfRequestRetrieveUnsafeUserOutputBuffer = retrieve_user_output;
	table->WdfRequestProbeAndLockUserBufferForRead = lock_for_read;
	table->WdfRequestProbeAndLockUserBufferForWrite = lock_for_write;
}
