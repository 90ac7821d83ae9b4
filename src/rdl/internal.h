/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the reader share and nobody else needs: the context, its source texts, its names. */
#ifndef UNDERSTUDY_RDL_INTERNAL_H
#define UNDERSTUDY_RDL_INTERNAL_H

#include "rdl/arena.h"
#include "rdl/rdl.h"

/* Limits, each of which ends in a sentence: a file beyond them is a mistake or an attack. */
#define US_RDL_MAX_FILE ((size_t)64 << 20) /* bytes of one source file */
#define US_RDL_MAX_INPUTS 64 /* nested includes and macros */
#define US_RDL_MAX_EXPANSION ((size_t)16 << 20) /* bytes from macros, in all */
#define US_RDL_MAX_FILES 4096 /* reads of files by `include, in all */
#define US_RDL_MAX_NESTING 200 /* parentheses, braces, components within components */
#define US_RDL_MAX_DEPTH 1000 /* operators that wait for each other in an expression */
#define US_RDL_MAX_WIDTH 65536 /* bits of a literal, a field, a register */
#define US_RDL_MAX_NODES ((size_t)1 << 20) /* instances, before arrays are unrolled */
#define US_RDL_MAX_ERRORS 20 /* told in one run */
#define US_RDL_MAX_VISITS ((size_t)1 << 22) /* registers and fields in outputs that unroll arrays */

struct us_rdl_source {
	const char *name; /* as diagnostics give it */
	const char *text;
	size_t length;
};

struct us_rdl {
	struct us_arena arena;
	const struct us_rdl_options *options;
	struct us_rdl_source *source;
	size_t nsources, source_room;
	const char **name; /* hash table of interned names */
	size_t names, name_room;
	unsigned errors;
	bool unreadable; /* the text has errors of syntax: what would be said of its meaning is guesswork */
	struct us_rdl_told {
		struct us_rdl_pos pos;
		const char *text; /* interned */
	} told[US_RDL_MAX_ERRORS]; /* errors, so that none is told twice */
	unsigned ntold;
	bool quiet; /* the limit of told errors is reached */
	bool last_told; /* the last error or warning was told, so its notes are too */
	size_t nodes;
	struct us_rdl_scope *root;
	struct us_rdl_udp *udp;
	struct us_rdl_node *top;
};

/* The one copy of a name, so that names compare by address. */
const char *us_rdl_intern(struct us_rdl *rdl, const char *text, size_t length);
const char *us_rdl_name(struct us_rdl *rdl, const char *text);

/*
 * Adds a source text, by file or from memory (copied), and gives its number; or a negative errno. An `include` of a
 * file that was read before reads it again under the same number.
 */
int us_rdl_source_file(struct us_rdl *rdl, const char *path);
int us_rdl_source_text(struct us_rdl *rdl, const char *name, const char *text, size_t length);

/* Line and column, both from 1; a column counts characters, not bytes. */
void us_rdl_where(const struct us_rdl *rdl, struct us_rdl_pos pos, unsigned *line, unsigned *column);

/* Files of this folder that the build embeds, and where understudy.rdl is installed. */
extern const char us_rdl_include_text[], us_rdl_page_style[];
extern const size_t us_rdl_include_text_length, us_rdl_page_style_length;
extern const char us_rdl_include_dir[];

#endif
