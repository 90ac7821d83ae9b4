/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Software gone wild: bytes become register accesses, lists, memory contents, resets and time. Whatever they do, the
 * device stays in a state that its specification knows, writes no memory it may not, and works after a reset; else
 * the process aborts. The bytes come from libFuzzer (tests/fuzz) or from a seeded generator (test-fuzz.c).
 */
#ifndef DEVICES_CRYPTO_FUZZ_H
#define DEVICES_CRYPTO_FUZZ_H

#include <stddef.h>
#include <stdint.h>

void crypto_fuzz(const uint8_t *bytes, size_t size);

#endif
