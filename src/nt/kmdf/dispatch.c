/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IRPs arrive at the driver's devices: who in the framework they are for.
 */
#include "nt/kernel.h"
#include "nt/kmdf/child.h"
#include "nt/kmdf/kmdf.h"

NTSTATUS us_wdf_complete(PIRP irp, NTSTATUS status)
{
	irp->IoStatus.Status = status;
	IoCompleteRequest(irp, IO_NO_INCREMENT);
	return status;
}

NTSTATUS us_wdf_forward(struct us_wdf_device *device, PIRP irp)
{
	if (device->child)
		return us_wdf_complete(irp, us_wdf_child_answer(device, irp));
	IoSkipCurrentIrpStackLocation(irp);
	return IoCallDriver(device->attached, irp);
}

NTSTATUS us_wdf_forward_and_wait(struct us_wdf_device *device, PIRP irp)
{
	if (device->child)
		return irp->IoStatus.Status = us_wdf_child_answer(device, irp);
	IoCopyCurrentIrpStackLocationToNext(irp);
	return us_nt_io_call_and_wait(device->attached, irp);
}

/* What nobody handles: a filter's goes to those below, others' fails. */
static NTSTATUS dispatch_other(struct us_wdf_device *device, PIRP irp, UCHAR major)
{
	if ((device->attached && device->filter) ||
	    ((device->attached || device->child) && major == IRP_MJ_SYSTEM_CONTROL))
		return us_wdf_forward(device, irp);
	return us_wdf_complete(irp, STATUS_INVALID_DEVICE_REQUEST);
}

static NTSTATUS dispatch_shutdown(struct us_wdf_device *device, PIRP irp)
{
	if (!device->shutdown)
		return dispatch_other(device, irp, IRP_MJ_SHUTDOWN);
	US_CALL_VOID("EvtDeviceShutdownNotification", device->shutdown, (WDFDEVICE)device);
	return us_wdf_complete(irp, STATUS_SUCCESS);
}

static NTSTATUS dispatch_to_device(struct us_wdf_device *device, PIRP irp)
{
	UCHAR major = IoGetCurrentIrpStackLocation(irp)->MajorFunction;

	switch (major) {
	case IRP_MJ_CREATE:
		return us_wdf_dispatch_create(device, irp);
	case IRP_MJ_CLEANUP:
		return us_wdf_dispatch_cleanup(device, irp);
	case IRP_MJ_CLOSE:
		return us_wdf_dispatch_close(device, irp);
	case IRP_MJ_READ:
	case IRP_MJ_WRITE:
	case IRP_MJ_DEVICE_CONTROL:
	case IRP_MJ_INTERNAL_DEVICE_CONTROL:
		return us_wdf_dispatch_io(device, irp);
	case IRP_MJ_PNP:
		return device->control ? us_wdf_complete(irp, STATUS_INVALID_DEVICE_REQUEST)
				       : us_wdf_dispatch_pnp(device, irp);
	case IRP_MJ_POWER:
		return device->control ? us_wdf_complete(irp, STATUS_INVALID_DEVICE_REQUEST)
				       : us_wdf_dispatch_power(device, irp);
	case IRP_MJ_SHUTDOWN:
		return dispatch_shutdown(device, irp);
	default:
		return dispatch_other(device, irp, major);
	}
}

static bool wants(const struct us_wdf_preprocess *preprocess, UCHAR minor)
{
	ULONG i;

	if (!preprocess->callback)
		return false;
	for (i = 0; i < preprocess->nminors; i++)
		if (preprocess->minors[i] == minor)
			return true;
	return preprocess->nminors == 0;
}

NTSTATUS NTAPI us_wdf_dispatch(PDEVICE_OBJECT wdm, PIRP irp)
{
	struct us_wdf_device *device = us_wdf_device_of(wdm);
	PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(irp);
	bool closing = sp->MajorFunction == IRP_MJ_CLEANUP || sp->MajorFunction == IRP_MJ_CLOSE;
	NTSTATUS status;

	if (!device)
		return us_wdf_complete(irp, closing ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE);
	us_wdf_reference(&device->object);
	if (wants(&device->preprocess[sp->MajorFunction], sp->MinorFunction))
		status = US_CALL("EvtDeviceWdmIrpPreprocess", device->preprocess[sp->MajorFunction].callback,
				 (WDFDEVICE)device, irp);
	else
		status = dispatch_to_device(device, irp);
	us_wdf_dereference(&device->object);
	return status;
}

/* The driver has seen an IRP first; it skipped its stack location, or copied it to the next, which this takes back. */
static NTSTATUS NTAPI dispatch_preprocessed(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, PIRP irp)
{
	struct us_wdf_device *device = us_wdf_from(handle, &us_wdf_device_type);

	(void)globals;
	us_wdf_need(irp, "WdfDeviceWdmDispatchPreprocessedIrp", "Irp");
	IoSetNextIrpStackLocation(irp);
	return dispatch_to_device(device, irp);
}

void us_wdf_dispatch_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfDeviceWdmDispatchPreprocessedIrp = dispatch_preprocessed;
}
