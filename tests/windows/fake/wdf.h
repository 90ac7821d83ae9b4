/* SPDX-License-Identifier: Apache-2.0 */
/* What the entry stub needs of <wdf.h>. */
#ifndef FAKE_WDF_H
#define FAKE_WDF_H

typedef struct {
	BOOLEAN DisplaceDriverUnload;
} WDF_DRIVER_GLOBALS, *PWDF_DRIVER_GLOBALS;

extern PWDF_DRIVER_GLOBALS WdfDriverGlobals;
extern const void *WdfFunctions;

#endif
