/* SPDX-License-Identifier: Apache-2.0 */
#include "nt/clock.h"

#include "nt/sched.h"

#define UPTIME (UINT64_C(3600) * 10000000) /* of the machine when the run begins */
#define START UINT64_C(134116992000000000) /* 2026-01-01 00:00 UTC, when the machine was started */

#define TICK (US_NT_TICK_NS / 100)

uint64_t us_nt_precise_interrupt_time(void)
{
	return UPTIME + us_nt_now() / 100;
}

uint64_t us_nt_precise_system_time(void)
{
	return START + us_nt_precise_interrupt_time();
}

uint64_t us_nt_tick_count(void)
{
	return us_nt_precise_interrupt_time() / TICK;
}

uint64_t us_nt_interrupt_time(void)
{
	return us_nt_tick_count() * TICK;
}

uint64_t us_nt_system_time(void)
{
	return START + us_nt_interrupt_time();
}

uint64_t us_nt_tick_at(uint64_t interrupt_time)
{
	uint64_t tick = (interrupt_time + TICK - 1) / TICK * TICK;

	return tick <= UPTIME ? 0 : (tick - UPTIME) * 100;
}
