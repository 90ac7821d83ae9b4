/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The function's configuration space as the PCI bus's driver uses it: BARs, command, power management. What is lost in
 * D3 it keeps and restores (PCI Power Management 1.2, 5.4.1; Microsoft, "PCI Power Management and Device Drivers").
 */
#include "nt/pnp.h"
#include "nt/trace.h"

#define COMMAND 0x04
#define BAR0 0x10
#define HEADER 16 /* dwords of the standard header */
#define CAPABILITY_PM 1
#define PMCSR 4 /* behind the capability's offset */

enum { COMMAND_IO = 1, COMMAND_MEMORY = 2, COMMAND_MASTER = 4 };

uint32_t us_pnp_config_read(unsigned offset, unsigned width)
{
	uint64_t value = UINT32_MAX;

	if (us_nt->pnp->gone || us_fn_read(us_nt->fn, US_REGION_CONFIG, offset, width, &value))
		value = UINT32_MAX;
	value &= UINT64_MAX >> (64 - 8 * width);
	us_nt_trace("register  read config+0x%03x %u = 0x%x", offset, width, (unsigned)value);
	return (uint32_t)value;
}

void us_pnp_config_write(unsigned offset, unsigned width, uint32_t value)
{
	us_nt_trace("register  write config+0x%03x %u = 0x%x", offset, width, (unsigned)value);
	if (!us_nt->pnp->gone)
		us_fn_write(us_nt->fn, US_REGION_CONFIG, offset, width, value);
}

/* -- BARs --------------------------------------------------------------------------------------------------------- */

void us_pnp_read_bars(void)
{
	for (unsigned i = 0; i < 6; i++) {
		struct us_pnp_bar *bar = &us_nt->pnp->bars[i];

		bar->size = us_nt->info->region[i].size;
		bar->flags = us_nt->info->region[i].flags;
		if (!bar->size)
			continue;
		if (bar->size > UINT32_MAX)
			us_nt_unsupported("BAR%u has %llu bytes: the stage's resource lists have 32 bits for that.", i,
					  (unsigned long long)bar->size);
		bar->address = us_pnp_config_read(BAR0 + 4 * i, 4);
		if (bar->flags & US_REGION_IO)
			bar->address &= ~UINT64_C(3);
		else
			bar->address &= ~UINT64_C(15);
		if (bar->flags & US_REGION_MEM64)
			bar->address |= (uint64_t)us_pnp_config_read(BAR0 + 4 * (i + 1), 4) << 32;
	}
}

static void write_bars(void)
{
	for (unsigned i = 0; i < 6; i++) {
		const struct us_pnp_bar *bar = &us_nt->pnp->bars[i];

		if (!bar->size)
			continue;
		us_pnp_config_write(BAR0 + 4 * i, 4, (uint32_t)bar->address);
		if (bar->flags & US_REGION_MEM64)
			us_pnp_config_write(BAR0 + 4 * (i + 1), 4, (uint32_t)(bar->address >> 32));
	}
}

/* Each to another address that suits its size: memory from 0xa0000000 on, ports from 0x8000 on, further up each time.
 */
void us_pnp_move_bars(void)
{
	uint64_t memory = UINT64_C(0xa0000000) + (uint64_t)(us_nt->pnp->rebalances % 16) * 0x4000000;
	uint64_t port = 0x8000 + (uint64_t)(us_nt->pnp->rebalances % 16) * 0x400;

	us_nt->pnp->rebalances++;
	for (unsigned i = 0; i < 6; i++) {
		struct us_pnp_bar *bar = &us_nt->pnp->bars[i];
		uint64_t *next = bar->flags & US_REGION_IO ? &port : &memory;

		if (!bar->size)
			continue;
		*next = (*next + bar->size - 1) & ~(bar->size - 1);
		bar->address = *next;
		*next += bar->size;
	}
}

/* -- on and off --------------------------------------------------------------------------------------------------- */

void us_pnp_enable(void)
{
	uint32_t command = us_pnp_config_read(COMMAND, 2) & ~(uint32_t)(COMMAND_IO | COMMAND_MEMORY);

	us_pnp_config_write(COMMAND, 2, command);
	write_bars();
	for (unsigned i = 0; i < 6; i++)
		if (us_nt->pnp->bars[i].size)
			command |= us_nt->pnp->bars[i].flags & US_REGION_IO ? COMMAND_IO : COMMAND_MEMORY;
	us_pnp_config_write(COMMAND, 2, command | COMMAND_MASTER);
}

void us_pnp_disable(void)
{
	uint32_t command = us_pnp_config_read(COMMAND, 2);

	us_pnp_config_write(COMMAND, 2, command & ~(uint32_t)(COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER));
}

/* -- power -------------------------------------------------------------------------------------------------------- */

static void set_power_state(unsigned state)
{
	int at = us_nt->pnp->gone ? -ENOENT : us_fn_capability(us_nt->fn, CAPABILITY_PM);
	uint32_t pmcsr;

	if (at < 0)
		return; /* the bus can only take its power away */
	pmcsr = us_pnp_config_read((unsigned)at + PMCSR, 2);
	us_pnp_config_write((unsigned)at + PMCSR, 2, (pmcsr & ~UINT32_C(0x8003)) | state);
}

void us_pnp_to_d3(void)
{
	for (unsigned i = 0; i < HEADER; i++)
		us_nt->pnp->saved[i] = us_pnp_config_read(4 * i, 4);
	us_pnp_disable();
	set_power_state(3);
}

void us_pnp_to_d0(bool power_was_lost)
{
	if (power_was_lost && !us_nt->pnp->gone)
		us_fn_reset(us_nt->fn);
	set_power_state(0);
	write_bars();
	us_pnp_config_write(0x0c, 2, us_nt->pnp->saved[3] & 0xffff); /* cache line size, latency timer */
	us_pnp_config_write(0x3c, 1, us_nt->pnp->saved[15] & 0xff); /* interrupt line */
	us_pnp_config_write(COMMAND, 2, us_nt->pnp->saved[1] & 0xffff);
	us_pnp_interrupts_restore();
}
