/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vfio-user player: a function played by another process ("vfio-user Protocol Specification",
 * docs/interop/vfio-user.rst in QEMU 10.1). Works with any server of that protocol.
 */
#include "function/socket.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct us_socket_player *player_of(struct us_function *fn)
{
	return (struct us_socket_player *)fn;
}

/* -- access ----------------------------------------------------------------------------------------------------- */

/* A refused or broken access, in terms of the access; a lost connection keeps its own sentence. */
static int access_failed(struct us_function *fn, int rc, const char *what, unsigned region, uint64_t offset,
			 unsigned width)
{
	if (player_of(fn)->link.dead)
		return -EIO;
	return us_fn_fail(fn, rc, "%s of %u bytes at 0x%" PRIx64 " of %s: the server %s%s", what, width, offset,
			  us_region_name(region),
			  rc == -EPROTO ? "gave no proper answer" : "refuses: ", rc == -EPROTO ? "" : strerror(-rc));
}

static int socket_read(struct us_function *fn, unsigned region, uint64_t offset, unsigned width, uint64_t *value)
{
	struct us_vu_region_access ask = {.offset = offset, .region = region, .count = width};
	const struct us_vu_region_access *got;
	struct iovec iov[2] = {{0}, {&ask, sizeof ask}};
	const void *reply;
	size_t length;
	int rc = us_link_call(fn, &player_of(fn)->link, US_VU_REGION_READ, iov, 2, NULL, 0, &reply, &length);

	got = reply;
	if (!rc &&
	    (length != sizeof ask + width || got->offset != offset || got->region != region || got->count != width))
		rc = -EPROTO;
	if (rc)
		return access_failed(fn, rc, "a read", region, offset, width);
	*value = 0;
	memcpy(value, got + 1, width);
	return 0;
}

/* Writes to BARs are posted, as on the bus; config space is written with an answer. */
static int socket_write(struct us_function *fn, unsigned region, uint64_t offset, unsigned width, uint64_t value)
{
	struct us_link *link = &player_of(fn)->link;
	struct us_vu_region_access ask = {.offset = offset, .region = region, .count = width};
	const struct us_vu_region_access *got;
	struct iovec iov[3] = {{0}, {&ask, sizeof ask}, {&value, width}};
	const void *reply;
	size_t length;
	int rc;

	if (region < US_REGION_ROM)
		return us_link_post(fn, link, US_VU_REGION_WRITE, iov, 3);
	rc = us_link_call(fn, link, US_VU_REGION_WRITE, iov, 3, NULL, 0, &reply, &length);
	got = reply;
	if (!rc && (length < sizeof ask || got->count != width))
		rc = -EPROTO;
	return rc ? access_failed(fn, rc, "a write", region, offset, width) : 0;
}

static int socket_map_region(struct us_function *fn, unsigned region, uint64_t offset, size_t length, void **at)
{
	struct us_socket_player *p = player_of(fn);
	uint32_t flags = fn->info.region[region].flags;
	const struct us_socket_area *a = p->areas;
	struct stat st;

	while (a && !(a->region == region && offset >= a->offset && offset - a->offset < a->size &&
		      length <= a->size - (offset - a->offset)))
		a = a->next;
	if (!a)
		return us_fn_fail(fn, -ENODEV, "the server does not let 0x%zx bytes at 0x%" PRIx64 " of %s be mapped",
				  length, offset, us_region_name(region));
	offset += p->region_fd_offset[region];
	/* Memory that is not there would end this process at the first touch. */
	if (fstat(p->region_fd[region], &st) ||
	    (S_ISREG(st.st_mode) && (offset > (uint64_t)st.st_size || length > (uint64_t)st.st_size - offset)))
		return us_fn_fail(fn, -EPROTO, "the server offers %s to be mapped, but its file is too short",
				  us_region_name(region));
	return us_fn_view(fn, p->region_fd[region], offset, length,
			  (flags & US_REGION_READ ? PROT_READ : 0) | (flags & US_REGION_WRITE ? PROT_WRITE : 0), at);
}

/* -- interrupts ------------------------------------------------------------------------------------------------- */

static int set_irqs(struct us_function *fn, unsigned kind, uint32_t flags, unsigned start, unsigned count,
		    const int *fds, unsigned nfds)
{
	struct us_vu_irq_set set = {.argsz = sizeof set, .flags = flags, .index = kind, .start = start, .count = count};
	struct iovec iov[2] = {{0}, {&set, sizeof set}};
	const void *reply;
	size_t length;

	return us_link_call(fn, &player_of(fn)->link, US_VU_DEVICE_SET_IRQS, iov, 2, fds, nfds, &reply, &length);
}

static int socket_irq_disable(struct us_function *fn, enum us_irq_kind kind)
{
	int rc = set_irqs(fn, kind, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, 0, 0, NULL, 0);

	us_eventfds_drop(&player_of(fn)->eventfds);
	return rc;
}

/* As many descriptors in a message as the server takes. */
static int socket_irq_enable(struct us_function *fn, enum us_irq_kind kind, unsigned count)
{
	struct us_socket_player *p = player_of(fn);
	int rc = us_eventfds_make(fn, &p->eventfds, count);

	for (unsigned i = 0, n; !rc && i < count; i += n) {
		n = count - i < p->max_fds ? count - i : p->max_fds;
		rc = set_irqs(fn, kind, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, i, n,
			      p->eventfds.fds + i, n);
		if (rc && i && !p->link.dead) {
			struct us_error why = fn->error;

			socket_irq_disable(fn, kind);
			fn->error = why;
		}
	}
	if (rc)
		us_eventfds_drop(&p->eventfds);
	return rc;
}

/* By the server where it offers that, else at the function itself. */
static int socket_irq_mask(struct us_function *fn, enum us_irq_kind kind, unsigned n, bool masked)
{
	if (player_of(fn)->maskable[kind] || kind == US_INTX)
		return set_irqs(fn, kind,
				VFIO_IRQ_SET_DATA_NONE |
					(masked ? VFIO_IRQ_SET_ACTION_MASK : VFIO_IRQ_SET_ACTION_UNMASK),
				n, 1, NULL, 0);
	return kind == US_MSI ? us_header_mask_msi(fn, n, masked) : us_header_mask_msix(fn, n, masked);
}

static int socket_progress(struct us_function *fn, uint64_t deadline)
{
	struct us_socket_player *p = player_of(fn);
	bool readable;
	int rc = p->link.dead ? 0 : us_eventfds_wait(fn, &p->eventfds, deadline, &readable);

	if (p->link.dead || (rc > 0 && readable)) {
		int served = us_link_serve(fn, &p->link);

		return served < 0 ? served : rc;
	}
	return rc;
}

/* -- DMA -------------------------------------------------------------------------------------------------------- */

/* With a descriptor the server maps the memory; without it asks for the bytes by message (link.c). */
static int socket_dma_map(struct us_function *fn, const struct us_mapping *m)
{
	struct us_vu_dma_map map = {
		.argsz = sizeof map,
		.flags = (m->flags & US_FN_DMA_READ ? US_VU_DMA_READABLE : 0) |
			 (m->flags & US_FN_DMA_WRITE ? US_VU_DMA_WRITEABLE : 0),
		.offset = m->block ? (uint64_t)(m->at - m->block->at) : 0,
		.address = m->iova,
		.size = m->size,
	};
	struct iovec iov[2] = {{0}, {&map, sizeof map}};
	const void *reply;
	size_t length;

	return us_link_call(fn, &player_of(fn)->link, US_VU_DMA_MAP, iov, 2, m->block ? &m->block->fd : NULL,
			    m->block != NULL, &reply, &length);
}

static int socket_dma_unmap(struct us_function *fn, const struct us_mapping *m)
{
	struct us_vu_dma_unmap unmap = {.argsz = sizeof unmap, .address = m->iova, .size = m->size};
	struct iovec iov[2] = {{0}, {&unmap, sizeof unmap}};
	const void *reply;
	size_t length;

	return us_link_call(fn, &player_of(fn)->link, US_VU_DMA_UNMAP, iov, 2, NULL, 0, &reply, &length);
}

/* -- life ------------------------------------------------------------------------------------------------------- */

static int settle(struct us_function *fn)
{
	int rc = us_header_assign(fn);

	return rc ? rc : us_header_enable(fn);
}

static int socket_reset(struct us_function *fn)
{
	struct iovec iov[1] = {{0}};
	const void *reply;
	size_t length;
	int rc = us_link_call(fn, &player_of(fn)->link, US_VU_DEVICE_RESET, iov, 1, NULL, 0, &reply, &length);

	return rc ? rc : settle(fn);
}

static int socket_trace(struct us_function *fn, FILE *stream)
{
	return stream ? us_fn_fail(fn, -ENOTSUP, "the log is the server's: start it with --trace") : 0;
}

static void socket_close(struct us_function *fn)
{
	struct us_socket_player *p = player_of(fn);

	for (struct us_socket_area *a = p->areas, *next; a; a = next) {
		next = a->next;
		free(a);
	}
	for (unsigned i = 0; i < US_REGIONS; i++)
		if (p->region_fd[i] >= 0)
			close(p->region_fd[i]);
	us_link_close(&p->link);
	us_eventfds_close(&p->eventfds);
	us_fn_fini(fn);
	free(p);
}

static const struct us_player socket_player = {
	.read = socket_read,
	.write = socket_write,
	.map_region = socket_map_region,
	.irq_enable = socket_irq_enable,
	.irq_disable = socket_irq_disable,
	.irq_mask = socket_irq_mask,
	.progress = socket_progress,
	.dma_map = socket_dma_map,
	.dma_unmap = socket_dma_unmap,
	.reset = socket_reset,
	.now = us_real_now,
	.trace = socket_trace,
	.close = socket_close,
};

int us_socket_play(int fd, const char *name, struct us_function **fn, struct us_error *err)
{
	struct us_socket_player *p = calloc(1, sizeof *p);
	int rc;

	*fn = NULL;
	if (!p) {
		close(fd);
		return us_fail(err, -ENOMEM, "out of memory");
	}
	p->eventfds.epoll = -1;
	for (unsigned i = 0; i < US_REGIONS; i++)
		p->region_fd[i] = -1;
	rc = us_fn_init(&p->fn, &socket_player, name);
	p->link.fd = fd;
	if (rc || (rc = us_link_open(&p->fn, &p->link, fd)) || (rc = us_eventfds_open(&p->fn, &p->eventfds, fd)) ||
	    (rc = us_socket_negotiate(p)) || (rc = us_socket_describe(p)) || (rc = us_header_read(&p->fn)) ||
	    (rc = p->fn.info.can_reset ? socket_reset(&p->fn) : settle(&p->fn))) {
		us_fail(err, rc, "%s", p->fn.target ? us_fn_error(&p->fn) : "out of memory");
		socket_close(&p->fn);
		return rc;
	}
	*fn = &p->fn;
	return 0;
}

int us_socket_open(const char *path, struct us_function **fn, struct us_error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	*fn = NULL;
	if (strlen(path) >= sizeof address.sun_path)
		return us_fail(err, -ENAMETOOLONG, "%s: a socket's path has at most %zu characters", path,
			       sizeof address.sun_path - 1);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return us_fail(err, -errno, "%s: no socket: %s", path, strerror(errno));
	if (connect(fd, (struct sockaddr *)&address, sizeof address)) {
		int why = errno;
		struct stat st;

		close(fd);
		if (why == ENOENT)
			return us_fail(err, -why, "%s: there is no such socket: is `understudy serve` running?", path);
		if (why == ECONNREFUSED)
			return us_fail(err, -why, "%s: %s", path,
				       stat(path, &st) || S_ISSOCK(st.st_mode)
					       ? "nobody listens there any more: start the server again"
					       : "this is not a socket");
		return us_fail(err, -why, "%s: can not connect: %s", path, strerror(why));
	}
	return us_socket_play(fd, path, fn, err);
}
