/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executive resources: one thread exclusively, or many at once. The owners are in the table that Windows' layout has a
 * pointer for: slot 0 of it says its size; the exclusive owner is in OwnerEntry. Who waits exclusively goes before
 * those who come later to share. Microsoft, "Introduction to ERESOURCE Routines".
 */
#include "nt/ke.h"

#include "nt/phys.h"

#define RESOURCE_TAG 0x65526b4bu /* 'KkRe' */
#define EXCLUSIVE 0x80 /* ERESOURCE.Flag: is owned exclusively */
#define FIRST_SIZE 4

static bool known(const ERESOURCE *resource)
{
	return us_addresses_find(&us_nt->ke->resources, resource) != NULL;
}

static void check(const ERESOURCE *resource, const char *function)
{
	if (!known(resource))
		us_nt_bugcheck(0xC4, 0, (uintptr_t)resource, 0, 0, "resource.uninitialized",
			       "%s was called for a resource %s that was not initialized or is deleted", function,
			       us_nt_where(resource));
}

/* Acquiring and releasing need APCs disabled, or a suspended thread could keep the resource for ever. */
static void check_acquire(const ERESOURCE *resource, const char *function)
{
	check(resource, function);
	if (us_nt_irql() < APC_LEVEL && !us_nt_current()->critical && !us_nt_current()->guarded)
		us_nt_bugcheck(0xC4, 0x37, us_nt_irql(), (uintptr_t)us_nt_current(), (uintptr_t)resource, "apc.enabled",
			       "%s was called with normal kernel APCs enabled; KeEnterCriticalRegion comes before",
			       function);
}

static ERESOURCE_THREAD me(void)
{
	return (ERESOURCE_THREAD)us_nt_current();
}

/* -- life --------------------------------------------------------------------------------------------------------- */

NTSTATUS NTAPI ExInitializeResourceLite(PERESOURCE resource)
{
	if (known(resource))
		us_nt_bugcheck(0xC4, 0, (uintptr_t)resource, 0, 0, "resource.initialized-twice",
			       "ExInitializeResourceLite was called for a resource %s that is in use; "
			       "ExDeleteResourceLite comes before",
			       us_nt_where(resource));
	*resource = (ERESOURCE){0};
	resource->OwnerTable = us_nt_pool_alloc(FIRST_SIZE * sizeof(OWNER_ENTRY), RESOURCE_TAG);
	resource->SharedWaiters = us_nt_pool_alloc(sizeof(KSEMAPHORE), RESOURCE_TAG);
	resource->ExclusiveWaiters = us_nt_pool_alloc(sizeof(KEVENT), RESOURCE_TAG);
	if (!resource->OwnerTable || !resource->SharedWaiters || !resource->ExclusiveWaiters)
		us_nt_stop(US_NT_FAILED, "", "there is no memory left for an executive resource");
	memset(resource->OwnerTable, 0, FIRST_SIZE * sizeof(OWNER_ENTRY));
	resource->OwnerTable[0].TableSize = FIRST_SIZE;
	KeInitializeSemaphore(resource->SharedWaiters, 0, MAXLONG);
	KeInitializeEvent(resource->ExclusiveWaiters, SynchronizationEvent, FALSE);
	us_addresses_add(&us_nt->ke->resources, resource, resource);
	return STATUS_SUCCESS;
}

static void check_free(const ERESOURCE *resource, const char *function)
{
	check(resource, function);
	if (resource->ActiveCount || resource->NumberOfExclusiveWaiters || resource->NumberOfSharedWaiters)
		us_nt_bugcheck(0xC4, 0, (uintptr_t)resource, 0, 0, "resource.in-use",
			       "%s was called for a resource %s that is owned or waited for", function,
			       us_nt_where(resource));
}

NTSTATUS NTAPI ExReinitializeResourceLite(PERESOURCE resource)
{
	check_free(resource, "ExReinitializeResourceLite");
	resource->ContentionCount = 0;
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI ExDeleteResourceLite(PERESOURCE resource)
{
	check_free(resource, "ExDeleteResourceLite");
	us_nt_pool_free(resource->OwnerTable);
	us_nt_pool_free(resource->SharedWaiters);
	us_nt_pool_free(resource->ExclusiveWaiters);
	us_addresses_remove(&us_nt->ke->resources, resource);
	return STATUS_SUCCESS;
}

/* -- owners ------------------------------------------------------------------------------------------------------- */

/* The entry of a sharing thread; NULL: it has none. */
static POWNER_ENTRY sharer(const ERESOURCE *resource, ERESOURCE_THREAD thread)
{
	for (ULONG i = 1; i < resource->OwnerTable[0].TableSize; i++)
		if (resource->OwnerTable[i].OwnerThread == thread && resource->OwnerTable[i].OwnerCount)
			return &resource->OwnerTable[i];
	return NULL;
}

static POWNER_ENTRY new_sharer(PERESOURCE resource)
{
	ULONG size = resource->OwnerTable[0].TableSize;
	POWNER_ENTRY larger;

	for (ULONG i = 1; i < size; i++)
		if (!resource->OwnerTable[i].OwnerCount)
			return &resource->OwnerTable[i];
	larger = us_nt_pool_alloc(2 * size * sizeof(*larger), RESOURCE_TAG);
	if (!larger)
		us_nt_stop(US_NT_FAILED, "", "there is no memory left for the owners of an executive resource");
	memset(larger, 0, 2 * size * sizeof(*larger));
	memcpy(larger, resource->OwnerTable, size * sizeof(*larger));
	us_nt_pool_free(resource->OwnerTable);
	resource->OwnerTable = larger;
	larger[0].TableSize = 2 * size;
	return &larger[size];
}

static bool is_exclusive(const ERESOURCE *resource)
{
	return resource->Flag & EXCLUSIVE;
}

static bool own_exclusively(const ERESOURCE *resource)
{
	return is_exclusive(resource) && resource->OwnerEntry.OwnerThread == me();
}

static void grant_exclusive(PERESOURCE resource)
{
	resource->Flag |= EXCLUSIVE;
	resource->ActiveCount = 1;
	resource->OwnerEntry.OwnerThread = me();
	resource->OwnerEntry.OwnerCount = 1;
}

static void grant_shared(PERESOURCE resource)
{
	POWNER_ENTRY entry = sharer(resource, me());

	if (entry) {
		entry->OwnerCount++;
		return;
	}
	entry = new_sharer(resource);
	entry->OwnerThread = me();
	entry->OwnerCount = 1;
	resource->ActiveCount++;
}

/* -- acquiring ---------------------------------------------------------------------------------------------------- */

BOOLEAN NTAPI ExAcquireResourceExclusiveLite(PERESOURCE resource, BOOLEAN wait)
{
	check_acquire(resource, "ExAcquireResourceExclusiveLite");
	if (own_exclusively(resource)) {
		resource->OwnerEntry.OwnerCount++;
		return TRUE;
	}
	if (resource->ActiveCount && wait && sharer(resource, me()))
		us_nt_bugcheck(0xC4, 0, (uintptr_t)resource, 0, 0, "resource.upgrade",
			       "ExAcquireResourceExclusiveLite was called to wait for a resource %s that the same "
			       "thread shares: it would "
			       "wait for itself for ever",
			       us_nt_where(resource));
	while (resource->ActiveCount) {
		if (!wait)
			return FALSE;
		resource->NumberOfExclusiveWaiters++;
		resource->ContentionCount++;
		us_ke_wait(&resource->ExclusiveWaiters->Header, "the exclusive use of a resource, whose event is");
		resource->NumberOfExclusiveWaiters--;
	}
	grant_exclusive(resource);
	return TRUE;
}

/* How those who share and those who wait exclusively go before one another. */
enum precedence { FAIR, STARVE_EXCLUSIVE, WAIT_FOR_EXCLUSIVE };

static bool can_share(const ERESOURCE *resource, enum precedence precedence)
{
	if (is_exclusive(resource))
		return false;
	if (precedence == STARVE_EXCLUSIVE || !resource->NumberOfExclusiveWaiters)
		return true;
	return precedence == FAIR && sharer(resource, me());
}

static BOOLEAN acquire_shared(PERESOURCE resource, BOOLEAN wait, enum precedence precedence, const char *function)
{
	check_acquire(resource, function);
	if (own_exclusively(resource)) {
		resource->OwnerEntry.OwnerCount++;
		return TRUE;
	}
	while (!can_share(resource, precedence)) {
		if (!wait)
			return FALSE;
		resource->NumberOfSharedWaiters++;
		resource->ContentionCount++;
		us_ke_wait(&resource->SharedWaiters->Header, "the shared use of a resource, whose semaphore is");
		resource->NumberOfSharedWaiters--;
		precedence = STARVE_EXCLUSIVE; /* it was its turn */
	}
	grant_shared(resource);
	return TRUE;
}

BOOLEAN NTAPI ExAcquireResourceSharedLite(PERESOURCE resource, BOOLEAN wait)
{
	return acquire_shared(resource, wait, FAIR, "ExAcquireResourceSharedLite");
}

BOOLEAN NTAPI ExAcquireSharedStarveExclusive(PERESOURCE resource, BOOLEAN wait)
{
	return acquire_shared(resource, wait, STARVE_EXCLUSIVE, "ExAcquireSharedStarveExclusive");
}

BOOLEAN NTAPI ExAcquireSharedWaitForExclusive(PERESOURCE resource, BOOLEAN wait)
{
	return acquire_shared(resource, wait, WAIT_FOR_EXCLUSIVE, "ExAcquireSharedWaitForExclusive");
}

/* -- releasing ---------------------------------------------------------------------------------------------------- */

static void let_sharers_go_on(PERESOURCE resource)
{
	LONG waiting = (LONG)resource->NumberOfSharedWaiters;

	if (waiting)
		KeReleaseSemaphore(resource->SharedWaiters, 0, waiting, FALSE);
}

/* After an exclusive owner those who wait to share go first, after sharers one who waits for exclusive use. */
static void let_others_go_on(PERESOURCE resource, bool was_exclusive)
{
	if (resource->NumberOfExclusiveWaiters && !(was_exclusive && resource->NumberOfSharedWaiters))
		KeSetEvent(resource->ExclusiveWaiters, 0, FALSE);
	else
		let_sharers_go_on(resource);
}

void NTAPI ExReleaseResourceForThreadLite(PERESOURCE resource, ERESOURCE_THREAD thread)
{
	bool exclusive = is_exclusive(resource) && resource->OwnerEntry.OwnerThread == thread;
	POWNER_ENTRY entry;

	check_acquire(resource, "ExReleaseResourceLite");
	entry = exclusive ? &resource->OwnerEntry : sharer(resource, thread);
	if (!entry)
		us_nt_bugcheck(0xE3, (uintptr_t)resource, thread, 0, 0, "resource.not-owned",
			       "ExReleaseResourceLite was called for a resource %s that the thread does not own",
			       us_nt_where(resource));
	if (--entry->OwnerCount)
		return;
	entry->OwnerThread = 0;
	resource->Flag &= (USHORT)~EXCLUSIVE;
	if (--resource->ActiveCount == 0)
		let_others_go_on(resource, exclusive);
}

void NTAPI ExReleaseResourceLite(PERESOURCE resource)
{
	ExReleaseResourceForThreadLite(resource, me());
}

void NTAPI ExConvertExclusiveToSharedLite(PERESOURCE resource)
{
	ULONG count = resource->OwnerEntry.OwnerCount;

	check(resource, "ExConvertExclusiveToSharedLite");
	if (!own_exclusively(resource))
		us_nt_bugcheck(0xE3, (uintptr_t)resource, me(), 0, 0, "resource.not-owned",
			       "ExConvertExclusiveToSharedLite was called for a resource %s that the thread does not "
			       "own exclusively",
			       us_nt_where(resource));
	resource->OwnerEntry = (OWNER_ENTRY){0};
	resource->Flag &= (USHORT)~EXCLUSIVE;
	resource->ActiveCount = 0;
	grant_shared(resource);
	sharer(resource, me())->OwnerCount = count;
	let_sharers_go_on(resource);
}

PVOID NTAPI ExEnterCriticalRegionAndAcquireResourceExclusive(PERESOURCE resource)
{
	KeEnterCriticalRegion();
	ExAcquireResourceExclusiveLite(resource, TRUE);
	return NULL;
}

void NTAPI ExReleaseResourceAndLeaveCriticalRegion(PERESOURCE resource)
{
	ExReleaseResourceLite(resource);
	KeLeaveCriticalRegion();
}

/* -- asking ------------------------------------------------------------------------------------------------------- */

BOOLEAN NTAPI ExIsResourceAcquiredExclusiveLite(PERESOURCE resource)
{
	check(resource, "ExIsResourceAcquiredExclusiveLite");
	return own_exclusively(resource);
}

ULONG NTAPI ExIsResourceAcquiredSharedLite(PERESOURCE resource)
{
	POWNER_ENTRY entry;

	check(resource, "ExIsResourceAcquiredSharedLite");
	if (own_exclusively(resource))
		return resource->OwnerEntry.OwnerCount;
	entry = sharer(resource, me());
	return entry ? entry->OwnerCount : 0;
}

ULONG NTAPI ExGetExclusiveWaiterCount(PERESOURCE resource)
{
	check(resource, "ExGetExclusiveWaiterCount");
	return resource->NumberOfExclusiveWaiters;
}

ULONG NTAPI ExGetSharedWaiterCount(PERESOURCE resource)
{
	check(resource, "ExGetSharedWaiterCount");
	return resource->NumberOfSharedWaiters;
}

/* ke.h: leaks and freed memory. Deleting is so rare that looking at all of them does no harm. */
void us_ke_resource_check_free(const void *at, size_t size)
{
	const struct us_addresses *table = &us_nt->ke->resources;

	for (size_t i = 0; i < table->size && table->used; i++)
		if (table->slots[i].address && (uintptr_t)table->slots[i].address - (uintptr_t)at < size)
			us_nt_bugcheck(
				0xC4, 0xD2, (uintptr_t)table->slots[i].address, (uintptr_t)at, size, "resource.freed",
				"memory was freed in which a resource lies (%s); ExDeleteResourceLite comes before",
				us_nt_where(table->slots[i].address));
}
