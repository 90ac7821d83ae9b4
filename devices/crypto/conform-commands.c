/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a crypto command: start, time, refusal, errors of memory. */
#include "conform-rig.h"

#include <string.h>

static bool busy(struct rig *r)
{
	return cry_read(r, CRYPTO_STATUS) & CRYPTO_STATUS_BUSY_MASK;
}

/* -- start -------------------------------------------------------------------------------------------------------- */

static void only_byte_0_of_command_starts_something(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	cry_prepare(r, 16);
	cry_write(r, CRYPTO_LENGTH, 16);
	us_run_done(r->run, us_fn_write(r->fn, US_REGION_BAR0, CRYPTO_COMMAND + 1, 1, ENCRYPT));
	us_run_done(r->run, us_fn_write(r->fn, US_REGION_BAR0, CRYPTO_COMMAND + 2, 2, ENCRYPT));
	us_fn_sleep(r->fn, 100000);
	us_check_equal(r->run, cry_causes(r), 0);
	us_check(r->run, cry_zero(r->out, 16));
	for (unsigned width = 1; width <= 4; width *= 2) {
		memset(r->out, 0, 16);
		us_run_done(r->run, us_fn_write(r->fn, US_REGION_BAR0, CRYPTO_COMMAND, width, ENCRYPT));
		cry_ready(r);
		us_check_equal(r->run, cry_causes(r), DONE);
		cry_write(r, CRYPTO_INT_STATUS, DONE);
		cry_check_encrypted(r, 16);
	}
	cry_write(r, CRYPTO_COMMAND, 0xffffff00 | ENCRYPT);
	cry_ready(r);
	us_check_equal(r->run, cry_causes(r), DONE);
	us_check_equal(r->run, cry_read(r, CRYPTO_COMMAND), 0);
}

static void a_command_is_busy_at_once_and_ready_when_its_cause_is_set(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_LARGE);

	cry_prepare(r, RIG_BIG);
	us_check_equal(r->run, cry_read(r, CRYPTO_STATUS) & 7, CRYPTO_STATUS_READY_MASK);
	cry_start(r, ENCRYPT, RIG_BIG);
	if (cry_virtual_time(r)) {
		us_check_equal(r->run, cry_read(r, CRYPTO_STATUS) & 7, CRYPTO_STATUS_BUSY_MASK);
		us_check_equal(r->run, cry_read(r, CRYPTO_BYTES_DONE), 0);
		us_check_equal(r->run, cry_causes(r), 0);
	}
	cry_first_causes(r);
	us_check_equal(r->run, cry_read(r, CRYPTO_STATUS) & 7, CRYPTO_STATUS_READY_MASK);
	us_check_equal(r->run, cry_causes(r), DONE);
	us_check_equal(r->run, cry_read(r, CRYPTO_ERROR), 0);
	us_check_equal(r->run, cry_read(r, CRYPTO_BYTES_DONE), RIG_BIG);
	cry_check_encrypted(r, RIG_BIG);
}

static void progress_never_goes_back(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_LARGE);
	uint32_t last = 0, steps = 0;

	cry_prepare(r, RIG_BIG);
	cry_start(r, ENCRYPT, RIG_BIG);
	while (busy(r)) {
		uint32_t now = cry_read(r, CRYPTO_BYTES_DONE);

		us_check(r->run, now >= last);
		steps += now > last;
		last = now;
		us_fn_sleep(r->fn, 5000);
	}
	us_check_equal(r->run, cry_read(r, CRYPTO_BYTES_DONE), RIG_BIG);
	if (cry_virtual_time(r))
		us_check(r->run, steps > 10);
}

/* In virtual time the cause is set then and not a nanosecond earlier; else not earlier. */
static void check_takes(struct rig *r, uint8_t code, uint32_t length, uint64_t expected)
{
	uint64_t begun = us_fn_now(r->fn);

	cry_write(r, CRYPTO_INT_STATUS, UINT32_MAX);
	cry_start(r, code, length);
	if (cry_virtual_time(r)) {
		us_fn_sleep(r->fn, expected - 1);
		us_check_equal(r->run, cry_causes(r), 0);
		us_fn_sleep(r->fn, 1);
		us_check_equal(r->run, cry_causes(r), DONE);
	} else {
		cry_first_causes(r);
		us_check(r->run, us_fn_now(r->fn) - begun >= expected);
	}
}

static void a_command_takes_its_stated_time(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_LARGE);
	struct cry_entry three[] = {{RIG_IN, 1, 0}, {RIG_IN + 8, 1, 0}, {RIG_IN + 16, 15, 0}};

	cry_one(r, IN, 0, 0);
	check_takes(r, DIGEST, 0, 2000);
	cry_list(r, IN, three, 3);
	check_takes(r, DIGEST, 17, 2000 + 3 + 2);
	cry_window(r, IN, three, 3);
	check_takes(r, DIGEST, 17, 2000 + 3 + 2);
	for (uint32_t length = 16; length <= RIG_BIG; length *= 4) {
		cry_prepare(r, length);
		check_takes(r, ENCRYPT, length, 2000 + 2 + length / 16);
		check_takes(r, DECRYPT, length, 2000 + 2 + length / 16);
	}
	cry_one(r, IN, 0, 1000001);
	cry_one(r, OUT, 0, 32);
	check_takes(r, DIGEST, 1000001, 2000 + 2 + 62501);
}

static void registers_and_windows_may_be_rewritten_while_a_command_runs(struct us_run *run)
{
	static const uint8_t other[32] = {9};
	struct rig *r = cry_open(run, RIG_LARGE);
	struct cry_entry in = {RIG_IN, RIG_BIG, 0}, out = {RIG_OUT, RIG_BIG, 0}, nothing = {RIG_NOTHING, 1, 0};

	for (unsigned window = 0; window < 2; window++) {
		memset(r->out, 0, RIG_BIG);
		cry_key(r, cry_a_key, cry_an_iv);
		(window ? cry_window : cry_list)(r, IN, &in, 1);
		(window ? cry_window : cry_list)(r, OUT, &out, 1);
		cry_start(r, ENCRYPT, RIG_BIG);
		cry_key(r, other, other);
		cry_chain(r, false, false);
		cry_window(r, IN, &nothing, 1);
		cry_window(r, OUT, &nothing, 1);
		for (uint64_t reg = CRYPTO_CONTROL; reg <= CRYPTO_OUT_COUNT; reg += 4)
			cry_write(r, reg, reg == CRYPTO_CONTROL ? 3 : 0xa5a5a5a0);
		cry_ready(r);
		us_check_equal(r->run, cry_causes(r), DONE);
		cry_write(r, CRYPTO_INT_STATUS, DONE);
		cry_check_encrypted(r, RIG_BIG);
		us_check_equal(r->run, cry_read(r, CRYPTO_LENGTH), 0xa5a5a5a0);
	}
}

static void checks_are_made_in_the_stated_order(struct us_run *run)
{
	static const uint8_t order[] = {
		CRYPTO_ERROR_CODE_UNKNOWN_COMMAND, CRYPTO_ERROR_CODE_BAD_LENGTH, CRYPTO_ERROR_CODE_BAD_COUNT,
		CRYPTO_ERROR_CODE_BAD_LIST,        CRYPTO_ERROR_CODE_NO_CHAIN,   CRYPTO_ERROR_CODE_NO_KEY,
		CRYPTO_ERROR_CODE_NO_IV,           CRYPTO_ERROR_CODE_LIST_FAULT,
	};
	struct rig *r = cry_open(run, RIG_SMALL);

	/* Everything is wrong; with each step one thing is put right. */
	for (unsigned step = 0; step < sizeof order; step++) {
		cry_one(r, IN, 0, 16);
		cry_one(r, OUT, 0, 16);
		cry_write(r, CRYPTO_IN_LIST_LO, (uint32_t)RIG_NOTHING + (step <= 3));
		cry_write(r, CRYPTO_IN_LIST_HI, (uint32_t)(RIG_NOTHING >> 32));
		cry_write(r, CRYPTO_OUT_COUNT, step <= 2 ? 0 : 1);
		cry_chain(r, step > 4, true);
		cry_key(r, step > 5 ? cry_a_key : NULL, step > 6 ? cry_an_iv : NULL);
		us_check_equal(r->run, cry_run(r, step ? ENCRYPT : 99, step <= 1 ? 17 : 16), order[step]);
	}
	cry_one(r, IN, 0, 16);
	cry_write(r, CRYPTO_OUT_LIST_HI, (uint32_t)(RIG_NOTHING >> 32));
	r->list[IN]->length = 0;
	us_check_equal(r->run, cry_run(r, ENCRYPT, 16),
		       CRYPTO_ERROR_CODE_BAD_ENTRY); /* input list before output list */
}

static void every_value_that_is_no_command_is_an_unknown_command(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	for (unsigned code = 0; code < 256; code++) {
		if (code < RESET || code > ABORT)
			us_check_equal(r->run, cry_run(r, (uint8_t)code, 16), CRYPTO_ERROR_CODE_UNKNOWN_COMMAND);
	}
	cry_check_usable(r);
}

static void a_command_works_after_each_error_and_error_code_goes_with_it(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	for (unsigned i = 0; i < 3; i++) {
		cry_one(r, IN, RIG_NOTHING + 0x123 - RIG_IN, 16);
		cry_one(r, OUT, 0, 0);
		us_check_equal(r->run, cry_run(r, DIGEST, 16), CRYPTO_ERROR_CODE_INPUT_FAULT);
		us_check_equal(r->run, cry_fault(r), RIG_NOTHING + 0x123);
		cry_prepare(r, 64);
		cry_start(r, ENCRYPT, 64);
		us_check_equal(r->run, cry_read(r, CRYPTO_ERROR), 0);
		us_check_equal(r->run, cry_fault(r), 0);
		cry_ready(r);
		us_check_equal(r->run, cry_causes(r), DONE);
		us_check_equal(r->run, cry_read(r, CRYPTO_ERROR), 0);
		cry_check_encrypted(r, 64);
	}
}

/* -- refusal ------------------------------------------------------------------------------------------------------ */

/*
 * Has `code` refused by writing it while an encryption runs. In real time that may be over too soon, when this process
 * is kept from running: false then.
 */
static bool refused(struct rig *r, uint8_t code)
{
	cry_write(r, CRYPTO_INT_STATUS, REFUSED);
	cry_write(r, CRYPTO_COMMAND, code);
	if (!(cry_causes(r) & REFUSED)) {
		if (cry_virtual_time(r))
			us_run_fail(r->run, "command %u was written while another one runs, and was not refused", code);
		cry_ready(r);
		return false;
	}
	us_check_equal(r->run, cry_read(r, CRYPTO_ERROR), CRYPTO_ERROR_REFUSED_BUSY << CRYPTO_ERROR_REFUSED_SHIFT);
	us_check_equal(r->run, cry_fault(r), 0);
	us_check(r->run, !(cry_causes(r) & ERROR));
	return true;
}

static void a_command_while_one_runs_is_refused_and_disturbs_nothing(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_LARGE);
	uint32_t length = cry_virtual_time(r) ? 1 << 16 : RIG_BIG;

	cry_prepare(r, length);
	for (unsigned code = 0; code < 256; code += cry_virtual_time(r) ? 1 : 51) {
		if (code == RESET || code == ABORT)
			continue;
		cry_write(r, CRYPTO_INT_STATUS, UINT32_MAX);
		cry_start(r, ENCRYPT, length);
		for (unsigned tries = 0; !refused(r, (uint8_t)code); tries++) {
			us_check(r->run, tries < TRIES);
			cry_start(r, ENCRYPT, length);
		}
		cry_ready(r);
		us_check_equal(r->run, cry_causes(r), DONE | REFUSED);
		us_check_equal(r->run, cry_read(r, CRYPTO_ERROR),
			       CRYPTO_ERROR_REFUSED_BUSY << CRYPTO_ERROR_REFUSED_SHIFT);
		if (code % 51 == 0)
			cry_check_encrypted(r, length);
	}
}

static void the_code_of_a_refusal_stays_until_a_reset(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_LARGE);
	const uint32_t busy_code = CRYPTO_ERROR_REFUSED_BUSY << CRYPTO_ERROR_REFUSED_SHIFT;

	for (unsigned tries = 0; !tries || !refused(r, DIGEST); tries++) {
		us_check(r->run, tries < TRIES);
		cry_prepare(r, RIG_BIG);
		cry_start(r, ENCRYPT, RIG_BIG);
	}
	cry_ready(r);
	cry_write(r, CRYPTO_INT_STATUS, UINT32_MAX);
	cry_prepare(r, 64);
	us_check_equal(r->run, cry_run(r, ENCRYPT, 64), 0);
	us_check_equal(r->run, cry_read(r, CRYPTO_ERROR), busy_code);
	us_check_equal(r->run, cry_run(r, 99, 64), CRYPTO_ERROR_CODE_UNKNOWN_COMMAND);
	us_check_equal(r->run, cry_read(r, CRYPTO_ERROR), busy_code | CRYPTO_ERROR_CODE_UNKNOWN_COMMAND);
	cry_reset(r);
	us_check_equal(r->run, cry_read(r, CRYPTO_ERROR), 0);
}

static void a_refused_command_leaves_the_chain_open(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_LARGE);

	for (unsigned tries = 0; !tries || !refused(r, DIGEST); tries++) {
		us_check(r->run, tries < TRIES);
		cry_chain(r, true, false);
		cry_one(r, IN, 0, RIG_BIG);
		cry_start(r, DIGEST, RIG_BIG);
	}
	cry_ready(r);
	cry_chain(r, false, true);
	cry_one(r, IN, RIG_BIG, 10);
	us_check_equal(r->run, cry_run(r, DIGEST, 10), 0);
	cry_check_digest_of(r, r->in, RIG_BIG + 10);
}

/* -- memory ------------------------------------------------------------------------------------------------------- */

static void without_bus_master_a_command_that_needs_memory_fails_and_moves_nothing(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);
	struct cry_entry in = {RIG_IN, 64, 0}, out = {RIG_OUT, 64, 0};

	cry_prepare(r, 64);
	us_run_bus_master(r->run, false);
	for (unsigned window = 0; window < 2; window++) {
		(window ? cry_window : cry_list)(r, IN, &in, 1);
		(window ? cry_window : cry_list)(r, OUT, &out, 1);
		us_check_equal(r->run, cry_run(r, ENCRYPT, 64), CRYPTO_ERROR_CODE_BUS_MASTER);
		us_check_equal(r->run, cry_fault(r), 0);
		us_check(r->run, cry_zero(r->out, 64));
	}
	cry_one(r, IN, 0, 0);
	cry_one(r, OUT, 0, 0);
	us_check_equal(r->run, cry_run(r, DIGEST, 0), 0);
	us_run_bus_master(r->run, true);
	cry_prepare(r, 64);
	us_check_equal(r->run, cry_run(r, ENCRYPT, 64), 0);
	cry_check_encrypted(r, 64);
}

/* In real time the slice that is under way may still be written, and the command may be over before the bit is. */
static void bus_master_taken_away_ends_a_running_command(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_LARGE);
	unsigned tries = 0;
	uint32_t done;

	do {
		us_check(r->run, tries++ < TRIES);
		cry_prepare(r, RIG_BIG);
		us_run_bus_master(r->run, true);
		cry_write(r, CRYPTO_INT_STATUS, UINT32_MAX);
		cry_start(r, ENCRYPT, RIG_BIG);
		us_fn_sleep(r->fn, 500000);
		us_run_bus_master(r->run, false);
		done = cry_read(r, CRYPTO_BYTES_DONE);
		if (cry_virtual_time(r)) {
			us_check(r->run, done > 0 && done < RIG_BIG);
			memset(r->out + done, 0, RIG_BIG - done);
		}
		cry_ready(r);
	} while (!cry_virtual_time(r) && cry_causes(r) == DONE);
	us_check_equal(r->run, cry_causes(r), ERROR);
	us_check_equal(r->run, cry_read(r, CRYPTO_ERROR), CRYPTO_ERROR_CODE_BUS_MASTER);
	if (cry_virtual_time(r)) {
		us_check_equal(r->run, cry_read(r, CRYPTO_BYTES_DONE), done);
		us_check(r->run, cry_zero(r->out + done, RIG_BIG - done));
	}
	cry_check_encrypted(r, cry_read(r, CRYPTO_BYTES_DONE));
	us_run_bus_master(r->run, true);
	cry_check_usable(r);
}

/* Input or output ends where nothing is mapped, after `good` bytes, at every stage of a command. */
static void memory_that_can_not_be_reached_is_named_to_the_byte(struct us_run *run)
{
	static const uint32_t goods[] = {0, 1, 15, 16, 17, 4095, 4096, 4111, 300000, 1000000, RIG_MEDIUM - 1};
	struct rig *r = cry_open(run, RIG_MEDIUM);

	cry_key(r, cry_a_key, cry_an_iv);
	for (size_t i = 0; i < sizeof goods / sizeof *goods; i++) {
		struct cry_entry bad[2], good = {0, RIG_MEDIUM, 0};
		uint32_t n = goods[i];

		for (enum cry_side side = IN; side <= OUT; side++) {
			uint32_t done;

			/* What is there ends with the arena, so that both pieces seem to be one. */
			bad[0] = (struct cry_entry){(side == IN ? RIG_IN : RIG_OUT) + r->size - n, RIG_MEDIUM, 0};
			cry_list(r, side, bad, 1);
			good.address = side == IN ? RIG_OUT : RIG_IN;
			cry_list(r, side == IN ? OUT : IN, &good, 1);
			us_check_equal(r->run, cry_run(r, ENCRYPT, RIG_MEDIUM),
				       side == IN ? CRYPTO_ERROR_CODE_INPUT_FAULT : CRYPTO_ERROR_CODE_OUTPUT_FAULT);
			us_check_equal(r->run, cry_fault(r), (side == IN ? RIG_IN : RIG_OUT) + r->size);
			done = cry_read(r, CRYPTO_BYTES_DONE);
			us_check(r->run, done <= n);
			if (done) {
				const uint8_t *in = r->in + (side == IN ? r->size - n : 0);
				const uint8_t *out = r->out + (side == OUT ? r->size - n : 0);

				cry_aes(r, true, cry_a_key, cry_an_iv, in, r->expected, done);
				us_check_bytes(r->run, out, r->expected, done);
			}
			/* The same with two fragments apart. */
			bad[0].length = n ? n : 1;
			bad[0].address = side == IN ? RIG_IN : RIG_OUT;
			bad[1] = (struct cry_entry){RIG_NOTHING + 5, RIG_MEDIUM - bad[0].length, 0};
			cry_list(r, side, bad, 2);
			us_check_equal(r->run, cry_run(r, ENCRYPT, RIG_MEDIUM),
				       side == IN ? CRYPTO_ERROR_CODE_INPUT_FAULT : CRYPTO_ERROR_CODE_OUTPUT_FAULT);
			us_check_equal(r->run, cry_fault(r), RIG_NOTHING + 5);
			us_check(r->run, cry_read(r, CRYPTO_BYTES_DONE) <= bad[0].length);
		}
	}
	cry_check_usable(r);
}

static void permissions_of_memory_are_kept(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);
	struct cry_entry e = {RIG_NOTHING, 16, 0};
	uint8_t *at;

	at = us_run_dma(run, RIG_NOTHING, 4096, US_FN_DMA_READ);
	cry_prepare(r, 16);
	cry_list(r, OUT, &e, 1);
	us_check_equal(r->run, cry_run(r, ENCRYPT, 16), CRYPTO_ERROR_CODE_OUTPUT_FAULT);
	us_check_equal(r->run, cry_fault(r), RIG_NOTHING);
	us_check(r->run, cry_zero(at, 4096));
	cry_one(r, OUT, 0, 16);
	cry_list(r, IN, &e, 1);
	us_check_equal(r->run, cry_run(r, ENCRYPT, 16), 0);
}

static void a_digest_that_can_not_be_delivered_is_an_output_fault(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);
	struct cry_entry e[] = {{RIG_OUT, 16, 0}, {RIG_NOTHING, 16, 0}};
	uint8_t digest[32];

	cry_one(r, IN, 0, 100);
	cry_list(r, OUT, e, 2);
	us_check_equal(r->run, cry_run(r, DIGEST, 100), CRYPTO_ERROR_CODE_OUTPUT_FAULT);
	us_check_equal(r->run, cry_fault(r), RIG_NOTHING);
	cry_digest(r, digest);
	us_check(r->run, cry_zero(digest, 32));
}

const struct us_test crypto_command_tests[] = {
	US_TEST("CRY-020 CRY-004 CRY-075", only_byte_0_of_command_starts_something),
	US_TEST("CRY-020 CRY-022 CRY-023 CRY-077 CRY-080", a_command_is_busy_at_once_and_ready_when_its_cause_is_set),
	US_TEST("CRY-080", progress_never_goes_back),
	US_TEST("CRY-024", a_command_takes_its_stated_time),
	US_TEST("CRY-021 CRY-064", registers_and_windows_may_be_rewritten_while_a_command_runs),
	US_TEST("CRY-025", checks_are_made_in_the_stated_order),
	US_TEST("CRY-027", every_value_that_is_no_command_is_an_unknown_command),
	US_TEST("CRY-022 CRY-026 CRY-078 CRY-079", a_command_works_after_each_error_and_error_code_goes_with_it),
	US_TEST("CRY-028 CRY-078", a_command_while_one_runs_is_refused_and_disturbs_nothing),
	US_TEST("CRY-078 CRY-040", the_code_of_a_refusal_stays_until_a_reset),
	US_TEST("CRY-028 CRY-035", a_refused_command_leaves_the_chain_open),
	US_TEST("CRY-029", without_bus_master_a_command_that_needs_memory_fails_and_moves_nothing),
	US_TEST("CRY-029 CRY-030", bus_master_taken_away_ends_a_running_command),
	US_TEST("CRY-030 CRY-079 CRY-080", memory_that_can_not_be_reached_is_named_to_the_byte),
	US_TEST("CRY-030", permissions_of_memory_are_kept),
	US_TEST("CRY-030 CRY-061 CRY-084", a_digest_that_can_not_be_delivered_is_an_output_fault),
	{NULL, NULL, NULL},
};
