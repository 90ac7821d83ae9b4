/* SPDX-License-Identifier: Apache-2.0 */
/* Diagnostics: what went wrong, where, with the line and a caret under the place. */
#include "rdl/internal.h"

#include <stdarg.h>
#include <string.h>

static const char *line_start(const struct us_rdl_source *source, size_t offset)
{
	const char *at = source->text + offset;

	while (at > source->text && at[-1] != '\n')
		at--;
	return at;
}

/* A byte that begins a character: not one that continues a UTF-8 sequence. */
static bool begins_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

void us_rdl_where(const struct us_rdl *rdl, struct us_rdl_pos pos, unsigned *line, unsigned *column)
{
	const struct us_rdl_source *source = &rdl->source[pos.file];
	size_t offset = pos.offset < source->length ? pos.offset : source->length;
	const char *start = line_start(source, offset);

	*line = 1;
	for (const char *at = source->text; at < start; at++)
		*line += *at == '\n';
	*column = 1;
	for (const char *at = start; at < source->text + offset; at++)
		*column += begins_character(*at);
}

/* The line, and under it a caret: the line's own tabs are repeated, so that it stands right whatever a tab is wide. */
static void show_line(const struct us_rdl *rdl, struct us_rdl_pos pos)
{
	const struct us_rdl_source *source = &rdl->source[pos.file];
	size_t offset = pos.offset < source->length ? pos.offset : source->length;
	const char *start = line_start(source, offset);
	const char *end = memchr(start, '\n', source->length - (size_t)(start - source->text));
	FILE *to = rdl->options->diagnostics;
	int length;

	if (!end)
		end = source->text + source->length;
	length = (int)(end - start);
	if (length > 400)
		return;
	if (length && start[length - 1] == '\r')
		length--;
	fputs("  ", to);
	for (int i = 0; i < length; i++) {
		unsigned char c = (unsigned char)start[i];

		fputc((c < ' ' && c != '\t') || c == 0x7f ? '?' : c, to); /* no control codes to a terminal */
	}
	fputs("\n  ", to);
	for (const char *at = start; at < source->text + offset; at++)
		if (*at == '\t')
			fputc('\t', to);
		else if (begins_character(*at))
			fputc(' ', to);
	fputs(rdl->options->colour ? "\033[1;32m^\033[0m\n" : "^\n", to);
}

static void tell(const struct us_rdl *rdl, struct us_rdl_pos pos, const char *kind, const char *colour,
		 const char *text)
{
	FILE *to = rdl->options->diagnostics;
	unsigned line, column;

	if (!to)
		return;
	if (pos.file >= rdl->nsources) {
		fprintf(to, "%s: %s\n", kind, text);
		return;
	}
	us_rdl_where(rdl, pos, &line, &column);
	fprintf(to, "%s:%u:%u: ", rdl->source[pos.file].name, line, column);
	if (rdl->options->colour)
		fprintf(to, "\033[%sm%s:\033[0m ", colour, kind);
	else
		fprintf(to, "%s: ", kind);
	fprintf(to, "%s\n", text);
	show_line(rdl, pos);
}

/* A definition is elaborated as often as it is instantiated; what is wrong in it is told once. */
static bool was_told(struct us_rdl *rdl, struct us_rdl_pos pos, const char *text)
{
	for (unsigned i = 0; i < rdl->ntold; i++)
		if (rdl->told[i].pos.file == pos.file && rdl->told[i].pos.offset == pos.offset && rdl->told[i].text == text)
			return true;
	if (rdl->ntold < US_RDL_MAX_ERRORS) {
		rdl->told[rdl->ntold].pos = pos;
		rdl->told[rdl->ntold++].text = text;
	}
	return false;
}

void us_rdl_error(struct us_rdl *rdl, struct us_rdl_pos pos, const char *format, ...)
{
	const char *text;
	va_list args;

	rdl->last_told = false;
	if (rdl->quiet)
		return;
	va_start(args, format);
	text = us_rdl_name(rdl, us_arena_vformat(&rdl->arena, format, args));
	va_end(args);
	if (was_told(rdl, pos, text))
		return;
	rdl->last_told = true;
	rdl->errors++;
	tell(rdl, pos, "error", "1;31", text);
	if (rdl->errors == US_RDL_MAX_ERRORS) {
		rdl->quiet = true;
		if (rdl->options->diagnostics)
			fprintf(rdl->options->diagnostics, "%u errors: further ones are not shown\n", rdl->errors);
	}
}

void us_rdl_warn(struct us_rdl *rdl, struct us_rdl_pos pos, const char *format, ...)
{
	va_list args;

	rdl->last_told = !rdl->quiet;
	if (rdl->quiet)
		return;
	va_start(args, format);
	tell(rdl, pos, "warning", "1;35", us_arena_vformat(&rdl->arena, format, args));
	va_end(args);
}

void us_rdl_note(struct us_rdl *rdl, struct us_rdl_pos pos, const char *format, ...)
{
	va_list args;

	if (!rdl->last_told)
		return;
	va_start(args, format);
	tell(rdl, pos, "note", "1;36", us_arena_vformat(&rdl->arena, format, args));
	va_end(args);
}

unsigned us_rdl_errors(const struct us_rdl *rdl)
{
	return rdl->errors;
}
