/* SPDX-License-Identifier: Apache-2.0 */
#include "image.h"

#include <string.h>

void image_put16(uint8_t *image, unsigned at, unsigned value)
{
	image[at] = (uint8_t)value;
	image[at + 1] = (uint8_t)(value >> 8);
}

void image_put32(uint8_t *image, unsigned at, uint32_t value)
{
	image_put16(image, at, value & 0xffff);
	image_put16(image, at + 2, value >> 16);
}

void image_put64(uint8_t *image, unsigned at, uint64_t value)
{
	image_put32(image, at, (uint32_t)value);
	image_put32(image, at + 4, (uint32_t)(value >> 32));
}

static void put_string(uint8_t *image, unsigned at, const char *text)
{
	memcpy(image + at, text, strlen(text) + 1);
}

static void directory(uint8_t *image, unsigned index, uint32_t rva, uint32_t size)
{
	image_put32(image, IMAGE_DIRECTORIES + 8 * index, rva);
	image_put32(image, IMAGE_DIRECTORIES + 8 * index + 4, size);
}

static void section(uint8_t *image, unsigned index, const char *name, uint32_t rva, uint32_t flags)
{
	const unsigned at = IMAGE_SECTIONS + 40 * index;

	memcpy(image + at, name, strlen(name));
	image_put32(image, at + 8, 0x800);
	image_put32(image, at + 12, rva);
	image_put32(image, at + 16, 0x800);
	image_put32(image, at + 20, rva);
	image_put32(image, at + 36, flags);
}

static void headers(uint8_t *image)
{
	memcpy(image, "MZ", 2);
	image_put32(image, 60, IMAGE_PE);
	memcpy(image + IMAGE_PE, "PE", 2);
	image_put16(image, IMAGE_PE + 4, 0x8664);
	image_put16(image, IMAGE_PE + 6, 7);
	image_put16(image, IMAGE_PE + 20, 240);
	image_put16(image, IMAGE_PE + 22, 0x22);
	image_put16(image, IMAGE_OPTIONAL, 0x20b);
	image_put32(image, IMAGE_OPTIONAL + 16, IMAGE_TEXT);
	image_put64(image, IMAGE_OPTIONAL + 24, IMAGE_BASE);
	image_put32(image, IMAGE_OPTIONAL + 32, 0x1000);
	image_put32(image, IMAGE_OPTIONAL + 36, 0x200);
	image_put32(image, IMAGE_OPTIONAL + 56, IMAGE_SIZE);
	image_put32(image, IMAGE_OPTIONAL + 60, 0x400);
	image_put16(image, IMAGE_OPTIONAL + 68, 1);
	image_put32(image, IMAGE_OPTIONAL + 108, 16);
	section(image, 0, ".text", IMAGE_TEXT, 0x68000020);
	section(image, 1, ".rdata", IMAGE_RDATA, 0x48000040);
	section(image, 2, ".data", IMAGE_DATA, 0xc8000040);
	section(image, 3, ".pdata", IMAGE_PDATA, 0x48000040);
	section(image, 4, "INIT", IMAGE_INIT, 0xe2000020);
	section(image, 5, ".reloc", IMAGE_RELOC, 0x42000040);
	section(image, 6, ".debug", IMAGE_DEBUG, 0x42000040);
}

static void imports(uint8_t *image)
{
	for (unsigned table = IMAGE_IAT; table <= IMAGE_LOOKUP; table += IMAGE_LOOKUP - IMAGE_IAT) {
		image_put64(image, table, IMAGE_NAMES);
		image_put64(image, table + 8, UINT64_C(1) << 63 | 7);
		image_put64(image, table + 24, IMAGE_NAMES + 0x20);
	}
	put_string(image, IMAGE_NAMES + 2, "ExAllocatePoolWithTag");
	put_string(image, IMAGE_NAMES + 0x22, "KeStallExecutionProcessor");
	put_string(image, IMAGE_NAMES + 0x50, "ntoskrnl.exe");
	put_string(image, IMAGE_NAMES + 0x60, "HAL.dll");
	for (unsigned i = 0; i < 2; i++) {
		image_put32(image, IMAGE_IMPORTS + 20 * i, IMAGE_LOOKUP + 24 * i);
		image_put32(image, IMAGE_IMPORTS + 20 * i + 12, IMAGE_NAMES + 0x50 + 0x10 * i);
		image_put32(image, IMAGE_IMPORTS + 20 * i + 16, IMAGE_IAT + 24 * i);
	}
	directory(image, 1, IMAGE_IMPORTS, 60);
}

/* "There" is IMAGE_FUNCTION, "Elsewhere" is forwarded. */
static void exports(uint8_t *image)
{
	image_put32(image, IMAGE_EXPORTS + 20, 2);
	image_put32(image, IMAGE_EXPORTS + 24, 2);
	image_put32(image, IMAGE_EXPORTS + 28, IMAGE_EXPORTS + 0x40);
	image_put32(image, IMAGE_EXPORTS + 32, IMAGE_EXPORTS + 0x50);
	image_put32(image, IMAGE_EXPORTS + 36, IMAGE_EXPORTS + 0x60);
	image_put32(image, IMAGE_EXPORTS + 0x40, IMAGE_EXPORTS + 0x70);
	image_put32(image, IMAGE_EXPORTS + 0x44, IMAGE_FUNCTION);
	image_put32(image, IMAGE_EXPORTS + 0x50, IMAGE_EXPORTS + 0x80);
	image_put32(image, IMAGE_EXPORTS + 0x54, IMAGE_EXPORTS + 0x90);
	image_put16(image, IMAGE_EXPORTS + 0x60, 0);
	image_put16(image, IMAGE_EXPORTS + 0x62, 1);
	put_string(image, IMAGE_EXPORTS + 0x70, "HAL.There");
	put_string(image, IMAGE_EXPORTS + 0x80, "Elsewhere");
	put_string(image, IMAGE_EXPORTS + 0x90, "There");
	directory(image, 0, IMAGE_EXPORTS, 0xa0);
}

static void code(uint8_t *image)
{
	static const uint8_t function[] = {0x53, 0x48, 0x83, 0xec, 0x20, 0x90, 0x48, 0x83, 0xc4, 0x20, 0x5b, 0xc3};
	static const uint8_t unwind[] = {1, 5, 2, 0, 5, 0x32, 1, 0x30};

	image[IMAGE_TEXT] = 0xff;
	image[IMAGE_TEXT + 1] = 0x25;
	image_put32(image, IMAGE_TEXT + 2, IMAGE_IAT - (IMAGE_TEXT + 6));
	memcpy(image + IMAGE_FUNCTION, function, sizeof function);
	memcpy(image + IMAGE_UNWIND, unwind, sizeof unwind);
	image_put32(image, IMAGE_PDATA, IMAGE_FUNCTION);
	image_put32(image, IMAGE_PDATA + 4, IMAGE_FUNCTION + sizeof function);
	image_put32(image, IMAGE_PDATA + 8, IMAGE_UNWIND);
	directory(image, 3, IMAGE_PDATA, 12);
}

void image_make(uint8_t image[IMAGE_SIZE])
{
	memset(image, 0, IMAGE_SIZE);
	headers(image);
	code(image);
	imports(image);
	exports(image);
	image_put64(image, IMAGE_DATA_COOKIE, IMAGE_COOKIE);
	image_put64(image, IMAGE_DATA_POINTER, IMAGE_BASE + IMAGE_FUNCTION);
	image_put32(image, IMAGE_CONFIG, 112);
	image_put64(image, IMAGE_CONFIG + 88, IMAGE_BASE + IMAGE_DATA_COOKIE);
	directory(image, 10, IMAGE_CONFIG, 112);
	image_put32(image, IMAGE_RELOC, IMAGE_DATA); /* one block: the pointer, and padding */
	image_put32(image, IMAGE_RELOC + 4, 12);
	image_put16(image, IMAGE_RELOC + 8, 0xa008);
	image_put32(image, IMAGE_RELOC + 12, IMAGE_RDATA); /* the address of the cookie */
	image_put32(image, IMAGE_RELOC + 16, 12);
	image_put16(image, IMAGE_RELOC + 20, 0xa000 + (IMAGE_CONFIG + 88 - IMAGE_RDATA));
	directory(image, 5, IMAGE_RELOC, 24);
}
