/* SPDX-License-Identifier: Apache-2.0 */
#ifndef US_MODEL_NAME /* as a shared object it keeps the name that `understudy serve` looks for */
#define US_MODEL_NAME t_model
#endif
#include "device.h"

struct state {
	struct us_timer timer;
	uint64_t causes;
	uint8_t buffer[T_BUFFER];
};

#define RW (US_FIELD_READ | US_FIELD_WRITE)
#define FIELD(NAME, WIDTH, FLAGS, RESET)                                                                               \
	(const struct us_field[])                                                                                      \
	{                                                                                                              \
		{                                                                                                      \
			.name = NAME, .width = WIDTH, .flags = FLAGS, .reset = RESET, .has_reset = true,               \
			.enable_reg = -1                                                                               \
		}                                                                                                      \
	}
#define REG(NAME, ADDR, SIZE, FLAGS, RESET)                                                                            \
	{                                                                                                              \
		.name = NAME, .path = NAME, .addr = ADDR, .size = SIZE, .access = 1, .nfields = 1,                     \
		.fields = FIELD("V", SIZE * 8, FLAGS, RESET)                                                           \
	}
#define CAUSE(N)                                                                                                       \
	{                                                                                                              \
		.name = "C" #N, .lsb = N, .width = 1, .flags = RW | US_FIELD_HW | US_FIELD_INTR | US_FIELD_STICKY,     \
		.onwrite = US_ONWRITE_WOCLR, .has_reset = true, .message = N, .enable_reg = 3, .enable_lsb = N         \
	}

static const struct us_field causes[] = {CAUSE(0), CAUSE(1), CAUSE(2), CAUSE(3)};

static const struct us_reg regs[] = {
	REG("ID", T_ID, 4, US_FIELD_READ, 0x5eed5eed),
	REG("SCRATCH", T_SCRATCH, 8, RW, 0x0123456789abcdef),
	{.name = "STATUS", .path = "STATUS", .addr = T_STATUS, .size = 4, .access = 1, .nfields = 4, .fields = causes},
	REG("ENABLE", T_ENABLE, 4, RW, 0),
	REG("RAISE", T_RAISE, 4, US_FIELD_WRITE, 0),
	REG("DELAY", T_DELAY, 4, RW, 0),
	REG("ADDRESS", T_ADDRESS, 8, RW, 0),
	REG("LENGTH", T_LENGTH, 4, RW, 0),
	REG("GO", T_GO, 4, US_FIELD_WRITE, 0),
	REG("RESULT", T_RESULT, 4, US_FIELD_READ | US_FIELD_HW, 0),
	REG("FAULT", T_FAULT, 8, US_FIELD_READ | US_FIELD_HW, 0),
	REG("PORT", US_AT(4, 0), 4, RW, 0),
};

static const struct us_mem mems[] = {
	{.name = "MEM", .path = "MEM", .addr = US_AT(2, 0), .size = 4096, .read = true, .write = true},
};

static const struct us_map map = {
	.name = "seamtest",
	.pci = {.vendor_id = 0x1234,
		.device_id = 0x5ea3,
		.subsystem_vendor_id = 0x1af4,
		.subsystem_id = 0x1100,
		.class_code = 0xff0012,
		.revision = 7,
		.intx_pin = 1,
		.msi = T_MESSAGES,
		.msi_masking = true,
		.msix = T_MESSAGES,
		.msix_table_bar = 2,
		.msix_pba_bar = 2,
		.msix_table_offset = 0x2000,
		.msix_pba_offset = 0x3000,
		.pm = true,
		.express = true,
		.flr = true},
	.bars = {[0] = {.kind = US_BAR_MEM32, .size = T_BAR0, .name = "regs"},
		 [2] = {.kind = US_BAR_MEM64, .prefetchable = true, .size = T_BAR2, .name = "mem"},
		 [4] = {.kind = US_BAR_IO, .size = T_BAR4, .name = "ports"}},
	.regs = regs,
	.nregs = sizeof regs / sizeof regs[0],
	.mems = mems,
	.nmems = 1,
};

static void expired(struct us_device *dev, struct us_timer *timer)
{
	struct state *s = us_state(dev);

	(void)timer;
	us_raise(dev, T_STATUS, s->causes);
}

static void go(struct us_device *dev, uint64_t direction)
{
	struct state *s = us_state(dev);
	uint64_t fault = 0, length = us_get(dev, T_LENGTH), address = us_get(dev, T_ADDRESS);
	int rc = length > T_BUFFER ? -22
		 : direction == 1  ? us_dma_read(dev, address, s->buffer, length, &fault)
				   : us_dma_write(dev, address, s->buffer, length, &fault);

	us_set(dev, T_RESULT, (uint64_t)-rc);
	us_set(dev, T_FAULT, rc ? fault : 0);
}

static void written(struct us_device *dev, const struct us_write *w)
{
	struct state *s = us_state(dev);

	if (w->reg == T_GO)
		go(dev, w->value);
	if (w->reg != T_RAISE)
		return;
	s->causes = w->value;
	if (us_get(dev, T_DELAY))
		us_timer_start(dev, &s->timer, us_get(dev, T_DELAY));
	else
		us_raise(dev, T_STATUS, s->causes);
}

static int created(struct us_device *dev)
{
	struct state *s = us_state(dev);

	s->timer.expired = expired;
	return 0;
}

US_MODEL(.map = &map, .state_size = sizeof(struct state), .create = created, .write = written);
