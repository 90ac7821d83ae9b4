/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device with one of every access policy, whose specification (`bench_map`) is one thing and what is played another:
 * a defect changes the map that is played, what the model does, or what the seam lets through.
 */
#ifndef TESTS_CONFORM_BENCH_H
#define TESTS_CONFORM_BENCH_H

#include "conform/suite.h"
#include "function/player.h"

#include <understudy/device.h>

enum { /* registers, by their place in the map */
	B_ID,
	B_CTRL,
	B_WIDE,
	B_STATUS,
	B_ENABLE,
	B_RAISE,
	B_POLICIES,
	B_READS,
	B_ONCE,
	B_PULSE,
	B_KEY,
	B_COUNT,
	B_FAR,
	B_REGS,
};

extern const struct us_map bench_map;

/* The map that is played: a copy to change. */
struct bench_played {
	struct us_map map;
	struct us_reg regs[B_REGS];
	struct us_field fields[B_REGS][8];
};

struct bench_defect {
	const char *what;
	const char *finds; /* the test that must fail */
	void (*map)(struct bench_played *played); /* or NULL */
	void (*reset)(struct us_device *dev, enum us_reset kind); /* or NULL: what the model does beside */
	void (*written)(struct us_device *dev, const struct us_write *w);
	void (*bend)(struct us_player *player); /* or NULL: replaces functions of the player */
};

/* A target that plays the bench with this defect; NULL: without any. One at a time. */
struct us_suite_target bench_target(const struct bench_defect *defect);

/* The player as it was before `bend`: what its replacements call. */
extern const struct us_player *bench_straight;

#endif
