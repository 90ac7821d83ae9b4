/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requests of applications: read, write and device control, by the method of transfer that the device or the
 * control code has (Microsoft, "Methods for Accessing Data Buffers").
 *
 * Buffered: the driver gets a copy in the system's memory, and as many bytes as it says are copied back. Direct: the
 * pages are locked and an MDL describes them. Neither: the application's own addresses.
 */
#include "nt/io.h"
#include "nt/ke.h"
#include "nt/phys.h"
#include "nt/trace.h"

#define METHOD_OF(code) ((code)&3)
#define ACCESS_OF(code) ((code) >> 14 & 3)

/* -- the end ------------------------------------------------------------------------------------------------------ */

void us_irp_free_mdls(PIRP irp)
{
	while (irp->MdlAddress) {
		PMDL mdl = irp->MdlAddress;

		irp->MdlAddress = mdl->Next;
		if (mdl->MdlFlags & MDL_PAGES_LOCKED)
			MmUnlockPages(mdl);
		IoFreeMdl(mdl);
	}
}

/* What is copied back is what the driver says it has put there, unless it failed. */
static void copy_back(PIRP irp, ULONG room)
{
	ULONG_PTR bytes = irp->IoStatus.Information;

	if (!(irp->Flags & IRP_INPUT_OPERATION) || NT_ERROR(irp->IoStatus.Status))
		return;
	if (bytes > room)
		us_nt_bugcheck(US_BUGCHECK_IO, US_IO_OWN + 0x1b, bytes, room, 0, "irp.information",
			       "%s is completed with Information %llu, and the application's buffer has %u bytes: "
			       "Windows copies that many from system memory to it.",
			       us_irp_name(irp), (unsigned long long)bytes, (unsigned)room);
	memcpy(irp->UserBuffer, irp->AssociatedIrp.SystemBuffer, bytes);
}

static void release_buffers(PIRP irp)
{
	if ((irp->Flags & IRP_DEALLOCATE_BUFFER) && irp->AssociatedIrp.SystemBuffer)
		us_nt_pool_free(irp->AssociatedIrp.SystemBuffer);
	us_irp_free_mdls(irp);
}

static void end(struct us_nt_request *request, NTSTATUS status, ULONG_PTR information)
{
	request->status = status;
	request->information = information;
	request->irp = NULL;
	if (request->ended)
		request->ended(request);
}

static void ended(struct us_irp *known)
{
	struct us_nt_request *request = known->context;
	PIRP irp = known->irp;
	NTSTATUS status = irp->IoStatus.Status;
	ULONG_PTR information = irp->IoStatus.Information;

	copy_back(irp, request->out_size);
	release_buffers(irp);
	end(request, status, information);
}

/* -- buffers ------------------------------------------------------------------------------------------------------ */

/* An application may give any address; what is not its memory is found out here, before the driver hears of it. */
static bool is_users(const void *at, size_t size)
{
	return !size || (us_nt_window(at) == US_WINDOW_USER && us_nt_is_mapped(at, size));
}

static NTSTATUS give_copy(PIRP irp, const struct us_nt_request *r, ULONG in_size, ULONG out_size)
{
	ULONG size = max(in_size, out_size);

	if (!is_users(r->in, in_size) || !is_users(r->out, out_size))
		return STATUS_ACCESS_VIOLATION;
	if (!size)
		return STATUS_SUCCESS;
	irp->AssociatedIrp.SystemBuffer = us_nt_pool_alloc(size, US_IO_TAG);
	if (!irp->AssociatedIrp.SystemBuffer)
		return STATUS_INSUFFICIENT_RESOURCES;
	if (in_size)
		memcpy(irp->AssociatedIrp.SystemBuffer, r->in, in_size);
	irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER;
	if (out_size) {
		irp->UserBuffer = r->out;
		irp->Flags |= IRP_INPUT_OPERATION;
	}
	return STATUS_SUCCESS;
}

static NTSTATUS give_mdl(PIRP irp, const void *at, ULONG size, LOCK_OPERATION operation)
{
	PMDL mdl;

	if (!size)
		return STATUS_SUCCESS;
	if (!is_users(at, size))
		return STATUS_ACCESS_VIOLATION;
	mdl = IoAllocateMdl((PVOID)(uintptr_t)at, size, FALSE, FALSE, irp);
	if (!mdl)
		return STATUS_INSUFFICIENT_RESOURCES;
	MmProbeAndLockPages(mdl, UserMode, operation);
	return STATUS_SUCCESS;
}

static NTSTATUS prepare_control(PIRP irp, PIO_STACK_LOCATION sp, const struct us_nt_request *r)
{
	NTSTATUS status;

	sp->Parameters.DeviceIoControl.IoControlCode = r->code;
	sp->Parameters.DeviceIoControl.InputBufferLength = r->in_size;
	sp->Parameters.DeviceIoControl.OutputBufferLength = r->out_size;
	if (METHOD_OF(r->code) == METHOD_BUFFERED)
		return give_copy(irp, r, r->in_size, r->out_size);
	if (METHOD_OF(r->code) == METHOD_NEITHER) {
		sp->Parameters.DeviceIoControl.Type3InputBuffer = (PVOID)(uintptr_t)r->in;
		irp->UserBuffer = r->out;
		return STATUS_SUCCESS;
	}
	status = give_copy(irp, r, r->in_size, 0);
	if (!NT_SUCCESS(status))
		return status;
	return give_mdl(irp, r->out, r->out_size,
			METHOD_OF(r->code) == METHOD_IN_DIRECT ? IoReadAccess : IoWriteAccess);
}

static NTSTATUS prepare_transfer(PIRP irp, PIO_STACK_LOCATION sp, const struct us_nt_request *r, ULONG flags)
{
	bool read = r->major == IRP_MJ_READ;

	sp->Parameters.Read.Length = read ? r->out_size : r->in_size;
	sp->Parameters.Read.ByteOffset.QuadPart = r->offset;
	irp->Flags |= read ? IRP_READ_OPERATION : IRP_WRITE_OPERATION;
	if (flags & DO_BUFFERED_IO)
		return give_copy(irp, r, r->in_size, r->out_size);
	if (flags & DO_DIRECT_IO)
		return give_mdl(irp, read ? r->out : r->in, read ? r->out_size : r->in_size,
				read ? IoWriteAccess : IoReadAccess);
	irp->UserBuffer = read ? r->out : (PVOID)(uintptr_t)r->in;
	return STATUS_SUCCESS;
}

static bool may(const FILE_OBJECT *file, const struct us_nt_request *r)
{
	unsigned need = r->major == IRP_MJ_READ    ? FILE_READ_ACCESS
			: r->major == IRP_MJ_WRITE ? FILE_WRITE_ACCESS
						   : ACCESS_OF(r->code);

	return (!(need & FILE_READ_ACCESS) || file->ReadAccess) && (!(need & FILE_WRITE_ACCESS) || file->WriteAccess);
}

/* -- the way down ------------------------------------------------------------------------------------------------- */

void us_nt_io_start(PFILE_OBJECT file, struct us_nt_request *request)
{
	PDEVICE_OBJECT device = IoGetRelatedDeviceObject(file);
	KPROCESSOR_MODE mode = us_nt_current()->previous_mode;
	struct us_irp *known;
	PIO_STACK_LOCATION sp;
	NTSTATUS status;

	request->status = STATUS_PENDING;
	request->information = 0;
	request->irp = NULL;
	us_nt->io->bus->activity();
	if (!may(file, request)) {
		end(request, STATUS_ACCESS_DENIED, 0);
		return;
	}
	known = us_irp_new(device->StackSize, ended, request);
	if (!known) {
		end(request, STATUS_INSUFFICIENT_RESOURCES, 0);
		return;
	}
	known->threads = true;
	known->irp->Tail.Overlay.Thread = (PETHREAD)us_nt_current();
	known->irp->Tail.Overlay.OriginalFileObject = file;
	known->irp->RequestorMode = UserMode;
	sp = IoGetNextIrpStackLocation(known->irp);
	sp->MajorFunction = request->major;
	sp->FileObject = file;
	status = request->major == IRP_MJ_DEVICE_CONTROL ? prepare_control(known->irp, sp, request)
							 : prepare_transfer(known->irp, sp, request, device->Flags);
	if (!NT_SUCCESS(status)) {
		release_buffers(known->irp);
		us_irp_free(known);
		end(request, status, 0);
		return;
	}
	us_irp_set_file(known, file);
	request->irp = known->irp;
	us_nt_current()->previous_mode = UserMode;
	IofCallDriver(device, known->irp);
	us_nt_current()->previous_mode = mode;
}

/* A request may end while its canceller waits for the cancel lock: only with it is it looked for. */
void us_nt_io_cancel(struct us_nt_request *request)
{
	KIRQL irql;

	IoAcquireCancelSpinLock(&irql);
	if (request->irp)
		us_io_cancel(request->irp, irql);
	else
		IoReleaseCancelSpinLock(irql);
}

void us_nt_io_cancel_file(PFILE_OBJECT file)
{
	struct us_irp *irp;
	KIRQL irql;

	for (;;) {
		IoAcquireCancelSpinLock(&irql);
		for (irp = us_io_file(file)->irps; irp && irp->irp->Cancel;)
			irp = irp->next;
		if (!irp)
			break;
		us_io_cancel(irp->irp, irql);
	}
	IoReleaseCancelSpinLock(irql);
}

/* -- questions of drivers ----------------------------------------------------------------------------------------- */

/* NULL: the IRP was sent for no thread. */
PEPROCESS NTAPI us_io_requestor_process(PIRP irp)
{
	struct us_thread *thread = (struct us_thread *)irp->Tail.Overlay.Thread;

	if (!thread)
		return NULL;
	/* A file is closed with kernel rights, but by the application. */
	if (irp->RequestorMode == KernelMode && thread == us_nt_current())
		return us_nt_process(thread->previous_mode);
	return us_nt_process(irp->RequestorMode);
}

ULONG NTAPI us_io_requestor_process_id(PIRP irp)
{
	PEPROCESS process = us_io_requestor_process(irp);

	return process ? HandleToUlong(us_ke_get_process_id(process)) : 0;
}

BOOLEAN NTAPI us_io_is_32bit_process(PIRP irp)
{
	(void)irp;
	return FALSE; /* the story's application has 64 bits */
}

NTSTATUS NTAPI IoValidateDeviceIoControlAccess(PIRP irp, ULONG access)
{
	PFILE_OBJECT file = IoGetCurrentIrpStackLocation(irp)->FileObject;

	if (access & ~(ULONG)(FILE_READ_ACCESS | FILE_WRITE_ACCESS))
		return STATUS_INVALID_PARAMETER;
	if (((access & FILE_READ_ACCESS) && !file->ReadAccess) || ((access & FILE_WRITE_ACCESS) && !file->WriteAccess))
		return STATUS_ACCESS_DENIED;
	return STATUS_SUCCESS;
}
