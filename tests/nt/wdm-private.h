/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files of the adder's WDM driver share. */
#ifndef TESTS_NT_WDM_PRIVATE_H
#define TESTS_NT_WDM_PRIVATE_H

#include "wdm-adder.h"

#define CALL(function) US_IMPORT(function)

enum { A = 0, B = 1, SUM = 2, STATUS = 3, ENABLE = 4 }; /* registers, in words */

struct extension {
	PDEVICE_OBJECT self, pdo, lower;
	IO_REMOVE_LOCK remove;
	volatile ULONG *registers;
	ULONG size;
	KSPIN_LOCK lock; /* of the queue and the device */
	IO_CSQ csq, waiting;
	LIST_ENTRY queue, forever;
	PIRP current;
	KDPC dpc;
	PKINTERRUPT interrupt;
	PIO_INTERRUPT_MESSAGE_INFO messages;
	UNICODE_STRING link;
	BOOLEAN running; /* in D0, with the interrupt connected */
	CM_PARTIAL_RESOURCE_DESCRIPTOR interrupt_resource;
};

/* wdm-requests.c */
NTSTATUS wdm_complete(PIRP irp, NTSTATUS status, ULONG_PTR information);
void wdm_prepare_requests(struct extension *e);
void wdm_start_current(struct extension *e); /* with its lock */
void wdm_start_next(struct extension *e);
void wdm_abandon_all(struct extension *e);
BOOLEAN NTAPI wdm_isr(PKINTERRUPT interrupt, PVOID context);
BOOLEAN NTAPI wdm_message_isr(PKINTERRUPT interrupt, PVOID context, ULONG message);
NTSTATUS NTAPI wdm_control(PDEVICE_OBJECT device, PIRP irp);
NTSTATUS NTAPI wdm_transfer(PDEVICE_OBJECT device, PIRP irp);
NTSTATUS NTAPI wdm_create_close(PDEVICE_OBJECT device, PIRP irp);

#endif
