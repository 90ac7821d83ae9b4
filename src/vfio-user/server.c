/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop.
 *
 * Between the accesses of a busy driver the server does not sleep but looks at the connection again, for as long as
 * polling.c says.
 */
#include "vfio-user/served.h"

#include "vfio-user/guard.h"
#include "vfio-user/polling.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 16
#define STREAK 64 /* accesses of one function after which the others get a look */
#define NOTICES 10 /* lines on standard error each second */

struct us_server {
	struct us_server_options options;
	int epoll, wake, timer;
	int spare; /* given up to take and close a connection when no descriptor is left */
	struct us_watch wake_watch, timer_watch;
	struct us_served *functions;
	atomic_bool stop, attention, sleeping;
	uint64_t due; /* when a function has to be looked at */
	uint64_t timer_due; /* what the timer is set to */
	_Atomic uint64_t sleeps;

	struct us_served *hot; /* the last that was accessed */
	struct us_polling polling;
	unsigned streak;

	pthread_mutex_t notices;
	uint64_t notice_second;
	unsigned notice_count;
};

uint64_t us_server_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

struct us_trace *us_server_trace(const struct us_server *server)
{
	return server->options.trace;
}

uint64_t us_server_patience(const struct us_server *server)
{
	return (server->options.patience ? server->options.patience : 2000) * UINT64_C(1000000);
}

uint64_t us_server_sleeps(const struct us_server *server)
{
	return server->sleeps;
}

void us_server_notice(struct us_served *f, const char *format, ...)
{
	struct us_server *server = f->server;
	uint64_t second = us_server_now() / 1000000000;
	char line[512];
	bool say;
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	us_served_trace(f, "%s", line);
	pthread_mutex_lock(&server->notices);
	if (server->notice_second != second)
		server->notice_count = 0;
	server->notice_second = second;
	say = !server->options.quiet && server->notice_count++ < NOTICES;
	pthread_mutex_unlock(&server->notices);
	if (say)
		fprintf(stderr, "understudy: %s: %s\n", f->name, line);
}

/* -- epoll ------------------------------------------------------------------------------------------------------ */

static int control(struct us_server *server, int operation, int fd, uint32_t events, struct us_watch *watch)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	return epoll_ctl(server->epoll, operation, fd, &event) ? -errno : 0;
}

int us_server_watch(struct us_server *server, int fd, uint32_t events, struct us_watch *watch)
{
	return control(server, EPOLL_CTL_ADD, fd, events, watch);
}

int us_server_rewatch(struct us_server *server, int fd, uint32_t events, struct us_watch *watch)
{
	return control(server, EPOLL_CTL_MOD, fd, events, watch);
}

void us_server_unwatch(struct us_server *server, int fd)
{
	control(server, EPOLL_CTL_DEL, fd, 0, NULL);
}

/* A number that is only there to wake us, or that a timer counted. */
static void drain(int fd)
{
	uint64_t count;
	ssize_t n = read(fd, &count, sizeof count);

	(void)n;
}

static void wake_ready(struct us_watch *watch, uint32_t events)
{
	(void)events;
	drain(us_container_of(watch, struct us_server, wake_watch)->wake);
}

static void timer_ready(struct us_watch *watch, uint32_t events)
{
	struct us_server *server = us_container_of(watch, struct us_server, timer_watch);

	(void)events;
	drain(server->timer);
	server->timer_due = UINT64_MAX;
}

static void ring(struct us_server *server)
{
	uint64_t one = 1;
	ssize_t n = write(server->wake, &one, sizeof one);

	(void)n; /* it fails only when the counter is full, and then it wakes as well */
}

void us_server_look(struct us_server *server)
{
	atomic_store(&server->attention, true);
	if (atomic_load(&server->sleeping))
		ring(server);
}

/* -- polling ---------------------------------------------------------------------------------------------------- */

void us_server_accessed(struct us_server *server, struct us_served *f)
{
	server->hot = f;
	us_polling_access(&server->polling, us_server_now());
}

static bool dispatch(struct us_server *server, int timeout)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(server->epoll, events, EVENTS, timeout);

	for (int i = 0; i < n; i++) {
		struct us_watch *watch = events[i].data.ptr;

		watch->ready(watch, events[i].events);
	}
	return n > 0;
}

/* Looks at the busy function until something comes, anywhere, or it is time to sleep. True: do not sleep. */
static bool look_again(struct us_server *server)
{
	uint64_t time = us_polling_time(&server->polling), end = server->polling.accessed + time, now;

	if (!server->hot || !time)
		return false;
	if (++server->streak >= STREAK) {
		server->streak = 0;
		if (dispatch(server, 0))
			return true;
	}
	for (unsigned i = 1;; i++) {
		if (us_stream_receive(server->hot))
			return true;
		now = us_server_now();
		if (atomic_load(&server->attention) || now >= server->due)
			return true;
		if (now >= end)
			break;
		if (i % 16 == 0 && dispatch(server, 0))
			return true;
	}
	us_polling_miss(&server->polling);
	return false;
}

/* -- turns ------------------------------------------------------------------------------------------------------ */

static void tick(struct us_server *server)
{
	uint64_t now = us_server_now();

	if (!atomic_exchange(&server->attention, false) && now < server->due)
		return;
	server->due = UINT64_MAX;
	for (struct us_served *f = server->functions; f; f = f->next) {
		uint64_t due = us_served_tick(f, now);

		if (due < server->due)
			server->due = due;
	}
}

static void set_timer(struct us_server *server, uint64_t when)
{
	struct itimerspec at = {.it_value = {(time_t)(when / 1000000000), (long)(when % 1000000000)}};

	if (when == UINT64_MAX || when == server->timer_due)
		return;
	if (when / 1000000000 > INT32_MAX)
		return;
	if (!when)
		at.it_value.tv_nsec = 1;
	timerfd_settime(server->timer, TFD_TIMER_ABSTIME, &at, NULL);
	server->timer_due = when;
}

static void sleep_and_wake(struct us_server *server, uint64_t deadline, int timeout)
{
	set_timer(server, server->due < deadline ? server->due : deadline);
	atomic_store(&server->sleeping, true);
	if (atomic_load(&server->attention))
		timeout = 0;
	else if (timeout)
		server->sleeps++;
	dispatch(server, timeout);
	atomic_store(&server->sleeping, false);
}

int us_server_turn(struct us_server *server, int timeout)
{
	tick(server);
	if (look_again(server))
		timeout = 0;
	else
		sleep_and_wake(server, UINT64_MAX, timeout);
	tick(server);
	return 0;
}

void us_server_turn_nested(struct us_server *server, uint64_t deadline)
{
	tick(server);
	sleep_and_wake(server, deadline, -1);
}

int us_server_run(struct us_server *server)
{
	int error = 0;

	while (!error && !atomic_exchange(&server->stop, false))
		error = us_server_turn(server, -1);
	return error;
}

void us_server_stop(struct us_server *server)
{
	int saved = errno;

	atomic_store(&server->stop, true);
	atomic_store(&server->attention, true);
	ring(server);
	errno = saved;
}

/* -- life ------------------------------------------------------------------------------------------------------- */

static unsigned processors(void)
{
	cpu_set_t cpus;

	return sched_getaffinity(0, sizeof cpus, &cpus) ? 1 : (unsigned)CPU_COUNT(&cpus);
}

int us_server_create(const struct us_server_options *options, struct us_server **server, struct us_error *err)
{
	struct us_server *s = calloc(1, sizeof *s);
	int error;

	if (!s)
		return us_fail(err, -ENOMEM, "no memory for the server");
	s->options = *options;
	s->wake_watch.ready = wake_ready;
	s->timer_watch.ready = timer_ready;
	s->due = s->timer_due = UINT64_MAX;
	pthread_mutex_init(&s->notices, NULL);
	us_polling_init(&s->polling, options->poll * UINT64_C(1000), processors());
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	s->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	error = s->epoll < 0 || s->wake < 0 || s->timer < 0 || s->spare < 0 ? -errno : us_guard_install();
	if (!error)
		error = us_server_watch(s, s->wake, EPOLLIN, &s->wake_watch);
	if (!error)
		error = us_server_watch(s, s->timer, EPOLLIN, &s->timer_watch);
	if (error) {
		us_server_destroy(s);
		return us_fail(err, error, "the server cannot start: %s", strerror(-error));
	}
	*server = s;
	return 0;
}

void us_server_destroy(struct us_server *server)
{
	const int fds[] = {server ? server->epoll : -1, server ? server->wake : -1, server ? server->timer : -1,
			   server ? server->spare : -1};

	if (!server)
		return;
	while (server->functions) {
		struct us_served *f = server->functions;

		server->functions = f->next;
		us_served_destroy(f);
	}
	for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	pthread_mutex_destroy(&server->notices);
	free(server);
}

int us_server_add(struct us_server *server, const struct us_model *model, const char *name, struct us_served **served,
		  struct us_error *err)
{
	struct us_served **last = &server->functions, *f;
	int error = us_served_create(server, model, name, &f, err);

	if (error)
		return error;
	while (*last)
		last = &(*last)->next;
	*last = f;
	us_server_look(server);
	if (served)
		*served = f;
	return 0;
}

int us_server_attach(struct us_served *f, int fd, struct us_error *err)
{
	int error;

	if (f->stream.socket >= 0) {
		close(fd);
		return us_fail(err, -EBUSY, "%s has a client", f->name);
	}
	error = us_served_connect(f, fd);
	if (error)
		return us_fail(err, error, "cannot serve the client of %s: %s", f->name, strerror(-error));
	return 0;
}

bool us_server_connected(const struct us_served *f)
{
	return f->stream.socket >= 0;
}

void us_server_shed(struct us_server *server, int listener)
{
	int fd;

	close(server->spare);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		close(fd);
	server->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}
