/* SPDX-License-Identifier: Apache-2.0 */
/* What the I/O manager and the object manager offer to drivers, and how it begins. */
#include "nt/io.h"
#include "nt/phys.h"
#include "nt/trace.h"

void us_nt_io_init(void)
{
	us_nt->io = us_nt_alloc(sizeof(*us_nt->io));
	us_nt->io->cancel_lock = us_nt_pool_alloc(sizeof(KSPIN_LOCK), US_IO_TAG);
	*us_nt->io->cancel_lock = 0;
}

/* A driver that has no WMI provider registers its device object all the same, and Windows remembers it. */
static NTSTATUS NTAPI register_wmi(PDEVICE_OBJECT device, ULONG action)
{
	us_io_device(device);
	if (action != WMIREG_ACTION_REGISTER && action != WMIREG_ACTION_DEREGISTER)
		us_nt_unsupported("IoWMIRegistrationControl with the action %u: the stage registers and deregisters.",
				  (unsigned)action);
	return STATUS_SUCCESS;
}

static BOOLEAN NTAPI is_version_available(UCHAR major, UCHAR minor)
{
	return major == 1 ? minor <= 0x30 : major == 6 && minor == 0;
}

static PIRP NTAPI top_level_irp(void)
{
	return NULL;
}

#define PASSIVE(function, types) US_EXPORT(function, PASSIVE_LEVEL, types)
#define DISPATCH(function, types) US_EXPORT(function, DISPATCH_LEVEL, types)

const struct us_export us_nt_io_exports[] = {
	/* devices and drivers */
	PASSIVE(IoCreateDevice, "S:puwxxbp"),
	US_EXPORT_AS("IoCreateDeviceSecure", us_io_create_device_secure, PASSIVE_LEVEL, "S:puwxxbwpp"),
	US_EXPORT_AS("WdmlibIoCreateDeviceSecure", us_io_create_device_secure, PASSIVE_LEVEL, "S:puwxxbwpp"),
	US_EXPORT(IoDeleteDevice, APC_LEVEL, "v:p"),
	DISPATCH(IoAttachDeviceToDeviceStack, "p:pp"),
	DISPATCH(IoAttachDeviceToDeviceStackSafe, "s:ppp"),
	DISPATCH(IoDetachDevice, "v:p"),
	DISPATCH(IoGetAttachedDevice, "p:p"),
	DISPATCH(IoGetAttachedDeviceReference, "p:p"),
	DISPATCH(IoGetRelatedDeviceObject, "p:p"),
	PASSIVE(IoGetDeviceObjectPointer, "s:wxpp"),
	PASSIVE(IoCreateSymbolicLink, "S:ww"),
	PASSIVE(IoCreateUnprotectedSymbolicLink, "S:ww"),
	PASSIVE(IoDeleteSymbolicLink, "s:w"),
	PASSIVE(IoRegisterDeviceInterface, "S:ppwp"),
	PASSIVE(IoSetDeviceInterfaceState, "s:wb"),
	PASSIVE(IoGetDeviceInterfaces, "S:ppxp"),
	PASSIVE(IoOpenDeviceInterfaceRegistryKey, "S:wxp"),
	DISPATCH(IoAllocateDriverObjectExtension, "S:ppup"),
	DISPATCH(IoGetDriverObjectExtension, "p:pp"),
	/* IRPs */
	DISPATCH(IoAllocateIrp, "P:bb"),
	DISPATCH(IoFreeIrp, "v:p"),
	DISPATCH(IoReuseIrp, "v:px"),
	DISPATCH(IoInitializeIrp, "v:pub"),
	DISPATCH(IofCallDriver, "x:pp"),
	DISPATCH(IofCompleteRequest, "v:pb"),
	PASSIVE(IoForwardIrpSynchronously, "b:pp"),
	DISPATCH(IoSetCompletionRoutineEx, "S:ppppbbb"),
	PASSIVE(IoBuildDeviceIoControlRequest, "P:xppupubpp"),
	PASSIVE(IoBuildSynchronousFsdRequest, "P:uppuppp"),
	DISPATCH(IoBuildAsynchronousFsdRequest, "P:uppupp"),
	DISPATCH(IoCancelIrp, "b:p"),
	DISPATCH(IoAcquireCancelSpinLock, "v:p"),
	DISPATCH(IoReleaseCancelSpinLock, "v:b"),
	DISPATCH(IoCsqInitialize, "s:ppppppp"),
	DISPATCH(IoCsqInitializeEx, "s:ppppppp"),
	DISPATCH(IoCsqInsertIrp, "v:ppp"),
	DISPATCH(IoCsqInsertIrpEx, "s:pppp"),
	DISPATCH(IoCsqRemoveIrp, "p:pp"),
	DISPATCH(IoCsqRemoveNextIrp, "p:pp"),
	US_EXPORT_AS("IoGetRequestorProcess", us_io_requestor_process, DISPATCH_LEVEL, "p:p"),
	US_EXPORT_AS("IoGetRequestorProcessId", us_io_requestor_process_id, DISPATCH_LEVEL, "u:p"),
	US_EXPORT_AS("IoIs32bitProcess", us_io_is_32bit_process, DISPATCH_LEVEL, "b:p"),
	DISPATCH(IoValidateDeviceIoControlAccess, "s:px"),
	US_EXPORT_AS("IoGetTopLevelIrp", top_level_irp, APC_LEVEL, "p:"),
	PASSIVE(IoRegisterShutdownNotification, "S:p"),
	PASSIVE(IoRegisterLastChanceShutdownNotification, "S:p"),
	PASSIVE(IoUnregisterShutdownNotification, "v:p"),
	/* remove locks, error log, WMI, version */
	DISPATCH(IoInitializeRemoveLockEx, "v:puuuu"),
	DISPATCH(IoAcquireRemoveLockEx, "s:ppauu"),
	DISPATCH(IoReleaseRemoveLockEx, "v:ppu"),
	PASSIVE(IoReleaseRemoveLockAndWaitEx, "v:ppu"),
	DISPATCH(IoAllocateErrorLogEntry, "P:pb"),
	DISPATCH(IoWriteErrorLogEntry, "v:p"),
	DISPATCH(IoFreeErrorLogEntry, "v:p"),
	US_EXPORT_AS("IoWMIRegistrationControl", register_wmi, PASSIVE_LEVEL, "s:pu"),
	US_EXPORT_AS("IoIsWdmVersionAvailable", is_version_available, DISPATCH_LEVEL, "b:bb"),
	/* objects and handles */
	DISPATCH(ObfReferenceObject, "q:p"),
	DISPATCH(ObfDereferenceObject, "q:p"),
	DISPATCH(ObfReferenceObjectWithTag, "q:px"),
	DISPATCH(ObfDereferenceObjectWithTag, "q:px"),
	DISPATCH(ObReferenceObjectByPointer, "s:pxpb"),
	PASSIVE(ObReferenceObjectByHandle, "s:qxpbpp"),
	PASSIVE(ZwClose, "s:q"),
	US_EXPORT_DATA("PsThreadType", &us_ob_types[US_OB_THREAD]),
	US_EXPORT_DATA("ExEventObjectType", &us_ob_types[US_OB_EVENT]),
	US_EXPORT_DATA("IoFileObjectType", &us_ob_types[US_OB_FILE]),
	US_EXPORT_DATA("CmKeyObjectType", &us_ob_types[US_OB_KEY]),
	US_EXPORT_END,
};
