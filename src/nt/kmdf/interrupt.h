/* SPDX-License-Identifier: Apache-2.0 */
/* An interrupt object, for the two files about it: interrupt.c (its life) and interrupt-run.c (what happens while it is connected). */
#ifndef UNDERSTUDY_NT_KMDF_INTERRUPT_H
#define UNDERSTUDY_NT_KMDF_INTERRUPT_H

#include "nt/kmdf/kmdf.h"

struct us_wdf_interrupt {
	struct us_wdf_object object;
	struct us_wdf_device *device;
	LIST_ENTRY of_device; /* by creation */
	WDF_INTERRUPT_CONFIG config;
	bool prepared; /* created in EvtDevicePrepareHardware: lives until EvtDeviceReleaseHardware */
	bool assigned; /* `info` says to what */
	bool enabled; /* EvtInterruptEnable succeeded, and Disable was not called since */
	WDF_INTERRUPT_INFO info;
	PKINTERRUPT wdm; /* NULL: not connected */
	PKSPIN_LOCK spin; /* its own, in the pool; or that of the driver's WDFSPINLOCK */
	struct us_wdf_object *shared; /* that one, which lives as long as this; NULL: its own */
	struct us_wdf_lock *passive; /* instead, of passive handling */
	KIRQL old_irql; /* WdfInterruptAcquireLock's */
	KDPC dpc, work_dpc; /* EvtInterruptDpc; queues the work item from above DISPATCH_LEVEL */
	WORK_QUEUE_ITEM work;
	bool work_queued, work_runs;
	struct us_thread *work_awaited; /* waits until the work item has run */
};

/* interrupt-run.c */
void us_wdf_interrupt_prepare(struct us_wdf_interrupt *interrupt); /* its DPCs and work item */
void us_wdf_interrupt_quiet(struct us_wdf_interrupt *interrupt); /* waits for what it has queued */
NTSTATUS us_wdf_interrupt_enable(struct us_wdf_interrupt *interrupt);
void us_wdf_interrupt_disable(struct us_wdf_interrupt *interrupt);
void us_wdf_interrupt_run_functions(struct _WDF_FUNCTIONS *table);

#endif
