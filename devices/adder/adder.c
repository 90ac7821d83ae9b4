/* SPDX-License-Identifier: Apache-2.0 */
/* The adder: what its registers do. See adder.rdl. */
#include <understudy/device.h>

#include "adder.h"

#define LATENCY 200 /* ns from the write of B to the sum */

struct adder {
	struct us_timer sum;
};

static void sum(struct us_device *dev, struct us_timer *timer)
{
	(void)timer;
	us_set(dev, ADDER_SUM, us_get(dev, ADDER_A) + us_get(dev, ADDER_B));
	us_raise(dev, ADDER_STATUS, ADDER_STATUS_DONE_MASK);
}

static int create(struct us_device *dev)
{
	struct adder *adder = us_state(dev);

	adder->sum.expired = sum;
	return 0;
}

static void written(struct us_device *dev, const struct us_write *w)
{
	struct adder *adder = us_state(dev);

	if (w->reg == ADDER_B)
		us_timer_start(dev, &adder->sum, LATENCY);
}

extern const struct us_map adder_map;
US_MODEL(.map = &adder_map, .state_size = sizeof(struct adder), .create = create, .write = written);
