/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How requests reach a driver: the one part of the client library that needs a device. device.c is the real one; tests
 * link another with the same functions.
 *
 * Errors are Windows' own numbers (winerror.h), ERROR_SUCCESS for none. Any function may be called from any thread.
 */
#ifndef CRYPTO_TRANSPORT_H
#define CRYPTO_TRANSPORT_H

#include <windows.h>

struct transport;

/*
 * Opens the device of that number, counted from 0, with GENERIC_READ or GENERIC_READ | GENERIC_WRITE.
 * ERROR_FILE_NOT_FOUND: there is no such device. The caller ends it with transport_close().
 */
DWORD transport_open(unsigned number, DWORD access, struct transport **transport);

/* What is still in flight is cancelled by the driver; its buffers have to outlive that: finish it before. */
void transport_close(struct transport *transport);

/*
 * Starts a request. All of its memory stays valid until it has ended, which overlapped->hEvent, the caller's, tells.
 * ERROR_IO_PENDING: on its way, or ended already. Anything else: it has not been started.
 */
DWORD transport_send(struct transport *transport, OVERLAPPED *overlapped, DWORD code, void *input, DWORD input_size,
		     void *data, DWORD data_size);

/* How a request ended, whose event is set; `moved`: the bytes that the driver reported. */
DWORD transport_result(struct transport *transport, OVERLAPPED *overlapped, DWORD *moved);

/* Asks for an early end. The request still ends by its event: with ERROR_OPERATION_ABORTED, or as if not asked. */
void transport_cancel(struct transport *transport, OVERLAPPED *overlapped);

#endif
