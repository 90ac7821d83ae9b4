/* SPDX-License-Identifier: Apache-2.0 */
/* The trace of a run, and what is remembered without one. */
#include "nt/trace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "nt/sched-private.h"
#include "nt/stage.h"

#define REMEMBERED 64u /* a power of two */

struct moment {
	const char *kind, *name, *types;
	uint64_t time, a, b, c;
	unsigned cpu, thread;
	KIRQL irql;
};

#define PRINTS 8u

struct us_trace {
	FILE *file;
	FILE *device; /* what the function logs comes through here; NULL: it does not, or nobody wants it */
	char prints[PRINTS][160]; /* the last lines of the driver's */
	unsigned nprints;
	struct moment recent[REMEMBERED];
	uint64_t count;
};

/* Lines of the device's log, each with a time in front that is not the stage's. */
static ssize_t take_device_lines(void *cookie, const char *text, size_t size)
{
	size_t at = 0;

	(void)cookie;
	while (at < size) {
		const char *end = memchr(text + at, '\n', size - at), *space;
		size_t length = end ? (size_t)(end - (text + at)) : size - at;

		space = memchr(text + at, ' ', length);
		if (space)
			us_nt_trace("device    %.*s", (int)(length - (size_t)(space + 1 - (text + at))), space + 1);
		at += length + 1;
	}
	return (ssize_t)size;
}

void us_nt_trace_init(void)
{
	us_nt->trace = us_nt_alloc(sizeof(*us_nt->trace));
	us_nt->trace->file = us_nt->config->trace;
}

void us_nt_trace_device(void)
{
	const cookie_io_functions_t functions = {.write = take_device_lines};
	struct us_trace *trace = us_nt->trace;

	if (!trace->file)
		return;
	trace->device = fopencookie(NULL, "w", functions);
	if (!trace->device)
		return;
	setvbuf(trace->device, NULL, _IOLBF, BUFSIZ);
	us_fn_trace(us_nt->fn, trace->device); /* a function elsewhere logs there */
}

void us_nt_trace_fini(void)
{
	struct us_trace *trace = us_nt->trace;

	if (!trace || !trace->device)
		return;
	us_fn_trace(us_nt->fn, NULL);
	fclose(trace->device);
	trace->device = NULL;
}

bool us_nt_tracing(void)
{
	return us_nt->trace->file != NULL;
}

void us_nt_trace(const char *format, ...)
{
	FILE *file = us_nt->trace->file;
	struct us_sched *s = us_nt->sched;
	va_list args;

	if (!file)
		return;
	if (s && s->active)
		fprintf(file, "%" PRIu64 ".%09u cpu%u %2u %3u | ", us_nt_now() / 1000000000,
			(unsigned)(us_nt_now() % 1000000000), s->active->number, s->active->irql,
			s->active->thread->id);
	va_start(args, format);
	vfprintf(file, format, args);
	va_end(args);
	fputc('\n', file);
}

void us_nt_remember(const char *kind, const char *name, const char *types, uint64_t a, uint64_t b, uint64_t c)
{
	struct us_trace *trace = us_nt->trace;
	const struct us_cpu *cpu = us_nt->sched->active;

	trace->recent[trace->count++ % REMEMBERED] = (struct moment){
		.kind = kind,
		.name = name,
		.types = types,
		.time = us_nt_now(),
		.a = a,
		.b = b,
		.c = c,
		.cpu = cpu->number,
		.thread = cpu->thread->id,
		.irql = cpu->irql,
	};
}

void us_nt_remember_print(const char *prefix, const char *text)
{
	struct us_trace *trace = us_nt->trace;

	snprintf(trace->prints[trace->nprints++ % PRINTS], sizeof(trace->prints[0]), "%s%s", prefix, text);
}

void us_nt_trace_prints(FILE *to)
{
	const struct us_trace *trace = us_nt->trace;

	if (trace->nprints)
		fputs("what the driver printed last:\n", to);
	for (unsigned i = trace->nprints > PRINTS ? trace->nprints - PRINTS : 0; i < trace->nprints; i++)
		fprintf(to, "  %s\n", trace->prints[i % PRINTS]);
}

static void print_number(FILE *to, char type, uint64_t value)
{
	switch (type) {
	case 's':
	case 'S':
	case 'x':
		fprintf(to, "0x%08" PRIx32, (uint32_t)value);
		break;
	case 'b':
		fprintf(to, "%u", (unsigned)(uint8_t)value);
		break;
	case 'u':
		fprintf(to, "%" PRIu32, (uint32_t)value);
		break;
	case 'q':
		fprintf(to, "%" PRId64, (int64_t)value);
		break;
	default:
		fprintf(to, value ? "0x%" PRIx64 : "NULL", value);
	}
}

static void print_numbers(FILE *to, const struct moment *m)
{
	const uint64_t values[] = {m->a, m->b, m->c};
	const char *separator = "(";

	if (m->types[0] == 'r') {
		fprintf(to, "+0x%03" PRIx64 " %u = 0x%" PRIx64, m->a, (unsigned)m->b, m->c);
		return;
	}
	for (unsigned i = 0; i < 3 && m->types[i] && m->types[i] != '.'; i++) {
		fputs(separator, to);
		print_number(to, m->types[i], values[i]);
		separator = ", ";
	}
	if (strlen(m->types) > 3)
		fputs(", ...", to);
	fputs(separator[0] == '(' ? "" : ")", to);
}

void us_nt_trace_recent(FILE *to)
{
	const struct us_trace *trace = us_nt->trace;
	uint64_t first = trace->count > REMEMBERED ? trace->count - REMEMBERED : 0;

	for (uint64_t i = first; i < trace->count; i++) {
		const struct moment *m = &trace->recent[i % REMEMBERED];

		fprintf(to, "  %" PRIu64 ".%09u cpu%u %2u %3u | %-9s %s", m->time / 1000000000,
			(unsigned)(m->time % 1000000000), m->cpu, m->irql, m->thread, m->kind, m->name);
		print_numbers(to, m);
		fputc('\n', to);
	}
}
