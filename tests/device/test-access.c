/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accesses to BARs. Policies are checked against an oracle that knows nothing of registers: it keeps every bit of the
 * BAR by itself and applies the policy of that bit, for random maps and random accesses.
 */
#include "rig.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t seed;

static uint64_t any(uint64_t below) /* xorshift64* */
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (seed * UINT64_C(2685821657736338717) >> 16) % below;
}

/* -- the oracle ----------------------------------------------------------------------------------------------------- */

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

/* -- random maps ---------------------------------------------------------------------------------------------------- */

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_policy_width_and_lane_does_what_the_oracle_says),
	};

	return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
