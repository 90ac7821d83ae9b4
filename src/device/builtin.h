/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNDERSTUDY_DEVICE_BUILTIN_H
#define UNDERSTUDY_DEVICE_BUILTIN_H

#include <understudy/device.h>

/* The models linked into this library, named by their maps; ends with NULL. Defined in devices/builtin.c. */
extern const struct us_model *const us_builtin_models[];

#endif
