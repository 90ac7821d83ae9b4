/* SPDX-License-Identifier: Apache-2.0 */
/* The other processes of a measurement. They end with this one: their sockets close. */
#include "bench.h"

#include "device/host.h"
#include "function/player.h"
#include "vfio-user/server.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* In the child: its end of a socket pair. In the parent: its own, *child set to -1. */
static int fork_with_socket(int *child)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		bench_fail("no socket pair");
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		bench_fail("no process");
	*child = pid ? -1 : pair[1];
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(pair[pid ? 1 : 0]);
	return pair[0];
}

int bench_ponger(size_t take, size_t give)
{
	char bytes[4096] = {0};
	int child, parent = fork_with_socket(&child);

	if (child < 0)
		return parent;
	while (recv(child, bytes, take, MSG_WAITALL) == (ssize_t)take && send(child, bytes, give, MSG_NOSIGNAL) > 0)
		;
	_exit(0);
}

static void serve(const char *name, unsigned poll, int socket)
{
	const struct us_server_options options = {.poll = poll, .quiet = true};
	const struct us_model *model;
	struct us_server *server;
	struct us_served *served;
	struct us_error err;

	if (us_model_find(name, &model, &err) || us_server_create(&options, &server, &err) ||
	    us_server_add(server, model, name, &served, &err) || us_server_attach(served, socket, &err))
		bench_fail("%s", err.text);
	while (us_server_connected(served) && !us_server_turn(server, -1))
		;
	us_server_destroy(server);
	_exit(0);
}

struct us_function *bench_served(const char *name, unsigned poll)
{
	int child, parent = fork_with_socket(&child);
	struct us_function *fn;
	struct us_error err;

	if (child >= 0)
		serve(name, poll, child);
	if (us_socket_play(parent, "bench", &fn, &err))
		bench_fail("%s", err.text);
	return fn;
}

struct us_function *bench_model(const char *name)
{
	struct us_function *fn;
	struct us_error err;

	if (us_fn_open("model", name, &fn, &err))
		bench_fail("%s", err.text);
	return fn;
}
