/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an interrupt of the function to the driver's service routines.
 *
 * A message is an edge: all routines of its vector are called. The line is a level, shared with another device:
 * routines are called until one says that it was its interrupt, then the line is unmasked, and who still pulls it
 * interrupts again. When nobody ever says so, the line is stuck and the system with it.
 */
#include "nt/interrupt.h"
#include "nt/trace.h"

#define STORM 1000 /* interrupts of the device's by the line, in a row, that its driver did not claim */

struct us_vectors {
	struct us_vector line, messages[US_PNP_MESSAGES];
	bool live; /* the function's line is enabled on the seam */
	unsigned connected; /* messages with an interrupt object */
	bool masked; /* the line, since the function pulled it */
	unsigned unclaimed;
};

static struct us_vectors *vectors(void)
{
	return us_nt->pnp->vectors;
}

/* -- the line ----------------------------------------------------------------------------------------------------- */

static void unmask_line(void)
{
	if (!vectors()->masked)
		return;
	vectors()->masked = false;
	if (vectors()->live)
		us_fn_irq_unmask(us_nt->fn, US_INTX, 0);
}

/* The driver was asked, while its device pulled the line: it claims the interrupt sooner or later. */
static void count_claim(bool claimed)
{
	if (claimed) {
		vectors()->unclaimed = 0;
		return;
	}
	if (!vectors()->masked || ++vectors()->unclaimed < STORM)
		return;
	us_nt_stop(US_NT_HANG, "interrupt.storm",
		   "The interrupt line is stuck: the device pulled it %u times in a row, and no service routine of its "
		   "driver "
		   "said that it was its interrupt. Windows does nothing else any more.",
		   STORM);
}

static bool serve_driver(void)
{
	for (struct us_interrupt *i = us_nt->pnp->interrupts, *next; i; i = next) {
		next = i->next;
		if (i->message < 0 && us_interrupt_serve(i))
			return true;
	}
	return false;
}

static void deliver_line(struct us_vector *vector)
{
	bool asked = !us_line_is_first() || !us_line_serve(), claimed = asked && serve_driver();

	if (!us_line_is_first() && !claimed)
		us_line_serve();
	for (struct us_interrupt *i = us_nt->pnp->interrupts; i; i = i->next)
		if (i->message < 0 && (i->wanted || i->running))
			return; /* its thread goes on from here: the line stays masked until then */
	if (asked)
		count_claim(claimed);
	unmask_line();
	if (us_line_is_pulled())
		us_nt_interrupt(vector);
}

void us_vector_served(struct us_interrupt *interrupt, bool claimed)
{
	if (interrupt->message >= 0)
		return;
	count_claim(claimed);
	unmask_line();
	if (us_line_is_pulled())
		us_nt_interrupt(&vectors()->line);
}

/* -- messages ----------------------------------------------------------------------------------------------------- */

static void deliver_message(struct us_vector *vector)
{
	int message = (int)(vector - vectors()->messages);
	bool anybody = false;

	for (struct us_interrupt *i = us_nt->pnp->interrupts, *next; i; i = next) {
		next = i->next;
		if (i->message != message)
			continue;
		us_interrupt_serve(i);
		anybody = true;
	}
	if (!anybody)
		us_nt_trace("interrupt message %d has no service routine", message);
}

static void came(unsigned n, uint64_t times)
{
	struct us_vectors *v = vectors();

	if (us_nt->pnp->gone)
		return;
	us_line_activity();
	if (us_nt->pnp->grant.kind == US_INTX) {
		us_nt_trace("interrupt the device pulls the line");
		v->masked = true;
		us_nt_interrupt(&v->line);
	} else if (n < US_PNP_MESSAGES) {
		us_nt_trace("interrupt message %u, %llu times", n, (unsigned long long)times);
		us_nt_interrupt(&v->messages[n]);
	}
}

/* The scheduler looks for interrupts of the function while any are enabled on the seam. */
static void listen(void)
{
	bool any = !us_nt->pnp->gone && (vectors()->live || vectors()->connected);

	us_nt_on_device_interrupt(any ? came : NULL);
}

void us_line_pull(void)
{
	us_nt_interrupt(&vectors()->line);
}

/* -- connected ---------------------------------------------------------------------------------------------------- */

static struct us_vector *vector_of(const struct us_interrupt *interrupt)
{
	return interrupt->message < 0 ? &vectors()->line : &vectors()->messages[interrupt->message];
}

static void enable_messages(void)
{
	struct us_pnp_grant grant = us_nt->pnp->grant;
	int rc = us_nt->pnp->gone ? 0 : us_fn_irq_enable(us_nt->fn, grant.kind, grant.count);

	if (rc)
		us_nt_stop(US_NT_FAILED, "", "The function's %u %s can not be enabled: %s", grant.count,
			   grant.kind == US_MSI ? "MSI" : "MSI-X", us_fn_error(us_nt->fn));
}

void us_vector_connect(struct us_interrupt *interrupt)
{
	struct us_interrupt **end = &us_nt->pnp->interrupts;

	while (*end)
		end = &(*end)->next;
	interrupt->next = NULL;
	*end = interrupt;
	if (interrupt->message >= 0 && vectors()->connected++ == 0)
		enable_messages();
	listen();
}

static bool is_quiet(void *vector)
{
	return !((struct us_vector *)vector)->running;
}

void us_vector_disconnect(struct us_interrupt *interrupt)
{
	struct us_interrupt **link = &us_nt->pnp->interrupts;

	while (*link != interrupt)
		link = &(*link)->next;
	*link = interrupt->next;
	if (interrupt->message >= 0 && --vectors()->connected == 0)
		us_fn_irq_disable(us_nt->fn, us_nt->pnp->grant.kind);
	listen();
	us_nt_spin(is_quiet, vector_of(interrupt),
		   "the end of an interrupt service routine that is being disconnected");
}

/* -- the device's life -------------------------------------------------------------------------------------------- */

void us_pnp_interrupt_init(void)
{
	static const char *const names[US_PNP_MESSAGES] = {
		"message 0",  "message 1",  "message 2",  "message 3",  "message 4",  "message 5",  "message 6",
		"message 7",  "message 8",  "message 9",  "message 10", "message 11", "message 12", "message 13",
		"message 14", "message 15", "message 16", "message 17", "message 18", "message 19", "message 20",
		"message 21", "message 22", "message 23", "message 24", "message 25", "message 26", "message 27",
		"message 28", "message 29", "message 30", "message 31",
	};
	struct us_vectors *v = us_nt->pnp->vectors = us_nt_alloc(sizeof(*v));

	v->line = (struct us_vector){.irql = US_LINE_IRQL, .name = "line", .deliver = deliver_line};
	us_nt_vector_add(&v->line);
	for (unsigned i = 0; i < US_PNP_MESSAGES; i++) {
		v->messages[i] = (struct us_vector){
			.irql = us_pnp_message_irql(i), .name = names[i], .deliver = deliver_message};
		if (i < us_nt->info->irqs[US_MSI] || i < us_nt->info->irqs[US_MSIX])
			us_nt_vector_add(&v->messages[i]);
	}
}

void us_pnp_interrupts_start(void)
{
	struct us_vectors *v = vectors();

	if (us_nt->pnp->grant.kind != US_INTX || !us_nt->pnp->grant.count || v->live)
		return;
	if (us_fn_irq_enable(us_nt->fn, US_INTX, 1))
		us_nt_stop(US_NT_FAILED, "", "The function's interrupt line can not be enabled: %s",
			   us_fn_error(us_nt->fn));
	v->live = true;
	v->masked = false;
	listen();
	us_line_start();
}

void us_pnp_interrupts_stop(void)
{
	struct us_vectors *v = vectors();

	if (us_nt->pnp->gone)
		for (unsigned kind = 0; kind < US_IRQ_KIND_COUNT; kind++)
			us_fn_irq_disable(us_nt->fn, kind);
	if (v->live) {
		us_fn_irq_disable(us_nt->fn, US_INTX);
		v->live = v->masked = false;
		us_line_stop();
	}
	listen();
}

void us_pnp_interrupts_restore(void)
{
	if (us_nt->pnp->gone)
		return;
	if (vectors()->live) {
		us_fn_irq_disable(us_nt->fn, US_INTX);
		us_fn_irq_enable(us_nt->fn, US_INTX, 1);
		vectors()->masked = false;
	}
	if (vectors()->connected) {
		us_fn_irq_disable(us_nt->fn, us_nt->pnp->grant.kind);
		enable_messages();
	}
}
