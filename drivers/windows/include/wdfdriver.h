/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver object: what DriverEntry creates.
 */
#ifndef _WDFDRIVER_H_
#define _WDFDRIVER_H_

typedef enum _WDF_DRIVER_INIT_FLAGS {
	WdfDriverInitNonPnpDriver = 1,
	WdfDriverInitNoDispatchOverride = 2,
	WdfVerifyOn = 4,
	WdfVerifierOn = 8,
} WDF_DRIVER_INIT_FLAGS;

typedef NTSTATUS NTAPI EVT_WDF_DRIVER_DEVICE_ADD(WDFDRIVER Driver, PWDFDEVICE_INIT DeviceInit);
typedef EVT_WDF_DRIVER_DEVICE_ADD *PFN_WDF_DRIVER_DEVICE_ADD;

typedef void NTAPI EVT_WDF_DRIVER_UNLOAD(WDFDRIVER Driver);
typedef EVT_WDF_DRIVER_UNLOAD *PFN_WDF_DRIVER_UNLOAD;

typedef NTSTATUS NTAPI EVT_WDF_TRACE_CALLBACK(UCHAR minorFunction, PVOID dataPath, ULONG bufferLength, PVOID buffer,
					      PVOID context, PULONG size);
typedef EVT_WDF_TRACE_CALLBACK *PFN_WDF_TRACE_CALLBACK;

typedef struct _WDF_DRIVER_CONFIG {
	ULONG Size;
	PFN_WDF_DRIVER_DEVICE_ADD EvtDriverDeviceAdd;
	PFN_WDF_DRIVER_UNLOAD EvtDriverUnload;
	ULONG DriverInitFlags; /* WDF_DRIVER_INIT_FLAGS */
	ULONG DriverPoolTag; /* 0: the framework makes one from the driver's name */
} WDF_DRIVER_CONFIG, *PWDF_DRIVER_CONFIG;

WDF_INLINE void WDF_DRIVER_CONFIG_INIT(PWDF_DRIVER_CONFIG Config, PFN_WDF_DRIVER_DEVICE_ADD EvtDriverDeviceAdd)
{
	WDF_INIT_SIZED(Config);
	Config->EvtDriverDeviceAdd = EvtDriverDeviceAdd;
}

typedef struct _WDF_DRIVER_VERSION_AVAILABLE_PARAMS {
	ULONG Size;
	ULONG MajorVersion;
	ULONG MinorVersion;
} WDF_DRIVER_VERSION_AVAILABLE_PARAMS, *PWDF_DRIVER_VERSION_AVAILABLE_PARAMS;

WDF_INLINE void WDF_DRIVER_VERSION_AVAILABLE_PARAMS_INIT(PWDF_DRIVER_VERSION_AVAILABLE_PARAMS Params,
							 ULONG MajorVersion, ULONG MinorVersion)
{
	WDF_INIT_SIZED(Params);
	Params->MajorVersion = MajorVersion;
	Params->MinorVersion = MinorVersion;
}

/* [PASSIVE] Creates the driver object, once, in DriverEntry. `Driver` may be NULL. */
WDF_INLINE NTSTATUS WdfDriverCreate(PDRIVER_OBJECT DriverObject, PCUNICODE_STRING RegistryPath,
				    PWDF_OBJECT_ATTRIBUTES DriverAttributes, PWDF_DRIVER_CONFIG DriverConfig,
				    WDFDRIVER *Driver);

/* [PASSIVE] The driver's service key, NUL-terminated, good until unload. */
WDF_INLINE PWSTR WdfDriverGetRegistryPath(WDFDRIVER Driver);

/* [DISPATCH] The system's driver object. */
WDF_INLINE PDRIVER_OBJECT WdfDriverWdmGetDriverObject(WDFDRIVER Driver);

/* [PASSIVE] Opens the Parameters key below the service key. */
WDF_INLINE NTSTATUS WdfDriverOpenParametersRegistryKey(WDFDRIVER Driver, ACCESS_MASK DesiredAccess,
						       PWDF_OBJECT_ATTRIBUTES KeyAttributes, WDFKEY *Key);

/* [DISPATCH] The framework's handle for the system's driver object. */
WDF_INLINE WDFDRIVER WdfWdmDriverGetWdfDriverHandle(PDRIVER_OBJECT DriverObject);

/* [PASSIVE] For WPP tracing. */
WDF_INLINE NTSTATUS WdfDriverRegisterTraceInfo(PDRIVER_OBJECT DriverObject, PFN_WDF_TRACE_CALLBACK EvtTraceCallback,
					       PVOID ControlBlock);

/* [PASSIVE] The framework's version in words. */
WDF_INLINE NTSTATUS WdfDriverRetrieveVersionString(WDFDRIVER Driver, WDFSTRING String);

/* [PASSIVE] Whether the framework loaded is at least that version. */
WDF_INLINE BOOLEAN WdfDriverIsVersionAvailable(WDFDRIVER Driver,
					       PWDF_DRIVER_VERSION_AVAILABLE_PARAMS VersionAvailableParams);

WDF_INLINE WDFDRIVER WdfGetDriver(void)
{
	return WdfDriverGlobals->Driver;
}

#endif
