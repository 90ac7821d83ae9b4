/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making an interrupt cause happen on a device that the suite knows nothing of, and clearing it: the specification says
 * how, in the properties us_raised_by and us_cleared_by of the cause's field: "A = 1; B = 0x2" writes register A, then B.
 */
#include "conform/internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE UINT64_C(2000000000) /* ns until a cause must be set */
#define STEP UINT64_C(100000) /* ns between looks at it */

bool us_cause_at(const struct us_map *map, unsigned n, struct us_cause *cause)
{
	for (size_t i = 0; i < map->nregs; i++)
		for (unsigned f = 0; f < map->regs[i].nfields; f++)
			if (map->regs[i].fields[f].raised_by && map->regs[i].fields[f].flags & US_FIELD_INTR && !n--) {
				*cause = (struct us_cause){&map->regs[i], &map->regs[i].fields[f]};
				return true;
			}
	return false;
}

/* The register of that path: in the cause's own BAR, else in any. */
static const struct us_reg *find(const struct us_map *map, unsigned bar, const char *path, size_t length)
{
	const struct us_reg *found = NULL;

	for (size_t i = 0; i < map->nregs; i++) {
		const struct us_reg *reg = &map->regs[i];

		if (strlen(reg->path) == length && !strncmp(reg->path, path, length) &&
		    (!found || US_BAR_OF(reg->addr) == bar))
			found = reg;
	}
	return found;
}

/* One write of the text at *at, which moves behind it; false: there is none, -1 in *rc when it can not be read. */
static bool next_write(const struct us_map *map, const struct us_cause *cause, const char **at,
		       const struct us_reg **reg, uint64_t *value, int *rc)
{
	const char *path = *at + strspn(*at, " \t\n;");
	const size_t length = strcspn(path, " \t\n=;");
	const char *equals = path + length + strspn(path + length, " \t\n");
	char *end;

	*rc = 0;
	if (!*path)
		return false;
	*rc = -EINVAL;
	*reg = find(map, US_BAR_OF(cause->reg->addr), path, length);
	if (!*reg || *equals != '=')
		return false;
	errno = 0;
	*value = strtoull(equals + 1, &end, 0);
	if (errno || end == equals + 1)
		return false;
	*at = end + strspn(end, " \t\n");
	if (**at && **at != ';')
		return false;
	*rc = 0;
	return true;
}

static int check(const struct us_map *map, const struct us_cause *cause, const char *property, const char *writes,
		 struct us_error *err)
{
	const char *at = writes;
	const struct us_reg *reg;
	uint64_t value;
	int rc;

	while (next_write(map, cause, &at, &reg, &value, &rc))
		;
	return rc ? us_fail(err, rc,
			    "%s of %s.%s is \"%s\": it can not be read at '%.40s': it has register writes, REGISTER "
			    "= NUMBER, with semicolons between",
			    property, cause->reg->path, cause->field->name, writes, at)
		  : 0;
}

int us_cause_check(const struct us_map *map, const struct us_cause *cause, struct us_error *err)
{
	const struct us_field *field = cause->field;
	int rc = check(map, cause, "us_raised_by", field->raised_by, err);

	return rc || !field->cleared_by ? rc : check(map, cause, "us_cleared_by", field->cleared_by, err);
}

static void carry_out(struct us_run *run, const struct us_cause *cause, const char *writes)
{
	const struct us_reg *reg;
	uint64_t value;
	int rc;

	while (next_write(run->suite->map, cause, &writes, &reg, &value, &rc))
		us_run_write(run, reg, 0, reg->size, value);
}

static uint64_t current(struct us_run *run, const struct us_reg *reg)
{
	return us_run_read(run, reg, 0, reg->size);
}

void us_cause_enable(struct us_run *run, const struct us_cause *cause, bool on)
{
	const struct us_reg *reg;
	uint64_t mask, value;

	if (cause->field->enable_reg < 0)
		return;
	reg = &run->suite->map->regs[cause->field->enable_reg];
	mask = UINT64_MAX >> (64 - cause->field->width) << cause->field->enable_lsb;
	value = us_reg_safe(reg, current(run, reg));
	us_run_write(run, reg, 0, reg->size, on ? value | mask : value & ~mask);
}

void us_cause_raise(struct us_run *run, const struct us_cause *cause)
{
	const uint64_t mask = us_field_mask(cause->field), begun = us_fn_now(run->fn);
	uint64_t value;

	carry_out(run, cause, cause->field->raised_by);
	if (cause->field->onread != US_ONREAD_NONE || !(cause->field->flags & US_FIELD_READ)) {
		us_fn_sleep(run->fn, 10 * UINT64_C(1000000)); /* it can not be watched without being disturbed */
		return;
	}
	while (!((value = current(run, cause->reg)) & mask)) {
		if (us_fn_now(run->fn) - begun > PATIENCE)
			us_run_mismatch(run, cause->reg, cause->field, cause->reg->size, mask, value & mask,
					"the cause was not set within 2 s of the writes that make it happen: %s",
					cause->field->raised_by);
		us_fn_sleep(run->fn, STEP);
	}
}

bool us_cause_clearable(const struct us_cause *cause)
{
	const unsigned onwrite = cause->field->onwrite;

	if (cause->field->cleared_by || cause->field->onread == US_ONREAD_RCLR)
		return true;
	return cause->field->flags & US_FIELD_WRITE && onwrite != US_ONWRITE_WOSET && onwrite != US_ONWRITE_WZS &&
	       onwrite != US_ONWRITE_WSET && onwrite != US_ONWRITE_WUSER;
}

bool us_cause_clear(struct us_run *run, const struct us_cause *cause)
{
	const uint64_t mask = us_field_mask(cause->field);
	uint64_t value, safe;

	if (!us_cause_clearable(cause))
		return false;
	if (cause->field->cleared_by) {
		carry_out(run, cause, cause->field->cleared_by);
		return true;
	}
	value = current(run, cause->reg);
	if (cause->field->onread == US_ONREAD_RCLR)
		return true;
	safe = us_reg_safe(cause->reg, value) & ~mask;
	switch ((enum us_onwrite)cause->field->onwrite) {
	case US_ONWRITE_WOCLR:
		safe |= mask;
		break;
	case US_ONWRITE_WOT:
		safe |= value & mask;
		break;
	case US_ONWRITE_WZT:
		safe |= ~value & mask;
		break;
	default:
		break; /* a written 0, or whatever is written */
	}
	us_run_write(run, cause->reg, 0, cause->reg->size, safe);
	return true;
}
