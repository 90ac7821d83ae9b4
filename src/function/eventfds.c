/* SPDX-License-Identifier: Apache-2.0 */
/* Interrupts that arrive as eventfds, as kernel VFIO and vfio-user deliver them. */
#include "function/player.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define OTHER UINT32_MAX

uint64_t us_real_now(struct us_function *fn)
{
	struct timespec t;

	(void)fn;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int us_eventfds_open(struct us_function *fn, struct us_eventfds *e, int other)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = OTHER};

	*e = (struct us_eventfds){.other = other};
	e->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (e->epoll >= 0 && (other < 0 || !epoll_ctl(e->epoll, EPOLL_CTL_ADD, other, &event)))
		return 0;
	return us_fn_fail(fn, -errno, "no epoll descriptor: %s", strerror(errno));
}

void us_eventfds_close(struct us_eventfds *e)
{
	us_eventfds_drop(e);
	if (e->epoll >= 0)
		close(e->epoll);
	e->epoll = -1;
}

int us_eventfds_make(struct us_function *fn, struct us_eventfds *e, unsigned count)
{
	e->fds = calloc(count, sizeof *e->fds);
	if (!e->fds)
		return us_fn_fail(fn, -ENOMEM, "out of memory");
	for (; e->count < count; e->count++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = e->count};
		int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), why;

		if (fd >= 0 && !epoll_ctl(e->epoll, EPOLL_CTL_ADD, fd, &event)) {
			e->fds[e->count] = fd;
			continue;
		}
		why = errno;
		if (fd >= 0)
			close(fd);
		us_eventfds_drop(e);
		return us_fn_fail(fn, -why, "no %u eventfds for interrupts: %s%s", count, strerror(why),
				  why == EMFILE ? " (ulimit -n raises the limit)" : "");
	}
	return 0;
}

void us_eventfds_drop(struct us_eventfds *e)
{
	for (unsigned i = 0; i < e->count; i++)
		close(e->fds[i]);
	free(e->fds);
	e->fds = NULL;
	e->count = 0;
}

/*
 * epoll_wait() whose time limit is not in milliseconds; ppoll() of the epoll descriptor is, everywhere, what
 * epoll_pwait2() is since Linux 5.11 and not under valgrind.
 */
static int wait_for_events(int epoll, struct epoll_event *events, int most, const struct timespec *limit)
{
	struct pollfd polled = {.fd = epoll, .events = POLLIN};
	int n = epoll_wait(epoll, events, most, 0);

	if (n || (limit && !limit->tv_sec && !limit->tv_nsec))
		return n;
	n = ppoll(&polled, 1, limit, NULL);
	return n > 0 ? epoll_wait(epoll, events, most, 0) : n;
}

int us_eventfds_wait(struct us_function *fn, struct us_eventfds *e, uint64_t deadline, bool *readable)
{
	struct epoll_event events[32];
	struct timespec left;
	uint64_t now;
	int n;

	*readable = false;
	do {
		now = deadline == US_FOREVER ? 0 : us_real_now(fn);
		left.tv_sec = (time_t)(deadline > now ? (deadline - now) / 1000000000 : 0);
		left.tv_nsec = (long)(deadline > now ? (deadline - now) % 1000000000 : 0);
		n = wait_for_events(e->epoll, events, 32, deadline == US_FOREVER ? NULL : &left);
	} while ((n == 0 && now < deadline) || (n < 0 && errno == EINTR && deadline == US_FOREVER));
	if (n < 0)
		return errno == EINTR ? 1
				      : us_fn_fail(fn, -errno, "waiting for interrupts failed: %s", strerror(errno));
	for (int i = 0; i < n; i++) {
		uint64_t times = 0;

		if (events[i].data.u32 == OTHER)
			*readable = true;
		else if (read(e->fds[events[i].data.u32], &times, sizeof times) == (ssize_t)sizeof times)
			us_fn_came(fn, events[i].data.u32, times);
	}
	return n > 0;
}
