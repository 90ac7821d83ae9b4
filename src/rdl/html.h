/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that make the page share. */
#ifndef UNDERSTUDY_RDL_HTML_H
#define UNDERSTUDY_RDL_HTML_H

#include "rdl/pci.h"
#include "rdl/rdl.h"

/* A requirement: a paragraph of some desc that begins with an identifier and a colon, as in "CRY-017: …". */
struct us_rdl_requirement {
	const char *id; /* interned */
	const char *text; /* its first sentence, plain */
};

/* A register that texts may name: its name links to it where it is the only one of that name so near to the top. */
struct us_rdl_link {
	const char *name; /* interned */
	const char *anchor; /* NULL when the name is not unique */
	const struct us_rdl_node *node;
	unsigned depth; /* in the tree: the one nearest to the top is meant */
};

struct us_rdl_page {
	struct us_rdl *rdl;
	FILE *out;
	struct us_rdl_pci pci;
	struct us_rdl_requirement *requirement; /* in the order of the page */
	size_t requirements, requirement_room;
	struct us_rdl_link *link; /* hash table by name; always with room */
	size_t links, link_room;
};

/*
 * A desc: formatting codes (annex F), paragraphs, identifiers of requirements as anchors and links, names of registers as
 * links. `node` is for [name] and [instname]. Whatever the text holds, the markup that comes out is balanced.
 */
void us_rdl_html_text(struct us_rdl_page *page, const struct us_rdl_node *node, const char *text);

/* The same without paragraphs of its own, for a table's cell. */
void us_rdl_html_inline(struct us_rdl_page *page, const struct us_rdl_node *node, const char *text);

/* Notes the requirements that a desc states, for the index and for links to them. */
void us_rdl_html_collect(struct us_rdl_page *page, const char *text);

const struct us_rdl_link *us_rdl_html_find(const struct us_rdl_page *page, const char *name);

/* A register's bits as SVG. */
void us_rdl_html_bits(struct us_rdl_page *page, const struct us_rdl_node *reg);

/* "rw", "ro", "wo", "w1c" …: the class of a field's colour. */
const char *us_rdl_html_class(const struct us_rdl_access *access);

/* The top of the page, up to the register map: what kind of PCI function this is. */
void us_rdl_html_function(struct us_rdl_page *page);

#endif
