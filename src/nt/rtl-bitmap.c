/* SPDX-License-Identifier: Apache-2.0 */
/* Bitmaps. Microsoft, "RtlInitializeBitMap", "RtlFindClearBitsAndSet", … */
#include "nt/rtl.h"

#define NOT_FOUND 0xFFFFFFFFu

static bool get(const RTL_BITMAP *map, ULONG i)
{
	return map->Buffer[i / 32] >> i % 32 & 1;
}

static void put(PRTL_BITMAP map, ULONG i, bool value)
{
	if (value)
		map->Buffer[i / 32] |= 1u << i % 32;
	else
		map->Buffer[i / 32] &= ~(1u << i % 32);
}

static void check(const RTL_BITMAP *map, ULONG from, ULONG count, const char *function)
{
	if (from > map->SizeOfBitMap || count > map->SizeOfBitMap - from)
		us_nt_bugcheck(0xC4, 0, (uintptr_t)map, from, count, "bitmap.range",
			       "%s was called for %u bits from %u on of a bitmap of %u", function, (unsigned)count,
			       (unsigned)from, (unsigned)map->SizeOfBitMap);
}

static void fill(PRTL_BITMAP map, ULONG from, ULONG count, bool value)
{
	for (ULONG i = 0; i < count; i++)
		put(map, from + i, value);
}

static bool are(const RTL_BITMAP *map, ULONG from, ULONG count, bool value)
{
	for (ULONG i = 0; i < count; i++)
		if (get(map, from + i) != value)
			return false;
	return true;
}

/* The first run of `count` equal bits at or behind `from`, and before `end`. */
static ULONG find_from(const RTL_BITMAP *map, ULONG count, ULONG from, ULONG end, bool value)
{
	ULONG run = 0;

	for (ULONG i = from; i < end; i++) {
		run = get(map, i) == value ? run + 1 : 0;
		if (run == count)
			return i + 1 - count;
	}
	return NOT_FOUND;
}

/* From the hint on, then from the beginning. */
static ULONG find(const RTL_BITMAP *map, ULONG count, ULONG hint, bool value)
{
	ULONG size = map->SizeOfBitMap, found;

	if (hint >= size)
		hint = 0;
	if (count == 0)
		return hint & ~7u;
	if (count > size)
		return NOT_FOUND;
	found = find_from(map, count, hint, size, value);
	if (found == NOT_FOUND && hint)
		found = find_from(map, count, 0, hint + count - 1 < size ? hint + count - 1 : size, value);
	return found;
}

void NTAPI RtlInitializeBitMap(PRTL_BITMAP map, PULONG buffer, ULONG size)
{
	map->SizeOfBitMap = size;
	map->Buffer = buffer;
}

void NTAPI RtlClearBit(PRTL_BITMAP map, ULONG bit)
{
	check(map, bit, 1, "RtlClearBit");
	put(map, bit, false);
}

void NTAPI RtlSetBit(PRTL_BITMAP map, ULONG bit)
{
	check(map, bit, 1, "RtlSetBit");
	put(map, bit, true);
}

BOOLEAN NTAPI RtlTestBit(PRTL_BITMAP map, ULONG bit)
{
	check(map, bit, 1, "RtlTestBit");
	return get(map, bit);
}

void NTAPI RtlClearAllBits(PRTL_BITMAP map)
{
	memset(map->Buffer, 0, (map->SizeOfBitMap + 31) / 32 * sizeof(ULONG));
}

void NTAPI RtlSetAllBits(PRTL_BITMAP map)
{
	memset(map->Buffer, 0xff, (map->SizeOfBitMap + 31) / 32 * sizeof(ULONG));
}

void NTAPI RtlClearBits(PRTL_BITMAP map, ULONG from, ULONG count)
{
	check(map, from, count, "RtlClearBits");
	fill(map, from, count, false);
}

void NTAPI RtlSetBits(PRTL_BITMAP map, ULONG from, ULONG count)
{
	check(map, from, count, "RtlSetBits");
	fill(map, from, count, true);
}

ULONG NTAPI RtlFindClearBits(PRTL_BITMAP map, ULONG count, ULONG hint)
{
	return find(map, count, hint, false);
}

ULONG NTAPI RtlFindSetBits(PRTL_BITMAP map, ULONG count, ULONG hint)
{
	return find(map, count, hint, true);
}

ULONG NTAPI RtlFindClearBitsAndSet(PRTL_BITMAP map, ULONG count, ULONG hint)
{
	ULONG found = find(map, count, hint, false);

	if (found != NOT_FOUND)
		fill(map, found, count, true);
	return found;
}

ULONG NTAPI RtlFindSetBitsAndClear(PRTL_BITMAP map, ULONG count, ULONG hint)
{
	ULONG found = find(map, count, hint, true);

	if (found != NOT_FOUND)
		fill(map, found, count, false);
	return found;
}

ULONG NTAPI RtlNumberOfSetBits(PRTL_BITMAP map)
{
	ULONG n = 0;

	for (ULONG i = 0; i < map->SizeOfBitMap; i++)
		n += get(map, i);
	return n;
}

ULONG NTAPI RtlNumberOfClearBits(PRTL_BITMAP map)
{
	return map->SizeOfBitMap - RtlNumberOfSetBits(map);
}

BOOLEAN NTAPI RtlAreBitsClear(PRTL_BITMAP map, ULONG from, ULONG count)
{
	return count && from < map->SizeOfBitMap && count <= map->SizeOfBitMap - from && are(map, from, count, false);
}

BOOLEAN NTAPI RtlAreBitsSet(PRTL_BITMAP map, ULONG from, ULONG count)
{
	return count && from < map->SizeOfBitMap && count <= map->SizeOfBitMap - from && are(map, from, count, true);
}

ULONG NTAPI RtlFindNextForwardRunClear(PRTL_BITMAP map, ULONG from, PULONG start)
{
	ULONG end;

	while (from < map->SizeOfBitMap && get(map, from))
		from++;
	*start = from;
	for (end = from; end < map->SizeOfBitMap && !get(map, end);)
		end++;
	return end > from ? end - from : 0;
}

ULONG NTAPI RtlFindFirstRunClear(PRTL_BITMAP map, PULONG start)
{
	return RtlFindNextForwardRunClear(map, 0, start);
}

ULONG NTAPI RtlFindLongestRunClear(PRTL_BITMAP map, PULONG start)
{
	ULONG longest = 0, at = 0, from, run;

	while ((run = RtlFindNextForwardRunClear(map, at, &from))) {
		if (run > longest) {
			longest = run;
			*start = from;
		}
		at = from + run;
	}
	return longest;
}

CCHAR NTAPI RtlFindLeastSignificantBit(ULONGLONG set)
{
	return (CCHAR)(set ? __builtin_ctzll(set) : -1);
}

CCHAR NTAPI RtlFindMostSignificantBit(ULONGLONG set)
{
	return (CCHAR)(set ? 63 - __builtin_clzll(set) : -1);
}
