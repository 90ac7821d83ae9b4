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
			start_digest(user, &work[i], files[n], CRYPTO_FIRST | CRYPTO_LAST, size,
				     us_nt_chance(user, PAGE));
		else
			start_cipher(user, &work[i], files[n], us_nt_chance(user, 2), (uint8_t)n, size,
				     us_nt_chance(user, PAGE));
	}
	for (unsigned i = 0; i < WORKS; i++)
		us_nt_expect_status(user, end_work(user, &work[(i * 5) % WORKS]), STATUS_SUCCESS);
}

/* The device serves requests in the order in which they were sent, whoever sent them. */
static void in_order(struct us_nt_user *user, void *context)
{
	us_nt_handle files[HANDLES];
	struct work work[WORKS];
	unsigned ended = 0;

	(void)context;
	for (unsigned i = 0; i < HANDLES; i++) {
		files[i] = i ? app_open(user, US_NT_READ) : app_begin(user);
		app_set_key(user, files[i], (uint8_t)i);
	}
	for (unsigned i = 0; i < WORKS; i++)
		start_cipher(user, &work[i], files[i % HANDLES], true, i % HANDLES, 16 * (WORKS - i) * (WORKS - i) * 8,
			     0);
	/* Looked at from the last to the first: when one has ended, those before it have. */
	while (ended < WORKS) {
		ended = 0;
		for (unsigned i = WORKS; i-- > 0;) {
			us_nt_expect(user, !ended || us_nt_has_ended(user, &work[i].io));
			ended += us_nt_has_ended(user, &work[i].io);
		}
		us_nt_advance(user, us_nt_chance(user, 2 * MICROSECOND));
	}
	for (unsigned i = 0; i < WORKS; i++)
		us_nt_expect_status(user, end_work(user, &work[i]), STATUS_SUCCESS);
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

/*
 * A handle is closed while another thread of its application is still sending: the request arrives, begins a message
 * or sets a key, when what belongs to the file has been cleaned up already.
 */
struct sender {
	us_nt_handle file;
	bool closed, sent;
	void (*send)(struct us_nt_user *user, struct sender *sender);
	CRYPTO_KEY_VALUE key;
	struct work work;
};

static void send_first_part(struct us_nt_user *user, struct sender *sender)
{
	start_digest(user, &sender->work, sender->file, CRYPTO_FIRST, 64, 0);
}

static void send_key(struct us_nt_user *user, struct sender *sender)
{
	us_nt_start_control(user, &sender->work.io, sender->file, IOCTL_CRYPTO_SET_KEY, &sender->key,
			    sizeof(sender->key), NULL, 0);
}

static void send(struct us_nt_user *user, void *context)
{
	struct sender *sender = context;

	us_nt_advance(user, us_nt_chance(user, 3));
	sender->sent = !sender->closed;
	if (sender->sent)
		sender->send(user, sender);
}

static void close_while_sending(struct us_nt_user *user, struct sender *sender)
{
	struct us_nt_thread *thread = us_nt_thread(user, send, sender);

	us_nt_advance(user, us_nt_chance(user, 3));
	sender->closed = true;
	us_nt_close(user, sender->file);
	us_nt_join(user, thread);
	if (sender->sent)
		end_work(user, &sender->work);
}

/* Nobody will send the rest of the message: others are served at once. */
static void closed_while_a_message_begins(struct us_nt_user *user, void *context)
{
	struct sender sender = {.file = app_begin(user), .send = send_first_part};
	us_nt_handle other = app_open(user, US_NT_READ);
	uint64_t begin;

	(void)context;
	close_while_sending(user, &sender);
	begin = us_nt_time(user);
	app_all_is_well(user, other);
	us_nt_expect(user, us_nt_time(user) - begin < 100 * (uint64_t)MILLISECOND);
}

static void closed_while_a_key_is_set(struct us_nt_user *user, void *context)
{
	struct sender sender = {.file = app_begin(user), .send = send_key};

	(void)context;
	right_key(sender.key.Key, 77);
	us_nt_secret(user, sender.key.Key, sizeof(sender.key.Key));
	close_while_sending(user, &sender);
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
	us_nt_expect_status(user, us_nt_control(user, boss, IOCTL_CRYPTO_RESET, NULL, 0, NULL, 0, NULL),
			    STATUS_SUCCESS);
	start_cipher(user, &work[2], file, false, 1, 16 * PAGE, 0);
	start_digest(user, &work[3], boss, CRYPTO_FIRST | CRYPTO_LAST, 5 * PAGE, 1);
	for (unsigned i = 0; i < 4; i++)
		us_nt_expect_status(user, end_work(user, &work[i]), STATUS_SUCCESS);
	app_statistics(user, file, &statistics);
	us_nt_expect(user, statistics.Resets == 1);
}

/* The same with everything else that a driver does; and nobody closes anything. */
static void no_memory_at_work(struct us_nt_user *user, void *context)
{
	CRYPTO_KEY_VALUE key;
	us_nt_handle file, other;
	struct work work[3];

	(void)context;
	if (us_nt_plug_in(user) < 0)
		return;
	file = us_nt_open(user, US_NT_READ, NULL);
	other = us_nt_open(user, US_NT_READ, NULL);
	if (!file || !other)
		return;
	right_key(key.Key, 1);
	if (us_nt_control(user, file, IOCTL_CRYPTO_SET_KEY, &key, sizeof(key), NULL, 0, NULL) != STATUS_SUCCESS)
		return;
	start_cipher(user, &work[0], file, true, 1, 40 * PAGE, 8);
	start_cipher(user, &work[1], file, false, 1, 32, 0);
	start_digest(user, &work[2], other, CRYPTO_FIRST, 6 * PAGE, 1);
	us_nt_cancel(user, &work[1].io);
	if (us_nt_sleep_system(user) >= 0)
		us_nt_wake_system(user);
	us_nt_rebalance(user);
	for (unsigned i = 0; i < 3; i++)
		end_work(user, &work[i]);
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
	{"many.in-order", in_order, 0, 0, 0},
	{"many.threads", threads, 0, 0, 0},
	{"many.threads.line", threads, 0, US_NT_GRANT_LINE, 0},
	{"cancel.at-any-moment", cancelled_at_any_moment, 0, 0, 0},
	{"cancel.at-any-moment.line", cancelled_at_any_moment, 0, US_NT_GRANT_LINE, 0},
	{"cancel.at-any-moment.one-message", cancelled_at_any_moment, 0, US_NT_GRANT_MSI, 1},
	{"cancel.in-the-queue", cancelled_in_the_queue, US_STORY_VIRTUAL_TIME, 0, 0},
	{"cancel.on-the-hardware", cancelled_on_the_hardware, US_STORY_VIRTUAL_TIME, 0, 0},
	{"close.with-requests-in-flight", closed_with_requests_in_flight, 0, 0, 0},
	{"close.while-a-message-begins", closed_while_a_message_begins, US_STORY_VIRTUAL_TIME, 0, 0},
	{"close.while-a-key-is-set", closed_while_a_key_is_set, 0, 0, 0},
	{"reset.between-requests", reset_between, 0, 0, 0},
	{"failures.at-work", no_memory_at_work, US_STORY_EVERY_FAILURE | US_STORY_ONCE, 0, 0},
	{"failures.one-digest", no_memory, US_STORY_EVERY_FAILURE | US_STORY_ONCE, 0, 0},
	{NULL, NULL, 0, 0, 0},
};
