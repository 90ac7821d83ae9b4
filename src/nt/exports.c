/* SPDX-License-Identifier: Apache-2.0 */
/* Finding what a driver imports in the modules' tables: by a hash of the name, made once for the process. */
#include <pthread.h>
#include <strings.h>

#include "nt/kernel.h"
#include "nt/mm.h"
#include "nt/rtl.h"
#include "nt/seh.h"

extern const struct us_export us_wdf_loader_exports[];

#define SLOTS 4096u /* more than twice as many as there are exports */

static const struct us_export *kernel[SLOTS], *loader[SLOTS];

/* The slot of a name, or the free one where it would be (FNV-1a, linear probing). */
static const struct us_export **slot(const struct us_export **slots, const char *name)
{
	uint32_t hash = 2166136261u;

	for (const char *c = name; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	while (slots[hash % SLOTS] && strcmp(slots[hash % SLOTS]->name, name) != 0)
		hash++;
	return &slots[hash % SLOTS];
}

/* The first of a name counts. */
static void add(const struct us_export **slots, const struct us_export *table)
{
	for (; table && table->name; table++) {
		const struct us_export **at = slot(slots, table->name);

		if (!*at)
			*at = table;
	}
}

static void add_all(void)
{
	const struct us_export *const tables[] = {
		us_nt_ke_exports,     us_nt_ex_exports, us_nt_rtl_exports,      us_rtl_crt_exports,
		us_rtl_print_exports, us_nt_mm_exports, us_nt_mdl_exports,      us_nt_map_exports,
		us_nt_hal_exports,    us_nt_io_exports, us_nt_registry_exports, us_nt_pnp_exports,
		us_nt_seh_exports,    us_nt_seh_unwind_exports, us_nt_probe_exports,
	};

	for (unsigned i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		add(kernel, tables[i]);
	add(loader, us_wdf_loader_exports);
}

const struct us_export *us_nt_find_export(const char *dll, const char *name)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const struct us_export *found = NULL;

	pthread_once(&once, add_all);
	if (!dll || strcasecmp(dll, "wdfldr.sys") == 0)
		found = *slot(loader, name);
	if (!found && (!dll || strcasecmp(dll, "ntoskrnl.exe") == 0 || strcasecmp(dll, "hal.dll") == 0))
		found = *slot(kernel, name);
	return found;
}
