/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of a run, for people: the sentence, the driver's stack with function and line, the last calls and accesses, what
 * each thread does or waits for, and the command that runs it again.
 */
#ifndef UNDERSTUDY_NT_REPORT_H
#define UNDERSTUDY_NT_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include <understudy/nt.h>

/* Fills in the report of the run that has just ended; the stage is still there. */
void us_nt_report(struct us_rehearsal_report *report);

/* ": thread 3 (main) waits for …; …": who waits for what, appended to a sentence. */
void us_nt_describe_waits(char *text, size_t size);

#endif
