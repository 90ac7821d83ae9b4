/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows' kernel types and functions, for native code: mingw-w64's DDK headers, as a Cygwin-like (LP64) system sees them,
 * and our KMDF headers on top. Every file of the stage that speaks to a driver begins with this include; what it exports
 * under Windows' names it declares by it, so that the compiler compares definition and declaration.
 *
 * NTAPI is Windows' x64 calling convention here: a function or callback of that type can be called by the driver, and
 * the driver's by us. Names that Windows shares with the C library (memcpy, …) are exported under other names (rtl.h).
 * Never call what these headers define inline for the hardware's own sake (KeGetCurrentIrql, KeRaiseIrql, …): that is
 * for drivers, and traps here. Compile with -fshort-wchar: L"…" is a string of WCHAR.
 */
#ifndef UNDERSTUDY_NT_NTDEFS_H
#define UNDERSTUDY_NT_NTDEFS_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define __CYGWIN__ 1
#define _WIN32 1
#define _WIN64 1
#define WIN32 1
#define _WIN32_WINNT 0x0A00
#define WINVER 0x0A00
#define __int64 long long
#define __int32 int
#define __int16 short
#define __int8 char
#define __declspec(x) __attribute__((x))
#define dllimport
#define dllexport
#define selectany weak
#define __cdecl
#define __stdcall
#include <_mingw.h>
#undef __stdcall
#define __stdcall __attribute__((ms_abi))
#undef __cdecl
#define __cdecl
#undef __fastcall
#define __fastcall __attribute__((ms_abi))

/* On x64 there is one calling convention; the headers leave the name of this one empty, which is the host's here. */
#include <ntdef.h>
#undef FASTCALL
#define FASTCALL __attribute__((ms_abi))

/* wdm.h defines these two again, with another linkage, which clang makes global functions of. */
#include <psdk_inc/intrin-impl.h>
#define InterlockedBitTestAndSet us_unused_bit_test_and_set
#define InterlockedBitTestAndReset us_unused_bit_test_and_reset
#include <ntddk.h>
#undef InterlockedBitTestAndSet
#undef InterlockedBitTestAndReset
#include <wdmguid.h>

/* As the header has it, but for a cast that clang does not like. */
#undef IoSetCancelRoutine
#define IoSetCancelRoutine(irp, routine)                                                                               \
	((PDRIVER_CANCEL)(ULONG_PTR)InterlockedExchangePointer((PVOID *)(ULONG_PTR)&(irp)->CancelRoutine,              \
							       (PVOID)(ULONG_PTR)(routine)))

/* Defined by no header of mingw-w64, or for another version of Windows only. */
#ifndef STATUS_INVALID_IMAGE_FORMAT
#define STATUS_INVALID_IMAGE_FORMAT ((NTSTATUS)0xC000007B)
#endif

#endif
