/* SPDX-License-Identifier: Apache-2.0 */
#include "nt/imports.h"

#include <inttypes.h>

#include "nt/gate.h"

/* kmdf/loader.c's: a function of the table by its index. */
const struct us_export *us_wdf_function(size_t index);

static int say(FILE *to, bool there, const char *from, const char *name)
{
	fprintf(to, "  %-8s %s%s%s\n", there ? "ok" : "missing", from, *from ? "!" : "", name);
	return !there;
}

static int list_imports(const struct us_pe *pe, FILE *to)
{
	const struct us_pe_import *imports;
	int missing = 0;
	size_t count;

	imports = us_pe_imports(pe, &count);
	if (count)
		fprintf(to, "imports:\n");
	for (size_t i = 0; i < count; i++) {
		const struct us_export *export =
			imports[i].name ? us_nt_find_export(imports[i].dll, imports[i].name) : NULL;
		char ordinal[32];

		snprintf(ordinal, sizeof ordinal, "number %u", imports[i].ordinal);
		missing += say(to, export && (export->function || export->data), imports[i].dll,
			       imports[i].name ? imports[i].name : ordinal);
	}
	return missing;
}

static int list_functions(const struct us_kmdf_use *use, FILE *to)
{
	int missing = 0;

	fprintf(to, "functions of KMDF that it may call:\n");
	for (uint32_t i = 0; i < use->count; i++) {
		const struct us_export *export = use->called[i] ? us_wdf_function(i) : NULL;
		char index[48];

		snprintf(index, sizeof index, "function %" PRIu32 " of the table", i);
		if (use->called[i])
			missing += say(to, export && export->function, "", export ? export->name : index);
	}
	return missing;
}

int us_nt_list_imports(const char *path, FILE *to, struct us_error *err)
{
	struct us_kmdf_use use;
	struct us_pe *pe;
	int missing, rc = us_pe_open(path, &pe, err);

	if (rc)
		return rc;
	us_pe_kmdf_use(pe, &use);
	if (use.binds)
		fprintf(to, "%s: a driver for KMDF %" PRIu32 ".%" PRIu32 "\n", path, use.major, use.minor);
	else
		fprintf(to, "%s: a driver that does not use KMDF\n", path);
	missing = list_imports(pe, to);
	if (use.binds)
		missing += list_functions(&use, to);
	if (missing)
		fprintf(to, "%d of these the stage does not have: the driver runs until it calls one\n", missing);
	else
		fprintf(to, "the stage has all of these\n");
	us_pe_close(pe);
	if (fflush(to) || ferror(to))
		return us_fail(err, -EIO, "the list of imports can not be written");
	return missing;
}
