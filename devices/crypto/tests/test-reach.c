/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crypto model computes the same and names the same faults whether memory can be mapped whole, in pieces, or not at
 * all.
 */
#include "fake-host.h"

#include "crypto.h"

#include <openssl/evp.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define OUT FAKE_READ_ONLY
#define LENGTH (16 * 5000)

static const uint8_t key[32] = "thirty-two bytes make one key..";
static const uint8_t iv[16] = "sixteen bytes..";

static const size_t reaches[] = {SIZE_MAX, 4096, 100, 17, 16, 15, 1, 0};
#define REACHES (sizeof reaches / sizeof *reaches)

static int setup(void **state)
{
	struct fake_host *h = calloc(1, sizeof *h);

	fake_host_open(h);
	for (size_t i = 0; i < FAKE_SIZE; i++)
		h->memory[i] = (uint8_t)(i * 7 + i / 251);
	for (unsigned i = 0; i < 8; i++) {
		uint32_t word;

		memcpy(&word, key + 4 * i, 4);
		fake_host_write(h, CRYPTO_KEY(i), word);
		memcpy(&word, iv + 4 * (i % 4), 4);
		fake_host_write(h, CRYPTO_IV(i % 4), word);
	}
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	fake_host_close(*state);
	free(*state);
	return 0;
}

/* A command over one input and one output fragment, by the windows; returns ERROR.CODE. */
static uint8_t run(struct fake_host *h, uint8_t code, uint64_t in, uint64_t out, uint32_t length)
{
	fake_host_write(h, CRYPTO_IN_WINDOW_ADDRESS_LO(0), (uint32_t)in);
	fake_host_write(h, CRYPTO_IN_WINDOW_ADDRESS_HI(0), (uint32_t)(in >> 32));
	fake_host_write(h, CRYPTO_IN_WINDOW_LENGTH(0), length);
	fake_host_write(h, CRYPTO_OUT_WINDOW_ADDRESS_LO(0), (uint32_t)out);
	fake_host_write(h, CRYPTO_OUT_WINDOW_ADDRESS_HI(0), (uint32_t)(out >> 32));
	fake_host_write(h, CRYPTO_OUT_WINDOW_LENGTH(0), length);
	fake_host_write(h, CRYPTO_IN_COUNT, 1);
	fake_host_write(h, CRYPTO_OUT_COUNT, code != CRYPTO_COMMAND_CODE_DIGEST);
	fake_host_write(h, CRYPTO_CONTROL, 0x33);
	fake_host_write(h, CRYPTO_LENGTH, length);
	fake_host_write(h, CRYPTO_COMMAND, code);
	fake_host_run(h, 1000000);
	return (uint8_t)fake_host_read(h, CRYPTO_ERROR);
}

static void expect(bool encrypt, const uint8_t *in, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	assert_int_equal(EVP_CipherInit_ex2(ctx, EVP_aes_256_cbc(), key, iv, encrypt, NULL), 1);
	EVP_CIPHER_CTX_set_padding(ctx, 0);
	assert_int_equal(EVP_CipherUpdate(ctx, out, &n, in, LENGTH), 1);
	EVP_CIPHER_CTX_free(ctx);
}

static void ciphers_do_not_depend_on_how_memory_is_reached(void **state)
{
	static uint8_t expected[LENGTH];
	struct fake_host *h = *state;

	for (size_t i = 0; i < REACHES; i++) {
		for (unsigned encrypt = 0; encrypt < 2; encrypt++) {
			uint8_t code = encrypt ? CRYPTO_COMMAND_CODE_ENCRYPT : CRYPTO_COMMAND_CODE_DECRYPT;

			h->reach = reaches[i];
			memset(h->memory + OUT, 0, FAKE_SIZE - OUT);
			expect(encrypt, h->memory + 5, expected);
			assert_int_equal(run(h, code, FAKE_BASE + 5, FAKE_BASE + OUT + 3, LENGTH), 0);
			assert_memory_equal(h->memory + OUT + 3, expected, LENGTH);
			assert_int_equal(h->memory[OUT + 2] | h->memory[OUT + 3 + LENGTH], 0);
		}
	}
}

static void digests_do_not_depend_on_how_memory_is_reached(void **state)
{
	struct fake_host *h = *state;
	uint8_t expected[32];

	assert_int_equal(EVP_Digest(h->memory + 9, 77777, expected, NULL, EVP_sha256(), NULL), 1);
	for (size_t i = 0; i < REACHES; i++) {
		h->reach = reaches[i];
		assert_int_equal(run(h, CRYPTO_COMMAND_CODE_DIGEST, FAKE_BASE + 9, 0, 77777), 0);
		for (unsigned k = 0; k < 8; k++) {
			uint32_t word = fake_host_read(h, CRYPTO_DIGEST(k));

			assert_memory_equal(&word, expected + 4 * k, 4);
		}
	}
}

static void faults_do_not_depend_on_how_memory_is_reached(void **state)
{
	struct fake_host *h = *state;

	for (size_t i = 0; i < REACHES; i++) {
		for (uint32_t good = 0; good < 5000; good += 321) {
			uint64_t end = FAKE_BASE + FAKE_SIZE;

			h->reach = reaches[i];
			assert_int_equal(run(h, CRYPTO_COMMAND_CODE_DIGEST, end - good, 0, LENGTH),
					 CRYPTO_ERROR_CODE_INPUT_FAULT);
			assert_int_equal(fake_host_read(h, CRYPTO_FAULT_LO), (uint32_t)end);
			assert_int_equal(fake_host_read(h, CRYPTO_FAULT_HI), end >> 32);
			assert_int_equal(run(h, CRYPTO_COMMAND_CODE_ENCRYPT, FAKE_BASE, end - good, LENGTH),
					 CRYPTO_ERROR_CODE_OUTPUT_FAULT);
			assert_int_equal(fake_host_read(h, CRYPTO_FAULT_LO), (uint32_t)end);
			assert_true(fake_host_read(h, CRYPTO_BYTES_DONE) <= good);
		}
		assert_int_equal(run(h, CRYPTO_COMMAND_CODE_ENCRYPT, FAKE_BASE, FAKE_BASE + OUT - 16, LENGTH),
				 CRYPTO_ERROR_CODE_OUTPUT_FAULT);
		assert_int_equal(fake_host_read(h, CRYPTO_FAULT_LO), (uint32_t)(FAKE_BASE + OUT - 16));
	}
}

static void in_place_does_not_depend_on_how_memory_is_reached(void **state)
{
	static uint8_t expected[LENGTH];
	struct fake_host *h = *state;

	for (size_t i = 0; i < REACHES; i++) {
		h->reach = reaches[i];
		expect(false, h->memory + OUT + 1, expected);
		assert_int_equal(run(h, CRYPTO_COMMAND_CODE_DECRYPT, FAKE_BASE + OUT + 1, FAKE_BASE + OUT + 1, LENGTH),
				 0);
		assert_memory_equal(h->memory + OUT + 1, expected, LENGTH);
	}
}

/* As in a server that got the same memory twice: libcrypto is given two pointers, and has to work in place. */
static void in_place_may_have_two_device_addresses(void **state)
{
	static uint8_t expected[LENGTH];
	struct fake_host *h = *state;
	int fd = memfd_create("arena", 0);
	uint8_t *twice[2];

	assert_int_equal(ftruncate(fd, FAKE_SIZE), 0);
	for (unsigned i = 0; i < 2; i++) {
		twice[i] = mmap(NULL, FAKE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		assert_true(twice[i] != MAP_FAILED);
	}
	memcpy(twice[0], h->memory, FAKE_SIZE);
	h->at = twice[0];
	h->alias = twice[1];
	for (size_t i = 0; i < REACHES; i++) {
		for (unsigned encrypt = 0; encrypt < 2; encrypt++) {
			uint8_t code = encrypt ? CRYPTO_COMMAND_CODE_ENCRYPT : CRYPTO_COMMAND_CODE_DECRYPT;

			h->reach = reaches[i];
			expect(encrypt, h->at + OUT + 1, expected);
			assert_int_equal(run(h, code, FAKE_ALIAS + OUT + 1, FAKE_BASE + OUT + 1, LENGTH), 0);
			assert_memory_equal(h->at + OUT + 1, expected, LENGTH);
		}
	}
	munmap(twice[0], FAKE_SIZE);
	munmap(twice[1], FAKE_SIZE);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ciphers_do_not_depend_on_how_memory_is_reached, setup, teardown),
		cmocka_unit_test_setup_teardown(digests_do_not_depend_on_how_memory_is_reached, setup, teardown),
		cmocka_unit_test_setup_teardown(faults_do_not_depend_on_how_memory_is_reached, setup, teardown),
		cmocka_unit_test_setup_teardown(in_place_does_not_depend_on_how_memory_is_reached, setup, teardown),
		cmocka_unit_test_setup_teardown(in_place_may_have_two_device_addresses, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
