/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Child lists: finding children by their description, or one after the other; the descriptions of a child's device;
 * children that are to be ejected.
 */
#include "nt/kernel.h"
#include "nt/kmdf/child.h"

/* -- by description ----------------------------------------------------------------------------------------------- */

/* What the driver gets to know of a child. `info` NULL: nothing. */
static void tell(struct us_wdf_child_entry *entry, PWDF_CHILD_RETRIEVE_INFO info)
{
	if (!info)
		return;
	if (info->IdentificationDescription)
		us_wdf_child_copy_id(entry->list, entry->id, info->IdentificationDescription);
	if (info->AddressDescription)
		us_wdf_child_copy_address(entry->list, entry->address, info->AddressDescription);
	info->Status = entry->device ? WdfChildListRetrieveDeviceSuccess : WdfChildListRetrieveDeviceNotYetCreated;
}

static NTSTATUS check_info(const struct us_wdf_child_list *list, const WDF_CHILD_RETRIEVE_INFO *info)
{
	PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id = info->IdentificationDescription;
	PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER address = info->AddressDescription;

	if (!us_wdf_sized(info))
		return STATUS_INFO_LENGTH_MISMATCH;
	if (info->EvtChildListIdentificationDescriptionCompare && !id)
		return STATUS_INVALID_PARAMETER;
	if ((id && id->IdentificationDescriptionSize != list->config.IdentificationDescriptionSize) ||
	    (address && (!list->config.AddressDescriptionSize ||
			 address->AddressDescriptionSize != list->config.AddressDescriptionSize)))
		return STATUS_INVALID_DEVICE_REQUEST;
	return STATUS_SUCCESS;
}

static WDFDEVICE NTAPI retrieve_pdo(PWDF_DRIVER_GLOBALS globals, WDFCHILDLIST handle, PWDF_CHILD_RETRIEVE_INFO info)
{
	static const char function[] = "WdfChildListRetrievePdo";
	struct us_wdf_child_list *list = us_wdf_child_list_enter(handle, function);
	struct us_wdf_child_entry *entry = NULL;
	struct us_wdf_device *device = NULL;

	(void)globals;
	us_wdf_need(info, function, "RetrieveInfo");
	us_wdf_need(info->IdentificationDescription, function, "RetrieveInfo->IdentificationDescription");
	if (NT_SUCCESS(check_info(list, info))) {
		info->Status = WdfChildListRetrieveDeviceNoSuchDevice;
		entry = us_wdf_child_find(list, info->IdentificationDescription,
					  info->EvtChildListIdentificationDescriptionCompare, false);
	}
	if (entry) {
		tell(entry, info);
		/* One that the system has not heard of is as good as not created. */
		device = entry->device && entry->device->child->state == US_WDF_CHILD_PRESENT ? entry->device : NULL;
		if (!device)
			info->Status = WdfChildListRetrieveDeviceNotYetCreated;
	}
	us_wdf_child_list_leave(list);
	return (WDFDEVICE)device;
}

static NTSTATUS NTAPI retrieve_address(PWDF_DRIVER_GLOBALS globals, WDFCHILDLIST handle,
				       PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id,
				       PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER address)
{
	static const char function[] = "WdfChildListRetrieveAddressDescription";
	struct us_wdf_child_list *list = us_wdf_child_list_enter(handle, function);
	struct us_wdf_child_entry *entry;
	NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

	(void)globals;
	us_wdf_need(id, function, "IdentificationDescription");
	us_wdf_need(address, function, "AddressDescription");
	if (list->config.AddressDescriptionSize && us_wdf_child_sizes(list, id, address)) {
		entry = us_wdf_child_find(list, id, NULL, false);
		if (entry)
			us_wdf_child_copy_address(list, entry->address, address);
		status = entry ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE;
	}
	us_wdf_child_list_leave(list);
	return status;
}

static BOOLEAN NTAPI request_eject(PWDF_DRIVER_GLOBALS globals, WDFCHILDLIST handle,
				   PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id)
{
	static const char function[] = "WdfChildListRequestChildEject";
	struct us_wdf_child_list *list = us_wdf_child_list_enter(handle, function);
	struct us_wdf_child_entry *entry = NULL;
	PDEVICE_OBJECT pdo = NULL;

	(void)globals;
	us_wdf_need(id, function, "IdentificationDescription");
	if (us_wdf_child_sizes(list, id, NULL))
		entry = us_wdf_child_find(list, id, NULL, false);
	if (entry && entry->device && entry->device->child->state == US_WDF_CHILD_PRESENT)
		pdo = entry->device->wdm;
	us_wdf_child_list_leave(list);
	if (pdo)
		IoRequestDeviceEject(pdo);
	return pdo != NULL;
}

/* -- one after the other ------------------------------------------------------------------------------------------ */

static bool wanted(ULONG flags)
{
	return flags && !(flags & ~(ULONG)WdfRetrieveAllChildren);
}

static void NTAPI begin(PWDF_DRIVER_GLOBALS globals, WDFCHILDLIST handle, PWDF_CHILD_LIST_ITERATOR iterator)
{
	static const char function[] = "WdfChildListBeginIteration";
	struct us_wdf_child_list *list = us_wdf_child_list_enter(handle, function);
	WDF_CHILD_LIST_ITERATOR taken;

	(void)globals;
	us_wdf_take_or_stop(&taken, iterator, function);
	if (!wanted(taken.Flags))
		us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, iterator, "parameter.value",
				 "%s was called with the flags %#x; they are some of WDF_RETRIEVE_CHILD_FLAGS.",
				 function, (unsigned)taken.Flags);
	memset(iterator->Reserved, 0, sizeof(iterator->Reserved));
	list->iterations++;
	us_wdf_child_list_leave(list);
}

static void NTAPI end(PWDF_DRIVER_GLOBALS globals, WDFCHILDLIST handle, PWDF_CHILD_LIST_ITERATOR iterator)
{
	static const char function[] = "WdfChildListEndIteration";
	struct us_wdf_child_list *list = us_wdf_child_list_enter(handle, function);
	WDF_CHILD_LIST_ITERATOR taken;

	(void)globals;
	us_wdf_take_or_stop(&taken, iterator, function);
	if (!list->iterations)
		us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, handle, "children.no-iteration",
				 "%s was called for %s without WdfChildListBeginIteration.", function,
				 us_wdf_name(list));
	list->iterations--;
	us_wdf_child_list_settle(list);
}

static ULONG flag_of(const struct us_wdf_child_entry *entry)
{
	if (entry->gone || entry->state == US_WDF_ENTRY_MISSING)
		return WdfRetrieveMissingChildren;
	return entry->device ? WdfRetrievePresentChildren : WdfRetrievePendingChildren;
}

static bool matches(struct us_wdf_child_entry *entry, const WDF_CHILD_RETRIEVE_INFO *info)
{
	PFN_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_COMPARE compare =
		info ? info->EvtChildListIdentificationDescriptionCompare : NULL;

	return !compare || US_CALL("EvtChildListIdentificationDescriptionCompare", compare, (WDFCHILDLIST)entry->list,
				   info->IdentificationDescription, entry->id);
}

/* The first behind where the iterator is, which goes there. */
static struct us_wdf_child_entry *advance(struct us_wdf_child_list *list, PWDF_CHILD_LIST_ITERATOR iterator,
					  const WDF_CHILD_RETRIEVE_INFO *info)
{
	for (LIST_ENTRY *link = list->entries.Flink; link != &list->entries; link = link->Flink) {
		struct us_wdf_child_entry *entry = CONTAINING_RECORD(link, struct us_wdf_child_entry, link);

		if (entry->number <= (uintptr_t)iterator->Reserved[0] || !(flag_of(entry) & iterator->Flags) ||
		    !matches(entry, info))
			continue;
		iterator->Reserved[0] = (PVOID)entry->number;
		return entry;
	}
	return NULL;
}

static NTSTATUS check_next(const struct us_wdf_child_list *list, const WDF_CHILD_LIST_ITERATOR *iterator,
			   const WDF_CHILD_RETRIEVE_INFO *info)
{
	if (!us_wdf_sized(iterator))
		return STATUS_INFO_LENGTH_MISMATCH;
	if (!wanted(iterator->Flags))
		return STATUS_INVALID_PARAMETER;
	if (!list->iterations)
		return STATUS_INVALID_DEVICE_STATE;
	return info ? check_info(list, info) : STATUS_SUCCESS;
}

static NTSTATUS NTAPI next(PWDF_DRIVER_GLOBALS globals, WDFCHILDLIST handle, PWDF_CHILD_LIST_ITERATOR iterator,
			   WDFDEVICE *device, PWDF_CHILD_RETRIEVE_INFO info)
{
	static const char function[] = "WdfChildListRetrieveNextDevice";
	struct us_wdf_child_list *list = us_wdf_child_list_enter(handle, function);
	struct us_wdf_child_entry *entry;
	NTSTATUS status;

	(void)globals;
	us_wdf_need(iterator, function, "Iterator");
	us_wdf_need(device, function, "Device");
	*device = NULL;
	status = check_next(list, iterator, info);
	if (NT_SUCCESS(status)) {
		entry = advance(list, iterator, info);
		if (entry) {
			tell(entry, info);
			*device = (WDFDEVICE)entry->device;
		} else {
			status = STATUS_NO_MORE_ENTRIES;
		}
	}
	us_wdf_child_list_leave(list);
	return status;
}

/* -- by device ---------------------------------------------------------------------------------------------------- */

/* The description that a device was made from, its list locked. Else *status says why there is none. */
static struct us_wdf_child_entry *enter_by_device(WDFDEVICE handle, const char *function, NTSTATUS *status)
{
	struct us_wdf_device *device = us_wdf_from(handle, &us_wdf_device_type);
	struct us_wdf_child_entry *entry = device->child ? device->child->entry : NULL;

	*status = device->child ? STATUS_INVALID_DEVICE_REQUEST : STATUS_INVALID_PARAMETER;
	if (!entry)
		return NULL;
	us_wdf_child_list_enter((WDFCHILDLIST)entry->list, function);
	return entry;
}

static bool address_fits(const struct us_wdf_child_entry *entry, PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER address)
{
	return entry->address && address->AddressDescriptionSize == entry->list->config.AddressDescriptionSize;
}

static NTSTATUS NTAPI pdo_id(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle,
			     PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id)
{
	static const char function[] = "WdfPdoRetrieveIdentificationDescription";
	NTSTATUS status;
	struct us_wdf_child_entry *entry = enter_by_device(handle, function, &status);

	(void)globals;
	us_wdf_need(id, function, "IdentificationDescription");
	if (!entry)
		return status;
	if (us_wdf_child_sizes(entry->list, id, NULL)) {
		us_wdf_child_copy_id(entry->list, entry->id, id);
		status = STATUS_SUCCESS;
	}
	us_wdf_child_list_leave(entry->list);
	return status;
}

static NTSTATUS NTAPI pdo_address(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle,
				  PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER address)
{
	static const char function[] = "WdfPdoRetrieveAddressDescription";
	NTSTATUS status;
	struct us_wdf_child_entry *entry = enter_by_device(handle, function, &status);

	(void)globals;
	us_wdf_need(address, function, "AddressDescription");
	if (!entry)
		return status;
	if (address_fits(entry, address)) {
		us_wdf_child_copy_address(entry->list, entry->address, address);
		status = STATUS_SUCCESS;
	}
	us_wdf_child_list_leave(entry->list);
	return status;
}

static NTSTATUS NTAPI pdo_update_address(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle,
					 PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER address)
{
	static const char function[] = "WdfPdoUpdateAddressDescription";
	NTSTATUS status;
	struct us_wdf_child_entry *entry = enter_by_device(handle, function, &status);

	(void)globals;
	us_wdf_need(address, function, "AddressDescription");
	if (!entry)
		return status;
	if (address_fits(entry, address)) {
		us_wdf_child_copy_address(entry->list, address, entry->address);
		status = STATUS_SUCCESS;
	}
	us_wdf_child_list_leave(entry->list);
	return status;
}

static void NTAPI pdo_eject(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle)
{
	struct us_wdf_device *device = us_wdf_from(handle, &us_wdf_device_type);

	(void)globals;
	if (!device->child)
		us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, handle, "device.not-child",
				 "WdfPdoRequestEject was called with %s, which is no child.", us_wdf_name(device));
	if (device->child->state == US_WDF_CHILD_PRESENT)
		IoRequestDeviceEject(device->wdm);
}

void us_wdf_child_find_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfChildListRetrievePdo = retrieve_pdo;
	table->WdfChildListRetrieveAddressDescription = retrieve_address;
	table->WdfChildListRequestChildEject = request_eject;
	table->WdfChildListBeginIteration = begin;
	table->WdfChildListRetrieveNextDevice = next;
	table->WdfChildListEndIteration = end;
	table->WdfPdoRetrieveIdentificationDescription = pdo_id;
	table->WdfPdoRetrieveAddressDescription = pdo_address;
	table->WdfPdoUpdateAddressDescription = pdo_update_address;
	table->WdfPdoRequestEject = pdo_eject;
}
