/* SPDX-License-Identifier: Apache-2.0 */
#include "nt/kmdf/callback.h"

#include <wdfstatus.h>

#define THREADS (sizeof(((struct us_wdf_runs *)NULL)->threads) / sizeof(struct us_thread *))

NTSTATUS us_wdf_callback_check(const struct us_wdf_type *type, PWDF_OBJECT_ATTRIBUTES attributes, bool serialize,
			       bool passive, struct us_wdf_lock **lock)
{
	NTSTATUS status = us_wdf_check_attributes(type, attributes);
	struct us_wdf_object *parent;

	*lock = NULL;
	if (!NT_SUCCESS(status))
		return status;
	if (!attributes || !attributes->ParentObject)
		return STATUS_WDF_PARENT_NOT_SPECIFIED;
	parent = us_wdf_from(attributes->ParentObject, NULL);
	if (!us_wdf_ancestor(parent, &us_wdf_device_type))
		return STATUS_INVALID_DEVICE_REQUEST;
	if (!serialize || !parent->lock)
		return STATUS_SUCCESS;
	if (us_wdf_lock_is_passive(parent->lock) != passive)
		return STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL;
	*lock = parent->lock;
	return STATUS_SUCCESS;
}

struct waiter {
	LIST_ENTRY link;
	struct us_thread *thread;
};

void us_wdf_runs_init(struct us_wdf_runs *runs)
{
	memset(runs, 0, sizeof(*runs));
	InitializeListHead(&runs->waiters);
}

static void set_thread(struct us_wdf_runs *runs, const struct us_thread *old, struct us_thread *new)
{
	size_t i;

	for (i = 0; i < THREADS; i++) {
		if (runs->threads[i] != old)
			continue;
		runs->threads[i] = new;
		return;
	}
}

void us_wdf_runs_begin(struct us_wdf_runs *runs)
{
	runs->pending--;
	runs->running++;
	if (us_nt_irql() < DISPATCH_LEVEL)
		set_thread(runs, NULL, us_nt_current());
}

void us_wdf_runs_end(struct us_wdf_runs *runs)
{
	if (us_nt_irql() < DISPATCH_LEVEL)
		set_thread(runs, us_nt_current(), NULL);
	runs->running--;
	while (!IsListEmpty(&runs->waiters)) {
		struct waiter *waiter = CONTAINING_RECORD(RemoveHeadList(&runs->waiters), struct waiter, link);

		us_nt_wake(waiter->thread, STATUS_SUCCESS);
	}
}

bool us_wdf_runs_here(const struct us_wdf_runs *runs)
{
	size_t i;

	for (i = 0; i < THREADS; i++)
		if (runs->threads[i] && runs->threads[i] == us_nt_current())
			return true;
	return false;
}

void us_wdf_runs_wait(struct us_wdf_runs *runs, const struct us_wdf_object *object)
{
	struct waiter waiter = {.thread = us_nt_current()};
	unsigned own = us_wdf_runs_here(runs) ? 1 : 0;

	while (runs->pending + runs->running > own) {
		InsertTailList(&runs->waiters, &waiter.link);
		us_nt_block("the callback of %s to return", us_wdf_name(object));
	}
}
