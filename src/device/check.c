/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Can this map be played? Generated maps can, but a shared object may bring any, so everything that the rest of the
 * library takes for granted is made sure of here, once.
 */
#include "device/private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define MESSAGES_MAX 32
#define IO_MAX 256 /* bytes of an I/O BAR (PCI 3.0, 6.2.5.1) */
#define MEM_MIN 16 /* bytes of a memory BAR (6.2.5.1) */

static bool power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

static int check_bar(const struct us_map *map, unsigned n, struct us_error *err)
{
	const struct us_bar *bar = &map->bars[n];
	const uint64_t least = bar->kind == US_BAR_IO ? 4 : MEM_MIN;
	uint64_t most = IO_MAX;

	if (bar->kind == US_BAR_NONE)
		return bar->size ? us_fail(err, -EINVAL, "map '%s': BAR %u has a size but no kind", map->name, n) : 0;
	if (bar->kind != US_BAR_MEM32 && bar->kind != US_BAR_MEM64 && bar->kind != US_BAR_IO)
		return us_fail(err, -EINVAL, "map '%s': BAR %u is of no known kind (%u)", map->name, n, bar->kind);
	if (bar->kind == US_BAR_MEM32)
		most = UINT64_C(1) << 31;
	else if (bar->kind == US_BAR_MEM64)
		most = UINT64_C(1) << 55; /* what a us_addr can say */
	if (!power_of_two(bar->size) || bar->size < least || bar->size > most)
		return us_fail(err, -EINVAL,
			       "map '%s': BAR %u has %" PRIu64 " bytes: it must be a power of two from %" PRIu64
			       " to %" PRIu64,
			       map->name, n, bar->size, least, most);
	if (bar->kind == US_BAR_MEM64 && (n + 1 == US_BARS || map->bars[n + 1].kind != US_BAR_NONE))
		return us_fail(err, -EINVAL, "map '%s': BAR %u is 64 bits wide and needs the next BAR's place too",
			       map->name, n);
	return 0;
}

static int check_pci(const struct us_map *map, struct us_error *err)
{
	const struct us_pci *pci = &map->pci;

	if (pci->class_code > 0xffffff)
		return us_fail(err, -EINVAL, "map '%s': class code 0x%x has more than 24 bits", map->name,
			       pci->class_code);
	if (pci->intx_pin > 4)
		return us_fail(err, -EINVAL, "map '%s': there is no interrupt pin %u, only 1 (INTA#) to 4", map->name,
			       pci->intx_pin);
	if (pci->msi > MESSAGES_MAX || (pci->msi && !power_of_two(pci->msi)))
		return us_fail(err, -EINVAL, "map '%s': %u MSI messages: it must be 0, 1, 2, 4, 8, 16 or 32", map->name,
			       pci->msi);
	if (pci->msix > US_MSIX_MAX)
		return us_fail(err, -EINVAL, "map '%s': %u MSI-X vectors: at most %u", map->name, pci->msix,
			       US_MSIX_MAX);
	if (pci->flr && !pci->express)
		return us_fail(err, -EINVAL,
			       "map '%s': function level reset needs the PCI Express capability: set 'express' too",
			       map->name);
	if (pci->express && !pci->pm)
		return us_fail(err, -EINVAL,
			       "map '%s': every PCI Express function has power management (PCIe 5.3): set 'pm' too",
			       map->name);
	return 0;
}

static int check_field(const struct us_map *map, const struct us_reg *reg, const struct us_field *f,
		       struct us_error *err)
{
	const unsigned bits = 8u * reg->size;

	if (!f->name)
		return us_fail(err, -EINVAL, "map '%s': register %s has a field without a name", map->name, reg->path);
	if (!f->width || f->lsb >= bits || f->width > bits - f->lsb)
		return us_fail(err, -EINVAL, "map '%s': field %s.%s does not fit its register", map->name, reg->path,
			       f->name);
	if (f->reset & ~(UINT64_MAX >> (64 - f->width)))
		return us_fail(err, -EINVAL, "map '%s': the reset value of %s.%s does not fit the field", map->name,
			       reg->path, f->name);
	if (f->onread > US_ONREAD_RUSER || f->onwrite > US_ONWRITE_WUSER)
		return us_fail(err, -EINVAL, "map '%s': field %s.%s has an access policy that is not known", map->name,
			       reg->path, f->name);
	if (!(f->flags & US_FIELD_INTR))
		return 0;
	if (f->message < 0)
		return us_fail(err, -EINVAL, "map '%s': cause %s.%s has message %d", map->name, reg->path, f->name,
			       f->message);
	if (f->enable_reg < -1 || (f->enable_reg >= 0 && (size_t)f->enable_reg >= map->nregs))
		return us_fail(err, -EINVAL, "map '%s': cause %s.%s is enabled by a register that is not there",
			       map->name, reg->path, f->name);
	if (f->enable_reg >= 0 && f->enable_lsb + f->width > 8 * map->regs[f->enable_reg].size)
		return us_fail(err, -EINVAL, "map '%s': the enable bits of cause %s.%s do not fit register %s",
			       map->name, reg->path, f->name, map->regs[f->enable_reg].path);
	return 0;
}

static int check_reg(const struct us_map *map, size_t n, struct us_error *err)
{
	const struct us_reg *reg = &map->regs[n];
	unsigned next_bit = 0;

	if (!reg->name || !reg->path)
		return us_fail(err, -EINVAL, "map '%s': register %zu has no name", map->name, n);
	if (reg->size != 1 && reg->size != 2 && reg->size != 4 && reg->size != 8)
		return us_fail(err, -EINVAL, "map '%s': register %s has %u bytes: it must be 1, 2, 4 or 8", map->name,
			       reg->path, reg->size);
	if (n && reg->addr <= map->regs[n - 1].addr)
		return us_fail(err, -EINVAL, "map '%s': registers %s and %s are not in ascending order", map->name,
			       map->regs[n - 1].path, reg->path);
	if (reg->nfields && !reg->fields)
		return us_fail(err, -EINVAL, "map '%s': the fields of register %s are missing", map->name, reg->path);
	for (unsigned i = 0; i < reg->nfields; i++) {
		const int ret = check_field(map, reg, &reg->fields[i], err);

		if (ret)
			return ret;
		if (reg->fields[i].lsb < next_bit)
			return us_fail(err, -EINVAL, "map '%s': fields of register %s overlap at %s", map->name,
				       reg->path, reg->fields[i].name);
		next_bit = reg->fields[i].lsb + reg->fields[i].width;
	}
	return 0;
}

static int check_mem(const struct us_map *map, size_t n, struct us_error *err)
{
	const struct us_mem *mem = &map->mems[n];

	if (!mem->name || !mem->path)
		return us_fail(err, -EINVAL, "map '%s': memory %zu has no name", map->name, n);
	if (!mem->size)
		return us_fail(err, -EINVAL, "map '%s': memory %s has no bytes", map->name, mem->path);
	return 0;
}

/* -- what lies where ---------------------------------------------------------------------------------------------- */

struct extent {
	const char *name;
	unsigned bar;
	uint64_t start, size;
};

static int by_place(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;

	if (x->bar != y->bar)
		return x->bar < y->bar ? -1 : 1;
	return x->start < y->start ? -1 : x->start > y->start;
}

static size_t collect(const struct us_map *map, struct extent *all)
{
	const struct us_pci *pci = &map->pci;
	size_t n = 0;

	for (size_t i = 0; i < map->nregs; i++)
		all[n++] = (struct extent){map->regs[i].path, US_BAR_OF(map->regs[i].addr),
					   US_OFFSET_OF(map->regs[i].addr), map->regs[i].size};
	for (size_t i = 0; i < map->nmems; i++)
		all[n++] = (struct extent){map->mems[i].path, US_BAR_OF(map->mems[i].addr),
					   US_OFFSET_OF(map->mems[i].addr), map->mems[i].size};
	if (pci->msix) {
		all[n++] = (struct extent){"the MSI-X table", pci->msix_table_bar, pci->msix_table_offset,
					   16ull * pci->msix};
		all[n++] = (struct extent){"the MSI-X pending bits", pci->msix_pba_bar, pci->msix_pba_offset,
					   8ull * ((pci->msix + 63u) / 64)};
	}
	return n;
}

static int check_extent(const struct us_map *map, const struct extent *e, struct us_error *err)
{
	const struct us_bar *bar = e->bar < US_BARS ? &map->bars[e->bar] : NULL;

	if (!bar || bar->kind == US_BAR_NONE)
		return us_fail(err, -EINVAL, "map '%s': %s lies in BAR %u, which is not there", map->name, e->name,
			       e->bar);
	if (e->start > bar->size || e->size > bar->size - e->start)
		return us_fail(err, -EINVAL, "map '%s': %s ends beyond the %" PRIu64 " bytes of BAR %u", map->name,
			       e->name, bar->size, e->bar);
	return 0;
}

static int check_layout(const struct us_map *map, struct us_error *err)
{
	struct extent *all = calloc(map->nregs + map->nmems + 2, sizeof *all);
	size_t n;
	int ret = 0;

	if (!all)
		return us_fail(err, -ENOMEM, "map '%s': no memory to check it", map->name);
	n = collect(map, all);
	qsort(all, n, sizeof *all, by_place);
	for (size_t i = 0; i < n && !ret; i++) {
		ret = check_extent(map, &all[i], err);
		if (!ret && i && all[i].bar == all[i - 1].bar && all[i].start - all[i - 1].start < all[i - 1].size)
			ret = us_fail(err, -EINVAL, "map '%s': %s and %s overlap in BAR %u", map->name, all[i - 1].name,
				      all[i].name, all[i].bar);
	}
	free(all);
	return ret;
}

static int check_msix(const struct us_map *map, struct us_error *err)
{
	const struct us_pci *pci = &map->pci;

	if (!pci->msix)
		return 0;
	if (pci->msix_table_offset % 8 || pci->msix_pba_offset % 8)
		return us_fail(err, -EINVAL, "map '%s': the MSI-X table and pending bits must lie at multiples of 8",
			       map->name);
	if (map->bars[pci->msix_table_bar].kind == US_BAR_IO || map->bars[pci->msix_pba_bar].kind == US_BAR_IO)
		return us_fail(err, -EINVAL, "map '%s': the MSI-X table and pending bits must lie in memory space",
			       map->name);
	return 0;
}

int us_map_check(const struct us_map *map, struct us_error *err)
{
	int ret;

	if (!map || !map->name)
		return us_fail(err, -EINVAL, "the model has no register map");
	if ((map->nregs && !map->regs) || (map->nmems && !map->mems) || map->nregs > INT32_MAX ||
	    map->nmems > INT32_MAX)
		return us_fail(err, -EINVAL, "map '%s': its tables are missing", map->name);
	ret = check_pci(map, err);
	for (unsigned n = 0; n < US_BARS && !ret; n++)
		ret = check_bar(map, n, err);
	for (size_t n = 0; n < map->nregs && !ret; n++)
		ret = check_reg(map, n, err);
	for (size_t n = 0; n < map->nmems && !ret; n++)
		ret = check_mem(map, n, err);
	if (!ret)
		ret = check_layout(map, err);
	return ret ? ret : check_msix(map, err);
}
