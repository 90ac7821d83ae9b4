/* SPDX-License-Identifier: Apache-2.0 */
/* Timers, DPCs, work items, and the driver's locks. */
#include "kmdf.h"

#define MS 1000000u

static struct {
	WDFDEVICE device;
	WDF_SYNCHRONIZATION_SCOPE scope;
	WDF_EXECUTION_LEVEL level;
	WDFTIMER timer;
	WDFDPC dpc;
	WDFWORKITEM item;
	WDFSPINLOCK spin;
	WDFWAITLOCK wait;
	unsigned fired, overlaps;
	bool inside;
	KIRQL irql;
	void (*in_callback)(void);
} d;

static void enter(void)
{
	d.fired++;
	d.irql = us_nt_irql();
	d.overlaps += d.inside;
	d.inside = true;
	if (d.in_callback)
		d.in_callback();
	us_nt_point(100);
	d.inside = false;
}

static void NTAPI timer_fired(WDFTIMER timer)
{
	kmdf_expect(WdfTimerGetParentObject(timer) == (WDFOBJECT)d.device);
	enter();
}

static void NTAPI dpc_came(WDFDPC dpc)
{
	kmdf_expect(WdfDpcGetParentObject(dpc) == (WDFOBJECT)d.device);
	enter();
}

static void NTAPI worked(WDFWORKITEM item)
{
	LARGE_INTEGER while_ = {.QuadPart = WDF_REL_TIMEOUT_IN_MS(5)};

	kmdf_expect(WdfWorkItemGetParentObject(item) == (WDFOBJECT)d.device);
	US_IMPORT(KeDelayExecutionThread)(KernelMode, FALSE, &while_);
	enter();
}

static NTSTATUS NTAPI add(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
	WDF_OBJECT_ATTRIBUTES attributes;

	(void)driver;
	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.SynchronizationScope = d.scope;
	attributes.ExecutionLevel = d.level;
	return kmdf_device(init, &attributes, &d.device);
}

static void reset(void)
{
	memset(&d, 0, sizeof(d));
	d.scope = WdfSynchronizationScopeInheritFromParent;
	d.level = WdfExecutionLevelInheritFromParent;
}

static PWDF_OBJECT_ATTRIBUTES below_device(WDF_OBJECT_ATTRIBUTES *attributes)
{
	WDF_OBJECT_ATTRIBUTES_INIT(attributes);
	attributes->ParentObject = d.device;
	return attributes;
}

static NTSTATUS make_timer(ULONG period, bool passive, bool serialize)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	WDF_TIMER_CONFIG config;

	WDF_TIMER_CONFIG_INIT_PERIODIC(&config, timer_fired, (LONG)period);
	config.AutomaticSerialization = serialize;
	below_device(&attributes);
	if (passive)
		attributes.ExecutionLevel = WdfExecutionLevelPassive;
	return WdfTimerCreate(&config, &attributes, &d.timer);
}

static NTSTATUS make_dpc(bool serialize)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	WDF_DPC_CONFIG config;

	WDF_DPC_CONFIG_INIT(&config, dpc_came);
	config.AutomaticSerialization = serialize;
	return WdfDpcCreate(&config, below_device(&attributes), &d.dpc);
}

static NTSTATUS make_item(bool serialize)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	WDF_WORKITEM_CONFIG config;

	WDF_WORKITEM_CONFIG_INIT(&config, worked);
	config.AutomaticSerialization = serialize;
	return WdfWorkItemCreate(&config, below_device(&attributes), &d.item);
}

static void plug_in(struct us_nt_user *user)
{
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
}

/* -- creation ----------------------------------------------------------------------------------------------------- */

static void create_wrongly(struct us_nt_user *user, void *context)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	WDF_TIMER_CONFIG config;
	WDFTIMER timer;

	(void)context;
	plug_in(user);
	WDF_TIMER_CONFIG_INIT(&config, timer_fired);
	us_nt_expect_status(user, WdfTimerCreate(&config, NULL, &timer), STATUS_WDF_PARENT_NOT_SPECIFIED);
	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	us_nt_expect_status(user, WdfTimerCreate(&config, &attributes, &timer), STATUS_WDF_PARENT_NOT_SPECIFIED);
	attributes.ParentObject = WdfDeviceGetDriver(d.device);
	us_nt_expect_status(user, WdfTimerCreate(&config, &attributes, &timer), STATUS_INVALID_DEVICE_REQUEST);
	config.Size++;
	us_nt_expect_status(user, WdfTimerCreate(&config, below_device(&attributes), &timer),
			    STATUS_INFO_LENGTH_MISMATCH);
	WDF_TIMER_CONFIG_INIT(&config, NULL);
	us_nt_expect_status(user, WdfTimerCreate(&config, &attributes, &timer), STATUS_INVALID_PARAMETER);
	WDF_TIMER_CONFIG_INIT(&config, timer_fired);
	config.UseHighResolutionTimer = WdfTrue;
	config.TolerableDelay = 1;
	us_nt_expect_status(user, WdfTimerCreate(&config, &attributes, &timer), STATUS_INVALID_PARAMETER);
	us_nt_expect_status(user, make_timer(10, true, false), STATUS_NOT_SUPPORTED);
	attributes.ExecutionLevel = WdfExecutionLevelPassive;
	us_nt_expect_status(user, WdfSpinLockCreate(&attributes, &d.spin), STATUS_WDF_EXECUTION_LEVEL_INVALID);
}

static void create_serialized(struct us_nt_user *user, void *context)
{
	bool passive = d.level == WdfExecutionLevelPassive;

	(void)context;
	plug_in(user);
	us_nt_expect_status(user, make_timer(0, false, true),
			    passive ? STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL : STATUS_SUCCESS);
	us_nt_expect_status(user, make_timer(0, true, true),
			    passive ? STATUS_SUCCESS : STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL);
	us_nt_expect_status(user, make_dpc(true), passive ? STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL : STATUS_SUCCESS);
	us_nt_expect_status(user, make_item(true), passive ? STATUS_SUCCESS : STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL);
}

static void each_has_a_parent_and_is_serialized_with_callbacks_of_its_own_level(void **state)
{
	(void)state;
	reset();
	kmdf_tell(add, create_wrongly, NULL);
	reset();
	d.scope = WdfSynchronizationScopeDevice;
	kmdf_tell(add, create_serialized, NULL);
	d.level = WdfExecutionLevelPassive;
	kmdf_tell(add, create_serialized, NULL);
}

/* -- timers ------------------------------------------------------------------------------------------------------- */

static void once(struct us_nt_user *user, void *context)
{
	bool passive = context != NULL;

	plug_in(user);
	us_nt_expect_status(user, make_timer(0, passive, false), STATUS_SUCCESS);
	us_nt_expect(user, !WdfTimerStop(d.timer, TRUE));
	us_nt_expect(user, !WdfTimerStart(d.timer, WDF_REL_TIMEOUT_IN_MS(100)));
	us_nt_expect(user, WdfTimerStart(d.timer, WDF_REL_TIMEOUT_IN_MS(200))); /* again */
	us_nt_advance(user, 150 * MS);
	us_nt_expect(user, d.fired == 0);
	us_nt_advance(user, 100 * MS);
	us_nt_expect(user, d.fired == 1 && d.irql == (passive ? PASSIVE_LEVEL : DISPATCH_LEVEL));
	us_nt_advance(user, 1000 * MS);
	us_nt_expect(user, d.fired == 1);
	us_nt_expect(user, !WdfTimerStart(d.timer, WDF_REL_TIMEOUT_IN_MS(100)));
	us_nt_expect(user, WdfTimerStop(d.timer, TRUE));
	us_nt_advance(user, 1000 * MS);
	us_nt_expect(user, d.fired == 1);
}

static void a_timer_fires_once_at_the_level_it_was_made_for(void **state)
{
	(void)state;
	reset();
	kmdf_tell(add, once, NULL);
	reset();
	kmdf_tell(add, once, &d);
}

static void periodic(struct us_nt_user *user, void *context)
{
	unsigned fired;

	(void)context;
	plug_in(user);
	us_nt_expect_status(user, make_timer(100, false, false), STATUS_SUCCESS);
	WdfTimerStart(d.timer, WDF_REL_TIMEOUT_IN_MS(50));
	us_nt_advance(user, 1000 * MS);
	us_nt_expect(user, d.fired >= 9 && d.fired <= 11);
	us_nt_expect(user, WdfTimerStop(d.timer, TRUE));
	fired = d.fired;
	us_nt_advance(user, 1000 * MS);
	us_nt_expect(user, d.fired == fired);
	WdfTimerStart(d.timer, WDF_REL_TIMEOUT_IN_MS(50)); /* the device's removal stops it */
}

static void a_periodic_timer_fires_until_it_is_stopped_or_deleted(void **state)
{
	(void)state;
	reset();
	kmdf_tell(add, periodic, NULL);
}

static void stop_here(void)
{
	WdfTimerStop(d.timer, TRUE);
}

static void fire(struct us_nt_user *user, void *context)
{
	plug_in(user);
	us_nt_expect_status(user, make_timer(0, context != NULL, false), STATUS_SUCCESS);
	WdfTimerStart(d.timer, WDF_REL_TIMEOUT_IN_MS(1));
	us_nt_advance(user, 100 * MS);
}

static void a_timer_is_not_waited_for_in_its_own_callback(void **state)
{
	(void)state;
	reset();
	d.in_callback = stop_here;
	kmdf_tell_breaks("irql.timer-stop", add, fire, NULL);
	kmdf_tell_breaks("timer.stop-in-callback", add, fire, &d);
}

/* -- DPCs and work items ------------------------------------------------------------------------------------------ */

static void queue_them(struct us_nt_user *user, void *context)
{
	unsigned fired;

	(void)context;
	plug_in(user);
	us_nt_expect_status(user, make_dpc(false), STATUS_SUCCESS);
	us_nt_expect_status(user, make_item(false), STATUS_SUCCESS);
	us_nt_expect(user, WdfDpcEnqueue(d.dpc));
	us_nt_expect(user, !WdfDpcCancel(d.dpc, TRUE) && d.fired == 1 && d.irql == DISPATCH_LEVEL);
	WdfWorkItemEnqueue(d.item);
	WdfWorkItemEnqueue(d.item);
	WdfWorkItemFlush(d.item);
	us_nt_expect(user, d.fired >= 2 && d.fired <= 3 && d.irql == PASSIVE_LEVEL);
	fired = d.fired;
	WdfWorkItemEnqueue(d.item);
	WdfObjectDelete(d.item); /* waits for it */
	us_nt_expect(user, d.fired == fired + 1);
}

static void flush_here(void)
{
	WdfWorkItemFlush(d.item);
}

static void delete_here(void)
{
	WdfObjectDelete(d.item);
}

static void work(struct us_nt_user *user, void *context)
{
	(void)context;
	plug_in(user);
	us_nt_expect_status(user, make_item(false), STATUS_SUCCESS);
	WdfWorkItemEnqueue(d.item);
	us_nt_advance(user, 100 * MS);
	us_nt_expect(user, d.fired == 1);
}

static void dpcs_and_work_items_run_once_for_each_time_they_are_queued(void **state)
{
	(void)state;
	reset();
	kmdf_tell(add, queue_them, NULL);
	reset();
	d.in_callback = delete_here;
	kmdf_tell(add, work, NULL);
	d.in_callback = flush_here;
	kmdf_tell_breaks("workitem.flush-in-callback", add, work, NULL);
}

static void both(struct us_nt_user *user, void *context)
{
	unsigned i;

	(void)context;
	plug_in(user);
	us_nt_expect_status(user, make_dpc(true), STATUS_SUCCESS);
	us_nt_expect_status(user, make_timer(16, false, true), STATUS_SUCCESS);
	WdfTimerStart(d.timer, -1);
	for (i = 0; i < 200; i++) {
		WdfDpcEnqueue(d.dpc);
		us_nt_advance(user, us_nt_chance(user, MS));
	}
	WdfTimerStop(d.timer, TRUE);
	us_nt_expect(user, d.overlaps == 0);
}

static void callbacks_of_the_devices_scope_never_overlap(void **state)
{
	unsigned seed;

	(void)state;
	for (seed = 0; seed < 10; seed++) {
		reset();
		d.scope = WdfSynchronizationScopeDevice;
		kmdf_tell_seed(seed, add, both, NULL);
	}
}

/* -- locks -------------------------------------------------------------------------------------------------------- */

static void make_locks(struct us_nt_user *user)
{
	plug_in(user);
	us_nt_expect_status(user, WdfSpinLockCreate(NULL, &d.spin), STATUS_SUCCESS);
	us_nt_expect_status(user, WdfWaitLockCreate(NULL, &d.wait), STATUS_SUCCESS);
}

static void hold(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, WdfWaitLockAcquire(d.wait, NULL), STATUS_SUCCESS);
	d.inside = true;
	us_nt_advance(user, 100 * MS);
	d.inside = false;
	WdfWaitLockRelease(d.wait);
}

static void lock(struct us_nt_user *user, void *context)
{
	struct us_nt_thread *thread;
	LONGLONG limit = 0;

	(void)context;
	make_locks(user);
	WdfSpinLockAcquire(d.spin);
	us_nt_expect(user, us_nt_irql() == DISPATCH_LEVEL);
	us_nt_expect_status(user, WdfWaitLockAcquire(d.wait, &limit), STATUS_SUCCESS);
	WdfWaitLockRelease(d.wait);
	WdfSpinLockRelease(d.spin);
	us_nt_expect(user, us_nt_irql() == PASSIVE_LEVEL);
	thread = us_nt_thread(user, hold, NULL);
	while (!d.inside)
		us_nt_advance(user, 1000);
	us_nt_expect_status(user, WdfWaitLockAcquire(d.wait, &limit), STATUS_TIMEOUT);
	limit = WDF_REL_TIMEOUT_IN_MS(1);
	us_nt_expect_status(user, WdfWaitLockAcquire(d.wait, &limit), STATUS_TIMEOUT);
	us_nt_expect_status(user, WdfWaitLockAcquire(d.wait, NULL), STATUS_SUCCESS);
	us_nt_expect(user, !d.inside);
	WdfWaitLockRelease(d.wait);
	us_nt_join(user, thread);
	WdfObjectDelete(d.spin);
	WdfObjectDelete(d.wait);
}

static void spin_twice(struct us_nt_user *user, void *context)
{
	(void)context;
	make_locks(user);
	WdfSpinLockAcquire(d.spin);
	WdfSpinLockAcquire(d.spin);
}

static void wait_twice(struct us_nt_user *user, void *context)
{
	(void)context;
	make_locks(user);
	WdfWaitLockAcquire(d.wait, NULL);
	WdfWaitLockAcquire(d.wait, NULL);
}

static void release_only(struct us_nt_user *user, void *context)
{
	make_locks(user);
	if (context)
		WdfSpinLockRelease(d.spin);
	else
		WdfWaitLockRelease(d.wait);
}

static void delete_held(struct us_nt_user *user, void *context)
{
	(void)context;
	make_locks(user);
	WdfWaitLockAcquire(d.wait, NULL);
	WdfObjectDelete(d.wait);
}

static void wait_above_passive(struct us_nt_user *user, void *context)
{
	(void)context;
	make_locks(user);
	WdfSpinLockAcquire(d.spin);
	WdfWaitLockAcquire(d.wait, NULL);
}

static void locks_are_taken_once_and_released_by_who_has_them(void **state)
{
	(void)state;
	reset();
	kmdf_tell(add, lock, NULL);
	kmdf_tell_breaks("lock.recursive", add, spin_twice, NULL);
	kmdf_tell_breaks("lock.recursive", add, wait_twice, NULL);
	kmdf_tell_breaks("lock.not-held", add, release_only, NULL);
	kmdf_tell_breaks("lock.not-held", add, release_only, &d);
	kmdf_tell_breaks("lock.deleted-held", add, delete_held, NULL);
	kmdf_tell_breaks("irql.wait-lock", add, wait_above_passive, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_has_a_parent_and_is_serialized_with_callbacks_of_its_own_level),
		cmocka_unit_test(a_timer_fires_once_at_the_level_it_was_made_for),
		cmocka_unit_test(a_periodic_timer_fires_until_it_is_stopped_or_deleted),
		cmocka_unit_test(a_timer_is_not_waited_for_in_its_own_callback),
		cmocka_unit_test(dpcs_and_work_items_run_once_for_each_time_they_are_queued),
		cmocka_unit_test(callbacks_of_the_devices_scope_never_overlap),
		cmocka_unit_test(locks_are_taken_once_and_released_by_who_has_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
