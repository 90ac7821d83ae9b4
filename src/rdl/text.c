/* SPDX-License-Identifier: Apache-2.0 */
#include "rdl/text.h"
#include "rdl/internal.h"

#include <ctype.h>
#include <string.h>

/* The formatting codes of annex F; what is in brackets and none of these is text. */
static const char *const codes[] = {"b",    "/b",     "i",     "/i", "u",  "/u",   "color", "/color",	"size",	 "/size",
				    "url",  "/url",   "email", "/email", "img", "/img", "code",  "/code", "list", "/list",
				    "*",    "br",     "lb",    "rb", "quote", "/quote", "index", "index_parent", "name",
				    "instname", "p", "/p", "sp"};

/* The length of the formatting code that begins here, or 0. */
static size_t code_length(const char *text)
{
	size_t length, word;

	if (*text != '[')
		return 0;
	length = strcspn(text, "]\n");
	if (text[length] != ']')
		return 0;
	word = strcspn(text + 1, "=]");
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (strlen(codes[i]) == word && !strncmp(codes[i], text + 1, word))
			return length + 1;
	return 0;
}

const char *us_rdl_plain(struct us_rdl *rdl, const char *text)
{
	char *plain, *to;
	unsigned newlines = 0;
	bool space = false;

	if (!text)
		return NULL;
	plain = to = us_arena_alloc(&rdl->arena, strlen(text) * 2 + 1);
	while (*text) {
		size_t code = code_length(text);
		char c = *text;

		if (code) {
			if (!strncmp(text, "[lb]", code) || !strncmp(text, "[rb]", code))
				c = text[1] == 'l' ? '[' : ']';
			else
				c = ' ';
			newlines += !strncmp(text, "[p]", code) ? 2 : 0;
		}
		text += code ? code : 1;
		if (c == '\n')
			newlines++;
		if (isspace((unsigned char)c)) {
			space = true;
			continue;
		}
		if (to > plain && newlines > 1)
			*to++ = '\n', *to++ = '\n';
		else if (to > plain && space)
			*to++ = ' ';
		newlines = 0;
		space = false;
		*to++ = c;
	}
	return to > plain ? plain : NULL;
}

const char *us_rdl_first_sentence(struct us_rdl *rdl, const char *text)
{
	const char *plain = us_rdl_plain(rdl, text);
	size_t length = 0;

	if (!plain)
		return NULL;
	while (plain[length] && plain[length] != '\n' && !(plain[length] == '.' && (plain[length + 1] == ' ' || !plain[length + 1])))
		length++;
	return us_arena_copy(&rdl->arena, plain, length + (plain[length] == '.'));
}

void us_rdl_c_string(FILE *out, const char *text)
{
	if (!text) {
		fputs("NULL", out);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '\n')
			fputs("\\n", out);
		else if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < ' ' || c == 0x7f || (c == '?' && text[1] == '?'))
			fprintf(out, "\\%03o", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

const char *us_rdl_upper(struct us_rdl *rdl, const char *text)
{
	char *upper = us_arena_copy(&rdl->arena, text, strlen(text));

	for (char *at = upper; *at; at++)
		*at = (char)toupper((unsigned char)*at);
	return upper;
}

const char *us_rdl_base_name(const struct us_rdl *rdl)
{
	const char *name = us_rdl_file(rdl, 0), *slash = name ? strrchr(name, '/') : NULL;

	return slash ? slash + 1 : name;
}
