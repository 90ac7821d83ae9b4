/* SPDX-License-Identifier: Apache-2.0 */
/* Spin locks, fast and guarded mutexes, executive resources, rundown protection. */
#include "rig.h"

#define C(function) US_IMPORT(function)

static void sleep_ms(LONGLONG n)
{
	LARGE_INTEGER interval = {.QuadPart = -10000 * n};

	C(KeDelayExecutionThread)(KernelMode, FALSE, &interval);
}

/* -- what ends the run -------------------------------------------------------------------------------------------- */

static void lock_twice(void *context)
{
	KSPIN_LOCK lock = 0;

	(void)context;
	C(KeAcquireSpinLockRaiseToDpc)(&lock);
	C(KeAcquireSpinLockAtDpcLevel)(&lock);
}

static void unlock_free(void *context)
{
	KSPIN_LOCK lock = 0;

	(void)context;
	us_nt_raise_irql(DISPATCH_LEVEL);
	C(KeReleaseSpinLock)(&lock, PASSIVE_LEVEL);
}

static void lock_garbage(void *context)
{
	KSPIN_LOCK lock = 0xa5a5a5a5;

	(void)context;
	C(KeAcquireSpinLockRaiseToDpc)(&lock);
}

static void lock_too_low(void *context)
{
	KSPIN_LOCK lock = 0;

	(void)context;
	C(KeAcquireSpinLockAtDpcLevel)(&lock);
}

static void lower_with_lock(void *context)
{
	KSPIN_LOCK lock = 0;

	(void)context;
	C(KeAcquireSpinLockRaiseToDpc)(&lock);
	us_nt_lower_irql(PASSIVE_LEVEL);
}

static void unlock_too_high(void *context)
{
	KSPIN_LOCK lock = 0;

	(void)context;
	C(KeAcquireSpinLockRaiseToDpc)(&lock);
	C(KeReleaseSpinLock)(&lock, DISPATCH_LEVEL + 1);
}

static void NTAPI keep_lock(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
	(void)dpc, (void)argument1, (void)argument2;
	C(KeAcquireSpinLockAtDpcLevel)(context);
}

static void keep_a_lock_in_a_callback(void *context)
{
	KSPIN_LOCK lock = 0;
	KDPC dpc;

	(void)context;
	C(KeInitializeDpc)(&dpc, keep_lock, &lock);
	C(KeInsertQueueDpc)(&dpc, NULL, NULL);
	C(KeFlushQueuedDpcs)();
}

static void own_fast_mutex_twice(void *context)
{
	FAST_MUTEX mutex = {.Count = 1};

	(void)context;
	C(KeInitializeEvent)(&mutex.Event, SynchronizationEvent, FALSE);
	C(ExAcquireFastMutex)(&mutex);
	C(ExAcquireFastMutex)(&mutex);
}

static void acquire_unsafe(void *context)
{
	FAST_MUTEX mutex = {.Count = 1};

	(void)context;
	C(KeInitializeEvent)(&mutex.Event, SynchronizationEvent, FALSE);
	C(ExAcquireFastMutexUnsafe)(&mutex);
}

static void acquire_resource_with_apcs(void *context)
{
	ERESOURCE resource;

	(void)context;
	C(ExInitializeResourceLite)(&resource);
	C(ExAcquireResourceSharedLite)(&resource, TRUE);
}

static void release_unowned_resource(void *context)
{
	ERESOURCE resource;

	(void)context;
	C(ExInitializeResourceLite)(&resource);
	C(KeEnterCriticalRegion)();
	C(ExReleaseResourceLite)(&resource);
}

static void leave_twice(void *context)
{
	(void)context;
	C(KeEnterCriticalRegion)();
	C(KeLeaveCriticalRegion)();
	C(KeLeaveCriticalRegion)();
}

static void release_rundown(void *context)
{
	EX_RUNDOWN_REF rundown;

	(void)context;
	C(ExInitializeRundownProtection)(&rundown);
	C(ExReleaseRundownProtection)(&rundown);
}

static void mistakes_with_locks_are_bugchecks(void **state)
{
	(void)state;
	rig_run_breaks("spin-lock.recursive", lock_twice, NULL);
	rig_run_breaks("spin-lock.not-owned", unlock_free, NULL);
	rig_run_breaks("spin-lock.uninitialized", lock_garbage, NULL);
	rig_run_breaks("irql.too-low", lock_too_low, NULL);
	rig_run_breaks("spin-lock.held", lower_with_lock, NULL);
	rig_run_breaks("spin-lock.irql", unlock_too_high, NULL);
	rig_run_breaks("callback.spin-lock", keep_a_lock_in_a_callback, NULL);
	rig_run_breaks("mutex.recursive", own_fast_mutex_twice, NULL);
	rig_run_breaks("apc.enabled", acquire_unsafe, NULL);
	rig_run_breaks("apc.enabled", acquire_resource_with_apcs, NULL);
	rig_run_breaks("resource.not-owned", release_unowned_resource, NULL);
	rig_run_breaks("region.not-entered", leave_twice, NULL);
	rig_run_breaks("rundown.not-acquired", release_rundown, NULL);
}

/* -- who is inside ------------------------------------------------------------------------------------------------ */

struct inside {
	KSPIN_LOCK lock;
	FAST_MUTEX mutex;
	ERESOURCE resource;
	EX_RUNDOWN_REF rundown;
	unsigned inside, sharing, most_sharing, ended, waited;
};

static void spin(void *context)
{
	struct inside *in = context;
	KLOCK_QUEUE_HANDLE handle;

	for (unsigned i = 0; i < 6; i++) {
		KIRQL old = 0;

		if (i % 2)
			old = C(KeAcquireSpinLockRaiseToDpc)(&in->lock);
		else
			C(KeAcquireInStackQueuedSpinLock)(&in->lock, &handle);
		rig_expect(in->inside++ == 0 && us_nt_irql() == DISPATCH_LEVEL);
		us_nt_point(300);
		in->inside--;
		if (i % 2)
			C(KeReleaseSpinLock)(&in->lock, old);
		else
			C(KeReleaseInStackQueuedSpinLock)(&handle);
		rig_expect(us_nt_irql() == PASSIVE_LEVEL);
	}
	in->ended++;
}

static void four_spin(void *context)
{
	struct inside in = {0};

	(void)context;
	for (unsigned i = 0; i < 4; i++)
		rig_thread("spinner", spin, &in);
	while (in.ended < 4)
		sleep_ms(1);
	rig_expect(in.lock == 0);
}

static void one_processor_is_inside_a_spin_lock(void **state)
{
	(void)state;
	rig_run_seeds(RIG_SEEDS, four_spin, NULL);
}

static void go_through_mutex(void *context)
{
	struct inside *in = context;

	for (unsigned i = 0; i < 5; i++) {
		C(ExAcquireFastMutex)(&in->mutex);
		rig_expect(in->inside++ == 0 && us_nt_irql() == APC_LEVEL);
		us_nt_point(300);
		in->inside--;
		C(ExReleaseFastMutex)(&in->mutex);
		rig_expect(us_nt_irql() == PASSIVE_LEVEL);
	}
	in->ended++;
}

static void four_through_mutex(void *context)
{
	struct inside in = {.mutex.Count = 1};

	(void)context;
	C(KeInitializeEvent)(&in.mutex.Event, SynchronizationEvent, FALSE);
	for (unsigned i = 0; i < 4; i++)
		rig_thread("owner", go_through_mutex, &in);
	while (in.ended < 4)
		sleep_ms(1);
	C(ExAcquireFastMutex)(&in.mutex);
	C(ExReleaseFastMutex)(&in.mutex);
	rig_expect(in.mutex.Count == 1 && in.mutex.Contention == 0);
}

static void one_thread_is_inside_a_fast_mutex_at_apc_level(void **state)
{
	(void)state;
	rig_run_seeds(RIG_SEEDS, four_through_mutex, NULL);
}

/* -- resources ---------------------------------------------------------------------------------------------------- */

static void read_or_write(void *context)
{
	struct inside *in = context;

	for (unsigned i = 0; i < 6; i++) {
		C(KeEnterCriticalRegion)();
		if (us_nt_random(3) == 0) {
			rig_expect(C(ExAcquireResourceExclusiveLite)(&in->resource, TRUE));
			rig_expect(C(ExAcquireResourceSharedLite)(&in->resource, TRUE)); /* the owner has it already */
			rig_expect(in->inside++ == 0 && in->sharing == 0);
			us_nt_point(300);
			rig_expect(--in->inside == 0 && in->sharing == 0);
			C(ExReleaseResourceLite)(&in->resource);
		} else {
			rig_expect(C(ExAcquireResourceSharedLite)(&in->resource, TRUE));
			rig_expect(in->inside == 0);
			if (++in->sharing > in->most_sharing)
				in->most_sharing = in->sharing;
			us_nt_point(300);
			rig_expect(in->inside == 0);
			in->sharing--;
		}
		C(ExReleaseResourceLite)(&in->resource);
		C(KeLeaveCriticalRegion)();
	}
	in->ended++;
}

static void six_read_and_write(void *context)
{
	unsigned *most = context;
	struct inside in = {0};

	C(ExInitializeResourceLite)(&in.resource);
	for (unsigned i = 0; i < 6; i++)
		rig_thread("reader and writer", read_or_write, &in);
	while (in.ended < 6)
		sleep_ms(1);
	rig_expect(C(ExDeleteResourceLite)(&in.resource) == STATUS_SUCCESS);
	if (in.most_sharing > *most)
		*most = in.most_sharing;
}

static void a_resource_has_many_sharers_or_one_exclusive_owner(void **state)
{
	unsigned most = 0;

	(void)state;
	rig_run_seeds(RIG_SEEDS, six_read_and_write, &most);
	assert_true(most > 1); /* they really shared */
}

static void try_resource(void *context)
{
	struct inside *in = context;

	C(KeEnterCriticalRegion)();
	rig_expect(!C(ExAcquireResourceSharedLite)(&in->resource, FALSE));
	rig_expect(!C(ExAcquireResourceExclusiveLite)(&in->resource, FALSE));
	C(KeLeaveCriticalRegion)();
	in->ended++;
}

static void keep_exclusive(void *context)
{
	struct inside in = {0};

	(void)context;
	C(ExInitializeResourceLite)(&in.resource);
	C(KeEnterCriticalRegion)();
	rig_expect(C(ExAcquireResourceExclusiveLite)(&in.resource, FALSE));
	rig_expect(C(ExIsResourceAcquiredExclusiveLite)(&in.resource));
	rig_thread("other", try_resource, &in);
	while (!in.ended)
		sleep_ms(1);
	C(ExConvertExclusiveToSharedLite)(&in.resource);
	rig_expect(!C(ExIsResourceAcquiredExclusiveLite)(&in.resource) &&
		   C(ExIsResourceAcquiredSharedLite)(&in.resource) == 1);
	C(ExReleaseResourceLite)(&in.resource);
	C(KeLeaveCriticalRegion)();
	C(ExDeleteResourceLite)(&in.resource);
}

static void without_wait_a_resource_in_use_is_refused(void **state)
{
	(void)state;
	rig_run_seeds(RIG_SEEDS, keep_exclusive, NULL);
}

/* -- rundown ------------------------------------------------------------------------------------------------------ */

static void hold_rundown(void *context)
{
	struct inside *in = context;

	for (unsigned i = 0; i < 4; i++) {
		if (!C(ExAcquireRundownProtection)(&in->rundown))
			break;
		in->inside++;
		sleep_ms(us_nt_random(40));
		in->inside--;
		C(ExReleaseRundownProtection)(&in->rundown);
	}
	in->ended++;
}

static void run_down(void *context)
{
	struct inside in = {0};

	(void)context;
	C(ExInitializeRundownProtection)(&in.rundown);
	for (unsigned i = 0; i < 3; i++)
		rig_thread("user", hold_rundown, &in);
	sleep_ms(us_nt_random(60));
	C(ExWaitForRundownProtectionRelease)(&in.rundown);
	rig_expect(in.inside == 0);
	rig_expect(!C(ExAcquireRundownProtection)(&in.rundown));
	C(ExRundownCompleted)(&in.rundown);
	while (in.ended < 3)
		sleep_ms(1);
	C(ExReInitializeRundownProtection)(&in.rundown);
	rig_expect(C(ExAcquireRundownProtection)(&in.rundown));
}

static void rundown_waits_for_all_and_lets_nobody_in(void **state)
{
	(void)state;
	rig_run_seeds(RIG_SEEDS, run_down, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_with_locks_are_bugchecks),
		cmocka_unit_test(one_processor_is_inside_a_spin_lock),
		cmocka_unit_test(one_thread_is_inside_a_fast_mutex_at_apc_level),
		cmocka_unit_test(a_resource_has_many_sharers_or_one_exclusive_owner),
		cmocka_unit_test(without_wait_a_resource_in_use_is_refused),
		cmocka_unit_test(rundown_waits_for_all_and_lets_nobody_in),
	};

	return cmocka_run_group_tests_name("the stage: locks", tests, NULL, NULL);
}
