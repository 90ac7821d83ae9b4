/* SPDX-License-Identifier: Apache-2.0 */
/* What a tree says of PCI, by the properties of understudy.rdl. */
#ifndef UNDERSTUDY_RDL_PCI_H
#define UNDERSTUDY_RDL_PCI_H

#include "rdl/rdl.h"

#include <understudy/map.h>

struct us_rdl_bar {
	enum us_bar_kind kind;
	bool prefetchable;
	uint64_t size;
	/* Its address map, less whose address registers lie in the BAR; node is NULL when MSI-X alone needs the BAR. */
	struct us_rdl_place place;
};

struct us_rdl_pci {
	bool any; /* the file says anything of PCI at all */
	struct us_pci facts;
	bool has_subsystem;
	struct us_rdl_place top;
	struct us_rdl_bar bar[US_BARS];
};

/*
 * Gathers and checks. 0; -EINVAL, told, when what is said is inconsistent, or with `required` incomplete. Do not move
 * the result: places in it point to each other.
 */
int us_rdl_gather_pci(struct us_rdl *rdl, struct us_rdl_pci *pci, bool required);

/* The BAR behind whose address map `place` lies, or -1. */
int us_rdl_bar_of(const struct us_rdl_pci *pci, const struct us_rdl_place *place);

#endif
