/* SPDX-License-Identifier: Apache-2.0 */
/* Results as the Test Anything Protocol, version 14, with what a failure found as its YAML block. */
#include "base/quote.h"
#include "conform/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void us_tap_begin(const struct us_suite *suite, size_t tests)
{
	fprintf(suite->options.tap, "TAP version 14\n1..%zu\n# %s, seed %" PRIu64 "\n", tests, suite->map->name,
		suite->options.seed);
	fflush(suite->options.tap);
}

/* A description may hold anything but a newline, and '#' begins a directive. */
static void put_plain(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '#' || *text == '\\')
			fputc('\\', out);
		fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
	}
}

static void put_again(FILE *out, const struct us_suite *suite, const struct us_case *test)
{
	char *command;

	if (asprintf(&command, "%s --filter '%s' --seed %" PRIu64, suite->options.again, test->name,
		     suite->options.seed) < 0)
		return;
	us_put_yaml_member(out, "again", command);
	free(command);
}

static void put_finding(const struct us_suite *suite, const struct us_case *test)
{
	const struct us_finding *finding = &test->finding;
	FILE *out = suite->options.tap;

	fputs("  ---\n", out);
	us_put_yaml_member(out, "message", finding->text);
	if (*finding->at)
		us_put_yaml_member(out, "at", finding->at);
	if (finding->values)
		fprintf(out, "  expected: 0x%" PRIx64 "\n  got: 0x%" PRIx64 "\n", finding->expected, finding->got);
	if (*finding->clause)
		us_put_yaml_member(out, "clause", finding->clause);
	if (suite->options.again)
		put_again(out, suite, test);
	fputs("  ...\n", out);
}

static void put_notes(FILE *out, const char *notes)
{
	while (notes && *notes) {
		const size_t length = strcspn(notes, "\n");

		fprintf(out, "# %.*s\n", (int)length, notes);
		notes += length + (notes[length] == '\n');
	}
}

void us_tap_result(const struct us_suite *suite, size_t number, const struct us_case *test)
{
	FILE *out = suite->options.tap;

	put_notes(out, test->notes);
	fprintf(out, "%sok %zu - %s", test->verdict == US_FAILED ? "not " : "", number, test->name);
	if (test->verdict == US_SKIPPED) {
		fputs(" # SKIP ", out);
		put_plain(out, test->finding.text);
	} else if (test->expected) {
		fputs(" # TODO ", out);
		put_plain(out, test->expected);
	}
	fputc('\n', out);
	if (test->verdict == US_FAILED)
		put_finding(suite, test);
	fflush(out);
}
