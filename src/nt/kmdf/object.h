/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Framework objects: what every WDF object has. A handle that a driver holds is the address of the object's struct, which
 * begins with struct us_wdf_object and lies in the pool. us_wdf_from() turns handles into objects and is severe with those that
 * are none, or of another kind, or deleted.
 *
 * Life (Microsoft, "Framework Object Life Cycle"): an object is created with one reference, under a parent. Deleting it, or its
 * parent, first calls the cleanup callbacks from the leaves up (children before parents), and only then takes the first
 * references back, children first. When an object's last reference goes, its destroy callbacks are called and the memory
 * is freed. In which order siblings go is documented to be unpredictable, and here is by chance: as they were created, or
 * the other way round. An object keeps its parent's memory alive.
 *
 * Where the type or the execution level wants PASSIVE_LEVEL for the callbacks, and the deletion or the last dereference
 * comes above it, all of that happens later in a thread of the framework's (us_wdf_later()).
 */
#ifndef UNDERSTUDY_NT_KMDF_OBJECT_H
#define UNDERSTUDY_NT_KMDF_OBJECT_H

#include "nt/ntdefs.h"

#include <wdf.h>

#include "nt/gate.h"
#include "nt/stage.h"

#define US_WDF_VIOLATION 0x10Du /* the bugcheck; its first parameter is a WDF_BUGCHECK_CODES */

#define us_wdf_violation(code, about, rule, ...)                                                                       \
	us_nt_bugcheck(US_WDF_VIOLATION, code, (uintptr_t)(about), 0, 0, rule, __VA_ARGS__)

#define US_WDF_TAG 0x72447846u /* "FxDr": of the framework's pool */

struct us_wdf_object;

/* A kind of object. What is not said is false or NULL. */
struct us_wdf_type {
	const char *name; /* "WDFREQUEST" */
	size_t size; /* of its struct */
	bool deletable; /* by the driver, with WdfObjectDelete */
	bool fixed_parent; /* attributes must not name one (STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED) */
	bool takes_level; /* attributes may say an execution level (else STATUS_WDF_EXECUTION_LEVEL_INVALID) */
	bool takes_scope; /* … a synchronization scope (else STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID) */
	bool passive_cleanup; /* cleanup and destroy callbacks are called at PASSIVE_LEVEL */
	/* For a deletable type: this one may not be deleted by the driver, because … ; NULL: it may. */
	const char *(*may_not_delete)(struct us_wdf_object *object);
	/*
	 * Before the driver's cleanup callback, children are cleaned up already: stop what could still call the driver.
	 * And after the last reference went, before the memory does.
	 */
	void (*dispose)(struct us_wdf_object *object);
	void (*destroy)(struct us_wdf_object *object);
};

/* One context; the driver's bytes follow, aligned to 16. */
struct us_wdf_context {
	struct us_wdf_context *next;
	struct us_wdf_object *object;
	PCWDF_OBJECT_CONTEXT_TYPE_INFO info; /* NULL: callbacks only */
	PFN_WDF_OBJECT_CONTEXT_CLEANUP cleanup;
	PFN_WDF_OBJECT_CONTEXT_DESTROY destroy;
	uint64_t magic;
};

/* Something that is done later, at PASSIVE_LEVEL in a thread of the framework's; embedded in what it is about. */
struct us_wdf_later {
	LIST_ENTRY link;
	void (*run)(struct us_wdf_later *later);
};

enum us_wdf_life {
	US_WDF_ALIVE,
	US_WDF_DISPOSING, /* being deleted: its cleanup is to come, under way, or done */
	US_WDF_DELETED, /* the first reference is taken back */
	US_WDF_DESTROYING, /* and the last */
};

struct us_wdf_object {
	uint64_t magic;
	const struct us_wdf_type *type;
	struct us_wdf_object *parent; /* stays until the end; NULL: the driver */
	LIST_ENTRY children, disposed; /* by creation: those alive; those cleaned up that wait to be released */
	LIST_ENTRY sibling;
	LONG references;
	LONG drivers_references; /* those of them that the driver has taken */
	struct us_wdf_tag *tags; /* under which it did */
	enum us_wdf_life life;
	bool deleted_by_driver;
	unsigned number; /* counted from 1 for each type: how traces and reports name it, "WDFREQUEST 12" */
	struct us_wdf_context *contexts; /* the first is the one of the creating attributes */
	WDF_EXECUTION_LEVEL execution_level; /* never Inherit: resolved at creation */
	WDF_SYNCHRONIZATION_SCOPE scope; /* the same */
	struct us_wdf_lock *lock; /* what its callbacks are called under; NULL: nothing */
	struct us_wdf_lock *own; /* a device's or queue's own, for the scope of that name; NULL: nobody wanted it yet */
	struct us_wdf_later later;
	LIST_ENTRY all; /* every object of the driver, for leaks */
};

/*
 * A new object under `parent`, or under the one that the attributes name. `attributes` may be WDF_NO_OBJECT_ATTRIBUTES; wrong
 * sizes and fields are answered as the framework does (STATUS_INFO_LENGTH_MISMATCH, STATUS_WDF_OBJECT_ATTRIBUTES_INVALID,
 * STATUS_WDF_PARENT_NOT_SPECIFIED when `parent` is NULL and they name none, …); a parent that is being deleted with
 * STATUS_DELETE_PENDING. *object is the type's struct, zeroed behind the header. Level and scope are the attributes', or
 * the parent's.
 */
NTSTATUS us_wdf_create(const struct us_wdf_type *type, PWDF_OBJECT_ATTRIBUTES attributes, struct us_wdf_object *parent,
		       void *object);

/*
 * The object behind a handle; `type` NULL: any. A bugcheck WDF_VIOLATION for what is none ("handle.null",
 * "handle.invalid"), is of another type ("handle.type"), or is deleted while the driver has no reference ("handle.deleted").
 */
void *us_wdf_from(const void *handle, const struct us_wdf_type *type);

/* Whether there is an object of this type (NULL: any) at an address. */
bool us_wdf_is_object(const void *handle, const struct us_wdf_type *type);

/* A pointer that must not be NULL, by name: a bugcheck as the framework's ("parameter.null"). */
void us_wdf_need(const void *pointer, const char *function, const char *parameter);

/* The framework's own references; and one that the driver gets and drops with WdfObjectDereference(). */
void us_wdf_reference(struct us_wdf_object *object);
void us_wdf_dereference(struct us_wdf_object *object);
void us_wdf_reference_for_driver(struct us_wdf_object *object);

/* Deletes an object and all below it, as the framework does by itself. What is being deleted already is left alone. */
void us_wdf_delete(struct us_wdf_object *object);

/* Checks attributes that do not create an object now (of requests, files, …) as us_wdf_create() would for a type. */
NTSTATUS us_wdf_check_attributes(const struct us_wdf_type *type, PWDF_OBJECT_ATTRIBUTES attributes);

/*
 * Adds a context of the driver's. STATUS_OBJECT_NAME_EXISTS: it has one of that type, and *context (unless NULL) is it.
 */
NTSTATUS us_wdf_add_context(struct us_wdf_object *object, PWDF_OBJECT_ATTRIBUTES attributes, PVOID *context);

/* The nearest ancestor (or itself) of a type; NULL: none. */
void *us_wdf_ancestor(struct us_wdf_object *object, const struct us_wdf_type *type);

/* "WDFREQUEST 12", in a buffer that is good until the fourth next call. */
const char *us_wdf_name(const void *object);

/* Runs it soon at PASSIVE_LEVEL, in the order of these calls; waits (below DISPATCH_LEVEL) until all that was put off is done. */
void us_wdf_later(struct us_wdf_later *later);
void us_wdf_later_flush(void);

/* -- locks (lock.c) ----------------------------------------------------------------------------------------------- */

/*
 * The callbacks' lock of an object's synchronization scope: passive, one that threads wait for, taken below
 * DISPATCH_LEVEL with APCs off; or a spin lock, held at DISPATCH_LEVEL. Recursive for the same flow; unlocking what one does
 * not hold is a bugcheck. NULL locks nothing.
 */
struct us_wdf_lock *us_wdf_lock_new(bool passive, struct us_wdf_object *owner);
void us_wdf_lock(struct us_wdf_lock *lock);
void us_wdf_unlock(struct us_wdf_lock *lock);
bool us_wdf_try_lock(struct us_wdf_lock *lock); /* passive ones: true, or somebody else has it */
bool us_wdf_lock_is_passive(const struct us_wdf_lock *lock);
bool us_wdf_lock_is_mine(const struct us_wdf_lock *lock); /* this flow has it */

/* A device's or queue's own lock, made when first wanted. */
struct us_wdf_lock *us_wdf_own_lock(struct us_wdf_object *object);

/* -- the types, each in the file of its name ---------------------------------------------------------------------- */

extern const struct us_wdf_type us_wdf_driver_type, us_wdf_device_type, us_wdf_queue_type, us_wdf_request_type,
	us_wdf_file_type, us_wdf_interrupt_type, us_wdf_dma_enabler_type, us_wdf_common_buffer_type,
	us_wdf_transaction_type, us_wdf_timer_type, us_wdf_dpc_type, us_wdf_work_item_type, us_wdf_spin_lock_type,
	us_wdf_wait_lock_type, us_wdf_memory_type, us_wdf_string_type, us_wdf_collection_type, us_wdf_key_type,
	us_wdf_resource_list_type, us_wdf_lookaside_type, us_wdf_io_target_type, us_wdf_general_type;

#endif
