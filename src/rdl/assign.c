/* SPDX-License-Identifier: Apache-2.0 */
/* Properties find their components: local, by default (5.1.3) and dynamic assignment (5.1.3.4). */
#include "rdl/elab.h"
#include "rdl/prop.h"

#include <string.h>

/* -- values ----------------------------------------------------------------------------------------------------- */

static bool rule_accepts(unsigned takes, struct us_rdl_value *value)
{
	switch (value->type) {
	case US_RDL_BOOL:
		if (takes & US_RDL_TAKES_INT && !(takes & US_RDL_TAKES_BOOL))
			*value = us_rdl_number(value->num, 1);
		return takes & (US_RDL_TAKES_BOOL | US_RDL_TAKES_INT);
	case US_RDL_INT:
		if (!(takes & US_RDL_TAKES_INT) && takes & US_RDL_TAKES_BOOL && value->num <= 1) {
			*value = (struct us_rdl_value){.type = US_RDL_BOOL, .width = 1, .num = value->num};
			return true;
		}
		return takes & US_RDL_TAKES_INT;
	case US_RDL_ENUM:
		if (!(takes & US_RDL_TAKES_INT))
			return false;
		*value = (struct us_rdl_value){.type = US_RDL_INT, .width = 64, .num = value->num};
		return true;
	case US_RDL_STRING:
		return takes & US_RDL_TAKES_STRING;
	case US_RDL_ARRAY:
		return takes & US_RDL_TAKES_STRINGS && (!value->count || value->element[0].type == US_RDL_STRING);
	case US_RDL_REF:
		return takes & US_RDL_TAKES_REF;
	case US_RDL_ENUM_TYPE:
		return takes & US_RDL_TAKES_ENCODE;
	case US_RDL_WORD:
		if (value->num <= US_RDL_W1)
			return takes & US_RDL_TAKES_ACCESS;
		if (value->num <= US_RDL_RUSER)
			return takes & US_RDL_TAKES_ONREAD;
		if (value->num <= US_RDL_WUSER)
			return takes & US_RDL_TAKES_ONWRITE;
		if (value->num <= US_RDL_FULLALIGN)
			return takes & US_RDL_TAKES_ADDRESSING;
		return takes & US_RDL_TAKES_PRECEDENCE;
	case US_RDL_STRUCT:
	case US_RDL_NONE:
		break;
	}
	return false;
}

static const char *what_it_takes(struct us_rdl *rdl, unsigned takes)
{
	static const struct {
		unsigned bit;
		const char *text;
	} words[] = {
		{US_RDL_TAKES_BOOL, "true or false"},
		{US_RDL_TAKES_INT, "a number"},
		{US_RDL_TAKES_STRING, "a string"},
		{US_RDL_TAKES_STRINGS, "an array of strings"},
		{US_RDL_TAKES_REF, "a reference to a field or signal"},
		{US_RDL_TAKES_ACCESS, "rw, r, w, rw1, w1 or na"},
		{US_RDL_TAKES_ONREAD, "rclr, rset or ruser"},
		{US_RDL_TAKES_ONWRITE, "woset, woclr, wot, wzs, wzc, wzt, wclr, wset or wuser"},
		{US_RDL_TAKES_ADDRESSING, "compact, regalign or fullalign"},
		{US_RDL_TAKES_PRECEDENCE, "hw or sw"},
		{US_RDL_TAKES_ENCODE, "the name of an enum"},
	};
	const char *text = "";

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (takes & words[i].bit)
			text = us_arena_format(&rdl->arena, "%s%s%s", text, *text ? ", or " : "", words[i].text);
	return text;
}

/* A number where a reference was written: most often a parameter that is not to be seen here (5.1.1.2). */
static void explain_reference(struct us_rdl *rdl, const struct us_rdl_frame *frame, const struct us_rdl_value *value)
{
	const char *name = value->type == US_RDL_REF ? value->ref->step[0].name : NULL;

	for (frame = frame ? frame->up : NULL; name && frame; frame = frame->up)
		for (size_t i = 0; frame->def && i < frame->def->nparams; i++)
			if (frame->def->param[i].name == name) {
				us_rdl_note(rdl, frame->def->param[i].pos,
					    "parameter '%s' is of an outer component: hand it down with #(…)", name);
				return;
			}
}

/* The value a property without `= value` stands for; false when there is none. One of the user's may have none (15.2). */
static bool implied_value(struct us_rdl *rdl, const struct us_rdl_assign *assign, struct us_rdl_value *value)
{
	bool boolean = assign->rule ? assign->rule->takes & US_RDL_TAKES_BOOL : assign->udp->type.base == US_RDL_BOOLEAN;

	if (assign->udp && assign->udp->otherwise) {
		*value = us_rdl_eval(rdl, NULL, assign->udp->otherwise);
		return true;
	}
	*value = us_rdl_truth(true);
	if (!boolean && assign->rule)
		us_rdl_error(rdl, assign->pos, "property '%s' needs a value", assign->name);
	return boolean;
}

static bool check_value(struct us_rdl *rdl, const struct us_rdl_frame *frame, const struct us_rdl_assign *assign,
			struct us_rdl_value *value)
{
	struct us_rdl_pos pos = assign->value ? assign->value->pos : assign->pos;

	if (value->type == US_RDL_NONE)
		return false;
	if (assign->udp) {
		if (!us_rdl_convert(rdl, &assign->udp->type, value, pos,
				    us_arena_format(&rdl->arena, "property '%s'", assign->name))) {
			explain_reference(rdl, frame, value);
			return false;
		}
		return true;
	}
	if (rule_accepts(assign->rule->takes, value))
		return true;
	us_rdl_error(rdl, pos, "property '%s' takes %s, not %s", assign->name, what_it_takes(rdl, assign->rule->takes),
		     us_rdl_describe(value));
	explain_reference(rdl, frame, value);
	return false;
}

/* -- one node --------------------------------------------------------------------------------------------------- */

static void remove_prop(struct us_rdl_node *node, size_t at)
{
	memmove(&node->prop[at], &node->prop[at + 1], (node->nprops - at - 1) * sizeof *node->prop);
	node->nprops--;
}

void us_rdl_set_prop(struct us_rdl *rdl, struct us_rdl_node *node, struct us_rdl_prop prop)
{
	for (size_t i = 0; i < node->nprops; i++)
		if (node->prop[i].name == prop.name) {
			node->prop[i] = prop;
			return;
		}
	node->prop = us_arena_grow(&rdl->arena, node->prop, node->nprops, &node->prop_room, sizeof prop);
	node->prop[node->nprops++] = prop;
}

static bool is_false(const struct us_rdl_value *value)
{
	return value->type == US_RDL_BOOL && !value->num;
}

/*
 * Settles what the new property excludes. Of two in the same body the second is an error; a dynamic assignment replaces
 * what stood there; a default gives way. Returns false when there is nothing to set.
 */
static bool settle_group(struct us_rdl *rdl, struct us_rdl_node *node, const struct us_rdl_rule *rule,
			 const struct us_rdl_prop *prop, bool dynamic)
{
	if (!rule || !rule->group || is_false(&prop->value))
		return true;
	for (size_t i = 0; i < node->nprops; i++) {
		const struct us_rdl_prop *other = &node->prop[i];
		const struct us_rdl_rule *theirs = us_rdl_find_rule(other->name);

		if (!theirs || theirs->group != rule->group || other->name == prop->name || is_false(&other->value))
			continue;
		if (prop->by_default)
			return false;
		if (!dynamic && !other->by_default) {
			us_rdl_error(rdl, prop->pos, "'%s' and '%s' exclude each other", prop->name, other->name);
			us_rdl_note(rdl, other->pos, "'%s' is assigned here", other->name);
			return false;
		}
		remove_prop(node, i--);
	}
	return true;
}

static bool applies(struct us_rdl *rdl, const struct us_rdl_node *node, struct us_rdl_assign *assign, bool dynamic)
{
	unsigned kinds = assign->rule ? assign->rule->kinds : assign->udp->kinds;

	if (!(kinds >> node->kind & 1)) {
		us_rdl_error(rdl, assign->pos, "'%s' is no property of a %s", assign->name, us_rdl_kind_name(node->kind));
		return false;
	}
	if (dynamic && assign->rule && assign->rule->fixed) {
		us_rdl_error(rdl, assign->pos, "'%s' can not be assigned dynamically: it shapes the component", assign->name);
		return false;
	}
	return true;
}

void us_rdl_assign(struct us_rdl *rdl, const struct us_rdl_frame *frame, struct us_rdl_node *node, unsigned depth,
		   struct us_rdl_assign *assign, bool dynamic)
{
	struct us_rdl_prop prop = {.name = assign->name, .pos = assign->pos, .user = assign->udp};
	unsigned errors = rdl->errors;

	if (assign->failed)
		return;
	if (applies(rdl, node, assign, dynamic)) {
		bool good = true;

		if (assign->encode)
			prop.value = (struct us_rdl_value){.type = US_RDL_ENUM_TYPE, .enumeration = assign->encode};
		else if (assign->value)
			prop.value = us_rdl_eval_in(rdl, frame, assign->value,
						    node->kind == US_RDL_FIELD && node->width ? node->width : 64);
		else
			good = implied_value(rdl, assign, &prop.value);
		if (good && check_value(rdl, frame, assign, &prop.value)) {
			if (prop.value.type == US_RDL_REF && frame && depth != frame->depth) {
				struct us_rdl_ref *ref = US_ARENA_NEW(&rdl->arena, struct us_rdl_ref);

				*ref = *prop.value.ref;
				ref->up = depth - frame->depth;
				prop.value.ref = ref;
			}
			if (settle_group(rdl, node, assign->rule, &prop, dynamic))
				us_rdl_set_prop(rdl, node, prop);
		}
	}
	assign->failed = rdl->errors > errors;
}

/* -- defaults --------------------------------------------------------------------------------------------------- */

static bool has_prop(const struct us_rdl_node *node, const char *name)
{
	for (size_t i = 0; i < node->nprops; i++)
		if (node->prop[i].name == name)
			return true;
	return false;
}

static void assign_default(struct us_rdl *rdl, const struct us_rdl_frame *frame, const struct us_rdl_assign *assign)
{
	/* Of the component in whose body the default stands: the parameters seen there are those it may use. */
	const struct us_rdl_frame *scope = us_rdl_frame_of(frame->up, assign->scope);
	struct us_rdl_node *node = frame->node;
	struct us_rdl_prop prop = {.name = assign->name, .pos = assign->pos, .user = assign->udp, .by_default = true};
	unsigned kinds;

	if (assign->failed || !(assign->rule || assign->udp))
		return;
	kinds = assign->rule ? assign->rule->kinds : assign->udp->kinds;
	if (!(kinds >> node->kind & 1) || has_prop(node, assign->name))
		return;
	if (assign->encode)
		prop.value = (struct us_rdl_value){.type = US_RDL_ENUM_TYPE, .enumeration = assign->encode};
	else if (assign->value)
		prop.value = us_rdl_eval_in(rdl, scope, assign->value, 64);
	else if (!implied_value(rdl, assign, &prop.value))
		return;
	if (!check_value(rdl, scope, assign, &prop.value))
		return;
	if (prop.value.type == US_RDL_REF && scope) {
		struct us_rdl_ref *ref = US_ARENA_NEW(&rdl->arena, struct us_rdl_ref);

		*ref = *prop.value.ref;
		ref->up = frame->depth - scope->depth;
		prop.value.ref = ref;
	}
	if (settle_group(rdl, node, assign->rule, &prop, false))
		us_rdl_set_prop(rdl, node, prop);
}

/* A user-defined property with a default has that value wherever it is not assigned (15.1). */
static void assign_user_default(struct us_rdl *rdl, struct us_rdl_node *node, const struct us_rdl_udp *udp)
{
	struct us_rdl_prop prop = {.name = udp->name, .pos = udp->pos, .user = true, .by_default = true};

	if (!udp->otherwise || !(udp->kinds >> node->kind & 1) || has_prop(node, udp->name))
		return;
	prop.value = us_rdl_eval_in(rdl, NULL, udp->otherwise, 64);
	if (us_rdl_convert(rdl, &udp->type, &prop.value, udp->otherwise->pos, "the default"))
		us_rdl_set_prop(rdl, node, prop);
}

void us_rdl_assign_defaults(struct us_rdl *rdl, const struct us_rdl_frame *frame)
{
	for (const struct us_rdl_assign *assign = frame->def->defaults; assign; assign = assign->next)
		assign_default(rdl, frame, assign);
	for (const struct us_rdl_udp *udp = rdl->udp; udp; udp = udp->next)
		assign_user_default(rdl, frame->node, udp);
}

/* -- dynamic assignment ----------------------------------------------------------------------------------------- */

struct us_rdl_node *us_rdl_child(const struct us_rdl_node *node, const char *name)
{
	for (struct us_rdl_node *child = node->child; child; child = child->next)
		if (child->name == name)
			return child;
	return NULL;
}

static struct us_rdl_node *copy_tree(struct us_rdl *rdl, const struct us_rdl_node *from, struct us_rdl_node *parent)
{
	struct us_rdl_node *copy = US_ARENA_NEW(&rdl->arena, struct us_rdl_node);

	rdl->nodes++;
	*copy = *from;
	copy->parent = parent;
	copy->child = copy->last = copy->next = NULL;
	copy->variant = NULL;
	copy->prop = us_arena_alloc(&rdl->arena, (from->nprops + 1) * sizeof *copy->prop);
	if (from->nprops)
		memcpy(copy->prop, from->prop, from->nprops * sizeof *copy->prop);
	copy->prop_room = from->nprops + 1;
	for (const struct us_rdl_node *child = from->child; child; child = child->next) {
		struct us_rdl_node *below = copy_tree(rdl, child, copy);

		if (copy->last)
			copy->last->next = below;
		else
			copy->child = below;
		copy->last = below;
	}
	for (const struct us_rdl_variant *variant = from->variant; variant; variant = variant->next) {
		struct us_rdl_variant *own = US_ARENA_NEW(&rdl->arena, struct us_rdl_variant);

		own->index = variant->index;
		own->node = copy_tree(rdl, variant->node, parent);
		own->next = copy->variant;
		copy->variant = own;
	}
	return copy;
}

static struct us_rdl_node *variant_of(struct us_rdl *rdl, struct us_rdl_node *node, uint64_t index)
{
	struct us_rdl_variant *variant;

	for (variant = node->variant; variant; variant = variant->next)
		if (variant->index == index)
			return variant->node;
	variant = US_ARENA_NEW(&rdl->arena, struct us_rdl_variant);
	variant->index = index;
	variant->node = copy_tree(rdl, node, node->parent);
	variant->node->next = NULL;
	variant->next = node->variant;
	node->variant = variant;
	return variant->node;
}

/* The flat index that a step names; false, told, when it is none. */
static bool flat_index(struct us_rdl *rdl, const struct us_rdl_frame *frame, const struct us_rdl_path_step *step,
		       const struct us_rdl_node *node, uint64_t *flat)
{
	*flat = 0;
	if (step->count != node->ndims) {
		us_rdl_error(rdl, step->pos, "'%s' has %u dimensions, not %zu", step->name, node->ndims, step->count);
		us_rdl_note(rdl, node->pos, "it is instantiated here");
		return false;
	}
	for (size_t i = 0; i < step->count; i++) {
		uint64_t index;

		if (!us_rdl_eval_number(rdl, frame, step->index[i], "an index", &index))
			return false;
		if (index >= node->dim[i]) {
			us_rdl_error(rdl, step->index[i]->pos, "'%s' has no element %llu: it has %llu, from 0", step->name,
				     (unsigned long long)index, (unsigned long long)node->dim[i]);
			us_rdl_note(rdl, node->pos, "it is instantiated here");
			return false;
		}
		*flat = *flat * node->dim[i] + index;
	}
	return true;
}

struct dynamic {
	struct us_rdl *rdl;
	const struct us_rdl_frame *frame;
	struct us_rdl_assign *assign;
};

static void descend(const struct dynamic *d, struct us_rdl_node *node, size_t at)
{
	const struct us_rdl_path_step *step = &d->assign->target.step[at];
	struct us_rdl_node *child;
	uint64_t index;

	if (at == d->assign->target.count) {
		us_rdl_assign(d->rdl, d->frame, node, d->frame->depth + (unsigned)at, d->assign, true);
		return;
	}
	child = us_rdl_child(node, step->name);
	if (!child) {
		us_rdl_error(d->rdl, step->pos, "there is no '%s' in %s", step->name, us_rdl_label(d->rdl, node));
		d->assign->failed = true;
		return;
	}
	if (!step->count) {
		descend(d, child, at + 1);
		for (struct us_rdl_variant *variant = child->variant; variant; variant = variant->next)
			descend(d, variant->node, at + 1);
	} else if (flat_index(d->rdl, d->frame, step, child, &index)) {
		if (d->rdl->nodes > US_RDL_MAX_NODES)
			us_rdl_error(d->rdl, step->pos, "there are more than %zu instances", US_RDL_MAX_NODES);
		else
			descend(d, variant_of(d->rdl, child, index), at + 1);
	} else {
		d->assign->failed = true;
	}
}

void us_rdl_assign_dynamic(struct us_rdl *rdl, const struct us_rdl_frame *frame, struct us_rdl_assign *assign)
{
	struct dynamic d = {rdl, frame, assign};

	if (!assign->failed)
		descend(&d, frame->node, 0);
}
