/* SPDX-License-Identifier: Apache-2.0 */
/* What an application does in the measurements of the stage. (Windows' headers and libcrypto's do not go into one file.) */
#ifndef TESTS_BENCH_DIGESTS_H
#define TESTS_BENCH_DIGESTS_H

#include <understudy/nt.h>

#define DIGEST_BYTES 4096u

/* A story: the device in, a handle, `*(unsigned *)context` digests of DIGEST_BYTES, each a request; the stage tells the end. */
void digests(struct us_nt_user *user, void *context);

/* The crypto driver's suite with one seed, on a function that is open. The number of stories, all of which passed. */
unsigned tell_suite(const char *driver, struct us_function *fn);

/* The same digest by libcrypto. */
void digest_directly(const void *data);

#endif
