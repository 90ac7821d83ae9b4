/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of KMDF: a native driver for the adder that is bound to the framework as a compiled one is, and of which a
 * test gives the interesting parts. What it calls by <wdf.h> goes through gates.
 *
 *     static NTSTATUS NTAPI add(WDFDRIVER driver, PWDFDEVICE_INIT init) { … }
 *     static void story(struct us_nt_user *user, void *context) { … }
 *
 *     kmdf_tell(add, story, NULL);
 */
#ifndef TESTS_NT_KMDF_H
#define TESTS_NT_KMDF_H

#include "rig.h"

#include <wdf.h>

#include <wdfstatus.h>

/* Tells a story with a driver whose EvtDriverDeviceAdd this is: it has to pass. */
void kmdf_tell(PFN_WDF_DRIVER_DEVICE_ADD add, void (*story)(struct us_nt_user *user, void *context), void *context);
void kmdf_tell_seed(uint64_t seed, PFN_WDF_DRIVER_DEVICE_ADD add, void (*story)(struct us_nt_user *user, void *context),
		    void *context);

/* It has to end with this rule. */
void kmdf_tell_breaks(const char *rule, PFN_WDF_DRIVER_DEVICE_ADD add,
		      void (*story)(struct us_nt_user *user, void *context), void *context);

/* The interface by which a story opens the device: for EvtDriverDeviceAdd. */
NTSTATUS kmdf_interface(WDFDEVICE device);

/* A device from `init`, with the interface; `attributes` may be NULL. */
NTSTATUS kmdf_device(PWDFDEVICE_INIT init, PWDF_OBJECT_ATTRIBUTES attributes, WDFDEVICE *device);

/* In the driver: the run fails when the condition is false. */
#define kmdf_expect(condition) rig_expect(condition)

#define KMDF_IOCTL(number, method) CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (number), method, FILE_ANY_ACCESS)

#endif
