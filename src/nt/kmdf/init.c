/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The initialisation block: what a driver says of a device before it creates it.
 */
#include "nt/kmdf/child.h"
#include "nt/kmdf/kmdf.h"
#include "nt/phys.h"

#define MAGIC UINT64_C(0x74696e4964574657) /* "WFWdInit" */
#define TAG 0x49447846u /* "FxDI" */

struct WDFDEVICE_INIT *us_wdf_init_new(PDEVICE_OBJECT pdo)
{
	struct us_wdf *wdf = us_wdf_state();
	struct WDFDEVICE_INIT *init = us_nt_pool_alloc(sizeof(*init), TAG);

	if (!init)
		return NULL;
	memset(init, 0, sizeof(*init));
	init->magic = MAGIC;
	init->pdo = pdo;
	init->control = !pdo;
	init->drivers = !pdo;
	init->io_type = WdfDeviceIoBuffered;
	init->device_type = FILE_DEVICE_UNKNOWN;
	init->power_policy_owner = WdfUseDefault;
	init->next = wdf->inits;
	wdf->inits = init;
	return init;
}

void us_wdf_init_free(struct WDFDEVICE_INIT *init)
{
	struct WDFDEVICE_INIT **link = &us_wdf_state()->inits;

	while (*link != init)
		link = &(*link)->next;
	*link = init->next;
	us_wdf_pool_free(init->name.Buffer);
	us_wdf_pool_free(init->sddl.Buffer);
	us_wdf_child_free(init->child);
	us_nt_free(init->list);
	init->magic = 0;
	us_wdf_pool_free(init);
}

struct WDFDEVICE_INIT *us_wdf_init_from(PWDFDEVICE_INIT handle, const char *function)
{
	struct WDFDEVICE_INIT *init = us_wdf_state()->inits;

	us_wdf_need(handle, function, "DeviceInit");
	while (init && init != handle)
		init = init->next;
	if (!init || init->magic != MAGIC)
		us_wdf_violation(WDF_INVALID_HANDLE, handle, "init.invalid",
				 "%s was called with a WDFDEVICE_INIT that is none: WdfDeviceCreate has made a device "
				 "of it, it was "
				 "freed, or EvtDriverDeviceAdd is over.",
				 function);
	return init;
}

/* The same for functions that make no sense for a control device. */
static struct WDFDEVICE_INIT *fdo(PWDFDEVICE_INIT handle, const char *function)
{
	struct WDFDEVICE_INIT *init = us_wdf_init_from(handle, function);

	if (init->control)
		us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, handle, "init.control",
				 "%s was called for a control device, which has no Plug and Play and power.", function);
	return init;
}

/* And for those of the devices that a bus's driver has made, only. */
static struct WDFDEVICE_INIT *attached(PWDFDEVICE_INIT handle, const char *function)
{
	struct WDFDEVICE_INIT *init = fdo(handle, function);

	if (init->child)
		us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, handle, "init.child",
				 "%s was called with a WDFDEVICE_INIT of WdfPdoInitAllocate, for a child.", function);
	return init;
}

static void NTAPI init_free(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle)
{
	struct WDFDEVICE_INIT *init = us_wdf_init_from(handle, "WdfDeviceInitFree");

	(void)globals;
	if (!init->drivers)
		us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, handle, "init.not-drivers",
				 "WdfDeviceInitFree was called with the WDFDEVICE_INIT that EvtDriverDeviceAdd got: "
				 "the framework "
				 "frees it.");
	us_wdf_init_free(init);
}

/* -- Plug and Play and power -------------------------------------------------------------------------------------- */

static void NTAPI set_pnp_power(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle,
				PWDF_PNPPOWER_EVENT_CALLBACKS callbacks)
{
	struct WDFDEVICE_INIT *init = fdo(handle, "WdfDeviceInitSetPnpPowerEventCallbacks");

	(void)globals;
	us_wdf_take_or_stop(&init->pnp, callbacks, "WdfDeviceInitSetPnpPowerEventCallbacks");
	if (init->pnp.EvtDeviceUsageNotification && init->pnp.EvtDeviceUsageNotificationEx)
		us_wdf_violation(
			WDF_VERIFIER_FATAL_ERROR, handle, "init.usage-notification",
			"WdfDeviceInitSetPnpPowerEventCallbacks was called with both EvtDeviceUsageNotification and "
			"EvtDeviceUsageNotificationEx; a driver has one of them.");
}

static void NTAPI set_policy(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle,
			     PWDF_POWER_POLICY_EVENT_CALLBACKS callbacks)
{
	struct WDFDEVICE_INIT *init = fdo(handle, "WdfDeviceInitSetPowerPolicyEventCallbacks");

	(void)globals;
	us_wdf_take_or_stop(&init->policy, callbacks, "WdfDeviceInitSetPowerPolicyEventCallbacks");
}

static void NTAPI set_ownership(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle, BOOLEAN owner)
{
	(void)globals;
	fdo(handle, "WdfDeviceInitSetPowerPolicyOwnership")->power_policy_owner = owner ? WdfTrue : WdfFalse;
}

static void NTAPI set_not_pageable(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle)
{
	(void)globals;
	fdo(handle, "WdfDeviceInitSetPowerNotPageable")->not_pageable = true;
}

static void NTAPI set_pageable(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle)
{
	(void)globals;
	fdo(handle, "WdfDeviceInitSetPowerPageable")->not_pageable = false;
}

static void NTAPI set_inrush(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle)
{
	(void)globals;
	fdo(handle, "WdfDeviceInitSetPowerInrush")->inrush = true;
}

static void NTAPI set_filter(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle)
{
	(void)globals;
	attached(handle, "WdfFdoInitSetFilter")->filter = true;
}

static void NTAPI set_fdo_callbacks(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle,
				    PWDF_FDO_EVENT_CALLBACKS callbacks)
{
	struct WDFDEVICE_INIT *init = attached(handle, "WdfFdoInitSetEventCallbacks");

	(void)globals;
	us_wdf_take_or_stop(&init->fdo, callbacks, "WdfFdoInitSetEventCallbacks");
}

static PDEVICE_OBJECT NTAPI get_physical(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle)
{
	(void)globals;
	return attached(handle, "WdfFdoInitWdmGetPhysicalDevice")->pdo;
}

static void NTAPI set_release_order(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle,
				    WDF_RELEASE_HARDWARE_ORDER_ON_FAILURE order)
{
	(void)globals;
	fdo(handle, "WdfDeviceInitSetReleaseHardwareOrderOnFailure");
	/* The two differ where a failed device has children; here those are removed before it. */
	if (order != WdfReleaseHardwareOrderOnFailureEarly && order != WdfReleaseHardwareOrderOnFailureAfterDescendants)
		us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, handle, "parameter.value",
				 "WdfDeviceInitSetReleaseHardwareOrderOnFailure was called with %d.", (int)order);
}

/* -- the device object -------------------------------------------------------------------------------------------- */

static void NTAPI set_io_type(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle, WDF_DEVICE_IO_TYPE type)
{
	(void)globals;
	us_wdf_init_from(handle, "WdfDeviceInitSetIoType")->io_type = type;
}

static void NTAPI set_io_type_ex(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle, PWDF_IO_TYPE_CONFIG config)
{
	struct WDFDEVICE_INIT *init = us_wdf_init_from(handle, "WdfDeviceInitSetIoTypeEx");
	WDF_IO_TYPE_CONFIG taken;

	(void)globals;
	us_wdf_take_or_stop(&taken, config, "WdfDeviceInitSetIoTypeEx");
	/*
	 * "Buffered or direct" and a device control type are about user-mode drivers; a kernel-mode driver's device
	 * object has buffered or direct I/O, and the control code says the rest.
	 */
	init->io_type =
		taken.ReadWriteIoType == WdfDeviceIoBufferedOrDirect ? WdfDeviceIoDirect : taken.ReadWriteIoType;
}

static void NTAPI set_exclusive(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle, BOOLEAN exclusive)
{
	(void)globals;
	us_wdf_init_from(handle, "WdfDeviceInitSetExclusive")->exclusive = exclusive;
}

static void NTAPI set_device_type(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle, ULONG type)
{
	(void)globals;
	us_wdf_init_from(handle, "WdfDeviceInitSetDeviceType")->device_type = type;
}

static void NTAPI set_characteristics(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle, ULONG characteristics,
				      BOOLEAN or_in)
{
	struct WDFDEVICE_INIT *init = us_wdf_init_from(handle, "WdfDeviceInitSetCharacteristics");

	(void)globals;
	init->characteristics = or_in ? init->characteristics | characteristics : characteristics;
}

static NTSTATUS replace(UNICODE_STRING *to, PCUNICODE_STRING from)
{
	UNICODE_STRING copy = {0};

	if (from && from->Length && !us_wdf_copy_string(&copy, from))
		return STATUS_INSUFFICIENT_RESOURCES;
	us_wdf_pool_free(to->Buffer);
	*to = copy;
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI assign_name(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle, PCUNICODE_STRING name)
{
	struct WDFDEVICE_INIT *init = us_wdf_init_from(handle, "WdfDeviceInitAssignName");

	(void)globals;
	if (name && ((name->Length & 1) || !name->Buffer))
		return STATUS_INVALID_PARAMETER;
	return replace(&init->name, name);
}

static NTSTATUS NTAPI assign_sddl(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle, PCUNICODE_STRING sddl)
{
	struct WDFDEVICE_INIT *init = us_wdf_init_from(handle, "WdfDeviceInitAssignSDDLString");

	(void)globals;
	if (sddl && ((sddl->Length & 1) || !sddl->Buffer))
		return STATUS_INVALID_PARAMETER;
	return replace(&init->sddl, sddl);
}

static void NTAPI set_class(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle, const GUID *class)
{
	struct WDFDEVICE_INIT *init = us_wdf_init_from(handle, "WdfDeviceInitSetDeviceClass");

	(void)globals;
	us_wdf_need(class, "WdfDeviceInitSetDeviceClass", "DeviceClassGuid");
	init->has_class = true;
}

/* -- I/O ---------------------------------------------------------------------------------------------------------- */

static void check_attributes(const struct us_wdf_type *type, PWDF_OBJECT_ATTRIBUTES attributes, const char *function)
{
	NTSTATUS status = us_wdf_check_attributes(type, attributes);

	if (!NT_SUCCESS(status))
		us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, attributes, "parameter.attributes",
				 "%s was called with attributes that a %s can not have: %#x.", function, type->name,
				 (unsigned)status);
}

static void NTAPI set_file_config(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle, PWDF_FILEOBJECT_CONFIG config,
				  PWDF_OBJECT_ATTRIBUTES attributes)
{
	struct WDFDEVICE_INIT *init = us_wdf_init_from(handle, "WdfDeviceInitSetFileObjectConfig");

	(void)globals;
	us_wdf_take_or_stop(&init->file, config, "WdfDeviceInitSetFileObjectConfig");
	check_attributes(&us_wdf_file_type, attributes, "WdfDeviceInitSetFileObjectConfig");
	init->has_file = true;
	init->has_file_attributes = attributes != NULL;
	if (attributes)
		init->file_attributes = *attributes;
}

static void NTAPI set_request_attributes(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle,
					 PWDF_OBJECT_ATTRIBUTES attributes)
{
	struct WDFDEVICE_INIT *init = us_wdf_init_from(handle, "WdfDeviceInitSetRequestAttributes");

	(void)globals;
	us_wdf_need(attributes, "WdfDeviceInitSetRequestAttributes", "RequestAttributes");
	check_attributes(&us_wdf_request_type, attributes, "WdfDeviceInitSetRequestAttributes");
	if (attributes->ParentObject)
		us_wdf_violation(
			WDF_VERIFIER_FATAL_ERROR, attributes, "parameter.attributes",
			"WdfDeviceInitSetRequestAttributes was called with a parent; that of requests is given.");
	init->has_request_attributes = true;
	init->request_attributes = *attributes;
}

static void NTAPI set_in_caller_context(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle,
					PFN_WDF_IO_IN_CALLER_CONTEXT callback)
{
	(void)globals;
	us_wdf_init_from(handle, "WdfDeviceInitSetIoInCallerContextCallback")->in_caller_context = callback;
}

static NTSTATUS NTAPI assign_preprocess(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle,
					PFN_WDFDEVICE_WDM_IRP_PREPROCESS callback, UCHAR major, PUCHAR minors,
					ULONG count)
{
	struct WDFDEVICE_INIT *init = us_wdf_init_from(handle, "WdfDeviceInitAssignWdmIrpPreprocessCallback");
	struct us_wdf_preprocess *preprocess;

	(void)globals;
	us_wdf_need((const void *)(uintptr_t)callback, "WdfDeviceInitAssignWdmIrpPreprocessCallback",
		    "EvtDeviceWdmIrpPreprocess");
	if (major >= US_WDF_MAJORS || (count > 0) != (minors != NULL))
		return STATUS_INVALID_PARAMETER;
	preprocess = &init->preprocess[major];
	if (preprocess->nminors)
		us_nt_free(preprocess->minors);
	*preprocess = (struct us_wdf_preprocess){.callback = callback, .nminors = count};
	if (count) {
		preprocess->minors = us_nt_alloc(count);
		memcpy(preprocess->minors, minors, count);
	}
	return STATUS_SUCCESS;
}

static void NTAPI set_remove_lock(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle, PWDF_REMOVE_LOCK_OPTIONS options)
{
	WDF_REMOVE_LOCK_OPTIONS taken;

	(void)globals;
	us_wdf_init_from(handle, "WdfDeviceInitSetRemoveLockOptions");
	/* Here every IRP keeps its device, asked or not. */
	us_wdf_take_or_stop(&taken, options, "WdfDeviceInitSetRemoveLockOptions");
}

/* -- control devices ---------------------------------------------------------------------------------------------- */

static PWDFDEVICE_INIT NTAPI control_allocate(PWDF_DRIVER_GLOBALS globals, WDFDRIVER driver, const UNICODE_STRING *sddl)
{
	struct WDFDEVICE_INIT *init;

	(void)globals;
	us_wdf_from(driver, &us_wdf_driver_type);
	us_wdf_need(sddl, "WdfControlDeviceInitAllocate", "SDDLString");
	init = us_wdf_init_new(NULL);
	if (init && !NT_SUCCESS(replace(&init->sddl, sddl))) {
		us_wdf_init_free(init);
		init = NULL;
	}
	return init;
}

static void NTAPI set_shutdown(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle,
			       PFN_WDF_DEVICE_SHUTDOWN_NOTIFICATION notification, UCHAR flags)
{
	static const char function[] = "WdfControlDeviceInitSetShutdownNotification";
	struct WDFDEVICE_INIT *init = us_wdf_init_from(handle, function);

	(void)globals;
	us_wdf_need((const void *)(uintptr_t)notification, function, "Notification");
	if (!init->control)
		us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, handle, "init.not-control",
				 "%s was called with a WDFDEVICE_INIT that is not from WdfControlDeviceInitAllocate.",
				 function);
	if (!flags || (flags & ~(WdfDeviceShutdown | WdfDeviceLastChanceShutdown)))
		us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, handle, "parameter.value",
				 "%s was called with the flags %#x; they are some of WDF_DEVICE_SHUTDOWN_FLAGS.",
				 function, flags);
	init->shutdown = notification;
	init->shutdown_flags = flags;
}

void us_wdf_init_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfDeviceInitFree = init_free;
	table->WdfDeviceInitSetPnpPowerEventCallbacks = set_pnp_power;
	table->WdfDeviceInitSetPowerPolicyEventCallbacks = set_policy;
	table->WdfDeviceInitSetPowerPolicyOwnership = set_ownership;
	table->WdfDeviceInitSetPowerNotPageable = set_not_pageable;
	table->WdfDeviceInitSetPowerPageable = set_pageable;
	table->WdfDeviceInitSetPowerInrush = set_inrush;
	table->WdfDeviceInitSetReleaseHardwareOrderOnFailure = set_release_order;
	table->WdfDeviceInitSetIoType = set_io_type;
	table->WdfDeviceInitSetIoTypeEx = set_io_type_ex;
	table->WdfDeviceInitSetExclusive = set_exclusive;
	table->WdfDeviceInitSetDeviceType = set_device_type;
	table->WdfDeviceInitSetCharacteristics = set_characteristics;
	table->WdfDeviceInitAssignName = assign_name;
	table->WdfDeviceInitAssignSDDLString = assign_sddl;
	table->WdfDeviceInitSetDeviceClass = set_class;
	table->WdfDeviceInitSetFileObjectConfig = set_file_config;
	table->WdfDeviceInitSetRequestAttributes = set_request_attributes;
	table->WdfDeviceInitSetIoInCallerContextCallback = set_in_caller_context;
	table->WdfDeviceInitAssignWdmIrpPreprocessCallback = assign_preprocess;
	table->WdfDeviceInitSetRemoveLockOptions = set_remove_lock;
	table->WdfFdoInitSetFilter = set_filter;
	table->WdfFdoInitSetEventCallbacks = set_fdo_callbacks;
	table->WdfFdoInitWdmGetPhysicalDevice = get_physical;
	table->WdfControlDeviceInitAllocate = control_allocate;
	table->WdfControlDeviceInitSetShutdownNotification = set_shutdown;
}
