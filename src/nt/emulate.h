/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One instruction of a driver, carried out by us because the process can not: it reads or writes what is no memory, or
 * is privileged. Decoded by Zydis, and remembered by address, since a driver's accesses are few and come often.
 */
#ifndef UNDERSTUDY_NT_EMULATE_H
#define UNDERSTUDY_NT_EMULATE_H

#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

/* What stands behind addresses that are no memory. `width` is 1, 2, 4 or 8. */
struct us_bus {
	uint64_t (*read)(uint64_t address, unsigned width);
	void (*write)(uint64_t address, unsigned width, uint64_t value);
	/* The same for what is read and written relative to GS, by offset. */
	uint64_t (*read_gs)(uint64_t offset, unsigned width);
	uint64_t (*in)(uint16_t port, unsigned width);
	void (*out)(uint16_t port, unsigned width, uint64_t value);
	uint64_t (*read_cr8)(void);
	void (*write_cr8)(uint64_t value);
};

/*
 * Carries out the instruction at the context's rip, whose memory operand is on the bus, and moves the context behind it.
 * False: it is an instruction that is not known here; *text says which, as an assembler writes it, and nothing was done.
 */
bool us_nt_emulate(ucontext_t *context, const struct us_bus *bus, const char **text);

/* The instruction at rip speaks of the processor's control region. */
bool us_nt_is_relative_to_gs(const ucontext_t *context);

/* The instruction at rip reads or writes no memory, but for ports, and jumps nowhere: what the processor does not let it do is the instruction itself. */
bool us_nt_is_control(const ucontext_t *context);

/* The instruction at rip, which the processor refused to divide by, has a divisor that is 0; else the quotient did not fit. */
bool us_nt_divides_by_zero(const ucontext_t *context);

/* The instruction at an address as an assembler writes it; good until the next call. */
const char *us_nt_instruction_text(uint64_t rip);

/* Images have changed: what was remembered of addresses is forgotten. */
void us_nt_emulate_forget(void);

#endif
