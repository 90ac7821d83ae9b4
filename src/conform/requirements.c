/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requirements that a specification numbers in its desc texts ("CRY-017: The lengths …"), and which of them the
 * tests of a run checked.
 */
#include "conform/internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct requirement {
	char *id;
	bool checked;
};

struct requirements {
	struct requirement *list;
	size_t count;
};

/* The length of the identifier that begins here (two capitals or more, a hyphen, two digits or more), or 0. */
static size_t id_length(const char *text)
{
	const size_t letters = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	const size_t digits = letters >= 2 && text[letters] == '-' ? strspn(text + letters + 1, "0123456789") : 0;

	return digits >= 2 ? letters + 1 + digits : 0;
}

static void state(struct requirements *all, const char *id, size_t length)
{
	for (size_t i = 0; i < all->count; i++)
		if (strlen(all->list[i].id) == length && !strncmp(all->list[i].id, id, length))
			return;
	all->list = us_must(realloc(all->list, (all->count + 1) * sizeof *all->list));
	all->list[all->count++] = (struct requirement){.id = us_must(strndup(id, length))};
}

/* Those that a text states: an identifier with a colon behind. Others are references. */
static void gather(struct requirements *all, const char *text)
{
	for (; text && *text; text++) {
		const size_t length = id_length(text);

		if (length && text[length] == ':')
			state(all, text, length);
		if (length)
			text += length - 1;
	}
}

static void gather_all(struct requirements *all, const struct us_map *map)
{
	gather(all, map->desc);
	for (size_t i = 0; i < map->nregs; i++) {
		const struct us_reg *reg = &map->regs[i];

		gather(all, reg->desc);
		for (unsigned f = 0; f < reg->nfields; f++) {
			gather(all, reg->fields[f].desc);
			for (const struct us_enumerator *item = reg->fields[f].encode; item && item->name; item++)
				gather(all, item->desc);
		}
	}
	for (size_t i = 0; i < map->nmems; i++)
		gather(all, map->mems[i].desc);
	for (size_t i = 0; i < map->ntexts; i++)
		gather(all, map->texts[i]);
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct requirement *)a)->id, ((const struct requirement *)b)->id);
}

/* Marks those that a test names; one that the specification does not state is told. */
static void check(struct requirements *all, const struct us_case *test, FILE *out)
{
	for (const char *named = test->requirements; named && *named; named++) {
		const size_t length = id_length(named);
		bool stated = false;

		for (size_t i = 0; length && i < all->count; i++)
			if (strlen(all->list[i].id) == length && !strncmp(all->list[i].id, named, length))
				all->list[i].checked = stated = true;
		if (length && !stated)
			fprintf(out, "#   unknown: %.*s, which %s names\n", (int)length, named, test->name);
		if (length)
			named += length - 1;
	}
}

void us_requirements_print(const struct us_suite *suite, FILE *out)
{
	struct requirements all = {0};
	struct us_report part;

	gather_all(&all, suite->map);
	if (all.count)
		qsort(all.list, all.count, sizeof *all.list, by_id);
	for (size_t i = 0; i < suite->ncases; i++)
		if (suite->cases[i].ran && suite->cases[i].verdict != US_SKIPPED)
			check(&all, &suite->cases[i], out);
	us_report_begin(&part, suite->own, out, "requirements checked");
	for (size_t i = 0; i < all.count; i++) {
		us_report_count(&part, all.list[i].checked, "%s", all.list[i].id);
		free(all.list[i].id);
	}
	us_report_end(&part);
	free(all.list);
}
