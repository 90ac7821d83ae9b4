/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include "crypto.h"

#include <errno.h>

#define BOUNCE 4096 /* bytes copied at once where memory can not be reached in place */

/* Notes why the command ends; `rc` is what us_dma_read() or us_dma_write() said. */
static void dma_failed(struct crypto_command *c, int rc, uint8_t error, uint64_t fault)
{
	c->error = rc == -EPERM ? CRYPTO_ERROR_CODE_BUS_MASTER : error;
	c->fault = rc == -EPERM ? 0 : fault;
}

static uint64_t load_lists(struct us_device *dev, struct crypto_command *c)
{
	bool digest = c->code == CRYPTO_COMMAND_CODE_DIGEST;

	c->error = crypto_list_load(dev, &c->in, c->length, &c->fault);
	if (!c->error && c->out.entries)
		c->error = crypto_list_load(dev, &c->out, digest ? CRYPTO_DIGEST_SIZE : c->length, &c->fault);
	c->from = (struct crypto_cursor){.list = &c->in};
	c->to = (struct crypto_cursor){.list = &c->out};
	c->loaded = true;
	return c->in.entries + c->out.entries;
}

/* -- digest ------------------------------------------------------------------------------------------------------- */

/* The next run of input, in place or through the bounce buffer. Returns its length, 0 on failure. */
static uint32_t digest_run(struct us_device *dev, struct crypto_command *c, struct crypto_digest *digest, uint32_t most)
{
	uint8_t bounce[BOUNCE];
	uint64_t address = 0, fault = 0;
	size_t length = crypto_cursor_left(&c->from, &address);
	const void *data;

	if (length > most)
		length = most;
	data = us_dma_map(dev, address, &length, US_DMA_READ);
	if (data) {
		crypto_cursor_advance(&c->from, (uint32_t)length);
	} else {
		int rc;

		data = bounce;
		length = most < BOUNCE ? most : BOUNCE;
		rc = crypto_gather(dev, &c->from, bounce, (uint32_t)length, &fault);
		if (rc) {
			dma_failed(c, rc, CRYPTO_ERROR_CODE_INPUT_FAULT, fault);
			return 0;
		}
	}
	if (!crypto_digest_update(digest, data, length)) {
		c->error = CRYPTO_ERROR_CODE_ENGINE_FAULT;
		return 0;
	}
	return (uint32_t)length;
}

static void deliver_digest(struct us_device *dev, struct crypto_command *c, struct crypto_digest *digest)
{
	uint64_t fault = 0;
	int rc;

	if (!crypto_digest_end(digest, c->digest)) {
		c->error = CRYPTO_ERROR_CODE_ENGINE_FAULT;
		return;
	}
	if (!c->out.entries)
		return;
	rc = crypto_scatter(dev, &c->to, c->digest, CRYPTO_DIGEST_SIZE, &fault);
	if (rc)
		dma_failed(c, rc, CRYPTO_ERROR_CODE_OUTPUT_FAULT, fault);
}

/* -- cipher ------------------------------------------------------------------------------------------------------- */

static bool partly_overlap(const uint8_t *a, const uint8_t *b, size_t length)
{
	return a != b && (uintptr_t)a < (uintptr_t)b + length && (uintptr_t)b < (uintptr_t)a + length;
}

/*
 * Behind an IOMMU software may name the same memory by two device addresses (CRY-018), and it may then be mapped here
 * twice. Not every libcrypto works in place without being told that it does. So a byte of output, which is ours to
 * write, tells: what lies in one piece in both lists is the same memory everywhere or nowhere.
 */
static bool same_memory(const volatile uint8_t *in, volatile uint8_t *out)
{
	const uint8_t first = *in;

	*out = (uint8_t)~first;
	if (*in == first)
		return false;
	*out = first;
	return true;
}

/*
 * Whole blocks that lie in one piece in both lists are processed where they are. Returns their length; 0: there are
 * none.
 */
static uint32_t cipher_in_place(struct us_device *dev, struct crypto_command *c, struct crypto_cipher *cipher,
				uint32_t most)
{
	uint64_t in_address = 0, out_address = 0;
	size_t in_length = crypto_cursor_left(&c->from, &in_address);
	size_t out_length = crypto_cursor_left(&c->to, &out_address);
	size_t length = in_length < out_length ? in_length : out_length;
	const void *in;
	void *out;

	if (length > most)
		length = most;
	if (length < CRYPTO_BLOCK)
		return 0;
	in_length = out_length = length;
	in = us_dma_map(dev, in_address, &in_length, US_DMA_READ);
	out = in ? us_dma_map(dev, out_address, &out_length, US_DMA_WRITE) : NULL;
	if (!out)
		return 0;
	length = (in_length < out_length ? in_length : out_length) & ~(size_t)(CRYPTO_BLOCK - 1);
	if (!length || partly_overlap(in, out, length))
		return 0;
	if (in != out && same_memory(in, out))
		in = out;
	if (!crypto_cipher_update(cipher, in, out, length)) {
		c->error = CRYPTO_ERROR_CODE_ENGINE_FAULT;
		return 0;
	}
	crypto_cursor_advance(&c->from, (uint32_t)length);
	crypto_cursor_advance(&c->to, (uint32_t)length);
	return (uint32_t)length;
}

/* A block that is cut by the end of a fragment, and memory that can not be reached in place, go through a copy. */
static uint32_t cipher_copy(struct us_device *dev, struct crypto_command *c, struct crypto_cipher *cipher,
			    uint32_t most)
{
	uint8_t bounce[BOUNCE];
	uint32_t length = most < BOUNCE ? most : BOUNCE;
	uint64_t fault = 0;
	int rc;

	rc = crypto_gather(dev, &c->from, bounce, length, &fault);
	if (rc) {
		dma_failed(c, rc, CRYPTO_ERROR_CODE_INPUT_FAULT, fault);
		return 0;
	}
	if (!crypto_cipher_update(cipher, bounce, bounce, length)) {
		c->error = CRYPTO_ERROR_CODE_ENGINE_FAULT;
		return 0;
	}
	rc = crypto_scatter(dev, &c->to, bounce, length, &fault);
	if (rc) {
		dma_failed(c, rc, CRYPTO_ERROR_CODE_OUTPUT_FAULT, fault);
		return 0;
	}
	return length;
}

/* How many bytes to copy: the one block that is cut, or a page's worth where the memory is out of reach anyway. */
static uint32_t copy_length(struct us_device *dev, struct crypto_command *c, uint32_t most)
{
	uint64_t address = 0;
	size_t in = crypto_cursor_left(&c->from, &address);
	bool reached = us_dma_map(dev, address, &in, US_DMA_READ);
	size_t out = crypto_cursor_left(&c->to, &address);

	reached = reached && us_dma_map(dev, address, &out, US_DMA_WRITE);
	return reached ? CRYPTO_BLOCK : most;
}

static uint32_t cipher_run(struct us_device *dev, struct crypto_command *c, struct crypto_cipher *cipher, uint32_t most)
{
	uint32_t length = cipher_in_place(dev, c, cipher, most);

	if (!length && !c->error)
		length = cipher_copy(dev, c, cipher, copy_length(dev, c, most));
	return length;
}

/* -- steps -------------------------------------------------------------------------------------------------------- */

static uint64_t next_slice(struct us_device *dev, struct crypto_command *c, struct crypto_digest *digest,
			   struct crypto_cipher *cipher)
{
	uint32_t left = c->length - c->moved;
	uint32_t slice = left < CRYPTO_SLICE ? left : CRYPTO_SLICE;

	for (uint32_t done = 0; done < slice && !c->error;) {
		uint32_t length = c->code == CRYPTO_COMMAND_CODE_DIGEST ? digest_run(dev, c, digest, slice - done)
									: cipher_run(dev, c, cipher, slice - done);

		done += length;
		c->moved += length;
	}
	return (slice + CRYPTO_BYTES_PER_NS - 1) / CRYPTO_BYTES_PER_NS;
}

uint64_t crypto_command_step(struct us_device *dev, struct crypto_command *c, struct crypto_digest *digest,
			     struct crypto_cipher *cipher, bool *finished)
{
	uint64_t duration = 0;

	if (!c->loaded)
		duration = load_lists(dev, c);
	if (!duration && !c->error) {
		duration = next_slice(dev, c, digest, cipher);
		*finished = c->moved == c->length;
		if (*finished && !c->error && c->code == CRYPTO_COMMAND_CODE_DIGEST && c->last)
			deliver_digest(dev, c, digest);
	}
	if (c->error)
		*finished = true;
	return duration;
}
