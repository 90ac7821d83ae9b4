/* SPDX-License-Identifier: Apache-2.0 */
/* A running test: how it ends, what it takes, and the accesses whose failure is its own. */
#include "conform/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DMA_PIECES 32 /* that a test may have at a time */

struct us_taken {
	struct us_taken *next;
	max_align_t memory[];
};

struct us_taken_dma {
	uint64_t iova;
	size_t size;
};

/* -- how a test ends -------------------------------------------------------------------------------------------- */

static void __attribute__((noreturn)) end(struct us_run *run, enum us_verdict verdict)
{
	run->test->verdict = verdict;
	longjmp(run->end, 1);
}

void us_run_clause(struct us_run *run, const char *clause)
{
	snprintf(run->clause, sizeof run->clause, "%s", clause ? clause : "");
}

/* Document and clause, and the requirements that the test is about. */
static void name_clause(struct us_run *run)
{
	const char *requirements = run->test->requirements;
	const char *between = *run->clause && requirements ? "; " : "";

	snprintf(run->test->finding.clause, sizeof run->test->finding.clause, "%s%s%s", run->clause, between,
		 requirements ? requirements : "");
}

static void __attribute__((format(printf, 2, 0))) tell(struct us_run *run, const char *format, va_list args)
{
	vsnprintf(run->test->finding.text, sizeof run->test->finding.text, format, args);
	name_clause(run);
}

void us_run_fail(struct us_run *run, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tell(run, format, args);
	va_end(args);
	end(run, US_FAILED);
}

void us_run_skip(struct us_run *run, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tell(run, format, args);
	va_end(args);
	end(run, US_SKIPPED);
}

void us_run_note(struct us_run *run, const char *format, ...)
{
	const size_t had = run->test->notes ? strlen(run->test->notes) : 0;
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	run->test->notes = us_must(realloc(run->test->notes, had + strlen(text) + 2));
	sprintf(run->test->notes + had, "%s%s", had ? "\n" : "", text);
}

void us_run_mismatch(struct us_run *run, const struct us_reg *reg, const struct us_field *field, unsigned width,
		     uint64_t expected, uint64_t got, const char *format, ...)
{
	struct us_finding *finding = &run->test->finding;
	va_list args;

	finding->expected = expected;
	finding->got = got;
	finding->values = true;
	snprintf(finding->at, sizeof finding->at, "%s%s%s, BAR %u offset 0x%" PRIx64 ", access of %u byte%s", reg->path,
		 field ? "." : "", field ? field->name : "", US_BAR_OF(reg->addr), US_OFFSET_OF(reg->addr), width,
		 us_plural(width));
	if (field && field->width < 64)
		snprintf(finding->at + strlen(finding->at), sizeof finding->at - strlen(finding->at), ", bits %u:%u",
			 field->lsb + field->width - 1u, field->lsb);
	va_start(args, format);
	tell(run, format, args);
	va_end(args);
	end(run, US_FAILED);
}

void us_run_config_mismatch(struct us_run *run, unsigned offset, unsigned width, uint64_t expected, uint64_t got,
			    const char *format, ...)
{
	struct us_finding *finding = &run->test->finding;
	va_list args;

	finding->expected = expected;
	finding->got = got;
	finding->values = true;
	snprintf(finding->at, sizeof finding->at, "config space offset 0x%02x, access of %u byte%s", offset, width,
		 us_plural(width));
	va_start(args, format);
	tell(run, format, args);
	va_end(args);
	end(run, US_FAILED);
}

int us_run_done(struct us_run *run, int rc)
{
	if (rc >= 0)
		return rc;
	if (rc == -ENOTSUP)
		us_run_skip(run, "%s", us_fn_error(run->fn));
	us_run_fail(run, "%s", us_fn_error(run->fn));
}

void us_run_check_failed(struct us_run *run, const char *file, int line, const char *what)
{
	const char *slash = strrchr(file, '/');

	us_run_fail(run, "%s:%d: this does not hold: %s", slash ? slash + 1 : file, line, what);
}

void us_run_equal(struct us_run *run, uint64_t got, uint64_t expected, const char *file, int line, const char *what)
{
	const char *slash = strrchr(file, '/');
	struct us_finding *finding = &run->test->finding;

	if (got == expected)
		return;
	finding->expected = expected;
	finding->got = got;
	finding->values = true;
	us_run_fail(run, "%s:%d: %s", slash ? slash + 1 : file, line, what);
}

void us_run_bytes(struct us_run *run, const void *got, const void *expected, size_t n, const char *file, int line,
		  const char *what)
{
	const uint8_t *g = got, *e = expected;
	const char *slash = strrchr(file, '/');
	size_t i = 0;

	while (i < n && g[i] == e[i])
		i++;
	if (i == n)
		return;
	run->test->finding.expected = e[i];
	run->test->finding.got = g[i];
	run->test->finding.values = true;
	us_run_fail(run, "%s:%d: %s: byte %zu of %zu differs", slash ? slash + 1 : file, line, what, i, n);
}

/* -- what it has and takes -------------------------------------------------------------------------------------- */

struct us_function *us_run_function(struct us_run *run)
{
	return run->fn;
}

const struct us_map *us_run_map(struct us_run *run)
{
	return run->suite->map;
}

/* SplitMix64 (Steele, Lea and Flood, 2014): every seed gives a sequence of its own. */
uint64_t us_run_random(struct us_run *run)
{
	uint64_t z = run->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void *us_run_alloc(struct us_run *run, size_t size)
{
	struct us_taken *taken = us_must(calloc(1, sizeof *taken + size));

	taken->next = run->taken;
	run->taken = taken;
	return taken->memory;
}

void *us_run_dma(struct us_run *run, uint64_t iova, size_t size, int flags)
{
	void *at;

	if (run->ndma == DMA_PIECES)
		us_run_fail(run, "more than %d pieces of memory for DMA in one test", DMA_PIECES);
	us_run_done(run, us_fn_dma_alloc(run->fn, iova, size, flags, &at));
	run->dma[run->ndma++] = (struct us_taken_dma){iova, size};
	return at;
}

static void give_back(struct us_run *run)
{
	while (run->ndma--) /* a test may have unmapped it itself */
		us_fn_dma_unmap(run->fn, run->dma[run->ndma].iova, run->dma[run->ndma].size);
	for (struct us_taken *taken = run->taken, *next; taken; taken = next) {
		next = taken->next;
		free(taken);
	}
}

/* Patterns depend on the test's name, so that a test run by itself meets the same as among all others. */
static uint64_t seed_of(const struct us_suite *suite, const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ suite->options.seed; /* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	return hash;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* By itself, so that what the test changes in *run is not local to the caller of setjmp() (C17, 7.13.2.1). */
static void attempt(struct us_run *run)
{
	if (!setjmp(run->end))
		run->test->run(run);
}

void us_run_case(struct us_suite *suite, struct us_case *test, struct us_function *fn)
{
	struct us_taken_dma dma[DMA_PIECES];
	struct us_run run = {.suite = suite, .test = test, .fn = fn, .random = seed_of(suite, test->name), .dma = dma};
	const double begun = seconds();

	test->ran = true;
	test->verdict = US_PASSED;
	attempt(&run);
	give_back(&run);
	test->seconds = seconds() - begun;
}

/* -- accesses --------------------------------------------------------------------------------------------------- */

uint64_t us_run_read(struct us_run *run, const struct us_reg *reg, unsigned at, unsigned width)
{
	uint64_t value = 0;
	const int rc = us_fn_read(run->fn, (enum us_region)US_BAR_OF(reg->addr), US_OFFSET_OF(reg->addr) + at, width,
				  &value);

	if (rc)
		us_run_fail(run, "%s can not be read: %s", reg->path, us_fn_error(run->fn));
	return value;
}

void us_run_write(struct us_run *run, const struct us_reg *reg, unsigned at, unsigned width, uint64_t value)
{
	const int rc = us_fn_write(run->fn, (enum us_region)US_BAR_OF(reg->addr), US_OFFSET_OF(reg->addr) + at, width,
				   value);

	if (rc)
		us_run_fail(run, "%s can not be written: %s", reg->path, us_fn_error(run->fn));
}

uint64_t us_run_config_read(struct us_run *run, unsigned offset, unsigned width)
{
	uint64_t value = 0;

	us_run_done(run, us_fn_read(run->fn, US_REGION_CONFIG, offset, width, &value));
	return value;
}

void us_run_config_write(struct us_run *run, unsigned offset, unsigned width, uint64_t value)
{
	us_run_done(run, us_fn_write(run->fn, US_REGION_CONFIG, offset, width, value));
}

unsigned us_run_capability(struct us_run *run, uint8_t id, const char *name)
{
	const int at = us_fn_capability(run->fn, id);

	if (at < 0)
		us_run_fail(run, "the function has no %s capability (0x%02x), which its specification promises", name,
			    id);
	return (unsigned)at;
}

void us_run_bus_master(struct us_run *run, bool on)
{
	const uint64_t command = us_run_config_read(run, PCI_COMMAND, 2);

	us_run_config_write(run, PCI_COMMAND, 2,
			    on ? command | PCI_COMMAND_MASTER : command & ~(uint64_t)PCI_COMMAND_MASTER);
}

/* -- what loses the header -------------------------------------------------------------------------------------- */

void us_run_save_header(struct us_run *run, struct us_header *header)
{
	for (unsigned i = 0; i < US_BARS; i++)
		header->bar[i] = (uint32_t)us_run_config_read(run, PCI_BASE_ADDRESS_0 + 4 * i, 4);
	header->command = (uint16_t)us_run_config_read(run, PCI_COMMAND, 2);
}

void us_run_restore_header(struct us_run *run, const struct us_header *header)
{
	for (unsigned i = 0; i < US_BARS; i++)
		us_run_config_write(run, PCI_BASE_ADDRESS_0 + 4 * i, 4, header->bar[i]);
	us_run_config_write(run, PCI_COMMAND, 2, header->command);
}

void us_run_flr(struct us_run *run)
{
	const unsigned at = us_run_capability(run, PCI_CAP_ID_EXP, "PCI Express") + PCI_EXP_DEVCTL;
	struct us_header header;

	us_run_save_header(run, &header);
	us_run_config_write(run, at, 2, us_run_config_read(run, at, 2) | PCI_EXP_DEVCTL_BCR_FLR);
	us_fn_sleep(run->fn, 100 * UINT64_C(1000000));
	us_run_restore_header(run, &header);
}

void us_run_power(struct us_run *run, unsigned state)
{
	const unsigned at = us_run_capability(run, PCI_CAP_ID_PM, "power management") + PCI_PM_CTRL;
	const uint64_t control = us_run_config_read(run, at, 2);

	us_run_config_write(run, at, 2, (control & ~(uint64_t)PCI_PM_CTRL_STATE_MASK) | state);
	us_fn_sleep(run->fn, 10 * UINT64_C(1000000));
}
