/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the system knows about a device: its properties and registry keys; of a device that is, or is about to be
 * created.
 */
#include "nt/kernel.h"
#include "nt/kmdf/kmdf.h"
#include "nt/phys.h"

/* The bus's device object, whose properties they are; NULL for a control device. */
static PDEVICE_OBJECT pdo_of(WDFDEVICE handle)
{
	struct us_wdf_device *device = us_wdf_from(handle, &us_wdf_device_type);

	return device->pdo;
}

/* -- properties --------------------------------------------------------------------------------------------------- */

static NTSTATUS query(PDEVICE_OBJECT pdo, DEVICE_REGISTRY_PROPERTY property, ULONG size, PVOID buffer, PULONG needed)
{
	return pdo ? IoGetDeviceProperty(pdo, property, size, buffer, needed) : STATUS_INVALID_DEVICE_REQUEST;
}

NTSTATUS us_wdf_property(PDEVICE_OBJECT pdo, DEVICE_REGISTRY_PROPERTY property, PWDF_OBJECT_ATTRIBUTES attributes,
			 WDFMEMORY *result)
{
	struct us_wdf_object *memory;
	ULONG size = 0;
	NTSTATUS status = query(pdo, property, 0, NULL, &size);

	*result = NULL;
	if (status != STATUS_BUFFER_TOO_SMALL)
		return NT_SUCCESS(status) ? STATUS_UNSUCCESSFUL : status;
	status = us_wdf_memory_new(attributes, size, 0, &memory);
	if (!NT_SUCCESS(status))
		return status;
	status = query(pdo, property, size, us_wdf_memory_buffer(memory, NULL), &size);
	if (NT_SUCCESS(status))
		*result = (WDFMEMORY)memory;
	else
		us_wdf_delete(memory);
	return status;
}

static NTSTATUS NTAPI query_property(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, DEVICE_REGISTRY_PROPERTY property,
				     ULONG size, PVOID buffer, PULONG needed)
{
	(void)globals;
	us_wdf_need(needed, "WdfDeviceQueryProperty", "ResultLength");
	return query(pdo_of(handle), property, size, buffer, needed);
}

static NTSTATUS NTAPI alloc_and_query(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, DEVICE_REGISTRY_PROPERTY property,
				      POOL_TYPE pool, PWDF_OBJECT_ATTRIBUTES attributes, WDFMEMORY *result)
{
	(void)globals, (void)pool;
	us_wdf_need(result, "WdfDeviceAllocAndQueryProperty", "PropertyMemory");
	return us_wdf_property(pdo_of(handle), property, attributes, result);
}

static NTSTATUS NTAPI init_query_property(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT init,
					  DEVICE_REGISTRY_PROPERTY property, ULONG size, PVOID buffer, PULONG needed)
{
	(void)globals;
	us_wdf_need(needed, "WdfFdoInitQueryProperty", "ResultLength");
	return query(us_wdf_init_from(init, "WdfFdoInitQueryProperty")->pdo, property, size, buffer, needed);
}

static NTSTATUS NTAPI init_alloc_and_query(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT init,
					   DEVICE_REGISTRY_PROPERTY property, POOL_TYPE pool,
					   PWDF_OBJECT_ATTRIBUTES attributes, WDFMEMORY *result)
{
	(void)globals, (void)pool;
	us_wdf_need(result, "WdfFdoInitAllocAndQueryProperty", "PropertyMemory");
	return us_wdf_property(us_wdf_init_from(init, "WdfFdoInitAllocAndQueryProperty")->pdo, property, attributes,
			       result);
}

/* -- of the unified model ----------------------------------------------------------------------------------------- */

/* What the driver asks for. STATUS_INFO_LENGTH_MISMATCH; STATUS_INVALID_PARAMETER: no key; …_DEVICE_REQUEST: no Plug
 * and Play. */
static NTSTATUS take_data(PDEVICE_OBJECT pdo, const WDF_DEVICE_PROPERTY_DATA *from, const char *function,
			  WDF_DEVICE_PROPERTY_DATA *to)
{
	us_wdf_need(from, function, "DeviceProperty");
	if (!us_wdf_take(to, from))
		return STATUS_INFO_LENGTH_MISMATCH;
	if (!to->PropertyKey)
		return STATUS_INVALID_PARAMETER;
	return pdo ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_REQUEST;
}

static NTSTATUS query_data(PDEVICE_OBJECT pdo, const WDF_DEVICE_PROPERTY_DATA *property, const char *function,
			   ULONG size, PVOID buffer, PULONG needed, PDEVPROPTYPE type)
{
	WDF_DEVICE_PROPERTY_DATA data;
	NTSTATUS status = take_data(pdo, property, function, &data);

	us_wdf_need(needed, function, "RequiredSize");
	us_wdf_need(type, function, "Type");
	if (!NT_SUCCESS(status))
		return status;
	if (size && !buffer)
		return STATUS_INVALID_PARAMETER;
	return IoGetDevicePropertyData(pdo, data.PropertyKey, data.Lcid, data.Flags, size, buffer, needed, type);
}

static NTSTATUS alloc_data(PDEVICE_OBJECT pdo, const WDF_DEVICE_PROPERTY_DATA *property, const char *function,
			   PWDF_OBJECT_ATTRIBUTES attributes, WDFMEMORY *result, PDEVPROPTYPE type)
{
	struct us_wdf_object *memory;
	ULONG size = 0;
	NTSTATUS status;

	us_wdf_need(result, function, "PropertyMemory");
	*result = NULL;
	status = query_data(pdo, property, function, 0, NULL, &size, type);
	if (status != STATUS_BUFFER_TOO_SMALL)
		return NT_SUCCESS(status) ? STATUS_UNSUCCESSFUL : status;
	status = us_wdf_memory_new(attributes, size, 0, &memory);
	if (!NT_SUCCESS(status))
		return status;
	status = query_data(pdo, property, function, size, us_wdf_memory_buffer(memory, NULL), &size, type);
	if (NT_SUCCESS(status))
		*result = (WDFMEMORY)memory;
	else
		us_wdf_delete(memory);
	return status;
}

static NTSTATUS NTAPI query_property_ex(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle,
					PWDF_DEVICE_PROPERTY_DATA property, ULONG size, PVOID buffer, PULONG needed,
					PDEVPROPTYPE type)
{
	(void)globals;
	return query_data(pdo_of(handle), property, "WdfDeviceQueryPropertyEx", size, buffer, needed, type);
}

static NTSTATUS NTAPI alloc_and_query_ex(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle,
					 PWDF_DEVICE_PROPERTY_DATA property, POOL_TYPE pool,
					 PWDF_OBJECT_ATTRIBUTES attributes, WDFMEMORY *result, PDEVPROPTYPE type)
{
	(void)globals, (void)pool;
	return alloc_data(pdo_of(handle), property, "WdfDeviceAllocAndQueryPropertyEx", attributes, result, type);
}

static NTSTATUS NTAPI assign_property(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, PWDF_DEVICE_PROPERTY_DATA property,
				      DEVPROPTYPE type, ULONG size, PVOID buffer)
{
	PDEVICE_OBJECT pdo = pdo_of(handle);
	WDF_DEVICE_PROPERTY_DATA data;
	NTSTATUS status = take_data(pdo, property, "WdfDeviceAssignProperty", &data);

	(void)globals;
	if (!NT_SUCCESS(status))
		return status;
	return IoSetDevicePropertyData(pdo, data.PropertyKey, data.Lcid, data.Flags, type, size, buffer);
}

static NTSTATUS NTAPI init_query_property_ex(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT init,
					     PWDF_DEVICE_PROPERTY_DATA property, ULONG size, PVOID buffer,
					     PULONG needed, PDEVPROPTYPE type)
{
	static const char function[] = "WdfFdoInitQueryPropertyEx";

	(void)globals;
	return query_data(us_wdf_init_from(init, function)->pdo, property, function, size, buffer, needed, type);
}

static NTSTATUS NTAPI init_alloc_and_query_ex(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT init,
					      PWDF_DEVICE_PROPERTY_DATA property, POOL_TYPE pool,
					      PWDF_OBJECT_ATTRIBUTES attributes, WDFMEMORY *result, PDEVPROPTYPE type)
{
	static const char function[] = "WdfFdoInitAllocAndQueryPropertyEx";

	(void)globals, (void)pool;
	return alloc_data(us_wdf_init_from(init, function)->pdo, property, function, attributes, result, type);
}

/* -- registry keys ------------------------------------------------------------------------------------------------ */

static NTSTATUS open_key(PDEVICE_OBJECT pdo, ULONG kind, ACCESS_MASK access, PWDF_OBJECT_ATTRIBUTES attributes,
			 WDFKEY *key)
{
	HANDLE handle;
	NTSTATUS status;

	*key = NULL;
	if (!pdo)
		return STATUS_INVALID_DEVICE_REQUEST;
	status = IoOpenDeviceRegistryKey(pdo, kind, access, &handle);
	return NT_SUCCESS(status) ? us_wdf_key_new(handle, attributes, key) : status;
}

static NTSTATUS NTAPI open_registry_key(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, ULONG kind, ACCESS_MASK access,
					PWDF_OBJECT_ATTRIBUTES attributes, WDFKEY *key)
{
	(void)globals;
	us_wdf_need(key, "WdfDeviceOpenRegistryKey", "Key");
	return open_key(pdo_of(handle), kind, access, attributes, key);
}

static NTSTATUS NTAPI init_open_registry_key(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT init, ULONG kind,
					     ACCESS_MASK access, PWDF_OBJECT_ATTRIBUTES attributes, WDFKEY *key)
{
	(void)globals;
	us_wdf_need(key, "WdfFdoInitOpenRegistryKey", "Key");
	return open_key(us_wdf_init_from(init, "WdfFdoInitOpenRegistryKey")->pdo, kind, access, attributes, key);
}

void us_wdf_property_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfDeviceQueryProperty = query_property;
	table->WdfDeviceAllocAndQueryProperty = alloc_and_query;
	table->WdfDeviceQueryPropertyEx = query_property_ex;
	table->WdfDeviceAllocAndQueryPropertyEx = alloc_and_query_ex;
	table->WdfDeviceAssignProperty = assign_property;
	table->WdfFdoInitQueryPropertyEx = init_query_property_ex;
	table->WdfFdoInitAllocAndQueryPropertyEx = init_alloc_and_query_ex;
	table->WdfDeviceOpenRegistryKey = open_registry_key;
	table->WdfFdoInitQueryProperty = init_query_property;
	table->WdfFdoInitAllocAndQueryProperty = init_alloc_and_query;
	table->WdfFdoInitOpenRegistryKey = init_open_registry_key;
}
