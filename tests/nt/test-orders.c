/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the scheduler is for: requests, interrupts, DPCs and cancels of the crypto driver meet in different orders from
 * seed to seed. Read out of the traces of one story, in which requests are cancelled at any moment.
 *
 *     test-orders DRIVER.sys
 */
#include "told.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS = 300, CPUS = 8, THREADS = 64, DEPTH = 32, ORDER = 128 };

static const char *driver;

/* The driver's functions that are followed, with a letter each. */
static const struct {
	char letter;
	const char *name;
} followed[] = {
	{'q', "EvtIoDeviceControl"}, {'p', "EvtProgramDma"},    {'i', "EvtInterruptIsr"},
	{'d', "EvtInterruptDpc"},    {'c', "EvtRequestCancel"},
};

/* What is known at a line of a trace: the functions that run, and in which order they were called. */
struct meeting {
	char running[THREADS][DEPTH]; /* on a thread's stack, by letters, the innermost last; "": none */
	unsigned thread[CPUS]; /* which one a processor has; 0: not known yet */
	char order[ORDER];
	bool met[256][256][2]; /* [a][b][other]: b was called while a ran, on the same or another processor */
};

static char letter_of(const char *name)
{
	for (size_t i = 0; i < sizeof followed / sizeof followed[0]; i++)
		if (strcmp(name, followed[i].name) == 0)
			return followed[i].letter;
	return 0;
}

static void append(char *text, size_t size, char letter)
{
	size_t length = strlen(text);

	assert_true(length + 1 < size);
	text[length] = letter;
	text[length + 1] = 0;
}

static void called(struct meeting *m, unsigned cpu, char letter)
{
	for (unsigned i = 0; i < CPUS; i++)
		for (const char *runs = m->running[m->thread[i]]; *runs; runs++)
			m->met[(unsigned char)*runs][(unsigned char)letter][i != cpu] = true;
	append(m->running[m->thread[cpu]], DEPTH, letter);
	if (letter != 'p') /* that is called by one of the others */
		append(m->order, ORDER, letter);
}

static void came_back(struct meeting *m, unsigned cpu, char letter)
{
	char *runs = m->running[m->thread[cpu]];
	size_t length = strlen(runs);

	if (!length || runs[length - 1] != letter)
		fail_msg("the trace says that %c came back where \"%s\" runs", letter, runs);
	runs[length - 1] = 0;
}

/* Thread `thread` runs on `cpu`, and so nowhere else. */
static void runs_on(struct meeting *m, unsigned cpu, unsigned thread)
{
	assert_true(cpu < CPUS && thread < THREADS);
	for (unsigned i = 0; i < CPUS; i++)
		if (m->thread[i] == thread)
			m->thread[i] = 0;
	m->thread[cpu] = thread;
}

/* "0.000133118 cpu0  2   3 | callback  EvtRequestCancel", "… | back from EvtRequestCancel = 0x0" */
static void read_line(struct meeting *m, const char *line)
{
	unsigned cpu, irql, thread;
	char kind[16], name[64];
	bool call;

	if (sscanf(line, "%*u.%*u cpu%u %u %u | %15s", &cpu, &irql, &thread, kind) != 4)
		return;
	runs_on(m, cpu, thread);
	call = strcmp(kind, "callback") == 0;
	if ((!call && strcmp(kind, "back") != 0) ||
	    sscanf(strstr(line, " | "), call ? " | callback %63s" : " | back from %63s", name) != 1)
		return;
	if (letter_of(name) && call)
		called(m, cpu, letter_of(name));
	else if (letter_of(name))
		came_back(m, cpu, letter_of(name));
}

static void read_trace(struct meeting *m, char *trace)
{
	char *line, *rest = trace;

	memset(m, 0, sizeof *m);
	while ((line = strsep(&rest, "\n")))
		read_line(m, line);
}

static unsigned met[256][256][2]; /* in so many runs */
static char orders[SEEDS][ORDER];

static void tell_all(unsigned cpus)
{
	static struct meeting m;

	memset(met, 0, sizeof met);
	for (unsigned seed = 0; seed < SEEDS; seed++) {
		struct told told = told_story(driver, told_find("cancel.at-any-moment"), seed, cpus, 0);

		if (told.report.outcome != US_NT_PASSED)
			fail_msg("seed %u: %s", seed, told.report.text);
		read_trace(&m, told.trace);
		told_free(&told);
		for (unsigned a = 0; a < 256; a++)
			for (unsigned b = 0; b < 256; b++)
				for (unsigned other = 0; other < 2; other++)
					met[a][b][other] += m.met[a][b][other];
		strcpy(orders[seed], m.order);
	}
}

static unsigned orders_with(const char *part)
{
	unsigned count = 0;

	for (unsigned i = 0; i < SEEDS; i++)
		count += strstr(orders[i], part) != NULL;
	return count;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static unsigned different_orders(void)
{
	unsigned count = 1;

	qsort(orders, SEEDS, sizeof orders[0], by_text);
	for (unsigned i = 1; i < SEEDS; i++)
		count += strcmp(orders[i - 1], orders[i]) != 0;
	return count;
}

static void test_all_meet_on_two_processors(void **state)
{
	static const struct {
		char running, called;
		bool other;
	} wanted[] = {
		{'q', 'i', false}, {'q', 'i', true}, /* an interrupt while a request arrives */
		{'q', 'd', true}, /* what ends a request while the next arrives, */
		{'d', 'q', true}, /* and the next arrives while one ends */
		{'i', 'q', true},  {'p', 'i', false},
		{'p', 'i', true}, /* an interrupt while a command is being written */
		{'p', 'c', true}, /* the request is cancelled while its command is being written, */
		{'c', 'p', true}, /* a command is written while the one before it is cancelled */
		{'d', 'c', true}, /* a request is cancelled while it is being ended, */
		{'c', 'd', true}, /* and ended while it is being cancelled */
		{'c', 'i', false}, {'c', 'i', true},
		{'d', 'i', false}, {'d', 'i', true}, /* the next interrupt before the DPC of the one before is done */
	};

	(void)state;
	tell_all(2);
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		unsigned runs = met[(unsigned char)wanted[i].running][(unsigned char)wanted[i].called][wanted[i].other];

		print_message("%c called while %c runs on %s processor: in %u of %u runs\n", wanted[i].called,
			      wanted[i].running, wanted[i].other ? "another" : "the same", runs, SEEDS);
		assert_true(runs > 0);
	}
}

static void test_they_come_in_each_order(void **state)
{
	/* The cancel before the interrupt, between it and its DPC, behind the DPC; the request before each of the
	 * three. */
	static const char *const wanted[] = {"ci", "icd", "dc", "qc", "qi", "qd", "id", "di"};

	(void)state;
	tell_all(2);
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		print_message("%s: in %u of %u runs\n", wanted[i], orders_with(wanted[i]), SEEDS);
		assert_true(orders_with(wanted[i]) > 0);
	}
	print_message("%u different orders\n", different_orders());
	assert_true(different_orders() > SEEDS / 10);
}

/* So it can be seen that the above says something: with one processor nothing runs on another. */
static void test_one_processor_has_one_flow_at_a_time(void **state)
{
	(void)state;
	tell_all(1);
	for (unsigned a = 0; a < 256; a++)
		for (unsigned b = 0; b < 256; b++)
			assert_int_equal(met[a][b][true], 0);
	assert_true(met['q']['i'][false] > 0);
	assert_int_equal(met['i']['q'][false], 0);
	assert_int_equal(met['i']['d'][false], 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_meet_on_two_processors),
		cmocka_unit_test(test_they_come_in_each_order),
		cmocka_unit_test(test_one_processor_has_one_flow_at_a_time),
	};
	int failed;

	if (argc != 2) {
		fprintf(stderr, "usage: %s DRIVER.sys\n", argv[0]);
		return 2;
	}
	driver = argv[1];
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	us_fn_close(told_model());
	return failed;
}
