/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rehearsals of the compiled crypto driver cost, on the model in this process.
 *
 *     bench-rehearse DRIVER.sys
 */
#include "bench.h"
#include "digests.h"

#include <spawn.h>
#include <sys/wait.h>

struct subject {
	struct us_rehearsal rehearsal;
	void (*story)(struct us_nt_user *user, void *context);
	unsigned digests; /* of each rehearsal */
};

static void tell(struct subject *s, unsigned count)
{
	struct us_rehearsal_report report;
	struct us_error err;

	s->rehearsal.seed++;
	if (us_rehearse(&s->rehearsal, s->story, &count, &report, &err))
		bench_fail("%s", err.text);
	if (report.outcome != US_NT_PASSED)
		bench_fail("seed %llu: %s\n%s", (unsigned long long)s->rehearsal.seed, report.text, report.details);
}

static void rehearsals(void *ctx, unsigned n)
{
	struct subject *s = ctx;

	while (n--)
		tell(s, s->digests);
}

static void requests(void *ctx, unsigned n)
{
	tell(ctx, n);
}

static void processes(void *ctx, unsigned n)
{
	static char name[] = "true";
	char *argv[] = {name, NULL}, *env[] = {NULL};
	int status;
	pid_t pid;

	(void)ctx;
	while (n--)
		if (posix_spawnp(&pid, name, NULL, NULL, argv, env) || waitpid(pid, &status, 0) != pid || status)
			bench_fail("a process could not be started");
}

static void direct(void *ctx, unsigned n)
{
	static const unsigned char data[DIGEST_BYTES];

	(void)ctx;
	while (n--)
		digest_directly(data);
}

static void suite(void *ctx, unsigned n)
{
	const struct subject *s = ctx;

	while (n--)
		tell_suite(s->rehearsal.driver, s->rehearsal.function);
}

int main(int argc, char **argv)
{
	struct us_function *model = bench_model("crypto");

	if (argc != 2)
		bench_fail("usage: %s DRIVER.sys", argv[0]);
	const struct us_rehearsal rehearsal = {.driver = argv[1], .function = model};
	struct subject idle = {rehearsal, NULL, 0}, one = {rehearsal, digests, 1}, many = one;
	struct bench_subject rehearsed[] = {
		{.name = "a process that does nothing (true)", .run = processes, .n = 1},
		{.name = "load, start, stop, unload", .run = rehearsals, .ctx = &idle, .n = 2},
		{.name = "load, start, one digest, stop, unload",
		 .run = rehearsals,
		 .ctx = &one,
		 .n = 2,
		 .rate = 2000},
	};
	struct bench_subject requested[] = {
		{.name = "libcrypto called directly", .run = direct, .n = 100},
		{.name = "request on the stage", .run = requests, .ctx = &many, .n = 100},
	};
	struct bench_subject suites[] = {
		{.name = "a process that does nothing (true)", .run = processes, .n = 5},
		{.name = "every story, one seed", .run = suite, .ctx = &one, .n = 1, .rate = 5},
	};

	bench_compare("Rehearsals of the crypto driver", rehearsed, 3, 300);
	bench_compare("A digest of 4 KiB, by the driver on the stage", requested, 2, 100);
	bench_compare("The crypto driver's suite", suites, 2, 10);
	us_fn_close(model);
	return 0;
}
