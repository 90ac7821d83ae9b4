/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of the processor as exceptions. */
#include "nt/seh.h"

#include "nt/crash.h"
#include "nt/emulate.h"
#include "nt/module.h"
#include "nt/phys.h"
#include "nt/sched.h"
#include "nt/trace.h"

/* The processor's traps, REG_TRAPNO; those that crash.h does not name. */
enum { TRAP_DIVIDE = 0, TRAP_DEBUG = 1, TRAP_BREAKPOINT = 3, TRAP_ILLEGAL = 6, TRAP_VECTOR = 19 };

/* What an access violation says of the access: EXCEPTION_RECORD.ExceptionInformation[0]. */
enum { READS = 0, WRITES = 1, EXECUTES = 8 };

/* -- registers ---------------------------------------------------------------------------------------------------- */

static const uint8_t where[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
				  REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static void take(CONTEXT *to, const ucontext_t *from)
{
	*to = (CONTEXT){.ContextFlags = CONTEXT_FULL, .SegCs = 0x10, .SegSs = 0x18};
	for (unsigned i = 0; i < US_GENERAL; i++)
		us_context_general(to)[i] = (uint64_t)from->uc_mcontext.gregs[where[i]];
	to->Rip = (uint64_t)from->uc_mcontext.gregs[REG_RIP];
	to->EFlags = (ULONG)from->uc_mcontext.gregs[REG_EFL];
	to->MxCsr = from->uc_mcontext.fpregs->mxcsr;
	memcpy(&to->FltSave, from->uc_mcontext.fpregs, sizeof(to->FltSave));
}

static void give_back(ucontext_t *to, const CONTEXT *from)
{
	enum { MXCSR_AT = 24, MAGIC_AT = 464, MAGIC = 0x46505853, FEATURES_AT = 512, FLOATS_AND_VECTORS = 3 };
	uint8_t *registers = (uint8_t *)to->uc_mcontext.fpregs;
	uint32_t magic;

	for (unsigned i = 0; i < US_GENERAL; i++)
		to->uc_mcontext.gregs[where[i]] = (greg_t)(&from->Rax)[i];
	to->uc_mcontext.gregs[REG_RIP] = (greg_t)from->Rip;
	to->uc_mcontext.gregs[REG_EFL] = (greg_t)from->EFlags;
	memcpy(&magic, registers + MAGIC_AT, sizeof(magic));
	memcpy(registers, &from->FltSave, MAGIC_AT); /* behind it are the kernel's own words */
	memcpy(registers + MXCSR_AT, &from->MxCsr, sizeof(from->MxCsr));
	if (magic == MAGIC) /* what was in its first state, and is not any more, is to be loaded too */
		registers[FEATURES_AT] |= FLOATS_AND_VECTORS;
}

/* -- which exception ---------------------------------------------------------------------------------------------- */

static bool access_violation(EXCEPTION_RECORD *record, unsigned kind, uint64_t address)
{
	record->ExceptionCode = STATUS_ACCESS_VIOLATION;
	record->NumberParameters = 2;
	record->ExceptionInformation[0] = kind;
	record->ExceptionInformation[1] = address;
	return true;
}

/* A page fault: an exception only on an application's address, and where the system may wait for a page. */
static bool page_fault(EXCEPTION_RECORD *record, uint64_t address, uint64_t error)
{
	if (address >= US_NT_USER_END || us_nt_irql() >= DISPATCH_LEVEL)
		return false;
	return access_violation(record, error & 16 ? EXECUTES : error & 2 ? WRITES : READS, address);
}

static bool is_assertion(uint64_t rip)
{
	const uint8_t *at = (const uint8_t *)(uintptr_t)rip;

	return us_nt_module_is_code(rip) && at[0] == 0xcd && at[1] == 0x2c; /* int 2Ch: DbgRaiseAssertionFailure() */
}

/* General protection: of an address that can not be, or not be aligned so; what that is the processor does not say. */
static bool protection(EXCEPTION_RECORD *record, uint64_t rip)
{
	if (!is_assertion(rip))
		return access_violation(record, READS, UINT64_MAX);
	record->ExceptionCode = STATUS_ASSERTION_FAILURE;
	return true;
}

static bool breakpoint(EXCEPTION_RECORD *record, CONTEXT *context)
{
	context->Rip--; /* Windows has it at the instruction */
	record->ExceptionAddress = (PVOID)(uintptr_t)context->Rip;
	record->ExceptionCode = STATUS_BREAKPOINT;
	record->NumberParameters = 1;
	return true;
}

static bool plain(EXCEPTION_RECORD *record, NTSTATUS status)
{
	record->ExceptionCode = status;
	return true;
}

static bool is_exception(EXCEPTION_RECORD *record, CONTEXT *context, const ucontext_t *fault, uint64_t address)
{
	const greg_t *g = fault->uc_mcontext.gregs;

	record->ExceptionAddress = (PVOID)(uintptr_t)context->Rip;
	switch (g[REG_TRAPNO]) {
	case US_TRAP_PAGE:
		return page_fault(record, address, (uint64_t)g[REG_ERR]);
	case US_TRAP_PROTECTION:
		return protection(record, context->Rip);
	case TRAP_DIVIDE:
		return plain(record,
			     us_nt_divides_by_zero(fault) ? STATUS_INTEGER_DIVIDE_BY_ZERO : STATUS_INTEGER_OVERFLOW);
	case TRAP_BREAKPOINT:
		return breakpoint(record, context);
	case TRAP_DEBUG:
		return plain(record, STATUS_SINGLE_STEP);
	case TRAP_ILLEGAL:
		return plain(record, STATUS_ILLEGAL_INSTRUCTION);
	case TRAP_VECTOR:
		return plain(record, STATUS_FLOAT_MULTIPLE_TRAPS);
	default:
		return false;
	}
}

/* -- whose -------------------------------------------------------------------------------------------------------- */

/*
 * In a function that raises, which the driver called with what faults: as if the call itself did. Mended, the function
 * goes on where it was; its registers are not the driver's.
 */
static bool in_call(EXCEPTION_RECORD *record)
{
	CONTEXT context, before;

	if (!us_seh_caller(&context))
		return false;
	record->ExceptionAddress = (PVOID)(uintptr_t)context.Rip;
	before = context;
	if (!us_seh_dispatch(record, &context, false))
		return false;
	if (memcmp(&context, &before, sizeof(context)) != 0)
		us_nt_unsupported("a filter of the driver's changes the registers of a fault in a function of the "
				  "system's, and wants that to go on");
	return true;
}

bool us_seh_fault(int signal, const siginfo_t *info, ucontext_t *fault)
{
	const uint64_t address = (uint64_t)(uintptr_t)info->si_addr;
	const bool is_fetch = signal == SIGSEGV && (uint64_t)fault->uc_mcontext.gregs[REG_RIP] == address;
	EXCEPTION_RECORD record = {0};
	CONTEXT context;

	take(&context, fault);
	if (!is_exception(&record, &context, fault, address))
		return false;
	if (!is_fetch && !us_nt_module_is_code((uint64_t)fault->uc_mcontext.gregs[REG_RIP]))
		return in_call(&record);
	if (!us_seh_dispatch(&record, &context, is_fetch && !us_nt_module_is_code(address)))
		return false;
	give_back(fault, &context);
	return true;
}
