/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small driver for the crypto device on function.h, for the demo: bring-up, one command at a time, and the interrupt
 * in whichever way was granted. Functions return 0 or -1; then drive_error() is a sentence that says what went wrong.
 */
#ifndef DEVICES_CRYPTO_DEMO_DRIVER_H
#define DEVICES_CRYPTO_DEMO_DRIVER_H

#include <understudy/function.h>

enum drive_cause { DRIVE_DONE, DRIVE_ERROR, DRIVE_RESET_DONE, DRIVE_REFUSED, DRIVE_CAUSES };

/* One fragment of memory, as the device reads it: 16 bytes, little-endian. */
struct drive_entry {
	uint64_t address;
	uint32_t length;
	uint32_t reserved; /* 0 */
};

struct drive {
	struct us_function *fn;
	struct drive_entry *list; /* 2 * DRIVE_LIST entries: those of the input, then those of the output */
	enum us_irq_kind kind; /* what was granted */
	unsigned messages; /* how many; 1 for the line */
	uint64_t came[DRIVE_CAUSES]; /* interrupts, by cause */
	uint64_t bytes; /* moved by DMA */
	char error[600];
};

#define DRIVE_LIST 4096 /* entries of each list */

/* Opens the target and makes sure that the device is the one this driver knows. */
int drive_open(struct drive *d, const char *target);
void drive_close(struct drive *d);

/* Memory that the device reaches at device address `at`. */
int drive_memory(struct drive *d, uint64_t at, size_t size, void **memory);

/* Resets the function, enables `count` interrupts of a kind, and every cause. */
int drive_begin(struct drive *d, enum us_irq_kind kind, unsigned count);
int drive_end(struct drive *d); /* disables them */

void drive_key(struct drive *d, const uint8_t key[32], const uint8_t iv[16]);

/* Fills in one list: a fragment a page, the pages of `size` bytes at `at` in order, or the last one first. */
unsigned drive_pages(struct drive *d, bool out, uint64_t at, uint32_t size, bool backwards);

/*
 * One command over the lists in memory (`ins` and `outs` entries); waits for its interrupt. -1 as well when it ended
 * with an error.
 */
int drive_command(struct drive *d, uint8_t code, unsigned ins, unsigned outs, uint32_t length);

/* The same over two fragments given in the windows; `to` is 0 for a digest. */
int drive_small(struct drive *d, uint8_t code, uint64_t from, uint64_t to, uint32_t length);

/* A command that must end with `cause`. */
int drive_expect(struct drive *d, uint8_t code, enum drive_cause cause);

void drive_digest(struct drive *d, uint8_t digest[32]);

/* Leaves a sentence (printf manner) and returns -1. */
int drive_fail(struct drive *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
