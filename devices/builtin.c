/* SPDX-License-Identifier: Apache-2.0 */
/* The models that come with Understudy, found by name, and their tests. */
#include "conform/builtin.h"
#include "device/builtin.h"

#include <stddef.h>

extern const struct us_model us_adder_model;
extern const struct us_model us_crypto_model;

const struct us_model *const us_builtin_models[] = {&us_adder_model, &us_crypto_model, NULL};

extern const struct us_conform us_crypto_conform;

const struct us_builtin_tests us_builtin_tests[] = {{"crypto", &us_crypto_conform}, {NULL, NULL}};
