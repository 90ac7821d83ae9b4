/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DMA enablers: their adapters and limits, and their callbacks as the device's power comes and goes.
 */
#include "nt/kmdf/dma.h"
#include "nt/trace.h"

#include <wdfstatus.h>

static void destroy(struct us_wdf_object *object)
{
	struct us_wdf_dma_enabler *enabler = (struct us_wdf_dma_enabler *)object;
	size_t i;

	for (i = 0; i < 2; i++)
		if (enabler->adapters[i].adapter)
			enabler->adapters[i].adapter->DmaOperations->PutDmaAdapter(enabler->adapters[i].adapter);
}

const struct us_wdf_type us_wdf_dma_enabler_type = {
	.name = "WDFDMAENABLER",
	.size = sizeof(struct us_wdf_dma_enabler),
	.deletable = true,
	.passive_cleanup = true,
	.destroy = destroy,
};

struct us_wdf_adapter *us_wdf_dma_adapter(struct us_wdf_dma_enabler *enabler, WDF_DMA_DIRECTION direction)
{
	return &enabler->adapters[enabler->duplex && direction == WdfDmaDirectionWriteToDevice];
}

/* -- creation ----------------------------------------------------------------------------------------------------- */

static NTSTATUS check(const WDF_DMA_ENABLER_CONFIG *config)
{
	bool wide = config->Profile == WdfDmaProfilePacket64 || config->Profile == WdfDmaProfileScatterGather64 ||
		    config->Profile == WdfDmaProfileScatterGather64Duplex;

	if (config->Profile <= WdfDmaProfileInvalid || config->Profile > WdfDmaProfileSystemDuplex ||
	    config->MaximumLength == 0)
		return STATUS_INVALID_PARAMETER;
	if (config->Profile >= WdfDmaProfileSystem)
		us_nt_unsupported(
			"WdfDmaEnablerCreate was called for a profile of the system's DMA controllers, which the "
			"stage does not have.");
	if (config->AddressWidthOverride && (config->AddressWidthOverride < 24 || config->AddressWidthOverride > 63 ||
					     (!wide && config->AddressWidthOverride > 32)))
		return STATUS_INVALID_PARAMETER;
	if (config->WdmDmaVersionOverride != 0 && config->WdmDmaVersionOverride != 2 &&
	    config->WdmDmaVersionOverride != 3)
		return STATUS_INVALID_PARAMETER;
	if (config->WdmDmaVersionOverride == 3 || config->AddressWidthOverride)
		us_nt_unsupported("WdfDmaEnablerCreate was called for DMA version 3 (WdmDmaVersionOverride, "
				  "AddressWidthOverride); the stage's adapters are of version 2.");
	return STATUS_SUCCESS;
}

static void set_profile(struct us_wdf_dma_enabler *enabler)
{
	switch (enabler->config.Profile) {
	case WdfDmaProfileScatterGather64Duplex:
	case WdfDmaProfileScatterGatherDuplex:
		enabler->duplex = true;
		enabler->scatter_gather = true;
		break;
	case WdfDmaProfileScatterGather:
	case WdfDmaProfileScatterGather64:
		enabler->scatter_gather = true;
		break;
	default:
		break;
	}
	enabler->wide = enabler->config.Profile == WdfDmaProfilePacket64 ||
			enabler->config.Profile == WdfDmaProfileScatterGather64 ||
			enabler->config.Profile == WdfDmaProfileScatterGather64Duplex;
}

/* One map register more than pages, for a buffer that does not begin with one. */
static size_t fragment_length(const struct us_wdf_dma_enabler *enabler, ULONG map_registers)
{
	size_t mapped = map_registers > 1 ? (size_t)(map_registers - 1) * PAGE_SIZE : PAGE_SIZE;

	return mapped < enabler->config.MaximumLength ? mapped : enabler->config.MaximumLength;
}

static NTSTATUS get_adapter(struct us_wdf_dma_enabler *enabler, struct us_wdf_adapter *adapter)
{
	size_t length = enabler->config.MaximumLength;
	DEVICE_DESCRIPTION description;

	memset(&description, 0, sizeof(description));
	description.Version = DEVICE_DESCRIPTION_VERSION2;
	description.Master = TRUE;
	description.ScatterGather = enabler->scatter_gather;
	description.Dma32BitAddresses = TRUE;
	description.Dma64BitAddresses = enabler->wide;
	description.InterfaceType = PCIBus;
	description.MaximumLength = length > MAXLONG ? MAXLONG : (ULONG)length;
	adapter->adapter = IoGetDmaAdapter(enabler->device->pdo, &description, &adapter->map_registers);
	if (!adapter->adapter)
		return STATUS_INSUFFICIENT_RESOURCES;
	adapter->fragment_length = fragment_length(enabler, adapter->map_registers);
	return STATUS_SUCCESS;
}

static NTSTATUS set_up(struct us_wdf_dma_enabler *enabler, struct us_wdf_device *device,
		       const WDF_DMA_ENABLER_CONFIG *config)
{
	NTSTATUS status;

	enabler->device = device;
	enabler->config = *config;
	enabler->max_elements = US_WDF_UNLIMITED;
	set_profile(enabler);
	status = get_adapter(enabler, &enabler->adapters[0]);
	if (NT_SUCCESS(status) && enabler->duplex)
		status = get_adapter(enabler, &enabler->adapters[1]);
	return status;
}

static NTSTATUS NTAPI create(PWDF_DRIVER_GLOBALS globals, WDFDEVICE handle, PWDF_DMA_ENABLER_CONFIG given,
			     PWDF_OBJECT_ATTRIBUTES attributes, WDFDMAENABLER *result)
{
	struct us_wdf_device *device = us_wdf_from(handle, &us_wdf_device_type);
	WDF_DMA_ENABLER_CONFIG config = {0};
	struct us_wdf_dma_enabler *enabler;
	WDF_OBJECT_ATTRIBUTES without;
	NTSTATUS status;

	(void)globals;
	us_wdf_need(given, "WdfDmaEnablerCreate", "Config");
	us_wdf_need(result, "WdfDmaEnablerCreate", "DmaEnablerHandle");
	*result = NULL;
	if (!us_wdf_take(&config, given))
		return STATUS_INFO_LENGTH_MISMATCH;
	status = check(&config);
	if (!NT_SUCCESS(status))
		return status;
	if (attributes && us_wdf_sized(attributes)) { /* a parent that they name is ignored, as documented */
		without = *attributes;
		without.ParentObject = NULL;
		attributes = &without;
	}
	status = us_wdf_create(&us_wdf_dma_enabler_type, attributes, &device->object, &enabler);
	if (!NT_SUCCESS(status))
		return status;
	status = set_up(enabler, device, &config);
	if (NT_SUCCESS(status))
		*result = (WDFDMAENABLER)enabler;
	else
		us_wdf_delete(&enabler->object);
	return status;
}

/* -- limits ------------------------------------------------------------------------------------------------------- */

static size_t NTAPI get_maximum_length(PWDF_DRIVER_GLOBALS globals, WDFDMAENABLER handle)
{
	struct us_wdf_dma_enabler *enabler = us_wdf_from(handle, &us_wdf_dma_enabler_type);

	(void)globals;
	return enabler->config.MaximumLength;
}

static void check_direction(WDF_DMA_DIRECTION direction, const void *enabler, const char *function)
{
	if (direction != WdfDmaDirectionReadFromDevice && direction != WdfDmaDirectionWriteToDevice)
		us_wdf_violation(WDF_DMA_FATAL_ERROR, enabler, "dma.direction",
				 "%s was called with %d for a direction, which is none.", function, (int)direction);
}

static size_t NTAPI get_fragment_length(PWDF_DRIVER_GLOBALS globals, WDFDMAENABLER handle, WDF_DMA_DIRECTION direction)
{
	struct us_wdf_dma_enabler *enabler = us_wdf_from(handle, &us_wdf_dma_enabler_type);

	(void)globals;
	check_direction(direction, enabler, "WdfDmaEnablerGetFragmentLength");
	return us_wdf_dma_adapter(enabler, direction)->fragment_length;
}

static size_t NTAPI get_maximum_elements(PWDF_DRIVER_GLOBALS globals, WDFDMAENABLER handle)
{
	struct us_wdf_dma_enabler *enabler = us_wdf_from(handle, &us_wdf_dma_enabler_type);

	(void)globals;
	return enabler->max_elements;
}

static void NTAPI set_maximum_elements(PWDF_DRIVER_GLOBALS globals, WDFDMAENABLER handle, size_t elements)
{
	struct us_wdf_dma_enabler *enabler = us_wdf_from(handle, &us_wdf_dma_enabler_type);

	(void)globals;
	if (elements == 0)
		us_wdf_violation(WDF_DMA_FATAL_ERROR, handle, "dma.elements",
				 "WdfDmaEnablerSetMaximumScatterGatherElements was called with %s and 0 elements.",
				 us_wdf_name(enabler));
	if (enabler->has_transactions)
		us_wdf_violation(
			WDF_DMA_FATAL_ERROR, handle, "dma.elements-late",
			"WdfDmaEnablerSetMaximumScatterGatherElements was called with %s after a transaction was "
			"made from it.",
			us_wdf_name(enabler));
	enabler->max_elements = elements;
}

static PDMA_ADAPTER NTAPI wdm_get_adapter(PWDF_DRIVER_GLOBALS globals, WDFDMAENABLER handle,
					  WDF_DMA_DIRECTION direction)
{
	struct us_wdf_dma_enabler *enabler = us_wdf_from(handle, &us_wdf_dma_enabler_type);

	(void)globals;
	check_direction(direction, enabler, "WdfDmaEnablerWdmGetDmaAdapter");
	return us_wdf_dma_adapter(enabler, direction)->adapter;
}

void us_wdf_dma_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfDmaEnablerCreate = create;
	table->WdfDmaEnablerGetMaximumLength = get_maximum_length;
	table->WdfDmaEnablerGetFragmentLength = get_fragment_length;
	table->WdfDmaEnablerGetMaximumScatterGatherElements = get_maximum_elements;
	table->WdfDmaEnablerSetMaximumScatterGatherElements = set_maximum_elements;
	table->WdfDmaEnablerWdmGetDmaAdapter = wdm_get_adapter;
	us_wdf_common_buffer_functions(table);
	us_wdf_transaction_functions(table);
}

/* -- power -------------------------------------------------------------------------------------------------------- */

/* The device's next enabler behind `last` (NULL: the first), which the driver can not delete while it is called. */
static struct us_wdf_dma_enabler *next(struct us_wdf_device *device, struct us_wdf_dma_enabler *last)
{
	LIST_ENTRY *link = last ? last->object.sibling.Flink : device->object.children.Flink;

	for (; link != &device->object.children; link = link->Flink) {
		struct us_wdf_object *object = CONTAINING_RECORD(link, struct us_wdf_object, sibling);

		if (object->type == &us_wdf_dma_enabler_type)
			return (struct us_wdf_dma_enabler *)object;
	}
	return NULL;
}

static NTSTATUS enable(struct us_wdf_dma_enabler *enabler)
{
	WDF_DMA_ENABLER_CONFIG *config = &enabler->config;
	NTSTATUS status = STATUS_SUCCESS;

	if (config->EvtDmaEnablerFill)
		status = US_CALL("EvtDmaEnablerFill", config->EvtDmaEnablerFill, (WDFDMAENABLER)enabler);
	if (NT_SUCCESS(status) && config->EvtDmaEnablerEnable)
		status = US_CALL("EvtDmaEnablerEnable", config->EvtDmaEnablerEnable, (WDFDMAENABLER)enabler);
	if (!NT_SUCCESS(status))
		return status;
	enabler->enabled = true;
	if (config->EvtDmaEnablerSelfManagedIoStart)
		status = US_CALL("EvtDmaEnablerSelfManagedIoStart", config->EvtDmaEnablerSelfManagedIoStart,
				 (WDFDMAENABLER)enabler);
	return status;
}

static NTSTATUS disable(struct us_wdf_dma_enabler *enabler)
{
	NTSTATUS status = STATUS_SUCCESS, result = STATUS_SUCCESS;
	WDF_DMA_ENABLER_CONFIG *config = &enabler->config;

	if (!enabler->enabled)
		return STATUS_SUCCESS;
	enabler->enabled = false;
	if (config->EvtDmaEnablerSelfManagedIoStop)
		result = US_CALL("EvtDmaEnablerSelfManagedIoStop", config->EvtDmaEnablerSelfManagedIoStop,
				 (WDFDMAENABLER)enabler);
	if (config->EvtDmaEnablerDisable)
		status = US_CALL("EvtDmaEnablerDisable", config->EvtDmaEnablerDisable, (WDFDMAENABLER)enabler);
	if (!NT_SUCCESS(status) && NT_SUCCESS(result))
		result = status;
	status = STATUS_SUCCESS;
	if (config->EvtDmaEnablerFlush)
		status = US_CALL("EvtDmaEnablerFlush", config->EvtDmaEnablerFlush, (WDFDMAENABLER)enabler);
	return NT_SUCCESS(result) ? status : result;
}

NTSTATUS us_wdf_dma_power_up(struct us_wdf_device *device)
{
	struct us_wdf_dma_enabler *enabler;
	NTSTATUS status = STATUS_SUCCESS;

	for (enabler = next(device, NULL); enabler && NT_SUCCESS(status); enabler = next(device, enabler))
		status = enable(enabler);
	return status;
}

NTSTATUS us_wdf_dma_power_down(struct us_wdf_device *device)
{
	NTSTATUS status, result = STATUS_SUCCESS;
	struct us_wdf_dma_enabler *enabler;

	for (enabler = next(device, NULL); enabler; enabler = next(device, enabler)) {
		status = disable(enabler);
		if (NT_SUCCESS(result))
			result = status;
	}
	return result;
}
