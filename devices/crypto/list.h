/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of memory fragments (crypto.rdl, LISTS): how a command is told where its data lies, and how the model walks
 * through that data. Errors are those of the register ERROR (CRYPTO_ERROR_CODE_…), NONE when all is well.
 */
#ifndef DEVICES_CRYPTO_LIST_H
#define DEVICES_CRYPTO_LIST_H

#include <understudy/device.h>

#define CRYPTO_LIST_ENTRIES 8192 /* LIMITS.LIST_ENTRIES */

struct crypto_fragment {
	uint64_t address;
	uint32_t length;
	uint32_t reserved; /* as fetched; 0 in a list that was checked */
};

struct crypto_list {
	bool in_window; /* the entries were copied from a window when the command was started */
	uint64_t address; /* of the first entry: a device address, or an offset in BAR0 */
	uint32_t entries; /* as the software counts them */
	uint32_t count; /* fragments after crypto_list_load(): neighbours are merged */
	struct crypto_fragment fragments[CRYPTO_LIST_ENTRIES];
};

/*
 * Fetches the entries, unless they came from a window, and checks them: all of them are valid and their lengths add up
 * to `total`. On failure *fault is the address that the error is about, or 0.
 */
uint8_t crypto_list_load(struct us_device *dev, struct crypto_list *list, uint64_t total, uint64_t *fault);

/* A place in the data of a loaded list. Zeroed but for the list, it is the beginning. */
struct crypto_cursor {
	const struct crypto_list *list;
	uint32_t fragment, offset;
};

/* The device address of the next byte, and how many bytes of its fragment are left; 0 at the end of the list. */
uint32_t crypto_cursor_left(const struct crypto_cursor *at, uint64_t *address);

/* Goes on by `length` bytes, at most what is left of the list. */
void crypto_cursor_advance(struct crypto_cursor *at, uint32_t length);

/*
 * Moves `length` bytes from or to the list by copying, and the cursor with them. 0, or the negative errno of
 * us_dma_read(), with *fault the first address that failed; the cursor is of no use then.
 */
int crypto_gather(struct us_device *dev, struct crypto_cursor *from, void *buffer, uint32_t length, uint64_t *fault);
int crypto_scatter(struct us_device *dev, struct crypto_cursor *to, const void *buffer, uint32_t length,
		   uint64_t *fault);

#endif
