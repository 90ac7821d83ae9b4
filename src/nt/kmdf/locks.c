/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's locks: spin locks, and wait locks for PASSIVE_LEVEL. Those of callbacks are lock.c's.
 */
#include "nt/kmdf/kmdf.h"
#include "nt/sched.h"

#include <wdfstatus.h>

_Noreturn static void misuse(unsigned code, const void *lock, const char *rule, const char *function, const char *why)
{
	us_wdf_violation(code, lock, rule, "%s was called with %s, %s.", function, us_wdf_name(lock), why);
}

/* -- spin locks --------------------------------------------------------------------------------------------------- */

struct us_wdf_spin_lock {
	struct us_wdf_object object;
	struct us_cpu *holder; /* NULL: free */
	KIRQL irql; /* before it was taken */
	bool interrupts; /* it belongs to interrupts (WDF_INTERRUPT_CONFIG.SpinLock), for good */
	KSPIN_LOCK wdm; /* which then take this one */
};

static void dispose_spin_lock(struct us_wdf_object *object)
{
	struct us_wdf_spin_lock *lock = (struct us_wdf_spin_lock *)object;

	if (lock->holder || lock->wdm)
		misuse(WDF_INVALID_LOCK_OPERATION, lock, "lock.deleted-held", "WdfObjectDelete", "which is held");
}

const struct us_wdf_type us_wdf_spin_lock_type = {
	.name = "WDFSPINLOCK",
	.size = sizeof(struct us_wdf_spin_lock),
	.deletable = true,
	.dispose = dispose_spin_lock,
};

static NTSTATUS NTAPI spin_lock_create(PWDF_DRIVER_GLOBALS globals, PWDF_OBJECT_ATTRIBUTES attributes,
				       WDFSPINLOCK *result)
{
	struct us_wdf_spin_lock *lock;
	NTSTATUS status;

	(void)globals;
	us_wdf_need(result, "WdfSpinLockCreate", "SpinLock");
	*result = NULL;
	status = us_wdf_create(&us_wdf_spin_lock_type, attributes, us_wdf_driver_object(), &lock);
	if (NT_SUCCESS(status))
		*result = (WDFSPINLOCK)lock;
	return status;
}

PKSPIN_LOCK us_wdf_spin_lock_for_interrupt(struct us_wdf_object *object)
{
	struct us_wdf_spin_lock *lock = (struct us_wdf_spin_lock *)object;

	if (lock->holder)
		misuse(WDF_INVALID_LOCK_OPERATION, lock, "lock.interrupts", "WdfInterruptCreate", "which is held");
	lock->interrupts = true;
	return &lock->wdm;
}

/* Who took it at DISPATCH_LEVEL would wait for itself in the ISR: the framework refuses. */
static struct us_wdf_spin_lock *from(WDFSPINLOCK handle, const char *function)
{
	struct us_wdf_spin_lock *lock = us_wdf_from(handle, &us_wdf_spin_lock_type);

	if (lock->interrupts)
		misuse(WDF_INVALID_LOCK_OPERATION, lock, "lock.interrupts", function,
		       "which is the lock of an interrupt: WdfInterruptAcquireLock takes it, at the interrupt's IRQL");
	return lock;
}

static bool is_free(void *context)
{
	return !((struct us_wdf_spin_lock *)context)->holder;
}

static void NTAPI spin_lock_acquire(PWDF_DRIVER_GLOBALS globals, WDFSPINLOCK handle)
{
	struct us_wdf_spin_lock *lock = from(handle, "WdfSpinLockAcquire");
	KIRQL irql;

	(void)globals;
	irql = us_nt_raise_irql(DISPATCH_LEVEL);
	if (lock->holder == us_nt_cpu())
		misuse(WDF_RECURSIVE_LOCK, lock, "lock.recursive", "WdfSpinLockAcquire",
		       "which the caller has already");
	while (lock->holder)
		us_nt_spin(is_free, lock, us_wdf_name(lock));
	lock->holder = us_nt_cpu();
	lock->holder->locks++;
	lock->irql = irql;
}

static void NTAPI spin_lock_release(PWDF_DRIVER_GLOBALS globals, WDFSPINLOCK handle)
{
	struct us_wdf_spin_lock *lock = from(handle, "WdfSpinLockRelease");

	(void)globals;
	if (lock->holder != us_nt_cpu())
		misuse(WDF_INVALID_LOCK_OPERATION, lock, "lock.not-held", "WdfSpinLockRelease",
		       "which the caller has not got");
	lock->holder->locks--;
	lock->holder = NULL;
	us_nt_lower_irql(lock->irql);
}

/* -- wait locks --------------------------------------------------------------------------------------------------- */

struct us_wdf_wait_lock {
	struct us_wdf_object object;
	KEVENT event; /* signalled: free */
	struct us_thread *holder;
};

static void dispose_wait_lock(struct us_wdf_object *object)
{
	struct us_wdf_wait_lock *lock = (struct us_wdf_wait_lock *)object;

	if (lock->holder)
		misuse(WDF_INVALID_LOCK_OPERATION, lock, "lock.deleted-held", "WdfObjectDelete", "which is held");
}

const struct us_wdf_type us_wdf_wait_lock_type = {
	.name = "WDFWAITLOCK",
	.size = sizeof(struct us_wdf_wait_lock),
	.deletable = true,
	.dispose = dispose_wait_lock,
};

static NTSTATUS NTAPI wait_lock_create(PWDF_DRIVER_GLOBALS globals, PWDF_OBJECT_ATTRIBUTES attributes,
				       WDFWAITLOCK *result)
{
	struct us_wdf_wait_lock *lock;
	NTSTATUS status;

	(void)globals;
	us_wdf_need(result, "WdfWaitLockCreate", "Lock");
	*result = NULL;
	status = us_wdf_create(&us_wdf_wait_lock_type, attributes, us_wdf_driver_object(), &lock);
	if (!NT_SUCCESS(status))
		return status;
	KeInitializeEvent(&lock->event, SynchronizationEvent, TRUE);
	*result = (WDFWAITLOCK)lock;
	return status;
}

static NTSTATUS NTAPI wait_lock_acquire(PWDF_DRIVER_GLOBALS globals, WDFWAITLOCK handle, PLONGLONG timeout)
{
	struct us_wdf_wait_lock *lock = us_wdf_from(handle, &us_wdf_wait_lock_type);
	LARGE_INTEGER limit;
	NTSTATUS status;

	(void)globals;
	if (us_nt_irql() > PASSIVE_LEVEL && (!timeout || *timeout != 0))
		us_nt_bugcheck(
			US_WDF_VIOLATION, WDF_VERIFIER_IRQL_MISMATCH, us_nt_irql(), 0, 0, "irql.wait-lock",
			"WdfWaitLockAcquire was called at IRQL %u for %s: above PASSIVE_LEVEL it takes a timeout of 0.",
			us_nt_irql(), us_wdf_name(lock));
	if (lock->holder == us_nt_current())
		misuse(WDF_RECURSIVE_LOCK, lock, "lock.recursive", "WdfWaitLockAcquire",
		       "which the caller has already");
	if (timeout)
		limit.QuadPart = *timeout;
	us_nt_current()->critical++;
	status = KeWaitForSingleObject(&lock->event, Executive, KernelMode, FALSE, timeout ? &limit : NULL);
	if (status == STATUS_SUCCESS)
		lock->holder = us_nt_current();
	else
		us_nt_current()->critical--;
	return status;
}

static void NTAPI wait_lock_release(PWDF_DRIVER_GLOBALS globals, WDFWAITLOCK handle)
{
	struct us_wdf_wait_lock *lock = us_wdf_from(handle, &us_wdf_wait_lock_type);

	(void)globals;
	if (lock->holder != us_nt_current())
		misuse(WDF_INVALID_LOCK_OPERATION, lock, "lock.not-held", "WdfWaitLockRelease",
		       "which the calling thread has not got");
	lock->holder = NULL;
	KeSetEvent(&lock->event, IO_NO_INCREMENT, FALSE);
	us_nt_current()->critical--;
}

void us_wdf_lock_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfSpinLockCreate = spin_lock_create;
	table->WdfSpinLockAcquire = spin_lock_acquire;
	table->WdfSpinLockRelease = spin_lock_release;
	table->WdfWaitLockCreate = wait_lock_create;
	table->WdfWaitLockAcquire = wait_lock_acquire;
	table->WdfWaitLockRelease = wait_lock_release;
}
