/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory objects: pool memory that is deleted with its parent, and lookaside lists of them.
 */
#ifndef _WDFMEMORY_H_
#define _WDFMEMORY_H_

typedef enum _WDF_MEMORY_DESCRIPTOR_TYPE {
	WdfMemoryDescriptorTypeInvalid = 0,
	WdfMemoryDescriptorTypeBuffer = 1,
	WdfMemoryDescriptorTypeMdl = 2,
	WdfMemoryDescriptorTypeHandle = 3,
} WDF_MEMORY_DESCRIPTOR_TYPE;

/* Describes a buffer to the synchronous functions of an I/O target. */
typedef struct _WDF_MEMORY_DESCRIPTOR {
	WDF_MEMORY_DESCRIPTOR_TYPE Type;
	union {
		struct {
			PVOID Buffer;
			ULONG Length;
		} BufferType;
		struct {
			PMDL Mdl;
			ULONG BufferLength;
		} MdlType;
		struct {
			WDFMEMORY Memory;
			PWDFMEMORY_OFFSET Offsets;
		} HandleType;
	} u;
} WDF_MEMORY_DESCRIPTOR, *PWDF_MEMORY_DESCRIPTOR;

WDF_INLINE void WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(PWDF_MEMORY_DESCRIPTOR Descriptor, PVOID Buffer, ULONG BufferLength)
{
	RtlZeroMemory(Descriptor, sizeof(*Descriptor));
	Descriptor->Type = WdfMemoryDescriptorTypeBuffer;
	Descriptor->u.BufferType.Buffer = Buffer;
	Descriptor->u.BufferType.Length = BufferLength;
}

WDF_INLINE void WDF_MEMORY_DESCRIPTOR_INIT_MDL(PWDF_MEMORY_DESCRIPTOR Descriptor, PMDL Mdl, ULONG BufferLength)
{
	RtlZeroMemory(Descriptor, sizeof(*Descriptor));
	Descriptor->Type = WdfMemoryDescriptorTypeMdl;
	Descriptor->u.MdlType.Mdl = Mdl;
	Descriptor->u.MdlType.BufferLength = BufferLength;
}

WDF_INLINE void WDF_MEMORY_DESCRIPTOR_INIT_HANDLE(PWDF_MEMORY_DESCRIPTOR Descriptor, WDFMEMORY Memory,
						  PWDFMEMORY_OFFSET Offsets)
{
	RtlZeroMemory(Descriptor, sizeof(*Descriptor));
	Descriptor->Type = WdfMemoryDescriptorTypeHandle;
	Descriptor->u.HandleType.Memory = Memory;
	Descriptor->u.HandleType.Offsets = Offsets;
}

/* [DISPATCH] Allocates; not zeroed. A PoolTag of 0 takes the driver's; `Buffer` may be NULL. */
WDF_INLINE NTSTATUS WdfMemoryCreate(PWDF_OBJECT_ATTRIBUTES Attributes, POOL_TYPE PoolType, ULONG PoolTag,
				    size_t BufferSize, WDFMEMORY *Memory, PVOID *Buffer);

/* [DISPATCH] Wraps memory that the driver has allocated itself, and keeps. */
WDF_INLINE NTSTATUS WdfMemoryCreatePreallocated(PWDF_OBJECT_ATTRIBUTES Attributes, PVOID Buffer, size_t BufferSize,
						WDFMEMORY *Memory);

/* [DISPATCH] The buffer and, unless NULL, its size in bytes. */
WDF_INLINE PVOID WdfMemoryGetBuffer(WDFMEMORY Memory, size_t *BufferSize);

/* [DISPATCH] Another buffer for a preallocated memory object. */
WDF_INLINE NTSTATUS WdfMemoryAssignBuffer(WDFMEMORY Memory, PVOID Buffer, size_t BufferSize);

/* [DISPATCH] Copies out; STATUS_BUFFER_TOO_SMALL when the memory is shorter. */
WDF_INLINE NTSTATUS WdfMemoryCopyToBuffer(WDFMEMORY SourceMemory, size_t SourceOffset, PVOID Buffer,
					  size_t NumBytesToCopyTo);

/* [DISPATCH] Copies in; STATUS_BUFFER_TOO_SMALL when the memory is shorter. */
WDF_INLINE NTSTATUS WdfMemoryCopyFromBuffer(WDFMEMORY DestinationMemory, size_t DestinationOffset, PVOID Buffer,
					    size_t NumBytesToCopyFrom);

/* [DISPATCH] A list of memory objects of one size. */
WDF_INLINE NTSTATUS WdfLookasideListCreate(PWDF_OBJECT_ATTRIBUTES LookasideAttributes, size_t BufferSize,
					   POOL_TYPE PoolType, PWDF_OBJECT_ATTRIBUTES MemoryAttributes, ULONG PoolTag,
					   WDFLOOKASIDE *Lookaside);

/* [DISPATCH] Takes one from the list; WdfObjectDelete puts it back. */
WDF_INLINE NTSTATUS WdfMemoryCreateFromLookaside(WDFLOOKASIDE Lookaside, WDFMEMORY *Memory);

#endif
