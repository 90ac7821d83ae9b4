/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bit positions (SystemRDL 2.0, 9.1 and 13.5) and addresses (5.1.2.3 and 13.4.1): what the source leaves open is
 * allocated in the order of the source, each instance behind the one before it.
 */
#include "rdl/elab.h"

#include <stdlib.h>

/* -- what is not there (5.3) ------------------------------------------------------------------------------------ */

static bool is_present(const struct us_rdl_node *node)
{
	const struct us_rdl_prop *prop = us_rdl_get(node, "ispresent");

	return !prop || prop->value.num;
}

static void remove_absent(struct us_rdl_node *node)
{
	struct us_rdl_node **at = &node->child;

	node->last = NULL;
	while (*at)
		if (is_present(*at)) {
			node->last = *at;
			remove_absent(*at);
			for (struct us_rdl_variant *variant = (*at)->variant; variant; variant = variant->next)
				remove_absent(variant->node);
			at = &(*at)->next;
		} else {
			*at = (*at)->next;
		}
}

/* -- fields ----------------------------------------------------------------------------------------------------- */

/*
 * Does the register count its bits from the other end? Its fields' ranges tell, else the address map (10.7, 13.4). A
 * range of each kind in one register is an error.
 */
static bool is_msb0(struct us_rdl *rdl, const struct us_rdl_node *reg)
{
	const struct us_rdl_node *down = NULL, *up = NULL;

	for (const struct us_rdl_node *field = reg->child; field; field = field->next)
		if (field->kind == US_RDL_FIELD && field->has_range && field->left > field->right)
			down = field;
		else if (field->kind == US_RDL_FIELD && field->has_range && field->left < field->right)
			up = field;
	if (down && up) {
		us_rdl_error(rdl, up->pos, "register '%s' has bit ranges of both kinds, [high:low] and [low:high]", reg->name);
		us_rdl_note(rdl, down->pos, "'%s' has the other kind", down->name);
	}
	if (down || up)
		return !down;
	for (const struct us_rdl_node *node = reg; node; node = node->parent)
		if (node->kind == US_RDL_ADDRMAP)
			return us_rdl_get_bool(node, "msb0");
	return false;
}

static void settle_width(struct us_rdl *rdl, struct us_rdl_node *node)
{
	const struct us_rdl_prop *stated =
		us_rdl_get(node, node->kind == US_RDL_FIELD ? "fieldwidth" : "signalwidth");

	if (stated && (!stated->value.num || stated->value.num > US_RDL_MAX_WIDTH)) {
		us_rdl_error(rdl, stated->pos, "%s can not be %llu bits wide: 1 to %d are possible",
			     us_rdl_label(rdl, node), (unsigned long long)stated->value.num, US_RDL_MAX_WIDTH);
	} else if (stated && node->width && node->width != stated->value.num) {
		us_rdl_error(rdl, node->pos, "%s is %u bits wide here, but its %s says %llu", us_rdl_label(rdl, node),
			     node->width, stated->name, (unsigned long long)stated->value.num);
		us_rdl_note(rdl, stated->pos, "it is assigned here");
	} else if (stated && !node->width) {
		node->width = (uint32_t)stated->value.num;
	}
	if (!node->width)
		node->width = 1;
}

/* `next` is the first free bit, counted from the low end, or with msb0 from the high end. */
static void place_field(struct us_rdl *rdl, struct us_rdl_node *field, bool msb0, uint32_t regwidth, uint32_t *next)
{
	settle_width(rdl, field);
	if (field->has_range) {
		field->msb0 = field->left == field->right ? msb0 : field->left < field->right;
		field->low = (uint32_t)(field->left < field->right ? field->left : field->right);
	} else {
		field->msb0 = msb0;
		field->low = *next;
		if (msb0)
			field->low = *next + field->width <= regwidth ? regwidth - *next - field->width : 0;
		if (*next + field->width > regwidth)
			us_rdl_error(rdl, field->pos, "no room for %s: register '%s' has %u bits, of which %u are taken",
				     us_rdl_label(rdl, field), field->parent->name, regwidth, *next);
	}
	field->high = field->low + field->width - 1;
	*next = msb0 ? (regwidth > field->low ? regwidth - field->low : 0) : field->high + 1;
}

/* A field of an alias lies where the primary's of that name does (10.4). */
static void place_alias_field(struct us_rdl *rdl, struct us_rdl_node *field, const struct us_rdl_node *primary)
{
	const struct us_rdl_node *other = us_rdl_child(primary, field->name);

	if (!other)
		return;
	settle_width(rdl, field);
	if (field->width != other->width)
		us_rdl_error(rdl, field->pos, "%s is %u bits wide, and %u in register '%s', which this one is an alias of",
			     us_rdl_label(rdl, field), field->width, other->width, primary->name);
	field->low = other->low;
	field->high = other->high;
	field->width = other->width;
	field->msb0 = other->msb0;
}

static bool place_reg(struct us_rdl *rdl, struct us_rdl_node *reg)
{
	uint64_t regwidth = us_rdl_get_int(reg, "regwidth", 32);
	const struct us_rdl_prop *stated = us_rdl_get(reg, "regwidth");
	bool msb0 = is_msb0(rdl, reg);
	uint32_t next = 0;

	if (regwidth < 8 || regwidth & (regwidth - 1) || regwidth > US_RDL_MAX_WIDTH) {
		us_rdl_error(rdl, stated->pos, "a regwidth is a power of two from 8 to %d, not %llu", US_RDL_MAX_WIDTH,
			     (unsigned long long)regwidth);
		return false;
	}
	reg->size = regwidth / 8;
	for (struct us_rdl_node *child = reg->child; child; child = child->next)
		if (child->kind == US_RDL_SIGNAL)
			settle_width(rdl, child);
		else if (reg->alias_of)
			place_alias_field(rdl, child, reg->alias_of);
		else
			place_field(rdl, child, msb0, (uint32_t)regwidth, &next);
	return true;
}

/* -- addresses -------------------------------------------------------------------------------------------------- */

static uint64_t round_up(uint64_t value, uint64_t alignment)
{
	uint64_t rest = alignment ? value % alignment : 0;

	return rest ? value + (alignment - rest) : value;
}

static uint64_t power_of_two(uint64_t value)
{
	uint64_t power = 1;

	while (power < value && power < (uint64_t)1 << 63)
		power *= 2;
	return power;
}

/* How addresses are allocated in an address map, and in the register files in it, which have no say of their own. */
struct mode {
	enum us_rdl_word addressing;
	uint64_t alignment;
};

static uint64_t alignment_of(const struct us_rdl_node *child, const struct mode *mode)
{
	uint64_t alignment = child->has_align ? child->align : 1, own = 1;

	if (mode->addressing == US_RDL_FULLALIGN)
		own = power_of_two((child->count - 1) * child->stride + child->size);
	else if (mode->addressing == US_RDL_REGALIGN)
		own = power_of_two(child->size);
	else if (child->kind == US_RDL_REG)
		own = us_rdl_accesswidth(child) / 8;
	if (mode->alignment > own)
		own = mode->alignment;
	return own > alignment ? own : alignment;
}

/* The first address behind all elements; false when that needs more than 63 bits. */
static bool end_of(const struct us_rdl_node *node, uint64_t *end)
{
	uint64_t span;

	return !__builtin_mul_overflow(node->count - 1, node->stride, &span) &&
	       !__builtin_add_overflow(span, node->size, &span) && !__builtin_add_overflow(span, node->offset, end) &&
	       *end <= INT64_MAX;
}

static bool place_node(struct us_rdl *rdl, struct us_rdl_node *node, struct mode mode);

static bool place_variants(struct us_rdl *rdl, struct us_rdl_node *node, struct mode mode)
{
	for (struct us_rdl_variant *variant = node->variant; variant; variant = variant->next) {
		if (!place_node(rdl, variant->node, mode))
			return false;
		if (variant->node->size != node->size) {
			us_rdl_error(rdl, node->pos, "the elements of '%s' differ in size", node->name);
			return false;
		}
	}
	return true;
}

static bool place_child(struct us_rdl *rdl, struct us_rdl_node *child, const struct mode *mode, uint64_t *next)
{
	uint64_t end;

	if (child->kind == US_RDL_SIGNAL) {
		settle_width(rdl, child);
		return true;
	}
	if (!place_node(rdl, child, *mode) || !place_variants(rdl, child, *mode))
		return false;
	if (!child->has_stride)
		child->stride = child->size;
	if (!child->has_at)
		child->offset = round_up(*next, alignment_of(child, mode));
	if (child->stride < child->size) {
		us_rdl_error(rdl, child->pos, "the elements of '%s' overlap: each has %llu bytes, and they are %llu apart",
			     child->name, (unsigned long long)child->size, (unsigned long long)child->stride);
		return false;
	}
	if (!end_of(child, &end)) {
		us_rdl_error(rdl, child->pos, "%s does not fit in a 63-bit address space", us_rdl_label(rdl, child));
		return false;
	}
	*next = end;
	return true;
}

static int by_offset(const void *a, const void *b)
{
	const struct us_rdl_node *const *x = a, *const *y = b;
	uint64_t p = (*x)->kind == US_RDL_FIELD ? (*x)->low : (*x)->offset;
	uint64_t q = (*y)->kind == US_RDL_FIELD ? (*y)->low : (*y)->offset;

	if (p != q)
		return p < q ? -1 : 1;
	return (*x)->pos.offset < (*y)->pos.offset ? -1 : (*x)->pos.offset > (*y)->pos.offset;
}

static void sort_children(struct us_rdl *rdl, struct us_rdl_node *node)
{
	size_t count;
	struct us_rdl_node **list = us_rdl_children_sorted(rdl, node, by_offset, &count), **at = &node->child;

	for (size_t i = 0; i < count; i++) {
		*at = node->last = list[i];
		at = &list[i]->next;
	}
	*at = NULL;
}

static bool place_mem(struct us_rdl *rdl, struct us_rdl_node *mem)
{
	const struct us_rdl_prop *entries = us_rdl_get(mem, "mementries"), *width = us_rdl_get(mem, "memwidth");
	uint64_t count = entries ? entries->value.num : 0, bits = 0;

	/* As wide as its widest virtual register unless stated (11.3). */
	for (const struct us_rdl_node *reg = mem->child; reg; reg = reg->next)
		if (reg->kind == US_RDL_REG && us_rdl_regwidth(reg) > bits)
			bits = us_rdl_regwidth(reg);
	bits = us_rdl_get_int(mem, "memwidth", bits ? bits : 32);
	if (!count) {
		us_rdl_error(rdl, entries ? entries->pos : mem->pos, "%s needs its number of entries: mementries",
			     us_rdl_label(rdl, mem));
		return false;
	}
	if (!bits || bits > US_RDL_MAX_WIDTH) {
		us_rdl_error(rdl, width->pos, "a memwidth is 1 to %d bits, not %llu", US_RDL_MAX_WIDTH,
			     (unsigned long long)bits);
		return false;
	}
	if (__builtin_mul_overflow(count, power_of_two((bits + 7) / 8), &mem->size) || mem->size > INT64_MAX) {
		us_rdl_error(rdl, entries->pos, "%s is too large", us_rdl_label(rdl, mem));
		return false;
	}
	return true;
}

/* What has no alignment of its own has that of what it is in; an address map then has none. */
static bool settle_alignment(struct us_rdl *rdl, const struct us_rdl_node *node, uint64_t *alignment)
{
	const struct us_rdl_prop *prop = us_rdl_get(node, "alignment");

	if (prop || node->kind == US_RDL_ADDRMAP)
		*alignment = prop ? prop->value.num : 0;
	if (!prop || (*alignment && !(*alignment & (*alignment - 1))))
		return true;
	us_rdl_error(rdl, prop->pos, "an alignment is a power of two, not %llu", (unsigned long long)*alignment);
	return false;
}

static bool place_node(struct us_rdl *rdl, struct us_rdl_node *node, struct mode mode)
{
	uint64_t next = 0, size = 0, end;
	bool good = true;

	if (node->kind == US_RDL_REG) {
		good = place_reg(rdl, node);
		sort_children(rdl, node);
		return good;
	}
	if (node->kind == US_RDL_ADDRMAP)
		mode.addressing = us_rdl_get_word(node, "addressing", US_RDL_REGALIGN);
	if (!settle_alignment(rdl, node, &mode.alignment))
		return false;
	for (struct us_rdl_node *child = node->child; child; child = child->next) {
		if (us_rdl_get_bool(node, "bridge"))
			next = 0; /* a bridge holds views of one another's place, not neighbours (13.4) */
		if (!place_child(rdl, child, &mode, &next)) {
			good = false;
			continue;
		}
		if (child->kind != US_RDL_SIGNAL && end_of(child, &end) && end > size)
			size = end;
	}
	node->size = size;
	if (node->kind == US_RDL_MEM)
		good = place_mem(rdl, node) && good;
	if (good)
		sort_children(rdl, node);
	return good;
}

bool us_rdl_place(struct us_rdl *rdl, struct us_rdl_node *top)
{
	bool good = place_node(rdl, top, (struct mode){US_RDL_REGALIGN, 0});

	remove_absent(top); /* only now: what is absent keeps its place, so that the others stay where they are */
	return good;
}
