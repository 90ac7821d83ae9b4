/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's interface to iommufd and to VFIO's device nodes (Linux 6.6 and later, <linux/iommufd.h> and
 * <linux/vfio.h>; Documentation/userspace-api/iommufd.rst), by names of ours: headers of an older system lack it.
 */
#ifndef UNDERSTUDY_FUNCTION_IOMMUFD_H
#define UNDERSTUDY_FUNCTION_IOMMUFD_H

#include <linux/ioctl.h>
#include <linux/vfio.h>
#include <stdint.h>

/* On a device node (/dev/vfio/devices/vfioN): gives the device to an iommufd. It does nothing before. */
#define US_VFIO_BIND _IO(VFIO_TYPE, VFIO_BASE + 18)
struct us_vfio_bind {
	uint32_t argsz, flags; /* flags: 0 */
	int32_t iommufd;
	uint32_t device; /* out: the device's number in the iommufd */
};

/* On a device node that is bound: its DMA goes through this address space. */
#define US_VFIO_ATTACH _IO(VFIO_TYPE, VFIO_BASE + 19)
struct us_vfio_attach {
	uint32_t argsz, flags; /* flags: 0 */
	uint32_t space; /* in: an address space; out: the page table that the kernel made of it */
};

/* On /dev/iommu; every struct begins with its own size. */
#define US_IOMMU_ALLOC _IO(';', 0x81)
struct us_iommu_alloc {
	uint32_t size, flags; /* flags: 0 */
	uint32_t space; /* out: the number of a new, empty address space */
};

#define US_IOMMU_MAP _IO(';', 0x85)
enum { US_IOMMU_FIXED = 1, US_IOMMU_WRITE = 2, US_IOMMU_READ = 4 }; /* at this iova; what the device may do */
struct us_iommu_map {
	uint32_t size, flags;
	uint32_t space, reserved;
	uint64_t at, length, iova; /* this process's memory; bytes; device address */
};

#define US_IOMMU_UNMAP _IO(';', 0x86)
struct us_iommu_unmap {
	uint32_t size, space;
	uint64_t iova, length; /* length: out, the bytes that were unmapped */
};

#endif
