/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spin locks. KSPIN_LOCK is 0 when it is free; else it says which processor has it, so that taking it twice and giving
 * back what is not held are found out. Queued spin locks are the same with the old IRQL in the caller's handle.
 * Microsoft, "Introduction to Spin Locks", "KeAcquireSpinLockAtDpcLevel", "KeAcquireInStackQueuedSpinLock".
 */
#include "nt/ke.h"

#include <stdio.h>

static KSPIN_LOCK mine(void)
{
	return us_nt_cpu()->number + 1;
}

static bool is_free(void *context)
{
	return *(volatile KSPIN_LOCK *)context == 0;
}

static void check_value(const KSPIN_LOCK *lock, const char *function)
{
	if (*lock > us_nt_cpus())
		us_nt_bugcheck(0xC4, 0, (uintptr_t)lock, *lock, 0, "spin-lock.uninitialized",
			       "%s was called for a spin lock %s that was never initialized or was overwritten",
			       function, us_nt_where(lock));
}

void us_nt_spin_lock(PKSPIN_LOCK lock)
{
	char what[96];

	check_value(lock, "the acquiring of a spin lock");
	if (*lock == mine())
		us_nt_bugcheck(0x0F, (uintptr_t)lock, 0, 0, 0, "spin-lock.recursive",
			       "processor %u takes a spin lock %s that it holds already: it would spin for ever",
			       us_nt_cpu()->number, us_nt_where(lock));
	if (*lock) {
		snprintf(what, sizeof(what), "a spin lock %s", us_nt_where(lock));
		us_nt_spin(is_free, lock, what);
	}
	*lock = mine();
	us_nt_cpu()->locks++;
}

void us_nt_spin_unlock(PKSPIN_LOCK lock)
{
	check_value(lock, "the releasing of a spin lock");
	if (*lock != mine())
		us_nt_bugcheck(0x10, (uintptr_t)lock, 0, 0, 0, "spin-lock.not-owned",
			       "processor %u gives back a spin lock %s that it does not hold", us_nt_cpu()->number,
			       us_nt_where(lock));
	*lock = 0;
	us_nt_cpu()->locks--;
}

static void need_dispatch(const char *function)
{
	if (us_nt_irql() < DISPATCH_LEVEL)
		us_nt_bugcheck(0xC4, 0x40, us_nt_irql(), 0, 0, "irql.too-low",
			       "%s was called at IRQL %u; it may be called at DISPATCH_LEVEL and above only", function,
			       us_nt_irql());
}

/* -- the executive's ---------------------------------------------------------------------------------------------- */

void NTAPI us_ke_initialize_spin_lock(PKSPIN_LOCK lock)
{
	*lock = 0;
}

KIRQL NTAPI KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK lock)
{
	KIRQL old = us_nt_raise_irql(DISPATCH_LEVEL);

	us_nt_spin_lock(lock);
	return old;
}

void NTAPI KeReleaseSpinLock(PKSPIN_LOCK lock, KIRQL irql)
{
	if (irql > DISPATCH_LEVEL || us_nt_irql() != DISPATCH_LEVEL)
		us_nt_bugcheck(0xC4, 0x41, us_nt_irql(), irql, 0, "spin-lock.irql",
			       "KeReleaseSpinLock was called at IRQL %u to go to IRQL %u: it is called at "
			       "DISPATCH_LEVEL, with the IRQL "
			       "that KeAcquireSpinLock returned",
			       us_nt_irql(), irql);
	us_nt_spin_unlock(lock);
	us_nt_lower_irql(irql);
}

void NTAPI KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK lock)
{
	need_dispatch("KeAcquireSpinLockAtDpcLevel");
	us_nt_spin_lock(lock);
}

void NTAPI KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK lock)
{
	need_dispatch("KeReleaseSpinLockFromDpcLevel");
	us_nt_spin_unlock(lock);
}

BOOLEAN NTAPI KeTryToAcquireSpinLockAtDpcLevel(PKSPIN_LOCK lock)
{
	need_dispatch("KeTryToAcquireSpinLockAtDpcLevel");
	if (*lock)
		return FALSE;
	us_nt_spin_lock(lock);
	return TRUE;
}

BOOLEAN NTAPI KeTestSpinLock(PKSPIN_LOCK lock)
{
	return *lock == 0;
}

/* For a DPC, which may be a threaded one below DISPATCH_LEVEL in Windows; here all are ordinary ones. */
KIRQL NTAPI KeAcquireSpinLockForDpc(PKSPIN_LOCK lock)
{
	return KeAcquireSpinLockRaiseToDpc(lock);
}

void NTAPI KeReleaseSpinLockForDpc(PKSPIN_LOCK lock, KIRQL irql)
{
	KeReleaseSpinLock(lock, irql);
}

/* -- queued ------------------------------------------------------------------------------------------------------- */

void NTAPI KeAcquireInStackQueuedSpinLock(PKSPIN_LOCK lock, PKLOCK_QUEUE_HANDLE handle)
{
	handle->LockQueue.Next = NULL;
	handle->LockQueue.Lock = lock;
	handle->OldIrql = KeAcquireSpinLockRaiseToDpc(lock);
}

void NTAPI KeReleaseInStackQueuedSpinLock(PKLOCK_QUEUE_HANDLE handle)
{
	KeReleaseSpinLock(handle->LockQueue.Lock, handle->OldIrql);
}

void NTAPI KeAcquireInStackQueuedSpinLockAtDpcLevel(PKSPIN_LOCK lock, PKLOCK_QUEUE_HANDLE handle)
{
	handle->LockQueue.Next = NULL;
	handle->LockQueue.Lock = lock;
	handle->OldIrql = us_nt_irql();
	KeAcquireSpinLockAtDpcLevel(lock);
}

void NTAPI KeReleaseInStackQueuedSpinLockFromDpcLevel(PKLOCK_QUEUE_HANDLE handle)
{
	KeReleaseSpinLockFromDpcLevel(handle->LockQueue.Lock);
}
