/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Status values of the framework's own.
 */
#ifndef _WDFSTATUS_H_
#define _WDFSTATUS_H_

#define STATUS_WDF_PAUSED ((NTSTATUS)0xC0200203L) /* the queue or target is stopped for now */
#define STATUS_WDF_BUSY ((NTSTATUS)0xC0200204L) /* requests are waiting in front */

#endif
