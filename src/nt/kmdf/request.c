/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests: what they are and ask for, and their way from queue to queue.
 */
#include "nt/kmdf/io.h"
#include "nt/trace.h"

#include <stdio.h>
#include <wdfstatus.h>

static const char *why_not_delete(struct us_wdf_object *object)
{
	struct us_wdf_request *request = (struct us_wdf_request *)object;

	if (request->owner != US_REQUEST_CREATED)
		return "a request that came from the system is completed, not deleted";
	if (request->send.sent)
		return "it is on its way to an I/O target, which has to complete it before";
	return NULL;
}

static void destroy(struct us_wdf_object *object)
{
	us_wdf_send_fini((struct us_wdf_request *)object);
}

const struct us_wdf_type us_wdf_request_type = {
	.name = "WDFREQUEST",
	.size = sizeof(struct us_wdf_request),
	.deletable = true,
	.may_not_delete = why_not_delete,
	.destroy = destroy,
};

/* -- those that are no more --------------------------------------------------------------------------------------- */

#define REMEMBERED 256

/*
 * The addresses of completed requests, so that one who still uses them hears of that and not of an invalid handle.
 */
struct us_wdf_completed {
	const void *at[REMEMBERED];
	unsigned number[REMEMBERED];
	unsigned next;
};

static struct us_wdf_completed *completed(void)
{
	struct us_wdf *wdf = us_wdf_state();

	if (!wdf->completed)
		wdf->completed = us_nt_alloc(sizeof(*wdf->completed));
	return wdf->completed;
}

void us_wdf_request_remember(const struct us_wdf_request *request)
{
	struct us_wdf_completed *ring = completed();
	unsigned i = ring->next++ % REMEMBERED;

	ring->at[i] = request;
	ring->number[i] = request->object.number;
}

_Noreturn static void used_after_completion(WDFREQUEST handle, unsigned number, const char *function)
{
	bool completes = strncmp(function, "WdfRequestComplete", strlen("WdfRequestComplete")) == 0;

	us_nt_bugcheck(US_WDF_VIOLATION, WDF_REQUEST_FATAL_ERROR, WDF_REQUEST_FATAL_ERROR_NULL_IRP, (uintptr_t)handle,
		       0, completes ? "request.completed-twice" : "request.used-after-completion",
		       "%s was called with WDFREQUEST %u, which is completed already%s.", function, number,
		       completes ? "" : ": with that it was no longer the driver's");
}

struct us_wdf_request *us_wdf_request_of(WDFREQUEST handle, const char *function, bool completed_too)
{
	struct us_wdf_request *request = (struct us_wdf_request *)handle;
	struct us_wdf_completed *ring = completed();
	unsigned i;

	if (us_wdf_is_object(handle, &us_wdf_request_type)) {
		if (request->owner == US_REQUEST_COMPLETED && !request->irp && !completed_too)
			used_after_completion(handle, request->object.number, function);
		if (!request->irp && !completed_too)
			us_wdf_request_fatal(request, WDF_REQUEST_FATAL_ERROR_NULL_IRP, "request.no-irp",
					     "%s was called with %s, which has no IRP: it was made for no target yet.",
					     function, us_wdf_name(request));
		return us_wdf_from(handle, &us_wdf_request_type);
	}
	for (i = 0; i < REMEMBERED && i < ring->next; i++)
		if (handle && ring->at[i] == request)
			used_after_completion(handle, ring->number[i], function);
	return us_wdf_from(handle, &us_wdf_request_type);
}

_Noreturn void us_wdf_request_fatal(struct us_wdf_request *request, unsigned detail, const char *rule,
				    const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	us_nt_bugcheck(US_WDF_VIOLATION, WDF_REQUEST_FATAL_ERROR, detail, (uintptr_t)request, 0, rule, "%s", text);
}

bool us_wdf_request_is_drivers(const struct us_wdf_request *request)
{
	return (request->owner == US_REQUEST_DRIVER || request->owner == US_REQUEST_NEW) && !request->send.sent;
}

NTSTATUS us_wdf_request_new(struct us_wdf_device *device, PIRP irp, struct us_wdf_request **result)
{
	struct us_wdf_request *request;
	NTSTATUS status;

	status =
		us_wdf_create(&us_wdf_request_type, device->has_request_attributes ? &device->request_attributes : NULL,
			      &device->object, &request);
	if (!NT_SUCCESS(status))
		return STATUS_INSUFFICIENT_RESOURCES;
	request->device = device;
	request->irp = irp;
	request->file = us_wdf_file_of(device, IoGetCurrentIrpStackLocation(irp)->FileObject);
	request->owner = US_REQUEST_NEW;
	request->send.status = STATUS_SUCCESS;
	*result = request;
	return STATUS_SUCCESS;
}

/* -- what it asks for --------------------------------------------------------------------------------------------- */

void us_wdf_request_parameters(PIRP irp, PWDF_REQUEST_PARAMETERS parameters)
{
	PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);

	parameters->MinorFunction = stack->MinorFunction;
	parameters->Type = (WDF_REQUEST_TYPE)stack->MajorFunction;
	switch (stack->MajorFunction) {
	case IRP_MJ_CREATE:
		parameters->Parameters.Create.SecurityContext = stack->Parameters.Create.SecurityContext;
		parameters->Parameters.Create.Options = stack->Parameters.Create.Options;
		parameters->Parameters.Create.FileAttributes = stack->Parameters.Create.FileAttributes;
		parameters->Parameters.Create.ShareAccess = stack->Parameters.Create.ShareAccess;
		parameters->Parameters.Create.EaLength = stack->Parameters.Create.EaLength;
		break;
	case IRP_MJ_READ:
		parameters->Parameters.Read.Length = stack->Parameters.Read.Length;
		parameters->Parameters.Read.Key = stack->Parameters.Read.Key;
		parameters->Parameters.Read.DeviceOffset = stack->Parameters.Read.ByteOffset.QuadPart;
		break;
	case IRP_MJ_WRITE:
		parameters->Parameters.Write.Length = stack->Parameters.Write.Length;
		parameters->Parameters.Write.Key = stack->Parameters.Write.Key;
		parameters->Parameters.Write.DeviceOffset = stack->Parameters.Write.ByteOffset.QuadPart;
		break;
	case IRP_MJ_DEVICE_CONTROL:
	case IRP_MJ_INTERNAL_DEVICE_CONTROL:
		parameters->Parameters.DeviceIoControl.OutputBufferLength =
			stack->Parameters.DeviceIoControl.OutputBufferLength;
		parameters->Parameters.DeviceIoControl.InputBufferLength =
			stack->Parameters.DeviceIoControl.InputBufferLength;
		parameters->Parameters.DeviceIoControl.IoControlCode = stack->Parameters.DeviceIoControl.IoControlCode;
		parameters->Parameters.DeviceIoControl.Type3InputBuffer =
			stack->Parameters.DeviceIoControl.Type3InputBuffer;
		break;
	default:
		parameters->Parameters.Others.Arg1 = stack->Parameters.Others.Argument1;
		parameters->Parameters.Others.Arg2 = stack->Parameters.Others.Argument2;
		parameters->Parameters.Others.IoControlCode = (ULONG)(ULONG_PTR)stack->Parameters.Others.Argument3;
		parameters->Parameters.Others.Arg4 = stack->Parameters.Others.Argument4;
		break;
	}
}

static void NTAPI get_parameters(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle, PWDF_REQUEST_PARAMETERS parameters)
{
	struct us_wdf_request *request = us_wdf_request_of(handle, "WdfRequestGetParameters", false);

	(void)globals;
	us_wdf_need(parameters, "WdfRequestGetParameters", "Parameters");
	if (parameters->Size != sizeof(*parameters))
		us_wdf_request_fatal(
			request, 0, "request.parameters-size",
			"WdfRequestGetParameters was called with a WDF_REQUEST_PARAMETERS of size %u: it was not "
			"initialised.",
			parameters->Size);
	us_wdf_request_parameters(request->irp, parameters);
}

static WDFFILEOBJECT NTAPI get_file_object(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle)
{
	struct us_wdf_request *request = us_wdf_request_of(handle, "WdfRequestGetFileObject", false);

	(void)globals;
	return (WDFFILEOBJECT)request->file;
}

static KPROCESSOR_MODE NTAPI get_requestor_mode(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle)
{
	struct us_wdf_request *request = us_wdf_request_of(handle, "WdfRequestGetRequestorMode", false);

	(void)globals;
	return request->irp->RequestorMode;
}

/* The stage's applications are of 64 bits. */
static BOOLEAN NTAPI is_from_32bit_process(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle)
{
	(void)globals;
	us_wdf_request_of(handle, "WdfRequestIsFrom32BitProcess", false);
	return FALSE;
}

/* No queue sets requests aside here (WdfIoQueueAssignForwardProgressPolicy is unsupported), so none is one of those. */
static BOOLEAN NTAPI is_reserved(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle)
{
	(void)globals;
	us_wdf_request_of(handle, "WdfRequestIsReserved", false);
	return FALSE;
}

static PIRP NTAPI wdm_get_irp(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle)
{
	(void)globals;
	return us_wdf_request_of(handle, "WdfRequestWdmGetIrp", false)->irp;
}

static WDFQUEUE NTAPI get_io_queue(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle)
{
	struct us_wdf_request *request = us_wdf_request_of(handle, "WdfRequestGetIoQueue", false);

	(void)globals;
	return (WDFQUEUE)request->queue;
}

/* -- on to another queue, and back -------------------------------------------------------------------------------- */

/* What must hold of a request that goes back to the framework. */
static void must_be_movable(struct us_wdf_request *request, const char *function)
{
	if (request->owner != US_REQUEST_DRIVER || request->send.sent)
		us_wdf_request_fatal(
			request, WDF_REQUEST_FATAL_ERROR_REQUEST_NOT_IN_QUEUE, "request.not-owned",
			"%s was called with %s, which the driver has not got from one of its queues, or has no "
			"longer.",
			function, us_wdf_name(request));
	if (request->canceled_on_queue)
		us_wdf_request_fatal(request, 0, "request.requeued-canceled",
				     "%s was called with %s, which EvtIoCanceledOnQueue has received: it can only be "
				     "completed.",
				     function, us_wdf_name(request));
	if (request->cancel != US_CANCEL_NONE)
		us_wdf_request_fatal(
			request, 0, "request.requeued-cancelable",
			"%s was called with %s while it is cancelable: WdfRequestUnmarkCancelable has to succeed "
			"before.",
			function, us_wdf_name(request));
}

static NTSTATUS NTAPI forward(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle, WDFQUEUE queue_handle)
{
	struct us_wdf_request *request = us_wdf_request_of(handle, "WdfRequestForwardToIoQueue", false);
	struct us_wdf_queue *to = us_wdf_from(queue_handle, &us_wdf_queue_type), *from;

	(void)globals;
	must_be_movable(request, "WdfRequestForwardToIoQueue");
	if (request->queue == to)
		us_wdf_request_fatal(
			request, 0, "request.forwarded-to-own-queue",
			"WdfRequestForwardToIoQueue was called with %s and the queue it came from, %s: that is "
			"what WdfRequestRequeue is for.",
			us_wdf_name(request), us_wdf_name(to));
	if (request->device != to->device)
		us_wdf_request_fatal(request, 0, "request.forwarded-to-other-device",
				     "WdfRequestForwardToIoQueue was called with %s and a queue of another device.",
				     us_wdf_name(request));
	if (to->gone || !to->accepts)
		return STATUS_WDF_BUSY;

	from = request->queue;
	us_wdf_reference(&from->object);
	us_wdf_reference(&to->object);
	us_wdf_queue_forget(from, request);
	us_wdf_queue_insert(to, request, false);
	us_wdf_queue_dispatch(to);
	us_wdf_queue_dispatch(from);
	us_wdf_dereference(&to->object);
	us_wdf_dereference(&from->object);
	return STATUS_SUCCESS;
}

/* Back to the head of the queue that it came from; a queue that is purged cancels it there. */
static void put_back(struct us_wdf_request *request)
{
	struct us_wdf_queue *queue = request->queue;
	bool purged = queue->gone || !queue->accepts;

	us_wdf_reference(&queue->object);
	us_wdf_queue_forget(queue, request);
	us_wdf_queue_insert(queue, request, true);
	if (purged)
		us_wdf_queue_cancel_waiting(queue);
	us_wdf_queue_dispatch(queue);
	us_wdf_dereference(&queue->object);
}

static NTSTATUS NTAPI requeue(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle)
{
	struct us_wdf_request *request = us_wdf_request_of(handle, "WdfRequestRequeue", false);

	(void)globals;
	must_be_movable(request, "WdfRequestRequeue");
	if (request->queue->config.DispatchType != WdfIoQueueDispatchManual)
		return STATUS_INVALID_DEVICE_REQUEST;
	put_back(request);
	return STATUS_SUCCESS;
}

static void NTAPI stop_acknowledge(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle, BOOLEAN back)
{
	struct us_wdf_request *request = us_wdf_request_of(handle, "WdfRequestStopAcknowledge", false);

	(void)globals;
	if (request->stop != US_STOP_ASKED || !request->in_stop)
		us_wdf_request_fatal(
			request, 0, "request.stop-not-asked",
			"WdfRequestStopAcknowledge was called with %s outside of an EvtIoStop callback for it.",
			us_wdf_name(request));
	us_nt_trace("note  %s: stop acknowledged, %s", us_wdf_name(request), back ? "requeued" : "kept");
	if (back) {
		must_be_movable(request, "WdfRequestStopAcknowledge");
		request->stop = US_STOP_NONE;
		put_back(request);
	} else {
		request->stop = US_STOP_KEPT;
		us_wdf_queue_changed(request->queue);
	}
}

void us_wdf_request_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfRequestGetParameters = get_parameters;
	table->WdfRequestGetFileObject = get_file_object;
	table->WdfRequestGetRequestorMode = get_requestor_mode;
	table->WdfRequestIsFrom32BitProcess = is_from_32bit_process;
	table->WdfRequestIsReserved = is_reserved;
	table->WdfRequestWdmGetIrp = wdm_get_irp;
	table->WdfRequestGetIoQueue = get_io_queue;
	table->WdfRequestForwardToIoQueue = forward;
	table->WdfRequestRequeue = requeue;
	table->WdfRequestStopAcknowledge = stop_acknowledge;
	us_wdf_request_buffer_functions(table);
	us_wdf_request_complete_functions(table);
	us_wdf_request_cancel_functions(table);
	us_wdf_request_send_functions(table);
}
