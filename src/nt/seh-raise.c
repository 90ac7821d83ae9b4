/* SPDX-License-Identifier: Apache-2.0 */
/* Exceptions that a driver raises, or a function that it has called. Source: Microsoft, the pages of these functions.
 */
#include "nt/seh.h"

#include "nt/kernel.h"
#include "nt/sched.h"

static _Noreturn void unhandled(const EXCEPTION_RECORD *record, const char *rule, const char *why)
{
	const struct us_callback *callback = us_nt_current()->callback;

	us_nt_bugcheck(us_seh_unhandled(), (ULONG)record->ExceptionCode, (uintptr_t)record->ExceptionAddress,
		       record->ExceptionInformation[0], record->ExceptionInformation[1], rule,
		       "%s: the exception 0x%08X is raised, and no handler of the driver's takes it%s%s", why,
		       (unsigned)record->ExceptionCode, callback ? " in what was called as " : "",
		       callback ? callback->name : "");
}

_Noreturn void us_seh_raise(NTSTATUS status, const char *rule, const char *format, ...)
{
	EXCEPTION_RECORD record = {.ExceptionCode = status,
				   .ExceptionFlags = US_EXCEPTION_NONCONTINUABLE,
				   .ExceptionAddress = (PVOID)(uintptr_t)us_nt_caller()};
	CONTEXT context;
	char why[512];
	va_list args;

	if (us_seh_caller(&context))
		us_seh_dispatch(&record, &context, false); /* what can not be gone on behind is never mended */
	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	unhandled(&record, rule, why);
}

void NTAPI ExRaiseStatus(NTSTATUS status)
{
	us_seh_raise(status, "driver.exception", "ExRaiseStatus was called");
}

void NTAPI ExRaiseAccessViolation(void)
{
	us_seh_raise(STATUS_ACCESS_VIOLATION, "driver.exception", "ExRaiseAccessViolation was called");
}

void NTAPI ExRaiseDatatypeMisalignment(void)
{
	us_seh_raise(STATUS_DATATYPE_MISALIGNMENT, "driver.exception", "ExRaiseDatatypeMisalignment was called");
}

/* Raises, in the driver's call, what may be gone on behind: then that returns, with the registers that a filter has
 * set. */
static void raise_mendable(EXCEPTION_RECORD *record, const char *rule, const char *why)
{
	CONTEXT context;

	record->ExceptionAddress = (PVOID)(uintptr_t)us_nt_caller();
	if (!us_seh_caller(&context) || !us_seh_dispatch(record, &context, false))
		unhandled(record, rule, why);
	us_nt_current()->caller = 0;
	us_seh_resume(&context);
}

static NTAPI void raise_exception(EXCEPTION_RECORD *record)
{
	raise_mendable(record, "driver.exception", "RtlRaiseException was called");
}

static NTAPI void break_point(void)
{
	EXCEPTION_RECORD record = {.ExceptionCode = STATUS_BREAKPOINT, .NumberParameters = 1};

	raise_mendable(&record, "driver.breakpoint", "DbgBreakPoint was called, and there is no debugger");
}

static NTAPI void unwind_ex(PVOID frame, PVOID ip, EXCEPTION_RECORD *record, PVOID value, CONTEXT *original,
			    PVOID history)
{
	(void)original, (void)history;
	if (!frame)
		us_nt_unsupported("the driver unwinds all of its frames (RtlUnwindEx without a target)");
	us_seh_unwind((uintptr_t)frame, (uintptr_t)ip, record, (uintptr_t)value);
}

static NTAPI void unwind(PVOID frame, PVOID ip, EXCEPTION_RECORD *record, PVOID value)
{
	unwind_ex(frame, ip, record, value, NULL, NULL);
}

static NTAPI void local_unwind(PVOID frame, PVOID ip)
{
	unwind_ex(frame, ip, NULL, NULL, NULL, NULL);
}

const struct us_export us_nt_seh_exports[] = {
	US_EXPORT_RAISES(ExRaiseStatus, PASSIVE_LEVEL, "v:s"),
	US_EXPORT_RAISES(ExRaiseAccessViolation, PASSIVE_LEVEL, "v:"),
	US_EXPORT_RAISES(ExRaiseDatatypeMisalignment, PASSIVE_LEVEL, "v:"),
	US_EXPORT_RAISES_AS("RtlRaiseException", raise_exception, HIGH_LEVEL, "v:p"),
	US_EXPORT_RAISES_AS("RtlRaiseStatus", ExRaiseStatus, HIGH_LEVEL, "v:s"),
	US_EXPORT_RAISES_AS("DbgBreakPoint", break_point, HIGH_LEVEL, "v:"),
	US_EXPORT_RAISES_AS("DbgBreakPointWithStatus", break_point, HIGH_LEVEL, "v:u"),
	US_EXPORT_RAISES_AS("__C_specific_handler", us_seh_c_handler, HIGH_LEVEL, "u:pppp"),
	US_EXPORT_RAISES_AS("RtlUnwindEx", unwind_ex, HIGH_LEVEL, "v:pppxpp"),
	US_EXPORT_RAISES_AS("RtlUnwind", unwind, HIGH_LEVEL, "v:pppx"),
	US_EXPORT_RAISES_AS("_local_unwind", local_unwind, HIGH_LEVEL, "v:pp"),
	US_EXPORT_END,
};
