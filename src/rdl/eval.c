/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evaluation (SystemRDL 2.0, clause 7): widths follow SystemVerilog, so that operands are extended to the widest of
 * them and of what the result is for, and self-determined operands (of concatenations and comparisons) are not. A cast
 * to a width is something the result is for.
 */
#include "rdl/eval.h"

#include <string.h>

struct eval {
	struct us_rdl *rdl;
	const struct us_rdl_frame *frame;
};

static struct us_rdl_value compute(struct eval *e, const struct us_rdl_expr *expr, unsigned width);

static bool want_number(struct eval *e, const struct us_rdl_expr *expr, const struct us_rdl_value *value)
{
	if (value->type == US_RDL_NONE)
		return false;
	if (!us_rdl_is_number(value)) {
		us_rdl_error(e->rdl, expr->pos, "expected a number, not %s", us_rdl_describe(value));
		return false;
	}
	if (value->type == US_RDL_INT && value->wide) {
		us_rdl_error(e->rdl, expr->pos, "computing with numbers of more than 64 bits is not supported");
		return false;
	}
	return true;
}

/* -- names ------------------------------------------------------------------------------------------------------ */

static bool compute_index(struct eval *e, const struct us_rdl_expr *expr, uint64_t *index)
{
	struct us_rdl_value value = compute(e, expr, 64);

	if (!want_number(e, expr, &value))
		return false;
	*index = value.num;
	return true;
}

/* From a parameter's value into it: [index] and .member */
static struct us_rdl_value select_value(struct eval *e, const struct us_rdl_path *path, struct us_rdl_value value)
{
	for (size_t i = 0; i < path->count; i++) {
		const struct us_rdl_path_step *step = &path->step[i];

		if (i) {
			uint32_t at = 0;

			while (value.type == US_RDL_STRUCT && at < value.count && value.member[at].name != step->name)
				at++;
			if (value.type != US_RDL_STRUCT || at == value.count) {
				us_rdl_error(e->rdl, step->pos, "there is no member '%s' in %s", step->name,
					     us_rdl_describe(&value));
				return us_rdl_nothing();
			}
			value = value.member[at].value;
		}
		for (size_t j = 0; j < step->count; j++) {
			uint64_t index;

			if (!compute_index(e, step->index[j], &index))
				return us_rdl_nothing();
			if (value.type != US_RDL_ARRAY || index >= value.count) {
				us_rdl_error(e->rdl, step->index[j]->pos, "there is no element %llu in '%s'",
					     (unsigned long long)index, step->name);
				return us_rdl_nothing();
			}
			value = value.element[index];
		}
	}
	return value;
}

static struct us_rdl_value make_reference(struct eval *e, const struct us_rdl_expr *expr)
{
	struct us_arena *arena = &e->rdl->arena;
	struct us_rdl_ref *ref = US_ARENA_NEW(arena, struct us_rdl_ref);
	struct us_rdl_step *steps = us_arena_alloc(arena, expr->path.count * sizeof *steps);

	for (size_t i = 0; i < expr->path.count; i++) {
		const struct us_rdl_path_step *from = &expr->path.step[i];
		uint64_t *index = from->count ? us_arena_alloc(arena, from->count * sizeof *index) : NULL;

		for (size_t j = 0; j < from->count; j++)
			if (!compute_index(e, from->index[j], &index[j]))
				return us_rdl_nothing();
		steps[i] = (struct us_rdl_step){from->name, index, (unsigned)from->count, from->pos};
	}
	ref->step = steps;
	ref->count = (unsigned)expr->path.count;
	ref->property = expr->property;
	ref->pos = expr->pos;
	return (struct us_rdl_value){.type = US_RDL_REF, .ref = ref};
}

const struct us_rdl_frame *us_rdl_frame_of(const struct us_rdl_frame *frame, const struct us_rdl_def *def)
{
	while (frame && frame->def != def)
		frame = frame->up;
	return frame;
}

/*
 * The parameter of that name: the component's own, else one of a component around its definition, unless something
 * nearer has the name. NULL when there is none.
 */
static const struct us_rdl_value *find_param(const struct us_rdl_frame *frame, const char *name)
{
	while (frame && frame->def) {
		for (size_t i = 0; i < frame->def->nparams; i++)
			if (frame->def->param[i].name == name)
				return &frame->param[i];
		for (const struct us_rdl_node *child = frame->node ? frame->node->child : NULL; child; child = child->next)
			if (child->name == name)
				return NULL;
		frame = us_rdl_frame_of(frame->up, frame->def->outer);
	}
	return NULL;
}

static struct us_rdl_value compute_path(struct eval *e, const struct us_rdl_expr *expr)
{
	const char *name = expr->path.step[0].name;
	const struct us_rdl_value *param = expr->property ? NULL : find_param(e->frame, name);

	if (!e->frame) {
		us_rdl_error(e->rdl, expr->pos, "'%s' means nothing here: only numbers, strings and enumerators do", name);
		return us_rdl_nothing();
	}
	return param ? select_value(e, &expr->path, *param) : make_reference(e, expr);
}

/* -- widths ----------------------------------------------------------------------------------------------------- */

static unsigned width_of(struct eval *e, const struct us_rdl_expr *expr);

static unsigned widest(struct eval *e, const struct us_rdl_expr *expr, size_t from)
{
	unsigned width = 1;

	for (size_t i = from; i < expr->count; i++) {
		unsigned one = width_of(e, expr->list[i]);

		width = one > width ? one : width;
	}
	return width;
}

static unsigned width_of_path(struct eval *e, const struct us_rdl_expr *expr)
{
	const struct us_rdl_value *param = find_param(e->frame, expr->path.step[0].name);

	return param && us_rdl_is_number(param) ? param->width : 64;
}

static bool is_comparison(uint32_t mark)
{
	return mark == M1('<') || mark == M1('>') || mark == M2('<', '=') || mark == M2('>', '=') ||
	       mark == M2('=', '=') || mark == M2('!', '=');
}

static bool is_logical(uint32_t mark)
{
	return mark == M2('&', '&') || mark == M2('|', '|');
}

static bool is_shift(uint32_t mark)
{
	return mark == M2('<', '<') || mark == M2('>', '>') || mark == M2('*', '*');
}

/* How wide an expression is by itself (table 13 of the specification). Concatenations tell only when computed. */
static unsigned width_of(struct eval *e, const struct us_rdl_expr *expr)
{
	switch (expr->kind) {
	case US_RDL_E_LITERAL:
		return expr->value.width ? expr->value.width : 64;
	case US_RDL_E_PATH:
		return width_of_path(e, expr);
	case US_RDL_E_UNARY:
		return expr->mark == M1('+') || expr->mark == M1('-') || expr->mark == M1('~') ? width_of(e, expr->list[0])
											       : 1;
	case US_RDL_E_BINARY:
		if (is_comparison(expr->mark) || is_logical(expr->mark))
			return 1;
		return is_shift(expr->mark) ? width_of(e, expr->list[0]) : widest(e, expr, 0);
	case US_RDL_E_TERNARY:
		return widest(e, expr, 1);
	case US_RDL_E_CAST_TYPE:
		return expr->mark == 'o' ? 1 : expr->mark == 'l' ? 64 : width_of(e, expr->list[0]);
	case US_RDL_E_CONCAT:
	case US_RDL_E_REPLICATE:
	case US_RDL_E_CAST_WIDTH:
	case US_RDL_E_ARRAY:
	case US_RDL_E_STRUCT:
		break;
	}
	return 1;
}

/* -- operators -------------------------------------------------------------------------------------------------- */

static struct us_rdl_value compute_unary(struct eval *e, const struct us_rdl_expr *expr, unsigned width)
{
	bool reduces = expr->mark != M1('+') && expr->mark != M1('-') && expr->mark != M1('~');
	struct us_rdl_value a =
		compute(e, expr->list[0], reduces ? width_of(e, expr->list[0]) : width);
	uint64_t ones;

	if (!want_number(e, expr->list[0], &a))
		return us_rdl_nothing();
	ones = a.width < 64 ? ((uint64_t)1 << a.width) - 1 : UINT64_MAX;
	switch (expr->mark) {
	case M1('+'):
		return us_rdl_number(a.num, a.width > width ? a.width : width);
	case M1('-'):
		return us_rdl_number(-a.num, a.width > width ? a.width : width);
	case M1('~'):
		return us_rdl_number(~a.num, a.width > width ? a.width : width);
	case M1('!'):
		return us_rdl_truth(!a.num);
	case M1('&'):
		return us_rdl_number(a.num == ones, 1);
	case M1('|'):
		return us_rdl_number(a.num != 0, 1);
	case M1('^'):
		return us_rdl_number((unsigned)__builtin_parityll(a.num), 1);
	case M2('~', '&'):
		return us_rdl_number(a.num != ones, 1);
	case M2('~', '|'):
		return us_rdl_number(!a.num, 1);
	default: /* ~^ and ^~ */
		return us_rdl_number(!__builtin_parityll(a.num), 1);
	}
}

static struct us_rdl_value too_large(struct eval *e, const struct us_rdl_expr *expr)
{
	us_rdl_error(e->rdl, expr->pos, "the result of this operator does not fit in 64 bits");
	return us_rdl_nothing();
}

static struct us_rdl_value compute_power(struct eval *e, const struct us_rdl_expr *expr, uint64_t base, uint64_t exponent,
					 unsigned width)
{
	uint64_t result = 1;

	if (base < 2)
		return us_rdl_number(exponent ? base : 1, width);
	while (exponent--)
		if (__builtin_mul_overflow(result, base, &result))
			return too_large(e, expr);
	return us_rdl_number(result, width);
}

static struct us_rdl_value compute_arithmetic(struct eval *e, const struct us_rdl_expr *expr, uint64_t a, uint64_t b,
					      unsigned width)
{
	uint64_t result;

	switch (expr->mark) {
	case M1('+'):
		return __builtin_add_overflow(a, b, &result) ? too_large(e, expr) : us_rdl_number(result, width);
	case M1('-'):
		return us_rdl_number(a - b, width);
	case M1('*'):
		return __builtin_mul_overflow(a, b, &result) ? too_large(e, expr) : us_rdl_number(result, width);
	case M1('/'):
	case M1('%'):
		if (!b) {
			us_rdl_error(e->rdl, expr->pos, "division by zero");
			return us_rdl_nothing();
		}
		return us_rdl_number(expr->mark == M1('/') ? a / b : a % b, width);
	case M2('<', '<'):
		return us_rdl_number(b < 64 ? a << b : 0, width);
	case M2('>', '>'):
		return us_rdl_number(b < 64 ? a >> b : 0, width);
	case M2('*', '*'):
		return compute_power(e, expr, a, b, width);
	case M1('&'):
		return us_rdl_number(a & b, width);
	case M1('|'):
		return us_rdl_number(a | b, width);
	case M1('^'):
		return us_rdl_number(a ^ b, width);
	default: /* ~^ and ^~ */
		return us_rdl_number(~(a ^ b), width);
	}
}

static bool is_same(const struct us_rdl_value *a, const struct us_rdl_value *b)
{
	if (us_rdl_is_number(a) && us_rdl_is_number(b))
		return a->num == b->num;
	if (a->type != b->type)
		return false;
	if (a->type == US_RDL_STRING)
		return !strcmp(a->text, b->text);
	if (a->type != US_RDL_ARRAY)
		return a->num == b->num;
	for (uint32_t i = 0; i < a->count && a->count == b->count; i++)
		if (!is_same(&a->element[i], &b->element[i]))
			return false;
	return a->count == b->count;
}

static bool has_only_scalars(const struct us_rdl_value *value)
{
	for (uint32_t i = 0; value->type == US_RDL_ARRAY && i < value->count; i++)
		if (!has_only_scalars(&value->element[i]))
			return false;
	return value->type == US_RDL_ARRAY || value->type == US_RDL_STRING || value->type == US_RDL_WORD ||
	       (us_rdl_is_number(value) && !(value->type == US_RDL_INT && value->wide));
}

static struct us_rdl_value compare_others(struct eval *e, const struct us_rdl_expr *expr, const struct us_rdl_value *a,
					 const struct us_rdl_value *b)
{
	if (a->type == US_RDL_NONE || b->type == US_RDL_NONE)
		return us_rdl_nothing();
	if (a->type != b->type || (expr->mark != M2('=', '=') && expr->mark != M2('!', '=')) || !has_only_scalars(a) ||
	    !has_only_scalars(b)) {
		us_rdl_error(e->rdl, expr->pos, "%s and %s can not be compared so", us_rdl_describe(a), us_rdl_describe(b));
		return us_rdl_nothing();
	}
	return us_rdl_truth(is_same(a, b) == (expr->mark == M2('=', '=')));
}

static struct us_rdl_value compute_comparison(struct eval *e, const struct us_rdl_expr *expr)
{
	unsigned width = widest(e, expr, 0);
	struct us_rdl_value a = compute(e, expr->list[0], width), b = compute(e, expr->list[1], width);

	if (!us_rdl_is_number(&a) || !us_rdl_is_number(&b))
		return compare_others(e, expr, &a, &b);
	if (!want_number(e, expr->list[0], &a) || !want_number(e, expr->list[1], &b))
		return us_rdl_nothing();
	switch (expr->mark) {
	case M1('<'):
		return us_rdl_truth(a.num < b.num);
	case M1('>'):
		return us_rdl_truth(a.num > b.num);
	case M2('<', '='):
		return us_rdl_truth(a.num <= b.num);
	case M2('>', '='):
		return us_rdl_truth(a.num >= b.num);
	case M2('=', '='):
		return us_rdl_truth(a.num == b.num);
	default:
		return us_rdl_truth(a.num != b.num);
	}
}

static struct us_rdl_value compute_binary(struct eval *e, const struct us_rdl_expr *expr, unsigned width)
{
	struct us_rdl_value a, b;
	bool logical = is_logical(expr->mark);

	if (is_comparison(expr->mark))
		return compute_comparison(e, expr);
	a = compute(e, expr->list[0], logical ? width_of(e, expr->list[0]) : width);
	b = compute(e, expr->list[1], logical || is_shift(expr->mark) ? width_of(e, expr->list[1]) : width);
	if (!want_number(e, expr->list[0], &a) || !want_number(e, expr->list[1], &b))
		return us_rdl_nothing();
	if (expr->mark == M2('&', '&'))
		return us_rdl_truth(a.num && b.num);
	if (expr->mark == M2('|', '|'))
		return us_rdl_truth(a.num || b.num);
	if (a.width > width)
		width = a.width;
	if (b.width > width && !is_shift(expr->mark))
		width = b.width;
	return compute_arithmetic(e, expr, a.num, b.num, width);
}

static struct us_rdl_value compute_ternary(struct eval *e, const struct us_rdl_expr *expr, unsigned width)
{
	struct us_rdl_value condition = compute(e, expr->list[0], width_of(e, expr->list[0]));

	if (!want_number(e, expr->list[0], &condition))
		return us_rdl_nothing();
	return compute(e, expr->list[condition.num ? 1 : 2], width);
}

/* -- concatenations (7.6): of strings, or of numbers bit by bit ------------------------------------------------- */

static struct us_rdl_value compute_replicate(struct eval *e, const struct us_rdl_expr *expr);

static struct us_rdl_value compute_concat(struct eval *e, const struct us_rdl_expr *expr)
{
	struct us_rdl_value *parts = us_arena_alloc(&e->rdl->arena, (expr->count + 1) * sizeof *parts);

	for (size_t i = 0; i < expr->count; i++) {
		bool good;

		parts[i] = expr->list[i]->kind == US_RDL_E_REPLICATE ? compute_replicate(e, expr->list[i])
								     : compute(e, expr->list[i], width_of(e, expr->list[i]));
		if (parts[i].type == US_RDL_NONE)
			return us_rdl_nothing();
		good = i ? (parts[i].type == US_RDL_STRING) == (parts[0].type == US_RDL_STRING) : true;
		if (!good || (parts[i].type != US_RDL_STRING && !us_rdl_is_number(&parts[i]))) {
			us_rdl_error(e->rdl, expr->list[i]->pos, "%s can not be part of this concatenation",
				     us_rdl_describe(&parts[i]));
			return us_rdl_nothing();
		}
	}
	return us_rdl_join(e->rdl, expr->pos, parts, expr->count);
}

/* Of numbers no times: no bits, which a concatenation can have among its parts. */
static struct us_rdl_value compute_replicate(struct eval *e, const struct us_rdl_expr *expr)
{
	struct us_rdl_value part = compute(e, expr->list[1], 1), *parts;
	uint64_t count;

	if (part.type == US_RDL_NONE || !compute_index(e, expr->list[0], &count))
		return us_rdl_nothing();
	if (count > US_RDL_MAX_WIDTH || (part.type == US_RDL_STRING && count * strlen(part.text) > US_RDL_MAX_EXPANSION)) {
		us_rdl_error(e->rdl, expr->pos, "%llu repetitions are too many", (unsigned long long)count);
		return us_rdl_nothing();
	}
	if (!count)
		return us_rdl_is_number(&part) ? us_rdl_number(0, 0) : (struct us_rdl_value){.type = US_RDL_STRING, .text = ""};
	parts = us_arena_alloc(&e->rdl->arena, ((size_t)count + 1) * sizeof *parts);
	for (uint64_t i = 0; i < count; i++)
		parts[i] = part;
	return us_rdl_join(e->rdl, expr->pos, parts, (size_t)count);
}

/* -- casts, arrays, structs ------------------------------------------------------------------------------------- */

static struct us_rdl_value compute_cast(struct eval *e, const struct us_rdl_expr *expr)
{
	const struct us_rdl_expr *operand = expr->list[expr->kind == US_RDL_E_CAST_WIDTH];
	struct us_rdl_value value;
	uint64_t width = 64;
	unsigned own;

	if (expr->kind == US_RDL_E_CAST_WIDTH) {
		if (!compute_index(e, expr->list[0], &width))
			return us_rdl_nothing();
		if (!width || width > 64) {
			us_rdl_error(e->rdl, expr->pos, "a cast to %llu bits is not supported: 1 to 64 are",
				     (unsigned long long)width);
			return us_rdl_nothing();
		}
	}
	own = width_of(e, operand);
	value = compute(e, operand, expr->kind == US_RDL_E_CAST_WIDTH && width > own ? (unsigned)width : own);
	if (!want_number(e, operand, &value))
		return us_rdl_nothing();
	if (expr->kind == US_RDL_E_CAST_TYPE && expr->mark == 'o')
		return us_rdl_truth(value.num);
	if (expr->kind == US_RDL_E_CAST_TYPE && expr->mark == 'b')
		return us_rdl_number(value.num, value.width);
	return us_rdl_number(value.num, (unsigned)width);
}

static struct us_rdl_value compute_array(struct eval *e, const struct us_rdl_expr *expr)
{
	struct us_rdl_value *element = us_arena_alloc(&e->rdl->arena, (expr->count + 1) * sizeof *element);

	for (size_t i = 0; i < expr->count; i++) {
		element[i] = compute(e, expr->list[i], width_of(e, expr->list[i]));
		if (element[i].type == US_RDL_NONE)
			return us_rdl_nothing();
		if (element[i].type != element[0].type) {
			us_rdl_error(e->rdl, expr->list[i]->pos, "the elements of an array have one type: this is %s, the first %s",
				     us_rdl_describe(&element[i]), us_rdl_describe(&element[0]));
			return us_rdl_nothing();
		}
	}
	return (struct us_rdl_value){.type = US_RDL_ARRAY, .count = (uint32_t)expr->count, .element = element};
}

static struct us_rdl_value compute_struct(struct eval *e, const struct us_rdl_expr *expr)
{
	const struct us_rdl_struct *structure = expr->structure;
	struct us_rdl_member *member;

	if (!structure)
		return us_rdl_nothing();
	member = us_arena_alloc(&e->rdl->arena, (structure->count + 1) * sizeof *member);
	for (size_t i = 0; i < structure->count; i++) {
		size_t at = 0;

		while (at < expr->count && expr->name[at] != structure->member[i].name)
			at++;
		if (at == expr->count) {
			us_rdl_error(e->rdl, expr->pos, "member '%s' of struct '%s' is missing", structure->member[i].name,
				     structure->name);
			return us_rdl_nothing();
		}
		member[i].name = structure->member[i].name;
		member[i].value = compute(e, expr->list[at], 64);
		if (!us_rdl_convert(e->rdl, &structure->member[i].type, &member[i].value, expr->list[at]->pos,
				    structure->member[i].name))
			return us_rdl_nothing();
	}
	if (expr->count != structure->count) {
		us_rdl_error(e->rdl, expr->pos, "struct '%s' has %zu members, not %zu", structure->name, structure->count,
			     expr->count);
		return us_rdl_nothing();
	}
	return (struct us_rdl_value){.type = US_RDL_STRUCT, .count = (uint32_t)structure->count, .member = member};
}

static struct us_rdl_value compute(struct eval *e, const struct us_rdl_expr *expr, unsigned width)
{
	switch (expr->kind) {
	case US_RDL_E_LITERAL:
		return expr->value;
	case US_RDL_E_PATH:
		return compute_path(e, expr);
	case US_RDL_E_UNARY:
		return compute_unary(e, expr, width);
	case US_RDL_E_BINARY:
		return compute_binary(e, expr, width);
	case US_RDL_E_TERNARY:
		return compute_ternary(e, expr, width);
	case US_RDL_E_CONCAT:
		return compute_concat(e, expr);
	case US_RDL_E_REPLICATE: {
		struct us_rdl_value value = compute_replicate(e, expr);

		return value.type == US_RDL_INT && !value.width ? us_rdl_number(0, 1) : value;
	}
	case US_RDL_E_CAST_TYPE:
	case US_RDL_E_CAST_WIDTH:
		return compute_cast(e, expr);
	case US_RDL_E_ARRAY:
		return compute_array(e, expr);
	case US_RDL_E_STRUCT:
		return compute_struct(e, expr);
	}
	return us_rdl_nothing();
}

struct us_rdl_value us_rdl_eval_in(struct us_rdl *rdl, const struct us_rdl_frame *frame, const struct us_rdl_expr *expr,
				   unsigned width)
{
	struct eval e = {rdl, frame};
	unsigned own = width_of(&e, expr);

	return compute(&e, expr, own > width ? own : width);
}

struct us_rdl_value us_rdl_eval(struct us_rdl *rdl, const struct us_rdl_frame *frame, const struct us_rdl_expr *expr)
{
	return us_rdl_eval_in(rdl, frame, expr, 0);
}

bool us_rdl_eval_number(struct us_rdl *rdl, const struct us_rdl_frame *frame, const struct us_rdl_expr *expr,
			const char *what, uint64_t *result)
{
	struct us_rdl_value value = us_rdl_eval_in(rdl, frame, expr, 64);

	if (value.type == US_RDL_NONE)
		return false;
	if (!us_rdl_is_number(&value)) {
		us_rdl_error(rdl, expr->pos, "%s must be a number, not %s", what, us_rdl_describe(&value));
		return false;
	}
	for (size_t i = 1; value.type == US_RDL_INT && value.wide && i < (value.width + 63) / 64; i++)
		if (value.wide[i]) {
			us_rdl_error(rdl, expr->pos, "%s does not fit in 64 bits", what);
			return false;
		}
	*result = value.num;
	return true;
}
