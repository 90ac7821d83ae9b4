/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device requires and is granted: the callbacks that change it. Sources: Microsoft, "Modifying a Resource
 * Requirements List", "Modifying a Resource List", and the functions' reference pages.
 */
#include "kmdf-driver.h"

#include <initguid.h>

static NTSTATUS (*in_remove)(WDFIORESREQLIST list), (*in_add)(WDFIORESREQLIST list);
static void (*in_start)(WDFCMRESLIST raw, WDFCMRESLIST translated);
static NTSTATUS start_with;
static ULONG granted_private, granted_memory, granted_interrupts;

static NTSTATUS NTAPI evt_remove(WDFDEVICE device, WDFIORESREQLIST list)
{
	(void)device;
	rig_expect(us_nt_irql() == PASSIVE_LEVEL);
	happened("FilterRemove");
	return in_remove ? in_remove(list) : STATUS_SUCCESS;
}

static NTSTATUS NTAPI evt_add_requirements(WDFDEVICE device, WDFIORESREQLIST list)
{
	(void)device;
	rig_expect(us_nt_irql() == PASSIVE_LEVEL);
	happened("FilterAdd");
	return in_add ? in_add(list) : STATUS_SUCCESS;
}

static NTSTATUS NTAPI evt_remove_added(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated)
{
	(void)device;
	rig_expect(WdfCmResourceListGetCount(raw) == WdfCmResourceListGetCount(translated));
	happened("RemoveAdded");
	if (in_start)
		in_start(raw, translated);
	return start_with;
}

static NTSTATUS NTAPI evt_prepare(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated)
{
	CM_PARTIAL_RESOURCE_DESCRIPTOR more = {.Type = CmResourceTypeDevicePrivate};
	ULONG i;

	(void)device;
	happened("Prepare");
	granted_private = granted_memory = granted_interrupts = 0;
	for (i = 0; i < WdfCmResourceListGetCount(translated); i++) {
		UCHAR type = WdfCmResourceListGetDescriptor(translated, i)->Type;

		granted_private += type == CmResourceTypeDevicePrivate;
		granted_memory += type == CmResourceTypeMemory;
		granted_interrupts += type == CmResourceTypeInterrupt;
	}
	rig_expect(WdfCmResourceListAppendDescriptor(raw, &more) == STATUS_ACCESS_DENIED);
	rig_expect(WdfCmResourceListInsertDescriptor(raw, &more, 0) == STATUS_ACCESS_DENIED);
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI evt_add(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
	WDF_PNPPOWER_EVENT_CALLBACKS pnp;
	WDF_FDO_EVENT_CALLBACKS fdo;
	WDFDEVICE device;

	(void)driver;
	WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&pnp);
	pnp.EvtDevicePrepareHardware = evt_prepare;
	WdfDeviceInitSetPnpPowerEventCallbacks(init, &pnp);
	WDF_FDO_EVENT_CALLBACKS_INIT(&fdo);
	fdo.EvtDeviceFilterRemoveResourceRequirements = evt_remove;
	fdo.EvtDeviceFilterAddResourceRequirements = evt_add_requirements;
	fdo.EvtDeviceRemoveAddedResources = evt_remove_added;
	WdfFdoInitSetEventCallbacks(init, &fdo);
	return WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &device);
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
	in_remove = in_add = NULL;
	in_start = NULL;
	start_with = STATUS_SUCCESS;
	forget();
	return 0;
}

static void tell(void (*story)(struct us_nt_user *user, void *context))
{
	struct us_rehearsal r = rehearsal;

	for (r.seed = 0; r.seed < 3; r.seed++) {
		forget();
		rig_tell(&r, story, NULL);
	}
}

static ULONG index_of_type(WDFIORESLIST list, UCHAR type)
{
	ULONG i;

	for (i = 0; i < WdfIoResourceListGetCount(list); i++)
		if (WdfIoResourceListGetDescriptor(list, i)->Type == type)
			return i;
	return i;
}

/* -- looking ------------------------------------------------------------------------------------------------------ */

static NTSTATUS only_look(WDFIORESREQLIST list)
{
	WDFIORESLIST first = WdfIoResourceRequirementsListGetIoResList(list, 0);
	IO_RESOURCE_DESCRIPTOR *shown;

	rig_expect(WdfIoResourceRequirementsListGetCount(list) == 1);
	rig_expect(!WdfIoResourceRequirementsListGetIoResList(list, 1));
	rig_expect(WdfIoResourceListGetCount(first) >= 2);
	rig_expect(!WdfIoResourceListGetDescriptor(first, WdfIoResourceListGetCount(first)));
	shown = WdfIoResourceListGetDescriptor(first, 0);
	rig_expect(shown->Type == CmResourceTypeMemory);
	shown->Type = CmResourceTypeNull; /* a copy: nothing changes */
	rig_expect(WdfIoResourceListGetDescriptor(first, 0)->Type == CmResourceTypeMemory);
	return STATUS_SUCCESS;
}

static void in_order(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
	expect_happened("FilterRemove FilterAdd RemoveAdded Prepare");
	us_nt_expect(user, granted_memory >= 1 && granted_interrupts >= 1 && granted_private == 0);
}

static void the_callbacks_come_in_the_documented_order(void **state)
{
	(void)state;
	in_remove = in_add = only_look;
	tell(in_order);
}

/* -- taking out and adding ---------------------------------------------------------------------------------------- */

static NTSTATUS take_messages(WDFIORESREQLIST list)
{
	WDFIORESLIST first = WdfIoResourceRequirementsListGetIoResList(list, 0);
	IO_RESOURCE_DESCRIPTOR d = {.Type = CmResourceTypeDevicePrivate};
	WDFIORESLIST another;
	ULONG i = 0;

	rig_expect(WdfIoResourceListAppendDescriptor(first, &d) == STATUS_ACCESS_DENIED);
	rig_expect(WdfIoResourceListInsertDescriptor(first, &d, 0) == STATUS_ACCESS_DENIED);
	rig_expect(WdfIoResourceListCreate(list, WDF_NO_OBJECT_ATTRIBUTES, &another) == STATUS_SUCCESS);
	rig_expect(WdfIoResourceRequirementsListAppendIoResList(list, another) == STATUS_ACCESS_DENIED);
	while (i < WdfIoResourceListGetCount(first)) {
		IO_RESOURCE_DESCRIPTOR *shown = WdfIoResourceListGetDescriptor(first, i);

		if (shown->Type == CmResourceTypeInterrupt)
			WdfIoResourceListRemoveByDescriptor(first, shown);
		else
			i++;
	}
	return STATUS_SUCCESS;
}

static void without_interrupts(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
	us_nt_expect(user, granted_memory >= 1 && granted_interrupts == 0);
}

static NTSTATUS take_memory(WDFIORESREQLIST list)
{
	WDFIORESLIST first = WdfIoResourceRequirementsListGetIoResList(list, 0);

	while (index_of_type(first, CmResourceTypeMemory) < WdfIoResourceListGetCount(first))
		WdfIoResourceListRemove(first, index_of_type(first, CmResourceTypeMemory));
	return STATUS_SUCCESS;
}

static void without_memory(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
	us_nt_expect(user, granted_memory == 0 && granted_interrupts >= 1);
}

static void what_is_taken_out_is_not_granted(void **state)
{
	(void)state;
	in_remove = take_messages;
	tell(without_interrupts);
	in_remove = take_memory;
	tell(without_memory);
}

static NTSTATUS add_private(WDFIORESREQLIST list)
{
	WDFIORESLIST first = WdfIoResourceRequirementsListGetIoResList(list, 0);
	IO_RESOURCE_DESCRIPTOR d = {.Type = CmResourceTypeDevicePrivate};
	ULONG count = WdfIoResourceListGetCount(first);

	d.u.DevicePrivate.Data[1] = 77;
	rig_expect(WdfIoResourceListInsertDescriptor(first, &d, 0) == STATUS_SUCCESS);
	d.u.DevicePrivate.Data[1] = 1;
	rig_expect(WdfIoResourceListAppendDescriptor(first, &d) == STATUS_SUCCESS);
	d.u.DevicePrivate.Data[1] = 88;
	WdfIoResourceListUpdateDescriptor(first, &d, count + 1);
	rig_expect(WdfIoResourceListGetCount(first) == count + 2);
	return STATUS_SUCCESS;
}

static void take_private(WDFCMRESLIST raw, WDFCMRESLIST translated)
{
	ULONG last = WdfCmResourceListGetCount(raw) - 1;

	rig_expect(WdfCmResourceListGetDescriptor(raw, last)->u.DevicePrivate.Data[1] == 88);
	WdfCmResourceListRemove(raw, last);
	WdfCmResourceListRemove(translated, last);
	rig_expect(WdfCmResourceListGetDescriptor(raw, last - 1)->u.DevicePrivate.Data[1] == 77);
	WdfCmResourceListRemoveByDescriptor(raw, WdfCmResourceListGetDescriptor(raw, last - 1));
	WdfCmResourceListRemove(translated, last - 1);
}

static void with_private(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
	us_nt_expect(user, granted_private == 2 && granted_memory >= 1 && granted_interrupts >= 1);
	us_nt_expect_status(user, us_nt_rebalance(user), STATUS_SUCCESS);
	us_nt_expect(user, granted_private == 2);
}

static void what_is_added_is_granted_and_hidden_from_the_bus(void **state)
{
	(void)state;
	in_add = add_private;
	in_start = take_private;
	tell(with_private);
}

static NTSTATUS another_first(WDFIORESREQLIST list)
{
	WDFIORESLIST first = WdfIoResourceRequirementsListGetIoResList(list, 0), another, last;
	ULONG i;

	rig_expect(WdfIoResourceListCreate(list, WDF_NO_OBJECT_ATTRIBUTES, &another) == STATUS_SUCCESS);
	for (i = 0; i < WdfIoResourceListGetCount(first); i++)
		if (WdfIoResourceListGetDescriptor(first, i)->Type == CmResourceTypeMemory)
			WdfIoResourceListAppendDescriptor(another, WdfIoResourceListGetDescriptor(first, i));
	rig_expect(WdfIoResourceRequirementsListInsertIoResList(list, another, 0) == STATUS_SUCCESS);
	rig_expect(WdfIoResourceRequirementsListInsertIoResList(list, another, 0) == STATUS_INVALID_PARAMETER);
	rig_expect(WdfIoResourceListCreate(list, WDF_NO_OBJECT_ATTRIBUTES, &last) == STATUS_SUCCESS);
	rig_expect(WdfIoResourceRequirementsListAppendIoResList(list, last) == STATUS_SUCCESS);
	rig_expect(WdfIoResourceRequirementsListGetCount(list) == 3);
	WdfIoResourceRequirementsListRemoveByIoResList(list, last);
	rig_expect(WdfIoResourceRequirementsListGetCount(list) == 2);
	WdfIoResourceRequirementsListSetSlotNumber(list, 3);
	WdfIoResourceRequirementsListSetInterfaceType(list, PCIBus);
	return STATUS_SUCCESS;
}

static void the_first_alternative_is_what_is_granted(void **state)
{
	(void)state;
	in_add = another_first;
	tell(without_interrupts);
}

/* -- failing ------------------------------------------------------------------------------------------------------ */

static NTSTATUS refuse(WDFIORESREQLIST list)
{
	(void)list;
	return STATUS_UNSUCCESSFUL;
}

/* The PnP manager goes on with the list as it was when a driver failed. */
static void filter_fails(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
	expect_happened("FilterRemove RemoveAdded Prepare");
	us_nt_expect(user, granted_memory >= 1 && granted_interrupts >= 1);
}

static void late_failure(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
	expect_happened("FilterRemove FilterAdd RemoveAdded Prepare");
}

static void start_fails(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_INSUFFICIENT_RESOURCES);
	expect_happened("FilterRemove FilterAdd RemoveAdded");
}

static void a_callback_that_fails_changes_nothing_or_ends_the_start(void **state)
{
	(void)state;
	in_remove = refuse;
	tell(filter_fails);
	in_remove = take_messages;
	in_add = refuse;
	tell(late_failure);
	in_remove = in_add = NULL;
	start_with = STATUS_INSUFFICIENT_RESOURCES;
	tell(start_fails);
}

static NTSTATUS past_the_end(WDFIORESREQLIST list)
{
	WdfIoResourceListRemove(WdfIoResourceRequirementsListGetIoResList(list, 0), 100);
	return STATUS_SUCCESS;
}

static WDFCMRESLIST kept;

static void keep(WDFCMRESLIST raw, WDFCMRESLIST translated)
{
	(void)translated;
	kept = raw;
}

static void removes_later(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_plug_in(user);
	WdfCmResourceListGetCount(kept);
}

static NTSTATUS more_memory(WDFIORESREQLIST list)
{
	IO_RESOURCE_DESCRIPTOR d = {.Type = CmResourceTypeMemory};

	d.u.Memory.Length = 12345;
	return WdfIoResourceListAppendDescriptor(WdfIoResourceRequirementsListGetIoResList(list, 0), &d);
}

static void just_in(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_plug_in(user);
}

static void mistakes_with_lists_are_found(void **state)
{
	(void)state;
	in_remove = past_the_end;
	rig_tell_breaks("resources.index", &rehearsal, just_in, NULL);
	in_remove = NULL;
	in_start = keep;
	rig_tell_breaks("handle.invalid", &rehearsal, removes_later, NULL);
	in_start = NULL;
	in_add = more_memory;
	rig_tell_breaks("unsupported", &rehearsal, just_in, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_callbacks_come_in_the_documented_order, setup),
		cmocka_unit_test_setup(what_is_taken_out_is_not_granted, setup),
		cmocka_unit_test_setup(what_is_added_is_granted_and_hidden_from_the_bus, setup),
		cmocka_unit_test_setup(the_first_alternative_is_what_is_granted, setup),
		cmocka_unit_test_setup(a_callback_that_fails_changes_nothing_or_ends_the_start, setup),
		cmocka_unit_test_setup(mistakes_with_lists_are_found, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
