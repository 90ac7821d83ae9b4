/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cryptoctl bench: requests per second and throughput, by operation, length and requests in flight.
 */
#include "tool.h"

#include "say.h"

#include <string.h>

#define DEPTH 64
#define MEMORY (256u << 20) /* bytes for all requests in flight */

struct bench {
	struct crypto_client *client;
	struct crypto_request request[DEPTH];
	UCHAR *data;
	ULONG64 seconds;
};

enum operation { DIGEST, ENCRYPT, DECRYPT, OPERATIONS };

static const char *const operation_names[OPERATIONS] = {"digest", "encrypt", "decrypt"};

static DWORD start(struct bench *bench, enum operation operation, unsigned i, DWORD size)
{
	static const UCHAR iv[CRYPTO_BLOCK_BYTES];
	UCHAR *data = bench->data + (size_t)i * size;

	if (operation == DIGEST)
		return crypto_start_digest(bench->client, &bench->request[i], CRYPTO_FIRST | CRYPTO_LAST, data, size);
	return crypto_start_cipher(bench->client, &bench->request[i], operation == ENCRYPT, iv, data, size);
}

static ULONG64 nanoseconds(void)
{
	LARGE_INTEGER now, frequency;

	QueryPerformanceCounter(&now);
	QueryPerformanceFrequency(&frequency);
	return (ULONG64)((double)now.QuadPart * 1e9 / (double)frequency.QuadPart);
}

/* All that are in flight are ended, and the first error of all is returned. */
static DWORD drain(struct bench *bench, DWORD error)
{
	for (unsigned i = 0; i < DEPTH; i++) {
		DWORD end = ERROR_SUCCESS;

		if (bench->request[i].started)
			end = crypto_finish(bench->client, &bench->request[i], interrupted, INFINITE);
		if (!error)
			error = end;
	}
	return error;
}

/* Keeps `depth` requests in flight, each started again when it ends; `count` of them have ended in `time`. */
static DWORD measure(struct bench *bench, enum operation operation, DWORD size, unsigned depth, ULONG64 *count,
		     ULONG64 *time)
{
	ULONG64 begin = nanoseconds(), end = begin + bench->seconds * 1000000000;
	DWORD error = ERROR_SUCCESS;

	*count = 0;
	for (unsigned i = 0; i < depth && !error; i++)
		error = start(bench, operation, i, size);
	for (unsigned i = 0; !error && nanoseconds() < end; i = (i + 1) % depth) {
		error = crypto_finish(bench->client, &bench->request[i], interrupted, INFINITE);
		if (!error)
			error = start(bench, operation, i, size);
		++*count;
	}
	*count += depth;
	error = drain(bench, error);
	*time = nanoseconds() - begin;
	return error;
}

static DWORD measure_and_say(struct bench *bench, enum operation operation, DWORD size, unsigned depth)
{
	ULONG64 count, time;
	char bytes[16], rate[16];
	double each;
	DWORD error = measure(bench, operation, size, depth, &count, &time);

	if (error)
		return error;
	each = (double)time / (double)count;
	say("%-10s%12s%8u%14.1f%14.0f%14s/s\n", operation_names[operation], bytes_text(bytes, sizeof(bytes), size),
	    depth, each / 1000, 1e9 / each, bytes_text(rate, sizeof(rate), (ULONG64)((double)size * 1e9 / each)));
	return ERROR_SUCCESS;
}

static DWORD measure_all(struct bench *bench, const struct options *options)
{
	const DWORD sizes[] = {16, 4096, 65536, 1 << 20, 16 << 20, CRYPTO_MAXIMUM_REQUEST};
	const unsigned depths[] = {1, 4};
	DWORD error = ERROR_SUCCESS;

	say("%-10s%12s%8s%14s%14s%16s\n", "", "length", "depth", "us each", "per second", "throughput");
	for (int o = DIGEST; o < OPERATIONS; o++)
		for (unsigned s = 0; s < (options->size ? 1 : ARRAYSIZE(sizes)); s++)
			for (unsigned d = 0; d < (options->depth ? 1 : ARRAYSIZE(depths)) && !error; d++)
				error = measure_and_say(bench, o, options->size ? (DWORD)options->size : sizes[s],
							options->depth ? (unsigned)options->depth : depths[d]);
	return error;
}

static BOOL understood(const struct options *options)
{
	if (options->size % CRYPTO_BLOCK_BYTES != 0) {
		complain("--size %llu is no multiple of %d, as a cipher needs it", options->size, CRYPTO_BLOCK_BYTES);
		return FALSE;
	}
	if (options->size * (options->depth ? options->depth : 4) > MEMORY) {
		complain("%llu requests of %llu bytes are more than this program has memory for: 256 MiB",
			 options->depth ? options->depth : 4, options->size);
		return FALSE;
	}
	return TRUE;
}

int run_bench(const struct options *options)
{
	static const UCHAR key[CRYPTO_KEY_BYTES] = {1};
	static struct bench bench;
	DWORD error = ERROR_SUCCESS;

	if (!understood(options))
		return MISUSED;
	if (!open_client(options, &bench.client))
		return FAILED;
	bench.seconds = options->seconds;
	bench.data = VirtualAlloc(NULL, MEMORY, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
	if (!bench.data)
		error = GetLastError();
	for (unsigned i = 0; i < DEPTH && !error; i++)
		error = crypto_request_create(&bench.request[i]);
	if (!error)
		error = crypto_set_key(bench.client, key);
	if (!error)
		error = measure_all(&bench, options);
	for (unsigned i = 0; i < DEPTH; i++)
		crypto_request_delete(&bench.request[i]);
	if (bench.data)
		VirtualFree(bench.data, 0, MEM_RELEASE);
	crypto_close(bench.client);
	if (error)
		complain_of_device(error);
	return error ? FAILED : DONE;
}
