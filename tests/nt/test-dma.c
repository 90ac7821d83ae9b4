/* SPDX-License-Identifier: Apache-2.0 */
/* DMA adapters as IoGetDmaAdapter() gives them. */
#include "rig.h"

#include "nt/hal.h"
#include "nt/sched.h"

#define FOUR_GIB (UINT64_C(1) << 32)

static DEVICE_OBJECT device;
static ULONG registers;

static PDMA_ADAPTER adapter(bool wide, bool scatter, ULONG longest)
{
	DEVICE_DESCRIPTION d = {.Version = 2,
				.Master = TRUE,
				.ScatterGather = scatter,
				.Dma32BitAddresses = TRUE,
				.Dma64BitAddresses = wide,
				.InterfaceType = PCIBus,
				.MaximumLength = longest};

	return US_IMPORT(IoGetDmaAdapter)(NULL, &d, &registers);
}

/* A locked buffer of an application. */
static PMDL buffer(uint8_t **at, size_t offset, size_t size)
{
	uint8_t *pages = us_nt_pages(US_WINDOW_USER, (offset + size + US_NT_PAGE - 1) / US_NT_PAGE);
	PMDL mdl = IoAllocateMdl(pages + offset, (ULONG)size, FALSE, FALSE, NULL);

	*at = pages + offset;
	MmProbeAndLockPages(mdl, UserMode, IoWriteAccess);
	return mdl;
}

/* What the list's routine saw. */
struct seen {
	unsigned calls;
	PSCATTER_GATHER_LIST list;
	PVOID base;
	IO_ALLOCATION_ACTION action;
};

static void NTAPI list_ready(PDEVICE_OBJECT object, PIRP irp, PSCATTER_GATHER_LIST list, PVOID context)
{
	struct seen *seen = context;

	rig_expect(object == &device && irp == device.CurrentIrp && us_nt_irql() == DISPATCH_LEVEL);
	seen->calls++;
	seen->list = list;
}

static IO_ALLOCATION_ACTION NTAPI channel_ready(PDEVICE_OBJECT object, PIRP irp, PVOID base, PVOID context)
{
	struct seen *seen = context;

	(void)irp;
	rig_expect(object == &device);
	seen->calls++;
	seen->base = base;
	return seen->action;
}

static NTSTATUS get(PDMA_ADAPTER a, PMDL mdl, void *at, ULONG size, struct seen *seen, bool to_device)
{
	return a->DmaOperations->GetScatterGatherList(a, &device, mdl, at, size, list_ready, seen, to_device);
}

static void device_reads(uint64_t address, void *to, size_t size)
{
	memcpy(to, us_nt_linear(address), size);
}

/* -- misuse ------------------------------------------------------------------------------------------------------- */

static void list_at_passive(void *context)
{
	struct seen seen = {0};
	uint8_t *at;
	PMDL mdl = buffer(&at, 0, 10);

	(void)context;
	get(adapter(true, true, 4096), mdl, at, 10, &seen, true);
}

static void list_of_unlocked(void *context)
{
	struct seen seen = {0};
	uint8_t *at;
	PMDL mdl = buffer(&at, 0, 10);
	PDMA_ADAPTER a = adapter(true, true, 4096);

	(void)context;
	MmUnlockPages(mdl);
	us_nt_raise_irql(DISPATCH_LEVEL);
	get(a, mdl, at, 10, &seen, true);
}

static void put_twice(void *context)
{
	struct seen seen = {0};
	uint8_t *at;
	PMDL mdl = buffer(&at, 0, 10);
	PDMA_ADAPTER a = adapter(true, true, 4096);

	(void)context;
	us_nt_raise_irql(DISPATCH_LEVEL);
	get(a, mdl, at, 10, &seen, true);
	a->DmaOperations->PutScatterGatherList(a, seen.list, TRUE);
	a->DmaOperations->PutScatterGatherList(a, seen.list, TRUE);
}

static void put_other_direction(void *context)
{
	struct seen seen = {0};
	uint8_t *at;
	PMDL mdl = buffer(&at, 0, 10);
	PDMA_ADAPTER a = adapter(true, true, 4096);

	(void)context;
	us_nt_raise_irql(DISPATCH_LEVEL);
	get(a, mdl, at, 10, &seen, true);
	a->DmaOperations->PutScatterGatherList(a, seen.list, FALSE);
}

static void adapter_with_buffer(void *context)
{
	PDMA_ADAPTER a = adapter(true, true, 4096);
	PHYSICAL_ADDRESS logical;

	(void)context;
	a->DmaOperations->AllocateCommonBuffer(a, 100, &logical, TRUE);
	a->DmaOperations->PutDmaAdapter(a);
}

static void adapter_twice(void *context)
{
	PDMA_ADAPTER a = adapter(true, true, 4096);
	PPUT_DMA_ADAPTER put = a->DmaOperations->PutDmaAdapter;

	(void)context;
	put(a);
	put(a);
}

static void buffer_of_another_length(void *context)
{
	PDMA_ADAPTER a = adapter(true, true, 4096);
	PHYSICAL_ADDRESS logical;
	void *at = a->DmaOperations->AllocateCommonBuffer(a, 100, &logical, TRUE);

	(void)context;
	a->DmaOperations->FreeCommonBuffer(a, 101, logical, at, TRUE);
}

static void buffer_twice(void *context)
{
	PDMA_ADAPTER a = adapter(true, true, 4096);
	PHYSICAL_ADDRESS logical;
	void *at = a->DmaOperations->AllocateCommonBuffer(a, 100, &logical, TRUE);

	(void)context;
	a->DmaOperations->FreeCommonBuffer(a, 100, logical, at, TRUE);
	a->DmaOperations->FreeCommonBuffer(a, 100, logical, at, TRUE);
}

static void registers_twice(void *context)
{
	PDMA_ADAPTER a = adapter(false, true, 4096);
	struct seen seen = {.action = DeallocateObjectKeepRegisters};

	(void)context;
	us_nt_raise_irql(DISPATCH_LEVEL);
	a->DmaOperations->AllocateAdapterChannel(a, &device, 2, channel_ready, &seen);
	a->DmaOperations->FreeMapRegisters(a, seen.base, 2);
	a->DmaOperations->FreeMapRegisters(a, seen.base, 2);
}

static void mapped_too_much(void *context)
{
	PDMA_ADAPTER a = adapter(false, false, 3 * US_NT_PAGE);
	struct seen seen = {.action = DeallocateObjectKeepRegisters};
	uint8_t *at;
	PMDL mdl = buffer(&at, 0, 3 * US_NT_PAGE);
	ULONG length = 3 * US_NT_PAGE;

	(void)context;
	us_nt_raise_irql(DISPATCH_LEVEL);
	a->DmaOperations->AllocateAdapterChannel(a, &device, 2, channel_ready, &seen);
	a->DmaOperations->MapTransfer(a, mdl, seen.base, at, &length, TRUE);
}

static void not_flushed(void *context)
{
	PDMA_ADAPTER a = adapter(false, false, 2 * US_NT_PAGE);
	struct seen seen = {.action = DeallocateObjectKeepRegisters};
	uint8_t *at;
	PMDL mdl = buffer(&at, 0, 2 * US_NT_PAGE);
	ULONG length = 2 * US_NT_PAGE;

	(void)context;
	us_nt_raise_irql(DISPATCH_LEVEL);
	a->DmaOperations->AllocateAdapterChannel(a, &device, 2, channel_ready, &seen);
	a->DmaOperations->MapTransfer(a, mdl, seen.base, at, &length, FALSE);
	a->DmaOperations->FreeMapRegisters(a, seen.base, 2);
}

static void channel_that_is_free(void *context)
{
	PDMA_ADAPTER a = adapter(true, true, 4096);

	(void)context;
	us_nt_raise_irql(DISPATCH_LEVEL);
	a->DmaOperations->FreeAdapterChannel(a);
}

static void every_misuse_ends_the_run_with_its_rule(void **state)
{
	static const struct {
		const char *rule;
		void (*body)(void *context);
	} misuses[] = {
		{"irql.dma", list_at_passive},
		{"dma.mdl-not-locked", list_of_unlocked},
		{"dma.list", put_twice},
		{"dma.direction", put_other_direction},
		{"dma.adapter-in-use", adapter_with_buffer},
		{"dma.adapter", adapter_twice},
		{"dma.common-buffer", buffer_of_another_length},
		{"dma.common-buffer", buffer_twice},
		{"dma.map-registers", registers_twice},
		{"dma.map-registers", mapped_too_much},
		{"dma.not-flushed", not_flushed},
		{"dma.channel", channel_that_is_free},
	};

	(void)state;
	for (size_t i = 0; i < sizeof misuses / sizeof *misuses; i++)
		rig_run_breaks(misuses[i].rule, misuses[i].body, NULL);
}

/* -- limits ------------------------------------------------------------------------------------------------------- */

static void limits(void *context)
{
	struct seen seen = {0};
	uint8_t *at, space[200];
	PMDL mdl = buffer(&at, 100, 3 * US_NT_PAGE);
	PDMA_ADAPTER a = adapter(true, true, US_NT_PAGE), wide = adapter(true, true, 1 << 20);
	ULONG size, count;

	(void)context;
	rig_expect(registers == 257);
	adapter(true, true, US_NT_PAGE);
	rig_expect(registers == 2);
	adapter(false, true, 64 << 20);
	rig_expect(registers == US_MAP_REGISTERS);
	us_nt_raise_irql(DISPATCH_LEVEL);
	rig_expect(get(a, mdl, at, 3 * US_NT_PAGE, &seen, true) ==
		   STATUS_INSUFFICIENT_RESOURCES); /* more than it asked for */
	rig_expect(get(wide, mdl, at, 3 * US_NT_PAGE + 1, &seen, true) == STATUS_BUFFER_TOO_SMALL);
	rig_expect(get(wide, mdl, at, 0, &seen, true) == STATUS_BUFFER_TOO_SMALL);
	rig_expect(wide->DmaOperations->CalculateScatterGatherList(wide, mdl, at, 3 * US_NT_PAGE + 1, &size, NULL) ==
		   STATUS_BUFFER_TOO_SMALL);
	rig_expect(a->DmaOperations->CalculateScatterGatherList(a, mdl, at, 3 * US_NT_PAGE, &size, NULL) ==
		   STATUS_INSUFFICIENT_RESOURCES);
	rig_expect(wide->DmaOperations->CalculateScatterGatherList(wide, mdl, at, 3 * US_NT_PAGE, &size, &count) == 0);
	rig_expect(count == 4 && size == 16 + 4 * sizeof(SCATTER_GATHER_ELEMENT));
	rig_expect(wide->DmaOperations->CalculateScatterGatherList(wide, NULL, at, 3 * US_NT_PAGE, &size, &count) ==
			   0 &&
		   count == 4);
	rig_expect(wide->DmaOperations->BuildScatterGatherList(wide, &device, mdl, at, 3 * US_NT_PAGE, list_ready,
							       &seen, TRUE, space,
							       size - 1) == STATUS_BUFFER_TOO_SMALL);
	rig_expect(a->DmaOperations->AllocateAdapterChannel(a, &device, 3, channel_ready, &seen) ==
		   STATUS_INSUFFICIENT_RESOURCES);
	rig_expect(seen.calls == 0);
	rig_expect(wide->DmaOperations->GetDmaAlignment(wide) == 1);
	us_nt_lower_irql(PASSIVE_LEVEL);
}

static void what_can_not_be_is_refused(void **state)
{
	(void)state;
	rig_run(NULL, limits, NULL);
}

static void old_description(void *context)
{
	DEVICE_DESCRIPTION d = {.Version = 4, .Master = TRUE};

	d.Version = *(ULONG *)context;
	d.Master = d.Version != 1;
	US_IMPORT(IoGetDmaAdapter)(NULL, &d, &registers);
}

static void other_adapters_are_not_there(void **state)
{
	ULONG version = 4;

	(void)state;
	rig_run_breaks("unsupported", old_description, &version);
	version = 1; /* and no master */
	rig_run_breaks("unsupported", old_description, &version);
}

/* -- lists -------------------------------------------------------------------------------------------------------- */

static void wide_list(void *context)
{
	struct seen seen = {0};
	uint8_t *at;
	PMDL mdl = buffer(&at, 1000, 5 * US_NT_PAGE);
	PDMA_ADAPTER a = adapter(true, true, 1 << 20);
	size_t total = 0;

	(void)context;
	us_nt_raise_irql(DISPATCH_LEVEL);
	rig_expect(get(a, mdl, at + 3000, 4 * US_NT_PAGE, &seen, false) == 0 && seen.calls == 1);
	rig_expect(seen.list->NumberOfElements ==
		   5); /* no two pages are contiguous; the first piece begins inside of one */
	for (ULONG i = 0; i < seen.list->NumberOfElements; i++) {
		rig_expect((uint64_t)seen.list->Elements[i].Address.QuadPart == us_nt_physical(at + 3000 + total));
		total += seen.list->Elements[i].Length;
	}
	rig_expect(total == 4 * US_NT_PAGE && seen.list->Elements[0].Length == US_NT_PAGE - 4000);
	a->DmaOperations->PutScatterGatherList(a, seen.list, FALSE);
	us_nt_lower_irql(PASSIVE_LEVEL);
	a->DmaOperations->PutDmaAdapter(a);
	rig_expect(us_nt_hal_leaks(NULL, 0) == 0);
}

static void a_device_with_64_bits_gets_the_pages_themselves(void **state)
{
	(void)state;
	rig_run(NULL, wide_list, NULL);
}

static void merged(void *context)
{
	struct seen seen = {0};
	uint64_t physical;
	uint8_t *at = us_nt_contiguous(4, UINT64_MAX, &physical), *other, space[400];
	PMDL mdl = IoAllocateMdl(at + 5, 3 * US_NT_PAGE, FALSE, FALSE, NULL), second = buffer(&other, 0, 100);
	PDMA_ADAPTER a = adapter(true, true, 1 << 20);

	(void)context;
	MmBuildMdlForNonPagedPool(mdl);
	us_nt_raise_irql(DISPATCH_LEVEL);
	rig_expect(get(a, mdl, at + 5, 3 * US_NT_PAGE, &seen, true) == 0);
	rig_expect(seen.list->NumberOfElements == 1 && seen.list->Elements[0].Length == 3 * US_NT_PAGE);
	rig_expect((uint64_t)seen.list->Elements[0].Address.QuadPart == physical + 5);
	a->DmaOperations->PutScatterGatherList(a, seen.list, TRUE);

	mdl->Next = second; /* a chain: the buffer goes on there */
	rig_expect(a->DmaOperations->BuildScatterGatherList(a, &device, mdl, at + 5 + US_NT_PAGE, 2 * US_NT_PAGE + 50,
							    list_ready, &seen, TRUE, space, sizeof space) == 0);
	rig_expect((void *)seen.list == space && seen.list->NumberOfElements == 2);
	rig_expect((uint64_t)seen.list->Elements[1].Address.QuadPart == us_nt_physical(other) &&
		   seen.list->Elements[1].Length == 50);
	a->DmaOperations->PutScatterGatherList(a, seen.list, TRUE);
	us_nt_lower_irql(PASSIVE_LEVEL);
}

static void contiguous_pages_are_one_element_and_chains_are_followed(void **state)
{
	(void)state;
	rig_run(NULL, merged, NULL);
}

static void narrow_list(void *context)
{
	struct seen seen = {0};
	uint8_t *at, bytes[5 * US_NT_PAGE];
	PMDL mdl = buffer(&at, 1000, 5 * US_NT_PAGE);
	PDMA_ADAPTER a = adapter(false, true, 1 << 20);
	size_t total = 0, direct = 0;

	(void)context;
	for (size_t i = 0; i < sizeof bytes; i++)
		at[i] = (uint8_t)(i * 7 + i / 256);
	us_nt_raise_irql(DISPATCH_LEVEL);
	rig_expect(get(a, mdl, at, sizeof bytes, &seen, true) == 0);
	for (ULONG i = 0; i < seen.list->NumberOfElements; i++) {
		const uint64_t address = (uint64_t)seen.list->Elements[i].Address.QuadPart;

		rig_expect(address + seen.list->Elements[i].Length <= FOUR_GIB);
		direct += address == us_nt_physical(at + total);
		device_reads(address, bytes + total, seen.list->Elements[i].Length);
		total += seen.list->Elements[i].Length;
	}
	rig_expect(total == sizeof bytes && direct == 3); /* of six pages, every other lies below 4 GiB */
	rig_expect(!memcmp(bytes, at, sizeof bytes));
	a->DmaOperations->PutScatterGatherList(a, seen.list, TRUE);

	rig_expect(get(a, mdl, at, sizeof bytes, &seen, false) == 0);
	for (ULONG i = 0; i < seen.list->NumberOfElements; i++)
		memset(us_nt_linear((uint64_t)seen.list->Elements[i].Address.QuadPart), (int)i + 1,
		       seen.list->Elements[i].Length);
	rig_expect(at[US_NT_PAGE - 1000 - 1] == 1 || at[US_NT_PAGE] == 2); /* one of them is there, the other not yet */
	rig_expect(!(at[0] == 1 && at[US_NT_PAGE] == 2));
	a->DmaOperations->PutScatterGatherList(a, seen.list, FALSE);
	rig_expect(at[0] == 1 && at[US_NT_PAGE] == 2 && at[sizeof bytes - 1] == 6);
	us_nt_lower_irql(PASSIVE_LEVEL);
}

static void a_device_with_32_bits_gets_copies_of_pages_above_4_gib(void **state)
{
	(void)state;
	rig_run(NULL, narrow_list, NULL);
}

static void waiting(void *context)
{
	struct seen seen[4] = {{0}}, small = {0};
	const ULONG size = 100 * US_NT_PAGE;
	PDMA_ADAPTER a = adapter(false, true, size);
	uint8_t *at;
	PMDL mdl = buffer(&at, 0, size);

	(void)context;
	us_nt_raise_irql(DISPATCH_LEVEL);
	for (unsigned i = 0; i < 4; i++) /* there are 256 */
		rig_expect(get(a, mdl, at, size, &seen[i], false) == 0);
	rig_expect(seen[0].calls == 1 && seen[1].calls == 1 && seen[2].calls == 0 && seen[3].calls == 0);
	rig_expect(get(a, mdl, at, 1, &small, false) == 0 &&
		   small.calls == 0); /* there is one, but others wait longer */
	a->DmaOperations->PutScatterGatherList(a, seen[0].list, FALSE);
	rig_expect(seen[2].calls == 1 && seen[3].calls == 0); /* in their order */
	a->DmaOperations->PutScatterGatherList(a, seen[1].list, FALSE);
	rig_expect(seen[3].calls == 1 && small.calls == 1);
	a->DmaOperations->PutScatterGatherList(a, small.list, FALSE);
	a->DmaOperations->PutScatterGatherList(a, seen[2].list, FALSE);
	a->DmaOperations->PutScatterGatherList(a, seen[3].list, FALSE);
	us_nt_lower_irql(PASSIVE_LEVEL);
	a->DmaOperations->PutDmaAdapter(a);
}

static void who_finds_no_map_registers_waits_for_them(void **state)
{
	(void)state;
	rig_run(NULL, waiting, NULL);
}

/* -- transfers ---------------------------------------------------------------------------------------------------- */

static void packet(void *context)
{
	PDMA_ADAPTER a = adapter(true, false, 4 * US_NT_PAGE);
	struct seen seen = {.action = DeallocateObjectKeepRegisters};
	uint8_t *at, bytes[3 * US_NT_PAGE];
	PMDL mdl = buffer(&at, 2000, sizeof bytes);
	ULONG length = sizeof bytes;
	uint64_t address;

	(void)context;
	for (size_t i = 0; i < sizeof bytes; i++)
		at[i] = (uint8_t)(i * 3);
	us_nt_raise_irql(DISPATCH_LEVEL);
	rig_expect(a->DmaOperations->AllocateAdapterChannel(a, &device, 4, channel_ready, &seen) == 0 &&
		   seen.calls == 1);
	address = (uint64_t)a->DmaOperations->MapTransfer(a, mdl, seen.base, at, &length, TRUE).QuadPart;
	rig_expect(length == sizeof bytes && address % US_NT_PAGE == 2000); /* one piece, however scattered it is */
	device_reads(address, bytes, sizeof bytes);
	rig_expect(!memcmp(bytes, at, sizeof bytes));
	rig_expect(a->DmaOperations->FlushAdapterBuffers(a, mdl, seen.base, at, length, TRUE));

	address = (uint64_t)a->DmaOperations->MapTransfer(a, mdl, seen.base, at, &length, FALSE).QuadPart;
	memset(us_nt_linear(address), 0xee, length);
	rig_expect(at[5] != 0xee);
	a->DmaOperations->FlushAdapterBuffers(a, mdl, seen.base, at, length, FALSE);
	for (size_t i = 0; i < sizeof bytes; i++)
		rig_expect(at[i] == 0xee);

	length = 100; /* what lies in one page needs no copy */
	address = (uint64_t)a->DmaOperations->MapTransfer(a, mdl, seen.base, at, &length, FALSE).QuadPart;
	rig_expect(length == 100 && address == us_nt_physical(at));
	a->DmaOperations->FreeMapRegisters(a, seen.base, 4);
	us_nt_lower_irql(PASSIVE_LEVEL);
	a->DmaOperations->PutDmaAdapter(a);
}

static void without_scatter_gather_a_transfer_is_one_piece(void **state)
{
	(void)state;
	rig_run(NULL, packet, NULL);
}

static void pieces(void *context)
{
	PDMA_ADAPTER a = adapter(false, true, 4 * US_NT_PAGE);
	struct seen seen = {.action = DeallocateObjectKeepRegisters}, second = {.action = KeepObject},
		    third = {.action = DeallocateObject};
	uint8_t *at, bytes[3 * US_NT_PAGE];
	PMDL mdl = buffer(&at, 0, sizeof bytes);

	(void)context;
	memset(at, 0x5c, sizeof bytes);
	us_nt_raise_irql(DISPATCH_LEVEL);
	a->DmaOperations->AllocateAdapterChannel(a, &device, 3, channel_ready, &seen);
	for (ULONG done = 0, length; done < sizeof bytes; done += length) {
		length = sizeof bytes - done;
		const uint64_t address =
			(uint64_t)a->DmaOperations->MapTransfer(a, mdl, seen.base, at + done, &length, TRUE).QuadPart;

		rig_expect(length == US_NT_PAGE && address + length <= FOUR_GIB);
		device_reads(address, bytes + done, length);
	}
	rig_expect(!memcmp(bytes, at, sizeof bytes));
	a->DmaOperations->FlushAdapterBuffers(a, mdl, seen.base, at, sizeof bytes, TRUE);
	a->DmaOperations->FreeMapRegisters(a, seen.base, 3);

	a->DmaOperations->AllocateAdapterChannel(a, &device, 3, channel_ready, &second);
	rig_expect(second.calls == 1);
	a->DmaOperations->AllocateAdapterChannel(a, &device, 3, channel_ready, &third); /* waits for the channel */
	rig_expect(third.calls == 0);
	a->DmaOperations->FreeAdapterChannel(a);
	rig_expect(third.calls == 1);
	us_nt_lower_irql(PASSIVE_LEVEL);
	a->DmaOperations->PutDmaAdapter(a); /* nothing is left */
}

static void with_scatter_gather_each_piece_is_mapped_by_itself(void **state)
{
	(void)state;
	rig_run(NULL, pieces, NULL);
}

/* -- common buffers, and time ------------------------------------------------------------------------------------- */

/* As a DPC on another processor may, which finds the transfer done before the routine that began it has returned. */
static IO_ALLOCATION_ACTION NTAPI channel_ready_and_freed(PDEVICE_OBJECT object, PIRP irp, PVOID base, PVOID context)
{
	PDMA_ADAPTER a = context;

	(void)object, (void)irp, (void)base;
	a->DmaOperations->FreeAdapterChannel(a);
	return KeepObject;
}

static void freed_early(void *context)
{
	PDMA_ADAPTER a = adapter(false, false, 2 * US_NT_PAGE);

	(void)context;
	us_nt_raise_irql(DISPATCH_LEVEL);
	for (unsigned i = 0; i < 3; i++)
		rig_expect(a->DmaOperations->AllocateAdapterChannel(a, &device, 2, channel_ready_and_freed, a) == 0);
	us_nt_lower_irql(PASSIVE_LEVEL);
	a->DmaOperations->PutDmaAdapter(a); /* has nothing any more */
}

static void a_channel_may_be_freed_while_its_routine_runs(void **state)
{
	(void)state;
	rig_run(NULL, freed_early, NULL);
}

static void common(void *context)
{
	PDMA_ADAPTER narrow = adapter(false, true, 4096), wide = adapter(true, true, 4096), third;
	struct {
		DEVICE_DESCRIPTION begin;
		ULONG width, rest[4];
	} d = {.begin = {.Version = 3, .Master = TRUE, .ScatterGather = TRUE, .MaximumLength = 4096}, .width = 36};
	PHYSICAL_ADDRESS logical, highest = {.QuadPart = 0xffffffff};
	uint8_t *at = narrow->DmaOperations->AllocateCommonBuffer(narrow, 10000, &logical, FALSE), *other;
	PVOID(NTAPI * allocate_ex)(PDMA_ADAPTER, PPHYSICAL_ADDRESS, ULONG, PPHYSICAL_ADDRESS, BOOLEAN, ULONG);
	char text[100];

	(void)context;
	rig_expect(at && (uint64_t)logical.QuadPart < FOUR_GIB && us_nt_physical(at) == (uint64_t)logical.QuadPart);
	rig_expect(us_nt_physical(at + 8192) == (uint64_t)logical.QuadPart + 8192);
	narrow->DmaOperations->FreeCommonBuffer(narrow, 10000, logical, at, FALSE);
	rig_expect(!us_nt_is_mapped(at, 1));
	other = wide->DmaOperations->AllocateCommonBuffer(wide, 1, &logical, FALSE);
	rig_expect((uint64_t)logical.QuadPart >= FOUR_GIB); /* where a driver that forgets the upper half fails */
	wide->DmaOperations->FreeCommonBuffer(wide, 1, logical, other, FALSE);
	rig_expect(!wide->DmaOperations->AllocateCommonBuffer(wide, 0, &logical, FALSE));
	rig_expect(!wide->DmaOperations->AllocateCommonBuffer(wide, 1 << 30, &logical, FALSE));

	third = US_IMPORT(IoGetDmaAdapter)(NULL, &d.begin, &registers);
	rig_expect(third->Version == 3 && third->DmaOperations->Size == 39 * sizeof(void *));
	memcpy(&allocate_ex, (uint8_t *)third->DmaOperations + 19 * sizeof(void *), sizeof allocate_ex);
	at = allocate_ex(third, &highest, 100, &logical, FALSE, 0);
	rig_expect(at && (uint64_t)logical.QuadPart < FOUR_GIB);
	third->DmaOperations->FreeCommonBuffer(third, 100, logical, at, FALSE);
	at = allocate_ex(third, NULL, 100, &logical, FALSE, 0);
	rig_expect(at && (uint64_t)logical.QuadPart < UINT64_C(1) << 36);
	rig_expect(us_nt_hal_leaks(text, sizeof text) == 3 && !strcmp(text, "3 DMA adapter(s) (no PutDmaAdapter)"));
}

static void common_buffers_are_where_the_device_reaches_them(void **state)
{
	(void)state;
	rig_run(NULL, common, NULL);
}

static void clock(void *context)
{
	LARGE_INTEGER frequency, begin = KeQueryPerformanceCounter(&frequency), end;
	const uint64_t before = us_nt_now();

	(void)context;
	rig_expect(frequency.QuadPart == 10000000);
	US_IMPORT(KeStallExecutionProcessor)(2500);
	rig_expect(us_nt_now() >= before + 2500000);
	end = KeQueryPerformanceCounter(NULL);
	rig_expect(end.QuadPart - begin.QuadPart >= 25000);
}

static void stalls_take_their_time(void **state)
{
	(void)state;
	rig_run_seeds(5, clock, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_misuse_ends_the_run_with_its_rule),
		cmocka_unit_test(what_can_not_be_is_refused),
		cmocka_unit_test(other_adapters_are_not_there),
		cmocka_unit_test(a_device_with_64_bits_gets_the_pages_themselves),
		cmocka_unit_test(contiguous_pages_are_one_element_and_chains_are_followed),
		cmocka_unit_test(a_device_with_32_bits_gets_copies_of_pages_above_4_gib),
		cmocka_unit_test(who_finds_no_map_registers_waits_for_them),
		cmocka_unit_test(without_scatter_gather_a_transfer_is_one_piece),
		cmocka_unit_test(with_scatter_gather_each_piece_is_mapped_by_itself),
		cmocka_unit_test(a_channel_may_be_freed_while_its_routine_runs),
		cmocka_unit_test(common_buffers_are_where_the_device_reaches_them),
		cmocka_unit_test(stalls_take_their_time),
	};

	return cmocka_run_group_tests_name("dma", tests, NULL, NULL);
}
