/* SPDX-License-Identifier: Apache-2.0 */
#include "right.h"

#include <openssl/evp.h>

void right_key(uint8_t key[32], uint8_t number)
{
	for (unsigned i = 0; i < 32; i++)
		key[i] = (uint8_t)(number * 31 + i * 7 + 1);
}

void right_digest(const void *data, size_t size, uint8_t digest[32])
{
	EVP_Digest(data, size, digest, NULL, EVP_sha256(), NULL);
}

void right_cipher(bool encrypt, uint8_t key_number, const uint8_t iv[16], void *data, size_t size)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t key[32];
	int n;

	right_key(key, key_number);
	EVP_CipherInit_ex(ctx, EVP_aes_256_cbc(), NULL, key, iv, encrypt);
	EVP_CIPHER_CTX_set_padding(ctx, 0);
	EVP_CipherUpdate(ctx, data, &n, data, (int)size);
	EVP_CIPHER_CTX_free(ctx);
}
