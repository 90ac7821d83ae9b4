/* SPDX-License-Identifier: Apache-2.0 */
/* A function's life, what its device asks of its host, and the client's DMA map. */
#include "vfio-user/served.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRIM_AFTER UINT64_C(1000000000) /* ns: windows without users stay that long */

/* -- log -------------------------------------------------------------------------------------------------------- */

bool us_served_traced(const struct us_served *f)
{
	return us_server_trace(f->server) != NULL;
}

void us_served_trace(struct us_served *f, const char *format, ...)
{
	char line[512];
	va_list args;

	if (!us_served_traced(f))
		return;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	us_trace_line(us_server_trace(f->server), f->name, line);
}

void us_served_doom(struct us_served *f, const char *format, ...)
{
	va_list args;

	pthread_mutex_lock(&f->lock);
	if (!atomic_load(&f->doomed) && f->stream.socket >= 0) {
		va_start(args, format);
		vsnprintf(f->why, sizeof f->why, format, args);
		va_end(args);
		atomic_store(&f->doomed, true);
		pthread_cond_broadcast(&f->changed);
		us_server_look(f->server);
	}
	pthread_mutex_unlock(&f->lock);
}

/* -- what the device asks --------------------------------------------------------------------------------------- */

static uint32_t need(enum us_dma_direction direction)
{
	return direction == US_DMA_READ ? US_VU_DMA_READABLE : US_VU_DMA_WRITEABLE;
}

/*
 * The worker looks under `lock`; the server's thread is the one that changes the table. With `pin` the worker's step
 * keeps the pointer.
 */
static int find(struct us_served *f, uint64_t addr, enum us_dma_direction direction, size_t *length, uint8_t **memory,
		bool pin)
{
	bool worker = us_worker_is_me(f);
	int error;

	if (worker)
		pthread_mutex_lock(&f->lock);
	if (f->stream.socket < 0 || atomic_load(&f->doomed))
		error = -EIO;
	else if (worker && f->worker.cancel)
		error = -ECANCELED;
	else
		error = us_dma_find(&f->dma, addr, need(direction), length, memory);
	if (worker && pin && !error && *memory)
		us_worker_pin(f, addr, addr + *length - 1);
	if (worker)
		pthread_mutex_unlock(&f->lock);
	return error;
}

static int host_dma(void *ctx, uint64_t addr, void *buffer, size_t length, enum us_dma_direction direction,
		    uint64_t *fault)
{
	struct us_served *f = ctx;
	uint8_t *to = buffer;

	while (length) {
		uint8_t *memory = NULL;
		size_t part = length;
		int error = find(f, addr, direction, &part, &memory, false);

		if (!error && memory) {
			memcpy(direction == US_DMA_READ ? to : memory, direction == US_DMA_READ ? memory : to, part);
			error = atomic_load(&f->dma.broken) ? -EIO : 0;
		} else if (!error) {
			error = us_dma_transfer(f, addr, to, part, direction, fault);
			if (error)
				return error;
		}
		if (error) {
			if (fault)
				*fault = addr;
			return error;
		}
		addr += part;
		to += part;
		length -= part;
	}
	return 0;
}

static void *host_dma_map(void *ctx, uint64_t addr, size_t *length, enum us_dma_direction direction)
{
	struct us_served *f = ctx;
	uint8_t *memory = NULL;

	if (!*length || find(f, addr, direction, length, &memory, true))
		return NULL;
	return memory;
}

static void host_intx(void *ctx, bool asserted)
{
	us_irqs_intx(ctx, asserted);
}

static void host_message(void *ctx, enum us_irq kind, unsigned n, uint64_t address, uint32_t data)
{
	(void)address;
	(void)data;
	us_irqs_message(ctx, kind, n);
}

static uint64_t host_now(void *ctx)
{
	(void)ctx;
	return us_server_now();
}

static void host_alarm(void *ctx, uint64_t when)
{
	struct us_served *f = ctx;

	f->alarm = when;
	us_server_look(f->server);
}

static void host_job_start(void *ctx, struct us_job *job, uint64_t delay)
{
	us_worker_start(ctx, job, delay);
}

static void host_job_stop(void *ctx, struct us_job *job)
{
	us_worker_stop(ctx, job);
}

static void host_trace(void *ctx, const char *line)
{
	struct us_served *f = ctx;

	us_trace_line(us_server_trace(f->server), f->name, line);
}

/* -- the client's DMA map --------------------------------------------------------------------------------------- */

long us_handle_dma_map(struct us_served *f, struct us_message *m)
{
	struct us_vu_dma_map map;
	int error;

	memcpy(&map, m->payload, sizeof map);
	if (map.argsz < sizeof map || m->fds->count > 1)
		return -EINVAL;
	pthread_mutex_lock(&f->lock);
	error = us_dma_add(&f->dma, &map, m->fds->count ? m->fds->fd[0] : -1);
	pthread_mutex_unlock(&f->lock);
	if (us_served_traced(f))
		us_served_trace(f, "DMA map %#llx, %#llx bytes, %s%s%s%s", (unsigned long long)map.address,
				(unsigned long long)map.size, map.flags & US_VU_DMA_READABLE ? "r" : "",
				map.flags & US_VU_DMA_WRITEABLE ? "w" : "", m->fds->count ? "" : ", by message",
				error ? ", refused" : "");
	return error;
}

/* The range to unmap: what the message says, or all there is. */
static int unmap_range(const struct us_vu_dma_unmap *unmap, uint64_t *first, uint64_t *last)
{
	*first = unmap->address;
	*last = unmap->address + unmap->size - 1;
	if (unmap->flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP)
		return -EOPNOTSUPP;
	if (unmap->flags & ~VFIO_DMA_UNMAP_FLAG_ALL)
		return -EINVAL;
	if (!(unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL))
		return unmap->size && *last >= *first ? 0 : -EINVAL;
	*first = 0;
	*last = UINT64_MAX;
	return unmap->address || unmap->size ? -EINVAL : 0;
}

long us_handle_dma_unmap(struct us_served *f, struct us_message *m)
{
	struct us_vu_dma_unmap unmap;
	uint64_t first, last;
	size_t count = 0;
	int error;

	memcpy(&unmap, m->payload, sizeof unmap);
	error = unmap_range(&unmap, &first, &last);
	if (!error && (unmap.argsz < sizeof unmap || m->size != sizeof unmap))
		error = -EINVAL;
	if (error)
		return error;
	pthread_mutex_lock(&f->lock);
	error = us_dma_check_remove(&f->dma, first, last);
	if (!error) {
		us_worker_exclude(f, first, last);
		count = us_dma_remove(&f->dma, first, last);
		us_worker_admit(f);
	}
	pthread_mutex_unlock(&f->lock);
	if (us_served_traced(f))
		us_served_trace(f, "DMA unmap %#llx to %#llx, %zu regions%s", (unsigned long long)first,
				(unsigned long long)last, count, error ? ", refused" : "");
	if (error)
		return error;
	if (us_dma_spare(&f->dma)) {
		f->trim_at = us_server_now() + TRIM_AFTER;
		us_server_look(f->server);
	}
	memcpy(f->reply + sizeof(struct us_vu_header), &unmap, sizeof unmap);
	return sizeof unmap;
}

/* -- life ------------------------------------------------------------------------------------------------------- */

static int create_device(struct us_served *f, const struct us_model *model, struct us_error *err)
{
	struct us_host host = {
		.ctx = f,
		.dma = host_dma,
		.dma_map = host_dma_map,
		.intx = host_intx,
		.message = host_message,
		.now = host_now,
		.alarm = host_alarm,
		.job_start = host_job_start,
		.job_stop = host_job_stop,
		.trace = host_trace,
		.routed = true,
	};
	int error = us_device_create(model, &host, &f->dev, err);

	if (error)
		return error;
	us_device_trace(f->dev, us_served_traced(f));
	error = us_irqs_create(f);
	if (error)
		return us_fail(err, error, "no memory for the interrupts of %s", f->name);
	return 0;
}

int us_served_create(struct us_server *server, const struct us_model *model, const char *name,
		     struct us_served **served, struct us_error *err)
{
	struct us_served *f = calloc(1, sizeof *f);
	pthread_condattr_t clock;
	int error;

	if (!f)
		return us_fail(err, -ENOMEM, "no memory for %s", name);
	f->server = server;
	f->listener = f->stream.socket = f->stream.tx_fd = -1;
	f->alarm = f->trim_at = UINT64_MAX;
	snprintf(f->name, sizeof f->name, "%s", name);
	us_dma_init(&f->dma);
	pthread_mutex_init(&f->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&f->changed, &clock);
	pthread_condattr_destroy(&clock);
	f->reply = aligned_alloc(64, (US_VU_MESSAGE_MAX + 63) / 64 * 64);
	error = f->reply ? us_worker_create(f) : -ENOMEM;
	if (error)
		us_fail(err, error, "no memory or no thread for %s: %s", name, strerror(-error));
	else
		error = create_device(f, model, err);
	if (error) {
		us_served_destroy(f);
		return error;
	}
	*served = f;
	return 0;
}

void us_served_destroy(struct us_served *f)
{
	us_listener_close(f);
	us_served_disconnect(f);
	us_irqs_destroy(f);
	if (f->dev)
		us_device_destroy(f->dev);
	us_worker_destroy(f);
	pthread_cond_destroy(&f->changed);
	pthread_mutex_destroy(&f->lock);
	free(f->reply);
	free(f);
}

int us_served_connect(struct us_served *f, int socket)
{
	int error = us_stream_open(f, socket);

	if (error) {
		close(socket);
		return error;
	}
	f->negotiated = false;
	f->peer_xfer = US_VU_DEFAULT_XFER;
	f->messages = (struct us_messages){.layout = US_LAYOUT_UNKNOWN};
	atomic_store(&f->doomed, false);
	us_served_trace(f, "a client came");
	return 0;
}

void us_served_disconnect(struct us_served *f)
{
	if (f->stream.socket < 0)
		return;
	atomic_store(&f->doomed, true); /* whatever still runs gets no answer any more */
	pthread_mutex_lock(&f->lock);
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
	f->busy++;
	us_device_reset(f->dev, US_RESET_CONVENTIONAL); /* ends jobs: after it nobody uses the client's memory */
	f->busy--;
	us_irqs_release(f);
	us_dma_clear(&f->dma);
	f->trim_at = UINT64_MAX;
	us_stream_close(f);
	us_served_trace(f, "client gone, function reset: %s", f->why);
	f->why[0] = '\0';
	atomic_store(&f->doomed, false);
}

/* -- time ------------------------------------------------------------------------------------------------------- */

/* Ends the connection that can not go on. A client that leaves is the usual case and no news. */
static void reap(struct us_served *f)
{
	if (atomic_load(&f->dma.broken))
		us_served_doom(f, US_CLIENT_SHRANK);
	if (!atomic_load(&f->doomed))
		return;
	if (strcmp(f->why, US_CLIENT_LEFT))
		us_server_notice(f, "the client is thrown out: %s", f->why);
	us_served_disconnect(f);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t us_served_tick(struct us_served *f, uint64_t now)
{
	struct us_job *job;
	uint64_t job_due;

	if (f->busy)
		return UINT64_MAX;
	reap(f);
	if (now >= f->trim_at) {
		us_dma_trim(&f->dma, 0);
		f->trim_at = UINT64_MAX;
	}
	f->busy++;
	job_due = us_worker_due(f, now, &job);
	if (job) {
		us_job_finish(f->dev, job);
		job_due = us_worker_due(f, 0, &job);
	}
	if (now >= f->alarm) {
		f->alarm = UINT64_MAX;
		us_device_tick(f->dev);
	}
	f->busy--;
	us_stream_resume(f);
	reap(f);
	return least(least(f->alarm, f->trim_at), job_due);
}
