/* SPDX-License-Identifier: Apache-2.0 */
/*
 * I/O targets, and the requests on their way there: what target*.c and request-send.c share.
 */
#ifndef UNDERSTUDY_NT_KMDF_TARGET_H
#define UNDERSTUDY_NT_KMDF_TARGET_H

#include "nt/kmdf/io.h"
#include "nt/phys.h"

struct us_wdf_io_target {
	struct us_wdf_object object;
	struct us_wdf_device *device;
	PDEVICE_OBJECT wdm; /* where requests go; NULL: not open */
	PFILE_OBJECT file; /* of an opened one, referenced; NULL: none */
	WDF_IO_TARGET_STATE state;
	bool local; /* the next lower driver */
	LIST_ENTRY sent, held; /* us_wdf_request.send.of_target */
	LIST_ENTRY waiters; /* for `sent` to become empty */
};

/* A request has come back from it: wakes who waits for the last. */
void us_wdf_target_changed(struct us_wdf_io_target *target);

/* An IRP with a stack location for the target. STATUS_REQUEST_NOT_ACCEPTED: the request's own has none left. */
NTSTATUS us_wdf_send_prepare(struct us_wdf_request *request, struct us_wdf_io_target *target);

/* The stack location that the target will see, and from now on the driver's format. A bugcheck when there is none. */
PIO_STACK_LOCATION us_wdf_send_stack(struct us_wdf_request *request, const char *function);

/* Takes back what formatting did to the IRP's buffers. */
void us_wdf_send_restore(struct us_wdf_request *request);

/* WdfRequestSend(). False: not sent, `request->send.status` says why. */
bool us_wdf_send(struct us_wdf_request *request, struct us_wdf_io_target *target,
		 const WDF_REQUEST_SEND_OPTIONS *options);

/* Sends one that was held back; cancels one that is on its way. */
void us_wdf_send_now(struct us_wdf_request *request);
BOOLEAN us_wdf_send_cancel(struct us_wdf_request *request);

/* target-format.c: …FormatRequestFor… and …Send…Synchronously. */
void us_wdf_target_format_functions(struct _WDF_FUNCTIONS *table);

#endif
