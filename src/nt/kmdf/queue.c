/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues: their creation, and which requests come to which. What a queue then does with them is queue-dispatch.c.
 */
#include "nt/kmdf/io.h"
#include "nt/trace.h"

#include <wdfstatus.h>

#define NO_LIMIT 0xFFFFFFFFu

static const char *why_not_delete(struct us_wdf_object *object)
{
	struct us_wdf_queue *queue = (struct us_wdf_queue *)object;
	int i;

	if (queue->device->default_queue == queue)
		return "it is its device's default queue, which lives as long as the device";
	for (i = 0; i < WdfRequestTypeMax; i++)
		if (queue->device->type_queue[i] == queue)
			return "the device sends it requests (WdfDeviceConfigureRequestDispatching)";
	return NULL;
}

static bool has_none(struct us_wdf_queue *queue)
{
	return queue->nwaiting == 0 && queue->ndriver == 0 && IsListEmpty(&queue->cancelled) &&
	       queue->presenting == 0 && !queue->deferred;
}

/* What is in it is cancelled; what the driver has of it must come back first. */
static void dispose(struct us_wdf_object *object)
{
	struct us_wdf_queue *queue = (struct us_wdf_queue *)object;

	queue->accepts = false;
	queue->gone = true;
	us_wdf_queue_cancel_waiting(queue);
	us_wdf_queue_wait(queue, has_none, "to be deleted");
	RemoveEntryList(&queue->of_device);
	InitializeListHead(&queue->of_device);
}

const struct us_wdf_type us_wdf_queue_type = {
	.name = "WDFQUEUE",
	.size = sizeof(struct us_wdf_queue),
	.deletable = true,
	.takes_level = true,
	.takes_scope = true,
	.passive_cleanup = true,
	.may_not_delete = why_not_delete,
	.dispose = dispose,
};

/* -- creation ----------------------------------------------------------------------------------------------------- */

static bool has_handler(const WDF_IO_QUEUE_CONFIG *config)
{
	return config->EvtIoDefault || config->EvtIoRead || config->EvtIoWrite || config->EvtIoDeviceControl ||
	       config->EvtIoInternalDeviceControl;
}

static NTSTATUS check(struct us_wdf_device *device, const WDF_IO_QUEUE_CONFIG *config)
{
	if (config->DispatchType <= WdfIoQueueDispatchInvalid || config->DispatchType >= WdfIoQueueDispatchMax)
		return STATUS_INVALID_PARAMETER;
	if (config->PowerManaged > WdfUseDefault)
		return STATUS_INVALID_PARAMETER;
	if (config->DispatchType == WdfIoQueueDispatchParallel &&
	    config->Settings.Parallel.NumberOfPresentedRequests == 0)
		return STATUS_INVALID_PARAMETER;
	if (config->DispatchType != WdfIoQueueDispatchManual && !has_handler(config))
		return STATUS_WDF_NO_CALLBACK;
	if (config->DefaultQueue && device->default_queue)
		return STATUS_UNSUCCESSFUL;
	return STATUS_SUCCESS;
}

static ULONG limit_of(const WDF_IO_QUEUE_CONFIG *config)
{
	if (config->DispatchType == WdfIoQueueDispatchSequential)
		return 1;
	if (config->DispatchType == WdfIoQueueDispatchParallel)
		return config->Settings.Parallel.NumberOfPresentedRequests;
	return NO_LIMIT;
}

static void NTAPI deferred_work(PVOID context)
{
	struct us_wdf_queue *queue = context;

	queue->deferred = false;
	us_wdf_queue_dispatch(queue);
	us_wdf_dereference(&queue->object);
}

static void NTAPI deferred_dpc(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
	(void)dpc, (void)argument1, (void)argument2;
	deferred_work(context);
}

static void set_up(struct us_wdf_queue *queue, struct us_wdf_device *device, const WDF_IO_QUEUE_CONFIG *config)
{
	queue->device = device;
	queue->config = *config;
	queue->limit = limit_of(config);
	queue->power_managed = !device->control && (config->PowerManaged == WdfTrue ||
						    (config->PowerManaged == WdfUseDefault && !device->filter));
	queue->held = queue->power_managed && !device->in_d0;
	queue->accepts = queue->dispatches = true;
	InitializeListHead(&queue->waiting);
	InitializeListHead(&queue->cancelled);
	InitializeListHead(&queue->driver);
	InitializeListHead(&queue->cancels);
	InitializeListHead(&queue->waiters);
	ExInitializeWorkItem(&queue->work, deferred_work, queue);
	KeInitializeDpc(&queue->dpc, deferred_dpc, queue);
	InsertTailList(&device->queues, &queue->of_device);
	if (config->DefaultQueue)
		device->default_queue = queue;
}

static NTSTATUS NTAPI create(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, PWDF_IO_QUEUE_CONFIG given,
			     PWDF_OBJECT_ATTRIBUTES attributes, WDFQUEUE *result)
{
	struct us_wdf_device *device = us_wdf_from(handle, &us_wdf_device_type);
	/* Before 1.9 a parallel queue knew no limit. */
	WDF_IO_QUEUE_CONFIG config = {.Settings.Parallel.NumberOfPresentedRequests = NO_LIMIT};
	struct us_wdf_queue *queue;
	NTSTATUS status;

	(void)globals;
	us_wdf_need(given, "WdfIoQueueCreate", "Config");
	if (result)
		*result = NULL;
	if (!us_wdf_take(&config, given))
		return STATUS_INFO_LENGTH_MISMATCH;
	status = check(device, &config);
	if (!NT_SUCCESS(status))
		return status;
	if (attributes && us_wdf_sized(attributes) && attributes->ParentObject &&
	    us_wdf_ancestor(us_wdf_from(attributes->ParentObject, NULL), &us_wdf_device_type) != device)
		return STATUS_INVALID_DEVICE_REQUEST;
	status = us_wdf_create(&us_wdf_queue_type, attributes, &device->object, &queue);
	if (!NT_SUCCESS(status))
		return status;
	set_up(queue, device, &config);
	if (result)
		*result = (WDFQUEUE)queue;
	return STATUS_SUCCESS;
}

static WDFDEVICE NTAPI get_device(PWDF_DRIVER_GLOBALS globals, WDFQUEUE handle)
{
	struct us_wdf_queue *queue = us_wdf_from(handle, &us_wdf_queue_type);

	(void)globals;
	return (WDFDEVICE)queue->device;
}

static WDFQUEUE NTAPI get_default_queue(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle)
{
	struct us_wdf_device *device = us_wdf_from(handle, &us_wdf_device_type);

	(void)globals;
	return (WDFQUEUE)device->default_queue;
}

static NTSTATUS NTAPI configure_dispatching(PWDF_DRIVER_GLOBALS globals, WDFDEVICE device_handle, WDFQUEUE queue_handle,
					    WDF_REQUEST_TYPE type)
{
	struct us_wdf_device *device = us_wdf_from(device_handle, &us_wdf_device_type);
	struct us_wdf_queue *queue = us_wdf_from(queue_handle, &us_wdf_queue_type);

	(void)globals;
	if (type != WdfRequestTypeCreate && type != WdfRequestTypeRead && type != WdfRequestTypeWrite &&
	    type != WdfRequestTypeDeviceControl && type != WdfRequestTypeDeviceControlInternal)
		return STATUS_INVALID_PARAMETER;
	if (queue->device != device)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (device->type_queue[type])
		return STATUS_WDF_BUSY;
	device->type_queue[type] = queue;
	return STATUS_SUCCESS;
}

/* -- requests come ------------------------------------------------------------------------------------------------ */

/* The types of requests that come by queues have the numbers of their IRPs' major functions. */
struct us_wdf_queue *us_wdf_queue_for(struct us_wdf_device *device, PIRP irp)
{
	UCHAR major = IoGetCurrentIrpStackLocation(irp)->MajorFunction;

	if (device->type_queue[major])
		return device->type_queue[major];
	return major == IRP_MJ_CREATE ? NULL : device->default_queue;
}

/* A transfer of nothing, which most drivers do not want to see. */
static bool transfers_nothing(PIRP irp)
{
	PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);

	return (stack->MajorFunction == IRP_MJ_READ && stack->Parameters.Read.Length == 0) ||
	       (stack->MajorFunction == IRP_MJ_WRITE && stack->Parameters.Write.Length == 0);
}

NTSTATUS us_wdf_queue_enqueue(struct us_wdf_device *device, struct us_wdf_request *request)
{
	struct us_wdf_queue *queue = us_wdf_queue_for(device, request->irp);

	if (!queue)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (queue->gone || !queue->accepts)
		return STATUS_WDF_BUSY;
	if (transfers_nothing(request->irp) && !queue->config.AllowZeroLengthRequests) {
		request->irp->IoStatus.Information = 0;
		us_wdf_request_end(request, STATUS_SUCCESS, IO_NO_INCREMENT);
		return STATUS_SUCCESS;
	}
	us_wdf_queue_insert(queue, request, false);
	us_wdf_queue_dispatch(queue);
	return STATUS_SUCCESS;
}

NTSTATUS us_wdf_dispatch_io(struct us_wdf_device *device, PIRP irp)
{
	struct us_wdf_request *request;
	NTSTATUS status;

	if (!us_wdf_queue_for(device, irp) && device->filter)
		return us_wdf_forward(device, irp);
	if (!us_wdf_queue_for(device, irp) && !device->in_caller_context)
		return us_wdf_complete(irp, STATUS_INVALID_DEVICE_REQUEST);
	status = us_wdf_request_new(device, irp, &request);
	if (!NT_SUCCESS(status))
		return us_wdf_complete(irp, status);

	IoMarkIrpPending(irp);
	if (device->in_caller_context) {
		US_CALL_VOID("EvtIoInCallerContext", device->in_caller_context, (WDFDEVICE)device, (WDFREQUEST)request);
		return STATUS_PENDING;
	}
	status = us_wdf_queue_enqueue(device, request);
	if (!NT_SUCCESS(status))
		us_wdf_request_end(request, status == STATUS_WDF_BUSY ? STATUS_INVALID_DEVICE_STATE : status,
				   IO_NO_INCREMENT);
	return STATUS_PENDING;
}

static NTSTATUS NTAPI enqueue_request(PWDF_DRIVER_GLOBALS globals, WDFDEVICE device_handle, WDFREQUEST handle)
{
	struct us_wdf_device *device = us_wdf_from(device_handle, &us_wdf_device_type);
	struct us_wdf_request *request = us_wdf_request_of(handle, "WdfDeviceEnqueueRequest", false);

	(void)globals;
	if (request->owner != US_REQUEST_NEW)
		us_wdf_request_fatal(
			request, 0, "request.enqueued-twice",
			"WdfDeviceEnqueueRequest was called with %s, which EvtIoInCallerContext has not just "
			"received.",
			us_wdf_name(request));
	request->presented = true; /* for EvtIoCanceledOnQueue: the driver knows it */
	return us_wdf_queue_enqueue(device, request);
}

void us_wdf_queue_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfIoQueueCreate = create;
	table->WdfIoQueueGetDevice = get_device;
	table->WdfDeviceGetDefaultQueue = get_default_queue;
	table->WdfDeviceConfigureRequestDispatching = configure_dispatching;
	table->WdfDeviceEnqueueRequest = enqueue_request;
	us_wdf_queue_state_functions(table);
	us_wdf_queue_manual_functions(table);
}
