/* SPDX-License-Identifier: Apache-2.0 */
/* The crypto device survives what software may do to it. With a seed as its argument, that run alone is repeated. */
#include "fuzz.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define RUNS 1500
#define BYTES 3000

static uint32_t next(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

static void run(unsigned seed)
{
	uint8_t bytes[BYTES];
	uint64_t state = seed;

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)next(&state);
	crypto_fuzz(bytes, sizeof bytes);
}

/* A broken promise aborts the process: say how to see it again. */
static volatile sig_atomic_t running;

static void aborted(int signal_number)
{
	char text[80];
	int n = snprintf(text, sizeof text, "that was seed %d: give it to this program to repeat it\n", (int)running);

	(void)signal_number;
	if (write(STDERR_FILENO, text, (size_t)n) < 0)
		_exit(2);
}

static void whatever_software_does_the_device_works_after_a_reset(void **state)
{
	(void)state;
	signal(SIGABRT, aborted);
	for (running = 0; running < RUNS; running++)
		run((unsigned)running);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_software_does_the_device_works_after_a_reset),
	};

	if (argc > 1) {
		run((unsigned)strtoul(argv[1], NULL, 0));
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
