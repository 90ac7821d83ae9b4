/* SPDX-License-Identifier: Apache-2.0 */
/* The driver's pool, lists, work items and executive timers; system threads. */
#include "rig.h"

#include "nt/ob.h"

#define C(function) US_IMPORT(function)
#define AS(name, result, ...)                                                                                          \
	((result(__attribute__((ms_abi)) *)(__VA_ARGS__))(uintptr_t)us_nt_gate(us_nt_find_export(NULL, name)))
#define TAG 0x74736554 /* 'Test' */

static void sleep_ms(LONGLONG n)
{
	LARGE_INTEGER interval = {.QuadPart = -10000 * n};

	C(KeDelayExecutionThread)(KernelMode, FALSE, &interval);
}

/* -- the pool ----------------------------------------------------------------------------------------------------- */

static void free_twice(void *context)
{
	PVOID piece = C(ExAllocatePoolWithTag)(NonPagedPool, 100, TAG);

	(void)context;
	C(ExFreePoolWithTag)(piece, TAG);
	C(ExFreePoolWithTag)(piece, TAG);
}

static void free_middle(void *context)
{
	(void)context;
	C(ExFreePool)((UCHAR *)C(ExAllocatePoolWithTag)(NonPagedPool, 100, TAG) + 16);
}

static void free_the_stages(void *context)
{
	(void)context;
	C(ExFreePool)(us_nt_pool_alloc(10, TAG));
}

static void free_other_tag(void *context)
{
	(void)context;
	C(ExFreePoolWithTag)(C(ExAllocatePoolWithTag)(NonPagedPool, 100, TAG), TAG + 1);
}

static void allocate_paged_at_dispatch(void *context)
{
	(void)context;
	us_nt_raise_irql(DISPATCH_LEVEL);
	C(ExAllocatePoolWithTag)(PagedPool, 100, TAG);
}

static void free_paged_at_dispatch(void *context)
{
	PVOID piece = C(ExAllocatePoolWithTag)(PagedPool, 100, TAG);

	(void)context;
	us_nt_raise_irql(DISPATCH_LEVEL);
	C(ExFreePoolWithTag)(piece, TAG);
}

static void allocate_nothing(void *context)
{
	(void)context;
	C(ExAllocatePoolWithTag)(NonPagedPool, 0, TAG);
}

static void allocate_without_tag(void *context)
{
	(void)context;
	C(ExAllocatePoolWithTag)(NonPagedPool, 10, 0);
}

static void free_a_timer_that_is_set(void *context)
{
	PKTIMER timer = C(ExAllocatePoolWithTag)(NonPagedPool, sizeof(*timer), TAG);

	(void)context;
	C(KeInitializeTimer)(timer);
	C(KeSetTimer)(timer, (LARGE_INTEGER){.QuadPart = -10000000}, NULL);
	C(ExFreePool)(timer);
}

static void mistakes_with_pool_are_bugchecks(void **state)
{
	(void)state;
	rig_run_breaks("pool.bad-free", free_twice, NULL);
	rig_run_breaks("pool.bad-free", free_middle, NULL);
	rig_run_breaks("pool.bad-free", free_the_stages, NULL);
	rig_run_breaks("pool.wrong-tag", free_other_tag, NULL);
	rig_run_breaks("irql.pool", allocate_paged_at_dispatch, NULL);
	rig_run_breaks("irql.pool", free_paged_at_dispatch, NULL);
	rig_run_breaks("pool.size-zero", allocate_nothing, NULL);
	rig_run_breaks("pool.tag", allocate_without_tag, NULL);
	rig_run_breaks("timer.freed", free_a_timer_that_is_set, NULL);
}

static void allocate(void *context)
{
	PVOID(__attribute__((ms_abi)) * allocate_2)
	(ULONG64, SIZE_T, ULONG) = AS("ExAllocatePool2", PVOID, ULONG64, SIZE_T, ULONG);
	UCHAR *piece = C(ExAllocatePoolWithTag)(NonPagedPoolNx, 100, TAG), *zeroed;
	size_t pieces, bytes;

	(void)context;
	rig_expect(piece && piece[0] != 0); /* it is not zeroed */
	zeroed = allocate_2(0x40, 100, TAG);
	for (unsigned i = 0; i < 100; i++)
		rig_expect(zeroed[i] == 0);
	rig_expect(!allocate_2(0x40 | 0x100, 100, TAG) && !allocate_2(0, 100, TAG) &&
		   !allocate_2(0x40 | 0x8000, 100, TAG));
	us_nt_pool_count(&pieces, &bytes);
	rig_expect(pieces == 2 && bytes == 200);
	C(ExFreePoolWithTag)(piece, 0);
	C(ExFreePool)(zeroed);
	us_nt_pool_count(&pieces, &bytes);
	rig_expect(pieces == 0);
}

static void pieces_are_counted_and_zeroed_as_asked(void **state)
{
	(void)state;
	rig_run(NULL, allocate, NULL);
}

static void allocation_fails(void *context)
{
	(void)context;
	rig_expect(!C(ExAllocatePoolWithTag)(NonPagedPool, 100, TAG));
	rig_expect(C(ExAllocatePoolWithTag)(NonPagedPool, 100, TAG));
}

static void an_allocation_can_be_made_to_fail(void **state)
{
	struct us_rehearsal r = {.model = "adder", .fail_nth = 1};

	(void)state;
	rig_run(&r, allocation_fails, NULL);
}

/* -- lists -------------------------------------------------------------------------------------------------------- */

struct node {
	SLIST_ENTRY entry;
	unsigned value;
};

static void slists(void *context)
{
	PSLIST_ENTRY(__attribute__((ms_abi)) * push)
	(PSLIST_HEADER, PSLIST_ENTRY) = AS("ExpInterlockedPushEntrySList", PSLIST_ENTRY, PSLIST_HEADER, PSLIST_ENTRY);
	PSLIST_ENTRY(__attribute__((ms_abi)) * pop)
	(PSLIST_HEADER) = AS("ExpInterlockedPopEntrySList", PSLIST_ENTRY, PSLIST_HEADER);
	USHORT(__attribute__((ms_abi)) * depth)(PSLIST_HEADER) = AS("ExQueryDepthSList", USHORT, PSLIST_HEADER);
	struct node nodes[3];
	SLIST_HEADER head;

	(void)context;
	AS("InitializeSListHead", void, PSLIST_HEADER)(&head);
	rig_expect(depth(&head) == 0 && !pop(&head));
	rig_expect(push(&head, &nodes[0].entry) == NULL && push(&head, &nodes[1].entry) == &nodes[0].entry);
	rig_expect(depth(&head) == 2 && pop(&head) == &nodes[1].entry);
	push(&head, &nodes[2].entry);
	rig_expect(AS("ExpInterlockedFlushSList", PSLIST_ENTRY, PSLIST_HEADER)(&head) == &nodes[2].entry &&
		   depth(&head) == 0);
	rig_expect(nodes[2].entry.Next == &nodes[0].entry && !nodes[0].entry.Next);
}

static void sequenced_lists_are_last_in_first_out(void **state)
{
	(void)state;
	rig_run(NULL, slists, NULL);
}

static void lookaside(void *context)
{
	NPAGED_LOOKASIDE_LIST list;
	LOOKASIDE_LIST_EX list_ex;
	void *first, *second;
	char text[128];

	(void)context;
	C(ExInitializeNPagedLookasideList)(&list, NULL, NULL, 0, 100, TAG, 0);
	/* As the driver's headers do it. */
	first = list.L.Allocate(list.L.Type, list.L.Size, list.L.Tag);
	rig_expect(us_nt_pool_is_drivers(first) && us_nt_pool_size(first) == 100 &&
		   us_nt_pool_leaks(text, sizeof(text)) == 1);
	rig_expect(AS("ExQueryDepthSList", USHORT, PSLIST_HEADER)(&list.L.ListHead) >= list.L.Depth);
	list.L.Free(first);
	C(ExDeleteNPagedLookasideList)(&list);
	rig_expect(C(ExInitializeLookasideListEx)(&list_ex, NULL, NULL, NonPagedPoolNx, 0, 64, TAG, 1) ==
		   STATUS_INVALID_PARAMETER_8);
	rig_expect(C(ExInitializeLookasideListEx)(&list_ex, NULL, NULL, NonPagedPoolNx, 3, 64, TAG, 0) ==
		   STATUS_INVALID_PARAMETER_5);
	rig_expect(C(ExInitializeLookasideListEx)(&list_ex, NULL, NULL, NonPagedPoolNx, 0, 64, TAG, 0) ==
		   STATUS_SUCCESS);
	second = list_ex.L.AllocateEx(list_ex.L.Type, list_ex.L.Size, list_ex.L.Tag, &list_ex);
	rig_expect(us_nt_pool_size(second) == 64);
	list_ex.L.FreeEx(second, &list_ex);
	C(ExDeleteLookasideListEx)(&list_ex);
	rig_expect(us_nt_pool_leaks(text, sizeof(text)) == 0);
}

static void lookaside_lists_give_and_take_pool(void **state)
{
	(void)state;
	rig_run(NULL, lookaside, NULL);
}

struct shared_list {
	LIST_ENTRY head, entries[20];
	KSPIN_LOCK lock;
	unsigned taken, ended;
};

static void take_some(void *context)
{
	struct shared_list *list = context;

	while (C(ExInterlockedRemoveHeadList)(&list->head, &list->lock))
		list->taken++;
	list->ended++;
}

static void interlocked(void *context)
{
	struct shared_list list = {0};

	(void)context;
	InitializeListHead(&list.head);
	rig_expect(!C(ExInterlockedInsertTailList)(&list.head, &list.entries[0], &list.lock));
	rig_expect(C(ExInterlockedInsertHeadList)(&list.head, &list.entries[1], &list.lock) == &list.entries[0]);
	for (unsigned i = 2; i < 20; i++)
		C(ExInterlockedInsertTailList)(&list.head, &list.entries[i], &list.lock);
	rig_expect(list.head.Flink == &list.entries[1] && list.head.Blink == &list.entries[19]);
	rig_thread("taker", take_some, &list);
	rig_thread("taker", take_some, &list);
	while (list.ended < 2)
		sleep_ms(1);
	rig_expect(list.taken == 20 && list.lock == 0);
}

static void interlocked_lists_lose_nothing(void **state)
{
	(void)state;
	rig_run_seeds(RIG_SEEDS, interlocked, NULL);
}

/* -- work items --------------------------------------------------------------------------------------------------- */

struct work {
	KEVENT go, done;
	unsigned ran, running, most;
	PIO_WORKITEM item;
};

static void NTAPI do_work(PDEVICE_OBJECT device, PVOID context)
{
	struct work *w = context;

	(void)device;
	rig_expect(us_nt_irql() == PASSIVE_LEVEL);
	if (++w->running > w->most)
		w->most = w->running;
	C(KeWaitForSingleObject)(&w->go, Executive, KernelMode, FALSE, NULL);
	w->running--;
	w->ran++;
}

static void several_at_once(void *context)
{
	struct work w = {0};
	PIO_WORKITEM items[5];

	(void)context;
	C(KeInitializeEvent)(&w.go, NotificationEvent, FALSE);
	for (unsigned i = 0; i < 5; i++) {
		items[i] = C(IoAllocateWorkItem)(NULL);
		C(IoQueueWorkItem)(items[i], do_work, DelayedWorkQueue, &w);
	}
	sleep_ms(50);
	rig_expect(w.running == 5 && w.ran == 0); /* none waits for another */
	C(KeSetEvent)(&w.go, 0, FALSE);
	sleep_ms(50);
	rig_expect(w.ran == 5);
	for (unsigned i = 0; i < 5; i++) {
		C(IoQueueWorkItem)(items[i], do_work, CriticalWorkQueue, &w); /* again */
		while (w.ran < 6 + i)
			sleep_ms(1);
		C(IoFreeWorkItem)(items[i]);
	}
}

static void work_items_run_at_passive_level_beside_one_another(void **state)
{
	(void)state;
	rig_run_seeds(RIG_SEEDS, several_at_once, NULL);
}

static void NTAPI free_itself(PVOID object, PVOID context, PIO_WORKITEM item)
{
	struct work *w = context;

	(void)object;
	C(IoFreeWorkItem)(item);
	w->ran++;
}

static void item_frees_itself(void *context)
{
	struct work w = {0};

	(void)context;
	C(IoQueueWorkItemEx)(C(IoAllocateWorkItem)(NULL), free_itself, DelayedWorkQueue, &w);
	while (!w.ran)
		sleep_ms(1);
	sleep_ms(20);
	rig_expect(us_nt_pool_leaks(NULL, 0) == 0);
}

static void a_work_item_may_free_itself(void **state)
{
	(void)state;
	rig_run_seeds(RIG_SEEDS, item_frees_itself, NULL);
}

static void queue_twice(void *context)
{
	PIO_WORKITEM item = C(IoAllocateWorkItem)(NULL);

	(void)context;
	us_nt_raise_irql(DISPATCH_LEVEL);
	IoQueueWorkItem(item, do_work, DelayedWorkQueue, NULL);
	IoQueueWorkItem(item, do_work, DelayedWorkQueue, NULL);
}

static void free_queued(void *context)
{
	PIO_WORKITEM item = C(IoAllocateWorkItem)(NULL);

	(void)context;
	us_nt_raise_irql(DISPATCH_LEVEL);
	IoQueueWorkItem(item, do_work, DelayedWorkQueue, NULL);
	IoFreeWorkItem(item);
}

static void mistakes_with_work_items_are_bugchecks(void **state)
{
	(void)state;
	rig_run_breaks("work-item.queued-twice", queue_twice, NULL);
	rig_run_breaks("work-item.freed", free_queued, NULL);
}

/* -- executive timers --------------------------------------------------------------------------------------------- */

static void NTAPI tick(PEX_TIMER timer, PVOID context)
{
	(void)timer;
	rig_expect(us_nt_irql() == DISPATCH_LEVEL);
	++*(unsigned *)context;
}

static void ex_timers(void *context)
{
	unsigned ticks = 0, then;
	PEX_TIMER timer = C(ExAllocateTimer)(tick, &ticks, 0);

	(void)context;
	rig_expect(!C(ExSetTimer)(timer, -10000 * 30, 10000 * 30, NULL));
	sleep_ms(200);
	rig_expect(ticks >= 3);
	rig_expect(C(ExDeleteTimer)(timer, TRUE, TRUE, NULL));
	then = ticks;
	sleep_ms(200);
	rig_expect(ticks == then && us_nt_pool_leaks(NULL, 0) == 0);
}

static void an_executive_timer_calls_back_until_it_is_deleted(void **state)
{
	(void)state;
	rig_run_seeds(RIG_SEEDS, ex_timers, NULL);
}

static void use_deleted_timer(void *context)
{
	PEX_TIMER timer = C(ExAllocateTimer)(tick, NULL, 0);

	(void)context;
	C(ExDeleteTimer)(timer, TRUE, FALSE, NULL);
	C(ExSetTimer)(timer, -1, 0, NULL);
}

static void a_deleted_timer_is_a_bugcheck(void **state)
{
	(void)state;
	rig_run_breaks("ex-timer.invalid", use_deleted_timer, NULL);
}

/* -- system threads ----------------------------------------------------------------------------------------------- */

static void NTAPI thread_main(PVOID context)
{
	*(unsigned *)context = 1;
	sleep_ms(30);
	*(unsigned *)context = 2;
	C(PsTerminateSystemThread)(STATUS_SUCCESS);
	*(unsigned *)context = 3;
}

static void wait_for_thread(void *context)
{
	LARGE_INTEGER now = {.QuadPart = 0};
	unsigned state = 0;
	char text[200];
	HANDLE handle;
	PVOID thread;

	(void)context;
	rig_expect(C(PsCreateSystemThread)(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, thread_main, &state) ==
		   STATUS_SUCCESS);
	rig_expect(us_nt_ke_leaks(text, sizeof(text)) == 1);
	rig_expect(C(ObReferenceObjectByHandle)(handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, &thread, NULL) ==
		   STATUS_SUCCESS);
	rig_expect(C(ZwClose)(handle) == STATUS_SUCCESS);
	rig_expect(C(KeWaitForSingleObject)(thread, Executive, KernelMode, FALSE, &now) == STATUS_TIMEOUT ||
		   state == 2);
	rig_expect(C(KeWaitForSingleObject)(thread, Executive, KernelMode, FALSE, NULL) == STATUS_SUCCESS);
	rig_expect(state == 2);
	rig_expect(C(KeWaitForSingleObject)(thread, Executive, KernelMode, FALSE, NULL) ==
		   STATUS_SUCCESS); /* and stays ended */
	C(ObfDereferenceObject)(thread);
	rig_expect(us_nt_ke_leaks(text, sizeof(text)) == 0);
	rig_expect(C(PsTerminateSystemThread)(0) ==
		   STATUS_INVALID_PARAMETER); /* this one is no system thread of a driver */
}

static void a_system_thread_can_be_waited_for(void **state)
{
	(void)state;
	rig_run_seeds(RIG_SEEDS, wait_for_thread, NULL);
}

static void NTAPI keep_mutex(PVOID context)
{
	C(KeWaitForSingleObject)(context, Executive, KernelMode, FALSE, NULL);
}

static void NTAPI keep_region(PVOID context)
{
	(void)context;
	C(KeEnterGuardedRegion)();
}

static void end_with_mutex(void *context)
{
	KMUTEX mutex;
	HANDLE handle;

	C(KeInitializeMutex)(&mutex, 0);
	mutex.ApcDisable = 0; /* the region would be found out first */
	C(PsCreateSystemThread)
	(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, context ? keep_mutex : keep_region, &mutex);
	sleep_ms(100);
}

static void a_thread_gives_back_what_it_holds_before_it_ends(void **state)
{
	static bool mutex = true;

	(void)state;
	rig_run_breaks("thread.holds-mutex", end_with_mutex, &mutex);
	rig_run_breaks("thread.critical-region", end_with_mutex, NULL);
}

static void close_twice(void *context)
{
	HANDLE handle;

	(void)context;
	rig_expect(C(IoCreateNotificationEvent)(NULL, &handle));
	C(ZwClose)(handle);
	C(ZwClose)(handle);
}

static void a_closed_handle_is_a_bugcheck(void **state)
{
	(void)state;
	rig_run_breaks("handle.invalid", close_twice, NULL);
}

/* -- event tracing ------------------------------------------------------------------------------------------------ */

static const GUID provider = {0x12345678, 1, 2, {3}};

static void trace_events(void *context)
{
	static const EVENT_DESCRIPTOR event = {.Id = 7, .Level = 4};
	EVENT_DATA_DESCRIPTOR data = {.Ptr = (uintptr_t)&event, .Size = sizeof(event)};
	REGHANDLE handle = 0, other = 0;

	(void)context;
	rig_expect(C(EtwRegister)(NULL, NULL, NULL, &handle) == STATUS_INVALID_PARAMETER);
	rig_expect(C(EtwWrite)(0, &event, NULL, 0, NULL) == STATUS_INVALID_HANDLE);
	rig_expect(C(EtwUnregister)(0) == STATUS_INVALID_HANDLE);
	rig_expect(!C(EtwEventEnabled)(0, &event));
	rig_expect(C(EtwRegister)(&provider, NULL, NULL, &handle) == STATUS_SUCCESS && handle);
	rig_expect(C(EtwRegister)(&provider, NULL, NULL, &other) == STATUS_SUCCESS && other && other != handle);
	rig_expect(!C(EtwEventEnabled)(handle, &event)); /* nobody listens */
	rig_expect(!C(EtwProviderEnabled)(handle, 4, 1));
	rig_expect(C(EtwWrite)(handle, NULL, NULL, 0, NULL) == STATUS_INVALID_PARAMETER);
	rig_expect(C(EtwWrite)(handle, &event, NULL, 1, NULL) == STATUS_INVALID_PARAMETER);
	rig_expect(C(EtwWrite)(handle, &event, NULL, 1, &data) == STATUS_SUCCESS);
	rig_expect(C(EtwWriteTransfer)(handle, &event, NULL, NULL, 0, NULL) == STATUS_SUCCESS);
	rig_expect(C(EtwUnregister)(other) == STATUS_SUCCESS);
	rig_expect(C(EtwUnregister)(handle) == STATUS_SUCCESS);
}

static void nobody_listens_to_events(void **state)
{
	(void)state;
	rig_run(NULL, trace_events, NULL);
}

static void write_when_unregistered(void *context)
{
	static const EVENT_DESCRIPTOR event;
	REGHANDLE handle;

	(void)context;
	C(EtwRegister)(&provider, NULL, NULL, &handle);
	C(EtwUnregister)(handle);
	C(EtwWrite)(handle, &event, NULL, 0, NULL);
}

static void an_unregistered_provider_is_a_bugcheck(void **state)
{
	(void)state;
	rig_run_breaks("etw.handle", write_when_unregistered, NULL);
}

static void NTAPI unload_with_provider(PDRIVER_OBJECT driver)
{
	(void)driver;
}

static NTSTATUS NTAPI add_no_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT pdo)
{
	(void)driver, (void)pdo;
	return STATUS_NOT_SUPPORTED;
}

static NTSTATUS NTAPI enter_with_provider(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
	REGHANDLE handle;

	(void)registry;
	driver->DriverUnload = unload_with_provider;
	driver->DriverExtension->AddDevice = add_no_device;
	return C(EtwRegister)(&provider, NULL, NULL, &handle);
}

static void load_and_unload(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_expect_status(user, us_nt_plug_in(user), STATUS_NOT_SUPPORTED);
}

static void a_provider_that_is_left_is_a_leak(void **state)
{
	const struct us_rehearsal r = {.model = "adder", .entry = (void *)(uintptr_t)enter_with_provider};

	(void)state;
	rig_tell_breaks("etw.leak", &r, load_and_unload, NULL);
}

/* -- identifiers -------------------------------------------------------------------------------------------------- */

static UUID of_seed[2];

static void make_uuids(void *context)
{
	UUID one, two;

	rig_expect(C(ExUuidCreate)(&one) == STATUS_SUCCESS && C(ExUuidCreate)(&two) == STATUS_SUCCESS);
	rig_expect(memcmp(&one, &two, sizeof(one)) != 0);
	rig_expect(one.Data3 >> 12 == 4 && one.Data4[0] >> 6 == 2); /* random, of the variant that all have */
	*(UUID *)context = one;
}

static void a_uuid_comes_but_once_and_by_the_seed(void **state)
{
	struct us_rehearsal r = {.model = "adder", .seed = 7};

	(void)state;
	rig_run(&r, make_uuids, &of_seed[0]);
	rig_run(&r, make_uuids, &of_seed[1]);
	assert_memory_equal(&of_seed[0], &of_seed[1], sizeof(UUID));
	r.seed = 8;
	rig_run(&r, make_uuids, &of_seed[1]);
	assert_memory_not_equal(&of_seed[0], &of_seed[1], sizeof(UUID));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_with_pool_are_bugchecks),
		cmocka_unit_test(pieces_are_counted_and_zeroed_as_asked),
		cmocka_unit_test(an_allocation_can_be_made_to_fail),
		cmocka_unit_test(sequenced_lists_are_last_in_first_out),
		cmocka_unit_test(lookaside_lists_give_and_take_pool),
		cmocka_unit_test(interlocked_lists_lose_nothing),
		cmocka_unit_test(work_items_run_at_passive_level_beside_one_another),
		cmocka_unit_test(a_work_item_may_free_itself),
		cmocka_unit_test(mistakes_with_work_items_are_bugchecks),
		cmocka_unit_test(an_executive_timer_calls_back_until_it_is_deleted),
		cmocka_unit_test(a_deleted_timer_is_a_bugcheck),
		cmocka_unit_test(a_system_thread_can_be_waited_for),
		cmocka_unit_test(a_thread_gives_back_what_it_holds_before_it_ends),
		cmocka_unit_test(a_closed_handle_is_a_bugcheck),
		cmocka_unit_test(a_uuid_comes_but_once_and_by_the_seed),
		cmocka_unit_test(nobody_listens_to_events),
		cmocka_unit_test(an_unregistered_provider_is_a_bugcheck),
		cmocka_unit_test(a_provider_that_is_left_is_a_leak),
	};

	return cmocka_run_group_tests_name("the stage: ex and threads", tests, NULL, NULL);
}
