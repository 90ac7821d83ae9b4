/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads an image file and believes nothing that it says. Source: Microsoft, "PE Format"; what Windows demands of a
 * driver beyond that.
 */
#include "nt/pe-private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGE 4096u
#define MOST_BYTES (64u << 20)
#define MOST_SECTIONS 96u
#define MOST_IMPORTS 16384u
#define LONGEST_NAME 512u

/* A file while it is read. */
struct reader {
	struct us_pe *pe;
	const uint8_t *bytes;
	size_t size;
	uint32_t header; /* where "PE" is */
	const uint8_t *optional;
	uint32_t section_alignment;
	struct us_error *err;
};

#define refuse(r, ...) refuse_at(r, __VA_ARGS__)
static int refuse_at(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse_at(struct reader *r, const char *format, ...)
{
	struct us_error said = {""};
	va_list args;

	va_start(args, format);
	us_vfail(&said, -EINVAL, format, args);
	va_end(args);
	return us_fail(r->err, -EINVAL, "%s: %.400s", r->pe->path, said.text);
}

static int no_memory(struct reader *r)
{
	return us_fail(r->err, -ENOMEM, "%s: out of memory", r->pe->path);
}

/* -- headers ------------------------------------------------------------------------------------------------------ */

static const char *machine_name(uint16_t machine)
{
	return machine == 0x14c ? "x86" : machine == 0xaa64 ? "ARM64" : machine == 0x1c4 ? "ARM" : "another machine";
}

/* The 16-bit sum of the file with carry, the field itself left out, and the file's length. */
static uint32_t checksum(const uint8_t *bytes, size_t size, size_t field)
{
	uint64_t sum = 0;

	for (size_t i = 0; i + 1 < size; i += 2)
		if (i != field && i != field + 2)
			sum += us_get16(bytes + i);
	if (size % 2)
		sum += bytes[size - 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint32_t)(sum + size);
}

static int read_file_header(struct reader *r)
{
	const uint8_t *at;
	uint16_t machine, flags;
	unsigned optional_size;

	if (r->size < 64 || us_get16(r->bytes) != 0x5a4d)
		return refuse(r, "this is no Windows image: it does not begin with MZ");
	r->header = us_get32(r->bytes + 60);
	if (r->header > r->size || r->size - r->header < 24 || us_get32(r->bytes + r->header) != 0x4550)
		return refuse(r, "this is no Windows image: no PE header at offset 0x%" PRIx32, r->header);
	at = r->bytes + r->header;
	machine = us_get16(at + 4);
	flags = us_get16(at + 22);
	optional_size = us_get16(at + 20);
	if (machine != 0x8664)
		return refuse(r, "the image is for %s (machine 0x%x); the stage runs drivers for x64",
			      machine_name(machine), machine);
	if (!(flags & 2))
		return refuse(r, "the image is marked as not executable: the linker failed");
	if (optional_size < 112 || optional_size > r->size - r->header - 24)
		return refuse(r, "the optional header at offset 0x%" PRIx32 " has %u bytes: it is cut off",
			      r->header + 24, optional_size);
	r->optional = at + 24;
	if (us_get16(r->optional) != 0x20b)
		return refuse(r, "the optional header's magic number is 0x%x, not PE32+'s 0x20b",
			      us_get16(r->optional));
	return 0;
}

static int read_optional_header(struct reader *r)
{
	const uint8_t *o = r->optional;
	const uint32_t size = us_get32(o + 56), sum = us_get32(o + 64);
	const size_t field = (size_t)(o + 64 - r->bytes);
	const unsigned room = (us_get16(r->bytes + r->header + 20) - 112u) / 8;
	unsigned count = us_get32(o + 108) < US_PE_DIRECTORIES ? us_get32(o + 108) : US_PE_DIRECTORIES;

	r->pe->entry = us_get32(o + 16);
	r->pe->base = us_get64(o + 24);
	r->section_alignment = us_get32(o + 32);
	r->pe->headers = us_get32(o + 60);
	if (us_get16(o + 68) != 1)
		return refuse(r, "subsystem %u: this is no driver, whose subsystem is 1 (native)", us_get16(o + 68));
	if (r->section_alignment < PAGE || r->section_alignment & (r->section_alignment - 1))
		return refuse(r, "sections are aligned to 0x%" PRIx32 " bytes: the stage needs pages (0x1000)",
			      r->section_alignment);
	if (!size || size > MOST_BYTES)
		return refuse(r, "the image wants 0x%" PRIx32 " bytes of memory; at most 64 MiB will do", size);
	r->pe->size = (size + PAGE - 1) & ~(PAGE - 1);
	if (!r->pe->headers || r->pe->headers > size || r->pe->headers > r->size)
		return refuse(r, "the headers have 0x%" PRIx32 " bytes, more than the image or the file",
			      r->pe->headers);
	if (r->pe->base % 0x10000)
		return refuse(r, "the preferred base 0x%" PRIx64 " is no multiple of 64 KiB", r->pe->base);
	if (sum && !(field % 2) && sum != checksum(r->bytes, r->size, field))
		return refuse(r,
			      "the checksum in the header is 0x%" PRIx32 ", that of the file 0x%" PRIx32
			      ": the file was damaged or changed; Windows does not load it",
			      sum, checksum(r->bytes, r->size, field));
	for (unsigned i = 0; i < (count < room ? count : room); i++) {
		r->pe->directory[i].address = us_get32(o + 112 + 8 * i);
		r->pe->directory[i].size = us_get32(o + 116 + 8 * i);
	}
	return 0;
}

/* -- sections ----------------------------------------------------------------------------------------------------- */

static int read_section(struct reader *r, const uint8_t *at, uint32_t *end)
{
	struct us_pe_section *s = &r->pe->sections[r->pe->nsections];
	uint32_t raw_size = us_get32(at + 16), raw = us_get32(at + 20);

	memcpy(s->name, at, 8);
	for (char *c = s->name; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	s->size = us_get32(at + 8) ? us_get32(at + 8) : raw_size;
	s->address = us_get32(at + 12);
	s->flags = us_get32(at + 36);
	if (s->address % r->section_alignment || s->address < *end)
		return refuse(r, "section %u (%s) begins at 0x%" PRIx32 ": not behind the one before it, on a page",
			      r->pe->nsections + 1, s->name, s->address);
	if (s->size > r->pe->size || s->address > r->pe->size - s->size)
		return refuse(r,
			      "section %u (%s), 0x%" PRIx32 " bytes at 0x%" PRIx32 ", runs past the end of the image",
			      r->pe->nsections + 1, s->name, s->size, s->address);
	if (raw_size > s->size)
		raw_size = s->size; /* the rest is padding */
	if (raw_size && (raw > r->size || raw_size > r->size - raw))
		return refuse(r,
			      "section %u (%s) has 0x%" PRIx32 " bytes at offset 0x%" PRIx32
			      " of the file, which ends before: "
			      "it is cut off",
			      r->pe->nsections + 1, s->name, raw_size, raw);
	if (raw_size)
		memcpy(r->pe->image + s->address, r->bytes + raw, raw_size);
	*end = s->address + s->size;
	r->pe->nsections++;
	return 0;
}

/* What lies behind the last section that a driver needs is left out: debug information can be most of a file. */
static void decide_what_is_loaded(struct us_pe *pe)
{
	unsigned n = pe->nsections;

	while (n && pe->sections[n - 1].flags & US_SECTION_DISCARDABLE &&
	       !(pe->sections[n - 1].flags & (US_SECTION_EXECUTE | US_SECTION_WRITE)))
		n--;
	pe->loaded = n ? pe->sections[n - 1].address + pe->sections[n - 1].size : pe->headers;
	pe->loaded = (pe->loaded + PAGE - 1) & ~(PAGE - 1);
}

static int read_sections(struct reader *r)
{
	const unsigned count = us_get16(r->bytes + r->header + 6);
	const size_t table = r->header + 24 + us_get16(r->bytes + r->header + 20);
	uint32_t end = r->pe->headers;
	const struct us_pe_section *entry;
	int rc;

	if (!count || count > MOST_SECTIONS || table > r->size || count * 40 > r->size - table)
		return refuse(r, "%u sections, whose table at offset 0x%zx does not fit", count, table);
	r->pe->sections = calloc(count, sizeof *r->pe->sections);
	r->pe->image = calloc(1, r->pe->size);
	if (!r->pe->sections || !r->pe->image)
		return no_memory(r);
	memcpy(r->pe->image, r->bytes, r->pe->headers);
	for (unsigned i = 0; i < count; i++)
		if ((rc = read_section(r, r->bytes + table + 40 * i, &end)))
			return rc;
	decide_what_is_loaded(r->pe);
	entry = us_pe_section(r->pe, r->pe->entry);
	if (!entry || !(entry->flags & US_SECTION_EXECUTE))
		return refuse(r, "the entry point 0x%" PRIx32 " is not in a section with code", r->pe->entry);
	return 0;
}

const struct us_pe_section *us_pe_section(const struct us_pe *pe, uint32_t rva)
{
	for (unsigned i = 0; i < pe->nsections; i++)
		if (rva >= pe->sections[i].address && rva - pe->sections[i].address < pe->sections[i].size)
			return &pe->sections[i];
	return NULL;
}

/* -- relocations -------------------------------------------------------------------------------------------------- */

static int read_relocation_block(struct reader *r, uint32_t at, uint32_t size)
{
	struct us_pe *pe = r->pe;
	const uint32_t page = us_get32(pe->image + at), count = (size - 8) / 2;
	uint32_t *grown = count ? reallocarray(pe->relocations, pe->nrelocations + count, sizeof *grown) : NULL;

	if (!count)
		return 0;
	if (!grown)
		return no_memory(r);
	pe->relocations = grown;
	for (uint32_t i = 0; i < count; i++) {
		const uint16_t entry = us_get16(pe->image + at + 8 + 2 * i);
		const uint64_t rva = (uint64_t)page + (entry & 0xfff);

		if (entry >> 12 == 0)
			continue; /* padding */
		if (entry >> 12 != 10)
			return refuse(r, "relocation type %u at 0x%" PRIx64 ": x64 images have none but type 10",
				      entry >> 12, rva);
		if (!us_pe_at(pe, rva, 8))
			return refuse(r, "a relocation names address 0x%" PRIx64 ", outside of the image", rva);
		if (rva + 8 <= pe->loaded)
			pe->relocations[pe->nrelocations++] = (uint32_t)rva;
	}
	return 0;
}

static int read_relocations(struct reader *r)
{
	struct us_pe *pe = r->pe;
	uint32_t at = pe->directory[US_PE_RELOCATIONS].address, left = pe->directory[US_PE_RELOCATIONS].size;

	if (us_get16(r->bytes + r->header + 22) & 1 || !left)
		return refuse(
			r, "the image has no relocations, so it can only be loaded at its preferred base; link it with "
			   "relocations (/DYNAMICBASE)");
	if (!us_pe_at(pe, at, left))
		return refuse(r, "the relocations, 0x%" PRIx32 " bytes at 0x%" PRIx32 ", are not inside of the image",
			      left, at);
	while (left >= 8) {
		const uint32_t size = us_get32(pe->image + at + 4);
		int rc;

		if (size < 8 || size > left || size % 2)
			return refuse(r,
				      "the relocation block at 0x%" PRIx32 " has 0x%" PRIx32 " bytes, and 0x%" PRIx32
				      " are left",
				      at, size, left);
		if ((rc = read_relocation_block(r, at, size)))
			return rc;
		at += size;
		left -= size;
	}
	return 0;
}

void us_pe_relocate(const struct us_pe *pe, uint8_t *copy, uint64_t delta)
{
	for (size_t i = 0; i < pe->nrelocations; i++) {
		const uint64_t value = us_get64(copy + pe->relocations[i]) + delta;

		memcpy(copy + pe->relocations[i], &value, sizeof value);
	}
}

/* -- imports ------------------------------------------------------------------------------------------------------ */

/* A name that ends inside of the image and is printable, or NULL. */
static const char *name_at(const struct us_pe *pe, uint32_t rva)
{
	const size_t room = rva < pe->size ? pe->size - rva : 0;
	const char *name = (const char *)pe->image + (room ? rva : 0);
	const size_t length = strnlen(name, room < LONGEST_NAME ? room : LONGEST_NAME);

	if (!length || length == room || length == LONGEST_NAME)
		return NULL;
	for (size_t i = 0; i < length; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return NULL;
	return name;
}

static int read_import(struct reader *r, const char *dll, uint64_t thunk, uint32_t iat)
{
	struct us_pe *pe = r->pe;
	struct us_pe_import *grown, import = {.dll = dll, .iat = iat};

	if (pe->nimports == MOST_IMPORTS)
		return refuse(r, "more than %u imports", MOST_IMPORTS);
	if (!us_pe_at(pe, iat, 8) || iat > pe->loaded - 8 || iat < pe->headers)
		return refuse(r, "the address table of %s at 0x%" PRIx32 " is not inside of the image", dll, iat);
	if (thunk >> 63)
		import.ordinal = (uint16_t)thunk;
	else if (thunk > UINT32_MAX - 2 || !(import.name = name_at(pe, (uint32_t)thunk + 2)))
		return refuse(r, "an import of %s has its name at 0x%" PRIx64 ", where there is none", dll, thunk);
	if (!(pe->nimports & (pe->nimports - 1))) {
		grown = reallocarray(pe->imports, pe->nimports ? pe->nimports * 2 : 1, sizeof *grown);
		if (!grown)
			return no_memory(r);
		pe->imports = grown;
	}
	pe->imports[pe->nimports++] = import;
	return 0;
}

static int read_import_descriptor(struct reader *r, const uint8_t *at)
{
	struct us_pe *pe = r->pe;
	const uint32_t lookup = us_get32(at), stamp = us_get32(at + 4), iat = us_get32(at + 16);
	const char *dll = name_at(pe, us_get32(at + 12));
	const uint8_t *thunk;
	int rc;

	if (!dll)
		return refuse(
			r, "an import descriptor at 0x%tx has its library's name at 0x%" PRIx32 ", where there is none",
			at - pe->image, us_get32(at + 12));
	if (!lookup && stamp)
		return refuse(r,
			      "the imports of %s are bound to a system's addresses and have no lookup table; link "
			      "without binding",
			      dll);
	for (uint64_t i = 0;; i++) {
		thunk = us_pe_at(pe, (uint64_t)(lookup ? lookup : iat) + 8 * i, 8);
		if (!thunk)
			return refuse(r, "the import table of %s runs past the end of the image", dll);
		if (!us_get64(thunk))
			return 0;
		if (iat + 8 * i > UINT32_MAX)
			return refuse(r, "the address table of %s runs past the end of the image", dll);
		if ((rc = read_import(r, dll, us_get64(thunk), (uint32_t)(iat + 8 * i))))
			return rc;
	}
}

static int read_imports(struct reader *r)
{
	struct us_pe *pe = r->pe;
	uint64_t at = pe->directory[US_PE_IMPORTS].address;
	const uint8_t *descriptor;
	int rc;

	if (!at)
		return 0;
	for (;; at += 20) {
		descriptor = us_pe_at(pe, at, 20);
		if (!descriptor)
			return refuse(r, "the import directory at 0x%" PRIx32 " runs past the end of the image",
				      pe->directory[US_PE_IMPORTS].address);
		if (!us_get32(descriptor + 12) || !us_get32(descriptor + 16))
			return 0;
		if ((rc = read_import_descriptor(r, descriptor)))
			return rc;
	}
}

/* -- the other directories ---------------------------------------------------------------------------------------- */

static int read_exports(struct reader *r)
{
	struct us_pe *pe = r->pe;
	const uint32_t at = pe->directory[US_PE_EXPORTS].address;
	const uint8_t *d = us_pe_at(pe, at, 40);

	if (!at)
		return 0;
	if (!d || !us_pe_at(pe, us_get32(d + 28), 4 * (uint64_t)us_get32(d + 20)) ||
	    !us_pe_at(pe, us_get32(d + 32), 4 * (uint64_t)us_get32(d + 24)) ||
	    !us_pe_at(pe, us_get32(d + 36), 2 * (uint64_t)us_get32(d + 24)))
		return refuse(r, "the export directory at 0x%" PRIx32 " or its tables are not inside of the image", at);
	return 0;
}

uint32_t us_pe_find_export(const struct us_pe *pe, const char *name)
{
	const uint32_t at = pe->directory[US_PE_EXPORTS].address, size = pe->directory[US_PE_EXPORTS].size;
	const uint8_t *d = pe->image + at;

	for (uint32_t i = 0; at && i < us_get32(d + 24); i++) {
		const char *candidate = name_at(pe, us_get32(pe->image + us_get32(d + 32) + 4 * i));
		const uint16_t index = us_get16(pe->image + us_get32(d + 36) + 2 * i);
		uint32_t rva;

		if (!candidate || strcmp(candidate, name) || index >= us_get32(d + 20))
			continue;
		rva = us_get32(pe->image + us_get32(d + 28) + 4 * index);
		return rva >= pe->loaded || (rva >= at && rva - at < size) ? 0 : rva;
	}
	return 0;
}

static int read_rest(struct reader *r)
{
	struct us_pe *pe = r->pe;
	const uint32_t config = pe->directory[US_PE_LOAD_CONFIG].address;
	const uint8_t *d = us_pe_at(pe, config, 96);
	uint64_t cookie;

	if (pe->directory[US_PE_EXCEPTIONS].address &&
	    !us_pe_at(pe, pe->directory[US_PE_EXCEPTIONS].address, pe->directory[US_PE_EXCEPTIONS].size))
		return refuse(r, "the exception directory at 0x%" PRIx32 " is not inside of the image",
			      pe->directory[US_PE_EXCEPTIONS].address);
	if (!config)
		return 0;
	if (!d)
		return refuse(r, "the load configuration at 0x%" PRIx32 " is not inside of the image", config);
	cookie = us_get32(d) >= 96 && us_get64(d + 88) ? us_get64(d + 88) - pe->base : 0;
	if (cookie && (!us_pe_at(pe, cookie, 8) || cookie > pe->loaded - 8 || cookie < pe->headers))
		return refuse(r, "the security cookie is at 0x%" PRIx64 ", outside of the image", us_get64(d + 88));
	pe->cookie = (uint32_t)cookie;
	return 0;
}

/* -- opening ------------------------------------------------------------------------------------------------------ */

int us_pe_parse(const void *bytes, size_t size, const char *name, struct us_pe **pe, struct us_error *err)
{
	struct reader r = {.pe = calloc(1, sizeof *r.pe), .bytes = bytes, .size = size, .err = err};
	int (*const steps[])(struct reader *) = {read_file_header, read_optional_header, read_sections,
						 read_relocations, read_imports,         read_exports,
						 read_rest};
	int rc = 0;

	*pe = NULL;
	if (!r.pe || !(r.pe->path = strdup(name))) {
		free(r.pe);
		return us_fail(err, -ENOMEM, "%s: out of memory", name);
	}
	for (size_t i = 0; !rc && i < sizeof steps / sizeof *steps; i++)
		rc = steps[i](&r);
	if (rc)
		us_pe_close(r.pe);
	else
		*pe = r.pe;
	return rc;
}

int us_pe_open(const char *path, struct us_pe **pe, struct us_error *err)
{
	FILE *file = fopen(path, "rbe");
	uint8_t *bytes = NULL;
	long size = -1;
	int rc;

	*pe = NULL;
	if (!file)
		return us_fail(err, -errno, "%s: the driver can not be read: %s", path, strerror(errno));
	if (!fseek(file, 0, SEEK_END))
		size = ftell(file);
	if (size < 0 || size > (long)MOST_BYTES)
		rc = us_fail(err, -EINVAL, "%s: no file of a driver's size (at most 64 MiB)", path);
	else if (!(bytes = malloc(size ? (size_t)size : 1)))
		rc = us_fail(err, -ENOMEM, "%s: out of memory", path);
	else if (fseek(file, 0, SEEK_SET) || fread(bytes, 1, (size_t)size, file) != (size_t)size)
		rc = us_fail(err, -EIO, "%s: the driver can not be read to its end", path);
	else
		rc = us_pe_parse(bytes, (size_t)size, path, pe, err);
	free(bytes);
	fclose(file);
	return rc;
}

void us_pe_close(struct us_pe *pe)
{
	if (!pe)
		return;
	free(pe->path);
	free(pe->image);
	free(pe->sections);
	free(pe->imports);
	free(pe->relocations);
	free(pe);
}

const struct us_pe_import *us_pe_imports(const struct us_pe *pe, size_t *count)
{
	*count = pe->nimports;
	return pe->imports;
}

uint64_t us_pe_preferred_base(const struct us_pe *pe)
{
	return pe->base;
}

size_t us_pe_image_size(const struct us_pe *pe)
{
	return pe->size;
}

uint32_t us_pe_entry(const struct us_pe *pe)
{
	return pe->entry;
}
