/* SPDX-License-Identifier: Apache-2.0 */
/* The performance counter, 10 MHz as since Windows 10, and stalls. */
#include "nt/hal.h"

#include "nt/sched.h"

#define COUNTS_PER_SECOND 10000000
#define STALL_STEP 1000000u /* ns at a time, so that others go on meanwhile */

LARGE_INTEGER NTAPI KeQueryPerformanceCounter(PLARGE_INTEGER frequency)
{
	if (frequency)
		frequency->QuadPart = COUNTS_PER_SECOND;
	return (LARGE_INTEGER){.QuadPart = (LONGLONG)(us_nt_now() / (1000000000 / COUNTS_PER_SECOND))};
}

void NTAPI KeStallExecutionProcessor(ULONG microseconds)
{
	for (uint64_t left = microseconds * UINT64_C(1000), step; left; left -= step) {
		step = left < STALL_STEP ? left : STALL_STEP;
		us_nt_point((unsigned)step);
	}
}
