/* SPDX-License-Identifier: Apache-2.0 */
#include "vfio-user/guard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Read by a signal handler, so without locks. A range that is in use never changes; a slot that is being reused shows
 * end 0 until all of it is written.
 */
static struct {
	_Atomic uintptr_t base, end;
	_Atomic(atomic_bool *) broken;
} guards[US_GUARDS];

static struct sigaction previous;

static int find(uintptr_t at)
{
	for (int i = 0; i < US_GUARDS; i++)
		if (at < atomic_load(&guards[i].end) && at >= atomic_load(&guards[i].base))
			return i;
	return -1;
}

/* mmap without the library's wrapper, which a sanitizer may replace by one that is not safe in a signal handler. */
static int replace(uintptr_t base, size_t size)
{
	long at = syscall(SYS_mmap, base, size, PROT_READ | PROT_WRITE,
			  MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return (uintptr_t)at == base ? 0 : -1;
}

static void pass_on(int number, siginfo_t *info, void *context)
{
	if (previous.sa_flags & SA_SIGINFO) {
		previous.sa_sigaction(number, info, context);
	} else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
		previous.sa_handler(number);
	} else {
		/* The access is repeated on return, with nobody to catch it. */
		signal(SIGBUS, SIG_DFL);
	}
}

static void lost(int number, siginfo_t *info, void *context)
{
	int saved = errno, slot = find((uintptr_t)info->si_addr);
	uintptr_t base, page, size = 4096;

	if (slot < 0) {
		pass_on(number, info, context);
		return;
	}
	base = atomic_load(&guards[slot].base);
	page = (uintptr_t)info->si_addr & ~(size - 1);
	/* The whole range: what is left of it has no meaning any more, and one replacement is one system call. */
	if (replace(base, atomic_load(&guards[slot].end) - base) && replace(page, size)) {
		pass_on(number, info, context);
		return;
	}
	atomic_store(atomic_load(&guards[slot].broken), true);
	errno = saved;
}

int us_guard_install(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct sigaction action = {.sa_sigaction = lost, .sa_flags = SA_SIGINFO | SA_RESTART}, now;
	int error = 0;

	sigemptyset(&action.sa_mask);
	pthread_mutex_lock(&lock);
	if (sigaction(SIGBUS, NULL, &now))
		error = -errno;
	if (!error && !(now.sa_flags & SA_SIGINFO && now.sa_sigaction == lost)) {
		previous = now;
		error = sigaction(SIGBUS, &action, NULL) ? -errno : 0;
	}
	pthread_mutex_unlock(&lock);
	return error;
}

int us_guard_add(void *base, size_t size, atomic_bool *broken)
{
	for (int i = 0; i < US_GUARDS; i++) {
		if (atomic_load(&guards[i].end))
			continue;
		atomic_store(&guards[i].broken, broken);
		atomic_store(&guards[i].base, (uintptr_t)base);
		atomic_store(&guards[i].end, (uintptr_t)base + size);
		return i;
	}
	return -ENOSPC;
}

void us_guard_remove(int slot)
{
	atomic_store(&guards[slot].end, 0);
}
