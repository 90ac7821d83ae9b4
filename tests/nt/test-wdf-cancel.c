/* SPDX-License-Identifier: Apache-2.0 */
/* Cancellation of requests, in their queues and with the driver, against everything it may race with. */
#include "kmdf.h"

static struct {
	WDFDEVICE device;
	WDFQUEUE queue, other;
	WDFTIMER timer;
	WDFSPINLOCK lock;
	WDFREQUEST request; /* under the lock: to be completed by whoever takes it */
	WDF_SYNCHRONIZATION_SCOPE scope;
	WDF_IO_QUEUE_DISPATCH_TYPE type;
	PFN_WDF_IO_QUEUE_IO_READ read;
	PFN_WDF_IO_QUEUE_IO_CANCELED_ON_QUEUE on_queue;
	unsigned called, completed, on_queue_called;
	bool waits;
} d;

static void NTAPI timer_fired(WDFTIMER timer);

static NTSTATUS NTAPI add(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	WDF_IO_QUEUE_CONFIG config;
	WDF_TIMER_CONFIG timer;

	(void)driver;
	WdfDeviceInitSetIoType(init, WdfDeviceIoBuffered);
	kmdf_expect(NT_SUCCESS(kmdf_device(init, NULL, &d.device)));
	WDF_TIMER_CONFIG_INIT(&timer, timer_fired);
	timer.AutomaticSerialization = FALSE;
	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.ParentObject = d.device;
	kmdf_expect(NT_SUCCESS(WdfTimerCreate(&timer, &attributes, &d.timer)));
	kmdf_expect(NT_SUCCESS(WdfSpinLockCreate(&attributes, &d.lock)));
	WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchManual);
	config.EvtIoCanceledOnQueue = d.on_queue;
	kmdf_expect(NT_SUCCESS(WdfIoQueueCreate(d.device, &config, NULL, &d.other)));
	WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, d.type);
	config.EvtIoRead = d.read;
	config.EvtIoCanceledOnQueue = d.on_queue;
	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.SynchronizationScope = d.scope;
	return WdfIoQueueCreate(d.device, &config, &attributes, &d.queue);
}

static void reset(WDF_IO_QUEUE_DISPATCH_TYPE type, PFN_WDF_IO_QUEUE_IO_READ read)
{
	memset(&d, 0, sizeof(d));
	d.type = type;
	d.read = read;
	d.scope = WdfSynchronizationScopeInheritFromParent;
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

/* -- against completion ------------------------------------------------------------------------------------------- */

static void NTAPI cancel_locked(WDFREQUEST request)
{
	bool mine;

	WdfSpinLockAcquire(d.lock);
	d.called++;
	mine = d.request == request;
	d.request = NULL;
	WdfSpinLockRelease(d.lock);
	kmdf_expect(mine);
	WdfRequestComplete(request, STATUS_CANCELLED);
}

static void NTAPI timer_fired(WDFTIMER timer)
{
	WDFREQUEST request;

	(void)timer;
	WdfSpinLockAcquire(d.lock);
	request = d.request;
	if (request && WdfRequestUnmarkCancelable(request) == STATUS_CANCELLED)
		request = NULL; /* the callback comes, and completes it */
	if (request)
		d.request = NULL;
	WdfSpinLockRelease(d.lock);
	if (!request)
		return;
	d.completed++;
	WdfRequestComplete(request, STATUS_SUCCESS);
}

static void NTAPI read_cancelable(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
	NTSTATUS status;

	(void)queue, (void)length;
	WdfSpinLockAcquire(d.lock);
	status = WdfRequestMarkCancelableEx(request, cancel_locked);
	if (NT_SUCCESS(status)) {
		d.request = request;
		WdfTimerStart(d.timer, -1); /* with the next tick of the clock */
	}
	WdfSpinLockRelease(d.lock);
	if (!NT_SUCCESS(status))
		WdfRequestComplete(request, status);
}

static void cancel_some(struct us_nt_user *user, void *context)
{
	us_nt_handle file = open(user);
	us_nt_status *status = context;
	struct us_nt_io io;
	char data[4];

	us_nt_start_read(user, &io, file, data, 1, 0);
	us_nt_advance(user,
		      us_nt_chance(user, 2) ? 15625000 - 500 + us_nt_chance(user, 4000) : us_nt_chance(user, 20000000));
	us_nt_cancel(user, &io);
	*status = us_nt_wait(user, &io, US_FOREVER);
	us_nt_expect(user, *status == STATUS_SUCCESS || *status == STATUS_CANCELLED);
	us_nt_expect(user, d.called == (*status == STATUS_CANCELLED ? 1u : 0u));
	us_nt_expect(user, d.completed == (*status == STATUS_SUCCESS ? 1u : 0u));
}

static void a_request_is_completed_once_by_its_cancellation_or_by_who_did_it(void **state)
{
	unsigned seed, successes = 0, cancellations = 0;

	(void)state;
	for (seed = 0; seed < 4 * RIG_SEEDS; seed++) {
		us_nt_status status;

		reset(WdfIoQueueDispatchParallel, read_cancelable);
		kmdf_tell_seed(seed, add, cancel_some, &status);
		if (status == STATUS_SUCCESS)
			successes++;
		else
			cancellations++;
	}
	assert_int_not_equal(successes, 0);
	assert_int_not_equal(cancellations, 0);
}

/* -- already cancelled -------------------------------------------------------------------------------------------- */

static void NTAPI cancel(WDFREQUEST request)
{
	d.called++;
	kmdf_expect(WdfRequestUnmarkCancelable(request) == STATUS_CANCELLED);
	WdfRequestComplete(request, STATUS_CANCELLED);
}

static WDFREQUEST take_cancelled(struct us_nt_user *user, struct us_nt_io *io, char *data)
{
	us_nt_handle file = open(user);
	WDFREQUEST request;

	us_nt_start_read(user, io, file, data, 1, 0);
	us_nt_expect_status(user, WdfIoQueueRetrieveNextRequest(d.queue, &request), STATUS_SUCCESS);
	us_nt_expect_status(user, WdfRequestUnmarkCancelable(request), STATUS_INVALID_PARAMETER);
	us_nt_expect(user, !WdfRequestIsCanceled(request));
	us_nt_cancel(user, io);
	us_nt_expect(user, WdfRequestIsCanceled(request) && !us_nt_has_ended(user, io));
	return request;
}

static void mark_cancelled_ex(struct us_nt_user *user, void *context)
{
	struct us_nt_io io;
	char data[4];
	WDFREQUEST request = take_cancelled(user, &io, data);

	(void)context;
	us_nt_expect_status(user, WdfRequestMarkCancelableEx(request, cancel), STATUS_CANCELLED);
	us_nt_expect(user, d.called == 0 && !us_nt_has_ended(user, &io));
	WdfRequestComplete(request, STATUS_CANCELLED);
	us_nt_expect_status(user, us_nt_wait(user, &io, US_FOREVER), STATUS_CANCELLED);
}

static void mark_cancelled(struct us_nt_user *user, void *context)
{
	struct us_nt_io io;
	char data[4];
	WDFREQUEST request = take_cancelled(user, &io, data);

	(void)context;
	WdfRequestMarkCancelable(request, cancel);
	us_nt_expect(user, d.called == 1);
	us_nt_expect_status(user, us_nt_wait(user, &io, US_FOREVER), STATUS_CANCELLED);
}

static void marking_a_cancelled_request_calls_back_at_once_or_says_so(void **state)
{
	(void)state;
	reset(WdfIoQueueDispatchManual, NULL);
	kmdf_tell(add, mark_cancelled_ex, NULL);
	reset(WdfIoQueueDispatchManual, NULL);
	kmdf_tell(add, mark_cancelled, NULL);
}

static void mark_twice(struct us_nt_user *user, void *context)
{
	us_nt_handle file = open(user);
	struct us_nt_io io;
	WDFREQUEST request;
	char data[4];

	(void)context;
	us_nt_start_read(user, &io, file, data, 1, 0);
	us_nt_expect_status(user, WdfIoQueueRetrieveNextRequest(d.queue, &request), STATUS_SUCCESS);
	us_nt_expect_status(user, WdfRequestMarkCancelableEx(request, cancel), STATUS_SUCCESS);
	us_nt_expect_status(user, WdfRequestMarkCancelableEx(request, cancel), STATUS_INVALID_DEVICE_REQUEST);
	us_nt_expect_status(user, WdfRequestUnmarkCancelable(request), STATUS_SUCCESS);
	us_nt_expect_status(user, WdfRequestUnmarkCancelable(request), STATUS_INVALID_PARAMETER);
	us_nt_expect_status(user, WdfRequestMarkCancelableEx(request, cancel), STATUS_SUCCESS);
	us_nt_cancel(user, &io);
	us_nt_expect(user, d.called == 1);
	us_nt_expect_status(user, us_nt_wait(user, &io, US_FOREVER), STATUS_CANCELLED);
	us_nt_start_read(user, &io, file, data, 1, 0);
	us_nt_expect_status(user, WdfIoQueueRetrieveNextRequest(d.queue, &request), STATUS_SUCCESS);
	WdfRequestMarkCancelable(request, cancel);
	WdfRequestMarkCancelable(request, cancel);
}

static void a_request_is_marked_and_unmarked_once(void **state)
{
	(void)state;
	reset(WdfIoQueueDispatchManual, NULL);
	kmdf_tell_breaks("request.mark-cancelable", add, mark_twice, NULL);
}

/* -- before its callback ------------------------------------------------------------------------------------------ */

/* Under the queue's lock, for which the cancellation has to wait. */
static void NTAPI complete_before_callback(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
	PIRP irp = WdfRequestWdmGetIrp(request);

	(void)queue, (void)length;
	kmdf_expect(NT_SUCCESS(WdfRequestMarkCancelableEx(request, cancel)));
	d.waits = true;
	while (!*(volatile BOOLEAN *)&irp->Cancel)
		us_nt_point(100);
	kmdf_expect(WdfRequestUnmarkCancelable(request) == STATUS_CANCELLED && d.called == 0);
	WdfRequestComplete(request, STATUS_CANCELLED);
}

static void cancel_when_it_waits(struct us_nt_user *user, void *context)
{
	while (!d.waits)
		us_nt_advance(user, 100);
	us_nt_cancel(user, context);
}

static void complete_too_early(struct us_nt_user *user, void *context)
{
	us_nt_handle file = open(user);
	struct us_nt_io io;
	char data[4];

	(void)context;
	us_nt_thread(user, cancel_when_it_waits, &io);
	us_nt_start_read(user, &io, file, data, 1, 0);
	us_nt_wait(user, &io, US_FOREVER);
}

static void a_cancelled_request_is_not_completed_before_its_callback(void **state)
{
	(void)state;
	reset(WdfIoQueueDispatchSequential, complete_before_callback);
	d.scope = WdfSynchronizationScopeQueue;
	kmdf_tell_breaks("request.completed-before-cancel", add, complete_too_early, NULL);
}

/* -- in queues ---------------------------------------------------------------------------------------------------- */

static void NTAPI on_queue(WDFQUEUE queue, WDFREQUEST request)
{
	kmdf_expect(WdfRequestGetIoQueue(request) == queue && WdfRequestIsCanceled(request));
	d.on_queue_called++;
	WdfRequestComplete(request, STATUS_CANCELLED);
}

static void NTAPI on_queue_requeue(WDFQUEUE queue, WDFREQUEST request)
{
	(void)queue;
	WdfRequestRequeue(request);
}

static void NTAPI forward(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
	(void)queue, (void)length;
	kmdf_expect(NT_SUCCESS(WdfRequestForwardToIoQueue(request, d.other)));
}

static void cancel_waiting(struct us_nt_user *user, void *context)
{
	us_nt_handle file = open(user);
	struct us_nt_io io;
	char data[4];

	us_nt_start_read(user, &io, file, data, 1, 0);
	us_nt_cancel(user, &io);
	us_nt_expect_status(user, us_nt_wait(user, &io, US_FOREVER), STATUS_CANCELLED);
	us_nt_expect(user, d.on_queue_called == (context ? 1u : 0u));
	us_nt_expect(user, WDF_IO_QUEUE_IDLE(WdfIoQueueGetState(d.other, NULL, NULL)));
	us_nt_expect(user, WDF_IO_QUEUE_IDLE(WdfIoQueueGetState(d.queue, NULL, NULL)));
}

static void what_waits_is_cancelled_and_the_driver_hears_of_what_it_has_had(void **state)
{
	(void)state;
	reset(WdfIoQueueDispatchManual, NULL);
	d.on_queue = on_queue;
	kmdf_tell(add, cancel_waiting, NULL);
	reset(WdfIoQueueDispatchSequential, forward);
	d.on_queue = on_queue;
	kmdf_tell(add, cancel_waiting, &d);
	reset(WdfIoQueueDispatchSequential, forward);
	kmdf_tell(add, cancel_waiting, NULL);
	reset(WdfIoQueueDispatchSequential, forward);
	d.on_queue = on_queue_requeue;
	kmdf_tell_breaks("request.requeued-canceled", add, cancel_waiting, NULL);
}

/* A thread retrieves from the queue while the application cancels. */
static void retrieve(struct us_nt_user *user, void *context)
{
	WDFREQUEST request;

	us_nt_advance(user, us_nt_chance(user, 3000));
	if (NT_SUCCESS(WdfIoQueueRetrieveNextRequest(d.queue, &request))) {
		WdfRequestComplete(request, STATUS_SUCCESS);
		*(unsigned *)context = 1;
	}
}

static void cancel_or_retrieve(struct us_nt_user *user, void *context)
{
	us_nt_handle file = open(user);
	struct us_nt_thread *thread;
	unsigned retrieved = 0;
	us_nt_status status;
	struct us_nt_io io;
	char data[4];

	us_nt_start_read(user, &io, file, data, 1, 0);
	thread = us_nt_thread(user, retrieve, &retrieved);
	us_nt_advance(user, us_nt_chance(user, 3000));
	us_nt_cancel(user, &io);
	status = us_nt_wait(user, &io, US_FOREVER);
	us_nt_join(user, thread);
	us_nt_expect_status(user, status, retrieved ? STATUS_SUCCESS : STATUS_CANCELLED);
	((unsigned *)context)[retrieved]++;
}

static void a_waiting_request_is_retrieved_or_cancelled_never_both(void **state)
{
	unsigned seed, seen[2] = {0};

	(void)state;
	for (seed = 0; seed < 2 * RIG_SEEDS; seed++) {
		reset(WdfIoQueueDispatchManual, NULL);
		kmdf_tell_seed(seed, add, cancel_or_retrieve, seen);
	}
	assert_int_not_equal(seen[0], 0);
	assert_int_not_equal(seen[1], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_completed_once_by_its_cancellation_or_by_who_did_it),
		cmocka_unit_test(marking_a_cancelled_request_calls_back_at_once_or_says_so),
		cmocka_unit_test(a_request_is_marked_and_unmarked_once),
		cmocka_unit_test(a_cancelled_request_is_not_completed_before_its_callback),
		cmocka_unit_test(what_waits_is_cancelled_and_the_driver_hears_of_what_it_has_had),
		cmocka_unit_test(a_waiting_request_is_retrieved_or_cancelled_never_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
