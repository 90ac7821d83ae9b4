/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data of any length, from where it comes to where it goes, through the device, a chunk at a time: while one chunk is
 * with the device, another is read or written. Knows no files: see file.h for those.
 *
 * An encrypted file is
 *
 *     16 bytes    the initialisation vector, random for each file; left out when the user gave it
 *     the rest    AES-256-CBC of the data, padded as PKCS #7 says: 1 to 16 bytes, each the number of them
 *
 * so that what follows the first 16 bytes is what `openssl enc -aes-256-cbc -K KEY -iv VECTOR` makes, and reads. There
 * is no authentication in it: a change is noticed by its padding, or not at all.
 */
#ifndef CRYPTO_STREAM_H
#define CRYPTO_STREAM_H

#include "client.h"

/* Reads up to `size` bytes; `got` is 0 at the end only. */
struct source {
	DWORD (*read)(struct source *source, void *data, DWORD size, DWORD *got);
};

/* Writes all of it. */
struct sink {
	DWORD (*write)(struct sink *sink, const void *data, DWORD size);
};

/* What failed, for the sentence that says so. */
enum stream_failure {
	STREAM_READ, /* the source */
	STREAM_DEVICE,
	STREAM_WRITE, /* the sink */
	STREAM_MEMORY,
	STREAM_SHORT, /* to decrypt: less than the vector and a block */
	STREAM_UNEVEN, /* to decrypt: no multiple of the block */
	STREAM_PADDING, /* to decrypt: not what encryption makes; another key, or another file */
	STREAM_STOPPED, /* by the event */
};

#define STREAM_CHUNK (8u << 20)

struct stream {
	struct crypto_client *client; /* has its key */
	struct source *source;
	struct sink *sink; /* none for a digest */
	HANDLE stop; /* event that ends it early, or NULL */
	void (*progress)(struct stream *stream, ULONG64 done); /* bytes read so far; or NULL */
	DWORD chunk; /* bytes at a time, a multiple of 16: STREAM_CHUNK */

	enum stream_failure failure; /* after an error */
	ULONG64 done; /* bytes read */
};

/*
 * These return ERROR_SUCCESS, or an error of which stream->failure says more. Nothing is in flight afterwards. What has
 * been written before an error is worth nothing.
 */
DWORD stream_digest(struct stream *stream, UCHAR digest[CRYPTO_DIGEST_BYTES]);

/* With `prefix` the vector is written first. */
DWORD stream_encrypt(struct stream *stream, const UCHAR iv[CRYPTO_BLOCK_BYTES], BOOL prefix);

/* iv NULL: it is what the source begins with. */
DWORD stream_decrypt(struct stream *stream, const UCHAR *iv);

#endif
