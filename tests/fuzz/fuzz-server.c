/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client that says anything. The input is the choices it makes: which messages, with which fields, descriptors and
 * lengths, when it answers the server and how, when it cuts its memory short, when it leaves. Most messages are nearly
 * right, so that they get far. The server must survive, lose no descriptor, and serve the next client as if nothing had
 * been. A run ends with how many messages were sent.
 */
#include "fuzz/fuzz.h"
#include "vfio-user/mover.h"
#include "vfio-user/server.h"
#include "vfio-user/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define MEMORY 0x40000
#define POOL 8

static struct us_server *server;
static struct us_served *served;
static int client = -1, pool[POOL];
static unsigned long long messages, connections;

/* -- choices ---------------------------------------------------------------------------------------------------- */

/* A number: small, one at a border, or any. */
static uint64_t number(struct input *in)
{
	static const uint64_t borders[] = {
		0, 1, 4, 8, 16, 20, 24, 32, 0x1000, 0x2000, 0x4000, 0x10000, MEMORY, 1048576, 1048577, 0x7fffffff, UINT32_MAX,
		UINT64_C(1) << 32, UINT64_MAX, UINT64_MAX - 0xfff, UINT64_C(1) << 63, INT64_MAX};
	uint8_t how = byte(in);
	uint64_t value = 0;

	if (how < 96)
		return how % 32;
	if (how < 160)
		return (uint64_t)(how % 16) << 12;
	if (how < 240)
		return borders[how % (sizeof borders / sizeof borders[0])];
	for (unsigned i = 0; i < 8; i++)
		value = value << 8 | byte(in);
	return value;
}

/* -- the client ------------------------------------------------------------------------------------------------- */

static void hang_up(void)
{
	if (client >= 0)
		close(client);
	client = -1;
	for (int i = 0; i < 4 && us_server_connected(served); i++)
		us_server_turn(server, 0);
	CHECK(!us_server_connected(served));
}

static bool send_bytes(const void *bytes, size_t size, const int *fds, size_t nfds)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(32 * sizeof(int))];
	} control;
	struct iovec part = {(void *)(uintptr_t)bytes, size};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (nfds) {
		struct cmsghdr *h;

		memset(&control, 0, sizeof control);
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		h = CMSG_FIRSTHDR(&message);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(h), fds, nfds * sizeof(int));
	}
	return sendmsg(client, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size;
}

/* What the server said: requests of its own are answered, well or badly. False: it hung up. */
static bool listen_to_server(struct input *in)
{
	static _Alignas(8) uint8_t buffer[1 << 16];
	ssize_t got = recv(client, buffer, sizeof buffer, MSG_DONTWAIT);
	struct us_vu_header h;

	for (size_t at = 0; got > 0 && at + sizeof h <= (size_t)got; at += h.size) {
		uint8_t how;

		memcpy(&h, buffer + at, sizeof h);
		if (h.size < sizeof h)
			break;
		if ((h.flags & US_VU_TYPE) != US_VU_COMMAND)
			continue;
		how = byte(in);
		if (how < 32)
			continue; /* no answer at all */
		h.flags = how < 64 ? US_VU_REPLY | US_VU_ERROR : US_VU_REPLY;
		h.error = how < 64 ? how : 0;
		if (how < 80)
			h.id = (uint16_t)(h.id + (how & 1));
		if (h.command == US_VU_DMA_READ && how >= 64 && at + 32 <= (size_t)got) {
			struct us_vu_dma_access access;

			memcpy(&access, buffer + at + sizeof h, sizeof access);
			h.size = (uint32_t)(32 + (how < 90 ? how : access.count & 0x7fff));
			memcpy(buffer, &h, sizeof h);
			memcpy(buffer + sizeof h, &access, sizeof access);
			send_bytes(buffer, h.size, NULL, 0);
			return true;
		}
		h.size = sizeof h;
		send_bytes(&h, sizeof h, NULL, 0);
	}
	return got > 0 || (got < 0 && errno == EAGAIN);
}

static void call_up(struct input *in)
{
	struct us_vu_header h = us_vu_request(1, US_VU_VERSION, 4);
	uint8_t message[20];
	uint16_t version[2] = {0, byte(in) & 1};
	int pair[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	client = pair[0];
	CHECK(us_server_attach(served, pair[1], NULL) == 0);
	connections++;
	if (byte(in) < 8)
		return; /* no greeting */
	memcpy(message, &h, sizeof h);
	memcpy(message + sizeof h, version, sizeof version);
	send_bytes(message, sizeof message, NULL, 0);
	messages++;
}

/* -- messages --------------------------------------------------------------------------------------------------- */

static void put(uint8_t **at, uint64_t value, size_t size)
{
	memcpy(*at, &value, size);
	*at += size;
}

static uint64_t near(struct input *in, uint64_t right)
{
	return byte(in) < 240 ? right : number(in);
}

static size_t access_payload(struct input *in, uint8_t *p, bool write)
{
	static const uint32_t regions[] = {0, 0, 0, 0, 2, 2, 7, 7, 7, 1, 6, 8, 9};
	uint32_t region = regions[byte(in) % (sizeof regions / sizeof regions[0])];
	uint64_t offset = byte(in) < 200 ? byte(in) % 20 * 4u : number(in);
	uint32_t count = byte(in) < 200 ? 4u << (byte(in) & 1) : (uint32_t)number(in) % 0x3000;
	uint8_t *start = p;

	if (region == 7 && byte(in) < 128)
		offset = 4; /* the command register, more often than chance would have it */
	put(&p, offset, 8);
	put(&p, near(in, region), 4);
	put(&p, near(in, count), 4);
	if (write) {
		for (uint32_t i = 0; i < count; i++)
			*p++ = i ? 0 : byte(in) % 8;
	}
	return (size_t)(p - start);
}

static size_t payload(struct input *in, uint16_t command, uint8_t *p)
{
	uint8_t *start = p;
	unsigned many = byte(in) % 8;

	switch (command) {
	case US_VU_VERSION:
		put(&p, near(in, 0), 2);
		put(&p, near(in, 1), 2);
		memcpy(p, "{\"capabilities\":{\"max_msg_fds\":1}}", 35);
		p += 35;
		*(p - 1 - many) = byte(in);
		break;
	case US_VU_DMA_MAP:
		put(&p, near(in, 32), 4);
		put(&p, near(in, 1 + byte(in) % 3), 4);
		put(&p, number(in), 8);
		put(&p, number(in), 8);
		put(&p, near(in, (1u + many) << 12), 8);
		break;
	case US_VU_DMA_UNMAP:
		put(&p, near(in, 24), 4);
		put(&p, near(in, many ? 0 : 2), 4);
		put(&p, many ? number(in) : 0, 8);
		put(&p, many ? (uint64_t)many << 12 : 0, 8);
		break;
	case US_VU_DEVICE_SET_IRQS:
		put(&p, near(in, 28), 4);
		put(&p, near(in, 1u << byte(in) % 3 | 8u << byte(in) % 3), 4);
		put(&p, near(in, byte(in) % 4), 4);
		put(&p, near(in, byte(in) % 4), 4);
		put(&p, near(in, many % 4), 4);
		put(&p, number(in), 8);
		break;
	case US_VU_REGION_READ:
	case US_VU_REGION_WRITE:
		return access_payload(in, p, command == US_VU_REGION_WRITE);
	case US_VU_REGION_WRITE_MULTI:
		put(&p, near(in, many), 8);
		for (unsigned i = 0; i < many; i++) {
			put(&p, number(in), 8);
			put(&p, byte(in) % 9, 4);
			put(&p, near(in, 4), 4);
			put(&p, number(in), 8);
		}
		break;
	default:
		put(&p, near(in, 64), 4);
		put(&p, near(in, 0), 4);
		put(&p, near(in, byte(in) % 10), 4);
		for (unsigned i = 0; i < 5; i++)
			put(&p, near(in, 0), 4);
		break;
	case US_VU_DEVICE_RESET:
		break;
	}
	return (size_t)(p - start);
}

static size_t choose_fds(struct input *in, uint16_t command, int *fds)
{
	uint8_t how = byte(in);
	size_t count = how < 64 ? 0 : how < 250 ? (command == US_VU_DEVICE_SET_IRQS ? how % 4 : how % 2) : how % 20;

	if (command != US_VU_DMA_MAP && command != US_VU_DEVICE_SET_IRQS && how < 250)
		count = 0;
	for (size_t i = 0; i < count; i++)
		fds[i] = how < 230 ? pool[command == US_VU_DEVICE_SET_IRQS ? 1 + i % 2 : 0] : pool[byte(in) % POOL];
	return count;
}

static void one_message(struct input *in)
{
	static _Alignas(8) uint8_t message[0x4000];
	uint8_t how = byte(in);
	uint16_t command = how < 100 ? (how & 1 ? US_VU_REGION_WRITE : US_VU_REGION_READ)
			   : how < 140 ? US_VU_DMA_MAP
			   : how < 170 ? US_VU_DMA_UNMAP
			   : how < 210 ? US_VU_DEVICE_SET_IRQS
				       : how % 20;
	size_t size = payload(in, command, message + sizeof(struct us_vu_header));
	struct us_vu_header h = us_vu_request(byte(in), (enum us_vu_command)command, size);
	int fds[32];
	size_t nfds = choose_fds(in, command, fds);

	if (byte(in) == 255)
		h.size = (uint32_t)number(in);
	if (h.size > size + sizeof h && h.size < 0x4000)
		size = h.size - sizeof h;
	how = byte(in);
	h.flags = how < 200 ? 0 : how < 254 ? US_VU_NO_REPLY : (uint32_t)number(in);
	memcpy(message, &h, sizeof h);
	size += sizeof h;
	messages++;
	if (byte(in) < 240) {
		send_bytes(message, size, fds, nfds);
	} else {
		/* In two pieces, and sometimes the second never comes. */
		size_t cut = 1 + byte(in) % (size - 1);

		send_bytes(message, cut, fds, nfds);
		us_server_turn(server, 0);
		if (byte(in) < 250)
			send_bytes(message + cut, size - cut, NULL, 0);
	}
}

static void something_else(struct input *in)
{
	uint8_t how = byte(in), bytes[64];

	if (how < 64) {
		hang_up();
	} else if (how < 128) {
		CHECK(ftruncate(pool[0], how & 1 ? 0 : MEMORY / 2) == 0);
		us_server_turn(server, 0);
		CHECK(ftruncate(pool[0], MEMORY) == 0);
	} else if (how < 192) {
		uint64_t one = 1;

		CHECK(write(pool[1], &one, sizeof one) == sizeof one || errno == EAGAIN);
	} else {
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = byte(in);
		send_bytes(bytes, 1 + how % sizeof bytes, NULL, 0);
		messages++;
	}
}

/* -- the run ---------------------------------------------------------------------------------------------------- */

static void report(void)
{
	if (client >= 0)
		close(client);
	us_server_destroy(server);
	for (int i = 0; i < POOL; i++)
		close(pool[i]);
	printf("%llu messages on %llu connections\n", messages, connections);
}

static void begin(void)
{
	struct us_server_options options = {.poll = 0, .patience = 1, .quiet = true};
	struct us_error err;
	int pipes[2];

	if (us_server_create(&options, &server, &err) || us_server_add(server, &mover_model, "mover", &served, &err)) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	CHECK(pipe(pipes) == 0);
	pool[0] = memfd_create("fuzz", MFD_CLOEXEC);
	CHECK(ftruncate(pool[0], MEMORY) == 0);
	pool[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pool[2] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pool[3] = pipes[0];
	pool[4] = pipes[1];
	pool[5] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pool[6] = open("/dev/null", O_RDWR | O_CLOEXEC);
	pool[7] = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	atexit(report);
}

/* The lowest number a new descriptor gets: it rises when one was lost. */
static int lowest(void)
{
	int fd = dup(pool[6]);

	close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int expected;
	struct input in = {data, size};

	if (!server)
		begin();
	if (!expected)
		expected = lowest();
	while (in.left) {
		if (client < 0)
			call_up(&in);
		if (byte(&in) < 250)
			one_message(&in);
		else
			something_else(&in);
		us_server_turn(server, 0);
		if (client >= 0 && (!listen_to_server(&in) || !us_server_connected(served)))
			hang_up();
	}
	hang_up();
	CHECK(lowest() == expected);
	return 0;
}
