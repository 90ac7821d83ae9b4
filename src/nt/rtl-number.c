/* SPDX-License-Identifier: Apache-2.0 */
/* Strings and numbers, GUIDs, times and versions. Microsoft, "RtlUnicodeStringToInteger", "RtlGUIDFromString",
 * "RtlGetVersion", … */
#include "nt/rtl.h"

/* -- numbers ------------------------------------------------------------------------------------------------------ */

NTSTATUS NTAPI RtlInt64ToUnicodeString(ULONGLONG value, ULONG base, PUNICODE_STRING to)
{
	WCHAR digits[64];
	unsigned n = 0;

	if (base == 0)
		base = 10;
	if (base != 2 && base != 8 && base != 10 && base != 16)
		return STATUS_INVALID_PARAMETER;
	do
		digits[n++] = (WCHAR) "0123456789ABCDEF"[value % base];
	while (value /= base);
	if (n * sizeof(WCHAR) > to->MaximumLength)
		return STATUS_BUFFER_OVERFLOW;
	to->Length = (USHORT)(n * sizeof(WCHAR));
	for (unsigned i = 0; i < n; i++)
		to->Buffer[i] = digits[n - 1 - i];
	if ((n + 1) * sizeof(WCHAR) <= to->MaximumLength)
		to->Buffer[n] = 0;
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlIntegerToUnicodeString(ULONG value, ULONG base, PUNICODE_STRING to)
{
	return RtlInt64ToUnicodeString(value, base, to);
}

static unsigned digit_of(WCHAR c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = us_rtl_upcase(c);
	return c >= 'A' && c <= 'F' ? c - 'A' + 10u : 99;
}

/* The base of a prefix, which *i moves over: 0x, 0o, 0b; else 10. */
static unsigned prefixed_base(const UNICODE_STRING *string, unsigned n, unsigned *i)
{
	WCHAR c = *i + 1 < n && string->Buffer[*i] == '0' ? string->Buffer[*i + 1] : 0;
	unsigned base = c == 'x' ? 16 : c == 'o' ? 8 : c == 'b' ? 2 : 10;

	if (base != 10)
		*i += 2;
	return base;
}

/* Leading blanks, a sign, a prefix unless the base is given; it ends at the first character that is no digit of the
 * base. */
NTSTATUS NTAPI RtlUnicodeStringToInteger(PCUNICODE_STRING string, ULONG base, PULONG value)
{
	unsigned n = string->Length / sizeof(WCHAR), i = 0, digit;
	bool negative = false;
	ULONG result = 0;

	while (i < n && string->Buffer[i] <= ' ')
		i++;
	if (i < n && (string->Buffer[i] == '-' || string->Buffer[i] == '+'))
		negative = string->Buffer[i++] == '-';
	if (base == 0)
		base = prefixed_base(string, n, &i);
	else if (base != 2 && base != 8 && base != 10 && base != 16)
		return STATUS_INVALID_PARAMETER;
	for (; i < n && (digit = digit_of(string->Buffer[i])) < base; i++)
		result = result * base + digit;
	*value = negative ? 0 - result : result;
	return STATUS_SUCCESS;
}

/* -- GUIDs: {xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx} ---------------------------------------------------------------- */

#define GUID_LENGTH 38
static const char guid_shape[] = "{33221100-5544-7766-8899-aabbccddeeff}"; /* which byte of the GUID each pair is */

static unsigned byte_at(unsigned i)
{
	return digit_of((WCHAR)guid_shape[i]);
}

NTSTATUS NTAPI RtlStringFromGUID(const GUID *guid, PUNICODE_STRING to)
{
	const UCHAR *bytes = (const UCHAR *)guid;
	WCHAR *text = ExAllocatePoolWithTag(PagedPool, (GUID_LENGTH + 1) * sizeof(WCHAR), 0x67727453);

	if (!text)
		return STATUS_NO_MEMORY;
	for (unsigned i = 0; i < GUID_LENGTH; i++) {
		unsigned byte = byte_at(i);

		text[i] = (WCHAR)guid_shape[i];
		if (byte > 15)
			continue;
		text[i] = (WCHAR) "0123456789ABCDEF"[bytes[byte] >> 4];
		text[++i] = (WCHAR) "0123456789ABCDEF"[bytes[byte] & 15];
	}
	text[GUID_LENGTH] = 0;
	RtlInitUnicodeString(to, text);
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlGUIDFromString(PUNICODE_STRING from, GUID *guid)
{
	UCHAR *bytes = (UCHAR *)guid;

	if (from->Length != GUID_LENGTH * sizeof(WCHAR))
		return STATUS_INVALID_PARAMETER;
	for (unsigned i = 0; i < GUID_LENGTH; i++) {
		unsigned byte = byte_at(i), high = digit_of(from->Buffer[i]), low;

		if (byte > 15) {
			if (from->Buffer[i] != (WCHAR)guid_shape[i])
				return STATUS_INVALID_PARAMETER;
			continue;
		}
		low = digit_of(from->Buffer[++i]);
		if (high > 15 || low > 15)
			return STATUS_INVALID_PARAMETER;
		bytes[byte] = (UCHAR)(high << 4 | low);
	}
	return STATUS_SUCCESS;
}

/* -- time: of the Gregorian calendar, since 1601 ------------------------------------------------------------------ */

#define MS_PER_DAY 86400000

static bool is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned days_of_month(unsigned year, unsigned month)
{
	static const UCHAR days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year));
}

static LONGLONG days_before_year(unsigned year)
{
	LONGLONG y = (LONGLONG)year - 1;

	return y * 365 + y / 4 - y / 100 + y / 400 - (1600LL * 365 + 1600 / 4 - 1600 / 100 + 1600 / 400);
}

void NTAPI RtlTimeToTimeFields(PLARGE_INTEGER time, PTIME_FIELDS fields)
{
	LONGLONG ms = time->QuadPart / 10000, days = ms / MS_PER_DAY;
	unsigned rest = (unsigned)(ms % MS_PER_DAY), year = (unsigned)(1601 + days / 366), month = 1;

	while (days_before_year(year + 1) <= days)
		year++;
	fields->Weekday = (CSHORT)((days + 1) % 7); /* the first of January 1601 was a Monday */
	days -= days_before_year(year);
	for (; days >= days_of_month(year, month); month++)
		days -= days_of_month(year, month);
	fields->Year = (CSHORT)year;
	fields->Month = (CSHORT)month;
	fields->Day = (CSHORT)(days + 1);
	fields->Hour = (CSHORT)(rest / 3600000);
	fields->Minute = (CSHORT)(rest / 60000 % 60);
	fields->Second = (CSHORT)(rest / 1000 % 60);
	fields->Milliseconds = (CSHORT)(rest % 1000);
}

BOOLEAN NTAPI RtlTimeFieldsToTime(PTIME_FIELDS f, PLARGE_INTEGER time)
{
	LONGLONG days;

	if (f->Year < 1601 || f->Month < 1 || f->Month > 12 || f->Day < 1 ||
	    (unsigned)f->Day > days_of_month((unsigned)f->Year, (unsigned)f->Month) || f->Hour < 0 || f->Hour > 23 ||
	    f->Minute < 0 || f->Minute > 59 || f->Second < 0 || f->Second > 59 || f->Milliseconds < 0 ||
	    f->Milliseconds > 999)
		return FALSE;
	days = days_before_year((unsigned)f->Year) + f->Day - 1;
	for (unsigned month = 1; month < (unsigned)f->Month; month++)
		days += days_of_month((unsigned)f->Year, month);
	time->QuadPart =
		(days * MS_PER_DAY + f->Hour * 3600000LL + f->Minute * 60000 + f->Second * 1000 + f->Milliseconds) *
		10000;
	return TRUE;
}

/* The stage is in Greenwich. */
void NTAPI ExSystemTimeToLocalTime(PLARGE_INTEGER system, PLARGE_INTEGER local)
{
	*local = *system;
}

void NTAPI ExLocalTimeToSystemTime(PLARGE_INTEGER local, PLARGE_INTEGER system)
{
	*system = *local;
}

/* -- the version: Windows 10 22H2 --------------------------------------------------------------------------------- */

#define MAJOR 10
#define MINOR 0
#define BUILD 19045

NTSTATUS NTAPI RtlGetVersion(PRTL_OSVERSIONINFOW version)
{
	ULONG size = version->dwOSVersionInfoSize;

	if (size != sizeof(RTL_OSVERSIONINFOW) && size != sizeof(RTL_OSVERSIONINFOEXW))
		return STATUS_INVALID_PARAMETER;
	memset(version, 0, size);
	version->dwOSVersionInfoSize = size;
	version->dwMajorVersion = MAJOR;
	version->dwMinorVersion = MINOR;
	version->dwBuildNumber = BUILD;
	version->dwPlatformId = 2; /* NT */
	if (size == sizeof(RTL_OSVERSIONINFOEXW))
		((PRTL_OSVERSIONINFOEXW)version)->wProductType = 1; /* a workstation */
	return STATUS_SUCCESS;
}

BOOLEAN NTAPI PsGetVersion(PULONG major, PULONG minor, PULONG build, PUNICODE_STRING service_pack)
{
	if (major)
		*major = MAJOR;
	if (minor)
		*minor = MINOR;
	if (build)
		*build = BUILD;
	if (service_pack)
		service_pack->Length = 0;
	return FALSE; /* it is no checked build */
}

US_MS BOOLEAN us_rtl_is_nt_ddi_version_available(ULONG version)
{
	return (version & 0xffff) == 0 && version <= 0x0A000000;
}
