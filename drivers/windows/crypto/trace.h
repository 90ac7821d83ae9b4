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

#define CRYPTO_PRINT(Level, Component, Format, ...)                                                                    \
	DbgPrintEx(DPFLTR_IHVDRIVER_ID, Level, "crypto " Component ": " Format "\n", ##__VA_ARGS__)

/* Needs somebody's attention: the device, the system or the driver is broken. */
#define CryptoError(Component, ...) CRYPTO_PRINT(DPFLTR_ERROR_LEVEL, Component, __VA_ARGS__)

/* Recovered from. */
#define CryptoWarning(Component, ...) CRYPTO_PRINT(DPFLTR_WARNING_LEVEL, Component, __VA_ARGS__)

/* Start, stop, power: a few lines in a device's life. */
#define CryptoTrace(Component, ...) CRYPTO_PRINT(DPFLTR_TRACE_LEVEL, Component, __VA_ARGS__)

/* Every request and command. */
#define CryptoInfo(Component, ...) CRYPTO_PRINT(DPFLTR_INFO_LEVEL, Component, __VA_ARGS__)

#endif
