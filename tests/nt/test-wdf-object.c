/* SPDX-License-Identifier: Apache-2.0 */
/* Framework objects: attributes, contexts, parents, references, deletion, locks, and what a driver may not do with
 * them. */
#include "kmdf-driver.h"

typedef struct _NAMED {
	CHAR name[8];
} NAMED;
WDF_DECLARE_CONTEXT_TYPE(NAMED)

typedef struct _OTHER {
	ULONG value;
} OTHER;
WDF_DECLARE_CONTEXT_TYPE(OTHER)

static void NTAPI evt_unload(WDFDRIVER driver)
{
	(void)driver;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
	WDF_DRIVER_CONFIG config;

	WDF_DRIVER_CONFIG_INIT(&config, NULL);
	config.DriverInitFlags = WdfDriverInitNonPnpDriver;
	config.EvtDriverUnload = evt_unload;
	return WdfDriverCreate(driver, path, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}

static void NTAPI evt_cleanup(WDFOBJECT object)
{
	rig_expect(us_nt_irql() == PASSIVE_LEVEL);
	happened("cleanup-%s", WdfObjectGet_NAMED(object)->name);
}

static void NTAPI evt_destroy(WDFOBJECT object)
{
	happened("destroy-%s", WdfObjectGet_NAMED(object)->name);
}

/* A general object with a name that says when it goes. */
static WDFOBJECT named(const char *name, WDFOBJECT parent)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	WDFOBJECT object;

	WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, NAMED);
	attributes.ParentObject = parent;
	attributes.EvtCleanupCallback = evt_cleanup;
	attributes.EvtDestroyCallback = evt_destroy;
	attributes.ExecutionLevel = WdfExecutionLevelPassive;
	rig_expect(WdfObjectCreate(&attributes, &object) == STATUS_SUCCESS);
	snprintf(WdfObjectGet_NAMED(object)->name, sizeof(WdfObjectGet_NAMED(object)->name), "%s", name);
	return object;
}

static WDFOBJECT plain(WDFOBJECT parent)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	WDFOBJECT object;

	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.ParentObject = parent;
	rig_expect(WdfObjectCreate(&attributes, &object) == STATUS_SUCCESS);
	return object;
}

/* -- attributes --------------------------------------------------------------------------------------------------- */

static NTSTATUS create_with(const WDF_OBJECT_ATTRIBUTES *attributes)
{
	WDF_OBJECT_ATTRIBUTES copy = *attributes;
	WDFOBJECT object = &copy;
	NTSTATUS status = WdfObjectCreate(&copy, &object);

	rig_expect(NT_SUCCESS(status) || object == NULL);
	return status;
}

static void wrong_attributes(void)
{
	WDF_OBJECT_CONTEXT_TYPE_INFO info = {sizeof(info), "INFO", 16, &info, NULL};
	WDF_OBJECT_ATTRIBUTES good, bad;

	WDF_OBJECT_ATTRIBUTES_INIT(&good);
	bad = good;
	bad.Size--;
	rig_expect(create_with(&bad) == STATUS_INFO_LENGTH_MISMATCH);
	bad = good;
	bad.ContextSizeOverride = 100;
	rig_expect(create_with(&bad) == STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
	bad = good;
	bad.ContextTypeInfo = &info;
	bad.ContextSizeOverride = 15;
	rig_expect(create_with(&bad) == STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
	bad.ContextSizeOverride = 17;
	rig_expect(create_with(&bad) == STATUS_SUCCESS);
	info.Size--;
	rig_expect(create_with(&bad) == STATUS_INFO_LENGTH_MISMATCH);
	info.Size++;
	info.ContextName = NULL;
	rig_expect(create_with(&bad) == STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
	bad = good;
	bad.ExecutionLevel = WdfExecutionLevelInvalid;
	rig_expect(create_with(&bad) == STATUS_WDF_EXECUTION_LEVEL_INVALID);
	bad = good;
	bad.SynchronizationScope = WdfSynchronizationScopeInvalid;
	rig_expect(create_with(&bad) == STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID);
	bad.SynchronizationScope = WdfSynchronizationScopeDevice; /* of a general object */
	rig_expect(create_with(&bad) == STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID);
	rig_expect(create_with(&good) == STATUS_SUCCESS);
}

static void attributes_that_an_object_can_not_have_are_refused(void **state)
{
	(void)state;
	wdf_run(wrong_attributes);
}

/* -- contexts ----------------------------------------------------------------------------------------------------- */

static void contexts(void)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	WDFOBJECT object = plain(NULL);
	OTHER *other;

	rig_expect(WdfObjectGet_OTHER(object) == NULL);
	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	rig_expect(WdfObjectAllocateContext(object, &attributes, (PVOID *)&other) == STATUS_OBJECT_NAME_INVALID);
	WDF_OBJECT_ATTRIBUTES_SET_CONTEXT_TYPE(&attributes, OTHER);
	rig_expect(WdfObjectAllocateContext(object, &attributes, (PVOID *)&other) == STATUS_SUCCESS);
	rig_expect(other->value == 0 && ((uintptr_t)other & 15) == 0);
	rig_expect(WdfObjectGet_OTHER(object) == other);
	rig_expect(WdfObjectContextGetObject(other) == object);
	other->value = 7;
	other = NULL;
	rig_expect(WdfObjectAllocateContext(object, &attributes, (PVOID *)&other) == STATUS_OBJECT_NAME_EXISTS);
	rig_expect(other && other->value == 7);
	rig_expect(WdfObjectGet_NAMED(object) == NULL);
	WdfObjectDelete(object);
}

static void an_object_has_one_zeroed_context_of_each_type(void **state)
{
	(void)state;
	wdf_run(contexts);
}

static void wrong_context(void)
{
	WdfObjectContextGetObject((PUCHAR)WdfObjectGet_NAMED(named("a", NULL)) + 16);
}

static void what_is_no_context_has_no_object(void **state)
{
	(void)state;
	wdf_run_breaks("context.invalid", wrong_context);
}

/* -- life --------------------------------------------------------------------------------------------------------- */

static void tree(void)
{
	WDFOBJECT a = named("a", NULL), b = named("b", a);

	named("c", b);
	WdfObjectDelete(a);
	expect_happened("cleanup-c cleanup-b cleanup-a destroy-c destroy-b destroy-a");
}

static void children_are_cleaned_up_before_parents_and_all_before_any_is_destroyed(void **state)
{
	(void)state;
	wdf_run(tree);
}

static bool seen[2];

static void siblings(void)
{
	WDFOBJECT parent = plain(NULL);

	named("a", parent);
	named("b", parent);
	WdfObjectDelete(parent);
	seen[strncmp(story_of_it, "cleanup-a cleanup-b ", 20) == 0] = true;
}

static void in_which_order_siblings_go_is_by_chance(void **state)
{
	(void)state;
	rig_run_seeds(RIG_SEEDS, wdf_main, &(struct wdf_body){siblings});
	assert_true(seen[0] && seen[1]);
}

static void referenced(void)
{
	WDFOBJECT a = named("a", NULL);

	WdfObjectReference(a);
	WdfObjectReferenceWithTag(a, &seen);
	WdfObjectDelete(a);
	expect_happened("cleanup-a");
	rig_expect(strcmp(WdfObjectGet_NAMED(a)->name, "a") == 0);
	WdfObjectDereferenceWithTag(a, &seen);
	expect_happened("");
	WdfObjectDereference(a);
	expect_happened("destroy-a");
}

static void an_object_lives_as_long_as_somebody_has_a_reference(void **state)
{
	(void)state;
	wdf_run(referenced);
}

static void at_dispatch(void)
{
	WDFOBJECT parent = plain(NULL);
	LARGE_INTEGER ms = {.QuadPart = -10000};

	named("a", parent);
	us_nt_raise_irql(DISPATCH_LEVEL);
	WdfObjectDelete(parent);
	expect_happened("");
	us_nt_lower_irql(PASSIVE_LEVEL);
	KeDelayExecutionThread(KernelMode, FALSE, &ms);
	expect_happened("cleanup-a destroy-a"); /* evt_cleanup() looks at the IRQL */
}

static void what_wants_passive_level_is_deleted_there_later(void **state)
{
	(void)state;
	wdf_run(at_dispatch);
}

static WDFOBJECT child_of_it;

static void NTAPI delete_child(WDFOBJECT object)
{
	(void)object;
	WdfObjectDelete(child_of_it); /* is cleaned up already, and goes with its parent */
	happened("parent");
}

static void in_cleanup(void)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	WDFOBJECT parent, late = NULL;

	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.EvtCleanupCallback = delete_child;
	rig_expect(WdfObjectCreate(&attributes, &parent) == STATUS_SUCCESS);
	child_of_it = named("a", parent);
	WdfObjectReference(parent);
	WdfObjectDelete(parent);
	expect_happened("cleanup-a parent destroy-a");
	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.ParentObject = parent;
	rig_expect(WdfObjectCreate(&attributes, &late) == STATUS_DELETE_PENDING && !late);
	WdfObjectDereference(parent);
}

static void a_parents_cleanup_may_delete_its_children(void **state)
{
	(void)state;
	wdf_run(in_cleanup);
}

static void with_driver(void)
{
	named("a", NULL);
}

static void what_the_driver_leaves_goes_with_the_driver(void **state)
{
	(void)state;
	wdf_run(with_driver);
	assert_string_equal(story_of_it, "cleanup-a destroy-a");
}

static void leak(void)
{
	WdfObjectReference(plain(NULL));
}

static void a_reference_that_is_never_dropped_is_a_leak(void **state)
{
	(void)state;
	wdf_run_breaks("object.leak", leak);
}

/* -- what a driver may not ---------------------------------------------------------------------------------------- */

static void null_handle(void)
{
	WdfObjectDelete(NULL);
}

static void wild_handle(void)
{
	WdfObjectDelete((WDFOBJECT)0x1234560);
}

static void stale_handle(void)
{
	WDFOBJECT object = plain(NULL);

	WdfObjectDelete(object);
	WdfObjectReference(object);
}

static void wrong_type(void)
{
	WdfStringGetUnicodeString((WDFSTRING)plain(NULL), &(UNICODE_STRING){0});
}

static void deleted_twice(void)
{
	WDFOBJECT object = plain(NULL);

	WdfObjectReference(object);
	WdfObjectDelete(object);
	WdfObjectDelete(object);
}

static void driver_deleted(void)
{
	WdfObjectDelete(WdfGetDriver());
}

static void dropped_too_often(void)
{
	WdfObjectDereference(plain(NULL));
}

static void wrong_tag(void)
{
	WDFOBJECT object = plain(NULL);

	WdfObjectReference(object);
	WdfObjectDereferenceWithTag(object, &seen);
}

static void locked(void)
{
	WdfObjectAcquireLock(plain(NULL));
}

static void null_pointer(void)
{
	WdfObjectCreate(WDF_NO_OBJECT_ATTRIBUTES, NULL);
}

static void break_point(void)
{
	WdfVerifierDbgBreakPoint();
}

static void bug_check(void)
{
	WdfVerifierKeBugCheck(0xDEAD, 1, 2, 3, 4);
}

static void a_driver_may_end_it_all(void **state)
{
	(void)state;
	wdf_run_breaks("driver.breakpoint", break_point);
	wdf_run_breaks("driver.bugcheck", bug_check);
}

static void wrong_handles_and_deletions_are_found(void **state)
{
	(void)state;
	wdf_run_breaks("handle.null", null_handle);
	wdf_run_breaks("handle.invalid", wild_handle);
	wdf_run_breaks("handle.invalid", stale_handle);
	wdf_run_breaks("handle.type", wrong_type);
	wdf_run_breaks("object.deleted-twice", deleted_twice);
	wdf_run_breaks("object.not-deletable", driver_deleted);
	wdf_run_breaks("object.dereference", dropped_too_often);
	wdf_run_breaks("object.reference-tag", wrong_tag);
	wdf_run_breaks("lock.no-lock", locked);
	wdf_run_breaks("parameter.null", null_pointer);
}

/* -- strings, collections, memory --------------------------------------------------------------------------------- */

static void strings(void)
{
	static WCHAR text[] = L"text";
	UNICODE_STRING in = {8, 10, text}, out, odd = {7, 10, text};
	WDFSTRING string = (WDFSTRING)text;

	rig_expect(WdfStringCreate(&odd, WDF_NO_OBJECT_ATTRIBUTES, &string) == STATUS_INVALID_PARAMETER && !string);
	rig_expect(WdfStringCreate(&in, WDF_NO_OBJECT_ATTRIBUTES, &string) == STATUS_SUCCESS);
	WdfStringGetUnicodeString(string, &out);
	rig_expect(out.Length == 8 && out.Buffer != text && memcmp(out.Buffer, text, 10) == 0);
	WdfObjectDelete(string);
	rig_expect(WdfStringCreate(NULL, WDF_NO_OBJECT_ATTRIBUTES, &string) == STATUS_SUCCESS);
	WdfStringGetUnicodeString(string, &out);
	rig_expect(out.Length == 0);
}

static void collections(void)
{
	WDFOBJECT a = named("a", NULL), b = named("b", NULL);
	WDFCOLLECTION collection;

	rig_expect(WdfCollectionCreate(WDF_NO_OBJECT_ATTRIBUTES, &collection) == STATUS_SUCCESS);
	rig_expect(WdfCollectionGetFirstItem(collection) == NULL && WdfCollectionGetLastItem(collection) == NULL);
	rig_expect(WdfCollectionAdd(collection, a) == STATUS_SUCCESS &&
		   WdfCollectionAdd(collection, b) == STATUS_SUCCESS);
	rig_expect(WdfCollectionGetCount(collection) == 2 && WdfCollectionGetItem(collection, 1) == b);
	rig_expect(WdfCollectionGetItem(collection, 2) == NULL);
	WdfObjectDelete(a);
	expect_happened("cleanup-a");
	WdfCollectionRemoveItem(collection, 0);
	expect_happened("destroy-a");
	WdfObjectDelete(b);
	WdfObjectDelete(collection);
	expect_happened("cleanup-b destroy-b");
}

static void not_in_collection(void)
{
	WDFCOLLECTION collection;

	rig_expect(WdfCollectionCreate(WDF_NO_OBJECT_ATTRIBUTES, &collection) == STATUS_SUCCESS);
	WdfCollectionRemove(collection, plain(NULL));
}

static void memory(void)
{
	WDFMEMORY memory;
	WDFLOOKASIDE list;
	UCHAR mine[4] = {1, 2, 3, 4}, copy[4] = {0}, *buffer;
	size_t size;

	rig_expect(WdfMemoryCreate(WDF_NO_OBJECT_ATTRIBUTES, NonPagedPool, 0, 0, &memory, NULL) ==
		   STATUS_INVALID_PARAMETER);
	rig_expect(WdfMemoryCreate(WDF_NO_OBJECT_ATTRIBUTES, NonPagedPool, 0, 4, &memory, (PVOID *)&buffer) ==
		   STATUS_SUCCESS);
	rig_expect(WdfMemoryGetBuffer(memory, &size) == buffer && size == 4);
	rig_expect(WdfMemoryCopyFromBuffer(memory, 1, mine, 4) == STATUS_BUFFER_TOO_SMALL);
	rig_expect(WdfMemoryCopyFromBuffer(memory, 0, mine, 4) == STATUS_SUCCESS);
	rig_expect(WdfMemoryCopyToBuffer(memory, 2, copy, 2) == STATUS_SUCCESS && copy[0] == 3 && copy[1] == 4);
	rig_expect(WdfMemoryCopyToBuffer(memory, 5, copy, 1) == STATUS_BUFFER_TOO_SMALL);
	rig_expect(WdfMemoryAssignBuffer(memory, mine, 4) == STATUS_INVALID_DEVICE_REQUEST);
	WdfObjectDelete(memory);
	rig_expect(WdfMemoryCreatePreallocated(WDF_NO_OBJECT_ATTRIBUTES, mine, 4, &memory) == STATUS_SUCCESS);
	rig_expect(WdfMemoryAssignBuffer(memory, copy, 3) == STATUS_SUCCESS);
	rig_expect(WdfMemoryGetBuffer(memory, &size) == copy && size == 3);
	rig_expect(WdfLookasideListCreate(WDF_NO_OBJECT_ATTRIBUTES, 64, NonPagedPool, WDF_NO_OBJECT_ATTRIBUTES, 0,
					  &list) == STATUS_SUCCESS);
	rig_expect(WdfMemoryCreateFromLookaside(list, &memory) == STATUS_SUCCESS);
	WdfMemoryGetBuffer(memory, &size);
	rig_expect(size == 64);
}

static void strings_collections_and_memory_do_as_documented(void **state)
{
	(void)state;
	wdf_run(strings);
	wdf_run(collections);
	wdf_run_breaks("collection.remove", not_in_collection);
	wdf_run(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes_that_an_object_can_not_have_are_refused),
		cmocka_unit_test(an_object_has_one_zeroed_context_of_each_type),
		cmocka_unit_test(what_is_no_context_has_no_object),
		cmocka_unit_test(children_are_cleaned_up_before_parents_and_all_before_any_is_destroyed),
		cmocka_unit_test(in_which_order_siblings_go_is_by_chance),
		cmocka_unit_test(an_object_lives_as_long_as_somebody_has_a_reference),
		cmocka_unit_test(what_wants_passive_level_is_deleted_there_later),
		cmocka_unit_test(a_parents_cleanup_may_delete_its_children),
		cmocka_unit_test(what_the_driver_leaves_goes_with_the_driver),
		cmocka_unit_test(a_reference_that_is_never_dropped_is_a_leak),
		cmocka_unit_test(wrong_handles_and_deletions_are_found),
		cmocka_unit_test(a_driver_may_end_it_all),
		cmocka_unit_test(strings_collections_and_memory_do_as_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
