/* SPDX-License-Identifier: Apache-2.0 */
#include "base/names.h"

#include <fnmatch.h>
#include <string.h>

bool us_name_is_chosen(const char *filter, const char *name)
{
	char *rest, *glob;
	bool chosen;

	if (!filter)
		return true;
	chosen = *filter == '!';
	rest = strdupa(filter); /* a word of a command line: it has an end */
	while ((glob = strsep(&rest, ",")))
		if (!fnmatch(glob + (*glob == '!'), name, 0))
			chosen = *glob != '!';
	return chosen;
}
