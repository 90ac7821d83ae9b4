/* SPDX-License-Identifier: Apache-2.0 */
/* Definitions that are no components: enums, structs, properties of the user's own, constraints. */
#include "rdl/ast.h"
#include "rdl/eval.h"
#include "rdl/prop.h"

#include <string.h>

#define ALL_KINDS ((1u << (US_RDL_SIGNAL + 1)) - 1)

static bool at_any_name(const struct us_rdl_parser *p, const char *name)
{
	return p->token->kind == US_RDL_T_NAME && !strcmp(p->token->text, name);
}

/* -- data types ------------------------------------------------------------------------------------------------- */

static bool component_type(const char *text, unsigned *kinds)
{
	for (unsigned kind = US_RDL_ADDRMAP; kind <= US_RDL_SIGNAL; kind++)
		if (!strcmp(text, us_rdl_kind_name(kind))) {
			*kinds = 1u << kind;
			return true;
		}
	return false;
}

static bool named_type(struct us_rdl_parser *p, struct us_rdl_datatype *type)
{
	struct us_rdl_symbol *symbol = us_rdl_find_symbol(p, p->token->text);

	if (symbol && symbol->enumeration) {
		type->base = US_RDL_USER_ENUM;
		type->enumeration = symbol->enumeration;
	} else if (symbol && symbol->structure) {
		type->base = US_RDL_USER_STRUCT;
		type->structure = symbol->structure;
	} else {
		us_rdl_error(p->rdl, p->token->pos, "there is no enum or struct '%s' here", p->token->text);
		p->failed = true;
		return false;
	}
	p->token++;
	return true;
}

bool us_rdl_parse_datatype(struct us_rdl_parser *p, struct us_rdl_datatype *type, bool property)
{
	static const struct {
		const char *word;
		enum us_rdl_base base;
		bool property_only;
	} bases[] = {
		{"bit", US_RDL_BIT, false},
		{"longint", US_RDL_LONGINT, false},
		{"number", US_RDL_LONGINT, true},
		{"boolean", US_RDL_BOOLEAN, false},
		{"string", US_RDL_TEXT, false},
		{"accesstype", US_RDL_ACCESSTYPE, false},
		{"addressingtype", US_RDL_ADDRESSINGTYPE, false},
		{"onreadtype", US_RDL_ONREADTYPE, false},
		{"onwritetype", US_RDL_ONWRITETYPE, false},
		{"precedencetype", US_RDL_PRECEDENCETYPE, false},
		{"ref", US_RDL_REFERENCE, true},
	};

	memset(type, 0, sizeof *type);
	if (p->token->kind != US_RDL_T_NAME)
		return us_rdl_syntax(p, "a type");
	if (!p->token->reserved)
		return named_type(p, type);
	for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++)
		if (us_rdl_at_word(p, bases[i].word) && (property || !bases[i].property_only)) {
			type->base = bases[i].base;
			type->kinds = ALL_KINDS;
			p->token++;
			us_rdl_take_word(p, "unsigned");
			return true;
		}
	if (component_type(p->token->text, &type->kinds)) {
		type->base = US_RDL_REFERENCE;
		p->token++;
		return true;
	}
	return us_rdl_syntax(p, "a type");
}

static bool take_array_suffix(struct us_rdl_parser *p, struct us_rdl_datatype *type)
{
	if (!us_rdl_take(p, M1('[')))
		return true;
	type->array = true;
	return us_rdl_expect(p, M1(']'), "in the type of an array");
}

/* -- enums (6.2.5) ---------------------------------------------------------------------------------------------- */

struct enum_list {
	struct us_rdl_enumerator *item;
	size_t count, room;
};

static void check_enumerator(struct us_rdl_parser *p, const struct enum_list *list,
			     const struct us_rdl_enumerator *item)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->item[i].name == item->name)
			us_rdl_error(p->rdl, item->pos, "enumerator '%s' is there already", item->name);
		else if (list->item[i].value == item->value)
			us_rdl_error(p->rdl, item->pos, "enumerator '%s' has the same value, %llu, as '%s'", item->name,
				     (unsigned long long)item->value, list->item[i].name);
		else
			continue;
		us_rdl_note(p->rdl, list->item[i].pos, "'%s' is defined here", list->item[i].name);
		return;
	}
}

/* { name = "…"; desc = "…"; } */
static bool parse_enumerator_text(struct us_rdl_parser *p, struct us_rdl_enumerator *item)
{
	while (!us_rdl_take(p, M1('}'))) {
		const char **to = at_any_name(p, "name") ? &item->title : at_any_name(p, "desc") ? &item->desc : NULL;
		struct us_rdl_expr *expr;
		struct us_rdl_value value;

		if (p->token->kind != US_RDL_T_NAME)
			return us_rdl_syntax(p, "name or desc");
		if (!to)
			us_rdl_error(p->rdl, p->token->pos, "an enumerator has the properties name and desc, not '%s'",
				     p->token->text);
		p->token++;
		if (!us_rdl_expect(p, M1('='), "after a property's name"))
			return false;
		expr = us_rdl_parse_expr(p);
		if (!expr || !us_rdl_expect(p, M1(';'), "at the end of a property"))
			return false;
		value = us_rdl_eval(p->rdl, NULL, expr);
		if (to && value.type == US_RDL_STRING)
			*to = value.text;
		else if (to && value.type != US_RDL_NONE)
			us_rdl_error(p->rdl, expr->pos, "this must be a string");
	}
	return true;
}

static bool parse_enumerator(struct us_rdl_parser *p, struct enum_list *list)
{
	struct us_rdl_enumerator item = {0};

	item.name = us_rdl_expect_name(p, "the name of an enumerator", &item.pos);
	if (!item.name)
		return false;
	item.value = list->count ? list->item[list->count - 1].value + 1 : 0;
	if (us_rdl_take(p, M1('='))) {
		struct us_rdl_expr *expr = us_rdl_parse_expr(p);

		if (!expr)
			return false;
		us_rdl_eval_number(p->rdl, NULL, expr, "the value of an enumerator", &item.value);
	}
	if (us_rdl_take(p, M1('{')) && !parse_enumerator_text(p, &item))
		return false;
	check_enumerator(p, list, &item);
	list->item = us_arena_grow(&p->rdl->arena, list->item, list->count, &list->room, sizeof item);
	list->item[list->count++] = item;
	return us_rdl_expect(p, M1(';'), "at the end of an enumerator");
}

void us_rdl_parse_enum(struct us_rdl_parser *p)
{
	struct us_rdl_enum *definition = US_ARENA_NEW(&p->rdl->arena, struct us_rdl_enum);
	struct enum_list list = {0};

	p->token++;
	definition->name = us_rdl_expect_name(p, "the name of the enum", &definition->pos);
	if (!definition->name || !us_rdl_expect(p, M1('{'), "after the name of an enum"))
		return;
	while (!us_rdl_take(p, M1('}'))) {
		if (p->token->kind == US_RDL_T_END) {
			us_rdl_syntax(p, "'}' at the end of an enum");
			return;
		}
		if (!parse_enumerator(p, &list))
			us_rdl_resume(p);
	}
	if (!list.count)
		us_rdl_error(p->rdl, definition->pos, "enum '%s' has no enumerators", definition->name);
	definition->item = list.item;
	definition->count = list.count;
	us_rdl_add_symbol(p, (struct us_rdl_symbol){definition->name, definition->pos, .enumeration = definition});
}

/* -- structs (6.3.2) -------------------------------------------------------------------------------------------- */

static bool parse_member(struct us_rdl_parser *p, struct us_rdl_struct *structure)
{
	struct us_rdl_struct_member member = {0};
	struct us_rdl_pos pos;

	if (!us_rdl_parse_datatype(p, &member.type, true))
		return false;
	member.name = us_rdl_expect_name(p, "the name of a struct's member", &pos);
	if (!member.name || !take_array_suffix(p, &member.type))
		return false;
	for (size_t i = 0; i < structure->count; i++)
		if (structure->member[i].name == member.name)
			us_rdl_error(p->rdl, pos, "struct '%s' has a member '%s' already", structure->name, member.name);
	structure->member =
		us_arena_grow(&p->rdl->arena, structure->member, structure->count, &structure->room, sizeof member);
	structure->member[structure->count++] = member;
	return us_rdl_expect(p, M1(';'), "at the end of a struct's member");
}

static bool parse_base(struct us_rdl_parser *p, struct us_rdl_struct *structure)
{
	struct us_rdl_pos pos;
	const char *name = us_rdl_expect_name(p, "the name of the struct to inherit from", &pos);
	struct us_rdl_symbol *symbol = name ? us_rdl_find_symbol(p, name) : NULL;

	if (!name)
		return false;
	if (!symbol || !symbol->structure) {
		us_rdl_error(p->rdl, pos, "there is no struct '%s' here", name);
		return true;
	}
	structure->base = symbol->structure;
	for (size_t i = 0; i < structure->base->count; i++) {
		structure->member = us_arena_grow(&p->rdl->arena, structure->member, structure->count, &structure->room,
						  sizeof *structure->member);
		structure->member[structure->count++] = structure->base->member[i];
	}
	return true;
}

void us_rdl_parse_struct(struct us_rdl_parser *p)
{
	struct us_rdl_struct *structure = US_ARENA_NEW(&p->rdl->arena, struct us_rdl_struct);

	structure->abstract = us_rdl_take_word(p, "abstract");
	if (!us_rdl_take_word(p, "struct")) {
		us_rdl_syntax(p, "struct");
		return;
	}
	structure->name = us_rdl_expect_name(p, "the name of the struct", &structure->pos);
	if (!structure->name)
		return;
	if (us_rdl_take(p, M1(':')) && !parse_base(p, structure))
		return;
	if (!us_rdl_expect(p, M1('{'), "after the name of a struct"))
		return;
	while (!us_rdl_take(p, M1('}'))) {
		if (p->token->kind == US_RDL_T_END) {
			us_rdl_syntax(p, "'}' at the end of a struct");
			return;
		}
		if (!parse_member(p, structure))
			us_rdl_resume(p);
	}
	us_rdl_add_symbol(p, (struct us_rdl_symbol){structure->name, structure->pos, .structure = structure});
}

/* -- properties of the user's own (clause 15) ------------------------------------------------------------------- */

static bool parse_usage(struct us_rdl_parser *p, struct us_rdl_udp *udp)
{
	do {
		unsigned kinds = 0;

		if (us_rdl_at_word(p, "all"))
			kinds = ALL_KINDS;
		else if (p->token->kind == US_RDL_T_NAME && !us_rdl_at_word(p, "constraint") &&
			 !component_type(p->token->text, &kinds))
			return us_rdl_syntax(p, "a kind of component");
		udp->kinds |= kinds;
		p->token++;
	} while (us_rdl_take(p, M1('|')));
	udp->has_component = true;
	return true;
}

static bool parse_attribute(struct us_rdl_parser *p, struct us_rdl_udp *udp)
{
	const char *name = p->token->text;

	if (p->token->kind != US_RDL_T_NAME || (strcmp(name, "type") && strcmp(name, "component") &&
						strcmp(name, "default") && strcmp(name, "constraint")))
		return us_rdl_syntax(p, "type, component, default or constraint");
	p->token++;
	if (!us_rdl_expect(p, M1('='), "after an attribute's name"))
		return false;
	if (!strcmp(name, "type")) {
		udp->has_type = true;
		return us_rdl_parse_datatype(p, &udp->type, true) && take_array_suffix(p, &udp->type);
	}
	if (!strcmp(name, "component"))
		return parse_usage(p, udp);
	if (!strcmp(name, "default"))
		return (udp->otherwise = us_rdl_parse_expr(p)) != NULL;
	udp->component_width = us_rdl_take_word(p, "componentwidth");
	return udp->component_width || us_rdl_syntax(p, "componentwidth");
}

void us_rdl_parse_property(struct us_rdl_parser *p)
{
	struct us_rdl_udp *udp = US_ARENA_NEW(&p->rdl->arena, struct us_rdl_udp);
	const struct us_rdl_udp *other;

	p->token++;
	udp->name = us_rdl_expect_name(p, "the name of the property", &udp->pos);
	if (!udp->name || !us_rdl_expect(p, M1('{'), "after the name of a property"))
		return;
	while (!us_rdl_take(p, M1('}'))) {
		if (p->token->kind == US_RDL_T_END) {
			us_rdl_syntax(p, "'}' at the end of a property");
			return;
		}
		if (!parse_attribute(p, udp) || !us_rdl_expect(p, M1(';'), "at the end of an attribute"))
			us_rdl_resume(p);
	}
	other = us_rdl_find_udp(p->rdl, udp->name);
	if (p->scope->outer)
		us_rdl_error(p->rdl, udp->pos, "property '%s' must be defined outside of components", udp->name);
	if (us_rdl_find_rule(udp->name))
		us_rdl_error(p->rdl, udp->pos, "property '%s' is one of the language's own", udp->name);
	if (!udp->has_type)
		us_rdl_error(p->rdl, udp->pos, "property '%s' has no type", udp->name);
	if (!udp->has_component)
		us_rdl_error(p->rdl, udp->pos, "property '%s' does not say for which components it is", udp->name);
	if (other) {
		us_rdl_error(p->rdl, udp->pos, "property '%s' is defined twice", udp->name);
		us_rdl_note(p->rdl, other->pos, "it is defined here first");
	}
	udp->next = p->rdl->udp;
	p->rdl->udp = udp;
}

/* -- constraints (clause 14): for test benches, not for software; accepted and ignored -------------------------- */

void us_rdl_parse_constraint(struct us_rdl_parser *p)
{
	unsigned depth = 0;
	bool body = false;

	/* constraint NAME { … } instances; and constraint NAME instance; of one that was defined before */
	for (p->token++; p->token->kind != US_RDL_T_END; p->token++) {
		if (us_rdl_at(p, M1('{')) || us_rdl_at(p, M2('\'', '{')))
			depth++;
		else if (us_rdl_at(p, M1('}')) && depth)
			body = --depth == 0;
		else if (!depth && (us_rdl_at(p, M1(';')) || (p->token->kind != US_RDL_T_NAME && !us_rdl_at(p, M1(',')))))
			return;
	}
	us_rdl_syntax(p, body ? "';' at the end of a constraint" : "'}' at the end of a constraint");
}
