/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <string.h>

#define R US_FIELD_READ
#define W US_FIELD_WRITE
#define RW (R | W)
#define HW US_FIELD_HW
#define PLAIN .has_reset = true, .enable_reg = -1
#define ADDR(n) ((us_addr)4 * (n))

static const struct us_field id[] = {{.name = "VALUE", .width = 32, .flags = R, .reset = 0x0be4c400, PLAIN}};
static const struct us_field ctrl[] = {
	{.name = "GO", .lsb = 0, .width = 1, .flags = RW, PLAIN},
	{.name = "MODE", .lsb = 4, .width = 4, .flags = RW, .reset = 5, PLAIN},
	{.name = "VERSION", .lsb = 16, .width = 8, .flags = R, .reset = 0x21, PLAIN},
};
static const struct us_field wide[] = {
	{.name = "VALUE", .width = 64, .flags = RW, .reset = UINT64_C(0x0123456789abcdef), PLAIN}};
static const struct us_field status[] = {
	{.name = "DONE", .lsb = 0, .width = 1, .flags = RW | HW | US_FIELD_INTR | US_FIELD_STICKY, .has_reset = true,
	 .onwrite = US_ONWRITE_WOCLR, .message = 0, .enable_reg = B_ENABLE, .enable_lsb = 0, .raised_by = "RAISE = 1"},
	{.name = "ERROR", .lsb = 1, .width = 1, .flags = RW | HW | US_FIELD_INTR | US_FIELD_STICKY, .has_reset = true,
	 .onwrite = US_ONWRITE_WOCLR, .message = 1, .enable_reg = B_ENABLE, .enable_lsb = 1, .raised_by = "RAISE = 0x2;"},
	{.name = "LATE", .lsb = 9, .width = 1, .flags = RW | HW | US_FIELD_INTR | US_FIELD_STICKY, .has_reset = true,
	 .onwrite = US_ONWRITE_WOCLR, .message = 35, .enable_reg = B_ENABLE, .enable_lsb = 9, .raised_by = "RAISE = 0x200"},
};
static const struct us_field enable[] = {
	{.name = "DONE", .lsb = 0, .width = 1, .flags = RW, PLAIN},
	{.name = "ERROR", .lsb = 1, .width = 1, .flags = RW, PLAIN},
	{.name = "LATE", .lsb = 9, .width = 1, .flags = RW, PLAIN},
};
static const struct us_field raise[] = {{.name = "CAUSES", .width = 16, .flags = W, PLAIN}};
static const struct us_field policies[] = {
	{.name = "S", .lsb = 0, .width = 4, .flags = RW, .onwrite = US_ONWRITE_WOSET, .reset = 1, PLAIN},
	{.name = "C", .lsb = 4, .width = 4, .flags = RW, .onwrite = US_ONWRITE_WOCLR, .reset = 15, PLAIN},
	{.name = "T", .lsb = 8, .width = 4, .flags = RW, .onwrite = US_ONWRITE_WOT, .reset = 6, PLAIN},
	{.name = "ZS", .lsb = 12, .width = 4, .flags = RW, .onwrite = US_ONWRITE_WZS, .reset = 1, PLAIN},
	{.name = "ZC", .lsb = 16, .width = 4, .flags = RW, .onwrite = US_ONWRITE_WZC, .reset = 15, PLAIN},
	{.name = "ZT", .lsb = 20, .width = 4, .flags = RW, .onwrite = US_ONWRITE_WZT, .reset = 6, PLAIN},
	{.name = "AC", .lsb = 24, .width = 4, .flags = RW, .onwrite = US_ONWRITE_WCLR, .reset = 9, PLAIN},
	{.name = "AS", .lsb = 28, .width = 4, .flags = RW, .onwrite = US_ONWRITE_WSET, .reset = 2, PLAIN},
};
static const struct us_field reads[] = {
	{.name = "CLEARS", .lsb = 0, .width = 8, .flags = RW, .onread = US_ONREAD_RCLR, .reset = 0x5a, PLAIN},
	{.name = "SETS", .lsb = 8, .width = 8, .flags = RW, .onread = US_ONREAD_RSET, .reset = 0x5a, PLAIN},
};
static const struct us_field once[] = {
	{.name = "LOCK", .lsb = 0, .width = 8, .flags = RW | US_FIELD_WRITE_ONCE, .reset = 0x0f, PLAIN}};
static const struct us_field pulse[] = {
	{.name = "KICK", .lsb = 0, .width = 2, .flags = RW | US_FIELD_SINGLEPULSE, PLAIN}};
static const struct us_field key[] = {{.name = "BYTES", .width = 32, .flags = W, PLAIN}};
static const struct us_field count[] = {{.name = "EVENTS", .width = 16, .flags = R | HW, .reset = 7, PLAIN}};
static const struct us_field far[] = {{.name = "VALUE", .width = 16, .flags = RW, .reset = 0x1234, PLAIN}};

#define REG(NAME, FIELDS, ADDRESS, SIZE, ACCESS, FLAGS)                                                                \
	{                                                                                                              \
		.name = NAME, .path = NAME, .addr = ADDRESS, .size = SIZE, .access = ACCESS, .flags = FLAGS,           \
		.nfields = sizeof FIELDS / sizeof FIELDS[0], .fields = FIELDS                                          \
	}

static const struct us_reg regs[] = {
	[B_ID] = REG("ID", id, 0x00, 4, 4, 0),
	[B_CTRL] = REG("CTRL", ctrl, 0x04, 4, 1, 0),
	[B_WIDE] = REG("WIDE", wide, 0x08, 8, 1, 0),
	[B_STATUS] = REG("STATUS", status, 0x10, 4, 1, 0),
	[B_ENABLE] = REG("ENABLE", enable, 0x14, 4, 4, 0),
	[B_RAISE] = REG("RAISE", raise, 0x18, 4, 4, US_REG_DANGEROUS),
	[B_POLICIES] = REG("POLICIES", policies, 0x1c, 4, 1, 0),
	[B_READS] = REG("READS", reads, 0x20, 4, 1, 0),
	[B_ONCE] = REG("ONCE", once, 0x24, 4, 4, 0),
	[B_PULSE] = REG("PULSE", pulse, 0x28, 4, 4, 0),
	[B_KEY] = REG("KEY", key, 0x2c, 4, 4, 0),
	[B_COUNT] = REG("COUNT", count, 0x30, 4, 4, 0),
	[B_FAR] = REG("FAR", far, 0x404, 4, 2, 0),
};

const struct us_map bench_map = {
	.name = "bench",
	.pci = {.vendor_id = 0x1234,
		.device_id = 0xbe4c,
		.class_code = 0xff0000,
		.revision = 3,
		.intx_pin = 1,
		.msi = 4,
		.msi_masking = true,
		.msix = 40, /* more than a word of pending bits */
		.msix_table_bar = 2,
		.msix_pba_bar = 2,
		.msix_pba_offset = 0x800,
		.pm = true,
		.express = true,
		.flr = true},
	.bars = {[0] = {.kind = US_BAR_MEM32, .size = 0x1000, .name = "bench"},
		 [2] = {.kind = US_BAR_MEM64, .prefetchable = true, .size = 0x1000}},
	.regs = regs,
	.nregs = B_REGS,
};

/* -- what is played --------------------------------------------------------------------------------------------- */

static const struct bench_defect *defect;
static struct bench_played played;
static struct us_player bent;
const struct us_player *bench_straight;

static void was_reset(struct us_device *dev, enum us_reset kind)
{
	if (defect && defect->reset)
		defect->reset(dev, kind);
}

static void written(struct us_device *dev, const struct us_write *w)
{
	if (w->reg == regs[B_RAISE].addr)
		us_raise(dev, regs[B_STATUS].addr, w->value & 0x203);
	if (defect && defect->written)
		defect->written(dev, w);
}

static const struct us_model model = {.abi = US_MODEL_ABI, .map = &played.map, .reset = was_reset, .write = written};

static int open_bench(void *ctx, struct us_function **fn, struct us_error *err)
{
	int rc = us_model_play(&model, fn, err);

	(void)ctx;
	if (!rc && defect && defect->bend) {
		bench_straight = (*fn)->player;
		bent = *bench_straight;
		defect->bend(&bent);
		(*fn)->player = &bent;
	}
	return rc;
}

struct us_suite_target bench_target(const struct bench_defect *which)
{
	defect = which;
	played.map = bench_map;
	memcpy(played.regs, regs, sizeof regs);
	for (unsigned i = 0; i < B_REGS; i++) {
		memcpy(played.fields[i], regs[i].fields, regs[i].nfields * sizeof *regs[i].fields);
		played.regs[i].fields = played.fields[i];
	}
	played.map.regs = played.regs;
	if (defect && defect->map)
		defect->map(&played);
	return (struct us_suite_target){open_bench, NULL};
}
