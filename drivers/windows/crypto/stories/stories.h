/* SPDX-License-Identifier: Apache-2.0 */
/* The stories of the crypto driver, a list a file. */
#ifndef DRIVERS_WINDOWS_CRYPTO_STORIES_H
#define DRIVERS_WINDOWS_CRYPTO_STORIES_H

#include "crypto-app.h"

extern const struct us_story crypto_data_stories[], crypto_many_stories[], crypto_life_stories[];

#endif
