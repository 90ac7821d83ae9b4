/* SPDX-License-Identifier: Apache-2.0 */
/* The memory that a device can reach: which of it, at which device address, and how. */
#include "function/player.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

size_t us_mappings_index(const struct us_mappings *all, uint64_t iova)
{
	size_t low = 0, high = all->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct us_mapping *m = &all->list[middle];

		if (m->iova + (m->size - 1) < iova)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct us_mapping *us_mappings_find(const struct us_mappings *all, uint64_t iova)
{
	size_t i = us_mappings_index(all, iova);

	return i < all->count && all->list[i].iova <= iova ? &all->list[i] : NULL;
}

void *us_mappings_reach(const struct us_mappings *all, uint64_t iova, uint64_t *length, int need, int *why)
{
	const struct us_mapping *m = us_mappings_find(all, iova);

	if (!m || (m->flags & need) != need) {
		*why = m ? -EACCES : -EFAULT;
		return NULL;
	}
	if (*length > m->size - (iova - m->iova))
		*length = m->size - (iova - m->iova);
	return m->at + (iova - m->iova);
}

int us_mappings_move(const struct us_mappings *all, uint64_t iova, void *buffer, uint64_t length, int need,
		     uint64_t *fault)
{
	uint8_t *bytes = buffer;
	int why = 0;

	while (length) {
		uint64_t part = length;
		void *at = us_mappings_reach(all, iova, &part, need, &why);

		if (!at) {
			if (fault)
				*fault = iova;
			return why;
		}
		if (need & US_FN_DMA_WRITE)
			memcpy(at, bytes, part);
		else
			memcpy(bytes, at, part);
		bytes += part;
		iova += part;
		length -= part;
	}
	return 0;
}

int us_mappings_insert(struct us_mappings *all, const struct us_mapping *m)
{
	size_t i = us_mappings_index(all, m->iova);

	if (all->count == all->room) {
		size_t room = all->room ? all->room * 2 : 16;
		struct us_mapping *list = reallocarray(all->list, room, sizeof *list);

		if (!list)
			return -ENOMEM;
		all->list = list;
		all->room = room;
	}
	memmove(&all->list[i + 1], &all->list[i], (all->count - i) * sizeof *m);
	all->list[i] = *m;
	all->count++;
	if (m->block)
		m->block->refs++;
	return 0;
}

void us_mappings_remove(struct us_mappings *all, size_t index)
{
	struct us_block *block = all->list[index].block;

	all->count--;
	memmove(&all->list[index], &all->list[index + 1], (all->count - index) * sizeof *all->list);
	if (block && --block->refs == 0)
		us_block_free(block);
}

void us_mappings_clear(struct us_mappings *all)
{
	while (all->count)
		us_mappings_remove(all, all->count - 1);
	free(all->list);
	*all = (struct us_mappings){0};
}

struct us_block *us_mappings_block(const struct us_mappings *all, const void *at, size_t size)
{
	uintptr_t want = (uintptr_t)at;

	for (size_t i = 0; i < all->count; i++) {
		struct us_block *block = all->list[i].block;
		uintptr_t start = block ? (uintptr_t)block->at : 0;

		if (block && want >= start && want - start < block->size && size <= block->size - (want - start))
			return block;
	}
	return NULL;
}

struct us_block *us_block_new(size_t size)
{
	struct us_block *block = calloc(1, sizeof *block);
	int why;

	if (!block)
		return NULL;
	block->size = size;
	block->fd = memfd_create("understudy-dma", MFD_CLOEXEC);
	if (block->fd < 0 || ftruncate(block->fd, (off_t)size))
		goto failed;
	block->at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, block->fd, 0);
	if (block->at != MAP_FAILED)
		return block;
failed:
	why = errno;
	if (block->fd >= 0)
		close(block->fd);
	free(block);
	errno = why;
	return NULL;
}

struct us_block *us_block_borrow(void *at, size_t size, int fd)
{
	struct us_block *block = calloc(1, sizeof *block);

	if (block)
		*block = (struct us_block){.fd = fd, .at = at, .size = size, .borrowed = true};
	return block;
}

void us_block_free(struct us_block *block)
{
	if (!block->borrowed) {
		munmap(block->at, block->size);
		close(block->fd);
	}
	free(block);
}
