/* SPDX-License-Identifier: Apache-2.0 */
/* The vfio-user player's two halves: playing (socket.c), and finding out what the server has (socket-describe.c). */
#ifndef UNDERSTUDY_FUNCTION_SOCKET_H
#define UNDERSTUDY_FUNCTION_SOCKET_H

#include "function/link.h"

/* A part of a region that may be mapped. */
struct us_socket_area {
	unsigned region;
	uint64_t offset, size;
	struct us_socket_area *next;
};

struct us_socket_player {
	struct us_function fn;
	struct us_link link;
	struct us_eventfds eventfds;
	unsigned max_fds; /* descriptors that the server takes in one message */
	bool maskable[US_IRQ_KIND_COUNT]; /* by the server, with SET_IRQS */
	struct us_socket_area *areas;
	int region_fd[US_REGIONS]; /* of a region with areas, or -1 */
	uint64_t region_fd_offset[US_REGIONS]; /* where the region starts in its file */
};

/* Agrees on a version and on limits. */
int us_socket_negotiate(struct us_socket_player *p);

/* Fills fn.info, but for what is read from config space, and the areas. */
int us_socket_describe(struct us_socket_player *p);

#endif
