/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device's log, in the words of the specification:
 *
 *     write COMMAND = DIGEST (0x2)               one field: its value by name
 *     read STATUS = READY|BUSY (0x3)             flags: those that are set
 *     write CONTROL = START|MODE=CBC|KEYS=3 (0x1c1)
 *     write LENGTH[15:0] = 0x1000                only some lanes were accessed
 */
#include "device/private.h"

#include <stdio.h>
#include <string.h>

#define LINE 512

/* A line under way; what does not fit is cut. */
struct line {
	char text[LINE];
	size_t length;
};

static void __attribute__((format(printf, 2, 0))) vappend(struct line *line, const char *format, va_list args)
{
	const int n = vsnprintf(line->text + line->length, sizeof line->text - line->length, format, args);

	if (n > 0)
		line->length += (size_t)n;
	if (line->length >= sizeof line->text)
		line->length = sizeof line->text - 1;
}

static void __attribute__((format(printf, 2, 3))) append(struct line *line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vappend(line, format, args);
	va_end(args);
}

static void emit(struct us_device *dev, const struct line *line)
{
	dev->host.trace(dev->host.ctx, line->text);
}

void us_trace(struct us_device *dev, const char *format, ...)
{
	struct line line = {.length = 0};
	va_list args;

	va_start(args, format);
	vappend(&line, format, args);
	va_end(args);
	emit(dev, &line);
}

void us_log(struct us_device *dev, const char *format, ...)
{
	struct line line = {.length = 0};
	va_list args;

	if (!dev->trace && !dev->refusal)
		return;
	va_start(args, format);
	vappend(&line, format, args);
	va_end(args);
	if (dev->refusal)
		snprintf(dev->refusal->text, sizeof dev->refusal->text, "%s", line.text);
	if (dev->trace)
		emit(dev, &line);
}

static const char *enumerator(const struct us_field *field, uint64_t value)
{
	if (field->encode)
		for (const struct us_enumerator *e = field->encode; e->name; e++)
			if (e->value == value)
				return e->name;
	return NULL;
}

static void append_value(struct line *line, const struct us_field *field, uint64_t value)
{
	const char *name = enumerator(field, value);

	if (name)
		append(line, "%s", name);
	else
		append(line, value < 10 ? "%llu" : "0x%llx", (unsigned long long)value);
}

/* Returns whether it says more than the raw value would. */
static bool append_fields(struct line *line, const struct us_reg *reg, uint64_t value, uint64_t lanes)
{
	unsigned shown = 0;

	for (unsigned i = 0; i < reg->nfields; i++) {
		const struct us_field *field = &reg->fields[i];
		const uint64_t mask = UINT64_MAX >> (64 - field->width), v = value >> field->lsb & mask;

		if (!(mask << field->lsb & lanes) || (field->width == 1 && !field->encode && !v))
			continue;
		append(line, "%s%s", shown++ ? "|" : "", field->name);
		if (field->width == 1 && !field->encode)
			continue;
		append(line, "=");
		append_value(line, field, v);
	}
	if (!shown)
		append(line, "0");
	return shown;
}

void us_trace_register(struct us_device *dev, const char *verb, const struct us_reg *reg, uint64_t value,
		       uint64_t lanes)
{
	const unsigned low = (unsigned)__builtin_ctzll(lanes), high = 63 - (unsigned)__builtin_clzll(lanes);
	struct line line = {.length = 0};
	bool raw = true;

	append(&line, "%s %s", verb, reg->path);
	if (high - low + 1 < 8u * reg->size)
		append(&line, "[%u:%u]", high, low);
	append(&line, " = ");
	if (reg->nfields == 1 && (reg->fields[0].width > 1 || reg->fields[0].encode)) {
		const uint64_t v = value >> reg->fields[0].lsb & UINT64_MAX >> (64 - reg->fields[0].width);

		raw = enumerator(&reg->fields[0], v);
		if (raw)
			append_value(&line, &reg->fields[0], v);
		else
			append(&line, "0x%llx", (unsigned long long)value >> low);
	} else {
		raw = append_fields(&line, reg, value, lanes);
	}
	if (raw)
		append(&line, " (0x%llx)", (unsigned long long)value >> low);
	emit(dev, &line);
}

/* -- config space ------------------------------------------------------------------------------------------------- */

static const char *header_name(uint32_t offset)
{
	static const char *const names[PCI_STD_HEADER_SIZEOF / 2] = {
		[PCI_VENDOR_ID / 2] = "Vendor ID",
		[PCI_DEVICE_ID / 2] = "Device ID",
		[PCI_COMMAND / 2] = "Command",
		[PCI_STATUS / 2] = "Status",
		[PCI_CLASS_REVISION / 2] = "Revision and Class Code",
		[PCI_CACHE_LINE_SIZE / 2] = "Cache Line Size",
		[PCI_HEADER_TYPE / 2] = "Header Type",
		[PCI_BASE_ADDRESS_0 / 2] = "BAR 0",
		[PCI_BASE_ADDRESS_1 / 2] = "BAR 1",
		[PCI_BASE_ADDRESS_2 / 2] = "BAR 2",
		[PCI_BASE_ADDRESS_3 / 2] = "BAR 3",
		[PCI_BASE_ADDRESS_4 / 2] = "BAR 4",
		[PCI_BASE_ADDRESS_5 / 2] = "BAR 5",
		[PCI_SUBSYSTEM_VENDOR_ID / 2] = "Subsystem Vendor ID",
		[PCI_SUBSYSTEM_ID / 2] = "Subsystem ID",
		[PCI_ROM_ADDRESS / 2] = "Expansion ROM",
		[PCI_CAPABILITY_LIST / 2] = "Capabilities Pointer",
		[PCI_INTERRUPT_LINE / 2] = "Interrupt Line and Pin",
	};

	return names[offset / 2];
}

/* The capability that an offset lies in, and where it starts: capabilities lie in ascending order. */
static const char *capability_name(const struct us_config *config, uint32_t offset, uint8_t *start)
{
	const struct {
		uint8_t at;
		const char *name;
	} all[] = {{config->pm, "PM"}, {config->msi, "MSI"}, {config->express, "Express"}, {config->msix, "MSI-X"}};
	const char *name = NULL;

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		if (all[i].at && all[i].at <= offset && offset < config->end) {
			name = all[i].name;
			*start = all[i].at;
		}
	}
	return name;
}

void us_trace_config(struct us_device *dev, const char *verb, uint32_t offset, unsigned width, uint32_t value)
{
	struct line line = {.length = 0};
	uint8_t start = 0;
	const char *name =
		offset < PCI_STD_HEADER_SIZEOF ? header_name(offset) : capability_name(&dev->config, offset, &start);

	append(&line, "%s config 0x%02x", verb, offset);
	if (name && start)
		append(&line, " (%s+%u)", name, offset - start);
	else if (name)
		append(&line, " (%s)", name);
	append(&line, " = 0x%0*x", (int)(2 * width), value & UINT32_MAX >> (32 - 8 * width));
	emit(dev, &line);
}
