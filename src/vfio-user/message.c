/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request: is it one, who carries it out, and the answer. A request that is wrong in itself is answered with an
 * error and changes nothing; only one whose size or type makes the stream unreadable ends the connection (stream.c).
 */
#include "vfio-user/served.h"

#include <errno.h>
#include <string.h>

static const struct command {
	const char *name;
	size_t payload; /* least size of it */
	bool exact; /* and its only size */
	bool fds; /* may carry descriptors */
	long (*handle)(struct us_served *served, struct us_message *message);
	int refuse; /* without a handler: why */
} commands[] = {
	[US_VU_VERSION] = {"VERSION", sizeof(struct us_vu_version), false, false, us_handle_version, 0},
	[US_VU_DMA_MAP] = {"DMA_MAP", sizeof(struct us_vu_dma_map), true, true, us_handle_dma_map, 0},
	[US_VU_DMA_UNMAP] = {"DMA_UNMAP", sizeof(struct us_vu_dma_unmap), false, false, us_handle_dma_unmap, 0},
	[US_VU_DEVICE_GET_INFO] = {"DEVICE_GET_INFO", sizeof(struct us_vu_device_info), false, false,
				   us_handle_device_info, 0},
	[US_VU_DEVICE_GET_REGION_INFO] = {"DEVICE_GET_REGION_INFO", sizeof(struct us_vu_region_info), false, false,
					  us_handle_region_info, 0},
	/* An optimisation for KVM that no client uses yet: REGION_READ and REGION_WRITE do all it could do. */
	[US_VU_DEVICE_GET_REGION_IO_FDS] = {"DEVICE_GET_REGION_IO_FDS", 0, false, false, NULL, -EOPNOTSUPP},
	[US_VU_DEVICE_GET_IRQ_INFO] = {"DEVICE_GET_IRQ_INFO", sizeof(struct us_vu_irq_info), false, false,
				       us_handle_irq_info, 0},
	[US_VU_DEVICE_SET_IRQS] = {"DEVICE_SET_IRQS", sizeof(struct us_vu_irq_set), false, true, us_handle_set_irqs, 0},
	[US_VU_REGION_READ] = {"REGION_READ", sizeof(struct us_vu_region_access), true, false, us_handle_region_read, 0},
	[US_VU_REGION_WRITE] = {"REGION_WRITE", sizeof(struct us_vu_region_access), false, false,
				us_handle_region_write, 0},
	/* These two go the other way. */
	[US_VU_DMA_READ] = {"DMA_READ", 0, false, false, NULL, -EINVAL},
	[US_VU_DMA_WRITE] = {"DMA_WRITE", 0, false, false, NULL, -EINVAL},
	[US_VU_DEVICE_RESET] = {"DEVICE_RESET", 0, true, false, us_handle_reset, 0},
	[US_VU_REGION_WRITE_MULTI] = {"REGION_WRITE_MULTI", sizeof(struct us_vu_write_multi), false, false,
				      us_handle_write_multi, 0},
	/* All features there are belong to migration. ENOTTY is how VFIO says that a feature is not there. */
	[US_VU_DEVICE_FEATURE] = {"DEVICE_FEATURE", 0, false, false, NULL, -ENOTTY},
	[US_VU_MIG_DATA_READ] = {"MIG_DATA_READ", 0, false, false, NULL, -EOPNOTSUPP},
	[US_VU_MIG_DATA_WRITE] = {"MIG_DATA_WRITE", 0, false, false, NULL, -EOPNOTSUPP},
};

static const struct command *find(uint16_t number)
{
	if (number >= sizeof commands / sizeof commands[0] || !commands[number].name)
		return NULL;
	return &commands[number];
}

bool us_message_takes_fds(uint16_t command)
{
	const struct command *c = find(command);

	return c && c->fds;
}

static long carry_out(struct us_served *f, const struct command *c, struct us_message *m)
{
	if (!c)
		return -ENOSYS;
	if (!f->negotiated && m->header.command != US_VU_VERSION)
		return -EPROTO;
	if (m->fds->bad || (m->fds->count && !c->fds))
		return -EINVAL;
	if (!c->handle)
		return c->refuse;
	if (m->size < c->payload || (c->exact && m->size != c->payload))
		return -EINVAL;
	return c->handle(f, m);
}

static void answer(struct us_served *f, const struct us_message *m, long result)
{
	struct us_vu_header header =
		us_vu_reply(&m->header, result < 0 ? (int)result : 0, result < 0 ? 0 : (size_t)result);
	struct iovec part = {f->reply, header.size};

	memcpy(f->reply, &header, sizeof header);
	us_stream_send(f, &part, 1, result < 0 ? -1 : f->reply_fd);
}

void us_message_handle(struct us_served *f, struct us_message *m)
{
	const struct command *c = find(m->header.command);
	long result;

	f->reply_fd = -1;
	result = carry_out(f, c, m);
	if (result < 0 && us_served_traced(f))
		us_served_trace(f, "refused %s: %s", c ? c->name : "an unknown command", strerror((int)-result));
	if (!(m->header.flags & US_VU_NO_REPLY))
		answer(f, m, result);
	if (atomic_load(&f->dma.broken))
		us_served_doom(f, US_CLIENT_SHRANK);
	if (!f->negotiated)
		us_served_doom(f, "no agreement on a version: %s", strerror((int)-result));
	us_server_accessed(f->server, f);
}
