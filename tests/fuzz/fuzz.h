/* SPDX-License-Identifier: Apache-2.0 */
/* What fuzz targets share: the input as choices, taken from its beginning, and checks that end the process. */
#ifndef UNDERSTUDY_TESTS_FUZZ_H
#define UNDERSTUDY_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);                  \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

struct input {
	const uint8_t *data;
	size_t left;
};

/* The next choice; 0 when the input has run out. */
static inline uint8_t byte(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->data++;
}

#endif
