/* SPDX-License-Identifier: Apache-2.0 */
/* The seam: finds the player that a target names, and checks every request before the player sees it. */
#include "function/kernel.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

const char *us_region_name(unsigned region)
{
	static const char *const names[US_REGIONS] = {
		"BAR 0", "BAR 1", "BAR 2", "BAR 3", "BAR 4", "BAR 5", "the ROM", "config space", "the VGA region",
	};

	return region < US_REGIONS ? names[region] : "no region";
}

const char *us_irq_name(unsigned kind)
{
	static const char *const names[US_IRQ_KIND_COUNT] = {"INTx", "MSI", "MSI-X"};

	return kind < US_IRQ_KIND_COUNT ? names[kind] : "no interrupt kind";
}

/* -- what all players share ------------------------------------------------------------------------------------- */

int us_fn_init(struct us_function *fn, const struct us_player *player, const char *target)
{
	fn->player = player;
	fn->irq_kind = -1;
	fn->target = strdup(target);
	return fn->target ? 0 : -ENOMEM;
}

void us_fn_fini(struct us_function *fn)
{
	for (struct us_view *view = fn->views, *next; view; view = next) {
		next = view->next;
		munmap(view->at, view->length);
		free(view);
	}
	us_mappings_clear(&fn->dma);
	free(fn->came);
	free(fn->target);
}

int us_fn_fail(struct us_function *fn, int code, const char *format, ...)
{
	struct us_error said;
	va_list args;

	va_start(args, format);
	us_vfail(&said, code, format, args);
	va_end(args);
	return us_fail(&fn->error, code, "%s: %.*s", fn->target, (int)sizeof said.text, said.text);
}

void us_fn_came(struct us_function *fn, unsigned n, uint64_t times)
{
	if (n >= fn->irq_count || !times)
		return;
	fn->irq_pending += !fn->came[n];
	fn->came[n] += times;
}

int us_fn_view(struct us_function *fn, int fd, uint64_t fd_offset, size_t length, int prot, void **at)
{
	struct us_view *view = fn->views;

	while (view && (view->fd != fd || view->offset != fd_offset || view->length != length || view->prot != prot))
		view = view->next;
	if (view) {
		*at = view->at;
		return 0;
	}
	view = malloc(sizeof *view);
	if (!view)
		return us_fn_fail(fn, -ENOMEM, "out of memory");
	*view = (struct us_view){.length = length, .fd = fd, .prot = prot, .offset = fd_offset};
	view->at = mmap(NULL, length, prot, MAP_SHARED, fd, (off_t)fd_offset);
	if (view->at == MAP_FAILED) {
		int why = errno;

		free(view);
		return us_fn_fail(fn, -why, "can not map %zu bytes of the region: %s", length, strerror(why));
	}
	view->next = fn->views;
	fn->views = view;
	*at = view->at;
	return 0;
}

/* -- life ------------------------------------------------------------------------------------------------------- */

/* DDDD:BB:DD.F, or BB:DD.F as lspci prints it; behind a word that says which way. */
static bool is_pci_address(const char *target)
{
	unsigned domain, bus, device, function;
	const struct us_kernel_way *way;
	int end = 0;

	target = us_kernel_address(target, &way);
	if (sscanf(target, "%8x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &end) == 4 && !target[end])
		return true;
	end = 0;
	return sscanf(target, "%2x:%2x.%1x%n", &bus, &device, &function, &end) == 3 && !target[end];
}

int us_fn_open(const char *target, const char *model, struct us_function **fn, struct us_error *err)
{
	*fn = NULL;
	if (!strcmp(target, "model"))
		return us_model_open(model, fn, err);
	if (strchr(target, '/'))
		return us_socket_open(target, fn, err);
	if (is_pci_address(target))
		return us_kernel_open(target, fn, err);
	return us_fail(
		err, -EINVAL,
		"target '%s' is none of: model, the path of a vfio-user socket (with a slash: ./%s), a PCI address "
		"(0000:03:00.0, or with group: or iommufd: before it)",
		target, target);
}

void us_fn_close(struct us_function *fn)
{
	if (fn)
		fn->player->close(fn);
}

const char *us_fn_error(const struct us_function *fn)
{
	return fn->error.text;
}

const struct us_function_info *us_fn_info(const struct us_function *fn)
{
	return &fn->info;
}

int us_fn_trace(struct us_function *fn, FILE *stream)
{
	return fn->player->trace(fn, stream);
}

int us_fn_reset(struct us_function *fn)
{
	int rc;

	if (!fn->info.can_reset)
		return us_fn_fail(fn, -ENOTSUP, "the target has no way to reset this function");
	if (fn->irq_kind >= 0 && (rc = us_fn_irq_disable(fn, (enum us_irq_kind)fn->irq_kind)))
		return rc;
	return fn->player->reset(fn);
}

uint64_t us_fn_now(struct us_function *fn)
{
	return fn->player->now(fn);
}

/* The moment `timeout` from now, without passing the end of time. */
static uint64_t deadline_of(struct us_function *fn, uint64_t timeout)
{
	uint64_t now = fn->player->now(fn);

	return timeout > US_FOREVER - now ? US_FOREVER : now + timeout;
}

void us_fn_sleep(struct us_function *fn, uint64_t ns)
{
	uint64_t deadline = deadline_of(fn, ns);

	while (fn->player->progress(fn, deadline) > 0)
		;
}

/* -- access ----------------------------------------------------------------------------------------------------- */

static int refuse_access(struct us_function *fn, unsigned region, uint64_t offset, unsigned width)
{
	uint64_t size = region < US_REGIONS ? fn->info.region[region].size : 0;

	if (!size)
		return us_fn_fail(fn, -EINVAL, "the function has no %s (region %u)",
				  region < US_REGIONS ? us_region_name(region) : "such region", region);
	if (width != 1 && width != 2 && width != 4 && width != 8)
		return us_fn_fail(fn, -EINVAL, "an access of %u bytes: only 1, 2, 4 and 8 are possible", width);
	if (offset & (width - 1))
		return us_fn_fail(fn, -EINVAL, "an access of %u bytes at 0x%" PRIx64 " of %s is not naturally aligned",
				  width, offset, us_region_name(region));
	return us_fn_fail(fn, -EINVAL, "an access at 0x%" PRIx64 " is beyond the 0x%" PRIx64 " bytes of %s", offset,
			  size, us_region_name(region));
}

static inline bool access_fits(const struct us_function *fn, unsigned region, uint64_t offset, unsigned width)
{
	return region < US_REGIONS && (width == 4 || width == 8 || width == 2 || width == 1) &&
	       !(offset & (width - 1)) && fn->info.region[region].size >= width &&
	       offset <= fn->info.region[region].size - width;
}

int us_fn_read(struct us_function *fn, enum us_region region, uint64_t offset, unsigned width, uint64_t *value)
{
	if (!access_fits(fn, region, offset, width))
		return refuse_access(fn, region, offset, width);
	if (__builtin_expect(fn->observe != NULL, 0)) {
		int rc = fn->player->read(fn, region, offset, width, value);

		if (!rc)
			fn->observe(fn->observe_ctx, false, region, offset, width, *value);
		return rc;
	}
	return fn->player->read(fn, region, offset, width, value);
}

int us_fn_write(struct us_function *fn, enum us_region region, uint64_t offset, unsigned width, uint64_t value)
{
	if (!access_fits(fn, region, offset, width))
		return refuse_access(fn, region, offset, width);
	if (__builtin_expect(fn->observe != NULL, 0))
		fn->observe(fn->observe_ctx, true, region, offset, width, value);
	return fn->player->write(fn, region, offset, width, value);
}

uint32_t us_fn_read32(struct us_function *fn, enum us_region region, uint64_t offset)
{
	uint64_t value;

	return us_fn_read(fn, region, offset, 4, &value) ? UINT32_MAX : (uint32_t)value;
}

void us_fn_write32(struct us_function *fn, enum us_region region, uint64_t offset, uint32_t value)
{
	us_fn_write(fn, region, offset, 4, value);
}

int us_fn_map_region(struct us_function *fn, enum us_region region, uint64_t offset, size_t length, void **at)
{
	uint64_t size = (unsigned)region < US_REGIONS ? fn->info.region[region].size : 0;

	*at = NULL;
	if (!size)
		return refuse_access(fn, region, offset, 1);
	if (!length || offset % US_PAGE || length % US_PAGE || offset > size || length > size - offset)
		return us_fn_fail(fn, -EINVAL, "0x%zx bytes at 0x%" PRIx64 " of %s are not whole pages inside it",
				  length, offset, us_region_name(region));
	if (!(fn->info.region[region].flags & US_REGION_MAP))
		return us_fn_fail(fn, -ENODEV, "%s can not be mapped, only accessed", us_region_name(region));
	return fn->player->map_region(fn, region, offset, length, at);
}

/* -- interrupts ------------------------------------------------------------------------------------------------- */

int us_fn_irq_enable(struct us_function *fn, enum us_irq_kind kind, unsigned count)
{
	int rc;

	if ((unsigned)kind >= US_IRQ_KIND_COUNT)
		return us_fn_fail(fn, -EINVAL, "no interrupt kind %d", kind);
	if (fn->irq_kind >= 0)
		return us_fn_fail(fn, -EBUSY, "%s is enabled: disable it before %s is enabled",
				  us_irq_name((unsigned)fn->irq_kind), us_irq_name(kind));
	if (!count || count > fn->info.irqs[kind] || count > US_VECTORS)
		return us_fn_fail(fn, -EINVAL, "%u %s interrupts asked for: the function has %u", count,
				  us_irq_name(kind), fn->info.irqs[kind]);
	if (kind == US_MSI && count & (count - 1))
		return us_fn_fail(fn, -EINVAL, "%u MSI messages asked for: only a power of two can be granted", count);
	fn->came = calloc(count, sizeof *fn->came);
	if (!fn->came)
		return us_fn_fail(fn, -ENOMEM, "out of memory");
	fn->irq_kind = (int)kind;
	fn->irq_count = count;
	fn->irq_pending = 0;
	rc = fn->player->irq_enable(fn, kind, count);
	if (rc) {
		fn->irq_kind = -1;
		fn->irq_count = 0;
		free(fn->came);
		fn->came = NULL;
	}
	return rc;
}

int us_fn_irq_disable(struct us_function *fn, enum us_irq_kind kind)
{
	int rc;

	if (fn->irq_kind != (int)kind)
		return 0;
	rc = fn->player->irq_disable(fn, kind);
	fn->irq_kind = -1;
	fn->irq_count = 0;
	free(fn->came);
	fn->came = NULL;
	return rc;
}

static int irq_check(struct us_function *fn, enum us_irq_kind kind, unsigned n)
{
	if (fn->irq_kind == (int)kind && n < fn->irq_count)
		return 0;
	if (fn->irq_kind != (int)kind)
		return us_fn_fail(fn, -EINVAL, "%s is not enabled", us_irq_name(kind));
	return us_fn_fail(fn, -EINVAL, "%s interrupt %u: %u are enabled", us_irq_name(kind), n, fn->irq_count);
}

int us_fn_irq_mask(struct us_function *fn, enum us_irq_kind kind, unsigned n)
{
	int rc = irq_check(fn, kind, n);

	return rc ? rc : fn->player->irq_mask(fn, kind, n, true);
}

int us_fn_irq_unmask(struct us_function *fn, enum us_irq_kind kind, unsigned n)
{
	int rc = irq_check(fn, kind, n);

	return rc ? rc : fn->player->irq_mask(fn, kind, n, false);
}

/* Takes what came of interrupt `n`; 1 if it did. */
static int take(struct us_function *fn, unsigned n, uint64_t *count)
{
	if (!fn->came[n])
		return 0;
	if (count)
		*count = fn->came[n];
	fn->came[n] = 0;
	fn->irq_pending--;
	return 1;
}

int us_fn_irq_wait(struct us_function *fn, enum us_irq_kind kind, unsigned n, uint64_t timeout, uint64_t *count)
{
	int rc = irq_check(fn, kind, n);
	uint64_t deadline;

	if (rc)
		return rc;
	deadline = deadline_of(fn, timeout);
	do {
		if (take(fn, n, count))
			return 1;
		rc = fn->player->progress(fn, deadline);
	} while (rc > 0);
	return rc < 0 ? rc : take(fn, n, count);
}

int us_fn_irq_wait_any(struct us_function *fn, uint64_t timeout, unsigned *n, uint64_t *count)
{
	uint64_t deadline = deadline_of(fn, timeout);
	int rc;

	if (fn->irq_kind < 0)
		return us_fn_fail(fn, -EINVAL, "no interrupts are enabled");
	do
		rc = fn->irq_pending ? 0 : fn->player->progress(fn, deadline);
	while (rc > 0);
	if (rc < 0)
		return rc;
	for (*n = 0; fn->irq_pending && *n < fn->irq_count; ++*n)
		if (take(fn, *n, count))
			return 1;
	return 0;
}

/* -- DMA -------------------------------------------------------------------------------------------------------- */

static int dma_check(struct us_function *fn, uint64_t iova, size_t size)
{
	if (!size || iova % US_PAGE || size % US_PAGE)
		return us_fn_fail(fn, -EINVAL,
				  "0x%zx bytes at device address 0x%" PRIx64 " are not whole pages of 4096 bytes", size,
				  iova);
	if (size - 1 > UINT64_MAX - iova)
		return us_fn_fail(fn, -EINVAL,
				  "0x%zx bytes at device address 0x%" PRIx64 " pass the end of the address space", size,
				  iova);
	return 0;
}

static int dma_check_new(struct us_function *fn, uint64_t iova, size_t size, int flags)
{
	int rc = dma_check(fn, iova, size);
	size_t i = rc ? 0 : us_mappings_index(&fn->dma, iova);

	if (rc)
		return rc;
	if (!flags || flags & ~(US_FN_DMA_READ | US_FN_DMA_WRITE))
		return us_fn_fail(fn, -EINVAL, "DMA flags 0x%x: the device must be allowed to read, to write or both",
				  (unsigned)flags);
	if (i < fn->dma.count && fn->dma.list[i].iova <= iova + (size - 1))
		return us_fn_fail(fn, -EEXIST, "device addresses 0x%" PRIx64 " to 0x%" PRIx64 " are mapped already",
				  fn->dma.list[i].iova, fn->dma.list[i].iova + (fn->dma.list[i].size - 1));
	return 0;
}

static int dma_add(struct us_function *fn, const struct us_mapping *m)
{
	int rc = us_mappings_insert(&fn->dma, m);

	if (rc) {
		if (m->block && !m->block->refs)
			us_block_free(m->block);
		return us_fn_fail(fn, rc, "out of memory");
	}
	rc = fn->player->dma_map(fn, m);
	if (rc)
		us_mappings_remove(&fn->dma, us_mappings_index(&fn->dma, m->iova));
	return rc;
}

int us_fn_dma_alloc(struct us_function *fn, uint64_t iova, size_t size, int flags, void **at)
{
	struct us_mapping m = {.iova = iova, .size = size, .flags = flags};
	int rc = dma_check_new(fn, iova, size, flags);

	*at = NULL;
	if (rc)
		return rc;
	m.block = us_block_new(size);
	if (!m.block) {
		rc = -errno;
		return us_fn_fail(fn, rc, "no 0x%zx bytes of memory for DMA: %s", size, strerror(-rc));
	}
	m.at = m.block->at;
	rc = dma_add(fn, &m);
	if (!rc)
		*at = m.at;
	return rc;
}

static int dma_check_memory(struct us_function *fn, const void *at, uint64_t iova, size_t size, int flags)
{
	int rc = dma_check_new(fn, iova, size, flags);

	if (!rc && (uintptr_t)at % US_PAGE)
		return us_fn_fail(fn, -EINVAL, "memory at %p does not start on a page", at);
	return rc;
}

int us_fn_dma_map(struct us_function *fn, void *at, uint64_t iova, size_t size, int flags)
{
	struct us_mapping m = {.iova = iova, .size = size, .at = at, .flags = flags};
	int rc = dma_check_memory(fn, at, iova, size, flags);

	if (rc)
		return rc;
	m.block = us_mappings_block(&fn->dma, at, size);
	return dma_add(fn, &m);
}

int us_fn_dma_share(struct us_function *fn, void *at, int fd, uint64_t iova, size_t size, int flags)
{
	struct us_mapping m = {.iova = iova, .size = size, .at = at, .flags = flags};
	int rc = dma_check_memory(fn, at, iova, size, flags);

	if (rc)
		return rc;
	m.block = us_block_borrow(at, size, fd);
	return m.block ? dma_add(fn, &m) : us_fn_fail(fn, -ENOMEM, "out of memory");
}

int us_fn_dma_unmap(struct us_function *fn, uint64_t iova, size_t size)
{
	int rc = dma_check(fn, iova, size);
	size_t first, i;

	if (rc)
		return rc;
	first = us_mappings_index(&fn->dma, iova);
	for (i = first; i < fn->dma.count && fn->dma.list[i].iova <= iova + (size - 1); i++) {
		const struct us_mapping *m = &fn->dma.list[i];

		if (m->iova < iova || m->iova + (m->size - 1) > iova + (size - 1))
			return us_fn_fail(fn, -EINVAL,
					  "unmapping would cut the mapping of 0x%" PRIx64 " to 0x%" PRIx64 " in two",
					  m->iova, m->iova + (m->size - 1));
	}
	while (i-- > first) {
		rc = fn->player->dma_unmap(fn, &fn->dma.list[i]);
		if (rc)
			return rc;
		us_mappings_remove(&fn->dma, i);
	}
	return 0;
}
