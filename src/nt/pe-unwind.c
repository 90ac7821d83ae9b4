/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unwinding x64 code by its tables. Source: Microsoft, "x64 exception handling".
 *
 * Every number of the tables may be wrong, and is checked before use; what can not be followed ends the walk.
 */
#include "nt/pe-private.h"

#define DEEPEST_CHAIN 32

enum {
	PUSH_NONVOL,
	ALLOC_LARGE,
	ALLOC_SMALL,
	SET_FPREG,
	SAVE_NONVOL,
	SAVE_NONVOL_FAR,
	EPILOG,
	SPARE,
	SAVE_XMM128,
	SAVE_XMM128_FAR,
	PUSH_MACHFRAME
};
enum { RAX, RCX, RDX, RBX, RSP, RBP };
/* of UNWIND_INFO */
#define FOR_EXCEPTIONS 1
#define FOR_UNWINDING 2
#define CHAINED 4

#define ENTRY_BYTES 12 /* of RUNTIME_FUNCTION */

struct function {
	uint32_t begin, end, info;
	uint32_t entry; /* where it says so; an RVA */
};

/* The registers of a frame. */
struct state {
	uint64_t *rip, *regs;
	unsigned long long (*xmm)[2]; /* NULL: nobody wants to know */
};

static const uint8_t *at(const struct us_unwind_image *image, uint64_t rva, uint64_t size)
{
	return rva <= image->size && size <= image->size - rva ? image->image + rva : NULL;
}

/* The function of an RVA in the sorted table. */
static bool find(const struct us_unwind_image *image, uint32_t rva, struct function *f)
{
	const uint8_t *table = at(image, image->table, image->table_size);
	size_t low = 0, high = table ? image->table_size / ENTRY_BYTES : 0;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const uint8_t *entry = table + ENTRY_BYTES * middle;

		*f = (struct function){us_get32(entry), us_get32(entry + 4), us_get32(entry + 8),
				       image->table + (uint32_t)(ENTRY_BYTES * middle)};
		if (rva < f->begin)
			high = middle;
		else if (rva >= f->end)
			low = middle + 1;
		else
			return true;
	}
	return false;
}

uint32_t us_pe_function_image(const struct us_unwind_image *image, uint32_t rva)
{
	struct function f;

	return find(image, rva, &f) ? f.entry : 0;
}

static bool pop(const struct us_unwind_image *image, uint64_t regs[16], uint64_t *value)
{
	if (!image->read(image->context, regs[RSP], value))
		return false;
	regs[RSP] += 8;
	return true;
}

/* -- the end of a function ---------------------------------------------------------------------------------------- */

/*
 * An epilogue is: add rsp or lea rsp, then pops, then ret or a jump. Returns the bytes of the instruction at `code`
 * that takes the frame away, 0 for none, and what rsp is then.
 */
static size_t epilogue_begin(const uint8_t *code, const uint64_t regs[16], unsigned frame_register, uint64_t *rsp)
{
	if (code[0] == 0x48 && code[1] == 0x83 && code[2] == 0xc4) {
		*rsp = regs[RSP] + (uint64_t)(int8_t)code[3];
		return 4;
	}
	if (code[0] == 0x48 && code[1] == 0x81 && code[2] == 0xc4) {
		*rsp = regs[RSP] + (uint64_t)(int32_t)us_get32(code + 3);
		return 7;
	}
	/* lea rsp, [register + displacement]; no compiler has rsp or r12 as the base here, whose form is longer */
	if ((code[0] & 0xfe) == 0x48 && code[1] == 0x8d && (code[2] & 0x38) == RSP << 3 && (code[2] & 7) != RSP &&
	    (code[2] & 7u) == (frame_register & 7u)) {
		*rsp = regs[frame_register] +
		       (code[2] >> 6 == 1 ? (uint64_t)(int8_t)code[3] : (uint64_t)(int32_t)us_get32(code + 3));
		return code[2] >> 6 == 1 ? 4 : code[2] >> 6 == 2 ? 7 : 0;
	}
	return 0;
}

static bool is_return(const uint8_t *code)
{
	return code[0] == 0xc3 || code[0] == 0xc2 || (code[0] == 0xf3 && code[1] == 0xc3);
}

/* To another function, as the last thing: near, short, or through memory or a register. */
static bool is_jump(const uint8_t *code)
{
	if (code[0] == 0x48)
		code++;
	return code[0] == 0xe9 || code[0] == 0xeb || (code[0] == 0xff && (code[1] & 0x38) == 0x20);
}

/* Follows an epilogue from rip on, if that is one. */
static bool unwind_epilogue(const struct us_unwind_image *image, uint32_t rva, unsigned frame_register, uint64_t *rip,
			    uint64_t regs[16])
{
	uint64_t now[16];
	uint32_t i = rva;
	const uint8_t *code = at(image, i, 16);

	memcpy(now, regs, sizeof now);
	if (code)
		i += (uint32_t)epilogue_begin(code, now, frame_register, &now[RSP]);
	for (; (code = at(image, i, 16)); i++) {
		const bool high = *code == 0x41;
		const uint8_t op = high ? code[1] : *code;

		if (op < 0x58 || op > 0x5f)
			break;
		if (!pop(image, now, &now[(op - 0x58u) + (high ? 8 : 0)]))
			return false;
		i += high;
	}
	if (!code || !(is_return(code) || (i != rva && is_jump(code))) || !pop(image, now, rip))
		return false;
	memcpy(regs, now, sizeof now);
	return true;
}

/* -- the codes ---------------------------------------------------------------------------------------------------- */

static unsigned slots_of(unsigned version, unsigned op, unsigned info)
{
	switch (op) {
	case ALLOC_LARGE:
		return info ? 3 : 2;
	case SAVE_NONVOL:
	case SAVE_XMM128:
		return 2;
	case SAVE_NONVOL_FAR:
	case SAVE_XMM128_FAR:
	case SPARE:
		return 3;
	case EPILOG:
		return version > 1 ? 1 : 2;
	default:
		return 1;
	}
}

static bool read_vector(const struct us_unwind_image *image, uint64_t address, struct state *s, unsigned n)
{
	uint64_t low, high;

	if (!image->read(image->context, address, &low) || !image->read(image->context, address + 8, &high))
		return false;
	if (s->xmm) {
		s->xmm[n][0] = low;
		s->xmm[n][1] = high;
	}
	return true;
}

/* Undoes one step of the prologue; `frame` is where the saved registers are counted from. False: nonsense. */
static bool undo(const struct us_unwind_image *image, const uint8_t *code, uint64_t frame, struct state *s,
		 bool *machine_frame)
{
	const unsigned op = code[1] & 15, info = code[1] >> 4;
	uint64_t *regs = s->regs, offset;

	switch (op) {
	case PUSH_NONVOL:
		return pop(image, regs, &regs[info]);
	case ALLOC_LARGE:
		regs[RSP] += info ? us_get32(code + 2) : us_get16(code + 2) * UINT64_C(8);
		return info < 2;
	case ALLOC_SMALL:
		regs[RSP] += info * 8 + 8;
		return true;
	case SET_FPREG:
		regs[RSP] = frame;
		return true;
	case SAVE_NONVOL:
	case SAVE_NONVOL_FAR:
		offset = op == SAVE_NONVOL ? us_get16(code + 2) * UINT64_C(8) : us_get32(code + 2);
		return image->read(image->context, frame + offset, &regs[info]);
	case PUSH_MACHFRAME:
		offset = regs[RSP] + (info ? 8 : 0);
		*machine_frame = true;
		return image->read(image->context, offset, s->rip) &&
		       image->read(image->context, offset + 24, &regs[RSP]);
	case EPILOG:
	case SPARE:
		return true;
	case SAVE_XMM128:
	case SAVE_XMM128_FAR:
		offset = op == SAVE_XMM128 ? us_get16(code + 2) * UINT64_C(16) : us_get32(code + 2);
		return read_vector(image, frame + offset, s, info);
	default:
		return false;
	}
}

/*
 * What a frame's saved registers are counted from, and its handler knows it by, at `offset` into the function: of one
 * with a frame register that, once the prologue has set it. A part that is chained has no prologue of its own for it.
 */
static uint64_t frame_of(const uint8_t *info, uint32_t offset, const uint64_t regs[16])
{
	const unsigned version = info[0] & 7, count = info[2], frame_register = info[3] & 15;
	const uint8_t *codes = info + 4;
	bool is_set = offset >= info[1] || info[0] >> 3 & CHAINED;

	for (unsigned i = 0; !is_set && i < count;
	     i += slots_of(version, codes[2 * i + 1] & 15, codes[2 * i + 1] >> 4))
		is_set = (codes[2 * i + 1] & 15) == SET_FPREG && codes[2 * i] <= offset;
	return frame_register && is_set ? regs[frame_register] - (info[3] >> 4) * UINT64_C(16) : regs[RSP];
}

/* Undoes a function's prologue as far as it had come at `offset` into it. */
static bool undo_all(const struct us_unwind_image *image, const uint8_t *info, uint32_t offset, struct state *s,
		     bool *machine_frame)
{
	const unsigned version = info[0] & 7, count = info[2];
	const uint64_t frame = frame_of(info, offset, s->regs);

	for (unsigned i = 0; i < count;) {
		const uint8_t *code = info + 4 + 2 * i;
		const unsigned slots = slots_of(version, code[1] & 15, code[1] >> 4);

		if (slots > count - i)
			return false;
		if ((version > 1 && (code[1] & 15) == EPILOG) || code[0] <= offset)
			if (!undo(image, code, frame, s, machine_frame))
				return false;
		i += slots;
	}
	return true;
}

/* -- the handler -------------------------------------------------------------------------------------------------- */

/* Where what follows a function's unwind codes begins, an even number of them later. */
static uint64_t behind_codes(uint32_t info_rva, const uint8_t *info)
{
	return info_rva + 4 + 2 * (uint64_t)((info[2] + 1) & ~1);
}

static void note_handler(const struct us_unwind_image *image, const struct function *f, const uint8_t *info,
			 struct us_pe_frame *frame)
{
	const uint64_t where = behind_codes(f->info, info);
	const uint8_t *handler = at(image, where, 4);

	if (!handler || !(info[0] >> 3 & (FOR_EXCEPTIONS | FOR_UNWINDING)) || us_get32(handler) >= image->size)
		return;
	frame->handler = us_get32(handler);
	frame->data = (uint32_t)where + 4;
	frame->for_exceptions = info[0] >> 3 & FOR_EXCEPTIONS;
	frame->for_unwinding = info[0] >> 3 & FOR_UNWINDING;
}

/* A function's unwind information, where there is such; NULL: nonsense. */
static const uint8_t *info_of(const struct us_unwind_image *image, const struct function *f)
{
	const uint8_t *info = at(image, f->info, 4);

	if (!info || (info[0] & 7) < 1 || (info[0] & 7) > 2 || !at(image, f->info, 4 + 2 * (uint64_t)info[2]))
		return NULL;
	return info;
}

/* The one that a part of a function says it belongs to. */
static bool follow_chain(const struct us_unwind_image *image, const uint8_t *info, struct function *f)
{
	const uint64_t where = behind_codes(f->info, info);
	const uint8_t *next = at(image, where, ENTRY_BYTES);

	if (!next)
		return false;
	*f = (struct function){us_get32(next), us_get32(next + 4), us_get32(next + 8), (uint32_t)where};
	return true;
}

static bool unwind_function(const struct us_unwind_image *image, struct function f, uint32_t where, struct state *s,
			    struct us_pe_frame *frame)
{
	uint32_t offset = where - f.begin;
	const uint8_t *info = info_of(image, &f);
	bool machine_frame = false, in_body = info && offset >= info[1];

	if (!info)
		return false;
	frame->establisher = frame_of(info, offset, s->regs);
	if (in_body && unwind_epilogue(image, where, info[3] & 15, s->rip, s->regs))
		return true;
	for (unsigned depth = 0; depth < DEEPEST_CHAIN; depth++) {
		if (!undo_all(image, info, offset, s, &machine_frame))
			return false;
		frame->function = f.entry;
		if (!(info[0] >> 3 & CHAINED)) {
			if (in_body)
				note_handler(image, &f, info, frame);
			return machine_frame || pop(image, s->regs, s->rip);
		}
		if (!follow_chain(image, info, &f) || !(info = info_of(image, &f)))
			return false;
		offset = UINT32_MAX;
	}
	return false;
}

bool us_pe_unwind_image(const struct us_unwind_image *image, uint64_t *rip, uint64_t regs[16],
			unsigned long long xmm[16][2], struct us_pe_frame *frame)
{
	const uint64_t where = *rip - image->base;
	struct state state = {rip, regs, xmm};
	struct us_pe_frame ignored;
	struct function f;

	if (!frame)
		frame = &ignored;
	*frame = (struct us_pe_frame){.establisher = regs[RSP]};
	if (where >= image->size)
		return false;
	if (!find(image, (uint32_t)where, &f)) /* a leaf: nothing but the return address is on the stack */
		return pop(image, regs, rip);
	frame->entry = f.entry;
	return unwind_function(image, f, (uint32_t)where, &state, frame);
}
