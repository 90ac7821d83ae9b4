/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Children that the driver makes as a bus's driver, for the files about them: pdo.c (their making, and static ones),
 * pnp-child.c (their IRPs), child-list.c and child-find.c (lists of those that come and go).
 */
#ifndef UNDERSTUDY_NT_KMDF_CHILD_H
#define UNDERSTUDY_NT_KMDF_CHILD_H

#include "nt/kmdf/kmdf.h"

struct us_wdf_id {
	struct us_wdf_id *next;
	UNICODE_STRING text; /* pool */
};

struct us_wdf_text {
	struct us_wdf_text *next;
	LCID locale;
	UNICODE_STRING description, location; /* pool */
};

enum us_wdf_child_state {
	US_WDF_CHILD_NEW, /* not on its parent's list */
	US_WDF_CHILD_PENDING, /* on it, and the system has not asked since */
	US_WDF_CHILD_PRESENT,
	US_WDF_CHILD_MISSING, /* WdfPdoMarkMissing */
};

struct us_wdf_child {
	struct us_wdf_device *parent, *device; /* device NULL: still in its block */
	LIST_ENTRY sibling; /* parent's static_children, unless new, or on a child list */
	struct us_wdf_child_entry *entry; /* of the child list that it is on; NULL: static */
	enum us_wdf_child_state state;
	bool unreported; /* the system has been told that it is missing */
	UNICODE_STRING device_id, instance_id; /* pool; Buffer NULL: not said */
	struct us_wdf_id *hardware_ids, *compatible_ids;
	struct us_wdf_text *texts;
	LCID default_locale;
	WDF_PDO_EVENT_CALLBACKS callbacks;
	bool raw;
};

/*
 * A child list: descriptions of the children that the driver has found (Microsoft, "Dynamic Enumeration"). What it
 * reports is settled when no scan and no iteration is under way: then the system is told to ask.
 */
enum us_wdf_entry_state {
	US_WDF_ENTRY_PENDING, /* reported, and has no device yet */
	US_WDF_ENTRY_CREATED, /* has one */
	US_WDF_ENTRY_MISSING, /* settled: its device is on the way out */
};

struct us_wdf_child_entry {
	LIST_ENTRY link; /* us_wdf_child_list.entries, by number; or of those to be freed */
	struct us_wdf_child_list *list; /* referenced */
	uintptr_t number; /* grows: where an iteration is */
	enum us_wdf_entry_state state;
	bool gone; /* not found by the scan under way, or reported missing: not settled yet */
	bool fresh; /* added, and not settled yet */
	bool creating; /* EvtChildListCreateDevice is under way */
	unsigned retries;
	struct us_wdf_device *device; /* NULL: none */
	PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id; /* pool */
	PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER address; /* pool; NULL: the list has none */
};

struct us_wdf_child_list {
	struct us_wdf_object object;
	struct us_wdf_device *device; /* the parent */
	LIST_ENTRY of_device; /* us_wdf_device.child_lists */
	WDF_CHILD_LIST_CONFIG config;
	struct us_wdf_lock *guard; /* a spin lock, under which descriptions are compared and copied */
	LIST_ENTRY entries;
	uintptr_t last; /* number that was given */
	unsigned scans, iterations; /* under way */
};

/* What WdfFdoInitSetDefaultChildListConfig said. */
struct us_wdf_child_list_init {
	WDF_CHILD_LIST_CONFIG config;
	WDF_OBJECT_ATTRIBUTES attributes;
	bool has_attributes;
};

extern const struct us_wdf_type us_wdf_child_list_type;

/* The list behind a handle, locked; a bugcheck in a callback that is called under that lock. And the lock's end. */
struct us_wdf_child_list *us_wdf_child_list_enter(WDFCHILDLIST handle, const char *function);
void us_wdf_child_list_leave(struct us_wdf_child_list *list);

/*
 * Under the lock. The newest description that is this one, and not settled as missing (`missing_too`: or is); `compare`
 * NULL: as the list compares. And copies of descriptions to the driver.
 */
struct us_wdf_child_entry *us_wdf_child_find(struct us_wdf_child_list *list,
					     PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id,
					     PFN_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_COMPARE compare,
					     bool missing_too);
void us_wdf_child_copy_id(struct us_wdf_child_list *list, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER from,
			  PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER to);
void us_wdf_child_copy_address(struct us_wdf_child_list *list, PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER from,
			       PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER to);

/* The sizes are the list's; `address` NULL: right. */
bool us_wdf_child_sizes(const struct us_wdf_child_list *list, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id,
			PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER address);

/* An iteration is over: what was reported meanwhile is settled, unless another is under way. The lock is left. */
void us_wdf_child_list_settle(struct us_wdf_child_list *list);

/* Of a device that has just been created: the list that its block told of. */
NTSTATUS us_wdf_child_list_default(struct us_wdf_device *device, const struct us_wdf_child_list_init *init);

/* The parent has come to D0: EvtChildListScanForChildren of its lists. At PASSIVE_LEVEL. */
void us_wdf_child_lists_scan(struct us_wdf_device *parent);

/* The system asks for children: EvtChildListCreateDevice for those that have no device. At PASSIVE_LEVEL. */
void us_wdf_child_lists_create(struct us_wdf_device *parent);

/* Those that have one: their number at most; and they themselves. */
ULONG us_wdf_child_lists_count(struct us_wdf_device *parent);
void us_wdf_child_lists_report(struct us_wdf_device *parent, PDEVICE_RELATIONS relations);

/* Says that a child is missing (it was ejected); and the end of a description, whose device is gone. */
void us_wdf_child_entry_missing(struct us_wdf_child_entry *entry);
void us_wdf_child_entry_free(struct us_wdf_child_entry *entry);

/* pdo.c: a block for a child of that device; NULL: no memory. And a static child that is not there any more. */
struct WDFDEVICE_INIT *us_wdf_child_init(struct us_wdf_device *parent);
NTSTATUS us_wdf_child_mark_missing(struct us_wdf_device *device);

void us_wdf_child_find_functions(struct _WDF_FUNCTIONS *table);

void us_wdf_child_free(struct us_wdf_child *child); /* NULL: nothing */

/* IRP_MN_QUERY_DEVICE_RELATIONS for its children: adds those that are present to the IRP's. */
NTSTATUS us_wdf_child_relations(struct us_wdf_device *parent, PIRP irp);

/* What the bus's driver answers to an IRP of a child that has come down: its status. The IRP is not completed. */
NTSTATUS us_wdf_child_answer(struct us_wdf_device *device, PIRP irp);

/* IRP_MN_REMOVE_DEVICE has taken a child down: it is deleted if it is missing. Completes the IRP. */
NTSTATUS us_wdf_child_removed(struct us_wdf_device *device, PIRP irp);

#endif
