/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device's life, as the PnP manager leads it (Microsoft, "State Transitions for PnP Devices"): added, started,
 * stopped and started elsewhere, removed, pulled out.
 */
#include <stdio.h>

#include "nt/io.h"
#include "nt/phys.h"
#include "nt/pnp.h"
#include "nt/registry.h"
#include "nt/trace.h"

static struct us_pnp *pnp(void)
{
	return us_nt->pnp;
}

void us_nt_pnp_init(void)
{
	us_nt->pnp = us_nt_alloc(sizeof(*us_nt->pnp));
	us_nt->pnp->system = PowerSystemWorking;
	us_pnp_bus_init();
	us_pnp_interrupt_init();
}

bool us_nt_pnp_present(void)
{
	return pnp()->state != US_PNP_ABSENT;
}

bool us_nt_pnp_started(void)
{
	return pnp()->state == US_PNP_STARTED && pnp()->system == PowerSystemWorking && !pnp()->failed;
}

/* -- IRPs --------------------------------------------------------------------------------------------------------- */

NTSTATUS us_pnp_ask(PDEVICE_OBJECT pdo, UCHAR minor, const void *fill, size_t size, ULONG_PTR *information)
{
	PDEVICE_OBJECT top = IoGetAttachedDevice(pdo);
	struct us_irp *known = us_irp_new(top->StackSize, NULL, NULL);
	PIO_STACK_LOCATION sp;
	NTSTATUS status;

	if (!known)
		return STATUS_INSUFFICIENT_RESOURCES;
	known->irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
	if (information)
		known->irp->IoStatus.Information = *information;
	known->irp->Tail.Overlay.Thread = (PETHREAD)us_nt_current();
	sp = IoGetNextIrpStackLocation(known->irp);
	sp->MajorFunction = IRP_MJ_PNP;
	sp->MinorFunction = minor;
	if (size)
		memcpy(&sp->Parameters, fill, size);
	us_nt_trace("note      PnP manager sends IRP_MN_%s", us_pnp_minor_name(minor));
	us_ob_reference(top);
	status = us_nt_io_call_and_wait(top, known->irp);
	if (information)
		*information = known->irp->IoStatus.Information;
	us_irp_free(known);
	us_ob_dereference(top);
	us_nt_trace("note      IRP_MN_%s: %#x", us_pnp_minor_name(minor), (unsigned)status);
	return status;
}

static NTSTATUS ask(UCHAR minor, const void *fill, size_t size, ULONG_PTR *information)
{
	return us_pnp_ask(pnp()->pdo, minor, fill, size, information);
}

void us_pnp_tell(PDEVICE_OBJECT pdo, UCHAR minor)
{
	NTSTATUS status = us_pnp_ask(pdo, minor, NULL, 0, NULL);

	if (!NT_SUCCESS(status))
		us_nt_bugcheck(
			US_BUGCHECK_IO, US_IO_OWN + 0x1c, minor, (uint32_t)status, 0, "pnp.must-succeed",
			"IRP_MN_%s came back with %#x; a driver must not fail it, nor leave its status as it came.",
			us_pnp_minor_name(minor), (unsigned)status);
}

static void tell(UCHAR minor)
{
	us_pnp_tell(pnp()->pdo, minor);
}

static void read_state(void)
{
	ULONG_PTR state = 0;

	pnp()->invalidated = false;
	if (NT_SUCCESS(ask(IRP_MN_QUERY_PNP_DEVICE_STATE, NULL, 0, &state)))
		pnp()->failed = (state & PNP_DEVICE_FAILED) != 0;
}

NTSTATUS us_pnp_read_capabilities(PDEVICE_OBJECT pdo, bool *raw)
{
	PDEVICE_CAPABILITIES capabilities = us_nt_pool_alloc(sizeof(*capabilities), US_PNP_TAG);
	NTSTATUS status;

	if (!capabilities)
		return STATUS_INSUFFICIENT_RESOURCES;
	memset(capabilities, 0, sizeof(*capabilities));
	capabilities->Size = sizeof(*capabilities);
	capabilities->Version = 1;
	capabilities->Address = capabilities->UINumber = (ULONG)-1;
	status = us_pnp_ask(pdo, IRP_MN_QUERY_CAPABILITIES, &capabilities, sizeof(capabilities), NULL);
	*raw = capabilities->RawDeviceOK;
	us_nt_pool_free(capabilities);
	return status;
}

static NTSTATUS read_capabilities(void)
{
	bool raw;

	return us_pnp_read_capabilities(pnp()->pdo, &raw);
}

/* -- added -------------------------------------------------------------------------------------------------------- */

static void make_keys(void)
{
	char text[256];
	UNICODE_STRING path;

	snprintf(text, sizeof(text), "\\Registry\\Machine\\System\\CurrentControlSet\\Enum\\%s\\Device Parameters",
		 pnp()->instance);
	path = us_nt_utf16(text);
	us_registry_fill(us_registry_key(NULL, &path, true, NULL), "Device");
	us_nt_pool_free(path.Buffer);
	path = us_nt_utf16("\\Registry\\Machine\\System\\CurrentControlSet\\Control\\Class\\" US_PNP_CLASS "\\0000");
	us_registry_fill(us_registry_key(NULL, &path, true, NULL), "Driver");
	us_nt_pool_free(path.Buffer);
}

static NTSTATUS make_pdo(void)
{
	WCHAR name[] = L"\\Device\\NTPNP_PCI0001";
	UNICODE_STRING string = {sizeof(name) - sizeof(WCHAR), sizeof(name), name};
	PDRIVER_OBJECT bus = us_pnp_bus_driver();
	char id[64];
	NTSTATUS status;

	if (!bus)
		return STATUS_INSUFFICIENT_RESOURCES;
	status = IoCreateDevice(bus, 0, &string, FILE_DEVICE_UNKNOWN, 0, FALSE, &pnp()->pdo);
	if (!NT_SUCCESS(status))
		return status;
	pnp()->pdo->Flags |= DO_BUS_ENUMERATED_DEVICE | DO_POWER_PAGABLE;
	pnp()->pdo->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
	us_pnp_hardware_id(0, id);
	snprintf(pnp()->instance, sizeof(pnp()->instance), "%s\\3&11583659&0&%02X", id,
		 (unsigned)US_PCI_DEVICE << 3 | US_PCI_FUNCTION);
	make_keys();
	return STATUS_SUCCESS;
}

static void delete_pdo(void)
{
	PDEVICE_OBJECT pdo = pnp()->pdo;

	if (pdo->AttachedDevice)
		us_nt_bugcheck(
			US_BUGCHECK_IO, US_IO_OWN + 0x17, (uintptr_t)pdo->AttachedDevice, 0, 0, "pnp.left-attached",
			"The device is removed, and its driver's device object %s is still attached to the bus's: "
			"IoDetachDevice.",
			us_io_device_name(pdo->AttachedDevice));
	us_io_interfaces_forget(pdo);
	pnp()->pdo = NULL;
	pnp()->state = US_PNP_ABSENT;
	pnp()->failed = pnp()->invalidated = pnp()->relations_changed = false;
	us_pnp_release();
	if (us_ob_references(pdo) > 1)
		us_nt_stop(US_NT_LEAK, "object.leak",
			   "The device is removed, and %lld references to its physical device object were never given "
			   "back (IoGetAttachedDeviceReference, an interface's InterfaceReference, …).",
			   (long long)us_ob_references(pdo) - 1);
	if (pnp()->interrupts)
		us_nt_stop(US_NT_LEAK, "interrupt.leak",
			   "The device is removed, and its interrupt is still connected: IoDisconnectInterruptEx.");
	IoDeleteDevice(pdo);
}

static void check_added(void)
{
	PDEVICE_OBJECT device = pnp()->pdo->AttachedDevice;

	for (; device; device = device->AttachedDevice)
		if (device->Flags & DO_DEVICE_INITIALIZING)
			us_nt_bugcheck(US_BUGCHECK_IO, US_IO_OWN + 0x1d, (uintptr_t)device, 0, 0, "pnp.initializing",
				       "AddDevice returned and the device %s has DO_DEVICE_INITIALIZING still set: "
				       "nobody could open it.",
				       us_io_device_name(device));
}

static NTSTATUS add_device(PDRIVER_OBJECT driver)
{
	PDRIVER_ADD_DEVICE add = driver->DriverExtension->AddDevice;
	NTSTATUS status;

	if (!add)
		us_nt_stop(US_NT_EXPECTATION, "driver.no-add-device",
			   "The driver has no AddDevice, so that it can not be the driver of a PCI function.");
	us_pnp_read_bars();
	pnp()->driver = driver;
	status = make_pdo();
	if (!NT_SUCCESS(status))
		return status;
	pnp()->state = US_PNP_ADDED;
	status = US_CALL("AddDevice", add, driver, pnp()->pdo);
	if (!NT_SUCCESS(status)) {
		delete_pdo();
		return status;
	}
	check_added();
	return status;
}

NTSTATUS us_nt_pnp_add(PDRIVER_OBJECT driver)
{
	NTSTATUS status;

	us_pnp_enter();
	pnp()->restart = false;
	status = add_device(driver);
	us_pnp_leave();
	return status;
}

/* -- started ------------------------------------------------------------------------------------------------------ */

static NTSTATUS find_requirements(PIO_RESOURCE_REQUIREMENTS_LIST *list)
{
	ULONG_PTR information = 0;
	NTSTATUS status = ask(IRP_MN_QUERY_RESOURCE_REQUIREMENTS, NULL, 0, &information);

	if (!NT_SUCCESS(status))
		return status;
	*list = (PIO_RESOURCE_REQUIREMENTS_LIST)information;
	ask(IRP_MN_FILTER_RESOURCE_REQUIREMENTS, list, sizeof(*list), &information);
	/* Who makes a new list frees the old one, also when a driver fails afterwards. */
	if (information)
		*list = (PIO_RESOURCE_REQUIREMENTS_LIST)information;
	return STATUS_SUCCESS;
}

static NTSTATUS send_start(void)
{
	PCM_RESOURCE_LIST lists[2] = {pnp()->raw, pnp()->translated};
	NTSTATUS status = ask(IRP_MN_START_DEVICE, lists, sizeof(lists), NULL);

	if (!NT_SUCCESS(status))
		return status;
	pnp()->state = US_PNP_STARTED;
	read_capabilities();
	read_state();
	us_pnp_children_start();
	return STATUS_SUCCESS;
}

static NTSTATUS assign_and_start(void)
{
	PIO_RESOURCE_REQUIREMENTS_LIST list = NULL;
	NTSTATUS status = find_requirements(&list);

	if (NT_SUCCESS(status))
		status = us_pnp_assign(list);
	if (list)
		us_nt_pool_free(list);
	return NT_SUCCESS(status) ? send_start() : status;
}

static NTSTATUS start(void)
{
	NTSTATUS status = read_capabilities();

	if (NT_SUCCESS(status))
		status = assign_and_start();
	if (!NT_SUCCESS(status))
		us_nt_pnp_remove_now();
	return status;
}

NTSTATUS us_pnp_add_and_start(PDRIVER_OBJECT driver)
{
	NTSTATUS status = add_device(driver);

	return NT_SUCCESS(status) ? start() : status;
}

NTSTATUS us_nt_pnp_start(void)
{
	NTSTATUS status;

	us_pnp_enter();
	status = start();
	if (!NT_SUCCESS(status))
		pnp()->restart = false; /* who plugged it in hears of it */
	us_pnp_leave();
	return status;
}

/* -- stopped ------------------------------------------------------------------------------------------------------ */

NTSTATUS us_nt_pnp_stop(void)
{
	NTSTATUS status = us_pnp_children_query(IRP_MN_QUERY_STOP_DEVICE, IRP_MN_CANCEL_STOP_DEVICE);

	if (!NT_SUCCESS(status))
		return status;
	status = ask(IRP_MN_QUERY_STOP_DEVICE, NULL, 0, NULL);
	if (!NT_SUCCESS(status)) {
		tell(IRP_MN_CANCEL_STOP_DEVICE);
		us_pnp_children_cancel(IRP_MN_CANCEL_STOP_DEVICE);
		return status;
	}
	us_pnp_children_stop();
	tell(IRP_MN_STOP_DEVICE);
	pnp()->state = US_PNP_STOPPED;
	return STATUS_SUCCESS;
}

static NTSTATUS rebalance(void)
{
	NTSTATUS status = us_nt_pnp_stop();

	if (!NT_SUCCESS(status))
		return status;
	us_pnp_move_bars();
	status = assign_and_start();
	if (!NT_SUCCESS(status)) { /* Windows takes a device that does not start again for gone */
		us_pnp_children_surprise();
		tell(IRP_MN_SURPRISE_REMOVAL);
		us_nt_pnp_remove_now();
	}
	return status;
}

NTSTATUS us_nt_pnp_rebalance(void)
{
	NTSTATUS status;

	us_pnp_enter();
	status = rebalance();
	us_pnp_leave();
	return status;
}

/* -- removed ------------------------------------------------------------------------------------------------------ */

void us_nt_pnp_remove_now(void)
{
	us_pnp_children_remove();
	tell(IRP_MN_REMOVE_DEVICE);
	us_pnp_children_forget();
	delete_pdo();
}

/* Open files are a reason not to remove a device, which the PnP manager knows without asking the driver. */
static NTSTATUS remove_device(void)
{
	NTSTATUS status;

	if (pnp()->state != US_PNP_STARTED) {
		us_nt_pnp_remove_now();
		return STATUS_SUCCESS;
	}
	status = us_pnp_children_query(IRP_MN_QUERY_REMOVE_DEVICE, IRP_MN_CANCEL_REMOVE_DEVICE);
	if (!NT_SUCCESS(status))
		return STATUS_UNSUCCESSFUL;
	status = ask(IRP_MN_QUERY_REMOVE_DEVICE, NULL, 0, NULL);
	if (NT_SUCCESS(status) && pnp()->pdo->ReferenceCount) {
		us_nt_trace("note      the removal is called off: %d files are open", (int)pnp()->pdo->ReferenceCount);
		status = STATUS_UNSUCCESSFUL;
	}
	if (!NT_SUCCESS(status)) {
		tell(IRP_MN_CANCEL_REMOVE_DEVICE);
		us_pnp_children_cancel(IRP_MN_CANCEL_REMOVE_DEVICE);
		return STATUS_UNSUCCESSFUL;
	}
	us_nt_pnp_remove_now();
	return STATUS_SUCCESS;
}

NTSTATUS us_nt_pnp_remove(void)
{
	NTSTATUS status;

	us_pnp_enter();
	pnp()->restart = false;
	status = remove_device();
	us_pnp_leave();
	return status;
}

void us_nt_pnp_vanish(void)
{
	if (pnp()->gone)
		return;
	us_pnp_disable(); /* so it reaches no memory and sends no messages */
	pnp()->gone = true;
	us_pnp_interrupts_stop();
}

/* Nobody has a file open, of it or of its children. */
static bool is_unused(void)
{
	return !pnp()->pdo->ReferenceCount && !us_pnp_children_used();
}

static void surprise(void)
{
	bool was_started = pnp()->state == US_PNP_STARTED;

	us_nt_pnp_vanish();
	pnp()->state = US_PNP_SURPRISED;
	us_pnp_children_surprise();
	if (was_started)
		tell(IRP_MN_SURPRISE_REMOVAL);
	if (is_unused())
		us_nt_pnp_remove_now();
}

void us_nt_pnp_surprise(void)
{
	us_pnp_enter();
	pnp()->restart = false;
	surprise();
	us_pnp_leave();
}

/* A file may be closed in any flow, a device only removed by a thread. */
void us_pnp_file_closed(void)
{
	if ((pnp()->state == US_PNP_SURPRISED && pnp()->pdo && is_unused()) || us_pnp_children_wait())
		us_pnp_settle_soon();
}

void us_nt_pnp_plug_back(void)
{
	if (pnp()->gone)
		us_fn_reset(us_nt->fn);
	pnp()->gone = false;
}

static void remove_failed(void)
{
	read_state();
	if (!pnp()->failed)
		return;
	us_pnp_children_surprise();
	tell(IRP_MN_SURPRISE_REMOVAL);
	pnp()->state = US_PNP_SURPRISED;
}

/*
 * What was left for a thread to do: when a driver said that its device's state has changed (IoInvalidateDeviceState),
 * asks for it, and takes away what has failed; removes what is gone once its last file is closed, and maybe starts it
 * again.
 */
static void settle(void)
{
	if (pnp()->invalidated && pnp()->state == US_PNP_STARTED)
		remove_failed();
	us_pnp_children_settle();
	if (pnp()->state != US_PNP_SURPRISED || !pnp()->pdo || !is_unused())
		return;
	us_nt_pnp_remove_now();
	us_pnp_restart();
}

void us_nt_pnp_settle(void)
{
	us_pnp_enter();
	settle();
	us_pnp_leave();
}
