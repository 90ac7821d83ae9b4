/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vfio-user client that speaks bytes, and a server in this process to speak them to. Nothing here is shared with the
 * client of the seam, nor with wire.h's helpers: the layouts are written down a second time, from the specification.
 */
#ifndef TESTS_VFIO_USER_RAW_H
#define TESTS_VFIO_USER_RAW_H

#include "vfio-user/server.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RAW_MAX (1048576 + 64)

enum {
	VERSION = 1, DMA_MAP, DMA_UNMAP, GET_INFO, GET_REGION_INFO, GET_REGION_IO_FDS, GET_IRQ_INFO, SET_IRQS, REGION_READ,
	REGION_WRITE, DMA_READ, DMA_WRITE, RESET, WRITE_MULTI = 15, FEATURE, MIG_READ, MIG_WRITE
};

enum { BAR0 = 0, BAR2 = 2, ROM = 6, CONFIG = 7, VGA = 8 };
enum { INTX, MSI, MSIX, ERR, REQ };
enum { NONE = 1, BOOL = 2, EVENTFD = 4, MASK = 8, UNMASK = 16, TRIGGER = 32 };

struct header {
	uint16_t id, command;
	uint32_t size, flags, error;
};

struct reply {
	struct header h;
	uint8_t payload[RAW_MAX];
	size_t size; /* of the payload */
	int fd[8];
	int nfds;
};

/* A server in a thread of this process, and a connection to it that has not said anything yet. */
struct raw {
	struct us_server *server;
	struct us_served *served;
	pthread_t thread;
	bool runs;
	int fd;
	uint16_t id;
	int memory; /* a memfd of RAW_MEMORY bytes */
	uint8_t *at; /* mapped here */
	struct reply r; /* the last */
};

#define RAW_MEMORY 0x100000

struct raw *raw_open(void); /* connected and silent */
struct raw *raw_ready(void); /* version agreed on, memory decoding and bus mastering on */
void raw_close(struct raw *raw);

/* The server's thread is the only one that may touch the server, and so ends and begins anew around what others do. */
void raw_pause(struct raw *raw);
void raw_resume(struct raw *raw);

/* The client goes and another comes, on a new connection; the server has noticed. */
void raw_reconnect(struct raw *raw);
void raw_leave(struct raw *raw);
void raw_wait_gone(struct raw *raw); /* until the server ended the connection */

/* -- messages --------------------------------------------------------------------------------------------------- */

/* Sends a message in one piece with descriptors. */
void raw_send(struct raw *raw, uint16_t command, uint32_t flags, const void *payload, size_t size, const int *fds,
	      int nfds);
bool raw_write(struct raw *raw, const void *bytes, size_t size, const int *fds, int nfds); /* any bytes at all */

/* Receives one message; false: the server closed. */
bool raw_receive(struct raw *raw);

/* A request and its reply, which is checked to be one: 0 or the error. -1: the server closed instead. */
int raw_call(struct raw *raw, uint16_t command, const void *payload, size_t size, const int *fds, int nfds);

/* -- what tests mostly do --------------------------------------------------------------------------------------- */

int raw_version(struct raw *raw, uint16_t major, uint16_t minor, const char *json); /* json NULL: none */
int raw_map(struct raw *raw, uint64_t address, uint64_t size, uint32_t flags, int fd, uint64_t offset);
int raw_unmap(struct raw *raw, uint64_t address, uint64_t size);
uint32_t raw_read(struct raw *raw, uint32_t region, uint64_t offset);
uint64_t raw_read64(struct raw *raw, uint32_t region, uint64_t offset);
void raw_poke(struct raw *raw, uint32_t region, uint64_t offset, uint32_t value);
void raw_poke64(struct raw *raw, uint32_t region, uint64_t offset, uint64_t value);
int raw_access(struct raw *raw, uint16_t command, uint32_t region, uint64_t offset, uint32_t count, const void *data);
int raw_irqs(struct raw *raw, uint32_t index, uint32_t flags, uint32_t start, uint32_t count, const int *fds, int nfds);
uint64_t raw_events(int eventfd); /* what was signalled since the last look; does not wait */
uint64_t raw_await(int eventfd); /* waits for it */

/* Starts the mover on the whole of a range, without waiting. */
void raw_command(struct raw *raw, uint32_t command, uint64_t address, uint32_t length);
uint32_t raw_result(struct raw *raw); /* waits until it is no more busy */

int raw_count_fds(struct raw *raw); /* open descriptors of this process, the server idle */

#endif
