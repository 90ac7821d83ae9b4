/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Around the device: binding and the driver object, control devices, interfaces and names, properties and registry,
 * IRPs that the driver sees before the framework.
 */
#include "kmdf-driver.h"

#include <initguid.h>

DEFINE_GUID(GUID_TEST, 0x8f3b1c52, 0x4d6e, 0x4a7f, 0x9b, 0x1c, 0x2d, 0x3e, 0x4f, 0x5a, 0x6b, 0x7c);
DEFINE_GUID(GUID_OTHER, 0x8f3b1c53, 0x4d6e, 0x4a7f, 0x9b, 0x1c, 0x2d, 0x3e, 0x4f, 0x5a, 0x6b, 0x7c);

static NTSTATUS (*entry)(PDRIVER_OBJECT driver, PUNICODE_STRING path);
static NTSTATUS (*before_create)(PWDFDEVICE_INIT init), (*in_add)(WDFDEVICE device);
static WDFDEVICE the_device;

static UNICODE_STRING string(const WCHAR *text)
{
	USHORT n = 0;

	while (text[n])
		n++;
	return (UNICODE_STRING){(USHORT)(2 * n), (USHORT)(2 * n + 2), (PWSTR)(uintptr_t)text};
}

static NTSTATUS NTAPI evt_add(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
	NTSTATUS status = before_create ? before_create(init) : STATUS_SUCCESS;

	(void)driver;
	if (!NT_SUCCESS(status))
		return status;
	status = WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &the_device);
	return NT_SUCCESS(status) && in_add ? in_add(the_device) : status;
}

static void NTAPI evt_unload(WDFDRIVER driver)
{
	(void)driver;
	happened("Unload");
}

static NTSTATUS usual(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
	WDF_DRIVER_CONFIG config;

	WDF_DRIVER_CONFIG_INIT(&config, evt_add);
	config.EvtDriverUnload = evt_unload;
	return WdfDriverCreate(driver, path, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
	return entry(driver, path);
}

static int setup(void **state)
{
	(void)state;
	entry = usual;
	before_create = NULL;
	in_add = NULL;
	forget();
	return 0;
}

static void tell(void (*story)(struct us_nt_user *user, void *context))
{
	static const uint32_t number = 42;
	static const struct us_nt_value values[] = {
		{"Parameters", "Number", 4, &number, 4},
		{"Parameters", "Text", 1, "words", 6},
		{"Device", "Number", 4, &number, 4},
	};
	const struct us_rehearsal r = {.entry = (void *)(uintptr_t)FxDriverEntry,
				       .model = "crypto",
				       .registry = values,
				       .nregistry = sizeof(values) / sizeof(values[0])};

	rig_tell(&r, story, NULL);
}

static void just_in(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
}

/* -- binding ------------------------------------------------------------------------------------------------------ */

static struct wdf_bind_info a_bind_info(void)
{
	return bind;
}

static void wrong_binds(void *context)
{
	static DRIVER_OBJECT driver;
	UNICODE_STRING path = string(L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\test");
	struct wdf_bind_info info = a_bind_info();
	PVOID globals = NULL;

	(void)context;
	rig_expect(WdfVersionBind(&driver, &path, NULL, &globals) == STATUS_INVALID_PARAMETER);
	info.size--;
	rig_expect(WdfVersionBind(&driver, &path, &info, &globals) == STATUS_INVALID_PARAMETER);
	info = a_bind_info();
	info.function_count++;
	rig_expect(WdfVersionBind(&driver, &path, &info, &globals) == STATUS_INVALID_PARAMETER);
	info.function_count = 0;
	rig_expect(WdfVersionBind(&driver, &path, &info, &globals) == STATUS_INVALID_PARAMETER && !globals);
	info = a_bind_info();
	rig_expect(WdfVersionBind(&driver, &path, &info, &globals) == STATUS_SUCCESS && globals);
	rig_expect(strcmp(((PWDF_DRIVER_GLOBALS)globals)->DriverName, "test") == 0);
	rig_expect(WdfVersionUnbind(&path, &bind, globals) == STATUS_INVALID_PARAMETER);
	rig_expect(WdfVersionUnbind(&path, &info, globals) == STATUS_SUCCESS);
}

/* A driver for 1.9 has an array, and fewer functions; one for 1.25 a longer structure. */
static void other_binds(void *context)
{
	static DRIVER_OBJECT driver;
	static PVOID array[400];
	UNICODE_STRING path = string(L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\test");
	struct {
		struct wdf_bind_info info;
		UCHAR more[24];
	} longer = {.info = a_bind_info()};
	PVOID globals;

	(void)context;
	memset(array, 0, sizeof(array));
	longer.info.version.minor = 9;
	longer.info.function_count = 396;
	longer.info.function_table = array;
	rig_expect(WdfVersionBind(&driver, &path, &longer.info, &globals) == STATUS_SUCCESS);
	rig_expect(array[0] && array[395] && !array[396]);
	rig_expect(WdfVersionUnbind(&path, &longer.info, globals) == STATUS_SUCCESS);
	longer.info = a_bind_info();
	longer.info.size = sizeof(longer);
	rig_expect(WdfVersionBind(&driver, &path, &longer.info, &globals) == STATUS_SUCCESS);
	rig_expect(WdfVersionUnbind(&path, &longer.info, globals) == STATUS_SUCCESS);
}

static void newer_bind(void *context)
{
	static DRIVER_OBJECT driver;
	UNICODE_STRING path = string(L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\test");
	struct wdf_bind_info info = a_bind_info();
	PVOID globals;

	(void)context;
	info.version.minor = 33;
	WdfVersionBind(&driver, &path, &info, &globals);
}

static void a_driver_is_bound_to_its_version_or_told_why_not(void **state)
{
	(void)state;
	rig_run(NULL, wrong_binds, NULL);
	rig_run(NULL, other_binds, NULL);
	rig_run_breaks("unsupported", newer_bind, NULL);
}

/* -- the driver --------------------------------------------------------------------------------------------------- */

static NTSTATUS wrong_driver(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
	WDF_DRIVER_VERSION_AVAILABLE_PARAMS version;
	WDF_DRIVER_CONFIG good, bad;
	WDFDRIVER handle;

	WDF_DRIVER_CONFIG_INIT(&good, evt_add);
	bad = good;
	bad.Size--;
	rig_expect(WdfDriverCreate(driver, path, NULL, &bad, NULL) == STATUS_INFO_LENGTH_MISMATCH);
	bad = good;
	bad.EvtDriverDeviceAdd = NULL;
	rig_expect(WdfDriverCreate(driver, path, NULL, &bad, NULL) == STATUS_INVALID_PARAMETER);
	bad = good;
	bad.DriverInitFlags = WdfDriverInitNonPnpDriver;
	rig_expect(WdfDriverCreate(driver, path, NULL, &bad, NULL) == STATUS_INVALID_PARAMETER);
	rig_expect(WdfDriverRegisterTraceInfo(driver, NULL, NULL) == STATUS_NOT_SUPPORTED);
	good.EvtDriverUnload = evt_unload;
	rig_expect(WdfDriverCreate(driver, path, NULL, &good, &handle) == STATUS_SUCCESS);
	rig_expect(WdfDriverCreate(driver, path, NULL, &good, NULL) == STATUS_DRIVER_INTERNAL_ERROR);
	rig_expect(handle == WdfGetDriver() && WdfDriverWdmGetDriverObject(handle) == driver);
	rig_expect(WdfWdmDriverGetWdfDriverHandle(driver) == handle);
	rig_expect(memcmp(WdfDriverGetRegistryPath(handle), path->Buffer, path->Length) == 0);
	WDF_DRIVER_VERSION_AVAILABLE_PARAMS_INIT(&version, 1, 15);
	rig_expect(WdfDriverIsVersionAvailable(handle, &version));
	version.MinorVersion = 16;
	rig_expect(!WdfDriverIsVersionAvailable(handle, &version));
	return STATUS_SUCCESS;
}

static void and_unload(struct us_nt_user *user, void *context)
{
	just_in(user, context);
	us_nt_eject(user);
	expect_happened("");
	us_nt_expect_status(user, us_nt_unload(user), STATUS_SUCCESS);
	expect_happened("Unload");
}

static NTSTATUS fails_after(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
	rig_expect(usual(driver, path) == STATUS_SUCCESS);
	return STATUS_NO_SUCH_FILE;
}

static void not_loaded(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_NO_SUCH_FILE);
	expect_happened("");
}

static void a_driver_object_is_created_once_from_a_sound_configuration(void **state)
{
	(void)state;
	entry = wrong_driver;
	tell(and_unload);
	entry = fails_after;
	tell(not_loaded);
}

static NTSTATUS before_driver(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
	WDFOBJECT object;

	(void)driver, (void)path;
	return WdfObjectCreate(WDF_NO_OBJECT_ATTRIBUTES, &object);
}

static void nothing_works_before_there_is_a_driver_object(void **state)
{
	const struct us_rehearsal r = {.entry = (void *)(uintptr_t)FxDriverEntry, .model = "crypto"};

	(void)state;
	entry = before_driver;
	rig_tell_breaks("driver.none", &r, just_in, NULL);
}

/* -- control devices and names ------------------------------------------------------------------------------------ */

static NTSTATUS control_driver(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
	UNICODE_STRING sddl = string(L"D:P(A;;GA;;;SY)(A;;GA;;;BA)"), name = string(L"\\Device\\Control"),
		       link = string(L"\\DosDevices\\Control");
	WDF_OBJECT_ATTRIBUTES attributes;
	WDF_IO_QUEUE_CONFIG queue;
	PWDFDEVICE_INIT init;
	WDFDEVICE device;

	rig_expect(usual(driver, path) == STATUS_SUCCESS);
	init = WdfControlDeviceInitAllocate(WdfGetDriver(), &sddl);
	rig_expect(init != NULL);
	rig_expect(WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &device) == STATUS_INVALID_SECURITY_DESCR);
	rig_expect(WdfDeviceInitAssignName(init, &name) == STATUS_SUCCESS);
	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	rig_expect(WdfDeviceCreate(&init, &attributes, &device) == STATUS_SUCCESS && !init);
	rig_expect(WdfDeviceWdmGetPhysicalDevice(device) == NULL && WdfDeviceWdmGetAttachedDevice(device) == NULL);
	rig_expect(WdfWdmDeviceGetWdfDeviceHandle(WdfDeviceWdmGetDeviceObject(device)) == device);
	rig_expect(WdfDeviceCreateDeviceInterface(device, &GUID_TEST, NULL) == STATUS_INVALID_DEVICE_REQUEST);
	rig_expect(WdfDeviceCreateSymbolicLink(device, &link) == STATUS_SUCCESS);
	rig_expect(WdfDeviceCreateSymbolicLink(device, &link) == STATUS_INVALID_DEVICE_STATE);
	WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, WdfIoQueueDispatchManual);
	rig_expect(WdfIoQueueCreate(device, &queue, WDF_NO_OBJECT_ATTRIBUTES, NULL) == STATUS_SUCCESS);
	WdfControlFinishInitializing(device);
	the_device = device;
	init = WdfControlDeviceInitAllocate(WdfGetDriver(), &sddl);
	WdfDeviceInitFree(init);
	return STATUS_SUCCESS;
}

static void open_control(struct us_nt_user *user, void *context)
{
	us_nt_status status;
	us_nt_handle file;
	WDFDEVICE control;

	before_create = NULL;
	just_in(user, context);
	control = the_device;
	file = us_nt_open_name(user, "Control", US_NT_READ, &status);
	us_nt_expect_status(user, status, STATUS_SUCCESS);
	us_nt_close(user, file);
	(void)control;
}

static WDFDEVICE control;

static NTSTATUS keep_control(PWDFDEVICE_INIT init)
{
	(void)init;
	control = the_device;
	return STATUS_SUCCESS;
}

static void delete_control(struct us_nt_user *user, void *context)
{
	us_nt_status status;

	before_create = keep_control;
	just_in(user, context);
	WdfObjectDelete(control);
	us_nt_open_name(user, "Control", US_NT_READ, &status);
	us_nt_expect(user, status < 0);
}

static void a_control_device_is_opened_by_its_name_and_deleted_by_the_driver(void **state)
{
	(void)state;
	entry = control_driver;
	tell(open_control);
	tell(delete_control);
}

static NTSTATUS names(WDFDEVICE device)
{
	UNICODE_STRING reference = string(L"ref"), link;
	WDFSTRING text;

	rig_expect(WdfStringCreate(NULL, WDF_NO_OBJECT_ATTRIBUTES, &text) == STATUS_SUCCESS);
	rig_expect(WdfDeviceCreateDeviceInterface(device, &GUID_TEST, &reference) == STATUS_SUCCESS);
	rig_expect(WdfDeviceRetrieveDeviceInterfaceString(device, &GUID_TEST, NULL, text) ==
		   STATUS_OBJECT_NAME_NOT_FOUND);
	rig_expect(WdfDeviceRetrieveDeviceInterfaceString(device, &GUID_TEST, &reference, text) == STATUS_SUCCESS);
	WdfStringGetUnicodeString(text, &link);
	rig_expect(link.Length > 8 && memcmp(link.Buffer, L"\\??\\", 8) == 0);
	rig_expect(WdfDeviceRetrieveDeviceName(device, text) == STATUS_INVALID_DEVICE_REQUEST);
	return STATUS_SUCCESS;
}

static void interface_state(struct us_nt_user *user, void *context)
{
	UNICODE_STRING reference = string(L"ref");
	us_nt_status status;
	us_nt_handle file;

	just_in(user, context);
	file = us_nt_open(user, US_NT_READ, &status);
	us_nt_expect_status(user, status, STATUS_SUCCESS);
	us_nt_close(user, file);
	WdfDeviceSetDeviceInterfaceState(the_device, &GUID_TEST, &reference, FALSE);
	us_nt_open(user, US_NT_READ, &status);
	us_nt_expect(user, status < 0);
	WdfDeviceSetDeviceInterfaceState(the_device, &GUID_TEST, &reference, TRUE);
	file = us_nt_open(user, US_NT_READ, &status);
	us_nt_expect_status(user, status, STATUS_SUCCESS);
	us_nt_close(user, file);
}

static void an_interface_is_there_while_the_device_is_started_and_it_is_enabled(void **state)
{
	(void)state;
	in_add = names;
	tell(interface_state);
}

/* -- properties and registry -------------------------------------------------------------------------------------- */

static NTSTATUS properties(WDFDEVICE device)
{
	static const WCHAR starts[] = L"PCI\\VEN_";
	WDFMEMORY memory;
	ULONG length = 0;
	WCHAR small[2];
	size_t size;
	PVOID buffer;

	rig_expect(WdfDeviceQueryProperty(device, DevicePropertyHardwareID, sizeof(small), small, &length) ==
		   STATUS_BUFFER_TOO_SMALL);
	rig_expect(length > sizeof(small));
	rig_expect(WdfDeviceAllocAndQueryProperty(device, DevicePropertyHardwareID, NonPagedPool,
						  WDF_NO_OBJECT_ATTRIBUTES, &memory) == STATUS_SUCCESS);
	buffer = WdfMemoryGetBuffer(memory, &size);
	rig_expect(size == length && memcmp(buffer, starts, sizeof(starts) - 2) == 0);
	return STATUS_SUCCESS;
}

static void strings(WDFKEY key)
{
	static WCHAR three[] = L"one\0two\0three\0"; /* and an empty one */
	UNICODE_STRING name = string(L"Several"), text;
	WDF_OBJECT_ATTRIBUTES attributes;
	WDFCOLLECTION collection;

	rig_expect(WdfCollectionCreate(WDF_NO_OBJECT_ATTRIBUTES, &collection) == STATUS_SUCCESS);
	rig_expect(WdfRegistryQueryMultiString(key, &name, NULL, collection) == STATUS_OBJECT_NAME_NOT_FOUND);
	rig_expect(WdfRegistryAssignValue(key, &name, REG_SZ, sizeof(three), three) == STATUS_SUCCESS);
	rig_expect(WdfRegistryQueryMultiString(key, &name, NULL, collection) == STATUS_OBJECT_TYPE_MISMATCH);
	rig_expect(WdfRegistryAssignValue(key, &name, REG_MULTI_SZ, 0, three) == STATUS_SUCCESS);
	rig_expect(WdfRegistryQueryMultiString(key, &name, NULL, collection) == STATUS_RESOURCE_DATA_NOT_FOUND);
	rig_expect(WdfCollectionGetCount(collection) == 0);
	rig_expect(WdfRegistryAssignValue(key, &name, REG_MULTI_SZ, sizeof(three), three) == STATUS_SUCCESS);
	rig_expect(WdfRegistryQueryMultiString(key, &name, NULL, collection) == STATUS_SUCCESS);
	rig_expect(WdfCollectionGetCount(collection) == 3);
	WdfStringGetUnicodeString(WdfCollectionGetItem(collection, 1), &text);
	rig_expect(text.Length == 6 && memcmp(text.Buffer, L"two", 8) == 0);
	/* Further ones come behind them, also where nothing ends the last. */
	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.ParentObject = collection;
	rig_expect(WdfRegistryAssignValue(key, &name, REG_MULTI_SZ, 6, three) == STATUS_SUCCESS);
	rig_expect(WdfRegistryQueryMultiString(key, &name, &attributes, collection) == STATUS_SUCCESS);
	rig_expect(WdfCollectionGetCount(collection) == 4);
	WdfStringGetUnicodeString(WdfCollectionGetLastItem(collection), &text);
	rig_expect(text.Length == 6 && memcmp(text.Buffer, L"one", 8) == 0);
	attributes.Size--;
	rig_expect(WdfRegistryQueryMultiString(key, &name, &attributes, collection) == STATUS_INFO_LENGTH_MISMATCH);
	rig_expect(WdfCollectionGetCount(collection) == 4);
	rig_expect(WdfRegistryRemoveValue(key, &name) == STATUS_SUCCESS);
	WdfObjectDelete(collection);
}

static NTSTATUS registry(WDFDEVICE device)
{
	UNICODE_STRING number = string(L"Number"), text = string(L"Text"), none = string(L"None"), value;
	WCHAR buffer[3];
	UNICODE_STRING three = {0, sizeof(buffer), buffer};
	USHORT needed = 0;
	WDFSTRING words;
	ULONG got = 0;
	WDFKEY key;

	rig_expect(WdfDriverOpenParametersRegistryKey(WdfGetDriver(), KEY_READ | KEY_WRITE, WDF_NO_OBJECT_ATTRIBUTES,
						      &key) == STATUS_SUCCESS);
	rig_expect(WdfRegistryQueryULong(key, &number, &got) == STATUS_SUCCESS && got == 42);
	rig_expect(WdfRegistryQueryULong(key, &text, &got) == STATUS_OBJECT_TYPE_MISMATCH);
	rig_expect(WdfRegistryQueryULong(key, &none, &got) == STATUS_OBJECT_NAME_NOT_FOUND);
	rig_expect(WdfRegistryQueryUnicodeString(key, &text, &needed, &three) == STATUS_BUFFER_OVERFLOW &&
		   needed == 12);
	rig_expect(WdfStringCreate(NULL, WDF_NO_OBJECT_ATTRIBUTES, &words) == STATUS_SUCCESS);
	rig_expect(WdfRegistryQueryString(key, &text, words) == STATUS_SUCCESS);
	WdfStringGetUnicodeString(words, &value);
	rig_expect(value.Length == 10 && memcmp(value.Buffer, L"words", 12) == 0);
	rig_expect(WdfRegistryAssignULong(key, &none, 7) == STATUS_SUCCESS);
	rig_expect(WdfRegistryQueryULong(key, &none, &got) == STATUS_SUCCESS && got == 7);
	rig_expect(WdfRegistryRemoveValue(key, &none) == STATUS_SUCCESS);
	rig_expect(WdfRegistryQueryULong(key, &none, &got) == STATUS_OBJECT_NAME_NOT_FOUND);
	strings(key);
	WdfRegistryClose(key);
	rig_expect(WdfDeviceOpenRegistryKey(device, PLUGPLAY_REGKEY_DEVICE, KEY_READ, WDF_NO_OBJECT_ATTRIBUTES, &key) ==
		   STATUS_SUCCESS);
	rig_expect(WdfRegistryQueryULong(key, &number, &got) == STATUS_SUCCESS && got == 42);
	return STATUS_SUCCESS;
}

static void properties_and_registry_are_what_the_system_has(void **state)
{
	(void)state;
	in_add = properties;
	tell(just_in);
	in_add = registry;
	tell(just_in);
}

/* -- interfaces of functions, and IRPs ---------------------------------------------------------------------------- */

static void NTAPI reference(PVOID context)
{
	happened("reference-%u", *(unsigned *)context);
}

static void NTAPI dereference(PVOID context)
{
	(void)context;
}

static NTSTATUS offer(WDFDEVICE device)
{
	static unsigned seven = 7;
	INTERFACE interface_ = {sizeof(interface_), 1, &seven, reference, dereference};
	WDF_QUERY_INTERFACE_CONFIG config;

	WDF_QUERY_INTERFACE_CONFIG_INIT(&config, &interface_, NULL, NULL);
	rig_expect(WdfDeviceAddQueryInterface(device, &config) == STATUS_INVALID_PARAMETER);
	config.InterfaceType = &GUID_OTHER;
	config.Size++;
	rig_expect(WdfDeviceAddQueryInterface(device, &config) == STATUS_INFO_LENGTH_MISMATCH);
	config.Size--;
	config.Interface = NULL;
	rig_expect(WdfDeviceAddQueryInterface(device, &config) == STATUS_INVALID_PARAMETER);
	config.Interface = &interface_;
	rig_expect(WdfDeviceAddQueryInterface(device, &config) == STATUS_SUCCESS);
	return STATUS_SUCCESS;
}

/* As another driver would ask, at the top of the stack. */
static NTSTATUS ask(const GUID *guid, PINTERFACE interface_, USHORT size)
{
	PDEVICE_OBJECT top = WdfDeviceWdmGetDeviceObject(the_device);
	PIRP irp = IoAllocateIrp(top->StackSize, FALSE);
	PIO_STACK_LOCATION sp = IoGetNextIrpStackLocation(irp);
	NTSTATUS status;

	irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
	sp->MajorFunction = IRP_MJ_PNP;
	sp->MinorFunction = IRP_MN_QUERY_INTERFACE;
	sp->Parameters.QueryInterface.InterfaceType = guid;
	sp->Parameters.QueryInterface.Interface = interface_;
	sp->Parameters.QueryInterface.Size = size;
	sp->Parameters.QueryInterface.Version = 1;
	status = us_nt_io_call_and_wait(top, irp);
	IoFreeIrp(irp);
	return status;
}

static void query_interface(struct us_nt_user *user, void *context)
{
	BUS_INTERFACE_STANDARD bus;
	INTERFACE got = {0};

	just_in(user, context);
	us_nt_expect_status(user, ask(&GUID_OTHER, &got, sizeof(got) - 1), STATUS_INVALID_PARAMETER);
	us_nt_expect_status(user, ask(&GUID_TEST, &got, sizeof(got)), STATUS_NOT_SUPPORTED);
	expect_happened("");
	us_nt_expect_status(user, ask(&GUID_OTHER, &got, sizeof(got)), STATUS_SUCCESS);
	expect_happened("reference-7");
	us_nt_expect(user, got.InterfaceReference == reference);

	us_nt_expect_status(user, WdfFdoQueryForInterface(the_device, &GUID_OTHER, &got, sizeof(got), 1, NULL),
			    STATUS_NOT_SUPPORTED); /* of those below */
	us_nt_expect_status(user,
			    WdfFdoQueryForInterface(the_device, &GUID_BUS_INTERFACE_STANDARD, (PINTERFACE)&bus,
						    sizeof(bus), 1, NULL),
			    STATUS_SUCCESS);
	bus.InterfaceDereference(bus.Context);
}

static void interfaces_are_offered_to_those_above_and_asked_of_those_below(void **state)
{
	(void)state;
	in_add = offer;
	tell(query_interface);
}

static NTSTATUS NTAPI first(WDFDEVICE device, PIRP irp)
{
	happened("first-%u", IoGetCurrentIrpStackLocation(irp)->MinorFunction);
	IoSkipCurrentIrpStackLocation(irp);
	return WdfDeviceWdmDispatchPreprocessedIrp(device, irp);
}

static NTSTATUS see_first(PWDFDEVICE_INIT init)
{
	UCHAR minors[] = {IRP_MN_START_DEVICE, IRP_MN_REMOVE_DEVICE};

	return WdfDeviceInitAssignWdmIrpPreprocessCallback(init, first, IRP_MJ_PNP, minors, 2);
}

static void start_and_remove(struct us_nt_user *user, void *context)
{
	just_in(user, context);
	expect_happened("first-0");
	us_nt_eject(user);
	expect_happened("first-2");
}

static void a_driver_may_see_irps_before_the_framework(void **state)
{
	(void)state;
	before_create = see_first;
	tell(start_and_remove);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_driver_is_bound_to_its_version_or_told_why_not, setup),
		cmocka_unit_test_setup(a_driver_object_is_created_once_from_a_sound_configuration, setup),
		cmocka_unit_test_setup(nothing_works_before_there_is_a_driver_object, setup),
		cmocka_unit_test_setup(a_control_device_is_opened_by_its_name_and_deleted_by_the_driver, setup),
		cmocka_unit_test_setup(an_interface_is_there_while_the_device_is_started_and_it_is_enabled, setup),
		cmocka_unit_test_setup(properties_and_registry_are_what_the_system_has, setup),
		cmocka_unit_test_setup(interfaces_are_offered_to_those_above_and_asked_of_those_below, setup),
		cmocka_unit_test_setup(a_driver_may_see_irps_before_the_framework, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
