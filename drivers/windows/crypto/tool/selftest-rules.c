/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The self-test, second half: what is refused, whose key is whose, many at once, cancellation.
 */
#include "selftest.h"

#include "reference.h"

#include <string.h>

static const UCHAR zeros[CRYPTO_KEY_BYTES];

/* -- refusals ----------------------------------------------------------------------------------------------------- */

static BOOL wrong_lengths(struct test *test)
{
	const DWORD lengths[] = {0, 1, 15, 17, 4095, CRYPTO_MAXIMUM_REQUEST + 16};
	struct crypto_client *client = test->client[0];

	if (!test_error(test, crypto_set_key(client, zeros), ERROR_SUCCESS, "a key"))
		return FALSE;
	for (unsigned i = 0; i < ARRAYSIZE(lengths); i++) {
		if (!test_error(test, test_cipher(test, client, TRUE, zeros, test->other, lengths[i]),
				ERROR_INVALID_PARAMETER, "to encrypt a wrong length") ||
		    !test_error(test, test_cipher(test, client, FALSE, zeros, test->other, lengths[i]),
				ERROR_INVALID_PARAMETER, "to decrypt a wrong length"))
			return FALSE;
	}
	return test_error(test, test_digest(test, client, CRYPTO_FIRST, test->other, CRYPTO_MAXIMUM_REQUEST + 1),
			  ERROR_INVALID_PARAMETER, "a digest of too much");
}

static BOOL wrong_structures(struct test *test)
{
	struct crypto_client *client = test->client[0];
	UCHAR input[CRYPTO_KEY_BYTES + 1] = {0};
	CRYPTO_MESSAGE_PART part = {4};

	return test_error(test, test_send(test, client, IOCTL_CRYPTO_SET_KEY, input, CRYPTO_KEY_BYTES - 1, NULL, 0),
			  ERROR_INVALID_PARAMETER, "a short key") &&
	       test_error(test, test_send(test, client, IOCTL_CRYPTO_SET_KEY, input, CRYPTO_KEY_BYTES + 1, NULL, 0),
			  ERROR_INVALID_PARAMETER, "a long key") &&
	       test_error(test, test_send(test, client, IOCTL_CRYPTO_ENCRYPT, input, 15, test->other, 16),
			  ERROR_INVALID_PARAMETER, "a short vector") &&
	       test_error(test, test_send(test, client, IOCTL_CRYPTO_DIGEST, &part, sizeof(part), test->other, 16),
			  ERROR_INVALID_PARAMETER, "an unknown flag") &&
	       test_error(test, test_send(test, client, IOCTL_CRYPTO_GET_INFO, NULL, 0, input, sizeof(CRYPTO_INFO) - 1),
			  ERROR_INSUFFICIENT_BUFFER, "little room for information");
}

static BOOL unknown_requests(struct test *test)
{
	return test_error(test,
			  test_send(test, test->client[0], CRYPTO_CODE(77, METHOD_BUFFERED, FILE_READ_ACCESS), NULL, 0,
				    NULL, 0),
			  ERROR_INVALID_FUNCTION, "an unknown code") &&
	       test_error(test, test_send(test, test->client[0], IOCTL_CRYPTO_RESET, NULL, 0, NULL, 0),
			  ERROR_ACCESS_DENIED, "a reset by a handle that may not");
}

static BOOL out_of_order(struct test *test)
{
	UCHAR digest[CRYPTO_DIGEST_BYTES];

	return test_error(test, crypto_get_digest(test->client[0], digest), ERROR_BAD_COMMAND,
			  "the digest of no message") &&
	       test_error(test, test_digest(test, test->client[0], 0, test->data, 64), ERROR_BAD_COMMAND,
			  "a part that continues nothing") &&
	       test_error(test, test_digest(test, test->client[0], CRYPTO_FIRST, test->data, 64), ERROR_SUCCESS,
			  "a first part") &&
	       test_error(test, crypto_get_digest(test->client[0], digest), ERROR_BAD_COMMAND,
			  "the digest of half a message");
}

/* -- keys --------------------------------------------------------------------------------------------------------- */

static BOOL keys_are_their_handles(struct test *test)
{
	UCHAR data[16] = {0}, wanted[16] = {0}, other[CRYPTO_KEY_BYTES] = {1};

	if (!test_error(test, crypto_set_key(test->client[0], zeros), ERROR_SUCCESS, "a key") ||
	    !test_error(test, test_cipher(test, test->client[1], TRUE, zeros, data, sizeof(data)), ERROR_BAD_COMMAND,
			"a cipher without a key") ||
	    !test_error(test, crypto_set_key(test->client[1], other), ERROR_SUCCESS, "another key") ||
	    !test_error(test, test_cipher(test, test->client[0], TRUE, zeros, data, sizeof(data)), ERROR_SUCCESS,
			"a cipher with the first"))
		return FALSE;
	if (!reference_cipher(TRUE, zeros, zeros, wanted, sizeof(wanted)))
		return test_failed(test, "Windows can not encrypt what is to be compared with");
	return memcmp(data, wanted, sizeof(data)) == 0 || test_failed(test, "the key of another handle was used");
}

static BOOL keys_serve_later_requests(struct test *test)
{
	UCHAR wanted[64] = {0}, other[CRYPTO_KEY_BYTES] = {1};
	DWORD error = crypto_set_key(test->client[0], zeros);

	memset(test->other, 0, 128);
	if (!error)
		error = crypto_start_cipher(test->client[0], &test->request[0], TRUE, zeros, test->other, 64);
	if (!error)
		error = crypto_set_key(test->client[0], other);
	if (!error)
		error = test_finish(test, test->client[0], &test->request[0]);
	if (!test_error(test, error, ERROR_SUCCESS, "a cipher"))
		return FALSE;
	if (!reference_cipher(TRUE, zeros, zeros, wanted, sizeof(wanted)))
		return test_failed(test, "Windows can not encrypt what is to be compared with");
	return memcmp(test->other, wanted, sizeof(wanted)) == 0 ||
	       test_failed(test, "a key that came after the request was used");
}

/* -- many at once ------------------------------------------------------------------------------------------------- */

#define LANE (1u << 18) /* bytes of memory of each request */

static DWORD lane_size(unsigned i)
{
	return 16 * (1 + i * 509 % (LANE / 16));
}

/* Request i belongs to handle i % TEST_HANDLES, whose key has that seed. */
static BOOL lane_is_right(struct test *test, unsigned i)
{
	UCHAR key[CRYPTO_KEY_BYTES];

	test_noise(key, sizeof(key), 1000 + i % TEST_HANDLES);
	if (!reference_cipher(FALSE, key, zeros, test->other + i * LANE, lane_size(i)))
		return test_failed(test, "Windows can not decrypt what is to be compared with");
	return memcmp(test->other + i * LANE, test->data + i * LANE, lane_size(i)) == 0 ||
	       test_failed(test, "request %u of %u was encrypted wrongly", i + 1, TEST_REQUESTS);
}

static DWORD start_lanes(struct test *test)
{
	UCHAR key[CRYPTO_KEY_BYTES];
	DWORD error = ERROR_SUCCESS;

	for (unsigned i = 0; i < TEST_HANDLES && !error; i++) {
		test_noise(key, sizeof(key), 1000 + i);
		error = crypto_set_key(test->client[i], key);
	}
	for (unsigned i = 0; i < TEST_REQUESTS && !error; i++) {
		memcpy(test->other + i * LANE, test->data + i * LANE, LANE);
		error = crypto_start_cipher(test->client[i % TEST_HANDLES], &test->request[i], TRUE, zeros,
					    test->other + i * LANE, lane_size(i));
	}
	return error;
}

static BOOL many_at_once(struct test *test)
{
	DWORD error = start_lanes(test);

	for (unsigned i = 0; i < TEST_REQUESTS && !error; i++)
		error = test_finish(test, test->client[i % TEST_HANDLES], &test->request[i]);
	if (!test_error(test, error, ERROR_SUCCESS, "many requests of many handles"))
		return FALSE;
	for (unsigned i = 0; i < TEST_REQUESTS; i++)
		if (!lane_is_right(test, i))
			return FALSE;
	return TRUE;
}

/* A request that was cancelled either ends as cancelled, or was quicker: then its data is right. */
static BOOL cancelled(struct test *test)
{
	DWORD error = start_lanes(test);

	if (!test_error(test, error, ERROR_SUCCESS, "many requests"))
		return FALSE;
	for (unsigned i = TEST_REQUESTS; i-- > 0;)
		if (i % 3 != 1)
			crypto_cancel(test->client[i % TEST_HANDLES], &test->request[i]);
	for (unsigned i = 0; i < TEST_REQUESTS; i++) {
		error = test_finish(test, test->client[i % TEST_HANDLES], &test->request[i]);
		if (i % 3 != 1 && error == ERROR_OPERATION_ABORTED)
			continue;
		if (!test_error(test, error, ERROR_SUCCESS, "a request beside cancelled ones") ||
		    !lane_is_right(test, i))
			return FALSE;
	}
	return many_at_once(test);
}

/* A long request is cancelled when it is probably on the hardware. */
static BOOL cancelled_on_the_hardware(struct test *test)
{
	for (DWORD wait = 0; wait < 8; wait++) {
		DWORD error = crypto_start_digest(test->client[0], &test->request[0], CRYPTO_FIRST | CRYPTO_LAST,
						  test->data, test->info.MaximumRequest);

		if (!test_error(test, error, ERROR_SUCCESS, "a long request"))
			return FALSE;
		Sleep(wait);
		crypto_cancel(test->client[0], &test->request[0]);
		error = test_finish(test, test->client[0], &test->request[0]);
		if (error != ERROR_OPERATION_ABORTED && !test_error(test, error, ERROR_SUCCESS, "a cancelled request"))
			return FALSE;
	}
	return many_at_once(test);
}

static BOOL a_message_waits_for_nobody(struct test *test)
{
	UCHAR data[16] = {0};

	/* Its handle never sends the rest. */
	return test_error(test, crypto_set_key(test->client[1], zeros), ERROR_SUCCESS, "a key") &&
	       test_error(test, test_digest(test, test->client[0], CRYPTO_FIRST, test->data, 64), ERROR_SUCCESS,
			  "a first part") &&
	       test_error(test, test_cipher(test, test->client[1], TRUE, zeros, data, sizeof(data)), ERROR_SUCCESS,
			  "another handle's cipher") &&
	       test_error(test, test_digest(test, test->client[0], CRYPTO_LAST, test->data, 64), ERROR_BAD_COMMAND,
			  "a part that comes too late");
}

static BOOL requests_are_counted(struct test *test)
{
	CRYPTO_STATISTICS before, after;

	if (!test_error(test, crypto_get_statistics(test->client[0], &before), ERROR_SUCCESS, "statistics") ||
	    !test_error(test, test_digest(test, test->client[0], CRYPTO_FIRST | CRYPTO_LAST, test->data, 4096),
			ERROR_SUCCESS, "a digest") ||
	    !test_error(test, crypto_get_statistics(test->client[0], &after), ERROR_SUCCESS, "statistics"))
		return FALSE;
	/* Others may use the device at the same time. */
	return (after.Requests > before.Requests && after.Bytes >= before.Bytes + 4096 &&
		after.Commands > before.Commands && after.Interrupts > before.Interrupts) ||
	       test_failed(test, "requests %llu, bytes %llu, commands %llu, interrupts %llu more",
			   after.Requests - before.Requests, after.Bytes - before.Bytes,
			   after.Commands - before.Commands, after.Interrupts - before.Interrupts);
}

const struct test_case test_rules[] = {
	{"lengths that can not be are refused", wrong_lengths},
	{"structures that are not as they should be are refused", wrong_structures},
	{"requests that are unknown or not allowed are refused", unknown_requests},
	{"requests out of order are refused", out_of_order},
	{"the key of one handle serves no other", keys_are_their_handles},
	{"a key serves the requests that come after it", keys_serve_later_requests},
	{"many requests of many handles are served, each with its key", many_at_once},
	{"cancelled requests end, and the others are served", cancelled},
	{"a request that is cancelled on the hardware ends, and the device goes on", cancelled_on_the_hardware},
	{"a message that is not continued keeps nobody waiting for long", a_message_waits_for_nobody},
	{"requests are counted", requests_are_counted},
	{NULL, NULL},
};
