/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The initialisers do what their documentation says. Nothing here runs: the compiler works each condition out, and
 * where it finds one untrue a call stays whose name says what is wrong.
 */
#include <ntddk.h>
#include <wdf.h>

#define EXPECT(name, condition)                                                                                        \
	do {                                                                                                           \
		extern void wrong_##name(void);                                                                        \
		if (!(condition))                                                                                      \
			wrong_##name();                                                                                \
	} while (0)

/* So that an initialiser that leaves a member alone is found out. */
#define DIRTY(object) __builtin_memset(&(object), 0xA5, sizeof(object))

void driver(PFN_WDF_DRIVER_DEVICE_ADD add);
void queues(void);
void interrupts(PFN_WDF_INTERRUPT_ISR isr, PFN_WDF_INTERRUPT_DPC dpc);
void files(PFN_WDF_DEVICE_FILE_CREATE create, PFN_WDF_FILE_CLOSE close, PFN_WDF_FILE_CLEANUP cleanup);
void timers(PFN_WDF_TIMER timer, PFN_WDF_WORKITEM work, PFN_WDF_DPC dpc);
void attributes(void);
void power(void);
void capabilities(void);
void dma(void);
void targets(PCUNICODE_STRING name, PDEVICE_OBJECT device);
void children(void);
void times(void);

void driver(PFN_WDF_DRIVER_DEVICE_ADD add)
{
	WDF_DRIVER_CONFIG c;

	DIRTY(c);
	WDF_DRIVER_CONFIG_INIT(&c, add);
	EXPECT(driver_size, c.Size == sizeof(c));
	EXPECT(driver_add, c.EvtDriverDeviceAdd == add);
	EXPECT(driver_unload, c.EvtDriverUnload == NULL);
	EXPECT(driver_flags, c.DriverInitFlags == 0 && c.DriverPoolTag == 0);
}

void queues(void)
{
	WDF_IO_QUEUE_CONFIG c;

	DIRTY(c);
	WDF_IO_QUEUE_CONFIG_INIT(&c, WdfIoQueueDispatchManual);
	EXPECT(queue_size, c.Size == sizeof(c));
	EXPECT(queue_power, c.PowerManaged == WdfUseDefault);
	EXPECT(queue_not_default, !c.DefaultQueue && !c.AllowZeroLengthRequests);
	EXPECT(queue_manual_limit, c.Settings.Parallel.NumberOfPresentedRequests == 0);

	WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&c, WdfIoQueueDispatchParallel);
	EXPECT(queue_default, c.DefaultQueue && c.DispatchType == WdfIoQueueDispatchParallel);
	EXPECT(queue_no_limit, c.Settings.Parallel.NumberOfPresentedRequests == (ULONG)-1);

	EXPECT(queue_ready, WDF_IO_QUEUE_READY(WdfIoQueueAcceptRequests | WdfIoQueueDispatchRequests));
	EXPECT(queue_held, !WDF_IO_QUEUE_READY(WdfIoQueueAcceptRequests | WdfIoQueueDispatchRequests | WdfIoQueuePnpHeld));
}

void interrupts(PFN_WDF_INTERRUPT_ISR isr, PFN_WDF_INTERRUPT_DPC dpc)
{
	WDF_INTERRUPT_CONFIG c;

	DIRTY(c);
	WDF_INTERRUPT_CONFIG_INIT(&c, isr, dpc);
	EXPECT(interrupt_size, c.Size == sizeof(c));
	EXPECT(interrupt_functions, c.EvtInterruptIsr == isr && c.EvtInterruptDpc == dpc);
	EXPECT(interrupt_share, c.ShareVector == WdfUseDefault);
	EXPECT(interrupt_inactive, c.ReportInactiveOnPowerDown == WdfUseDefault);
	EXPECT(interrupt_rest, !c.SpinLock && !c.InterruptRaw && !c.PassiveHandling && !c.AutomaticSerialization);
}

void files(PFN_WDF_DEVICE_FILE_CREATE create, PFN_WDF_FILE_CLOSE close, PFN_WDF_FILE_CLEANUP cleanup)
{
	WDF_FILEOBJECT_CONFIG c;

	DIRTY(c);
	WDF_FILEOBJECT_CONFIG_INIT(&c, create, close, cleanup);
	EXPECT(file_size, c.Size == sizeof(c));
	EXPECT(file_functions, c.EvtDeviceFileCreate == create && c.EvtFileClose == close && c.EvtFileCleanup == cleanup);
	EXPECT(file_forward, c.AutoForwardCleanupClose == WdfUseDefault);
	EXPECT(file_class, c.FileObjectClass == WdfFileObjectWdfCannotUseFsContexts);
}

void timers(PFN_WDF_TIMER timer, PFN_WDF_WORKITEM work, PFN_WDF_DPC dpc)
{
	WDF_TIMER_CONFIG t;
	WDF_WORKITEM_CONFIG w;
	WDF_DPC_CONFIG d;

	DIRTY(t);
	WDF_TIMER_CONFIG_INIT_PERIODIC(&t, timer, 7);
	EXPECT(timer_period, t.Size == sizeof(t) && t.Period == 7);
	WDF_TIMER_CONFIG_INIT(&t, timer);
	EXPECT(timer_once, t.Period == 0 && t.TolerableDelay == 0 && t.AutomaticSerialization);
	EXPECT(timer_function, t.EvtTimerFunc == timer && t.UseHighResolutionTimer == WdfFalse);
	DIRTY(w);
	WDF_WORKITEM_CONFIG_INIT(&w, work);
	EXPECT(work_item, w.Size == sizeof(w) && w.EvtWorkItemFunc == work && w.AutomaticSerialization);
	DIRTY(d);
	WDF_DPC_CONFIG_INIT(&d, dpc);
	EXPECT(dpc, d.Size == sizeof(d) && d.EvtDpcFunc == dpc && d.AutomaticSerialization);
}

typedef struct _TEST_CONTEXT {
	ULONG value;
} TEST_CONTEXT;

WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(TEST_CONTEXT, test_context)

void attributes(void)
{
	WDF_OBJECT_ATTRIBUTES a;

	DIRTY(a);
	WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, TEST_CONTEXT);
	EXPECT(attributes_size, a.Size == sizeof(a));
	EXPECT(attributes_level, a.ExecutionLevel == WdfExecutionLevelInheritFromParent);
	EXPECT(attributes_scope, a.SynchronizationScope == WdfSynchronizationScopeInheritFromParent);
	EXPECT(attributes_parent, a.ParentObject == NULL && a.ContextSizeOverride == 0);
	EXPECT(attributes_callbacks, !a.EvtCleanupCallback && !a.EvtDestroyCallback);
}

void power(void)
{
	WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS idle;
	WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS wake;

	DIRTY(idle);
	WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS_INIT(&idle, IdleCannotWakeFromS0);
	EXPECT(idle_size, idle.Size == sizeof(idle));
	EXPECT(idle_d3, idle.DxState == PowerDeviceD3 && idle.IdleCaps == IdleCannotWakeFromS0);
	EXPECT(idle_defaults, idle.IdleTimeout == IdleTimeoutDefaultValue && idle.Enabled == WdfUseDefault);
	EXPECT(idle_user, idle.UserControlOfIdleSettings == IdleAllowUserControl);
	EXPECT(idle_wake_up, idle.PowerUpIdleDeviceOnSystemWake == WdfUseDefault);
	EXPECT(idle_type, idle.IdleTimeoutType == DriverManagedIdleTimeout && idle.ExcludeD3Cold == WdfUseDefault);
	WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS_INIT(&idle, IdleCanWakeFromS0);
	EXPECT(idle_bus_decides, idle.DxState == PowerDeviceMaximum);
	DIRTY(wake);
	WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS_INIT(&wake);
	EXPECT(wake_size, wake.Size == sizeof(wake) && wake.DxState == PowerDeviceMaximum);
	EXPECT(wake_user, wake.UserControlOfWakeSettings == WakeAllowUserControl && wake.Enabled == WdfUseDefault);
}

void capabilities(void)
{
	WDF_DEVICE_PNP_CAPABILITIES pnp;
	WDF_DEVICE_POWER_CAPABILITIES caps;
	WDF_DEVICE_STATE state;

	DIRTY(pnp);
	WDF_DEVICE_PNP_CAPABILITIES_INIT(&pnp);
	EXPECT(pnp_size, pnp.Size == sizeof(pnp));
	EXPECT(pnp_defaults, pnp.LockSupported == WdfUseDefault && pnp.NoDisplayInUI == WdfUseDefault &&
				     pnp.SurpriseRemovalOK == WdfUseDefault && pnp.Removable == WdfUseDefault);
	EXPECT(pnp_unknown, pnp.Address == (ULONG)-1 && pnp.UINumber == (ULONG)-1);
	DIRTY(caps);
	WDF_DEVICE_POWER_CAPABILITIES_INIT(&caps);
	EXPECT(caps_size, caps.Size == sizeof(caps));
	EXPECT(caps_states, caps.DeviceState[PowerSystemWorking] == PowerDeviceMaximum &&
				    caps.DeviceState[PowerSystemShutdown] == PowerDeviceMaximum);
	EXPECT(caps_wake, caps.DeviceWake == PowerDeviceMaximum && caps.SystemWake == PowerSystemMaximum);
	EXPECT(caps_latency, caps.D1Latency == (ULONG)-1 && caps.D3Latency == (ULONG)-1);
	EXPECT(caps_ideal, caps.IdealDxStateForSx == PowerDeviceMaximum && caps.WakeFromD3 == WdfUseDefault);
	DIRTY(state);
	WDF_DEVICE_STATE_INIT(&state);
	EXPECT(state_size, state.Size == sizeof(state));
	EXPECT(state_defaults, state.Disabled == WdfUseDefault && state.ResourcesChanged == WdfUseDefault);
}

void dma(void)
{
	WDF_DMA_ENABLER_CONFIG c;

	DIRTY(c);
	WDF_DMA_ENABLER_CONFIG_INIT(&c, WdfDmaProfileScatterGather64, 1 << 20);
	EXPECT(dma_size, c.Size == sizeof(c) && c.MaximumLength == 1 << 20);
	EXPECT(dma_profile, c.Profile == WdfDmaProfileScatterGather64);
	EXPECT(dma_rest, c.AddressWidthOverride == 0 && c.WdmDmaVersionOverride == 0 && c.Flags == 0);
}

void targets(PCUNICODE_STRING name, PDEVICE_OBJECT device)
{
	WDF_IO_TARGET_OPEN_PARAMS p;

	DIRTY(p);
	WDF_IO_TARGET_OPEN_PARAMS_INIT_CREATE_BY_NAME(&p, name, GENERIC_READ);
	EXPECT(target_create, p.Size == sizeof(p) && p.Type == WdfIoTargetOpenByName && p.DesiredAccess == GENERIC_READ);
	EXPECT(target_file, p.CreateOptions == FILE_NON_DIRECTORY_FILE && p.FileAttributes == 0);
	EXPECT(target_supersede, p.CreateDisposition == FILE_SUPERSEDE && p.ShareAccess == 0);
	WDF_IO_TARGET_OPEN_PARAMS_INIT_OPEN_BY_NAME(&p, name, GENERIC_READ);
	EXPECT(target_open, p.CreateDisposition == FILE_OPEN && p.CreateOptions == FILE_NON_DIRECTORY_FILE);
	WDF_IO_TARGET_OPEN_PARAMS_INIT_EXISTING_DEVICE(&p, device);
	EXPECT(target_device, p.Type == WdfIoTargetOpenUseExistingDevice && p.TargetDeviceObject == device);
}

void children(void)
{
	struct {
		WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER header;
		ULONG serial;
	} identity;
	struct {
		WDF_CHILD_ADDRESS_DESCRIPTION_HEADER header;
		ULONG slot;
	} address;

	DIRTY(identity);
	WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER_INIT(&identity.header, sizeof(identity));
	EXPECT(child_size, identity.header.IdentificationDescriptionSize == sizeof(identity));
	EXPECT(child_zeroed, identity.serial == 0);
	DIRTY(address);
	WDF_CHILD_ADDRESS_DESCRIPTION_HEADER_INIT(&address.header, sizeof(address));
	EXPECT(address_size, address.header.AddressDescriptionSize == sizeof(address) && address.slot == 0);
}

void times(void)
{
	EXPECT(relative_ms, WDF_REL_TIMEOUT_IN_MS(3) == -30000);
	EXPECT(relative_us, WDF_REL_TIMEOUT_IN_US(3) == -30);
	EXPECT(relative_s, WDF_REL_TIMEOUT_IN_SEC(600) == -6000000000LL);
	EXPECT(absolute_s, WDF_ABS_TIMEOUT_IN_SEC(1) == 10000000);
}
