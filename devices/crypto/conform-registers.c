/* SPDX-License-Identifier: Apache-2.0 */
/* What the crypto device is to the bus, and how its registers read and write. */
#include "conform-rig.h"

#include <string.h>

#define BAR_SIZE 4096

static void the_function_has_its_ids(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);
	const struct us_function_info *info = us_fn_info(r->fn);

	us_check_equal(r->run, info->vendor_id, 0x1234);
	us_check_equal(r->run, info->device_id, 0xc0de);
	us_check_equal(r->run, info->subsystem_vendor_id, 0x1234);
	us_check_equal(r->run, info->subsystem_id, 1);
	us_check_equal(r->run, info->class_code, 0x108000);
	us_check_equal(r->run, info->revision, 1);
}

static void registers_are_in_bar_0_and_msi_x_is_alone_in_bar_2(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);
	const struct us_function_info *info = us_fn_info(r->fn);
	int msix = us_fn_capability(r->fn, 0x11);

	for (unsigned bar = 0; bar < 6; bar++) {
		us_check_equal(r->run, info->region[bar].size, bar == 0 || bar == 2 ? BAR_SIZE : 0);
		us_check(r->run,
			 !(info->region[bar].flags & (US_REGION_IO | US_REGION_MEM64 | US_REGION_PREFETCHABLE)));
	}
	us_check(r->run, msix > 0);
	us_check_equal(r->run, cry_config(r, (uint64_t)msix + 4, 4), 2);
	us_check_equal(r->run, cry_config(r, (uint64_t)msix + 8, 4), 0x802);
}

static void the_function_has_its_capabilities(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);
	const struct us_function_info *info = us_fn_info(r->fn);
	int msi = us_fn_capability(r->fn, 5), express = us_fn_capability(r->fn, 0x10);

	us_check(r->run, us_fn_capability(r->fn, 1) > 0);
	us_check(r->run, msi > 0 && express > 0);
	us_check_equal(r->run, cry_config(r, (uint64_t)msi + 2, 2) & 0x18e, 0x184); /* 4 messages, 64-bit, masks */
	us_check_equal(r->run, cry_config(r, (uint64_t)express + 2, 2) >> 4 & 15, 0); /* endpoint */
	us_check(r->run, cry_config(r, (uint64_t)express + 4, 4) & 1 << 28); /* function level reset */
	us_check_equal(r->run, cry_config(r, 0x3d, 1), 1);
	us_check_equal(r->run, info->irqs[US_INTX], 1);
	us_check_equal(r->run, info->irqs[US_MSI], 4);
	us_check_equal(r->run, info->irqs[US_MSIX], 4);
	us_check(r->run, info->can_reset);
}

static void identity_version_features_and_limits_read_as_stated(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	us_check_equal(r->run, cry_read(r, CRYPTO_ID), 'C' | 'R' << 8 | 'Y' << 16 | 'P' << 24);
	us_check_equal(r->run, cry_read(r, CRYPTO_VERSION), 0x00010000);
	us_check_equal(r->run, cry_read(r, CRYPTO_FEATURES), 0x303);
	us_check_equal(r->run, cry_read(r, CRYPTO_LIMITS), 16 << 16 | 8192);
	us_check_equal(r->run, cry_read(r, CRYPTO_MAX_LENGTH), 16 << 20);
	for (uint64_t reg = CRYPTO_ID; reg <= CRYPTO_MAX_LENGTH; reg += 4) {
		uint32_t before = cry_read(r, reg);

		cry_write(r, reg, ~before);
		us_check_equal(r->run, cry_read(r, reg), before);
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

static void reserved_bits_and_offsets_read_as_0_and_ignore_writes(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);
	uint32_t *reset = us_run_alloc(run, BAR_SIZE);

	for (unsigned i = 0; i < BAR_SIZE / 4; i++)
		reset[i] = cry_read(r, 4 * i);
	for (unsigned i = 0; i < BAR_SIZE / 4; i++) {
		uint64_t at = 4 * (uint64_t)i;

		if (at == CRYPTO_COMMAND)
			continue;
		cry_write(r, at, UINT32_MAX);
		us_check_equal(r->run, cry_read(r, at), (reset[i] & ~writable(at)) | writable(at));
		cry_write(r, at, 0);
		us_check_equal(r->run, cry_read(r, at), reset[i] & ~writable(at));
		cry_write(r, at, reset[i]);
		if (at == CRYPTO_KEY(7) || at == CRYPTO_IV(3))
			cry_reset(r); /* STATUS says that they were written */
	}
	for (unsigned i = 0; i < BAR_SIZE / 4; i++)
		us_check_equal(r->run, cry_read(r, 4 * i), reset[i]);
}

static void every_width_touches_the_bytes_it_addresses_only(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	for (uint64_t reg = CRYPTO_IN_LIST_LO; reg <= CRYPTO_IN_LIST_HI; reg += 4)
		cry_write(r, reg, 0x44332211);
	for (unsigned i = 0; i < 4; i++) {
		us_check_equal(r->run, cry_read_by(r, CRYPTO_IN_LIST_LO + i, 1), 0x11 * (i + 1));
		cry_write_by(r, CRYPTO_IN_LIST_LO + i, 1, 0xa0 + i);
		us_check_equal(r->run, cry_read_by(r, CRYPTO_IN_LIST_LO + i, 1), 0xa0 + i);
	}
	us_check_equal(r->run, cry_read(r, CRYPTO_IN_LIST_LO), 0xa3a2a1a0);
	us_check_equal(r->run, cry_read(r, CRYPTO_IN_LIST_HI), 0x44332211);
	cry_write_by(r, CRYPTO_IN_LIST_LO + 2, 2, 0xbbbb);
	us_check_equal(r->run, cry_read(r, CRYPTO_IN_LIST_LO), 0xbbbba1a0);
	us_check_equal(r->run, cry_read_by(r, CRYPTO_IN_LIST_LO, 8), UINT64_C(0x44332211bbbba1a0));
	cry_write_by(r, CRYPTO_IN_LIST_LO, 8, UINT64_C(0x0123456789abcdef));
	us_check_equal(r->run, cry_read(r, CRYPTO_IN_LIST_LO), 0x89abcdef);
	us_check_equal(r->run, cry_read(r, CRYPTO_IN_LIST_HI), 0x01234567);
}

static void an_8_byte_write_writes_the_lower_register_first(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	/* COMMAND is the lower half, CONTROL the upper: the command runs with the old CONTROL. */
	cry_one(r, IN, 0, 0);
	cry_write(r, CRYPTO_LENGTH, 0);
	cry_write_by(r, CRYPTO_COMMAND, 8, CRYPTO_COMMAND_CODE_DIGEST);
	cry_ready(r);
	us_check_equal(r->run, cry_read(r, CRYPTO_INT_STATUS), CRYPTO_INT_STATUS_DONE_MASK);
	us_check_equal(r->run, cry_read(r, CRYPTO_CONTROL), 0);
	us_check_equal(r->run, cry_read(r, CRYPTO_DIGEST(0)), 0x42c4b0e3);
}

static void control_begins_as_a_command_of_its_own_with_lists_in_memory(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	us_check_equal(r->run, cry_read(r, CRYPTO_CONTROL), CRYPTO_CONTROL_FIRST_MASK | CRYPTO_CONTROL_LAST_MASK);
}

static void windows_hold_what_is_written_and_lose_it_by_a_reset(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < CRYPTO_IN_WINDOW_COUNT; i++) {
			uint32_t expected = round ? 0 : 0x1000 + i;

			if (!round) {
				cry_write(r, CRYPTO_IN_WINDOW_ADDRESS_LO(i), expected);
				cry_write(r, CRYPTO_OUT_WINDOW_ADDRESS_LO(i), expected);
				cry_write(r, CRYPTO_IN_WINDOW_LENGTH(i), expected);
				cry_write(r, CRYPTO_OUT_WINDOW_LENGTH(i), expected);
			}
			us_check_equal(r->run, cry_read(r, CRYPTO_IN_WINDOW_ADDRESS_LO(i)), expected);
			us_check_equal(r->run, cry_read(r, CRYPTO_OUT_WINDOW_ADDRESS_LO(i)), expected);
			us_check_equal(r->run, cry_read(r, CRYPTO_IN_WINDOW_LENGTH(i)), expected);
			us_check_equal(r->run, cry_read(r, CRYPTO_OUT_WINDOW_LENGTH(i)), expected);
		}
		cry_reset(r);
	}
}

static void status_is_one_of_ready_busy_and_resetting(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	us_check_equal(r->run, cry_read(r, CRYPTO_STATUS), CRYPTO_STATUS_READY_MASK);
	cry_write(r, CRYPTO_COMMAND, CRYPTO_COMMAND_CODE_RESET);
	for (unsigned i = 0; i < 20; i++) {
		uint32_t now = cry_read(r, CRYPTO_STATUS) & 7;

		us_check(r->run, now == CRYPTO_STATUS_READY_MASK || now == CRYPTO_STATUS_RESETTING_MASK);
		us_fn_sleep(r->fn, 1000);
	}
	us_check_equal(r->run, cry_read(r, CRYPTO_STATUS), CRYPTO_STATUS_READY_MASK);
}

const struct us_test crypto_register_tests[] = {
	US_TEST("CRY-001", the_function_has_its_ids),
	US_TEST("CRY-002", registers_are_in_bar_0_and_msi_x_is_alone_in_bar_2),
	US_TEST("CRY-003", the_function_has_its_capabilities),
	US_TEST("CRY-070 CRY-071 CRY-072 CRY-073 CRY-074", identity_version_features_and_limits_read_as_stated),
	US_TEST("CRY-005 CRY-075 CRY-082 CRY-083", reserved_bits_and_offsets_read_as_0_and_ignore_writes),
	US_TEST("CRY-004", every_width_touches_the_bytes_it_addresses_only),
	US_TEST("CRY-004 CRY-021", an_8_byte_write_writes_the_lower_register_first),
	US_TEST("CRY-076 CRY-006", control_begins_as_a_command_of_its_own_with_lists_in_memory),
	US_TEST("CRY-085 CRY-086 CRY-040", windows_hold_what_is_written_and_lose_it_by_a_reset),
	US_TEST("CRY-077", status_is_one_of_ready_busy_and_resetting),
	{NULL, NULL, NULL},
};
