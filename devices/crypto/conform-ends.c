/* SPDX-License-Identifier: Apache-2.0 */
/* The crypto device's commands end by an abort or a reset of any kind, at any stage, and nothing of them comes after. */
#include "conform-rig.h"

#include <string.h>

/* -- abort -------------------------------------------------------------------------------------------------------- */

/* Aborts an encryption that began `when` ns ago; false when it was over by then. */
static bool check_aborted(struct rig *r, uint64_t when)
{
	uint32_t done;

	cry_prepare(r, RIG_BIG);
	memset(r->out, 0, RIG_BIG);
	cry_start(r, ENCRYPT, RIG_BIG);
	us_fn_sleep(r->fn, when);
	cry_write(r, CRYPTO_COMMAND, ABORT);
	us_check_equal(r->run, cry_read(r, CRYPTO_STATUS) & 7, CRYPTO_STATUS_READY_MASK);
	if (cry_causes(r) == DONE)
		return false;
	done = cry_read(r, CRYPTO_BYTES_DONE);
	us_check(r->run, done <= RIG_BIG);
	memcpy(r->got, r->out, done);
	memset(r->out, 0, RIG_BIG); /* from here on nothing may come */
	us_check_equal(r->run, cry_causes(r), ERROR);
	us_check_equal(r->run, cry_read(r, CRYPTO_ERROR), CRYPTO_ERROR_CODE_ABORTED);
	us_check_equal(r->run, cry_fault(r), 0);
	cry_write(r, CRYPTO_INT_STATUS, ERROR);
	cry_aes(r, true, cry_a_key, cry_an_iv, r->in, r->expected, done);
	us_check_bytes(r->run, r->got, r->expected, done);
	us_fn_sleep(r->fn, 10000000);
	us_check(r->run, cry_zero(r->out, RIG_BIG));
	us_check_equal(r->run, cry_causes(r), 0);
	cry_check_usable(r);
	return true;
}

static void an_abort_ends_a_command_at_any_stage(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_LARGE);
	const uint64_t lists = cry_virtual_time(r) ? 2010 : 0; /* in real time what comes before is one stage */
	unsigned aborted = 0;

	for (uint64_t when = 0; when < 2002 + RIG_BIG / 16; when = when < lists ? when + 1 + when / 2 : when + 77777) {
		bool ended = check_aborted(r, when);

		us_check(r->run, ended || !cry_virtual_time(r));
		aborted += ended;
		cry_write(r, CRYPTO_INT_STATUS, UINT32_MAX);
	}
	us_check(r->run, aborted > 0);
}

/* The hardware has met the fault, and software does not know yet; in real time it may know before it aborts. */
static void an_abort_of_a_command_that_is_about_to_fail_leaves_no_fault(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);
	const struct cry_entry in[] = {{RIG_IN, RIG_SMALL, 0}, {RIG_NOTHING + 0x123, 16, 0}};

	cry_list(r, IN, in, 2);
	cry_start(r, DIGEST, RIG_SMALL + 16);
	us_fn_sleep(r->fn, 2000 + 2 + RIG_SMALL / 16 / 2);
	cry_write(r, CRYPTO_COMMAND, ABORT);
	us_check_equal(run, cry_causes(r), ERROR);
	if (cry_virtual_time(r) || cry_read(r, CRYPTO_ERROR) == CRYPTO_ERROR_CODE_ABORTED) {
		us_check_equal(run, cry_read(r, CRYPTO_ERROR), CRYPTO_ERROR_CODE_ABORTED);
		us_check_equal(run, cry_fault(r), 0);
	} else {
		us_check_equal(run, cry_read(r, CRYPTO_ERROR), CRYPTO_ERROR_CODE_INPUT_FAULT);
		us_check_equal(run, cry_fault(r), RIG_NOTHING + 0x123);
	}
	cry_check_usable(r);
}

static void an_abort_of_nothing_does_nothing(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	cry_prepare(r, 64);
	cry_write(r, CRYPTO_COMMAND, ABORT);
	us_fn_sleep(r->fn, 100000);
	us_check_equal(r->run, cry_causes(r), 0);
	us_check_equal(r->run, cry_read(r, CRYPTO_ERROR), 0);
	us_check_equal(r->run, cry_run(r, ENCRYPT, 64), 0);
	cry_write(r, CRYPTO_COMMAND, ABORT);
	us_check_equal(r->run, cry_causes(r), 0);
	us_check_equal(r->run, cry_read(r, CRYPTO_ERROR), 0);
	us_check_equal(r->run, cry_read(r, CRYPTO_BYTES_DONE), 64);
	cry_write(r, CRYPTO_COMMAND, RESET);
	cry_write(r, CRYPTO_COMMAND, ABORT);
	cry_ready(r);
	us_check_equal(r->run, cry_causes(r), RESET_DONE);
}

static void an_aborted_command_ends_with_exactly_one_cause(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	for (unsigned round = 0; round < 50; round++) {
		cry_prepare(r, 4096);
		cry_start(r, ENCRYPT, 4096);
		us_fn_sleep(r->fn, 100 * round);
		cry_write(r, CRYPTO_COMMAND, ABORT);
		cry_ready(r);
		us_check(r->run, cry_causes(r) == DONE || cry_causes(r) == ERROR);
		cry_write(r, CRYPTO_INT_STATUS, UINT32_MAX);
	}
}

/* -- reset -------------------------------------------------------------------------------------------------------- */

/* Stages of a command, as ns after its start: before the lists, at them, before, in and after the data. */
static const uint64_t stages[] = {0, 1999, 2000, 2001, 2002, 2003, 20000, 500000, 1050577, 1050578, 1100000};
#define STAGES (sizeof stages / sizeof *stages)

/* The stage after that, or STAGES; those that real time can not tell apart are one there. */
static size_t next_stage(struct rig *r, size_t i)
{
	const uint64_t apart = cry_virtual_time(r) ? 0 : 1000;

	for (const uint64_t last = stages[i++]; i < STAGES && stages[i] - last < apart;)
		i++;
	return i;
}

static void start_and_wait(struct rig *r, uint64_t when)
{
	cry_prepare(r, RIG_BIG);
	cry_start(r, ENCRYPT, RIG_BIG);
	us_fn_sleep(r->fn, when);
}

/* The device has forgotten everything, and the old command does nothing more. */
static void check_forgotten(struct rig *r)
{
	static const uint8_t none[32];
	uint8_t digest[32];

	memset(r->out, 0, RIG_BIG);
	us_check_equal(r->run, cry_read(r, CRYPTO_STATUS), CRYPTO_STATUS_READY_MASK);
	us_check_equal(r->run, cry_read(r, CRYPTO_CONTROL), 3);
	for (uint64_t reg = CRYPTO_LENGTH; reg <= CRYPTO_OUT_COUNT; reg += 4)
		us_check_equal(r->run, cry_read(r, reg), 0);
	for (uint64_t reg = CRYPTO_ERROR; reg <= CRYPTO_BYTES_DONE; reg += 4)
		us_check_equal(r->run, cry_read(r, reg), 0);
	for (uint64_t reg = CRYPTO_IN_WINDOW_ADDRESS_LO(0); reg < CRYPTO_OUT_WINDOW_ADDRESS_LO(0) + 256; reg += 4)
		us_check_equal(r->run, cry_read(r, reg), 0);
	cry_digest(r, digest);
	us_check_bytes(r->run, digest, none, sizeof digest);
	us_fn_sleep(r->fn, 10000000);
	us_check(r->run, cry_zero(r->out, RIG_BIG));
	us_check_equal(r->run, cry_causes(r) & (DONE | ERROR), 0);
	cry_one(r, IN, 0, 16);
	cry_one(r, OUT, 0, 16);
	us_check_equal(r->run, cry_run(r, ENCRYPT, 16), CRYPTO_ERROR_CODE_NO_KEY);
	cry_key(r, cry_a_key, NULL);
	us_check_equal(r->run, cry_run(r, ENCRYPT, 16), CRYPTO_ERROR_CODE_NO_IV);
	cry_check_usable(r);
}

static void the_reset_command_ends_everything_at_any_stage(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_LARGE);

	for (size_t i = 0; i < STAGES; i = next_stage(r, i)) {
		cry_write(r, CRYPTO_INT_ENABLE, DONE | REFUSED);
		start_and_wait(r, stages[i]);
		cry_write(r, CRYPTO_COMMAND, RESET);
		if (cry_virtual_time(r)) {
			us_check_equal(r->run, cry_read(r, CRYPTO_STATUS), CRYPTO_STATUS_RESETTING_MASK);
			us_check_equal(r->run, cry_causes(r), 0);
			us_fn_sleep(r->fn, 9999);
			us_check_equal(r->run, cry_read(r, CRYPTO_STATUS), CRYPTO_STATUS_RESETTING_MASK);
			us_check_equal(r->run, cry_causes(r), 0);
			us_fn_sleep(r->fn, 1);
		}
		cry_ready(r);
		us_check_equal(r->run, cry_first_causes(r), RESET_DONE);
		cry_write(r, CRYPTO_INT_STATUS, RESET_DONE);
		us_check_equal(r->run, cry_read(r, CRYPTO_INT_ENABLE), DONE | REFUSED);
		check_forgotten(r);
	}
}

static void function_level_reset_ends_everything_at_any_stage(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_LARGE);

	for (size_t i = 0; i < STAGES; i = next_stage(r, i)) {
		cry_write(r, CRYPTO_INT_ENABLE, 15);
		start_and_wait(r, stages[i]);
		us_run_done(r->run, us_fn_reset(r->fn));
		us_run_bus_master(r->run, true);
		us_check_equal(r->run, cry_causes(r), 0);
		us_check_equal(r->run, cry_read(r, CRYPTO_INT_ENABLE), 0);
		check_forgotten(r);
	}
}

static void the_return_from_d3hot_is_a_reset(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_LARGE);
	int pm = us_fn_capability(r->fn, 1);

	us_check(r->run, pm > 0);
	for (size_t i = 0; i < STAGES; i = next_stage(r, i)) {
		cry_write(r, CRYPTO_INT_ENABLE, 15);
		start_and_wait(r, stages[i]);
		us_run_done(r->run, us_fn_write(r->fn, US_REGION_CONFIG, (uint64_t)pm + 4, 2, 3));
		us_fn_sleep(r->fn, 10000000);
		us_run_done(r->run, us_fn_write(r->fn, US_REGION_CONFIG, (uint64_t)pm + 4, 2, 0));
		us_fn_sleep(r->fn, 10000000);
		us_run_done(r->run, us_fn_write(r->fn, US_REGION_CONFIG, 4, 2, 6));
		us_check_equal(r->run, cry_causes(r), 0);
		us_check_equal(r->run, cry_read(r, CRYPTO_INT_ENABLE), 0);
		check_forgotten(r);
	}
}

/* In real time the reset may be over before the command is written: then it runs. */
static void while_resetting_commands_are_refused_and_registers_keep_what_is_written(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	cry_write(r, CRYPTO_COMMAND, RESET);
	cry_prepare(r, 64);
	cry_start(r, ENCRYPT, 64);
	if (cry_virtual_time(r)) {
		us_check_equal(r->run, cry_causes(r), REFUSED);
		us_check_equal(r->run, cry_read(r, CRYPTO_ERROR),
			       CRYPTO_ERROR_REFUSED_BUSY << CRYPTO_ERROR_REFUSED_SHIFT);
	}
	cry_ready(r);
	us_fn_sleep(r->fn, 1000);
	us_check(r->run, cry_causes(r) == (REFUSED | RESET_DONE) ||
				 (!cry_virtual_time(r) && cry_causes(r) == (DONE | RESET_DONE)));
	us_check_equal(r->run, cry_run(r, ENCRYPT, 64), 0);
	cry_check_encrypted(r, 64);
}

static void a_reset_in_a_reset_begins_anew(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	cry_write(r, CRYPTO_COMMAND, RESET);
	us_fn_sleep(r->fn, cry_virtual_time(r) ? 9000 : 0);
	cry_write(r, CRYPTO_COMMAND, RESET);
	if (cry_virtual_time(r)) {
		us_fn_sleep(r->fn, 9999);
		us_check_equal(r->run, cry_causes(r), 0);
		us_fn_sleep(r->fn, 1);
	}
	cry_ready(r);
	us_fn_sleep(r->fn, 1000);
	us_check_equal(r->run, cry_causes(r), RESET_DONE);
	cry_write(r, CRYPTO_INT_STATUS, RESET_DONE);
	us_fn_sleep(r->fn, 100000);
	us_check_equal(r->run, cry_causes(r), 0);
}

static void the_reset_command_leaves_config_space_alone(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);
	uint64_t before, after;

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned offset = 0; offset < 64; offset += 4) {
			us_run_done(r->run, us_fn_read(r->fn, US_REGION_CONFIG, offset, 4, &before));
			cry_reset(r);
			us_run_done(r->run, us_fn_read(r->fn, US_REGION_CONFIG, offset, 4, &after));
			us_check_equal(r->run, after, before);
		}
		us_run_done(r->run, us_fn_read(r->fn, US_REGION_CONFIG, 4, 2, &after));
		us_check(r->run, after & 4);
	}
}

const struct us_test crypto_end_tests[] = {
	US_TEST("CRY-045 CRY-026", an_abort_ends_a_command_at_any_stage),
	US_TEST("CRY-045 CRY-030", an_abort_of_a_command_that_is_about_to_fail_leaves_no_fault),
	US_TEST("CRY-046", an_abort_of_nothing_does_nothing),
	US_TEST("CRY-046 CRY-022", an_aborted_command_ends_with_exactly_one_cause),
	US_TEST("CRY-040 CRY-007 CRY-008 CRY-081", the_reset_command_ends_everything_at_any_stage),
	US_TEST("CRY-006 CRY-007 CRY-008 CRY-081", function_level_reset_ends_everything_at_any_stage),
	US_TEST("CRY-006 CRY-007 CRY-008", the_return_from_d3hot_is_a_reset),
	US_TEST("CRY-028 CRY-041", while_resetting_commands_are_refused_and_registers_keep_what_is_written),
	US_TEST("CRY-041", a_reset_in_a_reset_begins_anew),
	US_TEST("CRY-040", the_reset_command_leaves_config_space_alone),
	{NULL, NULL, NULL},
};
