/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registry keys that are closed with their parent.
 */
#ifndef _WDFREGISTRY_H_
#define _WDFREGISTRY_H_

/* [PASSIVE] `ParentKey` NULL: the name is absolute. */
WDF_INLINE NTSTATUS WdfRegistryOpenKey(WDFKEY ParentKey, PCUNICODE_STRING KeyName, ACCESS_MASK DesiredAccess,
				       PWDF_OBJECT_ATTRIBUTES KeyAttributes, WDFKEY *Key);

/* [PASSIVE] Opens or creates. */
WDF_INLINE NTSTATUS WdfRegistryCreateKey(WDFKEY ParentKey, PCUNICODE_STRING KeyName, ACCESS_MASK DesiredAccess,
					 ULONG CreateOptions, PULONG CreateDisposition,
					 PWDF_OBJECT_ATTRIBUTES KeyAttributes, WDFKEY *Key);

/* [PASSIVE] Closes, and deletes the object. */
WDF_INLINE void WdfRegistryClose(WDFKEY Key);

/* [PASSIVE] The system's handle. */
WDF_INLINE HANDLE WdfRegistryWdmGetHandle(WDFKEY Key);

/* [PASSIVE] Deletes the key, and the object. */
WDF_INLINE NTSTATUS WdfRegistryRemoveKey(WDFKEY Key);

/* [PASSIVE] Deletes a value. */
WDF_INLINE NTSTATUS WdfRegistryRemoveValue(WDFKEY Key, PCUNICODE_STRING ValueName);

/* [PASSIVE] A value of any type. */
WDF_INLINE NTSTATUS WdfRegistryQueryValue(WDFKEY Key, PCUNICODE_STRING ValueName, ULONG ValueLength, PVOID Value,
					  PULONG ValueLengthQueried, PULONG ValueType);

/* [PASSIVE] The same, into memory of its own. */
WDF_INLINE NTSTATUS WdfRegistryQueryMemory(WDFKEY Key, PCUNICODE_STRING ValueName, POOL_TYPE PoolType,
					   PWDF_OBJECT_ATTRIBUTES MemoryAttributes, WDFMEMORY *Memory,
					   PULONG ValueType);

/* [PASSIVE] REG_MULTI_SZ as string objects. */
WDF_INLINE NTSTATUS WdfRegistryQueryMultiString(WDFKEY Key, PCUNICODE_STRING ValueName,
						PWDF_OBJECT_ATTRIBUTES StringsAttributes, WDFCOLLECTION Collection);

/* [PASSIVE] REG_SZ into the caller's buffer. */
WDF_INLINE NTSTATUS WdfRegistryQueryUnicodeString(WDFKEY Key, PCUNICODE_STRING ValueName, PUSHORT ValueByteLength,
						  PUNICODE_STRING Value);

/* [PASSIVE] REG_SZ into a string object. */
WDF_INLINE NTSTATUS WdfRegistryQueryString(WDFKEY Key, PCUNICODE_STRING ValueName, WDFSTRING String);

/* [PASSIVE] REG_DWORD. */
WDF_INLINE NTSTATUS WdfRegistryQueryULong(WDFKEY Key, PCUNICODE_STRING ValueName, PULONG Value);

/* [PASSIVE] A value of any type. */
WDF_INLINE NTSTATUS WdfRegistryAssignValue(WDFKEY Key, PCUNICODE_STRING ValueName, ULONG ValueType, ULONG ValueLength,
					   PVOID Value);

/* [PASSIVE] A value from a memory object. */
WDF_INLINE NTSTATUS WdfRegistryAssignMemory(WDFKEY Key, PCUNICODE_STRING ValueName, ULONG ValueType, WDFMEMORY Memory,
					    PWDFMEMORY_OFFSET MemoryOffsets);

/* [PASSIVE] REG_MULTI_SZ from string objects. */
WDF_INLINE NTSTATUS WdfRegistryAssignMultiString(WDFKEY Key, PCUNICODE_STRING ValueName,
						 WDFCOLLECTION StringsCollection);

/* [PASSIVE] REG_SZ. */
WDF_INLINE NTSTATUS WdfRegistryAssignUnicodeString(WDFKEY Key, PCUNICODE_STRING ValueName, PCUNICODE_STRING Value);

/* [PASSIVE] REG_SZ from a string object. */
WDF_INLINE NTSTATUS WdfRegistryAssignString(WDFKEY Key, PCUNICODE_STRING ValueName, WDFSTRING String);

/* [PASSIVE] REG_DWORD. */
WDF_INLINE NTSTATUS WdfRegistryAssignULong(WDFKEY Key, PCUNICODE_STRING ValueName, ULONG Value);

#endif
