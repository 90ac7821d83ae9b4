/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: their buffers, their way to other queues, their end, and what a driver may not do with them. */
#include "kmdf.h"

#define BUFFERED KMDF_IOCTL(1, METHOD_BUFFERED)
#define OUT_DIRECT KMDF_IOCTL(2, METHOD_OUT_DIRECT)
#define IN_DIRECT KMDF_IOCTL(3, METHOD_IN_DIRECT)
#define NEITHER KMDF_IOCTL(4, METHOD_NEITHER)

/* What the driver does with each control code or read. */
static struct {
	WDFDEVICE device;
	WDFQUEUE queue, other;
	void (*control)(WDFREQUEST request, size_t out, size_t in);
	void (*in_caller)(WDFREQUEST request);
	WDF_DEVICE_IO_TYPE io_type;
	unsigned cleaned, destroyed;
	bool irp_in_cleanup;
	WDFREQUEST request;
} d;

typedef struct {
	int nothing;
} REQUEST_CONTEXT;
WDF_DECLARE_CONTEXT_TYPE(REQUEST_CONTEXT)

static void NTAPI cleanup(WDFOBJECT object)
{
	d.cleaned++;
	d.irp_in_cleanup = WdfRequestWdmGetIrp((WDFREQUEST)object) != NULL;
}

static void NTAPI destroyed(WDFOBJECT object)
{
	(void)object;
	d.destroyed++;
}

static void NTAPI control(WDFQUEUE queue, WDFREQUEST request, size_t out, size_t in, ULONG code)
{
	(void)queue, (void)code;
	d.control(request, out, in);
}

static void NTAPI transfer(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
	(void)queue;
	d.control(request, length, length);
}

static void NTAPI in_caller_context(WDFDEVICE device, WDFREQUEST request)
{
	if (d.in_caller)
		d.in_caller(request);
	else
		kmdf_expect(NT_SUCCESS(WdfDeviceEnqueueRequest(device, request)));
}

static NTSTATUS NTAPI add(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	WDF_IO_QUEUE_CONFIG config;

	(void)driver;
	WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, REQUEST_CONTEXT);
	attributes.EvtCleanupCallback = cleanup;
	attributes.EvtDestroyCallback = destroyed;
	WdfDeviceInitSetRequestAttributes(init, &attributes);
	WdfDeviceInitSetIoType(init, d.io_type);
	WdfDeviceInitSetIoInCallerContextCallback(init, in_caller_context);
	kmdf_expect(NT_SUCCESS(kmdf_device(init, NULL, &d.device)));
	WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchManual);
	kmdf_expect(NT_SUCCESS(WdfIoQueueCreate(d.device, &config, NULL, &d.other)));
	WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
	config.EvtIoDeviceControl = control;
	config.EvtIoRead = config.EvtIoWrite = transfer;
	return WdfIoQueueCreate(d.device, &config, NULL, &d.queue);
}

static void reset(void (*with)(WDFREQUEST request, size_t out, size_t in))
{
	memset(&d, 0, sizeof(d));
	d.control = with;
	d.io_type = WdfDeviceIoBuffered;
}

static us_nt_handle open(struct us_nt_user *user)
{
	us_nt_status status;
	us_nt_handle file;

	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
	file = us_nt_open(user, US_NT_READ | US_NT_WRITE, &status);
	us_nt_expect_status(user, status, STATUS_SUCCESS);
	return file;
}

/* -- buffers ------------------------------------------------------------------------------------------------------ */

static void look_at_buffers(WDFREQUEST request, size_t out, size_t in)
{
	size_t in_length = 99, out_length = 99;
	PVOID in_buffer, out_buffer;
	WDFMEMORY memory, again;
	PMDL mdl;

	kmdf_expect(in == 4 && out == 8);
	kmdf_expect(WdfRequestRetrieveInputBuffer(request, 5, &in_buffer, &in_length) == STATUS_BUFFER_TOO_SMALL);
	kmdf_expect(!in_buffer && in_length == 0);
	kmdf_expect(NT_SUCCESS(WdfRequestRetrieveInputBuffer(request, 4, &in_buffer, &in_length)) && in_length == 4);
	kmdf_expect(WdfRequestRetrieveOutputBuffer(request, 9, &out_buffer, NULL) == STATUS_BUFFER_TOO_SMALL);
	kmdf_expect(NT_SUCCESS(WdfRequestRetrieveOutputBuffer(request, 0, &out_buffer, &out_length)) &&
		    out_length == 8);
	kmdf_expect(memcmp(in_buffer, "ping", 4) == 0);
	kmdf_expect(NT_SUCCESS(WdfRequestRetrieveOutputMemory(request, &memory)));
	kmdf_expect(WdfMemoryGetBuffer(memory, &out_length) == out_buffer && out_length == 8);
	kmdf_expect(NT_SUCCESS(WdfRequestRetrieveOutputMemory(request, &again)) && again == memory);
	kmdf_expect(NT_SUCCESS(WdfRequestRetrieveOutputWdmMdl(request, &mdl)) && MmGetMdlByteCount(mdl) == 8);
	kmdf_expect(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) != NULL);
	memcpy(out_buffer, "pong....", 8);
	WdfRequestCompleteWithInformation(request, STATUS_SUCCESS, 5);
}

static void ask(struct us_nt_user *user, void *context)
{
	ULONG code = *(ULONG *)context;
	us_nt_handle file = open(user);
	uint64_t returned = 0;
	char out[8] = "xxxxxxx";

	us_nt_expect_status(user, us_nt_control(user, file, code, "ping", 4, out, 8, &returned), STATUS_SUCCESS);
	us_nt_expect(user, returned == 5);
	if (code != IN_DIRECT) /* that one's "output" is input too */
		us_nt_expect(user, memcmp(out, "pong", 4) == 0);
}

static void buffers_are_where_the_method_of_transfer_says(void **state)
{
	ULONG codes[] = {BUFFERED, OUT_DIRECT, IN_DIRECT};
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		reset(look_at_buffers);
		kmdf_tell(add, ask, &codes[i]);
		assert_int_equal(d.cleaned, 1);
		assert_int_equal(d.destroyed, 1);
		assert_true(d.irp_in_cleanup);
	}
}

/* -- whose it is -------------------------------------------------------------------------------------------------- */

#define GATE(name) ((__typeof__(&(us_##name)))(uintptr_t)us_nt_gate(us_nt_find_export(NULL, #name)))
PEPROCESS NTAPI us_IoGetRequestorProcess(PIRP irp);
ULONG NTAPI us_IoGetRequestorProcessId(PIRP irp);

/* The queue's callback runs in the application's thread, which is in a system call. */
static void look_at_process(WDFREQUEST request, size_t out, size_t in)
{
	PIRP irp = WdfRequestWdmGetIrp(request), own = IoAllocateIrp(1, FALSE);
	PEPROCESS process = GATE(IoGetRequestorProcess)(irp);

	(void)out, (void)in;
	kmdf_expect(process && process == US_IMPORT(IoGetCurrentProcess)());
	kmdf_expect(GATE(IoGetRequestorProcessId)(irp) == HandleToUlong(PsGetCurrentProcessId()));
	kmdf_expect(US_IMPORT(ExGetPreviousMode)() == UserMode);
	kmdf_expect(!GATE(IoGetRequestorProcess)(own) && !GATE(IoGetRequestorProcessId)(own));
	own->Tail.Overlay.Thread = irp->Tail.Overlay.Thread;
	own->RequestorMode = UserMode;
	kmdf_expect(GATE(IoGetRequestorProcess)(own) == process);
	own->Tail.Overlay.Thread = (PETHREAD)(uintptr_t)0x1000; /* some other one's, in the system */
	own->RequestorMode = KernelMode;
	kmdf_expect(GATE(IoGetRequestorProcess)(own) != process);
	own->Tail.Overlay.Thread = NULL;
	IoFreeIrp(own);
	WdfRequestComplete(request, STATUS_SUCCESS);
}

static void ask_once(struct us_nt_user *user, void *context)
{
	us_nt_handle file = open(user);

	(void)context;
	us_nt_expect_status(user, us_nt_control(user, file, BUFFERED, NULL, 0, NULL, 0, NULL), STATUS_SUCCESS);
	us_nt_expect(user, ExGetPreviousMode() == KernelMode);
}

static void a_request_is_its_applications(void **state)
{
	(void)state;
	reset(look_at_process);
	kmdf_tell(add, ask_once, NULL);
}

/* -- no buffers --------------------------------------------------------------------------------------------------- */

static void no_buffers(WDFREQUEST request, size_t out, size_t in)
{
	PVOID buffer;
	PMDL mdl;

	(void)out, (void)in;
	kmdf_expect(WdfRequestRetrieveInputBuffer(request, 0, &buffer, NULL) == STATUS_BUFFER_TOO_SMALL);
	kmdf_expect(WdfRequestRetrieveOutputBuffer(request, 0, &buffer, NULL) == STATUS_BUFFER_TOO_SMALL);
	kmdf_expect(WdfRequestRetrieveOutputWdmMdl(request, &mdl) == STATUS_BUFFER_TOO_SMALL);
	WdfRequestComplete(request, STATUS_SUCCESS);
}

static void only_output(WDFREQUEST request, size_t out, size_t in)
{
	PVOID buffer;

	(void)in;
	kmdf_expect(WdfRequestRetrieveInputBuffer(request, 0, &buffer, NULL) == STATUS_INVALID_DEVICE_REQUEST);
	kmdf_expect(NT_SUCCESS(WdfRequestRetrieveOutputBuffer(request, out, &buffer, NULL)));
	memset(buffer, 'r', out);
	WdfRequestCompleteWithInformation(request, STATUS_SUCCESS, out);
}

static void ask_nothing(struct us_nt_user *user, void *context)
{
	us_nt_handle file = open(user);

	(void)context;
	us_nt_expect_status(user, us_nt_control(user, file, BUFFERED, NULL, 0, NULL, 0, NULL), STATUS_SUCCESS);
}

static void read_some(struct us_nt_user *user, void *context)
{
	us_nt_handle file = open(user);
	uint64_t returned = 0;
	char data[10000];

	(void)context;
	us_nt_expect_status(user, us_nt_read(user, file, data, sizeof(data), 0, &returned), STATUS_SUCCESS);
	us_nt_expect(user, returned == sizeof(data) && data[0] == 'r' && data[sizeof(data) - 1] == 'r');
}

static void what_a_request_has_no_buffer_for_can_not_be_retrieved(void **state)
{
	(void)state;
	reset(no_buffers);
	kmdf_tell(add, ask_nothing, NULL);
	reset(only_output);
	kmdf_tell(add, read_some, NULL);
	reset(only_output);
	d.io_type = WdfDeviceIoDirect;
	kmdf_tell(add, read_some, NULL);
}

/* METHOD_NEITHER: only in the caller's context, checked and locked there. */
static void lock_in_caller(WDFREQUEST request)
{
	PVOID in, out;
	WDFMEMORY memory;
	size_t length;

	kmdf_expect(NT_SUCCESS(WdfRequestRetrieveUnsafeUserInputBuffer(request, 4, &in, &length)) && length == 4);
	kmdf_expect(NT_SUCCESS(WdfRequestRetrieveUnsafeUserOutputBuffer(request, 8, &out, NULL)));
	kmdf_expect(WdfRequestRetrieveUnsafeUserOutputBuffer(request, 9, &out, NULL) == STATUS_BUFFER_TOO_SMALL);
	kmdf_expect(WdfRequestProbeAndLockUserBufferForRead(request, in, 0, &memory) == STATUS_INVALID_USER_BUFFER);
	kmdf_expect(WdfRequestProbeAndLockUserBufferForRead(request, (PVOID)16, 4, &memory) == STATUS_ACCESS_VIOLATION);
	kmdf_expect(NT_SUCCESS(WdfRequestProbeAndLockUserBufferForRead(request, in, 4, &memory)));
	kmdf_expect(memcmp(WdfMemoryGetBuffer(memory, NULL), "ping", 4) == 0);
	WdfRequestRetrieveUnsafeUserOutputBuffer(request, 8, &out, NULL);
	kmdf_expect(NT_SUCCESS(WdfRequestProbeAndLockUserBufferForWrite(request, out, 8, &memory)));
	memcpy(WdfMemoryGetBuffer(memory, NULL), "pong....", 8);
	kmdf_expect(NT_SUCCESS(WdfDeviceEnqueueRequest(d.device, request)));
}

static void neither(WDFREQUEST request, size_t out, size_t in)
{
	PVOID buffer;

	(void)in;
	kmdf_expect(WdfRequestRetrieveOutputBuffer(request, out, &buffer, NULL) == STATUS_INVALID_DEVICE_REQUEST);
	kmdf_expect(WdfRequestRetrieveUnsafeUserOutputBuffer(request, 0, &buffer, NULL) ==
		    STATUS_INVALID_DEVICE_REQUEST);
	WdfRequestCompleteWithInformation(request, STATUS_SUCCESS, 5);
}

static void an_applications_own_buffers_are_locked_in_its_context(void **state)
{
	ULONG code = NEITHER;

	(void)state;
	reset(neither);
	d.in_caller = lock_in_caller;
	kmdf_tell(add, ask, &code);
}

/* -- the end ------------------------------------------------------------------------------------------------------ */

static void report_framework_status(WDFREQUEST request, size_t out, size_t in)
{
	(void)out, (void)in;
	WdfRequestSetInformation(request, 0);
	kmdf_expect(WdfRequestGetInformation(request) == 0);
	WdfRequestComplete(request, STATUS_WDF_BUSY);
}

static void ask_busy(struct us_nt_user *user, void *context)
{
	us_nt_handle file = open(user);

	(void)context;
	us_nt_expect_status(user, us_nt_control(user, file, BUFFERED, NULL, 0, NULL, 0, NULL), STATUS_DEVICE_BUSY);
}

static void applications_hear_nothing_of_the_frameworks_own_status_values(void **state)
{
	(void)state;
	reset(report_framework_status);
	kmdf_tell(add, ask_busy, NULL);
}

static void NTAPI cancelled(WDFREQUEST request)
{
	WdfRequestComplete(request, STATUS_CANCELLED);
}

static void complete_twice(WDFREQUEST request, size_t out, size_t in)
{
	(void)out, (void)in;
	WdfRequestComplete(request, STATUS_SUCCESS);
	WdfRequestComplete(request, STATUS_SUCCESS);
}

static void complete_twice_referenced(WDFREQUEST request, size_t out, size_t in)
{
	(void)out, (void)in;
	WdfObjectReferenceActual(request, NULL, 0, NULL);
	WdfRequestComplete(request, STATUS_SUCCESS);
	WdfRequestComplete(request, STATUS_SUCCESS);
}

static void use_after_completion(WDFREQUEST request, size_t out, size_t in)
{
	(void)out, (void)in;
	WdfRequestComplete(request, STATUS_SUCCESS);
	WdfRequestSetInformation(request, 1);
}

static void complete_cancelable(WDFREQUEST request, size_t out, size_t in)
{
	(void)out, (void)in;
	kmdf_expect(NT_SUCCESS(WdfRequestMarkCancelableEx(request, cancelled)));
	WdfRequestComplete(request, STATUS_SUCCESS);
}

static void complete_pending(WDFREQUEST request, size_t out, size_t in)
{
	(void)out, (void)in;
	WdfRequestComplete(request, STATUS_PENDING);
}

static void complete_too_long(WDFREQUEST request, size_t out, size_t in)
{
	(void)in;
	WdfRequestCompleteWithInformation(request, STATUS_SUCCESS, out + 1);
}

static void complete_forwarded(WDFREQUEST request, size_t out, size_t in)
{
	(void)out, (void)in;
	kmdf_expect(NT_SUCCESS(WdfRequestForwardToIoQueue(request, d.other)));
	WdfRequestComplete(request, STATUS_SUCCESS);
}

static void forward_to_own(WDFREQUEST request, size_t out, size_t in)
{
	(void)out, (void)in;
	WdfRequestForwardToIoQueue(request, d.queue);
}

static void forward_cancelable(WDFREQUEST request, size_t out, size_t in)
{
	(void)out, (void)in;
	kmdf_expect(NT_SUCCESS(WdfRequestMarkCancelableEx(request, cancelled)));
	WdfRequestForwardToIoQueue(request, d.other);
}

static void acknowledge_unasked(WDFREQUEST request, size_t out, size_t in)
{
	(void)out, (void)in;
	WdfRequestStopAcknowledge(request, TRUE);
}

static void delete (WDFREQUEST request, size_t out, size_t in)
{
	(void)out, (void)in;
	WdfObjectDelete(request);
}

static void ask_if_canceled(WDFREQUEST request, size_t out, size_t in)
{
	(void)out, (void)in;
	kmdf_expect(!WdfRequestIsCanceled(request));
	kmdf_expect(NT_SUCCESS(WdfRequestMarkCancelableEx(request, cancelled)));
	WdfRequestIsCanceled(request);
}

static void what_a_driver_may_not_do_with_a_request_ends_the_run(void **state)
{
	static const struct {
		const char *rule;
		void (*control)(WDFREQUEST request, size_t out, size_t in);
	} mistakes[] = {
		{"request.completed-twice", complete_twice},
		{"request.completed-twice", complete_twice_referenced},
		{"request.used-after-completion", use_after_completion},
		{"request.completed-cancelable", complete_cancelable},
		{"request.completed-pending", complete_pending},
		{"request.information", complete_too_long},
		{"request.not-owned", complete_forwarded},
		{"request.forwarded-to-own-queue", forward_to_own},
		{"request.requeued-cancelable", forward_cancelable},
		{"request.stop-not-asked", acknowledge_unasked},
		{"object.not-deletable", delete},
		{"request.is-canceled", ask_if_canceled},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		reset(mistakes[i].control);
		kmdf_tell_breaks(mistakes[i].rule, add, ask_nothing, NULL);
	}
}

/* -- to another queue --------------------------------------------------------------------------------------------- */

static void forward(WDFREQUEST request, size_t out, size_t in)
{
	(void)out, (void)in;
	d.request = request;
	kmdf_expect(NT_SUCCESS(WdfRequestForwardToIoQueue(request, d.other)));
}

static void forward_to_stopped(WDFREQUEST request, size_t out, size_t in)
{
	(void)out, (void)in;
	WdfIoQueueDrain(d.other, NULL, NULL);
	kmdf_expect(WdfRequestForwardToIoQueue(request, d.other) == STATUS_WDF_BUSY);
	WdfRequestComplete(request, STATUS_SUCCESS);
}

static void take_forwarded(struct us_nt_user *user, void *context)
{
	us_nt_handle file = open(user);
	struct us_nt_io io;
	WDFREQUEST request;

	(void)context;
	us_nt_start_control(user, &io, file, BUFFERED, NULL, 0, NULL, 0);
	us_nt_expect_status(user, WdfIoQueueRetrieveNextRequest(d.other, &request), STATUS_SUCCESS);
	us_nt_expect(user, request == d.request && WdfRequestGetIoQueue(request) == d.other);
	WdfRequestComplete(request, STATUS_SUCCESS);
	us_nt_expect_status(user, us_nt_wait(user, &io, US_FOREVER), STATUS_SUCCESS);
}

static void a_request_is_forwarded_to_a_queue_that_accepts_it(void **state)
{
	(void)state;
	reset(forward);
	kmdf_tell(add, take_forwarded, NULL);
	reset(forward_to_stopped);
	kmdf_tell(add, ask_nothing, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffers_are_where_the_method_of_transfer_says),
		cmocka_unit_test(a_request_is_its_applications),
		cmocka_unit_test(what_a_request_has_no_buffer_for_can_not_be_retrieved),
		cmocka_unit_test(an_applications_own_buffers_are_locked_in_its_context),
		cmocka_unit_test(applications_hear_nothing_of_the_frameworks_own_status_values),
		cmocka_unit_test(what_a_driver_may_not_do_with_a_request_ends_the_run),
		cmocka_unit_test(a_request_is_forwarded_to_a_queue_that_accepts_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
