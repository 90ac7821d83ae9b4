/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rehearsals of the compiled crypto driver cost, on the model in this process.
 *
 *     bench-rehearse DRIVER.sys UNDERSTUDY
 */
#include "bench.h"
#include "digests.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* Runs a program to its end, silently: ctx is its arguments. */
static void processes(void *ctx, unsigned n)
{
	char *const *argv = ctx, *env[] = {NULL};
	posix_spawn_file_actions_t silent;
	int status;
	pid_t pid;

	posix_spawn_file_actions_init(&silent);
	posix_spawn_file_actions_addopen(&silent, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&silent, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	while (n--)
		if (posix_spawnp(&pid, argv[0], &silent, NULL, argv, env) || waitpid(pid, &status, 0) != pid || status)
			bench_fail("%s could not be run", argv[0]);
	posix_spawn_file_actions_destroy(&silent);
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

	if (argc != 3)
		bench_fail("usage: %s DRIVER.sys UNDERSTUDY", argv[0]);
	const struct us_rehearsal rehearsal = {.driver = argv[1], .function = model};
	struct subject idle = {rehearsal, NULL, 0}, one = {rehearsal, digests, 1}, many = one;
	char program[] = "true", verb[] = "rehearse", device[] = "--device=crypto";
	char *nothing[] = {program, NULL}, *command[] = {argv[2], verb, argv[1], device, NULL};
	struct bench_subject rehearsed[] = {
		{.name = "a process that does nothing (true)", .run = processes, .ctx = nothing, .n = 1},
		{.name = "load, start, stop, unload", .run = rehearsals, .ctx = &idle, .n = 2},
		{.name = "load, start, one digest, stop, unload", .run = rehearsals, .ctx = &one, .n = 2, .rate = 2000},
	};
	struct bench_subject requested[] = {
		{.name = "libcrypto called directly", .run = direct, .n = 100},
		{.name = "request on the stage", .run = requests, .ctx = &many, .n = 100},
	};
	struct bench_subject suites[] = {
		{.name = "a process that does nothing (true)", .run = processes, .ctx = nothing, .n = 5},
		{.name = "every story, one seed, by one process", .run = suite, .ctx = &one, .n = 1},
		{.name = "the same as a user runs it, by all processors",
		 .run = processes,
		 .ctx = command,
		 .n = 1,
		 .rate = 5},
	};

	bench_compare("Rehearsals of the crypto driver", rehearsed, 3, 300);
	bench_compare("A digest of 4 KiB, by the driver on the stage", requested, 2, 100);
	bench_compare("The crypto driver's suite", suites, 3, 10);
	us_fn_close(model);
	return 0;
}
