/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the crypto device's tests stand on: the function, memory that it can reach, and a command's run from the lists
 * to its end. Everything goes through function.h, so a test runs on the model and, with a target as the program's
 * argument, on a socket or a real card. Failures are cmocka's.
 */
#ifndef DEVICES_CRYPTO_RIG_H
#define DEVICES_CRYPTO_RIG_H

#include <understudy/function.h>

#include "crypto.h"

#define RIG_IN UINT64_C(0x100000000) /* device addresses: all above 4 GiB but RIG_LOW */
#define RIG_OUT UINT64_C(0x200000000)
#define RIG_LISTS UINT64_C(0x300000000)
#define RIG_LOW UINT64_C(0x00400000)
#define RIG_NOTHING UINT64_C(0x500000000) /* from here to RIG_EXTRA_END nothing is mapped but by a test itself */
#define RIG_EXTRA_END UINT64_C(0x800000000)

#define RIG_DATA_SIZE (20 << 20) /* bytes at RIG_IN and at RIG_OUT */
#define RIG_LIST_SIZE (160 << 10) /* bytes for each of the two lists */
#define RIG_IN_LIST RIG_LISTS
#define RIG_OUT_LIST (RIG_LISTS + RIG_LIST_SIZE)

/* A test of a group: the numbers of the requirements that it checks, and the function. */
#define TEST(requirements, f) {requirements " " #f, f, rig_setup, NULL, NULL}

enum rig_side { IN, OUT };

struct rig_entry {
	uint64_t address; /* little-endian machines only, as all that Understudy runs on are */
	uint32_t length;
	uint32_t reserved;
};

struct rig {
	struct us_function *fn;
	uint8_t *in, *out, *low; /* what lies at RIG_IN (random bytes), RIG_OUT, RIG_LOW (a page) */
	struct rig_entry *list[2]; /* at RIG_IN_LIST and RIG_OUT_LIST */
};

/* What main() calls first: the target is the program's argument, or the model. */
void rig_target(int argc, char **argv);

/*
 * cmocka's set-up of a test: *state is a struct rig, its function freshly reset, bus master on, nothing but the rig's
 * own memory mapped. And the group's teardown.
 */
int rig_setup(void **state);
int rig_close(void **state);

uint32_t rig_read(struct rig *r, uint64_t reg);
void rig_write(struct rig *r, uint64_t reg, uint32_t value);
void rig_bus_master(struct rig *r, bool on);

/* Writes a list to memory, or to its window (NULL: leaves it as it is), and sets address, count and CONTROL bit. */
void rig_list(struct rig *r, enum rig_side side, const struct rig_entry *entries, uint32_t n);
void rig_window(struct rig *r, enum rig_side side, const struct rig_entry *entries, uint32_t n);

/* The list of one fragment of `length` bytes at `offset` in RIG_IN or RIG_OUT; none when length is 0. */
void rig_one(struct rig *r, enum rig_side side, uint64_t offset, uint32_t length);

void rig_chain(struct rig *r, bool first, bool last);
void rig_key(struct rig *r, const void *key, const void *iv);

/* Sets LENGTH, starts a command and returns at once. */
void rig_start(struct rig *r, uint8_t code, uint32_t length);

/* Waits until the device is ready again. */
void rig_ready(struct rig *r);

/*
 * A whole command, from the write of COMMAND to its end. Asserts that exactly one of DONE and ERROR was set, and clears
 * it. Returns ERROR.CODE.
 */
uint8_t rig_run(struct rig *r, uint8_t code, uint32_t length);

uint64_t rig_fault(struct rig *r);
void rig_digest(struct rig *r, uint8_t digest[32]);

/* RESET, waited for; INT_STATUS is clear again. */
void rig_reset(struct rig *r);

/* What libcrypto computes by itself. */
void rig_sha256(const void *data, size_t length, uint8_t digest[32]);
void rig_aes(bool encrypt, const void *key, const void *iv, const void *in, void *out, size_t length);

/* A digest of "abc" by the window comes out right: the device works. */
void rig_assert_usable(struct rig *r);

/* "616263" becomes the bytes; returns how many. */
size_t rig_hex(const char *hex, uint8_t *bytes);

#endif
