/* SPDX-License-Identifier: Apache-2.0 */
/* understudy serve: plays devices for vfio-user clients, in the foreground, until it is told to end. */
#include "cli/cli.h"
#include "device/host.h"
#include "vfio-user/server.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define MOST 64 /* functions of one server */

struct settings {
	const char *device[MOST];
	const char *path[MOST]; /* or NULL: fd */
	int fd[MOST];
	struct us_served *served[MOST];
	bool once[MOST]; /* fd is a connection, not a place where they arrive */
	int devices, sockets;
	bool trace;
	const char *trace_path; /* NULL: standard error */
	unsigned poll;
};

static struct us_server *server; /* for the signal handler */

static void usage(FILE *to)
{
	fprintf(to, "Usage: understudy serve DEVICE --socket PATH [DEVICE --socket PATH]... [OPTION]...\n"
		    "Play a PCI function for QEMU, or any other vfio-user client, until interrupted.\n\n"
		    "DEVICE is the name of a device that comes with understudy, or the path of a shared object with a\n"
		    "model (./mydevice.so). Several devices get as many sockets, in order.\n\n"
		    "  -s, --socket PATH    listen at PATH (--socket-path is the same)\n"
		    "      --fd N           take clients from this descriptor instead: a UNIX socket that listens, or a\n"
		    "                       connection\n"
		    "  -t, --trace[=FILE]   log what the device does, to FILE (appended) or standard error\n"
		    "      --poll US        look for the next access this long before sleeping, in microseconds\n"
		    "                       (default %d, 0 to sleep at once)\n"
		    "  -h, --help           print this\n",
		US_SERVER_POLL_DEFAULT);
}

/* A whole number up to `most`; -1: none. */
static long number(const char *text, long most)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	return errno || end == text || *end || value < 0 || value > most ? -1 : value;
}

static int wrong(const char *format, const char *what)
{
	fputs("understudy serve: ", stderr);
	fprintf(stderr, format, what);
	fputs("\nTry 'understudy serve --help'.\n", stderr);
	return -EINVAL;
}

static int add_socket(struct settings *s, const char *path, int fd)
{
	if (s->sockets == MOST)
		return wrong("more than %s sockets", "64");
	s->path[s->sockets] = path;
	s->fd[s->sockets++] = fd;
	return 0;
}

static int one_option(struct settings *s, int option)
{
	long value;

	switch (option) {
	case 's':
		return add_socket(s, optarg, -1);
	case 'f':
		value = number(optarg, INT_MAX);
		return value < 0 ? wrong("'%s' is no file descriptor", optarg) : add_socket(s, NULL, (int)value);
	case 't':
		s->trace = true;
		s->trace_path = optarg;
		return 0;
	case 'p':
		value = number(optarg, 1000000);
		s->poll = (unsigned)value;
		return value < 0 ? wrong("--poll takes microseconds, up to a million, not '%s'", optarg) : 0;
	case 'h':
		usage(stdout);
		return 1;
	default:
		fputs("Try 'understudy serve --help'.\n", stderr);
		return -EINVAL;
	}
}

/* 0: go on, 1: nothing more to do, or negative. */
static int options(struct settings *s, int argc, char **argv)
{
	static const struct option list[] = {
		{"socket", required_argument, NULL, 's'}, {"socket-path", required_argument, NULL, 's'},
		{"fd", required_argument, NULL, 'f'},     {"trace", optional_argument, NULL, 't'},
		{"poll", required_argument, NULL, 'p'},   {"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option, error = 0;

	while (!error && (option = getopt_long(argc, argv, "s:t::h", list, NULL)) != -1)
		error = one_option(s, option);
	if (error)
		return error;
	for (; optind < argc && s->devices < MOST; optind++)
		s->device[s->devices++] = argv[optind];
	if (optind < argc)
		return wrong("more than %s devices", "64");
	if (!s->devices)
		return wrong("no device is named%s", "");
	if (s->devices > s->sockets)
		return wrong("each device needs a --socket, and '%s' has none", s->device[s->sockets]);
	if (s->devices < s->sockets)
		return wrong("there are more sockets than devices%s", "");
	return 0;
}

/* What messages and the log call a device: its name, or its file's. */
static const char *short_name(const char *device)
{
	const char *slash = strrchr(device, '/');

	return slash ? slash + 1 : device;
}

static int add(struct settings *s, int i, struct us_error *err)
{
	const struct us_model *model;
	int listening = 0, error;
	socklen_t size = sizeof listening;

	error = us_model_find(s->device[i], &model, err);
	if (!error)
		error = us_server_add(server, model, short_name(s->device[i]), &s->served[i], err);
	if (error)
		return error;
	if (s->path[i])
		return us_server_listen(s->served[i], s->path[i], err);
	if (!getsockopt(s->fd[i], SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) && !listening) {
		s->once[i] = true;
		return us_server_attach(s->served[i], s->fd[i], err);
	}
	return us_server_listen_fd(s->served[i], s->fd[i], err);
}

/* Scripts wait for these lines: a client that comes after its line is served. */
static void say_ready(const struct settings *s)
{
	for (int i = 0; i < s->devices; i++) {
		if (s->path[i])
			printf("serving %s on %s\n", short_name(s->device[i]), s->path[i]);
		else
			printf("serving %s on descriptor %d\n", short_name(s->device[i]), s->fd[i]);
	}
	fflush(stdout);
}

/* Connections that were handed over are all there is, and all are gone? */
static bool done(const struct settings *s)
{
	for (int i = 0; i < s->devices; i++)
		if (!s->once[i] || us_server_connected(s->served[i]))
			return false;
	return true;
}

static volatile sig_atomic_t ending;

static void end(int number_)
{
	(void)number_;
	ending = 1;
	us_server_stop(server);
}

/* A terminal that goes away ends the server too: it runs in the foreground, and its sockets are to be removed. */
static void on_signals(void (*handler)(int))
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
		sigaction(signals[i], &action, NULL);
}

static void prepare_process(void)
{
	struct rlimit files;

	on_signals(end);
	signal(SIGPIPE, SIG_IGN);
	/* Clients hand over descriptors: one that gives many must not leave none to the others. */
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static int serve(struct settings *s, struct us_error *err)
{
	struct us_server_options o = {.poll = s->poll};
	struct us_trace *trace = NULL;
	int error = s->trace ? us_trace_open(s->trace_path, &trace, err) : 0;

	o.trace = trace;
	if (!error)
		error = us_server_create(&o, &server, err);
	if (!error) {
		prepare_process();
		for (int i = 0; i < s->devices && !error; i++)
			error = add(s, i, err);
		if (!error)
			say_ready(s);
		while (!error && !ending && !done(s))
			error = us_server_turn(server, -1);
		on_signals(SIG_IGN);
		us_server_destroy(server);
	}
	us_trace_close(trace);
	return error;
}

int us_cli_serve(int argc, char **argv)
{
	struct settings s = {.poll = US_SERVER_POLL_DEFAULT};
	struct us_error err = {""};
	int error = options(&s, argc, argv);

	if (error)
		return error > 0 ? US_EXIT_OK : US_EXIT_USAGE;
	if (serve(&s, &err)) {
		fprintf(stderr, "understudy serve: %s\n", err.text);
		return US_EXIT_FAILED;
	}
	return US_EXIT_OK;
}
