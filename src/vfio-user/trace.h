/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's log: lines with a time stamp and the function they are about, each written whole, from any thread.
 * A log that can not be written is said once on standard error and does not stop the device.
 */
#ifndef UNDERSTUDY_VFIO_USER_TRACE_H
#define UNDERSTUDY_VFIO_USER_TRACE_H

#include <understudy/error.h>

struct us_trace;

/* Opens the log: a file that is appended to (created with mode 0600), or with NULL standard error. */
int us_trace_open(const char *path, struct us_trace **trace, struct us_error *err);
void us_trace_close(struct us_trace *trace); /* NULL is fine */

/* One line, "seconds.microseconds who: line" in CLOCK_MONOTONIC time. Without `trace` nothing happens. Any thread. */
void us_trace_line(struct us_trace *trace, const char *who, const char *line);

#endif
