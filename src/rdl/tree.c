/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the elaborated tree: properties, what they mean for software, walks and references. */
#include "rdl/internal.h"

#include <string.h>

const struct us_rdl_prop *us_rdl_get(const struct us_rdl_node *node, const char *name)
{
	for (size_t i = 0; i < node->nprops; i++)
		if (node->prop[i].name == name || !strcmp(node->prop[i].name, name))
			return &node->prop[i];
	return NULL;
}

uint64_t us_rdl_get_int(const struct us_rdl_node *node, const char *name, uint64_t otherwise)
{
	const struct us_rdl_prop *prop = us_rdl_get(node, name);

	if (prop && (prop->value.type == US_RDL_INT || prop->value.type == US_RDL_BOOL || prop->value.type == US_RDL_ENUM))
		return prop->value.num;
	return otherwise;
}

bool us_rdl_get_bool(const struct us_rdl_node *node, const char *name)
{
	return us_rdl_get_int(node, name, 0);
}

const char *us_rdl_get_text(const struct us_rdl_node *node, const char *name)
{
	const struct us_rdl_prop *prop = us_rdl_get(node, name);

	return prop && prop->value.type == US_RDL_STRING ? prop->value.text : NULL;
}

enum us_rdl_word us_rdl_get_word(const struct us_rdl_node *node, const char *name, enum us_rdl_word otherwise)
{
	const struct us_rdl_prop *prop = us_rdl_get(node, name);

	return prop && prop->value.type == US_RDL_WORD ? (enum us_rdl_word)prop->value.num : otherwise;
}

const struct us_rdl_enum *us_rdl_encode(const struct us_rdl_node *field)
{
	const struct us_rdl_prop *prop = us_rdl_get(field, "encode");

	return prop && prop->value.type == US_RDL_ENUM_TYPE ? prop->value.enumeration : NULL;
}

const struct us_rdl_node *us_rdl_element(const struct us_rdl_node *node, uint64_t index)
{
	for (const struct us_rdl_variant *variant = node->variant; variant; variant = variant->next)
		if (variant->index == index)
			return variant->node;
	return node;
}

unsigned us_rdl_regwidth(const struct us_rdl_node *reg)
{
	return (unsigned)us_rdl_get_int(reg, "regwidth", 32);
}

unsigned us_rdl_accesswidth(const struct us_rdl_node *reg)
{
	return (unsigned)us_rdl_get_int(reg, "accesswidth", us_rdl_regwidth(reg));
}

/* -- access policy ---------------------------------------------------------------------------------------------- */

static bool is_set(const struct us_rdl_node *field, const char *name)
{
	const struct us_rdl_prop *prop = us_rdl_get(field, name);

	return prop && !(prop->value.type == US_RDL_BOOL && !prop->value.num);
}

/* Hardware changes it: by its access, or because one of these makes it. */
static bool hardware_changes(const struct us_rdl_node *field)
{
	static const char *const makers[] = {"counter", "intr", "hwset", "hwclr", "we", "wel", "next"};
	enum us_rdl_word hw = us_rdl_get_word(field, "hw", US_RDL_RW);

	if (hw == US_RDL_RW || hw == US_RDL_W || hw == US_RDL_RW1 || hw == US_RDL_W1)
		return true;
	for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++)
		if (is_set(field, makers[i]))
			return true;
	return false;
}

void us_rdl_field_access(const struct us_rdl_node *field, struct us_rdl_access *access)
{
	enum us_rdl_word sw = us_rdl_get_word(field, "sw", US_RDL_RW);
	const struct us_rdl_prop *reset = us_rdl_get(field, "reset");

	memset(access, 0, sizeof *access);
	access->read = sw == US_RDL_RW || sw == US_RDL_R || sw == US_RDL_RW1;
	access->write = sw != US_RDL_R && sw != US_RDL_NA;
	access->once = sw == US_RDL_RW1 || sw == US_RDL_W1;
	access->onread = us_rdl_get_word(field, "onread", US_RDL_WORD_NONE);
	if (us_rdl_get_bool(field, "rclr"))
		access->onread = US_RDL_RCLR;
	if (us_rdl_get_bool(field, "rset"))
		access->onread = US_RDL_RSET;
	access->onwrite = us_rdl_get_word(field, "onwrite", US_RDL_WORD_NONE);
	if (us_rdl_get_bool(field, "woclr"))
		access->onwrite = US_RDL_WOCLR;
	if (us_rdl_get_bool(field, "woset"))
		access->onwrite = US_RDL_WOSET;
	access->hw = hardware_changes(field);
	access->singlepulse = us_rdl_get_bool(field, "singlepulse");
	access->counter = us_rdl_get_bool(field, "counter");
	access->intr = us_rdl_get_bool(field, "intr");
	/* An interrupt is stickybit unless told otherwise (9.9.1). */
	access->sticky = us_rdl_get_bool(field, "sticky") || us_rdl_get_bool(field, "stickybit") ||
			 (access->intr && !us_rdl_get_bool(field, "nonsticky"));
	access->has_reset = reset && reset->value.type == US_RDL_INT;
	access->reset = access->has_reset ? &reset->value : NULL;
}

/* -- walks ------------------------------------------------------------------------------------------------------ */

int us_rdl_walk(const struct us_rdl_place *place, int (*visit)(void *ctx, const struct us_rdl_place *place), void *ctx)
{
	int result = visit(ctx, place);

	if (result)
		return result < 0 ? result : 0;
	for (const struct us_rdl_node *child = place->node->child; child; child = child->next)
		for (uint64_t i = 0; i < child->count; i++) {
			struct us_rdl_place below = {place, us_rdl_element(child, i), i, place->address};

			below.address += child->offset + i * child->stride;
			result = us_rdl_walk(&below, visit, ctx);
			if (result < 0)
				return result;
		}
	return 0;
}

uint64_t us_rdl_count(const struct us_rdl_node *node)
{
	uint64_t count = 1;

	for (const struct us_rdl_node *child = node->child; child; child = child->next) {
		uint64_t below;

		if (__builtin_mul_overflow(us_rdl_count(child), child->count, &below) ||
		    __builtin_add_overflow(count, below, &count))
			return UINT64_MAX;
	}
	return count;
}

static const struct us_rdl_node *child_named(const struct us_rdl_node *node, const char *name)
{
	for (const struct us_rdl_node *child = node->child; child; child = child->next)
		if (child->name == name)
			return child;
	return NULL;
}

size_t us_rdl_follow(const struct us_rdl_place *from, const struct us_rdl_ref *ref, struct us_rdl_place *found,
		     size_t room)
{
	const struct us_rdl_place *at = from;

	for (unsigned up = ref->up; up; up--) {
		at = at->up;
		if (!at)
			return 0;
	}
	if (ref->count > room)
		return 0;
	for (unsigned i = 0; i < ref->count; i++) {
		const struct us_rdl_step *step = &ref->step[i];
		const struct us_rdl_node *child = child_named(at->node, step->name);
		uint64_t index = 0;

		if (!child || step->count != child->ndims)
			return 0;
		for (unsigned j = 0; j < step->count; j++) {
			if (step->index[j] >= child->dim[j])
				return 0;
			index = index * child->dim[j] + step->index[j];
		}
		found[i] = (struct us_rdl_place){at, us_rdl_element(child, index), index, at->address};
		found[i].address += child->offset + index * child->stride;
		at = &found[i];
	}
	return ref->count;
}

static const char *indices(struct us_rdl *rdl, const struct us_rdl_place *place)
{
	uint64_t rest = place->index, of = place->node->count;
	const char *text = "";

	for (unsigned i = 0; i < place->node->ndims; i++) {
		of /= place->node->dim[i];
		text = us_arena_format(&rdl->arena, "%s[%llu]", text, (unsigned long long)(rest / of));
		rest %= of;
	}
	return text;
}

const char *us_rdl_path(struct us_rdl *rdl, const struct us_rdl_place *base, const struct us_rdl_place *place)
{
	const char *text = us_arena_format(&rdl->arena, "%s%s", place->node->name, indices(rdl, place));

	for (place = place->up; place && place != base; place = place->up)
		text = us_arena_format(&rdl->arena, "%s%s.%s", place->node->name, indices(rdl, place), text);
	return text;
}
