/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists that several processors use at once: sequenced ones (SLIST), interlocked ones, and lookaside lists. All of it
 * is atomic as it stands; the interlocked functions still wait for a spin lock that another processor holds. Microsoft,
 * "Singly and Doubly Linked Lists", "Using Lookaside Lists".
 */
#include "nt/ex.h"

/* -- sequenced lists ---------------------------------------------------------------------------------------------- */

static PSLIST_ENTRY first_of(const SLIST_HEADER *head)
{
	return (PSLIST_ENTRY)(uintptr_t)(head->HeaderX64.NextEntry << 4);
}

static void set_first(PSLIST_HEADER head, PSLIST_ENTRY entry, int change)
{
	head->HeaderX64.NextEntry = (uintptr_t)entry >> 4;
	head->HeaderX64.Depth = (USHORT)(head->HeaderX64.Depth + change);
	head->HeaderX64.Sequence++;
}

void NTAPI us_ex_slist_init(PSLIST_HEADER head)
{
	head->Alignment = 0;
	head->Region = 0;
	head->HeaderX64.HeaderType = 1;
}

static void check_aligned(const void *what, const char *function)
{
	if ((uintptr_t)what & 15)
		us_nt_bugcheck(
			0x80000002, (uintptr_t)what, us_nt_irql(), 0, 0, "slist.alignment",
			"%s was called for %p (%s): heads and entries of sequenced lists are aligned to 16 bytes",
			function, what, us_nt_where(what));
}

PSLIST_ENTRY NTAPI us_ex_slist_push(PSLIST_HEADER head, PSLIST_ENTRY entry)
{
	PSLIST_ENTRY old = first_of(head);

	check_aligned(head, "InterlockedPushEntrySList");
	check_aligned(entry, "InterlockedPushEntrySList");
	entry->Next = old;
	set_first(head, entry, 1);
	return old;
}

PSLIST_ENTRY NTAPI us_ex_slist_pop(PSLIST_HEADER head)
{
	PSLIST_ENTRY entry = first_of(head);

	check_aligned(head, "InterlockedPopEntrySList");
	if (entry)
		set_first(head, entry->Next, -1);
	return entry;
}

PSLIST_ENTRY NTAPI us_ex_slist_flush(PSLIST_HEADER head)
{
	PSLIST_ENTRY entry = first_of(head);

	check_aligned(head, "InterlockedFlushSList");
	if (entry)
		set_first(head, NULL, -(int)head->HeaderX64.Depth);
	return entry;
}

USHORT NTAPI us_ex_slist_depth(PSLIST_HEADER head)
{
	return (USHORT)head->HeaderX64.Depth;
}

/* -- interlocked lists: callable at any IRQL, with a spin lock that is used for nothing else ---------------------- */

/* Has the lock for a moment: what is done before the next scheduling point is done under it. */
static void pass(PKSPIN_LOCK lock)
{
	KIRQL old = us_nt_raise_irql(HIGH_LEVEL);

	us_nt_spin_lock(lock);
	us_nt_spin_unlock(lock);
	us_nt_cpu()->irql = old; /* not us_nt_lower_irql(): that is a point */
}

PLIST_ENTRY NTAPI ExInterlockedInsertHeadList(PLIST_ENTRY head, PLIST_ENTRY entry, PKSPIN_LOCK lock)
{
	PLIST_ENTRY first;

	pass(lock);
	first = IsListEmpty(head) ? NULL : head->Flink;
	InsertHeadList(head, entry);
	return first;
}

PLIST_ENTRY NTAPI ExInterlockedInsertTailList(PLIST_ENTRY head, PLIST_ENTRY entry, PKSPIN_LOCK lock)
{
	PLIST_ENTRY last;

	pass(lock);
	last = IsListEmpty(head) ? NULL : head->Blink;
	InsertTailList(head, entry);
	return last;
}

PLIST_ENTRY NTAPI ExInterlockedRemoveHeadList(PLIST_ENTRY head, PKSPIN_LOCK lock)
{
	pass(lock);
	return IsListEmpty(head) ? NULL : RemoveHeadList(head);
}

PSINGLE_LIST_ENTRY NTAPI ExInterlockedPopEntryList(PSINGLE_LIST_ENTRY head, PKSPIN_LOCK lock)
{
	PSINGLE_LIST_ENTRY entry;

	pass(lock);
	entry = head->Next;
	if (entry)
		head->Next = entry->Next;
	return entry;
}

PSINGLE_LIST_ENTRY NTAPI ExInterlockedPushEntryList(PSINGLE_LIST_ENTRY head, PSINGLE_LIST_ENTRY entry, PKSPIN_LOCK lock)
{
	PSINGLE_LIST_ENTRY old;

	pass(lock);
	old = head->Next;
	entry->Next = old;
	head->Next = entry;
	return old;
}

LARGE_INTEGER NTAPI ExInterlockedAddLargeInteger(PLARGE_INTEGER addend, LARGE_INTEGER increment, PKSPIN_LOCK lock)
{
	LARGE_INTEGER old;

	pass(lock);
	old = *addend;
	addend->QuadPart = (LONGLONG)((ULONGLONG)old.QuadPart + (ULONGLONG)increment.QuadPart);
	return old;
}

ULONG NTAPI ExInterlockedAddUlong(PULONG addend, ULONG increment, PKSPIN_LOCK lock)
{
	ULONG old;

	pass(lock);
	old = *addend;
	*addend = old + increment;
	return old;
}

/* -- lookaside lists ---------------------------------------------------------------------------------------------- */

/*
 * Their depth is 0, so that what is given back goes to the pool at once, as under Driver Verifier: a piece that is used
 * after it was given back is found out. The driver calls Allocate and Free itself (its headers inline that), so these
 * are gates.
 */
static void initialize(GENERAL_LOOKASIDE_POOL *list, POOL_TYPE type, SIZE_T size, ULONG tag)
{
	us_ex_slist_init(&list->ListHead);
	list->Depth = 0;
	list->MaximumDepth = 256;
	list->TotalAllocates = list->AllocateMisses = list->TotalFrees = list->FreeMisses = 0;
	list->Type = type;
	list->Tag = tag;
	list->Size = (ULONG)(size < sizeof(SLIST_ENTRY) ? sizeof(SLIST_ENTRY) : size);
	list->LastTotalAllocates = list->LastAllocateMisses = 0;
	InitializeListHead(&list->ListEntry);
}

static void *import(const char *name)
{
	return us_nt_gate(us_nt_find_export("ntoskrnl.exe", name));
}

static void initialize_plain(GENERAL_LOOKASIDE *list, PALLOCATE_FUNCTION allocate, PFREE_FUNCTION free, POOL_TYPE type,
			     SIZE_T size, ULONG tag)
{
	initialize((GENERAL_LOOKASIDE_POOL *)list, type, size, tag);
	list->Allocate = allocate ? allocate : (PALLOCATE_FUNCTION)(uintptr_t)import("ExAllocatePoolWithTag");
	list->Free = free ? free : (PFREE_FUNCTION)(uintptr_t)import("ExFreePool");
}

/* With the depth 0 a list is empty unless a driver pushed to it itself. */
static void delete_plain(GENERAL_LOOKASIDE *list)
{
	PSLIST_ENTRY entry;

	while ((entry = us_ex_slist_pop(&list->ListHead)))
		US_CALL_VOID("a lookaside list's Free", list->Free, entry);
}

void NTAPI ExInitializeNPagedLookasideList(PNPAGED_LOOKASIDE_LIST list, PALLOCATE_FUNCTION allocate,
					   PFREE_FUNCTION free, ULONG flags, SIZE_T size, ULONG tag, USHORT depth)
{
	(void)depth; /* reserved */
	initialize_plain(&list->L, allocate, free, (POOL_TYPE)(NonPagedPool | flags), size, tag);
}

void NTAPI ExDeleteNPagedLookasideList(PNPAGED_LOOKASIDE_LIST list)
{
	delete_plain(&list->L);
}

void NTAPI ExInitializePagedLookasideList(PPAGED_LOOKASIDE_LIST list, PALLOCATE_FUNCTION allocate, PFREE_FUNCTION free,
					  ULONG flags, SIZE_T size, ULONG tag, USHORT depth)
{
	(void)depth;
	initialize_plain(&list->L, allocate, free, (POOL_TYPE)(PagedPool | flags), size, tag);
}

void NTAPI ExDeletePagedLookasideList(PPAGED_LOOKASIDE_LIST list)
{
	delete_plain(&list->L);
}

static PVOID NTAPI allocate_ex(POOL_TYPE type, SIZE_T size, ULONG tag, PLOOKASIDE_LIST_EX list)
{
	(void)list;
	return ExAllocatePoolWithTag(type, size, tag);
}

static void NTAPI free_ex(PVOID piece, PLOOKASIDE_LIST_EX list)
{
	(void)list;
	ExFreePoolWithTag(piece, 0);
}

static const struct us_export allocate_ex_export = US_EXPORT_FAILS_BY(us_ex_no_pool, "a lookaside list's Allocate",
								      allocate_ex, DISPATCH_LEVEL, "P:uqxp"),
			      free_ex_export = US_EXPORT_AS("a lookaside list's Free", free_ex, DISPATCH_LEVEL, "v:pp");

NTSTATUS NTAPI ExInitializeLookasideListEx(PLOOKASIDE_LIST_EX list, PALLOCATE_FUNCTION_EX allocate,
					   PFREE_FUNCTION_EX free, POOL_TYPE type, ULONG flags, SIZE_T size, ULONG tag,
					   USHORT depth)
{
	if (depth != 0)
		return STATUS_INVALID_PARAMETER_8;
	if (flags & ~(ULONG)(EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL | EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE) ||
	    flags == (EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL | EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE))
		return STATUS_INVALID_PARAMETER_5;
	if (flags & EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL)
		type = (POOL_TYPE)(type | POOL_RAISE_IF_ALLOCATION_FAILURE);
	initialize(&list->L, type, size, tag);
	list->L.AllocateEx = allocate ? allocate : (PALLOCATE_FUNCTION_EX)(uintptr_t)us_nt_gate(&allocate_ex_export);
	list->L.FreeEx = free ? free : (PFREE_FUNCTION_EX)(uintptr_t)us_nt_gate(&free_ex_export);
	return STATUS_SUCCESS;
}

void NTAPI ExFlushLookasideListEx(PLOOKASIDE_LIST_EX list)
{
	PSLIST_ENTRY entry;

	while ((entry = us_ex_slist_pop(&list->L.ListHead)))
		US_CALL_VOID("a lookaside list's Free", list->L.FreeEx, entry, list);
}

void NTAPI ExDeleteLookasideListEx(PLOOKASIDE_LIST_EX list)
{
	ExFlushLookasideListEx(list);
}
