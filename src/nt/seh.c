/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who handles an exception. First the handlers of the frames are asked, from the innermost on; one that wants it
 * unwinds the frames below its own, whose handlers are called again for that, and goes on in its frame.
 */
#include "nt/seh.h"

#include "nt/module.h"
#include "nt/pe.h"
#include "nt/phys.h"
#include "nt/sched-private.h"
#include "nt/trace.h"

/* seh-context.S counts on that. */
_Static_assert(sizeof(CONTEXT) == 1232 && offsetof(CONTEXT, MxCsr) == 0x34 && offsetof(CONTEXT, EFlags) == 0x44 &&
		       offsetof(CONTEXT, Rax) == 0x78 && offsetof(CONTEXT, Rip) == 0xf8 &&
		       offsetof(CONTEXT, FltSave) == 0x100 && offsetof(CONTEXT, Xmm0) == 0x1a0,
	       "CONTEXT is Windows'");
_Static_assert(sizeof(DISPATCHER_CONTEXT) == 0x50, "DISPATCHER_CONTEXT is Windows'");

/* The frames of the driver on this flow, from the innermost on up. */
struct walk {
	CONTEXT here, next; /* the registers in this frame, and in its caller's */
	struct us_pe_frame frame;
	ULONG scope; /* its handler has done with what comes before */
	bool collided; /* since its handler was at that when it raised an exception itself */
	struct us_callback *callback; /* where the frames come to next in which the stage had called the driver */
	uint64_t nested; /* the frame up to which an exception's handlers were being asked already */
};

static void say_place(char *text, size_t size, uint64_t address)
{
	if (us_nt_module_is_code(address))
		snprintf(text, size, "%s+0x%llx", us_nt_module_image()->name,
			 (unsigned long long)(address - (uintptr_t)us_nt_module_image()->base));
	else
		snprintf(text, size, "no code of the driver's");
}

static void trace_raised(const EXCEPTION_RECORD *record, const CONTEXT *context)
{
	char place[96];

	if (!us_nt_tracing())
		return;
	say_place(place, sizeof(place), context->Rip);
	us_nt_trace("exception 0x%08X is raised in %s", (unsigned)record->ExceptionCode, place);
}

static void trace(const char *what, uint64_t address)
{
	char place[96];

	if (!us_nt_tracing())
		return;
	say_place(place, sizeof(place), address);
	us_nt_trace("exception %s %s", what, place);
}

/* -- the driver's frames ------------------------------------------------------------------------------------------ */

/* What was called is no code: it has no frame but its return address. */
static bool leave_call(CONTEXT *here)
{
	if (!us_nt_is_mapped((const void *)(uintptr_t)here->Rsp, 8))
		return false;
	memcpy(&here->Rip, (const void *)(uintptr_t)here->Rsp, 8);
	here->Rsp += 8;
	return true;
}

/*
 * Where the stage had called a handler: behind it the frames go on with those that it was called for. Asking begins
 * anew there, and unwinding goes on with what is left of the frame.
 */
static bool cross(struct walk *w)
{
	const struct us_dispatch *d = w->callback ? w->callback->dispatch : NULL;

	if (!d)
		return false;
	w->callback = d->callback;
	w->collided = !d->origin;
	w->here = d->origin ? *d->origin : *d->told.ContextRecord;
	w->scope = d->origin ? 0 : d->told.ScopeIndex;
	if (d->origin && d->told.EstablisherFrame > w->nested)
		w->nested = d->told.EstablisherFrame;
	return !d->origin || !d->is_call || leave_call(&w->here);
}

/* Looks at the frame of w->here. False: there are no more, or they are nonsense. */
static bool examine(struct walk *w)
{
	const struct us_thread *thread = us_nt_current();
	uint64_t regs[US_GENERAL], rip;

	w->scope = 0;
	w->collided = false;
	while (!us_nt_module_is_code(w->here.Rip))
		if (!cross(w))
			return false;
	w->next = w->here;
	rip = w->here.Rip;
	memcpy(regs, us_context_general(&w->here), sizeof(regs));
	if (!us_pe_unwind_frame(us_nt_module_image(), &rip, regs, us_context_xmm(&w->next), &w->frame))
		return false;
	w->next.Rip = rip;
	memcpy(us_context_general(&w->next), regs, sizeof(regs));
	return w->next.Rsp > w->here.Rsp && w->frame.establisher % 8 == 0 &&
	       w->frame.establisher - (uint64_t)(uintptr_t)thread->fiber.stack < thread->fiber.size;
}

static void begin(struct walk *w, const CONTEXT *from)
{
	w->here = *from;
	w->callback = us_nt_current()->callback;
	w->nested = 0;
}

/* -- their handlers ----------------------------------------------------------------------------------------------- */

static void fill(struct us_dispatch *d, struct walk *w, uint64_t target_ip)
{
	uint8_t *base = us_nt_module_image()->base;

	d->told = (DISPATCHER_CONTEXT){
		.ControlPc = w->here.Rip,
		.ImageBase = (uintptr_t)base,
		.FunctionEntry = (PRUNTIME_FUNCTION)(void *)(base + w->frame.function),
		.EstablisherFrame = w->frame.establisher,
		.TargetIp = target_ip,
		.ContextRecord = &w->here,
		.HandlerData = base + w->frame.data,
		.ScopeIndex = w->scope,
	};
	d->told.LanguageHandler = (PEXCEPTION_ROUTINE)(uintptr_t)(base + w->frame.handler);
}

void us_seh_settle(struct us_callback *callback)
{
	callback->irql = us_nt_irql();
	callback->locks = us_nt_cpu()->locks;
	callback->critical = us_nt_current()->critical;
}

static int ask(struct us_dispatch *d, EXCEPTION_RECORD *record, CONTEXT *context)
{
	PVOID frame = (PVOID)(uintptr_t)d->told.EstablisherFrame;
	struct us_callback callback;
	int disposition;

	us_nt_callback_enter(&callback, "exception handler", (const void *)(uintptr_t)d->told.LanguageHandler);
	callback.dispatch = d;
	disposition = d->told.LanguageHandler(record, frame, context, &d->told);
	if (!d->origin)
		us_seh_settle(&callback);
	us_nt_callback_leave(&callback, (uint64_t)disposition);
	return disposition;
}

static _Noreturn void bad_disposition(const EXCEPTION_RECORD *record, int disposition)
{
	us_nt_bugcheck(0x1E, (ULONG)STATUS_INVALID_DISPOSITION, (uintptr_t)record->ExceptionAddress, 0, 0,
		       "exception.disposition", "a handler of the exception 0x%08X answers %d, which means nothing",
		       (unsigned)record->ExceptionCode, disposition);
}

static void may_go_on(const EXCEPTION_RECORD *record)
{
	if (record->ExceptionFlags & US_EXCEPTION_NONCONTINUABLE)
		us_nt_bugcheck(0x1E, (ULONG)STATUS_NONCONTINUABLE_EXCEPTION, (uintptr_t)record->ExceptionAddress, 0, 0,
			       "exception.not-continuable",
			       "a filter wants the driver to go on behind the exception 0x%08X "
			       "(EXCEPTION_CONTINUE_EXECUTION), and there is no going on behind that",
			       (unsigned)record->ExceptionCode);
}

/* -- asking ------------------------------------------------------------------------------------------------------- */

bool us_seh_dispatch(EXCEPTION_RECORD *record, CONTEXT *context, bool is_call)
{
	struct us_dispatch d = {.origin = context, .is_call = is_call, .callback = us_nt_current()->callback};
	struct walk w;
	int disposition;

	us_nt_remember("exception", "raised", "xp", (ULONG)record->ExceptionCode, (uintptr_t)record->ExceptionAddress,
		       0);
	trace_raised(record, context);
	begin(&w, context);
	if (!us_nt_module_image() || (is_call && !leave_call(&w.here)))
		return false;
	for (; examine(&w); w.here = w.next) {
		if (!w.frame.for_exceptions)
			continue;
		record->ExceptionFlags &= ~US_EXCEPTION_NESTED_CALL;
		if (w.frame.establisher <= w.nested)
			record->ExceptionFlags |= US_EXCEPTION_NESTED_CALL;
		fill(&d, &w, 0);
		disposition = ask(&d, record, context);
		if (disposition == US_CONTINUE_EXECUTION) {
			may_go_on(record);
			trace("is mended; the driver goes on in", context->Rip);
			return true;
		}
		if (disposition != US_CONTINUE_SEARCH)
			bad_disposition(record, disposition);
	}
	us_nt_trace("exception is not handled");
	return false;
}

/* -- unwinding ---------------------------------------------------------------------------------------------------- */

static _Noreturn void bad_target(uint64_t target, uint64_t ip)
{
	us_nt_bugcheck(
		0x1E, (ULONG)STATUS_INVALID_UNWIND_TARGET, ip, target, 0, "exception.unwind-target",
		"the driver's frames were to be unwound to one that is not among them, or by tables that are nonsense");
}

static void unwind_frame(struct us_dispatch *d, struct walk *w, EXCEPTION_RECORD *record, bool is_target, uint64_t ip)
{
	int disposition;

	record->ExceptionFlags &= ~(US_EXCEPTION_TARGET_UNWIND | US_EXCEPTION_COLLIDED_UNWIND);
	record->ExceptionFlags |=
		(is_target ? US_EXCEPTION_TARGET_UNWIND : 0) | (w->collided ? US_EXCEPTION_COLLIDED_UNWIND : 0);
	fill(d, w, ip);
	d->callback = w->callback;
	disposition = ask(d, record, &w->here);
	if (disposition != US_CONTINUE_SEARCH)
		bad_disposition(record, disposition);
}

/* All that lay below the frame is gone: the calls of handlers as well. */
static _Noreturn void land(struct walk *w, uint64_t ip)
{
	struct us_thread *thread = us_nt_current();

	us_nt_remember("exception", "handled", "p", ip, 0, 0);
	trace("is handled; the driver goes on in", ip);
	thread->callback = w->callback;
	thread->caller = 0;
	w->here.Rip = ip;
	us_seh_resume(&w->here);
}

_Noreturn void us_seh_unwind(uint64_t target, uint64_t ip, EXCEPTION_RECORD *record, uint64_t value)
{
	EXCEPTION_RECORD of_unwind = {.ExceptionCode = STATUS_UNWIND};
	struct us_dispatch d = {.origin = NULL};
	CONTEXT from;
	struct walk w;
	bool is_target;

	if (!us_seh_caller(&from) || !us_nt_module_image())
		bad_target(target, ip);
	if (!record) {
		of_unwind.ExceptionAddress = (PVOID)(uintptr_t)from.Rip;
		record = &of_unwind;
	}
	record->ExceptionFlags |= US_EXCEPTION_UNWINDING;
	begin(&w, &from);
	for (; examine(&w); w.here = w.next) {
		is_target = w.frame.entry && w.frame.establisher == target;
		w.here.Rax = value;
		if (w.frame.for_unwinding)
			unwind_frame(&d, &w, record, is_target, ip);
		if (is_target)
			land(&w, ip);
		if (w.frame.entry && w.frame.establisher > target)
			break;
	}
	bad_target(target, ip);
}

/* -- the call under way ------------------------------------------------------------------------------------------- */

bool us_seh_caller(CONTEXT *context)
{
	const struct us_gate_saved *saved = us_nt_gate_saved();

	if (!saved)
		return false;
	*context = (CONTEXT){
		.ContextFlags = CONTEXT_FULL,
		.MxCsr = __builtin_ia32_stmxcsr(),
		.SegCs = 0x10,
		.SegSs = 0x18,
		.EFlags = 0x202, /* interrupts are enabled */
		.Rbx = saved->rbx,
		.Rsp = us_nt_current()->caller_sp,
		.Rbp = saved->rbp,
		.Rsi = saved->rsi,
		.Rdi = saved->rdi,
		.R12 = saved->r12,
		.R13 = saved->r13,
		.R14 = saved->r14,
		.R15 = saved->r15,
		.Rip = saved->returns_to,
	};
	memcpy(us_context_xmm(context)[6], saved->xmm, sizeof(saved->xmm));
	return true;
}

uint32_t us_seh_unhandled(void)
{
	if (us_nt_cpu()->frames)
		return 0x1E;
	return us_nt_current()->previous_mode == UserMode ? 0x3B : 0x7E;
}
