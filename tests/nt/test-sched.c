/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler: processors, threads, IRQL, interrupts, DPCs, time. */
#include "rig.h"

#include "nt/sched-private.h"

/* -- threads and processors --------------------------------------------------------------------------------------- */

struct counting {
	unsigned ended, steps;
	char order[64];
};

static void count(void *context)
{
	struct counting *c = context;

	for (unsigned i = 0; i < 8; i++) {
		c->order[c->steps++ % sizeof(c->order)] = (char)('a' + us_nt_cpu()->number);
		us_nt_point(10);
	}
	c->ended++;
}

static void two_threads_end(void *context)
{
	struct counting *c = context;

	c->ended = c->steps = 0;
	rig_thread("one", count, c);
	rig_thread("two", count, c);
	while (c->ended < 2)
		us_nt_point(10);
	rig_expect(c->steps == 16);
}

static void threads_run_to_their_end(void **state)
{
	struct counting c = {0};

	(void)state;
	rig_run_seeds(RIG_SEEDS, two_threads_end, &c);
}

static void seeds_differ_and_repeat(void **state)
{
	struct us_rehearsal r = {.model = "adder"};
	char orders[20][64];
	unsigned different = 0;

	(void)state;
	for (r.seed = 0; r.seed < 20; r.seed++) {
		struct counting first = {0}, second = {0};

		rig_run(&r, two_threads_end, &first);
		rig_run(&r, two_threads_end, &second);
		assert_memory_equal(first.order, second.order, sizeof(first.order));
		memcpy(orders[r.seed], first.order, sizeof(first.order));
	}
	for (unsigned i = 1; i < 20; i++)
		different += memcmp(orders[0], orders[i], sizeof(orders[0])) != 0;
	assert_true(different > 10);
}

/* -- IRQL --------------------------------------------------------------------------------------------------------- */

static void raise_below(void *context)
{
	(void)context;
	us_nt_raise_irql(DISPATCH_LEVEL);
	us_nt_raise_irql(APC_LEVEL);
}

static void raising_to_a_lower_irql_is_a_bugcheck(void **state)
{
	(void)state;
	rig_run_breaks("irql.raise", raise_below, NULL);
}

static void lower_above(void *context)
{
	(void)context;
	us_nt_lower_irql(DISPATCH_LEVEL);
}

static void lowering_to_a_higher_irql_is_a_bugcheck(void **state)
{
	(void)state;
	rig_run_breaks("irql.lower", lower_above, NULL);
}

static void wait_at_dispatch(void *context)
{
	(void)context;
	us_nt_raise_irql(DISPATCH_LEVEL);
	us_nt_block("nothing");
}

static void waiting_at_dispatch_level_is_a_bugcheck(void **state)
{
	(void)state;
	rig_run_breaks("irql.wait", wait_at_dispatch, NULL);
}

/* -- hangs -------------------------------------------------------------------------------------------------------- */

static void wait_for_ever(void *context)
{
	(void)context;
	us_nt_block("what never comes");
}

static void a_wait_for_ever_is_a_hang(void **state)
{
	(void)state;
	rig_run_breaks("hang", wait_for_ever, NULL);
}

static bool never(void *context)
{
	(void)context;
	return false;
}

static void spin_for_ever(void *context)
{
	(void)context;
	us_nt_raise_irql(DISPATCH_LEVEL);
	us_nt_spin(never, NULL, "a lock that nobody gives back");
}

static void a_spin_for_ever_is_a_hang(void **state)
{
	(void)state;
	rig_run_breaks("hang", spin_for_ever, NULL);
}

/* -- alarms ------------------------------------------------------------------------------------------------------- */

struct ringing {
	struct us_alarm alarm;
	struct us_thread *sleeper;
	unsigned n, *order;
};

static void ring(struct us_alarm *alarm)
{
	struct ringing *r = CONTAINING_RECORD(alarm, struct ringing, alarm);

	*r->order = *r->order * 10 + r->n;
	if (r->sleeper)
		us_nt_wake(r->sleeper, STATUS_SUCCESS);
}

static void alarms_in_order(void *context)
{
	unsigned order = 0;
	struct ringing r[4] = {{.n = 1}, {.n = 2}, {.n = 3}, {.n = 4, .sleeper = us_nt_current()}};
	static const uint64_t due[4] = {3000000, 1000000, 1000000, 4000000};
	uint64_t begin = us_nt_now();

	(void)context;
	for (unsigned i = 0; i < 4; i++) {
		r[i].order = &order;
		r[i].alarm.fire = ring;
		us_nt_alarm_set(&r[i].alarm, begin + due[i]);
	}
	us_nt_alarm_set(&r[0].alarm, begin + 2000000);
	us_nt_alarm_cancel(&r[1].alarm);
	us_nt_block("an alarm");
	rig_expect(order == 314);
	rig_expect(us_nt_now() >= begin + 4000000 && us_nt_now() < begin + 4010000);
}

static void alarms_ring_in_order_and_time_jumps_to_them(void **state)
{
	(void)state;
	rig_run_seeds(RIG_SEEDS, alarms_in_order, NULL);
}

/* -- interrupts and DPCs ------------------------------------------------------------------------------------------ */

struct meeting {
	struct us_vector vector;
	KDPC dpc;
	unsigned interrupts, dpcs, wrong;
	bool in_isr, in_dpc;
};

static void NTAPI meeting_dpc(KDPC *dpc, PVOID context, PVOID argument1, PVOID argument2)
{
	struct meeting *m = context;

	(void)dpc, (void)argument1, (void)argument2;
	m->wrong += us_nt_irql() != DISPATCH_LEVEL;
	us_nt_point(100);
	m->dpcs++;
}

static void meeting_isr(struct us_vector *vector)
{
	struct meeting *m = CONTAINING_RECORD(vector, struct meeting, vector);

	m->wrong += us_nt_irql() != 5 || m->in_isr;
	m->in_isr = true;
	us_nt_point(100);
	m->interrupts++;
	if (!m->dpc.DpcData)
		us_nt_queue_dpc(NULL, &m->dpc, false);
	m->in_isr = false;
}

static void interrupts_on_top(void *context)
{
	struct meeting m = {.vector = {.irql = 5, .name = "test", .deliver = meeting_isr}};
	KIRQL old;

	(void)context;
	m.dpc.DeferredRoutine = meeting_dpc;
	m.dpc.DeferredContext = &m;
	us_nt_vector_add(&m.vector);

	/* Held back by the IRQL on the one processor; others may take it, so there is one only. */
	old = us_nt_raise_irql(5);
	us_nt_interrupt(&m.vector);
	for (unsigned i = 0; i < 100; i++)
		us_nt_point(10);
	rig_expect(m.interrupts == 0);
	us_nt_lower_irql(DISPATCH_LEVEL);
	for (unsigned i = 0; i < 100; i++)
		us_nt_point(10);
	rig_expect(m.interrupts == 1 && m.dpcs == 0);
	us_nt_lower_irql(old);
	rig_expect(m.dpcs == 1);
	rig_expect(m.wrong == 0);
	us_nt_vector_remove(&m.vector);
}

static void irql_holds_back_interrupts_and_dpcs(void **state)
{
	struct us_rehearsal r = {.model = "adder", .cpus = 1};

	(void)state;
	for (r.seed = 0; r.seed < RIG_SEEDS; r.seed++)
		rig_run(&r, interrupts_on_top, NULL);
}

static void interrupts_while_idle(void *context)
{
	struct meeting m = {.vector = {.irql = 5, .name = "test", .deliver = meeting_isr}};

	(void)context;
	m.dpc.DeferredRoutine = meeting_dpc;
	m.dpc.DeferredContext = &m;
	us_nt_vector_add(&m.vector);
	for (unsigned i = 0; i < 20; i++) {
		us_nt_interrupt(&m.vector);
		us_nt_flush_dpcs();
		us_nt_point(10);
	}
	while (m.interrupts < 1)
		us_nt_point(10);
	us_nt_flush_dpcs();
	rig_expect(m.wrong == 0);
	rig_expect(m.dpcs >= 1 && m.dpcs <= m.interrupts);
	us_nt_vector_remove(&m.vector);
}

static void interrupts_come_on_any_processor(void **state)
{
	(void)state;
	rig_run_seeds(RIG_SEEDS, interrupts_while_idle, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_run_to_their_end),
		cmocka_unit_test(seeds_differ_and_repeat),
		cmocka_unit_test(raising_to_a_lower_irql_is_a_bugcheck),
		cmocka_unit_test(lowering_to_a_higher_irql_is_a_bugcheck),
		cmocka_unit_test(waiting_at_dispatch_level_is_a_bugcheck),
		cmocka_unit_test(a_wait_for_ever_is_a_hang),
		cmocka_unit_test(a_spin_for_ever_is_a_hang),
		cmocka_unit_test(alarms_ring_in_order_and_time_jumps_to_them),
		cmocka_unit_test(irql_holds_back_interrupts_and_dpcs),
		cmocka_unit_test(interrupts_come_on_any_processor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
