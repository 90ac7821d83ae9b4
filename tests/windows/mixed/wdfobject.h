/* SPDX-License-Identifier: Apache-2.0 */
typedef
const struct _WDF_OBJECT_CONTEXT_TYPE_INFO *
(__cdecl *PFN_GET_UNIQUE_CONTEXT_TYPE)(
	VOID
	);

typedef struct _WDF_OBJECT_CONTEXT_TYPE_INFO {
	PCHAR Name;
	PFN_GET_UNIQUE_CONTEXT_TYPE Other;
} WDF_OBJECT_CONTEXT_TYPE_INFO;

typedef
WDFAPI
PVOID
(FASTCALL *PFN_FAST)(
	_In_
	PVOID Globals,
	_In_
	PVOID Object
	);

PVOID
FORCEINLINE
Fast(
	_In_
	PVOID Object
	)
{
	return ((PFN_FAST) WdfFunctions[1])(NULL, Object);
}

VOID
FORCEINLINE
Named(
	_In_z_ PCHAR File
	)
{
	UNREFERENCED_PARAMETER(File);
}

#define NAMED() Named(__FILE__)

#define SECTION ".data"
#pragma section(SECTION)
#pragma section(".other$b", read, write)

#define DECLARE_CONTEXT(Type, Accessor)                                                                                \
	typedef Type *Type##_POINTER;                                                                                  \
	__declspec(allocate( SECTION ))                                                                                \
	__declspec(selectany)                                                                                          \
	extern const WDF_OBJECT_CONTEXT_TYPE_INFO                                                                      \
	Type##_INFO = {#Type, NULL};                                                                                   \
	__drv_aliasesMem                                                                                               \
	Type##_POINTER                                                                                                 \
	FORCEINLINE                                                                                                    \
	Accessor(                                                                                                      \
		_In_ PVOID Object                                                                                      \
		)                                                                                                      \
	{                                                                                                              \
		return (Type##_POINTER)Fast(Object);                                                                   \
	}
