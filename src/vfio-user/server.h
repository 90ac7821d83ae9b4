/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vfio-user server: plays functions for clients such as QEMU, each function on a socket of its own.
 *
 * One thread serves all functions; it is the device thread of each (device.h). A function that has jobs gets a worker
 * thread for their steps. A function has one client at a time; when the client goes, however it goes, the function is
 * reset and the next client finds it as after power-on. Nothing a client sends or fails to send harms more than its own
 * connection.
 *
 * Threads: all functions here are for the server's thread unless they say otherwise.
 */
#ifndef UNDERSTUDY_VFIO_USER_SERVER_H
#define UNDERSTUDY_VFIO_USER_SERVER_H

#include "vfio-user/trace.h"

#include <understudy/device.h>
#include <understudy/error.h>

#include <stdbool.h>

struct us_server;
struct us_served; /* one function of a server */

#define US_SERVER_POLL_DEFAULT 100 /* µs */

struct us_server_options {
	/*
	 * How long, in µs, the server goes on looking for the next request before it sleeps: waking a sleeper takes longer
	 * than most accesses. It learns to sleep at once where looking does not pay. 0: never look.
	 */
	unsigned poll;
	/*
	 * How long a client has to answer a DMA message, in ms; then the access fails. 0: 2000, which is less than QEMU gives
	 * us for an answer (5 s), and we may be waiting for each other.
	 */
	unsigned patience;
	struct us_trace *trace; /* the device log and the server's own events, or NULL; stays the caller's */
	bool quiet; /* say nothing on standard error about clients that were refused or thrown out */
};

int us_server_create(const struct us_server_options *options, struct us_server **server, struct us_error *err);

/* Ends all connections, removes the sockets it made, destroys the functions. NULL is fine. */
void us_server_destroy(struct us_server *server);

/* Adds a function. `name` is for messages and the log, and is copied; *served, unless NULL, stays the server's. */
int us_server_add(struct us_server *server, const struct us_model *model, const char *name, struct us_served **served,
		  struct us_error *err);

/*
 * Makes a socket at `path` and listens. A socket there that nobody listens on is replaced; anything else is left alone:
 * -EADDRINUSE (another server lives there), -EEXIST (no socket), -ENAMETOOLONG. Only the user may connect (mode 0600).
 */
int us_server_listen(struct us_served *served, const char *path, struct us_error *err);

/* Listens on a socket that the caller bound, which becomes the server's. -EINVAL: no listening UNIX stream socket. */
int us_server_listen_fd(struct us_served *served, int fd, struct us_error *err);

/* Serves a client on a connected socket, which becomes the server's also on failure. -EBUSY: there is one. */
int us_server_attach(struct us_served *served, int fd, struct us_error *err);

/* Has the function a client now? */
bool us_server_connected(const struct us_served *served);

/*
 * Waits up to `timeout` ms (-1: for ever) for something to do and does it. 0, or a negative errno that ends service.
 */
int us_server_turn(struct us_server *server, int timeout);

/* Turns until us_server_stop(), and may be called again. 0 or a negative errno. */
int us_server_run(struct us_server *server);

/* Makes us_server_run() return, or the next not begin. Any thread, also a signal handler. */
void us_server_stop(struct us_server *server);

/* How often the server went to sleep, for tests: an idle one does not wake. Any thread. */
uint64_t us_server_sleeps(const struct us_server *server);

#endif
