/* SPDX-License-Identifier: Apache-2.0 */
/* The adder's conformance tests. usage: test-adder [TARGET], where TARGET is "model" unless given; see function.h. */
#include <understudy/function.h>

#include "adder.h"

#include <linux/pci_regs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LIMIT UINT64_C(1000000000) /* ns that a test waits before it says that nothing came */

static const char *target = "model";
static struct us_function *fn;

static int open_adder(void **state)
{
	struct us_error err;

	(void)state;
	if (us_fn_open(target, "adder", &fn, &err))
		fail_msg("%s", err.text);
	return 0;
}

static int close_adder(void **state)
{
	(void)state;
	us_fn_close(fn);
	return 0;
}

static uint32_t get(uint32_t reg)
{
	return us_fn_read32(fn, US_REGION_BAR0, reg);
}

static void set(uint32_t reg, uint32_t value)
{
	us_fn_write32(fn, US_REGION_BAR0, reg, value);
}

static uint32_t add(uint32_t a, uint32_t b)
{
	set(ADDER_A, a);
	set(ADDER_B, b);
	while (!(get(ADDER_STATUS) & ADDER_STATUS_DONE_MASK))
		us_fn_sleep(fn, 100);
	set(ADDER_STATUS, ADDER_STATUS_DONE_MASK);
	return get(ADDER_SUM);
}

static void the_function_is_the_one_that_was_specified(void **state)
{
	(void)state;
	assert_int_equal(us_fn_info(fn)->vendor_id, ADDER_PCI_VENDOR_ID);
	assert_int_equal(us_fn_info(fn)->device_id, ADDER_PCI_DEVICE_ID);
}

static void it_adds(void **state)
{
	(void)state;
	assert_int_equal(add(2, 40), 42);
	assert_int_equal(add(0xffffffff, 2), 1);
	assert_int_equal(add(0, 0), 0);
}

static void the_sum_is_there_only_when_done_says_so(void **state)
{
	(void)state;
	if (!us_fn_info(fn)->virtual_time)
		skip(); /* elsewhere it may be there before we can look */
	set(ADDER_A, 1);
	set(ADDER_B, 1);
	assert_int_equal(get(ADDER_STATUS), 0);
	assert_int_equal(get(ADDER_SUM), 0);
	us_fn_sleep(fn, 1000);
	assert_int_equal(get(ADDER_STATUS), ADDER_STATUS_DONE_MASK);
	assert_int_equal(get(ADDER_SUM), 2);
}

static void writing_a_starts_nothing(void **state)
{
	(void)state;
	assert_int_equal(add(1, 1), 2);
	set(ADDER_A, 9);
	us_fn_sleep(fn, 1000000);
	assert_int_equal(get(ADDER_STATUS), 0);
	assert_int_equal(get(ADDER_SUM), 2);
}

static void the_sum_can_not_be_written(void **state)
{
	(void)state;
	assert_int_equal(add(20, 3), 23);
	set(ADDER_SUM, 99);
	assert_int_equal(get(ADDER_SUM), 23);
}

static void done_interrupts_by_intx_until_it_is_cleared(void **state)
{
	(void)state;
	assert_int_equal(us_fn_irq_enable(fn, US_INTX, 1), 0);
	set(ADDER_ENABLE, ADDER_ENABLE_DONE_MASK);
	set(ADDER_B, 1);
	assert_int_equal(us_fn_irq_wait(fn, US_INTX, 0, LIMIT, NULL), 1);
	us_fn_irq_unmask(fn, US_INTX, 0);
	assert_int_equal(us_fn_irq_wait(fn, US_INTX, 0, LIMIT, NULL), 1); /* a level: it is still there */
	set(ADDER_STATUS, ADDER_STATUS_DONE_MASK);
	us_fn_irq_unmask(fn, US_INTX, 0);
	assert_int_equal(us_fn_irq_wait(fn, US_INTX, 0, LIMIT / 1000, NULL), 0);
}

static void done_interrupts_by_message(void **state)
{
	uint64_t count = 0;

	(void)state;
	assert_int_equal(us_fn_write(fn, US_REGION_CONFIG, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER), 0);
	assert_int_equal(us_fn_irq_enable(fn, US_MSI, 1), 0);
	set(ADDER_ENABLE, ADDER_ENABLE_DONE_MASK);
	set(ADDER_B, 1);
	assert_int_equal(us_fn_irq_wait(fn, US_MSI, 0, LIMIT, &count), 1);
	assert_int_equal(count, 1);
}

static void without_its_enable_nothing_interrupts(void **state)
{
	(void)state;
	assert_int_equal(us_fn_irq_enable(fn, US_INTX, 1), 0);
	assert_int_equal(add(1, 2), 3);
	set(ADDER_B, 1);
	assert_int_equal(us_fn_irq_wait(fn, US_INTX, 0, LIMIT / 1000, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_adder, close_adder)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(the_function_is_the_one_that_was_specified),
		TEST(it_adds),
		TEST(the_sum_is_there_only_when_done_says_so),
		TEST(the_sum_can_not_be_written),
		TEST(writing_a_starts_nothing),
		TEST(done_interrupts_by_intx_until_it_is_cleared),
		TEST(done_interrupts_by_message),
		TEST(without_its_enable_nothing_interrupts),
	};

	if (argc > 1)
		target = argv[1];
	return cmocka_run_group_tests_name("adder", tests, NULL, NULL);
}
