/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A KMDF driver of the adder with everything wrong that can be: each control code is a defect of its own, in a function
 * of that name. The line that the report has to name bears the comment "here".
 */
#include <ntddk.h>
#include <wdf.h>

#include "defects.h"

typedef struct device {
	PHYSICAL_ADDRESS bar;
	SIZE_T size;
	volatile ULONG *registers;
	WDFSPINLOCK lock;
	WDFWAITLOCK first, second;
	KTIMER timer;
	KDPC dpc;
	KEVENT never;
	volatile LONG inside;
} DEVICE;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(DEVICE, device_of)

struct call {
	struct device *device;
	WDFREQUEST request; /* NULL: it is completed, or never will be */
};

#define TAG 'tfeD'
#define DEFECT(name) static __attribute__((noinline)) void name(struct call *call)

/* What the compiler must not know. */
static void *volatile nothing;
static volatile ULONG zero;
static void *volatile kept;

/* Keeps a call from being made into a jump, so that its function stays on the stack. */
#define STAY __asm__ volatile("")

/* -- crashes ------------------------------------------------------------------------------------------------------ */

DEFECT(null_pointer)
{
	const ULONG *pointer = nothing;

	call->device->registers[0] = pointer[2]; /* here: null_pointer */
}

DEFECT(null_function)
{
	void (*function)(void) = (void (*)(void))nothing;

	UNREFERENCED_PARAMETER(call);
	function(); /* here: null_function */
	STAY;
}

DEFECT(garbage_function)
{
	void (*volatile function)(void) = (void (*)(void))(ULONG_PTR)0xfbfbfbfbfbfbfbfb;

	UNREFERENCED_PARAMETER(call);
	function(); /* here: garbage_function */
	STAY;
}

DEFECT(no_address)
{
	volatile ULONG *volatile pointer = (volatile ULONG *)(ULONG_PTR)0xdeadbeefdeadbee0;

	UNREFERENCED_PARAMETER(call);
	*pointer = 1; /* here: no_address */
}

DEFECT(pool_overrun)
{
	volatile UCHAR *piece = ExAllocatePoolWithTag(NonPagedPoolNx, 20, TAG);

	UNREFERENCED_PARAMETER(call);
	piece[20] = 0;
	ExFreePoolWithTag((PVOID)(ULONG_PTR)piece, TAG); /* here: pool_overrun */
	STAY;
}

DEFECT(pool_overrun_by_pages)
{
	volatile UCHAR *piece = ExAllocatePoolWithTag(NonPagedPoolNx, 8192, TAG);

	UNREFERENCED_PARAMETER(call);
	for (ULONG i = 0; i <= 8192; i++)
		piece[i] = 0; /* here: pool_overrun_by_pages */
}

DEFECT(use_after_free)
{
	volatile UCHAR *piece = ExAllocatePoolWithTag(NonPagedPoolNx, 20, TAG);

	UNREFERENCED_PARAMETER(call);
	ExFreePoolWithTag((PVOID)(ULONG_PTR)piece, TAG);
	piece[4] = 1; /* shows when the place is looked at again */
}

DEFECT(freed_twice)
{
	PVOID piece = ExAllocatePoolWithTag(NonPagedPoolNx, 20, TAG);

	UNREFERENCED_PARAMETER(call);
	ExFreePoolWithTag(piece, TAG);
	ExFreePoolWithTag(piece, TAG); /* here: freed_twice */
	STAY;
}

DEFECT(divide_by_zero)
{
	call->device->registers[0] = 100 / zero; /* here: divide_by_zero */
}

DEFECT(illegal_instruction)
{
	UNREFERENCED_PARAMETER(call);
	__builtin_trap(); /* here: illegal_instruction */
}

DEFECT(privileged_instruction)
{
	UNREFERENCED_PARAMETER(call);
	__asm__ volatile("wbinvd"); /* here: privileged_instruction */
}

DEFECT(breakpoint)
{
	UNREFERENCED_PARAMETER(call);
	__debugbreak(); /* here: breakpoint */
}

DEFECT(fast_fail)
{
	UNREFERENCED_PARAMETER(call);
	__asm__ volatile("int $0x29" : : "c"(3)); /* here: fast_fail */
}

static __attribute__((noinline)) ULONG recurse(struct call *call, ULONG depth)
{
	volatile UCHAR room[200];

	room[depth % sizeof room] = (UCHAR)depth;
	return call->request ? recurse(call, depth + 1) + room[0] : room[1]; /* here: stack_overflow */
}

DEFECT(stack_overflow)
{
	call->device->registers[0] = recurse(call, 0);
}

static __attribute__((noinline)) ULONG recurse_and_call(struct call *call, ULONG depth)
{
	volatile UCHAR room[200];

	room[depth % sizeof room] = KeReadStateEvent(&call->device->never) != 0;
	return call->request ? recurse_and_call(call, depth + 1) + room[0] : room[1];
}

DEFECT(stack_overflow_in_call)
{
	call->device->registers[0] = recurse_and_call(call, 0);
}

/* -- what never ends ---------------------------------------------------------------------------------------------- */

DEFECT(loop)
{
	UNREFERENCED_PARAMETER(call);
	for (; !zero;) /* here: loop */
		;
}

DEFECT(loop_with_calls)
{
	while (!KeReadStateEvent(&call->device->never)) /* here: loop_with_calls */
		STAY;
}

DEFECT(event_never_set)
{
	KeWaitForSingleObject(&call->device->never, Executive, KernelMode, FALSE, NULL); /* here: event_never_set */
	STAY;
}

/* Told twice at a time: the one that comes second takes the locks the other way round. */
DEFECT(two_locks)
{
	BOOLEAN turned = InterlockedIncrement(&call->device->inside) % 2 == 0;
	LARGE_INTEGER a_moment = {.QuadPart = -10000};

	WdfWaitLockAcquire(turned ? call->device->second : call->device->first, NULL);
	KeDelayExecutionThread(KernelMode, FALSE, &a_moment);
	WdfWaitLockAcquire(turned ? call->device->first : call->device->second, NULL); /* here: two_locks */
	WdfWaitLockRelease(call->device->first);
	WdfWaitLockRelease(call->device->second);
}

/* -- locks and IRQL ----------------------------------------------------------------------------------------------- */

DEFECT(spin_lock_kept)
{
	WdfSpinLockAcquire(call->device->lock);
}

DEFECT(spin_lock_twice)
{
	WdfSpinLockAcquire(call->device->lock);
	WdfSpinLockAcquire(call->device->lock); /* here: spin_lock_twice */
	STAY;
}

DEFECT(irql_kept)
{
	KIRQL old;

	UNREFERENCED_PARAMETER(call);
	KeRaiseIrql(DISPATCH_LEVEL, &old);
}

DEFECT(wait_at_dispatch)
{
	WdfSpinLockAcquire(call->device->lock);
	KeWaitForSingleObject(&call->device->never, Executive, KernelMode, FALSE, NULL); /* here: wait_at_dispatch */
	WdfSpinLockRelease(call->device->lock);
}

DEFECT(passive_call_at_dispatch)
{
	KIRQL old;

	KeRaiseIrql(DISPATCH_LEVEL, &old);
	WdfWaitLockAcquire(call->device->first, NULL); /* here: passive_call_at_dispatch */
	KeLowerIrql(old);
}

/* -- requests and objects ----------------------------------------------------------------------------------------- */

DEFECT(completed_twice)
{
	WdfRequestComplete(call->request, STATUS_SUCCESS);
	WdfRequestComplete(call->request, STATUS_SUCCESS); /* here: completed_twice */
	call->request = NULL;
}

DEFECT(never_completed)
{
	call->request = NULL;
}

DEFECT(touched_after_completion)
{
	WDFREQUEST request = call->request;

	WdfRequestComplete(request, STATUS_SUCCESS);
	call->request = NULL;
	WdfRequestSetInformation(request, 4); /* here: touched_after_completion */
	STAY;
}

DEFECT(wrong_handle)
{
	WdfSpinLockAcquire((WDFSPINLOCK)call->device->first); /* here: wrong_handle */
	STAY;
}

DEFECT(no_handle)
{
	UNREFERENCED_PARAMETER(call);
	WdfSpinLockAcquire((WDFSPINLOCK)nothing); /* here: no_handle */
	STAY;
}

/* -- the system --------------------------------------------------------------------------------------------------- */

NTSYSAPI NTSTATUS NTAPI ZwLoadDriver(PUNICODE_STRING Name);

DEFECT(not_on_the_stage)
{
	UNREFERENCED_PARAMETER(call);
	ZwLoadDriver(NULL); /* here: not_on_the_stage */
	STAY;
}

DEFECT(own_bugcheck)
{
	UNREFERENCED_PARAMETER(call);
	KeBugCheckEx(0xE2, 1, 2, 3, 4); /* here: own_bugcheck */
}

DEFECT(own_assertion)
{
	static char text[] = "call == NULL", file[] = "defects.c";

	if (call != NULL)
		RtlAssert(text, file, __LINE__, NULL); /* here: own_assertion */
	STAY;
}

DEFECT(own_breakpoint)
{
	UNREFERENCED_PARAMETER(call);
	DbgBreakPoint(); /* here: own_breakpoint */
	STAY;
}

/* -- the device's registers --------------------------------------------------------------------------------------- */

DEFECT(behind_registers)
{
	volatile ULONG *registers = MmMapIoSpace(call->device->bar, call->device->size, MmNonCached);

	registers[4096 / 4] = 1; /* here: behind_registers */
}

DEFECT(registers_unmapped)
{
	volatile ULONG *registers = MmMapIoSpace(call->device->bar, call->device->size, MmNonCached);

	MmUnmapIoSpace((PVOID)(ULONG_PTR)registers, call->device->size);
	registers[0] = 1; /* here: registers_unmapped */
}

DEFECT(mapping_kept)
{
	kept = MmMapIoSpace(call->device->bar, call->device->size, MmNonCached); /* here: mapping_kept */
}

/* -- what outlives the driver ------------------------------------------------------------------------------------- */

DEFECT(pool_kept)
{
	UNREFERENCED_PARAMETER(call);
	kept = ExAllocatePoolWithTag(NonPagedPoolNx, 100, TAG); /* here: pool_kept */
}

static VOID NTAPI late(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
	UNREFERENCED_PARAMETER(dpc);
	UNREFERENCED_PARAMETER(context);
	UNREFERENCED_PARAMETER(argument1);
	UNREFERENCED_PARAMETER(argument2);
}

static KTIMER timer; /* of the image, so that no freed memory is in the way of what is meant */
static KDPC dpc;

DEFECT(timer_kept)
{
	LARGE_INTEGER an_hour = {.QuadPart = -36000000000};

	UNREFERENCED_PARAMETER(call);
	KeInitializeDpc(&dpc, late, NULL);
	KeInitializeTimer(&timer);
	KeSetTimer(&timer, an_hour, &dpc);
}

/* It is queued by the last thing that is called before the image goes. */
DEFECT(dpc_kept)
{
	UNREFERENCED_PARAMETER(call);
	KeInitializeDpc(&dpc, late, NULL);
	KeSetTargetProcessorDpc(&dpc, 1);
	kept = &dpc;
}

static VOID NTAPI sleep_long(PVOID context)
{
	LARGE_INTEGER an_hour = {.QuadPart = -36000000000};

	UNREFERENCED_PARAMETER(context);
	KeDelayExecutionThread(KernelMode, FALSE, &an_hour);
}

DEFECT(thread_kept)
{
	HANDLE thread;

	UNREFERENCED_PARAMETER(call);
	if (NT_SUCCESS(PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, sleep_long, NULL)))
		ZwClose(thread);
}

static WORK_QUEUE_ITEM item;

DEFECT(work_item_kept)
{
	UNREFERENCED_PARAMETER(call);
	ExInitializeWorkItem(&item, sleep_long, NULL);
	ExQueueWorkItem(&item, DelayedWorkQueue);
}

/* -- the driver --------------------------------------------------------------------------------------------------- */

static EVT_WDF_DRIVER_DEVICE_ADD device_add;
static EVT_WDF_DRIVER_UNLOAD unload;
static EVT_WDF_DEVICE_PREPARE_HARDWARE prepare;
static EVT_WDF_DEVICE_RELEASE_HARDWARE release;
static EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL control;
DRIVER_INITIALIZE DriverEntry;

static NTSTATUS NTAPI prepare(WDFDEVICE handle, WDFCMRESLIST raw, WDFCMRESLIST translated)
{
	struct device *device = device_of(handle);

	UNREFERENCED_PARAMETER(raw);
	for (ULONG i = 0; i < WdfCmResourceListGetCount(translated); i++) {
		PCM_PARTIAL_RESOURCE_DESCRIPTOR d = WdfCmResourceListGetDescriptor(translated, i);

		if (d->Type != CmResourceTypeMemory)
			continue;
		device->bar = d->u.Memory.Start;
		device->size = d->u.Memory.Length;
		device->registers = MmMapIoSpace(device->bar, device->size, MmNonCached);
	}
	return device->registers ? STATUS_SUCCESS : STATUS_DEVICE_CONFIGURATION_ERROR;
}

static NTSTATUS NTAPI release(WDFDEVICE handle, WDFCMRESLIST translated)
{
	struct device *device = device_of(handle);

	UNREFERENCED_PARAMETER(translated);
	if (device->registers)
		MmUnmapIoSpace((PVOID)(ULONG_PTR)device->registers, device->size);
	device->registers = NULL;
	return STATUS_SUCCESS;
}

static VOID NTAPI control(WDFQUEUE queue, WDFREQUEST request, size_t out, size_t in, ULONG code)
{
#define DEFECT_FUNCTION(name) name,
	static void (*const defects[])(struct call * call) = {DEFECTS(DEFECT_FUNCTION)};
	struct call call = {device_of(WdfIoQueueGetDevice(queue)), request};
	ULONG number = (code >> 2 & 0xfff) - 0x800;

	UNREFERENCED_PARAMETER(out);
	UNREFERENCED_PARAMETER(in);
	if (number < DEFECT_COUNT)
		defects[number](&call);
	if (call.request)
		WdfRequestComplete(call.request, STATUS_SUCCESS);
}

static NTSTATUS NTAPI device_add(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
	static const GUID guid = {0x2d1f2c0a, 0x2222, 0x4a5b, {1, 2, 3, 4, 5, 6, 7, 8}};
	WDF_PNPPOWER_EVENT_CALLBACKS events;
	WDF_OBJECT_ATTRIBUTES attributes;
	WDF_IO_QUEUE_CONFIG queue;
	struct device *device;
	NTSTATUS status;
	WDFDEVICE handle;

	UNREFERENCED_PARAMETER(driver);
	WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&events);
	events.EvtDevicePrepareHardware = prepare;
	events.EvtDeviceReleaseHardware = release;
	WdfDeviceInitSetPnpPowerEventCallbacks(init, &events);
	WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, DEVICE);
	status = WdfDeviceCreate(&init, &attributes, &handle);
	if (!NT_SUCCESS(status))
		return status;
	device = device_of(handle);
	KeInitializeEvent(&device->never, NotificationEvent, FALSE);
	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.ParentObject = handle;
	if (!NT_SUCCESS(status = WdfSpinLockCreate(&attributes, &device->lock)) ||
	    !NT_SUCCESS(status = WdfWaitLockCreate(&attributes, &device->first)) ||
	    !NT_SUCCESS(status = WdfWaitLockCreate(&attributes, &device->second)))
		return status;
	WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, WdfIoQueueDispatchParallel);
	queue.EvtIoDeviceControl = control;
	status = WdfIoQueueCreate(handle, &queue, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
	return NT_SUCCESS(status) ? WdfDeviceCreateDeviceInterface(handle, &guid, NULL) : status;
}

static VOID NTAPI unload(WDFDRIVER driver)
{
	UNREFERENCED_PARAMETER(driver);
	if (kept == &dpc) { /* it can not run before the image is gone when nobody lets it */
		KIRQL old;

		KeRaiseIrql(DISPATCH_LEVEL, &old);
		KeInsertQueueDpc(&dpc, NULL, NULL);
		KeLowerIrql(old);
	}
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
	WDF_DRIVER_CONFIG config;

	DbgPrint("defects: here I am\n");
	WDF_DRIVER_CONFIG_INIT(&config, device_add);
	config.EvtDriverUnload = unload;
	return WdfDriverCreate(driver, path, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
