/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device interfaces (Microsoft, "Overview of Device Interface Classes"): a class's GUID, a device, maybe a reference
 * string; together they are the name of a symbolic link, which is there while the interface is enabled. What opening it
 * says after the device's name is the reference string.
 */
#include <stdio.h>

#include "nt/io.h"
#include "nt/phys.h"
#include "nt/registry.h"
#include "nt/trace.h"

struct us_io_interface {
	struct us_io_interface *next;
	PDEVICE_OBJECT pdo;
	GUID class;
	UNICODE_STRING link; /* pool */
	bool enabled;
};

static void write_guid(char text[39], const GUID *g)
{
	snprintf(text, 39, "{%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x}", (unsigned)g->Data1, g->Data2, g->Data3,
		 g->Data4[0], g->Data4[1], g->Data4[2], g->Data4[3], g->Data4[4], g->Data4[5], g->Data4[6],
		 g->Data4[7]);
}

/* \??\PCI#VEN_1234&DEV_C0DE&SUBSYS_00000000&REV_01#3&11583659&0&18#{guid}\reference */
static UNICODE_STRING link_name(PDEVICE_OBJECT pdo, const GUID *class, PCUNICODE_STRING reference)
{
	char text[256], guid[39];
	size_t n;
	UNICODE_STRING link;

	write_guid(guid, class);
	snprintf(text, sizeof(text), "\\??\\%s#%s", us_nt->io->bus->instance_path(pdo), guid);
	for (char *c = text + 4; *c; c++)
		if (*c == '\\')
			*c = '#';
	n = strlen(text);
	link = us_nt_utf16(text);
	if (reference && reference->Length && link.Buffer) {
		size_t more = reference->Length / sizeof(WCHAR);
		WCHAR *longer = us_nt_pool_alloc((n + more + 2) * sizeof(WCHAR), US_IO_TAG);

		if (longer) {
			memcpy(longer, link.Buffer, n * sizeof(WCHAR));
			longer[n] = '\\';
			memcpy(longer + n + 1, reference->Buffer, reference->Length);
			longer[n + 1 + more] = 0;
		}
		us_nt_pool_free(link.Buffer);
		n += 1 + more;
		link = (UNICODE_STRING){(USHORT)(n * sizeof(WCHAR)), (USHORT)((n + 1) * sizeof(WCHAR)), longer};
	}
	return link;
}

static struct us_io_interface *find(PCUNICODE_STRING link)
{
	struct us_io_interface *i = us_nt->io->interfaces;

	while (i && !us_nt_same_name(&i->link, link))
		i = i->next;
	return i;
}

/* The caller's copy is the driver's, to be freed with RtlFreeUnicodeString. */
static NTSTATUS give_link(const UNICODE_STRING *link, PUNICODE_STRING to)
{
	to->Buffer = us_nt_pool_for_driver(link->Length + sizeof(WCHAR), US_IO_TAG);
	if (!to->Buffer)
		return STATUS_INSUFFICIENT_RESOURCES;
	to->Length = link->Length;
	to->MaximumLength = link->Length + sizeof(WCHAR);
	memcpy(to->Buffer, link->Buffer, link->Length);
	to->Buffer[link->Length / sizeof(WCHAR)] = 0;
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI IoRegisterDeviceInterface(PDEVICE_OBJECT pdo, const GUID *class, PUNICODE_STRING reference,
					 PUNICODE_STRING link)
{
	struct us_io_interface **end = &us_nt->io->interfaces;
	UNICODE_STRING name;

	if (!us_nt->io->bus->is_pdo(pdo))
		return STATUS_INVALID_DEVICE_REQUEST;
	for (size_t i = 0; reference && i < reference->Length / sizeof(WCHAR); i++)
		if (reference->Buffer[i] == '\\' || reference->Buffer[i] == '/')
			return STATUS_INVALID_DEVICE_REQUEST;
	name = link_name(pdo, class, reference);
	if (!name.Buffer)
		return STATUS_INSUFFICIENT_RESOURCES;
	if (find(&name)) { /* registering it again is fine */
		NTSTATUS status = give_link(&name, link);

		us_nt_pool_free(name.Buffer);
		return status;
	}
	while (*end)
		end = &(*end)->next;
	*end = us_nt_alloc(sizeof(**end));
	**end = (struct us_io_interface){.pdo = pdo, .class = *class, .link = name};
	us_nt_trace("note      interface %s is registered", us_nt_ascii(&name));
	return give_link(&name, link);
}

NTSTATUS NTAPI IoSetDeviceInterfaceState(PUNICODE_STRING link, BOOLEAN enable)
{
	struct us_io_interface *i = find(link);
	NTSTATUS status;

	if (!i)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	if (i->enabled == (enable != FALSE))
		return enable ? STATUS_OBJECT_NAME_EXISTS : STATUS_OBJECT_NAME_NOT_FOUND;
	if (enable)
		status = IoCreateSymbolicLink(&i->link, &us_io_device(i->pdo)->name);
	else
		status = IoDeleteSymbolicLink(&i->link);
	if (NT_SUCCESS(status))
		i->enabled = enable;
	return status;
}

/* A list of strings, each with its NUL, and one more NUL. */
NTSTATUS NTAPI IoGetDeviceInterfaces(const GUID *class, PDEVICE_OBJECT pdo, ULONG flags, PWSTR *list)
{
	size_t bytes = sizeof(WCHAR), at = 0;
	struct us_io_interface *i;

#define IS_MEANT                                                                                                       \
	(memcmp(&i->class, class, sizeof(GUID)) == 0 && (!pdo || i->pdo == pdo) &&                                     \
	 (i->enabled || (flags & DEVICE_INTERFACE_INCLUDE_NONACTIVE)))
	for (i = us_nt->io->interfaces; i; i = i->next)
		if (IS_MEANT)
			bytes += i->link.Length + sizeof(WCHAR);
	*list = us_nt_pool_for_driver(bytes, US_IO_TAG);
	if (!*list)
		return STATUS_INSUFFICIENT_RESOURCES;
	for (i = us_nt->io->interfaces; i; i = i->next)
		if (IS_MEANT) {
			memcpy(*list + at, i->link.Buffer, i->link.Length);
			at += i->link.Length / sizeof(WCHAR);
			(*list)[at++] = 0;
		}
	(*list)[at] = 0;
#undef IS_MEANT
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI IoOpenDeviceInterfaceRegistryKey(PUNICODE_STRING link, ACCESS_MASK access, PHANDLE handle)
{
	struct us_io_interface *i = find(link);
	UNICODE_STRING name;
	struct us_key *key;

	if (!i)
		return STATUS_INVALID_PARAMETER;
	name = us_nt_string_copy(&i->link);
	if (!name.Buffer)
		return STATUS_INSUFFICIENT_RESOURCES;
	for (size_t n = 0; n < name.Length / sizeof(WCHAR); n++)
		if (name.Buffer[n] == '\\')
			name.Buffer[n] = '#';
	key = us_registry_key(us_registry_key_of(US_REGISTRY_INTERFACES, true), &name, true, NULL);
	us_nt_pool_free(name.Buffer);
	name = (UNICODE_STRING){34, 34, (WCHAR *)(uintptr_t)L"Device Parameters"};
	return us_registry_open(us_registry_key(key, &name, true, NULL), access, handle);
}

NTSTATUS us_nt_io_first_interface(UNICODE_STRING *link)
{
	struct us_io_interface *i = us_nt->io->interfaces;

	while (i && !i->enabled)
		i = i->next;
	if (!i)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	*link = i->link;
	return STATUS_SUCCESS;
}

void us_io_interfaces_forget(PDEVICE_OBJECT pdo)
{
	for (struct us_io_interface **at = &us_nt->io->interfaces; *at;) {
		struct us_io_interface *i = *at;

		if (i->pdo != pdo) {
			at = &i->next;
			continue;
		}
		if (i->enabled)
			us_nt_stop(US_NT_LEAK, "interface.leak",
				   "The device is removed and its interface %s is still enabled: "
				   "IoSetDeviceInterfaceState(…, FALSE).",
				   us_nt_ascii(&i->link));
		*at = i->next;
		us_nt_pool_free(i->link.Buffer);
	}
}
