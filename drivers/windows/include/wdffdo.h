/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Function devices: bus drivers' static children, resource filtering, interfaces of lower drivers.
 */
#ifndef _WDFFDO_H_
#define _WDFFDO_H_

typedef NTSTATUS NTAPI EVT_WDF_DEVICE_FILTER_RESOURCE_REQUIREMENTS(WDFDEVICE Device,
								   WDFIORESREQLIST IoResourceRequirementsList);
typedef EVT_WDF_DEVICE_FILTER_RESOURCE_REQUIREMENTS *PFN_WDF_DEVICE_FILTER_RESOURCE_REQUIREMENTS;

typedef NTSTATUS NTAPI EVT_WDF_DEVICE_REMOVE_ADDED_RESOURCES(WDFDEVICE Device, WDFCMRESLIST ResourcesRaw,
							     WDFCMRESLIST ResourcesTranslated);
typedef EVT_WDF_DEVICE_REMOVE_ADDED_RESOURCES *PFN_WDF_DEVICE_REMOVE_ADDED_RESOURCES;

typedef struct _WDF_FDO_EVENT_CALLBACKS {
	ULONG Size;
	PFN_WDF_DEVICE_FILTER_RESOURCE_REQUIREMENTS EvtDeviceFilterAddResourceRequirements;
	PFN_WDF_DEVICE_FILTER_RESOURCE_REQUIREMENTS EvtDeviceFilterRemoveResourceRequirements;
	PFN_WDF_DEVICE_REMOVE_ADDED_RESOURCES EvtDeviceRemoveAddedResources;
} WDF_FDO_EVENT_CALLBACKS, *PWDF_FDO_EVENT_CALLBACKS;

WDF_INLINE void WDF_FDO_EVENT_CALLBACKS_INIT(PWDF_FDO_EVENT_CALLBACKS Callbacks)
{
	WDF_INIT_SIZED(Callbacks);
}

/* [PASSIVE] The device is a filter's: what it does not handle goes down the stack. */
WDF_INLINE void WdfFdoInitSetFilter(PWDFDEVICE_INIT DeviceInit);

/* [PASSIVE] The resource callbacks. */
WDF_INLINE void WdfFdoInitSetEventCallbacks(PWDFDEVICE_INIT DeviceInit, PWDF_FDO_EVENT_CALLBACKS FdoEventCallbacks);

/* [PASSIVE] Makes the device a bus. */
WDF_INLINE void WdfFdoInitSetDefaultChildListConfig(PWDFDEVICE_INIT DeviceInit, PWDF_CHILD_LIST_CONFIG Config,
						    PWDF_OBJECT_ATTRIBUTES DefaultChildListAttributes);

/* [PASSIVE] The bus driver's device object. */
WDF_INLINE PDEVICE_OBJECT WdfFdoInitWdmGetPhysicalDevice(PWDFDEVICE_INIT DeviceInit);

/* [PASSIVE] PLUGPLAY_REGKEY_DEVICE or PLUGPLAY_REGKEY_DRIVER. */
WDF_INLINE NTSTATUS WdfFdoInitOpenRegistryKey(PWDFDEVICE_INIT DeviceInit, ULONG DeviceInstanceKeyType,
					      ACCESS_MASK DesiredAccess, PWDF_OBJECT_ATTRIBUTES KeyAttributes,
					      WDFKEY *Key);

/* [PASSIVE] A device property, before there is a device. */
WDF_INLINE NTSTATUS WdfFdoInitQueryProperty(PWDFDEVICE_INIT DeviceInit, DEVICE_REGISTRY_PROPERTY DeviceProperty,
					    ULONG BufferLength, PVOID PropertyBuffer, PULONG ResultLength);

/* [PASSIVE] The same, into memory of its own. */
WDF_INLINE NTSTATUS WdfFdoInitAllocAndQueryProperty(PWDFDEVICE_INIT DeviceInit, DEVICE_REGISTRY_PROPERTY DeviceProperty,
						    POOL_TYPE PoolType, PWDF_OBJECT_ATTRIBUTES PropertyMemoryAttributes,
						    WDFMEMORY *PropertyMemory);

/* [PASSIVE] An interface of a lower driver, such as the bus driver's. */
WDF_INLINE NTSTATUS WdfFdoQueryForInterface(WDFDEVICE Fdo, LPCGUID InterfaceType, PINTERFACE Interface, USHORT Size,
					    USHORT Version, PVOID InterfaceSpecificData);

/* [DISPATCH] The child list of a bus. */
WDF_INLINE WDFCHILDLIST WdfFdoGetDefaultChildList(WDFDEVICE Fdo);

/* [PASSIVE] A child of a bus without child list. */
WDF_INLINE NTSTATUS WdfFdoAddStaticChild(WDFDEVICE Fdo, WDFDEVICE Child);

/* [PASSIVE] Holds the static children still. */
WDF_INLINE void WdfFdoLockStaticChildListForIteration(WDFDEVICE Fdo);

/* [DISPATCH] The next static child, or NULL; Flags: WDF_RETRIEVE_CHILD_FLAGS. */
WDF_INLINE WDFDEVICE WdfFdoRetrieveNextStaticChild(WDFDEVICE Fdo, WDFDEVICE PreviousChild, ULONG Flags);

/* [PASSIVE] The end of it. */
WDF_INLINE void WdfFdoUnlockStaticChildListFromIteration(WDFDEVICE Fdo);

#endif
