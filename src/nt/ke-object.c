/* SPDX-License-Identifier: Apache-2.0 */
/* Events, semaphores and mutexes. Microsoft, "Kernel Dispatcher Objects" and the reference page of each function. */
#include "nt/ke.h"

#include "nt/ob.h"
#include "nt/phys.h"
#include "nt/seh.h"

#define EVENT_TAG 0x6e657645u /* 'Even' */

/* -- events ------------------------------------------------------------------------------------------------------- */

/* With Wait TRUE the caller says that a wait follows at once, which only a thread below DISPATCH_LEVEL can do. */
static void check_wait(BOOLEAN wait, const char *function)
{
	if (wait && us_nt_irql() >= DISPATCH_LEVEL)
		us_nt_bugcheck(
			0xC4, 0, us_nt_irql(), 0, 0, "irql.wait",
			"%s was called at IRQL %u with Wait TRUE: the wait that has to follow is not allowed there",
			function, us_nt_irql());
}

void NTAPI KeInitializeEvent(PRKEVENT event, EVENT_TYPE type, BOOLEAN state)
{
	us_ke_header_init(&event->Header,
			  type == NotificationEvent ? US_KE_NOTIFICATION_EVENT : US_KE_SYNCHRONIZATION_EVENT,
			  sizeof(*event), state != FALSE);
}

LONG NTAPI KeSetEvent(PRKEVENT event, KPRIORITY increment, BOOLEAN wait)
{
	LONG old;

	(void)increment;
	us_ke_check(event, US_KE_EVENTS, "KeSetEvent");
	check_wait(wait, "KeSetEvent");
	old = event->Header.SignalState;
	event->Header.SignalState = 1;
	us_ke_signal(&event->Header);
	return old;
}

LONG NTAPI KePulseEvent(PRKEVENT event, KPRIORITY increment, BOOLEAN wait)
{
	LONG old = KeSetEvent(event, increment, wait);

	event->Header.SignalState = 0;
	return old;
}

LONG NTAPI KeResetEvent(PRKEVENT event)
{
	LONG old;

	us_ke_check(event, US_KE_EVENTS, "KeResetEvent");
	old = event->Header.SignalState;
	event->Header.SignalState = 0;
	return old;
}

void NTAPI KeClearEvent(PRKEVENT event)
{
	us_ke_check(event, US_KE_EVENTS, "KeClearEvent");
	event->Header.SignalState = 0;
}

LONG NTAPI KeReadStateEvent(PRKEVENT event)
{
	us_ke_check(event, US_KE_EVENTS, "KeReadStateEvent");
	return event->Header.SignalState;
}

static void free_event(void *event)
{
	us_nt_pool_free(event);
}

static PKEVENT create_event(PUNICODE_STRING name, PHANDLE handle, EVENT_TYPE type)
{
	PKEVENT event;

	if (name && name->Length)
		us_nt_unsupported("an event with a name was asked for; only events without one can be made");
	event = us_nt_pool_alloc(sizeof(*event), EVENT_TAG);
	if (!event)
		return NULL;
	KeInitializeEvent(event, type, TRUE);
	us_ob_event.destroy = free_event;
	us_ob_add(event, &us_ob_event);
	*handle = us_ob_handle(event, EVENT_ALL_ACCESS);
	us_ob_dereference(event); /* the handle's reference stays */
	return event;
}

PKEVENT NTAPI IoCreateNotificationEvent(PUNICODE_STRING name, PHANDLE handle)
{
	return create_event(name, handle, NotificationEvent);
}

PKEVENT NTAPI IoCreateSynchronizationEvent(PUNICODE_STRING name, PHANDLE handle)
{
	return create_event(name, handle, SynchronizationEvent);
}

/* -- semaphores --------------------------------------------------------------------------------------------------- */

void NTAPI KeInitializeSemaphore(PRKSEMAPHORE semaphore, LONG count, LONG limit)
{
	if (count < 0 || limit <= 0 || count > limit)
		us_nt_bugcheck(0xC4, 0, (ULONG)count, (ULONG)limit, 0, "semaphore.limit",
			       "KeInitializeSemaphore was called with the count %d and the limit %d: 0 <= count <= "
			       "limit, limit > 0",
			       (int)count, (int)limit);
	us_ke_header_init(&semaphore->Header, US_KE_SEMAPHORE, sizeof(*semaphore), count);
	semaphore->Limit = limit;
}

LONG NTAPI KeReleaseSemaphore(PRKSEMAPHORE semaphore, KPRIORITY increment, LONG adjustment, BOOLEAN wait)
{
	LONG old;

	(void)increment;
	us_ke_check(semaphore, 1u << US_KE_SEMAPHORE, "KeReleaseSemaphore");
	check_wait(wait, "KeReleaseSemaphore");
	old = semaphore->Header.SignalState;
	if (adjustment <= 0 || adjustment > semaphore->Limit - old)
		us_seh_raise(STATUS_SEMAPHORE_LIMIT_EXCEEDED, "semaphore.limit",
			     "KeReleaseSemaphore would add %d to the count %d of a semaphore whose limit is %d",
			     (int)adjustment, (int)old, (int)semaphore->Limit);
	semaphore->Header.SignalState += adjustment;
	us_ke_signal(&semaphore->Header);
	return old;
}

LONG NTAPI KeReadStateSemaphore(PRKSEMAPHORE semaphore)
{
	us_ke_check(semaphore, 1u << US_KE_SEMAPHORE, "KeReadStateSemaphore");
	return semaphore->Header.SignalState;
}

/* -- mutexes: 1 is free, 0 is owned, less is owned several times -------------------------------------------------- */

void NTAPI KeInitializeMutex(PRKMUTEX mutex, ULONG level)
{
	(void)level; /* Windows ignores it, too */
	us_ke_header_init(&mutex->Header, US_KE_MUTEX, sizeof(*mutex), 1);
	InitializeListHead(&mutex->MutantListEntry);
	mutex->OwnerThread = NULL;
	mutex->Abandoned = FALSE;
	mutex->ApcDisable = 1;
}

LONG NTAPI KeReleaseMutex(PRKMUTEX mutex, BOOLEAN wait)
{
	struct us_thread *thread = us_nt_current();
	LONG old;

	us_ke_check(mutex, 1u << US_KE_MUTEX, "KeReleaseMutex");
	check_wait(wait, "KeReleaseMutex");
	if ((void *)mutex->OwnerThread != thread)
		us_seh_raise(STATUS_MUTANT_NOT_OWNED, "mutex.not-owned",
			     "KeReleaseMutex was called for a mutex %s that thread %u (%s) does not own",
			     us_nt_where(mutex), thread->id, thread->name);
	old = mutex->Header.SignalState++;
	if (mutex->Header.SignalState != 1)
		return old;
	RemoveEntryList(&mutex->MutantListEntry);
	mutex->OwnerThread = NULL;
	thread->critical -= mutex->ApcDisable;
	us_ke_signal(&mutex->Header);
	return old;
}

LONG NTAPI KeReadStateMutex(PRKMUTEX mutex)
{
	us_ke_check(mutex, 1u << US_KE_MUTEX, "KeReadStateMutex");
	return mutex->Header.SignalState;
}
