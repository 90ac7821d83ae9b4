/* SPDX-License-Identifier: Apache-2.0 */
/* The crypto device computes what the standards say: published vectors, and libcrypto around every boundary. */
#include "conform-rig.h"

#include <string.h>

/* SP 800-38A, F.2.5 and F.2.6 */
static const char sp_key[] = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
static const char sp_iv[] = "000102030405060708090a0b0c0d0e0f";
static const char sp_plain[] = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
			       "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
static const char sp_cipher[] = "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
				"39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b";

static void check_digest(struct rig *r, const char *expected)
{
	uint8_t digest[32], bytes[32];

	cry_hex(expected, bytes);
	cry_digest(r, digest);
	us_check_bytes(r->run, digest, bytes, sizeof digest);
}

static void check_digest_of_input(struct rig *r, uint64_t offset, uint32_t length)
{
	cry_one(r, IN, offset, length);
	us_check_equal(r->run, cry_run(r, DIGEST, length), 0);
	cry_check_digest_of(r, r->in + offset, length);
	us_check_equal(r->run, cry_read(r, CRYPTO_BYTES_DONE), length);
}

static void set_sp_key(struct rig *r)
{
	uint8_t key[32], iv[16];

	cry_hex(sp_key, key);
	cry_hex(sp_iv, iv);
	cry_key(r, key, iv);
}

/* -- digest ------------------------------------------------------------------------------------------------------- */

static void the_one_block_message_of_fips_180_4_digests_as_published(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	memcpy(r->in, "abc", 3);
	cry_one(r, IN, 0, 3);
	us_check_equal(r->run, cry_run(r, DIGEST, 3), 0);
	check_digest(r, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	us_check_equal(r->run, cry_read(r, CRYPTO_DIGEST(0)), 0xbf1678ba);
}

static void the_two_block_message_of_fips_180_4_digests_as_published(struct us_run *run)
{
	static const char message[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	struct rig *r = cry_open(run, RIG_SMALL);

	memcpy(r->in, message, strlen(message));
	cry_one(r, IN, 0, (uint32_t)strlen(message));
	us_check_equal(r->run, cry_run(r, DIGEST, (uint32_t)strlen(message)), 0);
	check_digest(r, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void a_million_letters_a_digest_as_published(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_MEDIUM);

	memset(r->in, 'a', 1000000);
	cry_one(r, IN, 0, 1000000);
	us_check_equal(r->run, cry_run(r, DIGEST, 1000000), 0);
	check_digest(r, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void the_empty_message_has_a_digest(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	cry_one(r, IN, 0, 0);
	us_check_equal(r->run, cry_run(r, DIGEST, 0), 0);
	check_digest(r, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void every_length_around_a_block_and_a_page_digests_like_libcrypto(struct us_run *run)
{
	static const uint32_t middles[] = {64, 128, 4096, 8192, 65536, 262144, 524288};
	static const uint32_t large[] = {1 << 20, (2 << 20) + 4096, 5 << 20};
	struct rig *r = cry_open(run, RIG_LARGE);

	for (uint32_t length = 1; length <= 130; length++)
		check_digest_of_input(r, length % 64, length);
	for (size_t i = 0; i < sizeof middles / sizeof *middles; i++) {
		for (uint32_t length = middles[i] - 9; length <= middles[i] + 9; length++)
			check_digest_of_input(r, 0, length);
	}
	for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
		for (uint32_t length = large[i] - 1; length <= large[i] + 1; length++)
			check_digest_of_input(r, 4095, length);
	}
}

static void a_digest_may_have_max_length_and_no_byte_more(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_LARGE);
	uint32_t most = cry_read(r, CRYPTO_MAX_LENGTH);

	check_digest_of_input(r, 1, most);
	cry_one(r, IN, 0, most + 1);
	us_check_equal(r->run, cry_run(r, DIGEST, most + 1), CRYPTO_ERROR_CODE_BAD_LENGTH);
	us_check_equal(r->run, cry_run(r, DIGEST, UINT32_MAX), CRYPTO_ERROR_CODE_BAD_LENGTH);
	cry_check_usable(r);
}

static void the_digest_goes_to_memory_too_when_there_is_an_output_list(struct us_run *run)
{
	static const struct cry_entry pieces[] = {{RIG_OUT + 4095, 2, 0}, {RIG_OUT, 1, 0}, {RIG_OUT + 100, 29, 0}};
	struct rig *r = cry_open(run, RIG_SMALL);
	uint8_t expected[32];

	cry_one(r, IN, 0, 1000);
	cry_list(r, OUT, pieces, 3);
	us_check_equal(r->run, cry_run(r, DIGEST, 1000), 0);
	cry_sha256(r, r->in, 1000, expected);
	us_check_bytes(r->run, r->out + 4095, expected, 2);
	us_check_bytes(r->run, r->out, expected + 2, 1);
	us_check_bytes(r->run, r->out + 100, expected + 3, 29);
	us_check_equal(r->run, r->out[4097] | r->out[1] | r->out[99] | r->out[129], 0);
	cry_digest(r, expected);
	us_check_bytes(r->run, r->out + 100, expected + 3, 29);
}

static void an_output_list_of_a_digest_holds_exactly_32_bytes(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	cry_one(r, IN, 0, 64);
	for (uint32_t length = 31; length <= 64; length += length == 33 ? 31 : 1) {
		cry_one(r, OUT, 0, length);
		us_check_equal(r->run, cry_run(r, DIGEST, 64), length == 32 ? 0 : CRYPTO_ERROR_CODE_LIST_TOTAL);
	}
}

static void the_digest_stays_through_cipher_commands_and_goes_with_the_next_digest(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);
	uint8_t before[32], after[32];
	static const uint8_t none[32];

	check_digest_of_input(r, 0, 5);
	cry_digest(r, before);
	set_sp_key(r);
	cry_one(r, IN, 0, 64);
	cry_one(r, OUT, 0, 64);
	us_check_equal(r->run, cry_run(r, ENCRYPT, 64), 0);
	cry_digest(r, after);
	us_check_bytes(r->run, after, before, sizeof after);
	cry_one(r, OUT, 0, 0);
	cry_start(r, DIGEST, 64);
	if (us_fn_info(r->fn)->virtual_time) {
		cry_digest(r, after);
		us_check_bytes(r->run, after, none, sizeof after);
	}
	cry_ready(r);
	us_check_equal(r->run, cry_run(r, DIGEST, 65), CRYPTO_ERROR_CODE_LIST_TOTAL);
	cry_digest(r, after);
	us_check_bytes(r->run, after, none, sizeof after);
}

/* -- cipher ------------------------------------------------------------------------------------------------------- */

static void the_vector_of_sp_800_38a_encrypts_and_decrypts_as_published(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);
	uint8_t plain[64], cipher[64];

	cry_hex(sp_plain, plain);
	cry_hex(sp_cipher, cipher);
	set_sp_key(r);
	cry_one(r, IN, 0, 64);
	cry_one(r, OUT, 0, 64);
	memcpy(r->in, plain, 64);
	us_check_equal(r->run, cry_run(r, ENCRYPT, 64), 0);
	us_check_bytes(r->run, r->out, cipher, 64);
	us_check_equal(r->run, r->out[64], 0);
	memcpy(r->in, cipher, 64);
	us_check_equal(r->run, cry_run(r, DECRYPT, 64), 0);
	us_check_bytes(r->run, r->out, plain, 64);
}

static void check_cipher(struct rig *r, uint8_t code, uint32_t in, uint32_t out, uint32_t length)
{
	uint8_t key[32], iv[16];

	cry_hex(sp_key, key);
	cry_hex(sp_iv, iv);
	cry_aes(r, code == ENCRYPT, key, iv, r->in + in, r->expected, length);
	memset(r->out, 0x5a, out + length + 64);
	cry_one(r, IN, in, length);
	cry_one(r, OUT, out, length);
	us_check_equal(r->run, cry_run(r, code, length), 0);
	us_check_bytes(r->run, r->out + out, r->expected, length);
	for (uint32_t i = 0; i < 64; i++)
		us_check_equal(r->run, r->out[out + length + i], 0x5a);
	if (out)
		us_check_equal(r->run, r->out[out - 1], 0x5a);
	us_check_equal(r->run, cry_read(r, CRYPTO_BYTES_DONE), length);
}

static void every_number_of_blocks_around_a_page_is_ciphered_like_libcrypto(struct us_run *run)
{
	static const uint32_t middles[] = {4096, 8192, 65536, 262144};
	static const uint32_t large[] = {1 << 20, (2 << 20) + 4096, 5 << 20};
	struct rig *r = cry_open(run, RIG_LARGE);

	set_sp_key(r);
	for (uint32_t length = 16; length <= 160; length += 16) {
		check_cipher(r, ENCRYPT, 0, 0, length);
		check_cipher(r, DECRYPT, 4080, 1, length);
	}
	for (size_t i = 0; i < sizeof middles / sizeof *middles; i++) {
		for (uint32_t length = middles[i] - 32; length <= middles[i] + 32; length += 16) {
			check_cipher(r, ENCRYPT, 4095, 7, length);
			check_cipher(r, DECRYPT, 3, 4095, length);
		}
	}
	for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
		for (uint32_t length = large[i] - 16; length <= large[i] + 16; length += 16)
			check_cipher(r, length & 16 ? ENCRYPT : DECRYPT, 4080, 15, length);
	}
}

static void a_cipher_may_have_max_length_and_no_block_more(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_LARGE);
	uint32_t most = cry_read(r, CRYPTO_MAX_LENGTH);

	set_sp_key(r);
	check_cipher(r, ENCRYPT, 0, 0, most);
	check_cipher(r, DECRYPT, 16, 1, most);
	cry_one(r, IN, 0, most + 16);
	cry_one(r, OUT, 0, most + 16);
	us_check_equal(r->run, cry_run(r, ENCRYPT, most + 16), CRYPTO_ERROR_CODE_BAD_LENGTH);
	cry_check_usable(r);
}

static void a_cipher_takes_whole_blocks_only(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	set_sp_key(r);
	for (uint32_t length = 0; length <= 64; length++) {
		cry_one(r, IN, 0, length);
		cry_one(r, OUT, 0, length);
		us_check_equal(r->run, cry_run(r, length & 1 ? ENCRYPT : DECRYPT, length),
			       length && length % 16 == 0 ? 0 : CRYPTO_ERROR_CODE_BAD_LENGTH);
	}
}

static void no_key_or_half_a_key_is_no_key(struct us_run *run)
{
	static const uint8_t iv[16];
	struct rig *r = cry_open(run, RIG_SMALL);

	cry_one(r, IN, 0, 16);
	cry_one(r, OUT, 0, 16);
	us_check_equal(r->run, cry_run(r, ENCRYPT, 16), CRYPTO_ERROR_CODE_NO_KEY);
	cry_key(r, NULL, iv);
	for (unsigned i = 0; i < 32; i++) {
		us_check_equal(r->run, cry_run(r, DECRYPT, 16), CRYPTO_ERROR_CODE_NO_KEY);
		us_check(r->run, !(cry_read(r, CRYPTO_STATUS) & CRYPTO_STATUS_KEY_SET_MASK));
		us_run_done(r->run, us_fn_write(r->fn, US_REGION_BAR0, CRYPTO_KEY(0) + i, 1, 0));
	}
	us_check(r->run, cry_read(r, CRYPTO_STATUS) & CRYPTO_STATUS_KEY_SET_MASK);
	us_check_equal(r->run, cry_run(r, DECRYPT, 16), 0);
}

static void no_iv_or_half_an_iv_is_no_iv(struct us_run *run)
{
	static const uint8_t key[32];
	struct rig *r = cry_open(run, RIG_SMALL);

	cry_one(r, IN, 0, 16);
	cry_one(r, OUT, 0, 16);
	cry_key(r, key, NULL);
	for (unsigned i = 0; i < 16; i++) {
		us_check_equal(r->run, cry_run(r, ENCRYPT, 16), CRYPTO_ERROR_CODE_NO_IV);
		us_check(r->run, !(cry_read(r, CRYPTO_STATUS) & CRYPTO_STATUS_IV_SET_MASK));
		us_run_done(r->run, us_fn_write(r->fn, US_REGION_BAR0, CRYPTO_IV(0) + i, 1, 0));
	}
	us_check(r->run, cry_read(r, CRYPTO_STATUS) & CRYPTO_STATUS_IV_SET_MASK);
	us_check_equal(r->run, cry_run(r, ENCRYPT, 16), 0);
}

static void key_and_iv_never_read_back_and_outlive_commands(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);
	uint8_t cipher[64];

	set_sp_key(r);
	cry_hex(sp_cipher, cipher);
	cry_hex(sp_plain, r->in);
	for (unsigned round = 0; round < 3; round++) {
		for (uint64_t at = CRYPTO_KEY(0); at < CRYPTO_IV(0) + 16; at += 4)
			us_check_equal(r->run, cry_read(r, at), 0);
		cry_one(r, IN, 0, 64);
		cry_one(r, OUT, 0, 64);
		us_check_equal(r->run, cry_run(r, ENCRYPT, 64), 0);
		us_check_bytes(r->run, r->out, cipher, 64);
	}
}

static void a_key_written_byte_by_byte_is_the_same_key(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);
	uint8_t key[32], iv[16], cipher[64];

	cry_hex(sp_key, key);
	cry_hex(sp_iv, iv);
	cry_hex(sp_cipher, cipher);
	cry_hex(sp_plain, r->in);
	for (unsigned i = 0; i < 32; i++)
		us_run_done(r->run, us_fn_write(r->fn, US_REGION_BAR0, CRYPTO_KEY(0) + i, 1, key[i]));
	for (unsigned i = 0; i < 16; i += 2)
		us_run_done(r->run, us_fn_write(r->fn, US_REGION_BAR0, CRYPTO_IV(0) + i, 2, iv[i] | iv[i + 1] << 8));
	cry_one(r, IN, 0, 64);
	cry_one(r, OUT, 0, 64);
	us_check_equal(r->run, cry_run(r, ENCRYPT, 64), 0);
	us_check_bytes(r->run, r->out, cipher, 64);
}

/* -- chains ------------------------------------------------------------------------------------------------------- */

/* Digests `length` bytes of input in pieces whose lengths go up and down, 0 included. */
static void digest_in_pieces(struct rig *r, uint32_t length)
{
	static const uint32_t pieces[] = {1, 63, 64, 0, 65, 4096, 100, 4000, 1};
	uint32_t done = 0;

	for (unsigned i = 0;; i++) {
		uint32_t n = pieces[i % (sizeof pieces / sizeof *pieces)];

		if (n > length - done)
			n = length - done;
		cry_chain(r, i == 0, done + n == length);
		cry_one(r, IN, done, n);
		us_check_equal(r->run, cry_run(r, DIGEST, n), 0);
		done += n;
		if (done == length)
			return;
		us_check(r->run, cry_read(r, CRYPTO_STATUS) & CRYPTO_STATUS_CHAIN_MASK);
		us_check_equal(r->run, cry_read(r, CRYPTO_DIGEST(0)), 0);
	}
}

static void a_chain_of_digests_is_one_digest(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);
	uint8_t digest[32], expected[32];

	digest_in_pieces(r, 30000);
	us_check(r->run, !(cry_read(r, CRYPTO_STATUS) & CRYPTO_STATUS_CHAIN_MASK));
	cry_digest(r, digest);
	cry_sha256(r, r->in, 30000, expected);
	us_check_bytes(r->run, digest, expected, sizeof digest);
}

static void a_chain_may_end_with_an_empty_digest_and_write_it_to_memory_then(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);
	uint8_t expected[32];

	cry_chain(r, true, false);
	cry_one(r, IN, 0, 77);
	cry_one(r, OUT, 0, 5); /* not looked at */
	us_check_equal(r->run, cry_run(r, DIGEST, 77), 0);
	cry_chain(r, false, true);
	cry_one(r, IN, 0, 0);
	cry_one(r, OUT, 0, 32);
	us_check_equal(r->run, cry_run(r, DIGEST, 0), 0);
	cry_sha256(r, r->in, 77, expected);
	us_check_bytes(r->run, r->out, expected, 32);
}

static void a_chain_of_ciphers_is_one_message_whatever_becomes_of_key_and_iv(struct us_run *run)
{
	static const uint8_t other[32] = {1, 2, 3};
	const uint32_t length = 160 * 16;
	struct rig *r = cry_open(run, RIG_SMALL);
	uint8_t key[32], iv[16];

	cry_hex(sp_key, key);
	cry_hex(sp_iv, iv);
	for (uint8_t code = ENCRYPT; code <= DECRYPT; code++) {
		uint32_t done = 0;

		cry_aes(r, code == ENCRYPT, key, iv, r->in, r->expected, length);
		cry_key(r, key, iv);
		for (uint32_t n = 16; done < length; n += 48) {
			if (n > length - done)
				n = length - done;
			cry_chain(r, done == 0, done + n == length);
			cry_one(r, IN, done, n);
			cry_one(r, OUT, done, n);
			us_check_equal(r->run, cry_run(r, code, n), 0);
			done += n;
			cry_key(r, other, other);
		}
		us_check_bytes(r->run, r->out, r->expected, length);
		us_check(r->run, !(cry_read(r, CRYPTO_STATUS) & CRYPTO_STATUS_CHAIN_MASK));
	}
}

static uint8_t continue_chain(struct rig *r, uint8_t code)
{
	cry_chain(r, false, true);
	cry_one(r, IN, 0, 16);
	cry_one(r, OUT, 0, code == DIGEST ? 0 : 16);
	return cry_run(r, code, 16);
}

static void open_chain(struct rig *r, uint8_t code)
{
	cry_chain(r, true, false);
	cry_one(r, IN, 0, 16);
	cry_one(r, OUT, 0, 16);
	us_check_equal(r->run, cry_run(r, code, 16), 0);
	us_check(r->run, cry_read(r, CRYPTO_STATUS) & CRYPTO_STATUS_CHAIN_MASK);
}

static void only_an_open_chain_of_the_same_command_can_be_continued(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	set_sp_key(r);
	for (uint8_t code = DIGEST; code <= DECRYPT; code++) {
		us_check_equal(r->run, continue_chain(r, code), CRYPTO_ERROR_CODE_NO_CHAIN);
		for (uint8_t opened = DIGEST; opened <= DECRYPT; opened++) {
			open_chain(r, opened);
			us_check_equal(r->run, continue_chain(r, code),
				       code == opened ? 0 : CRYPTO_ERROR_CODE_NO_CHAIN);
			us_check_equal(r->run, continue_chain(r, code), CRYPTO_ERROR_CODE_NO_CHAIN);
		}
	}
}

static void in_a_chain_too_a_cipher_takes_whole_blocks_only_and_a_digest_any_length(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	set_sp_key(r);
	for (uint32_t length = 0; length <= 33; length++) {
		const bool whole = length && length % 16 == 0;

		open_chain(r, ENCRYPT);
		cry_chain(r, false, false);
		cry_one(r, IN, 0, length);
		cry_one(r, OUT, 0, length);
		us_check_equal(r->run, cry_run(r, ENCRYPT, length), whole ? 0 : CRYPTO_ERROR_CODE_BAD_LENGTH);
		us_check_equal(r->run, !!(cry_read(r, CRYPTO_STATUS) & CRYPTO_STATUS_CHAIN_MASK), whole);
		open_chain(r, DIGEST);
		cry_chain(r, false, false);
		cry_one(r, IN, 0, length);
		us_check_equal(r->run, cry_run(r, DIGEST, length), 0);
		us_check(r->run, cry_read(r, CRYPTO_STATUS) & CRYPTO_STATUS_CHAIN_MASK);
	}
}

static void a_new_chain_closes_the_open_one(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	open_chain(r, DIGEST);
	open_chain(r, DIGEST);
	us_check_equal(r->run, continue_chain(r, DIGEST), 0);
	memcpy(r->in + 16, r->in, 16);
	cry_check_digest_of(r, r->in, 32);
}

static void errors_aborts_and_resets_close_the_chain(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_LARGE);

	open_chain(r, DIGEST);
	us_check_equal(r->run, cry_run(r, 77, 0), CRYPTO_ERROR_CODE_UNKNOWN_COMMAND);
	us_check(r->run, !(cry_read(r, CRYPTO_STATUS) & CRYPTO_STATUS_CHAIN_MASK));
	us_check_equal(r->run, continue_chain(r, DIGEST), CRYPTO_ERROR_CODE_NO_CHAIN);
	open_chain(r, DIGEST);
	us_run_done(r->run, us_fn_reset(r->fn));
	us_run_bus_master(r->run, true);
	us_check_equal(r->run, cry_read(r, CRYPTO_STATUS), CRYPTO_STATUS_READY_MASK);
	us_check_equal(r->run, continue_chain(r, DIGEST), CRYPTO_ERROR_CODE_NO_CHAIN);
	open_chain(r, DIGEST);
	cry_reset(r);
	us_check_equal(r->run, continue_chain(r, DIGEST), CRYPTO_ERROR_CODE_NO_CHAIN);
	open_chain(r, DIGEST);
	cry_chain(r, false, false);
	cry_one(r, IN, 0, 16 << 20);
	cry_start(r, DIGEST, 16 << 20);
	cry_write(r, CRYPTO_COMMAND, CRYPTO_COMMAND_CODE_ABORT);
	us_check_equal(r->run, continue_chain(r, DIGEST), CRYPTO_ERROR_CODE_NO_CHAIN);
}

const struct us_test crypto_algorithm_tests[] = {
	US_TEST("CRY-060 CRY-084", the_one_block_message_of_fips_180_4_digests_as_published),
	US_TEST("CRY-060", the_two_block_message_of_fips_180_4_digests_as_published),
	US_TEST("CRY-060", a_million_letters_a_digest_as_published),
	US_TEST("CRY-060 CRY-013", the_empty_message_has_a_digest),
	US_TEST("CRY-060 CRY-080", every_length_around_a_block_and_a_page_digests_like_libcrypto),
	US_TEST("CRY-063", a_digest_may_have_max_length_and_no_byte_more),
	US_TEST("CRY-061", the_digest_goes_to_memory_too_when_there_is_an_output_list),
	US_TEST("CRY-061", an_output_list_of_a_digest_holds_exactly_32_bytes),
	US_TEST("CRY-084", the_digest_stays_through_cipher_commands_and_goes_with_the_next_digest),
	US_TEST("CRY-062", the_vector_of_sp_800_38a_encrypts_and_decrypts_as_published),
	US_TEST("CRY-062 CRY-080", every_number_of_blocks_around_a_page_is_ciphered_like_libcrypto),
	US_TEST("CRY-063", a_cipher_may_have_max_length_and_no_block_more),
	US_TEST("CRY-063", a_cipher_takes_whole_blocks_only),
	US_TEST("CRY-064 CRY-082", no_key_or_half_a_key_is_no_key),
	US_TEST("CRY-064 CRY-083", no_iv_or_half_an_iv_is_no_iv),
	US_TEST("CRY-082 CRY-083 CRY-064", key_and_iv_never_read_back_and_outlive_commands),
	US_TEST("CRY-004 CRY-082 CRY-083", a_key_written_byte_by_byte_is_the_same_key),
	US_TEST("CRY-031 CRY-032 CRY-033", a_chain_of_digests_is_one_digest),
	US_TEST("CRY-032 CRY-033 CRY-061", a_chain_may_end_with_an_empty_digest_and_write_it_to_memory_then),
	US_TEST("CRY-031 CRY-032", a_chain_of_ciphers_is_one_message_whatever_becomes_of_key_and_iv),
	US_TEST("CRY-034", only_an_open_chain_of_the_same_command_can_be_continued),
	US_TEST("CRY-033 CRY-035", in_a_chain_too_a_cipher_takes_whole_blocks_only_and_a_digest_any_length),
	US_TEST("CRY-034", a_new_chain_closes_the_open_one),
	US_TEST("CRY-035", errors_aborts_and_resets_close_the_chain),
	{NULL, NULL, NULL},
};
