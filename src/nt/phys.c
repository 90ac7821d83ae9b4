/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Physical memory: a half below 4 GiB and a half above, each a file in memory that is mapped once as a whole (the
 * linear mapping) and a page at a time in the windows.
 *
 * The first three quarters of a half are handed out page by page, the two halves in turn and within a half in an order
 * in which neighbours are far apart. The last quarter is for what has to be contiguous. The order begins anew with each
 * run, so that pages depend on nothing that happened before.
 */
#include "nt/phys-private.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "nt/stage.h"

#define DEFAULT_MEMORY (UINT64_C(64) << 20)
#define LEAST_MEMORY (UINT64_C(1) << 20)
#define MOST_MEMORY (UINT64_C(4) << 30)

static const uint64_t half_base[2] = {0x10000000, 0x140000000}; /* clear of BARs and of interrupt messages */

/* What stays from run to run. */
static struct {
	bool open;
	struct us_stage *user; /* whose run it is; set by who finds none, on whatever thread */
	int fd[2];
	uint8_t *linear[2];
	uint32_t pages; /* of each half */
	uint32_t scattered; /* of these, the ones handed out page by page */
	uint32_t stride; /* from one to the next, modulo `scattered`; they have no common divisor */
	const struct us_function *kept; /* a function that was let reach it and still is, when it is open; NULL: none */
} memory;

struct half {
	uint32_t taken; /* how far the order of pages is used */
	uint32_t *returned; /* pages given back, used before it goes on when it is at its end */
	uint32_t nreturned, room;
	uint8_t *contiguous; /* of each page of the last quarter: taken */
	uint32_t lowest; /* of them ever taken in this run */
};

struct us_phys {
	struct half half[2];
	unsigned turn; /* which half is next */
};

/* -- the process's memory ----------------------------------------------------------------------------------------- */

static uint32_t greatest_common_divisor(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* A step that is far (the golden section) and visits all. */
static uint32_t stride_of(uint32_t pages)
{
	uint32_t stride = (uint32_t)(pages * 0.618);

	while (greatest_common_divisor(stride, pages) != 1)
		stride--;
	return stride;
}

static void close_memory(void)
{
	if (!memory.open)
		return;
	us_windows_forget();
	for (unsigned i = 0; i < 2; i++) {
		munmap(memory.linear[i], (size_t)memory.pages * US_NT_PAGE);
		close(memory.fd[i]);
	}
	memory.kept = NULL;
	memory.open = false;
}

static int open_half(unsigned i, size_t size)
{
	memory.fd[i] = memfd_create(i ? "understudy-high" : "understudy-low", MFD_CLOEXEC);
	if (memory.fd[i] < 0)
		return -errno;
	if (!ftruncate(memory.fd[i], (off_t)size)) {
		memory.linear[i] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory.fd[i], 0);
		if (memory.linear[i] != MAP_FAILED)
			return 0;
	}
	const int why = errno;

	close(memory.fd[i]);
	return -why;
}

static int open_memory(uint64_t size)
{
	const uint32_t pages = (uint32_t)((size + 2 * US_NT_PAGE - 1) / (2 * US_NT_PAGE));
	const size_t bytes = (size_t)pages * US_NT_PAGE;
	int rc = us_windows_open();

	if (rc || (memory.open && memory.pages == pages))
		return rc;
	close_memory();
	if ((rc = open_half(0, bytes)))
		return rc;
	if ((rc = open_half(1, bytes))) {
		munmap(memory.linear[0], bytes);
		close(memory.fd[0]);
		return rc;
	}
	memory.pages = pages;
	memory.scattered = pages - pages / 4;
	memory.stride = stride_of(memory.scattered);
	memory.open = true;
	return 0;
}

/* -- a run's ------------------------------------------------------------------------------------------------------ */

static void unshare(void)
{
	for (unsigned i = 0; i < 2; i++) /* whatever the last run's size was */
		us_fn_dma_unmap(us_nt->fn, half_base[i], MOST_MEMORY / 2);
}

/* Lets the function reach the memory, if it does not since an earlier run. */
static int share(struct us_error *err)
{
	const size_t size = (size_t)memory.pages * US_NT_PAGE;
	const bool kept = memory.kept == us_nt->fn;

	if (!kept)
		unshare();
	memory.kept = NULL;
	for (unsigned i = 0; i < 2; i++) {
		int rc = us_fn_dma_share(us_nt->fn, memory.linear[i], memory.fd[i], half_base[i], size,
					 US_FN_DMA_READ | US_FN_DMA_WRITE);

		if (!rc || (kept && rc == -EEXIST))
			continue;
		us_fail(err, rc, "the stage's memory can not be given to the device: %s", us_fn_error(us_nt->fn));
		unshare();
		return rc;
	}
	return 0;
}

/*
 * The end of a run: a device that still works must not write into the next one. In real time it costs too much to take
 * the memory back (it is pinned page by page, and entered in an IOMMU) only to give it to the same function again: that
 * may not master the bus any more, and is reset before it may.
 */
static void stop_device(void)
{
	uint64_t command = 0;

	if (us_nt->info->virtual_time || us_nt->fn != us_nt->config->function ||
	    us_fn_read(us_nt->fn, US_REGION_CONFIG, PCI_COMMAND, 2, &command) ||
	    us_fn_write(us_nt->fn, US_REGION_CONFIG, PCI_COMMAND, 2, command & ~(uint64_t)PCI_COMMAND_MASTER) ||
	    us_fn_read(us_nt->fn, US_REGION_CONFIG, PCI_COMMAND, 2, &command)) { /* what was under way has arrived */
		unshare();
		return;
	}
	memory.kept = us_nt->fn;
}

static int begin(struct us_error *err)
{
	const uint64_t size = us_nt->config->memory ? us_nt->config->memory : DEFAULT_MEMORY;
	struct us_phys *phys;
	int rc;

	if (size < LEAST_MEMORY || size > MOST_MEMORY)
		return us_fail(err, -EINVAL, "a machine with %" PRIu64 " bytes of memory: from 1 MiB to 4 GiB will do",
			       size);
	if ((rc = open_memory(size)))
		return us_fail(err, rc, "no memory for the machine (%" PRIu64 " bytes): %s", size, strerror(-rc));
	if ((rc = share(err)))
		return rc;
	us_nt->phys = phys = us_nt_alloc(sizeof *phys);
	for (unsigned i = 0; i < 2; i++) {
		phys->half[i].contiguous = us_nt_alloc(memory.pages - memory.scattered);
		phys->half[i].lowest = memory.pages - memory.scattered;
	}
	us_windows_begin();
	return 0;
}

int us_nt_phys_init(struct us_error *err)
{
	struct us_stage *nobody = NULL;
	int rc;

	if (!__atomic_compare_exchange_n(&memory.user, &nobody, us_nt, false, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE))
		return us_fail(err, -EBUSY,
			       "another run has this process's stage: there is one at a time, on one thread");
	rc = begin(err);
	if (rc)
		__atomic_store_n(&memory.user, NULL, __ATOMIC_RELEASE);
	return rc;
}

/* The page at place `k` of the order. */
static uint32_t ordered(uint32_t k)
{
	return (uint32_t)((uint64_t)k * memory.stride % memory.scattered);
}

void us_nt_phys_reset(void)
{
	struct us_phys *phys = us_nt->phys;

	if (__atomic_load_n(&memory.user, __ATOMIC_RELAXED) != us_nt || !phys)
		return;
	stop_device();
	us_windows_end();
	for (unsigned i = 0; i < 2; i++) {
		const struct half *half = &phys->half[i];
		const uint32_t from = memory.scattered + half->lowest;

		for (uint32_t k = 0; k < half->taken; k++)
			memset(memory.linear[i] + (size_t)ordered(k) * US_NT_PAGE, 0, US_NT_PAGE);
		memset(memory.linear[i] + (size_t)from * US_NT_PAGE, 0, (size_t)(memory.pages - from) * US_NT_PAGE);
	}
	us_nt->phys = NULL;
	__atomic_store_n(&memory.user, NULL, __ATOMIC_RELEASE);
}

/* -- pages -------------------------------------------------------------------------------------------------------- */

uint8_t *us_page_linear(uint32_t page)
{
	return memory.linear[page / US_PAGE_HIGH] + (size_t)us_page_index(page) * US_NT_PAGE;
}

uint64_t us_page_physical(uint32_t page)
{
	return half_base[page / US_PAGE_HIGH] + (uint64_t)us_page_index(page) * US_NT_PAGE;
}

int us_page_file(uint32_t page)
{
	return memory.fd[page / US_PAGE_HIGH];
}

uint32_t us_page_of(uint64_t physical)
{
	for (unsigned i = 0; i < 2; i++)
		if (physical >= half_base[i] && (physical - half_base[i]) / US_NT_PAGE < memory.pages)
			return (uint32_t)((physical - half_base[i]) / US_NT_PAGE) + i * US_PAGE_HIGH;
	return US_PAGE_NONE;
}

void *us_nt_linear(uint64_t physical)
{
	const uint32_t page = us_page_of(physical);

	return page == US_PAGE_NONE ? NULL : us_page_linear(page) + physical % US_NT_PAGE;
}

size_t us_pages_available(void)
{
	size_t count = 0;

	for (unsigned i = 0; i < 2; i++)
		count += memory.scattered - us_nt->phys->half[i].taken + us_nt->phys->half[i].nreturned;
	return count;
}

static bool are_neighbours(uint32_t a, uint32_t b)
{
	return a + 1 == b || b + 1 == a;
}

static uint32_t take_from(unsigned i, uint32_t neighbour)
{
	struct half *half = &us_nt->phys->half[i];
	uint32_t page;

	if (half->taken < memory.scattered)
		return ordered(half->taken++) + i * US_PAGE_HIGH; /* clean */
	for (uint32_t n = half->nreturned; n--;) {
		page = half->returned[n];
		if (are_neighbours(page, neighbour))
			continue;
		half->returned[n] = half->returned[--half->nreturned];
		memset(us_page_linear(page), 0, US_NT_PAGE);
		return page;
	}
	return US_PAGE_NONE;
}

uint32_t us_page_take(uint32_t neighbour)
{
	struct us_phys *phys = us_nt->phys;
	const unsigned turn = phys->turn;
	uint32_t page = take_from(turn, neighbour);

	if (page == US_PAGE_NONE)
		page = take_from(!turn, neighbour);
	phys->turn = !turn;
	return page;
}

void us_page_give(uint32_t page)
{
	struct half *half = &us_nt->phys->half[page / US_PAGE_HIGH];

	if (half->nreturned == half->room) {
		const uint32_t room = half->room ? half->room * 2 : 256;
		uint32_t *returned = us_nt_alloc(room * sizeof *returned);

		if (half->nreturned)
			memcpy(returned, half->returned, half->nreturned * sizeof *returned);
		us_nt_free(half->returned);
		half->returned = returned;
		half->room = room;
	}
	half->returned[half->nreturned++] = page;
}

uint64_t us_nt_page(uint64_t lowest, uint64_t highest)
{
	struct us_phys *phys = us_nt->phys;
	const unsigned turn = phys->turn;
	uint32_t page = US_PAGE_NONE;

	us_windows_spare(1);
	for (unsigned i = turn, n = 0; n < 2 && page == US_PAGE_NONE; i = !i, n++)
		if (half_base[i] >= lowest && half_base[i] + (uint64_t)memory.scattered * US_NT_PAGE - 1 <= highest)
			page = take_from(i, US_PAGE_NONE);
	phys->turn = !turn;
	return page == US_PAGE_NONE ? UINT64_MAX : us_page_physical(page) / US_NT_PAGE;
}

void us_nt_page_free(uint64_t frame)
{
	us_page_give(us_page_of(frame * US_NT_PAGE));
}

/* -- contiguous memory -------------------------------------------------------------------------------------------- */

/* Whether pages `first` and on of a half's last quarter will do. */
static bool fits(const struct half *half, uint64_t base, uint32_t first, size_t pages, const struct us_contiguous *want)
{
	const uint64_t begin = base + (uint64_t)(memory.scattered + first) * US_NT_PAGE;
	const uint64_t last = begin + pages * US_NT_PAGE - 1;

	if (begin < want->lowest || last > want->highest)
		return false;
	if (want->boundary && begin / want->boundary != last / want->boundary)
		return false;
	return !memchr(half->contiguous + first, 1, pages);
}

static void *take_contiguous(unsigned i, size_t pages, const struct us_contiguous *want, uint64_t *physical)
{
	struct half *half = &us_nt->phys->half[i];
	const uint32_t count = memory.pages - memory.scattered;
	void *at;

	for (uint32_t first = count - (uint32_t)pages + 1; first--;) {
		if (!fits(half, half_base[i], first, pages, want))
			continue;
		*physical = half_base[i] + (uint64_t)(memory.scattered + first) * US_NT_PAGE;
		at = us_nt_map_contiguous(*physical, pages);
		if (!at)
			return NULL;
		memset(half->contiguous + first, 1, pages);
		if (first < half->lowest)
			half->lowest = first;
		memset(us_nt_linear(*physical), 0, pages * US_NT_PAGE);
		return at;
	}
	return NULL;
}

void *us_nt_contiguous_within(size_t pages, const struct us_contiguous *want, uint64_t *physical)
{
	void *at = NULL;

	if (!pages || pages > memory.pages - memory.scattered)
		return NULL;
	for (unsigned i = 2; !at && i--;)
		at = take_contiguous(i, pages, want, physical);
	return at;
}

void *us_nt_contiguous(size_t pages, uint64_t highest, uint64_t *physical)
{
	return us_nt_contiguous_within(pages, &(struct us_contiguous){.highest = highest}, physical);
}

void us_nt_contiguous_free(void *at, size_t pages)
{
	const uint32_t page = us_page_of(us_nt_physical(at));
	struct half *half = &us_nt->phys->half[page / US_PAGE_HIGH];

	memset(half->contiguous + (us_page_index(page) - memory.scattered), 0, pages);
	us_nt_unmap_physical(at, pages);
}
