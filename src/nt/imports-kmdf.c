/* SPDX-License-Identifier: Apache-2.0 */
/* Which of KMDF's functions the code of a driver takes from their table. */
#include "nt/imports.h"

#include <Zydis/Zydis.h>

#include "nt/pe-private.h"

#define POINTER_SINCE                                                                                                  \
	15 /* minor version from which on the variable is a pointer to the table; before it is the table */
#define PLACES 4096u /* that are followed from where the table was loaded; a power of two */
#define DEEPEST 64 /* branches inside of branches */

/* The registers of the Microsoft x64 convention that a call does not keep: rax, rcx, rdx, r8 to r11. */
#define VOLATILE 0x0f07u

/* What registers hold: the table's address, or that of the variable that has it. A bit each. */
struct held {
	uint32_t tables, variables;
};

/* A place that was followed already, with what registers held there. */
struct place {
	uint32_t rva;
	struct held held;
};

struct scan {
	const struct us_pe *pe;
	struct us_kmdf_use *use;
	ZydisDecoder decoder;
	uint32_t variable; /* RVA */
	bool is_pointer;
	struct place places[PLACES];
	unsigned nplaces;
};

struct step {
	ZydisDecodedInstruction instruction;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	uint32_t rva, next;
};

/* -- the structure ------------------------------------------------------------------------------------------------ */

static bool is_kmdf(const struct us_pe *pe, uint64_t rva)
{
	static const char name[] = "KmdfLibrary";
	const uint8_t *at = us_pe_at(pe, rva, 2 * sizeof name);

	for (size_t i = 0; at && i < sizeof name; i++)
		if (us_get16(at + 2 * i) != (uint8_t)name[i])
			return false;
	return at;
}

/* Its size, the name, the version, the count, and the address of the variable. */
static bool is_bind_info(const struct us_pe *pe, const uint8_t *at)
{
	const uint32_t size = us_get32(at), count = us_get32(at + 28);

	return size >= 48 && size <= 256 && is_kmdf(pe, us_get64(at + 8) - pe->base) && count &&
	       count <= US_KMDF_FUNCTIONS && us_pe_at(pe, us_get64(at + 32) - pe->base, 8);
}

static const uint8_t *find_bind_info(const struct us_pe *pe)
{
	for (uint32_t rva = pe->headers; rva + 48 <= pe->loaded; rva += 4)
		if (is_bind_info(pe, pe->image + rva))
			return pe->image + rva;
	return NULL;
}

/* -- the code ----------------------------------------------------------------------------------------------------- */

static bool decode(const struct scan *s, uint32_t rva, struct step *step)
{
	const struct us_pe_section *section = us_pe_section(s->pe, rva);

	if (!section || !(section->flags & US_SECTION_EXECUTE) || rva >= s->pe->loaded ||
	    ZYAN_FAILED(ZydisDecoderDecodeFull(&s->decoder, s->pe->image + rva, section->address + section->size - rva,
					       &step->instruction, step->operands)))
		return false;
	step->rva = rva;
	step->next = rva + step->instruction.length;
	return true;
}

/* The number of a general register in the instruction encoding; 16 for others. */
static unsigned number_of(ZydisRegister reg)
{
	const ZydisRegister large = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);

	return large >= ZYDIS_REGISTER_RAX && large <= ZYDIS_REGISTER_R15 ? (unsigned)ZydisRegisterGetId(large) & 15
									  : 16;
}

/* The RVA that a memory operand names by the instruction's own address; UINT32_MAX: none. */
static uint32_t named_by(const struct step *step, const ZydisDecodedOperand *o)
{
	if (o->type != ZYDIS_OPERAND_TYPE_MEMORY || o->mem.base != ZYDIS_REGISTER_RIP)
		return UINT32_MAX;
	return (uint32_t)(step->next + o->mem.disp.value);
}

static void note(const struct scan *s, int64_t offset)
{
	if (offset >= 0 && offset % 8 == 0 && (uint64_t)offset / 8 < s->use->count)
		s->use->called[offset / 8] = true;
}

/* The registers that hold something, as the source of a move to another. */
static void copy(const struct step *step, const struct held *held, struct held *copied)
{
	const ZydisDecodedOperand *to = &step->operands[0], *from = &step->operands[1];
	uint32_t bit;

	if (step->instruction.mnemonic != ZYDIS_MNEMONIC_MOV || to->type != ZYDIS_OPERAND_TYPE_REGISTER ||
	    to->size != 64 || number_of(to->reg.value) > 15)
		return;
	bit = 1u << number_of(to->reg.value);
	if (from->type == ZYDIS_OPERAND_TYPE_REGISTER && number_of(from->reg.value) < 16) {
		copied->tables = held->tables >> number_of(from->reg.value) & 1 ? bit : 0;
		copied->variables = held->variables >> number_of(from->reg.value) & 1 ? bit : 0;
	}
	if (from->type == ZYDIS_OPERAND_TYPE_MEMORY && from->mem.index == ZYDIS_REGISTER_NONE &&
	    !from->mem.disp.value && number_of(from->mem.base) < 16 && held->variables >> number_of(from->mem.base) & 1)
		copied->tables = bit;
}

/* Notes the entries that an instruction takes from a table, and what registers hold behind it. */
static void look(const struct scan *s, const struct step *step, struct held *held)
{
	const ZydisDecodedOperand *o = step->operands;
	struct held copied = {0};

	for (unsigned i = 0; i < step->instruction.operand_count_visible; i++)
		if (o[i].type == ZYDIS_OPERAND_TYPE_MEMORY && o[i].mem.type == ZYDIS_MEMOP_TYPE_MEM &&
		    o[i].mem.index == ZYDIS_REGISTER_NONE && number_of(o[i].mem.base) < 16 &&
		    held->tables >> number_of(o[i].mem.base) & 1)
			note(s, o[i].mem.disp.value);
	copy(step, held, &copied);
	for (unsigned i = 0; i < step->instruction.operand_count; i++)
		if (o[i].type == ZYDIS_OPERAND_TYPE_REGISTER && o[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE &&
		    number_of(o[i].reg.value) < 16) {
			held->tables &= ~(1u << number_of(o[i].reg.value));
			held->variables &= ~(1u << number_of(o[i].reg.value));
		}
	if (step->instruction.meta.category == ZYDIS_CATEGORY_CALL) {
		held->tables &= ~VOLATILE;
		held->variables &= ~VOLATILE;
	}
	held->tables |= copied.tables;
	held->variables |= copied.variables;
}

/* Where a branch with its target in itself goes; UINT32_MAX: it is none. */
static uint32_t target_of(const struct step *step)
{
	const ZydisDecodedOperand *o = step->operands;

	if (o->type != ZYDIS_OPERAND_TYPE_IMMEDIATE || !o->imm.is_relative)
		return UINT32_MAX;
	return (uint32_t)(step->next + o->imm.value.u);
}

/* True when this place was not followed yet with the same in the registers, and there is room to remember it. */
static bool is_new(struct scan *s, uint32_t rva, const struct held *held)
{
	uint32_t i = (rva * 0x9e3779b1u ^ held->tables * 0x85ebca6bu ^ held->variables) % PLACES;

	for (; s->places[i].rva; i = (i + 1) % PLACES)
		if (s->places[i].rva == rva && s->places[i].held.tables == held->tables &&
		    s->places[i].held.variables == held->variables)
			return false;
	if (s->nplaces == PLACES - 1)
		return false;
	s->nplaces++;
	s->places[i] = (struct place){rva, *held};
	return true;
}

static void follow(struct scan *s, uint32_t rva, struct held held, unsigned depth);

static bool ends_a_block(const struct step *step)
{
	return step->instruction.meta.category == ZYDIS_CATEGORY_RET ||
	       step->instruction.meta.category == ZYDIS_CATEGORY_UNCOND_BR;
}

/*
 * A jump through a table of addresses, as of a switch: it may go to anything in its function that is reached by no
 * other way, which is what stands behind the end of a block.
 */
static void follow_switch(struct scan *s, uint32_t rva, struct held held, unsigned depth)
{
	const uint32_t table = s->pe->directory[US_PE_EXCEPTIONS].address,
		       size = s->pe->directory[US_PE_EXCEPTIONS].size;
	const uint8_t *at = us_pe_at(s->pe, table, size);
	struct step step;

	for (uint32_t i = 0; at && i + 12 <= size; i += 12) {
		const uint32_t begin = us_get32(at + i), end = us_get32(at + i + 4);

		if (rva < begin || rva >= end)
			continue;
		for (uint32_t here = begin; here < end && decode(s, here, &step); here = step.next)
			if (ends_a_block(&step) && step.next < end)
				follow(s, step.next, held, depth + 1);
	}
}

/* Follows the code from `rva` on, for as long as a register may hold the table or the variable. */
static void follow(struct scan *s, uint32_t rva, struct held held, unsigned depth)
{
	struct step step;

	while ((held.tables | held.variables) && is_new(s, rva, &held) && decode(s, rva, &step)) {
		const ZydisInstructionCategory category = step.instruction.meta.category;

		look(s, &step, &held);
		rva = step.next;
		if (category == ZYDIS_CATEGORY_RET || category == ZYDIS_CATEGORY_INTERRUPT)
			return;
		if (category == ZYDIS_CATEGORY_COND_BR && depth < DEEPEST)
			follow(s, target_of(&step), held, depth + 1);
		if (category != ZYDIS_CATEGORY_UNCOND_BR)
			continue;
		rva = target_of(&step);
		if (rva == UINT32_MAX && depth < DEEPEST)
			follow_switch(s, step.rva, held, depth);
	}
}

/* What a register gets from an instruction that names its operand by its own address. */
static struct held begins(const struct scan *s, const struct step *step, uint32_t rva)
{
	const uint32_t bit = 1u << number_of(step->operands[0].reg.value);
	const uint8_t *at = us_pe_at(s->pe, rva, 8);

	if (step->instruction.mnemonic == ZYDIS_MNEMONIC_LEA)
		return rva == s->variable ? (struct held){.variables = bit} : (struct held){0};
	if (step->instruction.mnemonic != ZYDIS_MNEMONIC_MOV || !at)
		return (struct held){0};
	if (rva == s->variable)
		return (struct held){.tables = bit};
	return us_get64(at) == s->pe->base + s->variable ? (struct held){.variables = bit} : (struct held){0};
}

/* An instruction that loads the address of the table, or of the variable, begins paths; one that reads the table is a
 * use. */
static void look_for_begin(struct scan *s, const struct step *step)
{
	const ZydisDecodedOperand *o = step->operands;
	struct held held;

	for (unsigned i = 0; i < step->instruction.operand_count_visible; i++) {
		const uint32_t rva = named_by(step, &o[i]);

		if (rva == UINT32_MAX)
			continue;
		if (!s->is_pointer && rva >= s->variable && step->instruction.mnemonic != ZYDIS_MNEMONIC_LEA)
			note(s, (int64_t)rva - s->variable);
		if (!s->is_pointer || o[0].type != ZYDIS_OPERAND_TYPE_REGISTER || number_of(o[0].reg.value) > 15)
			continue;
		held = begins(s, step, rva);
		if (!(held.tables | held.variables))
			continue;
		memset(s->places, 0, sizeof s->places);
		s->nplaces = 0;
		follow(s, step->next, held, 0);
	}
}

void us_pe_kmdf_use(const struct us_pe *pe, struct us_kmdf_use *use)
{
	const uint8_t *info = find_bind_info(pe);
	static _Thread_local struct scan s; /* too large for a stack */
	struct step step;

	memset(use, 0, sizeof *use);
	if (!info)
		return;
	s = (struct scan){.pe = pe, .use = use};
	use->binds = true;
	use->major = us_get32(info + 16);
	use->minor = us_get32(info + 20);
	use->build = us_get32(info + 24);
	use->count = us_get32(info + 28);
	s.variable = (uint32_t)(us_get64(info + 32) - pe->base);
	s.is_pointer = use->minor >= POINTER_SINCE;
	ZydisDecoderInit(&s.decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	for (unsigned i = 0; i < pe->nsections; i++) {
		const struct us_pe_section *section = &pe->sections[i];

		if (!(section->flags & US_SECTION_EXECUTE))
			continue;
		for (uint32_t rva = section->address; rva < section->address + section->size;) {
			if (decode(&s, rva, &step)) {
				look_for_begin(&s, &step);
				rva = step.next;
			} else {
				rva++;
			}
		}
	}
}
