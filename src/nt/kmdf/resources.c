/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Granted resources, as the driver walks them. It may change a list only where the framework asks it to: what it added
 * to the requirements it takes out again before the bus's driver sees the list (EvtDeviceRemoveAddedResources), and
 * what a child has from the beginning it puts in (EvtDeviceResourcesQuery).
 */
#include "nt/kmdf/descriptors.h"
#include "nt/kmdf/kmdf.h"
#include "nt/phys.h"
#include "nt/registry.h"

#define TAG 0x52447846u /* "FxDR" */

/* -- rows of descriptors ------------------------------------------------------------------------------------------ */

bool us_wdf_descriptors_insert(struct us_wdf_descriptors *d, ULONG index, const void *descriptor)
{
	uint8_t *row = us_nt_pool_alloc(2 * d->size, TAG);

	if (!row)
		return false;
	memcpy(row, descriptor, d->size);
	memcpy(row + d->size, descriptor, d->size);
	if (d->count == d->room) {
		uint8_t **rows = us_nt_alloc((d->room = d->room ? 2 * d->room : 8) * sizeof(*rows));

		if (d->count)
			memcpy(rows, d->rows, d->count * sizeof(*rows));
		us_nt_free(d->rows);
		d->rows = rows;
	}
	memmove(d->rows + index + 1, d->rows + index, (d->count - index) * sizeof(*d->rows));
	d->rows[index] = row;
	d->count++;
	d->changed = true;
	return true;
}

void us_wdf_descriptors_remove(struct us_wdf_descriptors *d, ULONG index)
{
	us_nt_pool_free(d->rows[index]);
	d->count--;
	memmove(d->rows + index, d->rows + index + 1, (d->count - index) * sizeof(*d->rows));
	d->changed = true;
}

void us_wdf_descriptors_free(struct us_wdf_descriptors *d)
{
	while (d->count)
		us_wdf_descriptors_remove(d, d->count - 1);
	us_nt_free(d->rows);
	d->rows = NULL;
	d->room = 0;
}

const void *us_wdf_descriptors_at(const struct us_wdf_descriptors *d, ULONG index)
{
	return d->rows[index];
}

void *us_wdf_descriptors_shown(const struct us_wdf_descriptors *d, ULONG index)
{
	if (index >= d->count)
		return NULL;
	memcpy(d->rows[index] + d->size, d->rows[index], d->size);
	return d->rows[index] + d->size;
}

ULONG us_wdf_descriptors_find(const struct us_wdf_descriptors *d, const void *shown)
{
	ULONG i = 0;

	while (i < d->count && d->rows[i] + d->size != (const uint8_t *)shown)
		i++;
	return i;
}

void us_wdf_descriptors_check(ULONG index, ULONG limit, const void *list, const char *function)
{
	if (index >= limit)
		us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, list, "resources.index",
				 "%s was called with index %u for %s, where only those below %u are there.", function,
				 (unsigned)index, us_wdf_name(list), (unsigned)limit);
}

/* -- the lists ---------------------------------------------------------------------------------------------------- */

struct list {
	struct us_wdf_object object;
	struct us_wdf_descriptors descriptors;
	bool may_add, may_remove;
};

static void destroy_list(struct us_wdf_object *object)
{
	us_wdf_descriptors_free(&((struct list *)object)->descriptors);
}

const struct us_wdf_type us_wdf_resource_list_type = {
	.name = "WDFCMRESLIST",
	.size = sizeof(struct list),
	.destroy = destroy_list,
};

NTSTATUS us_wdf_cm_list_new(struct us_wdf_device *device, const CM_RESOURCE_LIST *from, struct us_wdf_object **result)
{
	const CM_PARTIAL_RESOURCE_LIST *partial = from && from->Count ? &from->List[0].PartialResourceList : NULL;
	/* By pointer: the headers give the array one element, and compilers believe that of a list in a list. */
	const CM_PARTIAL_RESOURCE_DESCRIPTOR *d = partial ? partial->PartialDescriptors : NULL;
	struct list *list;
	NTSTATUS status = us_wdf_create(&us_wdf_resource_list_type, WDF_NO_OBJECT_ATTRIBUTES, &device->object, &list);
	ULONG i;

	if (!NT_SUCCESS(status))
		return status;
	list->descriptors.size = sizeof(*d);
	for (i = 0; partial && i < partial->Count; i++)
		if (!us_wdf_descriptors_insert(&list->descriptors, i, d + i)) {
			us_wdf_delete(&list->object);
			return STATUS_INSUFFICIENT_RESOURCES;
		}
	list->descriptors.changed = false;
	*result = &list->object;
	return STATUS_SUCCESS;
}

void us_wdf_cm_allow(struct us_wdf_object *object, bool add, bool remove)
{
	((struct list *)object)->may_add = add;
	((struct list *)object)->may_remove = remove;
}

bool us_wdf_cm_changed(struct us_wdf_object *object)
{
	return ((struct list *)object)->descriptors.changed;
}

ULONG us_wdf_cm_count(struct us_wdf_object *object)
{
	return ((struct list *)object)->descriptors.count;
}

PCM_PARTIAL_RESOURCE_DESCRIPTOR us_wdf_cm_at(struct us_wdf_object *object, ULONG index)
{
	return us_wdf_descriptors_shown(&((struct list *)object)->descriptors, index);
}

PCM_RESOURCE_LIST us_wdf_cm_build(struct us_wdf_object *object, const CM_RESOURCE_LIST *like)
{
	const struct us_wdf_descriptors *d = &((struct list *)object)->descriptors;
	PCM_RESOURCE_LIST list =
		us_nt_pool_for_driver(sizeof(*list) + d->count * sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR), TAG);
	CM_PARTIAL_RESOURCE_DESCRIPTOR *to;
	ULONG i;

	if (!list)
		return NULL;
	memset(list, 0, sizeof(*list));
	list->Count = 1;
	list->List[0].InterfaceType = like ? like->List[0].InterfaceType : Internal;
	list->List[0].BusNumber = like ? like->List[0].BusNumber : 0;
	list->List[0].PartialResourceList.Version = list->List[0].PartialResourceList.Revision = 1;
	list->List[0].PartialResourceList.Count = d->count;
	to = list->List[0].PartialResourceList.PartialDescriptors;
	for (i = 0; i < d->count; i++)
		memcpy(to + i, us_wdf_descriptors_at(d, i), sizeof(*to));
	return list;
}

/* -- what the driver calls ---------------------------------------------------------------------------------------- */

static struct list *from(WDFCMRESLIST handle)
{
	return us_wdf_from(handle, &us_wdf_resource_list_type);
}

static ULONG NTAPI get_count(PWDF_DRIVER_GLOBALS globals, WDFCMRESLIST handle)
{
	(void)globals;
	return from(handle)->descriptors.count;
}

static PCM_PARTIAL_RESOURCE_DESCRIPTOR NTAPI get_descriptor(PWDF_DRIVER_GLOBALS globals, WDFCMRESLIST handle,
							    ULONG index)
{
	(void)globals;
	return us_wdf_descriptors_shown(&from(handle)->descriptors, index);
}

static NTSTATUS insert_at(struct list *list, ULONG index, PCM_PARTIAL_RESOURCE_DESCRIPTOR descriptor)
{
	if (!list->may_add)
		return STATUS_ACCESS_DENIED;
	return us_wdf_descriptors_insert(&list->descriptors, index, descriptor) ? STATUS_SUCCESS
										: STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS NTAPI append(PWDF_DRIVER_GLOBALS globals, WDFCMRESLIST handle,
			     PCM_PARTIAL_RESOURCE_DESCRIPTOR descriptor)
{
	struct list *list = from(handle);

	(void)globals;
	us_wdf_need(descriptor, "WdfCmResourceListAppendDescriptor", "Descriptor");
	return insert_at(list, list->descriptors.count, descriptor);
}

static NTSTATUS NTAPI insert(PWDF_DRIVER_GLOBALS globals, WDFCMRESLIST handle,
			     PCM_PARTIAL_RESOURCE_DESCRIPTOR descriptor, ULONG index)
{
	struct list *list = from(handle);

	(void)globals;
	us_wdf_need(descriptor, "WdfCmResourceListInsertDescriptor", "Descriptor");
	us_wdf_descriptors_check(index, list->descriptors.count + 1, list, "WdfCmResourceListInsertDescriptor");
	return insert_at(list, index, descriptor);
}

static void take_out(struct list *list, ULONG index, const char *function)
{
	if (!list->may_remove)
		us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, list, "resources.remove",
				 "%s was called for %s, from which the driver may take nothing: it may in "
				 "EvtDeviceRemoveAddedResources.",
				 function, us_wdf_name(list));
	us_wdf_descriptors_check(index, list->descriptors.count, list, function);
	us_wdf_descriptors_remove(&list->descriptors, index);
}

static void NTAPI remove_at(PWDF_DRIVER_GLOBALS globals, WDFCMRESLIST handle, ULONG index)
{
	(void)globals;
	take_out(from(handle), index, "WdfCmResourceListRemove");
}

static void NTAPI remove_this(PWDF_DRIVER_GLOBALS globals, WDFCMRESLIST handle,
			      PCM_PARTIAL_RESOURCE_DESCRIPTOR descriptor)
{
	struct list *list = from(handle);

	(void)globals;
	us_wdf_need(descriptor, "WdfCmResourceListRemoveByDescriptor", "Descriptor");
	take_out(list, us_wdf_descriptors_find(&list->descriptors, descriptor), "WdfCmResourceListRemoveByDescriptor");
}

void us_wdf_resource_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfCmResourceListGetCount = get_count;
	table->WdfCmResourceListGetDescriptor = get_descriptor;
	table->WdfCmResourceListAppendDescriptor = append;
	table->WdfCmResourceListInsertDescriptor = insert;
	table->WdfCmResourceListRemove = remove_at;
	table->WdfCmResourceListRemoveByDescriptor = remove_this;
	us_wdf_requirement_functions(table);
}
