/* SPDX-License-Identifier: Apache-2.0 */
/* Names that are chosen, and text that is quoted. */
#include "base/names.h"
#include "base/quote.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void without_a_filter_all_are_chosen(void **state)
{
	(void)state;
	assert_true(us_name_is_chosen(NULL, "pci.ids"));
	assert_false(us_name_is_chosen("", "pci.ids"));
}

static void one_of_several_patterns_chooses(void **state)
{
	(void)state;
	assert_true(us_name_is_chosen("life.*,pci.i?s", "pci.ids"));
	assert_false(us_name_is_chosen("life.*,pci", "pci.ids"));
}

static void the_last_that_matches_decides(void **state)
{
	(void)state;
	assert_false(us_name_is_chosen("pci.*,!*.ids", "pci.ids"));
	assert_true(us_name_is_chosen("pci.*,!*.ids,pci.ids", "pci.ids"));
	assert_true(us_name_is_chosen("!*.bar", "pci.ids"));
	assert_false(us_name_is_chosen("!*.ids", "pci.ids"));
}

static void assert_written(void (*put)(FILE *out, const char *text), const char *text, const char *wanted)
{
	char *written = NULL;
	size_t size;
	FILE *out = open_memstream(&written, &size);

	assert_non_null(out);
	put(out, text);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(written, wanted);
	free(written);
}

static void yaml_escapes_what_would_end_the_scalar(void **state)
{
	(void)state;
	assert_written(us_put_yaml, "a \"b\" \\ c: #d\n\x1b\x7f \xc3\xa9", "\"a \\\"b\\\" \\\\ c: #d\\n\\x1b\\x7f \xc3\xa9\"");
}

static void markup_keeps_blanks_and_shows_what_it_can_not_hold(void **state)
{
	(void)state;
	assert_written(us_put_markup, "<a b=\"&\">\r\n\t\x01\xc3\xa9", "&lt;a b=&quot;&amp;&quot;&gt;\r\n\t?\xc3\xa9");
	assert_written(us_put_markup, NULL, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_filter_all_are_chosen),
		cmocka_unit_test(one_of_several_patterns_chooses),
		cmocka_unit_test(the_last_that_matches_decides),
		cmocka_unit_test(yaml_escapes_what_would_end_the_scalar),
		cmocka_unit_test(markup_keeps_blanks_and_shows_what_it_can_not_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
