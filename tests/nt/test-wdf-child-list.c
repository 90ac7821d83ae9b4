/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Child lists: children that the driver finds and loses, in scans and one by one. Sources: Microsoft, "Dynamic
 * Enumeration", and the functions' and callbacks' reference pages.
 */
#include "kmdf-driver.h"
#include "nt/pnp.h"

#include <initguid.h>

DEFINE_GUID(GUID_CLASS, 0x8f3b1c52, 0x4d6e, 0x4a7f, 0x9b, 0x1c, 0x2d, 0x3e, 0x4f, 0x5a, 0x6b, 0x7f);

struct id {
	WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER header;
	ULONG slot;
	ULONG note; /* not compared by compare() */
};

struct address {
	WDF_CHILD_ADDRESS_DESCRIPTION_HEADER header;
	ULONG where;
};

static WDFDEVICE the_parent;
static WDFCHILDLIST the_list;
static WDF_CHILD_LIST_CONFIG config;
static NTSTATUS (*in_add)(WDFDEVICE parent);
static NTSTATUS (*in_create)(WDFCHILDLIST list, ULONG slot);
static unsigned found; /* slots that have a child, as bits */
static bool raw, no_list, quiet;
static unsigned duplicates; /* that were made, and not cleaned up */
static NTSTATUS duplicate_status;

static struct id id_of(ULONG slot)
{
	struct id id;

	WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER_INIT(&id.header, sizeof(id));
	id.slot = slot;
	return id;
}

static NTSTATUS present(ULONG slot)
{
	struct id id = id_of(slot);

	return WdfChildListAddOrUpdateChildDescriptionAsPresent(the_list, &id.header, NULL);
}

static NTSTATUS missing(ULONG slot)
{
	struct id id = id_of(slot);

	return WdfChildListUpdateChildDescriptionAsMissing(the_list, &id.header);
}

static WDFDEVICE pdo_of(ULONG slot, WDF_CHILD_LIST_RETRIEVE_DEVICE_STATUS *status)
{
	struct id id = id_of(slot);
	WDF_CHILD_RETRIEVE_INFO info;
	WDFDEVICE device;

	WDF_CHILD_RETRIEVE_INFO_INIT(&info, &id.header);
	device = WdfChildListRetrievePdo(the_list, &info);
	if (status)
		*status = info.Status;
	return device;
}

/* The slots that an iteration with these flags comes by, as decimal digits: 0 for none. */
static unsigned listed(ULONG flags)
{
	WDF_CHILD_LIST_ITERATOR iterator;
	WDF_CHILD_RETRIEVE_INFO info;
	struct id id = id_of(9);
	unsigned all = 0;
	WDFDEVICE device;

	WDF_CHILD_LIST_ITERATOR_INIT(&iterator, flags);
	WDF_CHILD_RETRIEVE_INFO_INIT(&info, &id.header);
	WdfChildListBeginIteration(the_list, &iterator);
	while (WdfChildListRetrieveNextDevice(the_list, &iterator, &device, &info) == STATUS_SUCCESS) {
		rig_expect((device != NULL) == (info.Status == WdfChildListRetrieveDeviceSuccess));
		all = all * 10 + id.slot;
	}
	WdfChildListEndIteration(the_list, &iterator);
	return all;
}

/* -- the children ------------------------------------------------------------------------------------------------- */

static ULONG slot_of(WDFDEVICE device)
{
	struct id id = id_of(0);

	rig_expect(WdfPdoRetrieveIdentificationDescription(device, &id.header) == STATUS_SUCCESS);
	return id.slot;
}

static NTSTATUS NTAPI child_entry(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous)
{
	(void)previous;
	happened("Up%u", (unsigned)slot_of(device));
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI child_exit(WDFDEVICE device, WDF_POWER_DEVICE_STATE target)
{
	(void)target;
	happened("Down%u", (unsigned)slot_of(device));
	return STATUS_SUCCESS;
}

static void NTAPI child_surprise(WDFDEVICE device)
{
	happened("Surprise%u", (unsigned)slot_of(device));
}

static void NTAPI child_missing(WDFDEVICE device)
{
	happened("Missing%u", (unsigned)slot_of(device));
}

static NTSTATUS NTAPI child_eject(WDFDEVICE device)
{
	happened("Eject%u", (unsigned)slot_of(device));
	return STATUS_SUCCESS;
}

static void NTAPI child_cleanup(WDFOBJECT object)
{
	(void)object;
	happened("Cleanup");
}

static void describe(PWDFDEVICE_INIT init, ULONG slot)
{
	WCHAR text[] = L"TEST\\Dyn", number[] = L"00";
	UNICODE_STRING id = {sizeof(text) - sizeof(WCHAR), sizeof(text), text};
	UNICODE_STRING instance = {sizeof(number) - sizeof(WCHAR), sizeof(number), number};
	WDF_PNPPOWER_EVENT_CALLBACKS pnp;
	WDF_PDO_EVENT_CALLBACKS pdo;

	number[1] = (WCHAR)(L'0' + slot);
	rig_expect(WdfPdoInitAssignDeviceID(init, &id) == STATUS_SUCCESS);
	rig_expect(WdfPdoInitAssignInstanceID(init, &instance) == STATUS_SUCCESS);
	if (raw)
		rig_expect(WdfPdoInitAssignRawDevice(init, &GUID_CLASS) == STATUS_SUCCESS);
	WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&pnp);
	pnp.EvtDeviceD0Entry = child_entry;
	pnp.EvtDeviceD0Exit = child_exit;
	pnp.EvtDeviceSurpriseRemoval = child_surprise;
	WdfDeviceInitSetPnpPowerEventCallbacks(init, &pnp);
	WDF_PDO_EVENT_CALLBACKS_INIT(&pdo);
	pdo.EvtDeviceReportedMissing = child_missing;
	pdo.EvtDeviceEject = child_eject;
	WdfPdoInitSetEventCallbacks(init, &pdo);
}

static NTSTATUS NTAPI create(WDFCHILDLIST list, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER header,
			     PWDFDEVICE_INIT init)
{
	struct id *id = CONTAINING_RECORD(header, struct id, header);
	WDF_OBJECT_ATTRIBUTES attributes;
	WDFDEVICE device;
	NTSTATUS status;

	rig_expect(us_nt_irql() == PASSIVE_LEVEL && list == the_list &&
		   header->IdentificationDescriptionSize == sizeof(*id));
	happened("Create%u", (unsigned)id->slot);
	status = in_create ? in_create(list, id->slot) : STATUS_SUCCESS;
	if (status != STATUS_SUCCESS)
		return status < 0 ? status : STATUS_SUCCESS;
	describe(init, id->slot);
	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.EvtCleanupCallback = child_cleanup;
	rig_expect(WdfDeviceCreate(&init, &attributes, &device) == STATUS_SUCCESS);
	rig_expect(WdfPdoGetParent(device) == the_parent && slot_of(device) == id->slot);
	rig_expect(WdfPdoMarkMissing(device) == STATUS_INVALID_PARAMETER); /* for static ones */
	return STATUS_SUCCESS;
}

static void NTAPI scan(WDFCHILDLIST list)
{
	rig_expect(us_nt_irql() == PASSIVE_LEVEL);
	if (!quiet)
		happened("Scan");
	WdfChildListBeginScan(list);
	for (ULONG slot = 1; slot < 4; slot++)
		if (found & 1u << slot)
			present(slot);
	WdfChildListEndScan(list);
}

static BOOLEAN NTAPI compare(WDFCHILDLIST list, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER a,
			     PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER b)
{
	rig_expect(list == the_list);
	return CONTAINING_RECORD(a, struct id, header)->slot == CONTAINING_RECORD(b, struct id, header)->slot;
}

static NTSTATUS NTAPI duplicate(WDFCHILDLIST list, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER from,
				PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER to)
{
	rig_expect(list == the_list && to->IdentificationDescriptionSize == sizeof(struct id));
	if (duplicate_status)
		return duplicate_status;
	duplicates++;
	*CONTAINING_RECORD(to, struct id, header) = *CONTAINING_RECORD(from, struct id, header);
	return STATUS_SUCCESS;
}

static void NTAPI copy(WDFCHILDLIST list, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER from,
		       PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER to)
{
	(void)list;
	*CONTAINING_RECORD(to, struct id, header) = *CONTAINING_RECORD(from, struct id, header);
}

static void NTAPI cleanup(WDFCHILDLIST list, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id)
{
	(void)list, (void)id;
	duplicates--;
}

/* -- the parent --------------------------------------------------------------------------------------------------- */

static NTSTATUS NTAPI evt_add(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
	NTSTATUS status;

	(void)driver;
	if (!no_list)
		WdfFdoInitSetDefaultChildListConfig(init, &config, WDF_NO_OBJECT_ATTRIBUTES);
	status = WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &the_parent);
	rig_expect(NT_SUCCESS(status));
	the_list = WdfFdoGetDefaultChildList(the_parent);
	rig_expect((the_list == NULL) == no_list);
	if (the_list)
		rig_expect(WdfChildListGetDevice(the_list) == the_parent);
	return in_add ? in_add(the_parent) : status;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
	WDF_DRIVER_CONFIG driver_config;

	WDF_DRIVER_CONFIG_INIT(&driver_config, evt_add);
	return WdfDriverCreate(driver, path, WDF_NO_OBJECT_ATTRIBUTES, &driver_config, WDF_NO_HANDLE);
}

static const struct us_rehearsal rehearsal = {.entry = (void *)(uintptr_t)FxDriverEntry, .model = "crypto"};

static int setup(void **state)
{
	(void)state;
	in_add = NULL;
	in_create = NULL;
	raw = true;
	no_list = quiet = false;
	found = 0;
	duplicates = 0;
	duplicate_status = STATUS_SUCCESS;
	WDF_CHILD_LIST_CONFIG_INIT(&config, sizeof(struct id), create);
	forget();
	return 0;
}

static void tell(void (*story)(struct us_nt_user *user, void *context))
{
	struct us_rehearsal r = rehearsal;

	for (r.seed = 0; r.seed < 5; r.seed++) {
		forget();
		rig_tell(&r, story, NULL);
		assert_int_equal(duplicates, 0);
	}
}

static void up(struct us_nt_user *user)
{
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
	us_nt_is_started(user);
}

static void later(struct us_nt_user *user)
{
	us_nt_advance(user, 1000000);
}

/* -- come and go -------------------------------------------------------------------------------------------------- */

static void scanned(struct us_nt_user *user, void *context)
{
	(void)context;
	found = 1u << 1 | 1u << 2;
	up(user);
	expect_happened("Scan Create1 Create2 Up1 Up2");
	us_nt_expect(user, listed(WdfRetrievePresentChildren) == 12 && !listed(WdfRetrievePendingChildren));
	found = 1u << 2 | 1u << 3;
	scan(the_list);
	later(user);
	expect_happened("Scan Create3 Up3 Surprise1 Down1 Missing1 Cleanup");
	us_nt_expect(user, listed(WdfRetrieveAllChildren) == 23);
	scan(the_list); /* nothing new */
	later(user);
	expect_happened("Scan");
	us_nt_expect_status(user, us_nt_eject(user), STATUS_SUCCESS);
	expect_happened("Down2 Down3 Cleanup Cleanup");
}

static void a_scan_makes_missing_what_it_does_not_report(void **state)
{
	(void)state;
	config.EvtChildListScanForChildren = scan;
	tell(scanned);
	config.EvtChildListIdentificationDescriptionDuplicate = duplicate;
	config.EvtChildListIdentificationDescriptionCleanup = cleanup;
	config.EvtChildListIdentificationDescriptionCompare = compare;
	config.EvtChildListIdentificationDescriptionCopy = copy;
	tell(scanned);
}

static void one_by_one(struct us_nt_user *user, void *context)
{
	WDF_CHILD_LIST_RETRIEVE_DEVICE_STATUS status;

	(void)context;
	up(user);
	expect_happened("");
	us_nt_expect_status(user, missing(1), STATUS_NO_SUCH_DEVICE);
	us_nt_expect_status(user, present(1), STATUS_SUCCESS);
	us_nt_expect_status(user, present(1), STATUS_OBJECT_NAME_EXISTS);
	later(user);
	expect_happened("Create1 Up1");
	us_nt_expect(user, pdo_of(1, &status) && status == WdfChildListRetrieveDeviceSuccess);
	us_nt_expect(user, !pdo_of(2, &status) && status == WdfChildListRetrieveDeviceNoSuchDevice);
	us_nt_expect_status(user, missing(1), STATUS_SUCCESS);
	us_nt_expect_status(user, present(1), STATUS_SUCCESS); /* and back at once: another device */
	later(user);
	expect_happened("Surprise1 Down1 Missing1 Cleanup Create1 Up1");
	WdfChildListBeginScan(the_list);
	WdfChildListEndScan(the_list);
	later(user);
	expect_happened("Surprise1 Down1 Missing1 Cleanup");
	us_nt_expect(user, us_nt_is_started(user) && !listed(WdfRetrieveAllChildren));
}

static void children_come_and_go_one_by_one(void **state)
{
	(void)state;
	tell(one_by_one);
}

static void without_driver(struct us_nt_user *user, void *context)
{
	(void)context;
	up(user);
	present(1);
	later(user);
	expect_happened("Create1");
	missing(1);
	later(user);
	expect_happened("Missing1 Cleanup");
}

static void a_child_that_is_not_raw_waits_without_driver(void **state)
{
	(void)state;
	raw = false;
	tell(without_driver);
}

static void held(struct us_nt_user *user, void *context)
{
	WDF_CHILD_LIST_ITERATOR iterator;

	(void)context;
	up(user);
	present(1);
	later(user);
	expect_happened("Create1 Up1");
	WDF_CHILD_LIST_ITERATOR_INIT(&iterator, WdfRetrieveAllChildren);
	WdfChildListBeginIteration(the_list, &iterator);
	WdfChildListBeginScan(the_list);
	us_nt_expect_status(user, present(2), STATUS_SUCCESS);
	us_nt_expect_status(user, present(3), STATUS_SUCCESS);
	us_nt_expect_status(user, missing(3), STATUS_SUCCESS); /* nobody will hear of it */
	us_nt_expect(user, listed(WdfRetrieveMissingChildren) == 13 && listed(WdfRetrievePendingChildren) == 2);
	WdfChildListEndScan(the_list);
	later(user);
	expect_happened("");
	WdfChildListEndIteration(the_list, &iterator);
	later(user);
	expect_happened("Create2 Up2 Surprise1 Down1 Missing1 Cleanup");
	WdfChildListBeginScan(the_list);
	WdfChildListUpdateAllChildDescriptionsAsPresent(the_list);
	WdfChildListEndScan(the_list);
	later(user);
	expect_happened("");
}

static void changes_wait_for_the_last_scan_and_iteration(void **state)
{
	(void)state;
	tell(held);
}

static void slept(struct us_nt_user *user, void *context)
{
	(void)context;
	found = 1u << 1;
	up(user);
	expect_happened("Scan Create1 Up1");
	found = 0;
	us_nt_expect_status(user, us_nt_rebalance(user), STATUS_SUCCESS);
	later(user);
	expect_happened("Down1 Scan Up1 Surprise1 Down1 Missing1 Cleanup");
}

static void each_return_to_d0_scans(void **state)
{
	(void)state;
	config.EvtChildListScanForChildren = scan;
	tell(slept);
}

static void ejected(struct us_nt_user *user, void *context)
{
	struct id id = id_of(1), none = id_of(2);

	(void)context;
	up(user);
	us_nt_expect(user, !WdfChildListRequestChildEject(the_list, &none.header));
	present(1);
	us_nt_expect(user, !WdfChildListRequestChildEject(the_list, &id.header)); /* not created yet */
	later(user);
	expect_happened("Create1 Up1");
	us_nt_expect(user, WdfChildListRequestChildEject(the_list, &id.header));
	later(user);
	expect_happened("Down1 Eject1 Missing1 Cleanup");
	present(2);
	later(user);
	WdfPdoRequestEject(pdo_of(2, NULL));
	later(user);
	expect_happened("Create2 Up2 Down2 Eject2 Missing2 Cleanup");
	us_nt_expect(user, us_nt_is_started(user));
}

static void a_child_is_ejected_at_its_drivers_wish(void **state)
{
	(void)state;
	tell(ejected);
}

/* -- failures ----------------------------------------------------------------------------------------------------- */

static NTSTATUS fail_first(WDFCHILDLIST list, ULONG slot)
{
	(void)list;
	return slot == 1 ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
}

static NTSTATUS retry(WDFCHILDLIST list, ULONG slot)
{
	(void)list, (void)slot;
	return STATUS_RETRY;
}

static void not_created(struct us_nt_user *user, void *context)
{
	(void)context;
	in_create = fail_first;
	up(user);
	present(1);
	present(2);
	later(user);
	expect_happened("Create1 Create2 Up2");
	us_nt_expect(user, listed(WdfRetrieveAllChildren) == 2);
	in_create = retry;
	present(3);
	later(user);
	expect_happened("Create3 Create3 Create3 Create3");
	us_nt_expect(user, listed(WdfRetrieveAllChildren) == 2);
	in_create = NULL;
	us_nt_expect_status(user, present(3), STATUS_SUCCESS);
	later(user);
	expect_happened("Create3 Up3");
}

static void a_child_that_is_not_created_is_forgotten(void **state)
{
	(void)state;
	config.EvtChildListIdentificationDescriptionDuplicate = duplicate;
	config.EvtChildListIdentificationDescriptionCleanup = cleanup;
	tell(not_created);
}

static NTSTATUS drop_it(WDFCHILDLIST list, ULONG slot)
{
	(void)list;
	missing(slot);
	return STATUS_SUCCESS;
}

static void gone_meanwhile(struct us_nt_user *user, void *context)
{
	(void)context;
	in_create = drop_it;
	up(user);
	present(1);
	later(user);
	expect_happened("Create1 Cleanup");
	us_nt_expect(user, !listed(WdfRetrieveAllChildren));
	duplicate_status = STATUS_ACCESS_DENIED;
	us_nt_expect_status(user, present(2), STATUS_ACCESS_DENIED);
	duplicate_status = STATUS_SUCCESS;
	us_nt_expect(user, !listed(WdfRetrieveAllChildren));
	in_create = NULL;
	WdfChildListBeginScan(the_list);
	present(3); /* and the device goes before the scan ends */
	us_nt_expect_status(user, us_nt_eject(user), STATUS_SUCCESS);
	expect_happened("");
}

static void a_child_may_go_while_it_is_created(void **state)
{
	(void)state;
	config.EvtChildListIdentificationDescriptionDuplicate = duplicate;
	config.EvtChildListIdentificationDescriptionCleanup = cleanup;
	tell(gone_meanwhile);
}

static void wrong_sizes(struct us_nt_user *user, void *context)
{
	struct id id = id_of(1);
	struct address address;
	WDF_CHILD_LIST_ITERATOR iterator;
	WDF_CHILD_RETRIEVE_INFO info;
	WDFDEVICE device;

	(void)context;
	up(user);
	WDF_CHILD_ADDRESS_DESCRIPTION_HEADER_INIT(&address.header, sizeof(address));
	us_nt_expect_status(user,
			    WdfChildListAddOrUpdateChildDescriptionAsPresent(the_list, &id.header, &address.header),
			    STATUS_INVALID_DEVICE_REQUEST); /* it has no addresses */
	us_nt_expect_status(user, WdfChildListRetrieveAddressDescription(the_list, &id.header, &address.header),
			    STATUS_INVALID_DEVICE_REQUEST);
	WDF_CHILD_LIST_ITERATOR_INIT(&iterator, WdfRetrieveAllChildren);
	us_nt_expect_status(user, WdfChildListRetrieveNextDevice(the_list, &iterator, &device, NULL),
			    STATUS_INVALID_DEVICE_STATE);
	WdfChildListBeginIteration(the_list, &iterator);
	us_nt_expect_status(user, WdfChildListRetrieveNextDevice(the_list, &iterator, &device, NULL),
			    STATUS_NO_MORE_ENTRIES);
	WDF_CHILD_RETRIEVE_INFO_INIT(&info, NULL);
	info.EvtChildListIdentificationDescriptionCompare = compare;
	us_nt_expect_status(user, WdfChildListRetrieveNextDevice(the_list, &iterator, &device, &info),
			    STATUS_INVALID_PARAMETER);
	info.Size--;
	us_nt_expect_status(user, WdfChildListRetrieveNextDevice(the_list, &iterator, &device, &info),
			    STATUS_INFO_LENGTH_MISMATCH);
	iterator.Size--;
	us_nt_expect_status(user, WdfChildListRetrieveNextDevice(the_list, &iterator, &device, NULL),
			    STATUS_INFO_LENGTH_MISMATCH);
	iterator.Size++;
	WdfChildListEndIteration(the_list, &iterator);
	id.header.IdentificationDescriptionSize--;
	us_nt_expect_status(user, WdfChildListAddOrUpdateChildDescriptionAsPresent(the_list, &id.header, NULL),
			    STATUS_INVALID_DEVICE_REQUEST);
	us_nt_expect_status(user, WdfChildListUpdateChildDescriptionAsMissing(the_list, &id.header),
			    STATUS_INVALID_DEVICE_REQUEST);
	us_nt_expect_status(user, WdfPdoRetrieveIdentificationDescription(the_parent, &id.header),
			    STATUS_INVALID_PARAMETER);
}

static void wrong_sizes_are_refused(void **state)
{
	(void)state;
	tell(wrong_sizes);
}

/* -- addresses, other lists --------------------------------------------------------------------------------------- */

static NTSTATUS second_list(WDFDEVICE parent)
{
	WDF_CHILD_LIST_CONFIG wrong = config;

	wrong.Size++;
	rig_expect(WdfChildListCreate(parent, &wrong, NULL, &the_list) == STATUS_INFO_LENGTH_MISMATCH && !the_list);
	wrong = config;
	wrong.EvtChildListCreateDevice = NULL;
	rig_expect(WdfChildListCreate(parent, &wrong, NULL, &the_list) == STATUS_INVALID_PARAMETER);
	wrong = config;
	wrong.AddressDescriptionSize = 1;
	rig_expect(WdfChildListCreate(parent, &wrong, NULL, &the_list) == STATUS_INVALID_PARAMETER);
	rig_expect(WdfChildListCreate(parent, &config, NULL, &the_list) == STATUS_SUCCESS);
	return STATUS_SUCCESS;
}

static void with_addresses(struct us_nt_user *user, void *context)
{
	struct id id = id_of(1), other = id_of(2);
	struct address address, now;
	WDFDEVICE device;

	(void)context;
	up(user);
	WDF_CHILD_ADDRESS_DESCRIPTION_HEADER_INIT(&address.header, sizeof(address));
	now = address;
	address.where = 5;
	us_nt_expect_status(user,
			    WdfChildListAddOrUpdateChildDescriptionAsPresent(the_list, &id.header, &address.header),
			    STATUS_SUCCESS);
	later(user);
	expect_happened("Create1 Up1");
	address.where = 6;
	us_nt_expect_status(user,
			    WdfChildListAddOrUpdateChildDescriptionAsPresent(the_list, &id.header, &address.header),
			    STATUS_OBJECT_NAME_EXISTS);
	us_nt_expect_status(user, WdfChildListRetrieveAddressDescription(the_list, &other.header, &now.header),
			    STATUS_NO_SUCH_DEVICE);
	us_nt_expect_status(user, WdfChildListRetrieveAddressDescription(the_list, &id.header, &now.header),
			    STATUS_SUCCESS);
	us_nt_expect(user, now.where == 6);
	device = pdo_of(1, NULL);
	address.where = 7;
	us_nt_expect_status(user, WdfPdoUpdateAddressDescription(device, &address.header), STATUS_SUCCESS);
	us_nt_expect_status(user, WdfPdoRetrieveAddressDescription(device, &now.header), STATUS_SUCCESS);
	us_nt_expect(user, now.where == 7);
	now.header.AddressDescriptionSize--;
	us_nt_expect_status(user, WdfPdoRetrieveAddressDescription(device, &now.header), STATUS_INVALID_DEVICE_REQUEST);
	us_nt_expect_status(user, WdfPdoRetrieveAddressDescription(the_parent, &now.header), STATUS_INVALID_PARAMETER);
	later(user);
	expect_happened("");
}

static void at_dispatch_level(struct us_nt_user *user, void *context)
{
	WDF_CHILD_LIST_RETRIEVE_DEVICE_STATUS status;
	KIRQL old;

	(void)context;
	up(user);
	old = us_nt_raise_irql(DISPATCH_LEVEL);
	WdfChildListBeginScan(the_list);
	us_nt_expect_status(user, present(1), STATUS_SUCCESS);
	us_nt_expect_status(user, present(2), STATUS_SUCCESS);
	us_nt_expect_status(user, missing(2), STATUS_SUCCESS);
	WdfChildListEndScan(the_list);
	us_nt_expect(user, listed(WdfRetrieveAllChildren) == 1);
	us_nt_expect(user, !pdo_of(1, &status) && status == WdfChildListRetrieveDeviceNotYetCreated);
	us_nt_lower_irql(old);
	later(user);
	expect_happened("Create1 Up1");
	us_nt_expect(user, duplicates == 1);
}

static void lists_change_at_dispatch_level(void **state)
{
	(void)state;
	config.EvtChildListIdentificationDescriptionDuplicate = duplicate;
	config.EvtChildListIdentificationDescriptionCleanup = cleanup;
	config.EvtChildListIdentificationDescriptionCompare = compare;
	tell(at_dispatch_level);
}

static void a_list_has_addresses_that_change(void **state)
{
	(void)state;
	no_list = true;
	in_add = second_list;
	config.AddressDescriptionSize = sizeof(struct address);
	tell(with_addresses);
}

static void bus_information(struct us_nt_user *user, void *context)
{
	PNP_BUS_INFORMATION bus = {.LegacyBusType = PNPBus, .BusNumber = 4};
	ULONG_PTR answer = 0;
	PDEVICE_OBJECT pdo;

	(void)context;
	up(user);
	present(1);
	later(user);
	pdo = WdfDeviceWdmGetDeviceObject(pdo_of(1, NULL));
	us_nt_expect(user, us_pnp_ask(pdo, IRP_MN_QUERY_BUS_INFORMATION, NULL, 0, &answer) < 0 && !answer);
	bus.BusTypeGuid = GUID_CLASS;
	WdfDeviceSetBusInformationForChildren(the_parent, &bus);
	us_nt_expect_status(user, us_pnp_ask(pdo, IRP_MN_QUERY_BUS_INFORMATION, NULL, 0, &answer), STATUS_SUCCESS);
	us_nt_expect(user, answer && memcmp((void *)answer, &bus, sizeof(bus)) == 0);
	us_nt_pool_free((void *)answer);
}

static void children_know_their_bus(void **state)
{
	(void)state;
	tell(bus_information);
}

/* -- mistakes ----------------------------------------------------------------------------------------------------- */

static NTSTATUS end_scan(WDFDEVICE parent)
{
	(void)parent;
	WdfChildListEndScan(the_list);
	return STATUS_SUCCESS;
}

static NTSTATUS delete_list(WDFDEVICE parent)
{
	(void)parent;
	WdfObjectDelete(the_list);
	return STATUS_SUCCESS;
}

static NTSTATUS end_iteration(WDFDEVICE parent)
{
	WDF_CHILD_LIST_ITERATOR iterator;

	(void)parent;
	WDF_CHILD_LIST_ITERATOR_INIT(&iterator, WdfRetrieveAllChildren);
	WdfChildListEndIteration(the_list, &iterator);
	return STATUS_SUCCESS;
}

static NTSTATUS add_two(WDFDEVICE parent)
{
	(void)parent;
	present(1);
	present(2);
	return STATUS_SUCCESS;
}

static BOOLEAN NTAPI compare_and_call(WDFCHILDLIST list, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER a,
				      PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER b)
{
	(void)a, (void)b;
	WdfChildListUpdateAllChildDescriptionsAsPresent(list);
	return FALSE;
}

/* Success without a device. */
static NTSTATUS create_nothing(WDFCHILDLIST list, ULONG slot)
{
	(void)list, (void)slot;
	return STATUS_PENDING;
}

static void just_in(struct us_nt_user *user, void *context)
{
	(void)context;
	up(user);
	later(user);
}

static void mistakes_with_lists_are_found(void **state)
{
	(void)state;
	in_add = end_scan;
	rig_tell_breaks("children.no-scan", &rehearsal, just_in, NULL);
	in_add = end_iteration;
	rig_tell_breaks("children.no-iteration", &rehearsal, just_in, NULL);
	in_add = delete_list;
	rig_tell_breaks("object.not-deletable", &rehearsal, just_in, NULL);
	in_add = add_two;
	in_create = create_nothing;
	rig_tell_breaks("children.not-created", &rehearsal, just_in, NULL);
	in_create = NULL;
	config.EvtChildListIdentificationDescriptionCompare = compare_and_call;
	rig_tell_breaks("children.in-callback", &rehearsal, just_in, NULL);
	config.EvtChildListCreateDevice = NULL;
	rig_tell_breaks("parameter.value", &rehearsal, just_in, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_scan_makes_missing_what_it_does_not_report, setup),
		cmocka_unit_test_setup(children_come_and_go_one_by_one, setup),
		cmocka_unit_test_setup(a_child_that_is_not_raw_waits_without_driver, setup),
		cmocka_unit_test_setup(changes_wait_for_the_last_scan_and_iteration, setup),
		cmocka_unit_test_setup(each_return_to_d0_scans, setup),
		cmocka_unit_test_setup(a_child_is_ejected_at_its_drivers_wish, setup),
		cmocka_unit_test_setup(a_child_that_is_not_created_is_forgotten, setup),
		cmocka_unit_test_setup(a_child_may_go_while_it_is_created, setup),
		cmocka_unit_test_setup(wrong_sizes_are_refused, setup),
		cmocka_unit_test_setup(lists_change_at_dispatch_level, setup),
		cmocka_unit_test_setup(a_list_has_addresses_that_change, setup),
		cmocka_unit_test_setup(children_know_their_bus, setup),
		cmocka_unit_test_setup(mistakes_with_lists_are_found, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
