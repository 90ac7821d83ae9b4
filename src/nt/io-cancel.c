/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cancel (Microsoft, "Canceling IRPs"): the cancel spin lock, IoCancelIrp, and cancel-safe queues.
 *
 * IoSetCancelRoutine is an exchange that the driver does inline; who gets the routine back owns the IRP. So IoCancelIrp
 * takes it by an exchange as well, and nothing else is remembered here.
 */
#include "nt/io.h"
#include "nt/phys.h"
#include "nt/trace.h"

static KSPIN_LOCK *lock(void)
{
	return us_nt->io->cancel_lock;
}

VOID NTAPI IoAcquireCancelSpinLock(PKIRQL irql)
{
	*irql = KeAcquireSpinLockRaiseToDpc(lock());
}

VOID NTAPI IoReleaseCancelSpinLock(KIRQL irql)
{
	KeReleaseSpinLock(lock(), irql);
}

/* The routine is entered with the cancel lock and has to give it back, to Irp->CancelIrql. */
static void call_cancel(PDRIVER_CANCEL routine, PDEVICE_OBJECT device, PIRP irp)
{
	KIRQL irql = irp->CancelIrql;
	struct us_callback callback;

	us_nt_callback_enter(&callback, "DriverCancel", (const void *)(uintptr_t)routine);
	routine(device, irp);
	if (us_nt_cpu()->locks >= callback.locks)
		us_nt_bugcheck(US_BUGCHECK_IO, US_IO_OWN + 0x1f, (uintptr_t)routine, us_nt_irql(), 0,
			       "cancel.lock-kept",
			       "A cancel routine returned without IoReleaseCancelSpinLock(Irp->CancelIrql).");
	callback.irql = irql;
	callback.locks--;
	us_nt_callback_leave(&callback, 0);
}

BOOLEAN us_io_cancel(PIRP irp, KIRQL irql)
{
	PDRIVER_CANCEL routine;

	irp->Cancel = TRUE;
	routine = (PDRIVER_CANCEL)(ULONG_PTR)InterlockedExchangePointer((PVOID *)(uintptr_t)&irp->CancelRoutine, NULL);
	us_nt_trace("note      %s is cancelled, %s", us_irp_name(irp),
		    routine ? "by its cancel routine" : "and has no cancel routine");
	if (!routine) {
		KeReleaseSpinLock(lock(), irql);
		return FALSE;
	}
	if (irp->CurrentLocation > irp->StackCount)
		us_nt_bugcheck(0x48, (uintptr_t)irp, (uintptr_t)routine, 0, 0, "irp.cancel-completed",
			       "%s has a cancel routine and is completed already.", us_irp_name(irp));
	irp->CancelIrql = irql;
	call_cancel(routine, IoGetCurrentIrpStackLocation(irp)->DeviceObject, irp);
	return TRUE;
}

BOOLEAN NTAPI IoCancelIrp(PIRP irp)
{
	KIRQL irql = KeAcquireSpinLockRaiseToDpc(lock());
	struct us_irp *known = us_irp_of(irp);

	if (known && (known->state == US_IRP_FREED || known->state == US_IRP_ENDED))
		us_nt_bugcheck(US_BUGCHECK_IO, 3, (uintptr_t)irp, 0, 0, "irp.cancel-freed",
			       "IoCancelIrp was called for %s, which is completed and freed.", us_irp_name(irp));
	return us_io_cancel(irp, irql);
}

/* -- cancel-safe queues ------------------------------------------------------------------------------------------- */

/* The driver's lock callbacks change the IRQL: what it is behind them is theirs. */
static KIRQL csq_acquire(PIO_CSQ csq)
{
	struct us_callback callback;
	KIRQL irql = PASSIVE_LEVEL;

	us_nt_callback_enter(&callback, "CsqAcquireLock", (const void *)(uintptr_t)csq->CsqAcquireLock);
	csq->CsqAcquireLock(csq, &irql);
	callback.irql = us_nt_irql();
	callback.locks = us_nt_cpu()->locks;
	us_nt_callback_leave(&callback, 0);
	return irql;
}

static void csq_release(PIO_CSQ csq, KIRQL irql)
{
	struct us_callback callback;

	us_nt_callback_enter(&callback, "CsqReleaseLock", (const void *)(uintptr_t)csq->CsqReleaseLock);
	csq->CsqReleaseLock(csq, irql);
	callback.irql = us_nt_irql();
	callback.locks = us_nt_cpu()->locks;
	us_nt_callback_leave(&callback, 0);
}

/* The IRP leaves the queue, with the lock held: its context knows it no longer. */
static void csq_take(PIO_CSQ csq, PIRP irp)
{
	PIO_CSQ_IRP_CONTEXT context = irp->Tail.Overlay.DriverContext[3];

	US_CALL_VOID("CsqRemoveIrp", csq->CsqRemoveIrp, csq, irp);
	if (context && context->Type == IO_TYPE_CSQ_IRP_CONTEXT)
		context->Irp = NULL;
	irp->Tail.Overlay.DriverContext[3] = NULL;
}

static PDRIVER_CANCEL take_cancel_routine(PIRP irp)
{
	return (PDRIVER_CANCEL)(ULONG_PTR)InterlockedExchangePointer((PVOID *)(uintptr_t)&irp->CancelRoutine, NULL);
}

static VOID NTAPI csq_cancel(PDEVICE_OBJECT device, PIRP irp)
{
	PIO_CSQ_IRP_CONTEXT context = irp->Tail.Overlay.DriverContext[3];
	PIO_CSQ csq = context->Type == IO_TYPE_CSQ_IRP_CONTEXT ? context->Csq : (PIO_CSQ)context;
	KIRQL irql;

	(void)device;
	KeReleaseSpinLock(lock(), irp->CancelIrql);
	irql = csq_acquire(csq);
	csq_take(csq, irp);
	csq_release(csq, irql);
	US_CALL_VOID("CsqCompleteCanceledIrp", csq->CsqCompleteCanceledIrp, csq, irp);
}

NTSTATUS NTAPI IoCsqInitialize(PIO_CSQ csq, PIO_CSQ_INSERT_IRP insert, PIO_CSQ_REMOVE_IRP remove,
			       PIO_CSQ_PEEK_NEXT_IRP peek, PIO_CSQ_ACQUIRE_LOCK acquire, PIO_CSQ_RELEASE_LOCK release,
			       PIO_CSQ_COMPLETE_CANCELED_IRP complete)
{
	*csq = (IO_CSQ){IO_TYPE_CSQ, insert, remove, peek, acquire, release, complete, NULL};
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI IoCsqInitializeEx(PIO_CSQ csq, PIO_CSQ_INSERT_IRP_EX insert, PIO_CSQ_REMOVE_IRP remove,
				 PIO_CSQ_PEEK_NEXT_IRP peek, PIO_CSQ_ACQUIRE_LOCK acquire, PIO_CSQ_RELEASE_LOCK release,
				 PIO_CSQ_COMPLETE_CANCELED_IRP complete)
{
	*csq = (IO_CSQ){
		IO_TYPE_CSQ_EX, (PIO_CSQ_INSERT_IRP)(uintptr_t)insert, remove, peek, acquire, release, complete, NULL};
	return STATUS_SUCCESS;
}

static NTSTATUS csq_insert(PIO_CSQ csq, PIRP irp, PVOID context)
{
	if (csq->Type == IO_TYPE_CSQ_EX)
		return US_CALL("CsqInsertIrpEx", (PIO_CSQ_INSERT_IRP_EX)(uintptr_t)csq->CsqInsertIrp, csq, irp,
			       context);
	US_CALL_VOID("CsqInsertIrp", csq->CsqInsertIrp, csq, irp);
	return STATUS_SUCCESS;
}

/*
 * The IRP was cancelled before its cancel routine was set: nobody else will take it out. Otherwise the one who gets the
 * routine by an exchange does, and when that is IoCancelIrp it waits for the queue's lock meanwhile.
 */
NTSTATUS NTAPI IoCsqInsertIrpEx(PIO_CSQ csq, PIRP irp, PIO_CSQ_IRP_CONTEXT context, PVOID insert_context)
{
	KIRQL irql = csq_acquire(csq);
	NTSTATUS status;

	irp->Tail.Overlay.DriverContext[3] = csq;
	if (context) {
		*context = (IO_CSQ_IRP_CONTEXT){IO_TYPE_CSQ_IRP_CONTEXT, irp, csq};
		irp->Tail.Overlay.DriverContext[3] = context;
	}
	status = csq_insert(csq, irp, insert_context);
	if (!NT_SUCCESS(status)) {
		irp->Tail.Overlay.DriverContext[3] = NULL;
		if (context)
			context->Irp = NULL;
		csq_release(csq, irql);
		return status;
	}
	IoMarkIrpPending(irp);
	(void)IoSetCancelRoutine(irp, csq_cancel);
	if (irp->Cancel && take_cancel_routine(irp)) {
		csq_take(csq, irp);
		csq_release(csq, irql);
		US_CALL_VOID("CsqCompleteCanceledIrp", csq->CsqCompleteCanceledIrp, csq, irp);
		return status;
	}
	csq_release(csq, irql);
	return status;
}

VOID NTAPI IoCsqInsertIrp(PIO_CSQ csq, PIRP irp, PIO_CSQ_IRP_CONTEXT context)
{
	IoCsqInsertIrpEx(csq, irp, context, NULL);
}

PIRP NTAPI IoCsqRemoveIrp(PIO_CSQ csq, PIO_CSQ_IRP_CONTEXT context)
{
	KIRQL irql = csq_acquire(csq);
	PIRP irp = context->Irp;

	if (irp && !take_cancel_routine(irp))
		irp = NULL; /* it is being cancelled */
	if (irp)
		csq_take(csq, irp);
	csq_release(csq, irql);
	return irp;
}

PIRP NTAPI IoCsqRemoveNextIrp(PIO_CSQ csq, PVOID peek_context)
{
	KIRQL irql = csq_acquire(csq);
	PIRP irp = NULL;

	while ((irp = US_CALL("CsqPeekNextIrp", csq->CsqPeekNextIrp, csq, irp, peek_context)) &&
	       !take_cancel_routine(irp))
		;
	if (irp)
		csq_take(csq, irp);
	csq_release(csq, irql);
	return irp;
}
