/* SPDX-License-Identifier: Apache-2.0 */
#include "rdl/arena.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK ((size_t)64 * 1024)

struct us_arena_block {
	struct us_arena_block *next;
	size_t size, used;
	max_align_t data[];
};

void us_arena_free(struct us_arena *arena)
{
	while (arena->block) {
		struct us_arena_block *next = arena->block->next;

		free(arena->block);
		arena->block = next;
	}
	arena->used = 0;
}

static void out_of_memory(size_t size)
{
	fprintf(stderr, "understudy: out of memory (%zu bytes asked for)\n", size);
	abort();
}

void *us_arena_alloc(struct us_arena *arena, size_t size)
{
	struct us_arena_block *block = arena->block;
	void *at;

	if (size > SIZE_MAX / 2)
		out_of_memory(size);
	size = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	if (!block || block->size - block->used < size) {
		size_t room = size > BLOCK / 4 ? size : BLOCK;
		struct us_arena_block *fresh = calloc(1, sizeof *fresh + room);

		if (!fresh)
			out_of_memory(size);
		fresh->size = room;
		if (block && room == size) {
			/* A big one by itself goes behind the block in use, which still has room. */
			fresh->next = block->next;
			block->next = fresh;
		} else {
			fresh->next = block;
			arena->block = fresh;
		}
		block = fresh;
	}
	at = (char *)block->data + block->used;
	block->used += size;
	arena->used += size;
	return at;
}

char *us_arena_copy(struct us_arena *arena, const char *text, size_t length)
{
	char *copy = us_arena_alloc(arena, length + 1);

	if (length)
		memcpy(copy, text, length);
	return copy;
}

char *us_arena_vformat(struct us_arena *arena, const char *format, va_list args)
{
	va_list again;
	char *text;
	int length;

	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0)
		return us_arena_copy(arena, "", 0);
	text = us_arena_alloc(arena, (size_t)length + 1);
	vsnprintf(text, (size_t)length + 1, format, args);
	return text;
}

char *us_arena_format(struct us_arena *arena, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = us_arena_vformat(arena, format, args);
	va_end(args);
	return text;
}

void *us_arena_grow(struct us_arena *arena, void *data, size_t count, size_t *room, size_t size)
{
	void *more;

	if (count < *room)
		return data;
	*room = *room ? *room * 2 : 4;
	more = us_arena_alloc(arena, *room * size);
	if (count)
		memcpy(more, data, count * size);
	return more;
}
