/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a queue presents its requests.
 *
 * A request is presented from whatever flow made that possible: the one that brought it, that completed or forwarded
 * the one before it, that started the queue. A sequential queue presents from one flow at a time: a driver that
 * completes its request within EvtIoRead gets the next one when that callback has returned, so nothing recurses.
 * Callbacks of a synchronization scope, and those that want PASSIVE_LEVEL, are put off to a DPC or a work item when the
 * flow holds the lock already or runs above that level.
 */
#include "nt/kmdf/io.h"
#include "nt/trace.h"

#include <wdfstatus.h>

/* -- a queue's books ---------------------------------------------------------------------------------------------- */

static void NTAPI cancel_waiting(PDEVICE_OBJECT device, PIRP irp)
{
	struct us_wdf_request *request = irp->Tail.Overlay.DriverContext[0];
	struct us_wdf_queue *queue = request->queue;

	(void)device;
	RemoveEntryList(&request->link);
	queue->nwaiting--;
	request->owner = US_REQUEST_CANCELLED;
	us_nt_trace("note  %s is cancelled while it waits in %s", us_wdf_name(request), us_wdf_name(queue));
	IoReleaseCancelSpinLock(irp->CancelIrql);
	us_wdf_queue_cancelled(queue, request);
}

void us_wdf_queue_insert(struct us_wdf_queue *queue, struct us_wdf_request *request, bool head)
{
	PIRP irp = request->irp;

	us_wdf_reference(&queue->object);
	if (request->queue)
		us_wdf_dereference(&request->queue->object);
	request->queue = queue;
	request->owner = US_REQUEST_QUEUED;
	if (head)
		InsertHeadList(&queue->waiting, &request->link);
	else
		InsertTailList(&queue->waiting, &request->link);
	if (queue->nwaiting++ == 0)
		queue->became_ready = true;
	us_nt_trace("note  %s waits in %s", us_wdf_name(request), us_wdf_name(queue));

	irp->Tail.Overlay.DriverContext[0] = request;
	us_wdf_set_cancel_routine(irp, cancel_waiting);
	if (irp->Cancel && us_wdf_queue_take(queue, request))
		us_wdf_queue_cancelled(queue, request);
}

bool us_wdf_queue_take(struct us_wdf_queue *queue, struct us_wdf_request *request)
{
	if (!us_wdf_set_cancel_routine(request->irp, NULL))
		return false;
	RemoveEntryList(&request->link);
	queue->nwaiting--;
	request->owner = US_REQUEST_CANCELLED;
	return true;
}

void us_wdf_queue_give(struct us_wdf_queue *queue, struct us_wdf_request *request)
{
	request->owner = US_REQUEST_DRIVER;
	request->cancel = US_CANCEL_NONE;
	request->stop = US_STOP_NONE;
	request->presented = true;
	request->delivered = false;
	InsertTailList(&queue->driver, &request->link);
	queue->ndriver++;
}

void us_wdf_queue_forget(struct us_wdf_queue *queue, struct us_wdf_request *request)
{
	RemoveEntryList(&request->link);
	queue->ndriver--;
	request->stop = US_STOP_NONE;
	us_wdf_queue_changed(queue);
}

void us_wdf_queue_cancelled(struct us_wdf_queue *queue, struct us_wdf_request *request)
{
	if (request->presented && queue->config.EvtIoCanceledOnQueue) {
		InsertTailList(&queue->cancelled, &request->link);
		us_wdf_queue_dispatch(queue);
	} else {
		us_wdf_request_end(request, STATUS_CANCELLED, IO_NO_INCREMENT);
	}
}

/* The first that waits and that no cancellation has. */
static struct us_wdf_request *first_waiting(struct us_wdf_queue *queue)
{
	LIST_ENTRY *link;

	for (link = queue->waiting.Flink; link != &queue->waiting; link = link->Flink) {
		struct us_wdf_request *request = CONTAINING_RECORD(link, struct us_wdf_request, link);

		if (request->irp->CancelRoutine)
			return request;
	}
	return NULL;
}

void us_wdf_queue_cancel_waiting(struct us_wdf_queue *queue)
{
	struct us_wdf_request *request;

	while ((request = first_waiting(queue)))
		if (us_wdf_queue_take(queue, request))
			us_wdf_queue_cancelled(queue, request);
}

/* -- waiting for a queue ------------------------------------------------------------------------------------------ */

struct waiter {
	LIST_ENTRY link;
	struct us_thread *thread;
	bool (*done)(struct us_wdf_queue *queue);
};

void us_wdf_queue_wait(struct us_wdf_queue *queue, bool (*done)(struct us_wdf_queue *queue), const char *what)
{
	struct waiter waiter = {.thread = us_nt_current(), .done = done};
	struct us_wdf_request *request;

	while (!done(queue)) {
		request = IsListEmpty(&queue->driver)
				  ? NULL
				  : CONTAINING_RECORD(queue->driver.Flink, struct us_wdf_request, link);
		InsertTailList(&queue->waiters, &waiter.link);
		us_nt_block("%s %s (the driver has %u of its requests%s%s)", us_wdf_name(queue), what,
			    (unsigned)queue->ndriver, request ? ", first of all " : "",
			    request ? us_wdf_name(request) : "");
	}
}

/* A power-managed queue keeps an idle device awake while it has something to do, or the driver has something of it. */
static void keep_awake(struct us_wdf_queue *queue)
{
	bool busy = queue->nwaiting || queue->ndriver || !IsListEmpty(&queue->cancelled);

	if (!queue->power_managed || busy == queue->keeps_awake)
		return;
	queue->keeps_awake = busy;
	if (busy)
		us_wdf_power_reference(queue->device);
	else
		us_wdf_power_dereference(queue->device);
}

void us_wdf_queue_changed(struct us_wdf_queue *queue)
{
	LIST_ENTRY *link, *next;

	keep_awake(queue);
	for (link = queue->waiters.Flink; link != &queue->waiters; link = next) {
		struct waiter *waiter = CONTAINING_RECORD(link, struct waiter, link);

		next = link->Flink;
		if (!waiter->done(queue))
			continue;
		RemoveEntryList(link);
		us_nt_wake(waiter->thread, STATUS_SUCCESS);
	}
}

/* -- putting off -------------------------------------------------------------------------------------------------- */

bool us_wdf_queue_must_defer(struct us_wdf_queue *queue)
{
	if (queue->object.execution_level == WdfExecutionLevelPassive && us_nt_irql() != PASSIVE_LEVEL)
		return true;
	return queue->object.lock && us_wdf_lock_is_mine(queue->object.lock);
}

void us_wdf_queue_defer(struct us_wdf_queue *queue)
{
	if (queue->deferred)
		return;
	queue->deferred = true;
	us_wdf_reference(&queue->object);
	if (queue->object.execution_level == WdfExecutionLevelPassive)
		ExQueueWorkItem(&queue->work, DelayedWorkQueue);
	else
		KeInsertQueueDpc(&queue->dpc, NULL, NULL);
}

/* -- the steps ---------------------------------------------------------------------------------------------------- */

/* Says, right before the driver's code runs, that it has the request: only now can it be asked to stop with it. */
static WDFREQUEST delivered(struct us_wdf_request *request)
{
	request->delivered = true;
	us_wdf_queue_changed(request->queue);
	return (WDFREQUEST)request;
}

static void call_with(struct us_wdf_queue *queue, struct us_wdf_request *request)
{
	PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(request->irp);
	const WDF_IO_QUEUE_CONFIG *config = &queue->config;
	WDFQUEUE handle = (WDFQUEUE)queue;
	ULONG in = stack->Parameters.DeviceIoControl.InputBufferLength;
	ULONG out = stack->Parameters.DeviceIoControl.OutputBufferLength;
	ULONG code = stack->Parameters.DeviceIoControl.IoControlCode;

	if (stack->MajorFunction == IRP_MJ_READ && config->EvtIoRead)
		US_CALL_VOID("EvtIoRead", config->EvtIoRead, handle, delivered(request), stack->Parameters.Read.Length);
	else if (stack->MajorFunction == IRP_MJ_WRITE && config->EvtIoWrite)
		US_CALL_VOID("EvtIoWrite", config->EvtIoWrite, handle, delivered(request),
			     stack->Parameters.Write.Length);
	else if (stack->MajorFunction == IRP_MJ_DEVICE_CONTROL && config->EvtIoDeviceControl)
		US_CALL_VOID("EvtIoDeviceControl", config->EvtIoDeviceControl, handle, delivered(request), out, in,
			     code);
	else if (stack->MajorFunction == IRP_MJ_INTERNAL_DEVICE_CONTROL && config->EvtIoInternalDeviceControl)
		US_CALL_VOID("EvtIoInternalDeviceControl", config->EvtIoInternalDeviceControl, handle,
			     delivered(request), out, in, code);
	else if (config->EvtIoDefault)
		US_CALL_VOID("EvtIoDefault", config->EvtIoDefault, handle, delivered(request));
	else
		us_wdf_request_end(request, STATUS_INVALID_DEVICE_REQUEST, IO_NO_INCREMENT);
}

static void present_next(struct us_wdf_queue *queue)
{
	struct us_wdf_request *request = first_waiting(queue);

	us_wdf_queue_take(queue, request);
	us_wdf_queue_give(queue, request);
	us_nt_trace("note  %s presents %s", us_wdf_name(queue), us_wdf_name(request));
	queue->presenting++;
	us_wdf_lock(queue->object.lock);
	call_with(queue, request);
	us_wdf_unlock(queue->object.lock);
	queue->presenting--;
}

static void call_canceled_on_queue(struct us_wdf_queue *queue)
{
	struct us_wdf_request *request =
		CONTAINING_RECORD(RemoveHeadList(&queue->cancelled), struct us_wdf_request, link);

	us_wdf_queue_give(queue, request);
	request->canceled_on_queue = true;
	us_wdf_lock(queue->object.lock);
	US_CALL_VOID("EvtIoCanceledOnQueue", queue->config.EvtIoCanceledOnQueue, (WDFQUEUE)queue, delivered(request));
	us_wdf_unlock(queue->object.lock);
}

static void call_cancel(struct us_wdf_queue *queue)
{
	us_wdf_request_call_cancel(
		CONTAINING_RECORD(RemoveHeadList(&queue->cancels), struct us_wdf_request, cancel_link));
}

static void call_state(struct us_wdf_queue *queue, struct us_wdf_queue_callback callback)
{
	us_wdf_lock(queue->object.lock);
	US_CALL_VOID("EvtIoQueueState", callback.routine, (WDFQUEUE)queue, callback.context);
	us_wdf_unlock(queue->object.lock);
}

static void call_state_complete(struct us_wdf_queue *queue)
{
	struct us_wdf_queue_callback callback = queue->state_complete;

	queue->state_complete.routine = NULL;
	call_state(queue, callback);
}

static void call_ready(struct us_wdf_queue *queue)
{
	queue->became_ready = false;
	call_state(queue, queue->ready);
}

static bool may_present(struct us_wdf_queue *queue)
{
	if (!queue->dispatches || queue->held || queue->config.DispatchType == WdfIoQueueDispatchManual ||
	    queue->ndriver >= queue->limit)
		return false;
	if (queue->config.DispatchType == WdfIoQueueDispatchSequential && queue->presenting)
		return false;
	return first_waiting(queue) != NULL;
}

typedef void step(struct us_wdf_queue *queue);

static step *next_step(struct us_wdf_queue *queue)
{
	if (!IsListEmpty(&queue->cancels))
		return call_cancel;
	if (!IsListEmpty(&queue->cancelled))
		return call_canceled_on_queue;
	if (may_present(queue))
		return present_next;
	if (queue->state_complete.routine && queue->ndriver == 0 && (!queue->state_needs_empty || queue->nwaiting == 0))
		return call_state_complete;
	if (queue->ready.routine && queue->became_ready && queue->dispatches && !queue->held && first_waiting(queue))
		return call_ready;
	return NULL;
}

void us_wdf_queue_dispatch(struct us_wdf_queue *queue)
{
	step *next;

	us_wdf_reference(&queue->object);
	while ((next = next_step(queue))) {
		if (us_wdf_queue_must_defer(queue)) {
			us_wdf_queue_defer(queue);
			break;
		}
		next(queue);
	}
	us_wdf_queue_changed(queue);
	us_wdf_dereference(&queue->object);
}
