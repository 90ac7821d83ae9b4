/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device requires, as lists of alternatives, each a list of descriptors; and the callbacks that may change that
 * (Microsoft, "Modifying a Resource Requirements List"): on the list's way down the driver takes out, on its way up it
 * adds.
 */
#include "nt/kernel.h"
#include "nt/kmdf/descriptors.h"
#include "nt/kmdf/kmdf.h"
#include "nt/phys.h"
#include "nt/registry.h"

#define TAG 0x51447846u /* "FxDQ" */
#define ALTERNATIVES 32 /* at most */

struct requirements {
	struct us_wdf_object object;
	INTERFACE_TYPE interface_type;
	ULONG bus, slot, count;
	struct alternative *lists[ALTERNATIVES];
	bool may_add, changed;
};

struct alternative {
	struct us_wdf_object object;
	struct requirements *of;
	struct us_wdf_descriptors descriptors;
};

static void destroy_alternative(struct us_wdf_object *object)
{
	us_wdf_descriptors_free(&((struct alternative *)object)->descriptors);
}

static const struct us_wdf_type requirements_type = {
	.name = "WDFIORESREQLIST",
	.size = sizeof(struct requirements),
};

static const struct us_wdf_type alternative_type = {
	.name = "WDFIORESLIST",
	.size = sizeof(struct alternative),
	.fixed_parent = true,
	.destroy = destroy_alternative,
};

/* -- to Windows' structure, and from it --------------------------------------------------------------------------- */

static NTSTATUS new_alternative(struct requirements *of, PWDF_OBJECT_ATTRIBUTES attributes, struct alternative **result)
{
	NTSTATUS status = us_wdf_create(&alternative_type, attributes, &of->object, result);

	if (!NT_SUCCESS(status))
		return status;
	(*result)->of = of;
	(*result)->descriptors.size = sizeof(IO_RESOURCE_DESCRIPTOR);
	return STATUS_SUCCESS;
}

static NTSTATUS read_alternative(struct requirements *to, const IO_RESOURCE_LIST *from)
{
	const IO_RESOURCE_DESCRIPTOR *d = from->Descriptors;
	struct alternative *list;
	NTSTATUS status = new_alternative(to, WDF_NO_OBJECT_ATTRIBUTES, &list);
	ULONG i;

	if (!NT_SUCCESS(status))
		return status;
	for (i = 0; i < from->Count; i++)
		if (!us_wdf_descriptors_insert(&list->descriptors, i, d + i))
			return STATUS_INSUFFICIENT_RESOURCES;
	list->descriptors.changed = false;
	to->lists[to->count++] = list;
	return STATUS_SUCCESS;
}

static NTSTATUS read_list(struct requirements *to, const IO_RESOURCE_REQUIREMENTS_LIST *from)
{
	const IO_RESOURCE_LIST *list = from->List;
	NTSTATUS status = STATUS_SUCCESS;
	ULONG i;

	to->interface_type = from->InterfaceType;
	to->bus = from->BusNumber;
	to->slot = from->SlotNumber;
	if (from->AlternativeLists > ALTERNATIVES)
		us_nt_unsupported("Resource requirements with more than %u alternatives.", ALTERNATIVES);
	for (i = 0; i < from->AlternativeLists && NT_SUCCESS(status); i++) {
		const IO_RESOURCE_DESCRIPTOR *first = list->Descriptors;

		status = read_alternative(to, list);
		list = (const IO_RESOURCE_LIST *)(const void *)(first + list->Count);
	}
	return status;
}

/* A list of the driver's for a device; `from` NULL: an empty one. */
static NTSTATUS new_requirements(struct us_wdf_device *device, const IO_RESOURCE_REQUIREMENTS_LIST *from, bool may_add,
				 struct requirements **result)
{
	NTSTATUS status = us_wdf_create(&requirements_type, WDF_NO_OBJECT_ATTRIBUTES, &device->object, result);

	if (!NT_SUCCESS(status))
		return status;
	(*result)->may_add = may_add;
	(*result)->interface_type = Internal;
	if (from)
		status = read_list(*result, from);
	if (!NT_SUCCESS(status))
		us_wdf_delete(&(*result)->object);
	return status;
}

static bool has_changed(const struct requirements *r)
{
	bool changed = r->changed;
	ULONG i;

	for (i = 0; i < r->count; i++)
		changed = changed || r->lists[i]->descriptors.changed;
	return changed;
}

/* In pool that whoever asked for the list frees. NULL: no memory. */
static PIO_RESOURCE_REQUIREMENTS_LIST build(const struct requirements *r)
{
	size_t size = offsetof(IO_RESOURCE_REQUIREMENTS_LIST, List);
	PIO_RESOURCE_REQUIREMENTS_LIST list;
	uint8_t *at;
	ULONG i, j;

	for (i = 0; i < r->count; i++)
		size += offsetof(IO_RESOURCE_LIST, Descriptors) +
			r->lists[i]->descriptors.count * sizeof(IO_RESOURCE_DESCRIPTOR);
	size = max(size, sizeof(*list));
	list = us_nt_pool_for_driver(size, TAG);
	if (!list)
		return NULL;
	memset(list, 0, size);
	list->ListSize = (ULONG)size;
	list->InterfaceType = r->interface_type;
	list->BusNumber = r->bus;
	list->SlotNumber = r->slot;
	list->AlternativeLists = r->count;
	at = (uint8_t *)list + offsetof(IO_RESOURCE_REQUIREMENTS_LIST, List);
	for (i = 0; i < r->count; i++) {
		const struct us_wdf_descriptors *d = &r->lists[i]->descriptors;
		IO_RESOURCE_LIST *to = (IO_RESOURCE_LIST *)(void *)at;

		to->Version = to->Revision = 1;
		to->Count = d->count;
		at += offsetof(IO_RESOURCE_LIST, Descriptors);
		for (j = 0; j < d->count; j++, at += d->size)
			memcpy(at, us_wdf_descriptors_at(d, j), d->size);
	}
	return list;
}

/* -- the callbacks ------------------------------------------------------------------------------------------------ */

/* Shows the IRP's list to one of them, and gives the IRP another one if that has changed it. */
static NTSTATUS filter(struct us_wdf_device *device, PIRP irp, const char *name,
		       PFN_WDF_DEVICE_FILTER_RESOURCE_REQUIREMENTS callback, bool may_add)
{
	PIO_RESOURCE_REQUIREMENTS_LIST before = (PIO_RESOURCE_REQUIREMENTS_LIST)irp->IoStatus.Information, after;
	struct requirements *list;
	NTSTATUS status;

	if (!callback)
		return STATUS_SUCCESS;
	status = new_requirements(device, before, may_add, &list);
	if (!NT_SUCCESS(status))
		return status;
	status = US_CALL(name, callback, (WDFDEVICE)device, (WDFIORESREQLIST)list);
	if (NT_SUCCESS(status) && has_changed(list)) {
		after = build(list);
		if (after) {
			us_wdf_pool_free(before);
			irp->IoStatus.Information = (ULONG_PTR)after;
			IoGetCurrentIrpStackLocation(irp)
				->Parameters.FilterResourceRequirements.IoResourceRequirementList = after;
		} else {
			status = STATUS_INSUFFICIENT_RESOURCES;
		}
	}
	us_wdf_delete(&list->object);
	return status;
}

NTSTATUS us_wdf_filter_requirements(struct us_wdf_device *device, PIRP irp)
{
	const WDF_FDO_EVENT_CALLBACKS *fdo = &device->fdo;
	PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(irp);
	NTSTATUS status;

	if (!fdo->EvtDeviceFilterAddResourceRequirements && !fdo->EvtDeviceFilterRemoveResourceRequirements)
		return us_wdf_forward(device, irp);
	/* A driver above may have made another one, which the IRP then has already. */
	if (irp->IoStatus.Status == STATUS_NOT_SUPPORTED)
		irp->IoStatus.Information =
			(ULONG_PTR)sp->Parameters.FilterResourceRequirements.IoResourceRequirementList;
	status = filter(device, irp, "EvtDeviceFilterRemoveResourceRequirements",
			fdo->EvtDeviceFilterRemoveResourceRequirements, false);
	if (!NT_SUCCESS(status))
		return us_wdf_complete(irp, status);
	irp->IoStatus.Status = STATUS_SUCCESS;
	status = us_wdf_forward_and_wait(device, irp);
	if (NT_SUCCESS(status))
		status = filter(device, irp, "EvtDeviceFilterAddResourceRequirements",
				fdo->EvtDeviceFilterAddResourceRequirements, true);
	return us_wdf_complete(irp, status);
}

NTSTATUS us_wdf_child_requirements(struct us_wdf_device *device, PFN_WDF_DEVICE_RESOURCE_REQUIREMENTS_QUERY callback,
				   PIO_RESOURCE_REQUIREMENTS_LIST *result)
{
	struct requirements *list;
	NTSTATUS status = new_requirements(device, NULL, true, &list);

	*result = NULL;
	if (!NT_SUCCESS(status))
		return status;
	status = US_CALL("EvtDeviceResourceRequirementsQuery", callback, (WDFDEVICE)device, (WDFIORESREQLIST)list);
	if (NT_SUCCESS(status) && list->count) {
		*result = build(list);
		status = *result ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
	}
	us_wdf_delete(&list->object);
	return status;
}

/* -- alternatives ------------------------------------------------------------------------------------------------- */

static struct requirements *from(WDFIORESREQLIST handle)
{
	return us_wdf_from(handle, &requirements_type);
}

static ULONG NTAPI get_count(PWDF_DRIVER_GLOBALS globals, WDFIORESREQLIST handle)
{
	(void)globals;
	return from(handle)->count;
}

static WDFIORESLIST NTAPI get_list(PWDF_DRIVER_GLOBALS globals, WDFIORESREQLIST handle, ULONG index)
{
	struct requirements *r = from(handle);

	(void)globals;
	return index < r->count ? (WDFIORESLIST)r->lists[index] : NULL;
}

static ULONG index_of(const struct requirements *r, const struct alternative *list)
{
	ULONG i = 0;

	while (i < r->count && r->lists[i] != list)
		i++;
	return i;
}

static NTSTATUS insert_list(struct requirements *r, WDFIORESLIST handle, ULONG index)
{
	struct alternative *list = us_wdf_from(handle, &alternative_type);

	if (!r->may_add)
		return STATUS_ACCESS_DENIED;
	if (list->of != r || index_of(r, list) < r->count)
		return STATUS_INVALID_PARAMETER;
	if (r->count == ALTERNATIVES)
		us_nt_unsupported("Resource requirements with more than %u alternatives.", ALTERNATIVES);
	memmove(r->lists + index + 1, r->lists + index, (r->count - index) * sizeof(r->lists[0]));
	r->lists[index] = list;
	r->count++;
	r->changed = true;
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI append_list(PWDF_DRIVER_GLOBALS globals, WDFIORESREQLIST handle, WDFIORESLIST list)
{
	struct requirements *r = from(handle);

	(void)globals;
	return insert_list(r, list, r->count);
}

static NTSTATUS NTAPI insert_list_at(PWDF_DRIVER_GLOBALS globals, WDFIORESREQLIST handle, WDFIORESLIST list,
				     ULONG index)
{
	struct requirements *r = from(handle);

	(void)globals;
	us_wdf_descriptors_check(index, r->count + 1, r, "WdfIoResourceRequirementsListInsertIoResList");
	return insert_list(r, list, index);
}

static void take_list(struct requirements *r, ULONG index, const char *function)
{
	us_wdf_descriptors_check(index, r->count, r, function);
	us_wdf_delete(&r->lists[index]->object);
	r->count--;
	memmove(r->lists + index, r->lists + index + 1, (r->count - index) * sizeof(r->lists[0]));
	r->changed = true;
}

static void NTAPI remove_list(PWDF_DRIVER_GLOBALS globals, WDFIORESREQLIST handle, ULONG index)
{
	(void)globals;
	take_list(from(handle), index, "WdfIoResourceRequirementsListRemove");
}

static void NTAPI remove_this_list(PWDF_DRIVER_GLOBALS globals, WDFIORESREQLIST handle, WDFIORESLIST list)
{
	struct requirements *r = from(handle);

	(void)globals;
	take_list(r, index_of(r, us_wdf_from(list, &alternative_type)),
		  "WdfIoResourceRequirementsListRemoveByIoResList");
}

static void NTAPI set_slot(PWDF_DRIVER_GLOBALS globals, WDFIORESREQLIST handle, ULONG slot)
{
	struct requirements *r = from(handle);

	(void)globals;
	r->slot = slot;
	r->changed = true;
}

static void NTAPI set_interface(PWDF_DRIVER_GLOBALS globals, WDFIORESREQLIST handle, INTERFACE_TYPE type)
{
	struct requirements *r = from(handle);

	(void)globals;
	r->interface_type = type;
	r->changed = true;
}

/* -- descriptors -------------------------------------------------------------------------------------------------- */

static struct alternative *list_from(WDFIORESLIST handle)
{
	return us_wdf_from(handle, &alternative_type);
}

static NTSTATUS NTAPI list_create(PWDF_DRIVER_GLOBALS globals, WDFIORESREQLIST handle,
				  PWDF_OBJECT_ATTRIBUTES attributes, WDFIORESLIST *result)
{
	struct requirements *r = from(handle);
	struct alternative *list;
	NTSTATUS status;

	(void)globals;
	us_wdf_need(result, "WdfIoResourceListCreate", "ResourceList");
	*result = NULL;
	status = new_alternative(r, attributes, &list);
	if (NT_SUCCESS(status))
		*result = (WDFIORESLIST)list;
	return status;
}

static NTSTATUS insert(struct alternative *list, ULONG index, const IO_RESOURCE_DESCRIPTOR *descriptor)
{
	if (!list->of->may_add)
		return STATUS_ACCESS_DENIED;
	return us_wdf_descriptors_insert(&list->descriptors, index, descriptor) ? STATUS_SUCCESS
										: STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS NTAPI append_descriptor(PWDF_DRIVER_GLOBALS globals, WDFIORESLIST handle,
					PIO_RESOURCE_DESCRIPTOR descriptor)
{
	struct alternative *list = list_from(handle);

	(void)globals;
	us_wdf_need(descriptor, "WdfIoResourceListAppendDescriptor", "Descriptor");
	return insert(list, list->descriptors.count, descriptor);
}

static NTSTATUS NTAPI insert_descriptor(PWDF_DRIVER_GLOBALS globals, WDFIORESLIST handle,
					PIO_RESOURCE_DESCRIPTOR descriptor, ULONG index)
{
	struct alternative *list = list_from(handle);

	(void)globals;
	us_wdf_need(descriptor, "WdfIoResourceListInsertDescriptor", "Descriptor");
	us_wdf_descriptors_check(index, list->descriptors.count + 1, list, "WdfIoResourceListInsertDescriptor");
	return insert(list, index, descriptor);
}

static void NTAPI update_descriptor(PWDF_DRIVER_GLOBALS globals, WDFIORESLIST handle,
				    PIO_RESOURCE_DESCRIPTOR descriptor, ULONG index)
{
	struct alternative *list = list_from(handle);

	(void)globals;
	us_wdf_need(descriptor, "WdfIoResourceListUpdateDescriptor", "Descriptor");
	us_wdf_descriptors_check(index, list->descriptors.count, list, "WdfIoResourceListUpdateDescriptor");
	memcpy(list->descriptors.rows[index], descriptor, sizeof(*descriptor));
	list->descriptors.changed = true;
}

static ULONG NTAPI descriptor_count(PWDF_DRIVER_GLOBALS globals, WDFIORESLIST handle)
{
	(void)globals;
	return list_from(handle)->descriptors.count;
}

static PIO_RESOURCE_DESCRIPTOR NTAPI get_descriptor(PWDF_DRIVER_GLOBALS globals, WDFIORESLIST handle, ULONG index)
{
	(void)globals;
	return us_wdf_descriptors_shown(&list_from(handle)->descriptors, index);
}

static void take_descriptor(struct alternative *list, ULONG index, const char *function)
{
	us_wdf_descriptors_check(index, list->descriptors.count, list, function);
	us_wdf_descriptors_remove(&list->descriptors, index);
}

static void NTAPI remove_descriptor(PWDF_DRIVER_GLOBALS globals, WDFIORESLIST handle, ULONG index)
{
	(void)globals;
	take_descriptor(list_from(handle), index, "WdfIoResourceListRemove");
}

static void NTAPI remove_this_descriptor(PWDF_DRIVER_GLOBALS globals, WDFIORESLIST handle,
					 PIO_RESOURCE_DESCRIPTOR descriptor)
{
	struct alternative *list = list_from(handle);

	(void)globals;
	us_wdf_need(descriptor, "WdfIoResourceListRemoveByDescriptor", "Descriptor");
	take_descriptor(list, us_wdf_descriptors_find(&list->descriptors, descriptor),
			"WdfIoResourceListRemoveByDescriptor");
}

void us_wdf_requirement_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfIoResourceRequirementsListSetSlotNumber = set_slot;
	table->WdfIoResourceRequirementsListSetInterfaceType = set_interface;
	table->WdfIoResourceRequirementsListAppendIoResList = append_list;
	table->WdfIoResourceRequirementsListInsertIoResList = insert_list_at;
	table->WdfIoResourceRequirementsListGetCount = get_count;
	table->WdfIoResourceRequirementsListGetIoResList = get_list;
	table->WdfIoResourceRequirementsListRemove = remove_list;
	table->WdfIoResourceRequirementsListRemoveByIoResList = remove_this_list;
	table->WdfIoResourceListCreate = list_create;
	table->WdfIoResourceListAppendDescriptor = append_descriptor;
	table->WdfIoResourceListInsertDescriptor = insert_descriptor;
	table->WdfIoResourceListUpdateDescriptor = update_descriptor;
	table->WdfIoResourceListGetCount = descriptor_count;
	table->WdfIoResourceListGetDescriptor = get_descriptor;
	table->WdfIoResourceListRemove = remove_descriptor;
	table->WdfIoResourceListRemoveByDescriptor = remove_this_descriptor;
}
