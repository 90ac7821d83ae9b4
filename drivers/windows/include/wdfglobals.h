/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the framework tells a driver of itself when the two are bound.
 */
#ifndef _WDFGLOBALS_H_
#define _WDFGLOBALS_H_

#define WDF_DRIVER_GLOBALS_NAME_LEN 32

typedef struct _WDF_DRIVER_GLOBALS {
	WDFDRIVER Driver;
	ULONG DriverFlags;
	ULONG DriverTag; /* of the pool memory that the framework allocates for the driver */
	CHAR DriverName[WDF_DRIVER_GLOBALS_NAME_LEN];
	BOOLEAN DisplaceDriverUnload; /* the entry stub puts its own unload routine before the framework's */
} WDF_DRIVER_GLOBALS, *PWDF_DRIVER_GLOBALS;

/* Defined by the entry stub; the first argument of every framework function. */
extern PWDF_DRIVER_GLOBALS WdfDriverGlobals;

WDF_INLINE PWDF_DRIVER_GLOBALS WdfGetDriverGlobals(void)
{
	return WdfDriverGlobals;
}

#endif
