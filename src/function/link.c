/* SPDX-License-Identifier: Apache-2.0 */
#include "function/link.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A server that says nothing for so long is taken for dead. Long enough for a person at its debugger's prompt. */
#define SILENCE_MS (10 * 60 * 1000)

/*
 * A sleeper takes longer to wake than a server that polls takes to answer, so a reply is polled for this long first. It
 * is not where only one processor could run us both, nor after it was in vain several times in a row.
 */
#define POLL_NS 60000
#define PATIENCE 16

#define CLOSED "the server closed the connection"

static int lose(struct us_function *fn, struct us_link *link, const char *cause)
{
	link->dead = true;
	snprintf(link->cause, sizeof link->cause, "%s", cause);
	return us_fn_fail(fn, -EIO, "%s", cause);
}

/* A server that ends with messages unread resets the connection: which of the two it is, is chance. */
static int lose_to_errno(struct us_function *fn, struct us_link *link)
{
	bool closed = errno == EPIPE || errno == ECONNRESET;

	return lose(fn, link, closed ? CLOSED : strerror(errno));
}

static int gone(struct us_function *fn, const struct us_link *link)
{
	return us_fn_fail(fn, -EIO, "the connection is gone: %s", link->cause);
}

static const char *command_name(unsigned command)
{
	static const char *const names[] = {
		[US_VU_VERSION] = "VERSION",
		[US_VU_DMA_MAP] = "DMA_MAP",
		[US_VU_DMA_UNMAP] = "DMA_UNMAP",
		[US_VU_DEVICE_GET_INFO] = "DEVICE_GET_INFO",
		[US_VU_DEVICE_GET_REGION_INFO] = "DEVICE_GET_REGION_INFO",
		[US_VU_DEVICE_GET_IRQ_INFO] = "DEVICE_GET_IRQ_INFO",
		[US_VU_DEVICE_SET_IRQS] = "DEVICE_SET_IRQS",
		[US_VU_REGION_READ] = "REGION_READ",
		[US_VU_REGION_WRITE] = "REGION_WRITE",
		[US_VU_DEVICE_RESET] = "DEVICE_RESET",
	};

	return command < sizeof names / sizeof names[0] && names[command] ? names[command] : "a request";
}

/* -- receiving -------------------------------------------------------------------------------------------------- */

static void close_fds(struct us_link *link)
{
	while (link->nfds)
		close(link->fds[--link->nfds]);
}

int us_link_take_fd(struct us_link *link)
{
	int fd = link->nfds ? link->fds[0] : -1;

	if (link->nfds)
		link->fds[0] = link->fds[--link->nfds];
	close_fds(link);
	return fd;
}

static void keep_fds(struct us_link *link, struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (link->nfds < US_VU_MSG_FDS)
				link->fds[link->nfds++] = fd;
			else
				close(fd);
		}
	}
}

static void move_to_front(struct us_link *link)
{
	memmove(link->in, link->in + link->start, link->end - link->start);
	link->end -= link->start;
	link->start = 0;
}

/* Receives into the free end of the buffer. 1: something, 0: nothing there now; -EIO. */
static int receive(struct us_function *fn, struct us_link *link)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(US_VU_MSG_FDS * sizeof(int))];
	struct msghdr msg = {.msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	struct iovec iov;
	ssize_t n;

	if (link->start == link->end || link->end == US_VU_MESSAGE_MAX)
		move_to_front(link);
	iov = (struct iovec){link->in + link->end, US_VU_MESSAGE_MAX - link->end};
	msg.msg_iov = &iov;
	do
		n = recvmsg(link->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		if (msg.msg_controllen)
			keep_fds(link, &msg);
		link->end += (size_t)n;
		return 1;
	}
	if (n < 0 && errno == EAGAIN)
		return 0;
	return n ? lose_to_errno(fn, link) : lose(fn, link, CLOSED);
}

static bool worth_polling(struct us_link *link)
{
	if (link->alone)
		return false;
	return link->patience || !(++link->skipped % 64); /* now and then it is tried again */
}

/* Waits until bytes were received. */
static int wait_for_bytes(struct us_function *fn, struct us_link *link)
{
	struct pollfd p = {.fd = link->fd, .events = POLLIN};
	int rc = receive(fn, link);

	if (!rc && worth_polling(link)) {
		uint64_t until = us_real_now(fn) + POLL_NS;

		do
			rc = receive(fn, link);
		while (!rc && us_real_now(fn) < until);
		if (rc)
			link->patience = PATIENCE;
		else if (link->patience)
			link->patience--;
	}
	while (!rc) {
		int n = poll(&p, 1, SILENCE_MS);

		if (!n)
			return lose(fn, link, "the server does not answer");
		if (n < 0 && errno != EINTR)
			return lose_to_errno(fn, link);
		rc = receive(fn, link);
	}
	return rc < 0 ? rc : 0;
}

/* The whole message at the start of the buffer, or NULL while some of it is missing. */
static int next_message(struct us_function *fn, struct us_link *link, const struct us_vu_header **header)
{
	*header = NULL;
	if (link->start % 8) /* messages are read in place */
		move_to_front(link);
	if (link->end - link->start < sizeof **header)
		return 0;
	*header = (const struct us_vu_header *)(const void *)(link->in + link->start);
	if (!us_vu_size_ok(*header))
		return lose(fn, link, "the server sent a message of impossible size");
	if (link->end - link->start >= (*header)->size)
		return 0;
	*header = NULL;
	move_to_front(link); /* what is missing must fit behind it */
	return 0;
}

/* -- sending ---------------------------------------------------------------------------------------------------- */

static void attach(struct msghdr *msg, char *control, const int *fds, unsigned nfds)
{
	struct cmsghdr *c;

	msg->msg_control = control;
	msg->msg_controllen = CMSG_SPACE(nfds * sizeof *fds);
	c = CMSG_FIRSTHDR(msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(nfds * sizeof *fds);
	memcpy(CMSG_DATA(c), fds, nfds * sizeof *fds);
}

/* While the socket is full, what the server sends is taken in, so that two who both send can not lock each other up. */
static int wait_to_send(struct us_function *fn, struct us_link *link)
{
	bool room = link->end < US_VU_MESSAGE_MAX;
	struct pollfd p = {.fd = link->fd, .events = (short)(POLLOUT | (room ? POLLIN : 0))};
	int n = poll(&p, 1, SILENCE_MS);

	if (!n)
		return lose(fn, link, "the server takes no more requests");
	if (n < 0)
		return errno == EINTR ? 0 : lose_to_errno(fn, link);
	if (room && p.revents & POLLIN)
		n = receive(fn, link);
	return n < 0 ? n : 0;
}

static int send_all(struct us_function *fn, struct us_link *link, struct iovec *iov, int count, const int *fds,
		    unsigned nfds)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(US_VU_MSG_FDS * sizeof(int))] = {0};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = (size_t)count};
	int rc = 0;

	if (nfds)
		attach(&msg, control, fds, nfds);
	while (!rc && msg.msg_iovlen) {
		ssize_t n = sendmsg(link->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			rc = wait_to_send(fn, link);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return lose_to_errno(fn, link);
		msg.msg_control = NULL; /* sent with the first byte */
		msg.msg_controllen = 0;
		for (; msg.msg_iovlen && (size_t)n >= msg.msg_iov->iov_len; msg.msg_iov++, msg.msg_iovlen--)
			n -= (ssize_t)msg.msg_iov->iov_len;
		if (msg.msg_iovlen) {
			msg.msg_iov->iov_base = (uint8_t *)msg.msg_iov->iov_base + n;
			msg.msg_iov->iov_len -= (size_t)n;
		}
	}
	return rc;
}

/* -- the server's requests -------------------------------------------------------------------------------------- */

static int answer(struct us_function *fn, struct us_link *link, const struct us_vu_header *request, int error,
		  const void *payload, size_t length)
{
	struct us_vu_header header = us_vu_reply(request, error, length);
	struct iovec iov[2] = {{&header, sizeof header}, {(void *)(uintptr_t)payload, error ? 0 : length}};

	return request->flags & US_VU_NO_REPLY ? 0 : send_all(fn, link, iov, 2, NULL, 0);
}

static int serve_dma_read(struct us_function *fn, struct us_link *link, const struct us_vu_header *request,
			  const struct us_vu_dma_access *access)
{
	struct us_vu_dma_access *reply;
	int rc = -EINVAL;

	if (!link->out && !(link->out = malloc(sizeof *reply + US_VU_DEFAULT_XFER)))
		return lose(fn, link, "out of memory");
	reply = (void *)link->out;
	*reply = *access;
	if (reply->count <= US_VU_DEFAULT_XFER)
		rc = us_mappings_move(&fn->dma, reply->address, reply + 1, reply->count, US_FN_DMA_READ, NULL);
	return answer(fn, link, request, rc, reply, sizeof *reply + (rc ? 0 : reply->count));
}

static int serve_dma_write(struct us_function *fn, struct us_link *link, const struct us_vu_header *request,
			   const struct us_vu_dma_access *access)
{
	struct us_vu_dma_access done = *access; /* more may be received while the answer is sent */
	int rc = -EINVAL;

	if (access->count == us_vu_payload(request) - sizeof *access)
		rc = us_mappings_move(&fn->dma, access->address, (void *)(uintptr_t)(access + 1), access->count,
				      US_FN_DMA_WRITE, NULL);
	return answer(fn, link, request, rc, &done, sizeof done);
}

/* "VFIO_USER_DMA_READ", "VFIO_USER_DMA_WRITE"; nothing else may be asked of a client. */
static int serve(struct us_function *fn, struct us_link *link, const struct us_vu_header *request)
{
	struct us_vu_header header = *request;
	const struct us_vu_dma_access *access = (const void *)(link->in + link->start + sizeof header);

	link->start += header.size;
	if (us_vu_payload(&header) < sizeof *access)
		return answer(fn, link, &header, -EINVAL, NULL, 0);
	if (header.command == US_VU_DMA_READ)
		return serve_dma_read(fn, link, &header, access);
	if (header.command == US_VU_DMA_WRITE)
		return serve_dma_write(fn, link, &header, access);
	return answer(fn, link, &header, -EOPNOTSUPP, NULL, 0);
}

int us_link_serve(struct us_function *fn, struct us_link *link)
{
	const struct us_vu_header *header;
	int rc = link->dead ? gone(fn, link) : receive(fn, link);

	while (rc >= 0) {
		rc = next_message(fn, link, &header);
		if (rc || !header)
			return rc;
		if ((header->flags & US_VU_TYPE) != US_VU_COMMAND)
			return lose(fn, link, "the server sent a reply that nobody asked for");
		rc = serve(fn, link, header);
	}
	return rc;
}

/* -- ours ------------------------------------------------------------------------------------------------------- */

static int request(struct us_function *fn, struct us_link *link, struct us_vu_header *header, struct iovec *iov,
		   int count, const int *fds, unsigned nfds)
{
	size_t payload = 0;

	for (int i = 1; i < count; i++)
		payload += iov[i].iov_len;
	header->size += (uint32_t)payload;
	iov[0] = (struct iovec){header, sizeof *header};
	return send_all(fn, link, iov, count, fds, nfds);
}

/* Takes the reply out of the buffer. Its payload stays where it is until more is received. */
static int take_reply(struct us_function *fn, struct us_link *link, const struct us_vu_header *header, unsigned command,
		      const void **reply, size_t *length)
{
	link->start += header->size;
	if (header->id != link->id || header->command != command)
		return lose(fn, link, "the server answered something that was not asked");
	if (header->flags & US_VU_ERROR) {
		int why = header->error && header->error < 4096 ? (int)header->error : EIO;

		return us_fn_fail(fn, -why, "the server refuses %s: %s", command_name(command), strerror(why));
	}
	*reply = header + 1;
	*length = us_vu_payload(header);
	return 0;
}

int us_link_call(struct us_function *fn, struct us_link *link, enum us_vu_command command, struct iovec *iov, int count,
		 const int *fds, unsigned nfds, const void **reply, size_t *length)
{
	struct us_vu_header header = us_vu_request(++link->id, command, 0);
	const struct us_vu_header *got;
	int rc = link->dead ? gone(fn, link) : request(fn, link, &header, iov, count, fds, nfds);

	close_fds(link); /* none may be left from before: those that come belong to this reply */
	while (!rc) {
		rc = next_message(fn, link, &got);
		if (!rc && !got)
			rc = wait_for_bytes(fn, link);
		else if (!rc && (got->flags & US_VU_TYPE) == US_VU_COMMAND)
			rc = serve(fn, link, got);
		else if (!rc)
			return take_reply(fn, link, got, command, reply, length);
	}
	return rc;
}

int us_link_post(struct us_function *fn, struct us_link *link, enum us_vu_command command, struct iovec *iov, int count)
{
	struct us_vu_header header = us_vu_request(++link->id, command, 0);

	header.flags |= US_VU_NO_REPLY;
	return link->dead ? gone(fn, link) : request(fn, link, &header, iov, count, NULL, 0);
}

int us_link_open(struct us_function *fn, struct us_link *link, int fd)
{
	cpu_set_t set;

	*link = (struct us_link){.fd = fd, .patience = PATIENCE};
	link->alone = sched_getaffinity(0, sizeof set, &set) || CPU_COUNT(&set) == 1;
	link->in = malloc(US_VU_MESSAGE_MAX);
	return link->in ? 0 : us_fn_fail(fn, -ENOMEM, "out of memory");
}

void us_link_close(struct us_link *link)
{
	close_fds(link);
	if (link->fd >= 0)
		close(link->fd);
	free(link->in);
	free(link->out);
}
