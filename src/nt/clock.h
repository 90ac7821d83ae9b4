/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time as Windows tells it, from the stage's: in units of 100 ns, and moving with the clock interrupt, 64 times a second, as
 * KeQueryInterruptTime(), KeQuerySystemTime() and KeQueryTickCount() have it. Timers expire at ticks too. The machine was
 * started an hour before the run, on the first of January 2026.
 */
#ifndef UNDERSTUDY_NT_CLOCK_H
#define UNDERSTUDY_NT_CLOCK_H

#include <stdint.h>

#define US_NT_TICK_NS UINT64_C(15625000)

uint64_t us_nt_interrupt_time(void); /* at the last tick */
uint64_t us_nt_system_time(void); /* the same, since 1601 */
uint64_t us_nt_tick_count(void);

/* Between ticks, too (KeQueryInterruptTimePrecise()). */
uint64_t us_nt_precise_interrupt_time(void);
uint64_t us_nt_precise_system_time(void);

/* The stage's time (us_nt_now()) of the first tick at or behind a moment of interrupt time. */
uint64_t us_nt_tick_at(uint64_t interrupt_time);

#endif
