/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random accesses, resets, routings, masks and ticks on a device whose model raises causes, runs timers and moves data
 * by DMA, with everything a bus may rely on checked at each callback and after each step:
 *
 *   - INTx changes level at each call and is what causes, enables, command register and power state make it;
 *   - no message leaves while its kind is disabled, bus mastering is off, or INTx is asserted, and none beyond the
 * number granted or through a mask;
 *   - no DMA while bus mastering is off or after its job was stopped.
 */
#include "device/rig.h"
#include "device/zoo.h"
#include "fuzz/fuzz.h"

#include <linux/pci_regs.h>
#include <string.h>

static uint32_t word(struct input *in)
{
	const uint32_t low = byte(in);
	const uint32_t high = byte(in);

	return low | high << 8 | low << 16 | high << 24;
}

/* -- the model ---------------------------------------------------------------------------------------------------- */

static uint64_t step(struct us_device *dev, struct us_job *job)
{
	const uint64_t where = us_now(dev) % 7 * 0x1000;
	size_t length = 64;
	uint8_t block[64] = {0};

	CHECK(job->running);
	us_dma_read(dev, RIG_MEMORY + where, block, sizeof block, NULL);
	us_dma_write(dev, RIG_MEMORY + where, block, sizeof block, NULL);
	if (us_dma_map(dev, RIG_MEMORY, &length, US_DMA_WRITE))
		CHECK(length && length <= 64);
	job->finished = us_now(dev) % 5 == 0;
	return us_now(dev) % 3 * 10;
}

static void done(struct us_device *dev, struct us_job *job)
{
	CHECK(!job->running && job->finished);
	us_raise(dev, ZOO_STATUS, 1);
}

static void expired(struct us_device *dev, struct us_timer *timer)
{
	struct zoo *zoo = us_state(dev);

	CHECK(!timer->pending && timer->due <= us_now(dev));
	if (timer == &zoo->timer[0])
		us_raise(dev, ZOO_STATUS, 2);
	else if (timer == &zoo->timer[1])
		us_job_stop(dev, &zoo->job);
	else if (timer == &zoo->timer[2])
		us_reset_registers(dev);
	else
		us_timer_start(dev, timer - 1, 5);
}

static void act(struct us_device *dev, unsigned what)
{
	struct zoo *zoo = us_state(dev);

	switch (what % 8) {
	case 0:
		us_raise(dev, ZOO_STATUS, what >> 3 & 0xf);
		break;
	case 1:
		us_raise(dev, ZOO_LEVEL, 1);
		break;
	case 2:
		us_lower(dev, ZOO_LEVEL, 1);
		break;
	case 3:
	case 4:
		us_timer_start(dev, &zoo->timer[what >> 3 & 3], what >> 5);
		break;
	case 5:
		us_timer_stop(dev, &zoo->timer[what >> 3 & 3]);
		break;
	case 6:
		us_job_start(dev, &zoo->job, what >> 3);
		break;
	case 7:
		us_job_stop(dev, &zoo->job);
		CHECK(!zoo->job.running);
		break;
	}
}

static void written(struct us_device *dev, const struct us_write *w)
{
	CHECK(w->lanes && !(w->value & ~w->lanes));
	if (w->reg == ZOO_COMMAND)
		us_reset_registers(dev);
	else if (w->reg == ZOO_CTRL && us_get(dev, ZOO_CTRL) & ZOO_CTRL_START)
		act(dev, (unsigned)us_get(dev, ZOO_CTRL) >> 8 & 0xff);
	else if (w->reg == ZOO_LO)
		us_set(dev, ZOO_STATUS, w->value);
}

static void about_to_read(struct us_device *dev, us_addr reg)
{
	if (reg == ZOO_HITS)
		us_set(dev, ZOO_HITS, us_now(dev));
}

static void was_reset(struct us_device *dev, enum us_reset kind)
{
	struct zoo *zoo = us_state(dev);

	(void)kind;
	CHECK(!zoo->job.running);
	for (unsigned i = 0; i < 4; i++)
		CHECK(!zoo->timer[i].pending);
	CHECK(us_get(dev, ZOO_STATUS) == 0 && us_get(dev, ZOO_ID) == ZOO_ID_RESET);
}

/* -- what a bus relies on ----------------------------------------------------------------------------------------- */

static uint32_t pm, msi, msix; /* where the capabilities are */

static bool in_d0(struct rig *rig)
{
	return !(rig_config(rig, pm + PCI_PM_CTRL, 2) & PCI_PM_CTRL_STATE_MASK);
}

static bool command(struct rig *rig, uint16_t bit)
{
	return rig_config(rig, PCI_COMMAND, 2) & bit;
}

static uint32_t msi_flags(struct rig *rig)
{
	return rig_config(rig, msi + PCI_MSI_FLAGS, 2);
}

static uint32_t msix_flags(struct rig *rig)
{
	return rig_config(rig, msix + PCI_MSIX_FLAGS, 2);
}

static void check_message(struct rig *rig, const struct rig_message *m)
{
	CHECK(command(rig, PCI_COMMAND_MASTER) && in_d0(rig) && !us_device_intx(rig->dev));
	if (m->kind == US_IRQ_MSI) {
		const uint32_t flags = msi_flags(rig), granted = 1u << ((flags & PCI_MSI_FLAGS_QSIZE) >> 4);

		CHECK(flags & PCI_MSI_FLAGS_ENABLE && !(msix_flags(rig) & PCI_MSIX_FLAGS_ENABLE));
		CHECK(m->n < granted && granted <= ZOO_MSI && (m->data & (granted - 1)) == m->n);
		CHECK(!(rig_config(rig, msi + PCI_MSI_MASK_64, 4) >> m->n & 1));
	} else {
		CHECK(m->kind == US_IRQ_MSIX && msix_flags(rig) & PCI_MSIX_FLAGS_ENABLE && m->n < ZOO_MSIX);
		CHECK(rig->host.routed || !(msix_flags(rig) & PCI_MSIX_FLAGS_MASKALL));
	}
}

static void check_dma(struct rig *rig)
{
	const struct zoo *zoo = us_state(rig->dev);

	CHECK(command(rig, PCI_COMMAND_MASTER) && in_d0(rig) && zoo->job.running);
}

static void check_line(struct rig *rig)
{
	const uint64_t enable = us_get(rig->dev, ZOO_ENABLE);
	const bool cause = (us_get(rig->dev, ZOO_STATUS) & enable & 0xf) ||
			   (us_get(rig->dev, ZOO_LEVEL) & enable >> 4) || us_get(rig->dev, ZOO_ALARM);
	const bool messages = msi_flags(rig) & PCI_MSI_FLAGS_ENABLE || msix_flags(rig) & PCI_MSIX_FLAGS_ENABLE;
	const bool pending = cause && !messages;

	CHECK(rig->line == us_device_intx(rig->dev));
	CHECK(rig->line == (pending && in_d0(rig) && !command(rig, PCI_COMMAND_INTX_DISABLE)));
	CHECK(!!(rig_config(rig, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT) == pending);
}

/* -- software and the host ---------------------------------------------------------------------------------------- */

static void access_config(struct rig *rig, struct input *in)
{
	static const uint8_t favourites[] = {PCI_COMMAND, PCI_COMMAND, PCI_STATUS, 0x44, 0x4a, 0x58, 0x68, 0x9e};
	const unsigned choice = byte(in), width = 1u << (choice & 3);
	const uint32_t at = choice & 4 ? byte(in) : favourites[choice >> 3 & 7];
	uint32_t value;

	if (choice & 0x80)
		us_device_config_read(rig->dev, at, width, &value);
	else
		us_device_config_write(rig->dev, at, width, choice & 0x40 ? word(in) : byte(in));
}

static void access_bar(struct rig *rig, struct input *in)
{
	const unsigned choice = byte(in), width = 1u << (choice & 3), bar = choice >> 2 & 7;
	const uint64_t high = bar == 2 ? (uint64_t)(byte(in) & 0x9f) << 8 : 0, offset = high | byte(in);
	uint64_t value;

	if (choice & 0x80)
		us_device_read(rig->dev, bar, offset, width, &value);
	else
		us_device_write(rig->dev, bar, offset, width, (uint64_t)word(in) << 32 | word(in));
}

static void host_acts(struct rig *rig, struct input *in)
{
	const unsigned choice = byte(in);
	const enum us_irq kind = choice >> 3 & 3;

	switch (choice & 7) {
	case 0:
		if (rig->host.routed)
			us_device_route(rig->dev, kind, byte(in) % 10);
		break;
	case 1:
	case 2:
		us_device_mask(rig->dev, kind, byte(in) % 10, choice & 0x80);
		break;
	case 3:
		us_device_reset(rig->dev, choice & 0x10 ? US_RESET_FLR : US_RESET_CONVENTIONAL);
		break;
	case 4:
		us_device_tick(rig->dev);
		break;
	default:
		rig_config_write(rig, PCI_COMMAND, 2, 7); /* else a reset would leave little to happen */
		rig_write(rig, ZOO_ENABLE, 4, choice >> 3);
		break;
	}
}

static void one_step(struct rig *rig, struct input *in)
{
	const unsigned choice = byte(in);

	switch (choice & 7) {
	case 0:
	case 1:
		access_config(rig, in);
		break;
	case 2:
	case 3:
		access_bar(rig, in);
		break;
	case 4:
	case 5:
		us_device_write(rig->dev, 0, ZOO_CTRL, 4, ZOO_CTRL_START | (uint32_t)byte(in) << 8);
		break;
	case 6:
		host_acts(rig, in);
		break;
	case 7:
		rig_advance(rig, choice >> 3);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct rig *rig = byte(&in) & 1 ? rig_open_routed(&zoo_model) : rig_open(&zoo_model);
	struct zoo *zoo = us_state(rig->dev);

	us_device_trace(rig->dev, byte(&in) & 1);
	pm = rig_capability(rig, PCI_CAP_ID_PM);
	msi = rig_capability(rig, PCI_CAP_ID_MSI);
	msix = rig_capability(rig, PCI_CAP_ID_MSIX);
	rig->on_message = check_message;
	rig->on_dma = check_dma;
	*zoo = (struct zoo){.reset = was_reset, .read = about_to_read, .write = written};
	zoo->job = (struct us_job){.step = step, .done = done};
	for (unsigned i = 0; i < 4; i++)
		zoo->timer[i].expired = expired;
	while (in.left) {
		one_step(rig, &in);
		check_line(rig);
		rig_forget(rig);
	}
	rig_close(rig);
	return 0;
}
