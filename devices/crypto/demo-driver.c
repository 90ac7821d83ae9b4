/* SPDX-License-Identifier: Apache-2.0 */
#include "demo-driver.h"

#include "crypto.h"

#include <endian.h>
#include <stdarg.h>
#include <string.h>

#define LISTS UINT64_C(0x300000000) /* device address of the lists */
#define PAGE 4096
#define MASTER 4 /* Bus Master Enable in the PCI command register (PCI 3.0, 6.2.2) */
#define PATIENCE UINT64_C(10000000000) /* ns to wait for an interrupt: the longest command takes a few ms */

int drive_fail(struct drive *d, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(d->error, sizeof d->error, format, args);
	va_end(args);
	return -1;
}

static int fn_failed(struct drive *d)
{
	return drive_fail(d, "%s", us_fn_error(d->fn));
}

static uint32_t get(struct drive *d, uint64_t reg)
{
	return us_fn_read32(d->fn, US_REGION_BAR0, reg);
}

static void put(struct drive *d, uint64_t reg, uint32_t value)
{
	us_fn_write32(d->fn, US_REGION_BAR0, reg, value);
}

static void put64(struct drive *d, uint64_t low, uint64_t high, uint64_t value)
{
	put(d, low, (uint32_t)value);
	put(d, high, (uint32_t)(value >> 32));
}

/* -- bring-up ----------------------------------------------------------------------------------------------------- */

/* The IDs say whose function it is, ID that the BAR holds what is expected, VERSION that its registers mean it. */
static int identify(struct drive *d)
{
	const struct us_function_info *info = us_fn_info(d->fn);
	uint32_t id = get(d, CRYPTO_ID), version = get(d, CRYPTO_VERSION);

	if (info->vendor_id != CRYPTO_PCI_VENDOR_ID || info->device_id != CRYPTO_PCI_DEVICE_ID)
		return drive_fail(d, "the function is %04x:%04x and not the crypto device, 1234:c0de", info->vendor_id,
				  info->device_id);
	if (id != CRYPTO_ID_MAGIC_CRYP)
		return drive_fail(d, "ID reads as 0x%08x and not as 0x%08x: BAR0 is not that of the crypto device", id,
				  CRYPTO_ID_MAGIC_CRYP);
	if (version >> CRYPTO_VERSION_MAJOR_SHIFT != 1)
		return drive_fail(d, "the device follows version %u of its specification; this program knows version 1",
				  version >> CRYPTO_VERSION_MAJOR_SHIFT);
	return 0;
}

int drive_open(struct drive *d, const char *target)
{
	struct us_error err;
	void *memory;

	if (us_fn_open(target, "crypto", &d->fn, &err))
		return drive_fail(d, "%s", err.text);
	if (identify(d) || drive_memory(d, LISTS, 2 * DRIVE_LIST * sizeof *d->list, &memory))
		return -1;
	d->list = memory;
	return 0;
}

void drive_close(struct drive *d)
{
	us_fn_close(d->fn);
}

int drive_memory(struct drive *d, uint64_t at, size_t size, void **memory)
{
	return us_fn_dma_alloc(d->fn, at, size, US_FN_DMA_READ | US_FN_DMA_WRITE, memory) ? fn_failed(d) : 0;
}

static int bus_master(struct drive *d)
{
	uint64_t command;

	if (us_fn_read(d->fn, US_REGION_CONFIG, 4, 2, &command) ||
	    us_fn_write(d->fn, US_REGION_CONFIG, 4, 2, command | MASTER))
		return fn_failed(d);
	return 0;
}

int drive_begin(struct drive *d, enum us_irq_kind kind, unsigned count)
{
	memset(d->came, 0, sizeof d->came);
	d->bytes = 0;
	if (us_fn_reset(d->fn))
		return fn_failed(d);
	if (bus_master(d))
		return -1;
	if (us_fn_irq_enable(d->fn, kind, count))
		return fn_failed(d);
	d->kind = kind;
	d->messages = count;
	put(d, CRYPTO_INT_ENABLE,
	    CRYPTO_INT_ENABLE_DONE_MASK | CRYPTO_INT_ENABLE_ERROR_MASK | CRYPTO_INT_ENABLE_RESET_DONE_MASK |
		    CRYPTO_INT_ENABLE_REFUSED_MASK);
	return 0;
}

int drive_end(struct drive *d)
{
	put(d, CRYPTO_INT_ENABLE, 0);
	return us_fn_irq_disable(d->fn, d->kind) ? fn_failed(d) : 0;
}

/* -- interrupts --------------------------------------------------------------------------------------------------- */

/* With a message for each cause the number says it all: not one register is read. */
static int wait_numbered(struct drive *d)
{
	unsigned n;
	int rc = us_fn_irq_wait_any(d->fn, PATIENCE, &n, NULL);

	if (rc < 0)
		return fn_failed(d);
	return rc ? (int)(1u << n) : 0;
}

/* With the line or a single message the status says why; it is cleared before the line is let through again. */
static int wait_shared(struct drive *d)
{
	int rc = us_fn_irq_wait(d->fn, d->kind, 0, PATIENCE, NULL);
	uint32_t causes;

	if (rc < 0)
		return fn_failed(d);
	if (!rc)
		return 0;
	causes = get(d, CRYPTO_INT_STATUS);
	put(d, CRYPTO_INT_STATUS, causes);
	if (d->kind == US_INTX && us_fn_irq_unmask(d->fn, US_INTX, 0))
		return fn_failed(d);
	return (int)causes;
}

/* Waits for an interrupt, counts its causes, and makes sure that it was `cause`, and that alone. */
static int wait_for(struct drive *d, enum drive_cause cause)
{
	int causes = d->messages > 1 ? wait_numbered(d) : wait_shared(d);

	if (causes < 0)
		return -1;
	if (!causes)
		return drive_fail(d, "no interrupt came in %u s; STATUS is 0x%x, INT_STATUS 0x%x",
				  (unsigned)(PATIENCE / 1000000000), get(d, CRYPTO_STATUS), get(d, CRYPTO_INT_STATUS));
	for (unsigned i = 0; i < DRIVE_CAUSES; i++)
		d->came[i] += causes >> i & 1;
	if (causes == 1 << cause)
		return 0;
	if (causes & 1 << DRIVE_ERROR)
		return drive_fail(d, "the command ended with ERROR 0x%x, FAULT 0x%x%08x", get(d, CRYPTO_ERROR),
				  get(d, CRYPTO_FAULT_HI), get(d, CRYPTO_FAULT_LO));
	return drive_fail(d, "the interrupt had the causes 0x%x where 0x%x was expected", (unsigned)causes,
			  1u << cause);
}

/* -- commands ----------------------------------------------------------------------------------------------------- */

void drive_key(struct drive *d, const uint8_t key[32], const uint8_t iv[16])
{
	uint32_t word;

	for (unsigned i = 0; i < CRYPTO_KEY_COUNT; i++) {
		memcpy(&word, key + 4 * i, 4);
		put(d, CRYPTO_KEY(i), le32toh(word));
	}
	for (unsigned i = 0; i < CRYPTO_IV_COUNT; i++) {
		memcpy(&word, iv + 4 * i, 4);
		put(d, CRYPTO_IV(i), le32toh(word));
	}
}

unsigned drive_pages(struct drive *d, bool out, uint64_t at, uint32_t size, bool backwards)
{
	struct drive_entry *list = d->list + (out ? DRIVE_LIST : 0);
	unsigned n = (size + PAGE - 1) / PAGE;

	for (unsigned i = 0; i < n; i++) {
		unsigned page = backwards ? n - 1 - i : i;

		list[i] = (struct drive_entry){htole64(at + (uint64_t)page * PAGE), htole32(PAGE), 0};
	}
	if (size % PAGE)
		list[n - 1].length = htole32(size % PAGE);
	return n;
}

int drive_expect(struct drive *d, uint8_t code, enum drive_cause cause)
{
	put(d, CRYPTO_COMMAND, code);
	return wait_for(d, cause);
}

static int run(struct drive *d, uint8_t code, uint32_t length)
{
	put(d, CRYPTO_LENGTH, length);
	d->bytes += code == CRYPTO_COMMAND_CODE_DIGEST ? length : 2 * (uint64_t)length;
	return drive_expect(d, code, DRIVE_DONE);
}

int drive_command(struct drive *d, uint8_t code, unsigned ins, unsigned outs, uint32_t length)
{
	put64(d, CRYPTO_IN_LIST_LO, CRYPTO_IN_LIST_HI, LISTS);
	put64(d, CRYPTO_OUT_LIST_LO, CRYPTO_OUT_LIST_HI, LISTS + DRIVE_LIST * sizeof *d->list);
	put(d, CRYPTO_IN_COUNT, ins);
	put(d, CRYPTO_OUT_COUNT, outs);
	put(d, CRYPTO_CONTROL, CRYPTO_CONTROL_FIRST_MASK | CRYPTO_CONTROL_LAST_MASK);
	d->bytes += (ins + outs) * sizeof *d->list;
	return run(d, code, length);
}

int drive_small(struct drive *d, uint8_t code, uint64_t from, uint64_t to, uint32_t length)
{
	put64(d, CRYPTO_IN_WINDOW_ADDRESS_LO(0), CRYPTO_IN_WINDOW_ADDRESS_HI(0), from);
	put(d, CRYPTO_IN_WINDOW_LENGTH(0), length);
	put64(d, CRYPTO_OUT_WINDOW_ADDRESS_LO(0), CRYPTO_OUT_WINDOW_ADDRESS_HI(0), to);
	put(d, CRYPTO_OUT_WINDOW_LENGTH(0), length);
	put(d, CRYPTO_IN_COUNT, 1);
	put(d, CRYPTO_OUT_COUNT, to ? 1 : 0);
	put(d, CRYPTO_CONTROL,
	    CRYPTO_CONTROL_FIRST_MASK | CRYPTO_CONTROL_LAST_MASK | CRYPTO_CONTROL_IN_WINDOW_MASK |
		    CRYPTO_CONTROL_OUT_WINDOW_MASK);
	return run(d, code, length);
}

void drive_digest(struct drive *d, uint8_t digest[32])
{
	for (unsigned i = 0; i < CRYPTO_DIGEST_COUNT; i++) {
		uint32_t word = htole32(get(d, CRYPTO_DIGEST(i)));

		memcpy(digest + 4 * i, &word, 4);
	}
}
