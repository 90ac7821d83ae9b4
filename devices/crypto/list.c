/* SPDX-License-Identifier: Apache-2.0 */
#include "list.h"

#include "crypto.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define ENTRY_SIZE 16
#define FETCH 256 /* entries fetched at once: a page */

static struct crypto_fragment decode(const uint8_t *entry)
{
	struct crypto_fragment f;

	memcpy(&f.address, entry, 8);
	memcpy(&f.length, entry + 8, 4);
	memcpy(&f.reserved, entry + 12, 4);
	f.address = le64toh(f.address);
	f.length = le32toh(f.length);
	f.reserved = le32toh(f.reserved);
	return f;
}

/* A list that would run past the end of the address space ends in a fault at address 0, where it would wrap to. */
static int fetch(struct us_device *dev, struct crypto_list *list, uint64_t *fault)
{
	uint8_t raw[FETCH * ENTRY_SIZE];

	for (uint32_t i = 0; i < list->entries;) {
		uint64_t at = list->address + (uint64_t)i * ENTRY_SIZE;
		uint32_t n = list->entries - i < FETCH ? list->entries - i : FETCH;
		uint64_t before_wrap = (UINT64_MAX - at) / ENTRY_SIZE + 1;
		int rc;

		if (at < list->address) {
			*fault = 0;
			return -EFAULT;
		}
		if (n > before_wrap)
			n = (uint32_t)before_wrap;
		rc = us_dma_read(dev, at, raw, (size_t)n * ENTRY_SIZE, fault);
		if (rc)
			return rc;
		for (uint32_t k = 0; k < n; k++)
			list->fragments[i++] = decode(raw + (size_t)k * ENTRY_SIZE);
	}
	return 0;
}

static bool valid(const struct crypto_fragment *f)
{
	return f->length && !f->reserved && f->address + (f->length - 1) >= f->address;
}

/* Neighbours in memory become one fragment: fewer look-ups, longer runs for the cipher. */
static void append(struct crypto_list *list, struct crypto_fragment f)
{
	struct crypto_fragment *last = list->count ? &list->fragments[list->count - 1] : NULL;

	if (last && last->address + last->length == f.address && f.address &&
	    (uint64_t)last->length + f.length <= UINT32_MAX)
		last->length += f.length;
	else
		list->fragments[list->count++] = f;
}

uint8_t crypto_list_load(struct us_device *dev, struct crypto_list *list, uint64_t total, uint64_t *fault)
{
	uint64_t sum = 0;

	*fault = 0;
	if (!list->in_window) {
		int rc = fetch(dev, list, fault);

		if (rc == -EPERM) {
			*fault = 0;
			return CRYPTO_ERROR_CODE_BUS_MASTER;
		}
		if (rc)
			return CRYPTO_ERROR_CODE_LIST_FAULT;
	}
	list->count = 0;
	for (uint32_t i = 0; i < list->entries; i++) {
		struct crypto_fragment f = list->fragments[i];

		if (!valid(&f)) {
			*fault = list->address + (uint64_t)i * ENTRY_SIZE;
			return CRYPTO_ERROR_CODE_BAD_ENTRY;
		}
		sum += f.length;
		append(list, f);
	}
	return sum == total ? CRYPTO_ERROR_CODE_NONE : CRYPTO_ERROR_CODE_LIST_TOTAL;
}

uint32_t crypto_cursor_left(const struct crypto_cursor *at, uint64_t *address)
{
	const struct crypto_fragment *f = &at->list->fragments[at->fragment];

	if (at->fragment == at->list->count)
		return 0;
	*address = f->address + at->offset;
	return f->length - at->offset;
}

void crypto_cursor_advance(struct crypto_cursor *at, uint32_t length)
{
	while (length) {
		uint32_t left = at->list->fragments[at->fragment].length - at->offset;

		if (length < left) {
			at->offset += length;
			return;
		}
		length -= left;
		at->fragment++;
		at->offset = 0;
	}
}

int crypto_gather(struct us_device *dev, struct crypto_cursor *from, void *buffer, uint32_t length, uint64_t *fault)
{
	for (uint8_t *to = buffer; length;) {
		uint64_t address = 0;
		uint32_t n = crypto_cursor_left(from, &address);
		int rc;

		if (n > length)
			n = length;
		rc = us_dma_read(dev, address, to, n, fault);
		if (rc)
			return rc;
		crypto_cursor_advance(from, n);
		to += n;
		length -= n;
	}
	return 0;
}

int crypto_scatter(struct us_device *dev, struct crypto_cursor *to, const void *buffer, uint32_t length,
		   uint64_t *fault)
{
	for (const uint8_t *from = buffer; length;) {
		uint64_t address = 0;
		uint32_t n = crypto_cursor_left(to, &address);
		int rc;

		if (n > length)
			n = length;
		rc = us_dma_write(dev, address, from, n, fault);
		if (rc)
			return rc;
		crypto_cursor_advance(to, n);
		from += n;
		length -= n;
	}
	return 0;
}
