/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of cryptoctl share: its verbs, its options, and how a device is opened. A verb is one file.
 */
#ifndef CRYPTO_TOOL_H
#define CRYPTO_TOOL_H

#include "client.h"
#include "word.h"

/* Exit statuses. */
enum { DONE = 0, FAILED = 1, MISUSED = 2 };

struct options {
	ULONG64 device; /* number */
	ULONG64 size, seconds, depth; /* of bench */
	struct word key, iv; /* text NULL: not given */
	const struct word *operands;
	unsigned count; /* of them */
};

/* Bits of the options that a verb knows beside --device and --help. */
enum { TAKES_KEY = 1, TAKES_BENCH = 2 };

struct verb {
	const char *name, *operands, *summary;
	const char *help; /* what is more to say */
	unsigned takes; /* TAKES_… */
	unsigned minimum, maximum; /* operands */
	int (*run)(const struct options *options); /* returns the exit status */
};

/* Set when the user presses Ctrl-C: what is under way ends with ERROR_OPERATION_ABORTED. */
extern HANDLE interrupted;

/*
 * Understands what follows the verb: `options` gets defaults and what was given, its operands come first in `words`,
 * which is reordered. Complains and returns FALSE when it can not be understood.
 */
BOOL parse_options(const struct verb *verb, struct word *words, unsigned count, struct options *options);

/* A number with K, M or G (1024, ...) after it. FALSE: it is none, or over the maximum. */
BOOL parse_number(const char *text, ULONG64 maximum, ULONG64 *number);

/* Exactly so many bytes as hexadecimal digits. */
BOOL parse_hex(const char *text, UCHAR *bytes, unsigned count);

/* Opens the device that the options name, or complains. The caller closes it. */
BOOL open_client(const struct options *options, struct crypto_client **client);

/* Complains that the device failed, with what can be done about it. */
void complain_of_device(DWORD error);

int run_info(const struct options *options);
int run_stat(const struct options *options);
int run_reset(const struct options *options);
int run_digest(const struct options *options);
int run_encrypt(const struct options *options);
int run_decrypt(const struct options *options);
int run_selftest(const struct options *options);
int run_bench(const struct options *options);

#endif
