/* SPDX-License-Identifier: Apache-2.0 */
/* A device that has failed and is removed, and is started again. */
#include "nt/pnp.h"
#include "nt/trace.h"

void us_nt_pnp_restart_when_removed(void)
{
	us_nt->pnp->restart = true;
}

/* One that fails again and again is left alone. */
static bool may_try(struct us_pnp *pnp)
{
	if (us_nt_now() - pnp->restarts_since > US_PNP_RESTART_TIME) {
		pnp->restarts_since = us_nt_now();
		pnp->restarts = 0;
	}
	return pnp->restarts++ < US_PNP_RESTARTS;
}

/* What is asked for while it starts counts for the next attempt. */
void us_pnp_restart(void)
{
	struct us_pnp *pnp = us_nt->pnp;
	NTSTATUS status = STATUS_UNSUCCESSFUL;

	while (pnp->restart && pnp->state == US_PNP_ABSENT) {
		pnp->restart = false;
		if (us_pnp_config_read(0, 2) == 0xffff) {
			us_nt_trace("note      the bus looks for the device again, and it is not there");
			return;
		}
		if (!may_try(pnp)) {
			us_nt_trace("note      the device has failed too often: it is not started again");
			return;
		}
		us_nt_trace("note      the device is started again, for the %u. time", pnp->restarts);
		status = us_pnp_add_and_start(pnp->driver);
		us_nt_trace("note      started again: %#x", (unsigned)status);
	}
}
