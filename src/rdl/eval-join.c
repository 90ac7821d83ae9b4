/* SPDX-License-Identifier: Apache-2.0 */
/* Concatenation (SystemRDL 2.0, 7.6): of strings, or of numbers bit by bit. */
#include "rdl/eval.h"

#include <string.h>

static uint64_t word_of(const struct us_rdl_value *value, size_t at)
{
	if (value->type == US_RDL_INT && value->wide)
		return at < (value->width + 63) / 64 ? value->wide[at] : 0;
	return at ? 0 : value->num;
}

/* The bits of `parts`, the first uppermost. */
static struct us_rdl_value join_bits(struct us_rdl *rdl, struct us_rdl_pos pos, const struct us_rdl_value *parts,
				     size_t count)
{
	uint64_t width = 0, at = 0, *words;

	for (size_t i = 0; i < count; i++)
		width += parts[i].width;
	if (!width || width > US_RDL_MAX_WIDTH) {
		us_rdl_error(rdl, pos, "the result is %llu bits wide: it must be 1 to %d",
			     (unsigned long long)width, US_RDL_MAX_WIDTH);
		return us_rdl_nothing();
	}
	words = us_arena_alloc(&rdl->arena, (size_t)(width + 63) / 64 * 8);
	for (size_t i = count; i--; at += parts[i].width)
		for (uint32_t bit = 0; bit < parts[i].width; bit++)
			if (word_of(&parts[i], bit / 64) >> bit % 64 & 1)
				words[(at + bit) / 64] |= (uint64_t)1 << (at + bit) % 64;
	return (struct us_rdl_value){
		.type = US_RDL_INT, .width = (uint32_t)width, .num = words[0], .wide = width > 64 ? words : NULL};
}

static struct us_rdl_value join_texts(struct us_rdl *rdl, const struct us_rdl_value *parts, size_t count)
{
	size_t length = 0;
	char *text, *at;

	for (size_t i = 0; i < count; i++)
		length += strlen(parts[i].text);
	at = text = us_arena_alloc(&rdl->arena, length + 1);
	for (size_t i = 0; i < count; i++)
		at = stpcpy(at, parts[i].text);
	return (struct us_rdl_value){.type = US_RDL_STRING, .text = text};
}

struct us_rdl_value us_rdl_join(struct us_rdl *rdl, struct us_rdl_pos pos, const struct us_rdl_value *parts, size_t count)
{
	if (count && parts[0].type == US_RDL_STRING)
		return join_texts(rdl, parts, count);
	return join_bits(rdl, pos, parts, count);
}
