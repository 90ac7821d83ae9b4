/* SPDX-License-Identifier: Apache-2.0 */
#include "rdl/elab.h"
#include "rdl/prop.h"

#include <stdlib.h>
#include <string.h>

const char *us_rdl_label(struct us_rdl *rdl, const struct us_rdl_node *node)
{
	static const char *const word[] = {"address map", "register file", "register", "field", "memory", "signal"};

	return us_arena_format(&rdl->arena, "%s '%s'", word[node->kind], node->name);
}

static struct us_rdl_node *instantiate(struct us_rdl *rdl, const struct us_rdl_frame *frame, struct us_rdl_inst *inst);

/* -- what may stand in what (5.1, 10.1, 12.1, 13.1) ------------------------------------------------------------- */

static bool may_contain(enum us_rdl_kind parent, enum us_rdl_kind child)
{
	switch (parent) {
	case US_RDL_ADDRMAP:
		return child != US_RDL_FIELD;
	case US_RDL_REGFILE:
		return child == US_RDL_REGFILE || child == US_RDL_REG || child == US_RDL_SIGNAL;
	case US_RDL_REG:
		return child == US_RDL_FIELD || child == US_RDL_SIGNAL;
	case US_RDL_MEM:
		return child == US_RDL_REG || child == US_RDL_SIGNAL;
	case US_RDL_FIELD:
	case US_RDL_SIGNAL:
		break;
	}
	return false;
}

/* -- parameters ------------------------------------------------------------------------------------------------- */

static const struct us_rdl_argument *find_argument(const struct us_rdl_inst *inst, const char *name)
{
	for (size_t i = 0; i < inst->nargs; i++)
		if (inst->argument[i].name == name)
			return &inst->argument[i];
	return NULL;
}

static unsigned param_width(const struct us_rdl_param *param)
{
	return param->type.base == US_RDL_BIT ? 0 : 64;
}

/* The values of def's parameters for an instance; defaults may use the parameters before them. */
static const struct us_rdl_value *bind_params(struct us_rdl *rdl, const struct us_rdl_frame *frame,
					      struct us_rdl_inst *inst)
{
	const struct us_rdl_def *def = inst->def;
	struct us_rdl_value *value = us_arena_alloc(&rdl->arena, (def->nparams + 1) * sizeof *value);
	struct us_rdl_frame own = {.def = def, .param = value, .up = frame};

	for (size_t i = 0; i < inst->nargs; i++) {
		bool known = false;

		for (size_t j = 0; j < def->nparams; j++)
			known |= def->param[j].name == inst->argument[i].name;
		if (!known)
			us_rdl_error(rdl, inst->argument[i].pos, "%s '%s' has no parameter '%s'", us_rdl_kind_name(def->kind),
				     def->name ? def->name : "", inst->argument[i].name);
		if (find_argument(inst, inst->argument[i].name) != &inst->argument[i])
			us_rdl_error(rdl, inst->argument[i].pos, "parameter '%s' is given twice", inst->argument[i].name);
	}
	for (size_t i = 0; i < def->nparams; i++) {
		const struct us_rdl_param *param = &def->param[i];
		const struct us_rdl_argument *argument = find_argument(inst, param->name);

		if (argument)
			value[i] = us_rdl_eval_in(rdl, frame, argument->value, param_width(param));
		else if (param->otherwise)
			value[i] = us_rdl_eval_in(rdl, &own, param->otherwise, param_width(param));
		else
			us_rdl_error(rdl, inst->pos, "parameter '%s' has no default, so '%s' must give its value", param->name,
				     inst->name);
		us_rdl_convert(rdl, &param->type, &value[i], argument ? argument->value->pos : param->pos,
			       us_arena_format(&rdl->arena, "parameter '%s'", param->name));
	}
	return value;
}

/* -- an instance's own numbers ---------------------------------------------------------------------------------- */

static void bit_range(struct us_rdl *rdl, const struct us_rdl_frame *frame, struct us_rdl_inst *inst,
		      struct us_rdl_node *node)
{
	uint64_t width = 1;

	if (inst->left) {
		if (!us_rdl_eval_number(rdl, frame, inst->left, "a bit position", &node->left) ||
		    !us_rdl_eval_number(rdl, frame, inst->right, "a bit position", &node->right))
			return;
		if (node->left >= US_RDL_MAX_WIDTH || node->right >= US_RDL_MAX_WIDTH) {
			us_rdl_error(rdl, inst->left->pos, "a bit position is at most %d", US_RDL_MAX_WIDTH - 1);
			return;
		}
		node->has_range = true;
		width = (node->left > node->right ? node->left - node->right : node->right - node->left) + 1;
	} else if (inst->ndims > 1) {
		us_rdl_error(rdl, inst->dim[1]->pos, "a %s has one width, no dimensions", us_rdl_kind_name(node->kind));
	} else if (inst->ndims) {
		if (!us_rdl_eval_number(rdl, frame, inst->dim[0], "a width", &width))
			return;
		if (!width || width > US_RDL_MAX_WIDTH) {
			us_rdl_error(rdl, inst->dim[0]->pos, "a %s is 1 to %d bits wide, not %llu",
				     us_rdl_kind_name(node->kind), US_RDL_MAX_WIDTH, (unsigned long long)width);
			width = 1;
		}
	} else {
		width = 0; /* fieldwidth or signalwidth may tell, else 1 */
	}
	node->width = (uint32_t)width;
}

static void dimensions(struct us_rdl *rdl, const struct us_rdl_frame *frame, struct us_rdl_inst *inst,
		       struct us_rdl_node *node)
{
	if (inst->left)
		us_rdl_error(rdl, inst->left->pos, "only fields and signals have a bit range [a:b]");
	if (inst->ndims > US_RDL_DIMENSIONS) {
		us_rdl_error(rdl, inst->dim[US_RDL_DIMENSIONS]->pos, "more than %d dimensions are not supported",
			     US_RDL_DIMENSIONS);
		return;
	}
	for (size_t i = 0; i < inst->ndims; i++) {
		uint64_t dim, count;

		if (!us_rdl_eval_number(rdl, frame, inst->dim[i], "the size of an array", &dim))
			return;
		if (!dim || __builtin_mul_overflow(node->count, dim, &count) || count > UINT32_MAX) {
			us_rdl_error(rdl, inst->dim[i]->pos, "an array of %llu elements is not possible: 1 to %lu are",
				     (unsigned long long)dim, (unsigned long)UINT32_MAX);
			return;
		}
		node->dim[node->ndims++] = dim;
		node->count = count;
	}
}

static void placement(struct us_rdl *rdl, const struct us_rdl_frame *frame, struct us_rdl_inst *inst,
		      struct us_rdl_node *node)
{
	bool bits = node->kind == US_RDL_FIELD || node->kind == US_RDL_SIGNAL;
	const struct us_rdl_expr *any = inst->at ? inst->at : inst->stride ? inst->stride : inst->align;

	if (bits && any) {
		us_rdl_error(rdl, any->pos, "a %s has no address", us_rdl_kind_name(node->kind));
		return;
	}
	if (inst->at && inst->align)
		us_rdl_error(rdl, inst->align->pos, "@ and %%= exclude each other");
	if (inst->stride && !node->ndims)
		us_rdl_error(rdl, inst->stride->pos, "+= is for arrays");
	if (inst->at)
		node->has_at = us_rdl_eval_number(rdl, frame, inst->at, "an address", &node->offset);
	if (inst->stride)
		node->has_stride = us_rdl_eval_number(rdl, frame, inst->stride, "a stride", &node->stride);
	if (inst->align)
		node->has_align = us_rdl_eval_number(rdl, frame, inst->align, "an alignment", &node->align);
	if (node->has_stride && !node->stride) {
		us_rdl_error(rdl, inst->stride->pos, "a stride of 0 puts all elements at one address");
		node->has_stride = false;
	}
	if (node->has_align && !node->align) {
		us_rdl_error(rdl, inst->align->pos, "an alignment must not be 0");
		node->has_align = false;
	}
}

static void give_reset(struct us_rdl *rdl, const struct us_rdl_frame *frame, struct us_rdl_inst *inst,
		       struct us_rdl_node *node, unsigned depth)
{
	struct us_rdl_assign assign = {.pos = inst->reset->pos, .value = inst->reset};

	if (node->kind != US_RDL_FIELD) {
		us_rdl_error(rdl, inst->reset->pos, "only fields have a reset value");
		return;
	}
	assign.name = us_rdl_name(rdl, "reset");
	assign.rule = us_rdl_find_rule("reset");
	us_rdl_assign(rdl, frame, node, depth, &assign, true);
}

/* -- alias registers (10.4) ------------------------------------------------------------------------------------- */

static void find_aliased(struct us_rdl *rdl, const struct us_rdl_frame *frame, const struct us_rdl_inst *inst,
			 struct us_rdl_node *node)
{
	struct us_rdl_node *primary = us_rdl_child(frame->node, inst->alias);

	if (node->kind != US_RDL_REG) {
		us_rdl_error(rdl, inst->alias_pos, "only registers have aliases");
		return;
	}
	if (!primary || primary->kind != US_RDL_REG || primary->alias_of) {
		us_rdl_error(rdl, inst->alias_pos, "there is no register '%s' before this in %s", inst->alias,
			     us_rdl_label(rdl, frame->node));
		return;
	}
	node->alias_of = primary;
	for (struct us_rdl_node *field = node->child; field; field = field->next)
		if (field->kind == US_RDL_FIELD && !us_rdl_child(primary, field->name)) {
			us_rdl_error(rdl, field->pos, "field '%s' is not in register '%s', which this one is an alias of",
				     field->name, primary->name);
			us_rdl_note(rdl, primary->pos, "it is instantiated here");
		}
}

/* -- bodies ----------------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct us_rdl_node *const *x = a, *const *y = b;

	if ((*x)->name != (*y)->name)
		return strcmp((*x)->name, (*y)->name);
	return (*x)->pos.offset < (*y)->pos.offset ? -1 : (*x)->pos.offset > (*y)->pos.offset;
}

struct us_rdl_node **us_rdl_children_sorted(struct us_rdl *rdl, const struct us_rdl_node *node,
					    int (*compare)(const void *, const void *), size_t *count)
{
	size_t n = 0;
	struct us_rdl_node **list;

	for (struct us_rdl_node *child = node->child; child; child = child->next)
		n++;
	*count = n;
	if (!n)
		return NULL;
	list = us_arena_alloc(&rdl->arena, n * sizeof *list);
	n = 0;
	for (struct us_rdl_node *child = node->child; child; child = child->next)
		list[n++] = child;
	qsort(list, n, sizeof *list, compare);
	return list;
}

/* Two of the same name in one component. Sorted, so that a thousand registers do not cost a million comparisons. */
static void check_names(struct us_rdl *rdl, struct us_rdl_node *node)
{
	size_t count;
	struct us_rdl_node **list = us_rdl_children_sorted(rdl, node, by_name, &count);

	for (size_t i = 1; i < count; i++)
		if (list[i]->name == list[i - 1]->name) {
			us_rdl_error(rdl, list[i]->pos, "there are two instances '%s' in %s", list[i]->name,
				     us_rdl_label(rdl, node));
			us_rdl_note(rdl, list[i - 1]->pos, "the other one is here");
		}
}

static void assign_once(struct us_rdl *rdl, const struct us_rdl_frame *frame, struct us_rdl_assign *assign)
{
	const struct us_rdl_prop *other = us_rdl_get(frame->node, assign->name);

	if (other && !assign->failed) {
		us_rdl_error(rdl, assign->pos, "'%s' is assigned twice in one body", assign->name);
		us_rdl_note(rdl, other->pos, "it is assigned here first");
		assign->failed = true;
		return;
	}
	us_rdl_assign(rdl, frame, frame->node, frame->depth, assign, false);
}

static void append_child(struct us_rdl_node *node, struct us_rdl_node *child)
{
	if (node->last)
		node->last->next = child;
	else
		node->child = child;
	node->last = child;
}

static void elaborate_body(struct us_rdl *rdl, const struct us_rdl_frame *frame)
{
	for (struct us_rdl_item *item = frame->def->item; item; item = item->next)
		if (item->kind == US_RDL_I_ASSIGN)
			assign_once(rdl, frame, item->assign);
	us_rdl_assign_defaults(rdl, frame);
	for (struct us_rdl_item *item = frame->def->item; item; item = item->next) {
		if (item->kind == US_RDL_I_DYNAMIC) {
			us_rdl_assign_dynamic(rdl, frame, item->assign);
		} else if (item->kind == US_RDL_I_INSTANCE) {
			struct us_rdl_node *child = instantiate(rdl, frame, item->inst);

			if (child)
				append_child(frame->node, child);
		}
	}
	check_names(rdl, frame->node);
}

static bool may_instantiate(struct us_rdl *rdl, const struct us_rdl_frame *frame, struct us_rdl_inst *inst)
{
	if (frame->node && !may_contain(frame->node->kind, inst->def->kind)) {
		us_rdl_error(rdl, inst->pos, "%s can not contain the %s '%s'", us_rdl_label(rdl, frame->node),
			     us_rdl_kind_name(inst->def->kind), inst->name);
		return false;
	}
	if (frame->depth >= US_RDL_MAX_NESTING) {
		us_rdl_error(rdl, inst->pos, "components are nested more than %d deep", US_RDL_MAX_NESTING);
		return false;
	}
	if (++rdl->nodes <= US_RDL_MAX_NODES)
		return true;
	if (rdl->nodes == US_RDL_MAX_NODES + 1)
		us_rdl_error(rdl, inst->pos, "there are more than %zu instances", US_RDL_MAX_NODES);
	return false;
}

static struct us_rdl_node *instantiate(struct us_rdl *rdl, const struct us_rdl_frame *frame, struct us_rdl_inst *inst)
{
	struct us_rdl_node *node;
	struct us_rdl_frame own = {.def = inst->def, .up = frame, .depth = frame->depth + 1};

	if (!may_instantiate(rdl, frame, inst))
		return NULL;
	node = US_ARENA_NEW(&rdl->arena, struct us_rdl_node);
	node->kind = inst->def->kind;
	node->name = inst->name;
	node->type_name = inst->def->name;
	node->pos = inst->pos;
	node->parent = frame->node;
	node->external = inst->external || node->kind == US_RDL_MEM;
	node->count = 1;
	own.node = node;
	own.param = bind_params(rdl, frame, inst);
	if (node->kind == US_RDL_FIELD || node->kind == US_RDL_SIGNAL)
		bit_range(rdl, frame, inst, node);
	else
		dimensions(rdl, frame, inst, node);
	placement(rdl, frame, inst, node);
	elaborate_body(rdl, &own);
	if (inst->reset)
		give_reset(rdl, frame, inst, node, own.depth);
	if (inst->alias)
		find_aliased(rdl, frame, inst, node);
	return node;
}

/* -- the top ---------------------------------------------------------------------------------------------------- */

static bool is_outermost_signal(const struct us_rdl *rdl, const struct us_rdl_path *path)
{
	for (const struct us_rdl_item *item = rdl->root->item; item && path->count == 1; item = item->next)
		if (item->kind == US_RDL_I_INSTANCE && item->inst->def->kind == US_RDL_SIGNAL &&
		    item->inst->name == path->step[0].name)
			return true;
	return false;
}

/*
 * At the outermost level stand definitions and signals, with assignments to these, which software does not see.
 * SystemRDL 1.0 also had the top instantiated there.
 */
static const struct us_rdl_def *check_outermost(struct us_rdl *rdl)
{
	const struct us_rdl_def *top = NULL;

	for (struct us_rdl_item *item = rdl->root->item; item; item = item->next)
		if (item->kind == US_RDL_I_DYNAMIC && !is_outermost_signal(rdl, &item->assign->target))
			us_rdl_error(rdl, item->assign->pos, "a property is assigned inside of an address map only");
		else if (item->kind == US_RDL_I_INSTANCE && item->inst->def->kind == US_RDL_ADDRMAP)
			top = item->inst->def;
		else if (item->kind == US_RDL_I_INSTANCE && item->inst->def->kind != US_RDL_SIGNAL)
			us_rdl_error(rdl, item->inst->pos, "a %s is instantiated inside of an address map only",
				     us_rdl_kind_name(item->inst->def->kind));
	return top;
}

static const struct us_rdl_def *find_top(struct us_rdl *rdl)
{
	const char *wanted = rdl->options->top;
	const struct us_rdl_def *instantiated = check_outermost(rdl);

	for (struct us_rdl_symbol *symbol = rdl->root->symbol; symbol; symbol = symbol->next) {
		if (!symbol->def || (wanted && strcmp(symbol->name, wanted)))
			continue;
		if (symbol->def->kind == US_RDL_ADDRMAP)
			return symbol->def;
		if (wanted)
			us_rdl_error(rdl, symbol->pos, "'%s' is no address map, so it can not be the top", wanted);
	}
	if (wanted && !rdl->errors)
		us_rdl_error(rdl, (struct us_rdl_pos){UINT32_MAX, 0}, "there is no address map '%s'", wanted);
	return wanted ? NULL : instantiated;
}

/* A parameter from the command line, NAME=VALUE with VALUE as the language writes it. */
static bool top_argument(struct us_rdl *rdl, const char *text, struct us_rdl_argument *argument)
{
	const char *value = strchr(text, '=');
	struct us_rdl_tokens tokens = {0};
	const char *name;
	int source;

	if (!value) {
		us_rdl_error(rdl, (struct us_rdl_pos){UINT32_MAX, 0}, "parameter '%s' needs a value: NAME=VALUE", text);
		return false;
	}
	name = us_arena_format(&rdl->arena, "<parameter %s>", text);
	source = us_rdl_source_text(rdl, name, value + 1, strlen(value + 1));
	us_rdl_lex(rdl, (uint32_t)source, &tokens);
	argument->name = us_rdl_intern(rdl, text, (size_t)(value - text));
	argument->pos = (struct us_rdl_pos){(uint32_t)source, 0};
	argument->value = us_rdl_parse_value(rdl, &tokens);
	return argument->value;
}

static struct us_rdl_inst *top_instance(struct us_rdl *rdl, const struct us_rdl_def *def)
{
	struct us_rdl_inst *inst = US_ARENA_NEW(&rdl->arena, struct us_rdl_inst);
	size_t room = 0;

	inst->def = def;
	inst->name = def->name ? def->name : us_rdl_name(rdl, "top");
	inst->pos = def->pos;
	for (const char *const *param = rdl->options->param; param && *param; param++) {
		struct us_rdl_argument argument = {0};

		if (!top_argument(rdl, *param, &argument))
			continue;
		inst->argument = us_arena_grow(&rdl->arena, inst->argument, inst->nargs, &room, sizeof argument);
		inst->argument[inst->nargs++] = argument;
	}
	return inst;
}

void us_rdl_elaborate(struct us_rdl *rdl)
{
	struct us_rdl_frame outermost = {0};
	const struct us_rdl_def *def = find_top(rdl);
	struct us_rdl_node *top;

	if (!def)
		return;
	top = instantiate(rdl, &outermost, top_instance(rdl, def));
	if (!top)
		return;
	if (us_rdl_place(rdl, top))
		us_rdl_check(rdl, top);
	rdl->top = top;
}
