/* SPDX-License-Identifier: Apache-2.0 */
/* The entry stub against a loader and a driver of this file's own. */
#include "../../drivers/windows/lib/entry.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static WDF_DRIVER_GLOBALS globals;
static struct driver_object object;
static WCHAR path_of_caller[400];
static UNICODE_STRING path;
static NTSTATUS bind_answer, entry_answer;
static char order[100]; /* what happened, one letter each: Bind, Entry, dRiver's unload, Unbind */

static void happened(const char *what)
{
	strncat(order, what, sizeof(order) - strlen(order) - 1);
}

NTSTATUS WdfVersionBind(PDRIVER_OBJECT driver, PUNICODE_STRING given, struct wdf_bind_info *info, PVOID *driver_globals)
{
	static const int table;

	happened("B");
	assert_ptr_equal(driver, &object);
	assert_int_equal(given->Length, path.Length);
	assert_int_equal(info->size, sizeof(*info));
	assert_memory_equal(info->component, L"KmdfLibrary", sizeof(L"KmdfLibrary"));
	assert_int_equal(info->version.major, 1);
	assert_int_equal(info->version.minor, 15);
	assert_int_equal(info->function_count, 444);
	if (!NT_SUCCESS(bind_answer))
		return bind_answer;
	*(const void **)(uintptr_t)info->function_table = &table;
	*driver_globals = &globals;
	return STATUS_SUCCESS;
}

NTSTATUS WdfVersionUnbind(PUNICODE_STRING given, struct wdf_bind_info *info, PVOID driver_globals)
{
	happened("U");
	assert_int_equal(given->Buffer[0], L'\\'); /* though the caller's buffer is gone */
	assert_int_equal(info->size, sizeof(*info));
	assert_ptr_equal(driver_globals, &globals);
	return STATUS_SUCCESS;
}

static void unload_of_driver(PDRIVER_OBJECT driver)
{
	(void)driver;
	happened("R");
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING given)
{
	happened("E");
	assert_non_null(WdfFunctions);
	assert_ptr_equal(WdfDriverGlobals, &globals);
	assert_ptr_equal(given, &path);
	driver->DriverUnload = unload_of_driver;
	return entry_answer;
}

static int fresh(void **state)
{
	(void)state;
	memset(order, 0, sizeof(order));
	memset(path_of_caller, 0, sizeof(path_of_caller));
	path_of_caller[0] = L'\\';
	path = (UNICODE_STRING){.Length = 100, .MaximumLength = sizeof(path_of_caller), .Buffer = path_of_caller};
	object.DriverUnload = NULL;
	globals.DisplaceDriverUnload = 1;
	bind_answer = entry_answer = STATUS_SUCCESS;
	driver_unload = NULL;
	return 0;
}

static void a_driver_that_can_not_be_bound_is_never_entered(void **state)
{
	(void)state;
	bind_answer = STATUS_UNSUCCESSFUL;
	assert_int_equal(FxDriverEntry(&object, &path), STATUS_UNSUCCESSFUL);
	assert_string_equal(order, "B");
}

static void a_driver_that_fails_to_start_is_unbound_at_once(void **state)
{
	(void)state;
	entry_answer = STATUS_UNSUCCESSFUL;
	assert_int_equal(FxDriverEntry(&object, &path), STATUS_UNSUCCESSFUL);
	assert_string_equal(order, "BEU");
}

static void a_path_too_long_to_be_kept_is_refused_before_anything_is_done(void **state)
{
	(void)state;
	path.Length = 2 * (REGISTRY_PATH_CHARACTERS + 1);
	assert_int_equal(FxDriverEntry(&object, &path), STATUS_NAME_TOO_LONG);
	assert_string_equal(order, "");
}

static void a_path_that_just_fits_is_taken(void **state)
{
	(void)state;
	path.Length = 2 * REGISTRY_PATH_CHARACTERS;
	assert_int_equal(FxDriverEntry(&object, &path), STATUS_SUCCESS);
}

static void unloading_calls_the_driver_and_then_unbinds(void **state)
{
	(void)state;
	assert_int_equal(FxDriverEntry(&object, &path), STATUS_SUCCESS);
	assert_string_equal(order, "BE");
	memset(path_of_caller, 0xcc, sizeof(path_of_caller));
	object.DriverUnload(&object);
	assert_string_equal(order, "BERU");
}

static void an_unload_routine_that_the_framework_keeps_is_left_alone(void **state)
{
	(void)state;
	globals.DisplaceDriverUnload = 0;
	assert_int_equal(FxDriverEntry(&object, &path), STATUS_SUCCESS);
	assert_ptr_equal(object.DriverUnload, unload_of_driver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_driver_that_can_not_be_bound_is_never_entered, fresh),
		cmocka_unit_test_setup(a_driver_that_fails_to_start_is_unbound_at_once, fresh),
		cmocka_unit_test_setup(a_path_too_long_to_be_kept_is_refused_before_anything_is_done, fresh),
		cmocka_unit_test_setup(a_path_that_just_fits_is_taken, fresh),
		cmocka_unit_test_setup(unloading_calls_the_driver_and_then_unbinds, fresh),
		cmocka_unit_test_setup(an_unload_routine_that_the_framework_keeps_is_left_alone, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
