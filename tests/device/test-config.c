/* SPDX-License-Identifier: Apache-2.0 */
/* Config space: header, BARs, command and status, power management, Express, function level reset. */
#include "rig.h"
#include "zoo.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct rig *rig;

static int open_zoo(void **state)
{
	(void)state;
	rig = rig_open(&zoo_model);
	return 0;
}

static int close_zoo(void **state)
{
	(void)state;
	rig_close(rig);
	return 0;
}

/* A rig on a variation of the zoo's map, in place of the plain one. */
static void reopen(const struct us_map *map)
{
	static struct us_map kept;
	static struct us_model model;

	rig_close(rig);
	kept = *map;
	model = zoo_model;
	model.map = &kept;
	rig = rig_open(&model);
}

static uint32_t size_bar(unsigned n)
{
	const uint32_t at = PCI_BASE_ADDRESS_0 + 4 * n;

	rig_config_write(rig, at, 4, UINT32_MAX);
	return rig_config(rig, at, 4);
}

static void set_command(uint16_t bits)
{
	rig_config_write(rig, PCI_COMMAND, 2, bits);
}

static void set_power(unsigned power)
{
	rig_config_write(rig, rig_capability(rig, PCI_CAP_ID_PM) + PCI_PM_CTRL, 2, power);
}

static unsigned power(void)
{
	return rig_config(rig, rig_capability(rig, PCI_CAP_ID_PM) + PCI_PM_CTRL, 2) & PCI_PM_CTRL_STATE_MASK;
}

static void start_flr(void)
{
	const uint32_t at = rig_capability(rig, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;

	rig_config_write(rig, at, 2, rig_config(rig, at, 2) | PCI_EXP_DEVCTL_BCR_FLR);
}

static void the_header_says_what_the_map_says(void **state)
{
	(void)state;
	assert_int_equal(rig_config(rig, PCI_VENDOR_ID, 4), 0x56781234);
	assert_int_equal(rig_config(rig, PCI_CLASS_REVISION, 4), 0x10800103);
	assert_int_equal(rig_config(rig, PCI_SUBSYSTEM_VENDOR_ID, 4), 0xbbbbaaaa);
	assert_int_equal(rig_config(rig, PCI_HEADER_TYPE, 1), PCI_HEADER_TYPE_NORMAL);
	assert_int_equal(rig_config(rig, PCI_BIST, 1), 0);
	assert_int_equal(rig_config(rig, PCI_INTERRUPT_PIN, 1), 1);
}

static void identity_can_not_be_written(void **state)
{
	(void)state;
	for (uint32_t at = 0; at < PCI_STD_HEADER_SIZEOF; at += 4) {
		const uint32_t before = rig_config(rig, at, 4);

		if (at == PCI_COMMAND || (at >= PCI_BASE_ADDRESS_0 && at <= PCI_BASE_ADDRESS_5))
			continue;
		rig_config_write(rig, at, 4, ~before);
		if (at == PCI_CACHE_LINE_SIZE) /* whose lowest byte software may set */
			assert_int_equal(rig_config(rig, at, 4) >> 8, before >> 8);
		else if (at == PCI_INTERRUPT_LINE)
			assert_int_equal(rig_config(rig, at, 4) >> 8, before >> 8);
		else
			assert_int_equal(rig_config(rig, at, 4), before);
	}
}

static void interrupt_line_is_softwares_to_keep(void **state)
{
	(void)state;
	rig_config_write(rig, PCI_INTERRUPT_LINE, 1, 0x2b);
	assert_int_equal(rig_config(rig, PCI_INTERRUPT_LINE, 2), 0x012b);
}

static void bars_tell_their_size_and_kind(void **state)
{
	(void)state;
	assert_int_equal(size_bar(0), 0xfffff000 | PCI_BASE_ADDRESS_MEM_TYPE_32);
	assert_int_equal(size_bar(1), 0xffffffe0 | PCI_BASE_ADDRESS_SPACE_IO);
	assert_int_equal(size_bar(2), 0xffff0000 | PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
	assert_int_equal(size_bar(3), 0xffffffff); /* the upper half of BAR 2 */
}

static void a_bar_of_many_gigabytes_is_sized_in_its_upper_half(void **state)
{
	struct us_map map = zoo_map;

	(void)state;
	map.bars[4] = (struct us_bar){.kind = US_BAR_MEM64, .size = UINT64_C(1) << 35};
	reopen(&map);
	assert_int_equal(size_bar(4), PCI_BASE_ADDRESS_MEM_TYPE_64);
	assert_int_equal(size_bar(5), 0xfffffff8);
}

static void bars_that_are_not_there_and_the_rom_read_as_zero(void **state)
{
	(void)state;
	assert_int_equal(size_bar(4), 0);
	assert_int_equal(size_bar(5), 0);
	rig_config_write(rig, PCI_ROM_ADDRESS, 4, UINT32_MAX);
	assert_int_equal(rig_config(rig, PCI_ROM_ADDRESS, 4), 0);
}

static void a_bar_keeps_the_address_it_was_given(void **state)
{
	(void)state;
	rig_config_write(rig, PCI_BASE_ADDRESS_0, 4, 0xfebf1234);
	assert_int_equal(rig_config(rig, PCI_BASE_ADDRESS_0, 4), 0xfebf1000);
	rig_config_write(rig, PCI_BASE_ADDRESS_0 + 2, 2, 0xc000); /* by halves, too */
	assert_int_equal(rig_config(rig, PCI_BASE_ADDRESS_0, 4), 0xc0001000);
}

static void without_io_or_memory_bars_their_enables_are_hardwired_to_zero(void **state)
{
	struct us_map map = zoo_map;

	(void)state;
	map.nregs = map.nmems = 0;
	map.pci.msix = 0;
	memset(map.bars, 0, sizeof map.bars);
	map.pci.intx_pin = 0;
	reopen(&map);
	set_command(0xffff);
	assert_int_equal(rig_config(rig, PCI_COMMAND, 2), PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR);
}

static void without_memory_enable_nobody_answers(void **state)
{
	(void)state;
	rig_write(rig, ZOO_LO, 4, 0x1234);
	set_command(PCI_COMMAND_IO);
	assert_int_equal(rig_read(rig, ZOO_LO, 4), UINT32_MAX);
	assert_int_equal(rig_read(rig, ZOO_LO, 1), 0xff);
	assert_int_equal(rig_read(rig, ZOO_LO, 8), UINT64_MAX);
	rig_write(rig, ZOO_LO, 4, 0x5678);
	rig_write(rig, ZOO_PORT, 4, 0x99); /* ports still do */
	assert_int_equal(rig_read(rig, ZOO_PORT, 4), 0x99);
	set_command(PCI_COMMAND_MEMORY);
	assert_int_equal(rig_read(rig, ZOO_LO, 4), 0x1234);
	assert_int_equal(rig_read(rig, ZOO_PORT, 4), UINT32_MAX);
}

static void status_says_that_there_are_capabilities(void **state)
{
	struct us_map map = zoo_map;

	(void)state;
	assert_true(rig_config(rig, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST);
	map.pci.msi = map.pci.msix = map.pci.pm = map.pci.express = map.pci.flr = 0;
	reopen(&map);
	assert_false(rig_config(rig, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST);
	assert_int_equal(rig_config(rig, PCI_CAPABILITY_LIST, 1), 0);
}

static void the_list_holds_exactly_the_capabilities_of_the_map(void **state)
{
	static const uint8_t ids[] = {PCI_CAP_ID_PM, PCI_CAP_ID_MSI, PCI_CAP_ID_EXP, PCI_CAP_ID_MSIX};

	(void)state;
	for (unsigned set = 0; set < 16; set++) {
		struct us_map map = zoo_map;

		map.pci.pm = set & 1 || set & 4;
		map.pci.msi = set & 2 ? 4 : 0;
		map.pci.express = map.pci.flr = set & 4;
		map.pci.msix = set & 8 ? 4 : 0;
		reopen(&map);
		for (unsigned i = 0; i < 4; i++) {
			const uint32_t at = rig_capability(rig, ids[i]);

			assert_int_equal(at != 0, set >> i & 1 || (i == 0 && set & 4));
			assert_true(!at || (at >= 0x40 && at % 4 == 0));
		}
	}
}

static void a_failed_dma_read_sets_master_abort_until_it_is_cleared_or_reset(void **state)
{
	uint64_t fault;
	char byte;

	(void)state;
	assert_int_equal(us_dma_read(rig->dev, 0xdead000, &byte, 1, &fault), -EFAULT);
	assert_true(rig_config(rig, PCI_STATUS, 2) & PCI_STATUS_REC_MASTER_ABORT);
	rig_config_write(rig, PCI_STATUS, 2, (uint16_t)~PCI_STATUS_REC_MASTER_ABORT);
	assert_true(rig_config(rig, PCI_STATUS, 2) & PCI_STATUS_REC_MASTER_ABORT);
	rig_config_write(rig, PCI_STATUS, 2, PCI_STATUS_REC_MASTER_ABORT);
	assert_false(rig_config(rig, PCI_STATUS, 2) & PCI_STATUS_REC_MASTER_ABORT);
	assert_int_equal(us_dma_read(rig->dev, 0xdead000, &byte, 1, &fault), -EFAULT);
	us_device_reset(rig->dev, US_RESET_FLR);
	assert_false(rig_config(rig, PCI_STATUS, 2) & PCI_STATUS_REC_MASTER_ABORT);
}

static void a_failed_dma_write_is_posted_and_leaves_no_status(void **state)
{
	char byte = 0;

	(void)state;
	assert_int_equal(us_dma_write(rig->dev, 0xdead000, &byte, 1, NULL), -EFAULT);
	assert_false(rig_config(rig, PCI_STATUS, 2) & PCI_STATUS_REC_MASTER_ABORT);
}

static void express_has_4096_bytes_and_no_extended_capability(void **state)
{
	(void)state;
	assert_int_equal(rig_config(rig, 0x100, 4), 0);
	assert_int_equal(rig_config(rig, 0xffc, 4), 0);
	assert_int_equal(rig_config(rig, 0x1000, 4), UINT32_MAX);
	rig_config_write(rig, 0x1000, 4, 0);
	rig_config_write(rig, UINT32_MAX - 3, 4, 0);
	assert_int_equal(rig_config(rig, UINT32_MAX - 3, 4), UINT32_MAX);
}

static void without_express_config_space_ends_at_256(void **state)
{
	struct us_map map = zoo_map;

	(void)state;
	map.pci.express = map.pci.flr = false;
	reopen(&map);
	assert_int_equal(rig_config(rig, 0x100, 4), UINT32_MAX);
	assert_int_equal(rig_config(rig, 0x100, 2), 0xffff);
	assert_int_equal(rig_config(rig, 0xffd, 1), 0xff);
}

static void config_accesses_of_other_widths_or_alignment_are_refused(void **state)
{
	uint32_t value;

	(void)state;
	for (unsigned width = 0; width < 12; width++)
		for (uint32_t at = 0; at < 8; at++) {
			const bool good = (width == 1 || width == 2 || width == 4) && at % width == 0;

			assert_int_equal(us_device_config_read(rig->dev, at, width, &value), good ? 0 : -EINVAL);
			assert_int_equal(us_device_config_write(rig->dev, at, width, 0), good ? 0 : -EINVAL);
		}
}

static void express_is_an_endpoint_on_one_lane(void **state)
{
	const uint32_t at = rig_capability(rig, PCI_CAP_ID_EXP);

	(void)state;
	assert_int_equal(rig_config(rig, at + PCI_EXP_FLAGS, 2), PCI_EXP_TYPE_ENDPOINT << 4 | 2);
	assert_true(rig_config(rig, at + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_RBER);
	assert_true(rig_config(rig, at + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR);
	assert_int_equal(rig_config(rig, at + PCI_EXP_LNKCAP, 4) & PCI_EXP_LNKCAP_SLS, PCI_EXP_LNKCAP_SLS_2_5GB);
	assert_int_equal(rig_config(rig, at + PCI_EXP_LNKSTA, 2) & (PCI_EXP_LNKSTA_CLS | PCI_EXP_LNKSTA_NLW),
			 PCI_EXP_LNKSTA_CLS_2_5GB | PCI_EXP_LNKSTA_NLW_X1);
	assert_int_equal(rig_config(rig, at + PCI_EXP_DEVSTA, 2) & PCI_EXP_DEVSTA_TRPND, 0);
}

static void without_flr_in_the_map_the_bit_does_nothing(void **state)
{
	struct us_map map = zoo_map;

	(void)state;
	map.pci.flr = false;
	reopen(&map);
	assert_false(rig_config(rig, rig_capability(rig, PCI_CAP_ID_EXP) + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR);
	rig_write(rig, ZOO_LO, 4, 42);
	start_flr();
	assert_int_equal(rig_read(rig, ZOO_LO, 4), 42);
}

static enum us_reset last_reset;
static unsigned resets;

static void note_reset(struct us_device *dev, enum us_reset kind)
{
	(void)dev;
	last_reset = kind;
	resets++;
}

static void flr_resets_registers_and_config_space_but_not_the_link(void **state)
{
	const uint32_t at = rig_capability(rig, PCI_CAP_ID_EXP);

	(void)state;
	((struct zoo *)us_state(rig->dev))->reset = note_reset;
	resets = 0;
	rig_write(rig, ZOO_LO, 4, 42);
	rig_config_write(rig, PCI_BASE_ADDRESS_0, 4, 0xfebf1000);
	rig_config_write(rig, PCI_INTERRUPT_LINE, 1, 9);
	rig_config_write(rig, at + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_PAYLOAD_256B | PCI_EXP_DEVCTL_CERE);
	rig_config_write(rig, at + PCI_EXP_LNKCTL, 2, PCI_EXP_LNKCTL_CCC | PCI_EXP_LNKCTL_ASPM_L1);
	assert_true(us_device_bus_master(rig->dev));
	start_flr();
	assert_int_equal(resets, 1);
	assert_int_equal(last_reset, US_RESET_FLR);
	assert_false(us_device_bus_master(rig->dev));
	assert_int_equal(rig_config(rig, PCI_COMMAND, 2), 0);
	assert_int_equal(rig_config(rig, PCI_BASE_ADDRESS_0, 4), 0);
	assert_int_equal(rig_config(rig, PCI_INTERRUPT_LINE, 1), 0);
	assert_int_equal(rig_config(rig, at + PCI_EXP_DEVCTL, 2),
			 PCI_EXP_DEVCTL_PAYLOAD_256B | PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN |
				 PCI_EXP_DEVCTL_READRQ_512B);
	assert_int_equal(rig_config(rig, at + PCI_EXP_LNKCTL, 2), PCI_EXP_LNKCTL_CCC | PCI_EXP_LNKCTL_ASPM_L1);
	set_command(PCI_COMMAND_MEMORY);
	assert_int_equal(rig_read(rig, ZOO_LO, 4), 0);
}

static void flr_may_be_started_by_a_byte_and_by_four(void **state)
{
	const uint32_t at = rig_capability(rig, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;

	(void)state;
	((struct zoo *)us_state(rig->dev))->reset = note_reset;
	resets = 0;
	rig_config_write(rig, at, 1, 0x80); /* the low byte's bit 7 is not it */
	assert_int_equal(resets, 0);
	rig_config_write(rig, at + 1, 1, 0x80);
	assert_int_equal(resets, 1);
	rig_config_write(rig, at, 4, 0x8000);
	assert_int_equal(resets, 2);
	assert_false(rig_config(rig, at, 2) & PCI_EXP_DEVCTL_BCR_FLR); /* it reads as 0 */
}

static void a_conventional_reset_resets_the_link_too(void **state)
{
	const uint32_t at = rig_capability(rig, PCI_CAP_ID_EXP);

	(void)state;
	rig_config_write(rig, at + PCI_EXP_LNKCTL, 2, PCI_EXP_LNKCTL_CCC);
	us_device_reset(rig->dev, US_RESET_CONVENTIONAL);
	assert_int_equal(rig_config(rig, at + PCI_EXP_LNKCTL, 2), 0);
}

static void in_d3hot_only_config_space_answers(void **state)
{
	(void)state;
	rig_write(rig, ZOO_LO, 4, 42);
	set_power(3);
	assert_int_equal(power(), 3);
	assert_int_equal(rig_read(rig, ZOO_LO, 4), UINT32_MAX);
	assert_int_equal(rig_read(rig, ZOO_PORT, 4), UINT32_MAX);
	assert_int_equal(rig_config(rig, PCI_VENDOR_ID, 2), 0x1234);
	assert_false(us_device_bus_master(rig->dev));
}

static void coming_back_from_d3hot_resets_the_function(void **state)
{
	(void)state;
	((struct zoo *)us_state(rig->dev))->reset = note_reset;
	resets = 0;
	rig_write(rig, ZOO_LO, 4, 42);
	rig_config_write(rig, PCI_BASE_ADDRESS_0, 4, 0xfebf1000);
	set_power(3);
	assert_int_equal(resets, 0);
	set_power(0);
	assert_int_equal(resets, 1);
	assert_int_equal(last_reset, US_RESET_D3HOT);
	assert_int_equal(power(), 0);
	assert_int_equal(rig_config(rig, PCI_COMMAND, 2), 0);
	assert_int_equal(rig_config(rig, PCI_BASE_ADDRESS_0, 4), 0);
	set_command(PCI_COMMAND_MEMORY);
	assert_int_equal(rig_read(rig, ZOO_LO, 4), 0);
	assert_false(rig_config(rig, rig_capability(rig, PCI_CAP_ID_PM) + PCI_PM_CTRL, 2) & PCI_PM_CTRL_NO_SOFT_RESET);
}

static void power_states_that_are_not_there_are_not_entered(void **state)
{
	(void)state;
	set_power(1);
	assert_int_equal(power(), 0);
	set_power(2);
	assert_int_equal(power(), 0);
	set_power(3);
	set_power(1);
	assert_int_equal(power(), 3);
}

static void writing_d0_in_d0_is_no_reset(void **state)
{
	(void)state;
	rig_write(rig, ZOO_LO, 4, 42);
	set_power(0);
	assert_int_equal(rig_read(rig, ZOO_LO, 4), 42);
}

static void in_d3hot_dma_is_refused(void **state)
{
	char byte;

	(void)state;
	set_power(3);
	assert_int_equal(us_dma_read(rig->dev, RIG_MEMORY, &byte, 1, NULL), -EPERM);
	assert_int_equal(rig->dmas, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_zoo, close_zoo)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_header_says_what_the_map_says),
		TEST(identity_can_not_be_written),
		TEST(interrupt_line_is_softwares_to_keep),
		TEST(bars_tell_their_size_and_kind),
		TEST(a_bar_of_many_gigabytes_is_sized_in_its_upper_half),
		TEST(bars_that_are_not_there_and_the_rom_read_as_zero),
		TEST(a_bar_keeps_the_address_it_was_given),
		TEST(without_io_or_memory_bars_their_enables_are_hardwired_to_zero),
		TEST(without_memory_enable_nobody_answers),
		TEST(status_says_that_there_are_capabilities),
		TEST(the_list_holds_exactly_the_capabilities_of_the_map),
		TEST(a_failed_dma_read_sets_master_abort_until_it_is_cleared_or_reset),
		TEST(a_failed_dma_write_is_posted_and_leaves_no_status),
		TEST(express_has_4096_bytes_and_no_extended_capability),
		TEST(without_express_config_space_ends_at_256),
		TEST(config_accesses_of_other_widths_or_alignment_are_refused),
		TEST(express_is_an_endpoint_on_one_lane),
		TEST(without_flr_in_the_map_the_bit_does_nothing),
		TEST(flr_resets_registers_and_config_space_but_not_the_link),
		TEST(flr_may_be_started_by_a_byte_and_by_four),
		TEST(a_conventional_reset_resets_the_link_too),
		TEST(in_d3hot_only_config_space_answers),
		TEST(coming_back_from_d3hot_resets_the_function),
		TEST(power_states_that_are_not_there_are_not_entered),
		TEST(writing_d0_in_d0_is_no_reset),
		TEST(in_d3hot_dma_is_refused),
	};

	return cmocka_run_group_tests_name("config space", tests, NULL, NULL);
}
