/* SPDX-License-Identifier: Apache-2.0 */
#include "rdl/rdl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *page_of(const char *text)
{
	struct us_rdl_options options = {.diagnostics = stderr};
	struct us_rdl *rdl = us_rdl_new(&options);
	char *page = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&page, &length);

	assert_non_null(out);
	assert_int_equal(us_rdl_read_text(rdl, "page.rdl", text, strlen(text)), 0);
	assert_int_equal(us_rdl_write_html(rdl, out), 0);
	fclose(out);
	us_rdl_free(rdl);
	return page;
}

/* Every element that is opened is closed, in the right order. */
static void assert_balanced(const char *page)
{
	char open[64][16];
	unsigned depth = 0;

	for (const char *at = strchr(page, '<'); at; at = strchr(at + 1, '<')) {
		bool closes = at[1] == '/';
		size_t length = strcspn(at + 1 + closes, " >/\n");
		const char *name = at + 1 + closes;

		if (at[1] == '!' || !strncmp(name, "meta", 4) || !strncmp(name, "br>", 3) || !strncmp(name, "rect", 4))
			continue;
		assert_true(length > 0 && length < sizeof open[0]);
		if (closes) {
			assert_true(depth > 0);
			depth--;
			if (strncmp(open[depth], name, length) || open[depth][length])
				fail_msg("</%.*s> closes <%s>", (int)length, name, open[depth]);
		} else {
			assert_true(depth < 64);
			memcpy(open[depth], name, length);
			open[depth++][length] = '\0';
		}
	}
	assert_int_equal(depth, 0);
}

static void assert_has(const char *page, const char *text)
{
	if (!strstr(page, text))
		fail_msg("the page has no %s", text);
}

static void a_requirement_has_an_anchor_an_entry_and_links_to_it(void **state)
{
	char *page = page_of("addrmap m { desc = \"Text. See REQ-2 and NO-9.\n\nREQ-2: It works. Always.\"; reg { field {} f; } x; };");

	(void)state;
	assert_has(page, "<p class=\"req\" id=\"REQ-2\"><a class=\"id\" href=\"#REQ-2\">REQ-2</a>");
	assert_has(page, "See <a class=\"cite\" href=\"#REQ-2\">REQ-2</a> and NO-9.");
	assert_has(page, "<td class=\"name\"><a class=\"id\" href=\"#REQ-2\">REQ-2</a></td><td>It works.</td>");
	assert_balanced(page);
	free(page);
}

static void formatting_codes_become_elements(void **state)
{
	char *page = page_of("addrmap m { desc = \"[b]bold[/b] [i]it[/i] [list][*]one[*]two[/list] a[br]b [lb]x[rb] "
			     "[url=https://example.org/?a&b]link[/url] [nocode] a[3]\"; reg { field {} f; } x; };");

	(void)state;
	assert_has(page, "<strong>bold</strong> <em>it</em>");
	assert_has(page, "<li>one</li><li>two</li></ul>");
	assert_has(page, "a<br>b [x]");
	assert_has(page, "<a href=\"https://example.org/?a&amp;b\">link</a>");
	assert_has(page, "[nocode] a[3]");
	assert_balanced(page);
	free(page);
}

static void whatever_a_text_holds_the_page_is_whole(void **state)
{
	static const char *const texts[] = {
		"<script>alert(1)</script>", "[b][i]crossed[/b][/i]", "[list][list][*]x", "[/b][/list][*]", "[b]open",
		"[url=javascript:alert(1)]x[/url]", "[url=https://x\\\" onclick=y]z[/url]", "\n\n\n", "[", "[[[[", "&amp;",
		"[list]\n\n[*]one\n\n[*]two\n\n[/list]after", "[p]a[/p][p]b", "REQ-1:", "REQ-1: [b]x", "A HEADING\n\ntext",
		"[b][b][b][b][b][b][b][b][b][b][b][b][b][b][b][b][b][b][b][b]deep", "[name][instname][code]x\n\ny[/code]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		char text[512];
		char *page;

		snprintf(text, sizeof text,
			 "addrmap m { desc = \"%s\"; name = \"%s\"; reg { desc = \"%s\"; field { desc = \"%s\"; name = \"%s\"; } F; } X; };",
			 texts[i], texts[i], texts[i], texts[i], texts[i]);
		page = page_of(text);
		assert_balanced(page);
		assert_null(strstr(page, "<script"));
		assert_null(strstr(page, "href=\"javascript"));
		assert_null(strstr(page, "\" onclick"));
		free(page);
	}
}

static void names_of_registers_are_links_where_they_are_unmistakable(void **state)
{
	char *page = page_of("addrmap m { desc = \"CTRL.GO starts; CTRL.NONE, OTHER and ctrl do not; DATA is in two.\"; "
			     "reg { field {} GO; } CTRL; regfile { reg { field {} v; } DATA; } a; "
			     "regfile { reg { field {} v; } DATA; } b; };");

	(void)state;
	assert_has(page, "<a class=\"name\" href=\"#r-CTRL\">CTRL.GO</a> starts");
	assert_has(page, "<a class=\"name\" href=\"#r-CTRL\">CTRL</a>.NONE, OTHER and ctrl");
	assert_has(page, "DATA is in two");
	assert_balanced(page);
	free(page);
}

static void an_array_is_one_register_and_its_odd_element_another(void **state)
{
	char *page = page_of("addrmap m { reg { field { reset = 1; } v[8]; } ENTRY[4] += 8; ENTRY[2].v->reset = 9; };");

	(void)state;
	assert_has(page, "id=\"r-ENTRY-i-\"");
	assert_has(page, "0x000 + 0x8·i");
	assert_has(page, "i = 0&hellip;3");
	assert_has(page, "id=\"r-ENTRY-2-\"");
	assert_balanced(page);
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_requirement_has_an_anchor_an_entry_and_links_to_it),
		cmocka_unit_test(formatting_codes_become_elements),
		cmocka_unit_test(whatever_a_text_holds_the_page_is_whole),
		cmocka_unit_test(names_of_registers_are_links_where_they_are_unmistakable),
		cmocka_unit_test(an_array_is_one_register_and_its_odd_element_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
