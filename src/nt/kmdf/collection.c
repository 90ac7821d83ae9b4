/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collections: ordered lists of objects, each of which the collection holds a reference to.
 */
#include "nt/kmdf/kmdf.h"
#include "nt/phys.h"

#define TAG 0x4f447846u /* "FxDO" */

struct item {
	LIST_ENTRY link;
	struct us_wdf_object *object;
};

struct collection {
	struct us_wdf_object object;
	LIST_ENTRY items;
	ULONG count;
};

static void remove_item(struct collection *collection, struct item *item)
{
	struct us_wdf_object *object = item->object;

	RemoveEntryList(&item->link);
	collection->count--;
	us_wdf_pool_free(item);
	us_wdf_dereference(object);
}

/* The references go with the cleanup, so that objects and a collection of them can be deleted in any order. */
static void dispose_collection(struct us_wdf_object *object)
{
	struct collection *collection = (struct collection *)object;

	while (!IsListEmpty(&collection->items))
		remove_item(collection, CONTAINING_RECORD(collection->items.Flink, struct item, link));
}

const struct us_wdf_type us_wdf_collection_type = {
	.name = "WDFCOLLECTION",
	.size = sizeof(struct collection),
	.deletable = true,
	.dispose = dispose_collection,
};

static struct item *at(struct collection *collection, ULONG index)
{
	LIST_ENTRY *link = collection->items.Flink;

	if (index >= collection->count)
		return NULL;
	while (index-- > 0)
		link = link->Flink;
	return CONTAINING_RECORD(link, struct item, link);
}

static NTSTATUS NTAPI collection_create(PWDF_DRIVER_GLOBALS globals, PWDF_OBJECT_ATTRIBUTES attributes,
					WDFCOLLECTION *result)
{
	struct collection *collection;
	NTSTATUS status;

	(void)globals;
	us_wdf_need(result, "WdfCollectionCreate", "Collection");
	*result = NULL;
	status = us_wdf_create(&us_wdf_collection_type, attributes, us_wdf_driver_object(), &collection);
	if (!NT_SUCCESS(status))
		return status;
	InitializeListHead(&collection->items);
	*result = (WDFCOLLECTION)collection;
	return STATUS_SUCCESS;
}

static ULONG NTAPI collection_count(PWDF_DRIVER_GLOBALS globals, WDFCOLLECTION handle)
{
	struct collection *collection = us_wdf_from(handle, &us_wdf_collection_type);

	(void)globals;
	return collection->count;
}

NTSTATUS us_wdf_collection_add(WDFCOLLECTION handle, struct us_wdf_object *added)
{
	struct collection *collection = us_wdf_from(handle, &us_wdf_collection_type);
	struct item *item;

	item = us_nt_pool_alloc(sizeof(*item), TAG);
	if (!item)
		return STATUS_INSUFFICIENT_RESOURCES;
	item->object = added;
	us_wdf_reference(added);
	InsertTailList(&collection->items, &item->link);
	collection->count++;
	return STATUS_SUCCESS;
}

struct us_wdf_object *us_wdf_collection_at(WDFCOLLECTION handle, ULONG index)
{
	struct item *item = at(us_wdf_from(handle, &us_wdf_collection_type), index);

	return item ? item->object : NULL;
}

void us_wdf_collection_delete_from(WDFCOLLECTION handle, ULONG index)
{
	struct collection *collection = us_wdf_from(handle, &us_wdf_collection_type);
	struct item *item;

	while ((item = at(collection, index))) {
		us_wdf_delete(item->object);
		remove_item(collection, item);
	}
}

static NTSTATUS NTAPI collection_add(PWDF_DRIVER_GLOBALS globals, WDFCOLLECTION handle, WDFOBJECT object)
{
	(void)globals;
	us_wdf_from(handle, &us_wdf_collection_type);
	return us_wdf_collection_add(handle, us_wdf_from(object, NULL));
}

static void NTAPI collection_remove(PWDF_DRIVER_GLOBALS globals, WDFCOLLECTION handle, WDFOBJECT object)
{
	struct collection *collection = us_wdf_from(handle, &us_wdf_collection_type);
	LIST_ENTRY *link;

	(void)globals;
	for (link = collection->items.Flink; link != &collection->items; link = link->Flink) {
		struct item *item = CONTAINING_RECORD(link, struct item, link);

		if (item->object == object) {
			remove_item(collection, item);
			return;
		}
	}
	us_wdf_violation(WDF_OBJECT_ERROR, object, "collection.remove",
			 "WdfCollectionRemove was called for an object that is not in %s.", us_wdf_name(collection));
}

static void NTAPI collection_remove_item(PWDF_DRIVER_GLOBALS globals, WDFCOLLECTION handle, ULONG index)
{
	struct collection *collection = us_wdf_from(handle, &us_wdf_collection_type);
	struct item *item = at(collection, index);

	(void)globals;
	if (!item)
		us_wdf_violation(WDF_OBJECT_ERROR, handle, "collection.remove",
				 "WdfCollectionRemoveItem was called with the index %u; %s has %u objects.",
				 (unsigned)index, us_wdf_name(collection), (unsigned)collection->count);
	remove_item(collection, item);
}

static WDFOBJECT NTAPI collection_get(PWDF_DRIVER_GLOBALS globals, WDFCOLLECTION handle, ULONG index)
{
	(void)globals;
	return us_wdf_collection_at(handle, index);
}

static WDFOBJECT NTAPI collection_first(PWDF_DRIVER_GLOBALS globals, WDFCOLLECTION handle)
{
	return collection_get(globals, handle, 0);
}

static WDFOBJECT NTAPI collection_last(PWDF_DRIVER_GLOBALS globals, WDFCOLLECTION handle)
{
	struct collection *collection = us_wdf_from(handle, &us_wdf_collection_type);

	return collection_get(globals, handle, collection->count - 1);
}

void us_wdf_collection_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfCollectionCreate = collection_create;
	table->WdfCollectionGetCount = collection_count;
	table->WdfCollectionAdd = collection_add;
	table->WdfCollectionRemove = collection_remove;
	table->WdfCollectionRemoveItem = collection_remove_item;
	table->WdfCollectionGetItem = collection_get;
	table->WdfCollectionGetFirstItem = collection_first;
	table->WdfCollectionGetLastItem = collection_last;
}
