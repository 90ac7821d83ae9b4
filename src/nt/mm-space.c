/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device's memory space, contiguous memory, and addresses.
 *
 * A BAR is mapped by the physical address that it has in config space. On a function in virtual time each access to it
 * is a trap; otherwise (kernel VFIO) what can be mapped is mapped. Windows would map any address; since there is
 * nothing behind others, a driver that asks for one has it from nowhere it should, and that ends the run.
 */
#include "nt/mm.h"

#include <inttypes.h>
#include <linux/pci_regs.h>

#include "nt/kernel.h"
#include "nt/sched.h"
#include "nt/trace.h"
#include "nt/trap.h"

struct us_contiguous_piece {
	size_t pages;
	uint64_t caller;
};

/* -- where the BARs are ------------------------------------------------------------------------------------------- */

static uint64_t bar_address(unsigned i)
{
	uint64_t low, high = 0;

	if (!us_nt->info->region[i].size || us_nt->info->region[i].flags & US_REGION_IO ||
	    us_fn_read(us_nt->fn, US_REGION_CONFIG, PCI_BASE_ADDRESS_0 + 4 * i, 4, &low))
		return 0;
	if (us_nt->info->region[i].flags & US_REGION_MEM64 &&
	    us_fn_read(us_nt->fn, US_REGION_CONFIG, PCI_BASE_ADDRESS_0 + 4 * i + 4, 4, &high))
		return 0;
	return high << 32 | (low & ~UINT64_C(0xf));
}

/* A function that is gone answers all ones: the system still knows where its BARs were. */
void us_nt_mm_look_at_bars(void)
{
	uint64_t vendor;

	if (us_fn_read(us_nt->fn, US_REGION_CONFIG, PCI_VENDOR_ID, 2, &vendor) || vendor == 0xffff)
		return;
	for (unsigned i = 0; i < US_BARS; i++)
		us_nt->mm->bar[i] = bar_address(i);
}

/* Whole pages: a BAR that is smaller has its page for itself. */
static uint64_t bar_size(unsigned i)
{
	return (us_nt->info->region[i].size + US_NT_PAGE - 1) & ~(uint64_t)(US_NT_PAGE - 1);
}

static int bar_of(uint64_t physical)
{
	for (unsigned i = 0; i < US_BARS; i++) {
		const uint64_t bar = us_nt->mm->bar[i] & ~(uint64_t)(US_NT_PAGE - 1);

		if (us_nt->mm->bar[i] && physical >= bar && physical - bar < bar_size(i))
			return (int)i;
	}
	return -1;
}

/* -- memory space ------------------------------------------------------------------------------------------------- */

static bool map_bar(struct us_space *space, unsigned bar)
{
	const uint64_t offset = space->physical - (us_nt->mm->bar[bar] & ~(uint64_t)(US_NT_PAGE - 1));

	if (space->size > bar_size(bar) - offset)
		us_nt_bugcheck(0x1A, space->physical, space->size, bar, us_nt->mm->bar[bar], "io-space.beyond-bar",
			       "MmMapIoSpace: 0x%zx bytes at 0x%" PRIx64 " run past the end of BAR%u, 0x%" PRIx64
			       " bytes at 0x%" PRIx64,
			       space->size, space->physical, bar, us_nt->info->region[bar].size, us_nt->mm->bar[bar]);
	space->kind = US_SPACE_BAR;
	space->at = us_nt_trap_map(bar, offset, space->size);
	return space->at != NULL;
}

static bool map_memory(struct us_space *space)
{
	if (!us_nt_linear(space->physical))
		us_nt_bugcheck(0x1A, space->physical, space->size, 0, 0, "io-space.nothing-there",
			       "MmMapIoSpace: at physical address 0x%" PRIx64
			       " there is neither memory nor one of the device's "
			       "BARs; the translated resources say where those are",
			       space->physical);
	space->kind = US_SPACE_MEMORY;
	space->at = us_nt_map_contiguous(space->physical, space->size / US_NT_PAGE);
	return space->at != NULL;
}

static PVOID map(uint64_t physical, SIZE_T bytes)
{
	const uint64_t offset = physical % US_NT_PAGE;
	struct us_space *space;
	int bar;

	if (!bytes || bytes > US_NT_WINDOW_SIZE)
		us_nt_bugcheck(0x1A, physical, bytes, 0, 0, "io-space.size", "MmMapIoSpace of %llu bytes at 0x%" PRIx64,
			       (unsigned long long)bytes, physical);
	us_nt_mm_look_at_bars();
	space = us_nt_alloc(sizeof *space);
	space->physical = physical - offset;
	space->size = (offset + bytes + US_NT_PAGE - 1) & ~(size_t)(US_NT_PAGE - 1);
	bar = bar_of(physical);
	if (!(bar < 0 ? map_memory(space) : map_bar(space, (unsigned)bar))) {
		us_nt_free(space);
		return NULL;
	}
	us_addresses_add(&us_nt->mm->spaces, space->at, space);
	space->next = us_nt->mm->first_space;
	us_nt->mm->first_space = space;
	us_nt->mm->nspaces++;
	space->caller = us_nt_caller();
	if (bar >= 0)
		us_nt_trace("note      BAR%d+0x%" PRIx64 " is mapped, 0x%zx bytes", bar, physical - us_nt->mm->bar[bar],
			    space->size);
	return space->at + offset;
}

PVOID NTAPI MmMapIoSpace(PHYSICAL_ADDRESS physical, SIZE_T bytes, MEMORY_CACHING_TYPE cache)
{
	(void)cache;
	return map((uint64_t)physical.QuadPart, bytes);
}

/* Windows 10's, which mingw-w64 does not declare. */
static PVOID NTAPI MmMapIoSpaceEx(PHYSICAL_ADDRESS physical, SIZE_T bytes, ULONG protect)
{
	const ULONG kind = protect & ~(ULONG)(PAGE_NOCACHE | PAGE_WRITECOMBINE);

	if (kind != PAGE_READWRITE)
		us_nt_unsupported("MmMapIoSpaceEx with protection 0x%x: on the stage registers can be read and written",
				  protect);
	return map((uint64_t)physical.QuadPart, bytes);
}

void NTAPI MmUnmapIoSpace(PVOID base, SIZE_T bytes)
{
	const uintptr_t offset = (uintptr_t)base % US_NT_PAGE;
	struct us_space *space = us_addresses_find(&us_nt->mm->spaces, (uint8_t *)base - offset), **link;
	const SIZE_T size = (offset + bytes + US_NT_PAGE - 1) & ~(SIZE_T)(US_NT_PAGE - 1);

	if (!space || space->size != size)
		us_nt_bugcheck(0x1A, (uintptr_t)base, bytes, space ? space->size : 0, 0, "io-space.unmap",
			       "MmUnmapIoSpace: no mapping of 0x%llx bytes begins at %p%s", (unsigned long long)size,
			       base, space ? "; it has another size" : "");
	us_addresses_remove(&us_nt->mm->spaces, space->at);
	for (link = &us_nt->mm->first_space; *link != space;)
		link = &(*link)->next;
	*link = space->next;
	us_nt->mm->nspaces--;
	if (space->kind == US_SPACE_MEMORY)
		us_nt_unmap_physical(space->at, space->size / US_NT_PAGE);
	else
		us_nt_trap_unmap(space->at, space->size);
	us_nt_free(space);
}

struct us_space *us_nt_space_of(const void *at)
{
	struct us_space *space = us_nt->mm->first_space;

	while (space && ((const uint8_t *)at < space->at || (const uint8_t *)at >= space->at + space->size))
		space = space->next;
	return space;
}

/* -- contiguous memory -------------------------------------------------------------------------------------------- */

PVOID NTAPI MmAllocateContiguousMemorySpecifyCache(SIZE_T bytes, PHYSICAL_ADDRESS lowest, PHYSICAL_ADDRESS highest,
						   PHYSICAL_ADDRESS boundary, MEMORY_CACHING_TYPE cache)
{
	const struct us_contiguous want = {.lowest = (uint64_t)lowest.QuadPart,
					   .highest = (uint64_t)highest.QuadPart,
					   .boundary = (uint64_t)boundary.QuadPart};
	struct us_contiguous_piece *piece;
	uint64_t physical;
	void *at;

	(void)cache;
	if (want.boundary & (want.boundary - 1) || bytes > US_NT_WINDOW_SIZE)
		return NULL;
	at = us_nt_contiguous_within((bytes + US_NT_PAGE - 1) / US_NT_PAGE, &want, &physical);
	if (!at)
		return NULL;
	piece = us_nt_alloc(sizeof *piece);
	*piece = (struct us_contiguous_piece){(bytes + US_NT_PAGE - 1) / US_NT_PAGE, us_nt_caller()};
	us_addresses_add(&us_nt->mm->contiguous, at, piece);
	us_nt->mm->ncontiguous++;
	memset(at, 0xa5, piece->pages * US_NT_PAGE); /* nobody has promised zeroes */
	return at;
}

PVOID NTAPI MmAllocateContiguousMemory(SIZE_T bytes, PHYSICAL_ADDRESS highest)
{
	return MmAllocateContiguousMemorySpecifyCache(bytes, (PHYSICAL_ADDRESS){.QuadPart = 0}, highest,
						      (PHYSICAL_ADDRESS){.QuadPart = 0}, MmCached);
}

void NTAPI MmFreeContiguousMemory(PVOID base)
{
	struct us_contiguous_piece *piece = us_addresses_find(&us_nt->mm->contiguous, base);

	if (!piece)
		us_nt_bugcheck(0xC2, 0x46, (uintptr_t)base, 0, 0, "contiguous.bad-address",
			       "MmFreeContiguousMemory of %p, which MmAllocateContiguousMemory has not given, or which "
			       "is free already",
			       base);
	us_nt_contiguous_free(base, piece->pages);
	us_addresses_remove(&us_nt->mm->contiguous, base);
	us_nt->mm->ncontiguous--;
	us_nt_free(piece);
}

void NTAPI MmFreeContiguousMemorySpecifyCache(PVOID base, SIZE_T bytes, MEMORY_CACHING_TYPE cache)
{
	const struct us_contiguous_piece *piece = us_addresses_find(&us_nt->mm->contiguous, base);

	(void)cache;
	if (piece && piece->pages != (bytes + US_NT_PAGE - 1) / US_NT_PAGE)
		us_nt_bugcheck(0xC2, 0x46, (uintptr_t)base, bytes, piece->pages * US_NT_PAGE, "contiguous.size",
			       "MmFreeContiguousMemorySpecifyCache of %llu bytes at %p, which has %zu pages",
			       (unsigned long long)bytes, base, piece->pages);
	MmFreeContiguousMemory(base);
}

/* -- addresses ---------------------------------------------------------------------------------------------------- */

/* 0 where there is nothing, as on Windows. */
PHYSICAL_ADDRESS NTAPI MmGetPhysicalAddress(PVOID at)
{
	const struct us_space *space = us_nt_space_of(at);
	uint64_t physical = us_nt_physical(at);

	if (physical == UINT64_MAX)
		physical = space ? space->physical + (uint64_t)((uint8_t *)at - space->at) : 0;
	return (PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)physical};
}

BOOLEAN NTAPI MmIsAddressValid(PVOID at)
{
	return us_nt_is_mapped(at, 1) || us_nt_space_of(at);
}

PVOID NTAPI MmGetSystemRoutineAddress(PUNICODE_STRING name)
{
	const struct us_export *export;
	char ascii[128];
	size_t n = name->Length / 2;

	if (n >= sizeof ascii)
		return NULL;
	for (size_t i = 0; i < n; i++)
		ascii[i] = name->Buffer[i] < 0x80 ? (char)name->Buffer[i] : '?';
	ascii[n] = 0;
	export = us_nt_find_export("ntoskrnl.exe", ascii);
	return export && (export->function || export->data) ? us_nt_gate(export) : NULL;
}

/* Drivers' pages always stay in memory here; so these have nothing to do but what they return. */
PVOID NTAPI MmLockPagableDataSection(PVOID at)
{
	return at;
}

void NTAPI MmUnlockPagableImageSection(PVOID section)
{
	(void)section;
}

/* -- the module --------------------------------------------------------------------------------------------------- */

void us_nt_mm_init(void)
{
	us_nt->mm = us_nt_alloc(sizeof *us_nt->mm);
	us_nt_mm_look_at_bars();
}

size_t us_nt_mm_leaks(char *text, size_t size)
{
	const struct us_mm *mm = us_nt->mm;
	const struct {
		size_t count;
		const char *what, *function;
	} kinds[] = {
		{mm->ncontiguous, "piece(s) of contiguous memory", "MmFreeContiguousMemory"},
		{mm->npages, "MDL(s) with pages of their own", "MmFreePagesFromMdl"},
		{mm->nspaces, "mapping(s) of memory space", "MmUnmapIoSpace"},
		{mm->locked, "MDL(s) with locked pages", "MmUnlockPages"},
	};
	size_t total = 0, at = 0;

	if (mm->first_space && !us_nt->stop.blamed)
		us_nt->stop.blamed = mm->first_space->caller;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (kinds[i].count && at < size)
			at += (size_t)snprintf(text + at, size - at, "%s%zu %s (no %s)", total ? "; " : "",
					       kinds[i].count, kinds[i].what, kinds[i].function);
		total += kinds[i].count;
	}
	return total;
}

const struct us_export us_nt_mm_exports[] = {
	US_EXPORT(MmMapIoSpace, DISPATCH_LEVEL, "P:xqu"),
	US_EXPORT(MmMapIoSpaceEx, DISPATCH_LEVEL, "P:xqx"),
	US_EXPORT(MmUnmapIoSpace, DISPATCH_LEVEL, "v:pq"),
	US_EXPORT(MmAllocateContiguousMemory, DISPATCH_LEVEL, "P:qq"),
	US_EXPORT(MmAllocateContiguousMemorySpecifyCache, DISPATCH_LEVEL, "P:qqqqu"),
	US_EXPORT(MmFreeContiguousMemory, DISPATCH_LEVEL, "v:p"),
	US_EXPORT(MmFreeContiguousMemorySpecifyCache, DISPATCH_LEVEL, "v:pqu"),
	US_EXPORT(MmGetPhysicalAddress, HIGH_LEVEL, "q:p"),
	US_EXPORT(MmIsAddressValid, DISPATCH_LEVEL, "b:p"),
	US_EXPORT(MmGetSystemRoutineAddress, PASSIVE_LEVEL, "p:w"),
	US_EXPORT(MmLockPagableDataSection, APC_LEVEL, "p:p"),
	US_EXPORT(MmUnlockPagableImageSection, APC_LEVEL, "v:p"),
	US_EXPORT_END,
};
