/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transport to the driver: its device interface, opened for overlapped requests.
 */
#include "transport.h"

#include <cfgmgr32.h>
#include <initguid.h>
#include <winioctl.h>

#include "../public.h"

#include <stdlib.h>

struct transport {
	HANDLE handle;
};

/* The names of all interfaces of present devices, one after another, an empty one last. The caller frees them. */
static DWORD interfaces(wchar_t **names)
{
	GUID guid = GUID_DEVINTERFACE_CRYPTO;
	CONFIGRET result;
	ULONG length;

	/* A device may come or go between the two calls. */
	do {
		result = CM_Get_Device_Interface_List_SizeW(&length, &guid, NULL, CM_GET_DEVICE_INTERFACE_LIST_PRESENT);
		if (result != CR_SUCCESS)
			return ERROR_FILE_NOT_FOUND;
		*names = calloc(length, sizeof(**names));
		if (!*names)
			return ERROR_NOT_ENOUGH_MEMORY;
		result = CM_Get_Device_Interface_ListW(&guid, NULL, *names, length,
						       CM_GET_DEVICE_INTERFACE_LIST_PRESENT);
		if (result != CR_SUCCESS)
			free(*names);
	} while (result == CR_BUFFER_SMALL);
	return result == CR_SUCCESS ? ERROR_SUCCESS : ERROR_FILE_NOT_FOUND;
}

DWORD transport_open(unsigned number, DWORD access, struct transport **transport)
{
	const wchar_t *name;
	wchar_t *names;
	DWORD error;

	error = interfaces(&names);
	if (error)
		return error;
	for (name = names; *name && number; number--)
		name += wcslen(name) + 1;

	error = ERROR_FILE_NOT_FOUND;
	if (*name) {
		*transport = malloc(sizeof(**transport));
		if (!*transport) {
			free(names);
			return ERROR_NOT_ENOUGH_MEMORY;
		}
		(*transport)->handle = CreateFileW(name, access, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
						   OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
		error = (*transport)->handle == INVALID_HANDLE_VALUE ? GetLastError() : ERROR_SUCCESS;
		if (error)
			free(*transport);
	}
	free(names);
	return error;
}

void transport_close(struct transport *transport)
{
	CloseHandle(transport->handle);
	free(transport);
}

DWORD transport_send(struct transport *transport, OVERLAPPED *overlapped, DWORD code, void *input, DWORD input_size,
		     void *data, DWORD data_size)
{
	if (DeviceIoControl(transport->handle, code, input, input_size, data, data_size, NULL, overlapped))
		return ERROR_IO_PENDING; /* it has ended already, and set the event */
	return GetLastError();
}

DWORD transport_result(struct transport *transport, OVERLAPPED *overlapped, DWORD *moved)
{
	return GetOverlappedResult(transport->handle, overlapped, moved, FALSE) ? ERROR_SUCCESS : GetLastError();
}

void transport_cancel(struct transport *transport, OVERLAPPED *overlapped)
{
	CancelIoEx(transport->handle, overlapped); /* fails when it has ended: then there is nothing to do */
}
