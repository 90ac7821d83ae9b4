/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The unified property model (Microsoft, "Accessing the Unified Device Property Model"): what the system says of the
 * device, under the keys of devpkey.h, and what drivers have set.
 */
#include <stdio.h>

#include "nt/io.h"
#include "nt/phys.h"
#include "nt/pnp.h"

/* A property that a driver has set. */
struct us_pnp_property {
	struct us_pnp_property *next;
	DEVPROPKEY key;
	LCID locale;
	DEVPROPTYPE type;
	ULONG size;
	uint8_t data[];
};

static const GUID system_keys = {0xa45c254e, 0xdf1c, 0x4efd, {0x80, 0x20, 0x67, 0xd1, 0x46, 0xa8, 0x50, 0xe0}};
static const GUID instance_keys = {0x78c34fc8, 0x104a, 0x4aca, {0x9e, 0xa4, 0x52, 0x4d, 0x52, 0x99, 0x6e, 0x57}};

/* DEVPKEY_Device_...: the same as IoGetDeviceProperty() tells, as these types. */
static const struct {
	DEVPROPID id;
	DEVICE_REGISTRY_PROPERTY property;
	DEVPROPTYPE type;
} system_properties[] = {
	{2, DevicePropertyDeviceDescription, DEVPROP_TYPE_STRING},
	{3, DevicePropertyHardwareID, DEVPROP_TYPE_STRING_LIST},
	{4, DevicePropertyCompatibleIDs, DEVPROP_TYPE_STRING_LIST},
	{9, DevicePropertyClassName, DEVPROP_TYPE_STRING},
	{11, DevicePropertyDriverKeyName, DEVPROP_TYPE_STRING},
	{13, DevicePropertyManufacturer, DEVPROP_TYPE_STRING},
	{15, DevicePropertyLocationInformation, DEVPROP_TYPE_STRING},
	{16, DevicePropertyPhysicalDeviceObjectName, DEVPROP_TYPE_STRING},
	{21, DevicePropertyBusTypeGuid, DEVPROP_TYPE_GUID},
	{22, DevicePropertyLegacyBusType, DEVPROP_TYPE_UINT32},
	{23, DevicePropertyBusNumber, DEVPROP_TYPE_UINT32},
	{24, DevicePropertyEnumeratorName, DEVPROP_TYPE_STRING},
	{30, DevicePropertyAddress, DEVPROP_TYPE_UINT32},
	{33, DevicePropertyRemovalPolicy, DEVPROP_TYPE_UINT32},
	{36, DevicePropertyInstallState, DEVPROP_TYPE_UINT32},
};

#define SYSTEM_PROPERTIES (sizeof(system_properties) / sizeof(system_properties[0]))
#define INSTANCE_ID 256

static bool same_guid(const GUID *a, const GUID *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static struct us_pnp_property **find(const DEVPROPKEY *key, LCID locale)
{
	struct us_pnp_property **link = &us_nt->pnp->properties;

	while (*link && ((*link)->locale != locale || (*link)->key.pid != key->pid ||
			 !same_guid(&(*link)->key.fmtid, &key->fmtid)))
		link = &(*link)->next;
	return link;
}

static NTSTATUS give(const void *data, ULONG size, ULONG room, PVOID to, PULONG needed)
{
	*needed = size;
	if (room < size)
		return STATUS_BUFFER_TOO_SMALL;
	memcpy(to, data, size);
	return STATUS_SUCCESS;
}

static NTSTATUS give_instance(ULONG room, PVOID to, PULONG needed)
{
	WCHAR text[sizeof(us_nt->pnp->instance)];
	ULONG n = 0;

	do
		text[n] = (WCHAR)us_nt->pnp->instance[n];
	while (text[n++]);
	return give(text, n * (ULONG)sizeof(WCHAR), room, to, needed);
}

static NTSTATUS get_system(PDEVICE_OBJECT pdo, const DEVPROPKEY *key, ULONG room, PVOID to, PULONG needed,
			   PDEVPROPTYPE type)
{
	if (same_guid(&key->fmtid, &instance_keys) && key->pid == INSTANCE_ID) {
		*type = DEVPROP_TYPE_STRING;
		return give_instance(room, to, needed);
	}
	if (!same_guid(&key->fmtid, &system_keys))
		return STATUS_OBJECT_NAME_NOT_FOUND;
	for (size_t i = 0; i < SYSTEM_PROPERTIES; i++)
		if (system_properties[i].id == key->pid) {
			*type = system_properties[i].type;
			return IoGetDeviceProperty(pdo, system_properties[i].property, room, to, needed);
		}
	return STATUS_OBJECT_NAME_NOT_FOUND;
}

NTSTATUS NTAPI IoGetDevicePropertyData(PDEVICE_OBJECT pdo, const DEVPROPKEY *key, LCID locale, ULONG flags, ULONG room,
				       PVOID to, PULONG needed, PDEVPROPTYPE type)
{
	const struct us_pnp_property *property;

	us_pnp_must_be_pdo(pdo, "IoGetDevicePropertyData");
	*needed = 0;
	*type = DEVPROP_TYPE_EMPTY;
	if (flags)
		return STATUS_INVALID_PARAMETER;
	property = *find(key, locale);
	if (!property)
		return locale ? STATUS_OBJECT_NAME_NOT_FOUND : get_system(pdo, key, room, to, needed, type);
	*type = property->type;
	return give(property->data, property->size, room, to, needed);
}

static NTSTATUS forget(struct us_pnp_property **link)
{
	struct us_pnp_property *property = *link;

	if (!property)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	*link = property->next;
	us_nt_free(property);
	return STATUS_SUCCESS;
}

/* The device's key is there as long as the stage is, so that a persistent property needs no other place. */
NTSTATUS NTAPI IoSetDevicePropertyData(PDEVICE_OBJECT pdo, const DEVPROPKEY *key, LCID locale, ULONG flags,
				       DEVPROPTYPE type, ULONG size, PVOID data)
{
	struct us_pnp_property *property, **link;

	us_pnp_must_be_pdo(pdo, "IoSetDevicePropertyData");
	if (flags & ~(ULONG)PLUGPLAY_PROPERTY_PERSISTENT)
		return STATUS_INVALID_PARAMETER;
	if (same_guid(&key->fmtid, &system_keys) || same_guid(&key->fmtid, &instance_keys))
		us_nt_unsupported("IoSetDevicePropertyData of a property that is the system's (%u).",
				  (unsigned)key->pid);
	link = find(key, locale);
	if (!data)
		return forget(link);
	property = us_nt_alloc(sizeof(*property) + size);
	*property = (struct us_pnp_property){.key = *key, .locale = locale, .type = type, .size = size};
	memcpy(property->data, data, size);
	if (*link)
		forget(link);
	property->next = *link;
	*link = property;
	return STATUS_SUCCESS;
}
