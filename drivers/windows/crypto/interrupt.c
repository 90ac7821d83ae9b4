/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device says that something has happened. There are three ways, and what the system granted decides:
 *
 *     line            INTx, a level, perhaps shared with other devices: the status register says whether it was this
 *                     one, and clearing it lowers the line
 *     one message     nobody else sends it; the status register is cleared, so that a cause is not taken for new when
 *                     interrupts are enabled again
 *     a message for   the number says the cause, and each setting of a cause sends it: no register is read or written
 *     each cause      (CRY-052)
 *
 * The DPC does the same for all: see engine.c.
 */
#include "driver.h"

static EVT_WDF_INTERRUPT_ISR CryptoEvtIsr;
static EVT_WDF_INTERRUPT_DPC CryptoEvtDpc;
static EVT_WDF_INTERRUPT_ENABLE CryptoEvtEnable;
static EVT_WDF_INTERRUPT_DISABLE CryptoEvtDisable;

/* One object for each message that the device could be granted. The framework leaves those without one alone. */
NTSTATUS CryptoInterruptsCreate(PDEVICE_CONTEXT Context)
{
	WDF_INTERRUPT_CONFIG config;
	NTSTATUS status;
	ULONG i;

	WDF_INTERRUPT_CONFIG_INIT(&config, CryptoEvtIsr, CryptoEvtDpc);
	config.EvtInterruptEnable = CryptoEvtEnable;
	config.EvtInterruptDisable = CryptoEvtDisable;
	for (i = 0; i < CAUSES; i++) {
		status = WdfInterruptCreate(Context->Device, &config, WDF_NO_OBJECT_ATTRIBUTES, &Context->Interrupt[i]);
		if (!NT_SUCCESS(status))
			return status;
	}
	return STATUS_SUCCESS;
}

VOID CryptoInterruptsGranted(PDEVICE_CONTEXT Context, WDFCMRESLIST Raw)
{
	PCM_PARTIAL_RESOURCE_DESCRIPTOR resource;
	ULONG i, messages = 0;

	/* MSI comes as one resource with a count, MSI-X as one resource each. */
	for (i = 0; i < WdfCmResourceListGetCount(Raw); i++) {
		resource = WdfCmResourceListGetDescriptor(Raw, i);
		if (resource->Type == CmResourceTypeInterrupt && (resource->Flags & CM_RESOURCE_INTERRUPT_MESSAGE))
			messages += resource->u.MessageInterrupt.Raw.MessageCount;
	}
	Context->Messages = messages;
	if (messages >= CAUSES)
		Context->InterruptMode = CryptoInterruptsMessages;
	else if (messages > 0)
		Context->InterruptMode = CryptoInterruptsOneMessage;
	else
		Context->InterruptMode = CryptoInterruptsLine;
	CryptoTrace("interrupt", "%lu messages granted: way %lu", messages, Context->InterruptMode);
}

/* Called for each message that was granted. The device has one enable register: the first stands for all. */
static NTSTATUS NTAPI CryptoEvtEnable(WDFINTERRUPT Interrupt, WDFDEVICE AssociatedDevice)
{
	PDEVICE_CONTEXT context = CryptoDeviceContext(AssociatedDevice);

	if (Interrupt == context->Interrupt[0])
		CryptoHwWrite(context, CRYPTO_INT_ENABLE, ALL_CAUSES);
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI CryptoEvtDisable(WDFINTERRUPT Interrupt, WDFDEVICE AssociatedDevice)
{
	PDEVICE_CONTEXT context = CryptoDeviceContext(AssociatedDevice);

	if (Interrupt == context->Interrupt[0])
		CryptoHwWrite(context, CRYPTO_INT_ENABLE, 0);
	return STATUS_SUCCESS;
}

static BOOLEAN NTAPI CryptoEvtIsr(WDFINTERRUPT Interrupt, ULONG MessageID)
{
	PDEVICE_CONTEXT context = CryptoDeviceContext(WdfInterruptGetDevice(Interrupt));
	ULONG causes;

	UNREFERENCED_PARAMETER(MessageID);
	if (context->InterruptMode != CryptoInterruptsMessages) {
		causes = CryptoHwRead(context, CRYPTO_INT_STATUS);
		if (causes != NOBODY && (causes & ALL_CAUSES)) {
			CryptoHwWrite(context, CRYPTO_INT_STATUS, causes & ALL_CAUSES);
		} else if (context->InterruptMode == CryptoInterruptsLine) {
			/* Another device's; or ours is gone, and can not have pulled the line. */
			InterlockedIncrement(&context->OthersInterruptCount);
			return FALSE;
		}
	}
	InterlockedIncrement(&context->InterruptCount);
	WdfInterruptQueueDpcForIsr(Interrupt);
	return TRUE;
}

static VOID NTAPI CryptoEvtDpc(WDFINTERRUPT Interrupt, WDFOBJECT AssociatedObject)
{
	UNREFERENCED_PARAMETER(Interrupt);
	CryptoEngineService(CryptoDeviceContext(AssociatedObject));
}
