/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects: parents and children, attributes, the driver's own context memory, references.
 */
#ifndef _WDFOBJECT_H_
#define _WDFOBJECT_H_

typedef enum _WDF_EXECUTION_LEVEL {
	WdfExecutionLevelInvalid = 0,
	WdfExecutionLevelInheritFromParent = 1,
	WdfExecutionLevelPassive = 2,
	WdfExecutionLevelDispatch = 3,
} WDF_EXECUTION_LEVEL;

typedef enum _WDF_SYNCHRONIZATION_SCOPE {
	WdfSynchronizationScopeInvalid = 0,
	WdfSynchronizationScopeInheritFromParent = 1,
	WdfSynchronizationScopeDevice = 2,
	WdfSynchronizationScopeQueue = 3,
	WdfSynchronizationScopeNone = 4,
} WDF_SYNCHRONIZATION_SCOPE;

typedef void NTAPI EVT_WDF_OBJECT_CONTEXT_CLEANUP(WDFOBJECT Object);
typedef EVT_WDF_OBJECT_CONTEXT_CLEANUP *PFN_WDF_OBJECT_CONTEXT_CLEANUP;

typedef void NTAPI EVT_WDF_OBJECT_CONTEXT_DESTROY(WDFOBJECT Object);
typedef EVT_WDF_OBJECT_CONTEXT_DESTROY *PFN_WDF_OBJECT_CONTEXT_DESTROY;

/* -- context types ---------------------------------------------------------------------------------------------- */

typedef const struct _WDF_OBJECT_CONTEXT_TYPE_INFO *PCWDF_OBJECT_CONTEXT_TYPE_INFO;
typedef PCWDF_OBJECT_CONTEXT_TYPE_INFO(__cdecl *PFN_GET_UNIQUE_CONTEXT_TYPE)(void);

typedef struct _WDF_OBJECT_CONTEXT_TYPE_INFO {
	ULONG Size;
	LPCSTR ContextName;
	size_t ContextSize;
	PCWDF_OBJECT_CONTEXT_TYPE_INFO UniqueType; /* the one description that stands for the type */
	PFN_GET_UNIQUE_CONTEXT_TYPE EvtDriverGetUniqueContextType;
} WDF_OBJECT_CONTEXT_TYPE_INFO, *PWDF_OBJECT_CONTEXT_TYPE_INFO;

typedef struct _WDF_CUSTOM_TYPE_CONTEXT {
	ULONG Size;
	ULONG_PTR Data;
} WDF_CUSTOM_TYPE_CONTEXT, *PWDF_CUSTOM_TYPE_CONTEXT;

#define WDF_TYPE_NAME_TO_TYPE_INFO(Type) _WDF_##Type##_TYPE_INFO
#define WDF_GET_CONTEXT_TYPE_INFO(Type) (&WDF_TYPE_NAME_TO_TYPE_INFO(Type))

/*
 * Makes `Type` a context type, and `Accessor` the function that returns an object's context of that type. In a header
 * or a source file, at file scope; the description is the same object in all files of a driver (selectany).
 */
#define WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(Type, Accessor)                                                             \
	__declspec(selectany) const WDF_OBJECT_CONTEXT_TYPE_INFO WDF_TYPE_NAME_TO_TYPE_INFO(Type) = {                  \
		sizeof(WDF_OBJECT_CONTEXT_TYPE_INFO), #Type, sizeof(Type), WDF_GET_CONTEXT_TYPE_INFO(Type), NULL};     \
	WDF_INLINE Type *Accessor(WDFOBJECT Handle)                                                                    \
	{                                                                                                              \
		return (Type *)WdfObjectGetTypedContextWorker(Handle, WDF_GET_CONTEXT_TYPE_INFO(Type)->UniqueType);    \
	}

/* The same with the customary name of the accessor. */
#define WDF_DECLARE_CONTEXT_TYPE(Type) WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(Type, WdfObjectGet_##Type)

#define WdfObjectGetTypedContext(Handle, Type)                                                                         \
	((Type *)WdfObjectGetTypedContextWorker((WDFOBJECT)(Handle), WDF_GET_CONTEXT_TYPE_INFO(Type)->UniqueType))

/* -- attributes ------------------------------------------------------------------------------------------------- */

struct _WDF_OBJECT_ATTRIBUTES {
	ULONG Size;
	PFN_WDF_OBJECT_CONTEXT_CLEANUP EvtCleanupCallback; /* the object is being deleted */
	PFN_WDF_OBJECT_CONTEXT_DESTROY EvtDestroyCallback; /* its last reference is gone */
	WDF_EXECUTION_LEVEL ExecutionLevel;
	WDF_SYNCHRONIZATION_SCOPE SynchronizationScope;
	WDFOBJECT ParentObject; /* deleted with it; NULL for the type's default parent */
	size_t ContextSizeOverride; /* larger than the context type says; 0: as it says */
	PCWDF_OBJECT_CONTEXT_TYPE_INFO ContextTypeInfo;
};

WDF_INLINE void WDF_OBJECT_ATTRIBUTES_INIT(PWDF_OBJECT_ATTRIBUTES Attributes)
{
	WDF_INIT_SIZED(Attributes);
	Attributes->ExecutionLevel = WdfExecutionLevelInheritFromParent;
	Attributes->SynchronizationScope = WdfSynchronizationScopeInheritFromParent;
}

#define WDF_OBJECT_ATTRIBUTES_SET_CONTEXT_TYPE(Attributes, Type)                                                       \
	((Attributes)->ContextTypeInfo = WDF_GET_CONTEXT_TYPE_INFO(Type)->UniqueType)

#define WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(Attributes, Type)                                                      \
	(WDF_OBJECT_ATTRIBUTES_INIT(Attributes), WDF_OBJECT_ATTRIBUTES_SET_CONTEXT_TYPE(Attributes, Type))

/* -- functions -------------------------------------------------------------------------------------------------- */

/* [any] The object's context of a type, or NULL when it has none; use the type's accessor. */
WDF_INLINE PVOID WdfObjectGetTypedContextWorker(WDFOBJECT Handle, PCWDF_OBJECT_CONTEXT_TYPE_INFO TypeInfo);

/*
 * [DISPATCH] Gives an existing object one more context. STATUS_OBJECT_NAME_EXISTS: it has that one already (and
 * *Context is it).
 */
WDF_INLINE NTSTATUS WdfObjectAllocateContext(WDFOBJECT Handle, PWDF_OBJECT_ATTRIBUTES ContextAttributes,
					     PVOID *Context);

/* [DISPATCH] The object to which a context belongs. */
WDF_INLINE WDFOBJECT WdfObjectContextGetObject(PVOID ContextPointer);

/* [DISPATCH] Takes a reference, remembered under a tag; use the macros below. */
WDF_INLINE void WdfObjectReferenceActual(WDFOBJECT Handle, PVOID Tag, LONG Line, PCHAR File);

/* [DISPATCH] Drops a reference that was taken under the same tag. */
WDF_INLINE void WdfObjectDereferenceActual(WDFOBJECT Handle, PVOID Tag, LONG Line, PCHAR File);

/* [DISPATCH] A general object, to hold context and children. */
WDF_INLINE NTSTATUS WdfObjectCreate(PWDF_OBJECT_ATTRIBUTES Attributes, WDFOBJECT *Object);

/* [DISPATCH] Deletes an object and its children; the memory goes with the last reference. */
WDF_INLINE void WdfObjectDelete(WDFOBJECT Object);

/* [DISPATCH] For the debugger's extensions. */
WDF_INLINE NTSTATUS WdfObjectQuery(WDFOBJECT Object, const GUID *Guid, ULONG QueryBufferLength, PVOID QueryBuffer);

#define WdfObjectReference(Handle) WdfObjectReferenceActual((Handle), NULL, __LINE__, (PCHAR)(ULONG_PTR)__FILE__)
#define WdfObjectReferenceWithTag(Handle, Tag)                                                                         \
	WdfObjectReferenceActual((Handle), (Tag), __LINE__, (PCHAR)(ULONG_PTR)__FILE__)
#define WdfObjectDereference(Handle) WdfObjectDereferenceActual((Handle), NULL, __LINE__, (PCHAR)(ULONG_PTR)__FILE__)
#define WdfObjectDereferenceWithTag(Handle, Tag)                                                                       \
	WdfObjectDereferenceActual((Handle), (Tag), __LINE__, (PCHAR)(ULONG_PTR)__FILE__)

#endif
