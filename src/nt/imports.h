/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a driver needs of the system, found in its file without running it: `understudy rehearse --imports`.
 */
#ifndef UNDERSTUDY_NT_IMPORTS_H
#define UNDERSTUDY_NT_IMPORTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <understudy/error.h>

#include "nt/pe.h"

/*
 * Lists each function that the driver imports, and each of the framework's that it may call, and whether the stage has
 * it. Returns how many it has not, or a negative errno with a sentence.
 */
int us_nt_list_imports(const char *path, FILE *to, struct us_error *err);

/* What of KMDF a driver uses. */
#define US_KMDF_FUNCTIONS 1024 /* more than any version has */
struct us_kmdf_use {
	bool binds; /* it has the structure that binds it to KMDF; else all is 0 */
	uint32_t major, minor, build; /* the framework that it wants at least */
	uint32_t count; /* functions in that version's table */
	bool called[US_KMDF_FUNCTIONS]; /* by index: code of it takes that entry of the table */
};

/*
 * Finds the structure (WDF_BIND_INFO), and with it the variable that points to the table of functions, or is it
 * (before 1.15); then the instructions that load an entry. A table that goes through memory on its way (spilled, or
 * passed on) is not followed.
 */
void us_pe_kmdf_use(const struct us_pe *pe, struct us_kmdf_use *use);

#endif
