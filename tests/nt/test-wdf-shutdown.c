/* SPDX-License-Identifier: Apache-2.0 */
/* Control devices that hear of the system's shutdown. Sources: Microsoft's reference pages of the functions. */
#include "kmdf-driver.h"

static UCHAR flags[2];
static WDFDEVICE control[2];
static void (*allocated)(PWDFDEVICE_INIT init);

static void NTAPI shutdown(WDFDEVICE device)
{
	rig_expect(us_nt_irql() == PASSIVE_LEVEL);
	happened("Shutdown%d", device == control[0] ? 0 : 1);
	if (device == control[1] && control[0] && flags[1] == (WdfDeviceShutdown | WdfDeviceLastChanceShutdown)) {
		WdfObjectDelete(control[0]); /* and hears no more of it */
		control[0] = NULL;
	}
}

static NTSTATUS NTAPI evt_add(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
	WDFDEVICE device;

	(void)driver;
	if (allocated)
		allocated(init);
	return WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &device);
}

static void make(WDFDRIVER driver, unsigned i)
{
	WCHAR text[] = L"\\Device\\Control0", sddl_text[] = L"D:P(A;;GA;;;SY)";
	UNICODE_STRING name = {sizeof(text) - sizeof(WCHAR), sizeof(text), text};
	UNICODE_STRING sddl = {sizeof(sddl_text) - sizeof(WCHAR), sizeof(sddl_text), sddl_text};
	PWDFDEVICE_INIT init = WdfControlDeviceInitAllocate(driver, &sddl);

	text[15] = (WCHAR)(L'0' + i);
	rig_expect(init && WdfDeviceInitAssignName(init, &name) == STATUS_SUCCESS);
	if (flags[i])
		WdfControlDeviceInitSetShutdownNotification(init, shutdown, flags[i]);
	rig_expect(WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &control[i]) == STATUS_SUCCESS);
	WdfControlFinishInitializing(control[i]);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
	WDF_DRIVER_CONFIG config;
	WDFDRIVER handle;
	NTSTATUS status;

	WDF_DRIVER_CONFIG_INIT(&config, evt_add);
	status = WdfDriverCreate(driver, path, WDF_NO_OBJECT_ATTRIBUTES, &config, &handle);
	for (unsigned i = 0; i < 2; i++)
		make(handle, i);
	return status;
}

static const struct us_rehearsal rehearsal = {.entry = (void *)(uintptr_t)FxDriverEntry, .model = "crypto"};

static const char *expected;

static void shut_down(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
	us_nt_is_started(user);
	us_nt_shut_down(user);
	expect_happened(expected);
	us_nt_shut_down(user); /* each hears of it once */
	expect_happened("");
	us_nt_expect_status(user, us_nt_eject(user), STATUS_SUCCESS);
	for (unsigned i = 0; i < 2; i++)
		if (control[i])
			WdfObjectDelete(control[i]);
}

static void tell(UCHAR first, UCHAR second, const char *what)
{
	struct us_rehearsal r = rehearsal;

	flags[0] = first;
	flags[1] = second;
	expected = what;
	for (r.seed = 0; r.seed < 5; r.seed++) {
		forget();
		rig_tell(&r, shut_down, NULL);
	}
}

static void those_that_registered_hear_of_it(void **state)
{
	(void)state;
	tell(0, 0, "");
	tell(WdfDeviceShutdown, 0, "Shutdown0");
	tell(WdfDeviceShutdown, WdfDeviceShutdown, "Shutdown1 Shutdown0");
	tell(WdfDeviceLastChanceShutdown, WdfDeviceShutdown, "Shutdown1 Shutdown0");
	tell(WdfDeviceShutdown, WdfDeviceLastChanceShutdown, "Shutdown0 Shutdown1");
}

static void one_that_is_deleted_meanwhile_does_not(void **state)
{
	(void)state;
	tell(WdfDeviceLastChanceShutdown, WdfDeviceShutdown | WdfDeviceLastChanceShutdown, "Shutdown1 Shutdown1");
}

static void for_function(PWDFDEVICE_INIT init)
{
	WdfControlDeviceInitSetShutdownNotification(init, shutdown, WdfDeviceShutdown);
}

static void mistakes_are_found(void **state)
{
	(void)state;
	flags[0] = 4;
	flags[1] = 0;
	rig_tell_breaks("parameter.value", &rehearsal, shut_down, NULL);
	flags[0] = 0;
	allocated = for_function;
	rig_tell_breaks("init.not-control", &rehearsal, shut_down, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_that_registered_hear_of_it),
		cmocka_unit_test(one_that_is_deleted_meanwhile_does_not),
		cmocka_unit_test(mistakes_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
