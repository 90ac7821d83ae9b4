/* SPDX-License-Identifier: Apache-2.0 */
/* The stories that come with Understudy, found by their device's name. */
#include "nt/stories.h"

extern const struct us_stories us_crypto_stories;

const struct us_builtin_stories us_builtin_stories[] = {{"crypto", &us_crypto_stories}, {NULL, NULL}};
