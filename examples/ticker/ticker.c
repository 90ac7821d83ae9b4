/* SPDX-License-Identifier: Apache-2.0 */
/* The ticker: what its registers do. See ticker.rdl. */
#include <understudy/device.h>

#include "ticker.h"

#define MICROSECOND 1000u /* in ns */

struct ticker {
	struct us_timer zero;
};

static void start(struct us_device *dev)
{
	struct ticker *ticker = us_state(dev);
	const uint64_t load = us_get(dev, TICKER_LOAD);

	us_log(dev, "counting from %u", (unsigned)load);
	us_timer_start(dev, &ticker->zero, (load ? load : 1) * MICROSECOND);
}

static void at_zero(struct us_device *dev, struct us_timer *timer)
{
	(void)timer;
	us_raise(dev, TICKER_STATUS, TICKER_STATUS_ZERO_MASK);
	if (us_get(dev, TICKER_CONTROL) & TICKER_CONTROL_MODE_MASK)
		start(dev);
	else
		us_set_field(dev, TICKER_CONTROL, TICKER_CONTROL_RUN_MASK, 0);
}

static int create(struct us_device *dev)
{
	struct ticker *ticker = us_state(dev);

	ticker->zero.expired = at_zero;
	return 0;
}

/* The count is worked out when somebody looks: nothing has to happen every microsecond. */
static void about_to_read(struct us_device *dev, us_addr reg)
{
	const struct ticker *ticker = us_state(dev);
	const uint64_t now = us_now(dev);
	uint64_t left = 0;

	if (ticker->zero.pending && ticker->zero.due > now) /* it may be due and not have expired yet */
		left = ticker->zero.due - now;
	if (reg == TICKER_COUNT)
		us_set(dev, TICKER_COUNT, (left + MICROSECOND - 1) / MICROSECOND);
}

static void written(struct us_device *dev, const struct us_write *w)
{
	struct ticker *ticker = us_state(dev);

	if (w->reg != TICKER_CONTROL)
		return;
	if (us_get(dev, TICKER_CONTROL) & TICKER_CONTROL_RUN_MASK)
		start(dev);
	else
		us_timer_stop(dev, &ticker->zero);
}

extern const struct us_map ticker_map; /* from ticker.rdl */

US_MODEL(.map = &ticker_map, .state_size = sizeof(struct ticker), .create = create, .read = about_to_read,
	 .write = written);
