/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sequence of callbacks that takes a device up to full operation, and down again. Sources: Microsoft, "A User Plugs
 * in a Device", "A User Unplugs a Device", "A Device Enters a Low-Power State", "A Device Returns to Its Working
 * State".
 *
 *     up      EvtDevicePrepareHardware; EvtDeviceD0Entry, interrupts (EvtInterruptEnable),
 *             EvtDeviceD0EntryPostInterruptsEnabled, DMA, power-managed queues,
 *             EvtDeviceSelfManagedIoInit or -Restart
 *     down    the reverse of it, from wherever it is: what failed on the way up has no counterpart, except that
 *             EvtDeviceReleaseHardware follows an EvtDevicePrepareHardware that failed
 */
#include "nt/kmdf/child.h"
#include "nt/kmdf/kmdf.h"
#include "nt/trace.h"

#define CALL(device, name, ...)                                                                                        \
	((device)->pnp.name ? US_CALL(#name, (device)->pnp.name, (WDFDEVICE)(device), __VA_ARGS__) : STATUS_SUCCESS)
#define CALL_SIMPLY(device, name)                                                                                      \
	((device)->pnp.name ? US_CALL(#name, (device)->pnp.name, (WDFDEVICE)(device)) : STATUS_SUCCESS)

/* -- hardware ----------------------------------------------------------------------------------------------------- */

static void drop_lists(struct us_wdf_device *device)
{
	if (device->raw)
		us_wdf_delete(device->raw);
	if (device->translated)
		us_wdf_delete(device->translated);
	device->raw = device->translated = NULL;
}

NTSTATUS us_wdf_prepare_hardware(struct us_wdf_device *device)
{
	NTSTATUS status = us_wdf_cm_list_new(device, device->raw_list, &device->raw);

	if (NT_SUCCESS(status))
		status = us_wdf_cm_list_new(device, device->translated_list, &device->translated);
	if (!NT_SUCCESS(status)) {
		drop_lists(device);
		return status;
	}
	us_wdf_interrupts_assign(device);
	device->up = US_WDF_UP_HARDWARE;
	device->preparing = true;
	status = CALL(device, EvtDevicePrepareHardware, (WDFCMRESLIST)device->raw, (WDFCMRESLIST)device->translated);
	device->preparing = false;
	/* That one would say to the PnP manager that nobody has looked at the IRP. */
	return status == STATUS_NOT_SUPPORTED ? STATUS_UNSUCCESSFUL : status;
}

void us_wdf_release_hardware(struct us_wdf_device *device)
{
	NTSTATUS status;

	if (device->up < US_WDF_UP_HARDWARE)
		return;
	device->up = US_WDF_UP_NOTHING;
	status = CALL(device, EvtDeviceReleaseHardware, (WDFCMRESLIST)device->translated);
	if (!NT_SUCCESS(status))
		us_nt_trace("note      EvtDeviceReleaseHardware failed: %#x", (unsigned)status);
	us_wdf_interrupts_release(device);
	drop_lists(device);
}

/* -- up ----------------------------------------------------------------------------------------------------------- */

static NTSTATUS start_self_managed(struct us_wdf_device *device)
{
	if (device->self_managed)
		return CALL_SIMPLY(device, EvtDeviceSelfManagedIoRestart);
	device->self_managed = true;
	return CALL_SIMPLY(device, EvtDeviceSelfManagedIoInit);
}

static NTSTATUS climb(struct us_wdf_device *device, WDF_POWER_DEVICE_STATE previous)
{
	NTSTATUS status = CALL(device, EvtDeviceD0Entry, previous);

	if (!NT_SUCCESS(status))
		return status;
	device->up = US_WDF_UP_D0;
	status = us_wdf_interrupts_connect(device);
	device->up = US_WDF_UP_INTERRUPTS; /* also those that were connected before one failed */
	if (NT_SUCCESS(status))
		status = CALL(device, EvtDeviceD0EntryPostInterruptsEnabled, previous);
	if (!NT_SUCCESS(status))
		return status;
	device->up = US_WDF_UP_POST_INTERRUPTS;
	status = us_wdf_dma_power_up(device);
	device->up = US_WDF_UP_DMA;
	if (!NT_SUCCESS(status))
		return status;
	us_wdf_child_lists_scan(device);
	device->in_d0 = true;
	device->up = US_WDF_UP_QUEUES;
	us_wdf_queues_power_up(device);
	status = start_self_managed(device);
	if (NT_SUCCESS(status))
		device->up = US_WDF_UP_IO;
	return status;
}

NTSTATUS us_wdf_power_up(struct us_wdf_device *device, WDF_POWER_DEVICE_STATE previous)
{
	NTSTATUS status = climb(device, previous);

	if (NT_SUCCESS(status)) {
		device->power_state = WdfDevStatePowerD0;
		us_nt_trace("note      %s is in D0", us_wdf_name(device));
		return status;
	}
	us_nt_trace("note      %s does not come to D0: %#x", us_wdf_name(device), (unsigned)status);
	us_wdf_power_down(device, WdfPowerDeviceD3Final, true);
	return status;
}

/* -- down --------------------------------------------------------------------------------------------------------- */

static void keep_first(NTSTATUS *status, NTSTATUS next)
{
	if (NT_SUCCESS(*status))
		*status = next;
}

/* Queues stop; the requests that the driver has of them are given back or kept. `gone`: for good. */
static void stop_queues(struct us_wdf_device *device, bool gone)
{
	device->in_d0 = false;
	us_wdf_queues_power_down(device, gone);
}

/* Self-managed I/O before the queues, unless the device was pulled out: then after them. */
static NTSTATUS stop_io(struct us_wdf_device *device, enum us_wdf_up up, bool gone)
{
	bool self_managed = up >= US_WDF_UP_IO;
	NTSTATUS status = STATUS_SUCCESS;

	if (self_managed && !device->removed)
		status = CALL_SIMPLY(device, EvtDeviceSelfManagedIoSuspend);
	stop_queues(device, gone);
	if (self_managed && device->removed)
		status = CALL_SIMPLY(device, EvtDeviceSelfManagedIoSuspend);
	return status;
}

NTSTATUS us_wdf_power_down(struct us_wdf_device *device, WDF_POWER_DEVICE_STATE target, bool gone)
{
	enum us_wdf_up up = device->up;
	NTSTATUS status = STATUS_SUCCESS;

	if (up < US_WDF_UP_D0) {
		/* Requests that wait for D0 wait in vain. */
		if (gone)
			us_wdf_queues_power_down(device, true);
		return status;
	}
	device->up = US_WDF_UP_HARDWARE;
	device->power_state = WdfDevStatePowerDx;
	if (up >= US_WDF_UP_QUEUES)
		status = stop_io(device, up, gone);
	if (up >= US_WDF_UP_DMA)
		keep_first(&status, us_wdf_dma_power_down(device));
	if (up >= US_WDF_UP_POST_INTERRUPTS)
		keep_first(&status, CALL(device, EvtDeviceD0ExitPreInterruptsDisabled, target));
	if (up >= US_WDF_UP_INTERRUPTS)
		us_wdf_interrupts_disconnect(device);
	keep_first(&status, CALL(device, EvtDeviceD0Exit, target));
	us_nt_trace("note      %s is out of D0", us_wdf_name(device));
	return status;
}

void us_wdf_self_managed_end(struct us_wdf_device *device, bool cleanup)
{
	if (!device->self_managed)
		return;
	if (cleanup) {
		device->self_managed = false;
		if (device->pnp.EvtDeviceSelfManagedIoCleanup)
			US_CALL_VOID("EvtDeviceSelfManagedIoCleanup", device->pnp.EvtDeviceSelfManagedIoCleanup,
				     (WDFDEVICE)device);
	} else if (!device->flushed) {
		device->flushed = true;
		if (device->pnp.EvtDeviceSelfManagedIoFlush)
			US_CALL_VOID("EvtDeviceSelfManagedIoFlush", device->pnp.EvtDeviceSelfManagedIoFlush,
				     (WDFDEVICE)device);
	}
}
