/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plug and Play and power: which callbacks of a function driver come in which order, and what follows when one fails.
 * Sources: Microsoft, "PnP and Power Management Scenarios" and the callbacks' reference pages.
 */
#include "kmdf-driver.h"

#include <initguid.h>

DEFINE_GUID(GUID_TEST, 0x8f3b1c52, 0x4d6e, 0x4a7f, 0x9b, 0x1c, 0x2d, 0x3e, 0x4f, 0x5a, 0x6b, 0x7c);

/* What the driver does wrong. */
static const char *fails; /* the callback that fails, or NULL */
static NTSTATUS with = STATUS_UNSUCCESSFUL;
static bool interrupts; /* it has two interrupt objects */
static bool idles; /* it sleeps after 10 ms */
static NTSTATUS (*in_add)(WDFDEVICE device); /* more of EvtDriverDeviceAdd */
static NTSTATUS (*before_create)(PWDFDEVICE_INIT init);
static WDFDEVICE the_device;
static WDFINTERRUPT the_interrupts[2];

static NTSTATUS result(const char *name)
{
	rig_expect(us_nt_irql() == PASSIVE_LEVEL);
	happened("%s", name);
	return fails && strcmp(fails, name) == 0 ? with : STATUS_SUCCESS;
}

static NTSTATUS NTAPI evt_prepare(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated)
{
	(void)device;
	rig_expect(WdfCmResourceListGetCount(raw) == WdfCmResourceListGetCount(translated));
	rig_expect(WdfCmResourceListGetCount(raw) > 0);
	rig_expect(WdfCmResourceListGetDescriptor(raw, 0)->Type == CmResourceTypeMemory);
	rig_expect(!WdfCmResourceListGetDescriptor(raw, WdfCmResourceListGetCount(raw)));
	return result("Prepare");
}

static NTSTATUS NTAPI evt_release(WDFDEVICE device, WDFCMRESLIST translated)
{
	(void)device;
	rig_expect(WdfCmResourceListGetCount(translated) > 0);
	return result("Release");
}

static NTSTATUS NTAPI evt_d0_entry(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous)
{
	static const char *const names[] = {"", "D0Entry-D0", "D0Entry-D1", "D0Entry-D2", "D0Entry-D3", "D0Entry"};

	(void)device;
	rig_expect(previous <= WdfPowerDeviceD3Final);
	return result(names[previous]);
}

static NTSTATUS NTAPI evt_d0_exit(WDFDEVICE device, WDF_POWER_DEVICE_STATE target)
{
	static const char *const names[] = {"", "D0Exit-D0", "D0Exit-D1", "D0Exit-D2", "D0Exit-D3", "D0Exit"};

	(void)device;
	rig_expect(target <= WdfPowerDeviceD3Final);
	return result(names[target]);
}

static NTSTATUS NTAPI evt_post(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous)
{
	(void)device, (void)previous;
	return result("Post");
}

static NTSTATUS NTAPI evt_pre(WDFDEVICE device, WDF_POWER_DEVICE_STATE target)
{
	(void)device, (void)target;
	return result("Pre");
}

static NTSTATUS NTAPI evt_io_init(WDFDEVICE device)
{
	(void)device;
	return result("IoInit");
}

static NTSTATUS NTAPI evt_io_restart(WDFDEVICE device)
{
	(void)device;
	return result("IoRestart");
}

static NTSTATUS NTAPI evt_io_suspend(WDFDEVICE device)
{
	(void)device;
	return result("IoSuspend");
}

static void NTAPI evt_io_flush(WDFDEVICE device)
{
	(void)device;
	result("IoFlush");
}

static void NTAPI evt_io_cleanup(WDFDEVICE device)
{
	(void)device;
	result("IoCleanup");
}

static void NTAPI evt_surprise(WDFDEVICE device)
{
	(void)device;
	result("Surprise");
}

static NTSTATUS NTAPI evt_query_remove(WDFDEVICE device)
{
	(void)device;
	return result("QueryRemove");
}

static NTSTATUS NTAPI evt_query_stop(WDFDEVICE device)
{
	(void)device;
	return result("QueryStop");
}

static void NTAPI evt_cleanup(WDFOBJECT object)
{
	(void)object;
	result("Cleanup");
}

static void NTAPI evt_destroy(WDFOBJECT object)
{
	(void)object;
	result("Destroy");
}

static void NTAPI evt_unload(WDFDRIVER driver)
{
	(void)driver;
	result("Unload");
}

static BOOLEAN NTAPI evt_isr(WDFINTERRUPT interrupt, ULONG message)
{
	(void)interrupt, (void)message;
	return FALSE;
}

static ULONG number(WDFINTERRUPT interrupt)
{
	return interrupt == the_interrupts[1];
}

static NTSTATUS NTAPI evt_enable(WDFINTERRUPT interrupt, WDFDEVICE device)
{
	WDF_INTERRUPT_INFO info;

	rig_expect(device == the_device);
	WDF_INTERRUPT_INFO_INIT(&info);
	WdfInterruptGetInfo(interrupt, &info);
	rig_expect(us_nt_irql() == info.Irql);
	happened("Enable%u", (unsigned)number(interrupt));
	return fails && strcmp(fails, "Enable") == 0 ? with : STATUS_SUCCESS;
}

static NTSTATUS NTAPI evt_disable(WDFINTERRUPT interrupt, WDFDEVICE device)
{
	(void)device;
	rig_expect(us_nt_irql() > DISPATCH_LEVEL);
	happened("Disable%u", (unsigned)number(interrupt));
	return STATUS_SUCCESS;
}

static NTSTATUS create_interrupts(WDFDEVICE device)
{
	WDF_INTERRUPT_CONFIG config;
	NTSTATUS status;
	int i;

	WDF_INTERRUPT_CONFIG_INIT(&config, evt_isr, NULL);
	config.EvtInterruptEnable = evt_enable;
	config.EvtInterruptDisable = evt_disable;
	for (i = 0; i < 2; i++) {
		status = WdfInterruptCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, &the_interrupts[i]);
		if (!NT_SUCCESS(status))
			return status;
	}
	return STATUS_SUCCESS;
}

static NTSTATUS idle_soon(WDFDEVICE device)
{
	WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS settings;

	WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS_INIT(&settings, IdleCannotWakeFromS0);
	settings.IdleTimeout = 10;
	return WdfDeviceAssignS0IdleSettings(device, &settings);
}

static void set_callbacks(PWDFDEVICE_INIT init)
{
	WDF_PNPPOWER_EVENT_CALLBACKS pnp;

	WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&pnp);
	pnp.EvtDevicePrepareHardware = evt_prepare;
	pnp.EvtDeviceReleaseHardware = evt_release;
	pnp.EvtDeviceD0Entry = evt_d0_entry;
	pnp.EvtDeviceD0Exit = evt_d0_exit;
	pnp.EvtDeviceD0EntryPostInterruptsEnabled = evt_post;
	pnp.EvtDeviceD0ExitPreInterruptsDisabled = evt_pre;
	pnp.EvtDeviceSelfManagedIoInit = evt_io_init;
	pnp.EvtDeviceSelfManagedIoRestart = evt_io_restart;
	pnp.EvtDeviceSelfManagedIoSuspend = evt_io_suspend;
	pnp.EvtDeviceSelfManagedIoFlush = evt_io_flush;
	pnp.EvtDeviceSelfManagedIoCleanup = evt_io_cleanup;
	pnp.EvtDeviceSurpriseRemoval = evt_surprise;
	pnp.EvtDeviceQueryRemove = evt_query_remove;
	pnp.EvtDeviceQueryStop = evt_query_stop;
	WdfDeviceInitSetPnpPowerEventCallbacks(init, &pnp);
}

static NTSTATUS NTAPI evt_add(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	NTSTATUS status = result("Add");

	(void)driver;
	set_callbacks(init);
	if (before_create) {
		NTSTATUS before = before_create(init);

		if (!NT_SUCCESS(before))
			return before;
	}
	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.EvtCleanupCallback = evt_cleanup;
	attributes.EvtDestroyCallback = evt_destroy;
	rig_expect(WdfDeviceCreate(&init, &attributes, &the_device) == STATUS_SUCCESS && init == NULL);
	rig_expect(WdfDeviceGetDevicePnpState(the_device) == WdfDevStatePnpInit);
	rig_expect(WdfDeviceCreateDeviceInterface(the_device, &GUID_TEST, NULL) == STATUS_SUCCESS);
	if (interrupts)
		rig_expect(create_interrupts(the_device) == STATUS_SUCCESS);
	if (idles)
		rig_expect(idle_soon(the_device) == STATUS_SUCCESS);
	return NT_SUCCESS(status) && in_add ? in_add(the_device) : status;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
	WDF_DRIVER_CONFIG config;

	WDF_DRIVER_CONFIG_INIT(&config, evt_add);
	config.EvtDriverUnload = evt_unload;
	return WdfDriverCreate(driver, path, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}

/* -- telling stories ---------------------------------------------------------------------------------------------- */

static const struct us_rehearsal rehearsal = {.entry = (void *)(uintptr_t)FxDriverEntry, .model = "crypto"};

static void reset(void)
{
	fails = NULL;
	with = STATUS_UNSUCCESSFUL;
	interrupts = idles = false;
	in_add = NULL;
	before_create = NULL;
	forget();
}

static int setup(void **state)
{
	(void)state;
	reset();
	return 0;
}

static void tell(void (*story)(struct us_nt_user *user, void *context), void *context)
{
	struct us_rehearsal r = rehearsal;

	for (r.seed = 0; r.seed < 5; r.seed++) {
		forget();
		rig_tell(&r, story, context);
	}
}

#define BOTH "Add Prepare D0Entry Enable0 Enable1 Post IoInit"

/* -- up and down -------------------------------------------------------------------------------------------------- */

static void in_and_out(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
	expect_happened(BOTH);
	rig_expect(WdfDeviceGetDevicePnpState(the_device) == WdfDevStatePnpStarted);
	us_nt_expect_status(user, us_nt_eject(user), STATUS_SUCCESS);
	expect_happened("QueryRemove IoSuspend Pre Disable1 Disable0 D0Exit Release IoFlush IoCleanup Cleanup Destroy");
	us_nt_expect_status(user, us_nt_unload(user), STATUS_SUCCESS);
	expect_happened("Unload");
}

static void a_device_comes_up_and_goes_in_the_documented_order(void **state)
{
	(void)state;
	interrupts = true;
	tell(in_and_out, NULL);
}

static void other_place(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_plug_in(user);
	forget();
	us_nt_expect_status(user, us_nt_rebalance(user), STATUS_SUCCESS);
	expect_happened("QueryStop IoSuspend Pre Disable1 Disable0 D0Exit Release "
			"Prepare D0Entry Enable0 Enable1 Post IoRestart");
}

static void a_rebalance_releases_the_hardware_and_prepares_it_again(void **state)
{
	(void)state;
	interrupts = true;
	tell(other_place, NULL);
}

static void sleep_and_wake(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_plug_in(user);
	forget();
	us_nt_expect_status(user, us_nt_sleep_system(user), STATUS_SUCCESS);
	expect_happened("IoSuspend Pre Disable1 Disable0 D0Exit-D3");
	us_nt_expect_status(user, us_nt_wake_system(user), STATUS_SUCCESS);
	expect_happened("D0Entry-D3 Enable0 Enable1 Post IoRestart");
}

static void the_device_sleeps_and_wakes_with_the_system(void **state)
{
	(void)state;
	interrupts = true;
	tell(sleep_and_wake, NULL);
}

static void pulled(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_plug_in(user);
	forget();
	us_nt_pull_out(user);
	expect_happened("Surprise IoSuspend Pre Disable1 Disable0 D0Exit Release IoFlush IoCleanup Cleanup Destroy");
}

static void surprise_removal_is_told_first(void **state)
{
	(void)state;
	interrupts = true;
	tell(pulled, NULL);
}

static void pulled_asleep(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_plug_in(user);
	us_nt_sleep_system(user);
	forget();
	us_nt_pull_out(user);
	expect_happened("Surprise Release IoFlush IoCleanup Cleanup Destroy");
}

static void a_device_that_is_pulled_out_asleep_does_not_leave_d0_again(void **state)
{
	(void)state;
	tell(pulled_asleep, NULL);
}

/* -- failures ----------------------------------------------------------------------------------------------------- */

struct failure {
	const char *callback, *then;
};

static void start_fails(struct us_nt_user *user, void *context)
{
	const struct failure *failure = context;

	us_nt_expect_status(user, us_nt_plug_in(user), with);
	expect_happened(failure->then);
}

static void a_callback_that_fails_at_the_start_has_no_counterpart(void **state)
{
	static const struct failure failures[] = {
		{"Add", "Add Cleanup Destroy"},
		{"Prepare", "Add Prepare Release Cleanup Destroy"},
		{"D0Entry", "Add Prepare D0Entry Release Cleanup Destroy"},
		{"Enable", "Add Prepare D0Entry Enable0 D0Exit Release Cleanup Destroy"},
		{"Post", "Add Prepare D0Entry Enable0 Enable1 Post Disable1 Disable0 D0Exit Release Cleanup Destroy"},
		{"IoInit", BOTH " Pre Disable1 Disable0 D0Exit Release IoFlush IoCleanup Cleanup Destroy"},
	};
	size_t i;

	(void)state;
	interrupts = true;
	for (i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		fails = failures[i].callback;
		tell(start_fails, (void *)(uintptr_t)&failures[i]);
	}
}

static void not_supported(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_UNSUCCESSFUL);
}

static void not_supported_is_no_status_for_a_start(void **state)
{
	(void)state;
	fails = "Prepare";
	with = STATUS_NOT_SUPPORTED;
	tell(not_supported, NULL);
}

static void wake_fails(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_plug_in(user);
	us_nt_sleep_system(user);
	forget();
	us_nt_wake_system(user);
	us_nt_advance(user, 1000000);
	expect_happened("D0Entry-D3 Surprise Release IoFlush IoCleanup Cleanup Destroy");
	us_nt_expect(user, !us_nt_is_started(user));
}

static void a_device_that_does_not_wake_is_surprise_removed(void **state)
{
	(void)state;
	fails = "D0Entry-D3";
	tell(wake_fails, NULL);
}

static void refused(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_plug_in(user);
	forget();
	us_nt_expect_status(user, us_nt_eject(user), STATUS_UNSUCCESSFUL);
	expect_happened("QueryRemove");
	us_nt_expect(user, us_nt_is_started(user));
	fails = "QueryStop";
	us_nt_expect(user, us_nt_rebalance(user) != STATUS_SUCCESS);
	expect_happened("QueryStop");
	us_nt_expect(user, us_nt_is_started(user));
	fails = NULL;
	WdfDeviceSetStaticStopRemove(the_device, FALSE);
	us_nt_expect_status(user, us_nt_eject(user), STATUS_UNSUCCESSFUL);
	expect_happened("");
	WdfDeviceSetStaticStopRemove(the_device, TRUE);
	us_nt_expect_status(user, us_nt_eject(user), STATUS_SUCCESS);
	fails = "QueryRemove"; /* for the next seed */
}

static void a_driver_may_refuse_to_be_stopped_or_removed(void **state)
{
	(void)state;
	fails = "QueryRemove";
	tell(refused, NULL);
}

static void set_failed(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_plug_in(user);
	forget();
	WdfDeviceSetFailed(the_device, WdfDeviceFailedNoRestart);
	us_nt_advance(user, 1000000);
	expect_happened("Surprise IoSuspend Pre D0Exit Release IoFlush IoCleanup Cleanup Destroy");
}

static void a_device_that_its_driver_says_has_failed_is_removed(void **state)
{
	(void)state;
	tell(set_failed, NULL);
}

static void failed_and_again(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_plug_in(user);
	forget();
	WdfDeviceSetFailed(the_device, WdfDeviceFailedAttemptRestart);
	us_nt_advance(user, 1000000);
	expect_happened("Surprise IoSuspend Pre D0Exit Release IoFlush IoCleanup Cleanup Destroy "
			"Add Prepare D0Entry Post IoInit");
	us_nt_expect(user, us_nt_is_started(user));
	us_nt_expect_status(user, us_nt_eject(user), STATUS_SUCCESS);
}

/* It is removed when the last file is closed, and started again only then. */
static void failed_in_use(struct us_nt_user *user, void *context)
{
	us_nt_status status;
	us_nt_handle file;

	(void)context;
	us_nt_plug_in(user);
	file = us_nt_open(user, US_NT_READ, &status);
	us_nt_expect_status(user, status, STATUS_SUCCESS);
	forget();
	WdfDeviceSetFailed(the_device, WdfDeviceFailedAttemptRestart);
	us_nt_advance(user, 1000000);
	expect_happened("Surprise IoSuspend Pre D0Exit Release IoFlush");
	us_nt_close(user, file);
	us_nt_advance(user, 1000000);
	expect_happened("IoCleanup Cleanup Destroy Add Prepare D0Entry Post IoInit");
	us_nt_expect(user, us_nt_is_started(user));
}

static void failed_too_often(struct us_nt_user *user, void *context)
{
	unsigned starts = 0;

	(void)context;
	us_nt_plug_in(user);
	while (us_nt_is_started(user) && starts++ < 20) {
		WdfDeviceSetFailed(the_device, WdfDeviceFailedAttemptRestart);
		us_nt_advance(user, 1000000);
	}
	us_nt_expect(user, starts == 6); /* the first, and five again */
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS); /* a person may */
}

static void failed_now_and_then(struct us_nt_user *user, void *context)
{
	unsigned i;

	(void)context;
	us_nt_plug_in(user);
	for (i = 0; i < 10; i++) {
		WdfDeviceSetFailed(the_device, WdfDeviceFailedAttemptRestart);
		us_nt_advance(user, UINT64_C(3000000000));
		us_nt_expect(user, us_nt_is_started(user));
	}
}

static void vanished(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_plug_in(user);
	us_nt_vanish(user);
	forget();
	WdfDeviceSetFailed(the_device, WdfDeviceFailedAttemptRestart);
	us_nt_advance(user, 1000000);
	expect_happened("Surprise IoSuspend Pre D0Exit Release IoFlush IoCleanup Cleanup Destroy");
	us_nt_expect(user, !us_nt_is_started(user));
}

static void does_not_start_again(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_plug_in(user);
	forget();
	fails = "D0Entry";
	WdfDeviceSetFailed(the_device, WdfDeviceFailedAttemptRestart);
	us_nt_advance(user, 1000000);
	expect_happened("Surprise IoSuspend Pre D0Exit Release IoFlush IoCleanup Cleanup Destroy "
			"Add Prepare D0Entry Release Cleanup Destroy");
	us_nt_expect(user, !us_nt_is_started(user));
	fails = NULL;
}

static void a_failed_device_is_started_again_where_its_driver_wants_that(void **state)
{
	(void)state;
	tell(failed_and_again, NULL);
	tell(failed_in_use, NULL);
	tell(failed_too_often, NULL);
	tell(failed_now_and_then, NULL);
	tell(vanished, NULL);
	tell(does_not_start_again, NULL);
}

/* -- idle --------------------------------------------------------------------------------------------------------- */

static void idle_story(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_plug_in(user);
	forget();
	us_nt_advance(user, 5 * 1000000);
	expect_happened("");
	us_nt_advance(user, 20 * 1000000);
	expect_happened("IoSuspend Pre D0Exit-D3");
	us_nt_expect_status(user, WdfDeviceStopIdle(the_device, TRUE), STATUS_SUCCESS);
	expect_happened("D0Entry-D3 Post IoRestart");
	us_nt_advance(user, 100 * 1000000);
	expect_happened("");
	WdfDeviceResumeIdle(the_device);
	us_nt_advance(user, 30 * 1000000);
	expect_happened("IoSuspend Pre D0Exit-D3");
	us_nt_sleep_system(user);
	us_nt_wake_system(user);
	expect_happened("");
	us_nt_expect_status(user, us_nt_eject(user), STATUS_SUCCESS);
	expect_happened("QueryRemove Release IoFlush IoCleanup Cleanup Destroy");
}

static void a_device_without_work_sleeps_until_somebody_stops_that(void **state)
{
	(void)state;
	idles = true;
	tell(idle_story, NULL);
}

static void NTAPI evt_control(WDFQUEUE queue, WDFREQUEST request, size_t out, size_t in, ULONG code)
{
	(void)queue, (void)out, (void)in, (void)code;
	happened("Io");
	WdfRequestComplete(request, STATUS_SUCCESS);
}

static NTSTATUS with_queue(WDFDEVICE device)
{
	WDF_IO_QUEUE_CONFIG config;

	WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchSequential);
	config.EvtIoDeviceControl = evt_control;
	return WdfIoQueueCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
}

static void request_when_idle(struct us_nt_user *user, void *context)
{
	us_nt_status status;
	us_nt_handle file;

	(void)context;
	us_nt_plug_in(user);
	file = us_nt_open(user, US_NT_READ, &status);
	us_nt_expect_status(user, status, STATUS_SUCCESS);
	us_nt_advance(user, 30 * 1000000);
	forget();
	us_nt_expect_status(user,
			    us_nt_control(user, file, CTL_CODE(0x8000u, 1, METHOD_BUFFERED, FILE_ANY_ACCESS), NULL, 0,
					  NULL, 0, NULL),
			    STATUS_SUCCESS);
	us_nt_expect(user, strncmp(story_of_it, "D0Entry-D3 Post ", 16) == 0 && strstr(story_of_it, "Io"));
	us_nt_advance(user, 1000000);
	forget(); /* the request may be served before EvtDeviceSelfManagedIoRestart, or behind it */
	us_nt_advance(user, 30 * 1000000);
	expect_happened("IoSuspend Pre D0Exit-D3");
	us_nt_close(user, file);
}

static void a_request_wakes_an_idle_device(void **state)
{
	(void)state;
	idles = true;
	in_add = with_queue;
	tell(request_when_idle, NULL);
}

static void too_often(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_plug_in(user);
	WdfDeviceResumeIdle(the_device);
}

static NTSTATUS wrong_idle(WDFDEVICE device)
{
	WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS settings;
	WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS wake;

	WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS_INIT(&settings, IdleCannotWakeFromS0);
	settings.Size--;
	rig_expect(WdfDeviceAssignS0IdleSettings(device, &settings) == STATUS_INFO_LENGTH_MISMATCH);
	settings.Size++;
	settings.DxState = PowerDeviceD0;
	rig_expect(WdfDeviceAssignS0IdleSettings(device, &settings) == STATUS_INVALID_PARAMETER);
	WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS_INIT(&settings, IdleCanWakeFromS0);
	rig_expect(WdfDeviceAssignS0IdleSettings(device, &settings) == STATUS_POWER_STATE_INVALID);
	WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS_INIT(&wake);
	rig_expect(WdfDeviceAssignSxWakeSettings(device, &wake) == STATUS_POWER_STATE_INVALID);
	return STATUS_SUCCESS;
}

static void just_in(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
}

static void wrong_idle_and_wake_settings_are_refused(void **state)
{
	(void)state;
	in_add = wrong_idle;
	tell(just_in, NULL);
	rig_tell_breaks("idle.resume", &rehearsal, too_often, NULL);
}

/* -- creation ----------------------------------------------------------------------------------------------------- */

static NTSTATUS NTAPI never(WDFDEVICE device, PIRP irp)
{
	(void)device, (void)irp;
	return STATUS_UNSUCCESSFUL;
}

static NTSTATUS wrong_init(PWDFDEVICE_INIT init)
{
	static WCHAR text[] = L"D:P(A;;GA;;;SY)", name[] = L"\\Device\\Named";
	UNICODE_STRING sddl = {sizeof(text) - 2, sizeof(text), text}, n = {sizeof(name) - 2, sizeof(name), name};
	WDF_OBJECT_ATTRIBUTES attributes;
	UCHAR minor = IRP_MN_START_DEVICE;
	WDFDEVICE device;

	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.ParentObject = WdfGetDriver();
	rig_expect(WdfDeviceCreate(&init, &attributes, &device) == STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED && init);
	rig_expect(WdfDeviceInitAssignSDDLString(init, &sddl) == STATUS_SUCCESS);
	rig_expect(WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &device) == STATUS_INVALID_SECURITY_DESCR && init);
	rig_expect(WdfDeviceInitAssignName(init, &n) == STATUS_SUCCESS);
	rig_expect(WdfDeviceInitAssignWdmIrpPreprocessCallback(init, never, 0xff, &minor, 1) ==
		   STATUS_INVALID_PARAMETER);
	rig_expect(WdfDeviceInitAssignWdmIrpPreprocessCallback(init, never, IRP_MJ_PNP, NULL, 1) ==
		   STATUS_INVALID_PARAMETER);
	return STATUS_SUCCESS;
}

static void what_can_not_be_created_leaves_the_block_for_another_try(void **state)
{
	(void)state;
	before_create = wrong_init;
	tell(just_in, NULL);
}

static PWDFDEVICE_INIT kept;

static NTSTATUS keep(PWDFDEVICE_INIT init)
{
	kept = init;
	return STATUS_SUCCESS;
}

static NTSTATUS use_kept(WDFDEVICE device)
{
	(void)device;
	WdfDeviceInitSetExclusive(kept, TRUE);
	return STATUS_SUCCESS;
}

static NTSTATUS free_it(PWDFDEVICE_INIT init)
{
	WdfDeviceInitFree(init);
	return STATUS_SUCCESS;
}

static NTSTATUS delete_it(WDFDEVICE device)
{
	WdfObjectDelete(device);
	return STATUS_SUCCESS;
}

static void mistakes_with_the_block_and_the_device_are_found(void **state)
{
	(void)state;
	before_create = keep;
	in_add = use_kept;
	rig_tell_breaks("init.invalid", &rehearsal, just_in, NULL);
	reset();
	before_create = free_it;
	rig_tell_breaks("init.not-drivers", &rehearsal, just_in, NULL);
	reset();
	in_add = delete_it;
	rig_tell_breaks("object.not-deletable", &rehearsal, just_in, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_device_comes_up_and_goes_in_the_documented_order, setup),
		cmocka_unit_test_setup(a_rebalance_releases_the_hardware_and_prepares_it_again, setup),
		cmocka_unit_test_setup(the_device_sleeps_and_wakes_with_the_system, setup),
		cmocka_unit_test_setup(surprise_removal_is_told_first, setup),
		cmocka_unit_test_setup(a_device_that_is_pulled_out_asleep_does_not_leave_d0_again, setup),
		cmocka_unit_test_setup(a_callback_that_fails_at_the_start_has_no_counterpart, setup),
		cmocka_unit_test_setup(not_supported_is_no_status_for_a_start, setup),
		cmocka_unit_test_setup(a_device_that_does_not_wake_is_surprise_removed, setup),
		cmocka_unit_test_setup(a_driver_may_refuse_to_be_stopped_or_removed, setup),
		cmocka_unit_test_setup(a_device_that_its_driver_says_has_failed_is_removed, setup),
		cmocka_unit_test_setup(a_failed_device_is_started_again_where_its_driver_wants_that, setup),
		cmocka_unit_test_setup(a_device_without_work_sleeps_until_somebody_stops_that, setup),
		cmocka_unit_test_setup(a_request_wakes_an_idle_device, setup),
		cmocka_unit_test_setup(wrong_idle_and_wake_settings_are_refused, setup),
		cmocka_unit_test_setup(what_can_not_be_created_leaves_the_block_for_another_try, setup),
		cmocka_unit_test_setup(mistakes_with_the_block_and_the_device_are_found, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
