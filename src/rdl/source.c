/* SPDX-License-Identifier: Apache-2.0 */
/* The context: source texts, names, and the order in which a file becomes a tree. */
#include "rdl/ast.h"
#include "rdl/elab.h"
#include "rdl/internal.h"
#include "rdl/lex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct us_rdl *us_rdl_new(const struct us_rdl_options *options)
{
	struct us_rdl *rdl = calloc(1, sizeof *rdl);

	if (!rdl) {
		fprintf(stderr, "understudy: out of memory\n");
		abort();
	}
	rdl->options = options;
	rdl->last_told = true;
	return rdl;
}

void us_rdl_free(struct us_rdl *rdl)
{
	if (!rdl)
		return;
	us_arena_free(&rdl->arena);
	free(rdl);
}

static uint64_t hash_name(const char *text, size_t length)
{
	uint64_t hash = 0xcbf29ce484222325;

	while (length--)
		hash = (hash ^ (unsigned char)*text++) * 0x100000001b3;
	return hash;
}

static void grow_names(struct us_rdl *rdl)
{
	size_t room = rdl->name_room ? rdl->name_room * 2 : 1024;
	const char **name = us_arena_alloc(&rdl->arena, room * sizeof *name);

	for (size_t i = 0; i < rdl->name_room; i++) {
		size_t at;

		if (!rdl->name[i])
			continue;
		at = hash_name(rdl->name[i], strlen(rdl->name[i])) & (room - 1);
		while (name[at])
			at = (at + 1) & (room - 1);
		name[at] = rdl->name[i];
	}
	rdl->name = name;
	rdl->name_room = room;
}

const char *us_rdl_intern(struct us_rdl *rdl, const char *text, size_t length)
{
	size_t at;

	if (rdl->names * 2 >= rdl->name_room)
		grow_names(rdl);
	at = hash_name(text, length) & (rdl->name_room - 1);
	for (; rdl->name[at]; at = (at + 1) & (rdl->name_room - 1))
		if (!strncmp(rdl->name[at], text, length) && !rdl->name[at][length])
			return rdl->name[at];
	rdl->names++;
	return rdl->name[at] = us_arena_copy(&rdl->arena, text, length);
}

const char *us_rdl_name(struct us_rdl *rdl, const char *text)
{
	return us_rdl_intern(rdl, text, strlen(text));
}

const char *us_rdl_file(const struct us_rdl *rdl, size_t number)
{
	return number < rdl->nsources ? rdl->source[number].name : NULL;
}

static int add_source(struct us_rdl *rdl, const char *name, const char *text, size_t length)
{
	struct us_rdl_source source = {us_rdl_name(rdl, name), text, length};

	rdl->source = us_arena_grow(&rdl->arena, rdl->source, rdl->nsources, &rdl->source_room, sizeof source);
	rdl->source[rdl->nsources] = source;
	return (int)rdl->nsources++;
}

int us_rdl_source_text(struct us_rdl *rdl, const char *name, const char *text, size_t length)
{
	for (size_t i = 0; i < rdl->nsources; i++)
		if (!strcmp(rdl->source[i].name, name))
			return (int)i;
	return add_source(rdl, name, us_arena_copy(&rdl->arena, text, length), length);
}

int us_rdl_source_file(struct us_rdl *rdl, const char *path)
{
	FILE *file;
	char *text = NULL;
	size_t length = 0, room = 0;
	struct stat status;
	int error = 0;

	for (size_t i = 0; i < rdl->nsources; i++)
		if (!strcmp(rdl->source[i].name, path))
			return (int)i;
	/* The file asked for may be a pipe; an included one that is no file is a mistake, and must not be waited for. */
	if (rdl->nsources && !stat(path, &status) && !S_ISREG(status.st_mode))
		return S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
	file = fopen(path, "rb");
	if (!file)
		return -errno;
	for (;;) {
		size_t got;

		if (room - length < 65536) {
			char *more = us_arena_alloc(&rdl->arena, room = room ? room * 2 : 131072);

			if (length)
				memcpy(more, text, length);
			text = more;
		}
		errno = 0;
		got = fread(text + length, 1, room - length - 1, file);
		length += got;
		if (ferror(file))
			error = errno ? -errno : -EIO;
		else if (length > US_RDL_MAX_FILE)
			error = -EFBIG;
		if (!got || error)
			break;
	}
	fclose(file);
	return error ? error : add_source(rdl, path, text, length);
}

static int read_source(struct us_rdl *rdl, uint32_t file)
{
	struct us_rdl_tokens tokens = {0};

	us_rdl_lex(rdl, file, &tokens);
	us_rdl_parse(rdl, &tokens);
	if (!rdl->unreadable)
		us_rdl_elaborate(rdl);
	return rdl->errors ? -EINVAL : 0;
}

int us_rdl_read_file(struct us_rdl *rdl, const char *path)
{
	int file = us_rdl_source_file(rdl, path);

	if (file < 0) {
		rdl->errors++;
		if (rdl->options->diagnostics)
			fprintf(rdl->options->diagnostics, "understudy: %s: %s\n", path, strerror(-file));
		return file;
	}
	return read_source(rdl, (uint32_t)file);
}

int us_rdl_read_text(struct us_rdl *rdl, const char *name, const char *text, size_t length)
{
	return read_source(rdl, (uint32_t)us_rdl_source_text(rdl, name, text, length));
}

const struct us_rdl_node *us_rdl_top(const struct us_rdl *rdl)
{
	return rdl->top;
}
