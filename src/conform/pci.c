/* SPDX-License-Identifier: Apache-2.0 */
/* The group `pci`, for every device: header, BARs, capabilities, command register. */
#include "conform/internal.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

static const struct us_pci *pci_of(struct us_run *run)
{
	return &run->suite->map->pci;
}

/* -- header ----------------------------------------------------------------------------------------------------- */

static void expect_config(struct us_run *run, unsigned offset, unsigned width, uint64_t expected, const char *what)
{
	const uint64_t got = us_run_config_read(run, offset, width);

	if (got != expected)
		us_run_config_mismatch(run, offset, width, expected, got, "%s", what);
}

static void ids(struct us_run *run)
{
	const struct us_pci *pci = pci_of(run);

	us_run_clause(run, "PCI 3.0, 6.2.1");
	expect_config(run, PCI_VENDOR_ID, 2, pci->vendor_id, "Vendor ID");
	expect_config(run, PCI_DEVICE_ID, 2, pci->device_id, "Device ID");
	expect_config(run, PCI_REVISION_ID, 1, pci->revision, "Revision ID");
	expect_config(run, PCI_CLASS_REVISION, 4, pci->class_code << 8 | pci->revision, "Class Code and Revision ID");
	us_run_clause(run, "PCI 3.0, 6.2.4");
	if (pci->subsystem_vendor_id || pci->subsystem_id) {
		expect_config(run, PCI_SUBSYSTEM_VENDOR_ID, 2, pci->subsystem_vendor_id, "Subsystem Vendor ID");
		expect_config(run, PCI_SUBSYSTEM_ID, 2, pci->subsystem_id, "Subsystem ID");
	}
}

static void type(struct us_run *run)
{
	us_run_clause(run, "PCI 3.0, 6.2.1");
	if (us_run_config_read(run, PCI_HEADER_TYPE, 1) & 0x7f)
		us_run_config_mismatch(run, PCI_HEADER_TYPE, 1, PCI_HEADER_TYPE_NORMAL,
				       us_run_config_read(run, PCI_HEADER_TYPE, 1) & 0x7f,
				       "Header Type is that of a function (type 0)");
}

static void pin(struct us_run *run)
{
	us_run_clause(run, "PCI 3.0, 6.2.4");
	expect_config(run, PCI_INTERRUPT_PIN, 1, pci_of(run)->intx_pin, "Interrupt Pin");
}

static void read_only(struct us_run *run)
{
	static const uint8_t at[] = {PCI_VENDOR_ID, PCI_CLASS_REVISION, PCI_SUBSYSTEM_VENDOR_ID, PCI_CAPABILITY_LIST};

	us_run_clause(run, "PCI 3.0, 6.2.1");
	for (size_t i = 0; i < sizeof at; i++) {
		const uint64_t before = us_run_config_read(run, at[i], 4);

		us_run_config_write(run, at[i], 4, ~before & UINT32_MAX);
		expect_config(run, at[i], 4, before, "a read-only part of the header keeps its value when it is written");
	}
}

/* Bytes and words are parts of the same dwords. */
static void widths(struct us_run *run)
{
	us_run_clause(run, "PCI 3.0, 3.2.2.3");
	for (unsigned at = 0; at < PCI_STD_HEADER_SIZEOF; at += 4) {
		const uint64_t whole = us_run_config_read(run, at, 4);

		for (unsigned width = 1; width < 4; width *= 2)
			for (unsigned byte = 0; byte < 4; byte += width)
				expect_config(run, at + byte, width, whole >> 8 * byte & us_lanes(0, width),
					      "a narrow read gives the bytes of the wide one");
	}
}

/* -- base address registers (PCI 3.0, 6.2.5.1) ------------------------------------------------------------------ */

/* Decoding is off while a BAR is sized: it would answer at a wrong address. */
static uint64_t size_bar(struct us_run *run, unsigned number, bool wide, uint32_t *low)
{
	const unsigned at = PCI_BASE_ADDRESS_0 + 4 * number;
	struct us_header header;
	uint64_t high = UINT32_MAX;

	us_run_save_header(run, &header);
	us_run_config_write(run, PCI_COMMAND, 2, header.command & ~(PCI_COMMAND_MEMORY | PCI_COMMAND_IO));
	us_run_config_write(run, at, 4, UINT32_MAX);
	if (wide)
		us_run_config_write(run, at + 4, 4, UINT32_MAX);
	*low = (uint32_t)us_run_config_read(run, at, 4);
	if (wide)
		high = us_run_config_read(run, at + 4, 4);
	us_run_restore_header(run, &header);
	return high << 32 | *low;
}

static void bar(struct us_run *run)
{
	const unsigned number = run->test->number, at = PCI_BASE_ADDRESS_0 + 4 * number;
	const struct us_bar *bar = &run->suite->map->bars[number];
	const bool io = bar->kind == US_BAR_IO, wide = bar->kind == US_BAR_MEM64;
	const uint32_t kind = io ? PCI_BASE_ADDRESS_SPACE_IO
				 : (wide ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0) |
					   (bar->prefetchable ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0);
	const uint32_t flags = io ? 3 : 15;
	uint64_t mask, size;
	uint32_t low;

	us_run_clause(run, "PCI 3.0, 6.2.5.1");
	if ((us_run_config_read(run, at, 4) & flags) != kind)
		us_run_config_mismatch(run, at, 4, kind, us_run_config_read(run, at, 4) & flags,
				       "BAR %u: its kind (I/O or memory, width, prefetchable)", number);
	mask = size_bar(run, number, wide, &low);
	if (io)
		mask |= UINT64_C(0xffff0000); /* a 16-bit I/O BAR is as good */
	size = ~(mask & ~(uint64_t)flags) + 1;
	if (size != bar->size)
		us_run_config_mismatch(run, at, 4, bar->size, size, "BAR %u: its size, found by writing all ones", number);
	if ((low & flags) != kind)
		us_run_config_mismatch(run, at, 4, kind, low & flags, "BAR %u: writing does not change its kind", number);
	if (us_fn_info(run->fn)->region[number].size != bar->size)
		us_run_fail(run, "BAR %u: the target says it has 0x%llx bytes, the specification 0x%llx", number,
			    (unsigned long long)us_fn_info(run->fn)->region[number].size, (unsigned long long)bar->size);
}

static void unused_bars(struct us_run *run)
{
	const struct us_bar *bars = run->suite->map->bars;

	us_run_clause(run, "PCI 3.0, 6.2.5.1");
	for (unsigned i = 0; i < US_BARS; i++) {
		uint32_t low;

		if (bars[i].kind == US_BAR_MEM64)
			i++; /* takes two */
		else if (bars[i].kind == US_BAR_NONE && size_bar(run, i, false, &low) != (UINT64_C(0xffffffff) << 32))
			us_run_config_mismatch(run, PCI_BASE_ADDRESS_0 + 4 * i, 4, 0, low,
					       "BAR %u: one that is not there reads as 0, whatever is written", i);
	}
}

/* -- capabilities (PCI 3.0, 6.7) -------------------------------------------------------------------------------- */

static void list(struct us_run *run)
{
	bool seen[256] = {false};
	unsigned at;

	us_run_clause(run, "PCI 3.0, 6.7");
	if (!(us_run_config_read(run, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST)) {
		const struct us_pci *pci = pci_of(run);

		if (pci->pm || pci->msi || pci->msix || pci->express)
			us_run_config_mismatch(run, PCI_STATUS, 2, PCI_STATUS_CAP_LIST, 0,
					       "Status says that there is a list of capabilities");
		return;
	}
	for (at = (unsigned)us_run_config_read(run, PCI_CAPABILITY_LIST, 1); at & 0xfc;
	     at = (unsigned)us_run_config_read(run, at + PCI_CAP_LIST_NEXT, 1)) {
		if (at & 3)
			us_run_fail(run, "a capability starts at 0x%02x, which is no multiple of 4", at);
		if (at < PCI_STD_HEADER_SIZEOF)
			us_run_fail(run, "a capability starts at 0x%02x, inside the header", at);
		if (seen[at])
			us_run_fail(run, "the list of capabilities comes back to 0x%02x and has no end", at);
		seen[at] = true;
		if (us_run_config_read(run, at, 1) == 0xff)
			us_run_fail(run, "the list of capabilities leads to 0x%02x, where nothing answers", at);
	}
}

static void cap_pm(struct us_run *run)
{
	const unsigned at = us_run_capability(run, PCI_CAP_ID_PM, "power management");
	const uint64_t version = us_run_config_read(run, at + PCI_PM_PMC, 2) & PCI_PM_CAP_VER_MASK;

	us_run_clause(run, "PCI PM 1.2, 3.2.3");
	if (version < 1 || version > 3)
		us_run_config_mismatch(run, at + PCI_PM_PMC, 2, 3, version, "the version of the power management registers");
	us_run_clause(run, "PCI PM 1.2, 3.2.4");
	if (us_run_config_read(run, at + PCI_PM_CTRL, 2) & PCI_PM_CTRL_STATE_MASK)
		us_run_config_mismatch(run, at + PCI_PM_CTRL, 2, 0,
				       us_run_config_read(run, at + PCI_PM_CTRL, 2) & PCI_PM_CTRL_STATE_MASK,
				       "the power state after a reset is D0");
}

static void cap_msi(struct us_run *run)
{
	const unsigned at = us_run_capability(run, PCI_CAP_ID_MSI, "MSI") + PCI_MSI_FLAGS;
	const uint64_t control = us_run_config_read(run, at, 2);
	const uint64_t messages = UINT64_C(1) << ((control & PCI_MSI_FLAGS_QMASK) >> 1);

	us_run_clause(run, "PCI 3.0, 6.8.1.3");
	if (messages != pci_of(run)->msi)
		us_run_config_mismatch(run, at, 2, pci_of(run)->msi, messages, "messages that the function asks for");
	if (!!(control & PCI_MSI_FLAGS_MASKBIT) != pci_of(run)->msi_masking)
		us_run_config_mismatch(run, at, 2, pci_of(run)->msi_masking, !!(control & PCI_MSI_FLAGS_MASKBIT),
				       "Per-vector Masking Capable");
	if (pci_of(run)->express && !(control & PCI_MSI_FLAGS_64BIT))
		us_run_config_mismatch(run, at, 2, 1, 0, "64-bit Address Capable, as a PCI Express endpoint must be");
	if (control & PCI_MSI_FLAGS_ENABLE)
		us_run_config_mismatch(run, at, 2, 0, 1, "MSI Enable is 0 after a reset");
	if (us_fn_info(run->fn)->irqs[US_MSI] != pci_of(run)->msi)
		us_run_fail(run, "the target says it has %u MSI messages, the specification %u",
			    us_fn_info(run->fn)->irqs[US_MSI], pci_of(run)->msi);
}

static void cap_msix(struct us_run *run)
{
	const struct us_pci *pci = pci_of(run);
	const unsigned at = us_run_capability(run, PCI_CAP_ID_MSIX, "MSI-X");
	const uint64_t control = us_run_config_read(run, at + PCI_MSIX_FLAGS, 2);

	us_run_clause(run, "PCI 3.0, 6.8.2.3");
	if ((control & PCI_MSIX_FLAGS_QSIZE) + 1 != pci->msix)
		us_run_config_mismatch(run, at + PCI_MSIX_FLAGS, 2, pci->msix, (control & PCI_MSIX_FLAGS_QSIZE) + 1,
				       "entries of the MSI-X table");
	if (control & PCI_MSIX_FLAGS_ENABLE)
		us_run_config_mismatch(run, at + PCI_MSIX_FLAGS, 2, 0, 1, "MSI-X Enable is 0 after a reset");
	us_run_clause(run, "PCI 3.0, 6.8.2.4");
	expect_config(run, at + PCI_MSIX_TABLE, 4, pci->msix_table_offset | pci->msix_table_bar,
		      "where the MSI-X table is (offset and BAR)");
	us_run_clause(run, "PCI 3.0, 6.8.2.5");
	expect_config(run, at + PCI_MSIX_PBA, 4, pci->msix_pba_offset | pci->msix_pba_bar,
		      "where the pending bits are (offset and BAR)");
	if (us_fn_info(run->fn)->irqs[US_MSIX] != pci->msix)
		us_run_fail(run, "the target says it has %u MSI-X vectors, the specification %u",
			    us_fn_info(run->fn)->irqs[US_MSIX], pci->msix);
}

static void cap_express(struct us_run *run)
{
	const unsigned at = us_run_capability(run, PCI_CAP_ID_EXP, "PCI Express");
	const uint64_t flags = us_run_config_read(run, at + PCI_EXP_FLAGS, 2);
	const uint64_t kind = (flags & PCI_EXP_FLAGS_TYPE) >> 4;

	us_run_clause(run, "PCIe 3.0, 7.8.2");
	if (kind != PCI_EXP_TYPE_ENDPOINT && kind != PCI_EXP_TYPE_LEG_END && kind != PCI_EXP_TYPE_RC_END)
		us_run_config_mismatch(run, at + PCI_EXP_FLAGS, 2, PCI_EXP_TYPE_ENDPOINT, kind,
				       "Device/Port Type is that of an endpoint");
	us_run_clause(run, "PCIe 3.0, 7.8.3");
	if (!!(us_run_config_read(run, at + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR) != pci_of(run)->flr)
		us_run_config_mismatch(run, at + PCI_EXP_DEVCAP, 4, pci_of(run)->flr, !pci_of(run)->flr,
				       "Function Level Reset Capability");
}

/* -- command register (PCI 3.0, 6.2.2) -------------------------------------------------------------------------- */

/* A register that a test can tell from all ones; NULL: there is none in that kind of BAR. */
static const struct us_reg *telling(struct us_run *run, bool io)
{
	const struct us_map *map = run->suite->map;

	for (size_t i = 0; i < map->nregs; i++) {
		const struct us_reg *reg = &map->regs[i];
		uint64_t known, reset = us_reg_reset(reg, &known);

		if ((map->bars[US_BAR_OF(reg->addr)].kind == US_BAR_IO) == io && (known & ~reset) &&
		    !us_reg_read_effects(reg) && !us_reg_mask(reg, US_FIELD_HW))
			return reg;
	}
	return NULL;
}

/* One that keeps a written value, or NULL. */
static const struct us_reg *keeping(struct us_run *run, bool io, uint64_t *mask)
{
	const struct us_map *map = run->suite->map;

	for (size_t i = 0; i < map->nregs; i++) {
		const struct us_reg *reg = &map->regs[i];

		if ((map->bars[US_BAR_OF(reg->addr)].kind == US_BAR_IO) != io || reg->flags & US_REG_DANGEROUS ||
		    us_reg_read_effects(reg))
			continue;
		for (unsigned f = 0; f < reg->nfields; f++)
			if (!(reg->fields[f].flags & (US_FIELD_HW | US_FIELD_SINGLEPULSE | US_FIELD_WRITE_ONCE)) &&
			    reg->fields[f].flags & US_FIELD_READ && reg->fields[f].flags & US_FIELD_WRITE &&
			    reg->fields[f].onwrite == US_ONWRITE_NONE) {
				*mask = us_field_mask(&reg->fields[f]);
				return reg;
			}
	}
	return NULL;
}

static void space_off(struct us_run *run)
{
	const bool io = run->test->number;
	const uint16_t bit = io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
	const uint64_t command = us_run_config_read(run, PCI_COMMAND, 2);
	const struct us_reg *reg = telling(run, io);
	uint64_t before, mask = 0;

	us_run_clause(run, "PCI 3.0, 6.2.2");
	if (!reg)
		us_run_skip(run, "no register of the specification reads otherwise than all ones for certain");
	before = us_run_read(run, reg, 0, reg->size);
	us_run_config_write(run, PCI_COMMAND, 2, command & ~(uint64_t)bit);
	if (us_run_read(run, reg, 0, reg->size) != us_reg_ones(reg))
		us_run_mismatch(run, reg, NULL, reg->size, us_reg_ones(reg), us_run_read(run, reg, 0, reg->size),
				"while %s Space is off nobody answers, and reads give all ones", io ? "I/O" : "Memory");
	us_run_config_write(run, PCI_COMMAND, 2, command);
	if (us_run_read(run, reg, 0, reg->size) != before)
		us_run_mismatch(run, reg, NULL, reg->size, before, us_run_read(run, reg, 0, reg->size),
				"the registers are there again when %s Space is on again", io ? "I/O" : "Memory");
	reg = keeping(run, io, &mask);
	if (!reg)
		return;
	before = us_run_read(run, reg, 0, reg->size);
	us_run_config_write(run, PCI_COMMAND, 2, command & ~(uint64_t)bit);
	us_run_write(run, reg, 0, reg->size, us_reg_safe(reg, before) ^ mask);
	us_run_config_write(run, PCI_COMMAND, 2, command);
	if ((us_run_read(run, reg, 0, reg->size) ^ before) & mask)
		us_run_mismatch(run, reg, us_reg_field(reg, mask), reg->size, before & mask,
				us_run_read(run, reg, 0, reg->size) & mask, "a write while %s Space is off is lost",
				io ? "I/O" : "Memory");
}

static void command_bits(struct us_run *run)
{
	const uint64_t before = us_run_config_read(run, PCI_COMMAND, 2);
	const uint64_t bits = PCI_COMMAND_MASTER | (pci_of(run)->intx_pin ? PCI_COMMAND_INTX_DISABLE : 0);

	us_run_clause(run, "PCI 3.0, 6.2.2");
	if (before & bits)
		us_run_config_mismatch(run, PCI_COMMAND, 2, 0, before & bits,
				       "Bus Master Enable and Interrupt Disable are 0 after a reset");
	for (uint64_t bit = 1; bit <= bits; bit <<= 1) {
		if (!(bit & bits))
			continue;
		us_run_config_write(run, PCI_COMMAND, 2, before | bit);
		expect_config(run, PCI_COMMAND, 2, before | bit, "a command bit can be set, and changes no other");
		us_run_config_write(run, PCI_COMMAND, 2, before);
		expect_config(run, PCI_COMMAND, 2, before, "a command bit can be cleared, and changes no other");
	}
}

/* -- the group -------------------------------------------------------------------------------------------------- */

static bool has_bar(const struct us_map *map, bool io)
{
	for (unsigned i = 0; i < US_BARS; i++)
		if (map->bars[i].kind != US_BAR_NONE && (map->bars[i].kind == US_BAR_IO) == io)
			return true;
	return false;
}

void us_suite_add_pci(struct us_suite *suite)
{
	const struct us_map *map = suite->map;

	us_suite_add(suite, ids, "pci.header.ids");
	us_suite_add(suite, type, "pci.header.type");
	us_suite_add(suite, pin, "pci.header.interrupt-pin");
	us_suite_add(suite, read_only, "pci.header.read-only");
	us_suite_add(suite, widths, "pci.header.widths");
	for (unsigned i = 0; i < US_BARS; i++)
		if (map->bars[i].kind != US_BAR_NONE)
			us_suite_add(suite, bar, "pci.bar%u", i)->number = i;
	us_suite_add(suite, unused_bars, "pci.bar.unused");
	us_suite_add(suite, list, "pci.capability.list");
	if (map->pci.pm)
		us_suite_add(suite, cap_pm, "pci.capability.pm");
	if (map->pci.msi)
		us_suite_add(suite, cap_msi, "pci.capability.msi");
	if (map->pci.msix)
		us_suite_add(suite, cap_msix, "pci.capability.msix");
	if (map->pci.express)
		us_suite_add(suite, cap_express, "pci.capability.express");
	us_suite_add(suite, command_bits, "pci.command.bits");
	if (has_bar(map, false))
		us_suite_add(suite, space_off, "pci.command.memory-off")->number = false;
	if (has_bar(map, true))
		us_suite_add(suite, space_off, "pci.command.io-off")->number = true;
}
