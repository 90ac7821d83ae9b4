/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions to values, where they are used: in a component with its parameters. */
#ifndef UNDERSTUDY_RDL_EVAL_H
#define UNDERSTUDY_RDL_EVAL_H

#include "rdl/ast.h"

/* Values of their own. A number is cut to its width. */
static inline struct us_rdl_value us_rdl_nothing(void)
{
	return (struct us_rdl_value){.type = US_RDL_NONE};
}

static inline struct us_rdl_value us_rdl_number(uint64_t num, unsigned width)
{
	if (width < 64)
		num &= ((uint64_t)1 << width) - 1;
	return (struct us_rdl_value){.type = US_RDL_INT, .width = width, .num = num};
}

static inline struct us_rdl_value us_rdl_truth(bool is)
{
	return (struct us_rdl_value){.type = US_RDL_BOOL, .width = 1, .num = is};
}

/* Numbers, booleans and enumerators count as numbers in expressions. */
static inline bool us_rdl_is_number(const struct us_rdl_value *value)
{
	return value->type == US_RDL_INT || value->type == US_RDL_BOOL || value->type == US_RDL_ENUM;
}

/* A component being elaborated. */
struct us_rdl_frame {
	const struct us_rdl_def *def;
	const struct us_rdl_value *param; /* one for each of def->param */
	struct us_rdl_node *node;
	unsigned depth; /* of the node in the tree */
	const struct us_rdl_frame *up;
};

/* The innermost of the frame and those around it that elaborates `def`; NULL when there is none. */
const struct us_rdl_frame *us_rdl_frame_of(const struct us_rdl_frame *frame, const struct us_rdl_def *def);

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

/* The parts, strings all or numbers all, as one value; US_RDL_NONE, told, when it has no bits or too many. */
struct us_rdl_value us_rdl_join(struct us_rdl *rdl, struct us_rdl_pos pos, const struct us_rdl_value *parts, size_t count);

/* "a number", "a string", …: for messages. */
const char *us_rdl_describe(const struct us_rdl_value *value);

#endif
