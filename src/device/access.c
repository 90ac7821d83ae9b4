/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Software's accesses to BARs: what the bus lets through, which spans an access touches, and the access policies.
 *
 * Policies act on the byte lanes of the access, like byte enables on the bus: a byte that is not accessed is neither
 * changed by a write nor by the side effect of a read. (SystemRDL 2.0, 10.6.1, forbids fields with side effects to span
 * several accesses, so that for accesses which the specification promises this is the whole field.)
 */
#include "device/private.h"

#include <errno.h>
#include <string.h>

static uint64_t ones(unsigned bytes)
{
	return bytes < 8 ? (UINT64_C(1) << 8 * bytes) - 1 : UINT64_MAX;
}

/* `at` is the first byte accessed, `bytes` how many of the register. */
static uint64_t read_register(struct us_device *dev, struct us_register *r, unsigned at, unsigned bytes)
{
	const uint64_t lanes = ones(bytes) << 8 * at;
	uint64_t value;

	if (dev->model->read && r->readable)
		dev->model->read(dev, r->def->addr);
	value = r->value & r->readable;
	if (dev->trace)
		us_trace_register(dev, "read", r->def, value & lanes, lanes);
	if ((r->rclr | r->rset) & lanes)
		us_register_change(dev, r, (r->value & ~(r->rclr & lanes)) | (r->rset & lanes));
	return (value & lanes) >> 8 * at;
}

/* `may` is the bits that this write can change. */
static uint64_t apply_policies(const struct us_register *r, uint64_t written, uint64_t may)
{
	const uint64_t set = written & may, unset = ~written & may, *on = r->onwrite;
	uint64_t value = r->value;

	value = (value & ~(on[US_ONWRITE_NONE] & may)) | (on[US_ONWRITE_NONE] & set);
	value |= (on[US_ONWRITE_WOSET] & set) | (on[US_ONWRITE_WZS] & unset) | (on[US_ONWRITE_WSET] & may);
	value &= ~((on[US_ONWRITE_WOCLR] & set) | (on[US_ONWRITE_WZC] & unset) | (on[US_ONWRITE_WCLR] & may));
	value ^= (on[US_ONWRITE_WOT] & set) | (on[US_ONWRITE_WZT] & unset);
	return value;
}

static void write_register(struct us_device *dev, struct us_register *r, unsigned at, unsigned bytes, uint64_t value)
{
	const uint64_t lanes = ones(bytes) << 8 * at;
	const struct us_write w = {r->def->addr, (value << 8 * at) & lanes, lanes};

	if (dev->trace)
		us_trace_register(dev, "write", r->def, w.value, lanes);
	if (!(r->writable & lanes))
		return;
	if (r->stores_only) {
		const uint64_t may = r->writable & lanes;

		us_register_change(dev, r, (r->value & ~may) | (w.value & may));
	} else {
		const uint64_t may = lanes & ~r->locked;

		r->locked |= r->once & lanes;
		us_register_change(dev, r, apply_policies(r, w.value, may));
	}
	if (dev->model->write)
		dev->model->write(dev, &w);
	if (r->value & r->pulse & lanes)
		us_register_change(dev, r, r->value & ~(r->pulse & lanes));
}

/* Of `bytes` bytes: one access of that size where there is such a size, for memory that others see at the same time. */
static uint64_t load(const void *at, unsigned bytes)
{
	uint64_t value = 0;

	switch (bytes) {
	case 1:
		return *(const volatile uint8_t *)at;
	case 2:
		return ((const volatile struct { uint16_t v; } __attribute__((packed)) *)at)->v;
	case 4:
		return ((const volatile struct { uint32_t v; } __attribute__((packed)) *)at)->v;
	case 8:
		return ((const volatile struct { uint64_t v; } __attribute__((packed)) *)at)->v;
	}
	memcpy(&value, at, bytes);
	return value;
}

static void store(void *at, unsigned bytes, uint64_t value)
{
	switch (bytes) {
	case 1:
		*(volatile uint8_t *)at = (uint8_t)value;
		return;
	case 2:
		((volatile struct { uint16_t v; } __attribute__((packed)) *)at)->v = (uint16_t)value;
		return;
	case 4:
		((volatile struct { uint32_t v; } __attribute__((packed)) *)at)->v = (uint32_t)value;
		return;
	case 8:
		((volatile struct { uint64_t v; } __attribute__((packed)) *)at)->v = value;
		return;
	}
	memcpy(at, &value, bytes);
}

static uint64_t read_span(struct us_device *dev, const struct us_span *span, uint64_t at, unsigned bytes)
{
	uint64_t value = 0;

	switch (span->kind) {
	case US_SPAN_REGISTER:
		return read_register(dev, &dev->registers[span->index], (unsigned)at, bytes);
	case US_SPAN_MEM:
		if (dev->map->mems[span->index].read)
			value = load((char *)dev->memories[span->index].base + at, bytes);
		if (dev->trace)
			us_trace(dev, "read %s+0x%llx = 0x%llx", dev->map->mems[span->index].path,
				 (unsigned long long)at, (unsigned long long)value);
		return value;
	case US_SPAN_MSIX_TABLE:
		return us_msix_table_read(dev, at, bytes);
	case US_SPAN_MSIX_PBA:
		return us_msix_pba_read(dev, at, bytes);
	}
	return 0;
}

static void write_span(struct us_device *dev, const struct us_span *span, uint64_t at, unsigned bytes, uint64_t value)
{
	switch (span->kind) {
	case US_SPAN_REGISTER:
		write_register(dev, &dev->registers[span->index], (unsigned)at, bytes, value);
		return;
	case US_SPAN_MEM:
		if (dev->trace)
			us_trace(dev, "write %s+0x%llx = 0x%llx", dev->map->mems[span->index].path,
				 (unsigned long long)at, (unsigned long long)(value & ones(bytes)));
		if (dev->map->mems[span->index].write)
			store((char *)dev->memories[span->index].base + at, bytes, value);
		return;
	case US_SPAN_MSIX_TABLE:
		us_msix_table_write(dev, at, bytes, value);
		return;
	case US_SPAN_MSIX_PBA:
		return; /* read-only (PCI 3.0, 6.8.2) */
	}
}

/* An access that touches several spans, or only part of one, or none: span by span, lowest address first. */
static uint64_t read_pieces(struct us_device *dev, unsigned bar, uint64_t offset, unsigned width)
{
	const uint64_t end = offset + width;
	uint64_t value = 0, at = offset;
	bool found = false;

	while (at < end) {
		const struct us_span *span = us_space_find(&dev->space[bar], at);
		uint64_t stop;

		if (!span || span->start >= end)
			break;
		found = true;
		if (at < span->start)
			at = span->start;
		stop = span->end < end ? span->end : end;
		value |= read_span(dev, span, at - span->start, (unsigned)(stop - at)) << 8 * (at - offset);
		at = stop;
	}
	if (!found && dev->trace)
		us_trace(dev, "read %u bytes at BAR %u offset 0x%llx: nothing there, reads as 0", width, bar,
			 (unsigned long long)offset);
	return value;
}

static void write_pieces(struct us_device *dev, unsigned bar, uint64_t offset, unsigned width, uint64_t value)
{
	const uint64_t end = offset + width;
	uint64_t at = offset;
	bool found = false;

	while (at < end) {
		const struct us_span *span = us_space_find(&dev->space[bar], at);
		uint64_t stop;

		if (!span || span->start >= end)
			break;
		found = true;
		if (at < span->start)
			at = span->start;
		stop = span->end < end ? span->end : end;
		write_span(dev, span, at - span->start, (unsigned)(stop - at), value >> 8 * (at - offset));
		at = stop;
	}
	if (!found && dev->trace)
		us_trace(dev, "write %u bytes at BAR %u offset 0x%llx: nothing there, lost", width, bar,
			 (unsigned long long)offset);
}

static bool possible(const struct us_device *dev, unsigned bar, uint64_t offset, unsigned width)
{
	const struct us_bar *b = &dev->map->bars[bar < US_BARS ? bar : 0];

	if (bar >= US_BARS || b->kind == US_BAR_NONE)
		return false;
	if (width != 1 && width != 2 && width != 4 && (width != 8 || b->kind == US_BAR_IO))
		return false;
	return !(offset & (width - 1)) && offset < b->size && b->size - offset >= width;
}

/* Does the function claim the access at all? */
static bool claimed(const struct us_device *dev, unsigned bar)
{
	const bool io = dev->map->bars[bar].kind == US_BAR_IO;

	return us_command(dev, io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY) && us_pm_state(dev) == 0;
}

static void trace_unclaimed(struct us_device *dev, const char *verb, unsigned bar, uint64_t offset)
{
	us_trace(dev, "%s at BAR %u offset 0x%llx: nobody answers, %s", verb, bar, (unsigned long long)offset,
		 us_pm_state(dev) ? "the function is in D3hot" : "the command register does not enable the space");
}

int us_device_read(struct us_device *dev, unsigned bar, uint64_t offset, unsigned width, uint64_t *value)
{
	const struct us_span *span;

	if (!possible(dev, bar, offset, width))
		return -EINVAL;
	if (!claimed(dev, bar)) {
		if (dev->trace)
			trace_unclaimed(dev, "read", bar, offset);
		*value = ones(width);
		return 0;
	}
	span = us_space_find(&dev->space[bar], offset);
	if (span && span->start <= offset && span->end - offset >= width)
		*value = read_span(dev, span, offset - span->start, width);
	else
		*value = read_pieces(dev, bar, offset, width);
	return 0;
}

int us_device_write(struct us_device *dev, unsigned bar, uint64_t offset, unsigned width, uint64_t value)
{
	const struct us_span *span;

	if (!possible(dev, bar, offset, width))
		return -EINVAL;
	if (!claimed(dev, bar)) {
		if (dev->trace)
			trace_unclaimed(dev, "write", bar, offset);
		return 0;
	}
	span = us_space_find(&dev->space[bar], offset);
	if (span && span->start <= offset && span->end - offset >= width)
		write_span(dev, span, offset - span->start, width, value);
	else
		write_pieces(dev, bar, offset, width, value);
	return 0;
}
