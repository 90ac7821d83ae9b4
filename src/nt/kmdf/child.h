/* SPDX-License-Identifier: Apache-2.0 */
/* A child that the driver makes as a bus's driver, for the files about it: pdo.c (its making) and pnp-child.c (its
 * IRPs). */
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
	LIST_ENTRY sibling; /* parent's static_children, unless new */
	enum us_wdf_child_state state;
	bool unreported; /* the system has been told that it is missing */
	UNICODE_STRING device_id, instance_id; /* pool; Buffer NULL: not said */
	struct us_wdf_id *hardware_ids, *compatible_ids;
	struct us_wdf_text *texts;
	LCID default_locale;
	WDF_PDO_EVENT_CALLBACKS callbacks;
	bool raw;
};

void us_wdf_child_free(struct us_wdf_child *child); /* NULL: nothing */

/* IRP_MN_QUERY_DEVICE_RELATIONS for its children: adds those that are present to the IRP's. */
NTSTATUS us_wdf_child_relations(struct us_wdf_device *parent, PIRP irp);

/* What the bus's driver answers to an IRP of a child that has come down: its status. The IRP is not completed. */
NTSTATUS us_wdf_child_answer(struct us_wdf_device *device, PIRP irp);

/* IRP_MN_REMOVE_DEVICE has taken a child down: it is deleted if it is missing. Completes the IRP. */
NTSTATUS us_wdf_child_removed(struct us_wdf_device *device, PIRP irp);

#endif
