/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests: one for each IRP that a queue presents, or that the driver makes for an I/O target.
 */
#ifndef _WDFREQUEST_H_
#define _WDFREQUEST_H_

typedef enum _WDF_REQUEST_REUSE_FLAGS {
	WDF_REQUEST_REUSE_NO_FLAGS = 0,
	WDF_REQUEST_REUSE_SET_NEW_IRP = 1,
} WDF_REQUEST_REUSE_FLAGS;

typedef enum _WDF_REQUEST_STOP_ACTION_FLAGS {
	WdfRequestStopActionInvalid = 0,
	WdfRequestStopActionSuspend = 1,
	WdfRequestStopActionPurge = 2,
	WdfRequestStopRequestCancelable = 0x10000000,
} WDF_REQUEST_STOP_ACTION_FLAGS;

typedef enum _WDF_REQUEST_SEND_OPTIONS_FLAGS {
	WDF_REQUEST_SEND_OPTION_TIMEOUT = 1,
	WDF_REQUEST_SEND_OPTION_SYNCHRONOUS = 2,
	WDF_REQUEST_SEND_OPTION_IGNORE_TARGET_STATE = 4,
	WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET = 8,
	WDF_REQUEST_SEND_OPTION_IMPERSONATE_CLIENT = 0x10000,
	WDF_REQUEST_SEND_OPTION_IMPERSONATION_IGNORE_FAILURE = 0x20000,
} WDF_REQUEST_SEND_OPTIONS_FLAGS;

typedef enum _WDF_REQUEST_FORWARD_OPTIONS_FLAGS {
	WDF_REQUEST_FORWARD_OPTION_SEND_AND_FORGET = 1,
} WDF_REQUEST_FORWARD_OPTIONS_FLAGS;

/* The sender wants a cancelable request back: complete it with STATUS_CANCELLED, soon. */
typedef void NTAPI EVT_WDF_REQUEST_CANCEL(WDFREQUEST Request);
typedef EVT_WDF_REQUEST_CANCEL *PFN_WDF_REQUEST_CANCEL;

/* What a request asks for, by its type. */
typedef struct _WDF_REQUEST_PARAMETERS {
	USHORT Size;
	UCHAR MinorFunction;
	WDF_REQUEST_TYPE Type;
	union {
		struct {
			PIO_SECURITY_CONTEXT SecurityContext;
			ULONG Options;
			USHORT POINTER_ALIGNMENT FileAttributes;
			USHORT ShareAccess;
			ULONG POINTER_ALIGNMENT EaLength;
		} Create;
		struct {
			size_t Length; /* bytes */
			ULONG POINTER_ALIGNMENT Key;
			LONGLONG DeviceOffset;
		} Read;
		struct {
			size_t Length; /* bytes */
			ULONG POINTER_ALIGNMENT Key;
			LONGLONG DeviceOffset;
		} Write;
		struct {
			size_t OutputBufferLength;
			size_t POINTER_ALIGNMENT InputBufferLength;
			ULONG POINTER_ALIGNMENT IoControlCode;
			PVOID Type3InputBuffer;
		} DeviceIoControl;
		struct {
			PVOID Arg1;
			PVOID Arg2;
			ULONG POINTER_ALIGNMENT IoControlCode;
			PVOID Arg4;
		} Others;
	} Parameters;
} WDF_REQUEST_PARAMETERS, *PWDF_REQUEST_PARAMETERS;

WDF_INLINE void WDF_REQUEST_PARAMETERS_INIT(PWDF_REQUEST_PARAMETERS Parameters)
{
	WDF_INIT_SIZED(Parameters);
}

/* How a request ended that the driver had sent to an I/O target. */
typedef struct _WDF_REQUEST_COMPLETION_PARAMS {
	ULONG Size;
	WDF_REQUEST_TYPE Type;
	IO_STATUS_BLOCK IoStatus;
	union {
		struct {
			WDFMEMORY Buffer;
			size_t Length;
			size_t Offset;
		} Write;
		struct {
			WDFMEMORY Buffer;
			size_t Length;
			size_t Offset;
		} Read;
		struct {
			ULONG IoControlCode;
			struct {
				WDFMEMORY Buffer;
				size_t Offset;
			} Input;
			struct {
				WDFMEMORY Buffer;
				size_t Offset;
				size_t Length;
			} Output;
		} Ioctl;
		struct {
			union {
				PVOID Ptr;
				ULONG_PTR Value;
			} Argument1, Argument2, Argument3, Argument4;
		} Others;
	} Parameters;
} WDF_REQUEST_COMPLETION_PARAMS, *PWDF_REQUEST_COMPLETION_PARAMS;

WDF_INLINE void WDF_REQUEST_COMPLETION_PARAMS_INIT(PWDF_REQUEST_COMPLETION_PARAMS Params)
{
	WDF_INIT_SIZED(Params);
	Params->Type = WdfRequestTypeNoFormat;
}

/* A request that the driver had sent is done. */
typedef void NTAPI EVT_WDF_REQUEST_COMPLETION_ROUTINE(WDFREQUEST Request, WDFIOTARGET Target,
						      PWDF_REQUEST_COMPLETION_PARAMS Params, WDFCONTEXT Context);
typedef EVT_WDF_REQUEST_COMPLETION_ROUTINE *PFN_WDF_REQUEST_COMPLETION_ROUTINE;

typedef struct _WDF_REQUEST_REUSE_PARAMS {
	ULONG Size;
	ULONG Flags; /* WDF_REQUEST_REUSE_FLAGS */
	NTSTATUS Status;
	PIRP NewIrp;
} WDF_REQUEST_REUSE_PARAMS, *PWDF_REQUEST_REUSE_PARAMS;

WDF_INLINE void WDF_REQUEST_REUSE_PARAMS_INIT(PWDF_REQUEST_REUSE_PARAMS Params, ULONG Flags, NTSTATUS Status)
{
	WDF_INIT_SIZED(Params);
	Params->Flags = Flags;
	Params->Status = Status;
}

WDF_INLINE void WDF_REQUEST_REUSE_PARAMS_SET_NEW_IRP(PWDF_REQUEST_REUSE_PARAMS Params, PIRP NewIrp)
{
	Params->Flags |= WDF_REQUEST_REUSE_SET_NEW_IRP;
	Params->NewIrp = NewIrp;
}

typedef struct _WDF_REQUEST_SEND_OPTIONS {
	ULONG Size;
	ULONG Flags; /* WDF_REQUEST_SEND_OPTIONS_FLAGS */
	LONGLONG Timeout; /* 100 ns, negative: from now on */
} WDF_REQUEST_SEND_OPTIONS, *PWDF_REQUEST_SEND_OPTIONS;

WDF_INLINE void WDF_REQUEST_SEND_OPTIONS_INIT(PWDF_REQUEST_SEND_OPTIONS Options, ULONG Flags)
{
	WDF_INIT_SIZED(Options);
	Options->Flags = Flags;
}

WDF_INLINE void WDF_REQUEST_SEND_OPTIONS_SET_TIMEOUT(PWDF_REQUEST_SEND_OPTIONS Options, LONGLONG Timeout)
{
	Options->Flags |= WDF_REQUEST_SEND_OPTION_TIMEOUT;
	Options->Timeout = Timeout;
}

typedef struct _WDF_REQUEST_FORWARD_OPTIONS {
	ULONG Size;
	ULONG Flags; /* WDF_REQUEST_FORWARD_OPTIONS_FLAGS */
} WDF_REQUEST_FORWARD_OPTIONS, *PWDF_REQUEST_FORWARD_OPTIONS;

WDF_INLINE void WDF_REQUEST_FORWARD_OPTIONS_INIT(PWDF_REQUEST_FORWARD_OPTIONS ForwardOptions)
{
	WDF_INIT_SIZED(ForwardOptions);
	ForwardOptions->Flags = WDF_REQUEST_FORWARD_OPTION_SEND_AND_FORGET;
}

/* -- what it asks for ------------------------------------------------------------------------------------------- */

/* [DISPATCH] Type, lengths and control code. */
WDF_INLINE void WdfRequestGetParameters(WDFREQUEST Request, PWDF_REQUEST_PARAMETERS Parameters);

/* [DISPATCH] The input in system memory. STATUS_BUFFER_TOO_SMALL: shorter than required; `Length` may be NULL. */
WDF_INLINE NTSTATUS WdfRequestRetrieveInputBuffer(WDFREQUEST Request, size_t MinimumRequiredLength, PVOID *Buffer,
						  size_t *Length);

/* [DISPATCH] The output in system memory; the same memory as the input when buffered. */
WDF_INLINE NTSTATUS WdfRequestRetrieveOutputBuffer(WDFREQUEST Request, size_t MinimumRequiredSize, PVOID *Buffer,
						   size_t *Length);

/* [DISPATCH] The input as a memory object. */
WDF_INLINE NTSTATUS WdfRequestRetrieveInputMemory(WDFREQUEST Request, WDFMEMORY *Memory);

/* [DISPATCH] The output as a memory object. */
WDF_INLINE NTSTATUS WdfRequestRetrieveOutputMemory(WDFREQUEST Request, WDFMEMORY *Memory);

/* [DISPATCH] The input's MDL. */
WDF_INLINE NTSTATUS WdfRequestRetrieveInputWdmMdl(WDFREQUEST Request, PMDL *Mdl);

/* [DISPATCH] The output's MDL. */
WDF_INLINE NTSTATUS WdfRequestRetrieveOutputWdmMdl(WDFREQUEST Request, PMDL *Mdl);

/* [PASSIVE] In the sender's context only: its own address, not checked. */
WDF_INLINE NTSTATUS WdfRequestRetrieveUnsafeUserInputBuffer(WDFREQUEST Request, size_t MinimumRequiredLength,
							    PVOID *InputBuffer, size_t *Length);

/* [PASSIVE] In the sender's context only: its own address, not checked. */
WDF_INLINE NTSTATUS WdfRequestRetrieveUnsafeUserOutputBuffer(WDFREQUEST Request, size_t MinimumRequiredLength,
							     PVOID *OutputBuffer, size_t *Length);

/* [PASSIVE] Checks and locks a user buffer that the driver will read. */
WDF_INLINE NTSTATUS WdfRequestProbeAndLockUserBufferForRead(WDFREQUEST Request, PVOID Buffer, size_t Length,
							    WDFMEMORY *MemoryObject);

/* [PASSIVE] Checks and locks a user buffer that the driver will write. */
WDF_INLINE NTSTATUS WdfRequestProbeAndLockUserBufferForWrite(WDFREQUEST Request, PVOID Buffer, size_t Length,
							     WDFMEMORY *MemoryObject);

/* [DISPATCH] The file object it came by, or NULL. */
WDF_INLINE WDFFILEOBJECT WdfRequestGetFileObject(WDFREQUEST Request);

/* [DISPATCH] KernelMode or UserMode. */
WDF_INLINE KPROCESSOR_MODE WdfRequestGetRequestorMode(WDFREQUEST Request);

/* [DISPATCH] Whether pointers in its buffers are 32 bits wide. */
WDF_INLINE BOOLEAN WdfRequestIsFrom32BitProcess(WDFREQUEST Request);

/* [DISPATCH] Whether it is one set aside for low memory. */
WDF_INLINE BOOLEAN WdfRequestIsReserved(WDFREQUEST Request);

/* [DISPATCH] The system's IRP. */
WDF_INLINE PIRP WdfRequestWdmGetIrp(WDFREQUEST Request);

/* [DISPATCH] The queue that presented it, or NULL. */
WDF_INLINE WDFQUEUE WdfRequestGetIoQueue(WDFREQUEST Request);

/* -- its end ---------------------------------------------------------------------------------------------------- */

/* [DISPATCH] Completes it; the handle is not the driver's any more. */
WDF_INLINE void WdfRequestComplete(WDFREQUEST Request, NTSTATUS Status);

/* [DISPATCH] The same with the number of bytes transferred. */
WDF_INLINE void WdfRequestCompleteWithInformation(WDFREQUEST Request, NTSTATUS Status, ULONG_PTR Information);

/* [DISPATCH] The same with a boost for the waiting thread. */
WDF_INLINE void WdfRequestCompleteWithPriorityBoost(WDFREQUEST Request, NTSTATUS Status, CCHAR PriorityBoost);

/* [DISPATCH] The number of bytes transferred. */
WDF_INLINE void WdfRequestSetInformation(WDFREQUEST Request, ULONG_PTR Information);

/* [DISPATCH] The number of bytes transferred. */
WDF_INLINE ULONG_PTR WdfRequestGetInformation(WDFREQUEST Request);

/* [DISPATCH] The status it was completed with. */
WDF_INLINE NTSTATUS WdfRequestGetStatus(WDFREQUEST Request);

/* [DISPATCH] May call the callback at once, when it is cancelled already. */
WDF_INLINE void WdfRequestMarkCancelable(WDFREQUEST Request, PFN_WDF_REQUEST_CANCEL EvtRequestCancel);

/* [DISPATCH] STATUS_CANCELLED: it is cancelled already, the callback will not come, complete it. */
WDF_INLINE NTSTATUS WdfRequestMarkCancelableEx(WDFREQUEST Request, PFN_WDF_REQUEST_CANCEL EvtRequestCancel);

/* [DISPATCH] STATUS_CANCELLED: the callback has come or will; it completes the request. */
WDF_INLINE NTSTATUS WdfRequestUnmarkCancelable(WDFREQUEST Request);

/* [DISPATCH] Whether its sender has cancelled it; for one that is not marked cancelable. */
WDF_INLINE BOOLEAN WdfRequestIsCanceled(WDFREQUEST Request);

/* [DISPATCH] The answer to EvtIoStop. */
WDF_INLINE void WdfRequestStopAcknowledge(WDFREQUEST Request, BOOLEAN Requeue);

/* -- on to another queue or driver ------------------------------------------------------------------------------ */

/* [DISPATCH] To another queue of the same device. */
WDF_INLINE NTSTATUS WdfRequestForwardToIoQueue(WDFREQUEST Request, WDFQUEUE DestinationQueue);

/* [DISPATCH] To a queue of the parent device. */
WDF_INLINE NTSTATUS WdfRequestForwardToParentDeviceIoQueue(WDFREQUEST Request, WDFQUEUE ParentDeviceQueue,
							   PWDF_REQUEST_FORWARD_OPTIONS ForwardOptions);

/* [DISPATCH] Back to the head of the manual queue that it came from. */
WDF_INLINE NTSTATUS WdfRequestRequeue(WDFREQUEST Request);

/* [DISPATCH] A request of the driver's own. */
WDF_INLINE NTSTATUS WdfRequestCreate(PWDF_OBJECT_ATTRIBUTES RequestAttributes, WDFIOTARGET IoTarget,
				     WDFREQUEST *Request);

/* [DISPATCH] A request for an IRP that the driver has. */
WDF_INLINE NTSTATUS WdfRequestCreateFromIrp(PWDF_OBJECT_ATTRIBUTES RequestAttributes, PIRP Irp, BOOLEAN RequestFreesIrp,
					    WDFREQUEST *Request);

/* [DISPATCH] Makes a completed request of the driver's own ready again. */
WDF_INLINE NTSTATUS WdfRequestReuse(WDFREQUEST Request, PWDF_REQUEST_REUSE_PARAMS ReuseParams);

/* [DISPATCH] Another target for it. */
WDF_INLINE NTSTATUS WdfRequestChangeTarget(WDFREQUEST Request, WDFIOTARGET IoTarget);

/* [DISPATCH] Passes the request on as it came. */
WDF_INLINE void WdfRequestFormatRequestUsingCurrentType(WDFREQUEST Request);

/* [DISPATCH] Passes it on with a stack location of the driver's making. */
WDF_INLINE void WdfRequestWdmFormatUsingStackLocation(WDFREQUEST Request, PIO_STACK_LOCATION Stack);

/* [DISPATCH] FALSE: not sent, WdfRequestGetStatus says why. */
WDF_INLINE BOOLEAN WdfRequestSend(WDFREQUEST Request, WDFIOTARGET Target, PWDF_REQUEST_SEND_OPTIONS Options);

/* [DISPATCH] TRUE: the cancel was delivered; the completion routine still comes. */
WDF_INLINE BOOLEAN WdfRequestCancelSentRequest(WDFREQUEST Request);

/* [DISPATCH] Called when the target has completed it. */
WDF_INLINE void WdfRequestSetCompletionRoutine(WDFREQUEST Request, PFN_WDF_REQUEST_COMPLETION_ROUTINE CompletionRoutine,
					       WDFCONTEXT CompletionContext);

/* [DISPATCH] How it ended. */
WDF_INLINE void WdfRequestGetCompletionParams(WDFREQUEST Request, PWDF_REQUEST_COMPLETION_PARAMS Params);

/* [DISPATCH] Memory for a timeout, beforehand. */
WDF_INLINE NTSTATUS WdfRequestAllocateTimer(WDFREQUEST Request);

#endif
