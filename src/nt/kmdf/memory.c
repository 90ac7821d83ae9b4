/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory objects: a buffer from the pool, from a lookaside list, or somebody else's; and lookaside lists.
 */
#include "nt/kmdf/kmdf.h"
#include "nt/phys.h"

struct lookaside {
	struct us_wdf_object object;
	size_t size; /* bytes of each buffer */
	ULONG tag;
	WDF_OBJECT_ATTRIBUTES attributes; /* of the memory objects */
	bool has_attributes;
};

struct memory {
	struct us_wdf_object object;
	PVOID buffer;
	size_t size; /* bytes */
	enum { OWN, PREALLOCATED, WRAPPED } kind; /* from the pool; the driver's; a request's */
};

static void destroy_memory(struct us_wdf_object *object)
{
	struct memory *memory = (struct memory *)object;

	if (memory->kind == OWN)
		us_wdf_pool_free(memory->buffer);
}

static const char *is_requests(struct us_wdf_object *object)
{
	return ((struct memory *)object)->kind == WRAPPED ? "it is a request's memory, which goes with the request"
							  : NULL;
}

const struct us_wdf_type us_wdf_memory_type = {
	.name = "WDFMEMORY",
	.size = sizeof(struct memory),
	.deletable = true,
	.may_not_delete = is_requests,
	.destroy = destroy_memory,
};

const struct us_wdf_type us_wdf_lookaside_type = {
	.name = "WDFLOOKASIDE",
	.size = sizeof(struct lookaside),
	.deletable = true,
};

static NTSTATUS new_memory(PWDF_OBJECT_ATTRIBUTES attributes, struct us_wdf_object *parent, size_t size, ULONG tag,
			   struct memory **result)
{
	NTSTATUS status;

	if (size == 0)
		return STATUS_INVALID_PARAMETER;
	status = us_wdf_create(&us_wdf_memory_type, attributes, parent, result);
	if (!NT_SUCCESS(status))
		return status;
	(*result)->size = size;
	(*result)->buffer = us_nt_pool_alloc(size, tag ? tag : us_wdf_globals()->DriverTag);
	if ((*result)->buffer)
		return STATUS_SUCCESS;
	us_wdf_delete(&(*result)->object);
	return STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS us_wdf_memory_wrap(struct us_wdf_object *parent, PVOID buffer, size_t size, struct us_wdf_object **result)
{
	struct memory *memory;
	NTSTATUS status = us_wdf_create(&us_wdf_memory_type, WDF_NO_OBJECT_ATTRIBUTES, parent, &memory);

	if (!NT_SUCCESS(status))
		return status;
	memory->kind = WRAPPED;
	memory->buffer = buffer;
	memory->size = size;
	*result = &memory->object;
	return STATUS_SUCCESS;
}

PVOID us_wdf_memory_buffer(struct us_wdf_object *object, size_t *size)
{
	struct memory *memory = (struct memory *)object;

	if (size)
		*size = memory->size;
	return memory->buffer;
}

NTSTATUS us_wdf_memory_new(PWDF_OBJECT_ATTRIBUTES attributes, size_t size, ULONG tag, struct us_wdf_object **result)
{
	struct memory *memory;
	NTSTATUS status = new_memory(attributes, us_wdf_driver_object(), size, tag, &memory);

	if (NT_SUCCESS(status))
		*result = &memory->object;
	return status;
}

/* -- memory ------------------------------------------------------------------------------------------------------- */

static NTSTATUS NTAPI memory_create(PWDF_DRIVER_GLOBALS globals, PWDF_OBJECT_ATTRIBUTES attributes, POOL_TYPE pool,
				    ULONG tag, size_t size, WDFMEMORY *result, PVOID *buffer)
{
	struct memory *memory;
	NTSTATUS status;

	(void)globals, (void)pool;
	us_wdf_need(result, "WdfMemoryCreate", "Memory");
	*result = NULL;
	status = new_memory(attributes, us_wdf_driver_object(), size, tag, &memory);
	if (!NT_SUCCESS(status))
		return status;
	*result = (WDFMEMORY)memory;
	if (buffer)
		*buffer = memory->buffer;
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI memory_create_preallocated(PWDF_DRIVER_GLOBALS globals, PWDF_OBJECT_ATTRIBUTES attributes,
						 PVOID buffer, size_t size, WDFMEMORY *result)
{
	struct memory *memory;
	NTSTATUS status;

	(void)globals;
	us_wdf_need(buffer, "WdfMemoryCreatePreallocated", "Buffer");
	us_wdf_need(result, "WdfMemoryCreatePreallocated", "Memory");
	*result = NULL;
	if (size == 0)
		return STATUS_INVALID_PARAMETER;
	status = us_wdf_create(&us_wdf_memory_type, attributes, us_wdf_driver_object(), &memory);
	if (!NT_SUCCESS(status))
		return status;
	memory->kind = PREALLOCATED;
	memory->buffer = buffer;
	memory->size = size;
	*result = (WDFMEMORY)memory;
	return STATUS_SUCCESS;
}

static PVOID NTAPI memory_get_buffer(PWDF_DRIVER_GLOBALS globals, WDFMEMORY handle, size_t *size)
{
	(void)globals;
	return us_wdf_memory_buffer(us_wdf_from(handle, &us_wdf_memory_type), size);
}

static NTSTATUS NTAPI memory_assign(PWDF_DRIVER_GLOBALS globals, WDFMEMORY handle, PVOID buffer, size_t size)
{
	struct memory *memory = us_wdf_from(handle, &us_wdf_memory_type);

	(void)globals;
	us_wdf_need(buffer, "WdfMemoryAssignBuffer", "Buffer");
	if (memory->kind != PREALLOCATED)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (size == 0)
		return STATUS_INVALID_PARAMETER;
	memory->buffer = buffer;
	memory->size = size;
	return STATUS_SUCCESS;
}

static NTSTATUS piece(struct memory *memory, size_t offset, size_t size, UCHAR **at)
{
	if (offset > memory->size || size > memory->size - offset)
		return STATUS_BUFFER_TOO_SMALL;
	*at = (UCHAR *)memory->buffer + offset;
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI memory_copy_to(PWDF_DRIVER_GLOBALS globals, WDFMEMORY handle, size_t offset, PVOID buffer,
				     size_t size)
{
	struct memory *memory = us_wdf_from(handle, &us_wdf_memory_type);
	NTSTATUS status;
	UCHAR *at;

	(void)globals;
	us_wdf_need(buffer, "WdfMemoryCopyToBuffer", "Buffer");
	if (size == 0)
		return STATUS_INVALID_PARAMETER;
	status = piece(memory, offset, size, &at);
	if (NT_SUCCESS(status))
		memmove(buffer, at, size);
	return status;
}

static NTSTATUS NTAPI memory_copy_from(PWDF_DRIVER_GLOBALS globals, WDFMEMORY handle, size_t offset, PVOID buffer,
				       size_t size)
{
	struct memory *memory = us_wdf_from(handle, &us_wdf_memory_type);
	NTSTATUS status;
	UCHAR *at;

	(void)globals;
	us_wdf_need(buffer, "WdfMemoryCopyFromBuffer", "Buffer");
	if (size == 0)
		return STATUS_INVALID_PARAMETER;
	status = piece(memory, offset, size, &at);
	if (NT_SUCCESS(status))
		memmove(at, buffer, size);
	return status;
}

/* -- lookaside lists ---------------------------------------------------------------------------------------------- */

static NTSTATUS NTAPI lookaside_create(PWDF_DRIVER_GLOBALS globals, PWDF_OBJECT_ATTRIBUTES attributes, size_t size,
				       POOL_TYPE pool, PWDF_OBJECT_ATTRIBUTES memory_attributes, ULONG tag,
				       WDFLOOKASIDE *result)
{
	struct lookaside *lookaside;
	NTSTATUS status;

	(void)globals, (void)pool;
	us_wdf_need(result, "WdfLookasideListCreate", "Lookaside");
	*result = NULL;
	if (size == 0)
		return STATUS_INVALID_PARAMETER;
	status = us_wdf_check_attributes(&us_wdf_memory_type, memory_attributes);
	if (!NT_SUCCESS(status))
		return status;
	status = us_wdf_create(&us_wdf_lookaside_type, attributes, us_wdf_driver_object(), &lookaside);
	if (!NT_SUCCESS(status))
		return status;
	lookaside->size = size;
	lookaside->tag = tag;
	lookaside->has_attributes = memory_attributes != NULL;
	if (memory_attributes)
		lookaside->attributes = *memory_attributes;
	*result = (WDFLOOKASIDE)lookaside;
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI memory_from_lookaside(PWDF_DRIVER_GLOBALS globals, WDFLOOKASIDE handle, WDFMEMORY *result)
{
	struct lookaside *lookaside = us_wdf_from(handle, &us_wdf_lookaside_type);
	struct memory *memory;
	NTSTATUS status;

	(void)globals;
	us_wdf_need(result, "WdfMemoryCreateFromLookaside", "Memory");
	*result = NULL;
	status = new_memory(lookaside->has_attributes ? &lookaside->attributes : NULL, &lookaside->object,
			    lookaside->size, lookaside->tag, &memory);
	if (NT_SUCCESS(status))
		*result = (WDFMEMORY)memory;
	return status;
}

void us_wdf_memory_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfMemoryCreate = memory_create;
	table->WdfMemoryCreatePreallocated = memory_create_preallocated;
	table->WdfMemoryGetBuffer = memory_get_buffer;
	table->WdfMemoryAssignBuffer = memory_assign;
	table->WdfMemoryCopyToBuffer = memory_copy_to;
	table->WdfMemoryCopyFromBuffer = memory_copy_from;
	table->WdfLookasideListCreate = lookaside_create;
	table->WdfMemoryCreateFromLookaside = memory_from_lookaside;
}
