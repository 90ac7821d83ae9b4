/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver object: what DriverEntry creates, how devices come to the driver, and its unload.
 */
#include "nt/kmdf/kmdf.h"
#include "nt/phys.h"
#include "nt/trace.h"

#define KNOWN_FLAGS (WdfDriverInitNonPnpDriver | WdfDriverInitNoDispatchOverride | WdfVerifyOn | WdfVerifierOn)

struct us_wdf_driver *us_wdf_driver(void)
{
	struct us_wdf_driver *driver = us_wdf_state()->driver;

	if (!driver)
		us_wdf_violation(WDF_INVALID_HANDLE, NULL, "driver.none",
				 "A framework function was called before WdfDriverCreate, or after the driver object "
				 "was deleted.");
	return driver;
}

static void destroy_driver(struct us_wdf_object *object)
{
	struct us_wdf_driver *driver = (struct us_wdf_driver *)object;

	us_wdf_pool_free(driver->registry_path.Buffer);
	us_wdf_globals()->Driver = NULL;
	us_wdf_state()->driver = NULL;
}

const struct us_wdf_type us_wdf_driver_type = {
	.name = "WDFDRIVER",
	.size = sizeof(struct us_wdf_driver),
	.fixed_parent = true,
	.takes_level = true,
	.takes_scope = true,
	.passive_cleanup = true,
	.destroy = destroy_driver,
};

/* -- devices come ------------------------------------------------------------------------------------------------- */

/* What EvtDriverDeviceAdd has done counts only if it succeeded: else the device that it created goes again. */
static NTSTATUS NTAPI add_device(PDRIVER_OBJECT wdm, PDEVICE_OBJECT pdo)
{
	struct us_wdf_driver *driver = us_wdf_driver();
	struct WDFDEVICE_INIT *init = us_wdf_init_new(pdo);
	struct us_wdf_device *device;
	NTSTATUS status;

	(void)wdm;
	if (!init)
		return STATUS_INSUFFICIENT_RESOURCES;
	us_wdf_state()->adding = init;
	status = US_CALL("EvtDriverDeviceAdd", driver->config.EvtDriverDeviceAdd, (WDFDRIVER)driver, init);
	us_wdf_state()->adding = NULL;
	device = us_wdf_state()->added;
	us_wdf_state()->added = NULL;
	if (!device)
		us_wdf_init_free(init);
	if (NT_SUCCESS(status)) {
		if (device)
			device->wdm->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
		return status == STATUS_PENDING ? STATUS_SUCCESS : status;
	}
	us_nt_trace("note      EvtDriverDeviceAdd failed: %#x", (unsigned)status);
	if (device) {
		us_wdf_reference(&device->object);
		us_wdf_delete(&device->object);
		us_wdf_device_detach(device);
		us_wdf_dereference(&device->object);
	}
	return status;
}

static void NTAPI unload(PDRIVER_OBJECT wdm)
{
	struct us_wdf_driver *driver = us_wdf_driver();

	(void)wdm;
	if (driver->config.EvtDriverUnload)
		US_CALL_VOID("EvtDriverUnload", driver->config.EvtDriverUnload, (WDFDRIVER)driver);
	us_wdf_delete(&driver->object);
	us_wdf_later_flush();
}

/* -- creation ----------------------------------------------------------------------------------------------------- */

static NTSTATUS check_config(const WDF_DRIVER_CONFIG *config)
{
	bool plain;

	if (config->DriverInitFlags & ~(ULONG)KNOWN_FLAGS)
		return STATUS_INVALID_PARAMETER;
	plain = config->DriverInitFlags & WdfDriverInitNonPnpDriver;
	if (plain == (config->EvtDriverDeviceAdd != NULL))
		return STATUS_INVALID_PARAMETER;
	return STATUS_SUCCESS;
}

/* From here on all IRPs of the driver's devices come to the framework. */
static void take_over(struct us_wdf_driver *driver)
{
	bool plain = driver->config.DriverInitFlags & WdfDriverInitNonPnpDriver;
	unsigned i;

	for (i = 0; i < US_WDF_MAJORS; i++)
		driver->wdm->MajorFunction[i] = us_wdf_dispatch;
	if (!plain)
		driver->wdm->DriverExtension->AddDevice = add_device;
	/* A driver without Plug and Play can be unloaded only when it says how. */
	if (!plain || driver->config.EvtDriverUnload) {
		driver->wdm->DriverUnload = unload;
		us_wdf_globals()->DisplaceDriverUnload = TRUE;
	}
}

static NTSTATUS NTAPI driver_create(PWDF_DRIVER_GLOBALS globals, PDRIVER_OBJECT wdm, PCUNICODE_STRING path,
				    PWDF_OBJECT_ATTRIBUTES attributes, PWDF_DRIVER_CONFIG given, WDFDRIVER *result)
{
	WDF_DRIVER_CONFIG config = {0};
	struct us_wdf_driver *driver;
	NTSTATUS status;

	us_wdf_need(wdm, "WdfDriverCreate", "DriverObject");
	us_wdf_need(path, "WdfDriverCreate", "RegistryPath");
	us_wdf_need(given, "WdfDriverCreate", "DriverConfig");
	if (result)
		*result = NULL;
	if (!us_wdf_take(&config, given))
		return STATUS_INFO_LENGTH_MISMATCH;
	status = check_config(&config);
	if (!NT_SUCCESS(status))
		return status;
	if (config.DriverInitFlags & WdfDriverInitNoDispatchOverride)
		us_nt_unsupported("WdfDriverCreate with WdfDriverInitNoDispatchOverride (a miniport driver).");
	if (us_wdf_state()->driver)
		return STATUS_DRIVER_INTERNAL_ERROR;
	status = us_wdf_create(&us_wdf_driver_type, attributes, NULL, &driver);
	if (!NT_SUCCESS(status))
		return status;
	us_wdf_state()->driver = driver;
	driver->wdm = wdm;
	driver->config = config;
	if (!us_wdf_copy_string(&driver->registry_path, path)) {
		us_wdf_delete(&driver->object);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	globals->Driver = (WDFDRIVER)driver;
	globals->DriverFlags = config.DriverInitFlags;
	if (config.DriverPoolTag)
		globals->DriverTag = config.DriverPoolTag;
	take_over(driver);
	if (result)
		*result = (WDFDRIVER)driver;
	return STATUS_SUCCESS;
}

/* -- what the driver asks ----------------------------------------------------------------------------------------- */

static PWSTR NTAPI get_registry_path(PWDF_DRIVER_GLOBALS globals, WDFDRIVER handle)
{
	struct us_wdf_driver *driver = us_wdf_from(handle, &us_wdf_driver_type);

	(void)globals;
	return driver->registry_path.Buffer;
}

static PDRIVER_OBJECT NTAPI get_wdm(PWDF_DRIVER_GLOBALS globals, WDFDRIVER handle)
{
	struct us_wdf_driver *driver = us_wdf_from(handle, &us_wdf_driver_type);

	(void)globals;
	return driver->wdm;
}

static WDFDRIVER NTAPI get_handle(PWDF_DRIVER_GLOBALS globals, PDRIVER_OBJECT wdm)
{
	struct us_wdf_driver *driver = us_wdf_state()->driver;

	(void)globals;
	us_wdf_need(wdm, "WdfWdmDriverGetWdfDriverHandle", "DriverObject");
	return driver && driver->wdm == wdm ? (WDFDRIVER)driver : NULL;
}

static NTSTATUS NTAPI open_parameters(PWDF_DRIVER_GLOBALS globals, WDFDRIVER handle, ACCESS_MASK access,
				      PWDF_OBJECT_ATTRIBUTES attributes, WDFKEY *key)
{
	struct us_wdf_driver *driver = us_wdf_from(handle, &us_wdf_driver_type);
	static WCHAR parameters[] = L"Parameters";
	UNICODE_STRING name = {sizeof(parameters) - sizeof(WCHAR), sizeof(parameters), parameters};
	OBJECT_ATTRIBUTES object;
	HANDLE service, opened;
	NTSTATUS status;

	(void)globals;
	us_wdf_need(key, "WdfDriverOpenParametersRegistryKey", "Key");
	*key = NULL;
	InitializeObjectAttributes(&object, &driver->registry_path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL,
				   NULL);
	status = ZwOpenKey(&service, KEY_READ, &object);
	if (!NT_SUCCESS(status))
		return status;
	/* The framework opens the key, or makes it where it is missing and may be. */
	InitializeObjectAttributes(&object, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, service, NULL);
	if (access & (KEY_CREATE_SUB_KEY | GENERIC_WRITE | MAXIMUM_ALLOWED))
		status = ZwCreateKey(&opened, access, &object, 0, NULL, REG_OPTION_NON_VOLATILE, NULL);
	else
		status = ZwOpenKey(&opened, access, &object);
	ZwClose(service);
	return NT_SUCCESS(status) ? us_wdf_key_new(opened, attributes, key) : status;
}

static NTSTATUS NTAPI retrieve_version(PWDF_DRIVER_GLOBALS globals, WDFDRIVER handle, WDFSTRING string)
{
	static WCHAR version[] = L"Kernel Mode Driver Framework version 1.15.0";
	UNICODE_STRING text = {sizeof(version) - sizeof(WCHAR), sizeof(version), version};

	(void)globals;
	us_wdf_from(handle, &us_wdf_driver_type);
	return us_wdf_string_set(string, &text);
}

static BOOLEAN NTAPI is_version_available(PWDF_DRIVER_GLOBALS globals, WDFDRIVER handle,
					  PWDF_DRIVER_VERSION_AVAILABLE_PARAMS params)
{
	(void)globals;
	us_wdf_from(handle, &us_wdf_driver_type);
	us_wdf_need(params, "WdfDriverIsVersionAvailable", "VersionAvailableParams");
	if (!us_wdf_sized(params))
		return FALSE;
	return params->MajorVersion == 1 && params->MinorVersion <= US_WDF_MINOR;
}

/* For WPP on Windows 2000; published sources of the framework have this answer for everybody since. */
static NTSTATUS NTAPI register_trace_info(PWDF_DRIVER_GLOBALS globals, PDRIVER_OBJECT wdm,
					  PFN_WDF_TRACE_CALLBACK callback, PVOID block)
{
	(void)globals, (void)wdm, (void)callback, (void)block;
	return STATUS_NOT_SUPPORTED;
}

/* -- what the driver says of itself ------------------------------------------------------------------------------- */

static void NTAPI bug_check(PWDF_DRIVER_GLOBALS globals, ULONG code, ULONG_PTR a, ULONG_PTR b, ULONG_PTR c, ULONG_PTR d)
{
	(void)globals;
	us_nt_bugcheck(code, a, b, c, d, "driver.bugcheck",
		       "The driver called WdfVerifierKeBugCheck with the code %#x.", (unsigned)code);
}

/* Without a debugger a break point is the end. */
static void NTAPI break_point(PWDF_DRIVER_GLOBALS globals)
{
	(void)globals;
	us_nt_bugcheck(0x8E, (uint32_t)STATUS_BREAKPOINT, us_nt_caller(), 0, 0, "driver.breakpoint",
		       "The driver called WdfVerifierDbgBreakPoint: it has found something wrong.");
}

void us_wdf_driver_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfDriverCreate = driver_create;
	table->WdfDriverGetRegistryPath = get_registry_path;
	table->WdfDriverWdmGetDriverObject = get_wdm;
	table->WdfWdmDriverGetWdfDriverHandle = get_handle;
	table->WdfDriverOpenParametersRegistryKey = open_parameters;
	table->WdfDriverRegisterTraceInfo = register_trace_info;
	table->WdfDriverRetrieveVersionString = retrieve_version;
	table->WdfDriverIsVersionAvailable = is_version_available;
	table->WdfVerifierKeBugCheck = bug_check;
	table->WdfVerifierDbgBreakPoint = break_point;
}
