/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collections: lists of objects, which they keep referenced.
 */
#ifndef _WDFCOLLECTION_H_
#define _WDFCOLLECTION_H_

/* [DISPATCH] An empty collection. */
WDF_INLINE NTSTATUS WdfCollectionCreate(PWDF_OBJECT_ATTRIBUTES CollectionAttributes, WDFCOLLECTION *Collection);

/* [DISPATCH] How many objects it holds. */
WDF_INLINE ULONG WdfCollectionGetCount(WDFCOLLECTION Collection);

/* [DISPATCH] Appends an object. */
WDF_INLINE NTSTATUS WdfCollectionAdd(WDFCOLLECTION Collection, WDFOBJECT Object);

/* [DISPATCH] Takes an object out. */
WDF_INLINE void WdfCollectionRemove(WDFCOLLECTION Collection, WDFOBJECT Item);

/* [DISPATCH] Takes the object at an index out. */
WDF_INLINE void WdfCollectionRemoveItem(WDFCOLLECTION Collection, ULONG Index);

/* [DISPATCH] The object at an index, or NULL past the end. */
WDF_INLINE WDFOBJECT WdfCollectionGetItem(WDFCOLLECTION Collection, ULONG Index);

/* [DISPATCH] The first, or NULL. */
WDF_INLINE WDFOBJECT WdfCollectionGetFirstItem(WDFCOLLECTION Collection);

/* [DISPATCH] The last, or NULL. */
WDF_INLINE WDFOBJECT WdfCollectionGetLastItem(WDFCOLLECTION Collection);

#endif
