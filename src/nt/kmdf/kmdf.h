/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the framework share: the driver, the device, and how the parts of a device hear of its life.
 *
 * The framework stands on the stage's kernel as Microsoft's stands on Windows': it is a WDM driver that takes the IRPs of
 * its client's device object. Function table: each file fills in its entries (us_wdf_*_functions); what stays NULL is a gate
 * that stops the run with the function's name.
 *
 * Power and I/O (who calls whom): pnp.c runs the device's states in the documented order and tells queues, interrupts and
 * DMA by the functions below; queues ask the device whether they may deliver.
 */
#ifndef UNDERSTUDY_NT_KMDF_KMDF_H
#define UNDERSTUDY_NT_KMDF_KMDF_H

#include "nt/kmdf/object.h"

/* -- the framework's state -------------------------------------------------------------------------------------------- */

#define US_WDF_NAMES 4

struct us_wdf {
	struct us_wdf_driver *driver; /* NULL: no WdfDriverCreate yet, or deleted */
	struct us_wdf_binding *binding; /* loader.c's: NULL before WdfVersionBind and after WdfVersionUnbind */
	LIST_ENTRY objects; /* us_wdf_object.all: every object there is */
	struct {
		const struct us_wdf_type *type;
		unsigned count;
	} counts[32]; /* how many of each type were created */
	char names[US_WDF_NAMES][64]; /* us_wdf_name()'s */
	unsigned name;
	LIST_ENTRY later; /* us_wdf_later.link */
	struct us_thread *worker, *flushing[8]; /* the framework's own thread; who waits for it */
	unsigned nflushing;
	bool worker_works, worker_waits;
};

/* This stage's; made when first asked for. */
struct us_wdf *us_wdf_state(void);

/* Between object.c, context.c and lock.c. */
void us_wdf_call_cleanup(struct us_wdf_object *object);
void us_wdf_call_destroy(struct us_wdf_object *object);
void us_wdf_free_contexts(struct us_wdf_object *object);
void us_wdf_lock_free(struct us_wdf_lock *lock);
void us_wdf_context_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_callback_lock_functions(struct _WDF_FUNCTIONS *table);

/* -- driver (driver.c) -------------------------------------------------------------------------------------------- */

struct us_wdf_driver {
	struct us_wdf_object object;
	PDRIVER_OBJECT wdm;
	UNICODE_STRING registry_path;
	WDF_DRIVER_CONFIG config;
	PDRIVER_UNLOAD unload; /* the client's own, before the framework put its there */
};

/* The one driver that is bound to the framework on this stage: a bugcheck before WdfDriverCreate. */
#pragma weak us_wdf_driver
struct us_wdf_driver *us_wdf_driver(void);
#define us_wdf_driver_object() (&us_wdf_driver()->object)

/* WdfVersionBind and friends are exports of "WDFLDR.SYS". */
extern const struct us_export us_wdf_loader_exports[];

/* -- device (device.c, init.c, pnp.c, power.c) -------------------------------------------------------------------- */

/* What a driver says before there is a device; filled by the WdfDeviceInit… functions. */
struct WDFDEVICE_INIT {
	struct us_wdf_driver *driver;
	PDEVICE_OBJECT pdo; /* NULL: a control device */
	bool control, filter, exclusive, created;
	WDF_PNPPOWER_EVENT_CALLBACKS pnp;
	WDF_POWER_POLICY_EVENT_CALLBACKS policy;
	WDF_FILEOBJECT_CONFIG file;
	WDF_OBJECT_ATTRIBUTES file_attributes, request_attributes;
	bool has_file, has_file_attributes, has_request_attributes;
	PFN_WDF_IO_IN_CALLER_CONTEXT in_caller_context;
	WDF_DEVICE_IO_TYPE io_type;
	DEVICE_TYPE device_type;
	ULONG characteristics;
	UNICODE_STRING name; /* pool; Buffer NULL: none */
	UNICODE_STRING sddl; /* the same */
	BOOLEAN power_policy_owner;
};

struct us_wdf_interface {
	struct us_wdf_interface *next;
	GUID guid;
	UNICODE_STRING reference, link; /* link: the symbolic link's name once registered */
	bool enabled;
};

struct us_wdf_device {
	struct us_wdf_object object;
	struct us_wdf_driver *driver;
	PDEVICE_OBJECT wdm, pdo, attached; /* its own; the bus's; the next lower */
	WDF_PNPPOWER_EVENT_CALLBACKS pnp;
	WDF_POWER_POLICY_EVENT_CALLBACKS policy;
	WDF_FILEOBJECT_CONFIG file;
	WDF_OBJECT_ATTRIBUTES file_attributes, request_attributes;
	bool has_file_attributes, has_request_attributes;
	PFN_WDF_IO_IN_CALLER_CONTEXT in_caller_context;
	WDF_DEVICE_IO_TYPE io_type;
	bool control, filter;
	WDF_DEVICE_PNP_STATE pnp_state;
	WDF_DEVICE_POWER_STATE power_state;
	bool in_d0; /* power-managed queues may deliver */
	bool removed; /* surprise removal was seen: create and I/O fail */
	bool failed; /* WdfDeviceSetFailed */
	struct us_wdf_interface *interfaces;
	struct us_wdf_queue *default_queue; /* NULL: none */
	struct us_wdf_queue *type_queue[WdfRequestTypeMax]; /* WdfDeviceConfigureRequestDispatching; NULL: the default */
	LIST_ENTRY queues, interrupts, files; /* us_wdf_queue.of_device, … */
	struct us_wdf_io_target *target; /* the next lower driver; made on demand */
	WDF_DEVICE_STATE state;
	WDF_DEVICE_PNP_CAPABILITIES pnp_capabilities;
	ULONG alignment;
	void *start_irp;
};

struct us_wdf_device *us_wdf_device_of(PDEVICE_OBJECT wdm);

/* The I/O that arrives for a device: create, cleanup, close, read, write, device control (request.c, file.c). */
NTSTATUS us_wdf_dispatch_create(struct us_wdf_device *device, PIRP irp);
NTSTATUS us_wdf_dispatch_cleanup(struct us_wdf_device *device, PIRP irp);
NTSTATUS us_wdf_dispatch_close(struct us_wdf_device *device, PIRP irp);
NTSTATUS us_wdf_dispatch_io(struct us_wdf_device *device, PIRP irp);

/* -- memory objects (memory.c) ---------------------------------------------------------------------------------------- */

/* A WDFMEMORY around a buffer that is somebody else's (a request's), below `parent`. */
NTSTATUS us_wdf_memory_wrap(struct us_wdf_object *parent, PVOID buffer, size_t size, struct us_wdf_object **memory);

/* A memory object's buffer and size. */
PVOID us_wdf_memory_buffer(struct us_wdf_object *memory, size_t *size);

/* -- how queues hear of power (queue.c); called by pnp.c at PASSIVE_LEVEL ------------------------------------------- */

/* The device is in D0: power-managed queues deliver again (EvtIoResume first for what the driver kept). */
void us_wdf_queues_power_up(struct us_wdf_device *device);

/*
 * The device leaves D0 (`purge`: for good): power-managed queues stop delivering; EvtIoStop for each request that the driver
 * has of them; returns when each was completed, requeued, or acknowledged. Purge: also what waits in them is cancelled.
 */
void us_wdf_queues_power_down(struct us_wdf_device *device, bool purge);

/* The device is gone for good: all queues purge, and what arrives fails with STATUS_DELETE_PENDING or STATUS_NO_SUCH_DEVICE… */
void us_wdf_queues_purge_all(struct us_wdf_device *device);

/* -- how interrupts hear of power (interrupt.c) --------------------------------------------------------------------- */

/* Assigns the granted resources to the device's interrupt objects; at start, before EvtDevicePrepareHardware. */
NTSTATUS us_wdf_interrupts_assign(struct us_wdf_device *device, PCM_RESOURCE_LIST raw, PCM_RESOURCE_LIST translated);
/* Connects (and EvtInterruptEnable), after EvtDeviceD0Entry; disconnects (EvtInterruptDisable first), before EvtDeviceD0Exit. */
NTSTATUS us_wdf_interrupts_connect(struct us_wdf_device *device);
void us_wdf_interrupts_disconnect(struct us_wdf_device *device);

/* -- function tables ------------------------------------------------------------------------------------------------ */

void us_wdf_object_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_driver_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_init_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_device_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_interrupt_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_resource_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_registry_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_string_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_memory_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_collection_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_queue_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_request_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_file_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_target_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_dma_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_timer_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_dpc_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_work_item_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_lock_functions(struct _WDF_FUNCTIONS *table);

#endif
