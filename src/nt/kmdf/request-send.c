/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests on their way to an I/O target: the driver's own, and those that it passes on.
 */
#include "nt/io.h"
#include "nt/kmdf/target.h"
#include "nt/trace.h"

#include <wdfstatus.h>

/* -- requests of the driver's own --------------------------------------------------------------------------------- */

static NTSTATUS new_irp(struct us_wdf_request *request, struct us_wdf_io_target *target)
{
	if (!target || !target->wdm)
		return STATUS_SUCCESS;
	request->irp = IoAllocateIrp(target->wdm->StackSize, FALSE);
	request->allocated_irp = request->irp != NULL;
	return request->irp ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS make(PWDF_OBJECT_ATTRIBUTES attributes, struct us_wdf_request **result)
{
	NTSTATUS status;

	status = us_wdf_create(&us_wdf_request_type, attributes, us_wdf_driver_object(), result);
	if (NT_SUCCESS(status))
		(*result)->owner = US_REQUEST_CREATED;
	return status;
}

static NTSTATUS NTAPI create(PWDF_DRIVER_GLOBALS globals, PWDF_OBJECT_ATTRIBUTES attributes, WDFIOTARGET target_handle,
			     WDFREQUEST *result)
{
	struct us_wdf_io_target *target = target_handle ? us_wdf_from(target_handle, &us_wdf_io_target_type) : NULL;
	struct us_wdf_request *request;
	NTSTATUS status;

	(void)globals;
	us_wdf_need(result, "WdfRequestCreate", "Request");
	*result = NULL;
	status = make(attributes, &request);
	if (!NT_SUCCESS(status))
		return status;
	status = new_irp(request, target);
	if (NT_SUCCESS(status))
		*result = (WDFREQUEST)request;
	else
		us_wdf_delete(&request->object);
	return status;
}

static NTSTATUS NTAPI create_from_irp(PWDF_DRIVER_GLOBALS globals, PWDF_OBJECT_ATTRIBUTES attributes, PIRP irp,
				      BOOLEAN frees_irp, WDFREQUEST *result)
{
	struct us_wdf_request *request;
	NTSTATUS status;

	(void)globals;
	us_wdf_need(irp, "WdfRequestCreateFromIrp", "Irp");
	us_wdf_need(result, "WdfRequestCreateFromIrp", "Request");
	*result = NULL;
	status = make(attributes, &request);
	if (!NT_SUCCESS(status))
		return status;
	request->irp = irp;
	request->allocated_irp = frees_irp;
	*result = (WDFREQUEST)request;
	return STATUS_SUCCESS;
}

static struct us_wdf_request *created(WDFREQUEST handle, const char *function)
{
	struct us_wdf_request *request = us_wdf_request_of(handle, function, true);

	if (request->owner != US_REQUEST_CREATED)
		us_wdf_request_fatal(request, 0, "request.not-created",
				     "%s was called with %s, which the driver has not made itself.", function,
				     us_wdf_name(request));
	if (request->send.sent)
		us_wdf_request_fatal(request, WDF_REQUEST_FATAL_ERROR_REQUEST_ALREADY_SENT, "request.reused-while-sent",
				     "%s was called with %s, which is on its way to an I/O target.", function,
				     us_wdf_name(request));
	return request;
}

static void free_irp(struct us_wdf_request *request)
{
	if (request->irp && request->allocated_irp)
		IoFreeIrp(request->irp);
	request->irp = NULL;
	request->allocated_irp = false;
}

static NTSTATUS NTAPI reuse(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle, PWDF_REQUEST_REUSE_PARAMS params)
{
	struct us_wdf_request *request = created(handle, "WdfRequestReuse");

	(void)globals;
	us_wdf_need(params, "WdfRequestReuse", "ReuseParams");
	if (!us_wdf_sized(params) || (params->Flags & ~(ULONG)WDF_REQUEST_REUSE_SET_NEW_IRP))
		return STATUS_INVALID_PARAMETER;
	us_wdf_send_restore(request);
	if (params->Flags & WDF_REQUEST_REUSE_SET_NEW_IRP) {
		free_irp(request);
		request->irp = params->NewIrp;
	} else if (request->irp) {
		IoReuseIrp(request->irp, params->Status);
	}
	if (us_wdf_client() >= 9) { /* before, the driver's completion routine stayed */
		request->send.routine = NULL;
		request->send.context = NULL;
	}
	request->send.formatted = false;
	request->send.timed_out = false;
	request->send.status = params->Status;
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI change_target(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle, WDFIOTARGET target_handle)
{
	struct us_wdf_request *request = us_wdf_request_of(handle, "WdfRequestChangeTarget", true);
	struct us_wdf_io_target *target = us_wdf_from(target_handle, &us_wdf_io_target_type);

	(void)globals;
	if (request->send.sent)
		return STATUS_WDF_REQUEST_INVALID_STATE;
	return us_wdf_send_prepare(request, target);
}

/* -- formatting --------------------------------------------------------------------------------------------------- */

NTSTATUS us_wdf_send_prepare(struct us_wdf_request *request, struct us_wdf_io_target *target)
{
	if (!target->wdm)
		return STATUS_INVALID_DEVICE_STATE;
	if (request->irp && request->irp->CurrentLocation > target->wdm->StackSize)
		return STATUS_SUCCESS;
	if (request->irp && (request->owner != US_REQUEST_CREATED || !request->allocated_irp))
		return STATUS_REQUEST_NOT_ACCEPTED;
	free_irp(request);
	return new_irp(request, target);
}

PIO_STACK_LOCATION us_wdf_send_stack(struct us_wdf_request *request, const char *function)
{
	if (request->send.sent)
		us_wdf_request_fatal(
			request, WDF_REQUEST_FATAL_ERROR_REQUEST_ALREADY_SENT, "request.formatted-while-sent",
			"%s was called with %s, which is on its way to an I/O target.", function, us_wdf_name(request));
	if (!request->irp || request->irp->CurrentLocation <= 1)
		us_wdf_request_fatal(request, WDF_REQUEST_FATAL_ERROR_NO_MORE_STACK_LOCATIONS, "request.stack",
				     "%s was called with %s, whose IRP has no stack location left for another driver.",
				     function, us_wdf_name(request));
	us_wdf_send_restore(request);
	request->send.formatted = true;
	return IoGetNextIrpStackLocation(request->irp);
}

void us_wdf_send_restore(struct us_wdf_request *request)
{
	struct us_wdf_send *send = &request->send;

	if (send->has_saved) {
		request->irp->MdlAddress = send->saved_mdl;
		request->irp->AssociatedIrp.SystemBuffer = send->saved_buffer;
		request->irp->UserBuffer = send->saved_user_buffer;
		send->has_saved = false;
	}
	if (send->mdl)
		IoFreeMdl(send->mdl);
	if (send->system_buffer)
		us_nt_pool_free(send->system_buffer);
	send->mdl = NULL;
	send->system_buffer = NULL;
	send->copy_to = NULL;
	memset(&send->params, 0, sizeof(send->params));
	send->params.Size = sizeof(send->params);
	send->params.Type = WdfRequestTypeNoFormat;
}

void us_wdf_send_fini(struct us_wdf_request *request)
{
	if (request->owner == US_REQUEST_CREATED) {
		us_wdf_send_restore(request);
		free_irp(request);
	}
	us_nt_free(request->send.limit);
}

static struct us_wdf_request *from_system(WDFREQUEST handle, const char *function)
{
	struct us_wdf_request *request = us_wdf_request_of(handle, function, false);

	if (!us_wdf_request_is_drivers(request))
		us_wdf_request_fatal(request, 0, "request.not-owned",
				     "%s was called with %s, which the driver has not got.", function,
				     us_wdf_name(request));
	return request;
}

static void NTAPI format_current(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle)
{
	struct us_wdf_request *request = from_system(handle, "WdfRequestFormatRequestUsingCurrentType");

	(void)globals;
	us_wdf_send_stack(request, "WdfRequestFormatRequestUsingCurrentType");
	IoCopyCurrentIrpStackLocationToNext(request->irp);
}

static void NTAPI format_stack(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle, PIO_STACK_LOCATION stack)
{
	struct us_wdf_request *request = us_wdf_request_of(handle, "WdfRequestWdmFormatUsingStackLocation", false);
	PIO_STACK_LOCATION next;

	(void)globals;
	us_wdf_need(stack, "WdfRequestWdmFormatUsingStackLocation", "Stack");
	next = us_wdf_send_stack(request, "WdfRequestWdmFormatUsingStackLocation");
	memcpy(next, stack, offsetof(IO_STACK_LOCATION, CompletionRoutine));
	next->Control = 0;
}

/* -- the time limit ----------------------------------------------------------------------------------------------- */

struct us_wdf_send_limit {
	KTIMER timer;
	KDPC dpc;
	bool set; /* holds a reference on the request, as does each DPC that comes too late */
	unsigned late; /* DPCs under way when the request had come back already */
};

static void NTAPI too_late(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
	struct us_wdf_request *request = context;
	struct us_wdf_send_limit *limit = request->send.limit;

	(void)dpc, (void)argument1, (void)argument2;
	if (limit->late) {
		limit->late--;
	} else {
		limit->set = false;
		request->send.timed_out = true;
		us_wdf_send_cancel(request);
	}
	us_wdf_dereference(&request->object);
}

static void stop_limit(struct us_wdf_request *request)
{
	struct us_wdf_send_limit *limit = request->send.limit;

	if (!limit || !limit->set)
		return;
	limit->set = false;
	if (KeCancelTimer(&limit->timer) || KeRemoveQueueDpc(&limit->dpc))
		us_wdf_dereference(&request->object);
	else
		limit->late++;
}

static NTSTATUS NTAPI allocate_timer(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle)
{
	struct us_wdf_request *request = us_wdf_request_of(handle, "WdfRequestAllocateTimer", false);

	(void)globals;
	if (request->send.limit)
		return STATUS_SUCCESS;
	request->send.limit = us_nt_alloc(sizeof(*request->send.limit));
	KeInitializeTimerEx(&request->send.limit->timer, NotificationTimer);
	KeInitializeDpc(&request->send.limit->dpc, too_late, request);
	return STATUS_SUCCESS;
}

static void start_limit(struct us_wdf_request *request, const WDF_REQUEST_SEND_OPTIONS *options)
{
	LARGE_INTEGER due;

	if (!options || !(options->Flags & WDF_REQUEST_SEND_OPTION_TIMEOUT) || options->Timeout == 0)
		return;
	allocate_timer(NULL, (WDFREQUEST)request);
	us_wdf_reference(&request->object);
	request->send.limit->set = true;
	due.QuadPart = options->Timeout;
	KeSetTimer(&request->send.limit->timer, due, &request->send.limit->dpc);
}

/* -- sending ------------------------------------------------------------------------------------------------------ */

/* The request is back: with its status, and the driver's again. */
static void came_back(struct us_wdf_request *request, NTSTATUS status, ULONG_PTR information)
{
	struct us_wdf_io_target *target = request->send.target;
	struct us_wdf_send *send = &request->send;

	stop_limit(request);
	if (send->timed_out && status == STATUS_CANCELLED)
		status = STATUS_IO_TIMEOUT;
	if (request->irp)
		request->irp->IoStatus.Status = status;
	if (send->copy_to && NT_SUCCESS(status))
		memcpy(send->copy_to, send->system_buffer,
		       information < send->copy_size ? information : send->copy_size);
	send->status = status;
	send->params.IoStatus.Status = status;
	send->params.IoStatus.Information = information;
	send->sent = false;
	send->formatted = false;
	RemoveEntryList(&send->of_target);
	us_nt_trace("note  %s is back from %s: status 0x%08x", us_wdf_name(request), us_wdf_name(target),
		    (unsigned)status);
	us_wdf_target_changed(target);
	if (send->waiter) {
		us_nt_wake(send->waiter, status);
	} else if (send->routine) {
		PFN_WDF_REQUEST_COMPLETION_ROUTINE routine = send->routine;

		send->routine = NULL;
		US_CALL_VOID("EvtRequestCompletionRoutine", routine, (WDFREQUEST)request, (WDFIOTARGET)target,
			     &send->params, send->context);
	}
	us_wdf_dereference(&target->object);
	us_wdf_dereference(&request->object);
}

static NTSTATUS NTAPI irp_ended(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
	(void)device;
	came_back(context, irp->IoStatus.Status, irp->IoStatus.Information);
	return STATUS_MORE_PROCESSING_REQUIRED;
}

void us_wdf_send_now(struct us_wdf_request *request)
{
	struct us_wdf_io_target *target = request->send.target;

	InsertTailList(&target->sent, &request->send.of_target);
	request->send.held = false;
	IoSetCompletionRoutine(request->irp, irp_ended, request, TRUE, TRUE, TRUE);
	IoCallDriver(target->wdm, request->irp);
}

/* It may come back, and be gone, while the cancel lock is waited for. */
static BOOLEAN cancel_irp(struct us_wdf_request *request)
{
	BOOLEAN cancelled = FALSE;
	KIRQL irql;

	us_wdf_reference(&request->object);
	IoAcquireCancelSpinLock(&irql);
	if (request->send.sent && !request->send.held)
		cancelled = us_io_cancel(request->irp, irql);
	else
		IoReleaseCancelSpinLock(irql);
	us_wdf_dereference(&request->object);
	return cancelled;
}

BOOLEAN us_wdf_send_cancel(struct us_wdf_request *request)
{
	if (!request->send.sent)
		return FALSE;
	if (!request->send.held)
		return cancel_irp(request);
	request->send.held = false;
	came_back(request, STATUS_CANCELLED, 0);
	return TRUE;
}

/* What the driver does wrong by sending a request as it is. */
static void check_send(struct us_wdf_request *request, bool forget)
{
	const char *name = us_wdf_name(request);

	if (request->send.sent)
		us_wdf_request_fatal(request, WDF_REQUEST_FATAL_ERROR_REQUEST_ALREADY_SENT, "request.sent-twice",
				     "WdfRequestSend was called with %s, which is on its way already.", name);
	if (request->owner != US_REQUEST_CREATED && !us_wdf_request_is_drivers(request))
		us_wdf_request_fatal(request, 0, "request.not-owned",
				     "WdfRequestSend was called with %s, which the driver has not got.", name);
	if (request->cancel != US_CANCEL_NONE)
		us_wdf_request_fatal(
			request, 0, "request.sent-cancelable",
			"WdfRequestSend was called with %s while it is cancelable: WdfRequestUnmarkCancelable has "
			"to succeed before.",
			name);
	if (forget && (request->owner == US_REQUEST_CREATED || request->send.routine))
		us_wdf_request_fatal(
			request, 0, "request.sent-and-forgotten",
			"WdfRequestSend was called with WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET for %s, %s.", name,
			request->send.routine ? "which has a completion routine" : "which the driver has made itself");
	if (!forget && (!request->irp || !request->send.formatted))
		us_wdf_request_fatal(
			request, 0, "request.sent-unformatted",
			"WdfRequestSend was called with %s, which was not formatted for a target since it was "
			"made, reused or sent.",
			name);
}

/* The IRP goes on without us, and the request object is done. */
static void send_and_forget(struct us_wdf_request *request, struct us_wdf_io_target *target)
{
	struct us_wdf_queue *queue = request->queue;
	bool on_books = request->owner == US_REQUEST_DRIVER;
	PDEVICE_OBJECT device = target->wdm;
	PIRP irp = request->irp;

	if (!request->send.formatted)
		IoSkipCurrentIrpStackLocation(irp);
	request->owner = US_REQUEST_COMPLETED;
	us_wdf_reference(&request->object);
	us_wdf_delete(&request->object);
	us_wdf_request_free_buffers(request);
	us_wdf_request_remember(request);
	request->irp = NULL;
	IoCallDriver(device, irp);
	if (queue) {
		if (on_books)
			us_wdf_queue_forget(queue, request);
		request->queue = NULL;
		us_wdf_queue_dispatch(queue);
		us_wdf_dereference(&queue->object);
	}
	us_wdf_dereference(&request->object);
}

static bool options_are_valid(const WDF_REQUEST_SEND_OPTIONS *options)
{
	const ULONG known = WDF_REQUEST_SEND_OPTION_TIMEOUT | WDF_REQUEST_SEND_OPTION_SYNCHRONOUS |
			    WDF_REQUEST_SEND_OPTION_IGNORE_TARGET_STATE | WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET;
	const ULONG with_forget = WDF_REQUEST_SEND_OPTION_TIMEOUT | WDF_REQUEST_SEND_OPTION_SYNCHRONOUS;

	if (!options)
		return true;
	if (!us_wdf_sized(options) || (options->Flags & ~known))
		return false;
	return !(options->Flags & WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET) || !(options->Flags & with_forget);
}

bool us_wdf_send(struct us_wdf_request *request, struct us_wdf_io_target *target,
		 const WDF_REQUEST_SEND_OPTIONS *options)
{
	ULONG flags = options ? options->Flags : 0;
	bool ignores = flags & WDF_REQUEST_SEND_OPTION_IGNORE_TARGET_STATE;
	struct us_wdf_send *send = &request->send;

	if (!options_are_valid(options)) {
		send->status = STATUS_INVALID_PARAMETER;
		return false;
	}
	check_send(request, flags & WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET);
	if (!target->wdm || (!ignores && target->state != WdfIoTargetStarted && target->state != WdfIoTargetStopped)) {
		send->status = STATUS_INVALID_DEVICE_STATE;
		return false;
	}
	if (flags & WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET) {
		send_and_forget(request, target);
		return true;
	}
	us_wdf_reference(&request->object);
	us_wdf_reference(&target->object);
	send->target = target;
	send->sent = true;
	send->timed_out = false;
	send->status = STATUS_PENDING;
	send->waiter = flags & WDF_REQUEST_SEND_OPTION_SYNCHRONOUS ? us_nt_current() : NULL;
	us_wdf_reference(&request->object); /* ours, until it is sent and waited for */
	start_limit(request, options);
	us_nt_trace("note  %s is sent to %s", us_wdf_name(request), us_wdf_name(target));
	if (target->state == WdfIoTargetStopped && !ignores) {
		send->held = true;
		InsertTailList(&target->held, &send->of_target);
	} else {
		us_wdf_send_now(request);
	}
	while ((flags & WDF_REQUEST_SEND_OPTION_SYNCHRONOUS) && send->sent)
		us_nt_block("%s, sent synchronously to %s, to come back", us_wdf_name(request), us_wdf_name(target));
	if (flags & WDF_REQUEST_SEND_OPTION_SYNCHRONOUS)
		send->waiter = NULL;
	us_wdf_dereference(&request->object);
	return true;
}

static BOOLEAN NTAPI send_request(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle, WDFIOTARGET target_handle,
				  PWDF_REQUEST_SEND_OPTIONS options)
{
	struct us_wdf_request *request = us_wdf_request_of(handle, "WdfRequestSend", true);
	struct us_wdf_io_target *target = us_wdf_from(target_handle, &us_wdf_io_target_type);

	(void)globals;
	if (request->owner == US_REQUEST_COMPLETED)
		us_wdf_request_of(handle, "WdfRequestSend", false);
	return us_wdf_send(request, target, options);
}

static BOOLEAN NTAPI cancel_sent(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle)
{
	(void)globals;
	return us_wdf_send_cancel(us_wdf_request_of(handle, "WdfRequestCancelSentRequest", true));
}

static void NTAPI set_completion_routine(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle,
					 PFN_WDF_REQUEST_COMPLETION_ROUTINE routine, WDFCONTEXT context)
{
	struct us_wdf_request *request = us_wdf_request_of(handle, "WdfRequestSetCompletionRoutine", true);

	(void)globals;
	request->send.routine = routine;
	request->send.context = context;
}

static void NTAPI get_completion_params(PWDF_DRIVER_GLOBALS globals, WDFREQUEST handle,
					PWDF_REQUEST_COMPLETION_PARAMS params)
{
	struct us_wdf_request *request = us_wdf_request_of(handle, "WdfRequestGetCompletionParams", true);

	(void)globals;
	us_wdf_need(params, "WdfRequestGetCompletionParams", "Params");
	*params = request->send.params;
}

void us_wdf_request_send_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfRequestCreate = create;
	table->WdfRequestCreateFromIrp = create_from_irp;
	table->WdfRequestReuse = reuse;
	table->WdfRequestChangeTarget = change_target;
	table->WdfRequestFormatRequestUsingCurrentType = format_current;
	table->WdfRequestWdmFormatUsingStackLocation = format_stack;
	table->WdfRequestAllocateTimer = allocate_timer;
	table->WdfRequestSend = send_request;
	table->WdfRequestCancelSentRequest = cancel_sent;
	table->WdfRequestSetCompletionRoutine = set_completion_routine;
	table->WdfRequestGetCompletionParams = get_completion_params;
}
