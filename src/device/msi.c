/* SPDX-License-Identifier: Apache-2.0 */
/* The MSI capability (PCI Local Bus 3.0, 6.8.1), always with 64-bit addresses. */
#include "device/private.h"

#define LENGTH 14
#define LENGTH_MASKING 24

static unsigned log2_of(unsigned n)
{
	unsigned bits = 0;

	while (1u << bits < n)
		bits++;
	return bits;
}

static uint16_t flags(const struct us_device *dev)
{
	return us_config_get16(dev->config.value, dev->config.msi + PCI_MSI_FLAGS);
}

void us_msi_create(struct us_device *dev)
{
	struct us_config *config = &dev->config;
	const struct us_pci *pci = &dev->map->pci;
	const uint8_t at = us_config_add(config, PCI_CAP_ID_MSI, pci->msi_masking ? LENGTH_MASKING : LENGTH);

	config->msi = at;
	us_config_put16(config->value, at + PCI_MSI_FLAGS,
			(uint16_t)(PCI_MSI_FLAGS_64BIT | log2_of(pci->msi) << 1 |
				   (pci->msi_masking ? PCI_MSI_FLAGS_MASKBIT : 0)));
	us_config_put16(config->write, at + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	us_config_put32(config->write, at + PCI_MSI_ADDRESS_LO, ~UINT32_C(3));
	us_config_put32(config->write, at + PCI_MSI_ADDRESS_HI, UINT32_MAX);
	us_config_put16(config->write, at + PCI_MSI_DATA_64, UINT16_MAX);
	if (pci->msi_masking)
		us_config_put32(config->write, at + PCI_MSI_MASK_64, UINT32_MAX >> (32 - pci->msi));
}

/* More than was asked for can not be granted: the number reads back as what it really is. */
void us_msi_written(struct us_device *dev)
{
	uint16_t now;
	unsigned asked, granted;

	if (!dev->config.msi)
		return;
	now = flags(dev);
	asked = (now & PCI_MSI_FLAGS_QMASK) >> 1;
	granted = (now & PCI_MSI_FLAGS_QSIZE) >> 4;
	if (granted > asked)
		us_config_put16(dev->config.value, dev->config.msi + PCI_MSI_FLAGS,
				(uint16_t)((now & ~PCI_MSI_FLAGS_QSIZE) | asked << 4));
}

void us_msi_read(struct us_device *dev)
{
	uint32_t pending = 0;

	if (!dev->map->pci.msi_masking)
		return;
	if (us_msi_enabled(dev) && !us_msix_enabled(dev))
		for (unsigned n = 0; n < dev->map->pci.msi; n++)
			pending |= (uint32_t)us_interrupt_pending(dev, n) << n;
	us_config_put32(dev->config.value, dev->config.msi + PCI_MSI_PENDING_64, pending);
}

bool us_msi_enabled(const struct us_device *dev)
{
	return dev->config.msi && flags(dev) & PCI_MSI_FLAGS_ENABLE;
}

unsigned us_msi_granted(const struct us_device *dev)
{
	return 1u << ((flags(dev) & PCI_MSI_FLAGS_QSIZE) >> 4);
}

bool us_msi_masked(const struct us_device *dev, unsigned n)
{
	if (!dev->map->pci.msi_masking)
		return false;
	return us_config_get32(dev->config.value, dev->config.msi + PCI_MSI_MASK_64) >> n & 1;
}

/* The low bits of the data, as many as the number granted needs, are the message's number (6.8.1.6). */
void us_msi_message(const struct us_device *dev, unsigned n, uint64_t *address, uint32_t *data)
{
	const uint8_t *value = dev->config.value;
	const uint8_t at = dev->config.msi;

	*address = us_config_get32(value, at + PCI_MSI_ADDRESS_LO) |
		   (uint64_t)us_config_get32(value, at + PCI_MSI_ADDRESS_HI) << 32;
	*data = (us_config_get16(value, at + PCI_MSI_DATA_64) & ~(us_msi_granted(dev) - 1)) | n;
}

void us_msi_enable(struct us_device *dev, unsigned n)
{
	uint16_t now = flags(dev);

	now &= (uint16_t) ~(PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	if (n)
		now |= (uint16_t)(PCI_MSI_FLAGS_ENABLE | log2_of(n) << 4);
	us_config_put16(dev->config.value, dev->config.msi + PCI_MSI_FLAGS, now);
}
