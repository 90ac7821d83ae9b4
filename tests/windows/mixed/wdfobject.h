/* SPDX-License-Identifier: Apache-2.0 */
typedef const struct _WDF_OBJECT_CONTEXT_TYPE_INFO {
	ULONG Size;
} WDF_OBJECT_CONTEXT_TYPE_INFO;

typedef const WDF_OBJECT_CONTEXT_TYPE_INFO *(__cdecl *PFN_GET_UNIQUE_CONTEXT_TYPE)(void);

#pragma section(".data")
#define DECLARE_CONTEXT(Name)                                                                                          \
	__declspec(allocate(".data"))                                                                                  \
	__declspec(selectany)                                                                                          \
	extern const WDF_OBJECT_CONTEXT_TYPE_INFO Name = {sizeof(WDF_OBJECT_CONTEXT_TYPE_INFO)};
