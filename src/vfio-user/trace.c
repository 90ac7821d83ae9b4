/* SPDX-License-Identifier: Apache-2.0 */
#include "vfio-user/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct us_trace {
	pthread_mutex_t lock; /* a line that needs two writes stays in one piece */
	int fd;
	bool owned;
	bool failed; /* said so already */
	char name[256];
};

int us_trace_open(const char *path, struct us_trace **trace, struct us_error *err)
{
	struct us_trace *t = calloc(1, sizeof *t);

	if (!t)
		return us_fail(err, -ENOMEM, "no memory for the log");
	t->fd = STDERR_FILENO;
	t->owned = path != NULL;
	if (path) {
		t->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
		if (t->fd < 0) {
			int code = -errno;

			free(t);
			return us_fail(err, code, "cannot open the log '%s': %s", path, strerror(-code));
		}
	}
	snprintf(t->name, sizeof t->name, "%s", path ? path : "standard error");
	pthread_mutex_init(&t->lock, NULL);
	*trace = t;
	return 0;
}

void us_trace_close(struct us_trace *trace)
{
	if (!trace)
		return;
	if (trace->owned)
		close(trace->fd);
	pthread_mutex_destroy(&trace->lock);
	free(trace);
}

static int write_all(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t n = write(fd, text, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		text += n;
		length -= (size_t)n;
	}
	return 0;
}

void us_trace_line(struct us_trace *trace, const char *who, const char *line)
{
	char text[1024];
	struct timespec now;
	int length, error;

	if (!trace)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	length = snprintf(text, sizeof text - 1, "%lld.%06ld %s: %s", (long long)now.tv_sec, now.tv_nsec / 1000, who,
			  line);
	if (length < 0)
		return;
	if ((size_t)length >= sizeof text - 1)
		length = sizeof text - 2;
	text[length++] = '\n';
	pthread_mutex_lock(&trace->lock);
	error = write_all(trace->fd, text, (size_t)length);
	if (error && !trace->failed) {
		trace->failed = true;
		fprintf(stderr, "understudy: cannot write the log to %s: %s; going on, lines are missing from it\n",
			trace->name, strerror(-error));
	}
	pthread_mutex_unlock(&trace->lock);
}
