/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's end of a vfio-user connection: requests and their replies, and the server's requests for DMA, which are
 * served whenever we wait. The server is not trusted: whatever it sends costs at most the connection.
 */
#ifndef UNDERSTUDY_FUNCTION_LINK_H
#define UNDERSTUDY_FUNCTION_LINK_H

#include "function/player.h"
#include "vfio-user/wire.h"

#include <sys/uio.h>

struct us_link {
	int fd;
	bool dead; /* no more messages; the sentence is in `cause` */
	char cause[160];
	uint16_t id; /* of the last request */
	uint8_t *in; /* US_VU_MESSAGE_MAX bytes: what was received and not yet taken, from `start` to `end` */
	size_t start, end;
	uint8_t *out; /* a reply with data from memory, made when first needed */
	int fds[US_VU_MSG_FDS]; /* received, not yet taken */
	unsigned nfds;
	bool alone; /* on one processor with the server: polling would only keep it from running */
	unsigned patience; /* replies to poll for before sleeping: see wait_for_bytes() */
	unsigned skipped; /* replies that were not polled for */
};

/* Takes `fd` over, on failure too. */
int us_link_open(struct us_function *fn, struct us_link *link, int fd);
void us_link_close(struct us_link *link);

/*
 * One request and its reply. `iov[0]` is left free for the header, the payload follows in iov[1] to iov[count - 1].
 * *reply is the reply's payload, good until the next call, and *length its bytes. -EIO: the connection is gone; else
 * the errno that the server answered with. Both leave a sentence.
 */
int us_link_call(struct us_function *fn, struct us_link *link, enum us_vu_command command, struct iovec *iov, int count,
		 const int *fds, unsigned nfds, const void **reply, size_t *length);

/* A request with no reply. */
int us_link_post(struct us_function *fn, struct us_link *link, enum us_vu_command command, struct iovec *iov,
		 int count);

/* Receives and serves what is there, without waiting. */
int us_link_serve(struct us_function *fn, struct us_link *link);

/* The first received descriptor, which is then the caller's, or -1; all others are closed. */
int us_link_take_fd(struct us_link *link);

#endif
