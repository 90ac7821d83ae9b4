/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing, linear probing, at most half full. Nothing depends on the order of slots. */
#include "nt/addresses.h"

#include <stdint.h>

#include "nt/stage.h"

static size_t home(const struct us_addresses *table, const void *address)
{
	uint64_t mixed = (uint64_t)(uintptr_t)address * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(mixed >> 32) & (table->size - 1);
}

static void put(struct us_addresses *table, const void *address, void *record)
{
	size_t at = home(table, address);

	while (table->slots[at].address)
		at = (at + 1) & (table->size - 1);
	table->slots[at] = (struct us_address){address, record};
}

static void grow(struct us_addresses *table)
{
	struct us_addresses larger = {.size = table->size ? table->size * 2 : 64, .used = table->used};

	larger.slots = us_nt_alloc(larger.size * sizeof(*larger.slots));
	for (size_t i = 0; i < table->size; i++)
		if (table->slots[i].address)
			put(&larger, table->slots[i].address, table->slots[i].record);
	us_nt_free(table->slots);
	*table = larger;
}

void us_addresses_add(struct us_addresses *table, const void *address, void *record)
{
	if (table->used * 2 >= table->size)
		grow(table);
	put(table, address, record);
	table->used++;
}

void *us_addresses_find(const struct us_addresses *table, const void *address)
{
	if (!table->size || !address)
		return NULL;
	for (size_t at = home(table, address); table->slots[at].address; at = (at + 1) & (table->size - 1))
		if (table->slots[at].address == address)
			return table->slots[at].record;
	return NULL;
}

void us_addresses_remove(struct us_addresses *table, const void *address)
{
	size_t mask = table->size - 1, hole;

	if (!us_addresses_find(table, address))
		return;
	for (hole = home(table, address); table->slots[hole].address != address;)
		hole = (hole + 1) & mask;
	/* Move back what would not be found over the hole. */
	for (size_t at = (hole + 1) & mask; table->slots[at].address; at = (at + 1) & mask) {
		size_t from = home(table, table->slots[at].address);

		if (((at - from) & mask) >= ((at - hole) & mask)) {
			table->slots[hole] = table->slots[at];
			hole = at;
		}
	}
	table->slots[hole] = (struct us_address){0};
	table->used--;
}
