/* SPDX-License-Identifier: Apache-2.0 */
#include "engine.h"

#include <openssl/evp.h>

bool crypto_digest_create(struct crypto_digest *d)
{
	d->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
	d->message = EVP_MD_CTX_new();
	return d->algorithm && d->message;
}

void crypto_digest_destroy(struct crypto_digest *d)
{
	EVP_MD_CTX_free(d->message);
	EVP_MD_free(d->algorithm);
}

bool crypto_digest_begin(struct crypto_digest *d)
{
	return EVP_DigestInit_ex2(d->message, d->algorithm, NULL) == 1;
}

bool crypto_digest_update(struct crypto_digest *d, const void *data, size_t length)
{
	return EVP_DigestUpdate(d->message, data, length) == 1;
}

bool crypto_digest_end(struct crypto_digest *d, uint8_t digest[CRYPTO_DIGEST_SIZE])
{
	return EVP_DigestFinal_ex(d->message, digest, NULL) == 1;
}

void crypto_digest_forget(struct crypto_digest *d)
{
	EVP_MD_CTX_reset(d->message);
}
