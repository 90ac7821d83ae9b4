/* SPDX-License-Identifier: Apache-2.0 */
/* The command `understudy`: one file a verb, each with one function that main() calls. */
#ifndef UNDERSTUDY_CLI_H
#define UNDERSTUDY_CLI_H

/* Exit status of a verb, as the field has it. */
enum { US_EXIT_OK = 0, US_EXIT_FAILED = 1, US_EXIT_USAGE = 2 };

struct us_verb {
	const char *name;
	const char *summary; /* one line for `understudy --help` */
	int (*run)(int argc, char **argv); /* argv[0] is the verb's name; returns the exit status */
};

int us_cli_conform(int argc, char **argv);
int us_cli_rdl(int argc, char **argv);
int us_cli_rehearse(int argc, char **argv);
int us_cli_serve(int argc, char **argv);
int us_cli_vm(int argc, char **argv);

#endif
