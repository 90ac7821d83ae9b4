/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The framework's verifier.
 */
#ifndef _WDFVERIFIER_H_
#define _WDFVERIFIER_H_

/* [any] Breaks into the debugger when the driver's Parameters\Wdf\DbgBreakOnError says so. */
WDF_INLINE void WdfVerifierDbgBreakPoint(void);

/* [any] Stops the system. */
WDF_INLINE void WdfVerifierKeBugCheck(ULONG BugCheckCode, ULONG_PTR BugCheckParameter1, ULONG_PTR BugCheckParameter2,
				      ULONG_PTR BugCheckParameter3, ULONG_PTR BugCheckParameter4);

#endif
