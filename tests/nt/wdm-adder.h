/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A WDM driver for the adder, compiled with the tests and entered by config->entry: it has what function drivers of
 * Windows have (queue with cancel, ISR and DPC, PnP, power), each call through a gate, and mistakes to be made on
 * demand.
 */
#ifndef TESTS_NT_WDM_ADDER_H
#define TESTS_NT_WDM_ADDER_H

#include "rig.h"

#define CODE(function, method, access)                                                                                 \
	((uint32_t)FILE_DEVICE_UNKNOWN << 16 | (uint32_t)(access) << 14 | (uint32_t)(function) << 2 | (method))

enum {
	WDM_ADD = CODE(0x800, METHOD_BUFFERED, FILE_ANY_ACCESS), /* two uint32_t: their sum, by the device */
	WDM_NOT_IN = CODE(0x801, METHOD_IN_DIRECT, FILE_ANY_ACCESS), /* sums up the bytes of the output buffer */
	WDM_NOT_OUT = CODE(0x802, METHOD_OUT_DIRECT,
			   FILE_ANY_ACCESS), /* the input's first byte, into the whole output buffer */
	WDM_NEITHER =
		CODE(0x803, METHOD_NEITHER, FILE_ANY_ACCESS), /* copies in to out by the application's addresses */
	WDM_WAIT = CODE(0x804, METHOD_BUFFERED, FILE_ANY_ACCESS), /* until it is cancelled */
	WDM_WRITE_ONLY = CODE(0x805, METHOD_BUFFERED, FILE_WRITE_ACCESS),
};

/* How it connects its interrupt. */
enum wdm_connect { WDM_BY_MESSAGE, WDM_BY_LINE, WDM_BY_VECTOR, WDM_OLD, WDM_PASSIVE, WDM_NOT };

/* Mistakes. */
enum wdm_mistake {
	WDM_NONE,
	WDM_COMPLETES_TWICE,
	WDM_COMPLETES_PENDING,
	WDM_NOT_COMPLETED,
	WDM_PENDING_NOT_MARKED,
	WDM_PENDING_NOT_RETURNED,
	WDM_STATUS_DIFFERS,
	WDM_CANCELABLE,
	WDM_TOO_MUCH,
	WDM_KEEPS_CANCEL_LOCK,
	WDM_NEVER_CLAIMS,
	WDM_LEAVES_INTERRUPT,
	WDM_LEAVES_ATTACHED,
	WDM_LEAVES_DEVICE,
	WDM_LEAVES_INTERFACE,
	WDM_LEAVES_LINK,
	WDM_LEAVES_POOL,
	WDM_LEAVES_REGISTERS,
	WDM_LEAVES_ADAPTER,
	WDM_INITIALIZING,
	WDM_FAILS_START,
	WDM_FAILS_QUERY_REMOVE,
	WDM_FAILS_REMOVE,
	WDM_FAILS_POWER,
	WDM_FORGETS_CANCEL,
	WDM_SAYS_FAILED,
};

struct wdm_options {
	ULONG io; /* DO_BUFFERED_IO, DO_DIRECT_IO or 0 */
	enum wdm_connect connect;
	enum wdm_mistake mistake;
	void (*probe)(PDEVICE_OBJECT pdo, PDEVICE_OBJECT lower); /* called while it starts */
};

/* Set by a test before its story; what follows is counted by the driver since then. */
extern struct wdm_options wdm;
extern struct wdm_seen {
	unsigned starts, stops, removes, surprises, creates, cleanups, closes, interrupts, claimed, cancelled, d0, d3;
	unsigned state_queries;
	unsigned messages, level; /* granted; its IRQL */
	unsigned line_descriptors, message_descriptors;
	uint64_t bar;
	CCHAR stack;
	PDEVICE_OBJECT pdo;
} wdm_seen;

NTSTATUS NTAPI wdm_adder(PDRIVER_OBJECT driver, PUNICODE_STRING path);

/* Options of a run with it. */
struct us_rehearsal wdm_rehearsal(struct wdm_options options, uint64_t seed);

extern const GUID wdm_interface;

#endif
