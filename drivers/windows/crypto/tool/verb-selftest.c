/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cryptoctl selftest: the frame of the self-test. Its tests are in selftest-values.c and selftest-rules.c.
 */
#include "tool.h"

#include "say.h"
#include "selftest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE 120000 /* milliseconds; the driver's own limit for a command is 10 s, and some wait for others */

BOOL test_failed(struct test *test, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(test->why, sizeof(test->why), format, arguments);
	va_end(arguments);
	return FALSE;
}

BOOL test_error(struct test *test, DWORD error, DWORD wanted, const char *what)
{
	char got[100], other[100];

	if (error == wanted)
		return TRUE;
	return test_failed(test, "%s: %s, not %s", what, error_text(error, got, sizeof(got)),
			   error_text(wanted, other, sizeof(other)));
}

DWORD test_finish(struct test *test, struct crypto_client *client, struct crypto_request *request)
{
	DWORD error = crypto_finish(client, request, interrupted, PATIENCE);

	if (error == WAIT_TIMEOUT) {
		say("Bail out! A request has not ended after two minutes. %s\n", test->why);
		ExitProcess(FAILED);
	}
	return error;
}

DWORD test_send(struct test *test, struct crypto_client *client, DWORD code, void *input, DWORD input_size, void *data,
		DWORD data_size)
{
	DWORD error = crypto_start(client, &test->request[0], code, input, input_size, data, data_size);

	return error ? error : test_finish(test, client, &test->request[0]);
}

DWORD test_cipher(struct test *test, struct crypto_client *client, BOOL encrypt, const UCHAR iv[16], void *data,
		  DWORD size)
{
	DWORD error = crypto_start_cipher(client, &test->request[0], encrypt, iv, data, size);

	return error ? error : test_finish(test, client, &test->request[0]);
}

DWORD test_digest(struct test *test, struct crypto_client *client, ULONG flags, void *data, DWORD size)
{
	DWORD error = crypto_start_digest(client, &test->request[0], flags, data, size);

	return error ? error : test_finish(test, client, &test->request[0]);
}

void test_noise(void *data, DWORD size, ULONG seed)
{
	ULONG64 state = 0x9E3779B97F4A7C15u * (seed + 1);
	UCHAR *bytes = data;

	for (DWORD i = 0; i < size; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		bytes[i] = (UCHAR)(state >> 56);
	}
}

DWORD test_size(const struct test *test, unsigned number)
{
	const DWORD sizes[] = {1,
			       15,
			       16,
			       17,
			       55,
			       56,
			       63,
			       64,
			       65,
			       255,
			       256,
			       4080,
			       4095,
			       4096,
			       4097,
			       8192,
			       16 * 4096 - 16,
			       16 * 4096,
			       16 * 4096 + 16,
			       1 << 20,
			       (1 << 20) + 4112,
			       test->info.MaximumCommand - 16,
			       test->info.MaximumCommand,
			       test->info.MaximumCommand + 16};

	return number < ARRAYSIZE(sizes) ? sizes[number] : 0;
}

/* -- running ------------------------------------------------------------------------------------------------------ */

static DWORD open_handles(struct test *test)
{
	DWORD error = ERROR_SUCCESS;

	for (unsigned i = 0; i < TEST_HANDLES && !error; i++)
		error = crypto_open(test->device, FALSE, &test->client[i]);
	return error;
}

static void close_handles(struct test *test)
{
	for (unsigned i = 0; i < TEST_HANDLES; i++) {
		crypto_close(test->client[i]);
		test->client[i] = NULL;
	}
}

/* A test that failed may have left requests in flight, which use our memory. */
static void end_requests(struct test *test)
{
	for (unsigned i = 0; i < TEST_REQUESTS; i++) {
		if (!test->request[i].started)
			continue;
		for (unsigned c = 0; c < TEST_HANDLES; c++)
			crypto_cancel(test->client[c], &test->request[i]);
		if (WaitForSingleObject(test->request[i].overlapped.hEvent, PATIENCE) != WAIT_OBJECT_0) {
			say("Bail out! A cancelled request has not ended after two minutes.\n");
			ExitProcess(FAILED);
		}
		test->request[i].started = FALSE;
	}
}

static BOOL run_case(struct test *test, const struct test_case *the)
{
	BOOL passed = FALSE;
	DWORD error;

	test->why[0] = '\0';
	test_noise(test->data, 1 << 16, 1);
	error = open_handles(test);
	if (error)
		test_error(test, error, ERROR_SUCCESS, "opening the device");
	else
		passed = the->run(test);
	end_requests(test);
	close_handles(test);
	return passed && WaitForSingleObject(interrupted, 0) != WAIT_OBJECT_0;
}

/* How many there are, and the one of that number, from 1; NULL: none. */
static const struct test_case *find_case(unsigned number, unsigned *count)
{
	static const struct test_case *const halves[] = {test_values, test_rules};
	const struct test_case *found = NULL;

	*count = 0;
	for (unsigned i = 0; i < ARRAYSIZE(halves); i++)
		for (const struct test_case *the = halves[i]; the->sentence; the++)
			if (++*count == number)
				found = the;
	return found;
}

/* Runs test `number` as the `nth` one. */
static BOOL run_and_say(struct test *test, unsigned number, unsigned nth)
{
	unsigned count;
	const struct test_case *the = find_case(number, &count);
	BOOL passed = run_case(test, the);

	say("%sok %u - %s\n", passed ? "" : "not ", nth, the->sentence);
	if (!passed)
		say("# %s\n", test->why);
	if (WaitForSingleObject(interrupted, 0) == WAIT_OBJECT_0) {
		say("Bail out! Interrupted.\n");
		ExitProcess(FAILED);
	}
	return passed;
}

/* The test of an operand; 0: after a complaint. */
static unsigned test_of(const struct word *word)
{
	unsigned count;
	ULONG64 number;

	if (parse_number(word->text, 1000, &number) && find_case((unsigned)number, &count))
		return (unsigned)number;
	find_case(0, &count);
	complain("there is no test %s; they are 1 to %u", word->text, count);
	return 0;
}

static BOOL prepare(struct test *test)
{
	const SIZE_T size = CRYPTO_MAXIMUM_REQUEST + 4096;

	test->data = VirtualAlloc(NULL, size, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
	test->other = VirtualAlloc(NULL, size, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
	for (unsigned i = 0; i < TEST_REQUESTS; i++)
		if (crypto_request_create(&test->request[i]))
			return FALSE;
	if (!test->data || !test->other)
		return FALSE;
	test_noise(test->data, CRYPTO_MAXIMUM_REQUEST + 4096, 1);
	return TRUE;
}

static int run_tests(struct test *test, const struct options *options)
{
	unsigned count, failed = 0;

	find_case(0, &count);
	if (options->count)
		count = options->count;
	say("TAP version 13\n");
	for (unsigned i = 0; i < count; i++)
		failed += !run_and_say(test, options->count ? test_of(&options->operands[i]) : i + 1, i + 1);
	say("1..%u\n", count);
	if (failed)
		complain("%u of %u tests failed", failed, count);
	return failed ? FAILED : DONE;
}

int run_selftest(const struct options *options)
{
	static struct test test;
	struct crypto_client *client;
	DWORD error;

	for (unsigned i = 0; i < options->count; i++)
		if (!test_of(&options->operands[i]))
			return MISUSED;
	if (!open_client(options, &client))
		return FAILED;
	error = crypto_get_info(client, &test.info);
	crypto_close(client);
	if (error) {
		complain_of_device(error);
		return FAILED;
	}
	test.device = (unsigned)options->device;
	if (!prepare(&test)) {
		complain("no memory: the self-test needs 128 MiB");
		return FAILED;
	}
	return run_tests(&test, options);
}
