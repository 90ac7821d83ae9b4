/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the crypto device's conformance tests stand on: memory that the device can reach, and a command's run from the
 * lists to its end. Everything goes through function.h, so a test runs unchanged on the model, on a socket and on a
 * real card. What fails ends the test. Shared names begin with cry_, as the requirements do: all this is part of the
 * library.
 */
#ifndef DEVICES_CRYPTO_CONFORM_RIG_H
#define DEVICES_CRYPTO_CONFORM_RIG_H

#include <understudy/conform.h>

#include "crypto.h"

#define RIG_IN UINT64_C(0x100000000) /* device addresses: all above 4 GiB but RIG_LOW */
#define RIG_OUT UINT64_C(0x200000000)
#define RIG_LISTS UINT64_C(0x300000000)
#define RIG_LOW UINT64_C(0x00400000)
#define RIG_NOTHING UINT64_C(0x500000000) /* from here to RIG_EXTRA_END nothing is mapped but by a test itself */
#define RIG_EXTRA_END UINT64_C(0x800000000)

/* Bytes at RIG_IN, and as many at RIG_OUT. Mapping a page takes its time on a real IOMMU: no more than a test needs. */
#define RIG_SMALL (128u << 10)
#define RIG_MEDIUM (1u << 20)
#define RIG_LARGE (17u << 20) /* for MAX_LENGTH, and more than that */

#define RIG_BIG (16u << 20) /* MAX_LENGTH: a command that runs for a millisecond or longer */
#define RIG_LIST_SIZE (160 << 10) /* bytes for each of the two lists */
#define RIG_LIST_ENTRIES 8192 /* LIMITS.LIST_ENTRIES */
#define RIG_IN_LIST RIG_LISTS
#define RIG_OUT_LIST (RIG_LISTS + RIG_LIST_SIZE)

/* Short names. */
#define RESET CRYPTO_COMMAND_CODE_RESET
#define DIGEST CRYPTO_COMMAND_CODE_DIGEST
#define ENCRYPT CRYPTO_COMMAND_CODE_ENCRYPT
#define DECRYPT CRYPTO_COMMAND_CODE_DECRYPT
#define ABORT CRYPTO_COMMAND_CODE_ABORT

#define DONE CRYPTO_INT_STATUS_DONE_MASK
#define ERROR CRYPTO_INT_STATUS_ERROR_MASK
#define RESET_DONE CRYPTO_INT_STATUS_RESET_DONE_MASK
#define REFUSED CRYPTO_INT_STATUS_REFUSED_MASK

#define TRIES 100 /* in real time what should meet a running command may come too late, again and again */

enum cry_side { IN, OUT };

struct cry_entry { /* CRY-010 */
	uint64_t address; /* little-endian machines only, as all that Understudy runs on are */
	uint32_t length;
	uint32_t reserved;
};

struct rig {
	struct us_run *run;
	struct us_function *fn;
	size_t size; /* bytes at `in` and at `out` */
	uint8_t *in, *out, *low; /* what lies at RIG_IN (random bytes), RIG_OUT, RIG_LOW (a page) */
	struct cry_entry *list[2]; /* at RIG_IN_LIST and RIG_OUT_LIST */

	/* For the test alone: as large as `in`, and two lists of twice as many entries as a list may have. */
	uint8_t *plain, *expected, *got;
	struct cry_entry *entries[2];
};

/* The tests, file by file; each ends with one that has no name. */
extern const struct us_test crypto_register_tests[], crypto_algorithm_tests[], crypto_list_tests[];
extern const struct us_test crypto_command_tests[], crypto_end_tests[], crypto_interrupt_tests[];

/* A key and an initialisation vector. */
extern const uint8_t cry_a_key[32], cry_an_iv[16];

/* Until the end of the test: bus master on, nothing but the rig's own memory mapped. */
struct rig *cry_open(struct us_run *run, size_t size);

uint32_t cry_read(struct rig *r, uint64_t reg);
void cry_write(struct rig *r, uint64_t reg, uint32_t value);

/* Any width of a register: 1, 2, 4 or 8 bytes. */
uint64_t cry_read_by(struct rig *r, uint64_t offset, unsigned width);
void cry_write_by(struct rig *r, uint64_t offset, unsigned width, uint64_t value);

/* Config space. */
uint64_t cry_config(struct rig *r, uint64_t offset, unsigned width);
void cry_set_config(struct rig *r, uint64_t offset, unsigned width, uint64_t value);

bool cry_virtual_time(struct rig *r);

/* Writes a list to memory, or to its window (NULL: leaves it as it is), and sets address, count and CONTROL bit. */
void cry_list(struct rig *r, enum cry_side side, const struct cry_entry *entries, uint32_t n);
void cry_window(struct rig *r, enum cry_side side, const struct cry_entry *entries, uint32_t n);

/* The list of one fragment of `length` bytes at `offset` in RIG_IN or RIG_OUT; none when length is 0. */
void cry_one(struct rig *r, enum cry_side side, uint64_t offset, uint32_t length);

void cry_chain(struct rig *r, bool first, bool last);
void cry_key(struct rig *r, const void *key, const void *iv);

/* Sets LENGTH, starts a command and returns at once. */
void cry_start(struct rig *r, uint8_t code, uint32_t length);

/* Waits until the device is ready again. */
void cry_ready(struct rig *r);

/* INT_STATUS; and the same as soon as there is a cause. */
uint32_t cry_causes(struct rig *r);
uint32_t cry_first_causes(struct rig *r);

/*
 * A whole command, from the write of COMMAND to its end. Checks that exactly one of DONE and ERROR was set, and clears
 * it. Returns ERROR.CODE.
 */
uint8_t cry_run(struct rig *r, uint8_t code, uint32_t length);

uint64_t cry_fault(struct rig *r);
void cry_digest(struct rig *r, uint8_t digest[32]);

/* DIGEST reads as the digest of these bytes. */
void cry_check_digest_of(struct rig *r, const void *data, size_t length);

/* RESET, waited for; INT_STATUS is clear again. */
void cry_reset(struct rig *r);

/*
 * An encryption with cry_a_key of `length` bytes from the beginning of the input to the beginning of the output, ready
 * to be started; and the check of what came out.
 */
void cry_prepare(struct rig *r, uint32_t length);
void cry_check_encrypted(struct rig *r, uint32_t length);

/* What libcrypto computes by itself. */
void cry_sha256(struct rig *r, const void *data, size_t length, uint8_t digest[32]);
void cry_aes(struct rig *r, bool encrypt, const void *key, const void *iv, const void *in, void *out, size_t length);

/* A digest of "abc" by the window comes out right: the device works. */
void cry_check_usable(struct rig *r);

bool cry_zero(const uint8_t *at, size_t size);

/* "616263" becomes the bytes; returns how many. */
size_t cry_hex(const char *hex, uint8_t *bytes);

#endif
