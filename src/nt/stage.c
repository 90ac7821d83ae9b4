/* SPDX-License-Identifier: Apache-2.0 */
/* The stage's beginning and end: its memory, its chance, its modules in order, and how a run is stopped. */
#include "nt/stage.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "nt/kernel.h"
#include "nt/module.h"
#include "nt/phys.h"
#include "nt/report.h"
#include "nt/sched-private.h"
#include "nt/trace.h"
#include "nt/trap.h"

__thread struct us_stage *us_nt;

/* -- memory ------------------------------------------------------------------------------------------------------- */

struct us_nt_block {
	struct us_nt_block *next, **link;
	max_align_t bytes[];
};

void *us_nt_alloc(size_t size)
{
	struct us_nt_block *block = calloc(1, sizeof(*block) + size);

	if (!block) {
		fputs("understudy: out of memory\n", stderr);
		abort();
	}
	block->next = us_nt->blocks;
	block->link = &us_nt->blocks;
	if (block->next)
		block->next->link = &block->next;
	us_nt->blocks = block;
	return block->bytes;
}

void us_nt_free(void *memory)
{
	struct us_nt_block *block;

	if (!memory)
		return;
	block = (struct us_nt_block *)(void *)((uint8_t *)memory - offsetof(struct us_nt_block, bytes));
	*block->link = block->next;
	if (block->next)
		block->next->link = block->link;
	free(block);
}

static void free_blocks(void)
{
	while (us_nt->blocks)
		us_nt_free(us_nt->blocks->bytes);
}

/* -- chance ------------------------------------------------------------------------------------------------------- */

/* SplitMix64: makes a good state of any seed. */
static uint64_t mix(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* xoroshiro128+ (Blackman and Vigna); its upper bits, which are the good ones. */
uint32_t us_nt_random(uint32_t bound)
{
	uint64_t a = us_nt->random[0], b = us_nt->random[1], sum = a + b;

	b ^= a;
	us_nt->random[0] = (a << 24 | a >> 40) ^ b ^ b << 16;
	us_nt->random[1] = b << 37 | b >> 27;
	return (uint32_t)((sum >> 32) * bound >> 32);
}

/* -- the end of a run --------------------------------------------------------------------------------------------- */

/* Back to the host: from here on nothing of the stage runs. */
static _Noreturn void leave_stage(void)
{
	struct us_sched *s = us_nt->sched;

	if (!s || !s->active) {
		fprintf(stderr, "understudy: %s\n", us_nt->stop.text);
		abort(); /* outside of the run there is nothing to go back to: a mistake of the stage */
	}
	us_fiber_leave(&s->active->thread->fiber, &us_nt->host);
}

static void note_stop(enum us_nt_outcome outcome, const char *rule, const char *format, va_list args)
{
	struct us_stop *stop = &us_nt->stop;

	if (stop->outcome != US_NT_RUNNING)
		return;
	stop->outcome = outcome;
	stop->thread = us_nt->sched && us_nt->sched->active ? us_nt->sched->active->thread : NULL;
	snprintf(stop->rule, sizeof(stop->rule), "%s", rule);
	vsnprintf(stop->text, sizeof(stop->text), format, args);
	us_nt_trace("note      the run ends: %s", stop->text);
}

_Noreturn void us_nt_stop(enum us_nt_outcome outcome, const char *rule, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	note_stop(outcome, rule, format, args);
	va_end(args);
	leave_stage();
}

_Noreturn void us_nt_bugcheck(uint32_t code, uint64_t p1, uint64_t p2, uint64_t p3, uint64_t p4, const char *rule,
			      const char *format, ...)
{
	struct us_stop *stop = &us_nt->stop;
	va_list args;

	if (stop->outcome == US_NT_RUNNING) {
		stop->code = code;
		memcpy(stop->parameters, (uint64_t[]){p1, p2, p3, p4}, sizeof(stop->parameters));
	}
	va_start(args, format);
	note_stop(US_NT_BUGCHECK, rule, format, args);
	va_end(args);
	leave_stage();
}

_Noreturn void us_nt_unsupported(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	note_stop(US_NT_UNSUPPORTED, "unsupported", format, args);
	va_end(args);
	leave_stage();
}

_Noreturn void us_nt_hung(const char *format, ...)
{
	char text[512];
	size_t at;
	va_list args;

	va_start(args, format);
	at = (size_t)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	us_nt_describe_waits(text + at, sizeof(text) - at);
	us_nt_stop(US_NT_HANG, "hang", "%s", text);
}

/* -- a run -------------------------------------------------------------------------------------------------------- */

struct body {
	void (*run)(void *context);
	void *context;
};

static void body_main(void *context)
{
	const struct body *body = context;

	body->run(body->context);
	us_nt_stop(US_NT_PASSED, "", "the story was told to its end");
}

static int open_function(const struct us_rehearsal *config, struct us_error *err)
{
	int rc;

	if (!config->function)
		return us_fn_open(config->target ? config->target : "model", config->model, &us_nt->fn, err);
	us_nt->fn = config->function;
	rc = us_fn_reset(us_nt->fn);
	return rc ? us_fail(err, rc, "the function can not be reset for the run: %s", us_fn_error(us_nt->fn)) : 0;
}

static int begin(const struct us_rehearsal *config, struct us_error *err)
{
	uint64_t seed = config->seed;
	int rc;

	if (config->cpus > US_CPUS)
		return us_fail(err, -EINVAL, "%u processors: the stage has %u at most", config->cpus, US_CPUS);
	us_nt->config = config;
	us_nt->random[0] = mix(&seed);
	us_nt->random[1] = mix(&seed);
	if ((rc = us_nt_module_open(err)) || (rc = open_function(config, err)))
		return rc;
	us_nt->info = us_fn_info(us_nt->fn);
	us_fiber_init_host(&us_nt->host);
	us_nt_trace_init();
	us_nt_trace_device();
	if ((rc = us_nt_phys_init(err)))
		return rc;
	us_nt_pool_init();
	us_nt_trap_init();
	us_nt_sched_init();
	us_nt_ke_init();
	us_nt_ex_init();
	us_nt_mm_init();
	us_nt_hal_init();
	us_nt_registry_init();
	us_nt_io_init();
	us_nt_pnp_init();
	return 0;
}

static void end(void)
{
	if (us_nt->sched)
		us_nt_trap_fini();
	if (us_nt->fn) {
		us_nt_trace_fini();
		for (unsigned kind = 0; kind < US_IRQ_KIND_COUNT; kind++)
			us_fn_irq_disable(us_nt->fn, kind);
		us_nt_phys_reset();
		if (us_nt->fn != us_nt->config->function)
			us_fn_close(us_nt->fn);
	}
	free_blocks();
	us_nt = NULL;
}

#define GONE "who played the device is gone: %s"

/* Once the other side of the seam is gone (function.h: -EIO) whatever failed is not the driver's fault. */
static void blame_target(void)
{
	struct us_stop *stop = &us_nt->stop;
	uint64_t vendor;

	if (stop->outcome == US_NT_PASSED || us_fn_read(us_nt->fn, US_REGION_CONFIG, 0, 2, &vendor) != -EIO)
		return;
	stop->outcome = US_NT_FAILED;
	stop->rule[0] = 0;
	stop->code = 0;
	snprintf(stop->text, sizeof(stop->text), GONE, us_fn_error(us_nt->fn));
}

int us_nt_run(const struct us_rehearsal *rehearsal, void (*body)(void *context), void *context,
	      struct us_rehearsal_report *report, struct us_error *err)
{
	struct us_stage stage = {0};
	struct body first = {body, context};
	int rc;

	if (us_nt)
		return us_fail(err, -EBUSY, "a rehearsal runs on this thread already");
	us_nt = &stage;
	rc = begin(rehearsal, err);
	if (rc == -EIO && us_nt->fn)
		us_fail(err, rc, GONE, us_fn_error(us_nt->fn));
	if (rc == 0) {
		if (!us_nt_thread_create("main", 8, body_main, &first))
			rc = us_fail(err, -ENOMEM, "the stage's memory of %zu bytes has no room for a thread",
				     rehearsal->memory);
		else
			us_nt_sched_run();
	}
	if (rc == 0) {
		blame_target();
		us_nt_report(report);
	}
	end();
	return rc;
}
