/* SPDX-License-Identifier: Apache-2.0 */
/* The crypto model when libcrypto gets no memory: an error as any other, and the device works when there is some again.
 */
#include "crypto.h"
#include "fake-host.h"

#include <openssl/crypto.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* How many more allocations libcrypto is granted. */
static long granted = -1;

static void *allocate(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	if (!granted)
		return NULL;
	if (granted > 0)
		granted--;
	return malloc(size);
}

static void *reallocate(void *old, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	if (!granted)
		return NULL;
	if (granted > 0)
		granted--;
	return realloc(old, size);
}

static void release(void *at, const char *file, int line)
{
	(void)file;
	(void)line;
	free(at);
}

static uint8_t run(struct fake_host *h, uint8_t code)
{
	fake_host_write(h, CRYPTO_CONTROL, 0x33);
	fake_host_write(h, CRYPTO_IN_COUNT, 1);
	fake_host_write(h, CRYPTO_OUT_COUNT, code != CRYPTO_COMMAND_CODE_DIGEST);
	us_device_write(h->dev, 0, CRYPTO_IN_WINDOW_ADDRESS_LO(0), 8, FAKE_BASE);
	us_device_write(h->dev, 0, CRYPTO_OUT_WINDOW_ADDRESS_LO(0), 8, FAKE_BASE + FAKE_READ_ONLY);
	fake_host_write(h, CRYPTO_IN_WINDOW_LENGTH(0), 64);
	fake_host_write(h, CRYPTO_OUT_WINDOW_LENGTH(0), 64);
	fake_host_write(h, CRYPTO_LENGTH, 64);
	fake_host_write(h, CRYPTO_COMMAND, code);
	fake_host_run(h, 10000);
	return (uint8_t)fake_host_read(h, CRYPTO_ERROR);
}

static void without_memory_a_command_ends_with_an_engine_fault(void **state)
{
	struct fake_host *h = calloc(1, sizeof *h);
	unsigned failed = 0;

	(void)state;
	fake_host_open(h);
	for (unsigned i = 0; i < 12; i++)
		fake_host_write(h, i < 8 ? CRYPTO_KEY(i) : CRYPTO_IV(i - 8), i);
	for (uint8_t code = CRYPTO_COMMAND_CODE_DIGEST; code <= CRYPTO_COMMAND_CODE_DECRYPT; code++) {
		for (long memory = 0; memory < 10; memory++) {
			uint8_t error;

			granted = memory;
			error = run(h, code);
			granted = -1;
			assert_true(error == 0 || error == CRYPTO_ERROR_CODE_ENGINE_FAULT);
			failed += error != 0;
			assert_int_equal(fake_host_read(h, CRYPTO_STATUS) & CRYPTO_STATUS_READY_MASK, 1);
			assert_int_equal(run(h, code), 0);
		}
	}
	assert_true(failed >= 3);
	fake_host_close(h);
	free(h);
}

static void without_memory_there_is_no_instance(void **state)
{
	struct fake_host *h = calloc(1, sizeof *h);
	const struct us_model *model;
	struct us_device *dev;
	unsigned failed = 0;

	(void)state;
	fake_host_open(h); /* libcrypto sets itself up here */
	assert_int_equal(us_model_find("crypto", &model, NULL), 0);
	fake_host_close(h);
	for (granted = 0; granted >= 0 && failed < 100; failed++) {
		long memory = granted;
		struct us_error err;
		const struct us_host host = h->host;

		if (!us_device_create(model, &host, &dev, &err))
			break;
		granted = memory + 1;
	}
	granted = -1;
	assert_in_range(failed, 1, 99);
	us_device_destroy(dev);
	free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_memory_a_command_ends_with_an_engine_fault),
		cmocka_unit_test(without_memory_there_is_no_instance),
	};

	if (!CRYPTO_set_mem_functions(allocate, reallocate, release))
		return 77; /* libcrypto has begun without us */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
