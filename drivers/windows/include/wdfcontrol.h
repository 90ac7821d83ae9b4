/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control devices: named devices that stand in no Plug and Play stack.
 */
#ifndef _WDFCONTROL_H_
#define _WDFCONTROL_H_

typedef enum _WDF_DEVICE_SHUTDOWN_FLAGS {
	WdfDeviceShutdown = 1,
	WdfDeviceLastChanceShutdown = 2,
} WDF_DEVICE_SHUTDOWN_FLAGS;

typedef void NTAPI EVT_WDF_DEVICE_SHUTDOWN_NOTIFICATION(WDFDEVICE Device);
typedef EVT_WDF_DEVICE_SHUTDOWN_NOTIFICATION *PFN_WDF_DEVICE_SHUTDOWN_NOTIFICATION;

/* [PASSIVE] A block for a control device; NULL when memory is short. */
WDF_INLINE PWDFDEVICE_INIT WdfControlDeviceInitAllocate(WDFDRIVER Driver, const UNICODE_STRING *SDDLString);

/* [PASSIVE] Called at system shutdown; Flags: WDF_DEVICE_SHUTDOWN_FLAGS. */
WDF_INLINE void WdfControlDeviceInitSetShutdownNotification(PWDFDEVICE_INIT DeviceInit,
							    PFN_WDF_DEVICE_SHUTDOWN_NOTIFICATION Notification,
							    UCHAR Flags);

/* [PASSIVE] From now on it can be opened. */
WDF_INLINE void WdfControlFinishInitializing(WDFDEVICE Device);

#endif
