/* SPDX-License-Identifier: Apache-2.0 */
/* Stories of a device that hangs, sleeps, moves or goes while it has work to do. */
#include "stories.h"

#include "crypto.h"

enum { WORKS = 4, BAR0 = 0 };

static void start_all(struct us_nt_user *user, us_nt_handle file, struct work work[WORKS])
{
	app_set_key(user, file, 1);
	for (unsigned i = 0; i < WORKS; i++)
		start_cipher(user, &work[i], file, true, 1, 16 * (1 + us_nt_chance(user, 2000)), us_nt_chance(user, PAGE));
	us_nt_advance(user, us_nt_chance(user, 40) * MICROSECOND);
}

/* The device hears no commands, and says that it is busy with the last one. */
static void hang(struct us_nt_user *user, uint32_t status)
{
	us_nt_hang(user, BAR0, CRYPTO_COMMAND);
	us_nt_stick(user, BAR0, CRYPTO_STATUS, status);
}

/* Commands go nowhere: after the time limit the request fails, and the device, reset, works again. */
static void hang_and_recovery(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);
	CRYPTO_STATISTICS statistics;
	struct work work[2];
	uint64_t begin;

	(void)context;
	app_set_key(user, file, 1);
	hang(user, CRYPTO_STATUS_BUSY_MASK);
	begin = us_nt_time(user);
	start_cipher(user, &work[0], file, true, 1, PAGE, 0);
	start_cipher(user, &work[1], file, true, 1, PAGE, 0);
	us_nt_advance(user, 9 * (uint64_t)SECOND);
	us_nt_expect(user, !us_nt_has_ended(user, &work[0].io));
	us_nt_advance(user, SECOND + 100 * (uint64_t)MILLISECOND); /* the driver gives up waiting, and resets the device */
	us_nt_unhang(user);
	us_nt_expect_status(user, end_work(user, &work[0]), STATUS_IO_TIMEOUT);
	us_nt_expect(user, us_nt_time(user) - begin < 12 * (uint64_t)SECOND);
	us_nt_expect_status(user, end_work(user, &work[1]), STATUS_SUCCESS);
	app_statistics(user, file, &statistics);
	us_nt_expect(user, statistics.TimedOut == 1 && statistics.Resets == 1);
	app_all_is_well(user, file);
}

/* It does not come back from the reset either: requests fail, nothing hangs. */
static void hang_for_good(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);
	struct work work[2];

	(void)context;
	app_set_key(user, file, 1);
	hang(user, CRYPTO_STATUS_BUSY_MASK | CRYPTO_STATUS_RESETTING_MASK);
	start_cipher(user, &work[0], file, true, 1, PAGE, 0);
	start_cipher(user, &work[1], file, true, 1, PAGE, 0);
	us_nt_expect(user, end_work(user, &work[0]) < 0);
	us_nt_expect(user, end_work(user, &work[1]) < 0);
}

/* What failed for good is removed with its last file, and started again: it works for who opens it then. */
static void hang_and_restart(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);
	struct work work;

	(void)context;
	app_set_key(user, file, 1);
	hang(user, CRYPTO_STATUS_BUSY_MASK | CRYPTO_STATUS_RESETTING_MASK);
	start_cipher(user, &work, file, true, 1, PAGE, 0);
	us_nt_expect(user, end_work(user, &work) < 0);
	us_nt_advance(user, SECOND);
	us_nt_unhang(user);
	us_nt_expect(user, part(user, file, CRYPTO_FIRST | CRYPTO_LAST, "late", 4) < 0);
	us_nt_close(user, file);
	us_nt_advance(user, SECOND);
	us_nt_expect(user, us_nt_is_started(user));
	app_all_is_well(user, app_open(user, US_NT_READ));
}

/* A command is lost on its way: nothing was done, and nobody may be told that it was. */
static void a_lost_command(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);
	struct work work;

	(void)context;
	app_set_key(user, file, 1);
	us_nt_hang(user, BAR0, CRYPTO_COMMAND);
	start_cipher(user, &work, file, true, 1, PAGE, 0);
	us_nt_advance(user, 9 * (uint64_t)SECOND);
	us_nt_unhang(user);
	us_nt_expect_status(user, end_work(user, &work), STATUS_IO_DEVICE_ERROR);
	app_all_is_well(user, file);
}

/* It hangs from the beginning: it is not started, and nothing is left behind. */
static void hang_at_the_start(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_stick(user, BAR0, CRYPTO_STATUS, CRYPTO_STATUS_RESETTING_MASK);
	us_nt_expect(user, us_nt_plug_in(user) < 0);
	us_nt_unhang(user);
	app_all_is_well(user, app_begin(user));
}

/* Another device than the driver knows. */
static void unknown_device(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_stick(user, BAR0, CRYPTO_ID, 0x12345678);
	us_nt_expect(user, us_nt_plug_in(user) < 0);
	us_nt_unhang(user);
	us_nt_stick(user, BAR0, CRYPTO_VERSION, 9u << CRYPTO_VERSION_MAJOR_SHIFT);
	us_nt_expect(user, us_nt_plug_in(user) < 0);
}

/* The device answers all ones, and the system knows nothing of it. */
static void vanishes(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);
	struct work work[WORKS];

	(void)context;
	start_all(user, file, work);
	us_nt_vanish(user);
	for (unsigned i = 0; i < WORKS; i++)
		end_work(user, &work[i]);
	us_nt_close(user, file);
}

static void pulled_out_at_work(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);
	struct work work[WORKS];

	(void)context;
	start_all(user, file, work);
	us_nt_pull_out(user);
	for (unsigned i = 0; i < WORKS; i++)
		end_work(user, &work[i]);
	us_nt_expect(user, part(user, file, CRYPTO_FIRST | CRYPTO_LAST, "late", 4) < 0);
	us_nt_close(user, file);
}

/* Sleeping waits for the one at work; the others are served when the device is awake again. */
static void asleep_at_work(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);
	struct work work[WORKS];

	(void)context;
	start_all(user, file, work);
	us_nt_expect_status(user, us_nt_sleep_system(user), STATUS_SUCCESS);
	us_nt_advance(user, SECOND);
	us_nt_expect_status(user, us_nt_wake_system(user), STATUS_SUCCESS);
	for (unsigned i = 0; i < WORKS; i++)
		us_nt_expect_status(user, end_work(user, &work[i]), STATUS_SUCCESS);
	app_all_is_well(user, file);
}

static void sent_while_asleep(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);
	struct work work;

	(void)context;
	app_set_key(user, file, 1);
	us_nt_expect_status(user, us_nt_sleep_system(user), STATUS_SUCCESS);
	start_cipher(user, &work, file, true, 1, 3 * PAGE, 0);
	us_nt_advance(user, SECOND);
	us_nt_expect(user, !us_nt_has_ended(user, &work.io));
	us_nt_expect_status(user, us_nt_wake_system(user), STATUS_SUCCESS);
	us_nt_expect_status(user, end_work(user, &work), STATUS_SUCCESS);
}

static void moved_at_work(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);
	struct work work[WORKS];

	(void)context;
	start_all(user, file, work);
	us_nt_expect_status(user, us_nt_rebalance(user), STATUS_SUCCESS);
	for (unsigned i = 0; i < WORKS; i++)
		us_nt_expect_status(user, end_work(user, &work[i]), STATUS_SUCCESS);
	app_all_is_well(user, file);
}

/* The handle is closed, the device removed and the driver unloaded, with all of it in flight. */
static void unloaded_at_work(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);
	struct work work[WORKS];

	(void)context;
	start_all(user, file, work);
	us_nt_close(user, file);
	while (us_nt_eject(user) != STATUS_SUCCESS) /* a file is closed when its last request has ended */
		us_nt_advance(user, 10 * MICROSECOND);
	for (unsigned i = 0; i < WORKS; i++)
		end_work(user, &work[i]);
	us_nt_expect_status(user, us_nt_unload(user), STATUS_SUCCESS);
}

const struct us_story crypto_life_stories[] = {
	{"hang.and-recovery", hang_and_recovery, US_STORY_VIRTUAL_TIME, 0, 0},
	{"hang.for-good", hang_for_good, US_STORY_VIRTUAL_TIME, 0, 0},
	{"hang.and-restart", hang_and_restart, US_STORY_VIRTUAL_TIME, 0, 0},
	{"hang.a-lost-command", a_lost_command, US_STORY_VIRTUAL_TIME, 0, 0},
	{"hang.at-the-start", hang_at_the_start, US_STORY_VIRTUAL_TIME, 0, 0},
	{"hang.unknown-device", unknown_device, US_STORY_VIRTUAL_TIME | US_STORY_ONCE, 0, 0},
	{"hang.vanishes", vanishes, US_STORY_VIRTUAL_TIME, 0, 0},
	{"pulled-out.at-work", pulled_out_at_work, 0, 0, 0},
	{"pulled-out.at-work.line", pulled_out_at_work, 0, US_NT_GRANT_LINE, 0},
	{"power.asleep-at-work", asleep_at_work, 0, 0, 0},
	{"power.asleep-at-work.line", asleep_at_work, 0, US_NT_GRANT_LINE, 0},
	{"power.sent-while-asleep", sent_while_asleep, 0, 0, 0},
	{"power.moved-at-work", moved_at_work, 0, 0, 0},
	{"unload.at-work", unloaded_at_work, 0, 0, 0},
	{NULL, NULL, 0, 0, 0},
};
