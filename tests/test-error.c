/* SPDX-License-Identifier: Apache-2.0 */
#include <understudy/error.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void the_code_comes_back_and_the_sentence_is_kept(void **state)
{
	struct us_error err;

	(void)state;
	assert_int_equal(us_fail(&err, -ENOENT, "no file '%s'", "x.rdl"), -ENOENT);
	assert_string_equal(err.text, "no file 'x.rdl'");
}

static void a_sentence_too_long_is_cut_at_its_end(void **state)
{
	char text[2000];
	struct us_error err;

	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	us_fail(&err, -EINVAL, "%s", text);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

static void nobody_has_to_listen(void **state)
{
	(void)state;
	assert_int_equal(us_fail(NULL, -EIO, "gone"), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_code_comes_back_and_the_sentence_is_kept),
		cmocka_unit_test(a_sentence_too_long_is_cut_at_its_end),
		cmocka_unit_test(nobody_has_to_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
