/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between phys.c, which has the physical pages, and windows.c, which gives them addresses.
 *
 * A physical page is known by its number: its index in its half of the memory, and US_PAGE_HIGH for the half above 4
 * GiB.
 */
#ifndef UNDERSTUDY_NT_PHYS_PRIVATE_H
#define UNDERSTUDY_NT_PHYS_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nt/phys.h"

#define US_PAGE_HIGH (1u << 22)
#define US_PAGE_MASK ((1u << 23) - 1)
#define US_PAGE_NONE UINT32_MAX

/* The next page of the scattered ones, zeroed: not contiguous with `neighbour` (or US_PAGE_NONE). US_PAGE_NONE: no
 * more. */
uint32_t us_page_take(uint32_t neighbour);
void us_page_give(uint32_t page);
size_t us_pages_available(void);

uint8_t *us_page_linear(uint32_t page);
uint64_t us_page_physical(uint32_t page);
uint32_t us_page_of(uint64_t physical); /* US_PAGE_NONE: there is no memory */

/* The file that is this page's half of the memory; the page is `index` pages into it. */
int us_page_file(uint32_t page);
#define us_page_index(page) ((page) & (US_PAGE_HIGH - 1))

/* windows.c: a process's windows, empty; the windows of a run, at its beginning and end. 0 or a negative errno. */
int us_windows_open(void);
void us_windows_forget(void); /* the memory behind them goes: nothing stays mapped */
void us_windows_begin(void);
void us_windows_end(void);

/* Sees to it that so many pages are available, if need be from allocations that were freed. False: there are not. */
bool us_windows_spare(size_t pages);

#endif
