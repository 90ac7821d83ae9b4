/* SPDX-License-Identifier: Apache-2.0 */
/* The device's life, as people lead it: plugged in, ejected, pulled out, put to sleep. */
#include "nt/hal.h"
#include "nt/module.h"
#include "nt/pnp.h"
#include "nt/story.h"
#include "nt/trace.h"

/* -- registers of a function that is gone, or hangs --------------------------------------------------------------- */

static bool filter(bool write, unsigned bar, uint64_t offset, unsigned width, uint64_t *value)
{
	const struct us_nt_user *user = us_nt->story;

	(void)width;
	if (us_nt->pnp->gone) {
		*value = UINT64_MAX;
		return false;
	}
	for (unsigned i = 0; i < user->nhangs; i++) {
		const struct us_story_hang *hang = &user->hangs[i];

		if (hang->bar != bar || hang->offset != offset || hang->of_reads == write)
			continue;
		us_nt_trace("note      the device hangs: %s",
			    write ? "it does not hear this" : "it says this each time");
		*value = hang->value;
		return false;
	}
	return true;
}

static void hang(struct us_nt_user *user, struct us_story_hang how)
{
	if (user->nhangs == US_STORY_HANGS)
		us_nt_fail(user, "us_nt_hang() and us_nt_stick(): %u registers at most", US_STORY_HANGS);
	user->hangs[user->nhangs++] = how;
	us_nt->filter = filter;
}

void us_nt_hang(struct us_nt_user *user, unsigned bar, uint64_t offset)
{
	hang(user, (struct us_story_hang){.bar = bar, .offset = offset});
}

void us_nt_stick(struct us_nt_user *user, unsigned bar, uint64_t offset, uint64_t value)
{
	hang(user, (struct us_story_hang){.bar = bar, .offset = offset, .of_reads = true, .value = value});
}

void us_nt_unhang(struct us_nt_user *user)
{
	user->nhangs = 0;
}

void us_nt_copy_all(struct us_nt_user *user)
{
	(void)user;
	us_nt->hal->copy_all = true;
}

/* -- in ----------------------------------------------------------------------------------------------------------- */

static us_nt_status load(struct us_nt_user *user)
{
	PDRIVER_INITIALIZE entry = (PDRIVER_INITIALIZE)(uintptr_t)us_nt->config->entry;
	NTSTATUS status = entry ? STATUS_SUCCESS : us_nt_module_load(&entry);

	if (!NT_SUCCESS(status))
		return status;
	status = us_nt_io_load(us_nt_module_name(), entry, &user->driver);
	if (NT_SUCCESS(status))
		us_nt_module_discard();
	else
		us_nt_module_unload();
	return status;
}

us_nt_status us_nt_plug_in(struct us_nt_user *user)
{
	us_nt_status status = STATUS_SUCCESS;

	us_nt_pnp_settle();
	if (us_nt_pnp_present())
		us_nt_fail(user, "us_nt_plug_in(): the device is there already");
	us_nt_pnp_plug_back();
	if (!user->driver)
		status = load(user);
	if (NT_SUCCESS(status))
		status = us_nt_pnp_add(user->driver);
	if (NT_SUCCESS(status))
		status = us_nt_pnp_start();
	us_nt_trace("note      plugged in: %#x", (unsigned)status);
	return status;
}

/* -- out ---------------------------------------------------------------------------------------------------------- */

us_nt_status us_nt_eject(struct us_nt_user *user)
{
	(void)user;
	return us_nt_pnp_present() ? us_nt_pnp_remove() : STATUS_NO_SUCH_DEVICE;
}

void us_nt_pull_out(struct us_nt_user *user)
{
	if (!us_nt_pnp_present())
		us_nt_fail(user, "us_nt_pull_out(): the device is not there");
	us_nt_trace("note      the device is pulled out");
	us_nt->filter = filter;
	us_nt_pnp_surprise();
}

void us_nt_vanish(struct us_nt_user *user)
{
	(void)user;
	us_nt_trace("note      the device vanishes");
	us_nt->filter = filter;
	us_nt_pnp_vanish();
}

/* -- stopped, asleep ---------------------------------------------------------------------------------------------- */

us_nt_status us_nt_rebalance(struct us_nt_user *user)
{
	(void)user;
	return us_nt_pnp_started() ? us_nt_pnp_rebalance() : STATUS_DEVICE_NOT_READY;
}

void us_nt_reverse_resources(struct us_nt_user *user)
{
	(void)user;
	us_nt->pnp->reversed = true;
}

us_nt_status us_nt_sleep_system(struct us_nt_user *user)
{
	(void)user;
	return us_nt_pnp_power(PowerSystemSleeping3);
}

us_nt_status us_nt_wake_system(struct us_nt_user *user)
{
	(void)user;
	return us_nt_pnp_power(PowerSystemWorking);
}

void us_nt_shut_down(struct us_nt_user *user)
{
	(void)user;
	us_nt_io_shut_down();
}

bool us_nt_is_started(struct us_nt_user *user)
{
	(void)user;
	us_nt_pnp_settle();
	return us_nt_pnp_started();
}
