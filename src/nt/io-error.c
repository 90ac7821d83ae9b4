/* SPDX-License-Identifier: Apache-2.0 */
/* The error log: what drivers write for the event viewer goes to the trace, and to where the driver prints. */
#include <stdio.h>

#include "nt/io.h"
#include "nt/phys.h"
#include "nt/registry.h"
#include "nt/trace.h"

struct us_io_error {
	struct us_io_error *next;
	void *packet;
	UCHAR size;
	PDRIVER_OBJECT driver;
};

struct us_io_written {
	struct us_io_written *next;
	NTSTATUS code;
};

static PDRIVER_OBJECT driver_of(PVOID object)
{
	return ((PDEVICE_OBJECT)object)->Type == IO_TYPE_DEVICE ? ((PDEVICE_OBJECT)object)->DriverObject : object;
}

PVOID NTAPI IoAllocateErrorLogEntry(PVOID object, UCHAR size)
{
	struct us_io_error *error;
	void *packet;

	if (!object || size < sizeof(IO_ERROR_LOG_PACKET) - sizeof(ULONG) || size > ERROR_LOG_MAXIMUM_SIZE)
		return NULL;
	packet = us_nt_pool_alloc(size, 0x20727245 /* "Err " */);
	if (!packet)
		return NULL;
	memset(packet, 0, size);
	error = us_nt_alloc(sizeof(*error));
	*error = (struct us_io_error){us_nt->io->errors, packet, size, driver_of(object)};
	us_nt->io->errors = error;
	return packet;
}

static struct us_io_error *take(PVOID packet, const char *what)
{
	struct us_io_error **link = &us_nt->io->errors, *error;

	while (*link && (*link)->packet != packet)
		link = &(*link)->next;
	error = *link;
	if (!error)
		us_nt_bugcheck(US_BUGCHECK_IO, US_IO_OWN + 0x1a, (uintptr_t)packet, 0, 0, "error-log.invalid",
			       "%s was called for %p, which is no entry of IoAllocateErrorLogEntry, or was written or "
			       "freed already.",
			       what, packet);
	*link = error->next;
	return error;
}

static void drop(struct us_io_error *error)
{
	us_nt_pool_free(error->packet);
	us_nt_free(error);
}

/* The strings of an entry, from its StringOffset on, each with its NUL, and never beyond the entry. */
static void write_strings(const struct us_io_error *error, char *text, size_t size)
{
	const IO_ERROR_LOG_PACKET *packet = error->packet;
	size_t at = packet->StringOffset, n = 0;

	for (unsigned i = 0; i < packet->NumberOfStrings; i++) {
		UNICODE_STRING string = {0};

		if (at % 2 || at + sizeof(WCHAR) > error->size)
			return;
		string.Buffer = (WCHAR *)(void *)((uint8_t *)error->packet + at);
		while (at + sizeof(WCHAR) <= error->size && string.Buffer[string.Length / sizeof(WCHAR)]) {
			string.Length += sizeof(WCHAR);
			at += sizeof(WCHAR);
		}
		at += sizeof(WCHAR);
		if (n < size)
			n += (size_t)snprintf(text + n, size - n, " \"%s\"", us_nt_ascii(&string));
	}
}

static void remember(NTSTATUS code)
{
	struct us_io_written *written = us_nt_alloc(sizeof(*written));

	*written = (struct us_io_written){us_nt->io->written, code};
	us_nt->io->written = written;
}

unsigned us_nt_io_errors_written(uint32_t code)
{
	const struct us_io_written *written;
	unsigned count = 0;

	for (written = us_nt->io->written; written; written = written->next)
		count += (uint32_t)written->code == code;
	return count;
}

VOID NTAPI IoWriteErrorLogEntry(PVOID entry)
{
	struct us_io_error *error = take(entry, "IoWriteErrorLogEntry");
	const IO_ERROR_LOG_PACKET *packet = entry;
	char text[512] = "";
	size_t n = 0;

	if (offsetof(IO_ERROR_LOG_PACKET, DumpData) + packet->DumpDataSize > error->size)
		us_nt_bugcheck(US_BUGCHECK_IO, US_IO_OWN + 0x1a, packet->DumpDataSize, error->size, 0, "error-log.size",
			       "IoWriteErrorLogEntry: %u bytes of dump data do not fit into the entry of %u bytes.",
			       packet->DumpDataSize, error->size);
	for (unsigned i = 0; i < packet->DumpDataSize / sizeof(ULONG) && n < 200; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " %08x", (unsigned)packet->DumpData[i]);
	write_strings(error, text + n, sizeof(text) - n);
	remember(packet->ErrorCode);
	us_nt_trace("print     event log: %s code %#x, status %#x, value %u:%s",
		    us_nt_ascii(&error->driver->DriverName), (unsigned)packet->ErrorCode, (unsigned)packet->FinalStatus,
		    (unsigned)packet->UniqueErrorValue, text);
	if (us_nt->config->print)
		fprintf(us_nt->config->print, "event log: %s code %#x, status %#x, value %u:%s\n",
			us_nt_ascii(&error->driver->DriverName), (unsigned)packet->ErrorCode,
			(unsigned)packet->FinalStatus, (unsigned)packet->UniqueErrorValue, text);
	drop(error);
}

VOID NTAPI IoFreeErrorLogEntry(PVOID entry)
{
	drop(take(entry, "IoFreeErrorLogEntry"));
}
