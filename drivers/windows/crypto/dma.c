/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data of a request, described to the device.
 *
 * The framework turns a buffer into fragments that the device can reach: it allocates map registers where the system
 * needs them (an IOMMU, memory the device could not address), and splits what is too long for one transfer. A cipher
 * works in place, in memory that the device both reads and writes; because data may be copied on the way in one
 * direction, it has a transaction for each:
 *
 *     DIGEST             INPUT
 *     ENCRYPT, DECRYPT   OUTPUT, then INPUT; the command starts when both have their list
 *
 * The two may be cut into transfers differently. A command takes the shorter of the two, and what is left over comes
 * with the next.
 */
#include "driver.h"

static EVT_WDF_PROGRAM_DMA CryptoEvtProgramInput, CryptoEvtProgramOutput;

static NTSTATUS CreateList(PDEVICE_CONTEXT Context, enum direction Direction, size_t Size)
{
	WDF_COMMON_BUFFER_CONFIG config;
	NTSTATUS status;

	WDF_COMMON_BUFFER_CONFIG_INIT(&config, FILE_OCTA_ALIGNMENT); /* CRY-012: a multiple of 16 */
	status = WdfCommonBufferCreateWithConfig(Context->DmaEnabler, Size, &config, WDF_NO_OBJECT_ATTRIBUTES,
						 &Context->ListBuffer[Direction]);
	if (!NT_SUCCESS(status))
		return status;
	Context->List[Direction] = WdfCommonBufferGetAlignedVirtualAddress(Context->ListBuffer[Direction]);
	Context->ListAddress[Direction] = WdfCommonBufferGetAlignedLogicalAddress(Context->ListBuffer[Direction]);
	return WdfDmaTransactionCreate(Context->DmaEnabler, WDF_NO_OBJECT_ATTRIBUTES, &Context->Transaction[Direction]);
}

NTSTATUS CryptoDmaCreate(PDEVICE_CONTEXT Context)
{
	WDF_DMA_ENABLER_CONFIG config;
	NTSTATUS status;
	ULONG entries;

	/* One for each page of the longest command; one more when it does not begin with a page. */
	entries = BYTES_TO_PAGES(Context->MaximumLength) + 1;

	WDF_DMA_ENABLER_CONFIG_INIT(&config, WdfDmaProfileScatterGather64Duplex, Context->MaximumLength);
	status = WdfDmaEnablerCreate(Context->Device, &config, WDF_NO_OBJECT_ATTRIBUTES, &Context->DmaEnabler);
	if (!NT_SUCCESS(status)) {
		Context->DmaEnabler = NULL;
		return status;
	}
	WdfDmaEnablerSetMaximumScatterGatherElements(Context->DmaEnabler, entries);
	status = CreateList(Context, INPUT, entries * sizeof(DMA_ENTRY));
	if (NT_SUCCESS(status))
		status = CreateList(Context, OUTPUT, entries * sizeof(DMA_ENTRY));
	return status;
}

/* The framework deletes with the enabler what was made from it. */
VOID CryptoDmaDelete(PDEVICE_CONTEXT Context)
{
	if (Context->DmaEnabler)
		WdfObjectDelete(Context->DmaEnabler);
	Context->DmaEnabler = NULL;
}

/*
 * A cipher waits for its second list with the first one's map registers in hand. Where the system has few, and so has
 * granted a transfer less than was asked for, each takes no more than half: else it could wait for ever, for itself.
 */
static VOID LeaveTheOtherHalf(PDEVICE_CONTEXT Context, enum direction Direction)
{
	WDF_DMA_DIRECTION way = Direction == INPUT ? WdfDmaDirectionWriteToDevice : WdfDmaDirectionReadFromDevice;
	size_t granted = WdfDmaEnablerGetFragmentLength(Context->DmaEnabler, way), pages = granted / PAGE_SIZE;

	if (granted >= Context->MaximumLength)
		return;

	/* A transfer takes one register more than pages, when it does not begin with one; so does what was granted. */
	pages = pages > 3 ? (pages - 1) / 2 : 1;
	WdfDmaTransactionSetMaximumLength(Context->Transaction[Direction], pages * PAGE_SIZE);
}

static NTSTATUS Execute(PDEVICE_CONTEXT Context, WDFREQUEST Request, enum direction Direction)
{
	PREQUEST_CONTEXT request = CryptoRequestContext(Request);
	WDFDMATRANSACTION transaction = Context->Transaction[Direction];
	NTSTATUS status;

	status = WdfDmaTransactionInitialize(
		transaction, Direction == INPUT ? CryptoEvtProgramInput : CryptoEvtProgramOutput,
		Direction == INPUT ? WdfDmaDirectionWriteToDevice : WdfDmaDirectionReadFromDevice, request->Mdl,
		MmGetMdlVirtualAddress(request->Mdl), request->Length);
	if (!NT_SUCCESS(status))
		return status;
	request->Active[Direction] = TRUE;
	if (request->Command != CRYPTO_COMMAND_CODE_DIGEST)
		LeaveTheOtherHalf(Context, Direction);

	/* May call back at once, and with it end the request: nothing is touched after success. */
	status = WdfDmaTransactionExecute(transaction, Request);
	if (!NT_SUCCESS(status)) {
		request->Active[Direction] = FALSE;
		WdfDmaTransactionRelease(transaction);
	}
	return status;
}

NTSTATUS CryptoDmaStart(PDEVICE_CONTEXT Context, WDFREQUEST Request)
{
	PREQUEST_CONTEXT request = CryptoRequestContext(Request);

	return Execute(Context, Request, request->Command == CRYPTO_COMMAND_CODE_DIGEST ? INPUT : OUTPUT);
}

/* The same format for 32- and 64-bit systems, whatever the processor's own addresses are (CRY-010). */
static VOID WriteList(PDEVICE_CONTEXT Context, PREQUEST_CONTEXT Request, enum direction Direction,
		      PSCATTER_GATHER_LIST Fragments)
{
	PDMA_ENTRY list = Context->List[Direction];
	ULONG i;

	Request->Listed[Direction] = 0;
	Request->Entries[Direction] = Fragments->NumberOfElements;
	for (i = 0; i < Fragments->NumberOfElements; i++) {
		list[i].Address = (ULONG64)Fragments->Elements[i].Address.QuadPart;
		list[i].Length = Fragments->Elements[i].Length;
		list[i].Reserved = 0;
		Request->Listed[Direction] += list[i].Length;
	}
}

/* A list is there. The command starts with the last one. */
static VOID ListReady(PDEVICE_CONTEXT Context, WDFREQUEST Request, enum direction Direction)
{
	PREQUEST_CONTEXT request = CryptoRequestContext(Request);
	LONG needed = request->Command == CRYPTO_COMMAND_CODE_DIGEST ? 1 << INPUT : 1 << INPUT | 1 << OUTPUT;

	if ((InterlockedOr(&request->Ready, 1 << Direction) | 1 << Direction) == needed)
		CryptoEngineLaunch(Context, Request);
}

static BOOLEAN NTAPI CryptoEvtProgramOutput(WDFDMATRANSACTION Transaction, WDFDEVICE Device, WDFCONTEXT Context,
					    WDF_DMA_DIRECTION Direction, PSCATTER_GATHER_LIST SgList)
{
	PDEVICE_CONTEXT context = CryptoDeviceContext(Device);
	WDFREQUEST request = Context;
	PREQUEST_CONTEXT state = CryptoRequestContext(request);
	NTSTATUS status;

	UNREFERENCED_PARAMETER(Transaction);
	UNREFERENCED_PARAMETER(Direction);
	WriteList(context, state, OUTPUT, SgList);
	if (state->Done != 0) {
		ListReady(context, request, OUTPUT);
		return TRUE;
	}

	/* The first transfer: now that the output is mapped, so can be the input. */
	InterlockedOr(&state->Ready, 1 << OUTPUT);
	status = Execute(context, request, INPUT);
	if (!NT_SUCCESS(status)) {
		CryptoDmaEnd(context, state, 0);
		CryptoEngineEnd(context, request, status);
		WdfDpcEnqueue(context->NextDpc); /* this may be running inside CryptoEngineNext() */
	}
	return TRUE;
}

static BOOLEAN NTAPI CryptoEvtProgramInput(WDFDMATRANSACTION Transaction, WDFDEVICE Device, WDFCONTEXT Context,
					   WDF_DMA_DIRECTION Direction, PSCATTER_GATHER_LIST SgList)
{
	PDEVICE_CONTEXT context = CryptoDeviceContext(Device);
	WDFREQUEST request = Context;

	UNREFERENCED_PARAMETER(Transaction);
	UNREFERENCED_PARAMETER(Direction);
	WriteList(context, CryptoRequestContext(request), INPUT, SgList);
	ListReady(context, request, INPUT);
	return TRUE;
}

/* Makes a list describe no more than `Length` bytes. */
static VOID Cut(PDEVICE_CONTEXT Context, PREQUEST_CONTEXT Request, enum direction Direction, ULONG Length)
{
	PDMA_ENTRY list = Context->List[Direction];
	ULONG i;

	for (i = 0; Length > 0; i++) {
		if (list[i].Length > Length)
			list[i].Length = Length;
		Length -= list[i].Length;
	}
	Request->Entries[Direction] = i;
}

ULONG CryptoDmaPiece(PDEVICE_CONTEXT Context, PREQUEST_CONTEXT Request)
{
	size_t length = Request->Listed[INPUT];

	if (Request->Command != CRYPTO_COMMAND_CODE_DIGEST) {
		if (length > Request->Listed[OUTPUT])
			length = Request->Listed[OUTPUT];
		length -= length % CRYPTO_BLOCK_BYTES;
		Cut(Context, Request, OUTPUT, (ULONG)length);
	}
	Cut(Context, Request, INPUT, (ULONG)length);
	return (ULONG)length;
}

/*
 * So many bytes of a transfer are done: on to the next one. When the system can not set that up, the transaction is
 * over with data left, and no list will come: the request is stopped, where the missing list would have let it go on.
 */
static VOID Continue(PDEVICE_CONTEXT Context, WDFREQUEST Request, enum direction Direction, ULONG Moved)
{
	PREQUEST_CONTEXT request = CryptoRequestContext(Request);
	NTSTATUS status;

	if (!WdfDmaTransactionDmaCompletedWithLength(Context->Transaction[Direction], Moved, &status))
		return;
	request->Active[Direction] = FALSE;
	WdfDmaTransactionRelease(Context->Transaction[Direction]);
	WdfSpinLockAcquire(Context->Lock);
	if (NT_SUCCESS(request->StopStatus))
		request->StopStatus = NT_SUCCESS(status) ? STATUS_INTERNAL_ERROR : status;
	WdfSpinLockRelease(Context->Lock);
	ListReady(Context, Request, Direction);
}

BOOLEAN CryptoDmaAdvance(PDEVICE_CONTEXT Context, WDFREQUEST Request)
{
	PREQUEST_CONTEXT request = CryptoRequestContext(Request);
	ULONG piece = request->Piece;

	if (request->Done == request->Length) {
		CryptoDmaEnd(Context, request, piece);
		return TRUE;
	}

	/* Each may call back at once with its next list. The second may end the request: nothing is touched then. */
	InterlockedExchange(&request->Ready, 0);
	if (request->Active[OUTPUT])
		Continue(Context, Request, OUTPUT, piece);
	Continue(Context, Request, INPUT, piece);
	return FALSE;
}

/*
 * The transfers under way end with `Moved` bytes; after a command that did not end well, none. How much is copied back
 * then, where data came through a copy, is the system's affair: it may be all, written by the device or not. So the
 * data of a cipher that failed is not defined (public.h).
 */
VOID CryptoDmaEnd(PDEVICE_CONTEXT Context, PREQUEST_CONTEXT Request, ULONG Moved)
{
	NTSTATUS status;
	int direction;

	for (direction = 0; direction < DIRECTIONS; direction++) {
		if (!Request->Active[direction])
			continue;
		Request->Active[direction] = FALSE;
		WdfDmaTransactionDmaCompletedFinal(Context->Transaction[direction], Moved, &status);
		WdfDmaTransactionRelease(Context->Transaction[direction]);
	}
}
