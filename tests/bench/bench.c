/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 400 /* most */

void bench_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("bench: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

uint64_t bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Of one round: ns for one, or MB/s. */
static double measure(const struct bench_subject *s)
{
	uint64_t start = bench_now();
	double each;

	s->run(s->ctx, s->n);
	each = (double)(bench_now() - start) / s->n;
	return s->bytes ? s->bytes * 1000 / each : each;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, unsigned n)
{
	qsort(values, n, sizeof *values, by_value);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static void print_value(const struct bench_subject *s)
{
	if (s->bytes)
		printf("%10.0f MB/s", s->median);
	else if (s->median < 10000)
		printf("%10.1f ns  ", s->median);
	else
		printf("%10.1f us  ", s->median / 1000);
}

static void print(const char *title, const struct bench_subject *subjects, unsigned count)
{
	printf("\n%s\n", title);
	for (unsigned i = 0; i < count; i++) {
		const struct bench_subject *s = &subjects[i];

		printf("  %-46s", s->name);
		print_value(s);
		if (!i)
			printf("   baseline");
		else
			printf("   %6.2f x", s->ratio);
		if (s->limit)
			printf("   target %s %.1f x: %s", s->bytes ? "at least" : "at most", s->limit,
			       (s->bytes ? s->ratio >= s->limit : s->ratio <= s->limit) ? "met" : "missed");
		if (s->rate)
			printf("   %.0f /s, target at least %.0f: %s", 1e9 / s->median, s->rate,
			       1e9 / s->median >= s->rate ? "met" : "missed");
		putchar('\n');
	}
	fflush(stdout);
}

void bench_compare(const char *title, struct bench_subject *subjects, unsigned count, unsigned rounds)
{
	static double value[8][ROUNDS], ratio[8][ROUNDS];

	if (count > 8 || rounds > ROUNDS)
		bench_fail("%s: too many subjects or rounds", title);
	for (unsigned i = 0; i < count; i++)
		measure(&subjects[i]); /* once for the caches, and for what learns */
	for (unsigned r = 0; r < rounds; r++)
		for (unsigned i = 0; i < count; i++) {
			value[i][r] = measure(&subjects[i]);
			ratio[i][r] = value[i][r] / value[0][r];
		}
	for (unsigned i = 0; i < count; i++) {
		subjects[i].median = median(value[i], rounds);
		subjects[i].ratio = median(ratio[i], rounds);
	}
	print(title, subjects, count);
}
