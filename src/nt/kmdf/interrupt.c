/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupt objects: created for a line or message each, given what the system granted, connected while the device is
 * in D0.
 */
#include "nt/kmdf/interrupt.h"
#include "nt/kernel.h"
#include "nt/phys.h"
#include "nt/trace.h"

#define TAG 0x4e447846u /* "FxDN" */

static void dispose_interrupt(struct us_wdf_object *object)
{
	struct us_wdf_interrupt *interrupt = (struct us_wdf_interrupt *)object;

	RemoveEntryList(&interrupt->of_device);
	InitializeListHead(&interrupt->of_device);
	us_wdf_interrupt_quiet(interrupt);
}

static void destroy_interrupt(struct us_wdf_object *object)
{
	struct us_wdf_interrupt *interrupt = (struct us_wdf_interrupt *)object;

	if (interrupt->shared)
		us_wdf_dereference(interrupt->shared);
	else
		us_wdf_pool_free(interrupt->spin);
	us_wdf_lock_free(interrupt->passive);
}

const struct us_wdf_type us_wdf_interrupt_type = {
	.name = "WDFINTERRUPT",
	.size = sizeof(struct us_wdf_interrupt),
	.passive_cleanup = true,
	.dispose = dispose_interrupt,
	.destroy = destroy_interrupt,
};

static struct us_wdf_interrupt *at(LIST_ENTRY *link)
{
	return CONTAINING_RECORD(link, struct us_wdf_interrupt, of_device);
}

/* -- creation ----------------------------------------------------------------------------------------------------- */

static NTSTATUS check_config(const WDF_INTERRUPT_CONFIG *config)
{
	if (!config->EvtInterruptIsr || (config->EvtInterruptDpc && config->EvtInterruptWorkItem) ||
	    config->ShareVector > WdfUseDefault || (!config->InterruptRaw != !config->InterruptTranslated))
		return STATUS_INVALID_PARAMETER;
	if (config->PassiveHandling ? config->SpinLock != NULL : config->WaitLock != NULL)
		return STATUS_INVALID_PARAMETER;
	if (config->CanWakeDevice)
		us_nt_unsupported("WdfInterruptCreate for an interrupt that wakes its device");
	if (config->WaitLock)
		us_nt_unsupported("WdfInterruptCreate with a wait lock of the driver's");
	return STATUS_SUCCESS;
}

/* The parent must be the device or a queue, and before 1.11 nobody says one; its level decides what a serialised
 * callback may be. */
static NTSTATUS check_parent(const WDF_INTERRUPT_CONFIG *config, PWDF_OBJECT_ATTRIBUTES attributes,
			     struct us_wdf_object *parent)
{
	if (attributes && attributes->ParentObject) {
		parent = us_wdf_from(attributes->ParentObject, NULL);
		if (us_wdf_client() < 11 || (parent->type != &us_wdf_device_type && parent->type != &us_wdf_queue_type))
			return STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED;
		if (!config->AutomaticSerialization)
			return STATUS_INVALID_PARAMETER;
	}
	if (config->AutomaticSerialization &&
	    (parent->execution_level == WdfExecutionLevelPassive ? config->EvtInterruptDpc != NULL
								 : config->EvtInterruptWorkItem != NULL))
		return STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL;
	return STATUS_SUCCESS;
}

/* Before the first start without resources, or in EvtDevicePrepareHardware with them. */
static NTSTATUS check_time(const struct us_wdf_device *device, const WDF_INTERRUPT_CONFIG *config)
{
	if (device->control)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (device->preparing)
		return config->InterruptRaw ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_STATE;
	if (device->pnp_state != WdfDevStatePnpInit)
		return STATUS_INVALID_DEVICE_STATE;
	return config->InterruptRaw ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

/* A lock for the ISR: its own, or the driver's, which interrupts may share. */
static NTSTATUS give_lock(struct us_wdf_interrupt *interrupt)
{
	if (interrupt->config.PassiveHandling) {
		interrupt->passive = us_wdf_lock_new(true, &interrupt->object);
		return STATUS_SUCCESS;
	}
	if (interrupt->config.SpinLock) {
		interrupt->shared = us_wdf_from(interrupt->config.SpinLock, &us_wdf_spin_lock_type);
		us_wdf_reference(interrupt->shared);
		interrupt->spin = us_wdf_spin_lock_for_interrupt(interrupt->shared);
		return STATUS_SUCCESS;
	}
	interrupt->spin = us_nt_pool_alloc(sizeof(*interrupt->spin), TAG);
	if (!interrupt->spin)
		return STATUS_INSUFFICIENT_RESOURCES;
	KeInitializeSpinLock(interrupt->spin);
	return STATUS_SUCCESS;
}

static void assign(struct us_wdf_interrupt *interrupt, const CM_PARTIAL_RESOURCE_DESCRIPTOR *d, ULONG offset,
		   ULONG message);

static NTSTATUS NTAPI interrupt_create(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, PWDF_INTERRUPT_CONFIG config,
				       PWDF_OBJECT_ATTRIBUTES attributes, WDFINTERRUPT *result)
{
	struct us_wdf_device *device = us_wdf_from(handle, &us_wdf_device_type);
	struct us_wdf_interrupt *interrupt;
	WDF_INTERRUPT_CONFIG taken = {0};
	NTSTATUS status;

	(void)globals;
	us_wdf_need(config, "WdfInterruptCreate", "Configuration");
	us_wdf_need(result, "WdfInterruptCreate", "Interrupt");
	*result = NULL;
	if (!us_wdf_take(&taken, config))
		return STATUS_INFO_LENGTH_MISMATCH;
	status = check_config(&taken);
	if (NT_SUCCESS(status))
		status = check_time(device, &taken);
	if (NT_SUCCESS(status))
		status = check_parent(&taken, attributes, &device->object);
	if (NT_SUCCESS(status))
		status = us_wdf_create(&us_wdf_interrupt_type, attributes, &device->object, &interrupt);
	if (!NT_SUCCESS(status))
		return status;
	interrupt->device = device;
	interrupt->config = taken;
	interrupt->prepared = device->preparing;
	InitializeListHead(&interrupt->of_device);
	us_wdf_interrupt_prepare(interrupt);
	status = give_lock(interrupt);
	if (!NT_SUCCESS(status)) {
		us_wdf_delete(&interrupt->object);
		return status;
	}
	InsertTailList(&device->interrupts, &interrupt->of_device);
	if (taken.InterruptTranslated)
		assign(interrupt, taken.InterruptTranslated, 0, 0);
	*result = (WDFINTERRUPT)interrupt;
	return STATUS_SUCCESS;
}

/* -- resources ---------------------------------------------------------------------------------------------------- */

/* `offset`: which message of the descriptor's; `message`: which of the device's. */
static void assign(struct us_wdf_interrupt *interrupt, const CM_PARTIAL_RESOURCE_DESCRIPTOR *d, ULONG offset,
		   ULONG message)
{
	WDF_INTERRUPT_INFO *info = &interrupt->info;

	interrupt->assigned = true;
	WDF_INTERRUPT_INFO_INIT(info);
	info->ShareDisposition = d->ShareDisposition;
	info->Mode = d->Flags & CM_RESOURCE_INTERRUPT_LATCHED ? Latched : LevelSensitive;
	info->MessageSignaled = (d->Flags & CM_RESOURCE_INTERRUPT_MESSAGE) != 0;
	if (info->MessageSignaled) {
		info->MessageNumber = message;
		info->Vector = d->u.MessageInterrupt.Translated.Vector + offset;
		info->Irql = (KIRQL)d->u.MessageInterrupt.Translated.Level;
		info->TargetProcessorSet = d->u.MessageInterrupt.Translated.Affinity;
	} else {
		info->Vector = d->u.Interrupt.Vector;
		info->Irql = (KIRQL)d->u.Interrupt.Level;
		info->TargetProcessorSet = d->u.Interrupt.Affinity;
	}
	if (interrupt->passive)
		info->Irql = PASSIVE_LEVEL;
	us_nt_trace("note      %s is %s %u", us_wdf_name(interrupt), info->MessageSignaled ? "message" : "line",
		    info->MessageSignaled ? (unsigned)message : (unsigned)info->Vector);
}

/* MSI comes as one descriptor with a count (in the raw list), MSI-X and lines as one descriptor each. */
static ULONG messages_of(const CM_PARTIAL_RESOURCE_DESCRIPTOR *raw)
{
	ULONG count = raw->u.MessageInterrupt.Raw.MessageCount;

	return (raw->Flags & CM_RESOURCE_INTERRUPT_MESSAGE) && count ? count : 1;
}

void us_wdf_interrupts_assign(struct us_wdf_device *device)
{
	LIST_ENTRY *link;
	ULONG i = 0, offset = 0, message = 0;

	for (link = device->interrupts.Flink; link != &device->interrupts; link = link->Flink)
		at(link)->assigned = false;
	for (link = device->interrupts.Flink; link != &device->interrupts; link = link->Flink) {
		PCM_PARTIAL_RESOURCE_DESCRIPTOR d = us_wdf_cm_at(device->translated, i);

		while (d && d->Type != CmResourceTypeInterrupt)
			d = us_wdf_cm_at(device->translated, ++i);
		if (!d)
			break;
		assign(at(link), d, offset, message++);
		if (++offset >= messages_of(us_wdf_cm_at(device->raw, i))) {
			i++;
			offset = 0;
		}
	}
}

void us_wdf_interrupts_release(struct us_wdf_device *device)
{
	LIST_ENTRY *link = device->interrupts.Flink;

	while (link != &device->interrupts) {
		struct us_wdf_interrupt *interrupt = at(link);

		link = link->Flink;
		interrupt->assigned = false;
		if (interrupt->prepared)
			us_wdf_delete(&interrupt->object);
	}
}

NTSTATUS us_wdf_interrupts_connect(struct us_wdf_device *device)
{
	LIST_ENTRY *link;
	NTSTATUS status;

	for (link = device->interrupts.Flink; link != &device->interrupts; link = link->Flink) {
		if (!at(link)->assigned)
			continue;
		status = us_wdf_interrupt_enable(at(link));
		if (!NT_SUCCESS(status))
			return status;
	}
	return STATUS_SUCCESS;
}

/* The last connected goes first; then what they have queued is awaited. */
void us_wdf_interrupts_disconnect(struct us_wdf_device *device)
{
	LIST_ENTRY *link;

	for (link = device->interrupts.Blink; link != &device->interrupts; link = link->Blink)
		us_wdf_interrupt_disable(at(link));
	for (link = device->interrupts.Blink; link != &device->interrupts; link = link->Blink)
		us_wdf_interrupt_quiet(at(link));
}

/* -- what the driver asks and says -------------------------------------------------------------------------------- */

static struct us_wdf_interrupt *from(WDFINTERRUPT handle)
{
	return us_wdf_from(handle, &us_wdf_interrupt_type);
}

static WDFDEVICE NTAPI get_device(PWDF_DRIVER_GLOBALS globals, WDFINTERRUPT handle)
{
	(void)globals;
	return (WDFDEVICE)from(handle)->device;
}

static PKINTERRUPT NTAPI get_wdm(PWDF_DRIVER_GLOBALS globals, WDFINTERRUPT handle)
{
	(void)globals;
	return from(handle)->wdm;
}

static void NTAPI get_info(PWDF_DRIVER_GLOBALS globals, WDFINTERRUPT handle, PWDF_INTERRUPT_INFO info)
{
	struct us_wdf_interrupt *interrupt = from(handle);
	WDF_INTERRUPT_INFO answer = {0};
	ULONG size;

	(void)globals;
	us_wdf_take_or_stop(&answer, info, "WdfInterruptGetInfo");
	size = info->Size;
	memset(&answer, 0, sizeof(answer));
	if (interrupt->assigned)
		answer = interrupt->info;
	answer.Size = size;
	memcpy(info, &answer, size); /* an older driver's ends there */
}

/* All but one of the policies allow any processor, which is what the stage does. */
static void check_policy(WDF_INTERRUPT_POLICY policy, KAFFINITY affinity)
{
	if (policy == WdfIrqPolicySpecifiedProcessors && affinity)
		us_nt_unsupported("interrupts for some of the processors only (WdfIrqPolicySpecifiedProcessors)");
}

static void NTAPI set_policy(PWDF_DRIVER_GLOBALS globals, WDFINTERRUPT handle, WDF_INTERRUPT_POLICY policy,
			     WDF_INTERRUPT_PRIORITY priority, KAFFINITY affinity)
{
	(void)globals, (void)priority;
	from(handle);
	check_policy(policy, affinity);
}

static void NTAPI set_extended_policy(PWDF_DRIVER_GLOBALS globals, WDFINTERRUPT handle,
				      PWDF_INTERRUPT_EXTENDED_POLICY policy)
{
	WDF_INTERRUPT_EXTENDED_POLICY taken;

	(void)globals;
	us_wdf_take_or_stop(&taken, policy, "WdfInterruptSetExtendedPolicy");
	from(handle);
	check_policy(taken.Policy, taken.TargetProcessorSetAndGroup.Mask);
}

void us_wdf_interrupt_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfInterruptCreate = interrupt_create;
	table->WdfInterruptGetDevice = get_device;
	table->WdfInterruptWdmGetInterrupt = get_wdm;
	table->WdfInterruptGetInfo = get_info;
	table->WdfInterruptSetPolicy = set_policy;
	table->WdfInterruptSetExtendedPolicy = set_extended_policy;
	us_wdf_interrupt_run_functions(table);
}
