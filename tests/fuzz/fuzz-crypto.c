/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crypto device under software gone wild: bytes become register accesses, lists, memory contents, resets and time.
 * Whatever they do, the device stays in a state that its specification knows, writes no memory that it may not, and
 * works after a reset; else the process aborts.
 */
#include "fake-host.h"
#include "fuzz.h"

#include "crypto.h"

#include <string.h>

struct bytes {
	const uint8_t *at;
	size_t left;
};

/* The next `n` bytes as a number; zeros when they have run out. */
static uint64_t take(struct bytes *b, unsigned n)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < n && b->left; i++, b->left--)
		value |= (uint64_t)*b->at++ << (8 * i);
	return value;
}

/* -- what software may do ----------------------------------------------------------------------------------------- */

static void write_any(struct fake_host *h, struct bytes *b)
{
	unsigned width = 1u << (take(b, 1) & 3);
	uint64_t offset = (take(b, 2) & 4095) & ~(uint64_t)(width - 1);

	us_device_write(h->dev, 0, offset, width, take(b, width));
}

static void read_any(struct fake_host *h, struct bytes *b)
{
	unsigned width = 1u << (take(b, 1) & 3);
	uint64_t offset = (take(b, 2) & 4095) & ~(uint64_t)(width - 1), value;

	CHECK(!us_device_read(h->dev, 0, offset, width, &value));
}

/* A device address in the arena, for output in its writable half; now and then anywhere. */
static uint64_t address(struct bytes *b, bool out)
{
	uint64_t from = out ? FAKE_READ_ONLY : 0;

	switch (take(b, 1)) {
	case 0:
		return take(b, 8);
	case 1:
		return FAKE_BASE + take(b, 3) % (FAKE_SIZE + 64);
	default:
		return FAKE_BASE + from + take(b, 2) % (FAKE_SIZE / 2 - 4096);
	}
}

static void put_entry(struct fake_host *h, bool out, bool window, uint32_t list, uint32_t i, uint64_t where,
		      uint32_t size)
{
	uint64_t entry = out ? CRYPTO_OUT_WINDOW_ADDRESS_LO(i % 16) : CRYPTO_IN_WINDOW_ADDRESS_LO(i % 16);

	if (window) {
		us_device_write(h->dev, 0, entry, 8, where);
		fake_host_write(h, entry + 8, size);
	} else {
		memcpy(h->memory + list + 16 * i, &where, 8);
		memcpy(h->memory + list + 16 * i + 8, &size, 4);
		memset(h->memory + list + 16 * i + 12, 0, 4);
	}
}

/* A list whose lengths add up to `total`; now and then one bit of it is wrong. */
static void make_list(struct fake_host *h, struct bytes *b, bool out, uint32_t total)
{
	uint8_t how = (uint8_t)take(b, 1);
	bool window = how & 1;
	uint32_t list = (out ? 8192 : 0) + (uint32_t)(how >> 1) * 16, n = 0;
	uint32_t mask = out ? CRYPTO_CONTROL_OUT_WINDOW_MASK : CRYPTO_CONTROL_IN_WINDOW_MASK;
	uint32_t control = fake_host_read(h, CRYPTO_CONTROL);

	while (total && n < 200) {
		uint32_t size = 1 + (uint32_t)take(b, 1) * (how & 64 ? 17 : 1);

		if (size > total || n == (window ? 15 : 199))
			size = total;
		put_entry(h, out, window, list, n++, address(b, out), size);
		total -= size;
	}
	us_device_write(h->dev, 0, out ? CRYPTO_OUT_LIST_LO : CRYPTO_IN_LIST_LO, 8, FAKE_BASE + list);
	fake_host_write(h, out ? CRYPTO_OUT_COUNT : CRYPTO_IN_COUNT, n);
	fake_host_write(h, CRYPTO_CONTROL, window ? control | mask : control & ~mask);
	if (how > 240)
		h->memory[list + take(b, 1) % 64] ^= (uint8_t)(1u << (take(b, 1) & 7));
}

/* A command as a driver gives it, most of which will run. */
static void make_command(struct fake_host *h, struct bytes *b)
{
	uint8_t code = CRYPTO_COMMAND_CODE_DIGEST + (uint8_t)(take(b, 1) % 3);
	bool digest = code == CRYPTO_COMMAND_CODE_DIGEST;
	uint32_t length = (uint32_t)take(b, 2) % 9000 & ~(digest ? 0u : 15u);

	make_list(h, b, false, length);
	make_list(h, b, true, digest ? 32 : length);
	fake_host_write(h, CRYPTO_LENGTH, length);
	fake_host_write(h, CRYPTO_COMMAND, code);
}

static void set_key(struct fake_host *h, struct bytes *b)
{
	for (unsigned i = 0; i < 8; i++) {
		fake_host_write(h, CRYPTO_KEY(i), (uint32_t)take(b, 1));
		fake_host_write(h, CRYPTO_IV(i % 4), i);
	}
}

static void reset(struct fake_host *h, struct bytes *b)
{
	us_device_reset(h->dev, take(b, 1) & 1 ? US_RESET_FLR : US_RESET_CONVENTIONAL);
	us_device_config_write(h->dev, 4, 2, 6);
}

static void step(struct fake_host *h, struct bytes *b)
{
	static const size_t reaches[] = {SIZE_MAX, 4096, 100, 15, 1, 0, 16, SIZE_MAX};

	switch (take(b, 1) % 16) {
	case 0:
		write_any(h, b);
		break;
	case 1:
		read_any(h, b);
		break;
	case 2:
	case 3:
	case 4:
		make_command(h, b);
		break;
	case 5:
		make_list(h, b, take(b, 1) & 1, (uint32_t)take(b, 2) % 3000);
		break;
	case 6:
		fake_host_write(h, CRYPTO_COMMAND, 2 + (uint32_t)take(b, 1) % 3);
		break;
	case 7:
		fake_host_write(h, CRYPTO_CONTROL, (uint32_t)take(b, 1));
		break;
	case 8:
		fake_host_write(h, CRYPTO_COMMAND, (uint32_t)take(b, 1) % 8);
		break;
	case 9:
	case 10:
		fake_host_run(h, take(b, 2));
		break;
	case 11:
		us_device_config_write(h->dev, (uint32_t)take(b, 1) & ~3u, 4, (uint32_t)take(b, 4));
		break;
	case 12:
		us_device_config_write(h->dev, 4, 2, take(b, 1) < 250 ? 6 : (uint32_t)take(b, 1));
		break;
	case 13:
		h->reach = reaches[take(b, 1) % 8];
		break;
	case 14:
		set_key(h, b);
		break;
	default:
		if (take(b, 1) < 40)
			reset(h, b);
	}
}

/* -- what must hold ----------------------------------------------------------------------------------------------- */

static void check(struct fake_host *h)
{
	uint32_t status = fake_host_read(h, CRYPTO_STATUS), activity = status & 7;

	if (status == UINT32_MAX)
		return; /* memory space is off, or D3hot */
	CHECK(activity == 1 || activity == 2 || activity == 4);
	CHECK(!(status & ~0x77u));
	for (uint64_t reg = CRYPTO_KEY(0); reg < CRYPTO_IV(0) + 16; reg += 4)
		CHECK(!fake_host_read(h, reg));
	CHECK(fake_host_read(h, CRYPTO_BYTES_DONE) <= fake_host_read(h, CRYPTO_MAX_LENGTH));
}

static void check_works(struct fake_host *h)
{
	us_device_reset(h->dev, US_RESET_CONVENTIONAL);
	us_device_config_write(h->dev, 4, 2, 6);
	memcpy(h->memory, "abc", 3);
	us_device_write(h->dev, 0, CRYPTO_IN_WINDOW_ADDRESS_LO(0), 8, FAKE_BASE);
	fake_host_write(h, CRYPTO_IN_WINDOW_LENGTH(0), 3);
	fake_host_write(h, CRYPTO_CONTROL, 0x13);
	fake_host_write(h, CRYPTO_IN_COUNT, 1);
	fake_host_write(h, CRYPTO_LENGTH, 3);
	fake_host_write(h, CRYPTO_COMMAND, CRYPTO_COMMAND_CODE_DIGEST);
	fake_host_run(h, 2002);
	CHECK(fake_host_read(h, CRYPTO_INT_STATUS) == CRYPTO_INT_STATUS_DONE_MASK);
	CHECK(fake_host_read(h, CRYPTO_DIGEST(0)) == 0xbf1678ba);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b = {data, size};
	struct fake_host *h = calloc(1, sizeof *h);

	CHECK(h);
	fake_host_open(h);
	while (b.left) {
		step(h, &b);
		check(h);
	}
	fake_host_run(h, 2000000);
	check(h);
	check_works(h);
	fake_host_close(h);
	free(h);
	return 0;
}
