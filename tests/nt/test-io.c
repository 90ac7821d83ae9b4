/* SPDX-License-Identifier: Apache-2.0 */
/* The I/O manager: names, device stacks, IRPs down and up, those that drivers make, remove locks, the error log. */
#include "rig.h"

#include "nt/io.h"

#define CALL(function) US_IMPORT(function)
#define TEXT_OF(name, text)                                                                                            \
	WCHAR name##_text[] = text;                                                                                    \
	UNICODE_STRING name = {sizeof(name##_text) - sizeof(WCHAR), sizeof(name##_text), name##_text}

#define ECHO ((ULONG)FILE_DEVICE_UNKNOWN << 16 | 0x801u << 2 | METHOD_BUFFERED) /* out = in */
#define LATER ((ULONG)FILE_DEVICE_UNKNOWN << 16 | 0x802u << 2 | METHOD_BUFFERED) /* the same, from another thread */
#define KEPT ((ULONG)FILE_DEVICE_UNKNOWN << 16 | 0x803u << 2 | METHOD_BUFFERED) /* never ends */

/* Two devices, one attached to the other, of one driver. The upper one passes on as `upper` says. */
struct stack {
	PDRIVER_OBJECT driver;
	PDEVICE_OBJECT lower, upper, next; /* next: what the upper one sends to */
	NTSTATUS(NTAPI *pass)(PDEVICE_OBJECT device, PIRP irp);
	unsigned completions;
	UNICODE_STRING rest; /* of the name by which it was opened */
	WCHAR rest_text[32];
};
static struct stack s;

static NTSTATUS complete(PIRP irp, NTSTATUS status, ULONG_PTR information)
{
	irp->IoStatus.Status = status;
	irp->IoStatus.Information = information;
	CALL(IofCompleteRequest)(irp, IO_NO_INCREMENT);
	return status;
}

static void complete_later(void *context)
{
	PIRP irp = context;

	us_nt_yield();
	complete(irp, STATUS_SUCCESS, IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.InputBufferLength);
}

static NTSTATUS serve(PIRP irp)
{
	PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(irp);

	if (sp->MajorFunction == IRP_MJ_CREATE) {
		s.rest = (UNICODE_STRING){sp->FileObject->FileName.Length, sizeof(s.rest_text), s.rest_text};
		if (s.rest.Length)
			memcpy(s.rest_text, sp->FileObject->FileName.Buffer, s.rest.Length);
	}
	if (sp->MajorFunction != IRP_MJ_DEVICE_CONTROL)
		return complete(irp, STATUS_SUCCESS, 0);
	if (sp->Parameters.DeviceIoControl.IoControlCode == ECHO)
		return complete(irp, STATUS_SUCCESS, sp->Parameters.DeviceIoControl.InputBufferLength);
	if (sp->Parameters.DeviceIoControl.IoControlCode != LATER &&
	    sp->Parameters.DeviceIoControl.IoControlCode != KEPT)
		return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
	IoMarkIrpPending(irp);
	if (sp->Parameters.DeviceIoControl.IoControlCode == LATER)
		rig_thread("later", complete_later, irp);
	return STATUS_PENDING;
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT device, PIRP irp)
{
	return device == s.upper ? s.pass(device, irp) : serve(irp);
}

static NTSTATUS NTAPI pass_on(PDEVICE_OBJECT device, PIRP irp)
{
	(void)device;
	IoSkipCurrentIrpStackLocation(irp);
	return CALL(IofCallDriver)(s.next, irp);
}

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
	if (s.upper) {
		CALL(IoDetachDevice)(s.lower);
		CALL(IoDeleteDevice)(s.upper);
	}
	CALL(IoDeleteDevice)(s.lower);
	rig_expect(driver == s.driver);
}

static NTSTATUS NTAPI entry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
	TEXT_OF(name, L"\\Device\\Lower");

	rig_expect(path->Buffer[path->Length / 2 - 1] == 't'); /* …\Services\iotest */
	s.driver = driver;
	for (unsigned i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
		driver->MajorFunction[i] = dispatch;
	driver->DriverUnload = unload;
	rig_expect(CALL(IoCreateDevice)(driver, 16, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &s.lower) == STATUS_SUCCESS);
	rig_expect(CALL(IoCreateDevice)(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &s.upper) == STATUS_SUCCESS);
	rig_expect(s.lower->Flags & DO_DEVICE_INITIALIZING);
	s.next = CALL(IoAttachDeviceToDeviceStack)(s.upper, s.lower);
	rig_expect(s.next == s.lower && s.upper->StackSize == 2);
	return STATUS_SUCCESS;
}

static void load(NTSTATUS(NTAPI *pass)(PDEVICE_OBJECT device, PIRP irp))
{
	PDRIVER_OBJECT driver;

	memset(&s, 0, sizeof(s));
	s.pass = pass;
	rig_expect(us_nt_io_load("iotest", entry, &driver) == STATUS_SUCCESS);
	rig_expect(!(s.lower->Flags & DO_DEVICE_INITIALIZING)); /* what DriverEntry made is ready */
}

static PFILE_OBJECT opened(const WCHAR *text)
{
	UNICODE_STRING name = {0, 0, (WCHAR *)(uintptr_t)text};
	PFILE_OBJECT file;

	while (text[name.Length / 2])
		name.Length += 2;
	rig_expect(us_nt_io_create(&name, FILE_GENERIC_READ, &file) == STATUS_SUCCESS);
	return file;
}

/* -- names -------------------------------------------------------------------------------------------------------- */

static void names_body(void *context)
{
	TEXT_OF(link, L"\\DosDevices\\Link");
	TEXT_OF(other, L"\\??\\LINK");
	TEXT_OF(target, L"\\Device\\Lower");
	TEXT_OF(absent, L"\\Device\\Absent");
	PDEVICE_OBJECT device;
	PFILE_OBJECT file;

	(void)context;
	load(pass_on);
	rig_expect(CALL(IoCreateDevice)(s.driver, 0, &target, FILE_DEVICE_UNKNOWN, 0, FALSE, &device) ==
		   STATUS_OBJECT_NAME_COLLISION);
	rig_expect(CALL(IoDeleteSymbolicLink)(&link) == STATUS_OBJECT_NAME_NOT_FOUND);
	rig_expect(CALL(IoCreateSymbolicLink)(&link, &target) == STATUS_SUCCESS);
	rig_expect(CALL(IoCreateSymbolicLink)(&other, &target) == STATUS_OBJECT_NAME_COLLISION);
	file = opened(L"\\??\\lINK\\part");
	rig_expect(s.rest.Length == 10 && s.rest_text[1] == 'p');
	rig_expect(file->DeviceObject == s.lower && CALL(IoGetRelatedDeviceObject)(file) == s.upper);
	us_nt_io_cleanup(file);
	rig_expect(CALL(IoGetDeviceObjectPointer)(&absent, FILE_READ_DATA, &file, &device) ==
		   STATUS_OBJECT_NAME_NOT_FOUND);
	rig_expect(CALL(IoGetDeviceObjectPointer)(&other, FILE_READ_DATA, &file, &device) == STATUS_SUCCESS);
	rig_expect(device == s.upper);
	CALL(ObfDereferenceObject)(file);
	rig_expect(CALL(IoDeleteSymbolicLink)(&other) == STATUS_SUCCESS);
	us_nt_io_unload(s.driver);
	rig_expect(us_nt_io_create(&target, FILE_READ_DATA, &file) == STATUS_OBJECT_NAME_NOT_FOUND);
}

static void devices_are_found_by_their_names(void **state)
{
	(void)state;
	rig_run(NULL, names_body, NULL);
}

static void exclusive_body(void *context)
{
	TEXT_OF(name, L"\\Device\\Alone");
	PDEVICE_OBJECT device;
	PFILE_OBJECT first, second;

	(void)context;
	load(pass_on);
	rig_expect(CALL(IoCreateDevice)(s.driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, TRUE, &device) == STATUS_SUCCESS);
	rig_expect(us_nt_io_create(&name, FILE_READ_DATA, &first) == STATUS_NO_SUCH_DEVICE); /* not ready yet */
	device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
	rig_expect(us_nt_io_create(&name, FILE_READ_DATA, &first) == STATUS_SUCCESS);
	rig_expect(us_nt_io_create(&name, FILE_READ_DATA, &second) == STATUS_ACCESS_DENIED);
	CALL(IoDeleteDevice)(device); /* stays until its file is closed */
	rig_expect(us_io_device(device)->deleted);
	us_nt_io_cleanup(first);
	rig_expect(!us_ob_is(device, NULL));
}

static void an_exclusive_device_is_opened_once(void **state)
{
	(void)state;
	rig_run(NULL, exclusive_body, NULL);
}

/* -- IRPs of drivers ---------------------------------------------------------------------------------------------- */

static NTSTATUS NTAPI count_up(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
	(void)context;
	rig_expect(device == s.upper);
	if (irp->PendingReturned)
		IoMarkIrpPending(irp);
	s.completions++;
	return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS NTAPI pass_and_count(PDEVICE_OBJECT device, PIRP irp)
{
	(void)device;
	IoCopyCurrentIrpStackLocationToNext(irp);
	IoSetCompletionRoutine(irp, count_up, NULL, TRUE, TRUE, TRUE);
	return CALL(IofCallDriver)(s.next, irp);
}

/* Passes a copy on, and does not care what becomes of it: the I/O manager passes the pending mark on. */
static NTSTATUS NTAPI pass_a_copy(PDEVICE_OBJECT device, PIRP irp)
{
	(void)device;
	IoCopyCurrentIrpStackLocationToNext(irp);
	return CALL(IofCallDriver)(s.next, irp);
}

/* Forgets to pass the pending mark on. */
static NTSTATUS NTAPI forget_pending(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
	(void)device;
	(void)irp;
	(void)context;
	return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS NTAPI pass_and_forget(PDEVICE_OBJECT device, PIRP irp)
{
	(void)device;
	IoCopyCurrentIrpStackLocationToNext(irp);
	IoSetCompletionRoutine(irp, forget_pending, NULL, TRUE, TRUE, TRUE);
	return CALL(IofCallDriver)(s.next, irp);
}

static NTSTATUS NTAPI pass_synchronously(PDEVICE_OBJECT device, PIRP irp)
{
	(void)device;
	rig_expect(CALL(IoForwardIrpSynchronously)(s.next, irp));
	s.completions++;
	return complete(irp, irp->IoStatus.Status, irp->IoStatus.Information);
}

static void control(ULONG code, NTSTATUS expected)
{
	KEVENT event;
	IO_STATUS_BLOCK result = {0};
	char in[8] = "in here", out[8] = "";
	NTSTATUS status;
	PIRP irp;

	CALL(KeInitializeEvent)(&event, NotificationEvent, FALSE);
	irp = CALL(IoBuildDeviceIoControlRequest)(code, s.upper, in, sizeof(in), out, sizeof(out), FALSE, &event,
						  &result);
	rig_expect(irp);
	status = CALL(IofCallDriver)(s.upper, irp);
	if (status == STATUS_PENDING) {
		CALL(KeWaitForSingleObject)(&event, Executive, KernelMode, FALSE, NULL);
		status = result.Status;
	}
	rig_expect(status == expected && result.Status == expected);
	rig_expect(expected != STATUS_SUCCESS || (result.Information == 8 && memcmp(in, out, 8) == 0));
}

static void ways_body(void *pass)
{
	load((NTSTATUS(NTAPI *)(PDEVICE_OBJECT, PIRP))(uintptr_t)pass);
	control(ECHO, STATUS_SUCCESS);
	control(LATER, STATUS_SUCCESS);
	control(0x1234, STATUS_INVALID_DEVICE_REQUEST);
	rig_expect(s.completions == (s.pass == pass_on || s.pass == pass_a_copy ? 0 : 3));
	us_nt_io_unload(s.driver);
	rig_expect(!us_irp_leaks((char[64]){0}, 64));
}

static void requests_of_drivers_pass_a_stack_each_way(void **state)
{
	(void)state;
	rig_run_seeds(10, ways_body, (void *)(uintptr_t)pass_on);
	rig_run_seeds(10, ways_body, (void *)(uintptr_t)pass_a_copy);
	rig_run_seeds(10, ways_body, (void *)(uintptr_t)pass_and_count);
	rig_run_seeds(10, ways_body, (void *)(uintptr_t)pass_synchronously);
}

static void forget_body(void *context)
{
	(void)context;
	load(pass_and_forget);
	control(LATER, STATUS_SUCCESS);
}

static void a_completion_routine_passes_the_pending_mark_on(void **state)
{
	(void)state;
	rig_run_breaks("irp.pending-not-marked", forget_body, NULL);
}

static NTSTATUS NTAPI take_back(PDEVICE_OBJECT device, PIRP irp, PVOID event)
{
	rig_expect(device == NULL && irp->CurrentLocation == irp->StackCount + 1); /* who made it has no device */
	CALL(KeSetEvent)(event, IO_NO_INCREMENT, FALSE);
	return STATUS_MORE_PROCESSING_REQUIRED;
}

/* An IRP of IoAllocateIrp, sent and waited for. */
static void send_own(PIRP irp, ULONG code)
{
	PIO_STACK_LOCATION sp = IoGetNextIrpStackLocation(irp);
	KEVENT event;

	CALL(KeInitializeEvent)(&event, NotificationEvent, FALSE);
	sp->MajorFunction = IRP_MJ_DEVICE_CONTROL;
	sp->Parameters.DeviceIoControl.IoControlCode = code;
	sp->Parameters.DeviceIoControl.InputBufferLength = 3;
	IoSetCompletionRoutine(irp, take_back, &event, TRUE, TRUE, TRUE);
	if (CALL(IofCallDriver)(s.upper, irp) == STATUS_PENDING)
		CALL(KeWaitForSingleObject)(&event, Executive, KernelMode, FALSE, NULL);
	rig_expect(irp->IoStatus.Status == STATUS_SUCCESS && irp->IoStatus.Information == 3);
}

static void own_body(void *context)
{
	char text[64];
	PIRP irp;

	(void)context;
	load(pass_and_count);
	irp = CALL(IoAllocateIrp)(s.upper->StackSize, FALSE);
	rig_expect(us_irp_leaks(text, sizeof(text)) == 1);
	send_own(irp, ECHO);
	CALL(IoReuseIrp)(irp, STATUS_NOT_SUPPORTED);
	rig_expect(irp->IoStatus.Status == STATUS_NOT_SUPPORTED && irp->CurrentLocation == 3);
	send_own(irp, LATER);
	CALL(IoFreeIrp)(irp);
	rig_expect(irp->Type ==
		   0x5a5a); /* what looks at it now sees no IRP, and it is not given out again for a while */
	rig_expect(us_irp_leaks(text, sizeof(text)) == 0);
}

static void an_irp_of_the_drivers_own_is_reused(void **state)
{
	(void)state;
	rig_run_seeds(10, own_body, NULL);
}

static void not_taken_back(void *context)
{
	PIRP irp;

	(void)context;
	load(pass_on);
	irp = CALL(IoAllocateIrp)(2, FALSE);
	IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
	CALL(IofCallDriver)(s.upper, irp);
}

static void freed_twice(void *context)
{
	PIRP irp;

	(void)context;
	irp = CALL(IoAllocateIrp)(1, FALSE);
	CALL(IoFreeIrp)(irp);
	CALL(IoFreeIrp)(irp);
}

static void freed_in_flight(void *context)
{
	PIRP irp;

	(void)context;
	load(pass_on);
	irp = CALL(IoAllocateIrp)(2, FALSE);
	IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_DEVICE_CONTROL;
	IoGetNextIrpStackLocation(irp)->Parameters.DeviceIoControl.IoControlCode = KEPT;
	CALL(IofCallDriver)(s.upper, irp);
	CALL(IoFreeIrp)(irp);
}

static void freed_although_threaded(void *context)
{
	IO_STATUS_BLOCK result;
	KEVENT event;

	(void)context;
	load(pass_on);
	CALL(IoFreeIrp)(CALL(IoBuildDeviceIoControlRequest)(ECHO, s.upper, NULL, 0, NULL, 0, FALSE, &event, &result));
}

static NTSTATUS NTAPI pass_unprepared(PDEVICE_OBJECT device, PIRP irp)
{
	(void)device;
	return CALL(IofCallDriver)(s.next, irp);
}

static void too_few_locations(void *context)
{
	PIRP irp;

	(void)context;
	load(pass_unprepared);
	irp = CALL(IoAllocateIrp)(1, FALSE);
	IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
	CALL(IofCallDriver)(s.upper, irp);
}

static void no_device(void *context)
{
	PIRP irp;

	(void)context;
	load(pass_on);
	irp = CALL(IoAllocateIrp)(1, FALSE);
	CALL(IofCallDriver)((PDEVICE_OBJECT)(void *)s.driver, irp);
}

static void deleted_while_attached(void *context)
{
	(void)context;
	load(pass_on);
	CALL(IoDeleteDevice)(s.lower);
}

static void wrong_major(void *context)
{
	(void)context;
	load(pass_on);
	CALL(IoBuildSynchronousFsdRequest)(IRP_MJ_DEVICE_CONTROL, s.upper, NULL, 0, NULL, NULL, NULL);
}

static void mistakes_with_irps_of_ones_own_are_found(void **state)
{
	(void)state;
	rig_run_breaks("irp.not-taken-back", not_taken_back, NULL);
	rig_run_breaks("irp.freed-twice", freed_twice, NULL);
	rig_run_breaks("irp.in-flight", freed_in_flight, NULL);
	rig_run_breaks("irp.free-threaded", freed_although_threaded, NULL);
	rig_run_breaks("irp.no-more-locations", too_few_locations, NULL);
	rig_run_breaks("device.invalid", no_device, NULL);
	rig_run_breaks("device.delete-attached", deleted_while_attached, NULL);
	rig_run_breaks("irp.build-major", wrong_major, NULL);
}

/* -- remove locks ------------------------------------------------------------------------------------------------- */

static IO_REMOVE_LOCK remove_lock;
static bool released;

static void release_later(void *context)
{
	(void)context;
	us_nt_yield();
	released = true;
	CALL(IoReleaseRemoveLockEx)(&remove_lock, NULL, sizeof(remove_lock));
}

static void remove_body(void *context)
{
	(void)context;
	released = false;
	CALL(IoInitializeRemoveLockEx)(&remove_lock, 0, 0, 0, sizeof(remove_lock));
	rig_expect(CALL(IoAcquireRemoveLockEx)(&remove_lock, NULL, "", 1, sizeof(remove_lock)) == STATUS_SUCCESS);
	rig_thread("user of the device", release_later, NULL);
	rig_expect(CALL(IoAcquireRemoveLockEx)(&remove_lock, NULL, "", 1, sizeof(remove_lock)) == STATUS_SUCCESS);
	CALL(IoReleaseRemoveLockAndWaitEx)(&remove_lock, NULL, sizeof(remove_lock));
	rig_expect(released);
	rig_expect(CALL(IoAcquireRemoveLockEx)(&remove_lock, NULL, "", 1, sizeof(remove_lock)) ==
		   STATUS_DELETE_PENDING);
}

static void a_remove_lock_waits_for_who_has_it(void **state)
{
	(void)state;
	rig_run_seeds(RIG_SEEDS, remove_body, NULL);
}

static void unbalanced(void *context)
{
	(void)context;
	CALL(IoInitializeRemoveLockEx)(&remove_lock, 0, 0, 0, sizeof(remove_lock));
	CALL(IoReleaseRemoveLockEx)(&remove_lock, NULL, sizeof(remove_lock));
}

static void a_remove_lock_is_released_as_often_as_acquired(void **state)
{
	(void)state;
	rig_run_breaks("remove-lock.unbalanced", unbalanced, NULL);
}

/* -- the error log ------------------------------------------------------------------------------------------------ */

static void log_body(void *context)
{
	PIO_ERROR_LOG_PACKET packet;

	(void)context;
	load(pass_on);
	rig_expect(!CALL(IoAllocateErrorLogEntry)(s.lower, 8)); /* too small for its fixed part */
	packet = CALL(IoAllocateErrorLogEntry)(s.lower, 64);
	rig_expect(packet);
	packet->ErrorCode = (NTSTATUS)0xc0040001;
	packet->DumpDataSize = 4;
	packet->DumpData[0] = 0x5a5a;
	packet->NumberOfStrings = 1;
	packet->StringOffset = 48;
	memcpy((uint8_t *)packet + 48, L"why", 8);
	CALL(IoWriteErrorLogEntry)(packet);
	rig_expect(us_nt_io_errors_written(0xc0040001) == 1 && us_nt_io_errors_written(0xc0040002) == 0);
	packet = CALL(IoAllocateErrorLogEntry)(s.driver, 64);
	packet->ErrorCode = (NTSTATUS)0xc0040001;
	CALL(IoFreeErrorLogEntry)(packet);
	rig_expect(us_nt_io_errors_written(0xc0040001) == 1); /* that one was not written */
}

static void errors_are_printed(void **state)
{
	char *text = NULL;
	size_t size;
	struct us_rehearsal r = {.model = "adder", .print = open_memstream(&text, &size)};

	(void)state;
	rig_run(&r, log_body, NULL);
	fclose(r.print);
	assert_non_null(strstr(text, "\\Driver\\iotest code 0xc0040001"));
	assert_non_null(strstr(text, "00005a5a \"why\""));
	free(text);
}

static void written_twice(void *context)
{
	PVOID packet;

	(void)context;
	load(pass_on);
	packet = CALL(IoAllocateErrorLogEntry)(s.lower, 64);
	CALL(IoWriteErrorLogEntry)(packet);
	CALL(IoWriteErrorLogEntry)(packet);
}

static void dump_too_long(void *context)
{
	PIO_ERROR_LOG_PACKET packet;

	(void)context;
	load(pass_on);
	packet = CALL(IoAllocateErrorLogEntry)(s.lower, 48);
	packet->DumpDataSize = 12;
	CALL(IoWriteErrorLogEntry)(packet);
}

static void an_entry_is_written_once_and_within_its_size(void **state)
{
	(void)state;
	rig_run_breaks("error-log.invalid", written_twice, NULL);
	rig_run_breaks("error-log.size", dump_too_long, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_with_irps_of_ones_own_are_found),
		cmocka_unit_test(a_completion_routine_passes_the_pending_mark_on),
		cmocka_unit_test(a_remove_lock_is_released_as_often_as_acquired),
		cmocka_unit_test(an_entry_is_written_once_and_within_its_size),
		cmocka_unit_test(devices_are_found_by_their_names),
		cmocka_unit_test(an_exclusive_device_is_opened_once),
		cmocka_unit_test(requests_of_drivers_pass_a_stack_each_way),
		cmocka_unit_test(an_irp_of_the_drivers_own_is_reused),
		cmocka_unit_test(a_remove_lock_waits_for_who_has_it),
		cmocka_unit_test(errors_are_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
