/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto-app.h"

#include <stdlib.h>

void app_fill(uint8_t *data, size_t size, uint32_t number)
{
	uint64_t x = number * UINT64_C(0x9e3779b97f4a7c15) + 1;

	for (size_t at = 0; at < size; at += sizeof(x)) { /* xorshift64 (Marsaglia) */
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(data + at, &x, size - at < sizeof(x) ? size - at : sizeof(x));
	}
}

/* -- requests ----------------------------------------------------------------------------------------------------- */

us_nt_handle app_open(struct us_nt_user *user, int access)
{
	us_nt_status status;
	us_nt_handle file = us_nt_open(user, access, &status);

	us_nt_expect_status(user, status, STATUS_SUCCESS);
	return file;
}

us_nt_handle app_begin(struct us_nt_user *user)
{
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
	return app_open(user, US_NT_READ);
}

void app_info(struct us_nt_user *user, us_nt_handle file, CRYPTO_INFO *info)
{
	uint64_t returned;

	us_nt_expect_status(user,
			    us_nt_control(user, file, IOCTL_CRYPTO_GET_INFO, NULL, 0, info, sizeof(*info), &returned),
			    STATUS_SUCCESS);
	us_nt_expect(user, returned == sizeof(*info));
}

void app_statistics(struct us_nt_user *user, us_nt_handle file, CRYPTO_STATISTICS *statistics)
{
	uint64_t returned;

	us_nt_expect_status(user,
			    us_nt_control(user, file, IOCTL_CRYPTO_GET_STATISTICS, NULL, 0, statistics,
					  sizeof(*statistics), &returned),
			    STATUS_SUCCESS);
	us_nt_expect(user, returned == sizeof(*statistics));
}

void app_set_key(struct us_nt_user *user, us_nt_handle file, uint8_t number)
{
	CRYPTO_KEY_VALUE value;

	right_key(value.Key, number);
	us_nt_expect_status(user, us_nt_control(user, file, IOCTL_CRYPTO_SET_KEY, &value, sizeof(value), NULL, 0, NULL),
			    STATUS_SUCCESS);
}

us_nt_status part(struct us_nt_user *user, us_nt_handle file, ULONG flags, const void *data, size_t size)
{
	CRYPTO_MESSAGE_PART in = {flags};

	return us_nt_control(user, file, IOCTL_CRYPTO_DIGEST, &in, sizeof(in), (void *)(uintptr_t)data, size, NULL);
}

us_nt_status get_digest(struct us_nt_user *user, us_nt_handle file, uint8_t digest[CRYPTO_DIGEST_BYTES])
{
	return us_nt_control(user, file, IOCTL_CRYPTO_GET_DIGEST, NULL, 0, digest, CRYPTO_DIGEST_BYTES, NULL);
}

void app_digest(struct us_nt_user *user, us_nt_handle file, const void *data, size_t size)
{
	uint8_t got[CRYPTO_DIGEST_BYTES], right[CRYPTO_DIGEST_BYTES];

	us_nt_expect_status(user, part(user, file, CRYPTO_FIRST | CRYPTO_LAST, data, size), STATUS_SUCCESS);
	us_nt_expect_status(user, get_digest(user, file, got), STATUS_SUCCESS);
	right_digest(data, size, right);
	us_nt_expect(user, memcmp(got, right, sizeof(got)) == 0);
}

void app_cipher(struct us_nt_user *user, us_nt_handle file, bool encrypt, uint8_t key_number, void *data, size_t size)
{
	CRYPTO_CIPHER in;
	static uint8_t *right; /* kept for the next: a run can end anywhere, and nobody frees then */
	uint64_t returned;

	right = realloc(right, size);
	us_nt_expect(user, right);
	app_fill(in.Iv, sizeof(in.Iv), key_number);
	memcpy(right, data, size);
	right_cipher(encrypt, key_number, in.Iv, right, size);
	us_nt_expect_status(user,
			    us_nt_control(user, file, encrypt ? IOCTL_CRYPTO_ENCRYPT : IOCTL_CRYPTO_DECRYPT, &in,
					  sizeof(in), data, size, &returned),
			    STATUS_SUCCESS);
	us_nt_expect(user, returned == size && memcmp(data, right, size) == 0);
}

/* -- several at once ---------------------------------------------------------------------------------------------- */

void start_cipher(struct us_nt_user *user, struct work *work, us_nt_handle file, bool encrypt, uint8_t key_number,
		  size_t size, size_t offset)
{
	*work = (struct work){.encrypt = encrypt, .key_number = key_number, .size = size};
	work->data = us_nt_buffer(user, size, offset);
	work->right = us_nt_buffer(user, size, 0);
	app_fill(work->data, size, (uint32_t)size + key_number);
	app_fill(work->in.Iv, sizeof(work->in.Iv), key_number);
	memcpy(work->right, work->data, size);
	right_cipher(encrypt, key_number, work->in.Iv, work->right, size);
	us_nt_start_control(user, &work->io, file, encrypt ? IOCTL_CRYPTO_ENCRYPT : IOCTL_CRYPTO_DECRYPT, &work->in,
			    sizeof(work->in), work->data, size);
}

void start_digest(struct us_nt_user *user, struct work *work, us_nt_handle file, ULONG flags, size_t size,
		  size_t offset)
{
	*work = (struct work){.flags = {flags}, .size = size};
	if (size) {
		work->data = us_nt_buffer(user, size, offset);
		work->right = us_nt_buffer(user, size, 0);
		app_fill(work->data, size, (uint32_t)size);
		memcpy(work->right, work->data, size);
	}
	us_nt_start_control(user, &work->io, file, IOCTL_CRYPTO_DIGEST, &work->flags, sizeof(work->flags), work->data,
			    size);
}

us_nt_status end_work(struct us_nt_user *user, struct work *work)
{
	us_nt_status status = us_nt_wait(user, &work->io, US_FOREVER);

	if (status == STATUS_SUCCESS) {
		us_nt_expect(user, work->io.information == work->size);
		us_nt_expect(user, !work->size || memcmp(work->data, work->right, work->size) == 0);
	} else {
		us_nt_expect(user, work->io.information == 0);
	}
	if (work->data)
		us_nt_buffer_free(user, work->data);
	if (work->right)
		us_nt_buffer_free(user, work->right);
	return status;
}

void app_all_is_well(struct us_nt_user *user, us_nt_handle file)
{
	uint8_t data[3 * CRYPTO_BLOCK_BYTES];

	app_fill(data, sizeof(data), 7);
	app_digest(user, file, data, sizeof(data));
	app_set_key(user, file, 9);
	app_cipher(user, file, true, 9, data, sizeof(data));
	app_cipher(user, file, false, 9, data, sizeof(data));
}
