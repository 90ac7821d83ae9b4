/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits. A thread that waits has one wait block for each object, in the object's list and in a ring of its own; who
 * signals an object goes through its list, first come first served, and lets go on whoever need not wait any more.
 * Timeouts are alarms at the ticks of the clock. Microsoft, "KeWaitForSingleObject", "KeWaitForMultipleObjects",
 * "KeDelayExecutionThread".
 */
#include "nt/ke.h"

#include <stdio.h>

#include "nt/clock.h"
#include "nt/phys.h"
#include "nt/trace.h"

#define WAITABLE (US_KE_EVENTS | US_KE_TIMERS | 1u << US_KE_MUTEX | 1u << US_KE_SEMAPHORE | 1u << US_KE_THREAD)

/* -- objects ------------------------------------------------------------------------------------------------------ */

static const char *type_name(const DISPATCHER_HEADER *header)
{
	switch ((enum us_ke_type)header->Type) {
	case US_KE_NOTIFICATION_EVENT:
		return "the event";
	case US_KE_SYNCHRONIZATION_EVENT:
		return "the synchronization event";
	case US_KE_MUTEX:
		return "the mutex";
	case US_KE_SEMAPHORE:
		return "the semaphore";
	case US_KE_THREAD:
		return "the end of a thread";
	case US_KE_NOTIFICATION_TIMER:
	case US_KE_SYNCHRONIZATION_TIMER:
		return "the timer";
	}
	return "an object";
}

const char *us_ke_describe(const void *object, char *text, size_t size)
{
	const DISPATCHER_HEADER *header = object;

	if (header->Type == US_KE_THREAD) {
		const struct us_thread *thread = object;

		snprintf(text, size, "the end of thread %u (%s)", thread->id, thread->name);
		return text;
	}
	snprintf(text, size, "%s %s", type_name(header), us_nt_where(object));
	return text;
}

/* "in the driver's pool piece 'abcd', 24 bytes from its beginning, at 0x…"; false: it lies in none. */
static bool in_pool(const void *at, char *text, size_t size)
{
	const char *piece = us_nt_pool_around(at);
	uint32_t tag;
	char shown[5] = "";

	if (!piece)
		return false;
	tag = us_nt_pool_tag(piece);
	for (unsigned i = 0; i < 4; i++)
		shown[i] = (char)(tag >> 8 * i) >= ' ' && (char)(tag >> 8 * i) <= '~' ? (char)(tag >> 8 * i) : '.';
	snprintf(text, size, "in %s pool piece '%s' + %u, at 0x%llx",
		 us_nt_pool_is_drivers(piece) ? "the driver's" : "the stage's", shown,
		 (unsigned)((const char *)at - piece), (unsigned long long)(uintptr_t)at);
	return true;
}

const char *us_nt_where(const void *at)
{
	static __thread char texts[4][80];
	static __thread unsigned next;
	static const char *const windows[US_WINDOWS] = {
		[US_WINDOW_USER] = "in an application's buffer", [US_WINDOW_POOL] = "in freed pool",
		[US_WINDOW_IMAGE] = "in the driver's data",      [US_WINDOW_STACK] = "on a stack",
		[US_WINDOW_SYSTEM] = "in a mapping",
	};
	char *text = texts[next++ % 4];
	int window = us_nt_window(at);

	if (window < 0)
		return "outside of the stage's memory";
	if (window == US_WINDOW_STACK)
		return windows[window]; /* the address depends on the frames of the stage's functions below it, and so
					   on its compiler */
	if (!in_pool(at, text, sizeof(texts[0])))
		snprintf(text, sizeof(texts[0]), "%s at 0x%llx", windows[window], (unsigned long long)(uintptr_t)at);
	return text;
}

void us_ke_header_init(DISPATCHER_HEADER *header, enum us_ke_type type, unsigned bytes, LONG state)
{
	header->Lock = 0;
	header->Type = (UCHAR)type;
	header->Size = (UCHAR)(bytes / sizeof(LONG));
	header->SignalState = state;
	InitializeListHead(&header->WaitListHead);
}

void us_ke_check(const void *object, unsigned types, const char *function)
{
	const DISPATCHER_HEADER *header = object;

	if (header && header->Type < 32 && types & 1u << header->Type && header->WaitListHead.Flink &&
	    header->WaitListHead.Flink->Blink == &header->WaitListHead)
		return;
	us_nt_bugcheck(
		0xC4, 0, (uintptr_t)object, 0, 0, "object.uninitialized",
		"%s was called for an object %s that was never initialized, was overwritten, or is of another kind",
		function, object ? us_nt_where(object) : "at NULL");
}

static bool is_signalled(const DISPATCHER_HEADER *header, const struct us_thread *thread)
{
	if (header->SignalState > 0)
		return true;
	return header->Type == US_KE_MUTEX && (const void *)((const KMUTEX *)header)->OwnerThread == thread;
}

/* What a satisfied wait does to the object. */
static void take(DISPATCHER_HEADER *header, struct us_thread *thread)
{
	KMUTEX *mutex = (KMUTEX *)header;

	switch ((enum us_ke_type)header->Type) {
	case US_KE_SYNCHRONIZATION_EVENT:
	case US_KE_SYNCHRONIZATION_TIMER:
		header->SignalState = 0;
		break;
	case US_KE_SEMAPHORE:
		header->SignalState--;
		break;
	case US_KE_MUTEX:
		if (--header->SignalState != 0)
			break;
		mutex->OwnerThread = (struct _KTHREAD *)thread;
		thread->critical += mutex->ApcDisable;
		InsertTailList(&thread->mutexes, &mutex->MutantListEntry);
		break;
	case US_KE_NOTIFICATION_EVENT:
	case US_KE_NOTIFICATION_TIMER:
	case US_KE_THREAD:
		break;
	}
}

/* -- going on ----------------------------------------------------------------------------------------------------- */

static void go_on(struct us_thread *thread, NTSTATUS status)
{
	PKWAIT_BLOCK block = thread->waits;

	if (block)
		do {
			RemoveEntryList(&block->WaitListEntry);
			block = block->NextWaitBlock;
		} while (block != thread->waits);
	thread->waits = NULL;
	us_nt_alarm_cancel(&thread->timeout);
	us_nt_wake(thread, status);
}

static bool all_signalled(PKWAIT_BLOCK first, const struct us_thread *thread)
{
	PKWAIT_BLOCK block = first;

	do {
		if (!is_signalled(block->Object, thread))
			return false;
		block = block->NextWaitBlock;
	} while (block != first);
	return true;
}

static void take_all(PKWAIT_BLOCK first, struct us_thread *thread)
{
	PKWAIT_BLOCK block = first;

	do {
		take(block->Object, thread);
		block = block->NextWaitBlock;
	} while (block != first);
}

void us_ke_signal(DISPATCHER_HEADER *header)
{
	LIST_ENTRY *entry = header->WaitListHead.Flink;

	while (entry != &header->WaitListHead && header->SignalState > 0) {
		PKWAIT_BLOCK block = CONTAINING_RECORD(entry, KWAIT_BLOCK, WaitListEntry);
		struct us_thread *thread = (struct us_thread *)block->Thread;

		if (block->WaitType == WaitAny) {
			take(header, thread);
			go_on(thread, (NTSTATUS)block->WaitKey);
		} else if (all_signalled(thread->waits, thread)) {
			take_all(thread->waits, thread);
			go_on(thread, STATUS_WAIT_0);
		} else {
			entry = entry->Flink;
			continue;
		}
		entry = header->WaitListHead.Flink; /* its blocks are gone, and there may have been several here */
	}
}

static void timed_out(struct us_alarm *alarm)
{
	go_on(CONTAINING_RECORD(alarm, struct us_thread, timeout), STATUS_TIMEOUT);
}

/* -- waiting ------------------------------------------------------------------------------------------------------ */

uint64_t us_ke_due(LONGLONG due)
{
	uint64_t now = us_nt_interrupt_time(), started = us_nt_system_time() - now;

	if (due <= 0)
		return now + (0 - (uint64_t)due);
	return (uint64_t)due > started ? (uint64_t)due - started : 0;
}

/* Sets the alarm of a wait; false: its time is over already. */
static bool set_timeout(struct us_thread *thread, const LARGE_INTEGER *timeout)
{
	uint64_t due = us_ke_due(timeout->QuadPart);

	if (due <= us_nt_interrupt_time())
		return false;
	thread->timeout.fire = timed_out;
	us_nt_alarm_set(&thread->timeout, us_nt_tick_at(due));
	return true;
}

/* A wait that may last needs a thread of its own, below DISPATCH_LEVEL. */
static void check_irql(const LARGE_INTEGER *timeout, const char *function)
{
	if (us_nt_irql() < DISPATCH_LEVEL || (timeout && timeout->QuadPart == 0 && us_nt_irql() == DISPATCH_LEVEL))
		return;
	us_nt_bugcheck(0xC4, 0x38, us_nt_irql(), 0, 0, "irql.wait",
		       "%s was called at IRQL %u with %s: at DISPATCH_LEVEL a wait must have a timeout of 0, and above "
		       "there is none",
		       function, us_nt_irql(),
		       timeout ? timeout->QuadPart == 0 ? "a timeout of 0" : "a timeout" : "no timeout");
}

/* Ties the blocks of a wait into their objects' lists, and waits. */
static NTSTATUS wait_for(PKWAIT_BLOCK blocks, PVOID objects[], ULONG count, WAIT_TYPE type,
			 const LARGE_INTEGER *timeout, const char *what)
{
	struct us_thread *thread = us_nt_current();
	char text[100];

	if (timeout && !set_timeout(thread, timeout))
		return STATUS_TIMEOUT;
	for (ULONG i = 0; i < count; i++) {
		DISPATCHER_HEADER *header = objects[i];

		InsertTailList(&header->WaitListHead, &blocks[i].WaitListEntry);
	}
	thread->waits = blocks;
	if (what)
		return us_nt_block("%s %s", what, us_nt_where(objects[0]));
	us_ke_describe(objects[0], text, sizeof(text));
	if (count == 1)
		return us_nt_block("%s", text);
	return us_nt_block("%s of %u objects: %s, …", type == WaitAll ? "all" : "one", (unsigned)count, text);
}

static void fill_blocks(PKWAIT_BLOCK blocks, PVOID objects[], ULONG count, WAIT_TYPE type)
{
	for (ULONG i = 0; i < count; i++) {
		blocks[i].Thread = (struct _KTHREAD *)us_nt_current();
		blocks[i].Object = objects[i];
		blocks[i].NextWaitBlock = &blocks[i + 1 == count ? 0 : i + 1];
		blocks[i].WaitKey = (USHORT)(type == WaitAny ? i : 0);
		blocks[i].WaitType = (UCHAR)type;
	}
}

NTSTATUS NTAPI KeWaitForSingleObject(PVOID object, KWAIT_REASON reason, KPROCESSOR_MODE mode, BOOLEAN alertable,
				     PLARGE_INTEGER timeout)
{
	struct us_thread *thread = us_nt_current();

	(void)reason, (void)mode, (void)alertable; /* there are no APCs and no alerts that could end the wait */
	check_irql(timeout, "KeWaitForSingleObject");
	us_ke_check(object, WAITABLE, "KeWaitForSingleObject");
	if (is_signalled(object, thread)) {
		take(object, thread);
		return STATUS_WAIT_0;
	}
	if (timeout && timeout->QuadPart == 0)
		return STATUS_TIMEOUT;
	fill_blocks(thread->wait_blocks, &object, 1, WaitAny);
	return wait_for(thread->wait_blocks, &object, 1, WaitAny, timeout, NULL);
}

void us_ke_wait(DISPATCHER_HEADER *header, const char *what)
{
	struct us_thread *thread = us_nt_current();
	PVOID object = header;

	if (is_signalled(header, thread)) {
		take(header, thread);
		return;
	}
	fill_blocks(thread->wait_blocks, &object, 1, WaitAny);
	wait_for(thread->wait_blocks, &object, 1, WaitAny, NULL, what);
}

/* Satisfied at once? */
static bool satisfied(PKWAIT_BLOCK blocks, ULONG count, WAIT_TYPE type, NTSTATUS *status)
{
	struct us_thread *thread = us_nt_current();

	*status = STATUS_WAIT_0;
	if (type == WaitAll) {
		if (!all_signalled(blocks, thread))
			return false;
		take_all(blocks, thread);
		return true;
	}
	for (ULONG i = 0; i < count; i++)
		if (is_signalled(blocks[i].Object, thread)) {
			take(blocks[i].Object, thread);
			*status = (NTSTATUS)i;
			return true;
		}
	return false;
}

NTSTATUS NTAPI KeWaitForMultipleObjects(ULONG count, PVOID objects[], WAIT_TYPE type, KWAIT_REASON reason,
					KPROCESSOR_MODE mode, BOOLEAN alertable, PLARGE_INTEGER timeout,
					PKWAIT_BLOCK array)
{
	struct us_thread *thread = us_nt_current();
	ULONG room = array ? MAXIMUM_WAIT_OBJECTS : THREAD_WAIT_OBJECTS;
	PKWAIT_BLOCK blocks = array ? array : thread->wait_blocks;
	NTSTATUS status;

	(void)reason, (void)mode, (void)alertable;
	check_irql(timeout, "KeWaitForMultipleObjects");
	if (count == 0 || count > room)
		us_nt_bugcheck(0xC, 0, 0, 0, 0, "wait.too-many-objects",
			       "KeWaitForMultipleObjects was called for %u objects %s an array of wait blocks: 1 to %u "
			       "are possible",
			       (unsigned)count, array ? "with" : "without", (unsigned)room);
	if (type != WaitAll && type != WaitAny)
		us_nt_unsupported("KeWaitForMultipleObjects was called with the wait type %d", (int)type);
	for (ULONG i = 0; i < count; i++)
		us_ke_check(objects[i], WAITABLE, "KeWaitForMultipleObjects");
	fill_blocks(blocks, objects, count, type);
	if (satisfied(blocks, count, type, &status))
		return status;
	if (timeout && timeout->QuadPart == 0)
		return STATUS_TIMEOUT;
	return wait_for(blocks, objects, count, type, timeout, NULL);
}

NTSTATUS NTAPI KeDelayExecutionThread(KPROCESSOR_MODE mode, BOOLEAN alertable, PLARGE_INTEGER interval)
{
	struct us_thread *thread = us_nt_current();

	(void)mode, (void)alertable;
	if (!set_timeout(thread, interval)) {
		us_nt_yield();
		return STATUS_SUCCESS;
	}
	us_nt_block("the end of a delay of %lld us",
		    (long long)(interval->QuadPart < 0 ? -interval->QuadPart / 10 : 0));
	return STATUS_SUCCESS;
}
