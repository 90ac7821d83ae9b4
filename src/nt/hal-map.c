/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Map registers, scatter/gather lists, and transfers. Source: Microsoft's pages of GetScatterGatherList, MapTransfer
 * and so on.
 *
 * A piece of a buffer that the device can address is given to it as it is; one that it can not (or, without
 * scatter/gather, a buffer that is not contiguous) by the address of a map register, whose page is filled before and
 * copied back after. So a driver that looks at its buffer before it has put the list back, or flushed, sees old bytes,
 * as on such a machine.
 */
#include "nt/hal.h"

#include "nt/kernel.h"
#include "nt/mm.h"
#include "nt/phys.h"
#include "nt/sched.h"
#include "nt/trace.h"

#define TAG 0x20616d44 /* 'Dma ' */
#define MAGIC 0x4d524547u
#define NO_REGISTERS UINT32_MAX

struct us_dma_list {
	struct us_adapter *adapter;
	struct us_map_registers *registers;
	bool of_pool; /* the list is ours to free */
	BOOLEAN to_device;
};

static void serve(void);

/* -- map registers ------------------------------------------------------------------------------------------------ */

static void make_bounce_pages(void)
{
	struct us_hal *hal = us_nt->hal;

	if (!hal->bounce && !us_nt_contiguous(US_MAP_REGISTERS, UINT32_MAX, &hal->bounce_physical))
		us_nt_stop(US_NT_FAILED, "",
			   "the machine has no room for %u map registers below 4 GiB: give it more memory",
			   US_MAP_REGISTERS);
	hal->bounce = us_nt_linear(hal->bounce_physical);
}

/* So many that lie behind one another; NO_REGISTERS: not now. */
static uint32_t reserve(ULONG count)
{
	struct us_hal *hal = us_nt->hal;
	const uint8_t *taken;
	uint32_t first = 0;

	make_bounce_pages();
	while (count <= US_MAP_REGISTERS - first) {
		taken = memrchr(hal->used + first, 1, count);
		if (!taken) {
			memset(hal->used + first, 1, count);
			return first;
		}
		first = (uint32_t)(taken - hal->used) + 1;
	}
	return NO_REGISTERS;
}

static bool needs_registers(const struct us_adapter *a)
{
	return !a->scatter_gather || a->highest != UINT64_MAX || us_nt->hal->copy_all;
}

/* NULL: none are free now, or no memory (*memory is false). */
static struct us_map_registers *registers_new(struct us_adapter *a, ULONG count, bool *memory)
{
	struct us_map_registers *r = us_nt_pool_alloc(sizeof *r, TAG);

	*memory = r;
	if (!r)
		return NULL;
	*r = (struct us_map_registers){
		.magic = MAGIC, .count = count, .adapter = a, .bounces = count && needs_registers(a)};
	if (r->bounces && (r->first = reserve(count)) == NO_REGISTERS) {
		us_nt_pool_free(r);
		return NULL;
	}
	a->nregisters++;
	return r;
}

static void registers_free(struct us_map_registers *r)
{
	for (struct us_map_piece *piece = r->pieces, *next; piece; piece = next) {
		next = piece->next;
		us_nt_free(piece);
	}
	if (r->bounces)
		memset(us_nt->hal->used + r->first, 0, r->count);
	r->adapter->nregisters--;
	r->magic = 0;
	us_nt_pool_free(r);
}

static struct us_map_registers *registers_from(PVOID base, const struct us_adapter *a, const char *function)
{
	struct us_map_registers *r = base;

	if (!us_nt_pool_is(base) || us_nt_pool_size(base) != sizeof *r || r->magic != MAGIC || r->adapter != a)
		us_nt_bugcheck(0xE6, 5, 1, (uintptr_t)base, 0, "dma.map-registers",
			       "%s: %p are no map registers of this adapter, or were freed before", function, base);
	return r;
}

/* -- pieces of a buffer ------------------------------------------------------------------------------------------- */

/* A place in a chain of MDLs. */
struct place {
	const MDL *mdl;
	size_t offset; /* into it */
};

static struct place place_of(const MDL *mdl, const void *address, const char *function)
{
	const struct place place = {mdl,
				    (size_t)((const uint8_t *)address - (const uint8_t *)MmGetMdlVirtualAddress(mdl))};

	if (!(mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL)))
		us_nt_bugcheck(0xE6, 0x13, (uintptr_t)mdl, (uint64_t)mdl->MdlFlags, 0, "dma.mdl-not-locked",
			       "%s: the pages of the MDL %p are not locked, the device could lose them under its hands",
			       function, (const void *)mdl);
	return place;
}

/* The physical address of a place, and how far its page goes, at most `length`. */
static uint64_t piece_at(const struct place *place, size_t length, size_t *size)
{
	const size_t at = place->mdl->ByteOffset + place->offset;
	const PFN_NUMBER frame = ((const PFN_NUMBER *)(place->mdl + 1))[at / US_NT_PAGE];

	*size = US_NT_PAGE - at % US_NT_PAGE;
	if (*size > place->mdl->ByteCount - place->offset)
		*size = place->mdl->ByteCount - place->offset;
	if (*size > length)
		*size = length;
	return frame * US_NT_PAGE + at % US_NT_PAGE;
}

/* Goes on by a piece, to the next MDL at the end of one; false: there is none. */
static bool advance(struct place *place, size_t size)
{
	place->offset += size;
	while (place->mdl && place->offset >= place->mdl->ByteCount) {
		place->offset -= place->mdl->ByteCount;
		place->mdl = place->mdl->Next;
	}
	return place->mdl;
}

/* How many pieces, each of one page, a buffer has; 0: the MDLs end before it does. */
static size_t pieces_of(struct place place, size_t length)
{
	size_t count = 0, size;

	if (!length || !advance(&place, 0))
		return 0;
	while (length) {
		if (!place.mdl)
			return 0;
		piece_at(&place, length, &size);
		length -= size;
		count++;
		advance(&place, size);
	}
	return count;
}

/* What the device is to use for a piece: the next map register, holding the bytes if they go to the device. */
static uint64_t bounce(struct us_map_registers *r, uint64_t physical, size_t size, bool to_device)
{
	const size_t at = (size_t)(r->first + r->used) * US_NT_PAGE + physical % US_NT_PAGE;
	struct us_map_piece *piece = us_nt_alloc(sizeof *piece);

	*piece = (struct us_map_piece){r->pieces, us_nt->hal->bounce + at, us_nt_linear(physical), size};
	r->pieces = piece;
	r->used++;
	if (to_device)
		memcpy(piece->bounce, piece->memory, size);
	return us_nt->hal->bounce_physical + at;
}

/* The transfer has ended: what the device wrote goes to the buffer. */
static void unbounce(struct us_map_registers *r, bool to_device)
{
	for (struct us_map_piece *piece = r->pieces, *next; piece; piece = next) {
		next = piece->next;
		if (!to_device)
			memcpy(piece->memory, piece->bounce, piece->size);
		us_nt_free(piece);
	}
	r->pieces = NULL;
	r->used = 0;
}

/* -- lists -------------------------------------------------------------------------------------------------------- */

static size_t list_size(size_t elements)
{
	return offsetof(SCATTER_GATHER_LIST, Elements) + elements * sizeof(SCATTER_GATHER_ELEMENT);
}

NTSTATUS NTAPI us_hal_calculate_list(PDMA_ADAPTER adapter, PMDL mdl, PVOID address, ULONG length, PULONG size,
				     PULONG registers)
{
	struct us_adapter *a = us_adapter_from(adapter, "CalculateScatterGatherList");
	size_t count = ((uintptr_t)address % US_NT_PAGE + length + US_NT_PAGE - 1) / US_NT_PAGE;

	if (mdl && !(count = pieces_of(place_of(mdl, address, "CalculateScatterGatherList"), length)))
		return STATUS_BUFFER_TOO_SMALL;
	if (count > a->registers)
		return STATUS_INSUFFICIENT_RESOURCES;
	*size = (ULONG)list_size(count);
	if (registers)
		*registers = (ULONG)count;
	return STATUS_SUCCESS;
}

/* Pieces that lie behind one another for the device become one element. */
static void fill(PSCATTER_GATHER_LIST list, struct us_map_registers *r, struct place place, size_t length,
		 bool to_device)
{
	list->NumberOfElements = 0;
	list->Reserved = 0;
	advance(&place, 0);
	for (size_t size; length; length -= size, advance(&place, size)) {
		uint64_t physical = piece_at(&place, length, &size);
		PSCATTER_GATHER_ELEMENT last = &list->Elements[list->NumberOfElements];

		if (physical + size - 1 > r->adapter->highest || us_nt->hal->copy_all)
			physical = bounce(r, physical, size, to_device);
		if (list->NumberOfElements && (uint64_t)last[-1].Address.QuadPart + last[-1].Length == physical) {
			last[-1].Length += (ULONG)size;
			continue;
		}
		*last = (SCATTER_GATHER_ELEMENT){.Address.QuadPart = (LONGLONG)physical, .Length = (ULONG)size};
		list->NumberOfElements++;
	}
}

static void call_list_routine(const struct us_map_waiter *w, PSCATTER_GATHER_LIST list)
{
	PIRP irp = w->device ? w->device->CurrentIrp : NULL;

	if (w->adapter->of_driver)
		US_CALL_VOID("AdapterListControl", w->list_routine, w->device, irp, list, w->context);
	else
		w->list_routine(w->device, irp, list, w->context);
}

/* Makes the list and gives it to who wants it. */
static void finish_list(const struct us_map_waiter *w, struct us_map_registers *r, PSCATTER_GATHER_LIST list)
{
	struct us_dma_list *record = us_nt_alloc(sizeof *record);

	*record = (struct us_dma_list){w->adapter, r, !w->list, w->to_device};
	fill(list, r, place_of(w->mdl, w->address, "GetScatterGatherList"), w->length, w->to_device);
	us_addresses_add(&us_nt->hal->lists, list, record);
	w->adapter->nlists++;
	w->adapter->nregisters--; /* those of a list count as the list */
	us_nt_trace("note      a scatter/gather list of %u elements for %u bytes", list->NumberOfElements, w->length);
	call_list_routine(w, list);
}

static void must_be_at_dispatch(const char *function)
{
	if (us_nt_irql() != DISPATCH_LEVEL)
		us_nt_bugcheck(0xC4, 0, us_nt_irql(), DISPATCH_LEVEL, 0, "irql.dma",
			       "%s was called at IRQL %u; it must be called at DISPATCH_LEVEL", function, us_nt_irql());
}

static bool start_list(const struct us_map_waiter *w, NTSTATUS *status)
{
	PSCATTER_GATHER_LIST list = w->list ? w->list : us_nt_pool_alloc(list_size(w->count), TAG);
	bool memory = list;
	struct us_map_registers *r = list ? registers_new(w->adapter, w->count, &memory) : NULL;

	*status = memory ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
	if (r) {
		finish_list(w, r, list);
		return true;
	}
	if (list && !w->list)
		us_nt_pool_free(list);
	return !memory;
}

static void wait_for_registers(const struct us_map_waiter *w)
{
	struct us_map_waiter *waiter = us_nt_alloc(sizeof *waiter);

	*waiter = *w;
	waiter->next = NULL;
	*us_nt->hal->last = waiter;
	us_nt->hal->last = &waiter->next;
	us_nt_trace("note      %u map registers are waited for", w->count);
}

static NTSTATUS want_list(struct us_map_waiter *w)
{
	NTSTATUS status;

	must_be_at_dispatch(w->list ? "BuildScatterGatherList" : "GetScatterGatherList");
	w->count = (ULONG)pieces_of(place_of(w->mdl, w->address, "GetScatterGatherList"), w->length);
	if (!w->count)
		return STATUS_BUFFER_TOO_SMALL;
	if (w->count > w->adapter->registers)
		return STATUS_INSUFFICIENT_RESOURCES;
	if (us_nt->hal->first && needs_registers(w->adapter)) { /* others wait longer */
		wait_for_registers(w);
		return STATUS_SUCCESS;
	}
	if (!start_list(w, &status))
		wait_for_registers(w);
	return status;
}

NTSTATUS NTAPI us_hal_get_list(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PMDL mdl, PVOID address, ULONG length,
			       PDRIVER_LIST_CONTROL routine, PVOID context, BOOLEAN to_device)
{
	struct us_map_waiter w = {.adapter = us_adapter_from(adapter, "GetScatterGatherList"),
				  .device = device,
				  .list_routine = routine,
				  .context = context,
				  .mdl = mdl,
				  .address = address,
				  .length = length,
				  .to_device = to_device};

	return want_list(&w);
}

NTSTATUS NTAPI us_hal_build_list(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PMDL mdl, PVOID address, ULONG length,
				 PDRIVER_LIST_CONTROL routine, PVOID context, BOOLEAN to_device, PVOID buffer,
				 ULONG size)
{
	struct us_map_waiter w = {.adapter = us_adapter_from(adapter, "BuildScatterGatherList"),
				  .device = device,
				  .list_routine = routine,
				  .context = context,
				  .mdl = mdl,
				  .address = address,
				  .length = length,
				  .to_device = to_device,
				  .list = buffer};

	if (size < list_size(pieces_of(place_of(mdl, address, "BuildScatterGatherList"), length)))
		return STATUS_BUFFER_TOO_SMALL;
	return want_list(&w);
}

void NTAPI us_hal_put_list(PDMA_ADAPTER adapter, PSCATTER_GATHER_LIST list, BOOLEAN to_device)
{
	struct us_adapter *a = us_adapter_from(adapter, "PutScatterGatherList");
	struct us_dma_list *record = us_addresses_find(&us_nt->hal->lists, list);

	must_be_at_dispatch("PutScatterGatherList");
	if (!record || record->adapter != a)
		us_nt_bugcheck(0xE6, 6, (uintptr_t)list, 0, 0, "dma.list",
			       "PutScatterGatherList: %p is no list of this adapter, or was put back before",
			       (void *)list);
	if (!record->to_device != !to_device)
		us_nt_bugcheck(0xE6, 0, (uintptr_t)list, to_device, record->to_device, "dma.direction",
			       "PutScatterGatherList: the list %p was made for a transfer %s the device, and is put "
			       "back for one %s",
			       (void *)list, record->to_device ? "to" : "from", to_device ? "to" : "from");
	us_addresses_remove(&us_nt->hal->lists, list);
	unbounce(record->registers, to_device);
	a->nlists--;
	a->nregisters++;
	registers_free(record->registers);
	if (record->of_pool)
		us_nt_pool_free(list);
	us_nt_free(record);
	serve();
}

/* -- channels and transfers --------------------------------------------------------------------------------------- */

static IO_ALLOCATION_ACTION call_channel_routine(const struct us_map_waiter *w, struct us_map_registers *r)
{
	PIRP irp = w->device ? w->device->CurrentIrp : NULL;

	if (w->adapter->of_driver)
		return US_CALL("AdapterControl", w->channel_routine, w->device, irp, r, w->context);
	return w->channel_routine(w->device, irp, r, w->context);
}

static bool start_channel(const struct us_map_waiter *w, NTSTATUS *status)
{
	bool memory = true;
	struct us_map_registers *r = w->adapter->channel ? NULL : registers_new(w->adapter, w->count, &memory);
	IO_ALLOCATION_ACTION action;

	*status = memory ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
	if (!r)
		return !memory;
	w->adapter->channel = true;
	w->adapter->kept =
		r; /* before the call: the driver may free the channel from elsewhere while its routine still runs */
	action = call_channel_routine(w, r);
	if (action == KeepObject)
		return true;
	w->adapter->channel = false;
	w->adapter->kept = NULL;
	if (action != DeallocateObjectKeepRegisters)
		registers_free(r);
	return true;
}

NTSTATUS NTAPI us_hal_allocate_channel(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, ULONG count,
				       PDRIVER_CONTROL routine, PVOID context)
{
	const struct us_map_waiter w = {.adapter = us_adapter_from(adapter, "AllocateAdapterChannel"),
					.device = device,
					.count = count,
					.channel_routine = routine,
					.context = context};
	NTSTATUS status;

	must_be_at_dispatch("AllocateAdapterChannel");
	if (count > w.adapter->registers)
		return STATUS_INSUFFICIENT_RESOURCES;
	if (us_nt->hal->first) {
		wait_for_registers(&w);
		return STATUS_SUCCESS;
	}
	if (!start_channel(&w, &status))
		wait_for_registers(&w);
	serve();
	return status;
}

void NTAPI us_hal_free_channel(PDMA_ADAPTER adapter)
{
	struct us_adapter *a = us_adapter_from(adapter, "FreeAdapterChannel");

	if (!a->channel)
		us_nt_bugcheck(0xE6, 4, 1, 0, 0, "dma.channel",
			       "FreeAdapterChannel: the adapter's channel is not allocated");
	a->channel = false;
	if (a->kept)
		registers_free(a->kept);
	a->kept = NULL;
	serve();
}

void NTAPI us_hal_free_registers(PDMA_ADAPTER adapter, PVOID base, ULONG count)
{
	struct us_adapter *a = us_adapter_from(adapter, "FreeMapRegisters");
	struct us_map_registers *r = registers_from(base, a, "FreeMapRegisters");

	if (r->count != count)
		us_nt_bugcheck(0xE6, 5, count, r->count, 0, "dma.map-registers",
			       "FreeMapRegisters: %u of %u map registers are freed", count, r->count);
	if (r->pieces)
		us_nt_bugcheck(0xE6, 0xD, (uintptr_t)base, 0, 0, "dma.not-flushed",
			       "FreeMapRegisters: what was mapped was not flushed: FlushAdapterBuffers comes first");
	registers_free(r);
	serve();
}

/* Whether the device can take all of it as it is: how much from the beginning on is contiguous and can be addressed. */
static size_t contiguous(const struct us_adapter *a, struct place place, size_t length, uint64_t *physical)
{
	size_t total = 0, size;

	*physical = piece_at(&place, length, &size);
	for (uint64_t next = *physical; length && place.mdl; length -= size, total += size, next += size) {
		if (piece_at(&place, length, &size) != next || next + size - 1 > a->highest)
			break;
		advance(&place, size);
	}
	return total;
}

static void must_have_room(const struct us_map_registers *r, size_t pages)
{
	if (!r->bounces || pages > r->count - r->used)
		us_nt_bugcheck(0xE6, 0xC, r->used + pages, r->count, 0, "dma.map-registers",
			       "MapTransfer: the transfer needs %zu map registers more, and has %u of %u left", pages,
			       r->count - r->used, r->count);
}

PHYSICAL_ADDRESS NTAPI us_hal_map_transfer(PDMA_ADAPTER adapter, PMDL mdl, PVOID base, PVOID address, PULONG length,
					   BOOLEAN to_device)
{
	struct us_adapter *a = us_adapter_from(adapter, "MapTransfer");
	struct us_map_registers *r = registers_from(base, a, "MapTransfer");
	struct place place = place_of(mdl, address, "MapTransfer");
	const size_t pieces = pieces_of(place, *length);
	uint64_t physical, first = 0;
	size_t direct, size;

	if (!pieces)
		us_nt_bugcheck(0xE6, 0, 1, *length, 0, "dma.beyond-mdl",
			       "MapTransfer: %u bytes at %p run past the end of the MDL %p", *length, address,
			       (void *)mdl);
	advance(&place, 0);
	direct = contiguous(a, place, *length, &physical);
	if (direct && (a->scatter_gather || direct == *length)) {
		*length = (ULONG)direct;
		return (PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)physical};
	}
	must_have_room(r, a->scatter_gather ? 1 : pieces);
	piece_at(&place, *length, &size);
	if (a->scatter_gather)
		*length = (ULONG)size;
	for (size_t left = *length; left; left -= size, advance(&place, size)) {
		physical = piece_at(&place, left, &size);
		physical = bounce(r, physical, size, to_device);
		first = first ? first : physical;
	}
	return (PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)first};
}

BOOLEAN NTAPI us_hal_flush(PDMA_ADAPTER adapter, PMDL mdl, PVOID base, PVOID address, ULONG length, BOOLEAN to_device)
{
	struct us_adapter *a = us_adapter_from(adapter, "FlushAdapterBuffers");

	(void)mdl, (void)address, (void)length;
	unbounce(registers_from(base, a, "FlushAdapterBuffers"), to_device);
	return TRUE;
}

/* -- who waits ---------------------------------------------------------------------------------------------------- */

/* Gives what has become free to those who wait, in their order. */
static void serve(void)
{
	struct us_hal *hal = us_nt->hal;
	KIRQL irql;

	if (hal->serving || !hal->first)
		return;
	hal->serving = true;
	irql = us_nt_irql() < DISPATCH_LEVEL ? us_nt_raise_irql(DISPATCH_LEVEL) : us_nt_irql();
	while (hal->first) {
		struct us_map_waiter *w = hal->first;
		NTSTATUS status;

		hal->first = w->next; /* before its routine, which may want more */
		if (!hal->first)
			hal->last = &hal->first;
		if (!(w->channel_routine ? start_channel(w, &status) : start_list(w, &status)) || !NT_SUCCESS(status)) {
			w->next = hal->first;
			hal->first = w;
			if (!w->next)
				hal->last = &w->next;
			break;
		}
		us_nt_free(w);
	}
	hal->serving = false;
	if (irql < DISPATCH_LEVEL)
		us_nt_lower_irql(irql);
}
