/* SPDX-License-Identifier: Apache-2.0 */
/* How kernel VFIO's device is found and opened; apart from the player, so that each way to fail can be tested. */
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

struct us_kernel_fds {
	int container, group, device; /* or -1 */
	unsigned group_number;
};

/*
 * From a PCI address to an open VFIO device in an IOMMU container of its own. Every failure has its sentence: what is
 * missing, and the command that helps. On failure nothing stays open.
 */
int us_kernel_find(const struct us_kernel_world *world, const char *address, struct us_kernel_fds *fds,
		   struct us_error *err);
void us_kernel_fds_close(struct us_kernel_fds *fds);

int us_kernel_open_in(const struct us_kernel_world *world, const char *address, struct us_function **fn,
		      struct us_error *err);

#endif
