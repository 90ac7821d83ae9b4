/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tests of the seam that run on every target: what function.h promises, whoever plays. The program that runs them
 * says how the function is opened.
 */
#ifndef TESTS_FUNCTION_BODY_H
#define TESTS_FUNCTION_BODY_H

#include <understudy/function.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Opens the function of device.h, or returns a negative errno with a sentence. */
extern int (*body_open)(struct us_function **fn, struct us_error *err);

/* What is to be done after it was closed, or NULL. */
extern void (*body_closed)(void);

/* cmocka's set-up and tear-down: *state is the function. */
int body_setup(void **state);
int body_teardown(void **state);

extern const struct CMUnitTest body_tests[];
extern const size_t body_ntests;

/* Fails with the function's own sentence. */
#define assert_done(FN, CALL)                                                                                          \
	do {                                                                                                           \
		int rc_ = (CALL);                                                                                      \
		if (rc_ < 0)                                                                                           \
			fail_msg("%s: %d: %s", #CALL, rc_, us_fn_error(FN));                                           \
	} while (0)

/* The call is refused with this errno and a sentence that has these words in it. */
#define assert_refused(FN, CALL, CODE, WORDS)                                                                          \
	do {                                                                                                           \
		assert_int_equal((CALL), (CODE));                                                                      \
		if (!strstr(us_fn_error(FN), (WORDS)))                                                                 \
			fail_msg("'%s' is not in: %s", (WORDS), us_fn_error(FN));                                      \
	} while (0)

#endif
