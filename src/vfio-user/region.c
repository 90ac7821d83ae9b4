/* SPDX-License-Identifier: Apache-2.0 */
/* What the function has (device, region and interrupt info), access to its regions, and its reset. */
#include "vfio-user/served.h"

#include <endian.h>
#include <errno.h>
#include <linux/vfio.h>
#include <string.h>

#define PAYLOAD(f) ((f)->reply + sizeof(struct us_vu_header))

long us_handle_device_info(struct us_served *f, struct us_message *m)
{
	struct us_vu_device_info info;

	memcpy(&info, m->payload, sizeof info);
	if (info.argsz < sizeof info)
		return -EINVAL;
	info = (struct us_vu_device_info){
		.argsz = sizeof info,
		.flags = VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI,
		.num_regions = VFIO_PCI_NUM_REGIONS,
		.num_irqs = VFIO_PCI_NUM_IRQS,
	};
	memcpy(PAYLOAD(f), &info, sizeof info);
	return sizeof info;
}

long us_handle_irq_info(struct us_served *f, struct us_message *m)
{
	static const uint32_t flags[US_IRQ_KINDS] = {
		[US_IRQ_INTX] = VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED,
		[US_IRQ_MSI] = VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_NORESIZE,
		[US_IRQ_MSIX] = VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE,
	};
	struct us_vu_irq_info info;
	uint32_t index;

	memcpy(&info, m->payload, sizeof info);
	index = info.index;
	if (info.argsz < sizeof info || index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	info = (struct us_vu_irq_info){
		.argsz = sizeof info,
		.flags = index < US_IRQ_KINDS ? flags[index] : VFIO_IRQ_INFO_EVENTFD,
		.index = index,
	};
	if (index < US_IRQ_KINDS)
		info.count = us_device_irq_count(f->dev, (enum us_irq)index);
	else if (index == VFIO_PCI_ERR_IRQ_INDEX)
		info.count = us_irqs_errors(f);
	memcpy(PAYLOAD(f), &info, sizeof info);
	return sizeof info;
}

/* -- regions ---------------------------------------------------------------------------------------------------- */

static uint64_t region_size(const struct us_served *f, uint32_t region)
{
	const struct us_map *map = us_device_map(f->dev);

	if (region < US_BARS)
		return map->bars[region].kind == US_BAR_NONE ? 0 : map->bars[region].size;
	if (region == VFIO_PCI_CONFIG_REGION_INDEX)
		return map->pci.express ? 4096 : 256;
	return 0;
}

/*
 * The areas of a BAR that the client may map, as many as fit in `room`. One descriptor and one offset go with them, so
 * all must lie in one file at one distance; an area that does not is reached by messages only.
 */
static unsigned areas(struct us_served *f, uint32_t bar, struct us_vu_sparse_area *list, unsigned room, uint64_t *offset)
{
	struct us_area area;
	unsigned count = 0;

	for (unsigned i = 0; count < room && us_device_area(f->dev, bar, i, &area) == 0; i++) {
		if (!area.read || !area.write || area.fd_offset < area.offset)
			continue;
		if (!count) {
			f->reply_fd = area.fd;
			*offset = area.fd_offset - area.offset;
		}
		if (area.fd == f->reply_fd && area.fd_offset - area.offset == *offset)
			list[count++] = (struct us_vu_sparse_area){area.offset, area.size};
	}
	return count;
}

long us_handle_region_info(struct us_served *f, struct us_message *m)
{
	struct us_vu_region_info info;
	struct us_vu_sparse sparse = {.header = {VFIO_REGION_INFO_CAP_SPARSE_MMAP, 1, 0}};
	struct us_vu_sparse_area list[64];
	uint64_t offset = 0, size;
	uint32_t argsz, index;
	bool whole;

	memcpy(&info, m->payload, sizeof info);
	argsz = info.argsz;
	index = info.index;
	if (argsz < sizeof info || index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	size = region_size(f, index);
	info = (struct us_vu_region_info){.argsz = sizeof info, .index = index, .size = size};
	if (size)
		info.flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	if (size && index < US_BARS)
		sparse.nr_areas = areas(f, index, list, sizeof list / sizeof list[0], &offset);
	if (sparse.nr_areas) {
		info.flags |= VFIO_REGION_INFO_FLAG_MMAP;
		info.offset = offset;
	}
	whole = sparse.nr_areas == 1 && list[0].offset == 0 && list[0].size == size;
	if (sparse.nr_areas && !whole) {
		/*
		 * What does not fit is left out, and the client sees from argsz how much to ask for. It is told where the
		 * capability would be all the same: QEMU takes an offset of 0 for a broken reply.
		 */
		info.flags |= VFIO_REGION_INFO_FLAG_CAPS;
		info.argsz += (uint32_t)(sizeof sparse + sparse.nr_areas * sizeof list[0]);
		info.cap_offset = sizeof info;
		memcpy(PAYLOAD(f) + sizeof info, &sparse, sizeof sparse);
		memcpy(PAYLOAD(f) + sizeof info + sizeof sparse, list, sparse.nr_areas * sizeof list[0]);
	}
	memcpy(PAYLOAD(f), &info, sizeof info);
	return argsz >= info.argsz ? (long)info.argsz : (long)sizeof info;
}

/* -- access ----------------------------------------------------------------------------------------------------- */

/* Is [offset, offset + count) in the region, and `count` no more than a message may move? */
static bool access_ok(const struct us_served *f, uint32_t region, uint64_t offset, uint32_t count)
{
	uint64_t size = region < VFIO_PCI_NUM_REGIONS ? region_size(f, region) : 0;

	return size && offset <= size && count <= size - offset && count <= US_VU_DEFAULT_XFER;
}

/* The widest natural access at `offset` within `left` bytes. */
static unsigned width_at(uint32_t region, uint64_t offset, uint32_t left)
{
	unsigned width = region == VFIO_PCI_CONFIG_REGION_INDEX ? 4 : 8;

	while (width > left || offset % width)
		width /= 2;
	return width;
}

static int read_one(struct us_served *f, uint32_t region, uint64_t offset, unsigned width, uint64_t *value)
{
	uint32_t word = 0;
	int error;

	if (region != VFIO_PCI_CONFIG_REGION_INDEX)
		return us_device_read(f->dev, region, offset, width, value);
	error = us_device_config_read(f->dev, (uint32_t)offset, width, &word);
	*value = word;
	return error;
}

static int write_one(struct us_served *f, uint32_t region, uint64_t offset, unsigned width, uint64_t value)
{
	if (region != VFIO_PCI_CONFIG_REGION_INDEX)
		return us_device_write(f->dev, region, offset, width, value);
	return us_device_config_write(f->dev, (uint32_t)offset, width, (uint32_t)value);
}

/* Registers are little-endian, and so are the bytes of a region in a message. */
static int write_bytes(struct us_served *f, uint32_t region, uint64_t offset, const uint8_t *data, uint32_t count)
{
	while (count) {
		unsigned width = width_at(region, offset, count);
		uint64_t value = 0;
		int error;

		memcpy(&value, data, width);
		error = write_one(f, region, offset, width, le64toh(value));
		if (error)
			return error;
		offset += width;
		data += width;
		count -= width;
	}
	return 0;
}

long us_handle_region_read(struct us_served *f, struct us_message *m)
{
	struct us_vu_region_access access;
	uint8_t *data = PAYLOAD(f) + sizeof access;

	memcpy(&access, m->payload, sizeof access);
	if (!access_ok(f, access.region, access.offset, access.count))
		return -EINVAL;
	memcpy(PAYLOAD(f), &access, sizeof access);
	for (uint32_t done = 0, width; done < access.count; done += width) {
		uint64_t value = 0;
		int error;

		width = width_at(access.region, access.offset + done, access.count - done);
		error = read_one(f, access.region, access.offset + done, width, &value);
		if (error)
			return error;
		value = htole64(value);
		memcpy(data + done, &value, width);
	}
	return (long)(sizeof access + access.count);
}

long us_handle_region_write(struct us_served *f, struct us_message *m)
{
	struct us_vu_region_access access;
	int error;

	memcpy(&access, m->payload, sizeof access);
	if (m->size - sizeof access != access.count || !access_ok(f, access.region, access.offset, access.count))
		return -EINVAL;
	error = write_bytes(f, access.region, access.offset, m->payload + sizeof access, access.count);
	if (error)
		return error;
	memcpy(PAYLOAD(f), &access, sizeof access);
	return sizeof access;
}

/* All of them, or with an error in any none. */
long us_handle_write_multi(struct us_served *f, struct us_message *m)
{
	const uint8_t *list = m->payload + sizeof(struct us_vu_write_multi);
	size_t room = m->size - sizeof(struct us_vu_write_multi);
	struct us_vu_write_multi multi;
	struct us_vu_write_one one;

	memcpy(&multi, m->payload, sizeof multi);
	if (room % sizeof one || multi.count != room / sizeof one)
		return -EINVAL;
	for (size_t i = 0; i < multi.count; i++) {
		memcpy(&one, list + i * sizeof one, sizeof one);
		if (!one.count || one.count > sizeof one.data || !access_ok(f, one.region, one.offset, one.count))
			return -EINVAL;
	}
	for (size_t i = 0; i < multi.count; i++) {
		int error;

		memcpy(&one, list + i * sizeof one, sizeof one);
		error = write_bytes(f, one.region, one.offset, one.data, one.count);
		if (error)
			return error;
	}
	memcpy(PAYLOAD(f), &multi, sizeof multi);
	return sizeof multi;
}

/* As VFIO_DEVICE_RESET does: of the function, by FLR where it has that. */
long us_handle_reset(struct us_served *f, struct us_message *m)
{
	(void)m;
	us_served_trace(f, "reset by the client");
	us_device_reset(f->dev, us_device_map(f->dev)->pci.flr ? US_RESET_FLR : US_RESET_CONVENTIONAL);
	us_irqs_reset(f);
	return 0;
}
