/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The group `pci`: the MSI-X table as memory (PCI 3.0, 6.8.2.4 to 6.8.2.9). MSI-X is off all the time, so no message goes
 * where these tests write; each test leaves the entries masked.
 */
#include "conform/internal.h"

#include <linux/pci_regs.h>

#define ENTRY PCI_MSIX_ENTRY_SIZE
#define FIXED_ADDRESS UINT64_C(3) /* bits 1:0 of the address are 0, or whatever: software has to write 0 there */

static uint64_t table_read(struct us_run *run, unsigned at, unsigned width)
{
	const struct us_pci *pci = &run->suite->map->pci;
	uint64_t value = 0;

	us_run_done(run, us_fn_read(run->fn, (enum us_region)pci->msix_table_bar, pci->msix_table_offset + at, width,
				    &value));
	return value;
}

static void table_write(struct us_run *run, unsigned at, unsigned width, uint64_t value)
{
	const struct us_pci *pci = &run->suite->map->pci;

	us_run_done(run, us_fn_write(run->fn, (enum us_region)pci->msix_table_bar, pci->msix_table_offset + at, width,
				     value));
}

static void expect(struct us_run *run, unsigned at, unsigned width, uint64_t expected, const char *what)
{
	const struct us_pci *pci = &run->suite->map->pci;
	struct us_finding *finding = &run->test->finding;
	const uint64_t got = table_read(run, at, width);

	if (got == expected)
		return;
	finding->expected = expected;
	finding->got = got;
	finding->values = true;
	snprintf(finding->at, sizeof finding->at, "MSI-X table entry %u byte %u, BAR %u offset 0x%x, access of %u bytes",
		 at / ENTRY, at % ENTRY, pci->msix_table_bar, pci->msix_table_offset + at, width);
	us_run_fail(run, "%s", what);
}

static void after_reset(struct us_run *run)
{
	us_run_clause(run, "PCI 3.0, 6.8.2.9");
	for (unsigned n = 0; n < run->suite->map->pci.msix; n++) {
		const unsigned at = n * ENTRY + PCI_MSIX_ENTRY_VECTOR_CTRL;
		const uint64_t control = table_read(run, at, 4);

		if (!(control & PCI_MSIX_ENTRY_CTRL_MASKBIT))
			expect(run, at, 4, control | PCI_MSIX_ENTRY_CTRL_MASKBIT, "every entry is masked after a reset");
	}
}

/* All entries hold values of their own at once, so that two that are one show. */
static void entries(struct us_run *run)
{
	const unsigned count = run->suite->map->pci.msix;
	uint64_t *address = us_run_alloc(run, 2 * count * sizeof *address), *data = address + count;

	us_run_clause(run, "PCI 3.0, 6.8.2.7");
	for (unsigned n = 0; n < count; n++) {
		address[n] = us_run_random(run) & ~FIXED_ADDRESS;
		data[n] = us_run_random(run) & UINT32_MAX;
		table_write(run, n * ENTRY + PCI_MSIX_ENTRY_VECTOR_CTRL, 4, PCI_MSIX_ENTRY_CTRL_MASKBIT);
		table_write(run, n * ENTRY + PCI_MSIX_ENTRY_LOWER_ADDR, 4, address[n] & UINT32_MAX);
		table_write(run, n * ENTRY + PCI_MSIX_ENTRY_UPPER_ADDR, 4, address[n] >> 32);
		table_write(run, n * ENTRY + PCI_MSIX_ENTRY_DATA, 4, data[n]);
	}
	for (unsigned n = 0; n < count; n++) {
		expect(run, n * ENTRY + PCI_MSIX_ENTRY_LOWER_ADDR, 4, address[n] & UINT32_MAX,
		       "an entry keeps the lower half of its address");
		expect(run, n * ENTRY + PCI_MSIX_ENTRY_UPPER_ADDR, 4, address[n] >> 32,
		       "an entry keeps the upper half of its address");
		expect(run, n * ENTRY + PCI_MSIX_ENTRY_DATA, 4, data[n], "an entry keeps its data");
	}
}

/* The table takes accesses of 8 bytes too (6.8.2), and an access changes what it addresses alone. */
static void quadwords(struct us_run *run)
{
	const unsigned last = run->suite->map->pci.msix - 1u, at = last * ENTRY;
	const uint64_t first = us_run_random(run) & ~FIXED_ADDRESS, second = us_run_random(run) & ~FIXED_ADDRESS;

	us_run_clause(run, "PCI 3.0, 6.8.2");
	table_write(run, at + PCI_MSIX_ENTRY_VECTOR_CTRL, 4, PCI_MSIX_ENTRY_CTRL_MASKBIT);
	table_write(run, at, 8, first);
	expect(run, at, 8, first, "an entry's address can be written and read by 8 bytes");
	expect(run, at + 4, 4, first >> 32, "an entry's address can be read by 4 bytes when it was written by 8");
	table_write(run, at + 4, 4, second >> 32);
	expect(run, at, 8, (second & ~UINT64_C(0xffffffff)) | (first & UINT32_MAX),
	       "a write of the upper half changes that alone");
	table_write(run, at, 4, second & UINT32_MAX);
	expect(run, at, 8, second, "a write of the lower half changes that alone");
}

static unsigned control_of(unsigned entry)
{
	return entry * ENTRY + PCI_MSIX_ENTRY_VECTOR_CTRL;
}

/* By turns half of the entries are not masked, as each bit of their number has it: each has a bit of its own then. */
static void mask_bits(struct us_run *run)
{
	const unsigned count = run->suite->map->pci.msix;
	const uint64_t mask = PCI_MSIX_ENTRY_CTRL_MASKBIT;

	us_run_clause(run, "PCI 3.0, 6.8.2.9");
	for (unsigned bit = 1; bit <= count; bit *= 2) {
		for (unsigned n = 0; n < count; n++)
			table_write(run, control_of(n), 4,
				    (table_read(run, control_of(n), 4) & ~mask) | (n & bit ? 0 : mask));
		for (unsigned n = 0; n < count; n++)
			expect(run, control_of(n), 4,
			       (table_read(run, control_of(n), 4) & ~mask) | (n & bit ? 0 : mask),
			       "every entry has a mask bit of its own, which reads as written");
	}
	for (unsigned n = 0; n < count; n++)
		table_write(run, control_of(n), 4, table_read(run, control_of(n), 4) | mask);
}

void us_suite_add_msix(struct us_suite *suite)
{
	us_suite_add(suite, after_reset, "pci.msix.table-reset");
	us_suite_add(suite, entries, "pci.msix.table-entries");
	us_suite_add(suite, quadwords, "pci.msix.table-quadwords");
	us_suite_add(suite, mask_bits, "pci.msix.table-mask");
}
