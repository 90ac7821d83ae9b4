/* SPDX-License-Identifier: Apache-2.0 */
/* The register map as C tables (include/understudy/map.h), from which the model library works. */
#include "rdl/internal.h"
#include "rdl/pci.h"
#include "rdl/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	const struct us_rdl_node *node;
	const char *name, *path;
	uint64_t offset;
	unsigned bar;
	unsigned fields; /* number of its table of fields */
	/* The way down to it, outermost first, so that references from it can be followed. */
	struct us_rdl_place *place;
	size_t depth;
};

struct tables {
	struct us_rdl *rdl;
	FILE *out;
	const char *name; /* of the top */
	struct us_rdl_pci pci;
	struct entry *reg, *mem;
	size_t nregs, reg_room, nmems, mem_room;
	const struct us_rdl_enum **enumeration;
	size_t nenums, enum_room;
	const char **table; /* texts of tables of fields, interned, by number */
	size_t ntables, table_room;
	size_t *slot; /* hash table of them: number + 1 */
	size_t slots;
	unsigned bar; /* being gathered */
};

/* -- gathering -------------------------------------------------------------------------------------------------- */

static struct us_rdl_place *copy_place(struct us_rdl *rdl, const struct us_rdl_place *place, size_t *depth)
{
	const struct us_rdl_place *at = place;
	struct us_rdl_place *copy;
	size_t count = 0;

	for (; at; at = at->up)
		count++;
	copy = us_arena_alloc(&rdl->arena, count * sizeof *copy);
	*depth = count;
	for (at = place; at; at = at->up) {
		copy[--count] = *at;
		copy[count].up = count ? &copy[count - 1] : NULL;
	}
	return copy;
}

static bool check_reg(struct tables *t, const struct us_rdl_node *reg)
{
	unsigned errors = us_rdl_errors(t->rdl);

	if (us_rdl_regwidth(reg) > 64)
		us_rdl_error(t->rdl, reg->pos, "register '%s' has %u bits: a map has registers of at most 64", reg->name,
			     us_rdl_regwidth(reg));
	if (reg->alias_of)
		us_rdl_error(t->rdl, reg->pos, "register '%s' is an alias of '%s': a map has no aliases", reg->name,
			     reg->alias_of->name);
	if (reg->offset % (us_rdl_regwidth(reg) / 8))
		us_rdl_error(t->rdl, reg->pos, "register '%s' at 0x%" PRIx64 " is not aligned to its own size, as a map needs it",
			     reg->name, reg->offset);
	return us_rdl_errors(t->rdl) == errors;
}

static int gather(void *ctx, const struct us_rdl_place *place)
{
	struct tables *t = ctx;
	const struct us_rdl_place *bar = &t->pci.bar[t->bar].place;
	struct entry entry = {.node = place->node, .bar = t->bar, .offset = place->address - bar->address};

	if (place->node->kind != US_RDL_REG && place->node->kind != US_RDL_MEM)
		return place->node->kind == US_RDL_SIGNAL;
	if (t->nregs >= US_RDL_MAX_VISITS) {
		us_rdl_error(t->rdl, us_rdl_top(t->rdl)->pos, "a map of more than %zu registers is not possible",
			     US_RDL_MAX_VISITS);
		return -EINVAL;
	}
	entry.path = us_rdl_path(t->rdl, bar, place);
	entry.name = strrchr(entry.path, '.') ? strrchr(entry.path, '.') + 1 : entry.path;
	if (place->node->kind == US_RDL_MEM) {
		t->mem = us_arena_grow(&t->rdl->arena, t->mem, t->nmems, &t->mem_room, sizeof entry);
		t->mem[t->nmems++] = entry;
		return 1;
	}
	if (!check_reg(t, place->node))
		return 1;
	entry.place = copy_place(t->rdl, place, &entry.depth);
	t->reg = us_arena_grow(&t->rdl->arena, t->reg, t->nregs, &t->reg_room, sizeof entry);
	t->reg[t->nregs++] = entry;
	return 1;
}

static int by_address(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->bar != y->bar)
		return x->bar < y->bar ? -1 : 1;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return strcmp(x->path, y->path);
}

static void check_shared(struct tables *t)
{
	for (size_t i = 1; i < t->nregs; i++) {
		const struct entry *last = &t->reg[i - 1], *entry = &t->reg[i];

		if (entry->bar == last->bar && entry->offset < last->offset + last->node->size)
			us_rdl_error(t->rdl, entry->node->pos, "register '%s' shares its address with '%s', which a map can not express",
				     entry->path, last->path);
	}
}

/* -- tables of fields ------------------------------------------------------------------------------------------- */

static size_t enum_number(struct tables *t, const struct us_rdl_enum *enumeration)
{
	for (size_t i = 0; i < t->nenums; i++)
		if (t->enumeration[i] == enumeration)
			return i;
	t->enumeration =
		us_arena_grow(&t->rdl->arena, t->enumeration, t->nenums, &t->enum_room, sizeof *t->enumeration);
	t->enumeration[t->nenums] = enumeration;
	return t->nenums++;
}

/* The register at an address, or -1. */
static int32_t find_reg(const struct tables *t, unsigned bar, uint64_t offset)
{
	struct entry key = {.bar = bar, .offset = offset};
	size_t low = 0, high = t->nregs;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct entry *entry = &t->reg[middle];

		if (entry->bar < key.bar || (entry->bar == key.bar && entry->offset < key.offset))
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->nregs && t->reg[low].bar == bar && t->reg[low].offset == offset ? (int32_t)low : -1;
}

/* Where the enable of an interrupt cause is: sets *reg and *lsb. */
static void find_enable(struct tables *t, const struct us_rdl_place *field, int32_t *reg, unsigned *lsb)
{
	const struct us_rdl_prop *prop = us_rdl_get(field->node, "enable");
	struct us_rdl_place found[US_RDL_MAX_NESTING];
	const struct us_rdl_place *up;
	const struct us_rdl_node *target;
	size_t count;
	int bar;

	if (us_rdl_get(field->node, "mask"))
		us_rdl_error(t->rdl, us_rdl_get(field->node, "mask")->pos,
			     "an interrupt mask can not be expressed in a map: give field '%s' an enable", field->node->name);
	if (!prop || prop->value.type != US_RDL_REF)
		return;
	count = us_rdl_follow(field, prop->value.ref, found, US_RDL_MAX_NESTING);
	target = count ? found[count - 1].node : NULL;
	if (!target || target->kind != US_RDL_FIELD || prop->value.ref->property) {
		us_rdl_error(t->rdl, prop->pos, "the enable of field '%s' is no field, as a map needs it", field->node->name);
		return;
	}
	if (target->width != field->node->width) {
		us_rdl_error(t->rdl, prop->pos, "the enable of field '%s' is %u bits wide, the field itself %u", field->node->name,
			     target->width, field->node->width);
		return;
	}
	bar = us_rdl_bar_of(&t->pci, &found[count - 1]);
	up = found[count - 1].up; /* its register */
	*reg = bar < 0 ? -1 : find_reg(t, (unsigned)bar, up->address - t->pci.bar[bar].place.address);
	*lsb = target->low;
	if (*reg < 0)
		us_rdl_error(t->rdl, prop->pos, "the enable of field '%s' is in no BAR", field->node->name);
}

static const char *onread_name(enum us_rdl_word word)
{
	return word == US_RDL_RCLR ? "RCLR" : word == US_RDL_RSET ? "RSET" : word == US_RDL_RUSER ? "RUSER" : "NONE";
}

static const char *onwrite_name(struct us_rdl *rdl, enum us_rdl_word word)
{
	return word ? us_rdl_upper(rdl, us_rdl_word_name(word)) : "NONE";
}

static void write_flags(FILE *out, const struct us_rdl_access *access)
{
	static const char *const name[] = {"READ", "WRITE", "HW", "SINGLEPULSE", "WRITE_ONCE", "INTR", "STICKY"};
	bool set[] = {access->read, access->write, access->hw, access->singlepulse, access->once, access->intr,
		      access->intr && access->sticky};
	const char *separator = "";

	for (size_t i = 0; i < sizeof set / sizeof set[0]; i++)
		if (set[i]) {
			fprintf(out, "%sUS_FIELD_%s", separator, name[i]);
			separator = " | ";
		}
	if (!*separator)
		fputs("0", out);
}

static void write_field(struct tables *t, FILE *out, const struct us_rdl_place *place)
{
	const struct us_rdl_node *field = place->node;
	struct us_rdl_access access;
	const struct us_rdl_enum *encode = us_rdl_encode(field);
	int32_t enable = -1;
	unsigned enable_lsb = 0;

	us_rdl_field_access(field, &access);
	if (access.intr)
		find_enable(t, place, &enable, &enable_lsb);
	if (field->msb0 && field->width > 1)
		us_rdl_error(t->rdl, field->pos, "field '%s' has its most significant bit first (msb0), which a map can not express",
			     field->name);
	fprintf(out, "\t{.name = \"%s\", .desc = ", field->name);
	us_rdl_c_string(out, us_rdl_plain(t->rdl, us_rdl_get_text(field, "desc")));
	fprintf(out, ",\n\t .lsb = %u, .width = %u, .flags = ", field->low, field->width);
	write_flags(out, &access);
	fprintf(out, ",\n\t .onread = US_ONREAD_%s, .onwrite = US_ONWRITE_%s", onread_name(access.onread),
		onwrite_name(t->rdl, access.onwrite));
	if (access.has_reset)
		fprintf(out, ",\n\t .reset = UINT64_C(0x%" PRIx64 "), .has_reset = true", access.reset->num);
	if (access.intr)
		fprintf(out, ",\n\t .message = %u, .enable_reg = %d, .enable_lsb = %u",
			(unsigned)us_rdl_get_int(field, "pci_message", 0), enable, enable_lsb);
	else
		fputs(",\n\t .enable_reg = -1", out);
	if (encode)
		fprintf(out, ",\n\t .encode = enum_%zu", enum_number(t, encode));
	fputs("},\n", out);
}

static unsigned count_fields(const struct us_rdl_node *reg)
{
	unsigned count = 0;

	for (const struct us_rdl_node *field = reg->child; field; field = field->next)
		count += field->kind == US_RDL_FIELD;
	return count;
}

static void grow_slots(struct tables *t)
{
	t->slots = t->slots ? t->slots * 2 : 256;
	t->slot = us_arena_alloc(&t->rdl->arena, t->slots * sizeof *t->slot);
	for (size_t i = 0; i < t->ntables; i++) {
		size_t at = ((uintptr_t)t->table[i] >> 4) & (t->slots - 1);

		while (t->slot[at])
			at = (at + 1) & (t->slots - 1);
		t->slot[at] = i + 1;
	}
}

/* The number of the table with this text: elements of an array mostly share theirs. */
static unsigned table_number(struct tables *t, const char *text)
{
	size_t at;

	if (t->ntables * 2 >= t->slots)
		grow_slots(t);
	for (at = ((uintptr_t)text >> 4) & (t->slots - 1); t->slot[at]; at = (at + 1) & (t->slots - 1))
		if (t->table[t->slot[at] - 1] == text)
			return (unsigned)t->slot[at] - 1;
	t->table = us_arena_grow(&t->rdl->arena, t->table, t->ntables, &t->table_room, sizeof *t->table);
	t->table[t->ntables++] = text;
	t->slot[at] = t->ntables;
	return (unsigned)t->ntables - 1;
}

static void make_table(struct tables *t, struct entry *entry)
{
	const struct us_rdl_place *up = &entry->place[entry->depth - 1];
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	if (!out) {
		us_rdl_error(t->rdl, entry->node->pos, "out of memory");
		return;
	}
	for (const struct us_rdl_node *field = entry->node->child; field; field = field->next)
		if (field->kind == US_RDL_FIELD) {
			struct us_rdl_place place = {up, field, 0, up->address};

			write_field(t, out, &place);
		}
	fclose(out);
	entry->fields = table_number(t, us_rdl_intern(t->rdl, text, length));
	free(text);
}

/* -- writing ---------------------------------------------------------------------------------------------------- */

static void write_enums(struct tables *t)
{
	for (size_t i = 0; i < t->nenums; i++) {
		const struct us_rdl_enum *enumeration = t->enumeration[i];

		fprintf(t->out, "static const struct us_enumerator enum_%zu[] = {\n", i);
		for (size_t j = 0; j < enumeration->count; j++) {
			fprintf(t->out, "\t{\"%s\", UINT64_C(0x%" PRIx64 "), ", enumeration->item[j].name,
				enumeration->item[j].value);
			us_rdl_c_string(t->out, us_rdl_plain(t->rdl, enumeration->item[j].desc));
			fputs("},\n", t->out);
		}
		fputs("\t{NULL, 0, NULL},\n};\n\n", t->out);
	}
}

static void write_regs(struct tables *t)
{
	for (size_t i = 0; i < t->ntables; i++)
		fprintf(t->out, "static const struct us_field fields_%zu[] = {\n%s};\n\n", i, t->table[i]);
	if (!t->nregs)
		return;
	fputs("static const struct us_reg regs[] = {\n", t->out);
	for (size_t i = 0; i < t->nregs; i++) {
		const struct entry *entry = &t->reg[i];
		unsigned access = us_rdl_accesswidth(entry->node) / 8, size = us_rdl_regwidth(entry->node) / 8;

		fprintf(t->out, "\t{.name = \"%s\", .path = \"%s\", .desc = ", entry->name, entry->path);
		us_rdl_c_string(t->out, us_rdl_plain(t->rdl, us_rdl_get_text(entry->node, "desc")));
		fprintf(t->out, ",\n\t .addr = US_AT(%u, UINT64_C(0x%" PRIx64 ")), .size = %u, .access = %u, .flags = %s,", entry->bar,
			entry->offset, size, access < size ? access : size,
			us_rdl_get_bool(entry->node, "us_dangerous") ? "US_REG_DANGEROUS" : "0");
		fprintf(t->out, "\n\t .nfields = %u, .fields = fields_%u},\n", count_fields(entry->node), entry->fields);
	}
	fputs("};\n\n", t->out);
}

static void write_mems(struct tables *t)
{
	if (!t->nmems)
		return;
	fputs("static const struct us_mem mems[] = {\n", t->out);
	for (size_t i = 0; i < t->nmems; i++) {
		const struct entry *entry = &t->mem[i];
		struct us_rdl_access access;

		us_rdl_field_access(entry->node, &access);
		fprintf(t->out, "\t{.name = \"%s\", .path = \"%s\", .desc = ", entry->name, entry->path);
		us_rdl_c_string(t->out, us_rdl_plain(t->rdl, us_rdl_get_text(entry->node, "desc")));
		fprintf(t->out,
			",\n\t .addr = US_AT(%u, UINT64_C(0x%" PRIx64 ")), .size = UINT64_C(0x%" PRIx64
			"), .read = %s, .write = %s},\n",
			entry->bar, entry->offset, entry->node->size, access.read ? "true" : "false",
			access.write ? "true" : "false");
	}
	fputs("};\n\n", t->out);
}

static const char *truth(bool is)
{
	return is ? "true" : "false";
}

static void write_bar(struct tables *t, unsigned number, const struct us_rdl_bar *bar)
{
	static const char *const kind[] = {"US_BAR_NONE", "US_BAR_MEM32", "US_BAR_MEM64", "US_BAR_IO"};

	fprintf(t->out, "\t\t[%u] = {.kind = %s, .prefetchable = %s, .size = UINT64_C(0x%" PRIx64 "), .name = ", number,
		kind[bar->kind], truth(bar->prefetchable), bar->size);
	us_rdl_c_string(t->out, bar->place.node ? bar->place.node->name : NULL);
	fputs("},\n", t->out);
}

static void write_pci(struct tables *t)
{
	const struct us_pci *pci = &t->pci.facts;

	fprintf(t->out, "\t.pci = {\n\t\t.vendor_id = 0x%04x,\n\t\t.device_id = 0x%04x,\n", pci->vendor_id, pci->device_id);
	fprintf(t->out, "\t\t.subsystem_vendor_id = 0x%04x,\n\t\t.subsystem_id = 0x%04x,\n", pci->subsystem_vendor_id,
		pci->subsystem_id);
	fprintf(t->out, "\t\t.class_code = 0x%06" PRIx32 ",\n\t\t.revision = 0x%02x,\n\t\t.intx_pin = %u,\n", pci->class_code,
		pci->revision, pci->intx_pin);
	fprintf(t->out, "\t\t.msi = %u,\n\t\t.msi_masking = %s,\n\t\t.msix = %u,\n", pci->msi, truth(pci->msi_masking), pci->msix);
	fprintf(t->out, "\t\t.msix_table_bar = %u,\n\t\t.msix_pba_bar = %u,\n", pci->msix_table_bar, pci->msix_pba_bar);
	fprintf(t->out, "\t\t.msix_table_offset = 0x%" PRIx32 ",\n\t\t.msix_pba_offset = 0x%" PRIx32 ",\n",
		pci->msix_table_offset, pci->msix_pba_offset);
	fprintf(t->out, "\t\t.pm = %s,\n\t\t.express = %s,\n\t\t.flr = %s,\n\t},\n", truth(pci->pm), truth(pci->express),
		truth(pci->flr));
	fputs("\t.bars = {\n", t->out);
	for (unsigned i = 0; i < US_BARS; i++)
		if (t->pci.bar[i].kind != US_BAR_NONE)
			write_bar(t, i, &t->pci.bar[i]);
	fputs("\t},\n", t->out);
}

static void write_all(struct tables *t)
{
	const struct us_rdl_node *top = us_rdl_top(t->rdl);

	fprintf(t->out, "/* Made by 'understudy rdl map' from %s. Do not edit. */\n", us_rdl_base_name(t->rdl));
	fputs("#include <understudy/map.h>\n\n", t->out);
	fputs("#ifdef __GNUC__\n#pragma GCC diagnostic ignored \"-Woverlength-strings\"\n#endif\n\n", t->out);
	write_enums(t);
	write_regs(t);
	write_mems(t);
	fprintf(t->out, "extern const struct us_map %s_map;\nconst struct us_map %s_map = {\n\t.name = \"%s\",\n\t.title = ", t->name,
		t->name, t->name);
	us_rdl_c_string(t->out, us_rdl_plain(t->rdl, us_rdl_get_text(top, "name")));
	fputs(",\n\t.desc = ", t->out);
	us_rdl_c_string(t->out, us_rdl_plain(t->rdl, us_rdl_get_text(top, "desc")));
	fputs(",\n", t->out);
	write_pci(t);
	if (t->nregs)
		fprintf(t->out, "\t.regs = regs,\n\t.nregs = %zu,\n", t->nregs);
	if (t->nmems)
		fprintf(t->out, "\t.mems = mems,\n\t.nmems = %zu,\n", t->nmems);
	fputs("};\n", t->out);
}

int us_rdl_write_map(struct us_rdl *rdl, FILE *out)
{
	struct tables *t = US_ARENA_NEW(&rdl->arena, struct tables);
	unsigned errors = us_rdl_errors(rdl);

	t->rdl = rdl;
	t->out = out;
	t->name = us_rdl_top(rdl)->name;
	if (us_rdl_gather_pci(rdl, &t->pci, true))
		return -EINVAL;
	for (t->bar = 0; t->bar < US_BARS; t->bar++)
		if (t->pci.bar[t->bar].place.node && us_rdl_walk(&t->pci.bar[t->bar].place, gather, t))
			return -EINVAL;
	if (t->nregs)
		qsort(t->reg, t->nregs, sizeof *t->reg, by_address);
	if (t->nmems)
		qsort(t->mem, t->nmems, sizeof *t->mem, by_address);
	check_shared(t);
	for (size_t i = 0; i < t->nregs; i++)
		make_table(t, &t->reg[i]);
	if (us_rdl_errors(rdl) > errors)
		return -EINVAL;
	write_all(t);
	return 0;
}
