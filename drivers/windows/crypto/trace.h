/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the driver tells a debugger, or Windows' event tracing (docs/windows.md, "Watch it"). Errors are shown as they
 * are; for the rest, in the debugger:
 *
 *     ed nt!Kd_IHVDRIVER_Mask 0xf
 *
 * or the value IHVDRIVER = 0xf in HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Debug Print Filter.
 */
#ifndef CRYPTO_TRACE_H
#define CRYPTO_TRACE_H

/* Visual Studio's preprocessor takes a __VA_ARGS__ that is handed on for one argument: so each macro is complete. */
#define CRYPTO_LINE(Component, Format) "crypto " Component ": " Format "\n"

/* Needs somebody's attention: the device, the system or the driver is broken. */
#define CryptoError(Component, Format, ...)                                                                            \
	DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, CRYPTO_LINE(Component, Format), ##__VA_ARGS__)

/* Recovered from. */
#define CryptoWarning(Component, Format, ...)                                                                          \
	DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_WARNING_LEVEL, CRYPTO_LINE(Component, Format), ##__VA_ARGS__)

/* Start, stop, power: a few lines in a device's life. */
#define CryptoTrace(Component, Format, ...)                                                                            \
	DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_TRACE_LEVEL, CRYPTO_LINE(Component, Format), ##__VA_ARGS__)

/* Every request and command. */
#define CryptoInfo(Component, Format, ...)                                                                             \
	DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL, CRYPTO_LINE(Component, Format), ##__VA_ARGS__)

#endif
