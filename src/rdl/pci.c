/* SPDX-License-Identifier: Apache-2.0 */
#include "rdl/pci.h"
#include "rdl/internal.h"

#include <errno.h>
#include <string.h>

typedef unsigned long long ull;

struct gather {
	struct us_rdl *rdl;
	struct us_rdl_pci *pci;
	const struct us_rdl_node *top;
};

static struct us_rdl_pos pos_of(const struct us_rdl_node *node, const char *name)
{
	const struct us_rdl_prop *prop = us_rdl_get(node, name);

	return prop ? prop->pos : node->pos;
}

/* A number property of the top, which must not exceed `most`. */
static uint64_t fact(const struct gather *g, const char *name, uint64_t most)
{
	uint64_t value = us_rdl_get_int(g->top, name, 0);

	if (us_rdl_get(g->top, name))
		g->pci->any = true;
	if (value <= most)
		return value;
	us_rdl_error(g->rdl, pos_of(g->top, name), "%s is at most 0x%llx, not 0x%llx", name, (ull)most, (ull)value);
	return 0;
}

static bool flag(const struct gather *g, const char *name)
{
	if (us_rdl_get(g->top, name))
		g->pci->any = true;
	return us_rdl_get_bool(g->top, name);
}

static void gather_facts(const struct gather *g)
{
	struct us_pci *facts = &g->pci->facts;

	facts->vendor_id = (uint16_t)fact(g, "pci_vendor_id", 0xffff);
	facts->device_id = (uint16_t)fact(g, "pci_device_id", 0xffff);
	facts->subsystem_vendor_id = (uint16_t)fact(g, "pci_subsystem_vendor_id", 0xffff);
	facts->subsystem_id = (uint16_t)fact(g, "pci_subsystem_id", 0xffff);
	facts->class_code = (uint32_t)fact(g, "pci_class_code", 0xffffff);
	facts->revision = (uint8_t)fact(g, "pci_revision", 0xff);
	facts->intx_pin = (uint8_t)fact(g, "pci_intx_pin", 4);
	facts->msi = (uint8_t)fact(g, "pci_msi", 32);
	facts->msi_masking = flag(g, "pci_msi_masking");
	facts->msix = (uint16_t)fact(g, "pci_msix", 2048);
	facts->msix_table_bar = (uint8_t)fact(g, "pci_msix_table_bar", US_BARS - 1);
	facts->msix_table_offset = (uint32_t)fact(g, "pci_msix_table_offset", UINT32_MAX);
	facts->msix_pba_bar = (uint8_t)fact(g, "pci_msix_pba_bar", US_BARS - 1);
	facts->msix_pba_offset = (uint32_t)fact(g, "pci_msix_pba_offset", UINT32_MAX);
	facts->pm = flag(g, "pci_pm");
	facts->express = flag(g, "pci_express");
	facts->flr = flag(g, "pci_flr");
	g->pci->has_subsystem = us_rdl_get(g->top, "pci_subsystem_id") || us_rdl_get(g->top, "pci_subsystem_vendor_id");
}

/* -- base address registers (PCI 3.0, 6.2.5.1) ------------------------------------------------------------------ */

static enum us_bar_kind bar_kind(const struct gather *g, const struct us_rdl_node *node)
{
	const char *text = us_rdl_get_text(node, "pci_bar_kind");

	if (!text || !strcmp(text, "mem32"))
		return US_BAR_MEM32;
	if (!strcmp(text, "mem64"))
		return US_BAR_MEM64;
	if (!strcmp(text, "io"))
		return US_BAR_IO;
	us_rdl_error(g->rdl, pos_of(node, "pci_bar_kind"), "pci_bar_kind is \"mem32\", \"mem64\" or \"io\", not \"%s\"", text);
	return US_BAR_MEM32;
}

static uint64_t bar_size(const struct gather *g, const struct us_rdl_node *node, enum us_bar_kind kind)
{
	uint64_t least = kind == US_BAR_IO ? 4 : 4096, size = us_rdl_get_int(node, "pci_bar_size", 0);
	uint64_t most = kind == US_BAR_IO ? 256 : kind == US_BAR_MEM32 ? (uint64_t)1 << 31 : (uint64_t)1 << 55;
	struct us_rdl_pos pos = pos_of(node, "pci_bar_size");

	if (!us_rdl_get(node, "pci_bar_size"))
		for (size = least; size < node->size && size < (uint64_t)1 << 62;)
			size *= 2;
	if (!size || size & (size - 1))
		us_rdl_error(g->rdl, pos, "the size of a BAR is a power of two, not %llu", (ull)size);
	else if (size < node->size)
		us_rdl_error(g->rdl, pos, "the BAR has %llu bytes, but its registers reach to %llu", (ull)size, (ull)node->size);
	else if (size < (kind == US_BAR_IO ? 4 : 16) || size > most)
		us_rdl_error(g->rdl, pos, "a BAR of %llu bytes is not possible: this kind has %d to %llu", (ull)size,
			     kind == US_BAR_IO ? 4 : 16, (ull)most);
	return size;
}

static void gather_bar(const struct gather *g, const struct us_rdl_place *place)
{
	const struct us_rdl_node *node = place->node;
	uint64_t number = us_rdl_get_int(node, "pci_bar", 0);
	struct us_rdl_pos pos = pos_of(node, "pci_bar");
	struct us_rdl_bar *bar;

	g->pci->any = true;
	if (number >= US_BARS) {
		us_rdl_error(g->rdl, pos, "pci_bar is 0 to %d, not %llu", US_BARS - 1, (ull)number);
		return;
	}
	if (node->ndims) {
		us_rdl_error(g->rdl, pos, "an array of address maps can not be one BAR: instantiate each by itself");
		return;
	}
	bar = &g->pci->bar[number];
	if (bar->kind != US_BAR_NONE) {
		us_rdl_error(g->rdl, pos, "BAR %llu is given twice", (ull)number);
		us_rdl_note(g->rdl, pos_of(bar->place.node, "pci_bar"), "it is given here first");
		return;
	}
	bar->kind = bar_kind(g, node);
	bar->prefetchable = us_rdl_get_bool(node, "pci_bar_prefetchable");
	bar->size = bar_size(g, node, bar->kind);
	bar->place = *place;
	if (bar->prefetchable && bar->kind == US_BAR_IO)
		us_rdl_error(g->rdl, pos, "an I/O BAR is never prefetchable");
	if (bar->kind == US_BAR_MEM64 && number == US_BARS - 1)
		us_rdl_error(g->rdl, pos, "a mem64 BAR takes two slots, so BAR %d can not be one", US_BARS - 1);
}

static void refuse_deep_bars(const struct gather *g, const struct us_rdl_node *node)
{
	for (const struct us_rdl_node *child = node->child; child; child = child->next) {
		if (child->kind == US_RDL_ADDRMAP && us_rdl_get(child, "pci_bar"))
			us_rdl_error(g->rdl, pos_of(child, "pci_bar"),
				     "pci_bar belongs to the top address map or to one directly in it");
		refuse_deep_bars(g, child);
	}
}

static void gather_bars(const struct gather *g)
{
	if (us_rdl_get(g->top, "pci_bar")) {
		gather_bar(g, &g->pci->top);
		refuse_deep_bars(g, g->top);
	} else {
		for (const struct us_rdl_node *child = g->top->child; child; child = child->next) {
			struct us_rdl_place place = {&g->pci->top, child, 0, child->offset};

			if (child->kind == US_RDL_ADDRMAP && us_rdl_get(child, "pci_bar"))
				gather_bar(g, &place);
			refuse_deep_bars(g, child);
		}
	}
}

/* A mem64 BAR takes the next one's slot too. */
static void check_slots(const struct gather *g)
{
	for (unsigned i = 1; i < US_BARS; i++) {
		const struct us_rdl_node *node = g->pci->bar[i].place.node;

		if (g->pci->bar[i].kind != US_BAR_NONE && g->pci->bar[i - 1].kind == US_BAR_MEM64)
			us_rdl_error(g->rdl, node ? pos_of(node, "pci_bar") : pos_of(g->top, "pci_msix"),
				     "BAR %u is the upper half of the mem64 BAR %u", i, i - 1);
	}
}

/* -- interrupts (PCI 3.0, 6.8) ---------------------------------------------------------------------------------- */

/* A part of a BAR, and the first register or memory found in it. */
struct span {
	struct us_rdl *rdl;
	const struct us_rdl_place *bar;
	uint64_t start, end;
	const char *path;
};

static void find_in_span(struct span *span, const struct us_rdl_place *place)
{
	if (place->node->kind == US_RDL_REG || place->node->kind == US_RDL_MEM) {
		span->path = us_rdl_path(span->rdl, span->bar, place);
		return;
	}
	for (const struct us_rdl_node *child = place->node->child; child && !span->path; child = child->next) {
		uint64_t base = place->address - span->bar->address + child->offset, first = 0;

		if (child->kind == US_RDL_SIGNAL || !child->size)
			continue;
		/* Of an array, only the elements that reach into the span. */
		if (child->count > 1 && span->start > base + child->size)
			first = (span->start - base - child->size) / child->stride;
		for (uint64_t i = first; i < child->count && base + i * child->stride < span->end && !span->path; i++) {
			struct us_rdl_place below = {place, us_rdl_element(child, i), i, place->address};

			below.address += child->offset + i * child->stride;
			if (base + i * child->stride + child->size > span->start)
				find_in_span(span, &below);
		}
	}
}

/* A BAR that no address map describes, but which MSI-X names, is there for MSI-X alone. */
static void imply_bar(const struct gather *g, unsigned number, uint64_t end)
{
	struct us_rdl_bar *bar = &g->pci->bar[number];

	if (bar->kind != US_BAR_NONE && bar->place.node)
		return;
	if (bar->kind == US_BAR_NONE)
		bar->size = 4096;
	bar->kind = US_BAR_MEM32;
	while (bar->size < end && bar->size < (uint64_t)1 << 31)
		bar->size *= 2;
}

/* The table or the PBA: in an existing memory BAR, aligned, over no register. */
static void check_msix_part(const struct gather *g, const char *what, const char *offset_name, unsigned number,
			    uint32_t offset, uint64_t size)
{
	const struct us_rdl_bar *bar = &g->pci->bar[number];
	struct us_rdl_pos pos = pos_of(g->top, offset_name);
	struct span span = {g->rdl, &bar->place, offset, offset + size, NULL};

	if (bar->kind != US_BAR_MEM32 && bar->kind != US_BAR_MEM64) {
		us_rdl_error(g->rdl, pos, "the MSI-X %s is in BAR %u, which is no memory BAR of this function", what, number);
		return;
	}
	if (offset % 8)
		us_rdl_error(g->rdl, pos, "the MSI-X %s at 0x%x is not aligned to 8 bytes", what, offset);
	if (offset + size > bar->size) {
		us_rdl_error(g->rdl, pos, "the MSI-X %s, 0x%llx bytes at 0x%x, reaches beyond BAR %u, which has 0x%llx", what,
			     (ull)size, offset, number, (ull)bar->size);
		return;
	}
	if (bar->place.node)
		find_in_span(&span, &bar->place);
	if (span.path)
		us_rdl_error(g->rdl, pos, "the MSI-X %s, 0x%llx bytes at 0x%x of BAR %u, lies over '%s'", what, (ull)size, offset,
			     number, span.path);
}

static void check_msix(const struct gather *g)
{
	const struct us_pci *facts = &g->pci->facts;
	uint64_t table = facts->msix * (uint64_t)16, pba = (facts->msix + (uint64_t)63) / 64 * 8;

	imply_bar(g, facts->msix_table_bar, facts->msix_table_offset + table);
	imply_bar(g, facts->msix_pba_bar, facts->msix_pba_offset + pba);
	check_msix_part(g, "table", "pci_msix_table_offset", facts->msix_table_bar, facts->msix_table_offset, table);
	check_msix_part(g, "PBA", "pci_msix_pba_offset", facts->msix_pba_bar, facts->msix_pba_offset, pba);
	if (facts->msix_table_bar == facts->msix_pba_bar && facts->msix_table_offset < facts->msix_pba_offset + pba &&
	    facts->msix_pba_offset < facts->msix_table_offset + table)
		us_rdl_error(g->rdl, pos_of(g->top, "pci_msix_pba_offset"), "the MSI-X PBA lies over the MSI-X table");
}

static void check_interrupts(const struct gather *g)
{
	const struct us_pci *facts = &g->pci->facts;

	if (facts->msi & (facts->msi - 1))
		us_rdl_error(g->rdl, pos_of(g->top, "pci_msi"), "pci_msi is 0, 1, 2, 4, 8, 16 or 32, not %u", facts->msi);
	if (facts->msi_masking && !facts->msi)
		us_rdl_error(g->rdl, pos_of(g->top, "pci_msi_masking"), "pci_msi_masking without pci_msi");
	if (facts->msix)
		check_msix(g);
	check_slots(g);
	if (facts->flr && !facts->express)
		us_rdl_error(g->rdl, pos_of(g->top, "pci_flr"), "pci_flr needs pci_express: its registers are there");
}

static void check_message(const struct gather *g, const struct us_rdl_node *field)
{
	const struct us_rdl_prop *message = us_rdl_get(field, "pci_message");
	unsigned most = g->pci->facts.msi > g->pci->facts.msix ? g->pci->facts.msi : g->pci->facts.msix;

	if (!message)
		return;
	g->pci->any = true;
	if (!us_rdl_get_bool(field, "intr"))
		us_rdl_error(g->rdl, message->pos, "field '%s' has a message, but is no interrupt: intr is missing", field->name);
	else if (message->value.num && message->value.num >= most)
		us_rdl_error(g->rdl, message->pos, "field '%s' has message %llu, but the function has %u, from 0", field->name,
			     (ull)message->value.num, most);
	else if (message->value.num > INT8_MAX)
		us_rdl_error(g->rdl, message->pos, "field '%s' has message %llu: more than %d are not supported", field->name,
			     (ull)message->value.num, INT8_MAX);
}

static void check_messages(const struct gather *g, const struct us_rdl_node *node)
{
	if (node->kind == US_RDL_FIELD)
		check_message(g, node);
	for (const struct us_rdl_node *child = node->child; child; child = child->next) {
		check_messages(g, child);
		for (const struct us_rdl_variant *variant = child->variant; variant; variant = variant->next)
			check_messages(g, variant->node);
	}
}

/* -- what must be said ------------------------------------------------------------------------------------------ */

static void check_complete(const struct gather *g)
{
	static const char *const needed[] = {"pci_vendor_id", "pci_device_id", "pci_class_code"};
	bool bar = false;

	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
		if (!us_rdl_get(g->top, needed[i]))
			us_rdl_error(g->rdl, g->top->pos, "address map '%s' has no %s, which a PCI function needs", g->top->name,
				     needed[i]);
	for (unsigned i = 0; i < US_BARS; i++)
		bar |= g->pci->bar[i].kind != US_BAR_NONE;
	if (!bar)
		us_rdl_error(g->rdl, g->top->pos, "address map '%s' has no BAR: pci_bar is neither on it nor on one in it",
			     g->top->name);
	else if (!us_rdl_get(g->top, "pci_bar"))
		for (const struct us_rdl_node *child = g->top->child; child; child = child->next)
			if (child->kind != US_RDL_SIGNAL && !us_rdl_get(child, "pci_bar"))
				us_rdl_error(g->rdl, child->pos, "'%s' is in no BAR: pci_bar is missing", child->name);
}

int us_rdl_gather_pci(struct us_rdl *rdl, struct us_rdl_pci *pci, bool required)
{
	const struct us_rdl_node *top = us_rdl_top(rdl);
	struct gather g = {rdl, pci, top};
	unsigned errors = us_rdl_errors(rdl);

	memset(pci, 0, sizeof *pci);
	pci->top.node = top;
	gather_facts(&g);
	gather_bars(&g);
	check_messages(&g, top);
	if (pci->any)
		check_interrupts(&g);
	if (required)
		check_complete(&g);
	return us_rdl_errors(rdl) > errors ? -EINVAL : 0;
}

int us_rdl_bar_of(const struct us_rdl_pci *pci, const struct us_rdl_place *place)
{
	for (; place; place = place->up)
		for (int i = 0; i < US_BARS; i++)
			if (pci->bar[i].kind != US_BAR_NONE && pci->bar[i].place.node == place->node)
				return i;
	return -1;
}
