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
#include "nt/kmdf/version.h"

/* -- the framework's state ---------------------------------------------------------------------------------------- */

#define US_WDF_NAMES 4

struct us_wdf {
	struct us_wdf_driver *driver; /* NULL: no WdfDriverCreate yet, or deleted */
	struct us_wdf_binding *binding; /* loader.c's: NULL before WdfVersionBind and after WdfVersionUnbind */
	LIST_ENTRY objects; /* us_wdf_object.all: every object there is */
	struct WDFDEVICE_INIT *inits; /* all that are alive */
	struct WDFDEVICE_INIT *adding; /* the one that EvtDriverDeviceAdd under way got */
	struct us_wdf_device *added; /* and what it made of it; NULL: nothing yet */
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
	struct us_wdf_completed *completed; /* request.c's */
};

/* This stage's; made when first asked for. */
struct us_wdf *us_wdf_state(void);

/* us_nt_pool_free(), or nothing for NULL. */
void us_wdf_pool_free(void *at);

/* Reads what a wrong handle may point to: mapped memory, but perhaps a freed piece of pool. */
uint64_t us_wdf_peek(const uint64_t *at);

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
};

/* The one driver that is bound to the framework on this stage: a bugcheck before WdfDriverCreate. */
struct us_wdf_driver *us_wdf_driver(void);
#define us_wdf_driver_object() (&us_wdf_driver()->object)

/* WdfVersionBind and friends are exports of "WDFLDR.SYS". */
extern const struct us_export us_wdf_loader_exports[];

/* -- device (device.c, init.c, pnp.c, power.c) -------------------------------------------------------------------- */

/* A callback that sees IRPs before the framework does. */
struct us_wdf_preprocess {
	PFN_WDFDEVICE_WDM_IRP_PREPROCESS callback; /* NULL: none */
	UCHAR *minors; /* of the stage's; NULL: all */
	ULONG nminors;
};

#define US_WDF_MAJORS (IRP_MJ_MAXIMUM_FUNCTION + 1)

/* What a driver says before there is a device; filled by the WdfDeviceInit… functions. In the pool. */
struct WDFDEVICE_INIT {
	uint64_t magic;
	struct WDFDEVICE_INIT *next; /* of all that are alive */
	PDEVICE_OBJECT pdo; /* NULL: a control device, or a child */
	struct us_wdf_child *child; /* of WdfPdoInitAllocate (child.h); NULL: none */
	struct us_wdf_child_list_init *list; /* of the default child list; NULL: none */
	bool drivers; /* the driver allocated it, and has to free it */
	bool control, filter, exclusive;
	PFN_WDF_DEVICE_SHUTDOWN_NOTIFICATION shutdown; /* a control device's; NULL: none */
	UCHAR shutdown_flags;
	WDF_PNPPOWER_EVENT_CALLBACKS pnp;
	WDF_POWER_POLICY_EVENT_CALLBACKS policy;
	WDF_FDO_EVENT_CALLBACKS fdo;
	WDF_FILEOBJECT_CONFIG file;
	WDF_OBJECT_ATTRIBUTES file_attributes, request_attributes;
	bool has_file, has_file_attributes, has_request_attributes;
	struct us_wdf_preprocess preprocess[US_WDF_MAJORS];
	PFN_WDF_IO_IN_CALLER_CONTEXT in_caller_context;
	WDF_DEVICE_IO_TYPE io_type;
	DEVICE_TYPE device_type;
	ULONG characteristics;
	UNICODE_STRING name; /* pool; Buffer NULL: none */
	UNICODE_STRING sddl; /* the same */
	bool has_class; /* WdfDeviceInitSetDeviceClass */
	WDF_TRI_STATE power_policy_owner; /* WdfUseDefault: a function driver is, a filter is not */
	bool not_pageable, inrush;
};

struct us_wdf_interface {
	struct us_wdf_interface *next;
	GUID guid;
	UNICODE_STRING reference, link; /* pool; link: the symbolic link's name */
	bool wanted; /* not switched off by WdfDeviceSetDeviceInterfaceState */
	bool enabled; /* now */
};

/* An interface of functions that the driver offers to others (WdfDeviceAddQueryInterface). */
struct us_wdf_query_interface {
	struct us_wdf_query_interface *next;
	GUID guid;
	PINTERFACE offered; /* pool; a copy of the driver's; NULL: the callback does it all */
	PFN_WDF_DEVICE_PROCESS_QUERY_INTERFACE_REQUEST callback;
	bool import;
};

/* How far up a device is on the way to full operation; a way down begins where it is. */
enum us_wdf_up {
	US_WDF_UP_NOTHING,
	US_WDF_UP_HARDWARE, /* EvtDevicePrepareHardware was called */
	US_WDF_UP_D0, /* EvtDeviceD0Entry */
	US_WDF_UP_INTERRUPTS, /* interrupts are connected */
	US_WDF_UP_POST_INTERRUPTS, /* EvtDeviceD0EntryPostInterruptsEnabled */
	US_WDF_UP_DMA, /* the DMA enablers' callbacks */
	US_WDF_UP_QUEUES, /* power-managed queues deliver */
	US_WDF_UP_IO, /* self-managed I/O */
};

struct us_wdf_device {
	struct us_wdf_object object;
	struct us_wdf_driver *driver;
	PDEVICE_OBJECT wdm, pdo, attached; /* its own; the bus's; the next lower */
	WDF_PNPPOWER_EVENT_CALLBACKS pnp;
	WDF_POWER_POLICY_EVENT_CALLBACKS policy;
	WDF_FDO_EVENT_CALLBACKS fdo;
	WDF_FILEOBJECT_CONFIG file;
	WDF_OBJECT_ATTRIBUTES file_attributes, request_attributes;
	bool has_file, has_file_attributes, has_request_attributes;
	struct us_wdf_preprocess preprocess[US_WDF_MAJORS];
	PFN_WDF_IO_IN_CALLER_CONTEXT in_caller_context;
	WDF_DEVICE_IO_TYPE io_type;
	bool control, filter, power_policy_owner, not_pageable;
	struct us_wdf_child *child; /* it is a child of the function's device (child.h): `pdo` is its own; NULL: none */
	LIST_ENTRY static_children; /* us_wdf_child.sibling: its own */
	PNP_BUS_INFORMATION *bus; /* WdfDeviceSetBusInformationForChildren; NULL: it was not called */
	LIST_ENTRY child_lists; /* us_wdf_child_list.of_device */
	struct us_wdf_child_list *default_list; /* NULL: none */
	unsigned children_locked; /* WdfFdoLockStaticChildListForIteration */
	PFN_WDF_DEVICE_SHUTDOWN_NOTIFICATION shutdown; /* a control device's; NULL: none */
	bool finished; /* a control device: WdfControlFinishInitializing was called */
	UNICODE_STRING name; /* pool; Buffer NULL: none */
	UNICODE_STRING symbolic_link; /* the same */

	/* Plug and Play, and power (pnp.c, power.c, idle.c). */
	WDF_DEVICE_PNP_STATE pnp_state;
	WDF_DEVICE_POWER_STATE power_state;
	struct us_wdf_lock *busy; /* held while the device goes from one state to another */
	enum us_wdf_up up;
	bool in_d0; /* power-managed queues may deliver */
	bool removed; /* surprise removal was seen: create and I/O fail */
	bool failed; /* WdfDeviceSetFailed, or a callback failed */
	bool preparing; /* in EvtDevicePrepareHardware */
	bool self_managed, flushed; /* EvtDeviceSelfManagedIoInit, -Flush was called */
	bool not_stoppable; /* WdfDeviceSetStaticStopRemove */
	bool special[WdfSpecialFileMax]; /* WdfDeviceSetSpecialFileSupport */
	LONG special_files; /* in use on it */
	PCM_RESOURCE_LIST raw_list, translated_list; /* pool; what was granted */
	struct us_wdf_object *raw, *translated; /* WDFCMRESLIST of them, while it has hardware */
	WDF_DEVICE_STATE state;
	WDF_DEVICE_PNP_CAPABILITIES pnp_capabilities;
	WDF_DEVICE_POWER_CAPABILITIES power_capabilities;
	POWER_ACTION system_action; /* why its power changes */
	SYSTEM_POWER_STATE system_state;
	WDF_POWER_DEVICE_STATE low_state; /* where it went when it left D0 last */
	PIRP power_irp; /* power.c's: came above PASSIVE_LEVEL, is done later */
	struct us_wdf_later power_later;
	LONG power_references; /* idle.c's: what keeps it in D0 */
	struct us_wdf_idle *idle; /* idle.c's; NULL: no idle settings */

	struct us_wdf_interface *interfaces;
	struct us_wdf_query_interface *query_interfaces;
	struct us_wdf_queue *default_queue; /* NULL: none */
	struct us_wdf_queue *type_queue[WdfRequestTypeMax]; /* WdfDeviceConfigureRequestDispatching; NULL: the default */
	LIST_ENTRY queues, interrupts, files; /* us_wdf_queue.of_device, … */
	struct us_wdf_io_target *target; /* the next lower driver; made on demand */
};

struct us_wdf_device *us_wdf_device_of(PDEVICE_OBJECT wdm);

/* The I/O that arrives for a device: create, cleanup, close, read, write, device control (request.c, file.c). */
NTSTATUS us_wdf_dispatch_create(struct us_wdf_device *device, PIRP irp);
NTSTATUS us_wdf_dispatch_cleanup(struct us_wdf_device *device, PIRP irp);
NTSTATUS us_wdf_dispatch_close(struct us_wdf_device *device, PIRP irp);
NTSTATUS us_wdf_dispatch_io(struct us_wdf_device *device, PIRP irp);

/* locks.c: the lock inside of a WDFSPINLOCK, which from now on is one of interrupts. */
PKSPIN_LOCK us_wdf_spin_lock_for_interrupt(struct us_wdf_object *lock);

/* -- memory objects (memory.c) ------------------------------------------------------------------------------------ */

/* A WDFMEMORY around a buffer that is somebody else's (a request's), below `parent`. */
NTSTATUS us_wdf_memory_wrap(struct us_wdf_object *parent, PVOID buffer, size_t size, struct us_wdf_object **memory);

/* A memory object with a buffer of its own, as WdfMemoryCreate makes it. `tag` 0: the driver's. */
NTSTATUS us_wdf_memory_new(PWDF_OBJECT_ATTRIBUTES attributes, size_t size, ULONG tag, struct us_wdf_object **memory);

/* A memory object's buffer and size. */
PVOID us_wdf_memory_buffer(struct us_wdf_object *memory, size_t *size);

/* -- how queues hear of power (queue.c); called by pnp.c at PASSIVE_LEVEL ----------------------------------------- */

/* The device is in D0: power-managed queues deliver again (EvtIoResume first for what the driver kept). */
void us_wdf_queues_power_up(struct us_wdf_device *device);

/*
 * The device leaves D0 (`purge`: for good): power-managed queues stop delivering; EvtIoStop for each request that the driver
 * has of them; returns when each was completed, requeued, or acknowledged. Purge: also what waits in them is cancelled.
 */
void us_wdf_queues_power_down(struct us_wdf_device *device, bool purge);

/* The device is gone for good: all queues purge, and what arrives fails with STATUS_DELETE_PENDING or STATUS_NO_SUCH_DEVICE… */
void us_wdf_queues_purge_all(struct us_wdf_device *device);

/*
 * For a device that may sleep while it is idle: a request has arrived at a power-managed queue (or the driver wants it awake).
 * The first reference brings it back to D0, in the framework's own thread; the last starts the idle time. Up to
 * DISPATCH_LEVEL, and cheap for devices that do not idle.
 */
void us_wdf_power_reference(struct us_wdf_device *device);
void us_wdf_power_dereference(struct us_wdf_device *device);

/* -- how interrupts and DMA hear of power (interrupt.c, dma-enabler.c); at PASSIVE_LEVEL -------------------------- */

/* Assigns the granted resources to the device's interrupt objects; at start, before EvtDevicePrepareHardware. */
void us_wdf_interrupts_assign(struct us_wdf_device *device);
/* The hardware is given back: interrupts that were created in EvtDevicePrepareHardware are deleted. */
void us_wdf_interrupts_release(struct us_wdf_device *device);
/* Connects (and EvtInterruptEnable), after EvtDeviceD0Entry; disconnects (EvtInterruptDisable first), before EvtDeviceD0Exit. */
NTSTATUS us_wdf_interrupts_connect(struct us_wdf_device *device);
void us_wdf_interrupts_disconnect(struct us_wdf_device *device);

/*
 * EvtDmaEnablerFill, …Enable, …SelfManagedIoStart of each enabler, after the interrupts are connected and before queues deliver;
 * …SelfManagedIoStop, …Disable, …Flush, after the queues are down and before EvtDeviceD0Exit. A failing status is the first
 * that a callback answered.
 */
NTSTATUS us_wdf_dma_power_up(struct us_wdf_device *device);
NTSTATUS us_wdf_dma_power_down(struct us_wdf_device *device);

/* -- between the files of Plug and Play and power ----------------------------------------------------------------- */

/*
 * dispatch.c: passes an IRP to the next lower driver, in the same stack location; or in a copy of it, and waits. Below a
 * child is nobody: the framework answers itself, as its bus.
 */
NTSTATUS us_wdf_forward(struct us_wdf_device *device, PIRP irp);
NTSTATUS us_wdf_forward_and_wait(struct us_wdf_device *device, PIRP irp);
NTSTATUS us_wdf_complete(PIRP irp, NTSTATUS status);

NTSTATUS NTAPI us_wdf_dispatch(PDEVICE_OBJECT wdm, PIRP irp); /* dispatch.c: of all major functions */
NTSTATUS us_wdf_dispatch_pnp(struct us_wdf_device *device, PIRP irp); /* pnp.c */
NTSTATUS us_wdf_dispatch_power(struct us_wdf_device *device, PIRP irp); /* power.c */
NTSTATUS us_wdf_query_interface(struct us_wdf_device *device, PIRP irp); /* interface.c: IRP_MN_QUERY_INTERFACE */

/* sequence.c: the device's way up to D0 and full operation, and down again as far as it was up. Under `busy`. */
NTSTATUS us_wdf_power_up(struct us_wdf_device *device, WDF_POWER_DEVICE_STATE previous);
NTSTATUS us_wdf_power_down(struct us_wdf_device *device, WDF_POWER_DEVICE_STATE target, bool gone);
NTSTATUS us_wdf_prepare_hardware(struct us_wdf_device *device);
void us_wdf_release_hardware(struct us_wdf_device *device);
void us_wdf_self_managed_end(struct us_wdf_device *device, bool cleanup); /* -Flush; or -Cleanup */

/* A callback of the device failed, or WdfDeviceSetFailed: it is reported to the system as failed. Up to DISPATCH_LEVEL. */
void us_wdf_device_fail(struct us_wdf_device *device);

/* idle.c: the device is started, or leaves for good; the system sleeps. */
void us_wdf_idle_start(struct us_wdf_device *device);
void us_wdf_idle_stop(struct us_wdf_device *device);
void us_wdf_idle_free(struct us_wdf_device *device);
bool us_wdf_idle_wakes_with_system(struct us_wdf_device *device); /* not if it slept before, and has nothing to do */
DEVICE_POWER_STATE us_wdf_sleep_state(struct us_wdf_device *device); /* while the system sleeps */

/* power.c */
struct us_wdf_power_request {
	KEVENT done;
	NTSTATUS status;
};

/* Asks for a device power IRP of the device's own stack, and waits for its end. At PASSIVE_LEVEL. */
NTSTATUS us_wdf_request_power(struct us_wdf_device *device, DEVICE_POWER_STATE state);

/* interface.c */
void us_wdf_interfaces_enable(struct us_wdf_device *device, bool enable);
void us_wdf_interfaces_free(struct us_wdf_device *device);

/* init.c */
struct WDFDEVICE_INIT *us_wdf_init_new(PDEVICE_OBJECT pdo); /* NULL: no memory */
struct WDFDEVICE_INIT *us_wdf_init_from(PWDFDEVICE_INIT init, const char *function); /* a bugcheck for what is none */
void us_wdf_init_free(struct WDFDEVICE_INIT *init);

/* device.c: the end of a device: off the stack, its device object deleted. */
void us_wdf_device_detach(struct us_wdf_device *device);

/* string.c: a copy in the pool, NUL-terminated; a NULL Buffer: no memory. us_nt_pool_free() the Buffer. */
bool us_wdf_copy_string(UNICODE_STRING *to, const UNICODE_STRING *from);
NTSTATUS us_wdf_string_set(WDFSTRING string, const UNICODE_STRING *text); /* a WDFSTRING gets another value */
void us_wdf_string_get(WDFSTRING string, UNICODE_STRING *text);

/* A new one, of what attributes say, or the driver; of the text, or none (NULL). */
NTSTATUS us_wdf_string_new(const UNICODE_STRING *text, PWDF_OBJECT_ATTRIBUTES attributes, WDFSTRING *string);

/* collection.c: appends; the object there (NULL: behind the end); takes out and deletes all from an index on. */
NTSTATUS us_wdf_collection_add(WDFCOLLECTION collection, struct us_wdf_object *object);
struct us_wdf_object *us_wdf_collection_at(WDFCOLLECTION collection, ULONG index);
void us_wdf_collection_delete_from(WDFCOLLECTION collection, ULONG index);

/* property.c: a property of a device, in a new WDFMEMORY. STATUS_INVALID_DEVICE_REQUEST: `pdo` is NULL. */
NTSTATUS us_wdf_property(PDEVICE_OBJECT pdo, DEVICE_REGISTRY_PROPERTY property, PWDF_OBJECT_ATTRIBUTES attributes,
			 WDFMEMORY *result);

/* registry.c: a WDFKEY around a handle of the system's, which it closes. */
NTSTATUS us_wdf_key_new(HANDLE handle, PWDF_OBJECT_ATTRIBUTES attributes, WDFKEY *key);

/* resources.c: WDFCMRESLIST of a device; what it holds; what the driver may do with it, at first nothing. */
NTSTATUS us_wdf_cm_list_new(struct us_wdf_device *device, const CM_RESOURCE_LIST *list, struct us_wdf_object **result);
ULONG us_wdf_cm_count(struct us_wdf_object *list);
PCM_PARTIAL_RESOURCE_DESCRIPTOR us_wdf_cm_at(struct us_wdf_object *list, ULONG index);
void us_wdf_cm_allow(struct us_wdf_object *list, bool add, bool remove);
bool us_wdf_cm_changed(struct us_wdf_object *list);

/* It as Windows' structure, in pool that whoever gets it frees; bus and kind of it as in `like`. NULL: no memory. */
PCM_RESOURCE_LIST us_wdf_cm_build(struct us_wdf_object *list, const CM_RESOURCE_LIST *like);

/* requirements.c: IRP_MN_FILTER_RESOURCE_REQUIREMENTS; and what a child says that it requires (NULL: nothing), in pool. */
NTSTATUS us_wdf_filter_requirements(struct us_wdf_device *device, PIRP irp);
NTSTATUS us_wdf_child_requirements(struct us_wdf_device *device, PFN_WDF_DEVICE_RESOURCE_REQUIREMENTS_QUERY callback,
				   PIO_RESOURCE_REQUIREMENTS_LIST *result);

/* loader.c */
unsigned us_wdf_binding_minor(const struct us_wdf_binding *binding); /* for which version the driver was built */
WDF_DRIVER_GLOBALS *us_wdf_globals(void);
const struct us_export *us_wdf_function(size_t index); /* of the table; NULL behind its end */

/* -- function tables ---------------------------------------------------------------------------------------------- */

void us_wdf_object_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_driver_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_init_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_child_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_child_list_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_device_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_dispatch_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_interface_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_property_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_idle_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_interrupt_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_resource_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_requirement_functions(struct _WDF_FUNCTIONS *table);
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
