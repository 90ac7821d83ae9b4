/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device of these tests: it moves bytes where it is told, on its own thread or in a job, raises any cause, and has
 * memory that a client may map.
 */
#ifndef TESTS_VFIO_USER_MOVER_H
#define TESTS_VFIO_USER_MOVER_H

#include <understudy/device.h>

#define MOVER_VENDOR 0x1234
#define MOVER_DEVICE 0x0ace

#define MOVER_SCRATCH 0x00 /* 32 bits */
#define MOVER_WIDE 0x08 /* 64 bits */
#define MOVER_STATUS 0x10 /* causes 0 to 3, W1C, messages 0 to 3 */
#define MOVER_ENABLE 0x14
#define MOVER_RAISE 0x18 /* causes to raise */
#define MOVER_TIMER 0x1c /* ns until cause 1 */
#define MOVER_ADDRESS 0x20 /* 64 bits: device address */
#define MOVER_LENGTH 0x28 /* bytes */
#define MOVER_COMMAND 0x2c /* MOVER_… below */
#define MOVER_RESULT 0x30 /* 0 or an errno of the last command; MOVER_BUSY while a job runs */
#define MOVER_STEPS 0x34 /* steps of jobs since reset */
#define MOVER_FAULT 0x38 /* 64 bits */
#define MOVER_DURATION 0x40 /* ns a step takes the hardware */
#define MOVER_RESETS 0x44 /* how often the function was reset; no reset clears it */

#define MOVER_BUSY 0xffffffffu

enum {
	MOVER_READ = 1, /* memory at ADDRESS to the buffer, on the device's thread */
	MOVER_WRITE = 2, /* the buffer to memory */
	MOVER_JOB_READ = 3, /* the same by a job, MOVER_STEP bytes each step; cause 0 when it is done */
	MOVER_JOB_WRITE = 4,
	MOVER_JOB_FILL = 5, /* zero-copy: writes 0xa5 over LENGTH bytes again and again until it is stopped */
	MOVER_STOP = 6,
};

#define MOVER_STEP 4096
#define MOVER_BUFFER US_AT(2, 0x0000) /* 0x4000 bytes, which a client may map too */
#define MOVER_BUFFER_SIZE 0x4000
#define MOVER_TABLE US_AT(2, 0x8000)
#define MOVER_BAR0 0x1000
#define MOVER_BAR2 0x10000
#define MOVER_MSI 4
#define MOVER_MSIX 8

extern const struct us_model mover_model;

#endif
