/* SPDX-License-Identifier: Apache-2.0 */
#include "digests.h"

#include "bench.h"

#include "drivers/windows/crypto/stories/crypto-app.h"
#include "nt/stories.h"

void digests(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);
	void *data = us_nt_buffer(user, DIGEST_BYTES, 0);

	for (unsigned n = *(const unsigned *)context; n--;)
		us_nt_expect_status(user, part(user, file, CRYPTO_FIRST | CRYPTO_LAST, data, DIGEST_BYTES), STATUS_SUCCESS);
}

unsigned tell_suite(const char *driver, struct us_function *fn)
{
	FILE *nowhere = fopen("/dev/null", "w");
	const struct us_telling telling = {
		.rehearsal = {.driver = driver, .function = fn},
		.first_seed = 1,
		.last_seed = 1,
		.tap = nowhere,
	};
	struct us_telling_result result;
	struct us_error err;

	if (!nowhere || us_stories_tell(&telling, us_stories_find("crypto"), &result, &err))
		bench_fail("the suite was not told");
	if (result.failed)
		bench_fail("%u stories of the suite failed", result.failed);
	fclose(nowhere);
	return result.passed + result.skipped;
}

void digest_directly(const void *data)
{
	uint8_t digest[CRYPTO_DIGEST_BYTES];

	right_digest(data, DIGEST_BYTES, digest);
}
