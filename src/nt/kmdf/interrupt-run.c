/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts at work: connected and enabled, ISR, DPC and work item, the interrupt's lock.
 */
#include "nt/kernel.h"
#include "nt/kmdf/interrupt.h"
#include "nt/sched.h"
#include "nt/trace.h"

static struct us_wdf_interrupt *from(WDFINTERRUPT handle)
{
	return us_wdf_from(handle, &us_wdf_interrupt_type);
}

/* -- ISR, DPC, work item ------------------------------------------------------------------------------------------ */

/* Called by the system at the interrupt's IRQL, with its spin lock held; of a passive one, in a thread. */
static BOOLEAN NTAPI isr(PKINTERRUPT wdm, PVOID context)
{
	struct us_wdf_interrupt *interrupt = context;
	BOOLEAN ours;

	(void)wdm;
	us_wdf_lock(interrupt->passive);
	ours = US_CALL("EvtInterruptIsr", interrupt->config.EvtInterruptIsr, (WDFINTERRUPT)interrupt,
		       interrupt->info.MessageNumber);
	us_wdf_unlock(interrupt->passive);
	return ours;
}

static struct us_wdf_lock *serialised(struct us_wdf_interrupt *interrupt)
{
	return interrupt->config.AutomaticSerialization ? interrupt->object.parent->lock : NULL;
}

static void NTAPI dpc(PKDPC wdm, PVOID context, PVOID a, PVOID b)
{
	struct us_wdf_interrupt *interrupt = context;
	struct us_wdf_lock *lock = serialised(interrupt);

	(void)wdm, (void)a, (void)b;
	us_wdf_lock(lock);
	US_CALL_VOID("EvtInterruptDpc", interrupt->config.EvtInterruptDpc, (WDFINTERRUPT)interrupt,
		     interrupt->object.parent);
	us_wdf_unlock(lock);
}

static void NTAPI work_dpc(PKDPC wdm, PVOID context, PVOID a, PVOID b)
{
	struct us_wdf_interrupt *interrupt = context;

	(void)wdm, (void)a, (void)b;
	ExQueueWorkItem(&interrupt->work, DelayedWorkQueue);
}

static void NTAPI work(PVOID context)
{
	struct us_wdf_interrupt *interrupt = context;
	struct us_wdf_lock *lock = serialised(interrupt);

	interrupt->work_queued = false;
	interrupt->work_runs = true;
	us_wdf_lock(lock);
	US_CALL_VOID("EvtInterruptWorkItem", interrupt->config.EvtInterruptWorkItem, (WDFINTERRUPT)interrupt,
		     interrupt->object.parent);
	us_wdf_unlock(lock);
	interrupt->work_runs = false;
	if (interrupt->work_awaited && !interrupt->work_queued) {
		struct us_thread *thread = interrupt->work_awaited;

		interrupt->work_awaited = NULL;
		us_nt_wake(thread, STATUS_SUCCESS);
	}
	us_wdf_dereference(&interrupt->object);
}

void us_wdf_interrupt_prepare(struct us_wdf_interrupt *interrupt)
{
	KeInitializeDpc(&interrupt->dpc, dpc, interrupt);
	KeInitializeDpc(&interrupt->work_dpc, work_dpc, interrupt);
	ExInitializeWorkItem(&interrupt->work, work, interrupt);
}

void us_wdf_interrupt_quiet(struct us_wdf_interrupt *interrupt)
{
	if (!interrupt->config.EvtInterruptDpc && !interrupt->config.EvtInterruptWorkItem)
		return;
	us_nt_flush_dpcs();
	while (interrupt->work_queued || interrupt->work_runs) {
		interrupt->work_awaited = us_nt_current();
		us_nt_block("EvtInterruptWorkItem of %s", us_wdf_name(interrupt));
	}
}

static BOOLEAN NTAPI queue_dpc(PWDF_DRIVER_GLOBALS globals, WDFINTERRUPT handle)
{
	struct us_wdf_interrupt *interrupt = from(handle);

	(void)globals;
	if (!interrupt->config.EvtInterruptDpc)
		us_wdf_violation(WDF_INVALID_INTERRUPT, handle, "interrupt.no-dpc",
				 "WdfInterruptQueueDpcForIsr was called for %s, which has no EvtInterruptDpc.",
				 us_wdf_name(interrupt));
	return KeInsertQueueDpc(&interrupt->dpc, NULL, NULL);
}

static BOOLEAN NTAPI queue_work(PWDF_DRIVER_GLOBALS globals, WDFINTERRUPT handle)
{
	struct us_wdf_interrupt *interrupt = from(handle);

	(void)globals;
	if (!interrupt->config.EvtInterruptWorkItem)
		us_wdf_violation(
			WDF_INVALID_INTERRUPT, handle, "interrupt.no-work-item",
			"WdfInterruptQueueWorkItemForIsr was called for %s, which has no EvtInterruptWorkItem.",
			us_wdf_name(interrupt));
	if (interrupt->work_queued)
		return FALSE;
	interrupt->work_queued = true;
	us_wdf_reference(&interrupt->object);
	if (us_nt_irql() > DISPATCH_LEVEL)
		KeInsertQueueDpc(&interrupt->work_dpc, NULL, NULL);
	else
		ExQueueWorkItem(&interrupt->work, DelayedWorkQueue);
	return TRUE;
}

/* -- the lock ----------------------------------------------------------------------------------------------------- */

/* Runs at the interrupt's IRQL under its lock; before it is connected there is no ISR to be kept out. */
static NTSTATUS locked(struct us_wdf_interrupt *interrupt, const char *name,
		       NTSTATUS(NTAPI *callback)(WDFINTERRUPT, WDFDEVICE))
{
	NTSTATUS status;
	KIRQL irql = 0;

	if (interrupt->passive)
		us_wdf_lock(interrupt->passive);
	else
		irql = KeAcquireInterruptSpinLock(interrupt->wdm);
	status = US_CALL(name, callback, (WDFINTERRUPT)interrupt, (WDFDEVICE)interrupt->device);
	if (interrupt->passive)
		us_wdf_unlock(interrupt->passive);
	else
		KeReleaseInterruptSpinLock(interrupt->wdm, irql);
	return status;
}

static BOOLEAN NTAPI synchronize(PWDF_DRIVER_GLOBALS globals, WDFINTERRUPT handle,
				 PFN_WDF_INTERRUPT_SYNCHRONIZE callback, WDFCONTEXT context)
{
	struct us_wdf_interrupt *interrupt = from(handle);
	BOOLEAN result;
	KIRQL irql;

	(void)globals;
	us_wdf_need((const void *)(uintptr_t)callback, "WdfInterruptSynchronize", "Callback");
	if (interrupt->passive) {
		us_wdf_lock(interrupt->passive);
		result = US_CALL("EvtInterruptSynchronize", callback, handle, context);
		us_wdf_unlock(interrupt->passive);
		return result;
	}
	if (!interrupt->wdm)
		us_wdf_violation(
			WDF_INVALID_INTERRUPT, handle, "interrupt.not-connected",
			"WdfInterruptSynchronize was called for %s, which is not connected: there is nothing to "
			"synchronise with.",
			us_wdf_name(interrupt));
	irql = KeAcquireInterruptSpinLock(interrupt->wdm);
	result = US_CALL("EvtInterruptSynchronize", callback, handle, context);
	KeReleaseInterruptSpinLock(interrupt->wdm, irql);
	return result;
}

static void NTAPI acquire_lock(PWDF_DRIVER_GLOBALS globals, WDFINTERRUPT handle)
{
	struct us_wdf_interrupt *interrupt = from(handle);
	KIRQL irql;

	(void)globals;
	if (interrupt->passive) {
		us_wdf_lock(interrupt->passive);
	} else if (interrupt->wdm) {
		irql = KeAcquireInterruptSpinLock(interrupt->wdm);
		interrupt->old_irql = irql;
	}
}

static void NTAPI release_lock(PWDF_DRIVER_GLOBALS globals, WDFINTERRUPT handle)
{
	struct us_wdf_interrupt *interrupt = from(handle);

	(void)globals;
	if (interrupt->passive)
		us_wdf_unlock(interrupt->passive);
	else if (interrupt->wdm)
		KeReleaseInterruptSpinLock(interrupt->wdm, interrupt->old_irql);
}

static BOOLEAN NTAPI try_lock(PWDF_DRIVER_GLOBALS globals, WDFINTERRUPT handle)
{
	struct us_wdf_interrupt *interrupt = from(handle);

	(void)globals;
	if (!interrupt->passive)
		us_wdf_violation(
			WDF_INVALID_LOCK_OPERATION, handle, "interrupt.not-passive",
			"WdfInterruptTryToAcquireLock was called for %s, which is not handled at passive level.",
			us_wdf_name(interrupt));
	return us_wdf_try_lock(interrupt->passive);
}

/* -- connected and enabled ---------------------------------------------------------------------------------------- */

/* Those that share a lock synchronise at the highest IRQL of them. */
static KIRQL synchronize_irql(struct us_wdf_interrupt *interrupt)
{
	LIST_ENTRY *head = &interrupt->device->interrupts, *link;
	KIRQL irql = interrupt->info.Irql;

	if (interrupt->passive)
		return PASSIVE_LEVEL;
	for (link = head->Flink; link != head; link = link->Flink) {
		struct us_wdf_interrupt *other = CONTAINING_RECORD(link, struct us_wdf_interrupt, of_device);

		if (other->spin == interrupt->spin && other->assigned && other->info.Irql > irql)
			irql = other->info.Irql;
	}
	return irql;
}

static NTSTATUS connect(struct us_wdf_interrupt *interrupt)
{
	const WDF_INTERRUPT_INFO *info = &interrupt->info;
	IO_CONNECT_INTERRUPT_PARAMETERS p = {.Version = CONNECT_FULLY_SPECIFIED};
	BOOLEAN share = info->ShareDisposition == CmResourceShareShared;

	if (interrupt->config.ShareVector != WdfUseDefault)
		share = interrupt->config.ShareVector == WdfTrue;
	p.FullySpecified.PhysicalDeviceObject = interrupt->device->pdo;
	p.FullySpecified.InterruptObject = &interrupt->wdm;
	p.FullySpecified.ServiceRoutine = isr;
	p.FullySpecified.ServiceContext = interrupt;
	p.FullySpecified.SpinLock = interrupt->spin;
	p.FullySpecified.SynchronizeIrql = synchronize_irql(interrupt);
	p.FullySpecified.FloatingSave = interrupt->config.FloatingSave;
	p.FullySpecified.ShareVector = share;
	p.FullySpecified.Vector = info->Vector;
	p.FullySpecified.Irql = info->Irql;
	p.FullySpecified.InterruptMode = info->Mode;
	p.FullySpecified.ProcessorEnableMask = info->TargetProcessorSet;
	return IoConnectInterruptEx(&p);
}

static void disconnect(struct us_wdf_interrupt *interrupt)
{
	IO_DISCONNECT_INTERRUPT_PARAMETERS p = {.Version = CONNECT_FULLY_SPECIFIED};

	p.ConnectionContext.InterruptObject = interrupt->wdm;
	IoDisconnectInterruptEx(&p);
	interrupt->wdm = NULL;
}

NTSTATUS us_wdf_interrupt_enable(struct us_wdf_interrupt *interrupt)
{
	NTSTATUS status = STATUS_SUCCESS;

	if (!interrupt->wdm)
		status = connect(interrupt);
	if (!NT_SUCCESS(status)) {
		us_nt_trace("note      %s could not be connected: %#x", us_wdf_name(interrupt), (unsigned)status);
		return status;
	}
	if (!interrupt->enabled && interrupt->config.EvtInterruptEnable)
		status = locked(interrupt, "EvtInterruptEnable", interrupt->config.EvtInterruptEnable);
	interrupt->enabled = NT_SUCCESS(status);
	if (!NT_SUCCESS(status))
		disconnect(interrupt);
	return status;
}

void us_wdf_interrupt_disable(struct us_wdf_interrupt *interrupt)
{
	NTSTATUS status = STATUS_SUCCESS;

	if (!interrupt->wdm)
		return;
	if (interrupt->enabled && interrupt->config.EvtInterruptDisable)
		status = locked(interrupt, "EvtInterruptDisable", interrupt->config.EvtInterruptDisable);
	if (!NT_SUCCESS(status))
		us_nt_trace("note      EvtInterruptDisable of %s failed: %#x", us_wdf_name(interrupt),
			    (unsigned)status);
	interrupt->enabled = false;
	disconnect(interrupt);
}

static void NTAPI enable(PWDF_DRIVER_GLOBALS globals, WDFINTERRUPT handle)
{
	struct us_wdf_interrupt *interrupt = from(handle);

	(void)globals;
	if (!interrupt->assigned)
		us_wdf_violation(WDF_INVALID_INTERRUPT, handle, "interrupt.not-assigned",
				 "WdfInterruptEnable was called for %s, which the system granted nothing.",
				 us_wdf_name(interrupt));
	us_wdf_interrupt_enable(interrupt);
}

static void NTAPI disable(PWDF_DRIVER_GLOBALS globals, WDFINTERRUPT handle)
{
	(void)globals;
	us_wdf_interrupt_disable(from(handle));
}

void us_wdf_interrupt_run_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfInterruptQueueDpcForIsr = queue_dpc;
	table->WdfInterruptQueueWorkItemForIsr = queue_work;
	table->WdfInterruptSynchronize = synchronize;
	table->WdfInterruptAcquireLock = acquire_lock;
	table->WdfInterruptReleaseLock = release_lock;
	table->WdfInterruptTryToAcquireLock = try_lock;
	table->WdfInterruptEnable = enable;
	table->WdfInterruptDisable = disable;
}
