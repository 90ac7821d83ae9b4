/* SPDX-License-Identifier: Apache-2.0 */
/* The way of an IRP down a stack of devices, and up again by completion. Cancel is in io-cancel.c. */
#include "nt/io.h"
#include "nt/phys.h"
#include "nt/trace.h"

static struct us_irp *check_irp(PIRP irp, const char *what)
{
	struct us_irp *known = us_irp_of(irp);

	if (known && (known->state == US_IRP_FREED || known->state == US_IRP_ENDED))
		us_nt_bugcheck(0x44, (uintptr_t)irp, 0, 0, 0, "irp.completed-twice",
			       "%s was called for %s, which is completed already and no longer the driver's.", what,
			       us_irp_name(irp));
	if (!known && (irp->Type != IO_TYPE_IRP || irp->CurrentLocation > irp->StackCount + 1))
		us_nt_bugcheck(US_BUGCHECK_IO, 3, (uintptr_t)irp, 0, 0, "irp.invalid",
			       "%s was called for %p, which is no IRP.", what, (void *)irp);
	return known;
}

/* -- down --------------------------------------------------------------------------------------------------------- */

static void check_call(PDEVICE_OBJECT device, PIRP irp)
{
	if (irp->CurrentLocation <= 1)
		us_nt_bugcheck(0x35, (uintptr_t)irp, 0, 0, 0, "irp.no-more-locations",
			       "IoCallDriver: %s has no stack location left for the device %s. It was allocated with "
			       "%d, fewer than the devices it passes.",
			       us_irp_name(irp), us_io_device_name(device), irp->StackCount);
	if (irp->CancelRoutine)
		us_nt_bugcheck(US_BUGCHECK_IO, US_IO_OWN + 0xe, (uintptr_t)irp, (uintptr_t)irp->CancelRoutine, 0,
			       "irp.forwarded-cancelable",
			       "IoCallDriver: %s is given to the device %s while the driver's own cancel routine is "
			       "still set. Take it back with IoSetCancelRoutine(Irp, NULL) first.",
			       us_irp_name(irp), us_io_device_name(device));
}

/* What a dispatch routine returned, against what it did. */
static void check_return(struct us_io_call *call, struct us_irp *known, const char *name, NTSTATUS status)
{
	if (!call->completed) {
		if (status == STATUS_PENDING && known)
			known->promised |= UINT64_C(1) << call->location;
		else if (status != STATUS_PENDING && known)
			us_nt_bugcheck(US_BUGCHECK_IO, US_IO_OWN + 0x11, (uintptr_t)call->irp, (uint32_t)status, 0,
				       "irp.not-completed",
				       "The dispatch routine for %s returned %#x and has neither completed the IRP nor "
				       "kept it with STATUS_PENDING: nobody ever will.",
				       name, (unsigned)status);
		return;
	}
	if (status == STATUS_PENDING && !call->pending)
		us_nt_bugcheck(
			US_BUGCHECK_IO, US_IO_OWN + 0x12, 0, 0, 0, "irp.pending-not-marked",
			"The dispatch routine for %s returned STATUS_PENDING for an IRP that was completed without "
			"IoMarkIrpPending (a completion routine has to pass it on when Irp->PendingReturned).",
			name);
	if (status != STATUS_PENDING && call->pending && !call->was_pending)
		us_nt_bugcheck(US_BUGCHECK_IO, US_IO_OWN + 0x13, (uint32_t)status, 0, 0, "irp.pending-not-returned",
			       "The dispatch routine for %s marked the IRP pending and returned %#x: it has to return "
			       "STATUS_PENDING then.",
			       name, (unsigned)status);
	if (status != STATUS_PENDING && status != call->status)
		us_nt_bugcheck(US_BUGCHECK_IO, US_IO_OWN + 0x14, (uint32_t)status, (uint32_t)call->status, 0,
			       "irp.status-differs",
			       "The dispatch routine for %s returned %#x, and completed the IRP with %#x.", name,
			       (unsigned)status, (unsigned)call->status);
}

static void leave_call(struct us_io_call *call, struct us_irp *known)
{
	struct us_io_call **link = &known->calls;

	while (*link && *link != call)
		link = &(*link)->next;
	if (*link)
		*link = call->next;
}

NTSTATUS FASTCALL IofCallDriver(PDEVICE_OBJECT device, PIRP irp)
{
	struct us_irp *known = check_irp(irp, "IoCallDriver");
	struct us_io_call call = {.irp = irp};
	PIO_STACK_LOCATION sp;
	char name[96];
	NTSTATUS status;

	us_io_device(device);
	check_call(device, irp);
	irp->CurrentLocation--;
	sp = --irp->Tail.Overlay.CurrentStackLocation;
	sp->DeviceObject = device;
	call.location = irp->CurrentLocation;
	call.was_pending = sp->Control & SL_PENDING_RETURNED;
	if (known) {
		known->state = US_IRP_SENT;
		known->major = sp->MajorFunction;
		known->minor = sp->MinorFunction;
		known->promised &= ~(UINT64_C(1) << call.location);
		call.next = known->calls;
		known->calls = &call;
	}
	if (sp->MajorFunction > IRP_MJ_MAXIMUM_FUNCTION)
		us_nt_bugcheck(
			US_BUGCHECK_IO, 3, (uintptr_t)irp, sp->MajorFunction, 0, "irp.major",
			"IoCallDriver: the next stack location of %s has the major function %#x, which there is not.",
			us_irp_name(irp), sp->MajorFunction);
	snprintf(name, sizeof(name), "%s", us_irp_name(irp));
	us_nt_trace("note      %s to the device %s", name, us_io_device_name(device));
	status = US_CALL(us_irp_major_name(sp->MajorFunction), device->DriverObject->MajorFunction[sp->MajorFunction],
			 device, irp);
	check_return(&call, call.irp ? known : NULL, name, status);
	if (known && call.irp && !call.completed)
		leave_call(&call, known);
	return status;
}

/* -- up ----------------------------------------------------------------------------------------------------------- */

static void check_completion(PIRP irp, struct us_irp *known)
{
	if (irp->CurrentLocation > irp->StackCount)
		us_nt_bugcheck(0x44, (uintptr_t)irp, 0, 0, 0, "irp.completed-twice",
			       "IoCompleteRequest was called for %s, which %s.", us_irp_name(irp),
			       known && known->drivers
				       ? "no driver has: it was not sent, or has come back to who made it"
				       : "is completed already");
	if (known && known->state == US_IRP_IDLE)
		known->state =
			US_IRP_SENT; /* came back to a completion routine, and is completed further by that driver */
	if (irp->IoStatus.Status == STATUS_PENDING || irp->IoStatus.Status == -1)
		us_nt_bugcheck(US_BUGCHECK_IO, 6, (uint32_t)irp->IoStatus.Status, (uintptr_t)irp, 0,
			       "irp.completed-pending",
			       "%s is completed with the status %#x, which says that it is not.", us_irp_name(irp),
			       (unsigned)irp->IoStatus.Status);
	if (irp->CancelRoutine)
		us_nt_bugcheck(US_BUGCHECK_IO, 7, (uintptr_t)irp->CancelRoutine, (uintptr_t)irp, 0,
			       "irp.completed-cancelable",
			       "%s is completed while its cancel routine is still set, and may be called for it at any "
			       "moment. Take it back with IoSetCancelRoutine(Irp, NULL) first.",
			       us_irp_name(irp));
}

/* The location is done with: its dispatch routines hear of it, and the promise of STATUS_PENDING has to be kept. */
static void leave_location(PIRP irp, struct us_irp *known, PIO_STACK_LOCATION sp)
{
	CHAR location = irp->CurrentLocation;
	bool pending = sp->Control & SL_PENDING_RETURNED;

	if (!known)
		return;
	for (struct us_io_call **link = &known->calls; *link;) {
		struct us_io_call *call = *link;

		if (call->location != location) {
			link = &call->next;
			continue;
		}
		call->completed = true;
		call->pending = pending;
		call->status = irp->IoStatus.Status;
		*link = call->next;
	}
	if ((known->promised >> location & 1) && !pending)
		us_nt_bugcheck(US_BUGCHECK_IO, US_IO_OWN + 0x12, (uintptr_t)irp, 0, 0, "irp.pending-not-marked",
			       "A dispatch routine returned STATUS_PENDING for %s, which is now completed without "
			       "IoMarkIrpPending in its stack location (a completion routine has to pass it on when "
			       "Irp->PendingReturned).",
			       us_irp_name(irp));
	known->promised &= ~(UINT64_C(1) << location);
}

static bool wants(const IRP *irp, UCHAR control)
{
	return (NT_SUCCESS(irp->IoStatus.Status) && (control & SL_INVOKE_ON_SUCCESS)) ||
	       (!NT_SUCCESS(irp->IoStatus.Status) && (control & SL_INVOKE_ON_ERROR)) ||
	       (irp->Cancel && (control & SL_INVOKE_ON_CANCEL));
}

static void clear_location(PIO_STACK_LOCATION sp)
{
	sp->MinorFunction = 0;
	sp->Flags = 0;
	sp->Control = 0;
	memset(&sp->Parameters, 0, sizeof(sp->Parameters));
	sp->FileObject = NULL;
}

/*
 * One step up. True: the IRP goes further. A completion routine is called with the device of the driver that set it:
 * the next higher location's, or none for who made the IRP.
 */
static bool step(PIRP irp, struct us_irp *known)
{
	PIO_STACK_LOCATION sp = irp->Tail.Overlay.CurrentStackLocation, above = sp + 1;
	PIO_COMPLETION_ROUTINE routine = sp->CompletionRoutine;
	PVOID context = sp->Context;
	bool top = irp->CurrentLocation == irp->StackCount, call = wants(irp, sp->Control);
	NTSTATUS status;

	leave_location(irp, known, sp);
	irp->PendingReturned = sp->Control & SL_PENDING_RETURNED;
	irp->CurrentLocation++;
	irp->Tail.Overlay.CurrentStackLocation++;
	clear_location(sp);
	if (!call || !routine) {
		if (irp->PendingReturned && !top)
			above->Control |= SL_PENDING_RETURNED;
		return true;
	}
	if (known && top)
		known->state = US_IRP_IDLE; /* may be freed or reused in there */
	else if (known)
		known->state = US_IRP_SENT;
	status = US_CALL("IoCompletion", routine, top ? NULL : above->DeviceObject, irp, context);
	if (status == STATUS_MORE_PROCESSING_REQUIRED)
		return false;
	if (known && (known->state == US_IRP_FREED || us_irp_of(irp) != known))
		us_nt_bugcheck(US_BUGCHECK_IO, US_IO_OWN + 0x15, (uintptr_t)irp, 0, 0, "irp.freed-in-completion",
			       "A completion routine freed its IRP and returned %#x: only "
			       "STATUS_MORE_PROCESSING_REQUIRED keeps the I/O manager from touching it again.",
			       (unsigned)status);
	return true;
}

static void reach_end(PIRP irp, struct us_irp *known)
{
	if (!known || known->drivers)
		us_nt_bugcheck(US_BUGCHECK_IO, US_IO_OWN + 0x16, (uintptr_t)irp, 0, 0, "irp.not-taken-back",
			       "%s is completed to its end, and was made by the driver: its completion routine has to "
			       "take it back with STATUS_MORE_PROCESSING_REQUIRED.",
			       us_irp_name(irp));
	known->state = US_IRP_ENDED;
	us_nt_trace("note      %s has ended: %#x, %llu", us_irp_name(irp), (unsigned)irp->IoStatus.Status,
		    (unsigned long long)irp->IoStatus.Information);
	if (known->link) {
		*known->link = known->next;
		if (known->next)
			known->next->link = known->link;
		known->link = NULL;
	}
	if (known->ended)
		known->ended(known);
	if (known->file)
		us_ob_dereference(known->file);
	us_irp_free(known);
}

VOID FASTCALL IofCompleteRequest(PIRP irp, CCHAR boost)
{
	struct us_irp *known = check_irp(irp, "IoCompleteRequest");

	(void)boost;
	check_completion(irp, known);
	us_nt_trace("note      %s is completed: %#x, %llu", us_irp_name(irp), (unsigned)irp->IoStatus.Status,
		    (unsigned long long)irp->IoStatus.Information);
	do {
		if (known)
			known->state = US_IRP_COMPLETING;
		if (!step(irp, known))
			return;
	} while (irp->CurrentLocation <= irp->StackCount);
	reach_end(irp, known);
}

NTSTATUS NTAPI IoSetCompletionRoutineEx(PDEVICE_OBJECT device, PIRP irp, PIO_COMPLETION_ROUTINE routine, PVOID context,
					BOOLEAN on_success, BOOLEAN on_error, BOOLEAN on_cancel)
{
	(void)device; /* keeps its driver loaded: here nothing is unloaded before its IRPs have ended */
	IoSetCompletionRoutine(irp, routine, context, on_success, on_error, on_cancel);
	return STATUS_SUCCESS;
}

/* -- send and wait ------------------------------------------------------------------------------------------------ */

static NTSTATUS NTAPI signal_and_keep(PDEVICE_OBJECT device, PIRP irp, PVOID event)
{
	(void)device;
	(void)irp;
	KeSetEvent(event, IO_NO_INCREMENT, FALSE);
	return STATUS_MORE_PROCESSING_REQUIRED;
}

static void send_and_wait(PDEVICE_OBJECT device, PIRP irp)
{
	KEVENT event;

	KeInitializeEvent(&event, NotificationEvent, FALSE);
	IoSetCompletionRoutine(irp, signal_and_keep, &event, TRUE, TRUE, TRUE);
	if (IofCallDriver(device, irp) == STATUS_PENDING)
		KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
}

NTSTATUS us_nt_io_call_and_wait(PDEVICE_OBJECT device, PIRP irp)
{
	send_and_wait(device, irp);
	return irp->IoStatus.Status;
}

BOOLEAN NTAPI IoForwardIrpSynchronously(PDEVICE_OBJECT device, PIRP irp)
{
	if (irp->CurrentLocation <= 1)
		return FALSE;
	IoCopyCurrentIrpStackLocationToNext(irp);
	send_and_wait(device, irp);
	return TRUE;
}
