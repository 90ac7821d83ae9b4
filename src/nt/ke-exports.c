/* SPDX-License-Identifier: Apache-2.0 */
/* What ke offers to drivers: each function with the highest IRQL of its reference page; and the module's beginning and
 * end. */
#include "nt/ke.h"

#include <stdio.h>

#include "nt/ob.h"

static BOOLEAN debugger_enabled = FALSE, debugger_not_present = TRUE;

const struct us_export us_nt_ke_exports[] = {
	/* objects */
	US_EXPORT(KeInitializeEvent, HIGH_LEVEL, "v:pub"),
	US_EXPORT(KeSetEvent, DISPATCH_LEVEL, "u:pub"),
	US_EXPORT(KePulseEvent, DISPATCH_LEVEL, "u:pub"),
	US_EXPORT(KeResetEvent, DISPATCH_LEVEL, "u:p"),
	US_EXPORT(KeClearEvent, DISPATCH_LEVEL, "v:p"),
	US_EXPORT(KeReadStateEvent, DISPATCH_LEVEL, "u:p"),
	US_EXPORT(IoCreateNotificationEvent, PASSIVE_LEVEL, "P:wp"),
	US_EXPORT(IoCreateSynchronizationEvent, PASSIVE_LEVEL, "P:wp"),
	US_EXPORT(KeInitializeSemaphore, HIGH_LEVEL, "v:puu"),
	US_EXPORT_RAISES(KeReleaseSemaphore, DISPATCH_LEVEL, "u:puub"),
	US_EXPORT(KeReadStateSemaphore, HIGH_LEVEL, "u:p"),
	US_EXPORT(KeInitializeMutex, HIGH_LEVEL, "v:pu"),
	US_EXPORT_RAISES(KeReleaseMutex, DISPATCH_LEVEL, "u:pb"),
	US_EXPORT(KeReadStateMutex, DISPATCH_LEVEL, "u:p"),

	/* waits */
	US_EXPORT(KeWaitForSingleObject, DISPATCH_LEVEL, "s:pubbp"),
	US_EXPORT_AS("KeWaitForMutexObject", KeWaitForSingleObject, DISPATCH_LEVEL, "s:pubbp"),
	US_EXPORT(KeWaitForMultipleObjects, DISPATCH_LEVEL, "s:upuubbpp"),
	US_EXPORT(KeDelayExecutionThread, APC_LEVEL, "s:bbp"),

	/* timers */
	US_EXPORT(KeInitializeTimer, DISPATCH_LEVEL, "v:p"),
	US_EXPORT(KeInitializeTimerEx, DISPATCH_LEVEL, "v:pu"),
	US_EXPORT(KeSetTimer, DISPATCH_LEVEL, "b:pqp"),
	US_EXPORT(KeSetTimerEx, DISPATCH_LEVEL, "b:pqup"),
	US_EXPORT(KeSetCoalescableTimer, DISPATCH_LEVEL, "b:pquup"),
	US_EXPORT(KeCancelTimer, DISPATCH_LEVEL, "b:p"),
	US_EXPORT(KeReadStateTimer, DISPATCH_LEVEL, "b:p"),

	/* DPCs */
	US_EXPORT(KeInitializeDpc, HIGH_LEVEL, "v:ppp"),
	US_EXPORT(KeInsertQueueDpc, HIGH_LEVEL, "b:ppp"),
	US_EXPORT(KeRemoveQueueDpc, HIGH_LEVEL, "b:p"),
	US_EXPORT(KeSetImportanceDpc, HIGH_LEVEL, "v:pu"),
	US_EXPORT(KeSetTargetProcessorDpc, HIGH_LEVEL, "v:pb"),
	US_EXPORT(KeSetTargetProcessorDpcEx, HIGH_LEVEL, "s:pp"),
	US_EXPORT(KeFlushQueuedDpcs, PASSIVE_LEVEL, "v:"),

	/* spin locks */
	US_EXPORT_AS("KeInitializeSpinLock", us_ke_initialize_spin_lock, HIGH_LEVEL, "v:p"),
	US_EXPORT(KeAcquireSpinLockRaiseToDpc, DISPATCH_LEVEL, "b:p"),
	US_EXPORT(KeReleaseSpinLock, DISPATCH_LEVEL, "v:pb"),
	US_EXPORT(KeAcquireSpinLockAtDpcLevel, HIGH_LEVEL, "v:p"),
	US_EXPORT(KeReleaseSpinLockFromDpcLevel, HIGH_LEVEL, "v:p"),
	US_EXPORT(KeTryToAcquireSpinLockAtDpcLevel, HIGH_LEVEL, "b:p"),
	US_EXPORT(KeTestSpinLock, HIGH_LEVEL, "b:p"),
	US_EXPORT(KeAcquireSpinLockForDpc, DISPATCH_LEVEL, "b:p"),
	US_EXPORT(KeReleaseSpinLockForDpc, DISPATCH_LEVEL, "v:pb"),
	US_EXPORT(KeAcquireInStackQueuedSpinLock, DISPATCH_LEVEL, "v:pp"),
	US_EXPORT(KeReleaseInStackQueuedSpinLock, DISPATCH_LEVEL, "v:p"),
	US_EXPORT(KeAcquireInStackQueuedSpinLockAtDpcLevel, HIGH_LEVEL, "v:pp"),
	US_EXPORT(KeReleaseInStackQueuedSpinLockFromDpcLevel, HIGH_LEVEL, "v:p"),
	US_EXPORT_AS("KeAcquireInStackQueuedSpinLockForDpc", KeAcquireInStackQueuedSpinLock, DISPATCH_LEVEL, "v:pp"),
	US_EXPORT_AS("KeReleaseInStackQueuedSpinLockForDpc", KeReleaseInStackQueuedSpinLock, DISPATCH_LEVEL, "v:p"),

	/* fast and guarded mutexes, rundown protection */
	US_EXPORT(ExAcquireFastMutex, APC_LEVEL, "v:p"),
	US_EXPORT(ExTryToAcquireFastMutex, APC_LEVEL, "b:p"),
	US_EXPORT(ExReleaseFastMutex, APC_LEVEL, "v:p"),
	US_EXPORT(ExAcquireFastMutexUnsafe, APC_LEVEL, "v:p"),
	US_EXPORT(ExReleaseFastMutexUnsafe, APC_LEVEL, "v:p"),
	US_EXPORT(KeInitializeGuardedMutex, APC_LEVEL, "v:p"),
	US_EXPORT(KeAcquireGuardedMutex, APC_LEVEL, "v:p"),
	US_EXPORT(KeTryToAcquireGuardedMutex, APC_LEVEL, "b:p"),
	US_EXPORT(KeReleaseGuardedMutex, APC_LEVEL, "v:p"),
	US_EXPORT(KeAcquireGuardedMutexUnsafe, APC_LEVEL, "v:p"),
	US_EXPORT(KeReleaseGuardedMutexUnsafe, APC_LEVEL, "v:p"),
	US_EXPORT(ExInitializeRundownProtection, HIGH_LEVEL, "v:p"),
	US_EXPORT(ExReInitializeRundownProtection, APC_LEVEL, "v:p"),
	US_EXPORT(ExAcquireRundownProtection, HIGH_LEVEL, "b:p"),
	US_EXPORT(ExAcquireRundownProtectionEx, HIGH_LEVEL, "b:pu"),
	US_EXPORT(ExReleaseRundownProtection, HIGH_LEVEL, "v:p"),
	US_EXPORT(ExReleaseRundownProtectionEx, HIGH_LEVEL, "v:pu"),
	US_EXPORT(ExWaitForRundownProtectionRelease, APC_LEVEL, "v:p"),
	US_EXPORT(ExRundownCompleted, APC_LEVEL, "v:p"),

	/* executive resources */
	US_EXPORT(ExInitializeResourceLite, DISPATCH_LEVEL, "s:p"),
	US_EXPORT(ExReinitializeResourceLite, DISPATCH_LEVEL, "s:p"),
	US_EXPORT(ExDeleteResourceLite, DISPATCH_LEVEL, "s:p"),
	US_EXPORT(ExAcquireResourceExclusiveLite, APC_LEVEL, "b:pb"),
	US_EXPORT(ExAcquireResourceSharedLite, APC_LEVEL, "b:pb"),
	US_EXPORT(ExAcquireSharedStarveExclusive, APC_LEVEL, "b:pb"),
	US_EXPORT(ExAcquireSharedWaitForExclusive, APC_LEVEL, "b:pb"),
	US_EXPORT(ExReleaseResourceLite, DISPATCH_LEVEL, "v:p"),
	US_EXPORT(ExReleaseResourceForThreadLite, DISPATCH_LEVEL, "v:pq"),
	US_EXPORT(ExConvertExclusiveToSharedLite, DISPATCH_LEVEL, "v:p"),
	US_EXPORT(ExEnterCriticalRegionAndAcquireResourceExclusive, APC_LEVEL, "p:p"),
	US_EXPORT(ExReleaseResourceAndLeaveCriticalRegion, DISPATCH_LEVEL, "v:p"),
	US_EXPORT(ExIsResourceAcquiredExclusiveLite, DISPATCH_LEVEL, "b:p"),
	US_EXPORT(ExIsResourceAcquiredSharedLite, DISPATCH_LEVEL, "u:p"),
	US_EXPORT(ExGetExclusiveWaiterCount, DISPATCH_LEVEL, "u:p"),
	US_EXPORT(ExGetSharedWaiterCount, DISPATCH_LEVEL, "u:p"),

	/* threads and processes */
	US_EXPORT(PsCreateSystemThread, PASSIVE_LEVEL, "S:pxppppp"),
	US_EXPORT(PsTerminateSystemThread, PASSIVE_LEVEL, "s:s"),
	US_EXPORT_AS("KeGetCurrentThread", us_ke_get_current_thread, HIGH_LEVEL, "p:"),
	US_EXPORT_AS("PsGetCurrentThread", us_ke_get_current_thread, HIGH_LEVEL, "p:"),
	US_EXPORT(PsGetCurrentThreadId, DISPATCH_LEVEL, "p:"),
	US_EXPORT(PsGetThreadId, DISPATCH_LEVEL, "p:p"),
	US_EXPORT_AS("PsIsSystemThread", us_ke_is_system_thread, DISPATCH_LEVEL, "b:p"),
	US_EXPORT_AS("PsGetCurrentProcess", IoGetCurrentProcess, DISPATCH_LEVEL, "p:"),
	US_EXPORT(IoGetCurrentProcess, DISPATCH_LEVEL, "p:"),
	US_EXPORT(PsGetCurrentProcessId, DISPATCH_LEVEL, "p:"),
	US_EXPORT_AS("PsGetProcessId", us_ke_get_process_id, DISPATCH_LEVEL, "p:p"),
	US_EXPORT(ExGetPreviousMode, HIGH_LEVEL, "b:"),
	US_EXPORT(KeSetPriorityThread, PASSIVE_LEVEL, "u:pu"),
	US_EXPORT(KeQueryPriorityThread, DISPATCH_LEVEL, "u:p"),
	US_EXPORT(KeSetBasePriorityThread, PASSIVE_LEVEL, "u:pu"),
	US_EXPORT(KeEnterCriticalRegion, APC_LEVEL, "v:"),
	US_EXPORT(KeLeaveCriticalRegion, APC_LEVEL, "v:"),
	US_EXPORT(KeEnterGuardedRegion, APC_LEVEL, "v:"),
	US_EXPORT(KeLeaveGuardedRegion, APC_LEVEL, "v:"),
	US_EXPORT(KeAreApcsDisabled, DISPATCH_LEVEL, "b:"),
	US_EXPORT(KeAreAllApcsDisabled, DISPATCH_LEVEL, "b:"),

	/* objects and handles */
	US_EXPORT(ObfReferenceObject, DISPATCH_LEVEL, "q:p"),
	US_EXPORT(ObfDereferenceObject, DISPATCH_LEVEL, "q:p"),
	US_EXPORT(ObReferenceObjectByPointer, DISPATCH_LEVEL, "s:pxpb"),
	US_EXPORT(ObReferenceObjectByHandle, PASSIVE_LEVEL, "s:pxpbpp"),
	US_EXPORT_AS("ObDereferenceObjectDeferDelete", ObfDereferenceObject, DISPATCH_LEVEL, "v:p"),
	US_EXPORT(ZwClose, PASSIVE_LEVEL, "s:p"),

	/* time, processors, IRQL */
	US_EXPORT_AS("KeQueryInterruptTime", us_ke_query_interrupt_time, HIGH_LEVEL, "q:"),
	US_EXPORT_AS("KeQueryInterruptTimePrecise", us_ke_query_interrupt_time_precise, HIGH_LEVEL, "q:p"),
	US_EXPORT(KeQueryUnbiasedInterruptTime, HIGH_LEVEL, "q:"),
	US_EXPORT_AS("KeQuerySystemTime", us_ke_query_system_time, HIGH_LEVEL, "v:p"),
	US_EXPORT_AS("KeQuerySystemTimePrecise", us_ke_query_system_time_precise, HIGH_LEVEL, "v:p"),
	US_EXPORT_AS("KeQueryTickCount", us_ke_query_tick_count, HIGH_LEVEL, "v:p"),
	US_EXPORT(KeQueryTimeIncrement, HIGH_LEVEL, "u:"),
	US_EXPORT(KeQueryActiveProcessorCount, DISPATCH_LEVEL, "u:p"),
	US_EXPORT(KeQueryActiveProcessorCountEx, HIGH_LEVEL, "u:u"),
	US_EXPORT(KeQueryActiveProcessors, HIGH_LEVEL, "q:"),
	US_EXPORT(KeQueryMaximumProcessorCount, HIGH_LEVEL, "u:"),
	US_EXPORT(KeQueryMaximumProcessorCountEx, HIGH_LEVEL, "u:u"),
	US_EXPORT(KeQueryActiveGroupCount, HIGH_LEVEL, "u:"),
	US_EXPORT(KeQueryMaximumGroupCount, HIGH_LEVEL, "u:"),
	US_EXPORT_AS("KeGetCurrentProcessorNumber", us_ke_get_current_processor_number, HIGH_LEVEL, "u:"),
	US_EXPORT(KeGetCurrentProcessorNumberEx, HIGH_LEVEL, "u:p"),
	US_EXPORT(KeGetProcessorNumberFromIndex, HIGH_LEVEL, "s:up"),
	US_EXPORT(KeGetProcessorIndexFromNumber, HIGH_LEVEL, "u:p"),
	US_EXPORT_AS("KeGetCurrentIrql", us_ke_get_current_irql, HIGH_LEVEL, "b:"),
	US_EXPORT_AS("KfRaiseIrql", us_ke_raise_irql, HIGH_LEVEL, "b:b"),
	US_EXPORT_AS("KeRaiseIrqlToDpcLevel", us_ke_raise_irql_to_dpc_level, HIGH_LEVEL, "b:"),
	US_EXPORT_AS("KeLowerIrql", us_ke_lower_irql, HIGH_LEVEL, "v:b"),

	/* the end, and debuggers */
	US_EXPORT(KeBugCheck, HIGH_LEVEL, "v:x"),
	US_EXPORT(KeBugCheckEx, HIGH_LEVEL, "v:xqqqq"),
	US_EXPORT(KeRegisterBugCheckCallback, HIGH_LEVEL, "b:pppup"),
	US_EXPORT(KeDeregisterBugCheckCallback, HIGH_LEVEL, "b:p"),
	US_EXPORT(KeRegisterBugCheckReasonCallback, HIGH_LEVEL, "b:ppup"),
	US_EXPORT(KeDeregisterBugCheckReasonCallback, HIGH_LEVEL, "b:p"),
	US_EXPORT_DATA("KdDebuggerEnabled", &debugger_enabled),
	US_EXPORT_DATA("KdDebuggerNotPresent", &debugger_not_present),
	US_EXPORT_END,
};

void us_nt_ke_init(void)
{
	us_nt->ke = us_nt_alloc(sizeof(*us_nt->ke));
	us_ob_init();
	InitializeListHead(&us_nt->ke->threads);
}

void us_nt_ke_check_free(const void *at, size_t size)
{
	us_ke_timer_check_free(at, size);
	us_ke_dpc_check_free(at, size);
	us_ke_resource_check_free(at, size);
}

size_t us_nt_ke_leaks(char *text, size_t size)
{
	size_t count = us_ke_thread_leaks(text, size);

	count += us_ke_timer_leaks(text, count ? 0 : size);
	count += us_ke_dpc_leaks(text, count ? 0 : size);
	if (us_nt->ke->resources.used && !count && size)
		snprintf(text, size, "an executive resource that is not deleted");
	count += us_nt->ke->resources.used;
	if (us_nt->ke->bugcheck_callbacks.used && !count && size)
		snprintf(text, size, "a bugcheck callback that is registered");
	return count + us_nt->ke->bugcheck_callbacks.used;
}
