/* SPDX-License-Identifier: Apache-2.0 */
#include "conform-rig.h"

#include <openssl/evp.h>

#include <stdlib.h>
#include <string.h>

#define PATIENCE UINT64_C(20000000000) /* ns: no command takes that long on any target */

const uint8_t cry_a_key[32] = "thirty-two bytes make one key..";
const uint8_t cry_an_iv[16] = "sixteen bytes..";

uint32_t cry_read(struct rig *r, uint64_t reg)
{
	return us_fn_read32(r->fn, US_REGION_BAR0, reg);
}

void cry_write(struct rig *r, uint64_t reg, uint32_t value)
{
	us_fn_write32(r->fn, US_REGION_BAR0, reg, value);
}

static uint64_t read_by(struct rig *r, enum us_region region, uint64_t offset, unsigned width)
{
	uint64_t value;

	us_run_done(r->run, us_fn_read(r->fn, region, offset, width, &value));
	return value;
}

uint64_t cry_read_by(struct rig *r, uint64_t offset, unsigned width)
{
	return read_by(r, US_REGION_BAR0, offset, width);
}

uint64_t cry_config(struct rig *r, uint64_t offset, unsigned width)
{
	return read_by(r, US_REGION_CONFIG, offset, width);
}

void cry_write_by(struct rig *r, uint64_t offset, unsigned width, uint64_t value)
{
	us_run_done(r->run, us_fn_write(r->fn, US_REGION_BAR0, offset, width, value));
}

void cry_set_config(struct rig *r, uint64_t offset, unsigned width, uint64_t value)
{
	us_run_done(r->run, us_fn_write(r->fn, US_REGION_CONFIG, offset, width, value));
}

bool cry_virtual_time(struct rig *r)
{
	return us_fn_info(r->fn)->virtual_time;
}

/* Bytes of which none repeat at a block's or page's distance: xorshift (Marsaglia, 2003). */
static void fill(struct rig *r)
{
	uint32_t x = (uint32_t)us_run_random(r->run) | 1;

	for (size_t i = 0; i < r->size; i += sizeof x) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		memcpy(r->in + i, &x, sizeof x);
	}
}

struct rig *cry_open(struct us_run *run, size_t size)
{
	const int both = US_FN_DMA_READ | US_FN_DMA_WRITE;
	const size_t list = 2 * RIG_LIST_ENTRIES * sizeof(struct cry_entry);
	struct rig *r = us_run_alloc(run, sizeof *r);

	r->run = run;
	r->fn = us_run_function(run);
	r->size = size;
	us_run_done(run, us_fn_dma_unmap(r->fn, RIG_NOTHING, RIG_EXTRA_END - RIG_NOTHING)); /* of a test that failed */
	r->in = us_run_dma(run, RIG_IN, size, both);
	r->out = us_run_dma(run, RIG_OUT, size, both);
	r->low = us_run_dma(run, RIG_LOW, 4096, both);
	r->list[IN] = us_run_dma(run, RIG_LISTS, 2 * RIG_LIST_SIZE, both);
	r->list[OUT] = r->list[IN] + RIG_LIST_SIZE / sizeof **r->list;
	r->plain = us_run_alloc(run, size);
	r->expected = us_run_alloc(run, size);
	r->got = us_run_alloc(run, size);
	r->entries[IN] = us_run_alloc(run, list);
	r->entries[OUT] = us_run_alloc(run, list);
	fill(r);
	us_run_bus_master(run, true);
	return r;
}

/* -- lists -------------------------------------------------------------------------------------------------------- */

static void control(struct rig *r, uint32_t mask, bool set)
{
	uint32_t value = cry_read(r, CRYPTO_CONTROL);

	cry_write(r, CRYPTO_CONTROL, set ? value | mask : value & ~mask);
}

void cry_list(struct rig *r, enum cry_side side, const struct cry_entry *entries, uint32_t n)
{
	uint64_t at = side == IN ? RIG_IN_LIST : RIG_OUT_LIST;

	us_check(r->run, n * sizeof *entries <= RIG_LIST_SIZE);
	if (entries)
		memcpy(r->list[side], entries, n * sizeof *entries);
	cry_write(r, side == IN ? CRYPTO_IN_LIST_LO : CRYPTO_OUT_LIST_LO, (uint32_t)at);
	cry_write(r, side == IN ? CRYPTO_IN_LIST_HI : CRYPTO_OUT_LIST_HI, (uint32_t)(at >> 32));
	cry_write(r, side == IN ? CRYPTO_IN_COUNT : CRYPTO_OUT_COUNT, n);
	control(r, side == IN ? CRYPTO_CONTROL_IN_WINDOW_MASK : CRYPTO_CONTROL_OUT_WINDOW_MASK, false);
}

void cry_window(struct rig *r, enum cry_side side, const struct cry_entry *entries, uint32_t n)
{
	for (uint32_t i = 0; entries && i < n && i < CRYPTO_IN_WINDOW_COUNT; i++) {
		uint64_t at = side == IN ? CRYPTO_IN_WINDOW_ADDRESS_LO(i) : CRYPTO_OUT_WINDOW_ADDRESS_LO(i);

		cry_write(r, at, (uint32_t)entries[i].address);
		cry_write(r, at + 4, (uint32_t)(entries[i].address >> 32));
		cry_write(r, at + 8, entries[i].length);
	}
	cry_write(r, side == IN ? CRYPTO_IN_COUNT : CRYPTO_OUT_COUNT, n);
	control(r, side == IN ? CRYPTO_CONTROL_IN_WINDOW_MASK : CRYPTO_CONTROL_OUT_WINDOW_MASK, true);
}

void cry_one(struct rig *r, enum cry_side side, uint64_t offset, uint32_t length)
{
	struct cry_entry e = {(side == IN ? RIG_IN : RIG_OUT) + offset, length, 0};

	cry_list(r, side, &e, length ? 1 : 0);
}

/* -- commands ----------------------------------------------------------------------------------------------------- */

void cry_chain(struct rig *r, bool first, bool last)
{
	control(r, CRYPTO_CONTROL_FIRST_MASK, first);
	control(r, CRYPTO_CONTROL_LAST_MASK, last);
}

void cry_key(struct rig *r, const void *key, const void *iv)
{
	uint32_t word;

	for (unsigned i = 0; key && i < CRYPTO_KEY_COUNT; i++) {
		memcpy(&word, (const uint8_t *)key + i * sizeof word, sizeof word);
		cry_write(r, CRYPTO_KEY(i), word);
	}
	for (unsigned i = 0; iv && i < CRYPTO_IV_COUNT; i++) {
		memcpy(&word, (const uint8_t *)iv + i * sizeof word, sizeof word);
		cry_write(r, CRYPTO_IV(i), word);
	}
}

void cry_start(struct rig *r, uint8_t code, uint32_t length)
{
	cry_write(r, CRYPTO_LENGTH, length);
	cry_write(r, CRYPTO_COMMAND, code);
}

/* Longer and longer: a device that never comes back costs virtual time, and not ours. */
static void wait_a_little(struct rig *r, uint64_t begun)
{
	const uint64_t gone = us_fn_now(r->fn) - begun;

	if (gone > PATIENCE)
		us_run_fail(r->run, "nothing happened for 20 s: STATUS is 0x%x, INT_STATUS 0x%x",
			    cry_read(r, CRYPTO_STATUS), cry_read(r, CRYPTO_INT_STATUS));
	us_fn_sleep(r->fn, 100 + gone / 16);
}

void cry_ready(struct rig *r)
{
	const uint64_t begun = us_fn_now(r->fn);

	while (!(cry_read(r, CRYPTO_STATUS) & CRYPTO_STATUS_READY_MASK))
		wait_a_little(r, begun);
}

uint32_t cry_causes(struct rig *r)
{
	return cry_read(r, CRYPTO_INT_STATUS);
}

uint32_t cry_first_causes(struct rig *r)
{
	const uint64_t begun = us_fn_now(r->fn);
	uint32_t causes;

	while (!(causes = cry_causes(r)))
		wait_a_little(r, begun);
	return causes;
}

uint8_t cry_run(struct rig *r, uint8_t code, uint32_t length)
{
	uint32_t ends = CRYPTO_INT_STATUS_DONE_MASK | CRYPTO_INT_STATUS_ERROR_MASK;
	uint8_t error;

	cry_write(r, CRYPTO_INT_STATUS, ends);
	cry_start(r, code, length);
	cry_ready(r);
	error = (uint8_t)(cry_read(r, CRYPTO_ERROR) & CRYPTO_ERROR_CODE_MASK);
	us_check_equal(r->run, cry_causes(r) & ends,
		       error ? CRYPTO_INT_STATUS_ERROR_MASK : CRYPTO_INT_STATUS_DONE_MASK);
	cry_write(r, CRYPTO_INT_STATUS, ends);
	return error;
}

uint64_t cry_fault(struct rig *r)
{
	return (uint64_t)cry_read(r, CRYPTO_FAULT_HI) << 32 | cry_read(r, CRYPTO_FAULT_LO);
}

void cry_digest(struct rig *r, uint8_t digest[32])
{
	for (unsigned i = 0; i < CRYPTO_DIGEST_COUNT; i++) {
		uint32_t word = cry_read(r, CRYPTO_DIGEST(i));

		memcpy(digest + i * sizeof word, &word, sizeof word);
	}
}

void cry_check_digest_of(struct rig *r, const void *data, size_t length)
{
	uint8_t digest[32], expected[32];

	cry_sha256(r, data, length, expected);
	cry_digest(r, digest);
	us_check_bytes(r->run, digest, expected, sizeof digest);
}

void cry_reset(struct rig *r)
{
	cry_write(r, CRYPTO_COMMAND, CRYPTO_COMMAND_CODE_RESET);
	cry_ready(r);
	cry_write(r, CRYPTO_INT_STATUS, UINT32_MAX);
}

void cry_prepare(struct rig *r, uint32_t length)
{
	cry_key(r, cry_a_key, cry_an_iv);
	cry_one(r, IN, 0, length);
	cry_one(r, OUT, 0, length);
}

/* -- what is expected --------------------------------------------------------------------------------------------- */

void cry_check_encrypted(struct rig *r, uint32_t length)
{
	us_check(r->run, length <= r->size); /* where a device says how much it is */
	cry_aes(r, true, cry_a_key, cry_an_iv, r->in, r->expected, length);
	us_check_bytes(r->run, r->out, r->expected, length);
}

void cry_sha256(struct rig *r, const void *data, size_t length, uint8_t digest[32])
{
	us_check(r->run, EVP_Digest(data, length, digest, NULL, EVP_sha256(), NULL) == 1);
}

void cry_aes(struct rig *r, bool encrypt, const void *key, const void *iv, const void *in, void *out, size_t length)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int done = 0;
	bool good = ctx && EVP_CipherInit_ex2(ctx, EVP_aes_256_cbc(), key, iv, encrypt, NULL) == 1;

	good = good && EVP_CIPHER_CTX_set_padding(ctx, 0) == 1;
	good = good && EVP_CipherUpdate(ctx, out, &done, in, (int)length) == 1 && done == (int)length;
	EVP_CIPHER_CTX_free(ctx);
	if (!good)
		us_run_fail(r->run, "libcrypto does not cipher %zu bytes", length);
}

void cry_check_usable(struct rig *r)
{
	const struct cry_entry e = {RIG_LOW, 3, 0};

	memcpy(r->low, "abc", 3);
	cry_chain(r, true, true);
	cry_window(r, IN, &e, 1);
	cry_window(r, OUT, NULL, 0);
	us_check_equal(r->run, cry_run(r, CRYPTO_COMMAND_CODE_DIGEST, 3), CRYPTO_ERROR_CODE_NONE);
	cry_check_digest_of(r, "abc", 3);
}

bool cry_zero(const uint8_t *at, size_t size)
{
	return !size || (!at[0] && !memcmp(at, at + 1, size - 1));
}

size_t cry_hex(const char *hex, uint8_t *bytes)
{
	size_t n = 0;

	for (; hex[0] && hex[1]; hex += 2) {
		char pair[3] = {hex[0], hex[1], '\0'};

		bytes[n++] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return n;
}
