/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel VFIO player: a function on this machine's PCI bus, behind its IOMMU (linux/vfio.h and Linux,
 * Documentation/driver-api/vfio.rst).
 *
 * Registers are reached by loads and stores where the kernel lets the BAR be mapped, else by its read and write. While
 * memory space is off, or in D3hot, such an access would end this process (SIGBUS): it is answered here instead, as the
 * bus answers it, with all ones.
 */
#include "function/kernel.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* A part of a region that the kernel lets us map. */
struct area {
	unsigned region;
	uint64_t offset, size;
	uint8_t *at; /* where it is mapped for accesses, or NULL */
};

struct player {
	struct us_function fn;
	const struct us_kernel_world *world;
	struct us_kernel_fds fds;
	struct us_eventfds eventfds;
	uint64_t base[US_REGIONS]; /* where a region starts in the device's file */
	struct area *areas;
	size_t nareas;
	bool decodes; /* memory space is on, and the function is in D0 */
	struct {
		unsigned region;
		uint64_t offset, size;
	} table; /* of MSI-X, by the capability; size 0: none */
};

static struct player *player_of(struct us_function *fn)
{
	return (struct player *)fn;
}

/* -- access ----------------------------------------------------------------------------------------------------- */

static const struct area *find_area(const struct player *p, unsigned region, uint64_t offset, uint64_t length)
{
	for (size_t i = 0; i < p->nareas; i++) {
		const struct area *a = &p->areas[i];

		if (a->region == region && offset >= a->offset && offset - a->offset < a->size &&
		    length <= a->size - (offset - a->offset))
			return a;
	}
	return NULL;
}

/* One load of exactly this width. */
static uint64_t load(const volatile void *at, unsigned width)
{
	switch (width) {
	case 1:
		return *(const volatile uint8_t *)at;
	case 2:
		return *(const volatile uint16_t *)at;
	case 4:
		return *(const volatile uint32_t *)at;
	default:
		return *(const volatile uint64_t *)at;
	}
}

static void store(volatile void *at, unsigned width, uint64_t value)
{
	switch (width) {
	case 1:
		*(volatile uint8_t *)at = (uint8_t)value;
		break;
	case 2:
		*(volatile uint16_t *)at = (uint16_t)value;
		break;
	case 4:
		*(volatile uint32_t *)at = (uint32_t)value;
		break;
	default:
		*(volatile uint64_t *)at = value;
	}
}

static bool is_memory(const struct us_function *fn, unsigned region)
{
	return region < US_REGION_ROM && !(fn->info.region[region].flags & US_REGION_IO);
}

static int access_failed(struct us_function *fn, const char *what, unsigned region, uint64_t offset, unsigned width)
{
	int why = errno ? errno : EIO;

	return us_fn_fail(fn, -why, "%s of %u bytes at 0x%" PRIx64 " of %s failed: %s", what, width, offset,
			  us_region_name(region), strerror(why));
}

/*
 * Where the kernel does not let the MSI-X table be mapped it answers reads of it with all ones and loses writes, so as to
 * have it for itself: that is no answer of the function's, and is not passed on as one.
 */
static int check_table(struct us_function *fn, unsigned region, uint64_t offset, unsigned width)
{
	const struct player *p = player_of(fn);

	if (!p->table.size || region != p->table.region || offset >= p->table.offset + p->table.size || offset + width <= p->table.offset)
		return 0;
	return us_fn_fail(fn, -ENOTSUP, "the kernel keeps the MSI-X table to itself: it can not be read or written");
}

static int kernel_read(struct us_function *fn, unsigned region, uint64_t offset, unsigned width, uint64_t *value)
{
	struct player *p = player_of(fn);
	const struct area *area;
	int rc;

	if (is_memory(fn, region)) {
		*value = UINT64_MAX >> (64 - 8 * width);
		if (!p->decodes)
			return 0;
		area = find_area(p, region, offset, width);
		if (area && area->at) {
			*value = load(area->at + (offset - area->offset), width);
			return 0;
		}
		if ((rc = check_table(fn, region, offset, width)))
			return rc;
	}
	*value = 0;
	errno = 0;
	if (pread(p->fds.device, value, width, (off_t)(p->base[region] + offset)) != (ssize_t)width)
		return access_failed(fn, "a read", region, offset, width);
	return 0;
}

/* Whether memory BARs answer: command register and power state (PCI PM 1.2, 3.2.4), as just written. */
static void look_at_decoding(struct us_function *fn)
{
	int pm = us_fn_capability(fn, PCI_CAP_ID_PM);
	uint64_t command = 0, state = 0;

	player_of(fn)->decodes =
		!us_fn_read(fn, US_REGION_CONFIG, PCI_COMMAND, 2, &command) && command & PCI_COMMAND_MEMORY &&
		(pm < 0 || (!us_fn_read(fn, US_REGION_CONFIG, (unsigned)pm + 4, 2, &state) && !(state & 3)));
}

static int kernel_write(struct us_function *fn, unsigned region, uint64_t offset, unsigned width, uint64_t value)
{
	struct player *p = player_of(fn);
	const struct area *area;
	int rc;

	if (is_memory(fn, region)) {
		if (!p->decodes)
			return 0;
		area = find_area(p, region, offset, width);
		if (area && area->at) {
			store(area->at + (offset - area->offset), width, value);
			return 0;
		}
		if ((rc = check_table(fn, region, offset, width)))
			return rc;
	}
	errno = 0;
	if (pwrite(p->fds.device, &value, width, (off_t)(p->base[region] + offset)) != (ssize_t)width)
		return access_failed(fn, "a write", region, offset, width);
	if (region == US_REGION_CONFIG)
		look_at_decoding(fn);
	return 0;
}

static int protection(uint32_t flags)
{
	return (flags & US_REGION_READ ? PROT_READ : 0) | (flags & US_REGION_WRITE ? PROT_WRITE : 0);
}

static int kernel_map_region(struct us_function *fn, unsigned region, uint64_t offset, size_t length, void **at)
{
	struct player *p = player_of(fn);

	if (!find_area(p, region, offset, length))
		return us_fn_fail(fn, -ENODEV, "the kernel does not let 0x%zx bytes at 0x%" PRIx64 " of %s be mapped",
				  length, offset, us_region_name(region));
	return us_fn_view(fn, p->fds.device, p->base[region] + offset, length,
			  protection(fn->info.region[region].flags), at);
}

/* -- interrupts ------------------------------------------------------------------------------------------------- */

/* 0, a negative errno, or how many the kernel has vectors for where that is too few. */
static int set_irqs(struct us_function *fn, unsigned kind, uint32_t flags, uint32_t start, uint32_t count,
		    const int *fds)
{
	struct player *p = player_of(fn);
	size_t data = fds ? count * sizeof *fds : 0;
	struct vfio_irq_set *set = calloc(1, sizeof *set + data);
	int rc;

	if (!set)
		return us_fn_fail(fn, -ENOMEM, "out of memory");
	*set = (struct vfio_irq_set){
		.argsz = (uint32_t)(sizeof *set + data), .flags = flags, .index = kind, .start = start, .count = count};
	if (data)
		memcpy(set->data, fds, data);
	rc = p->world->ioctl(p->fds.device, VFIO_DEVICE_SET_IRQS, set);
	if (rc < 0)
		rc = -errno;
	free(set);
	return rc;
}

/* The kernel keeps the capability's enable bit and number granted as software last wrote them: so it is written too. */
static int show_msi(struct us_function *fn, unsigned count)
{
	int cap = us_fn_capability(fn, PCI_CAP_ID_MSI);
	uint32_t granted = count ? (uint32_t)__builtin_ctz(count) << 4 | PCI_MSI_FLAGS_ENABLE : 0;

	return cap < 0 ? cap
		       : us_header_change(fn, (unsigned)cap + PCI_MSI_FLAGS, 2,
					  PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE, granted);
}

static int kernel_irq_disable(struct us_function *fn, enum us_irq_kind kind)
{
	struct player *p = player_of(fn);
	int rc = kind == US_MSI ? show_msi(fn, 0) : 0;

	if (!rc && (rc = set_irqs(fn, kind, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, 0, 0, NULL)))
		us_fn_fail(fn, rc, "%s can not be disabled: %s", us_irq_name(kind), strerror(-rc));
	us_eventfds_drop(&p->eventfds);
	return rc;
}

static int kernel_irq_enable(struct us_function *fn, enum us_irq_kind kind, unsigned count)
{
	struct player *p = player_of(fn);
	int rc = us_eventfds_make(fn, &p->eventfds, count);

	if (rc)
		return rc;
	rc = set_irqs(fn, kind, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, 0, count, p->eventfds.fds);
	if (!rc)
		return kind == US_MSI ? show_msi(fn, count) : 0;
	us_eventfds_drop(&p->eventfds);
	if (rc > 0)
		return us_fn_fail(fn, -ENOSPC, "the kernel has %d vector%s for %u %s interrupts%s", rc,
				  rc == 1 ? "" : "s", count, us_irq_name(kind),
				  kind == US_MSI ? ": several MSI messages need an IOMMU that remaps interrupts" : "");
	return us_fn_fail(fn, rc, "the kernel does not enable %u %s interrupts: %s", count, us_irq_name(kind),
			  strerror(-rc));
}

/*
 * The kernel masks INTx for us. Messages it leaves to the function: MSI's mask bits are passed through in config space,
 * MSI-X's are in the table, which it lets be mapped where interrupts are remapped.
 */
static int kernel_irq_mask(struct us_function *fn, enum us_irq_kind kind, unsigned n, bool masked)
{
	int rc;

	if (kind == US_MSI)
		return us_header_mask_msi(fn, n, masked);
	if (kind == US_MSIX)
		return us_header_mask_msix(fn, n, masked);
	rc = set_irqs(fn, kind,
		      VFIO_IRQ_SET_DATA_NONE | (masked ? VFIO_IRQ_SET_ACTION_MASK : VFIO_IRQ_SET_ACTION_UNMASK), n, 1,
		      NULL);
	return rc ? us_fn_fail(fn, rc, "INTx can not be %s: %s", masked ? "masked" : "unmasked", strerror(-rc)) : 0;
}

static int kernel_progress(struct us_function *fn, uint64_t deadline)
{
	bool other;

	return us_eventfds_wait(fn, &player_of(fn)->eventfds, deadline, &other);
}

/* -- DMA -------------------------------------------------------------------------------------------------------- */

static int kernel_dma_map(struct us_function *fn, const struct us_mapping *m)
{
	struct player *p = player_of(fn);
	struct rlimit limit = {0};
	int why;

	if (!p->fds.way->map(p->world, &p->fds, m))
		return 0;
	why = errno;
	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (why == ENOMEM)
		return us_fn_fail(fn, -why,
				  "the kernel does not pin 0x%" PRIx64 " bytes for DMA: this process may lock %" PRIu64
				  " KiB of memory (RLIMIT_MEMLOCK); raise it with ulimit -l, or be root",
				  m->size, (uint64_t)limit.rlim_cur / 1024);
	return us_fn_fail(fn, -why,
			  "0x%" PRIx64 " bytes can not be mapped at device address 0x%" PRIx64
			  ": %s; /sys/kernel/iommu_groups/%u/reserved_regions lists addresses that are not free",
			  m->size, m->iova, strerror(why), p->fds.group_number);
}

static int kernel_dma_unmap(struct us_function *fn, const struct us_mapping *m)
{
	struct player *p = player_of(fn);

	if (!p->fds.way->unmap(p->world, &p->fds, m))
		return 0;
	return us_fn_fail(fn, -errno, "device address 0x%" PRIx64 " can not be unmapped: %s", m->iova, strerror(errno));
}

/* -- life ------------------------------------------------------------------------------------------------------- */

/* The kernel puts back what config space held before, the bus-master bit too; we put the command register in order. */
static int kernel_reset(struct us_function *fn)
{
	struct player *p = player_of(fn);

	if (p->world->ioctl(p->fds.device, VFIO_DEVICE_RESET, NULL))
		return us_fn_fail(fn, -errno, "the kernel can not reset the function: %s", strerror(errno));
	return us_header_enable(fn);
}

static int kernel_trace(struct us_function *fn, FILE *stream)
{
	return stream ? us_fn_fail(fn, -ENOTSUP, "hardware keeps no log") : 0;
}

static void kernel_close(struct us_function *fn)
{
	struct player *p = player_of(fn);

	for (size_t i = 0; i < p->nareas; i++)
		if (p->areas[i].at)
			munmap(p->areas[i].at, p->areas[i].size);
	free(p->areas);
	us_eventfds_close(&p->eventfds);
	us_kernel_fds_close(&p->fds);
	us_fn_fini(fn);
	free(p);
}

static const struct us_player kernel_player = {
	.read = kernel_read,
	.write = kernel_write,
	.map_region = kernel_map_region,
	.irq_enable = kernel_irq_enable,
	.irq_disable = kernel_irq_disable,
	.irq_mask = kernel_irq_mask,
	.progress = kernel_progress,
	.dma_map = kernel_dma_map,
	.dma_unmap = kernel_dma_unmap,
	.reset = kernel_reset,
	.now = us_real_now,
	.trace = kernel_trace,
	.close = kernel_close,
};

/* -- what the function has -------------------------------------------------------------------------------------- */

/* Remembers an area and maps it for accesses; where that fails the kernel's read and write serve. */
static int add_area(struct player *p, unsigned region, uint64_t offset, uint64_t size)
{
	struct us_function_info *info = &p->fn.info;
	struct area *areas;
	void *at;

	if (!size || offset > info->region[region].size || size > info->region[region].size - offset)
		return 0;
	areas = reallocarray(p->areas, p->nareas + 1, sizeof *areas);
	if (!areas)
		return us_fn_fail(&p->fn, -ENOMEM, "out of memory");
	p->areas = areas;
	at = mmap(NULL, size, protection(info->region[region].flags), MAP_SHARED, p->fds.device,
		  (off_t)(p->base[region] + offset));
	p->areas[p->nareas++] =
		(struct area){.region = region, .offset = offset, .size = size, .at = at == MAP_FAILED ? NULL : at};
	info->region[region].flags |= US_REGION_MAP;
	return 0;
}

/* The parts that can be mapped: those the capability lists, else all of the region. */
static int add_areas(struct player *p, unsigned region, const struct vfio_region_info *info)
{
	const uint8_t *bytes = (const uint8_t *)info;
	uint32_t at = info->flags & VFIO_REGION_INFO_FLAG_CAPS ? info->cap_offset : 0;
	int rc = 0;

	for (unsigned i = 0; i < 16 && at >= sizeof *info && at + sizeof(struct vfio_info_cap_header) <= info->argsz;
	     i++) {
		const struct vfio_region_info_cap_sparse_mmap *sparse = (const void *)(bytes + at);

		if (sparse->header.id != VFIO_REGION_INFO_CAP_SPARSE_MMAP) {
			at = sparse->header.next;
			continue;
		}
		for (uint32_t n = 0; !rc && at + sizeof *sparse + (n + 1) * sizeof sparse->areas[0] <= info->argsz &&
				     n < sparse->nr_areas;
		     n++)
			rc = add_area(p, region, sparse->areas[n].offset, sparse->areas[n].size);
		return rc;
	}
	return add_area(p, region, 0, info->size);
}

static int describe_region(struct player *p, unsigned region)
{
	_Alignas(8) uint8_t room[4096];
	struct vfio_region_info *info = (struct vfio_region_info *)room;

	memset(room, 0, sizeof room);
	info->argsz = sizeof room;
	info->index = region;
	/* A region that the kernel does not know (VGA, on most) is a region that is not there. */
	if (p->world->ioctl(p->fds.device, VFIO_DEVICE_GET_REGION_INFO, info) || !info->size)
		return 0;
	if (info->argsz > sizeof room)
		info->argsz = sizeof room;
	p->base[region] = info->offset;
	p->fn.info.region[region].size = info->size;
	p->fn.info.region[region].flags = (info->flags & VFIO_REGION_INFO_FLAG_READ ? US_REGION_READ : 0) |
					  (info->flags & VFIO_REGION_INFO_FLAG_WRITE ? US_REGION_WRITE : 0);
	return info->flags & VFIO_REGION_INFO_FLAG_MMAP ? add_areas(p, region, info) : 0;
}

static int describe(struct player *p)
{
	struct vfio_device_info device = {.argsz = sizeof device};
	int rc;

	if (p->world->ioctl(p->fds.device, VFIO_DEVICE_GET_INFO, &device))
		return us_fn_fail(&p->fn, -errno, "VFIO says nothing about the function: %s", strerror(errno));
	if (!(device.flags & VFIO_DEVICE_FLAGS_PCI))
		return us_fn_fail(&p->fn, -ENODEV, "VFIO says that this is no PCI function");
	p->fn.info.can_reset = device.flags & VFIO_DEVICE_FLAGS_RESET;
	for (unsigned i = 0; i < US_REGIONS && i < device.num_regions; i++)
		if ((rc = describe_region(p, i)))
			return rc;
	if (!p->fn.info.region[US_REGION_CONFIG].size)
		return us_fn_fail(&p->fn, -EPROTO, "VFIO shows no config space");
	for (unsigned i = 0; i < US_IRQ_KIND_COUNT && i < device.num_irqs; i++) {
		struct vfio_irq_info irq = {.argsz = sizeof irq, .index = i};

		if (!p->world->ioctl(p->fds.device, VFIO_DEVICE_GET_IRQ_INFO, &irq))
			p->fn.info.irqs[i] = irq.count;
	}
	return 0;
}

/* Without MSI-X, or with a capability that says nonsense, there is no table to look out for. */
static void find_table(struct player *p)
{
	int cap = us_fn_capability(&p->fn, PCI_CAP_ID_MSIX);
	uint64_t control;

	if (cap < 0 || us_fn_read(&p->fn, US_REGION_CONFIG, (unsigned)cap + PCI_MSIX_FLAGS, 2, &control) ||
	    us_header_msix_table(&p->fn, &p->table.region, &p->table.offset))
		return;
	p->table.size = ((control & PCI_MSIX_FLAGS_QSIZE) + 1) * PCI_MSIX_ENTRY_SIZE;
}

int us_kernel_open_in(const struct us_kernel_world *world, const char *address, struct us_function **fn,
		      struct us_error *err)
{
	struct player *p = calloc(1, sizeof *p);
	int rc;

	*fn = NULL;
	if (!p)
		return us_fail(err, -ENOMEM, "out of memory");
	p->world = world;
	p->eventfds.epoll = -1;
	p->fds = (struct us_kernel_fds){.iommu = -1, .group = -1, .device = -1};
	rc = us_fn_init(&p->fn, &kernel_player, address);
	if (rc)
		us_fail(err, rc, "out of memory");
	else if (!(rc = us_kernel_find(world, address, &p->fds, err)) &&
		 ((rc = us_eventfds_open(&p->fn, &p->eventfds, -1)) || (rc = describe(p)) ||
		  (rc = us_header_read(&p->fn)) ||
		  (rc = p->fn.info.can_reset ? kernel_reset(&p->fn) : us_header_enable(&p->fn))))
		us_fail(err, rc, "%s", us_fn_error(&p->fn));
	if (rc) {
		kernel_close(&p->fn);
		return rc;
	}
	find_table(p);
	*fn = &p->fn;
	return 0;
}

int us_kernel_open(const char *address, struct us_function **fn, struct us_error *err)
{
	return us_kernel_open_in(&us_kernel_world, address, fn, err);
}
