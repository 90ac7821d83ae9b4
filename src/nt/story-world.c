/* SPDX-License-Identifier: Apache-2.0 */
/* The world around the device: time, chance, threads, memory. */
#include "nt/phys.h"
#include "nt/story.h"
#include "nt/trace.h"

/* -- waiting ------------------------------------------------------------------------------------------------------ */

struct limit {
	struct us_alarm alarm;
	struct us_thread **waiter;
	bool passed;
};

static void pass(struct us_alarm *alarm)
{
	struct limit *limit = (struct limit *)(void *)((uint8_t *)alarm - offsetof(struct limit, alarm));

	limit->passed = true;
	if (*limit->waiter)
		us_nt_wake(*limit->waiter, STATUS_TIMEOUT);
	*limit->waiter = NULL;
}

bool us_story_wait(struct us_thread **waiter, bool (*until)(const void *context), const void *context, uint64_t ns,
		   const char *what)
{
	struct limit *limit = NULL;

	if (ns != US_FOREVER) {
		limit = us_nt_alloc(sizeof(*limit));
		limit->alarm.fire = pass;
		limit->waiter = waiter;
		us_nt_alarm_set(&limit->alarm, us_nt_now() + ns);
	}
	while (!until(context) && !(limit && limit->passed)) {
		*waiter = us_nt_current();
		us_nt_block("%s", what);
	}
	if (limit)
		us_nt_alarm_cancel(&limit->alarm);
	us_nt_free(limit);
	return until(context);
}

static bool never(const void *context)
{
	(void)context;
	return false;
}

void us_nt_advance(struct us_nt_user *user, uint64_t ns)
{
	struct us_thread *waiter = NULL;

	(void)user;
	us_story_wait(&waiter, never, NULL, ns, "time to pass");
	us_nt_pnp_settle();
}

uint64_t us_nt_time(struct us_nt_user *user)
{
	(void)user;
	return us_nt_now();
}

uint32_t us_nt_chance(struct us_nt_user *user, uint32_t bound)
{
	(void)user;
	return us_nt_random(bound);
}

struct us_function *us_nt_function(struct us_nt_user *user)
{
	(void)user;
	return us_nt->fn;
}

void us_nt_pool_owned(struct us_nt_user *user, size_t *pieces, size_t *bytes)
{
	(void)user;
	us_nt_pool_count(pieces, bytes);
}

void us_nt_secret(struct us_nt_user *user, const void *bytes, size_t size)
{
	if (!us_nt_pool_secret(bytes, size))
		us_nt_fail(user, "us_nt_secret(): a secret of %zu bytes: 1 to 64 will do", size);
}

unsigned us_nt_events(struct us_nt_user *user, uint32_t code)
{
	(void)user;
	return us_nt_io_errors_written(code);
}

/* -- threads ------------------------------------------------------------------------------------------------------ */

static void begin(void *context)
{
	struct us_nt_thread *thread = context;

	thread->run(thread->user, thread->context);
	thread->ended = true;
	if (thread->joiner)
		us_nt_wake(thread->joiner, STATUS_SUCCESS);
	thread->joiner = NULL;
}

struct us_nt_thread *us_nt_thread(struct us_nt_user *user, void (*run)(struct us_nt_user *user, void *context),
				  void *context)
{
	struct us_nt_thread *thread = us_nt_alloc(sizeof(*thread));

	*thread = (struct us_nt_thread){.next = user->threads, .run = run, .context = context, .user = user};
	if (!us_nt_thread_create("application", 8, begin, thread))
		us_nt_fail(user, "no memory for another thread");
	user->threads = thread;
	return thread;
}

static bool has_ended(const void *thread)
{
	return ((const struct us_nt_thread *)thread)->ended;
}

void us_nt_join(struct us_nt_user *user, struct us_nt_thread *thread)
{
	struct us_nt_thread **link = &user->threads;

	us_story_wait(&thread->joiner, has_ended, thread, US_FOREVER, "the end of another thread of the application");
	while (*link != thread)
		link = &(*link)->next;
	*link = thread->next;
	us_nt_free(thread);
}

/* -- memory ------------------------------------------------------------------------------------------------------- */

void *us_nt_buffer(struct us_nt_user *user, size_t size, size_t offset)
{
	struct us_story_buffer *buffer = us_nt_alloc(sizeof(*buffer));

	offset %= US_NT_PAGE;
	buffer->pages = (offset + (size ? size : 1) + US_NT_PAGE - 1) / US_NT_PAGE;
	buffer->base = us_nt_pages(US_WINDOW_USER, buffer->pages);
	if (!buffer->base)
		us_nt_fail(user, "no memory for a buffer of %zu bytes", size);
	buffer->next = user->buffers;
	user->buffers = buffer;
	return (uint8_t *)buffer->base + offset;
}

void us_nt_buffer_free(struct us_nt_user *user, void *at)
{
	struct us_story_buffer **link = &user->buffers, *buffer;
	const void *base = (const void *)((uintptr_t)at / US_NT_PAGE * US_NT_PAGE);

	if (!at)
		return;
	while (*link && (*link)->base != base)
		link = &(*link)->next;
	buffer = *link;
	if (!buffer)
		us_nt_fail(user, "us_nt_buffer_free(): that is no buffer of us_nt_buffer()");
	*link = buffer->next;
	us_nt_pages_free(buffer->base, buffer->pages);
	us_nt_free(buffer);
}
