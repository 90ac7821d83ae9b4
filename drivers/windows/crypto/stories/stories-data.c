/* SPDX-License-Identifier: Apache-2.0 */
/* Stories of one application and its data: every control code, against libcrypto, around every boundary. */
#include "stories.h"

static void published_vectors(struct us_nt_user *user, void *context)
{
	/* FIPS 180-4: "abc"; SP 800-38A, F.2.5: the first block of CBC-AES256. */
	static const uint8_t abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
				      0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
				      0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
	static const CRYPTO_KEY_VALUE key = {{0x60, 0x3d, 0xeb, 0x10, 0x15, 0xca, 0x71, 0xbe, 0x2b, 0x73, 0xae,
					      0xf0, 0x85, 0x7d, 0x77, 0x81, 0x1f, 0x35, 0x2c, 0x07, 0x3b, 0x61,
					      0x08, 0xd7, 0x2d, 0x98, 0x10, 0xa3, 0x09, 0x14, 0xdf, 0xf4}};
	static const CRYPTO_CIPHER iv = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};
	static const uint8_t plain[] = {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96,
					0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a};
	static const uint8_t secret[] = {0xf5, 0x8c, 0x4c, 0x04, 0xd6, 0xe5, 0xf1, 0xba,
					 0x77, 0x9e, 0xab, 0xfb, 0x5f, 0x7b, 0xfb, 0xd6};
	us_nt_handle file = app_begin(user);
	uint8_t digest[CRYPTO_DIGEST_BYTES], block[16];

	(void)context;
	us_nt_expect_status(user, part(user, file, CRYPTO_FIRST | CRYPTO_LAST, "abc", 3), STATUS_SUCCESS);
	us_nt_expect_status(user, get_digest(user, file, digest), STATUS_SUCCESS);
	us_nt_expect(user, memcmp(digest, abc, sizeof(abc)) == 0);

	us_nt_expect_status(user, us_nt_control(user, file, IOCTL_CRYPTO_SET_KEY, &key, sizeof(key), NULL, 0, NULL),
			    STATUS_SUCCESS);
	memcpy(block, plain, sizeof(block));
	us_nt_expect_status(
		user, us_nt_control(user, file, IOCTL_CRYPTO_ENCRYPT, &iv, sizeof(iv), block, sizeof(block), NULL),
		STATUS_SUCCESS);
	us_nt_expect(user, memcmp(block, secret, sizeof(block)) == 0);
	us_nt_expect_status(
		user, us_nt_control(user, file, IOCTL_CRYPTO_DECRYPT, &iv, sizeof(iv), block, sizeof(block), NULL),
		STATUS_SUCCESS);
	us_nt_expect(user, memcmp(block, plain, sizeof(block)) == 0);
}

/* Lengths around blocks of the digest, pages, and the number of entries that fit a window; from each kind of offset. */
static const uint32_t boundaries[] = {0,    1,    55,   56,    63,    64,    65,    4095,  4096,      4097,
				      8191, 8192, 8193, 16384, 20480, 20481, 65536, 65537, 131072 - 1};
static const uint32_t offsets[] = {0, 1, 15, 16, 2048, 4080, 4095};

static void digest_boundaries(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);

	(void)context;
	for (size_t i = 0; i < ARRAY_SIZE(boundaries); i++)
		for (size_t n = 0; n < ARRAY_SIZE(offsets); n++) {
			uint8_t *data = us_nt_buffer(user, boundaries[i] + 1, offsets[n]);

			app_fill(data, boundaries[i], boundaries[i]);
			app_digest(user, file, data, boundaries[i]);
			us_nt_buffer_free(user, data);
		}
}

static void cipher_boundaries(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);

	(void)context;
	app_set_key(user, file, 3);
	for (size_t i = 0; i < ARRAY_SIZE(boundaries); i++)
		for (size_t n = 0; n < ARRAY_SIZE(offsets); n++) {
			size_t size = (boundaries[i] + 15) / 16 * 16;
			uint8_t *data;

			if (!size)
				continue;
			data = us_nt_buffer(user, size, offsets[n]);
			app_fill(data, size, boundaries[i]);
			app_cipher(user, file, true, 3, data, size);
			app_cipher(user, file, false, 3, data, size);
			us_nt_buffer_free(user, data);
		}
}

/* More than one command can take: the driver splits it. A digest of more: a_large_request(). */
static void more_than_a_command(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);
	CRYPTO_STATISTICS statistics;
	CRYPTO_INFO info;
	uint8_t *data;
	size_t size;

	(void)context;
	app_info(user, file, &info);
	size = info.MaximumCommand + 2 * PAGE;
	data = us_nt_buffer(user, size, 16);
	app_fill(data, size, 1);
	app_set_key(user, file, 5);
	app_cipher(user, file, true, 5, data, size);
	app_statistics(user, file, &statistics);
	us_nt_expect(user, statistics.Commands >= 2);
	us_nt_expect(user, statistics.Bytes == size);
}

/* Three commands. The largest request of all takes a larger machine: tests/nt/test-large.c. */
static void a_large_request(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);
	CRYPTO_STATISTICS statistics;
	CRYPTO_INFO info;
	uint8_t *data;
	size_t size;

	(void)context;
	app_info(user, file, &info);
	size = 2 * (size_t)info.MaximumCommand + 1;
	data = us_nt_buffer(user, size, 4095);
	app_fill(data, size, 2);
	app_digest(user, file, data, size);
	app_statistics(user, file, &statistics);
	us_nt_expect(user, statistics.Requests == 1 && statistics.Commands >= 3 && statistics.Bytes == size);
}

/* What has few fragments goes through the register window, the rest through a list in memory; both ways are right. */
static void small_through_the_window(struct us_nt_user *user, void *context)
{
	static const struct {
		size_t size, offset;
		bool window;
	} requests[] = {
		{16, 0, true},        {4 * PAGE, 0, true},   {PAGE, 16, true},     {4 * PAGE, 16, false},
		{5 * PAGE, 0, false}, {64 * PAGE, 0, false}, {16, PAGE - 1, true},
	};
	us_nt_handle file = app_begin(user);
	CRYPTO_STATISTICS before, after;

	(void)context;
	app_set_key(user, file, 4);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		uint8_t *data = us_nt_buffer(user, requests[i].size, requests[i].offset);

		app_fill(data, requests[i].size, (uint32_t)i);
		app_statistics(user, file, &before);
		app_cipher(user, file, true, 4, data, requests[i].size);
		app_digest(user, file, data, requests[i].size);
		app_statistics(user, file, &after);
		us_nt_expect(user, after.Commands - before.Commands == 2);
		us_nt_expect(user, after.WindowCommands - before.WindowCommands == (requests[i].window ? 2 : 0));
		us_nt_buffer_free(user, data);
	}
}

/* What a handle was opened for is what it may be used for. */
static void access_rights(struct us_nt_user *user, void *context)
{
	us_nt_handle reader = app_begin(user), writer = app_open(user, US_NT_WRITE), nobody = app_open(user, 0);
	us_nt_status status;
	CRYPTO_INFO info;

	(void)context;
	us_nt_expect_status(user, us_nt_control(user, reader, IOCTL_CRYPTO_RESET, NULL, 0, NULL, 0, NULL),
			    STATUS_ACCESS_DENIED);
	us_nt_expect_status(user, us_nt_control(user, writer, IOCTL_CRYPTO_RESET, NULL, 0, NULL, 0, NULL),
			    STATUS_SUCCESS);
	status = us_nt_control(user, writer, IOCTL_CRYPTO_GET_INFO, NULL, 0, &info, sizeof(info), NULL);
	us_nt_expect_status(user, status, STATUS_ACCESS_DENIED);
	us_nt_expect_status(user, part(user, nobody, CRYPTO_FIRST | CRYPTO_LAST, "abc", 3), STATUS_ACCESS_DENIED);
	status = us_nt_control(user, nobody, IOCTL_CRYPTO_GET_STATISTICS, NULL, 0, &info, sizeof(info), NULL);
	us_nt_expect_status(user, status, STATUS_ACCESS_DENIED);
	app_all_is_well(user, reader);
}

static void a_message_in_parts(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);
	uint8_t *data = us_nt_buffer(user, 5 * PAGE, 100), got[CRYPTO_DIGEST_BYTES], right[CRYPTO_DIGEST_BYTES];
	size_t at = 0, left = 5 * PAGE;
	ULONG flags = CRYPTO_FIRST;

	(void)context;
	app_fill(data, left, 1);
	while (left) {
		size_t size = us_nt_chance(user, 3) ? us_nt_chance(user, (uint32_t)left + 1) : left;

		if (size == left)
			flags |= CRYPTO_LAST;
		us_nt_expect_status(user, part(user, file, flags, data + at, size), STATUS_SUCCESS);
		at += size;
		left -= size;
		flags = 0;
	}
	us_nt_expect_status(user, get_digest(user, file, got), STATUS_SUCCESS);
	right_digest(data, 5 * PAGE, right);
	us_nt_expect(user, memcmp(got, right, sizeof(got)) == 0);
}

static void a_part_that_keeps_others_waiting(struct us_nt_user *user, void *context)
{
	us_nt_handle slow = app_begin(user), other = app_open(user, US_NT_READ);
	struct work work;

	(void)context;
	us_nt_expect_status(user, part(user, slow, CRYPTO_FIRST, "slow", 4), STATUS_SUCCESS);
	start_digest(user, &work, other, CRYPTO_FIRST | CRYPTO_LAST, 1000, 0);
	us_nt_advance(user, 500 * (uint64_t)MILLISECOND);
	us_nt_expect(user, !us_nt_has_ended(user, &work.io)); /* it is still the slow one's */
	us_nt_expect_status(user, end_work(user, &work), STATUS_SUCCESS);
	us_nt_expect_status(user, part(user, slow, CRYPTO_LAST, "ly", 2), STATUS_INVALID_DEVICE_STATE);
	app_all_is_well(user, slow);
}

static void what_is_refused(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);
	uint8_t data[64] = {0}, iv[CRYPTO_BLOCK_BYTES + 1] = {0}, key[CRYPTO_KEY_BYTES + 1] = {0};
	ULONG flags = 4;
	const struct {
		ULONG code;
		const void *in;
		size_t in_size;
		void *out;
		size_t out_size;
		us_nt_status status;
	} wrong[] = {
		{IOCTL_CRYPTO_GET_INFO, NULL, 0, data, sizeof(CRYPTO_INFO) - 1, STATUS_BUFFER_TOO_SMALL},
		{IOCTL_CRYPTO_GET_STATISTICS, NULL, 0, data, 8, STATUS_BUFFER_TOO_SMALL},
		{IOCTL_CRYPTO_GET_DIGEST, NULL, 0, data, 31, STATUS_BUFFER_TOO_SMALL},
		{IOCTL_CRYPTO_GET_DIGEST, NULL, 0, data, 32, STATUS_INVALID_DEVICE_STATE},
		{IOCTL_CRYPTO_SET_KEY, key, CRYPTO_KEY_BYTES - 1, NULL, 0, STATUS_INVALID_PARAMETER},
		{IOCTL_CRYPTO_SET_KEY, key, CRYPTO_KEY_BYTES + 1, NULL, 0, STATUS_INVALID_PARAMETER},
		{IOCTL_CRYPTO_SET_KEY, NULL, 0, NULL, 0, STATUS_INVALID_PARAMETER},
		{IOCTL_CRYPTO_ENCRYPT, iv, CRYPTO_BLOCK_BYTES, data, 16, STATUS_INVALID_DEVICE_STATE}, /* no key yet */
		{IOCTL_CRYPTO_ENCRYPT, iv, CRYPTO_BLOCK_BYTES, data, 0, STATUS_INVALID_PARAMETER},
		{IOCTL_CRYPTO_ENCRYPT, iv, CRYPTO_BLOCK_BYTES, data, 15, STATUS_INVALID_PARAMETER},
		{IOCTL_CRYPTO_DECRYPT, iv, CRYPTO_BLOCK_BYTES, data, 17, STATUS_INVALID_PARAMETER},
		{IOCTL_CRYPTO_DECRYPT, iv, CRYPTO_BLOCK_BYTES + 1, data, 16, STATUS_INVALID_PARAMETER},
		{IOCTL_CRYPTO_DIGEST, &flags, sizeof(flags), data, 16, STATUS_INVALID_PARAMETER},
		{IOCTL_CRYPTO_DIGEST, NULL, 0, data, 16, STATUS_INVALID_PARAMETER},
		{IOCTL_CRYPTO_RESET, NULL, 0, NULL, 0, STATUS_ACCESS_DENIED}, /* opened for reading */
		{CRYPTO_CODE(100, METHOD_BUFFERED, FILE_READ_ACCESS), NULL, 0, NULL, 0, STATUS_INVALID_DEVICE_REQUEST},
	};

	(void)context;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		us_nt_expect_status(user,
				    us_nt_control(user, file, wrong[i].code, wrong[i].in, wrong[i].in_size,
						  wrong[i].out, wrong[i].out_size, NULL),
				    wrong[i].status);
	app_all_is_well(user, file);
}

/* However a request ends, whoever has it then: no memory is given back with its key. */
static void keys_are_wiped(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);
	struct work work[6];
	uint8_t key[CRYPTO_KEY_BYTES];

	(void)context;
	right_key(key, 200);
	us_nt_secret(user, key, sizeof(key));
	app_set_key(user, file, 200);
	for (unsigned i = 0; i < ARRAY_SIZE(work); i++)
		start_cipher(user, &work[i], file, i % 2, 200, 16 * (1 + us_nt_chance(user, 2000)), 0);
	us_nt_cancel(user, &work[us_nt_chance(user, ARRAY_SIZE(work))].io);
	us_nt_advance(user, us_nt_chance(user, 20) * MICROSECOND);
	us_nt_cancel(user, &work[us_nt_chance(user, ARRAY_SIZE(work))].io);
	if (us_nt_chance(user, 2))
		us_nt_close(user, file);
	for (unsigned i = 0; i < ARRAY_SIZE(work); i++)
		end_work(user, &work[i]);
}

static void keys_are_the_handles(struct us_nt_user *user, void *context)
{
	us_nt_handle one = app_begin(user), two = app_open(user, US_NT_READ), three = app_open(user, US_NT_READ);
	uint8_t data[256];
	CRYPTO_CIPHER iv = {{0}};

	(void)context;
	app_set_key(user, one, 1);
	app_set_key(user, two, 2);
	for (unsigned i = 0; i < 4; i++) {
		app_fill(data, sizeof(data), i);
		app_cipher(user, one, true, 1, data, sizeof(data));
		app_cipher(user, two, false, 2, data, sizeof(data));
		us_nt_expect_status(
			user,
			us_nt_control(user, three, IOCTL_CRYPTO_ENCRYPT, &iv, sizeof(iv), data, sizeof(data), NULL),
			STATUS_INVALID_DEVICE_STATE);
	}
	us_nt_close(user, one);
	one = app_open(user, US_NT_READ);
	us_nt_expect_status(user,
			    us_nt_control(user, one, IOCTL_CRYPTO_ENCRYPT, &iv, sizeof(iv), data, sizeof(data), NULL),
			    STATUS_INVALID_DEVICE_STATE);
}

/* Each way in which interrupts can be granted. */
static void granted(struct us_nt_user *user, ULONG interrupts, ULONG messages)
{
	us_nt_handle file = app_begin(user);
	CRYPTO_STATISTICS statistics;
	CRYPTO_INFO info;

	app_info(user, file, &info);
	us_nt_expect(user, info.Interrupts == interrupts && info.Messages == messages);
	us_nt_expect(user, info.DeviceVersion != 0 && info.MaximumRequest == CRYPTO_MAXIMUM_REQUEST);
	for (unsigned i = 0; i < 3; i++)
		app_all_is_well(user, file);
	app_statistics(user, file, &statistics);
	us_nt_expect(user, statistics.Interrupts > 0 && statistics.Failed == 0 && statistics.TimedOut == 0);
	us_nt_expect(user, statistics.Requests == 9);
}

static void with_the_line(struct us_nt_user *user, void *context)
{
	(void)context;
	granted(user, CryptoInterruptsLine, 0);
}

/* The other device on the line pulls it all the time: the driver claims its own interrupts, one a command, and no more.
 */
static void anothers_interrupts(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);
	CRYPTO_STATISTICS statistics;

	(void)context;
	for (unsigned i = 0; i < 20; i++) {
		us_nt_advance(user, us_nt_chance(user, 30) * MICROSECOND);
		app_digest(user, file, "shared", i % 7);
	}
	us_nt_advance(user, MILLISECOND);
	app_statistics(user, file, &statistics);
	us_nt_expect(user, statistics.Commands == 20 && statistics.Interrupts == 20);
}

static void with_one_message(struct us_nt_user *user, void *context)
{
	(void)context;
	granted(user, CryptoInterruptsOneMessage, 1);
}

static void with_two_messages(struct us_nt_user *user, void *context)
{
	(void)context;
	granted(user, CryptoInterruptsOneMessage, 2);
}

static void with_four_messages(struct us_nt_user *user, void *context)
{
	(void)context;
	granted(user, CryptoInterruptsMessages, 4);
}

const struct us_story crypto_data_stories[] = {
	{"data.published-vectors", published_vectors, 0, 0, 0},
	{"data.digest-boundaries", digest_boundaries, US_STORY_ONCE, 0, 0},
	{"data.cipher-boundaries", cipher_boundaries, US_STORY_ONCE, 0, 0},
	{"data.more-than-a-command", more_than_a_command, US_STORY_ONCE, 0, 0},
	{"data.a-large-request", a_large_request, US_STORY_ONCE, 0, 0},
	{"data.small-through-the-window", small_through_the_window, US_STORY_ONCE, 0, 0},
	{"data.access-rights", access_rights, US_STORY_ONCE, 0, 0},
	{"data.a-message-in-parts", a_message_in_parts, 0, 0, 0},
	{"data.a-part-that-keeps-others-waiting", a_part_that_keeps_others_waiting, US_STORY_VIRTUAL_TIME, 0, 0},
	{"data.what-is-refused", what_is_refused, 0, 0, 0},
	{"data.keys-are-the-handles", keys_are_the_handles, 0, 0, 0},
	{"data.keys-are-wiped", keys_are_wiped, 0, 0, 0},
	{"interrupts.line", with_the_line, US_STORY_OWN_GRANT, US_NT_GRANT_LINE, 0},
	{"interrupts.line.anothers", anothers_interrupts, US_STORY_OWN_GRANT, US_NT_GRANT_LINE, 0},
	{"interrupts.msi-1", with_one_message, US_STORY_OWN_GRANT, US_NT_GRANT_MSI, 1},
	{"interrupts.msi-2", with_two_messages, US_STORY_OWN_GRANT, US_NT_GRANT_MSI, 2},
	{"interrupts.msi-4", with_four_messages, US_STORY_OWN_GRANT, US_NT_GRANT_MSI, 4},
	{"interrupts.msix-1", with_one_message, US_STORY_OWN_GRANT, US_NT_GRANT_MSIX, 1},
	{"interrupts.msix-4", with_four_messages, US_STORY_OWN_GRANT, US_NT_GRANT_MSIX, 4},
	{NULL, NULL, 0, 0, 0},
};
