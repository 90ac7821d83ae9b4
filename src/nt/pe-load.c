/* SPDX-License-Identifier: Apache-2.0 */
/* An image into the stage's memory. */
#include "nt/pe-private.h"

#include <errno.h>
#include <stdio.h>

#include "nt/phys.h"

/* What an image is linked with: a driver that finds this at its start ends itself. */
#define DEFAULT_COOKIE UINT64_C(0x00002B992DDFA232)

static int bind_imports(const struct us_pe *pe,
			void *(*bind)(void *ctx, const struct us_pe_import *import, struct us_error *err), void *ctx,
			uint8_t *base, struct us_error *err)
{
	bool failed = false;

	for (size_t i = 0; i < pe->nimports; i++) {
		void *address = bind(ctx, &pe->imports[i], failed ? NULL : err);

		failed |= !address;
		memcpy(base + pe->imports[i].iat, &address, sizeof address);
	}
	return failed ? -ENOENT : 0;
}

/* The kernel gives each image a cookie of its own. Here it follows from the address, so that runs are the same. */
static void bake_cookie(const struct us_pe *pe, uint8_t *base)
{
	const uint64_t cookie = ((uintptr_t)base * UINT64_C(0x9e3779b97f4a7c15) >> 16) | 1;

	if (pe->cookie && us_get64(base + pe->cookie) == DEFAULT_COOKIE)
		memcpy(base + pe->cookie, &cookie, sizeof cookie);
}

/*
 * A debugger traces this process. It can not set breakpoints in pages that are shared and read-only, which is what the
 * stage's memory is.
 */
static bool is_debugged(void)
{
	static int known = -1;
	char line[128];
	FILE *status;
	int tracer = 0;

	if (known >= 0)
		return known;
	status = fopen("/proc/self/status", "re");
	while (status && fgets(line, sizeof line, status) && sscanf(line, "TracerPid: %d", &tracer) != 1)
		;
	if (status)
		fclose(status);
	known = tracer != 0;
	return known;
}

/* Nothing is both writable and executable, but for a debugger: a section that wants both (the INIT of old drivers) is
 * executable. */
static int protect(const struct us_pe *pe, uint8_t *base)
{
	int rc = us_nt_protect(base, (pe->headers + US_NT_PAGE - 1) / US_NT_PAGE, false, false);

	for (unsigned i = 0; !rc && i < pe->nsections; i++) {
		const struct us_pe_section *s = &pe->sections[i];
		const bool execute = s->flags & US_SECTION_EXECUTE;

		if (s->address < pe->loaded && s->size)
			rc = us_nt_protect(base + s->address, (s->size + US_NT_PAGE - 1) / US_NT_PAGE,
					   execute ? is_debugged() : s->flags & US_SECTION_WRITE, execute);
	}
	return rc;
}

static void name_after(struct us_image *image, const char *path)
{
	const char *slash = strrchr(path, '/');

	snprintf(image->name, sizeof image->name, "%s", slash ? slash + 1 : path);
}

int us_pe_load(const struct us_pe *pe,
	       void *(*bind)(void *ctx, const struct us_pe_import *import, struct us_error *err), void *ctx,
	       struct us_image *image, struct us_error *err)
{
	uint8_t *base = us_nt_pages(US_WINDOW_IMAGE, pe->loaded / US_NT_PAGE);
	int rc;

	*image = (struct us_image){0};
	if (!base)
		return us_fail(err, -ENOMEM, "%s: no room for 0x%x bytes of driver in the stage's memory", pe->path,
			       pe->loaded);
	memcpy(base, pe->image, pe->loaded);
	us_pe_relocate(pe, base, (uintptr_t)base - pe->base);
	bake_cookie(pe, base);
	rc = bind_imports(pe, bind, ctx, base, err);
	if (!rc && (rc = protect(pe, base)))
		us_fail(err, rc, "%s: its sections can not be protected: %s", pe->path, strerror(-rc));
	if (rc) {
		us_nt_pages_free(base, pe->loaded / US_NT_PAGE);
		return rc;
	}
	*image = (struct us_image){.pe = pe, .base = base, .size = pe->loaded, .entry = base + pe->entry};
	name_after(image, pe->path);
	return 0;
}

void us_pe_unload(struct us_image *image)
{
	if (image->base)
		us_nt_pages_free(image->base, image->size / US_NT_PAGE);
	image->base = NULL;
}

void us_pe_discard(struct us_image *image)
{
	const struct us_pe *pe = image->pe;

	for (unsigned i = 0; i < pe->nsections; i++) {
		const struct us_pe_section *s = &pe->sections[i];

		if (s->flags & US_SECTION_DISCARDABLE && s->size && s->address < pe->loaded)
			us_nt_conceal(image->base + s->address, (s->size + US_NT_PAGE - 1) / US_NT_PAGE);
	}
}

void *us_pe_export(const struct us_image *image, const char *name)
{
	const uint32_t rva = us_pe_find_export(image->pe, name);

	return rva ? image->base + rva : NULL;
}

static bool read_stack(void *context, uint64_t address, uint64_t *value)
{
	(void)context;
	if (!us_nt_is_mapped((const void *)(uintptr_t)address, 8))
		return false;
	*value = us_get64((const void *)(uintptr_t)address);
	return true;
}

/* By the tables of the file: the driver could have written over those in memory. */
static struct us_unwind_image unwind_image(const struct us_image *image)
{
	return (struct us_unwind_image){
		.image = image->pe->image,
		.base = (uintptr_t)image->base,
		.size = image->pe->size,
		.table = image->pe->directory[US_PE_EXCEPTIONS].address,
		.table_size = image->pe->directory[US_PE_EXCEPTIONS].size,
		.read = read_stack,
	};
}

bool us_pe_unwind_frame(const struct us_image *image, uint64_t *rip, uint64_t regs[16], unsigned long long xmm[16][2],
			struct us_pe_frame *frame)
{
	const struct us_unwind_image of = unwind_image(image);

	return us_pe_unwind_image(&of, rip, regs, xmm, frame);
}

bool us_pe_unwind(const struct us_image *image, uint64_t *rip, uint64_t regs[16])
{
	return us_pe_unwind_frame(image, rip, regs, NULL, NULL);
}

uint32_t us_pe_function(const struct us_image *image, uint32_t rva)
{
	const struct us_unwind_image of = unwind_image(image);

	return us_pe_function_image(&of, rva);
}
