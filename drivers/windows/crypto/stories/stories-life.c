/* SPDX-License-Identifier: Apache-2.0 */
/* Stories of a device that hangs, sleeps, moves or goes while it has work to do. */
#include "stories.h"

#include "crypto.h"
#include "events.h"

enum { WORKS = 4, BAR0 = 0 };

static void start_all(struct us_nt_user *user, us_nt_handle file, struct work work[WORKS])
{
	app_set_key(user, file, 1);
	for (unsigned i = 0; i < WORKS; i++)
		start_cipher(user, &work[i], file, true, 1, 16 * (1 + us_nt_chance(user, 2000)),
			     us_nt_chance(user, PAGE));
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
	us_nt_advance(user,
		      SECOND + 100 * (uint64_t)MILLISECOND); /* the driver gives up waiting, and resets the device */
	us_nt_unhang(user);
	us_nt_expect_status(user, end_work(user, &work[0]), STATUS_IO_TIMEOUT);
	us_nt_expect(user, us_nt_time(user) - begin < 12 * (uint64_t)SECOND);
	us_nt_expect_status(user, end_work(user, &work[1]), STATUS_SUCCESS);
	app_statistics(user, file, &statistics);
	us_nt_expect(user, statistics.TimedOut == 1 && statistics.Resets == 1);
	us_nt_expect(user, us_nt_events(user, EVENT_TIME_LIMIT) == 1 && us_nt_events(user, EVENT_GONE) == 0);
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

/* It does not even hear the reset, and works on: it is given up, before its memory is given to others. */
static void hang_through_the_reset(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);
	uint64_t begin = us_nt_time(user);
	struct work work[2];

	(void)context;
	app_set_key(user, file, 1);
	hang(user, CRYPTO_STATUS_BUSY_MASK);
	start_cipher(user, &work[0], file, true, 1, PAGE, 0);
	start_cipher(user, &work[1], file, true, 1, PAGE, 0);
	us_nt_expect_status(user, end_work(user, &work[0]), STATUS_DEVICE_REMOVED);
	us_nt_expect(user, end_work(user, &work[1]) < 0);
	us_nt_expect(user, us_nt_events(user, EVENT_GONE) == 1);
	us_nt_expect(user, us_nt_time(user) - begin < 12 * (uint64_t)SECOND);
	us_nt_expect(user, !us_nt_is_started(user));
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

/* Another device than the driver knows, which is refused with an event: by its identity, by its version. */
static void unknown_device(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_stick(user, BAR0, CRYPTO_ID, 0x12345678);
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_DEVICE_CONFIGURATION_ERROR);
	us_nt_expect(user, us_nt_events(user, EVENT_NOT_THE_DEVICE) == 1);
	us_nt_unhang(user);
	us_nt_stick(user, BAR0, CRYPTO_VERSION,
		    (CRYPTO_VERSION_RESET & CRYPTO_VERSION_MINOR_MASK) | 2u << CRYPTO_VERSION_MAJOR_SHIFT);
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_REVISION_MISMATCH);
	us_nt_expect(user, us_nt_events(user, EVENT_UNKNOWN_VERSION) == 1);
	us_nt_unhang(user);
	app_all_is_well(user, app_begin(user));
}

/* A later minor version, which only adds to what the driver knows. */
static void later_minor_version(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_stick(user, BAR0, CRYPTO_VERSION,
		    (CRYPTO_VERSION_RESET & CRYPTO_VERSION_MAJOR_MASK) | 0x77u << CRYPTO_VERSION_MINOR_SHIFT);
	app_all_is_well(user, app_begin(user));
}

/* The device can do less than the driver needs. */
static void too_little_to_work_with(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_stick(user, BAR0, CRYPTO_FEATURES, 0);
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_DEVICE_CONFIGURATION_ERROR);
	us_nt_unhang(user);
	us_nt_stick(user, BAR0, CRYPTO_MAX_LENGTH, PAGE - 1);
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_DEVICE_CONFIGURATION_ERROR);
}

/* No windows and short lists: everything goes through memory, in small pieces, and is as right. */
static void short_lists(struct us_nt_user *user, void *context)
{
	us_nt_handle file;
	CRYPTO_STATISTICS statistics;
	uint8_t *data;

	(void)context;
	us_nt_stick(user, BAR0, CRYPTO_FEATURES, CRYPTO_FEATURES_RESET & ~CRYPTO_FEATURES_WINDOWS_MASK);
	us_nt_stick(user, BAR0, CRYPTO_LIMITS, 3u << CRYPTO_LIMITS_LIST_ENTRIES_SHIFT);
	file = app_begin(user);
	data = us_nt_buffer(user, 20 * PAGE, 15);
	app_fill(data, 20 * PAGE, 1);
	app_set_key(user, file, 1);
	app_cipher(user, file, true, 1, data, 20 * PAGE);
	app_digest(user, file, data, 20 * PAGE);
	app_statistics(user, file, &statistics);
	us_nt_expect(user, statistics.WindowCommands == 0 && statistics.Commands >= 2 * 20 / 3);
}

/* A longest command of no whole number of blocks: transfers are of whole blocks all the same. */
static void odd_length(struct us_nt_user *user, void *context)
{
	us_nt_handle file;
	CRYPTO_INFO info;
	uint8_t *data;

	(void)context;
	us_nt_stick(user, BAR0, CRYPTO_MAX_LENGTH, PAGE + CRYPTO_BLOCK_BYTES + 9);
	file = app_begin(user);
	app_info(user, file, &info);
	us_nt_expect(user, info.MaximumCommand == PAGE + CRYPTO_BLOCK_BYTES);
	data = us_nt_buffer(user, 20 * PAGE, 15);
	app_fill(data, 20 * PAGE, 1);
	app_set_key(user, file, 1);
	app_cipher(user, file, true, 1, data, 20 * PAGE);
	app_digest(user, file, data, 20 * PAGE);
}

/* All data goes through copies, on fewer map registers than the longest command would have for its two lists. */
static void copied(struct us_nt_user *user, void *context)
{
	const size_t size = 300 * PAGE;
	us_nt_handle file;
	uint8_t *data;

	(void)context;
	us_nt_copy_all(user);
	file = app_begin(user);
	app_set_key(user, file, 1);
	for (unsigned offset = 0; offset <= 15; offset += 15) {
		data = us_nt_buffer(user, size, offset);
		app_fill(data, size, 1);
		app_cipher(user, file, true, 1, data, size);
		app_digest(user, file, data, size);
		us_nt_buffer_free(user, data);
	}
}

/* All ones from the beginning. */
static void nobody_there(struct us_nt_user *user, void *context)
{
	static const uint32_t registers[] = {CRYPTO_ID,     CRYPTO_VERSION,    CRYPTO_FEATURES,
					     CRYPTO_LIMITS, CRYPTO_MAX_LENGTH, CRYPTO_STATUS};

	(void)context;
	for (unsigned i = 0; i < ARRAY_SIZE(registers); i++)
		us_nt_stick(user, BAR0, registers[i], UINT32_MAX);
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_DEVICE_CONFIGURATION_ERROR);
	us_nt_unhang(user);
	us_nt_stick(user, BAR0, CRYPTO_STATUS, UINT32_MAX); /* it goes between its identity and its reset */
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_DEVICE_DOES_NOT_EXIST);
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
	us_nt_expect(user, us_nt_events(user, EVENT_GONE) <= 1);
	us_nt_close(user, file);
}

/* Also in the middle of an answer: all ones are nobody's digest. */
static void vanishes_while_it_answers(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);
	uint8_t data[64], got[CRYPTO_DIGEST_BYTES], right[CRYPTO_DIGEST_BYTES];
	CRYPTO_MESSAGE_PART in = {CRYPTO_FIRST | CRYPTO_LAST};
	struct us_nt_io io;

	(void)context;
	app_fill(data, sizeof(data), 1);
	right_digest(data, sizeof(data), right);
	us_nt_start_control(user, &io, file, IOCTL_CRYPTO_DIGEST, &in, sizeof(in), data, sizeof(data));
	us_nt_advance(user, us_nt_chance(user, 4000));
	us_nt_vanish(user);
	if (us_nt_wait(user, &io, US_FOREVER) == STATUS_SUCCESS) {
		us_nt_expect_status(user, get_digest(user, file, got), STATUS_SUCCESS);
		us_nt_expect(user, memcmp(got, right, sizeof(got)) == 0);
	}
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

/* The device does not come out of its reset: what was sent in the meantime fails, and the handle can be closed. */
static void does_not_wake(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);
	struct work work;

	(void)context;
	app_set_key(user, file, 1);
	us_nt_expect_status(user, us_nt_sleep_system(user), STATUS_SUCCESS);
	start_cipher(user, &work, file, true, 1, 3 * PAGE, 0);
	us_nt_stick(user, BAR0, CRYPTO_STATUS, CRYPTO_STATUS_RESETTING_MASK);
	us_nt_wake_system(user);
	us_nt_expect(user, end_work(user, &work) < 0);
	us_nt_expect(user, !us_nt_is_started(user));
	us_nt_close(user, file);
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

/* Its registers are the last memory that is listed: the driver finds them by what they are. */
static void registers_last(struct us_nt_user *user, void *context)
{
	us_nt_handle file;

	(void)context;
	us_nt_reverse_resources(user);
	file = app_begin(user);
	app_all_is_well(user, file);
	us_nt_close(user, file);
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
	{"hang.through-the-reset", hang_through_the_reset, US_STORY_VIRTUAL_TIME, 0, 0},
	{"hang.a-lost-command", a_lost_command, US_STORY_VIRTUAL_TIME, 0, 0},
	{"hang.at-the-start", hang_at_the_start, US_STORY_VIRTUAL_TIME, 0, 0},
	{"device.unknown", unknown_device, US_STORY_VIRTUAL_TIME | US_STORY_ONCE, 0, 0},
	{"device.later-minor-version", later_minor_version, US_STORY_VIRTUAL_TIME | US_STORY_ONCE, 0, 0},
	{"device.too-little-to-work-with", too_little_to_work_with, US_STORY_VIRTUAL_TIME | US_STORY_ONCE, 0, 0},
	{"device.short-lists", short_lists, US_STORY_VIRTUAL_TIME | US_STORY_ONCE, 0, 0},
	{"device.odd-length", odd_length, US_STORY_VIRTUAL_TIME | US_STORY_ONCE, 0, 0},
	{"device.copied", copied, US_STORY_VIRTUAL_TIME | US_STORY_ONCE, 0, 0},
	{"device.registers-last", registers_last, US_STORY_ONCE, 0, 0},
	{"device.registers-last.line", registers_last, US_STORY_ONCE, US_NT_GRANT_LINE, 0},
	{"device.all-ones", nobody_there, US_STORY_VIRTUAL_TIME | US_STORY_ONCE, 0, 0},
	{"hang.vanishes", vanishes, US_STORY_VIRTUAL_TIME, 0, 0},
	{"hang.vanishes-while-it-answers", vanishes_while_it_answers, US_STORY_VIRTUAL_TIME, 0, 0},
	{"pulled-out.at-work", pulled_out_at_work, 0, 0, 0},
	{"pulled-out.at-work.line", pulled_out_at_work, 0, US_NT_GRANT_LINE, 0},
	{"power.asleep-at-work", asleep_at_work, 0, 0, 0},
	{"power.asleep-at-work.line", asleep_at_work, 0, US_NT_GRANT_LINE, 0},
	{"power.sent-while-asleep", sent_while_asleep, 0, 0, 0},
	{"power.does-not-wake", does_not_wake, US_STORY_VIRTUAL_TIME, 0, 0},
	{"power.moved-at-work", moved_at_work, 0, 0, 0},
	{"unload.at-work", unloaded_at_work, 0, 0, 0},
	{NULL, NULL, 0, 0, 0},
};
