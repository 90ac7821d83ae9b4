/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `rdl` by itself: what the build runs to make C from .rdl files before the command exists. */
#include "cli/cli.h"

int main(int argc, char **argv)
{
	return us_cli_rdl(argc, argv);
}
