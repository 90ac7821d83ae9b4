/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power: the system's and the device's power IRPs. The power policy owner answers a system power IRP by a device power
 * IRP of its own, which takes the device down or up, and passes the system's on when that has ended.
 */
#include "nt/kernel.h"
#include "nt/kmdf/kmdf.h"
#include "nt/sched.h"
#include "nt/trace.h"

/* -- device power IRPs -------------------------------------------------------------------------------------------- */

static WDF_POWER_DEVICE_STATE wdf_state(const struct us_wdf_device *device, DEVICE_POWER_STATE state)
{
	if (state == PowerDeviceD3 && device->system_action >= PowerActionShutdown &&
	    device->system_action <= PowerActionShutdownOff)
		return WdfPowerDeviceD3Final;
	return (WDF_POWER_DEVICE_STATE)state;
}

static NTSTATUS to_d0(struct us_wdf_device *device, PIRP irp)
{
	NTSTATUS status = us_wdf_forward_and_wait(device, irp);

	if (NT_SUCCESS(status) && device->up == US_WDF_UP_HARDWARE) {
		NTSTATUS climbed = us_wdf_power_up(device, device->low_state);

		if (!NT_SUCCESS(climbed))
			us_wdf_device_fail(device);
	}
	return us_wdf_complete(irp, status);
}

static NTSTATUS to_sleep(struct us_wdf_device *device, PIRP irp, DEVICE_POWER_STATE state)
{
	NTSTATUS status;

	device->low_state = wdf_state(device, state);
	status = us_wdf_power_down(device, device->low_state, false);
	if (!NT_SUCCESS(status))
		us_wdf_device_fail(device);
	irp->IoStatus.Status = STATUS_SUCCESS;
	return us_wdf_forward(device, irp);
}

/* Who asked for it holds `busy` if that is the framework; another driver that owns the policy does not. */
static NTSTATUS device_power(struct us_wdf_device *device, PIRP irp)
{
	DEVICE_POWER_STATE state = IoGetCurrentIrpStackLocation(irp)->Parameters.Power.State.DeviceState;
	struct us_wdf_lock *lock = device->power_policy_owner ? NULL : device->busy;
	NTSTATUS status;

	us_wdf_lock(lock);
	status = state == PowerDeviceD0 ? to_d0(device, irp) : to_sleep(device, irp, state);
	us_wdf_unlock(lock);
	return status;
}

static void NTAPI device_power_done(PDEVICE_OBJECT wdm, UCHAR minor, POWER_STATE state, PVOID context,
				    PIO_STATUS_BLOCK io)
{
	struct us_wdf_power_request *request = context;

	(void)wdm, (void)minor, (void)state;
	request->status = io->Status;
	KeSetEvent(&request->done, IO_NO_INCREMENT, FALSE);
}

NTSTATUS us_wdf_request_power(struct us_wdf_device *device, DEVICE_POWER_STATE state)
{
	struct us_wdf_power_request request = {0};
	POWER_STATE wanted = {.DeviceState = state};
	NTSTATUS status;

	KeInitializeEvent(&request.done, NotificationEvent, FALSE);
	status = PoRequestPowerIrp(device->pdo, IRP_MN_SET_POWER, wanted, device_power_done, &request, NULL);
	if (status != STATUS_PENDING)
		return status;
	KeWaitForSingleObject(&request.done, Executive, KernelMode, FALSE, NULL);
	return request.status;
}

/* -- system power IRPs -------------------------------------------------------------------------------------------- */

static void sleep_with_system(struct us_wdf_device *device)
{
	if (device->up > US_WDF_UP_HARDWARE)
		us_wdf_request_power(device, us_wdf_sleep_state(device));
}

static void wake_with_system(struct us_wdf_device *device)
{
	if (device->up == US_WDF_UP_HARDWARE && us_wdf_idle_wakes_with_system(device))
		us_wdf_request_power(device, PowerDeviceD0);
}

static NTSTATUS system_power(struct us_wdf_device *device, PIRP irp)
{
	PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(irp);

	us_wdf_lock(device->busy);
	device->system_action = sp->Parameters.Power.ShutdownType;
	device->system_state = sp->Parameters.Power.State.SystemState;
	if (device->system_state == PowerSystemWorking)
		wake_with_system(device);
	else
		sleep_with_system(device);
	if (device->system_state == PowerSystemWorking)
		device->system_action = PowerActionNone;
	us_wdf_unlock(device->busy);
	irp->IoStatus.Status = STATUS_SUCCESS;
	return us_wdf_forward(device, irp);
}

static NTSTATUS set_power(struct us_wdf_device *device, PIRP irp)
{
	if (IoGetCurrentIrpStackLocation(irp)->Parameters.Power.Type == DevicePowerState)
		return device_power(device, irp);
	if (!device->power_policy_owner) {
		irp->IoStatus.Status = STATUS_SUCCESS;
		return us_wdf_forward(device, irp);
	}
	return system_power(device, irp);
}

/* An IRP that came above PASSIVE_LEVEL, where no callback of the device may be called. */
static void set_power_later(struct us_wdf_later *later)
{
	struct us_wdf_device *device = CONTAINING_RECORD(later, struct us_wdf_device, power_later);
	PIRP irp = device->power_irp;

	device->power_irp = NULL;
	set_power(device, irp);
	us_wdf_dereference(&device->object);
}

NTSTATUS us_wdf_dispatch_power(struct us_wdf_device *device, PIRP irp)
{
	switch (IoGetCurrentIrpStackLocation(irp)->MinorFunction) {
	case IRP_MN_SET_POWER:
		if (us_nt_irql() == PASSIVE_LEVEL)
			return set_power(device, irp);
		IoMarkIrpPending(irp);
		us_wdf_reference(&device->object);
		device->power_irp = irp;
		device->power_later.run = set_power_later;
		us_wdf_later(&device->power_later);
		return STATUS_PENDING;
	case IRP_MN_QUERY_POWER:
		irp->IoStatus.Status = STATUS_SUCCESS;
		return us_wdf_forward(device, irp);
	default:
		return us_wdf_forward(device, irp);
	}
}
