/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evaluation (SystemRDL 2.0, clause 7): widths follow SystemVerilog, so that operands are extended to the widest of
 * them and of what the result is for, and self-determined operands (of concatenations, comparisons, casts) are not.
 */
#include "rdl/eval.h"

#include <string.h>

struct eval {
	struct us_rdl *rdl;
	const struct us_rdl_frame *frame;
};

static struct us_rdl_value compute(struct eval *e, const struct us_rdl_expr *expr, unsigned width);

static struct us_rdl_value nothing(void)
{
	return (struct us_rdl_value){.type = US_RDL_NONE};
}

static struct us_rdl_value number(uint64_t num, unsigned width)
{
	if (width < 64)
		num &= ((uint64_t)1 << width) - 1;
	return (struct us_rdl_value){.type = US_RDL_INT, .width = width, .num = num};
}

static struct us_rdl_value truth(bool is)
{
	return (struct us_rdl_value){.type = US_RDL_BOOL, .width = 1, .num = is};
}

const char *us_rdl_describe(const struct us_rdl_value *value)
{
	switch (value->type) {
	case US_RDL_INT:
		return "a number";
	case US_RDL_BOOL:
		return "true or false";
	case US_RDL_STRING:
		return "a string";
	case US_RDL_WORD:
		return us_rdl_word_name(value->num);
	case US_RDL_ENUM:
		return "an enumerator";
	case US_RDL_ENUM_TYPE:
		return "an enum";
	case US_RDL_REF:
		return "a reference";
	case US_RDL_ARRAY:
		return "an array";
	case US_RDL_STRUCT:
		return "a struct";
	case US_RDL_NONE:
		break;
	}
	return "nothing";
}

/* Numbers, booleans and enumerators count as numbers in expressions. */
static bool is_number(const struct us_rdl_value *value)
{
	return value->type == US_RDL_INT || value->type == US_RDL_BOOL || value->type == US_RDL_ENUM;
}

static bool want_number(struct eval *e, const struct us_rdl_expr *expr, const struct us_rdl_value *value)
{
	if (value->type == US_RDL_NONE)
		return false;
	if (!is_number(value)) {
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
				return nothing();
			}
			value = value.member[at].value;
		}
		for (size_t j = 0; j < step->count; j++) {
			uint64_t index;

			if (!compute_index(e, step->index[j], &index))
				return nothing();
			if (value.type != US_RDL_ARRAY || index >= value.count) {
				us_rdl_error(e->rdl, step->index[j]->pos, "there is no element %llu in '%s'",
					     (unsigned long long)index, step->name);
				return nothing();
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
				return nothing();
		steps[i] = (struct us_rdl_step){from->name, index, (unsigned)from->count, from->pos};
	}
	ref->step = steps;
	ref->count = (unsigned)expr->path.count;
	ref->property = expr->property;
	ref->pos = expr->pos;
	return (struct us_rdl_value){.type = US_RDL_REF, .ref = ref};
}

static struct us_rdl_value compute_path(struct eval *e, const struct us_rdl_expr *expr)
{
	const char *name = expr->path.step[0].name;

	if (!e->frame) {
		us_rdl_error(e->rdl, expr->pos, "'%s' means nothing here: only numbers, strings and enumerators do", name);
		return nothing();
	}
	for (size_t i = 0; e->frame->def && i < e->frame->def->nparams && !expr->property; i++)
		if (e->frame->def->param[i].name == name)
			return select_value(e, &expr->path, e->frame->param[i]);
	return make_reference(e, expr);
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
	const struct us_rdl_path_step *step = &expr->path.step[0];

	for (size_t i = 0; e->frame && e->frame->def && i < e->frame->def->nparams; i++)
		if (e->frame->def->param[i].name == step->name && is_number(&e->frame->param[i]))
			return e->frame->param[i].width;
	return 64;
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
		return nothing();
	ones = a.width < 64 ? ((uint64_t)1 << a.width) - 1 : UINT64_MAX;
	switch (expr->mark) {
	case M1('+'):
		return number(a.num, a.width > width ? a.width : width);
	case M1('-'):
		return number(-a.num, a.width > width ? a.width : width);
	case M1('~'):
		return number(~a.num, a.width > width ? a.width : width);
	case M1('!'):
		return truth(!a.num);
	case M1('&'):
		return number(a.num == ones, 1);
	case M1('|'):
		return number(a.num != 0, 1);
	case M1('^'):
		return number((unsigned)__builtin_parityll(a.num), 1);
	case M2('~', '&'):
		return number(a.num != ones, 1);
	case M2('~', '|'):
		return number(!a.num, 1);
	default: /* ~^ and ^~ */
		return number(!__builtin_parityll(a.num), 1);
	}
}

static struct us_rdl_value too_large(struct eval *e, const struct us_rdl_expr *expr)
{
	us_rdl_error(e->rdl, expr->pos, "the result of this operator does not fit in 64 bits");
	return nothing();
}

static struct us_rdl_value compute_power(struct eval *e, const struct us_rdl_expr *expr, uint64_t base, uint64_t exponent,
					 unsigned width)
{
	uint64_t result = 1;

	if (base < 2)
		return number(exponent ? base : 1, width);
	while (exponent--)
		if (__builtin_mul_overflow(result, base, &result))
			return too_large(e, expr);
	return number(result, width);
}

static struct us_rdl_value compute_arithmetic(struct eval *e, const struct us_rdl_expr *expr, uint64_t a, uint64_t b,
					      unsigned width)
{
	uint64_t result;

	switch (expr->mark) {
	case M1('+'):
		return __builtin_add_overflow(a, b, &result) ? too_large(e, expr) : number(result, width);
	case M1('-'):
		return number(a - b, width);
	case M1('*'):
		return __builtin_mul_overflow(a, b, &result) ? too_large(e, expr) : number(result, width);
	case M1('/'):
	case M1('%'):
		if (!b) {
			us_rdl_error(e->rdl, expr->pos, "division by zero");
			return nothing();
		}
		return number(expr->mark == M1('/') ? a / b : a % b, width);
	case M2('<', '<'):
		return number(b < 64 ? a << b : 0, width);
	case M2('>', '>'):
		return number(b < 64 ? a >> b : 0, width);
	case M2('*', '*'):
		return compute_power(e, expr, a, b, width);
	case M1('&'):
		return number(a & b, width);
	case M1('|'):
		return number(a | b, width);
	case M1('^'):
		return number(a ^ b, width);
	default: /* ~^ and ^~ */
		return number(~(a ^ b), width);
	}
}

static struct us_rdl_value compare_texts(struct eval *e, const struct us_rdl_expr *expr, const struct us_rdl_value *a,
					 const struct us_rdl_value *b)
{
	bool equal;

	if (a->type == US_RDL_NONE || b->type == US_RDL_NONE)
		return nothing();
	if (a->type != b->type || (expr->mark != M2('=', '=') && expr->mark != M2('!', '=')) ||
	    (a->type != US_RDL_STRING && a->type != US_RDL_WORD)) {
		us_rdl_error(e->rdl, expr->pos, "%s and %s can not be compared so", us_rdl_describe(a), us_rdl_describe(b));
		return nothing();
	}
	equal = a->type == US_RDL_STRING ? !strcmp(a->text, b->text) : a->num == b->num;
	return truth(equal == (expr->mark == M2('=', '=')));
}

static struct us_rdl_value compute_comparison(struct eval *e, const struct us_rdl_expr *expr)
{
	unsigned width = widest(e, expr, 0);
	struct us_rdl_value a = compute(e, expr->list[0], width), b = compute(e, expr->list[1], width);

	if (!is_number(&a) || !is_number(&b))
		return compare_texts(e, expr, &a, &b);
	if (!want_number(e, expr->list[0], &a) || !want_number(e, expr->list[1], &b))
		return nothing();
	switch (expr->mark) {
	case M1('<'):
		return truth(a.num < b.num);
	case M1('>'):
		return truth(a.num > b.num);
	case M2('<', '='):
		return truth(a.num <= b.num);
	case M2('>', '='):
		return truth(a.num >= b.num);
	case M2('=', '='):
		return truth(a.num == b.num);
	default:
		return truth(a.num != b.num);
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
		return nothing();
	if (expr->mark == M2('&', '&'))
		return truth(a.num && b.num);
	if (expr->mark == M2('|', '|'))
		return truth(a.num || b.num);
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
		return nothing();
	return compute(e, expr->list[condition.num ? 1 : 2], width);
}

/* -- concatenations (7.6): of strings, or of numbers bit by bit ------------------------------------------------- */

static uint64_t word_of(const struct us_rdl_value *value, size_t at)
{
	if (value->type == US_RDL_INT && value->wide)
		return at < (value->width + 63) / 64 ? value->wide[at] : 0;
	return at ? 0 : value->num;
}

/* The bits of `parts`, the first uppermost. */
static struct us_rdl_value join_bits(struct eval *e, const struct us_rdl_expr *expr, const struct us_rdl_value *parts,
				     size_t count)
{
	uint64_t width = 0, at = 0, *words;

	for (size_t i = 0; i < count; i++)
		width += parts[i].width;
	if (!width || width > US_RDL_MAX_WIDTH) {
		us_rdl_error(e->rdl, expr->pos, "the result is %llu bits wide: it must be 1 to %d",
			     (unsigned long long)width, US_RDL_MAX_WIDTH);
		return nothing();
	}
	words = us_arena_alloc(&e->rdl->arena, (size_t)(width + 63) / 64 * 8);
	for (size_t i = count; i--; at += parts[i].width)
		for (uint32_t bit = 0; bit < parts[i].width; bit++)
			if (word_of(&parts[i], bit / 64) >> bit % 64 & 1)
				words[(at + bit) / 64] |= (uint64_t)1 << (at + bit) % 64;
	return (struct us_rdl_value){
		.type = US_RDL_INT, .width = (uint32_t)width, .num = words[0], .wide = width > 64 ? words : NULL};
}

static struct us_rdl_value join_texts(struct eval *e, const struct us_rdl_value *parts, size_t count)
{
	size_t length = 0;
	char *text, *at;

	for (size_t i = 0; i < count; i++)
		length += strlen(parts[i].text);
	at = text = us_arena_alloc(&e->rdl->arena, length + 1);
	for (size_t i = 0; i < count; i++)
		at = stpcpy(at, parts[i].text);
	return (struct us_rdl_value){.type = US_RDL_STRING, .text = text};
}

static struct us_rdl_value compute_concat(struct eval *e, const struct us_rdl_expr *expr)
{
	struct us_rdl_value *parts = us_arena_alloc(&e->rdl->arena, (expr->count + 1) * sizeof *parts);

	for (size_t i = 0; i < expr->count; i++) {
		bool good;

		parts[i] = compute(e, expr->list[i], width_of(e, expr->list[i]));
		if (parts[i].type == US_RDL_NONE)
			return nothing();
		good = i ? (parts[i].type == US_RDL_STRING) == (parts[0].type == US_RDL_STRING) : true;
		if (!good || (parts[i].type != US_RDL_STRING && !is_number(&parts[i]))) {
			us_rdl_error(e->rdl, expr->list[i]->pos, "%s can not be part of this concatenation",
				     us_rdl_describe(&parts[i]));
			return nothing();
		}
	}
	if (expr->count && parts[0].type == US_RDL_STRING)
		return join_texts(e, parts, expr->count);
	return join_bits(e, expr, parts, expr->count);
}

static struct us_rdl_value compute_replicate(struct eval *e, const struct us_rdl_expr *expr)
{
	struct us_rdl_value part = compute(e, expr->list[1], 1), *parts;
	uint64_t count;

	if (part.type == US_RDL_NONE || !compute_index(e, expr->list[0], &count))
		return nothing();
	if (count > US_RDL_MAX_WIDTH || (part.type == US_RDL_STRING && count * strlen(part.text) > US_RDL_MAX_EXPANSION)) {
		us_rdl_error(e->rdl, expr->pos, "%llu repetitions are too many", (unsigned long long)count);
		return nothing();
	}
	parts = us_arena_alloc(&e->rdl->arena, ((size_t)count + 1) * sizeof *parts);
	for (uint64_t i = 0; i < count; i++)
		parts[i] = part;
	return part.type == US_RDL_STRING ? join_texts(e, parts, (size_t)count) : join_bits(e, expr, parts, (size_t)count);
}

/* -- casts, arrays, structs ------------------------------------------------------------------------------------- */

static struct us_rdl_value compute_cast(struct eval *e, const struct us_rdl_expr *expr)
{
	const struct us_rdl_expr *operand = expr->list[expr->kind == US_RDL_E_CAST_WIDTH];
	struct us_rdl_value value;
	uint64_t width = 64;

	if (expr->kind == US_RDL_E_CAST_WIDTH) {
		if (!compute_index(e, expr->list[0], &width))
			return nothing();
		if (!width || width > 64) {
			us_rdl_error(e->rdl, expr->pos, "a cast to %llu bits is not supported: 1 to 64 are",
				     (unsigned long long)width);
			return nothing();
		}
	}
	value = compute(e, operand, width_of(e, operand));
	if (!want_number(e, operand, &value))
		return nothing();
	if (expr->kind == US_RDL_E_CAST_TYPE && expr->mark == 'o')
		return truth(value.num);
	if (expr->kind == US_RDL_E_CAST_TYPE && expr->mark == 'b')
		return number(value.num, value.width);
	return number(value.num, (unsigned)width);
}

static struct us_rdl_value compute_array(struct eval *e, const struct us_rdl_expr *expr)
{
	struct us_rdl_value *element = us_arena_alloc(&e->rdl->arena, (expr->count + 1) * sizeof *element);

	for (size_t i = 0; i < expr->count; i++) {
		element[i] = compute(e, expr->list[i], width_of(e, expr->list[i]));
		if (element[i].type == US_RDL_NONE)
			return nothing();
		if (element[i].type != element[0].type) {
			us_rdl_error(e->rdl, expr->list[i]->pos, "the elements of an array have one type: this is %s, the first %s",
				     us_rdl_describe(&element[i]), us_rdl_describe(&element[0]));
			return nothing();
		}
	}
	return (struct us_rdl_value){.type = US_RDL_ARRAY, .count = (uint32_t)expr->count, .element = element};
}

static struct us_rdl_value compute_struct(struct eval *e, const struct us_rdl_expr *expr)
{
	const struct us_rdl_struct *structure = expr->structure;
	struct us_rdl_member *member;

	if (!structure)
		return nothing();
	member = us_arena_alloc(&e->rdl->arena, (structure->count + 1) * sizeof *member);
	for (size_t i = 0; i < structure->count; i++) {
		size_t at = 0;

		while (at < expr->count && expr->name[at] != structure->member[i].name)
			at++;
		if (at == expr->count) {
			us_rdl_error(e->rdl, expr->pos, "member '%s' of struct '%s' is missing", structure->member[i].name,
				     structure->name);
			return nothing();
		}
		member[i].name = structure->member[i].name;
		member[i].value = compute(e, expr->list[at], 64);
		if (!us_rdl_convert(e->rdl, &structure->member[i].type, &member[i].value, expr->list[at]->pos,
				    structure->member[i].name))
			return nothing();
	}
	if (expr->count != structure->count) {
		us_rdl_error(e->rdl, expr->pos, "struct '%s' has %zu members, not %zu", structure->name, structure->count,
			     expr->count);
		return nothing();
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
	case US_RDL_E_REPLICATE:
		return compute_replicate(e, expr);
	case US_RDL_E_CAST_TYPE:
	case US_RDL_E_CAST_WIDTH:
		return compute_cast(e, expr);
	case US_RDL_E_ARRAY:
		return compute_array(e, expr);
	case US_RDL_E_STRUCT:
		return compute_struct(e, expr);
	}
	return nothing();
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
	if (!is_number(&value)) {
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

/* -- types ------------------------------------------------------------------------------------------------------ */

static bool is_word_between(const struct us_rdl_value *value, enum us_rdl_word first, enum us_rdl_word last)
{
	return value->type == US_RDL_WORD && value->num >= first && value->num <= last;
}

static bool has_type(const struct us_rdl_datatype *type, const struct us_rdl_value *value)
{
	switch (type->base) {
	case US_RDL_BIT:
	case US_RDL_LONGINT:
	case US_RDL_BOOLEAN:
		return is_number(value);
	case US_RDL_TEXT:
		return value->type == US_RDL_STRING;
	case US_RDL_ACCESSTYPE:
		return is_word_between(value, US_RDL_NA, US_RDL_W1);
	case US_RDL_ONREADTYPE:
		return is_word_between(value, US_RDL_RCLR, US_RDL_RUSER);
	case US_RDL_ONWRITETYPE:
		return is_word_between(value, US_RDL_WOSET, US_RDL_WUSER);
	case US_RDL_ADDRESSINGTYPE:
		return is_word_between(value, US_RDL_COMPACT, US_RDL_FULLALIGN);
	case US_RDL_PRECEDENCETYPE:
		return is_word_between(value, US_RDL_HW, US_RDL_SW);
	case US_RDL_USER_ENUM:
		return value->type == US_RDL_ENUM && value->enumeration == type->enumeration;
	case US_RDL_USER_STRUCT:
		return value->type == US_RDL_STRUCT;
	case US_RDL_REFERENCE:
		return value->type == US_RDL_REF;
	}
	return false;
}

static const char *type_name(const struct us_rdl_datatype *type)
{
	static const char *const name[] = {
		[US_RDL_BIT] = "a number",	     [US_RDL_LONGINT] = "a number",
		[US_RDL_BOOLEAN] = "true or false",  [US_RDL_TEXT] = "a string",
		[US_RDL_ACCESSTYPE] = "rw, r, w, rw1, w1 or na",
		[US_RDL_ADDRESSINGTYPE] = "compact, regalign or fullalign",
		[US_RDL_ONREADTYPE] = "rclr, rset or ruser",
		[US_RDL_ONWRITETYPE] = "woset, woclr, wot, wzs, wzc, wzt, wclr, wset or wuser",
		[US_RDL_PRECEDENCETYPE] = "hw or sw", [US_RDL_USER_ENUM] = "an enumerator of its enum",
		[US_RDL_USER_STRUCT] = "a struct",   [US_RDL_REFERENCE] = "a reference",
	};

	return name[type->base];
}

bool us_rdl_convert(struct us_rdl *rdl, const struct us_rdl_datatype *type, struct us_rdl_value *value,
		    struct us_rdl_pos pos, const char *what)
{
	if (value->type == US_RDL_NONE)
		return false;
	if (type->array) {
		struct us_rdl_datatype one = *type;
		struct us_rdl_value *element;

		one.array = false;
		if (value->type != US_RDL_ARRAY) {
			us_rdl_error(rdl, pos, "%s must be an array, not %s", what, us_rdl_describe(value));
			return false;
		}
		element = us_arena_alloc(&rdl->arena, (value->count + 1) * sizeof *element);
		for (uint32_t i = 0; i < value->count; i++) {
			element[i] = value->element[i];
			if (!us_rdl_convert(rdl, &one, &element[i], pos, what))
				return false;
		}
		value->element = element;
		return true;
	}
	if (!has_type(type, value)) {
		us_rdl_error(rdl, pos, "%s must be %s, not %s", what, type_name(type), us_rdl_describe(value));
		return false;
	}
	if (type->base == US_RDL_BOOLEAN)
		*value = truth(value->num);
	else if (type->base == US_RDL_LONGINT && !(value->type == US_RDL_INT && value->wide))
		*value = number(value->num, 64);
	else if (type->base == US_RDL_BIT && value->type != US_RDL_INT)
		*value = number(value->num, value->width);
	return true;
}
