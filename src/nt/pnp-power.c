/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power (Microsoft, "Handling Power IRPs"): the system's state by IRPs that the power manager sends to the stack; the
 * device's by IRPs that its power policy owner asks for (PoRequestPowerIrp), one at a time; and what the bus's driver
 * does at the end of either. As since Windows Vista, PoStartNextPowerIrp has nothing to do and PoCallDriver is
 * IoCallDriver.
 */
#include "nt/io.h"
#include "nt/phys.h"
#include "nt/pnp.h"
#include "nt/trace.h"

/* A device power IRP that was asked for. */
struct request {
	struct request *next;
	struct us_irp *irp;
	PDEVICE_OBJECT top, asker;
	UCHAR minor;
	POWER_STATE state;
	PREQUEST_POWER_COMPLETE completion;
	PVOID context;
};

struct us_pnp_requests {
	struct request *first; /* the one that is under way, then those that wait */
	bool power_was_lost; /* the system slept, and took the function's power away */
	KEVENT *quiet; /* who waits for the end of all; NULL: nobody */
	unsigned sending; /* threads that are in the drivers' dispatch routines */
	KEVENT *back; /* who waits for them to come back; NULL: nobody */
};

static struct us_pnp_requests *requests(void)
{
	if (!us_nt->pnp->requests)
		us_nt->pnp->requests = us_nt_alloc(sizeof(*us_nt->pnp->requests));
	return us_nt->pnp->requests;
}

/* -- the bus's part ----------------------------------------------------------------------------------------------- */

static NTSTATUS set_device_state(DEVICE_POWER_STATE state)
{
	struct us_pnp *pnp = us_nt->pnp;

	if (state != PowerDeviceD0 && state != PowerDeviceD3)
		return STATUS_NOT_SUPPORTED; /* as its capabilities say */
	if (state == pnp->power)
		return STATUS_SUCCESS;
	us_nt_trace("note      the function goes to D%u", state == PowerDeviceD0 ? 0u : 3u);
	pnp->power = state;
	if (state == PowerDeviceD3) {
		us_pnp_to_d3();
	} else {
		us_pnp_to_d0(requests()->power_was_lost);
		requests()->power_was_lost = false;
	}
	return STATUS_SUCCESS;
}

NTSTATUS us_pnp_bus_power(PDEVICE_OBJECT device, PIRP irp)
{
	PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(irp);
	NTSTATUS status = irp->IoStatus.Status;

	(void)device;
	if (sp->MinorFunction == IRP_MN_QUERY_POWER)
		status = STATUS_SUCCESS;
	else if (sp->MinorFunction == IRP_MN_SET_POWER && sp->Parameters.Power.Type == DevicePowerState)
		status = set_device_state(sp->Parameters.Power.State.DeviceState);
	else if (sp->MinorFunction == IRP_MN_SET_POWER)
		status = STATUS_SUCCESS;
	irp->IoStatus.Status = status;
	IofCompleteRequest(irp, IO_NO_INCREMENT);
	return status;
}

/* -- IRPs that are asked for -------------------------------------------------------------------------------------- */

static void send_next(void);

static void ended(struct us_irp *known)
{
	struct request *r = known->context, **link = &requests()->first;
	bool serial = r->minor != IRP_MN_WAIT_WAKE;

	if (r->completion)
		US_CALL_VOID("PowerCompletion", r->completion, r->asker, r->minor, r->state, r->context,
			     &known->irp->IoStatus);
	while (*link && *link != r)
		link = &(*link)->next;
	if (*link)
		*link = r->next;
	us_ob_dereference(r->top);
	us_nt_free(r);
	if (serial && requests()->first)
		send_next();
	if (!requests()->first && requests()->quiet)
		KeSetEvent(requests()->quiet, IO_NO_INCREMENT, FALSE);
}

static void send(void *context)
{
	struct request *r = context;

	us_nt_trace("note      power manager sends IRP_MN_%s to D%d",
		    r->minor == IRP_MN_SET_POWER ? "SET_POWER" : "QUERY_POWER", (int)r->state.DeviceState - 1);
	requests()->sending++;
	IofCallDriver(r->top, r->irp->irp); /* which may end the request and free it */
	if (!--requests()->sending && requests()->back)
		KeSetEvent(requests()->back, IO_NO_INCREMENT, FALSE);
}

void us_nt_pnp_wait_for_senders(void)
{
	KEVENT event;

	if (!requests()->sending)
		return;
	KeInitializeEvent(&event, NotificationEvent, FALSE);
	requests()->back = &event;
	KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
	requests()->back = NULL;
}

/* From a thread of the system, since drivers take these IRPs at PASSIVE_LEVEL and ask for them at any time. */
static void send_in_thread(struct request *r)
{
	if (!us_nt_thread_create("power", 10, send, r))
		us_nt_stop(US_NT_FAILED, "", "No memory for the thread that sends a power IRP.");
}

static void send_next(void)
{
	send_in_thread(requests()->first);
}

NTSTATUS NTAPI PoRequestPowerIrp(PDEVICE_OBJECT device, UCHAR minor, POWER_STATE state,
				 PREQUEST_POWER_COMPLETE completion, PVOID context, PIRP *irp)
{
	PDEVICE_OBJECT top = IoGetAttachedDevice(device);
	struct request *r, **end = &requests()->first;
	PIO_STACK_LOCATION sp;

	if (minor != IRP_MN_SET_POWER && minor != IRP_MN_QUERY_POWER && minor != IRP_MN_WAIT_WAKE)
		return STATUS_INVALID_PARAMETER_2;
	r = us_nt_alloc(sizeof(*r));
	r->irp = us_irp_new(top->StackSize, ended, r);
	if (!r->irp) {
		us_nt_free(r);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	*r = (struct request){.irp = r->irp,
			      .top = top,
			      .asker = device,
			      .minor = minor,
			      .state = state,
			      .completion = completion,
			      .context = context};
	us_ob_reference(top);
	r->irp->irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
	sp = IoGetNextIrpStackLocation(r->irp->irp);
	sp->MajorFunction = IRP_MJ_POWER;
	sp->MinorFunction = minor;
	if (minor == IRP_MN_WAIT_WAKE) {
		sp->Parameters.WaitWake.PowerState = state.SystemState;
	} else {
		sp->Parameters.Power.Type = DevicePowerState;
		sp->Parameters.Power.State = state;
	}
	if (irp)
		*irp = r->irp->irp;
	if (minor == IRP_MN_WAIT_WAKE) {
		send_in_thread(r);
		return STATUS_PENDING;
	}
	while (*end)
		end = &(*end)->next;
	*end = r;
	if (requests()->first == r)
		send_next();
	return STATUS_PENDING;
}

/* -- the system --------------------------------------------------------------------------------------------------- */

static NTSTATUS send_system(UCHAR minor, SYSTEM_POWER_STATE state)
{
	PDEVICE_OBJECT top = IoGetAttachedDevice(us_nt->pnp->pdo);
	struct us_irp *known = us_irp_new(top->StackSize, NULL, NULL);
	PIO_STACK_LOCATION sp;
	NTSTATUS status;

	if (!known)
		return STATUS_INSUFFICIENT_RESOURCES;
	known->irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
	sp = IoGetNextIrpStackLocation(known->irp);
	sp->MajorFunction = IRP_MJ_POWER;
	sp->MinorFunction = minor;
	sp->Parameters.Power.Type = SystemPowerState;
	sp->Parameters.Power.State.SystemState = state;
	sp->Parameters.Power.ShutdownType = state == PowerSystemWorking ? PowerActionNone : PowerActionSleep;
	us_nt_trace("note      power manager sends IRP_MN_%s to S%d",
		    minor == IRP_MN_SET_POWER ? "SET_POWER" : "QUERY_POWER", (int)state - 1);
	us_ob_reference(top);
	status = us_nt_io_call_and_wait(top, known->irp);
	us_irp_free(known);
	us_ob_dereference(top);
	return status;
}

static void wait_for_quiet(void)
{
	KEVENT event;

	if (!requests()->first)
		return;
	KeInitializeEvent(&event, NotificationEvent, FALSE);
	requests()->quiet = &event;
	KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
	requests()->quiet = NULL;
}

static NTSTATUS go_to(SYSTEM_POWER_STATE state)
{
	struct us_pnp *pnp = us_nt->pnp;
	NTSTATUS status = STATUS_SUCCESS;

	if (state == pnp->system)
		return STATUS_SUCCESS;
	if (pnp->state != US_PNP_STARTED) {
		pnp->system = state;
		return STATUS_SUCCESS;
	}
	if (state != PowerSystemWorking) {
		status = send_system(IRP_MN_QUERY_POWER, state);
		if (!NT_SUCCESS(status)) {
			send_system(IRP_MN_SET_POWER, PowerSystemWorking);
			return status;
		}
		pnp->system = state;
	}
	status = send_system(IRP_MN_SET_POWER, state);
	wait_for_quiet();
	if (!NT_SUCCESS(status))
		us_nt_bugcheck(US_BUGCHECK_IO, US_IO_OWN + 0x1c, IRP_MN_SET_POWER, (uint32_t)status, 0,
			       "power.must-succeed",
			       "IRP_MN_SET_POWER for the system came back with %#x; a driver must not fail it.",
			       (unsigned)status);
	if (state != PowerSystemWorking) {
		requests()->power_was_lost = true;
		if (pnp->power == PowerDeviceD0) /* nobody asked: the power goes all the same */
			set_device_state(PowerDeviceD3);
		return STATUS_SUCCESS;
	}
	pnp->system = state;
	us_nt_pnp_settle();
	return STATUS_SUCCESS;
}

NTSTATUS us_nt_pnp_power(SYSTEM_POWER_STATE state)
{
	NTSTATUS status;

	us_pnp_enter();
	status = go_to(state);
	us_pnp_leave();
	return status;
}

/* -- the rest ----------------------------------------------------------------------------------------------------- */

NTSTATUS NTAPI PoCallDriver(PDEVICE_OBJECT device, PIRP irp)
{
	return IofCallDriver(device, irp);
}

VOID NTAPI PoStartNextPowerIrp(PIRP irp)
{
	(void)irp;
}

POWER_STATE NTAPI PoSetPowerState(PDEVICE_OBJECT device, POWER_STATE_TYPE type, POWER_STATE state)
{
	POWER_STATE old = state;

	us_io_device(device);
	if (type == DevicePowerState) {
		old.DeviceState = us_nt->pnp->power;
		us_nt_trace("note      the driver says that its device is in D%d", (int)state.DeviceState - 1);
	}
	return old;
}

PULONG NTAPI PoRegisterDeviceForIdleDetection(PDEVICE_OBJECT device, ULONG conservation, ULONG performance,
					      DEVICE_POWER_STATE state)
{
	(void)device;
	(void)state;
	if (conservation || performance)
		us_nt_unsupported(
			"PoRegisterDeviceForIdleDetection with %u and %u seconds: the stage's power manager does not "
			"count a device's idle time.",
			(unsigned)conservation, (unsigned)performance);
	return NULL;
}
