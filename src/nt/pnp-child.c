/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The children of the function's device, whose driver is a bus driver then (Microsoft, "Creating PDOs in a Bus
 * Driver", "Enumerating the Devices on a Bus").
 */
#include <stdio.h>

#include "nt/io.h"
#include "nt/phys.h"
#include "nt/pnp.h"
#include "nt/registry.h"
#include "nt/trace.h"

struct us_pnp_child {
	struct us_pnp_child *next; /* as they were reported */
	PDEVICE_OBJECT pdo;
	enum us_pnp_state state; /* US_PNP_ADDED: present, without driver; or removed, and still reported */
	bool raw;
	bool reported; /* by the answer that is being read */
	bool invalidated; /* IoInvalidateDeviceState */
	bool eject; /* IoRequestDeviceEject */
	char path[256];
};

static struct us_pnp *pnp(void)
{
	return us_nt->pnp;
}

static struct us_pnp_child *find(PDEVICE_OBJECT device)
{
	struct us_pnp_child *child = device && us_nt->pnp ? pnp()->children : NULL;

	while (child && child->pdo != device)
		child = child->next;
	return child;
}

bool us_pnp_is_child(PDEVICE_OBJECT device)
{
	return find(device) != NULL;
}

const char *us_pnp_child_path(PDEVICE_OBJECT device)
{
	return find(device)->path;
}

NTSTATUS us_pnp_child_may_open(PDEVICE_OBJECT device)
{
	return find(device)->state == US_PNP_STARTED ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE;
}

void us_pnp_child_invalidate(PDEVICE_OBJECT device)
{
	find(device)->invalidated = true;
	us_pnp_settle_soon();
}

void us_pnp_child_eject(PDEVICE_OBJECT device)
{
	us_nt_trace("note      the driver says that its child %s is to be ejected", find(device)->path);
	find(device)->eject = true;
	us_pnp_settle_soon();
}

/* -- found -------------------------------------------------------------------------------------------------------- */

/* The first string of an answer, in ASCII; those that are not there, or no ASCII, break the bus driver's promise. */
static void read_id(struct us_pnp_child *child, BUS_QUERY_ID_TYPE type, bool needed, char *to, size_t size)
{
	ULONG_PTR information = 0;
	NTSTATUS status = us_pnp_ask(child->pdo, IRP_MN_QUERY_ID, &type, sizeof(type), &information);
	const WCHAR *text = NT_SUCCESS(status) ? (const WCHAR *)information : NULL;
	size_t n = 0;

	for (; text && text[n] && n + 1 < size; n++)
		to[n] = text[n] < 127 ? (char)text[n] : '?';
	to[n] = 0;
	if (text)
		us_nt_pool_free((void *)information);
	if (!n && needed)
		us_nt_bugcheck(0xCA, 4, (uintptr_t)child->pdo, (unsigned)type, 0, "pnp.child-id",
			       "The child %s has no %s ID, by which the system could know it.",
			       us_io_device_name(child->pdo), type == BusQueryDeviceID ? "device" : "instance");
}

static void read_text(struct us_pnp_child *child)
{
	struct {
		DEVICE_TEXT_TYPE type;
		LCID locale;
	} what = {DeviceTextDescription, 0x409};
	ULONG_PTR information = 0;

	if (NT_SUCCESS(us_pnp_ask(child->pdo, IRP_MN_QUERY_DEVICE_TEXT, &what, sizeof(what), &information)) &&
	    information)
		us_nt_pool_free((void *)information);
}

/* What it has and wants of resources. A child of this bus can be given none. */
static void read_resources(struct us_pnp_child *child)
{
	ULONG_PTR information = 0;

	if (NT_SUCCESS(us_pnp_ask(child->pdo, IRP_MN_QUERY_RESOURCES, NULL, 0, &information)) && information)
		us_nt_unsupported("The child %s says that it has hardware resources (EvtDeviceResourcesQuery).",
				  child->path);
	information = 0;
	if (NT_SUCCESS(us_pnp_ask(child->pdo, IRP_MN_QUERY_RESOURCE_REQUIREMENTS, NULL, 0, &information)) &&
	    information)
		us_nt_unsupported("The child %s asks for hardware resources (EvtDeviceResourceRequirementsQuery).",
				  child->path);
}

static void start(struct us_pnp_child *child)
{
	PCM_RESOURCE_LIST lists[2] = {NULL, NULL};
	NTSTATUS status = us_pnp_ask(child->pdo, IRP_MN_START_DEVICE, lists, sizeof(lists), NULL);

	us_nt_trace("note      child %s is started: %#x", child->path, (unsigned)status);
	if (NT_SUCCESS(status))
		child->state = US_PNP_STARTED;
	else
		us_pnp_tell(child->pdo, IRP_MN_REMOVE_DEVICE);
}

/* A raw one is started as it is; another one would need a driver, and there is none. */
static void find_child(PDEVICE_OBJECT pdo)
{
	struct us_pnp_child *child = us_nt_alloc(sizeof(*child)), **end = &pnp()->children;
	char device[128], instance[100], other[128];

	*child = (struct us_pnp_child){.pdo = pdo, .state = US_PNP_ADDED, .reported = true};
	while (*end)
		end = &(*end)->next;
	*end = child;
	pdo->Flags |= DO_BUS_ENUMERATED_DEVICE;
	read_id(child, BusQueryDeviceID, true, device, sizeof(device));
	read_id(child, BusQueryInstanceID, true, instance, sizeof(instance));
	snprintf(child->path, sizeof(child->path), "%s\\%s", device, instance);
	read_id(child, BusQueryHardwareIDs, false, other, sizeof(other));
	read_id(child, BusQueryCompatibleIDs, false, other, sizeof(other));
	read_text(child);
	us_pnp_read_capabilities(pdo, &child->raw);
	read_resources(child);
	us_nt_trace("note      child %s is present%s", child->path, child->raw ? "" : ", without driver");
	if (child->raw)
		start(child);
}

/* -- gone --------------------------------------------------------------------------------------------------------- */

static void surprise(struct us_pnp_child *child)
{
	bool was_started = child->state == US_PNP_STARTED;

	if (child->state == US_PNP_SURPRISED)
		return;
	child->state = US_PNP_SURPRISED;
	if (was_started)
		us_pnp_tell(child->pdo, IRP_MN_SURPRISE_REMOVAL);
}

static void remove_child(struct us_pnp_child *child)
{
	us_nt_trace("note      child %s is removed", child->path);
	child->state = US_PNP_ADDED;
	us_pnp_tell(child->pdo, IRP_MN_REMOVE_DEVICE);
}

/* Off the list: the driver has said that it is missing, or its parent is gone. */
static void forget(struct us_pnp_child **link)
{
	struct us_pnp_child *child = *link;

	*link = child->next;
	us_io_interfaces_forget(child->pdo);
	us_nt_free(child);
}

/* -- what the driver reports -------------------------------------------------------------------------------------- */

static void read_relations(void)
{
	DEVICE_RELATION_TYPE type = BusRelations;
	struct us_pnp_child *child;
	ULONG_PTR information = 0;
	PDEVICE_RELATIONS relations;
	NTSTATUS status;

	pnp()->relations_changed = false;
	status = us_pnp_ask(pnp()->pdo, IRP_MN_QUERY_DEVICE_RELATIONS, &type, sizeof(type), &information);
	relations = NT_SUCCESS(status) ? (PDEVICE_RELATIONS)information : NULL;
	for (child = pnp()->children; child; child = child->next)
		child->reported = false;
	for (ULONG i = 0; relations && i < relations->Count; i++) {
		PDEVICE_OBJECT *pdo = relations->Objects;

		child = find(pdo[i]);
		if (child)
			child->reported = true;
		else
			find_child(pdo[i]);
		us_ob_dereference(pdo[i]);
	}
	if (relations)
		us_nt_pool_free(relations);
	for (child = pnp()->children; child; child = child->next)
		if (!child->reported)
			surprise(child);
}

void us_pnp_children_start(void)
{
	for (struct us_pnp_child *child = pnp()->children; child; child = child->next)
		if (child->state == US_PNP_STOPPED)
			start(child);
	if (pnp()->relations_changed)
		read_relations();
}

/* A failed child is removed, and stays where it is: without a driver that serves it. */
static void read_state(struct us_pnp_child *child)
{
	ULONG_PTR state = 0;

	child->invalidated = false;
	if (child->state == US_PNP_STARTED &&
	    NT_SUCCESS(us_pnp_ask(child->pdo, IRP_MN_QUERY_PNP_DEVICE_STATE, NULL, 0, &state)) &&
	    (state & PNP_DEVICE_FAILED))
		surprise(child);
}

/* It is let go unless it is in use, or its driver refuses: removed first, ejected then. */
static void eject(struct us_pnp_child *child)
{
	child->eject = false;
	if (child->state == US_PNP_SURPRISED)
		return;
	if (child->state == US_PNP_STARTED) {
		NTSTATUS status = us_pnp_ask(child->pdo, IRP_MN_QUERY_REMOVE_DEVICE, NULL, 0, NULL);

		if (!NT_SUCCESS(status) || child->pdo->ReferenceCount) {
			us_nt_trace("note      child %s is not ejected: %s", child->path,
				    NT_SUCCESS(status) ? "a file of it is open" : "its driver refuses");
			us_pnp_tell(child->pdo, IRP_MN_CANCEL_REMOVE_DEVICE);
			return;
		}
		remove_child(child);
	}
	us_nt_trace("note      child %s is ejected: %#x", child->path,
		    (unsigned)us_pnp_ask(child->pdo, IRP_MN_EJECT, NULL, 0, NULL));
}

void us_pnp_children_settle(void)
{
	struct us_pnp_child *child, **link;

	if (pnp()->relations_changed && pnp()->state == US_PNP_STARTED)
		read_relations();
	for (child = pnp()->children; child; child = child->next)
		if (child->invalidated)
			read_state(child);
	for (child = pnp()->children; child; child = child->next)
		if (child->eject)
			eject(child);
	for (link = &pnp()->children; (child = *link);) {
		if (child->state == US_PNP_SURPRISED && !child->pdo->ReferenceCount) {
			us_ob_reference(child->pdo);
			remove_child(child);
			us_ob_dereference(child->pdo);
			if (!child->reported) {
				forget(link);
				continue;
			}
		}
		link = &child->next;
	}
}

/* -- what happens to the parent ----------------------------------------------------------------------------------- */

NTSTATUS us_pnp_children_query(UCHAR minor, UCHAR cancel)
{
	NTSTATUS status = STATUS_SUCCESS;
	struct us_pnp_child *child;

	for (child = pnp()->children; child && NT_SUCCESS(status); child = child->next) {
		if (child->state != US_PNP_STARTED)
			continue;
		status = us_pnp_ask(child->pdo, minor, NULL, 0, NULL);
		if (NT_SUCCESS(status) && minor == IRP_MN_QUERY_REMOVE_DEVICE && child->pdo->ReferenceCount) {
			us_nt_trace("note      the removal is called off: a file of %s is open", child->path);
			status = STATUS_UNSUCCESSFUL;
		}
	}
	if (!NT_SUCCESS(status))
		us_pnp_children_cancel(cancel);
	return status;
}

void us_pnp_children_cancel(UCHAR minor)
{
	for (struct us_pnp_child *child = pnp()->children; child; child = child->next)
		if (child->state == US_PNP_STARTED)
			us_pnp_tell(child->pdo, minor);
}

void us_pnp_children_stop(void)
{
	for (struct us_pnp_child *child = pnp()->children; child; child = child->next)
		if (child->state == US_PNP_STARTED) {
			child->state = US_PNP_STOPPED;
			us_pnp_tell(child->pdo, IRP_MN_STOP_DEVICE);
		}
}

void us_pnp_children_surprise(void)
{
	for (struct us_pnp_child *child = pnp()->children; child; child = child->next)
		surprise(child);
}

void us_pnp_children_remove(void)
{
	for (struct us_pnp_child *child = pnp()->children; child; child = child->next)
		remove_child(child);
}

void us_pnp_children_forget(void)
{
	while (pnp()->children)
		forget(&pnp()->children);
}

bool us_pnp_children_used(void)
{
	for (struct us_pnp_child *child = pnp()->children; child; child = child->next)
		if (child->pdo->ReferenceCount)
			return true;
	return false;
}

bool us_pnp_children_wait(void)
{
	for (struct us_pnp_child *child = pnp()->children; child; child = child->next)
		if (child->state == US_PNP_SURPRISED && !child->pdo->ReferenceCount)
			return true;
	return false;
}
