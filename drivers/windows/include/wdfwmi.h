/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows Management Instrumentation: data blocks that a driver provides.
 */
#ifndef _WDFWMI_H_
#define _WDFWMI_H_

typedef enum _WDF_WMI_PROVIDER_CONTROL {
	WdfWmiControlInvalid = 0,
	WdfWmiEventControl = 1,
	WdfWmiInstanceControl = 2,
} WDF_WMI_PROVIDER_CONTROL;

typedef enum _WDF_WMI_PROVIDER_FLAGS {
	WdfWmiProviderEventOnly = 1,
	WdfWmiProviderExpensive = 2,
	WdfWmiProviderTracing = 4,
	WdfWmiProviderValidFlags = 7,
} WDF_WMI_PROVIDER_FLAGS;

typedef NTSTATUS NTAPI EVT_WDF_WMI_PROVIDER_FUNCTION_CONTROL(WDFWMIPROVIDER WmiProvider,
							     WDF_WMI_PROVIDER_CONTROL Control, BOOLEAN Enable);
typedef EVT_WDF_WMI_PROVIDER_FUNCTION_CONTROL *PFN_WDF_WMI_PROVIDER_FUNCTION_CONTROL;

typedef NTSTATUS NTAPI EVT_WDF_WMI_INSTANCE_QUERY_INSTANCE(WDFWMIINSTANCE WmiInstance, ULONG OutBufferSize,
							   PVOID OutBuffer, PULONG BufferUsed);
typedef EVT_WDF_WMI_INSTANCE_QUERY_INSTANCE *PFN_WDF_WMI_INSTANCE_QUERY_INSTANCE;

typedef NTSTATUS NTAPI EVT_WDF_WMI_INSTANCE_SET_INSTANCE(WDFWMIINSTANCE WmiInstance, ULONG InBufferSize,
							 PVOID InBuffer);
typedef EVT_WDF_WMI_INSTANCE_SET_INSTANCE *PFN_WDF_WMI_INSTANCE_SET_INSTANCE;

typedef NTSTATUS NTAPI EVT_WDF_WMI_INSTANCE_SET_ITEM(WDFWMIINSTANCE WmiInstance, ULONG DataItemId, ULONG InBufferSize,
						     PVOID InBuffer);
typedef EVT_WDF_WMI_INSTANCE_SET_ITEM *PFN_WDF_WMI_INSTANCE_SET_ITEM;

typedef NTSTATUS NTAPI EVT_WDF_WMI_INSTANCE_EXECUTE_METHOD(WDFWMIINSTANCE WmiInstance, ULONG MethodId,
							   ULONG InBufferSize, ULONG OutBufferSize, PVOID Buffer,
							   PULONG BufferUsed);
typedef EVT_WDF_WMI_INSTANCE_EXECUTE_METHOD *PFN_WDF_WMI_INSTANCE_EXECUTE_METHOD;

typedef struct _WDF_WMI_PROVIDER_CONFIG {
	ULONG Size;
	GUID Guid;
	ULONG Flags; /* WDF_WMI_PROVIDER_FLAGS */
	ULONG MinInstanceBufferSize; /* bytes */
	PFN_WDF_WMI_PROVIDER_FUNCTION_CONTROL EvtWmiProviderFunctionControl;
} WDF_WMI_PROVIDER_CONFIG, *PWDF_WMI_PROVIDER_CONFIG;

WDF_INLINE void WDF_WMI_PROVIDER_CONFIG_INIT(PWDF_WMI_PROVIDER_CONFIG Config, const GUID *Guid)
{
	WDF_INIT_SIZED(Config);
	Config->Guid = *Guid;
}

typedef struct _WDF_WMI_INSTANCE_CONFIG {
	ULONG Size;
	WDFWMIPROVIDER Provider; /* this, */
	PWDF_WMI_PROVIDER_CONFIG ProviderConfig; /* or this */
	BOOLEAN UseContextForQuery; /* the instance's context is the answer */
	BOOLEAN Register; /* at once */
	PFN_WDF_WMI_INSTANCE_QUERY_INSTANCE EvtWmiInstanceQueryInstance;
	PFN_WDF_WMI_INSTANCE_SET_INSTANCE EvtWmiInstanceSetInstance;
	PFN_WDF_WMI_INSTANCE_SET_ITEM EvtWmiInstanceSetItem;
	PFN_WDF_WMI_INSTANCE_EXECUTE_METHOD EvtWmiInstanceExecuteMethod;
} WDF_WMI_INSTANCE_CONFIG, *PWDF_WMI_INSTANCE_CONFIG;

WDF_INLINE void WDF_WMI_INSTANCE_CONFIG_INIT_PROVIDER(PWDF_WMI_INSTANCE_CONFIG Config, WDFWMIPROVIDER Provider)
{
	WDF_INIT_SIZED(Config);
	Config->Provider = Provider;
}

WDF_INLINE void WDF_WMI_INSTANCE_CONFIG_INIT_PROVIDER_CONFIG(PWDF_WMI_INSTANCE_CONFIG Config,
							     PWDF_WMI_PROVIDER_CONFIG ProviderConfig)
{
	WDF_INIT_SIZED(Config);
	Config->ProviderConfig = ProviderConfig;
}

/* [PASSIVE] A provider for several instances. */
WDF_INLINE NTSTATUS WdfWmiProviderCreate(WDFDEVICE Device, PWDF_WMI_PROVIDER_CONFIG WmiProviderConfig,
					 PWDF_OBJECT_ATTRIBUTES ProviderAttributes, WDFWMIPROVIDER *WmiProvider);

/* [DISPATCH] The device. */
WDF_INLINE WDFDEVICE WdfWmiProviderGetDevice(WDFWMIPROVIDER WmiProvider);

/* [DISPATCH] Whether somebody listens. */
WDF_INLINE BOOLEAN WdfWmiProviderIsEnabled(WDFWMIPROVIDER WmiProvider, WDF_WMI_PROVIDER_CONTROL ProviderControl);

/* [DISPATCH] For a provider with WdfWmiProviderTracing. */
WDF_INLINE ULONGLONG WdfWmiProviderGetTracingHandle(WDFWMIPROVIDER WmiProvider);

/* [PASSIVE] An instance of a data block. */
WDF_INLINE NTSTATUS WdfWmiInstanceCreate(WDFDEVICE Device, PWDF_WMI_INSTANCE_CONFIG InstanceConfig,
					 PWDF_OBJECT_ATTRIBUTES InstanceAttributes, WDFWMIINSTANCE *Instance);

/* [PASSIVE] Shows it. */
WDF_INLINE NTSTATUS WdfWmiInstanceRegister(WDFWMIINSTANCE WmiInstance);

/* [PASSIVE] Hides it. */
WDF_INLINE void WdfWmiInstanceDeregister(WDFWMIINSTANCE WmiInstance);

/* [DISPATCH] The device. */
WDF_INLINE WDFDEVICE WdfWmiInstanceGetDevice(WDFWMIINSTANCE WmiInstance);

/* [DISPATCH] The provider. */
WDF_INLINE WDFWMIPROVIDER WdfWmiInstanceGetProvider(WDFWMIINSTANCE WmiInstance);

/* [DISPATCH] An event to those who listen. */
WDF_INLINE NTSTATUS WdfWmiInstanceFireEvent(WDFWMIINSTANCE WmiInstance, ULONG EventDataSize, PVOID EventData);

#endif
