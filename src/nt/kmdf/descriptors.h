/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the framework's lists of resources consist of: rows of descriptors, of granted resources (resources.c) or of
 * required ones (requirements.c). What a driver looks at is a copy, as in Windows: it changes a list by the list's
 * functions.
 */
#ifndef UNDERSTUDY_NT_KMDF_DESCRIPTORS_H
#define UNDERSTUDY_NT_KMDF_DESCRIPTORS_H

#include "nt/kmdf/kmdf.h"

struct us_wdf_descriptors {
	size_t size; /* of a descriptor */
	ULONG count, room;
	uint8_t **rows; /* each in the pool: the descriptor, and the copy that the driver sees */
	bool changed;
};

/* Before `index` (count: at the end), a copy. False: no memory. */
bool us_wdf_descriptors_insert(struct us_wdf_descriptors *d, ULONG index, const void *descriptor);
void us_wdf_descriptors_remove(struct us_wdf_descriptors *d, ULONG index);
void us_wdf_descriptors_free(struct us_wdf_descriptors *d);

const void *us_wdf_descriptors_at(const struct us_wdf_descriptors *d, ULONG index);
void *us_wdf_descriptors_shown(const struct us_wdf_descriptors *d,
			       ULONG index); /* for the driver; NULL: past the end */
ULONG us_wdf_descriptors_find(const struct us_wdf_descriptors *d, const void *shown); /* its index; count: none */

/* A bugcheck for an index that is not below `limit`. */
void us_wdf_descriptors_check(ULONG index, ULONG limit, const void *list, const char *function);

#endif
