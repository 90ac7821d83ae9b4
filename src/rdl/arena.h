/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is given back all at once. A reader that recovers from errors leaves half-built things behind; here they
 * cost nothing to forget. Out of memory ends the process with a message.
 */
#ifndef UNDERSTUDY_RDL_ARENA_H
#define UNDERSTUDY_RDL_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct us_arena {
	struct us_arena_block *block; /* zeroed, an arena is ready for use */
	size_t used; /* bytes handed out */
};

void us_arena_free(struct us_arena *arena);

/* Zeroed bytes, aligned for any type. */
void *us_arena_alloc(struct us_arena *arena, size_t size);
#define US_ARENA_NEW(arena, type) ((type *)us_arena_alloc(arena, sizeof(type)))

char *us_arena_copy(struct us_arena *arena, const char *text, size_t length); /* NUL-terminated */
char *us_arena_format(struct us_arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3), nonnull(2)));
char *us_arena_vformat(struct us_arena *arena, const char *format, va_list args)
	__attribute__((format(printf, 2, 0), nonnull(2)));

/*
 * Room for one more element at the end of a vector in the arena: grows `*data` (of `*room` elements, `count` in use) by
 * doubling.
 */
void *us_arena_grow(struct us_arena *arena, void *data, size_t count, size_t *room, size_t size);

#endif
