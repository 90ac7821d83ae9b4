/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The self-test: what public.h promises, asked of the device that is there. Each test is a sentence; it passes by
 * returning TRUE, and tells why not with test_failed(). Tests stand alone: each opens its own handles.
 */
#ifndef CRYPTO_SELFTEST_H
#define CRYPTO_SELFTEST_H

#include "client.h"
#include "say.h"

#define TEST_HANDLES 4
#define TEST_REQUESTS 32

struct test {
	unsigned device; /* number */
	CRYPTO_INFO info;
	UCHAR *data, *other; /* each for CRYPTO_MAXIMUM_REQUEST and 4096 bytes more; data holds noise */
	struct crypto_client *client[TEST_HANDLES]; /* open, no key; closed after the test */
	struct crypto_request request[TEST_REQUESTS]; /* none in flight */
	char why[200];
};

struct test_case {
	const char *sentence;
	BOOL (*run)(struct test *test);
};

extern const struct test_case test_values[], test_rules[]; /* the last has no sentence */

/* Says why, and returns FALSE. */
BOOL test_failed(struct test *test, const char *format, ...) SAY_FORMAT(2, 3);

/* error is what was wanted; else the test has failed, which `what` names. */
BOOL test_error(struct test *test, DWORD error, DWORD wanted, const char *what);

/*
 * The end of a request. One that does not end within two minutes ends the self-test: its memory can not be given back.
 */
DWORD test_finish(struct test *test, struct crypto_client *client, struct crypto_request *request);

/* One request, from start to end. */
DWORD test_cipher(struct test *test, struct crypto_client *client, BOOL encrypt, const UCHAR iv[16], void *data,
		  DWORD size);
DWORD test_digest(struct test *test, struct crypto_client *client, ULONG flags, void *data, DWORD size);
DWORD test_send(struct test *test, struct crypto_client *client, DWORD code, void *input, DWORD input_size, void *data,
		DWORD data_size);

/* Fills memory with noise, the same for the same seed. */
void test_noise(void *data, DWORD size, ULONG seed);

/* Lengths at which blocks, pages, windows and commands end, up to the maximum request. */
DWORD test_size(const struct test *test, unsigned number); /* 0 after the last */

#endif
