/* SPDX-License-Identifier: Apache-2.0 */
/* Interrupt objects: what can be created, what they are granted, ISR, DPC and work item, their lock. */
#include "kmdf-driver.h"

#include "crypto.h"
#include "nt/trap.h"

#define OBJECTS 5

static NTSTATUS (*in_add)(WDFDEVICE device), (*in_prepare)(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated);
static NTSTATUS (*in_post)(WDFDEVICE device);
static WDFDEVICE the_device;
static WDFINTERRUPT objects[OBJECTS];
static bool uses_work_item, passive;
static unsigned isrs, dpcs, works, synchronised;
static ULONG last_message;

static ULONG read(ULONG offset)
{
	return (ULONG)us_nt_register_read(0, offset, 4);
}

static void write(ULONG offset, ULONG value)
{
	us_nt_register_write(0, offset, 4, value);
}

static BOOLEAN NTAPI evt_isr(WDFINTERRUPT interrupt, ULONG message)
{
	ULONG causes = read(CRYPTO_INT_STATUS);

	rig_expect(passive ? us_nt_irql() == PASSIVE_LEVEL : us_nt_irql() > DISPATCH_LEVEL);
	if (!causes)
		return FALSE;
	write(CRYPTO_INT_STATUS, causes);
	last_message = message;
	isrs++;
	if (uses_work_item)
		rig_expect(WdfInterruptQueueWorkItemForIsr(interrupt) &&
			   (passive || !WdfInterruptQueueWorkItemForIsr(interrupt)));
	else
		rig_expect(WdfInterruptQueueDpcForIsr(interrupt) && !WdfInterruptQueueDpcForIsr(interrupt));
	return TRUE;
}

static void NTAPI evt_dpc(WDFINTERRUPT interrupt, WDFOBJECT associated)
{
	rig_expect(us_nt_irql() == DISPATCH_LEVEL && associated == the_device);
	rig_expect(WdfInterruptGetDevice(interrupt) == the_device);
	dpcs++;
}

static void NTAPI evt_work(WDFINTERRUPT interrupt, WDFOBJECT associated)
{
	(void)interrupt;
	rig_expect(us_nt_irql() == PASSIVE_LEVEL && associated == the_device);
	works++;
}

static NTSTATUS create(WDFDEVICE device, unsigned count)
{
	WDF_INTERRUPT_CONFIG config;
	NTSTATUS status = STATUS_SUCCESS;
	unsigned i;

	WDF_INTERRUPT_CONFIG_INIT(&config, evt_isr, uses_work_item ? NULL : evt_dpc);
	if (uses_work_item)
		config.EvtInterruptWorkItem = evt_work;
	config.PassiveHandling = passive;
	for (i = 0; i < count && NT_SUCCESS(status); i++)
		status = WdfInterruptCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, &objects[i]);
	return status;
}

static NTSTATUS create_all(WDFDEVICE device)
{
	return create(device, OBJECTS);
}

static NTSTATUS NTAPI evt_prepare(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated)
{
	return in_prepare ? in_prepare(device, raw, translated) : STATUS_SUCCESS;
}

static NTSTATUS NTAPI evt_post(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous)
{
	(void)previous;
	return in_post ? in_post(device) : STATUS_SUCCESS;
}

static NTSTATUS NTAPI evt_add(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
	WDF_PNPPOWER_EVENT_CALLBACKS pnp;
	NTSTATUS status;

	(void)driver;
	WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&pnp);
	pnp.EvtDevicePrepareHardware = evt_prepare;
	pnp.EvtDeviceD0EntryPostInterruptsEnabled = evt_post;
	WdfDeviceInitSetPnpPowerEventCallbacks(init, &pnp);
	status = WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &the_device);
	return NT_SUCCESS(status) && in_add ? in_add(the_device) : status;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
	WDF_DRIVER_CONFIG config;

	WDF_DRIVER_CONFIG_INIT(&config, evt_add);
	return WdfDriverCreate(driver, path, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}

static int setup(void **state)
{
	(void)state;
	in_add = create_all;
	in_prepare = NULL;
	in_post = NULL;
	uses_work_item = passive = false;
	isrs = dpcs = works = synchronised = 0;
	return 0;
}

static void tell_with(enum us_nt_grant grant, unsigned messages, void (*story)(struct us_nt_user *user, void *context))
{
	struct us_rehearsal r = {
		.entry = (void *)(uintptr_t)FxDriverEntry, .model = "crypto", .grant = grant, .messages = messages};

	for (r.seed = 0; r.seed < 5; r.seed++) {
		isrs = dpcs = works = synchronised = 0;
		rig_tell(&r, story, NULL);
	}
}

static void tell(void (*story)(struct us_nt_user *user, void *context))
{
	tell_with(US_NT_GRANT_BEST, 0, story);
}

static void breaks(const char *rule, void (*story)(struct us_nt_user *user, void *context))
{
	const struct us_rehearsal r = {.entry = (void *)(uintptr_t)FxDriverEntry, .model = "crypto"};

	rig_tell_breaks(rule, &r, story, NULL);
}

static void just_in(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
}

/* -- creation ----------------------------------------------------------------------------------------------------- */

static NTSTATUS try(WDFDEVICE device, const WDF_INTERRUPT_CONFIG *config, PWDF_OBJECT_ATTRIBUTES attributes)
{
	WDF_INTERRUPT_CONFIG copy = *config;
	WDFINTERRUPT interrupt = (WDFINTERRUPT)&copy;
	NTSTATUS status = WdfInterruptCreate(device, &copy, attributes, &interrupt);

	rig_expect(NT_SUCCESS(status) || !interrupt);
	return status;
}

static NTSTATUS wrong(WDFDEVICE device)
{
	CM_PARTIAL_RESOURCE_DESCRIPTOR descriptor = {.Type = CmResourceTypeInterrupt};
	WDF_INTERRUPT_CONFIG good, bad;
	WDF_OBJECT_ATTRIBUTES attributes;

	WDF_INTERRUPT_CONFIG_INIT(&good, evt_isr, evt_dpc);
	bad = good;
	bad.Size--;
	rig_expect(try(device, &bad, NULL) == STATUS_INFO_LENGTH_MISMATCH);
	bad = good;
	bad.EvtInterruptIsr = NULL;
	rig_expect(try(device, &bad, NULL) == STATUS_INVALID_PARAMETER);
	bad = good;
	bad.EvtInterruptWorkItem = evt_work;
	rig_expect(try(device, &bad, NULL) == STATUS_INVALID_PARAMETER);
	bad = good;
	bad.InterruptRaw = &descriptor;
	rig_expect(try(device, &bad, NULL) == STATUS_INVALID_PARAMETER);
	bad.InterruptTranslated = &descriptor; /* in EvtDriverDeviceAdd */
	rig_expect(try(device, &bad, NULL) == STATUS_INVALID_PARAMETER);
	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.ParentObject = WdfGetDriver();
	rig_expect(try(device, &good, &attributes) == STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
	attributes.ParentObject = device;
	rig_expect(try(device, &good, &attributes) == STATUS_INVALID_PARAMETER); /* needs AutomaticSerialization */
	bad = good;
	bad.AutomaticSerialization = TRUE;
	rig_expect(try(device, &bad, &attributes) == STATUS_SUCCESS);
	bad.EvtInterruptDpc = NULL;
	bad.EvtInterruptWorkItem = evt_work; /* the device's callbacks run at DISPATCH_LEVEL */
	rig_expect(try(device, &bad, NULL) == STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL);
	return STATUS_SUCCESS;
}

static NTSTATUS wrong_in_prepare(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated)
{
	WDF_INTERRUPT_CONFIG config;

	(void)raw, (void)translated;
	WDF_INTERRUPT_CONFIG_INIT(&config, evt_isr, evt_dpc);
	rig_expect(try(device, &config, NULL) == STATUS_INVALID_DEVICE_STATE);
	return STATUS_SUCCESS;
}

static void too_late(struct us_nt_user *user, void *context)
{
	WDF_INTERRUPT_CONFIG config;

	just_in(user, context);
	WDF_INTERRUPT_CONFIG_INIT(&config, evt_isr, evt_dpc);
	rig_expect(try(the_device, &config, NULL) == STATUS_INVALID_DEVICE_STATE);
}

static void what_can_not_be_an_interrupt_is_refused(void **state)
{
	(void)state;
	in_add = wrong;
	in_prepare = wrong_in_prepare;
	tell(too_late);
}

/* -- what is granted ---------------------------------------------------------------------------------------------- */

static void info_of(unsigned i, WDF_INTERRUPT_INFO *info)
{
	WDF_INTERRUPT_INFO_INIT(info);
	WdfInterruptGetInfo(objects[i], info);
}

static void four_messages(struct us_nt_user *user, void *context)
{
	WDF_INTERRUPT_INFO info, first;
	unsigned i;

	just_in(user, context);
	info_of(0, &first);
	for (i = 0; i < 4; i++) {
		info_of(i, &info);
		rig_expect(info.MessageSignaled && info.MessageNumber == i && info.Mode == Latched);
		rig_expect(info.Vector == first.Vector + i && info.Irql > DISPATCH_LEVEL && info.TargetProcessorSet);
		rig_expect(WdfInterruptWdmGetInterrupt(objects[i]) != NULL);
	}
	info_of(4, &info);
	rig_expect(info.Vector == 0 && WdfInterruptWdmGetInterrupt(objects[4]) == NULL);
}

static void one_message(struct us_nt_user *user, void *context)
{
	WDF_INTERRUPT_INFO info;

	just_in(user, context);
	info_of(0, &info);
	rig_expect(info.MessageSignaled && info.MessageNumber == 0);
	info_of(1, &info);
	rig_expect(info.Vector == 0);
}

static void a_line(struct us_nt_user *user, void *context)
{
	WDF_INTERRUPT_INFO info;

	just_in(user, context);
	info_of(0, &info);
	rig_expect(!info.MessageSignaled && info.Mode == LevelSensitive &&
		   info.ShareDisposition == CmResourceShareShared);
}

static void messages_are_assigned_in_the_order_of_creation(void **state)
{
	(void)state;
	tell_with(US_NT_GRANT_MSI, 4, four_messages);
	tell_with(US_NT_GRANT_MSIX, 4, four_messages);
	tell_with(US_NT_GRANT_MSI, 1, one_message);
	tell_with(US_NT_GRANT_LINE, 0, a_line);
}

static NTSTATUS create_for_last(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated)
{
	ULONG last = WdfCmResourceListGetCount(raw) - 1;
	WDF_INTERRUPT_CONFIG config;

	WDF_INTERRUPT_CONFIG_INIT(&config, evt_isr, evt_dpc);
	config.InterruptRaw = WdfCmResourceListGetDescriptor(raw, last);
	config.InterruptTranslated = WdfCmResourceListGetDescriptor(translated, last);
	return WdfInterruptCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, &objects[0]);
}

static NTSTATUS nothing(WDFDEVICE device)
{
	(void)device;
	return STATUS_SUCCESS;
}

static void again(struct us_nt_user *user, void *context)
{
	just_in(user, context);
	rig_expect(WdfInterruptWdmGetInterrupt(objects[0]) != NULL);
	us_nt_expect_status(user, us_nt_rebalance(user),
			    STATUS_SUCCESS); /* the old one is deleted, or this would be two */
	rig_expect(WdfInterruptWdmGetInterrupt(objects[0]) != NULL);
}

static void an_interrupt_of_prepare_hardware_lives_until_release_hardware(void **state)
{
	(void)state;
	in_add = nothing;
	in_prepare = create_for_last;
	tell(again);
}

/* -- at work ------------------------------------------------------------------------------------------------------ */

/* A command that the device does not know is an error, which interrupts. */
static void interrupt_once(struct us_nt_user *user)
{
	us_nt_advance(user, 1000000); /* the device is ready after a reset's time */
	write(CRYPTO_INT_ENABLE, CRYPTO_INT_STATUS_ERROR_MASK);
	write(CRYPTO_COMMAND, CRYPTO_COMMAND_CODE_MASK);
	us_nt_advance(user, 10 * 1000000);
}

static void works_with_dpc(struct us_nt_user *user, void *context)
{
	just_in(user, context);
	interrupt_once(user);
	us_nt_expect(user, isrs == 1 && dpcs == 1 && works == 0);
	interrupt_once(user);
	us_nt_expect(user, isrs == 2 && dpcs == 2);
	WdfInterruptDisable(objects[0]);
	rig_expect(WdfInterruptWdmGetInterrupt(objects[0]) == NULL);
	WdfInterruptEnable(objects[0]);
	rig_expect(WdfInterruptWdmGetInterrupt(objects[0]) != NULL);
}

static void comes_as_message(struct us_nt_user *user, void *context)
{
	just_in(user, context);
	interrupt_once(user);
	us_nt_expect(user, isrs == 1 && dpcs == 1);
	us_nt_expect(user, last_message == 1); /* that of the cause */
}

static void works_with_work_item(struct us_nt_user *user, void *context)
{
	just_in(user, context);
	interrupt_once(user);
	us_nt_expect(user, isrs == 1 && dpcs == 0 && works == 1);
}

static void an_isr_queues_its_dpc_or_work_item_once(void **state)
{
	(void)state;
	tell_with(US_NT_GRANT_LINE, 0, works_with_dpc);
	tell_with(US_NT_GRANT_MSI, 1, works_with_dpc);
	tell_with(US_NT_GRANT_MSI, 4, comes_as_message);
	tell_with(US_NT_GRANT_MSIX, 4, comes_as_message);
	uses_work_item = true;
	tell_with(US_NT_GRANT_LINE, 0, works_with_work_item);
}

static void works_at_passive(struct us_nt_user *user, void *context)
{
	just_in(user, context);
	interrupt_once(user);
	us_nt_expect(user, isrs == 1 && dpcs == 0 && works == 1);
	rig_expect(WdfInterruptTryToAcquireLock(objects[0]));
	rig_expect(us_nt_irql() == PASSIVE_LEVEL);
	WdfInterruptReleaseLock(objects[0]);
}

static void an_interrupt_can_be_handled_at_passive_level(void **state)
{
	(void)state;
	passive = uses_work_item = true;
	tell_with(US_NT_GRANT_LINE, 0, works_at_passive);
	tell_with(US_NT_GRANT_MSI, 1, works_at_passive);
}

static BOOLEAN NTAPI evt_synchronize(WDFINTERRUPT interrupt, WDFCONTEXT context)
{
	WDF_INTERRUPT_INFO info;

	WDF_INTERRUPT_INFO_INIT(&info);
	WdfInterruptGetInfo(interrupt, &info);
	rig_expect(us_nt_irql() == info.Irql);
	(*(unsigned *)context)++;
	return TRUE;
}

static void synchronises(struct us_nt_user *user, void *context)
{
	WDF_INTERRUPT_INFO info;

	just_in(user, context);
	rig_expect(WdfInterruptSynchronize(objects[0], evt_synchronize, &synchronised) == TRUE && synchronised == 1);
	rig_expect(us_nt_irql() == PASSIVE_LEVEL);
	info_of(0, &info);
	WdfInterruptAcquireLock(objects[0]);
	rig_expect(us_nt_irql() == info.Irql);
	WdfInterruptReleaseLock(objects[0]);
	rig_expect(us_nt_irql() == PASSIVE_LEVEL);
}

static void the_interrupts_lock_raises_to_its_irql(void **state)
{
	(void)state;
	tell(synchronises);
}

static void no_dpc(struct us_nt_user *user, void *context)
{
	just_in(user, context);
	WdfInterruptQueueDpcForIsr(objects[0]);
}

static void no_work_item(struct us_nt_user *user, void *context)
{
	just_in(user, context);
	WdfInterruptQueueWorkItemForIsr(objects[0]);
}

static void not_connected(struct us_nt_user *user, void *context)
{
	just_in(user, context);
	WdfInterruptSynchronize(objects[4], evt_synchronize, &synchronised);
}

static void not_assigned(struct us_nt_user *user, void *context)
{
	just_in(user, context);
	WdfInterruptEnable(objects[4]);
}

/* -- a lock of the driver's --------------------------------------------------------------------------------------- */

static WDFSPINLOCK shared;

static NTSTATUS create_sharing(WDFDEVICE device)
{
	WDF_INTERRUPT_CONFIG config;
	WDF_OBJECT_ATTRIBUTES attributes;
	NTSTATUS status;
	unsigned i;

	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.ParentObject = device;
	status = WdfSpinLockCreate(&attributes, &shared);
	WDF_INTERRUPT_CONFIG_INIT(&config, evt_isr, evt_dpc);
	config.SpinLock = shared;
	for (i = 0; i < 2 && NT_SUCCESS(status); i++)
		status = WdfInterruptCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, &objects[i]);
	return status;
}

static BOOLEAN NTAPI take_again(WDFINTERRUPT interrupt, WDFCONTEXT context)
{
	(void)interrupt;
	WdfInterruptAcquireLock(context);
	return TRUE;
}

static void other_takes_it(struct us_nt_user *user, void *context)
{
	just_in(user, context);
	WdfInterruptSynchronize(objects[0], take_again, objects[1]);
}

static void in_and_out(struct us_nt_user *user, void *context)
{
	just_in(user, context);
	WdfInterruptAcquireLock(objects[1]);
	us_nt_expect(user, us_nt_irql() > DISPATCH_LEVEL);
	WdfInterruptReleaseLock(objects[1]);
	us_nt_expect_status(user, us_nt_rebalance(user), STATUS_SUCCESS);
	us_nt_expect_status(user, us_nt_eject(user), STATUS_SUCCESS);
}

/* The lock is deleted before the interrupts, which go with the device in one order or the other. */
static void deleted_first(struct us_nt_user *user, void *context)
{
	just_in(user, context);
	WdfObjectDelete(shared);
	WdfInterruptAcquireLock(objects[0]);
	WdfInterruptReleaseLock(objects[0]);
	us_nt_expect_status(user, us_nt_eject(user), STATUS_SUCCESS);
}

static void take_it_directly(struct us_nt_user *user, void *context)
{
	just_in(user, context);
	WdfSpinLockAcquire(shared);
}

static void interrupts_share_a_lock_of_the_drivers(void **state)
{
	(void)state;
	in_add = create_sharing;
	tell(in_and_out);
	tell(deleted_first);
	breaks("interrupt.lock-recursive", other_takes_it);
	breaks("lock.interrupts", take_it_directly);
}

static void not_passive(struct us_nt_user *user, void *context)
{
	just_in(user, context);
	WdfInterruptTryToAcquireLock(objects[0]);
}

static void delete_interrupt(struct us_nt_user *user, void *context)
{
	just_in(user, context);
	WdfObjectDelete(objects[0]);
}

static void mistakes_with_interrupts_are_found(void **state)
{
	(void)state;
	breaks("interrupt.no-work-item", no_work_item);
	breaks("interrupt.not-connected", not_connected);
	breaks("interrupt.not-assigned", not_assigned);
	breaks("interrupt.not-passive", not_passive);
	breaks("object.not-deletable", delete_interrupt);
	uses_work_item = true;
	breaks("interrupt.no-dpc", no_dpc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_can_not_be_an_interrupt_is_refused, setup),
		cmocka_unit_test_setup(messages_are_assigned_in_the_order_of_creation, setup),
		cmocka_unit_test_setup(an_interrupt_of_prepare_hardware_lives_until_release_hardware, setup),
		cmocka_unit_test_setup(an_isr_queues_its_dpc_or_work_item_once, setup),
		cmocka_unit_test_setup(an_interrupt_can_be_handled_at_passive_level, setup),
		cmocka_unit_test_setup(the_interrupts_lock_raises_to_its_irql, setup),
		cmocka_unit_test_setup(interrupts_share_a_lock_of_the_drivers, setup),
		cmocka_unit_test_setup(mistakes_with_interrupts_are_found, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
