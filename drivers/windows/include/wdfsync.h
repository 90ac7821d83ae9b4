/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks: an object's own, wait locks (passive level), spin locks (dispatch level).
 */
#ifndef _WDFSYNC_H_
#define _WDFSYNC_H_

/* [DISPATCH] Takes the lock that serialises the object's callbacks; a device's or queue's. */
WDF_INLINE void WdfObjectAcquireLock(WDFOBJECT Object);

/* [DISPATCH] Gives it back. */
WDF_INLINE void WdfObjectReleaseLock(WDFOBJECT Object);

/* [PASSIVE] A lock to hold at passive level. */
WDF_INLINE NTSTATUS WdfWaitLockCreate(PWDF_OBJECT_ATTRIBUTES LockAttributes, WDFWAITLOCK *Lock);

/*
 * [DISPATCH] Waits for the lock; *Timeout as in WDF_REL_TIMEOUT_IN_MS, 0 tries, NULL waits for ever. Above passive
 * level only a timeout of 0. STATUS_TIMEOUT: not taken.
 */
WDF_INLINE NTSTATUS WdfWaitLockAcquire(WDFWAITLOCK Lock, PLONGLONG Timeout);

/* [DISPATCH] Gives it back. */
WDF_INLINE void WdfWaitLockRelease(WDFWAITLOCK Lock);

/* [DISPATCH] A lock to hold at dispatch level. */
WDF_INLINE NTSTATUS WdfSpinLockCreate(PWDF_OBJECT_ATTRIBUTES SpinLockAttributes, WDFSPINLOCK *SpinLock);

/* [DISPATCH] Raises to dispatch level and takes the lock. */
WDF_INLINE void WdfSpinLockAcquire(WDFSPINLOCK SpinLock);

/* [DISPATCH] Gives it back and returns to the IRQL from before. */
WDF_INLINE void WdfSpinLockRelease(WDFSPINLOCK SpinLock);

#endif
