/* SPDX-License-Identifier: Apache-2.0 */
/* A map with a register of every kind, and a model on it whose functions a test can set. */
#ifndef TESTS_DEVICE_ZOO_H
#define TESTS_DEVICE_ZOO_H

#include <understudy/device.h>

#define ZOO_ID 0x00
#define ZOO_ID_RESET 0x5a5a0001u
#define ZOO_CTRL 0x04 /* START 0 (singlepulse), MODE 2:1 (enum), COUNT 15:8 */
#define ZOO_CTRL_START 1u
#define ZOO_STATUS 0x08 /* causes 0 to 3, W1C, messages 0 to 3 */
#define ZOO_ENABLE 0x0c /* of causes 0 to 3, and 4: of LEVEL */
#define ZOO_LEVEL 0x10 /* cause that follows the hardware, read only, message 2 */
#define ZOO_HITS 0x14 /* cleared by reading, two halves */
#define ZOO_ONCE 0x18 /* write once */
#define ZOO_WIDE 0x20 /* 64 bits */
#define ZOO_COMMAND 0x28 /* write only, enum */
#define ZOO_LO 0x30
#define ZOO_HI 0x34
#define ZOO_BYTE 0x38 /* 8 bits, next to nothing */
#define ZOO_ALARM 0x3c /* cause 0, always enabled, RW, message 3 */
#define ZOO_FREE 0x40 /* from here to the end of BAR 0: nothing */

#define ZOO_PORT US_AT(1, 0x0) /* I/O space */

#define ZOO_SMALL US_AT(2, 0x100) /* 0x40 bytes of memory: too small to map */
#define ZOO_WINDOW US_AT(2, 0x1800) /* 0x3000 bytes: two whole pages, and a half at either end */
#define ZOO_ROM US_AT(2, 0x6000) /* a page that software may only read */
#define ZOO_SINK US_AT(2, 0x7000) /* a page that software may only write */
#define ZOO_TABLE US_AT(2, 0x8000)
#define ZOO_PBA US_AT(2, 0x9000)

#define ZOO_MSI 4
#define ZOO_MSIX 8

struct zoo {
	void (*reset)(struct us_device *dev, enum us_reset kind);
	void (*read)(struct us_device *dev, us_addr reg);
	void (*write)(struct us_device *dev, const struct us_write *w);
	void *test; /* the test's own */
	struct us_timer timer[4];
	struct us_job job;
};

extern const struct us_map zoo_map;
extern const struct us_model zoo_model;

#endif
