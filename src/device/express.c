/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PCI Express capability (PCI Express Base 3.0, 7.8), version 2, of an endpoint on a link of one lane at 2.5 GT/s:
 * what every root port can train with. Nothing here limits how fast the model really is.
 */
#include "device/private.h"

#define LENGTH 0x3c /* up to and including the slot 2 registers, which an endpoint has as zeros */
#define VERSION 2

#define LINK_SPEED_2_5 1
#define LINK_WIDTH_1 (1 << 4)
#define LINK_ASPM_OPTIONALITY (1 << 22)
#define LINK2_VECTOR_2_5 (1 << 1)

/* What software may set. Payload size is fixed at 128 bytes, yet its field is writable (7.8.4). */
#define DEVCTL_WRITABLE                                                                                                \
	(PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE | PCI_EXP_DEVCTL_URRE |                      \
	 PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_PAYLOAD | PCI_EXP_DEVCTL_EXT_TAG | PCI_EXP_DEVCTL_NOSNOOP_EN |       \
	 PCI_EXP_DEVCTL_READRQ)
#define LNKCTL_WRITABLE (PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_RCB | PCI_EXP_LNKCTL_CCC | PCI_EXP_LNKCTL_ES)

static void add_device(struct us_config *config, uint8_t at, bool flr)
{
	us_config_put32(config->value, at + PCI_EXP_DEVCAP,
			PCI_EXP_DEVCAP_EXT_TAG | PCI_EXP_DEVCAP_RBER | (flr ? PCI_EXP_DEVCAP_FLR : 0));
	us_config_put16(config->value, at + PCI_EXP_DEVCTL,
			PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN | PCI_EXP_DEVCTL_READRQ_512B);
	us_config_put16(config->write, at + PCI_EXP_DEVCTL, DEVCTL_WRITABLE);
	us_config_put16(config->clear, at + PCI_EXP_DEVSTA,
			PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED | PCI_EXP_DEVSTA_FED | PCI_EXP_DEVSTA_URD);
	us_config_put32(config->value, at + PCI_EXP_DEVCAP2, PCI_EXP_DEVCAP2_COMP_TMOUT_DIS);
	us_config_put16(config->write, at + PCI_EXP_DEVCTL2, PCI_EXP_DEVCTL2_COMP_TMOUT_DIS);
}

static void add_link(struct us_config *config, uint8_t at)
{
	us_config_put32(config->value, at + PCI_EXP_LNKCAP, LINK_SPEED_2_5 | LINK_WIDTH_1 | LINK_ASPM_OPTIONALITY);
	us_config_put16(config->value, at + PCI_EXP_LNKSTA, LINK_SPEED_2_5 | LINK_WIDTH_1 | PCI_EXP_LNKSTA_SLC);
	us_config_put16(config->write, at + PCI_EXP_LNKCTL, LNKCTL_WRITABLE);
	us_config_put32(config->value, at + PCI_EXP_LNKCAP2, LINK2_VECTOR_2_5);
	us_config_put16(config->value, at + PCI_EXP_LNKCTL2, LINK_SPEED_2_5);
	us_config_put16(config->write, at + PCI_EXP_LNKCTL2, PCI_EXP_LNKCTL2_TLS);
}

/* A function level reset does not disturb the link, which other functions share (6.6.2). */
static void keep_link(struct us_config *config, uint8_t at)
{
	us_config_put16(config->keep, at + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_PAYLOAD);
	us_config_put16(config->keep, at + PCI_EXP_LNKCTL, LNKCTL_WRITABLE);
	us_config_put16(config->keep, at + PCI_EXP_LNKCTL2, PCI_EXP_LNKCTL2_TLS);
}

void us_express_create(struct us_device *dev)
{
	struct us_config *config = &dev->config;
	const uint8_t at = us_config_add(config, PCI_CAP_ID_EXP, LENGTH);

	config->express = at;
	us_config_put16(config->value, at + PCI_EXP_FLAGS, VERSION | PCI_EXP_TYPE_ENDPOINT << 4);
	add_device(config, at, dev->map->pci.flr);
	add_link(config, at);
	keep_link(config, at);
}

bool us_express_starts_flr(const struct us_device *dev, uint32_t offset, unsigned width, uint32_t value)
{
	const uint32_t byte = dev->config.express + PCI_EXP_DEVCTL + 1u; /* that holds Initiate Function Level Reset */

	if (!dev->map->pci.flr || byte < offset || byte >= offset + width)
		return false;
	return value >> 8 * (byte - offset) & PCI_EXP_DEVCTL_BCR_FLR >> 8;
}
