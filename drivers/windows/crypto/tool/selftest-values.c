/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The self-test, first half: the device computes what it should, whatever the length and however it is cut.
 */
#include "selftest.h"

#include "reference.h"

#include <string.h>

/* -- published values --------------------------------------------------------------------------------------------- */

static const struct {
	const char *message;
	unsigned times; /* the message is repeated */
	UCHAR digest[CRYPTO_DIGEST_BYTES];
} digests[] = {
	/* FIPS 180-4, the examples for SHA-256 that NIST publishes with it */
	{"abc", 1, {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
		    0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad}},
	{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	 1,
	 {0x24, 0x8d, 0x6a, 0x61, 0xd2, 0x06, 0x38, 0xb8, 0xe5, 0xc0, 0x26, 0x93, 0x0c, 0x3e, 0x60, 0x39,
	  0xa3, 0x3c, 0xe4, 0x59, 0x64, 0xff, 0x21, 0x67, 0xf6, 0xec, 0xed, 0xd4, 0x19, 0xdb, 0x06, 0xc1}},
	{"a", 1000000, {0xcd, 0xc7, 0x6e, 0x5c, 0x99, 0x14, 0xfb, 0x92, 0x81, 0xa1, 0xc7,
			0xe2, 0x84, 0xd7, 0x3e, 0x67, 0xf1, 0x80, 0x9a, 0x48, 0xa4, 0x97,
			0x20, 0x0e, 0x04, 0x6d, 0x39, 0xcc, 0xc7, 0x11, 0x2c, 0xd0}},
	{"", 1, {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
		 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55}},
};

static BOOL published_digests(struct test *test)
{
	UCHAR digest[CRYPTO_DIGEST_BYTES];

	for (unsigned i = 0; i < ARRAYSIZE(digests); i++) {
		DWORD length = (DWORD)strlen(digests[i].message), size = 0, error;

		for (unsigned n = 0; n < digests[i].times; n++, size += length)
			memcpy(test->other + size, digests[i].message, length);
		error = test_digest(test, test->client[0], CRYPTO_FIRST | CRYPTO_LAST, test->other, size);
		if (!error)
			error = crypto_get_digest(test->client[0], digest);
		if (!test_error(test, error, ERROR_SUCCESS, "a published message"))
			return FALSE;
		if (memcmp(digest, digests[i].digest, sizeof(digest)) != 0)
			return test_failed(test, "message %u has another digest", i + 1);
	}
	return TRUE;
}

/* NIST SP 800-38A, F.2.5 and F.2.6: CBC-AES256 */
static const UCHAR key_38a[32] = {0x60, 0x3d, 0xeb, 0x10, 0x15, 0xca, 0x71, 0xbe, 0x2b, 0x73, 0xae,
				  0xf0, 0x85, 0x7d, 0x77, 0x81, 0x1f, 0x35, 0x2c, 0x07, 0x3b, 0x61,
				  0x08, 0xd7, 0x2d, 0x98, 0x10, 0xa3, 0x09, 0x14, 0xdf, 0xf4};
static const UCHAR iv_38a[16] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
				 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f};
static const UCHAR plain_38a[64] = {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d, 0x7e, 0x11, 0x73,
				    0x93, 0x17, 0x2a, 0xae, 0x2d, 0x8a, 0x57, 0x1e, 0x03, 0xac, 0x9c, 0x9e, 0xb7,
				    0x6f, 0xac, 0x45, 0xaf, 0x8e, 0x51, 0x30, 0xc8, 0x1c, 0x46, 0xa3, 0x5c, 0xe4,
				    0x11, 0xe5, 0xfb, 0xc1, 0x19, 0x1a, 0x0a, 0x52, 0xef, 0xf6, 0x9f, 0x24, 0x45,
				    0xdf, 0x4f, 0x9b, 0x17, 0xad, 0x2b, 0x41, 0x7b, 0xe6, 0x6c, 0x37, 0x10};
static const UCHAR cipher_38a[64] = {0xf5, 0x8c, 0x4c, 0x04, 0xd6, 0xe5, 0xf1, 0xba, 0x77, 0x9e, 0xab, 0xfb, 0x5f,
				     0x7b, 0xfb, 0xd6, 0x9c, 0xfc, 0x4e, 0x96, 0x7e, 0xdb, 0x80, 0x8d, 0x67, 0x9f,
				     0x77, 0x7b, 0xc6, 0x70, 0x2c, 0x7d, 0x39, 0xf2, 0x33, 0x69, 0xa9, 0xd9, 0xba,
				     0xcf, 0xa5, 0x30, 0xe2, 0x63, 0x04, 0x23, 0x14, 0x61, 0xb2, 0xeb, 0x05, 0xe2,
				     0xc3, 0x9b, 0xe9, 0xfc, 0xda, 0x6c, 0x19, 0x07, 0x8c, 0x6a, 0x9d, 0x1b};

static BOOL published_ciphertexts(struct test *test)
{
	DWORD error = crypto_set_key(test->client[0], key_38a);

	memcpy(test->other, plain_38a, sizeof(plain_38a));
	if (!error)
		error = test_cipher(test, test->client[0], TRUE, iv_38a, test->other, sizeof(plain_38a));
	if (!test_error(test, error, ERROR_SUCCESS, "to encrypt"))
		return FALSE;
	if (memcmp(test->other, cipher_38a, sizeof(cipher_38a)) != 0)
		return test_failed(test, "F.2.5 encrypts to something else");
	error = test_cipher(test, test->client[0], FALSE, iv_38a, test->other, sizeof(cipher_38a));
	if (!test_error(test, error, ERROR_SUCCESS, "to decrypt"))
		return FALSE;
	return memcmp(test->other, plain_38a, sizeof(plain_38a)) == 0 ||
	       test_failed(test, "F.2.6 decrypts to something else");
}

/* -- lengths ------------------------------------------------------------------------------------------------------ */

static BOOL check_digest(struct test *test, DWORD offset, DWORD size)
{
	UCHAR digest[CRYPTO_DIGEST_BYTES], wanted[CRYPTO_DIGEST_BYTES];
	DWORD error;

	error = test_digest(test, test->client[0], CRYPTO_FIRST | CRYPTO_LAST, test->data + offset, size);
	if (!error)
		error = crypto_get_digest(test->client[0], digest);
	if (!test_error(test, error, ERROR_SUCCESS, "a digest"))
		return FALSE;
	if (!reference_digest(test->data + offset, size, wanted))
		return test_failed(test, "Windows can not compute the digest to compare with");
	return memcmp(digest, wanted, sizeof(digest)) == 0 ||
	       test_failed(test, "%lu bytes at %lu in their page have another digest", size, offset);
}

static BOOL digests_of_all_sizes(struct test *test)
{
	DWORD size;

	for (unsigned i = 0; (size = test_size(test, i)) != 0; i++)
		if (!check_digest(test, 0, size) || !check_digest(test, 1 + i * 169 % 4095, size))
			return FALSE;
	return check_digest(test, 5, test->info.MaximumRequest);
}

static BOOL check_cipher(struct test *test, DWORD offset, DWORD size)
{
	UCHAR *device = test->other + offset, key[CRYPTO_KEY_BYTES], iv[CRYPTO_BLOCK_BYTES];
	DWORD error;
	BOOL same;

	test_noise(key, sizeof(key), size);
	test_noise(iv, sizeof(iv), size + 1);
	memcpy(device, test->data, size);
	error = crypto_set_key(test->client[0], key);
	if (!error)
		error = test_cipher(test, test->client[0], TRUE, iv, device, size);
	if (!test_error(test, error, ERROR_SUCCESS, "to encrypt"))
		return FALSE;
	if (!reference_cipher(TRUE, key, iv, test->data, size))
		return test_failed(test, "Windows can not encrypt what is to be compared with");
	same = memcmp(device, test->data, size) == 0;
	reference_cipher(FALSE, key, iv, test->data, size);
	if (!same)
		return test_failed(test, "%lu bytes at %lu in their page are encrypted to something else", size,
				   offset);
	error = test_cipher(test, test->client[0], FALSE, iv, device, size);
	if (!test_error(test, error, ERROR_SUCCESS, "to decrypt"))
		return FALSE;
	return memcmp(device, test->data, size) == 0 ||
	       test_failed(test, "%lu bytes at %lu in their page are decrypted to something else", size, offset);
}

static BOOL ciphers_of_all_sizes(struct test *test)
{
	DWORD size;

	for (unsigned i = 0; (size = test_size(test, i)) != 0; i++)
		if (size % CRYPTO_BLOCK_BYTES == 0 &&
		    (!check_cipher(test, 0, size) || !check_cipher(test, 1 + i * 169 % 4095, size)))
			return FALSE;
	return check_cipher(test, 5, test->info.MaximumRequest & ~15u);
}

static BOOL neighbours_are_left_alone(struct test *test)
{
	const UCHAR iv[CRYPTO_BLOCK_BYTES] = {0};
	const DWORD size = 3 * 4096 + 16, offset = 4096 - 32;
	DWORD error = crypto_set_key(test->client[0], key_38a);

	memset(test->other, 0xA5, 8 * 4096);
	if (!error)
		error = test_cipher(test, test->client[0], TRUE, iv, test->other + offset, size);
	if (!test_error(test, error, ERROR_SUCCESS, "to encrypt"))
		return FALSE;
	for (DWORD i = 0; i < 8 * 4096; i++)
		if ((i < offset || i >= offset + size) && test->other[i] != 0xA5)
			return test_failed(test, "byte %lu was written, outside of %lu to %lu", i, offset,
					   offset + size);
	return TRUE;
}

/* -- parts -------------------------------------------------------------------------------------------------------- */

static BOOL digest_in_parts(struct test *test)
{
	const DWORD parts[] = {1, 0, 63, 4097, 64, 100000, 0};
	UCHAR digest[CRYPTO_DIGEST_BYTES], wanted[CRYPTO_DIGEST_BYTES];
	DWORD at = 0, error = ERROR_SUCCESS;

	/* All in flight at once: they are served in order. */
	for (unsigned i = 0; i < ARRAYSIZE(parts) && !error; at += parts[i], i++) {
		ULONG flags = (i == 0 ? CRYPTO_FIRST : 0) | (i == ARRAYSIZE(parts) - 1 ? CRYPTO_LAST : 0);

		error = crypto_start_digest(test->client[0], &test->request[i], flags, test->data + at, parts[i]);
	}
	for (unsigned i = 0; i < ARRAYSIZE(parts) && !error; i++)
		error = test_finish(test, test->client[0], &test->request[i]);
	if (!error)
		error = crypto_get_digest(test->client[0], digest);
	if (!test_error(test, error, ERROR_SUCCESS, "a message in parts"))
		return FALSE;
	if (!reference_digest(test->data, at, wanted))
		return test_failed(test, "Windows can not compute the digest to compare with");
	return memcmp(digest, wanted, sizeof(digest)) == 0 || test_failed(test, "its digest is another");
}

static BOOL cipher_in_parts(struct test *test)
{
	const DWORD size = 3 * 4096, cut = 4096 + 48;
	DWORD error = crypto_set_key(test->client[0], key_38a);

	memcpy(test->other, test->data, size);
	if (!error)
		error = test_cipher(test, test->client[0], TRUE, iv_38a, test->other, cut);
	if (!error)
		error = test_cipher(test, test->client[0], TRUE, test->other + cut - 16, test->other + cut, size - cut);
	if (!error)
		error = test_cipher(test, test->client[0], FALSE, iv_38a, test->other, size);
	if (!test_error(test, error, ERROR_SUCCESS, "a message in parts"))
		return FALSE;
	return memcmp(test->other, test->data, size) == 0 || test_failed(test, "decrypted in one part it is another");
}

const struct test_case test_values[] = {
	{"digests are those that FIPS 180-4 gives", published_digests},
	{"ciphertexts are those that SP 800-38A gives", published_ciphertexts},
	{"digests of all lengths are those that Windows computes", digests_of_all_sizes},
	{"data of all lengths is encrypted as Windows does, and decrypted again", ciphers_of_all_sizes},
	{"nothing beside the data is written", neighbours_are_left_alone},
	{"a message in parts has the digest of the whole", digest_in_parts},
	{"a message encrypted in parts is decrypted in one", cipher_in_parts},
	{NULL, NULL},
};
