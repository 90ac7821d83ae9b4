/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IRPs that drivers have built for them (Microsoft, "Creating IRPs for Drivers"): the threaded ones, which the I/O
 * manager completes into an event and a status block and frees, and the asynchronous ones, which the driver takes back
 * and frees.
 */
#include "nt/io.h"
#include "nt/phys.h"
#include "nt/trace.h"

/* What the I/O manager needs at the end of a threaded one; the IRP itself has the rest. */
struct threaded {
	PVOID out;
	ULONG out_size;
};

static void ended(struct us_irp *known)
{
	PIRP irp = known->irp;
	struct threaded *t = known->context;

	if ((irp->Flags & IRP_INPUT_OPERATION) && !NT_ERROR(irp->IoStatus.Status)) {
		if (irp->IoStatus.Information > t->out_size)
			us_nt_bugcheck(US_BUGCHECK_IO, US_IO_OWN + 0x1b, irp->IoStatus.Information, t->out_size, 0,
				       "irp.information",
				       "%s is completed with Information %llu, and its buffer has %u bytes.",
				       us_irp_name(irp), (unsigned long long)irp->IoStatus.Information,
				       (unsigned)t->out_size);
		memcpy(t->out, irp->AssociatedIrp.SystemBuffer, irp->IoStatus.Information);
	}
	if (irp->Flags & IRP_DEALLOCATE_BUFFER)
		us_nt_pool_free(irp->AssociatedIrp.SystemBuffer);
	us_irp_free_mdls(irp);
	if (irp->UserIosb)
		*irp->UserIosb = irp->IoStatus;
	if (irp->UserEvent)
		KeSetEvent(irp->UserEvent, IO_NO_INCREMENT, FALSE);
	us_nt_free(t);
}

static struct us_irp *new_irp(PDEVICE_OBJECT device, PKEVENT event, PIO_STATUS_BLOCK iosb)
{
	struct us_irp *known = us_irp_new(device->StackSize, NULL, NULL);

	if (!known)
		return NULL;
	known->irp->UserIosb = iosb;
	known->irp->UserEvent = event;
	known->irp->Tail.Overlay.Thread = (PETHREAD)us_nt_current();
	known->irp->RequestorMode = KernelMode;
	return known;
}

static void make_threaded(struct us_irp *known, PVOID out, ULONG out_size)
{
	struct threaded *t = us_nt_alloc(sizeof(*t));

	*t = (struct threaded){out, out_size};
	known->threads = true;
	known->ended = ended;
	known->context = t;
}

static PIRP give_up(struct us_irp *known)
{
	if (known->irp->AssociatedIrp.SystemBuffer)
		us_nt_pool_free(known->irp->AssociatedIrp.SystemBuffer);
	us_irp_free(known);
	return NULL;
}

static bool copy_in(PIRP irp, const void *in, ULONG in_size, ULONG out_size)
{
	ULONG size = max(in_size, out_size);

	if (!size)
		return true;
	irp->AssociatedIrp.SystemBuffer = us_nt_pool_alloc(size, US_IO_TAG);
	if (!irp->AssociatedIrp.SystemBuffer)
		return false;
	if (in_size)
		memcpy(irp->AssociatedIrp.SystemBuffer, in, in_size);
	irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER;
	if (out_size)
		irp->Flags |= IRP_INPUT_OPERATION;
	return true;
}

static bool lock(PIRP irp, PVOID buffer, ULONG size, LOCK_OPERATION operation)
{
	PMDL mdl = size ? IoAllocateMdl(buffer, size, FALSE, FALSE, irp) : NULL;

	if (mdl)
		MmProbeAndLockPages(mdl, KernelMode, operation);
	return mdl || !size;
}

PIRP NTAPI IoBuildDeviceIoControlRequest(ULONG code, PDEVICE_OBJECT device, PVOID in, ULONG in_size, PVOID out,
					 ULONG out_size, BOOLEAN internal, PKEVENT event, PIO_STATUS_BLOCK iosb)
{
	struct us_irp *known = new_irp(device, event, iosb);
	PIO_STACK_LOCATION sp;
	ULONG method = code & 3;
	bool fine = true;

	if (!known)
		return NULL;
	sp = IoGetNextIrpStackLocation(known->irp);
	sp->MajorFunction = internal ? IRP_MJ_INTERNAL_DEVICE_CONTROL : IRP_MJ_DEVICE_CONTROL;
	sp->Parameters.DeviceIoControl.IoControlCode = code;
	sp->Parameters.DeviceIoControl.InputBufferLength = in_size;
	sp->Parameters.DeviceIoControl.OutputBufferLength = out_size;
	if (method == METHOD_NEITHER) {
		sp->Parameters.DeviceIoControl.Type3InputBuffer = in;
		known->irp->UserBuffer = out;
	} else if (method == METHOD_BUFFERED) {
		fine = copy_in(known->irp, in, in_size, out_size);
		known->irp->UserBuffer = out;
	} else {
		fine = copy_in(known->irp, in, in_size, 0) &&
		       lock(known->irp, out, out_size, method == METHOD_IN_DIRECT ? IoReadAccess : IoWriteAccess);
	}
	if (!fine)
		return give_up(known);
	make_threaded(known, out, out_size);
	return known->irp;
}

static bool fill_fsd(struct us_irp *known, PDEVICE_OBJECT device, ULONG major, PVOID buffer, ULONG size,
		     PLARGE_INTEGER offset)
{
	PIO_STACK_LOCATION sp = IoGetNextIrpStackLocation(known->irp);
	bool read = major == IRP_MJ_READ;

	sp->MajorFunction = (UCHAR)major;
	if (!read && major != IRP_MJ_WRITE)
		return true;
	sp->Parameters.Read.Length = size;
	if (offset)
		sp->Parameters.Read.ByteOffset = *offset;
	if (device->Flags & DO_BUFFERED_IO) {
		known->irp->UserBuffer = buffer;
		return copy_in(known->irp, buffer, read ? 0 : size, read ? size : 0);
	}
	if (device->Flags & DO_DIRECT_IO)
		return lock(known->irp, buffer, size, read ? IoWriteAccess : IoReadAccess);
	known->irp->UserBuffer = buffer;
	return true;
}

static void check_major(ULONG major, const char *what)
{
	if (major != IRP_MJ_READ && major != IRP_MJ_WRITE && major != IRP_MJ_FLUSH_BUFFERS &&
	    major != IRP_MJ_SHUTDOWN && major != IRP_MJ_PNP && major != IRP_MJ_POWER)
		us_nt_bugcheck(
			US_BUGCHECK_IO, 8, major, 0, 0, "irp.build-major",
			"%s is for IRP_MJ_READ, WRITE, FLUSH_BUFFERS, SHUTDOWN, PNP and POWER, and was called for %#x.",
			what, (unsigned)major);
}

PIRP NTAPI IoBuildSynchronousFsdRequest(ULONG major, PDEVICE_OBJECT device, PVOID buffer, ULONG size,
					PLARGE_INTEGER offset, PKEVENT event, PIO_STATUS_BLOCK iosb)
{
	struct us_irp *known;

	check_major(major, "IoBuildSynchronousFsdRequest");
	known = new_irp(device, event, iosb);
	if (!known)
		return NULL;
	if (!fill_fsd(known, device, major, buffer, size, offset))
		return give_up(known);
	make_threaded(known, buffer, size);
	return known->irp;
}

/* Its completion routine has to free what the I/O manager made for it (MDL, system buffer), and the IRP. */
PIRP NTAPI IoBuildAsynchronousFsdRequest(ULONG major, PDEVICE_OBJECT device, PVOID buffer, ULONG size,
					 PLARGE_INTEGER offset, PIO_STATUS_BLOCK iosb)
{
	struct us_irp *known;

	check_major(major, "IoBuildAsynchronousFsdRequest");
	if ((device->Flags & DO_BUFFERED_IO) && (major == IRP_MJ_READ || major == IRP_MJ_WRITE))
		us_nt_unsupported("IoBuildAsynchronousFsdRequest for a device with buffered I/O: the buffer would be "
				  "the driver's to free.");
	known = new_irp(device, NULL, iosb);
	if (!known)
		return NULL;
	if (!fill_fsd(known, device, major, buffer, size, offset))
		return give_up(known);
	known->drivers = true;
	return known->irp;
}
