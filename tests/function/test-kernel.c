/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel VFIO player on a kernel that is made up: a sysfs tree in a temporary folder, and an ioctl that answers as
 * told. The "device" is a file whose bytes are its regions. Here every way to fail can be had, and every call be looked
 * at.
 */
#include "body.h"
#include "function/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ADDRESS "0000:03:00.0"
#define CONFIG_AT 0x10000 /* regions in the device's file */
#define BAR0_AT 0x20000
#define BAR1_AT 0x30000

/* What the made-up kernel does, and what it was asked. */
static struct {
	unsigned long fails; /* this request */
	int why; /* with this errno */
	const char *closed; /* this node can not be opened */
	bool not_viable, no_type1, not_pci, bad_caps;
	int vectors; /* most MSI vectors, 0: enough */
	int device;
	unsigned resets, irq_sets;
	struct {
		uint32_t argsz, flags, index, start, count; /* struct vfio_irq_set */
	} irq;
	int eventfds[8];
	struct vfio_iommu_type1_dma_map map;
	uint64_t unmap_iova, unmap_size;
} kernel;

static char root[] = "/tmp/understudy-kernel-XXXXXX";
static char sys[64], dev[64];

static int fake_open(const char *path)
{
	if (kernel.closed && !strcmp(path + strlen(dev), kernel.closed)) {
		errno = kernel.why;
		return -1;
	}
	return open(path, O_RDWR | O_CLOEXEC);
}

static int region_info(struct vfio_region_info *info)
{
	struct vfio_region_info_cap_sparse_mmap *sparse = (void *)(info + 1);

	info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	if (info->index == VFIO_PCI_BAR0_REGION_INDEX) {
		info->size = 0x2000;
		info->offset = BAR0_AT;
		info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
	} else if (info->index == VFIO_PCI_BAR1_REGION_INDEX) {
		info->size = 0x4000;
		info->offset = BAR1_AT;
		info->flags |= VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_CAPS;
		info->cap_offset = kernel.bad_caps ? info->argsz - 8 : sizeof *info;
		if (kernel.bad_caps)
			return 0;
		sparse->header.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP;
		sparse->header.version = 1;
		sparse->header.next = 0;
		sparse->nr_areas = 2;
		sparse->areas[0].offset = 0x1000;
		sparse->areas[0].size = 0x1000;
		sparse->areas[1].offset = 0x3000;
		sparse->areas[1].size = 0x100000; /* a lie */
	} else if (info->index == VFIO_PCI_CONFIG_REGION_INDEX) {
		info->size = 256;
		info->offset = CONFIG_AT;
	} else if (info->index == VFIO_PCI_VGA_REGION_INDEX) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

static int set_irqs(const struct vfio_irq_set *set)
{
	memcpy(&kernel.irq, set, sizeof kernel.irq);
	kernel.irq_sets++;
	if (set->flags & VFIO_IRQ_SET_DATA_EVENTFD)
		memcpy(kernel.eventfds, set->data, set->count * sizeof(int));
	if (set->index == VFIO_PCI_MSI_IRQ_INDEX && kernel.vectors && set->count > (unsigned)kernel.vectors)
		return kernel.vectors;
	return 0;
}

static int fake_ioctl(int fd, unsigned long request, void *argument)
{
	(void)fd;
	if (request == kernel.fails) {
		errno = kernel.why;
		return -1;
	}
	switch (request) {
	case VFIO_GET_API_VERSION:
		return VFIO_API_VERSION;
	case VFIO_CHECK_EXTENSION:
		return !kernel.no_type1;
	case VFIO_GROUP_GET_STATUS:
		((struct vfio_group_status *)argument)->flags = kernel.not_viable ? 0 : VFIO_GROUP_FLAGS_VIABLE;
		return 0;
	case VFIO_GROUP_GET_DEVICE_FD:
		assert_string_equal(argument, ADDRESS);
		return dup(kernel.device);
	case VFIO_DEVICE_GET_INFO:
		*(struct vfio_device_info *)argument = (struct vfio_device_info){
			.argsz = sizeof(struct vfio_device_info),
			.flags = (kernel.not_pci ? 0 : VFIO_DEVICE_FLAGS_PCI) | VFIO_DEVICE_FLAGS_RESET,
			.num_regions = VFIO_PCI_NUM_REGIONS,
			.num_irqs = VFIO_PCI_NUM_IRQS,
		};
		return 0;
	case VFIO_DEVICE_GET_REGION_INFO:
		return region_info(argument);
	case VFIO_DEVICE_GET_IRQ_INFO:
		((struct vfio_irq_info *)argument)->count = ((struct vfio_irq_info *)argument)->index ? 4 : 1;
		return 0;
	case VFIO_DEVICE_SET_IRQS:
		return set_irqs(argument);
	case VFIO_DEVICE_RESET:
		kernel.resets++;
		return 0;
	case VFIO_IOMMU_MAP_DMA:
		kernel.map = *(struct vfio_iommu_type1_dma_map *)argument;
		return 0;
	case VFIO_IOMMU_UNMAP_DMA:
		kernel.unmap_iova = ((struct vfio_iommu_type1_dma_unmap *)argument)->iova;
		kernel.unmap_size = ((struct vfio_iommu_type1_dma_unmap *)argument)->size;
		return 0;
	default:
		return 0;
	}
}

static const struct us_kernel_world world = {.sys = sys, .dev = dev, .open = fake_open, .ioctl = fake_ioctl};

/* -- the made-up machine ----------------------------------------------------------------------------------------- */

static void make_dir(const char *path)
{
	char part[256];

	for (const char *slash = path + strlen(root); slash; slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
		mkdir(part, 0755);
	}
	mkdir(path, 0755);
}

static void make_link(const char *to, const char *format, const char *name)
{
	char path[256];

	snprintf(path, sizeof path, format, sys, name);
	unlink(path);
	if (to)
		assert_int_equal(symlink(to, path), 0);
}

static void make_file(const char *path)
{
	char full[256];
	int fd;

	snprintf(full, sizeof full, "%s%s", dev, path);
	fd = open(full, O_CREAT | O_RDWR, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static void make_config(void)
{
	uint8_t config[256] = {0};

	config[PCI_VENDOR_ID] = 0x34;
	config[PCI_VENDOR_ID + 1] = 0x12;
	config[PCI_DEVICE_ID] = 0xde;
	config[PCI_DEVICE_ID + 1] = 0xc0;
	config[PCI_STATUS] = PCI_STATUS_CAP_LIST;
	config[PCI_COMMAND] = 7; /* as a reset leaves it: what was there before */
	config[PCI_BASE_ADDRESS_0 + 3] = 0xfe;
	config[PCI_CAPABILITY_LIST] = 0x40;
	config[0x40] = PCI_CAP_ID_PM;
	config[0x41] = 0x50;
	config[0x50] = PCI_CAP_ID_MSI;
	config[0x51] = 0x70;
	config[0x52] = (PCI_MSI_FLAGS_64BIT | 2 << 1) & 0xff;
	config[0x53] = PCI_MSI_FLAGS_MASKBIT >> 8;
	config[0x70] = PCI_CAP_ID_MSIX;
	config[0x72] = 3;
	config[0x74] = 1; /* table: BAR 1, offset 0, which can not be mapped */
	assert_int_equal(pwrite(kernel.device, config, sizeof config, CONFIG_AT), sizeof config);
}

static int machine(void **state)
{
	char path[256];

	(void)state;
	memset(&kernel, 0, sizeof kernel);
	kernel.device = memfd_create("device", MFD_CLOEXEC);
	assert_int_equal(ftruncate(kernel.device, 0x40000), 0);
	make_config();
	snprintf(path, sizeof path, "%s/bus/pci/devices/" ADDRESS, sys);
	make_dir(path);
	snprintf(path, sizeof path, "%s/bus/pci/devices/0000:03:00.1", sys);
	make_dir(path);
	snprintf(path, sizeof path, "%s/kernel/iommu_groups/12/devices/" ADDRESS, sys);
	make_dir(path);
	snprintf(path, sizeof path, "%s/kernel/iommu_groups/12/devices/0000:03:00.1", sys);
	make_dir(path);
	snprintf(path, sizeof path, "%s/vfio", dev);
	make_dir(path);
	make_file("/vfio/vfio");
	make_file("/vfio/12");
	make_link("../../../../kernel/iommu_groups/12", "%s/bus/pci/devices/%s/iommu_group", ADDRESS);
	make_link("../../../../bus/pci/drivers/vfio-pci", "%s/bus/pci/devices/%s/driver", ADDRESS);
	make_link("../../../../bus/pci/drivers/snd_hda_intel", "%s/bus/pci/devices/%s/driver", "0000:03:00.1");
	return 0;
}

static int machine_off(void **state)
{
	(void)state;
	close(kernel.device);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static struct us_function *open_it(void)
{
	struct us_function *fn;
	struct us_error err = {""};

	if (us_kernel_open_in(&world, ADDRESS, &fn, &err))
		fail_msg("%s", err.text);
	return fn;
}

static unsigned open_files(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* The open fails so, with these words, and leaves nothing open. */
static void refused(int code, const char *words, const char *more)
{
	unsigned before = open_files();
	struct us_function *fn;
	struct us_error err = {""};

	assert_int_equal(us_kernel_open_in(&world, ADDRESS, &fn, &err), code);
	assert_null(fn);
	if (!strstr(err.text, words) || !strstr(err.text, more))
		fail_msg("'%s' and '%s' are not in: %s", words, more, err.text);
	assert_int_equal(open_files(), before);
}

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
	refused(-EBUSY, "bound to the driver nvme", "driver_override");
	refused(-EBUSY, "echo " ADDRESS " > ", ADDRESS "/driver/unbind");
	refused(-EBUSY, "modprobe vfio-pci", "echo " ADDRESS " > /sys/bus/pci/drivers_probe");
}

static void a_function_without_a_driver_needs_no_unbinding(void **state)
{
	struct us_function *fn;
	struct us_error err;

	(void)state;
	make_link(NULL, "%s/bus/pci/devices/%s/driver", ADDRESS);
	refused(-EBUSY, "bound to no driver", "drivers_probe");
	us_kernel_open_in(&world, ADDRESS, &fn, &err);
	assert_null(strstr(err.text, "unbind"));
}

static void without_an_IOMMU_group_the_IOMMU_is_off(void **state)
{
	(void)state;
	make_link(NULL, "%s/bus/pci/devices/%s/iommu_group", ADDRESS);
	refused(-ENOTSUP, "the IOMMU is off", "intel_iommu=on");
}

static void without_its_nodes_VFIO_is_not_loaded(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof path, "%s/vfio/vfio", dev);
	unlink(path);
	refused(-ENOENT, "/vfio/vfio", "modprobe vfio-pci");
}

static void a_missing_permission_names_the_node(void **state)
{
	(void)state;
	kernel.closed = "/vfio/12";
	kernel.why = EACCES;
	refused(-EACCES, "no permission", "/vfio/12");
	kernel.closed = "/vfio/vfio";
	refused(-EACCES, "no permission", "/vfio/vfio");
}

static void a_group_in_use_is_said_to_be(void **state)
{
	(void)state;
	kernel.closed = "/vfio/12";
	kernel.why = EBUSY;
	refused(-EBUSY, "in use", "/vfio/12");
}

static void a_group_that_is_not_viable_names_the_others(void **state)
{
	(void)state;
	kernel.not_viable = true;
	refused(-EBUSY, "IOMMU group 12", "0000:03:00.1 (snd_hda_intel)");
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
		refused(cases[i].request == VFIO_GET_API_VERSION || cases[i].request == VFIO_GROUP_GET_STATUS
				? -EPROTO
				: -cases[i].why,
			cases[i].words, "");
	}
	kernel.fails = 0;
	kernel.no_type1 = true;
	refused(-ENOTSUP, "modprobe vfio_iommu_type1", "");
	kernel.no_type1 = false;
	kernel.not_pci = true;
	refused(-ENODEV, "no PCI function", "");
}

static void config_space_of_all_ones_is_no_function(void **state)
{
	uint8_t ones[256];

	(void)state;
	memset(ones, 0xff, sizeof ones);
	assert_int_equal(pwrite(kernel.device, ones, sizeof ones, CONFIG_AT), sizeof ones);
	refused(-EIO, "all ones", "");
}

static void memory_that_may_not_be_locked_names_the_limit(void **state)
{
	struct us_function *fn = open_it();
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
	struct us_function *fn = open_it();

	(void)state;
	assert_int_equal(kernel.resets, 1);
	assert_int_equal(us_fn_read32(fn, US_REGION_CONFIG, PCI_COMMAND) & 0xffff, PCI_COMMAND_MEMORY);
	us_fn_close(fn);
}

static void the_parts_the_kernel_lets_be_mapped_are_loaded_and_stored(void **state)
{
	struct us_function *fn = open_it();
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
	fn = open_it();
	us_fn_write32(fn, US_REGION_BAR0 + 1, 0, 1);
	assert_int_equal(us_fn_read32(fn, US_REGION_BAR0 + 1, 0), 1);
	us_fn_close(fn);
}

static void while_the_function_does_not_decode_memory_all_ones_are_read(void **state)
{
	struct us_function *fn = open_it();
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
	struct us_function *fn = open_it();
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
	struct us_function *fn = open_it();

	(void)state;
	kernel.vectors = 1;
	assert_refused(fn, us_fn_irq_enable(fn, US_MSI, 4), -ENOSPC, "remaps interrupts");
	assert_done(fn, us_fn_irq_enable(fn, US_MSI, 1));
	us_fn_close(fn);
}

static void INTx_is_masked_by_the_kernel_and_messages_by_the_function(void **state)
{
	struct us_function *fn = open_it();

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

static void memory_is_mapped_where_asked_with_the_rights_asked(void **state)
{
	struct us_function *fn = open_it();
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
	struct us_function *fn = open_it();

	(void)state;
	assert_done(fn, us_fn_irq_enable(fn, US_MSI, 1));
	assert_done(fn, us_fn_write(fn, US_REGION_CONFIG, PCI_COMMAND, 2, 7));
	assert_done(fn, us_fn_reset(fn));
	assert_int_equal(kernel.irq.count, 0);
	assert_int_equal(kernel.resets, 2);
	assert_int_equal(us_fn_read32(fn, US_REGION_CONFIG, PCI_COMMAND) & 0xffff, PCI_COMMAND_MEMORY);
	us_fn_close(fn);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, machine, machine_off)

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
		TEST(memory_is_mapped_where_asked_with_the_rights_asked),
		TEST(reset_disables_interrupts_first),
	};
	int failed;

	if (!mkdtemp(root))
		return 1;
	snprintf(sys, sizeof sys, "%s/sys", root);
	snprintf(dev, sizeof dev, "%s/dev", root);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return failed;
}
