/* SPDX-License-Identifier: Apache-2.0 */
#include "defect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct defect none, *current = &none;
const struct us_player *straight;

/* -- before the functions of library and model ------------------------------------------------------------------ */

#define WRAP(type, name, parameters, arguments)                                                                        \
	type __wrap_##name parameters;                                                                                 \
	type __wrap_##name parameters                                                                                  \
	{                                                                                                              \
		return (current->name ? current->name : __real_##name)arguments;                                       \
	}
#define WRAP_VOID(name, parameters, arguments)                                                                         \
	void __wrap_##name parameters;                                                                                 \
	void __wrap_##name parameters                                                                                  \
	{                                                                                                              \
		(current->name ? current->name : __real_##name) arguments;                                             \
	}
CRYPTO_WRAPPED(WRAP, WRAP_VOID)

/* -- the map ---------------------------------------------------------------------------------------------------- */

static struct played played;

static void copy_map(const struct us_map *map)
{
	struct us_field *fields;
	size_t n = 0;

	free(played.regs);
	free(played.fields);
	for (size_t i = 0; i < map->nregs; i++)
		n += map->regs[i].nfields;
	played.map = *map;
	played.regs = calloc(map->nregs, sizeof *played.regs);
	played.fields = fields = calloc(n, sizeof *fields);
	if (!played.regs || !fields)
		abort();
	memcpy(played.regs, map->regs, map->nregs * sizeof *map->regs);
	for (size_t i = 0; i < map->nregs; fields += played.regs[i++].nfields) {
		memcpy(fields, map->regs[i].fields, map->regs[i].nfields * sizeof *fields);
		played.regs[i].fields = fields;
	}
	played.map.regs = played.regs;
}

struct us_field *played_field(struct played *p, const char *reg, const char *field)
{
	struct us_field *fields = p->fields;

	for (size_t i = 0; i < p->map.nregs; fields += p->regs[i++].nfields)
		for (unsigned f = 0; f < p->regs[i].nfields; f++)
			if (!strcmp(p->regs[i].path, reg) && !strcmp(fields[f].name, field))
				return &fields[f];
	abort();
}

/* -- the function ----------------------------------------------------------------------------------------------- */

static struct us_model model;
static struct us_player bent;

static int open_function(void *ctx, struct us_function **fn, struct us_error *err)
{
	int rc;

	(void)ctx;
	outer_defects_forget();
	work_defects_forget();
	rc = us_model_play(&model, fn, err);
	if (!rc && current->bend) {
		straight = (*fn)->player;
		bent = *straight;
		current->bend(&bent);
		(*fn)->player = &bent;
	}
	return rc;
}

struct us_suite_target defect_target(const struct defect *defect)
{
	current = defect ? defect : &none;
	copy_map(us_crypto_model.map);
	if (current->map)
		current->map(&played);
	model = us_crypto_model;
	model.map = &played.map;
	if (current->written)
		model.write = current->written;
	if (current->reading)
		model.read = current->reading;
	if (current->was_reset)
		model.reset = current->was_reset;
	return (struct us_suite_target){open_function, NULL};
}
