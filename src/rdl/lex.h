/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Characters to tokens (SystemRDL 2.0, clause 4), with the Verilog-style preprocessor (16.2) on the way.
 *
 * All tokens of a file and of what it includes are made before parsing starts. A token that comes from a macro has the
 * position of the macro's use, so that a diagnostic points at what the user wrote.
 */
#ifndef UNDERSTUDY_RDL_LEX_H
#define UNDERSTUDY_RDL_LEX_H

#include "rdl/internal.h"

enum us_rdl_token_kind {
	US_RDL_T_END,
	US_RDL_T_NAME, /* identifier or reserved word */
	US_RDL_T_NUMBER,
	US_RDL_T_STRING,
	US_RDL_T_MARK, /* operator or punctuation: `mark` */
};

/* One to three characters packed, so that a token compares with MARK2('-', '>'). */
#define US_RDL_MARK1(a) ((uint32_t)(unsigned char)(a))
#define US_RDL_MARK2(a, b) (US_RDL_MARK1(a) << 8 | US_RDL_MARK1(b))

struct us_rdl_token {
	enum us_rdl_token_kind kind;
	bool reserved; /* US_RDL_T_NAME: a reserved word (annex D), not escaped */
	uint32_t mark;
	uint32_t length; /* in the source, for the diagnostics' underline; 0 from a macro */
	struct us_rdl_pos pos;
	const char *text; /* US_RDL_T_NAME: interned; US_RDL_T_STRING: without quotes and escapes */
	struct us_rdl_value number;
};

/* A value for each token up to and including the one US_RDL_T_END. Context owns them. */
struct us_rdl_tokens {
	struct us_rdl_token *token;
	size_t count, room;
};

struct us_rdl_input;

/* The state of the preprocessor while one file is being made into tokens. */
struct us_rdl_lexer {
	struct us_rdl *rdl;
	struct us_rdl_input *input; /* innermost: a file, or the expansion of a macro */
	struct us_rdl_macro *macro; /* all that are defined */
	struct us_rdl_condition *condition; /* innermost open `ifdef */
	struct us_rdl_tokens *tokens;
	unsigned depth; /* of inputs */
	unsigned included; /* files, in all */
	size_t expanded; /* bytes that came from macros, against expansions that grow without end */
	bool stop; /* a limit was exceeded */
};

/* One text being read. */
struct us_rdl_input {
	const char *text;
	size_t length, at;
	uint32_t file;
	bool is_macro;
	struct us_rdl_pos use; /* of the macro */
	const struct us_rdl_macro *macro;
	struct us_rdl_condition *outer; /* conditions open when it began */
	struct us_rdl_input *below;
};

void us_rdl_lex(struct us_rdl *rdl, uint32_t file, struct us_rdl_tokens *tokens);

/* For lexer and preprocessor alone. */
struct us_rdl_pos us_rdl_lex_pos(const struct us_rdl_lexer *lexer);
void us_rdl_preprocess(struct us_rdl_lexer *lexer); /* at a '`' */
void us_rdl_define(struct us_rdl_lexer *lexer, const char *text); /* NAME or NAME=VALUE */
void us_rdl_lex_push(struct us_rdl_lexer *lexer, struct us_rdl_input input);
void us_rdl_lex_pop(struct us_rdl_lexer *lexer);
bool us_rdl_lex_space(struct us_rdl_lexer *lexer); /* skips blanks and comments; false at the end of the input */

bool us_rdl_is_reserved(const char *name);

#endif
