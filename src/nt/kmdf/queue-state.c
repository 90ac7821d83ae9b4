/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting, stopping, draining and purging queues: by the driver, and by the device's power.
 */
#include "nt/kmdf/io.h"
#include "nt/trace.h"

#include <wdfstatus.h>

_Noreturn static void fatal(struct us_wdf_queue *queue, const char *rule, const char *function, const char *why)
{
	us_nt_bugcheck(US_WDF_VIOLATION, WDF_QUEUE_FATAL_ERROR, (uintptr_t)queue, 0, 0, rule,
		       "%s was called with %s %s.", function, us_wdf_name(queue), why);
}

static WDF_IO_QUEUE_STATE NTAPI get_state(PWDF_DRIVER_GLOBALS globals, WDFQUEUE handle, PULONG queued, PULONG drivers)
{
	struct us_wdf_queue *queue = us_wdf_from(handle, &us_wdf_queue_type);
	unsigned state = 0;

	(void)globals;
	if (queue->accepts && !queue->gone)
		state |= WdfIoQueueAcceptRequests;
	if (queue->dispatches)
		state |= WdfIoQueueDispatchRequests;
	if (queue->nwaiting == 0)
		state |= WdfIoQueueNoRequests;
	if (queue->ndriver == 0)
		state |= WdfIoQueueDriverNoRequests;
	if (queue->held)
		state |= WdfIoQueuePnpHeld;
	if (queued)
		*queued = queue->nwaiting;
	if (drivers)
		*drivers = queue->ndriver;
	return (WDF_IO_QUEUE_STATE)state;
}

/* -- what the driver asks for ------------------------------------------------------------------------------------- */

static bool drivers_are_back(struct us_wdf_queue *queue)
{
	return queue->ndriver == 0;
}

static bool is_idle(struct us_wdf_queue *queue)
{
	return queue->ndriver == 0 && queue->nwaiting == 0 && IsListEmpty(&queue->cancelled);
}

/* A change of state, checked: not while the callback of the one before is still owed. */
static struct us_wdf_queue *changing(WDFQUEUE handle, const char *function)
{
	struct us_wdf_queue *queue = us_wdf_from(handle, &us_wdf_queue_type);

	if (queue->state_complete.routine)
		fatal(queue, "queue.state-pending", function,
		      "before the EvtIoQueueState callback of its last change of state was called");
	return queue;
}

static void set_state(struct us_wdf_queue *queue, bool accepts, bool dispatches, const char *what)
{
	queue->accepts = accepts;
	queue->dispatches = dispatches;
	us_nt_trace("note  %s %s (%u wait, the driver has %u)", us_wdf_name(queue), what, (unsigned)queue->nwaiting,
		    (unsigned)queue->ndriver);
}

static void owe_callback(struct us_wdf_queue *queue, PFN_WDF_IO_QUEUE_STATE routine, WDFCONTEXT context,
			 bool needs_empty)
{
	queue->state_complete.routine = routine;
	queue->state_complete.context = context;
	queue->state_needs_empty = needs_empty;
}

/* Cancels what the driver has marked cancelable. Others may come and go meanwhile, so it begins anew after each. */
static void cancel_drivers(struct us_wdf_queue *queue)
{
	LIST_ENTRY *link;

	for (link = queue->driver.Flink; link != &queue->driver; link = link->Flink) {
		struct us_wdf_request *request = CONTAINING_RECORD(link, struct us_wdf_request, link);

		if (us_wdf_request_cancel_drivers(request))
			link = &queue->driver;
	}
}

static void purge(struct us_wdf_queue *queue)
{
	us_wdf_reference(&queue->object);
	us_wdf_queue_cancel_waiting(queue);
	cancel_drivers(queue);
	us_wdf_queue_dispatch(queue);
	us_wdf_dereference(&queue->object);
}

static void NTAPI start(PWDF_DRIVER_GLOBALS globals, WDFQUEUE handle)
{
	struct us_wdf_queue *queue = changing(handle, "WdfIoQueueStart");

	(void)globals;
	set_state(queue, true, true, "starts");
	if (queue->nwaiting)
		queue->became_ready = true;
	us_wdf_queue_dispatch(queue);
}

static void NTAPI stop(PWDF_DRIVER_GLOBALS globals, WDFQUEUE handle, PFN_WDF_IO_QUEUE_STATE routine, WDFCONTEXT context)
{
	struct us_wdf_queue *queue = changing(handle, "WdfIoQueueStop");

	(void)globals;
	set_state(queue, true, false, "stops");
	owe_callback(queue, routine, context, false);
	us_wdf_queue_dispatch(queue);
}

static struct us_wdf_queue *draining(WDFQUEUE handle, const char *function)
{
	struct us_wdf_queue *queue = changing(handle, function);

	if (!queue->dispatches)
		fatal(queue, "queue.drain-stopped", function,
		      "while it is stopped, so that what waits in it would wait for ever: it must be started before");
	set_state(queue, false, true, "drains");
	return queue;
}

static void NTAPI drain(PWDF_DRIVER_GLOBALS globals, WDFQUEUE handle, PFN_WDF_IO_QUEUE_STATE routine,
			WDFCONTEXT context)
{
	struct us_wdf_queue *queue = draining(handle, "WdfIoQueueDrain");

	(void)globals;
	owe_callback(queue, routine, context, true);
	us_wdf_queue_dispatch(queue);
}

static void NTAPI purge_queue(PWDF_DRIVER_GLOBALS globals, WDFQUEUE handle, PFN_WDF_IO_QUEUE_STATE routine,
			      WDFCONTEXT context)
{
	struct us_wdf_queue *queue = changing(handle, "WdfIoQueuePurge");

	(void)globals;
	set_state(queue, false, true, "purges");
	owe_callback(queue, routine, context, true);
	purge(queue);
}

static void NTAPI stop_and_purge(PWDF_DRIVER_GLOBALS globals, WDFQUEUE handle, PFN_WDF_IO_QUEUE_STATE routine,
				 WDFCONTEXT context)
{
	struct us_wdf_queue *queue = changing(handle, "WdfIoQueueStopAndPurge");

	(void)globals;
	set_state(queue, true, false, "stops and purges");
	owe_callback(queue, routine, context, false);
	purge(queue);
}

static void NTAPI stop_synchronously(PWDF_DRIVER_GLOBALS globals, WDFQUEUE handle)
{
	struct us_wdf_queue *queue = changing(handle, "WdfIoQueueStopSynchronously");

	(void)globals;
	set_state(queue, true, false, "stops");
	us_wdf_queue_wait(queue, drivers_are_back, "to be stopped");
}

static void NTAPI drain_synchronously(PWDF_DRIVER_GLOBALS globals, WDFQUEUE handle)
{
	struct us_wdf_queue *queue = draining(handle, "WdfIoQueueDrainSynchronously");

	(void)globals;
	us_wdf_queue_dispatch(queue);
	us_wdf_queue_wait(queue, is_idle, "to be drained");
}

static void NTAPI purge_synchronously(PWDF_DRIVER_GLOBALS globals, WDFQUEUE handle)
{
	struct us_wdf_queue *queue = changing(handle, "WdfIoQueuePurgeSynchronously");

	(void)globals;
	set_state(queue, false, true, "purges");
	purge(queue);
	us_wdf_queue_wait(queue, is_idle, "to be purged");
}

static void NTAPI stop_and_purge_synchronously(PWDF_DRIVER_GLOBALS globals, WDFQUEUE handle)
{
	struct us_wdf_queue *queue = changing(handle, "WdfIoQueueStopAndPurgeSynchronously");

	(void)globals;
	set_state(queue, true, false, "stops and purges");
	purge(queue);
	us_wdf_queue_wait(queue, drivers_are_back, "to be stopped and purged");
}

static NTSTATUS NTAPI ready_notify(PWDF_DRIVER_GLOBALS globals, WDFQUEUE handle, PFN_WDF_IO_QUEUE_STATE routine,
				   WDFCONTEXT context)
{
	struct us_wdf_queue *queue = us_wdf_from(handle, &us_wdf_queue_type);

	(void)globals;
	if (queue->config.DispatchType != WdfIoQueueDispatchManual)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (routine ? queue->ready.routine != NULL : !queue->ready.routine || queue->dispatches)
		return STATUS_INVALID_DEVICE_REQUEST;
	queue->ready.routine = routine;
	queue->ready.context = routine ? context : NULL;
	if (routine) {
		queue->became_ready = queue->nwaiting != 0;
		us_wdf_queue_dispatch(queue);
	}
	return STATUS_SUCCESS;
}

void us_wdf_queue_state_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfIoQueueGetState = get_state;
	table->WdfIoQueueStart = start;
	table->WdfIoQueueStop = stop;
	table->WdfIoQueueStopSynchronously = stop_synchronously;
	table->WdfIoQueueDrain = drain;
	table->WdfIoQueueDrainSynchronously = drain_synchronously;
	table->WdfIoQueuePurge = purge_queue;
	table->WdfIoQueuePurgeSynchronously = purge_synchronously;
	table->WdfIoQueueStopAndPurge = stop_and_purge;
	table->WdfIoQueueStopAndPurgeSynchronously = stop_and_purge_synchronously;
	table->WdfIoQueueReadyNotify = ready_notify;
}

/* -- power -------------------------------------------------------------------------------------------------------- */

struct us_wdf_queue *us_wdf_next_queue(struct us_wdf_device *device, struct us_wdf_queue *last)
{
	LIST_ENTRY *link = last ? last->of_device.Flink : device->queues.Flink;
	struct us_wdf_queue *queue = NULL;

	if (link != &device->queues && (!last || !IsListEmpty(&last->of_device))) {
		queue = CONTAINING_RECORD(link, struct us_wdf_queue, of_device);
		us_wdf_reference(&queue->object);
	}
	if (last)
		us_wdf_dereference(&last->object);
	return queue;
}

/*
 * One that is being completed is on the queue's books, and no longer the driver's. Of those to be asked only what the
 * driver has seen; and a sequential queue that is just presenting finishes that before.
 */
static struct us_wdf_request *first_in_stop(struct us_wdf_queue *queue, enum us_request_stop stop)
{
	bool busy = queue->presenting && queue->config.DispatchType == WdfIoQueueDispatchSequential;
	LIST_ENTRY *link;

	for (link = queue->driver.Flink; link != &queue->driver; link = link->Flink) {
		struct us_wdf_request *request = CONTAINING_RECORD(link, struct us_wdf_request, link);

		if (request->owner == US_REQUEST_DRIVER && request->stop == stop &&
		    (stop != US_STOP_TO_ASK || (request->delivered && !busy)))
			return request;
	}
	return NULL;
}

static void resume(struct us_wdf_queue *queue)
{
	struct us_wdf_request *request;

	queue->held = false;
	while ((request = first_in_stop(queue, US_STOP_KEPT))) {
		request->stop = US_STOP_NONE;
		if (!queue->config.EvtIoResume)
			continue;
		us_wdf_reference(&request->object);
		us_wdf_lock(queue->object.lock);
		US_CALL_VOID("EvtIoResume", queue->config.EvtIoResume, (WDFQUEUE)queue, (WDFREQUEST)request);
		us_wdf_unlock(queue->object.lock);
		us_wdf_dereference(&request->object);
	}
	us_wdf_queue_dispatch(queue);
}

void us_wdf_queues_power_up(struct us_wdf_device *device)
{
	struct us_wdf_queue *queue;

	for (queue = us_wdf_next_queue(device, NULL); queue; queue = us_wdf_next_queue(device, queue))
		if (queue->power_managed)
			resume(queue);
}

/* Whether EvtIoStop can be called for a request now, or nothing is left to wait for. */
static bool can_go_on(struct us_wdf_queue *queue)
{
	LIST_ENTRY *link;

	if (queue->config.EvtIoStop && first_in_stop(queue, US_STOP_TO_ASK))
		return true;
	for (link = queue->driver.Flink; link != &queue->driver; link = link->Flink)
		if (CONTAINING_RECORD(link, struct us_wdf_request, link)->stop != US_STOP_KEPT)
			return false;
	return true;
}

static void ask(struct us_wdf_queue *queue, struct us_wdf_request *request, bool for_good)
{
	ULONG flags = for_good ? WdfRequestStopActionPurge : WdfRequestStopActionSuspend;

	if (request->cancel == US_CANCEL_MARKED)
		flags |= WdfRequestStopRequestCancelable;
	request->stop = US_STOP_ASKED;
	us_wdf_reference(&request->object);
	us_wdf_lock(queue->object.lock);
	request->in_stop = true;
	US_CALL_VOID("EvtIoStop", queue->config.EvtIoStop, (WDFQUEUE)queue, (WDFREQUEST)request, flags);
	request->in_stop = false;
	us_wdf_unlock(queue->object.lock);
	us_wdf_dereference(&request->object);
}

/* Asks for, and waits for, what the driver has of a queue. */
static void wait_for_driver(struct us_wdf_queue *queue, bool for_good)
{
	struct us_wdf_request *request;

	while (queue->ndriver) {
		request = queue->config.EvtIoStop ? first_in_stop(queue, US_STOP_TO_ASK) : NULL;
		if (request)
			ask(queue, request, for_good);
		else if (can_go_on(queue))
			break;
		else
			us_wdf_queue_wait(queue, can_go_on,
					  "to be ready for the device to leave D0: EvtIoStop was "
					  "called where there is one");
	}
}

static void mark_to_ask(struct us_wdf_queue *queue)
{
	LIST_ENTRY *link;

	for (link = queue->driver.Flink; link != &queue->driver; link = link->Flink)
		CONTAINING_RECORD(link, struct us_wdf_request, link)->stop = US_STOP_TO_ASK;
}

static void leave_d0(struct us_wdf_queue *queue, bool for_good)
{
	queue->held = true;
	queue->gone |= for_good;
	mark_to_ask(queue);
	if (for_good)
		purge(queue);
}

void us_wdf_queues_power_down(struct us_wdf_device *device, bool for_good)
{
	struct us_wdf_queue *queue;

	for (queue = us_wdf_next_queue(device, NULL); queue; queue = us_wdf_next_queue(device, queue))
		if (queue->power_managed)
			leave_d0(queue, for_good);
	for (queue = us_wdf_next_queue(device, NULL); queue; queue = us_wdf_next_queue(device, queue))
		if (queue->power_managed)
			wait_for_driver(queue, for_good);
}

void us_wdf_queues_purge_all(struct us_wdf_device *device)
{
	struct us_wdf_queue *queue;

	for (queue = us_wdf_next_queue(device, NULL); queue; queue = us_wdf_next_queue(device, queue))
		leave_d0(queue, true);
	for (queue = us_wdf_next_queue(device, NULL); queue; queue = us_wdf_next_queue(device, queue))
		wait_for_driver(queue, true);
}
