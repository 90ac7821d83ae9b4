/* SPDX-License-Identifier: Apache-2.0 */
/* The C library's functions that ntoskrnl.exe exports. Case is that of ASCII, as there. */
#include <stdlib.h>

#include "nt/phys.h"
#include "nt/rtl.h"

/*
 * Of an application's memory that is not all there, the first byte that is not is what a function faults on (seh.h),
 * before it does anything: the host's library begins anywhere.
 */
static void reach(const void *at, size_t size, bool writes)
{
	volatile uint8_t *byte = (volatile uint8_t *)(uintptr_t)at, *end = byte + size;

	if (!size || (uintptr_t)at >= US_NT_USER_END || us_nt_is_mapped(at, size))
		return;
	for (; byte < end; byte = (volatile uint8_t *)(((uintptr_t)byte | (US_NT_PAGE - 1)) + 1))
		if (writes)
			__asm__ volatile("lock orb $0, %0" : "+m"(*byte)); /* a write for the processor, no change */
		else
			(void)*byte;
}

void us_rtl_reach(const void *at, size_t size)
{
	reach(at, size, false);
}

void us_rtl_reach_to_write(void *at, size_t size)
{
	reach(at, size, true);
}

static US_MS void *memcpy_(void *to, const void *from, size_t size)
{
	us_rtl_reach(from, size);
	us_rtl_reach_to_write(to, size);
	return memmove(to, from, size); /* as there: overlapping does no harm */
}

static US_MS void *memset_(void *to, int c, size_t size)
{
	us_rtl_reach_to_write(to, size);
	return memset(to, c, size);
}

static US_MS int memcmp_(const void *a, const void *b, size_t size)
{
	us_rtl_reach(a, size);
	us_rtl_reach(b, size);
	return memcmp(a, b, size);
}

static US_MS void *memchr_(const void *in, int c, size_t size)
{
	us_rtl_reach(in, size ? 1 : 0); /* it may end before the end */
	return (void *)(uintptr_t)memchr(in, c, size);
}

/* -- narrow strings ----------------------------------------------------------------------------------------------- */

static US_MS int tolower_(int c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static US_MS int toupper_(int c)
{
	return c >= 'a' && c <= 'z' ? c - 32 : c;
}

static US_MS int isdigit_(int c)
{
	return c >= '0' && c <= '9';
}

static US_MS int isspace_(int c)
{
	return c == ' ' || (c >= 9 && c <= 13);
}

static US_MS int isxdigit_(int c)
{
	return isdigit_(c) || (tolower_(c) >= 'a' && tolower_(c) <= 'f');
}

/* The host's functions look at whole vectors, but never over the end of a page that they have not come to. */
static const char *begins(const char *s)
{
	us_rtl_reach(s, 1);
	return s;
}

static US_MS size_t strlen_(const char *s)
{
	return strlen(begins(s));
}

static US_MS size_t strnlen_(const char *s, size_t size)
{
	return size ? strnlen(begins(s), size) : 0;
}

static US_MS int strcmp_(const char *a, const char *b)
{
	begins(a);
	return strcmp(a, begins(b));
}

static US_MS int strncmp_(const char *a, const char *b, size_t n)
{
	if (!n)
		return 0;
	begins(a);
	return strncmp(a, begins(b), n);
}

static US_MS int strnicmp_(const char *a, const char *b, size_t n)
{
	for (; n > 0; a++, b++, n--) {
		int difference = tolower_((unsigned char)*a) - tolower_((unsigned char)*b);

		if (difference || !*a)
			return difference;
	}
	return 0;
}

static US_MS int stricmp_(const char *a, const char *b)
{
	return strnicmp_(a, b, SIZE_MAX);
}

static US_MS char *strcpy_(char *to, const char *from)
{
	return memcpy_(to, from, strlen_(from) + 1);
}

static US_MS char *strncpy_(char *to, const char *from, size_t n)
{
	size_t length = strnlen_(from, n);

	us_rtl_reach_to_write(to, n);
	memcpy(to, from, length);
	memset(to + length, 0, n - length);
	return to;
}

static US_MS char *strcat_(char *to, const char *from)
{
	strcpy_(to + strlen_(to), from);
	return to;
}

static US_MS char *strncat_(char *to, const char *from, size_t n)
{
	size_t at = strlen_(to), length = strnlen_(from, n);

	us_rtl_reach_to_write(to + at, length + 1);
	memcpy(to + at, from, length);
	to[at + length] = 0;
	return to;
}

static US_MS char *strchr_(const char *s, int c)
{
	return (char *)(uintptr_t)strchr(begins(s), c);
}

static US_MS char *strrchr_(const char *s, int c)
{
	return (char *)(uintptr_t)strrchr(begins(s), c);
}

static US_MS char *strstr_(const char *s, const char *part)
{
	begins(s);
	return (char *)(uintptr_t)strstr(s, begins(part));
}

/* -- wide strings ------------------------------------------------------------------------------------------------- */

static US_MS WCHAR towlower_(WCHAR c)
{
	return us_rtl_downcase(c);
}

static US_MS WCHAR towupper_(WCHAR c)
{
	return us_rtl_upcase(c);
}

static US_MS size_t wcsnlen_(const WCHAR *s, size_t size)
{
	size_t n = 0;

	while (n < size && s[n])
		n++;
	return n;
}

static US_MS size_t wcslen_(const WCHAR *s)
{
	return wcsnlen_(s, SIZE_MAX);
}

static US_MS int wcsncmp_(const WCHAR *a, const WCHAR *b, size_t n)
{
	for (; n > 0; a++, b++, n--)
		if (*a != *b || !*a)
			return (int)*a - (int)*b;
	return 0;
}

static US_MS int wcscmp_(const WCHAR *a, const WCHAR *b)
{
	return wcsncmp_(a, b, SIZE_MAX);
}

static US_MS int wcsnicmp_(const WCHAR *a, const WCHAR *b, size_t n)
{
	for (; n > 0; a++, b++, n--) {
		int difference = (int)us_rtl_downcase(*a) - (int)us_rtl_downcase(*b);

		if (difference || !*a)
			return difference;
	}
	return 0;
}

static US_MS int wcsicmp_(const WCHAR *a, const WCHAR *b)
{
	return wcsnicmp_(a, b, SIZE_MAX);
}

static US_MS WCHAR *wcsncpy_(WCHAR *to, const WCHAR *from, size_t n)
{
	size_t length = wcsnlen_(from, n);

	memcpy(to, from, length * sizeof(WCHAR));
	memset(to + length, 0, (n - length) * sizeof(WCHAR));
	return to;
}

static US_MS WCHAR *wcscpy_(WCHAR *to, const WCHAR *from)
{
	memcpy(to, from, (wcslen_(from) + 1) * sizeof(WCHAR));
	return to;
}

static US_MS WCHAR *wcscat_(WCHAR *to, const WCHAR *from)
{
	wcscpy_(to + wcslen_(to), from);
	return to;
}

static US_MS WCHAR *wcsncat_(WCHAR *to, const WCHAR *from, size_t n)
{
	WCHAR *end = to + wcslen_(to);
	size_t length = wcsnlen_(from, n);

	memcpy(end, from, length * sizeof(WCHAR));
	end[length] = 0;
	return to;
}

static US_MS WCHAR *wcschr_(const WCHAR *s, WCHAR c)
{
	for (; *s != c; s++)
		if (!*s)
			return NULL;
	return (WCHAR *)(uintptr_t)s;
}

static US_MS WCHAR *wcsrchr_(const WCHAR *s, WCHAR c)
{
	const WCHAR *found = NULL;

	do
		if (*s == c)
			found = s;
	while (*s++);
	return (WCHAR *)(uintptr_t)found;
}

static US_MS WCHAR *wcsstr_(const WCHAR *s, const WCHAR *part)
{
	size_t length = wcslen_(part);

	for (; wcsncmp_(s, part, length) != 0; s++)
		if (!*s)
			return NULL;
	return (WCHAR *)(uintptr_t)s;
}

/* -- numbers and order -------------------------------------------------------------------------------------------- */

static US_MS int64_t atoi64_(const char *s)
{
	uint64_t value = 0;
	bool negative;

	while (isspace_((unsigned char)*s))
		s++;
	negative = *s == '-';
	s += *s == '-' || *s == '+';
	for (; isdigit_((unsigned char)*s); s++)
		value = value * 10 + (uint64_t)(*s - '0');
	return (int64_t)(negative ? 0 - value : value);
}

static US_MS int atoi_(const char *s)
{
	return (int)atoi64_(s);
}

static US_MS int abs_(int value)
{
	return value < 0 ? (int)(0u - (unsigned)value) : value;
}

typedef int US_MS compare_fn(const void *a, const void *b);

static void swap(uint8_t *a, uint8_t *b, size_t size)
{
	while (size-- > 0) {
		uint8_t byte = a[size];

		a[size] = b[size];
		b[size] = byte;
	}
}

static void sift(uint8_t *base, size_t root, size_t n, size_t size, compare_fn *compare)
{
	for (size_t child; (child = 2 * root + 1) < n; root = child) {
		if (child + 1 < n && compare(base + child * size, base + (child + 1) * size) < 0)
			child++;
		if (compare(base + root * size, base + child * size) >= 0)
			return;
		swap(base + root * size, base + child * size, size);
	}
}

/* A heap sort: the same order for the same input, wherever the driver was compiled. */
static US_MS void qsort_(void *base, size_t n, size_t size, compare_fn *compare)
{
	for (size_t i = n / 2; i-- > 0;)
		sift(base, i, n, size, compare);
	for (size_t i = n; i-- > 1;) {
		swap(base, (uint8_t *)base + i * size, size);
		sift(base, 0, i, size, compare);
	}
}

static US_MS void *bsearch_(const void *key, const void *base, size_t n, size_t size, compare_fn *compare)
{
	size_t low = 0;

	while (low < n) {
		size_t middle = low + (n - low) / 2;
		const uint8_t *at = (const uint8_t *)base + middle * size;
		int order = compare(key, at);

		if (order == 0)
			return (void *)(uintptr_t)at;
		if (order < 0)
			n = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* Drivers hand applications' memory to these, which may not be there. */
#define CRT_AS(name, function, types) US_EXPORT_RAISES_AS(name, function, HIGH_LEVEL, types)
#define CRT(name, types) CRT_AS(#name, name##_, types)

const struct us_export us_rtl_crt_exports[] = {
	CRT(memcpy, "p:ppq"),
	CRT_AS("memmove", memcpy_, "p:ppq"),
	CRT_AS("RtlCopyMemory", memcpy_, "v:ppq"),
	CRT_AS("RtlMoveMemory", memcpy_, "v:ppq"),
	CRT(memset, "p:puq"),
	CRT(memcmp, "u:ppq"),
	CRT(memchr, "p:puq"),
	CRT(tolower, "u:u"),
	CRT(toupper, "u:u"),
	CRT(isdigit, "u:u"),
	CRT(isspace, "u:u"),
	CRT(isxdigit, "u:u"),
	CRT(strlen, "q:a"),
	CRT(strnlen, "q:pq"),
	CRT(strcmp, "u:aa"),
	CRT(strncmp, "u:ppq"),
	CRT_AS("_stricmp", stricmp_, "u:aa"),
	CRT_AS("_strnicmp", strnicmp_, "u:ppq"),
	CRT(strcpy, "p:pa"),
	CRT(strncpy, "p:ppq"),
	CRT(strcat, "p:aa"),
	CRT(strncat, "p:apq"),
	CRT(strchr, "p:au"),
	CRT(strrchr, "p:au"),
	CRT(strstr, "p:aa"),
	CRT(towlower, "u:u"),
	CRT(towupper, "u:u"),
	CRT(wcslen, "q:p"),
	CRT(wcsnlen, "q:pq"),
	CRT(wcscmp, "u:pp"),
	CRT(wcsncmp, "u:ppq"),
	CRT_AS("_wcsicmp", wcsicmp_, "u:pp"),
	CRT_AS("_wcsnicmp", wcsnicmp_, "u:ppq"),
	CRT(wcscpy, "p:pp"),
	CRT(wcsncpy, "p:ppq"),
	CRT(wcscat, "p:pp"),
	CRT(wcsncat, "p:ppq"),
	CRT(wcschr, "p:pu"),
	CRT(wcsrchr, "p:pu"),
	CRT(wcsstr, "p:pp"),
	CRT(atoi, "u:a"),
	CRT_AS("atol", atoi_, "u:a"),
	CRT_AS("_atoi64", atoi64_, "q:a"),
	CRT(abs, "u:u"),
	US_EXPORT_AS("qsort", qsort_, HIGH_LEVEL, "v:pqqp"),
	US_EXPORT_AS("bsearch", bsearch_, HIGH_LEVEL, "p:ppqqp"),
	US_EXPORT_END,
};
