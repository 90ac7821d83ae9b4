/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows: the stage's address space, made of physical pages.
 *
 * Two things are known of each page of a window: what this run has there (`here`), and what the process has mapped
 * there (`mapped`), which may be left from an earlier run. An allocation maps what differs, and no more.
 *
 * Addresses are handed out upwards, and those of a freed allocation again to the next of the same size. It keeps its
 * physical pages until others are in want of them.
 */
#include "nt/phys-private.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "nt/poison.h"
#include "nt/stage.h"

#define PAGES_OF_WINDOW (1u << 22) /* 16 GiB of it are used */
#define FIRST_PAGE 16u /* 0x10000 bytes */
#define SIZES 512 /* allocations of up to so many pages have a free list of their own; longer ones share one */

/* Flags above the 23 bits of a page's number + 1; 0 is no page. */
#define NUMBER(page) ((page) + 1)
#define PAGE(number) (((number)&PAGE_BITS) - 1)
#define PAGE_BITS ((1u << 24) - 1)
/* of `mapped` */
#define CAN_READ (1u << 24)
#define CAN_WRITE (1u << 25)
#define CAN_EXECUTE (1u << 26)
#define PROTECTION (CAN_READ | CAN_WRITE | CAN_EXECUTE)
/* of `here` */
#define ALLOCATED (1u << 24)
#define OWNED (1u << 25) /* the page is one of us_page_take() and goes back there */

struct place {
	uint32_t mapped;
	uint32_t here;
	uint32_t pages; /* of the first of an allocation: how many it has; also while it is free */
	uint32_t next; /* of the first of a freed one: the next on its list */
};

/* The process's. `used` is how far a window was ever used. */
static struct {
	bool open;
	size_t mapped; /* pages */
	struct window {
		struct place *places;
		uint32_t used;
		uint32_t top; /* this run's: all above is free */
		uint32_t free[SIZES + 1]; /* of it, by size: the first place; 0: none */
	} window[US_WINDOWS];
} space;

static uint8_t *address(const struct window *w, uint32_t place)
{
	return (uint8_t *)(uintptr_t)(US_NT_BASE + (uint64_t)(w - space.window) * US_NT_WINDOW_SIZE) +
	       (size_t)place * US_NT_PAGE;
}

/* -- the process's address space ---------------------------------------------------------------------------------- */

int us_windows_open(void)
{
	const size_t size = (size_t)US_WINDOWS * US_NT_WINDOW_SIZE;
	const size_t table = PAGES_OF_WINDOW * sizeof(struct place);
	void *at;

	if (space.open)
		return 0;
	at = mmap((void *)(uintptr_t)US_NT_BASE, size, PROT_NONE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	if (at == MAP_FAILED)
		return -errno;
	for (unsigned i = 0; i < US_WINDOWS; i++) {
		struct place *places =
			mmap(NULL, table, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (places == MAP_FAILED) {
			const int why = errno;

			while (i--)
				munmap(space.window[i].places, table);
			munmap(at, size);
			return -why;
		}
		space.window[i] = (struct window){.places = places, .used = FIRST_PAGE, .top = FIRST_PAGE};
	}
	space.open = true;
	return 0;
}

/* Makes `count` pages inaccessible and gives back what the process keeps for them. */
static void vacate(struct window *w, uint32_t first, uint32_t count)
{
	uint32_t mapped = 0;

	for (uint32_t i = first; i < first + count; i++) {
		mapped += w->places[i].mapped != 0;
		w->places[i].mapped = 0;
	}
	if (!mapped)
		return;
	mmap(address(w, first), (size_t)count * US_NT_PAGE, PROT_NONE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	space.mapped -= mapped;
}

void us_windows_forget(void)
{
	for (unsigned i = 0; i < US_WINDOWS; i++) {
		struct window *w = &space.window[i];

		vacate(w, 0, w->used);
		w->used = FIRST_PAGE;
	}
}

/* Vacates what the run does not use, when mappings are scarce. */
static void vacate_unused(void)
{
	for (unsigned i = 0; i < US_WINDOWS; i++) {
		struct window *w = &space.window[i];

		for (uint32_t p = FIRST_PAGE; p < w->used; p++)
			if (w->places[p].mapped && !(w->places[p].here & ALLOCATED))
				vacate(w, p, 1);
	}
}

void us_windows_begin(void)
{
	for (unsigned i = 0; i < US_WINDOWS; i++) {
		struct window *w = &space.window[i];

		w->top = FIRST_PAGE;
		memset(w->free, 0, sizeof w->free);
	}
}

void us_windows_end(void)
{
	for (unsigned i = 0; i < US_WINDOWS; i++)
		for (uint32_t p = FIRST_PAGE; p < space.window[i].top; p++) {
			struct place *place = &space.window[i].places[p];

			*place = (struct place){.mapped = place->mapped};
		}
}

/* -- mapping ------------------------------------------------------------------------------------------------------ */

static int protection_of(uint32_t flags)
{
	return (flags & CAN_READ ? PROT_READ : 0) | (flags & CAN_WRITE ? PROT_WRITE : 0) |
	       (flags & CAN_EXECUTE ? PROT_EXEC : 0);
}

/* Maps page `p` and those behind it that lie behind one another physically too, up to `end`; returns the first not
 * mapped. */
static uint32_t map_some(struct window *w, uint32_t p, uint32_t end)
{
	const uint32_t page = PAGE(w->places[p].here);
	const off_t offset = (off_t)us_page_index(page) * US_NT_PAGE;
	uint32_t n = 0;

	while (p + n < end && PAGE(w->places[p + n].here) == page + n) {
		space.mapped += !w->places[p + n].mapped;
		w->places[p + n].mapped = NUMBER(page + n) | CAN_READ | CAN_WRITE;
		n++;
	}
	if (mmap(address(w, p), (size_t)n * US_NT_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		 us_page_file(page), offset) == MAP_FAILED)
		us_nt_stop(US_NT_FAILED, "", "memory can not be mapped at %p: %s", (void *)address(w, p),
			   strerror(errno));
	return p + n;
}

/* Gives pages that are mapped already the protection `flags`; those that have it cost nothing. */
static int protect(struct window *w, uint32_t first, uint32_t count, uint32_t flags)
{
	for (uint32_t p = first, end = first + count; p < end;) {
		uint32_t n = 0;

		while (p + n < end && w->places[p + n].mapped && (w->places[p + n].mapped & PROTECTION) != flags)
			n++;
		if (n && mprotect(address(w, p), (size_t)n * US_NT_PAGE, protection_of(flags)))
			return -errno;
		for (uint32_t i = p; i < p + n; i++)
			w->places[i].mapped = (w->places[i].mapped & PAGE_BITS) | flags;
		p += n ? n : 1;
	}
	return 0;
}

/* Maps an allocation whose places say what should be there; the page behind it becomes inaccessible. */
static void map(struct window *w, uint32_t first, uint32_t count)
{
	const uint32_t end = first + count;

	for (uint32_t p = first; p < end;)
		if ((w->places[p].mapped & PAGE_BITS) != (w->places[p].here & PAGE_BITS))
			p = map_some(w, p, end);
		else
			p++;
	if (protect(w, first, count, CAN_READ | CAN_WRITE))
		us_nt_stop(US_NT_FAILED, "", "memory can not be made accessible at %p: %s", (void *)address(w, first),
			   strerror(errno));
	vacate(w, end, 1);
	us_unpoison(address(w, first), (size_t)count * US_NT_PAGE); /* an earlier run's pool may have been there */
}

/* -- addresses ---------------------------------------------------------------------------------------------------- */

static uint32_t *list_for(struct window *w, uint32_t pages)
{
	return &w->free[pages <= SIZES ? pages - 1 : SIZES];
}

/* So many pages of addresses, or 0. */
static uint32_t reserve(struct window *w, size_t pages)
{
	uint32_t place;

	if (!pages || pages >= PAGES_OF_WINDOW)
		return 0;
	for (uint32_t *link = list_for(w, (uint32_t)pages); *link; link = &w->places[*link].next) {
		place = *link;
		if (w->places[place].pages != pages)
			continue;
		*link = w->places[place].next;
		return place;
	}
	if (pages + 1 > PAGES_OF_WINDOW - w->top)
		return 0;
	place = w->top;
	w->top += (uint32_t)pages + 1; /* their `pages` are 0, but the first's */
	if (w->top > w->used)
		w->used = w->top;
	w->places[place].pages = (uint32_t)pages;
	return place;
}

/* Takes the pages of freed allocations back. */
static void reclaim(void)
{
	for (unsigned i = 0; i < US_WINDOWS; i++) {
		struct window *w = &space.window[i];

		for (uint32_t p = FIRST_PAGE; p < w->top; p++) {
			if (w->places[p].here & ALLOCATED || !(w->places[p].here & OWNED))
				continue;
			vacate(w, p, 1);
			us_page_give(PAGE(w->places[p].here));
			w->places[p].here = 0;
		}
	}
}

bool us_windows_spare(size_t pages)
{
	if (us_pages_available() >= pages)
		return true;
	reclaim();
	return us_pages_available() >= pages;
}

/* Whether so many pages more can be mapped. */
static bool has_mappings(size_t pages)
{
	if (space.mapped + pages > US_NT_MAPPED)
		vacate_unused();
	return space.mapped + pages <= US_NT_MAPPED;
}

/* Puts a reserved range back without its having been used. */
static void unreserve(struct window *w, uint32_t place)
{
	uint32_t *list = list_for(w, w->places[place].pages);

	w->places[place].next = *list;
	*list = place;
}

/* Fills a range with scattered pages; false, with none taken, when there are not enough. */
static bool populate(struct window *w, uint32_t first, uint32_t count)
{
	uint32_t page = US_PAGE_NONE;

	if (!us_windows_spare(count))
		return false;
	for (uint32_t p = first; p < first + count; p++) {
		page = us_page_take(page);
		if (page == US_PAGE_NONE) { /* what is left would be contiguous */
			while (p-- > first) {
				us_page_give(PAGE(w->places[p].here));
				w->places[p].here = 0;
			}
			return false;
		}
		w->places[p].here = NUMBER(page) | OWNED | ALLOCATED;
	}
	return true;
}

/* The pages that a freed range has kept are wiped. */
static void renew(struct window *w, uint32_t first, uint32_t count)
{
	for (uint32_t p = first; p < first + count; p++) {
		w->places[p].here |= ALLOCATED;
		memset(us_page_linear(PAGE(w->places[p].here)), 0, US_NT_PAGE);
	}
}

void *us_nt_pages(enum us_window window, size_t pages)
{
	struct window *w = &space.window[window];
	const uint32_t first = has_mappings(pages) ? reserve(w, pages) : 0;

	if (!first)
		return NULL;
	if (w->places[first].here & OWNED)
		renew(w, first, (uint32_t)pages);
	else if (!populate(w, first, (uint32_t)pages)) {
		unreserve(w, first);
		return NULL;
	}
	map(w, first, (uint32_t)pages);
	return address(w, first);
}

/* -- what is at an address ---------------------------------------------------------------------------------------- */

int us_nt_window(const void *at)
{
	const uint64_t where = (uintptr_t)at - US_NT_BASE;

	return (uintptr_t)at >= US_NT_BASE && where < US_WINDOWS * US_NT_WINDOW_SIZE ? (int)(where / US_NT_WINDOW_SIZE)
										     : -1;
}

/* The place of an address that is allocated, or NULL. */
static struct place *place_of(const void *at)
{
	const int window = us_nt_window(at);
	const uint64_t index = ((uintptr_t)at - US_NT_BASE) % US_NT_WINDOW_SIZE / US_NT_PAGE;

	if (!us_nt || !us_nt->phys || window < 0 || index >= space.window[window].top ||
	    !(space.window[window].places[index].here & ALLOCATED))
		return NULL;
	return &space.window[window].places[index];
}

uint64_t us_nt_physical(const void *at)
{
	const struct place *place = place_of(at);

	return place ? us_page_physical(PAGE(place->here)) + (uintptr_t)at % US_NT_PAGE : UINT64_MAX;
}

static bool is_all(const void *at, size_t size, uint32_t flags)
{
	const uintptr_t begin = (uintptr_t)at & ~(uintptr_t)(US_NT_PAGE - 1);
	const uintptr_t last = (uintptr_t)at + (size ? size - 1 : 0);

	if (last < begin || last - begin > US_NT_WINDOW_SIZE)
		return false;
	for (uintptr_t p = begin; p <= last; p += US_NT_PAGE) {
		const struct place *place = place_of((const void *)p);

		if (!place || (place->mapped & flags) != flags)
			return false;
	}
	return true;
}

bool us_nt_is_mapped(const void *at, size_t size)
{
	return is_all(at, size, CAN_READ);
}

bool us_nt_is_writable(const void *at, size_t size)
{
	return is_all(at, size, CAN_READ | CAN_WRITE);
}

int us_nt_protect(void *at, size_t pages, bool write, bool execute)
{
	struct window *w = &space.window[us_nt_window(at)];
	const uint32_t first = (uint32_t)(place_of(at) - w->places);

	return protect(w, first, (uint32_t)pages, CAN_READ | (write ? CAN_WRITE : 0) | (execute ? CAN_EXECUTE : 0));
}

void us_nt_conceal(void *at, size_t pages)
{
	struct window *w = &space.window[us_nt_window(at)];

	protect(w, (uint32_t)(place_of(at) - w->places), (uint32_t)pages, 0);
}

/* -- the end of an allocation ------------------------------------------------------------------------------------- */

size_t us_nt_allocation(const void *at)
{
	const struct place *place = (uintptr_t)at % US_NT_PAGE ? NULL : place_of(at);

	return place ? place->pages : 0;
}

/* The allocation that begins at an address. A mistake in the stage itself ends the run. */
static uint32_t allocation(struct window **w, const void *at, size_t pages)
{
	if (!pages || us_nt_allocation(at) != pages)
		us_nt_stop(US_NT_FAILED, "", "the stage frees %zu pages at %p that it has not allocated so", pages, at);
	*w = &space.window[us_nt_window(at)];
	return (uint32_t)(place_of(at) - (*w)->places);
}

static void release(struct window *w, uint32_t first, uint32_t count)
{
	for (uint32_t p = first; p < first + count; p++)
		w->places[p].here &= ~ALLOCATED;
	unreserve(w, first);
}

void us_nt_pages_free(void *at, size_t pages)
{
	struct window *w;
	const uint32_t first = allocation(&w, at, pages);

	release(w, first, (uint32_t)pages);
	if (w != &space.window[US_WINDOW_STACK])
		protect(w, first, (uint32_t)pages, 0);
}

/* Addresses for pages that belong to somebody else. */
static uint32_t reserve_bare(struct window *w, size_t pages)
{
	const uint32_t first = reserve(w, pages);

	if (first && w->places[first].here & OWNED)
		for (uint32_t p = first; p < first + pages; p++) {
			us_page_give(PAGE(w->places[p].here));
			w->places[p].here = 0;
		}
	return first;
}

static void *map_pages(enum us_window window, uint32_t (*page)(const void *context, size_t i), const void *context,
		       size_t pages)
{
	struct window *w = &space.window[window];
	uint32_t first;

	for (size_t i = 0; i < pages; i++)
		if (page(context, i) == US_PAGE_NONE)
			return NULL;
	if (!has_mappings(pages) || !(first = reserve_bare(w, pages)))
		return NULL;
	for (uint32_t i = 0; i < pages; i++)
		w->places[first + i].here = NUMBER(page(context, i)) | ALLOCATED;
	map(w, first, (uint32_t)pages);
	return address(w, first);
}

static uint32_t listed(const void *context, size_t i)
{
	return us_page_of(((const uint64_t *)context)[i] * US_NT_PAGE);
}

static uint32_t following(const void *context, size_t i)
{
	return us_page_of(*(const uint64_t *)context) + (uint32_t)i;
}

void *us_nt_map_physical(enum us_window window, const uint64_t *frames, size_t pages)
{
	return map_pages(window, listed, frames, pages);
}

void *us_nt_map_contiguous(uint64_t physical, size_t pages)
{
	return map_pages(US_WINDOW_SYSTEM, following, &physical, pages);
}

void us_nt_unmap_physical(void *at, size_t pages)
{
	struct window *w;
	const uint32_t first = allocation(&w, at, pages);

	for (uint32_t p = first; p < first + pages; p++)
		w->places[p].here = 0;
	unreserve(w, first);
	protect(w, first, (uint32_t)pages, 0);
}
