/* SPDX-License-Identifier: Apache-2.0 */
/* Objects and handles: see ob.h. The functions of Windows below are its reference pages' ("ObReferenceObjectByHandle",
 * …). */
#include "nt/ob.h"

#include "nt/addresses.h"
#include "nt/kernel.h"
#include "nt/trace.h"

#define FIRST_HANDLE UINT64_C(0xffffffff80000004) /* kernel handles have the sign bit, and count by 4 */

struct object {
	void *body;
	const struct us_ob_type *type;
	LONG_PTR references;
	size_t handles;
};

struct handle {
	struct object *object; /* NULL: closed */
	ACCESS_MASK access;
};

struct us_ob {
	struct us_addresses objects;
	struct handle *handles;
	size_t nhandles, room, open;
};

struct us_ob_type us_ob_thread = {"Thread", NULL, NULL}, us_ob_event = {"Event", NULL, NULL},
		  us_ob_file = {"File", NULL, NULL}, us_ob_key = {"Key", NULL, NULL};

POBJECT_TYPE us_ob_types[US_OB_TYPES] = {(POBJECT_TYPE)&us_ob_thread, (POBJECT_TYPE)&us_ob_event,
					 (POBJECT_TYPE)&us_ob_file, (POBJECT_TYPE)&us_ob_key};
POBJECT_TYPE *PsThreadType = &us_ob_types[US_OB_THREAD], *ExEventObjectType = &us_ob_types[US_OB_EVENT],
	     *IoFileObjectType = &us_ob_types[US_OB_FILE], *CmKeyObjectType = &us_ob_types[US_OB_KEY];

void us_ob_init(void)
{
	us_nt->ob = us_nt_alloc(sizeof(*us_nt->ob));
}

static struct object *find(const void *body)
{
	return us_addresses_find(&us_nt->ob->objects, body);
}

static struct object *must_find(void *body, const char *what)
{
	struct object *object = find(body);

	if (!object)
		us_nt_bugcheck(0x18, 0, (uintptr_t)body, 2, 0, "object.invalid",
			       "%s was called for %p, which is no object, or one whose last reference is gone.", what,
			       body);
	return object;
}

void us_ob_add(void *body, const struct us_ob_type *type)
{
	struct object *object = us_nt_alloc(sizeof(*object));

	*object = (struct object){.body = body, .type = type, .references = 1};
	us_addresses_add(&us_nt->ob->objects, body, object);
}

bool us_ob_is(const void *body, const struct us_ob_type *type)
{
	struct object *object = find(body);

	return object && (!type || object->type == type);
}

LONG_PTR us_ob_references(const void *body)
{
	struct object *object = find(body);

	return object ? object->references : 0;
}

LONG_PTR us_ob_reference(void *body)
{
	return ++must_find(body, "ObReferenceObject")->references;
}

LONG_PTR us_ob_dereference(void *body)
{
	struct object *object = must_find(body, "ObDereferenceObject");
	const struct us_ob_type *type = object->type;

	if (--object->references)
		return object->references;
	us_addresses_remove(&us_nt->ob->objects, body);
	us_nt_free(object);
	if (type->destroy)
		type->destroy(body);
	return 0;
}

HANDLE us_ob_handle(void *body, ACCESS_MASK access)
{
	struct us_ob *ob = us_nt->ob;
	struct object *object = must_find(body, "the opening of a handle");

	if (ob->nhandles == ob->room) {
		struct handle *handles;

		ob->room = ob->room ? ob->room * 2 : 32;
		handles = us_nt_alloc(ob->room * sizeof(*handles));
		if (ob->nhandles)
			memcpy(handles, ob->handles, ob->nhandles * sizeof(*handles));
		us_nt_free(ob->handles);
		ob->handles = handles;
	}
	object->references++;
	object->handles++;
	ob->open++;
	ob->handles[ob->nhandles] = (struct handle){object, access};
	return (HANDLE)(uintptr_t)(FIRST_HANDLE + 4 * ob->nhandles++);
}

static struct handle *slot(HANDLE handle)
{
	uint64_t number = (uint64_t)(uintptr_t)handle - FIRST_HANDLE;

	if (number % 4 || number / 4 >= us_nt->ob->nhandles || !us_nt->ob->handles[number / 4].object)
		return NULL;
	return &us_nt->ob->handles[number / 4];
}

NTSTATUS us_ob_from_handle(HANDLE handle, const struct us_ob_type *type, void *object)
{
	struct handle *h = slot(handle);

	if (!h)
		return STATUS_INVALID_HANDLE;
	if (type && h->object->type != type)
		return STATUS_OBJECT_TYPE_MISMATCH;
	memcpy(object, &h->object->body, sizeof(void *));
	return STATUS_SUCCESS;
}

size_t us_ob_leaks(char *text, size_t size)
{
	size_t shown = 0, at = 0;

	if (size)
		*text = '\0';
	for (size_t i = 0; i < us_nt->ob->nhandles; i++) {
		const struct handle *h = &us_nt->ob->handles[i];

		if (!h->object || shown++ >= 4 || at >= size)
			continue;
		at += (size_t)snprintf(text + at, size - at, "%sa handle to a %s", shown > 1 ? ", " : "",
				       h->object->type->name);
	}
	return us_nt->ob->open;
}

/* -- what drivers call -------------------------------------------------------------------------------------------- */

LONG_PTR NTAPI ObfReferenceObject(PVOID object)
{
	return us_ob_reference(object);
}

LONG_PTR NTAPI ObfDereferenceObject(PVOID object)
{
	return us_ob_dereference(object);
}

LONG_PTR NTAPI ObfReferenceObjectWithTag(PVOID object, ULONG tag)
{
	(void)tag;
	return us_ob_reference(object);
}

LONG_PTR NTAPI ObfDereferenceObjectWithTag(PVOID object, ULONG tag)
{
	(void)tag;
	return us_ob_dereference(object);
}

NTSTATUS NTAPI ObReferenceObjectByPointer(PVOID object, ACCESS_MASK access, POBJECT_TYPE type, KPROCESSOR_MODE mode)
{
	(void)access;
	if (must_find(object, "ObReferenceObjectByPointer")->type != (const struct us_ob_type *)type &&
	    (type || mode != KernelMode))
		return STATUS_OBJECT_TYPE_MISMATCH;
	us_ob_reference(object);
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI ObReferenceObjectByHandle(HANDLE handle, ACCESS_MASK access, POBJECT_TYPE type, KPROCESSOR_MODE mode,
					 PVOID *object, POBJECT_HANDLE_INFORMATION information)
{
	struct handle *h = slot(handle);

	*object = NULL;
	if (!h || mode != KernelMode) /* there are none of user mode */
		return STATUS_INVALID_HANDLE;
	if (type && h->object->type != (const struct us_ob_type *)type)
		return STATUS_OBJECT_TYPE_MISMATCH;
	(void)access; /* kernel mode is not asked for its rights */
	if (information) {
		information->HandleAttributes = 0;
		information->GrantedAccess = h->access;
	}
	us_ob_reference(h->object->body);
	*object = h->object->body;
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI ZwClose(HANDLE handle)
{
	struct handle *h = slot(handle);
	struct object *object;

	if (!h) /* Windows does this for kernel handles: INVALID_KERNEL_HANDLE */
		us_nt_bugcheck(0x93, (uintptr_t)handle, 0, 0, 0, "handle.invalid",
			       "ZwClose of %#llx, which is no open handle: never opened, or closed before.",
			       (unsigned long long)(uintptr_t)handle);
	object = h->object;
	h->object = NULL;
	us_nt->ob->open--;
	if (!--object->handles && object->type->last_handle)
		object->type->last_handle(object->body);
	us_ob_dereference(object->body);
	return STATUS_SUCCESS;
}
