/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DMA adapters and common buffers. Source: Microsoft, IoGetDmaAdapter and DMA_OPERATIONS; what Driver Verifier's DMA
 * verification finds is found (bug check 0xE6, with its numbers).
 */
#include "nt/hal.h"

#include "nt/kernel.h"
#include "nt/phys.h"
#include "nt/trace.h"

#define TAG 0x20616d44 /* 'Dma ' */

/* Version 3's description has this behind version 2's. */
struct description_of_version_3 {
	DEVICE_DESCRIPTION begin;
	ULONG DmaAddressWidth, DmaControllerInstance, DmaRequestLine;
	PHYSICAL_ADDRESS DeviceAddress;
};

struct us_common_buffer {
	struct us_adapter *adapter;
	size_t pages;
	ULONG length;
	uint64_t logical;
};

struct us_adapter *us_adapter_from(PDMA_ADAPTER adapter, const char *function)
{
	struct us_adapter *a = us_nt->hal->adapters;

	while (a && &a->windows != adapter)
		a = a->next;
	if (!a)
		us_nt_bugcheck(0xE6, 0, (uintptr_t)adapter, 0, 0, "dma.adapter",
			       "%s: %p is no DMA adapter, or not any more", function, (void *)adapter);
	return a;
}

/* -- common buffers ----------------------------------------------------------------------------------------------- */

static PVOID common_buffer(PDMA_ADAPTER adapter, uint64_t highest, ULONG length, PPHYSICAL_ADDRESS logical)
{
	struct us_adapter *a = us_adapter_from(adapter, "AllocateCommonBuffer");
	const size_t pages = ((size_t)length + US_NT_PAGE - 1) / US_NT_PAGE;
	struct us_common_buffer *buffer;
	uint64_t physical;
	void *at = us_nt_contiguous(pages, highest < a->highest ? highest : a->highest, &physical);

	if (!at)
		return NULL;
	buffer = us_nt_alloc(sizeof *buffer);
	*buffer = (struct us_common_buffer){a, pages, length, physical};
	us_addresses_add(&us_nt->hal->buffers, at, buffer);
	a->nbuffers++;
	logical->QuadPart = (LONGLONG)physical;
	memset(at, 0xa5, pages * US_NT_PAGE); /* nobody has promised zeroes */
	us_nt_trace("note      a common buffer of %u bytes at device address 0x%llx", length,
		    (unsigned long long)physical);
	return at;
}

static PVOID NTAPI allocate_common_buffer(PDMA_ADAPTER adapter, ULONG length, PPHYSICAL_ADDRESS logical, BOOLEAN cached)
{
	(void)cached;
	return common_buffer(adapter, UINT64_MAX, length, logical);
}

/* Version 3's. */
static PVOID NTAPI allocate_common_buffer_ex(PDMA_ADAPTER adapter, PPHYSICAL_ADDRESS highest, ULONG length,
					     PPHYSICAL_ADDRESS logical, BOOLEAN cached, ULONG node)
{
	(void)cached, (void)node;
	return common_buffer(adapter, highest ? (uint64_t)highest->QuadPart : UINT64_MAX, length, logical);
}

static void NTAPI free_common_buffer(PDMA_ADAPTER adapter, ULONG length, PHYSICAL_ADDRESS logical, PVOID at,
				     BOOLEAN cached)
{
	struct us_adapter *a = us_adapter_from(adapter, "FreeCommonBuffer");
	struct us_common_buffer *buffer = us_addresses_find(&us_nt->hal->buffers, at);

	(void)cached;
	if (!buffer || buffer->adapter != a)
		us_nt_bugcheck(0xE6, 3, 1, 0, 0, "dma.common-buffer",
			       "FreeCommonBuffer: %p is no common buffer of this adapter, or was freed before", at);
	if (buffer->length != length || buffer->logical != (uint64_t)logical.QuadPart)
		us_nt_bugcheck(
			0xE6, 3, 1, length, buffer->length, "dma.common-buffer",
			"FreeCommonBuffer: the buffer at %p has %u bytes at device address 0x%llx, not %u at 0x%llx",
			at, buffer->length, (unsigned long long)buffer->logical, length,
			(unsigned long long)logical.QuadPart);
	us_nt_contiguous_free(at, buffer->pages);
	us_addresses_remove(&us_nt->hal->buffers, at);
	us_nt_free(buffer);
	a->nbuffers--;
}

/* -- adapters ----------------------------------------------------------------------------------------------------- */

static void must_have_none(const struct us_adapter *a, size_t count, uint64_t code, const char *what)
{
	if (count)
		us_nt_bugcheck(0xE6, code, (uintptr_t)a, count, 0, "dma.adapter-in-use",
			       "PutDmaAdapter: the adapter still has %zu %s", count, what);
}

static void NTAPI put_adapter(PDMA_ADAPTER adapter)
{
	struct us_adapter *a = us_adapter_from(adapter, "PutDmaAdapter"), **link = &us_nt->hal->adapters;

	must_have_none(a, a->nbuffers, 7, "common buffer(s)");
	must_have_none(a, a->channel, 8, "adapter channel");
	must_have_none(a, a->nlists, 0xA, "scatter/gather list(s)");
	must_have_none(a, a->nregisters, 9, "set(s) of map registers");
	while (*link != a)
		link = &(*link)->next;
	*link = a->next;
	us_nt_pool_free(a);
}

static ULONG NTAPI alignment(PDMA_ADAPTER adapter)
{
	us_adapter_from(adapter, "GetDmaAlignment");
	return 1; /* x64's caches are coherent */
}

static ULONG NTAPI read_counter(PDMA_ADAPTER adapter)
{
	us_adapter_from(adapter, "ReadDmaCounter");
	us_nt_unsupported("ReadDmaCounter, which is for the system's DMA controller");
}

static NTSTATUS NTAPI mdl_from_list(PDMA_ADAPTER adapter, PSCATTER_GATHER_LIST list, PMDL original, PMDL *target)
{
	(void)adapter, (void)list, (void)original, (void)target;
	us_nt_unsupported("BuildMdlFromScatterGatherList");
}

#define OPERATIONS 16
#define OPERATIONS_OF_VERSION_3 39

/* In the order of DMA_OPERATIONS; behind BuildMdlFromScatterGatherList they are version 3's. */
static const struct us_export operations[OPERATIONS_OF_VERSION_3 - 1] = {
	US_EXPORT_AS("PutDmaAdapter", put_adapter, DISPATCH_LEVEL, "v:p"),
	US_EXPORT_AS("AllocateCommonBuffer", allocate_common_buffer, PASSIVE_LEVEL, "P:pupb"),
	US_EXPORT_AS("FreeCommonBuffer", free_common_buffer, PASSIVE_LEVEL, "v:puqpb"),
	US_EXPORT_AS("AllocateAdapterChannel", us_hal_allocate_channel, DISPATCH_LEVEL, "S:ppupp"),
	US_EXPORT_AS("FlushAdapterBuffers", us_hal_flush, DISPATCH_LEVEL, "b:ppppub"),
	US_EXPORT_AS("FreeAdapterChannel", us_hal_free_channel, DISPATCH_LEVEL, "v:p"),
	US_EXPORT_AS("FreeMapRegisters", us_hal_free_registers, DISPATCH_LEVEL, "v:ppu"),
	US_EXPORT_AS("MapTransfer", us_hal_map_transfer, DISPATCH_LEVEL, "q:ppppub"),
	US_EXPORT_AS("GetDmaAlignment", alignment, DISPATCH_LEVEL, "u:p"),
	US_EXPORT_AS("ReadDmaCounter", read_counter, DISPATCH_LEVEL, "u:p"),
	US_EXPORT_AS("GetScatterGatherList", us_hal_get_list, DISPATCH_LEVEL, "S:ppppuppb"),
	US_EXPORT_AS("PutScatterGatherList", us_hal_put_list, DISPATCH_LEVEL, "v:ppb"),
	US_EXPORT_AS("CalculateScatterGatherList", us_hal_calculate_list, DISPATCH_LEVEL, "s:pppupp"),
	US_EXPORT_AS("BuildScatterGatherList", us_hal_build_list, DISPATCH_LEVEL, "s:ppppuppbpu"),
	US_EXPORT_AS("BuildMdlFromScatterGatherList", mdl_from_list, DISPATCH_LEVEL, "s:pppp"),
	US_EXPORT_AS("GetDmaAdapterInfo", NULL, DISPATCH_LEVEL, ""),
	US_EXPORT_AS("GetDmaTransferInfo", NULL, DISPATCH_LEVEL, ""),
	US_EXPORT_AS("InitializeDmaTransferContext", NULL, DISPATCH_LEVEL, ""),
	US_EXPORT_AS("AllocateCommonBufferEx", allocate_common_buffer_ex, PASSIVE_LEVEL, "P:ppupbu"),
	US_EXPORT_AS("AllocateAdapterChannelEx", NULL, DISPATCH_LEVEL, ""),
	US_EXPORT_AS("ConfigureAdapterChannel", NULL, DISPATCH_LEVEL, ""),
	US_EXPORT_AS("CancelAdapterChannel", NULL, DISPATCH_LEVEL, ""),
	US_EXPORT_AS("MapTransferEx", NULL, DISPATCH_LEVEL, ""),
	US_EXPORT_AS("GetScatterGatherListEx", NULL, DISPATCH_LEVEL, ""),
	US_EXPORT_AS("BuildScatterGatherListEx", NULL, DISPATCH_LEVEL, ""),
	US_EXPORT_AS("FlushAdapterBuffersEx", NULL, DISPATCH_LEVEL, ""),
	US_EXPORT_AS("FreeAdapterObject", NULL, DISPATCH_LEVEL, ""),
	US_EXPORT_AS("CancelMappedTransfer", NULL, DISPATCH_LEVEL, ""),
	US_EXPORT_AS("AllocateDomainCommonBuffer", NULL, PASSIVE_LEVEL, ""),
	US_EXPORT_AS("FlushDmaBuffer", NULL, DISPATCH_LEVEL, ""),
	US_EXPORT_AS("JoinDmaDomain", NULL, PASSIVE_LEVEL, ""),
	US_EXPORT_AS("LeaveDmaDomain", NULL, PASSIVE_LEVEL, ""),
	US_EXPORT_AS("GetDmaDomain", NULL, PASSIVE_LEVEL, ""),
	US_EXPORT_AS("AllocateCommonBufferWithBounds", NULL, PASSIVE_LEVEL, ""),
	US_EXPORT_AS("AllocateCommonBufferVector", NULL, PASSIVE_LEVEL, ""),
	US_EXPORT_AS("GetCommonBufferFromVectorByIndex", NULL, PASSIVE_LEVEL, ""),
	US_EXPORT_AS("FreeCommonBufferFromVector", NULL, PASSIVE_LEVEL, ""),
	US_EXPORT_AS("FreeCommonBufferVector", NULL, PASSIVE_LEVEL, ""),
};

/* The table of operations, behind gates or not: the same for all adapters of a process. */
static struct _DMA_OPERATIONS *table(bool gated, ULONG version)
{
	static void *tables[2][2][OPERATIONS_OF_VERSION_3];
	void **t = tables[gated][version == 3];
	const size_t count = version == 3 ? OPERATIONS_OF_VERSION_3 : OPERATIONS;
	const ULONG size = (ULONG)(count * sizeof *t);

	if (!t[0]) {
		memcpy(t, &size, sizeof size);
		for (size_t i = 1; i < count; i++)
			t[i] = gated ? us_nt_gate(&operations[i - 1]) : (void *)(uintptr_t)operations[i - 1].function;
	}
	return (struct _DMA_OPERATIONS *)(void *)t;
}

/* What a device can address. */
static uint64_t highest_of(const DEVICE_DESCRIPTION *d)
{
	unsigned width = d->Dma64BitAddresses ? 64 : 32;

	if (d->Version >= 3 && ((const struct description_of_version_3 *)(const void *)d)->DmaAddressWidth)
		width = ((const struct description_of_version_3 *)(const void *)d)->DmaAddressWidth;
	return width >= 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
}

static PDMA_ADAPTER get_adapter(const DEVICE_DESCRIPTION *d, PULONG registers, bool of_driver)
{
	const ULONG version = d->Version;
	struct us_adapter *a;

	if (version > 3)
		us_nt_unsupported("IoGetDmaAdapter with a description of version %u", version);
	if (!d->Master)
		us_nt_unsupported("IoGetDmaAdapter for the system's DMA controller: a PCI device is its own master");
	a = us_nt_pool_alloc(sizeof *a, TAG);
	if (!a)
		return NULL;
	*a = (struct us_adapter){.of_driver = of_driver, .scatter_gather = d->ScatterGather, .highest = highest_of(d)};
	a->windows = (DMA_ADAPTER){.Version = (USHORT)(version == 3 ? 3 : 1),
				   .Size = sizeof a->windows,
				   .DmaOperations = table(of_driver, version)};
	a->registers = (ULONG)(((uint64_t)d->MaximumLength + US_NT_PAGE - 1) / US_NT_PAGE + 1);
	if ((!a->scatter_gather || a->highest != UINT64_MAX || us_nt->hal->copy_all) && a->registers > US_MAP_REGISTERS)
		a->registers = US_MAP_REGISTERS;
	a->next = us_nt->hal->adapters;
	us_nt->hal->adapters = a;
	*registers = a->registers;
	return &a->windows;
}

PDMA_ADAPTER NTAPI IoGetDmaAdapter(PDEVICE_OBJECT device, PDEVICE_DESCRIPTION description, PULONG registers)
{
	(void)device;
	return get_adapter(description, registers, false);
}

static PDMA_ADAPTER NTAPI driver_get_adapter(PDEVICE_OBJECT device, PDEVICE_DESCRIPTION description, PULONG registers)
{
	(void)device;
	return get_adapter(description, registers, true);
}

/* -- the module --------------------------------------------------------------------------------------------------- */

void us_nt_hal_init(void)
{
	us_nt->hal = us_nt_alloc(sizeof *us_nt->hal);
	us_nt->hal->last = &us_nt->hal->first;
}

size_t us_nt_hal_leaks(char *text, size_t size)
{
	size_t count = 0;

	for (const struct us_adapter *a = us_nt->hal->adapters; a; a = a->next)
		count += a->of_driver;
	if (count)
		snprintf(text, size, "%zu DMA adapter(s) (no PutDmaAdapter)", count);
	return count;
}

const struct us_export us_nt_hal_exports[] = {
	US_EXPORT_AS("IoGetDmaAdapter", driver_get_adapter, PASSIVE_LEVEL, "P:ppp"),
	US_EXPORT(KeQueryPerformanceCounter, HIGH_LEVEL, "q:p"),
	US_EXPORT(KeStallExecutionProcessor, HIGH_LEVEL, "v:u"),
	US_EXPORT_END,
};
