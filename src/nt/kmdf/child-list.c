/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Child lists: what the driver says of the children that it finds, and how the system hears of them (Microsoft,
 * "Dynamic Enumeration"). Descriptions are compared and copied under the list's spin lock, as in Windows.
 */
#include "nt/kernel.h"
#include "nt/kmdf/child.h"
#include "nt/ob.h"
#include "nt/registry.h"
#include "nt/trace.h"

#define TAG 0x4c447846u /* "FxDL" */
#define RETRIES 3 /* of EvtChildListCreateDevice that answers STATUS_RETRY */

static struct us_wdf_child_entry *at(LIST_ENTRY *link)
{
	return CONTAINING_RECORD(link, struct us_wdf_child_entry, link);
}

static struct us_wdf_child_list *list_at(LIST_ENTRY *link)
{
	return CONTAINING_RECORD(link, struct us_wdf_child_list, of_device);
}

/* -- descriptions ------------------------------------------------------------------------------------------------- */

struct us_wdf_child_list *us_wdf_child_list_enter(WDFCHILDLIST handle, const char *function)
{
	struct us_wdf_child_list *list = us_wdf_from(handle, &us_wdf_child_list_type);

	if (us_wdf_lock_is_mine(list->guard))
		us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, handle, "children.in-callback",
				 "%s was called in a callback that compares or copies a description of %s: the "
				 "framework has the list's lock.",
				 function, us_wdf_name(list));
	us_wdf_lock(list->guard);
	return list;
}

void us_wdf_child_list_leave(struct us_wdf_child_list *list)
{
	us_wdf_unlock(list->guard);
}

bool us_wdf_child_sizes(const struct us_wdf_child_list *list, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id,
			PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER address)
{
	return id->IdentificationDescriptionSize == list->config.IdentificationDescriptionSize &&
	       (!address || address->AddressDescriptionSize == list->config.AddressDescriptionSize);
}

static bool is_same(struct us_wdf_child_list *list, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER a,
		    PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER b,
		    PFN_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_COMPARE compare)
{
	if (!compare)
		compare = list->config.EvtChildListIdentificationDescriptionCompare;
	if (!compare)
		return memcmp(a, b, list->config.IdentificationDescriptionSize) == 0;
	return US_CALL("EvtChildListIdentificationDescriptionCompare", compare, (WDFCHILDLIST)list, a, b);
}

struct us_wdf_child_entry *us_wdf_child_find(struct us_wdf_child_list *list,
					     PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id,
					     PFN_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_COMPARE compare,
					     bool missing_too)
{
	for (LIST_ENTRY *link = list->entries.Blink; link != &list->entries; link = link->Blink)
		if ((missing_too || at(link)->state != US_WDF_ENTRY_MISSING) &&
		    is_same(list, id, at(link)->id, compare))
			return at(link);
	return NULL;
}

void us_wdf_child_copy_id(struct us_wdf_child_list *list, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER from,
			  PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER to)
{
	PFN_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_COPY copy =
		list->config.EvtChildListIdentificationDescriptionCopy;

	if (copy)
		US_CALL_VOID("EvtChildListIdentificationDescriptionCopy", copy, (WDFCHILDLIST)list, from, to);
	else
		memcpy(to, from, list->config.IdentificationDescriptionSize);
}

void us_wdf_child_copy_address(struct us_wdf_child_list *list, PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER from,
			       PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER to)
{
	PFN_WDF_CHILD_LIST_ADDRESS_DESCRIPTION_COPY copy = list->config.EvtChildListAddressDescriptionCopy;

	if (copy)
		US_CALL_VOID("EvtChildListAddressDescriptionCopy", copy, (WDFCHILDLIST)list, from, to);
	else
		memcpy(to, from, list->config.AddressDescriptionSize);
}

static void cleanup_id(struct us_wdf_child_entry *entry)
{
	PFN_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_CLEANUP cleanup =
		entry->list->config.EvtChildListIdentificationDescriptionCleanup;

	if (cleanup)
		US_CALL_VOID("EvtChildListIdentificationDescriptionCleanup", cleanup, (WDFCHILDLIST)entry->list,
			     entry->id);
}

static void cleanup_address(struct us_wdf_child_entry *entry)
{
	PFN_WDF_CHILD_LIST_ADDRESS_DESCRIPTION_CLEANUP cleanup =
		entry->list->config.EvtChildListAddressDescriptionCleanup;

	if (cleanup && entry->address)
		US_CALL_VOID("EvtChildListAddressDescriptionCleanup", cleanup, (WDFCHILDLIST)entry->list,
			     entry->address);
}

/* The memory of one that is in no list. */
static void free_entry(struct us_wdf_child_entry *entry)
{
	us_wdf_pool_free(entry->id);
	us_wdf_pool_free(entry->address);
	us_nt_free(entry);
}

/* The end of one that is in no list any more, nor under its lock. */
static void release(struct us_wdf_child_entry *entry)
{
	struct us_wdf_object *list = &entry->list->object;

	cleanup_id(entry);
	cleanup_address(entry);
	free_entry(entry);
	us_wdf_dereference(list);
}

static void release_all(LIST_ENTRY *dead)
{
	while (!IsListEmpty(dead))
		release(at(RemoveHeadList(dead)));
}

void us_wdf_child_entry_free(struct us_wdf_child_entry *entry)
{
	us_wdf_lock(entry->list->guard);
	RemoveEntryList(&entry->link);
	us_wdf_unlock(entry->list->guard);
	release(entry);
}

/* -- what is said of children ------------------------------------------------------------------------------------- */

static NTSTATUS duplicate_id(struct us_wdf_child_entry *entry, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER from)
{
	PFN_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_DUPLICATE duplicate =
		entry->list->config.EvtChildListIdentificationDescriptionDuplicate;

	if (duplicate)
		return US_CALL("EvtChildListIdentificationDescriptionDuplicate", duplicate, (WDFCHILDLIST)entry->list,
			       from, entry->id);
	memcpy(entry->id, from, entry->list->config.IdentificationDescriptionSize);
	return STATUS_SUCCESS;
}

static NTSTATUS duplicate_address(struct us_wdf_child_entry *entry, PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER from)
{
	PFN_WDF_CHILD_LIST_ADDRESS_DESCRIPTION_DUPLICATE duplicate =
		entry->list->config.EvtChildListAddressDescriptionDuplicate;

	if (!from)
		return STATUS_SUCCESS;
	if (duplicate)
		return US_CALL("EvtChildListAddressDescriptionDuplicate", duplicate, (WDFCHILDLIST)entry->list, from,
			       entry->address);
	memcpy(entry->address, from, entry->list->config.AddressDescriptionSize);
	return STATUS_SUCCESS;
}

/* Descriptions that say their size, and nothing else. False: no memory. */
static bool allocate(struct us_wdf_child_entry *entry)
{
	const WDF_CHILD_LIST_CONFIG *config = &entry->list->config;

	entry->id = us_nt_pool_for_driver(config->IdentificationDescriptionSize, TAG);
	if (!entry->id)
		return false;
	WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER_INIT(entry->id, config->IdentificationDescriptionSize);
	if (!config->AddressDescriptionSize)
		return true;
	entry->address = us_nt_pool_for_driver(config->AddressDescriptionSize, TAG);
	if (!entry->address)
		return false;
	WDF_CHILD_ADDRESS_DESCRIPTION_HEADER_INIT(entry->address, config->AddressDescriptionSize);
	return true;
}

static NTSTATUS add(struct us_wdf_child_list *list, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id,
		    PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER address)
{
	struct us_wdf_child_entry *entry = us_nt_alloc(sizeof(*entry));
	NTSTATUS status;

	*entry = (struct us_wdf_child_entry){.list = list, .state = US_WDF_ENTRY_PENDING, .fresh = true};
	status = allocate(entry) ? duplicate_id(entry, id) : (NTSTATUS)STATUS_INSUFFICIENT_RESOURCES;
	if (NT_SUCCESS(status)) {
		status = duplicate_address(entry, address);
		if (!NT_SUCCESS(status))
			cleanup_id(entry);
	}
	if (!NT_SUCCESS(status)) {
		free_entry(entry);
		return status;
	}
	entry->number = ++list->last;
	us_wdf_reference(&list->object);
	InsertTailList(&list->entries, &entry->link);
	return STATUS_SUCCESS;
}

/* What was said of one comes true. Whether the system has to ask for it. */
static bool settle(struct us_wdf_child_entry *entry, LIST_ENTRY *dead)
{
	bool news = entry->fresh != entry->gone;

	if (entry->gone && entry->state == US_WDF_ENTRY_PENDING && !entry->creating) {
		RemoveEntryList(&entry->link);
		InsertTailList(dead, &entry->link);
		return false; /* nobody has heard of it */
	}
	if (entry->gone) {
		entry->state = US_WDF_ENTRY_MISSING;
		if (entry->device) {
			entry->device->child->state = US_WDF_CHILD_MISSING;
			us_nt_trace("note      %s is missing", us_wdf_name(entry->device));
		}
	}
	entry->gone = entry->fresh = false;
	return news;
}

void us_wdf_child_list_settle(struct us_wdf_child_list *list)
{
	PDEVICE_OBJECT pdo = list->device->pdo;
	LIST_ENTRY dead, *link, *next;
	bool news = false;

	InitializeListHead(&dead);
	if (!list->scans && !list->iterations)
		for (link = list->entries.Flink; link != &list->entries; link = next) {
			next = link->Flink;
			news |= settle(at(link), &dead);
		}
	us_wdf_child_list_leave(list);
	release_all(&dead);
	if (news)
		IoInvalidateDeviceRelations(pdo, BusRelations);
}

void us_wdf_child_entry_missing(struct us_wdf_child_entry *entry)
{
	us_wdf_lock(entry->list->guard);
	if (entry->state != US_WDF_ENTRY_MISSING)
		entry->gone = true;
	us_wdf_child_list_settle(entry->list);
}

static NTSTATUS NTAPI add_or_update(PWDF_DRIVER_GLOBALS globals, WDFCHILDLIST handle,
				    PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id,
				    PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER address)
{
	static const char function[] = "WdfChildListAddOrUpdateChildDescriptionAsPresent";
	struct us_wdf_child_list *list = us_wdf_child_list_enter(handle, function);
	struct us_wdf_child_entry *entry;
	NTSTATUS status;

	(void)globals;
	us_wdf_need(id, function, "IdentificationDescription");
	if (!us_wdf_child_sizes(list, id, address)) {
		us_wdf_child_list_leave(list);
		return STATUS_INVALID_DEVICE_REQUEST;
	}
	entry = us_wdf_child_find(list, id, NULL, false);
	if (entry) {
		entry->gone = false;
		if (address)
			us_wdf_child_copy_address(list, address, entry->address);
		status = STATUS_OBJECT_NAME_EXISTS;
	} else {
		status = add(list, id, address);
	}
	us_wdf_child_list_settle(list);
	return status;
}

static NTSTATUS NTAPI update_missing(PWDF_DRIVER_GLOBALS globals, WDFCHILDLIST handle,
				     PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id)
{
	static const char function[] = "WdfChildListUpdateChildDescriptionAsMissing";
	struct us_wdf_child_list *list = us_wdf_child_list_enter(handle, function);
	struct us_wdf_child_entry *entry;

	(void)globals;
	us_wdf_need(id, function, "IdentificationDescription");
	if (!us_wdf_child_sizes(list, id, NULL)) {
		us_wdf_child_list_leave(list);
		return STATUS_INVALID_DEVICE_REQUEST;
	}
	entry = us_wdf_child_find(list, id, NULL, true);
	if (entry && entry->state != US_WDF_ENTRY_MISSING)
		entry->gone = true;
	us_wdf_child_list_settle(list);
	return entry ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE;
}

static void mark_all(struct us_wdf_child_list *list, bool gone)
{
	for (LIST_ENTRY *link = list->entries.Flink; link != &list->entries; link = link->Flink)
		if (at(link)->state != US_WDF_ENTRY_MISSING)
			at(link)->gone = gone;
}

static void NTAPI all_present(PWDF_DRIVER_GLOBALS globals, WDFCHILDLIST handle)
{
	struct us_wdf_child_list *list =
		us_wdf_child_list_enter(handle, "WdfChildListUpdateAllChildDescriptionsAsPresent");

	(void)globals;
	mark_all(list, false);
	us_wdf_child_list_settle(list);
}

static void NTAPI begin_scan(PWDF_DRIVER_GLOBALS globals, WDFCHILDLIST handle)
{
	struct us_wdf_child_list *list = us_wdf_child_list_enter(handle, "WdfChildListBeginScan");

	(void)globals;
	mark_all(list, true);
	list->scans++;
	us_wdf_child_list_leave(list);
}

static void NTAPI end_scan(PWDF_DRIVER_GLOBALS globals, WDFCHILDLIST handle)
{
	struct us_wdf_child_list *list = us_wdf_child_list_enter(handle, "WdfChildListEndScan");

	(void)globals;
	if (!list->scans)
		us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, handle, "children.no-scan",
				 "WdfChildListEndScan was called for %s without WdfChildListBeginScan.",
				 us_wdf_name(list));
	list->scans--;
	us_wdf_child_list_settle(list);
}

/* -- the system asks ---------------------------------------------------------------------------------------------- */

void us_wdf_child_lists_scan(struct us_wdf_device *parent)
{
	LIST_ENTRY *head = &parent->child_lists, *link;

	for (link = head->Flink; link != head; link = link->Flink) {
		PFN_WDF_CHILD_LIST_SCAN_FOR_CHILDREN scan = list_at(link)->config.EvtChildListScanForChildren;

		if (scan)
			US_CALL_VOID("EvtChildListScanForChildren", scan, (WDFCHILDLIST)list_at(link));
	}
}

/* The same child was there before, and the system does not know yet that it is missing. */
static bool waits(struct us_wdf_child_entry *entry)
{
	struct us_wdf_child_list *list = entry->list;
	bool found = false;

	us_wdf_lock(list->guard);
	for (LIST_ENTRY *link = list->entries.Flink; link != &entry->link && !found; link = link->Flink)
		found = at(link)->state == US_WDF_ENTRY_MISSING && at(link)->device &&
			!at(link)->device->child->unreported && is_same(list, entry->id, at(link)->id, NULL);
	us_wdf_unlock(list->guard);
	return found;
}

/* Nobody has heard of it, and nobody will. */
static void drop(struct us_wdf_child_entry *entry)
{
	entry->state = US_WDF_ENTRY_MISSING;
	if (entry->device)
		us_wdf_delete(&entry->device->object);
	else
		us_wdf_child_entry_free(entry);
}

static NTSTATUS call_create(struct us_wdf_child_entry *entry, struct WDFDEVICE_INIT *init)
{
	struct us_wdf_child_list *list = entry->list;
	NTSTATUS status;

	init->drivers = false;
	init->child->entry = entry;
	entry->creating = true;
	status = US_CALL("EvtChildListCreateDevice", list->config.EvtChildListCreateDevice, (WDFCHILDLIST)list,
			 entry->id, (PWDFDEVICE_INIT)init);
	entry->creating = false;
	if (!entry->device)
		us_wdf_init_free(init);
	if (NT_SUCCESS(status) && !entry->device)
		us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, list, "children.not-created",
				 "EvtChildListCreateDevice of %s has answered %#x, and has not called WdfDeviceCreate.",
				 us_wdf_name(list), (unsigned)status);
	return status;
}

/* Whether the system is to ask again. */
static bool create(struct us_wdf_child_entry *entry)
{
	struct WDFDEVICE_INIT *init;
	NTSTATUS status;

	if (waits(entry))
		return true;
	init = us_wdf_child_init(entry->list->device);
	if (!init)
		return false;
	status = call_create(entry, init);
	if (status == STATUS_RETRY && !entry->device && entry->state == US_WDF_ENTRY_PENDING &&
	    entry->retries < RETRIES) {
		entry->retries++;
		return true;
	}
	if (!NT_SUCCESS(status))
		us_nt_trace("note      a child of %s is not created: %#x", us_wdf_name(entry->list), (unsigned)status);
	if (!NT_SUCCESS(status) || entry->state == US_WDF_ENTRY_MISSING) {
		drop(entry);
		return false;
	}
	entry->state = US_WDF_ENTRY_CREATED;
	us_nt_trace("note      %s is a child of %s", us_wdf_name(entry->device), us_wdf_name(entry->list->device));
	return false;
}

static struct us_wdf_child_entry *next_pending(struct us_wdf_child_list *list, uintptr_t after)
{
	for (LIST_ENTRY *link = list->entries.Flink; link != &list->entries; link = link->Flink)
		if (at(link)->number > after && at(link)->state == US_WDF_ENTRY_PENDING && !at(link)->fresh)
			return at(link);
	return NULL;
}

void us_wdf_child_lists_create(struct us_wdf_device *parent)
{
	LIST_ENTRY *head = &parent->child_lists, *link;
	struct us_wdf_child_entry *entry;
	bool again = false;

	for (link = head->Flink; link != head; link = link->Flink)
		for (uintptr_t after = 0; (entry = next_pending(list_at(link), after));) {
			after = entry->number;
			again |= create(entry);
		}
	if (again)
		IoInvalidateDeviceRelations(parent->pdo, BusRelations);
}

ULONG us_wdf_child_lists_count(struct us_wdf_device *parent)
{
	LIST_ENTRY *head = &parent->child_lists, *link, *of_list;
	ULONG count = 0;

	for (link = head->Flink; link != head; link = link->Flink)
		for (of_list = list_at(link)->entries.Flink; of_list != &list_at(link)->entries;
		     of_list = of_list->Flink)
			count++;
	return count;
}

static void report(struct us_wdf_child_entry *entry, PDEVICE_RELATIONS relations)
{
	PDEVICE_OBJECT *objects = relations->Objects;

	if (!entry->device || entry->state == US_WDF_ENTRY_PENDING)
		return;
	if (entry->state == US_WDF_ENTRY_MISSING) {
		entry->device->child->unreported = true;
		return;
	}
	entry->device->child->state = US_WDF_CHILD_PRESENT;
	us_ob_reference(entry->device->wdm);
	objects[relations->Count++] = entry->device->wdm;
}

void us_wdf_child_lists_report(struct us_wdf_device *parent, PDEVICE_RELATIONS relations)
{
	LIST_ENTRY *head = &parent->child_lists, *link, *of_list;

	for (link = head->Flink; link != head; link = link->Flink)
		for (of_list = list_at(link)->entries.Flink; of_list != &list_at(link)->entries;
		     of_list = of_list->Flink)
			report(at(of_list), relations);
}

/* -- lists -------------------------------------------------------------------------------------------------------- */

static const char *is_the_devices(struct us_wdf_object *object)
{
	(void)object;
	return "it lives as long as its device";
}

/* Descriptions that have a device go with it. */
static void dispose_list(struct us_wdf_object *object)
{
	struct us_wdf_child_list *list = (struct us_wdf_child_list *)object;
	LIST_ENTRY dead, *link, *next;

	InitializeListHead(&dead);
	us_wdf_lock(list->guard);
	RemoveEntryList(&list->of_device);
	if (list->device->default_list == list)
		list->device->default_list = NULL;
	for (link = list->entries.Flink; link != &list->entries; link = next) {
		next = link->Flink;
		if (at(link)->device)
			continue;
		RemoveEntryList(link);
		InsertTailList(&dead, link);
	}
	us_wdf_unlock(list->guard);
	release_all(&dead);
}

static void destroy_list(struct us_wdf_object *object)
{
	us_wdf_lock_free(((struct us_wdf_child_list *)object)->guard);
}

const struct us_wdf_type us_wdf_child_list_type = {
	.name = "WDFCHILDLIST",
	.size = sizeof(struct us_wdf_child_list),
	.deletable = true,
	.fixed_parent = true,
	.may_not_delete = is_the_devices,
	.dispose = dispose_list,
	.destroy = destroy_list,
};

/* Callbacks for addresses make no sense without any. */
static NTSTATUS check(const WDF_CHILD_LIST_CONFIG *config)
{
	bool addresses = config->EvtChildListAddressDescriptionCopy ||
			 config->EvtChildListAddressDescriptionDuplicate ||
			 config->EvtChildListAddressDescriptionCleanup;

	if (!config->EvtChildListCreateDevice ||
	    config->IdentificationDescriptionSize < sizeof(WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER))
		return STATUS_INVALID_PARAMETER;
	if (config->AddressDescriptionSize
		    ? config->AddressDescriptionSize < sizeof(WDF_CHILD_ADDRESS_DESCRIPTION_HEADER)
		    : addresses)
		return STATUS_INVALID_PARAMETER;
	return STATUS_SUCCESS;
}

static NTSTATUS new_list(struct us_wdf_device *device, const WDF_CHILD_LIST_CONFIG *config,
			 PWDF_OBJECT_ATTRIBUTES attributes, struct us_wdf_child_list **result)
{
	struct us_wdf_child_list *list;
	NTSTATUS status = us_wdf_create(&us_wdf_child_list_type, attributes, &device->object, &list);

	if (!NT_SUCCESS(status))
		return status;
	list->device = device;
	list->config = *config;
	list->guard = us_wdf_lock_new(false, &list->object);
	InitializeListHead(&list->entries);
	InsertTailList(&device->child_lists, &list->of_device);
	*result = list;
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI create_list(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, PWDF_CHILD_LIST_CONFIG config,
				  PWDF_OBJECT_ATTRIBUTES attributes, WDFCHILDLIST *result)
{
	static const char function[] = "WdfChildListCreate";
	struct us_wdf_device *device = us_wdf_from(handle, &us_wdf_device_type);
	struct us_wdf_child_list *list;
	WDF_CHILD_LIST_CONFIG taken;
	NTSTATUS status;

	(void)globals;
	us_wdf_need(config, function, "Config");
	us_wdf_need(result, function, "ChildList");
	*result = NULL;
	if (!us_wdf_take(&taken, config))
		return STATUS_INFO_LENGTH_MISMATCH;
	if (device->control || device->filter || device->child)
		return STATUS_INVALID_DEVICE_REQUEST;
	status = check(&taken);
	if (NT_SUCCESS(status))
		status = new_list(device, &taken, attributes, &list);
	if (NT_SUCCESS(status))
		*result = (WDFCHILDLIST)list;
	return status;
}

static void NTAPI set_default(PWDF_DRIVER_GLOBALS globals, PWDFDEVICE_INIT handle, PWDF_CHILD_LIST_CONFIG config,
			      PWDF_OBJECT_ATTRIBUTES attributes)
{
	static const char function[] = "WdfFdoInitSetDefaultChildListConfig";
	struct WDFDEVICE_INIT *init = us_wdf_init_from(handle, function);
	struct us_wdf_child_list_init *list = init->list ? init->list : us_nt_alloc(sizeof(*list));

	(void)globals;
	if (init->control || init->child)
		us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, handle, init->child ? "init.child" : "init.control",
				 "%s was called for a %s.", function, init->child ? "child" : "control device");
	us_wdf_take_or_stop(&list->config, config, function);
	if (!NT_SUCCESS(check(&list->config)) ||
	    !NT_SUCCESS(us_wdf_check_attributes(&us_wdf_child_list_type, attributes)))
		us_wdf_violation(
			WDF_VERIFIER_FATAL_ERROR, config, "parameter.value",
			"%s was called with sizes, callbacks or attributes that do not fit: a list needs "
			"EvtChildListCreateDevice, descriptions that begin with their header, and no callbacks "
			"for addresses that it does not have.",
			function);
	list->has_attributes = attributes != NULL;
	if (attributes)
		list->attributes = *attributes;
	init->list = list;
}

NTSTATUS us_wdf_child_list_default(struct us_wdf_device *device, const struct us_wdf_child_list_init *init)
{
	WDF_OBJECT_ATTRIBUTES attributes;

	if (!init)
		return STATUS_SUCCESS;
	attributes = init->attributes;
	return new_list(device, &init->config, init->has_attributes ? &attributes : NULL, &device->default_list);
}

static WDFCHILDLIST NTAPI get_default(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle)
{
	struct us_wdf_device *device = us_wdf_from(handle, &us_wdf_device_type);

	(void)globals;
	return (WDFCHILDLIST)device->default_list;
}

static WDFDEVICE NTAPI get_device(PWDF_DRIVER_GLOBALS globals, WDFCHILDLIST handle)
{
	struct us_wdf_child_list *list = us_wdf_from(handle, &us_wdf_child_list_type);

	(void)globals;
	return (WDFDEVICE)list->device;
}

void us_wdf_child_list_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfChildListCreate = create_list;
	table->WdfChildListGetDevice = get_device;
	table->WdfChildListBeginScan = begin_scan;
	table->WdfChildListEndScan = end_scan;
	table->WdfChildListAddOrUpdateChildDescriptionAsPresent = add_or_update;
	table->WdfChildListUpdateChildDescriptionAsMissing = update_missing;
	table->WdfChildListUpdateAllChildDescriptionsAsPresent = all_present;
	table->WdfFdoInitSetDefaultChildListConfig = set_default;
	table->WdfFdoGetDefaultChildList = get_default;
	us_wdf_child_find_functions(table);
}
