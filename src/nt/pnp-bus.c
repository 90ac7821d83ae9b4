/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PCI bus's driver: a driver object of the stage's own, below the one that is rehearsed, and the function's
 * physical device object. It answers PnP IRPs as Windows' pci.sys does, as far as function drivers see.
 */
#include "nt/pnp.h"

#include <stdio.h>

#include "nt/interrupt.h"
#include "nt/io.h"
#include "nt/phys.h"
#include "nt/registry.h"
#include "nt/trace.h"

const char *us_pnp_minor_name(UCHAR minor)
{
	static const char *const names[] = {
		"START_DEVICE",
		"QUERY_REMOVE_DEVICE",
		"REMOVE_DEVICE",
		"CANCEL_REMOVE_DEVICE",
		"STOP_DEVICE",
		"QUERY_STOP_DEVICE",
		"CANCEL_STOP_DEVICE",
		"QUERY_DEVICE_RELATIONS",
		"QUERY_INTERFACE",
		"QUERY_CAPABILITIES",
		"QUERY_RESOURCES",
		"QUERY_RESOURCE_REQUIREMENTS",
		"QUERY_DEVICE_TEXT",
		"FILTER_RESOURCE_REQUIREMENTS",
		"14",
		"READ_CONFIG",
		"WRITE_CONFIG",
		"EJECT",
		"SET_LOCK",
		"QUERY_ID",
		"QUERY_PNP_DEVICE_STATE",
		"QUERY_BUS_INFORMATION",
		"DEVICE_USAGE_NOTIFICATION",
		"SURPRISE_REMOVAL",
	};

	return minor < sizeof(names) / sizeof(names[0]) ? names[minor] : "of no such number";
}

bool us_pnp_is_pdo(PDEVICE_OBJECT device)
{
	return device && device == us_nt->pnp->pdo;
}

static bool is_any_pdo(PDEVICE_OBJECT device)
{
	return us_pnp_is_pdo(device) || us_pnp_is_child(device);
}

static const char *instance_path(PDEVICE_OBJECT pdo)
{
	return us_pnp_is_child(pdo) ? us_pnp_child_path(pdo) : us_nt->pnp->instance;
}

static NTSTATUS may_open(PDEVICE_OBJECT device)
{
	if (us_pnp_is_child(device))
		return us_pnp_child_may_open(device);
	return us_pnp_is_pdo(device) && us_nt->pnp->state != US_PNP_STARTED ? STATUS_NO_SUCH_DEVICE : STATUS_SUCCESS;
}

void us_pnp_bus_init(void)
{
	static const struct us_io_bus bus = {is_any_pdo, instance_path, may_open, us_pnp_file_closed,
					     us_line_activity};

	us_nt->io->bus = &bus;
}

/* -- names -------------------------------------------------------------------------------------------------------- */

bool us_pnp_hardware_id(unsigned index, char text[64])
{
	const struct us_function_info *i = us_nt->info;
	unsigned base = i->class_code >> 8;

	switch (index) {
	case 0:
		snprintf(text, 64, "PCI\\VEN_%04X&DEV_%04X&SUBSYS_%04X%04X&REV_%02X", i->vendor_id, i->device_id,
			 i->subsystem_id, i->subsystem_vendor_id, i->revision);
		return true;
	case 1:
		snprintf(text, 64, "PCI\\VEN_%04X&DEV_%04X&SUBSYS_%04X%04X", i->vendor_id, i->device_id,
			 i->subsystem_id, i->subsystem_vendor_id);
		return true;
	case 2:
		snprintf(text, 64, "PCI\\VEN_%04X&DEV_%04X&CC_%06X", i->vendor_id, i->device_id,
			 (unsigned)i->class_code);
		return true;
	case 3:
		snprintf(text, 64, "PCI\\VEN_%04X&DEV_%04X&CC_%04X", i->vendor_id, i->device_id, base);
		return true;
	}
	return false;
}

bool us_pnp_compatible_id(unsigned index, char text[64])
{
	const struct us_function_info *i = us_nt->info;
	unsigned base = i->class_code >> 8;

	switch (index) {
	case 0:
		snprintf(text, 64, "PCI\\VEN_%04X&DEV_%04X&REV_%02X", i->vendor_id, i->device_id, i->revision);
		return true;
	case 1:
		snprintf(text, 64, "PCI\\VEN_%04X&DEV_%04X", i->vendor_id, i->device_id);
		return true;
	case 2:
		snprintf(text, 64, "PCI\\VEN_%04X&CC_%06X", i->vendor_id, (unsigned)i->class_code);
		return true;
	case 3:
		snprintf(text, 64, "PCI\\VEN_%04X&CC_%04X", i->vendor_id, base);
		return true;
	case 4:
		snprintf(text, 64, "PCI\\VEN_%04X", i->vendor_id);
		return true;
	case 5:
		snprintf(text, 64, "PCI\\CC_%06X", (unsigned)i->class_code);
		return true;
	case 6:
		snprintf(text, 64, "PCI\\CC_%04X", base);
		return true;
	}
	return false;
}

/*
 * The strings one behind the other, each with its NUL (`many`: and one more), in pool that the asker frees. NULL: no
 * memory.
 */
static PWSTR give_strings(bool (*string)(unsigned index, char text[64]), bool many)
{
	WCHAR *to = us_nt_pool_for_driver(8 * 64 * sizeof(WCHAR), US_PNP_TAG);
	char text[64];
	size_t at = 0;

	if (!to)
		return NULL;
	for (unsigned i = 0; string(i, text); i++) {
		for (const char *c = text; *c; c++)
			to[at++] = (WCHAR)*c;
		to[at++] = 0;
		if (!many)
			return to;
	}
	to[at] = 0;
	return to;
}

static bool instance_id(unsigned index, char text[64])
{
	snprintf(text, 64, "3&11583659&0&%02X", (unsigned)US_PCI_DEVICE << 3 | US_PCI_FUNCTION);
	return index == 0;
}

static NTSTATUS query_id(PIRP irp, BUS_QUERY_ID_TYPE type)
{
	PWSTR strings;

	switch (type) {
	case BusQueryDeviceID:
		strings = give_strings(us_pnp_hardware_id, false);
		break;
	case BusQueryHardwareIDs:
		strings = give_strings(us_pnp_hardware_id, true);
		break;
	case BusQueryCompatibleIDs:
		strings = give_strings(us_pnp_compatible_id, true);
		break;
	case BusQueryInstanceID:
		strings = give_strings(instance_id, false);
		break;
	default:
		return irp->IoStatus.Status;
	}
	irp->IoStatus.Information = (ULONG_PTR)strings;
	return strings ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static bool description(unsigned index, char text[64])
{
	snprintf(text, 64, "PCI Device");
	return index == 0;
}

static bool location(unsigned index, char text[64])
{
	snprintf(text, 64, "PCI bus %u, device %u, function %u", US_PCI_BUS, US_PCI_DEVICE, US_PCI_FUNCTION);
	return index == 0;
}

static NTSTATUS query_text(PIRP irp, DEVICE_TEXT_TYPE type)
{
	PWSTR strings;

	if (type != DeviceTextDescription && type != DeviceTextLocationInformation)
		return irp->IoStatus.Status;
	strings = give_strings(type == DeviceTextDescription ? description : location, false);
	irp->IoStatus.Information = (ULONG_PTR)strings;
	return strings ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/* -- what it can -------------------------------------------------------------------------------------------------- */

static NTSTATUS query_capabilities(PDEVICE_CAPABILITIES c)
{
	if (c->Version != 1 || c->Size < sizeof(*c))
		return STATUS_UNSUCCESSFUL;
	c->Address = (ULONG)US_PCI_DEVICE << 16 | US_PCI_FUNCTION;
	c->UINumber = (ULONG)-1;
	c->UniqueID = FALSE;
	c->Removable = TRUE;
	c->SurpriseRemovalOK = FALSE;
	for (unsigned s = 0; s < PowerSystemMaximum; s++)
		c->DeviceState[s] = s == PowerSystemWorking ? PowerDeviceD0 : PowerDeviceD3;
	c->DeviceState[PowerSystemUnspecified] = PowerDeviceUnspecified;
	c->SystemWake = PowerSystemUnspecified;
	c->DeviceWake = PowerDeviceUnspecified;
	return STATUS_SUCCESS;
}

static NTSTATUS query_bus_information(PIRP irp)
{
	PPNP_BUS_INFORMATION information = us_nt_pool_for_driver(sizeof(*information), US_PNP_TAG);

	if (!information)
		return STATUS_INSUFFICIENT_RESOURCES;
	*information = (PNP_BUS_INFORMATION){GUID_BUS_TYPE_PCI, PCIBus, US_PCI_BUS};
	irp->IoStatus.Information = (ULONG_PTR)information;
	return STATUS_SUCCESS;
}

static NTSTATUS query_relations(PDEVICE_OBJECT device, PIRP irp, DEVICE_RELATION_TYPE type)
{
	PDEVICE_RELATIONS relations;

	if (type != TargetDeviceRelation)
		return irp->IoStatus.Status;
	relations = us_nt_pool_for_driver(sizeof(*relations), US_PNP_TAG);
	if (!relations)
		return STATUS_INSUFFICIENT_RESOURCES;
	us_ob_reference(device);
	relations->Count = 1;
	relations->Objects[0] = device;
	irp->IoStatus.Information = (ULONG_PTR)relations;
	return STATUS_SUCCESS;
}

/* -- configuration space for drivers ------------------------------------------------------------------------------ */

static ULONG access_config(bool write, ULONG space, PVOID buffer, ULONG offset, ULONG length)
{
	uint8_t *bytes = buffer;
	ULONG limit = (ULONG)us_nt->info->region[US_REGION_CONFIG].size, done = 0;

	if (space != PCI_WHICHSPACE_CONFIG || offset >= limit)
		return 0;
	length = min(length, limit - offset);
	while (done < length) {
		ULONG at = offset + done;
		unsigned width = at % 4 == 0 && length - done >= 4 ? 4 : at % 2 == 0 && length - done >= 2 ? 2 : 1;
		uint32_t value = 0;

		if (write) {
			memcpy(&value, bytes + done, width);
			us_pnp_config_write(at, width, value);
		} else {
			value = us_pnp_config_read(at, width);
			memcpy(bytes + done, &value, width);
		}
		done += width;
	}
	return length;
}

static ULONG NTAPI set_bus_data(PVOID context, ULONG space, PVOID buffer, ULONG offset, ULONG length)
{
	(void)context;
	return access_config(true, space, buffer, offset, length);
}

static ULONG NTAPI get_bus_data(PVOID context, ULONG space, PVOID buffer, ULONG offset, ULONG length)
{
	(void)context;
	return access_config(false, space, buffer, offset, length);
}

static VOID NTAPI interface_reference(PVOID context)
{
	us_ob_reference(context);
}

static VOID NTAPI interface_dereference(PVOID context)
{
	us_ob_dereference(context);
}

/* On a PC what the bus calls an address is one for processors, too. */
static BOOLEAN NTAPI translate(PVOID context, PHYSICAL_ADDRESS bus, ULONG length, PULONG space,
			       PPHYSICAL_ADDRESS translated)
{
	(void)context;
	(void)length;
	(void)space;
	*translated = bus;
	return TRUE;
}

static PDMA_ADAPTER NTAPI dma_adapter(PVOID context, PDEVICE_DESCRIPTION description_of, PULONG registers)
{
	return US_IMPORT(IoGetDmaAdapter)(context, description_of, registers);
}

static NTSTATUS query_interface(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION sp)
{
	PBUS_INTERFACE_STANDARD to = (PBUS_INTERFACE_STANDARD)(PVOID)sp->Parameters.QueryInterface.Interface;

	if (memcmp(sp->Parameters.QueryInterface.InterfaceType, &GUID_BUS_INTERFACE_STANDARD, sizeof(GUID)) != 0)
		return irp->IoStatus.Status;
	if (sp->Parameters.QueryInterface.Size < sizeof(*to) || sp->Parameters.QueryInterface.Version != 1)
		return STATUS_INVALID_PARAMETER;
	*to = (BUS_INTERFACE_STANDARD){sizeof(*to),           1,         device,      interface_reference,
				       interface_dereference, translate, dma_adapter, set_bus_data,
				       get_bus_data};
	us_ob_reference(device);
	return STATUS_SUCCESS;
}

/* -- dispatch ----------------------------------------------------------------------------------------------------- */

static NTSTATUS start(void)
{
	us_pnp_enable();
	us_pnp_interrupts_start();
	us_nt->pnp->power = PowerDeviceD0;
	return STATUS_SUCCESS;
}

static NTSTATUS stop(void)
{
	us_pnp_interrupts_stop();
	us_pnp_disable();
	return STATUS_SUCCESS;
}

static NTSTATUS answer(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION sp)
{
	switch (sp->MinorFunction) {
	case IRP_MN_START_DEVICE:
		return start();
	case IRP_MN_STOP_DEVICE:
	case IRP_MN_REMOVE_DEVICE:
	case IRP_MN_SURPRISE_REMOVAL:
		return stop();
	case IRP_MN_QUERY_STOP_DEVICE:
	case IRP_MN_CANCEL_STOP_DEVICE:
	case IRP_MN_QUERY_REMOVE_DEVICE:
	case IRP_MN_CANCEL_REMOVE_DEVICE:
	case IRP_MN_EJECT:
		return STATUS_SUCCESS;
	case IRP_MN_QUERY_CAPABILITIES:
		return query_capabilities(sp->Parameters.DeviceCapabilities.Capabilities);
	case IRP_MN_QUERY_ID:
		return query_id(irp, sp->Parameters.QueryId.IdType);
	case IRP_MN_QUERY_DEVICE_TEXT:
		return query_text(irp, sp->Parameters.QueryDeviceText.DeviceTextType);
	case IRP_MN_QUERY_RESOURCE_REQUIREMENTS:
		irp->IoStatus.Information = (ULONG_PTR)us_pnp_requirements();
		return irp->IoStatus.Information ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
	case IRP_MN_QUERY_BUS_INFORMATION:
		return query_bus_information(irp);
	case IRP_MN_QUERY_DEVICE_RELATIONS:
		return query_relations(device, irp, sp->Parameters.QueryDeviceRelations.Type);
	case IRP_MN_QUERY_INTERFACE:
		return query_interface(device, irp, sp);
	case IRP_MN_READ_CONFIG:
	case IRP_MN_WRITE_CONFIG:
		irp->IoStatus.Information =
			access_config(sp->MinorFunction == IRP_MN_WRITE_CONFIG,
				      sp->Parameters.ReadWriteConfig.WhichSpace, sp->Parameters.ReadWriteConfig.Buffer,
				      sp->Parameters.ReadWriteConfig.Offset, sp->Parameters.ReadWriteConfig.Length);
		return irp->IoStatus.Information ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_REQUEST;
	default: /* as whoever sent it has set it */
		return irp->IoStatus.Status;
	}
}

static NTSTATUS NTAPI bus_pnp(PDEVICE_OBJECT device, PIRP irp)
{
	NTSTATUS status = answer(device, irp, IoGetCurrentIrpStackLocation(irp));

	irp->IoStatus.Status = status;
	IofCompleteRequest(irp, IO_NO_INCREMENT);
	return status;
}

static NTSTATUS NTAPI bus_power(PDEVICE_OBJECT device, PIRP irp)
{
	return us_pnp_bus_power(device, irp);
}

/* It has no providers of its own: what nobody above has taken comes back as it is. */
static NTSTATUS NTAPI bus_system_control(PDEVICE_OBJECT device, PIRP irp)
{
	NTSTATUS status = irp->IoStatus.Status;

	(void)device;
	IofCompleteRequest(irp, IO_NO_INCREMENT);
	return status;
}

PDRIVER_OBJECT us_pnp_bus_driver(void)
{
	PDRIVER_OBJECT driver = us_nt->pnp->bus;

	if (driver)
		return driver;
	driver = us_io_driver_new("pci");
	if (!driver)
		return NULL;
	driver->MajorFunction[IRP_MJ_PNP] = bus_pnp;
	driver->MajorFunction[IRP_MJ_POWER] = bus_power;
	driver->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = bus_system_control;
	us_nt->pnp->bus = driver;
	return driver;
}
