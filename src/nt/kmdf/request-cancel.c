/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cancellation of requests that the driver has.
 */
#include "nt/kmdf/io.h"
#include "nt/trace.h"

/* Says, right before the driver's code runs, that its callback has come. */
static WDFREQUEST came(struct us_wdf_request *request)
{
	request->cancel = US_CANCEL_CAME;
	return (WDFREQUEST)request;
}

void us_wdf_request_call_cancel(struct us_wdf_request *request)
{
	struct us_wdf_queue *queue = request->queue;

	if (us_wdf_queue_must_defer(queue)) {
		InsertTailList(&queue->cancels, &request->cancel_link);
		us_wdf_queue_defer(queue);
		return;
	}
	us_wdf_reference(&request->object);
	us_wdf_reference(&queue->object);
	us_wdf_lock(queue->object.lock);
	US_CALL_VOID("EvtRequestCancel", request->evt_cancel, came(request));
	us_wdf_unlock(queue->object.lock);
	us_wdf_dereference(&queue->object);
	us_wdf_dereference(&request->object);
}

static void NTAPI cancel_drivers(PDEVICE_OBJECT device, PIRP irp)
{
	struct us_wdf_request *request = irp->Tail.Overlay.DriverContext[0];

	(void)device;
	request->cancel = US_CANCEL_COMES;
	us_nt_trace("note  %s is cancelled, and cancelable", us_wdf_name(request));
	IoReleaseCancelSpinLock(irp->CancelIrql);
	us_wdf_request_call_cancel(request);
}

bool us_wdf_request_cancel_drivers(struct us_wdf_request *request)
{
	if (request->cancel != US_CANCEL_MARKED || !us_wdf_set_cancel_routine(request->irp, NULL))
		return false;
	request->cancel = US_CANCEL_COMES;
	us_nt_trace("note  %s is cancelled by its queue", us_wdf_name(request));
	us_wdf_request_call_cancel(request);
	return true;
}

/*
 * STATUS_SUCCESS: marked. STATUS_CANCELLED: it was cancelled before, and its cancel routine is out again, so that the
 * caller decides who hears of it.
 */
static NTSTATUS mark(struct us_wdf_request *request, PFN_WDF_REQUEST_CANCEL evt_cancel, const char *function)
{
	us_wdf_need((void *)(uintptr_t)evt_cancel, function, "EvtRequestCancel");
	if (request->owner != US_REQUEST_DRIVER || request->send.sent)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (request->cancel == US_CANCEL_MARKED)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (request->cancel != US_CANCEL_NONE || request->canceled_on_queue)
		return STATUS_CANCELLED;
	request->evt_cancel = evt_cancel;
	request->irp->Tail.Overlay.DriverContext[0] = request;
	us_wdf_set_cancel_routine(request->irp, cancel_drivers);
	request->cancel = US_CANCEL_MARKED;
	if (request->irp->Cancel && us_wdf_set_cancel_routine(request->irp, NULL)) {
		request->cancel = US_CANCEL_NONE;
		return STATUS_CANCELLED;
	}
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI mark_cancelable_ex(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle,
					 PFN_WDF_REQUEST_CANCEL evt_cancel)
{
	struct us_wdf_request *request = us_wdf_request_of(handle, "WdfRequestMarkCancelableEx", false);

	(void)globals;
	return mark(request, evt_cancel, "WdfRequestMarkCancelableEx");
}

static void NTAPI mark_cancelable(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle, PFN_WDF_REQUEST_CANCEL evt_cancel)
{
	struct us_wdf_request *request = us_wdf_request_of(handle, "WdfRequestMarkCancelable", false);
	NTSTATUS status = mark(request, evt_cancel, "WdfRequestMarkCancelable");

	(void)globals;
	if (NT_SUCCESS(status))
		return;
	if (status == STATUS_CANCELLED && request->cancel == US_CANCEL_NONE && !request->canceled_on_queue) {
		request->cancel = US_CANCEL_COMES;
		us_wdf_request_call_cancel(request);
		return;
	}
	us_wdf_request_fatal(request, 0, "request.mark-cancelable",
			     "WdfRequestMarkCancelable was called with %s, which %s.", us_wdf_name(request),
			     request->cancel == US_CANCEL_MARKED ? "is cancelable already"
			     : status == STATUS_CANCELLED        ? "was cancelled, and the driver has heard of it"
							  : "the driver has not got from a queue, or has no longer");
}

static NTSTATUS NTAPI unmark_cancelable(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle)
{
	struct us_wdf_request *request = us_wdf_request_of(handle, "WdfRequestUnmarkCancelable", false);

	(void)globals;
	if (request->owner != US_REQUEST_DRIVER || request->send.sent)
		return STATUS_INVALID_DEVICE_REQUEST;
	switch (request->cancel) {
	case US_CANCEL_NONE:
		return STATUS_INVALID_PARAMETER;
	case US_CANCEL_MARKED:
		if (!us_wdf_set_cancel_routine(request->irp, NULL)) {
			request->cancel = US_CANCEL_COMES;
			return STATUS_CANCELLED;
		}
		request->cancel = US_CANCEL_NONE;
		return STATUS_SUCCESS;
	default:
		return STATUS_CANCELLED;
	}
}

static BOOLEAN NTAPI is_canceled(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle)
{
	struct us_wdf_request *request = us_wdf_request_of(handle, "WdfRequestIsCanceled", false);

	(void)globals;
	if (request->cancel == US_CANCEL_MARKED)
		us_wdf_request_fatal(
			request, 0, "request.is-canceled",
			"WdfRequestIsCanceled was called with %s, which is cancelable: its EvtRequestCancel "
			"callback says when it is cancelled.",
			us_wdf_name(request));
	return request->irp->Cancel;
}

void us_wdf_request_cancel_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfRequestMarkCancelable = mark_cancelable;
	table->WdfRequestMarkCancelableEx = mark_cancelable_ex;
	table->WdfRequestUnmarkCancelable = unmark_cancelable;
	table->WdfRequestIsCanceled = is_canceled;
}
