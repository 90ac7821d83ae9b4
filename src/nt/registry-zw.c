/* SPDX-License-Identifier: Apache-2.0 */
/* Keys by handle: ZwOpenKey and its like. Kernel mode is not asked for its rights, as on Windows. */
#include "nt/kernel.h"
#include "nt/ob.h"
#include "nt/registry.h"
#include "nt/trace.h"

static NTSTATUS open_key(PHANDLE handle, ACCESS_MASK access, POBJECT_ATTRIBUTES attributes, bool make,
			 ULONG *disposition)
{
	struct us_key *from = NULL, *key;
	bool made;
	NTSTATUS status;

	if (!attributes || attributes->Length != sizeof(*attributes) || !attributes->ObjectName)
		return STATUS_INVALID_PARAMETER;
	if (attributes->RootDirectory) {
		status = us_registry_from_handle(attributes->RootDirectory, &from);
		if (!NT_SUCCESS(status))
			return status;
		if (attributes->ObjectName->Length && attributes->ObjectName->Buffer[0] == '\\')
			return STATUS_OBJECT_PATH_SYNTAX_BAD;
	} else if (!attributes->ObjectName->Length || attributes->ObjectName->Buffer[0] != '\\') {
		return STATUS_OBJECT_PATH_SYNTAX_BAD;
	}
	key = us_registry_key(from, attributes->ObjectName, make, &made);
	us_nt_trace("note      registry key %s%s: %s", from ? "…\\" : "", us_nt_ascii(attributes->ObjectName),
		    !key   ? "not there"
		    : made ? "made"
			   : "opened");
	if (!key)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	if (disposition)
		*disposition = made ? REG_CREATED_NEW_KEY : REG_OPENED_EXISTING_KEY;
	return us_registry_open(key, access, handle);
}

NTSTATUS NTAPI ZwOpenKey(PHANDLE handle, ACCESS_MASK access, POBJECT_ATTRIBUTES attributes)
{
	return open_key(handle, access, attributes, false, NULL);
}

NTSTATUS NTAPI ZwOpenKeyEx(PHANDLE handle, ACCESS_MASK access, POBJECT_ATTRIBUTES attributes, ULONG options)
{
	if (options & ~(ULONG)(REG_OPTION_OPEN_LINK | REG_OPTION_BACKUP_RESTORE))
		return STATUS_INVALID_PARAMETER;
	return open_key(handle, access, attributes, false, NULL);
}

/* The key above the last name has to be there: only one level is made at a time. */
static bool has_parent(POBJECT_ATTRIBUTES attributes)
{
	UNICODE_STRING path = *attributes->ObjectName;
	struct us_key *from = NULL;

	if (attributes->RootDirectory && !NT_SUCCESS(us_registry_from_handle(attributes->RootDirectory, &from)))
		return true; /* opening says what is wrong */
	while (path.Length && path.Buffer[path.Length / sizeof(WCHAR) - 1] == '\\')
		path.Length -= sizeof(WCHAR);
	while (path.Length && path.Buffer[path.Length / sizeof(WCHAR) - 1] != '\\')
		path.Length -= sizeof(WCHAR);
	return !path.Length || us_registry_key(from, &path, false, NULL);
}

NTSTATUS NTAPI ZwCreateKey(PHANDLE handle, ACCESS_MASK access, POBJECT_ATTRIBUTES attributes, ULONG index,
			   PUNICODE_STRING class, ULONG options, PULONG disposition)
{
	(void)index;
	(void)class;
	if (options & REG_OPTION_CREATE_LINK)
		us_nt_unsupported(
			"ZwCreateKey with REG_OPTION_CREATE_LINK: the stage's registry has no symbolic links.");
	if (attributes && attributes->ObjectName && !has_parent(attributes))
		return STATUS_OBJECT_NAME_NOT_FOUND;
	return open_key(handle, access, attributes, true, disposition);
}

NTSTATUS NTAPI ZwDeleteKey(HANDLE handle)
{
	struct us_key *key;
	NTSTATUS status = us_registry_from_handle(handle, &key);

	if (!NT_SUCCESS(status))
		return status;
	if (key->children || !key->parent)
		return STATUS_CANNOT_DELETE;
	us_registry_delete(key);
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI ZwFlushKey(HANDLE handle)
{
	struct us_key *key;

	return us_registry_from_handle(handle, &key);
}

NTSTATUS NTAPI ZwSetValueKey(HANDLE handle, PUNICODE_STRING name, ULONG index, ULONG type, PVOID data, ULONG size)
{
	struct us_key *key;
	NTSTATUS status = us_registry_from_handle(handle, &key);

	(void)index;
	if (NT_SUCCESS(status))
		us_registry_set(key, name, type, data, size);
	return status;
}

NTSTATUS NTAPI ZwDeleteValueKey(HANDLE handle, PUNICODE_STRING name)
{
	struct us_key *key;
	NTSTATUS status = us_registry_from_handle(handle, &key);

	if (!NT_SUCCESS(status))
		return status;
	return us_registry_delete_value(key, name) ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
}

/*
 * What a query answers: `fixed` bytes always, then `n` more. As documented: too small even for the fixed part gives
 * nothing, and else what fits is given with STATUS_BUFFER_OVERFLOW.
 */
static NTSTATUS answer(const void *whole, size_t fixed, size_t n, void *to, ULONG room, PULONG needed)
{
	*needed = (ULONG)(fixed + n);
	if (room < fixed)
		return STATUS_BUFFER_TOO_SMALL;
	memcpy(to, whole, room < *needed ? room : *needed);
	return room < *needed ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

static NTSTATUS give_value(const struct us_key_value *value, KEY_VALUE_INFORMATION_CLASS class, void *to, ULONG room,
			   PULONG needed)
{
	size_t head = class == KeyValueFullInformation    ? offsetof(KEY_VALUE_FULL_INFORMATION, Name)
		      : class == KeyValueBasicInformation ? offsetof(KEY_VALUE_BASIC_INFORMATION, Name)
							  : offsetof(KEY_VALUE_PARTIAL_INFORMATION, Data);
	size_t name = value->name.Length, data = (head + name + 7) & ~(size_t)7;
	uint8_t *whole = us_nt_alloc(data + value->size);
	NTSTATUS status;

	if (class == KeyValueFullInformation) {
		KEY_VALUE_FULL_INFORMATION full = {0, value->type, (ULONG)data, value->size, (ULONG)name, {0}};

		memcpy(whole, &full, head);
		memcpy(whole + head, value->name.Buffer, name);
		memcpy(whole + data, value->data, value->size);
		status = answer(whole, head, value->size ? data + value->size - head : name, to, room, needed);
	} else if (class == KeyValueBasicInformation) {
		KEY_VALUE_BASIC_INFORMATION basic = {0, value->type, (ULONG)name, {0}};

		memcpy(whole, &basic, head);
		memcpy(whole + head, value->name.Buffer, name);
		status = answer(whole, head, name, to, room, needed);
	} else {
		KEY_VALUE_PARTIAL_INFORMATION partial = {0, value->type, value->size, {0}};

		memcpy(whole, &partial, head);
		memcpy(whole + head, value->data, value->size);
		status = answer(whole, head, value->size, to, room, needed);
	}
	us_nt_free(whole);
	return status;
}

static NTSTATUS check_value_class(KEY_VALUE_INFORMATION_CLASS class)
{
	if (class != KeyValueBasicInformation && class != KeyValueFullInformation &&
	    class != KeyValuePartialInformation)
		us_nt_unsupported(
			"Registry values of information class %d: the stage has the basic, full and partial one.",
			(int)class);
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI ZwQueryValueKey(HANDLE handle, PUNICODE_STRING name, KEY_VALUE_INFORMATION_CLASS class, PVOID to,
			       ULONG room, PULONG needed)
{
	struct us_key *key;
	struct us_key_value *value;
	NTSTATUS status = us_registry_from_handle(handle, &key);

	if (!NT_SUCCESS(status))
		return status;
	check_value_class(class);
	value = us_registry_value(key, name);
	return value ? give_value(value, class, to, room, needed) : STATUS_OBJECT_NAME_NOT_FOUND;
}

NTSTATUS NTAPI ZwEnumerateValueKey(HANDLE handle, ULONG index, KEY_VALUE_INFORMATION_CLASS class, PVOID to, ULONG room,
				   PULONG needed)
{
	struct us_key *key;
	struct us_key_value *value;
	NTSTATUS status = us_registry_from_handle(handle, &key);

	if (!NT_SUCCESS(status))
		return status;
	check_value_class(class);
	for (value = key->values; value && index; index--)
		value = value->next;
	return value ? give_value(value, class, to, room, needed) : STATUS_NO_MORE_ENTRIES;
}

static void measure(const struct us_key *key, KEY_FULL_INFORMATION *full)
{
	for (const struct us_key *c = key->children; c; c = c->next) {
		full->SubKeys++;
		full->MaxNameLen = max(full->MaxNameLen, c->name.Length);
	}
	for (const struct us_key_value *v = key->values; v; v = v->next) {
		full->Values++;
		full->MaxValueNameLen = max(full->MaxValueNameLen, v->name.Length);
		full->MaxValueDataLen = max(full->MaxValueDataLen, v->size);
	}
}

static NTSTATUS give_key(const struct us_key *key, KEY_INFORMATION_CLASS class, void *to, ULONG room, PULONG needed)
{
	struct {
		KEY_BASIC_INFORMATION head;
		WCHAR more[256];
	} basic = {.head = {.NameLength = key->name.Length}};
	KEY_FULL_INFORMATION full = {.ClassOffset = (ULONG)-1};

	if (class == KeyBasicInformation) {
		memcpy((uint8_t *)&basic + offsetof(KEY_BASIC_INFORMATION, Name), key->name.Buffer,
		       min(key->name.Length, sizeof(basic.more)));
		return answer(&basic, offsetof(KEY_BASIC_INFORMATION, Name), key->name.Length, to, room, needed);
	}
	if (class != KeyFullInformation)
		us_nt_unsupported("Registry keys of information class %d: the stage has the basic and the full one.",
				  (int)class);
	measure(key, &full);
	return answer(&full, offsetof(KEY_FULL_INFORMATION, Class), 0, to, room, needed);
}

NTSTATUS NTAPI ZwQueryKey(HANDLE handle, KEY_INFORMATION_CLASS class, PVOID to, ULONG room, PULONG needed)
{
	struct us_key *key;
	NTSTATUS status = us_registry_from_handle(handle, &key);

	return NT_SUCCESS(status) ? give_key(key, class, to, room, needed) : status;
}

NTSTATUS NTAPI ZwEnumerateKey(HANDLE handle, ULONG index, KEY_INFORMATION_CLASS class, PVOID to, ULONG room,
			      PULONG needed)
{
	struct us_key *key;
	NTSTATUS status = us_registry_from_handle(handle, &key);

	if (!NT_SUCCESS(status))
		return status;
	for (key = key->children; key && index; index--)
		key = key->next;
	return key ? give_key(key, class, to, room, needed) : STATUS_NO_MORE_ENTRIES;
}

#define US_EXPORT_REGISTRY(name, types) US_EXPORT(name, PASSIVE_LEVEL, types)

const struct us_export us_nt_registry_exports[] = {
	US_EXPORT_REGISTRY(ZwOpenKey, "s:pxp"),
	US_EXPORT_REGISTRY(ZwOpenKeyEx, "s:pxpx"),
	US_EXPORT_REGISTRY(ZwCreateKey, "S:pxpuwxp"),
	US_EXPORT_REGISTRY(ZwDeleteKey, "s:q"),
	US_EXPORT_REGISTRY(ZwFlushKey, "s:q"),
	US_EXPORT_REGISTRY(ZwSetValueKey, "S:qwuupu"),
	US_EXPORT_REGISTRY(ZwDeleteValueKey, "s:qw"),
	US_EXPORT_REGISTRY(ZwQueryValueKey, "s:qwupup"),
	US_EXPORT_REGISTRY(ZwEnumerateValueKey, "s:quupup"),
	US_EXPORT_REGISTRY(ZwQueryKey, "s:qupup"),
	US_EXPORT_REGISTRY(ZwEnumerateKey, "s:quupup"),
	US_EXPORT_REGISTRY(RtlQueryRegistryValues, "s:xppqp"),
	US_EXPORT_REGISTRY(RtlWriteRegistryValue, "S:xppupu"),
	US_EXPORT_REGISTRY(RtlCreateRegistryKey, "S:xp"),
	US_EXPORT_REGISTRY(RtlCheckRegistryKey, "s:xp"),
	US_EXPORT_REGISTRY(RtlDeleteRegistryValue, "s:xpp"),
	US_EXPORT_END,
};
