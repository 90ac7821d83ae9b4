/* SPDX-License-Identifier: Apache-2.0 */
/* The adder's WDM driver: its queue, its ISR and DPC, and what it does for applications. */
#include "wdm-private.h"

NTSTATUS wdm_complete(PIRP irp, NTSTATUS status, ULONG_PTR information)
{
	irp->IoStatus.Status = status;
	irp->IoStatus.Information = information;
	CALL(IofCompleteRequest)(irp, IO_NO_INCREMENT);
	return status;
}

/* -- the queue ---------------------------------------------------------------------------------------------------- */

static struct extension *of_csq(PIO_CSQ csq)
{
	return csq->ReservePointer;
}

static LIST_ENTRY *list_of(PIO_CSQ csq)
{
	struct extension *e = of_csq(csq);

	return csq == &e->csq ? &e->queue : &e->forever;
}

static VOID NTAPI csq_insert(PIO_CSQ csq, PIRP irp)
{
	InsertTailList(list_of(csq), &irp->Tail.Overlay.ListEntry);
}

static VOID NTAPI csq_remove(PIO_CSQ csq, PIRP irp)
{
	(void)csq;
	RemoveEntryList(&irp->Tail.Overlay.ListEntry);
}

static PIRP NTAPI csq_peek(PIO_CSQ csq, PIRP irp, PVOID file)
{
	LIST_ENTRY *list = list_of(csq), *at = irp ? irp->Tail.Overlay.ListEntry.Flink : list->Flink;

	for (; at != list; at = at->Flink) {
		PIRP next = CONTAINING_RECORD(at, IRP, Tail.Overlay.ListEntry);

		if (!file || IoGetCurrentIrpStackLocation(next)->FileObject == file)
			return next;
	}
	return NULL;
}

static VOID NTAPI csq_acquire(PIO_CSQ csq, PKIRQL irql)
{
	*irql = CALL(KeAcquireSpinLockRaiseToDpc)(&of_csq(csq)->lock);
}

static VOID NTAPI csq_release(PIO_CSQ csq, KIRQL irql)
{
	CALL(KeReleaseSpinLock)(&of_csq(csq)->lock, irql);
}

static VOID NTAPI csq_complete(PIO_CSQ csq, PIRP irp)
{
	(void)csq;
	wdm_seen.cancelled++;
	wdm_complete(irp, STATUS_CANCELLED, 0);
}

/* -- the device --------------------------------------------------------------------------------------------------- */

void wdm_start_current(struct extension *e)
{
	const ULONG *operands = e->current->AssociatedIrp.SystemBuffer;

	e->registers[A] = operands[0];
	e->registers[B] = operands[1];
}

/* Begins with the next request, when there is one and the device is free. */
void wdm_start_next(struct extension *e)
{
	KIRQL irql;
	PIRP irp;

	for (;;) {
		irp = CALL(IoCsqRemoveNextIrp)(&e->csq, NULL);
		if (!irp)
			return;
		irql = CALL(KeAcquireSpinLockRaiseToDpc)(&e->lock);
		if (e->running && !e->current) {
			e->current = irp;
			wdm_start_current(e);
			CALL(KeReleaseSpinLock)(&e->lock, irql);
			return;
		}
		CALL(KeReleaseSpinLock)(&e->lock, irql);
		CALL(IoCsqInsertIrp)(&e->csq, irp, NULL);
		if (!e->running || e->current)
			return;
	}
}

static VOID NTAPI dpc(PKDPC self, PVOID context, PVOID unused1, PVOID unused2)
{
	struct extension *e = context;
	PIRP irp;

	(void)self;
	(void)unused1;
	(void)unused2;
	CALL(KeAcquireSpinLockAtDpcLevel)(&e->lock);
	irp = e->current;
	e->current = NULL;
	if (irp)
		*(ULONG *)irp->AssociatedIrp.SystemBuffer = e->registers[SUM];
	CALL(KeReleaseSpinLockFromDpcLevel)(&e->lock);
	if (irp)
		wdm_complete(irp, STATUS_SUCCESS, sizeof(ULONG));
	wdm_start_next(e);
}

BOOLEAN NTAPI wdm_isr(PKINTERRUPT interrupt, PVOID context)
{
	struct extension *e = context;

	(void)interrupt;
	wdm_seen.interrupts++;
	if (wdm.mistake == WDM_NEVER_CLAIMS)
		return FALSE;
	if (!e->running || !(e->registers[STATUS] & 1))
		return FALSE;
	e->registers[STATUS] = 1;
	wdm_seen.claimed++;
	CALL(KeInsertQueueDpc)(&e->dpc, NULL, NULL);
	return TRUE;
}

BOOLEAN NTAPI wdm_message_isr(PKINTERRUPT interrupt, PVOID context, ULONG message)
{
	rig_expect(message == 0);
	return wdm_isr(interrupt, context);
}

/* -- requests ----------------------------------------------------------------------------------------------------- */

static VOID NTAPI plain_cancel(PDEVICE_OBJECT device, PIRP irp)
{
	(void)device;
	if (wdm.mistake != WDM_KEEPS_CANCEL_LOCK)
		CALL(IoReleaseCancelSpinLock)(irp->CancelIrql);
	wdm_complete(irp, STATUS_CANCELLED, 0);
}

/* Requests that only make mistakes. */
static NTSTATUS blunder(struct extension *e, PIRP irp)
{
	switch (wdm.mistake) {
	case WDM_COMPLETES_TWICE:
		wdm_complete(irp, STATUS_SUCCESS, 0);
		return wdm_complete(irp, STATUS_SUCCESS, 0);
	case WDM_COMPLETES_PENDING:
		return wdm_complete(irp, STATUS_PENDING, 0);
	case WDM_NOT_COMPLETED:
		return STATUS_SUCCESS;
	case WDM_PENDING_NOT_MARKED:
		wdm_complete(irp, STATUS_SUCCESS, 0);
		return STATUS_PENDING;
	case WDM_PENDING_NOT_RETURNED:
		IoMarkIrpPending(irp);
		return wdm_complete(irp, STATUS_SUCCESS, 0);
	case WDM_STATUS_DIFFERS:
		wdm_complete(irp, STATUS_SUCCESS, 0);
		return STATUS_UNSUCCESSFUL;
	case WDM_CANCELABLE:
		(void)IoSetCancelRoutine(irp, plain_cancel);
		return wdm_complete(irp, STATUS_SUCCESS, 0);
	case WDM_KEEPS_CANCEL_LOCK:
		IoMarkIrpPending(irp);
		(void)IoSetCancelRoutine(irp, plain_cancel);
		return STATUS_PENDING;
	case WDM_FORGETS_CANCEL:
		IoMarkIrpPending(irp);
		return STATUS_PENDING;
	case WDM_TOO_MUCH:
		return wdm_complete(irp, STATUS_SUCCESS, 4096);
	default:
		CALL(IoCsqInsertIrp)(&e->waiting, irp, NULL);
		return STATUS_PENDING;
	}
}

static NTSTATUS add(struct extension *e, PIRP irp, PIO_STACK_LOCATION sp)
{
	if (sp->Parameters.DeviceIoControl.InputBufferLength != 2 * sizeof(ULONG) ||
	    sp->Parameters.DeviceIoControl.OutputBufferLength < sizeof(ULONG))
		return wdm_complete(irp, STATUS_INVALID_PARAMETER, 0);
	CALL(IoCsqInsertIrp)(&e->csq, irp, NULL);
	wdm_start_next(e);
	return STATUS_PENDING;
}

static NTSTATUS direct(PIRP irp, PIO_STACK_LOCATION sp, bool out)
{
	ULONG n = sp->Parameters.DeviceIoControl.OutputBufferLength, sum = 0;
	uint8_t *bytes;

	if (!irp->MdlAddress || !irp->AssociatedIrp.SystemBuffer)
		return wdm_complete(irp, STATUS_INVALID_PARAMETER, 0);
	bytes = CALL(MmMapLockedPagesSpecifyCache)(irp->MdlAddress, KernelMode, MmCached, NULL, FALSE,
						   NormalPagePriority);
	if (!bytes)
		return wdm_complete(irp, STATUS_INSUFFICIENT_RESOURCES, 0);
	if (out)
		memset(bytes, *(uint8_t *)irp->AssociatedIrp.SystemBuffer, n);
	for (ULONG i = 0; !out && i < n; i++)
		sum += bytes[i];
	return wdm_complete(irp, STATUS_SUCCESS, out ? n : sum);
}

static NTSTATUS neither(PIRP irp, PIO_STACK_LOCATION sp)
{
	ULONG in = sp->Parameters.DeviceIoControl.InputBufferLength,
	      out = sp->Parameters.DeviceIoControl.OutputBufferLength;

	rig_expect(!irp->AssociatedIrp.SystemBuffer && !irp->MdlAddress && irp->RequestorMode == UserMode);
	memcpy(irp->UserBuffer, sp->Parameters.DeviceIoControl.Type3InputBuffer, min(in, out));
	return wdm_complete(irp, STATUS_SUCCESS, min(in, out));
}

NTSTATUS NTAPI wdm_control(PDEVICE_OBJECT device, PIRP irp)
{
	struct extension *e = device->DeviceExtension;
	PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(irp);
	NTSTATUS status = CALL(IoAcquireRemoveLockEx)(&e->remove, NULL, "", 1, sizeof(e->remove));

	if (!NT_SUCCESS(status))
		return wdm_complete(irp, status, 0);
	switch (sp->Parameters.DeviceIoControl.IoControlCode) {
	case WDM_ADD:
		status = add(e, irp, sp);
		break;
	case WDM_NOT_IN:
	case WDM_NOT_OUT:
		status = direct(irp, sp, sp->Parameters.DeviceIoControl.IoControlCode == WDM_NOT_OUT);
		break;
	case WDM_NEITHER:
		status = neither(irp, sp);
		break;
	case WDM_WAIT:
		status = blunder(e, irp);
		break;
	case WDM_WRITE_ONLY:
		status = wdm_complete(irp, STATUS_SUCCESS, 0);
		break;
	default:
		status = wdm_complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
		break;
	}
	CALL(IoReleaseRemoveLockEx)(&e->remove, NULL, sizeof(e->remove));
	return status;
}

/* What is read is the offset's low byte, over and over; what is written has to be that. */
NTSTATUS NTAPI wdm_transfer(PDEVICE_OBJECT device, PIRP irp)
{
	PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(irp);
	ULONG n = sp->Parameters.Read.Length;
	uint8_t byte = (uint8_t)sp->Parameters.Read.ByteOffset.QuadPart;
	uint8_t *bytes = device->Flags & DO_BUFFERED_IO ? irp->AssociatedIrp.SystemBuffer : irp->UserBuffer;

	if ((device->Flags & DO_DIRECT_IO) && irp->MdlAddress)
		bytes = CALL(MmMapLockedPagesSpecifyCache)(irp->MdlAddress, KernelMode, MmCached, NULL, FALSE,
							   NormalPagePriority);
	if (sp->MajorFunction == IRP_MJ_READ && n)
		memset(bytes, byte, n);
	for (ULONG i = 0; sp->MajorFunction == IRP_MJ_WRITE && i < n; i++)
		if (bytes[i] != byte)
			return wdm_complete(irp, STATUS_DATA_ERROR, i);
	return wdm_complete(irp, STATUS_SUCCESS, n);
}

NTSTATUS NTAPI wdm_create_close(PDEVICE_OBJECT device, PIRP irp)
{
	struct extension *e = device->DeviceExtension;
	PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(irp);
	PIRP mine;

	wdm_seen.creates += sp->MajorFunction == IRP_MJ_CREATE;
	wdm_seen.closes += sp->MajorFunction == IRP_MJ_CLOSE;
	if (sp->MajorFunction == IRP_MJ_CLEANUP) {
		wdm_seen.cleanups++;
		while ((mine = CALL(IoCsqRemoveNextIrp)(&e->csq, sp->FileObject)) ||
		       (mine = CALL(IoCsqRemoveNextIrp)(&e->waiting, sp->FileObject)))
			wdm_complete(mine, STATUS_CANCELLED, 0);
	}
	return wdm_complete(irp, STATUS_SUCCESS, 0);
}

void wdm_abandon_all(struct extension *e)
{
	PIRP irp = e->current;

	e->current = NULL;
	if (irp)
		wdm_complete(irp, STATUS_DELETE_PENDING, 0);
	while ((irp = CALL(IoCsqRemoveNextIrp)(&e->csq, NULL)) || (irp = CALL(IoCsqRemoveNextIrp)(&e->waiting, NULL)))
		wdm_complete(irp, STATUS_DELETE_PENDING, 0);
}

void wdm_prepare_requests(struct extension *e)
{
	KeInitializeSpinLock(&e->lock);
	InitializeListHead(&e->queue);
	InitializeListHead(&e->forever);
	CALL(IoCsqInitialize)(&e->csq, csq_insert, csq_remove, csq_peek, csq_acquire, csq_release, csq_complete);
	CALL(IoCsqInitialize)(&e->waiting, csq_insert, csq_remove, csq_peek, csq_acquire, csq_release, csq_complete);
	e->csq.ReservePointer = e->waiting.ReservePointer = e;
	CALL(KeInitializeDpc)(&e->dpc, dpc, e);
}
