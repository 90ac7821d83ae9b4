/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A driver's image made by hand, with what Microsoft's linker puts into one: imports by name and by ordinal with their
 * address table in read-only data, an INIT section that is writable, executable and discardable, exports with a
 * forwarder, unwind information, a security cookie, relocations, and debug information at the end. Offsets in the file
 * are RVAs.
 */
#ifndef TESTS_NT_IMAGE_H
#define TESTS_NT_IMAGE_H

#include <stdint.h>

#define IMAGE_SIZE 0x8000u
#define IMAGE_BASE UINT64_C(0x140000000)
#define IMAGE_COOKIE UINT64_C(0x00002B992DDFA232)

enum image_rva {
	IMAGE_PE = 0x80, /* "PE", and behind it: */
	IMAGE_OPTIONAL = IMAGE_PE + 24,
	IMAGE_DIRECTORIES = IMAGE_OPTIONAL + 112,
	IMAGE_SECTIONS = IMAGE_OPTIONAL + 240,
	IMAGE_TEXT = 0x1000, /* jmp [IAT's first] */
	IMAGE_FUNCTION = 0x1010, /* a function with a frame: push rbx; sub rsp, 32; nop; add rsp, 32; pop rbx; ret */
	IMAGE_FUNCTION_END = 0x101b,
	IMAGE_RDATA = 0x2000,
	IMAGE_IAT = IMAGE_RDATA, /* two of ntoskrnl.exe (by name, by ordinal 7), 0, one of hal.dll, 0 */
	IMAGE_LOOKUP = 0x2040,
	IMAGE_IMPORTS = 0x2080,
	IMAGE_NAMES = 0x2100,
	IMAGE_CONFIG = 0x2200,
	IMAGE_EXPORTS = 0x2300,
	IMAGE_UNWIND = 0x2400,
	IMAGE_DATA = 0x3000,
	IMAGE_DATA_COOKIE = IMAGE_DATA,
	IMAGE_DATA_POINTER = IMAGE_DATA + 8, /* to IMAGE_FUNCTION, relocated */
	IMAGE_PDATA = 0x4000,
	IMAGE_INIT = 0x5000,
	IMAGE_RELOC = 0x6000,
	IMAGE_DEBUG = 0x7000,
};

void image_make(uint8_t image[IMAGE_SIZE]);

void image_put16(uint8_t *image, unsigned at, unsigned value);
void image_put32(uint8_t *image, unsigned at, uint32_t value);
void image_put64(uint8_t *image, unsigned at, uint64_t value);

#endif
