/* SPDX-License-Identifier: Apache-2.0 */
/*
 * I/O queues: how requests reach the driver.
 */
#ifndef _WDFIO_H_
#define _WDFIO_H_

typedef enum _WDF_IO_QUEUE_DISPATCH_TYPE {
	WdfIoQueueDispatchInvalid = 0,
	WdfIoQueueDispatchSequential = 1,
	WdfIoQueueDispatchParallel = 2,
	WdfIoQueueDispatchManual = 3,
	WdfIoQueueDispatchMax = 4,
} WDF_IO_QUEUE_DISPATCH_TYPE;

/* Bits of WdfIoQueueGetState's answer. */
typedef enum _WDF_IO_QUEUE_STATE {
	WdfIoQueueAcceptRequests = 1,
	WdfIoQueueDispatchRequests = 2,
	WdfIoQueueNoRequests = 4,
	WdfIoQueueDriverNoRequests = 8,
	WdfIoQueuePnpHeld = 16,
} WDF_IO_QUEUE_STATE;

typedef enum _WDF_IO_FORWARD_PROGRESS_ACTION {
	WdfIoForwardProgressActionInvalid = 0,
	WdfIoForwardProgressActionFailRequest = 1,
	WdfIoForwardProgressActionUseReservedRequest = 2,
} WDF_IO_FORWARD_PROGRESS_ACTION;

typedef enum _WDF_IO_FORWARD_PROGRESS_RESERVED_POLICY {
	WdfIoForwardProgressInvalidPolicy = 0,
	WdfIoForwardProgressReservedPolicyAlwaysUseReservedRequest = 1,
	WdfIoForwardProgressReservedPolicyUseExamine = 2,
	WdfIoForwardProgressReservedPolicyPagingIO = 3,
} WDF_IO_FORWARD_PROGRESS_RESERVED_POLICY;

typedef void NTAPI EVT_WDF_IO_QUEUE_IO_DEFAULT(WDFQUEUE Queue, WDFREQUEST Request);
typedef EVT_WDF_IO_QUEUE_IO_DEFAULT *PFN_WDF_IO_QUEUE_IO_DEFAULT;

typedef void NTAPI EVT_WDF_IO_QUEUE_IO_READ(WDFQUEUE Queue, WDFREQUEST Request, size_t Length);
typedef EVT_WDF_IO_QUEUE_IO_READ *PFN_WDF_IO_QUEUE_IO_READ;

typedef void NTAPI EVT_WDF_IO_QUEUE_IO_WRITE(WDFQUEUE Queue, WDFREQUEST Request, size_t Length);
typedef EVT_WDF_IO_QUEUE_IO_WRITE *PFN_WDF_IO_QUEUE_IO_WRITE;

typedef void NTAPI EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL(WDFQUEUE Queue, WDFREQUEST Request, size_t OutputBufferLength,
						      size_t InputBufferLength, ULONG IoControlCode);
typedef EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL *PFN_WDF_IO_QUEUE_IO_DEVICE_CONTROL;

typedef void NTAPI EVT_WDF_IO_QUEUE_IO_INTERNAL_DEVICE_CONTROL(WDFQUEUE Queue, WDFREQUEST Request,
							       size_t OutputBufferLength, size_t InputBufferLength,
							       ULONG IoControlCode);
typedef EVT_WDF_IO_QUEUE_IO_INTERNAL_DEVICE_CONTROL *PFN_WDF_IO_QUEUE_IO_INTERNAL_DEVICE_CONTROL;

/* The device leaves D0, or goes, while the driver has the request; ActionFlags: WDF_REQUEST_STOP_ACTION_FLAGS. */
typedef void NTAPI EVT_WDF_IO_QUEUE_IO_STOP(WDFQUEUE Queue, WDFREQUEST Request, ULONG ActionFlags);
typedef EVT_WDF_IO_QUEUE_IO_STOP *PFN_WDF_IO_QUEUE_IO_STOP;

/* The device is back in D0 and the driver still has the request. */
typedef void NTAPI EVT_WDF_IO_QUEUE_IO_RESUME(WDFQUEUE Queue, WDFREQUEST Request);
typedef EVT_WDF_IO_QUEUE_IO_RESUME *PFN_WDF_IO_QUEUE_IO_RESUME;

typedef void NTAPI EVT_WDF_IO_QUEUE_IO_CANCELED_ON_QUEUE(WDFQUEUE Queue, WDFREQUEST Request);
typedef EVT_WDF_IO_QUEUE_IO_CANCELED_ON_QUEUE *PFN_WDF_IO_QUEUE_IO_CANCELED_ON_QUEUE;

/* The queue is stopped, drained, purged or ready. */
typedef void NTAPI EVT_WDF_IO_QUEUE_STATE(WDFQUEUE Queue, WDFCONTEXT Context);
typedef EVT_WDF_IO_QUEUE_STATE *PFN_WDF_IO_QUEUE_STATE;

typedef NTSTATUS NTAPI EVT_WDF_IO_ALLOCATE_RESOURCES_FOR_RESERVED_REQUEST(WDFQUEUE Queue, WDFREQUEST Request);
typedef EVT_WDF_IO_ALLOCATE_RESOURCES_FOR_RESERVED_REQUEST *PFN_WDF_IO_ALLOCATE_RESOURCES_FOR_RESERVED_REQUEST;

typedef NTSTATUS NTAPI EVT_WDF_IO_ALLOCATE_REQUEST_RESOURCES(WDFQUEUE Queue, WDFREQUEST Request);
typedef EVT_WDF_IO_ALLOCATE_REQUEST_RESOURCES *PFN_WDF_IO_ALLOCATE_REQUEST_RESOURCES;

typedef WDF_IO_FORWARD_PROGRESS_ACTION NTAPI EVT_WDF_IO_WDM_IRP_FOR_FORWARD_PROGRESS(WDFQUEUE Queue, PIRP Irp);
typedef EVT_WDF_IO_WDM_IRP_FOR_FORWARD_PROGRESS *PFN_WDF_IO_WDM_IRP_FOR_FORWARD_PROGRESS;

typedef struct _WDF_IO_QUEUE_CONFIG {
	ULONG Size;
	WDF_IO_QUEUE_DISPATCH_TYPE DispatchType;
	WDF_TRI_STATE PowerManaged; /* presents requests in D0 only */
	BOOLEAN AllowZeroLengthRequests;
	BOOLEAN DefaultQueue;
	PFN_WDF_IO_QUEUE_IO_DEFAULT EvtIoDefault;
	PFN_WDF_IO_QUEUE_IO_READ EvtIoRead;
	PFN_WDF_IO_QUEUE_IO_WRITE EvtIoWrite;
	PFN_WDF_IO_QUEUE_IO_DEVICE_CONTROL EvtIoDeviceControl;
	PFN_WDF_IO_QUEUE_IO_INTERNAL_DEVICE_CONTROL EvtIoInternalDeviceControl;
	PFN_WDF_IO_QUEUE_IO_STOP EvtIoStop;
	PFN_WDF_IO_QUEUE_IO_RESUME EvtIoResume;
	PFN_WDF_IO_QUEUE_IO_CANCELED_ON_QUEUE EvtIoCanceledOnQueue;
	union {
		struct {
			ULONG NumberOfPresentedRequests; /* how many the driver has at most; all ones: no limit */
		} Parallel;
	} Settings;
	WDFDRIVER Driver;
} WDF_IO_QUEUE_CONFIG, *PWDF_IO_QUEUE_CONFIG;

WDF_INLINE void WDF_IO_QUEUE_CONFIG_INIT(PWDF_IO_QUEUE_CONFIG Config, WDF_IO_QUEUE_DISPATCH_TYPE DispatchType)
{
	WDF_INIT_SIZED(Config);
	Config->DispatchType = DispatchType;
	Config->PowerManaged = WdfUseDefault;
	if (DispatchType == WdfIoQueueDispatchParallel)
		Config->Settings.Parallel.NumberOfPresentedRequests = (ULONG)-1;
}

WDF_INLINE void WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(PWDF_IO_QUEUE_CONFIG Config,
						       WDF_IO_QUEUE_DISPATCH_TYPE DispatchType)
{
	WDF_IO_QUEUE_CONFIG_INIT(Config, DispatchType);
	Config->DefaultQueue = TRUE;
}

typedef struct _WDF_IO_FORWARD_PROGRESS_RESERVED_POLICY_SETTINGS {
	union {
		struct {
			PFN_WDF_IO_WDM_IRP_FOR_FORWARD_PROGRESS EvtIoWdmIrpForForwardProgress;
		} ExaminePolicy;
	} Policy;
} WDF_IO_FORWARD_PROGRESS_RESERVED_POLICY_SETTINGS;

/* Requests set aside so that paging I/O goes on in low memory. */
typedef struct _WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY {
	ULONG Size;
	ULONG TotalForwardProgressRequests;
	WDF_IO_FORWARD_PROGRESS_RESERVED_POLICY ForwardProgressReservedPolicy;
	WDF_IO_FORWARD_PROGRESS_RESERVED_POLICY_SETTINGS ForwardProgressReservePolicySettings;
	PFN_WDF_IO_ALLOCATE_RESOURCES_FOR_RESERVED_REQUEST EvtIoAllocateResourcesForReservedRequest;
	PFN_WDF_IO_ALLOCATE_REQUEST_RESOURCES EvtIoAllocateRequestResources;
} WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY, *PWDF_IO_QUEUE_FORWARD_PROGRESS_POLICY;

WDF_INLINE void WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY_DEFAULT_INIT(PWDF_IO_QUEUE_FORWARD_PROGRESS_POLICY Policy,
								  ULONG TotalForwardProgressRequests)
{
	WDF_INIT_SIZED(Policy);
	Policy->TotalForwardProgressRequests = TotalForwardProgressRequests;
	Policy->ForwardProgressReservedPolicy = WdfIoForwardProgressReservedPolicyAlwaysUseReservedRequest;
}

WDF_INLINE void
WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY_EXAMINE_INIT(PWDF_IO_QUEUE_FORWARD_PROGRESS_POLICY Policy,
						  ULONG TotalForwardProgressRequests,
						  PFN_WDF_IO_WDM_IRP_FOR_FORWARD_PROGRESS EvtIoWdmIrpForForwardProgress)
{
	WDF_INIT_SIZED(Policy);
	Policy->TotalForwardProgressRequests = TotalForwardProgressRequests;
	Policy->ForwardProgressReservedPolicy = WdfIoForwardProgressReservedPolicyUseExamine;
	Policy->ForwardProgressReservePolicySettings.Policy.ExaminePolicy.EvtIoWdmIrpForForwardProgress =
		EvtIoWdmIrpForForwardProgress;
}

WDF_INLINE void WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY_PAGINGIO_INIT(PWDF_IO_QUEUE_FORWARD_PROGRESS_POLICY Policy,
								   ULONG TotalForwardProgressRequests)
{
	WDF_INIT_SIZED(Policy);
	Policy->TotalForwardProgressRequests = TotalForwardProgressRequests;
	Policy->ForwardProgressReservedPolicy = WdfIoForwardProgressReservedPolicyPagingIO;
}

/* What an answer of WdfIoQueueGetState means. */
#define WDF_IO_QUEUE_IDLE(State)                                                                                       \
	(((State) & (WdfIoQueueNoRequests | WdfIoQueueDriverNoRequests)) ==                                            \
	 (WdfIoQueueNoRequests | WdfIoQueueDriverNoRequests))
#define WDF_IO_QUEUE_READY(State)                                                                                      \
	(((State) & (WdfIoQueueDispatchRequests | WdfIoQueueAcceptRequests | WdfIoQueuePnpHeld)) ==                    \
	 (WdfIoQueueDispatchRequests | WdfIoQueueAcceptRequests))
#define WDF_IO_QUEUE_STOPPED(State)                                                                                    \
	(((State) & (WdfIoQueueAcceptRequests | WdfIoQueueDispatchRequests | WdfIoQueueDriverNoRequests)) ==           \
	 (WdfIoQueueAcceptRequests | WdfIoQueueDriverNoRequests))
#define WDF_IO_QUEUE_DRAINED(State)                                                                                    \
	(!((State) & WdfIoQueueAcceptRequests) && ((State) & WdfIoQueueDispatchRequests) && WDF_IO_QUEUE_IDLE(State))
#define WDF_IO_QUEUE_PURGED(State) (!((State) & WdfIoQueueAcceptRequests) && WDF_IO_QUEUE_IDLE(State))

/* [DISPATCH] A queue; at passive level when it sets the default queue's execution level. `Queue` may be NULL. */
WDF_INLINE NTSTATUS WdfIoQueueCreate(WDFDEVICE Device, PWDF_IO_QUEUE_CONFIG Config,
				     PWDF_OBJECT_ATTRIBUTES QueueAttributes, WDFQUEUE *Queue);

/* [DISPATCH] Its state, and how many requests are in it and with the driver; either may be NULL. */
WDF_INLINE WDF_IO_QUEUE_STATE WdfIoQueueGetState(WDFQUEUE Queue, PULONG QueueRequests, PULONG DriverRequests);

/* [DISPATCH] The device. */
WDF_INLINE WDFDEVICE WdfIoQueueGetDevice(WDFQUEUE Queue);

/* [DISPATCH] From a manual or sequential queue. STATUS_NO_MORE_ENTRIES: empty; STATUS_WDF_PAUSED: not in D0. */
WDF_INLINE NTSTATUS WdfIoQueueRetrieveNextRequest(WDFQUEUE Queue, WDFREQUEST *OutRequest);

/* [DISPATCH] The next one of a file object. */
WDF_INLINE NTSTATUS WdfIoQueueRetrieveRequestByFileObject(WDFQUEUE Queue, WDFFILEOBJECT FileObject,
							  WDFREQUEST *OutRequest);

/* [DISPATCH] Looks at requests in order without taking them; the one returned is referenced. */
WDF_INLINE NTSTATUS WdfIoQueueFindRequest(WDFQUEUE Queue, WDFREQUEST FoundRequest, WDFFILEOBJECT FileObject,
					  PWDF_REQUEST_PARAMETERS Parameters, WDFREQUEST *OutRequest);

/* [DISPATCH] Takes the one that was found. STATUS_NOT_FOUND: it is gone meanwhile. */
WDF_INLINE NTSTATUS WdfIoQueueRetrieveFoundRequest(WDFQUEUE Queue, WDFREQUEST FoundRequest, WDFREQUEST *OutRequest);

/* [DISPATCH] Accepts and presents requests. */
WDF_INLINE void WdfIoQueueStart(WDFQUEUE Queue);

/* [DISPATCH] Accepts, presents no more; calls back when the driver has none left. */
WDF_INLINE void WdfIoQueueStop(WDFQUEUE Queue, PFN_WDF_IO_QUEUE_STATE StopComplete, WDFCONTEXT Context);

/* [PASSIVE] The same, and waits. */
WDF_INLINE void WdfIoQueueStopSynchronously(WDFQUEUE Queue);

/* [DISPATCH] Accepts no more, presents what it has. */
WDF_INLINE void WdfIoQueueDrain(WDFQUEUE Queue, PFN_WDF_IO_QUEUE_STATE DrainComplete, WDFCONTEXT Context);

/* [PASSIVE] The same, and waits. */
WDF_INLINE void WdfIoQueueDrainSynchronously(WDFQUEUE Queue);

/* [DISPATCH] Accepts no more, cancels what it has. */
WDF_INLINE void WdfIoQueuePurge(WDFQUEUE Queue, PFN_WDF_IO_QUEUE_STATE PurgeComplete, WDFCONTEXT Context);

/* [PASSIVE] The same, and waits. */
WDF_INLINE void WdfIoQueuePurgeSynchronously(WDFQUEUE Queue);

/* [DISPATCH] Accepts, presents no more, cancels what it has. */
WDF_INLINE void WdfIoQueueStopAndPurge(WDFQUEUE Queue, PFN_WDF_IO_QUEUE_STATE StopAndPurgeComplete, WDFCONTEXT Context);

/* [PASSIVE] The same, and waits. */
WDF_INLINE void WdfIoQueueStopAndPurgeSynchronously(WDFQUEUE Queue);

/* [DISPATCH] Calls back when an empty manual queue gets a request; NULL ends that. */
WDF_INLINE NTSTATUS WdfIoQueueReadyNotify(WDFQUEUE Queue, PFN_WDF_IO_QUEUE_STATE QueueReady, WDFCONTEXT Context);

/* [PASSIVE] Sets requests aside. */
WDF_INLINE NTSTATUS WdfIoQueueAssignForwardProgressPolicy(WDFQUEUE Queue,
							  PWDF_IO_QUEUE_FORWARD_PROGRESS_POLICY ForwardProgressPolicy);

#endif
