/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The states of the framework's three machines for each device: Plug and Play, power, power policy. Drivers meet them
 * in debugger output and, rarely, in state change notifications.
 */
#ifndef _WDFDEVICESTATE_H_
#define _WDFDEVICESTATE_H_

typedef enum _WDF_DEVICE_PNP_STATE {
	WdfDevStatePnpInvalid = 0,
	WdfDevStatePnpObjectCreated = 0x100,
	WdfDevStatePnpCheckForDevicePresence = 0x101,
	WdfDevStatePnpEjectFailed = 0x102,
	WdfDevStatePnpEjectHardware = 0x103,
	WdfDevStatePnpEjectedWaitingForRemove = 0x104,
	WdfDevStatePnpInit = 0x105,
	WdfDevStatePnpInitStarting = 0x106,
	WdfDevStatePnpInitSurpriseRemoved = 0x107,
	WdfDevStatePnpHardwareAvailable = 0x108,
	WdfDevStatePnpEnableInterfaces = 0x109,
	WdfDevStatePnpHardwareAvailablePowerPolicyFailed = 0x10A,
	WdfDevStatePnpQueryRemoveAskDriver = 0x10B,
	WdfDevStatePnpQueryRemovePending = 0x10C,
	WdfDevStatePnpQueryRemoveStaticCheck = 0x10D,
	WdfDevStatePnpQueriedRemoving = 0x10E,
	WdfDevStatePnpQueryStopAskDriver = 0x10F,
	WdfDevStatePnpQueryStopPending = 0x110,
	WdfDevStatePnpQueryStopStaticCheck = 0x111,
	WdfDevStatePnpQueryCanceled = 0x112,
	WdfDevStatePnpRemoved = 0x113,
	WdfDevStatePnpPdoRemoved = 0x114,
	WdfDevStatePnpRemovedPdoWait = 0x115,
	WdfDevStatePnpRemovedPdoSurpriseRemoved = 0x116,
	WdfDevStatePnpRemovingDisableInterfaces = 0x117,
	WdfDevStatePnpRestarting = 0x118,
	WdfDevStatePnpStarted = 0x119,
	WdfDevStatePnpStartedCancelStop = 0x11A,
	WdfDevStatePnpStartedCancelRemove = 0x11B,
	WdfDevStatePnpStartedRemoving = 0x11C,
	WdfDevStatePnpStartingFromStopped = 0x11D,
	WdfDevStatePnpStopped = 0x11E,
	WdfDevStatePnpStoppedWaitForStartCompletion = 0x11F,
	WdfDevStatePnpStartedStopping = 0x120,
	WdfDevStatePnpSurpriseRemove = 0x121,
	WdfDevStatePnpInitQueryRemove = 0x122,
	WdfDevStatePnpInitQueryRemoveCanceled = 0x123,
	WdfDevStatePnpFdoRemoved = 0x124,
	WdfDevStatePnpRemovedWaitForChildren = 0x125,
	WdfDevStatePnpQueriedSurpriseRemove = 0x126,
	WdfDevStatePnpSurpriseRemoveIoStarted = 0x127,
	WdfDevStatePnpFailedPowerDown = 0x128,
	WdfDevStatePnpFailedIoStarting = 0x129,
	WdfDevStatePnpFailedOwnHardware = 0x12A,
	WdfDevStatePnpFailed = 0x12B,
	WdfDevStatePnpFailedSurpriseRemoved = 0x12C,
	WdfDevStatePnpFailedStarted = 0x12D,
	WdfDevStatePnpFailedWaitForRemove = 0x12E,
	WdfDevStatePnpFailedInit = 0x12F,
	WdfDevStatePnpPdoInitFailed = 0x130,
	WdfDevStatePnpRestart = 0x131,
	WdfDevStatePnpRestartReleaseHardware = 0x132,
	WdfDevStatePnpRestartHardwareAvailable = 0x133,
	WdfDevStatePnpPdoRestart = 0x134,
	WdfDevStatePnpFinal = 0x135,
	WdfDevStatePnpRemovedChildrenRemoved = 0x136,
	WdfDevStatePnpQueryRemoveEnsureDeviceAwake = 0x137,
	WdfDevStatePnpQueryStopEnsureDeviceAwake = 0x138,
	WdfDevStatePnpFailedPowerPolicyRemoved = 0x139,
	WdfDevStatePnpNull = 0x13A,
} WDF_DEVICE_PNP_STATE, *PWDF_DEVICE_PNP_STATE;

typedef enum _WDF_DEVICE_POWER_STATE {
	WdfDevStatePowerInvalid = 0,
	WdfDevStatePowerObjectCreated = 0x300,
	WdfDevStatePowerCheckDeviceType = 0x301,
	WdfDevStatePowerCheckDeviceTypeNP = 0x8302,
	WdfDevStatePowerCheckParentState = 0x303,
	WdfDevStatePowerCheckParentStateNP = 0x8304,
	WdfDevStatePowerEnablingWakeAtBus = 0x305,
	WdfDevStatePowerEnablingWakeAtBusNP = 0x8306,
	WdfDevStatePowerD0 = 0x307,
	WdfDevStatePowerD0NP = 0x8308,
	WdfDevStatePowerD0BusWakeOwner = 0x309,
	WdfDevStatePowerD0BusWakeOwnerNP = 0x830A,
	WdfDevStatePowerD0ArmedForWake = 0x30B,
	WdfDevStatePowerD0ArmedForWakeNP = 0x830C,
	WdfDevStatePowerD0DisarmingWakeAtBus = 0x30D,
	WdfDevStatePowerD0DisarmingWakeAtBusNP = 0x830E,
	WdfDevStatePowerD0Starting = 0x30F,
	WdfDevStatePowerD0StartingConnectInterrupt = 0x310,
	WdfDevStatePowerD0StartingDmaEnable = 0x311,
	WdfDevStatePowerD0StartingStartSelfManagedIo = 0x312,
	WdfDevStatePowerDecideD0State = 0x313,
	WdfDevStatePowerGotoD3Stopped = 0x314,
	WdfDevStatePowerStopped = 0x315,
	WdfDevStatePowerStartingCheckDeviceType = 0x316,
	WdfDevStatePowerStartingChild = 0x317,
	WdfDevStatePowerDxDisablingWakeAtBus = 0x318,
	WdfDevStatePowerDxDisablingWakeAtBusNP = 0x8319,
	WdfDevStatePowerGotoDx = 0x31A,
	WdfDevStatePowerGotoDxNP = 0x831B,
	WdfDevStatePowerGotoDxIoStopped = 0x31C,
	WdfDevStatePowerGotoDxIoStoppedNP = 0x831D,
	WdfDevStatePowerGotoDxNPFailed = 0x831E,
	WdfDevStatePowerDx = 0x31F,
	WdfDevStatePowerDxNP = 0x8320,
	WdfDevStatePowerGotoDxArmedForWake = 0x321,
	WdfDevStatePowerGotoDxArmedForWakeNP = 0x8322,
	WdfDevStatePowerGotoDxIoStoppedArmedForWake = 0x323,
	WdfDevStatePowerGotoDxIoStoppedArmedForWakeNP = 0x8324,
	WdfDevStatePowerDxArmedForWake = 0x325,
	WdfDevStatePowerDxArmedForWakeNP = 0x8326,
	WdfDevStatePowerCheckParentStateArmedForWake = 0x327,
	WdfDevStatePowerCheckParentStateArmedForWakeNP = 0x8328,
	WdfDevStatePowerWaitForParentArmedForWake = 0x329,
	WdfDevStatePowerWaitForParentArmedForWakeNP = 0x832A,
	WdfDevStatePowerStartSelfManagedIo = 0x32B,
	WdfDevStatePowerStartSelfManagedIoNP = 0x832C,
	WdfDevStatePowerStartSelfManagedIoFailed = 0x32D,
	WdfDevStatePowerStartSelfManagedIoFailedNP = 0x832E,
	WdfDevStatePowerWaitForParent = 0x32F,
	WdfDevStatePowerWaitForParentNP = 0x8330,
	WdfDevStatePowerWakePending = 0x331,
	WdfDevStatePowerWakePendingNP = 0x8332,
	WdfDevStatePowerWaking = 0x333,
	WdfDevStatePowerWakingNP = 0x8334,
	WdfDevStatePowerWakingConnectInterrupt = 0x335,
	WdfDevStatePowerWakingConnectInterruptNP = 0x8336,
	WdfDevStatePowerWakingConnectInterruptFailed = 0x337,
	WdfDevStatePowerWakingConnectInterruptFailedNP = 0x8338,
	WdfDevStatePowerWakingDmaEnable = 0x339,
	WdfDevStatePowerWakingDmaEnableNP = 0x833A,
	WdfDevStatePowerWakingDmaEnableFailed = 0x33B,
	WdfDevStatePowerWakingDmaEnableFailedNP = 0x833C,
	WdfDevStatePowerReportPowerUpFailedDerefParent = 0x33D,
	WdfDevStatePowerReportPowerUpFailed = 0x33E,
	WdfDevStatePowerPowerFailedPowerDown = 0x33F,
	WdfDevStatePowerReportPowerDownFailed = 0x340,
	WdfDevStatePowerInitialConnectInterruptFailed = 0x341,
	WdfDevStatePowerInitialDmaEnableFailed = 0x342,
	WdfDevStatePowerInitialSelfManagedIoFailed = 0x343,
	WdfDevStatePowerInitialPowerUpFailedDerefParent = 0x344,
	WdfDevStatePowerInitialPowerUpFailed = 0x345,
	WdfDevStatePowerDxStoppedDisarmWake = 0x346,
	WdfDevStatePowerDxStoppedDisarmWakeNP = 0x8347,
	WdfDevStatePowerGotoDxStoppedDisableInterruptNP = 0x8348,
	WdfDevStatePowerGotoDxStopped = 0x349,
	WdfDevStatePowerDxStopped = 0x34A,
	WdfDevStatePowerGotoStopped = 0x34B,
	WdfDevStatePowerStoppedCompleteDx = 0x34C,
	WdfDevStatePowerDxStoppedDecideDxState = 0x34D,
	WdfDevStatePowerDxStoppedArmForWake = 0x34E,
	WdfDevStatePowerDxStoppedArmForWakeNP = 0x834F,
	WdfDevStatePowerFinalPowerDownFailed = 0x350,
	WdfDevStatePowerFinal = 0x351,
	WdfDevStatePowerGotoImplicitD3DisarmWakeAtBus = 0x352,
	WdfDevStatePowerUpFailed = 0x353,
	WdfDevStatePowerUpFailedDerefParent = 0x354,
	WdfDevStatePowerGotoDxFailed = 0x355,
	WdfDevStatePowerGotoDxStoppedDisableInterrupt = 0x356,
	WdfDevStatePowerUpFailedNP = 0x8357,
	WdfDevStatePowerUpFailedDerefParentNP = 0x8358,
	WdfDevStatePowerNotifyingD0ExitToWakeInterrupts = 0x359,
	WdfDevStatePowerNotifyingD0EntryToWakeInterrupts = 0x35A,
	WdfDevStatePowerNotifyingD0ExitToWakeInterruptsNP = 0x835B,
	WdfDevStatePowerNotifyingD0EntryToWakeInterruptsNP = 0x835C,
	WdfDevStatePowerNull = 0x35D,
} WDF_DEVICE_POWER_STATE, *PWDF_DEVICE_POWER_STATE;

typedef enum _WDF_DEVICE_POWER_POLICY_STATE {
	WdfDevStatePwrPolInvalid = 0,
	WdfDevStatePwrPolObjectCreated = 0x500,
	WdfDevStatePwrPolStarting = 0x501,
	WdfDevStatePwrPolStartingSucceeded = 0x502,
	WdfDevStatePwrPolStartingFailed = 0x503,
	WdfDevStatePwrPolStartingDecideS0Wake = 0x504,
	WdfDevStatePwrPolStartedIdleCapable = 0x505,
	WdfDevStatePwrPolTimerExpiredNoWake = 0x506,
	WdfDevStatePwrPolTimerExpiredNoWakeCompletePowerDown = 0x507,
	WdfDevStatePwrPolWaitingUnarmed = 0x508,
	WdfDevStatePwrPolWaitingUnarmedQueryIdle = 0x509,
	WdfDevStatePwrPolS0NoWakePowerUp = 0x50A,
	WdfDevStatePwrPolS0NoWakeCompletePowerUp = 0x50B,
	WdfDevStatePwrPolSystemSleepFromDeviceWaitingUnarmed = 0x50C,
	WdfDevStatePwrPolSystemSleepNeedWake = 0x50D,
	WdfDevStatePwrPolSystemSleepNeedWakeCompletePowerUp = 0x50E,
	WdfDevStatePwrPolSystemSleepPowerRequestFailed = 0x50F,
	WdfDevStatePwrPolCheckPowerPageable = 0x510,
	WdfDevStatePwrPolSleepingWakeWakeArrived = 0x511,
	WdfDevStatePwrPolSleepingWakeRevertArmWake = 0x512,
	WdfDevStatePwrPolSystemAsleepWakeArmed = 0x513,
	WdfDevStatePwrPolSystemWakeDeviceWakeEnabled = 0x514,
	WdfDevStatePwrPolSystemWakeDeviceWakeEnabledWakeCanceled = 0x515,
	WdfDevStatePwrPolSystemWakeDeviceWakeDisarm = 0x516,
	WdfDevStatePwrPolSystemWakeDeviceWakeTriggered = 0x517,
	WdfDevStatePwrPolSystemWakeDeviceWakeTriggeredS0 = 0x518,
	WdfDevStatePwrPolSystemWakeDeviceWokeDisarm = 0x519,
	WdfDevStatePwrPolSleepingWakeWakeArrivedNP = 0x851A,
	WdfDevStatePwrPolSleepingWakeRevertArmWakeNP = 0x851B,
	WdfDevStatePwrPolSleepingWakePowerDownFailed = 0x51C,
	WdfDevStatePwrPolSleepingWakePowerDownFailedWakeCanceled = 0x51D,
	WdfDevStatePwrPolSystemAsleepWakeArmedNP = 0x851E,
	WdfDevStatePwrPolSystemWakeDeviceWakeEnabledNP = 0x851F,
	WdfDevStatePwrPolSystemWakeDeviceWakeEnabledWakeCanceledNP = 0x8520,
	WdfDevStatePwrPolSystemWakeDeviceWakeDisarmNP = 0x8521,
	WdfDevStatePwrPolSystemWakeDeviceWakeTriggeredNP = 0x8522,
	WdfDevStatePwrPolSystemWakeDeviceWakeTriggeredS0NP = 0x8523,
	WdfDevStatePwrPolSystemWakeDeviceWokeDisarmNP = 0x8524,
	WdfDevStatePwrPolSystemWakeDeviceWakeCompletePowerUp = 0x525,
	WdfDevStatePwrPolSleeping = 0x526,
	WdfDevStatePwrPolSleepingNoWakePowerDown = 0x527,
	WdfDevStatePwrPolSleepingNoWakeCompletePowerDown = 0x528,
	WdfDevStatePwrPolSleepingNoWakeDxRequestFailed = 0x529,
	WdfDevStatePwrPolSleepingWakePowerDown = 0x52A,
	WdfDevStatePwrPolSleepingSendWake = 0x52B,
	WdfDevStatePwrPolSystemAsleepNoWake = 0x52C,
	WdfDevStatePwrPolSystemWakeDeviceWakeDisabled = 0x52D,
	WdfDevStatePwrPolSystemWakeDeviceToD0 = 0x52E,
	WdfDevStatePwrPolSystemWakeDeviceToD0CompletePowerUp = 0x52F,
	WdfDevStatePwrPolSystemWakeQueryIdle = 0x530,
	WdfDevStatePwrPolStartedWakeCapable = 0x531,
	WdfDevStatePwrPolTimerExpiredDecideUsbSS = 0x532,
	WdfDevStatePwrPolTimerExpiredWakeCapablePowerDown = 0x533,
	WdfDevStatePwrPolTimerExpiredWakeCapableSendWake = 0x534,
	WdfDevStatePwrPolTimerExpiredWakeCapableUsbSS = 0x535,
	WdfDevStatePwrPolTimerExpiredWakeCapableWakeArrived = 0x536,
	WdfDevStatePwrPolTimerExpiredWakeCapableCancelWake = 0x537,
	WdfDevStatePwrPolTimerExpiredWakeCapableWakeCanceled = 0x538,
	WdfDevStatePwrPolTimerExpiredWakeCapableCleanup = 0x539,
	WdfDevStatePwrPolTimerExpiredWakeCapableDxAllocFailed = 0x53A,
	WdfDevStatePwrPolTimerExpiredWakeCompletedPowerDown = 0x53B,
	WdfDevStatePwrPolTimerExpiredWakeCompletedPowerUp = 0x53C,
	WdfDevStatePwrPolWaitingArmedUsbSS = 0x53D,
	WdfDevStatePwrPolWaitingArmed = 0x53E,
	WdfDevStatePwrPolWaitingArmedQueryIdle = 0x53F,
	WdfDevStatePwrPolIoPresentArmed = 0x540,
	WdfDevStatePwrPolIoPresentArmedWakeCanceled = 0x541,
	WdfDevStatePwrPolS0WakeDisarm = 0x542,
	WdfDevStatePwrPolS0WakeCompletePowerUp = 0x543,
	WdfDevStatePwrPolTimerExpiredWakeSucceeded = 0x544,
	WdfDevStatePwrPolTimerExpiredWakeCompletedDisarm = 0x545,
	WdfDevStatePwrPolTimerExpiredWakeCapableWakeSucceeded = 0x546,
	WdfDevStatePwrPolTimerExpiredWakeCapableWakeFailed = 0x547,
	WdfDevStatePwrPolWakeFailedUsbSS = 0x548,
	WdfDevStatePwrPolTimerExpiredWakeCapablePowerDownFailedCancelWake = 0x549,
	WdfDevStatePwrPolTimerExpiredWakeCapablePowerDownFailedWakeCanceled = 0x54A,
	WdfDevStatePwrPolTimerExpiredWakeCapablePowerDownFailedUsbSS = 0x54B,
	WdfDevStatePwrPolCancelingWakeForSystemSleep = 0x54C,
	WdfDevStatePwrPolCancelingWakeForSystemSleepWakeCanceled = 0x54D,
	WdfDevStatePwrPolDisarmingWakeForSystemSleepCompletePowerUp = 0x54E,
	WdfDevStatePwrPolPowerUpForSystemSleepFailed = 0x54F,
	WdfDevStatePwrPolWokeFromS0UsbSS = 0x550,
	WdfDevStatePwrPolWokeFromS0 = 0x551,
	WdfDevStatePwrPolWokeFromS0NotifyDriver = 0x552,
	WdfDevStatePwrPolStoppingResetDevice = 0x553,
	WdfDevStatePwrPolStoppingResetDeviceCompletePowerUp = 0x554,
	WdfDevStatePwrPolStoppingResetDeviceFailed = 0x555,
	WdfDevStatePwrPolStoppingD0 = 0x556,
	WdfDevStatePwrPolStoppingD0Failed = 0x557,
	WdfDevStatePwrPolStoppingDisarmWake = 0x558,
	WdfDevStatePwrPolStoppingDisarmWakeCancelWake = 0x559,
	WdfDevStatePwrPolStoppingDisarmWakeWakeCanceled = 0x55A,
	WdfDevStatePwrPolStopping = 0x55B,
	WdfDevStatePwrPolStoppingFailed = 0x55C,
	WdfDevStatePwrPolStoppingSendStatus = 0x55D,
	WdfDevStatePwrPolStoppingCancelTimer = 0x55E,
	WdfDevStatePwrPolStoppingWaitForIdleTimeout = 0x55F,
	WdfDevStatePwrPolStoppingCancelUsbSS = 0x560,
	WdfDevStatePwrPolStoppingWaitForUsbSSCompletion = 0x561,
	WdfDevStatePwrPolStoppingCancelWake = 0x562,
	WdfDevStatePwrPolStopped = 0x563,
	WdfDevStatePwrPolCancelUsbSS = 0x564,
	WdfDevStatePwrPolStarted = 0x565,
	WdfDevStatePwrPolStartedCancelTimer = 0x566,
	WdfDevStatePwrPolStartedWaitForIdleTimeout = 0x567,
	WdfDevStatePwrPolStartedWakeCapableCancelTimerForSleep = 0x568,
	WdfDevStatePwrPolStartedWakeCapableWaitForIdleTimeout = 0x569,
	WdfDevStatePwrPolStartedWakeCapableSleepingUsbSS = 0x56A,
	WdfDevStatePwrPolStartedIdleCapableCancelTimerForSleep = 0x56B,
	WdfDevStatePwrPolStartedIdleCapableWaitForIdleTimeout = 0x56C,
	WdfDevStatePwrPolDeviceD0PowerRequestFailed = 0x56D,
	WdfDevStatePwrPolDevicePowerRequestFailed = 0x56E,
	WdfDevStatePwrPolGotoDx = 0x56F,
	WdfDevStatePwrPolGotoDxInDx = 0x570,
	WdfDevStatePwrPolDx = 0x571,
	WdfDevStatePwrPolGotoD0 = 0x572,
	WdfDevStatePwrPolGotoD0InD0 = 0x573,
	WdfDevStatePwrPolFinal = 0x574,
	WdfDevStatePwrPolSleepingPowerDownNotProcessed = 0x575,
	WdfDevStatePwrPolTimerExpiredWakeCapablePowerDownNotProcessed = 0x576,
	WdfDevStatePwrPolTimerExpiredNoWakePowerDownNotProcessed = 0x577,
	WdfDevStatePwrPolTimerExpiredNoWakePoweredDownDisableIdleTimer = 0x578,
	WdfDevStatePwrPolStoppingWaitingForImplicitPowerDown = 0x579,
	WdfDevStatePwrPolStoppingPoweringUp = 0x57A,
	WdfDevStatePwrPolStoppingPoweringDown = 0x57B,
	WdfDevStatePwrPolPowerUpForSystemSleepNotSeen = 0x57C,
	WdfDevStatePwrPolWaitingArmedStoppingCancelUsbSS = 0x57D,
	WdfDevStatePwrPolWaitingArmedWakeFailedCancelUsbSS = 0x57E,
	WdfDevStatePwrPolWaitingArmedIoPresentCancelUsbSS = 0x57F,
	WdfDevStatePwrPolWaitingArmedWakeSucceededCancelUsbSS = 0x580,
	WdfDevStatePwrPolCancelingUsbSSForSystemSleep = 0x581,
	WdfDevStatePwrPolStoppingD0CancelUsbSS = 0x582,
	WdfDevStatePwrPolStartingPoweredUp = 0x583,
	WdfDevStatePwrPolIdleCapableDeviceIdle = 0x584,
	WdfDevStatePwrPolDeviceIdleReturnToActive = 0x585,
	WdfDevStatePwrPolDeviceIdleSleeping = 0x586,
	WdfDevStatePwrPolDeviceIdleStopping = 0x587,
	WdfDevStatePwrPolTimerExpiredNoWakeUndoPowerDown = 0x588,
	WdfDevStatePwrPolWakeCapableDeviceIdle = 0x589,
	WdfDevStatePwrPolWakeCapableUsbSSCompleted = 0x58A,
	WdfDevStatePwrPolTimerExpiredWakeCapableUndoPowerDown = 0x58B,
	WdfDevStatePwrPolTimerExpiredWakeCompletedHardwareStarted = 0x58C,
	WdfDevStatePwrPolStoppedRemoving = 0x58D,
	WdfDevStatePwrPolRemoved = 0x58E,
	WdfDevStatePwrPolRestarting = 0x58F,
	WdfDevStatePwrPolRestartingFailed = 0x590,
	WdfDevStatePwrPolStartingPoweredUpFailed = 0x591,
	WdfDevStatePwrPolTimerExpiredNoWakeReturnToActive = 0x592,
	WdfDevStatePwrPolWaitingArmedWakeInterruptFired = 0x593,
	WdfDevStatePwrPolSystemWakeDeviceWakeInterruptFired = 0x594,
	WdfDevStatePwrPolSystemWakeDeviceWakeInterruptFiredNP = 0x8595,
	WdfDevStatePwrPolTimerExpiredWakeCapableWakeInterruptArrived = 0x596,
	WdfDevStatePwrPolTimerExpiredWakeCapablePowerDownFailedWakeInterruptArrived = 0x597,
	WdfDevStatePwrPolWaitingArmedWakeInterruptFiredDuringPowerDown = 0x598,
	WdfDevStatePwrPolNull = 0x599,
} WDF_DEVICE_POWER_POLICY_STATE, *PWDF_DEVICE_POWER_POLICY_STATE;

typedef enum _WDF_STATE_NOTIFICATION_TYPE {
	StateNotificationInvalid = 0,
	StateNotificationEnterState = 1,
	StateNotificationPostProcessState = 2,
	StateNotificationLeaveState = 4,
	StateNotificationAllStates = 7,
} WDF_STATE_NOTIFICATION_TYPE;

typedef struct _WDF_DEVICE_PNP_NOTIFICATION_DATA {
	WDF_STATE_NOTIFICATION_TYPE Type;
	union {
		struct {
			WDF_DEVICE_PNP_STATE CurrentState;
			WDF_DEVICE_PNP_STATE NewState;
		} EnterState;
		struct {
			WDF_DEVICE_PNP_STATE CurrentState;
		} PostProcessState;
		struct {
			WDF_DEVICE_PNP_STATE CurrentState;
			WDF_DEVICE_PNP_STATE NewState;
		} LeaveState;
	} Data;
} WDF_DEVICE_PNP_NOTIFICATION_DATA;
typedef const WDF_DEVICE_PNP_NOTIFICATION_DATA *PCWDF_DEVICE_PNP_NOTIFICATION_DATA;

typedef struct _WDF_DEVICE_POWER_NOTIFICATION_DATA {
	WDF_STATE_NOTIFICATION_TYPE Type;
	union {
		struct {
			WDF_DEVICE_POWER_STATE CurrentState;
			WDF_DEVICE_POWER_STATE NewState;
		} EnterState;
		struct {
			WDF_DEVICE_POWER_STATE CurrentState;
		} PostProcessState;
		struct {
			WDF_DEVICE_POWER_STATE CurrentState;
			WDF_DEVICE_POWER_STATE NewState;
		} LeaveState;
	} Data;
} WDF_DEVICE_POWER_NOTIFICATION_DATA;
typedef const WDF_DEVICE_POWER_NOTIFICATION_DATA *PCWDF_DEVICE_POWER_NOTIFICATION_DATA;

typedef struct _WDF_DEVICE_POWER_POLICY_NOTIFICATION_DATA {
	WDF_STATE_NOTIFICATION_TYPE Type;
	union {
		struct {
			WDF_DEVICE_POWER_POLICY_STATE CurrentState;
			WDF_DEVICE_POWER_POLICY_STATE NewState;
		} EnterState;
		struct {
			WDF_DEVICE_POWER_POLICY_STATE CurrentState;
		} PostProcessState;
		struct {
			WDF_DEVICE_POWER_POLICY_STATE CurrentState;
			WDF_DEVICE_POWER_POLICY_STATE NewState;
		} LeaveState;
	} Data;
} WDF_DEVICE_POWER_POLICY_NOTIFICATION_DATA;
typedef const WDF_DEVICE_POWER_POLICY_NOTIFICATION_DATA *PCWDF_DEVICE_POWER_POLICY_NOTIFICATION_DATA;

typedef void NTAPI EVT_WDF_DEVICE_PNP_STATE_CHANGE_NOTIFICATION(WDFDEVICE Device,
								PCWDF_DEVICE_PNP_NOTIFICATION_DATA NotificationData);
typedef EVT_WDF_DEVICE_PNP_STATE_CHANGE_NOTIFICATION *PFN_WDF_DEVICE_PNP_STATE_CHANGE_NOTIFICATION;

typedef void NTAPI EVT_WDF_DEVICE_POWER_STATE_CHANGE_NOTIFICATION(WDFDEVICE Device,
								  PCWDF_DEVICE_POWER_NOTIFICATION_DATA NotificationData);
typedef EVT_WDF_DEVICE_POWER_STATE_CHANGE_NOTIFICATION *PFN_WDF_DEVICE_POWER_STATE_CHANGE_NOTIFICATION;

typedef void NTAPI EVT_WDF_DEVICE_POWER_POLICY_STATE_CHANGE_NOTIFICATION(WDFDEVICE Device,
									 PCWDF_DEVICE_POWER_POLICY_NOTIFICATION_DATA NotificationData);
typedef EVT_WDF_DEVICE_POWER_POLICY_STATE_CHANGE_NOTIFICATION *PFN_WDF_DEVICE_POWER_POLICY_STATE_CHANGE_NOTIFICATION;

/* [PASSIVE] Calls back for one state; CallbackTypes: WDF_STATE_NOTIFICATION_TYPE. */
WDF_INLINE NTSTATUS WdfDeviceInitRegisterPnpStateChangeCallback(PWDFDEVICE_INIT DeviceInit,
								WDF_DEVICE_PNP_STATE PnpState,
								PFN_WDF_DEVICE_PNP_STATE_CHANGE_NOTIFICATION EvtDevicePnpStateChange,
								ULONG CallbackTypes);

/* [PASSIVE] Calls back for one state. */
WDF_INLINE NTSTATUS WdfDeviceInitRegisterPowerStateChangeCallback(PWDFDEVICE_INIT DeviceInit,
								  WDF_DEVICE_POWER_STATE PowerState,
								  PFN_WDF_DEVICE_POWER_STATE_CHANGE_NOTIFICATION EvtDevicePowerStateChange,
								  ULONG CallbackTypes);

/* [PASSIVE] Calls back for one state. */
WDF_INLINE NTSTATUS WdfDeviceInitRegisterPowerPolicyStateChangeCallback(PWDFDEVICE_INIT DeviceInit,
									WDF_DEVICE_POWER_POLICY_STATE PowerPolicyState,
									PFN_WDF_DEVICE_POWER_POLICY_STATE_CHANGE_NOTIFICATION EvtDevicePowerPolicyStateChange,
									ULONG CallbackTypes);

/* [DISPATCH] The present Plug and Play state. */
WDF_INLINE WDF_DEVICE_PNP_STATE WdfDeviceGetDevicePnpState(WDFDEVICE Device);

/* [DISPATCH] The present power state of the state machine. */
WDF_INLINE WDF_DEVICE_POWER_STATE WdfDeviceGetDevicePowerState(WDFDEVICE Device);

/* [DISPATCH] The present power policy state. */
WDF_INLINE WDF_DEVICE_POWER_POLICY_STATE WdfDeviceGetDevicePowerPolicyState(WDFDEVICE Device);

#endif
