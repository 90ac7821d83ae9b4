/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel's modules give one another beside the functions that Windows' own headers declare.
 *
 * Each module has its table of exports, its init (called in this order by the stage), and the few functions below.
 */
#ifndef UNDERSTUDY_NT_KERNEL_H
#define UNDERSTUDY_NT_KERNEL_H

#include "nt/gate.h"
#include "nt/ntdefs.h"
#include "nt/sched.h"
#include "nt/stage.h"

extern const struct us_export us_nt_ke_exports[], us_nt_ex_exports[], us_nt_rtl_exports[], us_nt_mm_exports[],
	us_nt_hal_exports[], us_nt_io_exports[], us_nt_registry_exports[], us_nt_pnp_exports[];

void us_nt_pool_init(void); /* pool.c */
void us_nt_ke_init(void); /* ke-*.c: dispatcher objects, waits, timers, DPC objects, spin locks, threads */
void us_nt_ex_init(void); /* ex-*.c: pool's exports, work items and their threads, lookaside lists, interlocked lists */
void us_nt_mm_init(void); /* mm-*.c: MDLs, probe and lock, mappings, I/O space */
void us_nt_hal_init(void); /* hal-*.c: DMA adapters, ports, performance counter */
void us_nt_registry_init(void); /* registry.c: the keys that config->registry describes, and what drivers add */
void us_nt_io_init(void); /* io-*.c: driver, device and file objects, IRPs, cancel, completion, names, interfaces, error log */
void us_nt_pnp_init(void); /* pnp-*.c: the PCI bus's device object, resources, PnP and power IRPs, interrupt objects */

/* -- ke ----------------------------------------------------------------------------------------------------------- */

/* A spin lock, at any IRQL at or above DISPATCH_LEVEL; severe with what is held already, or not held. */
void us_nt_spin_lock(PKSPIN_LOCK lock);
void us_nt_spin_unlock(PKSPIN_LOCK lock);

/* KeInsertQueueDpc() for a given processor (NULL: this one), unless the DPC has a target of its own. False: is queued already. */
bool us_nt_insert_dpc(PKDPC dpc, PVOID argument1, PVOID argument2, struct us_cpu *cpu);

/* Before `size` bytes of a driver's memory are freed: a bugcheck if a timer, DPC or resource in use lies there. */
void us_nt_ke_check_free(const void *at, size_t size);

/* Threads, timers, resources and the like that a driver left behind: how many, and one of them as a sentence. */
size_t us_nt_ke_leaks(char *text, size_t size);

/* The process of kernel mode (the system) or user mode (the application), as PsGetCurrentProcess() has it. */
PEPROCESS us_nt_process(KPROCESSOR_MODE mode);

/* "in the driver's pool piece 'abcd' + 24, at 0x…", "on a stack", for sentences; good until the fourth next call. */
const char *us_nt_where(const void *at);

/* -- ex: memory of drivers ---------------------------------------------------------------------------------------- */

/* Work items that are queued or run, and that nothing keeps the driver loaded for (ExQueueWorkItem): how many, as a sentence. */
size_t us_nt_ex_leaks(char *text, size_t size);

/* Event providers that a driver registered and has not unregistered (EtwRegister): how many, as a sentence. */
size_t us_nt_etw_leaks(char *text, size_t size);

/* Pieces of pool that a driver allocated and has not freed, by tag, as a sentence for the report of a leak; 0: none. */
size_t us_nt_pool_leaks(char *text, size_t size);

/* The same for contiguous memory, pages of MDLs, mappings of registers and locked pages. */
size_t us_nt_mm_leaks(char *text, size_t size);

/* The same for DMA adapters, which hold all else of DMA. */
size_t us_nt_hal_leaks(char *text, size_t size);

/* -- io: what the story and the framework need -------------------------------------------------------------------- */

/*
 * Opens a device by its name (\??\… or \Device\…), sends IRP_MJ_CREATE, waits for it. *file has one reference, and
 * user mode's manners (RequestorMode of its requests).
 */
NTSTATUS us_nt_io_create(PCUNICODE_STRING name, ACCESS_MASK access, PFILE_OBJECT *file);
void us_nt_io_cleanup(PFILE_OBJECT file); /* the last handle is closed: IRP_MJ_CLEANUP; then, with the last reference, IRP_MJ_CLOSE */

/*
 * Builds and sends a request of an application: read, write or device control by the device's and code's method of
 * transfer. `ended` is called, once, when it has ended, in the flow that completes it (at DISPATCH_LEVEL
 * or below, or from within the call), and calls no driver.
 * Buffers are addresses of the user window.
 */
struct us_nt_request {
	UCHAR major; /* IRP_MJ_READ, IRP_MJ_WRITE, IRP_MJ_DEVICE_CONTROL */
	ULONG code; /* of device control */
	const void *in; /* of device control, and what is written */
	ULONG in_size;
	void *out; /* of device control, and what is read */
	ULONG out_size;
	LONGLONG offset;
	void (*ended)(struct us_nt_request *request); /* status and information are set */
	NTSTATUS status;
	ULONG_PTR information;
	PIRP irp; /* NULL when it has ended */
	void *context;
};
void us_nt_io_start(PFILE_OBJECT file, struct us_nt_request *request);
void us_nt_io_cancel(struct us_nt_request *request); /* IoCancelIrp, if it has not ended */
void us_nt_io_cancel_file(PFILE_OBJECT file); /* all of a file: what the end of its application does */

/* The first enabled device interface of any device: its symbolic link's name. STATUS_OBJECT_NAME_NOT_FOUND: none. */
NTSTATUS us_nt_io_first_interface(UNICODE_STRING *link);

/* A driver object: made with its registry path, DriverEntry called; and DriverUnload. */
NTSTATUS us_nt_io_load(const char *service, PDRIVER_INITIALIZE entry, PDRIVER_OBJECT *driver);
void us_nt_io_unload(PDRIVER_OBJECT driver);

/* How many entries drivers have written to the error log with that code. */
unsigned us_nt_io_errors_written(uint32_t code);

/* Tells the devices that have registered for it, in two rounds; each hears of it once (io-shutdown.c). */
void us_nt_io_shut_down(void);

/* Sends an IRP that is set up but for its completion down a stack, and waits. At PASSIVE_LEVEL. */
NTSTATUS us_nt_io_call_and_wait(PDEVICE_OBJECT device, PIRP irp);

/* -- pnp: the life of the one device ------------------------------------------------------------------------------ */

NTSTATUS us_nt_pnp_add(PDRIVER_OBJECT driver); /* the bus finds the function: AddDevice */
NTSTATUS us_nt_pnp_start(void); /* resources are assigned: IRP_MN_START_DEVICE; on failure the device is removed */
NTSTATUS us_nt_pnp_stop(void); /* query stop, stop */
NTSTATUS us_nt_pnp_remove(void); /* query remove, remove */
void us_nt_pnp_surprise(void); /* surprise removal; remove follows when the last handle is closed: pnp_remove_pending */
void us_nt_pnp_remove_now(void); /* IRP_MN_REMOVE_DEVICE without a query */
NTSTATUS us_nt_pnp_power(SYSTEM_POWER_STATE state); /* the system goes there: the device's power IRPs */

/* Waits for threads that sent power IRPs, which have ended, and are on their way back through the driver. */
void us_nt_pnp_wait_for_senders(void);
bool us_nt_pnp_present(void), us_nt_pnp_started(void);
NTSTATUS us_nt_pnp_rebalance(void); /* stop, and start with other resources; a device that does not start again is removed */
void us_nt_pnp_vanish(void); /* the function answers all ones from now on, and nobody hears of it */
void us_nt_pnp_plug_back(void); /* after those: the function answers again, freshly reset */
/*
 * The driver of a device that has failed wants it to be started again when it is removed (as by the bus's
 * GUID_REENUMERATE_SELF_INTERFACE_STANDARD): the bus looks for the function, which a vanished one does not answer, and the
 * driver's AddDevice is called anew. US_PNP_RESTARTS times within US_PNP_RESTART_TIME at most. Up to DISPATCH_LEVEL.
 */
void us_nt_pnp_restart_when_removed(void);
void us_nt_pnp_settle(void); /* what drivers said of their device's state is acted upon; at PASSIVE_LEVEL */

/* -- story: the main application's thread ------------------------------------------------------------------------- */

/* Tells a story (NULL: in and out again) and its end; does not return: ends the run. */
struct us_nt_user;
_Noreturn void us_nt_story_main(void (*story)(struct us_nt_user *user, void *context), void *context);

#endif
