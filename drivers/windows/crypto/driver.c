/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver is loaded, and a device is found: everything that lives as long as the device object is created here, in
 * the order in which a start uses it. Nothing touches the hardware yet.
 */
#define INITGUID
#include "driver.h"

DRIVER_INITIALIZE DriverEntry;
static EVT_WDF_DRIVER_DEVICE_ADD CryptoEvtDeviceAdd;

#define TAG_IN_POOL_DUMPS 0x70797243 /* "Cryp" */

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
	WDF_DRIVER_CONFIG config;

	WDF_DRIVER_CONFIG_INIT(&config, CryptoEvtDeviceAdd);
	config.DriverPoolTag = TAG_IN_POOL_DUMPS;
	return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}

/* What has to be said before there is a device object. */
static VOID Initialise(PWDFDEVICE_INIT DeviceInit)
{
	WDF_PNPPOWER_EVENT_CALLBACKS power;
	WDF_FILEOBJECT_CONFIG files;
	WDF_OBJECT_ATTRIBUTES attributes;

	WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&power);
	power.EvtDevicePrepareHardware = CryptoEvtPrepareHardware;
	power.EvtDeviceReleaseHardware = CryptoEvtReleaseHardware;
	power.EvtDeviceD0Entry = CryptoEvtD0Entry;
	power.EvtDeviceSelfManagedIoInit = CryptoEvtSelfManagedIoRestart; /* the first time, */
	power.EvtDeviceSelfManagedIoRestart = CryptoEvtSelfManagedIoRestart; /* and after that */
	power.EvtDeviceD0Exit = CryptoEvtD0Exit;
	power.EvtDeviceSurpriseRemoval = CryptoEvtSurpriseRemoval;
	WdfDeviceInitSetPnpPowerEventCallbacks(DeviceInit, &power);

	WDF_FILEOBJECT_CONFIG_INIT(&files, WDF_NO_EVENT_CALLBACK, CryptoEvtFileClose, CryptoEvtFileCleanup);
	WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, FILE_CONTEXT);
	WdfDeviceInitSetFileObjectConfig(DeviceInit, &files, &attributes);

	WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, REQUEST_CONTEXT);
	attributes.EvtCleanupCallback = CryptoEvtRequestCleanup;
	WdfDeviceInitSetRequestAttributes(DeviceInit, &attributes);

	/* The security descriptor, which the INF sets, holds for names below the device's too. */
	WdfDeviceInitSetCharacteristics(DeviceInit, FILE_DEVICE_SECURE_OPEN, TRUE);
}

/*
 * Two queues. All requests arrive in the first, which looks at them at once and whatever the power state; what the
 * device itself has to do is forwarded to the second, from which the engine takes one after another. The framework
 * takes care of cancellation there, and of holding requests back while the device sleeps.
 */
static NTSTATUS CreateQueues(PDEVICE_CONTEXT Context)
{
	WDF_IO_QUEUE_CONFIG config;
	NTSTATUS status;

	WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
	config.PowerManaged = WdfFalse;
	config.EvtIoDeviceControl = CryptoEvtDeviceControl;
	status = WdfIoQueueCreate(Context->Device, &config, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
	if (!NT_SUCCESS(status))
		return status;

	WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchManual);
	config.PowerManaged = WdfTrue;
	config.EvtIoStop = CryptoEvtIoStop;
	return WdfIoQueueCreate(Context->Device, &config, WDF_NO_OBJECT_ATTRIBUTES, &Context->Queue);
}

static NTSTATUS CreateEngine(PDEVICE_CONTEXT Context)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	WDF_TIMER_CONFIG timer;
	WDF_DPC_CONFIG dpc;
	NTSTATUS status;

	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.ParentObject = Context->Device;
	status = WdfSpinLockCreate(&attributes, &Context->Lock);
	if (!NT_SUCCESS(status))
		return status;

	WDF_TIMER_CONFIG_INIT(&timer, CryptoEvtTimer);
	timer.AutomaticSerialization = FALSE; /* the engine has its own lock */
	status = WdfTimerCreate(&timer, &attributes, &Context->Timer);
	if (!NT_SUCCESS(status))
		return status;

	WDF_DPC_CONFIG_INIT(&dpc, CryptoEvtNextDpc);
	dpc.AutomaticSerialization = FALSE;
	return WdfDpcCreate(&dpc, &attributes, &Context->NextDpc);
}

static NTSTATUS NTAPI CryptoEvtDeviceAdd(WDFDRIVER Driver, PWDFDEVICE_INIT DeviceInit)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	PDEVICE_CONTEXT context;
	WDFDEVICE device;
	NTSTATUS status;

	UNREFERENCED_PARAMETER(Driver);
	Initialise(DeviceInit);
	WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, DEVICE_CONTEXT);
	status = WdfDeviceCreate(&DeviceInit, &attributes, &device);
	if (!NT_SUCCESS(status))
		return status;

	/* From here on a failure needs no cleaning up: the framework deletes the device and what hangs on it. */
	context = CryptoDeviceContext(device);
	context->Device = device;
	status = CreateEngine(context);
	if (NT_SUCCESS(status))
		status = CreateQueues(context);
	if (NT_SUCCESS(status))
		status = CryptoInterruptsCreate(context);
	if (NT_SUCCESS(status))
		status = WdfDeviceCreateDeviceInterface(device, &GUID_DEVINTERFACE_CRYPTO, NULL);
	if (!NT_SUCCESS(status))
		CryptoError("driver", "the device could not be set up: %08x", (unsigned)status);
	return status;
}
