/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client library: what a program does with the crypto accelerator, in C calls. A client is one open handle to one
 * device; it has a key of its own and one message to digest at a time.
 *
 * Every function returns ERROR_SUCCESS or one of Windows' error numbers, which FormatMessage() knows. What the driver
 * answers, and when, is in ../public.h. A client may be used by several threads at once; a request by one.
 *
 * To use it: client.c, device.c, and the library cfgmgr32.
 */
#ifndef CRYPTO_CLIENT_H
#define CRYPTO_CLIENT_H

#include <windows.h>
#include <winioctl.h>

#include "../public.h"

struct crypto_client;

/*
 * Opens the device of that number, counted from 0. With `reset` the client may call crypto_reset(), for which one has
 * to be an administrator. ERROR_FILE_NOT_FOUND: there is no such device, or no driver for it. End it with
 * crypto_close().
 */
DWORD crypto_open(unsigned number, BOOL reset, struct crypto_client **client);

/* Its requests have ended. NULL is allowed. */
void crypto_close(struct crypto_client *client);

/* -- answered at once --------------------------------------------------------------------------------------------- */

DWORD crypto_get_info(struct crypto_client *client, CRYPTO_INFO *info);
DWORD crypto_get_statistics(struct crypto_client *client, CRYPTO_STATISTICS *statistics);

/* The key for the requests that are started after it. */
DWORD crypto_set_key(struct crypto_client *client, const UCHAR key[CRYPTO_KEY_BYTES]);

/* Resets the device. Its other users' running requests fail. */
DWORD crypto_reset(struct crypto_client *client);

/* Of the message whose last part has been completed. */
DWORD crypto_get_digest(struct crypto_client *client, UCHAR digest[CRYPTO_DIGEST_BYTES]);

/* -- requests, any number in flight ------------------------------------------------------------------------------- */

struct crypto_request {
	OVERLAPPED overlapped;
	BOOL started; /* and not finished */
	DWORD moved; /* when it is finished: the bytes that the driver reported */
	union {
		CRYPTO_CIPHER cipher;
		CRYPTO_MESSAGE_PART part;
	} input;
};

/* A request that can be started, finished, and started again. */
DWORD crypto_request_create(struct crypto_request *request);
void crypto_request_delete(struct crypto_request *request);

/*
 * Starts to encrypt or decrypt `size` bytes in place. The data, and the request, stay where they are until
 * crypto_finish(). An error: nothing was started.
 */
DWORD crypto_start_cipher(struct crypto_client *client, struct crypto_request *request, BOOL encrypt,
			  const UCHAR iv[CRYPTO_BLOCK_BYTES], void *data, DWORD size);

/* Starts a part of a message; flags are CRYPTO_FIRST and CRYPTO_LAST. The same holds. */
DWORD crypto_start_digest(struct crypto_client *client, struct crypto_request *request, ULONG flags, void *data,
			  DWORD size);

/* Starts any control code; for tests, which send what they should not. */
DWORD crypto_start(struct crypto_client *client, struct crypto_request *request, DWORD code, void *input,
		   DWORD input_size, void *data, DWORD data_size);

/*
 * Waits for the request's end and returns how it ended. When the event `stop` (or NULL) is set before, the request is
 * cancelled first. WAIT_TIMEOUT: `limit` milliseconds (or INFINITE) have passed, and it is still in flight.
 */
DWORD crypto_finish(struct crypto_client *client, struct crypto_request *request, HANDLE stop, DWORD limit);

/* Asks for an early end; crypto_finish() is still due, and may find that the request was quicker. */
void crypto_cancel(struct crypto_client *client, struct crypto_request *request);

#endif
