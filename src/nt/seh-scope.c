/* SPDX-License-Identifier: Apache-2.0 */
/*
 * __C_specific_handler: the handler of functions in C with __try, which finds the code of their filters, __except and
 * __finally blocks in a table behind the function's unwind information. Source: Microsoft, "Structured Exception
 * Handling" and "x64 exception handling" (language-specific handler).
 */
#include "nt/seh.h"

#include "nt/module.h"
#include "nt/pe.h"
#include "nt/phys.h"
#include "nt/sched.h"

/* A __try block: code from begin up to end, RVAs as the rest. */
struct scope {
	uint32_t begin, end;
	uint32_t handler; /* its filter, or ALWAYS; or its __finally block */
	uint32_t target; /* its __except block; 0: it is a __finally block's */
};
#define ALWAYS 1

struct table {
	uint32_t count;
	struct scope scopes[];
};

typedef LONG(NTAPI *filter_fn)(EXCEPTION_POINTERS *pointers, PVOID frame);
typedef void(NTAPI *finally_fn)(BOOLEAN abnormal, PVOID frame);

/* The table, which has to lie in the driver with all that it counts. */
static const struct table *table_of(const DISPATCHER_CONTEXT *dispatcher)
{
	const struct us_image *image = us_nt_module_image();
	const struct table *table = dispatcher->HandlerData;
	const uint64_t offset = (uintptr_t)table - (uintptr_t)image->base;

	if (offset % 4 == 0 && offset < image->size && image->size - offset >= sizeof(*table) &&
	    us_nt_is_mapped(table, sizeof(*table)) &&
	    table->count <= (image->size - offset - sizeof(*table)) / sizeof(struct scope) &&
	    us_nt_is_mapped(table, sizeof(*table) + table->count * sizeof(struct scope)))
		return table;
	us_nt_bugcheck(0x1E, (ULONG)STATUS_BAD_FUNCTION_TABLE, dispatcher->ControlPc, 0, 0, "exception.table",
		       "the driver's table of __try blocks for the code at 0x%llx is nonsense",
		       (unsigned long long)dispatcher->ControlPc);
}

static bool holds(const struct scope *scope, uint64_t rva)
{
	return rva >= scope->begin && rva < scope->end;
}

/* The exception that thread's driver is called for: the one of the handler that calls here. */
static struct us_dispatch *dispatch_of(void *dispatcher)
{
	const struct us_callback *callback = us_nt_current()->callback;

	if (!callback || !callback->dispatch || dispatcher != &callback->dispatch->told)
		us_nt_unsupported("the driver calls __C_specific_handler with a dispatcher context of its own making");
	return CONTAINING_RECORD(dispatcher, struct us_dispatch, told);
}

/* -- asking ------------------------------------------------------------------------------------------------------- */

static LONG ask_filter(struct us_dispatch *d, const struct scope *scope, EXCEPTION_POINTERS *pointers, PVOID frame)
{
	filter_fn filter = (filter_fn)(uintptr_t)(d->told.ImageBase + scope->handler);
	struct us_callback callback;
	LONG verdict;

	us_nt_callback_enter(&callback, "exception filter", (const void *)(uintptr_t)filter);
	callback.dispatch = d;
	verdict = filter(pointers, frame);
	us_nt_callback_leave(&callback, (uint32_t)verdict);
	return verdict;
}

static int ask(struct us_dispatch *d, const struct table *table, EXCEPTION_RECORD *record, PVOID frame,
	       CONTEXT *context)
{
	const uint64_t rva = d->told.ControlPc - d->told.ImageBase;
	EXCEPTION_POINTERS pointers = {record, context};

	for (ULONG i = d->told.ScopeIndex; i < table->count; i++) {
		const struct scope *scope = &table->scopes[i];
		LONG verdict = 1;

		if (!holds(scope, rva) || !scope->target)
			continue;
		if (scope->handler != ALWAYS)
			verdict = ask_filter(d, scope, &pointers, frame);
		if (verdict < 0)
			return US_CONTINUE_EXECUTION;
		if (verdict > 0)
			us_seh_unwind((uintptr_t)frame, d->told.ImageBase + scope->target, record,
				      (ULONG)record->ExceptionCode);
	}
	return US_CONTINUE_SEARCH;
}

/* -- unwinding ---------------------------------------------------------------------------------------------------- */

static void finish(struct us_dispatch *d, const struct scope *scope, PVOID frame)
{
	finally_fn finally = (finally_fn)(uintptr_t)(d->told.ImageBase + scope->handler);
	struct us_callback callback;

	us_nt_callback_enter(&callback, "termination handler", (const void *)(uintptr_t)finally);
	callback.dispatch = d;
	finally(TRUE, frame);
	us_seh_settle(&callback);
	us_nt_callback_leave(&callback, 0);
}

/* The unwinding ends in this frame, within this __try block: it is not left. */
static bool stays(const struct table *table, const struct scope *scope, uint64_t target)
{
	for (ULONG i = 0; i < table->count; i++)
		if (holds(&table->scopes[i], target) && table->scopes[i].handler == scope->handler &&
		    table->scopes[i].target == scope->target)
			return true;
	return false;
}

static void unwind(struct us_dispatch *d, const struct table *table, const EXCEPTION_RECORD *record, PVOID frame)
{
	const uint64_t rva = d->told.ControlPc - d->told.ImageBase, target = d->told.TargetIp - d->told.ImageBase;
	const bool is_target = record->ExceptionFlags & US_EXCEPTION_TARGET_UNWIND;

	while (d->told.ScopeIndex < table->count) {
		const struct scope *scope = &table->scopes[d->told.ScopeIndex++];

		if (!holds(scope, rva))
			continue;
		if (is_target && (stays(table, scope, target) || (scope->target && scope->target == target)))
			return;
		if (!scope->target)
			finish(d, scope, frame);
	}
}

int NTAPI us_seh_c_handler(EXCEPTION_RECORD *record, PVOID frame, CONTEXT *context, PVOID dispatcher)
{
	struct us_dispatch *d = dispatch_of(dispatcher);
	const struct table *table = table_of(&d->told);

	if (!(record->ExceptionFlags & (US_EXCEPTION_UNWINDING | US_EXCEPTION_EXIT_UNWIND)))
		return ask(d, table, record, frame, context);
	unwind(d, table, record, frame);
	return US_CONTINUE_SEARCH;
}
