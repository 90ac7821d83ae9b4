/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The in-process player: a model, and around it what a machine gives a function: memory, an interrupt controller, a
 * clock.
 *
 * Time is virtual. It stands still while software runs and jumps to the device's next alarm, or to the limit, when
 * software waits. So a run is the same every time, and a wait of a second costs nothing.
 *
 * Software's side is done as an operating system does it, through the function's own config space and BARs: MSI is
 * enabled by programming its capability, MSI-X by filling the table. A message is then a memory write like any other,
 * and is recognised by its address and data, as an interrupt controller does.
 */
#include "device/host.h"
#include "function/player.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Where messages go (the address range of a PC's local interrupt controllers), and the data of message 0. */
#define MSI_ADDRESS 0xfee00000u
#define MSI_END 0xfef00000u
#define MSI_DATA 0x4000u

struct player {
	struct us_function fn;
	struct us_device *dev;
	uint64_t now, alarm;
	bool intx_masked;
	FILE *log;
};

static struct player *player_of(struct us_function *fn)
{
	return (struct player *)fn;
}

/* -- what the machine gives the device -------------------------------------------------------------------------- */

static int host_dma(void *ctx, uint64_t addr, void *buffer, size_t length, enum us_dma_direction direction,
		    uint64_t *fault)
{
	struct player *p = ctx;

	return us_mappings_move(&p->fn.dma, addr, buffer, length,
				direction == US_DMA_READ ? US_FN_DMA_READ : US_FN_DMA_WRITE, fault);
}

static void *host_dma_map(void *ctx, uint64_t addr, size_t *length, enum us_dma_direction direction)
{
	struct player *p = ctx;
	uint64_t reached = *length;
	int why;
	void *at = us_mappings_reach(&p->fn.dma, addr, &reached,
				     direction == US_DMA_READ ? US_FN_DMA_READ : US_FN_DMA_WRITE, &why);

	*length = (size_t)reached;
	return at;
}

/* Delivers INTx if it is asserted and not masked; it is then masked, so that software is told once for each unmask. */
static void look_at_intx(struct player *p, bool asserted)
{
	if (p->fn.irq_kind != US_INTX || p->intx_masked || !asserted)
		return;
	p->intx_masked = true;
	us_fn_came(&p->fn, 0, 1);
}

static void host_intx(void *ctx, bool asserted)
{
	look_at_intx(ctx, asserted);
}

static void host_message(void *ctx, enum us_irq kind, unsigned n, uint64_t address, uint32_t data)
{
	struct player *p = ctx;

	(void)n;
	if (address < MSI_ADDRESS || address >= MSI_END) /* software has aimed it at memory */
		us_mappings_move(&p->fn.dma, address, &data, sizeof data, US_FN_DMA_WRITE, NULL);
	else if (p->fn.irq_kind == (int)kind && address == MSI_ADDRESS && data >= MSI_DATA)
		us_fn_came(&p->fn, data - MSI_DATA, 1);
}

static uint64_t host_now(void *ctx)
{
	return ((struct player *)ctx)->now;
}

static void host_alarm(void *ctx, uint64_t when)
{
	((struct player *)ctx)->alarm = when;
}

static void host_trace(void *ctx, const char *line)
{
	struct player *p = ctx;

	if (p->log)
		fprintf(p->log, "%" PRIu64 ".%09u %s\n", p->now / 1000000000, (unsigned)(p->now % 1000000000), line);
}

/* -- access ----------------------------------------------------------------------------------------------------- */

static int config_read(struct player *p, uint64_t offset, unsigned width, uint64_t *value)
{
	uint32_t low = 0, high = 0;
	int rc = us_device_config_read(p->dev, (uint32_t)offset, width == 8 ? 4 : width, &low);

	if (!rc && width == 8)
		rc = us_device_config_read(p->dev, (uint32_t)offset + 4, 4, &high);
	*value = (uint64_t)high << 32 | low;
	return rc;
}

static int config_write(struct player *p, uint64_t offset, unsigned width, uint64_t value)
{
	int rc = us_device_config_write(p->dev, (uint32_t)offset, width == 8 ? 4 : width, (uint32_t)value);

	return rc || width != 8 ? rc : us_device_config_write(p->dev, (uint32_t)offset + 4, 4, (uint32_t)(value >> 32));
}

static int model_read(struct us_function *fn, unsigned region, uint64_t offset, unsigned width, uint64_t *value)
{
	struct player *p = player_of(fn);
	int rc = region < US_BARS ? us_device_read(p->dev, region, offset, width, value)
				  : config_read(p, offset, width, value);

	return rc ? us_fn_fail(fn, rc, "%u bytes at 0x%" PRIx64 " of %s can not be read: %s", width, offset,
			       us_region_name(region), strerror(-rc))
		  : 0;
}

static int model_write(struct us_function *fn, unsigned region, uint64_t offset, unsigned width, uint64_t value)
{
	struct player *p = player_of(fn);
	int rc = region < US_BARS ? us_device_write(p->dev, region, offset, width, value)
				  : config_write(p, offset, width, value);

	return rc ? us_fn_fail(fn, rc, "%u bytes at 0x%" PRIx64 " of %s can not be written: %s", width, offset,
			       us_region_name(region), strerror(-rc))
		  : 0;
}

static int model_map_region(struct us_function *fn, unsigned region, uint64_t offset, size_t length, void **at)
{
	struct us_area area;

	for (unsigned i = 0; region < US_BARS && !us_device_area(player_of(fn)->dev, region, i, &area); i++)
		if (offset >= area.offset && offset - area.offset < area.size &&
		    length <= area.size - (offset - area.offset))
			return us_fn_view(fn, area.fd, area.fd_offset + (offset - area.offset), length,
					  (area.read ? PROT_READ : 0) | (area.write ? PROT_WRITE : 0), at);
	return us_fn_fail(fn, -ENODEV,
			  "0x%zx bytes at 0x%" PRIx64 " of %s are not all plain memory: they can only be accessed",
			  length, offset, us_region_name(region));
}

/* -- interrupts ------------------------------------------------------------------------------------------------- */

static unsigned log2_of(unsigned power)
{
	return (unsigned)__builtin_ctz(power);
}

/* PCI 3.0, 6.8.1: address and data first, then the number granted, and the enable bit last. */
static int enable_msi(struct us_function *fn, unsigned count)
{
	int cap = us_fn_capability(fn, PCI_CAP_ID_MSI);
	unsigned at = (unsigned)cap;
	uint64_t control;
	int rc;

	if (cap < 0)
		return cap;
	if ((rc = us_fn_read(fn, US_REGION_CONFIG, at + 2, 2, &control)) ||
	    (rc = us_fn_write(fn, US_REGION_CONFIG, at + 4, 4, MSI_ADDRESS)))
		return rc;
	if (control & PCI_MSI_FLAGS_64BIT && (rc = us_fn_write(fn, US_REGION_CONFIG, at + 8, 4, 0)))
		return rc;
	if ((rc = us_fn_write(fn, US_REGION_CONFIG, at + (control & PCI_MSI_FLAGS_64BIT ? 12 : 8), 2, MSI_DATA)))
		return rc;
	if (control & PCI_MSI_FLAGS_MASKBIT &&
	    (rc = us_fn_write(fn, US_REGION_CONFIG, at + (control & PCI_MSI_FLAGS_64BIT ? 16 : 12), 4, 0)))
		return rc;
	return us_fn_write(fn, US_REGION_CONFIG, at + 2, 2,
			   (control & ~UINT64_C(0x70)) | log2_of(count) << 4 | PCI_MSI_FLAGS_ENABLE);
}

/* The table is in a BAR: memory space is enabled for as long as it is filled, whatever the driver has there. */
static int fill_msix_table(struct us_function *fn, unsigned count)
{
	unsigned region;
	uint64_t table;
	int rc = us_header_msix_table(fn, &region, &table);

	for (unsigned i = 0; !rc && i < fn->info.irqs[US_MSIX]; i++, table += 16) {
		bool used = i < count;

		if (!used) {
			rc = us_fn_write(fn, region, table + 12, 4, 1);
			continue;
		}
		if ((rc = us_fn_write(fn, region, table, 4, MSI_ADDRESS)) ||
		    (rc = us_fn_write(fn, region, table + 4, 4, 0)) ||
		    (rc = us_fn_write(fn, region, table + 8, 4, MSI_DATA + i)))
			return rc;
		rc = us_fn_write(fn, region, table + 12, 4, 0);
	}
	return rc;
}

/* PCI 3.0, 6.8.2: enabled with all masked, so that nothing is sent while the table is half full. */
static int enable_msix(struct us_function *fn, unsigned count)
{
	int cap = us_fn_capability(fn, PCI_CAP_ID_MSIX);
	unsigned control = (unsigned)cap + 2;
	uint64_t command;
	int rc;

	if (cap < 0)
		return cap;
	if ((rc = us_header_change(fn, control, 2, 0, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL)) ||
	    (rc = us_fn_read(fn, US_REGION_CONFIG, PCI_COMMAND, 2, &command)) ||
	    (rc = us_fn_write(fn, US_REGION_CONFIG, PCI_COMMAND, 2, command | PCI_COMMAND_MEMORY)) ||
	    (rc = fill_msix_table(fn, count)) || (rc = us_fn_write(fn, US_REGION_CONFIG, PCI_COMMAND, 2, command)))
		return rc;
	return us_header_change(fn, control, 2, PCI_MSIX_FLAGS_MASKALL, 0);
}

static int model_irq_enable(struct us_function *fn, enum us_irq_kind kind, unsigned count)
{
	struct player *p = player_of(fn);
	int rc = us_header_change(fn, PCI_COMMAND, 2, kind == US_INTX ? PCI_COMMAND_INTX_DISABLE : 0,
				  kind == US_INTX ? 0 : PCI_COMMAND_INTX_DISABLE);

	if (rc)
		return rc;
	if (kind == US_MSI)
		return enable_msi(fn, count);
	if (kind == US_MSIX)
		return enable_msix(fn, count);
	p->intx_masked = false;
	look_at_intx(p, us_device_intx(p->dev));
	return 0;
}

static int model_irq_disable(struct us_function *fn, enum us_irq_kind kind)
{
	int cap, rc;

	if (kind == US_INTX)
		return 0;
	cap = us_fn_capability(fn, kind == US_MSI ? PCI_CAP_ID_MSI : PCI_CAP_ID_MSIX);
	if (cap < 0)
		return cap;
	rc = us_header_change(fn, (unsigned)cap + 2, 2, kind == US_MSI ? PCI_MSI_FLAGS_ENABLE : PCI_MSIX_FLAGS_ENABLE,
			      0);
	return rc ? rc : us_header_change(fn, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE, 0);
}

static int model_irq_mask(struct us_function *fn, enum us_irq_kind kind, unsigned n, bool masked)
{
	struct player *p = player_of(fn);

	if (kind == US_MSI)
		return us_header_mask_msi(fn, n, masked);
	if (kind == US_MSIX)
		return us_header_mask_msix(fn, n, masked);
	p->intx_masked = masked;
	look_at_intx(p, us_device_intx(p->dev));
	return 0;
}

/* -- time ------------------------------------------------------------------------------------------------------- */

static int model_progress(struct us_function *fn, uint64_t deadline)
{
	struct player *p = player_of(fn);

	if (p->alarm <= deadline && p->alarm != UINT64_MAX) {
		if (p->alarm > p->now)
			p->now = p->alarm;
		p->alarm = UINT64_MAX; /* unless it asks again */
		us_device_tick(p->dev);
		return 1;
	}
	if (deadline != US_FOREVER && deadline > p->now)
		p->now = deadline;
	return 0;
}

static uint64_t model_now(struct us_function *fn)
{
	return player_of(fn)->now;
}

/* -- DMA and life ----------------------------------------------------------------------------------------------- */

/* Nothing to tell anybody: the device looks mappings up when it needs them. */
static int model_dma_mapping(struct us_function *fn, const struct us_mapping *m)
{
	(void)fn;
	(void)m;
	return 0;
}

static int settle(struct us_function *fn)
{
	int rc = us_header_assign(fn);

	return rc ? rc : us_header_enable(fn);
}

static int model_reset(struct us_function *fn)
{
	struct us_device *dev = player_of(fn)->dev;

	us_device_reset(dev, us_device_map(dev)->pci.flr ? US_RESET_FLR : US_RESET_CONVENTIONAL);
	return settle(fn);
}

static int model_trace(struct us_function *fn, FILE *stream)
{
	struct player *p = player_of(fn);

	p->log = stream;
	us_device_trace(p->dev, stream != NULL);
	return 0;
}

static void model_close(struct us_function *fn)
{
	struct player *p = player_of(fn);

	us_device_destroy(p->dev);
	us_fn_fini(fn);
	free(p);
}

static const struct us_player model_player = {
	.read = model_read,
	.write = model_write,
	.map_region = model_map_region,
	.irq_enable = model_irq_enable,
	.irq_disable = model_irq_disable,
	.irq_mask = model_irq_mask,
	.progress = model_progress,
	.dma_map = model_dma_mapping,
	.dma_unmap = model_dma_mapping,
	.reset = model_reset,
	.now = model_now,
	.trace = model_trace,
	.close = model_close,
};

static void describe(struct player *p)
{
	const struct us_map *map = us_device_map(p->dev);
	struct us_function_info *info = &p->fn.info;
	struct us_area area;

	for (unsigned i = 0; i < US_BARS; i++) {
		if (map->bars[i].kind == US_BAR_NONE)
			continue;
		info->region[i].size = map->bars[i].size;
		info->region[i].flags = US_REGION_READ | US_REGION_WRITE;
		if (!us_device_area(p->dev, i, 0, &area))
			info->region[i].flags |= US_REGION_MAP;
	}
	info->region[US_REGION_CONFIG].size = map->pci.express ? 4096 : 256;
	info->region[US_REGION_CONFIG].flags = US_REGION_READ | US_REGION_WRITE;
	for (unsigned kind = 0; kind < US_IRQ_KIND_COUNT; kind++)
		info->irqs[kind] = us_device_irq_count(p->dev, (enum us_irq)kind);
	info->can_reset = true;
	info->virtual_time = true;
}

int us_model_play(const struct us_model *model, struct us_function **fn, struct us_error *err)
{
	struct player *p = calloc(1, sizeof *p);
	const struct us_host host = {
		.ctx = p,
		.dma = host_dma,
		.dma_map = host_dma_map,
		.intx = host_intx,
		.message = host_message,
		.now = host_now,
		.alarm = host_alarm,
		.trace = host_trace,
	};
	char target[80];
	int rc;

	*fn = NULL;
	if (!p)
		return us_fail(err, -ENOMEM, "out of memory");
	p->alarm = UINT64_MAX;
	snprintf(target, sizeof target, "%s (model)", model->map && model->map->name ? model->map->name : "unnamed");
	rc = us_fn_init(&p->fn, &model_player, target);
	if (rc)
		us_fail(err, rc, "out of memory");
	else
		rc = us_device_create(model, &host, &p->dev, err);
	if (rc) {
		us_fn_fini(&p->fn);
		free(p);
		return rc;
	}
	describe(p);
	if ((rc = us_header_read(&p->fn)) || (rc = settle(&p->fn))) {
		us_fail(err, rc, "%s", us_fn_error(&p->fn));
		us_fn_close(&p->fn);
		return rc;
	}
	*fn = &p->fn;
	return 0;
}

int us_model_open(const char *name, struct us_function **fn, struct us_error *err)
{
	const struct us_model *model;
	int rc;

	if (!name)
		return us_fail(
			err, -EINVAL,
			"target 'model' plays a device in this process: say which (the name of a built-in one, or the "
			"path of a shared object)");
	rc = us_model_find(name, &model, err);
	return rc ? rc : us_model_play(model, fn, err);
}
