/* SPDX-License-Identifier: Apache-2.0 */
/* Results as the XML that build servers read, after JUnit's Ant task: one testsuite for each group. */
#include "base/quote.h"
#include "conform/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static size_t group_length(const char *name)
{
	return strcspn(name, ".");
}

static bool same_group(const struct us_case *a, const struct us_case *b)
{
	const size_t length = group_length(a->name);

	return length == group_length(b->name) && !strncmp(a->name, b->name, length);
}

static void put_case(const struct us_suite *suite, const struct us_case *test, FILE *out)
{
	const struct us_finding *finding = &test->finding;

	fprintf(out, "    <testcase classname=\"%s.%.*s\" name=\"", suite->map->name, (int)group_length(test->name),
		test->name);
	us_put_markup(out, test->name);
	fprintf(out, "\" time=\"%.6f\"", test->ran ? test->seconds : 0);
	if (test->ran && test->verdict == US_PASSED) {
		fputs("/>\n", out);
		return;
	}
	fputs(">\n      ", out);
	if (!test->ran || test->verdict == US_SKIPPED || test->expected) {
		fputs("<skipped message=\"", out);
		us_put_markup(out, !test->ran ? "the run ended before" : test->expected ? test->expected : finding->text);
		fputs("\"/>\n", out);
	} else {
		fputs("<failure message=\"", out);
		us_put_markup(out, finding->text);
		fputs("\">", out);
		us_put_markup(out, finding->at);
		if (finding->values)
			fprintf(out, "\nexpected 0x%" PRIx64 ", got 0x%" PRIx64, finding->expected, finding->got);
		fputc('\n', out);
		us_put_markup(out, finding->clause);
		fputs("</failure>\n", out);
	}
	fputs("    </testcase>\n", out);
}

static void put_group(const struct us_suite *suite, size_t first, size_t end, FILE *out)
{
	unsigned failures = 0, skipped = 0;
	double seconds = 0;

	for (size_t i = first; i < end; i++) {
		const struct us_case *test = &suite->cases[i];

		seconds += test->seconds;
		if (!test->ran || test->verdict == US_SKIPPED || (test->verdict == US_FAILED && test->expected))
			skipped++;
		else if (test->verdict == US_FAILED)
			failures++;
	}
	fprintf(out, "  <testsuite name=\"%s.%.*s\" tests=\"%zu\" failures=\"%u\" errors=\"0\" skipped=\"%u\" time=\"%.6f\">\n",
		suite->map->name, (int)group_length(suite->cases[first].name), suite->cases[first].name, end - first, failures,
		skipped, seconds);
	for (size_t i = first; i < end; i++)
		put_case(suite, &suite->cases[i], out);
	fputs("  </testsuite>\n", out);
}

int us_junit_write(const struct us_suite *suite, struct us_error *err)
{
	const char *path = suite->options.junit;
	FILE *out = fopen(path, "w");
	bool failed;

	if (!out)
		return us_fail(err, -errno, "%s: %s", path, strerror(errno));
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n", out);
	for (size_t i = 0, end; i < suite->ncases; i = end) {
		for (end = i + 1; end < suite->ncases && same_group(&suite->cases[i], &suite->cases[end]);)
			end++;
		put_group(suite, i, end, out);
	}
	fputs("</testsuites>\n", out);
	failed = ferror(out);
	errno = 0;
	if (fclose(out) || failed)
		return us_fail(err, errno ? -errno : -EIO, "%s: %s", path, strerror(errno ? errno : EIO));
	return 0;
}
