/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A KMDF driver of the adder with structured exception handling, as clang compiles it for Windows. Each control code is
 * an act, in a function of that name; what runs in it writes a letter into the log. Only calls are sure to be within a
 * __try block for clang, so what faults is in functions that are not inlined. Lines that a report has to name bear the
 * comment "here".
 */
#include <ntddk.h>
#include <wdf.h>

#include "seh.h"

#define NOINLINE __attribute__((noinline))
/*
 * Behind the last call in a __try block with a __finally: clang's table has its return address in the block, and,
 * unless something lies between, in what follows as well.
 */
#define APART __asm__ volatile("nop")
#define STAY __asm__ volatile("") /* keeps a call from being made into a jump */

struct call {
	const struct seh_in *in;
	struct seh_out *out;
	unsigned length;
	ULONG64 base; /* of the image */
};

static void note(struct call *call, char c)
{
	if (call->length + 1 < sizeof(call->out->log))
		call->out->log[call->length++] = c;
}

/* A filter that notes its letter and the exception, and decides as it is told. */
static NOINLINE LONG filter(struct call *call, char c, EXCEPTION_POINTERS *pointers, LONG verdict)
{
	const EXCEPTION_RECORD *record = pointers->ExceptionRecord;

	note(call, c);
	call->out->code = record->ExceptionCode;
	call->out->flags = record->ExceptionFlags;
	call->out->parameters = record->NumberParameters;
	call->out->information[0] = record->ExceptionInformation[0];
	call->out->information[1] = record->ExceptionInformation[1];
	call->out->address = (ULONG64)(ULONG_PTR)record->ExceptionAddress - call->base;
	return verdict;
}

#define GUARDED(statement)                                                                                             \
	__try {                                                                                                        \
		statement;                                                                                             \
		STAY;                                                                                                  \
		note(call, 'n');                                                                                       \
	} __except (filter(call, 'f', _exception_info(), 1)) {                                                         \
		note(call, _exception_code() == (ULONG)call->out->code ? 'h' : '?');                                   \
	}

#define ACT(name) static NOINLINE void name(struct call *call)
#define AT(call) ((volatile UCHAR *)(ULONG_PTR)(call)->in->address)

/* -- what raises -------------------------------------------------------------------------------------------------- */

static NOINLINE UCHAR load(volatile UCHAR *at)
{
	return *at; /* here: load */
}

static NOINLINE void store(volatile UCHAR *at)
{
	*at = 7;
}

/* By the system's memcpy(), whatever the compiler thinks of the copy's use. */
static NOINLINE void copy(PVOID to, ULONG64 from, ULONG64 size)
{
	memcpy(to, (PVOID)(ULONG_PTR)from, size);
	__asm__ volatile("" : : "r"(to) : "memory");
}

static NOINLINE ULONG divide(ULONG high, ULONG by)
{
	ULONG quotient, rest;

	__asm__ volatile("divl %4" : "=a"(quotient), "=d"(rest) : "a"(1), "d"(high), "r"(by));
	return quotient + rest;
}

static NOINLINE void int3(void)
{
	__asm__ volatile("int3");
}

static NOINLINE void ud2(void)
{
	__asm__ volatile("ud2");
}

static NOINLINE void int2c(void)
{
	__asm__ volatile("int $0x2c");
}

static NOINLINE void jump(ULONG64 to)
{
	((void (*)(void))(ULONG_PTR)to)();
	STAY;
}

static NOINLINE void raise(NTSTATUS status)
{
	ExRaiseStatus(status); /* here: raise */
	STAY;
}

ACT(read_byte)
{
	GUARDED(load(AT(call)));
}

ACT(write_byte)
{
	GUARDED(store(AT(call)));
}

ACT(copy_from)
{
	UCHAR here[64];

	GUARDED(copy(here, call->in->address, call->in->size));
}

ACT(copy_to)
{
	static const UCHAR zeroes[64];

	GUARDED(copy((PVOID)(ULONG_PTR)call->in->address, (ULONG64)(ULONG_PTR)zeroes, call->in->size));
}

static NOINLINE void measure(struct call *call)
{
	note(call, strlen((const char *)(ULONG_PTR)call->in->address) == 3 ? '3' : '?');
}

ACT(string_from)
{
	GUARDED(measure(call));
}

/* Each look at the application's buffer is followed by calls, in which others may run. */
static NOINLINE void read_on(struct call *call)
{
	for (;;) {
		load(AT(call));
		KeStallExecutionProcessor(1);
	}
}

ACT(read_until_gone)
{
	GUARDED(read_on(call));
}

ACT(probe_read)
{
	GUARDED(ProbeForRead((PVOID)(ULONG_PTR)call->in->address, call->in->size, (ULONG)call->in->alignment));
}

ACT(probe_write)
{
	GUARDED(ProbeForWrite((PVOID)(ULONG_PTR)call->in->address, call->in->size, (ULONG)call->in->alignment));
}

ACT(lock_pages)
{
	PMDL mdl = IoAllocateMdl((PVOID)(ULONG_PTR)call->in->address, (ULONG)call->in->size, FALSE, FALSE, NULL);
	volatile BOOLEAN locked = FALSE;

	if (!mdl)
		return;
	GUARDED(MmProbeAndLockPages(mdl, UserMode, IoWriteAccess); locked = TRUE);
	if (locked)
		MmUnlockPages(mdl);
	IoFreeMdl(mdl);
}

static NOINLINE void allocate(void)
{
	ExFreePoolWithTag(ExAllocatePoolWithQuotaTag(NonPagedPoolNx, 100, 'tseT'), 'tseT');
	STAY;
}

ACT(no_pool)
{
	GUARDED(allocate());
}

ACT(raise_status)
{
	GUARDED(raise(STATUS_DEVICE_BUSY));
}

ACT(divide_by_zero)
{
	GUARDED(divide(0, 0));
}

ACT(divide_too_much)
{
	GUARDED(divide(5, 2));
}

ACT(break_here)
{
	GUARDED(int3());
}

ACT(call_break)
{
	GUARDED(DbgBreakPoint());
}

ACT(illegal)
{
	GUARDED(ud2());
}

ACT(assert_here)
{
	GUARDED(int2c());
}

ACT(no_address)
{
	GUARDED(load((PUCHAR)(ULONG_PTR)0xdeadbeefdeadbeef));
}

ACT(jump_to_nothing)
{
	GUARDED(jump(0x1230));
}

ACT(release_unowned)
{
	static KMUTEX mutex;

	KeInitializeMutex(&mutex, 0);
	GUARDED(KeReleaseMutex(&mutex, FALSE));
}

/* -- who handles it ----------------------------------------------------------------------------------------------- */

static NOINLINE LONG by_code(ULONG code, ULONG wanted)
{
	return code == wanted;
}

ACT(filter_by_code)
{
	__try {
		__try {
			raise(STATUS_DEVICE_BUSY);
		} __except (by_code(_exception_code(), (ULONG)STATUS_ACCESS_VIOLATION)) {
			note(call, 'a');
		}
		note(call, 'n');
	} __except (by_code(_exception_code(), (ULONG)STATUS_DEVICE_BUSY)) {
		note(call, 'b');
	}
	__try {
		raise(STATUS_DEVICE_BUSY);
	} __except (1) {
		note(call, 'c');
	}
	note(call, 'd');
}

static NOINLINE void inner(struct call *call)
{
	__try {
		__try {
			raise(STATUS_DEVICE_BUSY);
		} __except (filter(call, '1', _exception_info(), 0)) {
			note(call, 'a');
		}
	} __except (filter(call, '2', _exception_info(), 0)) {
		note(call, 'b');
	}
	note(call, 'n');
}

ACT(search_on)
{
	__try {
		__try {
			inner(call);
		} __except (filter(call, '3', _exception_info(), 0)) {
			note(call, 'c');
		}
	} __except (filter(call, '4', _exception_info(), 1)) {
		note(call, 'd');
	}
	note(call, 'e');
}

static NOINLINE void with_finally(struct call *call, char c, void (*then)(struct call *call))
{
	__try {
		then(call);
		APART;
	} __finally {
		note(call, _abnormal_termination() ? c : '!');
	}
	note(call, 'n');
}

static void raise_busy(struct call *call)
{
	__try {
		__try {
			raise(STATUS_DEVICE_BUSY);
			APART;
		} __finally {
			note(call, 'a');
		}
	} __finally {
		note(call, 'b');
	}
}

static void second(struct call *call)
{
	with_finally(call, 'c', raise_busy);
	STAY;
}

ACT(finally_order)
{
	__try {
		with_finally(call, 'd', second);
	} __except (filter(call, 'f', _exception_info(), 1)) {
		note(call, 'h');
	}
	note(call, 'e');
}

static void nothing(struct call *call)
{
	note(call, '-');
}

static NOINLINE ULONG returns_within(struct call *call)
{
	__try {
		if (call->in->size == 0)
			return 1;
		note(call, '?');
	} __finally {
		note(call, 'r');
	}
	return 2;
}

ACT(finally_normally)
{
	with_finally(call, '?', nothing);
	note(call, returns_within(call) == 1 ? '1' : '2');
}

/* All in one function: the inner __finally is left, the outer one is not, or only when all is done. */
ACT(finally_around)
{
	__try {
		__try {
			__try {
				raise(STATUS_DEVICE_BUSY);
				APART;
			} __finally {
				note(call, _abnormal_termination() ? 'a' : '?');
			}
		} __except (filter(call, 'f', _exception_info(), 1)) {
			note(call, 'h');
		}
		note(call, 'e');
	} __finally {
		note(call, _abnormal_termination() ? '?' : 'z');
	}
}

/* -- registers ---------------------------------------------------------------------------------------------------- */

enum { DEEP_LOAD, DEEP_RAISE, DEEP_COPY };

#define NONVOLATILE                                                                                                    \
	"rbx", "rsi", "rdi", "r12", "r13", "r14", "r15", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",    \
		"xmm13", "xmm14", "xmm15"

/* Spoils every register that it has to preserve, and never gets to restoring them. */
static NOINLINE void spoil(struct call *call, int how, int depth)
{
	volatile UCHAR room[200]; /* so that not all frames are alike */
	UCHAR here[16];

	room[depth] = 1;
	__asm__ volatile("xorl %%ebx, %%ebx; xorl %%esi, %%esi; xorl %%edi, %%edi; xorl %%r12d, %%r12d;"
			 "xorl %%r13d, %%r13d; xorl %%r14d, %%r14d; xorl %%r15d, %%r15d;"
			 "pxor %%xmm6, %%xmm6; pxor %%xmm7, %%xmm7; pxor %%xmm8, %%xmm8; pxor %%xmm9, %%xmm9;"
			 "pxor %%xmm10, %%xmm10; pxor %%xmm11, %%xmm11; pxor %%xmm12, %%xmm12; pxor %%xmm13, %%xmm13;"
			 "pxor %%xmm14, %%xmm14; pxor %%xmm15, %%xmm15"
			 :
			 :
			 : NONVOLATILE);
	if (depth)
		spoil(call, how, depth - 1);
	else if (how == DEEP_LOAD)
		load(AT(call));
	else if (how == DEEP_RAISE)
		raise(STATUS_DEVICE_BUSY);
	else
		copy(here, call->in->address, sizeof(here));
	note(call, (char)(room[depth] + here[depth % 16]));
}

NOINLINE void seh_guarded(struct call *call, int how)
{
	__try {
		spoil(call, how, 5);
	} __except (filter(call, 'f', _exception_info(), 1)) {
		note(call, 'h');
	}
}

/*
 * seh_registers(call, how, values): sets the registers that a function preserves, rbp among them, calls seh_guarded(),
 * and stores what they are then.
 */
void seh_registers(struct call *call, int how, ULONG64 values[8 + 20]);
__asm__(".text\n"
	".globl	seh_registers\n"
	".def	seh_registers; .scl 2; .type 32; .endef\n"
	".seh_proc seh_registers\n"
	"seh_registers:\n"
	".irp r, rbx, rsi, rdi, rbp, r12, r13, r14, r15\n"
	"	push	%\\r\n"
	"	.seh_pushreg %\\r\n"
	".endr\n"
	"	sub	$0xd8, %rsp\n"
	"	.seh_stackalloc 0xd8\n"
	".irp n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
	"	movaps	%xmm\\n, (0x30 + 16 * (\\n - 6))(%rsp)\n"
	"	.seh_savexmm %xmm\\n, 0x30 + 16 * (\\n - 6)\n"
	".endr\n"
	"	.seh_endprologue\n"
	"	mov	%r8, 0x20(%rsp)\n"
	".set	i, 0\n"
	".irp r, rbx, rsi, rdi, rbp, r12, r13, r14, r15\n"
	"	mov	(8 * i)(%r8), %\\r\n"
	"	.set	i, i + 1\n"
	".endr\n"
	".irp n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
	"	movups	(64 + 16 * (\\n - 6))(%r8), %xmm\\n\n"
	".endr\n"
	"	call	seh_guarded\n"
	"	mov	0x20(%rsp), %r8\n"
	".set	i, 0\n"
	".irp r, rbx, rsi, rdi, rbp, r12, r13, r14, r15\n"
	"	mov	%\\r, (8 * i)(%r8)\n"
	"	.set	i, i + 1\n"
	".endr\n"
	".irp n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
	"	movups	%xmm\\n, (64 + 16 * (\\n - 6))(%r8)\n"
	"	movaps	(0x30 + 16 * (\\n - 6))(%rsp), %xmm\\n\n"
	".endr\n"
	"	add	$0xd8, %rsp\n"
	".irp r, r15, r14, r13, r12, rbp, rdi, rsi, rbx\n"
	"	pop	%\\r\n"
	".endr\n"
	"	ret\n"
	".seh_endproc\n");

static NOINLINE void go_deep(struct call *call, int how)
{
	ULONG64 values[8 + 20];

	for (unsigned i = 0; i < 28; i++)
		values[i] = 0x1111111111111111 * (i % 15 + 1) + i;
	seh_registers(call, how, values);
	for (unsigned i = 0; i < 28; i++)
		note(call, values[i] == 0x1111111111111111 * (i % 15 + 1) + i ? '=' : '#');
}

ACT(deep)
{
	go_deep(call, DEEP_LOAD);
}

ACT(deep_through_gate)
{
	go_deep(call, DEEP_RAISE);
}

ACT(deep_in_call)
{
	go_deep(call, DEEP_COPY);
}

/* -- going on ----------------------------------------------------------------------------------------------------- */

static const UCHAR good[16] __attribute__((aligned(16))) = {42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static NOINLINE ULONG load_by_rcx(ULONG64 address)
{
	ULONG value;

	__asm__ volatile("movzbl (%1), %0" : "=a"(value) : "c"(address));
	return value;
}

static NOINLINE LONG mend(struct call *call, EXCEPTION_POINTERS *pointers)
{
	pointers->ContextRecord->Rcx = (ULONG64)(ULONG_PTR)good;
	return filter(call, 'm', pointers, -1);
}

ACT(go_on)
{
	__try {
		note(call, load_by_rcx(call->in->address) == 42 ? 'y' : 'n');
	} __except (mend(call, _exception_info())) {
		note(call, 'h');
	}
}

/* The address is mended, and a vector register is changed with it. */
static NOINLINE ULONG64 load_with_vector(ULONG64 address)
{
	ULONG64 value;

	__asm__ volatile("pxor %%xmm9, %%xmm9; movzbl (%1), %%eax; movq %%xmm9, %0"
			 : "=a"(value)
			 : "c"(address)
			 : "xmm9");
	return value;
}

static NOINLINE LONG mend_vector(struct call *call, EXCEPTION_POINTERS *pointers)
{
	pointers->ContextRecord->Xmm9.Low = 0x1234567;
	return mend(call, pointers);
}

ACT(go_on_with_vector)
{
	__try {
		note(call, load_with_vector(call->in->address) == 0x1234567 ? 'y' : 'n');
	} __except (mend_vector(call, _exception_info())) {
		note(call, 'h');
	}
}

NTSYSAPI VOID NTAPI RtlRaiseException(PEXCEPTION_RECORD record);

static NOINLINE void raise_mendable(struct call *call)
{
	EXCEPTION_RECORD record = {.ExceptionCode = 0x20001234, .NumberParameters = 2, .ExceptionInformation = {5, 6}};

	RtlRaiseException(&record);
	note(call, 'y');
}

ACT(go_on_behind_raise)
{
	__try {
		raise_mendable(call);
	} __except (filter(call, 'm', _exception_info(), -1)) {
		note(call, 'h');
	}
}

ACT(go_on_behind_status)
{
	__try {
		raise(STATUS_DEVICE_BUSY);
	} __except (filter(call, 'm', _exception_info(), -1)) {
		note(call, 'h');
	}
}

/* -- exceptions in what handles exceptions ------------------------------------------------------------------------ */

static NOINLINE LONG filter_that_raises(struct call *call, LONG verdict)
{
	note(call, '1');
	__try {
		raise(STATUS_DEVICE_NOT_READY);
	} __except (filter(call, '2', _exception_info(), 1)) {
		note(call, '3');
	}
	return verdict;
}

ACT(raise_in_filter)
{
	__try {
		raise(STATUS_DEVICE_BUSY);
	} __except (filter_that_raises(call, 1)) {
		note(call, _exception_code() == (ULONG)STATUS_DEVICE_BUSY ? 'h' : '?');
	}
}

static NOINLINE LONG filter_of_one(struct call *call, ULONG code)
{
	note(call, '1');
	if (code == (ULONG)STATUS_DEVICE_BUSY)
		raise(STATUS_DEVICE_NOT_READY);
	return 0;
}

/* What the filter raises finds the frames of what it was called for: the same filter, then the next. */
ACT(raise_in_filter_unhandled_there)
{
	__try {
		__try {
			raise(STATUS_DEVICE_BUSY);
		} __except (filter_of_one(call, _exception_code())) {
			note(call, 'a');
		}
	} __except (filter(call, '2', _exception_info(), by_code(_exception_code(), (ULONG)STATUS_DEVICE_NOT_READY))) {
		note(call, 'h');
	}
}

static NOINLINE void finally_raises(struct call *call)
{
	__try {
		__try {
			raise(STATUS_DEVICE_BUSY);
			APART;
		} __finally {
			note(call, '1');
			raise(STATUS_DEVICE_NOT_READY);
			note(call, '?');
		}
	} __finally {
		note(call, '2'); /* is what is left of this frame */
	}
}

ACT(raise_in_finally)
{
	__try {
		__try {
			finally_raises(call);
		} __except (filter(call, 'f', _exception_info(),
				   by_code(_exception_code(), (ULONG)STATUS_DEVICE_BUSY))) {
			note(call, 'b');
		}
	} __except (filter(call, 'g', _exception_info(), 1)) {
		note(call, _exception_code() == (ULONG)STATUS_DEVICE_NOT_READY ? 'h' : '?');
	}
}

ACT(raise_in_handler)
{
	__try {
		__try {
			raise(STATUS_DEVICE_BUSY);
		} __except (1) {
			note(call, '1');
			raise(STATUS_DEVICE_NOT_READY);
		}
	} __except (filter(call, 'f', _exception_info(), 1)) {
		note(call, 'h');
	}
}

/* -- IRQL and locks ----------------------------------------------------------------------------------------------- */

static KSPIN_LOCK lock;

static NOINLINE void divide_under_lock(struct call *call)
{
	KIRQL irql;

	KeAcquireSpinLock(&lock, &irql);
	__try {
		divide(0, 0);
		STAY;
	} __finally {
		note(call, KeGetCurrentIrql() == DISPATCH_LEVEL ? 'l' : '?');
		KeReleaseSpinLock(&lock, irql);
	}
}

ACT(lock_in_finally)
{
	GUARDED(divide_under_lock(call));
	note(call, KeGetCurrentIrql() == PASSIVE_LEVEL ? 'p' : '?');
}

ACT(divide_at_dispatch)
{
	KIRQL old;

	KeRaiseIrql(DISPATCH_LEVEL, &old);
	GUARDED(divide(0, 0));
	note(call, KeGetCurrentIrql() == DISPATCH_LEVEL ? 'd' : '?');
	KeLowerIrql(old);
}

/* -- frames ------------------------------------------------------------------------------------------------------- */

typedef struct {
	ULONG begin, end, unwind;
} FUNCTION;

NTSYSAPI VOID NTAPI RtlCaptureContext(PCONTEXT context);
NTSYSAPI FUNCTION *NTAPI RtlLookupFunctionEntry(ULONG64 pc, ULONG64 *base, PVOID history);
NTSYSAPI PEXCEPTION_ROUTINE NTAPI RtlVirtualUnwind(ULONG type, ULONG64 base, ULONG64 pc, FUNCTION *function,
						   PCONTEXT context, PVOID *data, ULONG64 *frame, PVOID pointers);

static NOINLINE void walk(struct call *call)
{
	CONTEXT context;
	ULONG64 base, frame, before = 0;
	FUNCTION *function;
	PVOID data;

	RtlCaptureContext(&context);
	note(call, (PVOID)(ULONG_PTR)context.Rsp < (PVOID)&call && context.ContextFlags & CONTEXT_CONTROL ? 'c' : '?');
	while ((function = RtlLookupFunctionEntry(context.Rip, &base, NULL))) {
		RtlVirtualUnwind(0, base, context.Rip, function, &context, &data, &frame, NULL);
		note(call, frame > before && base == call->base ? 'w' : '?');
		before = frame;
	}
}

ACT(walk_frames)
{
	walk(call);
	STAY;
}

NTSYSAPI VOID NTAPI RtlUnwind(PVOID frame, PVOID ip, PEXCEPTION_RECORD record, PVOID value);

/* Returns from its caller, too: to where that was called, with the number 0x55. */
static NOINLINE void return_from_caller(void)
{
	CONTEXT context;
	ULONG64 base, frame = 0, ip = 0;
	FUNCTION *function;
	PVOID data;

	RtlCaptureContext(&context);
	for (unsigned i = 0; i < 3; i++) {
		ip = context.Rip;
		function = RtlLookupFunctionEntry(ip, &base, NULL);
		RtlVirtualUnwind(0, base, ip, function, &context, &data, &frame, NULL);
	}
	RtlUnwind((PVOID)(ULONG_PTR)frame, (PVOID)(ULONG_PTR)ip, NULL, (PVOID)(ULONG_PTR)0x55);
}

static NOINLINE ULONG64 leave(struct call *call)
{
	volatile ULONG64 result = 1; /* as far as the compiler may know */

	__try {
		return_from_caller();
		APART;
	} __finally {
		note(call, _abnormal_termination() ? 'f' : '?');
	}
	return result;
}

/* The blocks that go on are not left by it: their __finally blocks run when they end. */
ACT(unwind_by_hand)
{
	__try {
		__try {
			note(call, leave(call) == 0x55 ? 'y' : 'n');
			APART;
		} __finally {
			note(call, _abnormal_termination() ? '?' : 'a');
		}
	} __finally {
		note(call, _abnormal_termination() ? '?' : 'z');
	}
}

/* As often as a driver may in its life: the stack does not grow by it. */
ACT(many)
{
	unsigned handled = 0;

	for (unsigned i = 0; i < 3000; i++) {
		__try {
			raise(STATUS_DEVICE_BUSY);
		} __except (1) {
			handled++;
		}
	}
	note(call, handled == 3000 ? 'y' : 'n');
}

/* In a function that the stage calls from within a call of the driver's, and that handles it itself. */
static VOID NTAPI cleanup_handles(WDFOBJECT object)
{
	UNREFERENCED_PARAMETER(object);
	__try {
		raise(STATUS_DEVICE_BUSY);
	} __except (1) {
		STAY;
	}
}

static VOID NTAPI cleanup_raises(WDFOBJECT object)
{
	UNREFERENCED_PARAMETER(object);
	raise(STATUS_DEVICE_BUSY);
	STAY;
}

static NOINLINE void delete_object(PFN_WDF_OBJECT_CONTEXT_CLEANUP cleanup)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	WDFOBJECT object;

	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.EvtCleanupCallback = cleanup;
	if (NT_SUCCESS(WdfObjectCreate(&attributes, &object)))
		WdfObjectDelete(object);
	STAY;
}

ACT(in_callback)
{
	GUARDED(delete_object(cleanup_handles));
}

/* -- what ends the run -------------------------------------------------------------------------------------------- */

ACT(not_handled)
{
	__try {
		load(AT(call)); /* here: not_handled */
	} __except (filter(call, 'f', _exception_info(), 0)) {
		note(call, 'h');
	}
}

ACT(not_handled_in_gate)
{
	raise(STATUS_DEVICE_BUSY); /* here: not_handled_in_gate */
	note(call, 'n');
}

static KDPC dpc;

static VOID NTAPI routine(PKDPC which, PVOID context, PVOID argument1, PVOID argument2)
{
	UNREFERENCED_PARAMETER(which);
	UNREFERENCED_PARAMETER(context);
	UNREFERENCED_PARAMETER(argument1);
	UNREFERENCED_PARAMETER(argument2);
	divide(0, 0); /* here: not_handled_in_dpc */
	STAY;
}

ACT(not_handled_in_dpc)
{
	KeInitializeDpc(&dpc, routine, NULL);
	GUARDED(KeInsertQueueDpc(&dpc, NULL, NULL));
	KeFlushQueuedDpcs();
}

static NOINLINE LONG filter_that_crashes(void)
{
	ExFreePoolWithTag((PVOID)(ULONG_PTR)0x2000, 'tseT'); /* here: crash_in_filter */
	STAY;
	return 1;
}

ACT(crash_in_filter)
{
	__try {
		raise(STATUS_DEVICE_BUSY);
	} __except (filter_that_crashes()) {
		note(call, 'h');
	}
}

ACT(out_of_callback)
{
	GUARDED(delete_object(cleanup_raises));
}

ACT(system_address)
{
	PUCHAR piece = ExAllocatePoolWithTag(NonPagedPoolNx, 8192, 'tseT');

	GUARDED(load(piece + 8192));
	ExFreePoolWithTag(piece, 'tseT');
}

ACT(system_address_in_call)
{
	PUCHAR piece = ExAllocatePoolWithTag(NonPagedPoolNx, 8192, 'tseT');

	GUARDED(memset(piece, 0, 8193));
	ExFreePoolWithTag(piece, 'tseT');
}

ACT(page_fault_at_dispatch)
{
	KIRQL old;

	KeRaiseIrql(DISPATCH_LEVEL, &old);
	GUARDED(load(AT(call)));
	KeLowerIrql(old);
}

ACT(copy_at_dispatch)
{
	UCHAR here[16];
	KIRQL old;

	KeRaiseIrql(DISPATCH_LEVEL, &old);
	GUARDED(copy(here, call->in->address, sizeof(here)));
	KeLowerIrql(old);
}

/* -- the driver --------------------------------------------------------------------------------------------------- */

extern const UCHAR __ImageBase[];

static VOID NTAPI control(WDFQUEUE queue, WDFREQUEST request, size_t out, size_t in, ULONG code)
{
#define ACT_FUNCTION(name) name,
	static void (*const acts[])(struct call * call) = {SEH_ACTS(ACT_FUNCTION)};
	ULONG number = (code >> 2 & 0xfff) - 0x800;
	struct seh_in wish;
	struct seh_out result = {0};
	struct call call = {&wish, &result, 0, (ULONG64)(ULONG_PTR)__ImageBase};
	PVOID buffer;

	UNREFERENCED_PARAMETER(queue);
	UNREFERENCED_PARAMETER(out);
	UNREFERENCED_PARAMETER(in);
	if (number >= SEH_COUNT || !NT_SUCCESS(WdfRequestRetrieveInputBuffer(request, sizeof(wish), &buffer, NULL))) {
		WdfRequestComplete(request, STATUS_INVALID_PARAMETER);
		return;
	}
	wish = *(const struct seh_in *)buffer;
	acts[number](&call);
	if (!NT_SUCCESS(WdfRequestRetrieveOutputBuffer(request, sizeof(result), &buffer, NULL))) {
		WdfRequestComplete(request, STATUS_BUFFER_TOO_SMALL);
		return;
	}
	*(struct seh_out *)buffer = result;
	WdfRequestCompleteWithInformation(request, STATUS_SUCCESS, sizeof(result));
}

static NTSTATUS NTAPI device_add(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
	static const GUID guid = {0x2d1f2c0b, 0x3333, 0x4a5b, {1, 2, 3, 4, 5, 6, 7, 8}};
	WDF_IO_QUEUE_CONFIG queue;
	NTSTATUS status;
	WDFDEVICE device;

	UNREFERENCED_PARAMETER(driver);
	status = WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &device);
	if (!NT_SUCCESS(status))
		return status;
	KeInitializeSpinLock(&lock);
	WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, WdfIoQueueDispatchParallel);
	queue.EvtIoDeviceControl = control;
	status = WdfIoQueueCreate(device, &queue, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
	return NT_SUCCESS(status) ? WdfDeviceCreateDeviceInterface(device, &guid, NULL) : status;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
	WDF_DRIVER_CONFIG config;

	WDF_DRIVER_CONFIG_INIT(&config, device_add);
	return WdfDriverCreate(driver, path, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
