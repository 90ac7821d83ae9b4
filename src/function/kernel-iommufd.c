/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel VFIO by the function's own device node and iommufd: open the node, open /dev/iommu, bind the one to the other,
 * make an address space and attach the function to it (Linux, Documentation/driver-api/vfio.rst, "IOMMUFD and vfio cdev").
 */
#include "function/iommufd.h"
#include "function/kernel.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* The function's node under /dev, found by its name in sysfs; false: the kernel shows none. */
static bool find_node(const struct us_kernel_world *world, const char *sysfs, char *node, size_t size)
{
	struct dirent *entry;
	char path[600];
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof path, "%s/vfio-dev", sysfs);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		found = !strncmp(entry->d_name, "vfio", 4);
		if (found)
			snprintf(node, size, "%s/vfio/devices/%.64s", world->dev, entry->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

static bool nodes(const struct us_kernel_world *world, const char *sysfs, int how)
{
	char node[600], iommu[300];

	snprintf(iommu, sizeof iommu, "%s/iommu", world->dev);
	return find_node(world, sysfs, node, sizeof node) && !access(node, how) && !access(iommu, how);
}

bool us_kernel_has_iommufd(const struct us_kernel_world *world, const char *sysfs)
{
	return nodes(world, sysfs, F_OK);
}

bool us_kernel_may_iommufd(const struct us_kernel_world *world, const char *sysfs)
{
	return nodes(world, sysfs, R_OK | W_OK);
}

static int bind_device(const struct us_kernel_world *world, const char *node, struct us_kernel_fds *fds,
		       struct us_error *err)
{
	struct us_vfio_bind bind = {.argsz = sizeof bind, .iommufd = fds->iommu};

	if (!world->ioctl(fds->device, US_VFIO_BIND, &bind))
		return 0;
	switch (errno) {
	case EBUSY:
		return us_kernel_not_viable(world, fds->group_number, err);
	case EINVAL:
		return us_fail(err, -EBUSY, "%s is in use: another process (a virtual machine?) drives the function", node);
	case EPERM:
		return us_fail(err, -EPERM,
			       "the kernel does not let %s go: its IOMMU can not remap interrupts; where every function "
			       "is trusted, as root: modprobe iommufd allow_unsafe_interrupts=1",
			       node);
	default:
		return us_fail(err, -errno, "can not bind %s to %s/iommu: %s", node, world->dev, strerror(errno));
	}
}

static int attach(const struct us_kernel_world *world, const char *node, struct us_kernel_fds *fds,
		  struct us_error *err)
{
	struct us_iommu_alloc alloc = {.size = sizeof alloc};
	struct us_vfio_attach attach = {.argsz = sizeof attach};

	if (world->ioctl(fds->iommu, US_IOMMU_ALLOC, &alloc))
		return us_fail(err, -errno, "%s/iommu gives no address space: %s", world->dev, strerror(errno));
	fds->space = attach.space = alloc.space;
	if (world->ioctl(fds->device, US_VFIO_ATTACH, &attach))
		return us_fail(err, -errno, "can not give %s an address space of its own: %s", node, strerror(errno));
	return 0;
}

static int iommufd_open(const struct us_kernel_world *world, const char *sysfs, const char *address,
			struct us_kernel_fds *fds, struct us_error *err)
{
	char node[600], iommu[300];
	int rc;

	snprintf(iommu, sizeof iommu, "%s/iommu", world->dev);
	if (access(iommu, F_OK))
		return us_fail(err, -ENOENT,
			       "there is no %s: iommufd is not loaded (as root: modprobe iommufd), or not in this kernel "
			       "(CONFIG_IOMMUFD): group:%s does without",
			       iommu, address);
	if (!find_node(world, sysfs, node, sizeof node))
		return us_fail(err, -ENOENT,
			       "%s has no node under %s/vfio/devices: this kernel gives none (CONFIG_VFIO_DEVICE_CDEV): "
			       "group:%s does without",
			       address, world->dev, address);
	if ((rc = us_kernel_open_node(world, node, &fds->device, err)) ||
	    (rc = us_kernel_open_node(world, iommu, &fds->iommu, err)) || (rc = bind_device(world, node, fds, err)))
		return rc;
	return attach(world, node, fds, err);
}

static int iommufd_map(const struct us_kernel_world *world, const struct us_kernel_fds *fds, const struct us_mapping *m)
{
	struct us_iommu_map map = {
		.size = sizeof map,
		.flags = US_IOMMU_FIXED | (m->flags & US_FN_DMA_READ ? US_IOMMU_READ : 0) |
			 (m->flags & US_FN_DMA_WRITE ? US_IOMMU_WRITE : 0),
		.space = fds->space,
		.at = (uintptr_t)m->at,
		.length = m->size,
		.iova = m->iova,
	};

	return world->ioctl(fds->iommu, US_IOMMU_MAP, &map);
}

static int iommufd_unmap(const struct us_kernel_world *world, const struct us_kernel_fds *fds,
			 const struct us_mapping *m)
{
	struct us_iommu_unmap unmap = {.size = sizeof unmap, .space = fds->space, .iova = m->iova, .length = m->size};

	return world->ioctl(fds->iommu, US_IOMMU_UNMAP, &unmap);
}

const struct us_kernel_way us_kernel_by_iommufd = {.open = iommufd_open, .map = iommufd_map, .unmap = iommufd_unmap};
