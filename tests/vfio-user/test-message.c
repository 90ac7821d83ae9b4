/* SPDX-License-Identifier: Apache-2.0 */
/* DMA_READ and DMA_WRITE, from the server to a client whose memory it can not map. */
#include "mover.h"
#include "raw.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGE UINT64_C(0x1000)
#define BASE UINT64_C(0x123456000)

struct request {
	struct header h;
	uint64_t address, count;
};

static struct raw *connect_with(uint16_t minor, const char *capabilities)
{
	struct raw *raw = raw_open();

	assert_int_equal(raw_version(raw, 0, minor, capabilities), 0);
	raw_poke(raw, CONFIG, 4, 6);
	assert_int_equal(raw_map(raw, BASE, 16 * PAGE, 3, -1, 0), 0);
	return raw;
}

static int set_up(void **state)
{
	*state = connect_with(1, NULL);
	return 0;
}

static int tear_down(void **state)
{
	raw_close(*state);
	return 0;
}

/* A write to a register, of which no reply is wanted: the server goes on to ask us something. */
static void poke(struct raw *raw, uint64_t offset, uint64_t value, uint32_t size)
{
	uint8_t m[24];
	uint32_t region = BAR0;

	memcpy(m, &offset, 8);
	memcpy(m + 8, &region, 4);
	memcpy(m + 12, &size, 4);
	memcpy(m + 16, &value, size);
	raw_send(raw, REGION_WRITE, 0x10, m, 16 + size, NULL, 0);
}

static void command(struct raw *raw, uint32_t number, uint64_t address, uint32_t length)
{
	poke(raw, MOVER_ADDRESS, address, 8);
	poke(raw, MOVER_LENGTH, length, 4);
	poke(raw, MOVER_COMMAND, number, 4);
}

/* The server's request, which must be this one. */
static struct request expect(struct raw *raw, uint16_t number, uint64_t address, uint64_t count)
{
	struct request r;

	assert_true(raw_receive(raw));
	memcpy(&r, &raw->r, sizeof r.h);
	memcpy(&r.address, raw->r.payload, 16);
	assert_int_equal(r.h.command, number);
	assert_int_equal(r.h.flags, 0);
	assert_int_equal(r.address, address);
	assert_int_equal(r.count, count);
	assert_int_equal(raw->r.size, number == DMA_WRITE ? 16 + count : 16);
	return r;
}

static void answer(struct raw *raw, const struct request *r, uint32_t flags, uint32_t error, const void *payload,
		   size_t size)
{
	uint8_t message[16 + 16 + 8192];
	struct header h = {r->h.id, r->h.command, (uint32_t)(16 + size), flags, error};

	memcpy(message, &h, 16);
	if (size)
		memcpy(message + 16, payload, size);
	raw_write(raw, message, 16 + size, NULL, 0);
}

static void answer_write(struct raw *raw, const struct request *r)
{
	uint64_t payload[2] = {r->address, r->count};

	answer(raw, r, 1, 0, payload, 16);
}

static void answer_read(struct raw *raw, const struct request *r, const void *data)
{
	uint8_t payload[16 + 8192];

	memcpy(payload, &r->address, 16);
	memcpy(payload + 16, data, r->count);
	answer(raw, r, 1, 0, payload, 16 + r->count);
}

static void memory_is_written_by_message(void **state)
{
	struct raw *raw = *state;
	struct request r;

	raw_poke(raw, BAR2, 0, 0x11223344);
	command(raw, MOVER_WRITE, BASE + 4, 8);
	r = expect(raw, DMA_WRITE, BASE + 4, 8);
	assert_memory_equal(raw->r.payload + 16, "\x44\x33\x22\x11\0\0\0\0", 8);
	answer_write(raw, &r);
	assert_int_equal(raw_result(raw), 0);
}

static void memory_is_read_by_message(void **state)
{
	struct raw *raw = *state;
	struct request r;

	command(raw, MOVER_READ, BASE, 8);
	r = expect(raw, DMA_READ, BASE, 8);
	answer_read(raw, &r, "abcdefgh");
	assert_int_equal(raw_result(raw), 0);
	assert_int_equal(raw_read64(raw, BAR2, 0), UINT64_C(0x6867666564636261));
}

static void jobs_do_the_same_on_their_thread(void **state)
{
	struct raw *raw = *state;
	char page[4096];
	struct request r;

	memset(page, 'x', sizeof page);
	command(raw, MOVER_JOB_READ, BASE, 0x2000);
	for (uint64_t i = 0; i < 2; i++) {
		r = expect(raw, DMA_READ, BASE + i * PAGE, PAGE);
		answer_read(raw, &r, page);
	}
	assert_int_equal(raw_result(raw), 0);
	assert_int_equal(raw_read(raw, BAR2, 0x1ffc), 0x78787878);
}

/* The specification's 12 bytes, QEMU's none, and what one would expect. */
static void the_reply_to_a_write_has_one_of_three_lengths(void **state)
{
	struct raw *raw = *state;

	for (int i = 0; i < 3; i++) {
		static const size_t length[] = {0, 12, 16};
		uint64_t payload[2];
		struct request r;

		command(raw, MOVER_WRITE, BASE, 8);
		r = expect(raw, DMA_WRITE, BASE, 8);
		memcpy(payload, &r.address, 16);
		answer(raw, &r, 1, 0, payload, length[i]);
		assert_int_equal(raw_result(raw), 0);
	}
}

static void no_message_moves_more_than_the_client_takes(void **state)
{
	struct raw *raw = connect_with(1, "{\"capabilities\":{\"max_data_xfer_size\":3000}}");
	static const uint64_t parts[] = {3000, 3000, 2000};
	uint64_t at = BASE;

	(void)state;
	command(raw, MOVER_WRITE, BASE, 8000);
	for (int i = 0; i < 3; i++) {
		struct request r = expect(raw, DMA_WRITE, at, parts[i]);

		answer_write(raw, &r);
		at += parts[i];
	}
	assert_int_equal(raw_result(raw), 0);
	raw_close(raw);
}

static void an_error_ends_the_access_and_names_the_address(void **state)
{
	static const int said[] = {EFAULT, EPERM, EACCES, ENODEV, 0}, means[] = {EFAULT, EACCES, EACCES, EFAULT, EFAULT};
	struct raw *raw = connect_with(1, "{\"capabilities\":{\"max_data_xfer_size\":4096}}");

	(void)state;
	for (int i = 0; i < 5; i++) {
		struct request r;

		command(raw, MOVER_READ, BASE, 0x3000);
		r = expect(raw, DMA_READ, BASE, PAGE);
		answer_read(raw, &r, raw->r.payload);
		r = expect(raw, DMA_READ, BASE + PAGE, PAGE);
		answer(raw, &r, 0x21, (uint32_t)said[i], NULL, 0);
		assert_int_equal(raw_result(raw), means[i]);
		assert_int_equal(raw_read64(raw, BAR0, MOVER_FAULT), BASE + PAGE);
	}
	raw_close(raw);
}

static void requests_that_come_meanwhile_are_served_afterwards_in_order(void **state)
{
	struct raw *raw = *state;
	struct request r;
	struct {
		uint64_t offset;
		uint32_t region, count;
	} read = {MOVER_RESULT, BAR0, 4};
	int event = eventfd(0, EFD_CLOEXEC);
	uint32_t irq[5] = {20, EVENTFD | TRIGGER, MSI, 0, 1};
	uint16_t first;

	command(raw, MOVER_WRITE, BASE, 8);
	r = expect(raw, DMA_WRITE, BASE, 8);
	raw_send(raw, REGION_READ, 0, &read, 16, NULL, 0);
	first = raw->id;
	raw_send(raw, SET_IRQS, 0, irq, sizeof irq, &event, 1);
	answer_write(raw, &r);
	raw_send(raw, REGION_READ, 0, &read, 16, NULL, 0);
	for (uint16_t i = 0; i < 3; i++) {
		assert_true(raw_receive(raw));
		assert_int_equal(raw->r.h.id, first + i);
		assert_int_equal(raw->r.h.flags, 1);
	}
	raw_poke(raw, BAR0, MOVER_ENABLE, 1);
	raw_poke(raw, BAR0, MOVER_RAISE, 1);
	assert_int_equal(raw_events(event), 1);
	close(event);
}

static void registers_answer_while_a_job_waits(void **state)
{
	struct raw *raw = *state;
	struct request r;

	command(raw, MOVER_JOB_WRITE, BASE, 0x1000);
	r = expect(raw, DMA_WRITE, BASE, PAGE);
	for (int i = 0; i < 10; i++)
		assert_int_equal(raw_read(raw, BAR0, MOVER_RESULT), MOVER_BUSY);
	answer_write(raw, &r);
	assert_int_equal(raw_result(raw), 0);
}

static void both_threads_may_ask_at_once(void **state)
{
	struct raw *raw = *state;
	struct request job, device;

	command(raw, MOVER_JOB_WRITE, BASE, 0x1000);
	job = expect(raw, DMA_WRITE, BASE, PAGE);
	command(raw, MOVER_READ, BASE + 2 * PAGE, 4);
	device = expect(raw, DMA_READ, BASE + 2 * PAGE, 4);
	assert_int_not_equal(job.h.id, device.h.id);
	answer_read(raw, &device, "wxyz");
	assert_int_equal(raw_read(raw, BAR2, 0), 0x7a797877);
	answer_write(raw, &job);
	assert_int_equal(raw_result(raw), 0);
}

/* -- ends ------------------------------------------------------------------------------------------------------- */

static void unmapping_other_memory_does_not_wait_for_the_client(void **state)
{
	struct raw *raw = *state;
	struct request r;

	raw_map(raw, 0, 16 * PAGE, 3, raw->memory, 0);
	command(raw, MOVER_JOB_WRITE, BASE, 0x1000);
	r = expect(raw, DMA_WRITE, BASE, PAGE);
	assert_int_equal(raw_unmap(raw, 0, 16 * PAGE), 0);
	answer_write(raw, &r);
	assert_int_equal(raw_result(raw), 0);
}

static void unmapping_the_memory_it_waits_for_ends_the_wait(void **state)
{
	struct raw *raw = *state;
	struct request r;

	command(raw, MOVER_JOB_WRITE, BASE, 0x4000);
	r = expect(raw, DMA_WRITE, BASE, PAGE);
	assert_int_equal(raw_unmap(raw, BASE, 16 * PAGE), 0);
	assert_int_equal(raw_result(raw), EFAULT);
	answer_write(raw, &r); /* late, and known */
	raw_read(raw, CONFIG, 0);
}

static void a_reset_ends_the_wait(void **state)
{
	struct raw *raw = *state;

	for (int i = 0; i < 20; i++) {
		struct request r;

		command(raw, i % 2 ? MOVER_JOB_WRITE : MOVER_JOB_READ, BASE, 0x4000);
		r = expect(raw, i % 2 ? DMA_WRITE : DMA_READ, BASE, PAGE);
		assert_int_equal(raw_call(raw, RESET, NULL, 0, NULL, 0), 0);
		answer(raw, &r, 0x21, EFAULT, NULL, 0);
		raw_poke(raw, CONFIG, 4, 6);
		assert_int_equal(raw_read(raw, BAR0, MOVER_RESULT), 0);
	}
}

static void a_client_that_leaves_ends_the_wait(void **state)
{
	struct raw *raw = *state;

	for (uint32_t number = MOVER_READ; number <= MOVER_JOB_WRITE; number++) {
		command(raw, number, BASE, 0x1000);
		expect(raw, number % 2 ? DMA_READ : DMA_WRITE, BASE, PAGE);
		raw_reconnect(raw);
		assert_int_equal(raw_version(raw, 0, 1, NULL), 0);
		raw_poke(raw, CONFIG, 4, 6);
		raw_map(raw, BASE, 16 * PAGE, 3, -1, 0);
	}
}

static void a_client_that_never_answers_has_its_access_failed(void **state)
{
	struct raw *raw = *state;
	struct request r;

	command(raw, MOVER_WRITE, BASE, 8);
	r = expect(raw, DMA_WRITE, BASE, 8);
	assert_int_equal(raw_result(raw), EIO);
	answer_write(raw, &r);
	assert_int_equal(raw_result(raw), EIO);
}

static void a_reply_that_does_not_fit_ends_the_connection(void **state)
{
	(void)state;
	for (int wrong = 0; wrong < 8; wrong++) {
		struct raw *raw = connect_with(1, NULL);
		bool write = wrong >= 5;
		struct request r;
		uint64_t payload[3];

		command(raw, write ? MOVER_WRITE : MOVER_READ, BASE, 8);
		r = expect(raw, write ? DMA_WRITE : DMA_READ, BASE, 8);
		memcpy(payload, &r.address, 16);
		payload[2] = 0;
		payload[0] += wrong == 0 || wrong == 5;
		payload[1] += wrong == 1 || wrong == 6;
		r.h.id += wrong == 2;
		r.h.command += wrong == 3;
		answer(raw, &r, 1, 0, payload, wrong == 4 ? 23 : wrong == 7 ? 8 : write ? 16 : 24);
		assert_false(raw_receive(raw));
		raw_close(raw);
	}
}

static void requests_without_end_end_the_connection(void **state)
{
	struct raw *raw = *state;
	uint8_t *payload = test_calloc(1, 16 + 1048576);
	uint32_t count = 1048576;

	command(raw, MOVER_WRITE, BASE, 8);
	expect(raw, DMA_WRITE, BASE, 8);
	memcpy(payload + 12, &count, 4);
	for (int i = 0; i < 4; i++)
		raw_send(raw, REGION_WRITE, 0x10, payload, 16 + count, NULL, 0);
	assert_false(raw_receive(raw));
	test_free(payload);
}

/* -- QEMU 10.1 -------------------------------------------------------------------------------------------------- */

static void a_client_of_version_0_0_is_asked_where_it_has_the_data(void **state)
{
	struct raw *raw = connect_with(0, NULL);
	struct request r;

	(void)state;
	command(raw, MOVER_WRITE, BASE, 8);
	r = expect(raw, DMA_READ, BASE, UINT64_C(1) << 32);
	answer(raw, &r, 0x21, E2BIG, NULL, 0);
	r = expect(raw, DMA_WRITE, BASE, 8);
	answer_write(raw, &r);
	assert_int_equal(raw_result(raw), 0);
	command(raw, MOVER_WRITE, BASE, 8); /* once is enough */
	r = expect(raw, DMA_WRITE, BASE, 8);
	answer_write(raw, &r);
	raw_close(raw);
}

static void a_client_that_counts_in_32_bits_has_it_4_bytes_earlier(void **state)
{
	struct raw *raw = connect_with(0, NULL);
	uint8_t payload[24] = {0};
	struct request r;

	(void)state;
	raw_poke(raw, BAR2, 0, 0x11223344);
	raw_poke(raw, BAR2, 4, 0x55667788);
	command(raw, MOVER_WRITE, BASE, 8);
	r = expect(raw, DMA_READ, BASE, UINT64_C(1) << 32);
	memcpy(payload, &r.address, 8); /* the lower half of the count, 0, and no data */
	answer(raw, &r, 1, 0, payload, 16);
	assert_true(raw_receive(raw));
	assert_int_equal(raw->r.h.command, DMA_WRITE);
	assert_int_equal(raw->r.size, 24);
	assert_memory_equal(raw->r.payload + 8, "\x08\0\0\0\x44\x33\x22\x11\x88\x77\x66\x55\0\0\0\0", 16);
	memcpy(&r.h, &raw->r.h, sizeof r.h);
	answer(raw, &r, 1, 0, NULL, 0);
	assert_int_equal(raw_result(raw), 0);
	command(raw, MOVER_READ, BASE, 8);
	r = expect(raw, DMA_READ, BASE, 8);
	memcpy(payload, &r.address, 12);
	memcpy(payload + 12, "abcdefgh", 8);
	answer(raw, &r, 1, 0, payload, 24);
	assert_int_equal(raw_read64(raw, BAR2, 0), UINT64_C(0x6867666564636261));
	raw_close(raw);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(memory_is_written_by_message),
		TEST(memory_is_read_by_message),
		TEST(jobs_do_the_same_on_their_thread),
		TEST(the_reply_to_a_write_has_one_of_three_lengths),
		cmocka_unit_test(no_message_moves_more_than_the_client_takes),
		cmocka_unit_test(an_error_ends_the_access_and_names_the_address),
		TEST(requests_that_come_meanwhile_are_served_afterwards_in_order),
		TEST(registers_answer_while_a_job_waits),
		TEST(both_threads_may_ask_at_once),
		TEST(unmapping_other_memory_does_not_wait_for_the_client),
		TEST(unmapping_the_memory_it_waits_for_ends_the_wait),
		TEST(a_reset_ends_the_wait),
		TEST(a_client_that_leaves_ends_the_wait),
		TEST(a_client_that_never_answers_has_its_access_failed),
		cmocka_unit_test(a_reply_that_does_not_fit_ends_the_connection),
		TEST(requests_without_end_end_the_connection),
		cmocka_unit_test(a_client_of_version_0_0_is_asked_where_it_has_the_data),
		cmocka_unit_test(a_client_that_counts_in_32_bits_has_it_4_bytes_earlier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
