/* SPDX-License-Identifier: Apache-2.0 */
/* What one access to a register costs: to the model in this process, and to one in another, over vfio-user. */
#include "bench.h"

#include "vfio-user/server.h"
#include "vfio-user/wire.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEVICE "crypto"
#define READ_REGISTER 0x0 /* ID */
#define WRITE_REGISTER 0x28 /* LENGTH: writing it starts nothing */
#define REQUEST (sizeof(struct us_vu_header) + sizeof(struct us_vu_region_access))
#define REPLY (REQUEST + 4)

static void ping(void *ctx, unsigned n)
{
	char bytes[REPLY] = {0};
	int fd = *(int *)ctx;

	while (n--)
		if (send(fd, bytes, REQUEST, MSG_NOSIGNAL) != REQUEST || recv(fd, bytes, REPLY, MSG_WAITALL) != REPLY)
			bench_fail("the other end of the ping-pong is gone");
}

static void system_call(void *ctx, unsigned n)
{
	(void)ctx;
	while (n--)
		syscall(SYS_getppid);
}

static void read_register(void *ctx, unsigned n)
{
	while (n--)
		us_fn_read32(ctx, US_REGION_BAR0, READ_REGISTER);
}

static void write_register(void *ctx, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		us_fn_write32(ctx, US_REGION_BAR0, WRITE_REGISTER, i);
	if (us_fn_read32(ctx, US_REGION_BAR0, WRITE_REGISTER) != n - 1) /* and wait until all have arrived */
		bench_fail("a write was lost");
}

static void write_and_read(void *ctx, unsigned n)
{
	while (n--) {
		us_fn_write32(ctx, US_REGION_BAR0, WRITE_REGISTER, n);
		us_fn_read32(ctx, US_REGION_BAR0, READ_REGISTER);
	}
}

int main(void)
{
	int ponger = bench_ponger(REQUEST, REPLY);
	struct us_function *polling = bench_served(DEVICE, US_SERVER_POLL_DEFAULT);
	struct us_function *sleeping = bench_served(DEVICE, 0);
	struct us_function *model = bench_model(DEVICE);
	struct bench_subject in_process[] = {
		{.name = "a system call that does nothing", .run = system_call, .n = 20000},
		{.name = "register read, model in this process", .run = read_register, .ctx = model, .n = 50000},
		{.name = "register write, model in this process", .run = write_register, .ctx = model, .n = 50000},
	};
	struct bench_subject over_socket[] = {
		{.name = "ping-pong of the same bytes, both sleep", .run = ping, .ctx = &ponger, .n = 300},
		{.name = "register read", .run = read_register, .ctx = polling, .n = 1000, .limit = 0.5},
		{.name = "register read, server without polling", .run = read_register, .ctx = sleeping, .n = 300},
		{.name = "posted register write", .run = write_register, .ctx = polling, .n = 5000, .limit = 0.5},
		{.name = "posted write and a read behind it", .run = write_and_read, .ctx = polling, .n = 1000},
	};

	bench_compare("Register access, model in this process", in_process, 3, 50);
	bench_compare("Register access over a vfio-user socket", over_socket, 5, 60);
	us_fn_close(model);
	us_fn_close(sleeping);
	us_fn_close(polling);
	close(ponger);
	return 0;
}
