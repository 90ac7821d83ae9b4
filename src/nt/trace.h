/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trace of a run: a line for each thing that happens, in the order in which it happened. The same seed gives the same
 * bytes. The last lines are kept even while nobody asked for a trace, for the report of a run that went wrong.
 *
 *     TIME.NANOSECONDS cpuN IRQL thread | what
 *
 * Kinds: call, return, callback, schedule, register, device (its DMA, its interrupts, as it logs them), interrupt, dpc,
 * exception, print, note.
 */
#ifndef UNDERSTUDY_NT_TRACE_H
#define UNDERSTUDY_NT_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

void us_nt_trace_init(void);

/* From here on the log of the function us_nt->fn is a part of the trace: its DMA, its interrupts. Then the end of that. */
void us_nt_trace_device(void);
void us_nt_trace_fini(void);

/* True while a file is written: for what is costly to say. */
bool us_nt_tracing(void);

/*
 * A line, printf manner, without newline: "register  read  BAR0+0x010 4 = 0x00000001". No host pointers, ever, and none into a
 * stack: where in it something lies depends on the stage's compiler.
 */
void us_nt_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Remembers what happened (kind: "call", "read", "write", "interrupt", …) for the report, at next to no cost. Names are constant.
 * `types` says what the numbers are, a letter each, as an export's arguments (gate.h; no more than three are printed); "r" is a
 * register access: offset, width, value.
 */
void us_nt_remember(const char *kind, const char *name, const char *types, uint64_t a, uint64_t b, uint64_t c);

/* Remembers a line that the driver printed. */
void us_nt_remember_print(const char *prefix, const char *text);

/* What is remembered of calls and register accesses without a file, printed oldest first. */
void us_nt_trace_recent(FILE *to);

/* The same of what the driver printed; nothing when it printed nothing. */
void us_nt_trace_prints(FILE *to);

#endif
