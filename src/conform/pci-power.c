/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The group `pci`: power states and function level reset, and the group `registers`' resets: every register has its
 * reset value after each kind of reset, whatever it held before.
 */
#include "conform/internal.h"

#include <inttypes.h>
#include <linux/pci_regs.h>
#include <string.h>

#define D0 0
#define D3HOT 3

/* -- reset values ----------------------------------------------------------------------------------------------- */

/* Gives every plain field another value than its reset's, so that a reset has something to do. */
static void disturb(struct us_run *run)
{
	const struct us_map *map = run->suite->map;

	for (size_t i = 0; i < map->nregs; i++) {
		const struct us_reg *reg = &map->regs[i];
		uint64_t known, reset = us_reg_reset(reg, &known), safe = us_reg_safe(reg, ~reset);

		if (!(reg->flags & US_REG_DANGEROUS) && safe)
			us_run_write(run, reg, 0, reg->size, safe);
	}
}

/*
 * Does a register have its reset value? What hardware may change gets a moment to settle, and a value that moves by
 * itself (a counter) is no mistake.
 */
static bool at_reset(struct us_run *run, const struct us_reg *reg, uint64_t *got)
{
	const uint64_t hw = us_reg_mask(reg, US_FIELD_HW);
	uint64_t known, reset = us_reg_reset(reg, &known), moves = 0, last;

	*got = us_run_read(run, reg, 0, reg->size);
	for (unsigned i = 0; i < 10 && (*got ^ reset) & known & hw & ~moves; i++) {
		us_fn_sleep(run->fn, 1000000);
		last = *got;
		*got = us_run_read(run, reg, 0, reg->size);
		moves |= last ^ *got;
	}
	return !((*got ^ reset) & known & ~(moves & hw));
}

static void expect_reset_values(struct us_run *run, const char *after)
{
	const struct us_map *map = run->suite->map;

	us_run_clause(run, "SystemRDL 2.0, 9.5");
	for (size_t i = 0; i < map->nregs; i++) {
		const struct us_reg *reg = &map->regs[i];
		uint64_t known, reset = us_reg_reset(reg, &known), got;
		const struct us_field *field;

		if (!(us_reg_mask(reg, US_FIELD_READ) & known) || at_reset(run, reg, &got))
			continue;
		field = us_reg_field(reg, (got ^ reset) & known);
		known &= field ? us_field_mask(field) : known;
		us_run_mismatch(run, reg, field, reg->size, reset & known, got & known, "the reset value is there after %s",
				after);
	}
}

static void reset_function(struct us_run *run)
{
	expect_reset_values(run, "the function is handed over");
	disturb(run);
	if (!us_fn_info(run->fn)->can_reset)
		us_run_skip(run, "the target has no way to reset this function");
	us_run_done(run, us_fn_reset(run->fn));
	expect_reset_values(run, "a reset of the function");
}

static void reset_flr(struct us_run *run)
{
	disturb(run);
	us_run_flr(run);
	expect_reset_values(run, "a function level reset");
}

static void reset_d3hot(struct us_run *run)
{
	const unsigned at = us_run_capability(run, PCI_CAP_ID_PM, "power management") + PCI_PM_CTRL;
	struct us_header header;

	if (us_run_config_read(run, at, 2) & PCI_PM_CTRL_NO_SOFT_RESET)
		us_run_skip(run, "No_Soft_Reset is set: coming back from D3hot does not reset the function");
	us_run_save_header(run, &header);
	disturb(run);
	us_run_power(run, D3HOT);
	us_run_power(run, D0);
	us_run_restore_header(run, &header);
	expect_reset_values(run, "D3hot and back to D0");
}

/* -- power states (PCI PM 1.2) ---------------------------------------------------------------------------------- */

static const struct us_reg *telling(struct us_run *run)
{
	const struct us_map *map = run->suite->map;

	for (size_t i = 0; i < map->nregs; i++) {
		uint64_t known, reset = us_reg_reset(&map->regs[i], &known);

		if (map->bars[US_BAR_OF(map->regs[i].addr)].kind != US_BAR_IO && known & ~reset &&
		    !us_reg_read_effects(&map->regs[i]) && !us_reg_mask(&map->regs[i], US_FIELD_HW))
			return &map->regs[i];
	}
	us_run_skip(run, "no register of the specification reads otherwise than all ones for certain");
}

static void d3hot(struct us_run *run)
{
	const unsigned at = us_run_capability(run, PCI_CAP_ID_PM, "power management") + PCI_PM_CTRL;
	const struct us_reg *reg = telling(run);
	const uint64_t id = us_run_config_read(run, PCI_VENDOR_ID, 4);
	const uint64_t before = us_run_read(run, reg, 0, reg->size);
	struct us_header header;
	uint64_t got;

	us_run_clause(run, "PCI PM 1.2, 5.4.1");
	us_run_save_header(run, &header);
	us_run_power(run, D3HOT);
	got = us_run_config_read(run, at, 2) & PCI_PM_CTRL_STATE_MASK;
	if (got != D3HOT)
		us_run_config_mismatch(run, at, 2, D3HOT, got, "PowerState reads as written");
	got = us_run_config_read(run, PCI_VENDOR_ID, 4);
	if (got != id)
		us_run_config_mismatch(run, PCI_VENDOR_ID, 4, id, got, "config space answers in D3hot");
	got = us_run_read(run, reg, 0, reg->size);
	if (got != us_reg_ones(reg))
		us_run_mismatch(run, reg, NULL, reg->size, us_reg_ones(reg), got,
				"memory space does not answer in D3hot, and reads give all ones");
	us_run_power(run, D0);
	us_run_restore_header(run, &header);
	got = us_run_config_read(run, at, 2) & PCI_PM_CTRL_STATE_MASK;
	if (got != D0)
		us_run_config_mismatch(run, at, 2, D0, got, "PowerState reads as written");
	got = us_run_read(run, reg, 0, reg->size);
	if (got != before)
		us_run_mismatch(run, reg, NULL, reg->size, before, got, "the registers are there again in D0");
}

/* D1 and D2, which a function may have, and the specification has no word for. */
static void no_state(struct us_run *run)
{
	const unsigned at = us_run_capability(run, PCI_CAP_ID_PM, "power management"), state = run->test->number;
	uint64_t got;

	us_run_clause(run, "PCI PM 1.2, 3.2.4");
	if (us_run_config_read(run, at + PCI_PM_PMC, 2) & (state == 1 ? PCI_PM_CAP_D1 : PCI_PM_CAP_D2))
		us_run_skip(run, "the function has D%u, of which its specification says nothing", state);
	us_run_power(run, state);
	got = us_run_config_read(run, at + PCI_PM_CTRL, 2) & PCI_PM_CTRL_STATE_MASK;
	if (got != D0)
		us_run_config_mismatch(run, at + PCI_PM_CTRL, 2, D0, got,
				       "a state that the function does not have is not entered");
}

/* The function is usable after D3hot, whether or not that reset it. */
static void d3hot_interrupts(struct us_run *run)
{
	struct us_header header;
	struct us_cause cause;
	uint64_t count = 0;

	us_run_clause(run, "PCI PM 1.2, 5.4.1");
	if (!us_cause_at(run->suite->map, 0, &cause))
		us_run_skip(run, "the specification does not say how software raises a cause (us_raised_by)");
	us_run_save_header(run, &header);
	us_run_power(run, D3HOT);
	us_run_power(run, D0);
	us_run_restore_header(run, &header);
	us_run_done(run, us_fn_irq_enable(run->fn, US_INTX, 1));
	us_cause_enable(run, &cause, true);
	us_cause_raise(run, &cause);
	if (!us_run_done(run, us_fn_irq_wait(run->fn, US_INTX, 0, 2 * UINT64_C(1000000000), &count)))
		us_run_mismatch(run, cause.reg, cause.field, cause.reg->size, 1, 0,
				"the function is usable after D3hot: an interrupt comes");
}

/* -- function level reset (PCIe 3.0, 6.6.2) --------------------------------------------------------------------- */

static void flr_bit(struct us_run *run)
{
	const unsigned at = us_run_capability(run, PCI_CAP_ID_EXP, "PCI Express") + PCI_EXP_DEVCTL;

	us_run_clause(run, "PCIe 3.0, 7.8.4");
	us_run_flr(run);
	if (us_run_config_read(run, at, 2) & PCI_EXP_DEVCTL_BCR_FLR)
		us_run_config_mismatch(run, at, 2, 0, PCI_EXP_DEVCTL_BCR_FLR, "Initiate Function Level Reset reads as 0");
}

/* A cause from before the reset does not interrupt after it. */
static void flr_interrupts(struct us_run *run)
{
	struct us_cause cause;
	uint64_t count = 0;

	us_run_clause(run, "PCIe 3.0, 6.6.2");
	if (!us_cause_at(run->suite->map, 0, &cause))
		us_run_skip(run, "the specification does not say how software raises a cause (us_raised_by)");
	us_cause_enable(run, &cause, true);
	us_cause_raise(run, &cause);
	us_run_flr(run);
	if (us_run_config_read(run, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT)
		us_run_config_mismatch(run, PCI_STATUS, 2, 0, PCI_STATUS_INTERRUPT,
				       "Interrupt Status is 0 after a function level reset");
	us_run_done(run, us_fn_irq_enable(run->fn, US_INTX, 1));
	us_cause_enable(run, &cause, true);
	if (us_run_done(run, us_fn_irq_wait(run->fn, US_INTX, 0, 20 * UINT64_C(1000000), &count)))
		us_run_mismatch(run, cause.reg, cause.field, cause.reg->size, 0, count,
				"no interrupt of a cause from before a function level reset comes after it");
	us_cause_raise(run, &cause);
	if (!us_run_done(run, us_fn_irq_wait(run->fn, US_INTX, 0, 2 * UINT64_C(1000000000), &count)))
		us_run_mismatch(run, cause.reg, cause.field, cause.reg->size, 1, 0,
				"the function is usable after a function level reset: an interrupt comes");
}

void us_suite_add_power(struct us_suite *suite)
{
	const struct us_pci *pci = &suite->map->pci;

	if (pci->pm) {
		us_suite_add(suite, d3hot, "pci.pm.d3hot");
		for (unsigned state = 1; state <= 2; state++)
			us_suite_add(suite, no_state, "pci.pm.d%u", state)->number = state;
		if (pci->intx_pin)
			us_suite_add(suite, d3hot_interrupts, "pci.pm.interrupts");
	}
	if (pci->flr) {
		us_suite_add(suite, flr_bit, "pci.flr.bit");
		if (pci->intx_pin)
			us_suite_add(suite, flr_interrupts, "pci.flr.interrupts");
	}
	us_suite_add(suite, reset_function, "registers.reset.function");
	if (pci->flr)
		us_suite_add(suite, reset_flr, "registers.reset.flr");
	if (pci->pm)
		us_suite_add(suite, reset_d3hot, "registers.reset.d3hot");
}
