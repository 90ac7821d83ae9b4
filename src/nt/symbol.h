/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From addresses in a driver to functions and lines of its source, by its DWARF: addr2line of binutils reads that of PE
 * files as it does ELF's.
 */
#ifndef UNDERSTUDY_NT_SYMBOL_H
#define UNDERSTUDY_NT_SYMBOL_H

#include <stdint.h>
#include <stdio.h>

#define US_NT_FRAMES 32u

/*
 * Prints a line for each of up to US_NT_FRAMES addresses of a driver file (as its preferred base has them): "  NAME+0xOFFSET
 * FUNCTION at FILE:LINE", and lines for the callers of inlined functions. DWARF is looked for in NAME.debug beside the file,
 * then in the file itself; where there is none, the offset has to do.
 */
void us_nt_print_symbols(FILE *to, const char *path, const char *name, uint64_t preferred_base, const uint64_t *addresses,
			 unsigned count);

/* The file with a driver's DWARF, as above. */
void us_nt_debug_file(char *to, size_t size, const char *path);

#endif
