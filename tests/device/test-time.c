/* SPDX-License-Identifier: Apache-2.0 */
/* Timers, jobs (in-line, and on a host's worker), DMA, and what reset does to them. */
#include "rig.h"
#include "zoo.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct rig *rig;
static struct zoo *zoo;
static char events[128]; /* what happened, a letter each */

static int open_zoo(void **state)
{
	(void)state;
	rig = rig_open(&zoo_model);
	zoo = us_state(rig->dev);
	events[0] = '\0';
	return 0;
}

static int close_zoo(void **state)
{
	(void)state;
	rig_close(rig);
	return 0;
}

static void note(char letter)
{
	const size_t n = strlen(events);

	assert_true(n + 1 < sizeof events);
	events[n] = letter;
	events[n + 1] = '\0';
}

/* -- timers ------------------------------------------------------------------------------------------------------- */

static void timer_expired(struct us_device *dev, struct us_timer *timer)
{
	(void)dev;
	note((char)('a' + (timer - zoo->timer)));
}

static struct us_timer *timer(unsigned n)
{
	zoo->timer[n].expired = timer_expired;
	return &zoo->timer[n];
}

static void a_timer_expires_once_when_it_is_due(void **state)
{
	(void)state;
	us_timer_start(rig->dev, timer(0), 100);
	assert_int_equal(rig->alarm, 100);
	rig_advance(rig, 99);
	assert_string_equal(events, "");
	rig_advance(rig, 1);
	assert_string_equal(events, "a");
	assert_int_equal(rig->alarm, UINT64_MAX);
	rig_advance(rig, 1000);
	assert_string_equal(events, "a");
}

static void timers_expire_in_the_order_they_are_due(void **state)
{
	(void)state;
	us_timer_start(rig->dev, timer(0), 300);
	us_timer_start(rig->dev, timer(1), 100);
	us_timer_start(rig->dev, timer(2), 200);
	us_timer_start(rig->dev, timer(3), 200);
	assert_int_equal(rig->alarm, 100);
	rig_advance(rig, 1000);
	assert_string_equal(events, "bcda");
}

static void starting_again_moves_a_timer(void **state)
{
	(void)state;
	us_timer_start(rig->dev, timer(0), 100);
	us_timer_start(rig->dev, timer(0), 500);
	assert_int_equal(rig->alarm, 500);
	us_timer_start(rig->dev, timer(0), 50);
	assert_int_equal(rig->alarm, 50);
	rig_advance(rig, 1000);
	assert_string_equal(events, "a");
}

static void a_stopped_timer_does_not_expire(void **state)
{
	(void)state;
	us_timer_start(rig->dev, timer(0), 100);
	us_timer_stop(rig->dev, timer(0));
	us_timer_stop(rig->dev, timer(0));
	us_timer_stop(rig->dev, timer(1));
	assert_int_equal(rig->alarm, UINT64_MAX);
	rig_advance(rig, 1000);
	assert_string_equal(events, "");
}

static void a_delay_beyond_the_end_of_time_is_far_away(void **state)
{
	(void)state;
	rig_advance(rig, 5);
	us_timer_start(rig->dev, timer(0), UINT64_MAX);
	rig_advance(rig, 1u << 30);
	assert_string_equal(events, "");
}

static void restart_at_once(struct us_device *dev, struct us_timer *t)
{
	note('r');
	if (strlen(events) < 5)
		us_timer_start(dev, t, 0);
}

static void a_timer_restarted_without_delay_waits_for_the_next_tick(void **state)
{
	(void)state;
	zoo->timer[0].expired = restart_at_once;
	us_timer_start(rig->dev, &zoo->timer[0], 0);
	us_device_tick(rig->dev);
	assert_string_equal(events, "r");
	rig_advance(rig, 100);
	assert_string_equal(events, "rrrrr");
}

static void stop_the_next(struct us_device *dev, struct us_timer *t)
{
	note('s');
	us_timer_stop(dev, t + 1);
}

static void a_timer_may_stop_one_that_is_due_at_the_same_time(void **state)
{
	(void)state;
	zoo->timer[0].expired = stop_the_next;
	us_timer_start(rig->dev, &zoo->timer[0], 10);
	us_timer_start(rig->dev, timer(1), 10);
	rig_advance(rig, 100);
	assert_string_equal(events, "s");
}

static void a_late_tick_runs_all_that_is_due(void **state)
{
	(void)state;
	us_timer_start(rig->dev, timer(0), 10);
	us_timer_start(rig->dev, timer(1), 20);
	us_timer_start(rig->dev, timer(2), 1000);
	rig->now = 500;
	us_device_tick(rig->dev);
	assert_string_equal(events, "ab");
	assert_int_equal(rig->alarm, 1000);
}

/* -- jobs --------------------------------------------------------------------------------------------------------- */

static unsigned steps_left;
static uint64_t step_duration;

/* Writes a byte a step, the number of steps left. */
static uint64_t step(struct us_device *dev, struct us_job *job)
{
	const uint8_t byte = (uint8_t)steps_left;

	note('.');
	if (us_dma_write(dev, RIG_MEMORY + steps_left, &byte, 1, NULL) == -EPERM)
		note('!');
	if (!--steps_left)
		job->finished = true;
	return step_duration;
}

static void done(struct us_device *dev, struct us_job *job)
{
	(void)dev;
	assert_false(job->running);
	note('D');
}

static void start_job(unsigned steps, uint64_t duration, uint64_t delay)
{
	steps_left = steps;
	step_duration = duration;
	zoo->job.step = step;
	zoo->job.done = done;
	assert_int_equal(us_job_start(rig->dev, &zoo->job, delay), 0);
	assert_true(zoo->job.running);
}

static void a_job_takes_its_delay_and_the_time_of_all_its_steps(void **state)
{
	(void)state;
	start_job(3, 100, 1000);
	rig_advance(rig, 999);
	assert_string_equal(events, "");
	rig_advance(rig, 1);
	assert_string_equal(events, ".");
	rig_advance(rig, 100);
	assert_string_equal(events, "..");
	assert_int_equal(rig->memory[3], 3); /* a part of the transfer is there to see */
	assert_int_equal(rig->memory[1], 0);
	rig_advance(rig, 100);
	assert_string_equal(events, "...");
	rig_advance(rig, 99);
	assert_string_equal(events, "...");
	rig_advance(rig, 1);
	assert_string_equal(events, "...D");
}

static void steps_that_run_late_do_not_delay_the_end(void **state)
{
	(void)state;
	start_job(3, 100, 0);
	rig->now = 250;
	us_device_tick(rig->dev);
	assert_string_equal(events, "...");
	assert_int_equal(rig->alarm, 300);
	rig_advance(rig, 50);
	assert_string_equal(events, "...D");
}

static void steps_without_duration_still_let_the_tick_end(void **state)
{
	(void)state;
	start_job(100, 0, 0);
	us_device_tick(rig->dev);
	assert_int_equal(steps_left, 99);
	rig_advance(rig, 1000);
	assert_int_equal(events[strlen(events) - 1], 'D');
}

static void one_job_at_a_time(void **state)
{
	struct us_job other = {.step = step, .done = done};

	(void)state;
	start_job(1, 0, 10);
	assert_int_equal(us_job_start(rig->dev, &other, 0), -EBUSY);
	assert_false(other.running);
	us_job_stop(rig->dev, &other); /* it does not run: that is fine */
	rig_advance(rig, 100);
	assert_string_equal(events, ".D");
	assert_int_equal(us_job_start(rig->dev, &other, 0), 0);
	us_job_stop(rig->dev, &other);
}

static void a_stopped_job_moves_no_byte_and_is_never_done(void **state)
{
	(void)state;
	start_job(3, 100, 0);
	rig_advance(rig, 150);
	assert_string_equal(events, "..");
	us_job_stop(rig->dev, &zoo->job);
	us_job_stop(rig->dev, &zoo->job);
	assert_false(zoo->job.running);
	assert_int_equal(rig->alarm, UINT64_MAX);
	rig_forget(rig);
	rig_advance(rig, 10000);
	assert_string_equal(events, "..");
	assert_int_equal(rig->dmas, 0);
}

static void start_another(struct us_device *dev, struct us_job *job)
{
	note('d');
	steps_left = 1;
	job->done = done;
	assert_int_equal(us_job_start(dev, job, 50), 0);
}

static void done_may_start_the_next_job(void **state)
{
	(void)state;
	start_job(1, 10, 0);
	zoo->job.done = start_another;
	rig_advance(rig, 59);
	assert_string_equal(events, ".d");
	rig_advance(rig, 11);
	assert_string_equal(events, ".d.D");
}

static void stop_the_job(struct us_device *dev, struct us_timer *t)
{
	(void)t;
	note('s');
	us_job_stop(dev, &zoo->job);
}

static void a_timer_may_stop_the_job_at_the_moment_it_would_be_done(void **state)
{
	(void)state;
	zoo->timer[0].expired = stop_the_job;
	us_timer_start(rig->dev, &zoo->timer[0], 10);
	start_job(1, 10, 0);
	rig_advance(rig, 100);
	assert_string_equal(events, ".s");
}

static void turning_bus_mastering_off_stops_dma_in_the_middle(void **state)
{
	(void)state;
	start_job(3, 100, 0);
	rig_advance(rig, 50);
	rig_config_write(rig, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	rig_advance(rig, 1000);
	assert_string_equal(events, "..!.!D");
	assert_int_equal(rig->dmas, 1);
	assert_int_equal(rig->memory[2], 0);
}

static void every_reset_ends_jobs_and_timers(void **state)
{
	static const enum us_reset kinds[] = {US_RESET_CONVENTIONAL, US_RESET_FLR, US_RESET_DEVICE};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		rig_config_write(rig, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
		start_job(3, 100, 0);
		us_timer_start(rig->dev, timer(0), 150);
		rig_advance(rig, 50);
		assert_string_equal(events, ".");
		if (kinds[i] == US_RESET_DEVICE)
			us_reset_registers(rig->dev);
		else
			us_device_reset(rig->dev, kinds[i]);
		assert_false(zoo->job.running);
		assert_false(zoo->timer[0].pending);
		rig_config_write(rig, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
		rig_advance(rig, 10000);
		assert_string_equal(events, ".");
		events[0] = '\0';
	}
}

static void reset_in_expired(struct us_device *dev, struct us_timer *t)
{
	(void)t;
	note('x');
	us_reset_registers(dev);
}

static void a_reset_from_a_timer_ends_the_other_timers_due_with_it(void **state)
{
	(void)state;
	zoo->timer[0].expired = reset_in_expired;
	us_timer_start(rig->dev, &zoo->timer[0], 10);
	us_timer_start(rig->dev, timer(1), 10);
	start_job(1, 0, 10);
	rig_advance(rig, 100);
	assert_string_equal(events, "x");
}

static void start_timer_in_reset(struct us_device *dev, enum us_reset kind)
{
	(void)kind;
	us_timer_start(dev, timer(2), 20);
}

static void the_reset_function_may_start_timers(void **state)
{
	(void)state;
	zoo->reset = start_timer_in_reset;
	us_device_reset(rig->dev, US_RESET_FLR);
	rig_advance(rig, 20);
	assert_string_equal(events, "c");
}

static void start_again_in_reset(struct us_device *dev, enum us_reset kind)
{
	(void)kind;
	note('R');
	steps_left = 2; /* of which the step that is still under way takes one */
	assert_int_equal(us_job_start(dev, &zoo->job, 500), 0);
}

static void reset_in_dma(struct rig *r)
{
	r->on_dma = NULL;
	us_reset_registers(r->dev);
}

static void a_reset_while_a_step_waits_for_its_dma_ends_that_job_for_good(void **state)
{
	(void)state;
	start_job(1, 100, 0);
	zoo->reset = start_again_in_reset; /* the next job is the same struct, which must not be mixed up */
	rig->on_dma = reset_in_dma;
	us_device_tick(rig->dev);
	assert_string_equal(events, ".R");
	assert_true(zoo->job.running);
	assert_int_equal(rig->alarm, 500);
	rig_advance(rig, 600);
	assert_string_equal(events, ".R.D");
}

/* -- jobs on a worker of the host's ------------------------------------------------------------------------------- */

static struct us_job *started;
static bool step_in_stop; /* the host's worker is in the middle of a step while job_stop() waits */

static void host_start(void *ctx, struct us_job *job, uint64_t delay)
{
	(void)ctx;
	(void)delay;
	started = job;
}

static void host_stop(void *ctx, struct us_job *job)
{
	uint8_t byte = 9;

	(void)ctx;
	assert_ptr_equal(started, job);
	if (step_in_stop)
		assert_int_equal(us_dma_write(rig->dev, RIG_MEMORY, &byte, 1, NULL), -ECANCELED);
	started = NULL;
}

static int open_with_worker(void **state)
{
	struct us_error err;
	struct rig *plain;

	open_zoo(state);
	plain = rig;
	us_device_destroy(plain->dev);
	plain->host.job_start = host_start;
	plain->host.job_stop = host_stop;
	assert_int_equal(us_device_create(&zoo_model, &plain->host, &plain->dev, &err), 0);
	rig_config_write(rig, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	zoo = us_state(rig->dev);
	started = NULL;
	step_in_stop = false;
	return 0;
}

static void the_host_runs_steps_and_says_when_the_job_is_done(void **state)
{
	uint64_t duration;

	(void)state;
	start_job(2, 100, 0);
	assert_ptr_equal(started, &zoo->job);
	assert_int_equal(rig->alarm, UINT64_MAX);
	assert_true(us_job_step(rig->dev, started, &duration));
	assert_int_equal(duration, 100);
	assert_false(us_job_step(rig->dev, started, &duration));
	us_job_finish(rig->dev, started);
	assert_string_equal(events, "..D");
}

static void a_step_under_way_can_move_nothing_once_its_job_is_being_stopped(void **state)
{
	uint8_t byte = 1;

	(void)state;
	start_job(2, 100, 0);
	step_in_stop = true;
	us_job_stop(rig->dev, &zoo->job);
	assert_null(started);
	us_job_finish(rig->dev, &zoo->job); /* that was already on its way */
	assert_string_equal(events, "");
	assert_int_equal(us_dma_write(rig->dev, RIG_MEMORY, &byte, 1, NULL), 0); /* the device itself still may */
}

/* -- DMA ---------------------------------------------------------------------------------------------------------- */

static void dma_moves_bytes_both_ways(void **state)
{
	char text[] = "understudy", back[sizeof text];

	(void)state;
	assert_int_equal(us_dma_write(rig->dev, RIG_MEMORY + 5, text, sizeof text, NULL), 0);
	assert_memory_equal(rig->memory + 5, text, sizeof text);
	assert_int_equal(us_dma_read(rig->dev, RIG_MEMORY + 5, back, sizeof back, NULL), 0);
	assert_string_equal(back, text);
	assert_int_equal(us_dma_read(rig->dev, 0, back, 0, NULL), 0); /* of nothing is no fault */
}

static void a_fault_names_the_first_address_that_failed(void **state)
{
	char byte[16] = "";
	uint64_t fault = 0;

	(void)state;
	assert_int_equal(us_dma_read(rig->dev, RIG_MEMORY + sizeof rig->memory - 8, byte, 16, &fault), -EFAULT);
	assert_int_equal(fault, RIG_MEMORY + sizeof rig->memory);
	assert_int_equal(us_dma_write(rig->dev, RIG_READ_ONLY + 4, byte, 4, &fault), -EACCES);
	assert_int_equal(fault, RIG_READ_ONLY + 4);
	assert_int_equal(us_dma_read(rig->dev, RIG_READ_ONLY + 4, byte, 4, &fault), 0);
	assert_int_equal(us_dma_read(rig->dev, UINT64_MAX - 3, byte, 16, &fault), -EFAULT);
	assert_int_equal(fault, UINT64_MAX - 3);
	assert_int_equal(rig->dmas, 3); /* the host was not asked for what is past the end of all addresses */
	assert_int_equal(us_dma_read(rig->dev, UINT64_MAX - 3, byte, 4, &fault), -EFAULT);
	assert_int_equal(rig->dmas, 4); /* but for the last of them */
}

static void without_bus_mastering_dma_is_refused_before_the_host_sees_it(void **state)
{
	uint64_t fault = 0;
	size_t length = 4;
	char byte[4];

	(void)state;
	rig_config_write(rig, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(us_dma_read(rig->dev, RIG_MEMORY, byte, 4, &fault), -EPERM);
	assert_int_equal(fault, RIG_MEMORY);
	assert_int_equal(us_dma_write(rig->dev, RIG_MEMORY, byte, 4, &fault), -EPERM);
	assert_null(us_dma_map(rig->dev, RIG_MEMORY, &length, US_DMA_READ));
	assert_int_equal(rig->dmas, 0);
}

static void mapped_memory_is_the_memory_itself(void **state)
{
	size_t length = 1u << 20;
	uint8_t *at = us_dma_map(rig->dev, RIG_MEMORY + 16, &length, US_DMA_WRITE);

	(void)state;
	assert_ptr_equal(at, rig->memory + 16);
	assert_int_equal(length, sizeof rig->memory - 16);
	length = 1;
	assert_null(us_dma_map(rig->dev, RIG_READ_ONLY, &length, US_DMA_WRITE));
	length = 0;
	assert_null(us_dma_map(rig->dev, RIG_MEMORY, &length, US_DMA_READ));
	length = 16;
	assert_null(us_dma_map(rig->dev, UINT64_MAX - 3, &length, US_DMA_READ));
	assert_int_equal(length, 4); /* what the host was asked for */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_zoo, close_zoo)
#define WORKER(name) cmocka_unit_test_setup_teardown(name, open_with_worker, close_zoo)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_timer_expires_once_when_it_is_due),
		TEST(timers_expire_in_the_order_they_are_due),
		TEST(starting_again_moves_a_timer),
		TEST(a_stopped_timer_does_not_expire),
		TEST(a_delay_beyond_the_end_of_time_is_far_away),
		TEST(a_timer_restarted_without_delay_waits_for_the_next_tick),
		TEST(a_timer_may_stop_one_that_is_due_at_the_same_time),
		TEST(a_late_tick_runs_all_that_is_due),
		TEST(a_job_takes_its_delay_and_the_time_of_all_its_steps),
		TEST(steps_that_run_late_do_not_delay_the_end),
		TEST(steps_without_duration_still_let_the_tick_end),
		TEST(one_job_at_a_time),
		TEST(a_stopped_job_moves_no_byte_and_is_never_done),
		TEST(done_may_start_the_next_job),
		TEST(a_timer_may_stop_the_job_at_the_moment_it_would_be_done),
		TEST(turning_bus_mastering_off_stops_dma_in_the_middle),
		TEST(every_reset_ends_jobs_and_timers),
		TEST(a_reset_from_a_timer_ends_the_other_timers_due_with_it),
		TEST(the_reset_function_may_start_timers),
		TEST(a_reset_while_a_step_waits_for_its_dma_ends_that_job_for_good),
		WORKER(the_host_runs_steps_and_says_when_the_job_is_done),
		WORKER(a_step_under_way_can_move_nothing_once_its_job_is_being_stopped),
		TEST(dma_moves_bytes_both_ways),
		TEST(a_fault_names_the_first_address_that_failed),
		TEST(without_bus_mastering_dma_is_refused_before_the_host_sees_it),
		TEST(mapped_memory_is_the_memory_itself),
	};

	return cmocka_run_group_tests_name("time", tests, NULL, NULL);
}
