/* SPDX-License-Identifier: Apache-2.0 */
/* The adder's WDM driver: its life, its interrupt, its power. */
#include "wdm-private.h"

struct wdm_options wdm;
struct wdm_seen wdm_seen;
const GUID wdm_interface = {0x2d1f2c0a, 0x1111, 0x4a5b, {1, 2, 3, 4, 5, 6, 7, 8}};

static NTSTATUS NTAPI pass_down(PDEVICE_OBJECT device, PIRP irp)
{
	struct extension *e = device->DeviceExtension;

	IoSkipCurrentIrpStackLocation(irp);
	return CALL(IofCallDriver)(e->lower, irp);
}

/* -- interrupts --------------------------------------------------------------------------------------------------- */

static NTSTATUS connect_by_vector(struct extension *e, IO_CONNECT_INTERRUPT_PARAMETERS *p)
{
	const CM_PARTIAL_RESOURCE_DESCRIPTOR *d = &e->interrupt_resource;
	bool message = d->Flags & CM_RESOURCE_INTERRUPT_MESSAGE;

	p->Version = CONNECT_FULLY_SPECIFIED;
	p->FullySpecified.PhysicalDeviceObject = e->pdo;
	p->FullySpecified.InterruptObject = &e->interrupt;
	p->FullySpecified.ServiceRoutine = wdm_isr;
	p->FullySpecified.ServiceContext = e;
	p->FullySpecified.Vector = message ? d->u.MessageInterrupt.Translated.Vector : d->u.Interrupt.Vector;
	p->FullySpecified.Irql = (KIRQL)(message ? d->u.MessageInterrupt.Translated.Level : d->u.Interrupt.Level);
	if (wdm.connect == WDM_PASSIVE)
		p->FullySpecified.Irql = PASSIVE_LEVEL;
	p->FullySpecified.SynchronizeIrql = p->FullySpecified.Irql;
	p->FullySpecified.InterruptMode = message ? Latched : LevelSensitive;
	p->FullySpecified.ShareVector = !message;
	p->FullySpecified.ProcessorEnableMask = d->u.Interrupt.Affinity;
	return CALL(IoConnectInterruptEx)(p);
}

static NTSTATUS connect_old(struct extension *e)
{
	const CM_PARTIAL_RESOURCE_DESCRIPTOR *d = &e->interrupt_resource;

	return CALL(IoConnectInterrupt)(&e->interrupt, wdm_isr, e, NULL, d->u.Interrupt.Vector,
					(KIRQL)d->u.Interrupt.Level, (KIRQL)d->u.Interrupt.Level, LevelSensitive, TRUE,
					d->u.Interrupt.Affinity, FALSE);
}

static NTSTATUS connect_interrupt(struct extension *e)
{
	IO_CONNECT_INTERRUPT_PARAMETERS p = {0};
	NTSTATUS status;

	switch (wdm.connect) {
	case WDM_NOT:
		return STATUS_SUCCESS;
	case WDM_OLD:
		return connect_old(e);
	case WDM_BY_VECTOR:
	case WDM_PASSIVE:
		return connect_by_vector(e, &p);
	case WDM_BY_LINE:
		p.Version = CONNECT_LINE_BASED;
		p.LineBased.PhysicalDeviceObject = e->pdo;
		p.LineBased.InterruptObject = &e->interrupt;
		p.LineBased.ServiceRoutine = wdm_isr;
		p.LineBased.ServiceContext = e;
		return CALL(IoConnectInterruptEx)(&p);
	case WDM_BY_MESSAGE:
		break;
	}
	p.Version = CONNECT_MESSAGE_BASED;
	p.MessageBased.PhysicalDeviceObject = e->pdo;
	p.MessageBased.ConnectionContext.InterruptMessageTable = &e->messages;
	p.MessageBased.MessageServiceRoutine = wdm_message_isr;
	p.MessageBased.FallBackServiceRoutine = wdm_isr;
	p.MessageBased.ServiceContext = e;
	status = CALL(IoConnectInterruptEx)(&p);
	if (NT_SUCCESS(status) && p.Version == CONNECT_LINE_BASED) {
		e->interrupt = (PKINTERRUPT)e->messages;
		e->messages = NULL;
	}
	if (NT_SUCCESS(status) && e->messages)
		wdm_seen.messages = e->messages->MessageCount;
	return status;
}

static void disconnect_interrupt(struct extension *e)
{
	IO_DISCONNECT_INTERRUPT_PARAMETERS p = {.Version = CONNECT_LINE_BASED};

	if (e->messages) {
		p.Version = CONNECT_MESSAGE_BASED;
		p.ConnectionContext.InterruptMessageTable = e->messages;
		CALL(IoDisconnectInterruptEx)(&p);
	} else if (e->interrupt && wdm.connect == WDM_OLD) {
		CALL(IoDisconnectInterrupt)(e->interrupt);
	} else if (e->interrupt) {
		p.ConnectionContext.InterruptObject = e->interrupt;
		CALL(IoDisconnectInterruptEx)(&p);
	}
	e->interrupt = NULL;
	e->messages = NULL;
}

/* -- its life ----------------------------------------------------------------------------------------------------- */

static BOOLEAN NTAPI run(PVOID context)
{
	struct extension *e = context;

	e->running = TRUE;
	e->registers[ENABLE] = 1;
	return TRUE;
}

/* What the device was doing begins anew, or ends. */
static void go_on(struct extension *e)
{
	PKINTERRUPT interrupt = e->messages ? e->messages->MessageInfo[0].InterruptObject : e->interrupt;
	KIRQL irql;

	if (interrupt)
		rig_expect(CALL(KeSynchronizeExecution)(interrupt, run, e));
	else
		run(e);
	irql = CALL(KeAcquireSpinLockRaiseToDpc)(&e->lock);
	if (e->current)
		wdm_start_current(e);
	CALL(KeReleaseSpinLock)(&e->lock, irql);
	wdm_start_next(e);
}

static void rest(struct extension *e)
{
	KIRQL irql = CALL(KeAcquireSpinLockRaiseToDpc)(&e->lock);

	if (e->running)
		e->registers[ENABLE] = 0;
	e->running = FALSE;
	CALL(KeReleaseSpinLock)(&e->lock, irql);
}

static void read_resources(struct extension *e, PCM_RESOURCE_LIST list)
{
	PCM_PARTIAL_RESOURCE_LIST partial = &list->List[0].PartialResourceList;

	wdm_seen.line_descriptors = wdm_seen.message_descriptors = 0;
	for (ULONG i = 0; i < partial->Count; i++) {
		PCM_PARTIAL_RESOURCE_DESCRIPTOR d = &partial->PartialDescriptors[i];

		if (d->Type == CmResourceTypeMemory && !e->registers) {
			wdm_seen.bar = (uint64_t)d->u.Memory.Start.QuadPart;
			e->size = d->u.Memory.Length;
			e->registers = CALL(MmMapIoSpace)(d->u.Memory.Start, d->u.Memory.Length, MmNonCached);
		} else if (d->Type == CmResourceTypeInterrupt) {
			e->interrupt_resource = *d;
			if (d->Flags & CM_RESOURCE_INTERRUPT_MESSAGE)
				wdm_seen.message_descriptors++;
			else
				wdm_seen.line_descriptors++;
			wdm_seen.level = d->u.Interrupt.Level;
		}
	}
}

static NTSTATUS start(struct extension *e, PCM_RESOURCE_LIST translated)
{
	NTSTATUS status;

	if (wdm.mistake == WDM_FAILS_START)
		return STATUS_DEVICE_CONFIGURATION_ERROR;
	read_resources(e, translated);
	if (!e->registers)
		return STATUS_INSUFFICIENT_RESOURCES;
	status = connect_interrupt(e);
	if (!NT_SUCCESS(status))
		return status;
	wdm_seen.starts++;
	if (wdm.probe)
		wdm.probe(e->pdo, e->lower);
	go_on(e);
	status = CALL(IoSetDeviceInterfaceState)(&e->link, TRUE);
	return status == STATUS_OBJECT_NAME_EXISTS ? STATUS_SUCCESS : status;
}

static void stop(struct extension *e)
{
	rest(e);
	if (wdm.mistake != WDM_LEAVES_INTERRUPT)
		disconnect_interrupt(e);
	CALL(KeFlushQueuedDpcs)();
	if (e->registers && wdm.mistake != WDM_LEAVES_REGISTERS)
		CALL(MmUnmapIoSpace)((PVOID)(uintptr_t)e->registers, e->size);
	e->registers = NULL;
}

static NTSTATUS NTAPI forwarded(PDEVICE_OBJECT device, PIRP irp, PVOID event)
{
	(void)device;
	(void)irp;
	CALL(KeSetEvent)(event, IO_NO_INCREMENT, FALSE);
	return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS forward_and_wait(struct extension *e, PIRP irp)
{
	KEVENT event;

	CALL(KeInitializeEvent)(&event, NotificationEvent, FALSE);
	IoCopyCurrentIrpStackLocationToNext(irp);
	IoSetCompletionRoutine(irp, forwarded, &event, TRUE, TRUE, TRUE);
	if (CALL(IofCallDriver)(e->lower, irp) == STATUS_PENDING)
		CALL(KeWaitForSingleObject)(&event, Executive, KernelMode, FALSE, NULL);
	return irp->IoStatus.Status;
}

static NTSTATUS remove_device(PDEVICE_OBJECT device, PIRP irp)
{
	struct extension *e = device->DeviceExtension;
	NTSTATUS status;

	wdm_seen.removes++;
	CALL(IoAcquireRemoveLockEx)(&e->remove, NULL, "", 1, sizeof(e->remove));
	CALL(IoReleaseRemoveLockAndWaitEx)(&e->remove, NULL, sizeof(e->remove));
	stop(e);
	wdm_abandon_all(e);
	if (wdm.mistake != WDM_LEAVES_INTERFACE)
		CALL(IoSetDeviceInterfaceState)(&e->link, FALSE);
	us_nt_pool_free(e->link.Buffer);
	irp->IoStatus.Status = STATUS_SUCCESS;
	IoSkipCurrentIrpStackLocation(irp);
	status = CALL(IofCallDriver)(e->lower, irp);
	if (wdm.mistake != WDM_LEAVES_ATTACHED) {
		CALL(IoDetachDevice)(e->lower);
		if (wdm.mistake != WDM_LEAVES_DEVICE)
			CALL(IoDeleteDevice)(device);
	}
	return status;
}

static NTSTATUS NTAPI pnp(PDEVICE_OBJECT device, PIRP irp)
{
	struct extension *e = device->DeviceExtension;
	PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(irp);
	NTSTATUS status;

	switch (sp->MinorFunction) {
	case IRP_MN_START_DEVICE:
		status = forward_and_wait(e, irp);
		if (NT_SUCCESS(status))
			status = start(e, sp->Parameters.StartDevice.AllocatedResourcesTranslated);
		return wdm_complete(irp, status, 0);
	case IRP_MN_QUERY_REMOVE_DEVICE:
		if (wdm.mistake == WDM_FAILS_QUERY_REMOVE)
			return wdm_complete(irp, STATUS_UNSUCCESSFUL, 0);
		break;
	case IRP_MN_STOP_DEVICE:
		wdm_seen.stops++;
		stop(e);
		break;
	case IRP_MN_SURPRISE_REMOVAL:
		wdm_seen.surprises++;
		stop(e);
		wdm_abandon_all(e);
		CALL(IoSetDeviceInterfaceState)(&e->link, FALSE);
		break;
	case IRP_MN_REMOVE_DEVICE:
		if (wdm.mistake == WDM_FAILS_REMOVE)
			return wdm_complete(irp, STATUS_UNSUCCESSFUL, 0);
		return remove_device(device, irp);
	case IRP_MN_QUERY_PNP_DEVICE_STATE:
		wdm_seen.state_queries++;
		if (wdm.mistake != WDM_SAYS_FAILED)
			return pass_down(device, irp);
		irp->IoStatus.Information |= PNP_DEVICE_FAILED;
		break;
	case IRP_MN_QUERY_STOP_DEVICE:
	case IRP_MN_CANCEL_STOP_DEVICE:
	case IRP_MN_CANCEL_REMOVE_DEVICE:
		break;
	default:
		return pass_down(device, irp);
	}
	irp->IoStatus.Status = STATUS_SUCCESS;
	return pass_down(device, irp);
}

/* -- power -------------------------------------------------------------------------------------------------------- */

static VOID NTAPI device_is_there(PDEVICE_OBJECT device, UCHAR minor, POWER_STATE state, PVOID context,
				  PIO_STATUS_BLOCK result)
{
	PIRP irp = context;
	struct extension *e = IoGetCurrentIrpStackLocation(irp)->DeviceObject->DeviceExtension;

	(void)device;
	(void)minor;
	(void)state;
	(void)result;
	IoSkipCurrentIrpStackLocation(irp);
	CALL(PoCallDriver)(e->lower, irp);
}

static NTSTATUS NTAPI power(PDEVICE_OBJECT device, PIRP irp)
{
	struct extension *e = device->DeviceExtension;
	PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(irp);
	POWER_STATE state = sp->Parameters.Power.State;
	NTSTATUS status;

	CALL(PoStartNextPowerIrp)(irp);
	if (sp->MinorFunction != IRP_MN_SET_POWER)
		return pass_down(device, irp);
	if (sp->Parameters.Power.Type == SystemPowerState) {
		if (wdm.mistake == WDM_FAILS_POWER)
			return wdm_complete(irp, STATUS_UNSUCCESSFUL, 0);
		IoMarkIrpPending(irp);
		state.DeviceState = state.SystemState == PowerSystemWorking ? PowerDeviceD0 : PowerDeviceD3;
		CALL(PoRequestPowerIrp)(e->pdo, IRP_MN_SET_POWER, state, device_is_there, irp, NULL);
		return STATUS_PENDING;
	}
	if (state.DeviceState == PowerDeviceD3) {
		wdm_seen.d3++;
		rest(e);
		return pass_down(device, irp);
	}
	status = forward_and_wait(e, irp);
	wdm_seen.d0++;
	go_on(e);
	return wdm_complete(irp, status, 0);
}

/* -- the beginning ------------------------------------------------------------------------------------------------ */

static void prepare(struct extension *e, PDEVICE_OBJECT device, PDEVICE_OBJECT pdo)
{
	e->self = device;
	e->pdo = pdo;
	CALL(IoInitializeRemoveLockEx)(&e->remove, 0, 0, 0, sizeof(e->remove));
	wdm_prepare_requests(e);
}

static NTSTATUS NTAPI add_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT pdo)
{
	struct extension *e;
	PDEVICE_OBJECT device;
	NTSTATUS status = CALL(IoCreateDevice)(driver, sizeof(*e), NULL, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN,
					       FALSE, &device);

	if (!NT_SUCCESS(status))
		return status;
	e = device->DeviceExtension;
	prepare(e, device, pdo);
	status = CALL(IoRegisterDeviceInterface)(pdo, &wdm_interface, NULL, &e->link);
	e->lower = NT_SUCCESS(status) ? CALL(IoAttachDeviceToDeviceStack)(device, pdo) : NULL;
	if (!e->lower) {
		CALL(IoDeleteDevice)(device);
		return NT_SUCCESS(status) ? STATUS_NO_SUCH_DEVICE : status;
	}
	wdm_seen.pdo = pdo;
	wdm_seen.stack = device->StackSize;
	device->Flags |= wdm.io | DO_POWER_PAGABLE;
	if (wdm.mistake != WDM_INITIALIZING)
		device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
	return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
	(void)driver;
}

NTSTATUS NTAPI wdm_adder(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
	WCHAR link_text[] = L"\\DosDevices\\Forgotten", target_text[] = L"\\Device\\Null";
	UNICODE_STRING link = {sizeof(link_text) - sizeof(WCHAR), sizeof(link_text), link_text};
	UNICODE_STRING target = {sizeof(target_text) - sizeof(WCHAR), sizeof(target_text), target_text};
	DEVICE_DESCRIPTION dma = {.Version = 2, .Master = TRUE, .ScatterGather = TRUE, .MaximumLength = 4096};
	ULONG registers;

	(void)path;
	driver->DriverExtension->AddDevice = add_device;
	driver->DriverUnload = unload;
	driver->MajorFunction[IRP_MJ_CREATE] = wdm_create_close;
	driver->MajorFunction[IRP_MJ_CLEANUP] = wdm_create_close;
	driver->MajorFunction[IRP_MJ_CLOSE] = wdm_create_close;
	driver->MajorFunction[IRP_MJ_READ] = wdm_transfer;
	driver->MajorFunction[IRP_MJ_WRITE] = wdm_transfer;
	driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = wdm_control;
	driver->MajorFunction[IRP_MJ_PNP] = pnp;
	driver->MajorFunction[IRP_MJ_POWER] = power;
	driver->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = pass_down;
	if (wdm.mistake == WDM_LEAVES_POOL)
		CALL(ExAllocatePoolWithTag)(NonPagedPool, 100, 0x61656c57);
	if (wdm.mistake == WDM_LEAVES_ADAPTER)
		CALL(IoGetDmaAdapter)(NULL, &dma, &registers);
	return wdm.mistake == WDM_LEAVES_LINK ? CALL(IoCreateSymbolicLink)(&link, &target) : STATUS_SUCCESS;
}

struct us_rehearsal wdm_rehearsal(struct wdm_options options, uint64_t seed)
{
	wdm = options;
	wdm_seen = (struct wdm_seen){0};
	return (struct us_rehearsal){.entry = (void *)(uintptr_t)wdm_adder, .model = "adder", .seed = seed};
}
