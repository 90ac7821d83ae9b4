/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the specification says of a register's value, worked out from the map alone. The model library has code of its
 * own for this, on purpose not shared: a suite that took its expectations from what it tests would find nothing.
 */
#include "conform/internal.h"

uint64_t us_lanes(unsigned at, unsigned width)
{
	return (width < 8 ? (UINT64_C(1) << 8 * width) - 1 : UINT64_MAX) << 8 * at;
}

uint64_t us_field_mask(const struct us_field *field)
{
	return UINT64_MAX >> (64 - field->width) << field->lsb;
}

uint64_t us_reg_mask(const struct us_reg *reg, unsigned flags)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < reg->nfields; i++)
		if (reg->fields[i].flags & flags)
			mask |= us_field_mask(&reg->fields[i]);
	return mask;
}

uint64_t us_reg_ones(const struct us_reg *reg)
{
	return us_lanes(0, reg->size);
}

uint64_t us_reg_read_effects(const struct us_reg *reg)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < reg->nfields; i++)
		if (reg->fields[i].onread != US_ONREAD_NONE)
			mask |= us_field_mask(&reg->fields[i]);
	return mask;
}

uint64_t us_reg_safe(const struct us_reg *reg, uint64_t value)
{
	uint64_t safe = 0;

	for (unsigned i = 0; i < reg->nfields; i++) {
		const uint64_t mask = us_field_mask(&reg->fields[i]);

		if (!(reg->fields[i].flags & US_FIELD_WRITE))
			continue;
		switch ((enum us_onwrite)reg->fields[i].onwrite) {
		case US_ONWRITE_NONE:
			safe |= reg->fields[i].flags & US_FIELD_SINGLEPULSE ? 0 : value & mask;
			break;
		case US_ONWRITE_WZS:
		case US_ONWRITE_WZC:
		case US_ONWRITE_WZT:
			safe |= mask;
			break;
		default:
			break; /* a written 0 does nothing, or any write does the same */
		}
	}
	return safe;
}

uint64_t us_reg_written(const struct us_reg *reg, uint64_t before, uint64_t lanes, uint64_t written, uint64_t *unknown)
{
	uint64_t value = before;

	*unknown = 0;
	for (unsigned i = 0; i < reg->nfields; i++) {
		const struct us_field *f = &reg->fields[i];
		const uint64_t mask = us_field_mask(f) & lanes, on = written & mask, off = ~written & mask;

		if (!(f->flags & US_FIELD_WRITE))
			continue;
		switch ((enum us_onwrite)f->onwrite) {
		case US_ONWRITE_NONE:
			value = (value & ~mask) | on;
			break;
		case US_ONWRITE_WOSET:
			value |= on;
			break;
		case US_ONWRITE_WOCLR:
			value &= ~on;
			break;
		case US_ONWRITE_WOT:
			value ^= on;
			break;
		case US_ONWRITE_WZS:
			value |= off;
			break;
		case US_ONWRITE_WZC:
			value &= ~off;
			break;
		case US_ONWRITE_WZT:
			value ^= off;
			break;
		case US_ONWRITE_WCLR:
			value &= ~mask;
			break;
		case US_ONWRITE_WSET:
			value |= mask;
			break;
		case US_ONWRITE_WUSER:
			*unknown |= us_field_mask(f);
			break;
		}
		if (f->flags & US_FIELD_SINGLEPULSE)
			value &= ~mask;
	}
	return value;
}

uint64_t us_reg_reset(const struct us_reg *reg, uint64_t *known)
{
	uint64_t value = 0;

	*known = us_reg_ones(reg);
	for (unsigned i = 0; i < reg->nfields; i++) {
		const struct us_field *f = &reg->fields[i];

		if (!(f->flags & US_FIELD_READ))
			continue; /* reads as 0 */
		if (!f->has_reset || f->onread == US_ONREAD_RUSER)
			*known &= ~us_field_mask(f);
		value |= f->reset << f->lsb;
	}
	return value & *known;
}

const struct us_field *us_reg_field(const struct us_reg *reg, uint64_t bits)
{
	const uint64_t lowest = bits & -bits;

	for (unsigned i = 0; i < reg->nfields; i++)
		if (us_field_mask(&reg->fields[i]) & lowest)
			return &reg->fields[i];
	return NULL;
}

const char *us_field_policy(const struct us_field *field)
{
	static const char *const onwrite[] = {
		[US_ONWRITE_WOSET] = "w1s", [US_ONWRITE_WOCLR] = "w1c", [US_ONWRITE_WOT] = "w1t",
		[US_ONWRITE_WZS] = "w0s",   [US_ONWRITE_WZC] = "w0c",	[US_ONWRITE_WZT] = "w0t",
		[US_ONWRITE_WCLR] = "wclr", [US_ONWRITE_WSET] = "wset",
	};

	if (field->onread == US_ONREAD_RUSER || field->onwrite == US_ONWRITE_WUSER)
		return NULL;
	if (!(field->flags & US_FIELD_WRITE))
		return "ro";
	if (field->flags & US_FIELD_SINGLEPULSE)
		return "pulse";
	if (field->flags & US_FIELD_WRITE_ONCE)
		return "once";
	if (field->onwrite != US_ONWRITE_NONE)
		return onwrite[field->onwrite];
	return field->flags & US_FIELD_READ ? "rw" : "wo";
}
