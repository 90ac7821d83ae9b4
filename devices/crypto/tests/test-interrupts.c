/* SPDX-License-Identifier: Apache-2.0 */
/* The crypto device's interrupts, in each of the ways a system may grant. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define DONE CRYPTO_INT_STATUS_DONE_MASK
#define ERROR CRYPTO_INT_STATUS_ERROR_MASK
#define RESET_DONE CRYPTO_INT_STATUS_RESET_DONE_MASK
#define REFUSED CRYPTO_INT_STATUS_REFUSED_MASK
#define ALL (DONE | ERROR | RESET_DONE | REFUSED)
#define CAUSES 4

#define SOON UINT64_C(2000000000) /* ns: an interrupt that comes at all has come by then */
#define WHILE UINT64_C(20000000) /* ns to wait for one that must not come */

/*
 * Has a command refused by writing it while another runs. In real time the first may be over before the second is
 * written, when this process is kept from running; then it is tried again.
 */
static void have_one_refused(struct rig *r)
{
	uint32_t length = us_fn_info(r->fn)->virtual_time ? 64 << 10 : 16 << 20;

	for (unsigned tries = 0; tries < 100; tries++) {
		rig_one(r, IN, 0, length);
		rig_start(r, CRYPTO_COMMAND_CODE_DIGEST, length);
		rig_write(r, CRYPTO_COMMAND, CRYPTO_COMMAND_CODE_DIGEST);
		if (rig_read(r, CRYPTO_INT_STATUS) & REFUSED)
			return;
	}
	fail_msg("no command was refused");
}

/* Makes the device set cause `n` (and, for REFUSED, DONE after it unless the command is reset away). */
static void cause(struct rig *r, unsigned n)
{
	rig_chain(r, true, true);
	rig_one(r, OUT, 0, 0);
	switch (1u << n) {
	case DONE:
		rig_one(r, IN, 0, 64);
		rig_start(r, CRYPTO_COMMAND_CODE_DIGEST, 64);
		break;
	case ERROR:
		rig_start(r, 99, 64);
		break;
	case RESET_DONE:
		rig_write(r, CRYPTO_COMMAND, CRYPTO_COMMAND_CODE_RESET);
		break;
	case REFUSED:
		have_one_refused(r);
		break;
	}
}

static void settle(struct rig *r)
{
	rig_ready(r);
	us_fn_sleep(r->fn, 1000);
}

static unsigned came(struct rig *r, enum us_irq_kind kind, unsigned n, uint64_t timeout)
{
	uint64_t count = 0;
	int rc = us_fn_irq_wait(r->fn, kind, n, timeout, &count);

	if (rc < 0)
		fail_msg("%s", us_fn_error(r->fn));
	return rc ? (unsigned)count : 0;
}

static void enable(struct rig *r, enum us_irq_kind kind, unsigned count)
{
	if (us_fn_irq_enable(r->fn, kind, count))
		fail_msg("%s", us_fn_error(r->fn));
}

/* -- the causes by themselves ------------------------------------------------------------------------------------- */

static void a_cause_is_set_without_being_enabled_and_cleared_by_a_written_one_only(void **state)
{
	struct rig *r = *state;

	for (unsigned n = 0; n < CAUSES; n++) {
		cause(r, n);
		settle(r);
		rig_write(r, CRYPTO_INT_STATUS, n == 3 ? DONE : 0);
		assert_int_equal(rig_read(r, CRYPTO_INT_STATUS), 1u << n);
		rig_write(r, CRYPTO_INT_STATUS, ~(1u << n));
		assert_int_equal(rig_read(r, CRYPTO_INT_STATUS), 1u << n);
		rig_write(r, CRYPTO_INT_STATUS, 1u << n);
		assert_int_equal(rig_read(r, CRYPTO_INT_STATUS), 0);
	}
	for (unsigned clear = 0; clear <= ALL; clear++) {
		rig_write(r, CRYPTO_INT_STATUS, ALL);
		cause(r, 2);
		settle(r);
		cause(r, 1);
		settle(r);
		cause(r, 3);
		settle(r);
		assert_int_equal(rig_read(r, CRYPTO_INT_STATUS), ALL);
		rig_write(r, CRYPTO_INT_STATUS, clear);
		assert_int_equal(rig_read(r, CRYPTO_INT_STATUS), ALL & ~clear);
	}
}

static void the_enable_register_holds_four_bits_and_resets_to_none(void **state)
{
	struct rig *r = *state;

	assert_int_equal(rig_read(r, CRYPTO_INT_ENABLE), 0);
	for (uint32_t bits = 0; bits <= ALL; bits++) {
		rig_write(r, CRYPTO_INT_ENABLE, 0xfffffff0 | bits);
		assert_int_equal(rig_read(r, CRYPTO_INT_ENABLE), bits);
		rig_reset(r);
		assert_int_equal(rig_read(r, CRYPTO_INT_ENABLE), bits);
	}
	assert_int_equal(us_fn_reset(r->fn), 0);
	assert_int_equal(rig_read(r, CRYPTO_INT_ENABLE), 0);
}

/* -- INTx --------------------------------------------------------------------------------------------------------- */

/* The line is looked at by unmasking it: it is delivered again while it is asserted. */
static bool line(struct rig *r)
{
	assert_int_equal(us_fn_irq_unmask(r->fn, US_INTX, 0), 0);
	return came(r, US_INTX, 0, us_fn_info(r->fn)->virtual_time ? 0 : WHILE);
}

static void the_line_is_asserted_exactly_while_an_enabled_cause_is_set(void **state)
{
	struct rig *r = *state;

	enable(r, US_INTX, 1);
	for (unsigned n = 0; n < CAUSES; n++) {
		rig_write(r, CRYPTO_INT_ENABLE, ALL & ~(1u << n) & (n == 3 ? ~DONE : ALL));
		cause(r, n);
		settle(r);
		assert_false(line(r));
		rig_write(r, CRYPTO_INT_STATUS, ALL);
		rig_write(r, CRYPTO_INT_ENABLE, 1u << n);
		assert_false(line(r));
		cause(r, n);
		assert_int_equal(came(r, US_INTX, 0, SOON), 1);
		settle(r);
		assert_true(line(r));
		assert_true(line(r));
		rig_write(r, CRYPTO_INT_ENABLE, 0);
		assert_false(line(r));
		rig_write(r, CRYPTO_INT_ENABLE, 1u << n);
		assert_true(line(r));
		rig_write(r, CRYPTO_INT_STATUS, ~(1u << n));
		assert_true(line(r));
		rig_write(r, CRYPTO_INT_STATUS, 1u << n);
		assert_false(line(r));
	}
}

static void the_line_stays_asserted_until_the_last_enabled_cause_is_cleared(void **state)
{
	struct rig *r = *state;

	enable(r, US_INTX, 1);
	rig_write(r, CRYPTO_INT_ENABLE, ALL);
	cause(r, 2);
	settle(r);
	cause(r, 1);
	settle(r);
	assert_true(line(r));
	rig_write(r, CRYPTO_INT_STATUS, ERROR);
	assert_true(line(r));
	rig_write(r, CRYPTO_INT_STATUS, RESET_DONE);
	assert_false(line(r));
}

static void a_reset_lowers_the_line(void **state)
{
	struct rig *r = *state;

	enable(r, US_INTX, 1);
	rig_write(r, CRYPTO_INT_ENABLE, ERROR);
	cause(r, 1);
	assert_int_equal(came(r, US_INTX, 0, SOON), 1);
	rig_reset(r);
	assert_false(line(r));
}

/* -- messages ----------------------------------------------------------------------------------------------------- */

static void assert_messages(struct rig *r, enum us_irq_kind kind, unsigned granted)
{
	enable(r, kind, granted);
	rig_write(r, CRYPTO_INT_ENABLE, ALL);
	for (unsigned round = 0; round < 2; round++) { /* the second time the causes are still set */
		for (unsigned n = 0; n < 3; n++) {
			unsigned message = n < granted ? n : 0;

			if (n == 2)
				rig_write(r, CRYPTO_INT_ENABLE, RESET_DONE);
			cause(r, n);
			assert_int_equal(came(r, kind, message, SOON), 1);
			settle(r);
			for (unsigned k = 0; k < granted; k++)
				assert_int_equal(came(r, kind, k, us_fn_info(r->fn)->virtual_time ? 0 : WHILE), 0);
			rig_write(r, CRYPTO_INT_ENABLE, ALL);
		}
	}
	rig_write(r, CRYPTO_INT_ENABLE, REFUSED);
	cause(r, 3);
	assert_int_equal(came(r, kind, granted > 3 ? 3 : 0, SOON), 1);
	settle(r);
	for (unsigned k = 0; k < granted; k++)
		assert_int_equal(came(r, kind, k, us_fn_info(r->fn)->virtual_time ? 0 : WHILE), 0);
	assert_int_equal(us_fn_irq_disable(r->fn, kind), 0);
	rig_reset(r);
}

static void msi_sends_a_message_for_each_cause_or_message_0_where_fewer_are_granted(void **state)
{
	for (unsigned granted = 1; granted <= 4; granted *= 2)
		assert_messages(*state, US_MSI, granted);
}

static void msi_x_sends_a_message_for_each_cause(void **state)
{
	assert_messages(*state, US_MSIX, CAUSES);
}

static void no_message_comes_of_a_cause_that_is_not_enabled_until_it_is(void **state)
{
	struct rig *r = *state;

	for (enum us_irq_kind kind = US_MSI; kind <= US_MSIX; kind++) {
		enable(r, kind, 4);
		cause(r, 1);
		settle(r);
		assert_int_equal(came(r, kind, 1, WHILE), 0);
		rig_write(r, CRYPTO_INT_ENABLE, ERROR);
		assert_int_equal(came(r, kind, 1, SOON), 1);
		assert_int_equal(came(r, kind, 1, WHILE), 0);
		assert_int_equal(us_fn_irq_disable(r->fn, kind), 0);
		rig_write(r, CRYPTO_INT_ENABLE, 0);
		rig_write(r, CRYPTO_INT_STATUS, ALL);
	}
}

static void a_masked_message_is_held_and_comes_once(void **state)
{
	struct rig *r = *state;

	for (enum us_irq_kind kind = US_MSI; kind <= US_MSIX; kind++) {
		enable(r, kind, 4);
		rig_write(r, CRYPTO_INT_ENABLE, ALL);
		assert_int_equal(us_fn_irq_mask(r->fn, kind, 1), 0);
		cause(r, 1);
		cause(r, 1);
		assert_int_equal(came(r, kind, 1, WHILE), 0);
		assert_int_equal(us_fn_irq_unmask(r->fn, kind, 1), 0);
		assert_int_equal(came(r, kind, 1, SOON), 1);
		assert_int_equal(came(r, kind, 1, WHILE), 0);
		assert_int_equal(us_fn_irq_disable(r->fn, kind), 0);
		rig_write(r, CRYPTO_INT_ENABLE, 0);
		rig_write(r, CRYPTO_INT_STATUS, ALL);
	}
}

/* -- what an interrupt promises ----------------------------------------------------------------------------------- */

static void whoever_sees_the_interrupt_sees_the_data(void **state)
{
	static const uint8_t key[32] = "key", iv[16] = "iv";
	static uint8_t expected[100 * 4096];
	struct rig *r = *state;

	enable(r, US_MSIX, 4);
	rig_write(r, CRYPTO_INT_ENABLE, ALL);
	rig_key(r, key, iv);
	rig_aes(true, key, iv, r->in, expected, sizeof expected);
	for (uint32_t length = 16; length <= sizeof expected; length *= 5) {
		length &= ~15u;
		rig_one(r, IN, 0, length);
		rig_one(r, OUT, 0, length);
		memset(r->out, 0, length);
		rig_start(r, CRYPTO_COMMAND_CODE_ENCRYPT, length);
		assert_int_equal(came(r, US_MSIX, 0, SOON), 1);
		assert_memory_equal(r->out, expected, length);
		assert_int_equal(rig_read(r, CRYPTO_BYTES_DONE), length);
		assert_int_equal(rig_read(r, CRYPTO_STATUS) & 7, CRYPTO_STATUS_READY_MASK);
	}
}

static void after_a_reset_no_message_of_the_old_command_comes(void **state)
{
	struct rig *r = *state;

	for (uint64_t when = 0; when <= 1100000; when += 100000) {
		enable(r, US_MSI, 4);
		rig_write(r, CRYPTO_INT_ENABLE, ALL);
		rig_one(r, IN, 0, 16 << 20);
		rig_start(r, CRYPTO_COMMAND_CODE_DIGEST, 16 << 20);
		us_fn_sleep(r->fn, when);
		if (when % 200000) {
			rig_write(r, CRYPTO_COMMAND, CRYPTO_COMMAND_CODE_RESET);
			assert_int_equal(came(r, US_MSI, 2, SOON), 1);
		} else {
			assert_int_equal(us_fn_reset(r->fn), 0);
			rig_bus_master(r, true);
			enable(r, US_MSI, 4);
			rig_write(r, CRYPTO_INT_ENABLE, ALL);
		}
		came(r, US_MSI, 0, 0); /* one that came before the reset is no fault */
		assert_int_equal(came(r, US_MSI, 0, WHILE), 0);
		assert_int_equal(came(r, US_MSI, 1, 0), 0);
		rig_write(r, CRYPTO_INT_STATUS, ALL);
		assert_int_equal(us_fn_irq_disable(r->fn, US_MSI), 0);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST("CRY-050", a_cause_is_set_without_being_enabled_and_cleared_by_a_written_one_only),
		TEST("CRY-081", the_enable_register_holds_four_bits_and_resets_to_none),
		TEST("CRY-051 CRY-053", the_line_is_asserted_exactly_while_an_enabled_cause_is_set),
		TEST("CRY-051", the_line_stays_asserted_until_the_last_enabled_cause_is_cleared),
		TEST("CRY-051 CRY-008", a_reset_lowers_the_line),
		TEST("CRY-052", msi_sends_a_message_for_each_cause_or_message_0_where_fewer_are_granted),
		TEST("CRY-052", msi_x_sends_a_message_for_each_cause),
		TEST("CRY-053", no_message_comes_of_a_cause_that_is_not_enabled_until_it_is),
		TEST("CRY-052", a_masked_message_is_held_and_comes_once),
		TEST("CRY-022 CRY-023", whoever_sees_the_interrupt_sees_the_data),
		TEST("CRY-008", after_a_reset_no_message_of_the_old_command_comes),
	};

	rig_target(argc, argv);
	return cmocka_run_group_tests(tests, NULL, rig_close);
}
