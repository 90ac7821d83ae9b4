/* SPDX-License-Identifier: Apache-2.0 */
/* A part of the report of what was exercised: how many of how many, those that are missing, and the others. */
#include "conform/internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define LINE 110 /* columns */

static const char *unreachable_reason(const struct us_conform *own, const char *what)
{
	for (size_t i = 0; own && i < own->nunreachable; i++)
		if (!strcmp(own->unreachable[i].what, what))
			return own->unreachable[i].reason;
	return NULL;
}

void us_report_begin(struct us_report *report, const struct us_conform *own, FILE *out, const char *title)
{
	*report = (struct us_report){.out = out, .own = own, .title = title};
	report->missing = us_must(open_memstream(&report->missing_text, &report->missing_length));
	report->others = us_must(open_memstream(&report->others_text, &report->others_length));
}

/* One more in a paragraph of comments. */
static void add(struct us_report *report, const char *what)
{
	const size_t length = strlen(what);

	if (!report->column)
		report->column = (size_t)fprintf(report->others, "#   done: %s", what);
	else if (report->column + 2 + length > LINE)
		report->column = (size_t)fprintf(report->others, ",\n#     %s", what) - 2;
	else
		report->column += (size_t)fprintf(report->others, ", %s", what);
}

void us_report_count(struct us_report *report, bool done, const char *format, ...)
{
	const char *reason;
	va_list args;
	char *what;

	va_start(args, format);
	if (vasprintf(&what, format, args) < 0)
		us_must(NULL);
	va_end(args);
	report->all++;
	report->done += done;
	reason = done ? NULL : unreachable_reason(report->own, what);
	report->unreachable += reason != NULL;
	if (done)
		add(report, what);
	else if (reason)
		fprintf(report->missing, "#   unreachable: %s: %s\n", what, reason);
	else
		fprintf(report->missing, "#   not: %s\n", what);
	free(what);
}

void us_report_end(struct us_report *report)
{
	if (report->column)
		fputc('\n', report->others);
	fclose(report->missing);
	fclose(report->others);
	fprintf(report->out, "# %s: %u of %u", report->title, report->done, report->all);
	if (report->unreachable)
		fprintf(report->out, ", %u of the rest unreachable", report->unreachable);
	fprintf(report->out, "\n%s%s", report->missing_text, report->others_text);
	free(report->missing_text);
	free(report->others_text);
}
