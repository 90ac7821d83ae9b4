/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "VFIO_USER_DMA_READ" and "VFIO_USER_DMA_WRITE": memory of the client that can not be mapped.
 *
 * Both threads ask: the worker in a step, the server's thread inside the device. The worker waits on `changed` while the
 * server's thread receives its reply. The server's thread turns the event loop itself, in which every other function is
 * served but of this one only replies are taken.
 *
 * A client that does not answer in time has its access failed, not its connection ended: QEMU answers under its big
 * lock, which a processor of the guest may hold while it waits for a register of this very function. Its answer is
 * recognised when it comes late.
 *
 * Layout: QEMU 10.1 has the data of these messages at byte 12 of the payload, not 16. A read of 2^32 bytes tells: by the
 * specification that is more than any client allows (max_data_xfer_size) and is refused, while a client that looks at 32
 * bits of the count reads nothing and succeeds. Only a client that speaks version 0.0, as QEMU does, is asked.
 */
#include "vfio-user/served.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define NARROW 12 /* bytes before the data */

/* Why a wait is over before the reply came: 0 while it is not. With `lock` held. */
static int interrupted(struct us_served *f, const struct us_pending *p, uint64_t deadline)
{
	if (atomic_load(&f->doomed))
		return -EIO;
	if (p->cancel || (us_worker_is_me(f) && f->worker.cancel))
		return -ECANCELED;
	return us_server_now() >= deadline ? -EIO : 0;
}

static int begin(struct us_served *f, enum us_vu_command command, uint64_t address, uint64_t count, void *buffer,
		 struct us_pending **pending)
{
	struct us_pending *p =
		&f->messages.pending[us_worker_is_me(f) ? US_PENDING_WORKER : US_PENDING_DEVICE];
	int error;

	pthread_mutex_lock(&f->lock);
	*p = (struct us_pending){
		.active = true,
		.id = f->messages.next_id++,
		.command = (uint16_t)command,
		.address = address,
		.count = count,
		.buffer = buffer,
	};
	error = interrupted(f, p, UINT64_MAX);
	p->active = !error;
	/* Who waits for the step to end has to know that it may not soon. */
	if (f->worker.held)
		pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
	*pending = p;
	return error;
}

static int wait_for(struct us_served *f, struct us_pending *p)
{
	uint64_t deadline = us_server_now() + us_server_patience(f->server);
	struct timespec until = {(time_t)(deadline / 1000000000), (long)(deadline % 1000000000)};
	struct us_messages *m = &f->messages;
	int result;

	pthread_mutex_lock(&f->lock);
	while (!p->done) {
		p->result = interrupted(f, p, deadline);
		if (p->result)
			break;
		if (us_worker_is_me(f)) {
			pthread_cond_timedwait(&f->changed, &f->lock, &until);
		} else {
			pthread_mutex_unlock(&f->lock);
			us_server_turn_nested(f->server, deadline);
			pthread_mutex_lock(&f->lock);
		}
	}
	if (!p->done && !atomic_load(&f->doomed)) {
		/* The oldest of so many is forgotten; its reply would end the connection. */
		if (m->nstale == US_STALE)
			memmove(m->stale, m->stale + 1, --m->nstale * sizeof m->stale[0]);
		m->stale[m->nstale++] = p->id;
	}
	p->active = false;
	result = p->result;
	pthread_mutex_unlock(&f->lock);
	/* What came due while its function was busy was passed over, and is looked for again when it no longer is. */
	if (!us_worker_is_me(f))
		us_server_look(f->server);
	if (result == -EIO && !atomic_load(&f->doomed))
		us_server_notice(f, "the client did not answer a DMA message in time; the access fails");
	return result;
}

/* One message: as much as goes into one. */
static int exchange(struct us_served *f, enum us_vu_command command, uint64_t address, void *buffer, uint64_t count)
{
	bool write = command == US_VU_DMA_WRITE, narrow = f->messages.layout == US_LAYOUT_NARROW;
	struct us_vu_dma_access access = {address, count};
	static const uint8_t pad[sizeof access - NARROW];
	struct us_vu_header header;
	struct iovec parts[4] = {{&header, sizeof header}, {&access, sizeof access}};
	struct us_pending *p;
	int n = 2, error;

	error = begin(f, command, address, count, buffer, &p);
	if (error)
		return error;
	header = us_vu_request(p->id, command, sizeof access + (write ? count : 0));
	if (write) {
		parts[1].iov_len = narrow ? NARROW : sizeof access;
		parts[n++] = (struct iovec){buffer, count};
	}
	if (write && narrow)
		parts[n++] = (struct iovec){(void *)(uintptr_t)pad, sizeof pad};
	us_stream_send(f, parts, n, -1);
	return wait_for(f, p);
}

static void find_layout(struct us_served *f, uint64_t address)
{
	int error;

	if (f->messages.layout != US_LAYOUT_UNKNOWN)
		return;
	if (!f->old_minor) {
		f->messages.layout = US_LAYOUT_WIDE;
		return;
	}
	error = exchange(f, US_VU_DMA_READ, address, NULL, UINT64_C(1) << 32);
	if (error != -EIO && error != -ECANCELED) {
		f->messages.layout = error ? US_LAYOUT_WIDE : US_LAYOUT_NARROW;
		us_served_trace(f, "DMA messages: data at byte %d", error ? 16 : NARROW);
	}
}

static bool stopping(struct us_served *f)
{
	bool stop;

	pthread_mutex_lock(&f->lock);
	stop = f->worker.cancel;
	pthread_mutex_unlock(&f->lock);
	return stop;
}

int us_dma_transfer(struct us_served *f, uint64_t address, uint8_t *buffer, size_t length,
		    enum us_dma_direction direction, uint64_t *fault)
{
	enum us_vu_command command = direction == US_DMA_READ ? US_VU_DMA_READ : US_VU_DMA_WRITE;
	int error = 0;

	find_layout(f, address);
	while (length && !error) {
		size_t count = length < f->peer_xfer ? length : f->peer_xfer;

		error = exchange(f, command, address, buffer, count);
		if (error)
			break;
		address += count;
		buffer += count;
		length -= count;
	}
	/* Memory that was taken away while a step waited for it; the step's job goes on. */
	if (error == -ECANCELED && !stopping(f))
		error = -EFAULT;
	if (error && fault)
		*fault = address;
	return error;
}

/* -- the reply -------------------------------------------------------------------------------------------------- */

/* 0 and the data in place, or what is wrong with it. With `lock` held. */
static int take(const struct us_messages *m, struct us_pending *p, const struct us_vu_header *header,
		const uint8_t *payload, size_t size)
{
	struct us_vu_dma_access access = {0};
	bool read = p->command == US_VU_DMA_READ, narrow = m->layout == US_LAYOUT_NARROW;
	bool probe = p->count > UINT32_MAX;

	if (header->flags & US_VU_ERROR)
		return header->error == EACCES || header->error == EPERM ? -EACCES : -EFAULT;
	if (probe)
		return size == sizeof access ? 0 : -EPROTO;
	if (read && size != sizeof access + p->count)
		return -EPROTO;
	if (!read && size != 0 && size != US_VU_DMA_WRITE_REPLY_SHORT && size != sizeof access)
		return -EPROTO;
	memcpy(&access, payload, narrow || size < sizeof access ? size < NARROW ? size : NARROW : sizeof access);
	if (size && (access.address != p->address || access.count != p->count))
		return -EPROTO;
	if (read)
		memcpy(p->buffer, payload + (narrow ? NARROW : sizeof access), p->count);
	return 0;
}

static bool stale(struct us_messages *m, uint16_t id)
{
	for (unsigned i = 0; i < m->nstale; i++) {
		if (m->stale[i] != id)
			continue;
		memmove(m->stale + i, m->stale + i + 1, (--m->nstale - i) * sizeof m->stale[0]);
		return true;
	}
	return false;
}

bool us_dma_reply(struct us_served *f, const struct us_vu_header *header, const uint8_t *payload, size_t size)
{
	struct us_messages *m = &f->messages;
	bool known = false, malformed = false;

	pthread_mutex_lock(&f->lock);
	for (int i = 0; i < US_PENDING_COUNT && !known; i++) {
		struct us_pending *p = &m->pending[i];

		if (!p->active || p->done || p->id != header->id || p->command != header->command)
			continue;
		p->result = take(m, p, header, payload, size);
		malformed = p->result == -EPROTO;
		if (malformed)
			p->result = -EIO;
		p->done = known = true;
		pthread_cond_broadcast(&f->changed);
	}
	known = known || stale(m, header->id);
	pthread_mutex_unlock(&f->lock);
	if (malformed)
		us_served_doom(f, "a reply to a DMA message that does not fit it");
	return known;
}
