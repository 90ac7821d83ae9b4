/* SPDX-License-Identifier: Apache-2.0 */
/* MSI-X (PCI Local Bus 3.0, 6.8.2): the capability, and the table and pending bits that lie in a BAR. */
#include "device/private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_SIZE 16
#define VECTOR_CONTROL 3 /* word of an entry */

int us_msix_create(struct us_device *dev)
{
	struct us_config *config = &dev->config;
	const struct us_pci *pci = &dev->map->pci;
	const uint8_t at = us_config_add(config, PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF);

	config->msix = at;
	us_config_put16(config->value, at + PCI_MSIX_FLAGS, (uint16_t)(pci->msix - 1));
	us_config_put16(config->write, at + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	us_config_put32(config->value, at + PCI_MSIX_TABLE, pci->msix_table_offset | pci->msix_table_bar);
	us_config_put32(config->value, at + PCI_MSIX_PBA, pci->msix_pba_offset | pci->msix_pba_bar);
	dev->table = calloc(pci->msix, sizeof *dev->table);
	return dev->table ? 0 : -ENOMEM;
}

/* Every vector is masked after reset (6.8.2.9). */
void us_msix_reset(struct us_device *dev)
{
	for (unsigned n = 0; n < dev->map->pci.msix; n++)
		dev->table[n] = (struct us_msix_entry){{0, 0, 0, PCI_MSIX_ENTRY_CTRL_MASKBIT}};
}

static uint16_t flags(const struct us_device *dev)
{
	return us_config_get16(dev->config.value, dev->config.msix + PCI_MSIX_FLAGS);
}

bool us_msix_enabled(const struct us_device *dev)
{
	return dev->config.msix && flags(dev) & PCI_MSIX_FLAGS_ENABLE;
}

bool us_msix_masked(const struct us_device *dev, unsigned n)
{
	return flags(dev) & PCI_MSIX_FLAGS_MASKALL || dev->table[n].word[VECTOR_CONTROL] & PCI_MSIX_ENTRY_CTRL_MASKBIT;
}

void us_msix_message(const struct us_device *dev, unsigned n, uint64_t *address, uint32_t *data)
{
	const uint32_t *word = dev->table[n].word;

	*address = word[0] | (uint64_t)word[1] << 32;
	*data = word[2];
}

void us_msix_enable(struct us_device *dev, bool on)
{
	const uint16_t now = flags(dev) & (uint16_t) ~(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);

	us_config_put16(dev->config.value, dev->config.msix + PCI_MSIX_FLAGS, on ? now | PCI_MSIX_FLAGS_ENABLE : now);
}

uint64_t us_msix_table_read(const struct us_device *dev, uint64_t offset, unsigned width)
{
	uint64_t value = 0;

	memcpy(&value, (const char *)dev->table + offset, width);
	return value;
}

/* Software must write whole words (6.8.2); smaller writes are lost, having none. */
void us_msix_table_write(struct us_device *dev, uint64_t offset, unsigned width, uint64_t value)
{
	for (unsigned i = 0; i < width / 4; i++) {
		const unsigned n = (unsigned)(offset / ENTRY_SIZE), word = offset % ENTRY_SIZE / 4 + i;
		static const uint32_t writable[] = {~UINT32_C(3), UINT32_MAX, UINT32_MAX, PCI_MSIX_ENTRY_CTRL_MASKBIT};

		dev->table[n].word[word] = (uint32_t)(value >> 32 * i) & writable[word];
	}
	us_interrupts_update(dev);
}

uint64_t us_msix_pba_read(const struct us_device *dev, uint64_t offset, unsigned width)
{
	uint64_t value = 0;

	if (!us_msix_enabled(dev))
		return 0;
	for (unsigned bit = 0; bit < 8 * width; bit++)
		if (8 * offset + bit < dev->map->pci.msix)
			value |= (uint64_t)us_interrupt_pending(dev, (unsigned)(8 * offset) + bit) << bit;
	return value;
}
