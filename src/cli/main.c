/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#ifndef US_VERSION
#error "US_VERSION comes from the build"
#endif

static const struct us_verb verbs[] = {
	{"rdl", "check a SystemRDL file, or make a header, a page, a dump or a map from it", us_cli_rdl},
	{"serve", "play a device for QEMU or another vfio-user client", us_cli_serve},
	{"conform", "test a function against its specification: the model, a socket or a real card", us_cli_conform},
#ifdef US_STAGE
	{"rehearse", "run a compiled Windows driver on an NT kernel in this process", us_cli_rehearse},
#endif
	{"vm", "start stock QEMU with served devices in it", us_cli_vm},
};

static void usage(FILE *to)
{
	fprintf(to, "Usage: understudy VERB [OPTION]... [ARGUMENT]...\n"
		    "Develop a driver against a virtual PCI device before the silicon exists.\n\n");
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		fprintf(to, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
	fprintf(to, "\n  --help     print this, or with a verb its own help\n"
		    "  --version  print the version\n");
}

/* What was printed may still be in a buffer: a full disk is no success. A verb that failed has said why. */
static int finish(int status)
{
	if (status != US_EXIT_OK || (fflush(stdout) == 0 && !ferror(stdout)))
		return status;
	fprintf(stderr, "understudy: standard output could not be written\n");
	return US_EXIT_FAILED;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	if (!name) {
		usage(stderr);
		return US_EXIT_USAGE;
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h")) {
		usage(stdout);
		return finish(US_EXIT_OK);
	}
	if (!strcmp(name, "--version")) {
		puts("understudy " US_VERSION);
		return finish(US_EXIT_OK);
	}
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (!strcmp(name, verbs[i].name))
			return finish(verbs[i].run(argc - 1, argv + 1));
	fprintf(stderr, "understudy: no verb '%s': see 'understudy --help'\n", name);
	return US_EXIT_USAGE;
}
