/* SPDX-License-Identifier: Apache-2.0 */
/* The report of a run. */
#include "nt/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "nt/module.h"
#include "nt/sched-private.h"
#include "nt/stage.h"
#include "nt/trace.h"

const char *us_nt_outcome_name(enum us_nt_outcome outcome)
{
	static const char *const names[] = {"running", "passed", "expectation", "bugcheck",
					    "hang",    "leak",   "unsupported", "failed"};

	return outcome < sizeof(names) / sizeof(names[0]) ? names[outcome] : "?";
}

void us_nt_describe_waits(char *text, size_t size)
{
	const struct us_sched *s = us_nt->sched;
	const char *separator = ": ";
	size_t at = 0;

	for (unsigned i = 0; i < s->ncpus && at < size; i++)
		if (s->cpus[i].spins_until) {
			at += (size_t)snprintf(text + at, size - at, "%sprocessor %u spins for %s", separator, i,
					       s->cpus[i].spins_for);
			separator = "; ";
		}
	for (const struct us_thread *thread = s->threads; thread && at < size; thread = thread->next)
		if (thread->state == US_THREAD_WAITING) {
			at += (size_t)snprintf(text + at, size - at, "%sthread %u (%s) waits for %s", separator,
					       thread->id, thread->name, thread->waits_for);
			separator = "; ";
		}
}

static void print_threads(FILE *to)
{
	static const char *const states[] = {"ready", "running", "waits for ", "ended"};

	fputs("threads:\n", to);
	for (const struct us_thread *thread = us_nt->sched->threads; thread; thread = thread->next)
		fprintf(to, "  %3u %-12s %s%s\n", thread->id, thread->name, states[thread->state],
			thread->state == US_THREAD_WAITING ? thread->waits_for : "");
}

/* Of the thread that ended the run; when nobody can go on, of all that wait. */
static void print_stacks(FILE *to)
{
	const struct us_stop *stop = &us_nt->stop;

	if (stop->thread)
		us_nt_module_print_stack(to, stop->thread);
	for (const struct us_thread *thread = us_nt->sched->threads; thread && stop->outcome == US_NT_HANG;
	     thread = thread->next)
		if (thread != stop->thread)
			us_nt_module_print_stack(to, thread);
}

static void print_details(FILE *to)
{
	const struct us_stop *stop = &us_nt->stop;

	fprintf(to, "%s", us_nt_outcome_name(stop->outcome));
	if (stop->code)
		fprintf(to, " 0x%" PRIX32 " (0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64 ")", stop->code,
			stop->parameters[0], stop->parameters[1], stop->parameters[2], stop->parameters[3]);
	if (stop->rule[0])
		fprintf(to, " [%s]", stop->rule);
	fprintf(to, ": %s\n", stop->text);
	print_stacks(to);
	us_nt_module_print_blamed(to);
	us_nt_trace_prints(to);
	fputs("the last calls and accesses (time, processor, IRQL, thread):\n", to);
	us_nt_trace_recent(to);
	print_threads(to);
	if (us_nt->config->replay)
		fprintf(to, "again: %s\n", us_nt->config->replay);
}

void us_nt_report(struct us_rehearsal_report *report)
{
	const struct us_stop *stop = &us_nt->stop;
	size_t size;
	FILE *to;

	*report = (struct us_rehearsal_report){
		.outcome = stop->outcome,
		.code = stop->code,
		.points = us_nt->points,
		.time = us_nt_now(),
		.calls = us_nt->calls,
		.registers = us_nt->registers,
		.interrupts = us_nt->sched->delivered,
		.failable = us_nt->failable,
	};
	memcpy(report->rule, stop->rule, sizeof(report->rule));
	memcpy(report->text, stop->text, sizeof(report->text));
	memcpy(report->parameters, stop->parameters, sizeof(report->parameters));
	if (stop->outcome == US_NT_PASSED || !(to = open_memstream(&report->details, &size)))
		return;
	print_details(to);
	fclose(to);
}

void us_rehearsal_free(struct us_rehearsal_report *report)
{
	free(report->details);
	report->details = NULL;
}
