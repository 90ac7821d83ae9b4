/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MDLs: what pages a buffer is made of. Source: Microsoft, "Using MDLs", and the pages of these functions. The pages of
 * the stage are always there, so that locking them is a matter of bookkeeping; but a driver that forgets it is found
 * out.
 */
#include "nt/mm.h"

#include "nt/kernel.h"
#include "nt/seh.h"

#define TAG 0x206c644d /* 'Mdl ' */
#define DESCRIBES_PAGES (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL)

SIZE_T NTAPI MmSizeOfMdl(PVOID base, SIZE_T length)
{
	return sizeof(MDL) + ((uintptr_t)base % US_NT_PAGE + length + US_NT_PAGE - 1) / US_NT_PAGE * sizeof(PFN_NUMBER);
}

static void initialise(PMDL mdl, PVOID base, SIZE_T length)
{
	*mdl = (MDL){
		.Size = (CSHORT)MmSizeOfMdl(base, length),
		.StartVa = (PVOID)((uintptr_t)base & ~(uintptr_t)(US_NT_PAGE - 1)),
		.ByteOffset = (ULONG)((uintptr_t)base % US_NT_PAGE),
		.ByteCount = (ULONG)length,
	};
}

PMDL NTAPI IoAllocateMdl(PVOID base, ULONG length, BOOLEAN secondary, BOOLEAN charge_quota, PIRP irp)
{
	PMDL mdl = us_nt_pool_alloc(MmSizeOfMdl(base, length), TAG), *link;

	(void)charge_quota;
	if (!mdl)
		return NULL;
	initialise(mdl, base, length);
	if (!irp)
		return mdl;
	link = &irp->MdlAddress;
	while (secondary && *link)
		link = &(*link)->Next;
	*link = mdl;
	return mdl;
}

static PMDL NTAPI driver_allocate(PVOID base, ULONG length, BOOLEAN secondary, BOOLEAN charge_quota, PIRP irp)
{
	PMDL mdl = IoAllocateMdl(base, length, secondary, charge_quota, irp);

	if (mdl && !irp) /* one that hangs on an IRP ends with it */
		us_nt_pool_give(mdl, us_nt_caller());
	return mdl;
}

/* A mapping of the MDL's own, not its parent's. */
static bool is_mapped(const MDL *mdl)
{
	return mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA && !(mdl->MdlFlags & MDL_PARENT_MAPPED_SYSTEM_VA);
}

void NTAPI IoFreeMdl(PMDL mdl)
{
	if (mdl->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED)
		MmUnmapLockedPages(mdl->MappedSystemVa, mdl);
	if (us_addresses_find(&us_nt->mm->pages, mdl))
		us_nt_bugcheck(
			0x1A, (uintptr_t)mdl, 0, 0, 0, "mdl.pages-not-freed",
			"IoFreeMdl: the MDL %p is one of MmAllocatePagesForMdl, which end by MmFreePagesFromMdl and "
			"ExFreePool",
			(void *)mdl);
	if (mdl->MdlFlags & MDL_PAGES_LOCKED)
		us_nt_bugcheck(0x1A, (uintptr_t)mdl, (uint64_t)mdl->MdlFlags, 0, 0, "mdl.freed-while-locked",
			       "IoFreeMdl: the pages of the MDL %p are still locked; MmUnlockPages comes first",
			       (void *)mdl);
	if (is_mapped(mdl))
		us_nt_bugcheck(0x1A, (uintptr_t)mdl, (uint64_t)mdl->MdlFlags, 0, 0, "mdl.freed-while-mapped",
			       "IoFreeMdl: the MDL %p is still mapped; MmUnmapLockedPages comes first", (void *)mdl);
	us_nt_pool_free(mdl);
}

/* -- the pages of a buffer ---------------------------------------------------------------------------------------- */

/* An MDL that describes no pages yet: what building and locking want. */
static void must_be_fresh(const MDL *mdl, const char *function)
{
	if (!(mdl->MdlFlags & (DESCRIBES_PAGES | MDL_MAPPED_TO_SYSTEM_VA)))
		return;
	us_nt_bugcheck(0x1A, (uintptr_t)mdl, (uint64_t)mdl->MdlFlags, 0, 0, "mdl.described-twice",
		       "%s: the MDL %p describes pages already (%s)", function, (const void *)mdl,
		       mdl->MdlFlags & MDL_PAGES_LOCKED ? "they are locked"
		       : mdl->MdlFlags & MDL_PARTIAL    ? "it is a part of another"
							: "of nonpaged memory");
}

static void fill(PMDL mdl)
{
	PPFN_NUMBER frames = MmGetMdlPfnArray(mdl);

	for (size_t i = 0, n = us_mdl_pages(mdl); i < n; i++)
		frames[i] = us_nt_physical((uint8_t *)mdl->StartVa + i * US_NT_PAGE) / US_NT_PAGE;
}

void NTAPI MmBuildMdlForNonPagedPool(PMDL mdl)
{
	void *base = MmGetMdlVirtualAddress(mdl);
	const struct us_space *space = us_nt_space_of(base);
	PPFN_NUMBER frames = MmGetMdlPfnArray(mdl);

	must_be_fresh(mdl, "MmBuildMdlForNonPagedPool");
	if (space && space->kind != US_SPACE_MEMORY) {
		for (size_t i = 0, n = us_mdl_pages(mdl); i < n; i++)
			frames[i] =
				(space->physical + (uint64_t)((uint8_t *)mdl->StartVa - space->at)) / US_NT_PAGE + i;
		mdl->MdlFlags |= MDL_IO_SPACE;
	} else if (!us_nt_is_mapped(base, mdl->ByteCount) || us_nt_window(base) == US_WINDOW_USER) {
		us_nt_bugcheck(0x1A, (uintptr_t)mdl, (uintptr_t)base, mdl->ByteCount, 0, "mdl.not-nonpaged",
			       "MmBuildMdlForNonPagedPool: %u bytes at %p are not all nonpaged memory", mdl->ByteCount,
			       base);
	} else
		fill(mdl);
	mdl->Process = NULL;
	mdl->MappedSystemVa = base;
	mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
}

NTSTATUS us_nt_probe_and_lock(PMDL mdl, KPROCESSOR_MODE mode, LOCK_OPERATION operation)
{
	void *base = MmGetMdlVirtualAddress(mdl);
	const bool writes = operation != IoReadAccess;

	must_be_fresh(mdl, "MmProbeAndLockPages");
	if (mode == UserMode && us_nt_window(base) != US_WINDOW_USER)
		return STATUS_ACCESS_VIOLATION;
	if (!(writes ? us_nt_is_writable(base, mdl->ByteCount) : us_nt_is_mapped(base, mdl->ByteCount)))
		return STATUS_ACCESS_VIOLATION;
	fill(mdl);
	mdl->MdlFlags = (CSHORT)((mdl->MdlFlags & ~MDL_WRITE_OPERATION) | MDL_PAGES_LOCKED |
				 (writes ? MDL_WRITE_OPERATION : 0));
	return STATUS_SUCCESS;
}

void NTAPI MmProbeAndLockPages(PMDL mdl, KPROCESSOR_MODE mode, LOCK_OPERATION operation)
{
	void *base = MmGetMdlVirtualAddress(mdl);
	NTSTATUS status = us_nt_probe_and_lock(mdl, mode, operation);

	if (NT_SUCCESS(status))
		return;
	us_seh_raise(status, "mdl.probe", "MmProbeAndLockPages: %u bytes at %p can not all be %s in %s mode", mdl->ByteCount,
		     base, operation == IoReadAccess ? "read" : "written", mode == UserMode ? "user" : "kernel");
}

void NTAPI MmUnlockPages(PMDL mdl)
{
	if (mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL)
		us_nt_bugcheck(0xC4, 0x7D, (uintptr_t)mdl, (uint64_t)mdl->MdlFlags, 0, "mdl.unlock-nonpaged",
			       "MmUnlockPages: the MDL %p describes nonpaged memory, which is never unlocked",
			       (void *)mdl);
	if (!(mdl->MdlFlags & MDL_PAGES_LOCKED))
		us_nt_bugcheck(0xC4, 0x7C, (uintptr_t)mdl, (uint64_t)mdl->MdlFlags, 0, "mdl.unlock-not-locked",
			       "MmUnlockPages: the pages of the MDL %p are not locked", (void *)mdl);
	if (is_mapped(mdl)) /* Windows does so */
		MmUnmapLockedPages(mdl->MappedSystemVa, mdl);
	mdl->MdlFlags &= ~(MDL_PAGES_LOCKED | MDL_WRITE_OPERATION);
}

static void NTAPI driver_lock(PMDL mdl, KPROCESSOR_MODE mode, LOCK_OPERATION operation)
{
	if (us_nt_irql() > APC_LEVEL && us_nt_window(MmGetMdlVirtualAddress(mdl)) == US_WINDOW_USER)
		us_nt_bugcheck(0xC4, 0x70, us_nt_irql(), (uintptr_t)mdl, (uint64_t)mode, "irql.probe",
			       "MmProbeAndLockPages of an application's memory at IRQL %u: at most APC_LEVEL will do, "
			       "as it is "
			       "pageable",
			       us_nt_irql());
	MmProbeAndLockPages(mdl, mode, operation);
	us_nt->mm->locked++;
}

static void NTAPI driver_unlock(PMDL mdl)
{
	MmUnlockPages(mdl);
	if (us_nt->mm->locked)
		us_nt->mm->locked--;
}

/* -- a part of another -------------------------------------------------------------------------------------------- */

void NTAPI IoBuildPartialMdl(PMDL source, PMDL target, PVOID base, ULONG length)
{
	uint8_t *begin = MmGetMdlVirtualAddress(source), *at = base;
	const size_t offset = (size_t)(at - begin), first = (size_t)((at - (uint8_t *)source->StartVa) / US_NT_PAGE);
	const SIZE_T room = us_nt_pool_is(target) ? us_nt_pool_size(target) : (USHORT)target->Size;

	if (at < begin || offset > source->ByteCount || length > source->ByteCount - offset)
		us_nt_bugcheck(
			0x1A, (uintptr_t)source, (uintptr_t)base, length, 0, "mdl.partial-outside",
			"IoBuildPartialMdl: %u bytes at %p are not all inside of the %u bytes at %p of the source",
			length, base, source->ByteCount, (void *)begin);
	if (!(source->MdlFlags & DESCRIBES_PAGES))
		us_nt_bugcheck(0x1A, (uintptr_t)source, (uint64_t)source->MdlFlags, 0, 0, "mdl.partial-of-nothing",
			       "IoBuildPartialMdl: the source %p describes no pages: it is neither locked nor built",
			       (void *)source);
	if (!length)
		length = source->ByteCount - (ULONG)offset;
	if (room < MmSizeOfMdl(base, length))
		us_nt_bugcheck(0x1A, (uintptr_t)target, room, MmSizeOfMdl(base, length), 0, "mdl.partial-too-small",
			       "IoBuildPartialMdl: the target %p has no room for the pages of %u bytes", (void *)target,
			       length);
	if (target->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED)
		us_nt_bugcheck(0x1A, (uintptr_t)target, 0, 0, 0, "mdl.partial-still-mapped",
			       "IoBuildPartialMdl: the target %p is still mapped; MmPrepareMdlForReuse comes first",
			       (void *)target);
	*target = (MDL){
		.Next = target->Next,
		.Size = target->Size,
		.MdlFlags = (CSHORT)(MDL_PARTIAL | (source->MdlFlags & (MDL_SOURCE_IS_NONPAGED_POOL |
									MDL_WRITE_OPERATION | MDL_IO_SPACE))),
		.Process = source->Process,
		.StartVa = (PVOID)((uintptr_t)base & ~(uintptr_t)(US_NT_PAGE - 1)),
		.ByteOffset = (ULONG)((uintptr_t)base % US_NT_PAGE),
		.ByteCount = length,
	};
	if (source->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)) {
		target->MappedSystemVa = (uint8_t *)source->MappedSystemVa + offset;
		target->MdlFlags |= MDL_PARENT_MAPPED_SYSTEM_VA | (source->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA);
	}
	memcpy(MmGetMdlPfnArray(target), MmGetMdlPfnArray(source) + first, us_mdl_pages(target) * sizeof(PFN_NUMBER));
}

const struct us_export us_nt_mdl_exports[] = {
	US_EXPORT_AS("IoAllocateMdl", driver_allocate, DISPATCH_LEVEL, "P:pubbp"),
	US_EXPORT(IoFreeMdl, DISPATCH_LEVEL, "v:p"),
	US_EXPORT(IoBuildPartialMdl, DISPATCH_LEVEL, "v:pppu"),
	US_EXPORT(MmSizeOfMdl, HIGH_LEVEL, "q:pq"),
	US_EXPORT(MmBuildMdlForNonPagedPool, DISPATCH_LEVEL, "v:p"),
	US_EXPORT_RAISES_AS("MmProbeAndLockPages", driver_lock, DISPATCH_LEVEL, "v:pbu"),
	US_EXPORT_AS("MmUnlockPages", driver_unlock, DISPATCH_LEVEL, "v:p"),
	US_EXPORT_END,
};
