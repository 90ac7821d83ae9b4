/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drive a function: a PCI function as software sees it, whoever plays it.
 *
 * A target string says who does:
 *
 *     "model"           the model, in this process, in virtual time
 *     "/run/x.sock"     a vfio-user server (any path with a slash)
 *     "0000:03:00.0"    a function on this machine's PCI bus, bound to vfio-pci (kernel VFIO)
 *
 * The kernel hands out the last in two ways: by IOMMU group and container, or, where it has that (Linux 6.6 and later,
 * built with it), by a node of the function's own and iommufd. The second is taken where it is there and this process
 * may open its nodes; "group:0000:03:00.0" and "iommufd:0000:03:00.0" say which.
 *
 * A program written against this header runs unchanged on all three. All functions return 0 or a negative errno unless
 * they say otherwise; us_fn_error() has the sentence. What a target can not do it refuses with -ENOTSUP. -EINVAL is a
 * mistake of the caller, found before the function was touched. Once the other side is gone every call gives -EIO.
 * Threads: one thread at a time for each us_function; different functions are independent.
 */
#ifndef UNDERSTUDY_FUNCTION_H
#define UNDERSTUDY_FUNCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <understudy/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct us_function; /* opaque */

/* Regions, numbered as VFIO does. */
enum us_region {
	US_REGION_BAR0 = 0, /* … US_REGION_BAR0 + 5 */
	US_REGION_ROM = 6,
	US_REGION_CONFIG = 7,
	US_REGION_VGA = 8,
	US_REGIONS = 9,
};

enum us_region_flags {
	US_REGION_READ = 1 << 0,
	US_REGION_WRITE = 1 << 1,
	US_REGION_MAP = 1 << 2, /* at least a part can be mapped: us_fn_map_region() */
	US_REGION_IO = 1 << 3, /* an I/O-port BAR */
	US_REGION_MEM64 = 1 << 4,
	US_REGION_PREFETCHABLE = 1 << 5,
};

/* Interrupt kinds, numbered as VFIO does. */
enum us_irq_kind { US_INTX, US_MSI, US_MSIX, US_IRQ_KIND_COUNT };

struct us_function_info {
	uint16_t vendor_id, device_id, subsystem_vendor_id, subsystem_id;
	uint32_t class_code; /* base << 16 | sub << 8 | programming interface */
	uint8_t revision;
	struct {
		uint64_t size; /* bytes; 0: not there */
		uint32_t flags; /* enum us_region_flags */
	} region[US_REGIONS];
	uint32_t irqs[US_IRQ_KIND_COUNT]; /* lines or messages that the function has */
	bool can_reset; /* us_fn_reset() works */
	bool virtual_time; /* us_fn_now() moves only in us_fn_irq_wait() and us_fn_sleep() */
};

/*
 * For time limits: wait until it happens. In virtual time, where it is known that nothing will, such a wait gives up
 * at once.
 */
#define US_FOREVER UINT64_MAX

/*
 * Opens the target. `model` names the device to play when the target is "model" (a name or a path to a shared object,
 * as for `understudy serve`) and is not used else; NULL will do then. The caller owns *fn.
 *
 * The function is then as an operating system hands it to a driver, on every target: freshly reset, in D0, its BARs
 * assigned, memory and I/O space enabled where it has such BARs, bus master off, no interrupts enabled, no memory
 * reachable.
 */
int us_fn_open(const char *target, const char *model, struct us_function **fn, struct us_error *err);
void us_fn_close(struct us_function *fn); /* NULL is fine */

/* Why the last call that failed did. Never NULL; good until the next call on this function. */
const char *us_fn_error(const struct us_function *fn);

/* Good until us_fn_close(). */
const struct us_function_info *us_fn_info(const struct us_function *fn);

/* A line per device log entry goes to `stream`, NULL: off. -ENOTSUP but for a model: the others log where they run. */
int us_fn_trace(struct us_function *fn, FILE *stream);

/* -- access ----------------------------------------------------------------------------------------------------- */

/*
 * Any region, config space included; width 1, 2, 4 or 8 bytes, naturally aligned, little-endian. Writes to a BAR may be
 * posted, as on the bus: a read of the same function, or an interrupt of it, comes after them.
 */
int us_fn_read(struct us_function *fn, enum us_region region, uint64_t offset, unsigned width, uint64_t *value);
int us_fn_write(struct us_function *fn, enum us_region region, uint64_t offset, unsigned width, uint64_t value);

/*
 * For registers whose access can not fail unless the function is gone: 32 bits of BAR or config space; all ones on
 * failure.
 */
uint32_t us_fn_read32(struct us_function *fn, enum us_region region, uint64_t offset);
void us_fn_write32(struct us_function *fn, enum us_region region, uint64_t offset, uint32_t value);

/*
 * Maps part of a region into this process, offset and length multiples of 4096; -ENODEV where it can only be accessed.
 * Read-only where the region is. Unmapped by us_fn_close(); the same part is mapped once, however often it is asked for.
 */
int us_fn_map_region(struct us_function *fn, enum us_region region, uint64_t offset, size_t length, void **at);

/*
 * Config space offset of a capability (its ID: 1 power management, 5 MSI, 0x10 Express, 0x11 MSI-X, …), found by
 * walking the list (PCI 3.0, 6.7); -ENOENT: there is none.
 */
int us_fn_capability(struct us_function *fn, uint8_t id);

/* -- interrupts ------------------------------------------------------------------------------------------------- */

/*
 * Enables `count` interrupts of a kind, the way an operating system would; one kind at a time (-EBUSY: disable it
 * first). With MSI exactly `count` messages are granted. -EINVAL: more than the function has, for MSI not a power of
 * two, for INTx not 1. To have messages sent the bus-master bit must be on; nobody turns it on but you.
 */
int us_fn_irq_enable(struct us_function *fn, enum us_irq_kind kind, unsigned count);
int us_fn_irq_disable(struct us_function *fn, enum us_irq_kind kind); /* not enabled is fine */

/*
 * Masks or unmasks one. INTx masks itself when it is delivered (VFIO's automask); unmask it to have the level looked at
 * again. A message that comes while masked is held and delivered, once, on unmask; -ENOTSUP where the function (MSI
 * without per-vector masking) or the target has no way to mask it.
 */
int us_fn_irq_mask(struct us_function *fn, enum us_irq_kind kind, unsigned n);
int us_fn_irq_unmask(struct us_function *fn, enum us_irq_kind kind, unsigned n);

/*
 * Waits up to `timeout` ns for interrupt `n`; 1: it came (since enabled or last waited for; *count, unless NULL, is
 * how many times), 0: it did not. In virtual time a wait ends at the moment of the interrupt, or at its limit.
 */
int us_fn_irq_wait(struct us_function *fn, enum us_irq_kind kind, unsigned n, uint64_t timeout, uint64_t *count);

/* The same for whichever comes of those enabled, the lowest number first; *n is which. */
int us_fn_irq_wait_any(struct us_function *fn, uint64_t timeout, unsigned *n, uint64_t *count);

/* -- DMA -------------------------------------------------------------------------------------------------------- */

enum us_fn_dma_flags { US_FN_DMA_READ = 1, US_FN_DMA_WRITE = 2 }; /* what the device may do */

/*
 * Memory of its own that the device can reach at `iova`, both multiples of 4096. Zeroed. *at is good until unmapped.
 * -EEXIST: something is mapped there already.
 */
int us_fn_dma_alloc(struct us_function *fn, uint64_t iova, size_t size, int flags, void **at);

/*
 * Lets the device reach the caller's memory, all multiples of 4096; the caller keeps it mapped until
 * us_fn_dma_unmap(). Memory from us_fn_dma_alloc() may be mapped again elsewhere (and stays until its last mapping
 * goes). Over a socket the device reaches other memory by messages, which is slow.
 */
int us_fn_dma_map(struct us_function *fn, void *at, uint64_t iova, size_t size, int flags);

/*
 * The same for memory at which the caller has mapped the file `fd` (a memfd, …) from its beginning: over a socket the
 * device reaches that directly too. The descriptor stays the caller's, and open until us_fn_dma_unmap().
 */
int us_fn_dma_share(struct us_function *fn, void *at, int fd, uint64_t iova, size_t size, int flags);

/*
 * Takes all mappings inside the range back; when it returns the device reaches none of it. Frees what us_fn_dma_alloc()
 * made. A range without any is fine; -EINVAL: it would cut one in two.
 */
int us_fn_dma_unmap(struct us_function *fn, uint64_t iova, size_t size);

/* -- life ------------------------------------------------------------------------------------------------------- */

/*
 * Function level reset, or the best the target has; -ENOTSUP with none. Interrupts are disabled by it, DMA mappings
 * stay, and the function is as us_fn_open() left it.
 */
int us_fn_reset(struct us_function *fn);

/* Nanoseconds since some fixed point. Virtual time stands still but for us_fn_irq_wait() and us_fn_sleep(). */
uint64_t us_fn_now(struct us_function *fn);
void us_fn_sleep(struct us_function *fn, uint64_t ns);

#ifdef __cplusplus
}
#endif

#endif
