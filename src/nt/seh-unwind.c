/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a driver may ask about code and frames: RtlLookupFunctionEntry and its kin. They know the driver's image; the
 * system's own code has no tables, and no frame that a driver could unwind to. Source: Microsoft, the pages of these
 * functions.
 */
#include "nt/seh.h"

#include "nt/module.h"
#include "nt/pe.h"

#define FOR_EXCEPTIONS 1 /* UNW_FLAG_EHANDLER */
#define FOR_UNWINDING 2 /* UNW_FLAG_UHANDLER */

static NTAPI PRUNTIME_FUNCTION lookup(ULONG64 pc, ULONG64 *base, PVOID history)
{
	const struct us_image *image = us_nt_module_image();
	uint32_t entry;

	(void)history;
	*base = 0;
	if (!us_nt_module_is_code(pc))
		return NULL;
	*base = (uintptr_t)image->base;
	entry = us_pe_function(image, (uint32_t)(pc - *base));
	return entry ? (PRUNTIME_FUNCTION)(void *)(image->base + entry) : NULL;
}

static NTAPI PEXCEPTION_ROUTINE virtual_unwind(ULONG type, ULONG64 base, ULONG64 pc, PRUNTIME_FUNCTION function,
					       CONTEXT *context, PVOID *data, ULONG64 *establisher, PVOID pointers)
{
	const struct us_image *image = us_nt_module_image();
	struct us_pe_frame frame;
	uint64_t rip = pc, regs[US_GENERAL];

	if (pointers)
		us_nt_unsupported("RtlVirtualUnwind was called for where registers were saved (ContextPointers)");
	if (!us_nt_module_is_code(pc) || base != (uintptr_t)image->base || !function)
		us_nt_unsupported("RtlVirtualUnwind was called for code that is not the driver's: 0x%llx", pc);
	memcpy(regs, us_context_general(context), sizeof(regs));
	if (!us_pe_unwind_frame(image, &rip, regs, us_context_xmm(context), &frame))
		rip = 0; /* as of the outermost frame */
	memcpy(us_context_general(context), regs, sizeof(regs));
	context->Rip = rip;
	*establisher = frame.establisher;
	*data = NULL;
	if (!(type & FOR_EXCEPTIONS && frame.for_exceptions) && !(type & FOR_UNWINDING && frame.for_unwinding))
		return NULL;
	*data = image->base + frame.data;
	return (PEXCEPTION_ROUTINE)(uintptr_t)(image->base + frame.handler);
}

static NTAPI PVOID file_header(PVOID pc, PVOID *base)
{
	*base = us_nt_module_is_code((uintptr_t)pc) ? us_nt_module_image()->base : NULL;
	return *base;
}

const struct us_export us_nt_seh_unwind_exports[] = {
	US_EXPORT_AS("RtlLookupFunctionEntry", lookup, HIGH_LEVEL, "p:ppp"),
	US_EXPORT_AS("RtlVirtualUnwind", virtual_unwind, HIGH_LEVEL, "p:upppppp"),
	US_EXPORT_AS("RtlPcToFileHeader", file_header, HIGH_LEVEL, "p:pp"),
	US_EXPORT_DATA("RtlCaptureContext", (void *)(uintptr_t)us_seh_capture),
	US_EXPORT_END,
};
