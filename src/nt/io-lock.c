/* SPDX-License-Identifier: Apache-2.0 */
/* Remove locks (Microsoft, "Using Remove Locks"): a count of who uses a device, and waiting until nobody does. */
#include "nt/io.h"
#include "nt/trace.h"

static void check_size(ULONG size)
{
	/* Free and checked builds of drivers have different locks; their common part comes first in both. */
	if (size < sizeof(IO_REMOVE_LOCK_COMMON_BLOCK))
		us_nt_bugcheck(US_BUGCHECK_IO, US_IO_OWN + 0x19, size, 0, 0, "remove-lock.size",
			       "A remove lock of %u bytes: pass sizeof(IO_REMOVE_LOCK).", (unsigned)size);
}

VOID NTAPI IoInitializeRemoveLockEx(PIO_REMOVE_LOCK lock, ULONG tag, ULONG minutes, ULONG high, ULONG size)
{
	(void)tag;
	(void)minutes;
	(void)high;
	check_size(size);
	memset(lock, 0, size);
	lock->Common.IoCount = 1;
	KeInitializeEvent(&lock->Common.RemoveEvent, SynchronizationEvent, FALSE);
}

NTSTATUS NTAPI IoAcquireRemoveLockEx(PIO_REMOVE_LOCK lock, PVOID tag, PCSTR file, ULONG line, ULONG size)
{
	(void)tag;
	(void)file;
	(void)line;
	check_size(size);
	if (lock->Common.Removed)
		return STATUS_DELETE_PENDING;
	lock->Common.IoCount++;
	return STATUS_SUCCESS;
}

static void release(PIO_REMOVE_LOCK lock, const char *what)
{
	if (lock->Common.IoCount <= 0 || (!lock->Common.Removed && lock->Common.IoCount == 1))
		us_nt_bugcheck(US_BUGCHECK_IO, US_IO_OWN + 0x19, (uintptr_t)lock, 0, 0, "remove-lock.unbalanced",
			       "%s: the remove lock is not acquired.", what);
	if (--lock->Common.IoCount == 0)
		KeSetEvent(&lock->Common.RemoveEvent, IO_NO_INCREMENT, FALSE);
}

VOID NTAPI IoReleaseRemoveLockEx(PIO_REMOVE_LOCK lock, PVOID tag, ULONG size)
{
	(void)tag;
	check_size(size);
	release(lock, "IoReleaseRemoveLock");
}

VOID NTAPI IoReleaseRemoveLockAndWaitEx(PIO_REMOVE_LOCK lock, PVOID tag, ULONG size)
{
	(void)tag;
	check_size(size);
	if (lock->Common.Removed)
		us_nt_bugcheck(US_BUGCHECK_IO, US_IO_OWN + 0x19, (uintptr_t)lock, 0, 0, "remove-lock.removed-twice",
			       "IoReleaseRemoveLockAndWait was called twice for a remove lock.");
	lock->Common.Removed = TRUE;
	lock->Common.IoCount--; /* the one it was born with */
	release(lock, "IoReleaseRemoveLockAndWait (which takes a lock that its caller acquired)");
	if (lock->Common.IoCount > 0)
		KeWaitForSingleObject(&lock->Common.RemoveEvent, Executive, KernelMode, FALSE, NULL);
}
