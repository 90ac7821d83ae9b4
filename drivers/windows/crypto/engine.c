/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: the device, serving one request at a time, each with one command or more.
 *
 *     Off ──► Idle ──► Busy ──► Idle            a request, taken from the queue, and its end
 *                       │ ▲
 *                       ▼ │ (a user's reset, or the time limit)
 *                     Resetting ──► Gone        a device that does not come back
 *
 * A request is ended by whoever, under the lock, clears DEVICE_CONTEXT.Running or leaves the state Resetting: the DPC,
 * the timer, or the removal. A cause of interrupt says no more than "look": STATUS says whether the command has ended,
 * and ERROR how. So a message that is late, or comes twice, does no harm.
 */
#include "driver.h"

/* CRY-024: 16 MiB take the hardware about a millisecond; a model on a busy machine much longer. */
#define COMMAND_LIMIT_MS 10000
#define RESET_LIMIT_MS 1000

/* How long the device is kept for the next part of a message. */
#define STREAM_LIMIT_MS 1000

/* Beside the device's error codes, which have 8 bits: it has ended, they say, but not processed the data. */
#define ERROR_COMMAND_LOST 0x100u

static EVT_WDF_REQUEST_CANCEL CryptoEvtCancel;

static PDEVICE_CONTEXT DeviceOf(WDFREQUEST Request)
{
	return CryptoDeviceContext(WdfFileObjectGetDevice(WdfRequestGetFileObject(Request)));
}

/* -- the beginning of a request ----------------------------------------------------------------------------------- */

/* (Re)starts the timer. Its callback may be on its way already, so the time is remembered too. Under the lock. */
static VOID Arm(PDEVICE_CONTEXT Context, ULONG Milliseconds)
{
	Context->Deadline = KeQueryInterruptTime() + (ULONG64)Milliseconds * WDF_TIMEOUT_TO_MS;
	WdfTimerStart(Context->Timer, WDF_REL_TIMEOUT_IN_MS(Milliseconds));
}

/* Under the lock. */
static VOID StartReset(PDEVICE_CONTEXT Context)
{
	Context->State = EngineResetting;
	Context->Running = FALSE;
	Context->KeyLoaded = FALSE;
	Context->Stream = NULL;
	Context->Statistics.Resets++;
	CryptoHwWrite(Context, CRYPTO_COMMAND, CRYPTO_COMMAND_CODE_RESET);
	Arm(Context, RESET_LIMIT_MS);
}

/* The part of a message that opens it, or continues the open one, under the lock. */
static NTSTATUS EnterStream(PDEVICE_CONTEXT Context, WDFREQUEST Request, PREQUEST_CONTEXT Part)
{
	WDFFILEOBJECT file = WdfRequestGetFileObject(Request);

	if (!Part->First && Context->Stream != file)
		return STATUS_INVALID_DEVICE_STATE;
	if (Part->First)
		CryptoFileContext(file)->HasDigest = FALSE;
	Context->Stream = file;
	return STATUS_SUCCESS;
}

static VOID Start(PDEVICE_CONTEXT Context, WDFREQUEST Request)
{
	PREQUEST_CONTEXT request = CryptoRequestContext(Request);
	NTSTATUS status;

	/* From here on it can be cancelled at any moment, until CryptoEngineEnd(). */
	status = WdfRequestMarkCancelableEx(Request, CryptoEvtCancel);
	if (!NT_SUCCESS(status)) {
		request->CancelSeen = TRUE; /* the callback will not come: CryptoEngineEnd() completes it */
		CryptoEngineEnd(Context, Request, STATUS_CANCELLED);
		return;
	}

	WdfSpinLockAcquire(Context->Lock);
	if (Context->State != EngineBusy)
		status = STATUS_DEVICE_REMOVED;
	else if (request->Command == CRYPTO_COMMAND_CODE_RESET)
		StartReset(Context);
	else if (request->Command == CRYPTO_COMMAND_CODE_DIGEST)
		status = EnterStream(Context, Request, request);
	else
		Context->Stream = NULL; /* CRY-034: a cipher closes the message that its own handle had open */
	WdfSpinLockRelease(Context->Lock);

	if (NT_SUCCESS(status) && request->Command != CRYPTO_COMMAND_CODE_RESET) {
		if (request->Length != 0)
			status = CryptoDmaStart(Context, Request);
		else
			CryptoEngineLaunch(Context, Request);
	}
	if (!NT_SUCCESS(status))
		CryptoEngineEnd(Context, Request, status);
}

VOID CryptoEngineNext(PDEVICE_CONTEXT Context)
{
	WDFREQUEST request;
	NTSTATUS status;

	for (;;) {
		WdfSpinLockAcquire(Context->Lock);
		status = STATUS_DEVICE_BUSY;
		if (Context->State == EngineIdle) {
			if (Context->Stream)
				status = WdfIoQueueRetrieveRequestByFileObject(Context->Queue, Context->Stream,
									       &request);
			else
				status = WdfIoQueueRetrieveNextRequest(Context->Queue, &request);
		}
		if (NT_SUCCESS(status)) {
			Context->State = EngineBusy;
			Context->Request = request;
		} else if (Context->State == EngineIdle && Context->KeyLoaded) {
			/* Nothing to do: nobody's key stays behind. */
			CryptoHwForgetKey(Context);
			Context->KeyLoaded = FALSE;
		}
		WdfSpinLockRelease(Context->Lock);
		if (!NT_SUCCESS(status))
			return;
		Start(Context, request);
	}
}

VOID NTAPI CryptoEvtNextDpc(WDFDPC Dpc)
{
	CryptoEngineNext(CryptoDeviceContext(WdfDpcGetParentObject(Dpc)));
}

/* -- its end ------------------------------------------------------------------------------------------------------ */

static VOID Complete(WDFREQUEST Request, NTSTATUS Status, ULONG_PTR Information)
{
	CryptoInfo("engine", "request %p ends: %08x, %lu bytes", Request, (unsigned)Status, (ULONG)Information);
	WdfRequestCompleteWithInformation(Request, Status, Information);
}

/* The engine is done with its request, and free for the next one. */
static VOID Release(PDEVICE_CONTEXT Context)
{
	WdfSpinLockAcquire(Context->Lock);
	if (Context->State == EngineBusy && !Context->Request) {
		Context->State = EngineIdle;
		if (Context->Stream)
			Arm(Context, STREAM_LIMIT_MS);
	}
	WdfSpinLockRelease(Context->Lock);
}

/*
 * A request that has been cancelled belongs to two: the engine, which must be done with it, and the framework, which
 * calls CryptoEvtCancel() or is about to. Whoever comes second completes it.
 *
 * The engine takes no other one before: applications see requests end in the order in which the device served them.
 */
VOID CryptoEngineEnd(PDEVICE_CONTEXT Context, WDFREQUEST Request, NTSTATUS Status)
{
	PREQUEST_CONTEXT request = CryptoRequestContext(Request);
	BOOLEAN cancelled, ours;

	cancelled = !request->CancelSeen && WdfRequestUnmarkCancelable(Request) == STATUS_CANCELLED;

	WdfSpinLockAcquire(Context->Lock);
	Context->Request = NULL;
	if (!NT_SUCCESS(Status) && request->Command == CRYPTO_COMMAND_CODE_DIGEST &&
	    Context->Stream == WdfRequestGetFileObject(Request))
		Context->Stream = NULL; /* CRY-035: its message is lost */
	if (request->Last && request->Command == CRYPTO_COMMAND_CODE_DIGEST)
		Context->Stream = NULL;
	if (Status == STATUS_CANCELLED)
		Context->Statistics.Cancelled++;

	ours = !cancelled || request->CancelSeen;
	request->Ended = TRUE;
	request->Status = Status;
	request->Information = NT_SUCCESS(Status) ? request->Length : 0;
	WdfSpinLockRelease(Context->Lock);

	if (ours)
		Complete(Request, Status, NT_SUCCESS(Status) ? request->Length : 0);
	Release(Context);
}

static VOID NTAPI CryptoEvtCancel(WDFREQUEST Request)
{
	PDEVICE_CONTEXT context = DeviceOf(Request);
	PREQUEST_CONTEXT request = CryptoRequestContext(Request);
	BOOLEAN ours;

	WdfSpinLockAcquire(context->Lock);
	ours = request->Ended;
	request->CancelSeen = TRUE;
	if (context->Request == Request && context->Running)
		CryptoHwWrite(context, CRYPTO_COMMAND, CRYPTO_COMMAND_CODE_ABORT);
	WdfSpinLockRelease(context->Lock);

	/* Else the ABORT is answered by an interrupt, or the engine sees CancelSeen before it starts a command. */
	if (ours)
		Complete(Request, request->Status, request->Information);
}

/* -- commands ----------------------------------------------------------------------------------------------------- */

/* Why the engine must not go on with its request; STATUS_SUCCESS: it may. Under the lock. */
static NTSTATUS Stopped(PDEVICE_CONTEXT Context, PREQUEST_CONTEXT Request)
{
	if (Context->State != EngineBusy)
		return STATUS_DEVICE_REMOVED;
	if (Request->CancelSeen)
		return STATUS_CANCELLED;
	return Request->StopStatus;
}

VOID CryptoEngineLaunch(PDEVICE_CONTEXT Context, WDFREQUEST Request)
{
	PREQUEST_CONTEXT request = CryptoRequestContext(Request);
	BOOLEAN first, last;
	NTSTATUS status;

	WdfSpinLockAcquire(Context->Lock);
	status = Stopped(Context, request);
	if (NT_SUCCESS(status) && request->Length != 0) {
		request->Piece = CryptoDmaPiece(Context, request);
		if (request->Piece == 0)
			status = STATUS_INSUFFICIENT_RESOURCES;
	}
	if (NT_SUCCESS(status)) {
		first = request->First && request->Done == 0;
		last = request->Last && request->Done + request->Piece == request->Length;
		Context->Running = TRUE;
		Context->Statistics.Commands++;
		Arm(Context, COMMAND_LIMIT_MS);
		CryptoHwStart(Context, request, first, last);
	}
	WdfSpinLockRelease(Context->Lock);

	if (!NT_SUCCESS(status)) {
		CryptoDmaEnd(Context, request, 0);
		CryptoEngineEnd(Context, Request, status);
		WdfDpcEnqueue(Context->NextDpc); /* this may be running inside CryptoEngineNext() */
	}
}

/* What an application reads of the device's error code. */
static NTSTATUS StatusOf(PDEVICE_CONTEXT Context, PREQUEST_CONTEXT Request, ULONG Error)
{
	switch (Error) {
	case CRYPTO_ERROR_CODE_NONE:
		return STATUS_SUCCESS;
	case CRYPTO_ERROR_CODE_ABORTED:
		return NT_SUCCESS(Request->StopStatus) ? STATUS_CANCELLED : Request->StopStatus;
	case CRYPTO_ERROR_CODE_BUS_MASTER:
	case CRYPTO_ERROR_CODE_LIST_FAULT:
	case CRYPTO_ERROR_CODE_INPUT_FAULT:
	case CRYPTO_ERROR_CODE_OUTPUT_FAULT:
	case CRYPTO_ERROR_CODE_ENGINE_FAULT:
		CryptoError("engine", "the device failed with error %lu at address %08lx%08lx", Error,
			    CryptoHwRead(Context, CRYPTO_FAULT_HI), CryptoHwRead(Context, CRYPTO_FAULT_LO));
		return STATUS_IO_DEVICE_ERROR;
	case ERROR_COMMAND_LOST:
		CryptoError("engine", "the device has not processed the %lu bytes of command %lu: did it get it?",
			    Request->Piece, Request->Command);
		return STATUS_IO_DEVICE_ERROR;
	default:
		CryptoError("engine",
			    "the device refused command %lu of %lu bytes with error %lu: a mistake of this driver",
			    Request->Command, Request->Piece, Error);
		return STATUS_DRIVER_INTERNAL_ERROR;
	}
}

/* The device is gone without the system having noticed. */
static VOID Fail(PDEVICE_CONTEXT Context)
{
	if (!CryptoEngineGone(Context))
		return;
	CryptoLogEvent(Context, EVENT_GONE);
	WdfDeviceSetFailed(Context->Device, WdfDeviceFailedAttemptRestart);
}

/* The digest of the message that has ended goes to its file. What a device that is gone says is nobody's digest. */
static NTSTATUS TakeDigest(PDEVICE_CONTEXT Context, WDFREQUEST Request)
{
	PFILE_CONTEXT file = CryptoFileContext(WdfRequestGetFileObject(Request));
	UCHAR digest[CRYPTO_DIGEST_BYTES];

	CryptoHwReadDigest(Context, digest);
	if (CryptoHwRead(Context, CRYPTO_STATUS) == NOBODY) {
		Fail(Context);
		return STATUS_DEVICE_REMOVED;
	}
	WdfSpinLockAcquire(Context->Lock);
	RtlCopyMemory(file->Digest, digest, sizeof(digest));
	file->HasDigest = TRUE;
	WdfSpinLockRelease(Context->Lock);
	return STATUS_SUCCESS;
}

/* A command has ended: the next piece, or the end of the request. */
static VOID CommandEnded(PDEVICE_CONTEXT Context, WDFREQUEST Request, ULONG Error)
{
	PREQUEST_CONTEXT request = CryptoRequestContext(Request);
	NTSTATUS status = StatusOf(Context, request, Error);

	if (!NT_SUCCESS(status)) {
		CryptoDmaEnd(Context, request, 0);
		WdfSpinLockAcquire(Context->Lock);
		if (Error != CRYPTO_ERROR_CODE_ABORTED)
			Context->Statistics.Failed++;
		WdfSpinLockRelease(Context->Lock);
		CryptoEngineEnd(Context, Request, status);
		return;
	}

	WdfSpinLockAcquire(Context->Lock);
	Context->Statistics.Bytes += request->Piece;
	WdfSpinLockRelease(Context->Lock);
	request->Done += request->Piece;
	if (request->Length != 0 && !CryptoDmaAdvance(Context, Request))
		return;

	if (request->Command == CRYPTO_COMMAND_CODE_DIGEST && request->Last)
		status = TakeDigest(Context, Request);
	CryptoEngineEnd(Context, Request, status);
}

/* The device is out of RESET: the request that asked for it, or the one that had to be ended by it, is done. */
static VOID ResetEnded(PDEVICE_CONTEXT Context, WDFREQUEST Request)
{
	PREQUEST_CONTEXT request;

	if (!Request)
		return;
	request = CryptoRequestContext(Request);
	CryptoDmaEnd(Context, request, 0);
	CryptoEngineEnd(Context, Request, request->StopStatus);
}

/* How the command has ended: the device's error code, ERROR_COMMAND_LOST, or NOBODY. Under the lock. */
static ULONG Outcome(PDEVICE_CONTEXT Context, PREQUEST_CONTEXT Request)
{
	ULONG error = CryptoHwRead(Context, CRYPTO_ERROR);
	ULONG done = CryptoHwRead(Context, CRYPTO_BYTES_DONE);

	if (error == NOBODY || done == NOBODY)
		return NOBODY;
	error &= CRYPTO_ERROR_CODE_MASK;
	return error == CRYPTO_ERROR_CODE_NONE && done != Request->Piece ? ERROR_COMMAND_LOST : error;
}

VOID CryptoEngineService(PDEVICE_CONTEXT Context)
{
	BOOLEAN command = FALSE, reset = FALSE, gone = FALSE;
	WDFREQUEST request;
	ULONG status, error = 0;

	WdfSpinLockAcquire(Context->Lock);
	request = Context->Request;
	if (Context->Running || Context->State == EngineResetting) {
		status = CryptoHwRead(Context, CRYPTO_STATUS);
		if (status == NOBODY) {
			gone = TRUE;
		} else if (Context->State == EngineResetting) {
			/* One that is still busy has not even heard of it, and may still move data. */
			reset = (status & CRYPTO_STATUS_READY_MASK) != 0;
			if (reset)
				Context->State = request ? EngineBusy : EngineIdle;
		} else if (!(status & CRYPTO_STATUS_BUSY_MASK)) {
			error = Outcome(Context, CryptoRequestContext(request));
			gone = error == NOBODY;
			command = !gone;
			if (command)
				Context->Running = FALSE;
		}
	}
	if (command || reset)
		WdfTimerStop(Context->Timer, FALSE);
	WdfSpinLockRelease(Context->Lock);

	if (gone)
		Fail(Context);
	if (command)
		CommandEnded(Context, request, error);
	if (reset)
		ResetEnded(Context, request);
	if (command || reset)
		CryptoEngineNext(Context);
}

/* -- when it goes wrong ------------------------------------------------------------------------------------------- */

/*
 * The one timer. Busy: the command takes too long, the device is reset. Resetting: it does not come back, and is given
 * up. Idle: nobody sends the next part of a message, and others may wait. Before its time, or in any other state, the
 * callback was overtaken by events.
 */
VOID NTAPI CryptoEvtTimer(WDFTIMER Timer)
{
	PDEVICE_CONTEXT context = CryptoDeviceContext(WdfTimerGetParentObject(Timer));
	BOOLEAN given_up = FALSE;
	ULONG64 now;

	/* It may be only the interrupt that was lost. */
	CryptoEngineService(context);

	WdfSpinLockAcquire(context->Lock);
	now = KeQueryInterruptTime();
	if (now < context->Deadline) {
		if (context->Running || context->State == EngineResetting || context->Stream)
			WdfTimerStart(Timer, -(LONGLONG)(context->Deadline - now));
	} else if (context->Running) {
		CryptoWarning("engine", "no answer to command %lu within %d ms: the device is reset",
			      CryptoRequestContext(context->Request)->Command, COMMAND_LIMIT_MS);
		CryptoRequestContext(context->Request)->StopStatus = STATUS_IO_TIMEOUT;
		context->Statistics.TimedOut++;
		CryptoLogEvent(context, EVENT_TIME_LIMIT);
		StartReset(context);
	} else if (context->State == EngineResetting) {
		CryptoError("engine", "the device did not come back from a reset within %d ms", RESET_LIMIT_MS);
		given_up = TRUE;
	} else if (context->State == EngineIdle) {
		context->Stream = NULL;
	}
	WdfSpinLockRelease(context->Lock);

	if (given_up)
		Fail(context);
	CryptoEngineNext(context);
}

VOID CryptoEngineStop(PDEVICE_CONTEXT Context, WDFFILEOBJECT File, NTSTATUS Status)
{
	WdfSpinLockAcquire(Context->Lock);
	if (Context->Request && (!File || WdfRequestGetFileObject(Context->Request) == File)) {
		if (NT_SUCCESS(CryptoRequestContext(Context->Request)->StopStatus))
			CryptoRequestContext(Context->Request)->StopStatus = Status;
		if (Context->Running)
			CryptoHwWrite(Context, CRYPTO_COMMAND, CRYPTO_COMMAND_CODE_ABORT);
	}
	if (!File || Context->Stream == File)
		Context->Stream = NULL;
	WdfSpinLockRelease(Context->Lock);
}

BOOLEAN CryptoEngineGone(PDEVICE_CONTEXT Context)
{
	WDFREQUEST request = NULL;
	BOOLEAN news;

	WdfSpinLockAcquire(Context->Lock);
	if (Context->Running || Context->State == EngineResetting)
		request = Context->Request; /* else whoever has it in hand sees the state, and ends it */
	news = Context->State != EngineGone;
	Context->State = EngineGone;
	Context->Running = FALSE;
	Context->Stream = NULL;
	WdfSpinLockRelease(Context->Lock);

	WdfTimerStop(Context->Timer, FALSE);
	CryptoHwIsolate(Context);
	if (request) {
		CryptoDmaEnd(Context, CryptoRequestContext(request), 0);
		CryptoEngineEnd(Context, request, STATUS_DEVICE_REMOVED);
	}
	return news;
}

/*
 * The device is about to leave D0 and the engine still has a request. To sleep it may finish: that takes milliseconds,
 * and the time limit at the worst. When the device goes for good, it is ended as soon as the device lets go of its
 * memory; one that does not answer has let go.
 */
VOID NTAPI CryptoEvtIoStop(WDFQUEUE Queue, WDFREQUEST Request, ULONG ActionFlags)
{
	PDEVICE_CONTEXT context = CryptoDeviceContext(WdfIoQueueGetDevice(Queue));

	UNREFERENCED_PARAMETER(Request);
	if (!(ActionFlags & WdfRequestStopActionPurge))
		return;
	if (CryptoHwRead(context, CRYPTO_STATUS) == NOBODY)
		CryptoEngineGone(context);
	else
		CryptoEngineStop(context, NULL, STATUS_DEVICE_REMOVED);
}
