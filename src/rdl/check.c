/* SPDX-License-Identifier: Apache-2.0 */
/* What placed components must not do: overlap, leave their register, contradict themselves. */
#include "rdl/elab.h"
#include "rdl/prop.h"

typedef unsigned long long ull;

/* -- fields ----------------------------------------------------------------------------------------------------- */

static unsigned value_bits(const struct us_rdl_value *value)
{
	if (value->wide)
		for (size_t i = (value->width + 63) / 64; i--;)
			if (value->wide[i])
				return (unsigned)(i * 64) + 64 - (unsigned)__builtin_clzll(value->wide[i]);
	return value->num ? 64 - (unsigned)__builtin_clzll(value->num) : 0;
}

static void check_policy(struct us_rdl *rdl, const struct us_rdl_node *field)
{
	struct us_rdl_access access;
	const struct us_rdl_prop *sw = us_rdl_get(field, "sw");
	const char *label = us_rdl_label(rdl, field);
	struct us_rdl_pos pos = sw ? sw->pos : field->pos;

	us_rdl_field_access(field, &access);
	if (access.onwrite && !access.write)
		us_rdl_error(rdl, pos, "%s has onwrite %s, but software can not write it", label,
			     us_rdl_word_name(access.onwrite));
	if (access.onread && !access.read)
		us_rdl_error(rdl, pos, "%s has onread %s, but software can not read it", label,
			     us_rdl_word_name(access.onread));
	if (access.singlepulse && !access.write)
		us_rdl_error(rdl, pos, "%s is a singlepulse, but software can not write it", label);
	if (access.singlepulse && field->width != 1)
		us_rdl_error(rdl, field->pos, "%s is a singlepulse of %u bits: it must be one bit", label, field->width);
	if (access.singlepulse && access.reset && access.reset->num)
		us_rdl_error(rdl, field->pos, "%s is a singlepulse, so its reset value must be 0", label);
	if (access.counter && access.intr)
		us_rdl_error(rdl, field->pos, "%s is both counter and intr: it can be one of them", label);
	if (access.reset && value_bits(access.reset) > field->width)
		us_rdl_error(rdl, us_rdl_get(field, "reset")->pos, "the reset value of %s needs %u bits, but it has %u", label,
			     value_bits(access.reset), field->width);
}

/* constraint = componentwidth (15.1): the property's value must fit in the component. */
static void check_user(struct us_rdl *rdl, const struct us_rdl_node *field)
{
	for (size_t i = 0; i < field->nprops; i++) {
		const struct us_rdl_prop *prop = &field->prop[i];
		const struct us_rdl_udp *udp = prop->user ? us_rdl_find_udp(rdl, prop->name) : NULL;

		if (udp && udp->component_width && prop->value.type == US_RDL_INT && value_bits(&prop->value) > field->width)
			us_rdl_error(rdl, prop->pos, "the value of '%s' needs %u bits, but %s has %u", prop->name,
				     value_bits(&prop->value), us_rdl_label(rdl, field), field->width);
	}
}

static void check_encode(struct us_rdl *rdl, const struct us_rdl_node *field)
{
	const struct us_rdl_enum *encode = us_rdl_encode(field);

	for (size_t i = 0; encode && field->width < 64 && i < encode->count; i++)
		if (encode->item[i].value >> field->width) {
			us_rdl_error(rdl, us_rdl_get(field, "encode")->pos, "enumerator '%s' (0x%llx) does not fit in the %u bits of %s",
				     encode->item[i].name, (ull)encode->item[i].value, field->width, us_rdl_label(rdl, field));
			us_rdl_note(rdl, encode->item[i].pos, "it is defined here");
			return;
		}
}

/* May two fields share bits? Only where software reads one and writes the other (10.1). */
static bool may_share(const struct us_rdl_node *a, const struct us_rdl_node *b)
{
	struct us_rdl_access x, y;

	us_rdl_field_access(a, &x);
	us_rdl_field_access(b, &y);
	return !(x.read && y.read) && !(x.write && y.write);
}

static void check_reg(struct us_rdl *rdl, const struct us_rdl_node *reg)
{
	unsigned regwidth = us_rdl_regwidth(reg), accesswidth = us_rdl_accesswidth(reg);
	const struct us_rdl_node *last = NULL; /* the field seen that reaches highest */
	bool any = false;

	if (accesswidth < 8 || accesswidth & (accesswidth - 1))
		us_rdl_error(rdl, us_rdl_get(reg, "accesswidth")->pos, "an accesswidth is a power of two from 8, not %u",
			     accesswidth);
	for (const struct us_rdl_node *field = reg->child; field; field = field->next) {
		if (field->kind != US_RDL_FIELD)
			continue;
		any = true;
		check_policy(rdl, field);
		check_encode(rdl, field);
		check_user(rdl, field);
		if (field->has_range && field->high >= regwidth)
			us_rdl_error(rdl, field->pos, "%s reaches bit %u, but register '%s' has %u bits",
				     us_rdl_label(rdl, field), field->high, reg->name, regwidth);
		if (last && field->low <= last->high && !may_share(field, last)) {
			us_rdl_error(rdl, field->pos, "%s [%u:%u] overlaps field '%s' [%u:%u]", us_rdl_label(rdl, field),
				     field->high, field->low, last->name, last->high, last->low);
			us_rdl_note(rdl, last->pos, "'%s' is here", last->name);
		}
		if (!last || field->high > last->high)
			last = field;
	}
	if (!any)
		us_rdl_error(rdl, reg->pos, "register '%s' has no fields", reg->name);
}

/* -- addresses -------------------------------------------------------------------------------------------------- */

static uint64_t last_byte(const struct us_rdl_node *node)
{
	return node->offset + (node->count - 1) * node->stride + node->size - 1;
}

/*
 * Do two instances share an address? An array may lie between the elements of another, so where their spans meet the
 * elements are compared, the later's each against the one of the earlier before it.
 */
static bool overlaps(const struct us_rdl_node *a, const struct us_rdl_node *b)
{
	if (!a->size || !b->size || last_byte(a) < b->offset || last_byte(b) < a->offset)
		return false;
	for (uint64_t i = 0; i < b->count && i < US_RDL_MAX_NODES; i++) {
		uint64_t start = b->offset + i * b->stride, end = start + b->size - 1, at;

		if (start > last_byte(a) || end < a->offset)
			continue;
		/* The last element of a that begins at or before b's end. */
		at = a->count > 1 ? (end - a->offset) / a->stride : 0;
		if (at >= a->count)
			at = a->count - 1;
		if (a->offset + at * a->stride + a->size - 1 >= start)
			return true;
	}
	return false;
}

/* Registers of which software reads one and writes the other may share an address (10.1). */
static bool regs_may_share(const struct us_rdl_node *a, const struct us_rdl_node *b)
{
	if (a->kind != US_RDL_REG || b->kind != US_RDL_REG)
		return false;
	for (const struct us_rdl_node *x = a->child; x; x = x->next)
		for (const struct us_rdl_node *y = b->child; y; y = y->next)
			if (x->kind == US_RDL_FIELD && y->kind == US_RDL_FIELD && !may_share(x, y))
				return false;
	return true;
}

static void check_overlap(struct us_rdl *rdl, const struct us_rdl_node *node)
{
	const struct us_rdl_node *far = NULL; /* the one seen that reaches furthest */

	for (const struct us_rdl_node *child = node->child; child; child = child->next) {
		if (child->kind == US_RDL_SIGNAL || !child->size)
			continue;
		for (const struct us_rdl_node *other = node->child; far && other != child; other = other->next) {
			if (last_byte(far) < child->offset)
				break; /* nothing before reaches here */
			if (other->kind == US_RDL_SIGNAL || !overlaps(other, child) || regs_may_share(other, child))
				continue;
			us_rdl_error(rdl, child->pos, "%s at 0x%llx overlaps %s at 0x%llx to 0x%llx", us_rdl_label(rdl, child),
				     (ull)child->offset, us_rdl_label(rdl, other), (ull)other->offset, (ull)last_byte(other));
			us_rdl_note(rdl, other->pos, "'%s' is here", other->name);
			break;
		}
		if (!far || last_byte(child) > last_byte(far))
			far = child;
	}
}

/* -- references ------------------------------------------------------------------------------------------------- */

/* The outermost level holds signals only, and references may name them. */
static bool is_outer_signal(const struct us_rdl *rdl, const char *name)
{
	for (const struct us_rdl_item *item = rdl->root->item; item; item = item->next)
		if (item->kind == US_RDL_I_INSTANCE && item->inst->name == name)
			return true;
	return false;
}

static const struct us_rdl_node *present_child(const struct us_rdl_node *node, const char *name)
{
	for (const struct us_rdl_node *child = node->child; child; child = child->next)
		if (child->name == name)
			return child;
	return NULL;
}

static bool check_step(struct us_rdl *rdl, const struct us_rdl_step *step, const struct us_rdl_node *child)
{
	if (step->count != child->ndims) {
		us_rdl_error(rdl, step->pos, "'%s' has %u dimensions, not %u", step->name, child->ndims, step->count);
		us_rdl_note(rdl, child->pos, "it is instantiated here");
		return false;
	}
	for (unsigned i = 0; i < step->count; i++)
		if (step->index[i] >= child->dim[i]) {
			us_rdl_error(rdl, step->pos, "'%s' has no element %llu: it has %llu, from 0", step->name,
				     (ull)step->index[i], (ull)child->dim[i]);
			us_rdl_note(rdl, child->pos, "it is instantiated here");
			return false;
		}
	return true;
}

/* How many levels above `node` the name is found, or -1: names of outer components may be used in inner ones (5.1.4). */
static int levels_up(const struct us_rdl_node *node, const char *name)
{
	for (int up = 0; node; node = node->parent, up++)
		if (present_child(node, name))
			return up;
	return -1;
}

static void check_reference(struct us_rdl *rdl, const struct us_rdl_node *node, struct us_rdl_value *value)
{
	struct us_rdl_ref *ref = US_ARENA_NEW(&rdl->arena, struct us_rdl_ref);
	const struct us_rdl_node *at = node;
	int more;

	*ref = *value->ref;
	for (unsigned up = ref->up; at && up; up--)
		at = at->parent;
	more = levels_up(at, ref->step[0].name);
	if (more < 0 && is_outer_signal(rdl, ref->step[0].name))
		return;
	for (; more > 0; more--, ref->up++)
		at = at->parent;
	value->ref = ref;
	for (unsigned i = 0; i < ref->count; i++) {
		const struct us_rdl_node *child = at ? present_child(at, ref->step[i].name) : NULL;

		if (!child) {
			us_rdl_error(rdl, ref->step[i].pos, "there is no '%s' in %s", ref->step[i].name,
				     us_rdl_label(rdl, at ? at : node));
			return;
		}
		if (!check_step(rdl, &ref->step[i], child))
			return;
		at = child;
	}
}

static void check_references(struct us_rdl *rdl, struct us_rdl_node *node)
{
	for (size_t i = 0; i < node->nprops; i++)
		if (node->prop[i].value.type == US_RDL_REF)
			check_reference(rdl, node, &node->prop[i].value);
}

static void check_node(struct us_rdl *rdl, struct us_rdl_node *node)
{
	check_references(rdl, node);
	if (node->kind == US_RDL_REG) {
		check_reg(rdl, node);
	} else if (node->kind != US_RDL_SIGNAL && node->kind != US_RDL_FIELD && node->kind != US_RDL_MEM) {
		if (!us_rdl_get_bool(node, "bridge"))
			check_overlap(rdl, node);
	}
	for (struct us_rdl_node *child = node->child; child; child = child->next) {
		check_node(rdl, child);
		for (struct us_rdl_variant *variant = child->variant; variant; variant = variant->next)
			check_node(rdl, variant->node);
	}
}

void us_rdl_check(struct us_rdl *rdl, struct us_rdl_node *top)
{
	check_node(rdl, top);
}
