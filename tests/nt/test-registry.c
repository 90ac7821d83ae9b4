/* SPDX-License-Identifier: Apache-2.0 */
/* The registry and the handles that it is reached by: ZwOpenKey and its like, RtlQueryRegistryValues and its like. */
#include "rig.h"

#include "nt/ob.h"
#include "nt/registry.h"

#define CALL(function) US_IMPORT(function)

static UNICODE_STRING wide(const WCHAR *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return (UNICODE_STRING){(USHORT)(n * sizeof(WCHAR)), (USHORT)(n * sizeof(WCHAR)), (WCHAR *)(uintptr_t)text};
}

static NTSTATUS open_key(HANDLE root, const WCHAR *path, HANDLE *handle)
{
	UNICODE_STRING name = wide(path);
	OBJECT_ATTRIBUTES attributes;

	InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, root, NULL);
	return CALL(ZwOpenKey)(handle, KEY_ALL_ACCESS, &attributes);
}

static NTSTATUS create_key(HANDLE root, const WCHAR *path, HANDLE *handle, ULONG *disposition)
{
	UNICODE_STRING name = wide(path);
	OBJECT_ATTRIBUTES attributes;

	InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, root, NULL);
	return CALL(ZwCreateKey)(handle, KEY_ALL_ACCESS, &attributes, 0, NULL, REG_OPTION_NON_VOLATILE, disposition);
}

static HANDLE services(void)
{
	HANDLE handle;

	rig_expect(open_key(NULL, US_REGISTRY_SERVICES, &handle) == STATUS_SUCCESS);
	return handle;
}

/* -- keys --------------------------------------------------------------------------------------------------------- */

static void keys_body(void *context)
{
	HANDLE root = services(), key, again;
	ULONG disposition;

	(void)context;
	rig_expect(open_key(root, L"Absent", &key) == STATUS_OBJECT_NAME_NOT_FOUND);
	rig_expect(open_key(NULL, L"Relative", &key) == STATUS_OBJECT_PATH_SYNTAX_BAD);
	rig_expect(open_key(root, L"\\Absolute", &key) == STATUS_OBJECT_PATH_SYNTAX_BAD);
	rig_expect(create_key(root, L"One\\Two", &key, NULL) == STATUS_OBJECT_NAME_NOT_FOUND); /* one level at a time */
	rig_expect(create_key(root, L"One", &key, &disposition) == STATUS_SUCCESS &&
		   disposition == REG_CREATED_NEW_KEY);
	rig_expect(create_key(root, L"ONE", &again, &disposition) == STATUS_SUCCESS);
	rig_expect(disposition == REG_OPENED_EXISTING_KEY);
	CALL(ZwClose)(again);
	rig_expect(create_key(key, L"Two", &again, NULL) == STATUS_SUCCESS);
	rig_expect(CALL(ZwDeleteKey)(key) == STATUS_CANNOT_DELETE); /* it has children */
	rig_expect(CALL(ZwDeleteKey)(again) == STATUS_SUCCESS);
	rig_expect(CALL(ZwFlushKey)(again) == STATUS_KEY_DELETED);
	CALL(ZwClose)(again);
	rig_expect(open_key(key, L"Two", &again) == STATUS_OBJECT_NAME_NOT_FOUND);
	CALL(ZwClose)(key);
	CALL(ZwClose)(root);
	rig_expect(us_ob_leaks(NULL, 0) == 0);
}

static void keys_are_opened_created_and_deleted(void **state)
{
	(void)state;
	rig_run(NULL, keys_body, NULL);
}

static void closed_twice(void *context)
{
	HANDLE root = services();

	(void)context;
	CALL(ZwClose)(root);
	CALL(ZwClose)(root);
}

static void a_handle_is_closed_once(void **state)
{
	(void)state;
	rig_run_breaks("handle.invalid", closed_twice, NULL);
}

static void handles_body(void *context)
{
	HANDLE root = services(), other = services();
	PVOID object;

	(void)context;
	rig_expect(root != other);
	rig_expect(CALL(ObReferenceObjectByHandle)(root, 0, *PsThreadType, KernelMode, &object, NULL) ==
		   STATUS_OBJECT_TYPE_MISMATCH);
	rig_expect(CALL(ObReferenceObjectByHandle)(root, 0, *CmKeyObjectType, UserMode, &object, NULL) ==
		   STATUS_INVALID_HANDLE);
	rig_expect(CALL(ObReferenceObjectByHandle)(root, 0, *CmKeyObjectType, KernelMode, &object, NULL) ==
		   STATUS_SUCCESS);
	rig_expect(us_ob_references(object) == 2);
	/* A driver's import is where the type's address is. */
	rig_expect(us_nt_gate(us_nt_find_export("ntoskrnl.exe", "CmKeyObjectType")) == (void *)CmKeyObjectType);
	CALL(ZwClose)(root);
	rig_expect(CALL(ObReferenceObjectByHandle)(root, 0, NULL, KernelMode, &object, NULL) == STATUS_INVALID_HANDLE);
	CALL(ZwClose)(other);
}

static void a_handle_stays_invalid_after_it_was_closed(void **state)
{
	(void)state;
	rig_run(NULL, handles_body, NULL);
}

static void dereferenced_too_often(void *context)
{
	HANDLE root = services();
	PVOID object;

	(void)context;
	rig_expect(CALL(ObReferenceObjectByHandle)(root, 0, NULL, KernelMode, &object, NULL) == STATUS_SUCCESS);
	CALL(ZwClose)(root);
	CALL(ObfDereferenceObject)(object);
	CALL(ObfDereferenceObject)(object);
}

static void an_object_is_dereferenced_as_often_as_referenced(void **state)
{
	(void)state;
	rig_run_breaks("object.invalid", dereferenced_too_often, NULL);
}

/* -- values ------------------------------------------------------------------------------------------------------- */

static void values_body(void *context)
{
	HANDLE root = services(), key;
	UNICODE_STRING name = wide(L"Number"), upper = wide(L"NUMBER"), absent = wide(L"Absent");
	struct {
		KEY_VALUE_PARTIAL_INFORMATION head;
		uint8_t more[32];
	} partial;
	ULONG number = 0x12345678, needed, head = offsetof(KEY_VALUE_PARTIAL_INFORMATION, Data);

	(void)context;
	rig_expect(create_key(root, L"Values", &key, NULL) == STATUS_SUCCESS);
	rig_expect(CALL(ZwSetValueKey)(key, &name, 0, REG_DWORD, &number, sizeof(number)) == STATUS_SUCCESS);
	rig_expect(CALL(ZwQueryValueKey)(key, &absent, KeyValuePartialInformation, &partial, sizeof(partial),
					 &needed) == STATUS_OBJECT_NAME_NOT_FOUND);
	rig_expect(CALL(ZwQueryValueKey)(key, &name, KeyValuePartialInformation, NULL, 0, &needed) ==
		   STATUS_BUFFER_TOO_SMALL);
	rig_expect(needed == head + sizeof(number));
	rig_expect(CALL(ZwQueryValueKey)(key, &name, KeyValuePartialInformation, &partial, needed - 1, &needed) ==
		   STATUS_BUFFER_OVERFLOW);
	rig_expect(partial.head.Type == REG_DWORD && partial.head.DataLength == sizeof(number));
	rig_expect(CALL(ZwQueryValueKey)(key, &upper, KeyValuePartialInformation, &partial, needed, &needed) ==
		   STATUS_SUCCESS);
	rig_expect(memcmp(partial.head.Data, &number, sizeof(number)) == 0);
	rig_expect(CALL(ZwDeleteValueKey)(key, &name) == STATUS_SUCCESS);
	rig_expect(CALL(ZwDeleteValueKey)(key, &name) == STATUS_OBJECT_NAME_NOT_FOUND);
	CALL(ZwClose)(key);
	CALL(ZwClose)(root);
}

static void values_are_set_queried_and_deleted(void **state)
{
	(void)state;
	rig_run(NULL, values_body, NULL);
}

static void enumerate_body(void *context)
{
	HANDLE root = services(), key, child;
	UNICODE_STRING first = wide(L"First"), second = wide(L"Second");
	uint8_t room[128];
	KEY_VALUE_FULL_INFORMATION *full = (KEY_VALUE_FULL_INFORMATION *)(void *)room;
	KEY_BASIC_INFORMATION *basic = (KEY_BASIC_INFORMATION *)(void *)room;
	KEY_FULL_INFORMATION *whole = (KEY_FULL_INFORMATION *)(void *)room;
	ULONG needed;

	(void)context;
	rig_expect(create_key(root, L"Many", &key, NULL) == STATUS_SUCCESS);
	CALL(ZwSetValueKey)(key, &first, 0, REG_BINARY, room, 5);
	CALL(ZwSetValueKey)(key, &second, 0, REG_SZ, (PVOID)(uintptr_t)L"x", 4);
	rig_expect(create_key(key, L"b", &child, NULL) == STATUS_SUCCESS);
	CALL(ZwClose)(child);
	rig_expect(create_key(key, L"A", &child, NULL) == STATUS_SUCCESS);
	CALL(ZwClose)(child);
	rig_expect(CALL(ZwEnumerateValueKey)(key, 1, KeyValueFullInformation, room, sizeof(room), &needed) ==
		   STATUS_SUCCESS);
	rig_expect(full->Type == REG_SZ && full->DataLength == 4 && full->NameLength == second.Length);
	rig_expect(memcmp(room + full->DataOffset, L"x", 4) == 0);
	rig_expect(CALL(ZwEnumerateValueKey)(key, 2, KeyValueFullInformation, room, sizeof(room), &needed) ==
		   STATUS_NO_MORE_ENTRIES);
	rig_expect(CALL(ZwEnumerateKey)(key, 0, KeyBasicInformation, room, sizeof(room), &needed) == STATUS_SUCCESS);
	rig_expect(basic->NameLength == 2 && basic->Name[0] == 'A');
	rig_expect(CALL(ZwEnumerateKey)(key, 2, KeyBasicInformation, room, sizeof(room), &needed) ==
		   STATUS_NO_MORE_ENTRIES);
	rig_expect(CALL(ZwQueryKey)(key, KeyFullInformation, room, sizeof(room), &needed) == STATUS_SUCCESS);
	rig_expect(whole->SubKeys == 2 && whole->Values == 2 && whole->MaxValueDataLen == 5);
	CALL(ZwClose)(key);
	CALL(ZwClose)(root);
}

static void keys_and_values_are_enumerated(void **state)
{
	(void)state;
	rig_run(NULL, enumerate_body, NULL);
}

static void wrong_class(void *context)
{
	UNICODE_STRING name = wide(L"x");
	ULONG needed;

	(void)context;
	CALL(ZwQueryValueKey)(services(), &name, (KEY_VALUE_INFORMATION_CLASS)77, NULL, 0, &needed);
}

static void an_unknown_class_is_refused(void **state)
{
	(void)state;
	rig_run_breaks("unsupported", wrong_class, NULL);
}

/* -- by path ------------------------------------------------------------------------------------------------------ */

static unsigned routine_calls;

static NTSTATUS NTAPI routine(PWSTR name, ULONG type, PVOID data, ULONG size, PVOID context, PVOID entry)
{
	routine_calls++;
	rig_expect(name[0] == 'L' && type == REG_SZ && size == 4 && context == &routine_calls && entry == NULL);
	rig_expect(((WCHAR *)data)[0] == (routine_calls == 1 ? 'a' : 'b'));
	return STATUS_SUCCESS;
}

static void query_body(void *context)
{
	ULONG number = 7, got = 0, fallback = 9, missing = 0;
	UNICODE_STRING text = {0};
	RTL_QUERY_REGISTRY_TABLE table[] = {
		{NULL, RTL_QUERY_REGISTRY_DIRECT, L"Number", &got, REG_NONE, NULL, 0},
		{NULL, RTL_QUERY_REGISTRY_DIRECT, L"Missing", &missing, REG_DWORD, &fallback, sizeof(fallback)},
		{NULL, RTL_QUERY_REGISTRY_DIRECT, L"Text", &text, REG_NONE, NULL, 0},
		{routine, 0, L"List", NULL, REG_NONE, NULL, 0},
		{0},
	};
	RTL_QUERY_REGISTRY_TABLE required[] = {
		{NULL, RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_REQUIRED, L"Missing", &missing, REG_NONE, NULL,
		 0},
		{0},
	};

	(void)context;
	routine_calls = 0;
	rig_expect(CALL(RtlCheckRegistryKey)(RTL_REGISTRY_SERVICES, (PWSTR)(uintptr_t)L"Query") ==
		   STATUS_OBJECT_NAME_NOT_FOUND);
	rig_expect(CALL(RtlQueryRegistryValues)(RTL_REGISTRY_SERVICES, L"Query", table, NULL, NULL) ==
		   STATUS_OBJECT_NAME_NOT_FOUND);
	CALL(RtlWriteRegistryValue)(RTL_REGISTRY_SERVICES, L"Query", L"Number", REG_DWORD, &number, sizeof(number));
	CALL(RtlWriteRegistryValue)(RTL_REGISTRY_SERVICES, L"Query", L"Text", REG_SZ, (PVOID)(uintptr_t)L"hey", 8);
	CALL(RtlWriteRegistryValue)
	(RTL_REGISTRY_SERVICES, L"Query", L"List", REG_MULTI_SZ, (PVOID)(uintptr_t)L"a\0b\0", 10);
	rig_expect(CALL(RtlCheckRegistryKey)(RTL_REGISTRY_SERVICES, (PWSTR)(uintptr_t)L"Query") == STATUS_SUCCESS);
	rig_expect(CALL(RtlQueryRegistryValues)(RTL_REGISTRY_SERVICES, L"Query", table, &routine_calls, NULL) ==
		   STATUS_SUCCESS);
	rig_expect(got == 7 && missing == 9 && routine_calls == 2);
	rig_expect(text.Length == 6 && text.Buffer[2] == 'y');
	rig_expect(us_nt_pool_is_drivers(text.Buffer));
	us_nt_pool_free(text.Buffer);
	rig_expect(CALL(RtlQueryRegistryValues)(RTL_REGISTRY_SERVICES, L"Query", required, NULL, NULL) ==
		   STATUS_OBJECT_NAME_NOT_FOUND);
	rig_expect(CALL(RtlDeleteRegistryValue)(RTL_REGISTRY_SERVICES, L"Query", L"Number") == STATUS_SUCCESS);
	rig_expect(CALL(RtlDeleteRegistryValue)(RTL_REGISTRY_SERVICES, L"Query", L"Number") ==
		   STATUS_OBJECT_NAME_NOT_FOUND);
}

static void values_are_queried_by_a_table(void **state)
{
	(void)state;
	rig_run(NULL, query_body, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_handle_is_closed_once),
		cmocka_unit_test(an_object_is_dereferenced_as_often_as_referenced),
		cmocka_unit_test(a_handle_stays_invalid_after_it_was_closed),
		cmocka_unit_test(keys_are_opened_created_and_deleted),
		cmocka_unit_test(values_are_set_queried_and_deleted),
		cmocka_unit_test(keys_and_values_are_enumerated),
		cmocka_unit_test(an_unknown_class_is_refused),
		cmocka_unit_test(values_are_queried_by_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
