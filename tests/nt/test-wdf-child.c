/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Children of the function's device: what a bus's driver says of them, what the system asks them, and their end.
 * Sources: Microsoft, "Static Enumeration", "Creating Device Objects in a Bus Driver", and the functions' reference
 * pages.
 */
#include "kmdf-driver.h"

#include <initguid.h>

DEFINE_GUID(GUID_CHILD, 0x8f3b1c52, 0x4d6e, 0x4a7f, 0x9b, 0x1c, 0x2d, 0x3e, 0x4f, 0x5a, 0x6b, 0x7e);
DEFINE_GUID(GUID_CLASS, 0x8f3b1c52, 0x4d6e, 0x4a7f, 0x9b, 0x1c, 0x2d, 0x3e, 0x4f, 0x5a, 0x6b, 0x7f);

#define ASK CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

static NTSTATUS (*in_add)(WDFDEVICE parent);
static const char *fails;
static WDFDEVICE the_parent, the_child;
static bool raw;

static UNICODE_STRING text(const WCHAR *from)
{
	UNICODE_STRING s = {0, 0, (WCHAR *)(uintptr_t)from};

	while (from[s.Length / sizeof(WCHAR)])
		s.Length += sizeof(WCHAR);
	s.MaximumLength = s.Length;
	return s;
}

/* -- the child ---------------------------------------------------------------------------------------------------- */

static NTSTATUS result(const char *name)
{
	rig_expect(us_nt_irql() == PASSIVE_LEVEL);
	happened("%s", name);
	return fails && strcmp(fails, name) == 0 ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
}

static NTSTATUS NTAPI child_prepare(WDFDEVICE device, WDFCMRESLIST raw_list, WDFCMRESLIST translated)
{
	rig_expect(device == the_child && !WdfCmResourceListGetCount(raw_list) &&
		   !WdfCmResourceListGetCount(translated));
	return result("ChildPrepare");
}

static NTSTATUS NTAPI child_release(WDFDEVICE device, WDFCMRESLIST translated)
{
	(void)device, (void)translated;
	return result("ChildRelease");
}

static NTSTATUS NTAPI child_entry(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous)
{
	(void)device, (void)previous;
	return result("ChildD0Entry");
}

static NTSTATUS NTAPI child_exit(WDFDEVICE device, WDF_POWER_DEVICE_STATE target)
{
	(void)device, (void)target;
	return result("ChildD0Exit");
}

static void NTAPI child_surprise(WDFDEVICE device)
{
	(void)device;
	result("ChildSurprise");
}

static NTSTATUS NTAPI child_query_remove(WDFDEVICE device)
{
	(void)device;
	return result("ChildQueryRemove");
}

static void NTAPI child_missing(WDFDEVICE device)
{
	(void)device;
	result("ChildMissing");
}

static void NTAPI child_cleanup(WDFOBJECT object)
{
	rig_expect(object == the_child);
	result("ChildCleanup");
}

static NTSTATUS NTAPI child_resources(WDFDEVICE device, WDFCMRESLIST list)
{
	rig_expect(device == the_child && !WdfCmResourceListGetCount(list));
	return result("ChildResources");
}

static NTSTATUS NTAPI child_requirements(WDFDEVICE device, WDFIORESREQLIST list)
{
	rig_expect(device == the_child && !WdfIoResourceRequirementsListGetCount(list));
	return result("ChildRequirements");
}

static void NTAPI child_control(WDFQUEUE queue, WDFREQUEST request, size_t out, size_t in, ULONG code)
{
	(void)out, (void)in;
	rig_expect(WdfIoQueueGetDevice(queue) == the_child && code == ASK);
	happened("ChildIo");
	WdfRequestComplete(request, STATUS_SUCCESS);
}

static NTSTATUS describe(PWDFDEVICE_INIT init)
{
	UNICODE_STRING id = text(L"TEST\\Child"), instance = text(L"01"), hardware = text(L"TEST\\ChildHardware"),
		       compatible = text(L"TEST\\Any"), description = text(L"A child"), where = text(L"Place 1");
	UNICODE_STRING empty = {0, 0, NULL};

	rig_expect(WdfPdoInitAssignDeviceID(init, &empty) == STATUS_INVALID_PARAMETER);
	rig_expect(WdfPdoInitAssignDeviceID(init, &id) == STATUS_SUCCESS);
	rig_expect(WdfPdoInitAssignInstanceID(init, &instance) == STATUS_SUCCESS);
	rig_expect(WdfPdoInitAddHardwareID(init, &hardware) == STATUS_SUCCESS);
	rig_expect(WdfPdoInitAddHardwareID(init, &id) == STATUS_SUCCESS);
	rig_expect(WdfPdoInitAddCompatibleID(init, &compatible) == STATUS_SUCCESS);
	rig_expect(WdfPdoInitAddDeviceText(init, &description, &where, 0x407) == STATUS_SUCCESS);
	WdfPdoInitSetDefaultLocale(init, 0x407);
	return raw ? WdfPdoInitAssignRawDevice(init, &GUID_CLASS) : STATUS_SUCCESS;
}

static void set_callbacks(PWDFDEVICE_INIT init)
{
	WDF_PNPPOWER_EVENT_CALLBACKS pnp;
	WDF_PDO_EVENT_CALLBACKS pdo;

	WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&pnp);
	pnp.EvtDevicePrepareHardware = child_prepare;
	pnp.EvtDeviceReleaseHardware = child_release;
	pnp.EvtDeviceD0Entry = child_entry;
	pnp.EvtDeviceD0Exit = child_exit;
	pnp.EvtDeviceSurpriseRemoval = child_surprise;
	pnp.EvtDeviceQueryRemove = child_query_remove;
	WdfDeviceInitSetPnpPowerEventCallbacks(init, &pnp);
	WDF_PDO_EVENT_CALLBACKS_INIT(&pdo);
	pdo.EvtDeviceResourcesQuery = child_resources;
	pdo.EvtDeviceResourceRequirementsQuery = child_requirements;
	pdo.EvtDeviceReportedMissing = child_missing;
	WdfPdoInitSetEventCallbacks(init, &pdo);
}

static NTSTATUS make_child(WDFDEVICE parent)
{
	PWDFDEVICE_INIT init = WdfPdoInitAllocate(parent);
	WDF_OBJECT_ATTRIBUTES attributes;
	WDF_IO_QUEUE_CONFIG config;

	rig_expect(init != NULL);
	set_callbacks(init);
	rig_expect(describe(init) == STATUS_SUCCESS);
	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.EvtCleanupCallback = child_cleanup;
	rig_expect(WdfDeviceCreate(&init, &attributes, &the_child) == STATUS_SUCCESS && !init);
	rig_expect(WdfPdoGetParent(the_child) == parent);
	rig_expect(WdfDeviceWdmGetPhysicalDevice(the_child) == WdfDeviceWdmGetDeviceObject(the_child));
	rig_expect(WdfDeviceCreateDeviceInterface(the_child, &GUID_CHILD, NULL) == STATUS_SUCCESS);
	WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchSequential);
	config.EvtIoDeviceControl = child_control;
	rig_expect(WdfIoQueueCreate(the_child, &config, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE) == STATUS_SUCCESS);
	return STATUS_SUCCESS;
}

static NTSTATUS add_child(WDFDEVICE parent)
{
	make_child(parent);
	rig_expect(WdfFdoAddStaticChild(parent, the_child) == STATUS_SUCCESS);
	rig_expect(WdfFdoAddStaticChild(parent, the_child) == STATUS_INVALID_PARAMETER);
	rig_expect(WdfFdoAddStaticChild(parent, parent) == STATUS_INVALID_PARAMETER);
	return STATUS_SUCCESS;
}

/* -- the parent --------------------------------------------------------------------------------------------------- */

static NTSTATUS NTAPI parent_entry(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous)
{
	(void)device, (void)previous;
	return result("D0Entry");
}

static NTSTATUS NTAPI parent_exit(WDFDEVICE device, WDF_POWER_DEVICE_STATE target)
{
	(void)device, (void)target;
	return result("D0Exit");
}

static void NTAPI parent_cleanup(WDFOBJECT object)
{
	(void)object;
	result("Cleanup");
}

static NTSTATUS NTAPI evt_add(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
	WDF_PNPPOWER_EVENT_CALLBACKS pnp;
	WDF_OBJECT_ATTRIBUTES attributes;
	NTSTATUS status;

	(void)driver;
	WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&pnp);
	pnp.EvtDeviceD0Entry = parent_entry;
	pnp.EvtDeviceD0Exit = parent_exit;
	WdfDeviceInitSetPnpPowerEventCallbacks(init, &pnp);
	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.EvtCleanupCallback = parent_cleanup;
	status = WdfDeviceCreate(&init, &attributes, &the_parent);
	return NT_SUCCESS(status) && in_add ? in_add(the_parent) : status;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
	WDF_DRIVER_CONFIG config;

	WDF_DRIVER_CONFIG_INIT(&config, evt_add);
	return WdfDriverCreate(driver, path, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}

static const struct us_rehearsal rehearsal = {.entry = (void *)(uintptr_t)FxDriverEntry, .model = "crypto"};

static int setup(void **state)
{
	(void)state;
	in_add = add_child;
	fails = NULL;
	raw = true;
	forget();
	return 0;
}

static void tell(void (*story)(struct us_nt_user *user, void *context))
{
	struct us_rehearsal r = rehearsal;

	for (r.seed = 0; r.seed < 5; r.seed++) {
		forget();
		rig_tell(&r, story, NULL);
	}
}

#define FOUND "ChildResources ChildRequirements"
#define UP "D0Entry " FOUND " ChildPrepare ChildD0Entry"
#define CHILD_DOWN "ChildD0Exit ChildRelease"

/* -- up and down -------------------------------------------------------------------------------------------------- */

static void with_its_parent(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
	us_nt_is_started(user);
	expect_happened(UP);
	us_nt_expect(user, WdfDeviceGetDevicePnpState(the_child) == WdfDevStatePnpStarted);
	us_nt_expect_status(user, us_nt_eject(user), STATUS_SUCCESS);
	expect_happened("ChildQueryRemove " CHILD_DOWN " D0Exit ChildCleanup Cleanup");
}

static void a_raw_child_comes_and_goes_with_its_parent(void **state)
{
	(void)state;
	tell(with_its_parent);
}

static void without_driver(struct us_nt_user *user, void *context)
{
	us_nt_status status;

	(void)context;
	us_nt_plug_in(user);
	us_nt_is_started(user);
	expect_happened("D0Entry " FOUND);
	us_nt_open(user, US_NT_READ, &status);
	us_nt_expect(user, status < 0);
	us_nt_expect_status(user, us_nt_eject(user), STATUS_SUCCESS);
	expect_happened("D0Exit ChildCleanup Cleanup");
}

static void a_child_that_is_not_raw_is_present_without_driver(void **state)
{
	(void)state;
	raw = false;
	tell(without_driver);
}

static void child_does_not_start(struct us_nt_user *user, void *context)
{
	us_nt_status status;

	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
	us_nt_is_started(user);
	expect_happened("D0Entry " FOUND " ChildPrepare ChildD0Entry ChildRelease");
	us_nt_open(user, US_NT_READ, &status);
	us_nt_expect(user, status < 0);
	us_nt_expect_status(user, us_nt_eject(user), STATUS_SUCCESS);
	expect_happened("D0Exit ChildCleanup Cleanup");
}

static void a_child_that_does_not_start_leaves_its_parent_alone(void **state)
{
	(void)state;
	fails = "ChildD0Entry";
	tell(child_does_not_start);
}

static void refused(struct us_nt_user *user, void *context)
{
	us_nt_status status;
	us_nt_handle file;

	(void)context;
	us_nt_plug_in(user);
	us_nt_is_started(user);
	forget();
	fails = "ChildQueryRemove";
	us_nt_expect(user, us_nt_eject(user) < 0);
	expect_happened("ChildQueryRemove");
	fails = NULL;
	file = us_nt_open(user, US_NT_READ, &status);
	us_nt_expect_status(user, status, STATUS_SUCCESS);
	us_nt_expect_status(user, us_nt_control(user, file, ASK, NULL, 0, NULL, 0, NULL), STATUS_SUCCESS);
	expect_happened("ChildIo");
	us_nt_expect(user, us_nt_eject(user) < 0); /* the child's file is open */
	us_nt_expect(user, us_nt_is_started(user));
	expect_happened("ChildQueryRemove");
	us_nt_close(user, file);
	us_nt_expect_status(user, us_nt_eject(user), STATUS_SUCCESS);
}

static void a_child_in_use_keeps_its_parent_and_serves(void **state)
{
	(void)state;
	tell(refused);
}

static void pulled_out(struct us_nt_user *user, void *context)
{
	us_nt_status status;
	us_nt_handle file;

	(void)context;
	us_nt_plug_in(user);
	us_nt_is_started(user);
	file = us_nt_open(user, US_NT_READ, &status);
	us_nt_expect_status(user, status, STATUS_SUCCESS);
	forget();
	us_nt_pull_out(user);
	expect_happened("ChildSurprise " CHILD_DOWN " D0Exit");
	us_nt_expect(user, us_nt_control(user, file, ASK, NULL, 0, NULL, 0, NULL) < 0);
	us_nt_close(user, file);
	us_nt_advance(user, 1000000);
	expect_happened("ChildCleanup Cleanup");
}

static void a_child_goes_first_when_its_parent_is_pulled_out(void **state)
{
	(void)state;
	tell(pulled_out);
}

static void moved(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_plug_in(user);
	us_nt_is_started(user);
	forget();
	us_nt_expect_status(user, us_nt_rebalance(user), STATUS_SUCCESS);
	expect_happened(CHILD_DOWN " D0Exit D0Entry ChildPrepare ChildD0Entry");
}

static void a_child_is_stopped_while_its_parent_moves(void **state)
{
	(void)state;
	tell(moved);
}

/* -- missing, and late -------------------------------------------------------------------------------------------- */

static void goes_missing(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_plug_in(user);
	us_nt_is_started(user);
	forget();
	us_nt_expect_status(user, WdfPdoMarkMissing(the_child), STATUS_SUCCESS);
	us_nt_expect_status(user, WdfPdoMarkMissing(the_child), STATUS_NO_SUCH_DEVICE);
	us_nt_advance(user, 1000000);
	expect_happened("ChildSurprise " CHILD_DOWN " ChildMissing ChildCleanup");
	us_nt_expect(user, us_nt_is_started(user));
	us_nt_expect_status(user, add_child(the_parent), STATUS_SUCCESS);
	us_nt_advance(user, 1000000);
	expect_happened(FOUND " ChildPrepare ChildD0Entry");
}

static void a_missing_child_is_removed_and_another_may_come(void **state)
{
	(void)state;
	tell(goes_missing);
}

static void list_of_children(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_plug_in(user);
	us_nt_is_started(user);
	WdfFdoLockStaticChildListForIteration(the_parent);
	us_nt_expect(user, WdfFdoRetrieveNextStaticChild(the_parent, NULL, WdfRetrievePresentChildren) == the_child);
	us_nt_expect(user, !WdfFdoRetrieveNextStaticChild(the_parent, the_child, WdfRetrieveAllChildren));
	us_nt_expect(user, !WdfFdoRetrieveNextStaticChild(the_parent, NULL, WdfRetrievePendingChildren));
	us_nt_expect(user, !WdfFdoRetrieveNextStaticChild(the_parent, NULL, WdfRetrieveMissingChildren));
	WdfFdoUnlockStaticChildListFromIteration(the_parent);
}

static NTSTATUS never_reported(WDFDEVICE parent)
{
	add_child(parent);
	WdfFdoLockStaticChildListForIteration(parent);
	rig_expect(WdfFdoRetrieveNextStaticChild(parent, NULL, WdfRetrievePendingChildren) == the_child);
	WdfFdoUnlockStaticChildListFromIteration(parent);
	rig_expect(WdfPdoMarkMissing(the_child) == STATUS_SUCCESS);
	expect_happened("ChildCleanup");
	make_child(parent); /* and one that is not added */
	rig_expect(WdfPdoMarkMissing(the_child) == STATUS_INVALID_PARAMETER);
	WdfObjectDelete(the_child);
	expect_happened("ChildCleanup");
	WdfDeviceInitFree(WdfPdoInitAllocate(parent));
	return STATUS_SUCCESS;
}

static void nothing_of_it(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
	us_nt_is_started(user);
	expect_happened("D0Entry");
}

static void the_list_knows_what_became_of_a_child(void **state)
{
	(void)state;
	tell(list_of_children);
	in_add = never_reported;
	tell(nothing_of_it);
}

/* -- mistakes ----------------------------------------------------------------------------------------------------- */

static NTSTATUS without_id(WDFDEVICE parent)
{
	PWDFDEVICE_INIT init = WdfPdoInitAllocate(parent);
	WDFDEVICE device;

	rig_expect(WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &device) == STATUS_INVALID_PARAMETER && init);
	WdfDeviceInitFree(init);
	return STATUS_SUCCESS;
}

static NTSTATUS filter_for_child(WDFDEVICE parent)
{
	WdfFdoInitSetFilter(WdfPdoInitAllocate(parent));
	return STATUS_SUCCESS;
}

static NTSTATUS grandchild(WDFDEVICE parent)
{
	make_child(parent);
	WdfPdoInitAllocate(the_child);
	return STATUS_SUCCESS;
}

static NTSTATUS not_locked(WDFDEVICE parent)
{
	WdfFdoRetrieveNextStaticChild(parent, NULL, WdfRetrieveAllChildren);
	return STATUS_SUCCESS;
}

static NTSTATUS delete_added(WDFDEVICE parent)
{
	add_child(parent);
	WdfObjectDelete(the_child);
	return STATUS_SUCCESS;
}

static void just_in(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
}

static void mistakes_with_children_are_found(void **state)
{
	(void)state;
	in_add = without_id;
	tell(just_in);
	in_add = filter_for_child;
	rig_tell_breaks("init.child", &rehearsal, just_in, NULL);
	in_add = grandchild;
	rig_tell_breaks("device.no-bus", &rehearsal, just_in, NULL);
	in_add = not_locked;
	rig_tell_breaks("children.not-locked", &rehearsal, just_in, NULL);
	in_add = delete_added;
	rig_tell_breaks("object.not-deletable", &rehearsal, just_in, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_raw_child_comes_and_goes_with_its_parent, setup),
		cmocka_unit_test_setup(a_child_that_is_not_raw_is_present_without_driver, setup),
		cmocka_unit_test_setup(a_child_that_does_not_start_leaves_its_parent_alone, setup),
		cmocka_unit_test_setup(a_child_in_use_keeps_its_parent_and_serves, setup),
		cmocka_unit_test_setup(a_child_goes_first_when_its_parent_is_pulled_out, setup),
		cmocka_unit_test_setup(a_child_is_stopped_while_its_parent_moves, setup),
		cmocka_unit_test_setup(a_missing_child_is_removed_and_another_may_come, setup),
		cmocka_unit_test_setup(the_list_knows_what_became_of_a_child, setup),
		cmocka_unit_test_setup(mistakes_with_children_are_found, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
