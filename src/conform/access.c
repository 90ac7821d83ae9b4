/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The group `registers`: accesses of other widths than the register's own. Those that the specification promises, from
 * its accesswidth up, give the same bytes. Of narrower ones it promises nothing but what every bus promises: they are
 * answered, change no other register and nothing that software can not write, and the register works on.
 */
#include "conform/internal.h"

#include <inttypes.h>

#define TRIES 3 /* for what hardware may change meanwhile */

/* -- reads that are promised ------------------------------------------------------------------------------------ */

static void one_width(struct us_run *run, const struct us_reg *reg, unsigned at, unsigned width)
{
	const uint64_t lanes = us_lanes(at, width);
	uint64_t wrong = ~UINT64_C(0), before = 0, got = 0;

	for (unsigned i = 0; i < TRIES && wrong; i++) {
		before = us_run_read(run, reg, 0, reg->size) & lanes;
		got = us_run_read(run, reg, at, width) << 8 * at;
		wrong &= before ^ got;
		if (wrong & ~us_reg_mask(reg, US_FIELD_HW))
			break;
	}
	if (wrong)
		us_run_mismatch(run, reg, us_reg_field(reg, wrong), width, before, got,
				"a read of %u byte%s at byte %u of the register gives these bytes of the whole", width,
				us_plural(width), at);
}

static void widths(struct us_run *run)
{
	const struct us_reg *reg = run->test->reg;

	us_run_clause(run, "SystemRDL 2.0, 10.6.1 (accesswidth)");
	for (unsigned width = reg->access; width < reg->size; width *= 2)
		for (unsigned at = 0; at < reg->size; at += width)
			one_width(run, reg, at, width);
}

/* -- accesses that are not -------------------------------------------------------------------------------------- */

/* Fields that keep what software writes, always. */
static uint64_t plain(const struct us_reg *reg)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < reg->nfields; i++) {
		const struct us_field *f = &reg->fields[i];

		if (f->flags & US_FIELD_READ && f->flags & US_FIELD_WRITE && f->onwrite == US_ONWRITE_NONE &&
		    !(f->flags & (US_FIELD_HW | US_FIELD_SINGLEPULSE | US_FIELD_WRITE_ONCE)))
			mask |= us_field_mask(f);
	}
	return mask;
}

/* What a write to the register, whatever it covers, can not change. */
static uint64_t fixed(const struct us_reg *reg)
{
	return us_reg_ones(reg) & ~us_reg_mask(reg, US_FIELD_WRITE | US_FIELD_HW);
}

static void works_on(struct us_run *run, const struct us_reg *reg)
{
	const uint64_t mask = plain(reg);

	for (unsigned i = 0; mask && i < 2; i++) {
		const uint64_t value = (i ? ~UINT64_C(0) : us_run_random(run)) & mask;
		uint64_t got;

		us_run_write(run, reg, 0, reg->size, us_reg_safe(reg, value));
		got = us_run_read(run, reg, 0, reg->size) & mask;
		if (got != value)
			us_run_mismatch(run, reg, us_reg_field(reg, got ^ value), reg->size, value, got,
					"the register can be written as ever after an access that is narrower than its "
					"accesswidth");
	}
}

static void one_narrow(struct us_run *run, const struct us_reg *reg, unsigned at, unsigned width)
{
	const uint64_t lanes = us_lanes(at, width), mask = fixed(reg);
	const uint64_t before = us_run_read(run, reg, 0, reg->size) & mask;
	uint64_t got;

	us_run_read(run, reg, at, width);
	if (us_reg_mask(reg, US_FIELD_WRITE))
		us_run_write(run, reg, at, width, (us_reg_safe(reg, us_run_random(run)) & lanes) >> 8 * at);
	got = us_run_read(run, reg, 0, reg->size) & mask;
	if (got != before)
		us_run_mismatch(run, reg, us_reg_field(reg, got ^ before), width, before, got,
				"accesses that are narrower than the accesswidth change nothing that software can not write");
}

static void narrow(struct us_run *run)
{
	const struct us_map *map = run->suite->map;
	const struct us_reg *reg = run->test->reg;
	uint64_t *before = us_run_alloc(run, map->nregs * sizeof *before);

	us_run_clause(run, "accesses narrower than the accesswidth do no harm");
	for (size_t i = 0; i < map->nregs; i++)
		if (us_reg_is_near(map, (size_t)(reg - map->regs), i))
			before[i] = us_run_read(run, &map->regs[i], 0, map->regs[i].size);
	for (unsigned width = 1; width < reg->access; width *= 2)
		for (unsigned at = 0; at < reg->size; at += width)
			one_narrow(run, reg, at, width);
	works_on(run, reg);
	for (size_t i = 0; i < map->nregs; i++)
		if (us_reg_is_near(map, (size_t)(reg - map->regs), i))
			us_reg_is_unchanged(run, &map->regs[i], before[i], reg->path);
}

void us_suite_add_accesses(struct us_suite *suite, const struct us_reg *reg)
{
	if (us_reg_read_effects(reg))
		return; /* every look at it would change it */
	if (reg->access < reg->size && us_reg_mask(reg, US_FIELD_READ))
		us_suite_add(suite, widths, "registers.%s.widths", reg->path)->reg = reg;
	if (reg->access > 1)
		us_suite_add(suite, narrow, "registers.%s.narrow", reg->path)->reg = reg;
}
