/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Common buffers.
 */
#include "nt/kmdf/dma.h"

struct us_wdf_common_buffer {
	struct us_wdf_object object;
	struct us_wdf_dma_enabler *enabler;
	size_t length; /* as asked for */
	ULONG allocated;
	PVOID base, aligned; /* for the processor: of what was allocated; where the buffer begins */
	PHYSICAL_ADDRESS logical_base, logical; /* the same for the device */
};

static void destroy(struct us_wdf_object *object)
{
	struct us_wdf_common_buffer *buffer = (struct us_wdf_common_buffer *)object;
	PDMA_ADAPTER adapter;

	if (!buffer->base)
		return;
	adapter = us_wdf_dma_adapter(buffer->enabler, WdfDmaDirectionReadFromDevice)->adapter;
	adapter->DmaOperations->FreeCommonBuffer(adapter, buffer->allocated, buffer->logical_base, buffer->base, FALSE);
}

const struct us_wdf_type us_wdf_common_buffer_type = {
	.name = "WDFCOMMONBUFFER",
	.size = sizeof(struct us_wdf_common_buffer),
	.deletable = true,
	.fixed_parent = true,
	.passive_cleanup = true,
	.destroy = destroy,
};

/* `alignment` is one less than a power of two. What the adapter allocates begins with a page. */
static NTSTATUS allocate(struct us_wdf_common_buffer *buffer, size_t length, size_t alignment)
{
	PDMA_ADAPTER adapter = us_wdf_dma_adapter(buffer->enabler, WdfDmaDirectionReadFromDevice)->adapter;
	size_t more = alignment >= PAGE_SIZE ? alignment : 0, shift;

	if (length > 0xFFFFFFFFu - more)
		return STATUS_INVALID_PARAMETER;
	buffer->length = length;
	buffer->allocated = (ULONG)(length + more);
	buffer->base =
		adapter->DmaOperations->AllocateCommonBuffer(adapter, buffer->allocated, &buffer->logical_base, FALSE);
	if (!buffer->base)
		return STATUS_INSUFFICIENT_RESOURCES;
	shift = (size_t)(-buffer->logical_base.QuadPart & (LONGLONG)alignment);
	buffer->aligned = (PUCHAR)buffer->base + shift;
	buffer->logical.QuadPart = buffer->logical_base.QuadPart + (LONGLONG)shift;
	return STATUS_SUCCESS;
}

static NTSTATUS create(WDFDMAENABLER handle, size_t length, ULONG alignment, PWDF_OBJECT_ATTRIBUTES attributes,
		       WDFCOMMONBUFFER *result)
{
	struct us_wdf_dma_enabler *enabler = us_wdf_from(handle, &us_wdf_dma_enabler_type);
	struct us_wdf_common_buffer *buffer;
	NTSTATUS status;

	*result = NULL;
	if (length == 0 || (alignment & (alignment + 1)) != 0)
		return STATUS_INVALID_PARAMETER;
	status = us_wdf_create(&us_wdf_common_buffer_type, attributes, &enabler->object, &buffer);
	if (!NT_SUCCESS(status))
		return status;
	buffer->enabler = enabler;
	status = allocate(buffer, length, alignment);
	if (NT_SUCCESS(status))
		*result = (WDFCOMMONBUFFER)buffer;
	else
		us_wdf_delete(&buffer->object);
	return status;
}

static NTSTATUS NTAPI create_plain(PWDF_DRIVER_GLOBALS globals, WDFDMAENABLER handle, size_t length,
				   PWDF_OBJECT_ATTRIBUTES attributes, WDFCOMMONBUFFER *result)
{
	struct us_wdf_dma_enabler *enabler = us_wdf_from(handle, &us_wdf_dma_enabler_type);

	(void)globals;
	us_wdf_need(result, "WdfCommonBufferCreate", "CommonBuffer");
	return create(handle, length, enabler->device->wdm->AlignmentRequirement, attributes, result);
}

static NTSTATUS NTAPI create_with_config(PWDF_DRIVER_GLOBALS globals, WDFDMAENABLER handle, size_t length,
					 PWDF_COMMON_BUFFER_CONFIG config, PWDF_OBJECT_ATTRIBUTES attributes,
					 WDFCOMMONBUFFER *result)
{
	(void)globals;
	us_wdf_need(config, "WdfCommonBufferCreateWithConfig", "Config");
	us_wdf_need(result, "WdfCommonBufferCreateWithConfig", "CommonBuffer");
	if (!us_wdf_sized(config))
		return STATUS_INFO_LENGTH_MISMATCH;
	return create(handle, length, config->AlignmentRequirement, attributes, result);
}

static PVOID NTAPI get_address(PWDF_DRIVER_GLOBALS globals, WDFCOMMONBUFFER handle)
{
	struct us_wdf_common_buffer *buffer = us_wdf_from(handle, &us_wdf_common_buffer_type);

	(void)globals;
	return buffer->aligned;
}

static PHYSICAL_ADDRESS NTAPI get_logical_address(PWDF_DRIVER_GLOBALS globals, WDFCOMMONBUFFER handle)
{
	struct us_wdf_common_buffer *buffer = us_wdf_from(handle, &us_wdf_common_buffer_type);

	(void)globals;
	return buffer->logical;
}

static size_t NTAPI get_length(PWDF_DRIVER_GLOBALS globals, WDFCOMMONBUFFER handle)
{
	struct us_wdf_common_buffer *buffer = us_wdf_from(handle, &us_wdf_common_buffer_type);

	(void)globals;
	return buffer->length;
}

void us_wdf_common_buffer_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfCommonBufferCreate = create_plain;
	table->WdfCommonBufferCreateWithConfig = create_with_config;
	table->WdfCommonBufferGetAlignedVirtualAddress = get_address;
	table->WdfCommonBufferGetAlignedLogicalAddress = get_logical_address;
	table->WdfCommonBufferGetLength = get_length;
}
