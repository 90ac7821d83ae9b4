/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One command, from its start to its end: what it was started with, and how far it is. While it runs it belongs to the
 * job's steps; the device's thread looks at `moved` only, and takes it back when the job is done or stopped.
 */
#ifndef DEVICES_CRYPTO_COMMAND_H
#define DEVICES_CRYPTO_COMMAND_H

#include "engine.h"
#include "list.h"

#include <stdatomic.h>

#define CRYPTO_LATENCY 2000 /* ns from the write of COMMAND to the first access to memory: CRY-024 */
#define CRYPTO_BYTES_PER_NS 16
#define CRYPTO_SLICE (256 << 10) /* bytes a step: a few hundred µs of libcrypto's time */

struct crypto_command {
	uint8_t code; /* CRYPTO_COMMAND_CODE_… */
	bool first, last;
	uint32_t length;
	struct crypto_list in, out; /* out.entries is 0 where nothing is to be written */

	bool loaded; /* the lists */
	struct crypto_cursor from, to;
	_Atomic uint32_t moved; /* bytes of input processed and output written */
	uint8_t error; /* CRYPTO_ERROR_CODE_… */
	uint64_t fault;
	uint8_t digest[CRYPTO_DIGEST_SIZE];
};

/*
 * Does the next part of a command and returns how many ns the hardware takes for it: first the lists, if there are any,
 * then a slice of the data with every call. Sets *finished with the last, or with `error`.
 */
uint64_t crypto_command_step(struct us_device *dev, struct crypto_command *c, struct crypto_digest *digest,
			     struct crypto_cipher *cipher, bool *finished);

#endif
