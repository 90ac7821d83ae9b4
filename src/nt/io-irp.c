/* SPDX-License-Identifier: Apache-2.0 */
/* IRPs: made, initialised, reused, freed. */
#include "nt/io.h"
#include "nt/phys.h"
#include "nt/trace.h"

#define OURS 0x80 /* in AllocationFlags: by IoAllocateIrp or the I/O manager */

static struct us_io *io(void)
{
	return us_nt->io;
}

const char *us_irp_major_name(UCHAR major)
{
	static const char *const names[] = {
		"IRP_MJ_CREATE",
		"IRP_MJ_CREATE_NAMED_PIPE",
		"IRP_MJ_CLOSE",
		"IRP_MJ_READ",
		"IRP_MJ_WRITE",
		"IRP_MJ_QUERY_INFORMATION",
		"IRP_MJ_SET_INFORMATION",
		"IRP_MJ_QUERY_EA",
		"IRP_MJ_SET_EA",
		"IRP_MJ_FLUSH_BUFFERS",
		"IRP_MJ_QUERY_VOLUME_INFORMATION",
		"IRP_MJ_SET_VOLUME_INFORMATION",
		"IRP_MJ_DIRECTORY_CONTROL",
		"IRP_MJ_FILE_SYSTEM_CONTROL",
		"IRP_MJ_DEVICE_CONTROL",
		"IRP_MJ_INTERNAL_DEVICE_CONTROL",
		"IRP_MJ_SHUTDOWN",
		"IRP_MJ_LOCK_CONTROL",
		"IRP_MJ_CLEANUP",
		"IRP_MJ_CREATE_MAILSLOT",
		"IRP_MJ_QUERY_SECURITY",
		"IRP_MJ_SET_SECURITY",
		"IRP_MJ_POWER",
		"IRP_MJ_SYSTEM_CONTROL",
		"IRP_MJ_DEVICE_CHANGE",
		"IRP_MJ_QUERY_QUOTA",
		"IRP_MJ_SET_QUOTA",
		"IRP_MJ_PNP",
	};

	return major < sizeof(names) / sizeof(names[0]) ? names[major] : "IRP_MJ of no such number";
}

struct us_irp *us_irp_of(PIRP irp)
{
	return us_addresses_find(&io()->irps, irp);
}

const char *us_irp_name(PIRP irp)
{
	static __thread char names[4][64];
	static __thread unsigned turn;
	char *name = names[turn++ % 4];
	struct us_irp *known = us_irp_of(irp);

	if (known)
		snprintf(name, sizeof(names[0]), "IRP %u (%s)", known->number, us_irp_major_name(known->major));
	else
		snprintf(name, sizeof(names[0]), "an IRP of the driver's own memory");
	return name;
}

/* -- layout ------------------------------------------------------------------------------------------------------- */

static void lay_out(PIRP irp, USHORT size, CCHAR stack)
{
	UCHAR flags = irp->AllocationFlags;

	memset(irp, 0, size);
	irp->Type = IO_TYPE_IRP;
	irp->Size = size;
	irp->StackCount = stack;
	irp->CurrentLocation = stack + 1;
	irp->AllocationFlags = flags;
	InitializeListHead(&irp->ThreadListEntry);
	irp->Tail.Overlay.CurrentStackLocation = (PIO_STACK_LOCATION)(void *)(irp + 1) + stack;
}

VOID NTAPI IoInitializeIrp(PIRP irp, USHORT size, CCHAR stack)
{
	struct us_irp *known = us_irp_of(irp);

	if (size < IoSizeOfIrp(stack))
		us_nt_bugcheck(US_BUGCHECK_IO, US_IO_OWN + 0x10, (uintptr_t)irp, size, 0, "irp.initialize-size",
			       "IoInitializeIrp was given a packet of %u bytes for %d stack locations, which take %u "
			       "(IoSizeOfIrp).",
			       size, stack, IoSizeOfIrp(stack));
	if (known && known->state != US_IRP_FREED)
		us_nt_bugcheck(
			US_BUGCHECK_IO, US_IO_OWN + 0x10, (uintptr_t)irp, 0, 0, "irp.initialize-allocated",
			"IoInitializeIrp was called for %s, which IoAllocateIrp has initialised: use IoReuseIrp.",
			us_irp_name(irp));
	irp->AllocationFlags = 0;
	lay_out(irp, size, stack);
}

/* -- memory ------------------------------------------------------------------------------------------------------- */

struct us_irp *us_irp_new(CCHAR stack, void (*ended)(struct us_irp *irp), void *context)
{
	PIRP irp = us_nt_pool_alloc(IoSizeOfIrp(stack), 0x20707249 /* "Irp " */);
	struct us_irp *known;

	if (!irp)
		return NULL;
	irp->AllocationFlags = OURS;
	lay_out(irp, IoSizeOfIrp(stack), stack);
	known = us_nt_alloc(sizeof(*known));
	*known = (struct us_irp){
		.irp = irp, .number = ++io()->irps_made, .stack = stack, .ended = ended, .context = context};
	us_addresses_add(&io()->irps, irp, known);
	return known;
}

static void forget(struct us_irp *known)
{
	us_addresses_remove(&io()->irps, known->irp);
	us_nt_pool_free(known->irp);
	us_nt_free(known);
}

void us_irp_free(struct us_irp *known)
{
	struct us_irp **slot = &io()->freed[io()->nfreed++ % (sizeof(io()->freed) / sizeof(io()->freed[0]))];

	for (struct us_io_call *call = known->calls; call; call = call->next)
		call->irp = NULL; /* its dispatch routine is still running, and must not touch the IRP */
	known->state = US_IRP_FREED;
	memset(known->irp, 0x5a, known->irp->Size);
	if (*slot)
		forget(*slot);
	*slot = known;
}

void us_irp_set_file(struct us_irp *known, PFILE_OBJECT file)
{
	struct us_irp **first = &us_io_file(file)->irps;

	us_ob_reference(file);
	known->file = file;
	known->next = *first;
	known->link = first;
	if (known->next)
		known->next->link = &known->next;
	*first = known;
}

PIRP NTAPI IoAllocateIrp(CCHAR stack, BOOLEAN charge)
{
	struct us_irp *known;

	(void)charge;
	if (stack <= 0)
		us_nt_bugcheck(US_BUGCHECK_IO, US_IO_OWN + 0x10, 0, (uint64_t)stack, 0, "irp.stack-size",
			       "IoAllocateIrp was asked for %d stack locations; it takes at least one (StackSize of "
			       "the device that the IRP is for).",
			       stack);
	known = us_irp_new(stack, NULL, NULL);
	if (!known)
		return NULL;
	known->drivers = true;
	return known->irp;
}

static struct us_irp *must_be_idle(PIRP irp, const char *what, unsigned code)
{
	struct us_irp *known = us_irp_of(irp);

	if (!known || known->state == US_IRP_FREED)
		us_nt_bugcheck(US_BUGCHECK_IO, code, (uintptr_t)irp, 0, 0, known ? "irp.freed-twice" : "irp.invalid",
			       "%s was called for %p, which is %s.", what, (void *)irp,
			       known ? "an IRP that was freed before" : "no IRP of IoAllocateIrp");
	if (known->state == US_IRP_SENT)
		us_nt_bugcheck(US_BUGCHECK_IO, code, (uintptr_t)irp, 0, 0, "irp.in-flight",
			       "%s was called for %s while a lower driver has it: it is not completed yet.", what,
			       us_irp_name(irp));
	return known;
}

VOID NTAPI IoFreeIrp(PIRP irp)
{
	struct us_irp *known = must_be_idle(irp, "IoFreeIrp", 1);

	if (known->threads)
		us_nt_bugcheck(US_BUGCHECK_IO, 2, (uintptr_t)irp, 0, 0, "irp.free-threaded",
			       "IoFreeIrp was called for %s, which the I/O manager frees itself when it is completed "
			       "(it was made by IoBuildDeviceIoControlRequest or IoBuildSynchronousFsdRequest).",
			       us_irp_name(irp));
	if (!known->drivers)
		us_nt_bugcheck(US_BUGCHECK_IO, 2, (uintptr_t)irp, 0, 0, "irp.free-foreign",
			       "IoFreeIrp was called for %s, which the driver did not allocate.", us_irp_name(irp));
	us_irp_free(known);
}

VOID NTAPI IoReuseIrp(PIRP irp, NTSTATUS status)
{
	struct us_irp *known = must_be_idle(irp, "IoReuseIrp", 1);

	if (!known->drivers || known->threads)
		us_nt_bugcheck(US_BUGCHECK_IO, 2, (uintptr_t)irp, 0, 0, "irp.reuse-foreign",
			       "IoReuseIrp was called for %s, which the driver did not allocate with IoAllocateIrp.",
			       us_irp_name(irp));
	lay_out(irp, irp->Size, irp->StackCount);
	irp->IoStatus.Status = status;
	known->state = US_IRP_IDLE;
	known->promised = 0;
}

size_t us_irp_leaks(char *text, size_t size)
{
	const struct us_addresses *irps = &io()->irps;
	size_t n = 0;

	for (size_t i = 0; i < irps->size; i++) {
		const struct us_irp *known = irps->slots[i].record;

		n += irps->slots[i].address && known->drivers && known->state != US_IRP_FREED;
	}
	snprintf(text, size, "%zu IRPs of IoAllocateIrp", n);
	return n;
}
