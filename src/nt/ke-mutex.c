/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fast mutexes, guarded mutexes, and rundown protection. The first two have the same layout: Count is 1 while it is
 * free, and the event is set for the next who waits. Microsoft, "Fast Mutexes and Guarded Mutexes", "Run-Down
 * Protection".
 */
#include "nt/ke.h"

C_ASSERT(sizeof(FAST_MUTEX) == sizeof(KGUARDED_MUTEX) && offsetof(FAST_MUTEX, Event) == offsetof(KGUARDED_MUTEX, Gate));

static void check(const FAST_MUTEX *mutex, const char *function)
{
	us_ke_check(&mutex->Event, US_KE_EVENTS, function);
}

static void acquire(PFAST_MUTEX mutex, const char *function)
{
	struct us_thread *thread = us_nt_current();

	check(mutex, function);
	if ((void *)mutex->Owner == thread)
		us_nt_bugcheck(0xC4, 0, (uintptr_t)mutex, 0, 0, "mutex.recursive",
			       "%s was called for a mutex %s that thread %u (%s) owns already: it would wait for "
			       "itself for ever",
			       function, us_nt_where(mutex), thread->id, thread->name);
	while (mutex->Count != 1) {
		mutex->Contention++;
		us_ke_wait(&mutex->Event.Header, "the mutex");
		mutex->Contention--;
	}
	mutex->Count = 0;
	mutex->Owner = (PKTHREAD)thread;
}

static void release(PFAST_MUTEX mutex, const char *function)
{
	check(mutex, function);
	if ((void *)mutex->Owner != us_nt_current() || mutex->Count != 0)
		us_nt_bugcheck(0xC4, 0, (uintptr_t)mutex, 0, 0, "mutex.not-owned",
			       "%s was called for a mutex %s that this thread does not own", function,
			       us_nt_where(mutex));
	mutex->Owner = NULL;
	mutex->Count = 1;
	if (mutex->Contention)
		KeSetEvent(&mutex->Event, 0, FALSE);
}

/* -- fast mutexes: at APC_LEVEL ----------------------------------------------------------------------------------- */

void NTAPI ExAcquireFastMutex(PFAST_MUTEX mutex)
{
	KIRQL old = us_nt_raise_irql(APC_LEVEL);

	acquire(mutex, "ExAcquireFastMutex");
	mutex->OldIrql = old;
}

BOOLEAN NTAPI ExTryToAcquireFastMutex(PFAST_MUTEX mutex)
{
	check(mutex, "ExTryToAcquireFastMutex");
	if (mutex->Count != 1)
		return FALSE;
	ExAcquireFastMutex(mutex);
	return TRUE;
}

void NTAPI ExReleaseFastMutex(PFAST_MUTEX mutex)
{
	KIRQL irql = (KIRQL)mutex->OldIrql;

	if (us_nt_irql() != APC_LEVEL)
		us_nt_bugcheck(0xC4, 0, us_nt_irql(), 0, 0, "irql.fast-mutex",
			       "ExReleaseFastMutex was called at IRQL %u; the owner of a fast mutex is at APC_LEVEL",
			       us_nt_irql());
	release(mutex, "ExReleaseFastMutex");
	us_nt_lower_irql(irql);
}

/* Who calls these has seen to it that no APC comes: at APC_LEVEL, or in a critical or guarded region. */
static void check_unsafe(const char *function)
{
	if (!KeAreApcsDisabled())
		us_nt_bugcheck(
			0xC4, 0x37, us_nt_irql(), 0, 0, "apc.enabled",
			"%s was called with APCs enabled: at APC_LEVEL, or within a critical or guarded region only",
			function);
}

void NTAPI ExAcquireFastMutexUnsafe(PFAST_MUTEX mutex)
{
	check_unsafe("ExAcquireFastMutexUnsafe");
	acquire(mutex, "ExAcquireFastMutexUnsafe");
}

void NTAPI ExReleaseFastMutexUnsafe(PFAST_MUTEX mutex)
{
	check_unsafe("ExReleaseFastMutexUnsafe");
	release(mutex, "ExReleaseFastMutexUnsafe");
}

/* -- guarded mutexes: within a guarded region --------------------------------------------------------------------- */

void NTAPI KeInitializeGuardedMutex(PKGUARDED_MUTEX guarded)
{
	PFAST_MUTEX mutex = (PFAST_MUTEX)guarded;

	mutex->Count = 1;
	mutex->Owner = NULL;
	mutex->Contention = 0;
	mutex->OldIrql = 0;
	KeInitializeEvent(&mutex->Event, SynchronizationEvent, FALSE);
}

void NTAPI KeAcquireGuardedMutex(PKGUARDED_MUTEX mutex)
{
	KeEnterGuardedRegion();
	acquire((PFAST_MUTEX)mutex, "KeAcquireGuardedMutex");
}

void NTAPI KeReleaseGuardedMutex(PKGUARDED_MUTEX mutex)
{
	release((PFAST_MUTEX)mutex, "KeReleaseGuardedMutex");
	KeLeaveGuardedRegion();
}

BOOLEAN NTAPI KeTryToAcquireGuardedMutex(PKGUARDED_MUTEX mutex)
{
	check((PFAST_MUTEX)mutex, "KeTryToAcquireGuardedMutex");
	if (mutex->Count != 1)
		return FALSE;
	KeAcquireGuardedMutex(mutex);
	return TRUE;
}

void NTAPI KeAcquireGuardedMutexUnsafe(PKGUARDED_MUTEX mutex)
{
	check_unsafe("KeAcquireGuardedMutexUnsafe");
	acquire((PFAST_MUTEX)mutex, "KeAcquireGuardedMutexUnsafe");
}

void NTAPI KeReleaseGuardedMutexUnsafe(PKGUARDED_MUTEX mutex)
{
	check_unsafe("KeReleaseGuardedMutexUnsafe");
	release((PFAST_MUTEX)mutex, "KeReleaseGuardedMutexUnsafe");
}

/* -- rundown protection: bit 0 says that it runs down, the count is above it -------------------------------------- */

#define RUNDOWN_ACTIVE 1u
#define RUNDOWN_ONE 2u

void NTAPI ExInitializeRundownProtection(PEX_RUNDOWN_REF rundown)
{
	rundown->Count = 0;
}

void NTAPI ExReInitializeRundownProtection(PEX_RUNDOWN_REF rundown)
{
	if (rundown->Count != RUNDOWN_ACTIVE)
		us_nt_bugcheck(0xC4, 0, (uintptr_t)rundown, rundown->Count, 0, "rundown.in-use",
			       "ExReInitializeRundownProtection was called for a reference %s that has not run down",
			       us_nt_where(rundown));
	rundown->Count = 0;
}

BOOLEAN NTAPI ExAcquireRundownProtectionEx(PEX_RUNDOWN_REF rundown, ULONG count)
{
	if (rundown->Count & RUNDOWN_ACTIVE)
		return FALSE;
	rundown->Count += (ULONG_PTR)count * RUNDOWN_ONE;
	return TRUE;
}

BOOLEAN NTAPI ExAcquireRundownProtection(PEX_RUNDOWN_REF rundown)
{
	return ExAcquireRundownProtectionEx(rundown, 1);
}

/* Who waits has an event of its own, on which the last who lets go finds it: in the thread, since the reference is one
 * word. */
static struct us_thread *waiter_of(const EX_RUNDOWN_REF *rundown)
{
	return us_addresses_find(&us_nt->ke->rundowns, rundown);
}

void NTAPI ExReleaseRundownProtectionEx(PEX_RUNDOWN_REF rundown, ULONG count)
{
	struct us_thread *waiter;

	if (rundown->Count / RUNDOWN_ONE < count)
		us_nt_bugcheck(
			0xC4, 0, (uintptr_t)rundown, rundown->Count / RUNDOWN_ONE, count, "rundown.not-acquired",
			"ExReleaseRundownProtection would give back %u of a reference %s that was acquired %llu times",
			(unsigned)count, us_nt_where(rundown), (unsigned long long)(rundown->Count / RUNDOWN_ONE));
	rundown->Count -= (ULONG_PTR)count * RUNDOWN_ONE;
	waiter = waiter_of(rundown);
	if (waiter && rundown->Count == RUNDOWN_ACTIVE) {
		us_addresses_remove(&us_nt->ke->rundowns, rundown);
		us_nt_wake(waiter, STATUS_SUCCESS);
	}
}

void NTAPI ExReleaseRundownProtection(PEX_RUNDOWN_REF rundown)
{
	ExReleaseRundownProtectionEx(rundown, 1);
}

void NTAPI ExWaitForRundownProtectionRelease(PEX_RUNDOWN_REF rundown)
{
	if (waiter_of(rundown))
		us_nt_bugcheck(0xC4, 0, (uintptr_t)rundown, 0, 0, "rundown.two-waiters",
			       "two threads wait for the rundown of the reference %s", us_nt_where(rundown));
	rundown->Count |= RUNDOWN_ACTIVE;
	if (rundown->Count == RUNDOWN_ACTIVE)
		return;
	us_addresses_add(&us_nt->ke->rundowns, rundown, us_nt_current());
	us_nt_block("the rundown of a reference %s, held %llu times", us_nt_where(rundown),
		    (unsigned long long)(rundown->Count / RUNDOWN_ONE));
}

void NTAPI ExRundownCompleted(PEX_RUNDOWN_REF rundown)
{
	if (rundown->Count / RUNDOWN_ONE)
		us_nt_bugcheck(0xC4, 0, (uintptr_t)rundown, rundown->Count, 0, "rundown.in-use",
			       "ExRundownCompleted was called for a reference %s that is still held",
			       us_nt_where(rundown));
	rundown->Count = RUNDOWN_ACTIVE;
}
