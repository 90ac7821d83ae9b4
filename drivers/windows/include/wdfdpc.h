/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DPCs that belong to no interrupt.
 */
#ifndef _WDFDPC_H_
#define _WDFDPC_H_

typedef void NTAPI EVT_WDF_DPC(WDFDPC Dpc);
typedef EVT_WDF_DPC *PFN_WDF_DPC;

typedef struct _WDF_DPC_CONFIG {
	ULONG Size;
	PFN_WDF_DPC EvtDpcFunc;
	BOOLEAN AutomaticSerialization; /* under the parent's callback lock */
} WDF_DPC_CONFIG, *PWDF_DPC_CONFIG;

WDF_INLINE void WDF_DPC_CONFIG_INIT(PWDF_DPC_CONFIG Config, PFN_WDF_DPC EvtDpcFunc)
{
	WDF_INIT_SIZED(Config);
	Config->EvtDpcFunc = EvtDpcFunc;
	Config->AutomaticSerialization = TRUE;
}

/* [DISPATCH] Attributes->ParentObject is required. */
WDF_INLINE NTSTATUS WdfDpcCreate(PWDF_DPC_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFDPC *Dpc);

/* [any] FALSE: it was queued already. */
WDF_INLINE BOOLEAN WdfDpcEnqueue(WDFDPC Dpc);

/* [DISPATCH] TRUE: it was queued, and is no more. Waits only at passive level. */
WDF_INLINE BOOLEAN WdfDpcCancel(WDFDPC Dpc, BOOLEAN Wait);

/* [DISPATCH] The parent. */
WDF_INLINE WDFOBJECT WdfDpcGetParentObject(WDFDPC Dpc);

/* [DISPATCH] The system's DPC object. */
WDF_INLINE PKDPC WdfDpcWdmGetDpc(WDFDPC Dpc);

#endif
