/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File objects: one for each handle that is opened to a device.
 */
#ifndef _WDFFILEOBJECT_H_
#define _WDFFILEOBJECT_H_

/* Where in the system's file object the framework may keep its own pointer. */
typedef enum _WDF_FILEOBJECT_CLASS {
	WdfFileObjectInvalid = 0,
	WdfFileObjectNotRequired = 1,
	WdfFileObjectWdfCanUseFsContext = 2,
	WdfFileObjectWdfCanUseFsContext2 = 3,
	WdfFileObjectWdfCannotUseFsContexts = 4,
	WdfFileObjectCanBeOptional = 0x80000000,
} WDF_FILEOBJECT_CLASS, *PWDF_FILEOBJECT_CLASS;

typedef void NTAPI EVT_WDF_DEVICE_FILE_CREATE(WDFDEVICE Device, WDFREQUEST Request, WDFFILEOBJECT FileObject);
typedef EVT_WDF_DEVICE_FILE_CREATE *PFN_WDF_DEVICE_FILE_CREATE;

/* The last handle is closed: cancel what it still has in flight. */
typedef void NTAPI EVT_WDF_FILE_CLEANUP(WDFFILEOBJECT FileObject);
typedef EVT_WDF_FILE_CLEANUP *PFN_WDF_FILE_CLEANUP;

/* Its last request is completed too. */
typedef void NTAPI EVT_WDF_FILE_CLOSE(WDFFILEOBJECT FileObject);
typedef EVT_WDF_FILE_CLOSE *PFN_WDF_FILE_CLOSE;

typedef struct _WDF_FILEOBJECT_CONFIG {
	ULONG Size;
	PFN_WDF_DEVICE_FILE_CREATE EvtDeviceFileCreate;
	PFN_WDF_FILE_CLOSE EvtFileClose;
	PFN_WDF_FILE_CLEANUP EvtFileCleanup;
	WDF_TRI_STATE AutoForwardCleanupClose; /* to the next lower driver */
	WDF_FILEOBJECT_CLASS FileObjectClass;
} WDF_FILEOBJECT_CONFIG, *PWDF_FILEOBJECT_CONFIG;

WDF_INLINE void WDF_FILEOBJECT_CONFIG_INIT(PWDF_FILEOBJECT_CONFIG FileEventCallbacks,
					   PFN_WDF_DEVICE_FILE_CREATE EvtDeviceFileCreate,
					   PFN_WDF_FILE_CLOSE EvtFileClose, PFN_WDF_FILE_CLEANUP EvtFileCleanup)
{
	WDF_INIT_SIZED(FileEventCallbacks);
	FileEventCallbacks->EvtDeviceFileCreate = EvtDeviceFileCreate;
	FileEventCallbacks->EvtFileClose = EvtFileClose;
	FileEventCallbacks->EvtFileCleanup = EvtFileCleanup;
	FileEventCallbacks->AutoForwardCleanupClose = WdfUseDefault;
	FileEventCallbacks->FileObjectClass = WdfFileObjectWdfCannotUseFsContexts;
}

/* [DISPATCH] The name after the device's, as it was opened. */
WDF_INLINE PUNICODE_STRING WdfFileObjectGetFileName(WDFFILEOBJECT FileObject);

/* [DISPATCH] FO_xxx of the system's file object. */
WDF_INLINE ULONG WdfFileObjectGetFlags(WDFFILEOBJECT FileObject);

/* [DISPATCH] The device that was opened. */
WDF_INLINE WDFDEVICE WdfFileObjectGetDevice(WDFFILEOBJECT FileObject);

/* [DISPATCH] The system's file object; NULL when there is none. */
WDF_INLINE PFILE_OBJECT WdfFileObjectWdmGetFileObject(WDFFILEOBJECT FileObject);

#endif
