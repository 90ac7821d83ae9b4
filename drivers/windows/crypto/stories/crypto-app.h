/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An application of the crypto driver, as its stories play one: the control codes of public.h, and what libcrypto says they
 * have to answer. Functions whose name begins with app_ expect success, and end the run otherwise.
 */
#ifndef DRIVERS_WINDOWS_CRYPTO_APP_H
#define DRIVERS_WINDOWS_CRYPTO_APP_H

#include "nt/ntdefs.h"

#include <understudy/nt.h>

#include "drivers/windows/crypto/public.h"
#include "right.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum { MICROSECOND = 1000, MILLISECOND = 1000000, SECOND = 1000000000 };

#define PAGE 4096u

/* Plugs the device in and opens it. */
us_nt_handle app_begin(struct us_nt_user *user);
us_nt_handle app_open(struct us_nt_user *user, int access);

void app_info(struct us_nt_user *user, us_nt_handle file, CRYPTO_INFO *info);
void app_statistics(struct us_nt_user *user, us_nt_handle file, CRYPTO_STATISTICS *statistics);

/* Sets the key of that number (right.h). */
void app_set_key(struct us_nt_user *user, us_nt_handle file, uint8_t number);

/* Bytes that differ everywhere, by a number and chance-free. */
void app_fill(uint8_t *data, size_t size, uint32_t number);

/* A part of a message; 0 is the status of success. */
us_nt_status part(struct us_nt_user *user, us_nt_handle file, ULONG flags, const void *data, size_t size);
us_nt_status get_digest(struct us_nt_user *user, us_nt_handle file, uint8_t digest[CRYPTO_DIGEST_BYTES]);

/* A whole message, whose digest has to be right. */
void app_digest(struct us_nt_user *user, us_nt_handle file, const void *data, size_t size);

/* In place; the result has to be right. The handle's key is of that number. */
void app_cipher(struct us_nt_user *user, us_nt_handle file, bool encrypt, uint8_t key_number, void *data, size_t size);

/* The same begun, and checked by end_work() when it has ended well. */
struct work {
	struct us_nt_io io;
	bool encrypt;
	uint8_t key_number, iv[CRYPTO_BLOCK_BYTES];
	CRYPTO_CIPHER in;
	CRYPTO_MESSAGE_PART flags;
	uint8_t *data, *right;
	size_t size;
};
void start_cipher(struct us_nt_user *user, struct work *work, us_nt_handle file, bool encrypt, uint8_t key_number, size_t size,
		  size_t offset);
void start_digest(struct us_nt_user *user, struct work *work, us_nt_handle file, ULONG flags, size_t size, size_t offset);

/* Waits for it: its status. When that is success the data has to be right; gives the memory back. */
us_nt_status end_work(struct us_nt_user *user, struct work *work);

/* A driver that is well does these. */
void app_all_is_well(struct us_nt_user *user, us_nt_handle file);

#endif
