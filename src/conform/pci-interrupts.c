/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The group `pci`: interrupts, by the causes that the specification says how to raise. PCI 3.0: INTx 2.2.6, 6.2.2 and
 * 6.2.3, MSI 6.8.1, MSI-X 6.8.2.
 */
#include "conform/internal.h"

#include <errno.h>
#include <linux/pci_regs.h>

#define SOON UINT64_C(2000000000) /* ns: an interrupt that comes at all has come by then */
#define QUIET UINT64_C(20000000) /* ns to wait for one that must not come */

static bool came(struct us_run *run, enum us_irq_kind kind, unsigned n, uint64_t timeout, uint64_t *count)
{
	*count = 0;
	return us_run_done(run, us_fn_irq_wait(run->fn, kind, n, timeout, count)) > 0;
}

static void expect(struct us_run *run, const struct us_cause *cause, enum us_irq_kind kind, unsigned n,
		   const char *when)
{
	static const char *const name[] = {"INTx", "MSI message", "MSI-X message"};
	uint64_t count;

	if (came(run, kind, n, SOON, &count))
		return;
	us_run_mismatch(run, cause->reg, cause->field, cause->reg->size, 1, 0, "%s %u comes %s", name[kind], n, when);
}

static void expect_none(struct us_run *run, const struct us_cause *cause, enum us_irq_kind kind, unsigned n,
			const char *when)
{
	static const char *const name[] = {"INTx", "MSI message", "MSI-X message"};
	uint64_t count;

	if (!came(run, kind, n, QUIET, &count))
		return;
	us_run_mismatch(run, cause->reg, cause->field, cause->reg->size, 0, count, "no %s %u comes %s", name[kind], n,
			when);
}

static void clear(struct us_run *run, const struct us_cause *cause)
{
	if (!us_cause_clear(run, cause))
		us_run_skip(run, "%s.%s can not be cleared by software", cause->reg->path, cause->field->name);
}

/* The first cause that can be raised, and the kind enabled. */
static struct us_cause begin(struct us_run *run, enum us_irq_kind kind, unsigned count)
{
	struct us_cause cause;

	if (!us_cause_at(run->suite->map, 0, &cause))
		us_run_skip(run, "the specification does not say how software raises a cause (us_raised_by)");
	if (kind != US_INTX)
		us_run_bus_master(run, true);
	us_run_done(run, us_fn_irq_enable(run->fn, kind, count));
	return cause;
}

/* -- INTx ------------------------------------------------------------------------------------------------------- */

static void expect_status(struct us_run *run, bool set, const char *when)
{
	const uint64_t got = us_run_config_read(run, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT;

	if (!!got != set)
		us_run_config_mismatch(run, PCI_STATUS, 2, set ? PCI_STATUS_INTERRUPT : 0, got,
				       "Interrupt Status is %d %s", set, when);
}

static void unmask(struct us_run *run)
{
	us_run_done(run, us_fn_irq_unmask(run->fn, US_INTX, 0));
}

static void intx_level(struct us_run *run)
{
	const struct us_cause cause = begin(run, US_INTX, 1);

	us_run_clause(run, "PCI 3.0, 2.2.6");
	us_cause_enable(run, &cause, true);
	expect_none(run, &cause, US_INTX, 0, "before there is a cause");
	us_cause_raise(run, &cause);
	expect(run, &cause, US_INTX, 0, "when an enabled cause is set");
	unmask(run);
	expect(run, &cause, US_INTX, 0, "again after an unmask, as long as the cause is set: it is a level");
	clear(run, &cause);
	unmask(run); /* what was signalled between is the last look at the level */
	expect_none(run, &cause, US_INTX, 0, "once software has cleared the cause");
	us_cause_raise(run, &cause);
	expect(run, &cause, US_INTX, 0, "when the cause is set again");
}

static void intx_status(struct us_run *run)
{
	const struct us_cause cause = begin(run, US_INTX, 1);

	us_run_clause(run, "PCI 3.0, 6.2.3");
	us_cause_enable(run, &cause, true);
	expect_status(run, false, "before there is a cause");
	us_cause_raise(run, &cause);
	expect_status(run, true, "while an enabled cause is set");
	clear(run, &cause);
	expect_status(run, false, "when the cause is cleared");
}

static void intx_each_cause(struct us_run *run)
{
	struct us_cause cause = begin(run, US_INTX, 1);

	for (unsigned n = 0; us_cause_at(run->suite->map, n, &cause); n++) {
		us_cause_enable(run, &cause, true);
		us_cause_raise(run, &cause);
		expect(run, &cause, US_INTX, 0, "for each of the causes");
		us_cause_enable(run, &cause, false);
		clear(run, &cause);
		unmask(run);
		expect_none(run, &cause, US_INTX, 0, "when the cause is cleared and disabled");
	}
}

static void intx_enable(struct us_run *run)
{
	const struct us_cause cause = begin(run, US_INTX, 1);

	if (cause.field->enable_reg < 0)
		us_run_skip(run, "the cause %s.%s is always enabled", cause.reg->path, cause.field->name);
	us_cause_raise(run, &cause);
	expect_none(run, &cause, US_INTX, 0, "while the cause is not enabled");
	us_cause_enable(run, &cause, true);
	expect(run, &cause, US_INTX, 0, "when a cause that is set is enabled");
	us_cause_enable(run, &cause, false);
	unmask(run);
	expect_none(run, &cause, US_INTX, 0, "when the cause is disabled again");
}

static void intx_disable_bit(struct us_run *run)
{
	const struct us_cause cause = begin(run, US_INTX, 1);
	const uint64_t command = us_run_config_read(run, PCI_COMMAND, 2);

	us_run_clause(run, "PCI 3.0, 6.2.2");
	us_cause_enable(run, &cause, true);
	us_run_config_write(run, PCI_COMMAND, 2, command | PCI_COMMAND_INTX_DISABLE);
	us_cause_raise(run, &cause);
	expect_none(run, &cause, US_INTX, 0, "while Interrupt Disable is set");
	expect_status(run, true, "while a cause is set, whether or not Interrupt Disable is (6.2.3)");
	us_run_config_write(run, PCI_COMMAND, 2, command & ~(uint64_t)PCI_COMMAND_INTX_DISABLE);
	expect(run, &cause, US_INTX, 0, "when Interrupt Disable is cleared and the cause still set");
}

/* -- messages --------------------------------------------------------------------------------------------------- */

static enum us_irq_kind kind_of(const struct us_run *run)
{
	return run->test->name[4 + 3] == 'x' ? US_MSIX : US_MSI; /* pci.msix… */
}

static unsigned message(const struct us_cause *cause, enum us_irq_kind kind, unsigned granted)
{
	return kind == US_MSIX || (unsigned)cause->field->message < granted ? (unsigned)cause->field->message : 0;
}

/* Each cause by its own message, or by message 0 where fewer are granted; and by no other, and once. */
static void granted(struct us_run *run)
{
	const enum us_irq_kind kind = kind_of(run);
	const unsigned count = run->test->number;
	struct us_cause cause = begin(run, kind, count);

	us_run_clause(run, kind == US_MSI ? "PCI 3.0, 6.8.1.6" : "PCI 3.0, 6.8.2.9");
	for (unsigned n = 0; us_cause_at(run->suite->map, n, &cause); n++) {
		const unsigned own = message(&cause, kind, count);
		uint64_t times;

		us_cause_enable(run, &cause, true);
		us_cause_raise(run, &cause);
		if (own < count && (!came(run, kind, own, SOON, &times) || times != 1))
			us_run_mismatch(run, cause.reg, cause.field, cause.reg->size, 1, times,
					"with %u message%s granted, message %u comes once for the cause", count,
					us_plural(count), own);
		for (unsigned other = 0; other < count; other++)
			expect_none(run, &cause, kind, other, "for a cause that has another, or has had its own");
		us_cause_enable(run, &cause, false);
		us_cause_clear(run, &cause);
	}
}

static void master_off(struct us_run *run)
{
	const enum us_irq_kind kind = kind_of(run);
	const struct us_cause cause = begin(run, kind, 1);

	us_run_clause(run, "PCI 3.0, 6.8.3.1");
	if (message(&cause, kind, 1))
		us_run_skip(run, "the cause that can be raised has a message other than 0");
	us_run_bus_master(run, false);
	us_cause_enable(run, &cause, true);
	us_cause_raise(run, &cause);
	expect_none(run, &cause, kind, 0, "while Bus Master Enable is off: a message is a write to memory");
	clear(run, &cause);
	us_run_bus_master(run, true);
	us_cause_raise(run, &cause);
	expect(run, &cause, kind, 0, "for a new cause when Bus Master Enable is on again");
}

static void disabled_cause(struct us_run *run)
{
	const enum us_irq_kind kind = kind_of(run);
	const struct us_cause cause = begin(run, kind, 1);

	if (cause.field->enable_reg < 0)
		us_run_skip(run, "the cause %s.%s is always enabled", cause.reg->path, cause.field->name);
	if (message(&cause, kind, 1))
		us_run_skip(run, "the cause that can be raised has a message other than 0");
	us_cause_raise(run, &cause);
	expect_none(run, &cause, kind, 0, "while the cause is not enabled");
	us_cause_enable(run, &cause, true);
	expect(run, &cause, kind, 0, "when a cause that is set is enabled");
}

static bool pending(struct us_run *run, enum us_irq_kind kind, unsigned n)
{
	const struct us_pci *pci = &run->suite->map->pci;
	uint64_t bits = 0;
	unsigned at;

	if (kind == US_MSIX) {
		us_run_done(run, us_fn_read(run->fn, (enum us_region)pci->msix_pba_bar,
					    pci->msix_pba_offset + n / 32 * 4, 4, &bits));
		return bits >> n % 32 & 1;
	}
	at = us_run_capability(run, PCI_CAP_ID_MSI, "MSI");
	bits = us_run_config_read(run, at + PCI_MSI_FLAGS, 2);
	return us_run_config_read(run, at + (bits & PCI_MSI_FLAGS_64BIT ? PCI_MSI_PENDING_64 : PCI_MSI_PENDING_32),
				  4) >>
		       n &
	       1;
}

/* A machine that stands between may need a moment to see it. */
static void expect_pending(struct us_run *run, const struct us_cause *cause, unsigned n, bool set, const char *when)
{
	for (unsigned i = 0; i < 10 && pending(run, kind_of(run), n) != set; i++)
		us_fn_sleep(run->fn, QUIET / 10);
	if (pending(run, kind_of(run), n) != set)
		us_run_mismatch(run, cause->reg, cause->field, cause->reg->size, set, !set,
				"the pending bit of message %u is %d %s", n, set, when);
}

/* With all messages granted, each cause's own masked while `with` looks at what becomes of it. */
static void each_masked(struct us_run *run,
			void (*with)(struct us_run *run, const struct us_cause *cause, enum us_irq_kind kind, unsigned n))
{
	const enum us_irq_kind kind = kind_of(run);
	struct us_cause cause = begin(run, kind, run->test->number);

	for (unsigned i = 0; us_cause_at(run->suite->map, i, &cause); i++) {
		const unsigned n = message(&cause, kind, run->test->number);

		us_run_done(run, us_fn_irq_mask(run->fn, kind, n));
		us_cause_enable(run, &cause, true);
		with(run, &cause, kind, n);
		us_cause_enable(run, &cause, false);
		us_cause_clear(run, &cause);
	}
}

static void held(struct us_run *run, const struct us_cause *cause, enum us_irq_kind kind, unsigned n)
{
	us_cause_raise(run, cause);
	expect_none(run, cause, kind, n, "while it is masked");
	us_run_done(run, us_fn_irq_unmask(run->fn, kind, n));
	expect(run, cause, kind, n, "on unmask, when it came while masked");
	expect_none(run, cause, kind, n, "a second time: it came once");
}

static void masked(struct us_run *run)
{
	us_run_clause(run, kind_of(run) == US_MSI ? "PCI 3.0, 6.8.1.7" : "PCI 3.0, 6.8.2.8");
	each_masked(run, held);
}

static void shown(struct us_run *run, const struct us_cause *cause, enum us_irq_kind kind, unsigned n)
{
	expect_pending(run, cause, n, false, "before there is a cause");
	us_cause_raise(run, cause);
	expect_pending(run, cause, n, true, "while a message waits");
	us_run_done(run, us_fn_irq_unmask(run->fn, kind, n));
	expect(run, cause, kind, n, "on unmask, when it came while masked");
	expect_pending(run, cause, n, false, "when the message has been sent");
}

static void pending_bit(struct us_run *run)
{
	us_run_clause(run, kind_of(run) == US_MSI ? "PCI 3.0, 6.8.1.8" : "PCI 3.0, 6.8.2.5");
	each_masked(run, shown);
}

/* -- the group -------------------------------------------------------------------------------------------------- */

/* The next number that may be granted: of MSI the powers of two, of MSI-X any, of which the small ones are all tried. */
static unsigned next_count(unsigned n, unsigned messages, bool any)
{
	if (any && n < 8)
		return n + 1;
	return n < messages && n * 2 > messages ? messages : n * 2;
}

static void add_messages(struct us_suite *suite, const char *kind, unsigned messages, bool masking)
{
	for (unsigned n = 1; n <= messages; n = next_count(n, messages, kind[3] == 'x'))
		us_suite_add(suite, granted, "pci.%s.granted-%u", kind, n)->number = n;
	us_suite_add(suite, master_off, "pci.%s.master-off", kind);
	us_suite_add(suite, disabled_cause, "pci.%s.cause-disabled", kind);
	if (!masking)
		return;
	us_suite_add(suite, masked, "pci.%s.masked", kind)->number = messages;
	us_suite_add(suite, pending_bit, "pci.%s.pending", kind)->number = messages;
}

void us_suite_add_interrupts(struct us_suite *suite)
{
	const struct us_pci *pci = &suite->map->pci;

	if (pci->intx_pin) {
		us_suite_add(suite, intx_level, "pci.intx.level");
		us_suite_add(suite, intx_status, "pci.intx.status");
		us_suite_add(suite, intx_each_cause, "pci.intx.each-cause");
		us_suite_add(suite, intx_enable, "pci.intx.cause-disabled");
		us_suite_add(suite, intx_disable_bit, "pci.intx.disable-bit");
	}
	if (pci->msi)
		add_messages(suite, "msi", pci->msi, pci->msi_masking);
	if (pci->msix) {
		us_suite_add_msix(suite);
		add_messages(suite, "msix", pci->msix, true);
	}
}
