/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of framework objects: creation, references, deletion. Contexts are in context.c, locks in lock.c.
 */
#include "nt/kmdf/kmdf.h"
#include "nt/phys.h"
#include "nt/sched.h"
#include "nt/trace.h"

#include <stdio.h>

#define MAGIC UINT64_C(0x7463656a624f4657) /* "WFObject" */

/* A tag under which the driver took references. */
struct us_wdf_tag {
	struct us_wdf_tag *next;
	PVOID tag;
	LONG count;
};

static struct us_wdf *state(void)
{
	if (!us_nt->wdf) {
		us_nt->wdf = us_nt_alloc(sizeof(*us_nt->wdf));
		InitializeListHead(&us_nt->wdf->objects);
		InitializeListHead(&us_nt->wdf->later);
	}
	return us_nt->wdf;
}

struct us_wdf *us_wdf_state(void)
{
	return state();
}

void us_wdf_pool_free(void *at)
{
	if (at)
		us_nt_pool_free(at);
}

__attribute__((noinline, no_sanitize("address"))) uint64_t us_wdf_peek(const uint64_t *at)
{
	return *at;
}

const char *us_wdf_name(const void *object)
{
	const struct us_wdf_object *o = object;
	struct us_wdf *wdf = state();
	char *text = wdf->names[wdf->name++ % US_WDF_NAMES];

	snprintf(text, sizeof(wdf->names[0]), "%s %u", o->type->name, o->number);
	return text;
}

static unsigned next_number(const struct us_wdf_type *type)
{
	struct us_wdf *wdf = state();
	size_t i;

	for (i = 0; i < sizeof(wdf->counts) / sizeof(wdf->counts[0]); i++) {
		if (!wdf->counts[i].type)
			wdf->counts[i].type = type;
		if (wdf->counts[i].type == type)
			return ++wdf->counts[i].count;
	}
	us_nt_unsupported("More kinds of framework objects than the stage knows.");
}

/* -- creation ----------------------------------------------------------------------------------------------------- */

NTSTATUS us_wdf_check_attributes(const struct us_wdf_type *type, PWDF_OBJECT_ATTRIBUTES attributes)
{
	const WDF_OBJECT_CONTEXT_TYPE_INFO *info;

	if (!attributes)
		return STATUS_SUCCESS;
	if (!us_wdf_sized(attributes))
		return STATUS_INFO_LENGTH_MISMATCH;
	info = attributes->ContextTypeInfo;
	if (info && !us_wdf_sized(info))
		return STATUS_INFO_LENGTH_MISMATCH;
	if (info && (!info->ContextName ||
		     (attributes->ContextSizeOverride && attributes->ContextSizeOverride < info->ContextSize)))
		return STATUS_WDF_OBJECT_ATTRIBUTES_INVALID;
	if (!info && attributes->ContextSizeOverride)
		return STATUS_WDF_OBJECT_ATTRIBUTES_INVALID;
	if (attributes->ParentObject && type->fixed_parent)
		return STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED;
	if (attributes->ExecutionLevel <= WdfExecutionLevelInvalid ||
	    attributes->ExecutionLevel > WdfExecutionLevelDispatch ||
	    (attributes->ExecutionLevel != WdfExecutionLevelInheritFromParent && !type->takes_level))
		return STATUS_WDF_EXECUTION_LEVEL_INVALID;
	if (attributes->SynchronizationScope <= WdfSynchronizationScopeInvalid ||
	    attributes->SynchronizationScope > WdfSynchronizationScopeNone ||
	    (attributes->SynchronizationScope != WdfSynchronizationScopeInheritFromParent && !type->takes_scope))
		return STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID;
	return STATUS_SUCCESS;
}

/* Level and scope, and the lock that follows from them. */
static void set_scope(struct us_wdf_object *object, PWDF_OBJECT_ATTRIBUTES attributes)
{
	struct us_wdf_object *parent = object->parent, *device;

	object->execution_level = parent ? parent->execution_level : WdfExecutionLevelDispatch;
	if (attributes && attributes->ExecutionLevel != WdfExecutionLevelInheritFromParent)
		object->execution_level = attributes->ExecutionLevel;
	object->scope = parent ? parent->scope : WdfSynchronizationScopeNone;
	if (attributes && attributes->SynchronizationScope != WdfSynchronizationScopeInheritFromParent)
		object->scope = attributes->SynchronizationScope;

	if (object->type != &us_wdf_device_type && object->type != &us_wdf_queue_type) {
		object->lock = parent ? parent->lock : NULL;
	} else if (object->scope == WdfSynchronizationScopeDevice) {
		device = us_wdf_ancestor(object, &us_wdf_device_type);
		object->lock = us_wdf_own_lock(device ? device : object);
	} else if (object->scope == WdfSynchronizationScopeQueue && object->type == &us_wdf_queue_type) {
		object->lock = us_wdf_own_lock(object);
	}
}

NTSTATUS us_wdf_create(const struct us_wdf_type *type, PWDF_OBJECT_ATTRIBUTES attributes, struct us_wdf_object *parent,
		       void *result)
{
	NTSTATUS status = us_wdf_check_attributes(type, attributes);
	struct us_wdf_object *object;

	if (!NT_SUCCESS(status))
		return status;
	if (attributes && attributes->ParentObject)
		parent = us_wdf_from(attributes->ParentObject, NULL);
	if (!parent && type != &us_wdf_driver_type)
		return STATUS_WDF_PARENT_NOT_SPECIFIED;
	if (parent && parent->life != US_WDF_ALIVE)
		return STATUS_DELETE_PENDING;

	object = us_nt_pool_alloc(type->size, US_WDF_TAG);
	if (!object)
		return STATUS_INSUFFICIENT_RESOURCES;
	memset(object, 0, type->size);
	object->magic = MAGIC;
	object->type = type;
	object->references = 1;
	object->parent = parent;
	object->number = next_number(type);
	InitializeListHead(&object->children);
	InitializeListHead(&object->disposed);
	InitializeListHead(&object->sibling);
	set_scope(object, attributes);
	if (attributes) {
		status = us_wdf_add_context(object, attributes, NULL);
		if (!NT_SUCCESS(status)) {
			object->magic = 0;
			us_wdf_pool_free(object);
			return status;
		}
	}
	if (parent) {
		us_wdf_reference(parent);
		InsertTailList(&parent->children, &object->sibling);
	}
	InsertTailList(&state()->objects, &object->all);
	if (us_nt_tracing())
		us_nt_trace("note      %s created below %s", us_wdf_name(object),
			    parent ? us_wdf_name(parent) : "nothing");
	*(struct us_wdf_object **)result = object;
	return STATUS_SUCCESS;
}

/* -- handles ------------------------------------------------------------------------------------------------------ */

/* Looks into memory that may be nobody's any more: that is the question. */
__attribute__((no_sanitize("address"))) bool us_wdf_is_object(const void *handle, const struct us_wdf_type *type)
{
	const struct us_wdf_object *object = handle;

	return object && ((uintptr_t)handle & 15) == 0 && us_nt_window(handle) == US_WINDOW_POOL &&
	       us_nt_is_mapped(handle, sizeof(*object)) && us_wdf_peek(&object->magic) == MAGIC &&
	       (!type || object->type == type);
}

void *us_wdf_from(const void *handle, const struct us_wdf_type *type)
{
	struct us_wdf_object *object = (struct us_wdf_object *)(uintptr_t)handle;
	const char *wanted = type ? type->name : "WDFOBJECT";
	uint64_t value = (uintptr_t)handle;

	if (!handle)
		us_nt_bugcheck(US_WDF_VIOLATION, WDF_REQUIRED_PARAMETER_IS_NULL, 0, us_nt_caller(), 0, "handle.null",
			       "A framework function was called with NULL for a handle of type %s.", wanted);
	if (!us_wdf_is_object(handle, NULL))
		us_wdf_violation(
			WDF_INVALID_HANDLE, handle, "handle.invalid",
			"A framework function was called with %#llx for a handle of type %s: there is no object "
			"(never was, or it is deleted).",
			(unsigned long long)value, wanted);
	if (type && object->type != type)
		us_wdf_violation(WDF_INVALID_HANDLE, handle, "handle.type",
				 "A framework function was called with %s where it takes a %s.", us_wdf_name(object),
				 wanted);
	if (object->life == US_WDF_DELETED && object->drivers_references == 0)
		us_wdf_violation(
			WDF_INVALID_HANDLE, handle, "handle.deleted",
			"A framework function was called with %s, which is deleted; the driver has no reference "
			"to it.",
			us_wdf_name(object));
	return object;
}

void us_wdf_need(const void *pointer, const char *function, const char *parameter)
{
	if (!pointer)
		us_nt_bugcheck(US_WDF_VIOLATION, WDF_REQUIRED_PARAMETER_IS_NULL, 0, us_nt_caller(), 0, "parameter.null",
			       "%s was called with NULL for %s, which is required.", function, parameter);
}

void *us_wdf_ancestor(struct us_wdf_object *object, const struct us_wdf_type *type)
{
	while (object && object->type != type)
		object = object->parent;
	return object;
}

/* -- later -------------------------------------------------------------------------------------------------------- */

static void worker(void *context)
{
	struct us_wdf *wdf = context;

	for (;;) {
		while (!IsListEmpty(&wdf->later)) {
			LIST_ENTRY *link = RemoveHeadList(&wdf->later);
			struct us_wdf_later *later = CONTAINING_RECORD(link, struct us_wdf_later, link);

			wdf->worker_works = true;
			later->run(later);
			wdf->worker_works = false;
		}
		while (wdf->nflushing)
			us_nt_wake(wdf->flushing[--wdf->nflushing], STATUS_SUCCESS);
		wdf->worker_waits = true;
		us_nt_block("something to do");
	}
}

void us_wdf_later(struct us_wdf_later *later)
{
	struct us_wdf *wdf = state();

	InsertTailList(&wdf->later, &later->link);
	if (!wdf->worker) {
		wdf->worker = us_nt_thread_create("framework", 9, worker, wdf);
		if (!wdf->worker)
			us_nt_stop(US_NT_FAILED, "", "There is no memory for the framework's own thread.");
	} else if (wdf->worker_waits) {
		wdf->worker_waits = false;
		us_nt_wake(wdf->worker, STATUS_SUCCESS);
	}
}

void us_wdf_later_flush(void)
{
	struct us_wdf *wdf = state();

	while (wdf->worker_works || !IsListEmpty(&wdf->later)) {
		if (wdf->nflushing == sizeof(wdf->flushing) / sizeof(wdf->flushing[0]))
			us_nt_unsupported("Too many threads wait for the framework's own thread.");
		wdf->flushing[wdf->nflushing++] = us_nt_current();
		us_nt_block("the framework to finish what it has put off");
	}
}

/* -- references and deletion -------------------------------------------------------------------------------------- */

static bool wants_passive(const struct us_wdf_object *object)
{
	return object->type->passive_cleanup || object->execution_level == WdfExecutionLevelPassive;
}

static bool tree_wants_passive(const struct us_wdf_object *object)
{
	const LIST_ENTRY *link;

	if (wants_passive(object))
		return true;
	for (link = object->children.Flink; link != &object->children; link = link->Flink)
		if (tree_wants_passive(CONTAINING_RECORD(link, struct us_wdf_object, sibling)))
			return true;
	return false;
}

static void destroy(struct us_wdf_object *object)
{
	struct us_wdf_object *parent = object->parent;
	struct us_wdf_tag *tag;

	object->life = US_WDF_DESTROYING;
	us_wdf_call_destroy(object);
	if (object->type->destroy)
		object->type->destroy(object);
	if (us_nt_tracing())
		us_nt_trace("note      %s destroyed", us_wdf_name(object));
	us_wdf_free_contexts(object);
	while ((tag = object->tags)) {
		object->tags = tag->next;
		us_nt_free(tag);
	}
	us_wdf_lock_free(object->own);
	RemoveEntryList(&object->all);
	RemoveEntryList(&object->sibling);
	object->magic = 0;
	us_wdf_pool_free(object);
	if (parent)
		us_wdf_dereference(parent);
}

static void destroy_later(struct us_wdf_later *later)
{
	destroy(CONTAINING_RECORD(later, struct us_wdf_object, later));
}

void us_wdf_reference(struct us_wdf_object *object)
{
	object->references++;
}

void us_wdf_dereference(struct us_wdf_object *object)
{
	if (--object->references)
		return;
	if (us_nt_irql() > PASSIVE_LEVEL && wants_passive(object)) {
		object->later.run = destroy_later;
		us_wdf_later(&object->later);
	} else {
		destroy(object);
	}
}

/* Cleans up what is below an object, in one order or the other, and then itself. */
static void dispose(struct us_wdf_object *object)
{
	bool backwards = !IsListEmpty(&object->children) && object->children.Flink != object->children.Blink &&
			 us_nt_random(2) == 1;

	object->life = US_WDF_DISPOSING;
	while (!IsListEmpty(&object->children)) {
		LIST_ENTRY *link = backwards ? object->children.Blink : object->children.Flink;

		RemoveEntryList(link);
		InsertTailList(&object->disposed, link);
		dispose(CONTAINING_RECORD(link, struct us_wdf_object, sibling));
	}
	if (us_nt_tracing())
		us_nt_trace("note      %s is cleaned up", us_wdf_name(object));
	if (object->type->dispose)
		object->type->dispose(object);
	us_wdf_call_cleanup(object);
}

/* Takes the first references back, children first. */
static void release(struct us_wdf_object *object)
{
	while (!IsListEmpty(&object->disposed)) {
		LIST_ENTRY *link = RemoveHeadList(&object->disposed);

		InitializeListHead(link);
		release(CONTAINING_RECORD(link, struct us_wdf_object, sibling));
	}
	object->life = US_WDF_DELETED;
	us_wdf_dereference(object);
}

static void delete_now(struct us_wdf_object *object)
{
	dispose(object);
	release(object);
}

static void delete_later(struct us_wdf_later *later)
{
	delete_now(CONTAINING_RECORD(later, struct us_wdf_object, later));
}

void us_wdf_delete(struct us_wdf_object *object)
{
	if (object->life != US_WDF_ALIVE)
		return;
	object->life = US_WDF_DISPOSING;
	RemoveEntryList(&object->sibling);
	InitializeListHead(&object->sibling);
	if (us_nt_irql() > PASSIVE_LEVEL && tree_wants_passive(object)) {
		object->later.run = delete_later;
		us_wdf_later(&object->later);
	} else {
		delete_now(object);
	}
}

/* -- what the driver calls ---------------------------------------------------------------------------------------- */

static struct us_wdf_tag *find_tag(struct us_wdf_object *object, PVOID value)
{
	struct us_wdf_tag *tag;

	for (tag = object->tags; tag && tag->tag != value; tag = tag->next)
		;
	return tag;
}

static void reference_under(struct us_wdf_object *object, PVOID value)
{
	struct us_wdf_tag *tag = find_tag(object, value);

	if (!tag) {
		tag = us_nt_alloc(sizeof(*tag));
		tag->tag = value;
		tag->next = object->tags;
		object->tags = tag;
	}
	tag->count++;
	object->drivers_references++;
	us_wdf_reference(object);
}

void us_wdf_reference_for_driver(struct us_wdf_object *object)
{
	reference_under(object, NULL);
}

static void NTAPI object_reference(PWDF_DRIVER_GLOBALS globals, WDFOBJECT handle, PVOID value, LONG line, PCHAR file)
{
	(void)globals, (void)line, (void)file;
	reference_under(us_wdf_from(handle, NULL), value);
}

static void NTAPI object_dereference(PWDF_DRIVER_GLOBALS globals, WDFOBJECT handle, PVOID value, LONG line, PCHAR file)
{
	struct us_wdf_object *object = us_wdf_from(handle, NULL);
	struct us_wdf_tag *tag = find_tag(object, value);

	(void)globals, (void)line, (void)file;
	if (!tag || tag->count == 0)
		us_nt_bugcheck(US_WDF_VIOLATION, WDF_OBJECT_ERROR, (uintptr_t)handle, (uintptr_t)value, 0,
			       object->drivers_references ? "object.reference-tag" : "object.dereference",
			       "The driver drops a reference to %s that it has not taken%s.", us_wdf_name(object),
			       object->drivers_references ? " under this tag" : "");
	tag->count--;
	object->drivers_references--;
	us_wdf_dereference(object);
}

static NTSTATUS NTAPI object_create(PWDF_DRIVER_GLOBALS globals, PWDF_OBJECT_ATTRIBUTES attributes, WDFOBJECT *result)
{
	struct us_wdf_object *object;
	NTSTATUS status;

	(void)globals;
	us_wdf_need(result, "WdfObjectCreate", "Object");
	*result = NULL;
	status = us_wdf_create(&us_wdf_general_type, attributes, us_wdf_driver_object(), &object);
	if (NT_SUCCESS(status))
		*result = object;
	return status;
}

static void NTAPI object_delete(PWDF_DRIVER_GLOBALS globals, WDFOBJECT handle)
{
	struct us_wdf_object *object = us_wdf_from(handle, NULL);
	const char *because = NULL;

	(void)globals;
	if (!object->type->deletable)
		because = "the framework deletes objects of this type itself";
	else if (object->type->may_not_delete)
		because = object->type->may_not_delete(object);
	if (because)
		us_wdf_violation(WDF_OBJECT_ERROR, handle, "object.not-deletable",
				 "WdfObjectDelete was called with %s: %s.", us_wdf_name(object), because);
	if (object->deleted_by_driver || object->life >= US_WDF_DELETED)
		us_wdf_violation(WDF_OBJECT_ERROR, handle, "object.deleted-twice",
				 "WdfObjectDelete was called with %s, which is deleted already.", us_wdf_name(object));
	object->deleted_by_driver = true;
	us_wdf_delete(object);
}

const struct us_wdf_type us_wdf_general_type = {
	.name = "WDFOBJECT",
	.size = sizeof(struct us_wdf_object),
	.deletable = true,
	.takes_level = true,
};

void us_wdf_object_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfObjectReferenceActual = object_reference;
	table->WdfObjectDereferenceActual = object_dereference;
	table->WdfObjectCreate = object_create;
	table->WdfObjectDelete = object_delete;
	us_wdf_context_functions(table);
	us_wdf_callback_lock_functions(table);
}
