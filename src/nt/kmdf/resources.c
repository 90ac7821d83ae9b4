/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hardware resources that a device was granted, as the driver walks them. It may look, and change nothing.
 */
#include "nt/kmdf/kmdf.h"
#include "nt/phys.h"

#define TAG 0x52447846u /* "FxDR" */

struct list {
	struct us_wdf_object object;
	ULONG count;
	CM_PARTIAL_RESOURCE_DESCRIPTOR *descriptors; /* pool; NULL: none */
};

static void destroy_list(struct us_wdf_object *object)
{
	us_wdf_pool_free(((struct list *)object)->descriptors);
}

const struct us_wdf_type us_wdf_resource_list_type = {
	.name = "WDFCMRESLIST",
	.size = sizeof(struct list),
	.destroy = destroy_list,
};

NTSTATUS us_wdf_cm_list_new(struct us_wdf_device *device, const CM_RESOURCE_LIST *from, struct us_wdf_object **result)
{
	const CM_PARTIAL_RESOURCE_LIST *partial = from && from->Count ? &from->List[0].PartialResourceList : NULL;
	struct list *list;
	NTSTATUS status = us_wdf_create(&us_wdf_resource_list_type, WDF_NO_OBJECT_ATTRIBUTES, &device->object, &list);

	if (!NT_SUCCESS(status))
		return status;
	if (partial && partial->Count) {
		list->descriptors = us_nt_pool_alloc(partial->Count * sizeof(list->descriptors[0]), TAG);
		if (!list->descriptors) {
			us_wdf_delete(&list->object);
			return STATUS_INSUFFICIENT_RESOURCES;
		}
		memcpy(list->descriptors, partial->PartialDescriptors, partial->Count * sizeof(list->descriptors[0]));
		list->count = partial->Count;
	}
	*result = &list->object;
	return STATUS_SUCCESS;
}

ULONG us_wdf_cm_count(struct us_wdf_object *object)
{
	return ((struct list *)object)->count;
}

PCM_PARTIAL_RESOURCE_DESCRIPTOR us_wdf_cm_at(struct us_wdf_object *object, ULONG index)
{
	struct list *list = (struct list *)object;

	return index < list->count ? &list->descriptors[index] : NULL;
}

static ULONG NTAPI get_count(PWDF_DRIVER_GLOBALS globals, WDFCMRESLIST handle)
{
	(void)globals;
	return us_wdf_cm_count(us_wdf_from(handle, &us_wdf_resource_list_type));
}

static PCM_PARTIAL_RESOURCE_DESCRIPTOR NTAPI get_descriptor(PWDF_DRIVER_GLOBALS globals, WDFCMRESLIST handle,
							    ULONG index)
{
	(void)globals;
	return us_wdf_cm_at(us_wdf_from(handle, &us_wdf_resource_list_type), index);
}

static NTSTATUS NTAPI append(PWDF_DRIVER_GLOBALS globals, WDFCMRESLIST handle,
			     PCM_PARTIAL_RESOURCE_DESCRIPTOR descriptor)
{
	(void)globals;
	us_wdf_from(handle, &us_wdf_resource_list_type);
	us_wdf_need(descriptor, "WdfCmResourceListAppendDescriptor", "Descriptor");
	return STATUS_ACCESS_DENIED;
}

static NTSTATUS NTAPI insert(PWDF_DRIVER_GLOBALS globals, WDFCMRESLIST handle,
			     PCM_PARTIAL_RESOURCE_DESCRIPTOR descriptor, ULONG index)
{
	(void)globals, (void)index;
	us_wdf_from(handle, &us_wdf_resource_list_type);
	us_wdf_need(descriptor, "WdfCmResourceListInsertDescriptor", "Descriptor");
	return STATUS_ACCESS_DENIED;
}

void us_wdf_resource_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfCmResourceListGetCount = get_count;
	table->WdfCmResourceListGetDescriptor = get_descriptor;
	table->WdfCmResourceListAppendDescriptor = append;
	table->WdfCmResourceListInsertDescriptor = insert;
}
