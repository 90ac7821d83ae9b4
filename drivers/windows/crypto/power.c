/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device gets its resources, is started, sleeps, wakes, goes.
 *
 *     start           PrepareHardware, D0Entry, (interrupts are connected, the queue opens), SelfManagedIoInit
 *     sleep, wake     D0Exit; D0Entry, …, SelfManagedIoRestart
 *     stop, rebalance D0Exit, ReleaseHardware; PrepareHardware, … with other resources
 *     pulled out      SurpriseRemoval, D0Exit, ReleaseHardware
 *
 * ReleaseHardware also follows a PrepareHardware that failed, so it gives back whatever there is.
 */
#include "driver.h"

static VOID SetState(PDEVICE_CONTEXT Context, ENGINE_STATE State)
{
	WdfSpinLockAcquire(Context->Lock);
	Context->State = State;
	Context->Running = FALSE;
	Context->Stream = NULL;
	WdfSpinLockRelease(Context->Lock);
}

NTSTATUS NTAPI CryptoEvtPrepareHardware(WDFDEVICE Device, WDFCMRESLIST ResourcesRaw, WDFCMRESLIST ResourcesTranslated)
{
	PDEVICE_CONTEXT context = CryptoDeviceContext(Device);
	NTSTATUS status;

	status = WdfFdoQueryForInterface(Device, &GUID_BUS_INTERFACE_STANDARD, (PINTERFACE)&context->Bus,
					 sizeof(context->Bus), 1, NULL);
	if (!NT_SUCCESS(status)) {
		RtlZeroMemory(&context->Bus, sizeof(context->Bus));
		CryptoError("power", "no way to config space: %08x", (unsigned)status);
		return status;
	}
	status = CryptoHwMap(context, ResourcesTranslated);
	if (!NT_SUCCESS(status))
		return status;
	CryptoInterruptsGranted(context, ResourcesRaw);
	status = CryptoDmaCreate(context);
	if (!NT_SUCCESS(status))
		CryptoError("power", "no DMA: %08x", (unsigned)status);
	return status;
}

NTSTATUS NTAPI CryptoEvtReleaseHardware(WDFDEVICE Device, WDFCMRESLIST ResourcesTranslated)
{
	PDEVICE_CONTEXT context = CryptoDeviceContext(Device);

	UNREFERENCED_PARAMETER(ResourcesTranslated);
	CryptoDmaDelete(context);
	CryptoHwUnmap(context);
	if (context->Bus.InterfaceDereference) {
		context->Bus.InterfaceDereference(context->Bus.Context);
		RtlZeroMemory(&context->Bus, sizeof(context->Bus));
	}
	context->InterruptMode = CryptoInterruptsNone;
	return STATUS_SUCCESS;
}

/* Whatever the device did before, whoever drove it: it begins anew, and with no key. */
NTSTATUS NTAPI CryptoEvtD0Entry(WDFDEVICE Device, WDF_POWER_DEVICE_STATE PreviousState)
{
	PDEVICE_CONTEXT context = CryptoDeviceContext(Device);
	NTSTATUS status;

	CryptoTrace("power", "into D0 from state %d", PreviousState);
	CryptoHwWrite(context, CRYPTO_INT_ENABLE, 0);
	status = CryptoHwReset(context);
	if (!NT_SUCCESS(status)) {
		CryptoError("power", "the device does not come back from a reset: %08x", (unsigned)status);
		return status;
	}
	CryptoHwWrite(context, CRYPTO_INT_STATUS, ALL_CAUSES);
	return STATUS_SUCCESS;
}

/* Interrupts are connected, and the queue gives out requests again: those that have waited meanwhile are taken. */
NTSTATUS NTAPI CryptoEvtSelfManagedIoRestart(WDFDEVICE Device)
{
	PDEVICE_CONTEXT context = CryptoDeviceContext(Device);

	WdfSpinLockAcquire(context->Lock);
	if (context->State == EngineOff) /* else it has gone already */
		context->State = EngineIdle;
	WdfSpinLockRelease(context->Lock);
	CryptoEngineNext(context);
	return STATUS_SUCCESS;
}

/* The queue has seen to it that the engine has no request any more: CryptoEvtIoStop. */
NTSTATUS NTAPI CryptoEvtD0Exit(WDFDEVICE Device, WDF_POWER_DEVICE_STATE TargetState)
{
	PDEVICE_CONTEXT context = CryptoDeviceContext(Device);
	BOOLEAN gone;

	CryptoTrace("power", "out of D0 to state %d", TargetState);
	WdfSpinLockAcquire(context->Lock);
	gone = context->State == EngineGone;
	WdfSpinLockRelease(context->Lock);
	SetState(context, EngineOff);
	WdfTimerStop(context->Timer, TRUE);

	/* Nobody's key or message stays in a device that others may drive next. */
	if (!gone && !NT_SUCCESS(CryptoHwReset(context)))
		CryptoWarning("power", "the device did not answer the last reset");
	return STATUS_SUCCESS;
}

VOID NTAPI CryptoEvtSurpriseRemoval(WDFDEVICE Device)
{
	CryptoTrace("power", "the device is gone");
	CryptoEngineGone(CryptoDeviceContext(Device));
}
