/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The group `registers`, made from the map of any device: each field keeps its access policy, in every bit, by every
 * access that the specification promises; reserved bits are reserved; writing one register changes no other.
 *
 * A test writes one field, with bits beside it that do nothing, and then compares the whole register with what the
 * specification says. Bits that hardware may change by itself are given three chances: what is wrong every time in
 * the same way is a mistake.
 */
#include "conform/internal.h"

#include <inttypes.h>
#include <stdlib.h>

#define TRIES 3 /* for what hardware may change meanwhile */
#define NEAR 8 /* neighbours before and after that are looked at */

static uint64_t whole(struct us_run *run, const struct us_reg *reg)
{
	return us_run_read(run, reg, 0, reg->size);
}

static void clause_of(struct us_run *run, const struct us_field *field)
{
	us_run_clause(run, field->onread != US_ONREAD_NONE    ? "SystemRDL 2.0, 9.6.1 (onread)"
			   : field->onwrite != US_ONWRITE_NONE ? "SystemRDL 2.0, 9.6.1 (onwrite)"
							       : "SystemRDL 2.0, 9.6.1 (sw)");
}

/* -- one write, and what the register is then ------------------------------------------------------------------- */

struct attempt {
	const struct us_reg *reg;
	unsigned at, width;
	uint64_t bits, value; /* the field's bits in `bits` are written as in `value`; the others so that they do nothing */
};

static uint64_t readable(const struct us_reg *reg, uint64_t value)
{
	return value & us_reg_mask(reg, US_FIELD_READ);
}

/* Writes, and returns the bits that are not as they should be; *expected and *got are the whole register's. */
static uint64_t write_once(struct us_run *run, const struct attempt *a, uint64_t *expected, uint64_t *got)
{
	const uint64_t lanes = us_lanes(a->at, a->width);
	uint64_t before = whole(run, a->reg), effects = us_reg_read_effects(a->reg), unknown, written;

	if (effects) /* what the read left */
		before = whole(run, a->reg);
	written = (us_reg_safe(a->reg, before) & ~a->bits) | (a->value & a->bits);
	us_run_write(run, a->reg, a->at, a->width, (written & lanes) >> 8 * a->at);
	*expected = readable(a->reg, us_reg_written(a->reg, before, lanes, written, &unknown));
	*got = whole(run, a->reg);
	return (*expected ^ *got) & ~unknown;
}

/*
 * The bits that are wrong every time: with what `a` says, and, if `other`, with its complement and that by turns, which
 * finds what a repeated write hides. Bits that are hardware's alone get the chances, all others none.
 */
static uint64_t wrong_bits(struct us_run *run, const struct attempt *a, bool other, uint64_t *expected, uint64_t *got)
{
	const uint64_t hw = us_reg_mask(a->reg, US_FIELD_HW);
	uint64_t wrong = ~UINT64_C(0);

	for (unsigned i = 0; i < TRIES && wrong; i++) {
		struct attempt now = *a;

		if (other && i % 2 == 0)
			now.value = ~a->value & a->bits;
		wrong &= write_once(run, &now, expected, got);
		if (wrong & ~hw)
			break;
	}
	return wrong;
}

static void try_write(struct us_run *run, const struct attempt *a, const char *format, const char *name)
{
	uint64_t expected, got, wrong = wrong_bits(run, a, false, &expected, &got);
	const struct us_field *field;

	if (!wrong && us_reg_mask(a->reg, US_FIELD_HW))
		wrong = wrong_bits(run, a, true, &expected, &got);
	if (!wrong)
		return;
	field = us_reg_field(a->reg, wrong);
	wrong = field ? us_field_mask(field) : wrong;
	us_run_mismatch(run, a->reg, field, a->width, expected & wrong, got & wrong, format, name, a->at,
			a->value & a->bits);
}

static const char *const wrote = "field %s was written at byte %u of the register with 0x%" PRIx64
				 ": this is as the specification says";

/* All patterns of a field's bits in one access. */
static void try_patterns(struct us_run *run, const struct us_field *field, struct attempt *a)
{
	const uint64_t mask = us_field_mask(field) & us_lanes(a->at, a->width);

	a->bits = us_field_mask(field);
	for (unsigned i = 0; i < 4; i++) {
		const uint64_t pattern[] = {0, UINT64_MAX, us_run_random(run), us_run_random(run)};

		a->value = pattern[i] & mask;
		try_write(run, a, wrote, field->name);
	}
	for (uint64_t rest = mask; rest; rest &= rest - 1) {
		a->value = rest & -rest;
		try_write(run, a, wrote, field->name);
		a->value = mask & ~(rest & -rest);
		try_write(run, a, wrote, field->name);
	}
}

/*
 * Every access that the specification promises: from the register's accesswidth up to its own. Those that do not touch
 * the field are among them: they leave it alone.
 */
static void every_access(struct us_run *run, const struct us_field *field,
			 void (*with)(struct us_run *run, const struct us_field *field, struct attempt *a))
{
	const struct us_reg *reg = run->test->reg;

	for (unsigned width = reg->access; width <= reg->size; width *= 2)
		for (unsigned at = 0; at < reg->size; at += width) {
			struct attempt a = {.reg = reg, .at = at, .width = width};

			with(run, field, &a);
		}
}

static void policy(struct us_run *run)
{
	clause_of(run, run->test->field);
	every_access(run, run->test->field, try_patterns);
}

/* Fields that software can not read: they read as 0, whatever is written. */
static void write_only(struct us_run *run)
{
	clause_of(run, run->test->field);
	if (whole(run, run->test->reg) & us_field_mask(run->test->field))
		us_run_mismatch(run, run->test->reg, run->test->field, run->test->reg->size, 0,
				whole(run, run->test->reg) & us_field_mask(run->test->field),
				"a field that can not be read reads as 0");
	every_access(run, run->test->field, try_patterns);
}

/* -- write once ------------------------------------------------------------------------------------------------- */

static void once(struct us_run *run)
{
	const struct us_reg *reg = run->test->reg;
	const struct us_field *field = run->test->field;
	const uint64_t mask = us_field_mask(field);
	const uint64_t before = whole(run, reg), first = ~before & mask;

	us_run_clause(run, "SystemRDL 2.0, 9.6.1 (sw = w1, rw1)");
	us_run_write(run, reg, 0, reg->size, (us_reg_safe(reg, before) & ~mask) | first);
	if (field->flags & US_FIELD_READ && (whole(run, reg) & mask) != first)
		us_run_mismatch(run, reg, field, reg->size, first, whole(run, reg) & mask,
				"the first write after a reset is stored");
	us_run_write(run, reg, 0, reg->size, (us_reg_safe(reg, before) & ~mask) | (~first & mask));
	if (field->flags & US_FIELD_READ && (whole(run, reg) & mask) != first)
		us_run_mismatch(run, reg, field, reg->size, first, whole(run, reg) & mask,
				"a second write after a reset is lost");
}

/* -- side effects of reads -------------------------------------------------------------------------------------- */

/* Sets a field that is cleared by reading (or the other way round), by software where it may, and reads it twice. */
static void read_effect(struct us_run *run)
{
	const struct us_reg *reg = run->test->reg;
	const struct us_field *field = run->test->field;
	const bool clears = field->onread == US_ONREAD_RCLR;
	const uint64_t mask = us_field_mask(field), to = clears ? mask : 0;
	uint64_t got;

	clause_of(run, field);
	whole(run, reg);
	got = whole(run, reg) & mask;
	if (got != (mask & ~to))
		us_run_mismatch(run, reg, field, reg->size, mask & ~to, got, "a read leaves the field %s",
				clears ? "cleared" : "set");
	if (!(field->flags & US_FIELD_WRITE) || field->onwrite != US_ONWRITE_NONE)
		return;
	us_run_write(run, reg, 0, reg->size, (us_reg_safe(reg, 0) & ~mask) | to);
	for (unsigned at = 0; at < reg->size; at += reg->access) /* bytes that are not its own leave it alone */
		if (!(us_lanes(at, reg->access) & mask))
			us_run_read(run, reg, at, reg->access);
	got = whole(run, reg) & mask;
	if (got != to)
		us_run_mismatch(run, reg, field, reg->size, to, got, "a read gives the value from before its side effect");
	got = whole(run, reg) & mask;
	if (got != (mask & ~to))
		us_run_mismatch(run, reg, field, reg->size, mask & ~to, got, "a read leaves the field %s",
				clears ? "cleared" : "set");
}

/* -- causes ----------------------------------------------------------------------------------------------------- */

/* Is `reg`'s cause among those that can be raised? */
static bool raisable(const struct us_map *map, const struct us_field *field, const struct us_reg *reg)
{
	struct us_cause cause;

	for (unsigned n = 0; us_cause_at(map, n, &cause); n++)
		if (cause.reg == reg && cause.field == field)
			return true;
	return false;
}

/* All causes of the register that can be raised, set at once. */
static uint64_t raise_all(struct us_run *run, const struct us_reg *reg)
{
	struct us_cause cause;

	/* A cause may wipe others when it is made to happen (a reset command), so those are raised again. */
	for (unsigned round = 0; round < 2; round++)
		for (unsigned n = 0; us_cause_at(run->suite->map, n, &cause); n++)
			if (cause.reg == reg && !(whole(run, reg) & us_field_mask(cause.field)))
				us_cause_raise(run, &cause);
	return whole(run, reg);
}

/* Of this cause and its neighbours, all set: none, all others, and this one alone are written with 1. */
static void cause_policy(struct us_run *run, const struct us_field *field, struct attempt *a)
{
	const uint64_t pattern[] = {0, ~us_field_mask(field), us_field_mask(field)};
	const uint64_t causes = us_reg_mask(a->reg, US_FIELD_INTR), lanes = us_lanes(a->at, a->width);

	for (unsigned i = 0; i < 3; i++) {
		const uint64_t before = raise_all(run, a->reg);
		const uint64_t written = (us_reg_safe(a->reg, before) & ~causes) | (pattern[i] & causes);
		const struct us_field *which;
		uint64_t expected, got, wrong, unknown;

		us_run_write(run, a->reg, a->at, a->width, (written & lanes) >> 8 * a->at);
		expected = readable(a->reg, us_reg_written(a->reg, before, lanes, written, &unknown));
		got = whole(run, a->reg);
		wrong = (expected ^ got) & ~unknown;
		if (!wrong)
			continue;
		which = us_reg_field(a->reg, wrong);
		wrong = which ? us_field_mask(which) : wrong;
		us_run_mismatch(run, a->reg, which, a->width, expected & wrong, got & wrong,
				"0x%" PRIx64 " was written while 0x%" PRIx64
				" was set: this is as the specification says",
				written & lanes, before);
	}
}

static void cause(struct us_run *run)
{
	clause_of(run, run->test->field);
	every_access(run, run->test->field, try_patterns);
	if (raisable(run->suite->map, run->test->field, run->test->reg))
		every_access(run, run->test->field, cause_policy);
	else
		us_run_note(run, "%s.%s was never set: its specification does not say how software raises it (us_raised_by)",
			    run->test->reg->path, run->test->field->name);
}

/* -- reserved bits ---------------------------------------------------------------------------------------------- */

static uint64_t reserved_bits(const struct us_reg *reg)
{
	uint64_t mask = us_reg_ones(reg);

	for (unsigned i = 0; i < reg->nfields; i++)
		mask &= ~us_field_mask(&reg->fields[i]);
	return mask;
}

static void reserved(struct us_run *run)
{
	const struct us_reg *reg = run->test->reg;
	const uint64_t mask = reserved_bits(reg);
	const uint64_t got = whole(run, reg) & mask;

	us_run_clause(run, "reserved bits read as 0, and writing them does nothing");
	if (got)
		us_run_mismatch(run, reg, NULL, reg->size, 0, got, "the reserved bits (0x%" PRIx64 ") read as 0", mask);
	for (unsigned width = reg->access; width <= reg->size; width *= 2)
		for (unsigned at = 0; at < reg->size; at += width) {
			struct attempt a = {.reg = reg, .at = at, .width = width, .bits = mask, .value = mask};

			if (mask & us_lanes(at, width))
				try_write(run, &a, wrote, "(reserved)");
		}
}

/* -- neighbours ------------------------------------------------------------------------------------------------- */

/* Is its value only software's, so that it must not change when another register is written? */
static bool steady(const struct us_reg *reg)
{
	return !us_reg_read_effects(reg) && us_reg_mask(reg, US_FIELD_READ) & ~us_reg_mask(reg, US_FIELD_HW);
}

bool us_reg_is_near(const struct us_map *map, size_t a, size_t b)
{
	const uint64_t difference = map->regs[a].addr ^ map->regs[b].addr;

	if (a == b || !steady(&map->regs[b]))
		return false;
	return (a < b ? b - a : a - b) <= NEAR || !(difference & (difference - 1));
}

void us_reg_is_unchanged(struct us_run *run, const struct us_reg *reg, uint64_t before, const char *written)
{
	const uint64_t mask = ~us_reg_mask(reg, US_FIELD_HW) & us_reg_ones(reg);
	const uint64_t got = whole(run, reg);

	if ((got ^ before) & mask)
		us_run_mismatch(run, reg, us_reg_field(reg, (got ^ before) & mask), reg->size, before & mask, got & mask,
				"a write to %s changes nothing here", written);
}

static void neighbours(struct us_run *run)
{
	const struct us_map *map = run->suite->map;
	const struct us_reg *reg = run->test->reg;
	const size_t self = (size_t)(reg - map->regs);
	uint64_t *before = us_run_alloc(run, map->nregs * sizeof *before);

	us_run_clause(run, "writing a register changes no other");
	for (size_t i = 0; i < map->nregs; i++)
		if (us_reg_is_near(map, self, i))
			before[i] = whole(run, &map->regs[i]);
	for (unsigned i = 0; i < 3; i++) {
		const uint64_t pattern[] = {UINT64_MAX, 0, us_run_random(run)};

		us_run_write(run, reg, 0, reg->size, us_reg_safe(reg, pattern[i]) & us_reg_ones(reg));
		for (size_t j = 0; j < map->nregs; j++)
			if (us_reg_is_near(map, self, j))
				us_reg_is_unchanged(run, &map->regs[j], before[j], reg->path);
	}
}

/* -- the group -------------------------------------------------------------------------------------------------- */

static void add_field(struct us_suite *suite, const struct us_reg *reg, const struct us_field *field)
{
	const char *name = us_field_policy(field);
	struct us_case *test;

	if (!name)
		return;
	test = us_suite_add(suite,
			    field->flags & US_FIELD_WRITE_ONCE && field->flags & US_FIELD_WRITE ? once
			    : field->flags & US_FIELD_INTR					? cause
			    : !(field->flags & US_FIELD_READ)				? write_only
											: policy,
			    "registers.%s.%s.%s", reg->path, field->name, name);
	test->reg = reg;
	test->field = field;
	if (field->onread != US_ONREAD_RCLR && field->onread != US_ONREAD_RSET)
		return;
	test->run = read_effect;
	free(test->name);
	if (asprintf(&test->name, "registers.%s.%s.%s", reg->path, field->name,
		     field->onread == US_ONREAD_RCLR ? "rclr" : "rset") < 0)
		us_must(NULL);
}

void us_suite_add_registers(struct us_suite *suite)
{
	const struct us_map *map = suite->map;

	for (size_t i = 0; i < map->nregs; i++) {
		const struct us_reg *reg = &map->regs[i];

		if (reg->flags & US_REG_DANGEROUS)
			continue; /* left to the device's own tests */
		for (unsigned f = 0; f < reg->nfields; f++)
			add_field(suite, reg, &reg->fields[f]);
		if (reserved_bits(reg))
			us_suite_add(suite, reserved, "registers.%s.reserved", reg->path)->reg = reg;
		if (us_reg_mask(reg, US_FIELD_WRITE))
			us_suite_add(suite, neighbours, "registers.%s.neighbours", reg->path)->reg = reg;
		us_suite_add_accesses(suite, reg);
	}
}
