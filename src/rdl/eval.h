/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions to values, where they are used: in a component with its parameters. */
#ifndef UNDERSTUDY_RDL_EVAL_H
#define UNDERSTUDY_RDL_EVAL_H

#include "rdl/ast.h"

/* A component being elaborated. */
struct us_rdl_frame {
	const struct us_rdl_def *def;
	const struct us_rdl_value *param; /* one for each of def->param */
	struct us_rdl_node *node;
	unsigned depth; /* of the node in the tree */
	const struct us_rdl_frame *up;
};

/*
 * The value, US_RDL_NONE after an error, which was told. `frame` is NULL outside of components. A number is computed in
 * at least `width` bits (0: as wide as its operands are), as the assignment it is for would have it.
 */
struct us_rdl_value us_rdl_eval_in(struct us_rdl *rdl, const struct us_rdl_frame *frame, const struct us_rdl_expr *expr,
				   unsigned width);
struct us_rdl_value us_rdl_eval(struct us_rdl *rdl, const struct us_rdl_frame *frame, const struct us_rdl_expr *expr);

/* The same where a number of at most 64 bits is wanted; tells and returns false where it is none. */
bool us_rdl_eval_number(struct us_rdl *rdl, const struct us_rdl_frame *frame, const struct us_rdl_expr *expr,
			const char *what, uint64_t *number);

/* Makes *value one of that type, or tells that `what` is not and returns false. */
bool us_rdl_convert(struct us_rdl *rdl, const struct us_rdl_datatype *type, struct us_rdl_value *value,
		    struct us_rdl_pos pos, const char *what);

/* "a number", "a string", …: for messages. */
const char *us_rdl_describe(const struct us_rdl_value *value);

#endif
