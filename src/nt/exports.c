/* SPDX-License-Identifier: Apache-2.0 */
/* Finding what a driver imports in the modules' tables. */
#include <strings.h>

#include "nt/kernel.h"
#include "nt/mm.h"

extern const struct us_export us_wdf_loader_exports[];

#pragma weak us_nt_ke_exports
#pragma weak us_nt_ex_exports
#pragma weak us_nt_rtl_exports
#pragma weak us_nt_hal_exports
#pragma weak us_nt_io_exports
#pragma weak us_nt_registry_exports
#pragma weak us_nt_pnp_exports
#pragma weak us_wdf_loader_exports

static const struct us_export *find(const struct us_export *table, const char *name)
{
	for (; table && table->name; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

const struct us_export *us_nt_find_export(const char *dll, const char *name)
{
	const struct us_export *const kernel[] = {us_nt_ke_exports, us_nt_ex_exports, us_nt_rtl_exports,
						  us_nt_mm_exports, us_nt_mdl_exports,  us_nt_map_exports, us_nt_hal_exports, us_nt_io_exports,
						  us_nt_registry_exports, us_nt_pnp_exports};
	const struct us_export *found = NULL;

	if (!dll || strcasecmp(dll, "wdfldr.sys") == 0)
		found = find(us_wdf_loader_exports, name);
	if (!dll || strcasecmp(dll, "ntoskrnl.exe") == 0 || strcasecmp(dll, "hal.dll") == 0)
		for (unsigned i = 0; !found && i < sizeof(kernel) / sizeof(kernel[0]); i++)
			found = find(kernel[i], name);
	return found;
}
