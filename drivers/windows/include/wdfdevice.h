/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices: what EvtDriverDeviceAdd sets up and creates, Plug and Play and power callbacks, capabilities, interfaces.
 *
 * The functions WdfDeviceInit… fill the initialisation block before WdfDeviceCreate consumes it.
 */
#ifndef _WDFDEVICE_H_
#define _WDFDEVICE_H_

#include "wdfdevicestate.h"

typedef enum _WDF_REQUEST_TYPE {
	WdfRequestTypeCreate = 0,
	WdfRequestTypeCreateNamedPipe = 1,
	WdfRequestTypeClose = 2,
	WdfRequestTypeRead = 3,
	WdfRequestTypeWrite = 4,
	WdfRequestTypeQueryInformation = 5,
	WdfRequestTypeSetInformation = 6,
	WdfRequestTypeQueryEA = 7,
	WdfRequestTypeSetEA = 8,
	WdfRequestTypeFlushBuffers = 9,
	WdfRequestTypeQueryVolumeInformation = 10,
	WdfRequestTypeSetVolumeInformation = 11,
	WdfRequestTypeDirectoryControl = 12,
	WdfRequestTypeFileSystemControl = 13,
	WdfRequestTypeDeviceControl = 14,
	WdfRequestTypeDeviceControlInternal = 15,
	WdfRequestTypeShutdown = 16,
	WdfRequestTypeLockControl = 17,
	WdfRequestTypeCleanup = 18,
	WdfRequestTypeCreateMailSlot = 19,
	WdfRequestTypeQuerySecurity = 20,
	WdfRequestTypeSetSecurity = 21,
	WdfRequestTypePower = 22,
	WdfRequestTypeSystemControl = 23,
	WdfRequestTypeDeviceChange = 24,
	WdfRequestTypeQueryQuota = 25,
	WdfRequestTypeSetQuota = 26,
	WdfRequestTypePnp = 27,
	WdfRequestTypeOther = 28,
	WdfRequestTypeUsb = 64,
	WdfRequestTypeNoFormat = 255,
	WdfRequestTypeMax = 0x100,
} WDF_REQUEST_TYPE;

typedef enum _WDF_DEVICE_IO_TYPE {
	WdfDeviceIoUndefined = 0,
	WdfDeviceIoNeither = 1,
	WdfDeviceIoBuffered = 2,
	WdfDeviceIoDirect = 3,
	WdfDeviceIoBufferedOrDirect = 4,
} WDF_DEVICE_IO_TYPE, *PWDF_DEVICE_IO_TYPE;

typedef enum _WDF_DEVICE_FAILED_ACTION {
	WdfDeviceFailedUndefined = 0,
	WdfDeviceFailedAttemptRestart = 1,
	WdfDeviceFailedNoRestart = 2,
} WDF_DEVICE_FAILED_ACTION;

typedef enum _WDF_DEVICE_STATE_FLAGS {
	WdfDevStateNP = 0x8000,
} WDF_DEVICE_STATE_FLAGS;

typedef enum _WDF_SPECIAL_FILE_TYPE {
	WdfSpecialFileUndefined = 0,
	WdfSpecialFilePaging = 1,
	WdfSpecialFileHibernation = 2,
	WdfSpecialFileDump = 3,
	WdfSpecialFileBoot = 4,
	WdfSpecialFileMax = 5,
} WDF_SPECIAL_FILE_TYPE, *PWDF_SPECIAL_FILE_TYPE;

typedef enum _WDF_REMOVE_LOCK_OPTIONS_FLAGS {
	WDF_REMOVE_LOCK_OPTION_ACQUIRE_FOR_IO = 1,
} WDF_REMOVE_LOCK_OPTIONS_FLAGS;

typedef enum _WDF_RELEASE_HARDWARE_ORDER_ON_FAILURE {
	WdfReleaseHardwareOrderOnFailureInvalid = 0,
	WdfReleaseHardwareOrderOnFailureEarly = 1,
	WdfReleaseHardwareOrderOnFailureAfterDescendants = 2,
} WDF_RELEASE_HARDWARE_ORDER_ON_FAILURE, *PWDF_RELEASE_HARDWARE_ORDER_ON_FAILURE;

typedef enum _WDF_DISPATCH_IRP_TO_IO_QUEUE_FLAGS {
	WDF_DISPATCH_IRP_TO_IO_QUEUE_NO_FLAGS = 0,
	WDF_DISPATCH_IRP_TO_IO_QUEUE_INVOKE_INCALLERCTX_CALLBACK = 1,
	WDF_DISPATCH_IRP_TO_IO_QUEUE_PREPROCESSED_IRP = 2,
} WDF_DISPATCH_IRP_TO_IO_QUEUE_FLAGS;

typedef enum _WDF_POWER_DEVICE_STATE {
	WdfPowerDeviceInvalid = 0,
	WdfPowerDeviceD0 = 1,
	WdfPowerDeviceD1 = 2,
	WdfPowerDeviceD2 = 3,
	WdfPowerDeviceD3 = 4,
	WdfPowerDeviceD3Final = 5,
	WdfPowerDevicePrepareForHibernation = 6,
	WdfPowerDeviceMaximum = 7,
} WDF_POWER_DEVICE_STATE, *PWDF_POWER_DEVICE_STATE;

typedef enum _WDF_POWER_POLICY_S0_IDLE_CAPABILITIES {
	IdleCapsInvalid = 0,
	IdleCannotWakeFromS0 = 1,
	IdleCanWakeFromS0 = 2,
	IdleUsbSelectiveSuspend = 3,
} WDF_POWER_POLICY_S0_IDLE_CAPABILITIES;

typedef enum _WDF_POWER_POLICY_S0_IDLE_USER_CONTROL {
	IdleUserControlInvalid = 0,
	IdleDoNotAllowUserControl = 1,
	IdleAllowUserControl = 2,
} WDF_POWER_POLICY_S0_IDLE_USER_CONTROL;

typedef enum _WDF_POWER_POLICY_SX_WAKE_USER_CONTROL {
	WakeUserControlInvalid = 0,
	WakeDoNotAllowUserControl = 1,
	WakeAllowUserControl = 2,
} WDF_POWER_POLICY_SX_WAKE_USER_CONTROL;

typedef enum _WDF_POWER_POLICY_IDLE_TIMEOUT_CONSTANTS {
	IdleTimeoutDefaultConstant = 0,
} WDF_POWER_POLICY_IDLE_TIMEOUT_CONSTANTS;
#define IdleTimeoutDefaultValue ((ULONG)IdleTimeoutDefaultConstant)

typedef enum _WDF_POWER_POLICY_IDLE_TIMEOUT_TYPE {
	DriverManagedIdleTimeout = 0,
	SystemManagedIdleTimeout = 1,
	SystemManagedIdleTimeoutWithHint = 2,
} WDF_POWER_POLICY_IDLE_TIMEOUT_TYPE, *PWDF_POWER_POLICY_IDLE_TIMEOUT_TYPE;

/* -- Plug and Play and power ------------------------------------------------------------------------------------ */

/* Into D0: on start and on each return from a low-power state. Interrupts are not connected yet. */
typedef NTSTATUS NTAPI EVT_WDF_DEVICE_D0_ENTRY(WDFDEVICE Device, WDF_POWER_DEVICE_STATE PreviousState);
typedef EVT_WDF_DEVICE_D0_ENTRY *PFN_WDF_DEVICE_D0_ENTRY;

typedef NTSTATUS NTAPI EVT_WDF_DEVICE_D0_ENTRY_POST_INTERRUPTS_ENABLED(WDFDEVICE Device,
								       WDF_POWER_DEVICE_STATE PreviousState);
typedef EVT_WDF_DEVICE_D0_ENTRY_POST_INTERRUPTS_ENABLED *PFN_WDF_DEVICE_D0_ENTRY_POST_INTERRUPTS_ENABLED;

typedef NTSTATUS NTAPI EVT_WDF_DEVICE_D0_EXIT_PRE_INTERRUPTS_DISABLED(WDFDEVICE Device,
								      WDF_POWER_DEVICE_STATE TargetState);
typedef EVT_WDF_DEVICE_D0_EXIT_PRE_INTERRUPTS_DISABLED *PFN_WDF_DEVICE_D0_EXIT_PRE_INTERRUPTS_DISABLED;

/* Out of D0: interrupts are disconnected. */
typedef NTSTATUS NTAPI EVT_WDF_DEVICE_D0_EXIT(WDFDEVICE Device, WDF_POWER_DEVICE_STATE TargetState);
typedef EVT_WDF_DEVICE_D0_EXIT *PFN_WDF_DEVICE_D0_EXIT;

/* The device has its resources: map them. Once for each start, rebalance included. */
typedef NTSTATUS NTAPI EVT_WDF_DEVICE_PREPARE_HARDWARE(WDFDEVICE Device, WDFCMRESLIST ResourcesRaw,
						       WDFCMRESLIST ResourcesTranslated);
typedef EVT_WDF_DEVICE_PREPARE_HARDWARE *PFN_WDF_DEVICE_PREPARE_HARDWARE;

/* Gives back what EvtDevicePrepareHardware made, also when that failed half way. */
typedef NTSTATUS NTAPI EVT_WDF_DEVICE_RELEASE_HARDWARE(WDFDEVICE Device, WDFCMRESLIST ResourcesTranslated);
typedef EVT_WDF_DEVICE_RELEASE_HARDWARE *PFN_WDF_DEVICE_RELEASE_HARDWARE;

typedef NTSTATUS NTAPI EVT_WDF_DEVICE_SELF_MANAGED_IO_INIT(WDFDEVICE Device);
typedef EVT_WDF_DEVICE_SELF_MANAGED_IO_INIT *PFN_WDF_DEVICE_SELF_MANAGED_IO_INIT;

typedef NTSTATUS NTAPI EVT_WDF_DEVICE_SELF_MANAGED_IO_SUSPEND(WDFDEVICE Device);
typedef EVT_WDF_DEVICE_SELF_MANAGED_IO_SUSPEND *PFN_WDF_DEVICE_SELF_MANAGED_IO_SUSPEND;

typedef NTSTATUS NTAPI EVT_WDF_DEVICE_SELF_MANAGED_IO_RESTART(WDFDEVICE Device);
typedef EVT_WDF_DEVICE_SELF_MANAGED_IO_RESTART *PFN_WDF_DEVICE_SELF_MANAGED_IO_RESTART;

typedef void NTAPI EVT_WDF_DEVICE_SELF_MANAGED_IO_FLUSH(WDFDEVICE Device);
typedef EVT_WDF_DEVICE_SELF_MANAGED_IO_FLUSH *PFN_WDF_DEVICE_SELF_MANAGED_IO_FLUSH;

typedef void NTAPI EVT_WDF_DEVICE_SELF_MANAGED_IO_CLEANUP(WDFDEVICE Device);
typedef EVT_WDF_DEVICE_SELF_MANAGED_IO_CLEANUP *PFN_WDF_DEVICE_SELF_MANAGED_IO_CLEANUP;

/* The device is gone from the bus. */
typedef void NTAPI EVT_WDF_DEVICE_SURPRISE_REMOVAL(WDFDEVICE Device);
typedef EVT_WDF_DEVICE_SURPRISE_REMOVAL *PFN_WDF_DEVICE_SURPRISE_REMOVAL;

typedef NTSTATUS NTAPI EVT_WDF_DEVICE_QUERY_REMOVE(WDFDEVICE Device);
typedef EVT_WDF_DEVICE_QUERY_REMOVE *PFN_WDF_DEVICE_QUERY_REMOVE;

typedef NTSTATUS NTAPI EVT_WDF_DEVICE_QUERY_STOP(WDFDEVICE Device);
typedef EVT_WDF_DEVICE_QUERY_STOP *PFN_WDF_DEVICE_QUERY_STOP;

typedef void NTAPI EVT_WDF_DEVICE_USAGE_NOTIFICATION(WDFDEVICE Device, WDF_SPECIAL_FILE_TYPE NotificationType,
						     BOOLEAN IsInNotificationPath);
typedef EVT_WDF_DEVICE_USAGE_NOTIFICATION *PFN_WDF_DEVICE_USAGE_NOTIFICATION;

typedef NTSTATUS NTAPI EVT_WDF_DEVICE_USAGE_NOTIFICATION_EX(WDFDEVICE Device, WDF_SPECIAL_FILE_TYPE NotificationType,
							    BOOLEAN IsInNotificationPath);
typedef EVT_WDF_DEVICE_USAGE_NOTIFICATION_EX *PFN_WDF_DEVICE_USAGE_NOTIFICATION_EX;

typedef void NTAPI EVT_WDF_DEVICE_RELATIONS_QUERY(WDFDEVICE Device, DEVICE_RELATION_TYPE RelationType);
typedef EVT_WDF_DEVICE_RELATIONS_QUERY *PFN_WDF_DEVICE_RELATIONS_QUERY;

typedef struct _WDF_PNPPOWER_EVENT_CALLBACKS {
	ULONG Size;
	PFN_WDF_DEVICE_D0_ENTRY EvtDeviceD0Entry;
	PFN_WDF_DEVICE_D0_ENTRY_POST_INTERRUPTS_ENABLED EvtDeviceD0EntryPostInterruptsEnabled;
	PFN_WDF_DEVICE_D0_EXIT EvtDeviceD0Exit;
	PFN_WDF_DEVICE_D0_EXIT_PRE_INTERRUPTS_DISABLED EvtDeviceD0ExitPreInterruptsDisabled;
	PFN_WDF_DEVICE_PREPARE_HARDWARE EvtDevicePrepareHardware;
	PFN_WDF_DEVICE_RELEASE_HARDWARE EvtDeviceReleaseHardware;
	PFN_WDF_DEVICE_SELF_MANAGED_IO_CLEANUP EvtDeviceSelfManagedIoCleanup;
	PFN_WDF_DEVICE_SELF_MANAGED_IO_FLUSH EvtDeviceSelfManagedIoFlush;
	PFN_WDF_DEVICE_SELF_MANAGED_IO_INIT EvtDeviceSelfManagedIoInit;
	PFN_WDF_DEVICE_SELF_MANAGED_IO_SUSPEND EvtDeviceSelfManagedIoSuspend;
	PFN_WDF_DEVICE_SELF_MANAGED_IO_RESTART EvtDeviceSelfManagedIoRestart;
	PFN_WDF_DEVICE_SURPRISE_REMOVAL EvtDeviceSurpriseRemoval;
	PFN_WDF_DEVICE_QUERY_REMOVE EvtDeviceQueryRemove;
	PFN_WDF_DEVICE_QUERY_STOP EvtDeviceQueryStop;
	PFN_WDF_DEVICE_USAGE_NOTIFICATION EvtDeviceUsageNotification;
	PFN_WDF_DEVICE_RELATIONS_QUERY EvtDeviceRelationsQuery;
	PFN_WDF_DEVICE_USAGE_NOTIFICATION_EX EvtDeviceUsageNotificationEx;
} WDF_PNPPOWER_EVENT_CALLBACKS, *PWDF_PNPPOWER_EVENT_CALLBACKS;

WDF_INLINE void WDF_PNPPOWER_EVENT_CALLBACKS_INIT(PWDF_PNPPOWER_EVENT_CALLBACKS Callbacks)
{
	WDF_INIT_SIZED(Callbacks);
}

typedef NTSTATUS NTAPI EVT_WDF_DEVICE_ARM_WAKE_FROM_S0(WDFDEVICE Device);
typedef EVT_WDF_DEVICE_ARM_WAKE_FROM_S0 *PFN_WDF_DEVICE_ARM_WAKE_FROM_S0;

typedef NTSTATUS NTAPI EVT_WDF_DEVICE_ARM_WAKE_FROM_SX(WDFDEVICE Device);
typedef EVT_WDF_DEVICE_ARM_WAKE_FROM_SX *PFN_WDF_DEVICE_ARM_WAKE_FROM_SX;

typedef NTSTATUS NTAPI EVT_WDF_DEVICE_ARM_WAKE_FROM_SX_WITH_REASON(WDFDEVICE Device, BOOLEAN DeviceWakeEnabled,
								   BOOLEAN ChildrenArmedForWake);
typedef EVT_WDF_DEVICE_ARM_WAKE_FROM_SX_WITH_REASON *PFN_WDF_DEVICE_ARM_WAKE_FROM_SX_WITH_REASON;

typedef void NTAPI EVT_WDF_DEVICE_DISARM_WAKE_FROM_S0(WDFDEVICE Device);
typedef EVT_WDF_DEVICE_DISARM_WAKE_FROM_S0 *PFN_WDF_DEVICE_DISARM_WAKE_FROM_S0;

typedef void NTAPI EVT_WDF_DEVICE_DISARM_WAKE_FROM_SX(WDFDEVICE Device);
typedef EVT_WDF_DEVICE_DISARM_WAKE_FROM_SX *PFN_WDF_DEVICE_DISARM_WAKE_FROM_SX;

typedef void NTAPI EVT_WDF_DEVICE_WAKE_FROM_S0_TRIGGERED(WDFDEVICE Device);
typedef EVT_WDF_DEVICE_WAKE_FROM_S0_TRIGGERED *PFN_WDF_DEVICE_WAKE_FROM_S0_TRIGGERED;

typedef void NTAPI EVT_WDF_DEVICE_WAKE_FROM_SX_TRIGGERED(WDFDEVICE Device);
typedef EVT_WDF_DEVICE_WAKE_FROM_SX_TRIGGERED *PFN_WDF_DEVICE_WAKE_FROM_SX_TRIGGERED;

typedef struct _WDF_POWER_POLICY_EVENT_CALLBACKS {
	ULONG Size;
	PFN_WDF_DEVICE_ARM_WAKE_FROM_S0 EvtDeviceArmWakeFromS0;
	PFN_WDF_DEVICE_DISARM_WAKE_FROM_S0 EvtDeviceDisarmWakeFromS0;
	PFN_WDF_DEVICE_WAKE_FROM_S0_TRIGGERED EvtDeviceWakeFromS0Triggered;
	PFN_WDF_DEVICE_ARM_WAKE_FROM_SX EvtDeviceArmWakeFromSx;
	PFN_WDF_DEVICE_DISARM_WAKE_FROM_SX EvtDeviceDisarmWakeFromSx;
	PFN_WDF_DEVICE_WAKE_FROM_SX_TRIGGERED EvtDeviceWakeFromSxTriggered;
	PFN_WDF_DEVICE_ARM_WAKE_FROM_SX_WITH_REASON EvtDeviceArmWakeFromSxWithReason;
} WDF_POWER_POLICY_EVENT_CALLBACKS, *PWDF_POWER_POLICY_EVENT_CALLBACKS;

WDF_INLINE void WDF_POWER_POLICY_EVENT_CALLBACKS_INIT(PWDF_POWER_POLICY_EVENT_CALLBACKS Callbacks)
{
	WDF_INIT_SIZED(Callbacks);
}

/* How the device sleeps while the system works. */
typedef struct _WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS {
	ULONG Size;
	WDF_POWER_POLICY_S0_IDLE_CAPABILITIES IdleCaps;
	DEVICE_POWER_STATE DxState; /* PowerDeviceMaximum: the bus driver decides */
	ULONG IdleTimeout; /* ms */
	WDF_POWER_POLICY_S0_IDLE_USER_CONTROL UserControlOfIdleSettings;
	WDF_TRI_STATE Enabled;
	WDF_TRI_STATE PowerUpIdleDeviceOnSystemWake;
	WDF_POWER_POLICY_IDLE_TIMEOUT_TYPE IdleTimeoutType;
	WDF_TRI_STATE ExcludeD3Cold;
} WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS, *PWDF_DEVICE_POWER_POLICY_IDLE_SETTINGS;

/* A device that can not wake itself sleeps in D3. */
WDF_INLINE void WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS_INIT(PWDF_DEVICE_POWER_POLICY_IDLE_SETTINGS Settings,
							   WDF_POWER_POLICY_S0_IDLE_CAPABILITIES IdleCaps)
{
	WDF_INIT_SIZED(Settings);
	Settings->IdleCaps = IdleCaps;
	Settings->DxState = IdleCaps == IdleCannotWakeFromS0 ? PowerDeviceD3 : PowerDeviceMaximum;
	Settings->IdleTimeout = IdleTimeoutDefaultValue;
	Settings->UserControlOfIdleSettings = IdleAllowUserControl;
	Settings->Enabled = WdfUseDefault;
	Settings->PowerUpIdleDeviceOnSystemWake = WdfUseDefault;
	Settings->IdleTimeoutType = DriverManagedIdleTimeout;
	Settings->ExcludeD3Cold = WdfUseDefault;
}

/* How the device wakes the system. */
typedef struct _WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS {
	ULONG Size;
	DEVICE_POWER_STATE DxState;
	WDF_POWER_POLICY_SX_WAKE_USER_CONTROL UserControlOfWakeSettings;
	WDF_TRI_STATE Enabled;
	BOOLEAN ArmForWakeIfChildrenAreArmedForWake;
	BOOLEAN IndicateChildWakeOnParentWake;
} WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS, *PWDF_DEVICE_POWER_POLICY_WAKE_SETTINGS;

WDF_INLINE void WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS_INIT(PWDF_DEVICE_POWER_POLICY_WAKE_SETTINGS Settings)
{
	WDF_INIT_SIZED(Settings);
	Settings->DxState = PowerDeviceMaximum;
	Settings->UserControlOfWakeSettings = WakeAllowUserControl;
	Settings->Enabled = WdfUseDefault;
}

typedef NTSTATUS NTAPI EVT_WDFDEVICE_WDM_POST_PO_FX_REGISTER_DEVICE(WDFDEVICE Device, POHANDLE PoHandle);
typedef EVT_WDFDEVICE_WDM_POST_PO_FX_REGISTER_DEVICE *PFN_WDFDEVICE_WDM_POST_PO_FX_REGISTER_DEVICE;

typedef void NTAPI EVT_WDFDEVICE_WDM_PRE_PO_FX_UNREGISTER_DEVICE(WDFDEVICE Device, POHANDLE PoHandle);
typedef EVT_WDFDEVICE_WDM_PRE_PO_FX_UNREGISTER_DEVICE *PFN_WDFDEVICE_WDM_PRE_PO_FX_UNREGISTER_DEVICE;

/* For devices of one component in the power framework of Windows 8 and later. */
typedef struct _WDF_POWER_FRAMEWORK_SETTINGS {
	ULONG Size;
	PFN_WDFDEVICE_WDM_POST_PO_FX_REGISTER_DEVICE EvtDeviceWdmPostPoFxRegisterDevice;
	PFN_WDFDEVICE_WDM_PRE_PO_FX_UNREGISTER_DEVICE EvtDeviceWdmPrePoFxUnregisterDevice;
	PPO_FX_COMPONENT Component;
	PPO_FX_COMPONENT_ACTIVE_CONDITION_CALLBACK ComponentActiveConditionCallback;
	PPO_FX_COMPONENT_IDLE_CONDITION_CALLBACK ComponentIdleConditionCallback;
	PPO_FX_COMPONENT_IDLE_STATE_CALLBACK ComponentIdleStateCallback;
	PPO_FX_POWER_CONTROL_CALLBACK PowerControlCallback;
	PVOID PoFxDeviceContext;
} WDF_POWER_FRAMEWORK_SETTINGS, *PWDF_POWER_FRAMEWORK_SETTINGS;

WDF_INLINE void WDF_POWER_FRAMEWORK_SETTINGS_INIT(PWDF_POWER_FRAMEWORK_SETTINGS Settings)
{
	WDF_INIT_SIZED(Settings);
}

/* -- capabilities and state ------------------------------------------------------------------------------------- */

/* What the driver adds to the bus driver's answer; WdfUseDefault leaves that as it is. */
typedef struct _WDF_DEVICE_PNP_CAPABILITIES {
	ULONG Size;
	WDF_TRI_STATE LockSupported;
	WDF_TRI_STATE EjectSupported;
	WDF_TRI_STATE Removable;
	WDF_TRI_STATE DockDevice;
	WDF_TRI_STATE UniqueID;
	WDF_TRI_STATE SilentInstall;
	WDF_TRI_STATE SurpriseRemovalOK;
	WDF_TRI_STATE HardwareDisabled;
	WDF_TRI_STATE NoDisplayInUI;
	ULONG Address; /* all ones: unknown */
	ULONG UINumber; /* all ones: unknown */
} WDF_DEVICE_PNP_CAPABILITIES, *PWDF_DEVICE_PNP_CAPABILITIES;

WDF_INLINE void WDF_DEVICE_PNP_CAPABILITIES_INIT(PWDF_DEVICE_PNP_CAPABILITIES Caps)
{
	WDF_INIT_SIZED(Caps);
	Caps->LockSupported = WdfUseDefault;
	Caps->EjectSupported = WdfUseDefault;
	Caps->Removable = WdfUseDefault;
	Caps->DockDevice = WdfUseDefault;
	Caps->UniqueID = WdfUseDefault;
	Caps->SilentInstall = WdfUseDefault;
	Caps->SurpriseRemovalOK = WdfUseDefault;
	Caps->HardwareDisabled = WdfUseDefault;
	Caps->NoDisplayInUI = WdfUseDefault;
	Caps->Address = (ULONG)-1;
	Caps->UINumber = (ULONG)-1;
}

typedef struct _WDF_DEVICE_POWER_CAPABILITIES {
	ULONG Size;
	WDF_TRI_STATE DeviceD1;
	WDF_TRI_STATE DeviceD2;
	WDF_TRI_STATE WakeFromD0;
	WDF_TRI_STATE WakeFromD1;
	WDF_TRI_STATE WakeFromD2;
	WDF_TRI_STATE WakeFromD3;
	DEVICE_POWER_STATE DeviceState[PowerSystemMaximum]; /* the shallowest sleep in each system state */
	DEVICE_POWER_STATE DeviceWake; /* the deepest sleep from which it can wake */
	SYSTEM_POWER_STATE SystemWake;
	ULONG D1Latency; /* 100 ns */
	ULONG D2Latency;
	ULONG D3Latency;
	DEVICE_POWER_STATE IdealDxStateForSx;
} WDF_DEVICE_POWER_CAPABILITIES, *PWDF_DEVICE_POWER_CAPABILITIES;

WDF_INLINE void WDF_DEVICE_POWER_CAPABILITIES_INIT(PWDF_DEVICE_POWER_CAPABILITIES Caps)
{
	ULONG State;

	WDF_INIT_SIZED(Caps);
	Caps->DeviceD1 = WdfUseDefault;
	Caps->DeviceD2 = WdfUseDefault;
	Caps->WakeFromD0 = WdfUseDefault;
	Caps->WakeFromD1 = WdfUseDefault;
	Caps->WakeFromD2 = WdfUseDefault;
	Caps->WakeFromD3 = WdfUseDefault;
	for (State = 0; State < PowerSystemMaximum; State++)
		Caps->DeviceState[State] = PowerDeviceMaximum;
	Caps->DeviceWake = PowerDeviceMaximum;
	Caps->SystemWake = PowerSystemMaximum;
	Caps->D1Latency = (ULONG)-1;
	Caps->D2Latency = (ULONG)-1;
	Caps->D3Latency = (ULONG)-1;
	Caps->IdealDxStateForSx = PowerDeviceMaximum;
}

typedef struct _WDF_DEVICE_STATE {
	ULONG Size;
	WDF_TRI_STATE Disabled;
	WDF_TRI_STATE DontDisplayInUI;
	WDF_TRI_STATE Failed;
	WDF_TRI_STATE NotDisableable;
	WDF_TRI_STATE Removed;
	WDF_TRI_STATE ResourcesChanged;
} WDF_DEVICE_STATE, *PWDF_DEVICE_STATE;

WDF_INLINE void WDF_DEVICE_STATE_INIT(PWDF_DEVICE_STATE PnpDeviceState)
{
	WDF_INIT_SIZED(PnpDeviceState);
	PnpDeviceState->Disabled = WdfUseDefault;
	PnpDeviceState->DontDisplayInUI = WdfUseDefault;
	PnpDeviceState->Failed = WdfUseDefault;
	PnpDeviceState->NotDisableable = WdfUseDefault;
	PnpDeviceState->Removed = WdfUseDefault;
	PnpDeviceState->ResourcesChanged = WdfUseDefault;
}

typedef struct _WDF_DEVICE_PROPERTY_DATA {
	ULONG Size;
	const DEVPROPKEY *PropertyKey;
	LCID Lcid; /* LOCALE_NEUTRAL or a language */
	ULONG Flags; /* PLUGPLAY_PROPERTY_PERSISTENT */
} WDF_DEVICE_PROPERTY_DATA, *PWDF_DEVICE_PROPERTY_DATA;

WDF_INLINE void WDF_DEVICE_PROPERTY_DATA_INIT(PWDF_DEVICE_PROPERTY_DATA PropertyData, const DEVPROPKEY *PropertyKey)
{
	WDF_INIT_SIZED(PropertyData);
	PropertyData->PropertyKey = PropertyKey;
}

/* -- requests --------------------------------------------------------------------------------------------------- */

/* A request in the context of the process that sent it, before it is queued. */
typedef void NTAPI EVT_WDF_IO_IN_CALLER_CONTEXT(WDFDEVICE Device, WDFREQUEST Request);
typedef EVT_WDF_IO_IN_CALLER_CONTEXT *PFN_WDF_IO_IN_CALLER_CONTEXT;

typedef NTSTATUS NTAPI EVT_WDFDEVICE_WDM_IRP_PREPROCESS(WDFDEVICE Device, PIRP Irp);
typedef EVT_WDFDEVICE_WDM_IRP_PREPROCESS *PFN_WDFDEVICE_WDM_IRP_PREPROCESS;

typedef NTSTATUS NTAPI EVT_WDFDEVICE_WDM_IRP_DISPATCH(WDFDEVICE Device, UCHAR MajorFunction, UCHAR MinorFunction,
						      ULONG Code, WDFCONTEXT DriverContext, PIRP Irp,
						      WDFCONTEXT DispatchContext);
typedef EVT_WDFDEVICE_WDM_IRP_DISPATCH *PFN_WDFDEVICE_WDM_IRP_DISPATCH;

/* How read, write and device control requests carry their buffers. */
typedef struct _WDF_IO_TYPE_CONFIG {
	ULONG Size;
	WDF_DEVICE_IO_TYPE ReadWriteIoType;
	WDF_DEVICE_IO_TYPE DeviceControlIoType;
	ULONG DirectTransferThreshold; /* bytes; at least this much is carried directly */
} WDF_IO_TYPE_CONFIG, *PWDF_IO_TYPE_CONFIG;

WDF_INLINE void WDF_IO_TYPE_CONFIG_INIT(PWDF_IO_TYPE_CONFIG IoTypeConfig)
{
	WDF_INIT_SIZED(IoTypeConfig);
	IoTypeConfig->ReadWriteIoType = WdfDeviceIoBuffered;
	IoTypeConfig->DeviceControlIoType = WdfDeviceIoBuffered;
}

typedef struct _WDF_REMOVE_LOCK_OPTIONS {
	ULONG Size;
	ULONG Flags; /* WDF_REMOVE_LOCK_OPTIONS_FLAGS */
} WDF_REMOVE_LOCK_OPTIONS, *PWDF_REMOVE_LOCK_OPTIONS;

WDF_INLINE void WDF_REMOVE_LOCK_OPTIONS_INIT(PWDF_REMOVE_LOCK_OPTIONS RemoveLockOptions, ULONG Flags)
{
	WDF_INIT_SIZED(RemoveLockOptions);
	RemoveLockOptions->Flags = Flags;
}

/* -- before the device is created ------------------------------------------------------------------------------- */

/* [DISPATCH] For a block that the driver allocated itself and that WdfDeviceCreate did not consume. */
WDF_INLINE void WdfDeviceInitFree(PWDFDEVICE_INIT DeviceInit);

/* [PASSIVE] The Plug and Play and power callbacks. */
WDF_INLINE void WdfDeviceInitSetPnpPowerEventCallbacks(PWDFDEVICE_INIT DeviceInit,
						       PWDF_PNPPOWER_EVENT_CALLBACKS PnpPowerEventCallbacks);

/* [PASSIVE] The wake callbacks. */
WDF_INLINE void WdfDeviceInitSetPowerPolicyEventCallbacks(PWDFDEVICE_INIT DeviceInit,
							  PWDF_POWER_POLICY_EVENT_CALLBACKS PowerPolicyEventCallbacks);

/* [PASSIVE] Function drivers own the policy, filters do not, unless this says otherwise. */
WDF_INLINE void WdfDeviceInitSetPowerPolicyOwnership(PWDFDEVICE_INIT DeviceInit, BOOLEAN IsPowerPolicyOwner);

/* [PASSIVE] How read and write requests carry their buffers. */
WDF_INLINE void WdfDeviceInitSetIoType(PWDFDEVICE_INIT DeviceInit, WDF_DEVICE_IO_TYPE IoType);

/* [PASSIVE] How read, write and device control requests carry their buffers. */
WDF_INLINE void WdfDeviceInitSetIoTypeEx(PWDFDEVICE_INIT DeviceInit, PWDF_IO_TYPE_CONFIG IoTypeConfig);

/* [PASSIVE] One open handle at a time. */
WDF_INLINE void WdfDeviceInitSetExclusive(PWDFDEVICE_INIT DeviceInit, BOOLEAN IsExclusive);

/* [PASSIVE] Power callbacks may not touch paged memory. */
WDF_INLINE void WdfDeviceInitSetPowerNotPageable(PWDFDEVICE_INIT DeviceInit);

/* [PASSIVE] Power callbacks may touch paged memory. */
WDF_INLINE void WdfDeviceInitSetPowerPageable(PWDFDEVICE_INIT DeviceInit);

/* [PASSIVE] The device draws much current when it powers up. */
WDF_INLINE void WdfDeviceInitSetPowerInrush(PWDFDEVICE_INIT DeviceInit);

/* [PASSIVE] FILE_DEVICE_xxx. */
WDF_INLINE void WdfDeviceInitSetDeviceType(PWDFDEVICE_INIT DeviceInit, ULONG DeviceType);

/* [PASSIVE] A name in the object manager; NULL: none. */
WDF_INLINE NTSTATUS WdfDeviceInitAssignName(PWDFDEVICE_INIT DeviceInit, PCUNICODE_STRING DeviceName);

/* [PASSIVE] Who may open the device, in SDDL. */
WDF_INLINE NTSTATUS WdfDeviceInitAssignSDDLString(PWDFDEVICE_INIT DeviceInit, PCUNICODE_STRING SDDLString);

/* [PASSIVE] A class whose security settings in the registry override the driver's. */
WDF_INLINE void WdfDeviceInitSetDeviceClass(PWDFDEVICE_INIT DeviceInit, const GUID *DeviceClassGuid);

/* [PASSIVE] FILE_DEVICE_SECURE_OPEN and others. */
WDF_INLINE void WdfDeviceInitSetCharacteristics(PWDFDEVICE_INIT DeviceInit, ULONG DeviceCharacteristics,
						BOOLEAN OrInValues);

/* [PASSIVE] File object callbacks and context. */
WDF_INLINE void WdfDeviceInitSetFileObjectConfig(PWDFDEVICE_INIT DeviceInit, PWDF_FILEOBJECT_CONFIG FileObjectConfig,
						 PWDF_OBJECT_ATTRIBUTES FileObjectAttributes);

/* [PASSIVE] The context of each request that the framework makes for the device. */
WDF_INLINE void WdfDeviceInitSetRequestAttributes(PWDFDEVICE_INIT DeviceInit, PWDF_OBJECT_ATTRIBUTES RequestAttributes);

/* [PASSIVE] Sees IRPs before the framework does. */
WDF_INLINE NTSTATUS WdfDeviceInitAssignWdmIrpPreprocessCallback(PWDFDEVICE_INIT DeviceInit,
								PFN_WDFDEVICE_WDM_IRP_PREPROCESS EvtDeviceWdmIrpPreprocess,
								UCHAR MajorFunction, PUCHAR MinorFunctions,
								ULONG NumMinorFunctions);

/* [PASSIVE] Sees requests before they are queued. */
WDF_INLINE void WdfDeviceInitSetIoInCallerContextCallback(PWDFDEVICE_INIT DeviceInit,
							  PFN_WDF_IO_IN_CALLER_CONTEXT EvtIoInCallerContext);

/* [PASSIVE] The framework takes a remove lock for I/O too. */
WDF_INLINE void WdfDeviceInitSetRemoveLockOptions(PWDFDEVICE_INIT DeviceInit, PWDF_REMOVE_LOCK_OPTIONS Options);

/* [PASSIVE] When EvtDeviceReleaseHardware comes after a failed start. */
WDF_INLINE void WdfDeviceInitSetReleaseHardwareOrderOnFailure(PWDFDEVICE_INIT DeviceInit,
							      WDF_RELEASE_HARDWARE_ORDER_ON_FAILURE ReleaseHardwareOrderOnFailure);

/* -- the device ------------------------------------------------------------------------------------------------- */

/* [PASSIVE] Creates the device; on success the block is consumed and *DeviceInit becomes NULL. */
WDF_INLINE NTSTATUS WdfDeviceCreate(PWDFDEVICE_INIT *DeviceInit, PWDF_OBJECT_ATTRIBUTES DeviceAttributes,
				    WDFDEVICE *Device);

/* [PASSIVE] Registers an interface by which applications find the device. */
WDF_INLINE NTSTATUS WdfDeviceCreateDeviceInterface(WDFDEVICE Device, const GUID *InterfaceClassGUID,
						   PCUNICODE_STRING ReferenceString);

/* [PASSIVE] Shows or hides an interface. */
WDF_INLINE void WdfDeviceSetDeviceInterfaceState(WDFDEVICE Device, const GUID *InterfaceClassGUID,
						 PCUNICODE_STRING ReferenceString, BOOLEAN IsInterfaceEnabled);

/* [PASSIVE] The interface's symbolic link. */
WDF_INLINE NTSTATUS WdfDeviceRetrieveDeviceInterfaceString(WDFDEVICE Device, const GUID *InterfaceClassGUID,
							   PCUNICODE_STRING ReferenceString, WDFSTRING String);

/* [PASSIVE] A name in \DosDevices, for devices that applications open by name. */
WDF_INLINE NTSTATUS WdfDeviceCreateSymbolicLink(WDFDEVICE Device, PCUNICODE_STRING SymbolicLinkName);

/* [PASSIVE] The device's name in the object manager. */
WDF_INLINE NTSTATUS WdfDeviceRetrieveDeviceName(WDFDEVICE Device, WDFSTRING String);

/* [PASSIVE] The WMI schema's resource. */
WDF_INLINE NTSTATUS WdfDeviceAssignMofResourceName(WDFDEVICE Device, PCUNICODE_STRING MofResourceName);

/* [PASSIVE] PLUGPLAY_REGKEY_DEVICE or PLUGPLAY_REGKEY_DRIVER. */
WDF_INLINE NTSTATUS WdfDeviceOpenRegistryKey(WDFDEVICE Device, ULONG DeviceInstanceKeyType, ACCESS_MASK DesiredAccess,
					     PWDF_OBJECT_ATTRIBUTES KeyAttributes, WDFKEY *Key);

/* [PASSIVE] A key below HKLM\HARDWARE\DEVICEMAP. */
WDF_INLINE NTSTATUS WdfDeviceOpenDevicemapKey(WDFDEVICE Device, PCUNICODE_STRING KeyName, ACCESS_MASK DesiredAccess,
					      PWDF_OBJECT_ATTRIBUTES KeyAttributes, WDFKEY *Key);

/* [PASSIVE] One of the device's registry properties. */
WDF_INLINE NTSTATUS WdfDeviceQueryProperty(WDFDEVICE Device, DEVICE_REGISTRY_PROPERTY DeviceProperty,
					   ULONG BufferLength, PVOID PropertyBuffer, PULONG ResultLength);

/* [PASSIVE] The same, into memory of its own. */
WDF_INLINE NTSTATUS WdfDeviceAllocAndQueryProperty(WDFDEVICE Device, DEVICE_REGISTRY_PROPERTY DeviceProperty,
						   POOL_TYPE PoolType, PWDF_OBJECT_ATTRIBUTES PropertyMemoryAttributes,
						   WDFMEMORY *PropertyMemory);

/* [PASSIVE] A unified device property. */
WDF_INLINE NTSTATUS WdfDeviceQueryPropertyEx(WDFDEVICE Device, PWDF_DEVICE_PROPERTY_DATA DeviceProperty,
					     ULONG BufferLength, PVOID PropertyBuffer, PULONG RequiredSize,
					     PDEVPROPTYPE Type);

/* [PASSIVE] The same, into memory of its own. */
WDF_INLINE NTSTATUS WdfDeviceAllocAndQueryPropertyEx(WDFDEVICE Device, PWDF_DEVICE_PROPERTY_DATA DeviceProperty,
						     POOL_TYPE PoolType,
						     PWDF_OBJECT_ATTRIBUTES PropertyMemoryAttributes,
						     WDFMEMORY *PropertyMemory, PDEVPROPTYPE Type);

/* [PASSIVE] Sets a unified device property. */
WDF_INLINE NTSTATUS WdfDeviceAssignProperty(WDFDEVICE Device, PWDF_DEVICE_PROPERTY_DATA DeviceProperty,
					    DEVPROPTYPE Type, ULONG BufferLength, PVOID PropertyBuffer);

/* [DISPATCH] The driver that made the device. */
WDF_INLINE WDFDRIVER WdfDeviceGetDriver(WDFDEVICE Device);

/* [DISPATCH] The next lower driver. */
WDF_INLINE WDFIOTARGET WdfDeviceGetIoTarget(WDFDEVICE Device);

/* [DISPATCH] The system's device object. */
WDF_INLINE PDEVICE_OBJECT WdfDeviceWdmGetDeviceObject(WDFDEVICE Device);

/* [DISPATCH] The next lower device object of the stack. */
WDF_INLINE PDEVICE_OBJECT WdfDeviceWdmGetAttachedDevice(WDFDEVICE Device);

/* [DISPATCH] The bus driver's device object. */
WDF_INLINE PDEVICE_OBJECT WdfDeviceWdmGetPhysicalDevice(WDFDEVICE Device);

/* [DISPATCH] The framework's handle for the system's device object. */
WDF_INLINE WDFDEVICE WdfWdmDeviceGetWdfDeviceHandle(PDEVICE_OBJECT DeviceObject);

/* [DISPATCH] Hands a preprocessed IRP to the framework. */
WDF_INLINE NTSTATUS WdfDeviceWdmDispatchPreprocessedIrp(WDFDEVICE Device, PIRP Irp);

/* [DISPATCH] The framework's handle for the system's file object. */
WDF_INLINE WDFFILEOBJECT WdfDeviceGetFileObject(WDFDEVICE Device, PFILE_OBJECT FileObject);

/* [DISPATCH] FILE_DEVICE_SECURE_OPEN and others. */
WDF_INLINE ULONG WdfDeviceGetCharacteristics(WDFDEVICE Device);

/* [DISPATCH] Sets them. */
WDF_INLINE void WdfDeviceSetCharacteristics(WDFDEVICE Device, ULONG DeviceCharacteristics);

/* [DISPATCH] FILE_xxx_ALIGNMENT: one less than the alignment in bytes. */
WDF_INLINE ULONG WdfDeviceGetAlignmentRequirement(WDFDEVICE Device);

/* [DISPATCH] Sets it. */
WDF_INLINE void WdfDeviceSetAlignmentRequirement(WDFDEVICE Device, ULONG AlignmentRequirement);

/* [PASSIVE] Paging, hibernation and dump files. */
WDF_INLINE void WdfDeviceSetSpecialFileSupport(WDFDEVICE Device, WDF_SPECIAL_FILE_TYPE FileType,
					       BOOLEAN FileTypeIsSupported);

/* [PASSIVE] FALSE: the device may not be stopped or removed for now. */
WDF_INLINE void WdfDeviceSetStaticStopRemove(WDFDEVICE Device, BOOLEAN Stoppable);

/* [DISPATCH] The state as reported to the system. */
WDF_INLINE void WdfDeviceGetDeviceState(WDFDEVICE Device, PWDF_DEVICE_STATE DeviceState);

/* [DISPATCH] Reports a state to the system: failed, disabled, … */
WDF_INLINE void WdfDeviceSetDeviceState(WDFDEVICE Device, PWDF_DEVICE_STATE DeviceState);

/* [DISPATCH] The device is beyond recovery: take it down, and start it again where asked. */
WDF_INLINE void WdfDeviceSetFailed(WDFDEVICE Device, WDF_DEVICE_FAILED_ACTION FailedAction);

/* [PASSIVE] Adds to the bus driver's capabilities. */
WDF_INLINE void WdfDeviceSetPnpCapabilities(WDFDEVICE Device, PWDF_DEVICE_PNP_CAPABILITIES PnpCapabilities);

/* [PASSIVE] Adds to the bus driver's capabilities. */
WDF_INLINE void WdfDeviceSetPowerCapabilities(WDFDEVICE Device, PWDF_DEVICE_POWER_CAPABILITIES PowerCapabilities);

/* [PASSIVE] What a bus driver's children say of their bus. */
WDF_INLINE void WdfDeviceSetBusInformationForChildren(WDFDEVICE Device, PPNP_BUS_INFORMATION BusInformation);

/* [PASSIVE] Lets the device sleep while idle. */
WDF_INLINE NTSTATUS WdfDeviceAssignS0IdleSettings(WDFDEVICE Device, PWDF_DEVICE_POWER_POLICY_IDLE_SETTINGS Settings);

/* [PASSIVE] Lets the device wake the system. */
WDF_INLINE NTSTATUS WdfDeviceAssignSxWakeSettings(WDFDEVICE Device, PWDF_DEVICE_POWER_POLICY_WAKE_SETTINGS Settings);

/* [PASSIVE] Registers with the power framework. */
WDF_INLINE NTSTATUS WdfDeviceWdmAssignPowerFrameworkSettings(WDFDEVICE Device,
							     PWDF_POWER_FRAMEWORK_SETTINGS PowerFrameworkSettings);

/* [DISPATCH] The bus driver tells that a child has woken. */
WDF_INLINE NTSTATUS WdfDeviceIndicateWakeStatus(WDFDEVICE Device, NTSTATUS WaitWakeStatus);

/* [DISPATCH] Why the power state changes: sleep, hibernation, shutdown or none. */
WDF_INLINE POWER_ACTION WdfDeviceGetSystemPowerAction(WDFDEVICE Device);

/* [DISPATCH] Keeps the device in D0; use the macros below. Waits only at passive level. */
WDF_INLINE NTSTATUS WdfDeviceStopIdleActual(WDFDEVICE Device, BOOLEAN WaitForD0, PVOID Tag, LONG Line, PCHAR File);

/* [DISPATCH] Lets it sleep again; one call for each successful stop. */
WDF_INLINE void WdfDeviceResumeIdleActual(WDFDEVICE Device, PVOID Tag, LONG Line, PCHAR File);

/* [DISPATCH] The default I/O queue, or NULL. */
WDF_INLINE WDFQUEUE WdfDeviceGetDefaultQueue(WDFDEVICE Device);

/* [PASSIVE] Sends all requests of a type to a queue. */
WDF_INLINE NTSTATUS WdfDeviceConfigureRequestDispatching(WDFDEVICE Device, WDFQUEUE Queue,
							 WDF_REQUEST_TYPE RequestType);

/* [DISPATCH] Queues a request that EvtIoInCallerContext saw. */
WDF_INLINE NTSTATUS WdfDeviceEnqueueRequest(WDFDEVICE Device, WDFREQUEST Request);

#define WdfDeviceStopIdle(Device, WaitForD0)                                                                           \
	WdfDeviceStopIdleActual((Device), (WaitForD0), NULL, __LINE__, (PCHAR)(ULONG_PTR)__FILE__)
#define WdfDeviceStopIdleWithTag(Device, WaitForD0, Tag)                                                               \
	WdfDeviceStopIdleActual((Device), (WaitForD0), (Tag), __LINE__, (PCHAR)(ULONG_PTR)__FILE__)
#define WdfDeviceResumeIdle(Device) WdfDeviceResumeIdleActual((Device), NULL, __LINE__, (PCHAR)(ULONG_PTR)__FILE__)
#define WdfDeviceResumeIdleWithTag(Device, Tag)                                                                        \
	WdfDeviceResumeIdleActual((Device), (Tag), __LINE__, (PCHAR)(ULONG_PTR)__FILE__)

#endif
