/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The largest request of the crypto driver, and one byte more, on a machine with the memory for it.
 *
 *     test-large DRIVER.sys
 */
#include "rig.h"

#include "drivers/windows/crypto/stories/crypto-app.h"

static const char *driver;

static void the_largest(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);
	CRYPTO_STATISTICS statistics;
	uint8_t *data;

	(void)context;
	data = us_nt_buffer(user, CRYPTO_MAXIMUM_REQUEST, 1);
	app_fill(data, CRYPTO_MAXIMUM_REQUEST, 1);
	app_digest(user, file, data, CRYPTO_MAXIMUM_REQUEST);
	app_statistics(user, file, &statistics);
	us_nt_expect(user, statistics.Requests == 1 && statistics.Bytes == CRYPTO_MAXIMUM_REQUEST);
}

static void one_byte_more(struct us_nt_user *user, void *context)
{
	us_nt_handle file = app_begin(user);
	CRYPTO_STATISTICS statistics;
	uint8_t *data;

	(void)context;
	data = us_nt_buffer(user, CRYPTO_MAXIMUM_REQUEST + 1, 0);
	us_nt_expect_status(user, part(user, file, CRYPTO_FIRST | CRYPTO_LAST, data, CRYPTO_MAXIMUM_REQUEST + 1),
			    STATUS_INVALID_PARAMETER);
	app_statistics(user, file, &statistics);
	us_nt_expect(user, statistics.Commands == 0 && statistics.Bytes == 0);
}

static void tell(void (*story)(struct us_nt_user *user, void *context))
{
	const struct us_rehearsal rehearsal = {
		.driver = driver, .model = "crypto", .seed = 1, .memory = (size_t)256 << 20};

	rig_tell(&rehearsal, story, NULL);
}

static void the_largest_request_is_served(void **state)
{
	(void)state;
	tell(the_largest);
}

static void a_larger_one_is_refused(void **state)
{
	(void)state;
	tell(one_byte_more);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_largest_request_is_served),
		cmocka_unit_test(a_larger_one_is_refused),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s DRIVER.sys\n", argv[0]);
		return 2;
	}
	driver = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
