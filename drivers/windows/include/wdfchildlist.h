/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Child lists: the devices that a bus driver finds and reports.
 */
#ifndef _WDFCHILDLIST_H_
#define _WDFCHILDLIST_H_

typedef enum _WDF_CHILD_LIST_RETRIEVE_DEVICE_STATUS {
	WdfChildListRetrieveDeviceUndefined = 0,
	WdfChildListRetrieveDeviceSuccess = 1,
	WdfChildListRetrieveDeviceNotYetCreated = 2,
	WdfChildListRetrieveDeviceNoSuchDevice = 3,
} WDF_CHILD_LIST_RETRIEVE_DEVICE_STATUS, *PWDF_CHILD_LIST_RETRIEVE_DEVICE_STATUS;

typedef enum _WDF_RETRIEVE_CHILD_FLAGS {
	WdfRetrieveUnspecified = 0,
	WdfRetrievePresentChildren = 1,
	WdfRetrieveMissingChildren = 2,
	WdfRetrievePendingChildren = 4,
	WdfRetrieveAddedChildren = 5,
	WdfRetrieveAllChildren = 7,
} WDF_RETRIEVE_CHILD_FLAGS;

/* The first member of the driver's own description, which says who a child is. */
typedef struct _WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER {
	ULONG IdentificationDescriptionSize;
} WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER, *PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER;

WDF_INLINE void
WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER_INIT(PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER Header,
						 ULONG IdentificationDescriptionSize)
{
	RtlZeroMemory(Header, IdentificationDescriptionSize);
	Header->IdentificationDescriptionSize = IdentificationDescriptionSize;
}

/* The first member of the driver's own description, which says how to reach a child; that may change. */
typedef struct _WDF_CHILD_ADDRESS_DESCRIPTION_HEADER {
	ULONG AddressDescriptionSize;
} WDF_CHILD_ADDRESS_DESCRIPTION_HEADER, *PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER;

WDF_INLINE void WDF_CHILD_ADDRESS_DESCRIPTION_HEADER_INIT(PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER Header,
							  ULONG AddressDescriptionSize)
{
	RtlZeroMemory(Header, AddressDescriptionSize);
	Header->AddressDescriptionSize = AddressDescriptionSize;
}

typedef NTSTATUS NTAPI EVT_WDF_CHILD_LIST_CREATE_DEVICE(WDFCHILDLIST ChildList,
							PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER IdentificationDescription,
							PWDFDEVICE_INIT ChildInit);
typedef EVT_WDF_CHILD_LIST_CREATE_DEVICE *PFN_WDF_CHILD_LIST_CREATE_DEVICE;

typedef void NTAPI EVT_WDF_CHILD_LIST_SCAN_FOR_CHILDREN(WDFCHILDLIST ChildList);
typedef EVT_WDF_CHILD_LIST_SCAN_FOR_CHILDREN *PFN_WDF_CHILD_LIST_SCAN_FOR_CHILDREN;

typedef void NTAPI EVT_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_COPY(WDFCHILDLIST ChildList,
								      PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER SourceIdentificationDescription,
								      PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER DestinationIdentificationDescription);
typedef EVT_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_COPY *PFN_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_COPY;

typedef NTSTATUS NTAPI EVT_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_DUPLICATE(WDFCHILDLIST ChildList,
									       PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER SourceIdentificationDescription,
									       PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER DestinationIdentificationDescription);
typedef EVT_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_DUPLICATE *PFN_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_DUPLICATE;

typedef BOOLEAN NTAPI EVT_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_COMPARE(WDFCHILDLIST ChildList,
									    PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER FirstIdentificationDescription,
									    PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER SecondIdentificationDescription);
typedef EVT_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_COMPARE *PFN_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_COMPARE;

typedef void NTAPI EVT_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_CLEANUP(WDFCHILDLIST ChildList,
									 PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER IdentificationDescription);
typedef EVT_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_CLEANUP *PFN_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_CLEANUP;

typedef void NTAPI EVT_WDF_CHILD_LIST_ADDRESS_DESCRIPTION_COPY(WDFCHILDLIST ChildList,
							       PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER SourceAddressDescription,
							       PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER DestinationAddressDescription);
typedef EVT_WDF_CHILD_LIST_ADDRESS_DESCRIPTION_COPY *PFN_WDF_CHILD_LIST_ADDRESS_DESCRIPTION_COPY;

typedef NTSTATUS NTAPI EVT_WDF_CHILD_LIST_ADDRESS_DESCRIPTION_DUPLICATE(WDFCHILDLIST ChildList,
									PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER SourceAddressDescription,
									PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER DestinationAddressDescription);
typedef EVT_WDF_CHILD_LIST_ADDRESS_DESCRIPTION_DUPLICATE *PFN_WDF_CHILD_LIST_ADDRESS_DESCRIPTION_DUPLICATE;

typedef void NTAPI EVT_WDF_CHILD_LIST_ADDRESS_DESCRIPTION_CLEANUP(WDFCHILDLIST ChildList,
								  PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER AddressDescription);
typedef EVT_WDF_CHILD_LIST_ADDRESS_DESCRIPTION_CLEANUP *PFN_WDF_CHILD_LIST_ADDRESS_DESCRIPTION_CLEANUP;

typedef BOOLEAN NTAPI EVT_WDF_CHILD_LIST_DEVICE_REENUMERATED(WDFCHILDLIST ChildList, WDFDEVICE OldDevice,
							     PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER OldAddressDescription,
							     PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER NewAddressDescription);
typedef EVT_WDF_CHILD_LIST_DEVICE_REENUMERATED *PFN_WDF_CHILD_LIST_DEVICE_REENUMERATED;

typedef struct _WDF_CHILD_RETRIEVE_INFO {
	ULONG Size;
	PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER IdentificationDescription;
	PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER AddressDescription;
	WDF_CHILD_LIST_RETRIEVE_DEVICE_STATUS Status;
	PFN_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_COMPARE EvtChildListIdentificationDescriptionCompare;
} WDF_CHILD_RETRIEVE_INFO, *PWDF_CHILD_RETRIEVE_INFO;

WDF_INLINE void WDF_CHILD_RETRIEVE_INFO_INIT(PWDF_CHILD_RETRIEVE_INFO Info,
					     PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER IdentificationDescription)
{
	WDF_INIT_SIZED(Info);
	Info->IdentificationDescription = IdentificationDescription;
}

typedef struct _WDF_CHILD_LIST_CONFIG {
	ULONG Size;
	ULONG IdentificationDescriptionSize; /* bytes */
	ULONG AddressDescriptionSize; /* bytes; 0: there is none */
	PFN_WDF_CHILD_LIST_CREATE_DEVICE EvtChildListCreateDevice;
	PFN_WDF_CHILD_LIST_SCAN_FOR_CHILDREN EvtChildListScanForChildren;
	PFN_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_COPY EvtChildListIdentificationDescriptionCopy;
	PFN_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_DUPLICATE EvtChildListIdentificationDescriptionDuplicate;
	PFN_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_CLEANUP EvtChildListIdentificationDescriptionCleanup;
	PFN_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_COMPARE EvtChildListIdentificationDescriptionCompare;
	PFN_WDF_CHILD_LIST_ADDRESS_DESCRIPTION_COPY EvtChildListAddressDescriptionCopy;
	PFN_WDF_CHILD_LIST_ADDRESS_DESCRIPTION_DUPLICATE EvtChildListAddressDescriptionDuplicate;
	PFN_WDF_CHILD_LIST_ADDRESS_DESCRIPTION_CLEANUP EvtChildListAddressDescriptionCleanup;
	PFN_WDF_CHILD_LIST_DEVICE_REENUMERATED EvtChildListDeviceReenumerated;
} WDF_CHILD_LIST_CONFIG, *PWDF_CHILD_LIST_CONFIG;

WDF_INLINE void WDF_CHILD_LIST_CONFIG_INIT(PWDF_CHILD_LIST_CONFIG Config, ULONG IdentificationDescriptionSize,
					   PFN_WDF_CHILD_LIST_CREATE_DEVICE EvtChildListCreateDevice)
{
	WDF_INIT_SIZED(Config);
	Config->IdentificationDescriptionSize = IdentificationDescriptionSize;
	Config->EvtChildListCreateDevice = EvtChildListCreateDevice;
}

typedef struct _WDF_CHILD_LIST_ITERATOR {
	ULONG Size;
	ULONG Flags; /* WDF_RETRIEVE_CHILD_FLAGS */
	PVOID Reserved[4];
} WDF_CHILD_LIST_ITERATOR, *PWDF_CHILD_LIST_ITERATOR;

WDF_INLINE void WDF_CHILD_LIST_ITERATOR_INIT(PWDF_CHILD_LIST_ITERATOR Iterator, ULONG Flags)
{
	WDF_INIT_SIZED(Iterator);
	Iterator->Flags = Flags;
}

/* [PASSIVE] One more child list of a function driver's device. */
WDF_INLINE NTSTATUS WdfChildListCreate(WDFDEVICE Device, PWDF_CHILD_LIST_CONFIG Config,
				       PWDF_OBJECT_ATTRIBUTES ChildListAttributes, WDFCHILDLIST *ChildList);

/* [DISPATCH] The parent device. */
WDF_INLINE WDFDEVICE WdfChildListGetDevice(WDFCHILDLIST ChildList);

/* [DISPATCH] The child that answers a description, or NULL. */
WDF_INLINE WDFDEVICE WdfChildListRetrievePdo(WDFCHILDLIST ChildList, PWDF_CHILD_RETRIEVE_INFO RetrieveInfo);

/* [DISPATCH] A child's address. */
WDF_INLINE NTSTATUS WdfChildListRetrieveAddressDescription(WDFCHILDLIST ChildList,
							   PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER IdentificationDescription,
							   PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER AddressDescription);

/* [DISPATCH] A new scan: children not reported before WdfChildListEndScan are missing. */
WDF_INLINE void WdfChildListBeginScan(WDFCHILDLIST ChildList);

/* [DISPATCH] The scan's end. */
WDF_INLINE void WdfChildListEndScan(WDFCHILDLIST ChildList);

/* [DISPATCH] Holds the list still while it is walked. */
WDF_INLINE void WdfChildListBeginIteration(WDFCHILDLIST ChildList, PWDF_CHILD_LIST_ITERATOR Iterator);

/* [DISPATCH] The next child; STATUS_NO_MORE_ENTRIES at the end. `Info` may be NULL. */
WDF_INLINE NTSTATUS WdfChildListRetrieveNextDevice(WDFCHILDLIST ChildList, PWDF_CHILD_LIST_ITERATOR Iterator,
						   WDFDEVICE *Device, PWDF_CHILD_RETRIEVE_INFO Info);

/* [DISPATCH] The walk's end. */
WDF_INLINE void WdfChildListEndIteration(WDFCHILDLIST ChildList, PWDF_CHILD_LIST_ITERATOR Iterator);

/* [DISPATCH] Reports a child that is there. STATUS_OBJECT_NAME_EXISTS: known already, its address was updated. */
WDF_INLINE NTSTATUS WdfChildListAddOrUpdateChildDescriptionAsPresent(WDFCHILDLIST ChildList,
								     PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER IdentificationDescription,
								     PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER AddressDescription);

/* [DISPATCH] Reports a child gone. */
WDF_INLINE NTSTATUS WdfChildListUpdateChildDescriptionAsMissing(WDFCHILDLIST ChildList,
								PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER IdentificationDescription);

/* [DISPATCH] All known children are still there. */
WDF_INLINE void WdfChildListUpdateAllChildDescriptionsAsPresent(WDFCHILDLIST ChildList);

/* [DISPATCH] The user wants to eject a child. */
WDF_INLINE BOOLEAN WdfChildListRequestChildEject(WDFCHILDLIST ChildList,
						 PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER IdentificationDescription);

#endif
