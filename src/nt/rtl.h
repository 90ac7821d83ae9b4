/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of rtl share. Functions that Windows shares with the C library, or that have variable arguments, are defined
 * under names of their own and exported under Windows'.
 */
#ifndef UNDERSTUDY_NT_RTL_H
#define UNDERSTUDY_NT_RTL_H

#include "nt/kernel.h"

#define US_MS __attribute__((ms_abi))

/* Uppercase and lowercase of the characters up to U+017F, Greek and Cyrillic: what names on the stage are made of. */
WCHAR us_rtl_upcase(WCHAR c);
WCHAR us_rtl_downcase(WCHAR c);

/*
 * Formats as Windows' C library does in the kernel, with Windows' variable arguments: %d %i %u %x %X %o %c %C %s %S %p %Z %%,
 * with flags, width, precision, and the sizes h, hh, l, ll, w, I, I32, I64, z, t, j. Up to `size` characters without a terminating
 * NUL; the number that it would take. `wide`: format and output are of WCHARs. Floating point is not there, as in drivers' strings.
 */
size_t us_rtl_format(void *to, size_t size, bool wide, const void *format, __builtin_ms_va_list args);

/* Faults on the first of these bytes that is an application's and not there, if any: before the host's library does. */
void us_rtl_reach(const void *at, size_t size);
void us_rtl_reach_to_write(void *at, size_t size);

US_MS BOOLEAN us_rtl_is_nt_ddi_version_available(ULONG version);

extern const struct us_export us_rtl_crt_exports[], us_rtl_print_exports[];

#endif
