/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of requests.
 */
#include "nt/kmdf/io.h"
#include "nt/trace.h"

#include <wdfstatus.h>

#define FACILITY_WDF 0x00200000u

/* The I/O manager and applications know nothing of the framework's own status values. */
static NTSTATUS for_others(NTSTATUS status)
{
	if (((ULONG)status & 0x0FFF0000u) != FACILITY_WDF)
		return status;
	switch (status) {
	case STATUS_WDF_PAUSED:
	case STATUS_WDF_BUSY:
		return STATUS_DEVICE_BUSY;
	case STATUS_WDF_INTERNAL_ERROR:
		return STATUS_INTERNAL_ERROR;
	default:
		return STATUS_INVALID_DEVICE_REQUEST;
	}
}

/*
 * In this order, as the framework does: cleanup callbacks, while the IRP is still there to be looked at; the IRP; then
 * what the queue can do now that the driver has one request less.
 */
void us_wdf_request_end(struct us_wdf_request *request, NTSTATUS status, CCHAR boost)
{
	struct us_wdf_queue *queue = request->queue;
	bool on_books = request->owner == US_REQUEST_DRIVER;
	PIRP irp = request->irp;

	request->owner = US_REQUEST_COMPLETED;
	status = for_others(status);
	us_nt_trace("note  %s is completed: status 0x%08x, information %llu", us_wdf_name(request), (unsigned)status,
		    (unsigned long long)irp->IoStatus.Information);
	us_wdf_reference(&request->object);
	us_wdf_delete(&request->object);
	us_wdf_request_free_buffers(request);
	us_wdf_request_remember(request);
	request->irp = NULL;
	request->send.status = status;
	if (IoGetCurrentIrpStackLocation(irp)->MajorFunction == IRP_MJ_CREATE)
		us_wdf_file_created(request, status);

	irp->IoStatus.Status = status;
	IoCompleteRequest(irp, boost);

	if (queue) {
		if (on_books)
			us_wdf_queue_forget(queue, request);
		request->queue = NULL;
		us_wdf_queue_dispatch(queue);
		us_wdf_dereference(&queue->object);
	}
	us_wdf_dereference(&request->object);
}

/* -- what the driver may do wrong --------------------------------------------------------------------------------- */

static void must_be_owned(struct us_wdf_request *request, const char *function)
{
	static const char *const why[] = {
		[US_REQUEST_QUEUED] = "which waits in a queue: it is not the driver's",
		[US_REQUEST_CANCELLED] = "which was cancelled in its queue: it is not the driver's",
		[US_REQUEST_CREATED] = "which the driver has made itself: it is deleted, not completed",
		[US_REQUEST_COMPLETED] = "which is completed already",
	};

	if (request->send.sent)
		us_wdf_request_fatal(
			request, WDF_REQUEST_FATAL_ERROR_REQUEST_ALREADY_SENT, "request.completed-while-sent",
			"%s was called with %s, which is on its way to an I/O target.", function, us_wdf_name(request));
	if (!us_wdf_request_is_drivers(request))
		us_wdf_request_fatal(request, 0,
				     request->owner == US_REQUEST_COMPLETED ? "request.completed-twice"
									    : "request.not-owned",
				     "%s was called with %s, %s.", function, us_wdf_name(request), why[request->owner]);
}

static void must_not_be_cancelable(struct us_wdf_request *request, const char *function)
{
	if (request->cancel == US_CANCEL_MARKED)
		us_wdf_request_fatal(
			request, 0, "request.completed-cancelable",
			"%s was called with %s while it is cancelable: WdfRequestUnmarkCancelable has to be "
			"called before, outside of EvtRequestCancel.",
			function, us_wdf_name(request));
	if (request->cancel == US_CANCEL_COMES)
		us_wdf_request_fatal(
			request, 0, "request.completed-before-cancel",
			"%s was called with %s, which is cancelled, before its EvtRequestCancel callback was "
			"called: that will be called with a request that is no more.",
			function, us_wdf_name(request));
}

/* How many bytes may come back from a buffered request: what the I/O manager copies to the application. */
static bool longest(PIRP irp, size_t *length)
{
	PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);

	switch (stack->MajorFunction) {
	case IRP_MJ_READ:
		*length = stack->Parameters.Read.Length;
		return true;
	case IRP_MJ_WRITE:
		*length = stack->Parameters.Write.Length;
		return true;
	case IRP_MJ_DEVICE_CONTROL:
		*length = stack->Parameters.DeviceIoControl.OutputBufferLength;
		return METHOD_FROM_CTL_CODE(stack->Parameters.DeviceIoControl.IoControlCode) == METHOD_BUFFERED;
	default:
		return false;
	}
}

static void must_fit(struct us_wdf_request *request, const char *function)
{
	size_t length;

	if (longest(request->irp, &length) && request->irp->IoStatus.Information > length)
		us_wdf_request_fatal(
			request, WDF_REQUEST_FATAL_ERROR_INFORMATION_LENGTH_MISMATCH, "request.information",
			"%s was called with %s and says that it has transferred %llu bytes; its buffer has %zu.",
			function, us_wdf_name(request), (unsigned long long)request->irp->IoStatus.Information, length);
}

static void complete(struct us_wdf_request *request, NTSTATUS status, CCHAR boost, const char *function)
{
	must_be_owned(request, function);
	must_not_be_cancelable(request, function);
	if (status == STATUS_PENDING)
		us_wdf_request_fatal(request, 0, "request.completed-pending",
				     "%s was called with %s and STATUS_PENDING, which says that it is not complete.",
				     function, us_wdf_name(request));
	must_fit(request, function);
	us_wdf_request_end(request, status, boost);
}

/* -- what the driver calls ---------------------------------------------------------------------------------------- */

static void NTAPI complete_request(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle, NTSTATUS status)
{
	(void)globals;
	complete(us_wdf_request_of(handle, "WdfRequestComplete", false), status, IO_NO_INCREMENT, "WdfRequestComplete");
}

static void NTAPI complete_with_information(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle, NTSTATUS status,
					    ULONG_PTR information)
{
	struct us_wdf_request *request = us_wdf_request_of(handle, "WdfRequestCompleteWithInformation", false);

	(void)globals;
	must_be_owned(request, "WdfRequestCompleteWithInformation");
	request->irp->IoStatus.Information = information;
	complete(request, status, IO_NO_INCREMENT, "WdfRequestCompleteWithInformation");
}

static void NTAPI complete_with_boost(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle, NTSTATUS status, CCHAR boost)
{
	(void)globals;
	complete(us_wdf_request_of(handle, "WdfRequestCompleteWithPriorityBoost", false), status, boost,
		 "WdfRequestCompleteWithPriorityBoost");
}

static void NTAPI set_information(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle, ULONG_PTR information)
{
	(void)globals;
	us_wdf_request_of(handle, "WdfRequestSetInformation", false)->irp->IoStatus.Information = information;
}

static ULONG_PTR NTAPI get_information(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle)
{
	(void)globals;
	return us_wdf_request_of(handle, "WdfRequestGetInformation", false)->irp->IoStatus.Information;
}

static NTSTATUS NTAPI get_status(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle)
{
	(void)globals;
	return us_wdf_request_of(handle, "WdfRequestGetStatus", true)->send.status;
}

void us_wdf_request_complete_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfRequestComplete = complete_request;
	table->WdfRequestCompleteWithInformation = complete_with_information;
	table->WdfRequestCompleteWithPriorityBoost = complete_with_boost;
	table->WdfRequestSetInformation = set_information;
	table->WdfRequestGetInformation = get_information;
	table->WdfRequestGetStatus = get_status;
}
