/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gates: every call between the driver and the stage passes through here, in both directions.
 *
 * A driver's imports, and the entries of KMDF's function table, are not the functions themselves but gates before them: a
 * gate says the call to the trace, passes a scheduling point, checks the rules that hold for all calls (IRQL, …), calls the
 * function, and passes a point again. Code of the stage calls the functions directly, without a gate.
 *
 * A function is offered to drivers by a line in its module's table:
 *
 *     const struct us_export us_nt_ke_exports[] = {
 *             US_EXPORT(KeSetEvent, DISPATCH_LEVEL, "u:pub"),
 *             …
 *             US_EXPORT_END,
 *     };
 *
 * The text is the type of what it returns, and of its arguments, for the trace and for injected failures:
 *
 *     v nothing   s NTSTATUS   S NTSTATUS, and the call may be made to fail for want of memory   P a pointer, may be made NULL
 *     p pointer   h handle     b BOOLEAN/UCHAR   u number, 32 bits   x the same in hex   q number, 64 bits   a C string
 *     w PUNICODE_STRING        . more (varargs)
 */
#ifndef UNDERSTUDY_NT_GATE_H
#define UNDERSTUDY_NT_GATE_H

#include "nt/ntdefs.h"
#include "nt/stage.h"

struct us_export {
	const char *name;
	void (*function)(void); /* of Windows' calling convention; NULL: a function that the stage does not have */
	uint8_t max_irql; /* the highest IRQL at which it may be called */
	const char *types;
	void *data; /* not NULL: it is no function but this variable */
	/*
	 * An exception may leave it, in any of its instructions, for a handler of the driver that called it (seh.h):
	 * it keeps no state of the stage's that would be left half changed. Its gate saves the registers that such a
	 * handler needs.
	 */
	bool raises;
	void (*failed)(void); /* called instead, with its arguments, when it is made to fail; NULL: nothing is */
};

#define US_EXPORT(function, max_irql, types) {#function, (void (*)(void))(function), max_irql, types}
#define US_EXPORT_AS(name, function, max_irql, types) {name, (void (*)(void))(function), max_irql, types}
#define US_EXPORT_RAISES(function, max_irql, types) US_EXPORT_RAISES_AS(#function, function, max_irql, types)
#define US_EXPORT_RAISES_AS(name, function, max_irql, types)                                                           \
	{name, (void (*)(void))(function), max_irql, types, .raises = true}
#define US_EXPORT_FAILS_BY(failed, name, function, max_irql, types)                                                    \
	{name, (void (*)(void))(function), max_irql, types, NULL, true, (void (*)(void))(failed)}
#define US_EXPORT_DATA(name, data) {name, NULL, 0, NULL, data}
#define US_EXPORT_END {0}

/* The modules' tables (exports.c): of ntoskrnl.exe and hal.dll together, and of wdfldr.sys. NULL: there is none. */
const struct us_export *us_nt_find_export(const char *dll, const char *name);

/*
 * The gate before a function, which the driver gets instead of it; the same for the same export. An export without a
 * function gets a gate that stops the run with its name; of data it is the address. `export` outlives the process's last stage.
 */
void *us_nt_gate(const struct us_export *export);

/* For tests written natively, which have no import table: US_IMPORT(KeSetEvent)(&event, 0, FALSE). */
#define US_IMPORT(function) ((__typeof__(&function))(uintptr_t)us_nt_gate(us_nt_find_export(NULL, #function)))

/* The innermost call through a gate on this flow: the driver's return address, for reports; 0 outside of any. */
uint64_t us_nt_caller(void);

/*
 * What the gate of a function that raises keeps on the stack while that runs, right below caller_sp: the driver's
 * registers at the call. NULL where no such call is the innermost on this flow.
 */
struct us_gate_saved {
	unsigned long long xmm[10][2]; /* 6 to 15 */
	uint64_t r15, r14, r13, r12, rdi, rsi, rbx;
	const void *gate;
	uint64_t rbp, returns_to;
};
const struct us_gate_saved *us_nt_gate_saved(void);

/*
 * A call of the driver's code by the stage: `name` is what kind of function it is ("EvtDeviceAdd", "DriverEntry", "ISR").
 * Behind it the rules that hold for all callbacks are checked: the IRQL is what it was, no spin lock is kept.
 *
 *     status = US_CALL("EvtDevicePrepareHardware", callback, device, raw, translated);
 *     US_CALL_VOID("EvtTimer", callback, timer);
 */
struct us_callback {
	const char *name;
	const void *function;
	KIRQL irql;
	uint64_t caller, caller_sp; /* of the call of the driver's that this is made from, saved */
	struct us_callback *outer; /* the one that this is made inside of */
	unsigned critical, locks;
	const struct us_dispatch *dispatch; /* seh.h's: the exception that it handles; NULL: it is no handler */
};
void us_nt_callback_enter(struct us_callback *callback, const char *name, const void *function);
void us_nt_callback_leave(struct us_callback *callback, uint64_t result);

#define US_CALL(name, function, ...)                                                                                   \
	__extension__({                                                                                                \
		struct us_callback us_callback_;                                                                       \
		us_nt_callback_enter(&us_callback_, name, (const void *)(uintptr_t)(function));                        \
		__auto_type us_result_ = (function)(__VA_ARGS__);                                                      \
		us_nt_callback_leave(&us_callback_, (uint64_t)us_result_);                                             \
		us_result_;                                                                                            \
	})
#define US_CALL_VOID(name, function, ...)                                                                              \
	do {                                                                                                           \
		struct us_callback us_callback_;                                                                       \
		us_nt_callback_enter(&us_callback_, name, (const void *)(uintptr_t)(function));                        \
		(function)(__VA_ARGS__);                                                                               \
		us_nt_callback_leave(&us_callback_, 0);                                                                \
	} while (0)

#endif
