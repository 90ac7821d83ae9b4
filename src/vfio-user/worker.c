/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps of jobs, on a thread of the function's own.
 *
 * The worker runs one step after the other, ahead of the hardware's pace by no more than AHEAD, and the server's thread
 * reports the job when the steps are done and their time is up. Ending a job means waiting for the step in progress,
 * which is short; a step that waits for a DMA message is told to give up.
 */
#include "vfio-user/served.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

/*
 * ns. A sleep costs tens of µs, so sleeping exactly after each step would make fast hardware slow; a client can not see
 * how far ahead memory is written as long as an abort or a reset still finds the work of a slow job undone.
 */
#define AHEAD UINT64_C(1000000)

static _Thread_local const struct us_served *working_for;

bool us_worker_is_me(const struct us_served *f)
{
	return working_for == f;
}

static uint64_t due(const struct us_worker *w)
{
	return w->elapsed > UINT64_MAX - w->start ? UINT64_MAX : w->start + w->elapsed;
}

/* Has to wait before the next step? With `lock` held; waits once, then look again. */
static bool idle(struct us_served *f)
{
	struct us_worker *w = &f->worker;
	uint64_t begin = due(w);

	if (!w->job || w->finished || w->held || w->cancel) {
		pthread_cond_wait(&f->changed, &f->lock);
		return true;
	}
	begin = begin > AHEAD ? begin - AHEAD : 0;
	if (us_server_now() < begin) {
		struct timespec until = {(time_t)(begin / 1000000000), (long)(begin % 1000000000)};

		if (begin / 1000000000 > INT32_MAX)
			until.tv_sec = INT32_MAX; /* some 68 years */
		pthread_cond_timedwait(&f->changed, &f->lock, &until);
		return true;
	}
	return false;
}

static void *work(void *argument)
{
	struct us_served *f = argument;
	struct us_worker *w = &f->worker;

	working_for = f;
	pthread_mutex_lock(&f->lock);
	while (!w->quit) {
		struct us_job *job;
		uint64_t duration = 0;
		bool more;

		if (idle(f))
			continue;
		job = w->job;
		w->stepping = true;
		pthread_mutex_unlock(&f->lock);
		more = us_job_step(f->dev, job, &duration);
		if (atomic_load(&f->dma.broken))
			us_served_doom(f, US_CLIENT_SHRANK);
		pthread_mutex_lock(&f->lock);
		w->stepping = false;
		w->npins = 0;
		w->elapsed = duration > UINT64_MAX - w->elapsed ? UINT64_MAX : w->elapsed + duration;
		w->finished = !more;
		pthread_cond_broadcast(&f->changed);
		if (!more)
			us_server_look(f->server);
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

int us_worker_create(struct us_served *f)
{
	sigset_t all, before;
	int error;

	/* Signals are the server thread's. */
	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGSEGV);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&f->worker.thread, NULL, work, f);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	f->worker.started = !error;
	return -error;
}

void us_worker_start(struct us_served *f, struct us_job *job, uint64_t delay)
{
	struct us_worker *w = &f->worker;
	uint64_t now = us_server_now();

	pthread_mutex_lock(&f->lock);
	w->job = job;
	w->start = delay > UINT64_MAX - now ? UINT64_MAX : now + delay;
	w->elapsed = 0;
	w->finished = w->cancel = false;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

void us_worker_stop(struct us_served *f, struct us_job *job)
{
	struct us_worker *w = &f->worker;

	pthread_mutex_lock(&f->lock);
	if (w->job == job) {
		w->cancel = true;
		pthread_cond_broadcast(&f->changed);
		while (w->stepping)
			pthread_cond_wait(&f->changed, &f->lock);
		w->job = NULL;
		w->finished = w->cancel = false;
	}
	pthread_mutex_unlock(&f->lock);
}

void us_worker_destroy(struct us_served *f)
{
	struct us_worker *w = &f->worker;

	if (!w->started)
		return;
	pthread_mutex_lock(&f->lock);
	w->quit = true;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
	pthread_join(w->thread, NULL);
	w->started = false;
}

/* -- memory in use ---------------------------------------------------------------------------------------------- */

static bool pinned(const struct us_worker *w, uint64_t first, uint64_t last)
{
	if (w->npins > US_PINS)
		return true;
	for (unsigned i = 0; i < w->npins; i++)
		if (w->pins[i].first <= last && w->pins[i].last >= first)
			return true;
	return false;
}

void us_worker_exclude(struct us_served *f, uint64_t first, uint64_t last)
{
	struct us_worker *w = &f->worker;
	struct us_pending *p = &f->messages.pending[US_PENDING_WORKER];

	w->held++;
	while (w->stepping) {
		/*
		 * A step that waits for the client touches no memory meanwhile, and the client may not answer before we
		 * do. It is told to give up when it waits for the very memory, or has a pointer to it.
		 */
		if (p->active && !p->done) {
			uint64_t end = p->address + p->count - 1;

			if (!pinned(w, first, last) && (p->address > last || end < first))
				return;
			p->cancel = true;
			pthread_cond_broadcast(&f->changed);
		}
		pthread_cond_wait(&f->changed, &f->lock);
	}
}

void us_worker_admit(struct us_served *f)
{
	f->worker.held--;
	pthread_cond_broadcast(&f->changed);
}

void us_worker_pin(struct us_served *f, uint64_t first, uint64_t last)
{
	struct us_worker *w = &f->worker;

	if (w->npins < US_PINS) {
		w->pins[w->npins].first = first;
		w->pins[w->npins].last = last;
	}
	if (w->npins <= US_PINS)
		w->npins++;
}

uint64_t us_worker_due(struct us_served *f, uint64_t now, struct us_job **job)
{
	struct us_worker *w = &f->worker;
	uint64_t when = UINT64_MAX;

	*job = NULL;
	pthread_mutex_lock(&f->lock);
	if (w->job && w->finished)
		when = due(w);
	if (when != UINT64_MAX && when <= now) {
		*job = w->job;
		w->job = NULL;
		w->finished = false;
	}
	pthread_mutex_unlock(&f->lock);
	return when;
}
