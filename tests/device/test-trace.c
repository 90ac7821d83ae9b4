/* SPDX-License-Identifier: Apache-2.0 */
/* The device log: names of registers and fields, and silence while it is off. */
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
	us_device_trace(rig->dev, true);
	return 0;
}

static int close_zoo(void **state)
{
	(void)state;
	rig_close(rig);
	return 0;
}

/* The last thing logged, and it was the only one. */
static void assert_logged(const char *line)
{
	assert_int_equal(rig->lines, 1);
	assert_string_equal(rig->trace[0], line);
	rig_forget(rig);
}

static void nothing_is_logged_while_tracing_is_off(void **state)
{
	(void)state;
	us_device_trace(rig->dev, false);
	rig_write(rig, ZOO_COMMAND, 4, 2);
	us_log(rig->dev, "not heard");
	us_raise(rig->dev, ZOO_ALARM, 1);
	us_device_reset(rig->dev, US_RESET_FLR);
	assert_int_equal(rig->lines, 0);
}

static void a_value_with_a_name_is_logged_by_name(void **state)
{
	(void)state;
	rig_write(rig, ZOO_COMMAND, 4, 2);
	assert_logged("write COMMAND = DIGEST (0x2)");
	rig_write(rig, ZOO_COMMAND, 4, 9);
	assert_logged("write COMMAND = 0x9");
}

static void a_plain_register_is_logged_as_a_number(void **state)
{
	(void)state;
	rig_read(rig, ZOO_ID, 4);
	assert_logged("read ID = 0x5a5a0001");
	rig_write(rig, ZOO_WIDE, 8, UINT64_MAX);
	assert_logged("write WIDE = 0xffffffffffffffff");
}

static void flags_that_are_set_are_listed(void **state)
{
	(void)state;
	us_set(rig->dev, ZOO_STATUS, 5);
	rig_read(rig, ZOO_STATUS, 4);
	assert_logged("read STATUS = DONE|RESET (0x5)");
	rig_write(rig, ZOO_STATUS, 4, 0);
	assert_logged("write STATUS = 0");
}

static void several_fields_are_logged_field_by_field(void **state)
{
	(void)state;
	rig_write(rig, ZOO_CTRL, 4, 0x2003);
	assert_logged("write CTRL = START|MODE=CBC|COUNT=0x20 (0x2003)");
	rig_write(rig, ZOO_CTRL, 4, 0x0306);
	assert_logged("write CTRL = MODE=3|COUNT=3 (0x306)");
}

static void an_access_to_some_lanes_names_them_and_their_fields(void **state)
{
	(void)state;
	rig_write(rig, ZOO_CTRL + 1, 1, 0x20);
	assert_logged("write CTRL[15:8] = COUNT=0x20 (0x20)");
	rig_read(rig, ZOO_ID + 2, 2);
	assert_logged("read ID[31:16] = 0x5a5a");
}

static void what_hits_nothing_is_said_to(void **state)
{
	(void)state;
	rig_read(rig, ZOO_FREE, 4);
	assert_logged("read 4 bytes at BAR 0 offset 0x40: nothing there, reads as 0");
	rig_config_write(rig, PCI_COMMAND, 2, 0);
	rig_forget(rig);
	rig_write(rig, ZOO_CTRL, 4, 1);
	assert_logged("write at BAR 0 offset 0x4: nobody answers, the command register does not enable the space");
}

static void interrupts_resets_and_dma_are_logged(void **state)
{
	char byte;

	(void)state;
	us_raise(rig->dev, ZOO_ALARM, 1);
	assert_logged("INTx asserted");
	us_lower(rig->dev, ZOO_ALARM, 1);
	assert_logged("INTx deasserted");
	us_dma_read(rig->dev, RIG_MEMORY, &byte, 1, NULL);
	assert_logged("DMA read 0x10000, 1 bytes");
	us_reset_registers(rig->dev);
	assert_logged("reset by the device itself");
	us_log(rig->dev, "%d bytes to go", 5);
	assert_logged("5 bytes to go");
}

static void config_accesses_name_the_register_or_capability(void **state)
{
	(void)state;
	rig_config_write(rig, PCI_COMMAND, 2, 6);
	assert_logged("write config 0x04 (Command) = 0x0006");
	rig_config(rig, PCI_VENDOR_ID, 4);
	assert_logged("read config 0x00 (Vendor ID) = 0x56781234");
	rig_config(rig, 0x40 + PCI_PM_CTRL, 1);
	assert_logged("read config 0x44 (PM+4) = 0x00");
	rig_config(rig, 0xf0, 4);
	assert_logged("read config 0xf0 = 0x00000000");
}

static void a_line_too_long_is_cut(void **state)
{
	char text[2000];

	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	us_log(rig->dev, "%s", text);
	assert_int_equal(rig->lines, 1);
	assert_int_equal(strlen(rig->trace[0]), 511);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_zoo, close_zoo)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_logged_while_tracing_is_off),
		TEST(a_value_with_a_name_is_logged_by_name),
		TEST(a_plain_register_is_logged_as_a_number),
		TEST(flags_that_are_set_are_listed),
		TEST(several_fields_are_logged_field_by_field),
		TEST(an_access_to_some_lanes_names_them_and_their_fields),
		TEST(what_hits_nothing_is_said_to),
		TEST(interrupts_resets_and_dma_are_logged),
		TEST(config_accesses_name_the_register_or_capability),
		TEST(a_line_too_long_is_cut),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
