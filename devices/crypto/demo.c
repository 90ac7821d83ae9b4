/* SPDX-License-Identifier: Apache-2.0 */
/*
 * understudy-demo TARGET: shows the crypto device at work, on the model, on a socket, or through a kernel's own PCI,
 * IOMMU and interrupt code. Three rounds, one for each way of interrupting; each checks the device's results against
 * the published vectors of FIPS 180-4 and SP 800-38A. Exit status 0: all was right; 1: something was not; 2: wrong
 * usage.
 */
#include "demo-driver.h"

#include "crypto.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLAIN UINT64_C(0x100000000) /* device addresses: above 4 GiB, where a 32-bit address would not do */
#define WORK UINT64_C(0x200000000)
#define BIG (16 << 20)
#define VECTOR 64 /* bytes of the vectors of SP 800-38A */
#define MILLION 1000000

struct demo {
	struct drive drive;
	uint8_t *plain, *work; /* what lies at PLAIN and WORK */
	bool terminal;
};

struct round {
	const char *name;
	enum us_irq_kind kind[2]; /* wanted, and what will do where the system does not grant that */
	unsigned count;
};

static const struct round rounds[] = {
	{"the interrupt line", {US_INTX, US_INTX}, 1},
	{"one message", {US_MSI, US_MSI}, 1},
	{"four messages", {US_MSI, US_MSIX}, 4},
};

#define ROUNDS (sizeof rounds / sizeof *rounds)

/* SHA-256 of "abc", of the two-block message and of a million letters a (FIPS 180-4). */
static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
static const char digest_abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char digest_two_blocks[] = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1";
static const char digest_million[] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

/* AES-256-CBC (SP 800-38A, F.2.5) */
static const char aes_key[] = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
static const char aes_iv[] = "000102030405060708090a0b0c0d0e0f";
static const char aes_plain[] = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
				"30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
static const char aes_cipher[] = "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
				 "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b";

static void from_hex(const char *hex, uint8_t *bytes)
{
	for (; *hex; hex += 2) {
		char pair[3] = {hex[0], hex[1], '\0'};

		*bytes++ = (uint8_t)strtoul(pair, NULL, 16);
	}
}

/* One line that is written over on a terminal, a line each elsewhere. */
static void progress(const struct demo *demo, const char *round, const char *what)
{
	if (demo->terminal)
		printf("\r\033[K%s: %s", round, what);
	else
		printf("%s: %s\n", round, what);
	fflush(stdout);
}

static void progress_over(const struct demo *demo)
{
	if (demo->terminal)
		printf("\r\033[K");
	fflush(stdout);
}

/* -- what a round does -------------------------------------------------------------------------------------------- */

static int check_digest(struct demo *demo, const char *expected, const char *of)
{
	uint8_t digest[32], bytes[32];

	drive_digest(&demo->drive, digest);
	from_hex(expected, bytes);
	if (memcmp(digest, bytes, sizeof digest))
		return drive_fail(&demo->drive, "the digest of %s is not the published one", of);
	return 0;
}

static int digest_messages(struct demo *demo)
{
	struct drive *d = &demo->drive;

	memcpy(demo->work, "abc", 3);
	if (drive_small(d, CRYPTO_COMMAND_CODE_DIGEST, WORK, 0, 3) || check_digest(demo, digest_abc, "\"abc\""))
		return -1;
	memcpy(demo->work, two_blocks, sizeof two_blocks - 1);
	if (drive_small(d, CRYPTO_COMMAND_CODE_DIGEST, WORK, 0, sizeof two_blocks - 1) ||
	    check_digest(demo, digest_two_blocks, "the two-block message"))
		return -1;
	memset(demo->work, 'a', MILLION);
	if (drive_command(d, CRYPTO_COMMAND_CODE_DIGEST, drive_pages(d, false, WORK, MILLION, false), 0, MILLION))
		return -1;
	return check_digest(demo, digest_million, "a million letters a");
}

static int cipher_vectors(struct demo *demo)
{
	struct drive *d = &demo->drive;
	uint8_t key[32], iv[16], expected[VECTOR];

	from_hex(aes_key, key);
	from_hex(aes_iv, iv);
	from_hex(aes_cipher, expected);
	from_hex(aes_plain, demo->plain);
	drive_key(d, key, iv);
	if (drive_small(d, CRYPTO_COMMAND_CODE_ENCRYPT, PLAIN, WORK, VECTOR))
		return -1;
	if (memcmp(demo->work, expected, VECTOR))
		return drive_fail(d, "the ciphertext is not the published one");
	if (drive_small(d, CRYPTO_COMMAND_CODE_DECRYPT, WORK, WORK, VECTOR))
		return -1;
	if (memcmp(demo->work, demo->plain, VECTOR))
		return drive_fail(d, "the decrypted vector is not what was encrypted");
	return 0;
}

/* Byte `i` of what a list of pages, last page first, describes. */
static const uint8_t *backwards(const uint8_t *memory, size_t i)
{
	return memory + (BIG - 4096 - (i & ~(size_t)4095)) + (i & 4095);
}

/* 16 MiB in pages, the output's scattered: encrypted, and decrypted in place. The vector is at the beginning. */
static int cipher_pages(struct demo *demo)
{
	struct drive *d = &demo->drive;
	unsigned in = drive_pages(d, false, PLAIN, BIG, false), out = drive_pages(d, true, WORK, BIG, true);
	uint8_t expected[VECTOR];

	if (drive_command(d, CRYPTO_COMMAND_CODE_ENCRYPT, in, out, BIG))
		return -1;
	from_hex(aes_cipher, expected);
	if (memcmp(backwards(demo->work, 0), expected, VECTOR) ||
	    !memcmp(backwards(demo->work, BIG - 4096), demo->plain + BIG - 4096, 4096))
		return drive_fail(d, "16 MiB of plaintext did not become ciphertext");
	drive_pages(d, false, WORK, BIG, true);
	if (drive_command(d, CRYPTO_COMMAND_CODE_DECRYPT, in, out, BIG))
		return -1;
	for (size_t i = 0; i < BIG; i += 4096) {
		if (memcmp(backwards(demo->work, i), demo->plain + i, 4096))
			return drive_fail(d, "byte %zu and on of 16 MiB did not come back from encryption", i);
	}
	return 0;
}

/* A command that is none, and a reset: the other causes. */
static int error_and_reset(struct demo *demo)
{
	if (drive_expect(&demo->drive, 0xff, DRIVE_ERROR))
		return -1;
	return drive_expect(&demo->drive, CRYPTO_COMMAND_CODE_RESET, DRIVE_RESET_DONE);
}

static int play(struct demo *demo, const struct round *round)
{
	static const struct {
		const char *what;
		int (*function)(struct demo *demo);
	} acts[] = {
		{"digests of FIPS 180-4", digest_messages},
		{"ciphertexts of SP 800-38A", cipher_vectors},
		{"16 MiB, a fragment for each page, there and back", cipher_pages},
		{"an error, and a reset", error_and_reset},
	};
	struct drive *d = &demo->drive;

	if (drive_begin(d, round->kind[0], round->count) &&
	    (round->kind[1] == round->kind[0] || drive_begin(d, round->kind[1], round->count)))
		return -1;
	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
		progress(demo, round->name, acts[i].what);
		if (acts[i].function(demo))
			return -1;
	}
	return drive_end(d);
}

/* -- the report --------------------------------------------------------------------------------------------------- */

struct result {
	enum us_irq_kind kind;
	unsigned messages;
	uint64_t came[DRIVE_CAUSES], bytes;
};

static const char *granted(const struct result *r)
{
	if (r->kind == US_INTX)
		return "INTx, a line";
	if (r->messages == 1)
		return r->kind == US_MSI ? "MSI, 1 message" : "MSI-X, 1 message";
	return r->kind == US_MSI ? "MSI, 4 messages" : "MSI-X, 4 messages";
}

static void report(const struct result *results)
{
	printf("\n  %-20s %16s %16s %16s %14s   %s\n", "the system granted", "commands done", "commands failed",
	       "resets", "moved by DMA", "data");
	for (size_t i = 0; i < ROUNDS; i++) {
		const struct result *r = &results[i];

		printf("  %-20s %16llu %16llu %16llu %10.1f MiB   %s\n", granted(r),
		       (unsigned long long)r->came[DRIVE_DONE], (unsigned long long)r->came[DRIVE_ERROR],
		       (unsigned long long)r->came[DRIVE_RESET_DONE], (double)r->bytes / (1 << 20), "as published");
	}
	printf("\n"
	       "Each number under commands and resets is of interrupts that arrived; one command of each round was\n"
	       "wrong on purpose. \"As published\": every digest and ciphertext was that of FIPS 180-4 and SP 800-38A,\n"
	       "and 16 MiB came back from encryption and decryption unharmed.\n"
	       "\n"
	       "Where to go next: docs/crypto.md drives this device from C; devices/crypto/crypto.rdl is all that it\n"
	       "was made from, besides the model in devices/crypto/crypto.c. 'understudy serve crypto --socket PATH'\n"
	       "plays it for a QEMU of yours.\n");
}

static void fill(uint8_t *at, size_t size)
{
	uint32_t x = 2463534242;

	for (size_t i = 0; i < size; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		at[i] = (uint8_t)x;
	}
}

static int prepare(struct demo *demo, const char *target)
{
	void *plain, *work;

	if (drive_open(&demo->drive, target) || drive_memory(&demo->drive, PLAIN, BIG, &plain) ||
	    drive_memory(&demo->drive, WORK, BIG, &work))
		return -1;
	demo->plain = plain;
	demo->work = work;
	fill(demo->plain, BIG);
	return 0;
}

int main(int argc, char **argv)
{
	struct demo demo = {.terminal = isatty(STDOUT_FILENO)};
	struct result results[ROUNDS];
	int rc;

	if (argc != 2 || argv[1][0] == '-') {
		fprintf(stderr,
			"usage: understudy-demo TARGET\n"
			"TARGET is 'model', the path of a vfio-user socket, or a PCI address (0000:01:00.0) that "
			"vfio-pci has.\n");
		return 2;
	}
	rc = prepare(&demo, argv[1]);
	for (size_t i = 0; i < ROUNDS && !rc; i++) {
		rc = play(&demo, &rounds[i]);
		results[i].kind = demo.drive.kind;
		results[i].messages = demo.drive.messages;
		memcpy(results[i].came, demo.drive.came, sizeof results[i].came);
		results[i].bytes = demo.drive.bytes;
	}
	progress_over(&demo);
	if (rc)
		fprintf(stderr, "understudy-demo: %s\n", demo.drive.error);
	else
		report(results);
	drive_close(&demo.drive);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "understudy-demo: standard output could not be written\n");
		return 1;
	}
	return rc ? 1 : 0;
}
