/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Verilog-style preprocessor (SystemRDL 2.0, 16.2; IEEE 1364 clause 19): `include, `define with and without
 * parameters, `undef, `ifdef and its kin, `line. Called by the lexer at each '`'.
 */
#include "rdl/lex.h"

#include <errno.h>
#include <string.h>

struct us_rdl_macro {
	const char *name; /* interned */
	const char *text;
	size_t length;
	const char **param; /* interned */
	size_t nparams;
	bool has_params;
	struct us_rdl_macro *next;
};

/* An open `ifdef. */
struct us_rdl_condition {
	struct us_rdl_pos pos;
	bool taken; /* one of its branches was */
	bool has_else;
	struct us_rdl_condition *outer;
};

static int peek(const struct us_rdl_input *input, size_t ahead)
{
	return input->at + ahead < input->length ? (unsigned char)input->text[input->at + ahead] : -1;
}

static bool is_name(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9');
}

static void skip_blanks(struct us_rdl_input *input)
{
	while (peek(input, 0) == ' ' || peek(input, 0) == '\t')
		input->at++;
}

static void skip_line(struct us_rdl_input *input)
{
	while (peek(input, 0) >= 0 && peek(input, 0) != '\n')
		input->at++;
}

/* The identifier at the input's place, or NULL. */
static const char *take_name(struct us_rdl_lexer *lexer)
{
	struct us_rdl_input *input = lexer->input;
	size_t start = input->at;

	if (peek(input, 0) >= '0' && peek(input, 0) <= '9')
		return NULL;
	while (is_name(peek(input, 0)))
		input->at++;
	return input->at > start ? us_rdl_intern(lexer->rdl, input->text + start, input->at - start) : NULL;
}

static struct us_rdl_macro *find_macro(struct us_rdl_lexer *lexer, const char *name)
{
	for (struct us_rdl_macro *macro = lexer->macro; macro; macro = macro->next)
		if (macro->name == name)
			return macro;
	return NULL;
}

static void remove_macro(struct us_rdl_lexer *lexer, const char *name)
{
	for (struct us_rdl_macro **at = &lexer->macro; *at; at = &(*at)->next)
		if ((*at)->name == name) {
			*at = (*at)->next;
			return;
		}
}

static struct us_rdl_macro *add_macro(struct us_rdl_lexer *lexer, const char *name)
{
	struct us_rdl_macro *macro = US_ARENA_NEW(&lexer->rdl->arena, struct us_rdl_macro);

	remove_macro(lexer, name);
	macro->name = name;
	macro->next = lexer->macro;
	lexer->macro = macro;
	return macro;
}

void us_rdl_define(struct us_rdl_lexer *lexer, const char *text)
{
	const char *value = strchr(text, '=');
	struct us_rdl_macro *macro =
		add_macro(lexer, us_rdl_intern(lexer->rdl, text, value ? (size_t)(value - text) : strlen(text)));

	macro->text = value ? us_arena_copy(&lexer->rdl->arena, value + 1, strlen(value + 1)) : "1";
	macro->length = strlen(macro->text);
}

/* -- `define ---------------------------------------------------------------------------------------------------- */

/* Over one comment, if one begins here: 1, 0 when none does, -1 when it is not closed. A line's end is no part of it. */
static int skip_comment(struct us_rdl_input *input)
{
	bool block = peek(input, 1) == '*';

	if (peek(input, 0) != '/' || (!block && peek(input, 1) != '/'))
		return 0;
	for (input->at += 2; peek(input, 0) >= 0 && (block || peek(input, 0) != '\n'); input->at++)
		if (block && peek(input, 0) == '*' && peek(input, 1) == '/') {
			input->at += 2;
			return 1;
		}
	return block ? -1 : 1;
}

/* Parameters may stand on several lines, each but the last with a backslash at its end. */
static void skip_to_param(struct us_rdl_input *input)
{
	for (skip_blanks(input); peek(input, 0) == '\\'; skip_blanks(input)) {
		size_t length = peek(input, 1) == '\r' ? 2 : 1;

		if (peek(input, length) != '\n')
			break;
		input->at += length + 1;
	}
}

static void define_params(struct us_rdl_lexer *lexer, struct us_rdl_macro *macro)
{
	struct us_rdl_input *input = lexer->input;
	size_t room = 0;

	macro->has_params = true;
	input->at++;
	for (;;) {
		const char *name;

		skip_to_param(input);
		if (peek(input, 0) == ')' && !macro->nparams)
			break;
		name = take_name(lexer);
		if (!name) {
			us_rdl_error(lexer->rdl, us_rdl_lex_pos(lexer), "the name of a parameter of macro '%s' is missing",
				     macro->name);
			return;
		}
		macro->param =
			us_arena_grow(&lexer->rdl->arena, macro->param, macro->nparams, &room, sizeof *macro->param);
		macro->param[macro->nparams++] = name;
		skip_to_param(input);
		if (peek(input, 0) != ',')
			break;
		input->at++;
	}
	if (peek(input, 0) == ')')
		input->at++;
	else
		us_rdl_error(lexer->rdl, us_rdl_lex_pos(lexer), "')' is missing after the parameters of macro '%s'",
			     macro->name);
}

/* The rest of the line, and of the next after a backslash; comments are no part of it. */
static void define_text(struct us_rdl_lexer *lexer, struct us_rdl_macro *macro)
{
	struct us_rdl_input *input = lexer->input;
	char *text = us_arena_alloc(&lexer->rdl->arena, 1);
	size_t room = 1, length = 0;
	bool quoted = false;

	skip_blanks(input);
	while (peek(input, 0) >= 0 && peek(input, 0) != '\n') {
		if (peek(input, 0) == '\\' && (peek(input, 1) == '\n' || (peek(input, 1) == '\r' && peek(input, 2) == '\n'))) {
			input->at += peek(input, 1) == '\r' ? 3 : 2;
			text = us_arena_grow(&lexer->rdl->arena, text, length, &room, 1);
			text[length++] = '\n';
			continue;
		}
		if (!quoted && peek(input, 0) == '/' && peek(input, 1) == '/') {
			skip_line(input);
			break;
		}
		if (!quoted && peek(input, 0) == '/' && peek(input, 1) == '*') {
			struct us_rdl_pos pos = us_rdl_lex_pos(lexer);

			if (skip_comment(input) < 0)
				us_rdl_error(lexer->rdl, pos, "this comment is not closed: '*/' is missing");
			continue;
		}
		if (peek(input, 0) == '"' && (!length || text[length - 1] != '\\'))
			quoted = !quoted;
		text = us_arena_grow(&lexer->rdl->arena, text, length, &room, 1);
		text[length++] = (char)peek(input, 0);
		input->at++;
	}
	while (length && (text[length - 1] == ' ' || text[length - 1] == '\t' || text[length - 1] == '\r'))
		length--;
	macro->text = text;
	macro->length = length;
}

static void directive_define(struct us_rdl_lexer *lexer, struct us_rdl_pos pos)
{
	const char *name;
	struct us_rdl_macro *macro;

	skip_blanks(lexer->input);
	name = take_name(lexer);
	if (!name) {
		us_rdl_error(lexer->rdl, pos, "`define needs a name");
		skip_line(lexer->input);
		return;
	}
	macro = add_macro(lexer, name);
	macro->text = "";
	if (peek(lexer->input, 0) == '(')
		define_params(lexer, macro);
	define_text(lexer, macro);
}

/* -- the use of a macro ----------------------------------------------------------------------------------------- */

struct argument {
	const char *text;
	size_t length;
};

/* The text up to the next ',' or ')' outside brackets, strings and comments. */
static bool take_argument(struct us_rdl_input *input, struct argument *argument)
{
	size_t start;
	unsigned depth = 0;
	bool quoted = false;

	while (peek(input, 0) == ' ' || peek(input, 0) == '\t' || peek(input, 0) == '\n' || peek(input, 0) == '\r')
		input->at++;
	start = input->at;
	for (;; input->at++) {
		int c;

		while (!quoted && skip_comment(input) > 0)
			;
		c = peek(input, 0);
		if (c < 0)
			return false;
		if (c == '\\' && quoted && peek(input, 1) >= 0)
			input->at++;
		else if (c == '"')
			quoted = !quoted;
		else if (quoted)
			continue;
		else if (!depth && (c == ',' || c == ')'))
			break;
		else if (c == '(' || c == '[' || c == '{')
			depth++;
		else if (depth && (c == ')' || c == ']' || c == '}'))
			depth--;
	}
	argument->text = input->text + start;
	argument->length = input->at - start;
	while (argument->length && strchr(" \t\r\n", argument->text[argument->length - 1]))
		argument->length--;
	return true;
}

struct text {
	struct us_arena *arena;
	char *data;
	size_t length, room;
};

static void append(struct text *text, const char *data, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		text->data = us_arena_grow(text->arena, text->data, text->length, &text->room, 1);
		text->data[text->length++] = data[i];
	}
}

/*
 * The macro's text with its parameters replaced, also `` (paste), `" (a quote inside which they are replaced) and `\`"
 * (an escaped quote inside of those).
 */
static struct text substitute(struct us_rdl_lexer *lexer, const struct us_rdl_macro *macro,
			      const struct argument *argument)
{
	struct text text = {.arena = &lexer->rdl->arena};
	bool quoted = false;

	for (size_t at = 0; at < macro->length && text.length < US_RDL_MAX_EXPANSION;) {
		const char *from = macro->text + at;
		size_t length = 1, match = macro->nparams;

		if (macro->length - at >= 4 && !memcmp(from, "`\\`\"", 4)) {
			append(&text, "\\\"", 2);
			at += 4;
			continue;
		}
		if (*from == '`' && at + 1 < macro->length && (from[1] == '`' || from[1] == '"')) {
			if (from[1] == '"')
				append(&text, "\"", 1);
			at += 2;
			continue;
		}
		if (*from == '"')
			quoted = !quoted;
		if (is_name((unsigned char)*from)) {
			while (at + length < macro->length && is_name((unsigned char)from[length]))
				length++;
			for (size_t i = 0; i < macro->nparams && !quoted; i++)
				if (strlen(macro->param[i]) == length && !memcmp(macro->param[i], from, length))
					match = i;
		}
		if (match < macro->nparams)
			append(&text, argument[match].text, argument[match].length);
		else
			append(&text, from, length);
		at += length;
	}
	return text;
}

static void expand_call(struct us_rdl_lexer *lexer, const struct us_rdl_macro *macro, struct us_rdl_input *expansion)
{
	struct us_rdl_input *input = lexer->input;
	struct argument *argument = us_arena_alloc(&lexer->rdl->arena, (macro->nparams + 1) * sizeof *argument);
	size_t count = 0;
	struct text text;

	skip_blanks(input);
	if (peek(input, 0) != '(') {
		us_rdl_error(lexer->rdl, expansion->use, "macro '%s' takes arguments: '(' is missing", macro->name);
		return;
	}
	do {
		struct argument one;

		input->at++;
		if (!take_argument(input, &one)) {
			us_rdl_error(lexer->rdl, expansion->use, "')' is missing after the arguments of macro '%s'", macro->name);
			return;
		}
		if (count < macro->nparams)
			argument[count] = one;
		count += one.length || macro->nparams || peek(input, 0) == ',';
	} while (peek(input, 0) == ',');
	input->at++;
	if (count != macro->nparams) {
		us_rdl_error(lexer->rdl, expansion->use, "macro '%s' takes %zu arguments, not %zu", macro->name,
			     macro->nparams, count);
		return;
	}
	text = substitute(lexer, macro, argument);
	expansion->text = text.data;
	expansion->length = text.length;
}

static void use_macro(struct us_rdl_lexer *lexer, const struct us_rdl_macro *macro, struct us_rdl_pos pos)
{
	struct us_rdl_input expansion = {.is_macro = true, .use = pos, .macro = macro, .file = lexer->input->file};

	for (const struct us_rdl_input *input = lexer->input; input; input = input->below)
		if (input->macro == macro) {
			us_rdl_error(lexer->rdl, pos, "macro '%s' uses itself", macro->name);
			return;
		}
	if (macro->has_params) {
		expand_call(lexer, macro, &expansion);
	} else {
		struct text text = substitute(lexer, macro, NULL);

		expansion.text = text.data;
		expansion.length = text.length;
	}
	lexer->expanded += expansion.length;
	if (lexer->expanded > US_RDL_MAX_EXPANSION) {
		us_rdl_error(lexer->rdl, pos, "macros expand to more than %zu MiB of text", US_RDL_MAX_EXPANSION >> 20);
		lexer->stop = true;
		return;
	}
	us_rdl_lex_push(lexer, expansion);
}

/* -- `include --------------------------------------------------------------------------------------------------- */

/* The number of the source that `name` means when `file` includes it; -ENOENT when there is none. */
static int find_include(struct us_rdl_lexer *lexer, const char *name, uint32_t file)
{
	struct us_rdl *rdl = lexer->rdl;
	const char *const *dir = rdl->options->include;
	const char *own = rdl->source[file].name;
	const char *slash = strrchr(own, '/');
	int number;

	if (name[0] == '/')
		return us_rdl_source_file(rdl, name);
	number = us_rdl_source_file(rdl, slash ? us_arena_format(&rdl->arena, "%.*s/%s", (int)(slash - own), own, name)
					       : name);
	for (; number == -ENOENT && dir && *dir; dir++)
		number = us_rdl_source_file(rdl, us_arena_format(&rdl->arena, "%s/%s", *dir, name));
	if (number == -ENOENT)
		number = us_rdl_source_file(rdl, us_arena_format(&rdl->arena, "%s/%s", us_rdl_include_dir, name));
	if (number == -ENOENT && !strcmp(name, "understudy.rdl"))
		number = us_rdl_source_text(rdl, "<understudy.rdl>", us_rdl_include_text, us_rdl_include_text_length);
	return number;
}

static void directive_include(struct us_rdl_lexer *lexer, struct us_rdl_pos pos)
{
	struct us_rdl_input *input = lexer->input;
	struct us_rdl *rdl = lexer->rdl;
	int close = 0, number;
	const char *name;
	size_t start;

	skip_blanks(input);
	if (peek(input, 0) == '"')
		close = '"';
	else if (peek(input, 0) == '<')
		close = '>';
	start = ++input->at;
	while (peek(input, 0) >= 0 && peek(input, 0) != close && peek(input, 0) != '\n')
		input->at++;
	if (!close || peek(input, 0) != close) {
		us_rdl_error(rdl, pos, "`include needs a file name in quotes");
		skip_line(input);
		return;
	}
	name = us_arena_copy(&rdl->arena, input->text + start, input->at - start);
	input->at++;
	number = find_include(lexer, name, input->file);
	if (number < 0) {
		us_rdl_error(rdl, pos, "can not read included file '%s': %s", name, strerror(-number));
		return;
	}
	if (++lexer->included > US_RDL_MAX_FILES) {
		us_rdl_error(rdl, pos, "files are included more than %d times", US_RDL_MAX_FILES);
		lexer->stop = true;
		return;
	}
	us_rdl_lex_push(lexer, (struct us_rdl_input){.text = rdl->source[number].text,
						     .length = rdl->source[number].length,
						     .file = (uint32_t)number});
}

/* -- conditions ------------------------------------------------------------------------------------------------- */

/*
 * Skips to the `elsif, `else or `endif that ends the branch being skipped, over nested conditions, and handles it.
 * Strings and comments are skipped as such, so that what looks like a directive in them is none.
 */
static void skip_branch(struct us_rdl_lexer *lexer);

static bool take_condition(struct us_rdl_lexer *lexer, struct us_rdl_pos pos, const char *directive)
{
	const char *name;

	skip_blanks(lexer->input);
	name = take_name(lexer);
	if (!name)
		us_rdl_error(lexer->rdl, pos, "`%s needs the name of a macro", directive);
	return name && find_macro(lexer, name);
}

static void directive_ifdef(struct us_rdl_lexer *lexer, struct us_rdl_pos pos, bool negate)
{
	struct us_rdl_condition *condition = US_ARENA_NEW(&lexer->rdl->arena, struct us_rdl_condition);

	condition->pos = pos;
	condition->outer = lexer->condition;
	lexer->condition = condition;
	condition->taken = take_condition(lexer, pos, negate ? "ifndef" : "ifdef") != negate;
	if (!condition->taken)
		skip_branch(lexer);
}

/* `elsif, `else or `endif. `skipping`: the branch before it was not taken. Returns true when the skipping ends. */
static bool directive_branch(struct us_rdl_lexer *lexer, struct us_rdl_pos pos, const char *name, bool skipping)
{
	struct us_rdl_condition *condition = lexer->condition;
	bool wanted;

	if (condition == lexer->input->outer) {
		us_rdl_error(lexer->rdl, pos, "`%s without `ifdef", name);
		return true;
	}
	if (!strcmp(name, "endif")) {
		lexer->condition = condition->outer;
		return true;
	}
	if (condition->has_else)
		us_rdl_error(lexer->rdl, pos, "`%s after `else", name);
	condition->has_else |= !strcmp(name, "else");
	wanted = condition->has_else ? true : take_condition(lexer, pos, name);
	if (condition->taken || !wanted) {
		if (!skipping)
			skip_branch(lexer);
		return false;
	}
	condition->taken = true;
	return true;
}

static void skip_quoted(struct us_rdl_input *input)
{
	for (input->at++; peek(input, 0) >= 0 && peek(input, 0) != '"'; input->at++)
		input->at += peek(input, 0) == '\\' && peek(input, 1) >= 0;
	input->at += peek(input, 0) >= 0;
}

static void skip_branch(struct us_rdl_lexer *lexer)
{
	struct us_rdl_input *input = lexer->input;
	unsigned depth = 0;

	while (peek(input, 0) >= 0) {
		struct us_rdl_pos pos;
		const char *name;

		if (peek(input, 0) == '/' && (peek(input, 1) == '/' || peek(input, 1) == '*')) {
			us_rdl_lex_space(lexer);
			continue;
		}
		if (peek(input, 0) == '"') {
			skip_quoted(input);
			continue;
		}
		if (peek(input, 0) != '`') {
			input->at++;
			continue;
		}
		pos = us_rdl_lex_pos(lexer);
		input->at++;
		name = take_name(lexer);
		if (!name)
			continue;
		if (!strcmp(name, "ifdef") || !strcmp(name, "ifndef"))
			depth++;
		else if (depth && !strcmp(name, "endif"))
			depth--;
		else if (!depth && (!strcmp(name, "elsif") || !strcmp(name, "else") || !strcmp(name, "endif")) &&
			 directive_branch(lexer, pos, name, true))
			return;
	}
}

void us_rdl_lex_pop(struct us_rdl_lexer *lexer)
{
	while (lexer->condition != lexer->input->outer) {
		us_rdl_error(lexer->rdl, lexer->condition->pos, "`endif is missing for this `ifdef");
		lexer->condition = lexer->condition->outer;
	}
	lexer->input = lexer->input->below;
	lexer->depth--;
}

/* -- any directive ---------------------------------------------------------------------------------------------- */

void us_rdl_preprocess(struct us_rdl_lexer *lexer)
{
	struct us_rdl_pos pos = us_rdl_lex_pos(lexer);
	const struct us_rdl_macro *macro;
	const char *name;

	lexer->input->at++;
	name = take_name(lexer);
	if (!name) {
		us_rdl_error(lexer->rdl, pos, "a directive or the name of a macro is missing after '`'");
	} else if (!strcmp(name, "define")) {
		directive_define(lexer, pos);
	} else if (!strcmp(name, "include")) {
		directive_include(lexer, pos);
	} else if (!strcmp(name, "undef")) {
		skip_blanks(lexer->input);
		name = take_name(lexer);
		if (name)
			remove_macro(lexer, name);
		else
			us_rdl_error(lexer->rdl, pos, "`undef needs the name of a macro");
	} else if (!strcmp(name, "ifdef") || !strcmp(name, "ifndef")) {
		directive_ifdef(lexer, pos, name[2] == 'n');
	} else if (!strcmp(name, "elsif") || !strcmp(name, "else") || !strcmp(name, "endif")) {
		directive_branch(lexer, pos, name, false);
	} else if (!strcmp(name, "line")) {
		skip_line(lexer->input); /* positions stay those of the file at hand, where the user can look */
	} else if (!strcmp(name, "undefineall")) {
		lexer->macro = NULL;
	} else if (!strcmp(name, "resetall") || !strcmp(name, "timescale") || !strcmp(name, "default_nettype") ||
		   !strcmp(name, "celldefine") || !strcmp(name, "endcelldefine") || !strcmp(name, "begin_keywords") ||
		   !strcmp(name, "end_keywords") || !strcmp(name, "pragma")) {
		us_rdl_error(lexer->rdl, pos, "directive `%s is Verilog's and not SystemRDL's (16.2)", name);
		skip_line(lexer->input);
	} else if ((macro = find_macro(lexer, name))) {
		use_macro(lexer, macro, pos);
	} else {
		us_rdl_error(lexer->rdl, pos, "macro '%s' is not defined", name);
	}
}
