/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to processors: interrupts, DPCs, alarms. */
#include "nt/gate.h"
#include "nt/sched-private.h"
#include "nt/trace.h"

/* -- interrupts --------------------------------------------------------------------------------------------------- */

void us_nt_vector_add(struct us_vector *vector)
{
	struct us_vector **at = &us_nt->sched->vectors;

	while (*at)
		at = &(*at)->next;
	vector->next = NULL;
	vector->pending = vector->running = false;
	*at = vector;
}

void us_nt_vector_remove(struct us_vector *vector)
{
	struct us_vector **at = &us_nt->sched->vectors;

	while (*at && *at != vector)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = vector->next;
	if (vector->pending)
		us_nt->sched->pending--;
	vector->pending = false;
}

void us_nt_interrupt(struct us_vector *vector)
{
	if (!vector->pending)
		us_nt->sched->pending++;
	vector->pending = true;
}

void us_nt_on_device_interrupt(void (*came)(unsigned n, uint64_t times))
{
	us_nt->sched->came = came;
}

/* -- DPCs --------------------------------------------------------------------------------------------------------- */

void us_nt_queue_dpc(struct us_cpu *cpu, KDPC *dpc, bool first)
{
	if (!cpu)
		cpu = us_nt->sched->active;
	dpc->DpcData = cpu; /* as in Windows: not NULL while it is queued */
	if (first)
		InsertHeadList(&cpu->dpcs, &dpc->DpcListEntry);
	else
		InsertTailList(&cpu->dpcs, &dpc->DpcListEntry);
}

bool us_nt_unqueue_dpc(KDPC *dpc)
{
	if (!dpc->DpcData)
		return false;
	RemoveEntryList(&dpc->DpcListEntry);
	dpc->DpcData = NULL;
	return true;
}

void us_nt_run_dpc(KDPC *dpc)
{
	/* As in Windows all of it is read before the routine is called: the object may be gone or be queued again by
	 * then. */
	PVOID argument1 = dpc->SystemArgument1, argument2 = dpc->SystemArgument2, context = dpc->DeferredContext;
	PKDEFERRED_ROUTINE routine = dpc->DeferredRoutine;

	dpc->DpcData = NULL; /* from here on it can be queued again */
	us_nt_trace("dpc");
	US_CALL_VOID("DPC", routine, dpc, context, argument1, argument2);
}

static bool no_dpc(void *context)
{
	struct us_sched *s = context;

	for (unsigned i = 0; i < s->ncpus; i++)
		if (!IsListEmpty(&s->cpus[i].dpcs) || s->cpus[i].in_dpc)
			return false;
	return true;
}

void us_nt_flush_dpcs(void)
{
	us_nt_spin(no_dpc, us_nt->sched, "the end of all DPCs");
}

/* -- alarms: a binary heap by time, and by age among equals so that order does not depend on the heap's shape ----- */

static bool before(const struct us_alarm *a, const struct us_alarm *b)
{
	return a->due != b->due ? a->due < b->due : a->age < b->age;
}

static void place(struct us_sched *s, struct us_alarm *alarm, size_t at)
{
	s->alarms[at] = alarm;
	alarm->at = at;
}

static void sift(struct us_sched *s, struct us_alarm *alarm, size_t at)
{
	while (at > 0 && before(alarm, s->alarms[(at - 1) / 2])) {
		place(s, s->alarms[(at - 1) / 2], at);
		at = (at - 1) / 2;
	}
	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < s->nalarms && before(s->alarms[child + 1], s->alarms[child]))
			child++;
		if (child >= s->nalarms || !before(s->alarms[child], alarm))
			break;
		place(s, s->alarms[child], at);
		at = child;
	}
	place(s, alarm, at);
}

void us_nt_alarm_set(struct us_alarm *alarm, uint64_t due)
{
	struct us_sched *s = us_nt->sched;

	us_nt_alarm_cancel(alarm);
	if (s->nalarms == s->alarms_room) {
		size_t room = s->alarms_room ? 2 * s->alarms_room : 32;
		struct us_alarm **more = us_nt_alloc(room * sizeof(*more));

		if (s->nalarms)
			memcpy(more, s->alarms, s->nalarms * sizeof(*more));
		us_nt_free(s->alarms);
		s->alarms = more;
		s->alarms_room = room;
	}
	alarm->due = due;
	alarm->age = ++s->alarm_age;
	alarm->set = true;
	sift(s, alarm, s->nalarms++);
}

void us_nt_alarm_cancel(struct us_alarm *alarm)
{
	struct us_sched *s = us_nt->sched;
	struct us_alarm *last;

	if (!alarm->set)
		return;
	alarm->set = false;
	last = s->alarms[--s->nalarms];
	if (last != alarm)
		sift(s, last, alarm->at);
}

void us_nt_alarms_fire(uint64_t now)
{
	struct us_sched *s = us_nt->sched;

	while (s->nalarms && s->alarms[0]->due <= now) {
		struct us_alarm *alarm = s->alarms[0];

		us_nt_alarm_cancel(alarm);
		alarm->fire(alarm);
	}
}

uint64_t us_nt_alarms_next(void)
{
	const struct us_sched *s = us_nt->sched;

	return s->nalarms ? s->alarms[0]->due : UINT64_MAX;
}
