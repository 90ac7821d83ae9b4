/* SPDX-License-Identifier: Apache-2.0 */
/* Registers as the model sees them: their values, without software's policies. */
#include "device/private.h"

#include <errno.h>
#include <stdlib.h>

static uint64_t ones(unsigned bits)
{
	return bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX;
}

static void add_field(struct us_register *r, const struct us_field *f)
{
	const uint64_t mask = ones(f->width) << f->lsb;

	r->fields |= mask;
	r->reset |= f->reset << f->lsb;
	if (f->flags & US_FIELD_READ) {
		r->readable |= mask;
		if (f->onread == US_ONREAD_RCLR)
			r->rclr |= mask;
		else if (f->onread == US_ONREAD_RSET)
			r->rset |= mask;
	}
	if (f->flags & US_FIELD_WRITE) {
		r->writable |= mask;
		r->onwrite[f->onwrite] |= mask;
		if (f->flags & US_FIELD_WRITE_ONCE)
			r->once |= mask;
		if (f->flags & US_FIELD_SINGLEPULSE)
			r->pulse |= mask;
	}
	if (f->flags & US_FIELD_INTR)
		r->causes |= mask;
}

int us_registers_create(struct us_device *dev)
{
	const struct us_map *map = dev->map;

	dev->registers = calloc(map->nregs ? map->nregs : 1, sizeof *dev->registers);
	if (!dev->registers)
		return -ENOMEM;
	for (size_t i = 0; i < map->nregs; i++) {
		struct us_register *r = &dev->registers[i];

		r->def = &map->regs[i];
		for (unsigned f = 0; f < r->def->nfields; f++)
			add_field(r, &r->def->fields[f]);
		r->stores_only = r->writable == r->onwrite[US_ONWRITE_NONE] && !r->once && !r->pulse;
	}
	return 0;
}

/* Interrupts are the caller's to update. */
void us_registers_reset(struct us_device *dev)
{
	for (size_t i = 0; i < dev->map->nregs; i++) {
		struct us_register *r = &dev->registers[i];

		r->value = r->reset;
		r->locked = 0;
		r->unsent = r->reset & r->causes;
	}
}

void us_register_change(struct us_device *dev, struct us_register *r, uint64_t value)
{
	const uint64_t appeared = value & ~r->value;

	r->value = value;
	if (!r->interrupts)
		return;
	r->unsent = (r->unsent | appeared) & r->causes & value;
	us_interrupts_update(dev);
}

static struct us_register *find(struct us_device *dev, us_addr reg)
{
	const struct us_span *span = NULL;

	if (US_BAR_OF(reg) < US_BARS)
		span = us_space_find(&dev->space[US_BAR_OF(reg)], US_OFFSET_OF(reg));
	if (!span || span->kind != US_SPAN_REGISTER || span->start != US_OFFSET_OF(reg))
		us_model_mistake(dev, "no register starts at BAR %u offset 0x%llx", US_BAR_OF(reg),
				 (unsigned long long)US_OFFSET_OF(reg));
	return &dev->registers[span->index];
}

uint64_t us_get(struct us_device *dev, us_addr reg)
{
	return find(dev, reg)->value;
}

void us_set(struct us_device *dev, us_addr reg, uint64_t value)
{
	struct us_register *r = find(dev, reg);

	us_register_change(dev, r, value & r->fields);
}

uint64_t us_get_field(struct us_device *dev, us_addr reg, uint64_t mask)
{
	const uint64_t value = us_get(dev, reg) & mask;

	return mask ? value >> __builtin_ctzll(mask) : 0;
}

void us_set_field(struct us_device *dev, us_addr reg, uint64_t mask, uint64_t value)
{
	struct us_register *r = find(dev, reg);

	if (mask)
		us_register_change(dev, r, (r->value & ~mask) | (value << __builtin_ctzll(mask) & mask & r->fields));
}

static struct us_register *find_causes(struct us_device *dev, us_addr reg, uint64_t bits)
{
	struct us_register *r = find(dev, reg);

	if (bits & ~r->causes)
		us_model_mistake(dev, "bits 0x%llx of register %s are no interrupt causes",
				 (unsigned long long)(bits & ~r->causes), r->def->path);
	return r;
}

void us_raise(struct us_device *dev, us_addr reg, uint64_t bits)
{
	struct us_register *r = find_causes(dev, reg, bits);

	r->value |= bits;
	r->unsent |= bits;
	us_interrupts_update(dev);
}

void us_lower(struct us_device *dev, us_addr reg, uint64_t bits)
{
	struct us_register *r = find_causes(dev, reg, bits);

	us_register_change(dev, r, r->value & ~bits);
}
