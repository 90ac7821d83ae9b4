/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions with variable arguments or a list of them: sprintf's kin, and the debugger's output, which goes to the
 * run's print file and its trace, whatever its component and level. Microsoft, "_snprintf", "_vsnwprintf", "DbgPrint",
 * "DbgPrintEx".
 */
#include <stdio.h>

#include "nt/rtl.h"
#include "nt/trace.h"

/* -- into buffers ------------------------------------------------------------------------------------------------- */

/* Microsoft's rules: with room for all of it but not the NUL there is none; without room it is cut and -1. */
static int into(void *to, size_t count, bool wide, const void *format, __builtin_ms_va_list args)
{
	size_t length = us_rtl_format(to, count, wide, format, args);

	if (length < count) {
		if (wide)
			((WCHAR *)to)[length] = 0;
		else
			((char *)to)[length] = 0;
	}
	return length <= count ? (int)length : -1;
}

static US_MS int vsnprintf_(char *to, size_t count, const char *format, __builtin_ms_va_list args)
{
	return into(to, count, false, format, args);
}

static US_MS int vsnwprintf_(WCHAR *to, size_t count, const WCHAR *format, __builtin_ms_va_list args)
{
	return into(to, count, true, format, args);
}

static US_MS int vsprintf_(char *to, const char *format, __builtin_ms_va_list args)
{
	return into(to, MAXLONG, false, format, args);
}

#define FORMATTED(to, count, wide, format)                                                                             \
	__builtin_ms_va_list args;                                                                                     \
	int length;                                                                                                    \
                                                                                                                       \
	__builtin_ms_va_start(args, format);                                                                           \
	length = into(to, count, wide, format, args);                                                                  \
	__builtin_ms_va_end(args);                                                                                     \
	return length

static US_MS int snprintf_(char *to, size_t count, const char *format, ...)
{
	FORMATTED(to, count, false, format);
}

static US_MS int snwprintf_(WCHAR *to, size_t count, const WCHAR *format, ...)
{
	FORMATTED(to, count, true, format);
}

static US_MS int sprintf_(char *to, const char *format, ...)
{
	FORMATTED(to, MAXLONG, false, format);
}

static US_MS int swprintf_(WCHAR *to, const WCHAR *format, ...)
{
	FORMATTED(to, MAXLONG, true, format);
}

/* -- to the debugger ---------------------------------------------------------------------------------------------- */

static void print(const char *prefix, const char *format, __builtin_ms_va_list args)
{
	char text[512]; /* Windows cuts what is longer, too */
	size_t length = us_rtl_format(text, sizeof(text) - 1, false, format, args);

	text[length < sizeof(text) - 1 ? length : sizeof(text) - 1] = 0;
	if (us_nt->config->print)
		fprintf(us_nt->config->print, "%s%s", prefix, text);
	length = strlen(text);
	while (length && (text[length - 1] == '\n' || text[length - 1] == '\r'))
		text[--length] = 0;
	us_nt_trace("print     %s%s", prefix, text);
	us_nt_remember_print(prefix, text);
}

static US_MS ULONG dbg_print(const char *format, ...)
{
	__builtin_ms_va_list args;

	__builtin_ms_va_start(args, format);
	print("", format, args);
	__builtin_ms_va_end(args);
	return STATUS_SUCCESS;
}

static US_MS ULONG dbg_print_ex(ULONG component, ULONG level, const char *format, ...)
{
	__builtin_ms_va_list args;

	(void)component, (void)level;
	__builtin_ms_va_start(args, format);
	print("", format, args);
	__builtin_ms_va_end(args);
	return STATUS_SUCCESS;
}

static US_MS ULONG vdbg_print_ex(ULONG component, ULONG level, const char *format, __builtin_ms_va_list args)
{
	(void)component, (void)level;
	print("", format, args);
	return STATUS_SUCCESS;
}

static US_MS ULONG vdbg_print_ex_with_prefix(const char *prefix, ULONG component, ULONG level, const char *format,
					     __builtin_ms_va_list args)
{
	(void)component, (void)level;
	print(prefix, format, args);
	return STATUS_SUCCESS;
}

const struct us_export us_rtl_print_exports[] = {
	US_EXPORT_AS("sprintf", sprintf_, HIGH_LEVEL, "u:pa."),
	US_EXPORT_AS("vsprintf", vsprintf_, HIGH_LEVEL, "u:pap"),
	US_EXPORT_AS("_snprintf", snprintf_, HIGH_LEVEL, "u:pqa."),
	US_EXPORT_AS("_vsnprintf", vsnprintf_, HIGH_LEVEL, "u:pqap"),
	US_EXPORT_AS("swprintf", swprintf_, HIGH_LEVEL, "u:pp."),
	US_EXPORT_AS("_snwprintf", snwprintf_, HIGH_LEVEL, "u:pqp."),
	US_EXPORT_AS("_vsnwprintf", vsnwprintf_, HIGH_LEVEL, "u:pqpp"),
	US_EXPORT_AS("DbgPrint", dbg_print, HIGH_LEVEL, "x:a."),
	US_EXPORT_AS("DbgPrintEx", dbg_print_ex, HIGH_LEVEL, "x:uua."),
	US_EXPORT_AS("vDbgPrintEx", vdbg_print_ex, HIGH_LEVEL, "x:uuap"),
	US_EXPORT_AS("vDbgPrintExWithPrefix", vdbg_print_ex_with_prefix, HIGH_LEVEL, "x:auuap"),
	US_EXPORT_END,
};
