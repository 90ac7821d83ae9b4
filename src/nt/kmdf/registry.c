/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registry keys as objects, and their values by type.
 */
#include "nt/kernel.h"
#include "nt/kmdf/kmdf.h"
#include "nt/phys.h"

#define TAG 0x4b447846u /* "FxDK" */

struct key {
	struct us_wdf_object object;
	HANDLE handle; /* NULL: closed */
};

static void close_key(struct us_wdf_object *object)
{
	struct key *key = (struct key *)object;

	if (key->handle)
		ZwClose(key->handle);
	key->handle = NULL;
}

const struct us_wdf_type us_wdf_key_type = {
	.name = "WDFKEY",
	.size = sizeof(struct key),
	.deletable = true,
	.passive_cleanup = true,
	.destroy = close_key,
};

static struct key *from(WDFKEY handle)
{
	return us_wdf_from(handle, &us_wdf_key_type);
}

NTSTATUS us_wdf_key_new(HANDLE handle, PWDF_OBJECT_ATTRIBUTES attributes, WDFKEY *result)
{
	struct key *key;
	NTSTATUS status = us_wdf_create(&us_wdf_key_type, attributes, us_wdf_driver_object(), &key);

	if (!NT_SUCCESS(status)) {
		ZwClose(handle);
		return status;
	}
	key->handle = handle;
	*result = (WDFKEY)key;
	return STATUS_SUCCESS;
}

/* -- keys --------------------------------------------------------------------------------------------------------- */

static void describe(OBJECT_ATTRIBUTES *object, WDFKEY parent, PCUNICODE_STRING name)
{
	InitializeObjectAttributes(object, (PUNICODE_STRING)(uintptr_t)name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
				   parent ? from(parent)->handle : NULL, NULL);
}

static NTSTATUS NTAPI open_key(PWDF_DRIVER_GLOBALS globals, WDFKEY parent, PCUNICODE_STRING name, ACCESS_MASK access,
			       PWDF_OBJECT_ATTRIBUTES attributes, WDFKEY *key)
{
	OBJECT_ATTRIBUTES object;
	NTSTATUS status;
	HANDLE handle;

	(void)globals;
	us_wdf_need(name, "WdfRegistryOpenKey", "KeyName");
	us_wdf_need(key, "WdfRegistryOpenKey", "Key");
	*key = NULL;
	describe(&object, parent, name);
	status = ZwOpenKey(&handle, access, &object);
	return NT_SUCCESS(status) ? us_wdf_key_new(handle, attributes, key) : status;
}

static NTSTATUS NTAPI create_key(PWDF_DRIVER_GLOBALS globals, WDFKEY parent, PCUNICODE_STRING name, ACCESS_MASK access,
				 ULONG options, PULONG disposition, PWDF_OBJECT_ATTRIBUTES attributes, WDFKEY *key)
{
	OBJECT_ATTRIBUTES object;
	NTSTATUS status;
	HANDLE handle;

	(void)globals;
	us_wdf_need(name, "WdfRegistryCreateKey", "KeyName");
	us_wdf_need(key, "WdfRegistryCreateKey", "Key");
	*key = NULL;
	describe(&object, parent, name);
	status = ZwCreateKey(&handle, access, &object, 0, NULL, options, disposition);
	return NT_SUCCESS(status) ? us_wdf_key_new(handle, attributes, key) : status;
}

static void NTAPI close(PWDF_DRIVER_GLOBALS globals, WDFKEY handle)
{
	struct key *key = from(handle);

	(void)globals;
	close_key(&key->object);
	us_wdf_delete(&key->object);
}

static HANDLE NTAPI get_handle(PWDF_DRIVER_GLOBALS globals, WDFKEY handle)
{
	(void)globals;
	return from(handle)->handle;
}

static NTSTATUS NTAPI remove_key(PWDF_DRIVER_GLOBALS globals, WDFKEY handle)
{
	struct key *key = from(handle);
	NTSTATUS status = ZwDeleteKey(key->handle);

	(void)globals;
	if (NT_SUCCESS(status))
		us_wdf_delete(&key->object);
	return status;
}

static NTSTATUS NTAPI remove_value(PWDF_DRIVER_GLOBALS globals, WDFKEY handle, PCUNICODE_STRING name)
{
	(void)globals;
	us_wdf_need(name, "WdfRegistryRemoveValue", "ValueName");
	return ZwDeleteValueKey(from(handle)->handle, (PUNICODE_STRING)(uintptr_t)name);
}

/* -- reading ------------------------------------------------------------------------------------------------------ */

/* A whole value, in a piece of pool; *value is NULL when there is none. */
static NTSTATUS read(WDFKEY handle, PCUNICODE_STRING name, KEY_VALUE_PARTIAL_INFORMATION **value, const char *function)
{
	struct key *key = from(handle);
	PUNICODE_STRING name_ = (PUNICODE_STRING)(uintptr_t)name;
	ULONG size = 0;
	NTSTATUS status;

	us_wdf_need(name, function, "ValueName");
	*value = NULL;
	status = ZwQueryValueKey(key->handle, name_, KeyValuePartialInformation, NULL, 0, &size);
	if (status != STATUS_BUFFER_TOO_SMALL && status != STATUS_BUFFER_OVERFLOW)
		return NT_SUCCESS(status) ? STATUS_UNSUCCESSFUL : status;
	*value = us_nt_pool_alloc(size, TAG);
	if (!*value)
		return STATUS_INSUFFICIENT_RESOURCES;
	status = ZwQueryValueKey(key->handle, name_, KeyValuePartialInformation, *value, size, &size);
	if (!NT_SUCCESS(status)) {
		us_wdf_pool_free(*value);
		*value = NULL;
	}
	return status;
}

static NTSTATUS NTAPI query_value(PWDF_DRIVER_GLOBALS globals, WDFKEY handle, PCUNICODE_STRING name, ULONG length,
				  PVOID buffer, PULONG queried, PULONG type)
{
	KEY_VALUE_PARTIAL_INFORMATION *value;
	NTSTATUS status = read(handle, name, &value, "WdfRegistryQueryValue");

	(void)globals;
	if (!NT_SUCCESS(status))
		return status;
	if (length && !buffer)
		us_wdf_need(buffer, "WdfRegistryQueryValue", "Value");
	if (queried)
		*queried = value->DataLength;
	if (type)
		*type = value->Type;
	if (buffer && length >= value->DataLength)
		memcpy(buffer, value->Data, value->DataLength);
	else if (value->DataLength)
		status = STATUS_BUFFER_OVERFLOW;
	us_wdf_pool_free(value);
	return status;
}

static NTSTATUS NTAPI query_memory(PWDF_DRIVER_GLOBALS globals, WDFKEY handle, PCUNICODE_STRING name, POOL_TYPE pool,
				   PWDF_OBJECT_ATTRIBUTES attributes, WDFMEMORY *result, PULONG type)
{
	KEY_VALUE_PARTIAL_INFORMATION *value;
	struct us_wdf_object *memory;
	NTSTATUS status;

	(void)globals, (void)pool;
	us_wdf_need(result, "WdfRegistryQueryMemory", "Memory");
	*result = NULL;
	status = read(handle, name, &value, "WdfRegistryQueryMemory");
	if (!NT_SUCCESS(status))
		return status;
	status = us_wdf_memory_new(attributes, value->DataLength, 0, &memory);
	if (NT_SUCCESS(status)) {
		memcpy(us_wdf_memory_buffer(memory, NULL), value->Data, value->DataLength);
		if (type)
			*type = value->Type;
		*result = (WDFMEMORY)memory;
	}
	us_wdf_pool_free(value);
	return status;
}

static NTSTATUS NTAPI query_ulong(PWDF_DRIVER_GLOBALS globals, WDFKEY handle, PCUNICODE_STRING name, PULONG result)
{
	KEY_VALUE_PARTIAL_INFORMATION *value;
	NTSTATUS status;

	(void)globals;
	us_wdf_need(result, "WdfRegistryQueryULong", "Value");
	status = read(handle, name, &value, "WdfRegistryQueryULong");
	if (!NT_SUCCESS(status))
		return status;
	if (value->Type != REG_DWORD || value->DataLength != sizeof(*result))
		status = STATUS_OBJECT_TYPE_MISMATCH;
	else
		memcpy(result, value->Data, sizeof(*result));
	us_wdf_pool_free(value);
	return status;
}

/* A REG_SZ value as a string into the value's own memory: what ends it does not count. */
static NTSTATUS as_string(const KEY_VALUE_PARTIAL_INFORMATION *value, UNICODE_STRING *text)
{
	const WCHAR *data = (const WCHAR *)(const void *)value->Data;
	size_t length = value->DataLength / sizeof(WCHAR), n = 0;

	if (value->Type != REG_SZ && value->Type != REG_EXPAND_SZ)
		return STATUS_OBJECT_TYPE_MISMATCH;
	while (n < length && data[n])
		n++;
	if (n * sizeof(WCHAR) > UINT16_MAX - sizeof(WCHAR))
		return STATUS_BUFFER_OVERFLOW;
	text->Buffer = (WCHAR *)(uintptr_t)data;
	text->Length = (USHORT)(n * sizeof(WCHAR));
	text->MaximumLength = text->Length;
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI query_unicode_string(PWDF_DRIVER_GLOBALS globals, WDFKEY handle, PCUNICODE_STRING name,
					   PUSHORT queried, PUNICODE_STRING result)
{
	KEY_VALUE_PARTIAL_INFORMATION *value;
	NTSTATUS status = read(handle, name, &value, "WdfRegistryQueryUnicodeString");
	UNICODE_STRING text;

	(void)globals;
	if (!NT_SUCCESS(status))
		return status;
	status = as_string(value, &text);
	if (NT_SUCCESS(status)) {
		if (queried)
			*queried = text.Length + sizeof(WCHAR);
		if (result && result->MaximumLength < text.Length)
			status = STATUS_BUFFER_OVERFLOW;
		else if (result)
			RtlCopyUnicodeString(result, &text);
	}
	us_wdf_pool_free(value);
	return status;
}

static NTSTATUS NTAPI query_string(PWDF_DRIVER_GLOBALS globals, WDFKEY handle, PCUNICODE_STRING name, WDFSTRING string)
{
	KEY_VALUE_PARTIAL_INFORMATION *value;
	NTSTATUS status = read(handle, name, &value, "WdfRegistryQueryString");
	UNICODE_STRING text;

	(void)globals;
	if (!NT_SUCCESS(status))
		return status;
	status = as_string(value, &text);
	if (NT_SUCCESS(status))
		status = us_wdf_string_set(string, &text);
	us_wdf_pool_free(value);
	return status;
}

/* The next of several strings, of which an empty one is the last; false: there is no more. */
static bool next_string(const WCHAR **at, const WCHAR *end, UNICODE_STRING *text)
{
	const WCHAR *first = *at;

	while (*at < end && **at)
		(*at)++;
	if (*at == first)
		return false;
	text->Buffer = (WCHAR *)(uintptr_t)first;
	text->Length = text->MaximumLength = (USHORT)((*at - first) * (ptrdiff_t)sizeof(WCHAR));
	*at += *at < end;
	return true;
}

/* Appends a string object for each; none of them when one can not be made. */
static NTSTATUS add_strings(const KEY_VALUE_PARTIAL_INFORMATION *value, PWDF_OBJECT_ATTRIBUTES attributes,
			    WDFCOLLECTION collection)
{
	const WCHAR *at = (const WCHAR *)(const void *)value->Data, *end = at + value->DataLength / sizeof(WCHAR);
	NTSTATUS status = STATUS_SUCCESS;
	UNICODE_STRING text;
	WDFSTRING string;
	ULONG before = 0;

	while (us_wdf_collection_at(collection, before))
		before++;
	while (NT_SUCCESS(status) && next_string(&at, end, &text)) {
		status = us_wdf_string_new(&text, attributes, &string);
		if (!NT_SUCCESS(status))
			break;
		status = us_wdf_collection_add(collection, us_wdf_from(string, &us_wdf_string_type));
		if (!NT_SUCCESS(status))
			us_wdf_delete(us_wdf_from(string, &us_wdf_string_type));
	}
	if (!NT_SUCCESS(status))
		us_wdf_collection_delete_from(collection, before);
	return status;
}

static NTSTATUS NTAPI query_multi_string(PWDF_DRIVER_GLOBALS globals, WDFKEY handle, PCUNICODE_STRING name,
					 PWDF_OBJECT_ATTRIBUTES attributes, WDFCOLLECTION collection)
{
	KEY_VALUE_PARTIAL_INFORMATION *value;
	NTSTATUS status;

	(void)globals;
	us_wdf_from(collection, &us_wdf_collection_type);
	status = read(handle, name, &value, "WdfRegistryQueryMultiString");
	if (!NT_SUCCESS(status))
		return status;
	if (value->Type != REG_MULTI_SZ)
		status = STATUS_OBJECT_TYPE_MISMATCH;
	else if (value->DataLength > UINT16_MAX)
		us_nt_unsupported("WdfRegistryQueryMultiString of a value of more than 64 KiB");
	else if (value->DataLength == 0)
		status = STATUS_RESOURCE_DATA_NOT_FOUND;
	else
		status = add_strings(value, attributes, collection);
	us_wdf_pool_free(value);
	return status;
}

/* -- writing ------------------------------------------------------------------------------------------------------ */

static NTSTATUS write(WDFKEY handle, PCUNICODE_STRING name, ULONG type, const void *data, size_t size,
		      const char *function)
{
	struct key *key = from(handle);

	us_wdf_need(name, function, "ValueName");
	return ZwSetValueKey(key->handle, (PUNICODE_STRING)(uintptr_t)name, 0, type, (PVOID)(uintptr_t)data,
			     (ULONG)size);
}

static NTSTATUS NTAPI assign_value(PWDF_DRIVER_GLOBALS globals, WDFKEY handle, PCUNICODE_STRING name, ULONG type,
				   ULONG size, PVOID data)
{
	(void)globals;
	us_wdf_need(data, "WdfRegistryAssignValue", "Value");
	return write(handle, name, type, data, size, "WdfRegistryAssignValue");
}

static NTSTATUS NTAPI assign_memory(PWDF_DRIVER_GLOBALS globals, WDFKEY handle, PCUNICODE_STRING name, ULONG type,
				    WDFMEMORY memory, PWDFMEMORY_OFFSET offsets)
{
	size_t size, offset = offsets ? offsets->BufferOffset : 0, length;
	UCHAR *buffer = us_wdf_memory_buffer(us_wdf_from(memory, &us_wdf_memory_type), &size);

	(void)globals;
	if (offset > size)
		return STATUS_INTEGER_OVERFLOW;
	length = offsets && offsets->BufferLength ? offsets->BufferLength : size - offset;
	if (length > size - offset)
		return STATUS_INTEGER_OVERFLOW;
	return write(handle, name, type, buffer + offset, length, "WdfRegistryAssignMemory");
}

static NTSTATUS NTAPI assign_unicode_string(PWDF_DRIVER_GLOBALS globals, WDFKEY handle, PCUNICODE_STRING name,
					    PCUNICODE_STRING value)
{
	UNICODE_STRING copy;
	NTSTATUS status;

	(void)globals;
	us_wdf_need(value, "WdfRegistryAssignUnicodeString", "Value");
	if (!us_wdf_copy_string(&copy, value))
		return STATUS_INSUFFICIENT_RESOURCES;
	status = write(handle, name, REG_SZ, copy.Buffer, copy.MaximumLength, "WdfRegistryAssignUnicodeString");
	us_wdf_pool_free(copy.Buffer);
	return status;
}

static NTSTATUS NTAPI assign_string(PWDF_DRIVER_GLOBALS globals, WDFKEY handle, PCUNICODE_STRING name, WDFSTRING string)
{
	UNICODE_STRING text;

	us_wdf_string_get(string, &text);
	return assign_unicode_string(globals, handle, name, &text);
}

static NTSTATUS NTAPI assign_ulong(PWDF_DRIVER_GLOBALS globals, WDFKEY handle, PCUNICODE_STRING name, ULONG value)
{
	(void)globals;
	return write(handle, name, REG_DWORD, &value, sizeof(value), "WdfRegistryAssignULong");
}

void us_wdf_registry_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfRegistryOpenKey = open_key;
	table->WdfRegistryCreateKey = create_key;
	table->WdfRegistryClose = close;
	table->WdfRegistryWdmGetHandle = get_handle;
	table->WdfRegistryRemoveKey = remove_key;
	table->WdfRegistryRemoveValue = remove_value;
	table->WdfRegistryQueryValue = query_value;
	table->WdfRegistryQueryMemory = query_memory;
	table->WdfRegistryQueryULong = query_ulong;
	table->WdfRegistryQueryUnicodeString = query_unicode_string;
	table->WdfRegistryQueryString = query_string;
	table->WdfRegistryQueryMultiString = query_multi_string;
	table->WdfRegistryAssignValue = assign_value;
	table->WdfRegistryAssignMemory = assign_memory;
	table->WdfRegistryAssignUnicodeString = assign_unicode_string;
	table->WdfRegistryAssignString = assign_string;
	table->WdfRegistryAssignULong = assign_ulong;
}
