/* SPDX-License-Identifier: Apache-2.0 */
/* File objects, from the opening of a handle to its closing. */
#include "kmdf.h"

typedef struct {
	int number;
} FILE_CONTEXT;
WDF_DECLARE_CONTEXT_TYPE(FILE_CONTEXT)

static struct {
	WDFDEVICE device;
	WDFQUEUE queue, creates;
	WDF_FILEOBJECT_CLASS class;
	bool with_create, queue_creates;
	NTSTATUS create_status;
	WDFFILEOBJECT last, seen;
	char order[64];
	const char *expected;
	unsigned cleaned;
} d;

static void happened(char what)
{
	size_t length = strlen(d.order);

	if (length + 1 < sizeof(d.order))
		d.order[length] = what;
}

static void NTAPI file_create(WDFDEVICE device, WDFREQUEST request, WDFFILEOBJECT file)
{
	WDF_REQUEST_PARAMETERS parameters;

	happened('o');
	kmdf_expect(ExGetPreviousMode() == UserMode);
	WDF_REQUEST_PARAMETERS_INIT(&parameters);
	WdfRequestGetParameters(request, &parameters);
	kmdf_expect(parameters.Type == WdfRequestTypeCreate);
	kmdf_expect(WdfRequestGetFileObject(request) == file);
	if (file) {
		kmdf_expect(WdfFileObjectGetDevice(file) == device);
		kmdf_expect(WdfDeviceGetFileObject(device, WdfFileObjectWdmGetFileObject(file)) == file);
		WdfObjectGet_FILE_CONTEXT(file)->number = 42;
	}
	d.last = file;
	WdfRequestComplete(request, d.create_status);
}

static void NTAPI file_cleanup(WDFFILEOBJECT file)
{
	kmdf_expect(file == d.last && ExGetPreviousMode() == UserMode);
	happened('c');
}

static void NTAPI file_close(WDFFILEOBJECT file)
{
	kmdf_expect(file == d.last && WdfObjectGet_FILE_CONTEXT(file)->number == 42);
	happened('x');
}

static void NTAPI context_cleanup(WDFOBJECT object)
{
	(void)object;
	d.cleaned++;
}

static void NTAPI create_by_queue(WDFQUEUE queue, WDFREQUEST request)
{
	(void)queue;
	happened('q');
	WdfRequestComplete(request, d.create_status);
}

static NTSTATUS NTAPI add(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	WDF_FILEOBJECT_CONFIG file;
	WDF_IO_QUEUE_CONFIG config;

	(void)driver;
	WDF_FILEOBJECT_CONFIG_INIT(&file, d.with_create ? file_create : NULL, d.with_create ? file_close : NULL,
				   d.with_create ? file_cleanup : NULL);
	file.FileObjectClass = d.class;
	WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, FILE_CONTEXT);
	attributes.EvtCleanupCallback = context_cleanup;
	WdfDeviceInitSetFileObjectConfig(init, &file,
					 d.class == WdfFileObjectNotRequired ? WDF_NO_OBJECT_ATTRIBUTES : &attributes);
	kmdf_expect(NT_SUCCESS(kmdf_device(init, NULL, &d.device)));
	WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchManual);
	kmdf_expect(NT_SUCCESS(WdfIoQueueCreate(d.device, &config, NULL, &d.queue)));
	if (!d.queue_creates)
		return STATUS_SUCCESS;
	WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchSequential);
	config.EvtIoDefault = create_by_queue;
	kmdf_expect(NT_SUCCESS(WdfIoQueueCreate(d.device, &config, NULL, &d.creates)));
	return WdfDeviceConfigureRequestDispatching(d.device, d.creates, WdfRequestTypeCreate);
}

static void reset(WDF_FILEOBJECT_CLASS class, bool with_create)
{
	memset(&d, 0, sizeof(d));
	d.class = class;
	d.with_create = with_create;
}

static void open_and_close(struct us_nt_user *user, void *context)
{
	us_nt_status status;
	us_nt_handle file;

	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
	file = us_nt_open(user, US_NT_READ, &status);
	us_nt_expect_status(user, status, d.create_status);
	if (file)
		us_nt_close(user, file);
	us_nt_expect(user, strcmp(d.order, d.expected) == 0);
	us_nt_expect(user, d.cleaned == (d.class == WdfFileObjectNotRequired ? 0u : 1u));
}

static void tell(const char *expected)
{
	d.expected = expected;
	kmdf_tell(add, open_and_close, NULL);
}

static void callbacks_come_for_each_handle_and_not_for_one_that_was_refused(void **state)
{
	static const WDF_FILEOBJECT_CLASS classes[] = {
		WdfFileObjectWdfCanUseFsContext, WdfFileObjectWdfCanUseFsContext2, WdfFileObjectWdfCannotUseFsContexts};
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		reset(classes[i], true);
		tell("ocx");
		reset(classes[i], true);
		d.create_status = STATUS_ACCESS_DENIED;
		tell("o");
	}
	reset(WdfFileObjectWdfCanUseFsContext, false);
	tell("");
}

static void creates_come_to_a_queue_that_is_configured_for_them(void **state)
{
	(void)state;
	reset(WdfFileObjectWdfCanUseFsContext, false);
	d.queue_creates = true;
	tell("q");
	reset(WdfFileObjectNotRequired, false);
	d.queue_creates = true;
	tell("q");
}

static void two_handles(struct us_nt_user *user, void *context)
{
	struct us_nt_io io[2];
	us_nt_handle first, second;
	WDFFILEOBJECT of_second;
	us_nt_status status;
	WDFREQUEST request;
	char data[4];

	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_SUCCESS);
	first = us_nt_open(user, US_NT_READ, &status);
	second = us_nt_open(user, US_NT_READ, &status);
	of_second = d.last;
	us_nt_start_read(user, &io[0], first, data, 1, 0);
	us_nt_start_read(user, &io[1], second, data, 1, 0);
	us_nt_expect_status(user, WdfIoQueueRetrieveRequestByFileObject(d.queue, of_second, &request), STATUS_SUCCESS);
	us_nt_expect(user, WdfRequestGetFileObject(request) == of_second);
	WdfRequestComplete(request, STATUS_SUCCESS);
	us_nt_expect_status(user, WdfIoQueueRetrieveRequestByFileObject(d.queue, of_second, &request),
			    STATUS_NO_MORE_ENTRIES);
	us_nt_expect_status(user, us_nt_wait(user, &io[1], US_FOREVER), STATUS_SUCCESS);
	us_nt_close(user, second);
	d.last = NULL;
	d.with_create = false;
	us_nt_cancel(user, &io[0]);
	us_nt_expect_status(user, us_nt_wait(user, &io[0], US_FOREVER), STATUS_CANCELLED);
}

static void NTAPI ignore(WDFFILEOBJECT file)
{
	(void)file;
}

static NTSTATUS NTAPI add_two(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	WDF_FILEOBJECT_CONFIG file;
	WDF_IO_QUEUE_CONFIG config;

	(void)driver;
	WDF_FILEOBJECT_CONFIG_INIT(&file, file_create, ignore, ignore);
	WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, FILE_CONTEXT);
	WdfDeviceInitSetFileObjectConfig(init, &file, &attributes);
	WdfDeviceInitSetIoType(init, WdfDeviceIoBuffered);
	kmdf_expect(NT_SUCCESS(kmdf_device(init, NULL, &d.device)));
	WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchManual);
	return WdfIoQueueCreate(d.device, &config, NULL, &d.queue);
}

static void requests_are_retrieved_by_their_file_object(void **state)
{
	(void)state;
	reset(WdfFileObjectWdfCanUseFsContext, true);
	kmdf_tell(add_two, two_handles, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(callbacks_come_for_each_handle_and_not_for_one_that_was_refused),
		cmocka_unit_test(creates_come_to_a_queue_that_is_configured_for_them),
		cmocka_unit_test(requests_are_retrieved_by_their_file_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
