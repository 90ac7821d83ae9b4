/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of a device that `understudy conform` runs beside those it makes from the device's specification: for what only
 * the device's own people know. They are written on function.h, so they run unchanged on the model, over a vfio-user
 * socket and on the real card.
 *
 *     static void sum_of_two(struct us_run *run)
 *     {
 *             struct us_function *fn = us_run_function(run);
 *
 *             us_fn_write32(fn, US_REGION_BAR0, ADDER_A, 2);
 *             us_fn_write32(fn, US_REGION_BAR0, ADDER_B, 3);
 *             us_fn_sleep(fn, 1000);
 *             us_check_equal(run, us_fn_read32(fn, US_REGION_BAR0, ADDER_SUM), 5);
 *     }
 *     static const struct us_test sums[] = {US_TEST("ADD-001", sum_of_two)};
 *     static const struct us_test_group groups[] = {{"sums", sums, 1}};
 *     US_CONFORM(.groups = groups, .ngroups = 1);
 *
 * Each test begins with the function as us_fn_open() leaves it. It ends by returning (passed), or inside one of the
 * functions below that do not return; what it took from us_run_alloc() and us_run_dma() is given back either way.
 * Threads: a test runs on one thread, and so does everything here.
 */
#ifndef UNDERSTUDY_CONFORM_H
#define UNDERSTUDY_CONFORM_H

#include <understudy/function.h>
#include <understudy/map.h>

#ifdef __cplusplus
extern "C" {
#endif

struct us_run; /* a test that is running; opaque */

struct us_test {
	const char *name; /* stable: it is how a user selects the test; DEVICE.GROUP.NAME */
	const char *requirements; /* identifiers of the sentences in the specification that it checks: "CRY-060 CRY-061" */
	void (*run)(struct us_run *run);
};

#define US_TEST(requirements, function) {#function, requirements, function}

struct us_test_group {
	const char *name;
	const struct us_test *tests;
	size_t ntests; /* 0: those before one without a name */
};

/* Requirements that the tests made from the specification check, so that no test of the device's own has to. */
struct us_claim {
	const char *test; /* its name: "pci.header.ids"; one that there is not is refused */
	const char *requirements;
};

/*
 * What the specification names and no run can reach on any target: --coverage tells it with the reason, and not as
 * missing.
 */
struct us_unreachable {
	const char *what; /* as --coverage names it: "ERROR.CODE = ENGINE_FAULT", or the identifier of a requirement */
	const char *reason; /* why, and what checks it instead */
};

#define US_CONFORM_ABI 2

struct us_conform {
	unsigned abi; /* US_CONFORM_ABI; US_CONFORM() fills it in */
	const struct us_test_group *groups;
	size_t ngroups;
	const struct us_claim *claims;
	size_t nclaims;
	const struct us_unreachable *unreachable;
	size_t nunreachable;
};

/*
 * Defines the tests that a device's shared object brings along with its model. A file that is compiled into a program
 * with other devices defines US_CONFORM_NAME first (a symbol of its own).
 */
#ifndef US_CONFORM_NAME
#define US_CONFORM_NAME us_conform
#endif
#define US_CONFORM(...)                                                                                                \
	extern const struct us_conform US_CONFORM_NAME;                                                                \
	__attribute__((visibility("default"))) const struct us_conform US_CONFORM_NAME = {.abi = US_CONFORM_ABI,       \
											  __VA_ARGS__}

/* The function under test. */
struct us_function *us_run_function(struct us_run *run);

/* Its specification. */
const struct us_map *us_run_map(struct us_run *run);

/* A number that depends on the seed, the test, and how many were asked for before. */
uint64_t us_run_random(struct us_run *run);

/* Zeroed memory until the end of the test. */
void *us_run_alloc(struct us_run *run, size_t size);

/* us_fn_dma_alloc() until the end of the test; a failure fails the test. */
void *us_run_dma(struct us_run *run, uint64_t iova, size_t size, int flags);

/* Turns the function's bus mastering on or off. */
void us_run_bus_master(struct us_run *run, bool on);

/* The document and clause that is being checked ("PCI 3.0, 6.2.2"), for a failure to name. Until the next call. */
void us_run_clause(struct us_run *run, const char *clause);

/* Ends the test: it failed, printf manner. The sentence says what was expected, what was found, and where. */
void us_run_fail(struct us_run *run, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));

/* Ends the test: this target can not do what it needs; the sentence says what. */
void us_run_skip(struct us_run *run, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));

/* A remark that is printed with the result. */
void us_run_note(struct us_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Fails the test with `fn`'s sentence when `rc`, of a call on it, is negative; else returns `rc`. */
int us_run_done(struct us_run *run, int rc);

/* What the macros below call when a check fails. */
void us_run_check_failed(struct us_run *run, const char *file, int line, const char *what) __attribute__((noreturn));
void us_run_equal(struct us_run *run, uint64_t got, uint64_t expected, const char *file, int line, const char *what);
void us_run_bytes(struct us_run *run, const void *got, const void *expected, size_t n, const char *file, int line,
		  const char *what);

#define us_check(run, condition)                                                                                       \
	((condition) ? (void)0 : us_run_check_failed(run, __FILE__, __LINE__, #condition))
#define us_check_equal(run, got, expected)                                                                             \
	us_run_equal(run, (uint64_t)(got), (uint64_t)(expected), __FILE__, __LINE__, #got)
#define us_check_bytes(run, got, expected, n) us_run_bytes(run, got, expected, n, __FILE__, __LINE__, #got)

#ifdef __cplusplus
}
#endif

#endif
