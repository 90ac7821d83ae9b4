/* SPDX-License-Identifier: Apache-2.0 */
/* Maps that can not be played are refused with a sentence; so are models that do not start. And BARs' plain memory. */
#include "rig.h"
#include "zoo.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define MAX 20

/* A copy of the zoo that a test may spoil. */
static struct us_map map;
static struct us_reg regs[MAX];
static struct us_field fields[MAX];
static struct us_mem mems[MAX];
static struct us_model model;

static int copy_zoo(void **state)
{
	(void)state;
	map = zoo_map;
	memcpy(regs, zoo_map.regs, zoo_map.nregs * sizeof *regs);
	memcpy(mems, zoo_map.mems, zoo_map.nmems * sizeof *mems);
	map.regs = regs;
	map.mems = mems;
	model = zoo_model;
	model.map = &map;
	return 0;
}

/* The fields of one register, to be spoiled. */
static struct us_field *own_fields(unsigned reg)
{
	memcpy(fields, regs[reg].fields, regs[reg].nfields * sizeof *fields);
	regs[reg].fields = fields;
	return fields;
}

static uint64_t no_time(void *ctx)
{
	(void)ctx;
	return 0;
}

static void no_alarm(void *ctx, uint64_t when)
{
	(void)ctx;
	(void)when;
}

static void assert_refused(int code, const char *words)
{
	const struct us_host host = {.now = no_time, .alarm = no_alarm};
	struct us_device *dev = (struct us_device *)&map;
	struct us_error err = {""};

	assert_int_equal(us_device_create(&model, &host, &dev, &err), code);
	assert_null(dev);
	if (!strstr(err.text, words))
		fail_msg("expected '%s' in: %s", words, err.text);
}

enum { ID, CTRL, STATUS, ENABLE };

static void a_model_of_another_interface_is_refused(void **state)
{
	(void)state;
	model.abi = 99;
	assert_refused(-EINVAL, "interface 99");
	model.abi = US_MODEL_ABI;
	model.map = NULL;
	assert_refused(-EINVAL, "no register map");
}

static void bars_must_be_what_pci_has(void **state)
{
	(void)state;
	map.bars[0].size = 0x1800;
	assert_refused(-EINVAL, "power of two");
	map.bars[0].size = 0;
	assert_refused(-EINVAL, "power of two");
	map.bars[0].size = UINT64_C(1) << 32;
	assert_refused(-EINVAL, "BAR 0");
	map = zoo_map;
	map.bars[0].kind = 77;
	assert_refused(-EINVAL, "no known kind");
	map = zoo_map;
	map.bars[1].size = 512;
	assert_refused(-EINVAL, "256");
	map = zoo_map;
	map.bars[3] = map.bars[0];
	assert_refused(-EINVAL, "64 bits wide");
	map = zoo_map;
	map.bars[5] = (struct us_bar){.kind = US_BAR_MEM64, .size = 4096};
	assert_refused(-EINVAL, "BAR 5 is 64 bits wide");
	map = zoo_map;
	map.bars[4].size = 4096;
	assert_refused(-EINVAL, "no kind");
}

static void pci_numbers_must_be_in_range(void **state)
{
	(void)state;
	map.pci.class_code = 0x1000000;
	assert_refused(-EINVAL, "24 bits");
	map = zoo_map;
	map.pci.intx_pin = 5;
	assert_refused(-EINVAL, "pin 5");
	map = zoo_map;
	map.pci.msi = 3;
	assert_refused(-EINVAL, "3 MSI messages");
	map.pci.msi = 64;
	assert_refused(-EINVAL, "64 MSI messages");
	map = zoo_map;
	map.pci.msix = 2049;
	assert_refused(-EINVAL, "2049 MSI-X");
	map = zoo_map;
	map.pci.express = false;
	assert_refused(-EINVAL, "needs the PCI Express");
	map = zoo_map;
	map.pci.pm = false;
	assert_refused(-EINVAL, "power management");
}

static void msix_structures_must_lie_in_a_memory_bar(void **state)
{
	(void)state;
	map.pci.msix_table_offset = 0x8004;
	assert_refused(-EINVAL, "multiples of 8");
	map = zoo_map;
	map.pci.msix_table_bar = 4;
	assert_refused(-EINVAL, "not there");
	map.pci.msix_table_bar = 255;
	assert_refused(-EINVAL, "not there");
	map = zoo_map;
	map.pci.msix_table_offset = 0xfff8;
	assert_refused(-EINVAL, "ends beyond");
	map.pci.msix_table_offset = UINT32_MAX - 7;
	assert_refused(-EINVAL, "ends beyond");
	map = zoo_map;
	map.pci.msix_pba_offset = 0x8008;
	assert_refused(-EINVAL, "overlap");
	map = zoo_map;
	map.pci.msix_pba_bar = 1;
	map.pci.msix_pba_offset = 8;
	assert_refused(-EINVAL, "memory space");
}

static void registers_must_fit_and_not_overlap(void **state)
{
	(void)state;
	regs[CTRL].size = 3;
	assert_refused(-EINVAL, "1, 2, 4 or 8");
	copy_zoo(NULL);
	regs[CTRL].addr = ZOO_ID;
	assert_refused(-EINVAL, "ascending");
	copy_zoo(NULL);
	regs[CTRL].addr = ZOO_ID + 2;
	assert_refused(-EINVAL, "overlap");
	copy_zoo(NULL);
	regs[map.nregs - 1].addr = US_AT(1, 0x1e);
	assert_refused(-EINVAL, "ends beyond");
	regs[map.nregs - 1].addr = US_AT(3, 0);
	assert_refused(-EINVAL, "BAR 3");
	regs[map.nregs - 1].addr = US_AT(200, 0);
	assert_refused(-EINVAL, "BAR 200");
	copy_zoo(NULL);
	regs[CTRL].path = NULL;
	assert_refused(-EINVAL, "no name");
	copy_zoo(NULL);
	regs[CTRL].fields = NULL;
	assert_refused(-EINVAL, "missing");
	copy_zoo(NULL);
	map.regs = NULL;
	assert_refused(-EINVAL, "missing");
}

static void fields_must_fit_and_not_overlap(void **state)
{
	(void)state;
	own_fields(CTRL)[1].width = 0;
	assert_refused(-EINVAL, "CTRL.MODE");
	own_fields(CTRL)[1].width = 31;
	assert_refused(-EINVAL, "overlap at COUNT");
	own_fields(CTRL)[2].width = 30;
	fields[1].width = 2;
	assert_refused(-EINVAL, "does not fit");
	copy_zoo(NULL);
	own_fields(CTRL)[2].lsb = 255;
	assert_refused(-EINVAL, "does not fit");
	copy_zoo(NULL);
	own_fields(CTRL)[2].reset = 0x100;
	assert_refused(-EINVAL, "reset value");
	copy_zoo(NULL);
	own_fields(CTRL)[2].onwrite = 77;
	assert_refused(-EINVAL, "policy");
	copy_zoo(NULL);
	own_fields(CTRL)[2].onread = 77;
	assert_refused(-EINVAL, "policy");
	copy_zoo(NULL);
	own_fields(CTRL)[2].name = NULL;
	assert_refused(-EINVAL, "without a name");
}

static void causes_must_be_enabled_by_bits_that_are_there(void **state)
{
	(void)state;
	own_fields(STATUS)[0].enable_reg = 1000;
	assert_refused(-EINVAL, "STATUS.DONE");
	fields[0].enable_reg = -2;
	assert_refused(-EINVAL, "STATUS.DONE");
	fields[0].enable_reg = ENABLE;
	fields[0].enable_lsb = 32;
	assert_refused(-EINVAL, "ENABLE");
	fields[0].enable_lsb = 0;
	fields[0].message = -1;
	assert_refused(-EINVAL, "message -1");
}

static void memories_must_fit(void **state)
{
	(void)state;
	mems[1].size = UINT64_MAX;
	assert_refused(-EINVAL, "ends beyond");
	mems[1].size = 0;
	assert_refused(-EINVAL, "no bytes");
	mems[1].size = 0x6000;
	assert_refused(-EINVAL, "overlap");
	copy_zoo(NULL);
	mems[0].name = NULL;
	assert_refused(-EINVAL, "no name");
}

static int refuse_to_start(struct us_device *dev)
{
	us_log(dev, "the second log line is the reason");
	us_log(dev, "no firmware in '%s'", "here");
	return -ENODEV;
}

static bool destroyed;

static void note_destroy(struct us_device *dev)
{
	(void)dev;
	destroyed = true;
}

static void a_model_that_does_not_start_says_why(void **state)
{
	(void)state;
	destroyed = false;
	model.create = refuse_to_start;
	model.destroy = note_destroy;
	assert_refused(-ENODEV, "model 'zoo' did not start: no firmware in 'here'");
	assert_false(destroyed); /* what was never there does not end */
}

/* -- plain memory ------------------------------------------------------------------------------------------------- */

static void only_whole_pages_of_readable_memory_can_be_mapped(void **state)
{
	struct rig *rig = rig_open(&zoo_model);
	struct us_area area;

	(void)state;
	assert_int_equal(us_device_area(rig->dev, 2, 0, &area), 0);
	assert_int_equal(area.offset, 0x2000);
	assert_int_equal(area.size, 0x2000);
	assert_true(area.read && area.write);
	assert_int_equal(us_device_area(rig->dev, 2, 1, &area), 0);
	assert_int_equal(area.offset, 0x6000);
	assert_true(area.read && !area.write);
	assert_int_equal(us_device_area(rig->dev, 2, 2, &area), -ENOENT);
	assert_int_equal(us_device_area(rig->dev, 0, 0, &area), -ENOENT);
	assert_int_equal(us_device_area(rig->dev, 77, 0, &area), -ENOENT);
	rig_close(rig);
}

static void a_mapped_area_is_the_memory_that_accesses_see(void **state)
{
	struct rig *rig = rig_open(&zoo_model);
	struct us_area area;
	size_t size;
	uint32_t *at;

	(void)state;
	assert_int_equal(us_device_area(rig->dev, 2, 0, &area), 0);
	at = mmap(NULL, area.size, PROT_READ | PROT_WRITE, MAP_SHARED, area.fd, (off_t)area.fd_offset);
	assert_ptr_not_equal(at, MAP_FAILED);
	rig_write(rig, US_AT(2, area.offset + 4), 4, 0x12345678);
	assert_int_equal(at[1], 0x12345678);
	at[2] = 0x9abcdef0;
	assert_int_equal(rig_read(rig, US_AT(2, area.offset + 8), 4), 0x9abcdef0);
	assert_int_equal(*(uint32_t *)((char *)us_mem(rig->dev, ZOO_WINDOW, &size) + 0x808), 0x9abcdef0);
	assert_int_equal(size, 0x3000);
	us_device_reset(rig->dev, US_RESET_FLR); /* what one user left is none of the next one's business */
	assert_int_equal(at[1], 0);
	munmap(at, area.size);
	rig_close(rig);
}

static void nobody_can_shrink_a_shared_area_or_write_a_read_only_one(void **state)
{
	struct rig *rig = rig_open(&zoo_model);
	struct us_area area;
	char path[64];
	int again;

	(void)state;
	assert_int_equal(us_device_area(rig->dev, 2, 0, &area), 0);
	assert_int_equal(ftruncate(area.fd, 0), -1);
	assert_int_equal(us_device_area(rig->dev, 2, 1, &area), 0);
	assert_ptr_equal(mmap(NULL, area.size, PROT_READ | PROT_WRITE, MAP_SHARED, area.fd, (off_t)area.fd_offset),
			 MAP_FAILED);
	snprintf(path, sizeof path, "/proc/self/fd/%d", area.fd);
	again = open(path, O_RDWR);
	assert_ptr_equal(mmap(NULL, area.size, PROT_READ | PROT_WRITE, MAP_SHARED, again, (off_t)area.fd_offset),
			 MAP_FAILED);
	assert_int_equal(pwrite(again, "no", 2, 0), -1);
	close(again);
	rig_close(rig);
}

static void memory_obeys_what_software_may_do(void **state)
{
	struct rig *rig = rig_open(&zoo_model);
	uint8_t *rom = us_mem(rig->dev, ZOO_ROM, NULL), *sink = us_mem(rig->dev, ZOO_SINK, NULL);

	(void)state;
	rom[3] = 0x77;
	rig_write(rig, ZOO_ROM, 4, 0);
	assert_int_equal(rig_read(rig, ZOO_ROM, 4), 0x77000000);
	rig_write(rig, ZOO_SINK, 8, 0x0102030405060708);
	assert_int_equal(sink[0], 8);
	assert_int_equal(rig_read(rig, ZOO_SINK, 8), 0);
	assert_null(us_mem(rig->dev, ZOO_ROM + 4, NULL));
	rig_write(rig, ZOO_SMALL + 0x38, 8, 0x1122334455667788);
	assert_int_equal(rig_read(rig, ZOO_SMALL + 0x3c, 2), 0x3344);
	assert_int_equal(rig_read(rig, ZOO_SMALL + 0x40, 8), 0); /* just beyond it */
	us_device_reset(rig->dev, US_RESET_FLR);
	assert_int_equal(rom[3] | sink[0], 0);
	rig_close(rig);
}

#define TEST(name) cmocka_unit_test_setup(name, copy_zoo)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_model_of_another_interface_is_refused),
		TEST(bars_must_be_what_pci_has),
		TEST(pci_numbers_must_be_in_range),
		TEST(msix_structures_must_lie_in_a_memory_bar),
		TEST(registers_must_fit_and_not_overlap),
		TEST(fields_must_fit_and_not_overlap),
		TEST(causes_must_be_enabled_by_bits_that_are_there),
		TEST(memories_must_fit),
		TEST(a_model_that_does_not_start_says_why),
		TEST(only_whole_pages_of_readable_memory_can_be_mapped),
		TEST(a_mapped_area_is_the_memory_that_accesses_see),
		TEST(nobody_can_shrink_a_shared_area_or_write_a_read_only_one),
		TEST(memory_obeys_what_software_may_do),
	};

	return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
