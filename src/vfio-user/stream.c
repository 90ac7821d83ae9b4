/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection's bytes.
 *
 * Receiving: as much as there is in one call, then every complete message in order. Descriptors belong to the message
 * with whose first byte they were sent; Linux ends a receive at the data that carried descriptors, so of the messages
 * that begin in the bytes received they are the last one's. (Of the last that may have any, for a client that glues
 * messages together.)
 *
 * While a request waits for the client (a DMA message sent from inside the device), further requests stay in the buffer
 * and only replies are taken out of it.
 *
 * Sending: one call. What the client does not take at once is kept, and until it is gone no further request is carried
 * out: a client that does not read can not make the server collect answers.
 */
#include "vfio-user/served.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* -- what epoll watches for ------------------------------------------------------------------------------------- */

/* With `lock` held. */
static void watch(struct us_served *f)
{
	struct us_stream *s = &f->stream;
	uint32_t events = 0;

	if (!s->full)
		events |= EPOLLIN;
	if (s->tx_from < s->tx_to)
		events |= EPOLLOUT;
	if (events == s->events || s->socket < 0)
		return;
	if (us_server_rewatch(f->server, s->socket, events, &s->watch) == 0)
		s->events = events;
}

/* -- sending ---------------------------------------------------------------------------------------------------- */

static ssize_t transmit(int socket, struct iovec *parts, int count, int fd)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
	ssize_t sent;

	if (fd >= 0) {
		struct cmsghdr *header;

		memset(&control, 0, sizeof control);
		message.msg_control = &control;
		message.msg_controllen = sizeof control.room;
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof fd);
	}
	do
		sent = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent;
}

static void drop_sent(struct us_stream *s)
{
	s->tx_from = s->tx_to = 0;
	if (s->tx_fd >= 0)
		close(s->tx_fd);
	s->tx_fd = -1;
}

/* Makes room for `more` bytes behind what waits already. */
static int reserve(struct us_stream *s, size_t more)
{
	size_t waiting = s->tx_to - s->tx_from;
	uint8_t *tx;

	if (more > US_BACKLOG - waiting)
		return -ENOBUFS;
	if (s->tx_from) {
		memmove(s->tx, s->tx + s->tx_from, waiting);
		s->tx_fd_at -= s->tx_fd >= 0 ? s->tx_from : 0;
		s->tx_from = 0;
		s->tx_to = waiting;
	}
	if (waiting + more <= s->tx_room)
		return 0;
	tx = realloc(s->tx, waiting + more);
	if (!tx)
		return -ENOMEM;
	s->tx = tx;
	s->tx_room = waiting + more;
	return 0;
}

/* Keeps the parts, less the `sent` bytes at their beginning. */
static int keep(struct us_stream *s, const struct iovec *parts, int count, size_t sent, int fd)
{
	size_t total = 0;
	int error;

	for (int i = 0; i < count; i++)
		total += parts[i].iov_len;
	error = reserve(s, total - sent);
	if (error)
		return error;
	if (fd >= 0 && !sent) {
		if (s->tx_fd >= 0)
			return -ENOBUFS; /* requests are not carried out while answers wait, so this is none of ours */
		s->tx_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (s->tx_fd < 0)
			return -errno;
		s->tx_fd_at = s->tx_to;
	}
	for (int i = 0; i < count; i++) {
		size_t skip = sent < parts[i].iov_len ? sent : parts[i].iov_len;

		memcpy(s->tx + s->tx_to, (uint8_t *)parts[i].iov_base + skip, parts[i].iov_len - skip);
		s->tx_to += parts[i].iov_len - skip;
		sent -= skip;
	}
	return 0;
}

void us_stream_send(struct us_served *f, struct iovec *parts, int count, int fd)
{
	struct us_stream *s = &f->stream;
	size_t total = 0;
	ssize_t sent = 0;
	int error = 0;

	for (int i = 0; i < count; i++)
		total += parts[i].iov_len;
	pthread_mutex_lock(&f->lock);
	if (s->socket < 0 || atomic_load(&f->doomed)) {
		pthread_mutex_unlock(&f->lock);
		return;
	}
	if (s->tx_from == s->tx_to)
		sent = transmit(s->socket, parts, count, fd);
	if (sent == -EAGAIN)
		sent = 0;
	if (sent < 0)
		error = (int)sent;
	else if ((size_t)sent < total)
		error = keep(s, parts, count, (size_t)sent, fd);
	watch(f);
	pthread_mutex_unlock(&f->lock);
	if (error == -EPIPE || error == -ECONNRESET)
		us_served_doom(f, US_CLIENT_LEFT);
	else if (error)
		us_served_doom(f, "a message could not be sent: %s", strerror(-error));
}

/* Sends what was kept. With `lock` held; 0 or a negative errno. */
static int flush(struct us_stream *s)
{
	while (s->tx_from < s->tx_to) {
		bool with_fd = s->tx_fd >= 0 && s->tx_from == s->tx_fd_at;
		size_t end = s->tx_fd >= 0 && s->tx_from < s->tx_fd_at ? s->tx_fd_at : s->tx_to;
		struct iovec part = {s->tx + s->tx_from, end - s->tx_from};
		ssize_t sent = transmit(s->socket, &part, 1, with_fd ? s->tx_fd : -1);

		if (sent == -EAGAIN)
			return 0;
		if (sent < 0)
			return (int)sent;
		if (with_fd) {
			close(s->tx_fd);
			s->tx_fd = -1;
		}
		s->tx_from += (size_t)sent;
	}
	drop_sent(s);
	return 0;
}

/* -- receiving -------------------------------------------------------------------------------------------------- */

static void close_fds(struct us_fds *fds)
{
	for (unsigned i = 0; i < fds->count; i++)
		if (fds->fd[i] >= 0)
			close(fds->fd[i]);
	fds->count = 0;
}

/* Where the message begins that owns descriptors which came with the bytes from `old` on. */
static size_t owner(const struct us_stream *s, size_t old)
{
	size_t last = 0, taker = 0;
	bool found = false;

	for (size_t at = 0; at < s->have;) {
		struct us_vu_header header;

		last = at;
		if (s->have - at < sizeof header)
			break;
		memcpy(&header, s->rx + at, sizeof header);
		if (!us_vu_size_ok(&header))
			break;
		if (at >= old && (header.flags & US_VU_TYPE) == US_VU_COMMAND && us_message_takes_fds(header.command)) {
			taker = at;
			found = true;
		}
		at += header.size;
	}
	return found ? taker : last;
}

static void take_fds(struct us_served *f, struct msghdr *message, size_t old)
{
	struct us_stream *s = &f->stream;
	struct us_fds fds = {.bad = message->msg_flags & MSG_CTRUNC};

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (fds.count < US_VU_MSG_FDS)
				fds.fd[fds.count++] = fd;
			else
				close(fd);
			fds.bad = fds.bad || n > US_VU_MSG_FDS;
		}
	}
	if (!fds.count && !fds.bad)
		return;
	fds.at = owner(s, old);
	/* Two sets for one message: it was sent in pieces, each with descriptors. */
	if (s->nfds == US_FD_SETS || (s->nfds && s->fds[s->nfds - 1].at == fds.at)) {
		close_fds(&fds);
		us_served_doom(f, "descriptors without end");
		return;
	}
	s->fds[s->nfds++] = fds;
}

/* The descriptors of the message at `at`, taken out of the queue. */
static struct us_fds fds_of(struct us_stream *s, size_t at)
{
	struct us_fds fds = {0};

	for (unsigned i = 0; i < s->nfds; i++) {
		if (s->fds[i].at != at)
			continue;
		fds = s->fds[i];
		memmove(&s->fds[i], &s->fds[i + 1], (s->nfds - i - 1) * sizeof fds);
		s->nfds--;
		break;
	}
	return fds;
}

/* Takes `size` bytes at `at` out of the buffer. */
static void cut(struct us_stream *s, size_t at, size_t size)
{
	memmove(s->rx + at, s->rx + at + size, s->have - at - size);
	s->have -= size;
	for (unsigned i = 0; i < s->nfds; i++)
		if (s->fds[i].at > at)
			s->fds[i].at -= size;
}

/* Is a whole message at `at`? One that can not be one ends the connection. */
static bool complete(struct us_served *f, size_t at, struct us_vu_header *header)
{
	const struct us_stream *s = &f->stream;

	if (s->have - at < sizeof *header)
		return false;
	memcpy(header, s->rx + at, sizeof *header);
	if (!us_vu_size_ok(header) || (header->flags & US_VU_TYPE) > US_VU_REPLY) {
		us_served_doom(f, "a message that is none: %u bytes, flags %#x", header->size, header->flags);
		return false;
	}
	return s->have - at >= header->size;
}

static void reply_came(struct us_served *f, size_t at, const struct us_vu_header *header)
{
	struct us_fds fds = fds_of(&f->stream, at);
	bool known = us_dma_reply(f, header, f->stream.rx + at + sizeof *header, us_vu_payload(header));

	close_fds(&fds);
	if (!known)
		us_served_doom(f, "a reply to nothing: message %u, command %u", header->id, header->command);
}

/* Inside a request: takes replies out from between the requests that wait. */
static void scan(struct us_served *f)
{
	struct us_stream *s = &f->stream;
	struct us_vu_header header;

	while (!atomic_load(&f->doomed) && complete(f, s->scanned, &header)) {
		if ((header.flags & US_VU_TYPE) == US_VU_REPLY) {
			reply_came(f, s->scanned, &header);
			cut(s, s->scanned, header.size);
		} else {
			s->scanned += header.size;
		}
	}
}

/* Does the client leave something unread? */
static bool backlog(struct us_served *f)
{
	bool any;

	pthread_mutex_lock(&f->lock);
	any = f->stream.tx_from < f->stream.tx_to;
	pthread_mutex_unlock(&f->lock);
	return any;
}

static void carry_out(struct us_served *f)
{
	struct us_stream *s = &f->stream;
	struct us_vu_header header;
	size_t at = 0;

	s->scanned = 0;
	while (!atomic_load(&f->doomed) && complete(f, at, &header) && !backlog(f)) {
		if ((header.flags & US_VU_TYPE) == US_VU_REPLY) {
			reply_came(f, at, &header);
		} else {
			struct us_fds fds = fds_of(s, at);
			struct us_message message = {header, s->rx + at + sizeof header, us_vu_payload(&header), &fds};

			s->scanned = at + header.size;
			f->busy++;
			us_message_handle(f, &message);
			f->busy--;
			close_fds(&fds);
		}
		at += header.size;
	}
	if (at) {
		for (unsigned i = 0; i < s->nfds; i++)
			s->fds[i].at -= at;
		memmove(s->rx, s->rx + at, s->have - at);
		s->have -= at;
	}
	s->scanned = 0;
}

void us_stream_resume(struct us_served *f)
{
	if (f->stream.have && !f->busy && f->stream.socket >= 0)
		carry_out(f);
}

static bool receive(struct us_served *f)
{
	struct us_stream *s = &f->stream;
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE((US_VU_MSG_FDS + 1) * sizeof(int))];
	} control;
	struct iovec part = {s->rx + s->have, US_RECEIVE - s->have};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.room};
	size_t old = s->have;
	ssize_t got;

	if (!part.iov_len)
		return false;
	do
		got = recvmsg(s->socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		return false;
	if (got < 0 && errno != ECONNRESET) {
		us_served_doom(f, "the connection failed: %s", strerror(errno));
		return false;
	}
	if (got <= 0) {
		us_served_doom(f, US_CLIENT_LEFT);
		return false;
	}
	s->have += (size_t)got;
	if (message.msg_controllen || message.msg_flags & MSG_CTRUNC)
		take_fds(f, &message, old);
	return true;
}

bool us_stream_receive(struct us_served *f)
{
	struct us_stream *s = &f->stream;
	bool more, progress;

	if (s->socket < 0 || atomic_load(&f->doomed))
		return false;
	more = receive(f);
	if (f->busy) {
		scan(f);
		progress = false;
	} else {
		carry_out(f);
		progress = true;
	}
	if (s->have == US_RECEIVE && !progress)
		us_served_doom(f, "more requests than can wait");
	if (s->full != (s->have == US_RECEIVE)) {
		pthread_mutex_lock(&f->lock);
		s->full = !s->full;
		watch(f);
		pthread_mutex_unlock(&f->lock);
	}
	return more;
}

static void ready(struct us_watch *w, uint32_t events)
{
	struct us_served *f = us_container_of(w, struct us_served, stream.watch);
	struct us_stream *s = &f->stream;
	int error = 0;

	if (s->socket < 0)
		return;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
		pthread_mutex_lock(&f->lock);
		error = flush(s);
		watch(f);
		pthread_mutex_unlock(&f->lock);
	}
	if (error)
		us_served_doom(f, US_CLIENT_LEFT);
	/* A client that left shows as the end of what can be read; the event itself may be about one before it. */
	us_stream_receive(f);
}

/* -- life ------------------------------------------------------------------------------------------------------- */

int us_stream_open(struct us_served *f, int socket)
{
	struct us_stream *s = &f->stream;
	int error;

	*s = (struct us_stream){.socket = -1, .tx_fd = -1, .watch = {ready}};
	s->rx = mmap(NULL, US_RECEIVE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s->rx == MAP_FAILED) {
		s->rx = NULL;
		return -ENOMEM;
	}
	error = us_server_watch(f->server, socket, EPOLLIN, &s->watch);
	if (error) {
		munmap(s->rx, US_RECEIVE);
		s->rx = NULL;
		return error;
	}
	s->events = EPOLLIN;
	s->socket = socket;
	return 0;
}

void us_stream_close(struct us_served *f)
{
	struct us_stream *s = &f->stream;

	if (s->socket < 0)
		return;
	us_server_unwatch(f->server, s->socket);
	close(s->socket);
	s->socket = -1;
	for (unsigned i = 0; i < s->nfds; i++)
		close_fds(&s->fds[i]);
	s->nfds = 0;
	munmap(s->rx, US_RECEIVE);
	s->rx = NULL;
	drop_sent(s);
	free(s->tx);
	s->tx = NULL;
	s->tx_room = 0;
}
