/* SPDX-License-Identifier: Apache-2.0 */
/* What ex offers to drivers, and the module's beginning. */
#include "nt/ex.h"

const struct us_export us_nt_ex_exports[] = {
	/* the pool; whether it is paged decides about the IRQL */
	US_EXPORT(ExAllocatePool, DISPATCH_LEVEL, "P:uq"),
	US_EXPORT_FAILS_BY(us_ex_no_pool, "ExAllocatePoolWithTag", ExAllocatePoolWithTag, DISPATCH_LEVEL, "P:uqx"),
	US_EXPORT_FAILS_BY(us_ex_no_pool, "ExAllocatePoolWithTagPriority", ExAllocatePoolWithTagPriority,
			   DISPATCH_LEVEL, "P:uqxu"),
	US_EXPORT_FAILS_BY(us_ex_no_quota, "ExAllocatePoolWithQuota", ExAllocatePoolWithQuota, DISPATCH_LEVEL, "P:uq"),
	US_EXPORT_FAILS_BY(us_ex_no_quota, "ExAllocatePoolWithQuotaTag", ExAllocatePoolWithQuotaTag, DISPATCH_LEVEL,
			   "P:uqx"),
	US_EXPORT_FAILS_BY(us_ex_no_pool_2, "ExAllocatePool2", us_ex_allocate_pool_2, DISPATCH_LEVEL, "P:xqx"),
	US_EXPORT_FAILS_BY(us_ex_no_pool_2, "ExAllocatePool3", us_ex_allocate_pool_3, DISPATCH_LEVEL, "P:xqxpu"),
	US_EXPORT(ExFreePool, DISPATCH_LEVEL, "v:p"),
	US_EXPORT(ExFreePoolWithTag, DISPATCH_LEVEL, "v:px"),
	US_EXPORT_AS("ExFreePool2", us_ex_free_pool_2, DISPATCH_LEVEL, "v:pxpu"),

	/* lists */
	US_EXPORT(ExInitializeNPagedLookasideList, DISPATCH_LEVEL, "v:pppxqxu"),
	US_EXPORT(ExDeleteNPagedLookasideList, DISPATCH_LEVEL, "v:p"),
	US_EXPORT(ExInitializePagedLookasideList, APC_LEVEL, "v:pppxqxu"),
	US_EXPORT(ExDeletePagedLookasideList, APC_LEVEL, "v:p"),
	US_EXPORT(ExInitializeLookasideListEx, DISPATCH_LEVEL, "s:pppuxqxu"),
	US_EXPORT(ExFlushLookasideListEx, DISPATCH_LEVEL, "v:p"),
	US_EXPORT(ExDeleteLookasideListEx, DISPATCH_LEVEL, "v:p"),
	US_EXPORT_AS("InitializeSListHead", us_ex_slist_init, HIGH_LEVEL, "v:p"),
	US_EXPORT_AS("ExpInterlockedPushEntrySList", us_ex_slist_push, DISPATCH_LEVEL, "p:pp"),
	US_EXPORT_AS("ExpInterlockedPopEntrySList", us_ex_slist_pop, DISPATCH_LEVEL, "p:p"),
	US_EXPORT_AS("ExpInterlockedFlushSList", us_ex_slist_flush, DISPATCH_LEVEL, "p:p"),
	US_EXPORT_AS("InterlockedPushEntrySList", us_ex_slist_push, DISPATCH_LEVEL, "p:pp"),
	US_EXPORT_AS("InterlockedPopEntrySList", us_ex_slist_pop, DISPATCH_LEVEL, "p:p"),
	US_EXPORT_AS("ExQueryDepthSList", us_ex_slist_depth, HIGH_LEVEL, "u:p"),
	US_EXPORT(ExInterlockedInsertHeadList, HIGH_LEVEL, "p:ppp"),
	US_EXPORT(ExInterlockedInsertTailList, HIGH_LEVEL, "p:ppp"),
	US_EXPORT(ExInterlockedRemoveHeadList, HIGH_LEVEL, "p:pp"),
	US_EXPORT(ExInterlockedPopEntryList, HIGH_LEVEL, "p:pp"),
	US_EXPORT(ExInterlockedPushEntryList, HIGH_LEVEL, "p:ppp"),
	US_EXPORT(ExInterlockedAddLargeInteger, HIGH_LEVEL, "q:pqp"),
	US_EXPORT(ExInterlockedAddUlong, HIGH_LEVEL, "u:pup"),

	/* work items */
	US_EXPORT(ExQueueWorkItem, DISPATCH_LEVEL, "v:pu"),
	US_EXPORT(IoAllocateWorkItem, DISPATCH_LEVEL, "P:p"),
	US_EXPORT(IoFreeWorkItem, DISPATCH_LEVEL, "v:p"),
	US_EXPORT(IoInitializeWorkItem, DISPATCH_LEVEL, "v:pp"),
	US_EXPORT(IoUninitializeWorkItem, DISPATCH_LEVEL, "v:p"),
	US_EXPORT(IoSizeofWorkItem, DISPATCH_LEVEL, "u:"),
	US_EXPORT(IoQueueWorkItem, DISPATCH_LEVEL, "v:ppup"),
	US_EXPORT(IoQueueWorkItemEx, DISPATCH_LEVEL, "v:ppup"),
	US_EXPORT_AS("IoTryQueueWorkItem", us_io_try_queue_work_item, DISPATCH_LEVEL, "b:ppup"),

	/* timers */
	US_EXPORT(ExAllocateTimer, DISPATCH_LEVEL, "P:ppx"),
	US_EXPORT(ExSetTimer, DISPATCH_LEVEL, "b:pqqp"),
	US_EXPORT(ExCancelTimer, DISPATCH_LEVEL, "b:pp"),
	US_EXPORT(ExDeleteTimer, DISPATCH_LEVEL, "b:pbbp"),

	/* event tracing */
	US_EXPORT(EtwRegister, PASSIVE_LEVEL, "s:pppp"),
	US_EXPORT(EtwUnregister, PASSIVE_LEVEL, "s:x"),
	US_EXPORT(EtwEventEnabled, HIGH_LEVEL, "b:xp"),
	US_EXPORT(EtwProviderEnabled, HIGH_LEVEL, "b:xux"),
	US_EXPORT(EtwWrite, HIGH_LEVEL, "s:xppup"),
	US_EXPORT(EtwWriteTransfer, HIGH_LEVEL, "s:xpppup"),
	US_EXPORT_AS("EtwSetInformation", us_etw_set_information, PASSIVE_LEVEL, "s:xupu"),

	/* identifiers */
	US_EXPORT(ExUuidCreate, APC_LEVEL, "s:p"),
	US_EXPORT_END,
};

void us_nt_ex_init(void)
{
	us_nt->ex = us_nt_alloc(sizeof(*us_nt->ex));
	for (unsigned i = 0; i < US_EX_QUEUES; i++)
		InitializeListHead(&us_nt->ex->work[i]);
}
