/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same cryptography done by Windows (bcrypt.dll), which the self-test compares the device with.
 *
 * FALSE: Windows can not.
 */
#ifndef CRYPTO_REFERENCE_H
#define CRYPTO_REFERENCE_H

#include <windows.h>

BOOL reference_digest(const void *data, DWORD size, UCHAR digest[32]);

/* AES-256-CBC in place; `size` is a multiple of 16. */
BOOL reference_cipher(BOOL encrypt, const UCHAR key[32], const UCHAR iv[16], void *data, DWORD size);

/* Random bytes that nobody can guess. */
BOOL reference_random(void *data, DWORD size);

#endif
