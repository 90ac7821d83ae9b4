/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a crypto command: start, time, refusal, errors of memory, abort, and resets of every kind at every stage.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define RESET CRYPTO_COMMAND_CODE_RESET
#define DIGEST CRYPTO_COMMAND_CODE_DIGEST
#define ENCRYPT CRYPTO_COMMAND_CODE_ENCRYPT
#define DECRYPT CRYPTO_COMMAND_CODE_DECRYPT
#define ABORT CRYPTO_COMMAND_CODE_ABORT
#define BIG (16 << 20)

#define DONE CRYPTO_INT_STATUS_DONE_MASK
#define ERROR CRYPTO_INT_STATUS_ERROR_MASK
#define RESET_DONE CRYPTO_INT_STATUS_RESET_DONE_MASK
#define REFUSED CRYPTO_INT_STATUS_REFUSED_MASK

static const uint8_t key[32] = "thirty-two bytes make one key..";
static const uint8_t iv[16] = "sixteen bytes..";

static bool virtual_time(struct rig *r)
{
	return us_fn_info(r->fn)->virtual_time;
}

static bool busy(struct rig *r)
{
	return rig_read(r, CRYPTO_STATUS) & CRYPTO_STATUS_BUSY_MASK;
}

static uint32_t causes(struct rig *r)
{
	return rig_read(r, CRYPTO_INT_STATUS);
}

/* An encryption of `length` bytes from the beginning of the input to the beginning of the output, ready to start. */
static void prepare(struct rig *r, uint32_t length)
{
	rig_key(r, key, iv);
	rig_one(r, IN, 0, length);
	rig_one(r, OUT, 0, length);
}

static void assert_encrypted(struct rig *r, uint32_t length)
{
	static uint8_t expected[BIG];

	rig_aes(true, key, iv, r->in, expected, length);
	assert_memory_equal(r->out, expected, length);
}

static bool zero(const uint8_t *at, size_t size)
{
	return !size || (!at[0] && !memcmp(at, at + 1, size - 1));
}

/* -- start -------------------------------------------------------------------------------------------------------- */

static void only_byte_0_of_command_starts_something(void **state)
{
	struct rig *r = *state;

	prepare(r, 16);
	rig_write(r, CRYPTO_LENGTH, 16);
	assert_int_equal(us_fn_write(r->fn, US_REGION_BAR0, CRYPTO_COMMAND + 1, 1, ENCRYPT), 0);
	assert_int_equal(us_fn_write(r->fn, US_REGION_BAR0, CRYPTO_COMMAND + 2, 2, ENCRYPT), 0);
	us_fn_sleep(r->fn, 100000);
	assert_int_equal(causes(r), 0);
	assert_true(zero(r->out, 16));
	for (unsigned width = 1; width <= 4; width *= 2) {
		memset(r->out, 0, 16);
		assert_int_equal(us_fn_write(r->fn, US_REGION_BAR0, CRYPTO_COMMAND, width, ENCRYPT), 0);
		rig_ready(r);
		assert_int_equal(causes(r), DONE);
		rig_write(r, CRYPTO_INT_STATUS, DONE);
		assert_encrypted(r, 16);
	}
	rig_write(r, CRYPTO_COMMAND, 0xffffff00 | ENCRYPT);
	rig_ready(r);
	assert_int_equal(causes(r), DONE);
	assert_int_equal(rig_read(r, CRYPTO_COMMAND), 0);
}

static void a_command_is_busy_at_once_and_ready_when_its_cause_is_set(void **state)
{
	struct rig *r = *state;

	prepare(r, BIG);
	assert_int_equal(rig_read(r, CRYPTO_STATUS) & 7, CRYPTO_STATUS_READY_MASK);
	rig_start(r, ENCRYPT, BIG);
	if (virtual_time(r)) {
		assert_int_equal(rig_read(r, CRYPTO_STATUS) & 7, CRYPTO_STATUS_BUSY_MASK);
		assert_int_equal(rig_read(r, CRYPTO_BYTES_DONE), 0);
		assert_int_equal(causes(r), 0);
	}
	while (!causes(r))
		us_fn_sleep(r->fn, 100);
	assert_int_equal(rig_read(r, CRYPTO_STATUS) & 7, CRYPTO_STATUS_READY_MASK);
	assert_int_equal(causes(r), DONE);
	assert_int_equal(rig_read(r, CRYPTO_ERROR), 0);
	assert_int_equal(rig_read(r, CRYPTO_BYTES_DONE), BIG);
	assert_encrypted(r, BIG);
}

static void progress_never_goes_back(void **state)
{
	struct rig *r = *state;
	uint32_t last = 0, steps = 0;

	prepare(r, BIG);
	rig_start(r, ENCRYPT, BIG);
	while (busy(r)) {
		uint32_t now = rig_read(r, CRYPTO_BYTES_DONE);

		assert_true(now >= last);
		steps += now > last;
		last = now;
		us_fn_sleep(r->fn, 5000);
	}
	assert_int_equal(rig_read(r, CRYPTO_BYTES_DONE), BIG);
	if (virtual_time(r))
		assert_true(steps > 10);
}

/* In virtual time the cause is set then and not a nanosecond earlier; else not earlier. */
static void assert_takes(struct rig *r, uint8_t code, uint32_t length, uint64_t expected)
{
	uint64_t begun = us_fn_now(r->fn);

	rig_write(r, CRYPTO_INT_STATUS, UINT32_MAX);
	rig_start(r, code, length);
	if (virtual_time(r)) {
		us_fn_sleep(r->fn, expected - 1);
		assert_int_equal(causes(r), 0);
		us_fn_sleep(r->fn, 1);
		assert_int_equal(causes(r), DONE);
	} else {
		while (!causes(r))
			;
		assert_true(us_fn_now(r->fn) - begun >= expected);
	}
}

static void a_command_takes_its_stated_time(void **state)
{
	struct rig *r = *state;
	struct rig_entry three[] = {{RIG_IN, 1, 0}, {RIG_IN + 8, 1, 0}, {RIG_IN + 16, 15, 0}};

	rig_one(r, IN, 0, 0);
	assert_takes(r, DIGEST, 0, 2000);
	rig_list(r, IN, three, 3);
	assert_takes(r, DIGEST, 17, 2000 + 3 + 2);
	rig_window(r, IN, three, 3);
	assert_takes(r, DIGEST, 17, 2000 + 3 + 2);
	for (uint32_t length = 16; length <= BIG; length *= 4) {
		prepare(r, length);
		assert_takes(r, ENCRYPT, length, 2000 + 2 + length / 16);
		assert_takes(r, DECRYPT, length, 2000 + 2 + length / 16);
	}
	rig_one(r, IN, 0, 1000001);
	rig_one(r, OUT, 0, 32);
	assert_takes(r, DIGEST, 1000001, 2000 + 2 + 62501);
}

static void registers_and_windows_may_be_rewritten_while_a_command_runs(void **state)
{
	static const uint8_t other[32] = {9};
	struct rig *r = *state;
	struct rig_entry in = {RIG_IN, BIG, 0}, out = {RIG_OUT, BIG, 0}, nothing = {RIG_NOTHING, 1, 0};

	for (unsigned window = 0; window < 2; window++) {
		memset(r->out, 0, BIG);
		rig_key(r, key, iv);
		(window ? rig_window : rig_list)(r, IN, &in, 1);
		(window ? rig_window : rig_list)(r, OUT, &out, 1);
		rig_start(r, ENCRYPT, BIG);
		rig_key(r, other, other);
		rig_chain(r, false, false);
		rig_window(r, IN, &nothing, 1);
		rig_window(r, OUT, &nothing, 1);
		for (uint64_t reg = CRYPTO_CONTROL; reg <= CRYPTO_OUT_COUNT; reg += 4)
			rig_write(r, reg, reg == CRYPTO_CONTROL ? 3 : 0xa5a5a5a0);
		rig_ready(r);
		assert_int_equal(causes(r), DONE);
		rig_write(r, CRYPTO_INT_STATUS, DONE);
		assert_encrypted(r, BIG);
		assert_int_equal(rig_read(r, CRYPTO_LENGTH), 0xa5a5a5a0);
	}
}

static void checks_are_made_in_the_stated_order(void **state)
{
	static const uint8_t order[] = {
		CRYPTO_ERROR_CODE_UNKNOWN_COMMAND, CRYPTO_ERROR_CODE_BAD_LENGTH, CRYPTO_ERROR_CODE_BAD_COUNT,
		CRYPTO_ERROR_CODE_BAD_LIST,        CRYPTO_ERROR_CODE_NO_CHAIN,   CRYPTO_ERROR_CODE_NO_KEY,
		CRYPTO_ERROR_CODE_NO_IV,           CRYPTO_ERROR_CODE_LIST_FAULT,
	};
	struct rig *r = *state;

	/* Everything is wrong; with each step one thing is put right. */
	for (unsigned step = 0; step < sizeof order; step++) {
		rig_one(r, IN, 0, 16);
		rig_one(r, OUT, 0, 16);
		rig_write(r, CRYPTO_IN_LIST_LO, (uint32_t)RIG_NOTHING + (step <= 3));
		rig_write(r, CRYPTO_IN_LIST_HI, (uint32_t)(RIG_NOTHING >> 32));
		rig_write(r, CRYPTO_OUT_COUNT, step <= 2 ? 0 : 1);
		rig_chain(r, step > 4, true);
		rig_key(r, step > 5 ? key : NULL, step > 6 ? iv : NULL);
		assert_int_equal(rig_run(r, step ? ENCRYPT : 99, step <= 1 ? 17 : 16), order[step]);
	}
	rig_one(r, IN, 0, 16);
	rig_write(r, CRYPTO_OUT_LIST_HI, (uint32_t)(RIG_NOTHING >> 32));
	r->list[IN]->length = 0;
	assert_int_equal(rig_run(r, ENCRYPT, 16), CRYPTO_ERROR_CODE_BAD_ENTRY); /* input list before output list */
}

static void every_value_that_is_no_command_is_an_unknown_command(void **state)
{
	struct rig *r = *state;

	for (unsigned code = 0; code < 256; code++) {
		if (code < RESET || code > ABORT)
			assert_int_equal(rig_run(r, (uint8_t)code, 16), CRYPTO_ERROR_CODE_UNKNOWN_COMMAND);
	}
	rig_assert_usable(r);
}

static void a_command_works_after_each_error_and_error_code_goes_with_it(void **state)
{
	struct rig *r = *state;

	for (unsigned i = 0; i < 3; i++) {
		rig_one(r, IN, RIG_NOTHING - RIG_IN, 16);
		rig_one(r, OUT, 0, 0);
		assert_int_equal(rig_run(r, DIGEST, 16), CRYPTO_ERROR_CODE_INPUT_FAULT);
		assert_int_equal(rig_fault(r), RIG_NOTHING);
		prepare(r, 64);
		rig_start(r, ENCRYPT, 64);
		assert_int_equal(rig_read(r, CRYPTO_ERROR), 0);
		assert_int_equal(rig_fault(r), 0);
		rig_ready(r);
		assert_int_equal(causes(r), DONE);
		assert_int_equal(rig_read(r, CRYPTO_ERROR), 0);
		assert_encrypted(r, 64);
	}
}

/* -- refusal ------------------------------------------------------------------------------------------------------ */

/*
 * Has `code` refused by writing it while an encryption runs. In real time that may be over too soon, when this process
 * is kept from running: false then.
 */
static bool refused(struct rig *r, uint8_t code)
{
	rig_write(r, CRYPTO_INT_STATUS, REFUSED);
	rig_write(r, CRYPTO_COMMAND, code);
	if (!(causes(r) & REFUSED)) {
		assert_false(virtual_time(r));
		rig_ready(r);
		return false;
	}
	assert_int_equal(rig_read(r, CRYPTO_ERROR), CRYPTO_ERROR_REFUSED_BUSY << CRYPTO_ERROR_REFUSED_SHIFT);
	assert_int_equal(rig_fault(r), 0);
	assert_false(causes(r) & ERROR);
	return true;
}

static void a_command_while_one_runs_is_refused_and_disturbs_nothing(void **state)
{
	struct rig *r = *state;
	uint32_t length = virtual_time(r) ? 1 << 16 : BIG;

	prepare(r, length);
	for (unsigned code = 0; code < 256; code += virtual_time(r) ? 1 : 51) {
		if (code == RESET || code == ABORT)
			continue;
		rig_write(r, CRYPTO_INT_STATUS, UINT32_MAX);
		rig_start(r, ENCRYPT, length);
		while (!refused(r, (uint8_t)code))
			rig_start(r, ENCRYPT, length);
		rig_ready(r);
		assert_int_equal(causes(r), DONE | REFUSED);
		assert_int_equal(rig_read(r, CRYPTO_ERROR), CRYPTO_ERROR_REFUSED_BUSY << CRYPTO_ERROR_REFUSED_SHIFT);
		if (code % 51 == 0)
			assert_encrypted(r, length);
	}
}

static void a_refused_command_leaves_the_chain_open(void **state)
{
	struct rig *r = *state;
	uint8_t expected[32], digest[32];

	do {
		rig_chain(r, true, false);
		rig_one(r, IN, 0, BIG);
		rig_start(r, DIGEST, BIG);
	} while (!refused(r, DIGEST));
	rig_ready(r);
	rig_chain(r, false, true);
	rig_one(r, IN, BIG, 10);
	assert_int_equal(rig_run(r, DIGEST, 10), 0);
	rig_sha256(r->in, BIG + 10, expected);
	rig_digest(r, digest);
	assert_memory_equal(digest, expected, 32);
}

/* -- memory ------------------------------------------------------------------------------------------------------- */

static void without_bus_master_a_command_that_needs_memory_fails_and_moves_nothing(void **state)
{
	struct rig *r = *state;
	struct rig_entry in = {RIG_IN, 64, 0}, out = {RIG_OUT, 64, 0};

	prepare(r, 64);
	rig_bus_master(r, false);
	for (unsigned window = 0; window < 2; window++) {
		(window ? rig_window : rig_list)(r, IN, &in, 1);
		(window ? rig_window : rig_list)(r, OUT, &out, 1);
		assert_int_equal(rig_run(r, ENCRYPT, 64), CRYPTO_ERROR_CODE_BUS_MASTER);
		assert_int_equal(rig_fault(r), 0);
		assert_true(zero(r->out, 64));
	}
	rig_one(r, IN, 0, 0);
	rig_one(r, OUT, 0, 0);
	assert_int_equal(rig_run(r, DIGEST, 0), 0);
	rig_bus_master(r, true);
	prepare(r, 64);
	assert_int_equal(rig_run(r, ENCRYPT, 64), 0);
	assert_encrypted(r, 64);
}

/* In real time the slice that is under way may still be written, and the command may be over before the bit is. */
static void bus_master_taken_away_ends_a_running_command(void **state)
{
	struct rig *r = *state;
	uint32_t done;

	do {
		prepare(r, BIG);
		rig_bus_master(r, true);
		rig_write(r, CRYPTO_INT_STATUS, UINT32_MAX);
		rig_start(r, ENCRYPT, BIG);
		us_fn_sleep(r->fn, 500000);
		rig_bus_master(r, false);
		done = rig_read(r, CRYPTO_BYTES_DONE);
		if (virtual_time(r)) {
			assert_in_range(done, 1, BIG - 1);
			memset(r->out + done, 0, BIG - done);
		}
		rig_ready(r);
	} while (!virtual_time(r) && causes(r) == DONE);
	assert_int_equal(causes(r), ERROR);
	assert_int_equal(rig_read(r, CRYPTO_ERROR), CRYPTO_ERROR_CODE_BUS_MASTER);
	if (virtual_time(r)) {
		assert_int_equal(rig_read(r, CRYPTO_BYTES_DONE), done);
		assert_true(zero(r->out + done, BIG - done));
	}
	assert_encrypted(r, rig_read(r, CRYPTO_BYTES_DONE));
	rig_bus_master(r, true);
	rig_assert_usable(r);
}

/* Input or output ends where nothing is mapped, after `good` bytes, at every stage of a command. */
static void memory_that_can_not_be_reached_is_named_to_the_byte(void **state)
{
	static const uint32_t goods[] = {0, 1, 15, 16, 17, 4095, 4096, 4111, 300000, 1000000, (1 << 20) - 1};
	struct rig *r = *state;

	rig_key(r, key, iv);
	for (size_t i = 0; i < sizeof goods / sizeof *goods; i++) {
		struct rig_entry bad[2], good = {0, 1 << 20, 0};
		uint32_t n = goods[i];

		for (enum rig_side side = IN; side <= OUT; side++) {
			uint32_t done;

			/* What is there ends with the arena, so that both pieces seem to be one. */
			bad[0] = (struct rig_entry){(side == IN ? RIG_IN : RIG_OUT) + RIG_DATA_SIZE - n, 1 << 20, 0};
			rig_list(r, side, bad, 1);
			good.address = side == IN ? RIG_OUT : RIG_IN;
			rig_list(r, side == IN ? OUT : IN, &good, 1);
			assert_int_equal(rig_run(r, ENCRYPT, 1 << 20),
					 side == IN ? CRYPTO_ERROR_CODE_INPUT_FAULT : CRYPTO_ERROR_CODE_OUTPUT_FAULT);
			assert_int_equal(rig_fault(r), (side == IN ? RIG_IN : RIG_OUT) + RIG_DATA_SIZE);
			done = rig_read(r, CRYPTO_BYTES_DONE);
			assert_true(done <= n);
			if (done) {
				static uint8_t expected[1 << 20];
				const uint8_t *in = r->in + (side == IN ? RIG_DATA_SIZE - n : 0);
				const uint8_t *out = r->out + (side == OUT ? RIG_DATA_SIZE - n : 0);

				rig_aes(true, key, iv, in, expected, done);
				assert_memory_equal(out, expected, done);
			}
			/* The same with two fragments apart. */
			bad[0].length = n ? n : 1;
			bad[0].address = side == IN ? RIG_IN : RIG_OUT;
			bad[1] = (struct rig_entry){RIG_NOTHING + 5, (1 << 20) - bad[0].length, 0};
			rig_list(r, side, bad, 2);
			assert_int_equal(rig_run(r, ENCRYPT, 1 << 20),
					 side == IN ? CRYPTO_ERROR_CODE_INPUT_FAULT : CRYPTO_ERROR_CODE_OUTPUT_FAULT);
			assert_int_equal(rig_fault(r), RIG_NOTHING + 5);
			assert_true(rig_read(r, CRYPTO_BYTES_DONE) <= bad[0].length);
		}
	}
	rig_assert_usable(r);
}

static void permissions_of_memory_are_kept(void **state)
{
	struct rig *r = *state;
	struct rig_entry e = {RIG_NOTHING, 16, 0};
	void *at;

	assert_int_equal(us_fn_dma_alloc(r->fn, RIG_NOTHING, 4096, US_FN_DMA_READ, &at), 0);
	prepare(r, 16);
	rig_list(r, OUT, &e, 1);
	assert_int_equal(rig_run(r, ENCRYPT, 16), CRYPTO_ERROR_CODE_OUTPUT_FAULT);
	assert_int_equal(rig_fault(r), RIG_NOTHING);
	assert_true(zero(at, 4096));
	rig_one(r, OUT, 0, 16);
	rig_list(r, IN, &e, 1);
	assert_int_equal(rig_run(r, ENCRYPT, 16), 0);
}

static void a_digest_that_can_not_be_delivered_is_an_output_fault(void **state)
{
	struct rig *r = *state;
	struct rig_entry e[] = {{RIG_OUT, 16, 0}, {RIG_NOTHING, 16, 0}};
	uint8_t digest[32];

	rig_one(r, IN, 0, 100);
	rig_list(r, OUT, e, 2);
	assert_int_equal(rig_run(r, DIGEST, 100), CRYPTO_ERROR_CODE_OUTPUT_FAULT);
	assert_int_equal(rig_fault(r), RIG_NOTHING);
	rig_digest(r, digest);
	assert_true(zero(digest, 32));
}

/* -- abort -------------------------------------------------------------------------------------------------------- */

/* Aborts an encryption that began `when` ns ago; false when it was over by then. */
static bool assert_aborted(struct rig *r, uint64_t when)
{
	uint32_t done;

	prepare(r, BIG);
	memset(r->out, 0, BIG);
	rig_start(r, ENCRYPT, BIG);
	us_fn_sleep(r->fn, when);
	rig_write(r, CRYPTO_COMMAND, ABORT);
	assert_int_equal(rig_read(r, CRYPTO_STATUS) & 7, CRYPTO_STATUS_READY_MASK);
	if (causes(r) == DONE)
		return false;
	assert_int_equal(causes(r), ERROR);
	assert_int_equal(rig_read(r, CRYPTO_ERROR), CRYPTO_ERROR_CODE_ABORTED);
	assert_int_equal(rig_fault(r), 0);
	rig_write(r, CRYPTO_INT_STATUS, ERROR);
	done = rig_read(r, CRYPTO_BYTES_DONE);
	assert_encrypted(r, done);
	memset(r->out, 0, BIG);
	us_fn_sleep(r->fn, 10000000);
	assert_true(zero(r->out, BIG));
	assert_int_equal(causes(r), 0);
	rig_assert_usable(r);
	return true;
}

static void an_abort_ends_a_command_at_any_stage(void **state)
{
	struct rig *r = *state;
	unsigned aborted = 0;

	for (uint64_t when = 0; when < 2002 + BIG / 16; when = when < 2010 ? when + 1 + when / 2 : when + 77777) {
		bool ended = assert_aborted(r, when);

		assert_true(ended || !virtual_time(r));
		aborted += ended;
		rig_write(r, CRYPTO_INT_STATUS, UINT32_MAX);
	}
	assert_true(aborted > 0);
}

static void an_abort_of_nothing_does_nothing(void **state)
{
	struct rig *r = *state;

	prepare(r, 64);
	rig_write(r, CRYPTO_COMMAND, ABORT);
	us_fn_sleep(r->fn, 100000);
	assert_int_equal(causes(r), 0);
	assert_int_equal(rig_read(r, CRYPTO_ERROR), 0);
	assert_int_equal(rig_run(r, ENCRYPT, 64), 0);
	rig_write(r, CRYPTO_COMMAND, ABORT);
	assert_int_equal(causes(r), 0);
	assert_int_equal(rig_read(r, CRYPTO_ERROR), 0);
	assert_int_equal(rig_read(r, CRYPTO_BYTES_DONE), 64);
	rig_write(r, CRYPTO_COMMAND, RESET);
	rig_write(r, CRYPTO_COMMAND, ABORT);
	rig_ready(r);
	assert_int_equal(causes(r), RESET_DONE);
}

static void an_aborted_command_ends_with_exactly_one_cause(void **state)
{
	struct rig *r = *state;

	for (unsigned round = 0; round < 50; round++) {
		prepare(r, 4096);
		rig_start(r, ENCRYPT, 4096);
		us_fn_sleep(r->fn, 100 * round);
		rig_write(r, CRYPTO_COMMAND, ABORT);
		rig_ready(r);
		assert_true(causes(r) == DONE || causes(r) == ERROR);
		rig_write(r, CRYPTO_INT_STATUS, UINT32_MAX);
	}
}

/* -- reset -------------------------------------------------------------------------------------------------------- */

/* Stages of a command, as ns after its start: before the lists, at them, before, in and after the data. */
static const uint64_t stages[] = {0, 1999, 2000, 2001, 2002, 2003, 20000, 500000, 1050577, 1050578, 1100000};
#define STAGES (sizeof stages / sizeof *stages)

static void start_and_wait(struct rig *r, uint64_t when)
{
	prepare(r, BIG);
	rig_start(r, ENCRYPT, BIG);
	us_fn_sleep(r->fn, when);
}

/* The device has forgotten everything, and the old command does nothing more. */
static void assert_forgotten(struct rig *r)
{
	static const uint8_t none[32];
	uint8_t digest[32];

	assert_int_equal(rig_read(r, CRYPTO_STATUS), CRYPTO_STATUS_READY_MASK);
	assert_int_equal(rig_read(r, CRYPTO_CONTROL), 3);
	for (uint64_t reg = CRYPTO_LENGTH; reg <= CRYPTO_OUT_COUNT; reg += 4)
		assert_int_equal(rig_read(r, reg), 0);
	for (uint64_t reg = CRYPTO_ERROR; reg <= CRYPTO_BYTES_DONE; reg += 4)
		assert_int_equal(rig_read(r, reg), 0);
	for (uint64_t reg = CRYPTO_IN_WINDOW_ADDRESS_LO(0); reg < CRYPTO_OUT_WINDOW_ADDRESS_LO(0) + 256; reg += 4)
		assert_int_equal(rig_read(r, reg), 0);
	rig_digest(r, digest);
	assert_memory_equal(digest, none, sizeof digest);
	memset(r->out, 0, BIG);
	us_fn_sleep(r->fn, 10000000);
	assert_true(zero(r->out, BIG));
	assert_int_equal(causes(r) & (DONE | ERROR), 0);
	rig_one(r, IN, 0, 16);
	rig_one(r, OUT, 0, 16);
	assert_int_equal(rig_run(r, ENCRYPT, 16), CRYPTO_ERROR_CODE_NO_KEY);
	rig_key(r, key, NULL);
	assert_int_equal(rig_run(r, ENCRYPT, 16), CRYPTO_ERROR_CODE_NO_IV);
	rig_assert_usable(r);
}

static void the_reset_command_ends_everything_at_any_stage(void **state)
{
	struct rig *r = *state;

	for (size_t i = 0; i < STAGES; i++) {
		rig_write(r, CRYPTO_INT_ENABLE, DONE | REFUSED);
		start_and_wait(r, stages[i]);
		rig_write(r, CRYPTO_COMMAND, RESET);
		if (virtual_time(r)) {
			assert_int_equal(rig_read(r, CRYPTO_STATUS), CRYPTO_STATUS_RESETTING_MASK);
			assert_int_equal(causes(r), 0);
			us_fn_sleep(r->fn, 9999);
			assert_int_equal(rig_read(r, CRYPTO_STATUS), CRYPTO_STATUS_RESETTING_MASK);
			assert_int_equal(causes(r), 0);
			us_fn_sleep(r->fn, 1);
		}
		rig_ready(r);
		while (!causes(r))
			;
		assert_int_equal(causes(r), RESET_DONE);
		rig_write(r, CRYPTO_INT_STATUS, RESET_DONE);
		assert_int_equal(rig_read(r, CRYPTO_INT_ENABLE), DONE | REFUSED);
		assert_forgotten(r);
	}
}

static void function_level_reset_ends_everything_at_any_stage(void **state)
{
	struct rig *r = *state;

	for (size_t i = 0; i < STAGES; i++) {
		rig_write(r, CRYPTO_INT_ENABLE, 15);
		start_and_wait(r, stages[i]);
		assert_int_equal(us_fn_reset(r->fn), 0);
		rig_bus_master(r, true);
		assert_int_equal(causes(r), 0);
		assert_int_equal(rig_read(r, CRYPTO_INT_ENABLE), 0);
		assert_forgotten(r);
	}
}

static void the_return_from_d3hot_is_a_reset(void **state)
{
	struct rig *r = *state;
	int pm = us_fn_capability(r->fn, 1);

	assert_true(pm > 0);
	for (size_t i = 0; i < STAGES; i++) {
		rig_write(r, CRYPTO_INT_ENABLE, 15);
		start_and_wait(r, stages[i]);
		assert_int_equal(us_fn_write(r->fn, US_REGION_CONFIG, (uint64_t)pm + 4, 2, 3), 0);
		us_fn_sleep(r->fn, 10000000);
		assert_int_equal(us_fn_write(r->fn, US_REGION_CONFIG, (uint64_t)pm + 4, 2, 0), 0);
		us_fn_sleep(r->fn, 10000000);
		assert_int_equal(us_fn_write(r->fn, US_REGION_CONFIG, 4, 2, 6), 0);
		assert_int_equal(causes(r), 0);
		assert_int_equal(rig_read(r, CRYPTO_INT_ENABLE), 0);
		assert_forgotten(r);
	}
}

/* In real time the reset may be over before the command is written: then it runs. */
static void while_resetting_commands_are_refused_and_registers_keep_what_is_written(void **state)
{
	struct rig *r = *state;

	rig_write(r, CRYPTO_COMMAND, RESET);
	prepare(r, 64);
	rig_start(r, ENCRYPT, 64);
	if (virtual_time(r)) {
		assert_int_equal(causes(r), REFUSED);
		assert_int_equal(rig_read(r, CRYPTO_ERROR), CRYPTO_ERROR_REFUSED_BUSY << CRYPTO_ERROR_REFUSED_SHIFT);
	}
	rig_ready(r);
	us_fn_sleep(r->fn, 1000);
	assert_true(causes(r) == (REFUSED | RESET_DONE) || (!virtual_time(r) && causes(r) == (DONE | RESET_DONE)));
	assert_int_equal(rig_run(r, ENCRYPT, 64), 0);
	assert_encrypted(r, 64);
}

static void a_reset_in_a_reset_begins_anew(void **state)
{
	struct rig *r = *state;

	rig_write(r, CRYPTO_COMMAND, RESET);
	us_fn_sleep(r->fn, virtual_time(r) ? 9000 : 0);
	rig_write(r, CRYPTO_COMMAND, RESET);
	if (virtual_time(r)) {
		us_fn_sleep(r->fn, 9999);
		assert_int_equal(causes(r), 0);
		us_fn_sleep(r->fn, 1);
	}
	rig_ready(r);
	us_fn_sleep(r->fn, 1000);
	assert_int_equal(causes(r), RESET_DONE);
	rig_write(r, CRYPTO_INT_STATUS, RESET_DONE);
	us_fn_sleep(r->fn, 100000);
	assert_int_equal(causes(r), 0);
}

static void the_reset_command_leaves_config_space_alone(void **state)
{
	struct rig *r = *state;
	uint64_t before, after;

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned offset = 0; offset < 64; offset += 4) {
			assert_int_equal(us_fn_read(r->fn, US_REGION_CONFIG, offset, 4, &before), 0);
			rig_reset(r);
			assert_int_equal(us_fn_read(r->fn, US_REGION_CONFIG, offset, 4, &after), 0);
			assert_int_equal(after, before);
		}
		assert_int_equal(us_fn_read(r->fn, US_REGION_CONFIG, 4, 2, &after), 0);
		assert_true(after & 4);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST("CRY-020 CRY-004 CRY-075", only_byte_0_of_command_starts_something),
		TEST("CRY-020 CRY-022 CRY-023 CRY-077 CRY-080",
		     a_command_is_busy_at_once_and_ready_when_its_cause_is_set),
		TEST("CRY-080", progress_never_goes_back),
		TEST("CRY-024", a_command_takes_its_stated_time),
		TEST("CRY-021 CRY-064", registers_and_windows_may_be_rewritten_while_a_command_runs),
		TEST("CRY-025", checks_are_made_in_the_stated_order),
		TEST("CRY-027", every_value_that_is_no_command_is_an_unknown_command),
		TEST("CRY-022 CRY-026 CRY-078 CRY-079", a_command_works_after_each_error_and_error_code_goes_with_it),
		TEST("CRY-028 CRY-078", a_command_while_one_runs_is_refused_and_disturbs_nothing),
		TEST("CRY-028 CRY-035", a_refused_command_leaves_the_chain_open),
		TEST("CRY-029", without_bus_master_a_command_that_needs_memory_fails_and_moves_nothing),
		TEST("CRY-029 CRY-030", bus_master_taken_away_ends_a_running_command),
		TEST("CRY-030 CRY-079 CRY-080", memory_that_can_not_be_reached_is_named_to_the_byte),
		TEST("CRY-030", permissions_of_memory_are_kept),
		TEST("CRY-030 CRY-061 CRY-084", a_digest_that_can_not_be_delivered_is_an_output_fault),
		TEST("CRY-045 CRY-026", an_abort_ends_a_command_at_any_stage),
		TEST("CRY-046", an_abort_of_nothing_does_nothing),
		TEST("CRY-046 CRY-022", an_aborted_command_ends_with_exactly_one_cause),
		TEST("CRY-040 CRY-007 CRY-008 CRY-081", the_reset_command_ends_everything_at_any_stage),
		TEST("CRY-006 CRY-007 CRY-008 CRY-081", function_level_reset_ends_everything_at_any_stage),
		TEST("CRY-006 CRY-007 CRY-008", the_return_from_d3hot_is_a_reset),
		TEST("CRY-028 CRY-041", while_resetting_commands_are_refused_and_registers_keep_what_is_written),
		TEST("CRY-041", a_reset_in_a_reset_begins_anew),
		TEST("CRY-040", the_reset_command_leaves_config_space_alone),
	};

	rig_target(argc, argv);
	return cmocka_run_group_tests(tests, NULL, rig_close);
}
