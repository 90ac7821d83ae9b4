/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies at an offset of a BAR. Every register, memory and MSI-X structure is a span; spans are found through a
 * table of buckets so fine that a bucket rarely holds more than one or two, and by bisection inside it, so that a
 * dense register file and a single register at the end of a terabyte cost the same few steps.
 */
#include "device/private.h"

#include <errno.h>
#include <stdlib.h>

#define BUCKETS_MAX 4096

static int by_start(const void *a, const void *b)
{
	const struct us_span *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static size_t collect(const struct us_map *map, unsigned bar, struct us_span *spans)
{
	const struct us_pci *pci = &map->pci;
	size_t n = 0;

	for (size_t i = 0; i < map->nregs; i++) {
		const uint64_t start = US_OFFSET_OF(map->regs[i].addr);

		if (US_BAR_OF(map->regs[i].addr) == bar)
			spans[n++] = (struct us_span){start, start + map->regs[i].size, US_SPAN_REGISTER, (uint32_t)i};
	}
	for (size_t i = 0; i < map->nmems; i++) {
		const uint64_t start = US_OFFSET_OF(map->mems[i].addr);

		if (US_BAR_OF(map->mems[i].addr) == bar)
			spans[n++] = (struct us_span){start, start + map->mems[i].size, US_SPAN_MEM, (uint32_t)i};
	}
	if (pci->msix && pci->msix_table_bar == bar)
		spans[n++] = (struct us_span){pci->msix_table_offset, pci->msix_table_offset + 16ull * pci->msix,
					      US_SPAN_MSIX_TABLE, 0};
	if (pci->msix && pci->msix_pba_bar == bar)
		spans[n++] =
			(struct us_span){pci->msix_pba_offset, pci->msix_pba_offset + 8ull * ((pci->msix + 63u) / 64),
					 US_SPAN_MSIX_PBA, 0};
	return n;
}

static int index_spans(struct us_space *space)
{
	size_t buckets, span = 0;

	space->limit = space->spans[space->count - 1].end;
	space->shift = 2;
	while ((space->limit - 1) >> space->shift >= BUCKETS_MAX)
		space->shift++;
	buckets = ((space->limit - 1) >> space->shift) + 2;
	space->bucket = calloc(buckets, sizeof *space->bucket);
	if (!space->bucket)
		return -ENOMEM;
	for (size_t k = 0; k < buckets; k++) {
		while (span < space->count && space->spans[span].end <= (uint64_t)k << space->shift)
			span++;
		space->bucket[k] = (uint32_t)span;
	}
	return 0;
}

int us_space_create(struct us_device *dev)
{
	const size_t most = dev->map->nregs + dev->map->nmems + 2;

	for (unsigned bar = 0; bar < US_BARS; bar++) {
		struct us_space *space = &dev->space[bar];

		if (dev->map->bars[bar].kind == US_BAR_NONE)
			continue;
		space->spans = calloc(most, sizeof *space->spans);
		if (!space->spans)
			return -ENOMEM;
		space->count = collect(dev->map, bar, space->spans);
		qsort(space->spans, space->count, sizeof *space->spans, by_start);
		if (space->count && index_spans(space))
			return -ENOMEM;
	}
	return 0;
}

void us_space_destroy(struct us_device *dev)
{
	for (unsigned bar = 0; bar < US_BARS; bar++) {
		free(dev->space[bar].spans);
		free(dev->space[bar].bucket);
	}
}

const struct us_span *us_space_find(const struct us_space *space, uint64_t offset)
{
	size_t low, high;

	if (offset >= space->limit)
		return NULL;
	low = space->bucket[offset >> space->shift];
	high = space->bucket[(offset >> space->shift) + 1];
	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (space->spans[middle].end > offset)
			high = middle;
		else
			low = middle + 1;
	}
	return &space->spans[low];
}
