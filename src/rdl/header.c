/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A C header of offsets, masks, shifts and enumerators, which driver and model share. It is plain C89 with nothing but
 * the preprocessor, so that a Windows kernel build takes it too; 64-bit constants carry ULL, which both compilers know.
 */
#include "rdl/internal.h"
#include "rdl/pci.h"
#include "rdl/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

struct macro {
	const char *name;
	struct us_rdl_pos pos;
};

/* One array on the way down: its index is a parameter of the macros below. */
struct level {
	const struct us_rdl_node *node;
	const struct level *up;
};

struct header {
	struct us_rdl *rdl;
	FILE *out;
	struct us_rdl_pci pci;
	struct macro *macro; /* hash table by interned name */
	size_t macros, room;
};

/* -- names ------------------------------------------------------------------------------------------------------ */

static void insert(struct header *h, struct macro macro)
{
	size_t at = ((uintptr_t)macro.name >> 4) & (h->room - 1);

	while (h->macro[at].name)
		at = (at + 1) & (h->room - 1);
	h->macro[at] = macro;
}

static void grow(struct header *h)
{
	struct macro *old = h->macro;
	size_t room = h->room;

	h->room = room ? room * 2 : 1024;
	h->macro = us_arena_alloc(&h->rdl->arena, h->room * sizeof *h->macro);
	for (size_t i = 0; i < room; i++)
		if (old[i].name)
			insert(h, old[i]);
}

/* The name of a macro, made in printf manner; a name that is taken is an error. */
__attribute__((format(printf, 3, 4))) static const char *name(struct header *h, struct us_rdl_pos pos,
							       const char *format, ...)
{
	struct macro macro = {.pos = pos};
	va_list args;
	char *text;

	va_start(args, format);
	text = us_arena_vformat(&h->rdl->arena, format, args);
	va_end(args);
	macro.name = us_rdl_name(h->rdl, text);
	if (h->macros * 2 >= h->room)
		grow(h);
	for (size_t at = ((uintptr_t)macro.name >> 4) & (h->room - 1); h->macro[at].name; at = (at + 1) & (h->room - 1))
		if (h->macro[at].name == macro.name) {
			us_rdl_error(h->rdl, pos, "two things become the macro %s: one of them needs another name", macro.name);
			us_rdl_note(h->rdl, h->macro[at].pos, "the other one is here");
			return macro.name;
		}
	insert(h, macro);
	h->macros++;
	return macro.name;
}

static void define(struct header *h, const char *macro, const char *value)
{
	fprintf(h->out, "#define %-47s %s\n", macro, value);
}

static const char *hex(struct header *h, uint64_t value, unsigned digits, bool wide)
{
	return us_arena_format(&h->rdl->arena, "0x%0*" PRIX64 "%s", (int)digits, value,
			       wide || value > UINT32_MAX ? "ULL" : "U");
}

static const char *decimal(struct header *h, uint64_t value)
{
	return us_arena_format(&h->rdl->arena, "%" PRIu64 "%s", value, value > INT32_MAX ? "ULL" : "");
}

/* Text that can stand in a comment: no end of comment in it, and nothing that a C89 compiler might stumble on. */
static const char *comment(struct header *h, const char *text)
{
	char *safe = us_arena_copy(&h->rdl->arena, text, strlen(text));

	for (char *at = safe; *at; at++)
		if (at[0] == '*' && at[1] == '/')
			at[1] = ' ';
		else if (at[0] == '/' && at[1] == '*')
			at[1] = ' ';
		else if (*at == '\\' || *at == '?' || *at == '\n')
			*at = *at == '?' ? '.' : *at == '\n' ? ' ' : '/';
	return safe;
}

/* -- arrays ----------------------------------------------------------------------------------------------------- */

static const char *letter(struct header *h, unsigned number)
{
	static const char letters[] = "ijklmnpqrstuvwxyz";

	return number < sizeof letters - 1 ? us_arena_format(&h->rdl->arena, "%c", letters[number])
					   : us_arena_format(&h->rdl->arena, "i%u", number);
}

static unsigned count_indices(const struct level *level)
{
	return level ? count_indices(level->up) + level->node->ndims : 0;
}

/* "(i, j)" for the arrays on the way down; "" with none. */
static const char *parameters(struct header *h, const struct level *level)
{
	unsigned count = count_indices(level);
	const char *text = "";

	for (unsigned i = 0; i < count; i++)
		text = us_arena_format(&h->rdl->arena, "%s%s%s", text, i ? ", " : "(", letter(h, i));
	return count ? us_arena_format(&h->rdl->arena, "%s)", text) : "";
}

static uint64_t stride_of(const struct us_rdl_node *node, unsigned dimension)
{
	uint64_t stride = node->stride;

	for (unsigned i = node->ndims; i-- > dimension + 1;)
		stride *= node->dim[i];
	return stride;
}

/* " + (i) * 0x10U …" */
static const char *terms(struct header *h, const struct level *level, bool wide)
{
	const char *text = level ? terms(h, level->up, wide) : "";
	unsigned first = level ? count_indices(level->up) : 0;

	for (unsigned i = 0; level && i < level->node->ndims; i++)
		text = us_arena_format(&h->rdl->arena, "%s + (%s) * %s", text, letter(h, first + i),
				       hex(h, stride_of(level->node, i), 1, wide));
	return text;
}

/* _COUNT and _STRIDE; with several dimensions one pair for each, numbered from 0. */
static void write_array(struct header *h, const struct us_rdl_node *node, const char *prefix)
{
	for (unsigned i = 0; i < node->ndims; i++) {
		const char *suffix = node->ndims > 1 ? us_arena_format(&h->rdl->arena, "%u", i) : "";

		define(h, name(h, node->pos, "%s_COUNT%s", prefix, suffix), decimal(h, node->dim[i]));
		define(h, name(h, node->pos, "%s_STRIDE%s", prefix, suffix), hex(h, stride_of(node, i), 1, false));
	}
}

/* -- registers -------------------------------------------------------------------------------------------------- */

static uint64_t ones(unsigned width)
{
	return width < 64 ? ((uint64_t)1 << width) - 1 : UINT64_MAX;
}

static void write_field(struct header *h, const struct us_rdl_node *field, const char *reg, unsigned regwidth)
{
	const char *prefix = us_arena_format(&h->rdl->arena, "%s_%s", reg, us_rdl_upper(h->rdl, field->name));
	const struct us_rdl_enum *encode = us_rdl_encode(field);
	bool wide = regwidth > 32;
	unsigned digits = regwidth / 4;

	if (regwidth <= 64)
		define(h, name(h, field->pos, "%s_MASK", prefix), hex(h, ones(field->width) << field->low, digits, wide));
	define(h, name(h, field->pos, "%s_SHIFT", prefix), decimal(h, field->low));
	define(h, name(h, field->pos, "%s_WIDTH", prefix), decimal(h, field->width));
	for (size_t i = 0; encode && i < encode->count; i++)
		define(h, name(h, encode->item[i].pos, "%s_%s", prefix, us_rdl_upper(h->rdl, encode->item[i].name)),
		       hex(h, encode->item[i].value, 1, wide));
	if (us_rdl_get(field, "pci_message"))
		define(h, name(h, field->pos, "%s_MESSAGE", prefix), decimal(h, us_rdl_get_int(field, "pci_message", 0)));
}

static uint64_t reset_of(const struct us_rdl_node *reg)
{
	uint64_t reset = 0;

	for (const struct us_rdl_node *field = reg->child; field; field = field->next) {
		struct us_rdl_access access;

		if (field->kind != US_RDL_FIELD)
			continue;
		us_rdl_field_access(field, &access);
		if (access.has_reset)
			reset |= (access.reset->num & ones(field->width)) << field->low;
	}
	return reset;
}

static void write_title(struct header *h, const struct us_rdl_node *node)
{
	const char *text = us_rdl_first_sentence(h->rdl, us_rdl_get_text(node, "desc"));

	if (!text)
		text = us_rdl_plain(h->rdl, us_rdl_get_text(node, "name"));
	fprintf(h->out, text ? "\n/* %s: %s */\n" : "\n/* %s */\n", node->name, text ? comment(h, text) : NULL);
}

static void write_offset(struct header *h, const struct us_rdl_node *node, const char *prefix, uint64_t offset,
			 const struct level *level)
{
	uint64_t end = offset + node->size;
	const char *macro = name(h, node->pos, "%s", prefix);
	bool wide;

	for (const struct level *up = level; up; up = up->up)
		end += (up->node->count - 1) * up->node->stride;
	wide = end > UINT32_MAX;
	if (count_indices(level))
		define(h, us_arena_format(&h->rdl->arena, "%s%s", macro, parameters(h, level)),
		       us_arena_format(&h->rdl->arena, "(%s%s)", hex(h, offset, 4, wide), terms(h, level, wide)));
	else
		define(h, macro, hex(h, offset, 4, wide));
}

static void write_reg(struct header *h, const struct us_rdl_node *reg, const char *prefix, uint64_t offset,
		      const struct level *level)
{
	unsigned regwidth = us_rdl_regwidth(reg);

	write_title(h, reg);
	write_offset(h, reg, prefix, offset, level);
	write_array(h, reg, prefix);
	if (regwidth <= 64)
		define(h, name(h, reg->pos, "%s_RESET", prefix), hex(h, reset_of(reg), regwidth / 4, regwidth > 32));
	for (const struct us_rdl_node *field = reg->child; field; field = field->next)
		if (field->kind == US_RDL_FIELD)
			write_field(h, field, prefix, regwidth);
}

/* What lies below `node`, whose macros begin with `prefix` and which begins at `offset` in its BAR. */
static void write_below(struct header *h, const struct us_rdl_node *node, const char *prefix, uint64_t offset,
			const struct level *level)
{
	for (const struct us_rdl_node *child = node->child; child; child = child->next) {
		struct level own = {child, level};
		const char *below = us_arena_format(&h->rdl->arena, "%s_%s", prefix, us_rdl_upper(h->rdl, child->name));
		uint64_t at = offset + child->offset;

		if (child->kind == US_RDL_SIGNAL)
			continue;
		if (child->kind == US_RDL_REG) {
			write_reg(h, child, below, at, &own);
			continue;
		}
		if (child->ndims || child->kind == US_RDL_MEM) {
			write_title(h, child);
			write_offset(h, child, below, at, &own);
			write_array(h, child, below);
		}
		if (child->kind == US_RDL_MEM)
			define(h, name(h, child->pos, "%s_SIZE", below), hex(h, child->size, 4, child->size > UINT32_MAX));
		else
			write_below(h, child, below, at, &own);
	}
}

/* -- the whole -------------------------------------------------------------------------------------------------- */

static void write_pci(struct header *h, const char *prefix)
{
	const struct us_pci *pci = &h->pci.facts;
	struct us_rdl_pos pos = us_rdl_top(h->rdl)->pos;

	fputs("\n/* The PCI function. */\n", h->out);
	define(h, name(h, pos, "%s_PCI_VENDOR_ID", prefix), hex(h, pci->vendor_id, 4, false));
	define(h, name(h, pos, "%s_PCI_DEVICE_ID", prefix), hex(h, pci->device_id, 4, false));
	if (h->pci.has_subsystem) {
		define(h, name(h, pos, "%s_PCI_SUBSYSTEM_VENDOR_ID", prefix), hex(h, pci->subsystem_vendor_id, 4, false));
		define(h, name(h, pos, "%s_PCI_SUBSYSTEM_ID", prefix), hex(h, pci->subsystem_id, 4, false));
	}
	define(h, name(h, pos, "%s_PCI_CLASS_CODE", prefix), hex(h, pci->class_code, 6, false));
	define(h, name(h, pos, "%s_PCI_REVISION", prefix), hex(h, pci->revision, 2, false));
	if (pci->msi)
		define(h, name(h, pos, "%s_PCI_MSI", prefix), decimal(h, pci->msi));
	if (pci->msix)
		define(h, name(h, pos, "%s_PCI_MSIX", prefix), decimal(h, pci->msix));
	for (unsigned i = 0; i < US_BARS; i++)
		if (h->pci.bar[i].kind != US_BAR_NONE)
			define(h, name(h, pos, "%s_BAR%u_SIZE", prefix, i),
			       hex(h, h->pci.bar[i].size, 4, false));
}

static void write_registers(struct header *h, const char *prefix)
{
	const struct us_rdl_node *top = us_rdl_top(h->rdl);
	bool any = false;

	for (unsigned i = 0; i < US_BARS; i++) {
		const struct us_rdl_bar *bar = &h->pci.bar[i];

		if (!bar->place.node)
			continue;
		any = true;
		fprintf(h->out, "\n/* -- BAR %u: byte offsets from its start -- */\n", i);
		write_below(h, bar->place.node, prefix, 0, NULL);
	}
	if (!any)
		write_below(h, top, prefix, 0, NULL);
}

int us_rdl_write_header(struct us_rdl *rdl, FILE *out)
{
	struct header *h = US_ARENA_NEW(&rdl->arena, struct header);
	const struct us_rdl_node *top = us_rdl_top(rdl);
	const char *prefix = us_rdl_upper(rdl, top->name);
	const char *title = us_rdl_plain(rdl, us_rdl_get_text(top, "name"));
	unsigned errors = us_rdl_errors(rdl);

	h->rdl = rdl;
	h->out = out;
	if (us_rdl_gather_pci(rdl, &h->pci, false))
		return -EINVAL;
	fprintf(out, "/* Made by 'understudy rdl header' from %s. Do not edit. */\n", us_rdl_base_name(rdl));
	if (title)
		fprintf(out, "/* %s */\n", comment(h, title));
	fprintf(out, "#ifndef %s_REGISTERS_H\n#define %s_REGISTERS_H\n", prefix, prefix);
	if (h->pci.any)
		write_pci(h, prefix);
	write_registers(h, prefix);
	fputs("\n#endif\n", out);
	return us_rdl_errors(rdl) > errors ? -EINVAL : 0;
}
