/* SPDX-License-Identifier: Apache-2.0 */
/* DMA enablers, common buffers, transactions. The device is played by the test: it does what EvtProgramDma lists. */
#include "kmdf.h"

#define PAGES 8

static struct {
	WDFDEVICE device;
	WDFDMAENABLER enabler;
	WDFDMATRANSACTION transaction;
	WDF_DMA_PROFILE profile;
	size_t maximum;
	size_t elements; /* 0: no limit */
	unsigned programmed;
	size_t lengths[32];
	PHYSICAL_ADDRESS addresses[256];
	ULONG fragment[256];
	unsigned nfragments;
	KIRQL irql;
	bool complete; /* in EvtProgramDma */
	BOOLEAN done;
	NTSTATUS status;
	char order[64];
	NTSTATUS fill;
} d;

/* The device: writes or reads its pattern at the addresses of the list. */
static void move(WDF_DMA_DIRECTION direction, PSCATTER_GATHER_LIST list)
{
	ULONG i, j;

	for (i = 0; i < list->NumberOfElements; i++) {
		unsigned char *memory = us_nt_linear((uint64_t)list->Elements[i].Address.QuadPart);

		kmdf_expect(memory);
		for (j = 0; j < list->Elements[i].Length; j++) {
			if (direction == WdfDmaDirectionReadFromDevice)
				memory[j] = 0xd0;
			else
				kmdf_expect(memory[j] == 0x5e);
		}
	}
}

static BOOLEAN NTAPI program(WDFDMATRANSACTION transaction, WDFDEVICE device, WDFCONTEXT context,
			     WDF_DMA_DIRECTION direction, PSCATTER_GATHER_LIST list)
{
	ULONG i;

	kmdf_expect(context == &d && device == d.device && transaction == d.transaction);
	kmdf_expect(d.programmed < 32);
	d.irql = us_nt_irql();
	d.lengths[d.programmed] = 0;
	for (i = 0; i < list->NumberOfElements; i++) {
		d.lengths[d.programmed] += list->Elements[i].Length;
		d.addresses[d.nfragments % 256] = list->Elements[i].Address;
		d.fragment[d.nfragments++ % 256] = list->Elements[i].Length;
	}
	d.programmed++;
	kmdf_expect(WdfDmaTransactionGetCurrentDmaTransferLength(transaction) == d.lengths[d.programmed - 1]);
	move(direction, list);
	if (d.complete)
		d.done = WdfDmaTransactionDmaCompleted(transaction, &d.status);
	return TRUE;
}

static void happened(char what)
{
	size_t length = strlen(d.order);

	if (length + 1 < sizeof(d.order))
		d.order[length] = what;
}

static NTSTATUS NTAPI fill(WDFDMAENABLER enabler)
{
	(void)enabler;
	happened('f');
	return d.fill;
}

static NTSTATUS NTAPI enable(WDFDMAENABLER enabler)
{
	(void)enabler;
	happened('e');
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI io_start(WDFDMAENABLER enabler)
{
	(void)enabler;
	happened('s');
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI io_stop(WDFDMAENABLER enabler)
{
	(void)enabler;
	happened('S');
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI disable(WDFDMAENABLER enabler)
{
	(void)enabler;
	happened('E');
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI flush(WDFDMAENABLER enabler)
{
	(void)enabler;
	happened('F');
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI add(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
	WDF_DMA_ENABLER_CONFIG config;
	NTSTATUS status;

	(void)driver;
	kmdf_expect(NT_SUCCESS(kmdf_device(init, NULL, &d.device)));
	WDF_DMA_ENABLER_CONFIG_INIT(&config, d.profile, d.maximum);
	config.EvtDmaEnablerFill = fill;
	config.EvtDmaEnablerEnable = enable;
	config.EvtDmaEnablerSelfManagedIoStart = io_start;
	config.EvtDmaEnablerSelfManagedIoStop = io_stop;
	config.EvtDmaEnablerDisable = disable;
	config.EvtDmaEnablerFlush = flush;
	status = WdfDmaEnablerCreate(d.device, &config, NULL, &d.enabler);
	if (NT_SUCCESS(status) && d.elements)
		WdfDmaEnablerSetMaximumScatterGatherElements(d.enabler, d.elements);
	return status;
}

static void reset(WDF_DMA_PROFILE profile, size_t maximum)
{
	memset(&d, 0, sizeof(d));
	d.profile = profile;
	d.maximum = maximum;
}

static PMDL buffer(struct us_nt_user *user, size_t size, int value, void **memory)
{
	PMDL mdl;

	*memory = US_IMPORT(ExAllocatePoolWithTag)(NonPagedPool, size, 0x31414d44);
	us_nt_expect(user, *memory);
	memset(*memory, value, size);
	mdl = US_IMPORT(IoAllocateMdl)(*memory, (ULONG)size, FALSE, FALSE, NULL);
	us_nt_expect(user, mdl);
	US_IMPORT(MmBuildMdlForNonPagedPool)(mdl);
	return mdl;
}

static void release(PMDL mdl, void *memory)
{
	US_IMPORT(IoFreeMdl)(mdl);
	US_IMPORT(ExFreePoolWithTag)(memory, 0x31414d44);
}

static bool all(const unsigned char *memory, size_t size, int value)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (memory[i] != value)
			return false;
	return true;
}

static void make(struct us_nt_user *user)
{
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
	us_nt_expect_status(user, WdfDmaTransactionCreate(d.enabler, NULL, &d.transaction), STATUS_SUCCESS);
}

/* -- enablers and common buffers ---------------------------------------------------------------------------------- */

static NTSTATUS NTAPI add_wrongly(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
	WDF_DMA_ENABLER_CONFIG config;

	(void)driver;
	kmdf_expect(NT_SUCCESS(kmdf_device(init, NULL, &d.device)));
	WDF_DMA_ENABLER_CONFIG_INIT(&config, WdfDmaProfileScatterGather64, 0);
	kmdf_expect(WdfDmaEnablerCreate(d.device, &config, NULL, &d.enabler) == STATUS_INVALID_PARAMETER);
	WDF_DMA_ENABLER_CONFIG_INIT(&config, WdfDmaProfileInvalid, 4096);
	kmdf_expect(WdfDmaEnablerCreate(d.device, &config, NULL, &d.enabler) == STATUS_INVALID_PARAMETER);
	WDF_DMA_ENABLER_CONFIG_INIT(&config, WdfDmaProfileScatterGather, 4096);
	config.AddressWidthOverride = 40;
	kmdf_expect(WdfDmaEnablerCreate(d.device, &config, NULL, &d.enabler) == STATUS_INVALID_PARAMETER);
	config.Size--;
	kmdf_expect(WdfDmaEnablerCreate(d.device, &config, NULL, &d.enabler) == STATUS_INFO_LENGTH_MISMATCH);
	return STATUS_SUCCESS;
}

static void plug_in(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
}

static void common_buffer(struct us_nt_user *user, void *context)
{
	WDF_COMMON_BUFFER_CONFIG config;
	PHYSICAL_ADDRESS logical;
	WDFCOMMONBUFFER common;
	unsigned char *memory;

	make(user);
	WDF_COMMON_BUFFER_CONFIG_INIT(&config, 0x3fff);
	us_nt_expect_status(user, WdfCommonBufferCreate(d.enabler, 0, NULL, &common), STATUS_INVALID_PARAMETER);
	us_nt_expect_status(user, WdfCommonBufferCreateWithConfig(d.enabler, 10000, &config, NULL, &common),
			    STATUS_SUCCESS);
	logical = WdfCommonBufferGetAlignedLogicalAddress(common);
	memory = WdfCommonBufferGetAlignedVirtualAddress(common);
	us_nt_expect(user, (logical.QuadPart & 0x3fff) == 0 && WdfCommonBufferGetLength(common) == 10000);
	us_nt_expect(user, context || logical.QuadPart + 10000 <= 0x100000000);
	memory[9999] = 0x77;
	us_nt_expect(user, ((unsigned char *)us_nt_linear((uint64_t)logical.QuadPart))[9999] == 0x77);
	WdfObjectDelete(common);
}

static void enablers_and_common_buffers_are_as_asked_for(void **state)
{
	(void)state;
	reset(WdfDmaProfileScatterGather64, 4096);
	kmdf_tell(add_wrongly, plug_in, NULL);
	kmdf_tell(add, common_buffer, &d);
	reset(WdfDmaProfileScatterGather, 4096);
	kmdf_tell(add, common_buffer, NULL);
}

static void power(struct us_nt_user *user, void *context)
{
	us_nt_status status = us_nt_plug_in(user);

	if (context) {
		us_nt_expect(user, !NT_SUCCESS(status) && strcmp(d.order, "f") == 0);
		return;
	}
	us_nt_expect_status(user, status, STATUS_SUCCESS);
	us_nt_expect(user, strcmp(d.order, "fes") == 0);
	us_nt_expect_status(user, us_nt_sleep_system(user), STATUS_SUCCESS);
	us_nt_expect(user, strcmp(d.order, "fesSEF") == 0);
	us_nt_expect_status(user, us_nt_wake_system(user), STATUS_SUCCESS);
	us_nt_advance(user, 1000000);
	us_nt_expect(user, strcmp(d.order, "fesSEFfes") == 0);
}

static void an_enabler_hears_of_power_in_order(void **state)
{
	(void)state;
	reset(WdfDmaProfileScatterGather64, 4096);
	kmdf_tell(add, power, NULL);
	reset(WdfDmaProfileScatterGather64, 4096);
	d.fill = STATUS_INSUFFICIENT_RESOURCES;
	kmdf_tell(add, power, &d);
}

/* -- transactions ------------------------------------------------------------------------------------------------- */

static void transfer(struct us_nt_user *user, void *context)
{
	size_t size = PAGES * 4096 - 300, offset = 100, maximum = d.maximum, done = 0;
	bool in = context != NULL;
	void *memory;
	PMDL mdl = buffer(user, PAGES * 4096, in ? 0 : 0x5e, &memory);
	NTSTATUS status;
	unsigned i;

	make(user);
	us_nt_expect_status(
		user,
		WdfDmaTransactionInitialize(d.transaction, program,
					    in ? WdfDmaDirectionReadFromDevice : WdfDmaDirectionWriteToDevice, mdl,
					    (char *)MmGetMdlVirtualAddress(mdl) + offset, size),
		STATUS_SUCCESS);
	us_nt_expect_status(user, WdfDmaTransactionExecute(d.transaction, &d), STATUS_SUCCESS);
	us_nt_advance(user, 1000000);
	while (!WdfDmaTransactionDmaCompleted(d.transaction, &status)) {
		us_nt_expect_status(user, status, STATUS_MORE_PROCESSING_REQUIRED);
		us_nt_advance(user, 1000000);
	}
	us_nt_expect_status(user, status, STATUS_SUCCESS);
	us_nt_expect(user, WdfDmaTransactionGetBytesTransferred(d.transaction) == size);
	for (i = 0; i < d.programmed; i++) {
		us_nt_expect(user, d.lengths[i] <= maximum);
		done += d.lengths[i];
	}
	us_nt_expect(user, done == size && d.irql == DISPATCH_LEVEL);
	if (in)
		us_nt_expect(user, all(memory, offset, 0) && all((unsigned char *)memory + offset, size, 0xd0) &&
					   all((unsigned char *)memory + offset + size, 200, 0));
	us_nt_expect_status(user, WdfDmaTransactionRelease(d.transaction), STATUS_SUCCESS);
	WdfObjectDelete(d.transaction);
	release(mdl, memory);
}

static void data_is_moved_in_transfers_of_the_longest_length(void **state)
{
	static const WDF_DMA_PROFILE profiles[] = {
		WdfDmaProfilePacket,
		WdfDmaProfilePacket64,
		WdfDmaProfileScatterGather,
		WdfDmaProfileScatterGather64,
		WdfDmaProfileScatterGatherDuplex,
		WdfDmaProfileScatterGather64Duplex,
	};
	static const size_t lengths[] = {1000000, 8192, 5000, 4096};
	unsigned i, j;

	(void)state;
	for (i = 0; i < 6; i++) {
		for (j = 0; j < 4; j++) {
			reset(profiles[i], lengths[j]);
			kmdf_tell(add, transfer, NULL);
			reset(profiles[i], lengths[j]);
			kmdf_tell(add, transfer, &d);
		}
	}
}

/* With profiles of 32 bits, whatever is above 4 GiB is copied; with those of 64 bits the device sees it. */
static void look_at_addresses(struct us_nt_user *user, void *context)
{
	bool wide = context != NULL, above = false;
	unsigned i;

	transfer(user, NULL);
	for (i = 0; i < d.nfragments; i++)
		above |= d.addresses[i].QuadPart >= 0x100000000;
	us_nt_expect(user, above == wide);
}

static void a_device_of_32_bits_sees_nothing_above_4_gib(void **state)
{
	(void)state;
	reset(WdfDmaProfileScatterGather, 100000);
	kmdf_tell(add, look_at_addresses, NULL);
	reset(WdfDmaProfileScatterGather64, 100000);
	kmdf_tell(add, look_at_addresses, &d);
}

static void in_pieces(struct us_nt_user *user, void *context)
{
	void *memory;
	PMDL mdl = buffer(user, 4096, 0x5e, &memory);
	NTSTATUS status;

	(void)context;
	make(user);
	us_nt_expect_status(user,
			    WdfDmaTransactionInitializeUsingOffset(d.transaction, program, WdfDmaDirectionWriteToDevice,
								   mdl, 96, 4000),
			    STATUS_SUCCESS);
	WdfDmaTransactionSetMaximumLength(d.transaction, 1000);
	us_nt_expect_status(user, WdfDmaTransactionExecute(d.transaction, &d), STATUS_SUCCESS);
	us_nt_expect(user, !WdfDmaTransactionDmaCompletedWithLength(d.transaction, 10, &status));
	us_nt_expect(user, WdfDmaTransactionGetBytesTransferred(d.transaction) == 10);
	us_nt_expect(user, WdfDmaTransactionDmaCompletedFinal(d.transaction, 500, &status));
	us_nt_expect_status(user, status, STATUS_SUCCESS);
	us_nt_expect(user, WdfDmaTransactionGetBytesTransferred(d.transaction) == 510 && d.programmed == 2);
	us_nt_expect_status(user, WdfDmaTransactionRelease(d.transaction), STATUS_SUCCESS);
	release(mdl, memory);
}

static void fragments(struct us_nt_user *user, void *context)
{
	void *memory;
	PMDL mdl = buffer(user, PAGES * 4096, 0x5e, &memory);

	make(user);
	us_nt_expect(user, WdfDmaEnablerGetMaximumScatterGatherElements(d.enabler) == d.elements);
	us_nt_expect_status(user,
			    WdfDmaTransactionInitialize(d.transaction, program, WdfDmaDirectionWriteToDevice, mdl,
							MmGetMdlVirtualAddress(mdl), PAGES * 4096),
			    context ? STATUS_SUCCESS : STATUS_WDF_TOO_FRAGMENTED);
	us_nt_expect_status(user, WdfDmaTransactionRelease(d.transaction), STATUS_SUCCESS);
	release(mdl, memory);
}

static void the_device_says_how_much_was_moved_and_takes_so_many_fragments(void **state)
{
	(void)state;
	reset(WdfDmaProfileScatterGather64, 100000);
	kmdf_tell(add, in_pieces, NULL);
	reset(WdfDmaProfileScatterGather64, 100000);
	d.elements = PAGES - 1;
	kmdf_tell(add, fragments, NULL);
	reset(WdfDmaProfileScatterGather64, 100000);
	d.elements = PAGES;
	kmdf_tell(add, fragments, &d);
	reset(WdfDmaProfileScatterGather64, 2 * 4096);
	d.elements = 2;
	kmdf_tell(add, fragments, &d);
}

static void at_once(struct us_nt_user *user, void *context)
{
	void *memory;
	PMDL mdl = buffer(user, 3 * 4096, 0x5e, &memory);

	(void)context;
	make(user);
	us_nt_expect_status(user, WdfDmaTransactionExecute(d.transaction, &d), STATUS_INVALID_DEVICE_REQUEST);
	us_nt_expect_status(user,
			    WdfDmaTransactionInitialize(d.transaction, program, WdfDmaDirectionWriteToDevice, mdl,
							MmGetMdlVirtualAddress(mdl), 3 * 4096),
			    STATUS_SUCCESS);
	d.complete = true;
	us_nt_expect_status(user, WdfDmaTransactionExecute(d.transaction, &d), STATUS_SUCCESS);
	us_nt_expect(user, WdfDmaTransactionGetBytesTransferred(d.transaction) == 3 * 4096 && d.programmed == 3);
	us_nt_expect_status(user, WdfDmaTransactionRelease(d.transaction), STATUS_SUCCESS);
	release(mdl, memory);
}

static void a_transaction_may_be_over_before_execute_returns(void **state)
{
	(void)state;
	reset(WdfDmaProfileScatterGather64, 4096);
	kmdf_tell(add, at_once, NULL);
}

/* -- mistakes ----------------------------------------------------------------------------------------------------- */

enum mistake {
	INITIALIZE_TWICE,
	EXECUTE_TWICE,
	RELEASE_ACTIVE,
	DELETE_ACTIVE,
	COMPLETE_TWICE,
	COMPLETE_TOO_MUCH,
	LENGTH_EARLY
};

static NTSTATUS initialize(PMDL mdl)
{
	return WdfDmaTransactionInitialize(d.transaction, program, WdfDmaDirectionWriteToDevice, mdl,
					   MmGetMdlVirtualAddress(mdl), 4096);
}

static void err(struct us_nt_user *user, void *context)
{
	enum mistake mistake = *(enum mistake *)context;
	NTSTATUS status;
	void *memory;
	PMDL mdl = buffer(user, 4096, 0x5e, &memory);

	make(user);
	if (mistake == LENGTH_EARLY)
		WdfDmaTransactionSetMaximumLength(d.transaction, 10);
	us_nt_expect_status(user, initialize(mdl), STATUS_SUCCESS);
	if (mistake == INITIALIZE_TWICE)
		initialize(mdl);
	WdfDmaTransactionExecute(d.transaction, &d);
	if (mistake == EXECUTE_TWICE)
		WdfDmaTransactionExecute(d.transaction, &d);
	if (mistake == RELEASE_ACTIVE)
		WdfDmaTransactionRelease(d.transaction);
	if (mistake == DELETE_ACTIVE)
		WdfObjectDelete(d.transaction);
	if (mistake == COMPLETE_TOO_MUCH)
		WdfDmaTransactionDmaCompletedWithLength(d.transaction, 4097, &status);
	WdfDmaTransactionDmaCompleted(d.transaction, &status);
	WdfDmaTransactionDmaCompleted(d.transaction, &status);
}

static void what_a_driver_may_not_do_with_a_transaction_ends_the_run(void **state)
{
	static const char *const rules[] = {
		[INITIALIZE_TWICE] = "dma.initialized-twice", [EXECUTE_TWICE] = "dma.executed-twice",
		[RELEASE_ACTIVE] = "dma.released-active",     [DELETE_ACTIVE] = "dma.deleted-active",
		[COMPLETE_TWICE] = "dma.completed-inactive",  [COMPLETE_TOO_MUCH] = "dma.completed-length",
		[LENGTH_EARLY] = "dma.maximum-length-early",
	};
	enum mistake mistake;

	(void)state;
	for (mistake = INITIALIZE_TWICE; mistake <= LENGTH_EARLY; mistake++) {
		reset(WdfDmaProfileScatterGather64, 4096);
		kmdf_tell_breaks(rules[mistake], add, err, &mistake);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(enablers_and_common_buffers_are_as_asked_for),
		cmocka_unit_test(an_enabler_hears_of_power_in_order),
		cmocka_unit_test(data_is_moved_in_transfers_of_the_longest_length),
		cmocka_unit_test(a_device_of_32_bits_sees_nothing_above_4_gib),
		cmocka_unit_test(the_device_says_how_much_was_moved_and_takes_so_many_fragments),
		cmocka_unit_test(a_transaction_may_be_over_before_execute_returns),
		cmocka_unit_test(what_a_driver_may_not_do_with_a_transaction_ends_the_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
