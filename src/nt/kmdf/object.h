/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Framework objects: what every WDF object has. A handle that a driver holds is the address of the object's struct, which
 * begins with struct us_wdf_object and lies in the pool. us_wdf_from() turns handles into objects and is severe with those that
 * are none, or of another kind, or deleted.
 *
 * Life (Microsoft, "Framework Object Life Cycle"): an object is created with one reference, under a parent. Deleting it, or its
 * parent, first calls the cleanup callbacks from the leaves up (children before parents, at PASSIVE_LEVEL where the type or
 * attributes want that), then takes the first reference back; when the last reference goes, the destroy callbacks are called
 * and the memory is freed. In a tree, deletion disposes of all descendants before any of them is destroyed.
 */
#ifndef UNDERSTUDY_NT_KMDF_OBJECT_H
#define UNDERSTUDY_NT_KMDF_OBJECT_H

#include "nt/ntdefs.h"

#include <wdf.h>

#include "nt/gate.h"
#include "nt/stage.h"

struct us_wdf_object;

/* A kind of object. */
struct us_wdf_type {
	const char *name; /* "WDFREQUEST" */
	size_t size; /* of its struct */
	bool deletable; /* by the driver, with WdfObjectDelete */
	bool passive_cleanup; /* cleanup and destroy callbacks are called at PASSIVE_LEVEL, from a work item if need be */
	/* Before the driver's cleanup callback (stop what could still call the driver); after the last reference went. May be NULL. */
	void (*dispose)(struct us_wdf_object *object);
	void (*destroy)(struct us_wdf_object *object);
};

struct us_wdf_context {
	struct us_wdf_context *next;
	PCWDF_OBJECT_CONTEXT_TYPE_INFO info;
	PFN_WDF_OBJECT_CONTEXT_CLEANUP cleanup;
	PFN_WDF_OBJECT_CONTEXT_DESTROY destroy;
	/* the driver's bytes follow, aligned to 16 */
};

struct us_wdf_object {
	uint32_t magic;
	const struct us_wdf_type *type;
	struct us_wdf_object *parent;
	LIST_ENTRY children, sibling;
	LONG references;
	enum { US_WDF_ALIVE, US_WDF_DISPOSING, US_WDF_DELETED } life;
	unsigned number; /* counted from 1 for each type: how traces and reports name it, "WDFREQUEST 12" */
	struct us_wdf_context *contexts; /* the first is the one of the creating attributes */
	WDF_EXECUTION_LEVEL execution_level; /* never Inherit: resolved at creation */
	WDF_SYNCHRONIZATION_SCOPE scope; /* the same */
	struct us_wdf_lock *lock; /* of the callbacks' synchronization scope; NULL: none */
	LIST_ENTRY all; /* every object of the driver, for leaks */
};

/*
 * A new object under `parent` (or the one of the attributes, where `attributes` may name one). `attributes` may be
 * WDF_NO_OBJECT_ATTRIBUTES; wrong sizes and fields are answered as the framework does (STATUS_INFO_LENGTH_MISMATCH,
 * STATUS_WDF_PARENT_NOT_SPECIFIED, STATUS_WDF_OBJECT_ATTRIBUTES_INVALID, …). *object is the type's struct, zeroed behind the header.
 */
NTSTATUS us_wdf_create(const struct us_wdf_type *type, PWDF_OBJECT_ATTRIBUTES attributes, struct us_wdf_object *parent,
		       void *object);

/* The object behind a handle; `type` NULL: any. A bugcheck WDF_VIOLATION ("handle.invalid", "handle.deleted", "handle.type"). */
void *us_wdf_from(const void *handle, const struct us_wdf_type *type);

void us_wdf_reference(struct us_wdf_object *object);
void us_wdf_dereference(struct us_wdf_object *object);

/* Deletes an object and all below it, as the framework does by itself. */
void us_wdf_delete(struct us_wdf_object *object);

/* Adds a context of the driver's. STATUS_OBJECT_NAME_EXISTS: it has one of that type. */
NTSTATUS us_wdf_add_context(struct us_wdf_object *object, PWDF_OBJECT_ATTRIBUTES attributes, PVOID *context);

/* The nearest ancestor (or itself) of a type; NULL: none. */
void *us_wdf_ancestor(struct us_wdf_object *object, const struct us_wdf_type *type);

/*
 * The callbacks' lock of an object's synchronization scope (device or queue): a spin lock at DISPATCH_LEVEL scope, a
 * mutex-like one at passive scope; recursive for the same flow. NULL locks nothing.
 */
struct us_wdf_lock *us_wdf_lock_new(bool passive);
void us_wdf_lock(struct us_wdf_lock *lock);
void us_wdf_unlock(struct us_wdf_lock *lock);

/* "WDFREQUEST 12", in a buffer that is good until the fourth next call. */
const char *us_wdf_name(const void *object);

/* -- the types, each in the file of its name ---------------------------------------------------------------------- */

extern const struct us_wdf_type us_wdf_driver_type, us_wdf_device_type, us_wdf_queue_type, us_wdf_request_type,
	us_wdf_file_type, us_wdf_interrupt_type, us_wdf_dma_enabler_type, us_wdf_common_buffer_type,
	us_wdf_transaction_type, us_wdf_timer_type, us_wdf_dpc_type, us_wdf_work_item_type, us_wdf_spin_lock_type,
	us_wdf_wait_lock_type, us_wdf_memory_type, us_wdf_string_type, us_wdf_collection_type, us_wdf_key_type,
	us_wdf_resource_list_type, us_wdf_lookaside_type, us_wdf_io_target_type, us_wdf_general_type;

#endif
