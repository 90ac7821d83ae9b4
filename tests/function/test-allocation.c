/* SPDX-License-Identifier: Apache-2.0 */
/* An access allocates no memory: neither in this process with a model, nor in client and server over a socket. */
#include "body.h"
#include "device.h"
#include "function/player.h"

#include "vfio-user/server.h"

#include <linux/pci_regs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Every allocation of this program comes through here, in all its threads. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *at, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static atomic_ulong allocations;

void *malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	allocations++;
	return __libc_calloc(n, size);
}

void *realloc(void *at, size_t size)
{
	allocations++;
	return __libc_realloc(at, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	allocations++;
	return __libc_memalign(alignment, size);
}

static void *volatile kept;

static void needs_counting(void)
{
	unsigned long before = allocations;

	kept = malloc(100);
	free(kept);
	if (allocations == before)
		skip(); /* something else stands in for malloc: valgrind */
}

/* Accesses of every kind and width, DMA, an interrupt. */
static void use(struct us_function *fn, unsigned times)
{
	uint64_t value;

	for (unsigned i = 0; i < times; i++) {
		unsigned width = 1u << i % 4;

		us_fn_write(fn, US_REGION_BAR0, T_SCRATCH, width, i);
		us_fn_read(fn, US_REGION_BAR0, T_SCRATCH, width, &value);
		us_fn_read(fn, US_REGION_BAR0 + 4, 0, 4, &value);
		us_fn_read(fn, US_REGION_CONFIG, 0, 4, &value);
		us_fn_write(fn, US_REGION_CONFIG, PCI_INTERRUPT_LINE, 1, i);
		us_fn_write(fn, US_REGION_BAR0, T_GO, 4, 1 + i % 2);
		us_fn_write(fn, US_REGION_BAR0, T_RAISE, 4, 1);
		us_fn_irq_wait(fn, US_MSI, 0, 0, NULL);
		us_fn_write(fn, US_REGION_BAR0, T_STATUS, 4, 1);
	}
	us_fn_read(fn, US_REGION_BAR0, T_SCRATCH, 8, &value);
}

static void counts_none(struct us_function *fn, unsigned times)
{
	unsigned long before;
	void *at;

	assert_done(fn, us_fn_dma_alloc(fn, 0x10000, 8192, 3, &at));
	assert_done(fn, us_fn_irq_enable(fn, US_MSI, 1));
	assert_done(fn, us_fn_write(fn, US_REGION_CONFIG, PCI_COMMAND, 2,
				    PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_IO));
	us_fn_write32(fn, US_REGION_BAR0, T_ENABLE, 1);
	us_fn_write32(fn, US_REGION_BAR0, T_ADDRESS, 0x10000);
	us_fn_write32(fn, US_REGION_BAR0, T_LENGTH, 64);
	use(fn, 10); /* what is made once is made now */
	before = allocations;
	use(fn, times);
	assert_int_equal(allocations - before, 0);
}

static void a_model_in_this_process_allocates_nothing_for_an_access(void **state)
{
	struct us_function *fn;

	(void)state;
	needs_counting();
	assert_int_equal(us_model_play(&t_model, &fn, NULL), 0);
	counts_none(fn, 100000);
	us_fn_close(fn);
}

static void *serve(void *ctx)
{
	us_server_run(ctx);
	return NULL;
}

static void neither_client_nor_server_allocates_for_an_access(void **state)
{
	const struct us_server_options options = {.poll = US_SERVER_POLL_DEFAULT, .quiet = true};
	struct us_server *server;
	struct us_served *served;
	struct us_function *fn;
	pthread_t thread;
	int pair[2];

	(void)state;
	needs_counting();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(us_server_create(&options, &server, NULL), 0);
	assert_int_equal(us_server_add(server, &t_model, "seamtest", &served, NULL), 0);
	assert_int_equal(us_server_attach(served, pair[1], NULL), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve, server), 0);
	assert_int_equal(us_socket_play(pair[0], "served", &fn, NULL), 0);
	counts_none(fn, 5000);
	us_fn_close(fn);
	us_server_stop(server);
	pthread_join(thread, NULL);
	us_server_destroy(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_model_in_this_process_allocates_nothing_for_an_access),
		cmocka_unit_test(neither_client_nor_server_allocates_for_an_access),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
