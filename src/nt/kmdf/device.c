/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device objects: creation from an initialisation block, what can be asked and said of them, and their end.
 */
#include "nt/kernel.h"
#include "nt/kmdf/child.h"
#include "nt/kmdf/kmdf.h"
#include "nt/phys.h"
#include "nt/trace.h"

struct us_wdf_device *us_wdf_device_of(PDEVICE_OBJECT wdm)
{
	return *(struct us_wdf_device **)wdm->DeviceExtension;
}

static struct us_wdf_device *from(WDFDEVICE handle)
{
	return us_wdf_from(handle, &us_wdf_device_type);
}

static const char *is_pnp_device(struct us_wdf_object *object)
{
	const struct us_wdf_device *device = (const struct us_wdf_device *)object;

	if (device->control || (device->child && device->child->state == US_WDF_CHILD_NEW))
		return NULL;
	return "Plug and Play ends the life of this device";
}

/* A control device that the driver deletes leaves the system here; the others do when their IRP has gone down. */
static void dispose_device(struct us_wdf_object *object)
{
	struct us_wdf_device *device = (struct us_wdf_device *)object;

	us_wdf_interfaces_enable(device, false);
	if (device->control)
		us_wdf_device_detach(device);
}

static void destroy_device(struct us_wdf_object *object)
{
	struct us_wdf_device *device = (struct us_wdf_device *)object;
	unsigned i;

	us_wdf_device_detach(device);
	us_wdf_child_free(device->child);
	us_nt_free(device->bus);
	us_wdf_interfaces_free(device);
	us_wdf_idle_free(device);
	us_wdf_lock_free(device->busy);
	us_wdf_pool_free(device->raw_list);
	us_wdf_pool_free(device->translated_list);
	for (i = 0; i < US_WDF_MAJORS; i++)
		us_nt_free(device->preprocess[i].minors);
}

const struct us_wdf_type us_wdf_device_type = {
	.name = "WDFDEVICE",
	.size = sizeof(struct us_wdf_device),
	.deletable = true,
	.fixed_parent = true,
	.takes_level = true,
	.takes_scope = true,
	.passive_cleanup = true,
	.may_not_delete = is_pnp_device,
	.dispose = dispose_device,
	.destroy = destroy_device,
};

void us_wdf_device_detach(struct us_wdf_device *device)
{
	PDEVICE_OBJECT wdm = device->wdm;

	if (!wdm)
		return;
	device->wdm = NULL;
	if (device->symbolic_link.Buffer) {
		IoDeleteSymbolicLink(&device->symbolic_link);
		us_wdf_pool_free(device->symbolic_link.Buffer);
		device->symbolic_link.Buffer = NULL;
	}
	*(struct us_wdf_device **)wdm->DeviceExtension = NULL;
	if (device->attached)
		IoDetachDevice(device->attached);
	us_wdf_pool_free(device->name.Buffer);
	device->name.Buffer = NULL;
	IoDeleteDevice(wdm);
}

/* -- creation ----------------------------------------------------------------------------------------------------- */

static void take_init(struct us_wdf_device *device, struct WDFDEVICE_INIT *init)
{
	device->pdo = init->pdo;
	device->control = init->control;
	device->filter = init->filter;
	device->pnp = init->pnp;
	device->policy = init->policy;
	device->fdo = init->fdo;
	device->file = init->file;
	device->has_file = init->has_file;
	device->file_attributes = init->file_attributes;
	device->has_file_attributes = init->has_file_attributes;
	device->request_attributes = init->request_attributes;
	device->has_request_attributes = init->has_request_attributes;
	device->in_caller_context = init->in_caller_context;
	device->io_type = init->io_type;
	device->not_pageable = init->not_pageable;
	device->power_policy_owner =
		!init->control && (init->power_policy_owner == WdfUseDefault ? !init->filter && !init->child
									     : init->power_policy_owner == WdfTrue);
	memcpy(device->preprocess, init->preprocess, sizeof(device->preprocess));
	memset(init->preprocess, 0, sizeof(init->preprocess));
}

static void set_defaults(struct us_wdf_device *device)
{
	WDF_DEVICE_STATE_INIT(&device->state);
	WDF_DEVICE_PNP_CAPABILITIES_INIT(&device->pnp_capabilities);
	WDF_DEVICE_POWER_CAPABILITIES_INIT(&device->power_capabilities);
	InitializeListHead(&device->queues);
	InitializeListHead(&device->interrupts);
	InitializeListHead(&device->files);
	InitializeListHead(&device->static_children);
	InitializeListHead(&device->child_lists);
	device->pnp_state = device->control ? WdfDevStatePnpObjectCreated : WdfDevStatePnpInit;
	device->power_state = WdfDevStatePowerObjectCreated;
	device->system_state = PowerSystemWorking;
	device->busy = us_wdf_lock_new(true, &device->object);
}

static bool has_preprocess(const struct us_wdf_device *device)
{
	unsigned i;

	for (i = 0; i < US_WDF_MAJORS; i++)
		if (device->preprocess[i].callback)
			return true;
	return false;
}

/* What a device object inherits from the one below it, or says itself. */
static void set_flags(struct us_wdf_device *device, const struct WDFDEVICE_INIT *init)
{
	PDEVICE_OBJECT wdm = device->wdm;

	if (device->filter && device->attached)
		wdm->Flags |= device->attached->Flags & (DO_BUFFERED_IO | DO_DIRECT_IO);
	else if (device->io_type == WdfDeviceIoBuffered)
		wdm->Flags |= DO_BUFFERED_IO;
	else if (device->io_type == WdfDeviceIoDirect)
		wdm->Flags |= DO_DIRECT_IO;
	if (init->inrush)
		wdm->Flags |= DO_POWER_INRUSH;
	else if (!init->not_pageable && !device->control)
		wdm->Flags |= DO_POWER_PAGABLE;
	if (has_preprocess(device))
		wdm->StackSize++;
}

/* Its device object is the physical one, and has nobody below. */
static void be_child(struct us_wdf_device *device, struct WDFDEVICE_INIT *init)
{
	device->child = init->child;
	device->child->device = device;
	init->child = NULL;
	if (device->child->entry) {
		device->child->entry->device = device;
		device->child->state = US_WDF_CHILD_PENDING;
	}
	device->pdo = device->wdm;
	device->wdm->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
}

static NTSTATUS check_child(const struct WDFDEVICE_INIT *init)
{
	if (!init->child)
		return STATUS_SUCCESS;
	if (init->power_policy_owner == WdfTrue)
		us_nt_unsupported("A child that owns its power policy (WdfDeviceInitSetPowerPolicyOwnership).");
	return init->child->device_id.Buffer && init->child->instance_id.Buffer ? STATUS_SUCCESS
										: STATUS_INVALID_PARAMETER;
}

static NTSTATUS register_shutdown(struct us_wdf_device *device, const struct WDFDEVICE_INIT *init)
{
	NTSTATUS status = STATUS_SUCCESS;

	device->shutdown = init->shutdown;
	if (init->shutdown_flags & WdfDeviceShutdown)
		status = IoRegisterShutdownNotification(device->wdm);
	if (NT_SUCCESS(status) && (init->shutdown_flags & WdfDeviceLastChanceShutdown))
		status = IoRegisterLastChanceShutdownNotification(device->wdm);
	return status;
}

static NTSTATUS create_wdm(struct us_wdf_device *device, struct WDFDEVICE_INIT *init)
{
	NTSTATUS status;

	if ((init->sddl.Buffer || init->has_class) && !init->name.Buffer &&
	    !(init->characteristics & FILE_AUTOGENERATED_DEVICE_NAME))
		return STATUS_INVALID_SECURITY_DESCR;
	status = IoCreateDevice(device->driver->wdm, sizeof(device), init->name.Buffer ? &init->name : NULL,
				init->device_type, init->characteristics, init->exclusive, &device->wdm);
	if (!NT_SUCCESS(status))
		return status;
	*(struct us_wdf_device **)device->wdm->DeviceExtension = device;
	device->name = init->name;
	init->name = (UNICODE_STRING){0};
	if (init->child)
		be_child(device, init);
	if (device->pdo && !device->child) {
		device->attached = IoAttachDeviceToDeviceStack(device->wdm, device->pdo);
		if (!device->attached)
			return STATUS_NO_SUCH_DEVICE;
	}
	set_flags(device, init);
	status = register_shutdown(device, init);
	if (!NT_SUCCESS(status))
		return status;
	return us_wdf_child_list_default(device, init->list);
}

static NTSTATUS NTAPI device_create(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT *handle,
				    PWDF_OBJECT_ATTRIBUTES attributes, WDFDEVICE *result)
{
	struct WDFDEVICE_INIT *init;
	struct us_wdf_device *device;
	NTSTATUS status;

	(void)globals;
	us_wdf_need(handle, "WdfDeviceCreate", "DeviceInit");
	us_wdf_need(result, "WdfDeviceCreate", "Device");
	init = us_wdf_init_from(*handle, "WdfDeviceCreate");
	*result = NULL;
	status = check_child(init);
	if (NT_SUCCESS(status))
		status = us_wdf_create(&us_wdf_device_type, attributes,
				       init->child ? &init->child->parent->object : us_wdf_driver_object(), &device);
	if (!NT_SUCCESS(status))
		return status;
	device->driver = us_wdf_driver();
	take_init(device, init);
	set_defaults(device);
	status = create_wdm(device, init);
	if (!NT_SUCCESS(status)) {
		/* The block stays usable: the driver may try another name. */
		memcpy(init->preprocess, device->preprocess, sizeof(init->preprocess));
		memset(device->preprocess, 0, sizeof(device->preprocess));
		us_wdf_delete(&device->object);
		return status;
	}
	if (init == us_wdf_state()->adding)
		us_wdf_state()->added = device;
	us_wdf_init_free(init);
	*handle = NULL;
	*result = (WDFDEVICE)device;
	return STATUS_SUCCESS;
}

static void NTAPI control_finish(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle)
{
	struct us_wdf_device *device = from(handle);

	(void)globals;
	if (!device->control)
		us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, handle, "device.not-control",
				 "WdfControlFinishInitializing was called with %s, which is no control device.",
				 us_wdf_name(device));
	device->finished = true;
	device->wdm->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
}

/* -- what it is --------------------------------------------------------------------------------------------------- */

static WDFDEVICE NTAPI get_handle(PWDF_DRIVER_GLOBALS globals, PDEVICE_OBJECT wdm)
{
	(void)globals;
	us_wdf_need(wdm, "WdfWdmDeviceGetWdfDeviceHandle", "DeviceObject");
	return wdm->DriverObject == us_wdf_driver()->wdm ? (WDFDEVICE)us_wdf_device_of(wdm) : NULL;
}

static PDEVICE_OBJECT NTAPI get_wdm(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle)
{
	(void)globals;
	return from(handle)->wdm;
}

static PDEVICE_OBJECT NTAPI get_attached(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle)
{
	(void)globals;
	return from(handle)->attached;
}

static PDEVICE_OBJECT NTAPI get_pdo(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle)
{
	(void)globals;
	return from(handle)->pdo;
}

static WDFDRIVER NTAPI get_driver(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle)
{
	(void)globals;
	return (WDFDRIVER)from(handle)->driver;
}

static WDFQUEUE NTAPI get_default_queue(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle)
{
	(void)globals;
	return (WDFQUEUE)from(handle)->default_queue;
}

static WDF_DEVICE_PNP_STATE NTAPI get_pnp_state(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle)
{
	(void)globals;
	return from(handle)->pnp_state;
}

static WDF_DEVICE_POWER_STATE NTAPI get_power_state(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle)
{
	(void)globals;
	return from(handle)->power_state;
}

static POWER_ACTION NTAPI get_system_action(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle)
{
	(void)globals;
	return from(handle)->system_action;
}

static ULONG NTAPI get_characteristics(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle)
{
	(void)globals;
	return from(handle)->wdm->Characteristics;
}

static void NTAPI set_characteristics(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, ULONG characteristics)
{
	(void)globals;
	from(handle)->wdm->Characteristics = characteristics;
}

static ULONG NTAPI get_alignment(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle)
{
	(void)globals;
	return from(handle)->wdm->AlignmentRequirement;
}

static void NTAPI set_alignment(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, ULONG alignment)
{
	(void)globals;
	from(handle)->wdm->AlignmentRequirement = alignment;
}

static NTSTATUS NTAPI retrieve_name(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, WDFSTRING string)
{
	struct us_wdf_device *device = from(handle);

	(void)globals;
	us_wdf_from(string, &us_wdf_string_type);
	return device->name.Buffer ? us_wdf_string_set(string, &device->name) : STATUS_INVALID_DEVICE_REQUEST;
}

/* -- what the driver says of it ----------------------------------------------------------------------------------- */

static void NTAPI set_static_stop_remove(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, BOOLEAN stoppable)
{
	(void)globals;
	from(handle)->not_stoppable = !stoppable;
}

static void NTAPI set_special_file(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, WDF_SPECIAL_FILE_TYPE type,
				   BOOLEAN supported)
{
	struct us_wdf_device *device = from(handle);

	(void)globals;
	if (type <= WdfSpecialFileUndefined || type >= WdfSpecialFileMax)
		us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, handle, "parameter.value",
				 "WdfDeviceSetSpecialFileSupport was called with the type %d.", (int)type);
	device->special[type] = supported;
}

static void NTAPI get_state(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, PWDF_DEVICE_STATE state)
{
	struct us_wdf_device *device = from(handle);
	WDF_DEVICE_STATE taken;

	(void)globals;
	us_wdf_take_or_stop(&taken, state, "WdfDeviceGetDeviceState");
	*state = device->state;
}

static void NTAPI set_state(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, PWDF_DEVICE_STATE state)
{
	struct us_wdf_device *device = from(handle);

	(void)globals;
	us_wdf_take_or_stop(&device->state, state, "WdfDeviceSetDeviceState");
	if (device->pdo && (!device->child || device->pnp_state == WdfDevStatePnpStarted))
		IoInvalidateDeviceState(device->pdo);
}

static void NTAPI set_failed(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, WDF_DEVICE_FAILED_ACTION action)
{
	struct us_wdf_device *device = from(handle);

	(void)globals;
	if (action != WdfDeviceFailedAttemptRestart && action != WdfDeviceFailedNoRestart)
		us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, handle, "parameter.value",
				 "WdfDeviceSetFailed was called with the action %d.", (int)action);
	if (action == WdfDeviceFailedAttemptRestart && device->child)
		us_nt_unsupported("WdfDeviceSetFailed with WdfDeviceFailedAttemptRestart for a child.");
	if (action == WdfDeviceFailedAttemptRestart && device->pdo)
		us_nt_pnp_restart_when_removed();
	us_wdf_device_fail(device);
}

void us_wdf_device_fail(struct us_wdf_device *device)
{
	us_nt_trace("note      %s has failed", us_wdf_name(device));
	device->failed = true;
	if (device->pdo && device->pnp_state == WdfDevStatePnpStarted)
		IoInvalidateDeviceState(device->pdo);
}

static void NTAPI set_pnp_capabilities(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle,
				       PWDF_DEVICE_PNP_CAPABILITIES capabilities)
{
	struct us_wdf_device *device = from(handle);

	(void)globals;
	us_wdf_take_or_stop(&device->pnp_capabilities, capabilities, "WdfDeviceSetPnpCapabilities");
}

static void NTAPI set_power_capabilities(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle,
					 PWDF_DEVICE_POWER_CAPABILITIES capabilities)
{
	struct us_wdf_device *device = from(handle);

	(void)globals;
	us_wdf_take_or_stop(&device->power_capabilities, capabilities, "WdfDeviceSetPowerCapabilities");
}

void us_wdf_device_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfDeviceCreate = device_create;
	table->WdfControlFinishInitializing = control_finish;
	table->WdfWdmDeviceGetWdfDeviceHandle = get_handle;
	table->WdfDeviceWdmGetDeviceObject = get_wdm;
	table->WdfDeviceWdmGetAttachedDevice = get_attached;
	table->WdfDeviceWdmGetPhysicalDevice = get_pdo;
	table->WdfDeviceGetDriver = get_driver;
	table->WdfDeviceGetDefaultQueue = get_default_queue;
	table->WdfDeviceGetDevicePnpState = get_pnp_state;
	table->WdfDeviceGetDevicePowerState = get_power_state;
	table->WdfDeviceGetSystemPowerAction = get_system_action;
	table->WdfDeviceGetCharacteristics = get_characteristics;
	table->WdfDeviceSetCharacteristics = set_characteristics;
	table->WdfDeviceGetAlignmentRequirement = get_alignment;
	table->WdfDeviceSetAlignmentRequirement = set_alignment;
	table->WdfDeviceRetrieveDeviceName = retrieve_name;
	table->WdfDeviceSetStaticStopRemove = set_static_stop_remove;
	table->WdfDeviceSetSpecialFileSupport = set_special_file;
	table->WdfDeviceGetDeviceState = get_state;
	table->WdfDeviceSetDeviceState = set_state;
	table->WdfDeviceSetFailed = set_failed;
	table->WdfDeviceSetPnpCapabilities = set_pnp_capabilities;
	table->WdfDeviceSetPowerCapabilities = set_power_capabilities;
	us_wdf_dispatch_functions(table);
}
