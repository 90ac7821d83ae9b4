/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small vfio-user server for tests of the client, which answers properly until it is told to lie. And what it said in
 * one whole session, as bytes, to be cut, bent and played back.
 */
#ifndef TESTS_FUNCTION_PEER_H
#define TESTS_FUNCTION_PEER_H

#include <understudy/function.h>

#include "vfio-user/wire.h"

#include <pthread.h>

#define PEER_REPLY 8192 /* longest reply */
#define PEER_FDS 32

struct peer {
	int socket; /* the server's end */
	int client; /* what us_socket_play() gets */
	pthread_t thread;
	uint8_t config[256];
	uint8_t bar0[4096];
	int memory; /* a memfd of 16 KiB behind BAR 2 */

	/*
	 * Called with each reply before it is sent: may change it and its length, and the descriptors that go along.
	 * Returns the new length; 0: nothing is sent and the connection closed.
	 */
	size_t (*lie)(struct peer *peer, const struct us_vu_header *request, uint8_t *reply, size_t length);
	int fds[PEER_FDS];
	unsigned nfds;

	/* For the liar. */
	unsigned seen, at;
	uint32_t value;
	uint8_t got[PEER_REPLY]; /* the client's answer to a request of the server */
	size_t got_length;

	uint8_t *record; /* all that was sent, or NULL */
	size_t recorded, room;
};

/* Starts answering in a thread. */
void peer_start(struct peer *peer);
void peer_stop(struct peer *peer); /* waits for the client to have gone */

/* Sends a request of the server in the middle of a reply, and keeps the client's answer in got. */
void peer_ask(struct peer *peer, uint16_t command, const void *payload, size_t length);

/* Opens the client on the peer. */
int peer_open(struct peer *peer, struct us_function **fn, struct us_error *err);

/* A client's life, whatever becomes of it: open, access, interrupts, DMA, reset, close. 0 if all of it worked. */
int peer_session(int socket);

/* The same against a server that says exactly these bytes, with `nfds` descriptors at the first, and then nothing more.
 */
int peer_replay(const uint8_t *stream, size_t length, unsigned nfds);

/* What an honest server says in a session; the caller frees it. */
uint8_t *peer_record(size_t *length);

#endif
