/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a driver is bound to the framework: the exports of WDFLDR.SYS that the entry stub calls. A driver never includes
 * this.
 */
#ifndef WINDOWS_BIND_H
#define WINDOWS_BIND_H

struct wdf_bind_info {
	ULONG size; /* bytes of this structure: the loader knows the caller's age by it */
	PCWSTR component; /* which framework: L"KmdfLibrary" */
	struct {
		ULONG major, minor, build;
	} version; /* the oldest framework that will do */
	ULONG function_count; /* entries of the function table of that version */
	const void *function_table; /* where the loader stores the address of the table (since 1.15; before, an array) */
	PVOID module; /* the loader's own */
};

/* Loads the framework if need be, and binds. Stores the driver's WDF_DRIVER_GLOBALS. [PASSIVE] */
__declspec(dllimport) NTSTATUS NTAPI WdfVersionBind(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path,
						    struct wdf_bind_info *info, PVOID *globals);

/* The end of it; none of the framework's functions may be called any more. [PASSIVE] */
__declspec(dllimport) NTSTATUS NTAPI WdfVersionUnbind(PUNICODE_STRING registry_path, struct wdf_bind_info *info,
						      PVOID globals);

#endif
