/* SPDX-License-Identifier: Apache-2.0 */
/* What rtl offers to drivers, but for the C library's (rtl-crt.c, rtl-print.c); and what it does not, saying so. */
#include "nt/rtl.h"

/* -- memory
 * ---------------------------------------------------------------------------------------------------------------- */

SIZE_T NTAPI RtlCompareMemory(const void *a, const void *b, SIZE_T size)
{
	const UCHAR *left = a, *right = b;
	SIZE_T equal = 0;

	while (equal < size && left[equal] == right[equal])
		equal++;
	return equal;
}

static US_MS void zero_memory(void *to, SIZE_T size)
{
	us_rtl_reach_to_write(to, size);
	memset(to, 0, size);
}

static US_MS void fill_memory(void *to, SIZE_T size, UCHAR byte)
{
	us_rtl_reach_to_write(to, size);
	memset(to, byte, size);
}

void NTAPI RtlCopyMemoryNonTemporal(void *to, const void *from, SIZE_T size)
{
	us_rtl_reach(from, size);
	us_rtl_reach_to_write(to, size);
	memcpy(to, from, size);
}

static US_MS USHORT swap_16(USHORT value)
{
	return __builtin_bswap16(value);
}

static US_MS ULONG swap_32(ULONG value)
{
	return __builtin_bswap32(value);
}

static US_MS ULONGLONG swap_64(ULONGLONG value)
{
	return __builtin_bswap64(value);
}

/* A number from 0 to MAXLONG - 1 that follows from the seed alone, as there. */
static US_MS ULONG random_(PULONG seed)
{
	*seed = (ULONG)(((ULONGLONG)*seed * 0x7fffffed + 0x7fffffc3) % MAXLONG);
	return *seed;
}

/* -- debugging
 * ------------------------------------------------------------------------------------------------- */

void NTAPI RtlAssert(PVOID assertion, PVOID file, ULONG line, PSTR message)
{
	us_nt_bugcheck(0xC4, 0, line, 0, 0, "driver.assert", "an assertion of the driver failed: %s%s%s, %s:%u",
		       message ? (const char *)message : "", message ? ": " : "", (const char *)assertion,
		       (const char *)file, (unsigned)line);
}

static US_MS NTSTATUS no_debugger(void)
{
	return STATUS_DEBUGGER_INACTIVE;
}

BOOLEAN NTAPI KdRefreshDebuggerNotPresent(void)
{
	return TRUE;
}

/* No frame is found, which callers have to expect. */
static US_MS USHORT capture_stack_back_trace(ULONG skip, ULONG count, PVOID *frames, PULONG hash)
{
	(void)skip, (void)count, (void)frames;
	if (hash)
		*hash = 0;
	return 0;
}

/* Probes of large frames: a stack of the stage is mapped as a whole. Register arguments pass through it. */
extern void us_rtl_chkstk(void);
__asm__(".text\n"
	".globl us_rtl_chkstk\n"
	".hidden us_rtl_chkstk\n"
	".type us_rtl_chkstk, @function\n"
	"us_rtl_chkstk:\n"
	"	endbr64\n"
	"	ret\n"
	".size us_rtl_chkstk, . - us_rtl_chkstk\n");

const struct us_export us_nt_rtl_exports[] = {
	/* strings */
	US_EXPORT_RAISES(RtlInitUnicodeString, HIGH_LEVEL, "v:pp"),
	US_EXPORT_RAISES(RtlInitAnsiString, HIGH_LEVEL, "v:pa"),
	US_EXPORT_RAISES(RtlInitString, HIGH_LEVEL, "v:pa"),
	US_EXPORT_RAISES(RtlCopyUnicodeString, DISPATCH_LEVEL, "v:pw"),
	US_EXPORT_RAISES(RtlCopyString, DISPATCH_LEVEL, "v:pp"),
	US_EXPORT_RAISES(RtlAppendUnicodeToString, DISPATCH_LEVEL, "s:pp"),
	US_EXPORT_RAISES(RtlAppendUnicodeStringToString, DISPATCH_LEVEL, "s:pw"),
	US_EXPORT_RAISES(RtlCompareUnicodeString, PASSIVE_LEVEL, "u:wwb"),
	US_EXPORT_RAISES(RtlEqualUnicodeString, PASSIVE_LEVEL, "b:wwb"),
	US_EXPORT_RAISES(RtlPrefixUnicodeString, PASSIVE_LEVEL, "b:wwb"),
	US_EXPORT_RAISES(RtlCompareString, PASSIVE_LEVEL, "u:ppb"),
	US_EXPORT_RAISES(RtlEqualString, PASSIVE_LEVEL, "b:ppb"),
	US_EXPORT_RAISES(RtlHashUnicodeString, DISPATCH_LEVEL, "s:wbup"),
	US_EXPORT(RtlUpcaseUnicodeChar, PASSIVE_LEVEL, "u:u"),
	US_EXPORT(RtlDowncaseUnicodeChar, PASSIVE_LEVEL, "u:u"),
	US_EXPORT(RtlUpperChar, DISPATCH_LEVEL, "u:u"),
	US_EXPORT(RtlUpcaseUnicodeString, PASSIVE_LEVEL, "S:pwb"),
	US_EXPORT(RtlAnsiStringToUnicodeString, PASSIVE_LEVEL, "S:ppb"),
	US_EXPORT(RtlUnicodeStringToAnsiString, PASSIVE_LEVEL, "S:pwb"),
	US_EXPORT(RtlxAnsiStringToUnicodeSize, PASSIVE_LEVEL, "u:p"),
	US_EXPORT(RtlxUnicodeStringToAnsiSize, PASSIVE_LEVEL, "u:w"),
	US_EXPORT(RtlFreeUnicodeString, PASSIVE_LEVEL, "v:w"),
	US_EXPORT(RtlFreeAnsiString, PASSIVE_LEVEL, "v:p"),

	/* numbers, GUIDs, times, versions */
	US_EXPORT(RtlIntegerToUnicodeString, PASSIVE_LEVEL, "s:uup"),
	US_EXPORT(RtlInt64ToUnicodeString, PASSIVE_LEVEL, "s:qup"),
	US_EXPORT_RAISES(RtlUnicodeStringToInteger, PASSIVE_LEVEL, "s:wup"),
	US_EXPORT(RtlStringFromGUID, PASSIVE_LEVEL, "S:pp"),
	US_EXPORT_RAISES(RtlGUIDFromString, PASSIVE_LEVEL, "s:wp"),
	US_EXPORT_RAISES(RtlTimeToTimeFields, HIGH_LEVEL, "v:pp"),
	US_EXPORT_RAISES(RtlTimeFieldsToTime, HIGH_LEVEL, "b:pp"),
	US_EXPORT(ExSystemTimeToLocalTime, HIGH_LEVEL, "v:pp"),
	US_EXPORT(ExLocalTimeToSystemTime, HIGH_LEVEL, "v:pp"),
	US_EXPORT(RtlGetVersion, PASSIVE_LEVEL, "s:p"),
	US_EXPORT(PsGetVersion, PASSIVE_LEVEL, "b:pppp"),
	US_EXPORT_AS("RtlIsNtDdiVersionAvailable", us_rtl_is_nt_ddi_version_available, PASSIVE_LEVEL, "b:x"),
	US_EXPORT_AS("RtlRandom", random_, APC_LEVEL, "u:p"),
	US_EXPORT_AS("RtlRandomEx", random_, APC_LEVEL, "u:p"),

	/* memory and bits */
	US_EXPORT_RAISES(RtlCompareMemory, HIGH_LEVEL, "q:ppq"),
	US_EXPORT_RAISES_AS("RtlZeroMemory", zero_memory, HIGH_LEVEL, "v:pq"),
	US_EXPORT_RAISES_AS("RtlFillMemory", fill_memory, HIGH_LEVEL, "v:pqu"),
	US_EXPORT_RAISES(RtlCopyMemoryNonTemporal, HIGH_LEVEL, "v:ppq"),
	US_EXPORT_AS("RtlUshortByteSwap", swap_16, HIGH_LEVEL, "u:u"),
	US_EXPORT_AS("RtlUlongByteSwap", swap_32, HIGH_LEVEL, "u:u"),
	US_EXPORT_AS("RtlUlonglongByteSwap", swap_64, HIGH_LEVEL, "q:q"),
	US_EXPORT(RtlInitializeBitMap, DISPATCH_LEVEL, "v:ppu"),
	US_EXPORT(RtlClearBit, DISPATCH_LEVEL, "v:pu"),
	US_EXPORT(RtlSetBit, DISPATCH_LEVEL, "v:pu"),
	US_EXPORT(RtlTestBit, DISPATCH_LEVEL, "b:pu"),
	US_EXPORT(RtlClearAllBits, DISPATCH_LEVEL, "v:p"),
	US_EXPORT(RtlSetAllBits, DISPATCH_LEVEL, "v:p"),
	US_EXPORT(RtlClearBits, DISPATCH_LEVEL, "v:puu"),
	US_EXPORT(RtlSetBits, DISPATCH_LEVEL, "v:puu"),
	US_EXPORT(RtlFindClearBits, DISPATCH_LEVEL, "u:puu"),
	US_EXPORT(RtlFindSetBits, DISPATCH_LEVEL, "u:puu"),
	US_EXPORT(RtlFindClearBitsAndSet, DISPATCH_LEVEL, "u:puu"),
	US_EXPORT(RtlFindSetBitsAndClear, DISPATCH_LEVEL, "u:puu"),
	US_EXPORT(RtlNumberOfSetBits, DISPATCH_LEVEL, "u:p"),
	US_EXPORT(RtlNumberOfClearBits, DISPATCH_LEVEL, "u:p"),
	US_EXPORT(RtlAreBitsClear, DISPATCH_LEVEL, "b:puu"),
	US_EXPORT(RtlAreBitsSet, DISPATCH_LEVEL, "b:puu"),
	US_EXPORT(RtlFindNextForwardRunClear, DISPATCH_LEVEL, "u:pup"),
	US_EXPORT(RtlFindFirstRunClear, DISPATCH_LEVEL, "u:pp"),
	US_EXPORT(RtlFindLongestRunClear, DISPATCH_LEVEL, "u:pp"),
	US_EXPORT(RtlFindLeastSignificantBit, HIGH_LEVEL, "u:q"),
	US_EXPORT(RtlFindMostSignificantBit, HIGH_LEVEL, "u:q"),

	/* debugging */
	US_EXPORT(RtlAssert, HIGH_LEVEL, "v:aaua"),
	US_EXPORT_AS("KdDisableDebugger", no_debugger, HIGH_LEVEL, "s:"),
	US_EXPORT_AS("KdEnableDebugger", no_debugger, HIGH_LEVEL, "s:"),
	US_EXPORT(KdRefreshDebuggerNotPresent, HIGH_LEVEL, "b:"),
	US_EXPORT_AS("RtlCaptureStackBackTrace", capture_stack_back_trace, HIGH_LEVEL, "u:uupp"),
	US_EXPORT_DATA("__chkstk", (void *)(uintptr_t)us_rtl_chkstk),
	US_EXPORT_END,
};
