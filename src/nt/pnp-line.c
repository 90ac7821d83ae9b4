/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other device on the interrupt line: it pulls the line at moments of its own, and its service routine, which is
 * the stage's, lets it go. So that a driver that claims interrupts which are not its device's, or believes that each
 * is, is found out. While nothing happens it falls silent, so that a run that waits for nothing is seen to.
 */
#include "nt/interrupt.h"
#include "nt/trace.h"

#define LONGEST_PAUSE 20000 /* ns between two pulls */
#define IDLE_PULLS 8 /* pulls without anything else happening, after which it rests */

struct us_line {
	struct us_alarm alarm;
	bool there, pulled, first;
	unsigned idle;
};

static struct us_line *line(void)
{
	if (!us_nt->pnp->line)
		us_nt->pnp->line = us_nt_alloc(sizeof(*us_nt->pnp->line));
	return us_nt->pnp->line;
}

static void again(struct us_line *l)
{
	us_nt_alarm_set(&l->alarm, us_nt_now() + 100 + us_nt_random(LONGEST_PAUSE));
}

static void pull(struct us_alarm *alarm)
{
	struct us_line *l = line();

	(void)alarm;
	us_nt_trace("interrupt the other device pulls the line");
	l->pulled = true;
	us_line_pull();
	if (++l->idle < IDLE_PULLS)
		again(l);
}

void us_line_start(void)
{
	struct us_line *l = line();

	l->there = true;
	l->pulled = false;
	l->idle = 0;
	l->first = us_nt_random(2);
	l->alarm.fire = pull;
	again(l);
}

void us_line_stop(void)
{
	line()->there = line()->pulled = false;
	us_nt_alarm_cancel(&line()->alarm);
}

bool us_line_serve(void)
{
	bool mine = line()->pulled;

	if (mine)
		us_nt_trace("interrupt the other device's service routine claims it");
	line()->pulled = false;
	return mine;
}

bool us_line_is_pulled(void)
{
	return line()->pulled;
}

bool us_line_is_first(void)
{
	return line()->first;
}

void us_line_activity(void)
{
	struct us_line *l = us_nt->pnp ? us_nt->pnp->line : NULL;

	if (!l || !l->there)
		return;
	l->idle = 0;
	if (!l->alarm.set)
		again(l);
}
