/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A failure as the user reads it.
 *
 * Functions that can fail in ways a person has to act on take a `struct us_error *` last, return a negative errno
 * and leave a sentence there: what was tried, on what, and what to do. The pointer may be NULL when the caller does
 * not care for the sentence.
 */
#ifndef UNDERSTUDY_ERROR_H
#define UNDERSTUDY_ERROR_H

#include <stdarg.h>

#ifdef __cplusplus
extern "C" {
#endif

struct us_error {
	char text[512]; /* one sentence, NUL-terminated, no newline; cut at the end when too long */
};

/* Writes the sentence (printf manner) and returns `code`, so that a failure is one line: return us_fail(err, -EINVAL, ...). */
int us_fail(struct us_error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same with an argument list. */
int us_vfail(struct us_error *err, int code, const char *format, va_list args) __attribute__((format(printf, 3, 0)));

#ifdef __cplusplus
}
#endif

#endif
