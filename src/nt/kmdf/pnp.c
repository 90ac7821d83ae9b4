/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plug and Play: the device's life as the PnP manager's IRPs tell it. The callbacks' order is sequence.c's.
 */
#include "nt/kernel.h"
#include "nt/kmdf/child.h"
#include "nt/kmdf/kmdf.h"
#include "nt/phys.h"
#include "nt/trace.h"

#define TAG 0x50447846u /* "FxDP" */

/* -- start and stop ----------------------------------------------------------------------------------------------- */

/* The first list of granted resources, copied: the IRP's is gone when that is completed. */
static bool copy_list(PCM_RESOURCE_LIST *to, const CM_RESOURCE_LIST *from)
{
	size_t size = offsetof(CM_RESOURCE_LIST, List);

	us_wdf_pool_free(*to);
	*to = NULL;
	if (!from || !from->Count)
		return true;
	size += offsetof(CM_FULL_RESOURCE_DESCRIPTOR, PartialResourceList.PartialDescriptors);
	size += from->List[0].PartialResourceList.Count * sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR);
	*to = us_nt_pool_alloc(size, TAG);
	if (*to)
		memcpy(*to, from, size);
	return *to != NULL;
}

static NTSTATUS bring_up(struct us_wdf_device *device)
{
	NTSTATUS status = us_wdf_prepare_hardware(device);

	if (NT_SUCCESS(status))
		status = us_wdf_power_up(device, WdfPowerDeviceD3Final);
	if (!NT_SUCCESS(status))
		us_wdf_release_hardware(device);
	return status;
}

/* The drivers below start with the resources that were asked for by others than this one. */
static NTSTATUS start_with(struct us_wdf_device *device, PIRP irp, struct us_wdf_object *raw,
			   struct us_wdf_object *translated)
{
	PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(irp), next = IoGetNextIrpStackLocation(irp);
	PCM_RESOURCE_LIST lists[2];
	NTSTATUS status;

	us_wdf_cm_allow(raw, false, true);
	us_wdf_cm_allow(translated, false, true);
	status = US_CALL("EvtDeviceRemoveAddedResources", device->fdo.EvtDeviceRemoveAddedResources, (WDFDEVICE)device,
			 (WDFCMRESLIST)raw, (WDFCMRESLIST)translated);
	if (!NT_SUCCESS(status))
		return status;
	if (!us_wdf_cm_changed(raw) && !us_wdf_cm_changed(translated))
		return us_wdf_forward_and_wait(device, irp);
	lists[0] = us_wdf_cm_build(raw, sp->Parameters.StartDevice.AllocatedResources);
	lists[1] = us_wdf_cm_build(translated, sp->Parameters.StartDevice.AllocatedResourcesTranslated);
	if (lists[0] && lists[1]) {
		IoCopyCurrentIrpStackLocationToNext(irp);
		next->Parameters.StartDevice.AllocatedResources = lists[0];
		next->Parameters.StartDevice.AllocatedResourcesTranslated = lists[1];
		status = us_nt_io_call_and_wait(device->attached, irp);
	} else {
		status = STATUS_INSUFFICIENT_RESOURCES;
	}
	us_wdf_pool_free(lists[0]);
	us_wdf_pool_free(lists[1]);
	return status;
}

static NTSTATUS start_below(struct us_wdf_device *device, PIRP irp)
{
	PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(irp);
	struct us_wdf_object *raw = NULL, *translated = NULL;
	NTSTATUS status;

	if (!device->fdo.EvtDeviceRemoveAddedResources)
		return us_wdf_forward_and_wait(device, irp);
	status = us_wdf_cm_list_new(device, sp->Parameters.StartDevice.AllocatedResources, &raw);
	if (NT_SUCCESS(status))
		status = us_wdf_cm_list_new(device, sp->Parameters.StartDevice.AllocatedResourcesTranslated,
					    &translated);
	if (NT_SUCCESS(status))
		status = start_with(device, irp, raw, translated);
	if (raw)
		us_wdf_delete(raw);
	if (translated)
		us_wdf_delete(translated);
	return status;
}

static NTSTATUS start(struct us_wdf_device *device, PIRP irp)
{
	PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(irp);
	NTSTATUS status = start_below(device, irp);

	if (!NT_SUCCESS(status))
		return us_wdf_complete(irp, status);
	us_wdf_lock(device->busy);
	device->pnp_state = WdfDevStatePnpHardwareAvailable;
	if (copy_list(&device->raw_list, sp->Parameters.StartDevice.AllocatedResources) &&
	    copy_list(&device->translated_list, sp->Parameters.StartDevice.AllocatedResourcesTranslated))
		status = bring_up(device);
	else
		status = STATUS_INSUFFICIENT_RESOURCES;
	if (NT_SUCCESS(status)) {
		device->pnp_state = WdfDevStatePnpStarted;
		us_wdf_interfaces_enable(device, true);
		us_wdf_idle_start(device);
		status = STATUS_SUCCESS;
	} else {
		device->pnp_state = WdfDevStatePnpFailed;
		device->failed = true;
	}
	us_wdf_unlock(device->busy);
	return us_wdf_complete(irp, status);
}

static bool may_not_go(const struct us_wdf_device *device)
{
	return device->not_stoppable || device->special_files > 0;
}

static NTSTATUS query_stop(struct us_wdf_device *device, PIRP irp)
{
	NTSTATUS status = may_not_go(device) ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;

	if (NT_SUCCESS(status) && device->pnp.EvtDeviceQueryStop)
		status = US_CALL("EvtDeviceQueryStop", device->pnp.EvtDeviceQueryStop, (WDFDEVICE)device);
	if (!NT_SUCCESS(status))
		return us_wdf_complete(irp, status);
	device->pnp_state = WdfDevStatePnpQueryStopPending;
	irp->IoStatus.Status = STATUS_SUCCESS;
	return us_wdf_forward(device, irp);
}

static NTSTATUS query_remove(struct us_wdf_device *device, PIRP irp)
{
	NTSTATUS status = may_not_go(device) ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;

	if (NT_SUCCESS(status) && device->pnp.EvtDeviceQueryRemove)
		status = US_CALL("EvtDeviceQueryRemove", device->pnp.EvtDeviceQueryRemove, (WDFDEVICE)device);
	if (!NT_SUCCESS(status))
		return us_wdf_complete(irp, status);
	if (device->pnp_state == WdfDevStatePnpStarted)
		device->pnp_state = WdfDevStatePnpQueryRemovePending;
	irp->IoStatus.Status = STATUS_SUCCESS;
	return us_wdf_forward(device, irp);
}

/* A stop or removal is called off: those below hear of it first. */
static NTSTATUS cancel_query(struct us_wdf_device *device, PIRP irp)
{
	irp->IoStatus.Status = STATUS_SUCCESS;
	us_wdf_forward_and_wait(device, irp);
	if (device->pnp_state == WdfDevStatePnpQueryStopPending ||
	    device->pnp_state == WdfDevStatePnpQueryRemovePending)
		device->pnp_state = WdfDevStatePnpStarted;
	return us_wdf_complete(irp, STATUS_SUCCESS);
}

static NTSTATUS stop(struct us_wdf_device *device, PIRP irp)
{
	us_wdf_lock(device->busy);
	us_wdf_idle_stop(device);
	device->pnp_state = WdfDevStatePnpStopped;
	us_wdf_power_down(device, WdfPowerDeviceD3Final, false);
	us_wdf_release_hardware(device);
	us_wdf_unlock(device->busy);
	irp->IoStatus.Status = STATUS_SUCCESS;
	return us_wdf_forward(device, irp);
}

/* -- removal ------------------------------------------------------------------------------------------------------ */

/* Down for good, as far as it is up; nothing waits in a queue any more. */
static void take_down(struct us_wdf_device *device)
{
	us_wdf_interfaces_enable(device, false);
	us_wdf_idle_stop(device);
	us_wdf_power_down(device, WdfPowerDeviceD3Final, true);
	us_wdf_release_hardware(device);
	us_wdf_queues_purge_all(device);
	us_wdf_self_managed_end(device, false);
}

/* EvtDeviceSurpriseRemoval comes without waiting for what the device is doing just now, as documented. */
static NTSTATUS surprise(struct us_wdf_device *device, PIRP irp)
{
	device->removed = true;
	device->pnp_state = WdfDevStatePnpSurpriseRemove;
	if (device->pnp.EvtDeviceSurpriseRemoval)
		US_CALL_VOID("EvtDeviceSurpriseRemoval", device->pnp.EvtDeviceSurpriseRemoval, (WDFDEVICE)device);
	us_wdf_lock(device->busy);
	take_down(device);
	us_wdf_unlock(device->busy);
	irp->IoStatus.Status = STATUS_SUCCESS;
	return us_wdf_forward(device, irp);
}

/* The device object goes: the driver's cleanup callbacks, those below hear of it, off the stack. */
static NTSTATUS remove_device(struct us_wdf_device *device, PIRP irp)
{
	PDEVICE_OBJECT attached = device->attached;
	NTSTATUS status;

	us_wdf_lock(device->busy);
	take_down(device);
	us_wdf_self_managed_end(device, true);
	device->pnp_state = WdfDevStatePnpRemoved;
	us_wdf_unlock(device->busy);
	if (device->child)
		return us_wdf_child_removed(device, irp);
	us_wdf_delete(&device->object);
	irp->IoStatus.Status = STATUS_SUCCESS;
	IoSkipCurrentIrpStackLocation(irp);
	status = IoCallDriver(attached, irp);
	us_wdf_device_detach(device);
	return status;
}

/* -- what the PnP manager asks ------------------------------------------------------------------------------------ */

static void set_bit(BOOLEAN *bit, WDF_TRI_STATE state)
{
	if (state != WdfUseDefault)
		*bit = state == WdfTrue;
}

#define SET_CAPABILITY(to, from, name)                                                                                 \
	do {                                                                                                           \
		if ((from)->name != WdfUseDefault)                                                                     \
			(to)->name = (from)->name == WdfTrue;                                                          \
	} while (0)

static void add_pnp_capabilities(const WDF_DEVICE_PNP_CAPABILITIES *from, PDEVICE_CAPABILITIES to)
{
	SET_CAPABILITY(to, from, LockSupported);
	SET_CAPABILITY(to, from, EjectSupported);
	SET_CAPABILITY(to, from, Removable);
	SET_CAPABILITY(to, from, DockDevice);
	SET_CAPABILITY(to, from, UniqueID);
	SET_CAPABILITY(to, from, SilentInstall);
	SET_CAPABILITY(to, from, SurpriseRemovalOK);
	SET_CAPABILITY(to, from, HardwareDisabled);
	SET_CAPABILITY(to, from, NoDisplayInUI);
	if (from->Address != (ULONG)-1)
		to->Address = from->Address;
	if (from->UINumber != (ULONG)-1)
		to->UINumber = from->UINumber;
}

static void add_power_capabilities(const WDF_DEVICE_POWER_CAPABILITIES *from, PDEVICE_CAPABILITIES to)
{
	unsigned i;

	SET_CAPABILITY(to, from, DeviceD1);
	SET_CAPABILITY(to, from, DeviceD2);
	SET_CAPABILITY(to, from, WakeFromD0);
	SET_CAPABILITY(to, from, WakeFromD1);
	SET_CAPABILITY(to, from, WakeFromD2);
	SET_CAPABILITY(to, from, WakeFromD3);
	for (i = 0; i < PowerSystemMaximum; i++)
		if (from->DeviceState[i] != PowerDeviceMaximum)
			to->DeviceState[i] = from->DeviceState[i];
	if (from->DeviceWake != PowerDeviceMaximum)
		to->DeviceWake = from->DeviceWake;
	if (from->SystemWake != PowerSystemMaximum)
		to->SystemWake = from->SystemWake;
	if (from->D1Latency != (ULONG)-1)
		to->D1Latency = from->D1Latency;
	if (from->D2Latency != (ULONG)-1)
		to->D2Latency = from->D2Latency;
	if (from->D3Latency != (ULONG)-1)
		to->D3Latency = from->D3Latency;
}

static NTSTATUS query_capabilities(struct us_wdf_device *device, PIRP irp)
{
	PDEVICE_CAPABILITIES capabilities =
		IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceCapabilities.Capabilities;
	NTSTATUS status = us_wdf_forward_and_wait(device, irp);

	if (NT_SUCCESS(status)) {
		add_pnp_capabilities(&device->pnp_capabilities, capabilities);
		add_power_capabilities(&device->power_capabilities, capabilities);
	}
	return us_wdf_complete(irp, status);
}

static void set_flag(ULONG_PTR *flags, WDF_TRI_STATE state, ULONG flag)
{
	BOOLEAN bit = (*flags & flag) != 0;

	set_bit(&bit, state);
	*flags = bit ? *flags | flag : *flags & ~(ULONG_PTR)flag;
}

static NTSTATUS query_state(struct us_wdf_device *device, PIRP irp)
{
	ULONG_PTR flags;

	irp->IoStatus.Status = STATUS_SUCCESS;
	us_wdf_forward_and_wait(device, irp);
	flags = irp->IoStatus.Information;
	set_flag(&flags, device->state.Disabled, PNP_DEVICE_DISABLED);
	set_flag(&flags, device->state.DontDisplayInUI, PNP_DEVICE_DONT_DISPLAY_IN_UI);
	set_flag(&flags, device->state.Failed, PNP_DEVICE_FAILED);
	set_flag(&flags, device->state.NotDisableable, PNP_DEVICE_NOT_DISABLEABLE);
	set_flag(&flags, device->state.Removed, PNP_DEVICE_REMOVED);
	set_flag(&flags, device->state.ResourcesChanged, PNP_DEVICE_RESOURCE_REQUIREMENTS_CHANGED);
	if (device->failed)
		flags |= PNP_DEVICE_FAILED;
	if (device->special_files > 0)
		flags |= PNP_DEVICE_NOT_DISABLEABLE;
	irp->IoStatus.Information = flags;
	return us_wdf_complete(irp, STATUS_SUCCESS);
}

/* Paging, hibernation and dump files are opened on the device, or closed. */
static NTSTATUS usage_notification(struct us_wdf_device *device, PIRP irp)
{
	PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(irp);
	WDF_SPECIAL_FILE_TYPE type = (WDF_SPECIAL_FILE_TYPE)sp->Parameters.UsageNotification.Type;
	BOOLEAN in_path = sp->Parameters.UsageNotification.InPath;
	NTSTATUS status = STATUS_SUCCESS;

	if (type <= WdfSpecialFileUndefined || type >= WdfSpecialFileMax)
		return us_wdf_forward(device, irp);
	if (in_path && !device->special[type] && !device->filter)
		return us_wdf_complete(irp, STATUS_NOT_IMPLEMENTED);
	if (device->pnp.EvtDeviceUsageNotificationEx)
		status = US_CALL("EvtDeviceUsageNotificationEx", device->pnp.EvtDeviceUsageNotificationEx,
				 (WDFDEVICE)device, type, in_path);
	if (!NT_SUCCESS(status))
		return us_wdf_complete(irp, status);
	irp->IoStatus.Status = STATUS_SUCCESS;
	status = us_wdf_forward_and_wait(device, irp);
	if (NT_SUCCESS(status)) {
		device->special_files += in_path ? 1 : -1;
		if (device->pnp.EvtDeviceUsageNotification)
			US_CALL_VOID("EvtDeviceUsageNotification", device->pnp.EvtDeviceUsageNotification,
				     (WDFDEVICE)device, type, in_path);
	}
	return us_wdf_complete(irp, status);
}

static NTSTATUS query_relations(struct us_wdf_device *device, PIRP irp)
{
	DEVICE_RELATION_TYPE type = IoGetCurrentIrpStackLocation(irp)->Parameters.QueryDeviceRelations.Type;

	NTSTATUS status = STATUS_SUCCESS;

	if (device->pnp.EvtDeviceRelationsQuery)
		US_CALL_VOID("EvtDeviceRelationsQuery", device->pnp.EvtDeviceRelationsQuery, (WDFDEVICE)device, type);
	if (type == BusRelations)
		status = us_wdf_child_relations(device, irp);
	if (!NT_SUCCESS(status))
		return us_wdf_complete(irp, status);
	return us_wdf_forward(device, irp);
}

NTSTATUS us_wdf_dispatch_pnp(struct us_wdf_device *device, PIRP irp)
{
	switch (IoGetCurrentIrpStackLocation(irp)->MinorFunction) {
	case IRP_MN_START_DEVICE:
		return start(device, irp);
	case IRP_MN_QUERY_STOP_DEVICE:
		return query_stop(device, irp);
	case IRP_MN_CANCEL_STOP_DEVICE:
	case IRP_MN_CANCEL_REMOVE_DEVICE:
		return cancel_query(device, irp);
	case IRP_MN_STOP_DEVICE:
		return stop(device, irp);
	case IRP_MN_QUERY_REMOVE_DEVICE:
		return query_remove(device, irp);
	case IRP_MN_SURPRISE_REMOVAL:
		return surprise(device, irp);
	case IRP_MN_REMOVE_DEVICE:
		return remove_device(device, irp);
	case IRP_MN_QUERY_CAPABILITIES:
		return query_capabilities(device, irp);
	case IRP_MN_QUERY_PNP_DEVICE_STATE:
		return query_state(device, irp);
	case IRP_MN_DEVICE_USAGE_NOTIFICATION:
		return usage_notification(device, irp);
	case IRP_MN_QUERY_DEVICE_RELATIONS:
		return query_relations(device, irp);
	case IRP_MN_QUERY_INTERFACE:
		return us_wdf_query_interface(device, irp);
	case IRP_MN_FILTER_RESOURCE_REQUIREMENTS:
		return us_wdf_filter_requirements(device, irp);
	default:
		return us_wdf_forward(device, irp);
	}
}
