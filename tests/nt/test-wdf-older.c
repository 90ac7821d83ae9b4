/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drivers that were built for an older version of the framework: their structures end earlier, their table is an array
 * with fewer functions, and some functions do for them what they did then.
 *
 * Each structure is handed in at the very end of a page with nothing behind it, so that reading or writing on is a
 * fault.
 */
#include "kmdf-driver.h"

#include <sys/mman.h>

#include <wdfstatus.h>

#define VERSIONS 8

static const unsigned minors[VERSIONS] = {0, 1, 5, 7, 9, 11, 13, 15};
static const ULONG functions[VERSIONS] = {383, 386, 387, 387, 396, 432, 438, 444};

static unsigned version; /* index of what the driver is built for */
static PVOID array[512]; /* its table of functions, before 1.15 */
static NTSTATUS (*in_entry)(PDRIVER_OBJECT driver, PUNICODE_STRING path); /* instead of what is usual; NULL: that */
static void (*in_add)(PWDFDEVICE_INIT init); /* before there is a device; may be NULL */
static void (*with_device)(void);
static WDFDEVICE the_device;
static char *page, *end_of_page;

static void NTAPI nothing(void)
{
}

/* A copy of a structure whose first `size` bytes are all there is, and all that its Size speaks of. */
static void *at_the_end(const void *structure, size_t size)
{
	void *at = end_of_page - size;

	memset(page, 0x5a, (size_t)(end_of_page - page));
	memcpy(at, structure, size);
	*(ULONG *)at = (ULONG)size;
	return at;
}

/* -- structures --------------------------------------------------------------------------------------------------- */

static char context_name[] = "OLDER";

static NTSTATUS context_type(void *at)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	WDFOBJECT object;
	NTSTATUS status;

	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.ContextTypeInfo = at;
	status = WdfObjectCreate(&attributes, &object);
	if (NT_SUCCESS(status)) {
		rig_expect(WdfObjectGetTypedContextWorker(object, at) != NULL);
		WdfObjectDelete(object);
	}
	return status;
}

static NTSTATUS io_queue(void *at)
{
	return WdfIoQueueCreate(the_device, at, NULL, NULL);
}

static NTSTATUS interrupt(void *at)
{
	WDFINTERRUPT handle;

	return WdfInterruptCreate(the_device, at, NULL, &handle);
}

static NTSTATUS timer(void *at)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	WDFTIMER handle;

	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.ParentObject = the_device;
	return WdfTimerCreate(at, &attributes, &handle);
}

static NTSTATUS dma_enabler(void *at)
{
	WDFDMAENABLER handle;

	return WdfDmaEnablerCreate(the_device, at, NULL, &handle);
}

static NTSTATUS target(void *at)
{
	WDFIOTARGET handle;
	NTSTATUS status;

	rig_expect(WdfIoTargetCreate(the_device, NULL, &handle) == STATUS_SUCCESS);
	status = WdfIoTargetOpen(handle, at);
	WdfObjectDelete(handle);
	return status;
}

static NTSTATUS idle_settings(void *at)
{
	return WdfDeviceAssignS0IdleSettings(the_device, at);
}

static NTSTATUS wake_settings(void *at)
{
	return WdfDeviceAssignSxWakeSettings(the_device, at);
}

/* The newest form of a structure, and its size in each version. */
static struct sized {
	NTSTATUS (*call)(void *at);
	USHORT sizes[VERSIONS];
	NTSTATUS answer; /* to one of a right size */
	union {
		WDF_OBJECT_CONTEXT_TYPE_INFO context;
		WDF_IO_QUEUE_CONFIG queue;
		WDF_INTERRUPT_CONFIG interrupt;
		WDF_TIMER_CONFIG timer;
		WDF_DMA_ENABLER_CONFIG dma;
		WDF_IO_TARGET_OPEN_PARAMS target;
		WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS idle;
		WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS wake;
	} newest;
} structures[] = {
	{.call = context_type, .sizes = {24, 40, 40, 40, 40, 40, 40, 40}},
	{.call = io_queue, .sizes = {80, 80, 80, 80, 88, 96, 96, 96}},
	{.call = interrupt, .sizes = {56, 56, 56, 56, 56, 96, 104, 104}},
	{.call = timer, .sizes = {24, 24, 24, 24, 32, 32, 40, 40}},
	{.call = dma_enabler, .sizes = {64, 64, 64, 64, 64, 80, 80, 80}},
	{.call = target, .sizes = {120, 120, 120, 120, 120, 120, 136, 136}},
	{.call = idle_settings, .sizes = {24, 24, 24, 24, 28, 36, 36, 36}},
	/* The adder can not wake the system. */
	{.call = wake_settings, .sizes = {16, 16, 16, 20, 20, 20, 20, 20}, .answer = STATUS_POWER_STATE_INVALID},
};

#define STRUCTURES (sizeof(structures) / sizeof(structures[0]))

static void set_up_structures(void)
{
	structures[0].newest.context = (WDF_OBJECT_CONTEXT_TYPE_INFO){
		.Size = sizeof(WDF_OBJECT_CONTEXT_TYPE_INFO), .ContextName = context_name, .ContextSize = 8};
	WDF_IO_QUEUE_CONFIG_INIT(&structures[1].newest.queue, WdfIoQueueDispatchParallel);
	structures[1].newest.queue.EvtIoDefault = (PFN_WDF_IO_QUEUE_IO_DEFAULT)nothing;
	WDF_INTERRUPT_CONFIG_INIT(&structures[2].newest.interrupt, (PFN_WDF_INTERRUPT_ISR)nothing, NULL);
	WDF_TIMER_CONFIG_INIT(&structures[3].newest.timer, (PFN_WDF_TIMER)nothing);
	structures[3].newest.timer.AutomaticSerialization = FALSE;
	WDF_DMA_ENABLER_CONFIG_INIT(&structures[4].newest.dma, WdfDmaProfileScatterGather64, 65536);
	WDF_IO_TARGET_OPEN_PARAMS_INIT_EXISTING_DEVICE(&structures[5].newest.target,
						       WdfDeviceWdmGetDeviceObject(the_device));
	WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS_INIT(&structures[6].newest.idle, IdleCannotWakeFromS0);
	WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS_INIT(&structures[7].newest.wake);
}

static bool had_size(const struct sized *s, size_t size)
{
	unsigned i;

	for (i = 0; i <= version && s->sizes[i] != size; i++)
		;
	return i <= version;
}

/* Every size that is a multiple of four, up to the newest and one more: right are those up to the driver's version. */
static void try_all_sizes(void)
{
	set_up_structures();
	for (unsigned i = 0; i < STRUCTURES; i++) {
		struct sized *s = &structures[i];
		size_t newest = s->sizes[VERSIONS - 1], size;

		for (size = 4; size <= newest; size += 4) {
			NTSTATUS status = s->call(at_the_end(&s->newest, size));
			NTSTATUS expected = had_size(s, size) ? s->answer : STATUS_INFO_LENGTH_MISMATCH;

			if (status != expected)
				us_nt_stop(US_NT_EXPECTATION, "", "1.%u, structure %u of %zu bytes: %#x, not %#x",
					   minors[version], i, size, (unsigned)status, (unsigned)expected);
		}
	}
}

/* -- where a wrong size is a bugcheck ----------------------------------------------------------------------------- */

static size_t given_size; /* 0: that of the driver's version */

static size_t size_of(const USHORT *sizes)
{
	return given_size ? given_size : sizes[version];
}

static void pnp_callbacks(PWDFDEVICE_INIT init)
{
	static const USHORT sizes[VERSIONS] = {136, 136, 136, 136, 136, 144, 144, 144};
	WDF_PNPPOWER_EVENT_CALLBACKS callbacks;

	WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&callbacks);
	WdfDeviceInitSetPnpPowerEventCallbacks(init, at_the_end(&callbacks, size_of(sizes)));
}

static void policy_callbacks(PWDFDEVICE_INIT init)
{
	static const USHORT sizes[VERSIONS] = {56, 56, 56, 64, 64, 64, 64, 64};
	WDF_POWER_POLICY_EVENT_CALLBACKS callbacks;

	WDF_POWER_POLICY_EVENT_CALLBACKS_INIT(&callbacks);
	WdfDeviceInitSetPowerPolicyEventCallbacks(init, at_the_end(&callbacks, size_of(sizes)));
}

static void pdo_callbacks(void)
{
	static const USHORT sizes[VERSIONS] = {56, 56, 56, 56, 56, 64, 64, 64};
	PWDFDEVICE_INIT child = WdfPdoInitAllocate(the_device);
	WDF_PDO_EVENT_CALLBACKS callbacks;

	WDF_PDO_EVENT_CALLBACKS_INIT(&callbacks);
	WdfPdoInitSetEventCallbacks(child, at_the_end(&callbacks, size_of(sizes)));
	WdfDeviceInitFree(child);
}

/* What the framework writes ends where the driver's structure does. */
static void interrupt_info(void)
{
	static const USHORT sizes[VERSIONS] = {56, 56, 56, 56, 64, 64, 64, 64};
	size_t size = size_of(sizes);
	WDF_INTERRUPT_INFO *info = (WDF_INTERRUPT_INFO *)(end_of_page - size);
	WDFINTERRUPT handle;

	set_up_structures();
	rig_expect(WdfInterruptCreate(the_device,
				      at_the_end(&structures[2].newest.interrupt, structures[2].sizes[version]), NULL,
				      &handle) == STATUS_SUCCESS);
	memset(page, 0x5a, (size_t)(end_of_page - page));
	info->Size = (ULONG)size;
	WdfInterruptGetInfo(handle, info);
	rig_expect(info->Size == size && info->Vector == 0 && info->MessageNumber == 0);
	rig_expect(size < sizeof(*info) || info->Group == 0);
}

/* -- what was otherwise then -------------------------------------------------------------------------------------- */

static void differences(void)
{
	unsigned minor = minors[version];
	WDF_IO_TARGET_OPEN_PARAMS *params;
	WDF_OBJECT_ATTRIBUTES attributes;
	WDFIOTARGET handle;
	WDFINTERRUPT in;
	PVOID context;

	set_up_structures();
	/* WdfInterruptCreate: "In KMDF version 1.9 or earlier" no parent may be named. */
	structures[2].newest.interrupt.AutomaticSerialization = TRUE;
	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.ParentObject = the_device;
	rig_expect(WdfInterruptCreate(the_device,
				      at_the_end(&structures[2].newest.interrupt, structures[2].sizes[version]),
				      &attributes,
				      &in) == (minor < 11 ? STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED : STATUS_SUCCESS));

	/* The unlimited tolerable delay came with 1.13; before 1.9 there was none, and nobody reads what lies there. */
	structures[3].newest.timer.TolerableDelay = 0xFFFFFFFF;
	rig_expect(timer(at_the_end(&structures[3].newest, structures[3].sizes[version])) ==
		   (minor == 9 || minor == 11 ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS));

	/* Before 1.9 a parallel queue had no limit to set wrong. */
	structures[1].newest.queue.Settings.Parallel.NumberOfPresentedRequests = 0;
	rig_expect(io_queue(at_the_end(&structures[1].newest, structures[1].sizes[version])) ==
		   (minor < 9 ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER));

	/* A parent that a later context names was not looked at before 1.11. */
	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.ParentObject = the_device;
	attributes.ContextTypeInfo = at_the_end(&structures[0].newest, structures[0].sizes[version]);
	rig_expect(WdfObjectAllocateContext(the_device, &attributes, &context) ==
		   (minor < 11 ? STATUS_SUCCESS : STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED));

	rig_expect(WdfIoTargetCreate(the_device, NULL, &handle) == STATUS_SUCCESS);
	params = at_the_end(&structures[5].newest, structures[5].sizes[version]);
	rig_expect(WdfIoTargetOpen(handle, params) == STATUS_SUCCESS);
	WdfIoTargetClose(handle);
	rig_expect(WdfIoTargetGetState(handle) == (minor < 9 ? WdfIoTargetClosedForQueryRemove : WdfIoTargetClosed));
	WdfObjectDelete(handle);
}

/* -- the driver --------------------------------------------------------------------------------------------------- */

static NTSTATUS NTAPI evt_add(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
	NTSTATUS status;

	(void)driver;
	if (in_add)
		in_add(init);
	status = WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &the_device);
	if (NT_SUCCESS(status) && with_device)
		with_device();
	return status;
}

static NTSTATUS create_driver(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
	WDF_DRIVER_CONFIG config;

	WDF_DRIVER_CONFIG_INIT(&config, evt_add);
	return WdfDriverCreate(driver, path, NULL, at_the_end(&config, sizeof(config)), NULL);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
	if (minors[version] < 15)
		WdfFunctions = (__typeof__(WdfFunctions))(uintptr_t)array;
	return in_entry ? in_entry(driver, path) : create_driver(driver, path);
}

static struct us_rehearsal built_for(unsigned index)
{
	version = index;
	memset(array, 0, sizeof(array));
	bind.version.minor = minors[index];
	bind.function_count = functions[index];
	bind.function_table = minors[index] < 15 ? (const void *)array : &WdfFunctions;
	return (struct us_rehearsal){.model = "adder", .entry = (void *)(uintptr_t)FxDriverEntry};
}

static void just_in(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
}

static void for_each_version(void)
{
	for (unsigned i = 0; i < VERSIONS; i++) {
		struct us_rehearsal r = built_for(i);

		rig_tell(&r, just_in, NULL);
	}
}

static void a_structure_is_right_in_the_sizes_that_it_had_up_to_then(void **state)
{
	(void)state;
	with_device = try_all_sizes;
	for_each_version();
}

/* Each of them right in each version, and then in the newest size for a driver that can not know it. */
static void breaks_when_newer(unsigned index, size_t newest)
{
	struct us_rehearsal r;

	for_each_version();
	given_size = newest;
	r = built_for(index);
	rig_tell_breaks("parameter.size", &r, just_in, NULL);
}

static void a_wrong_size_is_a_bugcheck_where_there_is_no_status(void **state)
{
	(void)state;
	in_add = pnp_callbacks;
	breaks_when_newer(4, sizeof(WDF_PNPPOWER_EVENT_CALLBACKS));
	given_size = 0;
	in_add = policy_callbacks;
	breaks_when_newer(2, sizeof(WDF_POWER_POLICY_EVENT_CALLBACKS));
	given_size = 0;
	in_add = NULL;
	with_device = pdo_callbacks;
	breaks_when_newer(4, sizeof(WDF_PDO_EVENT_CALLBACKS));
}

static void what_the_framework_fills_in_ends_where_the_drivers_structure_does(void **state)
{
	(void)state;
	with_device = interrupt_info;
	breaks_when_newer(3, sizeof(WDF_INTERRUPT_INFO));
}

static void some_functions_do_for_a_driver_what_they_did_when_it_was_built(void **state)
{
	(void)state;
	with_device = differences;
	for_each_version();
}

/* -- the pool tag, which fits into what was padding --------------------------------------------------------------- */

static NTSTATUS entry_with_tag(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
	ULONG before = WdfDriverGlobals->DriverTag;
	WDF_DRIVER_CONFIG config;
	NTSTATUS status;

	WDF_DRIVER_CONFIG_INIT(&config, evt_add);
	config.DriverPoolTag = 0x12345678;
	status = WdfDriverCreate(driver, path, NULL, &config, NULL);
	rig_expect(WdfDriverGlobals->DriverTag == (minors[version] < 5 ? before : 0x12345678));
	return status;
}

static void a_pool_tag_counts_since_1_5(void **state)
{
	(void)state;
	in_entry = entry_with_tag;
	for_each_version();
}

/* -- a request that is taken from its queue without having been looked for ---------------------------------------- */

static WDFQUEUE manual;

static void NTAPI park(WDFQUEUE queue, WDFREQUEST request)
{
	NTSTATUS expected = minors[version] < 11 ? STATUS_INVALID_DEVICE_REQUEST : STATUS_SUCCESS;
	WDFREQUEST again = NULL;

	(void)queue;
	rig_expect(WdfRequestForwardToIoQueue(request, manual) == STATUS_SUCCESS);
	rig_expect(WdfIoQueueRetrieveFoundRequest(manual, request, &again) == expected);
	if (!NT_SUCCESS(expected)) {
		rig_expect(WdfIoQueueFindRequest(manual, NULL, NULL, NULL, &again) == STATUS_SUCCESS &&
			   again == request);
		rig_expect(WdfIoQueueRetrieveFoundRequest(manual, request, &again) == STATUS_SUCCESS);
		WdfObjectDereference(request);
	}
	rig_expect(again == request);
	WdfRequestComplete(request, STATUS_SUCCESS);
}

static void two_queues(void)
{
	static const GUID class = {0x5d2a3a51, 0x3f0d, 0x4f0e, {0x9a, 0x5d, 0x11, 0x62, 0x0e, 0xde, 0x11, 0x07}};
	size_t size = structures[1].sizes[version];
	WDF_IO_QUEUE_CONFIG config;

	WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchSequential);
	config.EvtIoDefault = park;
	rig_expect(io_queue(at_the_end(&config, size)) == STATUS_SUCCESS);
	WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchManual);
	rig_expect(WdfIoQueueCreate(the_device, at_the_end(&config, size), NULL, &manual) == STATUS_SUCCESS);
	rig_expect(WdfDeviceCreateDeviceInterface(the_device, &class, NULL) == STATUS_SUCCESS);
}

static void one_read(struct us_nt_user *user, void *context)
{
	us_nt_handle file;
	us_nt_status status;
	char data;

	just_in(user, context);
	file = us_nt_open(user, US_NT_READ, &status);
	us_nt_expect_status(user, status, STATUS_SUCCESS);
	us_nt_expect_status(user, us_nt_read(user, file, &data, 1, 0, NULL), STATUS_SUCCESS);
}

static void a_request_has_to_be_looked_for_before_1_11(void **state)
{
	(void)state;
	with_device = two_queues;
	for (unsigned i = 0; i < VERSIONS; i++) {
		struct us_rehearsal r = built_for(i);

		rig_tell(&r, one_read, NULL);
	}
}

/* -- a request that is used again --------------------------------------------------------------------------------- */

static unsigned completions;

static void NTAPI completed(WDFREQUEST request, WDFIOTARGET to, PWDF_REQUEST_COMPLETION_PARAMS params,
			    WDFCONTEXT context)
{
	(void)request, (void)to, (void)context;
	rig_expect(params->Size == sizeof(*params));
	completions++;
}

/* Its completion routine is set before it is used again, and not after that. */
static void use_again(struct us_nt_user *user, void *context)
{
	WDF_REQUEST_REUSE_PARAMS params;
	WDFREQUEST request;
	WDFIOTARGET to;

	just_in(user, context);
	completions = 0;
	set_up_structures();
	us_nt_expect_status(user, WdfIoTargetCreate(the_device, NULL, &to), STATUS_SUCCESS);
	us_nt_expect_status(user, WdfIoTargetOpen(to, at_the_end(&structures[5].newest, structures[5].sizes[version])),
			    STATUS_SUCCESS);
	us_nt_expect_status(user, WdfRequestCreate(NULL, to, &request), STATUS_SUCCESS);
	WdfRequestSetCompletionRoutine(request, completed, NULL);
	WDF_REQUEST_REUSE_PARAMS_INIT(&params, WDF_REQUEST_REUSE_NO_FLAGS, STATUS_SUCCESS);
	us_nt_expect_status(user, WdfRequestReuse(request, &params), STATUS_SUCCESS);
	us_nt_expect_status(user, WdfIoTargetFormatRequestForRead(to, request, NULL, NULL, NULL), STATUS_SUCCESS);
	us_nt_expect(user, WdfRequestSend(request, to, NULL));
	us_nt_expect_status(user, WdfRequestGetStatus(request), STATUS_SUCCESS);
	us_nt_expect(user, completions == (minors[version] < 9));
	WdfObjectDelete(to);
}

static void a_reused_request_kept_its_completion_routine_before_1_9(void **state)
{
	(void)state;
	with_device = two_queues;
	for (unsigned i = 0; i < VERSIONS; i++) {
		struct us_rehearsal r = built_for(i);

		rig_tell(&r, use_again, NULL);
	}
}

/* -- binding ------------------------------------------------------------------------------------------------------ */

static NTSTATUS bind_again(unsigned minor, ULONG count, PVOID *globals)
{
	static DRIVER_OBJECT driver;
	static struct wdf_bind_info info;
	static WCHAR name[] = L"test";
	UNICODE_STRING path = {sizeof(name) - sizeof(WCHAR), sizeof(name), name};
	NTSTATUS status;

	memset(array, 0, sizeof(array));
	info = bind;
	info.version.minor = minor;
	info.function_count = count;
	info.function_table = array;
	status = WdfVersionBind(&driver, &path, &info, globals);
	if (NT_SUCCESS(status))
		rig_expect(WdfVersionUnbind(&path, &info, *globals) == STATUS_SUCCESS);
	return status;
}

static void bindings(void *context)
{
	PVOID globals = NULL;

	(void)context;
	for (unsigned i = 0; i + 1 < VERSIONS; i++) {
		rig_expect(bind_again(minors[i], functions[i], &globals) == STATUS_SUCCESS && globals);
		for (ULONG f = 0; f < 512; f++)
			rig_expect(!array[f] == (f >= functions[i]));
		globals = NULL;
		rig_expect(bind_again(minors[i], functions[i] + 1, &globals) == STATUS_INVALID_PARAMETER);
		rig_expect(bind_again(minors[i], functions[i] - 1, &globals) == STATUS_INVALID_PARAMETER);
		rig_expect(!globals && !array[0]);
	}
	rig_expect(bind_again(3, functions[2], &globals) == STATUS_INVALID_PARAMETER); /* there never was a 1.3 */
}

static void a_table_has_the_functions_of_its_version(void **state)
{
	(void)state;
	rig_run(NULL, bindings, NULL);
}

static NTSTATUS entry_unbound(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
	rig_expect(WdfVersionUnbind(&registry_path, &bind, WdfDriverGlobals) == STATUS_SUCCESS);
	return create_driver(driver, path);
}

static void who_is_not_bound_has_no_version(void **state)
{
	struct us_rehearsal r = built_for(4);

	(void)state;
	in_entry = entry_unbound;
	rig_tell_breaks("driver.unbound", &r, just_in, NULL);
}

/* WDF_CLASS_BIND_INFO as a driver's stub has it. */
static struct {
	ULONG size;
	PCWSTR name;
	ULONG major, minor, build;
	PVOID more[6];
} class_info = {sizeof(class_info), L"Ucx", 1, 6, 0, {0}};

typedef NTSTATUS(NTAPI *bind_class)(struct wdf_bind_info *info, PVOID globals, PVOID class);

static NTSTATUS entry_with_class(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
	const struct us_export *export = us_nt_find_export("wdfldr.sys", "WdfVersionBindClass");
	bind_class gate = (bind_class)(uintptr_t)us_nt_gate(export);

	(void)driver, (void)path;
	rig_expect(gate(&bind, WdfDriverGlobals, NULL) == STATUS_INVALID_PARAMETER);
	rig_expect(gate(NULL, WdfDriverGlobals, &class_info) == STATUS_INVALID_PARAMETER);
	return gate(&bind, WdfDriverGlobals, &class_info);
}

static void a_class_extension_is_not_there_and_named(void **state)
{
	struct us_rehearsal r = built_for(5);

	(void)state;
	assert_non_null(us_nt_find_export("wdfldr.sys", "WdfVersionUnbindClass")->function);
	in_entry = entry_with_class;
	rig_tell_breaks("unsupported", &r, just_in, NULL);
}

static int setup(void **state)
{
	(void)state;
	in_entry = NULL;
	in_add = NULL;
	with_device = NULL;
	given_size = 0;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_structure_is_right_in_the_sizes_that_it_had_up_to_then, setup),
		cmocka_unit_test_setup(a_wrong_size_is_a_bugcheck_where_there_is_no_status, setup),
		cmocka_unit_test_setup(what_the_framework_fills_in_ends_where_the_drivers_structure_does, setup),
		cmocka_unit_test_setup(some_functions_do_for_a_driver_what_they_did_when_it_was_built, setup),
		cmocka_unit_test_setup(a_pool_tag_counts_since_1_5, setup),
		cmocka_unit_test_setup(a_request_has_to_be_looked_for_before_1_11, setup),
		cmocka_unit_test_setup(a_reused_request_kept_its_completion_routine_before_1_9, setup),
		cmocka_unit_test_setup(a_table_has_the_functions_of_its_version, setup),
		cmocka_unit_test_setup(who_is_not_bound_has_no_version, setup),
		cmocka_unit_test_setup(a_class_extension_is_not_there_and_named, setup),
	};

	page = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || mprotect(page + 4096, 4096, PROT_NONE) != 0)
		return 1;
	end_of_page = page + 4096;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
