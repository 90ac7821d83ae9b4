/* SPDX-License-Identifier: Apache-2.0 */
#include "base/quote.h"

#include <string.h>

void us_put_yaml(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		const unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c == '\n')
			fputs("\\n", out);
		else if (c < ' ' || c == 0x7f)
			fprintf(out, "\\x%02x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

void us_put_yaml_member(FILE *out, const char *key, const char *text)
{
	fprintf(out, "  %s: ", key);
	us_put_yaml(out, text);
	fputc('\n', out);
}

void us_put_markup(FILE *out, const char *text)
{
	for (; text && *text; text++)
		switch (*text) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc((unsigned char)*text < ' ' && !strchr("\t\n\r", *text) ? '?' : *text, out);
		}
}
