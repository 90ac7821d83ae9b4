/* SPDX-License-Identifier: Apache-2.0 */
/* Counted strings. Microsoft, "RtlInitUnicodeString", "RtlAppendUnicodeToString", "RtlHashUnicodeString", … */
#include "nt/rtl.h"

#define STRING_TAG 0x67727453u /* 'Strg' */
#define LONGEST 0xfffe /* bytes of a counted string */

WCHAR us_rtl_upcase(WCHAR c)
{
	if (c < 0x80)
		return c >= 'a' && c <= 'z' ? (WCHAR)(c - 32) : c;
	if ((c >= 0xe0 && c <= 0xfe && c != 0xf7) || (c >= 0x3b1 && c <= 0x3c9 && c != 0x3c2) ||
	    (c >= 0x430 && c <= 0x44f))
		return (WCHAR)(c - 32);
	if (c == 0xff)
		return 0x178;
	if (c >= 0x450 && c <= 0x45f)
		return (WCHAR)(c - 80);
	if (c >= 0x100 && c <= 0x137 && c != 0x131)
		return (WCHAR)(c & ~1);
	if ((c >= 0x13a && c <= 0x148) || (c >= 0x17a && c <= 0x17e))
		return (WCHAR)(c % 2 ? c : c - 1);
	if (c >= 0x14b && c <= 0x177)
		return (WCHAR)(c & ~1);
	return c;
}

/* What upcases to it, if it is the uppercase of anything. */
WCHAR us_rtl_downcase(WCHAR c)
{
	static const WCHAR distances[] = {32, 1, 80};

	for (unsigned i = 0; i < sizeof(distances) / sizeof(distances[0]); i++)
		if (us_rtl_upcase(c) == c && us_rtl_upcase((WCHAR)(c + distances[i])) == c)
			return (WCHAR)(c + distances[i]);
	return c == 0x178 ? 0xff : c;
}

static size_t length_of(PCWSTR s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

static WCHAR fold(WCHAR c, BOOLEAN ignore_case)
{
	return ignore_case ? us_rtl_upcase(c) : c;
}

/* -- beginning, copying ------------------------------------------------------------------------------------------- */

void NTAPI RtlInitUnicodeString(PUNICODE_STRING to, PCWSTR from)
{
	size_t bytes = from ? length_of(from) * sizeof(WCHAR) : 0;

	if (bytes > LONGEST - sizeof(WCHAR))
		bytes = LONGEST - sizeof(WCHAR);
	to->Length = (USHORT)bytes;
	to->MaximumLength = (USHORT)(from ? bytes + sizeof(WCHAR) : 0);
	to->Buffer = (PWSTR)(uintptr_t)from;
}

void NTAPI RtlInitAnsiString(PANSI_STRING to, PCSZ from)
{
	size_t bytes = from ? strlen((const char *)from) : 0;

	if (bytes > LONGEST)
		bytes = LONGEST;
	to->Length = (USHORT)bytes;
	to->MaximumLength = (USHORT)(from ? bytes + 1 : 0);
	to->Buffer = (PCHAR)(uintptr_t)from;
}

void NTAPI RtlInitString(PSTRING to, PCSZ from)
{
	RtlInitAnsiString(to, from);
}

/* NUL-terminated where there is room. */
void NTAPI RtlCopyUnicodeString(PUNICODE_STRING to, PCUNICODE_STRING from)
{
	USHORT bytes = from ? from->Length : 0;

	if (bytes > to->MaximumLength)
		bytes = to->MaximumLength & (USHORT)~1;
	if (bytes)
		memmove(to->Buffer, from->Buffer, bytes);
	to->Length = bytes;
	if ((size_t)bytes + sizeof(WCHAR) <= to->MaximumLength)
		to->Buffer[bytes / sizeof(WCHAR)] = 0;
}

void NTAPI RtlCopyString(PSTRING to, const PSTRING from)
{
	USHORT bytes = from ? from->Length : 0;

	if (bytes > to->MaximumLength)
		bytes = to->MaximumLength;
	if (bytes)
		memmove(to->Buffer, from->Buffer, bytes);
	to->Length = bytes;
}

static NTSTATUS append(PUNICODE_STRING to, const WCHAR *from, size_t bytes)
{
	if (to->Length + bytes > to->MaximumLength)
		return STATUS_BUFFER_TOO_SMALL;
	memmove((uint8_t *)to->Buffer + to->Length, from, bytes);
	to->Length = (USHORT)(to->Length + bytes);
	if ((size_t)to->Length + sizeof(WCHAR) <= to->MaximumLength)
		to->Buffer[to->Length / sizeof(WCHAR)] = 0;
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlAppendUnicodeToString(PUNICODE_STRING to, PCWSTR from)
{
	return from ? append(to, from, length_of(from) * sizeof(WCHAR)) : STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlAppendUnicodeStringToString(PUNICODE_STRING to, PCUNICODE_STRING from)
{
	return from->Length ? append(to, from->Buffer, from->Length) : STATUS_SUCCESS;
}

/* -- comparing ---------------------------------------------------------------------------------------------------- */

LONG NTAPI RtlCompareUnicodeString(PCUNICODE_STRING a, PCUNICODE_STRING b, BOOLEAN ignore_case)
{
	unsigned na = a->Length / sizeof(WCHAR), nb = b->Length / sizeof(WCHAR);

	for (unsigned i = 0; i < na && i < nb; i++) {
		LONG difference = (LONG)fold(a->Buffer[i], ignore_case) - (LONG)fold(b->Buffer[i], ignore_case);

		if (difference)
			return difference;
	}
	return (LONG)na - (LONG)nb;
}

BOOLEAN NTAPI RtlEqualUnicodeString(PCUNICODE_STRING a, PCUNICODE_STRING b, BOOLEAN ignore_case)
{
	return a->Length == b->Length && RtlCompareUnicodeString(a, b, ignore_case) == 0;
}

BOOLEAN NTAPI RtlPrefixUnicodeString(PCUNICODE_STRING prefix, PCUNICODE_STRING of, BOOLEAN ignore_case)
{
	UNICODE_STRING beginning = *of;

	if (prefix->Length > of->Length)
		return FALSE;
	beginning.Length = prefix->Length;
	return RtlEqualUnicodeString(prefix, &beginning, ignore_case);
}

CHAR NTAPI RtlUpperChar(CHAR c)
{
	return (CHAR)(c >= 'a' && c <= 'z' ? c - 32 : c);
}

LONG NTAPI RtlCompareString(const PSTRING a, const PSTRING b, BOOLEAN ignore_case)
{
	for (unsigned i = 0; i < a->Length && i < b->Length; i++) {
		CHAR ca = ignore_case ? RtlUpperChar(a->Buffer[i]) : a->Buffer[i],
		     cb = ignore_case ? RtlUpperChar(b->Buffer[i]) : b->Buffer[i];

		if (ca != cb)
			return (LONG)(UCHAR)ca - (LONG)(UCHAR)cb;
	}
	return (LONG)a->Length - (LONG)b->Length;
}

BOOLEAN NTAPI RtlEqualString(const PSTRING a, const PSTRING b, BOOLEAN ignore_case)
{
	return a->Length == b->Length && RtlCompareString(a, b, ignore_case) == 0;
}

/* x65599, which is algorithm 1 and the default (0). */
NTSTATUS NTAPI RtlHashUnicodeString(const UNICODE_STRING *string, BOOLEAN ignore_case, ULONG algorithm, PULONG hash)
{
	ULONG value = 0;

	if (!string || !hash || algorithm > 1)
		return STATUS_INVALID_PARAMETER;
	for (unsigned i = 0; i < string->Length / sizeof(WCHAR); i++)
		value = value * 65599 + fold(string->Buffer[i], ignore_case);
	*hash = value;
	return STATUS_SUCCESS;
}

/* -- between kinds: the code page is Latin-1, whose characters are the first of Unicode --------------------------- */

WCHAR NTAPI RtlUpcaseUnicodeChar(WCHAR c)
{
	return us_rtl_upcase(c);
}

WCHAR NTAPI RtlDowncaseUnicodeChar(WCHAR c)
{
	return us_rtl_downcase(c);
}

/* Room for `bytes` and what ends them, in the destination or new. */
static NTSTATUS make_room(void **buffer, USHORT *maximum, size_t bytes, size_t end, bool allocate)
{
	if (bytes + end > LONGEST + 1)
		return STATUS_INVALID_PARAMETER_2;
	if (!allocate)
		return bytes + end > *maximum ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
	*buffer = ExAllocatePoolWithTag(PagedPool, bytes + end, STRING_TAG);
	*maximum = (USHORT)(bytes + end);
	return *buffer ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

NTSTATUS NTAPI RtlAnsiStringToUnicodeString(PUNICODE_STRING to, PANSI_STRING from, BOOLEAN allocate)
{
	void *buffer = to->Buffer;
	NTSTATUS status = make_room(&buffer, &to->MaximumLength, from->Length * sizeof(WCHAR), sizeof(WCHAR), allocate);

	if (status)
		return status;
	to->Buffer = buffer;
	to->Length = (USHORT)(from->Length * sizeof(WCHAR));
	for (unsigned i = 0; i < from->Length; i++)
		to->Buffer[i] = (UCHAR)from->Buffer[i];
	to->Buffer[from->Length] = 0;
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlUnicodeStringToAnsiString(PANSI_STRING to, PCUNICODE_STRING from, BOOLEAN allocate)
{
	unsigned n = from->Length / sizeof(WCHAR);
	void *buffer = to->Buffer;
	NTSTATUS status = make_room(&buffer, &to->MaximumLength, n, 1, allocate);

	if (status)
		return status;
	to->Buffer = buffer;
	to->Length = (USHORT)n;
	for (unsigned i = 0; i < n; i++)
		to->Buffer[i] = (CHAR)(from->Buffer[i] < 0x100 ? from->Buffer[i] : '?');
	to->Buffer[n] = 0;
	return STATUS_SUCCESS;
}

ULONG NTAPI RtlxAnsiStringToUnicodeSize(PCANSI_STRING string)
{
	return (string->Length + 1u) * (ULONG)sizeof(WCHAR);
}

ULONG NTAPI RtlxUnicodeStringToAnsiSize(PCUNICODE_STRING string)
{
	return string->Length / (ULONG)sizeof(WCHAR) + 1;
}

NTSTATUS NTAPI RtlUpcaseUnicodeString(PUNICODE_STRING to, PCUNICODE_STRING from, BOOLEAN allocate)
{
	void *buffer = to->Buffer;
	NTSTATUS status = make_room(&buffer, &to->MaximumLength, from->Length, 0, allocate);

	if (status)
		return status;
	to->Buffer = buffer;
	to->Length = from->Length;
	for (unsigned i = 0; i < from->Length / sizeof(WCHAR); i++)
		to->Buffer[i] = us_rtl_upcase(from->Buffer[i]);
	return STATUS_SUCCESS;
}

void NTAPI RtlFreeUnicodeString(PUNICODE_STRING string)
{
	if (string->Buffer)
		ExFreePoolWithTag(string->Buffer, 0);
	*string = (UNICODE_STRING){0};
}

void NTAPI RtlFreeAnsiString(PANSI_STRING string)
{
	if (string->Buffer)
		ExFreePoolWithTag(string->Buffer, 0);
	*string = (ANSI_STRING){0};
}
