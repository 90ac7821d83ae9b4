/* SPDX-License-Identifier: Apache-2.0 */
#include "vfio-user/dma.h"

#include "vfio-user/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define WINDOW_ALIGN (UINT64_C(1) << 30)
#define SPARE_WINDOWS 8 /* kept without users for a while: a virtual IOMMU soon maps another page of them */

void us_dma_init(struct us_dma_table *table)
{
	memset(table, 0, sizeof *table);
}

/* -- windows ---------------------------------------------------------------------------------------------------- */

static void window_free(struct us_dma_table *table, struct us_dma_window *window)
{
	struct us_dma_window **link = &table->windows;

	while (*link != window)
		link = &(*link)->next;
	*link = window->next;
	table->nwindows--;
	table->window_bytes -= window->size;
	us_guard_remove(window->guard);
	munmap(window->base, window->size);
	free(window);
}

void us_dma_trim(struct us_dma_table *table, size_t keep)
{
	for (struct us_dma_window *w = table->windows, *next; w; w = next) {
		next = w->next;
		if (w->users)
			continue;
		if (keep)
			keep--;
		else
			window_free(table, w);
	}
}

bool us_dma_spare(const struct us_dma_table *table)
{
	for (const struct us_dma_window *w = table->windows; w; w = w->next)
		if (!w->users)
			return true;
	return false;
}

/* A file system whose pages another process delivers, or does not: touching its memory could take for ever. */
static bool may_hang(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) || (unsigned long)fs.f_type == FUSE_SUPER_MAGIC;
}

static struct us_dma_window *window_find(const struct us_dma_table *table, const struct stat *st, bool write,
					 uint64_t offset, uint64_t size)
{
	for (struct us_dma_window *w = table->windows; w; w = w->next)
		if (w->dev == st->st_dev && w->ino == st->st_ino && (w->writable || !write) && offset >= w->offset &&
		    offset - w->offset <= w->size && size <= w->size - (offset - w->offset))
			return w;
	return NULL;
}

/* Maps [offset, offset + size) of the file, and its neighbourhood, since more regions there are likely to come. */
static int window_new(struct us_dma_table *table, const struct stat *st, int fd, bool write, uint64_t offset,
		      uint64_t size, struct us_dma_window **window)
{
	uint64_t start = offset & ~(WINDOW_ALIGN - 1), end = offset + size, limit = (uint64_t)st->st_size;
	struct us_dma_window *w;
	void *base;
	int guard;

	limit &= ~(uint64_t)(US_DMA_PAGE - 1); /* a last page that is cut is not whole either */
	if (end > limit)
		return -EINVAL;
	if (limit - end > WINDOW_ALIGN)
		end = (end + WINDOW_ALIGN - 1) & ~(WINDOW_ALIGN - 1);
	else
		end = limit;
	if (may_hang(fd))
		return -ENODEV;
	if (table->nwindows == US_DMA_WINDOWS || end - start > US_DMA_WINDOW_BYTES - table->window_bytes)
		us_dma_trim(table, 0);
	if (table->nwindows == US_DMA_WINDOWS)
		return -ENOSPC;
	if (end - start > US_DMA_WINDOW_BYTES - table->window_bytes)
		return -ENOMEM;
	base = mmap(NULL, end - start, PROT_READ | (write ? PROT_WRITE : 0), MAP_SHARED | MAP_NORESERVE, fd,
		    (off_t)start);
	if (base == MAP_FAILED)
		return errno == EPERM ? -EACCES : -errno; /* EPERM: sealed against writing */
	w = calloc(1, sizeof *w);
	guard = w ? us_guard_add(base, end - start, &table->broken) : -ENOMEM;
	if (guard < 0) {
		free(w);
		munmap(base, end - start);
		return guard;
	}
	*w = (struct us_dma_window){base, start, end - start, st->st_dev, st->st_ino, write, 0, guard, table->windows};
	table->windows = w;
	table->nwindows++;
	table->window_bytes += w->size;
	*window = w;
	return 0;
}

static int window_get(struct us_dma_table *table, int fd, const struct us_vu_dma_map *map,
		      struct us_dma_window **window)
{
	bool write = map->flags & US_VU_DMA_WRITEABLE;
	int mode = fcntl(fd, F_GETFL);
	struct stat st;

	if (mode < 0 || fstat(fd, &st))
		return -EINVAL;
	if (!S_ISREG(st.st_mode))
		return -ENODEV;
	if ((mode & O_PATH) || (mode & O_ACCMODE) == O_WRONLY || (write && (mode & O_ACCMODE) != O_RDWR))
		return -EACCES;
	/* A length that the file has now; if it is taken back later, the guard catches it. */
	if (map->offset % US_DMA_PAGE || map->offset > (uint64_t)st.st_size ||
	    map->size > (uint64_t)st.st_size - map->offset)
		return -EINVAL;
	*window = window_find(table, &st, write, map->offset, map->size);
	return *window ? 0 : window_new(table, &st, fd, write, map->offset, map->size, window);
}

/* -- regions ---------------------------------------------------------------------------------------------------- */

/* The first region that ends at or after `address`; `count` when there is none. */
static size_t search(const struct us_dma_table *table, uint64_t address)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->regions[middle].last < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int grow(struct us_dma_table *table)
{
	size_t room = table->room ? table->room * 2 : 64;
	struct us_dma_region *regions;

	if (table->count < table->room)
		return 0;
	regions = realloc(table->regions, room * sizeof *regions);
	if (!regions)
		return -ENOMEM;
	table->regions = regions;
	table->room = room;
	return 0;
}

int us_dma_add(struct us_dma_table *table, const struct us_vu_dma_map *map, int fd)
{
	struct us_dma_region region = {.first = map->address, .last = map->address + map->size - 1, .flags = map->flags};
	size_t at;
	int error;

	if (!map->flags || map->flags & ~(US_VU_DMA_READABLE | US_VU_DMA_WRITEABLE))
		return -EINVAL;
	if (!map->size || map->size % US_DMA_PAGE || map->address % US_DMA_PAGE || region.last < region.first)
		return -EINVAL;
	at = search(table, region.first);
	if (at < table->count && table->regions[at].first <= region.last)
		return -EEXIST;
	if (table->count >= US_VU_DEFAULT_DMA_MAPS)
		return -ENOSPC;
	error = grow(table);
	if (error)
		return error;
	if (fd >= 0) {
		error = window_get(table, fd, map, &region.window);
		if (error)
			return error;
		region.memory = region.window->base + (map->offset - region.window->offset);
		region.window->users++;
	}
	memmove(&table->regions[at + 1], &table->regions[at], (table->count - at) * sizeof region);
	table->regions[at] = region;
	table->count++;
	return 0;
}

int us_dma_check_remove(const struct us_dma_table *table, uint64_t first, uint64_t last)
{
	size_t at = search(table, first);

	if (at < table->count && table->regions[at].first < first)
		return -EINVAL;
	at = search(table, last);
	if (at < table->count && table->regions[at].first <= last && table->regions[at].last > last)
		return -EINVAL;
	return 0;
}

size_t us_dma_remove(struct us_dma_table *table, uint64_t first, uint64_t last)
{
	size_t from = search(table, first), to = from;

	for (; to < table->count && table->regions[to].first <= last; to++)
		if (table->regions[to].window)
			table->regions[to].window->users--;
	if (from == to)
		return 0;
	memmove(&table->regions[from], &table->regions[to], (table->count - to) * sizeof table->regions[0]);
	table->count -= to - from;
	us_dma_trim(table, SPARE_WINDOWS);
	return to - from;
}

void us_dma_clear(struct us_dma_table *table)
{
	free(table->regions);
	while (table->windows)
		window_free(table, table->windows);
	us_dma_init(table);
}

int us_dma_find(const struct us_dma_table *table, uint64_t address, uint32_t need, size_t *length, uint8_t **memory)
{
	size_t at = search(table, address), want = *length;
	const struct us_dma_region *r = &table->regions[at];
	uint64_t have;

	if (at == table->count || r->first > address)
		return -EFAULT;
	if ((r->flags & need) != need)
		return -EACCES;
	*memory = r->memory ? r->memory + (address - r->first) : NULL;
	have = r->last - address + 1; /* 0 for all 2^64 of them, which is enough too */
	while (have && have < want && ++at < table->count) {
		const struct us_dma_region *n = &table->regions[at];

		if (n->first != r->last + 1 || (n->flags & need) != need || n->window != r->window ||
		    (n->memory && n->memory != r->memory + (r->last - r->first) + 1))
			break;
		have += n->last - n->first + 1;
		r = n;
	}
	*length = have && have < want ? (size_t)have : want;
	return 0;
}
