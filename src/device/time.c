/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time: one-shot timers in a list sorted by due time (a model has a few), and the job, whose steps run here when the
 * host has no worker for them. What starts while a tick runs is due after that tick at the earliest, so that a tick
 * ends.
 */
#include "device/private.h"

#include <errno.h>
#include <inttypes.h>

uint64_t us_now(struct us_device *dev)
{
	return dev->host.now(dev->host.ctx);
}

static uint64_t later(struct us_device *dev, uint64_t delay)
{
	const uint64_t now = us_now(dev);
	uint64_t when = delay < UINT64_MAX - 1 - now ? now + delay : UINT64_MAX - 1;

	if (dev->ticking && when <= dev->tick)
		when = dev->tick + 1;
	return when;
}

static uint64_t next_event(const struct us_device *dev)
{
	uint64_t when = dev->timers ? dev->timers->due : UINT64_MAX;

	if (dev->job && !dev->host.job_start && dev->job_due < when)
		when = dev->job_due;
	return when;
}

static void set_alarm(struct us_device *dev)
{
	const uint64_t when = next_event(dev);

	if (dev->ticking || when == dev->alarm)
		return;
	dev->alarm = when;
	dev->host.alarm(dev->host.ctx, when);
}

static void unlink_timer(struct us_device *dev, struct us_timer *timer)
{
	struct us_timer **link = &dev->timers;

	while (*link && *link != timer)
		link = &(*link)->next;
	if (*link)
		*link = timer->next;
	timer->next = NULL;
	timer->pending = false;
}

void us_timer_start(struct us_device *dev, struct us_timer *timer, uint64_t delay)
{
	struct us_timer **link = &dev->timers;

	unlink_timer(dev, timer);
	timer->due = later(dev, delay);
	while (*link && (*link)->due <= timer->due)
		link = &(*link)->next;
	timer->next = *link;
	timer->pending = true;
	*link = timer;
	set_alarm(dev);
}

void us_timer_stop(struct us_device *dev, struct us_timer *timer)
{
	unlink_timer(dev, timer);
	set_alarm(dev);
}

int us_job_start(struct us_device *dev, struct us_job *job, uint64_t delay)
{
	if (dev->job)
		return -EBUSY;
	job->finished = false;
	job->running = true;
	dev->job = job;
	dev->job_serial++;
	if (dev->host.job_start) {
		dev->host.job_start(dev->host.ctx, job, delay);
		return 0;
	}
	dev->job_due = later(dev, delay);
	set_alarm(dev);
	return 0;
}

void us_job_stop(struct us_device *dev, struct us_job *job)
{
	if (!job || dev->job != job)
		return;
	if (dev->host.job_start) {
		/* A step that is under way fails at its next DMA, so that the wait for it is short. */
		atomic_store(&dev->cancelled, true);
		dev->host.job_stop(dev->host.ctx, job);
		atomic_store(&dev->cancelled, false);
	}
	dev->job = NULL;
	job->running = false;
	set_alarm(dev);
}

bool us_job_step(struct us_device *dev, struct us_job *job, uint64_t *duration)
{
	*duration = job->step(dev, job);
	return !job->finished;
}

void us_job_finish(struct us_device *dev, struct us_job *job)
{
	if (dev->job != job)
		return;
	dev->job = NULL;
	job->running = false;
	if (job->done)
		job->done(dev, job);
}

/* In-line: the next step, or the end, of the job. */
static void advance_job(struct us_device *dev)
{
	struct us_job *job = dev->job;
	const uint64_t serial = dev->job_serial;
	uint64_t duration;

	if (job->finished) {
		us_job_finish(dev, job);
		return;
	}
	us_job_step(dev, job, &duration);
	if (dev->job != job || dev->job_serial != serial) { /* the host's answer to its DMA was a reset */
		job->finished = false; /* whatever it said of the old job, the struct may hold a new one */
		return;
	}
	/* The hardware's time adds up from when the step was due, however late this tick is. */
	dev->job_due = duration < UINT64_MAX - 1 - dev->job_due ? dev->job_due + duration : UINT64_MAX - 1;
	if (!duration && !job->finished)
		dev->job_due = dev->tick + 1;
}

void us_device_tick(struct us_device *dev)
{
	if (dev->ticking)
		return;
	dev->tick = us_now(dev);
	dev->ticking = true;
	while (next_event(dev) <= dev->tick) {
		struct us_timer *timer = dev->timers;

		if (timer && timer->due == next_event(dev)) {
			unlink_timer(dev, timer);
			timer->expired(dev, timer);
		} else {
			advance_job(dev);
		}
	}
	dev->ticking = false;
	dev->alarm = next_event(dev);
	dev->host.alarm(dev->host.ctx, dev->alarm);
}

void us_time_stop(struct us_device *dev)
{
	us_job_stop(dev, dev->job);
	while (dev->timers)
		unlink_timer(dev, dev->timers);
	set_alarm(dev);
}
