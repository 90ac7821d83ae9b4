/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entry stub of a KMDF driver: what the system calls first and last.
 *
 * The system enters here, not in the driver's DriverEntry, because the driver can not call the framework before the two
 * are bound. Microsoft's build links its own stub (WdfDriverEntry.lib) in this place; this one does the same, from the
 * facts in kmdf-1.15/README.md.
 */
#include <ntddk.h>
#include <wdf.h>

#include "bind.h"

#define FUNCTIONS_OF_1_15 444

/* A service key's name has at most 255 characters, the path to it some 50. */
#define REGISTRY_PATH_CHARACTERS 320

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath);
NTSTATUS NTAPI FxDriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath);

/* What the inline functions of <wdf.h> call through. */
PWDF_DRIVER_GLOBALS WdfDriverGlobals;
__typeof__(WdfFunctions) WdfFunctions;

static struct wdf_bind_info bind = {
	.size = sizeof(bind),
	.component = L"KmdfLibrary",
	.version = {1, 15, 0},
	.function_count = FUNCTIONS_OF_1_15,
	.function_table = &WdfFunctions,
};

/* A copy, because the system's is gone when DriverEntry has returned, and unbinding needs it. */
static WCHAR path_buffer[REGISTRY_PATH_CHARACTERS];
static UNICODE_STRING registry_path = {.MaximumLength = sizeof(path_buffer), .Buffer = path_buffer};

static PDRIVER_UNLOAD driver_unload;

/* The driver's own unload routine, then the framework's end. */
static void NTAPI unload(PDRIVER_OBJECT DriverObject)
{
	if (driver_unload)
		driver_unload(DriverObject);
	WdfVersionUnbind(&registry_path, &bind, WdfDriverGlobals);
}

NTSTATUS NTAPI FxDriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
	NTSTATUS status;

	if (RegistryPath->Length > sizeof(path_buffer))
		return STATUS_NAME_TOO_LONG;
	RtlCopyUnicodeString(&registry_path, RegistryPath);

	status = WdfVersionBind(DriverObject, &registry_path, &bind, (PVOID *)&WdfDriverGlobals);
	if (!NT_SUCCESS(status))
		return status;

	status = DriverEntry(DriverObject, RegistryPath);
	if (!NT_SUCCESS(status)) {
		/* The system does not call DriverUnload of a driver that failed to start. */
		WdfVersionUnbind(&registry_path, &bind, WdfDriverGlobals);
		return status;
	}

	if (WdfDriverGlobals->DisplaceDriverUnload) {
		driver_unload = DriverObject->DriverUnload;
		DriverObject->DriverUnload = unload;
	}
	return status;
}
