/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the suite share and nobody else needs. */
#ifndef UNDERSTUDY_CONFORM_INTERNAL_H
#define UNDERSTUDY_CONFORM_INTERNAL_H

#include "conform/suite.h"

#include <setjmp.h>

/* -- a test, and what became of it ------------------------------------------------------------------------------ */

/* What a failure says beside its sentence. */
struct us_finding {
	char text[1024];
	char at[256]; /* register and field by name, BAR, offset and width; "" without */
	char clause[192]; /* document and clause, requirements; "" without */
	uint64_t expected, got;
	bool values; /* expected and got are there */
};

struct us_case {
	char *name;
	const char *requirements; /* or NULL */
	void (*run)(struct us_run *run);
	void (*own)(struct us_run *run); /* a device's own: what `run` calls */

	/* What a test made from the map is about; which of them is set depends on `run`. */
	const struct us_reg *reg;
	const struct us_field *field;
	const struct us_mem *mem;
	unsigned number;

	/* After it ran. */
	bool ran;
	enum us_verdict verdict;
	struct us_finding finding;
	char *notes; /* each line one, or NULL */
	double seconds;
	const char *expected; /* the reason why it is expected to fail, or NULL */
};

struct us_suite {
	const struct us_map *map;
	const struct us_conform *own;
	struct us_suite_options options;
	struct us_case *cases;
	size_t ncases, room;
	struct us_expectation *expectations;
	size_t nexpectations;
	struct us_coverage *coverage; /* or NULL */
};

struct us_run {
	struct us_suite *suite;
	struct us_case *test;
	struct us_function *fn;
	uint64_t random;
	jmp_buf end;
	struct us_taken *taken; /* memory until the end of the test */
	struct us_taken_dma *dma;
	unsigned ndma;
	char clause[128];
};

/* Adds a test; the name is printf manner. NULL when out of memory is not a thing: that ends the process. */
struct us_case *us_suite_add(struct us_suite *suite, void (*run)(struct us_run *run), const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The groups, each in the order in which it runs. */
void us_suite_add_pci(struct us_suite *suite);
void us_suite_add_interrupts(struct us_suite *suite);
void us_suite_add_power(struct us_suite *suite);
void us_suite_add_msix(struct us_suite *suite); /* the table as memory; called by interrupts */
void us_suite_add_registers(struct us_suite *suite);
void us_suite_add_accesses(struct us_suite *suite, const struct us_reg *reg); /* called by registers, for each */
void us_suite_add_memory(struct us_suite *suite);
void us_suite_add_own(struct us_suite *suite);

/* malloc() and friends that end the process with a message: the suite is a tool, and never part of a running device. */
void *us_must(void *memory);

/* -- running (run.c) -------------------------------------------------------------------------------------------- */

/* Runs one test on `*fn`, which is fresh. */
void us_run_case(struct us_suite *suite, struct us_case *test, struct us_function *fn);

/* Ends the test: a register, or a field of it (or NULL), has not the value it should. `width` is the access's. */
void us_run_mismatch(struct us_run *run, const struct us_reg *reg, const struct us_field *field, unsigned width,
		     uint64_t expected, uint64_t got, const char *format, ...)
	__attribute__((format(printf, 7, 8), noreturn));

/* The same for a place in config space. */
void us_run_config_mismatch(struct us_run *run, unsigned offset, unsigned width, uint64_t expected, uint64_t got,
			    const char *format, ...) __attribute__((format(printf, 6, 7), noreturn));

/* Accesses whose failure fails the test. `at` is the byte in the register. */
uint64_t us_run_read(struct us_run *run, const struct us_reg *reg, unsigned at, unsigned width);
void us_run_write(struct us_run *run, const struct us_reg *reg, unsigned at, unsigned width, uint64_t value);
uint64_t us_run_config_read(struct us_run *run, unsigned offset, unsigned width);
void us_run_config_write(struct us_run *run, unsigned offset, unsigned width, uint64_t value);

/* Offset of a capability that the specification promises; without it the test fails. */
unsigned us_run_capability(struct us_run *run, uint8_t id, const char *name);

/* BARs and command register as the test found them: saved and put back around what loses them. */
struct us_header {
	uint32_t bar[US_BARS];
	uint16_t command;
};
void us_run_save_header(struct us_run *run, struct us_header *header);
void us_run_restore_header(struct us_run *run, const struct us_header *header);

/* Function level reset by the capability's own bit, and the wait that it demands (PCIe 3.0, 6.6.2). */
void us_run_flr(struct us_run *run);

/* D0 to D3hot and back, with the waits that this demands (PCI PM 1.2, 5.4). */
void us_run_power(struct us_run *run, unsigned state);

/* -- values of registers (values.c) ----------------------------------------------------------------------------- */

uint64_t us_field_mask(const struct us_field *field); /* in place */
uint64_t us_reg_mask(const struct us_reg *reg, unsigned flags); /* of the fields that have any of the flags */
uint64_t us_reg_ones(const struct us_reg *reg); /* all its bits */
uint64_t us_lanes(unsigned at, unsigned width);

/* Bits that are known to have side effects when read, of any kind. */
uint64_t us_reg_read_effects(const struct us_reg *reg);

/* What bits to write so that nothing but plain fields' `value` bits change. */
uint64_t us_reg_safe(const struct us_reg *reg, uint64_t value);

/*
 * The value of the register after software wrote `written` in `lanes`, by SystemRDL 2.0, 9.6.1; *unknown gets the bits
 * that only the device knows.
 */
uint64_t us_reg_written(const struct us_reg *reg, uint64_t before, uint64_t lanes, uint64_t written, uint64_t *unknown);

/* Values after reset: *known gets the bits that the specification states and software can read. */
uint64_t us_reg_reset(const struct us_reg *reg, uint64_t *known);

/* The field that has the lowest of these bits, or NULL. */
const struct us_field *us_reg_field(const struct us_reg *reg, uint64_t bits);

/* Is register `b` near `a` in the map, or where a decoder that loses an address bit would confuse the two? */
bool us_reg_is_near(const struct us_map *map, size_t a, size_t b);

/* Fails the test when bits that are not hardware's have another value than in `before`, after a write to `written`. */
void us_reg_is_unchanged(struct us_run *run, const struct us_reg *reg, uint64_t before, const char *written);

/* "rw", "ro", "w1c", …: what a test of it is called. NULL: the device alone knows. */
const char *us_field_policy(const struct us_field *field);

/* -- causes (raise.c) ------------------------------------------------------------------------------------------- */

struct us_cause {
	const struct us_reg *reg;
	const struct us_field *field;
};

/* The n-th cause that software can make happen; false: there are not so many. */
bool us_cause_at(const struct us_map *map, unsigned n, struct us_cause *cause);

/* Is the property what it should be? */
int us_cause_check(const struct us_map *map, const struct us_cause *cause, struct us_error *err);

void us_cause_enable(struct us_run *run, const struct us_cause *cause, bool on);

/* Makes it happen, and waits until its bit is set; a bit that stays clear fails the test. */
void us_cause_raise(struct us_run *run, const struct us_cause *cause);

/* Clears it as its access policy has it. False: software can not. */
bool us_cause_clear(struct us_run *run, const struct us_cause *cause);
bool us_cause_clearable(const struct us_cause *cause);

/* -- expected failures (expect.c) ------------------------------------------------------------------------------- */

int us_expect_read(struct us_suite *suite, const char *path, struct us_error *err);
const char *us_expect_reason(const struct us_suite *suite, const char *name); /* or NULL */
void us_expect_free(struct us_suite *suite);

/* -- reports (tap.c, junit.c) ----------------------------------------------------------------------------------- */

void us_tap_begin(const struct us_suite *suite, size_t tests);
void us_tap_result(const struct us_suite *suite, size_t number, const struct us_case *test);
int us_junit_write(const struct us_suite *suite, struct us_error *err);
const char *us_plural(size_t n); /* "" or "s" */

/* -- coverage (coverage.c, requirements.c) ---------------------------------------------------------------------- */

struct us_coverage *us_coverage_new(const struct us_map *map, const struct us_conform *own);
void us_coverage_free(struct us_coverage *coverage);
void us_coverage_watch(struct us_coverage *coverage, struct us_function *fn);
void us_coverage_print(const struct us_suite *suite, FILE *out);

void us_requirements_print(const struct us_suite *suite, FILE *out);

/* -- a part of what they print (report.c) ------------------------------------------------------------------------ */

struct us_report {
	FILE *out;
	const struct us_conform *own; /* which says what can not be reached, and why; or NULL */
	const char *title;
	unsigned done, all, unreachable;
	FILE *missing, *others; /* a line each; a paragraph */
	char *missing_text, *others_text;
	size_t missing_length, others_length, column;
};

void us_report_begin(struct us_report *report, const struct us_conform *own, FILE *out, const char *title);

/* One thing by its name, printf manner: was it done? */
void us_report_count(struct us_report *report, bool done, const char *format, ...) __attribute__((format(printf, 3, 4)));
void us_report_end(struct us_report *report); /* prints, and frees */

#endif
