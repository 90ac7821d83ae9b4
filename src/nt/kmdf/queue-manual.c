/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking requests out of a queue by hand.
 */
#include "nt/kmdf/io.h"
#include "nt/trace.h"

#include <wdfstatus.h>

static bool matches(const struct us_wdf_request *request, const struct us_wdf_file *file)
{
	return request->irp->CancelRoutine && (!file || request->file == file);
}

/* The first request behind `after` (NULL: of all) that a file object has (NULL: any). */
static struct us_wdf_request *find(struct us_wdf_queue *queue, struct us_wdf_request *after,
				   const struct us_wdf_file *file)
{
	LIST_ENTRY *link;

	for (link = after ? after->link.Flink : queue->waiting.Flink; link != &queue->waiting; link = link->Flink) {
		struct us_wdf_request *request = CONTAINING_RECORD(link, struct us_wdf_request, link);

		if (matches(request, file))
			return request;
	}
	return NULL;
}

/* Why nothing may be taken out of a queue now; STATUS_SUCCESS: it may. */
static NTSTATUS closed(struct us_wdf_queue *queue)
{
	if (queue->config.DispatchType == WdfIoQueueDispatchParallel)
		return STATUS_INVALID_DEVICE_STATE;
	return queue->held || !queue->dispatches ? STATUS_WDF_PAUSED : STATUS_SUCCESS;
}

static void give(struct us_wdf_queue *queue, struct us_wdf_request *request, WDFREQUEST *result)
{
	us_wdf_queue_take(queue, request);
	us_wdf_queue_give(queue, request);
	request->delivered = true;
	us_nt_trace("note  %s is retrieved from %s", us_wdf_name(request), us_wdf_name(queue));
	*result = (WDFREQUEST)request;
	us_wdf_queue_changed(queue);
}

static NTSTATUS retrieve(struct us_wdf_queue *queue, const struct us_wdf_file *file, WDFREQUEST *result)
{
	NTSTATUS status = closed(queue);
	struct us_wdf_request *request;

	if (!NT_SUCCESS(status))
		return status;
	request = find(queue, NULL, file);
	if (!request)
		return STATUS_NO_MORE_ENTRIES;
	give(queue, request, result);
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI retrieve_next(PWDF_DRIVER_GLOBALS globals, WDFQUEUE handle, WDFREQUEST *result)
{
	struct us_wdf_queue *queue = us_wdf_from(handle, &us_wdf_queue_type);

	(void)globals;
	us_wdf_need(result, "WdfIoQueueRetrieveNextRequest", "OutRequest");
	*result = NULL;
	return retrieve(queue, NULL, result);
}

static NTSTATUS NTAPI retrieve_by_file(PWDF_DRIVER_GLOBALS globals, WDFQUEUE handle, WDFFILEOBJECT file,
				       WDFREQUEST *result)
{
	struct us_wdf_queue *queue = us_wdf_from(handle, &us_wdf_queue_type);

	(void)globals;
	us_wdf_need(result, "WdfIoQueueRetrieveRequestByFileObject", "OutRequest");
	*result = NULL;
	return retrieve(queue, us_wdf_from(file, &us_wdf_file_type), result);
}

/* A request that was found before, if it still waits in the queue. */
static struct us_wdf_request *found(struct us_wdf_queue *queue, WDFREQUEST handle, const char *function)
{
	struct us_wdf_request *request = us_wdf_request_of(handle, function, true);

	return request->owner == US_REQUEST_QUEUED && request->queue == queue && request->irp->CancelRoutine ? request
													     : NULL;
}

static NTSTATUS NTAPI find_request(PWDF_DRIVER_GLOBALS globals, WDFQUEUE handle, WDFREQUEST after_handle,
				   WDFFILEOBJECT file_handle, PWDF_REQUEST_PARAMETERS parameters, WDFREQUEST *result)
{
	struct us_wdf_queue *queue = us_wdf_from(handle, &us_wdf_queue_type);
	struct us_wdf_file *file = file_handle ? us_wdf_from(file_handle, &us_wdf_file_type) : NULL;
	struct us_wdf_request *after = NULL, *request;
	NTSTATUS status = closed(queue);

	(void)globals;
	us_wdf_need(result, "WdfIoQueueFindRequest", "OutRequest");
	*result = NULL;
	if (parameters && parameters->Size != sizeof(*parameters))
		return STATUS_INFO_LENGTH_MISMATCH;
	if (!NT_SUCCESS(status))
		return status;
	if (after_handle) {
		after = found(queue, after_handle, "WdfIoQueueFindRequest");
		if (!after)
			return STATUS_NOT_FOUND;
	}
	request = find(queue, after, file);
	if (!request)
		return STATUS_NO_MORE_ENTRIES;
	if (parameters)
		us_wdf_request_parameters(request->irp, parameters);
	us_wdf_reference_for_driver(&request->object);
	*result = (WDFREQUEST)request;
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI retrieve_found(PWDF_DRIVER_GLOBALS globals, WDFQUEUE handle, WDFREQUEST found_handle,
				     WDFREQUEST *result)
{
	struct us_wdf_queue *queue = us_wdf_from(handle, &us_wdf_queue_type);
	struct us_wdf_request *request;
	NTSTATUS status = closed(queue);

	(void)globals;
	us_wdf_need(result, "WdfIoQueueRetrieveFoundRequest", "OutRequest");
	*result = NULL;
	if (!NT_SUCCESS(status))
		return status;
	request = found(queue, found_handle, "WdfIoQueueRetrieveFoundRequest");
	if (!request)
		return STATUS_NOT_FOUND;
	/* Drivers for 1.11 or later may have its handle from elsewhere; before, it has to be found first. */
	if (us_wdf_client() < 11 && !request->object.drivers_references)
		return STATUS_INVALID_DEVICE_REQUEST;
	give(queue, request, result);
	return STATUS_SUCCESS;
}

void us_wdf_queue_manual_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfIoQueueRetrieveNextRequest = retrieve_next;
	table->WdfIoQueueRetrieveRequestByFileObject = retrieve_by_file;
	table->WdfIoQueueFindRequest = find_request;
	table->WdfIoQueueRetrieveFoundRequest = retrieve_found;
}
