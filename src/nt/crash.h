/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a driver by a fault: which bugcheck it is, and the sentence that says what the driver did. Called by traps
 * (trap.h), from their handler.
 */
#ifndef UNDERSTUDY_NT_CRASH_H
#define UNDERSTUDY_NT_CRASH_H

#include <signal.h>
#include <ucontext.h>

enum { US_TRAP_PROTECTION = 13, US_TRAP_PAGE = 14 }; /* REG_TRAPNO of a fault */

/* Notes where the driver was, for the report (us_nt->stop). */
void us_nt_keep_registers(const ucontext_t *context);

/*
 * A fault that nobody can do anything about. `instruction` is
 * its text where it could not be carried out; or NULL.
 */
_Noreturn void us_nt_crash(int signal, const siginfo_t *info, const ucontext_t *context, const char *instruction);

/* A fault for which the flow's stack had no room. */
_Noreturn void us_nt_crash_of_stack(const ucontext_t *context);

/* __fastfail(), with its reason in rcx. */
_Noreturn void us_nt_crash_by_choice(const ucontext_t *context);

#endif
