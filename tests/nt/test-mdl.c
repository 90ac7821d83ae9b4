/* SPDX-License-Identifier: Apache-2.0 */
/* MDLs, mappings, contiguous memory and the device's memory space, as a driver uses them. */
#include "rig.h"

#include "nt/mm.h"
#include "nt/sched.h"

#define ANY ((PHYSICAL_ADDRESS){.QuadPart = -1})
#define NONE ((PHYSICAL_ADDRESS){.QuadPart = 0})
#define FOUR_GIB ((PHYSICAL_ADDRESS){.QuadPart = 0xffffffff})

#define allocate(at, size) US_IMPORT(IoAllocateMdl)(at, size, FALSE, FALSE, NULL)

static void *user(size_t pages)
{
	return us_nt_pages(US_WINDOW_USER, pages);
}

/* -- misuse ------------------------------------------------------------------------------------------------------- */

static void free_locked(void *context)
{
	PMDL mdl = allocate(user(1), 10);

	(void)context;
	US_IMPORT(MmProbeAndLockPages)(mdl, UserMode, IoReadAccess);
	US_IMPORT(IoFreeMdl)(mdl);
}

static void unlock_unlocked(void *context)
{
	(void)context;
	US_IMPORT(MmUnlockPages)(allocate(user(1), 10));
}

static void unlock_nonpaged(void *context)
{
	PMDL mdl = allocate(us_nt_pool_alloc(100, 1), 100);

	(void)context;
	US_IMPORT(MmBuildMdlForNonPagedPool)(mdl);
	US_IMPORT(MmUnlockPages)(mdl);
}

static void lock_twice(void *context)
{
	PMDL mdl = allocate(user(1), 10);

	(void)context;
	US_IMPORT(MmProbeAndLockPages)(mdl, UserMode, IoReadAccess);
	US_IMPORT(MmProbeAndLockPages)(mdl, UserMode, IoReadAccess);
}

static void lock_nothing(void *context)
{
	uint8_t *at = user(1);

	(void)context;
	US_IMPORT(MmProbeAndLockPages)(allocate(at + 4000, 97), UserMode, IoReadAccess);
}

static void lock_kernel_for_user(void *context)
{
	(void)context;
	US_IMPORT(MmProbeAndLockPages)(allocate(us_nt_pool_alloc(100, 1), 10), UserMode, IoReadAccess);
}

static void lock_at_dispatch(void *context)
{
	PMDL mdl = allocate(user(1), 10);

	(void)context;
	us_nt_raise_irql(DISPATCH_LEVEL);
	US_IMPORT(MmProbeAndLockPages)(mdl, UserMode, IoReadAccess);
}

static void build_for_user(void *context)
{
	(void)context;
	US_IMPORT(MmBuildMdlForNonPagedPool)(allocate(user(1), 10));
}

static void map_unlocked(void *context)
{
	(void)context;
	US_IMPORT(MmMapLockedPagesSpecifyCache)
	(allocate(user(1), 10), KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
}

static void map_twice(void *context)
{
	PMDL mdl = allocate(user(1), 10);

	(void)context;
	US_IMPORT(MmProbeAndLockPages)(mdl, UserMode, IoWriteAccess);
	US_IMPORT(MmMapLockedPages)(mdl, KernelMode);
	US_IMPORT(MmMapLockedPages)(mdl, KernelMode);
}

static void unmap_unmapped(void *context)
{
	uint8_t *at = user(1);
	PMDL mdl = allocate(at, 10);

	(void)context;
	US_IMPORT(MmProbeAndLockPages)(mdl, KernelMode, IoWriteAccess);
	US_IMPORT(MmUnmapLockedPages)(us_nt_pool_alloc(10, 1), mdl);
}

static void unmap_changed(void *context)
{
	PMDL mdl = allocate(user(3), 3 * US_NT_PAGE);
	void *at;

	(void)context;
	US_IMPORT(MmProbeAndLockPages)(mdl, UserMode, IoWriteAccess);
	at = US_IMPORT(MmMapLockedPages)(mdl, KernelMode);
	mdl->ByteCount = US_NT_PAGE;
	US_IMPORT(MmUnmapLockedPages)(at, mdl);
}

static void partial_outside(void *context)
{
	uint8_t *at = us_nt_pool_alloc(10000, 1);
	PMDL mdl = allocate(at, 10000);

	(void)context;
	US_IMPORT(MmBuildMdlForNonPagedPool)(mdl);
	US_IMPORT(IoBuildPartialMdl)(mdl, allocate(at, 10000), at + 5000, 5001);
}

static void partial_of_nothing(void *context)
{
	uint8_t *at = user(1);

	(void)context;
	US_IMPORT(IoBuildPartialMdl)(allocate(at, 100), allocate(at, 100), at, 10);
}

static void partial_too_small(void *context)
{
	uint8_t *at = us_nt_pool_alloc(10000, 1);
	PMDL mdl = allocate(at, 10000);

	(void)context;
	US_IMPORT(MmBuildMdlForNonPagedPool)(mdl);
	US_IMPORT(IoBuildPartialMdl)(mdl, allocate(at, 100), at + 4000, 5000);
}

static void contiguous_twice(void *context)
{
	void *at = US_IMPORT(MmAllocateContiguousMemory)(10, ANY);

	(void)context;
	US_IMPORT(MmFreeContiguousMemory)(at);
	US_IMPORT(MmFreeContiguousMemory)(at);
}

static void contiguous_of_another_size(void *context)
{
	(void)context;
	US_IMPORT(MmFreeContiguousMemorySpecifyCache)(US_IMPORT(MmAllocateContiguousMemory)(10, ANY), 5000, MmCached);
}

static void pages_twice(void *context)
{
	PMDL mdl = US_IMPORT(MmAllocatePagesForMdl)(NONE, ANY, NONE, 5000);

	(void)context;
	US_IMPORT(MmFreePagesFromMdl)(mdl);
	US_IMPORT(MmFreePagesFromMdl)(mdl);
}

static void pages_not_freed(void *context)
{
	(void)context;
	US_IMPORT(IoFreeMdl)(US_IMPORT(MmAllocatePagesForMdl)(NONE, ANY, NONE, 5000));
}

static void space_elsewhere(void *context)
{
	(void)context;
	US_IMPORT(MmMapIoSpace)((PHYSICAL_ADDRESS){.QuadPart = 0x8000000}, 4096, MmNonCached);
}

static PHYSICAL_ADDRESS bar0(void)
{
	return (PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)us_nt->mm->bar[0]};
}

static void space_too_long(void *context)
{
	(void)context;
	US_IMPORT(MmMapIoSpace)(bar0(), us_nt->info->region[0].size + US_NT_PAGE, MmNonCached);
}

static void space_of_another_size(void *context)
{
	(void)context;
	US_IMPORT(MmUnmapIoSpace)(US_IMPORT(MmMapIoSpace)(bar0(), 100, MmNonCached), 2 * US_NT_PAGE);
}

static void space_twice(void *context)
{
	void *at = US_IMPORT(MmMapIoSpace)(bar0(), 100, MmNonCached);

	(void)context;
	US_IMPORT(MmUnmapIoSpace)(at, 100);
	US_IMPORT(MmUnmapIoSpace)(at, 100);
}

static void every_misuse_ends_the_run_with_its_rule(void **state)
{
	static const struct {
		const char *rule;
		void (*body)(void *context);
	} misuses[] = {
		{"mdl.freed-while-locked", free_locked},
		{"mdl.unlock-not-locked", unlock_unlocked},
		{"mdl.unlock-nonpaged", unlock_nonpaged},
		{"mdl.described-twice", lock_twice},
		{"mdl.probe", lock_nothing},
		{"mdl.probe", lock_kernel_for_user},
		{"irql.probe", lock_at_dispatch},
		{"mdl.not-nonpaged", build_for_user},
		{"mdl.map-not-locked", map_unlocked},
		{"mdl.map-twice", map_twice},
		{"mdl.unmap-not-mapped", unmap_unmapped},
		{"mdl.unmap-changed", unmap_changed},
		{"mdl.partial-outside", partial_outside},
		{"mdl.partial-of-nothing", partial_of_nothing},
		{"mdl.partial-too-small", partial_too_small},
		{"contiguous.bad-address", contiguous_twice},
		{"contiguous.size", contiguous_of_another_size},
		{"mdl.pages-not-its-own", pages_twice},
		{"mdl.pages-not-freed", pages_not_freed},
		{"io-space.nothing-there", space_elsewhere},
		{"io-space.beyond-bar", space_too_long},
		{"io-space.unmap", space_of_another_size},
		{"io-space.unmap", space_twice},
	};

	(void)state;
	for (size_t i = 0; i < sizeof misuses / sizeof *misuses; i++)
		rig_run_breaks(misuses[i].rule, misuses[i].body, NULL);
}

/* -- MDLs --------------------------------------------------------------------------------------------------------- */

static void locked(void *context)
{
	uint8_t *at = user(3), *mapped;
	PMDL mdl = allocate(at + 100, 2 * US_NT_PAGE);

	(void)context;
	rig_expect(mdl && MmGetMdlByteCount(mdl) == 2 * US_NT_PAGE && MmGetMdlByteOffset(mdl) == 100);
	rig_expect(MmGetMdlVirtualAddress(mdl) == at + 100 && mdl->MdlFlags == 0 && !mdl->Next);
	rig_expect((size_t)mdl->Size == sizeof(MDL) + 3 * sizeof(PFN_NUMBER)); /* it touches three pages */
	rig_expect(US_IMPORT(MmSizeOfMdl)(at + 100, 2 * US_NT_PAGE) == (size_t)mdl->Size);
	US_IMPORT(MmProbeAndLockPages)(mdl, UserMode, IoWriteAccess);
	rig_expect(mdl->MdlFlags == (MDL_PAGES_LOCKED | MDL_WRITE_OPERATION));
	for (unsigned i = 0; i < 3; i++)
		rig_expect(MmGetMdlPfnArray(mdl)[i] == us_nt_physical(at + i * US_NT_PAGE) / US_NT_PAGE);

	mapped = US_IMPORT(MmMapLockedPagesSpecifyCache)(mdl, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
	rig_expect(mapped == MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority));
	rig_expect(us_nt_window(mapped) == US_WINDOW_SYSTEM && (uintptr_t)mapped % US_NT_PAGE == 100);
	mapped[2 * US_NT_PAGE - 1] = 77;
	rig_expect(at[100 + 2 * US_NT_PAGE - 1] == 77);
	US_IMPORT(MmUnmapLockedPages)(mapped, mdl);
	rig_expect(!us_nt_is_mapped(mapped, 1) && !(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA));

	mapped = US_IMPORT(MmMapLockedPages)(mdl, UserMode);
	rig_expect(us_nt_window(mapped) == US_WINDOW_USER && mapped != at + 100 && mapped[2 * US_NT_PAGE - 1] == 77);
	US_IMPORT(MmUnmapLockedPages)(mapped, mdl);

	mapped = US_IMPORT(MmMapLockedPages)(mdl, KernelMode);
	US_IMPORT(MmUnlockPages)(mdl); /* unmaps it, too */
	rig_expect(!us_nt_is_mapped(mapped, 1) && mdl->MdlFlags == 0);
	US_IMPORT(MmProbeAndLockPages)(mdl, UserMode, IoReadAccess);
	rig_expect(mdl->MdlFlags == MDL_PAGES_LOCKED);
	US_IMPORT(MmUnlockPages)(mdl);
	US_IMPORT(IoFreeMdl)(mdl);
}

static void a_users_buffer_is_locked_and_mapped(void **state)
{
	(void)state;
	rig_run(NULL, locked, NULL);
}

static void probed(void *context)
{
	uint8_t *at = user(2), *image = us_nt_pages(US_WINDOW_IMAGE, 1);
	PMDL mdl = allocate(at + 4090, 100), code = allocate(image, 10);

	(void)context;
	us_nt_protect(image, 1, false, true);
	rig_expect(us_nt_probe_and_lock(code, KernelMode, IoWriteAccess) == STATUS_ACCESS_VIOLATION);
	rig_expect(us_nt_probe_and_lock(code, KernelMode, IoModifyAccess) == STATUS_ACCESS_VIOLATION);
	rig_expect(us_nt_probe_and_lock(code, UserMode, IoReadAccess) == STATUS_ACCESS_VIOLATION);
	rig_expect(code->MdlFlags == 0);
	rig_expect(us_nt_probe_and_lock(code, KernelMode, IoReadAccess) == STATUS_SUCCESS);
	rig_expect(us_nt_probe_and_lock(mdl, UserMode, IoModifyAccess) == STATUS_SUCCESS);
	rig_expect(mdl->MdlFlags & MDL_WRITE_OPERATION);
	MmUnlockPages(mdl);
	us_nt_pages_free(at, 2);
	rig_expect(us_nt_probe_and_lock(mdl, UserMode, IoReadAccess) == STATUS_ACCESS_VIOLATION);
}

static void probing_answers_what_can_not_be_accessed(void **state)
{
	(void)state;
	rig_run(NULL, probed, NULL);
}

static void parts(void *context)
{
	uint8_t *at = us_nt_pool_alloc(20000, 1);
	PMDL mdl = allocate(at, 20000), part = allocate(at, 10000), of_user;
	uint8_t *buffer = user(3), *mapped;

	(void)context;
	US_IMPORT(MmBuildMdlForNonPagedPool)(mdl);
	rig_expect(mdl->MdlFlags == MDL_SOURCE_IS_NONPAGED_POOL && mdl->MappedSystemVa == at);
	US_IMPORT(IoBuildPartialMdl)(mdl, part, at + 5000, 8000);
	rig_expect(part->MdlFlags & MDL_PARTIAL && MmGetSystemAddressForMdlSafe(part, NormalPagePriority) == at + 5000);
	rig_expect(MmGetMdlByteCount(part) == 8000 && MmGetMdlByteOffset(part) == 5000 - US_NT_PAGE);
	rig_expect(MmGetMdlPfnArray(part)[0] == MmGetMdlPfnArray(mdl)[1] &&
		   MmGetMdlPfnArray(part)[2] == MmGetMdlPfnArray(mdl)[3]);
	US_IMPORT(IoBuildPartialMdl)(mdl, part, at + 15000, 0); /* the rest */
	rig_expect(MmGetMdlByteCount(part) == 5000);

	of_user = allocate(buffer, 3 * US_NT_PAGE);
	US_IMPORT(MmProbeAndLockPages)(of_user, UserMode, IoWriteAccess);
	US_IMPORT(IoBuildPartialMdl)(of_user, part, buffer + US_NT_PAGE + 9, 10);
	mapped = US_IMPORT(MmMapLockedPages)(part, KernelMode);
	rig_expect(part->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED);
	mapped[1] = 5;
	rig_expect(buffer[US_NT_PAGE + 10] == 5);
	US_IMPORT(IoFreeMdl)(part); /* unmaps it */
	rig_expect(!us_nt_is_mapped(mapped, 1));
	US_IMPORT(MmUnlockPages)(of_user);
	US_IMPORT(IoFreeMdl)(of_user);
	US_IMPORT(IoFreeMdl)(mdl);
}

static void a_part_describes_the_same_pages(void **state)
{
	(void)state;
	rig_run(NULL, parts, NULL);
}

static void chained(void *context)
{
	IRP irp = {0};
	PMDL first = IoAllocateMdl((void *)0x1000, 10, FALSE, FALSE, &irp);
	PMDL second = IoAllocateMdl((void *)0x2000, 10, TRUE, FALSE, &irp),
	     third = IoAllocateMdl((void *)0x3000, 1, TRUE, FALSE, &irp);

	(void)context;
	rig_expect(irp.MdlAddress == first && first->Next == second && second->Next == third && !third->Next);
}

static void secondary_mdls_hang_behind_the_first(void **state)
{
	(void)state;
	rig_run(NULL, chained, NULL);
}

static void of_pages(void *context)
{
	PMDL mdl = US_IMPORT(MmAllocatePagesForMdl)(NONE, FOUR_GIB, NONE, 5 * US_NT_PAGE + 1);
	uint8_t *mapped;

	(void)context;
	rig_expect(mdl && mdl->ByteCount == 5 * US_NT_PAGE + 1 && mdl->MdlFlags & MDL_PAGES_LOCKED);
	for (unsigned i = 0; i < 6; i++)
		rig_expect(MmGetMdlPfnArray(mdl)[i] < 0x100000);
	mapped = US_IMPORT(MmMapLockedPages)(mdl, KernelMode);
	for (size_t i = 0; i < 6 * US_NT_PAGE; i++)
		rig_expect(mapped[i] == 0);
	US_IMPORT(MmUnmapLockedPages)(mapped, mdl);
	US_IMPORT(MmFreePagesFromMdl)(mdl);
	us_nt_pool_free(mdl);

	rig_expect(!US_IMPORT(MmAllocatePagesForMdl)(NONE, (PHYSICAL_ADDRESS){.QuadPart = 0xffffff}, NONE, 1));
	rig_expect(!US_IMPORT(MmAllocatePagesForMdlEx)(NONE, ANY, NONE, 1 << 30, MmCached, 4)); /* all or none */
	mdl = US_IMPORT(MmAllocatePagesForMdl)(NONE, ANY, NONE, 1 << 30); /* as many as there are */
	rig_expect(mdl && mdl->ByteCount > 1 << 20 && mdl->ByteCount < 64 << 20);
}

static void an_mdl_may_have_pages_of_its_own(void **state)
{
	(void)state;
	rig_run(NULL, of_pages, NULL);
}

/* -- memory space and contiguous memory --------------------------------------------------------------------------- */

static void space(void *context)
{
	volatile ULONG *registers = US_IMPORT(MmMapIoSpace)(bar0(), us_nt->info->region[0].size, MmNonCached);
	PMDL mdl = allocate((void *)(uintptr_t)registers, 8);
	uint64_t physical, value;

	(void)context;
	rig_expect(registers);
	us_fn_read(us_nt->fn, US_REGION_BAR0, 0, 4, &value);
	rig_expect(registers[0] == (ULONG)value);
	rig_expect(MmGetPhysicalAddress((void *)(uintptr_t)&registers[1]).QuadPart == bar0().QuadPart + 4);
	rig_expect(MmIsAddressValid((void *)(uintptr_t)registers));
	US_IMPORT(MmBuildMdlForNonPagedPool)(mdl);
	rig_expect(mdl->MdlFlags & MDL_IO_SPACE &&
		   MmGetMdlPfnArray(mdl)[0] == (PFN_NUMBER)bar0().QuadPart / US_NT_PAGE);
	US_IMPORT(MmUnmapIoSpace)((void *)(uintptr_t)registers, us_nt->info->region[0].size);
	rig_expect(!MmIsAddressValid((void *)(uintptr_t)registers));

	uint8_t *memory = us_nt_contiguous(2, UINT64_MAX, &physical), *second;

	second = US_IMPORT(MmMapIoSpace)((PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)physical + 5}, US_NT_PAGE, MmCached);
	second[0] = 42;
	rig_expect(memory[5] == 42);
	US_IMPORT(MmUnmapIoSpace)(second, US_NT_PAGE);
	rig_expect(!us_nt_is_mapped(second, 1));
}

static void a_bar_is_mapped_by_its_physical_address(void **state)
{
	(void)state;
	rig_run(NULL, space, NULL);
}

static void contiguous(void *context)
{
	uint8_t *at = US_IMPORT(MmAllocateContiguousMemory)(3 * US_NT_PAGE + 1, FOUR_GIB);
	uint64_t physical = (uint64_t)MmGetPhysicalAddress(at).QuadPart;

	(void)context;
	rig_expect(at && physical + 4 * US_NT_PAGE <= UINT64_C(1) << 32);
	for (unsigned i = 0; i < 4; i++)
		rig_expect((uint64_t)MmGetPhysicalAddress(at + i * US_NT_PAGE).QuadPart == physical + i * US_NT_PAGE);
	US_IMPORT(MmFreeContiguousMemorySpecifyCache)(at, 3 * US_NT_PAGE + 1, MmCached);
	rig_expect(!US_IMPORT(MmAllocateContiguousMemory)(10, (PHYSICAL_ADDRESS){.QuadPart = 0xffffff}));
	rig_expect(!US_IMPORT(MmAllocateContiguousMemory)((SIZE_T)1 << 40, ANY));
	at = US_IMPORT(MmAllocateContiguousMemorySpecifyCache)(3 * US_NT_PAGE, NONE, ANY,
							       (PHYSICAL_ADDRESS){.QuadPart = 0x4000}, MmCached);
	physical = (uint64_t)MmGetPhysicalAddress(at).QuadPart;
	rig_expect(physical / 0x4000 == (physical + 3 * US_NT_PAGE - 1) / 0x4000);
}

static void contiguous_memory_keeps_its_promises(void **state)
{
	(void)state;
	rig_run(NULL, contiguous, NULL);
}

static void addresses(void *context)
{
	static int of_host;
	UNICODE_STRING there = {.Length = 20, .Buffer = (PWSTR)(uintptr_t)L"IoFreeMdl?"}, nowhere = there;

	(void)context;
	there.Length = 18;
	rig_expect(MmGetPhysicalAddress(&of_host).QuadPart == 0);
	rig_expect(!MmIsAddressValid(&of_host) && !MmIsAddressValid(NULL));
	rig_expect(MmIsAddressValid(us_nt_pool_alloc(1, 1)));
	rig_expect(MmGetSystemRoutineAddress(&there) == (PVOID)(uintptr_t)US_IMPORT(IoFreeMdl));
	rig_expect(!MmGetSystemRoutineAddress(&nowhere));
}

static void addresses_are_known(void **state)
{
	(void)state;
	rig_run(NULL, addresses, NULL);
}

static void left(void *context)
{
	char text[400] = "";
	PMDL mdl;

	(void)context;
	rig_expect(us_nt_mm_leaks(text, sizeof text) == 0);
	US_IMPORT(MmAllocateContiguousMemory)(10, ANY);
	US_IMPORT(MmAllocatePagesForMdl)(NONE, ANY, NONE, 10);
	US_IMPORT(MmMapIoSpace)(bar0(), 10, MmNonCached);
	mdl = allocate(user(1), 10);
	US_IMPORT(MmProbeAndLockPages)(mdl, UserMode, IoReadAccess);
	rig_expect(us_nt_mm_leaks(text, sizeof text) == 4);
	rig_expect(!strcmp(
		text, "1 piece(s) of contiguous memory (no MmFreeContiguousMemory); 1 MDL(s) with pages of their own "
		      "(no MmFreePagesFromMdl); 1 mapping(s) of memory space (no MmUnmapIoSpace); 1 MDL(s) with "
		      "locked pages (no MmUnlockPages)"));
	rig_expect(us_nt_mm_leaks(text, 10) == 4);
	rig_expect(us_nt_pool_leaks(text, sizeof text) == 2); /* the MDLs */
}

static void what_the_driver_leaves_is_named(void **state)
{
	(void)state;
	rig_run(NULL, left, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_misuse_ends_the_run_with_its_rule),
		cmocka_unit_test(a_users_buffer_is_locked_and_mapped),
		cmocka_unit_test(probing_answers_what_can_not_be_accessed),
		cmocka_unit_test(a_part_describes_the_same_pages),
		cmocka_unit_test(secondary_mdls_hang_behind_the_first),
		cmocka_unit_test(an_mdl_may_have_pages_of_its_own),
		cmocka_unit_test(a_bar_is_mapped_by_its_physical_address),
		cmocka_unit_test(contiguous_memory_keeps_its_promises),
		cmocka_unit_test(addresses_are_known),
		cmocka_unit_test(what_the_driver_leaves_is_named),
	};

	return cmocka_run_group_tests_name("mdl", tests, NULL, NULL);
}
