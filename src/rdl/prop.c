/* SPDX-License-Identifier: Apache-2.0 */
#include "rdl/prop.h"

#include <stdlib.h>
#include <string.h>

#define A (1u << US_RDL_ADDRMAP)
#define F (1u << US_RDL_REGFILE)
#define R (1u << US_RDL_REG)
#define B (1u << US_RDL_FIELD)
#define M (1u << US_RDL_MEM)
#define S (1u << US_RDL_SIGNAL)

#define BOOL US_RDL_TAKES_BOOL
#define INT US_RDL_TAKES_INT
#define STRING US_RDL_TAKES_STRING
#define STRINGS US_RDL_TAKES_STRINGS
#define REF US_RDL_TAKES_REF

/* Of each group at most one may be in force. */
enum { READS = 1, WRITES, STICKY, BITS, BYTES, RESERVED, WE, SWWE, HWENABLE, ENABLE, HALT, ACTIVE, CLOCKED, EDGE };

/* Sorted by name. Table 7 and following of the specification: clauses 8.2, 9.2 to 9.10, 10.6, 11.2, 12.3, 13.4. */
static const struct us_rdl_rule rules[] = {
	{"accesswidth", R, INT, 0, false},
	{"activehigh", S, BOOL, ACTIVE, false},
	{"activelow", S, BOOL, ACTIVE, false},
	{"addressing", A, US_RDL_TAKES_ADDRESSING, 0, false},
	{"alignment", A | F, INT, 0, false},
	{"anded", B, BOOL, 0, false},
	{"arbiter", A, BOOL, 0, false},
	{"async", S, BOOL, CLOCKED, false},
	{"bigendian", A, BOOL, BYTES, false},
	{"bothedge", B, BOOL, EDGE, false},
	{"bridge", A, BOOL, 0, false},
	{"counter", B, BOOL, 0, false},
	{"cpuif_reset", S, BOOL, 0, false},
	{"decr", B, REF, 0, false},
	{"decrsaturate", B, BOOL | INT | REF, 0, false},
	{"decrthreshold", B, BOOL | INT | REF, 0, false},
	{"decrvalue", B, INT | REF, 0, false},
	{"decrwidth", B, INT, 0, false},
	{"desc", A | F | R | B | M | S, STRING, 0, false},
	{"dontcompare", A | F | R | B | M, BOOL | INT, 0, false},
	{"donttest", A | F | R | B | M, BOOL | INT, 0, false},
	{"enable", B, REF, ENABLE, false},
	{"encode", B, US_RDL_TAKES_ENCODE, 0, false},
	{"errextbus", A | F | R, BOOL, 0, false},
	{"field_reset", S, BOOL, 0, false},
	{"fieldwidth", B, INT, 0, true},
	{"haltenable", B, REF, HALT, false},
	{"haltmask", B, REF, HALT, false},
	{"hdl_path", A | F | R | M, STRING, 0, false},
	{"hdl_path_gate", A | F | R | M, STRING, 0, false},
	{"hdl_path_gate_slice", B | M, STRING | STRINGS, 0, false},
	{"hdl_path_slice", B | M, STRING | STRINGS, 0, false},
	{"hw", B, US_RDL_TAKES_ACCESS, 0, false},
	{"hwclr", B, BOOL | REF, 0, false},
	{"hwenable", B, REF, HWENABLE, false},
	{"hwmask", B, REF, HWENABLE, false},
	{"hwset", B, BOOL | REF, 0, false},
	{"incr", B, REF, 0, false},
	{"incrsaturate", B, BOOL | INT | REF, 0, false},
	{"incrthreshold", B, BOOL | INT | REF, 0, false},
	{"incrvalue", B, INT | REF, 0, false},
	{"incrwidth", B, INT, 0, false},
	{"intr", B, BOOL, 0, false},
	{"ispresent", A | F | R | B | M | S, BOOL, 0, false},
	{"level", B, BOOL, EDGE, false},
	{"littleendian", A, BOOL, BYTES, false},
	{"lsb0", A, BOOL, BITS, false},
	{"mask", B, REF, ENABLE, false},
	{"mementries", M, INT, 0, true},
	{"memwidth", M, INT, 0, true},
	{"msb0", A, BOOL, BITS, false},
	{"name", A | F | R | B | M | S, STRING, 0, false},
	{"negedge", B, BOOL, EDGE, false},
	{"next", B, REF, 0, false},
	{"nonsticky", B, BOOL, EDGE, false},
	{"onread", B, US_RDL_TAKES_ONREAD, READS, false},
	{"onwrite", B, US_RDL_TAKES_ONWRITE, WRITES, false},
	{"ored", B, BOOL, 0, false},
	{"overflow", B, BOOL | REF, 0, false},
	{"paritycheck", B, BOOL, 0, false},
	{"posedge", B, BOOL, EDGE, false},
	{"precedence", B, US_RDL_TAKES_PRECEDENCE, 0, false},
	{"rclr", B, BOOL, READS, false},
	{"regwidth", R, INT, 0, true},
	{"reset", B, INT | REF, 0, false},
	{"resetsignal", B, REF, 0, false},
	{"rset", B, BOOL, READS, false},
	{"rsvdset", A, BOOL, RESERVED, false},
	{"rsvdsetX", A, BOOL, RESERVED, false},
	{"saturate", B, BOOL | INT | REF, 0, false},
	{"shared", R, BOOL, 0, false},
	{"sharedextbus", A | F, BOOL, 0, false},
	{"signalwidth", S, INT, 0, false},
	{"singlepulse", B, BOOL, 0, false},
	{"sticky", B, BOOL, STICKY, false},
	{"stickybit", B, BOOL, STICKY, false},
	{"sw", B | M, US_RDL_TAKES_ACCESS, 0, false},
	{"swacc", B, BOOL, 0, false},
	{"swmod", B, BOOL, 0, false},
	{"swwe", B, BOOL | REF, SWWE, false},
	{"swwel", B, BOOL | REF, SWWE, false},
	{"sync", S, BOOL, CLOCKED, false},
	{"threshold", B, BOOL | INT | REF, 0, false},
	{"underflow", B, BOOL | REF, 0, false},
	{"we", B, BOOL | REF, WE, false},
	{"wel", B, BOOL | REF, WE, false},
	{"woclr", B, BOOL, WRITES, false},
	{"woset", B, BOOL, WRITES, false},
	{"xored", B, BOOL, 0, false},
};

#define RULES (sizeof rules / sizeof rules[0])

static int compare_rule(const void *name, const void *rule)
{
	return strcmp(name, ((const struct us_rdl_rule *)rule)->name);
}

const struct us_rdl_rule *us_rdl_find_rule(const char *name)
{
	return bsearch(name, rules, RULES, sizeof rules[0], compare_rule);
}

const struct us_rdl_udp *us_rdl_find_udp(const struct us_rdl *rdl, const char *name)
{
	for (const struct us_rdl_udp *udp = rdl->udp; udp; udp = udp->next)
		if (udp->name == name)
			return udp;
	return NULL;
}

/* One letter more, less, another, or two swapped. */
static bool is_near(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b), head = 0, tail = 0;

	while (head < la && head < lb && a[head] == b[head])
		head++;
	while (tail + head < la && tail + head < lb && a[la - 1 - tail] == b[lb - 1 - tail])
		tail++;
	if (la - head - tail <= 1 && lb - head - tail <= 1)
		return true;
	return la == lb && la - head - tail == 2 && a[head] == b[head + 1] && a[head + 1] == b[head];
}

const char *us_rdl_similar_rule(const char *name)
{
	for (size_t i = 0; i < RULES && strlen(name) > 2; i++)
		if (is_near(name, rules[i].name))
			return rules[i].name;
	return NULL;
}
