/* SPDX-License-Identifier: Apache-2.0 */
/* Stories: what an application and people do to a device whose driver is a WDM one. */
#include "wdm-adder.h"

#include <stdlib.h>

static const struct wdm_options plain = {.io = DO_BUFFERED_IO, .connect = WDM_BY_MESSAGE};

static us_nt_handle opened(struct us_nt_user *user, int access)
{
	us_nt_status status;
	us_nt_handle file = us_nt_open(user, access, &status);

	us_nt_expect_status(user, status, STATUS_SUCCESS);
	return file;
}

static us_nt_handle plugged_in(struct us_nt_user *user)
{
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
	return opened(user, US_NT_READ | US_NT_WRITE);
}

static void add(struct us_nt_user *user, us_nt_handle file, uint32_t a, uint32_t b)
{
	uint32_t operands[2] = {a, b}, sum = 0;
	uint64_t returned;

	us_nt_expect_status(
		user, us_nt_control(user, file, WDM_ADD, operands, sizeof(operands), &sum, sizeof(sum), &returned),
		STATUS_SUCCESS);
	us_nt_expect(user, returned == sizeof(sum) && sum == a + b);
}

static void tell(struct wdm_options options, void (*story)(struct us_nt_user *user, void *context), unsigned seeds)
{
	for (unsigned seed = 0; seed < seeds; seed++) {
		struct us_rehearsal r = wdm_rehearsal(options, seed);

		rig_tell(&r, story, NULL);
	}
}

/* -- open and close ----------------------------------------------------------------------------------------------- */

static void opening(struct us_nt_user *user, void *context)
{
	us_nt_status status;
	us_nt_handle file, other;

	(void)context;
	file = us_nt_open(user, US_NT_READ, &status);
	us_nt_expect(user, !file && status == STATUS_OBJECT_NAME_NOT_FOUND); /* nothing is there yet */
	file = plugged_in(user);
	other = opened(user, US_NT_READ);
	us_nt_expect(user, other != file && wdm_seen.creates == 2);
	us_nt_close(user, file);
	us_nt_expect(user, wdm_seen.cleanups == 1 && wdm_seen.closes == 1);
	us_nt_open_name(user, "Absent", US_NT_READ, &status);
	us_nt_expect_status(user, status, STATUS_OBJECT_NAME_NOT_FOUND);
}

static void files_are_opened_and_closed(void **state)
{
	(void)state;
	tell(plain, opening, 5);
	assert_int_equal(wdm_seen.closes, 2); /* the story's end closes what is open */
	assert_int_equal(wdm_seen.removes, 1);
	assert_int_equal(wdm_seen.stack, 2);
}

static void closing_twice(struct us_nt_user *user, void *context)
{
	us_nt_handle file = plugged_in(user);

	(void)context;
	us_nt_close(user, file);
	us_nt_close(user, file);
}

static void a_mistake_of_the_story_is_said(void **state)
{
	struct us_rehearsal r = wdm_rehearsal(plain, 0);
	struct us_rehearsal_report report = {0};
	struct us_error err = {0};

	(void)state;
	assert_int_equal(us_rehearse(&r, closing_twice, NULL, &report, &err), 0);
	assert_int_equal(report.outcome, US_NT_EXPECTATION);
	assert_non_null(strstr(report.text, "not one of an open file"));
	us_rehearsal_free(&report);
}

/* -- methods of transfer ------------------------------------------------------------------------------------------ */

static void controls(struct us_nt_user *user, void *context)
{
	us_nt_handle file = plugged_in(user);
	uint8_t bytes[9000], in = 0x5c;
	uint32_t operands[2] = {1, 2};
	uint64_t returned;

	(void)context;
	add(user, file, 40, 2);
	us_nt_expect_status(user, us_nt_control(user, file, WDM_ADD, operands, 4, bytes, 4, &returned),
			    STATUS_INVALID_PARAMETER);
	us_nt_expect(user, returned == 0);
	us_nt_expect_status(user, us_nt_control(user, file, 0x222ffc, NULL, 0, NULL, 0, NULL),
			    STATUS_INVALID_DEVICE_REQUEST);
	memset(bytes, 1, sizeof(bytes));
	us_nt_expect_status(user, us_nt_control(user, file, WDM_NOT_IN, &in, 1, bytes, sizeof(bytes), &returned),
			    STATUS_SUCCESS);
	us_nt_expect(user,
		     returned == sizeof(bytes)); /* of direct I/O nothing is copied, so the number is the driver's */
	us_nt_expect_status(user, us_nt_control(user, file, WDM_NOT_OUT, &in, 1, bytes, sizeof(bytes), &returned),
			    STATUS_SUCCESS);
	us_nt_expect(user, returned == sizeof(bytes) && bytes[0] == in && bytes[sizeof(bytes) - 1] == in);
	memset(bytes, 0, sizeof(bytes));
	us_nt_expect_status(user, us_nt_control(user, file, WDM_NEITHER, "neither", 8, bytes, 100, &returned),
			    STATUS_SUCCESS);
	us_nt_expect(user, returned == 8 && strcmp((char *)bytes, "neither") == 0);
}

static void each_method_of_a_control_code_brings_its_buffers(void **state)
{
	(void)state;
	tell(plain, controls, 10);
}

static void transfers(struct us_nt_user *user, void *context)
{
	us_nt_handle file = plugged_in(user), reader = opened(user, US_NT_READ);
	uint8_t *bytes = us_nt_buffer(user, 10000, 4000);
	uint64_t returned;

	(void)context;
	us_nt_expect_status(user, us_nt_read(user, file, bytes, 10000, 0x77, &returned), STATUS_SUCCESS);
	us_nt_expect(user, returned == 10000 && bytes[0] == 0x77 && bytes[9999] == 0x77);
	us_nt_expect_status(user, us_nt_write(user, file, bytes, 10000, 0x77, &returned), STATUS_SUCCESS);
	bytes[5000] = 0;
	us_nt_expect_status(user, us_nt_write(user, file, bytes, 10000, 0x77, &returned), STATUS_DATA_ERROR);
	us_nt_expect(user, returned == 5000);
	us_nt_expect_status(user, us_nt_read(user, file, NULL, 0, 0, &returned), STATUS_SUCCESS);
	us_nt_expect_status(user, us_nt_write(user, reader, bytes, 1, 0, NULL), STATUS_ACCESS_DENIED);
	us_nt_expect_status(user, us_nt_control(user, reader, WDM_WRITE_ONLY, NULL, 0, NULL, 0, NULL),
			    STATUS_ACCESS_DENIED);
	us_nt_expect_status(user, us_nt_control(user, file, WDM_WRITE_ONLY, NULL, 0, NULL, 0, NULL), STATUS_SUCCESS);
	us_nt_buffer_free(user, bytes);
}

static void read_and_write_go_by_the_devices_method(void **state)
{
	const ULONG methods[] = {DO_BUFFERED_IO, DO_DIRECT_IO, 0};

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		tell((struct wdm_options){.io = methods[i]}, transfers, 3);
}

/* -- requests that take their time -------------------------------------------------------------------------------- */

static void cancelling(struct us_nt_user *user, void *context)
{
	us_nt_handle file = plugged_in(user);
	struct us_nt_io io;

	(void)context;
	us_nt_start_control(user, &io, file, WDM_WAIT, NULL, 0, NULL, 0);
	us_nt_expect(user, !us_nt_has_ended(user, &io) && io.status == STATUS_PENDING);
	us_nt_expect_status(user, us_nt_wait(user, &io, 1000000), STATUS_TIMEOUT);
	us_nt_cancel(user, &io);
	us_nt_expect_status(user, us_nt_wait(user, &io, US_FOREVER), STATUS_CANCELLED);
	us_nt_cancel(user, &io); /* too late, and harmless */
}

static void a_request_is_cancelled(void **state)
{
	(void)state;
	tell(plain, cancelling, 10);
	assert_int_equal(wdm_seen.cancelled, 1);
}

static void canceller(struct us_nt_user *user, void *context)
{
	us_nt_advance(user, us_nt_chance(user, 2000));
	us_nt_cancel(user, context);
}

/* Several requests for the one device, and another thread that cancels one of them at any moment. */
static void racing(struct us_nt_user *user, void *context)
{
	us_nt_handle file = plugged_in(user);
	struct us_nt_io io[4];
	uint32_t operands[4][2], sums[4];
	unsigned *ended = context, victim = us_nt_chance(user, 4);
	struct us_nt_thread *thread = NULL;

	for (uint32_t i = 0; i < 4; i++) {
		operands[i][0] = 1000 * i;
		operands[i][1] = i;
		us_nt_start_control(user, &io[i], file, WDM_ADD, operands[i], 8, &sums[i], 4);
		if (i == victim)
			thread = us_nt_thread(user, canceller, &io[i]);
	}
	us_nt_join(user, thread);
	for (uint32_t i = 0; i < 4; i++) {
		us_nt_status status = us_nt_wait(user, &io[i], US_FOREVER);

		us_nt_expect(user, status == STATUS_SUCCESS || (i == victim && status == STATUS_CANCELLED));
		us_nt_expect(user, status != STATUS_SUCCESS || sums[i] == 1001 * i);
		ended[status == STATUS_CANCELLED]++;
	}
}

static void cancel_races_with_completion(void **state)
{
	unsigned ended[2] = {0};

	(void)state;
	for (unsigned seed = 0; seed < 4 * RIG_SEEDS; seed++) {
		struct us_rehearsal r = wdm_rehearsal(plain, seed);

		rig_tell(&r, racing, ended);
	}
	assert_true(ended[0] > 3 * 4 * RIG_SEEDS); /* some victims came through, */
	assert_true(ended[1] > 0); /* and some did not */
}

static void cancel_as_soon_as_possible(struct us_nt_user *user, void *context)
{
	struct us_nt_io *io = context;

	while (!io->stage)
		us_nt_advance(user, 1 + us_nt_chance(user, 50));
	us_nt_cancel(user, io);
}

/* The cancel may come before the driver has queued the request, while it does, and after that. */
static void cancelling_at_once(struct us_nt_user *user, void *context)
{
	us_nt_handle file = plugged_in(user);
	struct us_nt_io io = {0};
	struct us_nt_thread *thread = us_nt_thread(user, cancel_as_soon_as_possible, &io);

	(void)context;
	us_nt_advance(user, us_nt_chance(user, 100));
	us_nt_start_control(user, &io, file, WDM_WAIT, NULL, 0, NULL, 0);
	us_nt_expect_status(user, us_nt_wait(user, &io, US_FOREVER), STATUS_CANCELLED);
	us_nt_join(user, thread);
}

static void cancel_races_with_queueing(void **state)
{
	(void)state;
	tell(plain, cancelling_at_once, 4 * RIG_SEEDS);
}

static void closing_with_requests(struct us_nt_user *user, void *context)
{
	us_nt_handle file = plugged_in(user), other = opened(user, US_NT_READ);
	struct us_nt_io mine, others;

	(void)context;
	us_nt_start_control(user, &mine, file, WDM_WAIT, NULL, 0, NULL, 0);
	us_nt_start_control(user, &others, other, WDM_WAIT, NULL, 0, NULL, 0);
	us_nt_close(user, file);
	us_nt_expect_status(user, us_nt_wait(user, &mine, US_FOREVER), STATUS_CANCELLED);
	us_nt_expect(user, !us_nt_has_ended(user, &others));
}

static void closing_a_file_ends_its_requests_by_cleanup(void **state)
{
	(void)state;
	tell(plain, closing_with_requests, 10);
	assert_int_equal(wdm_seen.closes, 2);
}

static void left_waiting(struct us_nt_user *user, void *context)
{
	us_nt_handle file = plugged_in(user);
	struct us_nt_io io;
	char out[64];

	(void)context;
	us_nt_start_control(user, &io, file, WDM_WAIT, NULL, 0, out, sizeof(out));
}

static void a_story_may_end_with_requests_under_way(void **state)
{
	(void)state;
	tell(plain, left_waiting, 10);
	assert_int_equal(wdm_seen.cancelled, 1);
	assert_int_equal(wdm_seen.closes, 1);
}

#define MANY 100

static void many_left_waiting(struct us_nt_user *user, void *context)
{
	us_nt_handle file = plugged_in(user);
	struct us_nt_io ios[MANY];
	char out[4];

	(void)context;
	for (unsigned i = 0; i < MANY; i++)
		us_nt_start_control(user, &ios[i], file, WDM_WAIT, NULL, 0, out, sizeof(out));
}

static void a_story_may_end_with_many_requests_under_way(void **state)
{
	(void)state;
	tell(plain, many_left_waiting, 1);
	assert_int_equal(wdm_seen.cancelled, MANY);
}

static void a_request_that_can_not_be_cancelled_hangs(void **state)
{
	struct us_rehearsal r = wdm_rehearsal((struct wdm_options){.mistake = WDM_FORGETS_CANCEL}, 1);

	(void)state;
	rig_tell_breaks("hang", &r, left_waiting, NULL);
}

/* -- mistakes with IRPs ------------------------------------------------------------------------------------------- */

static void blunders(struct us_nt_user *user, void *context)
{
	us_nt_handle file = plugged_in(user);
	struct us_nt_io io;
	char out[16];

	(void)context;
	us_nt_start_control(user, &io, file, WDM_WAIT, NULL, 0, out, sizeof(out));
	us_nt_cancel(user, &io);
	us_nt_wait(user, &io, US_FOREVER);
}

static void mistakes_with_irps_are_found(void **state)
{
	static const struct {
		enum wdm_mistake mistake;
		const char *rule;
	} cases[] = {
		{WDM_COMPLETES_TWICE, "irp.completed-twice"},
		{WDM_COMPLETES_PENDING, "irp.completed-pending"},
		{WDM_NOT_COMPLETED, "irp.not-completed"},
		{WDM_PENDING_NOT_MARKED, "irp.pending-not-marked"},
		{WDM_PENDING_NOT_RETURNED, "irp.pending-not-returned"},
		{WDM_STATUS_DIFFERS, "irp.status-differs"},
		{WDM_CANCELABLE, "irp.completed-cancelable"},
		{WDM_TOO_MUCH, "irp.information"},
		{WDM_KEEPS_CANCEL_LOCK, "cancel.lock-kept"},
		{WDM_LEAVES_LINK, "name.leak"},
		{WDM_LEAVES_POOL, "pool.leak"},
		{WDM_LEAVES_REGISTERS, "memory.leak"},
		{WDM_LEAVES_ADAPTER, "dma.leak"},
		{WDM_LEAVES_ATTACHED, "pnp.left-attached"},
		{WDM_LEAVES_DEVICE, "device.leak"},
		{WDM_LEAVES_INTERFACE, "interface.leak"},
		{WDM_LEAVES_INTERRUPT, "interrupt.leak"},
		{WDM_INITIALIZING, "pnp.initializing"},
		{WDM_FAILS_REMOVE, "pnp.must-succeed"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct us_rehearsal r = wdm_rehearsal((struct wdm_options){.mistake = cases[i].mistake}, 3);

		rig_tell_breaks(cases[i].rule, &r, blunders, NULL);
	}
}

/* -- the world ---------------------------------------------------------------------------------------------------- */

static void deaf(struct us_nt_user *user, void *context)
{
	us_nt_handle file = plugged_in(user);
	uint32_t operands[2] = {1, 2}, sum;
	struct us_nt_io io;

	(void)context;
	us_nt_hang(user, 0, 4); /* the write of B */
	us_nt_start_control(user, &io, file, WDM_ADD, operands, sizeof(operands), &sum, sizeof(sum));
	us_nt_expect_status(user, us_nt_wait(user, &io, 1000000000), STATUS_TIMEOUT);
	us_nt_expect(user, us_nt_time(user) >= 1000000000);
	us_nt_unhang(user);
	us_nt_expect_status(user, us_nt_sleep_system(user), STATUS_SUCCESS);
	us_nt_expect_status(user, us_nt_wake_system(user), STATUS_SUCCESS); /* which begins it anew */
	us_nt_expect_status(user, us_nt_wait(user, &io, US_FOREVER), STATUS_SUCCESS);
	us_nt_expect(user, sum == 3);
}

static void a_device_that_hangs_takes_no_commands(void **state)
{
	(void)state;
	tell(plain, deaf, 10);
}

static void vanishing(struct us_nt_user *user, void *context)
{
	us_nt_handle file = plugged_in(user);
	uint32_t operands[2] = {1, 2}, sum;
	struct us_nt_io io;

	(void)context;
	us_nt_vanish(user);
	us_nt_start_control(user, &io, file, WDM_ADD, operands, sizeof(operands), &sum, sizeof(sum));
	us_nt_expect_status(user, us_nt_wait(user, &io, 1000000000), STATUS_TIMEOUT);
	us_nt_pull_out(user);
	us_nt_expect_status(user, us_nt_wait(user, &io, US_FOREVER), STATUS_DELETE_PENDING);
	us_nt_close(user, file);
	file = plugged_in(user);
	add(user, file, 5, 6);
}

static void a_function_that_vanished_answers_all_ones(void **state)
{
	(void)state;
	tell(plain, vanishing, 10);
}

static void the_shortest_story_is_in_and_out(void **state)
{
	struct us_rehearsal r = wdm_rehearsal(plain, 0);

	(void)state;
	rig_tell(&r, NULL, NULL);
	assert_int_equal(wdm_seen.starts, 1);
	assert_int_equal(wdm_seen.removes, 1);
}

/* A run's trace, as a string. */
static char *trace_of(uint64_t seed, void (*story)(struct us_nt_user *user, void *context))
{
	struct us_rehearsal r = wdm_rehearsal(plain, seed);
	unsigned ended[2];
	char *text = NULL;
	size_t size;

	r.grant = US_NT_GRANT_LINE;
	r.trace = open_memstream(&text, &size);
	rig_tell(&r, story, ended);
	fclose(r.trace);
	return text;
}

static void the_same_seed_is_the_same_run_to_the_byte(void **state)
{
	char *first = trace_of(11, racing), *again = trace_of(11, racing), *other = trace_of(12, racing);

	(void)state;
	assert_string_equal(first, again);
	assert_string_not_equal(first, other);
	free(first);
	free(again);
	free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_with_irps_are_found),
		cmocka_unit_test(a_mistake_of_the_story_is_said),
		cmocka_unit_test(a_request_that_can_not_be_cancelled_hangs),
		cmocka_unit_test(files_are_opened_and_closed),
		cmocka_unit_test(each_method_of_a_control_code_brings_its_buffers),
		cmocka_unit_test(read_and_write_go_by_the_devices_method),
		cmocka_unit_test(a_request_is_cancelled),
		cmocka_unit_test(cancel_races_with_completion),
		cmocka_unit_test(cancel_races_with_queueing),
		cmocka_unit_test(closing_a_file_ends_its_requests_by_cleanup),
		cmocka_unit_test(a_story_may_end_with_requests_under_way),
		cmocka_unit_test(a_story_may_end_with_many_requests_under_way),
		cmocka_unit_test(a_device_that_hangs_takes_no_commands),
		cmocka_unit_test(a_function_that_vanished_answers_all_ones),
		cmocka_unit_test(the_shortest_story_is_in_and_out),
		cmocka_unit_test(the_same_seed_is_the_same_run_to_the_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
