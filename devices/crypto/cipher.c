/* SPDX-License-Identifier: Apache-2.0 */
#include "engine.h"

#include <openssl/evp.h>

bool crypto_cipher_create(struct crypto_cipher *c)
{
	c->algorithm = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	c->chain = EVP_CIPHER_CTX_new();
	return c->algorithm && c->chain;
}

void crypto_cipher_destroy(struct crypto_cipher *c)
{
	EVP_CIPHER_CTX_free(c->chain);
	EVP_CIPHER_free(c->algorithm);
}

bool crypto_cipher_begin(struct crypto_cipher *c, bool encrypt, const uint8_t key[CRYPTO_KEY_SIZE],
			 const uint8_t iv[CRYPTO_BLOCK])
{
	return EVP_CipherInit_ex2(c->chain, c->algorithm, key, iv, encrypt, NULL) == 1 &&
	       EVP_CIPHER_CTX_set_padding(c->chain, 0) == 1;
}

void crypto_cipher_forget(struct crypto_cipher *c)
{
	EVP_CIPHER_CTX_reset(c->chain);
}

bool crypto_cipher_update(struct crypto_cipher *c, const void *in, void *out, size_t length)
{
	int done;

	return EVP_CipherUpdate(c->chain, out, &done, in, (int)length) == 1 && done == (int)length;
}
