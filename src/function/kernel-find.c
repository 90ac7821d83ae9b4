/* SPDX-License-Identifier: Apache-2.0 */
/* From a PCI address to the way by which VFIO hands it out (Linux, Documentation/driver-api/vfio.rst), and why not. */
#include "function/kernel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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

int us_kernel_open_node(const struct us_kernel_world *world, const char *path, int *fd, struct us_error *err)
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

int us_kernel_not_viable(const struct us_kernel_world *world, unsigned group, struct us_error *err)
{
	char others[256];

	name_others(world, group, others, sizeof others);
	return us_fail(err, -EBUSY,
		       "IOMMU group %u can not be used while other drivers have functions in it: bind these to "
		       "vfio-pci too, or unbind them: %s",
		       group, others[0] ? others : "(none is found in sysfs: then another process has the group open)");
}

/* -- which way -------------------------------------------------------------------------------------------------- */

const char *us_kernel_address(const char *target, const struct us_kernel_way **way)
{
	static const struct {
		const char *prefix;
		const struct us_kernel_way *way;
	} ways[] = {{"group:", &us_kernel_by_group}, {"iommufd:", &us_kernel_by_iommufd}};

	*way = NULL;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
		if (!strncmp(target, ways[i].prefix, strlen(ways[i].prefix))) {
			*way = ways[i].way;
			return target + strlen(ways[i].prefix);
		}
	return target;
}

/* Iommufd where it can be had; where this process may not, the group's node may be its own. */
static const struct us_kernel_way *choose(const struct us_kernel_world *world, const char *sysfs, unsigned group)
{
	char path[300];

	snprintf(path, sizeof path, "%s/vfio/%u", world->dev, group);
	if (us_kernel_may_iommufd(world, sysfs) || (us_kernel_has_iommufd(world, sysfs) && access(path, F_OK)))
		return &us_kernel_by_iommufd;
	return &us_kernel_by_group;
}

static int open_all(const struct us_kernel_world *world, const char *address, struct us_kernel_fds *fds,
		    struct us_error *err)
{
	char sysfs[300];
	int rc;

	snprintf(sysfs, sizeof sysfs, "%s/bus/pci/devices/%s", world->sys, address);
	if (access(sysfs, F_OK))
		return us_fail(err, -ENODEV, "there is no PCI function %s on this machine: lspci -D lists them",
			       address);
	if ((rc = find_group(sysfs, address, &fds->group_number, err)) || (rc = check_driver(sysfs, address, err)))
		return rc;
	if (!fds->way)
		fds->way = choose(world, sysfs, fds->group_number);
	return fds->way->open(world, sysfs, address, fds, err);
}

int us_kernel_find(const struct us_kernel_world *world, const char *target, struct us_kernel_fds *fds,
		   struct us_error *err)
{
	const char *address;
	char full[32];
	int rc;

	*fds = (struct us_kernel_fds){.iommu = -1, .group = -1, .device = -1};
	address = us_kernel_address(target, &fds->way);
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
	if (fds->iommu >= 0)
		close(fds->iommu);
	*fds = (struct us_kernel_fds){.iommu = -1, .group = -1, .device = -1};
}
