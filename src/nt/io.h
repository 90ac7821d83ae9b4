/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the I/O manager share. kernel.h has what the story and the framework need of it.
 *
 * IRPs have Windows' layout, and what the stage knows about one beyond that lies beside it (struct us_irp): who made
 * it, whose it is to complete, what was promised about it. So an IRP that is completed twice, freed under way, or never
 * made is found out, also when its memory is long gone: freed IRPs are kept for a while.
 */
#ifndef UNDERSTUDY_NT_IO_H
#define UNDERSTUDY_NT_IO_H

#include "nt/addresses.h"
#include "nt/kernel.h"
#include "nt/ob.h"
#include "nt/phys.h"

#define US_IO_TAG 0x20206f49 /* "Io  " */

/*
 * The code of what Driver Verifier finds about I/O: DRIVER_VERIFIER_IOMANAGER_VIOLATION. Its first parameter is
 * Windows' own (Microsoft, "Bug Check 0xC9"), or from US_IO_OWN on for what only the stage looks for.
 */
#define US_BUGCHECK_IO 0xC9
#define US_IO_OWN 0x1000

/* Frees a piece of pool, or nothing. */
static inline void us_io_free(void *piece)
{
	if (piece)
		us_nt_pool_free(piece);
}

/* -- IRPs (io-irp.c, io-call.c) ----------------------------------------------------------------------------------- */

/* A dispatch routine under way: what becomes of its stack location before it returns. */
struct us_io_call {
	struct us_io_call *next;
	PIRP irp;
	CHAR location;
	bool completed, pending; /* the location was completed; with SL_PENDING_RETURNED in it */
	bool was_pending; /* the driver above shares the location (IoSkipCurrentIrpStackLocation) and has marked it */
	NTSTATUS status; /* then */
};

enum us_irp_state {
	US_IRP_IDLE, /* allocated; or came back to who made it */
	US_IRP_SENT, /* with drivers */
	US_IRP_COMPLETING, /* IoCompleteRequest walks up */
	US_IRP_ENDED, /* completed to its end: it is freed, or about to be */
	US_IRP_FREED,
};

struct us_irp {
	PIRP irp;
	unsigned number; /* how traces name it */
	enum us_irp_state state;
	CHAR stack; /* locations */
	UCHAR major, minor; /* of what was sent last */
	bool drivers; /* made by a driver (IoAllocateIrp): it takes it back in its completion routine and frees it */
	bool threads; /* made with a thread (IoBuild…Request): the I/O manager frees it */
	uint64_t promised; /* by location: its dispatch routine returned STATUS_PENDING */
	struct us_io_call *calls;
	void (*ended)(struct us_irp *irp); /* the I/O manager's own part of completion; NULL: none */
	void *context;
	PFILE_OBJECT file; /* that it is counted for; NULL: none */
	struct us_irp *next, **link; /* of the file's IRPs */
};

struct us_irp *us_irp_of(PIRP irp); /* NULL: was initialised by the driver in its own memory, or never was one */
const char *us_irp_name(PIRP irp); /* "IRP 3 (IRP_MJ_READ)" */

/*
 * A new IRP of the I/O manager itself. NULL: no memory. `ended` is called at the end of its completion, and it is then
 * freed.
 */
struct us_irp *us_irp_new(CCHAR stack, void (*ended)(struct us_irp *irp), void *context);
void us_irp_free(struct us_irp *irp);

/* Puts it among the file's IRPs (and a reference on the file); taken off by its end. */
void us_irp_set_file(struct us_irp *irp, PFILE_OBJECT file);

/*
 * Cancels it: called with the cancel spin lock, under which the caller has seen that it has not ended, and gives it back, to
 * `irql`. True: it had a cancel routine.
 */
BOOLEAN us_io_cancel(PIRP irp, KIRQL irql);

const char *us_irp_major_name(UCHAR major);

/* IRPs that the driver allocated and did not free, as a sentence; how many. */
size_t us_irp_leaks(char *text, size_t size);

/* -- device objects (io-device.c) --------------------------------------------------------------------------------- */

struct us_io_device {
	PDEVICE_OBJECT device;
	UNICODE_STRING name; /* pool; Buffer NULL: none */
	PDEVICE_OBJECT lower; /* it is attached to this one */
	bool deleted; /* IoDeleteDevice was called; goes when the last file is closed */
	struct us_io_device *next;
};

struct us_io_device *us_io_device(PDEVICE_OBJECT device); /* a bugcheck for what is none */
const char *us_io_device_name(PDEVICE_OBJECT device);
void us_io_device_opened(PDEVICE_OBJECT device);
void us_io_device_closed(PDEVICE_OBJECT device); /* may free it */

/* IoCreateDeviceSecure, which the headers of Windows declare as WdmlibIoCreateDeviceSecure. */
NTSTATUS NTAPI us_io_create_device_secure(PDRIVER_OBJECT driver, ULONG extension, PUNICODE_STRING name,
					  DEVICE_TYPE type, ULONG characteristics, BOOLEAN exclusive,
					  PCUNICODE_STRING sddl, const GUID *class, PDEVICE_OBJECT *device);

/* -- drivers (io-driver.c) ---------------------------------------------------------------------------------------- */

/* A driver object, without calling its DriverEntry: what the bus's own drivers need. */
PDRIVER_OBJECT us_io_driver_new(const char *service);

/* -- names (io-name.c) -------------------------------------------------------------------------------------------- */

NTSTATUS us_io_name_add_device(PCUNICODE_STRING name, PDEVICE_OBJECT device);
void us_io_name_remove(PCUNICODE_STRING name);

/*
 * The device of a name, through symbolic links; *rest is what follows its name ("\ref", may be empty; points into
 * `text`).
 */
NTSTATUS us_io_name_find(PCUNICODE_STRING name, PDEVICE_OBJECT *device, UNICODE_STRING *rest, WCHAR text[256]);

/* Symbolic links that nobody took away, as a sentence; how many. */
size_t us_io_name_leaks(char *text, size_t size);

/* -- interfaces (io-interface.c) ---------------------------------------------------------------------------------- */

/* The device is gone: its interfaces are, too. */
void us_io_interfaces_forget(PDEVICE_OBJECT pdo);

/* -- files (io-file.c) -------------------------------------------------------------------------------------------- */

struct us_io_file {
	struct us_irp *irps;
};
struct us_io_file *us_io_file(PFILE_OBJECT file);

/* IoIs32bitProcess, whose declaration lacks the calling convention. */
BOOLEAN NTAPI us_io_is_32bit_process(PIRP irp);
PEPROCESS NTAPI us_io_requestor_process(PIRP irp);
ULONG NTAPI us_io_requestor_process_id(PIRP irp);

/* What the I/O manager asks of the layer above it, which has the devices of the bus. */
struct us_io_bus {
	bool (*is_pdo)(PDEVICE_OBJECT device);
	const char *(*instance_path)(PDEVICE_OBJECT pdo); /* "PCI\\VEN_…\\3&11583659&0&18" */
	NTSTATUS (*may_open)(PDEVICE_OBJECT device);
	void (*file_closed)(void); /* a file is gone, maybe the last one of a device that is, too */
	void (*activity)(void); /* an application does something */
};

struct us_io {
	const struct us_io_bus *bus; /* set by pnp's init */
	struct us_addresses irps, devices, files;
	struct us_irp *freed[256]; /* the last ones, whose memory is not given out again yet */
	unsigned nfreed, irps_made;
	PKSPIN_LOCK cancel_lock; /* in the pool */
	struct us_io_device *all_devices;
	struct us_io_driver *drivers;
	struct us_io_name *names;
	struct us_io_interface *interfaces;
	struct us_io_error *errors;
	struct us_io_shutdown *shutdowns; /* io-shutdown.c: the last one first */
	struct us_io_written *written; /* to the error log */
	unsigned interfaces_made, files_open;
};

/* Unlocks and frees the MDLs of an IRP that the I/O manager made for it (io-request.c). */
void us_irp_free_mdls(PIRP irp);

#endif
