/* SPDX-License-Identifier: Apache-2.0 */
/* The vfio-user player and our own vfio-user server: the tests every target passes, over a socket. */
#include "body.h"
#include "device.h"

#include "vfio-user/server.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/understudy-served-XXXXXX";
static char path[64];
static struct us_server *server;
static pthread_t thread;

static void *serve(void *ctx)
{
	us_server_run(ctx);
	return NULL;
}

static void stop(void)
{
	us_server_stop(server);
	pthread_join(thread, NULL);
	us_server_destroy(server);
	server = NULL;
}

static int start(struct us_error *err)
{
	const struct us_server_options options = {.poll = US_SERVER_POLL_DEFAULT, .quiet = true};
	struct us_served *served;
	int rc = us_server_create(&options, &server, err);

	if (!rc && !(rc = us_server_add(server, &t_model, "seamtest", &served, err)))
		rc = us_server_listen(served, path, err);
	if (!rc && pthread_create(&thread, NULL, serve, server))
		rc = us_fail(err, -EAGAIN, "no thread");
	if (rc)
		us_server_destroy(server);
	return rc;
}

static int open_served(struct us_function **fn, struct us_error *err)
{
	int rc = start(err);

	if (rc)
		return rc;
	rc = us_fn_open(path, NULL, fn, err);
	if (rc)
		stop();
	return rc;
}

static void the_log_is_the_servers(void **state)
{
	struct us_function *fn = *state;

	assert_refused(fn, us_fn_trace(fn, stderr), -ENOTSUP, "--trace");
	assert_done(fn, us_fn_trace(fn, NULL));
}

static void a_second_client_is_refused_and_the_next_finds_a_fresh_function(void **state)
{
	struct us_function *fn = *state, *second;
	struct us_error err;
	int rc;

	us_fn_write32(fn, US_REGION_BAR0, T_DELAY, 77);
	assert_int_equal(us_fn_read32(fn, US_REGION_BAR0, T_DELAY), 77);
	assert_true(us_fn_open(path, NULL, &second, &err) < 0);
	assert_int_equal(us_fn_read32(fn, US_REGION_BAR0, T_DELAY), 77);
	us_fn_close(fn);
	do
		rc = us_fn_open(path, NULL, &second, &err); /* the server may not have seen the first go yet */
	while (rc);
	assert_int_equal(us_fn_read32(second, US_REGION_BAR0, T_DELAY), 0);
	*state = second;
}

static void a_server_that_ends_is_noticed(void **state)
{
	struct us_function *fn = *state;
	uint64_t value;
	struct us_error err;

	stop();
	assert_int_equal(us_fn_read(fn, US_REGION_BAR0, T_ID, 4, &value), -EIO);
	assert_non_null(strstr(us_fn_error(fn), path));
	assert_int_equal(start(&err), 0);
}

static void many_posted_writes_are_all_done_before_the_read_behind_them(void **state)
{
	struct us_function *fn = *state;

	for (uint32_t i = 0; i < 20000; i++)
		us_fn_write32(fn, US_REGION_BAR0, T_DELAY, i);
	assert_int_equal(us_fn_read32(fn, US_REGION_BAR0, T_DELAY), 19999);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, body_setup, body_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_log_is_the_servers),
		TEST(a_second_client_is_refused_and_the_next_finds_a_fresh_function),
		TEST(a_server_that_ends_is_noticed),
		TEST(many_posted_writes_are_all_done_before_the_read_behind_them),
	};
	int failed;

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof path, "%s/s", folder);
	body_open = open_served;
	body_closed = stop;
	failed = cmocka_run_group_tests(tests, NULL, NULL) +
		 _cmocka_run_group_tests("every target", body_tests, body_ntests, NULL, NULL);
	unlink(path);
	rmdir(folder);
	return failed;
}
