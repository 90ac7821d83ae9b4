/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system's event log: the few things that an administrator has to know. Their texts are in events.mc.
 */
#include "driver.h"

VOID CryptoLogEvent(PDEVICE_CONTEXT Context, NTSTATUS Event)
{
	PIO_ERROR_LOG_PACKET packet;

	/* Memory may be short: then the debugger's line has to do. */
	packet = IoAllocateErrorLogEntry(WdfDeviceWdmGetDeviceObject(Context->Device), sizeof(*packet));
	if (!packet)
		return;
	RtlZeroMemory(packet, sizeof(*packet));
	packet->ErrorCode = Event;
	packet->FinalStatus = Event;
	IoWriteErrorLogEntry(packet);
}
