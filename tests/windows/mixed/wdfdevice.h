/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _WDFDEVICE_H_
#define _WDFDEVICE_H_

#include <DevPropDef.h>
#include <wdmsec.h>

typedef enum _WDF_REQUEST_TYPE WDF_REQUEST_TYPE;

typedef
_Must_inspect_result_
_Some_annotation_of_tomorrow_(0)
_Has_words_
_When_(Answer == 0 && return == 0, _Acquires_lock_(Lock))
WDFAPI
NTSTATUS
(*PFN_WDFDEVICECONFIGURE)(
	_In_ PVOID Globals,
	_In_
	_When_(Length == 0, __drv_reportError(these are words))
	_Deref_out_range_(<=,Length)
	_At_times_
	_At_times_(with, arguments)
	WDF_REQUEST_TYPE Type
	);

VOID
FORCEINLINE
WdfDeviceInterfaceReferenceNoOp(
	_In_ PVOID Context
	)
{
	UNREFERENCED_PARAMETER(Context);
}

FORCEINLINE
VOID
WdfDeviceInterfaceDereferenceNoOp(
	_In_ PVOID Context
	)
{
	UNREFERENCED_PARAMETER(Context);
}

#endif
