/* SPDX-License-Identifier: Apache-2.0 */
/* Stories for the driver of any PCI function: its life, with nobody using it or with somebody who does nothing. */
#define US_STORIES_NAME us_generic_stories
#include "nt/stories.h"

enum { SECOND = 1000000000 };

static void in_and_out(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), 0);
	us_nt_expect(user, us_nt_is_started(user));
	us_nt_expect_status(user, us_nt_eject(user), 0);
	us_nt_expect_status(user, us_nt_unload(user), 0);
}

/* The start may fail, and then has to leave nothing behind. */
static void in_as_far_as_possible(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_plug_in(user);
}

static void twice(struct us_nt_user *user, void *context)
{
	(void)context;
	for (unsigned i = 0; i < 2; i++) {
		us_nt_expect_status(user, us_nt_plug_in(user), 0);
		us_nt_expect_status(user, us_nt_eject(user), 0);
	}
}

static void open_and_close(struct us_nt_user *user, void *context)
{
	us_nt_handle files[3];
	us_nt_status status;

	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), 0);
	for (unsigned i = 0; i < 3; i++) {
		files[i] = us_nt_open(user, US_NT_READ, &status);
		us_nt_expect_status(user, status, 0);
	}
	for (unsigned i = 0; i < 3; i++)
		us_nt_close(user, files[(i + 1) % 3]);
}

static void asleep_and_awake(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), 0);
	for (unsigned i = 0; i < 3; i++) {
		us_nt_expect_status(user, us_nt_sleep_system(user), 0);
		us_nt_expect(user, !us_nt_is_started(user));
		us_nt_advance(user, SECOND);
		us_nt_expect_status(user, us_nt_wake_system(user), 0);
		us_nt_expect(user, us_nt_is_started(user));
	}
}

static void other_resources(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), 0);
	us_nt_expect_status(user, us_nt_rebalance(user), 0);
	us_nt_expect(user, us_nt_is_started(user));
}

static void pulled_out(struct us_nt_user *user, void *context)
{
	us_nt_status status;

	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), 0);
	us_nt_open(user, US_NT_READ, &status); /* stays open: the end of the story closes it */
	us_nt_pull_out(user);
	us_nt_advance(user, SECOND);
	us_nt_expect(user, !us_nt_is_started(user));
}

static void pulled_out_asleep(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), 0);
	us_nt_expect_status(user, us_nt_sleep_system(user), 0);
	us_nt_pull_out(user);
}

static const struct us_story stories[] = {
	{"life.in-and-out", in_and_out, 0, 0, 0},
	{"life.in-and-out.line", in_and_out, 0, US_NT_GRANT_LINE, 0},
	{"life.in-and-out.one-message", in_and_out, 0, US_NT_GRANT_MSI, 1},
	{"life.twice", twice, 0, 0, 0},
	{"life.open-and-close", open_and_close, 0, 0, 0},
	{"life.asleep-and-awake", asleep_and_awake, 0, 0, 0},
	{"life.other-resources", other_resources, 0, 0, 0},
	{"life.pulled-out", pulled_out, 0, 0, 0},
	{"life.pulled-out-asleep", pulled_out_asleep, 0, 0, 0},
	{"life.no-memory", in_as_far_as_possible, US_STORY_EVERY_FAILURE | US_STORY_ONCE, 0, 0},
	{NULL, NULL, 0, 0, 0},
};
static const struct us_story *const lists[] = {stories, NULL};

US_STORIES(.lists = lists);
