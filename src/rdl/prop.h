/* SPDX-License-Identifier: Apache-2.0 */
/* The properties of the language: where each may stand, what it takes, and which exclude each other. */
#ifndef UNDERSTUDY_RDL_PROP_H
#define UNDERSTUDY_RDL_PROP_H

#include "rdl/ast.h"

/* What a property takes; alternatives are or-ed. */
enum us_rdl_takes {
	US_RDL_TAKES_BOOL = 1 << 0,
	US_RDL_TAKES_INT = 1 << 1,
	US_RDL_TAKES_STRING = 1 << 2,
	US_RDL_TAKES_REF = 1 << 3,
	US_RDL_TAKES_ACCESS = 1 << 4,
	US_RDL_TAKES_ONREAD = 1 << 5,
	US_RDL_TAKES_ONWRITE = 1 << 6,
	US_RDL_TAKES_ADDRESSING = 1 << 7,
	US_RDL_TAKES_PRECEDENCE = 1 << 8,
	US_RDL_TAKES_ENCODE = 1 << 9,
	US_RDL_TAKES_STRINGS = 1 << 10, /* an array of them */
};

struct us_rdl_rule {
	const char *name;
	unsigned kinds; /* bit mask of enum us_rdl_kind */
	unsigned takes;
	unsigned group; /* those of one group exclude each other; 0: none */
	bool fixed; /* may not be assigned dynamically */
};

/* NULL when the language has no such property. */
const struct us_rdl_rule *us_rdl_find_rule(const char *name);

const struct us_rdl_udp *us_rdl_find_udp(const struct us_rdl *rdl, const char *name);

/* A property of the language whose name is near `name`, for "did you mean"; or NULL. */
const char *us_rdl_similar_rule(const char *name);

#endif
