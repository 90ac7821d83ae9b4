/* SPDX-License-Identifier: Apache-2.0 */
/* What the versions of the framework differ in: the number of functions, and which members of structures came when. */
#include "nt/kmdf/kmdf.h"

static const struct {
	UCHAR minor;
	USHORT functions;
} versions[] = {{15, 444}, {13, 438}, {11, 432}, {9, 396}, {7, 387}, {5, 387}, {1, 386}, {0, 383}};

#define VERSIONS (sizeof(versions) / sizeof(versions[0]))

/* From this offset on the structure's members came with version 1.`minor`. The later a version the further down its
 * line. */
static const struct growth {
	UCHAR structure, minor, alignment;
	USHORT from;
} growths[] = {
#define GREW(type, minor, member)                                                                                      \
	{                                                                                                              \
		US_##type, minor, _Alignof(type), offsetof(type, member)                                               \
	}
	GREW(WDF_DRIVER_CONFIG, 5, DriverPoolTag),
	GREW(WDF_OBJECT_CONTEXT_TYPE_INFO, 1, UniqueType),
	GREW(WDF_PNPPOWER_EVENT_CALLBACKS, 11, EvtDeviceUsageNotificationEx),
	GREW(WDF_POWER_POLICY_EVENT_CALLBACKS, 7, EvtDeviceArmWakeFromSxWithReason),
	GREW(WDF_PDO_EVENT_CALLBACKS, 11, EvtDeviceReportedMissing),
	GREW(WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS, 9, PowerUpIdleDeviceOnSystemWake),
	GREW(WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS, 11, IdleTimeoutType),
	GREW(WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS, 7, ArmForWakeIfChildrenAreArmedForWake),
	GREW(WDF_IO_QUEUE_CONFIG, 9, Settings),
	GREW(WDF_IO_QUEUE_CONFIG, 11, Driver),
	GREW(WDF_INTERRUPT_CONFIG, 11, EvtInterruptWorkItem),
	GREW(WDF_INTERRUPT_CONFIG, 13, CanWakeDevice),
	GREW(WDF_INTERRUPT_INFO, 9, Group),
	GREW(WDF_IO_TARGET_OPEN_PARAMS, 13, FileName),
	GREW(WDF_DMA_ENABLER_CONFIG, 11, AddressWidthOverride),
	GREW(WDF_TIMER_CONFIG, 9, TolerableDelay),
	GREW(WDF_TIMER_CONFIG, 13, UseHighResolutionTimer),
};

unsigned us_wdf_client(void)
{
	const struct us_wdf_binding *binding = us_wdf_state()->binding;

	if (!binding)
		us_wdf_violation(
			WDF_INVALID_HANDLE, NULL, "driver.unbound",
			"A framework function was called by a driver that is not bound to the framework, or no "
			"longer.");
	return us_wdf_binding_minor(binding);
}

ULONG us_wdf_function_count(unsigned minor)
{
	size_t i;

	for (i = 0; i < VERSIONS && versions[i].minor != minor; i++)
		;
	return i < VERSIONS ? versions[i].functions : 0;
}

/* What of a structure there was in a version, and how long that made it. */
static size_t known_in(unsigned minor, size_t newest, enum us_wdf_structure structure, size_t *size)
{
	size_t i;

	for (i = 0; i < sizeof(growths) / sizeof(growths[0]); i++)
		if (growths[i].structure == structure && growths[i].minor > minor) {
			*size = (growths[i].from + growths[i].alignment - 1u) & ~(growths[i].alignment - (size_t)1);
			return growths[i].from;
		}
	return *size = newest;
}

size_t us_wdf_known_bytes(size_t given, size_t newest, enum us_wdf_structure structure)
{
	unsigned client = us_wdf_client();
	size_t i, size, known;

	if (structure == US_WDF_NEVER_GREW)
		return given == newest ? newest : 0;
	for (i = 0; i < VERSIONS; i++) {
		if (versions[i].minor > client)
			continue;
		known = known_in(versions[i].minor, newest, structure, &size);
		if (size == given)
			return known;
	}
	return 0;
}

bool us_wdf_take_structure(void *to, const void *from, size_t newest, enum us_wdf_structure structure)
{
	size_t known = us_wdf_known_bytes(*(const ULONG *)from, newest, structure);

	if (!known)
		return false;
	memcpy(to, from, known);
	*(ULONG *)to = (ULONG)newest;
	return true;
}

void us_wdf_wrong_size(const void *from, size_t newest, enum us_wdf_structure structure, const char *function)
{
	size_t size;

	known_in(us_wdf_client(), newest, structure, &size);
	us_wdf_violation(WDF_VERIFIER_FATAL_ERROR, from, "parameter.size",
			 "%s was called with a structure whose Size is %u; a driver for KMDF 1.%u has %zu there.",
			 function, (unsigned)*(const ULONG *)from, us_wdf_client(), size);
}
