/* SPDX-License-Identifier: Apache-2.0 */
/* "VFIO_USER_DEVICE_SET_IRQS" in all its forms, and what arrives. */
#include "mover.h"
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#define FDS 8

struct fixture {
	struct raw *raw;
	int event[FDS];
};

static int set_up(void **state)
{
	struct fixture *f = test_calloc(1, sizeof *f);

	f->raw = raw_ready();
	for (int i = 0; i < FDS; i++)
		f->event[i] = eventfd(0, EFD_CLOEXEC);
	raw_poke(f->raw, BAR0, MOVER_ENABLE, 0xf);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	raw_close(f->raw);
	for (int i = 0; i < FDS; i++)
		close(f->event[i]);
	test_free(f);
	return 0;
}

static void raise_cause(struct fixture *f, unsigned n)
{
	raw_poke(f->raw, BAR0, MOVER_RAISE, 1u << n);
}

static void clear(struct fixture *f)
{
	raw_poke(f->raw, BAR0, MOVER_STATUS, 0xf);
}

/* The server has read the eventfd, and does what it means before the next request. */
static void wait_until_taken(int fd)
{
	struct pollfd p = {fd, POLLIN, 0};

	while (poll(&p, 1, 0) == 1)
		usleep(100);
}

/* -- INTx ------------------------------------------------------------------------------------------------------- */

static void intx_is_signalled_once_and_masks_itself(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(raw_irqs(f->raw, INTX, EVENTFD | TRIGGER, 0, 1, f->event, 1), 0);
	raise_cause(f, 0);
	assert_int_equal(raw_events(f->event[0]), 1);
	clear(f);
	raise_cause(f, 0);
	assert_int_equal(raw_events(f->event[0]), 0);
}

static void intx_still_asserted_after_unmask_is_signalled_again(void **state)
{
	struct fixture *f = *state;

	raw_irqs(f->raw, INTX, EVENTFD | TRIGGER, 0, 1, f->event, 1);
	raise_cause(f, 0);
	assert_int_equal(raw_events(f->event[0]), 1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(raw_irqs(f->raw, INTX, NONE | UNMASK, 0, 1, NULL, 0), 0);
		assert_int_equal(raw_events(f->event[0]), 1);
	}
}

static void intx_deasserted_before_unmask_is_not_signalled_again(void **state)
{
	struct fixture *f = *state;

	raw_irqs(f->raw, INTX, EVENTFD | TRIGGER, 0, 1, f->event, 1);
	raise_cause(f, 0);
	assert_int_equal(raw_events(f->event[0]), 1);
	clear(f);
	assert_int_equal(raw_irqs(f->raw, INTX, NONE | UNMASK, 0, 1, NULL, 0), 0);
	assert_int_equal(raw_events(f->event[0]), 0);
	raise_cause(f, 1);
	assert_int_equal(raw_events(f->event[0]), 1);
}

static void intx_is_unmasked_through_an_eventfd_as_kvm_does(void **state)
{
	struct fixture *f = *state;

	raw_irqs(f->raw, INTX, EVENTFD | TRIGGER, 0, 1, f->event, 1);
	assert_int_equal(raw_irqs(f->raw, INTX, EVENTFD | UNMASK, 0, 1, f->event + 1, 1), 0);
	raise_cause(f, 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(raw_await(f->event[0]), 1);
		assert_int_equal(eventfd_write(f->event[1], 1), 0);
	}
	assert_int_equal(raw_await(f->event[0]), 1);
	assert_int_equal(raw_irqs(f->raw, INTX, EVENTFD | UNMASK, 0, 1, NULL, 0), 0);
	assert_int_equal(eventfd_write(f->event[1], 1), 0);
	raw_read(f->raw, CONFIG, 0);
	assert_int_equal(raw_events(f->event[0]), 0);
}

static void intx_is_unmasked_while_the_function_waits_for_its_client(void **state)
{
	struct fixture *f = *state;
	const uint32_t command[] = {MOVER_COMMAND, 0, BAR0, 4, MOVER_WRITE};

	raw_irqs(f->raw, INTX, EVENTFD | TRIGGER, 0, 1, f->event, 1);
	raw_irqs(f->raw, INTX, EVENTFD | UNMASK, 0, 1, f->event + 1, 1);
	raise_cause(f, 0);
	assert_int_equal(raw_await(f->event[0]), 1);
	raw_map(f->raw, 0, 0x1000, 3, -1, 0);
	raw_poke(f->raw, BAR0, MOVER_LENGTH, 8);
	raw_send(f->raw, REGION_WRITE, 0x10, command, sizeof command, NULL, 0);
	assert_true(raw_receive(f->raw)); /* the DMA_WRITE, which is not answered */
	assert_int_equal(eventfd_write(f->event[1], 1), 0);
	assert_int_equal(raw_await(f->event[0]), 1);
}

static void intx_is_masked_by_the_client_and_through_an_eventfd(void **state)
{
	struct fixture *f = *state;

	raw_irqs(f->raw, INTX, EVENTFD | TRIGGER, 0, 1, f->event, 1);
	assert_int_equal(raw_irqs(f->raw, INTX, NONE | MASK, 0, 1, NULL, 0), 0);
	raise_cause(f, 0);
	assert_int_equal(raw_events(f->event[0]), 0);
	assert_int_equal(raw_irqs(f->raw, INTX, NONE | UNMASK, 0, 1, NULL, 0), 0);
	assert_int_equal(raw_events(f->event[0]), 1);
	clear(f);
	raw_irqs(f->raw, INTX, NONE | UNMASK, 0, 1, NULL, 0);
	assert_int_equal(raw_irqs(f->raw, INTX, EVENTFD | MASK, 0, 1, f->event + 1, 1), 0);
	eventfd_write(f->event[1], 1);
	wait_until_taken(f->event[1]);
	raise_cause(f, 0);
	assert_int_equal(raw_events(f->event[0]), 0);
}

static void intx_asserted_before_it_is_set_up_is_signalled_then(void **state)
{
	struct fixture *f = *state;

	raise_cause(f, 2);
	raw_irqs(f->raw, INTX, EVENTFD | TRIGGER, 0, 1, f->event, 1);
	assert_int_equal(raw_events(f->event[0]), 1);
}

static void intx_disabled_in_the_command_register_stays_silent(void **state)
{
	struct fixture *f = *state;

	raw_irqs(f->raw, INTX, EVENTFD | TRIGGER, 0, 1, f->event, 1);
	raw_poke(f->raw, CONFIG, 4, 0x406);
	raise_cause(f, 0);
	assert_int_equal(raw_events(f->event[0]), 0);
	raw_poke(f->raw, CONFIG, 4, 0x006);
	assert_int_equal(raw_events(f->event[0]), 1);
}

static void an_eventfd_taken_back_is_signalled_no_more(void **state)
{
	struct fixture *f = *state;

	raw_irqs(f->raw, INTX, EVENTFD | TRIGGER, 0, 1, f->event, 1);
	assert_int_equal(raw_irqs(f->raw, INTX, EVENTFD | TRIGGER, 0, 1, NULL, 0), 0);
	raise_cause(f, 0);
	assert_int_equal(raw_events(f->event[0]), 0);
	raw_irqs(f->raw, INTX, EVENTFD | TRIGGER, 0, 1, f->event, 1);
	assert_int_equal(raw_events(f->event[0]), 1);
	assert_int_equal(raw_irqs(f->raw, INTX, NONE | TRIGGER, 0, 0, NULL, 0), 0);
	raw_irqs(f->raw, INTX, NONE | UNMASK, 0, 1, NULL, 0);
	assert_int_equal(raw_events(f->event[0]), 0);
}

/* -- messages --------------------------------------------------------------------------------------------------- */

static void with_enough_messages_each_cause_has_its_own(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(raw_irqs(f->raw, MSI, EVENTFD | TRIGGER, 0, 4, f->event, 4), 0);
	for (unsigned n = 0; n < 4; n++) {
		raise_cause(f, n);
		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(raw_events(f->event[i]), i == n);
	}
}

static void with_one_message_it_is_message_0(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(raw_irqs(f->raw, MSI, EVENTFD | TRIGGER, 0, 1, f->event, 1), 0);
	raise_cause(f, 3);
	assert_int_equal(raw_events(f->event[0]), 1);
}

static void more_messages_may_follow_in_further_requests(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(raw_irqs(f->raw, MSIX, EVENTFD | TRIGGER, 0, 2, f->event, 2), 0);
	assert_int_equal(raw_irqs(f->raw, MSIX, EVENTFD | TRIGGER, 2, 2, f->event + 2, 2), 0);
	raise_cause(f, 3);
	raise_cause(f, 0);
	assert_int_equal(raw_events(f->event[3]), 1);
	assert_int_equal(raw_events(f->event[0]), 1);
}

static void messages_without_eventfd_are_lost_and_hurt_nobody(void **state)
{
	struct fixture *f = *state;

	raw_irqs(f->raw, MSIX, EVENTFD | TRIGGER, 0, 4, f->event, 4);
	assert_int_equal(raw_irqs(f->raw, MSIX, EVENTFD | TRIGGER, 1, 1, NULL, 0), 0);
	raise_cause(f, 1);
	raise_cause(f, 2);
	assert_int_equal(raw_events(f->event[1]), 0);
	assert_int_equal(raw_events(f->event[2]), 1);
}

static void a_masked_message_is_held_until_unmasked(void **state)
{
	struct fixture *f = *state;

	raw_irqs(f->raw, MSIX, EVENTFD | TRIGGER, 0, 4, f->event, 4);
	assert_int_equal(raw_irqs(f->raw, MSIX, NONE | MASK, 1, 1, NULL, 0), 0);
	raise_cause(f, 1);
	assert_int_equal(raw_events(f->event[1]), 0);
	assert_int_equal(raw_irqs(f->raw, MSIX, NONE | UNMASK, 0, 4, NULL, 0), 0);
	assert_int_equal(raw_events(f->event[1]), 1);
}

static void a_kind_is_disabled_as_a_whole(void **state)
{
	struct fixture *f = *state;

	raw_irqs(f->raw, MSI, EVENTFD | TRIGGER, 0, 4, f->event, 4);
	assert_int_equal(raw_irqs(f->raw, MSI, NONE | TRIGGER, 0, 0, NULL, 0), 0);
	raise_cause(f, 1);
	assert_int_equal(raw_events(f->event[0]), 0);
	assert_int_equal(raw_events(f->event[1]), 0);
}

static void messages_need_the_bus_master_bit(void **state)
{
	struct fixture *f = *state;

	raw_irqs(f->raw, MSI, EVENTFD | TRIGGER, 0, 4, f->event, 4);
	raw_poke(f->raw, CONFIG, 4, 0x2);
	raise_cause(f, 1);
	assert_int_equal(raw_events(f->event[1]), 0);
	raw_poke(f->raw, CONFIG, 4, 0x6);
	assert_int_equal(raw_events(f->event[1]), 1);
}

static void after_a_reset_no_message_comes(void **state)
{
	struct fixture *f = *state;

	raw_irqs(f->raw, MSI, EVENTFD | TRIGGER, 0, 4, f->event, 4);
	raw_call(f->raw, RESET, NULL, 0, NULL, 0);
	raw_poke(f->raw, CONFIG, 4, 6);
	raw_poke(f->raw, BAR0, MOVER_ENABLE, 0xf);
	raise_cause(f, 0);
	assert_int_equal(raw_events(f->event[0]), 0);
	assert_int_equal(raw_irqs(f->raw, MSI, EVENTFD | TRIGGER, 0, 4, f->event, 4), 0);
	assert_int_equal(raw_events(f->event[0]), 1);
}

/* -- by the client's hand --------------------------------------------------------------------------------------- */

static void the_client_triggers_an_interrupt_itself(void **state)
{
	struct fixture *f = *state;

	raw_irqs(f->raw, MSIX, EVENTFD | TRIGGER, 0, 4, f->event, 4);
	assert_int_equal(raw_irqs(f->raw, MSIX, NONE | TRIGGER, 1, 2, NULL, 0), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(raw_events(f->event[i]), i == 1 || i == 2);
	assert_int_equal(raw_irqs(f->raw, MSIX, NONE | TRIGGER, 5, 1, NULL, 0), EINVAL); /* it has no eventfd */
}

static void booleans_choose_from_the_range(void **state)
{
	struct fixture *f = *state;
	uint8_t set[20 + 3] = {23, 0, 0, 0, BOOL | TRIGGER, 0, 0, 0, MSIX, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0xff};

	raw_irqs(f->raw, MSIX, EVENTFD | TRIGGER, 0, 4, f->event, 4);
	assert_int_equal(raw_call(f->raw, SET_IRQS, set, sizeof set, NULL, 0), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(raw_events(f->event[i]), i == 1 || i == 3);
	set[4] = BOOL | MASK;
	assert_int_equal(raw_call(f->raw, SET_IRQS, set, sizeof set, NULL, 0), 0);
	raise_cause(f, 1);
	raise_cause(f, 2);
	assert_int_equal(raw_events(f->event[1]), 0);
	assert_int_equal(raw_events(f->event[2]), 1);
	set[4] = BOOL | UNMASK;
	assert_int_equal(raw_call(f->raw, SET_IRQS, set, sizeof set, NULL, 0), 0);
	assert_int_equal(raw_events(f->event[1]), 1);
	assert_int_equal(raw_call(f->raw, SET_IRQS, set, 22, NULL, 0), EINVAL);
	set[0] = 22;
	assert_int_equal(raw_call(f->raw, SET_IRQS, set, sizeof set, NULL, 0), EINVAL);
}

/* -- what is refused -------------------------------------------------------------------------------------------- */

static void flags_must_name_one_data_and_one_action(void **state)
{
	struct fixture *f = *state;

	for (uint32_t flags = 0; flags < 128; flags++) {
		uint32_t data = flags & 7, action = flags & 56;
		bool good = (data == 1 || data == 2 || data == 4) && (action == 8 || action == 16 || action == 32) &&
			    flags < 64;
		int result = raw_irqs(f->raw, INTX, flags, 0, 1, NULL, 0);

		if (!good || data == BOOL)
			assert_int_equal(result, EINVAL);
		else if (flags != (NONE | TRIGGER)) /* which has no eventfd to signal */
			assert_int_equal(result, 0);
	}
	assert_int_equal(raw_irqs(f->raw, INTX, 0x80000000 | NONE | MASK, 0, 1, NULL, 0), EINVAL);
}

static void ranges_outside_the_kind_are_refused(void **state)
{
	static const struct {
		uint32_t index, start, count;
	} bad[] = {
		{INTX, 1, 1}, {INTX, 0, 2}, {MSI, 4, 1}, {MSI, 3, 2}, {MSI, 0, 5}, {MSI, 1, UINT32_MAX}, {MSI, UINT32_MAX, 2},
		{MSIX, 0, 9}, {ERR, 0, 2}, {ERR, 1, 1}, {REQ, 0, 1}, {REQ, 0, 0}, {5, 0, 1}, {UINT32_MAX, 0, 1}, {MSI, 1, 0},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(raw_irqs(f->raw, bad[i].index, NONE | TRIGGER, bad[i].start, bad[i].count, NULL, 0), EINVAL);
	assert_int_equal(raw_irqs(f->raw, MSI, EVENTFD | TRIGGER, 0, 0, NULL, 0), EINVAL);
	assert_int_equal(raw_irqs(f->raw, MSI, NONE | MASK, 0, 0, NULL, 0), EINVAL);
}

static void there_are_as_many_eventfds_as_interrupts_or_none(void **state)
{
	struct fixture *f = *state;
	int before = raw_count_fds(f->raw);

	for (int n = 1; n <= 4; n++)
		if (n != 3)
			assert_int_equal(raw_irqs(f->raw, MSI, EVENTFD | TRIGGER, 0, 3, f->event, n), EINVAL);
	assert_int_equal(raw_irqs(f->raw, MSI, NONE | TRIGGER, 0, 1, f->event, 1), EINVAL);
	assert_int_equal(raw_irqs(f->raw, MSI, NONE | TRIGGER, 0, 0, f->event, 1), EINVAL);
	assert_int_equal(raw_count_fds(f->raw), before);
}

static void descriptors_that_are_no_eventfds_are_refused(void **state)
{
	struct fixture *f = *state;
	int before = raw_count_fds(f->raw), pipes[2], other[6];

	assert_int_equal(pipe(pipes), 0);
	other[0] = pipes[0];
	other[1] = pipes[1];
	other[2] = open("/", O_RDONLY | O_DIRECTORY);
	other[3] = f->raw->memory;
	other[4] = f->raw->fd;
	other[5] = open("/", O_PATH);
	for (int i = 0; i < 6; i++) {
		int fds[2] = {f->event[0], other[i]};

		for (uint32_t action = MASK; action <= TRIGGER; action *= 2)
			assert_int_equal(raw_irqs(f->raw, MSI, EVENTFD | action, 0, 2, fds, 2), EINVAL);
	}
	raise_cause(f, 0); /* nothing of the refused requests holds */
	assert_int_equal(raw_events(f->event[0]), 0);
	close(pipes[0]);
	close(pipes[1]);
	close(other[2]);
	close(other[5]);
	assert_int_equal(raw_count_fds(f->raw), before);
}

static void a_full_eventfd_stops_nobody(void **state)
{
	struct fixture *f = *state;

	raw_irqs(f->raw, MSI, EVENTFD | TRIGGER, 0, 1, f->event, 1);
	assert_int_equal(eventfd_write(f->event[0], UINT64_MAX - 1), 0);
	raise_cause(f, 0);
	raise_cause(f, 0);
	assert_int_equal(raw_events(f->event[0]), UINT64_MAX - 1);
}

/* QEMU takes it from every PCI Express function, and warns where it can not. */
static void the_error_interrupt_is_taken_and_comes_only_when_the_client_triggers_it(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(raw_irqs(f->raw, ERR, NONE | TRIGGER, 0, 1, NULL, 0), EINVAL);
	assert_int_equal(raw_irqs(f->raw, ERR, EVENTFD | TRIGGER, 0, 1, f->event, 1), 0);
	raise_cause(f, 0);
	raw_read(f->raw, CONFIG, 0);
	assert_int_equal(raw_events(f->event[0]), 0);
	assert_int_equal(raw_irqs(f->raw, ERR, NONE | TRIGGER, 0, 1, NULL, 0), 0);
	assert_int_equal(raw_events(f->event[0]), 1);
	assert_int_equal(raw_irqs(f->raw, ERR, NONE | MASK, 0, 1, NULL, 0), EINVAL);
	assert_int_equal(raw_irqs(f->raw, ERR, EVENTFD | TRIGGER, 0, 1, (int[]){0}, 1), EINVAL);
	assert_int_equal(raw_irqs(f->raw, ERR, NONE | TRIGGER, 0, 0, NULL, 0), 0);
	assert_int_equal(raw_irqs(f->raw, ERR, NONE | TRIGGER, 0, 1, NULL, 0), EINVAL);
}

static void an_eventfd_given_for_everything_is_fine(void **state)
{
	struct fixture *f = *state;
	int fds[4] = {f->event[0], f->event[0], f->event[0], f->event[0]};

	assert_int_equal(raw_irqs(f->raw, MSI, EVENTFD | TRIGGER, 0, 4, fds, 4), 0);
	assert_int_equal(raw_irqs(f->raw, MSI, EVENTFD | UNMASK, 0, 4, fds, 4), 0);
	assert_int_equal(raw_irqs(f->raw, MSI, EVENTFD | MASK, 0, 4, fds, 4), 0);
	raise_cause(f, 2);
	raw_read(f->raw, CONFIG, 0);
}

static void no_descriptor_stays_behind_a_client(void **state)
{
	struct fixture *f = *state;
	int before = raw_count_fds(f->raw);

	raw_irqs(f->raw, INTX, EVENTFD | TRIGGER, 0, 1, f->event, 1);
	raw_irqs(f->raw, INTX, EVENTFD | UNMASK, 0, 1, f->event, 1);
	raw_irqs(f->raw, MSI, EVENTFD | TRIGGER, 0, 4, f->event, 4);
	raw_irqs(f->raw, MSI, EVENTFD | TRIGGER, 0, 4, f->event, 4);
	raw_irqs(f->raw, MSIX, EVENTFD | MASK, 0, 8, f->event, 8);
	raw_irqs(f->raw, ERR, EVENTFD | TRIGGER, 0, 1, f->event, 1);
	raw_irqs(f->raw, ERR, EVENTFD | TRIGGER, 0, 1, f->event, 1);
	assert_int_equal(raw_count_fds(f->raw), before + 15);
	raw_reconnect(f->raw);
	assert_int_equal(raw_count_fds(NULL), before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(intx_is_signalled_once_and_masks_itself),
		TEST(intx_still_asserted_after_unmask_is_signalled_again),
		TEST(intx_deasserted_before_unmask_is_not_signalled_again),
		TEST(intx_is_unmasked_through_an_eventfd_as_kvm_does),
		TEST(intx_is_unmasked_while_the_function_waits_for_its_client),
		TEST(intx_is_masked_by_the_client_and_through_an_eventfd),
		TEST(intx_asserted_before_it_is_set_up_is_signalled_then),
		TEST(intx_disabled_in_the_command_register_stays_silent),
		TEST(an_eventfd_taken_back_is_signalled_no_more),
		TEST(with_enough_messages_each_cause_has_its_own),
		TEST(with_one_message_it_is_message_0),
		TEST(more_messages_may_follow_in_further_requests),
		TEST(messages_without_eventfd_are_lost_and_hurt_nobody),
		TEST(a_masked_message_is_held_until_unmasked),
		TEST(a_kind_is_disabled_as_a_whole),
		TEST(messages_need_the_bus_master_bit),
		TEST(after_a_reset_no_message_comes),
		TEST(the_client_triggers_an_interrupt_itself),
		TEST(booleans_choose_from_the_range),
		TEST(flags_must_name_one_data_and_one_action),
		TEST(ranges_outside_the_kind_are_refused),
		TEST(there_are_as_many_eventfds_as_interrupts_or_none),
		TEST(descriptors_that_are_no_eventfds_are_refused),
		TEST(a_full_eventfd_stops_nobody),
		TEST(the_error_interrupt_is_taken_and_comes_only_when_the_client_triggers_it),
		TEST(an_eventfd_given_for_everything_is_fine),
		TEST(no_descriptor_stays_behind_a_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
