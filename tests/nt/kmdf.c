/* SPDX-License-Identifier: Apache-2.0 */
#include "kmdf.h"

#include "kmdf-driver.h"

static PFN_WDF_DRIVER_DEVICE_ADD device_add;

static const GUID interface_class = {0x5d2a3a51, 0x3f0d, 0x4f0e, {0x9a, 0x5d, 0x11, 0x62, 0x0e, 0xde, 0x11, 0x01}};

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
	WDF_DRIVER_CONFIG config;

	WDF_DRIVER_CONFIG_INIT(&config, device_add);
	return WdfDriverCreate(driver, path, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}

NTSTATUS kmdf_interface(WDFDEVICE device)
{
	return WdfDeviceCreateDeviceInterface(device, &interface_class, NULL);
}

NTSTATUS kmdf_device(PWDFDEVICE_INIT init, PWDF_OBJECT_ATTRIBUTES attributes, WDFDEVICE *device)
{
	NTSTATUS status = WdfDeviceCreate(&init, attributes, device);

	return NT_SUCCESS(status) ? kmdf_interface(*device) : status;
}

static struct us_rehearsal rehearsal(PFN_WDF_DRIVER_DEVICE_ADD add, uint64_t seed)
{
	device_add = add;
	return (struct us_rehearsal){.model = "adder", .entry = (void *)(uintptr_t)FxDriverEntry, .seed = seed};
}

void kmdf_tell_seed(uint64_t seed, PFN_WDF_DRIVER_DEVICE_ADD add, void (*story)(struct us_nt_user *user, void *context),
		    void *context)
{
	struct us_rehearsal r = rehearsal(add, seed);

	rig_tell(&r, story, context);
}

void kmdf_tell(PFN_WDF_DRIVER_DEVICE_ADD add, void (*story)(struct us_nt_user *user, void *context), void *context)
{
	kmdf_tell_seed(0, add, story, context);
}

void kmdf_tell_breaks(const char *rule, PFN_WDF_DRIVER_DEVICE_ADD add,
		      void (*story)(struct us_nt_user *user, void *context), void *context)
{
	struct us_rehearsal r = rehearsal(add, 0);

	rig_tell_breaks(rule, &r, story, context);
}
