/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DMA: what the library checks before the host moves a byte. These functions run on the device's thread and in job
 * steps on a worker, so what they look at is atomic. Bus mastering gates requests when they are issued, as on the link:
 * a slice that mapped memory before the bit was cleared may still finish that slice.
 */
#include "device/private.h"

#include <errno.h>

static int refused(struct us_device *dev)
{
	if (dev->cancelled)
		return -ECANCELED;
	return dev->mastering ? 0 : -EPERM;
}

static const char *reason(int ret)
{
	switch (ret) {
	case -EFAULT:
		return "not mapped";
	case -EACCES:
		return "no permission";
	case -EPERM:
		return "bus mastering is off";
	case -ECANCELED:
		return "the job was stopped";
	default:
		return "the other side is gone";
	}
}

static int failed(struct us_device *dev, const char *verb, int ret, uint64_t at, uint64_t *fault)
{
	if (dev->trace)
		us_trace(dev, "DMA %s failed at 0x%llx: %s", verb, (unsigned long long)at, reason(ret));
	if (fault)
		*fault = at;
	return ret;
}

static int move(struct us_device *dev, uint64_t addr, void *buffer, size_t length, enum us_dma_direction direction,
		uint64_t *fault)
{
	const char *const verb = direction == US_DMA_READ ? "read" : "write";
	uint64_t at = addr;
	int ret = refused(dev);

	if (!length)
		return 0;
	if (!ret && addr + (length - 1) < addr)
		ret = -EFAULT; /* past the end of the address space */
	if (ret)
		return failed(dev, verb, ret, addr, fault);
	if (dev->trace)
		us_trace(dev, "DMA %s 0x%llx, %zu bytes", verb, (unsigned long long)addr, length);
	ret = dev->host.dma(dev->host.ctx, addr, buffer, length, direction, &at);
	if (!ret)
		return 0;
	/* A read that nobody answers is a master abort (PCI 3.0, 6.2.3; PCIe 7.5.1.1.4); a write leaves no trace. */
	if (direction == US_DMA_READ && (ret == -EFAULT || ret == -EACCES))
		atomic_fetch_or(&dev->bus_errors, (unsigned short)PCI_STATUS_REC_MASTER_ABORT);
	return failed(dev, verb, ret, at, fault);
}

int us_dma_read(struct us_device *dev, uint64_t addr, void *buffer, size_t length, uint64_t *fault)
{
	return move(dev, addr, buffer, length, US_DMA_READ, fault);
}

int us_dma_write(struct us_device *dev, uint64_t addr, const void *buffer, size_t length, uint64_t *fault)
{
	return move(dev, addr, (void *)(uintptr_t)buffer, length, US_DMA_WRITE, fault);
}

void *us_dma_map(struct us_device *dev, uint64_t addr, size_t *length, enum us_dma_direction direction)
{
	const uint64_t room = UINT64_MAX - addr;
	size_t most = *length;
	void *at;

	if (refused(dev) || !most)
		return NULL;
	if (most - 1 > room)
		most = (size_t)room + 1;
	*length = most;
	at = dev->host.dma_map(dev->host.ctx, addr, length, direction);
	if (at && dev->trace)
		us_trace(dev, "DMA %s 0x%llx, up to %zu bytes in place", direction == US_DMA_READ ? "read" : "write",
			 (unsigned long long)addr, *length);
	return at;
}
