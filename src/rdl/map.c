/* SPDX-License-Identifier: Apache-2.0 */
/* The register map as C tables (include/understudy/map.h), from which the model library works. */
#include "rdl/internal.h"
#include "rdl/text.h"

#include <understudy/map.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct writer {
	struct us_rdl *rdl;
	const struct us_map *map;
	FILE *out;
	const struct us_enumerator **enumeration;
	size_t nenums, enum_room;
	unsigned *fields; /* for each register, the number of its table of fields */
	const char **table; /* texts of tables of fields, interned, by number */
	size_t ntables, table_room;
	size_t *slot; /* hash table of them: number + 1 */
	size_t slots;
};

static size_t enum_number(struct writer *w, const struct us_enumerator *enumeration)
{
	for (size_t i = 0; i < w->nenums; i++)
		if (w->enumeration[i] == enumeration)
			return i;
	w->enumeration =
		us_arena_grow(&w->rdl->arena, w->enumeration, w->nenums, &w->enum_room, sizeof *w->enumeration);
	w->enumeration[w->nenums] = enumeration;
	return w->nenums++;
}

static const char *onread_name(unsigned onread)
{
	static const char *const name[] = {"NONE", "RCLR", "RSET", "RUSER"};

	return name[onread];
}

static const char *onwrite_name(unsigned onwrite)
{
	static const char *const name[] = {"NONE", "WOSET", "WOCLR", "WOT",  "WZS",
					   "WZC",  "WZT",   "WCLR",  "WSET", "WUSER"};

	return name[onwrite];
}

static void write_flags(FILE *out, unsigned flags)
{
	static const char *const name[] = {"READ", "WRITE", "HW", "SINGLEPULSE", "WRITE_ONCE", "INTR", "STICKY"};
	const char *separator = "";

	for (size_t i = 0; i < sizeof name / sizeof name[0]; i++)
		if (flags >> i & 1) {
			fprintf(out, "%sUS_FIELD_%s", separator, name[i]);
			separator = " | ";
		}
	if (!*separator)
		fputs("0", out);
}

static void write_field(struct writer *w, FILE *out, const struct us_field *field)
{
	fprintf(out, "\t{.name = \"%s\", .desc = ", field->name);
	us_rdl_c_string(out, field->desc);
	fprintf(out, ",\n\t .lsb = %u, .width = %u, .flags = ", field->lsb, field->width);
	write_flags(out, field->flags);
	fprintf(out, ",\n\t .onread = US_ONREAD_%s, .onwrite = US_ONWRITE_%s", onread_name(field->onread),
		onwrite_name(field->onwrite));
	if (field->has_reset)
		fprintf(out, ",\n\t .reset = UINT64_C(0x%" PRIx64 "), .has_reset = true", field->reset);
	if (field->flags & US_FIELD_INTR)
		fprintf(out, ",\n\t .message = %d, .enable_reg = %d, .enable_lsb = %u", field->message, field->enable_reg,
			field->enable_lsb);
	else
		fputs(",\n\t .enable_reg = -1", out);
	if (field->encode)
		fprintf(out, ",\n\t .encode = enum_%zu", enum_number(w, field->encode));
	if (field->raised_by) {
		fputs(",\n\t .raised_by = ", out);
		us_rdl_c_string(out, field->raised_by);
	}
	if (field->cleared_by) {
		fputs(",\n\t .cleared_by = ", out);
		us_rdl_c_string(out, field->cleared_by);
	}
	fputs("},\n", out);
}

static void grow_slots(struct writer *w)
{
	w->slots = w->slots ? w->slots * 2 : 256;
	w->slot = us_arena_alloc(&w->rdl->arena, w->slots * sizeof *w->slot);
	for (size_t i = 0; i < w->ntables; i++) {
		size_t at = ((uintptr_t)w->table[i] >> 4) & (w->slots - 1);

		while (w->slot[at])
			at = (at + 1) & (w->slots - 1);
		w->slot[at] = i + 1;
	}
}

/* The number of the table with this text: elements of an array mostly share theirs. */
static unsigned table_number(struct writer *w, const char *text)
{
	size_t at;

	if (w->ntables * 2 >= w->slots)
		grow_slots(w);
	for (at = ((uintptr_t)text >> 4) & (w->slots - 1); w->slot[at]; at = (at + 1) & (w->slots - 1))
		if (w->table[w->slot[at] - 1] == text)
			return (unsigned)w->slot[at] - 1;
	w->table = us_arena_grow(&w->rdl->arena, w->table, w->ntables, &w->table_room, sizeof *w->table);
	w->table[w->ntables++] = text;
	w->slot[at] = w->ntables;
	return (unsigned)w->ntables - 1;
}

static void make_table(struct writer *w, size_t reg)
{
	const struct us_reg *r = &w->map->regs[reg];
	char *text = NULL;
	size_t length = 0;
	FILE *out;

	if (reg && r[-1].fields == r->fields) { /* an array's */
		w->fields[reg] = w->fields[reg - 1];
		return;
	}
	out = open_memstream(&text, &length);
	if (!out) {
		us_rdl_error(w->rdl, us_rdl_top(w->rdl)->pos, "out of memory");
		return;
	}
	for (unsigned i = 0; i < r->nfields; i++)
		write_field(w, out, &r->fields[i]);
	fclose(out);
	w->fields[reg] = table_number(w, us_rdl_intern(w->rdl, text, length));
	free(text);
}

static void write_enums(struct writer *w)
{
	for (size_t i = 0; i < w->nenums; i++) {
		fprintf(w->out, "static const struct us_enumerator enum_%zu[] = {\n", i);
		for (const struct us_enumerator *item = w->enumeration[i]; item->name; item++) {
			fprintf(w->out, "\t{\"%s\", UINT64_C(0x%" PRIx64 "), ", item->name, item->value);
			us_rdl_c_string(w->out, item->desc);
			fputs("},\n", w->out);
		}
		fputs("\t{NULL, 0, NULL},\n};\n\n", w->out);
	}
}

static void write_regs(struct writer *w)
{
	for (size_t i = 0; i < w->ntables; i++)
		fprintf(w->out, "static const struct us_field fields_%zu[] = {\n%s};\n\n", i, w->table[i]);
	if (!w->map->nregs)
		return;
	fputs("static const struct us_reg regs[] = {\n", w->out);
	for (size_t i = 0; i < w->map->nregs; i++) {
		const struct us_reg *reg = &w->map->regs[i];

		fprintf(w->out, "\t{.name = \"%s\", .path = \"%s\", .desc = ", reg->name, reg->path);
		us_rdl_c_string(w->out, reg->desc);
		fprintf(w->out, ",\n\t .addr = US_AT(%u, UINT64_C(0x%" PRIx64 ")), .size = %u, .access = %u, .flags = %s,",
			US_BAR_OF(reg->addr), US_OFFSET_OF(reg->addr), reg->size, reg->access,
			reg->flags & US_REG_DANGEROUS ? "US_REG_DANGEROUS" : "0");
		fprintf(w->out, "\n\t .nfields = %u, .fields = fields_%u},\n", reg->nfields, w->fields[i]);
	}
	fputs("};\n\n", w->out);
}

static const char *truth(bool is)
{
	return is ? "true" : "false";
}

static void write_mems(struct writer *w)
{
	if (!w->map->nmems)
		return;
	fputs("static const struct us_mem mems[] = {\n", w->out);
	for (size_t i = 0; i < w->map->nmems; i++) {
		const struct us_mem *mem = &w->map->mems[i];

		fprintf(w->out, "\t{.name = \"%s\", .path = \"%s\", .desc = ", mem->name, mem->path);
		us_rdl_c_string(w->out, mem->desc);
		fprintf(w->out,
			",\n\t .addr = US_AT(%u, UINT64_C(0x%" PRIx64 ")), .size = UINT64_C(0x%" PRIx64
			"), .read = %s, .write = %s},\n",
			US_BAR_OF(mem->addr), US_OFFSET_OF(mem->addr), mem->size, truth(mem->read), truth(mem->write));
	}
	fputs("};\n\n", w->out);
}

static void write_texts(struct writer *w)
{
	if (!w->map->ntexts)
		return;
	fputs("static const char *const texts[] = {\n", w->out);
	for (size_t i = 0; i < w->map->ntexts; i++) {
		fputs("\t", w->out);
		us_rdl_c_string(w->out, w->map->texts[i]);
		fputs(",\n", w->out);
	}
	fputs("};\n\n", w->out);
}

static void write_bar(struct writer *w, unsigned number, const struct us_bar *bar)
{
	static const char *const kind[] = {"US_BAR_NONE", "US_BAR_MEM32", "US_BAR_MEM64", "US_BAR_IO"};

	fprintf(w->out, "\t\t[%u] = {.kind = %s, .prefetchable = %s, .size = UINT64_C(0x%" PRIx64 "), .name = ", number,
		kind[bar->kind], truth(bar->prefetchable), bar->size);
	us_rdl_c_string(w->out, bar->name);
	fputs("},\n", w->out);
}

static void write_pci(struct writer *w)
{
	const struct us_pci *pci = &w->map->pci;

	fprintf(w->out, "\t.pci = {\n\t\t.vendor_id = 0x%04x,\n\t\t.device_id = 0x%04x,\n", pci->vendor_id, pci->device_id);
	fprintf(w->out, "\t\t.subsystem_vendor_id = 0x%04x,\n\t\t.subsystem_id = 0x%04x,\n", pci->subsystem_vendor_id,
		pci->subsystem_id);
	fprintf(w->out, "\t\t.class_code = 0x%06" PRIx32 ",\n\t\t.revision = 0x%02x,\n\t\t.intx_pin = %u,\n", pci->class_code,
		pci->revision, pci->intx_pin);
	fprintf(w->out, "\t\t.msi = %u,\n\t\t.msi_masking = %s,\n\t\t.msix = %u,\n", pci->msi, truth(pci->msi_masking), pci->msix);
	fprintf(w->out, "\t\t.msix_table_bar = %u,\n\t\t.msix_pba_bar = %u,\n", pci->msix_table_bar, pci->msix_pba_bar);
	fprintf(w->out, "\t\t.msix_table_offset = 0x%" PRIx32 ",\n\t\t.msix_pba_offset = 0x%" PRIx32 ",\n",
		pci->msix_table_offset, pci->msix_pba_offset);
	fprintf(w->out, "\t\t.pm = %s,\n\t\t.express = %s,\n\t\t.flr = %s,\n\t},\n", truth(pci->pm), truth(pci->express),
		truth(pci->flr));
	fputs("\t.bars = {\n", w->out);
	for (unsigned i = 0; i < US_BARS; i++)
		if (w->map->bars[i].kind != US_BAR_NONE)
			write_bar(w, i, &w->map->bars[i]);
	fputs("\t},\n", w->out);
}

static void write_all(struct writer *w)
{
	const struct us_map *map = w->map;

	fprintf(w->out, "/* Made by 'understudy rdl map' from %s. Do not edit. */\n", us_rdl_base_name(w->rdl));
	fputs("#include <understudy/map.h>\n\n", w->out);
	fputs("#ifdef __GNUC__\n#pragma GCC diagnostic ignored \"-Woverlength-strings\"\n#endif\n\n", w->out);
	write_enums(w);
	write_regs(w);
	write_mems(w);
	write_texts(w);
	fprintf(w->out, "extern const struct us_map %s_map;\nconst struct us_map %s_map = {\n\t.name = \"%s\",\n\t.title = ",
		map->name, map->name, map->name);
	us_rdl_c_string(w->out, map->title);
	fputs(",\n\t.desc = ", w->out);
	us_rdl_c_string(w->out, map->desc);
	fputs(",\n", w->out);
	write_pci(w);
	if (map->nregs)
		fprintf(w->out, "\t.regs = regs,\n\t.nregs = %zu,\n", map->nregs);
	if (map->nmems)
		fprintf(w->out, "\t.mems = mems,\n\t.nmems = %zu,\n", map->nmems);
	if (map->ntexts)
		fprintf(w->out, "\t.texts = texts,\n\t.ntexts = %zu,\n", map->ntexts);
	fputs("};\n", w->out);
}

int us_rdl_write_map(struct us_rdl *rdl, FILE *out)
{
	struct writer w = {.rdl = rdl, .map = us_rdl_make_map(rdl), .out = out};
	unsigned errors = us_rdl_errors(rdl);

	if (!w.map)
		return -EINVAL;
	w.fields = us_arena_alloc(&rdl->arena, (w.map->nregs + 1) * sizeof *w.fields);
	for (size_t i = 0; i < w.map->nregs; i++)
		make_table(&w, i);
	if (us_rdl_errors(rdl) > errors)
		return -EINVAL;
	write_all(&w);
	return 0;
}
