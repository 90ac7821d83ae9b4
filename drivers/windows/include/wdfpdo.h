/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Physical devices: the children that a bus driver makes.
 */
#ifndef _WDFPDO_H_
#define _WDFPDO_H_

typedef NTSTATUS NTAPI EVT_WDF_DEVICE_RESOURCES_QUERY(WDFDEVICE Device, WDFCMRESLIST Resources);
typedef EVT_WDF_DEVICE_RESOURCES_QUERY *PFN_WDF_DEVICE_RESOURCES_QUERY;

typedef NTSTATUS NTAPI EVT_WDF_DEVICE_RESOURCE_REQUIREMENTS_QUERY(WDFDEVICE Device,
								  WDFIORESREQLIST IoResourceRequirementsList);
typedef EVT_WDF_DEVICE_RESOURCE_REQUIREMENTS_QUERY *PFN_WDF_DEVICE_RESOURCE_REQUIREMENTS_QUERY;

typedef NTSTATUS NTAPI EVT_WDF_DEVICE_EJECT(WDFDEVICE Device);
typedef EVT_WDF_DEVICE_EJECT *PFN_WDF_DEVICE_EJECT;

typedef NTSTATUS NTAPI EVT_WDF_DEVICE_SET_LOCK(WDFDEVICE Device, BOOLEAN IsLocked);
typedef EVT_WDF_DEVICE_SET_LOCK *PFN_WDF_DEVICE_SET_LOCK;

typedef NTSTATUS NTAPI EVT_WDF_DEVICE_ENABLE_WAKE_AT_BUS(WDFDEVICE Device, SYSTEM_POWER_STATE PowerState);
typedef EVT_WDF_DEVICE_ENABLE_WAKE_AT_BUS *PFN_WDF_DEVICE_ENABLE_WAKE_AT_BUS;

typedef void NTAPI EVT_WDF_DEVICE_DISABLE_WAKE_AT_BUS(WDFDEVICE Device);
typedef EVT_WDF_DEVICE_DISABLE_WAKE_AT_BUS *PFN_WDF_DEVICE_DISABLE_WAKE_AT_BUS;

typedef void NTAPI EVT_WDF_DEVICE_REPORTED_MISSING(WDFDEVICE Device);
typedef EVT_WDF_DEVICE_REPORTED_MISSING *PFN_WDF_DEVICE_REPORTED_MISSING;

typedef struct _WDF_PDO_EVENT_CALLBACKS {
	ULONG Size;
	PFN_WDF_DEVICE_RESOURCES_QUERY EvtDeviceResourcesQuery;
	PFN_WDF_DEVICE_RESOURCE_REQUIREMENTS_QUERY EvtDeviceResourceRequirementsQuery;
	PFN_WDF_DEVICE_EJECT EvtDeviceEject;
	PFN_WDF_DEVICE_SET_LOCK EvtDeviceSetLock;
	PFN_WDF_DEVICE_ENABLE_WAKE_AT_BUS EvtDeviceEnableWakeAtBus;
	PFN_WDF_DEVICE_DISABLE_WAKE_AT_BUS EvtDeviceDisableWakeAtBus;
	PFN_WDF_DEVICE_REPORTED_MISSING EvtDeviceReportedMissing;
} WDF_PDO_EVENT_CALLBACKS, *PWDF_PDO_EVENT_CALLBACKS;

WDF_INLINE void WDF_PDO_EVENT_CALLBACKS_INIT(PWDF_PDO_EVENT_CALLBACKS Callbacks)
{
	WDF_INIT_SIZED(Callbacks);
}

/* [PASSIVE] A block for a static child; WdfDeviceInitFree or WdfDeviceCreate ends it. */
WDF_INLINE PWDFDEVICE_INIT WdfPdoInitAllocate(WDFDEVICE ParentDevice);

/* [PASSIVE] The bus driver's callbacks for a child. */
WDF_INLINE void WdfPdoInitSetEventCallbacks(PWDFDEVICE_INIT DeviceInit, PWDF_PDO_EVENT_CALLBACKS PdoEventCallbacks);

/* [PASSIVE] Required. */
WDF_INLINE NTSTATUS WdfPdoInitAssignDeviceID(PWDFDEVICE_INIT DeviceInit, PCUNICODE_STRING DeviceID);

/* [PASSIVE] Unique on the bus. */
WDF_INLINE NTSTATUS WdfPdoInitAssignInstanceID(PWDFDEVICE_INIT DeviceInit, PCUNICODE_STRING InstanceID);

/* [PASSIVE] The most specific first. */
WDF_INLINE NTSTATUS WdfPdoInitAddHardwareID(PWDFDEVICE_INIT DeviceInit, PCUNICODE_STRING HardwareID);

/* [PASSIVE] The most specific first. */
WDF_INLINE NTSTATUS WdfPdoInitAddCompatibleID(PWDFDEVICE_INIT DeviceInit, PCUNICODE_STRING CompatibleID);

/* [PASSIVE] Which physical device the child is part of. */
WDF_INLINE NTSTATUS WdfPdoInitAssignContainerID(PWDFDEVICE_INIT DeviceInit, PCUNICODE_STRING ContainerID);

/* [PASSIVE] What the user reads. */
WDF_INLINE NTSTATUS WdfPdoInitAddDeviceText(PWDFDEVICE_INIT DeviceInit, PCUNICODE_STRING DeviceDescription,
					    PCUNICODE_STRING DeviceLocation, LCID LocaleId);

/* [PASSIVE] Which text when there is none for a language. */
WDF_INLINE void WdfPdoInitSetDefaultLocale(PWDFDEVICE_INIT DeviceInit, LCID LocaleId);

/* [PASSIVE] The child needs no function driver. */
WDF_INLINE NTSTATUS WdfPdoInitAssignRawDevice(PWDFDEVICE_INIT DeviceInit, const GUID *DeviceClassGuid);

/* [PASSIVE] Lets WdfRequestForwardToParentDeviceIoQueue be used. */
WDF_INLINE void WdfPdoInitAllowForwardingRequestToParent(PWDFDEVICE_INIT DeviceInit);

/* [DISPATCH] A static child is gone. */
WDF_INLINE NTSTATUS WdfPdoMarkMissing(WDFDEVICE Device);

/* [DISPATCH] The user wants to eject it. */
WDF_INLINE void WdfPdoRequestEject(WDFDEVICE Device);

/* [DISPATCH] The bus device. */
WDF_INLINE WDFDEVICE WdfPdoGetParent(WDFDEVICE Device);

/* [DISPATCH] Who the child is. */
WDF_INLINE NTSTATUS WdfPdoRetrieveIdentificationDescription(WDFDEVICE Device,
							    PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER IdentificationDescription);

/* [DISPATCH] How to reach it. */
WDF_INLINE NTSTATUS WdfPdoRetrieveAddressDescription(WDFDEVICE Device,
						     PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER AddressDescription);

/* [DISPATCH] That has changed. */
WDF_INLINE NTSTATUS WdfPdoUpdateAddressDescription(WDFDEVICE Device,
						   PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER AddressDescription);

#endif
