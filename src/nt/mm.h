/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory manager's files: MDLs (mm-mdl.c), mappings and pages of MDLs (mm-map.c), the device's memory space and
 * contiguous memory (mm-space.c). Stage code calls Windows' functions directly; the exports differ in that what a
 * driver gets so is the driver's own, and must be given back by it.
 */
#ifndef UNDERSTUDY_NT_MM_H
#define UNDERSTUDY_NT_MM_H

#include "nt/addresses.h"
#include "nt/gate.h"
#include "nt/ntdefs.h"
#include "nt/phys.h"
#include "nt/stage.h"

#define US_BARS 6

struct us_mm {
	struct us_addresses spaces; /* of MmMapIoSpace(): struct us_space */
	struct us_addresses contiguous; /* of MmAllocateContiguousMemory(): struct us_contiguous_piece */
	struct us_addresses pages; /* MDLs of MmAllocatePagesForMdl(): themselves */
	struct us_space *first_space;
	size_t nspaces, ncontiguous, npages; /* how many there are, of the driver's */
	size_t locked; /* MDLs that the driver has locked */
	uint64_t bar[US_BARS]; /* where the BARs last were; 0: there is none */
};

/* A mapping of memory space. */
struct us_space {
	struct us_space *next;
	uint8_t *at; /* page of it */
	uint64_t physical; /* of that page */
	size_t size; /* whole pages */
	uint64_t caller; /* the driver's call */
	enum { US_SPACE_BAR, US_SPACE_MEMORY } kind;
};

/*
 * MmProbeAndLockPages() for those who want to know: STATUS_ACCESS_VIOLATION where that would raise an exception, with
 * the MDL as it was.
 */
NTSTATUS us_nt_probe_and_lock(PMDL mdl, KPROCESSOR_MODE mode, LOCK_OPERATION operation);

/* The mapping that an address lies in, or NULL. */
struct us_space *us_nt_space_of(const void *at);

/* Forgets where the BARs were and looks in config space. */
void us_nt_mm_look_at_bars(void);

/* Pages that an MDL describes. */
static inline size_t us_mdl_pages(const MDL *mdl)
{
	return ((size_t)mdl->ByteOffset + mdl->ByteCount + US_NT_PAGE - 1) / US_NT_PAGE;
}

extern const struct us_export us_nt_mdl_exports[], us_nt_map_exports[];

#endif
