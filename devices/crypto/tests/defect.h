/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crypto device with a mistake, one at a time, for testing its conformance tests. Nothing in the shipped model
 * knows of it: the linker puts a function of ours (--wrap) before each one with which the model's files call the
 * library, libcrypto and one another, and a defect replaces some of them. It may also change the map that is played,
 * stand in for the model's own functions, and bend what the seam lets through.
 */
#ifndef DEVICES_CRYPTO_TESTS_DEFECT_H
#define DEVICES_CRYPTO_TESTS_DEFECT_H

#include "command.h"
#include "conform/suite.h"
#include "crypto.h"
#include "function/player.h"

#include <understudy/device.h>

/* What is wrapped: return type, name, parameters, arguments (V: without a result). The original is __real_NAME. */
#define CRYPTO_WRAPPED(X, V)                                                                                           \
	X(uint64_t, us_get, (struct us_device * dev, us_addr reg), (dev, reg))                                         \
	X(uint64_t, us_get_field, (struct us_device * dev, us_addr reg, uint64_t mask), (dev, reg, mask))              \
	V(us_set, (struct us_device * dev, us_addr reg, uint64_t value), (dev, reg, value))                            \
	V(us_set_field, (struct us_device * dev, us_addr reg, uint64_t mask, uint64_t value), (dev, reg, mask, value)) \
	V(us_raise, (struct us_device * dev, us_addr reg, uint64_t bits), (dev, reg, bits))                            \
	X(int, us_dma_read, (struct us_device * dev, uint64_t addr, void *buffer, size_t length, uint64_t *fault),     \
	  (dev, addr, buffer, length, fault))                                                                          \
	X(int, us_dma_write,                                                                                           \
	  (struct us_device * dev, uint64_t addr, const void *buffer, size_t length, uint64_t *fault),                 \
	  (dev, addr, buffer, length, fault))                                                                          \
	X(void *, us_dma_map,                                                                                          \
	  (struct us_device * dev, uint64_t addr, size_t * length, enum us_dma_direction direction),                   \
	  (dev, addr, length, direction))                                                                              \
	X(int, us_job_start, (struct us_device * dev, struct us_job * job, uint64_t delay), (dev, job, delay))         \
	V(us_job_stop, (struct us_device * dev, struct us_job * job), (dev, job))                                      \
	V(us_timer_start, (struct us_device * dev, struct us_timer * timer, uint64_t delay), (dev, timer, delay))      \
	V(OPENSSL_cleanse, (void *at, size_t size), (at, size))                                                        \
	X(uint8_t, crypto_list_load,                                                                                   \
	  (struct us_device * dev, struct crypto_list * list, uint64_t total, uint64_t * fault),                       \
	  (dev, list, total, fault))                                                                                   \
	X(int, crypto_scatter,                                                                                         \
	  (struct us_device * dev, struct crypto_cursor * to, const void *buffer, uint32_t length, uint64_t *fault),   \
	  (dev, to, buffer, length, fault))                                                                            \
	X(uint64_t, crypto_command_step,                                                                               \
	  (struct us_device * dev, struct crypto_command * c, struct crypto_digest * digest,                           \
	   struct crypto_cipher * cipher, bool *finished),                                                             \
	  (dev, c, digest, cipher, finished))                                                                          \
	X(bool, crypto_digest_update, (struct crypto_digest * d, const void *data, size_t length), (d, data, length))  \
	X(bool, crypto_cipher_begin, (struct crypto_cipher * c, bool encrypt, const uint8_t *key, const uint8_t *iv),  \
	  (c, encrypt, key, iv))                                                                                       \
	X(bool, crypto_cipher_update, (struct crypto_cipher * c, const void *in, void *out, size_t length),            \
	  (c, in, out, length))

#define CRYPTO_DECLARE(type, name, parameters, arguments) type __real_##name parameters;
#define CRYPTO_DECLARE_VOID(name, parameters, arguments) void __real_##name parameters;
CRYPTO_WRAPPED(CRYPTO_DECLARE, CRYPTO_DECLARE_VOID)

/* The map that is played: a copy to change. */
struct played {
	struct us_map map;
	struct us_reg *regs;
	struct us_field *fields;
};

/* A field of it by its names. */
struct us_field *played_field(struct played *played, const char *reg, const char *field);

#define CRYPTO_MEMBER(type, name, parameters, arguments) type(*name) parameters;
#define CRYPTO_MEMBER_VOID(name, parameters, arguments) void(*name) parameters;

struct defect {
	const char *what;
	const char *finds; /* the test that must fail, after "crypto." */

	/* Each NULL where there is nothing wrong. */
	void (*map)(struct played *played);
	void (*bend)(struct us_player *player); /* replaces functions of the player */
	void (*written)(struct us_device *dev, const struct us_write *w); /* these three stand in for the model's own */
	void (*reading)(struct us_device *dev, us_addr reg);
	void (*was_reset)(struct us_device *dev, enum us_reset kind);
	CRYPTO_WRAPPED(CRYPTO_MEMBER, CRYPTO_MEMBER_VOID)
};

/* What a user of the device sees of it, and how a command does its work; in each the last has no name. */
extern const struct defect outer_defects[], work_defects[];

/* The model without defects, and its player before `bend`: what replacements call. */
extern const struct us_model us_crypto_model;
extern const struct us_player *straight;

/* What replacements remember over calls begins anew: called whenever a function is opened. */
void outer_defects_forget(void);
void work_defects_forget(void);

/* A target that plays the device with this defect; NULL: without any. One at a time. */
struct us_suite_target defect_target(const struct defect *defect);

#endif
