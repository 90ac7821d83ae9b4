/* SPDX-License-Identifier: Apache-2.0 */
/* What the crypto model keeps of a key: looked for in its state and in the memory of libcrypto. */
#include "crypto.h"
#include "fake-host.h"

#include <openssl/crypto.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BLOCKS 65536
#define PART 8 /* bytes of the key that count as a find */

static const uint8_t key[33] = "\xd1\x7a\x03\xe9\x5c\x88\x21\xf6\x4b\xb0\x97\x2e\xc5\x6d\x1f\xaa"
			       "\x36\xe2\x59\x8b\x04\xdf\x71\xbc\x9a\x45\xf3\x0e\x68\xc7\x12\x8d";

static struct {
	uint8_t *at;
	size_t size;
} blocks[BLOCKS]; /* that libcrypto has */
static bool given_back; /* libcrypto freed a block with the key in it */

static bool holds_key(const void *at, size_t size)
{
	return memmem(at, size, key, PART) || memmem(at, size, key + sizeof key - 1 - PART, PART);
}

static void *allocate(size_t size, const char *file, int line)
{
	uint8_t *at = malloc(size);

	(void)file;
	(void)line;
	for (size_t i = 0; at && i < BLOCKS; i++) {
		if (blocks[i].at)
			continue;
		blocks[i].at = at;
		blocks[i].size = size;
		return at;
	}
	abort();
}

static void release(void *at, const char *file, int line)
{
	(void)file;
	(void)line;
	for (size_t i = 0; at && i < BLOCKS; i++) {
		if (blocks[i].at != at)
			continue;
		given_back |= holds_key(at, blocks[i].size);
		blocks[i].at = NULL;
		break;
	}
	free(at);
}

static void *reallocate(void *old, size_t size, const char *file, int line)
{
	void *at = allocate(size, file, line);

	for (size_t i = 0; old && i < BLOCKS; i++)
		if (blocks[i].at == old)
			memcpy(at, old, blocks[i].size < size ? blocks[i].size : size);
	release(old, file, line);
	return at;
}

static bool libcrypto_holds_key(void)
{
	for (size_t i = 0; i < BLOCKS; i++)
		if (blocks[i].at && holds_key(blocks[i].at, blocks[i].size))
			return true;
	return false;
}

static size_t state_size(void)
{
	const struct us_model *model;

	assert_int_equal(us_model_find("crypto", &model, NULL), 0);
	return model->state_size;
}

static void write_key(struct fake_host *h)
{
	for (unsigned i = 0; i < CRYPTO_KEY_COUNT; i++) {
		uint32_t word;

		memcpy(&word, key + sizeof word * i, sizeof word);
		fake_host_write(h, CRYPTO_KEY(i), word);
	}
	for (unsigned i = 0; i < CRYPTO_IV_COUNT; i++)
		fake_host_write(h, CRYPTO_IV(i), i);
}

/* The first command of a chain of ciphers, which keeps the key for the next. */
static void open_chain(struct fake_host *h)
{
	fake_host_write(h, CRYPTO_CONTROL,
			CRYPTO_CONTROL_FIRST_MASK | CRYPTO_CONTROL_IN_WINDOW_MASK | CRYPTO_CONTROL_OUT_WINDOW_MASK);
	fake_host_write(h, CRYPTO_IN_COUNT, 1);
	fake_host_write(h, CRYPTO_OUT_COUNT, 1);
	us_device_write(h->dev, 0, CRYPTO_IN_WINDOW_ADDRESS_LO(0), 8, FAKE_BASE);
	us_device_write(h->dev, 0, CRYPTO_OUT_WINDOW_ADDRESS_LO(0), 8, FAKE_BASE + FAKE_READ_ONLY);
	fake_host_write(h, CRYPTO_IN_WINDOW_LENGTH(0), 64);
	fake_host_write(h, CRYPTO_OUT_WINDOW_LENGTH(0), 64);
	fake_host_write(h, CRYPTO_LENGTH, 64);
	fake_host_write(h, CRYPTO_COMMAND, CRYPTO_COMMAND_CODE_ENCRYPT);
	fake_host_run(h, 10000);
	assert_true(fake_host_read(h, CRYPTO_STATUS) & CRYPTO_STATUS_CHAIN_MASK);
}

static void no_register_keeps_what_was_written_to_the_key(void **state)
{
	struct fake_host *h = *state;

	write_key(h);
	for (unsigned i = 0; i < CRYPTO_KEY_COUNT; i++)
		assert_int_equal(us_get(h->dev, CRYPTO_KEY(i)), 0);
	for (unsigned i = 0; i < CRYPTO_IV_COUNT; i++)
		assert_int_equal(us_get(h->dev, CRYPTO_IV(i)), 0);
}

static void every_reset_wipes_the_key_wherever_it_is(void **state)
{
	struct fake_host *h = *state;

	for (unsigned how = 0; how < 3; how++) {
		write_key(h);
		open_chain(h);
		assert_true(holds_key(us_state(h->dev), state_size()));
		if (how == 0)
			fake_host_write(h, CRYPTO_COMMAND, CRYPTO_COMMAND_CODE_RESET);
		else
			us_device_reset(h->dev, how == 1 ? US_RESET_FLR : US_RESET_CONVENTIONAL);
		assert_false(holds_key(us_state(h->dev), state_size()));
		assert_false(libcrypto_holds_key());
		assert_false(given_back);
		us_device_config_write(h->dev, 4, 2, 6);
		fake_host_run(h, 20000);
	}
}

static void a_closed_chain_leaves_no_key_with_libcrypto(void **state)
{
	struct fake_host *h = *state;

	write_key(h);
	open_chain(h);
	fake_host_write(h, CRYPTO_COMMAND, 0xff);
	assert_false(fake_host_read(h, CRYPTO_STATUS) & CRYPTO_STATUS_CHAIN_MASK);
	assert_false(libcrypto_holds_key());
	assert_false(given_back);
}

/* The part of a message that fills no block yet is in libcrypto's memory. */
static void a_reset_wipes_the_message_so_far(void **state)
{
	struct fake_host *h = *state;

	memcpy(h->memory, key, 32);
	fake_host_write(h, CRYPTO_CONTROL, CRYPTO_CONTROL_FIRST_MASK | CRYPTO_CONTROL_IN_WINDOW_MASK);
	fake_host_write(h, CRYPTO_IN_COUNT, 1);
	us_device_write(h->dev, 0, CRYPTO_IN_WINDOW_ADDRESS_LO(0), 8, FAKE_BASE);
	fake_host_write(h, CRYPTO_IN_WINDOW_LENGTH(0), 32);
	fake_host_write(h, CRYPTO_LENGTH, 32);
	fake_host_write(h, CRYPTO_COMMAND, CRYPTO_COMMAND_CODE_DIGEST);
	fake_host_run(h, 10000);
	assert_true(libcrypto_holds_key());
	fake_host_write(h, CRYPTO_COMMAND, CRYPTO_COMMAND_CODE_RESET);
	assert_false(libcrypto_holds_key());
	assert_false(given_back);
}

static int setup(void **state)
{
	struct fake_host *h = calloc(1, sizeof *h);

	fake_host_open(h);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	fake_host_close(*state);
	free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_register_keeps_what_was_written_to_the_key, setup, teardown),
		cmocka_unit_test_setup_teardown(every_reset_wipes_the_key_wherever_it_is, setup, teardown),
		cmocka_unit_test_setup_teardown(a_closed_chain_leaves_no_key_with_libcrypto, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reset_wipes_the_message_so_far, setup, teardown),
	};

	if (!CRYPTO_set_mem_functions(allocate, reallocate, release))
		return 77; /* libcrypto has begun without us */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
