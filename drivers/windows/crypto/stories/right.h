/* SPDX-License-Identifier: Apache-2.0 */
/* What libcrypto says of data: the right answers. (Its headers and Windows' do not go into one file.) */
#ifndef DRIVERS_WINDOWS_CRYPTO_RIGHT_H
#define DRIVERS_WINDOWS_CRYPTO_RIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Keys are made of one number. */
void right_key(uint8_t key[32], uint8_t number);

void right_digest(const void *data, size_t size, uint8_t digest[32]);
void right_cipher(bool encrypt, uint8_t key_number, const uint8_t iv[16], void *data, size_t size); /* in place */

#endif
