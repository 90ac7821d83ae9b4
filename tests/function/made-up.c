/* SPDX-License-Identifier: Apache-2.0 */
#include "made-up.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct made_up kernel;

static char root[] = "/tmp/understudy-kernel-XXXXXX";
char sys[64], dev[64];

static int fake_open(const char *path)
{
	if (kernel.closed && !strcmp(path + strlen(dev), kernel.closed)) {
		errno = kernel.why;
		return -1;
	}
	if (!strcmp(path + strlen(dev), "/vfio/devices/vfio3") && !access(path, F_OK))
		return dup(kernel.device); /* the node is the device */
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

static void ask(unsigned long request)
{
	if (kernel.nasked < sizeof kernel.asked / sizeof kernel.asked[0])
		kernel.asked[kernel.nasked++] = request & 0xff;
}

/* What it answers by iommufd; false: the request is another's. Wrong sizes and numbers it refuses, as the kernel does. */
static bool iommufd_ioctl(unsigned long request, void *argument, int *rc)
{
	*rc = 0;
	errno = EINVAL;
	switch (request) {
	case US_VFIO_BIND:
		ask(request);
		kernel.bound = ((struct us_vfio_bind *)argument)->iommufd;
		((struct us_vfio_bind *)argument)->device = DEVICE_NUMBER;
		*rc = *(uint32_t *)argument == 16 && fcntl(kernel.bound, F_GETFD) >= 0 ? 0 : -1;
		return true;
	case US_IOMMU_ALLOC:
		ask(request);
		((struct us_iommu_alloc *)argument)->space = SPACE_NUMBER;
		*rc = *(uint32_t *)argument == 12 ? 0 : -1;
		return true;
	case US_VFIO_ATTACH:
		ask(request);
		*rc = *(uint32_t *)argument == 12 && ((struct us_vfio_attach *)argument)->space == SPACE_NUMBER ? 0 : -1;
		((struct us_vfio_attach *)argument)->space = SPACE_NUMBER + 1; /* the page table */
		return true;
	case US_IOMMU_MAP:
		kernel.iommu_map = *(struct us_iommu_map *)argument;
		*rc = kernel.iommu_map.size == 40 && kernel.iommu_map.space == SPACE_NUMBER ? 0 : -1;
		return true;
	case US_IOMMU_UNMAP:
		kernel.iommu_unmap = *(struct us_iommu_unmap *)argument;
		*rc = kernel.iommu_unmap.size == 24 && kernel.iommu_unmap.space == SPACE_NUMBER ? 0 : -1;
		return true;
	default:
		return false;
	}
}

static int fake_ioctl(int fd, unsigned long request, void *argument)
{
	int rc;

	(void)fd;
	if (request == kernel.fails) {
		errno = kernel.why;
		return -1;
	}
	if (iommufd_ioctl(request, argument, &rc))
		return rc;
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

const struct us_kernel_world world = {.sys = sys, .dev = dev, .open = fake_open, .ioctl = fake_ioctl};

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

void make_link(const char *to, const char *format, const char *name)
{
	char path[256];

	snprintf(path, sizeof path, format, sys, name);
	unlink(path);
	if (to)
		assert_int_equal(symlink(to, path), 0);
}

void make_file(const char *path)
{
	char full[256];
	int fd;

	snprintf(full, sizeof full, "%s%s", dev, path);
	fd = open(full, O_CREAT | O_RDWR, 0600);
	assert_true(fd >= 0);
	close(fd);
}

void remove_node(const char *path)
{
	char full[256];

	snprintf(full, sizeof full, "%s%s", dev, path);
	unlink(full);
}

void give_iommufd(void)
{
	char path[256];

	make_file("/iommu");
	snprintf(path, sizeof path, "%s/vfio/devices", dev);
	make_dir(path);
	make_file("/vfio/devices/vfio3");
	snprintf(path, sizeof path, "%s/bus/pci/devices/" ADDRESS "/vfio-dev/vfio3", sys);
	make_dir(path);
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
	config[0x74] = 1; /* table: BAR 1, offset 800h, which can not be mapped */
	config[0x75] = 8;
	assert_int_equal(pwrite(kernel.device, config, sizeof config, CONFIG_AT), sizeof config);
}

int machine(void **state)
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
	remove_node("/iommu");
	remove_node("/vfio/devices/vfio3");
	snprintf(path, sizeof path, "%s/bus/pci/devices/" ADDRESS "/vfio-dev/vfio3", sys);
	rmdir(path);
	make_file("/vfio/12");
	make_link("../../../../kernel/iommu_groups/12", "%s/bus/pci/devices/%s/iommu_group", ADDRESS);
	make_link("../../../../bus/pci/drivers/vfio-pci", "%s/bus/pci/devices/%s/driver", ADDRESS);
	make_link("../../../../bus/pci/drivers/snd_hda_intel", "%s/bus/pci/devices/%s/driver", "0000:03:00.1");
	return 0;
}

int machine_off(void **state)
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

struct us_function *open_it(const char *target)
{
	struct us_function *fn;
	struct us_error err = {""};

	if (us_kernel_open_in(&world, target, &fn, &err))
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

void refused(const char *target, int code, const char *words, const char *more)
{
	unsigned before = open_files();
	struct us_function *fn;
	struct us_error err = {""};

	assert_int_equal(us_kernel_open_in(&world, target, &fn, &err), code);
	assert_null(fn);
	if (!strstr(err.text, words) || !strstr(err.text, more))
		fail_msg("'%s' and '%s' are not in: %s", words, more, err.text);
	assert_int_equal(open_files(), before);
}

bool made_up_begin(void)
{
	snprintf(sys, sizeof sys, "%s/sys", mkdtemp(root) ? root : "");
	snprintf(dev, sizeof dev, "%s/dev", root);
	return sys[0] == '/' && sys[1] == 't';
}

void made_up_end(void)
{
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
