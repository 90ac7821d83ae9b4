/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transport without a device: the driver's contract (public.h) in a process, the cryptography done by bcrypt.dll, one
 * request after another on a thread of its own, as the device does. It never looks at a clock: a message that is open
 * is given up as soon as another handle waits and its own has sent nothing.
 *
 * What is wrong with it is a list of words, taken from the environment variable CRYPTO_FAKE when it is first opened:
 *
 *     absent denied           it can not be opened
 *     null                    it computes nothing, for speed
 *     hang                    data requests end by being cancelled only
 *     fail=N                  the Nth data request (from 1) ends with ERROR_IO_DEVICE
 *     lost=N                  the Nth data request finds its message given up
 *     old                     answers are shorter than they should be
 *
 * and defects, for the self-test to find: flip spill cut onekey anylength anystruct anycode anyorder nochain
 * cancelbad cancelkills nostat.
 */
#ifndef FAKE_H
#define FAKE_H

#include <windows.h>

/* Instead of the environment: from now on it has these faults, and counts its requests from 0. */
void fake_set(const char *words);

/* Requests in flight, and handles that are open. */
unsigned fake_in_flight(void);
unsigned fake_open(void);

/* Requests that ended when nobody waited any more: their event was gone, and so may be their memory. */
unsigned fake_forgotten(void);

/* Bytes of data that were sent to it. */
ULONG64 fake_bytes(void);

#endif
