/* SPDX-License-Identifier: Apache-2.0 */
/* DPC objects, on the scheduler's queues. Microsoft, "Introduction to DPC Objects", "KeInsertQueueDpc",
 * "KeSetImportanceDpc". */
#include "nt/ke.h"

#define DPC_OBJECT 19 /* KDPC.Type */
#define TARGETED 0x500 /* KDPC.Number: the processor's number lies on top of it; 0: any */

void NTAPI KeInitializeDpc(PRKDPC dpc, PKDEFERRED_ROUTINE routine, PVOID context)
{
	*dpc = (KDPC){
		.Type = DPC_OBJECT,
		.Importance = MediumImportance,
		.DeferredRoutine = routine,
		.DeferredContext = context,
	};
}

static void check(const KDPC *dpc, const char *function)
{
	if (!dpc || dpc->Type != DPC_OBJECT)
		us_nt_bugcheck(0xC7, 1, (uintptr_t)dpc, 0, 0, "dpc.uninitialized",
			       "%s was called for a DPC object %s that was never initialized or was overwritten",
			       function, dpc ? us_nt_where(dpc) : "at NULL");
}

bool us_nt_insert_dpc(PKDPC dpc, PVOID argument1, PVOID argument2, struct us_cpu *cpu)
{
	check(dpc, "KeInsertQueueDpc");
	if (dpc->DpcData)
		return false;
	dpc->SystemArgument1 = argument1;
	dpc->SystemArgument2 = argument2;
	if (dpc->Number >= TARGETED)
		cpu = us_nt_cpu_of(dpc->Number - TARGETED);
	us_nt_queue_dpc(cpu, dpc, dpc->Importance == HighImportance);
	return true;
}

BOOLEAN NTAPI KeInsertQueueDpc(PRKDPC dpc, PVOID argument1, PVOID argument2)
{
	return us_nt_insert_dpc(dpc, argument1, argument2, NULL);
}

BOOLEAN NTAPI KeRemoveQueueDpc(PRKDPC dpc)
{
	check(dpc, "KeRemoveQueueDpc");
	return us_nt_unqueue_dpc(dpc);
}

void NTAPI KeSetImportanceDpc(PRKDPC dpc, KDPC_IMPORTANCE importance)
{
	check(dpc, "KeSetImportanceDpc");
	dpc->Importance = (UCHAR)importance;
}

void NTAPI KeSetTargetProcessorDpc(PRKDPC dpc, CCHAR number)
{
	check(dpc, "KeSetTargetProcessorDpc");
	if (number < 0 || (unsigned)number >= us_nt_cpus())
		us_nt_bugcheck(0xC4, 0, (uintptr_t)dpc, (unsigned)number, us_nt_cpus(), "dpc.processor",
			       "KeSetTargetProcessorDpc was called with processor %d; there are %u", number,
			       us_nt_cpus());
	dpc->Number = (USHORT)(TARGETED + number);
}

NTSTATUS NTAPI KeSetTargetProcessorDpcEx(PKDPC dpc, PPROCESSOR_NUMBER processor)
{
	check(dpc, "KeSetTargetProcessorDpcEx");
	if (processor->Group != 0 || processor->Number >= us_nt_cpus() || processor->Reserved != 0)
		return STATUS_INVALID_PARAMETER;
	dpc->Number = (USHORT)(TARGETED + processor->Number);
	return STATUS_SUCCESS;
}

void NTAPI KeFlushQueuedDpcs(void)
{
	us_nt_flush_dpcs();
}

size_t us_ke_dpc_leaks(char *text, size_t size)
{
	size_t count = 0;

	for (unsigned i = 0; i < us_nt_cpus(); i++) {
		const LIST_ENTRY *head = &us_nt_cpu_of(i)->dpcs;

		for (const LIST_ENTRY *entry = head->Flink; entry != head; entry = entry->Flink)
			if (count++ == 0 && size)
				snprintf(text, size, "a DPC that is queued, %s (KeFlushQueuedDpcs comes before)",
					 us_nt_where(CONTAINING_RECORD(entry, KDPC, DpcListEntry)));
	}
	return count;
}

void us_ke_dpc_check_free(const void *at, size_t size)
{
	for (unsigned i = 0; i < us_nt_cpus(); i++) {
		const LIST_ENTRY *head = &us_nt_cpu_of(i)->dpcs;

		for (const LIST_ENTRY *entry = head->Flink; entry != head; entry = entry->Flink) {
			const KDPC *dpc = CONTAINING_RECORD(entry, KDPC, DpcListEntry);

			if ((uintptr_t)dpc - (uintptr_t)at < size)
				us_nt_bugcheck(0xC7, 1, (uintptr_t)dpc, (uintptr_t)at, size, "dpc.freed",
					       "memory was freed in which a DPC object that is queued lies (%s); "
					       "KeRemoveQueueDpc "
					       "or KeFlushQueuedDpcs come before",
					       us_nt_where(dpc));
		}
	}
}
