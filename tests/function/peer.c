/* SPDX-License-Identifier: Apache-2.0 */
#include "peer.h"
#include "function/player.h"

#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAYLOAD 16 /* where a message's payload starts */

/* -- honest answers ---------------------------------------------------------------------------------------------- */

static void make_config(uint8_t *config)
{
	memcpy(config, "\x34\x12\xde\xc0", 4);
	config[PCI_STATUS] = PCI_STATUS_CAP_LIST;
	config[PCI_BASE_ADDRESS_2] = PCI_BASE_ADDRESS_MEM_TYPE_64;
	config[PCI_CAPABILITY_LIST] = 0x40;
	memcpy(config + 0x40, "\x05\x60\x84\x01", 4); /* MSI: 64 bits, 4 messages, masking */
	memcpy(config + 0x60, "\x11\x00\x03\x00\x00\x08\x00\x00", 8); /* MSI-X: 4 entries in BAR 0 at 0x800 */
}

static size_t version(uint8_t *payload)
{
	const struct us_vu_version ours = {US_VU_MAJOR, US_VU_MINOR};
	static const char json[] = "{\"capabilities\":{\"max_msg_fds\":3,\"max_data_xfer_size\":65536}}";

	memcpy(payload, &ours, sizeof ours);
	memcpy(payload + sizeof ours, json, sizeof json);
	return sizeof ours + sizeof json;
}

static size_t region_info(struct peer *peer, uint8_t *payload)
{
	struct us_vu_region_info *info = (void *)payload;
	struct us_vu_sparse *sparse = (void *)(info + 1);

	info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	info->argsz = sizeof *info;
	info->size = info->index == 0 ? 4096 : info->index == 2 ? 16384 : info->index == 7 ? 256 : 0;
	if (info->index != 2)
		return sizeof *info;
	info->flags |= VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_CAPS;
	info->cap_offset = sizeof *info;
	info->argsz = sizeof *info + sizeof *sparse + 2 * sizeof sparse->areas[0];
	*sparse = (struct us_vu_sparse){{VFIO_REGION_INFO_CAP_SPARSE_MMAP, 1, 0}, 2, 0};
	sparse->areas[0] = (struct us_vu_sparse_area){0, 4096};
	sparse->areas[1] = (struct us_vu_sparse_area){8192, 4096};
	peer->fds[peer->nfds++] = dup(peer->memory);
	return info->argsz;
}

static size_t irq_info(uint8_t *payload)
{
	struct us_vu_irq_info *info = (void *)payload;

	info->flags = VFIO_IRQ_INFO_EVENTFD;
	info->count = info->index == 0 ? 1 : info->index < 3 ? 4 : 0;
	return sizeof *info;
}

static size_t access_region(struct peer *peer, const struct us_vu_header *request, uint8_t *payload)
{
	const struct us_vu_region_access *access = (void *)payload;
	uint8_t *at = (access->region == 7 ? peer->config : peer->bar0) + access->offset;

	if (request->command == US_VU_REGION_WRITE) {
		memcpy(at, payload + sizeof *access, access->count);
		return sizeof *access;
	}
	memcpy(payload + sizeof *access, at, access->count);
	return sizeof *access + access->count;
}

/* The reply's payload in place of the request's. */
static size_t answer(struct peer *peer, const struct us_vu_header *request, uint8_t *payload, size_t length)
{
	struct us_vu_device_info *device = (void *)payload;

	switch (request->command) {
	case US_VU_VERSION:
		return version(payload);
	case US_VU_DEVICE_GET_INFO:
		*device = (struct us_vu_device_info){sizeof *device, VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET, 9,
						     5};
		return sizeof *device;
	case US_VU_DEVICE_GET_REGION_INFO:
		return region_info(peer, payload);
	case US_VU_DEVICE_GET_IRQ_INFO:
		return irq_info(payload);
	case US_VU_REGION_READ:
	case US_VU_REGION_WRITE:
		return access_region(peer, request, payload);
	case US_VU_DMA_UNMAP:
		return length;
	default:
		return 0;
	}
}

/* -- the thread -------------------------------------------------------------------------------------------------- */

static bool receive_all(int fd, void *buffer, size_t length)
{
	return !length || recv(fd, buffer, length, MSG_WAITALL) == (ssize_t)length;
}

static void send_with_fds(struct peer *peer, const void *bytes, size_t length)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof peer->fds)] = {0};
	struct iovec iov = {(void *)(uintptr_t)bytes, length};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (peer->nfds) {
		struct cmsghdr *c;

		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(peer->nfds * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(peer->nfds * sizeof(int));
		memcpy(CMSG_DATA(c), peer->fds, peer->nfds * sizeof(int));
	}
	if (sendmsg(peer->socket, &msg, MSG_NOSIGNAL) < 0)
		peer->at = UINT32_MAX; /* the client went first; the next receive says so too */
	while (peer->nfds)
		close(peer->fds[--peer->nfds]);
	if (peer->record && peer->recorded + length <= peer->room) {
		memcpy(peer->record + peer->recorded, bytes, length);
		peer->recorded += length;
	}
}

/* A request whole; descriptors that come along are closed by the kernel, there being no room for them. */
static bool next_request(struct peer *peer, struct us_vu_header *header, uint8_t *payload)
{
	return receive_all(peer->socket, header, sizeof *header) && us_vu_size_ok(header) &&
	       us_vu_payload(header) <= PEER_REPLY - PAYLOAD &&
	       receive_all(peer->socket, payload, us_vu_payload(header));
}

static void *serve(void *ctx)
{
	struct peer *peer = ctx;
	_Alignas(8) uint8_t message[PEER_REPLY];
	struct us_vu_header request, reply;

	while (next_request(peer, &request, message + PAYLOAD)) {
		size_t length = answer(peer, &request, message + PAYLOAD, us_vu_payload(&request));

		if (request.flags & US_VU_NO_REPLY)
			continue;
		reply = us_vu_reply(&request, 0, length);
		memcpy(message, &reply, sizeof reply);
		length += PAYLOAD;
		if (peer->lie)
			length = peer->lie(peer, &request, message, length);
		if (!length)
			break;
		send_with_fds(peer, message, length);
	}
	shutdown(peer->socket, SHUT_RDWR);
	return NULL;
}

void peer_ask(struct peer *peer, uint16_t command, const void *payload, size_t length)
{
	struct us_vu_header header = us_vu_request(0x7777, (enum us_vu_command)command, length);
	uint8_t message[PEER_REPLY];

	memcpy(message, &header, sizeof header);
	memcpy(message + PAYLOAD, payload, length);
	send_with_fds(peer, message, PAYLOAD + length);
	peer->got_length = 0;
	if (!receive_all(peer->socket, peer->got, sizeof header))
		return;
	memcpy(&header, peer->got, sizeof header);
	if (header.size <= sizeof peer->got && receive_all(peer->socket, peer->got + PAYLOAD, us_vu_payload(&header)))
		peer->got_length = header.size;
}

void peer_start(struct peer *peer)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		abort();
	peer->client = pair[0];
	peer->socket = pair[1];
	peer->memory = memfd_create("peer", MFD_CLOEXEC);
	if (peer->memory < 0 || ftruncate(peer->memory, 16384))
		abort();
	make_config(peer->config);
	if (pthread_create(&peer->thread, NULL, serve, peer))
		abort();
}

void peer_stop(struct peer *peer)
{
	pthread_join(peer->thread, NULL);
	close(peer->socket);
	close(peer->memory);
}

int peer_open(struct peer *peer, struct us_function **fn, struct us_error *err)
{
	return us_socket_play(peer->client, "peer", fn, err);
}

/* -- a session --------------------------------------------------------------------------------------------------- */

int peer_session(int socket)
{
	struct us_function *fn;
	void *at;
	uint64_t value;
	int rc = us_socket_play(socket, "peer", &fn, NULL);

	if (rc)
		return rc;
	rc |= us_fn_irq_enable(fn, US_MSI, 4);
	rc |= us_fn_dma_alloc(fn, 0x1000, 4096, 3, &at);
	for (unsigned width = 1; width <= 8; width *= 2) {
		rc |= us_fn_write(fn, US_REGION_BAR0, 64, width, 0x1122334455667788);
		rc |= us_fn_read(fn, US_REGION_BAR0, 64, width, &value);
	}
	rc |= us_fn_irq_mask(fn, US_MSI, 1);
	if (!us_fn_map_region(fn, US_REGION_BAR0 + 2, 8192, 4096, &at))
		*(volatile uint8_t *)at = 1;
	rc |= us_fn_dma_unmap(fn, 0, 1 << 20);
	rc |= us_fn_reset(fn);
	rc |= us_fn_irq_enable(fn, US_INTX, 1);
	rc |= us_fn_irq_unmask(fn, US_INTX, 0);
	rc |= us_fn_capability(fn, PCI_CAP_ID_MSIX) < 0;
	us_fn_irq_wait(fn, US_INTX, 0, 0, NULL); /* none comes; played back, the end does */
	us_fn_close(fn);
	return rc;
}

/* Takes whatever the client says, so that it never has to wait. */
static void *drain(void *ctx)
{
	char bytes[4096];

	while (recv(*(int *)ctx, bytes, sizeof bytes, 0) > 0)
		;
	return NULL;
}

int peer_replay(const uint8_t *stream, size_t length, unsigned nfds)
{
	struct peer peer = {0};
	pthread_t thread;
	int pair[2], size = 1 << 20, rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) ||
	    setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size))
		abort();
	peer.socket = pair[1];
	for (; peer.nfds < nfds && peer.nfds < PEER_FDS; peer.nfds++) {
		peer.fds[peer.nfds] = memfd_create("peer", MFD_CLOEXEC);
		if (ftruncate(peer.fds[peer.nfds], 16384))
			abort();
	}
	if (length)
		send_with_fds(&peer, stream, length);
	shutdown(pair[1], SHUT_WR);
	if (pthread_create(&thread, NULL, drain, &pair[1]))
		abort();
	rc = peer_session(pair[0]);
	pthread_join(thread, NULL);
	close(pair[1]);
	return rc;
}

uint8_t *peer_record(size_t *length)
{
	struct peer peer = {.record = malloc(1 << 16), .room = 1 << 16};
	int rc;

	if (!peer.record)
		abort();
	peer_start(&peer);
	rc = peer_session(peer.client);
	peer_stop(&peer);
	if (rc)
		abort(); /* the honest session works, or nothing that is made from it means anything */
	*length = peer.recorded;
	return peer.record;
}
