/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interfaces of functions that one driver offers to others of its stack.
 */
#ifndef _WDFQUERYINTERFACE_H_
#define _WDFQUERYINTERFACE_H_

typedef NTSTATUS NTAPI EVT_WDF_DEVICE_PROCESS_QUERY_INTERFACE_REQUEST(WDFDEVICE Device, LPGUID InterfaceType,
								      PINTERFACE ExposedInterface,
								      PVOID ExposedInterfaceSpecificData);
typedef EVT_WDF_DEVICE_PROCESS_QUERY_INTERFACE_REQUEST *PFN_WDF_DEVICE_PROCESS_QUERY_INTERFACE_REQUEST;

typedef struct _WDF_QUERY_INTERFACE_CONFIG {
	ULONG Size;
	PINTERFACE Interface; /* copied; its functions are the driver's */
	const GUID *InterfaceType;
	BOOLEAN SendQueryToParentStack;
	PFN_WDF_DEVICE_PROCESS_QUERY_INTERFACE_REQUEST EvtDeviceProcessQueryInterfaceRequest;
	BOOLEAN ImportInterface; /* the caller fills the interface in: the driver reads it */
} WDF_QUERY_INTERFACE_CONFIG, *PWDF_QUERY_INTERFACE_CONFIG;

WDF_INLINE void
WDF_QUERY_INTERFACE_CONFIG_INIT(PWDF_QUERY_INTERFACE_CONFIG InterfaceConfig, PINTERFACE Interface,
				const GUID *InterfaceType,
				PFN_WDF_DEVICE_PROCESS_QUERY_INTERFACE_REQUEST EvtDeviceProcessQueryInterfaceRequest)
{
	WDF_INIT_SIZED(InterfaceConfig);
	InterfaceConfig->Interface = Interface;
	InterfaceConfig->InterfaceType = InterfaceType;
	InterfaceConfig->EvtDeviceProcessQueryInterfaceRequest = EvtDeviceProcessQueryInterfaceRequest;
}

/* [PASSIVE] Offers an interface. */
WDF_INLINE NTSTATUS WdfDeviceAddQueryInterface(WDFDEVICE Device, PWDF_QUERY_INTERFACE_CONFIG InterfaceConfig);

/* For interfaces whose lifetime needs no counting. */
WDF_INLINE void NTAPI WdfDeviceInterfaceReferenceNoOp(PVOID Context)
{
	UNREFERENCED_PARAMETER(Context);
}

WDF_INLINE void NTAPI WdfDeviceInterfaceDereferenceNoOp(PVOID Context)
{
	UNREFERENCED_PARAMETER(Context);
}

#endif
