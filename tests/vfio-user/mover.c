/* SPDX-License-Identifier: Apache-2.0 */
#ifndef US_MODEL_NAME
#define US_MODEL_NAME mover_model /* but us_model in a shared object */
#endif
#include "mover.h"

#include <string.h>

#define RW (US_FIELD_READ | US_FIELD_WRITE)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { ENABLE_INDEX = 3 };

#define CAUSE(bit, title)                                                                                              \
	{                                                                                                              \
		.name = title, .lsb = bit, .width = 1,                                                                 \
		.flags = RW | US_FIELD_INTR | US_FIELD_HW | US_FIELD_STICKY, .onwrite = US_ONWRITE_WOCLR,              \
		.message = bit, .enable_reg = ENABLE_INDEX, .enable_lsb = bit                                          \
	}
static const struct us_field status[] = {CAUSE(0, "DONE"), CAUSE(1, "TIMER"), CAUSE(2, "TWO"), CAUSE(3, "THREE")};
static const struct us_field word[] = {{.name = "VALUE", .width = 32, .flags = RW | US_FIELD_HW}};
static const struct us_field wide[] = {{.name = "VALUE", .width = 64, .flags = RW | US_FIELD_HW}};

#define REG(title, address, bytes, f)                                                                                  \
	{                                                                                                              \
		.name = title, .path = title, .addr = address, .size = bytes, .access = bytes, .nfields = COUNT(f),    \
		.fields = f                                                                                            \
	}
static const struct us_reg regs[] = {
	REG("SCRATCH", MOVER_SCRATCH, 4, word),
	REG("WIDE", MOVER_WIDE, 8, wide),
	REG("STATUS", MOVER_STATUS, 4, status),
	REG("ENABLE", MOVER_ENABLE, 4, word),
	REG("RAISE", MOVER_RAISE, 4, word),
	REG("TIMER", MOVER_TIMER, 4, word),
	REG("ADDRESS", MOVER_ADDRESS, 8, wide),
	REG("LENGTH", MOVER_LENGTH, 4, word),
	REG("COMMAND", MOVER_COMMAND, 4, word),
	REG("RESULT", MOVER_RESULT, 4, word),
	REG("STEPS", MOVER_STEPS, 4, word),
	REG("FAULT", MOVER_FAULT, 8, wide),
	REG("DURATION", MOVER_DURATION, 4, word),
	REG("RESETS", MOVER_RESETS, 4, word),
};

static const struct us_mem mems[] = {
	{.name = "buffer", .path = "buffer", .addr = MOVER_BUFFER, .size = MOVER_BUFFER_SIZE, .read = true, .write = true},
};

static const struct us_map map = {
	.name = "mover",
	.pci = {
		.vendor_id = MOVER_VENDOR,
		.device_id = MOVER_DEVICE,
		.class_code = 0xff0000,
		.intx_pin = 1,
		.msi = MOVER_MSI,
		.msix = MOVER_MSIX,
		.msix_table_bar = 2,
		.msix_table_offset = US_OFFSET_OF(MOVER_TABLE),
		.msix_pba_bar = 2,
		.msix_pba_offset = US_OFFSET_OF(MOVER_TABLE) + 0x1000,
		.pm = true,
		.express = true,
		.flr = true,
	},
	.bars = {
		[0] = {.kind = US_BAR_MEM32, .size = MOVER_BAR0},
		[2] = {.kind = US_BAR_MEM64, .size = MOVER_BAR2},
	},
	.regs = regs,
	.nregs = COUNT(regs),
	.mems = mems,
	.nmems = COUNT(mems),
};

struct mover {
	struct us_timer timer;
	struct us_job job;
	uint64_t command, address, length, done, fault, duration;
	_Atomic uint64_t steps;
	int result;
	uint32_t resets;
};

/* One slice of the job: moves a part, or fills what is mapped there. */
static uint64_t step(struct us_device *dev, struct us_job *job)
{
	struct mover *m = us_state(dev);
	uint64_t left = m->length - m->done;
	size_t part = left < MOVER_STEP ? left : MOVER_STEP;
	uint8_t *buffer = us_mem(dev, MOVER_BUFFER, NULL);

	m->steps++;
	if (m->command == MOVER_JOB_FILL) {
		size_t length = m->length;
		uint8_t *at = us_dma_map(dev, m->address, &length, US_DMA_WRITE);

		if (at)
			memset(at, 0xa5, length);
		m->result = at ? 0 : 14;
		job->finished = !at;
		return m->duration;
	}
	buffer += m->done % MOVER_BUFFER_SIZE;
	m->result = -(m->command == MOVER_JOB_READ ? us_dma_read(dev, m->address + m->done, buffer, part, &m->fault)
						   : us_dma_write(dev, m->address + m->done, buffer, part, &m->fault));
	m->done += part;
	job->finished = m->result || m->done == m->length;
	return m->duration;
}

static void done(struct us_device *dev, struct us_job *job)
{
	struct mover *m = us_state(dev);

	(void)job;
	us_set(dev, MOVER_RESULT, (uint32_t)m->result);
	us_set(dev, MOVER_FAULT, m->fault);
	us_raise(dev, MOVER_STATUS, 1);
}

static void expired(struct us_device *dev, struct us_timer *timer)
{
	(void)timer;
	us_raise(dev, MOVER_STATUS, 2);
}

static void command(struct us_device *dev, uint64_t number)
{
	struct mover *m = us_state(dev);
	uint64_t address = us_get(dev, MOVER_ADDRESS), length = us_get(dev, MOVER_LENGTH), fault = 0;
	size_t size;
	uint8_t *buffer = us_mem(dev, MOVER_BUFFER, &size);
	int result = 0;

	if (number == MOVER_STOP)
		us_job_stop(dev, &m->job);
	if (number == MOVER_READ)
		result = us_dma_read(dev, address, buffer, length < size ? length : size, &fault);
	if (number == MOVER_WRITE)
		result = us_dma_write(dev, address, buffer, length < size ? length : size, &fault);
	us_set(dev, MOVER_RESULT, (uint32_t)-result);
	us_set(dev, MOVER_FAULT, fault);
	if (number < MOVER_JOB_READ || number > MOVER_JOB_FILL || !length || m->job.running)
		return;
	m->command = number;
	m->address = address;
	m->length = length;
	m->duration = us_get(dev, MOVER_DURATION);
	m->done = m->fault = 0;
	us_set(dev, MOVER_RESULT, MOVER_BUSY);
	us_job_start(dev, &m->job, 0);
}

static void written(struct us_device *dev, const struct us_write *w)
{
	struct mover *m = us_state(dev);

	if (w->reg == MOVER_RAISE)
		us_raise(dev, MOVER_STATUS, w->value & 0xf);
	else if (w->reg == MOVER_TIMER)
		us_timer_start(dev, &m->timer, w->value);
	else if (w->reg == MOVER_COMMAND)
		command(dev, w->value);
}

static void will_read(struct us_device *dev, us_addr reg)
{
	struct mover *m = us_state(dev);

	if (reg == MOVER_RESETS)
		us_set(dev, reg, m->resets);
	else if (reg == MOVER_STEPS)
		us_set(dev, reg, m->steps);
}

static void reset(struct us_device *dev, enum us_reset kind)
{
	struct mover *m = us_state(dev);

	(void)kind;
	m->job.step = step;
	m->job.done = done;
	m->timer.expired = expired;
	m->resets++;
	m->steps = 0;
}

US_MODEL(.map = &map, .state_size = sizeof(struct mover), .reset = reset, .read = will_read, .write = written);
