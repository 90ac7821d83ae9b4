/* SPDX-License-Identifier: Apache-2.0 */
/* What a run exercised of the map: registers, fields, kinds of access, named values. Every access is looked at. */
#include "conform/internal.h"

#include "function/player.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct field_coverage {
	uint64_t read; /* bits of it that were read, in the field */
	uint64_t zeros, ones; /* bits that were written so */
	uint64_t values; /* its named values that were read or written, by their place in the list (the first 64) */
};

struct reg_coverage {
	uint8_t reads, writes; /* 1 << log2 of the width, aligned inside the register */
	struct field_coverage *fields;
};

struct mem_coverage {
	uint8_t reads, writes; /* widths, as they are */
};

struct us_coverage {
	const struct us_map *map;
	const struct us_conform *own;
	struct reg_coverage *regs;
	struct mem_coverage *mems;
};

struct us_coverage *us_coverage_new(const struct us_map *map, const struct us_conform *own)
{
	struct us_coverage *coverage = us_must(calloc(1, sizeof *coverage));

	coverage->map = map;
	coverage->own = own;
	coverage->regs = us_must(calloc(map->nregs + 1, sizeof *coverage->regs));
	coverage->mems = us_must(calloc(map->nmems + 1, sizeof *coverage->mems));
	for (size_t i = 0; i < map->nregs; i++)
		coverage->regs[i].fields = us_must(calloc(map->regs[i].nfields + 1u, sizeof(struct field_coverage)));
	return coverage;
}

void us_coverage_free(struct us_coverage *coverage)
{
	if (!coverage)
		return;
	for (size_t i = 0; i < coverage->map->nregs; i++)
		free(coverage->regs[i].fields);
	free(coverage->regs);
	free(coverage->mems);
	free(coverage);
}

/* -- looking ---------------------------------------------------------------------------------------------------- */

static void see_field(const struct us_field *field, struct field_coverage *seen, bool write, uint64_t lanes,
		      uint64_t value)
{
	const uint64_t mask = us_field_mask(field) & lanes, all = us_field_mask(field) >> field->lsb;
	unsigned n = 0;

	if (!mask || !(field->flags & (write ? US_FIELD_WRITE : US_FIELD_READ)))
		return;
	value = (value & mask) >> field->lsb;
	if (write) {
		seen->ones |= value;
		seen->zeros |= ~value & mask >> field->lsb;
	} else {
		seen->read |= mask >> field->lsb;
	}
	if (mask >> field->lsb != all)
		return; /* a part of a value is none */
	for (const struct us_enumerator *item = field->encode; item && item->name && n < 64; item++, n++)
		if (item->value == value)
			seen->values |= UINT64_C(1) << n;
}

static void see_reg(struct us_coverage *coverage, size_t i, bool write, uint64_t lanes, uint64_t value)
{
	struct reg_coverage *seen = &coverage->regs[i];
	const struct us_reg *reg = &coverage->map->regs[i];

	for (unsigned width = 0; width < 4; width++)
		for (unsigned at = 0; at < reg->size; at += 1u << width)
			if (lanes == us_lanes(at, 1u << width) && (1u << width) <= reg->size)
				*(write ? &seen->writes : &seen->reads) |= (uint8_t)(1u << width);
	for (unsigned f = 0; f < reg->nfields; f++)
		see_field(&reg->fields[f], &seen->fields[f], write, lanes, value);
}

/* The first register that does not end before the address. */
static size_t first(const struct us_map *map, us_addr addr)
{
	size_t low = 0, high = map->nregs;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (map->regs[middle].addr + map->regs[middle].size <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void see_mems(struct us_coverage *coverage, bool write, us_addr start, unsigned width)
{
	for (size_t i = 0; i < coverage->map->nmems; i++) {
		const struct us_mem *mem = &coverage->map->mems[i];

		if (start >= mem->addr && start + width <= mem->addr + mem->size)
			*(write ? &coverage->mems[i].writes : &coverage->mems[i].reads) |= (uint8_t)width;
	}
}

static void observe(void *ctx, bool write, unsigned region, uint64_t offset, unsigned width, uint64_t value)
{
	struct us_coverage *coverage = ctx;
	const struct us_map *map = coverage->map;
	const us_addr start = US_AT(region, offset);

	if (region >= US_BARS)
		return;
	see_mems(coverage, write, start, width);
	for (size_t i = first(map, start); i < map->nregs && map->regs[i].addr < start + width; i++) {
		const struct us_reg *reg = &map->regs[i];

		if (reg->addr >= start)
			see_reg(coverage, i, write, us_reg_ones(reg) & us_lanes(0, (unsigned)(start + width - reg->addr)),
				value >> 8 * (reg->addr - start));
		else
			see_reg(coverage, i, write, us_reg_ones(reg) & us_lanes((unsigned)(start - reg->addr), width),
				value << 8 * (start - reg->addr));
	}
}

void us_coverage_watch(struct us_coverage *coverage, struct us_function *fn)
{
	fn->observe = observe;
	fn->observe_ctx = coverage;
}

/* -- telling ---------------------------------------------------------------------------------------------------- */

static void print_registers(const struct us_coverage *coverage, FILE *out)
{
	struct us_report part;

	us_report_begin(&part, coverage->own, out, "registers accessed");
	for (size_t i = 0; i < coverage->map->nregs; i++)
		us_report_count(&part, coverage->regs[i].reads || coverage->regs[i].writes, "%s", coverage->map->regs[i].path);
	us_report_end(&part);
}

static void print_fields(const struct us_coverage *coverage, FILE *out)
{
	struct us_report read, written;

	us_report_begin(&read, coverage->own, out, "fields read in every bit");
	us_report_begin(&written, coverage->own, out, "fields written with 0 and 1 in every bit");
	for (size_t i = 0; i < coverage->map->nregs; i++)
		for (unsigned f = 0; f < coverage->map->regs[i].nfields; f++) {
			const struct us_reg *reg = &coverage->map->regs[i];
			const struct us_field *field = &reg->fields[f];
			const struct field_coverage *seen = &coverage->regs[i].fields[f];
			const uint64_t all = us_field_mask(field) >> field->lsb;

			if (field->flags & US_FIELD_READ)
				us_report_count(&read, seen->read == all, "%s.%s", reg->path, field->name);
			if (field->flags & US_FIELD_WRITE)
				us_report_count(&written, seen->ones == all && seen->zeros == all, "%s.%s", reg->path, field->name);
		}
	us_report_end(&read);
	us_report_end(&written);
}

/* Reads and writes by every width that the specification promises for the register. */
static void print_accesses(const struct us_coverage *coverage, FILE *out)
{
	struct us_report part;

	us_report_begin(&part, coverage->own, out, "kinds of access");
	for (size_t i = 0; i < coverage->map->nregs; i++) {
		const struct us_reg *reg = &coverage->map->regs[i];

		for (unsigned width = reg->access; width <= reg->size; width *= 2) {
			if (us_reg_mask(reg, US_FIELD_READ))
				us_report_count(&part, coverage->regs[i].reads & width, "%s read by %u byte%s", reg->path, width,
				      us_plural(width));
			if (us_reg_mask(reg, US_FIELD_WRITE))
				us_report_count(&part, coverage->regs[i].writes & width, "%s written by %u byte%s", reg->path, width,
				      us_plural(width));
		}
	}
	us_report_end(&part);
}

/* The same of memories. */
static void print_memories(const struct us_coverage *coverage, FILE *out)
{
	struct us_report part;

	if (!coverage->map->nmems)
		return;
	us_report_begin(&part, coverage->own, out, "kinds of access to memories");
	for (size_t i = 0; i < coverage->map->nmems; i++)
		for (unsigned width = 1; width <= 8; width *= 2) {
			const struct us_mem *mem = &coverage->map->mems[i];

			if (mem->read)
				us_report_count(&part, coverage->mems[i].reads & width, "%s read by %u byte%s", mem->path,
						width, us_plural(width));
			if (mem->write)
				us_report_count(&part, coverage->mems[i].writes & width, "%s written by %u byte%s",
						mem->path, width, us_plural(width));
		}
	us_report_end(&part);
}

static void print_values(const struct us_coverage *coverage, FILE *out)
{
	struct us_report part;

	us_report_begin(&part, coverage->own, out, "named values (commands, error codes)");
	for (size_t i = 0; i < coverage->map->nregs; i++)
		for (unsigned f = 0; f < coverage->map->regs[i].nfields; f++) {
			const struct us_field *field = &coverage->map->regs[i].fields[f];
			unsigned n = 0;

			for (const struct us_enumerator *item = field->encode; item && item->name && n < 64; item++, n++)
				us_report_count(&part, coverage->regs[i].fields[f].values >> n & 1, "%s.%s = %s",
				      coverage->map->regs[i].path, field->name, item->name);
		}
	us_report_end(&part);
}

void us_coverage_print(const struct us_suite *suite, FILE *out)
{
	fprintf(out, "# coverage of %s\n", suite->map->name);
	print_registers(suite->coverage, out);
	print_fields(suite->coverage, out);
	print_accesses(suite->coverage, out);
	print_memories(suite->coverage, out);
	print_values(suite->coverage, out);
}
