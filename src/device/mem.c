/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain memory in BARs. What covers whole pages of its BAR is a memfd, so that the other side may map those pages; it
 * is sealed against resizing, for whoever shares it could else end this process with a SIGBUS.
 */
#include "device/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE UINT64_C(4096)

static uint64_t page_up(uint64_t n)
{
	return (n + PAGE - 1) & ~(PAGE - 1);
}

/* The whole pages of the BAR that a mem covers. */
static void whole_pages(const struct us_mem *mem, uint64_t *start, uint64_t *end)
{
	*start = page_up(US_OFFSET_OF(mem->addr));
	*end = (US_OFFSET_OF(mem->addr) + mem->size) & ~(PAGE - 1);
}

/*
 * The other side gets the descriptor, and shall do no more with it than software may. That it be open for reading alone
 * would not do: /proc opens it again for anything. The mapping that we have already stays writable.
 */
static int seal(const struct us_memory *memory, const struct us_mem *mem)
{
	const int seals = F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL | (mem->write ? 0 : F_SEAL_FUTURE_WRITE);

	return fcntl(memory->fd, F_ADD_SEALS, seals) ? -errno : 0;
}

static int create_pages(struct us_memory *memory, const struct us_mem *mem)
{
	const uint64_t lead = US_OFFSET_OF(mem->addr) & (PAGE - 1);

	memory->mapped = page_up(lead + mem->size);
	memory->fd = memfd_create("understudy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memory->fd < 0 || ftruncate(memory->fd, (off_t)memory->mapped))
		return -errno;
	memory->mapping = mmap(NULL, memory->mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, memory->fd, 0);
	if (memory->mapping == MAP_FAILED) {
		memory->mapping = NULL;
		return -errno;
	}
	memory->base = (char *)memory->mapping + lead;
	return seal(memory, mem);
}

int us_memories_create(struct us_device *dev)
{
	const struct us_map *map = dev->map;

	dev->memories = calloc(map->nmems ? map->nmems : 1, sizeof *dev->memories);
	if (!dev->memories)
		return -ENOMEM;
	for (size_t i = 0; i < map->nmems; i++)
		dev->memories[i].fd = -1;
	for (size_t i = 0; i < map->nmems; i++) {
		struct us_memory *memory = &dev->memories[i];
		uint64_t start, end;
		int ret = 0;

		whole_pages(&map->mems[i], &start, &end);
		if (start < end)
			ret = create_pages(memory, &map->mems[i]);
		else
			memory->base = calloc(1, map->mems[i].size);
		if (ret || !memory->base)
			return ret ? ret : -ENOMEM;
	}
	return 0;
}

/* Where no hole can be punched, because of the seal, what was never written stays without pages of its own. */
static void zero_pages(struct us_memory *memory)
{
	off_t from = 0, to;

	while ((from = lseek(memory->fd, from, SEEK_DATA)) >= 0) {
		to = lseek(memory->fd, from, SEEK_HOLE);
		memset((char *)memory->mapping + from, 0, (size_t)(to - from));
		from = to;
	}
}

/* What one user left there is none of the next one's business (PCIe 6.6.2). */
void us_memories_clear(struct us_device *dev)
{
	for (size_t i = 0; i < dev->map->nmems; i++) {
		struct us_memory *memory = &dev->memories[i];

		if (!memory->mapping)
			memset(memory->base, 0, dev->map->mems[i].size);
		else if (fallocate(memory->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)memory->mapped))
			zero_pages(memory);
	}
}

void us_memories_destroy(struct us_device *dev)
{
	if (!dev->memories)
		return;
	for (size_t i = 0; i < dev->map->nmems; i++) {
		struct us_memory *memory = &dev->memories[i];

		if (memory->mapping)
			munmap(memory->mapping, memory->mapped);
		else
			free(memory->base);
		if (memory->fd >= 0)
			close(memory->fd);
	}
	free(dev->memories);
}

void *us_mem(struct us_device *dev, us_addr addr, size_t *size)
{
	for (size_t i = 0; i < dev->map->nmems; i++) {
		if (dev->map->mems[i].addr != addr)
			continue;
		if (size)
			*size = dev->map->mems[i].size;
		return dev->memories[i].base;
	}
	return NULL;
}

int us_device_area(struct us_device *dev, unsigned bar, unsigned index, struct us_area *area)
{
	for (size_t i = 0; i < dev->map->nmems; i++) {
		const struct us_mem *mem = &dev->map->mems[i];
		uint64_t start, end;

		whole_pages(mem, &start, &end);
		/* Memory that can only be written has no place in a page table. */
		if (US_BAR_OF(mem->addr) != bar || start >= end || !mem->read || index--)
			continue;
		*area = (struct us_area){
			.offset = start,
			.size = end - start,
			.fd = dev->memories[i].fd,
			.fd_offset = start - (US_OFFSET_OF(mem->addr) & ~(PAGE - 1)),
			.read = mem->read,
			.write = mem->write,
		};
		return 0;
	}
	return -ENOENT;
}
