/* SPDX-License-Identifier: Apache-2.0 */
/* Power-managed queues: what becomes of requests when the device sleeps, wakes, and goes. */
#include "kmdf.h"

typedef struct {
	int unused;
} MARK;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(MARK, mark_of)

enum answer { ANSWER_NONE, ANSWER_KEEP, ANSWER_REQUEUE, ANSWER_COMPLETE };

static struct {
	WDFDEVICE device;
	WDFQUEUE queue;
	WDF_TRI_STATE managed;
	enum answer answer;
	WDFREQUEST request;
	unsigned presented, stopped, resumed, cancelled;
	ULONG flags;
	bool mark;
} d;

static void NTAPI cancel(WDFREQUEST request)
{
	d.cancelled++;
	WdfRequestComplete(request, STATUS_CANCELLED);
}

static void NTAPI read(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
	(void)queue, (void)length;
	d.presented++;
	d.request = request;
	if (d.mark)
		kmdf_expect(NT_SUCCESS(WdfRequestMarkCancelableEx(request, cancel)));
}

static void NTAPI stop(WDFQUEUE queue, WDFREQUEST request, ULONG flags)
{
	(void)queue;
	d.stopped++;
	d.flags = flags;
	if (d.answer == ANSWER_COMPLETE)
		WdfRequestComplete(request, STATUS_DEVICE_REMOVED);
	else if (d.answer != ANSWER_NONE)
		WdfRequestStopAcknowledge(request, d.answer == ANSWER_REQUEUE);
}

static void NTAPI resume(WDFQUEUE queue, WDFREQUEST request)
{
	(void)queue;
	kmdf_expect(request == d.request);
	d.resumed++;
}

static NTSTATUS NTAPI add(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
	WDF_IO_QUEUE_CONFIG config;

	(void)driver;
	WdfDeviceInitSetIoType(init, WdfDeviceIoBuffered);
	kmdf_expect(NT_SUCCESS(kmdf_device(init, NULL, &d.device)));
	WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchSequential);
	config.PowerManaged = d.managed;
	config.EvtIoRead = read;
	config.EvtIoStop = stop;
	config.EvtIoResume = resume;
	return WdfIoQueueCreate(d.device, &config, NULL, &d.queue);
}

static void reset(enum answer answer)
{
	memset(&d, 0, sizeof(d));
	d.managed = WdfUseDefault;
	d.answer = answer;
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

static void sleep_and_read(struct us_nt_user *user, void *context)
{
	us_nt_handle file = open(user);
	struct us_nt_io io;
	char data[4];

	us_nt_expect_status(user, us_nt_sleep_system(user), STATUS_SUCCESS);
	us_nt_start_read(user, &io, file, data, 1, 0);
	us_nt_expect(user, d.presented == (context ? 1u : 0u));
	us_nt_expect(user, !(WdfIoQueueGetState(d.queue, NULL, NULL) & WdfIoQueuePnpHeld) == (context != NULL));
	us_nt_expect_status(user, us_nt_wake_system(user), STATUS_SUCCESS);
	us_nt_advance(user, 1000000);
	us_nt_expect(user, d.presented == 1);
	WdfRequestComplete(d.request, STATUS_SUCCESS);
	us_nt_expect_status(user, us_nt_wait(user, &io, US_FOREVER), STATUS_SUCCESS);
}

static void a_power_managed_queue_holds_requests_while_the_device_sleeps(void **state)
{
	(void)state;
	reset(ANSWER_NONE);
	kmdf_tell(add, sleep_and_read, NULL);
	reset(ANSWER_NONE);
	d.managed = WdfFalse;
	kmdf_tell(add, sleep_and_read, &d);
}

static void read_and_sleep(struct us_nt_user *user, void *context)
{
	us_nt_handle file = open(user);
	struct us_nt_io io;
	char data[4];

	(void)context;
	us_nt_start_read(user, &io, file, data, 1, 0);
	us_nt_expect(user, d.presented == 1);
	us_nt_expect_status(user, us_nt_sleep_system(user), STATUS_SUCCESS);
	us_nt_expect(user, d.stopped == 1 && d.flags == WdfRequestStopActionSuspend);
	us_nt_expect_status(user, us_nt_wake_system(user), STATUS_SUCCESS);
	us_nt_advance(user, 1000000);
	us_nt_expect(user, d.presented == (d.answer == ANSWER_REQUEUE ? 2u : 1u));
	us_nt_expect(user, d.resumed == (d.answer == ANSWER_KEEP ? 1u : 0u));
	if (d.answer != ANSWER_COMPLETE)
		WdfRequestComplete(d.request, STATUS_SUCCESS);
	us_nt_expect_status(user, us_nt_wait(user, &io, US_FOREVER),
			    d.answer == ANSWER_COMPLETE ? STATUS_DEVICE_REMOVED : STATUS_SUCCESS);
}

static void a_request_is_kept_requeued_or_completed_when_the_device_falls_asleep(void **state)
{
	enum answer answer;

	(void)state;
	for (answer = ANSWER_KEEP; answer <= ANSWER_COMPLETE; answer++) {
		reset(answer);
		kmdf_tell(add, read_and_sleep, NULL);
	}
}

static void a_request_without_answer_keeps_the_device_awake_for_ever(void **state)
{
	(void)state;
	reset(ANSWER_NONE);
	kmdf_tell_breaks("hang", add, read_and_sleep, NULL);
}

/* One is with the driver, one waits. */
static void read_and_pull_out(struct us_nt_user *user, void *context)
{
	us_nt_handle file = open(user);
	struct us_nt_io first, second;
	char data[4];

	(void)context;
	us_nt_start_read(user, &first, file, data, 1, 0);
	us_nt_start_read(user, &second, file, data, 1, 0);
	us_nt_pull_out(user);
	us_nt_expect_status(user, us_nt_wait(user, &first, US_FOREVER),
			    d.mark ? STATUS_CANCELLED : STATUS_DEVICE_REMOVED);
	us_nt_expect_status(user, us_nt_wait(user, &second, US_FOREVER), STATUS_CANCELLED);
	us_nt_expect(user, d.stopped == (d.mark ? 0u : 1u) && d.cancelled == (d.mark ? 1u : 0u));
	us_nt_expect(user, d.mark || d.flags == WdfRequestStopActionPurge);
	us_nt_expect_status(user, us_nt_read(user, file, data, 1, 0, NULL), STATUS_INVALID_DEVICE_STATE);
}

static void when_the_device_goes_what_waits_is_cancelled_and_the_driver_is_asked_for_the_rest(void **state)
{
	(void)state;
	reset(ANSWER_COMPLETE);
	kmdf_tell(add, read_and_pull_out, NULL);
	reset(ANSWER_COMPLETE);
	d.managed = WdfFalse;
	kmdf_tell(add, read_and_pull_out, NULL);
	reset(ANSWER_COMPLETE);
	d.mark = true;
	kmdf_tell(add, read_and_pull_out, NULL);
}

/* The request's cleanup callback, which comes before the IRP's completion, lasts; the device falls asleep meanwhile. */
static void NTAPI clean_up(WDFOBJECT request)
{
	LARGE_INTEGER some = {.QuadPart = -10000000};

	kmdf_expect(request == (WDFOBJECT)d.request);
	kmdf_expect(US_IMPORT(KeDelayExecutionThread)(KernelMode, FALSE, &some) == STATUS_SUCCESS);
	kmdf_expect(d.stopped == 0);
}

static void complete_slowly(struct us_nt_user *user, void *context)
{
	(void)user, (void)context;
	WdfRequestComplete(d.request, STATUS_SUCCESS);
}

static void complete_and_sleep(struct us_nt_user *user, void *context)
{
	us_nt_handle file = open(user);
	WDF_OBJECT_ATTRIBUTES attributes;
	struct us_nt_thread *thread;
	struct us_nt_io io;
	char data[4];

	(void)context;
	us_nt_start_read(user, &io, file, data, 1, 0);
	us_nt_expect(user, d.presented == 1);
	WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, MARK);
	attributes.EvtCleanupCallback = clean_up;
	us_nt_expect_status(user, WdfObjectAllocateContext(d.request, &attributes, NULL), STATUS_SUCCESS);
	thread = us_nt_thread(user, complete_slowly, NULL);
	us_nt_advance(user, 1000000);
	us_nt_expect_status(user, us_nt_sleep_system(user), STATUS_SUCCESS);
	us_nt_expect(user, d.stopped == 0);
	us_nt_expect_status(user, us_nt_wake_system(user), STATUS_SUCCESS);
	us_nt_join(user, thread);
	us_nt_expect_status(user, us_nt_wait(user, &io, US_FOREVER), STATUS_SUCCESS);
}

static void a_request_that_is_being_completed_is_not_stopped(void **state)
{
	(void)state;
	reset(ANSWER_KEEP);
	kmdf_tell(add, complete_and_sleep, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_power_managed_queue_holds_requests_while_the_device_sleeps),
		cmocka_unit_test(a_request_is_kept_requeued_or_completed_when_the_device_falls_asleep),
		cmocka_unit_test(a_request_without_answer_keeps_the_device_awake_for_ever),
		cmocka_unit_test(a_request_that_is_being_completed_is_not_stopped),
		cmocka_unit_test(when_the_device_goes_what_waits_is_cancelled_and_the_driver_is_asked_for_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
