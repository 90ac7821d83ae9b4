/* SPDX-License-Identifier: Apache-2.0 */
/* Queues: how they are made, and how they present requests. */
#include "kmdf.h"

#define MANY 8

/* The driver: whatever a test wants of its device and queue. */
static struct {
	WDFDEVICE device;
	WDFQUEUE queue, other;
	WDFDPC dpc;
	WDF_IO_QUEUE_CONFIG config;
	WDF_OBJECT_ATTRIBUTES attributes;
	unsigned owned, most, presented;
	ULONG lengths[64]; /* in the order in which they were presented */
	WDFREQUEST pending[64];
	unsigned npending;
	bool inside, overlap;
	KIRQL irql;
	unsigned cancelled, states, ready;
} d;

static void reset(WDF_IO_QUEUE_DISPATCH_TYPE type)
{
	memset(&d, 0, sizeof(d));
	WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&d.config, type);
	WDF_OBJECT_ATTRIBUTES_INIT(&d.attributes);
}

static void NTAPI complete_one(WDFDPC dpc)
{
	WDFREQUEST request = NULL;

	if (d.npending) {
		request = d.pending[0];
		d.npending--;
		memmove(d.pending, d.pending + 1, d.npending * sizeof(d.pending[0]));
		d.owned--;
	}
	if (request)
		WdfRequestCompleteWithInformation(request, STATUS_SUCCESS, 1);
	if (d.npending)
		WdfDpcEnqueue(dpc);
}

static void keep(WDFREQUEST request, size_t length)
{
	d.lengths[d.presented++ % 64] = (ULONG)length;
	d.pending[d.npending++] = request;
	if (++d.owned > d.most)
		d.most = d.owned;
}

/* Keeps a request, and has it completed a little later in a DPC. */
static void NTAPI later(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
	(void)queue;
	keep(request, length);
	WdfDpcEnqueue(d.dpc);
}

static void NTAPI at_once(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
	(void)queue;
	kmdf_expect(!d.inside);
	d.inside = true;
	d.lengths[d.presented++ % 64] = (ULONG)length;
	WdfRequestCompleteWithInformation(request, STATUS_SUCCESS, length);
	d.inside = false;
}

static void NTAPI never(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
	(void)queue;
	keep(request, length);
}

static void make_dpc(void)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	WDF_DPC_CONFIG config;

	WDF_DPC_CONFIG_INIT(&config, complete_one);
	config.AutomaticSerialization = FALSE;
	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.ParentObject = d.device;
	kmdf_expect(NT_SUCCESS(WdfDpcCreate(&config, &attributes, &d.dpc)));
}

static NTSTATUS NTAPI add(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
	NTSTATUS status;

	(void)driver;
	WdfDeviceInitSetIoType(init, WdfDeviceIoBuffered);
	status = kmdf_device(init, NULL, &d.device);
	if (!NT_SUCCESS(status))
		return status;
	make_dpc();
	return WdfIoQueueCreate(d.device, &d.config, &d.attributes, &d.queue);
}

/* -- creation ----------------------------------------------------------------------------------------------------- */

static NTSTATUS create(WDFQUEUE *queue)
{
	return WdfIoQueueCreate(d.device, &d.config, WDF_NO_OBJECT_ATTRIBUTES, queue);
}

static NTSTATUS NTAPI add_and_check(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
	WDFQUEUE queue = NULL;

	(void)driver;
	kmdf_expect(NT_SUCCESS(kmdf_device(init, NULL, &d.device)));
	d.config.Size--;
	kmdf_expect(create(&queue) == STATUS_INFO_LENGTH_MISMATCH && !queue);
	WDF_IO_QUEUE_CONFIG_INIT(&d.config, WdfIoQueueDispatchInvalid);
	kmdf_expect(create(&queue) == STATUS_INVALID_PARAMETER);
	WDF_IO_QUEUE_CONFIG_INIT(&d.config, WdfIoQueueDispatchSequential);
	kmdf_expect(create(&queue) == STATUS_WDF_NO_CALLBACK);
	WDF_IO_QUEUE_CONFIG_INIT(&d.config, WdfIoQueueDispatchParallel);
	d.config.EvtIoRead = at_once;
	d.config.Settings.Parallel.NumberOfPresentedRequests = 0;
	kmdf_expect(create(&queue) == STATUS_INVALID_PARAMETER);
	WDF_IO_QUEUE_CONFIG_INIT(&d.config, WdfIoQueueDispatchManual);
	kmdf_expect(NT_SUCCESS(create(&queue)) && WdfIoQueueGetDevice(queue) == d.device);
	kmdf_expect(!WdfDeviceGetDefaultQueue(d.device));
	d.config.DefaultQueue = TRUE;
	kmdf_expect(NT_SUCCESS(create(&queue)) && WdfDeviceGetDefaultQueue(d.device) == queue);
	kmdf_expect(create(&queue) == STATUS_UNSUCCESSFUL);
	queue = WdfDeviceGetDefaultQueue(d.device);
	kmdf_expect(WdfDeviceConfigureRequestDispatching(d.device, queue, WdfRequestTypePnp) ==
		    STATUS_INVALID_PARAMETER);
	kmdf_expect(NT_SUCCESS(WdfDeviceConfigureRequestDispatching(d.device, queue, WdfRequestTypeRead)));
	kmdf_expect(WdfDeviceConfigureRequestDispatching(d.device, queue, WdfRequestTypeRead) == STATUS_WDF_BUSY);
	return STATUS_SUCCESS;
}

static void plug_in(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
}

static void a_queue_is_created_as_its_configuration_says_or_not_at_all(void **state)
{
	(void)state;
	reset(WdfIoQueueDispatchSequential);
	kmdf_tell(add_and_check, plug_in, NULL);
}

/* -- presenting --------------------------------------------------------------------------------------------------- */

static us_nt_handle open(struct us_nt_user *user)
{
	us_nt_status status;
	us_nt_handle file;

	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
	file = us_nt_open(user, US_NT_READ | US_NT_WRITE, &status);
	us_nt_expect_status(user, status, STATUS_SUCCESS);
	return file;
}

/* Reads of 1, 2, 3, … bytes, all at once. */
static void start_many(struct us_nt_user *user, struct us_nt_io *io, us_nt_handle file)
{
	static char data[64];
	unsigned i;

	for (i = 0; i < MANY; i++)
		us_nt_start_read(user, &io[i], file, data, i + 1, 0);
}

static void read_many(struct us_nt_user *user, void *context)
{
	us_nt_handle file = open(user);
	struct us_nt_io io[MANY];
	unsigned i;

	if (context) /* they are all there when the first is presented */
		WdfIoQueueStopSynchronously(d.queue);
	start_many(user, io, file);
	if (context)
		WdfIoQueueStart(d.queue);
	for (i = 0; i < MANY; i++)
		us_nt_expect_status(user, us_nt_wait(user, &io[i], US_FOREVER), STATUS_SUCCESS);
	us_nt_expect(user, d.presented == MANY);
	for (i = 0; i < MANY; i++)
		us_nt_expect(user, d.lengths[i] == i + 1);
}

static void a_sequential_queue_presents_one_at_a_time_in_order(void **state)
{
	unsigned seed;

	(void)state;
	for (seed = 0; seed < RIG_SEEDS; seed++) {
		reset(WdfIoQueueDispatchSequential);
		d.config.EvtIoRead = later;
		kmdf_tell_seed(seed, add, read_many, NULL);
		assert_int_equal(d.most, 1);
	}
}

static void completing_within_the_callback_does_not_recurse(void **state)
{
	(void)state;
	reset(WdfIoQueueDispatchSequential);
	d.config.EvtIoRead = at_once;
	kmdf_tell(add, read_many, &d);
}

static void a_parallel_queue_presents_up_to_its_limit(void **state)
{
	(void)state;
	reset(WdfIoQueueDispatchParallel);
	d.config.EvtIoRead = later;
	d.config.Settings.Parallel.NumberOfPresentedRequests = 3;
	kmdf_tell(add, read_many, NULL);
	assert_in_range(d.most, 1, 3);
}

static void present_none(struct us_nt_user *user, void *context)
{
	us_nt_handle file = open(user);
	char data[8];

	us_nt_expect_status(user, us_nt_write(user, file, data, sizeof(data), 0, NULL), STATUS_INVALID_DEVICE_REQUEST);
	us_nt_expect_status(user, us_nt_read(user, file, data, 0, 0, NULL), STATUS_SUCCESS);
	us_nt_expect(user, d.presented == (context ? 1u : 0u));
}

static void what_no_handler_takes_fails_and_transfers_of_nothing_are_done_already(void **state)
{
	(void)state;
	reset(WdfIoQueueDispatchSequential);
	d.config.EvtIoRead = at_once;
	kmdf_tell(add, present_none, NULL);
	reset(WdfIoQueueDispatchSequential);
	d.config.EvtIoRead = at_once;
	d.config.AllowZeroLengthRequests = TRUE;
	kmdf_tell(add, present_none, &d);
}

/* -- synchronization scope and execution level -------------------------------------------------------------------- */

static void NTAPI scoped(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
	(void)queue;
	if (d.inside)
		d.overlap = true;
	d.inside = true;
	d.irql = us_nt_irql();
	d.lengths[d.presented++ % 64] = (ULONG)length;
	WdfRequestCompleteWithInformation(request, STATUS_SUCCESS, length); /* the next is not presented in here */
	d.inside = false;
}

static void callbacks_of_a_scope_never_overlap(void **state)
{
	unsigned seed;

	(void)state;
	for (seed = 0; seed < RIG_SEEDS; seed++) {
		reset(WdfIoQueueDispatchParallel);
		d.config.EvtIoRead = scoped;
		d.attributes.SynchronizationScope = WdfSynchronizationScopeQueue;
		kmdf_tell_seed(seed, add, read_many, seed % 2 ? &d : NULL);
		assert_false(d.overlap);
		assert_int_equal(d.irql, DISPATCH_LEVEL);
	}
	reset(WdfIoQueueDispatchSequential);
	d.config.EvtIoRead = scoped;
	d.attributes.ExecutionLevel = WdfExecutionLevelPassive;
	d.attributes.SynchronizationScope = WdfSynchronizationScopeQueue;
	kmdf_tell(add, read_many, NULL);
	assert_int_equal(d.irql, PASSIVE_LEVEL);
}

/* -- manual ------------------------------------------------------------------------------------------------------- */

static void NTAPI now_ready(WDFQUEUE queue, WDFCONTEXT context)
{
	WDFREQUEST request;

	kmdf_expect(context == &d);
	d.ready++;
	while (NT_SUCCESS(WdfIoQueueRetrieveNextRequest(queue, &request)))
		WdfRequestCompleteWithInformation(request, STATUS_SUCCESS, 1);
}

static NTSTATUS NTAPI add_ready(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
	NTSTATUS status = add(driver, init);

	kmdf_expect(WdfIoQueueReadyNotify(d.queue, NULL, NULL) == STATUS_INVALID_DEVICE_REQUEST);
	kmdf_expect(NT_SUCCESS(WdfIoQueueReadyNotify(d.queue, now_ready, &d)));
	kmdf_expect(WdfIoQueueReadyNotify(d.queue, now_ready, &d) == STATUS_INVALID_DEVICE_REQUEST);
	kmdf_expect(WdfIoQueueReadyNotify(d.queue, NULL, NULL) == STATUS_INVALID_DEVICE_REQUEST); /* not stopped */
	return status;
}

static void read_one(struct us_nt_user *user, void *context)
{
	us_nt_handle file = open(user);
	char data[8];

	(void)context;
	us_nt_expect_status(user, us_nt_read(user, file, data, 1, 0, NULL), STATUS_SUCCESS);
	us_nt_expect_status(user, us_nt_read(user, file, data, 1, 0, NULL), STATUS_SUCCESS);
	us_nt_expect(user, d.ready >= 2);
}

static void a_manual_queue_says_when_it_is_no_longer_empty(void **state)
{
	(void)state;
	reset(WdfIoQueueDispatchManual);
	kmdf_tell(add_ready, read_one, NULL);
}

static WDFREQUEST find(WDFREQUEST after, WDF_REQUEST_PARAMETERS *parameters)
{
	WDFREQUEST found = NULL;

	WDF_REQUEST_PARAMETERS_INIT(parameters);
	kmdf_expect(NT_SUCCESS(WdfIoQueueFindRequest(d.queue, after, NULL, parameters, &found)) && found);
	return found;
}

static void take_by_hand(struct us_nt_user *user, void *context)
{
	WDF_REQUEST_PARAMETERS parameters;
	WDFREQUEST request, first, second, third;
	us_nt_handle file = open(user);
	struct us_nt_io io[2];
	char data[8];
	ULONG queued, drivers;

	(void)context;
	us_nt_expect_status(user, WdfIoQueueRetrieveNextRequest(d.queue, &request), STATUS_NO_MORE_ENTRIES);
	us_nt_start_read(user, &io[0], file, data, 1, 0);
	us_nt_start_read(user, &io[1], file, data, 2, 0);
	WdfIoQueueGetState(d.queue, &queued, &drivers);
	us_nt_expect(user, queued == 2 && drivers == 0);
	first = find(NULL, &parameters);
	us_nt_expect(user, parameters.Type == WdfRequestTypeRead && parameters.Parameters.Read.Length == 1);
	second = find(first, &parameters);
	us_nt_expect(user, parameters.Parameters.Read.Length == 2);
	us_nt_expect_status(user, WdfIoQueueFindRequest(d.queue, second, NULL, NULL, &third), STATUS_NO_MORE_ENTRIES);
	us_nt_expect_status(user, WdfIoQueueRetrieveFoundRequest(d.queue, second, &request), STATUS_SUCCESS);
	us_nt_expect(user, request == second);
	us_nt_expect_status(user, WdfIoQueueRetrieveFoundRequest(d.queue, second, &request), STATUS_NOT_FOUND);
	us_nt_expect_status(user, WdfIoQueueFindRequest(d.queue, second, NULL, NULL, &third), STATUS_NOT_FOUND);
	us_nt_expect_status(user, WdfRequestRequeue(second), STATUS_SUCCESS); /* to the head */
	us_nt_expect_status(user, WdfIoQueueRetrieveNextRequest(d.queue, &request), STATUS_SUCCESS);
	us_nt_expect(user, request == second);
	WdfRequestComplete(request, STATUS_SUCCESS);
	us_nt_expect_status(user, WdfIoQueueRetrieveNextRequest(d.queue, &request), STATUS_SUCCESS);
	us_nt_expect(user, request == first && WdfRequestGetIoQueue(request) == d.queue);
	WdfRequestComplete(request, STATUS_SUCCESS);
	WdfObjectDereferenceActual(first, NULL, 0, NULL);
	WdfObjectDereferenceActual(second, NULL, 0, NULL);
	us_nt_wait(user, &io[0], US_FOREVER);
	us_nt_wait(user, &io[1], US_FOREVER);
}

static void requests_are_found_and_taken_by_hand(void **state)
{
	(void)state;
	reset(WdfIoQueueDispatchManual);
	kmdf_tell(add, take_by_hand, NULL);
}

/* -- states ------------------------------------------------------------------------------------------------------- */

static void NTAPI state_reached(WDFQUEUE queue, WDFCONTEXT context)
{
	(void)queue, (void)context;
	d.states++;
}

static void NTAPI on_queue(WDFQUEUE queue, WDFREQUEST request)
{
	(void)queue;
	d.cancelled++;
	WdfRequestComplete(request, STATUS_CANCELLED);
}

/* Within this the next may be presented. */
static void complete_last(void)
{
	WdfRequestComplete(d.pending[--d.npending], STATUS_SUCCESS);
}

static void stop_and_start(struct us_nt_user *user, void *context)
{
	us_nt_handle file = open(user);
	struct us_nt_io io[2];
	WDFREQUEST request;
	char data[8];

	(void)context;
	us_nt_start_read(user, &io[0], file, data, 1, 0);
	us_nt_start_read(user, &io[1], file, data, 1, 0);
	us_nt_expect(user, d.npending == 1);
	WdfIoQueueStop(d.queue, state_reached, NULL);
	us_nt_expect(user, d.states == 0);
	us_nt_expect_status(user, WdfIoQueueRetrieveNextRequest(d.queue, &request), STATUS_WDF_PAUSED);
	complete_last();
	us_nt_expect_status(user, us_nt_wait(user, &io[0], US_FOREVER), STATUS_SUCCESS);
	us_nt_expect(user, d.states == 1 && d.npending == 0);
	us_nt_expect(user, WDF_IO_QUEUE_STOPPED(WdfIoQueueGetState(d.queue, NULL, NULL)));
	WdfIoQueueStart(d.queue);
	us_nt_expect(user, d.npending == 1);
	complete_last();
	us_nt_expect_status(user, us_nt_wait(user, &io[1], US_FOREVER), STATUS_SUCCESS);
}

static void a_stopped_queue_accepts_and_presents_no_more(void **state)
{
	(void)state;
	reset(WdfIoQueueDispatchSequential);
	d.config.EvtIoRead = never;
	kmdf_tell(add, stop_and_start, NULL);
}

static void drain(struct us_nt_user *user, void *context)
{
	us_nt_handle file = open(user);
	struct us_nt_io io[2];
	char data[8];

	(void)context;
	us_nt_start_read(user, &io[0], file, data, 1, 0);
	us_nt_start_read(user, &io[1], file, data, 1, 0);
	WdfIoQueueDrain(d.queue, state_reached, NULL);
	us_nt_expect_status(user, us_nt_read(user, file, data, 1, 0, NULL), STATUS_INVALID_DEVICE_STATE);
	complete_last();
	us_nt_expect(user, d.states == 0 && d.npending == 1); /* what waits is still presented */
	complete_last();
	us_nt_expect(user, d.states == 1 && WDF_IO_QUEUE_DRAINED(WdfIoQueueGetState(d.queue, NULL, NULL)));
	us_nt_wait(user, &io[0], US_FOREVER);
	us_nt_wait(user, &io[1], US_FOREVER);
	WdfIoQueueStart(d.queue);
}

static void a_drained_queue_presents_what_it_has_and_accepts_no_more(void **state)
{
	(void)state;
	reset(WdfIoQueueDispatchSequential);
	d.config.EvtIoRead = never;
	kmdf_tell(add, drain, NULL);
}

static void purge(struct us_nt_user *user, void *context)
{
	us_nt_handle file = open(user);
	struct us_nt_io io[3];
	WDFREQUEST request;
	char data[8];
	unsigned i;

	(void)context;
	for (i = 0; i < 3; i++)
		us_nt_start_read(user, &io[i], file, data, 1, 0);
	us_nt_expect_status(user, WdfIoQueueRetrieveNextRequest(d.queue, &request), STATUS_SUCCESS);
	us_nt_expect_status(user, WdfRequestRequeue(request), STATUS_SUCCESS);
	WdfIoQueuePurgeSynchronously(d.queue);
	us_nt_expect(user, d.cancelled == 1); /* only what the driver had had */
	for (i = 0; i < 3; i++)
		us_nt_expect_status(user, us_nt_wait(user, &io[i], US_FOREVER), STATUS_CANCELLED);
	us_nt_expect_status(user, us_nt_read(user, file, data, 1, 0, NULL), STATUS_INVALID_DEVICE_STATE);
	WdfIoQueueStart(d.queue);
}

static void a_purged_queue_cancels_what_waits(void **state)
{
	(void)state;
	reset(WdfIoQueueDispatchManual);
	d.config.EvtIoCanceledOnQueue = on_queue;
	kmdf_tell(add, purge, NULL);
}

static void drain_stopped(struct us_nt_user *user, void *context)
{
	open(user);
	(void)context;
	WdfIoQueueStopSynchronously(d.queue);
	WdfIoQueueDrain(d.queue, NULL, NULL);
}

static void change_twice(struct us_nt_user *user, void *context)
{
	us_nt_handle file = open(user);
	struct us_nt_io io;
	char data[8];

	(void)context;
	us_nt_start_read(user, &io, file, data, 1, 0);
	WdfIoQueueStop(d.queue, state_reached, NULL);
	WdfIoQueueStart(d.queue);
}

static void states_change_one_after_the_other_and_not_from_stopped_to_draining(void **state)
{
	(void)state;
	reset(WdfIoQueueDispatchSequential);
	d.config.EvtIoRead = never;
	kmdf_tell_breaks("queue.drain-stopped", add, drain_stopped, NULL);
	reset(WdfIoQueueDispatchSequential);
	d.config.EvtIoRead = never;
	kmdf_tell_breaks("queue.state-pending", add, change_twice, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_queue_is_created_as_its_configuration_says_or_not_at_all),
		cmocka_unit_test(a_sequential_queue_presents_one_at_a_time_in_order),
		cmocka_unit_test(completing_within_the_callback_does_not_recurse),
		cmocka_unit_test(a_parallel_queue_presents_up_to_its_limit),
		cmocka_unit_test(what_no_handler_takes_fails_and_transfers_of_nothing_are_done_already),
		cmocka_unit_test(callbacks_of_a_scope_never_overlap),
		cmocka_unit_test(a_manual_queue_says_when_it_is_no_longer_empty),
		cmocka_unit_test(requests_are_found_and_taken_by_hand),
		cmocka_unit_test(a_stopped_queue_accepts_and_presents_no_more),
		cmocka_unit_test(a_drained_queue_presents_what_it_has_and_accepts_no_more),
		cmocka_unit_test(a_purged_queue_cancels_what_waits),
		cmocka_unit_test(states_change_one_after_the_other_and_not_from_stopped_to_draining),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
