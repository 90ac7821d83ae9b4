/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loader: a compiled Windows driver (PE32+, x64, subsystem native) into memory. Source: the PE format
 * specification.
 *
 * Reading an image (us_pe_open) trusts nothing in the file and touches no memory but its own; that is what `--imports`
 * and the fuzzer use. Loading (us_pe_load) puts it into pages of the stage, relocates it and binds its imports to
 * gates.
 */
#ifndef UNDERSTUDY_NT_PE_H
#define UNDERSTUDY_NT_PE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <understudy/error.h>

struct us_pe; /* an image file that was read and found to be well-formed */

/* An import: by name, or by ordinal with name NULL. */
struct us_pe_import {
	const char *dll; /* as the file spells it */
	const char *name;
	uint16_t ordinal;
	uint32_t iat; /* RVA of the entry of the import address table */
};

/* Reads a file; -EINVAL with a sentence (what is wrong, at which offset) for anything but a sound x64 driver image. */
int us_pe_open(const char *path, struct us_pe **pe, struct us_error *err);
/* The same from memory, which is copied. */
int us_pe_parse(const void *bytes, size_t size, const char *name, struct us_pe **pe, struct us_error *err);
void us_pe_close(struct us_pe *pe);

const struct us_pe_import *us_pe_imports(const struct us_pe *pe, size_t *count);
uint64_t us_pe_preferred_base(const struct us_pe *pe);
size_t us_pe_image_size(const struct us_pe *pe); /* bytes in memory, whole pages */
uint32_t us_pe_entry(const struct us_pe *pe); /* RVA */

/* A driver in memory. */
struct us_image {
	const struct us_pe *pe;
	char name[64]; /* "crypto.sys" */
	uint8_t *base;
	size_t size; /* bytes; whole pages; without debug information and relocations at the image's end */
	void *entry;
};

/*
 * Loads into us_nt's memory. `bind` gives the address for each import, or NULL with a sentence in err (which is NULL
 * after the first that failed); it is called for all of them. No section is both writable and executable, and the
 * security cookie is set.
 */
int us_pe_load(const struct us_pe *pe,
	       void *(*bind)(void *ctx, const struct us_pe_import *import, struct us_error *err), void *ctx,
	       struct us_image *image, struct us_error *err);
void us_pe_unload(struct us_image *image);

/* Takes discardable sections (INIT) away, as Windows does when DriverEntry has succeeded: using them is a trap from
 * then on. */
void us_pe_discard(struct us_image *image);

/* The address of an export by name; NULL: none. */
void *us_pe_export(const struct us_image *image, const char *name);

/* What the unwind tables say of a frame. All zero but `establisher`: of a function without an entry there, a leaf. */
struct us_pe_frame {
	uint32_t entry; /* RVA of its RUNTIME_FUNCTION in .pdata */
	uint32_t function; /* RVA of the one that the handler belongs to: the last of a chain */
	uint64_t establisher; /* the address that its handler and the handler's functions know it by */
	uint32_t handler, data; /* RVAs of its language's handler and that one's data; 0: none is to be asked here */
	bool for_exceptions, for_unwinding; /* when that wants to be asked */
};

/*
 * Walks one frame of x64 code by the image's unwind tables (.pdata): from rip, rsp and the nonvolatile registers
 * regs[16] (in the order of the instruction encoding: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 …) and xmm[16] (unless
 * NULL) to the caller's; *frame, unless NULL, says whose frame it was. Source: Microsoft, "x64 exception handling".
 * False where there is no further frame in readable memory, or the tables are nonsense.
 */
bool us_pe_unwind_frame(const struct us_image *image, uint64_t *rip, uint64_t regs[16], unsigned long long xmm[16][2],
			struct us_pe_frame *frame);
bool us_pe_unwind(const struct us_image *image, uint64_t *rip, uint64_t regs[16]); /* that and no more */

/* The RVA of the .pdata entry (12 bytes) of the function that an RVA lies in; 0: none. */
uint32_t us_pe_function(const struct us_image *image, uint32_t rva);

#endif
