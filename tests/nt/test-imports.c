/* SPDX-License-Identifier: Apache-2.0 */
/* What `understudy rehearse --imports` finds out. Argument: crypto-x64.sys. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>

#include <wdf.h>

#include "image.h"
#include "nt/imports.h"

static const char *crypto;

/* kmdf/loader.c's */
const struct us_export *us_wdf_function(size_t index);

#define FUNCTIONS (sizeof(struct _WDF_FUNCTIONS) / sizeof(void *))

#define CALLS(use, function) (use).called[offsetof(struct _WDF_FUNCTIONS, function) / sizeof(void *)]

static struct us_kmdf_use use_of(const uint8_t image[IMAGE_SIZE])
{
	struct us_error err = {""};
	struct us_kmdf_use use;
	struct us_pe *pe;

	if (us_pe_parse(image, IMAGE_SIZE, "test.sys", &pe, &err))
		fail_msg("%s", err.text);
	us_pe_kmdf_use(pe, &use);
	us_pe_close(pe);
	return use;
}

#define INFO (IMAGE_DATA + 0x100)
#define NAME (IMAGE_DATA + 0x180)
#define VARIABLE (IMAGE_DATA + 0x200)

/* An image that binds to KMDF 1.`minor` with a table of 100 functions. */
static void make(uint8_t image[IMAGE_SIZE], unsigned minor)
{
	static const char name[] = "KmdfLibrary";

	image_make(image);
	image_put32(image, INFO, 48);
	image_put64(image, INFO + 8, IMAGE_BASE + NAME);
	image_put32(image, INFO + 16, 1);
	image_put32(image, INFO + 20, minor);
	image_put32(image, INFO + 28, 100);
	image_put64(image, INFO + 32, IMAGE_BASE + VARIABLE);
	for (unsigned i = 0; i < sizeof name; i++)
		image_put16(image, NAME + 2 * i, (unsigned)name[i]);
}

/* Code at IMAGE_TEXT; the four bytes at `fix` become the distance to `target`. */
static void code(uint8_t image[IMAGE_SIZE], const uint8_t *bytes, unsigned size, unsigned fix, unsigned target)
{
	memcpy(image + IMAGE_TEXT + 0x100, bytes, size);
	image_put32(image, IMAGE_TEXT + 0x100 + fix, target - (IMAGE_TEXT + 0x100 + fix + 4));
}

static unsigned calls(const struct us_kmdf_use *use)
{
	unsigned count = 0;

	for (unsigned i = 0; i < US_KMDF_FUNCTIONS; i++)
		count += use->called[i];
	return count;
}

static void a_driver_without_the_framework_binds_nothing(void **state)
{
	uint8_t image[IMAGE_SIZE];
	struct us_kmdf_use use;

	(void)state;
	image_make(image);
	use = use_of(image);
	assert_false(use.binds);
	make(image, 15);
	image[NAME]++; /* another framework */
	assert_false(use_of(image).binds);
	make(image, 15);
	image_put32(image, INFO + 28, 0xffffffff);
	assert_false(use_of(image).binds);
	make(image, 15);
	image_put64(image, INFO + 32, 8);
	assert_false(use_of(image).binds);
}

static void entries_are_found_behind_the_pointer(void **state)
{
	/* mov rax, [rip + …]; mov rbx, rax; call [rax + 0x50]; test ecx, ecx; je +8; mov rax, [rbx + 0x58]; call rax;
	   ret; jmp [rbx + 0x60] */
	static const uint8_t bytes[] = {0x48, 0x8b, 0x05, 0,    0,    0,    0,    0x48, 0x89,
					0xc3, 0xff, 0x50, 0x50, 0x85, 0xc9, 0x74, 0x07, 0x48,
					0x8b, 0x43, 0x58, 0xff, 0xd0, 0xc3, 0xff, 0x63, 0x60};
	/* … the same, but rax does not outlive the call */
	static const uint8_t lost[] = {0x48, 0x8b, 0x05, 0, 0, 0, 0, 0xff, 0x50, 0x50, 0xff, 0x50, 0x58, 0xc3};
	/* lea rbx, [rip + …]; mov rax, [rbx]; call [rax + 0x318] (the last), call rbx + …: not one of the table */
	static const uint8_t by_address[] = {0x48, 0x8d, 0x1d, 0, 0, 0,    0,    0x48, 0x8b, 0x03,
					     0xff, 0x90, 0x18, 3, 0, 0,    0x48, 0x8b, 0x03, 0xff,
					     0x90, 0x20, 3,    0, 0, 0xff, 0x53, 0x10, 0xc3};
	uint8_t image[IMAGE_SIZE];
	struct us_kmdf_use use;

	(void)state;
	make(image, 15);
	code(image, bytes, sizeof bytes, 3, VARIABLE);
	use = use_of(image);
	assert_true(use.binds);
	assert_int_equal(use.major, 1);
	assert_int_equal(use.minor, 15);
	assert_int_equal(use.count, 100);
	assert_true(use.called[10] && use.called[11] && use.called[12]);
	assert_int_equal(calls(&use), 3);
	make(image, 15);
	code(image, lost, sizeof lost, 3, VARIABLE);
	use = use_of(image);
	assert_true(use.called[10]);
	assert_int_equal(calls(&use), 1);
	make(image, 15);
	code(image, by_address, sizeof by_address, 3, VARIABLE);
	use = use_of(image);
	assert_true(use.called[99]);
	assert_int_equal(calls(&use), 1);
}

static void before_1_15_the_table_is_the_drivers(void **state)
{
	static const uint8_t bytes[] = {0xff, 0x15, 0, 0, 0, 0, 0xc3}; /* call [rip + …] */
	uint8_t image[IMAGE_SIZE];
	struct us_kmdf_use use;

	(void)state;
	make(image, 9);
	code(image, bytes, sizeof bytes, 2, VARIABLE + 8 * 33);
	use = use_of(image);
	assert_true(use.called[33]);
	assert_int_equal(calls(&use), 1);
	make(image, 9);
	code(image, bytes, sizeof bytes, 2, VARIABLE + 8 * 100); /* behind it */
	use = use_of(image);
	assert_int_equal(calls(&use), 0);
}

static void the_crypto_drivers_functions_are_all_found(void **state)
{
	struct us_error err = {""};
	struct us_kmdf_use use;
	struct us_pe *pe;

	(void)state;
	if (us_pe_open(crypto, &pe, &err))
		fail_msg("%s", err.text);
	us_pe_kmdf_use(pe, &use);
	us_pe_close(pe);
	assert_int_equal(use.minor, 15);
	assert_int_equal(use.count, 444);
	assert_true(CALLS(use, WdfDriverCreate) && CALLS(use, WdfDeviceCreate) && CALLS(use, WdfIoQueueCreate));
	assert_true(CALLS(use, WdfInterruptCreate) && CALLS(use, WdfDmaEnablerCreate) &&
		    CALLS(use, WdfCommonBufferCreateWithConfig));
	assert_true(CALLS(use, WdfRequestCompleteWithInformation) || CALLS(use, WdfRequestComplete));
	assert_true(CALLS(use, WdfRequestSetInformation)); /* behind a switch only */
	assert_false(CALLS(use, WdfUsbTargetDeviceCreate) || CALLS(use, WdfPdoInitAllocate) ||
		     CALLS(use, WdfChildListCreate));
}

static void the_list_names_what_is_there_and_what_is_missing(void **state)
{
	uint8_t image[IMAGE_SIZE];
	char path[] = "/tmp/imports-XXXXXX", *text = NULL, *first;
	struct us_error err = {""};
	size_t size = 0;
	FILE *to = open_memstream(&text, &size), *file;

	(void)state;
	image_make(image);
	memcpy(image + IMAGE_NAMES + 2, "IoFreeMdl", 10);
	file = fdopen(mkstemp(path), "wb");
	assert_int_equal(fwrite(image, 1, sizeof image, file), sizeof image);
	fclose(file);
	assert_int_equal(us_nt_list_imports(path, to, &err), 1);
	fclose(to);
	remove(path);
	first = strchr(text, '\n');
	assert_non_null(strstr(text, "a driver that does not use KMDF\n"));
	assert_string_equal(first, "\nimports:\n"
				   "  ok       ntoskrnl.exe!IoFreeMdl\n"
				   "  missing  ntoskrnl.exe!number 7\n"
				   "  ok       HAL.dll!KeStallExecutionProcessor\n"
				   "1 of these the stage does not have: the driver runs until it calls one\n");
	free(text);
	assert_int_equal(us_nt_list_imports("/nonexistent.sys", stdout, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent.sys"));
}

/* -- what the stage has of KMDF ----------------------------------------------------------------------------------- */

static void what_public_drivers_use_is_there(void **state)
{
	static const struct {
		const char *name;
		size_t index;
	} used[] = {
#define USED(function) {#function, offsetof(struct _WDF_FUNCTIONS, function) / sizeof(void *)},
#include "kmdf-used.h"
#undef USED
	};

	(void)state;
	for (size_t i = 0; i < sizeof used / sizeof used[0]; i++) {
		const struct us_export *export = us_wdf_function(used[i].index);

		assert_string_equal(export->name, used[i].name);
		if (!export->function)
			fail_msg("the stage does not have %s", used[i].name);
	}
}

/* A driver that calls the functions from `first` on: mov rbx, [rip + ...]; call [rbx + 8 * index] for each; ret. */
static void make_caller(uint8_t image[IMAGE_SIZE], size_t first, size_t end)
{
	uint8_t bytes[0x700] = {0x48, 0x8b, 0x1d};
	unsigned size = 7;

	make(image, 15);
	image_put32(image, INFO + 28, FUNCTIONS);
	for (size_t i = first; i < end; i++, size += 6) {
		bytes[size] = 0xff;
		bytes[size + 1] = 0x93;
		image_put32(bytes, size + 2, (uint32_t)(8 * i));
	}
	bytes[size++] = 0xc3;
	code(image, bytes, size, 3, VARIABLE);
}

static char *list(const uint8_t image[IMAGE_SIZE], int *missing)
{
	char path[] = "/tmp/imports-XXXXXX", *text = NULL;
	struct us_error err = {""};
	size_t size = 0;
	FILE *to = open_memstream(&text, &size), *file = fdopen(mkstemp(path), "wb");

	assert_int_equal(fwrite(image, 1, IMAGE_SIZE, file), IMAGE_SIZE);
	fclose(file);
	*missing = us_nt_list_imports(path, to, &err);
	fclose(to);
	remove(path);
	return text;
}

/* Each function of the table is either there, or said to be missing; no other way. */
static void what_the_stage_lacks_is_reported(void **state)
{
	uint8_t image[IMAGE_SIZE];
	size_t lacks = 0;

	(void)state;
	for (size_t first = 0; first < FUNCTIONS; first += FUNCTIONS / 2) {
		int missing, expected = 1; /* the import that the made image has by a number */
		char *text;

		make_caller(image, first, first + FUNCTIONS / 2);
		text = list(image, &missing);
		for (size_t i = first; i < first + FUNCTIONS / 2; i++) {
			const struct us_export *export = us_wdf_function(i);
			char line[128];

			snprintf(line, sizeof line, "\n  %-8s %s\n", export->function ? "ok" : "missing", export->name);
			if (!strstr(text, line))
				fail_msg("not in the list:%s", line);
			expected += !export->function;
		}
		assert_int_equal(missing, expected);
		lacks += (size_t)expected - 1;
		free(text);
	}
	assert_true(lacks > 0 && lacks < FUNCTIONS);
	assert_null(us_wdf_function(offsetof(struct _WDF_FUNCTIONS, WdfUsbTargetDeviceCreate) / 8)->function);
	assert_null(us_wdf_function(FUNCTIONS));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_driver_without_the_framework_binds_nothing),
		cmocka_unit_test(entries_are_found_behind_the_pointer),
		cmocka_unit_test(before_1_15_the_table_is_the_drivers),
		cmocka_unit_test(the_crypto_drivers_functions_are_all_found),
		cmocka_unit_test(the_list_names_what_is_there_and_what_is_missing),
		cmocka_unit_test(what_public_drivers_use_is_there),
		cmocka_unit_test(what_the_stage_lacks_is_reported),
	};

	if (argc != 2)
		return 2;
	crypto = argv[1];
	return cmocka_run_group_tests_name("imports", tests, NULL, NULL);
}
