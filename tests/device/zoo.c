/* SPDX-License-Identifier: Apache-2.0 */
#include "zoo.h"

#define RW (US_FIELD_READ | US_FIELD_WRITE)
#define CAUSE (US_FIELD_INTR | US_FIELD_HW)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { ENABLE_INDEX = 3 };

static const struct us_enumerator modes[] = {{"ECB", 0}, {"CBC", 1}, {"CTR", 2}, {0}};
static const struct us_enumerator commands[] = {{"STOP", 0}, {"RESET", 1}, {"DIGEST", 2}, {0}};

static const struct us_field id[] = {
	{.name = "ID", .lsb = 0, .width = 32, .flags = US_FIELD_READ, .reset = ZOO_ID_RESET, .has_reset = true},
};
static const struct us_field ctrl[] = {
	{.name = "START", .lsb = 0, .width = 1, .flags = RW | US_FIELD_SINGLEPULSE},
	{.name = "MODE", .lsb = 1, .width = 2, .flags = RW, .encode = modes},
	{.name = "COUNT", .lsb = 8, .width = 8, .flags = RW, .reset = 7, .has_reset = true},
};
#define STATUS_FIELD(bit, title)                                                                                       \
	{                                                                                                              \
		.name = title, .lsb = bit, .width = 1, .flags = RW | CAUSE | US_FIELD_STICKY,                          \
		.onwrite = US_ONWRITE_WOCLR, .message = bit, .enable_reg = ENABLE_INDEX, .enable_lsb = bit             \
	}
static const struct us_field status[] = {
	STATUS_FIELD(0, "DONE"),
	STATUS_FIELD(1, "ERROR"),
	STATUS_FIELD(2, "RESET"),
	STATUS_FIELD(3, "EXTRA"),
};
static const struct us_field enable[] = {
	{.name = "CAUSES", .lsb = 0, .width = 4, .flags = RW},
	{.name = "LEVEL", .lsb = 4, .width = 1, .flags = RW},
};
static const struct us_field level[] = {
	{.name = "LEVEL",
	 .lsb = 0,
	 .width = 1,
	 .flags = US_FIELD_READ | CAUSE,
	 .message = 2,
	 .enable_reg = ENABLE_INDEX,
	 .enable_lsb = 4},
};
static const struct us_field hits[] = {
	{.name = "GOOD", .lsb = 0, .width = 16, .flags = US_FIELD_READ | US_FIELD_HW, .onread = US_ONREAD_RCLR},
	{.name = "BAD", .lsb = 16, .width = 16, .flags = US_FIELD_READ | US_FIELD_HW, .onread = US_ONREAD_RCLR},
};
static const struct us_field once[] = {
	{.name = "ONCE", .lsb = 0, .width = 32, .flags = RW | US_FIELD_WRITE_ONCE},
};
static const struct us_field wide[] = {
	{.name = "WIDE", .lsb = 0, .width = 64, .flags = RW},
};
static const struct us_field command[] = {
	{.name = "COMMAND", .lsb = 0, .width = 4, .flags = US_FIELD_WRITE, .encode = commands},
};
static const struct us_field word[] = {
	{.name = "VALUE", .lsb = 0, .width = 32, .flags = RW},
};
static const struct us_field byte[] = {
	{.name = "VALUE", .lsb = 0, .width = 8, .flags = RW},
};
static const struct us_field alarms[] = {
	{.name = "ALARM", .lsb = 0, .width = 1, .flags = RW | CAUSE | US_FIELD_STICKY, .message = 3, .enable_reg = -1},
};

#define REG(title, address, bytes, f)                                                                                  \
	{                                                                                                              \
		.name = title, .path = title, .addr = address, .size = bytes, .access = bytes, .nfields = COUNT(f),    \
		.fields = f                                                                                            \
	}

static const struct us_reg regs[] = {
	REG("ID", ZOO_ID, 4, id),
	REG("CTRL", ZOO_CTRL, 4, ctrl),
	REG("STATUS", ZOO_STATUS, 4, status),
	REG("ENABLE", ZOO_ENABLE, 4, enable),
	REG("LEVEL", ZOO_LEVEL, 4, level),
	REG("HITS", ZOO_HITS, 4, hits),
	REG("ONCE", ZOO_ONCE, 4, once),
	REG("WIDE", ZOO_WIDE, 8, wide),
	REG("COMMAND", ZOO_COMMAND, 4, command),
	REG("LO", ZOO_LO, 4, word),
	REG("HI", ZOO_HI, 4, word),
	REG("BYTE", ZOO_BYTE, 1, byte),
	REG("ALARM", ZOO_ALARM, 4, alarms),
	REG("PORT", ZOO_PORT, 4, word),
};

static const struct us_mem mems[] = {
	{.name = "small", .path = "small", .addr = ZOO_SMALL, .size = 0x40, .read = true, .write = true},
	{.name = "window", .path = "window", .addr = ZOO_WINDOW, .size = 0x3000, .read = true, .write = true},
	{.name = "rom", .path = "rom", .addr = ZOO_ROM, .size = 0x1000, .read = true},
	{.name = "sink", .path = "sink", .addr = ZOO_SINK, .size = 0x1000, .write = true},
};

const struct us_map zoo_map = {
	.name = "zoo",
	.title = "A register of every kind",
	.pci =
		{
			.vendor_id = 0x1234,
			.device_id = 0x5678,
			.subsystem_vendor_id = 0xaaaa,
			.subsystem_id = 0xbbbb,
			.class_code = 0x108001,
			.revision = 3,
			.intx_pin = 1,
			.msi = ZOO_MSI,
			.msi_masking = true,
			.msix = ZOO_MSIX,
			.msix_table_bar = 2,
			.msix_table_offset = 0x8000,
			.msix_pba_bar = 2,
			.msix_pba_offset = 0x9000,
			.pm = true,
			.express = true,
			.flr = true,
		},
	.bars =
		{
			[0] = {.kind = US_BAR_MEM32, .size = 0x1000},
			[1] = {.kind = US_BAR_IO, .size = 0x20},
			[2] = {.kind = US_BAR_MEM64, .size = 0x10000, .prefetchable = true},
		},
	.regs = regs,
	.nregs = COUNT(regs),
	.mems = mems,
	.nmems = COUNT(mems),
};

static struct zoo *zoo(struct us_device *dev)
{
	return us_state(dev);
}

static void zoo_reset(struct us_device *dev, enum us_reset kind)
{
	if (zoo(dev)->reset)
		zoo(dev)->reset(dev, kind);
}

static void zoo_read(struct us_device *dev, us_addr reg)
{
	if (zoo(dev)->read)
		zoo(dev)->read(dev, reg);
}

static void zoo_write(struct us_device *dev, const struct us_write *w)
{
	if (zoo(dev)->write)
		zoo(dev)->write(dev, w);
}

const struct us_model zoo_model = {
	.abi = US_MODEL_ABI,
	.map = &zoo_map,
	.state_size = sizeof(struct zoo),
	.reset = zoo_reset,
	.read = zoo_read,
	.write = zoo_write,
};
