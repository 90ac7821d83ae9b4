/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNDERSTUDY_CLI_CLOSURE_H
#define UNDERSTUDY_CLI_CLOSURE_H

#include "cli/vm.h"

/*
 * What a program needs beside itself to run elsewhere: its interpreter and the shared libraries it is linked with, and
 * theirs, as paths on this machine; nothing for a static program, and for a file that is no ELF file. What a program
 * loads while it runs (dlopen) is not among them. The dynamic loader itself is asked, so its rules hold (RUNPATH,
 * $ORIGIN, LD_LIBRARY_PATH). -ENOENT with a sentence for a library that is not there.
 */
int us_closure(const char *path, struct us_list *needs, struct us_error *err);

#endif
