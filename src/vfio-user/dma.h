/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one client lets its function reach: DMA regions by device address, and the memory behind them.
 *
 * A region is reached through a window, a mapping of a part of the client's file that many regions share, since a
 * virtual IOMMU maps and unmaps single pages by the thousand; or, when it came without a descriptor, only by messages.
 * The rules are those of "VFIO_USER_DMA_MAP" and, where several or no regions are unmapped at once, of
 * VFIO_IOMMU_UNMAP_DMA, version 2 of type 1, which QEMU's virtual IOMMU relies on.
 *
 * Threads: none are known here. The owner changes a table only while nobody else looks at it, and unmaps only when no
 * pointer from us_dma_find() is in use.
 */
#ifndef UNDERSTUDY_VFIO_USER_DMA_H
#define UNDERSTUDY_VFIO_USER_DMA_H

#include "vfio-user/wire.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define US_DMA_PAGE 4096
#define US_DMA_WINDOWS 512 /* of one client; each is one mapping of this process */
#define US_DMA_WINDOW_BYTES (UINT64_C(1) << 43) /* address space that one client may take */

struct us_dma_window {
	uint8_t *base;
	uint64_t offset; /* in the file */
	uint64_t size;
	dev_t dev;
	ino_t ino;
	bool writable;
	size_t users; /* regions */
	int guard;
	struct us_dma_window *next;
};

struct us_dma_region {
	uint64_t first, last; /* device addresses, both included, so that the last byte of 64 bits has one */
	uint8_t *memory; /* of `first`; NULL: reached by messages */
	struct us_dma_window *window;
	uint32_t flags; /* US_VU_DMA_READABLE, US_VU_DMA_WRITEABLE */
};

struct us_dma_table {
	struct us_dma_region *regions; /* by ascending address */
	size_t count, room;
	struct us_dma_window *windows;
	size_t nwindows;
	uint64_t window_bytes;
	atomic_bool broken; /* a window lost its file: the client can not be served any more */
};

void us_dma_init(struct us_dma_table *table);
void us_dma_clear(struct us_dma_table *table); /* forgets all regions and unmaps all windows */

/*
 * Adds a region; `fd` is -1 or the client's, of which nothing is kept. -EINVAL (not whole pages, past the end of 64
 * bits or of the file, flags), -EEXIST (overlaps), -ENOSPC (US_VU_DEFAULT_DMA_MAPS regions, US_DMA_WINDOWS windows),
 * -EACCES (the descriptor does not allow it), -ENODEV (nothing that can be mapped), -ENOMEM.
 */
int us_dma_add(struct us_dma_table *table, const struct us_vu_dma_map *map, int fd);

/* May [first, last] be unmapped? -EINVAL when that cuts a region in two. A range with no region is fine. */
int us_dma_check_remove(const struct us_dma_table *table, uint64_t first, uint64_t last);

/* Removes every region in the range, which us_dma_check_remove() allowed. Returns how many. */
size_t us_dma_remove(struct us_dma_table *table, uint64_t first, uint64_t last);

/*
 * Windows stay mapped for a while after their last region went, since the next one is likely to lie there too. Is any
 * such there? And: unmaps them, all but `keep`. Memory that the client gave up is not given back before.
 */
bool us_dma_spare(const struct us_dma_table *table);
void us_dma_trim(struct us_dma_table *table, size_t keep);

/*
 * What lies at `address` for an access in directions `need` (US_VU_DMA_READABLE, US_VU_DMA_WRITEABLE). *length, at
 * least 1 on entry, becomes how many bytes of it are reached alike; *memory their place, or NULL for by message. Over
 * neighbouring regions that are neighbours in one window it goes on. -EFAULT: no region, -EACCES: no permission.
 */
int us_dma_find(const struct us_dma_table *table, uint64_t address, uint32_t need, size_t *length, uint8_t **memory);

#endif
