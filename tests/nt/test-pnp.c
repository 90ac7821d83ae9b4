/* SPDX-License-Identifier: Apache-2.0 */
/* Plug and play, power and interrupts, as a WDM driver of the adder meets them. */
#include "wdm-adder.h"

#include <stdlib.h>

#include "nt/interrupt.h"

static us_nt_handle plugged_in(struct us_nt_user *user)
{
	us_nt_status status;
	us_nt_handle file;

	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
	us_nt_expect(user, us_nt_is_started(user));
	file = us_nt_open(user, US_NT_READ | US_NT_WRITE, &status);
	us_nt_expect_status(user, status, STATUS_SUCCESS);
	return file;
}

static void start_add(struct us_nt_user *user, struct us_nt_io *io, us_nt_handle file, uint32_t operands[2],
		      uint32_t *sum)
{
	us_nt_start_control(user, io, file, WDM_ADD, operands, 2 * sizeof(*operands), sum, sizeof(*sum));
}

static void add(struct us_nt_user *user, us_nt_handle file)
{
	uint32_t operands[2] = {us_nt_chance(user, 1000), us_nt_chance(user, 1000)}, sum = 0;
	struct us_nt_io io;

	start_add(user, &io, file, operands, &sum);
	us_nt_expect_status(user, us_nt_wait(user, &io, US_FOREVER), STATUS_SUCCESS);
	us_nt_expect(user, sum == operands[0] + operands[1]);
}

static void several_additions(struct us_nt_user *user, void *context)
{
	us_nt_handle file = plugged_in(user);

	(void)context;
	for (unsigned i = 0; i < 5; i++)
		add(user, file);
	us_nt_expect(user, wdm_seen.claimed == 5);
}

static void tell(struct wdm_options options, enum us_nt_grant grant,
		 void (*story)(struct us_nt_user *user, void *context), unsigned seeds)
{
	for (unsigned seed = 0; seed < seeds; seed++) {
		struct us_rehearsal r = wdm_rehearsal(options, seed);

		r.grant = grant;
		rig_tell(&r, story, NULL);
	}
}

/* -- interrupts --------------------------------------------------------------------------------------------------- */

static void a_message_comes_by_each_way_of_connecting(void **state)
{
	const enum wdm_connect ways[] = {WDM_BY_MESSAGE, WDM_BY_VECTOR, WDM_PASSIVE};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		tell((struct wdm_options){.connect = ways[i]}, US_NT_GRANT_MSI, several_additions, 10);
		assert_int_equal(wdm_seen.message_descriptors, 1);
		assert_int_equal(wdm_seen.line_descriptors, 0);
	}
}

static void the_line_comes_by_each_way_of_connecting(void **state)
{
	const enum wdm_connect ways[] = {WDM_BY_MESSAGE, WDM_BY_LINE, WDM_BY_VECTOR, WDM_OLD, WDM_PASSIVE};

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		tell((struct wdm_options){.connect = ways[i]}, US_NT_GRANT_LINE, several_additions, 10);
		assert_int_equal(wdm_seen.line_descriptors, 1);
		assert_int_equal(wdm_seen.message_descriptors, 0);
	}
}

static void the_line_is_shared_with_a_device_that_chatters(void **state)
{
	unsigned others = 0;

	(void)state;
	for (unsigned seed = 0; seed < RIG_SEEDS; seed++) {
		struct us_rehearsal r = wdm_rehearsal((struct wdm_options){.connect = WDM_BY_LINE}, seed);

		r.grant = US_NT_GRANT_LINE;
		rig_tell(&r, several_additions, NULL);
		others += wdm_seen.interrupts - wdm_seen.claimed;
	}
	assert_true(others > 0);
}

static void the_other_device_claims_its_own(void **state)
{
	struct us_rehearsal r = wdm_rehearsal((struct wdm_options){.connect = WDM_BY_LINE}, 1);
	char *text = NULL;
	size_t size;

	(void)state;
	r.grant = US_NT_GRANT_LINE;
	r.trace = open_memstream(&text, &size);
	rig_tell(&r, several_additions, NULL);
	fclose(r.trace);
	assert_non_null(strstr(text, "the other device pulls the line"));
	assert_non_null(strstr(text, "the other device's service routine claims it"));
	free(text);
}

static void a_line_that_nobody_claims_is_stuck(void **state)
{
	struct us_rehearsal r =
		wdm_rehearsal((struct wdm_options){.connect = WDM_BY_LINE, .mistake = WDM_NEVER_CLAIMS}, 0);

	(void)state;
	r.grant = US_NT_GRANT_LINE;
	rig_tell_breaks("interrupt.storm", &r, several_additions, NULL);
}

static unsigned inside;

/* Under the interrupt's lock, and for a while. */
static BOOLEAN NTAPI dawdle(PVOID context)
{
	LARGE_INTEGER some = {.QuadPart = -(LONGLONG)(uintptr_t)context};

	rig_expect(inside++ == 0);
	rig_expect(US_IMPORT(KeDelayExecutionThread)(KernelMode, FALSE, &some) == STATUS_SUCCESS);
	inside--;
	return TRUE;
}

static void synchronise(struct us_nt_user *user, void *context)
{
	PKINTERRUPT interrupt = (PKINTERRUPT)(void *)us_nt->pnp->interrupts;

	(void)user;
	rig_expect(US_IMPORT(KeSynchronizeExecution)(interrupt, dawdle, context));
}

static void several_synchronise(struct us_nt_user *user, void *context)
{
	us_nt_handle file = plugged_in(user);
	struct us_nt_thread *threads[5];

	(void)context;
	inside = 0;
	for (unsigned i = 0; i < 5; i++)
		threads[i] = us_nt_thread(user, synchronise, (void *)(uintptr_t)20000);
	add(user, file);
	for (unsigned i = 0; i < 5; i++)
		us_nt_join(user, threads[i]);
}

static void many_may_wait_for_the_lock_of_a_passive_interrupt(void **state)
{
	(void)state;
	tell((struct wdm_options){.connect = WDM_PASSIVE}, US_NT_GRANT_LINE, several_synchronise, 10);
	tell((struct wdm_options){.connect = WDM_PASSIVE}, US_NT_GRANT_MSI, several_synchronise, 10);
}

/* The service routine waits for its lock while the interrupt is disconnected. */
static void pull_out_meanwhile(struct us_nt_user *user, void *context)
{
	us_nt_handle file = plugged_in(user);
	uint32_t operands[2] = {2, 3}, sum;
	struct us_nt_thread *thread;
	struct us_nt_io io;

	(void)context;
	inside = 0;
	thread = us_nt_thread(user, synchronise, (void *)(uintptr_t)1000000);
	us_nt_advance(user, 1000000);
	us_nt_expect(user, inside == 1);
	start_add(user, &io, file, operands, &sum);
	us_nt_advance(user, 1000000);
	us_nt_pull_out(user);
	us_nt_wait(user, &io, US_FOREVER);
	us_nt_join(user, thread);
}

static void disconnecting_waits_for_a_passive_service_routine(void **state)
{
	(void)state;
	tell((struct wdm_options){.connect = WDM_PASSIVE}, US_NT_GRANT_LINE, pull_out_meanwhile, 10);
	tell((struct wdm_options){.connect = WDM_PASSIVE}, US_NT_GRANT_MSI, pull_out_meanwhile, 10);
}

static void unstartable(struct us_nt_user *user, void *context)
{
	us_nt_expect_status(user, us_nt_plug_in(user), *(us_nt_status *)context);
	us_nt_expect(user, !us_nt_is_started(user));
}

static void connecting_by_line_needs_a_line(void **state)
{
	struct us_rehearsal r = wdm_rehearsal((struct wdm_options){.connect = WDM_BY_LINE}, 0);
	us_nt_status expected = STATUS_NOT_FOUND;

	(void)state;
	r.grant = US_NT_GRANT_MSI;
	rig_tell(&r, unstartable, &expected);
	assert_int_equal(wdm_seen.removes, 1);
}

static void what_the_function_has_not_can_not_be_granted(void **state)
{
	struct us_rehearsal r = wdm_rehearsal((struct wdm_options){.connect = WDM_BY_LINE}, 0);
	struct us_rehearsal_report report = {0};
	struct us_error err = {0};

	(void)state;
	r.grant = US_NT_GRANT_MSIX;
	assert_int_equal(us_rehearse(&r, NULL, NULL, &report, &err), 0);
	assert_int_equal(report.outcome, US_NT_FAILED);
	us_rehearsal_free(&report);
}

/* The crypto device has four messages, of both kinds; its driver is not needed to see what is granted. */
static void grants(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
}

static void grant(enum us_nt_grant kind, unsigned messages, unsigned descriptors, unsigned connected)
{
	struct us_rehearsal r = wdm_rehearsal((struct wdm_options){.connect = WDM_BY_MESSAGE}, 0);

	r.model = "crypto";
	r.grant = kind;
	r.messages = messages;
	rig_tell(&r, grants, NULL);
	assert_int_equal(wdm_seen.message_descriptors, descriptors);
	assert_int_equal(wdm_seen.messages, connected);
}

static void fewer_messages_are_granted_than_asked_for(void **state)
{
	(void)state;
	grant(US_NT_GRANT_BEST, 0, 1, 4);
	grant(US_NT_GRANT_MSI, 0, 1, 4);
	grant(US_NT_GRANT_MSI, 3, 1, 2); /* a power of two */
	grant(US_NT_GRANT_MSI, 1, 1, 1);
	grant(US_NT_GRANT_MSIX, 0, 4, 4); /* a descriptor for each */
	grant(US_NT_GRANT_MSIX, 3, 3, 3);
	grant(US_NT_GRANT_LINE, 0, 0, 0);
}

static void the_inf_limits_the_messages(void **state)
{
	static const char key[] = "Device\\Interrupt Management\\MessageSignaledInterruptProperties";
	const uint32_t two = 2, none = 0;
	const struct us_nt_value limit = {key, "MessageNumberLimit", 4, &two, 4},
				 off = {key, "MSISupported", 4, &none, 4};
	struct us_rehearsal r = wdm_rehearsal((struct wdm_options){.connect = WDM_BY_MESSAGE}, 0);

	(void)state;
	r.model = "crypto";
	r.registry = &limit;
	r.nregistry = 1;
	rig_tell(&r, grants, NULL);
	assert_int_equal(wdm_seen.messages, 2);
	r = wdm_rehearsal((struct wdm_options){.connect = WDM_BY_MESSAGE}, 0);
	r.model = "crypto";
	r.registry = &off;
	r.nregistry = 1;
	rig_tell(&r, grants, NULL);
	assert_int_equal(wdm_seen.line_descriptors, 1);
}

/* -- start and removal -------------------------------------------------------------------------------------------- */

static void a_device_that_does_not_start_is_removed(void **state)
{
	struct us_rehearsal r = wdm_rehearsal((struct wdm_options){.mistake = WDM_FAILS_START}, 0);
	us_nt_status expected = STATUS_DEVICE_CONFIGURATION_ERROR;

	(void)state;
	rig_tell(&r, unstartable, &expected);
	assert_int_equal(wdm_seen.removes, 1);
	assert_int_equal(wdm_seen.starts, 0);
}

static void ejecting(struct us_nt_user *user, void *context)
{
	us_nt_handle file = plugged_in(user);

	(void)context;
	us_nt_expect_status(user, us_nt_eject(user), STATUS_UNSUCCESSFUL); /* a file is open */
	us_nt_expect(user, us_nt_is_started(user));
	add(user, file);
	us_nt_close(user, file);
	us_nt_expect_status(user, us_nt_eject(user), STATUS_SUCCESS);
	us_nt_expect(user, !us_nt_is_started(user) && wdm_seen.removes == 1);
	us_nt_expect_status(user, us_nt_eject(user), STATUS_NO_SUCH_DEVICE);
	file = plugged_in(user);
	add(user, file);
	us_nt_close(user, file);
	us_nt_expect_status(user, us_nt_eject(user), STATUS_SUCCESS);
	us_nt_expect_status(user, us_nt_unload(user), STATUS_SUCCESS);
	file = plugged_in(user);
	add(user, file);
}

static void a_device_is_ejected_when_nobody_has_it_open(void **state)
{
	(void)state;
	tell((struct wdm_options){0}, US_NT_GRANT_BEST, ejecting, 10);
}

static void refused(struct us_nt_user *user, void *context)
{
	us_nt_handle file = plugged_in(user);

	(void)context;
	us_nt_close(user, file);
	us_nt_expect_status(user, us_nt_eject(user), STATUS_UNSUCCESSFUL);
	us_nt_expect(user, us_nt_is_started(user));
}

static void a_driver_may_refuse_to_be_removed(void **state)
{
	(void)state;
	tell((struct wdm_options){.mistake = WDM_FAILS_QUERY_REMOVE}, US_NT_GRANT_BEST, refused, 3);
	assert_int_equal(wdm_seen.surprises, 1); /* the story's end does not ask */
	assert_int_equal(wdm_seen.removes, 1);
}

static void pulled_out(struct us_nt_user *user, void *context)
{
	us_nt_handle file = plugged_in(user);
	uint32_t operands[3][2] = {{1, 2}, {3, 4}, {5, 6}}, sums[3];
	struct us_nt_io io[3];
	us_nt_status status;

	(void)context;
	for (unsigned i = 0; i < 3; i++)
		start_add(user, &io[i], file, operands[i], &sums[i]);
	us_nt_advance(user, us_nt_chance(user, 2000));
	us_nt_pull_out(user);
	us_nt_expect(user, wdm_seen.surprises == 1 && wdm_seen.removes == 0); /* a file is open still */
	for (unsigned i = 0; i < 3; i++) {
		status = us_nt_wait(user, &io[i], US_FOREVER);
		us_nt_expect(user, status == STATUS_SUCCESS || status == STATUS_DELETE_PENDING);
	}
	us_nt_open(user, US_NT_READ, &status);
	us_nt_expect(user, status == STATUS_OBJECT_NAME_NOT_FOUND);
	us_nt_close(user, file);
	us_nt_expect(user, wdm_seen.removes == 1);
	file = plugged_in(user);
	add(user, file);
}

static void a_device_is_pulled_out_with_requests_in_flight(void **state)
{
	(void)state;
	tell((struct wdm_options){0}, US_NT_GRANT_BEST, pulled_out, RIG_SEEDS);
	tell((struct wdm_options){0}, US_NT_GRANT_LINE, pulled_out, RIG_SEEDS);
}

static void rebalanced(struct us_nt_user *user, void *context)
{
	us_nt_handle file = plugged_in(user);
	uint64_t before = wdm_seen.bar;

	(void)context;
	add(user, file);
	us_nt_expect_status(user, us_nt_rebalance(user), STATUS_SUCCESS);
	us_nt_expect(user, wdm_seen.bar != before && wdm_seen.stops == 1 && wdm_seen.starts == 2);
	add(user, file);
	before = wdm_seen.bar;
	us_nt_expect_status(user, us_nt_rebalance(user), STATUS_SUCCESS);
	us_nt_expect(user, wdm_seen.bar != before);
	add(user, file);
}

static void a_rebalance_moves_the_registers(void **state)
{
	(void)state;
	tell((struct wdm_options){0}, US_NT_GRANT_BEST, rebalanced, 10);
	tell((struct wdm_options){0}, US_NT_GRANT_LINE, rebalanced, 10);
}

/* -- what drivers ask the bus ------------------------------------------------------------------------------------- */

#define CALL(function) US_IMPORT(function)

static bool begins_with(const WCHAR *text, const char *with)
{
	while (*with && *text == (WCHAR)*with) {
		text++;
		with++;
	}
	return !*with;
}

static void ask_properties(PDEVICE_OBJECT pdo, PDEVICE_OBJECT lower)
{
	WCHAR text[256];
	ULONG needed, number;

	rig_expect(lower == pdo);
	rig_expect(CALL(IoGetDeviceProperty)(pdo, DevicePropertyHardwareID, 10, text, &needed) ==
		   STATUS_BUFFER_TOO_SMALL);
	rig_expect(needed > 100 && needed <= sizeof(text));
	rig_expect(CALL(IoGetDeviceProperty)(pdo, DevicePropertyHardwareID, sizeof(text), text, &needed) ==
		   STATUS_SUCCESS);
	rig_expect(begins_with(text, "PCI\\VEN_1234&DEV_ADDE&SUBSYS_"));
	rig_expect(text[needed / 2 - 1] == 0 && text[needed / 2 - 2] == 0);
	rig_expect(CALL(IoGetDeviceProperty)(pdo, DevicePropertyPhysicalDeviceObjectName, sizeof(text), text,
					     &needed) == STATUS_SUCCESS);
	rig_expect(begins_with(text, "\\Device\\NTPNP_PCI"));
	rig_expect(CALL(IoGetDeviceProperty)(pdo, DevicePropertyBusNumber, 4, &number, &needed) == STATUS_SUCCESS);
	rig_expect(number == 3);
	rig_expect(CALL(IoGetDeviceProperty)(pdo, DevicePropertyUINumber, 4, &number, &needed) ==
		   STATUS_OBJECT_NAME_NOT_FOUND);
}

static void the_bus_says_what_the_device_is(void **state)
{
	(void)state;
	tell((struct wdm_options){.probe = ask_properties}, US_NT_GRANT_BEST, grants, 1);
}

static void ask_wrong_device(PDEVICE_OBJECT pdo, PDEVICE_OBJECT lower)
{
	ULONG needed, number;

	(void)lower;
	CALL(IoGetDeviceProperty)(pdo->AttachedDevice, DevicePropertyBusNumber, 4, &number, &needed);
}

static void properties_are_the_pdos(void **state)
{
	struct us_rehearsal r = wdm_rehearsal((struct wdm_options){.probe = ask_wrong_device}, 0);

	(void)state;
	rig_tell_breaks("pnp.not-a-pdo", &r, grants, NULL);
}

static uint32_t device_value(PDEVICE_OBJECT pdo, ULONG type)
{
	WCHAR name_text[] = L"Answer";
	UNICODE_STRING name = {12, 14, name_text};
	struct {
		KEY_VALUE_PARTIAL_INFORMATION head;
		uint8_t more[8];
	} value;
	HANDLE key;
	ULONG needed;
	uint32_t number = 0;

	rig_expect(CALL(IoOpenDeviceRegistryKey)(pdo, type, KEY_READ, &key) == STATUS_SUCCESS);
	if (CALL(ZwQueryValueKey)(key, &name, KeyValuePartialInformation, &value, sizeof(value), &needed) ==
	    STATUS_SUCCESS)
		memcpy(&number, value.head.Data, sizeof(number));
	CALL(ZwClose)(key);
	return number;
}

static void ask_keys(PDEVICE_OBJECT pdo, PDEVICE_OBJECT lower)
{
	(void)lower;
	rig_expect(device_value(pdo, PLUGPLAY_REGKEY_DEVICE) == 42);
	rig_expect(device_value(pdo, PLUGPLAY_REGKEY_DRIVER) == 43);
}

static void the_devices_keys_have_what_the_inf_wrote(void **state)
{
	const uint32_t hardware = 42, software = 43;
	const struct us_nt_value values[] = {{"Device", "Answer", 4, &hardware, 4},
					     {"Driver", "Answer", 4, &software, 4}};
	struct us_rehearsal r = wdm_rehearsal((struct wdm_options){.probe = ask_keys}, 0);

	(void)state;
	r.registry = values;
	r.nregistry = 2;
	rig_tell(&r, grants, NULL);
}

static void ask_bus_interface(PDEVICE_OBJECT pdo, PDEVICE_OBJECT lower)
{
	BUS_INTERFACE_STANDARD bus = {0};
	IO_STATUS_BLOCK result;
	PIO_STACK_LOCATION sp;
	KEVENT event;
	PIRP irp;
	uint32_t ids = 0;
	uint16_t command = 0;

	(void)pdo;
	CALL(KeInitializeEvent)(&event, NotificationEvent, FALSE);
	irp = CALL(IoBuildSynchronousFsdRequest)(IRP_MJ_PNP, lower, NULL, 0, NULL, &event, &result);
	irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
	sp = IoGetNextIrpStackLocation(irp);
	sp->MinorFunction = IRP_MN_QUERY_INTERFACE;
	sp->Parameters.QueryInterface.InterfaceType = &GUID_BUS_INTERFACE_STANDARD;
	sp->Parameters.QueryInterface.Size = sizeof(bus);
	sp->Parameters.QueryInterface.Version = 1;
	sp->Parameters.QueryInterface.Interface = (PINTERFACE)(void *)&bus;
	rig_expect(CALL(IofCallDriver)(lower, irp) == STATUS_SUCCESS && result.Status == STATUS_SUCCESS);
	rig_expect(bus.GetBusData(bus.Context, PCI_WHICHSPACE_CONFIG, &ids, 0, 4) == 4 && ids == 0xadde1234);
	rig_expect(bus.GetBusData(bus.Context, PCI_WHICHSPACE_CONFIG, &command, 4, 2) == 2);
	rig_expect((command & 6) == 6); /* memory and bus master are on when a driver starts its device */
	command &= 0xfffb;
	rig_expect(bus.SetBusData(bus.Context, PCI_WHICHSPACE_CONFIG, &command, 4, 2) == 2);
	command = 0;
	bus.GetBusData(bus.Context, PCI_WHICHSPACE_CONFIG, &command, 4, 2);
	rig_expect((command & 6) == 2);
	command |= 4;
	bus.SetBusData(bus.Context, PCI_WHICHSPACE_CONFIG, &command, 4, 2);
	rig_expect(bus.GetBusData(bus.Context, 77, &ids, 0, 4) == 0);
	bus.InterfaceDereference(bus.Context);
}

static void the_bus_gives_configuration_space(void **state)
{
	(void)state;
	tell((struct wdm_options){.probe = ask_bus_interface}, US_NT_GRANT_BEST, several_additions, 3);
}

static void keep_reference(PDEVICE_OBJECT pdo, PDEVICE_OBJECT lower)
{
	(void)lower;
	CALL(ObfReferenceObject)(pdo);
}

static void a_reference_that_is_kept_is_a_leak(void **state)
{
	struct us_rehearsal r = wdm_rehearsal((struct wdm_options){.probe = keep_reference}, 0);

	(void)state;
	rig_tell_breaks("object.leak", &r, grants, NULL);
}

static void failing(struct us_nt_user *user, void *context)
{
	us_nt_handle file = plugged_in(user);

	(void)context;
	us_nt_expect(user, wdm_seen.state_queries == 1); /* behind its start */
	wdm.mistake = WDM_SAYS_FAILED;
	CALL(IoInvalidateDeviceState)(wdm_seen.pdo);
	us_nt_advance(user, 1000);
	us_nt_expect(user, wdm_seen.state_queries == 2 && !us_nt_is_started(user));
	us_nt_expect(user, wdm_seen.surprises == 1 && wdm_seen.removes == 0); /* a file is open */
	us_nt_close(user, file);
	us_nt_expect(user, wdm_seen.removes == 1);
}

static void a_device_that_says_it_failed_is_removed(void **state)
{
	(void)state;
	tell((struct wdm_options){0}, US_NT_GRANT_BEST, failing, 3);
}

/* -- power -------------------------------------------------------------------------------------------------------- */

static void sleeping(struct us_nt_user *user, void *context)
{
	us_nt_handle file = plugged_in(user);
	uint32_t operands[2] = {70, 7}, sum = 0;
	struct us_function *fn = us_nt_function(user);
	struct us_nt_io io;

	(void)context;
	us_nt_expect_status(user, us_nt_rebalance(user), STATUS_SUCCESS);
	start_add(user, &io, file, operands, &sum);
	us_nt_expect_status(user, us_nt_wait(user, &io, US_FOREVER), STATUS_SUCCESS);
	us_nt_expect(user, us_fn_read32(fn, US_REGION_BAR0, 0) == 70);
	us_nt_expect_status(user, us_nt_sleep_system(user), STATUS_SUCCESS);
	us_nt_expect(user, us_fn_read32(fn, US_REGION_BAR0, 0) == UINT32_MAX); /* its memory space is off */
	us_nt_expect(user, !us_nt_is_started(user) && wdm_seen.d3 == 1);
	start_add(user, &io, file, operands, &sum); /* waits in the queue */
	us_nt_expect_status(user, us_nt_wait(user, &io, 1000000), STATUS_TIMEOUT);
	us_nt_expect_status(user, us_nt_wake_system(user), STATUS_SUCCESS);
	us_nt_expect(user, us_nt_is_started(user) && wdm_seen.d0 == 1);
	us_nt_expect(user, (us_fn_read32(fn, US_REGION_CONFIG, 0x10) & ~15u) == wdm_seen.bar); /* restored by the bus */
	us_nt_expect_status(user, us_nt_wait(user, &io, US_FOREVER), STATUS_SUCCESS);
	us_nt_expect(user, sum == 77);
	add(user, file);
}

static void the_system_sleeps_and_wakes(void **state)
{
	(void)state;
	tell((struct wdm_options){0}, US_NT_GRANT_BEST, sleeping, 20);
	tell((struct wdm_options){.connect = WDM_BY_LINE}, US_NT_GRANT_LINE, sleeping, 20);
}

static void a_driver_must_not_fail_to_sleep(void **state)
{
	struct us_rehearsal r = wdm_rehearsal((struct wdm_options){.mistake = WDM_FAILS_POWER}, 0);

	(void)state;
	rig_tell_breaks("power.must-succeed", &r, sleeping, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_that_nobody_claims_is_stuck),
		cmocka_unit_test(connecting_by_line_needs_a_line),
		cmocka_unit_test(what_the_function_has_not_can_not_be_granted),
		cmocka_unit_test(a_device_that_does_not_start_is_removed),
		cmocka_unit_test(a_driver_may_refuse_to_be_removed),
		cmocka_unit_test(a_driver_must_not_fail_to_sleep),
		cmocka_unit_test(properties_are_the_pdos),
		cmocka_unit_test(a_reference_that_is_kept_is_a_leak),
		cmocka_unit_test(the_bus_says_what_the_device_is),
		cmocka_unit_test(the_devices_keys_have_what_the_inf_wrote),
		cmocka_unit_test(the_bus_gives_configuration_space),
		cmocka_unit_test(a_device_that_says_it_failed_is_removed),
		cmocka_unit_test(a_message_comes_by_each_way_of_connecting),
		cmocka_unit_test(the_line_comes_by_each_way_of_connecting),
		cmocka_unit_test(the_line_is_shared_with_a_device_that_chatters),
		cmocka_unit_test(the_other_device_claims_its_own),
		cmocka_unit_test(many_may_wait_for_the_lock_of_a_passive_interrupt),
		cmocka_unit_test(disconnecting_waits_for_a_passive_service_routine),
		cmocka_unit_test(fewer_messages_are_granted_than_asked_for),
		cmocka_unit_test(the_inf_limits_the_messages),
		cmocka_unit_test(a_device_is_ejected_when_nobody_has_it_open),
		cmocka_unit_test(a_device_is_pulled_out_with_requests_in_flight),
		cmocka_unit_test(a_rebalance_moves_the_registers),
		cmocka_unit_test(the_system_sleeps_and_wakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
