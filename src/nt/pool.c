/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool. Pieces of up to half a page lie in slabs, a size of slot each, and cross no page, as on Windows; longer
 * ones have pages of their own, with an unmapped page behind. What is known of a piece is kept outside of it, where a
 * driver that runs over its end does not get.
 */
#include "nt/phys.h"

#include <inttypes.h>
#include <string.h>

#include "nt/kernel.h"
#include "nt/poison.h"
#include "nt/stage.h"

#define FRESH 0xa5 /* what a new piece is filled with */
#define FREED 0x5a
#define ZONE 0xfb /* behind the end of a piece */
#define LEAST_ZONE 8u
#define SLAB_PAGES 4u
#define LONGEST_SECRET 64u
#define KEPT_BYTES 16384u /* freed pieces of a size are kept unused up to about so many bytes of them */

/* Slots, all multiples of 16; the longest leave room for two in a page. */
static const uint16_t slots[] = {32, 48, 64, 96, 128, 160, 192, 256, 336, 400, 512, 576, 672, 816, 1024, 1360, 2048};
#define SLOTS (sizeof slots / sizeof *slots)
#define LONGEST_IN_SLOT (2048 - LEAST_ZONE)

enum state { UNUSED, USED, FREE };

struct piece {
	struct slab *slab;
	struct piece *next; /* while it is free */
	uint32_t tag;
	uint8_t state;
	bool drivers;
	size_t size;
	uint64_t caller;
};

struct slab {
	struct slab *next; /* in the order in which they were made */
	uint8_t *base;
	uint32_t pages;
	uint32_t slot; /* bytes; 0: it is one piece with pages of its own */
	uint32_t count, unused; /* pieces; and the first that was never used */
	struct piece pieces[];
};

struct size_class {
	struct slab *slab; /* with unused pieces, or NULL */
	struct piece *oldest, **newest; /* freed ones */
	uint32_t nfree;
};

struct us_pool {
	struct size_class classes[SLOTS];
	struct slab *first, **last;
	struct slab **of_page; /* by page of the window */
	size_t room;
	size_t pieces, bytes; /* the driver's */
	uint8_t secret[LONGEST_SECRET];
	size_t secret_size; /* 0: there is none */
};

void us_nt_pool_init(void)
{
	struct us_pool *pool = us_nt->pool = us_nt_alloc(sizeof *pool);

	pool->last = &pool->first;
	for (size_t i = 0; i < SLOTS; i++)
		pool->classes[i].newest = &pool->classes[i].oldest;
}

/* -- pieces and their addresses ----------------------------------------------------------------------------------- */

static size_t page_number(const void *at)
{
	return ((uintptr_t)at - US_NT_BASE - US_WINDOW_POOL * US_NT_WINDOW_SIZE) / US_NT_PAGE;
}

/* Room for one more in each page: what is left over at its end stays unused. */
static uint8_t *address(const struct piece *piece)
{
	const struct slab *slab = piece->slab;
	const uint32_t index = (uint32_t)(piece - slab->pieces), per_page = slab->slot ? US_NT_PAGE / slab->slot : 1;

	return slab->base + (size_t)(index / per_page) * US_NT_PAGE + (size_t)(index % per_page) * slab->slot;
}

/* Bytes from the piece's beginning that are its own, with the zone. */
static size_t extent(const struct piece *piece)
{
	return piece->slab->slot ? piece->slab->slot : (size_t)piece->slab->pages * US_NT_PAGE;
}

/* The piece whose place an address lies in, in use or not; NULL: in none. */
static struct piece *around(const void *at)
{
	struct slab *slab;
	size_t page, offset;
	uint32_t per_page;

	if (us_nt_window(at) != US_WINDOW_POOL || (page = page_number(at)) >= us_nt->pool->room)
		return NULL;
	slab = us_nt->pool->of_page[page];
	if (!slab)
		return NULL;
	offset = (size_t)((const uint8_t *)at - slab->base);
	if (!slab->slot)
		return slab->pieces;
	per_page = US_NT_PAGE / slab->slot;
	if (offset % US_NT_PAGE / slab->slot >= per_page)
		return NULL;
	return &slab->pieces[(uint32_t)(offset / US_NT_PAGE) * per_page + (uint32_t)(offset % US_NT_PAGE) / slab->slot];
}

static struct piece *find(const void *at)
{
	struct piece *piece = around(at);

	return piece && address(piece) == at ? piece : NULL;
}

/* Four characters, the lowest byte first, as Windows shows tags. */
static const char *tag_text(uint32_t tag, char text[5])
{
	for (unsigned i = 0; i < 4; i++) {
		const char c = (char)(tag >> 8 * i);

		text[i] = c >= ' ' && c <= '~' ? c : '.';
	}
	text[4] = 0;
	return text;
}

/* -- slabs -------------------------------------------------------------------------------------------------------- */

static void note_pages(struct slab *slab)
{
	struct us_pool *pool = us_nt->pool;
	const size_t first = page_number(slab->base), end = first + slab->pages;

	if (end > pool->room) {
		const size_t room = end * 2 > 512 ? end * 2 : 512;
		struct slab **of_page = us_nt_alloc(room * sizeof(struct slab *));

		if (pool->room)
			memcpy(of_page, pool->of_page, pool->room * sizeof(struct slab *));
		us_nt_free(pool->of_page);
		pool->of_page = of_page;
		pool->room = room;
	}
	for (size_t page = first; page < end; page++)
		pool->of_page[page] = slab;
}

/* A slab of slots, or with slot 0 one piece of `pages` pages. */
static struct slab *slab_new(uint32_t slot, size_t pages)
{
	const uint32_t count = slot ? US_NT_PAGE / slot * (uint32_t)pages : 1;
	void *base = us_nt_pages(US_WINDOW_POOL, pages);
	struct slab *slab;

	if (!base)
		return NULL;
	slab = page_number(base) < us_nt->pool->room ? us_nt->pool->of_page[page_number(base)] : NULL;
	if (slab && !slot) /* pages of a freed piece of the same length: what is known of it is not needed any more */
		return slab;
	slab = us_nt_alloc(sizeof *slab + count * sizeof *slab->pieces);
	*slab = (struct slab){.base = base, .pages = (uint32_t)pages, .slot = slot, .count = count};
	for (uint32_t i = 0; i < count; i++)
		slab->pieces[i].slab = slab;
	*us_nt->pool->last = slab;
	us_nt->pool->last = &slab->next;
	note_pages(slab);
	us_poison(base, pages * US_NT_PAGE);
	return slab;
}

static struct size_class *class_of(size_t size)
{
	size_t i = 0;

	while (slots[i] - LEAST_ZONE < size)
		i++;
	return &us_nt->pool->classes[i];
}

static uint32_t slot_of(const struct size_class *c)
{
	return slots[c - us_nt->pool->classes];
}

/* -- what nobody may write ---------------------------------------------------------------------------------------- */

/* The first byte that is not `filling`, or NULL. */
static uint8_t *first_other(uint8_t *at, size_t size, uint8_t filling)
{
	if (!size || (*at == filling && !memcmp(at, at + 1, size - 1)))
		return NULL;
	while (*at == filling)
		at++;
	return at;
}

/* The piece's slot must be readable for address sanitizer while this looks at it. */
static void check_zone(const struct piece *piece)
{
	uint8_t *at = address(piece), *end = at + piece->size, *bad;
	char tag[5];

	bad = first_other(end, extent(piece) - piece->size, ZONE);
	if (bad)
		us_nt_bugcheck(0xC1, (uintptr_t)at, (uintptr_t)bad, 0, 0x24, "pool.overrun",
			       "a piece of pool with tag '%s' at %p has %zu bytes, and something wrote %zu bytes "
			       "behind its end",
			       tag_text(piece->tag, tag), (void *)at, piece->size, (size_t)(bad - end));
}

static void check_freed(const struct piece *piece)
{
	uint8_t *at = address(piece), *bad = first_other(at, piece->size, FREED);
	char tag[5];

	if (bad)
		us_nt_bugcheck(0x19, 3, (uintptr_t)at, (uintptr_t)bad, 0, "pool.use-after-free",
			       "a piece of pool with tag '%s' at %p, %zu bytes long, was written to at offset %zu "
			       "after it was freed",
			       tag_text(piece->tag, tag), (void *)at, piece->size, (size_t)(bad - at));
	check_zone(piece);
}

void us_nt_pool_check(void)
{
	for (struct slab *slab = us_nt->pool->first; slab; slab = slab->next)
		for (uint32_t i = 0; i < slab->count; i++) {
			struct piece *piece = &slab->pieces[i];
			uint8_t *at = address(piece);

			if (piece->state == UNUSED || (piece->state == FREE && !slab->slot))
				continue;
			us_unpoison(at, extent(piece));
			if (piece->state == USED)
				check_zone(piece);
			else
				check_freed(piece);
			if (piece->state == USED)
				us_poison(at + piece->size, extent(piece) - piece->size);
			else
				us_poison(at, extent(piece));
		}
}

/* -- allocation --------------------------------------------------------------------------------------------------- */

/* The piece that was freed longest ago, when there are enough of them. */
static struct piece *take_freed(struct size_class *c, bool any)
{
	struct piece *piece = c->oldest;

	if (!piece || (!any && (size_t)c->nfree * slot_of(c) < KEPT_BYTES))
		return NULL;
	us_unpoison(address(piece), extent(piece));
	check_freed(piece);
	c->oldest = piece->next;
	if (!c->oldest)
		c->newest = &c->oldest;
	c->nfree--;
	return piece;
}

static struct piece *take_unused(struct size_class *c)
{
	struct piece *piece;

	if (!c->slab && !(c->slab = slab_new(slot_of(c), SLAB_PAGES)))
		return NULL;
	piece = &c->slab->pieces[c->slab->unused++];
	if (c->slab->unused == c->slab->count)
		c->slab = NULL;
	us_unpoison(address(piece), extent(piece));
	return piece;
}

static struct piece *take(size_t size)
{
	struct piece *piece;
	struct size_class *c;
	struct slab *slab;

	if (size > LONGEST_IN_SLOT) {
		slab = size > US_NT_WINDOW_SIZE ? NULL : slab_new(0, (size + US_NT_PAGE - 1) / US_NT_PAGE);
		if (!slab)
			return NULL;
		us_unpoison(slab->base, (size_t)slab->pages * US_NT_PAGE);
		return slab->pieces;
	}
	c = class_of(size);
	if ((piece = take_freed(c, false)) || (piece = take_unused(c)))
		return piece;
	return take_freed(c, true);
}

void *us_nt_pool_alloc(size_t size, uint32_t tag)
{
	struct piece *piece = take(size);
	uint8_t *at;

	if (!piece)
		return NULL;
	*piece = (struct piece){.slab = piece->slab, .tag = tag, .state = USED, .size = size};
	at = address(piece);
	memset(at, FRESH, size);
	memset(at + size, ZONE, extent(piece) - size);
	us_poison(at + size, extent(piece) - size);
	return at;
}

/* The piece that is used and begins at an address; severe with all else. */
static struct piece *used(const void *at, const char *doing)
{
	struct piece *piece = find(at);
	char tag[5];

	if (!piece || piece->state == UNUSED)
		us_nt_bugcheck(0xC2, 0x46, (uintptr_t)at, 0, 0, "pool.bad-address",
			       "%s %p, which is not the beginning of a piece of pool", doing, at);
	if (piece->state == FREE)
		us_nt_bugcheck(0xC2, 7, 0, piece->tag, (uintptr_t)at, "pool.double-free",
			       "%s the piece of pool at %p with tag '%s', which is free already", doing, at,
			       tag_text(piece->tag, tag));
	return piece;
}

/* Whoever gets the piece next must not find a secret there. */
static void check_secret(const struct piece *piece)
{
	const struct us_pool *pool = us_nt->pool;
	char tag[5];

	if (pool->secret_size && memmem(address(piece), piece->size, pool->secret, pool->secret_size))
		us_nt_stop(US_NT_EXPECTATION, "pool.secret",
			   "The piece of pool at %p, of %zu bytes with the tag '%s', is freed with a secret in it that "
			   "the "
			   "story named (us_nt_secret()): wipe it before.",
			   (void *)address(piece), piece->size, tag_text(piece->tag, tag));
}

bool us_nt_pool_secret(const void *bytes, size_t size)
{
	if (!size || size > LONGEST_SECRET)
		return false;
	memcpy(us_nt->pool->secret, bytes, size);
	us_nt->pool->secret_size = size;
	return true;
}

void us_nt_pool_free(void *at)
{
	struct piece *piece = used(at, "freeing");
	struct size_class *c;

	us_unpoison(at, extent(piece));
	check_zone(piece);
	check_secret(piece);
	if (piece->drivers) {
		us_nt->pool->pieces--;
		us_nt->pool->bytes -= piece->size;
	}
	piece->state = FREE;
	if (!piece->slab->slot) {
		us_nt_pages_free(at, piece->slab->pages);
		return;
	}
	memset(at, FREED, piece->size);
	us_poison(at, extent(piece));
	c = class_of(piece->size);
	piece->next = NULL;
	*c->newest = piece;
	c->newest = &piece->next;
	c->nfree++;
}

/* -- what is known of pieces -------------------------------------------------------------------------------------- */

const void *us_nt_pool_around(const void *at)
{
	const struct piece *piece = around(at);

	return piece && piece->state == USED ? address(piece) : NULL;
}

void us_nt_pool_say(char *text, size_t size, const void *at)
{
	const struct piece *piece = around(at);
	size_t offset;
	char tag[5];

	if (!piece)
		piece = around((const uint8_t *)at - US_NT_PAGE); /* the page behind a long piece */
	if (!piece || piece->state == UNUSED) {
		snprintf(text, size, "in the pool, where no piece is");
		return;
	}
	offset = (size_t)((const uint8_t *)at - address(piece));
	tag_text(piece->tag, tag);
	if (piece->state == FREE)
		snprintf(text, size, "at offset %zu of a piece of pool with tag '%s' that was freed", offset, tag);
	else if (offset >= piece->size)
		snprintf(text, size, "%zu bytes behind the end of a piece of pool with tag '%s' and %zu bytes",
			 offset - piece->size, tag, piece->size);
	else
		snprintf(text, size, "at offset %zu of a piece of pool with tag '%s' and %zu bytes", offset, tag,
			 piece->size);
}

bool us_nt_pool_is(const void *at)
{
	const struct piece *piece = find(at);

	return piece && piece->state == USED;
}

size_t us_nt_pool_size(const void *at)
{
	return used(at, "asking for the size of")->size;
}

uint32_t us_nt_pool_tag(const void *at)
{
	return used(at, "asking for the tag of")->tag;
}

void us_nt_pool_give(void *at, uint64_t caller)
{
	struct piece *piece = used(at, "giving the driver");

	piece->drivers = true;
	piece->caller = caller;
	us_nt->pool->pieces++;
	us_nt->pool->bytes += piece->size;
}

bool us_nt_pool_is_drivers(const void *at)
{
	const struct piece *piece = find(at);

	return piece && piece->state == USED && piece->drivers;
}

void us_nt_pool_count(size_t *pieces, size_t *bytes)
{
	*pieces = us_nt->pool->pieces;
	*bytes = us_nt->pool->bytes;
}

/* The driver's pieces with the tag of this one, from it on; 0 when an earlier one has it. */
static size_t count_of_tag(const struct piece *piece, size_t *bytes)
{
	size_t count = 0;
	bool seen = false;

	*bytes = 0;
	for (const struct slab *slab = us_nt->pool->first; slab; slab = slab->next)
		for (uint32_t i = 0; i < slab->count; i++) {
			const struct piece *other = &slab->pieces[i];

			if (other->state != USED || !other->drivers || other->tag != piece->tag)
				continue;
			if (!seen && other != piece)
				return 0;
			seen = true;
			count++;
			*bytes += other->size;
		}
	return count;
}

/* Text behind text, as far as it has room. */
static size_t say(char *text, size_t size, size_t at, const char *format, ...) __attribute__((format(printf, 4, 5)));

static size_t say(char *text, size_t size, size_t at, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(text + at, size - at, format, args);
	va_end(args);
	return at + (size_t)length < size ? at + (size_t)length : size - 1;
}

size_t us_nt_pool_leaks(char *text, size_t size)
{
	const struct us_pool *pool = us_nt->pool;
	size_t at = 0, bytes;
	char tag[5];

	if (!pool->pieces || !size)
		return pool->pieces;
	at = say(text, size, at, "%zu piece%s of pool, %zu bytes", pool->pieces, pool->pieces == 1 ? "" : "s",
		 pool->bytes);
	for (const struct slab *slab = pool->first; slab; slab = slab->next)
		for (uint32_t i = 0; i < slab->count; i++) {
			const struct piece *piece = &slab->pieces[i];
			const size_t count = piece->state == USED && piece->drivers ? count_of_tag(piece, &bytes) : 0;

			if (!count)
				continue;
			at = say(text, size, at, "; %zu with tag '%s', %zu bytes", count, tag_text(piece->tag, tag),
				 bytes);
			if (!us_nt->stop.blamed)
				us_nt->stop.blamed = piece->caller;
		}
	return pool->pieces;
}
