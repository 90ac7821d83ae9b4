/* SPDX-License-Identifier: Apache-2.0 */
#include "rdl/rdl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* One reading of a text: what it became, and what was said. */
struct reading {
	struct us_rdl_options options;
	struct us_rdl *rdl;
	char *said;
	size_t said_length;
	FILE *stream;
	int result;
};

static void read_text(struct reading *r, const char *text)
{
	r->stream = open_memstream(&r->said, &r->said_length);
	assert_non_null(r->stream);
	r->options.diagnostics = r->stream;
	r->rdl = us_rdl_new(&r->options);
	r->result = us_rdl_read_text(r->rdl, "text.rdl", text, strlen(text));
	fflush(r->stream);
}

static void done(struct reading *r)
{
	us_rdl_free(r->rdl);
	fclose(r->stream);
	free(r->said);
	memset(r, 0, sizeof *r);
}

struct search {
	struct us_rdl *rdl;
	const char *path;
	uint64_t address;
	const struct us_rdl_node *node;
	size_t registers;
};

static int look(void *ctx, const struct us_rdl_place *place)
{
	struct search *search = ctx;

	search->registers += place->node->kind == US_RDL_REG;
	if (search->path && !strcmp(us_rdl_path(search->rdl, NULL, place), search->path)) {
		search->address = place->address;
		search->node = place->node;
	}
	return 0;
}

static struct search find(struct reading *r, const char *path)
{
	struct search search = {.rdl = r->rdl, .path = path};
	struct us_rdl_place top = {.node = us_rdl_top(r->rdl)};

	assert_non_null(top.node);
	us_rdl_walk(&top, look, &search);
	if (path)
		assert_non_null(search.node);
	return search;
}

/* -- addresses: the worked examples of 13.4.1, with the specification's own numbers ------------------------------ */

#define EXAMPLE "default accesswidth = 32; reg { field {} f; } a; reg { regwidth = 64; field {} f; } b; reg { field {} f; } c[20]; };"

static void compact_packs_registers_to_their_access_width(void **state)
{
	struct reading r = {0};

	(void)state;
	read_text(&r, "addrmap m { addressing = compact; " EXAMPLE);
	assert_int_equal(r.result, 0);
	assert_int_equal(find(&r, "m.a").address, 0x0);
	assert_int_equal(find(&r, "m.b").address, 0x4);
	assert_int_equal(find(&r, "m.c[0]").address, 0xc);
	assert_int_equal(find(&r, "m.c[19]").address, 0x58);
	done(&r);
}

static void regalign_aligns_each_register_to_its_size(void **state)
{
	struct reading r = {0};

	(void)state;
	read_text(&r, "addrmap m { addressing = regalign; " EXAMPLE);
	assert_int_equal(find(&r, "m.b").address, 0x8);
	assert_int_equal(find(&r, "m.c[0]").address, 0x10);
	assert_int_equal(find(&r, "m.c[1]").address, 0x14);
	done(&r);
}

static void regalign_is_what_there_is_unless_said(void **state)
{
	struct reading r = {0};

	(void)state;
	read_text(&r, "addrmap m { " EXAMPLE);
	assert_int_equal(find(&r, "m.b").address, 0x8);
	done(&r);
}

static void fullalign_aligns_an_array_to_its_whole_size(void **state)
{
	struct reading r = {0};

	(void)state;
	read_text(&r, "addrmap m { addressing = fullalign; " EXAMPLE);
	assert_int_equal(find(&r, "m.b").address, 0x8);
	assert_int_equal(find(&r, "m.c[0]").address, 0x80);
	assert_int_equal(find(&r, "m.c[1]").address, 0x84);
	done(&r);
}

static void an_array_element_that_is_changed_by_itself_leaves_the_others_alone(void **state)
{
	struct reading r = {0};
	struct us_rdl_access access;

	(void)state;
	read_text(&r, "addrmap m { regfile { reg { field { reset = 1; } f[8]; } x[3]; } a[4]; a[2].x[1].f->reset = 9; "
		      "a.x.f->sw = r; a[3].x.f->reset = 5; };");
	assert_string_equal(r.said, "");
	us_rdl_field_access(find(&r, "m.a[2].x[1].f").node, &access);
	assert_int_equal(access.reset->num, 9);
	assert_false(access.write);
	us_rdl_field_access(find(&r, "m.a[2].x[0].f").node, &access);
	assert_int_equal(access.reset->num, 1);
	us_rdl_field_access(find(&r, "m.a[1].x[1].f").node, &access);
	assert_int_equal(access.reset->num, 1);
	assert_false(access.write);
	us_rdl_field_access(find(&r, "m.a[3].x[2].f").node, &access);
	assert_int_equal(access.reset->num, 5);
	assert_int_equal(find(&r, "m.a[3].x[2]").address, 3 * 12 + 8);
	done(&r);
}

/* -- options ---------------------------------------------------------------------------------------------------- */

static void the_last_address_map_is_the_top_unless_another_is_named(void **state)
{
	struct reading r = {0};
	const char *text = "addrmap one { reg { field {} f; } x; }; addrmap two { reg { field {} f; } y; };";

	(void)state;
	read_text(&r, text);
	assert_string_equal(us_rdl_top(r.rdl)->name, "two");
	done(&r);
	r.options.top = "one";
	read_text(&r, text);
	assert_string_equal(us_rdl_top(r.rdl)->name, "one");
	done(&r);
	r.options.top = "three";
	read_text(&r, text);
	assert_int_not_equal(r.result, 0);
	assert_string_equal(r.said, "error: there is no address map 'three'\n");
	done(&r);
}

static void parameters_of_the_top_come_from_outside(void **state)
{
	static const char *const param[] = {"W=2 * 4", NULL}, *const wrong[] = {"X=1", "W=", NULL};
	struct reading r = {.options.param = param};
	const char *text = "addrmap m #(longint unsigned W = 1) { reg { field {} f; } x[W]; };";

	(void)state;
	read_text(&r, text);
	assert_int_equal(find(&r, NULL).registers, 8);
	done(&r);
	r.options.param = wrong;
	read_text(&r, text);
	assert_int_equal(us_rdl_errors(r.rdl), 2);
	assert_non_null(strstr(r.said, "addrmap 'm' has no parameter 'X'"));
	done(&r);
}

static void macros_come_from_outside(void **state)
{
	static const char *const define[] = {"N=3", "FLAG", NULL};
	struct reading r = {.options.define = define};

	(void)state;
	read_text(&r, "addrmap m { reg { field {} f; } x[`N];\n`ifdef FLAG\nreg { field {} f; } y[`FLAG];\n`endif\n};");
	assert_string_equal(r.said, "");
	assert_int_equal(find(&r, NULL).registers, 4);
	done(&r);
}

static void a_file_with_no_address_map_is_no_error_and_has_no_top(void **state)
{
	struct reading r = {0};

	(void)state;
	read_text(&r, "reg r1 { field {} f; };");
	assert_int_equal(r.result, 0);
	assert_null(us_rdl_top(r.rdl));
	done(&r);
}

static void a_file_that_is_not_there_is_told_by_name(void **state)
{
	struct reading r = {0};

	(void)state;
	r.stream = open_memstream(&r.said, &r.said_length);
	r.options.diagnostics = r.stream;
	r.rdl = us_rdl_new(&r.options);
	assert_int_equal(us_rdl_read_file(r.rdl, "no/such/file.rdl"), -2);
	fflush(r.stream);
	assert_string_equal(r.said, "understudy: no/such/file.rdl: No such file or directory\n");
	done(&r);
}

static void understudy_rdl_is_found_wherever_the_file_is(void **state)
{
	struct reading r = {0};

	(void)state;
	read_text(&r, "`include \"understudy.rdl\"\n`include \"understudy.rdl\"\naddrmap m { pci_vendor_id = 1; reg { field {} f; } x; };");
	assert_string_equal(r.said, "");
	done(&r);
}

static void an_included_directory_or_device_is_refused(void **state)
{
	struct reading r = {0};

	(void)state;
	read_text(&r, "`include \"/dev/zero\"\n`include \"/\"\n");
	assert_int_equal(us_rdl_errors(r.rdl), 2);
	done(&r);
}

/* -- limits ----------------------------------------------------------------------------------------------------- */

static char *repeat(const char *head, const char *piece, size_t count, const char *tail)
{
	char *text = malloc(strlen(head) + strlen(piece) * count + strlen(tail) + 1), *at;

	assert_non_null(text);
	at = stpcpy(text, head);
	while (count--)
		at = stpcpy(at, piece);
	strcpy(at, tail);
	return text;
}

static void refuses(const char *text, const char *sentence)
{
	struct reading r = {0};

	read_text(&r, text);
	assert_int_not_equal(r.result, 0);
	if (!strstr(r.said, sentence))
		fail_msg("expected '%s' in: %s", sentence, r.said);
	done(&r);
}

static void nesting_without_end_is_refused(void **state)
{
	static const struct {
		const char *head, *piece, *sentence;
	} cases[] = {
		{"addrmap m { reg { field {} f = ", "(", "nested more than 200 deep"},
		{"addrmap m { reg { field {} f = ", "!", "nested more than 200 deep"},
		{"addrmap m { reg { field {} f = ", "{", "nested more than 200 deep"},
		{"addrmap m { reg { field {} f = 1", "?1", "nested more than 200 deep"},
		{"addrmap m { reg { field {} f = 1", "+1", "more than 1000 operators"},
		{"addrmap m {", "regfile {", "nested more than 200 deep"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *text = repeat(cases[i].head, cases[i].piece, 100000, "");

		refuses(text, cases[i].sentence);
		free(text);
	}
}

static void instances_that_double_at_each_level_are_refused(void **state)
{
	char *text = malloc(100000), *at = text;

	(void)state;
	assert_non_null(text);
	at += sprintf(at, "regfile t0 { reg { field {} f; } r0; };\n");
	for (int i = 1; i < 60; i++)
		at += sprintf(at, "regfile t%d { t%d a; t%d b; };\n", i, i - 1, i - 1);
	sprintf(at, "addrmap m { t59 everything; };\n");
	refuses(text, "there are more than 1048576 instances");
	free(text);
}

static void macros_that_double_at_each_level_are_refused(void **state)
{
	char *text = malloc(100000), *at = text;

	(void)state;
	assert_non_null(text);
	at += sprintf(at, "`define M0 0123456789\n");
	for (int i = 1; i < 40; i++)
		at += sprintf(at, "`define M%d `M%d `M%d\n", i, i - 1, i - 1);
	sprintf(at, "`M39\n");
	refuses(text, "macros expand to more than 16 MiB");
	free(text);
}

static void an_array_of_billions_costs_nothing_until_it_is_unrolled(void **state)
{
	struct reading r = {0};
	FILE *nowhere = fopen("/dev/null", "w");

	(void)state;
	read_text(&r, "addrmap m { reg { field {} f; } x[1000][1000][4000]; };");
	assert_string_equal(r.said, "");
	assert_int_equal(us_rdl_top(r.rdl)->size, 16000000000);
	assert_int_equal(us_rdl_write_header(r.rdl, nowhere), 0);
	assert_int_equal(us_rdl_write_html(r.rdl, nowhere), 0);
	assert_int_not_equal(us_rdl_write_dump(r.rdl, nowhere), 0);
	fflush(r.stream);
	assert_non_null(strstr(r.said, "there are more than"));
	fclose(nowhere);
	done(&r);
}

static void only_the_first_errors_are_shown(void **state)
{
	struct reading r = {0};
	char *text = repeat("addrmap m {\n", "nosuch = 1;\n", 1000, "};");
	unsigned lines = 0;

	(void)state;
	read_text(&r, text);
	for (const char *at = r.said; (at = strstr(at, "error: ")); at++)
		lines++;
	assert_int_equal(lines, 20);
	assert_non_null(strstr(r.said, "20 errors: further ones are not shown"));
	done(&r);
	free(text);
}

static void text_that_is_no_text_is_an_error_and_nothing_worse(void **state)
{
	static const char bytes[] = "addrmap \0 m { \xff\xfe reg { field { desc = \"\0\x01\xff\"; } f; } x; };";
	struct us_rdl_options options = {0};
	struct us_rdl *rdl = us_rdl_new(&options);

	(void)state;
	assert_int_not_equal(us_rdl_read_text(rdl, "bytes.rdl", bytes, sizeof bytes - 1), 0);
	us_rdl_free(rdl);
}

/* -- a large file ----------------------------------------------------------------------------------------------- */

static void thousands_of_registers_are_read(void **state)
{
	struct reading r = {0};
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	(void)state;
	assert_non_null(out);
	for (int type = 0; type < 100; type++) {
		fprintf(out, "regfile block_%d #(longint unsigned N = 4) {\n", type);
		for (int i = 0; i < 40; i++)
			fprintf(out,
				"reg { name = \"Register %d\"; desc = \"Of block %d.\"; default sw = rw; default hw = r;"
				" field { desc = \"Low.\"; } low[7:0] = 8'h%x; field { sw = r; hw = w; } high[%d]; } reg_%d;\n",
				i, type, i, 1 + i % 16, i);
		fprintf(out, "reg { field {} e[32]; } entry[N];\n};\n");
	}
	fprintf(out, "addrmap large {\n");
	for (int i = 0; i < 1000; i++)
		fprintf(out, "block_%d #(.N(%d)) b_%d[2];\nb_%d[1].reg_3.low->reset = 8'hff;\n", i % 100, 1 + i % 7, i, i);
	fprintf(out, "};\n");
	fclose(out);
	read_text(&r, text);
	assert_string_equal(r.said, "");
	assert_int_equal(find(&r, NULL).registers, 2 * (1000 * 40 + 142 * 28 + 1 + 2 + 3 + 4 + 5 + 6));
	done(&r);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compact_packs_registers_to_their_access_width),
		cmocka_unit_test(regalign_aligns_each_register_to_its_size),
		cmocka_unit_test(regalign_is_what_there_is_unless_said),
		cmocka_unit_test(fullalign_aligns_an_array_to_its_whole_size),
		cmocka_unit_test(an_array_element_that_is_changed_by_itself_leaves_the_others_alone),
		cmocka_unit_test(the_last_address_map_is_the_top_unless_another_is_named),
		cmocka_unit_test(parameters_of_the_top_come_from_outside),
		cmocka_unit_test(macros_come_from_outside),
		cmocka_unit_test(a_file_with_no_address_map_is_no_error_and_has_no_top),
		cmocka_unit_test(a_file_that_is_not_there_is_told_by_name),
		cmocka_unit_test(understudy_rdl_is_found_wherever_the_file_is),
		cmocka_unit_test(an_included_directory_or_device_is_refused),
		cmocka_unit_test(nesting_without_end_is_refused),
		cmocka_unit_test(instances_that_double_at_each_level_are_refused),
		cmocka_unit_test(macros_that_double_at_each_level_are_refused),
		cmocka_unit_test(an_array_of_billions_costs_nothing_until_it_is_unrolled),
		cmocka_unit_test(only_the_first_errors_are_shown),
		cmocka_unit_test(text_that_is_no_text_is_an_error_and_nothing_worse),
		cmocka_unit_test(thousands_of_registers_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
