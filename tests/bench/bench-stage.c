/* SPDX-License-Identifier: Apache-2.0 */
/* What the stage for Windows drivers costs: register accesses by trap. */
#include "bench.h"

#include "nt/stage.h"
#include "nt/trap.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

/* movl (%1), %0: the same instruction in each subject. */
static uint32_t load(const volatile void *at)
{
	uint32_t value;

	__asm__ volatile("movl (%1), %0" : "=a"(value) : "b"(at));
	return value;
}

enum { LOAD_BYTES = 2 };

/* -- the least that a trap can cost ------------------------------------------------------------------------------------- */

static void skip(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)info;
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += LOAD_BYTES;
}

static void bare_trap(void *ctx, unsigned n)
{
	struct sigaction action = {.sa_sigaction = skip, .sa_flags = SA_SIGINFO | SA_NODEFER}, before;

	sigaction(SIGSEGV, &action, &before);
	while (n--)
		load(ctx);
	sigaction(SIGSEGV, &before, NULL);
}

/* -- a register on the stage --------------------------------------------------------------------------------------------- */

struct reading {
	struct us_rehearsal rehearsal;
	unsigned n;
};

static void read_registers(void *context)
{
	const struct reading *reading = context;
	void *bar = us_nt_trap_map(0, 0, 4096);

	for (unsigned i = 0; i < reading->n; i++)
		load(bar);
}

static void register_on_stage(void *ctx, unsigned n)
{
	struct reading *reading = ctx;
	struct us_rehearsal_report report;
	struct us_error err;

	reading->n = n;
	if (us_nt_run(&reading->rehearsal, read_registers, reading, &report, &err) || report.outcome != US_NT_PASSED)
		bench_fail("the stage could not read registers");
}

int main(void)
{
	void *nothing = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct reading reading = {.rehearsal = {.function = bench_model("crypto"), .cpus = 1}};
	struct reading two = {.rehearsal = {.function = reading.rehearsal.function, .cpus = 2}};
	struct bench_subject registers[] = {
		{.name = "a trap (SIGSEGV) that skips the instruction", .run = bare_trap, .ctx = nothing, .n = 5000},
		{.name = "register read on the stage, one processor", .run = register_on_stage, .ctx = &reading, .n = 5000, .limit = 1.25},
		{.name = "register read on the stage, two processors", .run = register_on_stage, .ctx = &two, .n = 5000, .limit = 1.25},
	};

	bench_compare("Register access on the stage", registers, 3, 60);
	us_fn_close(reading.rehearsal.function);
	return 0;
}
