/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a desc as HTML. */
#include "base/quote.h"
#include "rdl/html.h"
#include "rdl/internal.h"
#include "rdl/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define OPEN 16 /* formatting codes inside each other; deeper ones are left out */

struct text {
	struct us_rdl_page *page;
	const struct us_rdl_node *node;
	bool in_cell; /* no paragraphs */
	bool in_paragraph;
	const char *open[OPEN]; /* HTML elements */
	unsigned depth;
};

static void put(const struct text *t, const char *from, size_t length)
{
	us_put_markup(t->page->out, us_arena_copy(&t->page->rdl->arena, from, length));
}

/* -- elements --------------------------------------------------------------------------------------------------- */

static void close_down_to(struct text *t, unsigned depth)
{
	while (t->depth > depth)
		fprintf(t->page->out, "</%s>", t->open[--t->depth]);
}

static bool in_list(const struct text *t)
{
	for (unsigned i = 0; i < t->depth; i++)
		if (!strcmp(t->open[i], "li"))
			return true;
	return false;
}

static void begin_paragraph(struct text *t)
{
	if (t->in_cell || t->in_paragraph || in_list(t))
		return;
	fputs("<p>", t->page->out);
	t->in_paragraph = true;
}

static void end_paragraph(struct text *t)
{
	if (in_list(t))
		return;
	close_down_to(t, 0);
	if (t->in_paragraph)
		fputs("</p>\n", t->page->out);
	t->in_paragraph = false;
}

static void open_element(struct text *t, const char *element, const char *attributes)
{
	if (t->depth == OPEN)
		return;
	begin_paragraph(t);
	fprintf(t->page->out, "<%s%s>", element, attributes);
	t->open[t->depth++] = element;
}

static void close_element(struct text *t, const char *element)
{
	for (unsigned i = t->depth; i--;)
		if (!strcmp(t->open[i], element)) {
			close_down_to(t, i);
			return;
		}
}

/* -- formatting codes (annex F) --------------------------------------------------------------------------------- */

static bool begins(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

static void list_code(struct text *t, const char *value)
{
	const char *element = value ? "ol" : "ul";

	if (t->depth + 2 > OPEN)
		return;
	if (!in_list(t)) {
		close_down_to(t, 0);
		end_paragraph(t);
	}
	fprintf(t->page->out, "<%s>", element);
	t->open[t->depth++] = element;
	/* Text before the first [*] needs an item too. */
	fputs("<li>", t->page->out);
	t->open[t->depth++] = "li";
}

static void item_code(struct text *t)
{
	for (unsigned i = t->depth; i--;)
		if (!strcmp(t->open[i], "li")) {
			close_down_to(t, i);
			fputs("<li>", t->page->out);
			t->open[t->depth++] = "li";
			return;
		}
}

static void end_list(struct text *t)
{
	for (unsigned i = t->depth; i--;)
		if (!strcmp(t->open[i], "ul") || !strcmp(t->open[i], "ol")) {
			close_down_to(t, i);
			return;
		}
}

static bool is_web_address(const char *text, size_t length)
{
	return (length > 7 && begins(text, "http://")) || (length > 8 && begins(text, "https://"));
}

/* [url=ADDRESS] or [url] with the address as text: only addresses of the web become links. */
static void url_code(struct text *t, const char *code, size_t length, const char *after)
{
	struct us_arena *arena = &t->page->rdl->arena;
	const char *address = begins(code, "[url=") ? code + 5 : after;
	size_t size = address == after ? strcspn(after, "[\n") : (size_t)(code + length - 1 - address);
	char *attribute = NULL;
	size_t attribute_length = 0;
	FILE *out;

	if (!is_web_address(address, size))
		return;
	out = open_memstream(&attribute, &attribute_length);
	if (!out)
		return;
	fputs(" href=\"", out);
	us_put_markup(out, us_arena_copy(arena, address, size));
	fputc('"', out);
	fclose(out);
	open_element(t, "a", attribute);
	free(attribute);
}

/* Carries out the code at `code`, if it is one; returns its length, or 0. */
static size_t take_code(struct text *t, const char *code)
{
	static const struct {
		const char *code, *element;
	} pairs[] = {{"b", "strong"}, {"i", "em"}, {"u", "u"}, {"code", "code"}, {"quote", "q"}};
	size_t length = strcspn(code, "]\n");

	if (code[length] != ']')
		return 0;
	length++;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		size_t word = strlen(pairs[i].code);

		if (length == word + 2 && !strncmp(code + 1, pairs[i].code, word))
			return open_element(t, pairs[i].element, ""), length;
		if (length == word + 3 && code[1] == '/' && !strncmp(code + 2, pairs[i].code, word))
			return close_element(t, pairs[i].element), length;
	}
	if (begins(code, "[br]"))
		return begin_paragraph(t), fputs("<br>", t->page->out), length;
	if (begins(code, "[p]") || begins(code, "[/p]"))
		return end_paragraph(t), length;
	if (begins(code, "[list]") || begins(code, "[list="))
		return list_code(t, code[5] == '=' ? code + 6 : NULL), length;
	if (begins(code, "[/list]"))
		return end_list(t), length;
	if (begins(code, "[*]"))
		return item_code(t), length;
	if (begins(code, "[lb]") || begins(code, "[rb]"))
		return begin_paragraph(t), fputc(code[1] == 'l' ? '[' : ']', t->page->out), length;
	if (begins(code, "[sp]"))
		return begin_paragraph(t), fputs("&nbsp;", t->page->out), length;
	if (begins(code, "[name]") || begins(code, "[instname]")) {
		const char *name = begins(code, "[name]") ? us_rdl_get_text(t->node, "name") : NULL;

		begin_paragraph(t);
		us_put_markup(t->page->out, us_rdl_plain(t->page->rdl, name ? name : t->node->name));
		return length;
	}
	if (begins(code, "[url]") || begins(code, "[url="))
		return url_code(t, code, length, code + length), length;
	if (begins(code, "[/url]"))
		return close_element(t, "a"), length;
	if (begins(code, "[color") || begins(code, "[/color]") || begins(code, "[size") || begins(code, "[/size]") ||
	    begins(code, "[email") || begins(code, "[/email]") || begins(code, "[img]") || begins(code, "[/img]") ||
	    begins(code, "[index]") || begins(code, "[index_parent]") || begins(code, "[desc]"))
		return length; /* looks that the page has its own of, and what would need another file */
	return 0;
}

/* -- identifiers and names -------------------------------------------------------------------------------------- */

static size_t identifier_length(const char *text)
{
	size_t length = 0, digits = 0;

	while (isupper((unsigned char)text[length]) || (length && isdigit((unsigned char)text[length])))
		length++;
	if (length < 2 || text[length] != '-')
		return 0;
	while (isdigit((unsigned char)text[length + 1 + digits]))
		digits++;
	return digits ? length + 1 + digits : 0;
}

static bool is_requirement(const struct us_rdl_page *page, const char *id)
{
	for (size_t i = 0; i < page->requirements; i++)
		if (page->requirement[i].id == id)
			return true;
	return false;
}

static size_t word_length(const char *text)
{
	size_t length = 0;

	while (isalnum((unsigned char)text[length]) || text[length] == '_' || (unsigned char)text[length] >= 0x80)
		length++;
	return length;
}

static bool has_lower(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (islower((unsigned char)text[i]) || (unsigned char)text[i] >= 0x80)
			return true;
	return false;
}

static bool has_field(const struct us_rdl_node *reg, const char *name, size_t length)
{
	for (const struct us_rdl_node *child = reg->child; child; child = child->next)
		if (strlen(child->name) == length && !strncmp(child->name, name, length))
			return true;
	return false;
}

/*
 * A word in capitals that is the name of a register, alone or as REGISTER.FIELD: a link. Words with small letters are
 * left alone, since a register may well be called "a".
 */
static size_t take_register(struct text *t, const char *text, size_t length)
{
	const struct us_rdl_link *link;
	size_t whole = length;

	if (has_lower(text, length) || length < 2)
		return 0;
	link = us_rdl_html_find(t->page, us_rdl_intern(t->page->rdl, text, length));
	if (!link || !link->anchor)
		return 0;
	if (text[length] == '.') {
		size_t field = word_length(text + length + 1);

		if (field && has_field(link->node, text + length + 1, field))
			whole += 1 + field;
	}
	fprintf(t->page->out, "<a class=\"name\" href=\"#%s\">", link->anchor);
	put(t, text, whole);
	fputs("</a>", t->page->out);
	return whole;
}

static size_t take_word(struct text *t, const char *text)
{
	size_t length = identifier_length(text), whole;

	begin_paragraph(t);
	if (length && !isalnum((unsigned char)text[length])) {
		const char *id = us_rdl_intern(t->page->rdl, text, length);

		if (is_requirement(t->page, id)) {
			fprintf(t->page->out, "<a class=\"cite\" href=\"#%s\">%s</a>", id, id);
			return length;
		}
	}
	length = word_length(text);
	for (unsigned i = 0; i < t->depth; i++)
		if (!strcmp(t->open[i], "a"))
			return put(t, text, length), length;
	whole = take_register(t, text, length);
	if (whole)
		return whole;
	put(t, text, length);
	return length;
}

/* -- blocks ----------------------------------------------------------------------------------------------------- */

/* How long the blank is that begins here; *lines becomes the newlines in it. */
static size_t blank_length(const char *text, unsigned *lines)
{
	size_t length = strspn(text, " \t\n\r\f\v");

	*lines = 0;
	for (size_t i = 0; i < length; i++)
		*lines += text[i] == '\n';
	return length;
}

static size_t block_length(const char *text)
{
	size_t length = 0;
	unsigned lines;

	while (text[length]) {
		size_t blank = blank_length(text + length, &lines);

		if (lines > 1)
			break;
		length += blank ? blank : 1;
	}
	return length;
}

/* A short paragraph in capitals alone is a heading. */
static bool is_heading(const char *text, size_t length)
{
	bool letter = false;

	for (size_t i = 0; i < length; i++) {
		if (islower((unsigned char)text[i]) || strchr(".:;[]\n", text[i]) || (unsigned char)text[i] >= 0x80)
			return false;
		letter |= isupper((unsigned char)text[i]) != 0;
	}
	return letter && length > 2 && length < 50;
}

/* What stands at the beginning of a paragraph: a heading, or the identifier of a requirement. */
static size_t begin_block(struct text *t, const char *text)
{
	size_t length = block_length(text), id;

	if (is_heading(text, length)) {
		fputs("<h4>", t->page->out);
		put(t, text, length);
		fputs("</h4>\n", t->page->out);
		return length;
	}
	id = identifier_length(text);
	if (!id || text[id] != ':')
		return 0;
	fprintf(t->page->out, "<p class=\"req\" id=\"%.*s\"><a class=\"id\" href=\"#%.*s\">%.*s</a> ", (int)id, text, (int)id,
		text, (int)id, text);
	t->in_paragraph = true;
	return id + 1;
}

static void render(struct text *t, const char *text)
{
	bool fresh = true;

	while (*text) {
		unsigned lines;
		size_t length = blank_length(text, &lines);

		if (length) {
			if (lines > 1 && !t->in_cell)
				end_paragraph(t);
			else if (t->in_paragraph || t->depth || t->in_cell)
				fputc(lines ? '\n' : ' ', t->page->out);
			fresh = lines > 1 || fresh;
			text += length;
			continue;
		}
		length = fresh && !t->in_cell && !t->in_paragraph && !t->depth ? begin_block(t, text) : 0;
		fresh = false;
		if (!length && *text == '[')
			length = take_code(t, text);
		if (!length && word_length(text))
			length = take_word(t, text);
		if (!length) {
			begin_paragraph(t);
			put(t, text, length = 1);
		}
		text += length;
	}
	close_down_to(t, 0);
	end_paragraph(t);
}

void us_rdl_html_text(struct us_rdl_page *page, const struct us_rdl_node *node, const char *text)
{
	struct text t = {.page = page, .node = node};

	if (text)
		render(&t, text);
}

void us_rdl_html_inline(struct us_rdl_page *page, const struct us_rdl_node *node, const char *text)
{
	struct text t = {.page = page, .node = node, .in_cell = true};

	if (text)
		render(&t, text);
}

void us_rdl_html_collect(struct us_rdl_page *page, const char *text)
{
	while (text && *text) {
		unsigned lines;
		size_t id, blank = blank_length(text, &lines);

		text += blank;
		id = identifier_length(text);
		if (id && text[id] == ':') {
			struct us_rdl_requirement requirement = {us_rdl_intern(page->rdl, text, id), NULL};
			const char *block = us_arena_copy(&page->rdl->arena, text + id + 1, block_length(text + id + 1));

			requirement.text = us_rdl_first_sentence(page->rdl, block);
			page->requirement = us_arena_grow(&page->rdl->arena, page->requirement, page->requirements,
							  &page->requirement_room, sizeof requirement);
			page->requirement[page->requirements++] = requirement;
		}
		text += block_length(text);
	}
}
