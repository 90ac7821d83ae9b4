/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets on which clients arrive, and the manners of a daemon about their paths. */
#include "vfio-user/served.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define QUEUE 4
#define ACCEPT_PAUSE 1000 /* µs */

static void arrived(struct us_watch *watch, uint32_t events)
{
	struct us_served *f = us_container_of(watch, struct us_served, listener_watch);
	int fd, error;

	(void)events;
	if (f->listener < 0)
		return;
	fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
		us_server_notice(f, "a client is turned away: no file descriptor is left");
		us_server_shed(f->server, f->listener);
	} else if (fd < 0 && (errno == ENOBUFS || errno == ENOMEM)) {
		/* It waits in the queue until there is memory; asking at once again would only cost processor time. */
		us_server_notice(f, "a client has to wait: %s", strerror(errno));
		usleep(ACCEPT_PAUSE);
	}
	if (fd < 0)
		return;
	/* The one before it may just have left: then its end is there to be read. */
	if (f->stream.socket >= 0 && !f->busy) {
		while (us_stream_receive(f))
			;
		us_served_tick(f, us_server_now());
	}
	if (f->stream.socket >= 0) {
		us_server_notice(f, "a second client is turned away: one is being served");
		close(fd);
		return;
	}
	error = us_served_connect(f, fd);
	if (error)
		us_server_notice(f, "a client is turned away: %s", strerror(-error));
}

static int listen_on(struct us_served *f, int fd, struct us_error *err)
{
	int error = 0;

	f->listener_watch.ready = arrived;
	if (listen(fd, QUEUE))
		error = -errno;
	if (!error)
		error = us_server_watch(f->server, fd, EPOLLIN, &f->listener_watch);
	if (error) {
		close(fd);
		return us_fail(err, error, "cannot listen for clients of %s: %s", f->name, strerror(-error));
	}
	f->listener = fd;
	return 0;
}

/* -- paths ------------------------------------------------------------------------------------------------------ */

/*
 * Makes way at `path`: 0 when nothing is there, or only a socket that nobody listens on any more. That is asked with a
 * socket of another kind, which is never let in but refused with another error where somebody listens: a server there
 * does not take it for a client.
 */
static int make_way(const char *path, const struct sockaddr_un *address, struct us_error *err)
{
	struct stat st;
	int probe, error;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : us_fail(err, -errno, "cannot look at '%s': %s", path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return us_fail(err, -EEXIST, "'%s' exists and is no socket; name another path, or remove it", path);
	probe = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (probe < 0)
		return us_fail(err, -errno, "no socket: %s", strerror(errno));
	error = connect(probe, (const struct sockaddr *)address, sizeof *address) ? errno : 0;
	close(probe);
	if (error == ENOENT)
		return 0;
	if (error == EACCES)
		return us_fail(err, -EACCES, "no permission to ask who listens at '%s'; name another path", path);
	if (error != ECONNREFUSED)
		return us_fail(err, -EADDRINUSE, "a server is listening at '%s' already; stop it, or name another path",
			       path);
	if (unlink(path) && errno != ENOENT)
		return us_fail(err, -errno, "cannot remove the old socket '%s': %s", path, strerror(errno));
	return 0;
}

/* Only the user may connect: a client makes the server map its memory. */
static int bind_private(int fd, const struct sockaddr_un *address)
{
	mode_t before = umask(0177);
	int error = bind(fd, (const struct sockaddr *)address, sizeof *address) ? -errno : 0;

	umask(before);
	return error;
}

int us_server_listen(struct us_served *f, const char *path, struct us_error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;
	int fd, error;

	if (!*path || strlen(path) >= sizeof address.sun_path)
		return us_fail(err, -ENAMETOOLONG, "the socket path '%s' has %zu bytes; it must have 1 to %zu", path,
			       strlen(path), sizeof address.sun_path - 1);
	memcpy(address.sun_path, path, strlen(path));
	error = make_way(path, &address, err);
	if (error)
		return error;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return us_fail(err, -errno, "no socket: %s", strerror(errno));
	error = bind_private(fd, &address);
	if (error) {
		close(fd);
		return us_fail(err, error, "cannot make the socket '%s': %s", path, strerror(-error));
	}
	f->path = strdup(path);
	if (f->path && !lstat(path, &st)) {
		f->path_dev = st.st_dev;
		f->path_ino = st.st_ino;
	}
	error = listen_on(f, fd, err);
	if (error)
		us_listener_close(f);
	return error;
}

int us_server_listen_fd(struct us_served *f, int fd, struct us_error *err)
{
	int listening = 0, domain = 0, type = 0;
	socklen_t size = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) ||
	    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) || !listening || domain != AF_UNIX || type != SOCK_STREAM)
		return us_fail(err, -EINVAL, "file descriptor %d is no UNIX stream socket that listens", fd);
	return listen_on(f, fd, err);
}

void us_listener_close(struct us_served *f)
{
	struct stat st;

	if (f->listener >= 0) {
		us_server_unwatch(f->server, f->listener);
		close(f->listener);
	}
	f->listener = -1;
	/* Somebody may have put another one there meanwhile. */
	if (f->path && !lstat(f->path, &st) && st.st_dev == f->path_dev && st.st_ino == f->path_ino)
		unlink(f->path);
	free(f->path);
	f->path = NULL;
}
