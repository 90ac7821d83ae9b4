/* SPDX-License-Identifier: Apache-2.0 */
/* The crypto device's interrupts, in each of the ways a system may grant. */
#include "conform-rig.h"

#include <string.h>

#define ALL (DONE | ERROR | RESET_DONE | REFUSED)
#define CAUSES 4

#define SOON UINT64_C(2000000000) /* ns: an interrupt that comes at all has come by then */
#define WHILE UINT64_C(20000000) /* ns to wait for one that must not come */

/* A digest over the longest message, of which each part lies in the same memory. */
static void start_long(struct rig *r)
{
	const uint32_t n = RIG_BIG / RIG_SMALL;

	for (uint32_t i = 0; i < n; i++)
		r->entries[IN][i] = (struct cry_entry){RIG_IN, RIG_SMALL, 0};
	cry_list(r, IN, r->entries[IN], n);
	cry_start(r, DIGEST, RIG_BIG);
}

/*
 * Has a command refused by writing it while another runs. In real time the first may be over before the second is
 * written, when this process is kept from running; then it is tried again.
 */
static void have_one_refused(struct rig *r)
{

	for (unsigned tries = 0; tries < 100; tries++) {
		start_long(r);
		cry_write(r, CRYPTO_COMMAND, DIGEST);
		if (cry_read(r, CRYPTO_INT_STATUS) & REFUSED)
			return;
	}
	us_run_fail(r->run, "no command was refused");
}

/* Makes the device set cause `n` (and, for REFUSED, DONE after it unless the command is reset away). */
static void cause(struct rig *r, unsigned n)
{
	cry_chain(r, true, true);
	cry_one(r, OUT, 0, 0);
	switch (1u << n) {
	case DONE:
		cry_one(r, IN, 0, 64);
		cry_start(r, DIGEST, 64);
		break;
	case ERROR:
		cry_start(r, 99, 64);
		break;
	case RESET_DONE:
		cry_write(r, CRYPTO_COMMAND, RESET);
		break;
	case REFUSED:
		have_one_refused(r);
		break;
	}
}

static void settle(struct rig *r)
{
	cry_ready(r);
	us_fn_sleep(r->fn, 1000);
}

static unsigned came(struct rig *r, enum us_irq_kind kind, unsigned n, uint64_t timeout)
{
	uint64_t count = 0;
	int rc = us_fn_irq_wait(r->fn, kind, n, timeout, &count);

	if (rc < 0)
		us_run_fail(r->run, "%s", us_fn_error(r->fn));
	return rc ? (unsigned)count : 0;
}

static void enable(struct rig *r, enum us_irq_kind kind, unsigned count)
{
	us_run_done(r->run, us_fn_irq_enable(r->fn, kind, count));
}

/* -- the causes by themselves ------------------------------------------------------------------------------------- */

static void a_cause_is_set_without_being_enabled_and_cleared_by_a_written_one_only(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	for (unsigned n = 0; n < CAUSES; n++) {
		cause(r, n);
		settle(r);
		cry_write(r, CRYPTO_INT_STATUS, n == 3 ? DONE : 0);
		us_check_equal(r->run, cry_read(r, CRYPTO_INT_STATUS), 1u << n);
		cry_write(r, CRYPTO_INT_STATUS, ~(1u << n));
		us_check_equal(r->run, cry_read(r, CRYPTO_INT_STATUS), 1u << n);
		cry_write(r, CRYPTO_INT_STATUS, 1u << n);
		us_check_equal(r->run, cry_read(r, CRYPTO_INT_STATUS), 0);
	}
	for (unsigned clear = 0; clear <= ALL; clear++) {
		cry_write(r, CRYPTO_INT_STATUS, ALL);
		cause(r, 2);
		settle(r);
		cause(r, 1);
		settle(r);
		cause(r, 3);
		settle(r);
		us_check_equal(r->run, cry_read(r, CRYPTO_INT_STATUS), ALL);
		cry_write(r, CRYPTO_INT_STATUS, clear);
		us_check_equal(r->run, cry_read(r, CRYPTO_INT_STATUS), ALL & ~clear);
	}
}

static void the_enable_register_holds_four_bits_and_resets_to_none(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	us_check_equal(r->run, cry_read(r, CRYPTO_INT_ENABLE), 0);
	for (uint32_t bits = 0; bits <= ALL; bits++) {
		cry_write(r, CRYPTO_INT_ENABLE, 0xfffffff0 | bits);
		us_check_equal(r->run, cry_read(r, CRYPTO_INT_ENABLE), bits);
		cry_reset(r);
		us_check_equal(r->run, cry_read(r, CRYPTO_INT_ENABLE), bits);
	}
	us_run_done(r->run, us_fn_reset(r->fn));
	us_check_equal(r->run, cry_read(r, CRYPTO_INT_ENABLE), 0);
}

/* -- INTx --------------------------------------------------------------------------------------------------------- */

/* The line is looked at by unmasking it: it is delivered again while it is asserted. */
static bool line(struct rig *r)
{
	us_run_done(r->run, us_fn_irq_unmask(r->fn, US_INTX, 0));
	return came(r, US_INTX, 0, cry_virtual_time(r) ? 0 : WHILE);
}

static void the_line_is_asserted_exactly_while_an_enabled_cause_is_set(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	enable(r, US_INTX, 1);
	for (unsigned n = 0; n < CAUSES; n++) {
		cry_write(r, CRYPTO_INT_ENABLE, ALL & ~(1u << n) & (n == 3 ? ~DONE : ALL));
		cause(r, n);
		settle(r);
		us_check(r->run, !line(r));
		cry_write(r, CRYPTO_INT_STATUS, ALL);
		cry_write(r, CRYPTO_INT_ENABLE, 1u << n);
		us_check(r->run, !line(r));
		cause(r, n);
		us_check_equal(r->run, came(r, US_INTX, 0, SOON), 1);
		settle(r);
		us_check(r->run, line(r));
		us_check(r->run, line(r));
		cry_write(r, CRYPTO_INT_ENABLE, 0);
		us_check(r->run, !line(r));
		cry_write(r, CRYPTO_INT_ENABLE, 1u << n);
		us_check(r->run, line(r));
		cry_write(r, CRYPTO_INT_STATUS, ~(1u << n));
		us_check(r->run, line(r));
		cry_write(r, CRYPTO_INT_STATUS, 1u << n);
		us_check(r->run, !line(r));
	}
}

static void the_line_stays_asserted_until_the_last_enabled_cause_is_cleared(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	enable(r, US_INTX, 1);
	cry_write(r, CRYPTO_INT_ENABLE, ALL);
	cause(r, 2);
	settle(r);
	cause(r, 1);
	settle(r);
	us_check(r->run, line(r));
	cry_write(r, CRYPTO_INT_STATUS, ERROR);
	us_check(r->run, line(r));
	cry_write(r, CRYPTO_INT_STATUS, RESET_DONE);
	us_check(r->run, !line(r));
}

static void a_reset_lowers_the_line(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	enable(r, US_INTX, 1);
	cry_write(r, CRYPTO_INT_ENABLE, ERROR);
	cause(r, 1);
	us_check_equal(r->run, came(r, US_INTX, 0, SOON), 1);
	cry_reset(r);
	us_check(r->run, !line(r));
}

/* -- messages ----------------------------------------------------------------------------------------------------- */

/* Cause `n`, and nothing but that, sends its one message. */
static void check_message(struct rig *r, enum us_irq_kind kind, unsigned granted, unsigned n)
{
	cause(r, n);
	us_check_equal(r->run, came(r, kind, n < granted ? n : 0, SOON), 1);
	settle(r);
	for (unsigned k = 0; k < granted; k++)
		us_check_equal(r->run, came(r, kind, k, cry_virtual_time(r) ? 0 : WHILE), 0);
}

static void check_messages(struct rig *r, enum us_irq_kind kind, unsigned granted)
{
	enable(r, kind, granted);
	cry_write(r, CRYPTO_INT_ENABLE, ALL);
	for (unsigned round = 0; round < 2; round++) /* the second time both causes are still set */
		for (unsigned n = 0; n < 2; n++)
			check_message(r, kind, granted, n);
	us_check_equal(r->run, cry_causes(r), DONE | ERROR);
	check_message(r, kind, granted, 2);
	cry_write(r, CRYPTO_INT_ENABLE, REFUSED);
	check_message(r, kind, granted, 3);
	check_message(r, kind, granted, 3);
	us_run_done(r->run, us_fn_irq_disable(r->fn, kind));
	cry_reset(r);
}

static void msi_sends_a_message_for_each_cause_or_message_0_where_fewer_are_granted(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	for (unsigned granted = 1; granted <= 4; granted *= 2)
		check_messages(r, US_MSI, granted);
}

static void msi_x_sends_a_message_for_each_cause(struct us_run *run)
{
	check_messages(cry_open(run, RIG_SMALL), US_MSIX, CAUSES);
}

static void no_message_comes_of_a_cause_that_is_not_enabled_until_it_is(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	for (enum us_irq_kind kind = US_MSI; kind <= US_MSIX; kind++) {
		enable(r, kind, 4);
		cause(r, 1);
		settle(r);
		us_check_equal(r->run, came(r, kind, 1, WHILE), 0);
		cry_write(r, CRYPTO_INT_ENABLE, ERROR);
		us_check_equal(r->run, came(r, kind, 1, SOON), 1);
		us_check_equal(r->run, came(r, kind, 1, WHILE), 0);
		us_run_done(r->run, us_fn_irq_disable(r->fn, kind));
		cry_write(r, CRYPTO_INT_ENABLE, 0);
		cry_write(r, CRYPTO_INT_STATUS, ALL);
	}
}

static void a_masked_message_is_held_and_comes_once(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	for (enum us_irq_kind kind = US_MSI; kind <= US_MSIX; kind++) {
		enable(r, kind, 4);
		cry_write(r, CRYPTO_INT_ENABLE, ALL);
		us_run_done(r->run, us_fn_irq_mask(r->fn, kind, 1));
		cause(r, 1);
		cause(r, 1);
		us_check_equal(r->run, came(r, kind, 1, WHILE), 0);
		us_run_done(r->run, us_fn_irq_unmask(r->fn, kind, 1));
		us_check_equal(r->run, came(r, kind, 1, SOON), 1);
		us_check_equal(r->run, came(r, kind, 1, WHILE), 0);
		us_run_done(r->run, us_fn_irq_disable(r->fn, kind));
		cry_write(r, CRYPTO_INT_ENABLE, 0);
		cry_write(r, CRYPTO_INT_STATUS, ALL);
	}
}

/* -- what an interrupt promises ----------------------------------------------------------------------------------- */

static void whoever_sees_the_interrupt_sees_the_data(struct us_run *run)
{
	static const uint8_t key[32] = "key", iv[16] = "iv";
	const uint32_t most = 100 * 4096;
	struct rig *r = cry_open(run, RIG_MEDIUM);

	enable(r, US_MSIX, 4);
	cry_write(r, CRYPTO_INT_ENABLE, ALL);
	cry_key(r, key, iv);
	cry_aes(r, true, key, iv, r->in, r->expected, most);
	for (uint32_t length = 16; length <= most; length *= 5) {
		length &= ~15u;
		cry_one(r, IN, 0, length);
		cry_one(r, OUT, 0, length);
		memset(r->out, 0, length);
		cry_start(r, ENCRYPT, length);
		us_check_equal(r->run, came(r, US_MSIX, 0, SOON), 1);
		us_check_bytes(r->run, r->out, r->expected, length);
		us_check_equal(r->run, cry_read(r, CRYPTO_BYTES_DONE), length);
		us_check_equal(r->run, cry_read(r, CRYPTO_STATUS) & 7, CRYPTO_STATUS_READY_MASK);
	}
}

static void after_a_reset_no_message_of_the_old_command_comes(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	for (uint64_t when = 0; when <= 1100000; when += 100000) {
		enable(r, US_MSI, 4);
		cry_write(r, CRYPTO_INT_ENABLE, ALL);
		start_long(r);
		us_fn_sleep(r->fn, when);
		came(r, US_MSI, 0, 0); /* one that came before the reset is no fault */
		if (when % 200000) {
			cry_write(r, CRYPTO_COMMAND, RESET);
			us_check_equal(r->run, came(r, US_MSI, 2, SOON), 1);
		} else {
			us_run_done(r->run, us_fn_reset(r->fn));
			us_run_bus_master(r->run, true);
			enable(r, US_MSI, 4);
			cry_write(r, CRYPTO_INT_ENABLE, ALL);
		}
		if (!cry_virtual_time(r))
			came(r, US_MSI, 0, 0); /* nor is one that was under way */
		us_check_equal(r->run, came(r, US_MSI, 0, WHILE), 0);
		us_check_equal(r->run, came(r, US_MSI, 1, 0), 0);
		cry_write(r, CRYPTO_INT_STATUS, ALL);
		us_run_done(r->run, us_fn_irq_disable(r->fn, US_MSI));
	}
}

const struct us_test crypto_interrupt_tests[] = {
	US_TEST("CRY-050", a_cause_is_set_without_being_enabled_and_cleared_by_a_written_one_only),
	US_TEST("CRY-081", the_enable_register_holds_four_bits_and_resets_to_none),
	US_TEST("CRY-051 CRY-053", the_line_is_asserted_exactly_while_an_enabled_cause_is_set),
	US_TEST("CRY-051", the_line_stays_asserted_until_the_last_enabled_cause_is_cleared),
	US_TEST("CRY-051 CRY-008", a_reset_lowers_the_line),
	US_TEST("CRY-052", msi_sends_a_message_for_each_cause_or_message_0_where_fewer_are_granted),
	US_TEST("CRY-052", msi_x_sends_a_message_for_each_cause),
	US_TEST("CRY-053", no_message_comes_of_a_cause_that_is_not_enabled_until_it_is),
	US_TEST("CRY-052", a_masked_message_is_held_and_comes_once),
	US_TEST("CRY-022 CRY-023", whoever_sees_the_interrupt_sees_the_data),
	US_TEST("CRY-008", after_a_reset_no_message_of_the_old_command_comes),
	{NULL, NULL, NULL},
};
