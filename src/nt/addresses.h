/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the stage knows about things that a driver has by their address: objects, IRPs. A table from address to record, so
 * that an address that was never handed out, or is dead already, is found out without reading the memory behind it.
 */
#ifndef UNDERSTUDY_NT_ADDRESSES_H
#define UNDERSTUDY_NT_ADDRESSES_H

#include <stddef.h>

struct us_addresses {
	struct us_address {
		const void *address;
		void *record;
	} *slots; /* us_nt_alloc()'s; a power of two of them */
	size_t size, used;
};

/* The address is not in the table yet. */
void us_addresses_add(struct us_addresses *table, const void *address, void *record);
void *us_addresses_find(const struct us_addresses *table, const void *address); /* NULL: not in it */
void us_addresses_remove(struct us_addresses *table, const void *address);

#endif
