/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The callbacks' locks of synchronization scopes, and WdfObjectAcquireLock on them.
 */
#include "nt/kmdf/kmdf.h"
#include "nt/sched.h"

struct us_wdf_lock {
	const struct us_wdf_object *object; /* whose it is */
	bool passive;
	unsigned depth; /* 0: free */
	struct us_thread *thread; /* who has it, passive */
	struct us_cpu *cpu; /* who has it, a spin lock */
	KIRQL irql; /* before a spin lock was taken */
	LIST_ENTRY waiting;
};

struct waiter {
	LIST_ENTRY link;
	struct us_thread *thread;
};

struct us_wdf_lock *us_wdf_lock_new(bool passive, struct us_wdf_object *owner)
{
	struct us_wdf_lock *lock = us_nt_alloc(sizeof(*lock));

	lock->object = owner;
	lock->passive = passive;
	InitializeListHead(&lock->waiting);
	return lock;
}

void us_wdf_lock_free(struct us_wdf_lock *lock)
{
	us_nt_free(lock);
}

bool us_wdf_lock_is_passive(const struct us_wdf_lock *lock)
{
	return lock->passive;
}

struct us_wdf_lock *us_wdf_own_lock(struct us_wdf_object *object)
{
	if (!object->own)
		object->own = us_wdf_lock_new(object->execution_level == WdfExecutionLevelPassive, object);
	return object->own;
}

static bool is_free(void *context)
{
	const struct us_wdf_lock *lock = context;

	return lock->depth == 0;
}

bool us_wdf_lock_is_mine(const struct us_wdf_lock *lock)
{
	return lock->depth && (lock->passive ? lock->thread == us_nt_current() : lock->cpu == us_nt_cpu());
}

static void lock_passive(struct us_wdf_lock *lock)
{
	struct waiter waiter = {.thread = us_nt_current()};

	if (us_nt_irql() > APC_LEVEL)
		us_wdf_violation(WDF_INVALID_LOCK_OPERATION, lock->object, "lock.passive-irql",
				 "The passive-level lock of %s was to be taken at IRQL %u.", us_wdf_name(lock->object),
				 us_nt_irql());
	waiter.thread->critical++;
	if (lock->depth) {
		InsertTailList(&lock->waiting, &waiter.link);
		us_nt_block("the callback lock of %s", us_wdf_name(lock->object));
	} else {
		lock->thread = waiter.thread;
		lock->depth = 1;
	}
}

/* Who waits longest gets it. */
static void unlock_passive(struct us_wdf_lock *lock)
{
	struct waiter *next;

	us_nt_current()->critical--;
	lock->depth = 0;
	lock->thread = NULL;
	if (IsListEmpty(&lock->waiting))
		return;
	next = CONTAINING_RECORD(RemoveHeadList(&lock->waiting), struct waiter, link);
	lock->thread = next->thread;
	lock->depth = 1;
	us_nt_wake(next->thread, STATUS_SUCCESS);
}

void us_wdf_lock(struct us_wdf_lock *lock)
{
	KIRQL irql;

	if (!lock)
		return;
	if (us_wdf_lock_is_mine(lock)) {
		lock->depth++;
		return;
	}
	if (lock->passive) {
		lock_passive(lock);
		return;
	}
	irql = us_nt_raise_irql(DISPATCH_LEVEL);
	while (lock->depth)
		us_nt_spin(is_free, lock, "the callback lock of an object");
	lock->depth = 1;
	lock->cpu = us_nt_cpu();
	lock->irql = irql;
}

bool us_wdf_try_lock(struct us_wdf_lock *lock)
{
	if (lock->depth && !us_wdf_lock_is_mine(lock))
		return false;
	us_wdf_lock(lock);
	return true;
}

void us_wdf_unlock(struct us_wdf_lock *lock)
{
	if (!lock)
		return;
	if (!us_wdf_lock_is_mine(lock))
		us_wdf_violation(WDF_INVALID_LOCK_OPERATION, lock->object, "lock.not-held",
				 "The callback lock of %s was to be released by somebody who has not got it.",
				 us_wdf_name(lock->object));
	if (lock->depth > 1) {
		lock->depth--;
	} else if (lock->passive) {
		unlock_passive(lock);
	} else {
		KIRQL irql = lock->irql;

		lock->depth = 0;
		lock->cpu = NULL;
		us_nt_lower_irql(irql);
	}
}

/* The lock that WdfObjectAcquireLock means: the one of the object's callbacks, or its own where the scope gives it
 * none. */
static struct us_wdf_lock *lock_of(WDFOBJECT handle, const char *function)
{
	struct us_wdf_object *object = us_wdf_from(handle, NULL);

	if (object->type != &us_wdf_device_type && object->type != &us_wdf_queue_type)
		us_wdf_violation(WDF_INVALID_LOCK_OPERATION, handle, "lock.no-lock",
				 "%s was called with %s: only devices and queues have that lock.", function,
				 us_wdf_name(object));
	return object->lock ? object->lock : us_wdf_own_lock(object);
}

static void NTAPI acquire_lock(PWDF_DRIVER_GLOBALS globals, WDFOBJECT handle)
{
	struct us_wdf_lock *lock = lock_of(handle, "WdfObjectAcquireLock");

	(void)globals;
	if (us_wdf_lock_is_mine(lock))
		us_wdf_violation(WDF_RECURSIVE_LOCK, handle, "lock.recursive",
				 "WdfObjectAcquireLock was called with %s, whose lock the caller has already.",
				 us_wdf_name(handle));
	us_wdf_lock(lock);
}

static void NTAPI release_lock(PWDF_DRIVER_GLOBALS globals, WDFOBJECT handle)
{
	(void)globals;
	us_wdf_unlock(lock_of(handle, "WdfObjectReleaseLock"));
}

void us_wdf_callback_lock_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfObjectAcquireLock = acquire_lock;
	table->WdfObjectReleaseLock = release_lock;
}
