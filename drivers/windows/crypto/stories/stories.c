/* SPDX-License-Identifier: Apache-2.0 */
/* All stories of the crypto driver, and the device's registry key as crypto.inf writes it. */
#include "stories.h"

static const uint32_t one = 1, four = 4;

static const struct us_nt_value registry[] = {
	{"Device\\Interrupt Management\\MessageSignaledInterruptProperties", "MSISupported", REG_DWORD, &one,
	 sizeof(one)},
	{"Device\\Interrupt Management\\MessageSignaledInterruptProperties", "MessageNumberLimit", REG_DWORD, &four,
	 sizeof(four)},
};

static const struct us_story *const lists[] = {crypto_data_stories, crypto_many_stories, crypto_life_stories, NULL};

US_STORIES(.lists = lists, .registry = registry, .nregistry = ARRAY_SIZE(registry));
