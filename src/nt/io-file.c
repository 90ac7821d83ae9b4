/* SPDX-License-Identifier: Apache-2.0 */
/* File objects: opened (IRP_MJ_CREATE), their last handle closed (IRP_MJ_CLEANUP), gone (IRP_MJ_CLOSE). */
#include "nt/io.h"
#include "nt/phys.h"
#include "nt/registry.h"
#include "nt/trace.h"

/* What a create request points at; gone with the request. */
struct create {
	IO_SECURITY_CONTEXT security;
	ACCESS_STATE state;
};

struct us_io_file *us_io_file(PFILE_OBJECT file)
{
	struct us_io_file *known = us_addresses_find(&us_nt->io->files, file);

	if (!known)
		us_nt_bugcheck(US_BUGCHECK_IO, 4, (uintptr_t)file, 0, 0, "file.invalid",
			       "%p was given as a file object, and is none, or one that was closed.", (void *)file);
	return known;
}

PDEVICE_OBJECT NTAPI IoGetRelatedDeviceObject(PFILE_OBJECT file)
{
	return IoGetAttachedDevice(file->DeviceObject);
}

static NTSTATUS send(PFILE_OBJECT file, UCHAR major, const struct create *create)
{
	PDEVICE_OBJECT device = IoGetRelatedDeviceObject(file);
	struct us_irp *irp = us_irp_new(device->StackSize, NULL, NULL);
	PIO_STACK_LOCATION sp;
	KPROCESSOR_MODE mode;
	NTSTATUS status;

	if (!irp)
		return STATUS_INSUFFICIENT_RESOURCES;
	irp->irp->Tail.Overlay.Thread = (PETHREAD)us_nt_current();
	irp->irp->Tail.Overlay.OriginalFileObject = file;
	irp->irp->RequestorMode = create ? UserMode : KernelMode;
	irp->irp->Flags =
		create ? IRP_CREATE_OPERATION | IRP_SYNCHRONOUS_API : IRP_CLOSE_OPERATION | IRP_SYNCHRONOUS_API;
	sp = IoGetNextIrpStackLocation(irp->irp);
	sp->MajorFunction = major;
	sp->FileObject = file;
	if (create) {
		sp->Parameters.Create.SecurityContext = (PIO_SECURITY_CONTEXT)(uintptr_t)&create->security;
		sp->Parameters.Create.Options = FILE_OPEN << 24;
		sp->Parameters.Create.FileAttributes = FILE_ATTRIBUTE_NORMAL;
		sp->Parameters.Create.ShareAccess = FILE_SHARE_READ | FILE_SHARE_WRITE;
	}
	mode = us_nt_current()->previous_mode;
	if (major != IRP_MJ_CLOSE) /* that comes when the last reference goes, in whatever thread */
		us_nt_current()->previous_mode = UserMode;
	status = us_nt_io_call_and_wait(device, irp->irp);
	us_nt_current()->previous_mode = mode;
	us_irp_free(irp);
	return status;
}

/* -- life --------------------------------------------------------------------------------------------------------- */

static void forget(PFILE_OBJECT file)
{
	PDEVICE_OBJECT device = file->DeviceObject;

	us_nt_free(us_io_file(file));
	us_addresses_remove(&us_nt->io->files, file);
	us_io_free(file->FileName.Buffer);
	us_nt_pool_free(file);
	us_nt->io->files_open--;
	us_io_device_closed(device);
}

static void close_file(void *object)
{
	PFILE_OBJECT file = object;

	send(file, IRP_MJ_CLOSE, NULL);
	us_nt_trace("note      a file of the device %s is closed", us_io_device_name(file->DeviceObject));
	file->Flags &= ~(ULONG)FO_HANDLE_CREATED;
	us_ob_dereference(file);
	us_nt->io->bus->file_closed();
}

/*
 * The last reference went: only now the driver hears that the file is gone. When that happens while the driver is
 * completing a request, it hears of it from another thread, as on Windows.
 */
static void destroy(void *object)
{
	PFILE_OBJECT file = object;

	if (!(file->Flags & FO_HANDLE_CREATED)) { /* was closed, or never opened */
		forget(file);
		return;
	}
	us_ob_add(file, &us_ob_file); /* while the driver has it in its IRP_MJ_CLOSE */
	if (us_nt_irql() == PASSIVE_LEVEL && !us_nt_caller())
		close_file(file);
	else if (!us_nt_thread_create("close", 8, close_file, file))
		us_nt_stop(US_NT_FAILED, "", "No memory for the thread that closes a file.");
}

static PFILE_OBJECT new_file(PDEVICE_OBJECT device, const UNICODE_STRING *rest, ACCESS_MASK access)
{
	PFILE_OBJECT file = us_nt_pool_alloc(sizeof(*file), 0x656c6946 /* "File" */);

	if (!file)
		return NULL;
	memset(file, 0, sizeof(*file));
	file->Type = IO_TYPE_FILE;
	file->Size = sizeof(*file);
	file->DeviceObject = device;
	file->ReadAccess = (access & FILE_READ_DATA) != 0;
	file->WriteAccess = (access & FILE_WRITE_DATA) != 0;
	file->SharedRead = file->SharedWrite = TRUE;
	KeInitializeEvent(&file->Lock, SynchronizationEvent, FALSE);
	KeInitializeEvent(&file->Event, NotificationEvent, FALSE);
	InitializeListHead(&file->IrpList);
	if (rest->Length)
		file->FileName = us_nt_string_copy(rest);
	us_ob_file.destroy = destroy;
	us_ob_add(file, &us_ob_file);
	us_addresses_add(&us_nt->io->files, file, us_nt_alloc(sizeof(struct us_io_file)));
	us_nt->io->files_open++;
	us_io_device_opened(device);
	return file;
}

static NTSTATUS may_open(PDEVICE_OBJECT device)
{
	if (us_io_device(device)->deleted || (device->Flags & DO_DEVICE_INITIALIZING))
		return STATUS_NO_SUCH_DEVICE;
	if ((device->Flags & DO_EXCLUSIVE) && device->ReferenceCount)
		return STATUS_ACCESS_DENIED;
	return us_nt->io->bus->may_open(device);
}

NTSTATUS us_nt_io_create(PCUNICODE_STRING name, ACCESS_MASK access, PFILE_OBJECT *file)
{
	WCHAR text[256];
	UNICODE_STRING rest;
	PDEVICE_OBJECT device;
	struct create *create;
	NTSTATUS status = us_io_name_find(name, &device, &rest, text);

	*file = NULL;
	if (NT_SUCCESS(status))
		status = may_open(device);
	if (!NT_SUCCESS(status))
		return status;
	create = us_nt_pool_alloc(sizeof(*create), US_IO_TAG);
	*file = create ? new_file(device, &rest, access) : NULL;
	if (!*file) {
		us_io_free(create);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	memset(create, 0, sizeof(*create));
	create->state.OriginalDesiredAccess = create->state.PreviouslyGrantedAccess = access;
	create->security.AccessState = &create->state;
	create->security.DesiredAccess = access;
	status = send(*file, IRP_MJ_CREATE, create);
	us_io_free(create);
	if (NT_SUCCESS(status)) {
		(*file)->Flags |= FO_HANDLE_CREATED;
		return status;
	}
	us_ob_dereference(*file); /* it was never open, so neither cleanup nor close */
	*file = NULL;
	return status;
}

void us_nt_io_cleanup(PFILE_OBJECT file)
{
	if (file->Flags & FO_CLEANUP_COMPLETE)
		return;
	send(file, IRP_MJ_CLEANUP, NULL);
	file->Flags |= FO_CLEANUP_COMPLETE;
	us_ob_dereference(file);
}

/* -- what drivers call -------------------------------------------------------------------------------------------- */

NTSTATUS NTAPI IoGetDeviceObjectPointer(PUNICODE_STRING name, ACCESS_MASK access, PFILE_OBJECT *file,
					PDEVICE_OBJECT *device)
{
	NTSTATUS status = us_nt_io_create(name, access, file);

	if (!NT_SUCCESS(status))
		return status;
	*device = IoGetRelatedDeviceObject(*file);
	/* Its handle is closed again at once; the reference on the file stays with the caller. */
	us_ob_reference(*file);
	us_nt_io_cleanup(*file);
	return status;
}
