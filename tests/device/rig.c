/* SPDX-License-Identifier: Apache-2.0 */
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

static uint8_t *at(struct rig *rig, uint64_t addr, uint64_t *room, enum us_dma_direction direction, int *ret)
{
	*ret = -EFAULT;
	if (addr >= RIG_MEMORY && addr < RIG_MEMORY + sizeof rig->memory) {
		*room = RIG_MEMORY + sizeof rig->memory - addr;
		return rig->memory + (addr - RIG_MEMORY);
	}
	if (addr < RIG_READ_ONLY || addr >= RIG_READ_ONLY + sizeof rig->read_only)
		return NULL;
	if (direction == US_DMA_WRITE) {
		*ret = -EACCES;
		return NULL;
	}
	*room = RIG_READ_ONLY + sizeof rig->read_only - addr;
	return rig->read_only + (addr - RIG_READ_ONLY);
}

static int dma(void *ctx, uint64_t addr, void *buffer, size_t length, enum us_dma_direction direction, uint64_t *fault)
{
	struct rig *rig = ctx;
	uint64_t room;
	int ret;
	uint8_t *memory = at(rig, addr, &room, direction, &ret);
	const size_t n = memory && length > room ? room : length;

	rig->dmas++;
	if (rig->on_dma)
		rig->on_dma(rig);
	if (!memory) {
		*fault = addr;
		return ret;
	}
	if (direction == US_DMA_READ)
		memcpy(buffer, memory, n);
	else
		memcpy(memory, buffer, n);
	if (n == length)
		return 0;
	*fault = addr + n;
	return -EFAULT;
}

static void *dma_map(void *ctx, uint64_t addr, size_t *length, enum us_dma_direction direction)
{
	struct rig *rig = ctx;
	uint64_t room;
	int ret;
	uint8_t *memory = at(rig, addr, &room, direction, &ret);

	rig->dmas++;
	if (rig->on_dma)
		rig->on_dma(rig);
	if (memory && *length > room)
		*length = room;
	return memory;
}

static void intx(void *ctx, bool asserted)
{
	struct rig *rig = ctx;

	assert_int_not_equal(asserted, rig->line); /* called on changes only */
	rig->line = asserted;
	if (asserted)
		rig->rises++;
	else
		rig->falls++;
}

static void message(void *ctx, enum us_irq kind, unsigned n, uint64_t address, uint32_t data)
{
	struct rig *rig = ctx;

	assert_false(rig->line);
	assert_true(rig->messages < RIG_RECORDS);
	rig->message[rig->messages] = (struct rig_message){kind, n, address, data};
	if (rig->on_message)
		rig->on_message(rig, &rig->message[rig->messages]);
	rig->messages++;
}

static uint64_t now(void *ctx)
{
	return ((struct rig *)ctx)->now;
}

static void alarm_at(void *ctx, uint64_t when)
{
	((struct rig *)ctx)->alarm = when;
}

static void trace(void *ctx, const char *line)
{
	struct rig *rig = ctx;

	snprintf(rig->trace[rig->lines++ % RIG_RECORDS], sizeof rig->trace[0], "%s", line);
}

static struct rig *open_rig(const struct us_model *model, bool routed)
{
	struct rig *rig = calloc(1, sizeof *rig);
	struct us_error err = {""};

	assert_non_null(rig);
	rig->alarm = UINT64_MAX;
	rig->host = (struct us_host){
		.ctx = rig,
		.dma = dma,
		.dma_map = dma_map,
		.intx = intx,
		.message = message,
		.now = now,
		.alarm = alarm_at,
		.trace = trace,
		.routed = routed,
	};
	if (us_device_create(model, &rig->host, &rig->dev, &err))
		fail_msg("%s", err.text);
	rig_config_write(rig, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	rig_forget(rig);
	return rig;
}

struct rig *rig_open(const struct us_model *model)
{
	return open_rig(model, false);
}

struct rig *rig_open_routed(const struct us_model *model)
{
	return open_rig(model, true);
}

void rig_close(struct rig *rig)
{
	us_device_destroy(rig->dev);
	free(rig);
}

void rig_forget(struct rig *rig)
{
	rig->rises = rig->falls = rig->messages = rig->dmas = rig->lines = 0;
}

void rig_advance(struct rig *rig, uint64_t ns)
{
	const uint64_t until = rig->now + ns;

	while (rig->alarm <= until) {
		if (rig->alarm > rig->now)
			rig->now = rig->alarm;
		rig->alarm = UINT64_MAX;
		us_device_tick(rig->dev);
	}
	rig->now = until;
}

uint64_t rig_read(struct rig *rig, us_addr reg, unsigned width)
{
	uint64_t value = 0;

	assert_int_equal(us_device_read(rig->dev, US_BAR_OF(reg), US_OFFSET_OF(reg), width, &value), 0);
	return value;
}

void rig_write(struct rig *rig, us_addr reg, unsigned width, uint64_t value)
{
	assert_int_equal(us_device_write(rig->dev, US_BAR_OF(reg), US_OFFSET_OF(reg), width, value), 0);
}

uint32_t rig_config(struct rig *rig, uint32_t offset, unsigned width)
{
	uint32_t value = 0;

	assert_int_equal(us_device_config_read(rig->dev, offset, width, &value), 0);
	return value;
}

void rig_config_write(struct rig *rig, uint32_t offset, unsigned width, uint32_t value)
{
	assert_int_equal(us_device_config_write(rig->dev, offset, width, value), 0);
}

uint32_t rig_capability(struct rig *rig, uint8_t id)
{
	uint32_t at_offset = rig_config(rig, PCI_CAPABILITY_LIST, 1);

	for (unsigned i = 0; at_offset && i < 48; i++) {
		if (rig_config(rig, at_offset, 1) == id)
			return at_offset;
		at_offset = rig_config(rig, at_offset + 1, 1);
	}
	return 0;
}
