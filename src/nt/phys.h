/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's memory: physical pages that the device reaches by DMA, and the stage's address space made of them.
 *
 * Half of the pages lie below 4 GiB, half above. Each window of the address space (enum us_window) is at a fixed address, the
 * same in each run and under each sanitizer, and is made of physical pages in a scattered order, so that what is contiguous
 * for the driver is not for the device. Windows are made once for a process and wiped between runs, since two thousand runs
 * a second have no time for it.
 *
 * Physical memory is two blocks of us_fn_dma_alloc(); a window's pages are second mappings of the same memory.
 */
#ifndef UNDERSTUDY_NT_PHYS_H
#define UNDERSTUDY_NT_PHYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define US_NT_PAGE 4096u

enum us_window {
	US_WINDOW_POOL, /* nonpaged and paged pool, objects of the kernel and framework */
	US_WINDOW_IMAGE, /* drivers */
	US_WINDOW_STACK, /* of threads */
	US_WINDOW_USER, /* buffers of applications */
	US_WINDOW_SYSTEM, /* second mappings of pages (MmMapLockedPages…) */
	US_WINDOWS,
};

/* The beginning of the address space that is the stage's; the windows lie behind one another from here. */
#define US_NT_BASE UINT64_C(0x200000000000)
#define US_NT_WINDOW_SIZE UINT64_C(0x1000000000) /* 64 GiB of addresses for each */

/* The memory of `config`'s size for the function us_nt->fn: 0, or a negative errno with a sentence. */
struct us_error;
int us_nt_phys_init(struct us_error *err);

/*
 * Whole pages of a window, virtually contiguous, zeroed; NULL when there are no more. Between two allocations one page stays
 * unmapped, so that running over the end of one is a trap. The user window begins above 0x10000 bytes of its base.
 */
void *us_nt_pages(enum us_window window, size_t pages);
void us_nt_pages_free(void *at, size_t pages);

/* Physically contiguous pages, whose last byte is not above `highest`, zeroed; at an address of their own. NULL: none. */
void *us_nt_contiguous(size_t pages, uint64_t highest, uint64_t *physical);
void us_nt_contiguous_free(void *at, size_t pages);

/* The physical address behind an address of the stage; UINT64_MAX where there is none. */
uint64_t us_nt_physical(const void *at);

/* The linear mapping of a physical address of memory: the same bytes. NULL where there is no memory. */
void *us_nt_linear(uint64_t physical);

/* Maps given physical pages contiguously in the system window, and takes that back. NULL: no addresses left. */
void *us_nt_map_physical(const uint64_t *physical, size_t pages);
void us_nt_unmap_physical(void *at, size_t pages);

/* Protection of whole pages: the loader's. */
int us_nt_protect(void *at, size_t pages, bool write, bool execute);

/* Which window an address lies in, or -1; and whether `size` bytes from there are allocated. */
int us_nt_window(const void *at);
bool us_nt_is_mapped(const void *at, size_t size);

/* Wipes what a run has used, for the next. */
void us_nt_phys_reset(void);

/*
 * The pool: small pieces of US_WINDOW_POOL, aligned to 16 bytes (a page or more: to the page). Contents are not zeroed but
 * filled with 0xa5, freed pieces with 0x5a. NULL when memory is out, or when the run wants this call to fail. The tag says
 * who it is for; what a driver has not freed at its unload is reported by it.
 */
void *us_nt_pool_alloc(size_t size, uint32_t tag);
void us_nt_pool_free(void *at);
size_t us_nt_pool_size(const void *at); /* bytes asked for */

#endif
