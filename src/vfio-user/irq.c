/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts: "VFIO_USER_DEVICE_SET_IRQS", and signalling.
 *
 * INTx is a level. It is signalled once and masks itself; when the client unmasks it, by message or through the eventfd
 * it gave for that (KVM's resampling), a line that is still asserted is signalled again.
 *
 * Messages: the client takes 0 to n-1 of a kind, and the device is told so as soon as eventfds are given for them.
 * Masking is the device's, which holds a message back until it is unmasked.
 *
 * An eventfd with MASK or UNMASK does that when the client signals it, as in the kernel's VFIO.
 *
 * The error interrupt, which VFIO gives every PCI Express function and QEMU asks for, can be taken and is never raised
 * by itself: a model has no uncorrectable errors to report.
 */
#include "vfio-user/served.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static const char *const kind_names[US_IRQ_KINDS] = {"INTx", "MSI", "MSI-X"};

/*
 * The counter of an eventfd that nobody reads fills up in 2^64 steps, and then, or when the client fills it, a write
 * fails: the interrupt is pending anyway. That it fails and does not block take_fds() sees to.
 */
static void signal_fd(int fd)
{
	uint64_t one = 1;
	ssize_t n = write(fd, &one, sizeof one);

	(void)n;
}

static void signal_line(struct us_irq_line *line)
{
	if (us_served_traced(line->served))
		us_served_trace(line->served, "signal %s %u", kind_names[line->kind], line->n);
	signal_fd(line->trigger);
}

/* -- INTx ------------------------------------------------------------------------------------------------------- */

static void intx_look(struct us_irq_line *line)
{
	if (line->masked || line->trigger < 0 || !us_device_intx(line->served->dev))
		return;
	line->masked = true;
	signal_line(line);
}

void us_irqs_intx(struct us_served *f, bool asserted)
{
	struct us_irq_line *line = f->irqs.lines[US_IRQ_INTX];

	us_served_trace(f, "INTx %s", asserted ? "asserted" : "deasserted");
	if (!line || !asserted || line->masked || line->trigger < 0)
		return;
	line->masked = true;
	signal_line(line);
}

void us_irqs_message(struct us_served *f, enum us_irq kind, unsigned n)
{
	if (n < f->irqs.count[kind] && f->irqs.lines[kind][n].trigger >= 0)
		signal_line(&f->irqs.lines[kind][n]);
	else
		us_served_trace(f, "%s %u has no eventfd and is lost", kind_names[kind], n);
}

/* -- masking ---------------------------------------------------------------------------------------------------- */

static int set_mask(struct us_irq_line *line, bool masked)
{
	if (line->kind != US_IRQ_INTX)
		return us_device_mask(line->served->dev, line->kind, line->n, masked);
	line->masked = masked;
	intx_look(line);
	return 0;
}

/*
 * Done at once also while the function waits for its client in a request: it only lets out what the device holds back,
 * and an eventfd is signalled once.
 */
static void mask_signalled(struct us_irq_line *line, int fd, bool masked)
{
	uint64_t count;

	/* Also an event that comes after the eventfd was taken back ends up here. */
	if (fd < 0 || read(fd, &count, sizeof count) != sizeof count)
		return;
	line->served->busy++;
	set_mask(line, masked);
	line->served->busy--;
	us_stream_resume(line->served);
}

static void mask_ready(struct us_watch *watch, uint32_t events)
{
	struct us_irq_line *line = us_container_of(watch, struct us_irq_line, mask_watch);

	(void)events;
	mask_signalled(line, line->mask, true);
}

static void unmask_ready(struct us_watch *watch, uint32_t events)
{
	struct us_irq_line *line = us_container_of(watch, struct us_irq_line, unmask_watch);

	(void)events;
	mask_signalled(line, line->unmask, false);
}

/* -- eventfds --------------------------------------------------------------------------------------------------- */

static void drop(struct us_served *f, int *fd, bool watched)
{
	if (*fd < 0)
		return;
	if (watched)
		us_server_unwatch(f->server, *fd);
	close(*fd);
	*fd = -1;
}

static bool is_eventfd(int fd)
{
	char path[32], target[32] = "";

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return readlink(path, target, sizeof target - 1) > 0 && !strcmp(target, "anon_inode:[eventfd]");
}

/* Eventfds only, and such as never make us wait: a pipe, or a counter that is full, would stop the whole server. */
static bool usable(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || !is_eventfd(fd))
		return false;
	return flags & O_NONBLOCK || !fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

static void give_trigger(struct us_served *f, struct us_irq_line *line, int fd)
{
	bool first = line->trigger < 0;

	drop(f, &line->trigger, false);
	line->trigger = fd;
	if (line->kind == US_IRQ_INTX && fd >= 0) {
		line->masked = line->masked && !first;
		intx_look(line);
	}
}

static int give_mask(struct us_served *f, struct us_irq_line *line, bool mask, int fd)
{
	int *place = mask ? &line->mask : &line->unmask;
	int error;

	drop(f, place, true);
	if (fd < 0)
		return 0;
	error = us_server_watch(f->server, fd, EPOLLIN, mask ? &line->mask_watch : &line->unmask_watch);
	if (error) {
		close(fd);
		return error;
	}
	*place = fd;
	return 0;
}

/* Descriptors for the whole range, or none to take back what is there. */
static int assign(struct us_served *f, const struct us_vu_irq_set *set, enum us_irq kind, uint32_t action,
		  struct us_fds *fds)
{
	struct us_irq_line *lines = f->irqs.lines[kind] + set->start;
	unsigned end = set->start + set->count;
	int error = 0;

	if (fds->count && fds->count != set->count)
		return -EINVAL;
	for (unsigned i = 0; i < fds->count; i++)
		if (!usable(fds->fd[i]))
			return -EINVAL;
	for (unsigned i = 0; i < set->count && !error; i++) {
		int fd = -1;

		if (fds->count) {
			fd = fds->fd[i];
			fds->fd[i] = -1;
		}
		if (action == VFIO_IRQ_SET_ACTION_TRIGGER)
			give_trigger(f, &lines[i], fd);
		else
			error = give_mask(f, &lines[i], action == VFIO_IRQ_SET_ACTION_MASK, fd);
	}
	if (error || action != VFIO_IRQ_SET_ACTION_TRIGGER || kind == US_IRQ_INTX || end <= f->irqs.routed[kind])
		return error;
	/* Only now: what the device held back comes at once. */
	f->irqs.routed[kind] = end;
	return us_device_route(f->dev, kind, end);
}

static void release_kind(struct us_served *f, enum us_irq kind)
{
	for (unsigned i = 0; i < f->irqs.count[kind]; i++) {
		struct us_irq_line *line = &f->irqs.lines[kind][i];

		drop(f, &line->trigger, false);
		drop(f, &line->mask, true);
		drop(f, &line->unmask, true);
		line->masked = false;
	}
}

static int disable(struct us_served *f, enum us_irq kind)
{
	int error = 0;

	release_kind(f, kind);
	if (kind != US_IRQ_INTX && f->irqs.routed[kind])
		error = us_device_route(f->dev, kind, 0);
	f->irqs.routed[kind] = 0;
	return error;
}

/* -- the message ------------------------------------------------------------------------------------------------ */

#define DATA (VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_DATA_EVENTFD)
#define ACTIONS (VFIO_IRQ_SET_ACTION_MASK | VFIO_IRQ_SET_ACTION_UNMASK | VFIO_IRQ_SET_ACTION_TRIGGER)

static bool one_bit(uint32_t bits)
{
	return bits && !(bits & (bits - 1));
}

/* The action for every line of the range, or for those whose byte is not 0. */
static int act(struct us_served *f, const struct us_vu_irq_set *set, enum us_irq kind, uint32_t action,
	       const uint8_t *wanted)
{
	int error = 0;

	for (uint32_t i = 0; i < set->count && !error; i++) {
		struct us_irq_line *line = &f->irqs.lines[kind][set->start + i];

		if (wanted && !wanted[i])
			continue;
		if (action != VFIO_IRQ_SET_ACTION_TRIGGER)
			error = set_mask(line, action == VFIO_IRQ_SET_ACTION_MASK);
		else if (line->trigger >= 0)
			signal_line(line);
		else
			error = -EINVAL;
	}
	return error;
}

unsigned us_irqs_errors(const struct us_served *f)
{
	return us_device_map(f->dev)->pci.express ? 1 : 0;
}

static int set_error(struct us_served *f, const struct us_vu_irq_set *set, const struct us_message *m)
{
	const uint32_t data = set->flags & DATA;
	bool wanted = true;

	if (!(set->flags & VFIO_IRQ_SET_ACTION_TRIGGER) || set->start || set->count > us_irqs_errors(f) ||
	    m->fds->count > set->count || (m->fds->count && data != VFIO_IRQ_SET_DATA_EVENTFD))
		return -EINVAL;
	if (!set->count || data == VFIO_IRQ_SET_DATA_EVENTFD) {
		if (m->fds->count && !usable(m->fds->fd[0]))
			return -EINVAL;
		drop(f, &f->irqs.error, false);
		if (m->fds->count) {
			f->irqs.error = m->fds->fd[0];
			m->fds->fd[0] = -1;
		}
		return 0;
	}
	if (data == VFIO_IRQ_SET_DATA_BOOL) {
		if (set->argsz == sizeof *set || m->size == sizeof *set)
			return -EINVAL;
		wanted = m->payload[sizeof *set];
	}
	if (f->irqs.error < 0)
		return -EINVAL;
	if (wanted)
		signal_fd(f->irqs.error);
	return 0;
}

long us_handle_set_irqs(struct us_served *f, struct us_message *m)
{
	struct us_vu_irq_set set;
	uint32_t data, action;
	enum us_irq kind;

	memcpy(&set, m->payload, sizeof set);
	data = set.flags & DATA;
	action = set.flags & ACTIONS;
	kind = (enum us_irq)set.index;
	if (set.argsz < sizeof set || set.flags & ~(DATA | ACTIONS) || !one_bit(data) || !one_bit(action))
		return -EINVAL;
	if (set.index == VFIO_PCI_ERR_IRQ_INDEX && us_irqs_errors(f))
		return set_error(f, &set, m);
	if (set.index >= US_IRQ_KINDS || set.start >= f->irqs.count[kind] ||
	    set.count > f->irqs.count[kind] - set.start)
		return -EINVAL;
	if (m->fds->count && data != VFIO_IRQ_SET_DATA_EVENTFD)
		return -EINVAL;
	if (us_served_traced(f))
		us_served_trace(f, "client sets %s %u to %u: flags %#x, %u eventfds", kind_names[kind], set.start,
				set.start + set.count, set.flags, m->fds->count);
	if (!set.count) {
		bool all = data == VFIO_IRQ_SET_DATA_NONE && action == VFIO_IRQ_SET_ACTION_TRIGGER && !set.start;

		return all ? disable(f, kind) : -EINVAL;
	}
	if (data == VFIO_IRQ_SET_DATA_EVENTFD)
		return assign(f, &set, kind, action, m->fds);
	if (data == VFIO_IRQ_SET_DATA_NONE)
		return act(f, &set, kind, action, NULL);
	if (set.argsz - sizeof set < set.count || m->size - sizeof set < set.count)
		return -EINVAL;
	return act(f, &set, kind, action, m->payload + sizeof set);
}

/* -- life ------------------------------------------------------------------------------------------------------- */

int us_irqs_create(struct us_served *f)
{
	f->irqs.error = -1;
	for (enum us_irq kind = 0; kind < US_IRQ_KINDS; kind++) {
		unsigned count = us_device_irq_count(f->dev, kind);

		f->irqs.lines[kind] = calloc(count ? count : 1, sizeof *f->irqs.lines[kind]);
		if (!f->irqs.lines[kind])
			return -ENOMEM;
		f->irqs.count[kind] = count;
		for (unsigned i = 0; i < count; i++)
			f->irqs.lines[kind][i] = (struct us_irq_line){
				.served = f,
				.n = i,
				.kind = kind,
				.trigger = -1,
				.mask = -1,
				.unmask = -1,
				.mask_watch = {mask_ready},
				.unmask_watch = {unmask_ready},
			};
	}
	return 0;
}

void us_irqs_release(struct us_served *f)
{
	for (enum us_irq kind = 0; kind < US_IRQ_KINDS; kind++)
		disable(f, kind);
	drop(f, &f->irqs.error, false);
}

void us_irqs_reset(struct us_served *f)
{
	disable(f, US_IRQ_MSI);
	disable(f, US_IRQ_MSIX);
}

void us_irqs_destroy(struct us_served *f)
{
	for (enum us_irq kind = 0; kind < US_IRQ_KINDS; kind++) {
		release_kind(f, kind);
		free(f->irqs.lines[kind]);
		f->irqs.lines[kind] = NULL;
		f->irqs.count[kind] = 0;
	}
}
