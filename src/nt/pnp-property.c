/* SPDX-License-Identifier: Apache-2.0 */
/* What drivers ask the PnP manager about their device, and what they tell it. */
#include <stdio.h>

#include "nt/io.h"
#include "nt/phys.h"
#include "nt/pnp.h"
#include "nt/registry.h"
#include "nt/trace.h"

void us_pnp_must_be_pdo(PDEVICE_OBJECT device, const char *what)
{
	if (us_pnp_is_child(device))
		us_nt_unsupported("%s for %s, a child of the function's device.", what, us_io_device_name(device));
	if (!us_pnp_is_pdo(device))
		us_nt_bugcheck(
			0xCA, 2, (uintptr_t)device, 0, 0, "pnp.not-a-pdo",
			"%s takes the physical device object of the device (AddDevice's second argument), and got %s.",
			what, us_io_device_name(device));
}

static NTSTATUS give(const void *data, size_t size, ULONG room, PVOID to, PULONG needed)
{
	*needed = (ULONG)size;
	if (room < size)
		return STATUS_BUFFER_TOO_SMALL;
	memcpy(to, data, size);
	return STATUS_SUCCESS;
}

/* ASCII strings as the property's UTF-16, each with its NUL; `list`: and one more. */
static NTSTATUS give_text(const char *const *strings, bool list, ULONG room, PVOID to, PULONG needed)
{
	WCHAR text[600];
	size_t n = 0;

	for (; *strings; strings++) {
		for (const char *c = *strings; *c; c++)
			text[n++] = (WCHAR)*c;
		text[n++] = 0;
	}
	if (list)
		text[n++] = 0;
	return give(text, n * sizeof(WCHAR), room, to, needed);
}

static NTSTATUS give_one(const char *string, ULONG room, PVOID to, PULONG needed)
{
	return give_text((const char *const[]){string, NULL}, false, room, to, needed);
}

static NTSTATUS give_ids(bool (*id)(unsigned index, char text[64]), ULONG room, PVOID to, PULONG needed)
{
	char ids[8][64];
	const char *strings[9] = {NULL};

	for (unsigned i = 0; i < 8 && id(i, ids[i]); i++)
		strings[i] = ids[i];
	return give_text(strings, true, room, to, needed);
}

static NTSTATUS give_number(ULONG number, ULONG room, PVOID to, PULONG needed)
{
	return give(&number, sizeof(number), room, to, needed);
}

static NTSTATUS give_name(PDEVICE_OBJECT pdo, ULONG room, PVOID to, PULONG needed)
{
	return give_one(us_nt_ascii(&us_io_device(pdo)->name), room, to, needed);
}

static NTSTATUS give_location(ULONG room, PVOID to, PULONG needed)
{
	char text[64];

	snprintf(text, sizeof(text), "PCI bus %u, device %u, function %u", US_PCI_BUS, US_PCI_DEVICE, US_PCI_FUNCTION);
	return give_one(text, room, to, needed);
}

NTSTATUS NTAPI IoGetDeviceProperty(PDEVICE_OBJECT device, DEVICE_REGISTRY_PROPERTY property, ULONG room, PVOID to,
				   PULONG needed)
{
	const GUID pci = GUID_BUS_TYPE_PCI;

	us_pnp_must_be_pdo(device, "IoGetDeviceProperty");
	*needed = 0;
	switch (property) {
	case DevicePropertyDeviceDescription:
		return give_one("PCI Device", room, to, needed);
	case DevicePropertyHardwareID:
		return give_ids(us_pnp_hardware_id, room, to, needed);
	case DevicePropertyCompatibleIDs:
		return give_ids(us_pnp_compatible_id, room, to, needed);
	case DevicePropertyClassName:
		return give_one("System", room, to, needed);
	case DevicePropertyClassGuid:
		return give_one(US_PNP_CLASS, room, to, needed);
	case DevicePropertyDriverKeyName:
		return give_one(US_PNP_CLASS "\\0000", room, to, needed);
	case DevicePropertyManufacturer:
		return give_one("Understudy", room, to, needed);
	case DevicePropertyLocationInformation:
		return give_location(room, to, needed);
	case DevicePropertyPhysicalDeviceObjectName:
		return give_name(device, room, to, needed);
	case DevicePropertyEnumeratorName:
		return give_one("PCI", room, to, needed);
	case DevicePropertyBusTypeGuid:
		return give(&pci, sizeof(pci), room, to, needed);
	case DevicePropertyLegacyBusType:
		return give_number(PCIBus, room, to, needed);
	case DevicePropertyBusNumber:
		return give_number(US_PCI_BUS, room, to, needed);
	case DevicePropertyAddress:
		return give_number((ULONG)US_PCI_DEVICE << 16 | US_PCI_FUNCTION, room, to, needed);
	case DevicePropertyInstallState:
		return give_number(InstallStateInstalled, room, to, needed);
	case DevicePropertyRemovalPolicy:
		return give_number(RemovalPolicyExpectSurpriseRemoval, room, to, needed);
	case DevicePropertyFriendlyName: /* the INF wrote none */
	case DevicePropertyUINumber:
	case DevicePropertyBootConfiguration:
	case DevicePropertyBootConfigurationTranslated:
	case DevicePropertyContainerID:
		return STATUS_OBJECT_NAME_NOT_FOUND;
	default:
		us_nt_unsupported("IoGetDeviceProperty of the property %d.", (int)property);
	}
}

NTSTATUS NTAPI IoOpenDeviceRegistryKey(PDEVICE_OBJECT device, ULONG type, ACCESS_MASK access, PHANDLE handle)
{
	char text[256];
	UNICODE_STRING path;
	struct us_key *key;

	us_pnp_must_be_pdo(device, "IoOpenDeviceRegistryKey");
	if (type == PLUGPLAY_REGKEY_DEVICE)
		snprintf(text, sizeof(text),
			 "\\Registry\\Machine\\System\\CurrentControlSet\\Enum\\%s\\Device Parameters",
			 us_nt->pnp->instance);
	else if (type == PLUGPLAY_REGKEY_DRIVER)
		snprintf(text, sizeof(text),
			 "\\Registry\\Machine\\System\\CurrentControlSet\\Control\\Class\\" US_PNP_CLASS "\\0000");
	else
		us_nt_unsupported("IoOpenDeviceRegistryKey with the type %#x: the stage has no hardware profiles.",
				  (unsigned)type);
	path = us_nt_utf16(text);
	key = us_registry_key(NULL, &path, true, NULL);
	us_nt_pool_free(path.Buffer);
	return us_registry_open(key, access, handle);
}

/* -- what drivers tell -------------------------------------------------------------------------------------------- */

VOID NTAPI IoInvalidateDeviceState(PDEVICE_OBJECT device)
{
	if (us_pnp_is_child(device)) {
		us_pnp_child_invalidate(device);
		return;
	}
	us_pnp_must_be_pdo(device, "IoInvalidateDeviceState");
	us_nt->pnp->invalidated = true;
	us_nt_trace("note      the driver says that its device's state has changed");
	us_pnp_settle_soon();
}

VOID NTAPI IoInvalidateDeviceRelations(PDEVICE_OBJECT device, DEVICE_RELATION_TYPE type)
{
	us_pnp_must_be_pdo(device, "IoInvalidateDeviceRelations");
	us_nt_trace("note      the driver says that relations %d of its device have changed", (int)type);
	if (type != BusRelations)
		us_nt_unsupported("IoInvalidateDeviceRelations of type %d.", (int)type);
	us_nt->pnp->relations_changed = true;
	us_pnp_settle_soon();
}

VOID NTAPI IoRequestDeviceEject(PDEVICE_OBJECT device)
{
	if (us_pnp_is_child(device)) {
		us_pnp_child_eject(device);
		return;
	}
	us_pnp_must_be_pdo(device, "IoRequestDeviceEject");
	us_nt_unsupported("IoRequestDeviceEject: the story ejects the device, not its driver.");
}

#define PASSIVE(function, types) US_EXPORT(function, PASSIVE_LEVEL, types)
#define DISPATCH(function, types) US_EXPORT(function, DISPATCH_LEVEL, types)

const struct us_export us_nt_pnp_exports[] = {
	/* the device */
	PASSIVE(IoGetDeviceProperty, "s:puupp"),
	US_EXPORT(IoGetDevicePropertyData, APC_LEVEL, "s:ppxxuppp"),
	US_EXPORT(IoSetDevicePropertyData, APC_LEVEL, "s:ppxxuup"),
	PASSIVE(IoOpenDeviceRegistryKey, "S:pxxp"),
	DISPATCH(IoInvalidateDeviceState, "v:p"),
	DISPATCH(IoInvalidateDeviceRelations, "v:pu"),
	DISPATCH(IoRequestDeviceEject, "v:p"),
	/* power */
	DISPATCH(PoCallDriver, "x:pp"),
	DISPATCH(PoStartNextPowerIrp, "v:p"),
	DISPATCH(PoRequestPowerIrp, "S:pbuppp"),
	DISPATCH(PoSetPowerState, "u:puu"),
	PASSIVE(PoRegisterDeviceForIdleDetection, "p:puuu"),
	/* interrupts */
	PASSIVE(IoConnectInterrupt, "S:ppppubbubqb"),
	PASSIVE(IoConnectInterruptEx, "S:p"),
	PASSIVE(IoDisconnectInterrupt, "v:p"),
	PASSIVE(IoDisconnectInterruptEx, "v:p"),
	US_EXPORT(KeSynchronizeExecution, HIGH_LEVEL, "b:ppp"),
	US_EXPORT(KeAcquireInterruptSpinLock, HIGH_LEVEL, "b:p"),
	US_EXPORT(KeReleaseInterruptSpinLock, HIGH_LEVEL, "v:pb"),
	US_EXPORT_END,
};
