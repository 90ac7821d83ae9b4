/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DMA transactions.
 *
 *     Created ──Initialize──► Initialized ──Execute──► Transfer ──DmaCompleted…──► Completed ──Release──► Created
 *                                                        │  ▲
 *                                                        └──┘ the next transfer
 *
 * A transaction is cut into transfers by length: the enabler's or its own maximum, and what map registers allow. It is
 * not cut by fragments: where a transfer needs more of them than the enabler's maximum, initialization or execution
 * fails with STATUS_WDF_TOO_FRAGMENTED, as the framework has it. EvtProgramDma is called at DISPATCH_LEVEL, from within
 * Execute or DmaCompleted when map registers are there, else later.
 */
#include "nt/kmdf/dma.h"
#include "nt/kmdf/io.h"
#include "nt/phys.h"
#include "nt/trace.h"

#include <wdfstatus.h>

enum transaction_state { CREATED, INITIALIZED, TRANSFER, COMPLETED };

static const char *const state_names[] = {"not initialised", "initialised", "executing", "completed"};

struct us_wdf_transaction {
	struct us_wdf_object object;
	struct us_wdf_dma_enabler *enabler;
	enum transaction_state state;
	struct us_wdf_adapter *adapter; /* of its direction */
	WDF_DMA_DIRECTION direction;
	PFN_WDF_PROGRAM_DMA program;
	WDFCONTEXT context;
	struct us_wdf_request *request; /* referenced; NULL: none */
	PMDL mdl; /* the first of the chain */
	size_t offset; /* of the transaction's data in the chain */
	size_t length, done, current; /* bytes: of all; of the transfers completed; of the one under way */
	size_t maximum; /* of a transfer */
	PSCATTER_GATHER_LIST list; /* of the transfer under way; NULL: not there yet */
	bool waiting; /* for its list */
	PVOID registers; /* packet: the map register base */
	SCATTER_GATHER_LIST *packet; /* packet: the list of one that the driver sees */
};

_Noreturn static void wrong_state(struct us_wdf_transaction *transaction, const char *rule, const char *function)
{
	us_nt_bugcheck(US_WDF_VIOLATION, WDF_DMA_FATAL_ERROR, (uintptr_t)transaction, transaction->state, 0, rule,
		       "%s was called with %s, which is %s.", function, us_wdf_name(transaction),
		       state_names[transaction->state]);
}

static void dispose(struct us_wdf_object *object)
{
	struct us_wdf_transaction *transaction = (struct us_wdf_transaction *)object;

	if (transaction->state == TRANSFER)
		wrong_state(transaction, "dma.deleted-active", "WdfObjectDelete (or the deletion of its parent)");
}

static void forget_request(struct us_wdf_transaction *transaction)
{
	if (transaction->request)
		us_wdf_dereference(&transaction->request->object);
	transaction->request = NULL;
}

static void destroy(struct us_wdf_object *object)
{
	struct us_wdf_transaction *transaction = (struct us_wdf_transaction *)object;

	forget_request(transaction);
	if (transaction->packet)
		us_nt_pool_free(transaction->packet);
	if (transaction->enabler)
		us_wdf_dereference(&transaction->enabler->object);
}

const struct us_wdf_type us_wdf_transaction_type = {
	.name = "WDFDMATRANSACTION",
	.size = sizeof(struct us_wdf_transaction),
	.deletable = true,
	.dispose = dispose,
	.destroy = destroy,
};

/* -- creation and initialization ---------------------------------------------------------------------------------- */

static NTSTATUS make_packet(struct us_wdf_transaction *transaction)
{
	size_t size = sizeof(SCATTER_GATHER_LIST) + sizeof(SCATTER_GATHER_ELEMENT);

	if (transaction->enabler->scatter_gather)
		return STATUS_SUCCESS;
	transaction->packet = us_nt_pool_alloc(size, US_WDF_TAG);
	if (!transaction->packet)
		return STATUS_INSUFFICIENT_RESOURCES;
	memset(transaction->packet, 0, size);
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI create(PWDF_DRIVER_GLOBALS globals, WDFDMAENABLER handle, PWDF_OBJECT_ATTRIBUTES attributes,
			     WDFDMATRANSACTION *result)
{
	struct us_wdf_dma_enabler *enabler = us_wdf_from(handle, &us_wdf_dma_enabler_type);
	struct us_wdf_transaction *transaction;
	NTSTATUS status;

	(void)globals;
	us_wdf_need(result, "WdfDmaTransactionCreate", "DmaTransactionHandle");
	*result = NULL;
	status = us_wdf_create(&us_wdf_transaction_type, attributes, &enabler->object, &transaction);
	if (!NT_SUCCESS(status))
		return status;
	us_wdf_reference(&enabler->object);
	transaction->enabler = enabler;
	enabler->has_transactions = true;
	status = make_packet(transaction);
	if (NT_SUCCESS(status))
		*result = (WDFDMATRANSACTION)transaction;
	else
		us_wdf_delete(&transaction->object);
	return status;
}

/* How many bytes a chain describes from an offset on. */
static size_t chain_bytes(PMDL mdl, size_t offset)
{
	size_t bytes = 0;

	for (; mdl; mdl = mdl->Next)
		bytes += MmGetMdlByteCount(mdl);
	return bytes > offset ? bytes - offset : 0;
}

/* The MDL in which an offset of the chain lies; *offset is within it then. */
static PMDL find_mdl(PMDL mdl, size_t *offset)
{
	while (mdl->Next && *offset >= MmGetMdlByteCount(mdl)) {
		*offset -= MmGetMdlByteCount(mdl);
		mdl = mdl->Next;
	}
	return mdl;
}

/* Pages that so many bytes of a chain touch: what the framework counts fragments by before there is a list. */
static size_t pages_of(PMDL mdl, size_t offset, size_t length)
{
	size_t pages = 0;

	mdl = find_mdl(mdl, &offset);
	while (length && mdl) {
		size_t here = MmGetMdlByteCount(mdl) - offset;

		if (here > length)
			here = length;
		pages += ADDRESS_AND_SIZE_TO_SPAN_PAGES((PUCHAR)MmGetMdlVirtualAddress(mdl) + offset, here);
		length -= here;
		offset = 0;
		mdl = mdl->Next;
	}
	return pages;
}

static size_t transfer_limit(const struct us_wdf_transaction *transaction)
{
	return transaction->maximum < transaction->adapter->fragment_length ? transaction->maximum
									    : transaction->adapter->fragment_length;
}

/* Whether each transfer, if the device does them all in full, has no more fragments than are allowed. */
static NTSTATUS check_fragments(const struct us_wdf_transaction *transaction)
{
	size_t limit = transfer_limit(transaction), at, length;

	if (!transaction->enabler->scatter_gather || transaction->enabler->max_elements == US_WDF_UNLIMITED)
		return STATUS_SUCCESS;
	for (at = 0; at < transaction->length; at += length) {
		length = transaction->length - at < limit ? transaction->length - at : limit;
		if (pages_of(transaction->mdl, transaction->offset + at, length) > transaction->enabler->max_elements)
			return STATUS_WDF_TOO_FRAGMENTED;
	}
	return STATUS_SUCCESS;
}

static NTSTATUS set_up(struct us_wdf_transaction *transaction, PFN_WDF_PROGRAM_DMA program, WDF_DMA_DIRECTION direction,
		       PMDL mdl, size_t offset, size_t length, const char *function)
{
	NTSTATUS status;

	if (transaction->state != CREATED)
		wrong_state(transaction, "dma.initialized-twice", function);
	if (!program || !mdl || length == 0 ||
	    (direction != WdfDmaDirectionReadFromDevice && direction != WdfDmaDirectionWriteToDevice))
		return STATUS_INVALID_PARAMETER;
	if (chain_bytes(mdl, offset) < length)
		return STATUS_INVALID_PARAMETER;
	if (mdl->Next && !transaction->enabler->scatter_gather)
		return STATUS_INVALID_PARAMETER;
	transaction->program = program;
	transaction->direction = direction;
	transaction->adapter = us_wdf_dma_adapter(transaction->enabler, direction);
	transaction->mdl = mdl;
	transaction->offset = offset;
	transaction->length = length;
	transaction->done = transaction->current = 0;
	transaction->maximum = transaction->enabler->config.MaximumLength;
	status = check_fragments(transaction);
	if (NT_SUCCESS(status))
		transaction->state = INITIALIZED;
	return status;
}

static NTSTATUS NTAPI initialize(PWDF_DRIVER_GLOBALS globals, WDFDMATRANSACTION handle, PFN_WDF_PROGRAM_DMA program,
				 WDF_DMA_DIRECTION direction, PMDL mdl, PVOID address, size_t length)
{
	struct us_wdf_transaction *transaction = us_wdf_from(handle, &us_wdf_transaction_type);
	PUCHAR begin = mdl ? MmGetMdlVirtualAddress(mdl) : NULL;

	(void)globals;
	us_wdf_need(mdl, "WdfDmaTransactionInitialize", "Mdl");
	if ((PUCHAR)address < begin || (size_t)((PUCHAR)address - begin) >= MmGetMdlByteCount(mdl))
		return STATUS_INVALID_PARAMETER;
	return set_up(transaction, program, direction, mdl, (size_t)((PUCHAR)address - begin), length,
		      "WdfDmaTransactionInitialize");
}

static NTSTATUS NTAPI initialize_using_offset(PWDF_DRIVER_GLOBALS globals, WDFDMATRANSACTION handle,
					      PFN_WDF_PROGRAM_DMA program, WDF_DMA_DIRECTION direction, PMDL mdl,
					      size_t offset, size_t length)
{
	struct us_wdf_transaction *transaction = us_wdf_from(handle, &us_wdf_transaction_type);

	(void)globals;
	us_wdf_need(mdl, "WdfDmaTransactionInitializeUsingOffset", "Mdl");
	return set_up(transaction, program, direction, mdl, offset, length, "WdfDmaTransactionInitializeUsingOffset");
}

static NTSTATUS NTAPI initialize_using_request(PWDF_DRIVER_GLOBALS globals, WDFDMATRANSACTION handle,
					       WDFREQUEST request_handle, PFN_WDF_PROGRAM_DMA program,
					       WDF_DMA_DIRECTION direction)
{
	struct us_wdf_transaction *transaction = us_wdf_from(handle, &us_wdf_transaction_type);
	struct us_wdf_request *request;
	NTSTATUS status;
	size_t length;
	PMDL mdl;

	(void)globals;
	request = us_wdf_request_of(request_handle, "WdfDmaTransactionInitializeUsingRequest", false);
	status = us_wdf_request_dma(request, direction, &mdl, &length);
	if (NT_SUCCESS(status))
		status = set_up(transaction, program, direction, mdl, 0, length,
				"WdfDmaTransactionInitializeUsingRequest");
	if (!NT_SUCCESS(status))
		return status;
	us_wdf_reference(&request->object);
	transaction->request = request;
	return STATUS_SUCCESS;
}

/* -- transfers ---------------------------------------------------------------------------------------------------- */

/* The list of a transfer is there: the driver programs its device. At DISPATCH_LEVEL. */
static void program(struct us_wdf_transaction *transaction, PSCATTER_GATHER_LIST list)
{
	transaction->waiting = false;
	transaction->list = list;
	us_nt_trace("note  %s: %zu bytes at %zu, %u fragments", us_wdf_name(transaction), transaction->current,
		    transaction->done, (unsigned)list->NumberOfElements);
	US_CALL("EvtProgramDma", transaction->program, (WDFDMATRANSACTION)transaction,
		(WDFDEVICE)transaction->enabler->device, transaction->context, transaction->direction, list);
	us_wdf_dereference(&transaction->object);
}

static void NTAPI list_ready(PDEVICE_OBJECT device, PIRP irp, PSCATTER_GATHER_LIST list, PVOID context)
{
	(void)device, (void)irp;
	program(context, list);
}

static IO_ALLOCATION_ACTION NTAPI registers_ready(PDEVICE_OBJECT device, PIRP irp, PVOID base, PVOID context)
{
	struct us_wdf_transaction *transaction = context;
	PDMA_ADAPTER adapter = transaction->adapter->adapter;
	SCATTER_GATHER_LIST *list = transaction->packet;
	size_t offset = transaction->offset + transaction->done;
	PMDL mdl = find_mdl(transaction->mdl, &offset);

	(void)device, (void)irp;
	transaction->registers = base;
	list->NumberOfElements = 1;
	list->Elements[0].Length = (ULONG)transaction->current;
	list->Elements[0].Address = adapter->DmaOperations->MapTransfer(
		adapter, mdl, base, (PUCHAR)MmGetMdlVirtualAddress(mdl) + offset, &list->Elements[0].Length,
		transaction->direction == WdfDmaDirectionWriteToDevice);
	transaction->current = list->Elements[0].Length;
	program(transaction, list);
	return DeallocateObjectKeepRegisters;
}

/*
 * Starts the next transfer. A reference keeps the transaction until its list has been there. Failure: nothing is under
 * way.
 */
static NTSTATUS next_transfer(struct us_wdf_transaction *transaction)
{
	size_t left = transaction->length - transaction->done, limit = transfer_limit(transaction);
	bool to_device = transaction->direction == WdfDmaDirectionWriteToDevice;
	struct us_wdf_dma_enabler *enabler = transaction->enabler;
	PDMA_ADAPTER adapter = transaction->adapter->adapter;
	size_t offset = transaction->offset + transaction->done;
	PMDL mdl = find_mdl(transaction->mdl, &offset);
	PVOID address = (PUCHAR)MmGetMdlVirtualAddress(mdl) + offset;
	NTSTATUS status;
	KIRQL irql;

	transaction->current = left < limit ? left : limit;
	if (enabler->scatter_gather && enabler->max_elements != US_WDF_UNLIMITED &&
	    pages_of(mdl, offset, transaction->current) > enabler->max_elements)
		return STATUS_WDF_TOO_FRAGMENTED;
	transaction->list = NULL;
	transaction->waiting = true;
	us_wdf_reference(&transaction->object);
	irql = us_nt_raise_irql(DISPATCH_LEVEL);
	if (enabler->scatter_gather)
		status = adapter->DmaOperations->GetScatterGatherList(adapter, enabler->device->wdm, mdl, address,
								      (ULONG)transaction->current, list_ready,
								      transaction, to_device);
	else
		status = adapter->DmaOperations->AllocateAdapterChannel(
			adapter, enabler->device->wdm,
			(ULONG)ADDRESS_AND_SIZE_TO_SPAN_PAGES(address, transaction->current), registers_ready,
			transaction);
	us_nt_lower_irql(irql);
	if (!NT_SUCCESS(status)) {
		transaction->waiting = false;
		us_wdf_dereference(&transaction->object);
	}
	return status;
}

/* The transfer under way is over: what was copied on the way is copied back, map registers are given back. */
static void end_transfer(struct us_wdf_transaction *transaction)
{
	bool to_device = transaction->direction == WdfDmaDirectionWriteToDevice;
	PDMA_ADAPTER adapter = transaction->adapter->adapter;
	PSCATTER_GATHER_LIST list = transaction->list;
	size_t offset = transaction->offset + transaction->done;
	KIRQL irql;

	transaction->list = NULL;
	irql = us_nt_raise_irql(DISPATCH_LEVEL);
	if (transaction->enabler->scatter_gather) {
		adapter->DmaOperations->PutScatterGatherList(adapter, list, to_device);
	} else {
		PMDL mdl = find_mdl(transaction->mdl, &offset);
		PVOID address = (PUCHAR)MmGetMdlVirtualAddress(mdl) + offset;

		adapter->DmaOperations->FlushAdapterBuffers(adapter, mdl, transaction->registers, address,
							    (ULONG)transaction->current, to_device);
		adapter->DmaOperations->FreeMapRegisters(
			adapter, transaction->registers,
			(ULONG)ADDRESS_AND_SIZE_TO_SPAN_PAGES(address, transaction->current));
	}
	us_nt_lower_irql(irql);
}

static void set_completed(struct us_wdf_transaction *transaction)
{
	transaction->state = COMPLETED;
	transaction->current = 0;
	if (transaction->adapter->busy == transaction)
		transaction->adapter->busy = NULL;
}

static NTSTATUS NTAPI execute(PWDF_DRIVER_GLOBALS globals, WDFDMATRANSACTION handle, WDFCONTEXT context)
{
	struct us_wdf_transaction *transaction = us_wdf_from(handle, &us_wdf_transaction_type);
	NTSTATUS status;

	(void)globals;
	if (transaction->state == CREATED)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (transaction->state != INITIALIZED)
		wrong_state(transaction, "dma.executed-twice", "WdfDmaTransactionExecute");
	if (!transaction->enabler->scatter_gather) {
		if (transaction->adapter->busy)
			return STATUS_WDF_BUSY;
		transaction->adapter->busy = transaction;
	}
	transaction->context = context;
	transaction->state = TRANSFER;
	status = next_transfer(transaction);
	if (!NT_SUCCESS(status))
		set_completed(transaction);
	return status;
}

/* A transfer has ended with so many bytes; `final`: and with it the transaction. */
static BOOLEAN completed(WDFDMATRANSACTION handle, const size_t *bytes, bool final, NTSTATUS *result,
			 const char *function)
{
	struct us_wdf_transaction *transaction = us_wdf_from(handle, &us_wdf_transaction_type);
	size_t moved;
	NTSTATUS status;

	us_wdf_need(result, function, "Status");
	if (transaction->state != TRANSFER || !transaction->list)
		wrong_state(transaction, "dma.completed-inactive", function);
	moved = bytes ? *bytes : transaction->current;
	if (moved > transaction->current)
		us_wdf_violation(
			WDF_DMA_FATAL_ERROR, handle, "dma.completed-length",
			"%s was called with %s and says that %zu bytes were transferred; the transfer was one of %zu.",
			function, us_wdf_name(transaction), moved, transaction->current);
	end_transfer(transaction);
	transaction->done += moved;
	*result = STATUS_SUCCESS;
	if (!final && transaction->done < transaction->length) {
		*result = STATUS_MORE_PROCESSING_REQUIRED; /* said now: the driver may be called, and end it, within */
		status = next_transfer(transaction);
		if (NT_SUCCESS(status))
			return FALSE;
		*result = status;
	}
	set_completed(transaction);
	return TRUE;
}

static BOOLEAN NTAPI dma_completed(PWDF_DRIVER_GLOBALS globals, WDFDMATRANSACTION handle, NTSTATUS *status)
{
	(void)globals;
	return completed(handle, NULL, false, status, "WdfDmaTransactionDmaCompleted");
}

static BOOLEAN NTAPI dma_completed_with_length(PWDF_DRIVER_GLOBALS globals, WDFDMATRANSACTION handle, size_t length,
					       NTSTATUS *status)
{
	(void)globals;
	return completed(handle, &length, false, status, "WdfDmaTransactionDmaCompletedWithLength");
}

static BOOLEAN NTAPI dma_completed_final(PWDF_DRIVER_GLOBALS globals, WDFDMATRANSACTION handle, size_t length,
					 NTSTATUS *status)
{
	(void)globals;
	return completed(handle, &length, true, status, "WdfDmaTransactionDmaCompletedFinal");
}

static NTSTATUS NTAPI release(PWDF_DRIVER_GLOBALS globals, WDFDMATRANSACTION handle)
{
	struct us_wdf_transaction *transaction = us_wdf_from(handle, &us_wdf_transaction_type);

	(void)globals;
	if (transaction->state == TRANSFER)
		wrong_state(transaction, "dma.released-active", "WdfDmaTransactionRelease");
	transaction->state = CREATED;
	forget_request(transaction);
	return STATUS_SUCCESS;
}

/* -- what it is --------------------------------------------------------------------------------------------------- */

/* Microsoft's page of it says after initialization; before, Windows has no adapter to compare with, and crashes. */
static void NTAPI set_maximum_length(PWDF_DRIVER_GLOBALS globals, WDFDMATRANSACTION handle, size_t length)
{
	struct us_wdf_transaction *transaction = us_wdf_from(handle, &us_wdf_transaction_type);

	(void)globals;
	if (transaction->state != INITIALIZED && transaction->state != TRANSFER)
		wrong_state(transaction, "dma.maximum-length-early", "WdfDmaTransactionSetMaximumLength");
	if (length && length < transaction->adapter->fragment_length)
		transaction->maximum = length;
}

static size_t NTAPI get_bytes_transferred(PWDF_DRIVER_GLOBALS globals, WDFDMATRANSACTION handle)
{
	struct us_wdf_transaction *transaction = us_wdf_from(handle, &us_wdf_transaction_type);

	(void)globals;
	return transaction->done;
}

static size_t NTAPI get_current_length(PWDF_DRIVER_GLOBALS globals, WDFDMATRANSACTION handle)
{
	struct us_wdf_transaction *transaction = us_wdf_from(handle, &us_wdf_transaction_type);

	(void)globals;
	return transaction->current;
}

static WDFREQUEST NTAPI get_request(PWDF_DRIVER_GLOBALS globals, WDFDMATRANSACTION handle)
{
	struct us_wdf_transaction *transaction = us_wdf_from(handle, &us_wdf_transaction_type);

	(void)globals;
	return (WDFREQUEST)transaction->request;
}

static WDFDEVICE NTAPI get_device(PWDF_DRIVER_GLOBALS globals, WDFDMATRANSACTION handle)
{
	struct us_wdf_transaction *transaction = us_wdf_from(handle, &us_wdf_transaction_type);

	(void)globals;
	return (WDFDEVICE)transaction->enabler->device;
}

void us_wdf_transaction_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfDmaTransactionCreate = create;
	table->WdfDmaTransactionInitialize = initialize;
	table->WdfDmaTransactionInitializeUsingOffset = initialize_using_offset;
	table->WdfDmaTransactionInitializeUsingRequest = initialize_using_request;
	table->WdfDmaTransactionExecute = execute;
	table->WdfDmaTransactionDmaCompleted = dma_completed;
	table->WdfDmaTransactionDmaCompletedWithLength = dma_completed_with_length;
	table->WdfDmaTransactionDmaCompletedFinal = dma_completed_final;
	table->WdfDmaTransactionRelease = release;
	table->WdfDmaTransactionSetMaximumLength = set_maximum_length;
	table->WdfDmaTransactionGetBytesTransferred = get_bytes_transferred;
	table->WdfDmaTransactionGetCurrentDmaTransferLength = get_current_length;
	table->WdfDmaTransactionGetRequest = get_request;
	table->WdfDmaTransactionGetDevice = get_device;
}
