/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host for tests that need what no function.h target offers: memory that can not be mapped, or only in pieces, and
 * a device that is fast enough to be fuzzed (tests/fuzz). One arena, the first half of which the device may only read.
 */
#ifndef DEVICES_CRYPTO_FAKE_HOST_H
#define DEVICES_CRYPTO_FAKE_HOST_H

#include "device/host.h"

#define FAKE_BASE UINT64_C(0x700000000) /* device address of the arena */
#define FAKE_SIZE (256 << 10)
#define FAKE_READ_ONLY (FAKE_SIZE / 2)
#define FAKE_ALIAS UINT64_C(0x780000000) /* and of the arena once more, where `alias` is set */

struct fake_host {
	struct us_device *dev;
	struct us_host host; /* what it was opened with */
	uint8_t memory[FAKE_SIZE];
	uint8_t *at; /* what the device reaches: `memory`, unless a test has other FAKE_SIZE bytes */
	uint8_t *alias; /* the same once more, mapped at another place; or NULL */
	size_t reach; /* most bytes that can be mapped in one piece; 0: none, every access is a copy */
	uint64_t now, alarm;
	uint64_t messages;
	bool line;
};

/* Opens the crypto model with memory and bus mastering enabled. */
void fake_host_open(struct fake_host *h);
void fake_host_close(struct fake_host *h);

/* Lets `ns` of virtual time pass. */
void fake_host_run(struct fake_host *h, uint64_t ns);

uint32_t fake_host_read(struct fake_host *h, uint64_t reg);
void fake_host_write(struct fake_host *h, uint64_t reg, uint32_t value);

#endif
