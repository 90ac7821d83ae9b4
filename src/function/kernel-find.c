/* SPDX-License-Identifier: Apache-2.0 */
/* From a PCI address to an open VFIO device (Linux, Documentation/driver-api/vfio.rst), and why not. */
#include "function/kernel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int real_open(const char *path)
{
	return open(path, O_RDWR | O_CLOEXEC);
}

static int real_ioctl(int fd, unsigned long request, void *argument)
{
	return ioctl(fd, request, argument);
}

const struct us_kernel_world us_kernel_world = {.sys = "/sys", .dev = "/dev", .open = real_open, .ioctl = real_ioctl};

/* The last component of where the link points; false where there is none. */
static bool link_name(const char *path, char *name, size_t size)
{
	char to[512];
	ssize_t n = readlink(path, to, sizeof to - 1);
	const char *last;

	if (n <= 0)
		return false;
	to[n] = '\0';
	last = strrchr(to, '/');
	last = last ? last + 1 : to;
	if (strlen(last) >= size)
		return false;
	strcpy(name, last);
	return true;
}

static bool is_vfio_driver(const char *name)
{
	return strstr(name, "vfio") != NULL;
}

static int check_driver(const char *device, const char *address, struct us_error *err)
{
	char path[600], driver[64] = "", unbind[400] = "";

	snprintf(path, sizeof path, "%s/driver", device);
	if (link_name(path, driver, sizeof driver) && is_vfio_driver(driver))
		return 0;
	if (driver[0])
		snprintf(unbind, sizeof unbind, " echo %s > %s/driver/unbind;", address, device);
	return us_fail(err, -EBUSY,
		       "%s is bound to %s%s, not to vfio-pci; as root: modprobe vfio-pci;%s echo vfio-pci > "
		       "%s/driver_override; echo %s > /sys/bus/pci/drivers_probe",
		       address, driver[0] ? "the driver " : "no driver", driver, unbind, device, address);
}

static int find_group(const char *device, const char *address, unsigned *group, struct us_error *err)
{
	char path[600], name[64], *end;

	snprintf(path, sizeof path, "%s/iommu_group", device);
	if (!link_name(path, name, sizeof name))
		return us_fail(err, -ENOTSUP,
			       "%s is in no IOMMU group: the IOMMU is off; turn it on in the firmware (VT-d or AMD-Vi) "
			       "and boot "
			       "with intel_iommu=on (AMD: amd_iommu=on) on the kernel's command line",
			       address);
	*group = (unsigned)strtoul(name, &end, 10);
	return *end ? us_fail(err, -EPROTO, "%s: '%s' is no IOMMU group number", path, name) : 0;
}

static int open_node(const struct us_kernel_world *world, const char *path, int *fd, struct us_error *err)
{
	*fd = world->open(path);
	if (*fd >= 0)
		return 0;
	switch (errno) {
	case EACCES:
	case EPERM:
		return us_fail(err, -EACCES, "no permission to open %s: be root, or as root: chown $USER %s", path,
			       path);
	case EBUSY:
		return us_fail(err, -EBUSY,
			       "%s is in use: another process (a virtual machine?) drives a function of this group",
			       path);
	case ENOENT:
	case ENODEV:
		return us_fail(err, -ENOENT, "there is no %s: VFIO is not loaded; as root: modprobe vfio-pci", path);
	default:
		return us_fail(err, -errno, "can not open %s: %s", path, strerror(errno));
	}
}

/* Names the functions that keep a group from being viable: those with a driver that is not VFIO's. */
static void name_others(const struct us_kernel_world *world, unsigned group, char *text, size_t size)
{
	char path[600], driver[64];
	struct dirent *entry;
	DIR *dir;
	size_t used = 0;

	text[0] = '\0';
	snprintf(path, sizeof path, "%s/kernel/iommu_groups/%u/devices", world->sys, group);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof path, "%s/bus/pci/devices/%.64s/driver", world->sys, entry->d_name);
		if (entry->d_name[0] == '.' || !link_name(path, driver, sizeof driver) || is_vfio_driver(driver) ||
		    !strcmp(driver, "pcieport") || !strcmp(driver, "pci-stub") || used >= size)
			continue;
		used += (size_t)snprintf(text + used, size - used, "%s%.64s (%s)", used ? ", " : "", entry->d_name,
					 driver);
	}
	if (dir)
		closedir(dir);
}

static int open_group(const struct us_kernel_world *world, struct us_kernel_fds *fds, struct us_error *err)
{
	struct vfio_group_status status = {.argsz = sizeof status};
	char path[600], others[256];
	int rc;

	snprintf(path, sizeof path, "%s/vfio/%u", world->dev, fds->group_number);
	if ((rc = open_node(world, path, &fds->group, err)))
		return rc;
	if (world->ioctl(fds->group, VFIO_GROUP_GET_STATUS, &status))
		return us_fail(err, -EPROTO, "%s is no VFIO group: %s", path, strerror(errno));
	if (status.flags & VFIO_GROUP_FLAGS_VIABLE)
		return 0;
	name_others(world, fds->group_number, others, sizeof others);
	return us_fail(err, -EBUSY,
		       "IOMMU group %u can not be used while other drivers have functions in it: bind these to "
		       "vfio-pci too, or "
		       "unbind them: %s",
		       fds->group_number, others[0] ? others : "(none found in sysfs)");
}

/* The container with the group in it, and its IOMMU: type 1, version 2, which unmaps exactly what was mapped. */
static int set_iommu(const struct us_kernel_world *world, struct us_kernel_fds *fds, struct us_error *err)
{
	if (world->ioctl(fds->container, VFIO_GET_API_VERSION, NULL) != VFIO_API_VERSION)
		return us_fail(err, -EPROTO, "%s/vfio/vfio does not speak VFIO's API version %d", world->dev,
			       VFIO_API_VERSION);
	if (world->ioctl(fds->container, VFIO_CHECK_EXTENSION, (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU) <= 0)
		return us_fail(err, -ENOTSUP,
			       "the kernel has no type 1 IOMMU for VFIO; as root: modprobe vfio_iommu_type1");
	if (world->ioctl(fds->group, VFIO_GROUP_SET_CONTAINER, &fds->container))
		return us_fail(err, -errno, "can not put IOMMU group %u into a container: %s", fds->group_number,
			       strerror(errno));
	if (!world->ioctl(fds->container, VFIO_SET_IOMMU, (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU))
		return 0;
	if (errno == EPERM)
		return us_fail(err, -EPERM,
			       "the kernel does not let IOMMU group %u go: its IOMMU can not remap interrupts; where "
			       "every function is "
			       "trusted, as root: modprobe vfio_iommu_type1 allow_unsafe_interrupts=1",
			       fds->group_number);
	return us_fail(err, -errno, "can not set up the IOMMU for group %u: %s", fds->group_number, strerror(errno));
}

static int open_all(const struct us_kernel_world *world, const char *address, struct us_kernel_fds *fds,
		    struct us_error *err)
{
	char device[300], path[300];
	int rc;

	snprintf(device, sizeof device, "%s/bus/pci/devices/%s", world->sys, address);
	if (access(device, F_OK))
		return us_fail(err, -ENODEV, "there is no PCI function %s on this machine: lspci -D lists them",
			       address);
	if ((rc = find_group(device, address, &fds->group_number, err)) || (rc = check_driver(device, address, err)))
		return rc;
	snprintf(path, sizeof path, "%s/vfio/vfio", world->dev);
	if ((rc = open_node(world, path, &fds->container, err)) || (rc = open_group(world, fds, err)) ||
	    (rc = set_iommu(world, fds, err)))
		return rc;
	snprintf(path, sizeof path, "%s", address);
	fds->device = world->ioctl(fds->group, VFIO_GROUP_GET_DEVICE_FD, path);
	if (fds->device < 0)
		return us_fail(err, -errno, "the kernel does not hand out %s: %s", address, strerror(errno));
	return 0;
}

int us_kernel_find(const struct us_kernel_world *world, const char *address, struct us_kernel_fds *fds,
		   struct us_error *err)
{
	char full[32];
	int rc;

	*fds = (struct us_kernel_fds){.container = -1, .group = -1, .device = -1};
	/* lspci leaves out domain 0 */
	snprintf(full, sizeof full, "%s%s", strchr(address, ':') == strrchr(address, ':') ? "0000:" : "", address);
	rc = open_all(world, full, fds, err);
	if (rc)
		us_kernel_fds_close(fds);
	return rc;
}

void us_kernel_fds_close(struct us_kernel_fds *fds)
{
	if (fds->device >= 0)
		close(fds->device);
	if (fds->group >= 0)
		close(fds->group);
	if (fds->container >= 0)
		close(fds->container);
	*fds = (struct us_kernel_fds){.container = -1, .group = -1, .device = -1};
}
