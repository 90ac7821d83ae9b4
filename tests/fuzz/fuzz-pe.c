/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A driver's image from a hostile hand: a sound one with changes that the input says, or, when its first byte is odd,
 * the input itself. What is read without complaint has to survive all that is done with images: relocating, exports,
 * unwinding from any place, and the search for the framework's functions.
 */
#include "nt/image.h"
#include "nt/imports.h"
#include "nt/pe-private.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_stack(void *context, uint64_t address, uint64_t *value)
{
	const struct us_unwind_image *image = context;

	*value = image->base + address * 31 % image->size;
	return address < 0x10000;
}

static void use(const struct us_pe *pe, uint32_t seed)
{
	struct us_unwind_image image = {.image = pe->image,
					.base = 0x500000,
					.size = pe->size,
					.table = pe->directory[US_PE_EXCEPTIONS].address,
					.table_size = pe->directory[US_PE_EXCEPTIONS].size,
					.read = read_stack};
	struct us_kmdf_use kmdf;
	size_t count;

	image.context = &image;
	for (unsigned start = 0; start < 8; start++) {
		uint64_t rip = image.base + (seed + start * 0x3fdu) % pe->size, regs[16] = {[4] = 0x1000 + 8 * start};

		unsigned long long xmm[16][2];
		struct us_pe_frame frame;

		for (unsigned frames = 0; frames < 50 && us_pe_unwind_image(&image, &rip, regs, xmm, &frame); frames++)
			if (frame.handler >= pe->size || frame.data > pe->size || frame.entry >= pe->size ||
			    frame.function >= pe->size)
				abort(); /* what an exception follows has to lie in the image */
		us_pe_function_image(&image, (seed + start) % pe->size);
	}
	us_pe_find_export(pe, "There");
	us_pe_imports(pe, &count);
	us_pe_kmdf_use(pe, &kmdf);
	us_pe_relocate(pe, pe->image, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t good[IMAGE_SIZE];
	struct us_error err;
	struct us_pe *pe;
	uint8_t *image;
	uint32_t seed = 0;

	if (!size)
		return 0;
	if (!good[0])
		image_make(good);
	if (data[0] & 1) {
		if (!us_pe_parse(data + 1, size - 1, "input.sys", &pe, &err))
			use(pe, data[0]);
		us_pe_close(pe);
		return 0;
	}
	image = malloc(sizeof good);
	if (!image)
		abort();
	memcpy(image, good, sizeof good);
	/* at most so many changes as still leave some images sound; three bytes each: where in a page of interest, and
	 * what */
	for (size_t i = 1, n = 0; i + 2 < size && n < 1u + (data[0] >> 1) % 8; i += 3, n++) {
		static const uint32_t pages[] = {0,
						 0x100,
						 IMAGE_TEXT,
						 IMAGE_RDATA,
						 IMAGE_RDATA + 0x100,
						 IMAGE_CONFIG,
						 IMAGE_EXPORTS,
						 IMAGE_UNWIND,
						 IMAGE_PDATA,
						 IMAGE_RELOC,
						 IMAGE_DATA,
						 IMAGE_INIT};

		image[pages[(data[i] ^ n) % (sizeof pages / sizeof *pages)] + data[i + 1]] = data[i + 2];
		seed = seed * 31 + data[i + 1];
	}
	if (!us_pe_parse(image, sizeof good, "input.sys", &pe, &err))
		use(pe, seed);
	us_pe_close(pe);
	free(image);
	return 0;
}
