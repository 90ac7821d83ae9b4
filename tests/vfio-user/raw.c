/* SPDX-License-Identifier: Apache-2.0 */
#include "raw.h"

#include "mover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void *serve(void *argument)
{
	us_server_run(((struct raw *)argument)->server);
	return NULL;
}

/* The server's thread is the only one that may touch it, so it is stopped for that. */
void raw_pause(struct raw *raw)
{
	if (raw->runs) {
		us_server_stop(raw->server);
		pthread_join(raw->thread, NULL);
	}
	raw->runs = false;
}

void raw_resume(struct raw *raw)
{
	assert_int_equal(pthread_create(&raw->thread, NULL, serve, raw), 0);
	raw->runs = true;
}

static void connect_client(struct raw *raw)
{
	struct us_error err;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	raw->fd = pair[0];
	if (us_server_attach(raw->served, pair[1], &err))
		fail_msg("%s", err.text);
}

struct raw *raw_open(void)
{
	struct us_server_options options = {.poll = 20, .quiet = true};
	/* Not cmocka's memory: a test may give up what its set-up made, and cmocka looks at that afterwards. */
	struct raw *raw = calloc(1, sizeof *raw);
	struct us_error err;

	assert_non_null(raw);
	raw->memory = memfd_create("raw", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(raw->memory >= 0);
	assert_int_equal(ftruncate(raw->memory, RAW_MEMORY), 0);
	raw->at = mmap(NULL, RAW_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, raw->memory, 0);
	assert_true(raw->at != MAP_FAILED);
	if (us_server_create(&options, &raw->server, &err) ||
	    us_server_add(raw->server, &mover_model, "mover", &raw->served, &err))
		fail_msg("%s", err.text);
	connect_client(raw);
	raw_resume(raw);
	return raw;
}

void raw_close(struct raw *raw)
{
	raw_leave(raw);
	raw_pause(raw);
	us_server_destroy(raw->server);
	munmap(raw->at, RAW_MEMORY);
	close(raw->memory);
	free(raw);
}

void raw_leave(struct raw *raw)
{
	if (raw->fd >= 0)
		close(raw->fd);
	raw->fd = -1;
}

void raw_reconnect(struct raw *raw)
{
	raw_leave(raw);
	raw_wait_gone(raw);
	raw_pause(raw);
	connect_client(raw);
	raw_resume(raw);
}

void raw_wait_gone(struct raw *raw)
{
	for (;;) {
		bool gone;

		raw_pause(raw);
		gone = !us_server_connected(raw->served);
		raw_resume(raw);
		if (gone)
			return;
		usleep(1000);
	}
}

struct raw *raw_ready(void)
{
	struct raw *raw = raw_open();

	assert_int_equal(raw_version(raw, 0, 1, "{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":65536}}"), 0);
	raw_poke(raw, CONFIG, 4, 0x6);
	return raw;
}

/* -- messages --------------------------------------------------------------------------------------------------- */

bool raw_write(struct raw *raw, const void *bytes, size_t size, const int *fds, int nfds)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(64 * sizeof(int))];
	} control;
	const uint8_t *at = bytes;

	while (size) {
		struct iovec part = {(void *)(uintptr_t)at, size};
		struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
		ssize_t n;

		if (nfds) {
			struct cmsghdr *h;

			memset(&control, 0, sizeof control);
			message.msg_control = &control;
			message.msg_controllen = CMSG_SPACE((size_t)nfds * sizeof(int));
			h = CMSG_FIRSTHDR(&message);
			h->cmsg_level = SOL_SOCKET;
			h->cmsg_type = SCM_RIGHTS;
			h->cmsg_len = CMSG_LEN((size_t)nfds * sizeof(int));
			memcpy(CMSG_DATA(h), fds, (size_t)nfds * sizeof(int));
		}
		n = sendmsg(raw->fd, &message, MSG_NOSIGNAL);
		if (n < 0)
			return false;
		nfds = 0;
		at += n;
		size -= (size_t)n;
	}
	return true;
}

void raw_send(struct raw *raw, uint16_t command, uint32_t flags, const void *payload, size_t size, const int *fds,
	      int nfds)
{
	struct header h = {++raw->id, command, (uint32_t)(sizeof h + size), flags, 0};
	uint8_t *message = test_malloc(sizeof h + size);

	memcpy(message, &h, sizeof h);
	if (size)
		memcpy(message + sizeof h, payload, size);
	raw_write(raw, message, sizeof h + size, fds, nfds);
	test_free(message);
}

static bool take(struct raw *raw, void *to, size_t size)
{
	uint8_t *at = to;

	while (size) {
		union {
			struct cmsghdr align;
			char room[CMSG_SPACE(8 * sizeof(int))];
		} control;
		struct iovec part = {at, size};
		struct msghdr m = {
			.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.room};
		ssize_t n = recvmsg(raw->fd, &m, MSG_CMSG_CLOEXEC);

		if (n <= 0)
			return false;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
			size_t length = c->cmsg_len - CMSG_LEN(0);

			memcpy(raw->r.fd + raw->r.nfds, CMSG_DATA(c), length);
			raw->r.nfds += (int)(length / sizeof(int));
		}
		at += n;
		size -= (size_t)n;
	}
	return true;
}

bool raw_receive(struct raw *raw)
{
	raw->r.nfds = 0;
	if (!take(raw, &raw->r.h, sizeof raw->r.h))
		return false;
	assert_in_range(raw->r.h.size, sizeof raw->r.h, sizeof raw->r.h + RAW_MAX);
	raw->r.size = raw->r.h.size - sizeof raw->r.h;
	return take(raw, raw->r.payload, raw->r.size);
}

int raw_call(struct raw *raw, uint16_t command, const void *payload, size_t size, const int *fds, int nfds)
{
	raw_send(raw, command, 0, payload, size, fds, nfds);
	if (!raw_receive(raw))
		return -1;
	assert_int_equal(raw->r.h.id, raw->id);
	assert_int_equal(raw->r.h.command, command);
	if (raw->r.h.flags == 0x21) {
		assert_int_equal(raw->r.size, 0);
		assert_int_not_equal(raw->r.h.error, 0);
		return (int)raw->r.h.error;
	}
	assert_int_equal(raw->r.h.flags, 1);
	return 0;
}

/* -- what tests mostly do --------------------------------------------------------------------------------------- */

int raw_version(struct raw *raw, uint16_t major, uint16_t minor, const char *json)
{
	size_t length = json ? strlen(json) + 1 : 0;
	uint8_t *payload = test_malloc(4 + length);
	int result;

	memcpy(payload, &major, 2);
	memcpy(payload + 2, &minor, 2);
	if (json)
		memcpy(payload + 4, json, length);
	result = raw_call(raw, VERSION, payload, 4 + length, NULL, 0);
	test_free(payload);
	return result;
}

int raw_map(struct raw *raw, uint64_t address, uint64_t size, uint32_t flags, int fd, uint64_t offset)
{
	struct {
		uint32_t argsz, flags;
		uint64_t offset, address, size;
	} m = {32, flags, offset, address, size};

	return raw_call(raw, DMA_MAP, &m, sizeof m, &fd, fd >= 0);
}

int raw_unmap(struct raw *raw, uint64_t address, uint64_t size)
{
	struct {
		uint32_t argsz, flags;
		uint64_t address, size;
	} m = {24, 0, address, size};

	return raw_call(raw, DMA_UNMAP, &m, sizeof m, NULL, 0);
}

int raw_access(struct raw *raw, uint16_t command, uint32_t region, uint64_t offset, uint32_t count, const void *data)
{
	size_t size = 16 + (command == REGION_WRITE ? count : 0);
	uint8_t *m = test_malloc(size);
	int result;

	memcpy(m, &offset, 8);
	memcpy(m + 8, &region, 4);
	memcpy(m + 12, &count, 4);
	if (size > 16)
		memcpy(m + 16, data, count);
	result = raw_call(raw, command, m, size, NULL, 0);
	test_free(m);
	return result;
}

uint32_t raw_read(struct raw *raw, uint32_t region, uint64_t offset)
{
	uint32_t value;

	assert_int_equal(raw_access(raw, REGION_READ, region, offset, 4, NULL), 0);
	assert_int_equal(raw->r.size, 20);
	memcpy(&value, raw->r.payload + 16, 4);
	return value;
}

uint64_t raw_read64(struct raw *raw, uint32_t region, uint64_t offset)
{
	uint64_t value;

	assert_int_equal(raw_access(raw, REGION_READ, region, offset, 8, NULL), 0);
	memcpy(&value, raw->r.payload + 16, 8);
	return value;
}

void raw_poke(struct raw *raw, uint32_t region, uint64_t offset, uint32_t value)
{
	assert_int_equal(raw_access(raw, REGION_WRITE, region, offset, 4, &value), 0);
}

void raw_poke64(struct raw *raw, uint32_t region, uint64_t offset, uint64_t value)
{
	assert_int_equal(raw_access(raw, REGION_WRITE, region, offset, 8, &value), 0);
}

int raw_irqs(struct raw *raw, uint32_t index, uint32_t flags, uint32_t start, uint32_t count, const int *fds, int nfds)
{
	uint32_t m[5] = {sizeof m, flags, index, start, count};

	return raw_call(raw, SET_IRQS, m, sizeof m, fds, nfds);
}

uint64_t raw_events(int fd)
{
	struct pollfd p = {fd, POLLIN, 0};
	uint64_t count = 0;

	if (poll(&p, 1, 0) == 1)
		assert_int_equal(read(fd, &count, sizeof count), sizeof count);
	return count;
}

uint64_t raw_await(int fd)
{
	struct pollfd p = {fd, POLLIN, 0};

	assert_int_equal(poll(&p, 1, 30000), 1);
	return raw_events(fd);
}

void raw_command(struct raw *raw, uint32_t command, uint64_t address, uint32_t length)
{
	raw_poke64(raw, BAR0, MOVER_ADDRESS, address);
	raw_poke(raw, BAR0, MOVER_LENGTH, length);
	raw_poke(raw, BAR0, MOVER_COMMAND, command);
}

uint32_t raw_result(struct raw *raw)
{
	uint32_t result;

	do
		result = raw_read(raw, BAR0, MOVER_RESULT);
	while (result == MOVER_BUSY);
	return result;
}

int raw_count_fds(struct raw *raw)
{
	DIR *dir;
	int count = 0;

	if (raw)
		raw_call(raw, 99, NULL, 0, NULL, 0); /* what the last request brought is closed by now */
	dir = opendir("/proc/self/fd");
	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}
