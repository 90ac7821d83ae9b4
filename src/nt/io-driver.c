/* SPDX-License-Identifier: Apache-2.0 */
/* Driver objects: loaded and unloaded. */
#include <stdio.h>

#include "nt/io.h"
#include "nt/phys.h"
#include "nt/registry.h"
#include "nt/trace.h"

struct extension { /* IoAllocateDriverObjectExtension: the driver's bytes follow */
	struct extension *next;
	PVOID id;
	ULONG64 bytes[];
};

struct us_io_driver {
	struct us_io_driver *next;
	PDRIVER_OBJECT driver;
	UNICODE_STRING path; /* of its service key */
	struct extension *extensions;
	bool unloading;
};

static NTSTATUS NTAPI not_for_me(PDEVICE_OBJECT device, PIRP irp)
{
	(void)device;
	irp->IoStatus.Status = STATUS_INVALID_DEVICE_REQUEST;
	irp->IoStatus.Information = 0;
	IofCompleteRequest(irp, IO_NO_INCREMENT);
	return STATUS_INVALID_DEVICE_REQUEST;
}

static const struct us_ob_type driver_type = {"Driver", NULL, NULL};

static struct us_io_driver *find(PDRIVER_OBJECT driver)
{
	struct us_io_driver *known = us_nt->io->drivers;

	while (known && known->driver != driver)
		known = known->next;
	if (!known)
		us_nt_bugcheck(US_BUGCHECK_IO, 4, (uintptr_t)driver, 0, 0, "driver.invalid",
			       "%p was given as a driver object, and is none.", (void *)driver);
	return known;
}

static struct us_io_driver *new_driver(const char *service)
{
	size_t size = sizeof(DRIVER_OBJECT) + sizeof(DRIVER_EXTENSION);
	PDRIVER_OBJECT driver = us_nt_pool_alloc(size, 0x76697244 /* "Driv" */);
	struct us_io_driver *known = us_nt_alloc(sizeof(*known));
	char text[256];

	if (!driver)
		return NULL;
	memset(driver, 0, size);
	driver->Type = IO_TYPE_DRIVER;
	driver->Size = sizeof(*driver);
	driver->DriverExtension = (PDRIVER_EXTENSION)(driver + 1);
	driver->DriverExtension->DriverObject = driver;
	driver->DriverExtension->ServiceKeyName = us_nt_utf16(service);
	snprintf(text, sizeof(text), "\\Driver\\%s", service);
	driver->DriverName = us_nt_utf16(text);
	snprintf(text, sizeof(text), "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\%s", service);
	*known = (struct us_io_driver){.driver = driver, .path = us_nt_utf16(text), .next = us_nt->io->drivers};
	if (!driver->DriverName.Buffer || !driver->DriverExtension->ServiceKeyName.Buffer || !known->path.Buffer)
		return NULL;
	for (unsigned i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
		driver->MajorFunction[i] = not_for_me;
	us_nt->io->drivers = known;
	us_ob_add(driver, &driver_type);
	return known;
}

PDRIVER_OBJECT us_io_driver_new(const char *service)
{
	struct us_io_driver *known = new_driver(service);

	return known ? known->driver : NULL;
}

static void drop(struct us_io_driver *known)
{
	struct us_io_driver **link = &us_nt->io->drivers;
	PDRIVER_OBJECT driver = known->driver;

	while (*link != known)
		link = &(*link)->next;
	*link = known->next;
	for (struct extension *e = known->extensions, *next; e; e = next) {
		next = e->next;
		us_nt_pool_free(e);
	}
	us_nt_pool_free(driver->DriverExtension->ServiceKeyName.Buffer);
	us_nt_pool_free(driver->DriverName.Buffer);
	us_nt_pool_free(known->path.Buffer);
	us_ob_dereference(driver);
	us_nt_pool_free(driver);
}

static void make_service_key(struct us_io_driver *known)
{
	UNICODE_STRING parameters = {20, 20, (WCHAR *)(uintptr_t)L"Parameters"};
	struct us_key *key = us_registry_key(NULL, &known->path, true, NULL);

	us_registry_fill(key, "Service");
	us_registry_fill(us_registry_key(key, &parameters, true, NULL), "Parameters");
}

NTSTATUS us_nt_io_load(const char *service, PDRIVER_INITIALIZE entry, PDRIVER_OBJECT *driver)
{
	struct us_io_driver *known = new_driver(service);
	UNICODE_STRING path;
	NTSTATUS status;

	*driver = NULL;
	if (!known)
		return STATUS_INSUFFICIENT_RESOURCES;
	make_service_key(known);
	known->driver->DriverInit = entry;
	path = us_nt_string_copy(&known->path); /* good during DriverEntry only */
	us_nt_trace("note      driver %s is loaded", service);
	status = US_CALL("DriverEntry", entry, known->driver, &path);
	if (path.Length)
		memset(path.Buffer, 0x5a, path.Length);
	us_io_free(path.Buffer);
	if (!NT_SUCCESS(status)) {
		if (known->driver->DeviceObject)
			us_nt_bugcheck(US_BUGCHECK_IO, US_IO_OWN + 0x18, (uint32_t)status, 0, 0, "driver.entry-devices",
				       "DriverEntry failed with %#x and left the device %s behind.", (unsigned)status,
				       us_io_device_name(known->driver->DeviceObject));
		drop(known);
		return status;
	}
	/* What it made here is ready for use; devices made in AddDevice its driver has to declare ready itself. */
	for (PDEVICE_OBJECT device = known->driver->DeviceObject; device; device = device->NextDevice)
		device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
	*driver = known->driver;
	return status;
}

void us_nt_io_unload(PDRIVER_OBJECT driver)
{
	struct us_io_driver *known = find(driver);

	if (known->unloading)
		return;
	known->unloading = true;
	driver->Flags |= DRVO_UNLOAD_INVOKED;
	if (!driver->DriverUnload)
		us_nt_stop(
			US_NT_EXPECTATION, "driver.no-unload",
			"The driver %s has no DriverUnload, so that Windows would never take it out of memory again.",
			us_nt_ascii(&driver->DriverName));
	us_nt_trace("note      driver %s is unloaded", us_nt_ascii(&driver->DriverName));
	US_CALL_VOID("DriverUnload", driver->DriverUnload, driver);
	if (driver->DeviceObject)
		us_nt_stop(US_NT_LEAK, "device.leak",
			   "DriverUnload returned and the device %s is still there: IoDeleteDevice.",
			   us_io_device_name(driver->DeviceObject));
	drop(known);
}

/* -- extensions of driver objects --------------------------------------------------------------------------------- */

PVOID NTAPI IoGetDriverObjectExtension(PDRIVER_OBJECT driver, PVOID id)
{
	struct extension *e = find(driver)->extensions;

	while (e && e->id != id)
		e = e->next;
	return e ? e->bytes : NULL;
}

NTSTATUS NTAPI IoAllocateDriverObjectExtension(PDRIVER_OBJECT driver, PVOID id, ULONG size, PVOID *extension)
{
	struct us_io_driver *known = find(driver);
	struct extension *e;

	*extension = NULL;
	if (IoGetDriverObjectExtension(driver, id))
		return STATUS_OBJECT_NAME_COLLISION;
	e = us_nt_pool_alloc(sizeof(*e) + size, 0x76697244);
	if (!e)
		return STATUS_INSUFFICIENT_RESOURCES;
	memset(e, 0, sizeof(*e) + size);
	e->id = id;
	e->next = known->extensions;
	known->extensions = e;
	*extension = e->bytes;
	return STATUS_SUCCESS;
}
