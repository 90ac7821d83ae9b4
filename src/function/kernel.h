/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How kernel VFIO's device is found and opened, and memory given to it; apart from the player, so that each way to fail
 * can be tested. There are two ways, and the player does not know which it is on: by IOMMU group and container, which
 * every kernel with VFIO has, and by the device's own node and iommufd (Linux 6.6 and later, where it was built in).
 */
#ifndef UNDERSTUDY_FUNCTION_KERNEL_H
#define UNDERSTUDY_FUNCTION_KERNEL_H

#include "function/player.h"

/* The kernel as the player sees it. Tests give one of their own. */
struct us_kernel_world {
	const char *sys, *dev; /* "/sys", "/dev" */
	int (*open)(const char *path); /* for reading and writing; as open(2) */
	int (*ioctl)(int fd, unsigned long request, void *argument); /* as ioctl(2) */
};

extern const struct us_kernel_world us_kernel_world;

struct us_kernel_way;

struct us_kernel_fds {
	const struct us_kernel_way *way;
	int iommu, group, device; /* or -1; iommu: the container, or the iommufd */
	unsigned group_number;
	uint32_t space; /* by iommufd: the number of the address space */
};

struct us_kernel_way {
	/*
	 * From `sysfs`, the folder of the function `address`, whose group number is in *fds, to an open device whose DMA
	 * goes through an IOMMU of its own. Negative with a sentence; what is open then the caller closes.
	 */
	int (*open)(const struct us_kernel_world *world, const char *sysfs, const char *address,
		    struct us_kernel_fds *fds, struct us_error *err);

	/* 0, or -1 with errno. A range is unmapped as it was mapped. */
	int (*map)(const struct us_kernel_world *world, const struct us_kernel_fds *fds, const struct us_mapping *m);
	int (*unmap)(const struct us_kernel_world *world, const struct us_kernel_fds *fds, const struct us_mapping *m);
};

extern const struct us_kernel_way us_kernel_by_group; /* kernel-group.c */
extern const struct us_kernel_way us_kernel_by_iommufd; /* kernel-iommufd.c */

/* Does the kernel show the function by a device node, and has it iommufd? May this process open both? */
bool us_kernel_has_iommufd(const struct us_kernel_world *world, const char *sysfs);
bool us_kernel_may_iommufd(const struct us_kernel_world *world, const char *sysfs);

/* Opens a node of VFIO's; the sentence says what is missing and the command that helps. */
int us_kernel_open_node(const struct us_kernel_world *world, const char *path, int *fd, struct us_error *err);

/* The same sentence for both ways: other drivers have functions in the group, and which. Returns -EBUSY. */
int us_kernel_not_viable(const struct us_kernel_world *world, unsigned group, struct us_error *err);

/*
 * From a PCI address to an open VFIO device behind an IOMMU of its own. "group:" or "iommufd:" before the address says
 * which way; without, it is iommufd where the kernel has it and lets this process. Every failure has its sentence. On
 * failure nothing stays open.
 */
int us_kernel_find(const struct us_kernel_world *world, const char *target, struct us_kernel_fds *fds,
		   struct us_error *err);
void us_kernel_fds_close(struct us_kernel_fds *fds);

int us_kernel_open_in(const struct us_kernel_world *world, const char *address, struct us_function **fn,
		      struct us_error *err);

/* The address behind "group:" or "iommufd:", or all of the target; *way becomes which, NULL when it says neither. */
const char *us_kernel_address(const char *target, const struct us_kernel_way **way);

#endif
