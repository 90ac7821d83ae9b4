/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Common buffers: memory that processor and device both reach, contiguous for both, coherent.
 */
#ifndef _WDFCOMMONBUFFER_H_
#define _WDFCOMMONBUFFER_H_

typedef struct _WDF_COMMON_BUFFER_CONFIG {
	ULONG Size;
	ULONG AlignmentRequirement; /* FILE_xxx_ALIGNMENT: one less than the alignment in bytes */
} WDF_COMMON_BUFFER_CONFIG, *PWDF_COMMON_BUFFER_CONFIG;

WDF_INLINE void WDF_COMMON_BUFFER_CONFIG_INIT(PWDF_COMMON_BUFFER_CONFIG Config, ULONG AlignmentRequirement)
{
	WDF_INIT_SIZED(Config);
	Config->AlignmentRequirement = AlignmentRequirement;
}

/* [PASSIVE] Aligned as the device's alignment requirement says. */
WDF_INLINE NTSTATUS WdfCommonBufferCreate(WDFDMAENABLER DmaEnabler, size_t Length, PWDF_OBJECT_ATTRIBUTES Attributes,
					  WDFCOMMONBUFFER *CommonBuffer);

/* [PASSIVE] Aligned as asked for. */
WDF_INLINE NTSTATUS WdfCommonBufferCreateWithConfig(WDFDMAENABLER DmaEnabler, size_t Length,
						    PWDF_COMMON_BUFFER_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes,
						    WDFCOMMONBUFFER *CommonBuffer);

/* [DISPATCH] Where the processor finds it. */
WDF_INLINE PVOID WdfCommonBufferGetAlignedVirtualAddress(WDFCOMMONBUFFER CommonBuffer);

/* [DISPATCH] Where the device finds it. */
WDF_INLINE PHYSICAL_ADDRESS WdfCommonBufferGetAlignedLogicalAddress(WDFCOMMONBUFFER CommonBuffer);

/* [DISPATCH] Bytes asked for. */
WDF_INLINE size_t WdfCommonBufferGetLength(WDFCOMMONBUFFER CommonBuffer);

#endif
