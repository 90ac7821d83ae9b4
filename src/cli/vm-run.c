/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* How long QEMU may take to end after it or the guest was asked to, before it is made to. */
#define GRACE_MS 5000

enum { CONSOLE, STDOUT, STDERR, STATUS, CHANNELS };
static const char *const channel_names[CHANNELS] = {"console", "stdout", "stderr", "status"};

struct runner {
	int channel[CHANNELS]; /* FIFOs to read from, or -1 */
	int signals;
	bool verbose;
	char console[4096]; /* the last of the console, for people to read when something went wrong */
	size_t console_length;
	char status[32]; /* what came through the port of that name */
	size_t status_length;
	pid_t qemu;
	int unheard; /* why our own output could not be written, an errno, or 0 */
};

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

void us_vm_end_signals(sigset_t *signals)
{
	static const int list[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

	sigemptyset(signals);
	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
		sigaddset(signals, list[i]);
}

/* Writes all of it; false, with errno, when that can not be. */
static bool put(int fd, const char *data, size_t length)
{
	while (length) {
		ssize_t n = write(fd, data, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		data += n;
		length -= (size_t)n;
	}
	return true;
}

static void keep_tail(struct runner *r, const char *data, size_t length)
{
	size_t most = sizeof r->console - 1;

	if (length > most) {
		data += length - most;
		length = most;
	}
	if (r->console_length + length > most) {
		size_t drop = r->console_length + length - most;

		memmove(r->console, r->console + drop, r->console_length - drop);
		r->console_length -= drop;
	}
	memcpy(r->console + r->console_length, data, length);
	r->console_length += length;
	r->console[r->console_length] = '\0';
}

/* Passes on what a channel holds by now. False when our own output takes no more. */
static bool drain(struct runner *r, int channel)
{
	char data[65536];
	ssize_t n;

	while ((n = read(r->channel[channel], data, sizeof data)) > 0) {
		size_t length = (size_t)n;

		switch (channel) {
		case CONSOLE:
			keep_tail(r, data, length);
			if (r->verbose)
				put(STDERR_FILENO, data, length);
			break;
		case STATUS:
			if (length > sizeof r->status - 1 - r->status_length)
				length = sizeof r->status - 1 - r->status_length;
			memcpy(r->status + r->status_length, data, length);
			r->status_length += length;
			break;
		default:
			if (!put(channel == STDOUT ? STDOUT_FILENO : STDERR_FILENO, data, length)) {
				r->unheard = errno;
				return false;
			}
		}
	}
	return true;
}

static bool drain_all(struct runner *r)
{
	bool open = true;

	for (int i = 0; i < CHANNELS; i++)
		if (r->channel[i] >= 0 && !drain(r, i))
			open = false;
	return open;
}

/* The exit status that the guest has sent, or -1 while the line is not there. */
static int program_status(const struct runner *r)
{
	unsigned status;
	char newline;

	return sscanf(r->status, "exit %u%c", &status, &newline) == 2 && newline == '\n' ? (int)(status & 0xff) : -1;
}

static int open_channels(struct runner *r, const char *folder, struct us_error *err)
{
	for (int i = 0; i < CHANNELS; i++) {
		char path[PATH_MAX + 16];

		snprintf(path, sizeof path, "%s/%s", folder, channel_names[i]);
		if (mkfifo(path, 0600))
			return us_fail(err, -errno, "cannot make '%s': %s", path, strerror(errno));
		r->channel[i] = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC); /* a writer of its own: never at its end */
		if (r->channel[i] < 0)
			return us_fail(err, -errno, "cannot open '%s': %s", path, strerror(errno));
	}
	return 0;
}

static void close_channels(struct runner *r, const char *folder)
{
	for (int i = 0; folder && i < CHANNELS; i++) {
		char path[PATH_MAX + 16];

		if (r->channel[i] < 0)
			continue;
		close(r->channel[i]);
		snprintf(path, sizeof path, "%s/%s", folder, channel_names[i]);
		unlink(path);
	}
}

/* QEMU dies with us, whatever we die of. Its own chatter never mixes with a program's output. */
static int start(struct runner *r, char **command, bool interactive, const sigset_t *signals, struct us_error *err)
{
	pid_t parent = getpid();
	int failed[2], code = 0;

	if (pipe2(failed, O_CLOEXEC))
		return us_fail(err, -errno, "cannot start QEMU: %s", strerror(errno));
	r->qemu = fork();
	if (r->qemu == 0) {
		sigprocmask(SIG_UNBLOCK, signals, NULL);
		signal(SIGPIPE, SIG_DFL);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(127);
		if (!interactive) {
			int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

			dup2(null, STDIN_FILENO);
			dup2(STDERR_FILENO, STDOUT_FILENO);
		}
		execvp(command[0], command);
		code = errno;
		put(failed[1], (const char *)&code, sizeof code);
		_exit(127);
	}
	if (r->qemu < 0)
		code = errno;
	close(failed[1]);
	if (!code && read(failed[0], &code, sizeof code) == sizeof code)
		waitpid(r->qemu, NULL, 0);
	close(failed[0]);
	return code ? us_fail(err, -code, "cannot start '%s': %s", command[0], strerror(code)) : 0;
}

/* Waits for QEMU's end, and after a while insists. Reads on meanwhile, so that it does not wait for us. */
static void await_end(struct runner *r)
{
	long long until = now_ms() + GRACE_MS;

	while (waitpid(r->qemu, NULL, WNOHANG) == 0) {
		if (now_ms() > until) {
			kill(r->qemu, SIGKILL);
			waitpid(r->qemu, NULL, 0);
			break;
		}
		drain_all(r);
		poll(NULL, 0, 10);
	}
	drain_all(r);
}

static void stop(struct runner *r)
{
	kill(r->qemu, SIGTERM);
	await_end(r);
}

/* One line that says what the console last said, or what is known instead. */
static const char *last_words(struct runner *r)
{
	const char *panic = strstr(r->console, "Kernel panic");

	if (panic) {
		r->console[(size_t)(panic - r->console) + strcspn(panic, "\r\n")] = '\0';
		return panic;
	}
	return r->console_length ? "its console ended as shown above" : "it said nothing on its console";
}

/* For a guest that ended in a way that needs explaining: its last lines on standard error, unless they are there already. */
static void show_console(const struct runner *r)
{
	if (r->console_length && !r->verbose) {
		put(STDERR_FILENO, r->console, r->console_length);
		if (r->console[r->console_length - 1] != '\n')
			put(STDERR_FILENO, "\n", 1);
	}
}

static void lost(struct runner *r, struct us_vm_result *result, int status, struct us_error *err)
{
	char how[64];

	if (WIFSIGNALED(status))
		snprintf(how, sizeof how, "QEMU was killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status))
		snprintf(how, sizeof how, "QEMU ended with exit status %d", WEXITSTATUS(status));
	else
		snprintf(how, sizeof how, "the guest stopped");
	show_console(r);
	result->end = US_VM_LOST;
	us_fail(err, -EIO, "%s before the program had ended: %s", how, last_words(r));
}

/* What a signal means: 0 to go on, else the loop ends with `result` filled. */
static bool take_signal(struct runner *r, bool program, struct us_vm_result *result, struct us_error *err)
{
	struct signalfd_siginfo info;
	int status;

	if (read(r->signals, &info, sizeof info) != sizeof info)
		return false;
	if (info.ssi_signo != SIGCHLD) {
		stop(r);
		*result = (struct us_vm_result){US_VM_SIGNAL, (int)info.ssi_signo};
		return true;
	}
	if (waitpid(r->qemu, &status, WNOHANG) != r->qemu)
		return false;
	drain_all(r);
	if (program && program_status(r) >= 0)
		*result = (struct us_vm_result){US_VM_EXITED, program_status(r)};
	else if (program)
		lost(r, result, status, err);
	else
		*result = (struct us_vm_result){US_VM_EXITED, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)};
	return true;
}

static void watch(struct runner *r, bool program, unsigned timeout, struct us_vm_result *result, struct us_error *err)
{
	long long until = timeout ? now_ms() + timeout * 1000LL : 0;

	for (;;) {
		struct pollfd fds[CHANNELS + 1];
		long long left = timeout ? until - now_ms() : -1;

		for (int i = 0; i < CHANNELS; i++)
			fds[i] = (struct pollfd){.fd = r->channel[i], .events = POLLIN};
		fds[CHANNELS] = (struct pollfd){.fd = r->signals, .events = POLLIN};
		if (timeout && left <= 0) {
			stop(r);
			show_console(r);
			result->end = US_VM_TIMEOUT;
			us_fail(err, -ETIMEDOUT, "the guest was stopped after %u seconds, as --timeout says: %s", timeout,
				last_words(r));
			return;
		}
		poll(fds, CHANNELS + 1, left > 1000 || left < 0 ? 1000 : (int)left);
		if (!drain_all(r)) {
			stop(r);
			return;
		}
		if (program && program_status(r) >= 0) {
			*result = (struct us_vm_result){US_VM_EXITED, program_status(r)};
			await_end(r); /* the guest is powering off */
			return;
		}
		if ((fds[CHANNELS].revents & POLLIN) && take_signal(r, program, result, err))
			return;
	}
}

/* A reader that went away ends us as it ends every program; a disk that is full wants a word. */
static void unheard(int why, struct us_vm_result *result, struct us_error *err)
{
	*result = (struct us_vm_result){why == EPIPE ? US_VM_SIGNAL : US_VM_UNHEARD, SIGPIPE};
	us_fail(err, -why, "cannot write the guest's output: %s", strerror(why));
}

int us_vm_run(const struct us_list *command, const char *folder, unsigned timeout, bool verbose,
	      struct us_vm_result *result, struct us_error *err)
{
	struct runner r = {.channel = {-1, -1, -1, -1}, .signals = -1, .verbose = verbose};
	struct termios terminal;
	/* Only who had it gives it back: in the background that would stop us (SIGTTOU). */
	bool has_terminal = !folder && !tcgetattr(STDIN_FILENO, &terminal);
	sigset_t ours, before;
	int rc;

	us_vm_end_signals(&ours);
	sigaddset(&ours, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ours, &before);
	signal(SIGPIPE, SIG_IGN);
	r.signals = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
	rc = r.signals < 0 ? us_fail(err, -errno, "no signalfd: %s", strerror(errno)) : 0;
	if (!rc && folder)
		rc = open_channels(&r, folder, err);
	if (!rc)
		rc = start(&r, command->item, !folder, &ours, err);
	if (!rc)
		watch(&r, folder, timeout, result, err);
	if (!rc && r.unheard)
		unheard(r.unheard, result, err);
	close_channels(&r, folder);
	if (r.signals >= 0)
		close(r.signals);
	if (has_terminal)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}
