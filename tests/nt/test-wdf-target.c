/* SPDX-License-Identifier: Apache-2.0 */
/* I/O targets, and requests of the driver's own. The target is the driver's own device: what is sent comes to its
 * queue. */
#include "kmdf.h"

#include "nt/clock.h"

#define ECHO KMDF_IOCTL(1, METHOD_BUFFERED)
#define MS 1000000u

static struct {
	WDFDEVICE device;
	WDFQUEUE queue;
	WDFIOTARGET target;
	bool keep; /* the queue's request is kept in `kept` */
	WDFREQUEST kept;
	KSPIN_LOCK lock; /* of what becomes of it */
	unsigned came, completed, cancelled;
	NTSTATUS status;
	ULONG_PTR information;
	WDFREQUEST sent;
} d;

static void NTAPI cancel(WDFREQUEST request)
{
	KIRQL irql = US_IMPORT(KeAcquireSpinLockRaiseToDpc)(&d.lock);

	d.cancelled++;
	US_IMPORT(KeReleaseSpinLock)(&d.lock, irql);
	WdfRequestComplete(request, STATUS_CANCELLED);
}

static void NTAPI control(WDFQUEUE queue, WDFREQUEST request, size_t out, size_t in, ULONG code)
{
	char *data;

	(void)queue, (void)in;
	d.came++;
	kmdf_expect(code == ECHO);
	if (d.keep) {
		d.kept = request;
		kmdf_expect(NT_SUCCESS(WdfRequestMarkCancelableEx(request, cancel)));
		return;
	}
	kmdf_expect(NT_SUCCESS(WdfRequestRetrieveOutputBuffer(request, out, (PVOID *)&data, NULL)));
	data[0]++;
	WdfRequestCompleteWithInformation(request, STATUS_SUCCESS, 1);
}

static NTSTATUS NTAPI add(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
	WDF_IO_QUEUE_CONFIG config;

	(void)driver;
	kmdf_expect(NT_SUCCESS(kmdf_device(init, NULL, &d.device)));
	WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
	config.EvtIoDeviceControl = control;
	return WdfIoQueueCreate(d.device, &config, NULL, &d.queue);
}

static void open(struct us_nt_user *user)
{
	WDF_IO_TARGET_OPEN_PARAMS params;

	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
	us_nt_expect_status(user, WdfIoTargetCreate(d.device, NULL, &d.target), STATUS_SUCCESS);
	us_nt_expect(user, WdfIoTargetGetState(d.target) == WdfIoTargetClosed);
	WDF_IO_TARGET_OPEN_PARAMS_INIT_EXISTING_DEVICE(&params, WdfDeviceWdmGetDeviceObject(d.device));
	us_nt_expect_status(user, WdfIoTargetOpen(d.target, &params), STATUS_SUCCESS);
	us_nt_expect(user, WdfIoTargetGetState(d.target) == WdfIoTargetStarted);
}

static NTSTATUS echo(char *data, LONGLONG limit, ULONG_PTR *bytes)
{
	WDF_MEMORY_DESCRIPTOR in, out;
	WDF_REQUEST_SEND_OPTIONS options;

	WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&in, data, 1);
	WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&out, data, 1);
	WDF_REQUEST_SEND_OPTIONS_INIT(&options, 0);
	if (limit)
		WDF_REQUEST_SEND_OPTIONS_SET_TIMEOUT(&options, limit);
	return WdfIoTargetSendIoctlSynchronously(d.target, NULL, ECHO, &in, &out, &options, bytes);
}

/* -- and waits ---------------------------------------------------------------------------------------------------- */

static void synchronously(struct us_nt_user *user, void *context)
{
	ULONG_PTR bytes = 0;
	char data = 'a';

	(void)context;
	open(user);
	us_nt_expect_status(user, echo(&data, 0, &bytes), STATUS_SUCCESS);
	us_nt_expect(user, data == 'b' && bytes == 1);
	d.keep = true;
	us_nt_expect_status(user, echo(&data, WDF_REL_TIMEOUT_IN_MS(50), &bytes), STATUS_IO_TIMEOUT);
	us_nt_expect(user, d.cancelled == 1 && d.came == 2);
	WdfIoTargetClose(d.target);
	us_nt_expect_status(user, echo(&data, 0, &bytes), STATUS_INVALID_DEVICE_STATE);
	WdfObjectDelete(d.target);
}

static void a_control_code_is_sent_and_waited_for_up_to_its_time_limit(void **state)
{
	(void)state;
	memset(&d, 0, sizeof(d));
	kmdf_tell(add, synchronously, NULL);
}

static void to_the_bus(struct us_nt_user *user, void *context)
{
	WDFIOTARGET local;
	char data = 0;

	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
	local = WdfDeviceGetIoTarget(d.device);
	us_nt_expect(user, local && local == WdfDeviceGetIoTarget(d.device) && WdfIoTargetGetDevice(local) == d.device);
	us_nt_expect(user, WdfIoTargetWdmGetTargetDeviceObject(local) == WdfDeviceWdmGetAttachedDevice(d.device));
	us_nt_expect(user, WdfIoTargetWdmGetTargetPhysicalDevice(local) == WdfDeviceWdmGetPhysicalDevice(d.device));
	d.target = local;
	us_nt_expect(user, !NT_SUCCESS(echo(&data, 0, NULL)) && d.came == 0); /* PCI's device takes no control codes */
	WdfObjectDelete(local);
}

static void the_next_lower_driver_is_a_target_for_the_devices_life(void **state)
{
	(void)state;
	memset(&d, 0, sizeof(d));
	kmdf_tell_breaks("object.not-deletable", add, to_the_bus, NULL);
}

/* -- and goes on -------------------------------------------------------------------------------------------------- */

static void NTAPI done(WDFREQUEST request, WDFIOTARGET target, PWDF_REQUEST_COMPLETION_PARAMS params,
		       WDFCONTEXT context)
{
	kmdf_expect(request == d.sent && target == d.target && context == &d);
	d.completed++;
	d.status = params->IoStatus.Status;
	d.information = params->IoStatus.Information;
	kmdf_expect(WdfRequestGetStatus(request) == d.status);
}

static void send(struct us_nt_user *user)
{
	us_nt_expect_status(user, WdfIoTargetFormatRequestForIoctl(d.target, d.sent, ECHO, NULL, NULL, NULL, NULL),
			    STATUS_SUCCESS);
	WdfRequestSetCompletionRoutine(d.sent, done, &d);
	us_nt_expect(user, WdfRequestSend(d.sent, d.target, NULL));
}

static void reuse(struct us_nt_user *user)
{
	WDF_REQUEST_REUSE_PARAMS params;

	WDF_REQUEST_REUSE_PARAMS_INIT(&params, WDF_REQUEST_REUSE_NO_FLAGS, STATUS_SUCCESS);
	us_nt_expect_status(user, WdfRequestReuse(d.sent, &params), STATUS_SUCCESS);
}

static void asynchronously(struct us_nt_user *user, void *context)
{
	(void)context;
	open(user);
	us_nt_expect_status(user, WdfRequestCreate(NULL, d.target, &d.sent), STATUS_SUCCESS);
	d.keep = true;
	send(user);
	us_nt_expect(user, d.came == 1 && d.completed == 0);
	us_nt_expect(user, WdfRequestCancelSentRequest(d.sent));
	us_nt_expect(user, d.completed == 1 && d.status == STATUS_CANCELLED && d.cancelled == 1);
	reuse(user);
	WdfIoTargetStop(d.target, WdfIoTargetWaitForSentIoToComplete);
	send(user); /* held back */
	us_nt_expect(user, d.came == 1);
	us_nt_expect_status(user, WdfIoTargetStart(d.target), STATUS_SUCCESS);
	us_nt_expect(user, d.came == 2);
	WdfIoTargetPurge(d.target, WdfIoTargetPurgeIoAndWait);
	us_nt_expect(user, d.completed == 2 && d.status == STATUS_CANCELLED);
	reuse(user);
	us_nt_expect_status(user, WdfIoTargetFormatRequestForIoctl(d.target, d.sent, ECHO, NULL, NULL, NULL, NULL),
			    STATUS_SUCCESS);
	us_nt_expect(user, !WdfRequestSend(d.sent, d.target, NULL));
	us_nt_expect_status(user, WdfRequestGetStatus(d.sent), STATUS_INVALID_DEVICE_STATE);
	WdfObjectDelete(d.sent);
}

static void a_request_comes_back_held_cancelled_or_purged(void **state)
{
	(void)state;
	memset(&d, 0, sizeof(d));
	kmdf_tell(add, asynchronously, NULL);
}

/* Comes back, and is deleted, while its time limit passes. */
static void NTAPI done_and_deleted(WDFREQUEST request, WDFIOTARGET target, PWDF_REQUEST_COMPLETION_PARAMS params,
				   WDFCONTEXT context)
{
	(void)target, (void)context;
	d.completed++;
	kmdf_expect(params->IoStatus.Status == STATUS_SUCCESS || params->IoStatus.Status == STATUS_IO_TIMEOUT);
	WdfObjectDelete(request);
}

static void complete_kept(struct us_nt_user *user, void *context)
{
	bool mine;
	KIRQL irql;

	(void)context;
	us_nt_advance(user, US_NT_TICK_NS - us_nt_time(user) % US_NT_TICK_NS - 3000 + us_nt_chance(user, 4000));
	irql = US_IMPORT(KeAcquireSpinLockRaiseToDpc)(&d.lock);
	mine = d.cancelled == 0 && WdfRequestUnmarkCancelable(d.kept) == STATUS_SUCCESS;
	US_IMPORT(KeReleaseSpinLock)(&d.lock, irql);
	if (mine)
		WdfRequestComplete(d.kept, STATUS_SUCCESS);
}

static void too_late(struct us_nt_user *user, void *context)
{
	WDF_REQUEST_SEND_OPTIONS options;
	struct us_nt_thread *thread;

	(void)context;
	open(user);
	d.keep = true;
	us_nt_expect_status(user, WdfRequestCreate(NULL, d.target, &d.sent), STATUS_SUCCESS);
	us_nt_expect_status(user, WdfIoTargetFormatRequestForIoctl(d.target, d.sent, ECHO, NULL, NULL, NULL, NULL),
			    STATUS_SUCCESS);
	WdfRequestSetCompletionRoutine(d.sent, done_and_deleted, NULL);
	WDF_REQUEST_SEND_OPTIONS_INIT(&options, 0);
	WDF_REQUEST_SEND_OPTIONS_SET_TIMEOUT(&options, WDF_REL_TIMEOUT_IN_MS(1));
	us_nt_expect(user, WdfRequestSend(d.sent, d.target, &options));
	thread = us_nt_thread(user, complete_kept, NULL);
	us_nt_join(user, thread);
	us_nt_advance(user, 50 * MS);
	us_nt_expect(user, d.completed == 1);
}

static void a_request_may_come_back_when_its_time_is_just_over(void **state)
{
	unsigned cancelled = 0;

	(void)state;
	for (unsigned seed = 0; seed < 8 * RIG_SEEDS; seed++) {
		memset(&d, 0, sizeof(d));
		kmdf_tell_seed(seed, add, too_late, NULL);
		cancelled += d.cancelled;
	}
	assert_true(cancelled > 0 && cancelled < 8 * RIG_SEEDS);
}

/* With the cancel lock, for which who cancels has to wait meanwhile. */
static void complete_locked(struct us_nt_user *user, void *context)
{
	KIRQL irql;

	(void)user, (void)context;
	US_IMPORT(IoAcquireCancelSpinLock)(&irql);
	US_IMPORT(KeStallExecutionProcessor)(20);
	kmdf_expect(WdfRequestUnmarkCancelable(d.kept) == STATUS_SUCCESS);
	WdfRequestComplete(d.kept, STATUS_SUCCESS);
	US_IMPORT(IoReleaseCancelSpinLock)(irql);
}

static void purge_meanwhile(struct us_nt_user *user, void *context)
{
	struct us_nt_thread *thread;

	(void)context;
	open(user);
	d.keep = true;
	us_nt_expect_status(user, WdfRequestCreate(NULL, d.target, &d.sent), STATUS_SUCCESS);
	us_nt_expect_status(user, WdfIoTargetFormatRequestForIoctl(d.target, d.sent, ECHO, NULL, NULL, NULL, NULL),
			    STATUS_SUCCESS);
	WdfRequestSetCompletionRoutine(d.sent, done_and_deleted, NULL);
	us_nt_expect(user, WdfRequestSend(d.sent, d.target, NULL));
	thread = us_nt_thread(user, complete_locked, NULL);
	us_nt_advance(user, us_nt_chance(user, 40000));
	WdfIoTargetPurge(d.target, WdfIoTargetPurgeIo);
	us_nt_join(user, thread);
	us_nt_expect(user, d.completed == 1);
}

static void a_request_may_come_back_while_its_canceller_waits_for_the_lock(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 2 * RIG_SEEDS; seed++) {
		memset(&d, 0, sizeof(d));
		kmdf_tell_seed(seed, add, purge_meanwhile, NULL);
	}
}

/* -- mistakes ----------------------------------------------------------------------------------------------------- */

static void send_unformatted(struct us_nt_user *user, void *context)
{
	(void)context;
	open(user);
	us_nt_expect_status(user, WdfRequestCreate(NULL, d.target, &d.sent), STATUS_SUCCESS);
	WdfRequestSend(d.sent, d.target, NULL);
}

static void send_twice(struct us_nt_user *user, void *context)
{
	(void)context;
	open(user);
	d.keep = true;
	us_nt_expect_status(user, WdfRequestCreate(NULL, d.target, &d.sent), STATUS_SUCCESS);
	send(user);
	WdfRequestSend(d.sent, d.target, NULL);
}

static void delete_sent(struct us_nt_user *user, void *context)
{
	(void)context;
	open(user);
	d.keep = true;
	us_nt_expect_status(user, WdfRequestCreate(NULL, d.target, &d.sent), STATUS_SUCCESS);
	send(user);
	WdfObjectDelete(d.sent);
}

static void complete_created(struct us_nt_user *user, void *context)
{
	(void)context;
	open(user);
	us_nt_expect_status(user, WdfRequestCreate(NULL, d.target, &d.sent), STATUS_SUCCESS);
	WdfRequestComplete(d.sent, STATUS_SUCCESS);
}

static void what_a_driver_may_not_do_with_a_request_to_send_ends_the_run(void **state)
{
	(void)state;
	memset(&d, 0, sizeof(d));
	kmdf_tell_breaks("request.sent-unformatted", add, send_unformatted, NULL);
	memset(&d, 0, sizeof(d));
	kmdf_tell_breaks("request.sent-twice", add, send_twice, NULL);
	memset(&d, 0, sizeof(d));
	kmdf_tell_breaks("object.not-deletable", add, delete_sent, NULL);
	memset(&d, 0, sizeof(d));
	kmdf_tell_breaks("request.not-owned", add, complete_created, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_control_code_is_sent_and_waited_for_up_to_its_time_limit),
		cmocka_unit_test(the_next_lower_driver_is_a_target_for_the_devices_life),
		cmocka_unit_test(a_request_comes_back_held_cancelled_or_purged),
		cmocka_unit_test(a_request_may_come_back_when_its_time_is_just_over),
		cmocka_unit_test(a_request_may_come_back_while_its_canceller_waits_for_the_lock),
		cmocka_unit_test(what_a_driver_may_not_do_with_a_request_to_send_ends_the_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
