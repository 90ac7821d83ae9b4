/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The suite is itself tested, as in test-defects.c, for what it makes of memories, of the MSI-X table, and of accesses
 * of other widths: a small device, one mistake in the way to it at a time, and the test that must find it.
 */
#include "conform/suite.h"
#include "function/player.h"

#include <understudy/device.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define RW (US_FIELD_READ | US_FIELD_WRITE)
#define PLAIN .has_reset = true, .enable_reg = -1
#define RAM 0x800
#define ROM 0xc00

enum { ID, CTRL, WIDE, COUNT, OTHER, STATUS, RAISE, ACK, REGS };

static const struct us_field id[] = {
	{.name = "VALUE", .width = 32, .flags = US_FIELD_READ, .reset = 0x12345678, PLAIN}};
static const struct us_field ctrl[] = {
	{.name = "MODE", .lsb = 0, .width = 12, .flags = RW, PLAIN},
	{.name = "VERSION", .lsb = 16, .width = 8, .flags = US_FIELD_READ, .reset = 0x21, PLAIN},
};
static const struct us_field wide[] = {{.name = "VALUE", .width = 64, .flags = RW, .reset = 1, PLAIN}};
static const struct us_field count[] = {
	{.name = "READS", .width = 8, .flags = US_FIELD_READ, .onread = US_ONREAD_RCLR, PLAIN}};
static const struct us_field other[] = {{.name = "VALUE", .width = 32, .flags = RW, PLAIN}};

static const struct us_field status[] = {{.name = "DONE",
					  .width = 1,
					  .flags = US_FIELD_READ | US_FIELD_HW | US_FIELD_INTR | US_FIELD_STICKY,
					  .raised_by = "RAISE = 1",
					  .cleared_by = "ACK = 1",
					  PLAIN}};
static const struct us_field bits[] = {{.name = "CAUSES", .width = 8, .flags = US_FIELD_WRITE, PLAIN}};

#define REG(NAME, FIELDS, ADDRESS, SIZE, ACCESS)                                                                       \
	{                                                                                                              \
		.name = NAME, .path = NAME, .addr = ADDRESS, .size = SIZE, .access = ACCESS,                           \
		.nfields = sizeof FIELDS / sizeof FIELDS[0], .fields = FIELDS                                          \
	}
static const struct us_reg regs[] = {
	[ID] = REG("ID", id, 0x00, 4, 2),          [CTRL] = REG("CTRL", ctrl, 0x04, 4, 4),
	[WIDE] = REG("WIDE", wide, 0x08, 8, 4),    [COUNT] = REG("COUNT", count, 0x10, 4, 2),
	[OTHER] = REG("OTHER", other, 0x14, 4, 4), [STATUS] = REG("STATUS", status, 0x18, 4, 4),
	[RAISE] = REG("RAISE", bits, 0x1c, 4, 4),  [ACK] = REG("ACK", bits, 0x20, 4, 4),
};

#define MEMS(WRITE)                                                                                                    \
	{                                                                                                              \
		{.name = "RAM", .path = "RAM", .addr = RAM, .size = 0x400, .read = true, .write = true},               \
			{.name = "ROM", .path = "ROM", .addr = ROM, .size = 0x40, .read = true, .write = WRITE},       \
	}
static const struct us_mem mems[] = MEMS(false), flash[] = MEMS(true);

#define MAP(MEMORIES)                                                                                                  \
	{                                                                                                              \
		.name = "plain",                                                                                       \
		.pci = {.vendor_id = 0x1234,                                                                           \
			.device_id = 0x91a1,                                                                           \
			.class_code = 0xff0000,                                                                        \
			.intx_pin = 1,                                                                                 \
			.pm = true,                                                                                    \
			.msix = 5,                                                                                     \
			.msix_table_bar = 2,                                                                           \
			.msix_pba_bar = 2,                                                                             \
			.msix_pba_offset = 0x800},                                                                     \
		.bars = {[0] = {.kind = US_BAR_MEM32, .size = 0x1000, .name = "plain"},                                \
			 [2] = {.kind = US_BAR_MEM32, .size = 0x1000}},                                                \
		.regs = regs, .nregs = REGS, .mems = MEMORIES, .nmems = 2,                                             \
	}
static const struct us_map map = MAP(mems), map_flash = MAP(flash);

static void written(struct us_device *dev, const struct us_write *w)
{
	if (w->reg == regs[RAISE].addr)
		us_raise(dev, regs[STATUS].addr, w->value & 1);
	else if (w->reg == regs[ACK].addr)
		us_lower(dev, regs[STATUS].addr, w->value & 1);
}

static const struct us_model model = {.abi = US_MODEL_ABI, .map = &map, .write = written};
static const struct us_model model_flash = {.abi = US_MODEL_ABI, .map = &map_flash, .write = written};

/* -- mistakes --------------------------------------------------------------------------------------------------- */

/* An access on its way to the device; a mistake changes it, or what a read gives. */
struct access {
	bool write;
	unsigned region, width;
	uint64_t offset, value;
};

static const struct us_player *straight;
static struct us_function *device;
static bool narrow_seen; /* an access to CTRL below its accesswidth was there, since it was opened */
static unsigned power_state; /* that was written last */
static bool d3hot_seen;

static bool in(const struct access *a, uint64_t start, uint64_t size)
{
	return a->region == 0 && a->offset >= start && a->offset < start + size;
}

static bool in_table(const struct access *a, unsigned byte)
{
	return a->region == 2 && a->offset < 5 * 16 && a->offset % 16 == byte;
}

static bool is_narrow(const struct access *a)
{
	return in(a, 0x04, 4) && a->width < 4;
}

static void wide_answers_low(struct access *a)
{
	if (!a->write && a->offset == 0x0c && a->region == 0 && a->width == 4)
		a->offset = 0x08;
}

static void narrow_write_goes_next(struct access *a)
{
	if (a->write && is_narrow(a))
		straight->write(device, 0, 0x14, 4, 0xffffffff);
}

static void narrow_write_wedges(struct access *a)
{
	narrow_seen = narrow_seen || (a->write && is_narrow(a));
	if (a->write && in(a, 0x04, 4) && a->width == 4 && narrow_seen)
		a->value = 0;
}

static void version_lost(uint64_t *value, const struct access *a)
{
	narrow_seen = narrow_seen || is_narrow(a);
	if (narrow_seen && in(a, 0x04, 4) && a->width == 4)
		*value &= 0xffff;
}

static void ram_address_line_lost(struct access *a)
{
	if (in(a, RAM, 0x400))
		a->offset &= ~UINT64_C(0x100);
}

static void ram_short(struct access *a)
{
	if (in(a, RAM + 0x3f8, 8) && a->write)
		a->value = 0;
}

static void ram_byte_enables_lost(struct access *a)
{
	if (a->write && in(a, RAM, 0x400) && a->width == 1 && a->offset % 2) {
		a->offset--;
		a->width = 2;
	}
}

static void ram_reads_even(uint64_t *value, const struct access *a)
{
	if (in(a, RAM, 0x400) && a->width == 1 && a->offset % 2)
		straight->read(device, 0, a->offset - 1, 1, value);
}

static void unmasked_after_reset(uint64_t *value, const struct access *a)
{
	if (in_table(a, 12) && a->offset / 16 == 3)
		*value &= ~UINT64_C(1);
}

static void table_of_four(struct access *a)
{
	if (a->region == 2 && a->offset < 5 * 16)
		a->offset &= 0x3f;
}

static void upper_address_lost(struct access *a)
{
	if (a->write && in_table(a, 4))
		a->value = 0;
}

static void data_of_16_bits(struct access *a)
{
	if (a->write && in_table(a, 8))
		a->value &= 0xffff;
}

static void quadword_takes_half(struct access *a)
{
	if (a->write && in_table(a, 0) && a->width == 8)
		a->width = 4;
}

static void always_masked(struct access *a)
{
	if (a->write && in_table(a, 12))
		a->value |= 1;
}

static void acknowledge_ignored(struct access *a)
{
	if (a->write && in(a, 0x20, 4))
		a->value = 0;
}

#define PM_CONTROL 0x44 /* in config space: power management is the first capability */

static void watch_power(struct access *a)
{
	if (a->write && a->region == US_REGION_CONFIG && a->offset == PM_CONTROL) {
		power_state = a->value & 3;
		d3hot_seen = d3hot_seen || power_state == 3;
	}
}

static void dead_after_d3hot(struct access *a)
{
	watch_power(a);
	if (d3hot_seen && a->write && in(a, 0x1c, 4))
		a->value = 0;
}

static void d2_is_entered(uint64_t *value, const struct access *a)
{
	if (power_state == 2 && a->region == US_REGION_CONFIG && a->offset == PM_CONTROL)
		*value = (*value & ~UINT64_C(3)) | 2;
}

struct defect {
	const char *what, *finds;
	void (*change)(struct access *a); /* before it is carried out */
	void (*answer)(uint64_t *value, const struct access *a); /* what a read gives */
	const struct us_model *plays;
};

static const struct defect defects[] = {
	{"the upper half reads as the lower", "registers.WIDE.widths", .change = wide_answers_low},
	{"a byte write that changes another register", "registers.CTRL.narrow", .change = narrow_write_goes_next},
	{"a byte write after which the register is dead", "registers.CTRL.narrow", .change = narrow_write_wedges},
	{"a byte access that loses a read-only field", "registers.CTRL.narrow", .answer = version_lost},
	{"an address line of a memory lost", "registers.RAM.addresses", .change = ram_address_line_lost},
	{"the last bytes of a memory missing", "registers.RAM.addresses", .change = ram_short},
	{"a memory without byte enables", "registers.RAM.lanes", .change = ram_byte_enables_lost},
	{"odd bytes of a memory read as even ones", "registers.RAM.lanes", .answer = ram_reads_even},
	{"a read-only memory that takes writes", "registers.ROM.read-only", .plays = &model_flash},
	{"an MSI-X entry that is not masked after a reset", "pci.msix.table-reset", .answer = unmasked_after_reset},
	{"an MSI-X table that is shorter than it says", "pci.msix.table-entries", .change = table_of_four},
	{"an MSI-X address of 32 bits", "pci.msix.table-entries", .change = upper_address_lost},
	{"MSI-X data of 16 bits", "pci.msix.table-entries", .change = data_of_16_bits},
	{"an MSI-X table that takes half of 8 bytes", "pci.msix.table-quadwords", .change = quadword_takes_half},
	{"MSI-X entries that can not be unmasked", "pci.msix.table-mask", .change = always_masked},
	{"two MSI-X entries with one mask bit", "pci.msix.table-mask", .change = table_of_four},
	{"a register to acknowledge that does nothing", "pci.intx.level", .change = acknowledge_ignored},
	{"a state that is not there and is entered", "pci.pm.d2", .change = watch_power, .answer = d2_is_entered},
	{"no interrupts after D3hot", "pci.pm.interrupts", .change = dead_after_d3hot},
};

static const struct defect *defect;
static struct us_player bent;

static int bent_read(struct us_function *fn, unsigned region, uint64_t offset, unsigned width, uint64_t *value)
{
	struct access a = {.region = region, .offset = offset, .width = width};
	int rc;

	if (defect->change)
		defect->change(&a);
	rc = straight->read(fn, a.region, a.offset, a.width, value);
	if (!rc && defect->answer)
		defect->answer(value, &a);
	return rc;
}

static int bent_write(struct us_function *fn, unsigned region, uint64_t offset, unsigned width, uint64_t value)
{
	struct access a = {.write = true, .region = region, .offset = offset, .width = width, .value = value};

	if (defect->change)
		defect->change(&a);
	return straight->write(fn, a.region, a.offset, a.width, a.value);
}

static int open_plain(void *ctx, struct us_function **fn, struct us_error *err)
{
	int rc = us_model_play(defect && defect->plays ? defect->plays : &model, fn, err);

	(void)ctx;
	narrow_seen = d3hot_seen = false;
	power_state = 0;
	if (rc || !defect)
		return rc;
	device = *fn;
	straight = device->player;
	bent = *straight;
	bent.read = bent_read;
	bent.write = bent_write;
	device->player = &bent;
	return 0;
}

static struct us_suite *run(const struct defect *which, struct us_suite_result *result)
{
	FILE *nowhere = fopen("/dev/null", "w");
	const struct us_suite_options options = {.seed = 1, .tap = nowhere};
	const struct us_suite_target target = {open_plain, NULL};
	struct us_suite *suite;
	struct us_error err;

	defect = which;
	assert_non_null(nowhere);
	if (us_suite_new(&map, NULL, &options, &suite, &err) || us_suite_run(suite, &target, result, &err))
		fail_msg("%s", err.text);
	fclose(nowhere);
	return suite;
}

static void a_device_without_mistakes_passes(void **state)
{
	static const char *const made[] = {"pci.intx.level",           "pci.pm.d2",
					   "pci.pm.interrupts",        "registers.ID.widths",
					   "registers.WIDE.widths",    "registers.ID.narrow",
					   "registers.CTRL.narrow",    "registers.RAM.addresses",
					   "registers.RAM.lanes",      "registers.ROM.read-only",
					   "pci.msix.table-reset",     "pci.msix.table-entries",
					   "pci.msix.table-quadwords", "pci.msix.table-mask"};
	struct us_suite_result result;
	struct us_suite *suite = run(NULL, &result);
	enum us_verdict verdict;

	(void)state;
	assert_int_equal(result.failed, 0);
	for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
		assert_non_null(us_suite_verdict(suite, made[i], &verdict));
		assert_int_equal(verdict, US_PASSED);
	}
	us_suite_free(suite);
}

static void a_register_that_a_read_changes_is_left_alone(void **state)
{
	struct us_suite_result result;
	struct us_suite *suite = run(NULL, &result);
	enum us_verdict verdict;

	(void)state;
	assert_null(us_suite_verdict(suite, "registers.COUNT.widths", &verdict));
	assert_null(us_suite_verdict(suite, "registers.COUNT.narrow", &verdict));
	us_suite_free(suite);
}

static void each_mistake_is_found_by_the_test_that_is_there_for_it(void **state)
{
	unsigned survivors = 0;

	(void)state;
	for (size_t i = 0; i < sizeof defects / sizeof defects[0]; i++) {
		struct us_suite_result result;
		struct us_suite *suite = run(&defects[i], &result);
		enum us_verdict verdict = US_PASSED;
		const bool found = us_suite_verdict(suite, defects[i].finds, &verdict) && verdict == US_FAILED;

		print_message("# %-50s %s %s\n", defects[i].what, found ? "found by" : "NOT FOUND by",
			      defects[i].finds);
		survivors += !found;
		us_suite_free(suite);
	}
	assert_int_equal(survivors, 0);
}

/* What a device brings of its own, and the sentence with which it is refused. */
static void is_refused(const struct us_conform *own, const char *because)
{
	const struct us_suite_options options = {.seed = 1};
	struct us_suite *suite;
	struct us_error err;

	assert_int_equal(us_suite_new(&map, own, &options, &suite, &err), -EINVAL);
	assert_null(suite);
	assert_non_null(strstr(err.text, because));
}

static void a_claim_for_a_test_that_there_is_not_is_refused(void **state)
{
	static const struct us_claim claims[] = {{"pci.header.ids", "PLA-01"}, {"pci.header.gone", "PLA-02"}};
	const struct us_conform own = {.abi = US_CONFORM_ABI, .claims = claims, .nclaims = 2};

	(void)state;
	is_refused(&own, "claim PLA-02 for 'pci.header.gone'");
}

static void tests_for_another_interface_are_refused_before_they_are_looked_at(void **state)
{
	const struct us_conform own = {.abi = US_CONFORM_ABI + 1, .groups = (const void *)8, .ngroups = 1};

	(void)state;
	is_refused(&own, "build them again");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_without_mistakes_passes),
		cmocka_unit_test(a_register_that_a_read_changes_is_left_alone),
		cmocka_unit_test(a_claim_for_a_test_that_there_is_not_is_refused),
		cmocka_unit_test(tests_for_another_interface_are_refused_before_they_are_looked_at),
		cmocka_unit_test(each_mistake_is_found_by_the_test_that_is_there_for_it),
	};

	return cmocka_run_group_tests_name("conform-generated", tests, NULL, NULL);
}
