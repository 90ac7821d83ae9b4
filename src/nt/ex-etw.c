/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event tracing for Windows, with nobody who listens: no session enables a provider, so that enable callbacks are not
 * called and no event is wanted. What is written is seen in the trace. Microsoft, "EtwRegister", "EtwUnregister",
 * "EtwWrite", "EtwWriteTransfer", "EtwEventEnabled", "EtwProviderEnabled".
 */
#include "nt/ex.h"

#include "nt/phys.h"
#include "nt/trace.h"

#define PROVIDER_TRAITS 2 /* EventProviderSetTraits */
#define ETW_TAG 0x52777445u /* 'EtwR' */

/* What a REGHANDLE is the address of. */
struct registration {
	GUID provider;
};

static const struct registration *find(REGHANDLE handle, const char *function)
{
	void *at = (void *)(uintptr_t)handle;

	if (!us_addresses_find(&us_nt->ex->providers, at))
		us_nt_bugcheck(0xC4, 0, handle, 0, 0, "etw.handle",
			       "%s was called with the handle %#llx, which is none of EtwRegister, or is unregistered",
			       function, (unsigned long long)handle);
	return at;
}

NTSTATUS NTAPI EtwRegister(LPCGUID provider, PETWENABLECALLBACK callback, PVOID context, PREGHANDLE handle)
{
	struct registration *registration;

	(void)callback, (void)context;
	if (!provider || !handle)
		return STATUS_INVALID_PARAMETER;
	registration = us_nt_pool_alloc(sizeof(*registration), ETW_TAG);
	if (!registration)
		return STATUS_NO_MEMORY;
	registration->provider = *provider;
	us_addresses_add(&us_nt->ex->providers, registration, registration);
	us_nt->ex->nproviders++;
	*handle = (uintptr_t)registration;
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI EtwUnregister(REGHANDLE handle)
{
	if (!handle)
		return STATUS_INVALID_HANDLE;
	find(handle, "EtwUnregister");
	us_addresses_remove(&us_nt->ex->providers, (void *)(uintptr_t)handle);
	us_nt->ex->nproviders--;
	us_nt_pool_free((void *)(uintptr_t)handle);
	return STATUS_SUCCESS;
}

BOOLEAN NTAPI EtwEventEnabled(REGHANDLE handle, PCEVENT_DESCRIPTOR event)
{
	(void)event;
	if (handle)
		find(handle, "EtwEventEnabled");
	return FALSE;
}

BOOLEAN NTAPI EtwProviderEnabled(REGHANDLE handle, UCHAR level, ULONGLONG keyword)
{
	(void)level, (void)keyword;
	if (handle)
		find(handle, "EtwProviderEnabled");
	return FALSE;
}

/* All the data is there to be read, as a session would. */
static ULONG64 weigh(const EVENT_DATA_DESCRIPTOR *data, ULONG count)
{
	ULONG64 size = 0;

	for (ULONG i = 0; i < count; i++) {
		const volatile UCHAR *bytes = (const volatile UCHAR *)(uintptr_t)data[i].Ptr;

		if (data[i].Size)
			(void)bytes[0], (void)bytes[data[i].Size - 1];
		size += data[i].Size;
	}
	return size;
}

static NTSTATUS write_event(const char *function, REGHANDLE handle, PCEVENT_DESCRIPTOR event, ULONG count,
			    const EVENT_DATA_DESCRIPTOR *data)
{
	const struct registration *r;

	if (!handle)
		return STATUS_INVALID_HANDLE;
	r = find(handle, function);
	if (!event || count > MAX_EVENT_DATA_DESCRIPTORS || (count && !data))
		return STATUS_INVALID_PARAMETER;
	us_nt_trace("note      event %u of level %u with %llu bytes, provider %08x-%04x-%04x", event->Id, event->Level,
		    (unsigned long long)weigh(data, count), (unsigned)r->provider.Data1, r->provider.Data2,
		    r->provider.Data3);
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI EtwWrite(REGHANDLE handle, PCEVENT_DESCRIPTOR event, LPCGUID activity, ULONG count,
			PEVENT_DATA_DESCRIPTOR data)
{
	(void)activity;
	return write_event("EtwWrite", handle, event, count, data);
}

NTSTATUS NTAPI EtwWriteTransfer(REGHANDLE handle, PCEVENT_DESCRIPTOR event, LPCGUID activity, LPCGUID related,
				ULONG count, PEVENT_DATA_DESCRIPTOR data)
{
	(void)activity, (void)related;
	return write_event("EtwWriteTransfer", handle, event, count, data);
}

NTSTATUS NTAPI us_etw_set_information(REGHANDLE handle, ULONG kind, PVOID information, ULONG length)
{
	if (!handle)
		return STATUS_INVALID_HANDLE;
	find(handle, "EtwSetInformation");
	if (kind != PROVIDER_TRAITS)
		return STATUS_NOT_SUPPORTED;
	return information && length ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

size_t us_nt_etw_leaks(char *text, size_t size)
{
	if (us_nt->ex->nproviders)
		snprintf(text, size, "%u event provider%s of EtwRegister", us_nt->ex->nproviders,
			 us_nt->ex->nproviders == 1 ? "" : "s");
	return us_nt->ex->nproviders;
}
