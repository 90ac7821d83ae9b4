/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work items: work put off to passive level.
 */
#ifndef _WDFWORKITEM_H_
#define _WDFWORKITEM_H_

typedef void NTAPI EVT_WDF_WORKITEM(WDFWORKITEM WorkItem);
typedef EVT_WDF_WORKITEM *PFN_WDF_WORKITEM;

typedef struct _WDF_WORKITEM_CONFIG {
	ULONG Size;
	PFN_WDF_WORKITEM EvtWorkItemFunc;
	BOOLEAN AutomaticSerialization; /* under the parent's callback lock, which must be one of passive level */
} WDF_WORKITEM_CONFIG, *PWDF_WORKITEM_CONFIG;

WDF_INLINE void WDF_WORKITEM_CONFIG_INIT(PWDF_WORKITEM_CONFIG Config, PFN_WDF_WORKITEM EvtWorkItemFunc)
{
	WDF_INIT_SIZED(Config);
	Config->EvtWorkItemFunc = EvtWorkItemFunc;
	Config->AutomaticSerialization = TRUE;
}

/* [DISPATCH] Attributes->ParentObject is required: a device, or what descends from one. */
WDF_INLINE NTSTATUS WdfWorkItemCreate(PWDF_WORKITEM_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes,
				      WDFWORKITEM *WorkItem);

/* [DISPATCH] Runs it soon; queued twice before it runs, it runs once. */
WDF_INLINE void WdfWorkItemEnqueue(WDFWORKITEM WorkItem);

/* [DISPATCH] The parent. */
WDF_INLINE WDFOBJECT WdfWorkItemGetParentObject(WDFWORKITEM WorkItem);

/* [PASSIVE] Waits until it has run, if it was queued. */
WDF_INLINE void WdfWorkItemFlush(WDFWORKITEM WorkItem);

#endif
