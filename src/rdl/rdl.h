/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SystemRDL 2.0 (Accellera, January 2018): from the text of a file to an elaborated tree, and what is made from it.
 *
 * A `struct us_rdl` owns everything: text, definitions, tree, strings. Nothing in a tree is freed by itself, and nothing
 * outlives us_rdl_free(). One thread at a time may use a context; several contexts are independent. Out of memory ends
 * the process with a message: this is a build tool, never part of a running device.
 *
 * Diagnostics go to a stream as `file:line:column: error: sentence`, followed by the source line and a caret. Reading
 * goes on after an error as far as it makes sense, so that one run shows several.
 */
#ifndef UNDERSTUDY_RDL_RDL_H
#define UNDERSTUDY_RDL_RDL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct us_rdl;

/* A place in the source; us_rdl_where() spells it out. */
struct us_rdl_pos {
	uint32_t file; /* index of the file in the order of first reading */
	uint32_t offset; /* bytes from its start */
};

/* -- values of properties and parameters ------------------------------------------------------------------------ */

enum us_rdl_type {
	US_RDL_NONE, /* nothing, or the result of an expression with an error that was already told */
	US_RDL_INT, /* bit and longint unsigned */
	US_RDL_BOOL,
	US_RDL_STRING,
	US_RDL_WORD, /* accesstype, addressingtype, onreadtype, onwritetype, precedencetype: enum us_rdl_word */
	US_RDL_ENUM, /* a value of a user-defined enum */
	US_RDL_ENUM_TYPE, /* the enum itself, as `encode` takes it */
	US_RDL_REF, /* a component, or one of its properties */
	US_RDL_ARRAY,
	US_RDL_STRUCT,
};

/* The language's built-in enumerated words. */
enum us_rdl_word {
	US_RDL_WORD_NONE,
	US_RDL_NA,
	US_RDL_RW,
	US_RDL_R,
	US_RDL_W,
	US_RDL_RW1,
	US_RDL_W1,
	US_RDL_RCLR,
	US_RDL_RSET,
	US_RDL_RUSER,
	US_RDL_WOSET,
	US_RDL_WOCLR,
	US_RDL_WOT,
	US_RDL_WZS,
	US_RDL_WZC,
	US_RDL_WZT,
	US_RDL_WCLR,
	US_RDL_WSET,
	US_RDL_WUSER,
	US_RDL_COMPACT,
	US_RDL_REGALIGN,
	US_RDL_FULLALIGN,
	US_RDL_HW,
	US_RDL_SW,
};

struct us_rdl_enumerator {
	const char *name;
	uint64_t value;
	const char *title, *desc; /* its name and desc properties, or NULL */
	struct us_rdl_pos pos;
};

struct us_rdl_enum {
	const char *name;
	struct us_rdl_pos pos;
	const struct us_rdl_enumerator *item;
	size_t count;
};

/* One step of a reference: `b[2]`. */
struct us_rdl_step {
	const char *name; /* interned */
	const uint64_t *index; /* NULL without indices */
	unsigned count;
	struct us_rdl_pos pos;
};

struct us_rdl_ref {
	unsigned up; /* levels to climb from the node that owns the property, before the steps are taken */
	const struct us_rdl_step *step;
	unsigned count;
	const char *property; /* of `x -> property`, or NULL */
	struct us_rdl_pos pos;
};

struct us_rdl_member;

struct us_rdl_value {
	enum us_rdl_type type;
	uint32_t width; /* US_RDL_INT: bits; 64 for a number without a size */
	uint32_t count; /* US_RDL_ARRAY, US_RDL_STRUCT: elements */
	uint64_t num; /* US_RDL_INT (its low 64 bits), BOOL, WORD, ENUM */
	union {
		const uint64_t *wide; /* US_RDL_INT of more than 64 bits: all (width + 63) / 64 words, low first; else NULL */
		const char *text; /* US_RDL_STRING */
		const struct us_rdl_enum *enumeration; /* US_RDL_ENUM, US_RDL_ENUM_TYPE */
		const struct us_rdl_ref *ref;
		const struct us_rdl_value *element; /* US_RDL_ARRAY */
		const struct us_rdl_member *member; /* US_RDL_STRUCT */
	};
};

struct us_rdl_member {
	const char *name;
	struct us_rdl_value value;
};

/* -- the elaborated tree ---------------------------------------------------------------------------------------- */

enum us_rdl_kind {
	US_RDL_ADDRMAP,
	US_RDL_REGFILE,
	US_RDL_REG,
	US_RDL_FIELD,
	US_RDL_MEM,
	US_RDL_SIGNAL,
};

struct us_rdl_prop {
	const char *name; /* interned: compare with us_rdl_name() or use us_rdl_get() */
	struct us_rdl_value value;
	struct us_rdl_pos pos;
	bool user; /* user-defined */
	bool by_default; /* came from a `default` assignment or from the property's own default */
};

/* An element of an array that was changed by a dynamic assignment, so that it is no longer like the others. */
struct us_rdl_variant {
	uint64_t index; /* flat: the last dimension counts fastest */
	struct us_rdl_node *node;
	struct us_rdl_variant *next;
};

#define US_RDL_DIMENSIONS 8

/*
 * An instance. The elements of an array share one node, so a tree is as large as its source and not as its address
 * space; us_rdl_element() gives the node of one element.
 */
struct us_rdl_node {
	enum us_rdl_kind kind;
	const char *name; /* interned */
	const char *type_name; /* of its definition; NULL when anonymous */
	struct us_rdl_pos pos; /* of the instance's name */
	struct us_rdl_node *parent;
	struct us_rdl_node *child, *last, *next; /* in the order of the source; fields by ascending low after placement */
	struct us_rdl_prop *prop;
	size_t nprops, prop_room;
	struct us_rdl_variant *variant;
	struct us_rdl_node *alias_of; /* the register behind an alias, or NULL */
	bool external;

	unsigned ndims; /* 0: no array */
	uint64_t dim[US_RDL_DIMENSIONS];
	uint64_t count; /* of all elements; 1 without an array */
	uint64_t offset; /* bytes from the parent's start, of the first element */
	uint64_t stride; /* bytes between elements */
	uint64_t size; /* bytes of one element */

	/* Fields and signals. */
	uint32_t low, high; /* bit positions in the register */
	uint32_t width;
	bool msb0; /* declared [low:high], so that its most significant bit lies at the low position */

	/* What the source says of placement, until it is carried out. */
	bool has_at, has_stride, has_align, has_range, placed;
	uint64_t align;
	uint64_t left, right;
};

/* -- reading ---------------------------------------------------------------------------------------------------- */

struct us_rdl_options {
	const char *const *include; /* directories for `include, searched after the including file's own; NULL ends */
	const char *const *define; /* NAME or NAME=VALUE; NULL ends; may be NULL */
	const char *const *param; /* NAME=VALUE for the top address map's parameters; NULL ends; may be NULL */
	const char *top; /* name of the top address map; NULL: the last one defined at the outermost level */
	FILE *diagnostics; /* where errors go; NULL: nowhere */
	bool colour;
};

/* A new context. `options` and what it points to must stay until us_rdl_free(). */
struct us_rdl *us_rdl_new(const struct us_rdl_options *options);
void us_rdl_free(struct us_rdl *rdl);

/*
 * Reads and elaborates a file, or text in memory that is called `name`. 0; -EINVAL when there were errors, which were
 * told; -ENOENT and other negative errno when the file could not be read, also told. Once for a context.
 */
int us_rdl_read_file(struct us_rdl *rdl, const char *path);
int us_rdl_read_text(struct us_rdl *rdl, const char *name, const char *text, size_t length);

unsigned us_rdl_errors(const struct us_rdl *rdl);

/* The top address map; NULL when the file defines none. Its offset is 0. */
const struct us_rdl_node *us_rdl_top(const struct us_rdl *rdl);

/* The files read, in order: number 0 is the one asked for. NULL past the last. Embedded text gives its name in <>. */
const char *us_rdl_file(const struct us_rdl *rdl, size_t number);

/* Adds an error, a warning or a note at `pos`, printf manner, as the reader itself does. */
void us_rdl_error(struct us_rdl *rdl, struct us_rdl_pos pos, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void us_rdl_warn(struct us_rdl *rdl, struct us_rdl_pos pos, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void us_rdl_note(struct us_rdl *rdl, struct us_rdl_pos pos, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* -- asking a tree ---------------------------------------------------------------------------------------------- */

/* The property as assigned or defaulted by the source, or NULL. */
const struct us_rdl_prop *us_rdl_get(const struct us_rdl_node *node, const char *name);

/* Its value where it is one of that type; else `otherwise`. */
uint64_t us_rdl_get_int(const struct us_rdl_node *node, const char *name, uint64_t otherwise);
bool us_rdl_get_bool(const struct us_rdl_node *node, const char *name); /* false unless true, or a number but 0 */
const char *us_rdl_get_text(const struct us_rdl_node *node, const char *name); /* or NULL */
enum us_rdl_word us_rdl_get_word(const struct us_rdl_node *node, const char *name, enum us_rdl_word otherwise);
const struct us_rdl_enum *us_rdl_encode(const struct us_rdl_node *field); /* or NULL */

/* The node of one element of an array; `node` itself where it is like the others. */
const struct us_rdl_node *us_rdl_element(const struct us_rdl_node *node, uint64_t index);

/* Word for "addrmap", "reg", … and for "rw", "woclr", … */
const char *us_rdl_kind_name(enum us_rdl_kind kind);
const char *us_rdl_word_name(enum us_rdl_word word);

unsigned us_rdl_regwidth(const struct us_rdl_node *reg); /* bits, 32 unless stated (10.6) */
unsigned us_rdl_accesswidth(const struct us_rdl_node *reg); /* bits, the regwidth unless stated (10.6) */

/* What software sees of a field (9.4 to 9.10), after all short forms. */
struct us_rdl_access {
	bool read, write, once; /* sw */
	enum us_rdl_word onread, onwrite; /* or US_RDL_WORD_NONE */
	bool hw; /* hardware may change it */
	bool singlepulse, intr, sticky, counter;
	bool has_reset;
	const struct us_rdl_value *reset; /* when has_reset */
};
void us_rdl_field_access(const struct us_rdl_node *field, struct us_rdl_access *access);

/* -- walking ---------------------------------------------------------------------------------------------------- */

/* One step down from the top: which node, which of its elements, where it lies. */
struct us_rdl_place {
	const struct us_rdl_place *up; /* NULL at the top */
	const struct us_rdl_node *node;
	uint64_t index; /* flat */
	uint64_t address; /* absolute, bytes */
};

/*
 * Calls `visit` for `place`'s node and, when it returns 0, for everything below in order, each element of each array by
 * itself; fields included. Another result but 0 skips what is below when positive and ends the walk when negative.
 * Returns 0 or that negative.
 */
int us_rdl_walk(const struct us_rdl_place *place, int (*visit)(void *ctx, const struct us_rdl_place *place), void *ctx);

/* How many places a walk from `node` would visit. At most UINT64_MAX. */
uint64_t us_rdl_count(const struct us_rdl_node *node);

/*
 * Follows a reference from the node at `from` that owns the property. Fills `found` with up to `room` places, `found[0]`
 * the uppermost, the last of which is the target, and returns how many; 0 when it leads nowhere.
 */
size_t us_rdl_follow(const struct us_rdl_place *from, const struct us_rdl_ref *ref, struct us_rdl_place *found,
		     size_t room);

/* "window.ENTRY[3]": the names from below `base` (NULL: from the top, its name included) to `place`. Context owns it. */
const char *us_rdl_path(struct us_rdl *rdl, const struct us_rdl_place *base, const struct us_rdl_place *place);

/* -- what is made from a tree ----------------------------------------------------------------------------------- */

struct us_map;

/* The register map (include/understudy/map.h), which the context owns; NULL after telling why the tree has none. */
const struct us_map *us_rdl_make_map(struct us_rdl *rdl);

/* All write to `out` and return 0, or -EINVAL after telling why the tree can not become that. */
int us_rdl_write_map(struct us_rdl *rdl, FILE *out); /* a C file with `const struct us_map NAME_map` */
int us_rdl_write_header(struct us_rdl *rdl, FILE *out); /* a C header: offsets, masks, shifts, enumerators */
int us_rdl_write_dump(struct us_rdl *rdl, FILE *out); /* JSON, see docs/rdl.md */
int us_rdl_write_html(struct us_rdl *rdl, FILE *out); /* one page */

#endif
