/* SPDX-License-Identifier: Apache-2.0 */
/* From the tree to the register map (include/understudy/map.h) in memory: what a map can say, and what it can not. */
#include "rdl/internal.h"
#include "rdl/pci.h"
#include "rdl/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	const struct us_rdl_node *node;
	const char *name, *path;
	uint64_t offset;
	unsigned bar;
	/* The way down to it, outermost first, so that references from it can be followed. */
	struct us_rdl_place *place;
	size_t depth;
};

struct tables {
	struct us_rdl *rdl;
	struct us_rdl_pci pci;
	struct entry *reg, *mem;
	size_t nregs, reg_room, nmems, mem_room;
	const char **text; /* of what holds registers */
	size_t ntexts, text_room;
	struct encoding {
		const struct us_rdl_enum *from;
		const struct us_enumerator *to;
	} *encoding;
	size_t nencodings, encoding_room;
	unsigned bar; /* being gathered */
};

/* -- gathering -------------------------------------------------------------------------------------------------- */

static struct us_rdl_place *copy_place(struct us_rdl *rdl, const struct us_rdl_place *place, size_t *depth)
{
	const struct us_rdl_place *at = place;
	struct us_rdl_place *copy;
	size_t count = 0;

	for (; at; at = at->up)
		count++;
	copy = us_arena_alloc(&rdl->arena, count * sizeof *copy);
	*depth = count;
	for (at = place; at; at = at->up) {
		copy[--count] = *at;
		copy[count].up = count ? &copy[count - 1] : NULL;
	}
	return copy;
}

static bool check_reg(struct tables *t, const struct us_rdl_node *reg)
{
	unsigned errors = us_rdl_errors(t->rdl);

	if (us_rdl_regwidth(reg) > 64)
		us_rdl_error(t->rdl, reg->pos, "register '%s' has %u bits: a map has registers of at most 64", reg->name,
			     us_rdl_regwidth(reg));
	if (reg->alias_of)
		us_rdl_error(t->rdl, reg->pos, "register '%s' is an alias of '%s': a map has no aliases", reg->name,
			     reg->alias_of->name);
	if (reg->offset % (us_rdl_regwidth(reg) / 8))
		us_rdl_error(t->rdl, reg->pos, "register '%s' at 0x%" PRIx64 " is not aligned to its own size, as a map needs it",
			     reg->name, reg->offset);
	return us_rdl_errors(t->rdl) == errors;
}

/* The desc of a register file or address map. Elements of an array have the same one. */
static void gather_text(struct tables *t, const struct us_rdl_node *node)
{
	const char *text = us_rdl_plain(t->rdl, us_rdl_get_text(node, "desc"));

	for (size_t i = 0; text && i < t->ntexts; i++)
		if (!strcmp(t->text[i], text))
			return;
	if (!text)
		return;
	t->text = us_arena_grow(&t->rdl->arena, t->text, t->ntexts, &t->text_room, sizeof *t->text);
	t->text[t->ntexts++] = text;
}

static int gather(void *ctx, const struct us_rdl_place *place)
{
	struct tables *t = ctx;
	const struct us_rdl_place *bar = &t->pci.bar[t->bar].place;
	struct entry entry = {.node = place->node, .bar = t->bar, .offset = place->address - bar->address};

	if (place->node != us_rdl_top(t->rdl) &&
	    (place->node->kind == US_RDL_REGFILE || place->node->kind == US_RDL_ADDRMAP))
		gather_text(t, place->node);
	if (place->node->kind != US_RDL_REG && place->node->kind != US_RDL_MEM)
		return place->node->kind == US_RDL_SIGNAL;
	entry.path = us_rdl_path(t->rdl, bar, place);
	entry.name = strrchr(entry.path, '.') ? strrchr(entry.path, '.') + 1 : entry.path;
	if (place->node->kind == US_RDL_MEM) {
		t->mem = us_arena_grow(&t->rdl->arena, t->mem, t->nmems, &t->mem_room, sizeof entry);
		t->mem[t->nmems++] = entry;
		return 1;
	}
	if (!check_reg(t, place->node))
		return 1;
	entry.place = copy_place(t->rdl, place, &entry.depth);
	t->reg = us_arena_grow(&t->rdl->arena, t->reg, t->nregs, &t->reg_room, sizeof entry);
	t->reg[t->nregs++] = entry;
	return 1;
}

static int by_address(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->bar != y->bar)
		return x->bar < y->bar ? -1 : 1;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return strcmp(x->path, y->path);
}

static void check_shared(struct tables *t)
{
	for (size_t i = 1; i < t->nregs; i++) {
		const struct entry *last = &t->reg[i - 1], *entry = &t->reg[i];

		if (entry->bar == last->bar && entry->offset < last->offset + last->node->size)
			us_rdl_error(t->rdl, entry->node->pos, "register '%s' shares its address with '%s', which a map can not express",
				     entry->path, last->path);
	}
}

/* -- tables of fields ------------------------------------------------------------------------------------------- */

static const struct us_enumerator *enumerators(struct tables *t, const struct us_rdl_enum *from)
{
	struct us_enumerator *to;

	for (size_t i = 0; i < t->nencodings; i++)
		if (t->encoding[i].from == from)
			return t->encoding[i].to;
	to = us_arena_alloc(&t->rdl->arena, (from->count + 1) * sizeof *to);
	for (size_t i = 0; i < from->count; i++)
		to[i] = (struct us_enumerator){from->item[i].name, from->item[i].value,
					       us_rdl_plain(t->rdl, from->item[i].desc)};
	t->encoding =
		us_arena_grow(&t->rdl->arena, t->encoding, t->nencodings, &t->encoding_room, sizeof *t->encoding);
	t->encoding[t->nencodings++] = (struct encoding){from, to};
	return to;
}

/* The register at an address, or -1. */
static int32_t find_reg(const struct tables *t, unsigned bar, uint64_t offset)
{
	struct entry key = {.bar = bar, .offset = offset};
	size_t low = 0, high = t->nregs;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct entry *entry = &t->reg[middle];

		if (entry->bar < key.bar || (entry->bar == key.bar && entry->offset < key.offset))
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->nregs && t->reg[low].bar == bar && t->reg[low].offset == offset ? (int32_t)low : -1;
}

/* Where the enable of an interrupt cause is: sets *reg and *lsb. */
static void find_enable(struct tables *t, const struct us_rdl_place *field, int32_t *reg, uint8_t *lsb)
{
	const struct us_rdl_prop *prop = us_rdl_get(field->node, "enable");
	struct us_rdl_place found[US_RDL_MAX_NESTING];
	const struct us_rdl_place *up;
	const struct us_rdl_node *target;
	size_t count;
	int bar;

	if (us_rdl_get(field->node, "mask"))
		us_rdl_error(t->rdl, us_rdl_get(field->node, "mask")->pos,
			     "an interrupt mask can not be expressed in a map: give field '%s' an enable", field->node->name);
	if (!prop || prop->value.type != US_RDL_REF)
		return;
	count = us_rdl_follow(field, prop->value.ref, found, US_RDL_MAX_NESTING);
	target = count ? found[count - 1].node : NULL;
	if (!target || target->kind != US_RDL_FIELD || prop->value.ref->property) {
		us_rdl_error(t->rdl, prop->pos, "the enable of field '%s' is no field, as a map needs it", field->node->name);
		return;
	}
	if (target->width != field->node->width) {
		us_rdl_error(t->rdl, prop->pos, "the enable of field '%s' is %u bits wide, the field itself %u", field->node->name,
			     target->width, field->node->width);
		return;
	}
	bar = us_rdl_bar_of(&t->pci, &found[count - 1]);
	up = found[count - 1].up; /* its register */
	*reg = bar < 0 ? -1 : find_reg(t, (unsigned)bar, up->address - t->pci.bar[bar].place.address);
	*lsb = (uint8_t)target->low;
	if (*reg < 0)
		us_rdl_error(t->rdl, prop->pos, "the enable of field '%s' is in no BAR", field->node->name);
}

static enum us_onread onread_of(enum us_rdl_word word)
{
	switch (word) {
	case US_RDL_RCLR:
		return US_ONREAD_RCLR;
	case US_RDL_RSET:
		return US_ONREAD_RSET;
	case US_RDL_RUSER:
		return US_ONREAD_RUSER;
	default:
		return US_ONREAD_NONE;
	}
}

static enum us_onwrite onwrite_of(enum us_rdl_word word)
{
	static const struct {
		enum us_rdl_word word;
		enum us_onwrite onwrite;
	} pairs[] = {
		{US_RDL_WOSET, US_ONWRITE_WOSET}, {US_RDL_WOCLR, US_ONWRITE_WOCLR}, {US_RDL_WOT, US_ONWRITE_WOT},
		{US_RDL_WZS, US_ONWRITE_WZS},	  {US_RDL_WZC, US_ONWRITE_WZC},	    {US_RDL_WZT, US_ONWRITE_WZT},
		{US_RDL_WCLR, US_ONWRITE_WCLR},	  {US_RDL_WSET, US_ONWRITE_WSET},   {US_RDL_WUSER, US_ONWRITE_WUSER},
	};

	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
		if (pairs[i].word == word)
			return pairs[i].onwrite;
	return US_ONWRITE_NONE;
}

static uint16_t flags_of(const struct us_rdl_access *access)
{
	return (uint16_t)((access->read ? US_FIELD_READ : 0) | (access->write ? US_FIELD_WRITE : 0) |
			  (access->hw ? US_FIELD_HW : 0) | (access->singlepulse ? US_FIELD_SINGLEPULSE : 0) |
			  (access->once ? US_FIELD_WRITE_ONCE : 0) | (access->intr ? US_FIELD_INTR : 0) |
			  (access->intr && access->sticky ? US_FIELD_STICKY : 0));
}

static void make_field(struct tables *t, const struct us_rdl_place *place, struct us_field *out)
{
	const struct us_rdl_node *field = place->node;
	const struct us_rdl_enum *encode = us_rdl_encode(field);
	struct us_rdl_access access;

	us_rdl_field_access(field, &access);
	*out = (struct us_field){.name = field->name,
				 .desc = us_rdl_plain(t->rdl, us_rdl_get_text(field, "desc")),
				 .lsb = (uint8_t)field->low,
				 .width = (uint8_t)field->width,
				 .flags = flags_of(&access),
				 .onread = (uint8_t)onread_of(access.onread),
				 .onwrite = (uint8_t)onwrite_of(access.onwrite),
				 .reset = access.has_reset ? access.reset->num : 0,
				 .has_reset = access.has_reset,
				 .enable_reg = -1,
				 .encode = encode ? enumerators(t, encode) : NULL,
				 .raised_by = us_rdl_plain(t->rdl, us_rdl_get_text(field, "us_raised_by")),
				 .cleared_by = us_rdl_plain(t->rdl, us_rdl_get_text(field, "us_cleared_by"))};
	if (access.intr) {
		out->message = (int8_t)us_rdl_get_int(field, "pci_message", 0);
		find_enable(t, place, &out->enable_reg, &out->enable_lsb);
	}
	if (field->msb0 && field->width > 1)
		us_rdl_error(t->rdl, field->pos, "field '%s' has its most significant bit first (msb0), which a map can not express",
			     field->name);
}

static unsigned count_fields(const struct us_rdl_node *reg)
{
	unsigned count = 0;

	for (const struct us_rdl_node *field = reg->child; field; field = field->next)
		count += field->kind == US_RDL_FIELD;
	return count;
}

/* Elements of an array share a table, unless a reference of theirs (an interrupt's enable) leads elsewhere for each. */
static bool same_table(const struct us_reg *a, const struct us_field *fields, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (a->fields[i].enable_reg != fields[i].enable_reg || a->fields[i].enable_lsb != fields[i].enable_lsb)
			return false;
	return true;
}

/* `last` is the register before it, `node` what that was made from. */
static void make_reg(struct tables *t, const struct entry *entry, struct us_reg *reg, const struct us_reg *last,
		     const struct us_rdl_node *node)
{
	const struct us_rdl_place *up = &entry->place[entry->depth - 1];
	unsigned access = us_rdl_accesswidth(entry->node) / 8, size = us_rdl_regwidth(entry->node) / 8, n = 0;
	struct us_field *fields = us_arena_alloc(&t->rdl->arena, (count_fields(entry->node) + 1) * sizeof *fields);

	for (const struct us_rdl_node *field = entry->node->child; field; field = field->next)
		if (field->kind == US_RDL_FIELD) {
			struct us_rdl_place place = {up, field, 0, up->address};

			make_field(t, &place, &fields[n++]);
		}
	*reg = (struct us_reg){.name = entry->name,
			       .path = entry->path,
			       .desc = us_rdl_plain(t->rdl, us_rdl_get_text(entry->node, "desc")),
			       .addr = US_AT(entry->bar, entry->offset),
			       .size = (uint8_t)size,
			       .access = (uint8_t)(access < size ? access : size),
			       .flags = us_rdl_get_bool(entry->node, "us_dangerous") ? US_REG_DANGEROUS : 0,
			       .nfields = (uint16_t)n,
			       .fields = last && node == entry->node && same_table(last, fields, n) ? last->fields : fields};
}

static void make_mem(struct tables *t, const struct entry *entry, struct us_mem *mem)
{
	struct us_rdl_access access;

	us_rdl_field_access(entry->node, &access);
	*mem = (struct us_mem){.name = entry->name,
			       .path = entry->path,
			       .desc = us_rdl_plain(t->rdl, us_rdl_get_text(entry->node, "desc")),
			       .addr = US_AT(entry->bar, entry->offset),
			       .size = entry->node->size,
			       .read = access.read,
			       .write = access.write};
}

static void make_bars(const struct tables *t, struct us_map *map)
{
	for (unsigned i = 0; i < US_BARS; i++) {
		const struct us_rdl_bar *bar = &t->pci.bar[i];

		if (bar->kind != US_BAR_NONE)
			map->bars[i] = (struct us_bar){.kind = bar->kind,
						       .prefetchable = bar->prefetchable,
						       .size = bar->size,
						       .name = bar->place.node ? bar->place.node->name : NULL};
	}
}

static const struct us_map *make(struct tables *t)
{
	const struct us_rdl_node *top = us_rdl_top(t->rdl);
	struct us_map *map = US_ARENA_NEW(&t->rdl->arena, struct us_map);
	struct us_reg *regs = us_arena_alloc(&t->rdl->arena, (t->nregs + 1) * sizeof *regs);
	struct us_mem *mems = us_arena_alloc(&t->rdl->arena, (t->nmems + 1) * sizeof *mems);

	for (size_t i = 0; i < t->nregs; i++)
		make_reg(t, &t->reg[i], &regs[i], i ? &regs[i - 1] : NULL, i ? t->reg[i - 1].node : NULL);
	for (size_t i = 0; i < t->nmems; i++)
		make_mem(t, &t->mem[i], &mems[i]);
	*map = (struct us_map){.name = top->name,
			       .title = us_rdl_plain(t->rdl, us_rdl_get_text(top, "name")),
			       .desc = us_rdl_plain(t->rdl, us_rdl_get_text(top, "desc")),
			       .pci = t->pci.facts,
			       .regs = t->nregs ? regs : NULL,
			       .nregs = t->nregs,
			       .mems = t->nmems ? mems : NULL,
			       .nmems = t->nmems,
			       .texts = t->text,
			       .ntexts = t->ntexts};
	make_bars(t, map);
	return map;
}

const struct us_map *us_rdl_make_map(struct us_rdl *rdl)
{
	struct tables *t = US_ARENA_NEW(&rdl->arena, struct tables);
	unsigned errors = us_rdl_errors(rdl);
	const struct us_map *map;

	t->rdl = rdl;
	if (us_rdl_gather_pci(rdl, &t->pci, true))
		return NULL;
	if (us_rdl_count(us_rdl_top(rdl)) > US_RDL_MAX_VISITS) {
		us_rdl_error(rdl, us_rdl_top(rdl)->pos,
			     "there are more than %zu registers and fields, too many for a map: is a large array a mem?",
			     US_RDL_MAX_VISITS);
		return NULL;
	}
	for (t->bar = 0; t->bar < US_BARS; t->bar++)
		if (t->pci.bar[t->bar].place.node && us_rdl_walk(&t->pci.bar[t->bar].place, gather, t))
			return NULL;
	if (t->nregs)
		qsort(t->reg, t->nregs, sizeof *t->reg, by_address);
	if (t->nmems)
		qsort(t->mem, t->nmems, sizeof *t->mem, by_address);
	check_shared(t);
	map = make(t);
	return us_rdl_errors(rdl) > errors ? NULL : map;
}
