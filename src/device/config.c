/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Config space: the type 0 header (PCI Local Bus 3.0, 6.1 and 6.2) and the list of capabilities. Every byte has masks
 * that say which bits software may write, which it clears by writing 1, and which outlive a function level reset.
 */
#include "device/private.h"

#include <errno.h>
#include <string.h>

/* Status bits that a written 1 clears (6.2.3). */
#define STATUS_RW1C                                                                                                    \
	(PCI_STATUS_PARITY | PCI_STATUS_SIG_TARGET_ABORT | PCI_STATUS_REC_TARGET_ABORT | PCI_STATUS_REC_MASTER_ABORT | \
	 PCI_STATUS_SIG_SYSTEM_ERROR | PCI_STATUS_DETECTED_PARITY)

/* Capabilities start behind the header. */
#define FIRST_CAPABILITY 0x40

uint8_t us_config_add(struct us_config *config, uint8_t id, uint8_t length)
{
	const uint8_t at = config->end;

	config->value[config->last] = at;
	config->value[at + PCI_CAP_LIST_ID] = id;
	config->last = (uint8_t)(at + PCI_CAP_LIST_NEXT);
	config->end = (uint8_t)((at + length + 3) & ~3);
	return at;
}

static void add_bars(struct us_config *config, const struct us_map *map)
{
	for (unsigned i = 0; i < US_BARS; i++) {
		const struct us_bar *bar = &map->bars[i];
		const unsigned at = PCI_BASE_ADDRESS_0 + 4 * i;
		const uint64_t address = ~(bar->size - 1);

		if (bar->kind == US_BAR_NONE)
			continue;
		if (bar->kind == US_BAR_IO) {
			config->value[at] = PCI_BASE_ADDRESS_SPACE_IO;
			us_config_put32(config->write, at, (uint32_t)address & (uint32_t)PCI_BASE_ADDRESS_IO_MASK);
			continue;
		}
		config->value[at] = (uint8_t)((bar->kind == US_BAR_MEM64 ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0) |
					      (bar->prefetchable ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0));
		us_config_put32(config->write, at, (uint32_t)address & (uint32_t)PCI_BASE_ADDRESS_MEM_MASK);
		if (bar->kind == US_BAR_MEM64)
			us_config_put32(config->write, at + 4, (uint32_t)(address >> 32));
	}
}

/* Only what the function has can be enabled: the other bits are hardwired to 0 (6.2.2). */
static uint16_t command_bits(const struct us_map *map)
{
	uint16_t bits = PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR;

	for (unsigned i = 0; i < US_BARS; i++) {
		if (map->bars[i].kind == US_BAR_IO)
			bits |= PCI_COMMAND_IO;
		else if (map->bars[i].kind != US_BAR_NONE)
			bits |= PCI_COMMAND_MEMORY;
	}
	if (map->pci.intx_pin)
		bits |= PCI_COMMAND_INTX_DISABLE;
	return bits;
}

static void add_header(struct us_config *config, const struct us_map *map)
{
	const struct us_pci *pci = &map->pci;

	us_config_put16(config->value, PCI_VENDOR_ID, pci->vendor_id);
	us_config_put16(config->value, PCI_DEVICE_ID, pci->device_id);
	us_config_put16(config->write, PCI_COMMAND, command_bits(map));
	us_config_put16(config->clear, PCI_STATUS, STATUS_RW1C);
	us_config_put32(config->value, PCI_CLASS_REVISION, pci->class_code << 8 | pci->revision);
	config->write[PCI_CACHE_LINE_SIZE] = 0xff;
	us_config_put16(config->value, PCI_SUBSYSTEM_VENDOR_ID, pci->subsystem_vendor_id);
	us_config_put16(config->value, PCI_SUBSYSTEM_ID, pci->subsystem_id);
	config->value[PCI_INTERRUPT_PIN] = pci->intx_pin;
	if (pci->intx_pin)
		config->write[PCI_INTERRUPT_LINE] = 0xff;
	add_bars(config, map);
}

int us_config_create(struct us_device *dev)
{
	struct us_config *config = &dev->config;
	const struct us_pci *pci = &dev->map->pci;
	int ret = 0;

	config->size = pci->express ? PCI_CFG_SPACE_EXP_SIZE : PCI_CFG_SPACE_SIZE;
	config->end = FIRST_CAPABILITY;
	config->last = PCI_CAPABILITY_LIST;
	add_header(config, dev->map);
	if (pci->pm)
		us_pm_create(dev);
	if (pci->msi)
		us_msi_create(dev);
	if (pci->express)
		us_express_create(dev);
	if (pci->msix)
		ret = us_msix_create(dev);
	if (config->value[PCI_CAPABILITY_LIST])
		us_config_put16(config->value, PCI_STATUS, PCI_STATUS_CAP_LIST);
	memcpy(config->reset, config->value, sizeof config->reset);
	return ret;
}

void us_config_reset(struct us_device *dev, enum us_reset kind)
{
	struct us_config *config = &dev->config;

	for (unsigned i = 0; i < sizeof config->value; i++) {
		const uint8_t keep = kind == US_RESET_CONVENTIONAL ? 0 : config->keep[i];

		config->value[i] = (uint8_t)((config->value[i] & keep) | (config->reset[i] & ~keep));
	}
	atomic_store(&dev->bus_errors, 0);
	atomic_store(&dev->mastering, false);
}

static bool possible(uint32_t offset, unsigned width)
{
	return (width == 1 || width == 2 || width == 4) && !(offset & (width - 1));
}

int us_device_config_read(struct us_device *dev, uint32_t offset, unsigned width, uint32_t *value)
{
	struct us_config *config = &dev->config;

	if (!possible(offset, width))
		return -EINVAL;
	*value = 0;
	if (offset >= config->size)
		*value = UINT32_MAX >> (32 - 8 * width);
	if (offset >= sizeof config->value)
		return 0; /* a function without extended capabilities has zeros there (PCIe 7.9.1) */
	if (config->msi)
		us_msi_read(dev);
	for (unsigned i = 0; i < width; i++) {
		uint8_t byte = config->value[offset + i];

		if (offset + i == PCI_STATUS + 1)
			byte |= (uint8_t)(atomic_load(&dev->bus_errors) >> 8);
		*value |= (uint32_t)byte << 8 * i;
	}
	if (dev->trace)
		us_trace_config(dev, "read", offset, width, *value);
	return 0;
}

static void write_byte(struct us_device *dev, uint32_t at, uint8_t byte)
{
	struct us_config *config = &dev->config;
	const uint8_t may = config->write[at], clear = config->clear[at] & byte;

	config->value[at] = (uint8_t)(((config->value[at] & ~may) | (byte & may)) & ~clear);
	if (at == PCI_STATUS + 1)
		atomic_fetch_and(&dev->bus_errors, (unsigned short)~(clear << 8));
}

int us_device_config_write(struct us_device *dev, uint32_t offset, unsigned width, uint32_t value)
{
	const unsigned power = us_pm_state(dev);

	if (!possible(offset, width))
		return -EINVAL;
	if (offset >= sizeof dev->config.value)
		return 0;
	if (dev->trace)
		us_trace_config(dev, "write", offset, width, value);
	if (us_express_starts_flr(dev, offset, width, value)) {
		us_reset(dev, US_RESET_FLR);
		return 0;
	}
	for (unsigned i = 0; i < width; i++)
		write_byte(dev, offset + i, (uint8_t)(value >> 8 * i));
	us_pm_written(dev, power);
	us_msi_written(dev);
	atomic_store(&dev->mastering, us_command(dev, PCI_COMMAND_MASTER) && us_pm_state(dev) == 0);
	us_interrupts_update(dev);
	return 0;
}

bool us_device_bus_master(const struct us_device *dev)
{
	return dev->mastering;
}
