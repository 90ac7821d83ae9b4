/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two algorithms, on libcrypto (OpenSSL 3, EVP). An engine keeps the state of the chain that is open: a digest in
 * progress, or a key and a chaining value. It is used by one thread at a time, and owns its contexts from create to
 * destroy. All functions but forget and destroy return false when libcrypto failed, which means memory.
 */
#ifndef DEVICES_CRYPTO_ENGINE_H
#define DEVICES_CRYPTO_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRYPTO_BLOCK 16 /* bytes of an AES block */
#define CRYPTO_DIGEST_SIZE 32
#define CRYPTO_KEY_SIZE 32

struct crypto_digest {
	struct evp_md_st *algorithm;
	struct evp_md_ctx_st *message;
};

bool crypto_digest_create(struct crypto_digest *d);
void crypto_digest_destroy(struct crypto_digest *d);
bool crypto_digest_begin(struct crypto_digest *d);
bool crypto_digest_update(struct crypto_digest *d, const void *data, size_t length);
bool crypto_digest_end(struct crypto_digest *d, uint8_t digest[CRYPTO_DIGEST_SIZE]);
void crypto_digest_forget(struct crypto_digest *d); /* wipes the message so far */

struct crypto_cipher {
	struct evp_cipher_st *algorithm;
	struct evp_cipher_ctx_st *chain;
};

bool crypto_cipher_create(struct crypto_cipher *c);
void crypto_cipher_destroy(struct crypto_cipher *c);
bool crypto_cipher_begin(struct crypto_cipher *c, bool encrypt, const uint8_t key[CRYPTO_KEY_SIZE],
			 const uint8_t iv[CRYPTO_BLOCK]);
void crypto_cipher_forget(struct crypto_cipher *c); /* wipes key and chaining value */

/* `length` is a multiple of CRYPTO_BLOCK; `in` and `out` are the same or have no memory in common. */
bool crypto_cipher_update(struct crypto_cipher *c, const void *in, void *out, size_t length);

#endif
