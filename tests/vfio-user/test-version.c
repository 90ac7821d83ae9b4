/* SPDX-License-Identifier: Apache-2.0 */
/* "VFIO_USER_VERSION", and the rules for headers. */
#include "mover.h"
#include "raw.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void assert_version(struct raw *raw, unsigned major, unsigned minor, const char *json)
{
	uint16_t version[2];

	memcpy(version, raw->r.payload, 4);
	assert_int_equal(version[0], major);
	assert_int_equal(version[1], minor);
	assert_int_equal(raw->r.payload[raw->r.size - 1], 0);
	assert_string_equal((char *)raw->r.payload + 4, json);
}

/* The client is told why, and then the server closes. */
static void assert_refused(struct raw *raw, int error, int expected)
{
	assert_int_equal(error, expected);
	assert_false(raw_receive(raw));
}

static void a_client_without_capabilities_gets_none_back(void **state)
{
	struct raw *raw = raw_open();

	(void)state;
	assert_int_equal(raw_version(raw, 0, 1, NULL), 0);
	assert_version(raw, 0, 1, "{\"capabilities\":{}}");
	raw_close(raw);
}

static void the_minor_version_is_the_lower_of_both(void **state)
{
	static const unsigned asked[][2] = {{0, 0}, {1, 1}, {2, 1}, {65535, 1}};

	(void)state;
	for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
		struct raw *raw = raw_open();

		assert_int_equal(raw_version(raw, 0, (uint16_t)asked[i][0], "{}"), 0);
		assert_version(raw, 0, asked[i][1], "{\"capabilities\":{}}");
		raw_close(raw);
	}
}

static void another_major_version_ends_the_connection(void **state)
{
	struct raw *raw = raw_open();

	(void)state;
	assert_refused(raw, raw_version(raw, 1, 0, NULL), EPROTONOSUPPORT);
	raw_close(raw);
}

static void the_reply_names_only_capabilities_that_the_client_named(void **state)
{
	struct raw *raw = raw_open();

	(void)state;
	assert_int_equal(raw_version(raw, 0, 0,
				     "{\"capabilities\":{\"max_msg_fds\":3,\"pgsizes\":4096,\"unheard_of\":[1]}}"),
			 0);
	assert_version(raw, 0, 0, "{\"capabilities\":{\"max_msg_fds\":16,\"pgsizes\":4096}}");
	raw_close(raw);
}

/* What QEMU 10.1 says, and what it can live with: no more than 16 descriptors, 64 MiB, 65535 maps. */
static void qemu_s_proposal_is_met(void **state)
{
	struct raw *raw = raw_open();

	(void)state;
	assert_int_equal(raw_version(raw, 0, 0,
				     "{\"capabilities\":{\"migration\":{\"pgsize\":4096,\"max_bitmap_size\":268435456},"
				     "\"max_msg_fds\":16,\"max_data_xfer_size\":1048576,\"pgsizes\":4096,"
				     "\"max_dma_maps\":65535,\"write_multiple\":true}}"),
			 0);
	assert_version(raw, 0, 0,
		       "{\"capabilities\":{\"max_msg_fds\":16,\"max_data_xfer_size\":1048576,\"max_dma_maps\":65535,"
		       "\"pgsizes\":4096,\"write_multiple\":true}}");
	raw_close(raw);
}

static void twin_sockets_are_not_used(void **state)
{
	struct raw *raw = raw_open();

	(void)state;
	assert_int_equal(raw_version(raw, 0, 1, "{\"capabilities\":{\"twin_socket\":{\"supported\":true}}}"), 0);
	assert_version(raw, 0, 1, "{\"capabilities\":{}}");
	assert_int_equal(raw->r.nfds, 0);
	raw_close(raw);
}

static void a_capability_of_the_wrong_type_ends_the_connection(void **state)
{
	static const char *const bad[] = {
		"{\"capabilities\":{\"max_msg_fds\":\"8\"}}",
		"{\"capabilities\":{\"max_msg_fds\":0}}",
		"{\"capabilities\":{\"max_data_xfer_size\":-1}}",
		"{\"capabilities\":{\"max_data_xfer_size\":1.5}}",
		"{\"capabilities\":{\"max_dma_maps\":null}}",
		"{\"capabilities\":{\"pgsizes\":true}}",
		"{\"capabilities\":{\"write_multiple\":1}}",
		"{\"capabilities\":{\"twin_socket\":true}}",
		"{\"capabilities\":[]}",
		"{\"capabilities\":{\"max_msg_fds\":1,\"max_msg_fds\":2}}",
		"{\"capabilities\":{\"max_msg_fds\":99999999999999999999}}",
		"[]",
		"\"\"",
		"{",
		"",
		"{} {}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct raw *raw = raw_open();

		assert_refused(raw, raw_version(raw, 0, 1, bad[i]), EINVAL);
		raw_close(raw);
	}
}

static void text_without_its_nul_ends_the_connection(void **state)
{
	struct raw *raw = raw_open();

	(void)state;
	assert_refused(raw, raw_call(raw, VERSION, "\0\0\0\0{}", 6, NULL, 0), EINVAL);
	raw_close(raw);
}

static void text_without_end_or_depth_ends_the_connection(void **state)
{
	static char text[20000];
	struct raw *raw = raw_open();

	(void)state;
	memset(text, '[', sizeof text - 1);
	assert_refused(raw, raw_version(raw, 0, 1, text), EINVAL);
	raw_close(raw);
	raw = raw_open();
	memset(text + 10000, 0, 10000);
	assert_refused(raw, raw_version(raw, 0, 1, text), EINVAL);
	raw_close(raw);
}

static void a_version_message_too_short_for_a_version_ends_the_connection(void **state)
{
	(void)state;
	for (size_t size = 0; size < 4; size++) {
		struct raw *raw = raw_open();

		assert_refused(raw, raw_call(raw, VERSION, "\0\0\0\0", size, NULL, 0), EINVAL);
		raw_close(raw);
	}
}

static void any_other_first_message_ends_the_connection(void **state)
{
	uint8_t payload[32] = {0};

	(void)state;
	for (uint16_t command = DMA_MAP; command <= MIG_WRITE; command++) {
		struct raw *raw = raw_open();

		assert_refused(raw, raw_call(raw, command, payload, sizeof payload, NULL, 0),
			       command == 14 ? ENOSYS : EPROTO);
		raw_close(raw);
	}
}

static void a_second_version_message_is_refused_and_changes_nothing(void **state)
{
	struct raw *raw = raw_ready();

	(void)state;
	assert_int_equal(raw_version(raw, 0, 0, NULL), EINVAL);
	assert_int_equal(raw_read(raw, CONFIG, 0), MOVER_DEVICE << 16 | MOVER_VENDOR);
	raw_close(raw);
}

/* -- headers ---------------------------------------------------------------------------------------------------- */

static void the_message_id_is_echoed_and_may_repeat(void **state)
{
	static const uint16_t ids[] = {0, 1, 1, 0xffff, 0};
	struct raw *raw = raw_ready();

	(void)state;
	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
		raw->id = (uint16_t)(ids[i] - 1);
		raw_read(raw, CONFIG, 0);
		assert_int_equal(raw->r.h.id, ids[i]);
	}
	raw_close(raw);
}

static void a_command_without_reply_gets_none_even_when_it_fails(void **state)
{
	uint8_t payload[20] = {0};
	struct raw *raw = raw_ready();

	(void)state;
	payload[12] = 4;
	payload[16] = 0x77; /* SCRATCH */
	raw_send(raw, REGION_WRITE, 0x10, payload, 20, NULL, 0);
	raw_send(raw, REGION_WRITE, 0x10, payload, 19, NULL, 0);
	raw_send(raw, 99, 0x10, NULL, 0, NULL, 0);
	assert_int_equal(raw_read(raw, BAR0, MOVER_SCRATCH), 0x77);
	raw_close(raw);
}

static void commands_that_do_not_exist_are_refused(void **state)
{
	static const uint16_t numbers[] = {0, 14, 19, 100, 0xffff};
	struct raw *raw = raw_ready();

	(void)state;
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		assert_int_equal(raw_call(raw, numbers[i], NULL, 0, NULL, 0), ENOSYS);
	assert_int_equal(raw_call(raw, DMA_READ, NULL, 0, NULL, 0), EINVAL);
	assert_int_equal(raw_call(raw, DMA_WRITE, NULL, 0, NULL, 0), EINVAL);
	raw_close(raw);
}

static void migration_features_and_region_descriptors_are_refused_cleanly(void **state)
{
	uint32_t feature[4] = {16, 1 << 16 | 1};
	struct raw *raw = raw_ready();

	(void)state;
	for (uint32_t n = 0; n < 16; n++) {
		feature[1] = (1u << (16 + n % 3)) | n;
		assert_int_equal(raw_call(raw, FEATURE, feature, sizeof feature, NULL, 0), ENOTTY);
	}
	assert_int_equal(raw_call(raw, MIG_READ, feature, 8, NULL, 0), EOPNOTSUPP);
	assert_int_equal(raw_call(raw, MIG_WRITE, feature, 16, NULL, 0), EOPNOTSUPP);
	assert_int_equal(raw_call(raw, GET_REGION_IO_FDS, feature, 16, NULL, 0), EOPNOTSUPP);
	raw_read(raw, CONFIG, 0);
	raw_close(raw);
}

static void a_size_that_no_message_has_ends_the_connection(void **state)
{
	static const uint32_t sizes[] = {0, 1, 15, 16 + 16 + 1048576 + 1, 0x7fffffff, 0xffffffff};

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct header h = {1, REGION_READ, sizes[i], 0, 0};
		struct raw *raw = raw_ready();

		raw_write(raw, &h, sizeof h, NULL, 0);
		assert_false(raw_receive(raw));
		raw_close(raw);
	}
}

static void a_type_that_no_message_has_ends_the_connection(void **state)
{
	(void)state;
	for (uint32_t type = 2; type < 16; type++) {
		struct header h = {1, RESET, sizeof h, type, 0};
		struct raw *raw = raw_ready();

		raw_write(raw, &h, sizeof h, NULL, 0);
		assert_false(raw_receive(raw));
		raw_close(raw);
	}
}

static void a_reply_to_nothing_ends_the_connection(void **state)
{
	struct header h = {1, DMA_READ, sizeof h, 1, 0};
	struct raw *raw = raw_ready();

	(void)state;
	raw_write(raw, &h, sizeof h, NULL, 0);
	assert_false(raw_receive(raw));
	raw_close(raw);
}

static void payloads_too_short_for_their_command_are_refused(void **state)
{
	static const size_t need[] = {
		[DMA_MAP] = 32,       [DMA_UNMAP] = 24,   [GET_INFO] = 16,	[GET_REGION_INFO] = 32,
		[GET_IRQ_INFO] = 16,  [SET_IRQS] = 20,    [REGION_READ] = 16,	[REGION_WRITE] = 16,
		[WRITE_MULTI] = 8,
	};
	uint8_t payload[32] = {0};
	struct raw *raw = raw_ready();

	(void)state;
	for (uint16_t command = DMA_MAP; command <= WRITE_MULTI; command++)
		for (size_t size = 0; size < need[command]; size++)
			assert_int_equal(raw_call(raw, command, payload, size, NULL, 0), EINVAL);
	assert_int_equal(raw_call(raw, RESET, payload, 1, NULL, 0), EINVAL);
	raw_close(raw);
}

static void messages_are_understood_however_they_are_cut(void **state)
{
	struct raw *raw = raw_ready();
	uint8_t stream[5 * 32 + 16];
	size_t length = 0;

	(void)state;
	for (int i = 0; i < 5; i++) {
		struct header h = {(uint16_t)i, REGION_READ, 32, 0, 0};
		uint32_t access[4] = {0, 0, CONFIG, 4};

		memcpy(stream + length, &h, 16);
		memcpy(stream + length + 16, access, 16);
		length += 32;
	}
	for (size_t cut = 1; cut < length; cut++) {
		raw_write(raw, stream, cut, NULL, 0);
		raw_write(raw, stream + cut, length - cut, NULL, 0);
		for (int i = 0; i < 5; i++) {
			assert_true(raw_receive(raw));
			assert_int_equal(raw->r.h.id, i);
			assert_int_equal(raw->r.size, 20);
		}
	}
	raw_close(raw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_without_capabilities_gets_none_back),
		cmocka_unit_test(the_minor_version_is_the_lower_of_both),
		cmocka_unit_test(another_major_version_ends_the_connection),
		cmocka_unit_test(the_reply_names_only_capabilities_that_the_client_named),
		cmocka_unit_test(qemu_s_proposal_is_met),
		cmocka_unit_test(twin_sockets_are_not_used),
		cmocka_unit_test(a_capability_of_the_wrong_type_ends_the_connection),
		cmocka_unit_test(text_without_its_nul_ends_the_connection),
		cmocka_unit_test(text_without_end_or_depth_ends_the_connection),
		cmocka_unit_test(a_version_message_too_short_for_a_version_ends_the_connection),
		cmocka_unit_test(any_other_first_message_ends_the_connection),
		cmocka_unit_test(a_second_version_message_is_refused_and_changes_nothing),
		cmocka_unit_test(the_message_id_is_echoed_and_may_repeat),
		cmocka_unit_test(a_command_without_reply_gets_none_even_when_it_fails),
		cmocka_unit_test(commands_that_do_not_exist_are_refused),
		cmocka_unit_test(migration_features_and_region_descriptors_are_refused_cleanly),
		cmocka_unit_test(a_size_that_no_message_has_ends_the_connection),
		cmocka_unit_test(a_type_that_no_message_has_ends_the_connection),
		cmocka_unit_test(a_reply_to_nothing_ends_the_connection),
		cmocka_unit_test(payloads_too_short_for_their_command_are_refused),
		cmocka_unit_test(messages_are_understood_however_they_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
