/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNDERSTUDY_CONFORM_BUILTIN_H
#define UNDERSTUDY_CONFORM_BUILTIN_H

#include <understudy/conform.h>

struct us_builtin_tests {
	const char *device;
	const struct us_conform *tests;
};

/* The tests of their own that the devices linked into this library have; ends with a NULL name. devices/builtin.c */
extern const struct us_builtin_tests us_builtin_tests[];

/* Those of one device, or NULL. */
const struct us_conform *us_conform_find(const char *device);

#endif
