/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bus's side of a child: what Plug and Play asks of the physical device that the driver has made (Microsoft, "Plug
 * and Play Minor IRPs", what bus drivers do).
 */
#include "nt/kernel.h"
#include "nt/kmdf/child.h"
#include "nt/ob.h"
#include "nt/phys.h"
#include "nt/registry.h"
#include "nt/trace.h"

#define TAG 0x43447846u /* "FxDC" */

/* Strings, each with its NUL, in pool of the asker's; `many`: and one more NUL. */
static NTSTATUS give(PIRP irp, const UNICODE_STRING *texts[], size_t count, bool many)
{
	size_t size = many ? sizeof(WCHAR) : 0, i;
	uint8_t *to, *at;

	for (i = 0; i < count; i++)
		size += texts[i]->Length + sizeof(WCHAR);
	to = at = us_nt_pool_for_driver(size, TAG);
	if (!to)
		return STATUS_INSUFFICIENT_RESOURCES;
	memset(to, 0, size);
	for (i = 0; i < count; i++) {
		memcpy(at, texts[i]->Buffer, texts[i]->Length);
		at += texts[i]->Length + sizeof(WCHAR);
	}
	irp->IoStatus.Information = (ULONG_PTR)to;
	return STATUS_SUCCESS;
}

static NTSTATUS give_one(PIRP irp, const UNICODE_STRING *text)
{
	return text->Buffer ? give(irp, &text, 1, false) : irp->IoStatus.Status;
}

static NTSTATUS give_ids(PIRP irp, const struct us_wdf_id *id)
{
	const UNICODE_STRING *texts[32];
	size_t count = 0;

	for (; id; id = id->next) {
		if (count == sizeof(texts) / sizeof(texts[0]))
			us_nt_unsupported("A child with more than %zu IDs of a kind.", count);
		texts[count++] = &id->text;
	}
	return count ? give(irp, texts, count, true) : irp->IoStatus.Status;
}

static NTSTATUS query_id(const struct us_wdf_child *child, PIRP irp, BUS_QUERY_ID_TYPE type)
{
	switch (type) {
	case BusQueryDeviceID:
		return give_one(irp, &child->device_id);
	case BusQueryInstanceID:
		return give_one(irp, &child->instance_id);
	case BusQueryHardwareIDs:
		return give_ids(irp, child->hardware_ids);
	case BusQueryCompatibleIDs:
		return give_ids(irp, child->compatible_ids);
	default:
		return irp->IoStatus.Status;
	}
}

static const struct us_wdf_text *text_for(const struct us_wdf_child *child, LCID locale)
{
	const struct us_wdf_text *text = child->texts;

	while (text && text->locale != locale)
		text = text->next;
	return text;
}

static NTSTATUS query_text(const struct us_wdf_child *child, PIRP irp, PIO_STACK_LOCATION sp)
{
	const struct us_wdf_text *text = text_for(child, sp->Parameters.QueryDeviceText.LocaleId);

	if (!text)
		text = text_for(child, child->default_locale);
	if (!text)
		return irp->IoStatus.Status;
	switch (sp->Parameters.QueryDeviceText.DeviceTextType) {
	case DeviceTextDescription:
		return give_one(irp, &text->description);
	case DeviceTextLocationInformation:
		return give_one(irp, &text->location);
	default:
		return irp->IoStatus.Status;
	}
}

/* What the driver says of it comes on top (WdfDeviceSetPnpCapabilities, WdfDeviceSetPowerCapabilities). */
static NTSTATUS query_capabilities(const struct us_wdf_child *child, PDEVICE_CAPABILITIES c)
{
	unsigned s;

	if (c->Version != 1 || c->Size < sizeof(*c))
		return STATUS_UNSUCCESSFUL;
	c->RawDeviceOK = child->raw;
	for (s = 0; s < PowerSystemMaximum; s++)
		c->DeviceState[s] = s == PowerSystemWorking ? PowerDeviceD0 : PowerDeviceD3;
	c->DeviceState[PowerSystemUnspecified] = PowerDeviceUnspecified;
	return STATUS_SUCCESS;
}

static NTSTATUS query_bus(const struct us_wdf_child *child, PIRP irp)
{
	PPNP_BUS_INFORMATION answer;

	if (!child->parent->bus)
		return irp->IoStatus.Status;
	answer = us_nt_pool_for_driver(sizeof(*answer), TAG);
	if (!answer)
		return STATUS_INSUFFICIENT_RESOURCES;
	*answer = *child->parent->bus;
	irp->IoStatus.Information = (ULONG_PTR)answer;
	return STATUS_SUCCESS;
}

static NTSTATUS query_resources(struct us_wdf_device *device, PIRP irp)
{
	PFN_WDF_DEVICE_RESOURCES_QUERY callback = device->child->callbacks.EvtDeviceResourcesQuery;
	struct us_wdf_object *list;
	NTSTATUS status;

	if (!callback)
		return irp->IoStatus.Status;
	status = us_wdf_cm_list_new(device, NULL, &list);
	if (!NT_SUCCESS(status))
		return status;
	us_wdf_cm_allow(list, true, true);
	status = US_CALL("EvtDeviceResourcesQuery", callback, (WDFDEVICE)device, (WDFCMRESLIST)list);
	if (NT_SUCCESS(status) && us_wdf_cm_count(list)) {
		irp->IoStatus.Information = (ULONG_PTR)us_wdf_cm_build(list, NULL);
		status = irp->IoStatus.Information ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
	}
	us_wdf_delete(list);
	return status;
}

static NTSTATUS query_requirements(struct us_wdf_device *device, PIRP irp)
{
	PFN_WDF_DEVICE_RESOURCE_REQUIREMENTS_QUERY callback =
		device->child->callbacks.EvtDeviceResourceRequirementsQuery;
	PIO_RESOURCE_REQUIREMENTS_LIST list;
	NTSTATUS status;

	if (!callback)
		return irp->IoStatus.Status;
	status = us_wdf_child_requirements(device, callback, &list);
	if (NT_SUCCESS(status))
		irp->IoStatus.Information = (ULONG_PTR)list;
	return status;
}

static NTSTATUS query_relations(struct us_wdf_device *device, PIRP irp, DEVICE_RELATION_TYPE type)
{
	PDEVICE_RELATIONS relations;

	if (type != TargetDeviceRelation)
		return irp->IoStatus.Status;
	relations = us_nt_pool_for_driver(sizeof(*relations), TAG);
	if (!relations)
		return STATUS_INSUFFICIENT_RESOURCES;
	us_ob_reference(device->wdm);
	relations->Count = 1;
	relations->Objects[0] = device->wdm;
	irp->IoStatus.Information = (ULONG_PTR)relations;
	return STATUS_SUCCESS;
}

/* The child is down: EvtDeviceEject lets it go, and it is missing from now on. */
static NTSTATUS eject(struct us_wdf_device *device)
{
	PFN_WDF_DEVICE_EJECT callback = device->child->callbacks.EvtDeviceEject;
	NTSTATUS status = callback ? US_CALL("EvtDeviceEject", callback, (WDFDEVICE)device) : (NTSTATUS)STATUS_SUCCESS;

	if (!NT_SUCCESS(status))
		return status;
	if (device->child->entry)
		us_wdf_child_entry_missing(device->child->entry);
	else
		us_wdf_child_mark_missing(device);
	return STATUS_SUCCESS;
}

static NTSTATUS answer_pnp(struct us_wdf_device *device, PIRP irp, PIO_STACK_LOCATION sp)
{
	switch (sp->MinorFunction) {
	case IRP_MN_START_DEVICE:
	case IRP_MN_QUERY_STOP_DEVICE:
	case IRP_MN_STOP_DEVICE:
	case IRP_MN_CANCEL_STOP_DEVICE:
	case IRP_MN_QUERY_REMOVE_DEVICE:
	case IRP_MN_CANCEL_REMOVE_DEVICE:
	case IRP_MN_SURPRISE_REMOVAL:
	case IRP_MN_REMOVE_DEVICE:
	case IRP_MN_DEVICE_USAGE_NOTIFICATION:
		return STATUS_SUCCESS;
	case IRP_MN_QUERY_CAPABILITIES:
		return query_capabilities(device->child, sp->Parameters.DeviceCapabilities.Capabilities);
	case IRP_MN_QUERY_ID:
		return query_id(device->child, irp, sp->Parameters.QueryId.IdType);
	case IRP_MN_QUERY_DEVICE_TEXT:
		return query_text(device->child, irp, sp);
	case IRP_MN_QUERY_RESOURCES:
		return query_resources(device, irp);
	case IRP_MN_QUERY_RESOURCE_REQUIREMENTS:
		return query_requirements(device, irp);
	case IRP_MN_QUERY_BUS_INFORMATION:
		return query_bus(device->child, irp);
	case IRP_MN_EJECT:
		return eject(device);
	case IRP_MN_QUERY_DEVICE_RELATIONS:
		return query_relations(device, irp, sp->Parameters.QueryDeviceRelations.Type);
	default: /* as whoever sent it has set it */
		return irp->IoStatus.Status;
	}
}

NTSTATUS us_wdf_child_answer(struct us_wdf_device *device, PIRP irp)
{
	PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(irp);

	if (sp->MajorFunction == IRP_MJ_PNP)
		return answer_pnp(device, irp, sp);
	if (sp->MajorFunction == IRP_MJ_POWER &&
	    (sp->MinorFunction == IRP_MN_SET_POWER || sp->MinorFunction == IRP_MN_QUERY_POWER))
		return STATUS_SUCCESS;
	return irp->IoStatus.Status;
}

/* One that the system has not been told to be missing stays, without driver, until that, or until its parent goes. */
NTSTATUS us_wdf_child_removed(struct us_wdf_device *device, PIRP irp)
{
	struct us_wdf_child *child = device->child;

	if (!child->unreported)
		return us_wdf_complete(irp, STATUS_SUCCESS);
	if (child->callbacks.EvtDeviceReportedMissing)
		US_CALL_VOID("EvtDeviceReportedMissing", child->callbacks.EvtDeviceReportedMissing, (WDFDEVICE)device);
	us_wdf_delete(&device->object);
	us_wdf_complete(irp, STATUS_SUCCESS);
	us_wdf_device_detach(device);
	return STATUS_SUCCESS;
}
