/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DMA transactions: a buffer, moved in one or more transfers.
 */
#ifndef _WDFDMATRANSACTION_H_
#define _WDFDMATRANSACTION_H_

/* Programs the device for one transfer; at dispatch level. The list is good until that transfer is completed. */
typedef BOOLEAN NTAPI EVT_WDF_PROGRAM_DMA(WDFDMATRANSACTION Transaction, WDFDEVICE Device, WDFCONTEXT Context,
					  WDF_DMA_DIRECTION Direction, PSCATTER_GATHER_LIST SgList);
typedef EVT_WDF_PROGRAM_DMA *PFN_WDF_PROGRAM_DMA;

typedef BOOLEAN NTAPI EVT_WDF_DMA_TRANSACTION_CONFIGURE_DMA_CHANNEL(WDFDMATRANSACTION DmaTransaction, WDFDEVICE Device,
								    PVOID Context, PMDL Mdl, size_t Offset,
								    size_t Length);
typedef EVT_WDF_DMA_TRANSACTION_CONFIGURE_DMA_CHANNEL *PFN_WDF_DMA_TRANSACTION_CONFIGURE_DMA_CHANNEL;

typedef void NTAPI EVT_WDF_DMA_TRANSACTION_DMA_TRANSFER_COMPLETE(WDFDMATRANSACTION Transaction, WDFDEVICE Device,
								 WDFCONTEXT Context, WDF_DMA_DIRECTION Direction,
								 DMA_COMPLETION_STATUS DmaStatus);
typedef EVT_WDF_DMA_TRANSACTION_DMA_TRANSFER_COMPLETE *PFN_WDF_DMA_TRANSACTION_DMA_TRANSFER_COMPLETE;

typedef void NTAPI EVT_WDF_RESERVE_DMA(WDFDMATRANSACTION DmaTransaction, PVOID Context);
typedef EVT_WDF_RESERVE_DMA *PFN_WDF_RESERVE_DMA;

/* [DISPATCH] A transaction, to be initialised for each buffer. */
WDF_INLINE NTSTATUS WdfDmaTransactionCreate(WDFDMAENABLER DmaEnabler, PWDF_OBJECT_ATTRIBUTES Attributes,
					    WDFDMATRANSACTION *DmaTransactionHandle);

/* [DISPATCH] For a buffer that an MDL describes. */
WDF_INLINE NTSTATUS WdfDmaTransactionInitialize(WDFDMATRANSACTION DmaTransaction,
						PFN_WDF_PROGRAM_DMA EvtProgramDmaFunction,
						WDF_DMA_DIRECTION DmaDirection, PMDL Mdl, PVOID VirtualAddress,
						size_t Length);

/* [DISPATCH] For a request's buffer: input when the device reads, output when it writes. */
WDF_INLINE NTSTATUS WdfDmaTransactionInitializeUsingRequest(WDFDMATRANSACTION DmaTransaction, WDFREQUEST Request,
							    PFN_WDF_PROGRAM_DMA EvtProgramDmaFunction,
							    WDF_DMA_DIRECTION DmaDirection);

/* [DISPATCH] For a part of an MDL chain. */
WDF_INLINE NTSTATUS WdfDmaTransactionInitializeUsingOffset(WDFDMATRANSACTION DmaTransaction,
							   PFN_WDF_PROGRAM_DMA EvtProgramDmaFunction,
							   WDF_DMA_DIRECTION DmaDirection, PMDL Mdl, size_t Offset,
							   size_t Length);

/* [DISPATCH] Starts the first transfer. The callback may come before this returns, or later. */
WDF_INLINE NTSTATUS WdfDmaTransactionExecute(WDFDMATRANSACTION DmaTransaction, WDFCONTEXT Context);

/*
 * [DISPATCH] A transfer is done. TRUE: the transaction is; FALSE: *Status STATUS_MORE_PROCESSING_REQUIRED, the next is
 * under way.
 */
WDF_INLINE BOOLEAN WdfDmaTransactionDmaCompleted(WDFDMATRANSACTION DmaTransaction, NTSTATUS *Status);

/* [DISPATCH] The same for a transfer that was short, the rest follows. */
WDF_INLINE BOOLEAN WdfDmaTransactionDmaCompletedWithLength(WDFDMATRANSACTION DmaTransaction, size_t TransferredLength,
							   NTSTATUS *Status);

/* [DISPATCH] The transaction ends with this transfer, whatever is left. */
WDF_INLINE BOOLEAN WdfDmaTransactionDmaCompletedFinal(WDFDMATRANSACTION DmaTransaction, size_t FinalTransferredLength,
						      NTSTATUS *Status);

/* [DISPATCH] Ready to be initialised again; required after each end. */
WDF_INLINE NTSTATUS WdfDmaTransactionRelease(WDFDMATRANSACTION DmaTransaction);

/* [DISPATCH] TRUE: it was waiting for map registers, and is no more. */
WDF_INLINE BOOLEAN WdfDmaTransactionCancel(WDFDMATRANSACTION DmaTransaction);

/* [DISPATCH] Less than the enabler's: after it is initialised, which forgets it, and before it is executed. */
WDF_INLINE void WdfDmaTransactionSetMaximumLength(WDFDMATRANSACTION DmaTransaction, size_t MaximumLength);

/* [DISPATCH] Fails rather than waits for map registers. */
WDF_INLINE void WdfDmaTransactionSetImmediateExecution(WDFDMATRANSACTION DmaTransaction, BOOLEAN UseImmediateExecution);

/* [DISPATCH] Map registers beforehand. */
WDF_INLINE NTSTATUS WdfDmaTransactionAllocateResources(WDFDMATRANSACTION DmaTransaction, WDF_DMA_DIRECTION DmaDirection,
						       ULONG RequiredMapRegisters,
						       PFN_WDF_RESERVE_DMA EvtReserveDmaFunction,
						       PVOID EvtReserveDmaContext);

/* [DISPATCH] Gives them back. */
WDF_INLINE void WdfDmaTransactionFreeResources(WDFDMATRANSACTION DmaTransaction);

/* [DISPATCH] Bytes of the transfers completed so far. */
WDF_INLINE size_t WdfDmaTransactionGetBytesTransferred(WDFDMATRANSACTION DmaTransaction);

/* [DISPATCH] Bytes of the transfer under way. */
WDF_INLINE size_t WdfDmaTransactionGetCurrentDmaTransferLength(WDFDMATRANSACTION DmaTransaction);

/* [DISPATCH] What the whole transfer needs. */
WDF_INLINE void WdfDmaTransactionGetTransferInfo(WDFDMATRANSACTION DmaTransaction, ULONG *MapRegisterCount,
						 ULONG *ScatterGatherElementCount);

/* [DISPATCH] The request, or NULL. */
WDF_INLINE WDFREQUEST WdfDmaTransactionGetRequest(WDFDMATRANSACTION DmaTransaction);

/* [DISPATCH] The device. */
WDF_INLINE WDFDEVICE WdfDmaTransactionGetDevice(WDFDMATRANSACTION DmaTransaction);

/* [DISPATCH] The system's DMA transfer context. */
WDF_INLINE PVOID WdfDmaTransactionWdmGetTransferContext(WDFDMATRANSACTION DmaTransaction);

/* [DISPATCH] For system DMA. */
WDF_INLINE void WdfDmaTransactionSetDeviceAddressOffset(WDFDMATRANSACTION DmaTransaction, ULONG Offset);

/* [DISPATCH] For system DMA. */
WDF_INLINE void WdfDmaTransactionSetChannelConfigurationCallback(WDFDMATRANSACTION DmaTransaction,
								 PFN_WDF_DMA_TRANSACTION_CONFIGURE_DMA_CHANNEL ConfigureRoutine,
								 PVOID ConfigureContext);

/* [DISPATCH] For system DMA. */
WDF_INLINE void WdfDmaTransactionSetTransferCompleteCallback(WDFDMATRANSACTION DmaTransaction,
							     PFN_WDF_DMA_TRANSACTION_DMA_TRANSFER_COMPLETE DmaCompletionRoutine,
							     PVOID DmaCompletionContext);

/* [DISPATCH] For system DMA. */
WDF_INLINE void WdfDmaTransactionStopSystemTransfer(WDFDMATRANSACTION DmaTransaction);

#endif
