/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel VFIO player by group and container, and all that is the same by iommufd, on a kernel that is made up. */
#include "made-up.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* -- ways to fail ------------------------------------------------------------------------------------------------ */

static void a_function_that_is_not_there(void **state)
{
	struct us_function *fn;
	struct us_error err;

	(void)state;
	assert_int_equal(us_kernel_open_in(&world, "0000:77:00.0", &fn, &err), -ENODEV);
	assert_non_null(strstr(err.text, "no PCI function 0000:77:00.0"));
	assert_non_null(strstr(err.text, "lspci -D"));
	assert_int_equal(us_kernel_open_in(&world, "77:00.0", &fn, &err), -ENODEV);
	assert_non_null(strstr(err.text, "0000:77:00.0"));
}

static void a_function_with_another_driver_says_how_to_bind_it(void **state)
{
	(void)state;
	make_link("../../../../bus/pci/drivers/nvme", "%s/bus/pci/devices/%s/driver", ADDRESS);
	refused(ADDRESS, -EBUSY, "bound to the driver nvme", "driver_override");
	refused(ADDRESS, -EBUSY, "echo " ADDRESS " > ", ADDRESS "/driver/unbind");
	refused(ADDRESS, -EBUSY, "modprobe vfio-pci", "echo " ADDRESS " > /sys/bus/pci/drivers_probe");
}

static void a_function_without_a_driver_needs_no_unbinding(void **state)
{
	struct us_function *fn;
	struct us_error err;

	(void)state;
	make_link(NULL, "%s/bus/pci/devices/%s/driver", ADDRESS);
	refused(ADDRESS, -EBUSY, "bound to no driver", "drivers_probe");
	us_kernel_open_in(&world, ADDRESS, &fn, &err);
	assert_null(strstr(err.text, "unbind"));
}

static void without_an_IOMMU_group_the_IOMMU_is_off(void **state)
{
	(void)state;
	make_link(NULL, "%s/bus/pci/devices/%s/iommu_group", ADDRESS);
	refused(ADDRESS, -ENOTSUP, "the IOMMU is off", "intel_iommu=on");
}

static void without_its_nodes_VFIO_is_not_loaded(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof path, "%s/vfio/vfio", dev);
	unlink(path);
	refused(ADDRESS, -ENOENT, "/vfio/vfio", "modprobe vfio-pci");
}

static void a_missing_permission_names_the_node(void **state)
{
	(void)state;
	kernel.closed = "/vfio/12";
	kernel.why = EACCES;
	refused(ADDRESS, -EACCES, "no permission", "/vfio/12");
	kernel.closed = "/vfio/vfio";
	refused(ADDRESS, -EACCES, "no permission", "/vfio/vfio");
}

static void a_group_in_use_is_said_to_be(void **state)
{
	(void)state;
	kernel.closed = "/vfio/12";
	kernel.why = EBUSY;
	refused(ADDRESS, -EBUSY, "in use", "/vfio/12");
}

static void a_group_that_is_not_viable_names_the_others(void **state)
{
	(void)state;
	kernel.not_viable = true;
	refused(ADDRESS, -EBUSY, "IOMMU group 12", "0000:03:00.1 (snd_hda_intel)");
}

static void what_the_kernel_refuses_is_passed_on_in_a_sentence(void **state)
{
	static const struct {
		unsigned long request;
		int why;
		const char *words;
	} cases[] = {
		{VFIO_GET_API_VERSION, ENOTTY, "API version"},
		{VFIO_GROUP_GET_STATUS, ENOTTY, "no VFIO group"},
		{VFIO_GROUP_SET_CONTAINER, EINVAL, "container"},
		{VFIO_SET_IOMMU, EPERM, "allow_unsafe_interrupts"},
		{VFIO_SET_IOMMU, ENODEV, "IOMMU for group 12"},
		{VFIO_GROUP_GET_DEVICE_FD, EINVAL, "does not hand out " ADDRESS},
		{VFIO_DEVICE_GET_INFO, EIO, "VFIO says nothing"},
		{VFIO_DEVICE_RESET, EAGAIN, "can not reset"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		kernel.fails = cases[i].request;
		kernel.why = cases[i].why;
		refused(ADDRESS, cases[i].request == VFIO_GET_API_VERSION || cases[i].request == VFIO_GROUP_GET_STATUS
				? -EPROTO
				: -cases[i].why,
			cases[i].words, "");
	}
	kernel.fails = 0;
	kernel.no_type1 = true;
	refused(ADDRESS, -ENOTSUP, "modprobe vfio_iommu_type1", "");
	kernel.no_type1 = false;
	kernel.not_pci = true;
	refused(ADDRESS, -ENODEV, "no PCI function", "");
}

static void config_space_of_all_ones_is_no_function(void **state)
{
	uint8_t ones[256];

	(void)state;
	memset(ones, 0xff, sizeof ones);
	assert_int_equal(pwrite(kernel.device, ones, sizeof ones, CONFIG_AT), sizeof ones);
	refused(ADDRESS, -EIO, "all ones", "");
}

static void memory_that_may_not_be_locked_names_the_limit(void **state)
{
	struct us_function *fn = open_it(ADDRESS);
	void *at;

	(void)state;
	kernel.fails = VFIO_IOMMU_MAP_DMA;
	kernel.why = ENOMEM;
	assert_refused(fn, us_fn_dma_alloc(fn, 0x1000, 4096, 3, &at), -ENOMEM, "RLIMIT_MEMLOCK");
	kernel.why = EINVAL;
	assert_refused(fn, us_fn_dma_alloc(fn, 0xfee00000, 4096, 3, &at), -EINVAL, "iommu_groups/12/reserved_regions");
	assert_null(at);
	kernel.fails = 0;
	assert_done(fn, us_fn_dma_alloc(fn, 0x1000, 4096, 3, &at)); /* nothing was kept of the failure */
	us_fn_close(fn);
}

/* -- what it asks of the kernel ---------------------------------------------------------------------------------- */

static void it_is_reset_and_then_no_bus_master(void **state)
{
	struct us_function *fn = open_it(ADDRESS);

	(void)state;
	assert_int_equal(kernel.resets, 1);
	assert_int_equal(us_fn_read32(fn, US_REGION_CONFIG, PCI_COMMAND) & 0xffff, PCI_COMMAND_MEMORY);
	us_fn_close(fn);
}

static void the_parts_the_kernel_lets_be_mapped_are_loaded_and_stored(void **state)
{
	struct us_function *fn = open_it(ADDRESS);
	uint32_t value = 0;
	void *at;

	(void)state;
	us_fn_write32(fn, US_REGION_BAR0, 0x10, 0x11223344);
	us_fn_write32(fn, US_REGION_BAR0 + 1, 0x1010, 0x55667788);
	us_fn_write32(fn, US_REGION_BAR0 + 1, 0x10, 0x99aabbcc); /* not mapped: by the kernel's write */
	assert_int_equal(us_fn_read32(fn, US_REGION_BAR0 + 1, 0x10), 0x99aabbcc);
	assert_int_equal(pread(kernel.device, &value, 4, BAR0_AT + 0x10), 4);
	assert_int_equal(value, 0x11223344);
	assert_int_equal(pread(kernel.device, &value, 4, BAR1_AT + 0x1010), 4);
	assert_int_equal(value, 0x55667788);
	assert_done(fn, us_fn_map_region(fn, US_REGION_BAR0 + 1, 0x1000, 0x1000, &at));
	assert_int_equal(*(uint32_t *)((char *)at + 0x10), 0x55667788);
	assert_int_equal(us_fn_map_region(fn, US_REGION_BAR0 + 1, 0, 0x1000, &at), -ENODEV);
	assert_int_equal(us_fn_map_region(fn, US_REGION_BAR0 + 1, 0x3000, 0x1000, &at), -ENODEV); /* the lie */
	us_fn_close(fn);
}

static void capabilities_that_point_nowhere_are_survived(void **state)
{
	struct us_function *fn;

	(void)state;
	kernel.bad_caps = true;
	fn = open_it(ADDRESS);
	us_fn_write32(fn, US_REGION_BAR0 + 1, 0, 1);
	assert_int_equal(us_fn_read32(fn, US_REGION_BAR0 + 1, 0), 1);
	us_fn_close(fn);
}

static void while_the_function_does_not_decode_memory_all_ones_are_read(void **state)
{
	struct us_function *fn = open_it(ADDRESS);
	uint64_t value;

	(void)state;
	us_fn_write32(fn, US_REGION_BAR0, 0, 0x12345678);
	assert_done(fn, us_fn_write(fn, US_REGION_CONFIG, PCI_COMMAND, 2, 0));
	assert_int_equal(us_fn_read32(fn, US_REGION_BAR0, 0), UINT32_MAX);
	us_fn_write32(fn, US_REGION_BAR0, 0, 0);
	assert_done(fn, us_fn_write(fn, US_REGION_CONFIG, PCI_COMMAND, 2, PCI_COMMAND_MEMORY));
	assert_int_equal(us_fn_read32(fn, US_REGION_BAR0, 0), 0x12345678);
	assert_done(fn, us_fn_write(fn, US_REGION_CONFIG, 0x40 + PCI_PM_CTRL, 2, 3)); /* D3hot */
	assert_done(fn, us_fn_read(fn, US_REGION_BAR0, 0, 1, &value));
	assert_int_equal(value, 0xff);
	us_fn_close(fn);
}

static void interrupts_are_set_up_as_eventfds_and_counted(void **state)
{
	struct us_function *fn = open_it(ADDRESS);
	uint64_t count = 0;
	unsigned n;

	(void)state;
	assert_done(fn, us_fn_irq_enable(fn, US_MSIX, 3));
	assert_int_equal(kernel.irq.index, VFIO_PCI_MSIX_IRQ_INDEX);
	assert_int_equal(kernel.irq.flags, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER);
	assert_int_equal(kernel.irq.start, 0);
	assert_int_equal(kernel.irq.count, 3);
	eventfd_write(kernel.eventfds[2], 5);
	assert_int_equal(us_fn_irq_wait(fn, US_MSIX, 0, 0, NULL), 0);
	assert_int_equal(us_fn_irq_wait_any(fn, 0, &n, &count), 1);
	assert_int_equal(n, 2);
	assert_int_equal(count, 5);
	assert_done(fn, us_fn_irq_disable(fn, US_MSIX));
	assert_int_equal(kernel.irq.flags, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER);
	assert_int_equal(kernel.irq.count, 0);
	us_fn_close(fn);
}

static void a_kernel_with_too_few_vectors_grants_none(void **state)
{
	struct us_function *fn = open_it(ADDRESS);

	(void)state;
	kernel.vectors = 1;
	assert_refused(fn, us_fn_irq_enable(fn, US_MSI, 4), -ENOSPC, "remaps interrupts");
	assert_done(fn, us_fn_irq_enable(fn, US_MSI, 1));
	us_fn_close(fn);
}

static void INTx_is_masked_by_the_kernel_and_messages_by_the_function(void **state)
{
	struct us_function *fn = open_it(ADDRESS);

	(void)state;
	assert_done(fn, us_fn_irq_enable(fn, US_INTX, 1));
	assert_done(fn, us_fn_irq_mask(fn, US_INTX, 0));
	assert_int_equal(kernel.irq.flags, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_MASK);
	assert_done(fn, us_fn_irq_unmask(fn, US_INTX, 0));
	assert_int_equal(kernel.irq.flags, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK);
	assert_done(fn, us_fn_irq_disable(fn, US_INTX));
	assert_done(fn, us_fn_irq_enable(fn, US_MSI, 4));
	assert_int_equal(us_fn_read32(fn, US_REGION_CONFIG, 0x50) >> 16 & (PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE),
			 PCI_MSI_FLAGS_ENABLE | 2 << 4); /* the kernel shows what was written, so that is written too */
	assert_done(fn, us_fn_irq_mask(fn, US_MSI, 2));
	assert_int_equal(us_fn_read32(fn, US_REGION_CONFIG, 0x50 + 16), 1u << 2);
	assert_done(fn, us_fn_irq_unmask(fn, US_MSI, 2));
	assert_int_equal(us_fn_read32(fn, US_REGION_CONFIG, 0x50 + 16), 0);
	assert_done(fn, us_fn_irq_disable(fn, US_MSI));
	assert_done(fn, us_fn_irq_enable(fn, US_MSIX, 4));
	assert_refused(fn, us_fn_irq_mask(fn, US_MSIX, 0), -ENOTSUP, "MSI-X table");
	us_fn_close(fn);
}

static void a_table_that_the_kernel_keeps_is_not_said_to_be_all_ones(void **state)
{
	struct us_function *fn = open_it(ADDRESS);
	uint64_t value;

	(void)state;
	assert_refused(fn, us_fn_read(fn, US_REGION_BAR0 + 1, 0x800, 4, &value), -ENOTSUP, "MSI-X table");
	assert_refused(fn, us_fn_write(fn, US_REGION_BAR0 + 1, 0x83c, 4, 1), -ENOTSUP, "MSI-X table");
	assert_done(fn, us_fn_read(fn, US_REGION_BAR0 + 1, 0x7f8, 8, &value));
	assert_done(fn, us_fn_write(fn, US_REGION_BAR0 + 1, 0x840, 4, 1));
	us_fn_close(fn);
}

static void memory_is_mapped_where_asked_with_the_rights_asked(void **state)
{
	struct us_function *fn = open_it(ADDRESS);
	void *at;

	(void)state;
	assert_done(fn, us_fn_dma_alloc(fn, 0x123000, 8192, US_FN_DMA_WRITE, &at));
	assert_int_equal(kernel.map.iova, 0x123000);
	assert_int_equal(kernel.map.size, 8192);
	assert_int_equal(kernel.map.flags, VFIO_DMA_MAP_FLAG_WRITE);
	assert_true(kernel.map.vaddr == (uintptr_t)at);
	assert_done(fn, us_fn_dma_unmap(fn, 0, (size_t)1 << 32));
	assert_int_equal(kernel.unmap_iova, 0x123000);
	assert_int_equal(kernel.unmap_size, 8192);
	us_fn_close(fn);
}

static void reset_disables_interrupts_first(void **state)
{
	struct us_function *fn = open_it(ADDRESS);

	(void)state;
	assert_done(fn, us_fn_irq_enable(fn, US_MSI, 1));
	assert_done(fn, us_fn_write(fn, US_REGION_CONFIG, PCI_COMMAND, 2, 7));
	assert_done(fn, us_fn_reset(fn));
	assert_int_equal(kernel.irq.count, 0);
	assert_int_equal(kernel.resets, 2);
	assert_int_equal(us_fn_read32(fn, US_REGION_CONFIG, PCI_COMMAND) & 0xffff, PCI_COMMAND_MEMORY);
	us_fn_close(fn);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_function_that_is_not_there),
		TEST(a_function_with_another_driver_says_how_to_bind_it),
		TEST(a_function_without_a_driver_needs_no_unbinding),
		TEST(without_an_IOMMU_group_the_IOMMU_is_off),
		TEST(without_its_nodes_VFIO_is_not_loaded),
		TEST(a_missing_permission_names_the_node),
		TEST(a_group_in_use_is_said_to_be),
		TEST(a_group_that_is_not_viable_names_the_others),
		TEST(what_the_kernel_refuses_is_passed_on_in_a_sentence),
		TEST(config_space_of_all_ones_is_no_function),
		TEST(memory_that_may_not_be_locked_names_the_limit),
		TEST(it_is_reset_and_then_no_bus_master),
		TEST(the_parts_the_kernel_lets_be_mapped_are_loaded_and_stored),
		TEST(capabilities_that_point_nowhere_are_survived),
		TEST(while_the_function_does_not_decode_memory_all_ones_are_read),
		TEST(interrupts_are_set_up_as_eventfds_and_counted),
		TEST(a_kernel_with_too_few_vectors_grants_none),
		TEST(INTx_is_masked_by_the_kernel_and_messages_by_the_function),
		TEST(a_table_that_the_kernel_keeps_is_not_said_to_be_all_ones),
		TEST(memory_is_mapped_where_asked_with_the_rights_asked),
		TEST(reset_disables_interrupts_first),
	};
	int failed;

	if (!made_up_begin())
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	made_up_end();
	return failed;
}
