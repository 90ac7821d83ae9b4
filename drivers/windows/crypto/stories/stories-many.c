/* SPDX-License-Identifier: Apache-2.0 */
/* Stories of several requests at once: in order, cancelled, closed under their hands. */
#include "stories.h"

enum { HANDLES = 3, WORKS = 12 };

static void many_in_flight(struct us_nt_user *user, void *context)
{
	us_nt_handle files[HANDLES];
	struct work work[WORKS];

	(void)context;
	files[0] = app_begin(user);
	for (unsigned i = 1; i < HANDLES; i++)
		files[i] = app_open(user, US_NT_READ);
	for (unsigned i = 0; i < HANDLES; i++)
		app_set_key(user, files[i], (uint8_t)i);
	for (unsigned i = 0; i < WORKS; i++) {
		unsigned n = us_nt_chance(user, HANDLES);
		size_t size = 16 * (1 + us_nt_chance(user, 600));

		if (us_nt_chance(user, 3) == 0)
			start_digest(user, &work[i], files[n], CRYPTO_FIRST | CRYPTO_LAST, size, us_nt_chance(user, PAGE));
		else
			start_cipher(user, &work[i], files[n], us_nt_chance(user, 2), (uint8_t)n, size, us_nt_chance(user, PAGE));
	}
	for (unsigned i = 0; i < WORKS; i++)
		us_nt_expect_status(user, end_work(user, &work[(i * 5) % WORKS]), STATUS_SUCCESS);
}

struct worker {
	us_nt_handle file;
	uint8_t number;
};

static void work_alone(struct us_nt_user *user, void *context)
{
	struct worker *worker = context;

	app_set_key(user, worker->file, worker->number);
	for (unsigned i = 0; i < 4; i++) {
		struct work work;

		start_cipher(user, &work, worker->file, i % 2, worker->number, 16 * (1 + us_nt_chance(user, 300)), i);
		us_nt_expect_status(user, end_work(user, &work), STATUS_SUCCESS);
	}
}

static void threads(struct us_nt_user *user, void *context)
{
	struct worker workers[HANDLES];
	struct us_nt_thread *thread[HANDLES];

	(void)context;
	for (unsigned i = 0; i < HANDLES; i++) {
		workers[i] = (struct worker){i ? app_open(user, US_NT_READ) : app_begin(user), (uint8_t)(i + 1)};
		thread[i] = us_nt_thread(user, work_alone, &workers[i]);
	}
	for (unsigned i = 0; i < HANDLES; i++)
		us_nt_join(user, thread[i]);
}

/* Cancelled at any moment: it ends, one way or the other, and what ends well is right. */
static void cancelled_at_any_moment(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);
	struct work work[4];

	(void)context;
	app_set_key(user, file, 1);
	for (unsigned i = 0; i < 4; i++)
		start_cipher(user, &work[i], file, true, 1, 16 * (1 + us_nt_chance(user, 1000)), 8);
	us_nt_advance(user, us_nt_chance(user, 20) * MICROSECOND);
	for (unsigned i = 0; i < 4; i++)
		if (us_nt_chance(user, 3))
			us_nt_cancel(user, &work[i].io);
	for (unsigned i = 0; i < 4; i++) {
		us_nt_status status = end_work(user, &work[i]);

		us_nt_expect(user, status == STATUS_SUCCESS || status == STATUS_CANCELLED);
	}
	app_all_is_well(user, file);
}

/* One that waits for its turn is cancelled at once; the one before it does not notice. */
static void cancelled_in_the_queue(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);
	struct work first, second;
	CRYPTO_STATISTICS statistics;

	(void)context;
	app_set_key(user, file, 1);
	start_cipher(user, &first, file, true, 1, 1024 * PAGE, 0); /* takes the device a quarter of a millisecond */
	start_cipher(user, &second, file, false, 1, PAGE, 0);
	us_nt_expect(user, !us_nt_has_ended(user, &first.io));
	us_nt_cancel(user, &second.io);
	us_nt_expect_status(user, end_work(user, &second), STATUS_CANCELLED);
	us_nt_expect_status(user, end_work(user, &first), STATUS_SUCCESS);
	app_statistics(user, file, &statistics);
	us_nt_expect(user, statistics.Commands == 1);
}

/* The one that the device works on is aborted there. */
static void cancelled_on_the_hardware(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);
	CRYPTO_STATISTICS before, after;
	struct work work;
	uint64_t begin;

	(void)context;
	app_set_key(user, file, 1);
	app_statistics(user, file, &before);
	start_cipher(user, &work, file, true, 1, 1024 * PAGE, 0);
	do {
		us_nt_advance(user, 5 * MICROSECOND);
		app_statistics(user, file, &after);
	} while (after.Commands == before.Commands);
	begin = us_nt_time(user);
	us_nt_cancel(user, &work.io);
	us_nt_expect_status(user, end_work(user, &work), STATUS_CANCELLED);
	us_nt_expect(user, us_nt_time(user) - begin < 200 * MICROSECOND);
	app_statistics(user, file, &after);
	us_nt_expect(user, after.Cancelled == 1 && after.TimedOut == 0);
	app_all_is_well(user, file);
}

/* Closing a handle ends what it has in flight, and nobody else's. */
static void closed_with_requests_in_flight(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user), other = app_open(user, US_NT_READ);
	struct work work[4], others;

	(void)context;
	app_set_key(user, file, 1);
	app_set_key(user, other, 2);
	for (unsigned i = 0; i < 4; i++)
		start_cipher(user, &work[i], file, true, 1, 16 * (1 + us_nt_chance(user, 2000)), 0);
	start_cipher(user, &others, other, true, 2, 8 * PAGE, 0);
	us_nt_advance(user, us_nt_chance(user, 30) * MICROSECOND);
	us_nt_close(user, file);
	for (unsigned i = 0; i < 4; i++) {
		us_nt_status status = end_work(user, &work[i]);

		us_nt_expect(user, status == STATUS_SUCCESS || status == STATUS_CANCELLED);
	}
	us_nt_expect_status(user, end_work(user, &others), STATUS_SUCCESS);
	app_all_is_well(user, other);
}

/* Whoever may write can reset the device under everybody's hands; what waits behind that is served. */
static void reset_between(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user), boss = app_open(user, US_NT_READ | US_NT_WRITE);
	struct work work[4];
	CRYPTO_STATISTICS statistics;

	(void)context;
	app_set_key(user, file, 1);
	start_cipher(user, &work[0], file, true, 1, 16 * PAGE, 0);
	start_cipher(user, &work[1], file, true, 1, 16 * PAGE, 0);
	us_nt_expect_status(user, us_nt_control(user, boss, IOCTL_CRYPTO_RESET, NULL, 0, NULL, 0, NULL), STATUS_SUCCESS);
	start_cipher(user, &work[2], file, false, 1, 16 * PAGE, 0);
	start_digest(user, &work[3], boss, CRYPTO_FIRST | CRYPTO_LAST, 5 * PAGE, 1);
	for (unsigned i = 0; i < 4; i++)
		us_nt_expect_status(user, end_work(user, &work[i]), STATUS_SUCCESS);
	app_statistics(user, file, &statistics);
	us_nt_expect(user, statistics.Resets == 1);
}

static void no_memory(struct us_nt_user *user, void *context)
{
	us_nt_handle file;
	us_nt_status status;
	struct work work;

	(void)context;
	if (us_nt_plug_in(user) < 0)
		return;
	file = us_nt_open(user, US_NT_READ, &status);
	if (!file)
		return;
	start_digest(user, &work, file, CRYPTO_FIRST | CRYPTO_LAST, 3 * PAGE, 1);
	end_work(user, &work);
	us_nt_close(user, file);
}

const struct us_story crypto_many_stories[] = {
	{"many.in-flight", many_in_flight, 0, 0, 0},
	{"many.in-flight.line", many_in_flight, 0, US_NT_GRANT_LINE, 0},
	{"many.in-flight.one-message", many_in_flight, 0, US_NT_GRANT_MSI, 1},
	{"many.threads", threads, 0, 0, 0},
	{"many.threads.line", threads, 0, US_NT_GRANT_LINE, 0},
	{"cancel.at-any-moment", cancelled_at_any_moment, 0, 0, 0},
	{"cancel.at-any-moment.line", cancelled_at_any_moment, 0, US_NT_GRANT_LINE, 0},
	{"cancel.at-any-moment.one-message", cancelled_at_any_moment, 0, US_NT_GRANT_MSI, 1},
	{"cancel.in-the-queue", cancelled_in_the_queue, US_STORY_VIRTUAL_TIME, 0, 0},
	{"cancel.on-the-hardware", cancelled_on_the_hardware, US_STORY_VIRTUAL_TIME, 0, 0},
	{"close.with-requests-in-flight", closed_with_requests_in_flight, 0, 0, 0},
	{"reset.between-requests", reset_between, 0, 0, 0},
	{"failures.one-digest", no_memory, US_STORY_EVERY_FAILURE | US_STORY_ONCE, 0, 0},
	{NULL, NULL, 0, 0, 0},
};
