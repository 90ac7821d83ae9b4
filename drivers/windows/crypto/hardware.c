/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers: the only file that touches them. Names, masks and requirements (CRY-nnn) are those of the specification.
 */
#include "driver.h"

#define SUPPORTED_MAJOR 1u

/* CRY-040: a reset takes 10 microseconds; a model on a busy machine takes longer. */
#define RESET_POLL_US 10
#define RESET_POLLS 20 /* then, after each, the processor is left to others for a clock tick */
#define RESET_TICKS 1000

#define COMMAND_REGISTER FIELD_OFFSET(PCI_COMMON_HEADER, Command)

/* A list of so few entries is quicker written to the window than fetched from memory by the device. */
#define ENTRIES_FOR_WINDOW 4

ULONG CryptoHwRead(PDEVICE_CONTEXT Context, ULONG Register)
{
	return READ_REGISTER_ULONG((PULONG)(PVOID)(Context->Registers + Register));
}

VOID CryptoHwWrite(PDEVICE_CONTEXT Context, ULONG Register, ULONG Value)
{
	WRITE_REGISTER_ULONG((PULONG)(PVOID)(Context->Registers + Register), Value);
}

/* -- finding the device ------------------------------------------------------------------------------------------- */

static NTSTATUS Map(PDEVICE_CONTEXT Context, PHYSICAL_ADDRESS Address, SIZE_T Size)
{
	/* Registers have side effects: no access may be cached, combined or repeated. */
	Context->Registers = MmMapIoSpace(Address, Size, MmNonCached);
	Context->RegistersSize = Size;
	return Context->Registers ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

VOID CryptoHwUnmap(PDEVICE_CONTEXT Context)
{
	if (Context->Registers)
		MmUnmapIoSpace(Context->Registers, Context->RegistersSize);
	Context->Registers = NULL;
}

/*
 * What the device can do; and whether this driver knows it. (STATUS_NOT_SUPPORTED would say so best, but is not for
 * EvtDevicePrepareHardware to return.)
 */
static NTSTATUS Identify(PDEVICE_CONTEXT Context)
{
	ULONG limits = CryptoHwRead(Context, CRYPTO_LIMITS);

	Context->Version = CryptoHwRead(Context, CRYPTO_VERSION);
	Context->Features = CryptoHwRead(Context, CRYPTO_FEATURES);
	Context->MaximumLength = CryptoHwRead(Context, CRYPTO_MAX_LENGTH);
	Context->ListEntries = (limits & CRYPTO_LIMITS_LIST_ENTRIES_MASK) >> CRYPTO_LIMITS_LIST_ENTRIES_SHIFT;
	Context->WindowEntries = (limits & CRYPTO_LIMITS_WINDOW_ENTRIES_MASK) >> CRYPTO_LIMITS_WINDOW_ENTRIES_SHIFT;
	if (Context->WindowEntries > CRYPTO_IN_WINDOW_COUNT)
		Context->WindowEntries = CRYPTO_IN_WINDOW_COUNT;

	if ((Context->Version & CRYPTO_VERSION_MAJOR_MASK) >> CRYPTO_VERSION_MAJOR_SHIFT != SUPPORTED_MAJOR) {
		CryptoError("hardware",
			    "the device follows version %lu.%lu of the specification, this driver version %u",
			    Context->Version >> CRYPTO_VERSION_MAJOR_SHIFT,
			    Context->Version & CRYPTO_VERSION_MINOR_MASK, SUPPORTED_MAJOR);
		CryptoLogEvent(Context, EVENT_UNKNOWN_VERSION);
		return STATUS_REVISION_MISMATCH;
	}

	/* Larger requests are split, which takes chains; and nothing works without lists. */
	if (!(Context->Features & CRYPTO_FEATURES_CHAINS_MASK) || Context->ListEntries < 2 ||
	    Context->MaximumLength < PAGE_SIZE) {
		CryptoError("hardware", "features %08lx, %lu entries, %lu bytes: too little to work with",
			    Context->Features, Context->ListEntries, Context->MaximumLength);
		return STATUS_DEVICE_CONFIGURATION_ERROR;
	}

	/* What the framework hands over at once has to fit the list, wherever in a page it begins. */
	if (BYTES_TO_PAGES(Context->MaximumLength) >= Context->ListEntries)
		Context->MaximumLength = (Context->ListEntries - 1) * PAGE_SIZE;

	/* Nor may it be cut within a block: where data goes through a copy, the whole of a transfer is copied back. */
	Context->MaximumLength -= Context->MaximumLength % CRYPTO_BLOCK_BYTES;
	return STATUS_SUCCESS;
}

NTSTATUS CryptoHwMap(PDEVICE_CONTEXT Context, WDFCMRESLIST Translated)
{
	PCM_PARTIAL_RESOURCE_DESCRIPTOR resource;
	NTSTATUS status;
	ULONG i;

	for (i = 0; i < WdfCmResourceListGetCount(Translated); i++) {
		resource = WdfCmResourceListGetDescriptor(Translated, i);
		if (resource->Type != CmResourceTypeMemory || resource->u.Memory.Length < CRYPTO_BAR0_SIZE)
			continue;
		status = Map(Context, resource->u.Memory.Start, resource->u.Memory.Length);
		if (!NT_SUCCESS(status))
			return status;
		if (CryptoHwRead(Context, CRYPTO_ID) == CRYPTO_ID_MAGIC_CRYP)
			return Identify(Context);
		CryptoHwUnmap(Context); /* the MSI-X table, or whatever a later version has there */
	}
	CryptoError("hardware", "none of the %lu resources holds the registers", WdfCmResourceListGetCount(Translated));
	CryptoLogEvent(Context, EVENT_NOT_THE_DEVICE);
	return STATUS_DEVICE_CONFIGURATION_ERROR;
}

/* -- commands ----------------------------------------------------------------------------------------------------- */

NTSTATUS CryptoHwReset(PDEVICE_CONTEXT Context)
{
	LARGE_INTEGER tick;
	ULONG polls, status;

	tick.QuadPart = WDF_REL_TIMEOUT_IN_MS(1);
	CryptoHwWrite(Context, CRYPTO_COMMAND, CRYPTO_COMMAND_CODE_RESET);
	for (polls = 0; polls < RESET_POLLS + RESET_TICKS; polls++) {
		status = CryptoHwRead(Context, CRYPTO_STATUS);
		if (status == NOBODY)
			return STATUS_DEVICE_DOES_NOT_EXIST;
		if (status & CRYPTO_STATUS_READY_MASK)
			return STATUS_SUCCESS;
		if (polls < RESET_POLLS)
			KeStallExecutionProcessor(RESET_POLL_US);
		else
			KeDelayExecutionThread(KernelMode, FALSE, &tick);
	}
	return STATUS_IO_TIMEOUT;
}

static VOID WriteWords(PDEVICE_CONTEXT Context, ULONG Register, const UCHAR *Bytes, ULONG Words)
{
	ULONG i, word;

	for (i = 0; i < Words; i++) {
		RtlCopyMemory(&word, Bytes + i * sizeof(word), sizeof(word));
		CryptoHwWrite(Context, Register + i * (ULONG)sizeof(word), word);
	}
}

/* Where the list of one direction is: the window when it has few entries, else memory. Returns the bit for CONTROL. */
static ULONG GiveList(PDEVICE_CONTEXT Context, PREQUEST_CONTEXT Request, enum direction Direction)
{
	static const struct {
		ULONG low, high, count, window, control;
	} registers[DIRECTIONS] = {
		{CRYPTO_IN_LIST_LO, CRYPTO_IN_LIST_HI, CRYPTO_IN_COUNT, CRYPTO_IN_WINDOW(0),
		 CRYPTO_CONTROL_IN_WINDOW_MASK},
		{CRYPTO_OUT_LIST_LO, CRYPTO_OUT_LIST_HI, CRYPTO_OUT_COUNT, CRYPTO_OUT_WINDOW(0),
		 CRYPTO_CONTROL_OUT_WINDOW_MASK},
	};
	ULONG count = Request->Active[Direction] ? Request->Entries[Direction] : 0;
	PHYSICAL_ADDRESS address = Context->ListAddress[Direction];
	PDMA_ENTRY list = Context->List[Direction];
	ULONG i, entry;

	CryptoHwWrite(Context, registers[Direction].count, count);
	if (count == 0)
		return 0;
	if (!(Context->Features & CRYPTO_FEATURES_WINDOWS_MASK) || count > ENTRIES_FOR_WINDOW ||
	    count > Context->WindowEntries) {
		CryptoHwWrite(Context, registers[Direction].low, address.LowPart);
		CryptoHwWrite(Context, registers[Direction].high, (ULONG)address.HighPart);
		return 0;
	}
	for (i = 0; i < count; i++) {
		entry = registers[Direction].window + i * CRYPTO_IN_WINDOW_STRIDE;
		CryptoHwWrite(Context, entry, (ULONG)list[i].Address);
		CryptoHwWrite(Context, entry + FIELD_OFFSET(DMA_ENTRY, Address) + 4, (ULONG)(list[i].Address >> 32));
		CryptoHwWrite(Context, entry + FIELD_OFFSET(DMA_ENTRY, Length), list[i].Length);
	}
	return registers[Direction].control;
}

VOID CryptoHwStart(PDEVICE_CONTEXT Context, PREQUEST_CONTEXT Request, BOOLEAN First, BOOLEAN Last)
{
	ULONG control, windows;

	/* A chain of commands keeps the key it began with (CRY-031). */
	if (Request->Command != CRYPTO_COMMAND_CODE_DIGEST && First) {
		WriteWords(Context, CRYPTO_KEY(0), Request->Key, CRYPTO_KEY_COUNT);
		WriteWords(Context, CRYPTO_IV(0), Request->Iv, CRYPTO_IV_COUNT);
		Context->KeyLoaded = TRUE;
		RtlSecureZeroMemory(Request->Key, sizeof(Request->Key));
	}
	windows = GiveList(Context, Request, INPUT) | GiveList(Context, Request, OUTPUT);
	if (windows)
		Context->Statistics.WindowCommands++;
	control = windows | (First ? CRYPTO_CONTROL_FIRST_MASK : 0) | (Last ? CRYPTO_CONTROL_LAST_MASK : 0);
	CryptoHwWrite(Context, CRYPTO_CONTROL, control);
	CryptoHwWrite(Context, CRYPTO_LENGTH, Request->Piece);

	/* The lists are in memory before the device looks: the write of a register waits for earlier writes. */
	CryptoHwWrite(Context, CRYPTO_COMMAND, Request->Command);
}

VOID CryptoHwForgetKey(PDEVICE_CONTEXT Context)
{
	static const UCHAR zeros[CRYPTO_KEY_BYTES];

	WriteWords(Context, CRYPTO_KEY(0), zeros, CRYPTO_KEY_COUNT);
	WriteWords(Context, CRYPTO_IV(0), zeros, CRYPTO_IV_COUNT);
}

VOID CryptoHwReadDigest(PDEVICE_CONTEXT Context, UCHAR Digest[CRYPTO_DIGEST_BYTES])
{
	ULONG i, word;

	for (i = 0; i < CRYPTO_DIGEST_COUNT; i++) {
		word = CryptoHwRead(Context, CRYPTO_DIGEST(i));
		RtlCopyMemory(Digest + i * sizeof(word), &word, sizeof(word));
	}
}

VOID CryptoHwIsolate(PDEVICE_CONTEXT Context)
{
	USHORT command;

	if (!Context->Bus.GetBusData)
		return;
	if (Context->Bus.GetBusData(Context->Bus.Context, PCI_WHICHSPACE_CONFIG, &command, COMMAND_REGISTER,
				    sizeof(command)) != sizeof(command))
		return;
	command &= (USHORT)~PCI_ENABLE_BUS_MASTER;
	Context->Bus.SetBusData(Context->Bus.Context, PCI_WHICHSPACE_CONFIG, &command, COMMAND_REGISTER,
				sizeof(command));
}
