/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles, and the types that every other header needs.
 */
#ifndef _WDFTYPES_H_
#define _WDFTYPES_H_

#include <devpropdef.h>

/* A function whose body is in wdffuncs.h or right where it is declared; it never exists out of line. */
#define WDF_INLINE static __inline__ __attribute__((always_inline, unused))

/* Most structures start with their size, by which the framework knows the version of the driver. */
#define WDF_INIT_SIZED(Structure) (RtlZeroMemory((Structure), sizeof(*(Structure))), (Structure)->Size = sizeof(*(Structure)))

typedef enum _WDF_TRI_STATE {
	WdfFalse = 0,
	WdfTrue = 1,
	WdfUseDefault = 2,
} WDF_TRI_STATE, *PWDF_TRI_STATE;

/* The base of all handles: each handle may be given where a WDFOBJECT is asked for. */
typedef HANDLE WDFOBJECT, *PWDFOBJECT;
typedef PVOID WDFCONTEXT;

DECLARE_HANDLE(WDFDRIVER);
DECLARE_HANDLE(WDFDEVICE);
DECLARE_HANDLE(WDFWMIPROVIDER);
DECLARE_HANDLE(WDFWMIINSTANCE);
DECLARE_HANDLE(WDFQUEUE);
DECLARE_HANDLE(WDFREQUEST);
DECLARE_HANDLE(WDFFILEOBJECT);
DECLARE_HANDLE(WDFDPC);
DECLARE_HANDLE(WDFTIMER);
DECLARE_HANDLE(WDFWORKITEM);
DECLARE_HANDLE(WDFINTERRUPT);
DECLARE_HANDLE(WDFWAITLOCK);
DECLARE_HANDLE(WDFSPINLOCK);
DECLARE_HANDLE(WDFMEMORY);
DECLARE_HANDLE(WDFLOOKASIDE);
DECLARE_HANDLE(WDFIOTARGET);
DECLARE_HANDLE(WDFKEY);
DECLARE_HANDLE(WDFSTRING);
DECLARE_HANDLE(WDFCOLLECTION);
DECLARE_HANDLE(WDFCHILDLIST);
DECLARE_HANDLE(WDFIORESREQLIST);
DECLARE_HANDLE(WDFIORESLIST);
DECLARE_HANDLE(WDFCMRESLIST);
DECLARE_HANDLE(WDFDMAENABLER);
DECLARE_HANDLE(WDFDMATRANSACTION);
DECLARE_HANDLE(WDFCOMMONBUFFER);

/* What a device is made from: the framework's own, a driver only passes the pointer on. */
typedef struct WDFDEVICE_INIT *PWDFDEVICE_INIT;

typedef struct _WDF_OBJECT_ATTRIBUTES WDF_OBJECT_ATTRIBUTES, *PWDF_OBJECT_ATTRIBUTES;

/* A part of a WDFMEMORY; a BufferLength of 0 means all that follows. */
typedef struct _WDFMEMORY_OFFSET {
	size_t BufferOffset;
	size_t BufferLength;
} WDFMEMORY_OFFSET, *PWDFMEMORY_OFFSET;

#define WDF_NO_OBJECT_ATTRIBUTES NULL
#define WDF_NO_EVENT_CALLBACK NULL
#define WDF_NO_HANDLE NULL
#define WDF_NO_CONTEXT NULL
#define WDF_NO_SEND_OPTIONS NULL

#endif
