/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The power management capability (PCI Power Management 1.2, 3.2): D0 and D3hot, no PME, and No_Soft_Reset clear, so
 * that coming back from D3hot resets the function.
 */
#include "device/private.h"

#define VERSION 3 /* of the specification: 1.2 */

void us_pm_create(struct us_device *dev)
{
	struct us_config *config = &dev->config;

	config->pm = us_config_add(config, PCI_CAP_ID_PM, PCI_PM_SIZEOF);
	us_config_put16(config->value, config->pm + PCI_PM_PMC, VERSION);
	us_config_put16(config->write, config->pm + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK);
}

unsigned us_pm_state(const struct us_device *dev)
{
	const struct us_config *config = &dev->config;

	return config->pm ? config->value[config->pm + PCI_PM_CTRL] & PCI_PM_CTRL_STATE_MASK : 0;
}

void us_pm_written(struct us_device *dev, unsigned before)
{
	struct us_config *config = &dev->config;
	const unsigned state = us_pm_state(dev), d0 = 0, d3hot = 3;

	if (state != d0 && state != d3hot) /* an unsupported state: the data is discarded (3.2.4) */
		config->value[config->pm + PCI_PM_CTRL] =
			(uint8_t)((config->value[config->pm + PCI_PM_CTRL] & ~PCI_PM_CTRL_STATE_MASK) | before);
	else if (before == d3hot && state == d0)
		us_reset(dev, US_RESET_D3HOT);
}
