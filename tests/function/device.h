/* SPDX-License-Identifier: Apache-2.0 */
/* A small device for tests of the seam: every kind of BAR, all interrupt kinds, DMA in both directions, time. */
#ifndef TESTS_FUNCTION_DEVICE_H
#define TESTS_FUNCTION_DEVICE_H

#include <understudy/device.h>

enum {
	T_ID = 0x00, /* RO, 0x5eed5eed */
	T_SCRATCH = 0x08, /* RW, 8 bytes, reset 0x0123456789abcdef */
	T_STATUS = 0x10, /* W1C: causes 0 to 3, message 0 to 3 */
	T_ENABLE = 0x14, /* RW: their enables, reset all off */
	T_RAISE = 0x18, /* WO: raises these causes, after T_DELAY */
	T_DELAY = 0x1c, /* RW: ns */
	T_ADDRESS = 0x20, /* RW, 8 bytes: for DMA */
	T_LENGTH = 0x28, /* RW: bytes, at most T_BUFFER */
	T_GO = 0x2c, /* WO: 1: memory to the buffer, 2: the buffer to memory */
	T_RESULT = 0x30, /* RO: errno of the last DMA */
	T_FAULT = 0x38, /* RO, 8 bytes: device address that failed */
	T_BAR0 = 0x1000,
	T_BAR2 = 0x4000, /* 64 bits, prefetchable: 4 KiB of memory; MSI-X table at 0x2000, pending bits at 0x3000 */
	T_BAR4 = 0x20, /* I/O ports: one RW register of 4 bytes at 0 */
	T_BUFFER = 8192,
	T_MESSAGES = 4,
};

extern const struct us_model t_model;

#endif
