/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration header as firmware and an operating system treat it: IDs, BAR addresses, command, capabilities. */
#include "function/player.h"

#include <errno.h>
#include <linux/pci_regs.h>

/* Where this machine that does not exist keeps its PCI windows: I/O, 32-bit memory, 64-bit memory. */
static const uint64_t windows[3] = {0x1000, UINT64_C(0xc0000000), UINT64_C(0x4000000000)};

static int config_read(struct us_function *fn, unsigned offset, unsigned width, uint32_t *value)
{
	uint64_t wide;
	int rc = us_fn_read(fn, US_REGION_CONFIG, offset, width, &wide);

	*value = rc ? UINT32_MAX : (uint32_t)wide;
	return rc;
}

int us_header_change(struct us_function *fn, unsigned offset, unsigned width, uint32_t clear, uint32_t set)
{
	uint32_t value;
	int rc = config_read(fn, offset, width, &value);

	return rc ? rc : us_fn_write(fn, US_REGION_CONFIG, offset, width, (value & ~clear) | set);
}

int us_header_read(struct us_function *fn)
{
	struct us_function_info *info = &fn->info;
	uint32_t ids, revision, subsystem;
	int rc;

	if ((rc = config_read(fn, PCI_VENDOR_ID, 4, &ids)) ||
	    (rc = config_read(fn, PCI_CLASS_REVISION, 4, &revision)) ||
	    (rc = config_read(fn, PCI_SUBSYSTEM_VENDOR_ID, 4, &subsystem)))
		return rc;
	if ((uint16_t)ids == UINT16_MAX)
		return us_fn_fail(fn, -EIO,
				  "config space reads as all ones: no function answers, or it sleeps in D3cold");
	info->vendor_id = (uint16_t)ids;
	info->device_id = (uint16_t)(ids >> 16);
	info->revision = (uint8_t)revision;
	info->class_code = revision >> 8;
	info->subsystem_vendor_id = (uint16_t)subsystem;
	info->subsystem_id = (uint16_t)(subsystem >> 16);
	for (unsigned i = 0; i < 6; i++) {
		uint32_t bar;

		if (!info->region[i].size)
			continue;
		if ((rc = config_read(fn, PCI_BASE_ADDRESS_0 + 4 * i, 4, &bar)))
			return rc;
		if (bar & PCI_BASE_ADDRESS_SPACE_IO)
			info->region[i].flags |= US_REGION_IO;
		else if ((bar & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64)
			info->region[i].flags |= US_REGION_MEM64;
		if (!(bar & PCI_BASE_ADDRESS_SPACE_IO) && (bar & PCI_BASE_ADDRESS_MEM_PREFETCH))
			info->region[i].flags |= US_REGION_PREFETCHABLE;
	}
	return 0;
}

int us_header_assign(struct us_function *fn)
{
	uint64_t next[3] = {windows[0], windows[1], windows[2]};
	int rc;

	for (unsigned i = 0; i < 6; i++) {
		uint64_t size = fn->info.region[i].size;
		uint32_t flags = fn->info.region[i].flags;
		uint64_t *window = &next[flags & US_REGION_IO ? 0 : flags & US_REGION_MEM64 ? 2 : 1];

		if (!size)
			continue;
		*window = (*window + size - 1) & ~(size - 1);
		if ((rc = us_fn_write(fn, US_REGION_CONFIG, PCI_BASE_ADDRESS_0 + 4 * i, 4, (uint32_t)*window)))
			return rc;
		if (flags & US_REGION_MEM64 && i < 5 &&
		    (rc = us_fn_write(fn, US_REGION_CONFIG, PCI_BASE_ADDRESS_0 + 4 * i + 4, 4, *window >> 32)))
			return rc;
		*window += size;
	}
	return 0;
}

int us_header_enable(struct us_function *fn)
{
	uint32_t command = 0;

	for (unsigned i = 0; i < 6; i++)
		if (fn->info.region[i].size)
			command |= fn->info.region[i].flags & US_REGION_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
	return us_fn_write(fn, US_REGION_CONFIG, PCI_COMMAND, 2, command);
}

int us_fn_capability(struct us_function *fn, uint8_t id)
{
	uint32_t value;
	unsigned at;
	int rc = config_read(fn, PCI_STATUS, 2, &value);

	if (rc)
		return rc;
	if (!(value & PCI_STATUS_CAP_LIST))
		return us_fn_fail(fn, -ENOENT, "the function has no capabilities");
	if ((rc = config_read(fn, PCI_CAPABILITY_LIST, 1, &value)))
		return rc;
	/* 48 capabilities fill the space; one more is a list that bites its tail. The low two bits are reserved. */
	at = value & 0xfcu;
	for (unsigned i = 0; i < 48 && at >= 0x40; i++, at = value >> 8 & 0xfcu) {
		if ((rc = config_read(fn, at, 2, &value)))
			return rc;
		if ((uint8_t)value == id)
			return (int)at;
	}
	return us_fn_fail(fn, -ENOENT, "the function has no capability 0x%02x", id);
}

int us_header_mask_msi(struct us_function *fn, unsigned n, bool masked)
{
	uint32_t control = 0;
	int cap = us_fn_capability(fn, PCI_CAP_ID_MSI);
	int rc = cap < 0 ? cap : config_read(fn, (unsigned)cap + 2, 2, &control);

	if (rc)
		return rc;
	if (!(control & PCI_MSI_FLAGS_MASKBIT))
		return us_fn_fail(fn, -ENOTSUP, "this function's MSI capability has no per-vector masking");
	return us_header_change(fn, (unsigned)cap + (control & PCI_MSI_FLAGS_64BIT ? 16 : 12), 4, UINT32_C(1) << n,
				masked ? UINT32_C(1) << n : 0);
}

int us_header_msix_table(struct us_function *fn, unsigned *region, uint64_t *offset)
{
	uint32_t control = 0, table = 0;
	int cap = us_fn_capability(fn, PCI_CAP_ID_MSIX);
	int rc = cap < 0 ? cap : config_read(fn, (unsigned)cap + 2, 2, &control);

	if (!rc)
		rc = config_read(fn, (unsigned)cap + 4, 4, &table);
	if (rc)
		return rc;
	*region = table & 7;
	*offset = table & ~7u;
	control = (control & 0x7ff) + 1;
	if (*region > 5 || *offset + UINT64_C(16) * control > fn->info.region[*region].size)
		return us_fn_fail(fn, -EPROTO,
				  "the MSI-X table of %u entries at 0x%x of BAR %u does not lie in that BAR", control,
				  table & ~7u, *region);
	return 0;
}

int us_header_mask_msix(struct us_function *fn, unsigned n, bool masked)
{
	uint64_t table, value;
	unsigned region;
	int rc = us_header_msix_table(fn, &region, &table);

	if (rc || (rc = us_fn_read(fn, region, table + UINT64_C(16) * n + 12, 4, &value)))
		return rc;
	return us_fn_write(fn, region, table + UINT64_C(16) * n + 12, 4, masked ? value | 1 : value & ~UINT64_C(1));
}
