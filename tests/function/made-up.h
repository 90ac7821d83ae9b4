/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kernel that is made up, for the kernel VFIO player: a sysfs tree in a temporary folder, and an ioctl that answers as
 * told. The "device" is a file whose bytes are its regions. Here every way to fail can be had, and every call be looked
 * at.
 */
#ifndef TESTS_FUNCTION_MADE_UP_H
#define TESTS_FUNCTION_MADE_UP_H

#include "body.h"
#include "function/iommufd.h"
#include "function/kernel.h"

#define ADDRESS "0000:03:00.0"
#define CONFIG_AT 0x10000 /* regions in the device's file */
#define BAR0_AT 0x20000
#define BAR1_AT 0x30000
#define DEVICE_NUMBER 41 /* in the iommufd */
#define SPACE_NUMBER 77 /* of the address space there */

/* What the made-up kernel does, and what it was asked. */
struct made_up {
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

	/* by iommufd */
	unsigned asked[4], nasked; /* bind, alloc, attach, in the order in which they came, by their last byte */
	struct us_iommu_map iommu_map;
	struct us_iommu_unmap iommu_unmap;
	int bound; /* descriptor of the iommufd that the device was bound to */
};

extern struct made_up kernel;
extern char sys[64], dev[64]; /* its /sys and /dev */
extern const struct us_kernel_world world;

/* Makes its folders, and removes them; false: that could not be. */
bool made_up_begin(void);
void made_up_end(void);

/* cmocka's set-up and tear-down: a machine with the function at ADDRESS, bound to vfio-pci, in IOMMU group 12. */
int machine(void **state);
int machine_off(void **state);

/* The kernel has iommufd, and gives the function a node. */
void give_iommufd(void);

/* A link in its /sys, `format` with `sys` and `name`; `to` NULL: none. And an empty file under its /dev. */
void make_link(const char *to, const char *format, const char *name);
void make_file(const char *path);
void remove_node(const char *path);

struct us_function *open_it(const char *target);

/* The open fails so, with these words, and leaves nothing open. */
void refused(const char *target, int code, const char *words, const char *more);

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, machine, machine_off)

#endif
