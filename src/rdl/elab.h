/* SPDX-License-Identifier: Apache-2.0 */
/* Elaboration: from definitions to the tree of instances. The steps, in order; each tells its errors. */
#ifndef UNDERSTUDY_RDL_ELAB_H
#define UNDERSTUDY_RDL_ELAB_H

#include "rdl/eval.h"

/* All of it: chooses the top, instantiates, assigns, places, checks. Sets rdl->top. */
void us_rdl_elaborate(struct us_rdl *rdl);

/* assign.c: one assignment to one node. Its reference is relative to the frame's node; `reset_of` see there. */
void us_rdl_assign(struct us_rdl *rdl, const struct us_rdl_frame *frame, struct us_rdl_node *node, unsigned depth,
		   struct us_rdl_assign *assign, bool dynamic);
void us_rdl_assign_defaults(struct us_rdl *rdl, const struct us_rdl_frame *frame);
void us_rdl_assign_dynamic(struct us_rdl *rdl, const struct us_rdl_frame *frame, struct us_rdl_assign *assign);
void us_rdl_set_prop(struct us_rdl *rdl, struct us_rdl_node *node, struct us_rdl_prop prop);
struct us_rdl_node *us_rdl_child(const struct us_rdl_node *node, const char *name); /* interned; or NULL */

/* All children as an array of the arena's, in the order of qsort()'s `compare`; NULL without any. */
struct us_rdl_node **us_rdl_children_sorted(struct us_rdl *rdl, const struct us_rdl_node *node,
					    int (*compare)(const void *, const void *), size_t *count);

/* place.c: bit positions and addresses. False when something has no place. */
bool us_rdl_place(struct us_rdl *rdl, struct us_rdl_node *top);

/* check.c: what placed components must not do. */
void us_rdl_check(struct us_rdl *rdl, struct us_rdl_node *top);

/* "register 'COMMAND'": for messages. */
const char *us_rdl_label(struct us_rdl *rdl, const struct us_rdl_node *node);

#endif
