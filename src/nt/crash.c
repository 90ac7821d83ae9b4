/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of a driver, as bugchecks with a sentence. */
#include "nt/crash.h"

#include <inttypes.h>

#include "nt/emulate.h"
#include "nt/phys.h"
#include "nt/sched-private.h"
#include "nt/seh.h"
#include "nt/trap.h"

#define WINDOWS_STACK_KIB 24 /* of a thread in kernel mode on x64 */

void us_nt_keep_registers(const ucontext_t *context)
{
	static const uint8_t where[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
					  REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
	const greg_t *g = context->uc_mcontext.gregs;

	us_nt->stop.rip = (uint64_t)g[REG_RIP];
	for (unsigned i = 0; i < 16; i++)
		us_nt->stop.regs[i] = (uint64_t)g[where[i]];
}

/* What lies at an address, for the sentence. */
static void say_place(char *text, size_t size, uint64_t address)
{
	static const char *const names[US_WINDOWS] = {
		[US_WINDOW_USER] = "the applications' memory", [US_WINDOW_POOL] = "the pool",
		[US_WINDOW_IMAGE] = "the drivers' images",     [US_WINDOW_STACK] = "the stacks",
		[US_WINDOW_SYSTEM] = "the system's mappings",
	};
	const void *at = (const void *)(uintptr_t)address;
	int window = us_nt_window(at);

	if (address < 0x10000)
		snprintf(text, size, "in the first 64 KiB, as by a NULL pointer");
	else if (address - US_IO_BASE < US_IO_SIZE)
		us_nt_trap_say(text, size, address);
	else if (window == US_WINDOW_POOL)
		us_nt_pool_say(text, size, at);
	else
		snprintf(text, size, "in %s", window >= 0 ? names[window] : "no memory of the system's");
}

/* The bugcheck of a page fault: an application's address is an exception, which nobody has handled. */
struct code {
	uint32_t code;
	uint64_t parameters[4];
};

static struct code code_of_access(uint64_t address, bool write, uint64_t rip)
{
	if (us_nt_irql() >= DISPATCH_LEVEL)
		return (struct code){0xD1, {address, us_nt_irql(), write, rip}};
	if (address < US_NT_USER_END)
		return (struct code){us_seh_unhandled(), {(ULONG)STATUS_ACCESS_VIOLATION, rip, write, address}};
	return (struct code){0x50, {address, us_nt_irql(), write, rip}};
}

static _Noreturn void bad_access(const siginfo_t *info, const ucontext_t *context)
{
	const greg_t *g = context->uc_mcontext.gregs;
	uint64_t rip = (uint64_t)g[REG_RIP], address = (uint64_t)(uintptr_t)info->si_addr;
	bool write = g[REG_ERR] & 2;
	bool by_driver = us_nt_window((const void *)(uintptr_t)rip) == US_WINDOW_IMAGE || rip == address;
	/* Where in the stage's own code is nothing that two runs have in common. */
	struct code c = code_of_access(address, write, by_driver ? rip : us_nt_caller());
	const uint64_t *p = c.parameters;
	char place[256];

	say_place(place, sizeof(place), address);
	if (!by_driver)
		us_nt_bugcheck(c.code, p[0], p[1], p[2], p[3], "memory.access",
			       "what the driver handed to the system made that %s address 0x%" PRIx64 ", %s",
			       write ? "write to" : "read", address, place);
	us_nt_bugcheck(c.code, p[0], p[1], p[2], p[3], "memory.access", "the driver %s address 0x%" PRIx64 ", %s",
		       rip == address ? "jumped to"
		       : write        ? "wrote to"
				      : "read",
		       address, place);
}

/* The processor's general protection: of an instruction that is privileged, or an address that there can not be. */
static _Noreturn void protection(const ucontext_t *context, const char *instruction)
{
	uint64_t rip = (uint64_t)context->uc_mcontext.gregs[REG_RIP];
	const uint8_t *at = (const uint8_t *)(uintptr_t)rip;

	if (us_nt_window((const void *)(uintptr_t)rip) != US_WINDOW_IMAGE)
		us_nt_bugcheck(us_seh_unhandled(), (ULONG)STATUS_ACCESS_VIOLATION, us_nt_caller(), 0, UINT64_MAX,
			       "memory.access",
			       "what the driver handed to the system is an address that no memory has, as its upper "
			       "bits differ");
	if (instruction)
		us_nt_bugcheck(0x1E, 0xC0000096, rip, 0, 0, "privileged-instruction",
			       "the driver executes what the stage can not do for it: %s", instruction);
	if (at[0] == 0xcd && at[1] == 0x2c)
		us_nt_bugcheck(us_seh_unhandled(), (ULONG)STATUS_ASSERTION_FAILURE, rip, 0, 0, "driver.assert",
			       "an assertion of the driver failed (int 2Ch)");
	us_nt_bugcheck(us_seh_unhandled(), (ULONG)STATUS_ACCESS_VIOLATION, rip, 0, UINT64_MAX, "memory.access",
		       "the driver used an address that no memory has, as its upper bits differ, or that is not "
		       "aligned for it: %s",
		       us_nt_instruction_text(rip));
}

/* An exception that says all by itself. */
static _Noreturn void unhandled(NTSTATUS status, uint64_t rip, const char *rule, const char *what)
{
	us_nt_bugcheck(us_seh_unhandled(), (ULONG)status, rip, 0, 0, rule, "the driver %s", what);
}

_Noreturn void us_nt_crash(int signal, const siginfo_t *info, const ucontext_t *context, const char *instruction)
{
	const greg_t *g = context->uc_mcontext.gregs;
	uint64_t rip = (uint64_t)g[REG_RIP], address = (uint64_t)(uintptr_t)info->si_addr;

	us_nt_keep_registers(context);
	if (signal == SIGTRAP)
		us_nt->stop.rip = --rip; /* it is behind the instruction */
	if (signal == SIGTRAP)
		unhandled(STATUS_BREAKPOINT, rip, "breakpoint", "ran into a breakpoint");
	if (signal == SIGFPE)
		unhandled(us_nt_divides_by_zero(context) ? STATUS_INTEGER_DIVIDE_BY_ZERO : STATUS_INTEGER_OVERFLOW, rip,
			  "divide", "divided by zero, or a quotient does not fit");
	if (signal == SIGILL)
		unhandled(STATUS_ILLEGAL_INSTRUCTION, rip, "illegal-instruction", "ran into an illegal instruction");
	if (g[REG_TRAPNO] == US_TRAP_PROTECTION)
		protection(context, instruction);
	if (instruction)
		us_nt_unsupported("the driver accesses the device at 0x%" PRIx64 " in a way that is not known here: %s",
				  address, instruction);
	bad_access(info, context);
}

_Noreturn void us_nt_crash_of_stack(const ucontext_t *context)
{
	const struct us_thread *thread = us_nt_current();
	uint64_t stack = (uint64_t)(uintptr_t)thread->fiber.stack, sp = (uint64_t)context->uc_mcontext.gregs[REG_RSP];

	us_nt_keep_registers(context);
	if (sp - stack > thread->fiber.size && stack - sp > US_NT_PAGE * 16)
		us_nt_bugcheck(0x7F, 8, sp, 0, 0, "stack.pointer",
			       "the driver's stack pointer is 0x%" PRIx64
			       ", which is not in the stack of thread %u (%s)",
			       sp, thread->id, thread->name);
	us_nt_bugcheck(0x7F, 8, sp, 0, 0, "stack.overflow",
		       "the stack of thread %u (%s) is used up: it has %zu KiB here, and %u KiB on Windows", thread->id,
		       thread->name, thread->fiber.size >> 10, WINDOWS_STACK_KIB);
}

/* The reasons that compilers and the kernel's lists give; wdm.h has them all (FAST_FAIL_...). */
static const char *reason_of(uint64_t code)
{
	switch (code) {
	case 0:
	case 2:
		return "the cookie on a stack was overwritten";
	case 3:
		return "a list entry's neighbours do not point back to it (it was corrupted, or removed twice)";
	case 5:
		return "an argument is invalid";
	case 10:
		return "an indirect call goes where none may";
	default:
		return "its own check failed";
	}
}

_Noreturn void us_nt_crash_by_choice(const ucontext_t *context)
{
	uint64_t code = (uint64_t)context->uc_mcontext.gregs[REG_RCX];

	us_nt_keep_registers(context);
	us_nt_bugcheck(0x139, code, 0, 0, 0, "fast-fail", "the driver ended itself by __fastfail(%" PRIu64 "): %s",
		       code, reason_of(code));
}
