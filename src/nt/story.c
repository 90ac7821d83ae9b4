/* SPDX-License-Identifier: Apache-2.0 */
/* A story from its beginning to its end, and what the driver may not leave behind. */
#include "nt/story.h"

#include <stdio.h>

#include "nt/io.h"
#include "nt/module.h"
#include "nt/ob.h"
#include "nt/phys.h"
#include "nt/pnp.h"
#include "nt/trace.h"

void us_nt_fail(struct us_nt_user *user, const char *format, ...)
{
	char text[512];
	va_list args;

	(void)user;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	us_nt_stop(US_NT_EXPECTATION, "", "%s", text);
}

void us_nt_compare(struct us_nt_user *user, us_nt_status got, us_nt_status expected, const char *file, int line,
		   const char *what)
{
	if (got != expected)
		us_nt_fail(user, "%s:%d: %s is 0x%08x, expected 0x%08x", file, line, what, (unsigned)got,
			   (unsigned)expected);
}

/* -- leaks -------------------------------------------------------------------------------------------------------- */

static _Noreturn void leak(const char *rule, const char *what)
{
	us_nt_stop(US_NT_LEAK, rule, "The driver is unloaded and has left behind: %s.", what);
}

/* What would call the driver when it is gone. */
static void check_code(void)
{
	char text[512];

	if (us_nt_ke_leaks(text, sizeof(text)))
		leak("kernel.leak", text);
	if (us_nt_ex_leaks(text, sizeof(text)))
		leak("work-item.leak", text);
	if (us_nt_etw_leaks(text, sizeof(text)))
		leak("etw.leak", text);
}

static void check_leaks(void)
{
	char text[512];

	if (us_nt_pool_leaks(text, sizeof(text)))
		leak("pool.leak", text);
	if (us_nt_mm_leaks(text, sizeof(text)))
		leak("memory.leak", text);
	if (us_nt_hal_leaks(text, sizeof(text)))
		leak("dma.leak", text);
	if (us_ob_leaks(text, sizeof(text)))
		leak("handle.leak", text);
	if (us_io_name_leaks(text, sizeof(text)))
		leak("name.leak", text);
	if (us_irp_leaks(text, sizeof(text)))
		leak("irp.leak", text);
	if (us_nt->io->errors)
		leak("error-log.leak", "an entry of the error log that was neither written nor freed");
	us_nt_pool_check();
}

us_nt_status us_nt_unload(struct us_nt_user *user)
{
	if (!user->driver)
		return STATUS_SUCCESS;
	if (us_nt_pnp_present())
		us_nt_fail(user, "us_nt_unload(): the device is still there; us_nt_eject() it, or us_nt_pull_out()");
	us_nt_pnp_wait_for_senders();
	us_nt_io_unload(user->driver);
	user->driver = NULL;
	check_code();
	us_nt_module_unload();
	check_leaks();
	return STATUS_SUCCESS;
}

/* -- the end ------------------------------------------------------------------------------------------------------ */

/* A file is closed by a thread of its own when its last request has ended, which may be now. */
static void wait_for_files(struct us_nt_user *user)
{
	for (unsigned ms = 0; us_nt->io->files_open && ms < 100; ms++)
		us_nt_advance(user, 1000000);
}

static void end_device(void)
{
	us_nt_pnp_power(PowerSystemWorking);
	if (us_nt_pnp_present() && !NT_SUCCESS(us_nt_pnp_remove()) && us_nt_pnp_present())
		us_nt_pnp_surprise(); /* the driver did not want to; nobody asks it any more */
}

/* In and out again. A run that makes calls fail may come to nothing; any other has to come through. */
static void shortest_story(struct us_nt_user *user)
{
	us_nt_status status = us_nt_plug_in(user);

	if (status < 0 && !us_nt->config->fail_nth)
		us_nt_fail(user, "the device did not start: 0x%08x", (unsigned)status);
}

_Noreturn void us_nt_story_main(void (*story)(struct us_nt_user *user, void *context), void *context)
{
	struct us_nt_user *user = us_nt->story = us_nt_alloc(sizeof(*user));

	if (story)
		story(user, context);
	else
		shortest_story(user);
	us_nt_trace("note      the story is told");
	us_story_end_application(user);
	wait_for_files(user);
	end_device();
	us_nt_unload(user);
	us_nt_stop(US_NT_PASSED, "", "the story was told to its end");
}

/* -- a run -------------------------------------------------------------------------------------------------------- */

struct telling {
	void (*story)(struct us_nt_user *user, void *context);
	void *context;
};

static void tell(void *context)
{
	const struct telling *telling = context;

	us_nt_story_main(telling->story, telling->context);
}

int us_rehearse(const struct us_rehearsal *rehearsal, void (*story)(struct us_nt_user *user, void *context),
		void *context, struct us_rehearsal_report *report, struct us_error *err)
{
	struct telling telling = {story, context};

	return us_nt_run(rehearsal, tell, &telling, report, err);
}
