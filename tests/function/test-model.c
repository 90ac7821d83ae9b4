/* SPDX-License-Identifier: Apache-2.0 */
/* The seam's in-process player: the tests every target passes, and what only virtual time can promise. */
#include "body.h"
#include "device.h"
#include "function/player.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

static int open_model(struct us_function **fn, struct us_error *err)
{
	return us_model_play(&t_model, fn, err);
}

static void a_target_that_is_none_is_explained(void **state)
{
	struct us_function *fn = NULL;
	struct us_error err;

	(void)state;
	assert_int_equal(us_fn_open("nonsense", NULL, &fn, &err), -EINVAL);
	assert_null(fn);
	assert_non_null(strstr(err.text, "'nonsense'"));
	assert_non_null(strstr(err.text, "./nonsense"));
	assert_int_equal(us_fn_open("03:00.0x", NULL, &fn, &err), -EINVAL);
	assert_int_equal(us_fn_open("", NULL, &fn, NULL), -EINVAL);
}

static void a_model_has_to_be_named_and_to_exist(void **state)
{
	struct us_function *fn = NULL;
	struct us_error err;

	(void)state;
	assert_int_equal(us_fn_open("model", NULL, &fn, &err), -EINVAL);
	assert_non_null(strstr(err.text, "which"));
	assert_true(us_fn_open("model", "no-such-model", &fn, &err) < 0);
	assert_non_null(strstr(err.text, "no-such-model"));
	assert_null(fn);
	us_fn_close(NULL);
}

static void time_stands_still_while_software_runs(void **state)
{
	struct us_function *fn = *state;
	uint64_t before = us_fn_now(fn);

	us_fn_write32(fn, US_REGION_BAR0, T_ENABLE, 1);
	us_fn_write32(fn, US_REGION_BAR0, T_DELAY, 1);
	us_fn_write32(fn, US_REGION_BAR0, T_RAISE, 1);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(us_fn_read32(fn, US_REGION_BAR0, T_STATUS), 0);
	assert_int_equal(us_fn_now(fn), before);
	us_fn_sleep(fn, 1);
	assert_int_equal(us_fn_read32(fn, US_REGION_BAR0, T_STATUS), 1);
}

static void a_wait_without_limit_gives_up_when_nothing_will_ever_come(void **state)
{
	struct us_function *fn = *state;
	uint64_t before;

	assert_done(fn, us_fn_irq_enable(fn, US_MSI, 1));
	before = us_fn_now(fn);
	assert_int_equal(us_fn_irq_wait(fn, US_MSI, 0, US_FOREVER, NULL), 0);
	assert_int_equal(us_fn_now(fn), before);
}

static void a_message_aimed_at_memory_is_written_there(void **state)
{
	struct us_function *fn = *state;
	unsigned msi = (unsigned)us_fn_capability(fn, PCI_CAP_ID_MSI);
	uint32_t *at;
	void *memory;

	assert_done(fn, us_fn_dma_alloc(fn, 0x200000, 4096, US_FN_DMA_WRITE, &memory));
	at = memory;
	assert_done(fn, us_fn_write(fn, US_REGION_CONFIG, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER));
	assert_done(fn, us_fn_write(fn, US_REGION_CONFIG, msi + PCI_MSI_ADDRESS_LO, 4, 0x200010));
	assert_done(fn, us_fn_write(fn, US_REGION_CONFIG, msi + PCI_MSI_ADDRESS_HI, 4, 0));
	assert_done(fn, us_fn_write(fn, US_REGION_CONFIG, msi + PCI_MSI_DATA_64, 2, 0xabc0));
	assert_done(fn, us_fn_write(fn, US_REGION_CONFIG, msi + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE | 2 << 4));
	us_fn_write32(fn, US_REGION_BAR0, T_ENABLE, 0xf);
	us_fn_write32(fn, US_REGION_BAR0, T_RAISE, 1u << 3);
	assert_int_equal(at[4], 0xabc3);
}

static void MSI_is_enabled_through_the_functions_own_capability(void **state)
{
	struct us_function *fn = *state;
	unsigned msi = (unsigned)us_fn_capability(fn, PCI_CAP_ID_MSI);
	unsigned msix = (unsigned)us_fn_capability(fn, PCI_CAP_ID_MSIX);
	uint64_t value;

	assert_done(fn, us_fn_irq_enable(fn, US_MSI, 2));
	assert_done(fn, us_fn_read(fn, US_REGION_CONFIG, msi + PCI_MSI_FLAGS, 2, &value));
	assert_int_equal(value & (PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE), PCI_MSI_FLAGS_ENABLE | 1 << 4);
	assert_done(fn, us_fn_read(fn, US_REGION_CONFIG, PCI_COMMAND, 2, &value));
	assert_true(value & PCI_COMMAND_INTX_DISABLE);
	assert_done(fn, us_fn_irq_disable(fn, US_MSI));
	assert_done(fn, us_fn_irq_enable(fn, US_MSIX, 2));
	assert_done(fn, us_fn_read(fn, US_REGION_CONFIG, msix + PCI_MSIX_FLAGS, 2, &value));
	assert_int_equal(value & (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL), PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(us_fn_read32(fn, US_REGION_BAR0 + 2, 0x2000 + 16 + 12) & 1, 0);
	assert_int_equal(us_fn_read32(fn, US_REGION_BAR0 + 2, 0x2000 + 32 + 12) & 1, 1);
}

static void the_log_names_registers_and_stops(void **state)
{
	struct us_function *fn = *state;
	char text[4096] = "";
	FILE *log = fmemopen(text, sizeof text, "w");

	assert_non_null(log);
	assert_done(fn, us_fn_trace(fn, log));
	us_fn_write32(fn, US_REGION_BAR0, T_DELAY, 77);
	assert_done(fn, us_fn_trace(fn, NULL));
	us_fn_write32(fn, US_REGION_BAR0, T_LENGTH, 78);
	fclose(log);
	assert_non_null(strstr(text, "DELAY"));
	assert_null(strstr(text, "LENGTH"));
}

static void two_instances_know_nothing_of_each_other(void **state)
{
	struct us_function *one = *state, *two;

	assert_int_equal(open_model(&two, NULL), 0);
	us_fn_write32(one, US_REGION_BAR0, T_DELAY, 1);
	us_fn_write32(two, US_REGION_BAR0, T_DELAY, 2);
	us_fn_sleep(two, 1000);
	assert_int_equal(us_fn_read32(one, US_REGION_BAR0, T_DELAY), 1);
	assert_int_equal(us_fn_read32(two, US_REGION_BAR0, T_DELAY), 2);
	assert_int_equal(us_fn_now(one), 0);
	us_fn_close(two);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, body_setup, body_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_target_that_is_none_is_explained),
		cmocka_unit_test(a_model_has_to_be_named_and_to_exist),
		TEST(time_stands_still_while_software_runs),
		TEST(a_wait_without_limit_gives_up_when_nothing_will_ever_come),
		TEST(a_message_aimed_at_memory_is_written_there),
		TEST(MSI_is_enabled_through_the_functions_own_capability),
		TEST(the_log_names_registers_and_stops),
		TEST(two_instances_know_nothing_of_each_other),
	};

	body_open = open_model;
	return cmocka_run_group_tests(tests, NULL, NULL) +
	       _cmocka_run_group_tests("every target", body_tests, body_ntests, NULL, NULL);
}
