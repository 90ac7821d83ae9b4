/* SPDX-License-Identifier: Apache-2.0 */
/* What drivers ask of clock and processors, and how they change their IRQL. */
#include "nt/ke.h"

#include "nt/clock.h"

/* -- time --------------------------------------------------------------------------------------------------------- */

ULONGLONG NTAPI us_ke_query_interrupt_time(void)
{
	return us_nt_interrupt_time();
}

/* *counter is the performance counter at that moment, which counts the same (hal). */
ULONGLONG NTAPI us_ke_query_interrupt_time_precise(PULONG64 counter)
{
	*counter = us_nt_precise_interrupt_time();
	return *counter;
}

ULONGLONG NTAPI KeQueryUnbiasedInterruptTime(void)
{
	return us_nt_interrupt_time();
}

void NTAPI us_ke_query_system_time(PLARGE_INTEGER time)
{
	time->QuadPart = (LONGLONG)us_nt_system_time();
}

void NTAPI us_ke_query_system_time_precise(PLARGE_INTEGER time)
{
	time->QuadPart = (LONGLONG)us_nt_precise_system_time();
}

void NTAPI us_ke_query_tick_count(PLARGE_INTEGER count)
{
	count->QuadPart = (LONGLONG)us_nt_tick_count();
}

ULONG NTAPI KeQueryTimeIncrement(void)
{
	return US_NT_TICK_NS / 100;
}

/* -- processors --------------------------------------------------------------------------------------------------- */

ULONG NTAPI KeQueryActiveProcessorCount(PKAFFINITY active)
{
	if (active)
		*active = KeQueryActiveProcessors();
	return us_nt_cpus();
}

KAFFINITY NTAPI KeQueryActiveProcessors(void)
{
	return ((KAFFINITY)1 << us_nt_cpus()) - 1;
}

ULONG NTAPI KeQueryActiveProcessorCountEx(USHORT group)
{
	return group == 0 || group == ALL_PROCESSOR_GROUPS ? us_nt_cpus() : 0;
}

ULONG NTAPI KeQueryMaximumProcessorCount(void)
{
	return us_nt_cpus();
}

ULONG NTAPI KeQueryMaximumProcessorCountEx(USHORT group)
{
	return KeQueryActiveProcessorCountEx(group);
}

USHORT NTAPI KeQueryActiveGroupCount(void)
{
	return 1;
}

USHORT NTAPI KeQueryMaximumGroupCount(void)
{
	return 1;
}

ULONG NTAPI us_ke_get_current_processor_number(void)
{
	return us_nt_cpu()->number;
}

ULONG NTAPI KeGetCurrentProcessorNumberEx(PPROCESSOR_NUMBER processor)
{
	if (processor)
		*processor = (PROCESSOR_NUMBER){.Number = (UCHAR)us_nt_cpu()->number};
	return us_nt_cpu()->number;
}

NTSTATUS NTAPI KeGetProcessorNumberFromIndex(ULONG index, PPROCESSOR_NUMBER processor)
{
	if (index >= us_nt_cpus())
		return STATUS_INVALID_PARAMETER;
	*processor = (PROCESSOR_NUMBER){.Number = (UCHAR)index};
	return STATUS_SUCCESS;
}

ULONG NTAPI KeGetProcessorIndexFromNumber(PPROCESSOR_NUMBER processor)
{
	if (processor->Group != 0 || processor->Number >= us_nt_cpus())
		return INVALID_PROCESSOR_INDEX;
	return processor->Number;
}

/* -- IRQL --------------------------------------------------------------------------------------------------------- */

KIRQL NTAPI us_ke_get_current_irql(void)
{
	return us_nt_irql();
}

KIRQL NTAPI us_ke_raise_irql(KIRQL irql)
{
	return us_nt_raise_irql(irql);
}

KIRQL NTAPI us_ke_raise_irql_to_dpc_level(void)
{
	return us_nt_raise_irql(DISPATCH_LEVEL);
}

void NTAPI us_ke_lower_irql(KIRQL irql)
{
	us_nt_lower_irql(irql);
}

/* -- the end ------------------------------------------------------------------------------------------------------ */

void NTAPI KeBugCheckEx(ULONG code, ULONG_PTR p1, ULONG_PTR p2, ULONG_PTR p3, ULONG_PTR p4)
{
	us_nt_bugcheck(code, p1, p2, p3, p4, "driver.bugcheck",
		       "the driver stopped the system: KeBugCheckEx(0x%X, 0x%llx, 0x%llx, 0x%llx, 0x%llx)",
		       (unsigned)code, (unsigned long long)p1, (unsigned long long)p2, (unsigned long long)p3,
		       (unsigned long long)p4);
}

void NTAPI KeBugCheck(ULONG code)
{
	KeBugCheckEx(code, 0, 0, 0, 0);
}

/*
 * Callbacks of a bugcheck write to the crash dump, and a run that ends so has none: they are kept, so that what is
 * registered twice or never taken back is found out, and are not called.
 */
static bool is_registered(const void *record)
{
	return us_addresses_find(&us_nt->ke->bugcheck_callbacks, record);
}

static BOOLEAN add_callback(void *record)
{
	if (is_registered(record))
		return FALSE;
	us_addresses_add(&us_nt->ke->bugcheck_callbacks, record, record);
	return TRUE;
}

static BOOLEAN remove_callback(void *record)
{
	if (!is_registered(record))
		return FALSE;
	us_addresses_remove(&us_nt->ke->bugcheck_callbacks, record);
	return TRUE;
}

BOOLEAN NTAPI KeRegisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD record,
					       PKBUGCHECK_REASON_CALLBACK_ROUTINE routine,
					       KBUGCHECK_CALLBACK_REASON reason, PUCHAR component)
{
	if (!add_callback(record))
		return FALSE;
	record->CallbackRoutine = routine;
	record->Reason = reason;
	record->Component = component;
	record->State = 1; /* BufferInserted */
	return TRUE;
}

BOOLEAN NTAPI KeDeregisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD record)
{
	if (!remove_callback(record))
		return FALSE;
	record->State = 0;
	return TRUE;
}

BOOLEAN NTAPI KeRegisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD record, PKBUGCHECK_CALLBACK_ROUTINE routine,
					 PVOID buffer, ULONG length, PUCHAR component)
{
	if (!add_callback(record))
		return FALSE;
	record->CallbackRoutine = routine;
	record->Buffer = buffer;
	record->Length = length;
	record->Component = component;
	record->State = 1;
	return TRUE;
}

BOOLEAN NTAPI KeDeregisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD record)
{
	if (!remove_callback(record))
		return FALSE;
	record->State = 0;
	return TRUE;
}
