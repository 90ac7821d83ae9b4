/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resource lists: what a device asks for, and what it was granted.
 */
#ifndef _WDFRESOURCE_H_
#define _WDFRESOURCE_H_

/* An index: behind the last one. */
#define WDF_INSERT_AT_END ((ULONG)-1)

/* [DISPATCH] How many descriptors the list of granted resources has. */
WDF_INLINE ULONG WdfCmResourceListGetCount(WDFCMRESLIST List);

/* [DISPATCH] The descriptor at an index, or NULL past the end. */
WDF_INLINE PCM_PARTIAL_RESOURCE_DESCRIPTOR WdfCmResourceListGetDescriptor(WDFCMRESLIST List, ULONG Index);

/* [DISPATCH] Adds one at the end. */
WDF_INLINE NTSTATUS WdfCmResourceListAppendDescriptor(WDFCMRESLIST List, PCM_PARTIAL_RESOURCE_DESCRIPTOR Descriptor);

/* [DISPATCH] Adds one before an index. */
WDF_INLINE NTSTATUS WdfCmResourceListInsertDescriptor(WDFCMRESLIST List, PCM_PARTIAL_RESOURCE_DESCRIPTOR Descriptor,
						      ULONG Index);

/* [DISPATCH] Takes one out. */
WDF_INLINE void WdfCmResourceListRemove(WDFCMRESLIST List, ULONG Index);

/* [DISPATCH] Takes one out. */
WDF_INLINE void WdfCmResourceListRemoveByDescriptor(WDFCMRESLIST List, PCM_PARTIAL_RESOURCE_DESCRIPTOR Descriptor);

/* [DISPATCH] The slot on the bus. */
WDF_INLINE void WdfIoResourceRequirementsListSetSlotNumber(WDFIORESREQLIST RequirementsList, ULONG SlotNumber);

/* [DISPATCH] The bus. */
WDF_INLINE void WdfIoResourceRequirementsListSetInterfaceType(WDFIORESREQLIST RequirementsList,
							      INTERFACE_TYPE InterfaceType);

/* [DISPATCH] Adds an alternative, the least wanted one. */
WDF_INLINE NTSTATUS WdfIoResourceRequirementsListAppendIoResList(WDFIORESREQLIST RequirementsList,
								 WDFIORESLIST IoResList);

/* [DISPATCH] Adds an alternative before an index. */
WDF_INLINE NTSTATUS WdfIoResourceRequirementsListInsertIoResList(WDFIORESREQLIST RequirementsList,
								 WDFIORESLIST IoResList, ULONG Index);

/* [DISPATCH] How many alternatives there are. */
WDF_INLINE ULONG WdfIoResourceRequirementsListGetCount(WDFIORESREQLIST RequirementsList);

/* [DISPATCH] The alternative at an index, or NULL past the end. */
WDF_INLINE WDFIORESLIST WdfIoResourceRequirementsListGetIoResList(WDFIORESREQLIST RequirementsList, ULONG Index);

/* [DISPATCH] Takes one out. */
WDF_INLINE void WdfIoResourceRequirementsListRemove(WDFIORESREQLIST RequirementsList, ULONG Index);

/* [DISPATCH] Takes one out. */
WDF_INLINE void WdfIoResourceRequirementsListRemoveByIoResList(WDFIORESREQLIST RequirementsList,
							       WDFIORESLIST IoResList);

/* [DISPATCH] An empty alternative. */
WDF_INLINE NTSTATUS WdfIoResourceListCreate(WDFIORESREQLIST RequirementsList, PWDF_OBJECT_ATTRIBUTES Attributes,
					    WDFIORESLIST *ResourceList);

/* [DISPATCH] Adds a resource at the end. */
WDF_INLINE NTSTATUS WdfIoResourceListAppendDescriptor(WDFIORESLIST ResourceList, PIO_RESOURCE_DESCRIPTOR Descriptor);

/* [DISPATCH] Adds a resource before an index. */
WDF_INLINE NTSTATUS WdfIoResourceListInsertDescriptor(WDFIORESLIST ResourceList, PIO_RESOURCE_DESCRIPTOR Descriptor,
						      ULONG Index);

/* [DISPATCH] Replaces a resource. */
WDF_INLINE void WdfIoResourceListUpdateDescriptor(WDFIORESLIST ResourceList, PIO_RESOURCE_DESCRIPTOR Descriptor,
						  ULONG Index);

/* [DISPATCH] How many resources there are. */
WDF_INLINE ULONG WdfIoResourceListGetCount(WDFIORESLIST ResourceList);

/* [DISPATCH] The resource at an index, or NULL past the end. */
WDF_INLINE PIO_RESOURCE_DESCRIPTOR WdfIoResourceListGetDescriptor(WDFIORESLIST ResourceList, ULONG Index);

/* [DISPATCH] Takes one out. */
WDF_INLINE void WdfIoResourceListRemove(WDFIORESLIST ResourceList, ULONG Index);

/* [DISPATCH] Takes one out. */
WDF_INLINE void WdfIoResourceListRemoveByDescriptor(WDFIORESLIST ResourceList, PIO_RESOURCE_DESCRIPTOR Descriptor);

#endif
