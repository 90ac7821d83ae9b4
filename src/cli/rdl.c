/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <stdio.h>

int us_cli_rdl(int argc, char **argv)
{
	(void)argc;
	fprintf(stderr, "understudy %s: not written yet\n", argv[0]);
	return US_EXIT_FAILED;
}
