/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How others find a device: device interfaces and symbolic links for applications, interfaces of functions for drivers.
 */
#include "nt/kernel.h"
#include "nt/kmdf/child.h"
#include "nt/kmdf/kmdf.h"
#include "nt/phys.h"
#include "nt/trace.h"

#define TAG 0x46447846u /* "FxDF" */

static struct us_wdf_device *from(WDFDEVICE handle)
{
	return us_wdf_from(handle, &us_wdf_device_type);
}

/* -- device interfaces -------------------------------------------------------------------------------------------- */

static bool same_string(const UNICODE_STRING *a, const UNICODE_STRING *b)
{
	USHORT length = b ? b->Length : 0;

	return a->Length == length && (length == 0 || memcmp(a->Buffer, b->Buffer, length) == 0);
}

static struct us_wdf_interface *find(struct us_wdf_device *device, const GUID *guid, const UNICODE_STRING *reference)
{
	struct us_wdf_interface *interface_;

	for (interface_ = device->interfaces; interface_; interface_ = interface_->next)
		if (memcmp(&interface_->guid, guid, sizeof(*guid)) == 0 &&
		    same_string(&interface_->reference, reference))
			return interface_;
	return NULL;
}

/* Brings the system's idea of an interface in line with what it should be. */
static void apply(struct us_wdf_device *device, struct us_wdf_interface *interface_, bool enable)
{
	NTSTATUS status = STATUS_SUCCESS;

	enable = enable && interface_->wanted;
	if (enable == interface_->enabled)
		return;
	interface_->enabled = enable;
	if (!interface_->link.Buffer)
		status = IoRegisterDeviceInterface(
			device->pdo, &interface_->guid, interface_->reference.Buffer ? &interface_->reference : NULL,
			&interface_->link);
	if (NT_SUCCESS(status))
		status = IoSetDeviceInterfaceState(&interface_->link, enable);
	if (!NT_SUCCESS(status))
		us_nt_trace("note      a device interface could not be %s: %#x", enable ? "enabled" : "disabled",
			    (unsigned)status);
}

void us_wdf_interfaces_enable(struct us_wdf_device *device, bool enable)
{
	struct us_wdf_interface *interface_;

	for (interface_ = device->interfaces; interface_; interface_ = interface_->next)
		apply(device, interface_, enable);
}

void us_wdf_interfaces_free(struct us_wdf_device *device)
{
	struct us_wdf_query_interface *query;
	struct us_wdf_interface *interface_;

	while ((interface_ = device->interfaces)) {
		device->interfaces = interface_->next;
		us_wdf_pool_free(interface_->reference.Buffer);
		if (interface_->link.Buffer)
			RtlFreeUnicodeString(&interface_->link);
		us_nt_free(interface_);
	}
	while ((query = device->query_interfaces)) {
		device->query_interfaces = query->next;
		us_wdf_pool_free(query->offered);
		us_nt_free(query);
	}
}

static NTSTATUS NTAPI create_interface(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, const GUID *guid,
				       PCUNICODE_STRING reference)
{
	struct us_wdf_device *device = from(handle);
	struct us_wdf_interface *interface_, **last;
	UNICODE_STRING copy = {0}, link = {0};
	NTSTATUS status = STATUS_SUCCESS;

	(void)globals;
	us_wdf_need(guid, "WdfDeviceCreateDeviceInterface", "InterfaceClassGUID");
	if (device->control)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (reference && (reference->Length & 1))
		return STATUS_INVALID_PARAMETER;
	if (reference && !us_wdf_copy_string(&copy, reference))
		return STATUS_INSUFFICIENT_RESOURCES;
	/* Of a child that the system does not know yet: when it is started. */
	if (!device->child || device->pnp_state == WdfDevStatePnpStarted)
		status = IoRegisterDeviceInterface(device->pdo, guid, reference ? &copy : NULL, &link);
	if (!NT_SUCCESS(status)) {
		us_wdf_pool_free(copy.Buffer);
		return status;
	}
	interface_ = us_nt_alloc(sizeof(*interface_));
	interface_->guid = *guid;
	interface_->reference = copy;
	interface_->link = link;
	interface_->wanted = true;
	for (last = &device->interfaces; *last; last = &(*last)->next)
		;
	*last = interface_;
	apply(device, interface_, device->pnp_state == WdfDevStatePnpStarted);
	return STATUS_SUCCESS;
}

static void NTAPI set_interface_state(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, const GUID *guid,
				      PCUNICODE_STRING reference, BOOLEAN enabled)
{
	struct us_wdf_device *device = from(handle);
	struct us_wdf_interface *interface_;

	(void)globals;
	us_wdf_need(guid, "WdfDeviceSetDeviceInterfaceState", "InterfaceClassGUID");
	interface_ = find(device, guid, reference);
	if (!interface_)
		us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, handle, "interface.unknown",
				 "WdfDeviceSetDeviceInterfaceState was called for an interface that %s does not have.",
				 us_wdf_name(device));
	interface_->wanted = enabled;
	apply(device, interface_, device->pnp_state == WdfDevStatePnpStarted);
}

static NTSTATUS NTAPI retrieve_interface_string(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, const GUID *guid,
						PCUNICODE_STRING reference, WDFSTRING string)
{
	struct us_wdf_interface *interface_;

	(void)globals;
	us_wdf_need(guid, "WdfDeviceRetrieveDeviceInterfaceString", "InterfaceClassGUID");
	interface_ = find(from(handle), guid, reference);
	us_wdf_from(string, &us_wdf_string_type);
	if (!interface_)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	return interface_->link.Buffer ? us_wdf_string_set(string, &interface_->link) : STATUS_INVALID_DEVICE_STATE;
}

/* -- symbolic links ----------------------------------------------------------------------------------------------- */

/* The name of a device, or of the bus's device object below it. */
static NTSTATUS name_of(struct us_wdf_device *device, WCHAR *buffer, ULONG size, UNICODE_STRING *name)
{
	ULONG length = 0;
	NTSTATUS status;

	if (device->name.Buffer) {
		*name = device->name;
		return STATUS_SUCCESS;
	}
	if (!device->pdo)
		return STATUS_INVALID_DEVICE_REQUEST;
	status = IoGetDeviceProperty(device->pdo, DevicePropertyPhysicalDeviceObjectName, size, buffer, &length);
	if (NT_SUCCESS(status))
		RtlInitUnicodeString(name, buffer);
	return status;
}

static NTSTATUS NTAPI create_symbolic_link(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, PCUNICODE_STRING link)
{
	struct us_wdf_device *device = from(handle);
	UNICODE_STRING name, copy;
	WCHAR buffer[128];
	NTSTATUS status;

	(void)globals;
	us_wdf_need(link, "WdfDeviceCreateSymbolicLink", "SymbolicLinkName");
	if (device->symbolic_link.Buffer)
		return STATUS_INVALID_DEVICE_STATE;
	if ((link->Length & 1) || !link->Length)
		return STATUS_INVALID_PARAMETER;
	status = name_of(device, buffer, sizeof(buffer), &name);
	if (!NT_SUCCESS(status))
		return status;
	if (!us_wdf_copy_string(&copy, link))
		return STATUS_INSUFFICIENT_RESOURCES;
	status = IoCreateSymbolicLink(&copy, &name);
	if (NT_SUCCESS(status))
		device->symbolic_link = copy;
	else
		us_wdf_pool_free(copy.Buffer);
	return status;
}

/* -- interfaces of functions -------------------------------------------------------------------------------------- */

static NTSTATUS NTAPI add_query_interface(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle,
					  PWDF_QUERY_INTERFACE_CONFIG config)
{
	struct us_wdf_device *device = from(handle);
	struct us_wdf_query_interface *query;

	(void)globals;
	us_wdf_need(config, "WdfDeviceAddQueryInterface", "InterfaceConfig");
	if (!us_wdf_sized(config))
		return STATUS_INFO_LENGTH_MISMATCH;
	if (!config->InterfaceType || (config->ImportInterface && !config->EvtDeviceProcessQueryInterfaceRequest) ||
	    (!config->ImportInterface && !config->Interface) ||
	    (config->Interface && (config->Interface->Size < sizeof(INTERFACE) ||
				   !config->Interface->InterfaceReference || !config->Interface->InterfaceDereference)))
		return STATUS_INVALID_PARAMETER;
	if (config->SendQueryToParentStack)
		return STATUS_INVALID_DEVICE_REQUEST; /* for a bus's children only */
	query = us_nt_alloc(sizeof(*query));
	query->guid = *config->InterfaceType;
	query->callback = config->EvtDeviceProcessQueryInterfaceRequest;
	query->import = config->ImportInterface;
	if (config->Interface) {
		query->offered = us_nt_pool_alloc(config->Interface->Size, TAG);
		if (!query->offered) {
			us_nt_free(query);
			return STATUS_INSUFFICIENT_RESOURCES;
		}
		memcpy(query->offered, config->Interface, config->Interface->Size);
	}
	query->next = device->query_interfaces;
	device->query_interfaces = query;
	return STATUS_SUCCESS;
}

/* STATUS_NOT_SUPPORTED: nobody here has it, a lower driver may. */
static NTSTATUS answer(struct us_wdf_device *device, PIO_STACK_LOCATION sp)
{
	struct us_wdf_query_interface *query;
	PINTERFACE exposed = sp->Parameters.QueryInterface.Interface;
	const GUID *guid = sp->Parameters.QueryInterface.InterfaceType;
	NTSTATUS status = STATUS_SUCCESS;

	for (query = device->query_interfaces; query; query = query->next)
		if (memcmp(&query->guid, guid, sizeof(*guid)) == 0)
			break;
	if (!query)
		return STATUS_NOT_SUPPORTED;
	if (!query->import) {
		if (sp->Parameters.QueryInterface.Size < query->offered->Size)
			return STATUS_INVALID_PARAMETER;
		memcpy(exposed, query->offered, query->offered->Size);
	}
	if (query->callback)
		status = US_CALL("EvtDeviceProcessQueryInterfaceRequest", query->callback, (WDFDEVICE)device,
				 (LPGUID)(uintptr_t)guid, exposed, sp->Parameters.QueryInterface.InterfaceSpecificData);
	if (NT_SUCCESS(status) && !query->import)
		US_CALL_VOID("InterfaceReference", exposed->InterfaceReference, exposed->Context);
	return status;
}

NTSTATUS us_wdf_query_interface(struct us_wdf_device *device, PIRP irp)
{
	NTSTATUS status = answer(device, IoGetCurrentIrpStackLocation(irp));

	return status == STATUS_NOT_SUPPORTED ? us_wdf_forward(device, irp) : us_wdf_complete(irp, status);
}

static NTSTATUS NTAPI query_for_interface(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, LPCGUID guid,
					  PINTERFACE interface_, USHORT size, USHORT version, PVOID data)
{
	struct us_wdf_device *device = from(handle);
	PIO_STACK_LOCATION sp;
	NTSTATUS status;
	PIRP irp;

	(void)globals;
	us_wdf_need(guid, "WdfFdoQueryForInterface", "InterfaceType");
	us_wdf_need(interface_, "WdfFdoQueryForInterface", "Interface");
	if (!device->attached)
		return STATUS_INVALID_DEVICE_REQUEST;
	irp = IoAllocateIrp(device->attached->StackSize, FALSE);
	if (!irp)
		return STATUS_INSUFFICIENT_RESOURCES;
	irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
	sp = IoGetNextIrpStackLocation(irp);
	sp->MajorFunction = IRP_MJ_PNP;
	sp->MinorFunction = IRP_MN_QUERY_INTERFACE;
	sp->Parameters.QueryInterface.InterfaceType = guid;
	sp->Parameters.QueryInterface.Interface = interface_;
	sp->Parameters.QueryInterface.Size = size;
	sp->Parameters.QueryInterface.Version = version;
	sp->Parameters.QueryInterface.InterfaceSpecificData = data;
	status = us_nt_io_call_and_wait(device->attached, irp);
	IoFreeIrp(irp);
	return status;
}

void us_wdf_interface_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfDeviceCreateDeviceInterface = create_interface;
	table->WdfDeviceSetDeviceInterfaceState = set_interface_state;
	table->WdfDeviceRetrieveDeviceInterfaceString = retrieve_interface_string;
	table->WdfDeviceCreateSymbolicLink = create_symbolic_link;
	table->WdfDeviceAddQueryInterface = add_query_interface;
	table->WdfFdoQueryForInterface = query_for_interface;
}
