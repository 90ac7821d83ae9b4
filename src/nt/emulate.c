/* SPDX-License-Identifier: Apache-2.0 */
/* One instruction, decoded and carried out. */
#include "nt/emulate.h"

#include <string.h>

#include <Zydis/Zydis.h>

#define REMEMBERED 1024u /* a power of two */

#define OPERANDS 2u /* more are implied by the instructions that are known here */

struct decoded {
	uint64_t rip;
	unsigned generation, length;
	ZydisMnemonic mnemonic;
	ZydisInstructionAttributes attributes;
	ZydisDecodedOperand operands[OPERANDS];
};

static struct decoded remembered[REMEMBERED];
static unsigned generation = 1;

void us_nt_emulate_forget(void)
{
	generation++;
}

static bool decode_fully(uint64_t rip, ZydisDecodedInstruction *instruction, ZydisDecodedOperand *operands)
{
	ZydisDecoder decoder;

	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	return ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, (const void *)(uintptr_t)rip, ZYDIS_MAX_INSTRUCTION_LENGTH,
						   instruction, operands));
}

static struct decoded *decode(uint64_t rip)
{
	struct decoded *d = &remembered[(rip ^ rip >> 10) % REMEMBERED];
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT] = {0};
	ZydisDecodedInstruction instruction;

	if (d->rip == rip && d->generation == generation)
		return d;
	d->rip = 0;
	if (!decode_fully(rip, &instruction, operands))
		return NULL;
	*d = (struct decoded){.rip = rip,
			      .generation = generation,
			      .length = instruction.length,
			      .mnemonic = instruction.mnemonic,
			      .attributes = instruction.attributes};
	memcpy(d->operands, operands, sizeof(d->operands));
	return d;
}

/* -- the processor's registers ------------------------------------------------------------------------------------ */

static greg_t *general(ucontext_t *context, unsigned id)
{
	static const uint8_t where[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
					  REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

	return &context->uc_mcontext.gregs[where[id & 15]];
}

static uint64_t cut(uint64_t value, unsigned width)
{
	return width >= 8 ? value : value & ((UINT64_C(1) << 8 * width) - 1);
}

static bool is_high_byte(ZydisRegister reg)
{
	return reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH;
}

static greg_t *register_of(ucontext_t *context, ZydisRegister reg)
{
	return general(context,
		       (unsigned)ZydisRegisterGetId(ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg)));
}

static uint64_t get_register(ucontext_t *context, ZydisRegister reg, unsigned width)
{
	uint64_t value = (uint64_t)*register_of(context, reg);

	return cut(is_high_byte(reg) ? value >> 8 : value, width);
}

/* As the processor does: 32 bits clear the upper half, 8 and 16 keep the rest. */
static void set_register(ucontext_t *context, ZydisRegister reg, unsigned width, uint64_t value)
{
	greg_t *at = register_of(context, reg);
	unsigned shift = is_high_byte(reg) ? 8 : 0;
	uint64_t mask;

	if (width >= 4) {
		*at = (greg_t)cut(value, width);
		return;
	}
	mask = cut(UINT64_MAX, width) << shift;
	*at = (greg_t)(((uint64_t)*at & ~mask) | (cut(value, width) << shift));
}

/* The 16 bytes of an XMM register, in the frame that the signal's return restores. */
static uint32_t *xmm(ucontext_t *context, ZydisRegister reg)
{
	return context->uc_mcontext.fpregs->_xmm[reg - ZYDIS_REGISTER_XMM0].element;
}

/* -- flags -------------------------------------------------------------------------------------------------------- */

enum { CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, DF = 0x400, OF = 0x800 };

static void set_flags(ucontext_t *context, uint64_t affected, uint64_t flags)
{
	greg_t *at = &context->uc_mcontext.gregs[REG_EFL];

	*at = (greg_t)(((uint64_t)*at & ~affected) | (flags & affected));
}

static uint64_t flags_of(uint64_t result, unsigned width)
{
	uint64_t flags = 0;

	result = cut(result, width);
	if (result == 0)
		flags |= ZF;
	if (result >> (8 * width - 1))
		flags |= SF;
	if (!(__builtin_popcount((unsigned)result & 0xff) & 1))
		flags |= PF;
	return flags;
}

static uint64_t add(ucontext_t *context, uint64_t a, uint64_t b, unsigned width, uint64_t affected)
{
	uint64_t result = cut(a + b, width), sign = UINT64_C(1) << (8 * width - 1);
	uint64_t flags = flags_of(result, width) | ((a ^ b ^ result) & AF);

	if (result < cut(a, width))
		flags |= CF;
	if (~(a ^ b) & (a ^ result) & sign)
		flags |= OF;
	set_flags(context, affected, flags);
	return result;
}

static uint64_t subtract(ucontext_t *context, uint64_t a, uint64_t b, unsigned width, uint64_t affected)
{
	uint64_t result = cut(a - b, width), sign = UINT64_C(1) << (8 * width - 1);
	uint64_t flags = flags_of(result, width) | ((a ^ b ^ result) & AF);

	if (cut(a, width) < cut(b, width))
		flags |= CF;
	if ((a ^ b) & (a ^ result) & sign)
		flags |= OF;
	set_flags(context, affected, flags);
	return result;
}

static uint64_t logic(ucontext_t *context, uint64_t result, unsigned width)
{
	set_flags(context, CF | PF | AF | ZF | SF | OF, flags_of(result, width));
	return cut(result, width);
}

/* -- operands ----------------------------------------------------------------------------------------------------- */

struct step {
	ucontext_t *context;
	const struct us_bus *bus;
	const struct decoded *d;
};

static const ZydisDecodedOperand *operand(const struct step *s, unsigned n)
{
	return &s->d->operands[n];
}

static unsigned width_of(const struct step *s, unsigned n)
{
	return operand(s, n)->size / 8u;
}

static uint64_t address_of(const struct step *s, const ZydisDecodedOperand *o)
{
	uint64_t address = o->mem.disp.has_displacement ? (uint64_t)o->mem.disp.value : 0;

	if (o->mem.base == ZYDIS_REGISTER_RIP)
		address += s->d->rip + s->d->length;
	else if (o->mem.base != ZYDIS_REGISTER_NONE)
		address += get_register(s->context, o->mem.base, 8);
	if (o->mem.index != ZYDIS_REGISTER_NONE)
		address += get_register(s->context, o->mem.index, 8) * o->mem.scale;
	return address;
}

static uint64_t load(const struct step *s, const ZydisDecodedOperand *o, unsigned width)
{
	if (o->mem.segment == ZYDIS_REGISTER_GS)
		return s->bus->read_gs(address_of(s, o), width);
	return s->bus->read(address_of(s, o), width);
}

static uint64_t get(const struct step *s, unsigned n)
{
	const ZydisDecodedOperand *o = operand(s, n);
	unsigned width = width_of(s, n);

	switch (o->type) {
	case ZYDIS_OPERAND_TYPE_REGISTER:
		return get_register(s->context, o->reg.value, width);
	case ZYDIS_OPERAND_TYPE_IMMEDIATE:
		return o->imm.is_signed ? (uint64_t)o->imm.value.s : o->imm.value.u;
	default:
		return load(s, o, width);
	}
}

static void set(const struct step *s, unsigned n, uint64_t value)
{
	const ZydisDecodedOperand *o = operand(s, n);

	if (o->type == ZYDIS_OPERAND_TYPE_REGISTER)
		set_register(s->context, o->reg.value, width_of(s, n), value);
	else
		s->bus->write(address_of(s, o), width_of(s, n), cut(value, width_of(s, n)));
}

static uint64_t extend_sign(uint64_t value, unsigned width)
{
	unsigned shift = 64 - 8 * width;

	return (uint64_t)((int64_t)(value << shift) >> shift);
}

/* -- instructions ------------------------------------------------------------------------------------------------- */

/* movs, stos and lods, with or without rep: element by element, each a bus access of its own. */
static void string(const struct step *s, unsigned width, bool from_memory, bool to_memory)
{
	ucontext_t *context = s->context;
	greg_t *g = context->uc_mcontext.gregs;
	bool repeated = s->d->attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE);
	int64_t step = g[REG_EFL] & DF ? -(int64_t)width : (int64_t)width;

	while (!repeated || g[REG_RCX] != 0) {
		uint64_t value = from_memory ? s->bus->read((uint64_t)g[REG_RSI], width) : (uint64_t)g[REG_RAX];

		if (to_memory)
			s->bus->write((uint64_t)g[REG_RDI], width, cut(value, width));
		else
			set_register(context, ZYDIS_REGISTER_RAX, width, value);
		g[REG_RSI] += from_memory ? step : 0;
		g[REG_RDI] += to_memory ? step : 0;
		if (!repeated)
			break;
		g[REG_RCX]--;
	}
}

/* 16 bytes to or from an XMM register: two accesses of 8 bytes, the lower address first. */
static bool vector(const struct step *s)
{
	bool is_load = operand(s, 0)->type == ZYDIS_OPERAND_TYPE_REGISTER;
	const ZydisDecodedOperand *memory = operand(s, is_load ? 1 : 0), *reg = operand(s, is_load ? 0 : 1);
	unsigned bytes = memory->size / 8u;
	uint32_t *at;

	if (reg->reg.value < ZYDIS_REGISTER_XMM0 || reg->reg.value > ZYDIS_REGISTER_XMM15 || bytes > 16)
		return false;
	at = xmm(s->context, reg->reg.value);
	if (is_load)
		memset(at, 0, 16);
	for (unsigned done = 0; done < bytes; done += 8) {
		unsigned width = bytes - done < 8 ? bytes - done : 8;
		uint64_t address = address_of(s, memory) + done, value = 0;

		if (is_load)
			value = s->bus->read(address, width);
		else
			memcpy(&value, at + done / 4, width);
		if (is_load)
			memcpy(at + done / 4, &value, width);
		else
			s->bus->write(address, width, value);
	}
	return true;
}

static bool move_control(const struct step *s)
{
	if (operand(s, 0)->type == ZYDIS_OPERAND_TYPE_REGISTER && operand(s, 0)->reg.value == ZYDIS_REGISTER_CR8)
		s->bus->write_cr8(get(s, 1));
	else if (operand(s, 1)->type == ZYDIS_OPERAND_TYPE_REGISTER && operand(s, 1)->reg.value == ZYDIS_REGISTER_CR8)
		set(s, 0, s->bus->read_cr8());
	else
		return false;
	return true;
}

static bool is_control(const struct step *s)
{
	for (unsigned n = 0; n < 2; n++)
		if (operand(s, n)->type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    ZydisRegisterGetClass(operand(s, n)->reg.value) == ZYDIS_REGCLASS_CONTROL)
			return true;
	return false;
}

static uint16_t port_of(const struct step *s, unsigned n)
{
	return (uint16_t)get(s, n);
}

static void port_string(const struct step *s, unsigned width, bool input)
{
	greg_t *g = s->context->uc_mcontext.gregs;
	bool repeated = s->d->attributes & ZYDIS_ATTRIB_HAS_REP;
	int64_t step = g[REG_EFL] & DF ? -(int64_t)width : (int64_t)width;
	uint16_t port = (uint16_t)g[REG_RDX];

	while (!repeated || g[REG_RCX] != 0) {
		if (input) {
			s->bus->write((uint64_t)g[REG_RDI], width, s->bus->in(port, width));
			g[REG_RDI] += step;
		} else {
			s->bus->out(port, width, s->bus->read((uint64_t)g[REG_RSI], width));
			g[REG_RSI] += step;
		}
		if (!repeated)
			break;
		g[REG_RCX]--;
	}
}

static bool arithmetic(const struct step *s)
{
	unsigned width = width_of(s, 0);
	const uint64_t all = CF | PF | AF | ZF | SF | OF, but_carry = all & ~(uint64_t)CF;
	uint64_t a;

	switch (s->d->mnemonic) {
	case ZYDIS_MNEMONIC_AND:
		a = get(s, 0);
		set(s, 0, logic(s->context, a & get(s, 1), width));
		return true;
	case ZYDIS_MNEMONIC_OR:
		a = get(s, 0);
		set(s, 0, logic(s->context, a | get(s, 1), width));
		return true;
	case ZYDIS_MNEMONIC_XOR:
		a = get(s, 0);
		set(s, 0, logic(s->context, a ^ get(s, 1), width));
		return true;
	case ZYDIS_MNEMONIC_TEST:
		a = get(s, 0);
		logic(s->context, a & get(s, 1), width);
		return true;
	case ZYDIS_MNEMONIC_ADD:
		a = get(s, 0);
		set(s, 0, add(s->context, a, get(s, 1), width, all));
		return true;
	case ZYDIS_MNEMONIC_SUB:
		a = get(s, 0);
		set(s, 0, subtract(s->context, a, get(s, 1), width, all));
		return true;
	case ZYDIS_MNEMONIC_CMP:
		a = get(s, 0);
		subtract(s->context, a, get(s, 1), width, all);
		return true;
	case ZYDIS_MNEMONIC_INC:
		set(s, 0, add(s->context, get(s, 0), 1, width, but_carry));
		return true;
	case ZYDIS_MNEMONIC_DEC:
		set(s, 0, subtract(s->context, get(s, 0), 1, width, but_carry));
		return true;
	case ZYDIS_MNEMONIC_NOT:
		set(s, 0, ~get(s, 0));
		return true;
	case ZYDIS_MNEMONIC_XCHG:
		a = get(s, 0);
		if (operand(s, 0)->type == ZYDIS_OPERAND_TYPE_REGISTER) {
			uint64_t b = get(s, 1);

			set(s, 1, a);
			set(s, 0, b);
		} else {
			set(s, 0, get(s, 1));
			set(s, 1, a);
		}
		return true;
	case ZYDIS_MNEMONIC_BT:
		a = get(s, 0) >> (get(s, 1) & (8 * width - 1)) & 1;
		set_flags(s->context, CF, a ? CF : 0);
		return operand(s, 1)->type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
	default:
		return false;
	}
}

static bool carry_out(const struct step *s)
{
	unsigned width = width_of(s, 0);

	switch (s->d->mnemonic) {
	case ZYDIS_MNEMONIC_MOV:
		if (is_control(s))
			return move_control(s);
		set(s, 0, get(s, 1));
		return true;
	case ZYDIS_MNEMONIC_MOVZX:
	case ZYDIS_MNEMONIC_MOVNTI:
		set(s, 0, get(s, 1));
		return true;
	case ZYDIS_MNEMONIC_MOVSX:
	case ZYDIS_MNEMONIC_MOVSXD:
		set(s, 0, extend_sign(get(s, 1), width_of(s, 1)));
		return true;
	case ZYDIS_MNEMONIC_MOVSB:
	case ZYDIS_MNEMONIC_MOVSW:
	case ZYDIS_MNEMONIC_MOVSD:
	case ZYDIS_MNEMONIC_MOVSQ:
		if (operand(s, 0)->type != ZYDIS_OPERAND_TYPE_MEMORY ||
		    operand(s, 1)->type != ZYDIS_OPERAND_TYPE_MEMORY)
			return vector(s);
		string(s, width, true, true);
		return true;
	case ZYDIS_MNEMONIC_STOSB:
	case ZYDIS_MNEMONIC_STOSW:
	case ZYDIS_MNEMONIC_STOSD:
	case ZYDIS_MNEMONIC_STOSQ:
		string(s, width, false, true);
		return true;
	case ZYDIS_MNEMONIC_LODSB:
	case ZYDIS_MNEMONIC_LODSW:
	case ZYDIS_MNEMONIC_LODSD:
	case ZYDIS_MNEMONIC_LODSQ:
		string(s, width, true, false);
		return true;
	case ZYDIS_MNEMONIC_MOVUPS:
	case ZYDIS_MNEMONIC_MOVAPS:
	case ZYDIS_MNEMONIC_MOVUPD:
	case ZYDIS_MNEMONIC_MOVAPD:
	case ZYDIS_MNEMONIC_MOVDQU:
	case ZYDIS_MNEMONIC_MOVDQA:
	case ZYDIS_MNEMONIC_MOVNTDQ:
	case ZYDIS_MNEMONIC_MOVNTPS:
	case ZYDIS_MNEMONIC_MOVQ:
	case ZYDIS_MNEMONIC_MOVD:
		return vector(s);
	case ZYDIS_MNEMONIC_IN:
		set(s, 0, s->bus->in(port_of(s, 1), width));
		return true;
	case ZYDIS_MNEMONIC_OUT:
		s->bus->out(port_of(s, 0), width_of(s, 1), get(s, 1));
		return true;
	case ZYDIS_MNEMONIC_INSB:
	case ZYDIS_MNEMONIC_INSW:
	case ZYDIS_MNEMONIC_INSD:
		port_string(s, width, true);
		return true;
	case ZYDIS_MNEMONIC_OUTSB:
	case ZYDIS_MNEMONIC_OUTSW:
	case ZYDIS_MNEMONIC_OUTSD:
		port_string(s, width_of(s, 1), false);
		return true;
	default:
		return arithmetic(s);
	}
}

bool us_nt_is_relative_to_gs(const ucontext_t *context)
{
	const struct decoded *d = decode((uint64_t)context->uc_mcontext.gregs[REG_RIP]);

	return d && (d->attributes & ZYDIS_ATTRIB_HAS_SEGMENT_GS);
}

bool us_nt_is_control(const ucontext_t *context)
{
	const struct decoded *d = decode((uint64_t)context->uc_mcontext.gregs[REG_RIP]);

	if (!d)
		return false;
	switch (d->mnemonic) {
	case ZYDIS_MNEMONIC_INSB:
	case ZYDIS_MNEMONIC_INSW:
	case ZYDIS_MNEMONIC_INSD:
	case ZYDIS_MNEMONIC_OUTSB:
	case ZYDIS_MNEMONIC_OUTSW:
	case ZYDIS_MNEMONIC_OUTSD:
		return true;
	case ZYDIS_MNEMONIC_CALL:
	case ZYDIS_MNEMONIC_JMP:
	case ZYDIS_MNEMONIC_RET:
		return false;
	default:
		for (unsigned i = 0; i < OPERANDS; i++)
			if (d->operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
				return false;
		return true;
	}
}

bool us_nt_divides_by_zero(const ucontext_t *context)
{
	const struct decoded *d = decode((uint64_t)context->uc_mcontext.gregs[REG_RIP]);
	ucontext_t *registers = (ucontext_t *)(uintptr_t)context; /* is only read */
	const struct step s = {registers, NULL, d};
	uint64_t divisor = 0;

	if (!d)
		return true;
	if (operand(&s, 0)->type == ZYDIS_OPERAND_TYPE_REGISTER)
		divisor = get_register(registers, operand(&s, 0)->reg.value, width_of(&s, 0));
	else if (operand(&s, 0)->type == ZYDIS_OPERAND_TYPE_MEMORY)
		memcpy(&divisor, (const void *)(uintptr_t)address_of(&s, operand(&s, 0)), width_of(&s, 0));
	return divisor == 0;
}

const char *us_nt_instruction_text(uint64_t rip)
{
	static char line[96];
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction instruction;
	ZydisFormatter formatter;

	ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
	if (!decode_fully(rip, &instruction, operands) ||
	    ZYAN_FAILED(ZydisFormatterFormatInstruction(&formatter, &instruction, operands,
							instruction.operand_count_visible, line, sizeof(line), rip,
							NULL)))
		return "an instruction that can not be decoded";
	return line;
}

bool us_nt_emulate(ucontext_t *context, const struct us_bus *bus, const char **text)
{
	uint64_t rip = (uint64_t)context->uc_mcontext.gregs[REG_RIP];
	const struct decoded *d = decode(rip);
	struct decoded own;

	if (d) {
		own = *d; /* others may come here, and replace it, while this one waits at a scheduling point */
		if (carry_out(&(struct step){context, bus, &own})) {
			context->uc_mcontext.gregs[REG_RIP] = (greg_t)(rip + own.length);
			return true;
		}
	}
	*text = us_nt_instruction_text(rip);
	return false;
}
