/* SPDX-License-Identifier: Apache-2.0 */
/* The copy engine of docs/models.md does what the guide says. usage: test-copier COPIER.so */
#include <understudy/function.h>

#include "copier.h"

#include <linux/pci_regs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SIZE 0x40000u
#define SOURCE UINT64_C(0x100000000)
#define TARGET UINT64_C(0x200000000)
#define LIMIT UINT64_C(1000000000)

static const char *object;
static struct us_function *fn;
static uint8_t *source, *target;

static int open_copier(void **state)
{
	const uint64_t all = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	struct us_error err;

	(void)state;
	if (us_fn_open("model", object, &fn, &err))
		fail_msg("%s", err.text);
	assert_int_equal(us_fn_write(fn, US_REGION_CONFIG, PCI_COMMAND, 2, all), 0);
	assert_int_equal(us_fn_dma_alloc(fn, SOURCE, SIZE, US_FN_DMA_READ, (void **)&source), 0);
	assert_int_equal(us_fn_dma_alloc(fn, TARGET, SIZE, US_FN_DMA_WRITE, (void **)&target), 0);
	assert_int_equal(us_fn_irq_enable(fn, US_MSI, 2), 0);
	us_fn_write32(fn, US_REGION_BAR0, COPIER_ENABLE, COPIER_ENABLE_DONE_MASK | COPIER_ENABLE_FAILED_MASK);
	for (unsigned i = 0; i < SIZE; i++)
		source[i] = (uint8_t)(i * 7 + 1);
	return 0;
}

static int close_copier(void **state)
{
	(void)state;
	us_fn_close(fn);
	return 0;
}

static void start(uint64_t from, uint64_t to, uint32_t length)
{
	us_fn_write(fn, US_REGION_BAR0, COPIER_SOURCE, 8, from);
	us_fn_write(fn, US_REGION_BAR0, COPIER_TARGET, 8, to);
	us_fn_write32(fn, US_REGION_BAR0, COPIER_LENGTH, length);
	us_fn_write32(fn, US_REGION_BAR0, COPIER_COMMAND, COPIER_COMMAND_GO_MASK);
}

static void it_copies_and_sends_message_0(void **state)
{
	(void)state;
	start(SOURCE + 3, TARGET + 5, SIZE - 5);
	assert_int_equal(us_fn_irq_wait(fn, US_MSI, 0, LIMIT, NULL), 1);
	assert_memory_equal(target + 5, source + 3, SIZE - 5);
	assert_int_equal(target[4], 0);
}

static void it_takes_the_time_that_it_says(void **state)
{
	const uint64_t before = us_fn_now(fn);

	(void)state;
	start(SOURCE, TARGET, SIZE);
	assert_int_equal(us_fn_irq_wait(fn, US_MSI, 0, LIMIT, NULL), 1);
	assert_int_equal(us_fn_now(fn) - before, 1000 + SIZE / 2);
}

static void a_fault_sends_message_1_and_names_the_address(void **state)
{
	uint64_t fault = 0;

	(void)state;
	start(SOURCE, TARGET + SIZE - 0x2000, 0x4000);
	assert_int_equal(us_fn_irq_wait(fn, US_MSI, 1, LIMIT, NULL), 1);
	assert_int_equal(us_fn_read(fn, US_REGION_BAR0, COPIER_FAULT, 8, &fault), 0);
	assert_int_equal(fault, TARGET + SIZE);
	assert_memory_equal(target + SIZE - 0x2000, source, 0x2000);
}

static void stopped_in_the_middle_it_copies_no_more(void **state)
{
	(void)state;
	start(SOURCE, TARGET, SIZE);
	us_fn_sleep(fn, 1000); /* the latency is over, the first slice was copied */
	us_fn_write32(fn, US_REGION_BAR0, COPIER_COMMAND, COPIER_COMMAND_STOP_MASK);
	assert_int_equal(us_fn_irq_wait(fn, US_MSI, 0, LIMIT, NULL), 0);
	assert_memory_equal(target, source, 0x10000);
	assert_int_equal(target[0x10000], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_copier, close_copier)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(it_copies_and_sends_message_0),
		TEST(it_takes_the_time_that_it_says),
		TEST(a_fault_sends_message_1_and_names_the_address),
		TEST(stopped_in_the_middle_it_copies_no_more),
	};

	object = argc > 1 ? argv[1] : "./copier.so";
	return cmocka_run_group_tests_name("the guide's copier", tests, NULL, NULL);
}
