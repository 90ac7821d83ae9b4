/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DMA enablers: how a device masters the bus.
 */
#ifndef _WDFDMAENABLER_H_
#define _WDFDMAENABLER_H_

#define WDF_DMA_ENABLER_UNLIMITED_FRAGMENTS ((ULONG)-1)

typedef enum _WDF_DMA_PROFILE {
	WdfDmaProfileInvalid = 0,
	WdfDmaProfilePacket = 1,
	WdfDmaProfileScatterGather = 2,
	WdfDmaProfilePacket64 = 3,
	WdfDmaProfileScatterGather64 = 4,
	WdfDmaProfileScatterGatherDuplex = 5,
	WdfDmaProfileScatterGather64Duplex = 6,
	WdfDmaProfileSystem = 7,
	WdfDmaProfileSystemDuplex = 8,
} WDF_DMA_PROFILE;

typedef enum _WDF_DMA_DIRECTION {
	WdfDmaDirectionReadFromDevice = 0,
	WdfDmaDirectionWriteToDevice = 1,
} WDF_DMA_DIRECTION;

typedef enum _WDF_DMA_ENABLER_CONFIG_FLAGS {
	WDF_DMA_ENABLER_CONFIG_NO_SGLIST_PREALLOCATION = 1,
} WDF_DMA_ENABLER_CONFIG_FLAGS;

typedef NTSTATUS NTAPI EVT_WDF_DMA_ENABLER_FILL(WDFDMAENABLER DmaEnabler);
typedef EVT_WDF_DMA_ENABLER_FILL *PFN_WDF_DMA_ENABLER_FILL;

typedef NTSTATUS NTAPI EVT_WDF_DMA_ENABLER_FLUSH(WDFDMAENABLER DmaEnabler);
typedef EVT_WDF_DMA_ENABLER_FLUSH *PFN_WDF_DMA_ENABLER_FLUSH;

typedef NTSTATUS NTAPI EVT_WDF_DMA_ENABLER_ENABLE(WDFDMAENABLER DmaEnabler);
typedef EVT_WDF_DMA_ENABLER_ENABLE *PFN_WDF_DMA_ENABLER_ENABLE;

typedef NTSTATUS NTAPI EVT_WDF_DMA_ENABLER_DISABLE(WDFDMAENABLER DmaEnabler);
typedef EVT_WDF_DMA_ENABLER_DISABLE *PFN_WDF_DMA_ENABLER_DISABLE;

typedef NTSTATUS NTAPI EVT_WDF_DMA_ENABLER_SELFMANAGED_IO_START(WDFDMAENABLER DmaEnabler);
typedef EVT_WDF_DMA_ENABLER_SELFMANAGED_IO_START *PFN_WDF_DMA_ENABLER_SELFMANAGED_IO_START;

typedef NTSTATUS NTAPI EVT_WDF_DMA_ENABLER_SELFMANAGED_IO_STOP(WDFDMAENABLER DmaEnabler);
typedef EVT_WDF_DMA_ENABLER_SELFMANAGED_IO_STOP *PFN_WDF_DMA_ENABLER_SELFMANAGED_IO_STOP;

typedef struct _WDF_DMA_ENABLER_CONFIG {
	ULONG Size;
	WDF_DMA_PROFILE Profile;
	size_t MaximumLength; /* bytes in one transfer */
	PFN_WDF_DMA_ENABLER_FILL EvtDmaEnablerFill;
	PFN_WDF_DMA_ENABLER_FLUSH EvtDmaEnablerFlush;
	PFN_WDF_DMA_ENABLER_DISABLE EvtDmaEnablerDisable;
	PFN_WDF_DMA_ENABLER_ENABLE EvtDmaEnablerEnable;
	PFN_WDF_DMA_ENABLER_SELFMANAGED_IO_START EvtDmaEnablerSelfManagedIoStart;
	PFN_WDF_DMA_ENABLER_SELFMANAGED_IO_STOP EvtDmaEnablerSelfManagedIoStop;
	UCHAR AddressWidthOverride; /* bits; 0: as the profile says */
	ULONG WdmDmaVersionOverride; /* 0: as the profile says */
	ULONG Flags; /* WDF_DMA_ENABLER_CONFIG_FLAGS */
} WDF_DMA_ENABLER_CONFIG, *PWDF_DMA_ENABLER_CONFIG;

WDF_INLINE void WDF_DMA_ENABLER_CONFIG_INIT(PWDF_DMA_ENABLER_CONFIG Config, WDF_DMA_PROFILE Profile,
					    size_t MaximumLength)
{
	WDF_INIT_SIZED(Config);
	Config->Profile = Profile;
	Config->MaximumLength = MaximumLength;
}

/* For devices that use a system DMA controller. */
typedef struct _WDF_DMA_SYSTEM_PROFILE_CONFIG {
	ULONG Size;
	BOOLEAN DemandMode;
	BOOLEAN LoopedTransfer;
	DMA_WIDTH DmaWidth;
	PHYSICAL_ADDRESS DeviceAddress;
	PCM_PARTIAL_RESOURCE_DESCRIPTOR DmaDescriptor;
} WDF_DMA_SYSTEM_PROFILE_CONFIG, *PWDF_DMA_SYSTEM_PROFILE_CONFIG;

WDF_INLINE void WDF_DMA_SYSTEM_PROFILE_CONFIG_INIT(PWDF_DMA_SYSTEM_PROFILE_CONFIG DmaConfig, PHYSICAL_ADDRESS Address,
						   DMA_WIDTH DmaWidth, PCM_PARTIAL_RESOURCE_DESCRIPTOR DmaDescriptor)
{
	WDF_INIT_SIZED(DmaConfig);
	DmaConfig->DeviceAddress = Address;
	DmaConfig->DmaWidth = DmaWidth;
	DmaConfig->DmaDescriptor = DmaDescriptor;
}

/* [PASSIVE] Needs the device's alignment requirement set before. */
WDF_INLINE NTSTATUS WdfDmaEnablerCreate(WDFDEVICE Device, PWDF_DMA_ENABLER_CONFIG Config,
					PWDF_OBJECT_ATTRIBUTES Attributes, WDFDMAENABLER *DmaEnablerHandle);

/* [DISPATCH] Bytes in one transfer. */
WDF_INLINE size_t WdfDmaEnablerGetMaximumLength(WDFDMAENABLER DmaEnabler);

/* [DISPATCH] Bytes in one transfer that the system's map registers allow. */
WDF_INLINE size_t WdfDmaEnablerGetFragmentLength(WDFDMAENABLER DmaEnabler, WDF_DMA_DIRECTION DmaDirection);

/* [DISPATCH] Fragments in one transfer. */
WDF_INLINE size_t WdfDmaEnablerGetMaximumScatterGatherElements(WDFDMAENABLER DmaEnabler);

/* [PASSIVE] Once, before the first transaction. */
WDF_INLINE void WdfDmaEnablerSetMaximumScatterGatherElements(WDFDMAENABLER DmaEnabler, size_t MaximumFragments);

/* [DISPATCH] The system's DMA adapter. */
WDF_INLINE PDMA_ADAPTER WdfDmaEnablerWdmGetDmaAdapter(WDFDMAENABLER DmaEnabler, WDF_DMA_DIRECTION DmaDirection);

/* [PASSIVE] For system DMA. */
WDF_INLINE NTSTATUS WdfDmaEnablerConfigureSystemProfile(WDFDMAENABLER DmaEnabler,
							PWDF_DMA_SYSTEM_PROFILE_CONFIG ProfileConfig,
							WDF_DMA_DIRECTION ConfigDirection);

#endif
