/* SPDX-License-Identifier: Apache-2.0 */
/* Who hears that the system shuts down (Microsoft, IoRegisterShutdownNotification and -LastChance-): IRP_MJ_SHUTDOWN.
 */
#include "nt/io.h"
#include "nt/phys.h"
#include "nt/trace.h"

struct us_io_shutdown {
	struct us_io_shutdown *next; /* registered before it */
	PDEVICE_OBJECT device;
	bool last_chance;
};

static NTSTATUS add(PDEVICE_OBJECT device, bool last_chance)
{
	struct us_io_shutdown *s = us_nt_alloc(sizeof(*s));

	*s = (struct us_io_shutdown){us_nt->io->shutdowns, device, last_chance};
	us_nt->io->shutdowns = s;
	device->Flags |= DO_SHUTDOWN_REGISTERED;
	us_nt_trace("note      device %s wants to hear of shutdown%s", us_io_device_name(device),
		    last_chance ? ", at its end" : "");
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI IoRegisterShutdownNotification(PDEVICE_OBJECT device)
{
	us_io_device(device);
	return add(device, false);
}

NTSTATUS NTAPI IoRegisterLastChanceShutdownNotification(PDEVICE_OBJECT device)
{
	us_io_device(device);
	return add(device, true);
}

VOID NTAPI IoUnregisterShutdownNotification(PDEVICE_OBJECT device)
{
	struct us_io_shutdown **link = &us_nt->io->shutdowns, *s;

	while ((s = *link)) {
		if (s->device != device) {
			link = &s->next;
			continue;
		}
		*link = s->next;
		us_nt_free(s);
	}
	device->Flags &= ~(ULONG)DO_SHUTDOWN_REGISTERED;
}

/* Off the list, the last one first; NULL: none is left of these. */
static PDEVICE_OBJECT take(bool last_chance)
{
	struct us_io_shutdown **link = &us_nt->io->shutdowns, *s;
	PDEVICE_OBJECT device;

	while (*link && (*link)->last_chance != last_chance)
		link = &(*link)->next;
	s = *link;
	if (!s)
		return NULL;
	*link = s->next;
	device = s->device;
	us_nt_free(s);
	return device;
}

static void tell(PDEVICE_OBJECT device)
{
	struct us_irp *irp = us_irp_new(device->StackSize, NULL, NULL);

	if (!irp)
		return;
	irp->irp->Tail.Overlay.Thread = (PETHREAD)us_nt_current();
	IoGetNextIrpStackLocation(irp->irp)->MajorFunction = IRP_MJ_SHUTDOWN;
	us_ob_reference(device);
	us_nt_io_call_and_wait(device, irp->irp);
	us_ob_dereference(device);
	us_irp_free(irp);
}

void us_nt_io_shut_down(void)
{
	PDEVICE_OBJECT device;

	us_nt_trace("note      the system shuts down");
	while ((device = take(false)))
		tell(device);
	while ((device = take(true)))
		tell(device);
}
