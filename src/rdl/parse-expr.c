/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions (SystemRDL 2.0, clause 7 and B.13), by precedence climbing. */
#include "rdl/ast.h"

#include <string.h>

static struct us_rdl_expr *new_expr(struct us_rdl_parser *p, enum us_rdl_expr_kind kind, struct us_rdl_pos pos)
{
	struct us_rdl_expr *expr = US_ARENA_NEW(&p->rdl->arena, struct us_rdl_expr);

	expr->kind = kind;
	expr->pos = pos;
	return expr;
}

static bool add_operand(struct us_rdl_parser *p, struct us_rdl_expr *expr, struct us_rdl_expr *operand)
{
	if (!operand)
		return false;
	if (expr->depth <= operand->depth)
		expr->depth = operand->depth + 1;
	if (expr->depth > US_RDL_MAX_DEPTH) {
		if (!p->failed)
			us_rdl_error(p->rdl, expr->pos, "this expression has more than %d operators in a row", US_RDL_MAX_DEPTH);
		p->failed = true;
		return false;
	}
	expr->list = us_arena_grow(&p->rdl->arena, expr->list, expr->count, &expr->room, sizeof *expr->list);
	expr->list[expr->count++] = operand;
	return true;
}

bool us_rdl_parse_path(struct us_rdl_parser *p, struct us_rdl_path *path)
{
	do {
		struct us_rdl_path_step step = {0};

		step.name = us_rdl_expect_name(p, "the name of an instance", &step.pos);
		if (!step.name)
			return false;
		while (us_rdl_take(p, M1('['))) {
			struct us_rdl_expr *index = us_rdl_parse_expr(p);

			if (!index || !us_rdl_expect(p, M1(']'), "after an index"))
				return false;
			step.index = us_arena_grow(&p->rdl->arena, step.index, step.count, &step.room, sizeof *step.index);
			step.index[step.count++] = index;
		}
		path->step = us_arena_grow(&p->rdl->arena, path->step, path->count, &path->room, sizeof step);
		path->step[path->count++] = step;
	} while (us_rdl_take(p, M1('.')));
	return true;
}

static struct us_rdl_expr *parse_enum_value(struct us_rdl_parser *p)
{
	struct us_rdl_expr *expr = new_expr(p, US_RDL_E_LITERAL, p->token->pos);
	struct us_rdl_symbol *symbol = us_rdl_find_symbol(p, p->token->text);
	const char *type = p->token->text, *name;
	struct us_rdl_pos pos;

	p->token += 2;
	name = us_rdl_expect_name(p, "the name of an enumerator", &pos);
	if (!name)
		return NULL;
	if (!symbol || !symbol->enumeration) {
		us_rdl_error(p->rdl, expr->pos, "there is no enum '%s' here", type);
		return expr;
	}
	for (size_t i = 0; i < symbol->enumeration->count; i++)
		if (symbol->enumeration->item[i].name == name) {
			expr->value = (struct us_rdl_value){.type = US_RDL_ENUM, .width = 64};
			expr->value.num = symbol->enumeration->item[i].value;
			expr->value.enumeration = symbol->enumeration;
			return expr;
		}
	us_rdl_error(p->rdl, pos, "enum '%s' has no '%s'", type, name);
	us_rdl_note(p->rdl, symbol->pos, "it is defined here");
	return expr;
}

static struct us_rdl_expr *parse_struct_value(struct us_rdl_parser *p)
{
	struct us_rdl_expr *expr = new_expr(p, US_RDL_E_STRUCT, p->token->pos);
	struct us_rdl_symbol *symbol = us_rdl_find_symbol(p, p->token->text);

	if (!symbol || !symbol->structure)
		us_rdl_error(p->rdl, expr->pos, "there is no struct '%s' here", p->token->text);
	else if (symbol->structure->abstract)
		us_rdl_error(p->rdl, expr->pos, "struct '%s' is abstract, so it has no values", p->token->text);
	else
		expr->structure = symbol->structure;
	p->token += 2;
	while (!us_rdl_at(p, M1('}'))) {
		struct us_rdl_pos pos;
		const char *name = us_rdl_expect_name(p, "the name of a struct's member", &pos);

		if (!name || !us_rdl_expect(p, M1(':'), "after the name of a struct's member"))
			return NULL;
		expr->name = us_arena_grow(&p->rdl->arena, expr->name, expr->count, &expr->name_room, sizeof *expr->name);
		expr->name[expr->count] = name;
		if (!add_operand(p, expr, us_rdl_parse_expr(p)))
			return NULL;
		if (!us_rdl_take(p, M1(',')))
			break;
	}
	return us_rdl_expect(p, M1('}'), "at the end of a struct's value") ? expr : NULL;
}

static struct us_rdl_expr *parse_list(struct us_rdl_parser *p, enum us_rdl_expr_kind kind, struct us_rdl_expr *first,
				      struct us_rdl_pos pos)
{
	struct us_rdl_expr *expr = new_expr(p, kind, pos);

	if (!first && us_rdl_take(p, M1('}')))
		return expr;
	if (!add_operand(p, expr, first ? first : us_rdl_parse_expr(p)))
		return NULL;
	while (us_rdl_take(p, M1(',')))
		if (!add_operand(p, expr, us_rdl_parse_expr(p)))
			return NULL;
	return us_rdl_expect(p, M1('}'), "at the end of this list") ? expr : NULL;
}

/* { a, b } or { n { a, b } }; the brace is taken. */
static struct us_rdl_expr *parse_braces(struct us_rdl_parser *p, struct us_rdl_pos pos)
{
	struct us_rdl_expr *first = us_rdl_parse_expr(p), *expr;

	if (!first)
		return NULL;
	if (!us_rdl_at(p, M1('{')))
		return parse_list(p, US_RDL_E_CONCAT, first, pos);
	expr = new_expr(p, US_RDL_E_REPLICATE, pos);
	p->token++;
	if (!add_operand(p, expr, first) || !add_operand(p, expr, parse_list(p, US_RDL_E_CONCAT, NULL, pos)))
		return NULL;
	return us_rdl_expect(p, M1('}'), "at the end of a replication") ? expr : NULL;
}

static struct us_rdl_expr *parse_cast(struct us_rdl_parser *p, struct us_rdl_expr *cast)
{
	if (!us_rdl_expect(p, M1('('), "in a cast") || !add_operand(p, cast, us_rdl_parse_expr(p)))
		return NULL;
	return us_rdl_expect(p, M1(')'), "at the end of a cast") ? cast : NULL;
}

static const char *const words[] = {
	[US_RDL_NA] = "na",	  [US_RDL_RW] = "rw",	    [US_RDL_R] = "r",	      [US_RDL_W] = "w",
	[US_RDL_RW1] = "rw1",	  [US_RDL_W1] = "w1",	    [US_RDL_RCLR] = "rclr",   [US_RDL_RSET] = "rset",
	[US_RDL_RUSER] = "ruser", [US_RDL_WOSET] = "woset", [US_RDL_WOCLR] = "woclr", [US_RDL_WOT] = "wot",
	[US_RDL_WZS] = "wzs",	  [US_RDL_WZC] = "wzc",	    [US_RDL_WZT] = "wzt",     [US_RDL_WCLR] = "wclr",
	[US_RDL_WSET] = "wset",	  [US_RDL_WUSER] = "wuser", [US_RDL_COMPACT] = "compact",
	[US_RDL_REGALIGN] = "regalign", [US_RDL_FULLALIGN] = "fullalign", [US_RDL_HW] = "hw", [US_RDL_SW] = "sw",
};

const char *us_rdl_word_name(enum us_rdl_word word)
{
	return word && word < sizeof words / sizeof words[0] ? words[word] : "none";
}

static struct us_rdl_expr *parse_reserved(struct us_rdl_parser *p)
{
	struct us_rdl_expr *expr = new_expr(p, US_RDL_E_LITERAL, p->token->pos);
	const char *text = p->token->text;

	if (!strcmp(text, "true") || !strcmp(text, "false")) {
		expr->value = (struct us_rdl_value){.type = US_RDL_BOOL, .width = 1, .num = text[0] == 't'};
		p->token++;
		return expr;
	}
	for (size_t i = 1; i < sizeof words / sizeof words[0]; i++)
		if (!strcmp(words[i], text) || (i == US_RDL_RW && !strcmp(text, "wr"))) {
			expr->value = (struct us_rdl_value){.type = US_RDL_WORD, .num = i};
			p->token++;
			return expr;
		}
	if (!strcmp(text, "boolean") || !strcmp(text, "bit") || !strcmp(text, "longint")) {
		expr->kind = US_RDL_E_CAST_TYPE;
		expr->mark = text[0] == 'b' && text[1] == 'o' ? 'o' : (uint32_t)(unsigned char)text[0];
		p->token++;
		us_rdl_take_word(p, "unsigned");
		return us_rdl_expect(p, M1('\''), "after the type of a cast") ? parse_cast(p, expr) : NULL;
	}
	us_rdl_syntax(p, "a value");
	return NULL;
}

static struct us_rdl_expr *parse_name(struct us_rdl_parser *p)
{
	struct us_rdl_expr *expr;

	if (p->token[1].kind == US_RDL_T_MARK && p->token[1].mark == M2(':', ':'))
		return parse_enum_value(p);
	if (p->token[1].kind == US_RDL_T_MARK && p->token[1].mark == M2('\'', '{'))
		return parse_struct_value(p);
	expr = new_expr(p, US_RDL_E_PATH, p->token->pos);
	if (!us_rdl_parse_path(p, &expr->path))
		return NULL;
	if (us_rdl_take(p, M2('-', '>'))) {
		if (p->token->kind != US_RDL_T_NAME) {
			us_rdl_syntax(p, "the name of a property");
			return NULL;
		}
		expr->property = p->token->text;
		p->token++;
	}
	return expr;
}

static struct us_rdl_expr *parse_primary(struct us_rdl_parser *p)
{
	const struct us_rdl_token *token = p->token;
	struct us_rdl_expr *expr, *cast;

	if (token->kind == US_RDL_T_NAME)
		return token->reserved ? parse_reserved(p) : parse_name(p);
	if (token->kind == US_RDL_T_STRING) {
		p->token++;
		expr = new_expr(p, US_RDL_E_LITERAL, token->pos);
		expr->value = (struct us_rdl_value){.type = US_RDL_STRING, .text = token->text};
		return expr;
	}
	if (us_rdl_take(p, M1('{')))
		return parse_braces(p, token->pos);
	if (us_rdl_take(p, M2('\'', '{')))
		return parse_list(p, US_RDL_E_ARRAY, NULL, token->pos);
	if (token->kind == US_RDL_T_NUMBER) {
		p->token++;
		expr = new_expr(p, US_RDL_E_LITERAL, token->pos);
		expr->value = token->number;
	} else if (us_rdl_take(p, M1('('))) {
		expr = us_rdl_parse_expr(p);
		if (!expr || !us_rdl_expect(p, M1(')'), "at the end of this expression"))
			return NULL;
	} else {
		us_rdl_syntax(p, "a value");
		return NULL;
	}
	if (!us_rdl_take(p, M1('\'')))
		return expr;
	cast = new_expr(p, US_RDL_E_CAST_WIDTH, token->pos);
	add_operand(p, cast, expr);
	return parse_cast(p, cast);
}

static struct us_rdl_expr *parse_unary(struct us_rdl_parser *p)
{
	static const uint32_t marks[] = {M1('+'), M1('-'), M1('!'), M1('~'), M1('&'), M1('|'), M1('^'),
					 M2('~', '&'), M2('~', '|'), M2('~', '^'), M2('^', '~')};
	struct us_rdl_expr *expr;

	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
		if (us_rdl_at(p, marks[i])) {
			expr = new_expr(p, US_RDL_E_UNARY, p->token->pos);
			expr->mark = marks[i];
			p->token++;
			if (!us_rdl_enter(p))
				return NULL;
			add_operand(p, expr, parse_unary(p));
			us_rdl_leave(p);
			return expr->count ? expr : NULL;
		}
	return parse_primary(p);
}

/* How tightly a binary operator binds (table 12 of the specification); 0: none. */
static unsigned precedence(const struct us_rdl_token *token)
{
	if (token->kind != US_RDL_T_MARK)
		return 0;
	switch (token->mark) {
	case M2('*', '*'):
		return 11;
	case M1('*'):
	case M1('/'):
	case M1('%'):
		return 10;
	case M1('+'):
	case M1('-'):
		return 9;
	case M2('<', '<'):
	case M2('>', '>'):
		return 8;
	case M1('<'):
	case M1('>'):
	case M2('<', '='):
	case M2('>', '='):
		return 7;
	case M2('=', '='):
	case M2('!', '='):
		return 6;
	case M1('&'):
		return 5;
	case M1('^'):
	case M2('~', '^'):
	case M2('^', '~'):
		return 4;
	case M1('|'):
		return 3;
	case M2('&', '&'):
		return 2;
	case M2('|', '|'):
		return 1;
	default:
		return 0;
	}
}

static struct us_rdl_expr *parse_binary(struct us_rdl_parser *p, unsigned least)
{
	struct us_rdl_expr *left = parse_unary(p);

	while (left) {
		unsigned level = precedence(p->token);
		struct us_rdl_expr *expr;

		if (!level || level < least)
			break;
		expr = new_expr(p, US_RDL_E_BINARY, p->token->pos);
		expr->mark = p->token->mark;
		p->token++;
		if (!add_operand(p, expr, left) || !add_operand(p, expr, parse_binary(p, level + 1)))
			return NULL;
		left = expr;
	}
	return left;
}

struct us_rdl_expr *us_rdl_parse_expr(struct us_rdl_parser *p)
{
	struct us_rdl_expr *expr, *ternary;

	if (!us_rdl_enter(p))
		return NULL;
	expr = parse_binary(p, 1);
	if (expr && us_rdl_at(p, M1('?'))) {
		ternary = new_expr(p, US_RDL_E_TERNARY, p->token->pos);
		p->token++;
		if (add_operand(p, ternary, expr) && add_operand(p, ternary, us_rdl_parse_expr(p)) &&
		    us_rdl_expect(p, M1(':'), "in a '? :' expression") && add_operand(p, ternary, us_rdl_parse_expr(p)))
			expr = ternary;
		else
			expr = NULL;
	}
	us_rdl_leave(p);
	return expr;
}
