/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structured exception handling: the driver's __try, __except and __finally, by the tables of its image.
 *
 *     seh-fault.c    which faults of the processor are exceptions, and which end the run
 *     seh-raise.c    what drivers and functions of the system raise
 *     seh.c          who handles it: the frames' handlers are asked, then those in between are unwound
 *     seh-scope.c    __C_specific_handler, which knows __try's tables
 *     seh-unwind.c   what drivers may ask about frames (RtlVirtualUnwind, …)
 *
 * An exception goes up the driver's frames to where the stage had called it, and no further: the stage's own functions
 * have no handlers, and none of them can be left half-way but those that say so (us_export.raises), which the driver
 * has called. What a handler raises itself goes on to the frames of what it was called for. IRQL and locks stay as they
 * are, as on Windows; __finally is where a driver gives them back.
 *
 * What is no exception, as on Windows: access to an address of the system's that is none (PAGE_FAULT_IN_NONPAGED_AREA),
 * and any page fault at DISPATCH_LEVEL or above. Source: Microsoft, "Structured Exception Handling", "Handling
 * Exceptions", "x64 exception handling".
 */
#ifndef UNDERSTUDY_NT_SEH_H
#define UNDERSTUDY_NT_SEH_H

#include "nt/ntdefs.h"

#include <signal.h>
#include <ucontext.h>

#include "nt/gate.h"

/* -- what Windows lays out for handlers, and mingw-w64's headers leave out ----------------------------------------- */

typedef struct _RUNTIME_FUNCTION {
	ULONG BeginAddress, EndAddress, UnwindData; /* RVAs */
} RUNTIME_FUNCTION, *PRUNTIME_FUNCTION;

typedef struct _DISPATCHER_CONTEXT {
	ULONG64 ControlPc, ImageBase;
	PRUNTIME_FUNCTION FunctionEntry;
	ULONG64 EstablisherFrame, TargetIp;
	CONTEXT *ContextRecord;
	PEXCEPTION_ROUTINE LanguageHandler;
	PVOID HandlerData, HistoryTable;
	ULONG ScopeIndex, Fill0;
} DISPATCHER_CONTEXT;

/* What a handler answers: EXCEPTION_DISPOSITION. */
enum { US_CONTINUE_EXECUTION, US_CONTINUE_SEARCH };

/* EXCEPTION_RECORD.ExceptionFlags. */
#define US_EXCEPTION_NONCONTINUABLE 0x1u
#define US_EXCEPTION_UNWINDING 0x2u
#define US_EXCEPTION_EXIT_UNWIND 0x4u
#define US_EXCEPTION_NESTED_CALL 0x10u
#define US_EXCEPTION_TARGET_UNWIND 0x20u
#define US_EXCEPTION_COLLIDED_UNWIND 0x40u

/* The general registers of a CONTEXT, in the order of the instruction encoding, and the vector registers. */
enum { US_GENERAL = 16 };
static inline ULONG64 *us_context_general(CONTEXT *context)
{
	return &context->Rax;
}

static inline unsigned long long (*us_context_xmm(CONTEXT *context))[2]
{
	return (unsigned long long(*)[2])(void *)context->FltSave.XmmRegisters;
}

/* -- the stage's own ----------------------------------------------------------------------------------------------- */

/* A handler of the driver's at work: us_callback.dispatch. */
struct us_dispatch {
	DISPATCHER_CONTEXT told; /* of the frame whose handler it is; ContextRecord is that frame's */
	const CONTEXT *origin; /* where the exception was; NULL: this is the unwinding */
	bool is_call; /* there is no code there: that had been called */
	struct us_callback *callback; /* the innermost when it began */
};

/*
 * A fault in the driver, or on what it handed to a function that raises. True: a handler has mended it, and *context is
 * where to go on. False: it is no exception, or nobody handles it: the driver has crashed. Does not return where
 * somebody does.
 */
bool us_seh_fault(int signal, const siginfo_t *info, ucontext_t *context);

/*
 * Raises an exception in the driver's call under way, on behalf of the driver or of a function that it called. Where
 * nobody handles it that is a bugcheck with this rule; the sentence says why it was raised.
 */
_Noreturn void us_seh_raise(NTSTATUS status, const char *rule, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The bugcheck of an exception that nobody handles: 0x1E in an interrupt or DPC, 0x3B in a system call, else 0x7E. */
uint32_t us_seh_unhandled(void);

/*
 * Asks the handlers of the frames from *context on up. True: one of them wants the driver to go on as *context says.
 * False: nobody handles it. Does not return where somebody does. `is_call`: context's rip is no code, and was called or
 * jumped to.
 */
bool us_seh_dispatch(EXCEPTION_RECORD *record, CONTEXT *context, bool is_call);

/*
 * Unwinds from the driver's call under way to the frame `target` and goes on there at `ip`, with `value` in rax. The
 * record is what its handlers are told; NULL: STATUS_UNWIND.
 */
_Noreturn void us_seh_unwind(uint64_t target, uint64_t ip, EXCEPTION_RECORD *record, uint64_t value);

/* The driver's registers as its call under way will leave them. False: there is none, or not of a function that raises. */
bool us_seh_caller(CONTEXT *context);

/* Before us_nt_callback_leave() of a handler that unwinding calls: it may give back what the guarded body took. */
void us_seh_settle(struct us_callback *callback);

/* seh-context.S. Goes on in the driver; and RtlCaptureContext() of Windows' convention. */
_Noreturn void us_seh_resume(const CONTEXT *context);
void us_seh_capture(void);

extern const struct us_export us_nt_seh_exports[], us_nt_seh_unwind_exports[], us_nt_probe_exports[];

/* __C_specific_handler */
int NTAPI us_seh_c_handler(EXCEPTION_RECORD *record, PVOID frame, CONTEXT *context, PVOID dispatcher);

#endif
