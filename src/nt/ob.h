/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects: what has references and handles, be it a thread, an event, a file, a device, a driver or a registry key.
 *
 * The memory of an object is its module's, and what a driver sees of it is its address. The count of references lies
 * beside it, out of the driver's reach, so that a reference to what is no object, or no longer one, is found out
 * ("object.invalid"). Handles are kernel handles and are never given twice in a run: one that was closed stays invalid.
 */
#ifndef UNDERSTUDY_NT_OB_H
#define UNDERSTUDY_NT_OB_H

#include "nt/ntdefs.h"

/* A kind of object. What a driver knows as POBJECT_TYPE is the address of one of these. */
struct us_ob_type {
	const char *name; /* "Thread" */
	void (*last_handle)(void *object); /* the last handle was closed; NULL: nothing happens */
	void (*destroy)(void *object); /* the last reference went: frees its memory; NULL: nothing to free */
};

/* The types that several modules make objects of; the others have theirs to themselves. destroy is set by who makes them. */
extern struct us_ob_type us_ob_thread, us_ob_event, us_ob_file, us_ob_key;

/* What drivers import as PsThreadType and so on: where the address of the type is. */
enum { US_OB_THREAD, US_OB_EVENT, US_OB_FILE, US_OB_KEY, US_OB_TYPES };
extern POBJECT_TYPE us_ob_types[US_OB_TYPES];

void us_ob_init(void);

/* Makes `object` one, with one reference. */
void us_ob_add(void *object, const struct us_ob_type *type);

bool us_ob_is(const void *object, const struct us_ob_type *type); /* type NULL: any */
LONG_PTR us_ob_references(const void *object); /* 0: it is none */

/* One more and one less; a bugcheck REFERENCE_BY_POINTER for what is no object. What is left. */
LONG_PTR us_ob_reference(void *object);
LONG_PTR us_ob_dereference(void *object);

/* A handle to an object; it holds a reference of its own. */
HANDLE us_ob_handle(void *object, ACCESS_MASK access);

/* The object behind a handle, without a reference. STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH. */
NTSTATUS us_ob_from_handle(HANDLE handle, const struct us_ob_type *type, void *object);

/* Open handles as a sentence for the report of a leak, and how many. */
size_t us_ob_leaks(char *text, size_t size);

#endif
