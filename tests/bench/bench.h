/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measuring on a machine that does other things too: everything that is compared is run in turns, many short rounds
 * each, and compared by its median. So what slows the machine for a while slows all of it alike.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <understudy/function.h>

#include <stdint.h>
#include <sys/types.h>

/* One line of a table. */
struct bench_subject {
	const char *name;
	void (*run)(void *ctx, unsigned n); /* does it `n` times */
	void *ctx;
	unsigned n; /* times in a round: some milliseconds' worth */
	double bytes; /* moved each time, for a throughput in MB/s; 0: the time of one is shown */
	double limit; /* how many times the baseline's value it may (time) or should (throughput) have; 0: no target */
	double rate; /* how many a second there should be, which are then shown; 0: no target */
	double median; /* the result: ns, or MB/s */
	double ratio; /* to the baseline: median of the rounds' */
};

/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t bench_now(void);

/* Runs all in turns and prints them. The first is the baseline of the others. */
void bench_compare(const char *title, struct bench_subject *subjects, unsigned count, unsigned rounds);

/* Says what went wrong, and ends the program. */
void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Another process that answers each message of `take` bytes with one of `give`, sleeping in between; its socket. */
int bench_ponger(size_t take, size_t give);

/* Another process that serves the model `name` to one client, polling for `poll` µs; the client. */
struct us_function *bench_served(const char *name, unsigned poll);

/* The same for a model in this process. */
struct us_function *bench_model(const char *name);

#endif
