/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts: one object for each line or message.
 */
#ifndef _WDFINTERRUPT_H_
#define _WDFINTERRUPT_H_

typedef enum _WDF_INTERRUPT_POLARITY {
	WdfInterruptPolarityUnknown = 0,
	WdfInterruptActiveHigh = 1,
	WdfInterruptActiveLow = 2,
} WDF_INTERRUPT_POLARITY, *PWDF_INTERRUPT_POLARITY;

typedef enum _WDF_INTERRUPT_POLICY {
	WdfIrqPolicyMachineDefault = 0,
	WdfIrqPolicyAllCloseProcessors = 1,
	WdfIrqPolicyOneCloseProcessor = 2,
	WdfIrqPolicyAllProcessorsInMachine = 3,
	WdfIrqPolicySpecifiedProcessors = 4,
	WdfIrqPolicySpreadMessagesAcrossAllProcessors = 5,
} WDF_INTERRUPT_POLICY, *PWDF_INTERRUPT_POLICY;

typedef enum _WDF_INTERRUPT_PRIORITY {
	WdfIrqPriorityUndefined = 0,
	WdfIrqPriorityLow = 1,
	WdfIrqPriorityNormal = 2,
	WdfIrqPriorityHigh = 3,
} WDF_INTERRUPT_PRIORITY, *PWDF_INTERRUPT_PRIORITY;

/* At the device's IRQL, under the interrupt's lock. FALSE: not ours. */
typedef BOOLEAN NTAPI EVT_WDF_INTERRUPT_ISR(WDFINTERRUPT Interrupt, ULONG MessageID);
typedef EVT_WDF_INTERRUPT_ISR *PFN_WDF_INTERRUPT_ISR;

typedef BOOLEAN NTAPI EVT_WDF_INTERRUPT_SYNCHRONIZE(WDFINTERRUPT Interrupt, WDFCONTEXT Context);
typedef EVT_WDF_INTERRUPT_SYNCHRONIZE *PFN_WDF_INTERRUPT_SYNCHRONIZE;

typedef void NTAPI EVT_WDF_INTERRUPT_DPC(WDFINTERRUPT Interrupt, WDFOBJECT AssociatedObject);
typedef EVT_WDF_INTERRUPT_DPC *PFN_WDF_INTERRUPT_DPC;

typedef void NTAPI EVT_WDF_INTERRUPT_WORKITEM(WDFINTERRUPT Interrupt, WDFOBJECT AssociatedObject);
typedef EVT_WDF_INTERRUPT_WORKITEM *PFN_WDF_INTERRUPT_WORKITEM;

/* Enables or disables the device's side of it; at the device's IRQL, under the interrupt's lock. */
typedef NTSTATUS NTAPI EVT_WDF_INTERRUPT_ENABLE(WDFINTERRUPT Interrupt, WDFDEVICE AssociatedDevice);
typedef EVT_WDF_INTERRUPT_ENABLE *PFN_WDF_INTERRUPT_ENABLE;

typedef NTSTATUS NTAPI EVT_WDF_INTERRUPT_DISABLE(WDFINTERRUPT Interrupt, WDFDEVICE AssociatedDevice);
typedef EVT_WDF_INTERRUPT_DISABLE *PFN_WDF_INTERRUPT_DISABLE;

typedef struct _WDF_INTERRUPT_CONFIG {
	ULONG Size;
	WDFSPINLOCK SpinLock; /* NULL: a lock of its own; the same for several interrupts serialises them */
	WDF_TRI_STATE ShareVector;
	BOOLEAN FloatingSave;
	BOOLEAN AutomaticSerialization; /* DPC and work item under the device's callback lock */
	PFN_WDF_INTERRUPT_ISR EvtInterruptIsr;
	PFN_WDF_INTERRUPT_DPC EvtInterruptDpc;
	PFN_WDF_INTERRUPT_ENABLE EvtInterruptEnable;
	PFN_WDF_INTERRUPT_DISABLE EvtInterruptDisable;
	PFN_WDF_INTERRUPT_WORKITEM EvtInterruptWorkItem;
	PCM_PARTIAL_RESOURCE_DESCRIPTOR InterruptRaw; /* both, when created in EvtDevicePrepareHardware; */
	PCM_PARTIAL_RESOURCE_DESCRIPTOR InterruptTranslated; /* else NULL: the framework assigns them in order */
	WDFWAITLOCK WaitLock;
	BOOLEAN PassiveHandling;
	WDF_TRI_STATE ReportInactiveOnPowerDown;
	BOOLEAN CanWakeDevice;
} WDF_INTERRUPT_CONFIG, *PWDF_INTERRUPT_CONFIG;

WDF_INLINE void WDF_INTERRUPT_CONFIG_INIT(PWDF_INTERRUPT_CONFIG Configuration, PFN_WDF_INTERRUPT_ISR EvtInterruptIsr,
					  PFN_WDF_INTERRUPT_DPC EvtInterruptDpc)
{
	WDF_INIT_SIZED(Configuration);
	Configuration->ShareVector = WdfUseDefault;
	Configuration->EvtInterruptIsr = EvtInterruptIsr;
	Configuration->EvtInterruptDpc = EvtInterruptDpc;
	Configuration->ReportInactiveOnPowerDown = WdfUseDefault;
}

typedef struct _WDF_INTERRUPT_INFO {
	ULONG Size;
	ULONG64 Reserved1;
	KAFFINITY TargetProcessorSet;
	ULONG Reserved2;
	ULONG MessageNumber;
	ULONG Vector;
	KIRQL Irql;
	KINTERRUPT_MODE Mode;
	WDF_INTERRUPT_POLARITY Polarity;
	BOOLEAN MessageSignaled;
	UCHAR ShareDisposition; /* CM_SHARE_DISPOSITION */
	DECLSPEC_ALIGN(8) USHORT Group;
} WDF_INTERRUPT_INFO, *PWDF_INTERRUPT_INFO;

WDF_INLINE void WDF_INTERRUPT_INFO_INIT(PWDF_INTERRUPT_INFO Info)
{
	WDF_INIT_SIZED(Info);
}

typedef struct _WDF_INTERRUPT_EXTENDED_POLICY {
	ULONG Size;
	WDF_INTERRUPT_POLICY Policy;
	WDF_INTERRUPT_PRIORITY Priority;
	GROUP_AFFINITY TargetProcessorSetAndGroup;
} WDF_INTERRUPT_EXTENDED_POLICY, *PWDF_INTERRUPT_EXTENDED_POLICY;

WDF_INLINE void WDF_INTERRUPT_EXTENDED_POLICY_INIT(PWDF_INTERRUPT_EXTENDED_POLICY ExtendedPolicy)
{
	WDF_INIT_SIZED(ExtendedPolicy);
}

/* [PASSIVE] In EvtDriverDeviceAdd, or in EvtDevicePrepareHardware with the resource it is for. */
WDF_INLINE NTSTATUS WdfInterruptCreate(WDFDEVICE Device, PWDF_INTERRUPT_CONFIG Configuration,
				       PWDF_OBJECT_ATTRIBUTES Attributes, WDFINTERRUPT *Interrupt);

/* [any] From the ISR. FALSE: queued already. */
WDF_INLINE BOOLEAN WdfInterruptQueueDpcForIsr(WDFINTERRUPT Interrupt);

/* [any] From the ISR. FALSE: queued already. */
WDF_INLINE BOOLEAN WdfInterruptQueueWorkItemForIsr(WDFINTERRUPT Interrupt);

/* [DISPATCH] Runs a callback at the device's IRQL, under the interrupt's lock; returns its result. */
WDF_INLINE BOOLEAN WdfInterruptSynchronize(WDFINTERRUPT Interrupt, PFN_WDF_INTERRUPT_SYNCHRONIZE Callback,
					   WDFCONTEXT Context);

/* [any] Raises to the device's IRQL and takes the interrupt's lock. */
WDF_INLINE void WdfInterruptAcquireLock(WDFINTERRUPT Interrupt);

/* [any] Gives it back. */
WDF_INLINE void WdfInterruptReleaseLock(WDFINTERRUPT Interrupt);

/* [PASSIVE] For passive-level interrupts. */
WDF_INLINE BOOLEAN WdfInterruptTryToAcquireLock(WDFINTERRUPT Interrupt);

/* [PASSIVE] Connects the interrupt and calls EvtInterruptEnable; the framework does it on the way to D0. */
WDF_INLINE void WdfInterruptEnable(WDFINTERRUPT Interrupt);

/* [PASSIVE] The reverse. */
WDF_INLINE void WdfInterruptDisable(WDFINTERRUPT Interrupt);

/* [DISPATCH] The system's interrupt object. */
WDF_INLINE PKINTERRUPT WdfInterruptWdmGetInterrupt(WDFINTERRUPT Interrupt);

/* [any] What the system granted: vector, IRQL, line or message. */
WDF_INLINE void WdfInterruptGetInfo(WDFINTERRUPT Interrupt, PWDF_INTERRUPT_INFO Info);

/* [PASSIVE] Where the system should deliver it. */
WDF_INLINE void WdfInterruptSetPolicy(WDFINTERRUPT Interrupt, WDF_INTERRUPT_POLICY Policy,
				      WDF_INTERRUPT_PRIORITY Priority, KAFFINITY TargetProcessorSet);

/* [PASSIVE] The same with processor groups. */
WDF_INLINE void WdfInterruptSetExtendedPolicy(WDFINTERRUPT Interrupt, PWDF_INTERRUPT_EXTENDED_POLICY PolicyAndGroup);

/* [any] The device. */
WDF_INLINE WDFDEVICE WdfInterruptGetDevice(WDFINTERRUPT Interrupt);

/* [DISPATCH] For drivers that manage their functional power states. */
WDF_INLINE void WdfInterruptReportActive(WDFINTERRUPT Interrupt);

/* [DISPATCH] The reverse. */
WDF_INLINE void WdfInterruptReportInactive(WDFINTERRUPT Interrupt);

#endif
