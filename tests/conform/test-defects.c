/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The suite is itself tested: a function with a realistic mistake of hardware or model, one at a time, and the test that
 * must find it. A mistake that no test finds is a missing test.
 */
#include "bench.h"

#include <linux/pci_regs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ADDR(n) bench_map.regs[n].addr

/* -- what is played is another map ------------------------------------------------------------------------------ */

#define MAP(name, ...)                                                                                                 \
	static void name(struct bench_played *p)                                                                       \
	{                                                                                                              \
		__VA_ARGS__;                                                                                           \
	}

MAP(wrong_device, p->map.pci.device_id ^= 1)
MAP(wrong_class, p->map.pci.class_code = 0x020000)
MAP(wrong_pin, p->map.pci.intx_pin = 2)
MAP(bar_too_large, p->map.bars[0].size = 0x2000)
MAP(bar_prefetchable, p->map.bars[0].prefetchable = true)
MAP(bar_narrow, p->map.bars[2].kind = US_BAR_MEM32)
MAP(bar_too_many, p->map.bars[5] = (struct us_bar){.kind = US_BAR_MEM32, .size = 0x1000})
MAP(no_pm, p->map.pci.pm = p->map.pci.express = p->map.pci.flr = false)
MAP(msi_too_few, p->map.pci.msi = 2)
MAP(msi_no_masking, p->map.pci.msi_masking = false)
MAP(msix_too_few, p->map.pci.msix = 20)
MAP(msix_elsewhere, p->map.pci.msix_table_offset = 0x100)
MAP(no_flr, p->map.pci.flr = false)
MAP(reset_value, p->fields[B_CTRL][1].reset = 4)
MAP(id_writable, p->fields[B_ID][0].flags |= US_FIELD_WRITE)
MAP(mode_narrow, p->fields[B_CTRL][1].width = 3)
MAP(mode_read_only, p->fields[B_CTRL][1].flags = US_FIELD_READ)
MAP(status_plain, p->fields[B_STATUS][0].onwrite = US_ONWRITE_NONE)
MAP(status_any_write_clears, p->fields[B_STATUS][1].onwrite = US_ONWRITE_WCLR)
MAP(key_readable, p->fields[B_KEY][0].flags |= US_FIELD_READ)
MAP(reserved_writable, p->fields[B_CTRL][0].width = 2)
MAP(read_does_not_clear, p->fields[B_READS][0].onread = US_ONREAD_NONE)
MAP(read_does_not_set, p->fields[B_READS][1].onread = US_ONREAD_NONE)
MAP(not_once, p->fields[B_ONCE][0].flags = US_FIELD_READ | US_FIELD_WRITE)
MAP(no_pulse, p->fields[B_PULSE][0].flags = US_FIELD_READ | US_FIELD_WRITE)
MAP(sets_not, p->fields[B_POLICIES][0].onwrite = US_ONWRITE_NONE)
MAP(toggles_not, p->fields[B_POLICIES][2].onwrite = US_ONWRITE_WOSET)
MAP(zero_sets_not, p->fields[B_POLICIES][3].onwrite = US_ONWRITE_WOSET)
MAP(zero_clears_not, p->fields[B_POLICIES][4].onwrite = US_ONWRITE_WOCLR)
MAP(zero_toggles_not, p->fields[B_POLICIES][5].onwrite = US_ONWRITE_WOT)
MAP(any_write_clears_not, p->fields[B_POLICIES][6].onwrite = US_ONWRITE_WOCLR)
MAP(any_write_sets_not, p->fields[B_POLICIES][7].onwrite = US_ONWRITE_WOSET)
MAP(wrong_message, p->fields[B_STATUS][1].message = 2)
MAP(wrong_enable, p->fields[B_STATUS][0].enable_lsb = 1)
MAP(always_enabled, p->fields[B_STATUS][0].enable_reg = -1)

/* -- what the model does ---------------------------------------------------------------------------------------- */

static void keeps_over_any(struct us_device *dev, enum us_reset kind)
{
	if (kind != US_RESET_CONVENTIONAL)
		us_set(dev, ADDR(B_WIDE), 1);
}

static void keeps_over_d3hot(struct us_device *dev, enum us_reset kind)
{
	if (kind == US_RESET_D3HOT)
		us_set(dev, ADDR(B_FAR), 0xffff);
}

static void raises_by_reset(struct us_device *dev, enum us_reset kind)
{
	if (kind == US_RESET_FLR)
		us_raise(dev, ADDR(B_STATUS), 1);
}

static void changes_neighbour(struct us_device *dev, const struct us_write *w)
{
	if (w->reg == ADDR(B_CTRL))
		us_set(dev, ADDR(B_ENABLE), 1);
}

static void loses_an_address_bit(struct us_device *dev, const struct us_write *w)
{
	if (w->reg == ADDR(B_CTRL))
		us_set(dev, ADDR(B_FAR), w->value);
}

static void loses_high_half(struct us_device *dev, const struct us_write *w)
{
	if (w->reg == ADDR(B_WIDE) && w->lanes >> 32)
		us_set(dev, ADDR(B_WIDE), us_get(dev, ADDR(B_WIDE)) & UINT32_MAX);
}

static void clears_neighbour(struct us_device *dev, const struct us_write *w)
{
	if (w->reg == ADDR(B_STATUS) && w->value & 1)
		us_lower(dev, ADDR(B_STATUS), 2);
}

static void clears_by_the_wrong_byte(struct us_device *dev, const struct us_write *w)
{
	if (w->reg == ADDR(B_STATUS) && !(w->lanes & 0xff))
		us_lower(dev, ADDR(B_STATUS), 1);
}

static void raises_twice(struct us_device *dev, const struct us_write *w)
{
	if (w->reg == ADDR(B_RAISE))
		us_raise(dev, ADDR(B_STATUS), w->value & 0x203);
}

static void never_raises(struct us_device *dev, const struct us_write *w)
{
	if (w->reg == ADDR(B_RAISE))
		us_lower(dev, ADDR(B_STATUS), 0x200);
}

static void counts_writes(struct us_device *dev, const struct us_write *w)
{
	if (w->reg == ADDR(B_COUNT))
		us_set(dev, ADDR(B_COUNT), w->value);
}

MAP(count_writable, p->fields[B_COUNT][0].flags |= US_FIELD_WRITE)

/* -- what the seam lets through --------------------------------------------------------------------------------- */

static uint64_t command_of(struct us_function *fn)
{
	uint64_t command = 0;

	bench_straight->read(fn, US_REGION_CONFIG, PCI_COMMAND, 2, &command);
	return command;
}

/* A function's read that lets the straight one happen and then changes `*value`. */
#define READ(name, condition, change)                                                                                  \
	static int name##_read(struct us_function *fn, unsigned region, uint64_t offset, unsigned width, uint64_t *value) \
	{                                                                                                              \
		int rc = bench_straight->read(fn, region, offset, width, value);                                       \
                                                                                                                       \
		if (!rc && (condition))                                                                                \
			change;                                                                                        \
		return rc;                                                                                             \
	}                                                                                                              \
	static void name(struct us_player *player)                                                                     \
	{                                                                                                              \
		player->read = name##_read;                                                                            \
	}

/* A write whose value is changed before it happens. */
#define WRITE(name, condition, change)                                                                                 \
	static int name##_write(struct us_function *fn, unsigned region, uint64_t offset, unsigned width, uint64_t value) \
	{                                                                                                              \
		if (condition)                                                                                         \
			change;                                                                                        \
		return bench_straight->write(fn, region, offset, width, value);                                        \
	}                                                                                                              \
	static void name(struct us_player *player)                                                                     \
	{                                                                                                              \
		player->write = name##_write;                                                                          \
	}

#define CONFIG(at) (region == US_REGION_CONFIG && offset <= (at) && (at) < offset + width)

READ(zeros_when_off, region == 0 && !(command_of(fn) & PCI_COMMAND_MEMORY), *value = 0)
READ(no_status, CONFIG(PCI_STATUS), *value &= ~((uint64_t)PCI_STATUS_INTERRUPT << 8 * (PCI_STATUS - offset)))
READ(list_without_end, CONFIG(0x41u), *value = (*value & ~(UINT64_C(0xff) << 8 * (0x41 - offset))) |
					       UINT64_C(0x40) << 8 * (0x41 - offset))
READ(no_pending, region == 2 && offset >= 0x800, *value = 0)
READ(no_pending_above, region == 2 && offset >= 0x804, *value = 0)
READ(bridge, CONFIG(PCI_HEADER_TYPE), *value |= UINT64_C(1) << 8 * (PCI_HEADER_TYPE - offset))
READ(narrow_reads_low, region == US_REGION_CONFIG && width == 1 && offset % 4 == 1,
     bench_straight->read(fn, region, offset - 1, 1, value))
WRITE(always_master, CONFIG(PCI_COMMAND), value |= PCI_COMMAND_MASTER)
WRITE(no_disable_bit, CONFIG(PCI_COMMAND), value &= ~(uint64_t)PCI_COMMAND_INTX_DISABLE)
WRITE(no_d3hot, CONFIG(0x44u), value &= ~UINT64_C(3))
WRITE(writes_when_off, region == 0 && !(command_of(fn) & PCI_COMMAND_MEMORY),
      bench_straight->write(fn, US_REGION_CONFIG, PCI_COMMAND, 2, PCI_COMMAND_MEMORY))
WRITE(bytes_become_words, region == 0 && width == 1 && offset % 2 == 0, width = 2)

static uint64_t subsystem; /* as last written */

static int subsystem_write(struct us_function *fn, unsigned region, uint64_t offset, unsigned width, uint64_t value)
{
	if (CONFIG(PCI_SUBSYSTEM_VENDOR_ID) && width == 4)
		subsystem = value;
	return bench_straight->write(fn, region, offset, width, value);
}

READ(subsystem_reads, subsystem && CONFIG(PCI_SUBSYSTEM_VENDOR_ID) && width == 4, *value = subsystem)

static void subsystem_writable(struct us_player *player)
{
	subsystem = 0;
	subsystem_reads(player);
	player->write = subsystem_write;
}

/* The line stays up: every look at it finds it. */
static int stays_up(struct us_function *fn, enum us_irq_kind kind, unsigned n, bool masked)
{
	int rc = bench_straight->irq_mask(fn, kind, n, masked);

	if (kind == US_INTX && !masked)
		us_fn_came(fn, 0, 1);
	return rc;
}

static void intx_not_lowered(struct us_player *player)
{
	player->irq_mask = stays_up;
}

/* An edge: a second look at the line finds nothing. */
static int goes_by(struct us_function *fn, enum us_irq_kind kind, unsigned n, bool masked)
{
	int rc = bench_straight->irq_mask(fn, kind, n, masked);

	if (!masked) {
		fn->irq_pending -= !!fn->came[n];
		fn->came[n] = 0;
	}
	return rc;
}

static void lost_on_unmask(struct us_player *player)
{
	player->irq_mask = goes_by;
}

static int not_masked(struct us_function *fn, enum us_irq_kind kind, unsigned n, bool masked)
{
	return kind == US_INTX ? bench_straight->irq_mask(fn, kind, n, masked) : 0;
}

static void mask_ignored(struct us_player *player)
{
	player->irq_mask = not_masked;
}

/* -- all of them ------------------------------------------------------------------------------------------------ */

static const struct bench_defect defects[] = {
	{"another device ID", "pci.header.ids", .map = wrong_device},
	{"another class code", "pci.header.ids", .map = wrong_class},
	{"the header of a bridge", "pci.header.type", .bend = bridge},
	{"a subsystem ID that can be written", "pci.header.read-only", .bend = subsystem_writable},
	{"another interrupt pin", "pci.header.interrupt-pin", .map = wrong_pin},
	{"a BAR twice as large", "pci.bar0", .map = bar_too_large},
	{"a BAR that says it is prefetchable", "pci.bar0", .map = bar_prefetchable},
	{"a 32-bit BAR that should have 64", "pci.bar2", .map = bar_narrow},
	{"a BAR that should not be there", "pci.bar.unused", .map = bar_too_many},
	{"a byte of config space that reads as the one before it", "pci.header.widths", .bend = narrow_reads_low},
	{"a list of capabilities without an end", "pci.capability.list", .bend = list_without_end},
	{"no power management capability", "pci.capability.pm", .map = no_pm},
	{"half of the MSI messages", "pci.capability.msi", .map = msi_too_few},
	{"no per-vector masking", "pci.capability.msi", .map = msi_no_masking},
	{"half of the MSI-X table", "pci.capability.msix", .map = msix_too_few},
	{"the MSI-X table elsewhere", "pci.capability.msix", .map = msix_elsewhere},
	{"no function level reset", "pci.capability.express", .map = no_flr},
	{"reads while memory space is off give zeros", "pci.command.memory-off", .bend = zeros_when_off},
	{"writes while memory space is off are carried out", "pci.command.memory-off", .bend = writes_when_off},
	{"Interrupt Disable can not be set", "pci.command.bits", .bend = no_disable_bit},
	{"Interrupt Disable does nothing", "pci.intx.disable-bit", .bend = no_disable_bit},
	{"messages while bus mastering is off", "pci.msi.master-off", .bend = always_master},
	{"messages while bus mastering is off (MSI-X)", "pci.msix.master-off", .bend = always_master},
	{"INTx not lowered", "pci.intx.level", .bend = intx_not_lowered},
	{"INTx as an edge", "pci.intx.level", .bend = lost_on_unmask},
	{"Interrupt Status always 0", "pci.intx.status", .bend = no_status},
	{"a cause enabled by its neighbour's bit", "pci.intx.each-cause", .map = wrong_enable},
	{"a cause that interrupts though it is disabled", "pci.intx.cause-disabled", .map = always_enabled},
	{"a cause that interrupts though it is disabled (MSI)", "pci.msi.cause-disabled", .map = always_enabled},
	{"a wrong message number", "pci.msi.granted-4", .map = wrong_message},
	{"a wrong message number (MSI-X)", "pci.msix.granted-4", .map = wrong_message},
	{"two messages for one cause", "pci.msi.granted-1", .written = raises_twice},
	{"a message lost while masked", "pci.msi.masked", .bend = lost_on_unmask},
	{"the mask bit does nothing", "pci.msix.masked", .bend = mask_ignored},
	{"pending bits always 0", "pci.msix.pending", .bend = no_pending},
	{"no pending bits from message 32 on", "pci.msix.pending", .bend = no_pending_above},
	{"D3hot is not entered", "pci.pm.d3hot", .bend = no_d3hot},
	{"an interrupt of its own after a function level reset", "pci.flr.interrupts", .reset = raises_by_reset},
	{"a wrong reset value", "registers.reset.function", .map = reset_value},
	{"a register that outlives a function level reset", "registers.reset.flr", .reset = keeps_over_any},
	{"a register that outlives D3hot", "registers.reset.d3hot", .reset = keeps_over_d3hot},
	{"a read-only register that can be written", "registers.ID.VALUE.ro", .map = id_writable},
	{"a read-only count that can be written", "registers.COUNT.EVENTS.ro", .map = count_writable, .written = counts_writes},
	{"the highest bit of a field missing", "registers.CTRL.MODE.rw", .map = mode_narrow},
	{"a field that can not be written", "registers.CTRL.MODE.rw", .map = mode_read_only},
	{"a byte write that writes two", "registers.WIDE.VALUE.rw", .bend = bytes_become_words},
	{"the high half of a wide register ignored", "registers.WIDE.VALUE.rw", .written = loses_high_half},
	{"a cause that a written 0 clears", "registers.STATUS.DONE.w1c", .map = status_plain},
	{"a cause that any write clears", "registers.STATUS.ERROR.w1c", .map = status_any_write_clears},
	{"W1C that clears its neighbour", "registers.STATUS.DONE.w1c", .written = clears_neighbour},
	{"W1C by a byte that is not its own", "registers.STATUS.DONE.w1c", .written = clears_by_the_wrong_byte},
	{"a cause that never happens", "registers.STATUS.LATE.w1c", .written = never_raises},
	{"a key that reads back", "registers.KEY.BYTES.wo", .map = key_readable},
	{"a reserved bit that keeps what is written", "registers.CTRL.reserved", .map = reserved_writable},
	{"a read that does not clear", "registers.READS.CLEARS.rclr", .map = read_does_not_clear},
	{"a read that does not set", "registers.READS.SETS.rset", .map = read_does_not_set},
	{"a field for one write that takes two", "registers.ONCE.LOCK.once", .map = not_once},
	{"a pulse that lasts", "registers.PULSE.KICK.pulse", .map = no_pulse},
	{"W1S that stores", "registers.POLICIES.S.w1s", .map = sets_not},
	{"W1T that sets", "registers.POLICIES.T.w1t", .map = toggles_not},
	{"W0S that takes ones", "registers.POLICIES.ZS.w0s", .map = zero_sets_not},
	{"W0C that takes ones", "registers.POLICIES.ZC.w0c", .map = zero_clears_not},
	{"W0T that takes ones", "registers.POLICIES.ZT.w0t", .map = zero_toggles_not},
	{"clear by any write that takes ones", "registers.POLICIES.AC.wclr", .map = any_write_clears_not},
	{"set by any write that takes ones", "registers.POLICIES.AS.wset", .map = any_write_sets_not},
	{"a write that changes the next register", "registers.CTRL.neighbours", .written = changes_neighbour},
	{"an address bit that is not decoded", "registers.CTRL.neighbours", .written = loses_an_address_bit},
};

/* Runs the whole suite; the results go nowhere. */
static struct us_suite *run(const struct bench_defect *defect, struct us_suite_result *result)
{
	FILE *nowhere = fopen("/dev/null", "w");
	const struct us_suite_options options = {.seed = 1, .tap = nowhere};
	const struct us_suite_target target = bench_target(defect);
	struct us_suite *suite;
	struct us_error err;

	assert_non_null(nowhere);
	assert_int_equal(us_suite_new(&bench_map, NULL, &options, &suite, &err), 0);
	if (us_suite_run(suite, &target, result, &err))
		fail_msg("%s: %s", defect ? defect->what : "no defect", err.text);
	fclose(nowhere);
	return suite;
}

static void a_device_without_defects_passes_every_test(void **state)
{
	struct us_suite_result result;
	struct us_suite *suite = run(NULL, &result);

	(void)state;
	assert_int_equal(result.failed, 0);
	assert_int_equal(result.skipped, 0);
	assert_in_range(result.passed, 60, 1000);
	us_suite_free(suite);
}

static void each_defect_is_found_by_the_test_that_is_there_for_it(void **state)
{
	unsigned survivors = 0;

	(void)state;
	for (size_t i = 0; i < sizeof defects / sizeof defects[0]; i++) {
		struct us_suite_result result;
		struct us_suite *suite = run(&defects[i], &result);
		enum us_verdict verdict = US_PASSED;
		const char *text = us_suite_verdict(suite, defects[i].finds, &verdict);
		const bool found = text && verdict == US_FAILED;

		print_message("# %-60s %s %s\n", defects[i].what, found ? "found by" : "NOT FOUND by", defects[i].finds);
		survivors += !found;
		us_suite_free(suite);
	}
	assert_int_equal(survivors, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_without_defects_passes_every_test),
		cmocka_unit_test(each_defect_is_found_by_the_test_that_is_there_for_it),
	};

	return cmocka_run_group_tests_name("conform-defects", tests, NULL, NULL);
}
