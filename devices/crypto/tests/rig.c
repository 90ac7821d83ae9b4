/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include <openssl/evp.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PATIENCE UINT64_C(20000000000) /* ns: no command takes that long on any target */

static const char *target = "model";

void rig_target(int argc, char **argv)
{
	if (argc > 1)
		target = argv[1];
}

uint32_t rig_read(struct rig *r, uint64_t reg)
{
	return us_fn_read32(r->fn, US_REGION_BAR0, reg);
}

void rig_write(struct rig *r, uint64_t reg, uint32_t value)
{
	us_fn_write32(r->fn, US_REGION_BAR0, reg, value);
}

void rig_bus_master(struct rig *r, bool on)
{
	uint64_t command;

	assert_int_equal(us_fn_read(r->fn, US_REGION_CONFIG, 4, 2, &command), 0);
	command = on ? command | 4 : command & ~UINT64_C(4);
	assert_int_equal(us_fn_write(r->fn, US_REGION_CONFIG, 4, 2, command), 0);
}

static void *memory(struct rig *r, uint64_t iova, size_t size)
{
	void *at;

	if (us_fn_dma_alloc(r->fn, iova, size, US_FN_DMA_READ | US_FN_DMA_WRITE, &at))
		fail_msg("%s", us_fn_error(r->fn));
	return at;
}

/* The same bytes in every run, and none that repeats at a block's or page's distance. */
static const uint8_t *input(void)
{
	static uint32_t words[RIG_DATA_SIZE / sizeof(uint32_t)];
	uint32_t x = 2463534242;

	for (size_t i = 0; i < sizeof words / sizeof *words && (i || !words[0]); i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		words[i] = x;
	}
	return (const uint8_t *)words;
}

static int open_rig(struct rig *r)
{
	struct us_error err;

	if (us_fn_open(target, "crypto", &r->fn, &err)) {
		print_error("%s\n", err.text);
		return -1;
	}
	r->in = memory(r, RIG_IN, RIG_DATA_SIZE);
	r->out = memory(r, RIG_OUT, RIG_DATA_SIZE);
	r->low = memory(r, RIG_LOW, 4096);
	r->list[IN] = memory(r, RIG_LISTS, 2 * RIG_LIST_SIZE);
	r->list[OUT] = r->list[IN] + RIG_LIST_SIZE / sizeof **r->list;
	return 0;
}

/* Opening a real function and pinning its memory takes long: both are done once, and each test gets a fresh reset. */
static struct rig rig;

int rig_setup(void **state)
{
	struct rig *r = &rig;

	if (!r->fn ? open_rig(r) : us_fn_reset(r->fn))
		return -1;
	assert_int_equal(us_fn_dma_unmap(r->fn, RIG_NOTHING, RIG_EXTRA_END - RIG_NOTHING), 0);
	memcpy(r->in, input(), RIG_DATA_SIZE);
	memset(r->out, 0, RIG_DATA_SIZE);
	memset(r->low, 0, 4096);
	memset(r->list[IN], 0, 2 * RIG_LIST_SIZE);
	rig_bus_master(r, true);
	*state = r;
	return 0;
}

int rig_close(void **state)
{
	(void)state;
	us_fn_close(rig.fn);
	rig.fn = NULL;
	return 0;
}

/* -- lists -------------------------------------------------------------------------------------------------------- */

static void control(struct rig *r, uint32_t mask, bool set)
{
	uint32_t value = rig_read(r, CRYPTO_CONTROL);

	rig_write(r, CRYPTO_CONTROL, set ? value | mask : value & ~mask);
}

void rig_list(struct rig *r, enum rig_side side, const struct rig_entry *entries, uint32_t n)
{
	uint64_t at = side == IN ? RIG_IN_LIST : RIG_OUT_LIST;

	assert_true(n * sizeof *entries <= RIG_LIST_SIZE);
	if (entries)
		memcpy(r->list[side], entries, n * sizeof *entries);
	rig_write(r, side == IN ? CRYPTO_IN_LIST_LO : CRYPTO_OUT_LIST_LO, (uint32_t)at);
	rig_write(r, side == IN ? CRYPTO_IN_LIST_HI : CRYPTO_OUT_LIST_HI, (uint32_t)(at >> 32));
	rig_write(r, side == IN ? CRYPTO_IN_COUNT : CRYPTO_OUT_COUNT, n);
	control(r, side == IN ? CRYPTO_CONTROL_IN_WINDOW_MASK : CRYPTO_CONTROL_OUT_WINDOW_MASK, false);
}

void rig_window(struct rig *r, enum rig_side side, const struct rig_entry *entries, uint32_t n)
{
	for (uint32_t i = 0; entries && i < n && i < CRYPTO_IN_WINDOW_COUNT; i++) {
		uint64_t at = side == IN ? CRYPTO_IN_WINDOW_ADDRESS_LO(i) : CRYPTO_OUT_WINDOW_ADDRESS_LO(i);

		rig_write(r, at, (uint32_t)entries[i].address);
		rig_write(r, at + 4, (uint32_t)(entries[i].address >> 32));
		rig_write(r, at + 8, entries[i].length);
	}
	rig_write(r, side == IN ? CRYPTO_IN_COUNT : CRYPTO_OUT_COUNT, n);
	control(r, side == IN ? CRYPTO_CONTROL_IN_WINDOW_MASK : CRYPTO_CONTROL_OUT_WINDOW_MASK, true);
}

void rig_one(struct rig *r, enum rig_side side, uint64_t offset, uint32_t length)
{
	struct rig_entry e = {(side == IN ? RIG_IN : RIG_OUT) + offset, length, 0};

	rig_list(r, side, &e, length ? 1 : 0);
}

/* -- commands ----------------------------------------------------------------------------------------------------- */

void rig_chain(struct rig *r, bool first, bool last)
{
	control(r, CRYPTO_CONTROL_FIRST_MASK, first);
	control(r, CRYPTO_CONTROL_LAST_MASK, last);
}

void rig_key(struct rig *r, const void *key, const void *iv)
{
	uint32_t word;

	for (unsigned i = 0; key && i < CRYPTO_KEY_COUNT; i++) {
		memcpy(&word, (const uint8_t *)key + i * sizeof word, sizeof word);
		rig_write(r, CRYPTO_KEY(i), word);
	}
	for (unsigned i = 0; iv && i < CRYPTO_IV_COUNT; i++) {
		memcpy(&word, (const uint8_t *)iv + i * sizeof word, sizeof word);
		rig_write(r, CRYPTO_IV(i), word);
	}
}

void rig_start(struct rig *r, uint8_t code, uint32_t length)
{
	rig_write(r, CRYPTO_LENGTH, length);
	rig_write(r, CRYPTO_COMMAND, code);
}

void rig_ready(struct rig *r)
{
	uint64_t begun = us_fn_now(r->fn);

	while (!(rig_read(r, CRYPTO_STATUS) & CRYPTO_STATUS_READY_MASK)) {
		if (us_fn_now(r->fn) - begun > PATIENCE)
			fail_msg("the device did not become ready: STATUS is 0x%x", rig_read(r, CRYPTO_STATUS));
		us_fn_sleep(r->fn, 1000);
	}
}

uint8_t rig_run(struct rig *r, uint8_t code, uint32_t length)
{
	uint32_t ends = CRYPTO_INT_STATUS_DONE_MASK | CRYPTO_INT_STATUS_ERROR_MASK;
	uint8_t error;

	rig_write(r, CRYPTO_INT_STATUS, ends);
	rig_start(r, code, length);
	rig_ready(r);
	error = (uint8_t)(rig_read(r, CRYPTO_ERROR) & CRYPTO_ERROR_CODE_MASK);
	assert_int_equal(rig_read(r, CRYPTO_INT_STATUS) & ends,
			 error ? CRYPTO_INT_STATUS_ERROR_MASK : CRYPTO_INT_STATUS_DONE_MASK);
	rig_write(r, CRYPTO_INT_STATUS, ends);
	return error;
}

uint64_t rig_fault(struct rig *r)
{
	return (uint64_t)rig_read(r, CRYPTO_FAULT_HI) << 32 | rig_read(r, CRYPTO_FAULT_LO);
}

void rig_digest(struct rig *r, uint8_t digest[32])
{
	for (unsigned i = 0; i < CRYPTO_DIGEST_COUNT; i++) {
		uint32_t word = rig_read(r, CRYPTO_DIGEST(i));

		memcpy(digest + i * sizeof word, &word, sizeof word);
	}
}

void rig_reset(struct rig *r)
{
	rig_write(r, CRYPTO_COMMAND, CRYPTO_COMMAND_CODE_RESET);
	rig_ready(r);
	rig_write(r, CRYPTO_INT_STATUS, UINT32_MAX);
}

/* -- what is expected --------------------------------------------------------------------------------------------- */

void rig_sha256(const void *data, size_t length, uint8_t digest[32])
{
	assert_int_equal(EVP_Digest(data, length, digest, NULL, EVP_sha256(), NULL), 1);
}

void rig_aes(bool encrypt, const void *key, const void *iv, const void *in, void *out, size_t length)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int done;

	assert_non_null(ctx);
	assert_int_equal(EVP_CipherInit_ex2(ctx, EVP_aes_256_cbc(), key, iv, encrypt, NULL), 1);
	EVP_CIPHER_CTX_set_padding(ctx, 0);
	assert_int_equal(EVP_CipherUpdate(ctx, out, &done, in, (int)length), 1);
	assert_int_equal(done, length);
	EVP_CIPHER_CTX_free(ctx);
}

void rig_assert_usable(struct rig *r)
{
	struct rig_entry e = {RIG_LOW, 3, 0};
	uint8_t expected[32], digest[32];

	memcpy(r->low, "abc", 3);
	rig_sha256("abc", 3, expected);
	rig_chain(r, true, true);
	rig_window(r, IN, &e, 1);
	rig_window(r, OUT, NULL, 0);
	assert_int_equal(rig_run(r, CRYPTO_COMMAND_CODE_DIGEST, 3), CRYPTO_ERROR_CODE_NONE);
	rig_digest(r, digest);
	assert_memory_equal(digest, expected, sizeof digest);
}

size_t rig_hex(const char *hex, uint8_t *bytes)
{
	size_t n = 0;

	for (; hex[0] && hex[1]; hex += 2) {
		char pair[3] = {hex[0], hex[1], '\0'};

		bytes[n++] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return n;
}
