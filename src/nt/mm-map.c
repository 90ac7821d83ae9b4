/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of MDLs, mapped a second time; and MDLs with pages of their own. Source: Microsoft's pages of these functions.
 */
#include "nt/mm.h"

#include "nt/kernel.h"

#define TAG 0x206c644d /* 'Mdl ' */

#ifndef MM_DONT_ZERO_ALLOCATION
#define MM_DONT_ZERO_ALLOCATION 0x1
#endif
#ifndef MM_ALLOCATE_FULLY_REQUIRED
#define MM_ALLOCATE_FULLY_REQUIRED 0x4
#endif

static PVOID map_for_user(PMDL mdl, PVOID wanted)
{
	uint8_t *at;

	if (wanted)
		us_nt_unsupported("MmMapLockedPagesSpecifyCache at an address that the driver chooses (%p)", wanted);
	if (us_nt_irql() > APC_LEVEL)
		us_nt_bugcheck(0xC4, 0x77, us_nt_irql(), (uintptr_t)mdl, UserMode, "irql.map-user",
			       "MmMapLockedPagesSpecifyCache into an application at IRQL %u: at most APC_LEVEL will do",
			       us_nt_irql());
	at = us_nt_map_physical(US_WINDOW_USER, (const uint64_t *)MmGetMdlPfnArray(mdl), us_mdl_pages(mdl));
	return at ? at + mdl->ByteOffset : NULL;
}

PVOID NTAPI MmMapLockedPagesSpecifyCache(PMDL mdl, KPROCESSOR_MODE mode, MEMORY_CACHING_TYPE cache, PVOID wanted,
					 ULONG bugcheck_on_failure, MM_PAGE_PRIORITY priority)
{
	uint8_t *at;

	(void)cache;
	(void)priority;
	if (!(mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_PARTIAL | MDL_SOURCE_IS_NONPAGED_POOL)))
		us_nt_bugcheck(0x1A, (uintptr_t)mdl, (uint64_t)mdl->MdlFlags, 0, 0, "mdl.map-not-locked",
			       "the MDL %p is mapped without its pages being locked", (void *)mdl);
	if (mdl->MdlFlags & MDL_IO_SPACE)
		us_nt_unsupported("a second mapping of the device's registers (MmMapLockedPagesSpecifyCache)");
	if (mode == UserMode)
		return map_for_user(mdl, wanted);
	if (mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL))
		us_nt_bugcheck(0x1A, (uintptr_t)mdl, (uint64_t)mdl->MdlFlags, 0, 0, "mdl.map-twice",
			       "the MDL %p has a system address already; MmGetSystemAddressForMdlSafe gives it",
			       (void *)mdl);
	at = us_nt_map_physical(US_WINDOW_SYSTEM, (const uint64_t *)MmGetMdlPfnArray(mdl), us_mdl_pages(mdl));
	if (!at && bugcheck_on_failure)
		us_nt_bugcheck(0x3F, 0, us_mdl_pages(mdl), 0, 0, "mdl.no-addresses",
			       "no system addresses are left for the %zu pages of the MDL %p", us_mdl_pages(mdl),
			       (void *)mdl);
	if (!at)
		return NULL;
	mdl->MappedSystemVa = at + mdl->ByteOffset;
	mdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA | (mdl->MdlFlags & MDL_PARTIAL ? MDL_PARTIAL_HAS_BEEN_MAPPED : 0);
	return mdl->MappedSystemVa;
}

PVOID NTAPI MmMapLockedPages(PMDL mdl, KPROCESSOR_MODE mode)
{
	return MmMapLockedPagesSpecifyCache(mdl, mode, MmCached, NULL, TRUE, HighPagePriority);
}

void NTAPI MmUnmapLockedPages(PVOID base, PMDL mdl)
{
	uint8_t *page = (uint8_t *)base - mdl->ByteOffset;
	const bool of_user = us_nt_window(base) == US_WINDOW_USER;

	if (!of_user && (!(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) || mdl->MdlFlags & MDL_PARENT_MAPPED_SYSTEM_VA ||
			 base != mdl->MappedSystemVa))
		us_nt_bugcheck(0x1A, (uintptr_t)mdl, (uintptr_t)base, (uint64_t)mdl->MdlFlags, 0,
			       "mdl.unmap-not-mapped", "MmUnmapLockedPages: %p is not where the MDL %p is mapped", base,
			       (void *)mdl);
	if (us_nt_allocation(page) != us_mdl_pages(mdl))
		us_nt_bugcheck(0x1A, (uintptr_t)mdl, (uintptr_t)base, us_mdl_pages(mdl), us_nt_allocation(page),
			       "mdl.unmap-changed",
			       "MmUnmapLockedPages: no mapping of %zu pages begins at %p: the MDL %p was "
			       "changed since it was mapped",
			       us_mdl_pages(mdl), (void *)page, (void *)mdl);
	us_nt_unmap_physical(page, us_mdl_pages(mdl));
	if (of_user)
		return;
	mdl->MappedSystemVa = NULL;
	mdl->MdlFlags &= ~(MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED);
}

/* -- pages of their own ------------------------------------------------------------------------------------------- */

PMDL NTAPI MmAllocatePagesForMdlEx(PHYSICAL_ADDRESS low, PHYSICAL_ADDRESS high, PHYSICAL_ADDRESS skip, SIZE_T bytes,
				   MEMORY_CACHING_TYPE cache, ULONG flags)
{
	const size_t wanted = (bytes + US_NT_PAGE - 1) / US_NT_PAGE;
	size_t count = 0;
	PPFN_NUMBER frames;
	PMDL mdl;

	(void)cache;
	if (flags & ~(MM_DONT_ZERO_ALLOCATION | MM_ALLOCATE_FULLY_REQUIRED) || skip.QuadPart)
		us_nt_unsupported("MmAllocatePagesForMdlEx with flags 0x%x, skipping 0x%llx bytes", flags,
				  (unsigned long long)skip.QuadPart);
	if (!wanted || bytes > UINT32_MAX - US_NT_PAGE || !(mdl = us_nt_pool_alloc(MmSizeOfMdl(NULL, bytes), TAG)))
		return NULL;
	frames = MmGetMdlPfnArray(mdl);
	while (count < wanted &&
	       (frames[count] = us_nt_page((uint64_t)low.QuadPart, (uint64_t)high.QuadPart)) != UINT64_MAX)
		count++;
	*mdl = (MDL){.Size = (CSHORT)MmSizeOfMdl(NULL, bytes),
		     .MdlFlags = MDL_PAGES_LOCKED,
		     .ByteCount = (ULONG)(count < wanted ? count * US_NT_PAGE : bytes)};
	us_addresses_add(&us_nt->mm->pages, mdl, mdl);
	us_nt->mm->npages++;
	if (!count || (count < wanted && flags & MM_ALLOCATE_FULLY_REQUIRED)) {
		MmFreePagesFromMdl(mdl);
		us_nt_pool_free(mdl);
		return NULL;
	}
	return mdl;
}

PMDL NTAPI MmAllocatePagesForMdl(PHYSICAL_ADDRESS low, PHYSICAL_ADDRESS high, PHYSICAL_ADDRESS skip, SIZE_T bytes)
{
	return MmAllocatePagesForMdlEx(low, high, skip, bytes, MmCached, 0);
}

void NTAPI MmFreePagesFromMdl(PMDL mdl)
{
	if (!us_addresses_find(&us_nt->mm->pages, mdl))
		us_nt_bugcheck(0x1A, (uintptr_t)mdl, 0, 0, 0, "mdl.pages-not-its-own",
			       "MmFreePagesFromMdl: the MDL %p has no pages of MmAllocatePagesForMdl, or not any more",
			       (void *)mdl);
	if (mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA)
		us_nt_bugcheck(0x1A, (uintptr_t)mdl, (uint64_t)mdl->MdlFlags, 0, 0, "mdl.freed-while-mapped",
			       "MmFreePagesFromMdl: the MDL %p is still mapped; MmUnmapLockedPages comes first",
			       (void *)mdl);
	us_addresses_remove(&us_nt->mm->pages, mdl);
	us_nt->mm->npages--;
	for (size_t i = 0, n = us_mdl_pages(mdl); i < n; i++)
		us_nt_page_free(MmGetMdlPfnArray(mdl)[i]);
	mdl->MdlFlags &= ~MDL_PAGES_LOCKED;
	mdl->ByteCount = 0;
}

static PMDL NTAPI driver_pages_ex(PHYSICAL_ADDRESS low, PHYSICAL_ADDRESS high, PHYSICAL_ADDRESS skip, SIZE_T bytes,
				  MEMORY_CACHING_TYPE cache, ULONG flags)
{
	PMDL mdl = MmAllocatePagesForMdlEx(low, high, skip, bytes, cache, flags);

	if (mdl)
		us_nt_pool_give(mdl, us_nt_caller());
	return mdl;
}

static PMDL NTAPI driver_pages(PHYSICAL_ADDRESS low, PHYSICAL_ADDRESS high, PHYSICAL_ADDRESS skip, SIZE_T bytes)
{
	return driver_pages_ex(low, high, skip, bytes, MmCached, 0);
}

const struct us_export us_nt_map_exports[] = {
	US_EXPORT(MmMapLockedPagesSpecifyCache, DISPATCH_LEVEL, "P:pbupuu"),
	US_EXPORT(MmMapLockedPages, DISPATCH_LEVEL, "p:pb"),
	US_EXPORT(MmUnmapLockedPages, DISPATCH_LEVEL, "v:pp"),
	US_EXPORT_AS("MmAllocatePagesForMdl", driver_pages, DISPATCH_LEVEL, "P:qqqq"),
	US_EXPORT_AS("MmAllocatePagesForMdlEx", driver_pages_ex, DISPATCH_LEVEL, "P:qqqqux"),
	US_EXPORT(MmFreePagesFromMdl, DISPATCH_LEVEL, "v:p"),
	US_EXPORT_END,
};
