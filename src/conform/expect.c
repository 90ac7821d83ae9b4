/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of expected failures: on each line a test's name, or a glob, and the reason why it fails on this target.
 *
 *     # errata of stepping A0
 *     registers.STATUS.LINK.ro   A0-7: the bit can be written
 *
 * A reason is required: a failure that nobody can explain is not an expected one.
 */
#include "conform/internal.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

struct us_expectation {
	char *glob, *reason;
};

static int parse(struct us_suite *suite, char *line, const char *path, unsigned number, struct us_error *err)
{
	char *reason;

	line[strcspn(line, "\r\n")] = '\0';
	line += strspn(line, " \t");
	if (!*line || *line == '#')
		return 0;
	reason = line + strcspn(line, " \t");
	if (*reason)
		*reason++ = '\0';
	reason += strspn(reason, " \t");
	if (!*reason)
		return us_fail(err, -EINVAL, "%s:%u: %s: the reason is missing: why is this failure expected?", path, number,
			       line);
	suite->expectations =
		us_must(realloc(suite->expectations, (suite->nexpectations + 1) * sizeof *suite->expectations));
	suite->expectations[suite->nexpectations].glob = us_must(strdup(line));
	suite->expectations[suite->nexpectations++].reason = us_must(strdup(reason));
	for (size_t i = 0; i < suite->ncases; i++)
		if (!fnmatch(line, suite->cases[i].name, 0))
			return 0;
	return us_fail(err, -EINVAL, "%s:%u: there is no test '%s': --list shows those of %s", path, number, line,
		       suite->map->name);
}

int us_expect_read(struct us_suite *suite, const char *path, struct us_error *err)
{
	FILE *in = fopen(path, "r");
	char *line = NULL;
	size_t room = 0;
	int rc = 0;

	if (!in)
		return us_fail(err, -errno, "%s: %s", path, strerror(errno));
	for (unsigned number = 1; !rc && getline(&line, &room, in) >= 0; number++)
		rc = parse(suite, line, path, number, err);
	if (!rc && ferror(in))
		rc = us_fail(err, -EIO, "%s: %s", path, strerror(EIO));
	free(line);
	fclose(in);
	return rc;
}

const char *us_expect_reason(const struct us_suite *suite, const char *name)
{
	for (size_t i = 0; i < suite->nexpectations; i++)
		if (!fnmatch(suite->expectations[i].glob, name, 0))
			return suite->expectations[i].reason;
	return NULL;
}

void us_expect_free(struct us_suite *suite)
{
	for (size_t i = 0; i < suite->nexpectations; i++) {
		free(suite->expectations[i].glob);
		free(suite->expectations[i].reason);
	}
	free(suite->expectations);
}
