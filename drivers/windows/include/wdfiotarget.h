/* SPDX-License-Identifier: Apache-2.0 */
/*
 * I/O targets: the next lower driver, or any device that can be opened.
 */
#ifndef _WDFIOTARGET_H_
#define _WDFIOTARGET_H_

typedef enum _WDF_IO_TARGET_STATE {
	WdfIoTargetStateUndefined = 0,
	WdfIoTargetStarted = 1,
	WdfIoTargetStopped = 2,
	WdfIoTargetClosedForQueryRemove = 3,
	WdfIoTargetClosed = 4,
	WdfIoTargetDeleted = 5,
	WdfIoTargetPurged = 6,
} WDF_IO_TARGET_STATE, *PWDF_IO_TARGET_STATE;

typedef enum _WDF_IO_TARGET_OPEN_TYPE {
	WdfIoTargetOpenUndefined = 0,
	WdfIoTargetOpenUseExistingDevice = 1,
	WdfIoTargetOpenByName = 2,
	WdfIoTargetOpenReopen = 3,
	WdfIoTargetOpenLocalTargetByFile = 4,
} WDF_IO_TARGET_OPEN_TYPE;

typedef enum _WDF_IO_TARGET_SENT_IO_ACTION {
	WdfIoTargetSentIoUndefined = 0,
	WdfIoTargetCancelSentIo = 1,
	WdfIoTargetWaitForSentIoToComplete = 2,
	WdfIoTargetLeaveSentIoPending = 3,
} WDF_IO_TARGET_SENT_IO_ACTION;

typedef enum _WDF_IO_TARGET_PURGE_IO_ACTION {
	WdfIoTargetPurgeIoUndefined = 0,
	WdfIoTargetPurgeIoAndWait = 1,
	WdfIoTargetPurgeIo = 2,
} WDF_IO_TARGET_PURGE_IO_ACTION;

typedef NTSTATUS NTAPI EVT_WDF_IO_TARGET_QUERY_REMOVE(WDFIOTARGET IoTarget);
typedef EVT_WDF_IO_TARGET_QUERY_REMOVE *PFN_WDF_IO_TARGET_QUERY_REMOVE;

typedef void NTAPI EVT_WDF_IO_TARGET_REMOVE_CANCELED(WDFIOTARGET IoTarget);
typedef EVT_WDF_IO_TARGET_REMOVE_CANCELED *PFN_WDF_IO_TARGET_REMOVE_CANCELED;

typedef void NTAPI EVT_WDF_IO_TARGET_REMOVE_COMPLETE(WDFIOTARGET IoTarget);
typedef EVT_WDF_IO_TARGET_REMOVE_COMPLETE *PFN_WDF_IO_TARGET_REMOVE_COMPLETE;

typedef struct _WDF_IO_TARGET_OPEN_PARAMS {
	ULONG Size;
	WDF_IO_TARGET_OPEN_TYPE Type;
	PFN_WDF_IO_TARGET_QUERY_REMOVE EvtIoTargetQueryRemove;
	PFN_WDF_IO_TARGET_REMOVE_CANCELED EvtIoTargetRemoveCanceled;
	PFN_WDF_IO_TARGET_REMOVE_COMPLETE EvtIoTargetRemoveComplete;
	PDEVICE_OBJECT TargetDeviceObject; /* WdfIoTargetOpenUseExistingDevice */
	PFILE_OBJECT TargetFileObject;
	UNICODE_STRING TargetDeviceName; /* WdfIoTargetOpenByName, and what follows */
	ACCESS_MASK DesiredAccess;
	ULONG ShareAccess;
	ULONG FileAttributes;
	ULONG CreateDisposition;
	ULONG CreateOptions;
	PVOID EaBuffer;
	ULONG EaBufferLength;
	PLONGLONG AllocationSize;
	ULONG FileInformation; /* out: FILE_OPENED and others */
	UNICODE_STRING FileName; /* WdfIoTargetOpenLocalTargetByFile */
} WDF_IO_TARGET_OPEN_PARAMS, *PWDF_IO_TARGET_OPEN_PARAMS;

WDF_INLINE void WDF_IO_TARGET_OPEN_PARAMS_INIT_EXISTING_DEVICE(PWDF_IO_TARGET_OPEN_PARAMS Params,
							       PDEVICE_OBJECT DeviceObject)
{
	WDF_INIT_SIZED(Params);
	Params->Type = WdfIoTargetOpenUseExistingDevice;
	Params->TargetDeviceObject = DeviceObject;
}

WDF_INLINE void WDF_IO_TARGET_OPEN_PARAMS_INIT_CREATE_BY_NAME(PWDF_IO_TARGET_OPEN_PARAMS Params,
							      PCUNICODE_STRING TargetDeviceName,
							      ACCESS_MASK DesiredAccess)
{
	WDF_INIT_SIZED(Params);
	Params->Type = WdfIoTargetOpenByName;
	Params->TargetDeviceName = *TargetDeviceName;
	Params->DesiredAccess = DesiredAccess;
	Params->CreateOptions = FILE_NON_DIRECTORY_FILE;
}

WDF_INLINE void WDF_IO_TARGET_OPEN_PARAMS_INIT_OPEN_BY_NAME(PWDF_IO_TARGET_OPEN_PARAMS Params,
							    PCUNICODE_STRING TargetDeviceName,
							    ACCESS_MASK DesiredAccess)
{
	WDF_IO_TARGET_OPEN_PARAMS_INIT_CREATE_BY_NAME(Params, TargetDeviceName, DesiredAccess);
	Params->CreateDisposition = FILE_OPEN;
}

WDF_INLINE void WDF_IO_TARGET_OPEN_PARAMS_INIT_REOPEN(PWDF_IO_TARGET_OPEN_PARAMS Params)
{
	WDF_INIT_SIZED(Params);
	Params->Type = WdfIoTargetOpenReopen;
}

/* [PASSIVE] A target, not open yet. */
WDF_INLINE NTSTATUS WdfIoTargetCreate(WDFDEVICE Device, PWDF_OBJECT_ATTRIBUTES IoTargetAttributes,
				      WDFIOTARGET *IoTarget);

/* [PASSIVE] Opens it. */
WDF_INLINE NTSTATUS WdfIoTargetOpen(WDFIOTARGET IoTarget, PWDF_IO_TARGET_OPEN_PARAMS OpenParams);

/* [PASSIVE] Closes it until the removal is done or cancelled. */
WDF_INLINE void WdfIoTargetCloseForQueryRemove(WDFIOTARGET IoTarget);

/* [PASSIVE] Closes it for good. */
WDF_INLINE void WdfIoTargetClose(WDFIOTARGET IoTarget);

/* [PASSIVE] Sends what was held back. */
WDF_INLINE NTSTATUS WdfIoTargetStart(WDFIOTARGET IoTarget);

/* [PASSIVE] Holds requests back; the action is for those already sent. Waits unless they are left pending. */
WDF_INLINE void WdfIoTargetStop(WDFIOTARGET IoTarget, WDF_IO_TARGET_SENT_IO_ACTION Action);

/* [DISPATCH] Cancels what is queued and sent; waits at passive level only. */
WDF_INLINE void WdfIoTargetPurge(WDFIOTARGET IoTarget, WDF_IO_TARGET_PURGE_IO_ACTION Action);

/* [DISPATCH] Started, stopped, closed, … */
WDF_INLINE WDF_IO_TARGET_STATE WdfIoTargetGetState(WDFIOTARGET IoTarget);

/* [DISPATCH] The device it was made for. */
WDF_INLINE WDFDEVICE WdfIoTargetGetDevice(WDFIOTARGET IoTarget);

/* [PASSIVE] A property of the target's device. */
WDF_INLINE NTSTATUS WdfIoTargetQueryTargetProperty(WDFIOTARGET IoTarget, DEVICE_REGISTRY_PROPERTY DeviceProperty,
						   ULONG BufferLength, PVOID PropertyBuffer, PULONG ResultLength);

/* [PASSIVE] The same, into memory of its own. */
WDF_INLINE NTSTATUS WdfIoTargetAllocAndQueryTargetProperty(WDFIOTARGET IoTarget,
							   DEVICE_REGISTRY_PROPERTY DeviceProperty, POOL_TYPE PoolType,
							   PWDF_OBJECT_ATTRIBUTES PropertyMemoryAttributes,
							   WDFMEMORY *PropertyMemory);

/* [PASSIVE] A remote driver's interface. */
WDF_INLINE NTSTATUS WdfIoTargetQueryForInterface(WDFIOTARGET IoTarget, LPCGUID InterfaceType, PINTERFACE Interface,
						 USHORT Size, USHORT Version, PVOID InterfaceSpecificData);

/* [DISPATCH] The device object that requests go to. */
WDF_INLINE PDEVICE_OBJECT WdfIoTargetWdmGetTargetDeviceObject(WDFIOTARGET IoTarget);

/* [DISPATCH] The bus driver's device object of its stack. */
WDF_INLINE PDEVICE_OBJECT WdfIoTargetWdmGetTargetPhysicalDevice(WDFIOTARGET IoTarget);

/* [DISPATCH] The file object of an opened target. */
WDF_INLINE PFILE_OBJECT WdfIoTargetWdmGetTargetFileObject(WDFIOTARGET IoTarget);

/* [PASSIVE] The file handle of a target opened by name. */
WDF_INLINE HANDLE WdfIoTargetWdmGetTargetFileHandle(WDFIOTARGET IoTarget);

/* [PASSIVE] Reads and waits; all but the target may be NULL. */
WDF_INLINE NTSTATUS WdfIoTargetSendReadSynchronously(WDFIOTARGET IoTarget, WDFREQUEST Request,
						     PWDF_MEMORY_DESCRIPTOR OutputBuffer, PLONGLONG DeviceOffset,
						     PWDF_REQUEST_SEND_OPTIONS RequestOptions, PULONG_PTR BytesRead);

/* [PASSIVE] Writes and waits. */
WDF_INLINE NTSTATUS WdfIoTargetSendWriteSynchronously(WDFIOTARGET IoTarget, WDFREQUEST Request,
						      PWDF_MEMORY_DESCRIPTOR InputBuffer, PLONGLONG DeviceOffset,
						      PWDF_REQUEST_SEND_OPTIONS RequestOptions,
						      PULONG_PTR BytesWritten);

/* [PASSIVE] Device control, and waits. */
WDF_INLINE NTSTATUS WdfIoTargetSendIoctlSynchronously(WDFIOTARGET IoTarget, WDFREQUEST Request, ULONG IoctlCode,
						      PWDF_MEMORY_DESCRIPTOR InputBuffer,
						      PWDF_MEMORY_DESCRIPTOR OutputBuffer,
						      PWDF_REQUEST_SEND_OPTIONS RequestOptions,
						      PULONG_PTR BytesReturned);

/* [PASSIVE] Internal device control, and waits. */
WDF_INLINE NTSTATUS WdfIoTargetSendInternalIoctlSynchronously(WDFIOTARGET IoTarget, WDFREQUEST Request, ULONG IoctlCode,
							      PWDF_MEMORY_DESCRIPTOR InputBuffer,
							      PWDF_MEMORY_DESCRIPTOR OutputBuffer,
							      PWDF_REQUEST_SEND_OPTIONS RequestOptions,
							      PULONG_PTR BytesReturned);

/* [DISPATCH] Makes a request a read, before WdfRequestSend. */
WDF_INLINE NTSTATUS WdfIoTargetFormatRequestForRead(WDFIOTARGET IoTarget, WDFREQUEST Request, WDFMEMORY OutputBuffer,
						    PWDFMEMORY_OFFSET OutputBufferOffsets, PLONGLONG DeviceOffset);

/* [DISPATCH] Makes a request a write. */
WDF_INLINE NTSTATUS WdfIoTargetFormatRequestForWrite(WDFIOTARGET IoTarget, WDFREQUEST Request, WDFMEMORY InputBuffer,
						     PWDFMEMORY_OFFSET InputBufferOffsets, PLONGLONG DeviceOffset);

/* [DISPATCH] Makes a request a device control. */
WDF_INLINE NTSTATUS WdfIoTargetFormatRequestForIoctl(WDFIOTARGET IoTarget, WDFREQUEST Request, ULONG IoctlCode,
						     WDFMEMORY InputBuffer, PWDFMEMORY_OFFSET InputBufferOffsets,
						     WDFMEMORY OutputBuffer, PWDFMEMORY_OFFSET OutputBufferOffsets);

/* [DISPATCH] Makes a request an internal device control. */
WDF_INLINE NTSTATUS WdfIoTargetFormatRequestForInternalIoctl(WDFIOTARGET IoTarget, WDFREQUEST Request, ULONG IoctlCode,
							     WDFMEMORY InputBuffer,
							     PWDFMEMORY_OFFSET InputBufferOffsets,
							     WDFMEMORY OutputBuffer,
							     PWDFMEMORY_OFFSET OutputBufferOffsets);

#endif
