/* SPDX-License-Identifier: Apache-2.0 */
/* Keys by path: RtlQueryRegistryValues and its like. */
#include "nt/kernel.h"
#include "nt/phys.h"
#include "nt/registry.h"

#define FLAG_TYPECHECK 0x100u /* RTL_QUERY_REGISTRY_TYPECHECK: the expected type is in the top byte of DefaultType */
#define TAG 0x526c7452 /* RtlR */

static UNICODE_STRING wide(PCWSTR text)
{
	size_t n = 0;

	while (text && text[n])
		n++;
	return (UNICODE_STRING){(USHORT)(n * sizeof(WCHAR)), (USHORT)(n * sizeof(WCHAR)), (WCHAR *)(uintptr_t)text};
}

/* The key of a path relative to one of the well-known ones, or to a handle. */
static NTSTATUS key_of(ULONG relative, PCWSTR path, bool make, struct us_key **key)
{
	static const WCHAR *const roots[RTL_REGISTRY_MAXIMUM] = {
		NULL,
		US_REGISTRY_SERVICES,
		L"\\Registry\\Machine\\System\\CurrentControlSet\\Control",
		L"\\Registry\\Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion",
		L"\\Registry\\Machine\\Hardware\\DeviceMap",
		L"\\Registry\\User\\.Default",
	};
	UNICODE_STRING string = wide(path);
	struct us_key *from = NULL;
	NTSTATUS status;

	if (relative & RTL_REGISTRY_HANDLE) {
		status = us_registry_from_handle((HANDLE)(uintptr_t)path, key);
		return status;
	}
	relative &= ~(ULONG)RTL_REGISTRY_OPTIONAL;
	if (relative >= RTL_REGISTRY_MAXIMUM)
		return STATUS_INVALID_PARAMETER;
	if (roots[relative])
		from = us_registry_key_of(roots[relative], true);
	*key = us_registry_key(from, &string, make, NULL);
	return *key ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
}

NTSTATUS NTAPI RtlCheckRegistryKey(ULONG relative, PWSTR path)
{
	struct us_key *key;

	return key_of(relative, path, false, &key);
}

NTSTATUS NTAPI RtlCreateRegistryKey(ULONG relative, PWSTR path)
{
	struct us_key *key;

	return key_of(relative, path, true, &key);
}

NTSTATUS NTAPI RtlWriteRegistryValue(ULONG relative, PCWSTR path, PCWSTR name, ULONG type, PVOID data, ULONG size)
{
	UNICODE_STRING string = wide(name);
	struct us_key *key;
	NTSTATUS status = key_of(relative, path, true, &key);

	if (NT_SUCCESS(status))
		us_registry_set(key, &string, type, data, size);
	return status;
}

NTSTATUS NTAPI RtlDeleteRegistryValue(ULONG relative, PCWSTR path, PCWSTR name)
{
	UNICODE_STRING string = wide(name);
	struct us_key *key;
	NTSTATUS status = key_of(relative, path, false, &key);

	if (!NT_SUCCESS(status))
		return status;
	return us_registry_delete_value(key, &string) ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
}

/* -- RtlQueryRegistryValues --------------------------------------------------------------------------------------- */

struct found {
	UNICODE_STRING name;
	ULONG type, size;
	const void *data;
};

static bool is_string(ULONG type)
{
	return type == REG_SZ || type == REG_EXPAND_SZ || type == REG_MULTI_SZ;
}

/*
 * RTL_QUERY_REGISTRY_DIRECT: a string goes into a UNICODE_STRING, a number of 4 bytes or less to where the entry
 * points.
 */
static NTSTATUS give_directly(const struct found *f, PVOID context)
{
	UNICODE_STRING *string = context;
	LONG room;

	if (is_string(f->type)) {
		if (string->Buffer && string->MaximumLength < f->size)
			return STATUS_BUFFER_TOO_SMALL;
		if (!string->Buffer) {
			string->Buffer = us_nt_pool_for_driver(f->size, TAG);
			string->MaximumLength = (USHORT)f->size;
			if (!string->Buffer)
				return STATUS_NO_MEMORY;
		}
		memcpy(string->Buffer, f->data, f->size);
		string->Length = (USHORT)(f->size - (f->size >= sizeof(WCHAR) ? sizeof(WCHAR) : 0));
		return STATUS_SUCCESS;
	}
	if (f->size <= sizeof(ULONG)) {
		memcpy(context, f->data, f->size);
		return STATUS_SUCCESS;
	}
	/* Longer: the buffer begins with how long it is, negated, and gets the data from there on. */
	memcpy(&room, context, sizeof(room));
	if (room >= 0 || (ULONG)-room < f->size)
		return STATUS_BUFFER_TOO_SMALL;
	memcpy(context, f->data, f->size);
	return STATUS_SUCCESS;
}

static NTSTATUS call_routine(const RTL_QUERY_REGISTRY_TABLE *entry, const struct found *f, PVOID context)
{
	size_t bytes = f->name.Length + sizeof(WCHAR), data = (bytes + 15) & ~(size_t)15;
	uint8_t *copy = us_nt_pool_alloc(data + f->size + sizeof(WCHAR), TAG);
	NTSTATUS status;

	if (!copy)
		return STATUS_NO_MEMORY;
	memset(copy, 0, data + f->size + sizeof(WCHAR));
	memcpy(copy, f->name.Buffer, f->name.Length);
	if (f->size)
		memcpy(copy + data, f->data, f->size);
	status = US_CALL("QueryRoutine", entry->QueryRoutine, (PWSTR)(void *)copy, f->type,
			 f->type == REG_NONE ? NULL : copy + data, f->size, context, entry->EntryContext);
	us_nt_pool_free(copy);
	return status;
}

/* REG_MULTI_SZ is given to a routine string by string, unless the entry says otherwise. */
static NTSTATUS call_for_each_string(const RTL_QUERY_REGISTRY_TABLE *entry, const struct found *f, PVOID context)
{
	const WCHAR *text = f->data;
	size_t left = f->size / sizeof(WCHAR);
	NTSTATUS status = STATUS_SUCCESS;

	while (left && *text && NT_SUCCESS(status)) {
		size_t n = 0;

		while (n < left && text[n])
			n++;
		status = call_routine(entry, &(struct found){f->name, REG_SZ, (ULONG)((n + 1) * sizeof(WCHAR)), text},
				      context);
		text += n + (n < left);
		left -= n + (n < left);
	}
	return status;
}

static NTSTATUS give(const RTL_QUERY_REGISTRY_TABLE *entry, const struct found *f, PVOID context)
{
	ULONG expected = entry->DefaultType >> 24;

	if (f->type == REG_EXPAND_SZ && !(entry->Flags & RTL_QUERY_REGISTRY_NOEXPAND))
		us_nt_unsupported(
			"RtlQueryRegistryValues: the value %s is a REG_EXPAND_SZ, and the stage has no environment to "
			"expand it with (RTL_QUERY_REGISTRY_NOEXPAND gives it as it is).",
			us_nt_ascii(&f->name));
	if (entry->Flags & RTL_QUERY_REGISTRY_DIRECT) {
		if ((entry->Flags & FLAG_TYPECHECK) && expected != REG_NONE && expected != f->type)
			return STATUS_OBJECT_TYPE_MISMATCH;
		return entry->EntryContext ? give_directly(f, entry->EntryContext) : STATUS_INVALID_PARAMETER;
	}
	if (!entry->QueryRoutine)
		return STATUS_INVALID_PARAMETER;
	if (f->type == REG_MULTI_SZ && !(entry->Flags & RTL_QUERY_REGISTRY_NOEXPAND))
		return call_for_each_string(entry, f, context);
	return call_routine(entry, f, context);
}

static NTSTATUS default_of(const RTL_QUERY_REGISTRY_TABLE *entry, PVOID context)
{
	ULONG type = entry->DefaultType & 0xffffff, size = entry->DefaultLength;

	if (entry->Flags & RTL_QUERY_REGISTRY_REQUIRED)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	if (type == REG_NONE || !entry->DefaultData)
		return STATUS_SUCCESS;
	if (!size && (type == REG_SZ || type == REG_EXPAND_SZ))
		size = wide(entry->DefaultData).Length + (ULONG)sizeof(WCHAR);
	return give(entry, &(struct found){wide(entry->Name), type, size, entry->DefaultData}, context);
}

static NTSTATUS query_all(struct us_key *key, const RTL_QUERY_REGISTRY_TABLE *entry, PVOID context)
{
	NTSTATUS status = STATUS_SUCCESS;

	for (struct us_key_value *v = key->values, *next; v && NT_SUCCESS(status); v = next) {
		next = v->next;
		status = give(entry, &(struct found){v->name, v->type, v->size, v->data}, context);
	}
	return status;
}

static NTSTATUS query_entry(struct us_key *key, const RTL_QUERY_REGISTRY_TABLE *entry, PVOID context)
{
	UNICODE_STRING name = wide(entry->Name);
	struct us_key_value *v;
	NTSTATUS status;

	if (entry->Flags & RTL_QUERY_REGISTRY_NOVALUE)
		return call_routine(entry, &(struct found){name, REG_NONE, 0, NULL}, context);
	if (!entry->Name)
		return entry->Flags & RTL_QUERY_REGISTRY_DIRECT ? STATUS_INVALID_PARAMETER
								: query_all(key, entry, context);
	v = us_registry_value(key, &name);
	if (!v)
		return default_of(entry, context);
	status = give(entry, &(struct found){v->name, v->type, v->size, v->data}, context);
	if (NT_SUCCESS(status) && (entry->Flags & RTL_QUERY_REGISTRY_DELETE))
		us_registry_delete_value(key, &name);
	return status;
}

NTSTATUS NTAPI RtlQueryRegistryValues(ULONG relative, PCWSTR path, PRTL_QUERY_REGISTRY_TABLE table, PVOID context,
				      PVOID environment)
{
	struct us_key *top, *key;
	NTSTATUS status = key_of(relative, path, false, &top);

	(void)environment;
	if (!NT_SUCCESS(status))
		return relative & RTL_REGISTRY_OPTIONAL ? STATUS_SUCCESS : status;
	key = top;
	for (; NT_SUCCESS(status) &&
	       (table->QueryRoutine || (table->Flags & (RTL_QUERY_REGISTRY_SUBKEY | RTL_QUERY_REGISTRY_DIRECT)));
	     table++) {
		UNICODE_STRING name = wide(table->Name);

		if (table->Flags & (RTL_QUERY_REGISTRY_TOPKEY | RTL_QUERY_REGISTRY_SUBKEY))
			key = top;
		if (!(table->Flags & RTL_QUERY_REGISTRY_SUBKEY)) {
			status = query_entry(key, table, context);
			continue;
		}
		if (!table->Name)
			return STATUS_INVALID_PARAMETER;
		key = us_registry_key(top, &name, false, NULL);
		if (!key)
			return table->Flags & RTL_QUERY_REGISTRY_REQUIRED ? STATUS_OBJECT_NAME_NOT_FOUND
									  : STATUS_SUCCESS;
		if (table->QueryRoutine)
			status = query_all(key, table, context);
	}
	return status;
}
