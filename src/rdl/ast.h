/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parser understood: definitions with their bodies, and expressions that are not evaluated yet, since they may
 * speak of parameters. Names of types, enums and structs are already resolved: in SystemRDL they are declared before
 * use (5.1.4).
 */
#ifndef UNDERSTUDY_RDL_AST_H
#define UNDERSTUDY_RDL_AST_H

#include "rdl/internal.h"
#include "rdl/lex.h"

/* -- data types (6.2, 15.1) ------------------------------------------------------------------------------------- */

enum us_rdl_base {
	US_RDL_BIT,
	US_RDL_LONGINT, /* also `number`, of SystemRDL 1.0 */
	US_RDL_BOOLEAN,
	US_RDL_TEXT,
	US_RDL_ACCESSTYPE,
	US_RDL_ADDRESSINGTYPE,
	US_RDL_ONREADTYPE,
	US_RDL_ONWRITETYPE,
	US_RDL_PRECEDENCETYPE,
	US_RDL_USER_ENUM,
	US_RDL_USER_STRUCT,
	US_RDL_REFERENCE, /* `ref`, or a kind of component */
};

struct us_rdl_struct;

struct us_rdl_datatype {
	enum us_rdl_base base;
	bool array;
	const struct us_rdl_enum *enumeration;
	const struct us_rdl_struct *structure;
	unsigned kinds; /* US_RDL_REFERENCE: bit mask of enum us_rdl_kind */
};

struct us_rdl_struct {
	const char *name;
	struct us_rdl_pos pos;
	bool abstract;
	const struct us_rdl_struct *base;
	struct us_rdl_struct_member *member; /* those of `base` first */
	size_t count, room;
};

struct us_rdl_struct_member {
	const char *name;
	struct us_rdl_datatype type;
};

/* -- expressions (clause 7) ------------------------------------------------------------------------------------- */

enum us_rdl_expr_kind {
	US_RDL_E_LITERAL,
	US_RDL_E_PATH, /* a parameter (and into it), a component; with `property`: one of its properties */
	US_RDL_E_UNARY,
	US_RDL_E_BINARY,
	US_RDL_E_TERNARY, /* list: condition, then, else */
	US_RDL_E_CONCAT,
	US_RDL_E_REPLICATE, /* list[0]: how often; list[1]: the concatenation */
	US_RDL_E_CAST_TYPE, /* mark: first letter of the type; list[0] */
	US_RDL_E_CAST_WIDTH, /* list[0]: width; list[1]: operand */
	US_RDL_E_ARRAY,
	US_RDL_E_STRUCT,
};

struct us_rdl_path_step {
	const char *name;
	struct us_rdl_pos pos;
	struct us_rdl_expr **index;
	size_t count, room;
};

struct us_rdl_path {
	struct us_rdl_path_step *step;
	size_t count, room;
};

struct us_rdl_expr {
	enum us_rdl_expr_kind kind;
	uint32_t mark; /* the operator */
	unsigned depth; /* of what is below, so that evaluating it can not exhaust the stack */
	struct us_rdl_pos pos;
	struct us_rdl_value value; /* US_RDL_E_LITERAL */
	struct us_rdl_expr **list; /* operands */
	size_t count, room;
	struct us_rdl_path path;
	const char *property;
	const struct us_rdl_struct *structure;
	const char **name; /* US_RDL_E_STRUCT: of each member in the list */
	size_t name_room;
};

/* -- properties ------------------------------------------------------------------------------------------------- */

/* A property defined by the user (clause 15). */
struct us_rdl_udp {
	const char *name;
	struct us_rdl_pos pos;
	struct us_rdl_datatype type;
	unsigned kinds; /* components it may be assigned to, bit mask of enum us_rdl_kind */
	bool has_type, has_component;
	bool component_width; /* constraint = componentwidth */
	struct us_rdl_expr *otherwise; /* its default, or NULL */
	struct us_rdl_udp *next;
};

struct us_rdl_rule; /* of a property of the language, see prop.h */

/* `name = value`; kept in the order of the source. */
struct us_rdl_assign {
	const char *name;
	const struct us_rdl_rule *rule; /* of the language, else: */
	const struct us_rdl_udp *udp;
	struct us_rdl_expr *value; /* NULL: `name;` */
	const struct us_rdl_enum *encode; /* encode = NAME */
	struct us_rdl_pos pos;
	bool failed; /* an error about it was told: once is enough however often it is elaborated */
	struct us_rdl_path target; /* of a dynamic assignment */
	const struct us_rdl_def *scope; /* of a default: the component it was written in; NULL outermost */
	const struct us_rdl_assign *next; /* of defaults: the one before, so that a definition keeps those it has seen */
};

/* -- components ------------------------------------------------------------------------------------------------- */

struct us_rdl_param {
	const char *name;
	struct us_rdl_pos pos;
	struct us_rdl_datatype type;
	struct us_rdl_expr *otherwise; /* NULL: must be given */
};

struct us_rdl_argument {
	const char *name;
	struct us_rdl_pos pos;
	struct us_rdl_expr *value;
};

struct us_rdl_inst {
	const struct us_rdl_def *def;
	const char *name;
	struct us_rdl_pos pos;
	const char *alias; /* of `alias NAME`, or NULL */
	struct us_rdl_pos alias_pos;
	bool external;
	struct us_rdl_expr **dim; /* [n][m] */
	size_t ndims, dim_room;
	struct us_rdl_expr *left, *right; /* [left:right] */
	struct us_rdl_expr *reset, *at, *stride, *align;
	struct us_rdl_argument *argument;
	size_t nargs;
};

enum us_rdl_item_kind { US_RDL_I_INSTANCE, US_RDL_I_ASSIGN, US_RDL_I_DYNAMIC };

struct us_rdl_item {
	enum us_rdl_item_kind kind;
	struct us_rdl_inst *inst;
	struct us_rdl_assign *assign;
	struct us_rdl_item *next;
};

struct us_rdl_def {
	enum us_rdl_kind kind;
	const char *name; /* NULL: anonymous */
	struct us_rdl_pos pos;
	struct us_rdl_param *param;
	size_t nparams, param_room;
	struct us_rdl_item *item, **last;
	const struct us_rdl_assign *defaults; /* in force where it was defined, innermost first */
	const struct us_rdl_def *outer; /* in whose body it was defined */
};

/* A namespace of types: the file's, and one in each component body. */
struct us_rdl_symbol {
	const char *name;
	struct us_rdl_pos pos;
	struct us_rdl_def *def; /* one of these three is set */
	struct us_rdl_enum *enumeration;
	struct us_rdl_struct *structure;
	struct us_rdl_symbol *next;
};

struct us_rdl_scope {
	struct us_rdl_scope *outer;
	struct us_rdl_def *def; /* NULL: outermost */
	struct us_rdl_symbol *symbol; /* latest first */
	const struct us_rdl_assign *defaults; /* latest first, those of outer scopes behind */
	struct us_rdl_item *item, **last; /* outermost: instances and assignments there */
};

/* -- the parser ------------------------------------------------------------------------------------------------- */

struct us_rdl_parser {
	struct us_rdl *rdl;
	const struct us_rdl_token *token; /* the next one */
	struct us_rdl_scope *scope;
	unsigned depth;
	bool failed; /* a syntax error was told; whoever can resume clears it */
};

/* Parses into rdl->root. Errors are told; what could be understood is there. */
void us_rdl_parse(struct us_rdl *rdl, const struct us_rdl_tokens *tokens);

/* A value for a parameter of the top, from the command line. NULL after an error. */
struct us_rdl_expr *us_rdl_parse_value(struct us_rdl *rdl, const struct us_rdl_tokens *tokens);

/* Shared by the files of the parser. */
struct us_rdl_expr *us_rdl_parse_expr(struct us_rdl_parser *p); /* NULL after a syntax error */
bool us_rdl_parse_path(struct us_rdl_parser *p, struct us_rdl_path *path);
bool us_rdl_parse_datatype(struct us_rdl_parser *p, struct us_rdl_datatype *type, bool property);
void us_rdl_parse_enum(struct us_rdl_parser *p);
void us_rdl_parse_struct(struct us_rdl_parser *p);
void us_rdl_parse_property(struct us_rdl_parser *p);
void us_rdl_parse_constraint(struct us_rdl_parser *p);
bool us_rdl_at_local(const struct us_rdl_parser *p); /* at a local or default assignment, as its first word tells */
void us_rdl_parse_local(struct us_rdl_parser *p);
void us_rdl_parse_dynamic(struct us_rdl_parser *p);
struct us_rdl_item *us_rdl_add_item(struct us_rdl_parser *p, enum us_rdl_item_kind kind); /* to the body, or outermost */
struct us_rdl_symbol *us_rdl_find_symbol(struct us_rdl_parser *p, const char *name);
void us_rdl_add_symbol(struct us_rdl_parser *p, struct us_rdl_symbol symbol);

bool us_rdl_syntax(struct us_rdl_parser *p, const char *expected); /* tells, returns false */
bool us_rdl_at(const struct us_rdl_parser *p, uint32_t mark);
bool us_rdl_at_word(const struct us_rdl_parser *p, const char *word); /* a reserved word */
bool us_rdl_take(struct us_rdl_parser *p, uint32_t mark); /* the mark, if it comes next */
bool us_rdl_take_word(struct us_rdl_parser *p, const char *word);
bool us_rdl_expect(struct us_rdl_parser *p, uint32_t mark, const char *where);
const char *us_rdl_expect_name(struct us_rdl_parser *p, const char *what, struct us_rdl_pos *pos);
bool us_rdl_enter(struct us_rdl_parser *p); /* one level deeper; false, told, when too deep */
void us_rdl_leave(struct us_rdl_parser *p);
void us_rdl_resume(struct us_rdl_parser *p); /* after a syntax error: behind the next ';' of this body */

#define M1 US_RDL_MARK1
#define M2 US_RDL_MARK2

#endif
