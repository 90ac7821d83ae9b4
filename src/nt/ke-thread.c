/* SPDX-License-Identifier: Apache-2.0 */
/* Threads as drivers know them, and the regions in which APCs are held off. Microsoft, "PsCreateSystemThread" and
 * others. */
#include "nt/ke.h"

#include <stdio.h>

#include "nt/ob.h"
#include "nt/phys.h"
#include "nt/trace.h"

#define PRIORITY 8 /* of new system threads */
#define SYSTEM_PROCESS 4 /* process identifiers */
#define APPLICATION 4096
#define PROCESS_TAG 0x636f7250u /* 'Proc' */

/* A driver's thread, from its creation to its end. */
struct us_ke_thread {
	LIST_ENTRY link;
	struct us_thread *thread;
	PKSTART_ROUTINE routine;
	PVOID context;
};

static HANDLE id_of(const struct us_thread *thread)
{
	return (HANDLE)(uintptr_t)(4 * (uint64_t)thread->id + 4);
}

/* -- life --------------------------------------------------------------------------------------------------------- */

static void destroy(void *thread)
{
	us_nt_pool_free(thread);
}

/* The thread's flow is still on its way out: its own reference goes with the next one's that ends, or with the stage.
 */
static void bury(struct us_thread *thread)
{
	struct us_thread *before = us_nt->ke->dead;

	us_nt->ke->dead = thread;
	if (before)
		us_ob_dereference(before);
}

static void check_end(const struct us_thread *thread)
{
	if (!IsListEmpty(&thread->mutexes))
		us_nt_bugcheck(0x4000008A, (uintptr_t)thread,
			       (uintptr_t)CONTAINING_RECORD(thread->mutexes.Flink, KMUTEX, MutantListEntry), 0, 0,
			       "thread.holds-mutex", "thread %u (%s) ends and still owns a mutex %s", thread->id,
			       thread->name,
			       us_nt_where(CONTAINING_RECORD(thread->mutexes.Flink, KMUTEX, MutantListEntry)));
	if (thread->critical || thread->guarded)
		us_nt_bugcheck(0x20, 0, thread->critical, thread->guarded, 0, "thread.critical-region",
			       "thread %u (%s) ends within %u critical and %u guarded regions; each that is entered "
			       "has to be left",
			       thread->id, thread->name, thread->critical, thread->guarded);
}

static void ended(struct us_thread *thread)
{
	struct us_ke_thread *of = thread->context;

	RemoveEntryList(&of->link);
	us_nt_free(of);
	thread->header.SignalState = 1;
	us_ke_signal(&thread->header);
	bury(thread);
}

static void begin(void *context)
{
	struct us_ke_thread *of = context;

	US_CALL_VOID("a system thread", of->routine, of->context);
	check_end(us_nt_current());
}

NTSTATUS NTAPI PsCreateSystemThread(PHANDLE handle, ULONG access, POBJECT_ATTRIBUTES attributes, HANDLE process,
				    PCLIENT_ID client, PKSTART_ROUTINE routine, PVOID context)
{
	struct us_ke_thread *of;
	struct us_thread *thread;

	if (process)
		us_nt_unsupported("PsCreateSystemThread was called for another process than the system's");
	if (attributes && attributes->ObjectName)
		us_nt_unsupported("PsCreateSystemThread was called with a name for the thread");
	of = us_nt_alloc(sizeof(*of));
	*of = (struct us_ke_thread){.routine = routine, .context = context};
	thread = us_nt_thread_create("system", PRIORITY, begin, of);
	if (!thread) {
		us_nt_free(of);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	of->thread = thread;
	snprintf(thread->name, sizeof(thread->name), "system %u", thread->id);
	thread->on_end = ended;
	InsertTailList(&us_nt->ke->threads, &of->link);
	us_ob_thread.destroy = destroy;
	us_ob_add(thread, &us_ob_thread);
	*handle = us_ob_handle(thread, access);
	if (client)
		*client =
			(CLIENT_ID){.UniqueProcess = (HANDLE)(uintptr_t)SYSTEM_PROCESS, .UniqueThread = id_of(thread)};
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI PsTerminateSystemThread(NTSTATUS status)
{
	struct us_thread *thread = us_nt_current();

	if (thread->on_end != ended)
		return STATUS_INVALID_PARAMETER; /* it is no system thread of a driver */
	check_end(thread);
	us_nt_thread_exit(status);
}

size_t us_ke_thread_leaks(char *text, size_t size)
{
	LIST_ENTRY *head = &us_nt->ke->threads;
	size_t count = 0;

	for (LIST_ENTRY *entry = head->Flink; entry != head; entry = entry->Flink) {
		const struct us_thread *thread = CONTAINING_RECORD(entry, struct us_ke_thread, link)->thread;

		if (count++ == 0 && size)
			snprintf(text, size, "thread %u (%s), which has not ended%s%s", thread->id, thread->name,
				 thread->state == US_THREAD_WAITING ? " and waits for " : "",
				 thread->state == US_THREAD_WAITING ? thread->waits_for : "");
	}
	return count;
}

/* -- who am I ----------------------------------------------------------------------------------------------------- */

PKTHREAD NTAPI us_ke_get_current_thread(void)
{
	return (PKTHREAD)us_nt_current();
}

HANDLE NTAPI PsGetCurrentThreadId(void)
{
	return id_of(us_nt_current());
}

HANDLE NTAPI PsGetThreadId(PETHREAD thread)
{
	return id_of((struct us_thread *)thread);
}

BOOLEAN NTAPI us_ke_is_system_thread(PETHREAD thread)
{
	return ((struct us_thread *)thread)->previous_mode == KernelMode;
}

KPROCESSOR_MODE NTAPI ExGetPreviousMode(void)
{
	return us_nt_current()->previous_mode;
}

/* What a driver sees of a process is an address to compare and reference; nothing of Windows' layout is public. */
PEPROCESS us_nt_process(KPROCESSOR_MODE mode)
{
	static struct us_ob_type type = {"Process", NULL, NULL};
	PEPROCESS *process = &us_nt->ke->processes[mode == UserMode];

	if (!*process) {
		*process = us_nt_pool_alloc(64, PROCESS_TAG);
		if (!*process)
			us_nt_stop(US_NT_FAILED, "", "there is no memory left for a process object");
		us_ob_add(*process, &type);
	}
	return *process;
}

PEPROCESS NTAPI IoGetCurrentProcess(void)
{
	return us_nt_process(us_nt_current()->previous_mode);
}

HANDLE NTAPI PsGetCurrentProcessId(void)
{
	return (HANDLE)(uintptr_t)(us_nt_current()->previous_mode == UserMode ? APPLICATION : SYSTEM_PROCESS);
}

HANDLE NTAPI us_ke_get_process_id(PEPROCESS process)
{
	return (HANDLE)(uintptr_t)(process == us_nt->ke->processes[1] ? APPLICATION : SYSTEM_PROCESS);
}

/* -- priority ----------------------------------------------------------------------------------------------------- */

static void check_thread(PKTHREAD thread, const char *function)
{
	us_ke_check(thread, 1u << US_KE_THREAD, function);
}

KPRIORITY NTAPI KeSetPriorityThread(PKTHREAD kthread, KPRIORITY priority)
{
	struct us_thread *thread = (struct us_thread *)kthread;
	KPRIORITY old;

	check_thread(kthread, "KeSetPriorityThread");
	if (priority < LOW_PRIORITY + 1 || priority > HIGH_PRIORITY)
		us_nt_bugcheck(0xC4, 0, (uintptr_t)kthread, (ULONG)priority, 0, "thread.priority",
			       "KeSetPriorityThread was called with the priority %d; it is from 1 to 31",
			       (int)priority);
	old = thread->priority;
	thread->priority = priority;
	return old;
}

KPRIORITY NTAPI KeQueryPriorityThread(PRKTHREAD kthread)
{
	check_thread(kthread, "KeQueryPriorityThread");
	return ((struct us_thread *)kthread)->priority;
}

/* The base priority counts from that of the process, 8. */
LONG NTAPI KeSetBasePriorityThread(PRKTHREAD kthread, LONG increment)
{
	struct us_thread *thread = (struct us_thread *)kthread;
	LONG old, priority = PRIORITY + increment;

	check_thread(kthread, "KeSetBasePriorityThread");
	old = thread->priority - PRIORITY;
	thread->priority = priority < 1 ? 1 : priority > 15 ? 15 : priority;
	return old;
}

/* -- regions without APCs ----------------------------------------------------------------------------------------- */

void NTAPI KeEnterCriticalRegion(void)
{
	us_nt_current()->critical++;
}

void NTAPI KeLeaveCriticalRegion(void)
{
	if (us_nt_current()->critical-- == 0)
		us_nt_bugcheck(0xC4, 0, (uintptr_t)us_nt_current(), 0, 0, "region.not-entered",
			       "KeLeaveCriticalRegion was called outside of a critical region");
}

void NTAPI KeEnterGuardedRegion(void)
{
	us_nt_current()->guarded++;
}

void NTAPI KeLeaveGuardedRegion(void)
{
	if (us_nt_current()->guarded-- == 0)
		us_nt_bugcheck(0xC4, 0, (uintptr_t)us_nt_current(), 0, 0, "region.not-entered",
			       "KeLeaveGuardedRegion was called outside of a guarded region");
}

BOOLEAN NTAPI KeAreAllApcsDisabled(void)
{
	return us_nt_irql() >= APC_LEVEL || us_nt_current()->guarded;
}

BOOLEAN NTAPI KeAreApcsDisabled(void)
{
	return us_nt_current()->critical || KeAreAllApcsDisabled();
}
