/* SPDX-License-Identifier: Apache-2.0 */
/* Gates: the calls of the driver to the stage, and of the stage to the driver. */
#include "nt/gate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "nt/phys.h"
#include "nt/sched.h"
#include "nt/trace.h"

#define CALL_NS 30 /* of virtual time, before and behind a call */

#define GATES 4096u /* as many exports and framework functions as there can be */
#define CODE_BYTES 32u

/* A function that can be called, in memory that all stages of the process share. */
struct gate {
	const struct us_export *export;
};

static struct gate gates[GATES];
static unsigned ngates;
static uint8_t *code; /* CODE_BYTES for each gate */

/* gate-call.S; they call the following three */
void us_gate_call(void);
void us_gate_call_raising(void);
void *NTAPI us_nt_gate_enter(const struct gate *gate, const uint64_t *args, uint64_t caller);
uint64_t NTAPI us_nt_gate_leave(const struct gate *gate, uint64_t result);
uint64_t NTAPI us_nt_gate_failed(const struct gate *gate);

/* -- what the trace says ------------------------------------------------------------------------------------------ */

/*
 * A pointer as every run sees it: the stage's addresses are the same each time, the host's are not. How deep the
 * driver's frames lie on a stack is a matter of the frames of the stage's own functions below them, and so of its
 * compiler.
 */
static int print_pointer(char *to, size_t size, uint64_t value)
{
	if (value == 0)
		return snprintf(to, size, "NULL");
	if (us_nt_window((const void *)(uintptr_t)value) == US_WINDOW_STACK)
		return snprintf(to, size, "stack");
	if (value - US_NT_BASE < US_WINDOWS * US_NT_WINDOW_SIZE || value < 0x10000)
		return snprintf(to, size, "0x%" PRIx64, value);
	return snprintf(to, size, "host");
}

static int print_string(char *to, size_t size, const UNICODE_STRING *string)
{
	unsigned n = string && string->Buffer ? string->Length / 2 : 0;
	int at = snprintf(to, size, "\"");

	for (unsigned i = 0; i < n && at + 2 < (int)size; i++)
		to[at++] = string->Buffer[i] < 0x7f && string->Buffer[i] >= ' ' ? (char)string->Buffer[i] : '?';
	return at + snprintf(to + at, size - (size_t)at, "\"");
}

static int print_value(char *to, size_t size, char type, uint64_t value)
{
	switch (type) {
	case 's':
	case 'S':
	case 'x':
		return snprintf(to, size, "0x%08" PRIx32, (uint32_t)value);
	case 'b':
		return snprintf(to, size, "%u", (unsigned)(uint8_t)value);
	case 'u':
		return snprintf(to, size, "%" PRIu32, (uint32_t)value);
	case 'q':
		return snprintf(to, size, "%" PRId64, (int64_t)value);
	case 'a':
		return snprintf(to, size, "\"%.60s\"", value ? (const char *)(uintptr_t)value : "");
	case 'w':
		return print_string(to, size, (const UNICODE_STRING *)(uintptr_t)value);
	default:
		return print_pointer(to, size, value);
	}
}

/* Its arguments' types; "" where they are not known. */
static const char *argument_types(const struct us_export *export)
{
	return export->types && export->types[0] && export->types[1] ? export->types + 2 : "";
}

static void trace_call(const struct us_export *export, const uint64_t *args)
{
	const char *types = argument_types(export);
	char line[512];
	size_t at = 0;

	line[0] = 0;
	for (; *types && *types != '.' && at + 100 < sizeof(line); types++, args++) {
		if (at)
			at += (size_t)snprintf(line + at, sizeof(line) - at, ", ");
		at += (size_t)print_value(line + at, sizeof(line) - at, *types, *args);
		if (at >= sizeof(line))
			at = sizeof(line) - 1;
	}
	us_nt_trace("call      %s(%s)", export->name, line);
}

static void trace_return(const struct us_export *export, uint64_t result)
{
	char value[512] = "";

	if (export->types && export->types[0] && export->types[0] != 'v') {
		strcpy(value, " = ");
		print_value(value + 3, sizeof(value) - 3, export->types[0], result);
	}
	us_nt_trace("return    %s%s", export->name, value);
}

/* -- calls of the driver ------------------------------------------------------------------------------------------ */

static bool can_fail(const struct us_export *export)
{
	return export->types && (export->types[0] == 'S' || export->types[0] == 'P');
}

/* True when the run wants this call to fail. */
static bool made_to_fail(const struct us_export *export)
{
	const struct us_rehearsal *config = us_nt->config;

	if (!can_fail(export) || (config->fail_name && strcmp(config->fail_name, export->name) != 0))
		return false;
	return ++us_nt->failable == config->fail_nth;
}

void *NTAPI us_nt_gate_enter(const struct gate *gate, const uint64_t *args, uint64_t caller)
{
	const struct us_export *export = gate->export;

	us_nt->calls++;
	us_nt_current()->caller = caller;
	us_nt_current()->caller_sp = (uint64_t)(uintptr_t)args;
	us_nt_remember("call", export->name, argument_types(export), args[0], args[1], args[2]);
	if (us_nt_tracing())
		trace_call(export, args);
	if (!export->function)
		us_nt_unsupported("the driver calls %s, which the stage does not have", export->name);
	if (us_nt_irql() > export->max_irql)
		us_nt_bugcheck(0xC4, 0, us_nt_irql(), export->max_irql, 0, "irql.too-high",
			       "%s was called at IRQL %u; it may be called at IRQL %u at most", export->name,
			       us_nt_irql(), export->max_irql);
	us_nt_point(CALL_NS);
	if (made_to_fail(export)) {
		us_nt_trace("note      %s is made to fail", export->name);
		return (void *)(uintptr_t) export->failed;
	}
	return (void *)(uintptr_t) export->function;
}

static uint64_t finish(const struct gate *gate, uint64_t result)
{
	if (us_nt_tracing())
		trace_return(gate->export, result);
	us_nt_point(CALL_NS);
	us_nt_current()->caller = 0;
	return result;
}

uint64_t NTAPI us_nt_gate_leave(const struct gate *gate, uint64_t result)
{
	return finish(gate, result);
}

uint64_t NTAPI us_nt_gate_failed(const struct gate *gate)
{
	return finish(gate, gate->export->types[0] == 'S' ? (uint32_t)STATUS_INSUFFICIENT_RESOURCES : 0);
}

uint64_t us_nt_caller(void)
{
	return us_nt_current()->caller;
}

const struct us_gate_saved *us_nt_gate_saved(void)
{
	const struct us_thread *thread = us_nt_current();
	const struct us_gate_saved *saved = (const struct us_gate_saved *)(uintptr_t)thread->caller_sp - 1;

	if (!thread->caller || !((const struct gate *)saved->gate)->export->raises)
		return NULL;
	return saved;
}

/* -- making gates ------------------------------------------------------------------------------------------------- */

/* mov r11, gate; mov r10, us_gate_call; jmp r10 */
static void write_code(uint8_t *at, const struct gate *gate)
{
	static const uint8_t begin[] = {0xf3, 0x0f, 0x1e, 0xfa, 0x49, 0xbb}, middle[] = {0x49, 0xba},
			     end[] = {0x41, 0xff, 0xe2};
	void (*target)(void) = gate->export->raises ? us_gate_call_raising : us_gate_call;

	memcpy(at, begin, sizeof(begin));
	memcpy(at + 6, &gate, 8);
	memcpy(at + 14, middle, sizeof(middle));
	memcpy(at + 16, &target, 8);
	memcpy(at + 24, end, sizeof(end));
}

void *us_nt_gate(const struct us_export *export)
{
	/* Open addressing by the export's address; gates are never taken back. */
	unsigned i = (unsigned)((uintptr_t) export / sizeof(*export)) % GATES;

	if (!export)
		return NULL;
	if (export->data)
		return export->data;
	if (!code) {
		code = mmap(NULL, GATES * CODE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
		if (code == MAP_FAILED)
			abort();
	}
	while (gates[i].export && gates[i].export != export)
		i = (i + 1) % GATES;
	if (!gates[i].export) {
		if (++ngates == GATES)
			abort();
		gates[i].export = export;
		write_code(code + i * CODE_BYTES, &gates[i]);
	}
	return code + i * CODE_BYTES;
}

/* -- calls of the stage ------------------------------------------------------------------------------------------- */

void us_nt_callback_enter(struct us_callback *callback, const char *name, const void *function)
{
	struct us_thread *thread = us_nt_current();

	*callback = (struct us_callback){
		.name = name,
		.function = function,
		.irql = us_nt_irql(),
		.caller = thread->caller,
		.caller_sp = thread->caller_sp,
		.outer = thread->callback,
		.critical = thread->critical,
		.locks = us_nt_cpu()->locks,
	};
	thread->caller = 0;
	thread->callback = callback;
	us_nt_remember("callback", name, "", 0, 0, 0);
	us_nt_trace("callback  %s", name);
	us_nt_point(CALL_NS);
}

void us_nt_callback_leave(struct us_callback *callback, uint64_t result)
{
	struct us_thread *thread = us_nt_current();

	if (us_nt_cpu()->locks != callback->locks)
		us_nt_bugcheck(0xC4, us_nt_cpu()->locks, callback->locks, (uint64_t)(uintptr_t)callback->function, 0,
			       "callback.spin-lock",
			       "%s was called with %u spin locks held and came back with %u: each "
			       "function gives back what it took",
			       callback->name, callback->locks, us_nt_cpu()->locks);
	if (us_nt_irql() != callback->irql)
		us_nt_bugcheck(
			0xC8, us_nt_irql(), callback->irql, (uint64_t)(uintptr_t)callback->function, 0, "irql.callback",
			"%s was called at IRQL %u and came back at IRQL %u: a lock is still held, or the IRQL was not "
			"restored",
			callback->name, callback->irql, us_nt_irql());
	if (thread->critical != callback->critical)
		us_nt_bugcheck(0xC4, callback->critical, thread->critical, 0, 0, "callback.critical-region",
			       "%s came back with critical regions entered and not left", callback->name);
	thread->caller = callback->caller;
	thread->caller_sp = callback->caller_sp;
	thread->callback = callback->outer;
	us_nt_trace("back from %s = 0x%" PRIx64, callback->name, us_nt_tracing() ? result & UINT32_MAX : 0);
	us_nt_point(CALL_NS);
}
