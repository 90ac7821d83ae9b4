/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names: of devices, and symbolic links to them. Without regard to case; \DosDevices, \?? and \GLOBAL?? are one and the
 * same directory, since there is one session.
 */
#include "nt/io.h"
#include "nt/phys.h"
#include "nt/registry.h"
#include "nt/trace.h"

struct us_io_name {
	struct us_io_name *next;
	UNICODE_STRING name; /* with \?? for all the names of that directory */
	PDEVICE_OBJECT device; /* or NULL, and: */
	UNICODE_STRING target;
};

#define CHARS(string) ((string)->Length / sizeof(WCHAR))

static const WCHAR dos[] = L"\\??\\";

/* The name with the one spelling of its directory, in `text`; false: too long. */
static bool spell(PCUNICODE_STRING name, UNICODE_STRING *to, WCHAR text[256])
{
	static const WCHAR *const others[] = {L"\\DosDevices\\Global\\", L"\\DosDevices\\", L"\\GLOBAL??\\",
					      L"\\??\\Global\\"};
	UNICODE_STRING rest = *name;
	size_t at = 0;

	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		UNICODE_STRING other = {0, 0, (WCHAR *)(uintptr_t)others[i]}, begin = *name;

		while (others[i][CHARS(&other)])
			other.Length += sizeof(WCHAR);
		begin.Length = min(begin.Length, other.Length);
		if (!us_nt_same_name(&begin, &other))
			continue;
		rest.Buffer += CHARS(&other);
		rest.Length -= other.Length;
		for (; dos[at]; at++)
			text[at] = dos[at];
		break;
	}
	if (at + CHARS(&rest) > 256)
		return false;
	memcpy(text + at, rest.Buffer, rest.Length);
	*to = (UNICODE_STRING){(USHORT)(at * sizeof(WCHAR) + rest.Length), (USHORT)(256 * sizeof(WCHAR)), text};
	return true;
}

static struct us_io_name **find(const UNICODE_STRING *name)
{
	struct us_io_name **link = &us_nt->io->names;

	while (*link && !us_nt_same_name(&(*link)->name, name))
		link = &(*link)->next;
	return link;
}

static UNICODE_STRING keep(const UNICODE_STRING *from)
{
	UNICODE_STRING copy = {from->Length, from->Length, us_nt_alloc(from->Length + sizeof(WCHAR))};

	memcpy(copy.Buffer, from->Buffer, from->Length);
	return copy;
}

static NTSTATUS add(PCUNICODE_STRING name, struct us_io_name **added)
{
	WCHAR text[256];
	UNICODE_STRING spelled;
	struct us_io_name **link;

	if (!name->Length || name->Buffer[0] != '\\' || !spell(name, &spelled, text))
		return STATUS_OBJECT_PATH_SYNTAX_BAD;
	link = find(&spelled);
	if (*link)
		return STATUS_OBJECT_NAME_COLLISION;
	*link = *added = us_nt_alloc(sizeof(**link));
	(*added)->name = keep(&spelled);
	return STATUS_SUCCESS;
}

NTSTATUS us_io_name_add_device(PCUNICODE_STRING name, PDEVICE_OBJECT device)
{
	struct us_io_name *added;
	NTSTATUS status = add(name, &added);

	if (NT_SUCCESS(status))
		added->device = device;
	return status;
}

void us_io_name_remove(PCUNICODE_STRING name)
{
	WCHAR text[256];
	UNICODE_STRING spelled;
	struct us_io_name **link;

	if (!spell(name, &spelled, text))
		return;
	link = find(&spelled);
	if (*link)
		*link = (*link)->next;
}

/* The longest known name that `path` begins with, up to its end or a backslash. */
static struct us_io_name *longest(const UNICODE_STRING *path, UNICODE_STRING *rest)
{
	UNICODE_STRING begin = *path;

	while (begin.Length) {
		struct us_io_name *found = *find(&begin);

		if (found) {
			*rest = (UNICODE_STRING){path->Length - begin.Length, path->Length - begin.Length,
						 path->Buffer + CHARS(&begin)};
			return found;
		}
		do
			begin.Length -= sizeof(WCHAR);
		while (begin.Length && begin.Buffer[CHARS(&begin)] != '\\');
	}
	return NULL;
}

NTSTATUS us_io_name_find(PCUNICODE_STRING name, PDEVICE_OBJECT *device, UNICODE_STRING *rest, WCHAR text[256])
{
	UNICODE_STRING path, next;
	WCHAR other[256];

	if (!spell(name, &path, text))
		return STATUS_OBJECT_NAME_INVALID;
	for (unsigned links = 0; links < 32; links++) {
		struct us_io_name *found = longest(&path, rest);

		if (!found)
			return STATUS_OBJECT_NAME_NOT_FOUND;
		*device = found->device;
		if (found->device)
			return STATUS_SUCCESS;
		if (CHARS(&found->target) + CHARS(rest) > 256)
			return STATUS_OBJECT_NAME_INVALID;
		memcpy(other, found->target.Buffer, found->target.Length);
		memcpy(other + CHARS(&found->target), rest->Buffer, rest->Length);
		next = (UNICODE_STRING){found->target.Length + rest->Length, sizeof(other), other};
		if (!spell(&next, &path, text))
			return STATUS_OBJECT_NAME_INVALID;
	}
	return STATUS_OBJECT_NAME_INVALID; /* links in a circle */
}

size_t us_io_name_leaks(char *text, size_t size)
{
	size_t n = 0;

	if (size)
		*text = '\0';
	for (struct us_io_name *name = us_nt->io->names; name; name = name->next)
		if (!name->device && n++ == 0)
			snprintf(text, size, "the symbolic link %s", us_nt_ascii(&name->name));
	return n;
}

/* -- what drivers call -------------------------------------------------------------------------------------------- */

NTSTATUS NTAPI IoCreateSymbolicLink(PUNICODE_STRING link, PUNICODE_STRING target)
{
	struct us_io_name *added;
	NTSTATUS status = add(link, &added);

	if (!NT_SUCCESS(status))
		return status;
	added->target = keep(target);
	us_nt_trace("note      symbolic link %s to %s", us_nt_ascii(link), us_nt_ascii(target));
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI IoCreateUnprotectedSymbolicLink(PUNICODE_STRING link, PUNICODE_STRING target)
{
	return IoCreateSymbolicLink(link, target);
}

NTSTATUS NTAPI IoDeleteSymbolicLink(PUNICODE_STRING link)
{
	WCHAR text[256];
	UNICODE_STRING spelled;
	struct us_io_name **found;

	if (!spell(link, &spelled, text))
		return STATUS_OBJECT_NAME_NOT_FOUND;
	found = find(&spelled);
	if (!*found)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	if ((*found)->device)
		return STATUS_OBJECT_TYPE_MISMATCH;
	us_nt_trace("note      symbolic link %s is deleted", us_nt_ascii(link));
	*found = (*found)->next;
	return STATUS_SUCCESS;
}
