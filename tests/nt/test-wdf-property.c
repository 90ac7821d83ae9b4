/* SPDX-License-Identifier: Apache-2.0 */
/* The unified property model, and properties of I/O targets. Sources: Microsoft's reference pages of the functions. */
#include "kmdf-driver.h"

static const DEVPROPKEY description = {{0xa45c254e, 0xdf1c, 0x4efd, {0x80, 0x20, 0x67, 0xd1, 0x46, 0xa8, 0x50, 0xe0}},
				       2};
static const DEVPROPKEY hardware_ids = {{0xa45c254e, 0xdf1c, 0x4efd, {0x80, 0x20, 0x67, 0xd1, 0x46, 0xa8, 0x50, 0xe0}},
					3};
static const DEVPROPKEY instance_id = {{0x78c34fc8, 0x104a, 0x4aca, {0x9e, 0xa4, 0x52, 0x4d, 0x52, 0x99, 0x6e, 0x57}},
				       256};
static const DEVPROPKEY ours = {{0x8f3b1c52, 0x4d6e, 0x4a7f, {0x9b, 0x1c, 0x2d, 0x3e, 0x4f, 0x5a, 0x6b, 0x70}}, 2};

static NTSTATUS (*in_add)(WDFDEVICE device);
static void (*before)(PWDFDEVICE_INIT init);

static WDF_DEVICE_PROPERTY_DATA data_of(const DEVPROPKEY *key)
{
	WDF_DEVICE_PROPERTY_DATA data;

	WDF_DEVICE_PROPERTY_DATA_INIT(&data, key);
	return data;
}

static NTSTATUS query(WDFDEVICE device, const DEVPROPKEY *key, ULONG size, void *buffer, ULONG *needed,
		      DEVPROPTYPE *type)
{
	WDF_DEVICE_PROPERTY_DATA data = data_of(key);

	return WdfDeviceQueryPropertyEx(device, &data, size, buffer, needed, type);
}

static NTSTATUS NTAPI evt_add(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
	WDFDEVICE device;
	NTSTATUS status;

	(void)driver;
	if (before)
		before(init);
	status = WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &device);
	return NT_SUCCESS(status) && in_add ? in_add(device) : status;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
	WDF_DRIVER_CONFIG config;

	WDF_DRIVER_CONFIG_INIT(&config, evt_add);
	return WdfDriverCreate(driver, path, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}

static void just_in(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
	us_nt_expect_status(user, us_nt_eject(user), STATUS_SUCCESS);
}

static const struct us_rehearsal rehearsal = {.entry = (void *)(uintptr_t)FxDriverEntry, .model = "crypto"};

static int setup(void **state)
{
	(void)state;
	in_add = NULL;
	before = NULL;
	return 0;
}

/* -- what the system says ----------------------------------------------------------------------------------------- */

static NTSTATUS refusals(WDFDEVICE device)
{
	WDF_DEVICE_PROPERTY_DATA data = data_of(&description);
	DEVPROPTYPE type;
	ULONG needed;
	WDFMEMORY memory;

	data.Size++;
	rig_expect(WdfDeviceQueryPropertyEx(device, &data, 0, NULL, &needed, &type) == STATUS_INFO_LENGTH_MISMATCH);
	data = data_of(NULL);
	rig_expect(WdfDeviceQueryPropertyEx(device, &data, 0, NULL, &needed, &type) == STATUS_INVALID_PARAMETER);
	rig_expect(query(device, &description, 8, NULL, &needed, &type) == STATUS_INVALID_PARAMETER);
	rig_expect(query(device, &ours, 0, NULL, &needed, &type) == STATUS_OBJECT_NAME_NOT_FOUND && !needed);
	data = data_of(&ours);
	rig_expect(WdfDeviceAllocAndQueryPropertyEx(device, &data, NonPagedPool, NULL, &memory, &type) ==
			   STATUS_OBJECT_NAME_NOT_FOUND &&
		   !memory);
	rig_expect(WdfDeviceAssignProperty(device, &data, DEVPROP_TYPE_UINT32, 0, NULL) ==
		   STATUS_OBJECT_NAME_NOT_FOUND); /* nothing to delete */
	data.Flags = 2;
	rig_expect(WdfDeviceAssignProperty(device, &data, DEVPROP_TYPE_UINT32, sizeof(needed), &needed) ==
		   STATUS_INVALID_PARAMETER);
	return STATUS_SUCCESS;
}

static void what_is_not_there_or_wrong_is_refused(void **state)
{
	(void)state;
	in_add = refusals;
	rig_tell(&rehearsal, just_in, NULL);
}

static NTSTATUS system_properties(WDFDEVICE device)
{
	static const WCHAR pci[] = L"PCI\\VEN_";
	WDF_DEVICE_PROPERTY_DATA data = data_of(&hardware_ids);
	WCHAR text[128];
	ULONG needed, old;
	DEVPROPTYPE type;
	WDFMEMORY memory;
	size_t size;

	rig_expect(query(device, &description, 2, text, &needed, &type) == STATUS_BUFFER_TOO_SMALL && needed > 2);
	rig_expect(query(device, &description, sizeof(text), text, &needed, &type) == STATUS_SUCCESS &&
		   type == DEVPROP_TYPE_STRING && text[needed / 2 - 1] == 0);
	rig_expect(query(device, &instance_id, sizeof(text), text, &needed, &type) == STATUS_SUCCESS &&
		   type == DEVPROP_TYPE_STRING && memcmp(text, pci, sizeof(pci) - 2) == 0 && text[needed / 2 - 1] == 0);
	rig_expect(WdfDeviceAllocAndQueryPropertyEx(device, &data, NonPagedPool, NULL, &memory, &type) ==
			   STATUS_SUCCESS &&
		   type == DEVPROP_TYPE_STRING_LIST);
	rig_expect(memcmp(WdfMemoryGetBuffer(memory, &size), pci, sizeof(pci) - 2) == 0);
	rig_expect(WdfDeviceQueryProperty(device, DevicePropertyHardwareID, 0, NULL, &old) == STATUS_BUFFER_TOO_SMALL &&
		   old == size);
	return STATUS_SUCCESS;
}

static void init_properties(PWDFDEVICE_INIT init)
{
	WDF_DEVICE_PROPERTY_DATA data = data_of(&description);
	DEVPROPTYPE type = 0;
	WDFMEMORY memory;
	ULONG needed;

	rig_expect(WdfFunctions->WdfFdoInitQueryPropertyEx(WdfDriverGlobals, init, &data, 0, NULL, &needed, &type) ==
			   STATUS_BUFFER_TOO_SMALL &&
		   needed);
	rig_expect(WdfFunctions->WdfFdoInitAllocAndQueryPropertyEx(WdfDriverGlobals, init, &data, NonPagedPool, NULL,
								   &memory, &type) == STATUS_SUCCESS &&
		   type == DEVPROP_TYPE_STRING);
}

static void the_systems_properties_have_their_types(void **state)
{
	(void)state;
	before = init_properties;
	in_add = system_properties;
	rig_tell(&rehearsal, just_in, NULL);
}

/* -- what the driver says ----------------------------------------------------------------------------------------- */

static NTSTATUS assigned(WDFDEVICE device)
{
	WDF_DEVICE_PROPERTY_DATA data = data_of(&ours), german = data;
	ULONG value = 7, other = 9, got = 0, needed;
	UCHAR byte = 1;
	DEVPROPTYPE type;

	german.Lcid = 0x407;
	data.Flags = PLUGPLAY_PROPERTY_PERSISTENT;
	rig_expect(WdfDeviceAssignProperty(device, &data, DEVPROP_TYPE_UINT32, sizeof(value), &value) ==
		   STATUS_SUCCESS);
	rig_expect(WdfDeviceQueryPropertyEx(device, &german, sizeof(got), &got, &needed, &type) ==
		   STATUS_OBJECT_NAME_NOT_FOUND);
	rig_expect(WdfDeviceAssignProperty(device, &german, DEVPROP_TYPE_UINT32, sizeof(other), &other) ==
		   STATUS_SUCCESS);
	rig_expect(query(device, &ours, sizeof(got), &got, &needed, &type) == STATUS_SUCCESS && got == 7 &&
		   needed == sizeof(got) && type == DEVPROP_TYPE_UINT32);
	rig_expect(WdfDeviceAssignProperty(device, &data, DEVPROP_TYPE_BYTE, sizeof(byte), &byte) == STATUS_SUCCESS);
	rig_expect(query(device, &ours, sizeof(got), &got, &needed, &type) == STATUS_SUCCESS && needed == 1 &&
		   type == DEVPROP_TYPE_BYTE);
	rig_expect(WdfDeviceAssignProperty(device, &data, DEVPROP_TYPE_EMPTY, 0, NULL) == STATUS_SUCCESS);
	rig_expect(query(device, &ours, sizeof(got), &got, &needed, &type) == STATUS_OBJECT_NAME_NOT_FOUND);
	rig_expect(WdfDeviceQueryPropertyEx(device, &german, sizeof(got), &got, &needed, &type) == STATUS_SUCCESS &&
		   got == 9);
	return STATUS_SUCCESS;
}

static void a_driver_has_properties_of_its_own_by_language(void **state)
{
	(void)state;
	in_add = assigned;
	rig_tell(&rehearsal, just_in, NULL);
}

/* -- targets ------------------------------------------------------------------------------------------------------ */

static NTSTATUS of_targets(WDFDEVICE device)
{
	WDFIOTARGET target = WdfDeviceGetIoTarget(device), closed;
	ULONG needed, other;
	WDFMEMORY memory;
	size_t size;

	rig_expect(WdfIoTargetCreate(device, WDF_NO_OBJECT_ATTRIBUTES, &closed) == STATUS_SUCCESS);
	rig_expect(WdfIoTargetQueryTargetProperty(closed, DevicePropertyHardwareID, 0, NULL, &needed) ==
		   STATUS_INVALID_DEVICE_REQUEST);
	rig_expect(WdfIoTargetAllocAndQueryTargetProperty(closed, DevicePropertyHardwareID, NonPagedPool, NULL,
							  &memory) == STATUS_INVALID_DEVICE_REQUEST &&
		   !memory);
	rig_expect(WdfIoTargetQueryTargetProperty(target, DevicePropertyHardwareID, 0, NULL, &needed) ==
		   STATUS_BUFFER_TOO_SMALL);
	rig_expect(WdfDeviceQueryProperty(device, DevicePropertyHardwareID, 0, NULL, &other) ==
			   STATUS_BUFFER_TOO_SMALL &&
		   other == needed);
	rig_expect(WdfIoTargetAllocAndQueryTargetProperty(target, DevicePropertyHardwareID, NonPagedPool, NULL,
							  &memory) == STATUS_SUCCESS);
	WdfMemoryGetBuffer(memory, &size);
	rig_expect(size == needed);
	return STATUS_SUCCESS;
}

static void a_target_has_its_devices_properties(void **state)
{
	(void)state;
	in_add = of_targets;
	rig_tell(&rehearsal, just_in, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_is_not_there_or_wrong_is_refused, setup),
		cmocka_unit_test_setup(the_systems_properties_have_their_types, setup),
		cmocka_unit_test_setup(a_driver_has_properties_of_its_own_by_language, setup),
		cmocka_unit_test_setup(a_target_has_its_devices_properties, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
