/* SPDX-License-Identifier: Apache-2.0 */
/* Who has the PnP manager, and its thread. */
#include "nt/pnp.h"

static struct us_pnp *pnp(void)
{
	return us_nt->pnp;
}

void us_pnp_enter(void)
{
	struct us_thread *me = us_nt_current();

	while (pnp()->owner && pnp()->owner != me) {
		if (pnp()->nwaiters == US_PNP_WAITERS)
			us_nt_stop(US_NT_FAILED, "", "more than %u threads wait for the PnP manager", US_PNP_WAITERS);
		pnp()->waiters[pnp()->nwaiters++] = me;
		us_nt_block("the PnP manager, which is busy with the device for thread %u (%s)", pnp()->owner->id,
			    pnp()->owner->name);
	}
	pnp()->owner = me;
	pnp()->depth++;
}

void us_pnp_leave(void)
{
	if (--pnp()->depth)
		return;
	pnp()->owner = NULL;
	while (pnp()->nwaiters)
		us_nt_wake(pnp()->waiters[--pnp()->nwaiters], STATUS_SUCCESS);
}

static void settle(void *context)
{
	(void)context;
	us_nt_pnp_settle();
}

void us_pnp_settle_soon(void)
{
	if (!us_nt_thread_create("pnp", 12, settle, NULL))
		us_nt_stop(US_NT_FAILED, "", "the stage's memory has no room for the PnP manager's thread");
}
