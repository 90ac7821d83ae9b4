/* SPDX-License-Identifier: Apache-2.0 */
#include "vfio-user/polling.h"

static void begin(struct us_polling *p, enum us_polling_phase phase, unsigned accesses)
{
	p->phase = phase;
	p->left = accesses;
	p->sum = 0;
	p->time = p->most;
}

void us_polling_init(struct us_polling *p, uint64_t most, unsigned processors)
{
	*p = (struct us_polling){.most = processors > 1 ? most : 0, .looking = true, .settled = US_POLLING_SETTLED};
	begin(p, US_POLLING_TRY_LOOKING, US_POLLING_TRIAL);
}

uint64_t us_polling_time(const struct us_polling *p)
{
	bool looking = p->phase == US_POLLING_TRY_LOOKING || (p->phase == US_POLLING_CHOSEN && p->looking);

	return looking ? p->time : 0;
}

static void choose(struct us_polling *p)
{
	bool looking = p->looking_cost < p->sum;

	if (looking != p->looking)
		p->settled = US_POLLING_SETTLED;
	else if (p->settled < US_POLLING_SETTLED_MOST)
		p->settled *= 2;
	p->looking = looking;
	begin(p, US_POLLING_CHOSEN, p->settled);
}

static void next_phase(struct us_polling *p)
{
	switch (p->phase) {
	case US_POLLING_TRY_LOOKING:
		p->looking_cost = p->sum;
		begin(p, US_POLLING_TRY_SLEEPING, US_POLLING_TRIAL);
		break;
	case US_POLLING_TRY_SLEEPING:
		choose(p);
		break;
	case US_POLLING_CHOSEN:
		begin(p, US_POLLING_TRY_LOOKING, US_POLLING_TRIAL);
		break;
	}
}

void us_polling_access(struct us_polling *p, uint64_t now)
{
	uint64_t gap = now - p->accessed;

	p->accessed = now;
	if (!p->most)
		return;
	if (gap > US_POLLING_PAUSE) {
		p->quick = 0;
		return;
	}
	if (++p->quick >= US_POLLING_QUICK)
		p->time = p->most;
	p->sum += gap;
	if (!--p->left)
		next_phase(p);
}

void us_polling_miss(struct us_polling *p)
{
	p->quick = 0;
	p->time /= 2;
	if (p->time < US_POLLING_LEAST)
		p->time = 0;
}
