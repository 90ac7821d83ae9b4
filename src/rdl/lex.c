/* SPDX-License-Identifier: Apache-2.0 */
#include "rdl/lex.h"

#include <stdlib.h>
#include <string.h>

/* Annex D of the specification, and what clause 4.4 lists: no identifier unless escaped with a backslash. */
static const char *const reserved[] = {
	"abstract",  "accesstype",     "addressingtype", "addrmap",     "alias",       "all",      "alternate",
	"bit",       "boolean",        "bothedge",       "byte",        "compact",     "component", "componentwidth",
	"constraint", "default",       "encode",         "enum",        "external",    "false",    "field",
	"fullalign", "hw",             "inside",         "int",         "internal",    "level",    "longint",
	"mem",       "na",             "negedge",        "nonsticky",   "number",      "onreadtype", "onwritetype",
	"posedge",   "precedencetype", "property",       "r",           "rclr",        "real",     "ref",
	"reg",       "regalign",       "regfile",        "rset",        "ruser",       "rw",       "rw1",
	"shortint",  "shortreal",      "signal",         "signed",      "string",      "struct",   "sw",
	"this",      "true",           "type",           "unsigned",    "w",           "w1",       "wclr",
	"with",      "within",         "woclr",          "woset",       "wot",         "wr",       "wset",
	"wuser",     "wzc",            "wzs",            "wzt",
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, *(const char *const *)b);
}

bool us_rdl_is_reserved(const char *name)
{
	return bsearch(name, reserved, sizeof reserved / sizeof reserved[0], sizeof reserved[0], compare_names);
}

static int peek(const struct us_rdl_input *input, size_t ahead)
{
	return input->at + ahead < input->length ? (unsigned char)input->text[input->at + ahead] : -1;
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

struct us_rdl_pos us_rdl_lex_pos(const struct us_rdl_lexer *lexer)
{
	const struct us_rdl_input *input = lexer->input;

	if (input->is_macro)
		return input->use;
	return (struct us_rdl_pos){input->file, (uint32_t)input->at};
}

void us_rdl_lex_push(struct us_rdl_lexer *lexer, struct us_rdl_input input)
{
	struct us_rdl_input *top;

	if (lexer->depth >= US_RDL_MAX_INPUTS) {
		us_rdl_error(lexer->rdl, us_rdl_lex_pos(lexer),
			     "files and macros are nested more than %d deep: does one of them include itself?",
			     US_RDL_MAX_INPUTS);
		lexer->stop = true;
		return;
	}
	top = US_ARENA_NEW(&lexer->rdl->arena, struct us_rdl_input);
	*top = input;
	top->outer = lexer->condition;
	top->below = lexer->input;
	lexer->input = top;
	lexer->depth++;
}

static void skip_line(struct us_rdl_input *input)
{
	while (peek(input, 0) >= 0 && peek(input, 0) != '\n')
		input->at++;
}

static void skip_comment(struct us_rdl_lexer *lexer)
{
	struct us_rdl_input *input = lexer->input;
	struct us_rdl_pos pos = us_rdl_lex_pos(lexer);

	for (input->at += 2; peek(input, 0) >= 0; input->at++)
		if (peek(input, 0) == '*' && peek(input, 1) == '/') {
			input->at += 2;
			return;
		}
	us_rdl_error(lexer->rdl, pos, "this comment is not closed: '*/' is missing");
}

/* Perl segments (16.3) are refused by name: what they would print is not known here. */
static void skip_perl(struct us_rdl_lexer *lexer)
{
	struct us_rdl_input *input = lexer->input;

	us_rdl_error(lexer->rdl, us_rdl_lex_pos(lexer),
		     "embedded Perl (<%% … %%>, SystemRDL 2.0 clause 16.3) is not supported: run it first and read its output");
	for (input->at += 2; peek(input, 0) >= 0; input->at++)
		if (peek(input, 0) == '%' && peek(input, 1) == '>') {
			input->at += 2;
			return;
		}
}

bool us_rdl_lex_space(struct us_rdl_lexer *lexer)
{
	struct us_rdl_input *input = lexer->input;

	for (;;) {
		int c = peek(input, 0);

		if (c < 0)
			return false;
		if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v')
			input->at++;
		else if (c == '/' && peek(input, 1) == '/')
			skip_line(input);
		else if (c == '/' && peek(input, 1) == '*')
			skip_comment(lexer);
		else if (c == '<' && peek(input, 1) == '%')
			skip_perl(lexer);
		else
			return true;
	}
}

static void add_token(struct us_rdl_lexer *lexer, struct us_rdl_token token, size_t start)
{
	struct us_rdl_tokens *tokens = lexer->tokens;

	token.length = lexer->input->is_macro ? 0 : (uint32_t)(lexer->input->at - start);
	tokens->token = us_arena_grow(&lexer->rdl->arena, tokens->token, tokens->count, &tokens->room, sizeof token);
	tokens->token[tokens->count++] = token;
}

static void lex_name(struct us_rdl_lexer *lexer)
{
	struct us_rdl_input *input = lexer->input;
	struct us_rdl_token token = {.kind = US_RDL_T_NAME, .pos = us_rdl_lex_pos(lexer)};
	size_t start = input->at;
	bool escaped = peek(input, 0) == '\\';
	size_t name;

	input->at += escaped;
	name = input->at;
	while (is_letter(peek(input, 0)) || is_digit(peek(input, 0)))
		input->at++;
	token.text = us_rdl_intern(lexer->rdl, input->text + name, input->at - name);
	token.reserved = !escaped && us_rdl_is_reserved(token.text);
	add_token(lexer, token, start);
}

static void lex_string(struct us_rdl_lexer *lexer)
{
	struct us_rdl_input *input = lexer->input;
	struct us_rdl_token token = {.kind = US_RDL_T_STRING, .pos = us_rdl_lex_pos(lexer)};
	size_t start = input->at, end = start + 1, length = 0;
	char *text;

	while (end < input->length && input->text[end] != '"')
		end += input->text[end] == '\\' && end + 1 < input->length ? 2 : 1;
	if (end >= input->length) {
		us_rdl_error(lexer->rdl, token.pos, "this string is not closed: '\"' is missing");
		end = input->length;
	}
	text = us_arena_alloc(&lexer->rdl->arena, end - start + 1);
	for (input->at = start + 1; input->at < end; input->at++) {
		int c = peek(input, 0);

		if (c == '\\' && (peek(input, 1) == '"' || peek(input, 1) == '\\'))
			c = peek(input, 0 + 1), input->at++;
		else if (c == '<' && peek(input, 1) == '%') {
			skip_perl(lexer);
			input->at--;
			continue;
		}
		if (c == '\r' && peek(input, 1) == '\n')
			continue;
		text[length++] = c ? (char)c : ' ';
	}
	input->at = end < input->length ? end + 1 : end;
	token.text = text;
	add_token(lexer, token, start);
}

static int digit_of(int c, unsigned base)
{
	int digit = -1;

	if (is_digit(c))
		digit = c - '0';
	else if (c >= 'a' && c <= 'f')
		digit = c - 'a' + 10;
	else if (c >= 'A' && c <= 'F')
		digit = c - 'A' + 10;
	return digit >= 0 && (unsigned)digit < base ? digit : -1;
}

/* A number of any size while it is read: words, low first. */
struct wide {
	uint64_t word[US_RDL_MAX_WIDTH / 64];
	size_t words;
};

/* wide = wide * base + digit. False when it no longer fits. */
static bool append_digit(struct wide *wide, unsigned base, unsigned digit)
{
	uint64_t carry = digit;

	for (size_t i = 0; i < wide->words; i++) {
		uint64_t low = (wide->word[i] & UINT32_MAX) * base + carry;
		uint64_t high = (wide->word[i] >> 32) * base + (low >> 32);

		wide->word[i] = high << 32 | (low & UINT32_MAX);
		carry = high >> 32;
	}
	if (!carry)
		return true;
	if (wide->words == sizeof wide->word / sizeof wide->word[0])
		return false;
	wide->word[wide->words++] = carry;
	return true;
}

static bool lex_digits(struct us_rdl_lexer *lexer, unsigned base, struct wide *wide)
{
	struct us_rdl_input *input = lexer->input;
	bool fits = true;

	wide->words = 0;
	while (digit_of(peek(input, 0), base) >= 0 || peek(input, 0) == '_') {
		if (peek(input, 0) != '_' && fits)
			fits = append_digit(wide, base, (unsigned)digit_of(peek(input, 0), base));
		input->at++;
	}
	return fits;
}

static unsigned bits_of(const struct wide *wide)
{
	if (!wide->words)
		return 0;
	return (unsigned)(wide->words * 64) - (unsigned)__builtin_clzll(wide->word[wide->words - 1]);
}

/* The digits behind WIDTH'BASE (4.7.2). */
static void lex_sized(struct us_rdl_lexer *lexer, struct us_rdl_token *token, struct wide *wide, uint64_t width)
{
	struct us_rdl_input *input = lexer->input;
	int base = peek(input, 1) | 0x20;
	uint64_t *words;
	bool fits;

	input->at += 2;
	if (digit_of(peek(input, 0), base == 'h' ? 16 : base == 'd' ? 10 : 2) < 0)
		us_rdl_error(lexer->rdl, token->pos, "digits are missing after '%c in this number", base);
	fits = lex_digits(lexer, base == 'h' ? 16 : base == 'd' ? 10 : 2, wide);
	if (!width || width > US_RDL_MAX_WIDTH) {
		us_rdl_error(lexer->rdl, token->pos, "a number is 1 to %d bits wide, not %llu", US_RDL_MAX_WIDTH,
			     (unsigned long long)width);
		width = 64;
	}
	if (!fits || bits_of(wide) > width)
		us_rdl_error(lexer->rdl, token->pos, "this number does not fit in its %llu bits",
			     (unsigned long long)width);
	token->number.width = (uint32_t)width;
	token->number.num = wide->words ? wide->word[0] : 0;
	if (width <= 64)
		return;
	words = us_arena_alloc(&lexer->rdl->arena, (size_t)(width + 63) / 64 * 8);
	for (size_t i = 0; i < wide->words && i < (width + 63) / 64; i++)
		words[i] = wide->word[i];
	token->number.wide = words;
}

static void lex_number(struct us_rdl_lexer *lexer)
{
	struct us_rdl_input *input = lexer->input;
	struct us_rdl_token token = {.kind = US_RDL_T_NUMBER, .pos = us_rdl_lex_pos(lexer)};
	size_t start = input->at;
	struct wide wide;
	bool hex = peek(input, 0) == '0' && (peek(input, 1) | 0x20) == 'x' && digit_of(peek(input, 2), 16) >= 0;
	bool fits;
	int base;

	input->at += hex ? 2 : 0;
	fits = lex_digits(lexer, hex ? 16 : 10, &wide);
	fits = fits && wide.words <= 1;
	token.number = (struct us_rdl_value){.type = US_RDL_INT, .width = 64, .num = wide.words ? wide.word[0] : 0};
	base = peek(input, 1) | 0x20;
	if (!hex && peek(input, 0) == '\'' && (base == 'b' || base == 'd' || base == 'h'))
		lex_sized(lexer, &token, &wide, fits ? token.number.num : UINT64_MAX);
	else if (!fits)
		us_rdl_error(lexer->rdl, token.pos, "this number does not fit in 64 bits: give it a width, as in 128'h…");
	if (is_letter(peek(input, 0))) {
		us_rdl_error(lexer->rdl, us_rdl_lex_pos(lexer), "'%c' does not belong to a number", peek(input, 0));
		while (is_letter(peek(input, 0)) || is_digit(peek(input, 0)))
			input->at++;
	}
	add_token(lexer, token, start);
}

static const uint32_t marks2[] = {
	US_RDL_MARK2('-', '>'), US_RDL_MARK2(':', ':'), US_RDL_MARK2('<', '<'), US_RDL_MARK2('>', '>'),
	US_RDL_MARK2('<', '='), US_RDL_MARK2('>', '='), US_RDL_MARK2('=', '='), US_RDL_MARK2('!', '='),
	US_RDL_MARK2('&', '&'), US_RDL_MARK2('|', '|'), US_RDL_MARK2('~', '&'), US_RDL_MARK2('~', '|'),
	US_RDL_MARK2('~', '^'), US_RDL_MARK2('^', '~'), US_RDL_MARK2('*', '*'), US_RDL_MARK2('+', '='),
	US_RDL_MARK2('%', '='), US_RDL_MARK2('\'', '{'),
};

static void lex_mark(struct us_rdl_lexer *lexer)
{
	struct us_rdl_input *input = lexer->input;
	struct us_rdl_token token = {.kind = US_RDL_T_MARK, .pos = us_rdl_lex_pos(lexer)};
	size_t start = input->at;
	int c = peek(input, 0);

	if (peek(input, 1) > 0) {
		uint32_t pair = US_RDL_MARK2(c, peek(input, 1));

		for (size_t i = 0; i < sizeof marks2 / sizeof marks2[0]; i++)
			if (marks2[i] == pair)
				token.mark = pair;
	}
	if (!token.mark && c > ' ' && c < 0x7f && strchr("{}()[];:,.=@#?+-*/%<>!~&|^'", c))
		token.mark = US_RDL_MARK1(c);
	input->at += token.mark > 0xff ? 2 : 1;
	if (token.mark) {
		add_token(lexer, token, start);
		return;
	}
	if (c > ' ' && c < 0x7f) {
		us_rdl_error(lexer->rdl, token.pos, "'%c' has no meaning here", c);
		return;
	}
	us_rdl_error(lexer->rdl, token.pos, "a character other than ASCII has no meaning outside strings and comments");
	while (peek(input, 0) >= 0x80)
		input->at++;
}

static void lex_one(struct us_rdl_lexer *lexer)
{
	int c = peek(lexer->input, 0);

	if (is_letter(c) || (c == '\\' && is_letter(peek(lexer->input, 1))))
		lex_name(lexer);
	else if (is_digit(c))
		lex_number(lexer);
	else if (c == '"')
		lex_string(lexer);
	else if (c == '`')
		us_rdl_preprocess(lexer);
	else
		lex_mark(lexer);
}

void us_rdl_lex(struct us_rdl *rdl, uint32_t file, struct us_rdl_tokens *tokens)
{
	struct us_rdl_lexer lexer = {.rdl = rdl, .tokens = tokens};
	const struct us_rdl_source *source = &rdl->source[file];
	const char *const *define = rdl->options->define;
	struct us_rdl_pos end;

	us_rdl_lex_push(&lexer, (struct us_rdl_input){.text = source->text, .length = source->length, .file = file});
	if (source->length >= 3 && !memcmp(source->text, "\xef\xbb\xbf", 3))
		lexer.input->at = 3; /* a byte order mark */
	for (; define && *define; define++)
		us_rdl_define(&lexer, *define);
	end = us_rdl_lex_pos(&lexer);
	while (lexer.input && !lexer.stop) {
		if (us_rdl_lex_space(&lexer)) {
			lex_one(&lexer);
		} else {
			end = us_rdl_lex_pos(&lexer);
			us_rdl_lex_pop(&lexer);
		}
	}
	tokens->token = us_arena_grow(&rdl->arena, tokens->token, tokens->count, &tokens->room, sizeof *tokens->token);
	tokens->token[tokens->count++] = (struct us_rdl_token){.kind = US_RDL_T_END, .pos = end};
}
