/* SPDX-License-Identifier: Apache-2.0 */
/* The loader: images as linkers make them, damaged ones, and hostile ones. Arguments: drivers that were built. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "image.h"
#include "nt/pe-private.h"

static char **drivers;
static int ndrivers;

static struct us_pe *parsed(const uint8_t *bytes, size_t size)
{
	struct us_error err = {""};
	struct us_pe *pe;

	if (us_pe_parse(bytes, size, "test.sys", &pe, &err))
		fail_msg("%s", err.text);
	return pe;
}

static struct us_pe *good(void)
{
	uint8_t image[IMAGE_SIZE];

	image_make(image);
	return parsed(image, sizeof image);
}

/* -- what is refused ---------------------------------------------------------------------------------------------- */

#define DIRECTORY(i) (IMAGE_DIRECTORIES + 8 * (i))
#define SECTION(i) (IMAGE_SECTIONS + 40 * (i))

static void every_damage_is_refused_with_its_sentence(void **state)
{
	static const struct {
		unsigned at, width;
		uint64_t value;
		const char *says;
	} damages[] = {
		{0, 2, 0x4d5a, "does not begin with MZ"},
		{60, 4, 0xfffffff0, "no PE header"},
		{60, 4, IMAGE_SIZE - 8, "no PE header"},
		{IMAGE_PE, 4, 0x4551, "no PE header"},
		{IMAGE_PE + 4, 2, 0x14c, "is for x86"},
		{IMAGE_PE + 4, 2, 0xaa64, "is for ARM64"},
		{IMAGE_PE + 6, 2, 0, "0 sections"},
		{IMAGE_PE + 6, 2, 97, "97 sections"},
		{IMAGE_PE + 20, 2, 100, "cut off"},
		{IMAGE_PE + 20, 2, 0xffff, "cut off"},
		{IMAGE_PE + 22, 2, 0x20, "not executable"},
		{IMAGE_PE + 22, 2, 0x23, "no relocations"},
		{IMAGE_OPTIONAL, 2, 0x10b, "magic"},
		{IMAGE_OPTIONAL + 16, 4, IMAGE_DATA, "entry point"},
		{IMAGE_OPTIONAL + 16, 4, 0, "entry point"},
		{IMAGE_OPTIONAL + 24, 8, 0x140001000, "64 KiB"},
		{IMAGE_OPTIONAL + 32, 4, 0x20, "aligned"},
		{IMAGE_OPTIONAL + 32, 4, 0x3000, "aligned"},
		{IMAGE_OPTIONAL + 56, 4, 0, "bytes of memory"},
		{IMAGE_OPTIONAL + 56, 4, 0xfffff000, "bytes of memory"},
		{IMAGE_OPTIONAL + 60, 4, 0, "headers"},
		{IMAGE_OPTIONAL + 60, 4, 0x9000, "headers"},
		{IMAGE_OPTIONAL + 64, 4, 12345, "checksum"},
		{IMAGE_OPTIONAL + 68, 2, 3, "no driver"},
		{SECTION(1) + 12, 4, 0x1000, "not behind"},
		{SECTION(1) + 12, 4, 0x2010, "on a page"},
		{SECTION(1) + 12, 4, 0xfffff000, "past the end"},
		{SECTION(1) + 8, 4, 0xffffffff, "past the end"},
		{SECTION(1) + 20, 4, 0x7900, "cut off"},
		{SECTION(1) + 20, 4, 0xffffffff, "cut off"},
		{DIRECTORY(5), 4, 0xffff0000, "relocations"},
		{DIRECTORY(5) + 4, 4, 0, "no relocations"},
		{DIRECTORY(5) + 4, 4, 0xffffffff, "relocations"},
		{IMAGE_RELOC + 4, 4, 0, "relocation block"},
		{IMAGE_RELOC + 4, 4, 7, "relocation block"},
		{IMAGE_RELOC + 4, 4, 25, "relocation block"},
		{IMAGE_RELOC + 4, 4, 0x1000, "relocation block"},
		{IMAGE_RELOC, 4, 0xfffff000, "outside of the image"},
		{IMAGE_RELOC, 4, IMAGE_SIZE - 12, "outside of the image"},
		{IMAGE_RELOC + 8, 2, 0x3008, "type 3"},
		{DIRECTORY(1), 4, 0x7fff, "import directory"},
		{DIRECTORY(1), 4, 0xfffffff0, "import directory"},
		{IMAGE_IMPORTS, 4, 0xfffffff8, "import table"},
		{IMAGE_IMPORTS + 12, 4, 0x7fff000, "name"},
		{IMAGE_IMPORTS + 12, 4, IMAGE_NAMES, "name"}, /* an empty one */
		{IMAGE_IMPORTS + 16, 4, 0xfffffff8, "address table"},
		{IMAGE_IMPORTS + 16, 4, 8, "address table"},
		{IMAGE_LOOKUP, 8, 0x7fff0000, "name"},
		{IMAGE_LOOKUP, 8, UINT64_C(0x123456789abc), "name"},
		{IMAGE_NAMES + 2, 1, 0x80, "name"},
		{DIRECTORY(0), 4, 0x7ff0, "export directory"},
		{IMAGE_EXPORTS + 20, 4, 0xffffffff, "export directory"},
		{IMAGE_EXPORTS + 24, 4, 0x40000000, "export directory"},
		{DIRECTORY(3) + 4, 4, 0x8000, "exception directory"},
		{DIRECTORY(10), 4, 0x7fff, "load configuration"},
		{IMAGE_CONFIG + 88, 8, 16, "cookie"},
		{IMAGE_CONFIG + 88, 8, IMAGE_BASE + IMAGE_DEBUG, "cookie"},
	};
	uint8_t image[IMAGE_SIZE];
	struct us_error err;
	struct us_pe *pe;

	(void)state;
	for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
		image_make(image);
		for (unsigned b = 0; b < damages[i].width; b++)
			image[damages[i].at + b] = (uint8_t)(damages[i].value >> 8 * b);
		err.text[0] = 0;
		if (us_pe_parse(image, sizeof image, "test.sys", &pe, &err) != -EINVAL ||
		    !strstr(err.text, damages[i].says) || strncmp(err.text, "test.sys: ", 10))
			fail_msg("0x%llx at 0x%x: \"%s\", expected \"%s\"", (unsigned long long)damages[i].value,
				 damages[i].at, err.text, damages[i].says);
		assert_null(pe);
	}
}

static void imports_that_are_bound_without_a_lookup_table_are_refused(void **state)
{
	uint8_t image[IMAGE_SIZE];
	struct us_error err;
	struct us_pe *pe;

	(void)state;
	image_make(image);
	image_put32(image, IMAGE_IMPORTS, 0); /* no lookup table: the address table serves */
	us_pe_close(parsed(image, sizeof image));
	image_put32(image, IMAGE_IMPORTS + 4, 0x5eadbeef);
	assert_int_equal(us_pe_parse(image, sizeof image, "test.sys", &pe, &err), -EINVAL);
	assert_non_null(strstr(err.text, "bound"));
}

static void relocation_blocks_may_be_empty(void **state)
{
	uint8_t image[IMAGE_SIZE];

	(void)state;
	image_make(image);
	image_put16(image, IMAGE_RELOC + 8, 0); /* padding alone */
	image_put32(image, IMAGE_RELOC + 16, 8);
	image_put32(image, IMAGE_RELOC + 24, 8);
	image_put32(image, IMAGE_DIRECTORIES + 8 * 5 + 4, 28);
	us_pe_close(parsed(image, sizeof image));
}

static void a_file_that_is_cut_off_anywhere_is_refused(void **state)
{
	uint8_t *bytes, image[IMAGE_SIZE];
	struct us_error err;
	struct us_pe *pe;

	(void)state;
	image_make(image);
	for (size_t size = 0; size < IMAGE_DEBUG + 0x800; size += size < 0x500 ? 1 : 97) {
		bytes = malloc(size ? size : 1); /* of its own: a sanitizer sees what is read behind it */
		memcpy(bytes, image, size);
		if (us_pe_parse(bytes, size, "test.sys", &pe, &err) != -EINVAL)
			fail_msg("%zu bytes are enough", size);
		free(bytes);
	}
}

static void files_that_are_none_are_refused(void **state)
{
	struct us_error err;
	struct us_pe *pe;

	(void)state;
	assert_int_equal(us_pe_open("/nonexistent/x.sys", &pe, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/x.sys: the driver can not be read"));
	assert_true(us_pe_open("/", &pe, &err) < 0);
	assert_int_equal(us_pe_open("/dev/null", &pe, &err), -EINVAL);
}

/* -- unwinding ---------------------------------------------------------------------------------------------------- */

struct stack {
	uint64_t base, words[64];
};

static bool read_word(void *context, uint64_t address, uint64_t *value)
{
	const struct stack *stack = context;

	if (address < stack->base || address >= stack->base + sizeof stack->words || address % 8)
		return false;
	*value = stack->words[(address - stack->base) / 8];
	return true;
}

/* A walk that has to end, whatever it meets. */
static void walk(const struct us_pe *pe, uint32_t rva)
{
	struct stack stack = {.base = 0x10000};
	const struct us_unwind_image image = {.image = pe->image,
					      .base = 0x500000,
					      .size = pe->size,
					      .table = pe->directory[US_PE_EXCEPTIONS].address,
					      .table_size = pe->directory[US_PE_EXCEPTIONS].size,
					      .read = read_word,
					      .context = &stack};
	uint64_t rip = 0x500000 + rva, regs[16];

	for (unsigned i = 0; i < 64; i++)
		stack.words[i] = 0x500000 + (rva + i * 97) % pe->size;
	for (unsigned i = 0; i < 16; i++)
		regs[i] = 0x10000 + 8 * i;
	for (unsigned i = 0; i < 100 && us_pe_unwind_image(&image, &rip, regs, NULL, NULL);)
		i++;
}

static unsigned long long xmm[16][2];
static struct us_pe_frame frame;

/* One function at 0x100 of 0x80 bytes, its unwind information at 0x200, all in 0x400 bytes. */
static bool unwound(const uint8_t *info, size_t info_size, const uint8_t *code, size_t code_size, unsigned offset,
		    struct stack *stack, uint64_t *rip, uint64_t regs[16])
{
	static uint8_t bytes[0x400];
	const struct us_unwind_image image = {.image = bytes,
					      .base = 0x700000,
					      .size = sizeof bytes,
					      .table = 0x300,
					      .table_size = 12,
					      .read = read_word,
					      .context = stack};

	memset(bytes, 0x90, sizeof bytes);
	if (code_size)
		memcpy(bytes + 0x100, code, code_size);
	memcpy(bytes + 0x200, info, info_size);
	image_put32(bytes, 0x300, 0x100);
	image_put32(bytes, 0x304, 0x180);
	image_put32(bytes, 0x308, 0x200);
	*rip = 0x700100 + offset;
	return us_pe_unwind_image(&image, rip, regs, xmm, &frame);
}

enum { RBX = 3, RSP = 4, RBP = 5, RSI = 6, R12 = 12 };

static void every_step_of_a_prologue_is_undone(void **state)
{
	/* push rbx; push r12; sub rsp, 0x28; and what was saved there */
	static const uint8_t small[] = {1, 9, 5, 0, 9, 0x64, 3, 0, 7, 0x42, 3, 0xc0, 1, 0x30};
	static const uint8_t large[] = {1, 7, 2, 0, 7, 0x01, 16, 0}; /* 0x80 bytes */
	static const uint8_t larger[] = {1, 7, 3, 0, 7, 0x11, 0x40, 0, 0, 0};
	static const uint8_t framed[] = {1, 8, 3, 0x25, 8, 0x03, 5, 0x72, 1, 0x50}; /* rbp = rsp + 32 */
	static const uint8_t machine[] = {1, 0, 1, 0, 0, 0x1a};
	static const uint8_t far[] = {1, 4, 4, 0, 4, 0x65, 0x10, 0, 0, 0, 4, 0x22}; /* and 24 bytes */
	struct stack stack = {.base = 0x10000};
	uint64_t rip, regs[16];

	(void)state;
	for (unsigned i = 0; i < 64; i++)
		stack.words[i] = 1000 + i;

	memset(regs, 0, sizeof regs);
	regs[RSP] = 0x10000;
	assert_true(unwound(small, sizeof small, NULL, 0, 0x20, &stack, &rip, regs));
	assert_int_equal(regs[RSI], 1003); /* saved at rsp + 24 */
	assert_int_equal(regs[R12], 1005);
	assert_int_equal(regs[RBX], 1006);
	assert_int_equal(rip, 1007);
	assert_int_equal(regs[RSP], 0x10000 + 8 * 8);

	regs[RSP] = 0x10000; /* in the prologue: rbx is pushed, nothing else */
	assert_true(unwound(small, sizeof small, NULL, 0, 2, &stack, &rip, regs));
	assert_int_equal(regs[RBX], 1000);
	assert_int_equal(rip, 1001);

	regs[RSP] = 0x10000; /* before it */
	assert_true(unwound(small, sizeof small, NULL, 0, 0, &stack, &rip, regs));
	assert_int_equal(rip, 1000);

	regs[RSP] = 0x10000;
	assert_true(unwound(large, sizeof large, NULL, 0, 0x20, &stack, &rip, regs));
	assert_int_equal(rip, 1016);
	regs[RSP] = 0x10000;
	assert_true(unwound(larger, sizeof larger, NULL, 0, 0x20, &stack, &rip, regs));
	assert_int_equal(rip, 1008);

	regs[RSP] = 0x10000; /* the frame pointer says where the frame is, rsp has moved on (alloca) */
	regs[RBP] = 0x10000 + 10 * 8 + 32;
	assert_true(unwound(framed, sizeof framed, NULL, 0, 0x20, &stack, &rip, regs));
	assert_int_equal(regs[RBP], 1018);
	assert_int_equal(rip, 1019);

	regs[RSP] = 0x10000;
	stack.words[4] = 0x10080;
	assert_true(unwound(machine, sizeof machine, NULL, 0, 0x20, &stack, &rip, regs));
	assert_int_equal(rip, 1001);
	assert_int_equal(regs[RSP], 0x10080);

	regs[RSP] = 0x10000;
	assert_true(unwound(far, sizeof far, NULL, 0, 0x20, &stack, &rip, regs));
	assert_int_equal(regs[RSI], 1002);
	assert_int_equal(rip, 1003);
}

static void an_epilogue_is_followed_to_its_end(void **state)
{
	static const uint8_t info[] = {1, 4, 3, 0, 4, 0x42, 2, 0xc0, 1, 0x30};
	static const uint8_t code[] = {0x53, 0x41, 0x54, 0x48, 0x83, 0xec, 0x28, 0x90,
				       0x48, 0x83, 0xc4, 0x28, 0x41, 0x5c, 0x5b, 0xc3};
	struct stack stack = {.base = 0x10000};
	uint64_t rip, regs[16] = {0};

	(void)state;
	for (unsigned i = 0; i < 64; i++)
		stack.words[i] = 1000 + i;
	regs[RSP] = 0x10000;
	assert_true(unwound(info, sizeof info, code, sizeof code, 8, &stack, &rip, regs)); /* add rsp, 0x28 */
	assert_int_equal(regs[R12], 1005);
	assert_int_equal(rip, 1007);
	regs[RSP] = 0x10000;
	assert_true(unwound(info, sizeof info, code, sizeof code, 12, &stack, &rip, regs)); /* pop r12 */
	assert_int_equal(regs[R12], 1000);
	assert_int_equal(regs[RBX], 1001);
	assert_int_equal(rip, 1002);
	regs[RSP] = 0x10000;
	assert_true(unwound(info, sizeof info, code, sizeof code, 15, &stack, &rip, regs)); /* ret */
	assert_int_equal(rip, 1000);
	regs[RSP] = 0x10000 + 63 * 8; /* the stack ends */
	assert_false(unwound(info, sizeof info, code, sizeof code, 8, &stack, &rip, regs));
}

static void chains_are_followed_and_end(void **state)
{
	uint8_t info[64] = {1 | 4 << 3, 0, 1, 0, 0, 0x02}; /* 8 bytes, and the chain */
	static const uint8_t parent[] = {1, 0x40, 1, 0, 0x40, 0x30};
	struct stack stack = {.base = 0x10000};
	uint64_t rip, regs[16] = {0};

	(void)state;
	stack.words[1] = 77;
	stack.words[2] = 78;
	image_put32(info, 8, 0x118);
	image_put32(info, 12, 0x180);
	image_put32(info, 16, 0x220);
	memcpy(info + 0x20, parent, sizeof parent);
	regs[RSP] = 0x10000;
	assert_true(unwound(info, sizeof info, NULL, 0, 0x20, &stack, &rip, regs));
	assert_int_equal(regs[RBX], 77); /* all of the parent's prologue, wherever that is */
	assert_int_equal(rip, 78);
	image_put32(info, 16, 0x200); /* its own parent */
	regs[RSP] = 0x10000;
	assert_false(unwound(info, sizeof info, NULL, 0, 0x20, &stack, &rip, regs));
	image_put32(info, 16, 0xffffff00);
	assert_false(unwound(info, sizeof info, NULL, 0, 0x20, &stack, &rip, regs));
}

static void vector_registers_are_restored(void **state)
{
	/* sub rsp, 0x48; movaps [rsp + 0x20], xmm6; movaps [rsp + 0x30], xmm15, far */
	static const uint8_t info[] = {1, 16, 6, 0, 16, 0xf9, 0x30, 0, 0, 0, 10, 0x68, 2, 0, 4, 0x82};
	struct stack stack = {.base = 0x10000};
	uint64_t rip, regs[16] = {[RSP] = 0x10000};

	(void)state;
	for (unsigned i = 0; i < 64; i++)
		stack.words[i] = 1000 + i;
	memset(xmm, 0, sizeof xmm);
	assert_true(unwound(info, sizeof info, NULL, 0, 10, &stack, &rip, regs));
	assert_int_equal(xmm[6][0], 1004);
	assert_int_equal(xmm[6][1], 1005);
	assert_int_equal(xmm[15][0], 0); /* this one was not saved yet */
	assert_int_equal(rip, 1009);
	regs[RSP] = 0x10000;
	assert_true(unwound(info, sizeof info, NULL, 0, 0x20, &stack, &rip, regs));
	assert_int_equal(xmm[15][0], 1006);
	assert_int_equal(xmm[15][1], 1007);
	regs[RSP] = 0x10000 + 60 * 8; /* the stack ends */
	assert_false(unwound(info, sizeof info, NULL, 0, 0x20, &stack, &rip, regs));
}

/* The handler at 0x140, where the image says so behind the codes. */
static void a_handler_is_found_in_the_body_alone(void **state)
{
	/* sub rsp, 0x28, and one slot that makes the codes' number even */
	uint8_t info[16] = {1 | 3 << 3, 4, 1, 0, 4, 0x42, 0, 0, 0x40, 1, 0, 0, 0xee, 0xff};
	static const uint8_t code[] = {0x48, 0x83, 0xec, 0x28, 0x90, 0x90, 0x48, 0x83, 0xc4, 0x28, 0xc3};
	struct stack stack = {.base = 0x10000};
	uint64_t rip, regs[16] = {[RSP] = 0x10000};

	(void)state;
	assert_true(unwound(info, sizeof info, code, sizeof code, 4, &stack, &rip, regs));
	assert_true(frame.for_exceptions && frame.for_unwinding);
	assert_int_equal(frame.handler, 0x140);
	assert_int_equal(frame.data, 0x20c);
	assert_int_equal(frame.entry, 0x300);
	assert_int_equal(frame.function, 0x300);
	assert_int_equal(frame.establisher, 0x10000);
	regs[RSP] = 0x10000;
	assert_true(unwound(info, sizeof info, code, sizeof code, 0, &stack, &rip, regs)); /* in the prologue */
	assert_false(frame.for_exceptions || frame.for_unwinding || frame.handler);
	regs[RSP] = 0x10000;
	assert_true(unwound(info, sizeof info, code, sizeof code, 6, &stack, &rip, regs)); /* in the epilogue */
	assert_false(frame.for_exceptions || frame.for_unwinding || frame.handler);
	info[0] = 1 | 2 << 3;
	regs[RSP] = 0x10000;
	assert_true(unwound(info, sizeof info, code, sizeof code, 4, &stack, &rip, regs));
	assert_true(!frame.for_exceptions && frame.for_unwinding);
	info[8 + 3] = 0x80; /* outside of the image */
	regs[RSP] = 0x10000;
	assert_true(unwound(info, sizeof info, code, sizeof code, 4, &stack, &rip, regs));
	assert_false(frame.for_exceptions || frame.for_unwinding || frame.handler);
}

static void a_frame_is_known_by_its_frame_register_once_that_is_set(void **state)
{
	static const uint8_t framed[] = {1, 8, 3, 0x25, 8, 0x03, 5, 0x72, 1, 0x50}; /* rbp = rsp + 32 */
	struct stack stack = {.base = 0x10000};
	uint64_t rip, regs[16] = {[RSP] = 0x10008, [RBP] = 0x10000 + 10 * 8 + 32};

	(void)state;
	assert_true(unwound(framed, sizeof framed, NULL, 0, 0x20, &stack, &rip, regs));
	assert_int_equal(frame.establisher, 0x10000 + 10 * 8);
	regs[RSP] = 0x10008;
	assert_true(unwound(framed, sizeof framed, NULL, 0, 5, &stack, &rip, regs));
	assert_int_equal(frame.establisher, 0x10008);
}

static void nonsense_ends_the_walk(void **state)
{
	static const uint8_t version[] = {3, 0, 0, 0}, code[] = {1, 0, 1, 0, 0, 0x0b}, cut[] = {1, 0, 1, 0, 0, 0x01};
	struct stack stack = {.base = 0x10000};
	uint64_t rip, regs[16] = {[RSP] = 0x10000};

	(void)state;
	assert_false(unwound(version, sizeof version, NULL, 0, 0x20, &stack, &rip, regs));
	assert_false(unwound(code, sizeof code, NULL, 0, 0x20, &stack, &rip, regs));
	assert_false(unwound(cut, sizeof cut, NULL, 0, 0x20, &stack, &rip, regs));
}

/* -- loading ------------------------------------------------------------------------------------------------------ */

static ULONG NTAPI answer(void)
{
	return 4711;
}

static void *bind_all(void *context, const struct us_pe_import *import, struct us_error *err)
{
	const char *unknown = context;

	if (unknown && import->name && !strcmp(import->name, unknown)) {
		us_fail(err, -ENOENT, "%s is not there", unknown);
		return NULL;
	}
	return (void *)(uintptr_t)answer;
}

static void loaded(void *context)
{
	struct us_pe *pe = context;
	struct us_image image, again;
	struct us_error err = {""};
	uint64_t rip, regs[16] = {0}, words[6] = {1, 2, 3, 4, 5, 6};

	rig_expect(us_pe_load(pe, bind_all, NULL, &image, &err) == 0);
	rig_expect(image.size == IMAGE_RELOC && !strcmp(image.name, "test.sys")); /* what only tools want is left out */
	rig_expect(us_nt_window(image.base) == US_WINDOW_IMAGE && (uint8_t *)image.entry == image.base + IMAGE_TEXT);
	rig_expect(((ULONG(NTAPI *)(void))(uintptr_t)image.entry)() == 4711); /* through its address table */
	rig_expect(us_get64(image.base + IMAGE_DATA_POINTER) == (uintptr_t)image.base + IMAGE_FUNCTION);
	rig_expect(us_get64(image.base + IMAGE_CONFIG + 88) == (uintptr_t)image.base + IMAGE_DATA_COOKIE);
	rig_expect(us_get64(image.base + IMAGE_DATA_COOKIE) != IMAGE_COOKIE);
	rig_expect(us_get64(image.base + IMAGE_DATA_COOKIE) >> 48 == 0); /* as Windows' are */

	rig_expect(us_pe_export(&image, "There") == image.base + IMAGE_FUNCTION);
	rig_expect(!us_pe_export(&image, "Elsewhere") && !us_pe_export(&image, "Nowhere"));

	rig_expect(us_nt_is_writable(image.base + IMAGE_DATA, 0x800));
	for (unsigned page = 0; page < IMAGE_RELOC; page += US_NT_PAGE)
		rig_expect(us_nt_is_writable(image.base + page, 1) == (page == IMAGE_DATA));

	rip = (uintptr_t)image.base + IMAGE_FUNCTION + 5;
	regs[RSP] = (uintptr_t)words; /* this stack is the stage's */
	rig_expect(us_pe_unwind(&image, &rip, regs) && regs[RBX] == 5 && rip == 6);

	us_pe_discard(&image);
	rig_expect(!us_nt_is_mapped(image.base + IMAGE_INIT, 1) && us_nt_is_mapped(image.base, IMAGE_INIT));
	us_pe_unload(&image);
	rig_expect(!us_nt_is_mapped(image.base, 1));

	rig_expect(us_pe_load(pe, bind_all, (void *)(uintptr_t) "KeStallExecutionProcessor", &again, &err) == -ENOENT);
	rig_expect(!strcmp(err.text, "KeStallExecutionProcessor is not there"));
	rig_expect(us_pe_load(pe, bind_all, NULL, &again, &err) ==
		   0); /* where the one was that failed, and the one before it */
	rig_expect((uint8_t *)again.entry == again.base + IMAGE_TEXT);
}

static void an_image_is_relocated_bound_and_protected(void **state)
{
	struct us_pe *pe = good();
	size_t count;
	const struct us_pe_import *imports = us_pe_imports(pe, &count);

	(void)state;
	assert_int_equal(count, 3);
	assert_string_equal(imports[0].name, "ExAllocatePoolWithTag");
	assert_string_equal(imports[0].dll, "ntoskrnl.exe");
	assert_null(imports[1].name);
	assert_int_equal(imports[1].ordinal, 7);
	assert_string_equal(imports[2].dll, "HAL.dll");
	assert_int_equal(imports[2].iat, IMAGE_IAT + 24);
	assert_int_equal(us_pe_image_size(pe), IMAGE_SIZE);
	assert_int_equal(us_pe_preferred_base(pe), IMAGE_BASE);
	assert_int_equal(us_pe_entry(pe), IMAGE_TEXT);
	rig_run(NULL, loaded, pe);
	rig_run(NULL, loaded, pe); /* and in the next run, where the pages are protected already */
	us_pe_close(pe);
}

static void written(void *context)
{
	struct us_image image;

	us_pe_load(context, bind_all, NULL, &image, NULL);
	image.base[IMAGE_TEXT] = 1;
}

static void executed(void *context)
{
	struct us_image image;

	us_pe_load(context, bind_all, NULL, &image, NULL);
	image.base[IMAGE_DATA + 0x10] = 0xc3;
	((void (*)(void))(uintptr_t)(image.base + IMAGE_DATA + 0x10))();
}

static void discarded(void *context)
{
	struct us_image image;

	us_pe_load(context, bind_all, NULL, &image, NULL);
	us_pe_discard(&image);
	((void (*)(void))(uintptr_t)(image.base + IMAGE_INIT))();
}

static void code_is_not_written_and_data_not_executed(void **state)
{
	struct us_pe *pe = good();

	(void)state;
	rig_run_breaks("memory.access", written, pe);
	rig_run_breaks("memory.access", executed, pe);
	rig_run_breaks("memory.access", discarded, pe);
	us_pe_close(pe);
}

/* -- what linkers made -------------------------------------------------------------------------------------------- */

static void real(void *context)
{
	const struct us_pe *pe = context;
	struct us_image image, second;
	struct us_error err = {""};

	if (us_pe_load(pe, bind_all, NULL, &image, &err) || us_pe_load(pe, bind_all, NULL, &second, &err))
		us_nt_stop(US_NT_EXPECTATION, "", "%s", err.text);
	/* at two places they differ by their addresses alone */
	for (size_t i = 0; i < pe->nrelocations; i++) {
		const uint64_t a = us_get64(image.base + pe->relocations[i]),
			       b = us_get64(second.base + pe->relocations[i]);

		rig_expect(a - (uintptr_t)image.base == b - (uintptr_t)second.base &&
			   a - (uintptr_t)image.base < pe->size);
	}
}

static void each_function(const struct us_pe *pe)
{
	const uint8_t *table =
		us_pe_at(pe, pe->directory[US_PE_EXCEPTIONS].address, pe->directory[US_PE_EXCEPTIONS].size);
	struct stack stack = {.base = 0x10000, .words = {4242}};
	const struct us_unwind_image image = {.image = pe->image,
					      .base = pe->base,
					      .size = pe->size,
					      .table = pe->directory[US_PE_EXCEPTIONS].address,
					      .table_size = pe->directory[US_PE_EXCEPTIONS].size,
					      .read = read_word,
					      .context = &stack};

	for (uint32_t i = 0; i < pe->directory[US_PE_EXCEPTIONS].size; i += 12) {
		const uint32_t begin = us_get32(table + i), end = us_get32(table + i + 4);

		/* at its first instruction, and at a return that ends it, nothing is on the stack but the return
		 * address */
		for (unsigned last = 0; last < 2; last++) {
			uint64_t rip = pe->base + (last ? end - 1 : begin), regs[16] = {[RSP] = 0x10000};

			if (last && pe->image[end - 1] != 0xc3)
				continue;
			if (us_get32(table + i + 8) & 1 || pe->image[us_get32(table + i + 8)] >> 3 & 4)
				continue; /* a part of another function */
			assert_true(us_pe_unwind_image(&image, &rip, regs, NULL, NULL));
			assert_int_equal(rip, 4242);
			assert_int_equal(regs[RSP], 0x10008);
		}
	}
}

static void drivers_that_were_built_are_loaded(void **state)
{
	struct us_error err = {""};
	struct us_pe *pe;
	size_t count;

	(void)state;
	assert_true(ndrivers > 0);
	for (int i = 0; i < ndrivers; i++) {
		if (us_pe_open(drivers[i], &pe, &err))
			fail_msg("%s", err.text);
		us_pe_imports(pe, &count);
		assert_true(count >= 2);
		assert_true(pe->nrelocations > 0);
		assert_true(pe->directory[US_PE_EXCEPTIONS].size >= 12);
		each_function(pe);
		rig_run(NULL, real, pe);
		us_pe_close(pe);
	}
}

/* -- chance ------------------------------------------------------------------------------------------------------- */

static uint32_t chance(uint64_t *state, uint32_t bound)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33) % bound;
}

/* Changes some bytes, mostly in headers and tables, and looks what comes of it. */
static void mutate(const uint8_t *original, size_t size, unsigned rounds, const uint32_t *places, unsigned nplaces)
{
	uint64_t state = 42;
	unsigned fine = 0;

	for (unsigned round = 0; round < rounds; round++) {
		uint8_t *bytes = malloc(size);
		struct us_error err = {""};
		struct us_pe *pe;
		int rc;

		memcpy(bytes, original, size);
		for (unsigned n = 1 + chance(&state, 4); n--;) {
			const uint32_t at = places[chance(&state, nplaces)] + chance(&state, 0x100);
			static const uint8_t extremes[] = {0, 1, 0x7f, 0x80, 0xff};

			if (at < size)
				bytes[at] =
					chance(&state, 2) ? extremes[chance(&state, 5)] : (uint8_t)chance(&state, 256);
		}
		rc = us_pe_parse(bytes, size, "mutant.sys", &pe, &err);
		assert_true(rc == 0 || (rc == -EINVAL && err.text[0]));
		fine += rc == 0;
		if (!rc) {
			for (unsigned i = 0; i < 10; i++)
				walk(pe, chance(&state, pe->size));
			us_pe_find_export(pe, "There");
			us_pe_relocate(pe, pe->image, chance(&state, 1000));
		}
		us_pe_close(pe);
		free(bytes);
	}
	assert_in_range(fine, 1, rounds - 1); /* it reaches all of the reader */
}

static void mutants_are_read_or_refused(void **state)
{
	static const uint32_t places[] = {0,           IMAGE_PE,    IMAGE_OPTIONAL, IMAGE_DIRECTORIES, IMAGE_SECTIONS,
					  IMAGE_IAT,   IMAGE_NAMES, IMAGE_CONFIG,   IMAGE_EXPORTS,     IMAGE_UNWIND,
					  IMAGE_PDATA, IMAGE_RELOC, IMAGE_TEXT};
	uint8_t image[IMAGE_SIZE], *bytes;
	FILE *file;
	size_t size;
	uint32_t header;

	(void)state;
	image_make(image);
	mutate(image, sizeof image, 5000, places, sizeof places / sizeof *places);
	for (int i = 0; i < ndrivers; i++) {
		uint32_t all[64];

		bytes = malloc(4 << 20);
		file = fopen(drivers[i], "rb");
		assert_non_null(file);
		size = fread(bytes, 1, 4 << 20, file);
		fclose(file);
		header = us_get32(bytes + 60);
		image_put32(bytes, header + 24 + 64, 0); /* no checksum */
		all[0] = header;
		for (unsigned n = 1; n < 64; n++)
			all[n] = n < 16 ? header + 24 + 112 : (uint32_t)(size / 64 * n);
		mutate(bytes, size, 300, all, 64);
		free(bytes);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_damage_is_refused_with_its_sentence),
		cmocka_unit_test(imports_that_are_bound_without_a_lookup_table_are_refused),
		cmocka_unit_test(relocation_blocks_may_be_empty),
		cmocka_unit_test(a_file_that_is_cut_off_anywhere_is_refused),
		cmocka_unit_test(files_that_are_none_are_refused),
		cmocka_unit_test(every_step_of_a_prologue_is_undone),
		cmocka_unit_test(an_epilogue_is_followed_to_its_end),
		cmocka_unit_test(chains_are_followed_and_end),
		cmocka_unit_test(vector_registers_are_restored),
		cmocka_unit_test(a_handler_is_found_in_the_body_alone),
		cmocka_unit_test(a_frame_is_known_by_its_frame_register_once_that_is_set),
		cmocka_unit_test(nonsense_ends_the_walk),
		cmocka_unit_test(an_image_is_relocated_bound_and_protected),
		cmocka_unit_test(code_is_not_written_and_data_not_executed),
		cmocka_unit_test(drivers_that_were_built_are_loaded),
		cmocka_unit_test(mutants_are_read_or_refused),
	};

	drivers = argv + 1;
	ndrivers = argc - 1;
	return cmocka_run_group_tests_name("pe", tests, NULL, NULL);
}
