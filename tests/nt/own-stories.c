/* SPDX-License-Identifier: Apache-2.0 */
/* Stories that a team brings along, as a shared object: the public header is all they need. */
#include <understudy/nt.h>

static void comes_and_goes(struct us_nt_user *user, void *context)
{
	us_nt_status status;

	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), 0);
	us_nt_open(user, US_NT_READ, &status);
	us_nt_expect_status(user, status, 0);
}

static void fails(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect(user, us_nt_is_started(user));
}

static const struct us_story story[] = {
	{"own.comes-and-goes", comes_and_goes, 0, 0, 0},
	{"own.fails", fails, 0, 0, 0},
	{0},
};
static const struct us_story *const lists[] = {story, NULL};

#ifdef OLD
#undef US_STORIES_ABI
#define US_STORIES_ABI 0
#endif
US_STORIES(.lists = lists);
