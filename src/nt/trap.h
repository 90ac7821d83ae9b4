/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traps: what a driver does with memory and instructions that a process can not do.
 *
 *     registers of the device     BAR pages are not accessible; each access is decoded (Zydis), carried out on the seam with
 *                                 its width, and skipped
 *     the shared user page        0xFFFFF78000000000: interrupt time, tick count, system time, as inlined by Windows' headers
 *     privileged instructions     mov cr8, in, out, cli, sti, … : IRQL and ports
 *     exceptions                  for the driver's handlers (seh.h)
 *     anything else               the driver crashed: us_nt_bugcheck() with what it did, where
 *
 * SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGTRAP are the stage's while a run lasts; faults that are not of the stage go to who
 * was there before. Handlers run on the fiber's own stack, unless that is used up, and a scheduling point inside them is
 * fine. A register access is a point before and behind. On a function whose BARs can be mapped (kernel VFIO), MmMapIoSpace
 * maps them; only what the function does not answer there (asleep, memory space off, pulled out) is a trap then, and reads
 * as all ones.
 */
#ifndef UNDERSTUDY_NT_TRAP_H
#define UNDERSTUDY_NT_TRAP_H

#include <stddef.h>
#include <stdint.h>

/* Where the device's registers are mapped, behind the windows of phys.h. */
#define US_IO_BASE (US_NT_BASE + US_WINDOWS * US_NT_WINDOW_SIZE)
#define US_IO_SIZE (UINT64_C(1) << 30)

void us_nt_trap_init(void);
void us_nt_trap_fini(void);

/*
 * Gives addresses behind which the device's registers are: offset `offset` and on of BAR `bar`, `size` bytes (rounded
 * up to pages). NULL: no addresses left.
 */
void *us_nt_trap_map(unsigned bar, uint64_t offset, size_t size);
void us_nt_trap_unmap(void *at, size_t size);

/* What an address in the range of registers is that has none, for a sentence: "behind the end of a mapping of BAR 0". */
void us_nt_trap_say(char *text, size_t size, uint64_t address);

/*
 * One access to the device as a driver makes it, by whatever way: traced, counted, a point before and behind. Width 1, 2, 4
 * or 8. A function that is gone reads as all ones.
 */
uint64_t us_nt_register_read(unsigned bar, uint64_t offset, unsigned width);
void us_nt_register_write(unsigned bar, uint64_t offset, unsigned width, uint64_t value);

#endif
