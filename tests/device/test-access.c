/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accesses to BARs. Policies are checked against an oracle that knows nothing of registers: it keeps every bit of the
 * BAR by itself and applies the policy of that bit, for random maps and random accesses.
 */
#include "rig.h"
#include "zoo.h"

#include <errno.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static uint64_t seed;

static uint64_t any(uint64_t below) /* xorshift64* */
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (seed * UINT64_C(2685821657736338717) >> 16) % below;
}

/* -- the oracle --------------------------------------------------------------------------------------------------- */

#define SPACE 512u /* bytes of the random BAR */

struct bit {
	bool there, read, write, once, pulse;
	enum us_onread onread;
	enum us_onwrite onwrite;
	bool value, reset, written;
};

static struct bit bits[SPACE * 8];

static void oracle_reset(void)
{
	for (size_t i = 0; i < SPACE * 8; i++) {
		bits[i].value = bits[i].reset;
		bits[i].written = false;
	}
}

static uint64_t oracle_read(unsigned offset, unsigned width)
{
	uint64_t result = 0;

	for (unsigned i = 0; i < 8 * width; i++) {
		struct bit *b = &bits[8 * offset + i];

		if (!b->there || !b->read)
			continue;
		if (b->value)
			result |= UINT64_C(1) << i;
		if (b->onread == US_ONREAD_RCLR)
			b->value = false;
		if (b->onread == US_ONREAD_RSET)
			b->value = true;
	}
	return result;
}

static bool after_write(const struct bit *b, bool one)
{
	switch (b->onwrite) {
	case US_ONWRITE_NONE:
		return one;
	case US_ONWRITE_WOSET:
		return one ? true : b->value;
	case US_ONWRITE_WOCLR:
		return one ? false : b->value;
	case US_ONWRITE_WOT:
		return one ? !b->value : b->value;
	case US_ONWRITE_WZS:
		return one ? b->value : true;
	case US_ONWRITE_WZC:
		return one ? b->value : false;
	case US_ONWRITE_WZT:
		return one ? b->value : !b->value;
	case US_ONWRITE_WCLR:
		return false;
	case US_ONWRITE_WSET:
		return true;
	case US_ONWRITE_WUSER:
		return b->value;
	}
	return false;
}

static void oracle_write(unsigned offset, unsigned width, uint64_t value)
{
	for (unsigned i = 0; i < 8 * width; i++) {
		struct bit *b = &bits[8 * offset + i];

		if (!b->there || !b->write || (b->once && b->written))
			continue;
		b->written = true;
		b->value = after_write(b, value >> i & 1);
		if (b->pulse)
			b->value = false;
	}
}

/* -- random maps -------------------------------------------------------------------------------------------------- */

#define REGS_MAX 128

static struct us_field fields[REGS_MAX][64];
static struct us_reg regs[REGS_MAX];
static struct us_map map;
static struct us_model model;

static void note_bits(const struct us_reg *reg, const struct us_field *f)
{
	for (unsigned i = 0; i < f->width; i++)
		bits[8 * reg->addr + f->lsb + i] = (struct bit){
			.there = true,
			.read = f->flags & US_FIELD_READ,
			.write = f->flags & US_FIELD_WRITE,
			.once = f->flags & US_FIELD_WRITE_ONCE,
			.pulse = f->flags & US_FIELD_SINGLEPULSE,
			.onread = f->onread,
			.onwrite = f->onwrite,
			.reset = f->reset >> i & 1,
		};
}

static void random_fields(struct us_reg *reg, struct us_field *f)
{
	unsigned lsb = (unsigned)any(4);

	reg->fields = f;
	while (lsb < 8u * reg->size) {
		f->name = "F";
		f->lsb = (uint8_t)lsb;
		f->width = (uint8_t)(1 + any(8u * reg->size - lsb));
		f->flags = (uint16_t)(any(4) ? US_FIELD_READ | US_FIELD_WRITE : any(4));
		f->onread = (uint8_t)(any(2) ? 0 : any(US_ONREAD_RUSER + 1));
		f->onwrite = (uint8_t)any(US_ONWRITE_WUSER + 1);
		f->reset = f->width < 64 ? any(UINT64_C(1) << (f->width < 40 ? f->width : 40)) : any(1 << 30);
		f->enable_reg = -1;
		if (f->onwrite == US_ONWRITE_NONE && !any(4))
			f->flags |= US_FIELD_WRITE_ONCE;
		else if (f->onwrite == US_ONWRITE_NONE && !any(4)) {
			f->flags |= US_FIELD_SINGLEPULSE;
			f->reset = 0;
		}
		note_bits(reg, f);
		lsb += f->width + (unsigned)any(3);
		f++;
		reg->nfields++;
	}
}

static void random_map(void)
{
	uint64_t at = any(3) * 4;

	memset(bits, 0, sizeof bits);
	memset(fields, 0, sizeof fields);
	memset(regs, 0, sizeof regs);
	map = (struct us_map){.name = "random", .regs = regs};
	map.bars[0] = (struct us_bar){.kind = US_BAR_MEM32, .size = SPACE};
	while (map.nregs < REGS_MAX) {
		struct us_reg *reg = &regs[map.nregs];
		const uint8_t size = (uint8_t)(1u << any(4));

		at += any(4) ? 0 : 1 + any(12);
		if (any(4)) /* else compact: a wide register may lie at any byte */
			at = (at + size - 1) & ~(uint64_t)(size - 1);
		if (at + size > SPACE)
			break;
		*reg = (struct us_reg){.name = "R", .path = "R", .addr = at, .size = size, .access = size};
		random_fields(reg, fields[map.nregs]);
		at += size;
		map.nregs++;
	}
	model = (struct us_model){.abi = US_MODEL_ABI, .map = &map};
	oracle_reset();
}

static void every_policy_width_and_lane_does_what_the_oracle_says(void **state)
{
	(void)state;
	seed = 20260101;
	for (unsigned round = 0; round < 300; round++) {
		struct rig *rig;

		random_map();
		rig = rig_open(&model);
		for (unsigned i = 0; i < 2000; i++) {
			const unsigned width = 1u << any(4), offset = (unsigned)any(SPACE / width) * width;

			if (any(2)) {
				const uint64_t value = any(3) ? any(UINT64_MAX) << 16 ^ any(UINT64_MAX) : UINT64_MAX;

				rig_write(rig, offset, width, value);
				oracle_write(offset, width, value);
			} else {
				const uint64_t expected = oracle_read(offset, width);

				assert_int_equal(rig_read(rig, offset, width), expected);
			}
			if (!any(500)) {
				us_reset_registers(rig->dev);
				oracle_reset();
			}
		}
		rig_close(rig);
	}
}

/* -- named cases, on the zoo -------------------------------------------------------------------------------------- */

static struct rig *rig;
static char events[64];
static uint64_t seen;

static int open_zoo(void **state)
{
	(void)state;
	rig = rig_open(&zoo_model);
	events[0] = '\0';
	seen = 0;
	return 0;
}

static int close_zoo(void **state)
{
	(void)state;
	rig_close(rig);
	return 0;
}

static struct zoo *zoo(void)
{
	return us_state(rig->dev);
}

static void note(const char *what, us_addr reg)
{
	const size_t n = strlen(events);

	snprintf(events + n, sizeof events - n, "%s%llx ", what, (unsigned long long)reg);
}

static void note_read(struct us_device *dev, us_addr reg)
{
	(void)dev;
	note("r", reg);
}

static void note_write(struct us_device *dev, const struct us_write *w)
{
	note("w", w->reg);
	seen = us_get(dev, w->reg);
}

static void accesses_that_pci_does_not_have_are_refused(void **state)
{
	uint64_t value;

	(void)state;
	for (unsigned width = 0; width < 20; width++)
		for (uint64_t at = 0; at < 16; at++) {
			const bool good = (width == 1 || width == 2 || width == 4 || width == 8) && at % width == 0;

			assert_int_equal(us_device_read(rig->dev, 0, at, width, &value), good ? 0 : -EINVAL);
			assert_int_equal(us_device_write(rig->dev, 0, at, width, 0), good ? 0 : -EINVAL);
		}
	assert_int_equal(us_device_read(rig->dev, 1, 0, 8, &value), -EINVAL); /* I/O space: 4 bytes at most */
	assert_int_equal(us_device_write(rig->dev, 1, 0, 8, 0), -EINVAL);
}

static void beyond_a_bar_or_in_none_is_refused(void **state)
{
	uint64_t value;

	(void)state;
	assert_int_equal(us_device_read(rig->dev, 0, 0xffc, 4, &value), 0);
	assert_int_equal(us_device_read(rig->dev, 0, 0x1000, 4, &value), -EINVAL);
	assert_int_equal(us_device_write(rig->dev, 0, UINT64_MAX - 3, 4, 0), -EINVAL);
	assert_int_equal(us_device_read(rig->dev, 3, 0, 4, &value), -EINVAL); /* the upper half of BAR 2 */
	assert_int_equal(us_device_read(rig->dev, 4, 0, 4, &value), -EINVAL);
	assert_int_equal(us_device_write(rig->dev, 6, 0, 4, 0), -EINVAL);
	assert_int_equal(us_device_write(rig->dev, UINT_MAX, 0, 4, 0), -EINVAL);
}

static void where_there_is_no_register_reads_are_zero_and_writes_are_lost(void **state)
{
	(void)state;
	zoo()->write = note_write;
	for (us_addr at = ZOO_FREE; at < 0x1000; at += 8) {
		rig_write(rig, at, 8, UINT64_MAX);
		assert_int_equal(rig_read(rig, at, 8), 0);
	}
	assert_string_equal(events, "");
}

static void eight_bytes_over_two_registers_are_both_lowest_first(void **state)
{
	(void)state;
	zoo()->read = note_read;
	zoo()->write = note_write;
	rig_write(rig, ZOO_LO, 8, 0x1122334455667788);
	assert_string_equal(events, "w30 w34 ");
	assert_int_equal(us_get(rig->dev, ZOO_LO), 0x55667788);
	assert_int_equal(us_get(rig->dev, ZOO_HI), 0x11223344);
	events[0] = '\0';
	assert_int_equal(rig_read(rig, ZOO_LO, 8), 0x1122334455667788);
	assert_string_equal(events, "r30 r34 ");
}

static void an_access_wider_than_its_register_reaches_what_follows(void **state)
{
	(void)state;
	us_set(rig->dev, ZOO_ALARM, 1);
	rig_write(rig, ZOO_BYTE, 4, 0xaabbccdd);
	assert_int_equal(rig_read(rig, ZOO_BYTE, 4), 0xdd); /* 3 bytes of nothing follow */
	assert_int_equal(rig_read(rig, ZOO_BYTE, 8), UINT64_C(0x1000000dd));
}

static void narrow_writes_change_only_their_lanes(void **state)
{
	(void)state;
	rig_write(rig, ZOO_WIDE, 8, 0x1122334455667788);
	rig_write(rig, ZOO_WIDE + 3, 1, 0xaa);
	rig_write(rig, ZOO_WIDE + 4, 2, 0xbbcc);
	assert_int_equal(rig_read(rig, ZOO_WIDE, 8), 0x1122bbccaa667788);
	assert_int_equal(rig_read(rig, ZOO_WIDE + 4, 4), 0x1122bbcc);
}

static struct us_write last;

static void keep_write(struct us_device *dev, const struct us_write *w)
{
	(void)dev;
	last = *w;
}

static void the_model_sees_the_bits_and_lanes_that_were_written(void **state)
{
	(void)state;
	zoo()->write = keep_write;
	rig_write(rig, ZOO_CTRL + 1, 1, 0x1ab);
	assert_int_equal(last.reg, ZOO_CTRL);
	assert_int_equal(last.value, 0xab00);
	assert_int_equal(last.lanes, 0xff00);
	rig_write(rig, ZOO_WIDE + 4, 4, 0x12345678);
	assert_int_equal(last.value, UINT64_C(0x1234567800000000));
	assert_int_equal(last.lanes, UINT64_C(0xffffffff00000000));
}

static void the_model_is_not_told_of_writes_that_change_nothing_it_could(void **state)
{
	(void)state;
	zoo()->write = note_write;
	rig_write(rig, ZOO_ID, 4, 1); /* read-only */
	rig_write(rig, ZOO_CTRL + 2, 2, 0xffff); /* lanes without a field */
	assert_string_equal(events, "");
	rig_write(rig, ZOO_COMMAND, 4, 2);
	assert_string_equal(events, "w28 ");
}

static void write_only_registers_read_as_zero(void **state)
{
	(void)state;
	rig_write(rig, ZOO_COMMAND, 4, 2);
	assert_int_equal(us_get(rig->dev, ZOO_COMMAND), 2);
	assert_int_equal(rig_read(rig, ZOO_COMMAND, 4), 0);
}

static void reading_clears_only_the_lanes_that_were_read(void **state)
{
	(void)state;
	us_set(rig->dev, ZOO_HITS, 0x11223344);
	assert_int_equal(rig_read(rig, ZOO_HITS + 2, 2), 0x1122);
	assert_int_equal(us_get(rig->dev, ZOO_HITS), 0x3344);
	assert_int_equal(rig_read(rig, ZOO_HITS, 1), 0x44);
	assert_int_equal(us_get(rig->dev, ZOO_HITS), 0x3300);
}

static void count_up(struct us_device *dev, us_addr reg)
{
	if (reg == ZOO_HITS)
		us_set(dev, reg, 0x50006);
}

static void a_read_is_answered_with_what_the_model_sets_first(void **state)
{
	(void)state;
	zoo()->read = count_up;
	assert_int_equal(rig_read(rig, ZOO_HITS, 4), 0x50006);
	assert_int_equal(us_get(rig->dev, ZOO_HITS), 0); /* and then cleared */
}

static void a_single_pulse_lasts_for_the_write_function_only(void **state)
{
	(void)state;
	zoo()->write = note_write;
	rig_write(rig, ZOO_CTRL, 4, 0x0301);
	assert_int_equal(seen, 0x0301);
	assert_int_equal(us_get(rig->dev, ZOO_CTRL), 0x0300);
}

static void write_once_means_once_for_each_byte_after_each_reset(void **state)
{
	(void)state;
	rig_write(rig, ZOO_ONCE, 2, 0x1111);
	rig_write(rig, ZOO_ONCE, 4, 0x22222222);
	assert_int_equal(rig_read(rig, ZOO_ONCE, 4), 0x22221111);
	rig_write(rig, ZOO_ONCE, 4, 0x33333333);
	assert_int_equal(rig_read(rig, ZOO_ONCE, 4), 0x22221111);
	us_set(rig->dev, ZOO_ONCE, 5); /* hardware may */
	us_reset_registers(rig->dev);
	rig_write(rig, ZOO_ONCE, 4, 0x33333333);
	assert_int_equal(rig_read(rig, ZOO_ONCE, 4), 0x33333333);
}

static void fields_are_set_and_got_by_their_masks(void **state)
{
	(void)state;
	us_set_field(rig->dev, ZOO_CTRL, 0xff00, 0x1ab); /* what does not fit is cut */
	assert_int_equal(us_get_field(rig->dev, ZOO_CTRL, 0xff00), 0xab);
	us_set_field(rig->dev, ZOO_CTRL, 0x6, 2);
	assert_int_equal(us_get(rig->dev, ZOO_CTRL), 0xab04);
	us_set(rig->dev, ZOO_CTRL, UINT64_MAX); /* only bits that exist can be set */
	assert_int_equal(us_get(rig->dev, ZOO_CTRL), 0xff07);
	us_set_field(rig->dev, ZOO_CTRL, 0xfe, 0x7f);
	assert_int_equal(us_get(rig->dev, ZOO_CTRL), 0xff07);
}

static void a_reset_brings_back_the_reset_values(void **state)
{
	(void)state;
	rig_write(rig, ZOO_CTRL, 4, 0xff06);
	us_reset_registers(rig->dev);
	assert_int_equal(rig_read(rig, ZOO_CTRL, 4), 0x0700);
	assert_int_equal(rig_config(rig, PCI_COMMAND, 2) & PCI_COMMAND_MASTER, PCI_COMMAND_MASTER);
}

static void the_devices_own_reset_leaves_memory_alone_and_others_clear_it(void **state)
{
	uint8_t *small = us_mem(rig->dev, ZOO_SMALL, NULL), *window = us_mem(rig->dev, ZOO_WINDOW, NULL);

	(void)state;
	*small = *window = 0x5a;
	us_reset_registers(rig->dev);
	assert_int_equal(*small, 0x5a);
	assert_int_equal(*window, 0x5a);
	us_device_reset(rig->dev, US_RESET_FLR);
	assert_int_equal(*small | *window, 0);
}

/* Runs a mistake of a model in a child process and sees it end. */
static void assert_ends_the_process(void (*mistake)(void))
{
	int status;
	const pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		signal(SIGABRT, SIG_DFL);
		mistake();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void get_nothing(void)
{
	us_get(rig->dev, ZOO_FREE);
}

static void get_the_middle(void)
{
	us_get(rig->dev, ZOO_WIDE + 4);
}

static void get_no_bar(void)
{
	us_get(rig->dev, US_AT(200, 0));
}

static void raise_no_cause(void)
{
	us_raise(rig->dev, ZOO_CTRL, 1);
}

static void reset_again(struct us_device *dev, enum us_reset kind)
{
	(void)kind;
	us_reset_registers(dev);
}

static void reset_in_reset(void)
{
	zoo()->reset = reset_again;
	us_reset_registers(rig->dev);
}

static void a_mistake_of_the_model_ends_the_process(void **state)
{
	(void)state;
	assert_ends_the_process(get_nothing);
	assert_ends_the_process(get_the_middle);
	assert_ends_the_process(get_no_bar);
	assert_ends_the_process(raise_no_cause);
	assert_ends_the_process(reset_in_reset);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_zoo, close_zoo)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_policy_width_and_lane_does_what_the_oracle_says),
		TEST(accesses_that_pci_does_not_have_are_refused),
		TEST(beyond_a_bar_or_in_none_is_refused),
		TEST(where_there_is_no_register_reads_are_zero_and_writes_are_lost),
		TEST(eight_bytes_over_two_registers_are_both_lowest_first),
		TEST(an_access_wider_than_its_register_reaches_what_follows),
		TEST(narrow_writes_change_only_their_lanes),
		TEST(the_model_sees_the_bits_and_lanes_that_were_written),
		TEST(the_model_is_not_told_of_writes_that_change_nothing_it_could),
		TEST(write_only_registers_read_as_zero),
		TEST(reading_clears_only_the_lanes_that_were_read),
		TEST(a_read_is_answered_with_what_the_model_sets_first),
		TEST(a_single_pulse_lasts_for_the_write_function_only),
		TEST(write_once_means_once_for_each_byte_after_each_reset),
		TEST(fields_are_set_and_got_by_their_masks),
		TEST(a_reset_brings_back_the_reset_values),
		TEST(the_devices_own_reset_leaves_memory_alone_and_others_clear_it),
		TEST(a_mistake_of_the_model_ends_the_process),
	};

	return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
