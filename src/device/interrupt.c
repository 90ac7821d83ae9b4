/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From causes to interrupts. The function has one state, the cause bits and which of them are still `unsent`; the INTx
 * level, the messages to send and the pending bits are all worked out from it. So nothing is lost while an interrupt
 * can not go out (masked, bus master off, kind not enabled, host not listening), and a cause that software clears
 * meanwhile takes its pending bit back (PCI 3.0, 6.8.2.5).
 */
#include "device/private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int us_interrupts_create(struct us_device *dev)
{
	const struct us_map *map = dev->map;
	size_t n = 0;

	for (size_t i = 0; i < map->nregs; i++)
		for (unsigned f = 0; f < map->regs[i].nfields; f++)
			n += !!(map->regs[i].fields[f].flags & US_FIELD_INTR);
	dev->causes = calloc(n ? n : 1, sizeof *dev->causes);
	if (!dev->causes)
		return -ENOMEM;
	for (size_t i = 0; i < map->nregs; i++) {
		for (unsigned f = 0; f < map->regs[i].nfields; f++) {
			const struct us_field *field = &map->regs[i].fields[f];
			struct us_cause *cause = &dev->causes[dev->ncauses];

			if (!(field->flags & US_FIELD_INTR))
				continue;
			dev->ncauses++;
			cause->status = &dev->registers[i];
			cause->mask = UINT64_MAX >> (64 - field->width) << field->lsb;
			cause->lsb = field->lsb;
			cause->message = (uint8_t)field->message;
			cause->status->interrupts = true;
			if (field->enable_reg < 0)
				continue;
			cause->enable = &dev->registers[field->enable_reg];
			cause->enable_lsb = field->enable_lsb;
			cause->enable->interrupts = true;
		}
	}
	return 0;
}

/* The kind that software has chosen. Both messages enabled at once is undefined (6.8.2.3); MSI-X it is. */
static enum us_irq kind_now(const struct us_device *dev)
{
	return us_msix_enabled(dev) ? US_IRQ_MSIX : us_msi_enabled(dev) ? US_IRQ_MSI : US_IRQ_INTX;
}

static uint64_t enabled_bits(const struct us_cause *cause)
{
	if (!cause->enable)
		return cause->mask;
	return cause->enable->value >> cause->enable_lsb << cause->lsb & cause->mask;
}

/*
 * With MSI a function that was granted fewer messages than it asked for makes do with those. With MSI-X every vector has
 * an entry of its own in the table, and one that nobody takes is as if masked (PCI 3.0, 6.8.2.9).
 */
static unsigned message_of(const struct us_device *dev, enum us_irq kind, const struct us_cause *cause)
{
	const unsigned routed = dev->routed[US_IRQ_MSI];
	unsigned granted = dev->map->pci.msix;

	if (kind == US_IRQ_MSI) {
		granted = us_msi_granted(dev);
		if (routed && routed < granted)
			granted = routed;
	}
	return cause->message < granted ? cause->message : 0;
}

static bool masked(const struct us_device *dev, enum us_irq kind, unsigned n)
{
	if (kind == US_IRQ_MSI && us_msi_masked(dev, n))
		return true;
	if (dev->routed[kind])
		return n >= dev->routed[kind] || dev->route_masked[kind][n / 64] >> n % 64 & 1;
	return kind == US_IRQ_MSIX && us_msix_masked(dev, n);
}

static bool waiting(const struct us_cause *cause)
{
	return cause->status->value & cause->status->unsent & enabled_bits(cause);
}

bool us_interrupt_pending(const struct us_device *dev, unsigned n)
{
	const enum us_irq kind = kind_now(dev);

	for (size_t i = 0; i < dev->ncauses; i++)
		if (waiting(&dev->causes[i]) && message_of(dev, kind, &dev->causes[i]) == n)
			return true;
	return false;
}

static void send(struct us_device *dev, enum us_irq kind, unsigned n)
{
	uint64_t address = 0;
	uint32_t data = 0;

	/* First take it off the books: the host may come back to us from its callback. */
	for (size_t i = 0; i < dev->ncauses; i++)
		if (message_of(dev, kind, &dev->causes[i]) == n)
			dev->causes[i].status->unsent &= ~(enabled_bits(&dev->causes[i]));
	if (kind == US_IRQ_MSI)
		us_msi_message(dev, n, &address, &data);
	else
		us_msix_message(dev, n, &address, &data);
	if (dev->trace)
		us_trace(dev, "%s message %u", kind == US_IRQ_MSI ? "MSI" : "MSI-X", n);
	dev->host.message(dev->host.ctx, kind, n, address, data);
}

static bool level(const struct us_device *dev)
{
	if (kind_now(dev) != US_IRQ_INTX || !dev->map->pci.intx_pin)
		return false;
	for (size_t i = 0; i < dev->ncauses; i++)
		if (dev->causes[i].status->value & enabled_bits(&dev->causes[i]))
			return true;
	return false;
}

/* The status bit shows the cause, whether or not the disable bit keeps it off the line (6.2.3). */
static void update_line(struct us_device *dev)
{
	const bool status = level(dev);
	const bool line = status && !us_command(dev, PCI_COMMAND_INTX_DISABLE) && us_pm_state(dev) == 0;

	dev->config.value[PCI_STATUS] = (uint8_t)((dev->config.value[PCI_STATUS] & ~PCI_STATUS_INTERRUPT) |
						  (status ? PCI_STATUS_INTERRUPT : 0));
	if (line == dev->line)
		return;
	dev->line = line;
	if (dev->trace)
		us_trace(dev, "INTx %s", line ? "asserted" : "deasserted");
	dev->host.intx(dev->host.ctx, line);
}

/* A message is a memory write: it needs bus mastering (6.8.3.1) and D0. Until then it waits. */
static bool can_send(const struct us_device *dev, enum us_irq kind)
{
	return kind != US_IRQ_INTX && dev->mastering && (dev->routed[kind] || !dev->host.routed);
}

void us_interrupts_update(struct us_device *dev)
{
	update_line(dev);
	for (size_t i = 0; i < dev->ncauses; i++) {
		const enum us_irq kind = kind_now(dev);
		const struct us_cause *cause = &dev->causes[i];

		if (!can_send(dev, kind))
			return;
		if (waiting(cause) && !masked(dev, kind, message_of(dev, kind, cause)))
			send(dev, kind, message_of(dev, kind, cause));
	}
}

/* -- the host's side ---------------------------------------------------------------------------------------------- */

unsigned us_device_irq_count(const struct us_device *dev, enum us_irq kind)
{
	const struct us_pci *pci = &dev->map->pci;

	return kind == US_IRQ_INTX ? pci->intx_pin != 0 : kind == US_IRQ_MSI ? pci->msi : pci->msix;
}

int us_device_route(struct us_device *dev, enum us_irq kind, unsigned n)
{
	if ((kind != US_IRQ_MSI && kind != US_IRQ_MSIX) || n > us_device_irq_count(dev, kind))
		return -EINVAL;
	dev->routed[kind] = n;
	if (!n)
		memset(dev->route_masked[kind], 0, sizeof dev->route_masked[kind]);
	if (kind == US_IRQ_MSI && dev->config.msi)
		us_msi_enable(dev, n);
	else if (kind == US_IRQ_MSIX && dev->config.msix)
		us_msix_enable(dev, n);
	us_interrupts_update(dev);
	return 0;
}

int us_device_mask(struct us_device *dev, enum us_irq kind, unsigned n, bool mask)
{
	const uint64_t bit = UINT64_C(1) << n % 64;

	if ((kind != US_IRQ_MSI && kind != US_IRQ_MSIX) || n >= us_device_irq_count(dev, kind))
		return -EINVAL;
	if (mask)
		dev->route_masked[kind][n / 64] |= bit;
	else
		dev->route_masked[kind][n / 64] &= ~bit;
	us_interrupts_update(dev);
	return 0;
}

bool us_device_intx(const struct us_device *dev)
{
	return dev->line;
}
