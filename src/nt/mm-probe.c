/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at addresses that an application handed in. Source: Microsoft, "ProbeForRead", "ProbeForWrite". They raise
 * what is wrong; writing also touches each page, which raises by itself where there is none.
 */
#include "nt/seh.h"

#include "nt/phys.h"

static void probe(const char *function, uint64_t begin, uint64_t length, ULONG alignment)
{
	if (alignment == 0 || alignment & (alignment - 1) || alignment > 16)
		us_nt_bugcheck(0xC4, begin, length, alignment, 0, "probe.alignment",
			       "%s was called with the alignment %u; 1, 2, 4, 8 and 16 are some", function, alignment);
	if (begin & (alignment - 1))
		us_seh_raise(STATUS_DATATYPE_MISALIGNMENT, "probe.alignment",
			     "%s: the address 0x%llx is not aligned to %u bytes", function, (unsigned long long)begin,
			     alignment);
	if (begin + length < begin || begin + length > US_NT_USER_END)
		us_seh_raise(STATUS_ACCESS_VIOLATION, "probe.address",
			     "%s: %llu bytes at 0x%llx are not all an application's addresses", function,
			     (unsigned long long)length, (unsigned long long)begin);
}

static NTAPI void probe_for_read(const volatile void *address, SIZE_T length, ULONG alignment)
{
	if (length)
		probe("ProbeForRead", (uintptr_t)address, length, alignment);
}

static NTAPI void probe_for_write(volatile void *address, SIZE_T length, ULONG alignment)
{
	volatile uint8_t *at = address, *end = at + length;

	if (!length)
		return;
	probe("ProbeForWrite", (uintptr_t)address, length, alignment);
	for (; at < end; at = (volatile uint8_t *)(((uintptr_t)at | (US_NT_PAGE - 1)) + 1))
		*at = *at;
}

/* What drivers' own macros compare with. */
static const uint64_t highest = US_NT_USER_END - 0x10001, system_start = US_NT_USER_END,
		      probed = US_NT_USER_END - 0x10000;

const struct us_export us_nt_probe_exports[] = {
	US_EXPORT_RAISES_AS("ProbeForRead", probe_for_read, APC_LEVEL, "v:pqu"),
	US_EXPORT_RAISES_AS("ProbeForWrite", probe_for_write, APC_LEVEL, "v:pqu"),
	US_EXPORT_DATA("MmHighestUserAddress", (void *)(uintptr_t)&highest),
	US_EXPORT_DATA("MmSystemRangeStart", (void *)(uintptr_t)&system_start),
	US_EXPORT_DATA("MmUserProbeAddress", (void *)(uintptr_t)&probed),
	US_EXPORT_END,
};
