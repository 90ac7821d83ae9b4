/* SPDX-License-Identifier: Apache-2.0 */
/* Drives the ticker. usage: test-ticker TARGET [MODEL], as for us_fn_open(). TAP on standard output. */
#include <understudy/function.h>

#include "ticker.h"

#include <stdio.h>

#define COMMAND 4 /* config space: the command register */
#define MEMORY 2
#define BUS_MASTER 4

#define LIMIT UINT64_C(60000000000) /* ns that we wait before we say that nothing came */

static struct us_function *fn;
static int tests, failures;

static void ok(bool good, const char *sentence)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, sentence);
	failures += !good;
}

static uint32_t get(uint32_t reg)
{
	return us_fn_read32(fn, US_REGION_BAR0, reg);
}

static void set(uint32_t reg, uint32_t value)
{
	us_fn_write32(fn, US_REGION_BAR0, reg, value);
}

static bool interrupted(void)
{
	return us_fn_irq_wait(fn, US_MSI, 0, LIMIT, NULL) == 1;
}

static void run(void)
{
	us_fn_write(fn, US_REGION_CONFIG, COMMAND, 2, MEMORY | BUS_MASTER);
	ok(us_fn_irq_enable(fn, US_MSI, 1) == 0, "the function has MSI");
	ok(get(TICKER_LOAD) == TICKER_LOAD_RESET, "LOAD has its reset value");

	set(TICKER_LOAD, 60000000);
	set(TICKER_CONTROL, TICKER_CONTROL_RUN_MASK);
	ok(get(TICKER_COUNT) > 0 && get(TICKER_COUNT) <= 60000000, "the count is on its way");
	set(TICKER_CONTROL, 0);
	ok(get(TICKER_COUNT) == 0, "stopped, it counts no more");

	set(TICKER_LOAD, 1000);
	set(TICKER_CONTROL, TICKER_CONTROL_RUN_MASK);
	ok(interrupted(), "it interrupts at zero");
	ok(get(TICKER_STATUS) == TICKER_STATUS_ZERO_MASK && get(TICKER_COUNT) == 0, "and says why");
	ok(!(get(TICKER_CONTROL) & TICKER_CONTROL_RUN_MASK), "then it has stopped");
	set(TICKER_STATUS, TICKER_STATUS_ZERO_MASK);
	ok(get(TICKER_STATUS) == 0, "writing one clears the status");

	set(TICKER_CONTROL, TICKER_CONTROL_RUN_MASK | TICKER_CONTROL_MODE_MASK);
	ok(interrupted() && interrupted() && interrupted(), "periodic, it interrupts again and again");
}

int main(int argc, char **argv)
{
	struct us_error err;

	if (argc < 2) {
		fprintf(stderr, "usage: %s TARGET [MODEL]\n", argv[0]);
		return 2;
	}
	if (us_fn_open(argv[1], argc > 2 ? argv[2] : NULL, &fn, &err)) {
		fprintf(stderr, "%s: %s\n", argv[1], err.text);
		return 1;
	}
	run();
	us_fn_close(fn);
	printf("1..%d\n", tests);
	return failures != 0;
}
