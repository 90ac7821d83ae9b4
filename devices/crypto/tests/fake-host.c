/* SPDX-License-Identifier: Apache-2.0 */
#include "fake-host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where the arena that `addr` is in begins, and at which device address. */
static uint8_t *arena(const struct fake_host *h, uint64_t addr, uint64_t *base)
{
	const bool alias = h->alias && addr >= FAKE_ALIAS;

	*base = alias ? FAKE_ALIAS : FAKE_BASE;
	return alias ? h->alias : h->at;
}

/* How many of `length` bytes at `addr` are in the arena and may be accessed in this way. */
static size_t within(uint64_t base, uint64_t addr, size_t length, enum us_dma_direction direction)
{
	uint64_t from = base + (direction == US_DMA_WRITE ? FAKE_READ_ONLY : 0);
	uint64_t to = base + FAKE_SIZE;

	if (addr < from || addr >= to)
		return 0;
	return length < to - addr ? length : (size_t)(to - addr);
}

static int dma(void *ctx, uint64_t addr, void *buffer, size_t length, enum us_dma_direction direction, uint64_t *fault)
{
	uint64_t base;
	uint8_t *memory = arena(ctx, addr, &base);
	size_t n = within(base, addr, length, direction);

	if (n && direction == US_DMA_READ)
		memcpy(buffer, memory + (addr - base), n);
	else if (n)
		memcpy(memory + (addr - base), buffer, n);
	if (n == length)
		return 0;
	if (fault)
		*fault = addr + n;
	return -EFAULT;
}

static void *dma_map(void *ctx, uint64_t addr, size_t *length, enum us_dma_direction direction)
{
	struct fake_host *h = ctx;
	uint64_t base;
	uint8_t *memory = arena(h, addr, &base);
	size_t n = within(base, addr, *length, direction);

	if (n > h->reach)
		n = h->reach;
	*length = n;
	return n ? memory + (addr - base) : NULL;
}

static void intx(void *ctx, bool asserted)
{
	struct fake_host *h = ctx;

	if (h->line == asserted)
		abort();
	h->line = asserted;
}

static void message(void *ctx, enum us_irq kind, unsigned n, uint64_t address, uint32_t data)
{
	struct fake_host *h = ctx;

	(void)kind;
	(void)n;
	(void)address;
	(void)data;
	h->messages++;
}

static uint64_t now(void *ctx)
{
	struct fake_host *h = ctx;

	return h->now;
}

static void set_alarm(void *ctx, uint64_t when)
{
	struct fake_host *h = ctx;

	h->alarm = when;
}

void fake_host_open(struct fake_host *h)
{
	const struct us_model *model;
	struct us_error err;

	h->host = (struct us_host){.ctx = h,
				   .dma = dma,
				   .dma_map = dma_map,
				   .intx = intx,
				   .message = message,
				   .now = now,
				   .alarm = set_alarm};
	h->at = h->memory;
	h->reach = SIZE_MAX;
	h->alarm = UINT64_MAX;
	if (us_model_find("crypto", &model, &err) || us_device_create(model, &h->host, &h->dev, &err))
		abort();
	us_device_config_write(h->dev, 4, 2, 6);
}

void fake_host_close(struct fake_host *h)
{
	us_device_destroy(h->dev);
}

void fake_host_run(struct fake_host *h, uint64_t ns)
{
	uint64_t until = h->now + ns;

	while (h->alarm <= until) {
		h->now = h->alarm > h->now ? h->alarm : h->now;
		h->alarm = UINT64_MAX;
		us_device_tick(h->dev);
	}
	h->now = until;
}

uint32_t fake_host_read(struct fake_host *h, uint64_t reg)
{
	uint64_t value = UINT64_MAX;

	us_device_read(h->dev, 0, reg, 4, &value);
	return (uint32_t)value;
}

void fake_host_write(struct fake_host *h, uint64_t reg, uint32_t value)
{
	us_device_write(h->dev, 0, reg, 4, value);
}
