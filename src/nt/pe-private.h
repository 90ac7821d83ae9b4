/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the loader's files share: an image file that was read. It is laid out as in memory, at RVA 0 and not relocated,
 * and all that pe.c has checked holds: the directories' tables are inside of it.
 */
#ifndef UNDERSTUDY_NT_PE_PRIVATE_H
#define UNDERSTUDY_NT_PE_PRIVATE_H

#include <string.h>

#include "nt/pe.h"

#define US_SECTION_EXECUTE 0x20000000u
#define US_SECTION_WRITE 0x80000000u
#define US_SECTION_DISCARDABLE 0x02000000u

enum us_pe_directory {
	US_PE_EXPORTS,
	US_PE_IMPORTS,
	US_PE_EXCEPTIONS = 3,
	US_PE_RELOCATIONS = 5,
	US_PE_LOAD_CONFIG = 10,
	US_PE_DIRECTORIES = 16
};

struct us_pe_section {
	char name[9];
	uint32_t address, size; /* RVA; bytes in memory */
	uint32_t flags;
};

struct us_pe {
	char *path;
	uint8_t *image; /* laid out */
	uint32_t size; /* whole pages */
	uint32_t loaded; /* as much of it as a driver gets: without debug information and relocations at its end */
	uint32_t headers, entry;
	uint64_t base;
	struct {
		uint32_t address, size;
	} directory[US_PE_DIRECTORIES];
	struct us_pe_section *sections;
	unsigned nsections;
	struct us_pe_import *imports;
	size_t nimports;
	uint32_t *relocations; /* RVAs of 64-bit addresses */
	size_t nrelocations;
	uint32_t cookie; /* RVA of the security cookie; 0: there is none */
};

/* Little-endian numbers at any alignment. */
static inline uint16_t us_get16(const void *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof value);
	return value;
}

static inline uint32_t us_get32(const void *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof value);
	return value;
}

static inline uint64_t us_get64(const void *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof value);
	return value;
}

/* `size` bytes at an RVA, or NULL where they are not all in the image. */
static inline const uint8_t *us_pe_at(const struct us_pe *pe, uint64_t rva, uint64_t size)
{
	return rva <= pe->size && size <= pe->size - rva ? pe->image + rva : NULL;
}

/* The section that an RVA lies in, or NULL. */
const struct us_pe_section *us_pe_section(const struct us_pe *pe, uint32_t rva);

/* The RVA of an export by name, for which forwarders do not count; 0: none. */
uint32_t us_pe_find_export(const struct us_pe *pe, const char *name);

/* Adds `delta` to every address that the image's relocations name, in a copy of it (of `loaded` bytes at least). */
void us_pe_relocate(const struct us_pe *pe, uint8_t *copy, uint64_t delta);

/* What an image in memory is to the unwinder, and how it reads the stack. */
struct us_unwind_image {
	const uint8_t *image; /* where its bytes are */
	uint64_t base; /* the address that they are for */
	uint32_t size;
	uint32_t table, table_size; /* .pdata */
	bool (*read)(void *context, uint64_t address, uint64_t *value);
	void *context;
};
/* As us_pe_unwind_frame(), in an image of any kind. */
bool us_pe_unwind_image(const struct us_unwind_image *image, uint64_t *rip, uint64_t regs[16],
			unsigned long long xmm[16][2], struct us_pe_frame *frame);
uint32_t us_pe_function_image(const struct us_unwind_image *image, uint32_t rva);

#endif
