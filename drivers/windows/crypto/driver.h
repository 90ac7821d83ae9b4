/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crypto accelerator's driver: what its files share. They follow the life of a request:
 *
 *     driver.c     the driver is loaded, a device is found: objects are created
 *     power.c      the device gets its resources, is started, sleeps, wakes, goes
 *     request.c    an application opens the device and sends a request: it is checked and queued
 *     engine.c     the device takes the next request; how commands end, are cancelled, time out
 *     dma.c        the data is described to the device, part by part
 *     interrupt.c  the device says that something has happened
 *     hardware.c   registers: the only file that touches them
 *     event.c      what an administrator has to know
 *
 * Locks: DEVICE_CONTEXT.Lock guards the members of its last group, and the contexts of files. It is a spin lock, held
 * shortly, never while the framework is asked to complete or execute anything.
 */
#ifndef CRYPTO_DRIVER_H
#define CRYPTO_DRIVER_H

#include <ntddk.h>
#include <wdf.h>
#include <wdmguid.h>

#include "crypto.h" /* the registers, made from the specification crypto.rdl; CRY-nnn below are its requirements */
#include "events.h" /* made from events.mc */
#include "public.h"
#include "trace.h"
#include "version.h"

/* One for each cause of the device: with that many messages granted, the message number says the cause (CRY-052). */
#define CAUSES 4
#define ALL_CAUSES                                                                                                     \
	(CRYPTO_INT_STATUS_DONE_MASK | CRYPTO_INT_STATUS_ERROR_MASK | CRYPTO_INT_STATUS_RESET_DONE_MASK |              \
	 CRYPTO_INT_STATUS_REFUSED_MASK)

/* Where data goes, as the device sees it; also indices. */
enum direction { INPUT, OUTPUT, DIRECTIONS };

/* An entry of a list (CRY-010). */
typedef struct _DMA_ENTRY {
	ULONG64 Address;
	ULONG Length;
	ULONG Reserved; /* 0 */
} DMA_ENTRY, *PDMA_ENTRY;

typedef enum _ENGINE_STATE {
	EngineOff, /* not in D0, or not started */
	EngineIdle, /* ready for the next request */
	EngineBusy, /* has a request: DEVICE_CONTEXT.Request, or is just completing it: NULL */
	EngineResetting, /* waits for the end of RESET; may still have a request */
	EngineGone, /* the device does not answer any more, or never came back from a reset */
} ENGINE_STATE;

typedef struct _DEVICE_CONTEXT {
	WDFDEVICE Device;

	/* The device, from EvtDevicePrepareHardware on. */
	PUCHAR Registers; /* NULL: not mapped */
	SIZE_T RegistersSize; /* bytes */
	ULONG Version, Features; /* registers of that name */
	ULONG MaximumLength; /* bytes in one command: what the device can process, and its lists describe */
	ULONG ListEntries, WindowEntries; /* in one list */
	BUS_INTERFACE_STANDARD Bus; /* config space */

	/* Interrupts. */
	WDFINTERRUPT Interrupt[CAUSES];
	ULONG InterruptMode; /* enum crypto_interrupts */
	ULONG Messages;
	volatile LONG InterruptCount, OthersInterruptCount;

	/* DMA. */
	WDFDMAENABLER DmaEnabler; /* NULL: none; parent of what follows */
	WDFCOMMONBUFFER ListBuffer[DIRECTIONS];
	PDMA_ENTRY List[DIRECTIONS];
	PHYSICAL_ADDRESS ListAddress[DIRECTIONS]; /* as the device sees it */
	WDFDMATRANSACTION Transaction[DIRECTIONS];

	/* The engine. */
	WDFQUEUE Queue; /* requests for the device, in order */
	WDFTIMER Timer; /* what it means depends on the state: see CryptoEvtTimer */
	WDFDPC NextDpc; /* takes the next request, from where CryptoEngineNext() could recurse */

	WDFSPINLOCK Lock; /* for what follows */
	ENGINE_STATE State;
	WDFREQUEST Request; /* the one that the engine has, or NULL */
	BOOLEAN Running; /* a command of it runs; who clears this, ends the command */
	ULONG64 Deadline; /* when the timer is due, in interrupt time */
	BOOLEAN KeyLoaded; /* the device's key registers may hold somebody's key */
	WDFFILEOBJECT Stream; /* whose message is open in the device: only its requests are served */
	CRYPTO_STATISTICS Statistics; /* all but the interrupts */
} DEVICE_CONTEXT, *PDEVICE_CONTEXT;

WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(DEVICE_CONTEXT, CryptoDeviceContext)

/* Of an open handle. Guarded by the device's lock. */
typedef struct _FILE_CONTEXT {
	BOOLEAN HasKey, HasDigest;
	UCHAR Key[CRYPTO_KEY_BYTES];
	UCHAR Digest[CRYPTO_DIGEST_BYTES];
} FILE_CONTEXT, *PFILE_CONTEXT;

WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(FILE_CONTEXT, CryptoFileContext)

/* Of a request for the device. */
typedef struct _REQUEST_CONTEXT {
	ULONG Command; /* CRYPTO_COMMAND_CODE_… */
	BOOLEAN First, Last; /* of DIGEST: which part of the message it is */
	UCHAR Key[CRYPTO_KEY_BYTES], Iv[CRYPTO_BLOCK_BYTES]; /* of a cipher; taken when the request was sent */

	PMDL Mdl; /* the data; NULL when there is none */
	size_t Length, Done; /* bytes */

	/* The transfer under way. */
	BOOLEAN Active[DIRECTIONS]; /* the transaction is initialised, and has to be ended */
	volatile LONG Ready; /* bit for each direction: its list is written */
	ULONG Entries[DIRECTIONS];
	size_t Listed[DIRECTIONS]; /* bytes that the list describes */
	ULONG Piece; /* bytes of the command under way */

	/* Cancellation; guarded by the device's lock. */
	BOOLEAN CancelSeen; /* the cancel callback has been called */
	BOOLEAN Ended; /* by the engine, as follows; the cancel callback, if still to come, completes it */
	NTSTATUS Status;
	ULONG_PTR Information;
	NTSTATUS StopStatus; /* why it is being aborted, unless cancelled; STATUS_SUCCESS: it is not */
} REQUEST_CONTEXT, *PREQUEST_CONTEXT;

WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(REQUEST_CONTEXT, CryptoRequestContext)

/* -- power.c ------------------------------------------------------------------------------------------------------ */

EVT_WDF_DEVICE_PREPARE_HARDWARE CryptoEvtPrepareHardware;
EVT_WDF_DEVICE_RELEASE_HARDWARE CryptoEvtReleaseHardware;
EVT_WDF_DEVICE_D0_ENTRY CryptoEvtD0Entry;
EVT_WDF_DEVICE_SELF_MANAGED_IO_RESTART CryptoEvtSelfManagedIoRestart; /* and the same for EvtDeviceSelfManagedIoInit */
EVT_WDF_DEVICE_D0_EXIT CryptoEvtD0Exit;
EVT_WDF_DEVICE_SURPRISE_REMOVAL CryptoEvtSurpriseRemoval;

/* -- request.c ---------------------------------------------------------------------------------------------------- */

EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL CryptoEvtDeviceControl;
EVT_WDF_FILE_CLEANUP CryptoEvtFileCleanup;
EVT_WDF_FILE_CLOSE CryptoEvtFileClose;
EVT_WDF_OBJECT_CONTEXT_CLEANUP CryptoEvtRequestCleanup;

/* -- engine.c ----------------------------------------------------------------------------------------------------- */

EVT_WDF_IO_QUEUE_IO_STOP CryptoEvtIoStop;
EVT_WDF_TIMER CryptoEvtTimer;
EVT_WDF_DPC CryptoEvtNextDpc;

/* Takes requests while the engine is idle. Up to DISPATCH_LEVEL. */
VOID CryptoEngineNext(PDEVICE_CONTEXT Context);

/* All lists of the next command are written (or none is needed): starts it. At DISPATCH_LEVEL. */
VOID CryptoEngineLaunch(PDEVICE_CONTEXT Context, WDFREQUEST Request);

/* Ends the engine's request, which has no command running; its transfers are ended already. Up to DISPATCH_LEVEL. */
VOID CryptoEngineEnd(PDEVICE_CONTEXT Context, WDFREQUEST Request, NTSTATUS Status);

/* Something has happened: looks at the device, and acts. At DISPATCH_LEVEL. */
VOID CryptoEngineService(PDEVICE_CONTEXT Context);

/* Ends what the engine does for a file, or for all with NULL: its request fails with `Status`. Up to DISPATCH_LEVEL. */
VOID CryptoEngineStop(PDEVICE_CONTEXT Context, WDFFILEOBJECT File, NTSTATUS Status);

/* The device is gone: its request fails, no further one is taken. FALSE: that was known. Up to DISPATCH_LEVEL. */
BOOLEAN CryptoEngineGone(PDEVICE_CONTEXT Context);

/* -- dma.c -------------------------------------------------------------------------------------------------------- */

/* The enabler, the list buffers and the transactions; and their end. At PASSIVE_LEVEL. */
NTSTATUS CryptoDmaCreate(PDEVICE_CONTEXT Context);
VOID CryptoDmaDelete(PDEVICE_CONTEXT Context);

/* Maps the request's data; CryptoEngineLaunch() is called when a first piece is described. */
NTSTATUS CryptoDmaStart(PDEVICE_CONTEXT Context, WDFREQUEST Request);

/* Cuts the lists to one command's length and returns it. 0: less than a cipher block is mapped. Under the lock. */
ULONG CryptoDmaPiece(PDEVICE_CONTEXT Context, PREQUEST_CONTEXT Request);

/* The command is done. TRUE: so is the data. FALSE: the next piece is on its way, as after CryptoDmaStart(). */
BOOLEAN CryptoDmaAdvance(PDEVICE_CONTEXT Context, WDFREQUEST Request);

/* Ends the request's transfers; the device, which has stopped, has moved so many bytes of them. */
VOID CryptoDmaEnd(PDEVICE_CONTEXT Context, PREQUEST_CONTEXT Request, ULONG Moved);

/* -- interrupt.c -------------------------------------------------------------------------------------------------- */

NTSTATUS CryptoInterruptsCreate(PDEVICE_CONTEXT Context);

/* Which way of interrupting the system granted. */
VOID CryptoInterruptsGranted(PDEVICE_CONTEXT Context, WDFCMRESLIST Raw);

/* -- hardware.c --------------------------------------------------------------------------------------------------- */

/* All ones: the device is gone. */
#define NOBODY 0xFFFFFFFFu

ULONG CryptoHwRead(PDEVICE_CONTEXT Context, ULONG Register);
VOID CryptoHwWrite(PDEVICE_CONTEXT Context, ULONG Register, ULONG Value);

/* Finds the registers among memory resources, by their identity, maps them and reads what the device can do. */
NTSTATUS CryptoHwMap(PDEVICE_CONTEXT Context, WDFCMRESLIST Translated);
VOID CryptoHwUnmap(PDEVICE_CONTEXT Context);

/* RESET, and waits for its end. At PASSIVE_LEVEL, while no request is with the device and it does not interrupt. */
NTSTATUS CryptoHwReset(PDEVICE_CONTEXT Context);

/* Programs and starts the request's next command. */
VOID CryptoHwStart(PDEVICE_CONTEXT Context, PREQUEST_CONTEXT Request, BOOLEAN First, BOOLEAN Last);

/* Writes zeros over the device's key and initialisation vector. */
VOID CryptoHwForgetKey(PDEVICE_CONTEXT Context);

VOID CryptoHwReadDigest(PDEVICE_CONTEXT Context, UCHAR Digest[CRYPTO_DIGEST_BYTES]);

/* Takes bus mastering from a device that can not be stopped in any other way, so that its memory can be given back. */
VOID CryptoHwIsolate(PDEVICE_CONTEXT Context);

/* -- event.c ------------------------------------------------------------------------------------------------------ */

/* Writes an event, EVENT_… of events.mc, to the system's log. Up to DISPATCH_LEVEL. */
VOID CryptoLogEvent(PDEVICE_CONTEXT Context, NTSTATUS Event);

#endif
