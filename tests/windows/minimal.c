/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest KMDF driver: it takes any device and does nothing with it. Proof that headers, entry stub and import
 * libraries make a driver together.
 */
#include <ntddk.h>
#include <wdf.h>

DRIVER_INITIALIZE DriverEntry;
static EVT_WDF_DRIVER_DEVICE_ADD device_add;

static NTSTATUS NTAPI device_add(WDFDRIVER Driver, PWDFDEVICE_INIT DeviceInit)
{
	WDFDEVICE device;

	UNREFERENCED_PARAMETER(Driver);
	return WdfDeviceCreate(&DeviceInit, WDF_NO_OBJECT_ATTRIBUTES, &device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
	WDF_DRIVER_CONFIG config;

	WDF_DRIVER_CONFIG_INIT(&config, device_add);
	return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
