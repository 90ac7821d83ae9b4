/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sleeping while the system works: the idle settings of a device that owns its power policy.
 *
 * A device is busy while something holds a power reference: each request in a power-managed queue, and the driver
 * itself (WdfDeviceStopIdle). When the last is gone the idle time begins, and when that is over the framework's own
 * thread takes the device down; the next reference lets it take the device up again.
 */
#include "nt/kernel.h"
#include "nt/kmdf/kmdf.h"
#include "nt/sched.h"
#include "nt/trace.h"

#define DEFAULT_TIMEOUT_MS 5000

struct us_wdf_idle {
	struct us_wdf_device *device;
	WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS settings;
	bool has_settings;
	bool started; /* the device is, and may idle */
	bool down; /* it sleeps because it is idle */
	LONG stops; /* power references of WdfDeviceStopIdle */
	struct us_alarm alarm;
	struct us_wdf_later later;
	bool queued; /* later is */
	struct us_thread *waiting[16]; /* for D0 */
	unsigned nwaiting;
};

static struct us_wdf_idle *idle_of(struct us_wdf_device *device)
{
	if (!device->idle) {
		device->idle = us_nt_alloc(sizeof(*device->idle));
		device->idle->device = device;
	}
	return device->idle;
}

static bool may_idle(const struct us_wdf_idle *idle)
{
	return idle->started && idle->has_settings && idle->settings.Enabled != WdfFalse;
}

/* -- down and up -------------------------------------------------------------------------------------------------- */

static void wake_waiting(struct us_wdf_idle *idle)
{
	while (idle->nwaiting)
		us_nt_wake(idle->waiting[--idle->nwaiting], STATUS_SUCCESS);
}

/* In the framework's own thread: makes the device's state what it should be now. */
static void settle(struct us_wdf_later *later)
{
	struct us_wdf_idle *idle = CONTAINING_RECORD(later, struct us_wdf_idle, later);
	struct us_wdf_device *device = idle->device;

	idle->queued = false;
	us_wdf_lock(device->busy);
	if (may_idle(idle) && device->system_state == PowerSystemWorking && !device->failed) {
		if (device->power_references == 0 && device->up == US_WDF_UP_IO) {
			idle->down = true;
			us_nt_trace("note      %s is idle", us_wdf_name(device));
			us_wdf_request_power(device, idle->settings.DxState == PowerDeviceMaximum
							     ? PowerDeviceD3
							     : idle->settings.DxState);
		}
		if (device->power_references > 0 && idle->down) {
			idle->down = false;
			us_wdf_request_power(device, PowerDeviceD0);
		}
	}
	us_wdf_unlock(device->busy);
	wake_waiting(idle);
	us_wdf_dereference(&device->object);
}

static void settle_soon(struct us_wdf_idle *idle)
{
	if (idle->queued)
		return;
	idle->queued = true;
	us_wdf_reference(&idle->device->object);
	idle->later.run = settle;
	us_wdf_later(&idle->later);
}

static void time_is_over(struct us_alarm *alarm)
{
	settle_soon(CONTAINING_RECORD(alarm, struct us_wdf_idle, alarm));
}

static void begin_idle_time(struct us_wdf_idle *idle)
{
	ULONG ms = idle->settings.IdleTimeout ? idle->settings.IdleTimeout : DEFAULT_TIMEOUT_MS;

	if (!may_idle(idle))
		return;
	idle->alarm.fire = time_is_over;
	us_nt_alarm_set(&idle->alarm, us_nt_now() + ms * UINT64_C(1000000));
}

void us_wdf_power_reference(struct us_wdf_device *device)
{
	struct us_wdf_idle *idle = device->idle;

	if (device->power_references++ > 0 || !idle)
		return;
	us_nt_alarm_cancel(&idle->alarm);
	if (idle->down)
		settle_soon(idle);
}

void us_wdf_power_dereference(struct us_wdf_device *device)
{
	if (--device->power_references == 0 && device->idle)
		begin_idle_time(device->idle);
}

void us_wdf_idle_start(struct us_wdf_device *device)
{
	struct us_wdf_idle *idle = device->idle;

	if (!idle)
		return;
	idle->started = true;
	idle->down = false;
	if (device->power_references == 0)
		begin_idle_time(idle);
}

void us_wdf_idle_stop(struct us_wdf_device *device)
{
	struct us_wdf_idle *idle = device->idle;

	if (!idle)
		return;
	idle->started = false;
	idle->down = false;
	us_nt_alarm_cancel(&idle->alarm);
	wake_waiting(idle);
}

void us_wdf_idle_free(struct us_wdf_device *device)
{
	if (device->idle)
		us_nt_alarm_cancel(&device->idle->alarm);
	us_nt_free(device->idle);
	device->idle = NULL;
}

bool us_wdf_idle_wakes_with_system(struct us_wdf_device *device)
{
	struct us_wdf_idle *idle = device->idle;

	if (!idle || !idle->down)
		return true;
	if (device->power_references == 0 && idle->settings.PowerUpIdleDeviceOnSystemWake != WdfTrue)
		return false;
	idle->down = false;
	return true;
}

DEVICE_POWER_STATE us_wdf_sleep_state(struct us_wdf_device *device)
{
	(void)device; /* wake settings, which may ask for a lighter sleep, are refused below */
	return PowerDeviceD3;
}

/* -- settings ----------------------------------------------------------------------------------------------------- */

/* From which state the bus says that the device can wake: PowerDeviceUnspecified, from none. */
static DEVICE_POWER_STATE wakes_from(struct us_wdf_device *device)
{
	DEVICE_CAPABILITIES capabilities = {.Size = sizeof(capabilities), .Version = 1};
	PIO_STACK_LOCATION sp;
	NTSTATUS status;
	PIRP irp;

	irp = IoAllocateIrp(device->attached->StackSize, FALSE);
	if (!irp)
		return PowerDeviceUnspecified;
	capabilities.Address = capabilities.UINumber = (ULONG)-1;
	irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
	sp = IoGetNextIrpStackLocation(irp);
	sp->MajorFunction = IRP_MJ_PNP;
	sp->MinorFunction = IRP_MN_QUERY_CAPABILITIES;
	sp->Parameters.DeviceCapabilities.Capabilities = &capabilities;
	status = us_nt_io_call_and_wait(device->attached, irp);
	IoFreeIrp(irp);
	return NT_SUCCESS(status) ? capabilities.DeviceWake : PowerDeviceUnspecified;
}

/* The stage's bus wakes nothing; for one that says it does, arming and the wait/wake IRP would have to be there. */
static NTSTATUS check_wake(struct us_wdf_device *device)
{
	if (wakes_from(device) != PowerDeviceUnspecified)
		us_nt_unsupported("wake settings for a device that its bus can wake");
	return STATUS_POWER_STATE_INVALID;
}

static NTSTATUS NTAPI assign_s0_idle(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle,
				     PWDF_DEVICE_POWER_POLICY_IDLE_SETTINGS settings)
{
	struct us_wdf_device *device = us_wdf_from(handle, &us_wdf_device_type);
	WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS taken;
	struct us_wdf_idle *idle;

	(void)globals;
	us_wdf_need(settings, "WdfDeviceAssignS0IdleSettings", "Settings");
	WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS_INIT(&taken, IdleCannotWakeFromS0);
	if (!us_wdf_take(&taken, settings))
		return STATUS_INFO_LENGTH_MISMATCH;
	if (!device->power_policy_owner)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (taken.IdleCaps < IdleCannotWakeFromS0 || taken.IdleCaps > IdleUsbSelectiveSuspend ||
	    taken.Enabled > WdfUseDefault || taken.DxState < PowerDeviceD1 || taken.DxState > PowerDeviceMaximum ||
	    taken.IdleTimeoutType > SystemManagedIdleTimeoutWithHint)
		return STATUS_INVALID_PARAMETER;
	if (taken.IdleCaps != IdleCannotWakeFromS0)
		return check_wake(device);
	if (taken.IdleTimeoutType != DriverManagedIdleTimeout)
		us_nt_unsupported("WdfDeviceAssignS0IdleSettings with an idle time that the system manages");
	idle = idle_of(device);
	idle->settings = taken;
	idle->has_settings = true;
	us_nt_alarm_cancel(&idle->alarm);
	if (device->power_references == 0)
		begin_idle_time(idle);
	else if (idle->down)
		settle_soon(idle);
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI assign_sx_wake(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle,
				     PWDF_DEVICE_POWER_POLICY_WAKE_SETTINGS settings)
{
	struct us_wdf_device *device = us_wdf_from(handle, &us_wdf_device_type);
	WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS taken;

	(void)globals;
	us_wdf_need(settings, "WdfDeviceAssignSxWakeSettings", "Settings");
	WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS_INIT(&taken);
	if (!us_wdf_take(&taken, settings))
		return STATUS_INFO_LENGTH_MISMATCH;
	if (!device->power_policy_owner)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (taken.Enabled > WdfUseDefault || taken.DxState < PowerDeviceD1 || taken.DxState > PowerDeviceMaximum)
		return STATUS_INVALID_PARAMETER;
	return check_wake(device);
}

/* -- the driver keeps it awake ------------------------------------------------------------------------------------ */

static NTSTATUS stop_idle(WDFDEVICE handle, BOOLEAN wait)
{
	struct us_wdf_device *device = us_wdf_from(handle, &us_wdf_device_type);
	struct us_wdf_idle *idle;

	if (!device->power_policy_owner)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (device->failed || device->removed)
		return STATUS_POWER_STATE_INVALID;
	idle = idle_of(device);
	idle->stops++;
	us_wdf_power_reference(device);
	if (!idle->down)
		return STATUS_SUCCESS;
	if (!wait)
		return STATUS_PENDING;
	if (us_wdf_lock_is_mine(device->busy))
		us_wdf_violation(WDF_PNP_FATAL_ERROR, handle, "idle.wait-in-callback",
				 "WdfDeviceStopIdle was to wait for D0 in a power callback of %s: that waits for ever.",
				 us_wdf_name(device));
	while (idle->down) {
		if (idle->nwaiting == sizeof(idle->waiting) / sizeof(idle->waiting[0]))
			us_nt_unsupported("so many threads that wait in WdfDeviceStopIdle");
		idle->waiting[idle->nwaiting++] = us_nt_current();
		us_nt_block("%s to come to D0", us_wdf_name(device));
	}
	if (!device->failed && !device->removed)
		return STATUS_SUCCESS;
	idle->stops--;
	us_wdf_power_dereference(device);
	return STATUS_POWER_STATE_INVALID;
}

static void resume_idle(WDFDEVICE handle)
{
	struct us_wdf_device *device = us_wdf_from(handle, &us_wdf_device_type);

	if (!device->idle || device->idle->stops == 0)
		us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, handle, "idle.resume",
				 "WdfDeviceResumeIdle was called for %s more often than WdfDeviceStopIdle succeeded.",
				 us_wdf_name(device));
	device->idle->stops--;
	us_wdf_power_dereference(device);
}

static NTSTATUS NTAPI stop_idle_actual(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, BOOLEAN wait, PVOID tag,
				       LONG line, PCHAR file)
{
	(void)globals, (void)tag, (void)line, (void)file;
	return stop_idle(handle, wait);
}

static void NTAPI resume_idle_actual(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, PVOID tag, LONG line, PCHAR file)
{
	(void)globals, (void)tag, (void)line, (void)file;
	resume_idle(handle);
}

static NTSTATUS NTAPI stop_idle_no_track(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, BOOLEAN wait)
{
	(void)globals;
	return stop_idle(handle, wait);
}

static void NTAPI resume_idle_no_track(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle)
{
	(void)globals;
	resume_idle(handle);
}

void us_wdf_idle_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfDeviceAssignS0IdleSettings = assign_s0_idle;
	table->WdfDeviceAssignSxWakeSettings = assign_sx_wake;
	table->WdfDeviceStopIdleActual = stop_idle_actual;
	table->WdfDeviceResumeIdleActual = resume_idle_actual;
	table->WdfDeviceStopIdleNoTrack = stop_idle_no_track;
	table->WdfDeviceResumeIdleNoTrack = resume_idle_no_track;
}
