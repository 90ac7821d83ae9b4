/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request arrives. Nothing in it is trusted: control code, lengths, flags, order. What needs no hardware is answered
 * at once; what does gets its context filled in and is queued for the engine.
 *
 * The system has checked and locked the data of direct requests already, and copied the buffered ones to memory
 * that no application can change behind our back.
 */
#include "driver.h"

/* The one output structure of a request, or the reason why there is none. */
static NTSTATUS Output(WDFREQUEST Request, size_t Size, PVOID *Buffer)
{
	return WdfRequestRetrieveOutputBuffer(Request, Size, Buffer, NULL);
}

/* The one input structure of a request: exactly that long. */
static NTSTATUS Input(WDFREQUEST Request, size_t Given, size_t Size, PVOID *Buffer)
{
	if (Given != Size)
		return STATUS_INVALID_PARAMETER;
	return WdfRequestRetrieveInputBuffer(Request, Size, Buffer, NULL);
}

/* -- answered at once --------------------------------------------------------------------------------------------- */

static NTSTATUS GetInfo(PDEVICE_CONTEXT Context, WDFREQUEST Request)
{
	CRYPTO_INFO *info;
	NTSTATUS status;

	status = Output(Request, sizeof(*info), (PVOID *)&info);
	if (!NT_SUCCESS(status))
		return status;
	RtlZeroMemory(info, sizeof(*info));
	info->DriverVersion = DRIVER_MAJOR << 16 | DRIVER_MINOR;
	info->DeviceVersion = Context->Version;
	info->Features = Context->Features;
	info->MaximumCommand = Context->MaximumLength;
	info->MaximumRequest = CRYPTO_MAXIMUM_REQUEST;
	info->Interrupts = Context->InterruptMode;
	info->Messages = Context->Messages;
	WdfRequestSetInformation(Request, sizeof(*info));
	return STATUS_SUCCESS;
}

static NTSTATUS GetStatistics(PDEVICE_CONTEXT Context, WDFREQUEST Request)
{
	CRYPTO_STATISTICS *statistics;
	NTSTATUS status;

	status = Output(Request, sizeof(*statistics), (PVOID *)&statistics);
	if (!NT_SUCCESS(status))
		return status;
	WdfSpinLockAcquire(Context->Lock);
	*statistics = Context->Statistics;
	WdfSpinLockRelease(Context->Lock);
	statistics->Interrupts = (ULONG)Context->InterruptCount;
	statistics->OthersInterrupts = (ULONG)Context->OthersInterruptCount;
	WdfRequestSetInformation(Request, sizeof(*statistics));
	return STATUS_SUCCESS;
}

static NTSTATUS SetKey(PDEVICE_CONTEXT Context, WDFREQUEST Request, size_t InputLength)
{
	PFILE_CONTEXT file = CryptoFileContext(WdfRequestGetFileObject(Request));
	CRYPTO_KEY_VALUE *value;
	NTSTATUS status;

	status = Input(Request, InputLength, sizeof(*value), (PVOID *)&value);
	if (!NT_SUCCESS(status))
		return status;
	WdfSpinLockAcquire(Context->Lock);
	RtlCopyMemory(file->Key, value->Key, sizeof(file->Key));
	file->HasKey = TRUE;
	WdfSpinLockRelease(Context->Lock);

	/* The system's copy goes back to the pool as it is. */
	RtlSecureZeroMemory(value, sizeof(*value));
	return STATUS_SUCCESS;
}

static NTSTATUS GetDigest(PDEVICE_CONTEXT Context, WDFREQUEST Request)
{
	PFILE_CONTEXT file = CryptoFileContext(WdfRequestGetFileObject(Request));
	CRYPTO_DIGEST_VALUE *value;
	NTSTATUS status;

	status = Output(Request, sizeof(*value), (PVOID *)&value);
	if (!NT_SUCCESS(status))
		return status;
	WdfSpinLockAcquire(Context->Lock);
	if (file->HasDigest)
		RtlCopyMemory(value->Digest, file->Digest, sizeof(value->Digest));
	else
		status = STATUS_INVALID_DEVICE_STATE;
	WdfSpinLockRelease(Context->Lock);
	if (NT_SUCCESS(status))
		WdfRequestSetInformation(Request, sizeof(*value));
	return status;
}

/* -- for the device ----------------------------------------------------------------------------------------------- */

/* The data of a direct request, which comes as its output buffer whichever way it goes. */
static NTSTATUS Data(WDFREQUEST Request, PREQUEST_CONTEXT Context, size_t Length)
{
	Context->Length = Length;
	if (Length == 0)
		return STATUS_SUCCESS;
	if (Length > CRYPTO_MAXIMUM_REQUEST)
		return STATUS_INVALID_PARAMETER;
	return WdfRequestRetrieveOutputWdmMdl(Request, &Context->Mdl);
}

static NTSTATUS Cipher(PDEVICE_CONTEXT Context, WDFREQUEST Request, size_t DataLength, size_t InputLength)
{
	PFILE_CONTEXT file = CryptoFileContext(WdfRequestGetFileObject(Request));
	PREQUEST_CONTEXT request = CryptoRequestContext(Request);
	CRYPTO_CIPHER *cipher;
	NTSTATUS status;

	if (DataLength == 0 || DataLength % CRYPTO_BLOCK_BYTES != 0)
		return STATUS_INVALID_PARAMETER;
	if (!(Context->Features & CRYPTO_FEATURES_AES256_CBC_MASK))
		return STATUS_NOT_SUPPORTED;
	status = Input(Request, InputLength, sizeof(*cipher), (PVOID *)&cipher);
	if (NT_SUCCESS(status))
		status = Data(Request, request, DataLength);
	if (!NT_SUCCESS(status))
		return status;

	request->First = request->Last = TRUE;
	RtlCopyMemory(request->Iv, cipher->Iv, sizeof(request->Iv));
	WdfSpinLockAcquire(Context->Lock);
	if (file->HasKey)
		RtlCopyMemory(request->Key, file->Key, sizeof(request->Key));
	else
		status = STATUS_INVALID_DEVICE_STATE;
	WdfSpinLockRelease(Context->Lock);
	return status;
}

static NTSTATUS Digest(PDEVICE_CONTEXT Context, WDFREQUEST Request, size_t DataLength, size_t InputLength)
{
	PREQUEST_CONTEXT request = CryptoRequestContext(Request);
	CRYPTO_MESSAGE_PART *part;
	NTSTATUS status;

	if (!(Context->Features & CRYPTO_FEATURES_SHA256_MASK))
		return STATUS_NOT_SUPPORTED;
	status = Input(Request, InputLength, sizeof(*part), (PVOID *)&part);
	if (!NT_SUCCESS(status))
		return status;
	if (part->Flags & ~(ULONG)(CRYPTO_FIRST | CRYPTO_LAST))
		return STATUS_INVALID_PARAMETER;
	request->First = (part->Flags & CRYPTO_FIRST) != 0;
	request->Last = (part->Flags & CRYPTO_LAST) != 0;
	return Data(Request, request, DataLength);
}

/* STATUS_PENDING: the engine has it, or will. */
static NTSTATUS Enqueue(PDEVICE_CONTEXT Context, WDFREQUEST Request)
{
	NTSTATUS status;

	WdfSpinLockAcquire(Context->Lock);
	status = Context->State == EngineGone ? STATUS_DEVICE_REMOVED : STATUS_PENDING;
	if (status == STATUS_PENDING)
		Context->Statistics.Requests++;
	WdfSpinLockRelease(Context->Lock);
	if (status != STATUS_PENDING)
		return status;

	status = WdfRequestForwardToIoQueue(Request, Context->Queue);
	if (!NT_SUCCESS(status))
		return status;
	CryptoEngineNext(Context);
	return STATUS_PENDING;
}

VOID NTAPI CryptoEvtDeviceControl(WDFQUEUE Queue, WDFREQUEST Request, size_t OutputBufferLength,
				  size_t InputBufferLength, ULONG IoControlCode)
{
	PDEVICE_CONTEXT context = CryptoDeviceContext(WdfIoQueueGetDevice(Queue));
	PREQUEST_CONTEXT request = CryptoRequestContext(Request);
	ULONG command = 0;
	NTSTATUS status;

	/* A driver above us could send a request that belongs to no handle: there would be no key for it. */
	if (!WdfRequestGetFileObject(Request)) {
		WdfRequestComplete(Request, STATUS_INVALID_DEVICE_REQUEST);
		return;
	}

	switch (IoControlCode) {
	case IOCTL_CRYPTO_GET_INFO:
		status = GetInfo(context, Request);
		break;
	case IOCTL_CRYPTO_GET_STATISTICS:
		status = GetStatistics(context, Request);
		break;
	case IOCTL_CRYPTO_SET_KEY:
		status = SetKey(context, Request, InputBufferLength);
		break;
	case IOCTL_CRYPTO_GET_DIGEST:
		status = GetDigest(context, Request);
		break;
	case IOCTL_CRYPTO_ENCRYPT:
		command = CRYPTO_COMMAND_CODE_ENCRYPT;
		status = Cipher(context, Request, OutputBufferLength, InputBufferLength);
		break;
	case IOCTL_CRYPTO_DECRYPT:
		command = CRYPTO_COMMAND_CODE_DECRYPT;
		status = Cipher(context, Request, OutputBufferLength, InputBufferLength);
		break;
	case IOCTL_CRYPTO_DIGEST:
		command = CRYPTO_COMMAND_CODE_DIGEST;
		status = Digest(context, Request, OutputBufferLength, InputBufferLength);
		break;
	case IOCTL_CRYPTO_RESET:
		command = CRYPTO_COMMAND_CODE_RESET;
		status = STATUS_SUCCESS;
		break;
	default:
		status = STATUS_INVALID_DEVICE_REQUEST;
		break;
	}

	if (NT_SUCCESS(status) && command != 0) {
		request->Command = command;
		status = Enqueue(context, Request);
		if (status == STATUS_PENDING)
			return;
	}
	WdfRequestComplete(Request, status);
}

/* However a request ends, and whoever completes it: its copy of the key goes first. */
VOID NTAPI CryptoEvtRequestCleanup(WDFOBJECT Request)
{
	RtlSecureZeroMemory(CryptoRequestContext(Request)->Key, CRYPTO_KEY_BYTES);
}

/* -- the end of a handle ------------------------------------------------------------------------------------------ */

/* Nobody's key stays behind, and nobody's message keeps the device. */
static VOID Forget(PDEVICE_CONTEXT Context, WDFFILEOBJECT FileObject)
{
	CryptoEngineStop(Context, FileObject, STATUS_CANCELLED);
	WdfSpinLockAcquire(Context->Lock);
	RtlSecureZeroMemory(CryptoFileContext(FileObject), sizeof(FILE_CONTEXT));
	WdfSpinLockRelease(Context->Lock);
	CryptoEngineNext(Context);
}

/* The last handle to a file object is closed: what it still has in flight is of use to nobody. */
VOID NTAPI CryptoEvtFileCleanup(WDFFILEOBJECT FileObject)
{
	PDEVICE_CONTEXT context = CryptoDeviceContext(WdfFileObjectGetDevice(FileObject));
	WDFREQUEST request;

	while (NT_SUCCESS(WdfIoQueueRetrieveRequestByFileObject(context->Queue, FileObject, &request)))
		WdfRequestComplete(request, STATUS_CANCELLED);
	Forget(context, FileObject);
}

/*
 * The last request of the file object has ended, too. One that another thread was sending while the handle was closed
 * came after the cleanup, and may have left a key again, or an open message.
 */
VOID NTAPI CryptoEvtFileClose(WDFFILEOBJECT FileObject)
{
	Forget(CryptoDeviceContext(WdfFileObjectGetDevice(FileObject)), FileObject);
}
