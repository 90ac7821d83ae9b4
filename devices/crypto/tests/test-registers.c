/* SPDX-License-Identifier: Apache-2.0 */
/* What the crypto device is to the bus, and how its registers read and write. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define BAR_SIZE 4096

static uint64_t config(struct rig *r, uint64_t offset, unsigned width)
{
	uint64_t value;

	assert_int_equal(us_fn_read(r->fn, US_REGION_CONFIG, offset, width, &value), 0);
	return value;
}

static uint64_t narrow(struct rig *r, uint64_t offset, unsigned width)
{
	uint64_t value;

	assert_int_equal(us_fn_read(r->fn, US_REGION_BAR0, offset, width, &value), 0);
	return value;
}

static void narrow_write(struct rig *r, uint64_t offset, unsigned width, uint64_t value)
{
	assert_int_equal(us_fn_write(r->fn, US_REGION_BAR0, offset, width, value), 0);
}

static void the_function_has_its_ids(void **state)
{
	struct rig *r = *state;
	const struct us_function_info *info = us_fn_info(r->fn);

	assert_int_equal(info->vendor_id, 0x1234);
	assert_int_equal(info->device_id, 0xc0de);
	assert_int_equal(info->subsystem_vendor_id, 0x1234);
	assert_int_equal(info->subsystem_id, 1);
	assert_int_equal(info->class_code, 0x108000);
	assert_int_equal(info->revision, 1);
}

static void registers_are_in_bar_0_and_msi_x_is_alone_in_bar_2(void **state)
{
	struct rig *r = *state;
	const struct us_function_info *info = us_fn_info(r->fn);
	int msix = us_fn_capability(r->fn, 0x11);

	for (unsigned bar = 0; bar < 6; bar++) {
		assert_int_equal(info->region[bar].size, bar == 0 || bar == 2 ? BAR_SIZE : 0);
		assert_false(info->region[bar].flags & (US_REGION_IO | US_REGION_MEM64 | US_REGION_PREFETCHABLE));
	}
	assert_true(msix > 0);
	assert_int_equal(config(r, (uint64_t)msix + 4, 4), 2);
	assert_int_equal(config(r, (uint64_t)msix + 8, 4), 0x802);
}

static void the_function_has_its_capabilities(void **state)
{
	struct rig *r = *state;
	const struct us_function_info *info = us_fn_info(r->fn);
	int msi = us_fn_capability(r->fn, 5), express = us_fn_capability(r->fn, 0x10);

	assert_true(us_fn_capability(r->fn, 1) > 0);
	assert_true(msi > 0 && express > 0);
	assert_int_equal(config(r, (uint64_t)msi + 2, 2) & 0x18e, 0x184); /* 4 messages, 64-bit, masks */
	assert_int_equal(config(r, (uint64_t)express + 2, 2) >> 4 & 15, 0); /* endpoint */
	assert_true(config(r, (uint64_t)express + 4, 4) & 1 << 28); /* function level reset */
	assert_int_equal(config(r, 0x3d, 1), 1);
	assert_int_equal(info->irqs[US_INTX], 1);
	assert_int_equal(info->irqs[US_MSI], 4);
	assert_int_equal(info->irqs[US_MSIX], 4);
	assert_true(info->can_reset);
}

static void identity_version_features_and_limits_read_as_stated(void **state)
{
	struct rig *r = *state;

	assert_int_equal(rig_read(r, CRYPTO_ID), 'C' | 'R' << 8 | 'Y' << 16 | 'P' << 24);
	assert_int_equal(rig_read(r, CRYPTO_VERSION), 0x00010000);
	assert_int_equal(rig_read(r, CRYPTO_FEATURES), 0x303);
	assert_int_equal(rig_read(r, CRYPTO_LIMITS), 16 << 16 | 8192);
	assert_int_equal(rig_read(r, CRYPTO_MAX_LENGTH), 16 << 20);
	for (uint64_t reg = CRYPTO_ID; reg <= CRYPTO_MAX_LENGTH; reg += 4) {
		uint32_t before = rig_read(r, reg);

		rig_write(r, reg, ~before);
		assert_int_equal(rig_read(r, reg), before);
	}
}

/* What may be written, and reads back: the bits of each offset. */
static uint32_t writable(uint64_t offset)
{
	switch (offset) {
	case CRYPTO_CONTROL:
		return 0x33;
	case CRYPTO_LENGTH:
	case CRYPTO_IN_LIST_LO:
	case CRYPTO_IN_LIST_HI:
	case CRYPTO_IN_COUNT:
	case CRYPTO_OUT_LIST_LO:
	case CRYPTO_OUT_LIST_HI:
	case CRYPTO_OUT_COUNT:
		return UINT32_MAX;
	case CRYPTO_INT_ENABLE:
		return 15;
	}
	return offset >= 0x800 && offset < 0xa00 && offset % 16 != 12 ? UINT32_MAX : 0;
}

static void reserved_bits_and_offsets_read_as_0_and_ignore_writes(void **state)
{
	static uint32_t reset[BAR_SIZE / 4];
	struct rig *r = *state;

	for (unsigned i = 0; i < BAR_SIZE / 4; i++)
		reset[i] = rig_read(r, 4 * i);
	for (unsigned i = 0; i < BAR_SIZE / 4; i++) {
		uint64_t at = 4 * (uint64_t)i;

		if (at == CRYPTO_COMMAND)
			continue;
		rig_write(r, at, UINT32_MAX);
		assert_int_equal(rig_read(r, at), (reset[i] & ~writable(at)) | writable(at));
		rig_write(r, at, 0);
		assert_int_equal(rig_read(r, at), reset[i] & ~writable(at));
		rig_write(r, at, reset[i]);
		if (at == CRYPTO_KEY(7) || at == CRYPTO_IV(3))
			rig_reset(r); /* STATUS says that they were written */
	}
	for (unsigned i = 0; i < BAR_SIZE / 4; i++)
		assert_int_equal(rig_read(r, 4 * i), reset[i]);
}

static void every_width_touches_the_bytes_it_addresses_only(void **state)
{
	struct rig *r = *state;

	for (uint64_t reg = CRYPTO_IN_LIST_LO; reg <= CRYPTO_IN_LIST_HI; reg += 4)
		rig_write(r, reg, 0x44332211);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(narrow(r, CRYPTO_IN_LIST_LO + i, 1), 0x11 * (i + 1));
		narrow_write(r, CRYPTO_IN_LIST_LO + i, 1, 0xa0 + i);
		assert_int_equal(narrow(r, CRYPTO_IN_LIST_LO + i, 1), 0xa0 + i);
	}
	assert_int_equal(rig_read(r, CRYPTO_IN_LIST_LO), 0xa3a2a1a0);
	assert_int_equal(rig_read(r, CRYPTO_IN_LIST_HI), 0x44332211);
	narrow_write(r, CRYPTO_IN_LIST_LO + 2, 2, 0xbbbb);
	assert_int_equal(rig_read(r, CRYPTO_IN_LIST_LO), 0xbbbba1a0);
	assert_int_equal(narrow(r, CRYPTO_IN_LIST_LO, 8), UINT64_C(0x44332211bbbba1a0));
	narrow_write(r, CRYPTO_IN_LIST_LO, 8, UINT64_C(0x0123456789abcdef));
	assert_int_equal(rig_read(r, CRYPTO_IN_LIST_LO), 0x89abcdef);
	assert_int_equal(rig_read(r, CRYPTO_IN_LIST_HI), 0x01234567);
}

static void an_8_byte_write_writes_the_lower_register_first(void **state)
{
	struct rig *r = *state;

	/* COMMAND is the lower half, CONTROL the upper: the command runs with the old CONTROL. */
	rig_one(r, IN, 0, 0);
	rig_write(r, CRYPTO_LENGTH, 0);
	narrow_write(r, CRYPTO_COMMAND, 8, CRYPTO_COMMAND_CODE_DIGEST);
	rig_ready(r);
	assert_int_equal(rig_read(r, CRYPTO_INT_STATUS), CRYPTO_INT_STATUS_DONE_MASK);
	assert_int_equal(rig_read(r, CRYPTO_CONTROL), 0);
	assert_int_equal(rig_read(r, CRYPTO_DIGEST(0)), 0x42c4b0e3);
}

static void control_begins_as_a_command_of_its_own_with_lists_in_memory(void **state)
{
	struct rig *r = *state;

	assert_int_equal(rig_read(r, CRYPTO_CONTROL), CRYPTO_CONTROL_FIRST_MASK | CRYPTO_CONTROL_LAST_MASK);
}

static void windows_hold_what_is_written_and_lose_it_by_a_reset(void **state)
{
	struct rig *r = *state;

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < CRYPTO_IN_WINDOW_COUNT; i++) {
			uint32_t expected = round ? 0 : 0x1000 + i;

			if (!round) {
				rig_write(r, CRYPTO_IN_WINDOW_ADDRESS_LO(i), expected);
				rig_write(r, CRYPTO_OUT_WINDOW_ADDRESS_LO(i), expected);
				rig_write(r, CRYPTO_IN_WINDOW_LENGTH(i), expected);
				rig_write(r, CRYPTO_OUT_WINDOW_LENGTH(i), expected);
			}
			assert_int_equal(rig_read(r, CRYPTO_IN_WINDOW_ADDRESS_LO(i)), expected);
			assert_int_equal(rig_read(r, CRYPTO_OUT_WINDOW_ADDRESS_LO(i)), expected);
			assert_int_equal(rig_read(r, CRYPTO_IN_WINDOW_LENGTH(i)), expected);
			assert_int_equal(rig_read(r, CRYPTO_OUT_WINDOW_LENGTH(i)), expected);
		}
		rig_reset(r);
	}
}

static void status_is_one_of_ready_busy_and_resetting(void **state)
{
	struct rig *r = *state;

	assert_int_equal(rig_read(r, CRYPTO_STATUS), CRYPTO_STATUS_READY_MASK);
	rig_write(r, CRYPTO_COMMAND, CRYPTO_COMMAND_CODE_RESET);
	for (unsigned i = 0; i < 20; i++) {
		uint32_t now = rig_read(r, CRYPTO_STATUS) & 7;

		assert_true(now == CRYPTO_STATUS_READY_MASK || now == CRYPTO_STATUS_RESETTING_MASK);
		us_fn_sleep(r->fn, 1000);
	}
	assert_int_equal(rig_read(r, CRYPTO_STATUS), CRYPTO_STATUS_READY_MASK);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST("CRY-001", the_function_has_its_ids),
		TEST("CRY-002", registers_are_in_bar_0_and_msi_x_is_alone_in_bar_2),
		TEST("CRY-003", the_function_has_its_capabilities),
		TEST("CRY-070 CRY-071 CRY-072 CRY-073 CRY-074", identity_version_features_and_limits_read_as_stated),
		TEST("CRY-005 CRY-075 CRY-082 CRY-083", reserved_bits_and_offsets_read_as_0_and_ignore_writes),
		TEST("CRY-004", every_width_touches_the_bytes_it_addresses_only),
		TEST("CRY-004 CRY-021", an_8_byte_write_writes_the_lower_register_first),
		TEST("CRY-076 CRY-006", control_begins_as_a_command_of_its_own_with_lists_in_memory),
		TEST("CRY-085 CRY-086 CRY-040", windows_hold_what_is_written_and_lose_it_by_a_reset),
		TEST("CRY-077", status_is_one_of_ready_busy_and_resetting),
	};

	rig_target(argc, argv);
	return cmocka_run_group_tests(tests, NULL, rig_close);
}
