/* SPDX-License-Identifier: Apache-2.0 */
/* Components: definitions and instances (SystemRDL 2.0, clause 5 and annex B), by recursive descent. */
#include "rdl/ast.h"
#include "rdl/eval.h"

#include <string.h>

/* -- the tokens ------------------------------------------------------------------------------------------------- */

static const char *describe(const struct us_rdl_parser *p)
{
	struct us_arena *arena = &p->rdl->arena;
	const struct us_rdl_token *token = p->token;

	switch (token->kind) {
	case US_RDL_T_END:
		return "the end of the file";
	case US_RDL_T_NAME:
		return us_arena_format(arena, token->reserved ? "the reserved word '%.60s'" : "'%.60s'", token->text);
	case US_RDL_T_NUMBER:
		return "a number";
	case US_RDL_T_STRING:
		return "a string";
	case US_RDL_T_MARK:
		break;
	}
	if (token->mark > 0xff)
		return us_arena_format(arena, "'%c%c'", (int)(token->mark >> 8), (int)(token->mark & 0xff));
	return us_arena_format(arena, "'%c'", (int)token->mark);
}

bool us_rdl_syntax(struct us_rdl_parser *p, const char *expected)
{
	if (!p->failed)
		us_rdl_error(p->rdl, p->token->pos, "expected %s, not %s", expected, describe(p));
	p->failed = true;
	p->rdl->unreadable = true;
	return false;
}

bool us_rdl_at(const struct us_rdl_parser *p, uint32_t mark)
{
	return p->token->kind == US_RDL_T_MARK && p->token->mark == mark;
}

bool us_rdl_at_word(const struct us_rdl_parser *p, const char *word)
{
	return p->token->kind == US_RDL_T_NAME && p->token->reserved && !strcmp(p->token->text, word);
}

bool us_rdl_take(struct us_rdl_parser *p, uint32_t mark)
{
	if (!us_rdl_at(p, mark))
		return false;
	p->token++;
	return true;
}

bool us_rdl_take_word(struct us_rdl_parser *p, const char *word)
{
	if (!us_rdl_at_word(p, word))
		return false;
	p->token++;
	return true;
}

bool us_rdl_expect(struct us_rdl_parser *p, uint32_t mark, const char *where)
{
	const char *text;

	if (us_rdl_take(p, mark))
		return true;
	if (p->failed)
		return false;
	text = mark > 0xff ? us_arena_format(&p->rdl->arena, "'%c%c' %s", (int)(mark >> 8), (int)(mark & 0xff), where)
			   : us_arena_format(&p->rdl->arena, "'%c' %s", (int)mark, where);
	return us_rdl_syntax(p, text);
}

const char *us_rdl_expect_name(struct us_rdl_parser *p, const char *what, struct us_rdl_pos *pos)
{
	*pos = p->token->pos;
	if (p->token->kind != US_RDL_T_NAME || p->token->reserved) {
		us_rdl_syntax(p, what);
		if (p->token->kind == US_RDL_T_NAME)
			us_rdl_note(p->rdl, *pos, "as a name it is written '\\%s'", p->token->text);
		return NULL;
	}
	return (p->token++)->text;
}

bool us_rdl_enter(struct us_rdl_parser *p)
{
	if (p->depth < US_RDL_MAX_NESTING) {
		p->depth++;
		return true;
	}
	if (!p->failed)
		us_rdl_error(p->rdl, p->token->pos, "this is nested more than %d deep", US_RDL_MAX_NESTING);
	p->failed = true;
	return false;
}

void us_rdl_leave(struct us_rdl_parser *p)
{
	p->depth--;
}

void us_rdl_resume(struct us_rdl_parser *p)
{
	unsigned depth = 0;

	p->failed = false;
	for (; p->token->kind != US_RDL_T_END; p->token++) {
		if (us_rdl_at(p, M1('{')) || us_rdl_at(p, M2('\'', '{'))) {
			depth++;
		} else if (us_rdl_at(p, M1('}'))) {
			if (!depth)
				return; /* the end of the body: for the caller */
			depth--;
		} else if (us_rdl_at(p, M1(';')) && !depth) {
			p->token++;
			return;
		}
	}
}

/* -- names of types --------------------------------------------------------------------------------------------- */

static struct us_rdl_symbol *find_in(const struct us_rdl_scope *scope, const char *name)
{
	for (struct us_rdl_symbol *symbol = scope->symbol; symbol; symbol = symbol->next)
		if (symbol->name == name)
			return symbol;
	return NULL;
}

struct us_rdl_symbol *us_rdl_find_symbol(struct us_rdl_parser *p, const char *name)
{
	for (const struct us_rdl_scope *scope = p->scope; scope; scope = scope->outer) {
		struct us_rdl_symbol *symbol = find_in(scope, name);

		if (symbol)
			return symbol;
	}
	return NULL;
}

void us_rdl_add_symbol(struct us_rdl_parser *p, struct us_rdl_symbol symbol)
{
	struct us_rdl_symbol *other = find_in(p->scope, symbol.name);
	struct us_rdl_symbol *added;

	if (other) {
		us_rdl_error(p->rdl, symbol.pos, "'%s' is defined twice", symbol.name);
		us_rdl_note(p->rdl, other->pos, "it is defined here first");
	}
	added = US_ARENA_NEW(&p->rdl->arena, struct us_rdl_symbol);
	*added = symbol;
	added->next = p->scope->symbol;
	p->scope->symbol = added;
}

struct us_rdl_item *us_rdl_add_item(struct us_rdl_parser *p, enum us_rdl_item_kind kind)
{
	struct us_rdl_item *item = US_ARENA_NEW(&p->rdl->arena, struct us_rdl_item);
	struct us_rdl_item ***last = p->scope->def ? &p->scope->def->last : &p->scope->last;

	item->kind = kind;
	**last = item;
	*last = &item->next;
	return item;
}

/* -- instances -------------------------------------------------------------------------------------------------- */

static bool parse_arguments(struct us_rdl_parser *p, struct us_rdl_inst *inst)
{
	size_t room = 0;

	if (!us_rdl_take(p, M1('#')))
		return true;
	if (!us_rdl_expect(p, M1('('), "before the values of parameters"))
		return false;
	do {
		struct us_rdl_argument argument = {0};

		if (!us_rdl_expect(p, M1('.'), "before the name of a parameter"))
			return false;
		argument.name = us_rdl_expect_name(p, "the name of a parameter", &argument.pos);
		if (!argument.name || !us_rdl_expect(p, M1('('), "before the value of a parameter"))
			return false;
		argument.value = us_rdl_parse_expr(p);
		if (!argument.value || !us_rdl_expect(p, M1(')'), "after the value of a parameter"))
			return false;
		inst->argument = us_arena_grow(&p->rdl->arena, inst->argument, inst->nargs, &room, sizeof argument);
		inst->argument[inst->nargs++] = argument;
	} while (us_rdl_take(p, M1(',')));
	return us_rdl_expect(p, M1(')'), "after the values of parameters");
}

/* [n][m]… or [left:right] */
static bool parse_suffix(struct us_rdl_parser *p, struct us_rdl_inst *inst)
{
	while (us_rdl_at(p, M1('[')) && !inst->left) {
		struct us_rdl_expr *expr;

		p->token++;
		expr = us_rdl_parse_expr(p);
		if (!expr)
			return false;
		if (!inst->ndims && us_rdl_take(p, M1(':'))) {
			inst->left = expr;
			inst->right = us_rdl_parse_expr(p);
			if (!inst->right)
				return false;
		} else {
			inst->dim = us_arena_grow(&p->rdl->arena, inst->dim, inst->ndims, &inst->dim_room, sizeof *inst->dim);
			inst->dim[inst->ndims++] = expr;
		}
		if (!us_rdl_expect(p, M1(']'), "after a size or range"))
			return false;
	}
	return true;
}

static bool parse_placement(struct us_rdl_parser *p, struct us_rdl_inst *inst)
{
	for (;;) {
		struct us_rdl_expr **to;

		if (us_rdl_at(p, M1('=')))
			to = &inst->reset;
		else if (us_rdl_at(p, M1('@')))
			to = &inst->at;
		else if (us_rdl_at(p, M2('+', '=')))
			to = &inst->stride;
		else if (us_rdl_at(p, M2('%', '=')))
			to = &inst->align;
		else
			return true;
		if (*to)
			return us_rdl_syntax(p, "each of =, @, += and %= once");
		p->token++;
		*to = us_rdl_parse_expr(p);
		if (!*to)
			return false;
	}
}

/* [#(…)] name…, name…; `model` has what is common to them. */
static bool parse_instances(struct us_rdl_parser *p, const struct us_rdl_inst *model)
{
	struct us_rdl_inst common = *model;

	if (!parse_arguments(p, &common))
		return false;
	do {
		struct us_rdl_inst *inst = US_ARENA_NEW(&p->rdl->arena, struct us_rdl_inst);

		*inst = common;
		inst->name = us_rdl_expect_name(p, "the name of an instance", &inst->pos);
		if (!inst->name || !parse_suffix(p, inst) || !parse_placement(p, inst))
			return false;
		if (inst->def)
			us_rdl_add_item(p, US_RDL_I_INSTANCE)->inst = inst;
	} while (us_rdl_take(p, M1(',')));
	return true;
}

static bool take_external(struct us_rdl_parser *p, bool *external)
{
	if (us_rdl_take_word(p, "external"))
		return *external = true;
	return us_rdl_take_word(p, "internal");
}

/* [external|internal] [alias NAME] TYPE … */
static void parse_typed_instances(struct us_rdl_parser *p, bool external)
{
	struct us_rdl_inst inst = {.external = external};
	struct us_rdl_symbol *symbol;
	struct us_rdl_pos pos;
	const char *name;

	if (us_rdl_take_word(p, "alias")) {
		inst.alias = us_rdl_expect_name(p, "the name of the register to alias", &inst.alias_pos);
		if (!inst.alias)
			return;
	}
	name = us_rdl_expect_name(p, "the name of a component", &pos);
	if (!name)
		return;
	symbol = us_rdl_find_symbol(p, name);
	if (symbol && symbol->def) {
		inst.def = symbol->def;
	} else {
		us_rdl_error(p->rdl, pos, "there is no component '%s' here", name);
		if (symbol)
			us_rdl_note(p->rdl, symbol->pos, "'%s' is no component", name);
	}
	parse_instances(p, &inst);
}

/* -- definitions ------------------------------------------------------------------------------------------------ */

const char *us_rdl_kind_name(enum us_rdl_kind kind)
{
	static const char *const name[] = {"addrmap", "regfile", "reg", "field", "mem", "signal"};

	return name[kind];
}

static bool at_component(const struct us_rdl_parser *p, enum us_rdl_kind *kind)
{
	for (unsigned i = US_RDL_ADDRMAP; i <= US_RDL_SIGNAL; i++)
		if (us_rdl_at_word(p, us_rdl_kind_name(i))) {
			*kind = i;
			return true;
		}
	return false;
}

static bool parse_params(struct us_rdl_parser *p, struct us_rdl_def *def)
{
	if (!us_rdl_take(p, M1('#')))
		return true;
	if (!us_rdl_expect(p, M1('('), "before the parameters of a component"))
		return false;
	do {
		struct us_rdl_param param = {0};

		if (!us_rdl_parse_datatype(p, &param.type, false))
			return false;
		param.name = us_rdl_expect_name(p, "the name of a parameter", &param.pos);
		if (!param.name)
			return false;
		if (us_rdl_take(p, M1('['))) {
			param.type.array = true;
			if (!us_rdl_expect(p, M1(']'), "in the type of an array"))
				return false;
		}
		if (us_rdl_take(p, M1('=')) && !(param.otherwise = us_rdl_parse_expr(p)))
			return false;
		for (size_t i = 0; i < def->nparams; i++)
			if (def->param[i].name == param.name)
				us_rdl_error(p->rdl, param.pos, "parameter '%s' is there already", param.name);
		def->param = us_arena_grow(&p->rdl->arena, def->param, def->nparams, &def->param_room, sizeof param);
		def->param[def->nparams++] = param;
	} while (us_rdl_take(p, M1(',')));
	return us_rdl_expect(p, M1(')'), "after the parameters of a component");
}

static void parse_element(struct us_rdl_parser *p);

static bool parse_body(struct us_rdl_parser *p, struct us_rdl_def *def)
{
	struct us_rdl_scope scope = {.outer = p->scope, .def = def, .defaults = p->scope->defaults};
	struct us_rdl_pos open = p->token->pos;

	if (!us_rdl_expect(p, M1('{'), "before the body of a component") || !us_rdl_enter(p))
		return false;
	p->scope = &scope;
	while (!us_rdl_at(p, M1('}')) && p->token->kind != US_RDL_T_END)
		parse_element(p);
	p->scope = scope.outer;
	us_rdl_leave(p);
	if (us_rdl_take(p, M1('}')))
		return true;
	us_rdl_syntax(p, "'}' at the end of a component");
	us_rdl_note(p->rdl, open, "its '{' is here");
	return false;
}

/* KIND [NAME [#(…)]] { … } [instances] */
static void parse_component(struct us_rdl_parser *p, enum us_rdl_kind kind, bool external)
{
	struct us_rdl_def *def = US_ARENA_NEW(&p->rdl->arena, struct us_rdl_def);
	struct us_rdl_inst inst = {.def = def, .external = external};
	bool outside = external;

	def->kind = kind;
	def->pos = p->token->pos;
	def->last = &def->item;
	def->defaults = p->scope->defaults;
	def->outer = p->scope->def;
	p->token++;
	if (p->token->kind == US_RDL_T_NAME) {
		def->name = us_rdl_expect_name(p, "the name of a component", &def->pos);
		if (!def->name || !parse_params(p, def))
			return;
	}
	if (!parse_body(p, def))
		return;
	if (def->name)
		us_rdl_add_symbol(p, (struct us_rdl_symbol){def->name, def->pos, .def = def});
	outside = take_external(p, &inst.external) || outside;
	if (p->token->kind == US_RDL_T_NAME || us_rdl_at(p, M1('#')))
		parse_instances(p, &inst);
	else if (!def->name || outside)
		us_rdl_syntax(p, "the name of an instance");
}

/* An element that begins with a name that is no reserved word: what follows tells. */
static void parse_named(struct us_rdl_parser *p)
{
	const struct us_rdl_token *next = p->token + 1;

	if (next->kind == US_RDL_T_NAME || (next->kind == US_RDL_T_MARK && next->mark == M1('#')))
		parse_typed_instances(p, false);
	else if (next->kind == US_RDL_T_MARK &&
		 (next->mark == M1('.') || next->mark == M1('[') || next->mark == M2('-', '>')))
		us_rdl_parse_dynamic(p);
	else
		us_rdl_parse_local(p);
}

static void parse_element(struct us_rdl_parser *p)
{
	enum us_rdl_kind kind;
	bool external = false;

	if (take_external(p, &external)) {
		if (at_component(p, &kind))
			parse_component(p, kind, external);
		else
			parse_typed_instances(p, external);
	} else if (at_component(p, &kind)) {
		parse_component(p, kind, false);
	} else if (us_rdl_at_word(p, "alias")) {
		parse_typed_instances(p, false);
	} else if (us_rdl_at_word(p, "enum")) {
		us_rdl_parse_enum(p);
	} else if (us_rdl_at_word(p, "struct") || us_rdl_at_word(p, "abstract")) {
		us_rdl_parse_struct(p);
	} else if (us_rdl_at_word(p, "property")) {
		us_rdl_parse_property(p);
	} else if (us_rdl_at_word(p, "constraint")) {
		us_rdl_parse_constraint(p);
	} else if (us_rdl_at_local(p)) {
		us_rdl_parse_local(p);
	} else if (p->token->kind == US_RDL_T_NAME && !p->token->reserved) {
		parse_named(p);
	} else {
		us_rdl_syntax(p, "a definition, an instance or a property");
	}
	if (!p->failed)
		us_rdl_expect(p, M1(';'), "here");
	if (p->failed)
		us_rdl_resume(p);
}

void us_rdl_parse(struct us_rdl *rdl, const struct us_rdl_tokens *tokens)
{
	struct us_rdl_parser parser = {.rdl = rdl, .token = tokens->token};

	rdl->root = US_ARENA_NEW(&rdl->arena, struct us_rdl_scope);
	rdl->root->last = &rdl->root->item;
	parser.scope = rdl->root;
	while (parser.token->kind != US_RDL_T_END) {
		if (us_rdl_at(&parser, M1('}'))) {
			us_rdl_error(rdl, parser.token->pos, "this '}' closes nothing");
			parser.token++;
			us_rdl_take(&parser, M1(';'));
			continue;
		}
		parse_element(&parser);
	}
}

struct us_rdl_expr *us_rdl_parse_value(struct us_rdl *rdl, const struct us_rdl_tokens *tokens)
{
	struct us_rdl_parser parser = {.rdl = rdl, .token = tokens->token, .scope = rdl->root};
	struct us_rdl_expr *expr = us_rdl_parse_expr(&parser);

	if (expr && parser.token->kind != US_RDL_T_END)
		return us_rdl_syntax(&parser, "nothing more"), NULL;
	return expr;
}
