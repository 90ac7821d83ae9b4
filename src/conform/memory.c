/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The group `registers`: the memories of the map (SystemRDL mem). Each byte keeps what is written, by accesses of every
 * width; no two addresses are the same byte; and memory that software can only read does not take a write.
 */
#include "conform/internal.h"

#include <inttypes.h>

#define PLACES 128 /* that are written at once */
#define STEP 8 /* bytes: the largest access, to which all places are aligned */

static uint64_t peek(struct us_run *run, uint64_t at, unsigned width)
{
	const struct us_mem *mem = run->test->mem;
	uint64_t value = 0;

	if (us_fn_read(run->fn, (enum us_region)US_BAR_OF(mem->addr), US_OFFSET_OF(mem->addr) + at, width, &value))
		us_run_fail(run, "%s can not be read at 0x%" PRIx64 ": %s", mem->path, at, us_fn_error(run->fn));
	return value;
}

static void poke(struct us_run *run, uint64_t at, unsigned width, uint64_t value)
{
	const struct us_mem *mem = run->test->mem;

	if (us_fn_write(run->fn, (enum us_region)US_BAR_OF(mem->addr), US_OFFSET_OF(mem->addr) + at, width, value))
		us_run_fail(run, "%s can not be written at 0x%" PRIx64 ": %s", mem->path, at, us_fn_error(run->fn));
}

static void differs(struct us_run *run, uint64_t at, unsigned width, uint64_t expected, uint64_t got, const char *what)
{
	const struct us_mem *mem = run->test->mem;
	struct us_finding *finding = &run->test->finding;

	finding->expected = expected;
	finding->got = got;
	finding->values = true;
	snprintf(finding->at, sizeof finding->at, "%s + 0x%" PRIx64 ", BAR %u offset 0x%" PRIx64 ", access of %u byte%s",
		 mem->path, at, US_BAR_OF(mem->addr), US_OFFSET_OF(mem->addr) + at, width, us_plural(width));
	us_run_fail(run, "%s", what);
}

/* Both ends, a place for each address bit, and others at random, all multiples of 8. Returns how many. */
static unsigned places(struct us_run *run, uint64_t place[PLACES])
{
	const uint64_t size = run->test->mem->size & ~(uint64_t)(STEP - 1);
	unsigned n = 0;

	if (!size)
		us_run_skip(run, "%s is smaller than the largest access", run->test->mem->path);
	place[n++] = 0;
	for (uint64_t bit = STEP; bit < size; bit *= 2)
		place[n++] = bit;
	place[n++] = size - STEP;
	while (n < PLACES)
		place[n++] = us_run_random(run) % (size / STEP) * STEP;
	return n;
}

/* All places hold a value of their own at once: a decoder that loses an address bit confuses two. */
static void addresses(struct us_run *run)
{
	uint64_t place[PLACES], value[PLACES];
	const unsigned n = places(run, place);

	us_run_clause(run, "SystemRDL 2.0, 11 (mem)");
	for (unsigned i = 0; i < n; i++) {
		value[i] = us_run_random(run);
		poke(run, place[i], STEP, value[i]);
		for (unsigned j = 0; j < i; j++)
			value[j] = place[j] == place[i] ? value[i] : value[j];
	}
	for (unsigned i = 0; i < n; i++) {
		const uint64_t got = peek(run, place[i], STEP);

		if (got != value[i])
			differs(run, place[i], STEP, value[i], got, "memory keeps what is written, at each address its own");
	}
}

/* By every width, in every lane: the bytes that are addressed, and no others. */
static void one_place(struct us_run *run, uint64_t place, unsigned width)
{
	for (unsigned at = 0; at < STEP; at += width) {
		const uint64_t lanes = us_lanes(at, width), base = us_run_random(run), new = us_run_random(run);
		const uint64_t expected = (base & ~lanes) | (new & lanes);
		uint64_t got;

		poke(run, place, STEP, base);
		poke(run, place + at, width, (new & lanes) >> 8 * at);
		got = peek(run, place, STEP);
		if (got != expected)
			differs(run, place + at, width, expected, got,
				"a write changes the bytes that it addresses and no others");
		got = peek(run, place + at, width);
		if (got != (expected & lanes) >> 8 * at)
			differs(run, place + at, width, (expected & lanes) >> 8 * at, got,
				"a narrow read gives the bytes of the wide one");
	}
}

static void lanes(struct us_run *run)
{
	uint64_t place[PLACES];
	const unsigned n = places(run, place);

	us_run_clause(run, "SystemRDL 2.0, 11 (mem)");
	for (unsigned i = 0; i < n; i++)
		for (unsigned width = 1; width <= STEP; width *= 2)
			one_place(run, place[i], width);
}

/* Hardware may change it meanwhile, but not to what was written, time after time. */
static void read_only(struct us_run *run)
{
	uint64_t place[PLACES];
	const unsigned n = places(run, place);

	us_run_clause(run, "SystemRDL 2.0, 11.2 (sw)");
	for (unsigned i = 0; i < n; i++)
		for (unsigned width = 1; width <= STEP; width *= 2) {
			const uint64_t before = peek(run, place[i], width), written = ~before & us_lanes(0, width);
			unsigned taken = 0;

			for (; taken < 3; taken++) {
				poke(run, place[i], width, written);
				if (peek(run, place[i], width) != written)
					break;
			}
			if (taken == 3)
				differs(run, place[i], width, before, written, "memory that is read-only does not take a write");
		}
}

static struct us_case *add(struct us_suite *suite, const struct us_mem *mem, void (*run)(struct us_run *run),
			   const char *name)
{
	struct us_case *test = us_suite_add(suite, run, "registers.%s.%s", mem->path, name);

	test->mem = mem;
	return test;
}

void us_suite_add_memory(struct us_suite *suite)
{
	for (size_t i = 0; i < suite->map->nmems; i++) {
		const struct us_mem *mem = &suite->map->mems[i];

		if (mem->read && mem->write) {
			add(suite, mem, addresses, "addresses");
			add(suite, mem, lanes, "lanes");
		} else if (mem->read) {
			add(suite, mem, read_only, "read-only");
		}
	}
}
