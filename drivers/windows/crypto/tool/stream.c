/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#include <string.h>

#define SLOTS 2

/* A chunk on its way through the device. */
struct slot {
	struct crypto_request request;
	UCHAR *data;
	DWORD size; /* bytes that the device gets */
};

struct pipeline {
	struct stream *stream;
	struct slot slots[SLOTS];
	UCHAR iv[CRYPTO_BLOCK_BYTES]; /* of the next chunk */
	UCHAR held[CRYPTO_BLOCK_BYTES]; /* of decrypted data the last block, which may be padding */
	BOOL holds;
};

static DWORD fail(struct stream *stream, enum stream_failure failure, DWORD error)
{
	stream->failure = failure;
	return error;
}

static DWORD open_pipeline(struct pipeline *pipeline, struct stream *stream)
{
	memset(pipeline, 0, sizeof(*pipeline));
	pipeline->stream = stream;
	stream->done = 0;
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *slot = &pipeline->slots[i];

		/* One block more, for padding. */
		slot->data = VirtualAlloc(NULL, stream->chunk + CRYPTO_BLOCK_BYTES, MEM_COMMIT | MEM_RESERVE,
					  PAGE_READWRITE);
		if (!slot->data || crypto_request_create(&slot->request))
			return fail(stream, STREAM_MEMORY, GetLastError());
	}
	return ERROR_SUCCESS;
}

/* Whatever is in flight, ended by an error elsewhere, is cancelled and waited for: it uses our memory. */
static void close_pipeline(struct pipeline *pipeline)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *slot = &pipeline->slots[i];

		if (slot->request.started) {
			crypto_cancel(pipeline->stream->client, &slot->request);
			crypto_finish(pipeline->stream->client, &slot->request, NULL, INFINITE);
		}
		crypto_request_delete(&slot->request);
		if (slot->data) {
			SecureZeroMemory(slot->data, pipeline->stream->chunk + CRYPTO_BLOCK_BYTES);
			VirtualFree(slot->data, 0, MEM_RELEASE);
		}
	}
	SecureZeroMemory(pipeline->held, sizeof(pipeline->held));
}

static BOOL stopped(struct stream *stream)
{
	return stream->stop && WaitForSingleObject(stream->stop, 0) == WAIT_OBJECT_0;
}

/*
 * Reads `size` bytes, or what there is until the end: a pipe gives its data in small pieces. Ctrl-C also ends who
 * writes into our pipe, and that is no end of the data.
 */
static DWORD fill(struct stream *stream, UCHAR *data, DWORD size, DWORD *filled)
{
	DWORD got = 1, error;

	for (*filled = 0; *filled < size && got; *filled += got) {
		error = stream->source->read(stream->source, data + *filled, size - *filled, &got);
		if (stopped(stream))
			return fail(stream, STREAM_STOPPED, ERROR_OPERATION_ABORTED);
		if (error)
			return fail(stream, STREAM_READ, error);
		stream->done += got;
		if (stream->progress)
			stream->progress(stream, stream->done);
	}
	return ERROR_SUCCESS;
}

static DWORD put(struct stream *stream, const void *data, DWORD size)
{
	DWORD error = size ? stream->sink->write(stream->sink, data, size) : ERROR_SUCCESS;

	return error ? fail(stream, stopped(stream) ? STREAM_STOPPED : STREAM_WRITE, error) : ERROR_SUCCESS;
}

/* The end of what was started in the slot, if anything was. */
static DWORD finish(struct pipeline *pipeline, struct slot *slot)
{
	struct stream *stream = pipeline->stream;
	DWORD error;

	if (!slot->request.started)
		return ERROR_SUCCESS;
	error = crypto_finish(stream->client, &slot->request, stream->stop, INFINITE);
	return error ? fail(stream, stopped(stream) ? STREAM_STOPPED : STREAM_DEVICE, error) : ERROR_SUCCESS;
}

/* -- digest ------------------------------------------------------------------------------------------------------- */

static DWORD digest_chunks(struct pipeline *pipeline)
{
	struct stream *stream = pipeline->stream;
	ULONG flags = CRYPTO_FIRST;
	DWORD error;

	for (unsigned i = 0; !(flags & CRYPTO_LAST); i = (i + 1) % SLOTS) {
		struct slot *slot = &pipeline->slots[i];

		error = finish(pipeline, slot);
		if (!error)
			error = fill(stream, slot->data, stream->chunk, &slot->size);
		if (error)
			return error;
		if (slot->size < stream->chunk)
			flags |= CRYPTO_LAST;
		error = crypto_start_digest(stream->client, &slot->request, flags, slot->data, slot->size);
		if (error)
			return fail(stream, STREAM_DEVICE, error);
		flags &= ~(ULONG)CRYPTO_FIRST;
	}
	return ERROR_SUCCESS;
}

DWORD stream_digest(struct stream *stream, UCHAR digest[CRYPTO_DIGEST_BYTES])
{
	struct pipeline pipeline;
	DWORD error = open_pipeline(&pipeline, stream);

	if (!error)
		error = digest_chunks(&pipeline);
	for (unsigned i = 0; i < SLOTS && !error; i++)
		error = finish(&pipeline, &pipeline.slots[i]);
	close_pipeline(&pipeline);
	if (error)
		return error;
	error = crypto_get_digest(stream->client, digest);
	return error ? fail(stream, STREAM_DEVICE, error) : ERROR_SUCCESS;
}

/* -- cipher ------------------------------------------------------------------------------------------------------- */

static DWORD add_padding(UCHAR *data, DWORD size)
{
	DWORD padding = CRYPTO_BLOCK_BYTES - size % CRYPTO_BLOCK_BYTES;

	memset(data + size, (int)padding, padding);
	return size + padding;
}

/* How many bytes of the message's last block are data, or -1. All of it is looked at, whatever is found. */
static int without_padding(const UCHAR block[CRYPTO_BLOCK_BYTES])
{
	unsigned padding = block[CRYPTO_BLOCK_BYTES - 1], wrong = padding == 0 || padding > CRYPTO_BLOCK_BYTES;

	for (unsigned i = 0; i < CRYPTO_BLOCK_BYTES; i++)
		wrong |= i + padding >= CRYPTO_BLOCK_BYTES && block[i] != padding;
	return wrong ? -1 : (int)(CRYPTO_BLOCK_BYTES - padding);
}

/* Starts the chunk of the slot, and knows the next one's vector when it is known: CBC goes on with ciphertext. */
static DWORD start(struct pipeline *pipeline, struct slot *slot, BOOL encrypt)
{
	struct stream *stream = pipeline->stream;
	UCHAR iv[CRYPTO_BLOCK_BYTES];
	DWORD error;

	memcpy(iv, pipeline->iv, sizeof(iv));
	if (!encrypt) /* before it is decrypted in place */
		memcpy(pipeline->iv, slot->data + slot->size - CRYPTO_BLOCK_BYTES, CRYPTO_BLOCK_BYTES);
	error = crypto_start_cipher(stream->client, &slot->request, encrypt, iv, slot->data, slot->size);
	return error ? fail(stream, STREAM_DEVICE, error) : ERROR_SUCCESS;
}

/* Decrypted data is written but for its last block, which is held until it is known not to be the message's last. */
static DWORD put_plain(struct pipeline *pipeline, const UCHAR *data, DWORD size)
{
	DWORD error = ERROR_SUCCESS;

	if (pipeline->holds)
		error = put(pipeline->stream, pipeline->held, sizeof(pipeline->held));
	if (!error)
		error = put(pipeline->stream, data, size - CRYPTO_BLOCK_BYTES);
	memcpy(pipeline->held, data + size - CRYPTO_BLOCK_BYTES, CRYPTO_BLOCK_BYTES);
	pipeline->holds = TRUE;
	return error;
}

static DWORD finish_chunk(struct pipeline *pipeline, struct slot *slot, BOOL encrypt)
{
	BOOL was_started = slot->request.started;
	DWORD error = finish(pipeline, slot);

	if (!error && was_started && encrypt)
		memcpy(pipeline->iv, slot->data + slot->size - CRYPTO_BLOCK_BYTES, CRYPTO_BLOCK_BYTES);
	return error;
}

static DWORD write_chunk(struct pipeline *pipeline, struct slot *slot, BOOL encrypt)
{
	DWORD size = slot->size;

	slot->size = 0;
	if (size == 0)
		return ERROR_SUCCESS;
	return encrypt ? put(pipeline->stream, slot->data, size) : put_plain(pipeline, slot->data, size);
}

/* A chunk is read while the one before is with the device, and that one is written while the chunk is there. */
static DWORD cipher_chunks(struct pipeline *pipeline, BOOL encrypt)
{
	struct slot *now = &pipeline->slots[0], *before = &pipeline->slots[1], *swap;
	struct stream *stream = pipeline->stream;
	BOOL last = FALSE;
	DWORD error = ERROR_SUCCESS;

	while (!last && !error) {
		error = fill(stream, now->data, stream->chunk, &now->size);
		if (error)
			return error;
		last = now->size < stream->chunk;
		if (last && encrypt)
			now->size = add_padding(now->data, now->size);
		if (now->size % CRYPTO_BLOCK_BYTES)
			return fail(stream, STREAM_UNEVEN, ERROR_INVALID_DATA);

		if (encrypt)
			error = finish_chunk(pipeline, before, TRUE);
		if (!error && now->size)
			error = start(pipeline, now, encrypt);
		if (!error)
			error = finish_chunk(pipeline, before, encrypt);
		if (!error)
			error = write_chunk(pipeline, before, encrypt);
		swap = before, before = now, now = swap;
	}
	if (!error)
		error = finish_chunk(pipeline, before, encrypt);
	return error ? error : write_chunk(pipeline, before, encrypt);
}

DWORD stream_encrypt(struct stream *stream, const UCHAR iv[CRYPTO_BLOCK_BYTES], BOOL prefix)
{
	struct pipeline pipeline;
	DWORD error = open_pipeline(&pipeline, stream);

	memcpy(pipeline.iv, iv, sizeof(pipeline.iv));
	if (!error && prefix)
		error = put(stream, iv, CRYPTO_BLOCK_BYTES);
	if (!error)
		error = cipher_chunks(&pipeline, TRUE);
	close_pipeline(&pipeline);
	return error;
}

/* The block that is left, without its padding. */
static DWORD end_plain(struct pipeline *pipeline)
{
	int rest;

	if (!pipeline->holds)
		return fail(pipeline->stream, STREAM_SHORT, ERROR_INVALID_DATA);
	rest = without_padding(pipeline->held);
	if (rest < 0)
		return fail(pipeline->stream, STREAM_PADDING, ERROR_INVALID_DATA);
	return put(pipeline->stream, pipeline->held, (DWORD)rest);
}

DWORD stream_decrypt(struct stream *stream, const UCHAR *iv)
{
	struct pipeline pipeline;
	DWORD got, error = open_pipeline(&pipeline, stream);

	if (!error && iv) {
		memcpy(pipeline.iv, iv, sizeof(pipeline.iv));
	} else if (!error) {
		error = fill(stream, pipeline.iv, sizeof(pipeline.iv), &got);
		if (!error && got < sizeof(pipeline.iv))
			error = fail(stream, STREAM_SHORT, ERROR_INVALID_DATA);
	}
	if (!error)
		error = cipher_chunks(&pipeline, FALSE);
	if (!error)
		error = end_plain(&pipeline);
	close_pipeline(&pipeline);
	return error;
}
