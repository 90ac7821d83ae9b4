/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contexts: the driver's own memory in framework objects, and the cleanup and destroy callbacks that come with each.
 */
#include "nt/kmdf/kmdf.h"
#include "nt/phys.h"

#define MAGIC UINT64_C(0x747865746e6f4346) /* "FContext" */
#define TAG 0x43447846u /* "FxDC" */

_Static_assert(sizeof(struct us_wdf_context) % 16 == 0, "the driver's bytes are aligned to 16");

/* EvtDriverGetUniqueContextType as a driver has it: the headers' __cdecl says nothing here. */
typedef PCWDF_OBJECT_CONTEXT_TYPE_INFO(NTAPI *get_unique_type)(void);

/* The description that stands for a type: a driver may have several copies of it, one in each file. */
static PCWDF_OBJECT_CONTEXT_TYPE_INFO unique(PCWDF_OBJECT_CONTEXT_TYPE_INFO info)
{
	struct us_callback callback;
	get_unique_type get;

	if (!info || info->Size <= offsetof(WDF_OBJECT_CONTEXT_TYPE_INFO, UniqueType)) /* a driver's for KMDF 1.0 */
		return info;
	if (!info->EvtDriverGetUniqueContextType)
		return info->UniqueType ? info->UniqueType : info;
	get = (get_unique_type)(uintptr_t)info->EvtDriverGetUniqueContextType;
	us_nt_callback_enter(&callback, "EvtDriverGetUniqueContextType", (const void *)(uintptr_t)get);
	info = get();
	us_nt_callback_leave(&callback, 0);
	return info;
}

static struct us_wdf_context *find(struct us_wdf_object *object, PCWDF_OBJECT_CONTEXT_TYPE_INFO info)
{
	struct us_wdf_context *context;

	for (context = object->contexts; context && context->info != info; context = context->next)
		;
	return context;
}

NTSTATUS us_wdf_add_context(struct us_wdf_object *object, PWDF_OBJECT_ATTRIBUTES attributes, PVOID *result)
{
	PCWDF_OBJECT_CONTEXT_TYPE_INFO info = unique(attributes->ContextTypeInfo);
	struct us_wdf_context *context, **last;
	size_t size = 0;

	if (info)
		size = attributes->ContextSizeOverride ? attributes->ContextSizeOverride : info->ContextSize;
	else if (!attributes->EvtCleanupCallback && !attributes->EvtDestroyCallback)
		return STATUS_SUCCESS;
	context = info ? find(object, info) : NULL;
	if (context) {
		if (result)
			*result = context + 1;
		return STATUS_OBJECT_NAME_EXISTS;
	}

	if (size > SIZE_MAX / 2)
		return STATUS_INTEGER_OVERFLOW;
	context = us_nt_pool_alloc(sizeof(*context) + size, TAG);
	if (!context)
		return STATUS_INSUFFICIENT_RESOURCES;
	memset(context, 0, sizeof(*context) + size);
	context->magic = MAGIC;
	context->object = object;
	context->info = info;
	context->cleanup = attributes->EvtCleanupCallback;
	context->destroy = attributes->EvtDestroyCallback;
	for (last = &object->contexts; *last; last = &(*last)->next)
		;
	*last = context;
	if (result)
		*result = context + 1;
	return STATUS_SUCCESS;
}

void us_wdf_call_cleanup(struct us_wdf_object *object)
{
	struct us_wdf_context *context;

	for (context = object->contexts; context; context = context->next)
		if (context->cleanup)
			US_CALL_VOID("EvtCleanupCallback", context->cleanup, object);
}

void us_wdf_call_destroy(struct us_wdf_object *object)
{
	struct us_wdf_context *context;

	for (context = object->contexts; context; context = context->next)
		if (context->destroy)
			US_CALL_VOID("EvtDestroyCallback", context->destroy, object);
}

void us_wdf_free_contexts(struct us_wdf_object *object)
{
	struct us_wdf_context *context;

	while ((context = object->contexts)) {
		object->contexts = context->next;
		context->magic = 0;
		us_wdf_pool_free(context);
	}
}

static PVOID NTAPI get_typed_context(PWDF_DRIVER_GLOBALS globals, WDFOBJECT handle, PCWDF_OBJECT_CONTEXT_TYPE_INFO info)
{
	struct us_wdf_object *object = us_wdf_from(handle, NULL);
	struct us_wdf_context *context;

	(void)globals;
	us_wdf_need(info, "WdfObjectGetTypedContextWorker", "TypeInfo");
	context = find(object, unique(info));
	return context ? context + 1 : NULL;
}

static NTSTATUS NTAPI allocate_context(PWDF_DRIVER_GLOBALS globals, WDFOBJECT handle, PWDF_OBJECT_ATTRIBUTES attributes,
				       PVOID *result)
{
	struct us_wdf_object *object = us_wdf_from(handle, NULL);
	NTSTATUS status;

	(void)globals;
	us_wdf_need(attributes, "WdfObjectAllocateContext", "ContextAttributes");
	status = us_wdf_check_attributes(&us_wdf_general_type, attributes);
	if (!NT_SUCCESS(status))
		return status;
	if (!attributes->ContextTypeInfo)
		return STATUS_OBJECT_NAME_INVALID;
	if (attributes->ParentObject && us_wdf_client() >= 11) /* before, nobody looked */
		return STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED;
	if (object->life != US_WDF_ALIVE)
		return STATUS_DELETE_PENDING;
	return us_wdf_add_context(object, attributes, result);
}

static WDFOBJECT NTAPI context_get_object(PWDF_DRIVER_GLOBALS globals, PVOID pointer)
{
	struct us_wdf_context *context = (struct us_wdf_context *)pointer - 1;

	(void)globals;
	us_wdf_need(pointer, "WdfObjectContextGetObject", "ContextPointer");
	if (((uintptr_t)pointer & 15) || us_nt_window(context) != US_WINDOW_POOL ||
	    !us_nt_is_mapped(context, sizeof(*context)) || us_wdf_peek(&context->magic) != MAGIC)
		us_wdf_violation(WDF_INVALID_HANDLE, pointer, "context.invalid",
				 "WdfObjectContextGetObject was called with %#llx, which is not an object's context.",
				 (unsigned long long)(uintptr_t)pointer);
	return us_wdf_from(context->object, NULL);
}

void us_wdf_context_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfObjectGetTypedContextWorker = get_typed_context;
	table->WdfObjectAllocateContext = allocate_context;
	table->WdfObjectContextGetObject = context_get_object;
}
