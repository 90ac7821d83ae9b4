/* SPDX-License-Identifier: Apache-2.0 */
/* Assignments of properties (SystemRDL 2.0, 5.1.3): local, default and dynamic ones. */
#include "rdl/ast.h"
#include "rdl/prop.h"

#include <string.h>

/* Finds what property the name means; tells when none. */
static bool resolve_property(struct us_rdl_parser *p, struct us_rdl_assign *assign)
{
	const char *similar;

	assign->rule = us_rdl_find_rule(assign->name);
	assign->udp = assign->rule ? NULL : us_rdl_find_udp(p->rdl, assign->name);
	if (assign->rule || assign->udp)
		return true;
	similar = us_rdl_similar_rule(assign->name);
	if (similar)
		us_rdl_error(p->rdl, assign->pos, "there is no property '%s': is '%s' meant?", assign->name, similar);
	else
		us_rdl_error(p->rdl, assign->pos, "there is no property '%s'", assign->name);
	return false;
}

static bool parse_encode(struct us_rdl_parser *p, struct us_rdl_assign *assign)
{
	struct us_rdl_pos pos;
	const char *name = us_rdl_expect_name(p, "the name of an enum", &pos);
	struct us_rdl_symbol *symbol = name ? us_rdl_find_symbol(p, name) : NULL;

	if (!name)
		return false;
	if (symbol && symbol->enumeration) {
		assign->encode = symbol->enumeration;
		return true;
	}
	us_rdl_error(p->rdl, pos, "there is no enum '%s' here", name);
	assign->failed = true;
	return true;
}

/* NAME [= value]; false after a syntax error. */
static bool parse_assignment(struct us_rdl_parser *p, struct us_rdl_assign *assign)
{
	assign->pos = p->token->pos;
	if (p->token->kind != US_RDL_T_NAME)
		return us_rdl_syntax(p, "the name of a property");
	assign->name = (p->token++)->text;
	assign->failed = !resolve_property(p, assign);
	if (!us_rdl_take(p, M1('=')))
		return true;
	if (!strcmp(assign->name, "encode"))
		return parse_encode(p, assign);
	return (assign->value = us_rdl_parse_expr(p)) != NULL;
}

/* posedge intr; and the like (9.9): kept as a property of the modifier's name beside intr. */
static bool parse_modifier(struct us_rdl_parser *p, struct us_rdl_assign *assign, struct us_rdl_assign *modifier)
{
	modifier->pos = p->token->pos;
	modifier->name = (p->token++)->text;
	modifier->rule = us_rdl_find_rule(modifier->name);
	return parse_assignment(p, assign) &&
	       (!strcmp(assign->name, "intr") || us_rdl_syntax(p, "intr after this word"));
}

static bool at_modifier(const struct us_rdl_parser *p)
{
	return us_rdl_at_word(p, "posedge") || us_rdl_at_word(p, "negedge") || us_rdl_at_word(p, "bothedge") ||
	       us_rdl_at_word(p, "level") || us_rdl_at_word(p, "nonsticky");
}

static void keep_assignment(struct us_rdl_parser *p, const struct us_rdl_assign *assign, bool is_default)
{
	struct us_rdl_assign *kept = US_ARENA_NEW(&p->rdl->arena, struct us_rdl_assign);
	const struct us_rdl_assign *other = p->scope->defaults;

	*kept = *assign;
	if (!is_default) {
		us_rdl_add_item(p, US_RDL_I_ASSIGN)->assign = kept;
		return;
	}
	for (; other && other->scope == p->scope->def; other = other->next)
		if (other->name == kept->name) {
			us_rdl_error(p->rdl, kept->pos, "default '%s' is given twice", kept->name);
			us_rdl_note(p->rdl, other->pos, "it is given here first");
		}
	kept->scope = p->scope->def;
	kept->next = p->scope->defaults;
	p->scope->defaults = kept;
}

void us_rdl_parse_local(struct us_rdl_parser *p)
{
	bool is_default = us_rdl_take_word(p, "default");
	struct us_rdl_assign assign = {0}, modifier = {0};

	if (!is_default && !p->scope->def) {
		us_rdl_error(p->rdl, p->token->pos, "a property must be assigned inside a component");
		p->failed = true;
		return;
	}
	if (at_modifier(p) ? !parse_modifier(p, &assign, &modifier) : !parse_assignment(p, &assign))
		return;
	keep_assignment(p, &assign, is_default);
	if (modifier.name)
		keep_assignment(p, &modifier, is_default);
}

/* a.b[2].c->property = value */
void us_rdl_parse_dynamic(struct us_rdl_parser *p)
{
	struct us_rdl_assign *assign = US_ARENA_NEW(&p->rdl->arena, struct us_rdl_assign);

	if (!us_rdl_parse_path(p, &assign->target) ||
	    !us_rdl_expect(p, M2('-', '>'), "between a component and its property") || !parse_assignment(p, assign))
		return;
	us_rdl_add_item(p, US_RDL_I_DYNAMIC)->assign = assign;
}

bool us_rdl_at_local(const struct us_rdl_parser *p)
{
	static const char *const words[] = {"default", "sw", "hw", "rclr", "rset", "woclr", "woset", "encode"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (us_rdl_at_word(p, words[i]))
			return true;
	return at_modifier(p);
}
