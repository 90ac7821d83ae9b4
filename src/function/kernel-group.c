/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel VFIO by IOMMU group and container (linux/vfio.h): the way that every kernel with VFIO has. */
#include "function/kernel.h"

#include <errno.h>
#include <linux/vfio.h>
#include <string.h>

static int open_group(const struct us_kernel_world *world, struct us_kernel_fds *fds, struct us_error *err)
{
	struct vfio_group_status status = {.argsz = sizeof status};
	char path[600];
	int rc;

	snprintf(path, sizeof path, "%s/vfio/%u", world->dev, fds->group_number);
	if ((rc = us_kernel_open_node(world, path, &fds->group, err)))
		return rc;
	if (world->ioctl(fds->group, VFIO_GROUP_GET_STATUS, &status))
		return us_fail(err, -EPROTO, "%s is no VFIO group: %s", path, strerror(errno));
	return status.flags & VFIO_GROUP_FLAGS_VIABLE ? 0 : us_kernel_not_viable(world, fds->group_number, err);
}

/* The container with the group in it, and its IOMMU: type 1, version 2, which unmaps exactly what was mapped. */
static int set_iommu(const struct us_kernel_world *world, struct us_kernel_fds *fds, struct us_error *err)
{
	if (world->ioctl(fds->iommu, VFIO_GET_API_VERSION, NULL) != VFIO_API_VERSION)
		return us_fail(err, -EPROTO, "%s/vfio/vfio does not speak VFIO's API version %d", world->dev,
			       VFIO_API_VERSION);
	if (world->ioctl(fds->iommu, VFIO_CHECK_EXTENSION, (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU) <= 0)
		return us_fail(err, -ENOTSUP,
			       "the kernel has no type 1 IOMMU for VFIO; as root: modprobe vfio_iommu_type1");
	if (world->ioctl(fds->group, VFIO_GROUP_SET_CONTAINER, &fds->iommu))
		return us_fail(err, -errno, "can not put IOMMU group %u into a container: %s", fds->group_number,
			       strerror(errno));
	if (!world->ioctl(fds->iommu, VFIO_SET_IOMMU, (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU))
		return 0;
	if (errno == EPERM)
		return us_fail(err, -EPERM,
			       "the kernel does not let IOMMU group %u go: its IOMMU can not remap interrupts; where "
			       "every function is trusted, as root: modprobe vfio_iommu_type1 allow_unsafe_interrupts=1",
			       fds->group_number);
	return us_fail(err, -errno, "can not set up the IOMMU for group %u: %s", fds->group_number, strerror(errno));
}

static int group_open(const struct us_kernel_world *world, const char *sysfs, const char *address,
		      struct us_kernel_fds *fds, struct us_error *err)
{
	char path[300];
	int rc;

	(void)sysfs;
	snprintf(path, sizeof path, "%s/vfio/vfio", world->dev);
	if ((rc = us_kernel_open_node(world, path, &fds->iommu, err)) || (rc = open_group(world, fds, err)) ||
	    (rc = set_iommu(world, fds, err)))
		return rc;
	snprintf(path, sizeof path, "%s", address);
	fds->device = world->ioctl(fds->group, VFIO_GROUP_GET_DEVICE_FD, path);
	return fds->device < 0
		       ? us_fail(err, -errno, "the kernel does not hand out %s: %s", address, strerror(errno))
		       : 0;
}

static int group_map(const struct us_kernel_world *world, const struct us_kernel_fds *fds, const struct us_mapping *m)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof map,
		.flags = (m->flags & US_FN_DMA_READ ? VFIO_DMA_MAP_FLAG_READ : 0) |
			 (m->flags & US_FN_DMA_WRITE ? VFIO_DMA_MAP_FLAG_WRITE : 0),
		.vaddr = (uintptr_t)m->at,
		.iova = m->iova,
		.size = m->size,
	};

	return world->ioctl(fds->iommu, VFIO_IOMMU_MAP_DMA, &map);
}

static int group_unmap(const struct us_kernel_world *world, const struct us_kernel_fds *fds,
		       const struct us_mapping *m)
{
	struct vfio_iommu_type1_dma_unmap unmap = {.argsz = sizeof unmap, .iova = m->iova, .size = m->size};

	return world->ioctl(fds->iommu, VFIO_IOMMU_UNMAP_DMA, &unmap);
}

const struct us_kernel_way us_kernel_by_group = {.open = group_open, .map = group_map, .unmap = group_unmap};
