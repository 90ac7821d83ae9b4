/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include "transport.h"

#include <stdlib.h>
#include <string.h>

struct crypto_client {
	struct transport *transport;
};

DWORD crypto_open(unsigned number, BOOL reset, struct crypto_client **client)
{
	DWORD error;

	*client = malloc(sizeof(**client));
	if (!*client)
		return ERROR_NOT_ENOUGH_MEMORY;
	error = transport_open(number, reset ? GENERIC_READ | GENERIC_WRITE : GENERIC_READ, &(*client)->transport);
	if (error) {
		free(*client);
		*client = NULL;
	}
	return error;
}

void crypto_close(struct crypto_client *client)
{
	if (!client)
		return;
	transport_close(client->transport);
	free(client);
}

/* -- requests ----------------------------------------------------------------------------------------------------- */

DWORD crypto_request_create(struct crypto_request *request)
{
	memset(request, 0, sizeof(*request));
	request->overlapped.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
	return request->overlapped.hEvent ? ERROR_SUCCESS : GetLastError();
}

void crypto_request_delete(struct crypto_request *request)
{
	if (request->overlapped.hEvent)
		CloseHandle(request->overlapped.hEvent);
	request->overlapped.hEvent = NULL;
}

DWORD crypto_start(struct crypto_client *client, struct crypto_request *request, DWORD code, void *input,
		   DWORD input_size, void *data, DWORD data_size)
{
	DWORD error;

	error = transport_send(client->transport, &request->overlapped, code, input, input_size, data, data_size);
	if (error != ERROR_IO_PENDING)
		return error;
	request->started = TRUE;
	return ERROR_SUCCESS;
}

DWORD crypto_start_cipher(struct crypto_client *client, struct crypto_request *request, BOOL encrypt,
			  const UCHAR iv[CRYPTO_BLOCK_BYTES], void *data, DWORD size)
{
	CRYPTO_CIPHER *cipher = &request->input.cipher;

	memcpy(cipher->Iv, iv, sizeof(cipher->Iv));
	return crypto_start(client, request, encrypt ? IOCTL_CRYPTO_ENCRYPT : IOCTL_CRYPTO_DECRYPT, cipher,
			    sizeof(*cipher), data, size);
}

DWORD crypto_start_digest(struct crypto_client *client, struct crypto_request *request, ULONG flags, void *data,
			  DWORD size)
{
	CRYPTO_MESSAGE_PART *part = &request->input.part;

	part->Flags = flags;
	return crypto_start(client, request, IOCTL_CRYPTO_DIGEST, part, sizeof(*part), data, size);
}

DWORD crypto_finish(struct crypto_client *client, struct crypto_request *request, HANDLE stop, DWORD limit)
{
	HANDLE events[2] = {request->overlapped.hEvent, stop};
	DWORD which;

	which = WaitForMultipleObjects(stop ? 2 : 1, events, FALSE, limit);
	if (which == WAIT_OBJECT_0 + 1) {
		crypto_cancel(client, request);
		which = WaitForSingleObject(request->overlapped.hEvent, limit);
	}
	if (which == WAIT_TIMEOUT)
		return WAIT_TIMEOUT;
	if (which == WAIT_FAILED)
		return GetLastError();
	request->started = FALSE;
	return transport_result(client->transport, &request->overlapped, &request->moved);
}

void crypto_cancel(struct crypto_client *client, struct crypto_request *request)
{
	transport_cancel(client->transport, &request->overlapped);
}

/* -- answered at once --------------------------------------------------------------------------------------------- */

static DWORD call(struct crypto_client *client, DWORD code, void *input, DWORD input_size, void *output,
		  DWORD output_size)
{
	struct crypto_request request;
	DWORD error;

	error = crypto_request_create(&request);
	if (error)
		return error;
	error = crypto_start(client, &request, code, input, input_size, output, output_size);
	if (!error)
		error = crypto_finish(client, &request, NULL, INFINITE);
	if (!error && request.moved != output_size)
		error = ERROR_BAD_LENGTH; /* another version of the driver? */
	crypto_request_delete(&request);
	return error;
}

DWORD crypto_get_info(struct crypto_client *client, CRYPTO_INFO *info)
{
	return call(client, IOCTL_CRYPTO_GET_INFO, NULL, 0, info, sizeof(*info));
}

DWORD crypto_get_statistics(struct crypto_client *client, CRYPTO_STATISTICS *statistics)
{
	return call(client, IOCTL_CRYPTO_GET_STATISTICS, NULL, 0, statistics, sizeof(*statistics));
}

DWORD crypto_set_key(struct crypto_client *client, const UCHAR key[CRYPTO_KEY_BYTES])
{
	CRYPTO_KEY_VALUE value;
	DWORD error;

	memcpy(value.Key, key, sizeof(value.Key));
	error = call(client, IOCTL_CRYPTO_SET_KEY, &value, sizeof(value), NULL, 0);
	SecureZeroMemory(&value, sizeof(value));
	return error;
}

DWORD crypto_reset(struct crypto_client *client)
{
	return call(client, IOCTL_CRYPTO_RESET, NULL, 0, NULL, 0);
}

DWORD crypto_get_digest(struct crypto_client *client, UCHAR digest[CRYPTO_DIGEST_BYTES])
{
	CRYPTO_DIGEST_VALUE value;
	DWORD error = call(client, IOCTL_CRYPTO_GET_DIGEST, NULL, 0, &value, sizeof(value));

	if (!error)
		memcpy(digest, value.Digest, sizeof(value.Digest));
	return error;
}
