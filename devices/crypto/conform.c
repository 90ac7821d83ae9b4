/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `understudy conform crypto` tests beyond what it makes from crypto.rdl: every numbered requirement, by the files
 * conform-*.c. They run on the model, over a socket and on a card, with the same results.
 */
#include "conform-rig.h"

static const struct us_test_group groups[] = {
	{"registers", crypto_register_tests, 0}, {"algorithms", crypto_algorithm_tests, 0},
	{"lists", crypto_list_tests, 0},	 {"commands", crypto_command_tests, 0},
	{"ends", crypto_end_tests, 0},		 {"interrupts", crypto_interrupt_tests, 0},
};

static const struct us_claim claims[] = {
	{"pci.header.ids", "CRY-001"},
	{"pci.bar0", "CRY-002"},
	{"pci.capability.express", "CRY-003"},
	{"registers.CONTROL.reserved", "CRY-005"},
	{"registers.reset.flr", "CRY-006"},
	{"registers.reset.d3hot", "CRY-006"},
	{"registers.INT_STATUS.DONE.w1c", "CRY-050"},
	{"pci.intx.level", "CRY-051"},
	{"pci.msi.granted-2", "CRY-052"},
	{"pci.msix.granted-4", "CRY-052"},
	{"pci.intx.cause-disabled", "CRY-053"},
	{"pci.msi.cause-disabled", "CRY-053"},
	{"registers.ID.MAGIC.ro", "CRY-070"},
	{"registers.VERSION.MAJOR.ro", "CRY-071"},
	{"registers.FEATURES.SHA256.ro", "CRY-072"},
	{"registers.LIMITS.LIST_ENTRIES.ro", "CRY-073"},
	{"registers.MAX_LENGTH.BYTES.ro", "CRY-074"},
	{"registers.reset.function", "CRY-006 CRY-070 CRY-071 CRY-072 CRY-073 CRY-074 CRY-076 CRY-081"},
	{"registers.KEY[0].BYTES.wo", "CRY-082"},
	{"registers.IV[0].BYTES.wo", "CRY-083"},
};

static const struct us_unreachable unreachable[] = {
	{"ERROR.CODE = ENGINE_FAULT", "the engine fails by itself alone; tests/test-engine.c takes libcrypto's memory"},
};

US_CONFORM(.groups = groups, .ngroups = sizeof groups / sizeof groups[0], .claims = claims,
	   .nclaims = sizeof claims / sizeof claims[0], .unreachable = unreachable,
	   .nunreachable = sizeof unreachable / sizeof unreachable[0]);
