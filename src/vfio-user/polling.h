/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is it better to look for the next access, or to sleep until it comes?
 *
 * Waking a sleeper takes longer than most accesses, so between those of a busy driver the server looks for a while before
 * it sleeps. Where processors are few that may cost the very client it waits for its processor. So it tries: some accesses
 * with looking, some with sleeping, and then for long what came out faster. And a look that found nothing is followed by
 * shorter ones, down to none, until accesses come quickly again: who is idle takes no processor time.
 *
 * All times in ns. No clock is asked here.
 */
#ifndef UNDERSTUDY_VFIO_USER_POLLING_H
#define UNDERSTUDY_VFIO_USER_POLLING_H

#include <stdbool.h>
#include <stdint.h>

#define US_POLLING_TRIAL 64 /* accesses of each way in a trial */
#define US_POLLING_SETTLED 4096 /* accesses between trials, at first; twice as many each time nothing changed */
#define US_POLLING_SETTLED_MOST (1u << 17)
#define US_POLLING_PAUSE UINT64_C(1000000) /* between accesses: says nothing about how fast they are */
#define US_POLLING_QUICK 3 /* accesses without pause after which looking is worth a try again */
#define US_POLLING_LEAST 4000 /* below that, sleep at once */

enum us_polling_phase { US_POLLING_TRY_LOOKING, US_POLLING_TRY_SLEEPING, US_POLLING_CHOSEN };

struct us_polling {
	uint64_t most; /* the longest look; 0: never */
	uint64_t time; /* the next one */
	uint64_t accessed; /* when the last access was */
	enum us_polling_phase phase;
	unsigned left; /* accesses until the next phase */
	uint64_t sum; /* of the times between the accesses of this phase */
	uint64_t looking_cost; /* what it came to with looking */
	bool looking; /* the choice */
	unsigned settled;
	unsigned quick;
};

/* `most`: the longest look; on a machine with one processor it is none. */
void us_polling_init(struct us_polling *polling, uint64_t most, unsigned processors);

/* How long to look from now on; 0: sleep. */
uint64_t us_polling_time(const struct us_polling *polling);

/* An access was carried out. */
void us_polling_access(struct us_polling *polling, uint64_t now);

/* A look found nothing. */
void us_polling_miss(struct us_polling *polling);

#endif
