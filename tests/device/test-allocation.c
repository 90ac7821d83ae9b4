/* SPDX-License-Identifier: Apache-2.0 */
/* The access path allocates nothing: linked with --wrap, so that every allocation of ours is counted. */
#include "rig.h"
#include "zoo.h"

#include <linux/pci_regs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *at, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *at, size_t size);

static unsigned allocations;

void *__wrap_malloc(size_t size)
{
	allocations++;
	return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	allocations++;
	return __real_calloc(n, size);
}

void *__wrap_realloc(void *at, size_t size)
{
	allocations++;
	return __real_realloc(at, size);
}

static uint64_t step(struct us_device *dev, struct us_job *job)
{
	char byte = 0;

	us_dma_write(dev, RIG_MEMORY, &byte, 1, NULL);
	job->finished = true;
	return 1;
}

static void expired(struct us_device *dev, struct us_timer *timer)
{
	(void)timer;
	us_raise(dev, ZOO_STATUS, 1);
}

static void written(struct us_device *dev, const struct us_write *w)
{
	struct zoo *zoo = us_state(dev);

	if (w->reg != ZOO_CTRL)
		return;
	us_timer_start(dev, &zoo->timer[0], 1);
	us_job_start(dev, &zoo->job, 2);
}

static void use(struct rig *rig)
{
	rig_write(rig, ZOO_ENABLE, 4, 0x1f);
	rig_write(rig, ZOO_LO, 8, 1);
	rig_read(rig, ZOO_WIDE, 8);
	rig_read(rig, ZOO_HITS, 2);
	rig_write(rig, ZOO_WINDOW, 4, 1);
	rig_read(rig, ZOO_PBA, 8);
	rig_write(rig, ZOO_TABLE, 8, 1);
	rig_config(rig, PCI_COMMAND, 4);
	rig_config_write(rig, PCI_CACHE_LINE_SIZE, 1, 8);
	rig_write(rig, ZOO_CTRL, 4, ZOO_CTRL_START);
	rig_advance(rig, 10);
	rig_write(rig, ZOO_STATUS, 4, 0xf);
	us_device_route(rig->dev, US_IRQ_MSI, 4);
	us_raise(rig->dev, ZOO_STATUS, 2);
	us_device_route(rig->dev, US_IRQ_MSI, 0);
	us_reset_registers(rig->dev);
	us_device_reset(rig->dev, US_RESET_FLR);
	rig_config_write(rig, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	rig_forget(rig);
}

static void nothing_is_allocated_after_creation(void **state)
{
	struct rig *rig = rig_open(&zoo_model);
	struct zoo *zoo = us_state(rig->dev);
	unsigned before;

	(void)state;
	assert_true(allocations > 0); /* creation allocates: we are counting */
	zoo->timer[0].expired = expired;
	zoo->job.step = step;
	zoo->write = written;
	for (int trace = 0; trace < 2; trace++) {
		us_device_trace(rig->dev, trace);
		before = allocations;
		for (unsigned i = 0; i < 100; i++)
			use(rig);
		assert_int_equal(allocations, before);
	}
	rig_close(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_allocated_after_creation),
	};

	return cmocka_run_group_tests_name("allocation", tests, NULL, NULL);
}
