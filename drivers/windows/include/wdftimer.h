/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers.
 */
#ifndef _WDFTIMER_H_
#define _WDFTIMER_H_

#define TolerableDelayUnlimited ((ULONG)-1)

typedef void NTAPI EVT_WDF_TIMER(WDFTIMER Timer);
typedef EVT_WDF_TIMER *PFN_WDF_TIMER;

typedef struct _WDF_TIMER_CONFIG {
	ULONG Size;
	PFN_WDF_TIMER EvtTimerFunc;
	ULONG Period; /* ms; 0: once */
	BOOLEAN AutomaticSerialization; /* under the parent's callback lock */
	ULONG TolerableDelay; /* ms that it may come late */
	DECLSPEC_ALIGN(8) WDF_TRI_STATE UseHighResolutionTimer;
} WDF_TIMER_CONFIG, *PWDF_TIMER_CONFIG;

WDF_INLINE void WDF_TIMER_CONFIG_INIT(PWDF_TIMER_CONFIG Config, PFN_WDF_TIMER EvtTimerFunc)
{
	WDF_INIT_SIZED(Config);
	Config->EvtTimerFunc = EvtTimerFunc;
	Config->AutomaticSerialization = TRUE;
}

WDF_INLINE void WDF_TIMER_CONFIG_INIT_PERIODIC(PWDF_TIMER_CONFIG Config, PFN_WDF_TIMER EvtTimerFunc, LONG Period)
{
	WDF_TIMER_CONFIG_INIT(Config, EvtTimerFunc);
	Config->Period = (ULONG)Period;
}

/* [DISPATCH] Attributes->ParentObject is required; with an ExecutionLevel of passive it runs as a work item. */
WDF_INLINE NTSTATUS WdfTimerCreate(PWDF_TIMER_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFTIMER *Timer);

/* [DISPATCH] (Re)starts; DueTime as in WDF_REL_TIMEOUT_IN_MS. TRUE: it was already running. */
WDF_INLINE BOOLEAN WdfTimerStart(WDFTIMER Timer, LONGLONG DueTime);

/* [DISPATCH] TRUE: it was running. Waits for the callback only at passive level. */
WDF_INLINE BOOLEAN WdfTimerStop(WDFTIMER Timer, BOOLEAN Wait);

/* [DISPATCH] The parent. */
WDF_INLINE WDFOBJECT WdfTimerGetParentObject(WDFTIMER Timer);

#endif
