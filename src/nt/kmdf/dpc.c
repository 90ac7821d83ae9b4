/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DPCs that belong to no interrupt.
 */
#include "nt/kmdf/callback.h"

#include <wdfstatus.h>

struct us_wdf_dpc {
	struct us_wdf_object object;
	WDF_DPC_CONFIG config;
	struct us_wdf_lock *lock;
	KDPC dpc;
};

static void dispose(struct us_wdf_object *object)
{
	struct us_wdf_dpc *dpc = (struct us_wdf_dpc *)object;

	KeRemoveQueueDpc(&dpc->dpc);
	KeFlushQueuedDpcs();
}

const struct us_wdf_type us_wdf_dpc_type = {
	.name = "WDFDPC",
	.size = sizeof(struct us_wdf_dpc),
	.deletable = true,
	.passive_cleanup = true,
	.dispose = dispose,
};

static void NTAPI came(PKDPC kdpc, PVOID context, PVOID argument1, PVOID argument2)
{
	struct us_wdf_dpc *dpc = context;

	(void)kdpc, (void)argument1, (void)argument2;
	us_wdf_reference(&dpc->object);
	us_wdf_lock(dpc->lock);
	US_CALL_VOID("EvtDpcFunc", dpc->config.EvtDpcFunc, (WDFDPC)dpc);
	us_wdf_unlock(dpc->lock);
	us_wdf_dereference(&dpc->object);
}

static NTSTATUS NTAPI create(PWDF_DRIVER_GLOBALS globals, PWDF_DPC_CONFIG config, PWDF_OBJECT_ATTRIBUTES attributes,
			     WDFDPC *result)
{
	struct us_wdf_lock *lock;
	struct us_wdf_dpc *dpc;
	NTSTATUS status;

	(void)globals;
	us_wdf_need(config, "WdfDpcCreate", "Config");
	us_wdf_need(result, "WdfDpcCreate", "Dpc");
	*result = NULL;
	if (!us_wdf_sized(config))
		return STATUS_INFO_LENGTH_MISMATCH;
	if (!config->EvtDpcFunc)
		return STATUS_INVALID_PARAMETER;
	status = us_wdf_callback_check(&us_wdf_dpc_type, attributes, config->AutomaticSerialization, false, &lock);
	if (NT_SUCCESS(status))
		status = us_wdf_create(&us_wdf_dpc_type, attributes, NULL, &dpc);
	if (!NT_SUCCESS(status))
		return status;
	dpc->config = *config;
	dpc->lock = lock;
	KeInitializeDpc(&dpc->dpc, came, dpc);
	*result = (WDFDPC)dpc;
	return STATUS_SUCCESS;
}

static BOOLEAN NTAPI enqueue(PWDF_DRIVER_GLOBALS globals, WDFDPC handle)
{
	struct us_wdf_dpc *dpc = us_wdf_from(handle, &us_wdf_dpc_type);

	(void)globals;
	if (dpc->object.life != US_WDF_ALIVE)
		return FALSE;
	return KeInsertQueueDpc(&dpc->dpc, NULL, NULL);
}

static BOOLEAN NTAPI cancel(PWDF_DRIVER_GLOBALS globals, WDFDPC handle, BOOLEAN wait)
{
	struct us_wdf_dpc *dpc = us_wdf_from(handle, &us_wdf_dpc_type);
	BOOLEAN was_queued;

	(void)globals;
	if (wait && us_nt_irql() != PASSIVE_LEVEL)
		us_nt_bugcheck(US_WDF_VIOLATION, WDF_VERIFIER_IRQL_MISMATCH, us_nt_irql(), 0, 0, "irql.dpc-cancel",
			       "WdfDpcCancel was called at IRQL %u with Wait TRUE for %s: that takes PASSIVE_LEVEL.",
			       us_nt_irql(), us_wdf_name(dpc));
	was_queued = KeRemoveQueueDpc(&dpc->dpc);
	if (wait)
		KeFlushQueuedDpcs();
	return was_queued;
}

static WDFOBJECT NTAPI get_parent(PWDF_DRIVER_GLOBALS globals, WDFDPC handle)
{
	struct us_wdf_dpc *dpc = us_wdf_from(handle, &us_wdf_dpc_type);

	(void)globals;
	return dpc->object.parent;
}

static PKDPC NTAPI wdm_get_dpc(PWDF_DRIVER_GLOBALS globals, WDFDPC handle)
{
	struct us_wdf_dpc *dpc = us_wdf_from(handle, &us_wdf_dpc_type);

	(void)globals;
	return &dpc->dpc;
}

void us_wdf_dpc_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfDpcCreate = create;
	table->WdfDpcEnqueue = enqueue;
	table->WdfDpcCancel = cancel;
	table->WdfDpcGetParentObject = get_parent;
	table->WdfDpcWdmGetDpc = wdm_get_dpc;
}
