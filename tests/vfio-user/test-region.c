/* SPDX-License-Identifier: Apache-2.0 */
/* What the function says of itself, access to its regions, and its reset. */
#include "mover.h"
#include "raw.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static uint32_t word(const struct raw *raw, size_t at)
{
	uint32_t value;

	memcpy(&value, raw->r.payload + at, 4);
	return value;
}

static uint64_t quad(const struct raw *raw, size_t at)
{
	uint64_t value;

	memcpy(&value, raw->r.payload + at, 8);
	return value;
}

static int region_info(struct raw *raw, uint32_t index, uint32_t argsz)
{
	uint32_t info[8] = {argsz, 0, index};

	return raw_call(raw, GET_REGION_INFO, info, sizeof info, NULL, 0);
}

static void the_device_is_a_pci_device_that_can_be_reset(void **state)
{
	uint32_t info[4] = {16};
	struct raw *raw = raw_ready();

	(void)state;
	assert_int_equal(raw_call(raw, GET_INFO, info, sizeof info, NULL, 0), 0);
	assert_int_equal(raw->r.size, 16);
	assert_int_equal(word(raw, 0), 16);
	assert_int_equal(word(raw, 4), 3);
	assert_int_equal(word(raw, 8), 9);
	assert_int_equal(word(raw, 12), 5);
	info[0] = 15;
	assert_int_equal(raw_call(raw, GET_INFO, info, sizeof info, NULL, 0), EINVAL);
	raw_close(raw);
}

static void each_region_has_its_size_and_others_none(void **state)
{
	static const uint64_t size[] = {MOVER_BAR0, 0, MOVER_BAR2, 0, 0, 0, 0, 4096, 0};
	struct raw *raw = raw_ready();

	(void)state;
	for (uint32_t i = 0; i < 9; i++) {
		assert_int_equal(region_info(raw, i, 32), 0);
		assert_int_equal(raw->r.size, 32);
		assert_int_equal(word(raw, 8), i);
		assert_int_equal(quad(raw, 16), size[i]);
		assert_int_equal(word(raw, 4) & 3, size[i] ? 3 : 0);
		for (int n = 0; n < raw->r.nfds; n++)
			close(raw->r.fd[n]);
	}
	assert_int_equal(region_info(raw, 9, 32), EINVAL);
	assert_int_equal(region_info(raw, 0xffffffff, 32), EINVAL);
	assert_int_equal(region_info(raw, 0, 31), EINVAL);
	raw_close(raw);
}

static void a_region_that_can_be_mapped_in_part_says_which(void **state)
{
	struct raw *raw = raw_ready();

	(void)state;
	assert_int_equal(region_info(raw, BAR2, 1000), 0);
	assert_int_equal(word(raw, 4), 0xf); /* read, write, mmap, capabilities */
	assert_int_equal(word(raw, 0), 32 + 16 + 16);
	assert_int_equal(raw->r.size, 64);
	assert_int_equal(word(raw, 12), 32);
	assert_int_equal(word(raw, 32), 0x10001); /* sparse mmap, version 1 */
	assert_int_equal(word(raw, 36), 0);
	assert_int_equal(word(raw, 40), 1);
	assert_int_equal(quad(raw, 48), US_OFFSET_OF(MOVER_BUFFER));
	assert_int_equal(quad(raw, 56), MOVER_BUFFER_SIZE);
	assert_int_equal(raw->r.nfds, 1);
	close(raw->r.fd[0]);
	raw_close(raw);
}

/* QEMU asks with the bare structure first, and takes an offset of 0 for a mistake. */
static void a_reply_that_does_not_fit_tells_its_size(void **state)
{
	struct raw *raw = raw_ready();

	(void)state;
	for (uint32_t argsz = 32; argsz < 64; argsz++) {
		assert_int_equal(region_info(raw, BAR2, argsz), 0);
		assert_int_equal(raw->r.size, 32);
		assert_int_equal(word(raw, 0), 64);
		assert_int_equal(word(raw, 12), 32);
		assert_int_equal(raw->r.nfds, 1);
		close(raw->r.fd[0]);
	}
	raw_close(raw);
}

static void a_mapped_page_is_the_device_s_own_memory(void **state)
{
	struct raw *raw = raw_ready();
	uint32_t *at;

	(void)state;
	assert_int_equal(region_info(raw, BAR2, 64), 0);
	at = mmap(NULL, MOVER_BUFFER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, raw->r.fd[0], (off_t)quad(raw, 24));
	assert_true(at != MAP_FAILED);
	close(raw->r.fd[0]);
	raw_poke(raw, BAR2, 8, 0x12345678);
	assert_int_equal(at[2], 0x12345678);
	at[3] = 0x9abcdef0;
	assert_int_equal(raw_read(raw, BAR2, 12), 0x9abcdef0);
	munmap(at, MOVER_BUFFER_SIZE);
	raw_close(raw);
}

static void interrupt_kinds_have_their_counts(void **state)
{
	static const uint32_t count[] = {1, MOVER_MSI, MOVER_MSIX, 1, 0}, flags[] = {7, 0xb, 3, 1, 1};
	struct raw *raw = raw_ready();

	(void)state;
	for (uint32_t i = 0; i < 5; i++) {
		uint32_t info[4] = {16, 0, i, 0};

		assert_int_equal(raw_call(raw, GET_IRQ_INFO, info, sizeof info, NULL, 0), 0);
		assert_int_equal(raw->r.size, 16);
		assert_int_equal(word(raw, 0), 16);
		assert_int_equal(word(raw, 4), flags[i]);
		assert_int_equal(word(raw, 8), i);
		assert_int_equal(word(raw, 12), count[i]);
		info[0] = 15;
		assert_int_equal(raw_call(raw, GET_IRQ_INFO, info, sizeof info, NULL, 0), EINVAL);
	}
	assert_int_equal(raw_call(raw, GET_IRQ_INFO, (uint32_t[]){16, 0, 5, 0}, 16, NULL, 0), EINVAL);
	raw_close(raw);
}

/* -- access ----------------------------------------------------------------------------------------------------- */

static void registers_are_read_and_written_in_every_width(void **state)
{
	struct raw *raw = raw_ready();

	(void)state;
	raw_poke64(raw, BAR0, MOVER_WIDE, UINT64_C(0x1122334455667788));
	assert_int_equal(raw_read64(raw, BAR0, MOVER_WIDE), UINT64_C(0x1122334455667788));
	assert_int_equal(raw_read(raw, BAR0, MOVER_WIDE + 4), 0x11223344);
	assert_int_equal(raw_access(raw, REGION_READ, BAR0, MOVER_WIDE + 2, 2, NULL), 0);
	assert_memory_equal(raw->r.payload + 16, "\x66\x55", 2);
	assert_int_equal(raw_access(raw, REGION_READ, BAR0, MOVER_WIDE + 7, 1, NULL), 0);
	assert_int_equal(raw->r.payload[16], 0x11);
	assert_int_equal(raw->r.size, 17);
	raw_close(raw);
}

static void an_access_that_is_no_natural_one_is_made_of_natural_ones(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7};
	struct raw *raw = raw_ready();

	(void)state;
	assert_int_equal(raw_access(raw, REGION_WRITE, BAR2, 0x11, sizeof bytes, bytes), 0);
	assert_int_equal(raw_access(raw, REGION_READ, BAR2, 0x10, 9, NULL), 0);
	assert_memory_equal(raw->r.payload + 16, "\0\1\2\3\4\5\6\7\0", 9);
	raw_close(raw);
}

static void config_space_is_read_in_one_piece(void **state)
{
	struct raw *raw = raw_ready();

	(void)state;
	assert_int_equal(raw_access(raw, REGION_READ, CONFIG, 0, 4096, NULL), 0);
	assert_int_equal(raw->r.size, 16 + 4096);
	assert_memory_equal(raw->r.payload + 16, "\x34\x12\xce\x0a", 4);
	raw_close(raw);
}

static void the_reply_to_a_write_says_what_was_written(void **state)
{
	struct raw *raw = raw_ready();

	(void)state;
	raw_poke(raw, BAR0, MOVER_SCRATCH, 5);
	assert_int_equal(raw->r.size, 16);
	assert_int_equal(quad(raw, 0), MOVER_SCRATCH);
	assert_int_equal(word(raw, 8), BAR0);
	assert_int_equal(word(raw, 12), 4);
	raw_close(raw);
}

static void nothing_may_be_moved(void **state)
{
	struct raw *raw = raw_ready();

	(void)state;
	assert_int_equal(raw_access(raw, REGION_READ, BAR0, 0, 0, NULL), 0);
	assert_int_equal(raw->r.size, 16);
	assert_int_equal(raw_access(raw, REGION_WRITE, BAR0, MOVER_BAR0, 0, ""), 0);
	raw_close(raw);
}

static void access_outside_a_region_is_refused(void **state)
{
	static const struct {
		uint32_t region;
		uint64_t offset;
		uint32_t count;
	} bad[] = {
		{BAR0, MOVER_BAR0, 1},
		{BAR0, MOVER_BAR0 - 1, 2},
		{BAR0, UINT64_MAX, 1},
		{BAR0, UINT64_MAX - 3, 8},
		{BAR0, 0, MOVER_BAR0 + 1},
		{BAR0, 0, UINT32_MAX},
		{BAR0, UINT64_C(1) << 32, 4},
		{1, 0, 4},
		{3, 0, 4}, /* the upper half of BAR 2 */
		{ROM, 0, 4},
		{VGA, 0, 1},
		{9, 0, 1},
		{UINT32_MAX, 0, 1},
		{CONFIG, 4096, 1},
		{CONFIG, 4094, 4},
	};
	uint8_t data[64] = {0};
	struct raw *raw = raw_ready();

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(raw_access(raw, REGION_READ, bad[i].region, bad[i].offset, bad[i].count, NULL), EINVAL);
		if (bad[i].count <= sizeof data)
			assert_int_equal(
				raw_access(raw, REGION_WRITE, bad[i].region, bad[i].offset, bad[i].count, data), EINVAL);
	}
	raw_close(raw);
}

static void a_write_must_bring_as_many_bytes_as_it_says(void **state)
{
	uint8_t payload[16 + 9] = {0};
	struct raw *raw = raw_ready();

	(void)state;
	payload[12] = 4;
	for (size_t size = 16; size <= sizeof payload; size++)
		assert_int_equal(raw_call(raw, REGION_WRITE, payload, size, NULL, 0), size == 20 ? 0 : EINVAL);
	assert_int_equal(raw_call(raw, REGION_READ, payload, 17, NULL, 0), EINVAL);
	raw_close(raw);
}

/* -- many writes ------------------------------------------------------------------------------------------------ */

struct one {
	uint64_t offset;
	uint32_t region, count;
	uint64_t data;
};

static int multi(struct raw *raw, uint64_t count, const struct one *list, size_t bytes)
{
	uint8_t *payload = test_malloc(8 + bytes);
	int result;

	memcpy(payload, &count, 8);
	if (bytes)
		memcpy(payload + 8, list, bytes);
	result = raw_call(raw, WRITE_MULTI, payload, 8 + bytes, NULL, 0);
	test_free(payload);
	return result;
}

static void many_writes_are_done_in_order(void **state)
{
	static const struct one list[] = {
		{MOVER_SCRATCH, BAR0, 4, 1},
		{MOVER_WIDE, BAR0, 8, UINT64_C(0x0807060504030201)},
		{MOVER_SCRATCH, BAR0, 2, 0xffff0007},
	};
	struct raw *raw = raw_ready();

	(void)state;
	assert_int_equal(multi(raw, 3, list, sizeof list), 0);
	assert_int_equal(raw->r.size, 8);
	assert_int_equal(quad(raw, 0), 3);
	assert_int_equal(raw_read(raw, BAR0, MOVER_SCRATCH), 7);
	assert_int_equal(raw_read64(raw, BAR0, MOVER_WIDE), UINT64_C(0x0807060504030201));
	assert_int_equal(multi(raw, 0, list, 0), 0);
	raw_close(raw);
}

static void of_many_writes_with_a_bad_one_none_is_done(void **state)
{
	struct one list[2] = {{MOVER_SCRATCH, BAR0, 4, 1}};
	static const struct one bad[] = {
		{MOVER_SCRATCH, BAR0, 0, 0}, {MOVER_SCRATCH, BAR0, 9, 0}, {MOVER_BAR0, BAR0, 1, 0},
		{UINT64_MAX, BAR0, 8, 0},    {0, 9, 4, 0},		  {0, ROM, 4, 0},
	};
	struct raw *raw = raw_ready();

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		list[1] = bad[i];
		assert_int_equal(multi(raw, 2, list, sizeof list), EINVAL);
	}
	assert_int_equal(raw_read(raw, BAR0, MOVER_SCRATCH), 0);
	raw_close(raw);
}

static void the_number_of_writes_must_fit_the_message(void **state)
{
	static const uint64_t counts[] = {0, 1, 3, UINT64_MAX, UINT64_C(1) << 61, UINT64_C(0xaaaaaaaaaaaaaaac)};
	static const struct one list[2] = {{MOVER_SCRATCH, BAR0, 4, 1}, {MOVER_SCRATCH, BAR0, 4, 1}};
	struct raw *raw = raw_ready();

	(void)state;
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
		assert_int_equal(multi(raw, counts[i], list, sizeof list), EINVAL);
	for (size_t bytes = 25; bytes < sizeof list; bytes++)
		assert_int_equal(multi(raw, 1, list, bytes), EINVAL);
	raw_close(raw);
}

/* -- reset ------------------------------------------------------------------------------------------------------ */

static void a_reset_leaves_nothing_of_the_old_life(void **state)
{
	struct raw *raw = raw_ready();
	uint32_t resets = raw_read(raw, BAR0, MOVER_RESETS);

	(void)state;
	raw_poke(raw, BAR0, MOVER_SCRATCH, 7);
	assert_int_equal(raw_call(raw, RESET, NULL, 0, NULL, 0), 0);
	assert_int_equal(raw->r.size, 0);
	assert_int_equal(raw_read(raw, CONFIG, 4) & 6, 0);
	assert_int_equal(raw_read(raw, BAR0, MOVER_SCRATCH), 0xffffffff); /* memory is not decoded now */
	raw_poke(raw, CONFIG, 4, 6);
	assert_int_equal(raw_read(raw, BAR0, MOVER_SCRATCH), 0);
	assert_int_equal(raw_read(raw, BAR0, MOVER_RESETS), resets + 1);
	raw_close(raw);
}

static void the_next_client_finds_a_reset_function(void **state)
{
	struct raw *raw = raw_ready();
	uint32_t resets = raw_read(raw, BAR0, MOVER_RESETS);

	(void)state;
	raw_poke(raw, BAR0, MOVER_SCRATCH, 7);
	raw_reconnect(raw);
	assert_int_equal(raw_version(raw, 0, 1, NULL), 0);
	assert_int_equal(raw_read(raw, CONFIG, 4) & 6, 0);
	raw_poke(raw, CONFIG, 4, 6);
	assert_int_equal(raw_read(raw, BAR0, MOVER_SCRATCH), 0);
	assert_int_equal(raw_read(raw, BAR0, MOVER_RESETS), resets + 1);
	raw_close(raw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_device_is_a_pci_device_that_can_be_reset),
		cmocka_unit_test(each_region_has_its_size_and_others_none),
		cmocka_unit_test(a_region_that_can_be_mapped_in_part_says_which),
		cmocka_unit_test(a_reply_that_does_not_fit_tells_its_size),
		cmocka_unit_test(a_mapped_page_is_the_device_s_own_memory),
		cmocka_unit_test(interrupt_kinds_have_their_counts),
		cmocka_unit_test(registers_are_read_and_written_in_every_width),
		cmocka_unit_test(an_access_that_is_no_natural_one_is_made_of_natural_ones),
		cmocka_unit_test(config_space_is_read_in_one_piece),
		cmocka_unit_test(the_reply_to_a_write_says_what_was_written),
		cmocka_unit_test(nothing_may_be_moved),
		cmocka_unit_test(access_outside_a_region_is_refused),
		cmocka_unit_test(a_write_must_bring_as_many_bytes_as_it_says),
		cmocka_unit_test(many_writes_are_done_in_order),
		cmocka_unit_test(of_many_writes_with_a_bad_one_none_is_done),
		cmocka_unit_test(the_number_of_writes_must_fit_the_message),
		cmocka_unit_test(a_reset_leaves_nothing_of_the_old_life),
		cmocka_unit_test(the_next_client_finds_a_reset_function),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
