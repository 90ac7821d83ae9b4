/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's memory: physical pages that the device reaches by DMA, and the stage's address space made of them.
 *
 * Half of the pages lie below 4 GiB, half above. Each window of the address space (enum us_window) is at a fixed
 * address, the same in each run and under each sanitizer, and is made of physical pages in a scattered order, so that
 * what is contiguous for the driver is not for the device. Which page is where depends on nothing but what the run
 * itself has allocated before.
 *
 * Physical memory is made once for a process, shared with the function of each run (us_fn_dma_share()) and wiped
 * between runs; a window's pages are second mappings of it. They stay from run to run, since two thousand runs a second
 * have no time to make them: a run that allocates what the one before did needs no system call for it. At most
 * US_NT_MAPPED pages are mapped at a time, because Linux allows a process 65530 mappings (vm.max_map_count), and each
 * scattered page is one.
 */
#ifndef UNDERSTUDY_NT_PHYS_H
#define UNDERSTUDY_NT_PHYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define US_NT_PAGE 4096u
#define US_NT_MAPPED 48000u

enum us_window {
	US_WINDOW_USER, /* buffers of applications */
	US_WINDOW_POOL, /* nonpaged and paged pool, objects of the kernel and framework */
	US_WINDOW_IMAGE, /* drivers */
	US_WINDOW_STACK, /* of threads */
	US_WINDOW_SYSTEM, /* second mappings of pages (MmMapLockedPages…) */
	US_WINDOWS,
};

/* The beginning of the address space that is the stage's; the windows lie behind one another from here. */
#define US_NT_BASE UINT64_C(0x200000000000)
#define US_NT_WINDOW_SIZE UINT64_C(0x1000000000) /* 64 GiB of addresses for each */

/* As on Windows, addresses below one are an application's, whether there is anything or not; the rest is the system's. */
#define US_NT_USER_END (US_NT_BASE + (US_WINDOW_USER + 1) * US_NT_WINDOW_SIZE)

/*
 * The memory of `config`'s size for the function us_nt->fn: 0, or a negative errno with a sentence. Of the process's
 * stages one at a time has it: -EBUSY.
 */
struct us_error;
int us_nt_phys_init(struct us_error *err);

/* The end of it: the function reaches it no more, and what the run has used is wiped for the next. Before fn is closed.
 */
void us_nt_phys_reset(void);

/*
 * Whole pages of a window, virtually contiguous, zeroed; NULL when there are no more. Between two allocations one page
 * stays unmapped, so that running over the end of one is a trap, and so is using one that was freed (but for stacks,
 * whose threads come and go). The windows begin 0x10000 bytes above their base.
 */
void *us_nt_pages(enum us_window window, size_t pages);
void us_nt_pages_free(void *at, size_t pages);

/*
 * Physically contiguous pages, whose last byte is not above `highest`, zeroed; in the system window. The highest that
 * will do are taken, above 4 GiB where that is allowed. NULL: none.
 */
void *us_nt_contiguous(size_t pages, uint64_t highest, uint64_t *physical);
void us_nt_contiguous_free(void *at, size_t pages);

/* The same with all that can be asked for. */
struct us_contiguous {
	uint64_t lowest, highest; /* of its bytes */
	uint64_t boundary; /* it crosses no multiple of this; 0: any will do */
};
void *us_nt_contiguous_within(size_t pages, const struct us_contiguous *want, uint64_t *physical);

/*
 * Single pages without an address, zeroed, scattered like those of windows: their page frame numbers (physical address
 * / page size). UINT64_MAX: none; a half of the memory serves when all of it lies within the limits.
 */
uint64_t us_nt_page(uint64_t lowest, uint64_t highest);
void us_nt_page_free(uint64_t frame);

/* The physical address behind an address of the stage; UINT64_MAX where there is none. */
uint64_t us_nt_physical(const void *at);

/* The linear mapping of a physical address of memory: the same bytes. NULL where there is no memory. */
void *us_nt_linear(uint64_t physical);

/*
 * Maps given pages of memory, by their page frame numbers, one behind the other in a window, the system's or the
 * user's, and takes that back: then they are a trap. NULL: no addresses left, or a number is not one of memory.
 */
void *us_nt_map_physical(enum us_window window, const uint64_t *frames, size_t pages);
void *us_nt_map_contiguous(uint64_t physical, size_t pages); /* in the system window, pages that are contiguous */
void us_nt_unmap_physical(void *at, size_t pages);

/* Protection of whole pages of one allocation, which can always be read: the loader's. 0 or a negative errno. */
int us_nt_protect(void *at, size_t pages, bool write, bool execute);
/* The same pages can not even be read any more, and do not count as mapped; they stay the allocation's. */
void us_nt_conceal(void *at, size_t pages);

/* How many pages the allocation has that begins at an address; 0: none does. */
size_t us_nt_allocation(const void *at);

/* Which window an address lies in, or -1; whether `size` bytes from there are allocated; and may be written. */
int us_nt_window(const void *at);
bool us_nt_is_mapped(const void *at, size_t size);
bool us_nt_is_writable(const void *at, size_t size);

/*
 * The pool: pieces of US_WINDOW_POOL, aligned to 16 bytes (a page or more: to the page). Contents are not zeroed but
 * filled with 0xa5, those of freed pieces with 0x5a; a freed piece is used again as late as possible. NULL when memory
 * is out. The tag says what it is for ('dcba' is abcd in reports, as on Windows).
 *
 * Behind each piece lie bytes that nobody may write. Freeing one that was overrun, that is free already, or that is
 * none ends the run with a bugcheck ("pool.overrun", "pool.double-free", "pool.bad-address"), and so does using one
 * again that was written to while it was free ("pool.use-after-free"). With address sanitizer all these bytes are
 * poisoned as well.
 */
void *us_nt_pool_alloc(size_t size, uint32_t tag);
void us_nt_pool_free(void *at);

/* Of a piece that is not free; its beginning must be given. */
size_t us_nt_pool_size(const void *at); /* bytes asked for */
uint32_t us_nt_pool_tag(const void *at);

/* The beginning of the piece that an address lies in, if that is not free; else NULL. */
const void *us_nt_pool_around(const void *at);

/* What an address in the pool is, for a sentence: "4 bytes behind the end of a piece of pool with tag 'abcd' and 20 bytes". */
void us_nt_pool_say(char *text, size_t size, const void *at);

/* Whether an address is the beginning of a piece that is not free. */
bool us_nt_pool_is(const void *at);

/*
 * Makes a piece the driver's own, allocated at code address `caller`: what it has not freed at its unload is reported
 * (us_nt_pool_leaks(), kernel.h). All others are the stage's.
 */
void us_nt_pool_give(void *at, uint64_t caller);
bool us_nt_pool_is_drivers(const void *at);

/* The driver's pieces and their bytes. */
void us_nt_pool_count(size_t *pieces, size_t *bytes);

/* From now on no piece, whoever's it is, may be freed with these bytes in it. false: there are none, or over 64 of
 * them. */
bool us_nt_pool_secret(const void *bytes, size_t size);

/* Looks whether any piece was overrun or written to while free, as freeing and using it again would: for a run's end.
 */
void us_nt_pool_check(void);

#endif
