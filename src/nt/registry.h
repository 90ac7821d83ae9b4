/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry: keys and values in memory, gone with the run. What config->registry says lies where the INF would have
 * put it; drivers see it by Zw and Rtl functions (registry-zw.c, registry-rtl.c).
 */
#ifndef UNDERSTUDY_NT_REGISTRY_H
#define UNDERSTUDY_NT_REGISTRY_H

#include "nt/ntdefs.h"

#define US_REGISTRY_SERVICES L"\\Registry\\Machine\\System\\CurrentControlSet\\Services"
#define US_REGISTRY_ENUM L"\\Registry\\Machine\\System\\CurrentControlSet\\Enum"
#define US_REGISTRY_CLASS L"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\Class"
#define US_REGISTRY_INTERFACES L"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\DeviceClasses"

struct us_key_value {
	struct us_key_value *next;
	UNICODE_STRING name;
	ULONG type, size;
	uint8_t *data;
};

struct us_key {
	UNICODE_STRING name;
	struct us_key *parent, *children, *next; /* children in the order of their names */
	struct us_key_value *values; /* in the order in which they were set first */
	bool deleted; /* only open handles still know it */
};

/*
 * The key of a path below `from` (NULL: the root, and the path begins with \Registry), made where `make` says so. NULL:
 * there is none. *made, unless NULL: it is new.
 */
struct us_key *us_registry_key(struct us_key *from, const UNICODE_STRING *path, bool make, bool *made);
struct us_key *us_registry_key_of(const WCHAR *path, bool make);

struct us_key_value *us_registry_value(struct us_key *key, const UNICODE_STRING *name);
void us_registry_set(struct us_key *key, const UNICODE_STRING *name, ULONG type, const void *data, ULONG size);
bool us_registry_delete_value(struct us_key *key, const UNICODE_STRING *name);
void us_registry_delete(struct us_key *key); /* which has no children */

/* A kernel handle to a key. */
NTSTATUS us_registry_open(struct us_key *key, ACCESS_MASK access, HANDLE *handle);
NTSTATUS us_registry_from_handle(HANDLE handle, struct us_key **key); /* STATUS_KEY_DELETED, too */

/* Puts the values of config->registry whose key is `area` ("Device") or below it under `key`. */
void us_registry_fill(struct us_key *key, const char *area);

/* UTF-8 as UTF-16 with a NUL behind it, in the pool; the caller frees its Buffer (us_nt_pool_free()). */
UNICODE_STRING us_nt_utf16(const char *text);
/* Pool that becomes the driver's own: what it is given to free. NULL: no memory. */
void *us_nt_pool_for_driver(size_t size, uint32_t tag);

/* A copy of a string in the pool, with a NUL behind it. Buffer NULL: no memory. */
UNICODE_STRING us_nt_string_copy(const UNICODE_STRING *from);
/* For traces: the string as ASCII, `?` for what is not; in a buffer that is good until the eighth next call. */
const char *us_nt_ascii(const UNICODE_STRING *string);
bool us_nt_same_name(const UNICODE_STRING *a, const UNICODE_STRING *b); /* without regard to case */

#endif
