/* SPDX-License-Identifier: Apache-2.0 */
/* Strings, numbers, bitmaps, the C library and formatted output, as drivers import them. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>

#define C(function) US_IMPORT(function)

/* A function that the headers do not declare, or with the host's convention. */
#define AS(name, result, ...)                                                                                          \
	((result(__attribute__((ms_abi)) *)(__VA_ARGS__))(uintptr_t)us_nt_gate(us_nt_find_export(NULL, name)))

#define STRING(buffer)                                                                                                 \
	{                                                                                                              \
		.Length = sizeof(buffer) - 2, .MaximumLength = sizeof(buffer), .Buffer = buffer                        \
	}

static bool is(const WCHAR *text, const char *expected)
{
	while (*expected && *text == (unsigned char)*expected) {
		text++;
		expected++;
	}
	return *text == 0 && *expected == 0;
}

/* -- formats ------------------------------------------------------------------------------------------------------ */

static void narrow_formats(void *context)
{
	int(__attribute__((ms_abi)) * format)(char *, size_t, const char *, ...) =
		AS("_snprintf", int, char *, size_t, const char *, ...);
	static WCHAR wide[] = L"wide";
	UNICODE_STRING counted = {.Length = 4, .MaximumLength = 4, .Buffer = wide};
	char text[64];

	(void)context;
#define EXPECT(expected, ...)                                                                                          \
	(rig_expect(format(text, sizeof(text), __VA_ARGS__) == sizeof(expected) - 1),                                  \
	 rig_expect(strcmp(text, expected) == 0))
	EXPECT("-1 4294967295 ffffffff FFFFFFFF", "%d %u %x %X", -1, -1, -1, -1);
	EXPECT("[   42][42   ][00042][+42][ 42]", "[%5d][%-5d][%05d][%+d][% d]", 42, 42, 42, 42, 42);
	EXPECT("[  002a][0x2a][052]", "[%6.4x][%#x][%#o]", 42, 42, 42);
	EXPECT("123456789abcdef0", "%I64x", 0x123456789abcdef0);
	EXPECT("123456789abcdef0 9abcdef0", "%llx %lx", 0x123456789abcdef0, 0x123456789abcdef0);
	EXPECT("9abcdef0 123456789abcdef0", "%I32x %Ix", 0x123456789abcdef0, 0x123456789abcdef0);
	EXPECT("-1 65535", "%hd %hu", 0xffff, 0xffff);
	EXPECT("0000000012345678", "%p", (void *)0x12345678);
	EXPECT("narrow wide wide wi", "%s %S %ws %wZ", "narrow", wide, wide, &counted);
	EXPECT("[  abc][abc  ][ab]", "[%5s][%-5s][%.2s]", "abc", "abc", "abc");
	EXPECT("[   ab]", "[%*.*s]", 5, 2, "abc");
	EXPECT("(null) a w 100%", "%s %c %C 100%%", (char *)NULL, 'a', L'w');
	EXPECT("-9223372036854775808", "%lld", INT64_MIN);
#undef EXPECT
	memset(text, 'x', sizeof(text));
	rig_expect(format(text, 3, "abcdef") == -1 && memcmp(text, "abcx", 4) == 0); /* cut, and no NUL */
	rig_expect(format(text, 3, "abc") == 3 && memcmp(text, "abcx", 4) == 0); /* fits, and no NUL */
	rig_expect(format(text, 4, "abc") == 3 && text[3] == 0);
}

static void wide_formats(void *context)
{
	int(__attribute__((ms_abi)) * format)(WCHAR *, size_t, const WCHAR *, ...) =
		AS("_snwprintf", int, WCHAR *, size_t, const WCHAR *, ...);
	WCHAR text[64];

	(void)context;
	rig_expect(format(text, 64, L"%s %S %hs %d", L"wide", "narrow", "narrow", 7) == 20 &&
		   is(text, "wide narrow narrow 7"));
	rig_expect(format(text, 3, L"abcdef") == -1 && text[2] == L'c');
}

static void formats_follow_microsofts_rules(void **state)
{
	(void)state;
	rig_run(NULL, narrow_formats, NULL);
	rig_run(NULL, wide_formats, NULL);
}

static void floating_point(void *context)
{
	char text[64];

	(void)context;
	AS("sprintf", int, char *, const char *, ...)(text, "%f", 1.0);
}

static void a_floating_point_format_is_unsupported(void **state)
{
	(void)state;
	rig_run_breaks("unsupported", floating_point, NULL);
}

/* Against the host's own library, where the two agree. */
static void same_as_the_host(void *context)
{
	int(__attribute__((ms_abi)) * format)(char *, size_t, const char *, ...) =
		AS("_snprintf", int, char *, size_t, const char *, ...);
	static const char flags[] = "-+ #0", conversions[] = "diuxXo";
	static const int values[] = {0, 1, -1, 7, 42, 0x7fffffff, -0x7fffffff - 1};

	(void)context;
	for (unsigned i = 0; i < 3000; i++) {
		char spec[32] = "%", ours[64], theirs[64];
		size_t at = 1;
		int value = values[us_nt_random(sizeof(values) / sizeof(values[0]))], length;

		for (unsigned n = us_nt_random(3); n > 0; n--)
			spec[at++] = flags[us_nt_random(5)];
		if (us_nt_random(2))
			at += (size_t)snprintf(spec + at, 4, "%u", us_nt_random(20) + 1);
		if (us_nt_random(2))
			at += (size_t)snprintf(spec + at, 4, ".%u", us_nt_random(15));
		spec[at] = conversions[us_nt_random(6)];
		if (spec[at] == 'o' && strchr(spec, '#') && strchr(spec, '.'))
			continue; /* the two count the leading zero differently */
		length = snprintf(theirs, sizeof(theirs), spec, value);
		if (format(ours, sizeof(ours), spec, value) != length || strcmp(ours, theirs) != 0)
			us_nt_stop(US_NT_EXPECTATION, "", "\"%s\" of %d is \"%s\", and \"%s\" for the host", spec,
				   value, ours, theirs);
	}
}

static void integers_look_as_the_hosts_library_has_them(void **state)
{
	(void)state;
	rig_run_seeds(5, same_as_the_host, NULL);
}

static void print_a_line(void *context)
{
	(void)context;
	AS("DbgPrint", ULONG, const char *, ...)("value %d\n", 42);
	AS("DbgPrintEx", ULONG, ULONG, ULONG, const char *, ...)(77, 3, "and %s\n", "more");
}

static void what_drivers_print_goes_to_the_print_file_and_the_trace(void **state)
{
	char *printed = NULL, *traced = NULL;
	size_t size, traced_size;
	struct us_rehearsal r = {.model = "adder"};

	(void)state;
	r.print = open_memstream(&printed, &size);
	r.trace = open_memstream(&traced, &traced_size);
	rig_run(&r, print_a_line, NULL);
	fclose(r.print);
	fclose(r.trace);
	assert_string_equal(printed, "value 42\nand more\n");
	assert_non_null(strstr(traced, "print     value 42\n"));
	free(printed);
	free(traced);
}

/* -- counted strings ---------------------------------------------------------------------------------------------- */

static void strings(void *context)
{
	static WCHAR hello[] = L"Hello", shout[] = L"HELLO world";
	UNICODE_STRING a = STRING(hello), b = STRING(shout), empty, to;
	WCHAR room[8];

	(void)context;
	C(RtlInitUnicodeString)(&empty, NULL);
	rig_expect(empty.Length == 0 && empty.MaximumLength == 0 && empty.Buffer == NULL);
	C(RtlInitUnicodeString)(&to, hello);
	rig_expect(to.Length == 10 && to.MaximumLength == 12 && to.Buffer == hello);
	rig_expect(!C(RtlEqualUnicodeString)(&a, &b, TRUE) && C(RtlPrefixUnicodeString)(&a, &b, TRUE) &&
		   !C(RtlPrefixUnicodeString)(&a, &b, FALSE) && !C(RtlPrefixUnicodeString)(&b, &a, TRUE));
	rig_expect(C(RtlCompareUnicodeString)(&a, &b, TRUE) < 0 && C(RtlCompareUnicodeString)(&a, &b, FALSE) > 0);

	to = (UNICODE_STRING){.MaximumLength = sizeof(room), .Buffer = room};
	memset(room, 0xff, sizeof(room));
	C(RtlCopyUnicodeString)(&to, &b);
	rig_expect(to.Length == 16 && memcmp(room, shout, 16) == 0); /* cut, and no room for the NUL */
	C(RtlCopyUnicodeString)(&to, &a);
	rig_expect(to.Length == 10 && room[5] == 0);
	rig_expect(C(RtlAppendUnicodeToString)(&to, L" you") == STATUS_BUFFER_TOO_SMALL && to.Length == 10);
	rig_expect(C(RtlAppendUnicodeToString)(&to, L" me") == STATUS_SUCCESS && to.Length == 16);
	rig_expect(C(RtlUpcaseUnicodeChar)(0xe9) == 0xc9 && C(RtlUpcaseUnicodeChar)(0xd7) == 0xd7 &&
		   C(RtlUpcaseUnicodeChar)(0xf7) == 0xf7);
	rig_expect(C(RtlDowncaseUnicodeChar)(0xc9) == 0xe9 && C(RtlDowncaseUnicodeChar)('Z') == 'z' &&
		   C(RtlDowncaseUnicodeChar)('5') == '5');
}

static void counted_strings_are_cut_and_terminated_as_documented(void **state)
{
	(void)state;
	rig_run(NULL, strings, NULL);
}

static void conversions(void *context)
{
	static WCHAR guid_text[] = L"{00112233-4455-6677-8899-AABBCCDDEEFF}",
		     bad_text[] = L"{00112233-4455-6677-8899xAABBCCDDEEFF}";
	static WCHAR hex[] = L"  -0x1fz", octal[] = L"0o17", plain[] = L"09";
	UNICODE_STRING guid_string = STRING(guid_text), bad_string = STRING(bad_text), to, allocated;
	UNICODE_STRING hex_string = STRING(hex), octal_string = STRING(octal), plain_string = STRING(plain);
	ANSI_STRING ansi;
	WCHAR room[5];
	ULONG value;
	GUID guid;

	(void)context;
	rig_expect(C(RtlUnicodeStringToInteger)(&hex_string, 0, &value) == STATUS_SUCCESS && value == (ULONG)-0x1f);
	rig_expect(C(RtlUnicodeStringToInteger)(&octal_string, 0, &value) == STATUS_SUCCESS && value == 15);
	rig_expect(C(RtlUnicodeStringToInteger)(&plain_string, 0, &value) == STATUS_SUCCESS && value == 9);
	rig_expect(C(RtlUnicodeStringToInteger)(&plain_string, 7, &value) == STATUS_INVALID_PARAMETER);
	to = (UNICODE_STRING){.MaximumLength = sizeof(room), .Buffer = room};
	rig_expect(C(RtlIntegerToUnicodeString)(123456, 10, &to) == STATUS_BUFFER_OVERFLOW);
	rig_expect(C(RtlIntegerToUnicodeString)(0xbeef, 16, &to) == STATUS_SUCCESS && is(room, "BEEF"));

	rig_expect(C(RtlGUIDFromString)(&bad_string, &guid) == STATUS_INVALID_PARAMETER);
	rig_expect(C(RtlGUIDFromString)(&guid_string, &guid) == STATUS_SUCCESS);
	rig_expect(guid.Data1 == 0x00112233 && guid.Data2 == 0x4455 && guid.Data3 == 0x6677 && guid.Data4[0] == 0x88 &&
		   guid.Data4[7] == 0xff);
	rig_expect(C(RtlStringFromGUID)(&guid, &allocated) == STATUS_SUCCESS &&
		   C(RtlEqualUnicodeString)(&allocated, &guid_string, FALSE));
	C(RtlFreeUnicodeString)(&allocated);
	rig_expect(allocated.Buffer == NULL);

	C(RtlInitAnsiString)(&ansi, (PCSZ) "four");
	to.MaximumLength = 8;
	rig_expect(C(RtlAnsiStringToUnicodeString)(&to, &ansi, FALSE) == STATUS_BUFFER_OVERFLOW);
	to.MaximumLength = 10;
	rig_expect(C(RtlAnsiStringToUnicodeString)(&to, &ansi, FALSE) == STATUS_SUCCESS && to.Length == 8 &&
		   is(room, "four"));
	rig_expect(C(RtlUnicodeStringToAnsiString)(&ansi, &to, TRUE) == STATUS_SUCCESS &&
		   strcmp(ansi.Buffer, "four") == 0);
	C(RtlFreeAnsiString)(&ansi);
	rig_expect(us_nt_pool_leaks(NULL, 0) == 0);
}

static void numbers_guids_and_ansi_strings_convert(void **state)
{
	(void)state;
	rig_run(NULL, conversions, NULL);
}

static void times(void *context)
{
	TIME_FIELDS fields, back;
	LARGE_INTEGER time, again;

	(void)context;
	fields = (TIME_FIELDS){.Year = 2026, .Month = 1, .Day = 1};
	rig_expect(C(RtlTimeFieldsToTime)(&fields, &time) && time.QuadPart == 134116992000000000);
	C(RtlTimeToTimeFields)(&time, &back);
	rig_expect(back.Year == 2026 && back.Month == 1 && back.Day == 1 && back.Weekday == 4); /* a Thursday */
	fields = (TIME_FIELDS){.Year = 2023, .Month = 2, .Day = 29};
	rig_expect(!C(RtlTimeFieldsToTime)(&fields, &time));
	for (unsigned i = 0; i < 2000; i++) {
		time.QuadPart = (LONGLONG)us_nt_random(UINT32_MAX) * us_nt_random(100000000) / 10000 * 10000;
		C(RtlTimeToTimeFields)(&time, &fields);
		rig_expect(C(RtlTimeFieldsToTime)(&fields, &again) && again.QuadPart == time.QuadPart);
	}
}

static void times_convert_there_and_back(void **state)
{
	(void)state;
	rig_run(NULL, times, NULL);
}

/* -- bitmaps: against an array of bools --------------------------------------------------------------------------- */

#define BITS 75

static void bitmaps(void *context)
{
	ULONG buffer[3] = {0};
	bool model[BITS] = {0};
	RTL_BITMAP map;

	(void)context;
	C(RtlInitializeBitMap)(&map, buffer, BITS);
	for (unsigned step = 0; step < 500; step++) {
		ULONG count = us_nt_random(6) + 1, hint = us_nt_random(BITS),
		      found = C(RtlFindClearBits)(&map, count, hint), set = 0;
		ULONG at = us_nt_random(BITS - 6);
		bool value = us_nt_random(2), possible = false;

		for (ULONG i = 0; i + count <= BITS; i++) {
			bool clear = true;

			for (ULONG j = 0; j < count; j++)
				clear = clear && !model[i + j];
			possible = possible || clear;
			rig_expect(C(RtlAreBitsClear)(&map, i, count) == clear);
			rig_expect(!clear || i < hint || found != 0xffffffff);
			rig_expect(!(clear && i >= hint && found > i)); /* the first from the hint on */
			rig_expect(i != found || clear);
		}
		rig_expect((found == 0xffffffff) == !possible);
		if (value)
			C(RtlSetBits)(&map, at, count);
		else
			C(RtlClearBits)(&map, at, count);
		for (ULONG j = 0; j < count; j++)
			model[at + j] = value;
		for (ULONG i = 0; i < BITS; i++)
			set += model[i];
		rig_expect(C(RtlNumberOfSetBits)(&map) == set && C(RtlNumberOfClearBits)(&map) == BITS - set);
	}
	rig_expect(buffer[2] >> (BITS - 64) == 0); /* nothing behind the end was touched */
}

static void bitmaps_find_what_is_there(void **state)
{
	(void)state;
	rig_run_seeds(10, bitmaps, NULL);
}

static void set_behind_the_end(void *context)
{
	ULONG buffer[3];
	RTL_BITMAP map;

	(void)context;
	C(RtlInitializeBitMap)(&map, buffer, BITS);
	C(RtlSetBits)(&map, BITS - 1, 2);
}

static void bits_behind_the_end_are_a_bugcheck(void **state)
{
	(void)state;
	rig_run_breaks("bitmap.range", set_behind_the_end, NULL);
}

/* -- the C library ------------------------------------------------------------------------------------------------ */

static int __attribute__((ms_abi)) by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void c_library(void *context)
{
	int numbers[50], key;
	char text[8];

	(void)context;
	for (unsigned i = 0; i < 50; i++)
		numbers[i] = (int)us_nt_random(100);
	AS("qsort", void, void *, size_t, size_t, int(__attribute__((ms_abi)) *)(const void *, const void *))
	(numbers, 50, sizeof(int), by_value);
	for (unsigned i = 1; i < 50; i++)
		rig_expect(numbers[i - 1] <= numbers[i]);
	key = numbers[20];
	rig_expect(*(int *)AS("bsearch", void *, const void *, const void *, size_t, size_t,
			      int(__attribute__((ms_abi)) *)(const void *, const void *))(
			   &key, numbers, 50, sizeof(int), by_value) == key);
	rig_expect(AS("_stricmp", int, const char *, const char *)("Hello", "hELLO") == 0);
	rig_expect(AS("_wcsicmp", int, const WCHAR *, const WCHAR *)(L"Hello", L"hELLp") < 0);
	rig_expect(AS("wcsstr", WCHAR *, const WCHAR *, const WCHAR *)(L"haystack", L"needle") == NULL);
	rig_expect(is(AS("wcsstr", WCHAR *, const WCHAR *, const WCHAR *)(L"haystack", L"sta"), "stack"));
	rig_expect(is(AS("wcsrchr", WCHAR *, const WCHAR *, WCHAR)(L"a\\b\\c", L'\\'), "\\c"));
	rig_expect(AS("atoi", int, const char *)("  -42x") == -42);
	memset(text, 'x', sizeof(text));
	AS("strncpy", char *, char *, const char *, size_t)(text, "abc", 6);
	rig_expect(memcmp(text, "abc\0\0\0xx", 8) == 0);
}

static void the_c_librarys_functions_do_their_work(void **state)
{
	(void)state;
	rig_run_seeds(5, c_library, NULL);
}

static void raise_a_status(void *context)
{
	(void)context;
	C(ExRaiseStatus)(STATUS_ACCESS_DENIED);
}

static void call_unwind(void *context)
{
	(void)context;
	AS("RtlUnwindEx", void, void *)(NULL);
}

static void exceptions_end_the_run(void **state)
{
	(void)state;
	rig_run_breaks("driver.exception", raise_a_status, NULL);
	rig_run_breaks("unsupported", call_unwind, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_follow_microsofts_rules),
		cmocka_unit_test(a_floating_point_format_is_unsupported),
		cmocka_unit_test(integers_look_as_the_hosts_library_has_them),
		cmocka_unit_test(what_drivers_print_goes_to_the_print_file_and_the_trace),
		cmocka_unit_test(counted_strings_are_cut_and_terminated_as_documented),
		cmocka_unit_test(numbers_guids_and_ansi_strings_convert),
		cmocka_unit_test(times_convert_there_and_back),
		cmocka_unit_test(bitmaps_find_what_is_there),
		cmocka_unit_test(bits_behind_the_end_are_a_bugcheck),
		cmocka_unit_test(the_c_librarys_functions_do_their_work),
		cmocka_unit_test(exceptions_end_the_run),
	};

	return cmocka_run_group_tests_name("the stage: rtl", tests, NULL, NULL);
}
