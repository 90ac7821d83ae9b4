/* SPDX-License-Identifier: Apache-2.0 */
/* Shared objects that test-load.c tries to load: a good one, or one with WRONG_ABI, INVALID_MAP or NO_MODEL defined. */
#include <understudy/device.h>

#ifndef NO_MODEL
#ifdef INVALID_MAP
#define PLACE 0x2000 /* beyond its BAR */
#else
#define PLACE 0
#endif

static const struct us_field value[] = {
	{.name = "VALUE", .lsb = 0, .width = 32, .flags = US_FIELD_READ | US_FIELD_WRITE},
};

static const struct us_reg regs[] = {
	{.name = "DOUBLE", .path = "DOUBLE", .addr = PLACE, .size = 4, .access = 4, .nfields = 1, .fields = value},
};

static const struct us_map map = {
	.name = "loadable",
	.pci = {.vendor_id = 0x1234, .device_id = 1},
	.bars = {[0] = {.kind = US_BAR_MEM32, .size = 0x1000}},
	.regs = regs,
	.nregs = 1,
};

static void written(struct us_device *dev, const struct us_write *w)
{
	us_set(dev, w->reg, 2 * us_get(dev, w->reg));
}

#ifdef WRONG_ABI
__attribute__((visibility("default"))) const struct us_model us_model = {.abi = 77, .map = &map, .write = written};
#else
US_MODEL(.map = &map, .write = written);
#endif
#endif
